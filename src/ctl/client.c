#include "ctl/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

enum { CONNECT_TIMEOUT_S = 10, ANSWER_TIMEOUT_S = 60 };

struct client {
	CURL *curl;
	struct curl_slist *fields, *fields_of_body; /* header fields, without and with a body */
	char *url;
	client_stream_fn *on_stream;
	void *arg;
	struct buf body; /* of the answer that comes in */
	char error[CURL_ERROR_SIZE];
};

static bool is_success(CURL *curl)
{
	long status = 0;

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	return status / 100 == 2;
}

static size_t take(char *octets, size_t size, size_t count, void *arg)
{
	struct client *client = arg;
	size_t len = size * count;

	if (client->on_stream && is_success(client->curl))
		return client->on_stream(client->arg, slice_make(octets, len)) ? 0 : len;
	buf_add(&client->body, octets, len);
	return buf_err(&client->body) ? 0 : len;
}

/* Adds a line to a list that stays as it was when memory runs out. */
static int add_field(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (!longer)
		return -ENOMEM;
	*list = longer;
	return 0;
}

static int add_fields(struct client *client, const char *token)
{
	static const char *const common[] = {"Accept: application/json, application/problem+json, "
					     "text/event-stream, text/plain, */*;q=0.1",
					     "Expect:"};
	struct buf line = BUF_INIT;
	int err = 0;

	for (int i = 0; i < 2 && !err; i++) {
		err = add_field(&client->fields, common[i]);
		if (!err)
			err = add_field(&client->fields_of_body, common[i]);
	}
	if (!err)
		err = add_field(&client->fields_of_body, "Content-Type: application/json");
	if (!err && token) {
		buf_addf(&line, "Authorization: Bearer %s", token);
		err = buf_err(&line);
		if (!err)
			err = add_field(&client->fields, line.p);
		if (!err)
			err = add_field(&client->fields_of_body, line.p);
		buf_done(&line);
	}
	return err;
}

int client_new(const char *url, const char *token, struct client **ret_client)
{
	struct client *client = calloc(1, sizeof(*client));
	size_t len = strlen(url);
	int err = -ENOMEM;

	if (!client)
		return -ENOMEM;
	while (len > 0 && url[len - 1] == '/')
		len--;
	client->url = strndup(url, len);
	client->curl = curl_easy_init();
	if (client->url && client->curl)
		err = add_fields(client, token);
	if (err) {
		client_free(client);
		return err;
	}
	*ret_client = client;
	return 0;
}

struct client *client_free(struct client *client)
{
	if (!client)
		return NULL;
	curl_easy_cleanup(client->curl);
	curl_slist_free_all(client->fields);
	curl_slist_free_all(client->fields_of_body);
	buf_done(&client->body);
	free(client->url);
	free(client);
	return NULL;
}

void client_stream_to(struct client *client, client_stream_fn *on_stream, void *arg)
{
	client->on_stream = on_stream;
	client->arg = arg;
}

static void set_options(struct client *client, const struct command *command, const char *url)
{
	bool has_body = command->body.len > 0;
	CURL *curl = client->curl;

	curl_easy_reset(curl);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, command->method);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER,
			 has_body ? client->fields_of_body : client->fields);
	if (has_body) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, command->body.p);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)command->body.len);
	}
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
	if (command->kind != COMMAND_STREAM)
		curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)ANSWER_TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->error);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, client);
}

int client_ask(struct client *client, const struct command *command, const char *path,
	       struct client_answer *ret_answer, struct buf *errors)
{
	struct buf url = BUF_INIT;
	const char *type = NULL;
	CURLcode code;

	buf_clear(&client->body);
	client->error[0] = '\0';
	buf_addf(&url, "%s%s", client->url, path);
	if (buf_err(&url))
		return buf_err(&url);
	set_options(client, command, url.p);
	code = curl_easy_perform(client->curl);
	buf_done(&url);
	if (buf_err(&client->body))
		return buf_err(&client->body);
	if (code != CURLE_OK) {
		buf_addf(errors, "hearthctl: %s: %s\n", client->url,
			 client->error[0] ? client->error : curl_easy_strerror(code));
		return ERR_CONFIG;
	}
	curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &ret_answer->status);
	curl_easy_getinfo(client->curl, CURLINFO_CONTENT_TYPE, &type);
	ret_answer->is_json = type && strstr(type, "json");
	ret_answer->body = client->body;
	client->body = BUF_INIT;
	return 0;
}
