/* SPDX-License-Identifier: MIT */
/* What a command that signs may answer, and real processes that do. */
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <secp256k1.h>
#include <secp256k1_recovery.h>

#include "base/log.h"
#include "daemon/child.h"
#include "poster/signature_run.h"

static const uint8_t secret[32] = {7, 7, 7};
static secp256k1_context *context;
static struct hash *hash;
static struct key own_key;
static uint8_t digest[HASH_SHA256_BYTES];
static int signal_fd;

static int set_up(void **state)
{
	secp256k1_pubkey point;
	size_t len = KEY_BYTES;
	struct error err = ERROR_INIT;

	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	hash = hash_new(&err);
	signal_fd = children_open(&err);
	hash_sha256(hash, "a digest", 8, digest);
	return hash == NULL || signal_fd < 0 ||
	       !secp256k1_ec_pubkey_create(context, &point, secret) ||
	       !secp256k1_ec_pubkey_serialize(context, own_key.bytes, &len, &point,
					      SECP256K1_EC_COMPRESSED);
}

static int tear_down(void **state)
{
	(void)state;
	secp256k1_context_destroy(context);
	hash_free(hash);
	return close(signal_fd);
}

/* As libsecp256k1 signs, with one nonce after the other; R is below 2^255 or not. */
static void sign_raw(bool is_low_r, uint8_t signature[SIGNATURE_BYTES])
{
	secp256k1_ecdsa_recoverable_signature made;
	uint8_t extra[32] = {0};
	int ident = 0;

	do {
		extra[0]++;
		assert_true(secp256k1_ecdsa_sign_recoverable(context, &made, digest, secret, NULL,
							     extra));
		secp256k1_ecdsa_recoverable_signature_serialize_compact(context, signature + 1,
									&ident, &made);
	} while ((signature[1] < 0x80) != is_low_r);
	signature[0] = (uint8_t)(31 + ident);
}

/* The other one of the two signatures that are equally right. */
static void turn_s(uint8_t signature[SIGNATURE_BYTES])
{
	uint8_t *s = signature + 33;

	assert_true(secp256k1_ec_seckey_negate(context, s));
	signature[0] = (uint8_t)(31 + ((signature[0] - 31) ^ 1));
}

static char *hex(const uint8_t signature[SIGNATURE_BYTES], bool is_upper, const char *end,
		 char text[SIGNATURE_ANSWER_LEN + 3])
{
	for (size_t i = 0; i < SIGNATURE_BYTES; i++)
		snprintf(text + 2 * i, 3, is_upper ? "%02X" : "%02x", signature[i]);
	snprintf(text + SIGNATURE_ANSWER_LEN, 3, "%s", end);
	return text;
}

static enum signature_verdict read_text(const char *text, struct signature_answer *answer)
{
	signature_run_read(text, strlen(text), digest, &own_key, answer);
	assert_int_equal(answer->why[0] == '\0', answer->verdict == SIGNATURE_RIGHT);
	return answer->verdict;
}

static void right_answers(void **state)
{
	uint8_t signature[SIGNATURE_BYTES], high[SIGNATURE_BYTES], old[SIGNATURE_BYTES];
	char text[SIGNATURE_ANSWER_LEN + 3];
	struct signature_answer answer;
	struct error err = ERROR_INIT;

	(void)state;
	sign_raw(true, signature);
	memcpy(high, signature, sizeof(high));
	turn_s(high);
	memcpy(old, signature, sizeof(old));
	old[0] = (uint8_t)(old[0] - 4);
	assert_int_equal(read_text(hex(signature, false, "\n", text), &answer), SIGNATURE_RIGHT);
	assert_memory_equal(answer.signature, signature, sizeof(signature));
	assert_int_equal(sign_check(digest, answer.signature, &own_key, &err), 0);
	assert_int_equal(read_text(hex(signature, false, "", text), &answer), SIGNATURE_RIGHT);
	assert_int_equal(read_text(hex(signature, true, "\n", text), &answer), SIGNATURE_RIGHT);
	/* A high S, and the header of an uncompressed key, become what nodes write. */
	assert_int_equal(sign_check(digest, high, &own_key, &err), -1);
	assert_int_equal(read_text(hex(high, false, "\n", text), &answer), SIGNATURE_RIGHT);
	assert_memory_equal(answer.signature, signature, sizeof(signature));
	assert_int_equal(read_text(hex(old, false, "\n", text), &answer), SIGNATURE_RIGHT);
	assert_memory_equal(answer.signature, signature, sizeof(signature));
}

