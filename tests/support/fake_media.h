/* tests/support/fake_media.h -- a mixer without sound behind src/media.h.
 *
 * It keeps what it was told, so that a test can look; it fails on demand; it closes legs only
 * some time after it was told, as workers do; and it counts every misuse of the contract. Thread:
 * the test's.
 */
#ifndef TESTS_SUPPORT_FAKE_MEDIA_H
#define TESTS_SUPPORT_FAKE_MEDIA_H

#include "base/list.h"
#include "base/wheel.h"
#include "media.h"

enum fake_op {
	FAKE_ROOM_OPEN,
	FAKE_LEG_OPEN,
	FAKE_LEG_SET,
	FAKE_LEG_CONTROL,
	FAKE_LEG_DIGITS,
	FAKE_LEG_MOVE,
	FAKE_LEG_STATS,
	FAKE_PLAY_START,
	FAKE_RECORD_START,
	FAKE_OP_COUNT
};

struct fake_media;

/* What is played; gone with its end. */
struct fake_play {
	struct fake_media *media;
	struct list node;
	struct timer ending;
	handle self;
	struct media_play play; /* sounds not kept */
	uint32_t sound_count;
	struct media_play_control control; /* the last one */
	uint64_t position_ms;              /* of the last seek, or as the test sets it */
	int err;                           /* told with its end; the test may set it */
	char first[MEDIA_PATH_MAX]; /* path of the first sound that is a file, "" none */
};

struct fake_leg {
	struct fake_media *media;
	struct list node;
	struct timer closing;
	handle self, room;
	uint64_t tag;
	bool is_closing, has_params;
	struct addr local;
	struct media_leg_params params;
	struct media_leg_control control;
	struct media_leg_stats stats; /* the test may fill it */
	char digits[2 * MEDIA_DIGITS_MAX + 1]; /* that it was told to send, the last ones */
};

/* `close_delay_ms`: from leg_close to MEDIA_LEG_CLOSED. Ports are counted, not bound. */
int fake_media_new(struct wheel *wheel, uint32_t close_delay_ms, struct fake_media **ret_media);
struct fake_media *fake_media_free(struct fake_media *media);
struct media fake_media_ops(struct fake_media *media);
void fake_media_listen(struct fake_media *media, media_event_fn *on_event, void *arg);

/* After `skip` more calls of `op`, the next `times` give `err`. */
void fake_media_fail(struct fake_media *media, enum fake_op op, int err, uint32_t skip,
		     uint32_t times);
/* Legs beyond `max` get ERR_MEDIA_NO_PORTS. */
void fake_media_set_ports(struct fake_media *media, uint32_t max);

struct fake_leg *fake_media_leg(struct fake_media *media, handle leg); /* NULL when gone */
/* The leg whose local RTP port is `port`, NULL. */
struct fake_leg *fake_media_leg_at(struct fake_media *media, uint16_t port);
/* Tells the focus, as if from the loop; leg and tag are filled in. */
void fake_media_tell(struct fake_leg *leg, struct media_event event);
/* The leg closes without having been told to. */
void fake_media_break(struct fake_leg *leg);

/* The play that this leg, or (leg 0) this room, hears now; NULL none, the newest of several. */
struct fake_play *fake_media_play(struct fake_media *media, handle leg, handle room);
/* It has been heard to its end. */
void fake_media_play_over(struct fake_media *media, struct fake_play *play);
uint32_t fake_media_plays(const struct fake_media *media);

/* The recording of a room: how long it and those of legs are, whether it is paused, and its end. */
void fake_media_record_length(struct fake_media *media, uint64_t ms);
bool fake_media_record_is_paused(const struct fake_media *media);
void fake_media_record_over(struct fake_media *media, int err);
/* The same of a recording of this leg; false: there is none. */
bool fake_media_track_over(struct fake_media *media, handle leg, int err);
/* Those that were stopped end. */
void fake_media_tracks_over(struct fake_media *media);
/* Recordings of legs that run, or that were stopped and have not ended yet. */
uint32_t fake_media_tracks(const struct fake_media *media, bool is_stopped);

/* What is still held, and what was done wrong (operations on what is gone, rooms closed over legs).
 */
struct media_room_policy fake_media_policy(const struct fake_media *media, handle room);
uint32_t fake_media_rooms(const struct fake_media *media);
uint32_t fake_media_legs(const struct fake_media *media);
uint32_t fake_media_misuses(const struct fake_media *media);
uint32_t fake_media_calls(const struct fake_media *media, enum fake_op op);

#endif
