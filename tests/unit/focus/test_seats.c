#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "focus/ban.h"
#include "focus/focus_priv.h"
#include "focus/modes.h"
#include "focus/participant_priv.h"
#include "focus/recording.h"
#include "focus/room_priv.h"
#include "focus/seats.h"
#include "sip/request.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"

#define CENTRAL "sip:central@" WORLD_PHONES
#define TOKEN "abcdefghijklmnop"
#define OTHER_TOKEN "ponmlkjihgfedcba"

/* Letting go ------------------------------------------------------------------------------------
 */

struct old {
	struct world *world;
	struct phone *anna, *bert, *central;
};

/* A lobby with a moderator who is quiet and a guest who is muted; the other focus takes seats, or
 * knows nothing of them. */
static struct old old_new(bool takes_seats)
{
	struct old old = {.world = world_new(NULL)};
	struct room_settings settings = {.is_locked = true,
					 .participants_max = 2,
					 .codecs = "PCMU,opus",
					 .ends_with_moderator = true,
					 .language = "es",
					 .closes_wall_ms = 1800000000000};
	struct ban *ban;
	struct participant *p;

	if (takes_seats)
		CHECK_INT(NULL, sip_ua_set_info_packages(old.world->phones_ua, SEATS_PACKAGE), 0);
	old.central = world_phone(old.world, "central");
	old.central->contact_params = "isfocus";
	old.central->info_status = 200;
	old.anna = world_join(old.world, "anna", "lobby");
	old.bert = world_join(old.world, "bert", "lobby");
	phone_participant(old.anna, "lobby")->role = PARTICIPANT_MODERATOR;
	p = phone_participant(old.bert, "lobby");
	snprintf(p->display_name, sizeof(p->display_name), "Bert B");
	CHECK_INT(NULL,
		  focus_participant_set(
			  old.world->focus, p,
			  &(struct participant_control){.is_muted = true, .gain_db = -3.5}),
		  0);
	CHECK_INT(NULL, focus_room_set(old.world->focus, world_room(old.world, "lobby"), &settings),
		  0);
	CHECK_INT(NULL,
		  focus_ban(old.world->focus, world_room(old.world, "lobby"),
			    SLICE("sip:mallory@10.0.0.2"), &ban),
		  0);
	return old;
}

static int begin(struct old *old)
{
	return focus_migrate(old->world->focus, world_room(old->world, "lobby"), SLICE(CENTRAL));
}

static bool tells(const struct phone *phone, const char *text)
{
	return phone->infos.len && strstr(phone->infos.p, text);
}

static void told_before_they_go(void)
{
	struct old old = old_new(true);

	CHECK_INT(NULL,
		  focus_participant_set_groups(
			  old.world->focus, phone_participant(old.anna, "lobby"),
			  &(struct groups_wish){
				  .has_hears = true,
				  .hears = {.count = 2, .names = {SLICE("main"), SLICE("fr")}}}),
		  0);
	CHECK_INT("full and locked, and yet it moves", begin(&old), 0);
	world_run(old.world, 3000);
	CHECK("the room", tells(old.central, "room locked max_participants=2 end_with_moderator "
					     "codecs=PCMU%2Copus language=es "
					     "closes_at=1800000000000\n"));
	CHECK("who may not come", tells(old.central, "ban sip%3Amallory%4010.0.0.2\n"));
	CHECK("anna", tells(old.central, " uri=sip%3Aanna%4010.0.0.2%3A5060 moderator admitted "
					 "speaks=main hears=main%20fr hears-not=\n"));
	CHECK("bert", tells(old.central, " name=Bert%20B admitted muted gain=-350\n"));
	CHECK("each with a seat", strstr(old.anna->refer_to, CENTRAL ";seat=") &&
					  strstr(old.bert->refer_to, CENTRAL ";seat="));
	CHECK("of one's own", strcmp(old.anna->refer_to, old.bert->refer_to) != 0);
	CHECK("that was told", tells(old.central, strstr(old.bert->refer_to, ";seat=") + 6));
	CHECK("all have gone", old.anna->has_ended && old.bert->has_ended);
	world_end(old.world, "told_before_they_go");
}

/* A focus of another make is told nothing and sees nothing strange. */
static void foreign_focus(void)
{
	struct old old = old_new(false);

	CHECK_INT(NULL, begin(&old), 0);
	world_run(old.world, 3000);
	CHECK_INT("no INFO", old.central->infos.len, 0);
	CHECK_STR("a plain URI", old.anna->refer_to, CENTRAL);
	CHECK("all have gone", old.anna->has_ended && old.bert->has_ended);
	world_end(old.world, "foreign_focus");
}

