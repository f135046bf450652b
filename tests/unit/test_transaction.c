/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "steem/codec/pack.h"
#include "steem/codec/sign.h"
#include "steem/transaction.h"
#include "vectors.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define KEY          "STM8GC13uCZbP44HzMLV6zPZGwVQ8Nt4Kji8PapsPiNq1BK153XTX"
#define WIF          "5J1by7KRQujRdXrurEsvEr2zQGcdPaMJRjewER6XsAR2eCcpt3D"
#define AUTHORITY(account)                                                                         \
	"{\"weight_threshold\":1,\"account_auths\":[[\"" account "\",1]],\"key_auths\":[]}"
#define SEALED                                                                                     \
	"{\"ref_block_num\":34294,\"ref_block_prefix\":3707022213,\"expiration\":"                 \
	"\"2016-04-06T08:29:27\",\"operations\":[["
#define VOTE "[\"vote\",{\"voter\":\"foo\",\"author\":\"bar\",\"permlink\":\"baz\",\"weight\":1}]"

static struct transaction_maker *maker;

static int make_maker(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	maker = transaction_maker_new(&chain_steem, &err);
	return maker != NULL ? 0 : -1;
}

static int free_maker(void **state)
{
	(void)state;
	transaction_maker_free(maker);
	return 0;
}

static struct transaction *read_trx(const char *text)
{
	struct error err = ERROR_INIT;
	struct transaction *trx = transaction_read(maker, text, strlen(text), &err);

	if (trx == NULL)
		fail_msg("%s: %s", text, err.text);
	return trx;
}

static void check_refused_len(const char *text, size_t len, const char *why)
{
	struct error err = ERROR_INIT;

	if (transaction_read(maker, text, len, &err) != NULL)
		fail_msg("%s was read", text);
	assert_int_equal(err.kind, ERROR_DATA);
	if (strstr(err.text, why) == NULL)
		fail_msg("%s: not \"%s\" but: %s", text, why, err.text);
	for (const char *at = err.text; *at != '\0'; at++)
		assert_true((unsigned char)*at >= ' ');
}

static void check_refused(const char *text, const char *why)
{
	check_refused_len(text, strlen(text), why);
}

static const char *plain_text(struct json_object *value)
{
	return json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN |
							     JSON_C_TO_STRING_NOSLASHESCAPE);
}

/* The block that a trx refers to, as far as the trx says. */
static struct block_name reference_of(uint32_t ref_block_num, uint32_t ref_block_prefix)
{
	struct block_name name = {.num = 0x470000 + ref_block_num};

	for (size_t i = 0; i < 4; i++)
		name.id[4 + i] = (uint8_t)(ref_block_prefix >> 8 * i);
	return name;
}

static char *written(const struct transaction *trx, const uint8_t signature[SIGNATURE_BYTES])
{
	CLEANUP(buf_release) struct buf out = BUF_INIT(TRANSACTION_JSON_BYTES_MAX);
	struct error err = ERROR_INIT;

	assert_int_equal(transaction_write(trx, signature, &out, &err), 0);
	return xstrdup(buf_text(&out));
}

/* Only what the JSON reader of nodes knows, and valid UTF-8. */
static void check_escapes(const char *text)
{
	for (const char *at = text; *at != '\0'; at++) {
		assert_true((unsigned char)*at >= ' ');
		if (*at == '\\')
			assert_non_null(strchr("tnr\"\\", *++at));
	}
	assert_int_equal(text_valid_length(text, strlen(text)), strlen(text));
}

/* Other names, members and notation than those of the operations that were read: none. */
static void check_written(const char *text, struct json_object *operations)
{
	struct json_object *trx = json_tokener_parse(text);
	struct json_object *got = vector_at(trx, "operations");

	check_escapes(text);
	assert_int_equal(json_object_object_length(trx), 6);
	if (!json_object_equal(got, operations))
		fail_msg("%s instead of %s", plain_text(got), plain_text(operations));
	assert_string_equal(plain_text(vector_at(trx, "extensions")), "[]");
	assert_int_equal(json_object_array_length(vector_at(trx, "signatures")), 1);
	json_object_put(trx);
}

/* Operations that no key of an account can sign, or that condenser_api loses a part of. */
static bool is_refused_for_good(const char *reason)
{
	static const char *const reasons[] = {
		"no account's key can sign it",
		"it names no account that signs it",
		"allow_votes: condenser_api loses false",
		"is not signed; leave it out",
	};

	for (size_t i = 0; i < COUNT(reasons); i++)
		if (strstr(reason, reasons[i]) != NULL)
			return true;
	return false;
}

