#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "focus/participant_priv.h"
#include "tests/support/check.h"

/* Every pair of (state, event) in the order of the enums, "next actions": the state's initial and
 * j(oin) w(ord first) t(ell) h(ang up) l(eave). Written from docs/focus.md, not from the table. */
static const char *const want[PARTICIPANT_STATE_COUNT] = {
	/*                             progress redir estab wait admit held resum kick detach ended
	 */
	[PARTICIPANT_DIALING_IN] = "I        I     Cj    Pt   I     I    I     Xth   Ghl    Gl",
	[PARTICIPANT_DIALING_OUT] = "At       Ot    Cj    Pt   O     O    O     Xth   Ghl    Gl",
	[PARTICIPANT_ALERTING] = "A        Ot    Cj    Pt   A     A    A     Xth   Ghl    Gl",
	[PARTICIPANT_PENDING] = "P        P     P     P    Cj    P    P     Xwt   Ghl    Gl",
	[PARTICIPANT_CONNECTED] = "C        C     C     C    C     Ht   C     Xwt   Ghl    Gl",
	[PARTICIPANT_ON_HOLD] = "H        H     H     H    H     H    Ct    Xth   Ghl    Gl",
	[PARTICIPANT_DISCONNECTING] = "X        X     X     X    X     X    X     X     Gl     Gl",
	[PARTICIPANT_DISCONNECTED] = "G        G     G     G    G     G    G     G     G      G",
};

static char *row_text(const struct participant_row *row, char out[8])
{
	static const char letters[] = "IOAPCHXG";
	char *p = out;

	*p++ = letters[row->next];
	if (row->actions & PARTICIPANT_DO_JOIN)
		*p++ = 'j';
	if (row->actions & PARTICIPANT_DO_PART)
		*p++ = 'w';
	if (row->actions & PARTICIPANT_DO_TELL)
		*p++ = 't';
	if (row->actions & PARTICIPANT_DO_HANG_UP)
		*p++ = 'h';
	if (row->actions & PARTICIPANT_DO_LEAVE)
		*p++ = 'l';
	*p = '\0';
	return out;
}

static void every_pair(void)
{
	int pairs = 0;

	for (unsigned state = 0; state < PARTICIPANT_STATE_COUNT; state++) {
		char line[128], *save = NULL;
		char *cell = strtok_r(strcpy(line, want[state]), " ", &save);

		for (unsigned event = 0; event < PARTICIPANT_EV_COUNT; event++, pairs++) {
			char name[64], got[8];

			snprintf(name, sizeof(name), "%s, event %u",
				 participant_state_name((enum participant_state)state), event);
			if (!CHECK(name, cell != NULL))
				break;
			CHECK_STR(name,
				  row_text(participant_row(state, (enum participant_event)event),
					   got),
				  cell);
			cell = strtok_r(NULL, " ", &save);
		}
		CHECK("no cell is left over", cell == NULL);
	}
	CHECK_INT("pairs", pairs, PARTICIPANT_STATE_COUNT * PARTICIPANT_EV_COUNT);
}

/* Whoever leaves does so once, and never comes back. */
static void leaving_is_final(void)
{
	for (unsigned state = 0; state < PARTICIPANT_STATE_COUNT; state++) {
		for (unsigned event = 0; event < PARTICIPANT_EV_COUNT; event++) {
			const struct participant_row *row = participant_row(
				state, (enum participant_event)event);
			bool is_leaving = row->actions & PARTICIPANT_DO_LEAVE;

			CHECK_INT(NULL, is_leaving,
				  row->next == PARTICIPANT_DISCONNECTED &&
					  state != PARTICIPANT_DISCONNECTED);
		}
	}
}

void suite_participant_state(void)
{
	CHECK_SUITE("participant_state");
	CHECK_TEST(every_pair);
	CHECK_TEST(leaving_is_final);
}