static void answers_that_no_node_takes(void **state)
{
	uint8_t signature[SIGNATURE_BYTES];
	char text[SIGNATURE_ANSWER_LEN + 3];
	struct signature_answer answer;

	(void)state;
	sign_raw(false, signature);
	assert_int_equal(read_text(hex(signature, false, "\n", text), &answer),
			 SIGNATURE_UNCANONICAL);
	turn_s(signature);
	assert_int_equal(read_text(hex(signature, false, "\n", text), &answer),
			 SIGNATURE_UNCANONICAL);
}

static void answers_of_another_key_or_digest(void **state)
{
	uint8_t signature[SIGNATURE_BYTES], other[HASH_SHA256_BYTES] = {9};
	char text[SIGNATURE_ANSWER_LEN + 3];
	struct signature_answer answer;
	struct key other_key = own_key;

	(void)state;
	sign_raw(true, signature);
	hex(signature, false, "\n", text);
	signature_run_read(text, strlen(text), other, &own_key, &answer);
	assert_int_equal(answer.verdict, SIGNATURE_FOREIGN);
	other_key.bytes[0] ^= 1;
	signature_run_read(text, strlen(text), digest, &other_key, &answer);
	assert_int_equal(answer.verdict, SIGNATURE_FOREIGN);
	assert_memory_equal(answer.found.bytes, own_key.bytes, KEY_BYTES);
	/* The other header belongs to another key. */
	signature[0] = (uint8_t)(31 + ((signature[0] - 31) ^ 1));
	assert_int_equal(read_text(hex(signature, false, "\n", text), &answer), SIGNATURE_FOREIGN);
	for (int header = 0; header < 256; header += header == 26 ? 9 : 1) {
		signature[0] = (uint8_t)header;
		assert_int_equal(read_text(hex(signature, false, "\n", text), &answer),
				 SIGNATURE_FOREIGN);
	}
	memset(signature + 1, 0, 64);
	signature[0] = 31;
	assert_int_equal(read_text(hex(signature, false, "\n", text), &answer), SIGNATURE_FOREIGN);
	memset(signature + 1, 0xff, 64);
	assert_int_equal(read_text(hex(signature, false, "\n", text), &answer), SIGNATURE_FOREIGN);
}

static void answers_that_are_no_signature(void **state)
{
	uint8_t signature[SIGNATURE_BYTES];
	char text[SIGNATURE_ANSWER_LEN + 3], longer[2 * SIGNATURE_ANSWER_LEN];
	struct signature_answer answer;

	(void)state;
	sign_raw(true, signature);
	assert_int_equal(read_text("", &answer), SIGNATURE_BROKEN);
	assert_int_equal(read_text("\n", &answer), SIGNATURE_BROKEN);
	hex(signature, false, "", text);
	snprintf(longer, sizeof(longer), "%s0", text);
	assert_int_equal(read_text(longer, &answer), SIGNATURE_BROKEN);
	snprintf(longer, sizeof(longer), "%s\n\n", text);
	assert_int_equal(read_text(longer, &answer), SIGNATURE_BROKEN);
	snprintf(longer, sizeof(longer), "%s\r\n", text);
	assert_int_equal(read_text(longer, &answer), SIGNATURE_BROKEN);
	snprintf(longer, sizeof(longer), " %s", text);
	assert_int_equal(read_text(longer, &answer), SIGNATURE_BROKEN);
	for (size_t i = 0; i < SIGNATURE_ANSWER_LEN; i += 43) {
		static const char wrong[] = "g/:@G`\n -x";

		for (const char *at = wrong; *at; at++) {
			snprintf(longer, sizeof(longer), "%s", text);
			longer[i] = *at;
			assert_int_equal(read_text(longer, &answer), SIGNATURE_BROKEN);
		}
	}
	text[SIGNATURE_ANSWER_LEN - 1] = '\0';
	assert_int_equal(read_text(text, &answer), SIGNATURE_BROKEN);
	/* A zero byte is no end. */
	signature_run_read(text, SIGNATURE_ANSWER_LEN, digest, &own_key, &answer);
	assert_int_equal(answer.verdict, SIGNATURE_BROKEN);
	/* Nothing of it is shown: it may be a key. */
	assert_null(strstr(answer.why, "1f"));
}

