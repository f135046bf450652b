/* SPDX-License-Identifier: MIT */
#include "steem/rpc_error.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <json-c/json.h>

#include "base/mem.h"
#include "steem/rpc.h"

#define MESSAGE_BYTES 200

/* The meaning of the numbers: JSON-RPC's own, steemd's (-32000...), jussi's (1000...), HTTP's. */
static const struct {
	int64_t code;
	enum rpc_failure failure;
} codes[] = {
	{-32700, RPC_FAILURE_CALL},        {-32600, RPC_FAILURE_CALL},
	{-32602, RPC_FAILURE_CALL},        {-32001, RPC_FAILURE_CALL},
	{-32601, RPC_FAILURE_UNSUPPORTED}, {-32002, RPC_FAILURE_UNSUPPORTED},
	{1200, RPC_FAILURE_UNSUPPORTED},   {1300, RPC_FAILURE_UNSUPPORTED},
	{1600, RPC_FAILURE_BATCH},         {413, RPC_FAILURE_BATCH},
	{429, RPC_FAILURE_WAIT},
};

/* If the number says little, words in the message decide; the first one found counts. */
static const struct {
	const char *words;
	enum rpc_failure failure;
} phrases[] = {
	{"unable to acquire", RPC_FAILURE_WAIT}, /* the database lock */
	{"too many requests", RPC_FAILURE_WAIT},
	{"rate limit", RPC_FAILURE_WAIT},
	{"batch size", RPC_FAILURE_BATCH},
	{"array is invalid", RPC_FAILURE_BATCH},
	{"no method with name", RPC_FAILURE_UNSUPPORTED},
	{"could not find method", RPC_FAILURE_UNSUPPORTED},
	{"could not find api", RPC_FAILURE_UNSUPPORTED},
	{"not enabled", RPC_FAILURE_UNSUPPORTED},
	{"too few arguments", RPC_FAILURE_CALL},
	{"argument(s), was", RPC_FAILURE_CALL},
	{"bad cast", RPC_FAILURE_CALL},
	{"bad_cast", RPC_FAILURE_CALL},
	{"parse error", RPC_FAILURE_CALL},
	{"end of file", RPC_FAILURE_CALL}, /* the server saw an empty request */
	{"eof_exception", RPC_FAILURE_CALL},
};

static enum rpc_failure sort_failure(int64_t code, const char *message)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].code == code)
			return codes[i].failure;
	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
		if (strcasestr(message, phrases[i].words))
			return phrases[i].failure;
	return RPC_FAILURE_OTHER_NODE;
}

/*
 * A node that cannot handle batches reports that the call is wrong; a node that failed over a
 * whole batch may manage a part of it.
 */
static enum rpc_failure sort_for_batch(enum rpc_failure failure, bool in_place_of_batch)
{
	if (in_place_of_batch && failure == RPC_FAILURE_CALL)
		return RPC_FAILURE_BATCH;
	if (in_place_of_batch && failure == RPC_FAILURE_OTHER_NODE)
		return RPC_FAILURE_CUT;
	return failure;
}

/*
 * The beginning of a foreign text on one line: control characters and runs of spaces become one
 * space.
 */
static void clean_text(const char *text, size_t len, char out[MESSAGE_BYTES + 1])
{
	size_t used = 0;

	for (size_t i = 0; i < len && used < MESSAGE_BYTES; i++) {
		unsigned char c = (unsigned char)text[i];
		bool is_space = c <= ' ' || c == 0x7f;

		if (c >= 0x80)
			c = '?'; /* it may not be UTF-8 */
		if (!is_space)
			out[used++] = (char)c;
		else if (used > 0 && out[used - 1] != ' ')
			out[used++] = ' ';
	}
	out[used] = '\0';
}

static void tree_release(struct json_object **tree)
{
	json_object_put(*tree);
}

/* NULL: it is not JSON, or far too long. */
static struct json_object *parse(const struct json_slice *text)
{
	struct json_tokener *tokener = json_tokener_new_ex(JSON_MAX_DEPTH + 1);
	struct json_object *tree = NULL;

	if (tokener && text->len <= JSON_TREE_BYTES_MAX)
		tree = json_tokener_parse_ex(tokener, text->data, (int)text->len);
	if (tokener)
		json_tokener_free(tokener);
	return tree;
}

/* The first of these members that is a number. */
static int64_t find_code(struct json_object *tree)
{
	static const char *const members[] = {"code", "errorCode", "status_code", "statusCode"};
	struct json_object *value;

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (json_object_object_get_ex(tree, members[i], &value) &&
		    json_object_is_type(value, json_type_int))
			return json_object_get_int64(value);
	return 0;
}

/* The first of these members that is a non-empty string, or NULL. */
static const char *find_message(struct json_object *tree)
{
	static const char *const members[] = {"message", "error", "warning", "detail"};
	struct json_object *value;

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (json_object_object_get_ex(tree, members[i], &value) &&
		    json_object_is_type(value, json_type_string) &&
		    json_object_get_string_len(value) > 0)
			return json_object_get_string(value);
	return NULL;
}

