/* tests/unit/http/contract.h -- requests for every answer that the description names; test_openapi.c
 * asks them one by one. */
#ifndef TESTS_UNIT_HTTP_CONTRACT_H
#define TESTS_UNIT_HTTP_CONTRACT_H

#include <stddef.h>

enum contract_world {
	WORLD_PLAIN, /* room "lobby" with anna in it, room "kept", user "bert" */
	WORLD_TOKEN, /* the same, and a token is asked for, which the request lacks */
	WORLD_FULL,  /* rooms.max and rooms.participants_max reached */
	WORLD_DRAINING,
	WORLD_BOUND,     /* bob is registered, and forwards; the Contact's id in place of anna's */
	WORLD_CALL,      /* a two-party call, connected; its id in place of anna's */
	WORLD_MOVING,    /* lobby is on its way elsewhere */
	WORLD_DIALLING,  /* the same, just begun */
	WORLD_RINGING,   /* dora is being called in; her id in place of anna's */
	WORLD_TRACE,     /* as WORLD_PLAIN, and the Call-ID of anna's call in place of her id */
	WORLD_RECORDING, /* lobby is being recorded; the recording's id in place of anna's */
	WORLD_RECORDED,  /* the same, ended */
	WORLD_BANNED,    /* eve may not come into lobby; the ban's id in place of anna's */
	WORLD_WAITING,   /* anna waits to be let in */
	WORLD_NAMELESS,  /* anna is anonymous */
	WORLD_PLAYING,   /* a tone is played in lobby; its id in place of anna's */
	WORLD_MAIL,      /* a message waits for lobby, and no more may; its id in place of anna's */
	WORLD_COUNT
};

#define BAN_EVE "{\"uri\":\"sip:eve@10.0.0.2\"}"
#define MAIL_FOR_BERT "{\"kind\":\"voice\",\"from\":\"sip:a@b\",\"subject\":\"hi\",\"urgent\":true}"
#define TONE "{\"items\":[\"tone:440\",\"pause:20\"],\"volume_db\":-3}"
#define SAY_HELLO "{\"text\":\"hello\"}"
#define MIGRATE_THERE "{\"to\":\"sip:ring@10.0.0.2\"}"
#define CALL_OF_TWO "{\"from\":\"sip:dora@10.0.0.2\",\"to\":\"sip:emil@10.0.0.2\"}"

struct contract_case {
	const char *operation;
	int status;
	enum contract_world world;
	const char *path, *fields, *body; /* path: "%s" is anna's id */
};

extern const struct contract_case contract[];
extern const size_t contract_count;

#endif
