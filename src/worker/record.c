/* SPDX-License-Identifier: MIT */
#include "worker/record.h"

#include <string.h>

#include "base/buf.h"
#include "steem/json.h"
#include "store/deliveries.h"

/* The buffer remembers a failed addition, so it is checked once, at the end. */
static void add_text(struct buf *out, const char *name, const char *text)
{
	(void)buf_addf(out, ",\"%s\":", name);
	if (!text) {
		(void)buf_add_text(out, "null");
		return;
	}
	(void)buf_add_char(out, '"');
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			(void)buf_addf(out, "\\%c", *text);
		else if ((unsigned char)*text < 0x20)
			(void)buf_addf(out, "\\u%04x", (unsigned)*text);
		else
			(void)buf_add_char(out, *text);
	}
	(void)buf_add_char(out, '"');
}

/* "2026-11-23 18:00:00.25" becomes "2026-11-23T18:00:00.25Z". */
static void add_time(struct buf *out, const char *name, const char *text)
{
	char made[64];
	size_t len = text ? strlen(text) : 0;

	if (len < 11 || len > sizeof(made) - 2) {
		add_text(out, name, text);
		return;
	}
	memcpy(made, text, len);
	made[10] = 'T';
	made[len] = 'Z';
	made[len + 1] = '\0';
	add_text(out, name, made);
}

/* Outside of strings a line end is only white space; inside a string JSON does not allow one. */
static void add_payload(struct buf *out, const char *payload, size_t len)
{
	const char *end = payload + len;

	while (payload < end) {
		size_t piece = strcspn(payload, "\r\n");

		if (piece > (size_t)(end - payload))
			piece = (size_t)(end - payload);
		(void)buf_add(out, payload, piece);
		payload += piece;
		if (payload < end) {
			(void)buf_add_char(out, ' ');
			payload++;
		}
	}
}

static int check_payload(const struct delivery *delivery, struct error *err)
{
	struct json_cursor cursor;
	struct error problem = ERROR_INIT;

	if (!delivery->payload)
		return error_set(err, ERROR_DATA, "the operation has no payload");
	json_open(&cursor, delivery->payload, delivery->payload_len);
	if (json_skip(&cursor, NULL) && json_at_end(&cursor))
		return 0;
	(void)json_error(&cursor, &problem);
	return error_set(err, ERROR_DATA, "the payload is no JSON: %s", problem.text);
}

int record_write(const struct delivery *delivery, struct buf *out, struct error *err)
{
	if (check_payload(delivery, err) < 0)
		return -1;
	(void)buf_addf(out, "{\"delivery_id\":%llu", (unsigned long long)delivery->delivery_id);
	add_text(out, "token", delivery->token);
	add_text(out, "queue", delivery->queue);
	(void)buf_addf(out, ",\"attempt\":%u", delivery->attempt);
	add_time(out, "lease_until", delivery->lease_until);
	(void)buf_addf(out, ",\"block\":%u,\"trx_in_block\":%u,\"op_in_trx\":%u,\"virtual_op\":%u",
		       delivery->place.block, delivery->place.trx_in_block,
		       delivery->place.op_in_trx, delivery->place.virtual_op);
	add_text(out, "trx_id", delivery->trx_id);
	add_time(out, "timestamp", delivery->timestamp);
	add_text(out, "operation", delivery->operation);
	add_text(out, "account", delivery->account);
	(void)buf_add_text(out, ",\"payload\":");
	add_payload(out, delivery->payload, delivery->payload_len);
	(void)buf_add_text(out, "}\n");
	if (!out->is_full)
		return 0;
	return error_set(err, ERROR_DATA, "the operation is larger than %zu bytes",
			 out->limit_bytes);
}
