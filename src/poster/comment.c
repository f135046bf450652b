/* SPDX-License-Identifier: MIT */
#include "poster/comment.h"

#include <string.h>

#include "steem/json.h"
#include "steem/transaction.h"

/*
 * The escapes that a node knows; all else stays raw.  Other control characters stay, too, and
 * transaction_read() refuses them.  The buffer remembers a failed addition.
 */
static void add_text(struct buf *out, const char *text)
{
	(void)buf_add_char(out, '"');
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '"':
		case '\\':
			(void)buf_addf(out, "\\%c", *text);
			break;
		case '\n':
			(void)buf_add_text(out, "\\n");
			break;
		case '\r':
			(void)buf_add_text(out, "\\r");
			break;
		case '\t':
			(void)buf_add_text(out, "\\t");
			break;
		default:
			(void)buf_add_char(out, *text);
		}
	}
	(void)buf_add_char(out, '"');
}

static void add_member(struct buf *out, const char *name, const char *text)
{
	(void)buf_addf(out, "\"%s\":", name);
	add_text(out, text ? text : "");
}

/* The options that the object does not name. */
static void add_defaults(struct buf *out, const struct chain *chain,
			 const struct json_slice *object)
{
	static const struct {
		const char *name, *value;
	} defaults[] = {
		{"max_accepted_payout", NULL}, {"percent_steem_dollars", "10000"},
		{"allow_votes", "true"},       {"allow_curation_rewards", "true"},
		{"extensions", "[]"},
	};
	struct json_slice value;

	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
		if (json_find(object->data, object->len, defaults[i].name, &value))
			continue;
		(void)buf_addf(out, ",\"%s\":", defaults[i].name);
		if (defaults[i].value)
			(void)buf_add_text(out, defaults[i].value);
		else
			(void)buf_addf(out, "\"1000000.000 %s\"", chain->symbols[1].text);
	}
}

/* The members of the options, without their braces, stand behind author and permlink. */
static int add_options(struct buf *out, const struct chain *chain, const char *author,
		       const struct sender_row *row, struct error *err)
{
	struct json_cursor cursor;
	struct json_slice object;
	struct json_slice key;
	bool is_first = true;

	if (strlen(row->options) > TRANSACTION_BYTES_MAX)
		return error_set(err, ERROR_DATA,
				 "its options are larger than a transaction may be");
	json_open(&cursor, row->options, strlen(row->options));
	if (json_peek(&cursor) != JSON_OBJECT || !json_skip(&cursor, &object) ||
	    !json_at_end(&cursor))
		return error_set(err, ERROR_DATA, "its options are no JSON object");
	(void)buf_add_text(out, ",[\"comment_options\",{");
	add_member(out, "author", author);
	(void)buf_add_char(out, ',');
	add_member(out, "permlink", row->permlink);
	add_defaults(out, chain, &object);
	json_open(&cursor, object.data, object.len);
	if (json_enter(&cursor, JSON_OBJECT) && json_next_member(&cursor, &is_first, &key))
		(void)buf_add_char(out, ',');
	(void)buf_add(out, object.data + 1, object.len - 1);
	(void)buf_add_char(out, ']');
	return 0;
}

int comment_write(struct buf *out, const struct chain *chain, const char *author,
		  const struct sender_row *row, struct error *err)
{
	if (row->has_zero)
		return error_set(err, ERROR_DATA, "one of its texts has a zero byte");
	(void)buf_add_text(out, "[[\"comment\",{");
	add_member(out, "parent_author", row->parent_author);
	(void)buf_add_char(out, ',');
	add_member(out, "parent_permlink", row->parent_permlink);
	(void)buf_add_char(out, ',');
	add_member(out, "author", author);
	(void)buf_add_char(out, ',');
	add_member(out, "permlink", row->permlink);
	(void)buf_add_char(out, ',');
	add_member(out, "title", row->title);
	(void)buf_add_char(out, ',');
	add_member(out, "body", row->body);
	(void)buf_add_char(out, ',');
	add_member(out, "json_metadata", row->json_metadata);
	(void)buf_add_text(out, "}]");
	if (row->options && add_options(out, chain, author, row, err) < 0)
		return -1;
	(void)buf_add_char(out, ']');
	if (out->is_full)
		return error_set(err, ERROR_DATA, "it is larger than a transaction may be");
	return 0;
}