/* One that says it takes seats, and then does not. */
static void seats_refused(void)
{
	static const uint16_t statuses[] = {403, 413, 469, 500};

	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		struct old old = old_new(true);
		char row[32];

		snprintf(row, sizeof(row), "INFO gets %u", statuses[i]);
		old.central->info_status = statuses[i];
		CHECK_INT(row, begin(&old), 0);
		world_run(old.world, 3000);
		CHECK_STR(row, old.bert->refer_to, CENTRAL);
		CHECK(row, old.anna->has_ended && old.bert->has_ended);
		world_end(old.world, row);
	}
}

static void who_stays_and_leaves_is_told(void)
{
	struct old old = old_new(true);
	char left[64];

	old.bert->refer_status = 0;
	CHECK_INT(NULL, begin(&old), 0);
	world_run(old.world, 3000);
	CHECK("bert is carried", old.bert->call && old.central->call && old.anna->has_ended);
	CHECK("nobody has left", !tells(old.central, "left "));
	snprintf(left, sizeof(left), "left %s\n", phone_participant(old.bert, "lobby")->seat_token);
	world_run(old.world, 120000);
	CHECK("he stays, though the moderator has gone on", old.bert->call != NULL);
	phone_hang_up(old.bert);
	world_run(old.world, 1000);
	CHECK(left, tells(old.central, left));
	CHECK("then the bridge goes", old.central->has_ended);
	world_end(old.world, "who_stays_and_leaves_is_told");
}

static void many_in_several(void)
{
	struct old old = old_new(true);
	struct phone *phones[30];
	struct room_settings settings = {0};

	CHECK_INT(NULL, focus_room_set(old.world->focus, world_room(old.world, "lobby"), &settings),
		  0);
	for (size_t i = 0; i < ARRAY_LEN(phones); i++) {
		char name[16];

		snprintf(name, sizeof(name), "phone%zu", i);
		phones[i] = world_join(old.world, name, "lobby");
	}
	CHECK_INT(NULL, begin(&old), 0);
	world_run(old.world, 5000);
	for (size_t i = 0; i < ARRAY_LEN(phones); i++)
		CHECK(phones[i]->user,
		      phones[i]->has_ended &&
			      tells(old.central, strstr(phones[i]->refer_to, ";seat=") + 6));
	world_end(old.world, "many_in_several");
}

/* Taking in -------------------------------------------------------------------------------------
 */

static uint16_t info_status;
static bool info_says_recorded;

static void on_info_reply(void *arg, struct sip_call *call, const struct sip_msg *response)
{
	(void)arg;
	(void)call;
	info_status = response ? response->status : 0;
	info_says_recorded = response && seats_are_recorded(response);
}

static uint16_t bring(struct phone *phone, const char *type, const char *body)
{
	info_status = 0;
	CHECK_INT(NULL,
		  sip_call_request(phone->call,
				   &(struct sip_call_request){
					   .method = "INFO",
					   .headers = "Info-Package: " SEATS_PACKAGE "\r\n",
					   .content_type = type,
					   .body = slice_of(body),
					   .on_reply = on_info_reply,
				   }),
		  0);
	world_run(phone->world, 200);
	return info_status;
}

/* Another Hearth has made a conference and brings two people. */
struct fresh {
	struct world *world;
	struct phone *bridge;
	char room[ROOM_ID_MAX + 1], seat[128];
};

static struct fresh fresh_new(const char *config)
{
	struct fresh fresh = {.world = world_new(&(struct world_options){.config = config})};
	struct room *room;

	fresh.bridge = world_phone(fresh.world, "old");
	fresh.bridge->contact_params = "isfocus";
	phone_dial(fresh.bridge, "conference-factory");
	world_run(fresh.world, 500);
	room = focus_room_next(fresh.world->focus, SLICE_NONE);
	slice_cstr(slice_of(room->id), fresh.room, sizeof(fresh.room));
	snprintf(fresh.seat, sizeof(fresh.seat), "sip:%s@" WORLD_SERVER ";seat=" TOKEN, room->id);
	return fresh;
}

#define ANNA                                                                                       \
	"seat " TOKEN " uri=sip%3Aanna%4010.0.0.2%3A5060 name=Anna%20A moderator muted "           \
	"gain=-350\n"
#define CARL "seat " OTHER_TOKEN " uri=sip%3Acarl%4010.0.0.2%3A5060 deaf volume=600\n"