/* Whose authority it is, of those operations for which it is always the same (steem_operations.hpp). */
static const struct {
	const char *operation;
	enum codec_authority authority;
	const char *member;
} who_signs[] = {
	{"vote", CODEC_POSTING, "voter"},
	{"comment", CODEC_POSTING, "author"},
	{"transfer", CODEC_ACTIVE, "from"},
	{"transfer_to_vesting", CODEC_ACTIVE, "from"},
	{"withdraw_vesting", CODEC_ACTIVE, "account"},
	{"limit_order_create", CODEC_ACTIVE, "owner"},
	{"limit_order_cancel", CODEC_ACTIVE, "owner"},
	{"feed_publish", CODEC_ACTIVE, "publisher"},
	{"convert", CODEC_ACTIVE, "owner"},
	{"account_create", CODEC_ACTIVE, "creator"},
	{"witness_update", CODEC_ACTIVE, "owner"},
	{"account_witness_vote", CODEC_ACTIVE, "account"},
	{"account_witness_proxy", CODEC_ACTIVE, "account"},
	{"delete_comment", CODEC_POSTING, "author"},
	{"comment_options", CODEC_POSTING, "author"},
	{"set_withdraw_vesting_route", CODEC_ACTIVE, "from_account"},
	{"limit_order_create2", CODEC_ACTIVE, "owner"},
	{"claim_account", CODEC_ACTIVE, "creator"},
	{"create_claimed_account", CODEC_ACTIVE, "creator"},
	{"request_account_recovery", CODEC_ACTIVE, "recovery_account"},
	{"change_recovery_account", CODEC_OWNER, "account_to_recover"},
	{"escrow_transfer", CODEC_ACTIVE, "from"},
	{"escrow_dispute", CODEC_ACTIVE, "who"},
	{"escrow_release", CODEC_ACTIVE, "who"},
	{"escrow_approve", CODEC_ACTIVE, "who"},
	{"transfer_to_savings", CODEC_ACTIVE, "from"},
	{"transfer_from_savings", CODEC_ACTIVE, "from"},
	{"cancel_transfer_from_savings", CODEC_ACTIVE, "from"},
	{"decline_voting_rights", CODEC_OWNER, "account"},
	{"reset_account", CODEC_ACTIVE, "reset_account"},
	{"claim_reward_balance", CODEC_POSTING, "account"},
	{"delegate_vesting_shares", CODEC_ACTIVE, "delegator"},
	{"account_create_with_delegation", CODEC_ACTIVE, "creator"},
	{"create_proposal", CODEC_ACTIVE, "creator"},
	{"update_proposal_votes", CODEC_ACTIVE, "voter"},
	{"remove_proposal", CODEC_ACTIVE, "proposal_owner"},
};

/* Returns how many of them it is. */
static size_t check_who_signs(const struct transaction *trx)
{
	const struct transaction_operation *operation = &trx->operations[0];
	char want[BLOCK_ACCOUNT_BYTES + 3];
	struct json_slice value;

	for (size_t i = 0; i < COUNT(who_signs); i++) {
		if (strcmp(who_signs[i].operation, operation->row->name) != 0)
			continue;
		assert_int_equal(trx->authority, who_signs[i].authority);
		assert_int_equal(trx->signer_count, 1);
		assert_true(transaction_member(operation, who_signs[i].member, &value));
		snprintf(want, sizeof(want), "\"%s\"", trx->signers[0].account);
		assert_int_equal(value.len, strlen(want));
		assert_memory_equal(value.data, want, value.len);
		return 1;
	}
	return 0;
}

static void vectors_of_each_operation_get_their_ids(void **state)
{
	struct json_object *vectors = vectors_read();
	struct json_object *list;
	struct block_name reference = reference_of(34294, 3707022213);
	uint8_t signature[SIGNATURE_BYTES] = {0x1f, 0xab};
	size_t refused_count = 0, signed_count = 0;

	(void)state;
	if (vectors == NULL)
		skip();
	list = vector_at(vectors, "steem_ops");
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *one = json_object_array_get_idx(list, i);
		struct json_object *operations = json_object_new_array();
		struct error err = ERROR_INIT;
		struct transaction *trx;
		const char *text;

		json_object_array_add(operations, json_object_get(vector_at(one, "op")));
		text = plain_text(operations);
		trx = transaction_read(maker, text, strlen(text), &err);
		if (trx == NULL && is_refused_for_good(err.text)) {
			refused_count++;
		} else if (trx == NULL) {
			fail_msg("%s: %s", text, err.text);
		} else {
			CLEANUP(mem_free_pointer) char *sent = NULL;

			transaction_seal(trx, &reference, 0x5704c8e7);
			assert_string_equal(trx->id, vector_text(one, "trx_id"));
			signed_count += check_who_signs(trx);
			sent = written(trx, signature);
			check_written(sent, operations);
			assert_memory_equal(sent, SEALED, strlen(SEALED));
			assert_non_null(
				strstr(sent, "],\"extensions\":[],\"signatures\":[\"1fab00"));
			transaction_free(trx);
		}
		json_object_put(operations);
	}
	/* pow, pow2 twice, report_over_production, recover_account, custom_binary, */
	/* witness_set_properties */
	assert_int_equal(refused_count, 7);
	assert_true(signed_count >= COUNT(who_signs));
	json_object_put(vectors);
}