/* Processes. */

static void run_script(const char *script, unsigned timeout_s, struct signature_answer *answer)
{
	char sh[] = "/bin/sh", c[] = "-c", text[1024], key_text[] = "STM7key";
	char *argv[] = {sh, c, text, NULL};
	struct config_account rules = {
		.is_command = true, .public_key = key_text, .timeout_s = timeout_s};
	struct signing_key key = {
		.rules = &rules, .program = sh, .argv = argv, .public_key = own_key};

	snprintf(text, sizeof(text), "%s", script);
	signature_run_once("bot-one", &key, digest, answer);
}

static void it_is_given_the_digest_and_names(void **state)
{
	uint8_t signature[SIGNATURE_BYTES];
	char text[SIGNATURE_ANSWER_LEN + 3], script[1024], want[2 * HASH_SHA256_BYTES + 1];
	struct signature_answer answer;

	(void)state;
	setenv("MYSQL_PWD", "hush", 1);
	setenv("STEEM_ACCOUNT", "another", 1);
	sign_raw(true, signature);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(want + 2 * i, 3, "%02x", digest[i]);
	snprintf(
		script, sizeof(script),
		"read line; read more && exit 4; [ \"$line\" = %s ] || exit 5\n"
		"[ \"$STEEM_ACCOUNT $STEEM_AUTHORITY $STEEM_PUBLIC_KEY\" = 'bot-one posting STM7key' ]"
		" || exit 6\n[ -z \"$MYSQL_PWD\" ] || exit 7; echo %s",
		want, hex(signature, false, "", text));
	run_script(script, 20, &answer);
	assert_string_equal(answer.why, "");
	assert_int_equal(answer.verdict, SIGNATURE_RIGHT);
	assert_string_equal(getenv("MYSQL_PWD"), "hush");
	assert_string_equal(getenv("STEEM_ACCOUNT"), "another");
	unsetenv("MYSQL_PWD");
	unsetenv("STEEM_ACCOUNT");
}

static void assert_broken(const char *script, const char *why)
{
	struct signature_answer answer;

	run_script(script, 1, &answer);
	assert_int_equal(answer.verdict, SIGNATURE_BROKEN);
	if (strstr(answer.why, why) == NULL)
		fail_msg("%s: %s", script, answer.why);
}

static void commands_that_fail(void **state)
{
	(void)state;
	assert_broken("exit 3", "exit code is 3");
	assert_broken("kill -9 $$", "signal 9");
	assert_broken("sleep 1000 & wait", "timeout_s");
	assert_broken("trap '' TERM; while :; do :; done", "timeout_s");
	assert_broken("exec yes", "more than a signature");
	assert_broken("echo hello", "5 characters");
	assert_broken("exec 0<&-; exec 1>&-; exit 0", "0 characters");
}

static void a_program_that_is_not_there(void **state)
{
	char path[] = "/no/such/program", key_text[] = "STM7key";
	char *argv[] = {path, NULL};
	struct config_account rules = {
		.is_command = true, .is_active = true, .public_key = key_text, .timeout_s = 5};
	struct signing_key key = {
		.rules = &rules, .program = path, .argv = argv, .public_key = own_key};
	struct signature_answer answer;

	(void)state;
	signature_run_once("bot-one", &key, digest, &answer);
	assert_int_equal(answer.verdict, SIGNATURE_BROKEN);
	assert_string_equal(answer.why, "it cannot be executed: No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(right_answers),
		cmocka_unit_test(answers_that_no_node_takes),
		cmocka_unit_test(answers_of_another_key_or_digest),
		cmocka_unit_test(answers_that_are_no_signature),
		cmocka_unit_test(it_is_given_the_digest_and_names),
		cmocka_unit_test(commands_that_fail),
		cmocka_unit_test(a_program_that_is_not_there),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