static void seat_is_taken(void)
{
	struct fresh fresh = fresh_new(NULL);
	struct phone *anna = world_phone(fresh.world, "anna"), *late, *again;
	struct participant_awaited awaited;
	struct participant *p, *bridge = phone_participant(fresh.bridge, fresh.room);

	CHECK_INT(NULL,
		  bring(fresh.bridge, SEATS_CONTENT_TYPE,
			"room locked max_participants=1 codecs=PCMU%2Copus\nban "
			"sip%3Alate%4010.0.0.2\n" ANNA CARL),
		  200);
	CHECK("locked", world_room(fresh.world, fresh.room)->settings.is_locked);
	CHECK_STR("codecs", world_room(fresh.world, fresh.room)->settings.codecs, "PCMU,opus");
	CHECK_INT("the bridge is no person", world_roster(fresh.world, fresh.room), 0);
	CHECK("and no host", !bridge->is_host && bridge->role == PARTICIPANT_MODERATOR);
	CHECK("who is awaited is shown", participant_awaited(bridge, 0, &awaited));
	CHECK_INT(NULL, slice_is(awaited.display_name, "Anna A"), true);
	CHECK("both", participant_awaited(bridge, 1, &awaited) &&
			      !participant_awaited(bridge, 2, &awaited));
	late = world_phone(fresh.world, "late");
	phone_dial(late, fresh.room);
	anna->display_name = "A. at home";
	phone_dial(anna, fresh.seat);
	world_run(fresh.world, 500);
	CHECK("who is banned there is banned here",
	      ban_holds(world_room(fresh.world, fresh.room), "sip:late@10.0.0.2"));
	CHECK_INT("anna does not", anna->final_status, 200);
	p = phone_participant(anna, fresh.room);
	CHECK("as she was", p->role == PARTICIPANT_MODERATOR && p->control.is_muted &&
				    p->control.gain_db == -3.5);
	CHECK_STR("by the name that the others know", p->display_name, "Anna A");
	CHECK_INT("muted in the mix", world_leg(fresh.world, p)->control.is_muted, true);
	CHECK_INT("the bridge has no moderator behind it", bridge->role, PARTICIPANT_GUEST);
	CHECK_INT("she is shown once", seats_free(world_room(fresh.world, fresh.room)), 1);
	again = world_phone(fresh.world, "again");
	phone_dial(again, fresh.seat);
	world_run(fresh.world, 500);
	CHECK_INT("a token is good once", again->final_status, 486);
	CHECK_INT("carl leaves", bring(fresh.bridge, SEATS_CONTENT_TYPE, "left " OTHER_TOKEN "\n"),
		  200);
	CHECK("nobody is behind the bridge", !participant_awaited(bridge, 0, &awaited));
	world_end(fresh.world, "seat_is_taken");
}

/* A room of which everything is set is the same room there. */
static void settings_travel(void)
{
	static const char all[] =
		"room locked muted max_participants=10 loudest=0 noise_gate_dbov=-50 guests_muted "
		"lobby wait_for_moderator end_with_moderator tones codecs=opus record=tracks names "
		"denoise auto_level inband_dtmf pass_dtmf language=es "
		"closes_at=1900000000000\n";
	const struct room_setting *setting;
	struct fresh fresh = fresh_new(NULL);
	struct room *room = world_room(fresh.world, fresh.room);
	struct buf out = BUF_INIT;

	CHECK_INT(NULL, bring(fresh.bridge, SEATS_CONTENT_TYPE, all), 200);
	for (size_t i = 0; (setting = room_setting_at(i)); i++)
		if (!room_setting_is_text(setting) && strstr(all, setting->name))
			CHECK(setting->name, room_setting_number(&room->settings, setting) !=
						     room_setting_none(setting));
	CHECK("the loudest: all", room->settings.has_loudest && room->settings.loudest == 0);
	CHECK_INT("gate", room->settings.noise_gate_dbov, -50);
	slice_cstr(SLICE("anna"), room->settings.owner, sizeof(room->settings.owner));
	seats_write_room(room, &out);
	CHECK_SLICE("and as it came it goes on", buf_slice(&out), all);
	CHECK_INT("bring", bring(fresh.bridge, SEATS_CONTENT_TYPE, "room owner=eve\n"), 200);
	CHECK_STR("users of theirs own nothing here", room->settings.owner, "");
	buf_done(&out);
	world_end(fresh.world, "settings_travel");
}

static const struct recording_start MIX = {.format = MEDIA_RECORD_WAV};

static const char *recordings_in(char config[128])
{
	static char dir[64];

	snprintf(dir, sizeof(dir), "/tmp/hearth-seats-XXXXXX");
	CHECK("dir", mkdtemp(dir) != NULL);
	snprintf(config, 128, "recordings.path=%s", dir);
	return dir;
}

static void remove_dir(const char *dir)
{
	char command[96];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	CHECK_INT("removed", system(command), 0);
}

