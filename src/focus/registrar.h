/* focus/registrar.h -- REGISTER (RFC 3261 10.3): who says where he is, and what he is told.
 *
 * Done here: several Contacts with q and expires, removal by expires 0 and by "*", order by Call-ID
 * and CSeq, 423, queries, all or nothing; Path (RFC 3327), flows of RFC 5626 (reg-id, one binding
 * for each flow of an instance, Flow-Timer, 439), GRUUs of RFC 5627. A phone that comes straight to
 * us (one Via) is met on the path it came by: over UDP when it asked for rport (RFC 3581) or its
 * Contact is not where it sends from, over a connection always. What a proxy brought goes to its
 * Path, else to its Contact.
 *
 * Thread: control.
 */
#ifndef FOCUS_REGISTRAR_H
#define FOCUS_REGISTRAR_H

#include <stdbool.h>

#include "focus/location.h"
#include "sip/request.h"
#include "sip/ua.h"

struct focus;

enum { REGISTRAR_CONTACTS_MAX = 32 }; /* in one request: 400 beyond */

/* Answers at once. */
void registrar_on_register(struct focus *focus, struct sip_stx *tx, const struct sip_msg *request);

/* A binding as others see it; slices are borrowed from it. */
struct registration_view {
	SLICES(texts, id, user, contact, user_agent, path, instance /* absent: none */);
	const char *transport; /* static: "udp", "tcp" ...; NULL: by its Contact or path */
	uint32_t reg_id;       /* 0: no flow of RFC 5626 */
	uint16_t q_thousandths;
	uint64_t expires_wall_ms, updated_wall_ms;
};
void registration_view(const struct binding *binding, struct registration_view *ret_view);

/* The bindings of all users in the order of their names, those of one user in the order of
 * registration: the first behind `after` (absent: the very first). NULL at the end. */
struct binding *focus_registration_next(struct focus *focus, const struct binding *after);
struct binding *focus_registration_find(struct focus *focus, struct slice id);
void focus_registration_remove(struct focus *focus, struct binding *binding);
const struct location_stats *focus_registration_stats(const struct focus *focus);
uint32_t focus_registration_count(const struct focus *focus);
uint32_t focus_registered_users(const struct focus *focus);

/* A location_fn with the focus as its arg: keeps what outlives a restart, and tells. */
void registrar_on_change(void *focus, enum location_change change, const struct binding *binding,
			 const char *cause);

/* From the store, once. */
int registrar_load(struct focus *focus);

/* The Contacts of a request as steps on `aor` (which may be NULL), for REGISTER and for ALLOCATE
 * (focus/numbers.h). Nothing has changed yet. */
struct registrar_plan {
	struct location_step steps[REGISTRAR_CONTACTS_MAX];
	uint32_t count;
	bool is_outbound; /* a flow of RFC 5626 was asked for and can be had */
	uint16_t status;  /* of the refusal when the plan fails */
	const char *reason;
	bool is_too_brief; /* 423: Min-Expires is owed */
};
/* 0, or -EINVAL with status and reason set; the plan is empty then. */
int registrar_plan(struct focus *focus, struct aor *aor, struct sip_stx *tx,
		   const struct sip_msg *request, struct registrar_plan *ret_plan);
void registrar_plan_done(struct registrar_plan *plan); /* frees what was not applied */

/* The Contact lines of the bindings of an address of record. GRUUs only `with_gruu`. */
void registrar_add_contacts(struct focus *focus, struct aor *aor, bool with_gruu, struct buf *out);

/* Ends every registration of this name. */
void registrar_forget(struct focus *focus, struct slice user, const char *cause);

/* Whether this name is a user of ours, registered or not. */
bool registrar_knows(const struct focus *focus, struct slice user);

/* The user's own name for any that it goes by; a name that is no user's stays as it is. */
struct slice registrar_name(const struct focus *focus, struct slice user);

/* The name of the user, number or GRUU's owner that a URI of ours means, registered or not; false
 * when it means nobody (registrar_presence is 0). Cut at `cap`. */
bool registrar_find_user(struct focus *focus, struct slice request_uri, char *ret_name, size_t cap);

/* A sip_locate_fn with the focus as its arg: the phone behind a GRUU of ours, its flow (the latest
 * of several) or Path. */
enum sip_whereabouts registrar_locate(void *focus, const struct sip_uri *uri,
				      struct sip_located *ret_located);

/* 200 for a user, number or GRUU of ours that has a binding, 480 for one that has none, 0 for a
 * name that is no user's: what OPTIONS is answered (RFC 3261 11.2). */
uint16_t registrar_presence(struct focus *focus, struct slice request_uri);
/* That 480 is because of sips: alone (location_lacks_sips). */
bool registrar_lacks_sips(struct focus *focus, struct slice request_uri);

#endif
