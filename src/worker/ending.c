/* SPDX-License-Identifier: MIT */
#include "worker/ending.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "steem/json.h"

#define WHITE_SPACE  " \t\r\n"
#define DELAY_MAX_S  (31 * 86400)
#define REPLY_FACTOR 2 /* the buffer for an unescaped text, in times the limit; more than enough */

void ending_release(struct ending *ending)
{
	free(ending->reply);
	free(ending->operations);
	*ending = (struct ending){.delay_s = DELIVERY_BACK_OFF};
}

/* Texts for the table. */

/* Append the end of some bytes to text: as much as fits, cleaned, without white space around it. */
static void add_tail(char *text, size_t size, const char *tail, size_t len)
{
	const unsigned char *at = (const unsigned char *)tail;
	size_t used = strlen(text);
	size_t room = size - 1 - used;
	const char *next;
	const char *end;

	while (len > 0 && strchr(WHITE_SPACE, tail[len - 1]))
		len--;
	if (len > room) {
		at += len - room;
		len = room;
		/* Do not start in the middle of a character. */
		while (len > 0 && (*at & 0xc0) == 0x80) {
			at++;
			len--;
		}
	}
	end = (const char *)at + len;
	for (next = (const char *)at; next < end;) {
		const char *from = next;
		uint32_t code = text_next(&next, end);
		bool is_good = text_is_clean(code) || code == '\n' || code == '\t';
		size_t bytes = is_good ? (size_t)(next - from) : 1;

		memcpy(text + used, is_good ? from : "?", bytes);
		used += bytes;
	}
	text[used] = '\0';
}

void ending_set(struct ending *ending, enum delivery_result result, const char *tail,
		size_t tail_len, const char *fmt, ...)
{
	char words[ENDING_ERROR_BYTES];
	va_list args;

	ending_release(ending);
	ending->result = result;
	va_start(args, fmt);
	vsnprintf(words, sizeof(words), fmt, args);
	va_end(args);
	add_tail(ending->error, sizeof(ending->error), words, strlen(words));
	while (tail_len > 0 && strchr(WHITE_SPACE, tail[tail_len - 1]))
		tail_len--;
	if (tail_len == 0 || strlen(ending->error) + 2 > ENDING_ERROR_BYTES / 2)
		return;
	memcpy(ending->error + strlen(ending->error), ": ", 3);
	add_tail(ending->error, sizeof(ending->error), tail, tail_len);
}

void ending_of_exit(struct ending *ending, int wait_status, const char *tail, size_t tail_len,
		    const char *output, size_t output_len)
{
	int code = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1;

	if (code < 0) {
		/* Real-time signals have no name. */
		const char *name = sigabbrev_np(WTERMSIG(wait_status));

		ending_set(ending, DELIVERY_FAIL, tail, tail_len, "killed by signal %d%s%s%s",
			   WTERMSIG(wait_status), name ? " (SIG" : "", name ? name : "",
			   name ? ")" : "");
		return;
	}
	if (code != 0) {
		ending_set(ending, code == ENDING_EXIT_RETRY ? DELIVERY_RETRY : DELIVERY_FAIL, tail,
			   tail_len, "exit code %d", code);
		return;
	}
	ending_release(ending);
	ending->result = DELIVERY_DONE;
	/* Not with strchr(), which would find a zero byte too. */
	while (output_len > 0 && (output[output_len - 1] == '\r' || output[output_len - 1] == '\n'))
		output_len--;
	if (output_len == 0)
		return;
	ending->reply = xtextdup(output, output_len);
	ending->reply_len = output_len;
}

void ending_take_operations(struct ending *ending)
{
	ending->operations = ending->reply;
	ending->operations_len = ending->reply_len;
	ending->reply = NULL;
	ending->reply_len = 0;
}

/* Fail if it is no text. */
static void check_text(struct ending *ending, const char *what, const char *text, size_t len)
{
	size_t bad = strnlen(text, text_valid_length(text, len));

	if (bad < len)
		ending_set(ending, DELIVERY_FAIL, NULL, 0, "the %s is no text: its byte %zu is %s",
			   what, bad + 1, text[bad] == '\0' ? "zero" : "no UTF-8");
}

void ending_check_reply(struct ending *ending)
{
	if (ending->reply && ending->reply_len > ENDING_REPLY_BYTES)
		ending_set(ending, DELIVERY_FAIL, NULL, 0,
			   "the reply has %zu bytes; the chain takes no comment of more than %d",
			   ending->reply_len, ENDING_REPLY_BYTES);
	else if (ending->reply)
		check_text(ending, "reply", ending->reply, ending->reply_len);
	if (ending->operations)
		check_text(ending, "action", ending->operations, ending->operations_len);
}

