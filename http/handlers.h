/* http/handlers.h -- what the routes lead to. Each fills the request's reply and returns 0, or
 * returns a code that http/problem.h turns into a problem document. Thread: control.
 */
#ifndef HTTP_HANDLERS_H
#define HTTP_HANDLERS_H

struct request;

int server_get(struct request *request);

int rooms_list(struct request *request);
int rooms_create(struct request *request);
int room_get(struct request *request);
int room_change(struct request *request);
int room_say(struct request *request);
int room_migrate(struct request *request);
int room_delete(struct request *request);
int room_act(struct request *request);

int bans_list(struct request *request);
int bans_create(struct request *request);
int ban_delete(struct request *request);

int participants_list(struct request *request);
int participants_invite(struct request *request);
int participant_get(struct request *request);
int participant_change(struct request *request);
int participant_move(struct request *request);
int participant_dial(struct request *request);
int participant_kick(struct request *request);
int participant_act(struct request *request);

int registrations_list(struct request *request);
int registrations_delete(struct request *request);
int forwards_get(struct request *request);
int forwards_change(struct request *request);
int forwards_delete(struct request *request);

int trunks_list(struct request *request);

int sounds_get(struct request *request);
int plays_list(struct request *request);
int plays_start(struct request *request);
int plays_start_to_one(struct request *request);
int play_get(struct request *request);
int play_change(struct request *request);
int play_delete(struct request *request);

int recordings_list(struct request *request);
int recordings_start(struct request *request);
int recording_get(struct request *request);
int recording_change(struct request *request);
int recording_delete(struct request *request);
int recording_audio(struct request *request);
int recording_log(struct request *request);
int recording_tracks(struct request *request);
int recording_track_audio(struct request *request);
int mailboxes_list(struct request *request);
int mailbox_get(struct request *request);
int mails_list(struct request *request);
int mails_add(struct request *request);
int mail_get(struct request *request);
int mail_change(struct request *request);
int mail_delete(struct request *request);

int calls_list(struct request *request);
int calls_create(struct request *request);
int calls_get(struct request *request);
int calls_end(struct request *request);
int calls_to_room(struct request *request);

int trace_list(struct request *request);
int trace_get(struct request *request);
int trace_ladder(struct request *request);
int trace_of_participant(struct request *request);
int trace_ladder_of_participant(struct request *request);

int call_records_list(struct request *request); /* answers later */
int events_open(struct request *request);       /* answers as long as the client stays */

int users_list(struct request *request);
int users_create_one(struct request *request);
int user_get(struct request *request);
int user_change(struct request *request);
int user_remove(struct request *request);

int openapi_get(struct request *request);
int problems_list(struct request *request);
int problems_get(struct request *request);
int metrics_get(struct request *request);
int health_live(struct request *request);
int health_ready(struct request *request);
int page_get(struct request *request);

#endif
