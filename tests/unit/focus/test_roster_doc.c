#include "base/attr.h"
#include "focus/roster_doc.h"
#include "tests/support/check.h"

static struct roster_head head_of(enum roster_state state)
{
	return (struct roster_head){
		.entity = SLICE("sip:lobby@example.org"),
		.state = state,
		.version = 7,
		.display_text = SLICE("lobby"),
		.users_max = 10,
		.users = 2,
	};
}

static void full(void)
{
	struct roster_head head = head_of(ROSTER_FULL);
	struct buf out = BUF_INIT;

	roster_head_write(&out, &head);
	roster_user_open(&out, &(struct roster_user){.entity = SLICE("sip:anna@example.org"),
						     .display_text = SLICE("Anna & Co"),
						     .is_host = true});
	roster_endpoint_write(&out, &(struct roster_endpoint){
					    .entity = SLICE("sip:anna@example.org;gr=a1"),
					    .status = SLICE("connected"),
					    .has_media = true,
					    .is_sending = true,
					    .is_receiving = true,
					    .joined_wall_ms = 1700000000000,
					    .referred_by = SLICE("sip:bert@example.org"),
				    });
	roster_user_close(&out);
	roster_tail_write(&out, &head);
	CHECK_SLICE(NULL, buf_slice(&out),
		    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		    "<conference-info xmlns=\"urn:ietf:params:xml:ns:conference-info\""
		    " xmlns:h=\"urn:hearth:conference\" entity=\"sip:lobby@example.org\""
		    " state=\"full\" version=\"7\">"
		    "<conference-description><display-text>lobby</display-text><conf-uris><entry>"
		    "<uri>sip:lobby@example.org</uri><purpose>participation</purpose></entry>"
		    "</conf-uris><maximum-user-count>10</maximum-user-count><available-media>"
		    "<entry label=\"1\"><type>audio</type><status>sendrecv</status></entry>"
		    "</available-media></conference-description>"
		    "<conference-state><user-count>2</user-count><active>true</active>"
		    "<locked>false</locked></conference-state><users state=\"full\">"
		    "<user entity=\"sip:anna@example.org\" state=\"full\">"
		    "<display-text>Anna &amp; Co</display-text>"
		    "<roles><entry>moderator</entry></roles>"
		    "<endpoint entity=\"sip:anna@example.org;gr=a1\" state=\"full\">"
		    "<referred><by>sip:bert@example.org</by></referred><status>connected</status>"
		    "<joining-method>dialed-in</joining-method><joining-info>"
		    "<when>2023-11-14T22:13:20Z</when></joining-info>"
		    "<media id=\"1\"><type>audio</type><label>1</label><status>sendrecv</status>"
		    "</media><h:muted>false</h:muted><h:talking>false</h:talking></endpoint></user>"
		    "</users></conference-info>\n");
	buf_done(&out);
}

static void partial(void)
{
	struct roster_head head = head_of(ROSTER_PARTIAL);
	struct buf out = BUF_INIT;

	roster_head_write(&out, &head);
	roster_user_open(&out, &(struct roster_user){.entity = SLICE("sip:anna@example.org"),
						     .state = ROSTER_DELETED});
	roster_endpoint_write(&out, &(struct roster_endpoint){
					    .entity = SLICE("sip:anna@example.org;gr=a1"),
					    .is_deleted = true,
					    .is_dialed_out = true,
					    .status = SLICE("disconnected"),
					    .disconnection = "busy",
					    .left_wall_ms = 1700000000000,
					    .reason = SLICE("busy"),
				    });
	roster_user_close(&out);
	roster_tail_write(&out, &head);
	CHECK("no description",
	      !strstr(out.p, "conference-description") && strstr(out.p, "state=\"partial\""));
	CHECK("who left, and how",
	      strstr(out.p, "<user entity=\"sip:anna@example.org\" state=\"deleted\">"
			    "<endpoint entity=\"sip:anna@example.org;gr=a1\" state=\"deleted\">"
			    "<status>disconnected</status>"
			    "<joining-method>dialed-out</joining-method>"
			    "<disconnection-method>busy</disconnection-method>"
			    "<disconnection-info><when>2023-11-14T22:13:20Z</when>"
			    "<reason>busy</reason></disconnection-info></endpoint></user>"));
	buf_done(&out);
}

static void deleted(void)
{
	struct roster_head head = head_of(ROSTER_DELETED);
	struct buf out = BUF_INIT;

	roster_head_write(&out, &head);
	roster_tail_write(&out, &head);
	CHECK("only the head", strstr(out.p, " state=\"deleted\" version=\"7\"/>\n"));
	buf_done(&out);
}

static void media(void)
{
	static const struct {
		const char *name;
		bool is_sending, is_receiving;
	} rows[] = {
		{"<status>sendrecv</status></media>", true, true},
		{"<status>sendonly</status></media>", true, false},
		{"<status>recvonly</status></media>", false, true},
		{"<status>inactive</status></media>", false, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf out = BUF_INIT;

		roster_endpoint_write(&out, &(struct roster_endpoint){
						    .entity = SLICE("e"),
						    .status = SLICE("connected"),
						    .has_media = true,
						    .is_sending = rows[i].is_sending,
						    .is_receiving = rows[i].is_receiving,
					    });
		CHECK(rows[i].name, strstr(out.p, rows[i].name));
		buf_done(&out);
	}
}

void suite_roster_doc(void)
{
	CHECK_SUITE("roster_doc");
	CHECK_TEST(full);
	CHECK_TEST(partial);
	CHECK_TEST(deleted);
	CHECK_TEST(media);
}
