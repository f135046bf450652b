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
#include "worker/ending.h"
#include "worker/record.h"

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

static void check_ending(struct ending *ending)
{
	if (strlen(ending->error) > ENDING_ERROR_BYTES || !is_clean_text(ending->error, true))
		abort();
	if (ending->reply && ending->reply[ending->reply_len] != '\0')
		abort();
	if (ending->operations && ending->operations[ending->operations_len] != '\0')
		abort();
	if ((ending->reply || ending->operations) && ending->result != DELIVERY_DONE)
		abort();
	ending_release(ending);
}

static void read_line(const char *text, size_t size)
{
	struct ending ending = {.delay_s = DELIVERY_BACK_OFF};
	struct error err = ERROR_INIT;

	if (ending_of_line(&ending, text, size, DELIVERY_ID, &err) < 0)
		check_error(&err);
	check_ending(&ending);
}

static void read_output(int status, const char *text, size_t size)
{
	struct ending ending = {.delay_s = DELIVERY_BACK_OFF};

	ending_of_exit(&ending, status << 8, text, size, text, size);
	check_ending(&ending);
	ending_of_exit(&ending, 9, text, size, "", 0);
	check_ending(&ending);
	ending_set(&ending, DELIVERY_FAIL, text, size, "%s", text);
	check_ending(&ending);
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
