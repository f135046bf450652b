/* SPDX-License-Identifier: MIT */
/*
 * The worker's protocol: the line that a command gets, and what it says in return.  Input: one byte
 * of its exit status, then bytes that are taken for each of these in turn.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "check.h"
#include "steem/json.h"
#include "worker/record.h"
#include "worker/verdict.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LINE_BYTES  ((size_t)1 << 20)
#define DELIVERY_ID 7

/* One line of JSON, or a refusal with words. */
static void write_record(char *text, size_t size)
{
	CLEANUP(buf_release) struct buf line = BUF_INIT(LINE_BYTES);
	struct delivery delivery = {.delivery_id = DELIVERY_ID,
				    .token = "0123456789abcdef0123456789abcdef",
				    .queue = text,
				    .lease_until = text,
				    .trx_id = NULL,
				    .timestamp = text,
				    .operation = text,
				    .account = text,
				    .payload = text,
				    .payload_len = size};
	struct error err = ERROR_INIT;
	struct json_cursor cursor;

	if (record_write(&delivery, &line, &err) < 0) {
		check_error(&err);
		delivery.payload = "{\"body\":\n\"\"}";
		delivery.payload_len = strlen(delivery.payload);
		if (record_write(&delivery, &line, &err) < 0)
			return; /* too large */
	}
	if (memchr(line.data, '\n', line.len) != line.data + line.len - 1)
		abort(); /* more than one line, or none */
	json_open(&cursor, line.data, line.len);
	if (!json_skip(&cursor, NULL) || !json_at_end(&cursor))
		abort();
}

static void check_verdict(struct verdict *verdict)
{
	if (strlen(verdict->error) > VERDICT_ERROR_BYTES || !is_clean_text(verdict->error, true))
		abort();
	if (verdict->reply && verdict->reply[verdict->reply_len] != '\0')
		abort();
	if (verdict->reply && verdict->result != DELIVERY_DONE)
		abort();
	verdict_release(verdict);
}

static void read_line(const char *text, size_t size)
{
	struct verdict verdict = {.delay_s = DELIVERY_BACK_OFF};
	struct error err = ERROR_INIT;

	if (verdict_of_line(&verdict, text, size, DELIVERY_ID, &err) < 0)
		check_error(&err);
	check_verdict(&verdict);
}

static void read_output(int status, const char *text, size_t size)
{
	struct verdict verdict = {.delay_s = DELIVERY_BACK_OFF};

	verdict_of_exit(&verdict, status << 8, text, size, text, size);
	check_verdict(&verdict);
	verdict_of_exit(&verdict, 9, text, size, "", 0);
	check_verdict(&verdict);
	verdict_set(&verdict, DELIVERY_FAIL, text, size, "%s", text);
	check_verdict(&verdict);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size < 1)
		return 0;
	size--;
	text = xmalloc(size + 1);
	memcpy(text, data + 1, size);
	text[size] = '\0';
	write_record(text, size);
	read_line(text, size);
	read_output(data[0], text, size);
	free(text);
	return 0;
}