static uint32_t number_at(struct json_object *object, const char *member)
{
	return (uint32_t)json_object_get_int64(vector_at(object, member));
}

/* Transactions of the chain, made by other people's software: the same bytes, id and digest. */
static void real_transactions_are_made_again(void **state)
{
	struct json_object *vectors = vectors_read();
	struct json_object *list;
	size_t made_count = 0;

	(void)state;
	if (vectors == NULL)
		skip();
	list = vector_at(vectors, "real");
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *one = json_object_array_get_idx(list, i);
		struct json_object *json = vector_at(one, "json");
		struct json_object *operations = vector_at(json, "operations");
		const char *text = plain_text(operations);
		const char *signature_text = json_object_get_string(
			json_object_array_get_idx(vector_at(json, "signatures"), 0));
		bool is_testnet = strncmp(vector_text(one, "source"), "testnet", 7) == 0;
		struct error err = ERROR_INIT;
		struct transaction_maker *other =
			transaction_maker_new(is_testnet ? &chain_testnet : &chain_steem, &err);
		struct transaction *trx = transaction_read(other, text, strlen(text), &err);

		if (trx != NULL) {
			uint8_t want[4096], signature[SIGNATURE_BYTES];
			struct block_name reference =
				reference_of(number_at(json, "ref_block_num"),
					     number_at(json, "ref_block_prefix"));
			CLEANUP(mem_free_pointer) char *sent = NULL;
			size_t len = 0;

			if (strlen(vector_text(one, "unsigned")) / 2 <= sizeof(want))
				len = vector_bytes(one, "unsigned", want, sizeof(want));
			transaction_seal(
				trx, &reference,
				(uint32_t)clock_parse_utc(vector_text(json, "expiration")));
			assert_string_equal(trx->id, vector_text(one, "id"));
			if (len > 0) {
				assert_int_equal(trx->byte_count, len);
				assert_memory_equal(trx->bytes, want, len);
			}
			for (size_t j = 0; j < SIGNATURE_BYTES; j++)
				signature[j] =
					(uint8_t)strtoul((char[3]){signature_text[2 * j],
								   signature_text[2 * j + 1], 0},
							 NULL, 16);
			sent = written(trx, signature);
			check_written(sent, operations);
			assert_non_null(strstr(sent, signature_text));
			made_count++;
		} else if (!is_refused_for_good(err.text)) {
			/* Of Hive's software, and early names of symbols. */
			if (strstr(text, "HIVE") == NULL && strstr(text, "HBD") == NULL &&
			    strstr(text, "pow") == NULL)
				fail_msg("%s: %s", text, err.text);
		}
		transaction_free(trx);
		transaction_maker_free(other);
	}
	assert_int_equal(made_count, 28);
	json_object_put(vectors);
}

/* The digest is what the vectors sign, and another chain's is another one. */
static void the_digest_has_the_chain_in_it(void **state)
{
	struct json_object *vectors = vectors_read();
	struct block_name reference = reference_of(34294, 3707022213);
	struct error err = ERROR_INIT;
	struct transaction_maker *other = transaction_maker_new(&chain_testnet, &err);
	struct transaction *trx =
		read_trx("[[\"vote\",{\"voter\":\"foobara\",\"author\":\"foobarc\","
			 "\"permlink\":\"foobard\",\"weight\":1000}]]");
	struct transaction *same =
		transaction_read(other, "[" VOTE "]", strlen("[" VOTE "]"), &err);
	struct transaction *here = read_trx("[" VOTE "]");
	uint8_t digest[HASH_SHA256_BYTES];

	(void)state;
	transaction_seal(trx, &reference, 0x5704c8e7);
	transaction_seal(same, &reference, 0x5704c8e7);
	transaction_seal(here, &reference, 0x5704c8e7);
	assert_string_equal(same->id, here->id);
	assert_memory_not_equal(same->digest, here->digest, sizeof(digest));
	if (vectors != NULL) {
		vector_bytes(json_object_array_get_idx(vector_at(vectors, "sign"), 0), "digest",
			     digest, sizeof(digest));
		assert_memory_equal(trx->digest, digest, sizeof(digest));
	}
	/* Sealed again it is another one, and the old one comes back. */
	memcpy(digest, trx->digest, sizeof(digest));
	transaction_seal(trx, &reference, 0x5704c8e8);
	assert_memory_not_equal(trx->digest, digest, sizeof(digest));
	transaction_seal(trx, &reference, 0x5704c8e7);
	assert_memory_equal(trx->digest, digest, sizeof(digest));
	json_object_put(vectors);
	transaction_free(trx);
	transaction_free(same);
	transaction_free(here);
	transaction_maker_free(other);
}