/* What is recorded here is recorded on there, by the policy of there. */
static void recorded_on(void)
{
	static const struct {
		const char *name, *line, *config;
		bool is_recorded, has_tracks;
	} rows[] = {
		{"not recorded", "room locked\n", "", false, false},
		{"the mix", "room recording=mix locked\n", "", true, false},
		{"with tracks", "room recording=tracks\n", "", true, true},
		{"a word of a later day", "room recording=video\n", "", false, false},
		{"not wanted here", "room recording=mix\n", "recordings.moved=false\n", false,
		 false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char path[128], config[256];
		const char *dir = recordings_in(path);
		struct fresh fresh;
		struct recording_view view;
		struct room *room;

		snprintf(config, sizeof(config), "%s%s\n", rows[i].config, path);
		fresh = fresh_new(config);
		CHECK_INT(rows[i].name, bring(fresh.bridge, SEATS_CONTENT_TYPE, rows[i].line), 200);
		room = world_room(fresh.world, fresh.room);
		CHECK(rows[i].name, (room->recording != NULL) == rows[i].is_recorded);
		CHECK_INT(rows[i].name, info_says_recorded, rows[i].is_recorded);
		if (room->recording) {
			CHECK_INT(rows[i].name, recording_kind(room),
				  rows[i].has_tracks ? ROOM_RECORD_TRACKS : ROOM_RECORD_MIX);
			recording_view(room->recording, &view);
			CHECK_SLICE(rows[i].name, view.room_id, fresh.room);
		}
		world_end(fresh.world, rows[i].name);
		remove_dir(dir);
	}
}

/* What a room is set to records the next who comes, by the policy of here; not what was stopped. */
static void record_travels(void)
{
	static const struct {
		const char *name, *line, *config;
		enum room_record own, want;
		bool is_declined;
	} rows[] = {
		{"set", "room record=mix\n", "", ROOM_RECORD_OFF, ROOM_RECORD_MIX, false},
		{"not set", "room locked\n", "", ROOM_RECORD_OFF, ROOM_RECORD_OFF, false},
		{"not wanted here", "room record=mix\n", "recordings.moved=false", ROOM_RECORD_OFF,
		 ROOM_RECORD_OFF, false},
		{"the factory's own stays", "room locked\n", "", ROOM_RECORD_MIX, ROOM_RECORD_MIX,
		 false},
		{"the conference's goes before it", "room record=tracks\n", "", ROOM_RECORD_MIX,
		 ROOM_RECORD_TRACKS, false},
		{"of a later day", "room record=video\n", "", ROOM_RECORD_OFF, ROOM_RECORD_OFF,
		 false},
		{"stopped", "room record=mix recording=stopped\n", "", ROOM_RECORD_OFF,
		 ROOM_RECORD_MIX, true},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fresh fresh = fresh_new(rows[i].config);
		struct room *room = world_room(fresh.world, fresh.room);

		room->settings.record = (uint8_t)rows[i].own;
		CHECK_INT(rows[i].name, bring(fresh.bridge, SEATS_CONTENT_TYPE, rows[i].line), 200);
		CHECK_INT(rows[i].name, room->settings.record, rows[i].want);
		CHECK_INT(rows[i].name, room->is_recording_declined, rows[i].is_declined);
		world_end(fresh.world, rows[i].name);
	}
}

/* That it was stopped is told, and only that. */
static void stopped_is_told(void)
{
	struct old old = old_new(true);

	world_room(old.world, "lobby")->is_recording_declined = true;
	CHECK_INT(NULL, begin(&old), 0);
	world_run(old.world, 3000);
	CHECK("stopped", tells(old.central, " recording=stopped\n"));
	world_end(old.world, "stopped_is_told");
}

/* Here it stops when it went on there and all have gone who can, and not otherwise; whoever is left
 * when the bridge breaks is recorded again. */
static void recording_stops(void)
{
	static const struct {
		const char *name, *says;
		bool is_stopped;
	} rows[] = {
		{"recorded there", SEATS_RECORDED ": yes\r\n", true},
		{"not recorded there", NULL, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct old old = old_new(true);
		struct room *room = world_room(old.world, "lobby");
		struct recording *recording;
		char path[128];
		const char *dir = recordings_in(path);
		struct buf errors = BUF_INIT;

		CHECK_INT(NULL, config_set(old.world->config, path, &errors), 0);
		old.central->info_headers = rows[i].says;
		old.bert->refer_status = 0;
		CHECK_INT(NULL, focus_recording_start(old.world->focus, room, &MIX, &recording), 0);
		CHECK_INT(NULL, begin(&old), 0);
		world_run(old.world, 3000);
		CHECK(rows[i].name, tells(old.central, " recording=mix\n"));
		CHECK("bert is carried", old.bert->call && old.anna->has_ended);
		CHECK(rows[i].name, (room->recording == NULL) == rows[i].is_stopped);
		phone_hang_up(old.central);
		world_run(old.world, 1000);
		CHECK("bert stays, and is recorded", old.bert->call && room->recording);
		CHECK(rows[i].name, (room->recording != recording) == rows[i].is_stopped);
		world_end(old.world, rows[i].name);
		remove_dir(dir);
	}
}

/* Who hears whom goes along by name; what cannot be had silences, and lets nothing out. */
static void groups_travel(void)
{
	static const struct {
		const char *name, *words, *speaks, *hears, *hears_not;
		bool is_muted;
	} rows[] = {
		{"as everybody", "", "main", "main", "", false},
		{"a coach", " speaks=coach-x hears=* hears-not=", "coach-x", "*", "", false},
		{"who is coached", " speaks=main hears=main%20coach-x hears-not=", "main",
		 "main coach-x", "", false},
		{"who speaks to nobody", " speaks= hears=main hears-not=desk", "", "main", "desk",
		 false},
		{"no name", " speaks=a%2Fb hears=main hears-not=", "main", "main", "", true},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fresh fresh = fresh_new(NULL);
		struct phone *anna = world_phone(fresh.world, "anna");
		struct participant *p;
		char body[256];

		snprintf(body, sizeof(body), "seat " TOKEN "%s\n", rows[i].words);
		CHECK_INT(rows[i].name, bring(fresh.bridge, SEATS_CONTENT_TYPE, body), 200);
		phone_dial(anna, fresh.seat);
		world_run(fresh.world, 500);
		p = phone_participant(anna, fresh.room);
		CHECK_SLICE(rows[i].name, groups_texts(p).speaks, rows[i].speaks);
		CHECK_SLICE(rows[i].name, groups_texts(p).hears, rows[i].hears);
		CHECK_SLICE(rows[i].name, groups_texts(p).hears_not, rows[i].hears_not);
		CHECK_INT(rows[i].name, p->control.is_muted, rows[i].is_muted);
		world_end(fresh.world, rows[i].name);
	}
}

static int coach_bert(struct old *old)
{
	return focus_participant_set_mode(old->world->focus, phone_participant(old->anna, "lobby"),
					  MODE_COACH, phone_participant(old->bert, "lobby"));
}

/* Ids are of one server: whom somebody coaches is named by the seat. */
static void coach_is_told(void)
{
	struct old old = old_new(true);
	char want[64];

	CHECK_INT(NULL, coach_bert(&old), 0);
	CHECK_INT(NULL, begin(&old), 0);
	world_run(old.world, 3000);
	snprintf(want, sizeof(want), " coaches=%.16s ", strstr(old.bert->refer_to, ";seat=") + 6);
	CHECK("anna coaches bert", tells(old.central, want));
	CHECK("bert coaches nobody",
	      strstr(strstr(old.central->infos.p, " coaches=") + 1, " coaches=") == NULL);
	world_end(old.world, "coach_is_told");
}

#define COACH                                                                                      \
	"seat " TOKEN " uri=sip%3Aanna%40there speaks=coach-x hears=* hears-not= "                 \
	"coaches=" OTHER_TOKEN "\n"
#define COACHED                                                                                    \
	"seat " OTHER_TOKEN " uri=sip%3Acarl%40there speaks=main hears=main%20coach-x "            \
	"hears-not=\n"

struct lesson {
	struct fresh fresh;
	struct phone *anna, *carl;
};

static struct lesson lesson_new(void)
{
	struct lesson lesson = {.fresh = fresh_new(NULL)};

	lesson.anna = world_phone(lesson.fresh.world, "anna");
	lesson.carl = world_phone(lesson.fresh.world, "carl");
	CHECK_INT(NULL, bring(lesson.fresh.bridge, SEATS_CONTENT_TYPE, COACH COACHED), 200);
	return lesson;
}

static struct participant *comes(struct lesson *lesson, struct phone *phone)
{
	char seat[128];

	snprintf(seat, sizeof(seat), "%s", lesson->fresh.seat);
	if (phone == lesson->carl)
		memcpy(strstr(seat, TOKEN), OTHER_TOKEN, strlen(TOKEN));
	phone_dial(phone, seat);
	world_run(lesson->fresh.world, 500);
	return phone_participant(phone, lesson->fresh.room);
}

/* Whoever comes first, they go on where they were; and it ends as it would have. */
static void coach_comes(void)
{
	for (int is_coach_first = 0; is_coach_first < 2; is_coach_first++) {
		struct lesson lesson = lesson_new();
		struct phone *first = is_coach_first ? lesson.anna : lesson.carl;
		struct participant *anna, *carl;
		char group[64], hears[80];

		(void)comes(&lesson, first);
		(void)comes(&lesson, is_coach_first ? lesson.carl : lesson.anna);
		anna = phone_participant(lesson.anna, lesson.fresh.room);
		carl = phone_participant(lesson.carl, lesson.fresh.room);
		snprintf(group, sizeof(group), "coach-%s", carl->id);
		snprintf(hears, sizeof(hears), "main %s", group);
		CHECK_STR("coaches", anna->coaches, carl->id);
		CHECK_SLICE("in his group", groups_texts(anna).speaks, group);
		CHECK_SLICE("hears all", groups_texts(anna).hears, "*");
		CHECK_SLICE("which he hears", groups_texts(carl).hears, hears);
		CHECK_INT("talks again",
			  focus_participant_set_mode(lesson.fresh.world->focus, anna, MODE_TALK,
						     NULL),
			  0);
		CHECK_SLICE("to all", groups_texts(anna).speaks, "main");
		CHECK_SLICE("and nothing is left", groups_texts(carl).hears, "main");
		CHECK_STR("nobody", anna->coaches, "");
		world_end(lesson.fresh.world, "coach_comes");
	}
}

/* Given something else to do before the other comes, she does that. */
static void coach_no_more(void)
{
	struct lesson lesson = lesson_new();
	struct participant *anna = comes(&lesson, lesson.anna), *carl;

	CHECK_INT(NULL,
		  focus_participant_set_mode(lesson.fresh.world->focus, anna, MODE_TALK, NULL), 0);
	CHECK_SLICE("to all", groups_texts(anna).speaks, "main");
	carl = comes(&lesson, lesson.carl);
	CHECK("he came", carl != NULL);
	CHECK_STR("coaches nobody", anna->coaches, "");
	CHECK_SLICE("to all still", groups_texts(anna).speaks, "main");
	world_end(lesson.fresh.world, "coach_no_more");
}

/* From A by B to C, with one of both here, or none. */
static void coach_moves_on(void)
{
	struct lesson lesson = lesson_new();
	struct room *room = world_room(lesson.fresh.world, lesson.fresh.room);
	struct buf out = BUF_INIT;

	seats_write_awaited(room, &out);
	CHECK("none is here", buf_err(&out) == 0 && strstr(out.p, " coaches=" OTHER_TOKEN " "));
	buf_clear(&out);
	seats_write(comes(&lesson, lesson.anna), &out);
	CHECK("he is awaited", strstr(out.p, " coaches=" OTHER_TOKEN " "));
	buf_done(&out);
	world_end(lesson.fresh.world, "coach_moves_on");
}

/* What is done to somebody's sound otherwise than to the room's. */
static void sound_travels(void)
{
	struct old old = old_new(true);
	struct fresh fresh;
	struct phone *anna;
	struct participant *p;

	CHECK_INT(NULL,
		  focus_participant_set(old.world->focus, phone_participant(old.bert, "lobby"),
					&(struct participant_control){
						.sound_set = ROOM_SOUND_DENOISE | ROOM_SOUND_DIGITS,
						.sound = ROOM_SOUND_DENOISE}),
		  0);
	CHECK_INT(NULL, begin(&old), 0);
	world_run(old.world, 3000);
	CHECK("what he has and has not",
	      tells(old.central, " name=Bert%20B admitted denoise no-inband-dtmf\n"));
	world_end(old.world, "sound_travels");
	fresh = fresh_new(NULL);
	anna = world_phone(fresh.world, "anna");
	CHECK_INT(NULL,
		  bring(fresh.bridge, SEATS_CONTENT_TYPE,
			"seat " TOKEN " denoise no-auto-level no-such-word dial-in\n"),
		  200);
	phone_dial(anna, fresh.seat);
	world_run(fresh.world, 500);
	p = phone_participant(anna, fresh.room);
	CHECK_INT("set", p->control.sound_set, ROOM_SOUND_DENOISE | ROOM_SOUND_LEVEL);
	CHECK_INT("on", p->control.sound, ROOM_SOUND_DENOISE);
	CHECK("is told things by voice", p->is_dial_in);
	world_end(fresh.world, "sound_travels");
}

/* A conference that came here, and moves on before all its people have: from A by B to C. */
static void moves_on(void)
{
	struct fresh fresh = fresh_new(NULL);
	struct phone *central = world_phone(fresh.world, "central"), *late, *dora;

	CHECK_INT(NULL, sip_ua_set_info_packages(fresh.world->phones_ua, SEATS_PACKAGE), 0);
	central->contact_params = "isfocus";
	central->info_status = 200;
	CHECK_INT(NULL, bring(fresh.bridge, SEATS_CONTENT_TYPE, ANNA CARL), 200);
	dora = world_join(fresh.world, "dora", fresh.room);
	dora->refer_status = 200;
	CHECK_INT(NULL,
		  focus_migrate(fresh.world->focus, world_room(fresh.world, fresh.room),
				SLICE(CENTRAL)),
		  0);
	world_run(fresh.world, 3000);
	CHECK("dora has gone", dora->has_ended && tells(central, " uri=sip%3Adora%40"));
	CHECK("anna is awaited there, as she was",
	      tells(central, "seat " TOKEN " uri=sip%3Aanna%4010.0.0.2%3A5060 name=Anna%20A "
			     "moderator muted gain=-350\n"));
	CHECK("so is carl", tells(central, "seat " OTHER_TOKEN " uri=sip%3Acarl%40"));
	CHECK("who is carried keeps the way here", fresh.bridge->call && central->call);
	late = world_phone(fresh.world, "anna");
	phone_dial(late, fresh.seat);
	world_run(fresh.world, 500);
	CHECK_INT("who comes late", late->final_status, 302);
	CHECK("has her seat there", strstr(late->end_headers, CENTRAL ";seat=" TOKEN ">;isfocus"));
	CHECK_INT(NULL, bring(fresh.bridge, SEATS_CONTENT_TYPE, "left " OTHER_TOKEN "\n"), 200);
	CHECK("carl has left", tells(central, "left " OTHER_TOKEN "\n"));
	CHECK("anna has not", !tells(central, "left " TOKEN));
	CHECK_INT(NULL, bring(fresh.bridge, SEATS_CONTENT_TYPE, "seat aaaabbbbccccdddd name=Eve\n"),
		  200);
	CHECK("who is told of later", tells(central, "seat aaaabbbbccccdddd name=Eve\n"));
	phone_hang_up(fresh.bridge);
	world_run(fresh.world, 1000);
	CHECK("nobody is left to carry", central->has_ended);
	world_end(fresh.world, "moves_on");
}

/* The next focus refuses: they are awaited here as before. */
static void cannot_move_on(void)
{
	struct fresh fresh = fresh_new(NULL);
	struct phone *central = world_phone(fresh.world, "central"),
		     *anna = world_phone(fresh.world, "anna");

	central->manner = PHONE_REJECTS;
	central->status = 486;
	CHECK_INT(NULL, bring(fresh.bridge, SEATS_CONTENT_TYPE, ANNA CARL), 200);
	CHECK_INT(NULL,
		  focus_migrate(fresh.world->focus, world_room(fresh.world, fresh.room),
				SLICE(CENTRAL)),
		  0);
	world_run(fresh.world, 3000);
	phone_dial(anna, fresh.seat);
	world_run(fresh.world, 500);
	CHECK("she is herself here",
	      anna->is_established &&
		      phone_participant(anna, fresh.room)->role == PARTICIPANT_MODERATOR);
	CHECK_INT("carl is awaited", seats_free(world_room(fresh.world, fresh.room)), 1);
	world_end(fresh.world, "cannot_move_on");
}

/* A seat that was not reached waits again; with the bridge it is gone. */
static void seat_waits_again(void)
{
	struct fresh fresh = fresh_new(NULL);
	struct phone *anna = world_phone(fresh.world, "anna");

	CHECK_INT(NULL, bring(fresh.bridge, SEATS_CONTENT_TYPE, "room locked lobby\n" ANNA CARL),
		  200);
	memcpy(strstr(fresh.seat, TOKEN), OTHER_TOKEN, strlen(TOKEN));
	phone_dial(anna, fresh.seat);
	world_run(fresh.world, 500);
	CHECK_INT("waits in the lobby", phone_participant(anna, fresh.room)->state,
		  PARTICIPANT_PENDING);
	CHECK_INT(NULL, seats_free(world_room(fresh.world, fresh.room)), 1);
	phone_hang_up(anna);
	world_run(fresh.world, 500);
	CHECK_INT("free again", seats_free(world_room(fresh.world, fresh.room)), 2);
	phone_hang_up(fresh.bridge);
	world_run(fresh.world, 500);
	CHECK_INT("gone", seats_free(world_room(fresh.world, fresh.room)), 0);
	phone_dial(anna, fresh.seat);
	world_run(fresh.world, 500);
	CHECK_INT("a newcomer like others", anna->final_status, 486);
	world_end(fresh.world, "seat_waits_again");
}

static void who_may_bring(void)
{
	struct fresh fresh = fresh_new(NULL);
	struct phone *guest = world_phone(fresh.world, "guest");

	guest->contact_params = "isfocus";
	phone_dial(guest, fresh.room);
	world_run(fresh.world, 500);
	CHECK_INT("not the host", bring(guest, SEATS_CONTENT_TYPE, ANNA), 403);
	CHECK_INT(NULL, seats_free(world_room(fresh.world, fresh.room)), 0);
	phone_hang_up(guest);
	phone_hang_up(fresh.bridge);
	world_run(fresh.world, 500);
	guest->contact_params = NULL;
	phone_dial(guest, "conference-factory");
	world_run(fresh.world, 500);
	CHECK_INT("a host that is no focus", bring(guest, SEATS_CONTENT_TYPE, ANNA), 403);
	world_end(fresh.world, "who_may_bring");
}

static void bodies(void)
{
	static const struct {
		const char *name, *type, *body;
		uint16_t want;
		uint32_t seats;
	} rows[] = {
		{"nothing", SEATS_CONTENT_TYPE, "\n", 200, 0},
		{"another type", "text/plain", ANNA, 415, 0},
		{"two", SEATS_CONTENT_TYPE, ANNA CARL, 200, 2},
		{"CRLF", SEATS_CONTENT_TYPE, "seat " TOKEN " muted\r\nseat " OTHER_TOKEN "\r\n",
		 200, 2},
		{"words of a later day", SEATS_CONTENT_TYPE,
		 "seat " TOKEN " hat=red shoes\nmenu soup\n", 200, 1},
		{"a short token", SEATS_CONTENT_TYPE, ANNA "seat abc muted\n", 400, 0},
		{"no token", SEATS_CONTENT_TYPE, "seat\n", 400, 0},
		{"a token twice", SEATS_CONTENT_TYPE, ANNA ANNA, 400, 0},
		{"a token with a sign", SEATS_CONTENT_TYPE, "seat abcdefghijklmno!\n", 400, 0},
		{"a broken escape", SEATS_CONTENT_TYPE, "seat " TOKEN " name=%zz\n", 400, 0},
		{"too loud", SEATS_CONTENT_TYPE, "seat " TOKEN " gain=3001\n", 400, 0},
		{"too quiet", SEATS_CONTENT_TYPE, "seat " TOKEN " gain=-6001\n", 400, 0},
		{"as loud as can be", SEATS_CONTENT_TYPE, "seat " TOKEN " gain=3000\n", 200, 1},
		{"no number", SEATS_CONTENT_TYPE, "room max_participants=many\n" ANNA, 400, 0},
		{"a number out of range", SEATS_CONTENT_TYPE, "room loudest=33\n", 400, 0},
		{"a level out of range", SEATS_CONTENT_TYPE, "room noise_gate_dbov=-128\n", 400, 0},
		{"no value", SEATS_CONTENT_TYPE, "room codecs\n", 400, 0},
		{"no such codec", SEATS_CONTENT_TYPE, "room codecs=GSM9\n", 400, 0},
		{"a setting that stays", SEATS_CONTENT_TYPE, "room opens_at=x record=mix\n", 200,
		 0},
		{"a PIN in the clear", SEATS_CONTENT_TYPE, "room pin=2468\n", 400, 0},
		{"a hash that takes an hour", SEATS_CONTENT_TYPE,
		 "room pin=pbkdf2%24999999%24aaaaaaaaaaaa%24"
		 "000000000000000000000000000000000000000000000000\n",
		 400, 0},
		{"a hash", SEATS_CONTENT_TYPE,
		 "room pin=pbkdf2%242000%24aaaaaaaaaaaa%24"
		 "000000000000000000000000000000000000000000000000\n",
		 200, 0},
		{"left, never here", SEATS_CONTENT_TYPE, "left " TOKEN "\n", 200, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fresh fresh = fresh_new(NULL);

		CHECK_INT(rows[i].name, bring(fresh.bridge, rows[i].type, rows[i].body),
			  rows[i].want);
		CHECK_INT(rows[i].name, seats_free(world_room(fresh.world, fresh.room)),
			  rows[i].seats);
		world_end(fresh.world, rows[i].name);
	}
}

/* The limit of a factory stays; what the old room had is kept below it. */
static void limits(void)
{
	static const struct {
		const char *config, *body;
		uint32_t want;
	} rows[] = {
		{"focus.factory_profiles=conference-factory max=5", "room\n", 5},
		{"focus.factory_profiles=conference-factory max=5", "room max_participants=9\n", 5},
		{"focus.factory_profiles=conference-factory max=5", "room max_participants=3\n", 3},
		{NULL, "room max_participants=9\n", 9},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fresh fresh = fresh_new(rows[i].config);

		CHECK_INT(rows[i].body, bring(fresh.bridge, SEATS_CONTENT_TYPE, rows[i].body), 200);
		CHECK_INT(rows[i].body,
			  world_room(fresh.world, fresh.room)->settings.participants_max,
			  rows[i].want);
		world_end(fresh.world, rows[i].body);
	}
}

void suite_seats(void)
{
	CHECK_SUITE("seats");
	CHECK_TEST(told_before_they_go);
	CHECK_TEST(foreign_focus);
	CHECK_TEST(seats_refused);
	CHECK_TEST(who_stays_and_leaves_is_told);
	CHECK_TEST(many_in_several);
	CHECK_TEST(seat_is_taken);
	CHECK_TEST(groups_travel);
	CHECK_TEST(settings_travel);
	CHECK_TEST(recorded_on);
	CHECK_TEST(recording_stops);
	CHECK_TEST(coach_is_told);
	CHECK_TEST(coach_comes);
	CHECK_TEST(coach_no_more);
	CHECK_TEST(coach_moves_on);
	CHECK_TEST(record_travels);
	CHECK_TEST(stopped_is_told);
	CHECK_TEST(sound_travels);
	CHECK_TEST(moves_on);
	CHECK_TEST(cannot_move_on);
	CHECK_TEST(seat_waits_again);
	CHECK_TEST(who_may_bring);
	CHECK_TEST(bodies);
	CHECK_TEST(limits);
}