/* Lines of a persistent command. */

struct answer {
	uint64_t delivery_id;
	uint64_t delay_s;
	bool has_id;
	bool has_result;
	bool has_delay;
	struct buf *error;
	struct buf *reply;
	struct json_slice operations; /* data NULL: none */
};

static bool take_text(struct json_cursor *cursor, struct buf *out)
{
	struct json_slice text;

	if (json_peek(cursor) == JSON_NULL)
		return json_skip(cursor, NULL);
	return json_take_string(cursor, &text) && json_unescape(&text, out);
}

static bool take_result(struct json_cursor *cursor, struct ending *ending)
{
	static const char *const names[] = {
		[DELIVERY_DONE] = "done",
		[DELIVERY_RETRY] = "retry",
		[DELIVERY_FAIL] = "fail",
	};
	struct json_slice text;

	if (!json_take_string(cursor, &text))
		return false;
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!json_slice_is(&text, names[i]))
			continue;
		ending->result = (enum delivery_result)i;
		return true;
	}
	return false;
}

static bool take_members(struct json_cursor *cursor, struct answer *answer, struct ending *ending)
{
	struct json_slice key;
	bool is_first = true;

	while (json_next_member(cursor, &is_first, &key)) {
		bool is_good;

		if (json_slice_is(&key, "delivery_id"))
			is_good = answer->has_id = json_take_u64(cursor, &answer->delivery_id);
		else if (json_slice_is(&key, "result"))
			is_good = answer->has_result = take_result(cursor, ending);
		else if (json_slice_is(&key, "delay_s") && json_peek(cursor) != JSON_NULL)
			is_good = answer->has_delay = json_take_u64(cursor, &answer->delay_s);
		else if (json_slice_is(&key, "error"))
			is_good = take_text(cursor, answer->error);
		else if (json_slice_is(&key, "reply"))
			is_good = take_text(cursor, answer->reply);
		else if (json_slice_is(&key, "act") && json_peek(cursor) != JSON_NULL)
			is_good = json_skip(cursor, &answer->operations);
		else
			is_good = json_skip(cursor, NULL);
		if (!is_good)
			return false;
	}
	return json_at_end(cursor);
}

static int refuse(const char *why, const char *line, size_t len, struct error *err)
{
	char shown[160] = "";

	add_tail(shown, sizeof(shown), line, len < 120 ? len : 120);
	return error_set(err, ERROR_DATA, "%s: %s", why, shown);
}

static int check(const struct answer *answer, uint64_t delivery_id, const char *line, size_t len,
		 struct error *err)
{
	char why[120];

	if (!answer->has_id || !answer->has_result)
		return refuse("its answer lacks delivery_id or result", line, len, err);
	if (answer->delivery_id != delivery_id) {
		snprintf(why, sizeof(why), "its answer is to delivery %llu, not to %llu",
			 (unsigned long long)answer->delivery_id, (unsigned long long)delivery_id);
		return refuse(why, line, len, err);
	}
	if (answer->delay_s > DELAY_MAX_S)
		return refuse("the delay_s of its answer is above 31 days", line, len, err);
	return 0;
}

int ending_of_line(struct ending *ending, const char *line, size_t len, uint64_t delivery_id,
		   struct error *err)
{
	CLEANUP(buf_release) struct buf error = BUF_INIT(REPLY_FACTOR * len + 64);
	CLEANUP(buf_release) struct buf reply = BUF_INIT(REPLY_FACTOR * len + 64);
	struct answer answer = {.error = &error, .reply = &reply};
	struct json_cursor cursor;
	bool is_good;
	int result;

	ending_release(ending);
	json_open(&cursor, line, len);
	is_good = json_enter(&cursor, JSON_OBJECT) && take_members(&cursor, &answer, ending);
	result = is_good ? check(&answer, delivery_id, line, len, err)
			 : refuse("its answer is no JSON object as it should be", line, len, err);
	if (result < 0)
		return -1;
	if (ending->result != DELIVERY_DONE)
		add_tail(ending->error, sizeof(ending->error), buf_text(&error), error.len);
	if (answer.has_delay)
		ending->delay_s = (int64_t)answer.delay_s;
	if (ending->result == DELIVERY_DONE && reply.len > 0) {
		ending->reply = xtextdup(reply.data, reply.len);
		ending->reply_len = reply.len;
	}
	if (ending->result == DELIVERY_DONE && answer.operations.data) {
		ending->operations = xtextdup(answer.operations.data, answer.operations.len);
		ending->operations_len = answer.operations.len;
	}
	return 0;
}