static void check_signers(const char *text, enum codec_authority authority, const char *signers)
{
	static const char *const names[] = {"none", "posting", "active", "owner"};
	struct transaction *trx = read_trx(text);
	char got[256] = "";

	assert_int_equal(trx->authority, authority);
	for (size_t i = 0; i < trx->signer_count; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s:%s", i > 0 ? " " : "",
			 trx->signers[i].account, names[trx->signers[i].authority]);
	if (strcmp(got, signers) != 0)
		fail_msg("%s: %s instead of %s", text, got, signers);
	transaction_free(trx);
}

#define TRANSFER(from)                                                                             \
	"[\"transfer\",{\"from\":\"" from                                                          \
	"\",\"to\":\"bar\",\"amount\":\"1.000 STEEM\",\"memo\":\"\"}]"
#define CUSTOM_JSON(active, posting)                                                               \
	"[\"custom_json\",{\"required_auths\":[" active "],\"required_posting_auths\":[" posting   \
	"],\"id\":\"x\",\"json\":\"{}\"}]"
#define ESCROW_DISPUTE(who)                                                                        \
	"[\"escrow_dispute\",{\"from\":\"foo\",\"to\":\"bar\",\"agent\":\"carol\",\"who\":\"" who  \
	"\",\"escrow_id\":1}]"
#define ACCOUNT_UPDATE(members)                                                                    \
	"[\"account_update\",{\"account\":\"foo\"," members "\"memo_key\":\"" KEY                  \
	"\",\"json_metadata\":\"\"}]"
#define ACCOUNT_UPDATE2(members, metadata)                                                         \
	"[\"account_update2\",{\"account\":\"foo\"," members "\"json_metadata\":\"" metadata       \
	"\",\"posting_json_metadata\":\"{}\",\"extensions\":[]}]"
#define SET_RESET(current)                                                                         \
	"[\"set_reset_account\",{\"account\":\"foo\",\"current_reset_account\":\"" current         \
	"\",\"reset_account\":\"bar\"}]"
#define RECOVERY                                                                                   \
	"[\"change_recovery_account\",{\"account_to_recover\":\"foo\",\"new_recovery_account\":"   \
	"\"bar\",\"extensions\":[]}]"
#define CUSTOM_BINARY(owner, active, posting, others)                                              \
	"[\"custom_binary\",{\"required_owner_auths\":[" owner                                     \
	"],\"required_active_auths\":[" active "],\"required_posting_auths\":[" posting            \
	"],\"required_auths\":[" others "],\"id\":\"x\",\"data\":\"\"}]"
#define COMMENT_OPTIONS(votes, extensions)                                                         \
	"[\"comment_options\",{\"author\":\"foo\",\"permlink\":\"a\",\"max_accepted_payout\":"     \
	"\"1000000.000 SBD\",\"percent_steem_dollars\":10000,\"allow_votes\":" votes               \
	",\"allow_curation_rewards\":true,\"extensions\":" extensions "}]"
#define BENEFICIARIES(list) "[[0,{\"beneficiaries\":[" list "]}]]"

