/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <string.h>

#include "base/buf.h"
#include "store/deliveries.h"
#include "worker/record.h"

static struct delivery sample(const char *payload)
{
	return (struct delivery){
		.delivery_id = UINT64_C(104857600000001),
		.token = "0123456789abcdef0123456789abcdef",
		.attempt = 2,
		.place = {.block = 100000000, .trx_in_block = 3, .op_in_trx = 1},
		.lease_until = "2026-11-23 18:00:00.250000",
		.queue = "ask",
		.trx_id = "00ff",
		.timestamp = "2026-11-23 17:59:57",
		.operation = "comment",
		.account = "alice",
		.payload = payload,
		.payload_len = payload ? strlen(payload) : 0,
	};
}

static void one_line_with_everything(void **state)
{
	struct delivery delivery =
		sample("{\"a\":\"\\ud83d \xc3\xa4\",\"n\":12345678901234567890123}");
	struct buf out = BUF_INIT(4096);
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(record_write(&delivery, &out, &err), 0);
	assert_string_equal(
		out.data,
		"{\"delivery_id\":104857600000001,\"token\":\"0123456789abcdef0123456789abcdef\","
		"\"queue\":\"ask\",\"attempt\":2,\"lease_until\":\"2026-11-23T18:00:00.250000Z\","
		"\"block\":100000000,\"trx_in_block\":3,\"op_in_trx\":1,\"virtual_op\":0,"
		"\"trx_id\":\"00ff\",\"timestamp\":\"2026-11-23T17:59:57Z\","
		"\"operation\":\"comment\",\"account\":\"alice\","
		"\"payload\":{\"a\":\"\\ud83d \xc3\xa4\",\"n\":12345678901234567890123}}\n");
	buf_release(&out);
}

static void what_is_not_there_is_null(void **state)
{
	struct delivery delivery = sample("{}");
	struct buf out = BUF_INIT(4096);
	struct error err = ERROR_INIT;

	(void)state;
	delivery.trx_id = NULL;
	delivery.account = NULL;
	assert_int_equal(record_write(&delivery, &out, &err), 0);
	assert_non_null(strstr(out.data, "\"trx_id\":null,"));
	assert_non_null(strstr(out.data, "\"account\":null,\"payload\":{}}\n"));
	buf_release(&out);
}

/* Written by hand, on several lines: still one line. */
static void line_ends_of_a_payload_are_white_space(void **state)
{
	struct delivery delivery = sample("{\r\n\"a\":\n1\n}");
	struct buf out = BUF_INIT(4096);
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(record_write(&delivery, &out, &err), 0);
	assert_non_null(strstr(out.data, "\"payload\":{  \"a\": 1 }}\n"));
	assert_ptr_equal(strchr(out.data, '\n'), out.data + out.len - 1);
	buf_release(&out);
}

static void texts_are_escaped(void **state)
{
	struct delivery delivery = sample("1");
	struct buf out = BUF_INIT(4096);
	struct error err = ERROR_INIT;

	(void)state;
	delivery.operation = "a\"b\\c\nd";
	assert_int_equal(record_write(&delivery, &out, &err), 0);
	assert_non_null(strstr(out.data, "\"operation\":\"a\\\"b\\\\c\\u000ad\""));
	buf_release(&out);
}

static void what_is_no_json_is_refused(void **state)
{
	static const char *const bad[] = {"", "{", "{} {}", "{\"a\":\"\n\"}", "nonsense", NULL};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct delivery delivery = sample(bad[i]);
		struct buf out = BUF_INIT(4096);
		struct error err = ERROR_INIT;

		assert_int_equal(record_write(&delivery, &out, &err), -1);
		assert_int_equal(err.kind, ERROR_DATA);
		assert_int_equal(out.len, 0);
	}
}

static void a_limit_is_kept(void **state)
{
	struct delivery delivery = sample("{}");
	struct buf out = BUF_INIT(100);
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(record_write(&delivery, &out, &err), -1);
	assert_non_null(strstr(err.text, "larger than 100 bytes"));
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_line_with_everything),
		cmocka_unit_test(what_is_not_there_is_null),
		cmocka_unit_test(line_ends_of_a_payload_are_white_space),
		cmocka_unit_test(texts_are_escaped),
		cmocka_unit_test(what_is_no_json_is_refused),
		cmocka_unit_test(a_limit_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