int rpc_error_sort(const struct json_slice *error, const struct json_slice *whole,
		   bool in_place_of_batch, struct error *err)
{
	CLEANUP(tree_release) struct json_object *tree = parse(whole);
	struct json_object *inner = NULL;
	char text[MESSAGE_BYTES + 1];
	const char *message = NULL;
	enum rpc_failure failure;
	int64_t code = 0;

	if (error->data && json_object_object_get_ex(tree, "error", &inner) &&
	    json_object_is_type(inner, json_type_object)) {
		code = find_code(inner);
		message = find_message(inner);
	}
	if (code == 0 && json_object_is_type(tree, json_type_object))
		code = find_code(tree);
	if (!message && json_object_is_type(tree, json_type_object))
		message = find_message(tree);
	if (!message && error->data && whole->len > JSON_TREE_BYTES_MAX)
		message = "an error of more than 64 KiB";
	else if (!message)
		message = error->data ? "an error without a message" : "neither result nor error";
	failure = sort_for_batch(sort_failure(code, message), in_place_of_batch);
	clean_text(message, strlen(message), text);
	if (code)
		return error_set_node(err, (int)failure, "the node answered: %s (error %lld)", text,
				      (long long)code);
	return error_set_node(err, (int)failure, "the node answered: %s", text);
}

static bool is_html(const char *body, size_t len)
{
	while (len > 0 && isspace((unsigned char)*body)) {
		body++;
		len--;
	}
	return len > 0 && *body == '<';
}

/* "502 Bad Gateway" from a page's <title>, else the beginning of the text. */
static void summarise(const char *body, size_t len, char out[MESSAGE_BYTES + 1])
{
	static const char opening[] = "<title>";
	const char *title, *end;
	char head[2048];

	len = strnlen(body, len < sizeof(head) - 1 ? len : sizeof(head) - 1);
	memcpy(head, body, len);
	head[len] = '\0';
	title = strcasestr(head, opening);
	if (!title) {
		clean_text(head, len, out);
		return;
	}
	title += sizeof(opening) - 1;
	end = strchr(title, '<');
	clean_text(title, end ? (size_t)(end - title) : strlen(title), out);
}

int rpc_error_sort_text(const char *body, size_t len, bool in_place_of_batch, struct error *err)
{
	enum rpc_failure failure;
	char text[MESSAGE_BYTES + 1];

	if (len == 0)
		return error_set_node(err, RPC_FAILURE_CUT, "the answer is empty");
	summarise(body, len, text);
	if (is_html(body, len))
		return error_set_node(err, RPC_FAILURE_CUT, "the node answered with a web page: %s",
				      text);
	failure = sort_failure(0, text);
	if (failure == RPC_FAILURE_OTHER_NODE)
		failure = RPC_FAILURE_CUT;
	return error_set_node(err, (int)sort_for_batch(failure, in_place_of_batch),
			      "the answer is not JSON: %s", text);
}

static enum rpc_failure sort_status(long status)
{
	switch (status) {
	case 413:
		return RPC_FAILURE_BATCH;
	case 429:
		return RPC_FAILURE_WAIT;
	case 408:
	case 500: /* the server behind the proxy may have died of our request */
	case 502:
	case 504:
	case 524:
		return RPC_FAILURE_CUT;
	default:
		return RPC_FAILURE_OTHER_NODE;
	}
}

/* A hint about the cause of a status; `text` is the body of the answer. */
static const char *status_hint(long status, const char *text)
{
	bool is_refused = status >= 400 && status < 500;

	if (status == 101 || status == 426 ||
	    (is_refused && (strcasestr(text, "websocket") || strcasestr(text, "upgrade"))))
		return " (this port speaks WebSocket: configure the node's port for HTTP)";
	if (is_refused && strcasestr(text, "HTTPS port"))
		return " (this port speaks TLS: the URL must begin with https://)";
	if (status >= 300 && status < 400)
		return " (a redirection: configure the address it leads to)";
	if (status == 401 || status == 403)
		return " (the node refuses us)";
	if (status == 404 || status == 405 || status == 501)
		return " (check the path of the URL)";
	return "";
}

int rpc_http_error(long status, const char *content_type, const char *body, size_t len,
		   struct error *err)
{
	struct json_slice whole = {body, len};
	struct json_slice error = {NULL, 0};
	enum rpc_failure failure = sort_status(status);
	char text[MESSAGE_BYTES + 1] = "";

	if (body && len > 0 && !is_html(body, len) && json_find(body, len, "error", &error)) {
		struct error inner = ERROR_INIT;

		rpc_error_sort(&error, &whole, false, &inner);
		clean_text(inner.text, strlen(inner.text), text);
		if (failure == RPC_FAILURE_OTHER_NODE)
			failure = rpc_failure_of(&inner);
	} else if (body && len > 0 && (!content_type || !strncasecmp(content_type, "text/", 5))) {
		summarise(body, len, text);
	}
	return error_set_node(err, (int)failure, "HTTP status %ld%s%s%s", status,
			      status_hint(status, text), *text ? ": " : "", text);
}