static void the_table_says_who_signs(void **state)
{
	(void)state;
	check_signers("[" VOTE "]", CODEC_POSTING, "foo:posting");
	check_signers("[" VOTE "," VOTE "]", CODEC_POSTING, "foo:posting");
	check_signers("[" TRANSFER("foo") "]", CODEC_ACTIVE, "foo:active");
	check_signers("[" TRANSFER("foo") "," TRANSFER("abc") "]", CODEC_ACTIVE,
		      "abc:active foo:active");
	check_signers("[" CUSTOM_JSON("", "\"foo\"") "]", CODEC_POSTING, "foo:posting");
	check_signers("[" CUSTOM_JSON("\"abc\",\"foo\"", "") "]", CODEC_ACTIVE,
		      "abc:active foo:active");
	check_signers("[" ESCROW_DISPUTE("bar") "]", CODEC_ACTIVE, "bar:active");
	check_signers("[" ESCROW_DISPUTE("carol") "]", CODEC_ACTIVE, "carol:active");
	check_signers("[" ACCOUNT_UPDATE("") "]", CODEC_ACTIVE, "foo:active");
	check_signers("[" ACCOUNT_UPDATE("\"owner\":null,") "]", CODEC_ACTIVE, "foo:active");
	check_signers("[" ACCOUNT_UPDATE("\"active\":" AUTHORITY("bar") ",") "]", CODEC_ACTIVE,
		      "foo:active");
	check_signers("[" ACCOUNT_UPDATE("\"owner\":" AUTHORITY("bar") ",") "]", CODEC_OWNER,
		      "foo:owner");
	check_signers("[" ACCOUNT_UPDATE2("", "") "]", CODEC_POSTING, "foo:posting");
	check_signers("[" ACCOUNT_UPDATE2("\"memo_key\":null,", "") "]", CODEC_POSTING,
		      "foo:posting");
	check_signers("[" ACCOUNT_UPDATE2("", "{}") "]", CODEC_ACTIVE, "foo:active");
	check_signers("[" ACCOUNT_UPDATE2("\"memo_key\":\"" KEY "\",", "") "]", CODEC_ACTIVE,
		      "foo:active");
	check_signers("[" ACCOUNT_UPDATE2("\"posting\":" AUTHORITY("bar") ",", "") "]",
		      CODEC_ACTIVE, "foo:active");
	check_signers("[" ACCOUNT_UPDATE2("\"owner\":" AUTHORITY("bar") ",", "{}") "]", CODEC_OWNER,
		      "foo:owner");
	check_signers("[" SET_RESET("") "]", CODEC_POSTING, "foo:posting");
	check_signers("[" SET_RESET("bar") "]", CODEC_OWNER, "foo:owner");
	check_signers("[" RECOVERY "]", CODEC_OWNER, "foo:owner");
	/* Active and owner may stand together; the higher one is enough for an account. */
	check_signers("[" RECOVERY "," TRANSFER("foo") "," TRANSFER("bar") "]", CODEC_OWNER,
		      "bar:active foo:owner");
	check_signers("[" CUSTOM_BINARY("\"foo\"", "\"bar\",\"foo\"", "", "") "]", CODEC_OWNER,
		      "bar:active foo:owner");
	check_signers("[" COMMENT_OPTIONS("true", "[]") "]", CODEC_POSTING, "foo:posting");
}

static void who_cannot_sign_is_refused(void **state)
{
	(void)state;
	check_refused(
		"[" VOTE "," TRANSFER("foo") "]",
		"operation 2, transfer: it needs the active authority, others need the posting "
		"authority; they cannot be in one transaction");
	check_refused("[" TRANSFER("foo") "," VOTE "]", "operation 2, vote: it needs the posting");
	check_refused("[" VOTE "," RECOVERY "]",
		      "operation 2, change_recovery_account: it needs the "
		      "owner authority, others need the posting");
	check_refused("[" CUSTOM_JSON("\"foo\"", "\"foo\"") "]",
		      "they cannot be in one transaction");
	check_refused("[" CUSTOM_JSON("", "") "]", "it names no account that signs it");
	check_refused("[" CUSTOM_JSON("\"\"", "") "]", "the account that must sign has no name");
	check_refused("[" ESCROW_DISPUTE("") "]", "the account that must sign has no name");
	check_refused("[" CUSTOM_BINARY("", "\"foo\"", "", AUTHORITY("bar")) "]",
		      "no account's key can sign it");
	check_refused("[" CUSTOM_JSON("\"aaa\",\"bbb\",\"ccc\",\"ddd\",\"eee\",\"fff\",\"ggg\","
				      "\"hhh\",\"iii\"",
				      "") "]",
		      "more than 8 accounts must sign");
}

