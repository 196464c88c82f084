/* http/registrations.c -- where users are, and where their calls go instead. */
#include "focus/registrar.h"

#include "base/err.h"
#include "focus/focus.h"
#include "focus/forward.h"
#include "http/handlers.h"
#include "http/paging.h"
#include "http/server.h"
#include "http/view.h"

static struct focus *focus_of(struct request *request)
{
	return request_http(request)->focus;
}

static int first_of_page(struct request *request, const struct page *page,
			 struct binding **ret_binding)
{
	struct binding *after = NULL;

	if (page->has_after) {
		after = focus_registration_find(focus_of(request), page_after(page));
		if (!after)
			return request_fail_parameter(
				request, "after",
				"\"%.64s\" is not registered any more; begin anew", page->id);
	}
	*ret_binding = focus_registration_next(focus_of(request), after);
	return 0;
}

int registrations_list(struct request *request)
{
	struct registration_view view = {0};
	struct binding *binding = NULL;
	struct page page;
	int err = page_of(request, &page);

	if (!err)
		err = first_of_page(request, &page, &binding);
	if (err)
		return err;
	page_open(&page, "registrations");
	while (binding && page_has_place(&page)) {
		registration_view(binding, &view);
		view_registration(&page.json, NULL, &view);
		page_add(&page, view.id);
		binding = focus_registration_next(focus_of(request), binding);
	}
	return page_close(&page, binding != NULL);
}

int registrations_delete(struct request *request)
{
	struct slice id = request_arg(request, 0);
	struct binding *binding = focus_registration_find(focus_of(request), id);

	if (!binding)
		return request_fail(request, ERR_REGISTRATION_UNKNOWN,
				    "there is no registration \"" SLICE_FMT "\"", SLICE_ARG(id));
	focus_registration_remove(focus_of(request), binding);
	return 0;
}

/* Forwards ------------------------------------------------------------------------------------ */

static void reply_rule(struct request *request, struct slice user, const struct forward_rule *rule)
{
	struct writer json = writer_to(request_body(request));

	writer_open(&json, NULL, '{');
	writer_str(&json, "user", user);
	for (int i = 0; i < FORWARD_CAUSE_COUNT; i++)
		writer_text(&json, forward_cause_name((enum forward_cause)i),
			    rule->targets[i][0] ? rule->targets[i] : NULL);
	writer_uint(&json, "no_answer_s",
		    rule->no_answer_s ? rule->no_answer_s : FORWARD_NO_ANSWER_S);
	writer_close(&json, '}');
}

static int find_rule(struct request *request, const struct forward_rule **ret_rule)
{
	struct slice user = request_arg(request, 0);

	*ret_rule = focus_forward_find(focus_of(request), user);
	if (!*ret_rule)
		return request_fail(request, ERR_FORWARD_UNKNOWN,
				    "nothing is forwarded for \"" SLICE_FMT "\"", SLICE_ARG(user));
	return 0;
}

int forwards_get(struct request *request)
{
	const struct forward_rule *rule;
	int err = find_rule(request, &rule);

	if (!err)
		reply_rule(request, request_arg(request, 0), rule);
	return err;
}

int forwards_delete(struct request *request)
{
	const struct forward_rule *rule;
	int err = find_rule(request, &rule);

	if (!err)
		focus_forward_remove(focus_of(request), request_arg(request, 0));
	return err;
}

static void read_rule(const struct document *document, struct forward_rule *rule)
{
	for (int i = 0; i < FORWARD_CAUSE_COUNT; i++) {
		const char *name = forward_cause_name((enum forward_cause)i);
		struct slice target = SLICE("");

		if (document_text(document, name, &target) || document_is_null(document, name))
			slice_cstr(target, rule->targets[i], sizeof(rule->targets[i]));
	}
	(void)document_u32(document, "no_answer_s", &rule->no_answer_s);
}

/* What is not named stays; null takes a target away, and the last one the rule. */
int forwards_change(struct request *request)
{
	struct slice user = request_arg(request, 0);
	const struct forward_rule *old = focus_forward_find(focus_of(request), user);
	struct forward_rule rule = {0};
	struct document *document = NULL;
	int err = request_document(request, &SCHEMA_FORWARD_CHANGE, &document);

	if (err)
		return err;
	if (old)
		rule = *old;
	read_rule(document, &rule);
	document_free(document);
	err = focus_forward_set(focus_of(request), user, &rule);
	if (err == ERR_BAD_TARGET)
		return request_fail(request, err, "give sip:, sips: or tel: URIs");
	if (!err)
		reply_rule(request, user, &rule);
	return err;
}