static void what_a_node_would_read_otherwise_is_refused(void **state)
{
	(void)state;
	check_refused("[" COMMENT_OPTIONS("false", "[]") "]", "condenser_api loses false");
	/* Lists that a node sorts, or wants sorted. */
	check_refused("[" CUSTOM_JSON("", "\"foo\",\"bar\"") "]",
		      "required_posting_auths: \"bar\" must stand before");
	check_refused("[" CUSTOM_JSON("", "\"foo\",\"foo\"") "]", "only once");
	check_refused("[" CUSTOM_JSON("", "\"fooo\",\"foo\"") "]", "\"foo\" must stand before");
	check_signers("[" CUSTOM_JSON("", "\"bar\",\"foo\",\"fooo\"") "]", CODEC_POSTING,
		      "bar:posting foo:posting fooo:posting");
	check_refused("[" COMMENT_OPTIONS("true",
					  BENEFICIARIES("{\"account\":\"bar\",\"weight\":1},"
							"{\"account\":\"abc\",\"weight\":1}")) "]",
		      "must stand before");
	check_signers("[" COMMENT_OPTIONS("true",
					  BENEFICIARIES("{\"account\":\"abc\",\"weight\":1},"
							"{\"account\":\"bar\",\"weight\":1}")) "]",
		      CODEC_POSTING, "foo:posting");
	check_refused("[" COMMENT_OPTIONS("true", "[[0,{\"beneficiaries\":[]}],"
						  "[0,{\"beneficiaries\":[]}]]") "]",
		      "must stand before");
	check_refused("[[\"update_proposal_votes\",{\"voter\":\"foo\",\"proposal_ids\":[2,1],"
		      "\"approve\":true,\"extensions\":[]}]]",
		      "proposal_ids: 1 must stand before");
	check_signers("[[\"update_proposal_votes\",{\"voter\":\"foo\",\"proposal_ids\":"
		      "[1,300,\"5000000000\"],\"approve\":true,\"extensions\":[]}]]",
		      CODEC_ACTIVE, "foo:active");
	check_refused("[" ACCOUNT_UPDATE("\"posting\":{\"weight_threshold\":1,\"account_auths\":[],"
					 "\"key_auths\":[[\"" KEY
					 "\",1],[\"STM1111111111111111111111"
					 "111111111114T1Anm\",1]]},") "]",
		      "posting: key_auths");
	check_refused("[" ACCOUNT_UPDATE("\"posting\":{\"weight_threshold\":1,\"account_auths\":"
					 "[[\"bar\",1],[\"bar\",2]],\"key_auths\":[]},") "]",
		      "posting: account_auths");
	/* Members that are not signed, or unknown, or twice. */
	check_refused(
		"[[\"witness_update\",{\"owner\":\"foo\",\"url\":\"\",\"block_signing_key\":\"" KEY
		"\",\"props\":{\"account_creation_fee\":\"3.000 STEEM\",\"maximum_block_size\":"
		"65536,\"sbd_interest_rate\":0,\"account_subsidy_budget\":797},"
		"\"fee\":\"0.000 STEEM\"}]]",
		"props: the member \"account_subsidy_budget\" is not signed; leave it out");
	check_refused(
		"[[\"witness_update\",{\"owner\":\"foo\",\"url\":\"\",\"block_signing_key\":\"" KEY
		"\",\"props\":{\"account_creation_fee\":{\"amount\":\"3000\",\"precision\":3,"
		"\"nai\":\"@@000000021\"},\"maximum_block_size\":65536,\"sbd_interest_rate\":0},"
		"\"fee\":\"0.000 STEEM\"}]]",
		"account_creation_fee");
	check_refused("[[\"vote\",{\"voter\":\"foo\",\"author\":\"bar\",\"permlink\":\"baz\","
		      "\"weight\":1,\"memo\":\"\"}]]",
		      "operation 1, vote: the member \"memo\" is not known");
	check_refused("[[\"vote\",{\"voter\":\"foo\",\"voter\":\"fox\",\"author\":\"bar\","
		      "\"permlink\":\"baz\",\"weight\":1}]]",
		      "twice");
	check_refused("[[\"vote\",{\"voter\":\"foo\",\"author\":\"bar\",\"permlink\":\"baz\"}]]",
		      "the member \"weight\" is missing");
	check_refused("[[\"transfer\",{\"from\":\"foo\",\"to\":\"bar\",\"amount\":\"1 STEEM\","
		      "\"memo\":\"\"}]]",
		      "amount: 1 STEEM is no amount of steem");
	check_refused("[[\"transfer\",{\"from\":\"foo\",\"to\":\"bar\",\"amount\":\"1.000 HIVE\","
		      "\"memo\":\"\"}]]",
		      "is no amount");
	check_refused("[[\"transfer\",{\"from\":\"foo\",\"to\":\"Bar\",\"amount\":\"1.000 STEEM\","
		      "\"memo\":\"\"}]]",
		      "to: \"Bar\" is no account name");
	check_refused(
		"[[\"transfer\",{\"from\":\"foo\",\"to\":\"bar\\n\",\"amount\":\"1.000 STEEM\","
		"\"memo\":\"\"}]]",
		"is no account name");
}

/* Each character in a text: sent as it is, with an escape that nodes know, or refused. */
static void each_character_arrives_or_is_refused(void **state)
{
	static const char head[] =
		"[[\"custom_json\",{\"required_auths\":[],\"required_posting_auths\":"
		"[\"foo\"],\"id\":\"x\",\"json\":\"";
	static const uint8_t signature[SIGNATURE_BYTES];
	struct block_name reference = reference_of(1, 2);

	(void)state;
	for (unsigned code = 0; code < 0x3000; code++) {
		char text[sizeof(head) + 16];
		struct error err = ERROR_INIT;
		struct transaction *trx;
		bool is_sendable = code >= 0x20 || code == '\t' || code == '\n' || code == '\r';

		snprintf(text, sizeof(text), "%s\\u%04x\"}]]", head, code);
		trx = transaction_read(maker, text, strlen(text), &err);
		if (!is_sendable) {
			if (trx != NULL)
				fail_msg("%u was read", code);
			assert_non_null(strstr(err.text, "control character"));
			continue;
		}
		if (trx == NULL)
			fail_msg("%u: %s", code, err.text);
		transaction_seal(trx, &reference, 0);
		{
			CLEANUP(mem_free_pointer) char *sent = written(trx, signature);
			struct json_object *operations = json_tokener_parse(text);

			check_written(sent, operations);
			assert_null(strstr(sent, "\\u"));
			json_object_put(operations);
		}
		/* Its bytes: the length, and the character itself. */
		{
			const uint8_t *at = trx->bytes + trx->byte_count - 2;
			size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : 3;

			assert_int_equal(trx->bytes[trx->byte_count - 1], 0);
			at -= len - 1;
			assert_int_equal(at[-1], len);
			if (len == 1)
				assert_int_equal(at[0], code);
		}
		transaction_free(trx);
	}
	check_refused(
		"[[\"custom_json\",{\"required_auths\":[],\"required_posting_auths\":[\"foo\"],"
		"\"id\":\"x\",\"json\":\"\\ud800\"}]]",
		"half of a character");
	check_refused(
		"[[\"custom_json\",{\"required_auths\":[],\"required_posting_auths\":[\"foo\"],"
		"\"id\":\"x\",\"json\":\"\xff\"}]]",
		"it is not valid UTF-8");
	check_refused(
		"[[\"custom_json\",{\"required_auths\":[],\"required_posting_auths\":[\"foo\"],"
		"\"id\":\"x\",\"json\":\"\\b\"}]]",
		"control character");
}

static void other_texts_are_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{"", "an array of pairs"},
		{"{}", "an array of pairs"},
		{"[]", "there is no operation"},
		{"[[]]", "an array of pairs"},
		{"[\"vote\",{}]", "an array of pairs"},
		{"[[\"vote\"]]", "an array of pairs"},
		{"[[\"vote\",[]]]", "an array of pairs"},
		{"[[0,{\"voter\":\"foo\",\"author\":\"bar\",\"permlink\":\"baz\",\"weight\":1}]]",
		 "a string was expected"},
		{"[[\"vote_operation\",{}]]", "operation 1: there is no operation"},
		{"[[\"Vote\",{}]]", "there is no operation \"Vote\""},
		{"[[\"\",{}]]", "there is no operation"},
		{"[[\"author_reward\",{\"author\":\"foo\"}]]",
		 "operation 1, author_reward: it is a virtual operation"},
		{"[" VOTE "] x", "cannot be read"},
		{"[" VOTE, "cannot be read"},
		{"[" VOTE ",]", "cannot be read"},
		{"[[\"vote\",{},1]]", "an array of pairs"},
		{"[[\"vote\",{}", "cannot be read"},
		{"[[\"v\\u006fte\",{}]]", "there is no operation"},
		{"[" VOTE ",{}]", "an array of pairs"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		check_refused(bad[i].text, bad[i].why);
	check_refused_len("[" VOTE "]\0", strlen("[" VOTE "]") + 1, "cannot be read");
}

/* White space, members in another order, escapes: the same transaction. */
static void notation_does_not_matter(void **state)
{
	static const char other[] =
		" [ [ \"vote\" , { \"weight\" : 1 ,\n\"permlink\":\"b\\u0061z\","
		"\"author\":\"bar\",\t\"voter\":\"foo\" } ] ] ";
	struct transaction *a = read_trx("[" VOTE "]"), *b = read_trx(other);
	static const uint8_t signature[SIGNATURE_BYTES];
	struct block_name reference = reference_of(1, 2);

	(void)state;
	transaction_seal(a, &reference, 3);
	transaction_seal(b, &reference, 3);
	assert_string_equal(a->id, b->id);
	{
		CLEANUP(mem_free_pointer) char *sent = written(b, signature);

		assert_non_null(strstr(sent, "[[\"vote\",{\"weight\":1,\"permlink\":\"baz\","
					     "\"author\":\"bar\",\"voter\":\"foo\"}]]"));
		assert_non_null(strstr(sent, "\"expiration\":\"1970-01-01T00:00:03\""));
	}
	transaction_free(a);
	transaction_free(b);
}

static char *votes(unsigned count)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT(1 << 20);

	for (unsigned i = 0; i < count; i++)
		buf_addf(&text, "%c%s", i > 0 ? ',' : '[', VOTE);
	buf_add_char(&text, ']');
	return xstrdup(buf_text(&text));
}

static void at_most_twenty_operations(void **state)
{
	CLEANUP(mem_free_pointer) char *twenty = votes(20);
	CLEANUP(mem_free_pointer) char *more = votes(21);
	struct transaction *trx = read_trx(twenty);

	(void)state;
	assert_int_equal(trx->operation_count, 20);
	assert_string_equal(trx->operations[19].row->name, "vote");
	transaction_free(trx);
	check_refused(more, "there are more than 20 operations");
}

static char *comment_of(size_t body_len)
{
	char *body = xcalloc(body_len + 1, 1), *text;

	memset(body, 'x', body_len);
	text = xasprintf("[[\"comment\",{\"parent_author\":\"\",\"parent_permlink\":\"a\","
			 "\"author\":\"foo\",\"permlink\":\"b\",\"title\":\"\",\"body\":\"%s\","
			 "\"json_metadata\":\"\"}]]",
			 body);
	free(body);
	return text;
}

static void the_largest_transaction_is_what_a_node_takes(void **state)
{
	/* Head 10, count 1, number 1, two lengths 2, "a" 1, "foo" 4, "b" 2, title 1, length of the */
	/* body 3, metadata 1, extensions 1, signatures 1 + 65. */
	size_t around = 10 + 1 + 1 + 1 + 2 + 4 + 2 + 1 + 3 + 1 + 1 + 66;
	CLEANUP(mem_free_pointer) char *most = comment_of(TRANSACTION_BYTES_MAX - around);
	CLEANUP(mem_free_pointer) char *more = comment_of(TRANSACTION_BYTES_MAX - around + 1);
	CLEANUP(mem_free_pointer) char *far_more = comment_of(TRANSACTION_JSON_BYTES_MAX);
	struct transaction *trx = read_trx(most);

	(void)state;
	assert_int_equal(TRANSACTION_BYTES_MAX, 65536 - 256);
	assert_int_equal(trx->byte_count + 66, TRANSACTION_BYTES_MAX);
	transaction_free(trx);
	check_refused(more, "the transaction has 65281 bytes; a node takes at most 65280");
	check_refused(far_more, "bytes of text");
}

static void limits_can_read_members(void **state)
{
	struct transaction *trx = read_trx("[" TRANSFER("foo") "]");
	struct json_slice value;
	int64_t amount = 0;
	size_t symbol = 99;

	(void)state;
	assert_string_equal(trx->operations[0].row->name, "transfer");
	assert_true(transaction_member(&trx->operations[0], "amount", &value));
	assert_true(transaction_amount(maker, &value, &symbol, &amount));
	assert_int_equal(amount, 1000);
	assert_string_equal(chain_steem.symbols[symbol].text, "STEEM");
	assert_true(transaction_member(&trx->operations[0], "to", &value));
	assert_int_equal(value.len, 5);
	assert_memory_equal(value.data, "\"bar\"", 5);
	assert_false(transaction_amount(maker, &value, &symbol, &amount));
	assert_false(transaction_member(&trx->operations[0], "fee", &value));
	value = (struct json_slice){"\"0.000001 VESTS\"", 16};
	assert_true(transaction_amount(maker, &value, &symbol, &amount));
	assert_int_equal(amount, 1);
	assert_string_equal(chain_steem.symbols[symbol].text, "VESTS");
	transaction_free(trx);
	transaction_free(NULL);
}

/* Signed, it is what a node checks: the key comes back from digest and signature. */
static void a_transaction_is_signed(void **state)
{
	struct error err = ERROR_INIT;
	struct private_key *key =
		private_key_read(transaction_maker_hash(maker), WIF, strlen(WIF), &err);
	struct transaction *trx = read_trx("[" VOTE "]");
	struct block_name reference = reference_of(7, 8);
	CLEANUP(buf_release) struct buf small = BUF_INIT(100);
	uint8_t signature[SIGNATURE_BYTES];
	struct key recovered;

	(void)state;
	assert_non_null(key);
	transaction_seal(trx, &reference, 9);
	assert_int_equal(sign_digest(trx->digest, key, signature, &err), 0);
	assert_true(key_recover(trx->digest, signature, &recovered));
	assert_memory_equal(recovered.bytes, private_key_public(key)->bytes, KEY_BYTES);
	assert_int_equal(transaction_write(trx, signature, &small, &err), -1);
	assert_int_equal(err.kind, ERROR_FATAL);
	transaction_free(trx);
	private_key_free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_of_each_operation_get_their_ids),
		cmocka_unit_test(real_transactions_are_made_again),
		cmocka_unit_test(the_digest_has_the_chain_in_it),
		cmocka_unit_test(the_table_says_who_signs),
		cmocka_unit_test(who_cannot_sign_is_refused),
		cmocka_unit_test(what_a_node_would_read_otherwise_is_refused),
		cmocka_unit_test(each_character_arrives_or_is_refused),
		cmocka_unit_test(other_texts_are_refused),
		cmocka_unit_test(notation_does_not_matter),
		cmocka_unit_test(at_most_twenty_operations),
		cmocka_unit_test(the_largest_transaction_is_what_a_node_takes),
		cmocka_unit_test(limits_can_read_members),
		cmocka_unit_test(a_transaction_is_signed),
	};

	return cmocka_run_group_tests(tests, make_maker, free_maker);
}
