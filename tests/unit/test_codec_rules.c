/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "steem/codec/rules.h"
#include "steem/transaction.h"
#include "vectors.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define KEY          "STM8GC13uCZbP44HzMLV6zPZGwVQ8Nt4Kji8PapsPiNq1BK153XTX"

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

/* 0, or -1 with the reason: the operation can be packed in any case. */
static int check(const char *text, struct error *err)
{
	struct transaction *trx;
	int result;

	*err = (struct error)ERROR_INIT;
	trx = transaction_read(maker, text, strlen(text), err);
	if (trx == NULL)
		fail_msg("%.200s: %s", text, err->text);
	result = transaction_check(trx, err);
	transaction_free(trx);
	return result;
}

static void is_kept(const char *name, const char *members)
{
	CLEANUP(mem_free_pointer) char *text = xasprintf("[[\"%s\",{%s}]]", name, members);
	struct error err = ERROR_INIT;

	if (check(text, &err) != 0)
		fail_msg("%.200s: %s", text, err.text);
}

static void is_broken(const char *name, const char *members, const char *why)
{
	CLEANUP(mem_free_pointer) char *text = xasprintf("[[\"%s\",{%s}]]", name, members);
	struct error err = ERROR_INIT;
	char begin[64];

	if (check(text, &err) == 0)
		fail_msg("%.200s breaks no rule", text);
	assert_int_equal(err.kind, ERROR_DATA);
	snprintf(begin, sizeof(begin), "operation 1, %s: ", name);
	if (strncmp(err.text, begin, strlen(begin)) != 0 || strstr(err.text, why) == NULL)
		fail_msg("%.200s: not \"%s\" but: %s", text, why, err.text);
}

static char *repeated(char c, size_t count)
{
	char *text = xcalloc(count + 1, 1);

	memset(text, c, count);
	return text;
}

/* The format has one %s. A text of `most` characters is accepted there, a longer one is refused. */
static void at_most(const char *name, const char *format, char c, size_t most, const char *why)
{
	CLEANUP(mem_free_pointer) char *fits = repeated(c, most);
	CLEANUP(mem_free_pointer) char *more = repeated(c, most + 1);
	char good[20000], bad[20000];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(good, sizeof(good), format, fits);
	snprintf(bad, sizeof(bad), format, more);
#pragma GCC diagnostic pop
	is_kept(name, good);
	is_broken(name, bad, why);
}

#define VOTE(author, permlink, weight)                                                             \
	"\"voter\":\"foo\",\"author\":\"" author "\",\"permlink\":\"" permlink                     \
	"\",\"weight\":" weight
#define COMMENT(parent, parent_permlink, permlink, title, body, metadata)                          \
	"\"parent_author\":\"" parent "\",\"parent_permlink\":\"" parent_permlink                  \
	"\",\"author\":\"foo\",\"permlink\":\"" permlink "\",\"title\":\"" title                   \
	"\",\"body\":\"" body "\",\"json_metadata\":\"" metadata "\""
#define TRANSFER(to, amount, memo)                                                                 \
	"\"from\":\"foo\",\"to\":\"" to "\",\"amount\":\"" amount "\",\"memo\":\"" memo "\""
#define CUSTOM_JSON(id, json)                                                                      \
	"\"required_auths\":[],\"required_posting_auths\":[\"foo\"],\"id\":\"" id                  \
	"\",\"json\":\"" json "\""
#define OPTIONS(payout, percent, extensions)                                                       \
	"\"author\":\"foo\",\"permlink\":\"a\",\"max_accepted_payout\":\"" payout                  \
	"\",\"percent_steem_dollars\":" percent                                                    \
	",\"allow_votes\":true,\"allow_curation_rewards\":true,\"extensions\":" extensions
#define BENEFICIARIES(list)    OPTIONS("1.000 SBD", "0", "[[0,{\"beneficiaries\":[" list "]}]]")
#define SHARE(account, weight) "{\"account\":\"" account "\",\"weight\":" weight "}"

static void votes_and_comments(void **state)
{
	(void)state;
	is_kept("vote", VOTE("bar", "Old_One \xc3\xa9", "-10000"));
	is_kept("vote", VOTE("bar", "p", "0"));
	is_broken("vote", VOTE("bar", "p", "10001"),
		  "weight: 10001 is not between -10000 and 10000");
	is_broken("vote", VOTE("bar", "p", "-10001"), "weight: -10001 is not between");
	is_broken("vote", VOTE("bar", "", "1"), "permlink: it is empty");
	is_broken("vote", VOTE("", "p", "1"), "author: it is empty");
	at_most("vote", VOTE("bar", "%s", "1"), 'x', 255,
		"permlink: it has 256 bytes; at most 255");
	is_kept("comment", COMMENT("", "life", "a-1", "", "b", ""));
	is_kept("comment", COMMENT("bar", "life", "a", "t", " ", "{}"));
	is_broken("comment", COMMENT("bar", "life", "A", "", "b", ""),
		  "permlink: it has other characters");
	is_broken("comment", COMMENT("bar", "life", "a\\n", "", "b", ""), "permlink: it has other");
	is_broken("comment", COMMENT("bar", "li_fe", "a", "", "b", ""),
		  "parent_permlink: it has other");
	is_broken("comment", COMMENT("bar", "", "a", "", "b", ""), "parent_permlink: it is empty");
	is_broken("comment", COMMENT("", "life", "", "", "b", ""), "permlink: it is empty");
	is_broken("comment", COMMENT("", "life", "a", "", "", ""), "body: it is empty");
	is_broken("comment", COMMENT("", "life", "a", "", "b", "{"),
		  "json_metadata: it is no JSON");
	is_broken("comment", COMMENT("", "life", "a", "", "b", "{} "),
		  "json_metadata: it is no JSON");
	is_broken("comment", COMMENT("", "life", "a", "", "b", "{}\\n"), "such as a line end");
	at_most("comment", COMMENT("", "life", "%s", "", "b", ""), 'x', 255,
		"permlink: it has 256 bytes");
	at_most("comment", COMMENT("", "life", "a", "%s", "b", ""), '~', 255,
		"title: it has 256 bytes");
	is_broken("delete_comment", "\"author\":\"foo\",\"permlink\":\"\"",
		  "permlink: it is empty");
}

/* An escape is one byte, a character may be several. */
static void bytes_are_counted_as_a_node_does(void **state)
{
	CLEANUP(mem_free_pointer) char *most = repeated('x', 2045);
	char members[3000];

	(void)state;
	at_most("transfer", TRANSFER("bar", "1.000 STEEM", "%s"), 'x', 2047,
		"memo: it has 2048 bytes; at most 2047");
	snprintf(members, sizeof(members), TRANSFER("bar", "1.000 STEEM", "\\n\\\"%s"), most);
	is_kept("transfer", members);
	snprintf(members, sizeof(members), TRANSFER("bar", "1.000 STEEM", "\xc3\xa9%s"), most);
	is_kept("transfer", members);
	snprintf(members, sizeof(members), TRANSFER("bar", "1.000 STEEM", "\xe2\x82\xac%s"), most);
	is_broken("transfer", members, "memo: it has 2048 bytes");
}

static void options_and_beneficiaries(void **state)
{
	char members[4000] = "";

	(void)state;
	is_kept("comment_options", OPTIONS("0.000 SBD", "10000", "[]"));
	is_broken("comment_options", OPTIONS("1.000 STEEM", "0", "[]"),
		  "max_accepted_payout: STEEM cannot stand there");
	is_broken("comment_options", OPTIONS("1.000 SBD", "10001", "[]"),
		  "percent_steem_dollars: 10001 is not between 0 and 10000");
	is_kept("comment_options", BENEFICIARIES(SHARE("bar", "1") "," SHARE("foo", "9999")));
	is_broken("comment_options", BENEFICIARIES(SHARE("bar", "2") "," SHARE("foo", "9999")),
		  "the weights are 10001 together");
	is_broken("comment_options", BENEFICIARIES(SHARE("bar", "10001")), "weight: 10001 is not");
	is_broken("comment_options", BENEFICIARIES(""), "beneficiaries: it is empty");
	is_broken("comment_options", BENEFICIARIES(SHARE("", "1")), "account: it is empty");
	for (int count = 1; count <= 9; count++) {
		snprintf(members + strlen(members), sizeof(members) - strlen(members),
			 "%s{\"account\":\"foo%d\",\"weight\":1}", count > 1 ? "," : "", count);
		if (count >= 8) {
			char all[4096];

			snprintf(all, sizeof(all), BENEFICIARIES("%s"), members);
			if (count == 8)
				is_kept("comment_options", all);
			else
				is_broken("comment_options", all,
					  "beneficiaries: it has 9 elements; at most 8");
		}
	}
}

static void custom_operations(void **state)
{
	CLEANUP(mem_free_pointer) char *data = NULL;
	CLEANUP(mem_free_pointer) char *members = NULL;

	(void)state;
	is_kept("custom_json", CUSTOM_JSON("", "[1,\\\"a\\\"]"));
	is_kept("custom_json", CUSTOM_JSON("x", " 7"));
	is_broken("custom_json", CUSTOM_JSON("x", ""), "json: it is empty");
	is_broken("custom_json", CUSTOM_JSON("x", "{a:1}"), "json: it is no JSON");
	is_broken("custom_json", CUSTOM_JSON("x", "{}{}"), "json: it is no JSON");
	is_broken("custom_json", CUSTOM_JSON("x", "nul"), "json: it is no JSON");
	at_most("custom_json", CUSTOM_JSON("x", "\\\"%s\\\""), 'x', 8190,
		"json: it has 8193 bytes; at most 8192");
	data = repeated('0', 16386);
	members = xasprintf("\"required_auths\":[\"foo\"],\"id\":7,\"data\":\"%s\"", data);
	is_broken("custom", members, "data: it has 8193 bytes; at most 8192");
	members[strlen(members) - 3] = '"';
	members[strlen(members) - 2] = '\0';
	is_kept("custom", members);
}

static void amounts(void **state)
{
	static const char *const transfers[] = {"transfer", "transfer_to_savings"};

	(void)state;
	for (size_t i = 0; i < COUNT(transfers); i++) {
		is_kept(transfers[i], TRANSFER("bar", "0.001 SBD", ""));
		is_broken(transfers[i], TRANSFER("bar", "0.000 STEEM", ""),
			  "amount: it must be above zero");
		is_broken(transfers[i], TRANSFER("bar", "1.000000 VESTS", ""),
			  "amount: VESTS cannot stand there");
		is_broken(transfers[i], TRANSFER("", "1.000 STEEM", ""), "to: it is empty");
	}
	is_kept("transfer_to_vesting", "\"from\":\"foo\",\"to\":\"\",\"amount\":\"1.000 STEEM\"");
	is_broken("transfer_to_vesting", "\"from\":\"foo\",\"to\":\"\",\"amount\":\"1.000 SBD\"",
		  "SBD cannot stand");
	is_broken("transfer_to_vesting", "\"from\":\"foo\",\"to\":\"\",\"amount\":\"0.000 STEEM\"",
		  "above zero");
	is_kept("withdraw_vesting", "\"account\":\"foo\",\"vesting_shares\":\"0.000000 VESTS\"");
	is_broken("withdraw_vesting", "\"account\":\"foo\",\"vesting_shares\":\"1.000 STEEM\"",
		  "STEEM cannot stand");
	is_broken("convert", "\"owner\":\"foo\",\"requestid\":1,\"amount\":\"1.000 STEEM\"",
		  "STEEM cannot stand");
	is_kept("claim_account",
		"\"creator\":\"foo\",\"fee\":\"1000000.000 STEEM\",\"extensions\":[]");
	is_broken("claim_account",
		  "\"creator\":\"foo\",\"fee\":\"1000000.001 STEEM\",\"extensions\":[]",
		  "fee: it is more than the chain takes");
	is_kept("claim_reward_balance",
		"\"account\":\"foo\",\"reward_steem\":\"0.000 STEEM\",\"reward_sbd\":"
		"\"0.000 SBD\",\"reward_vests\":\"0.000001 VESTS\"");
	is_broken("claim_reward_balance",
		  "\"account\":\"foo\",\"reward_steem\":\"0.000 STEEM\",\"reward_sbd\":"
		  "\"0.000 SBD\",\"reward_vests\":\"0.000000 VESTS\"",
		  "reward_steem, reward_sbd, reward_vests: one of them must be above zero");
	is_broken("claim_reward_balance",
		  "\"account\":\"foo\",\"reward_steem\":\"1.000 SBD\",\"reward_sbd\":"
		  "\"0.000 SBD\",\"reward_vests\":\"0.000000 VESTS\"",
		  "reward_steem: SBD cannot stand");
}

#define ORDER(sell, receive)                                                                       \
	"\"owner\":\"foo\",\"orderid\":1,\"amount_to_sell\":\"" sell                               \
	"\",\"min_to_receive\":\"" receive                                                         \
	"\",\"fill_or_kill\":false,\"expiration\":\"2030-01-01T00:00:00\""
#define ORDER2(sell, base, quote)                                                                  \
	"\"owner\":\"foo\",\"orderid\":1,\"amount_to_sell\":\"" sell                               \
	"\",\"exchange_rate\":{\"base\":\"" base "\",\"quote\":\"" quote                           \
	"\"},\"fill_or_kill\":false,\"expiration\":\"2030-01-01T00:00:00\""
#define FEED(base, quote)                                                                          \
	"\"publisher\":\"foo\",\"exchange_rate\":{\"base\":\"" base "\",\"quote\":\"" quote "\"}"

static void the_market(void **state)
{
	(void)state;
	is_kept("limit_order_create", ORDER("1.000 SBD", "1.000 STEEM"));
	is_broken("limit_order_create", ORDER("1.000 SBD", "1.000 SBD"),
		  "amount_to_sell, min_to_receive: they must have different symbols");
	is_broken("limit_order_create", ORDER("0.000 SBD", "1.000 STEEM"),
		  "amount_to_sell: it must be above");
	is_broken("limit_order_create", ORDER("1.000 SBD", "0.000 STEEM"),
		  "min_to_receive: it must be above");
	is_broken("limit_order_create", ORDER("1.000 SBD", "1.000000 VESTS"), "VESTS cannot stand");
	is_kept("limit_order_create2", ORDER2("0.001 SBD", "1.000 SBD", "1.000 STEEM"));
	is_kept("limit_order_create2",
		ORDER2("9000000000000.000 SBD", "1.000 SBD", "9000000000000.000 STEEM"));
	is_broken("limit_order_create2", ORDER2("0.001 SBD", "1.000 SBD", "0.999 STEEM"),
		  "give something");
	is_broken("limit_order_create2", ORDER2("1.000 STEEM", "1.000 SBD", "1.000 STEEM"),
		  "of the base");
	is_broken("limit_order_create2", ORDER2("1.000 SBD", "1.000 SBD", "1.000 SBD"),
		  "exchange_rate: base and quote must have different symbols");
	is_kept("feed_publish", FEED("0.300 SBD", "1.000 STEEM"));
	is_broken("feed_publish", FEED("0.000 SBD", "1.000 STEEM"),
		  "exchange_rate: base: it must be above zero");
	is_broken("feed_publish", FEED("1.000 SBD", "1.000000 VESTS"), "quote: VESTS cannot stand");
}

#define ESCROW(agent, sbd, steem, until)                                                           \
	"\"from\":\"foo\",\"to\":\"bar\",\"sbd_amount\":\"" sbd "\",\"steem_amount\":\"" steem     \
	"\",\"escrow_id\":1,\"agent\":\"" agent                                                    \
	"\",\"fee\":\"0.000 SBD\",\"json_meta\":\"\",\"ratification_deadline\":\"" until           \
	"\",\"escrow_expiration\":\"2030-01-02T00:00:00\""
#define PARTIES(who)                                                                               \
	"\"from\":\"foo\",\"to\":\"bar\",\"agent\":\"carol\",\"who\":\"" who "\",\"escrow_id\":1"
#define RELEASE(who, receiver, sbd)                                                                \
	PARTIES(who)                                                                               \
	",\"receiver\":\"" receiver "\",\"sbd_amount\":\"" sbd "\",\"steem_amount\":\"0.000 STEEM\""

static void accounts_among_each_other(void **state)
{
	(void)state;
	is_kept("escrow_transfer",
		ESCROW("carol", "0.001 SBD", "0.000 STEEM", "2030-01-01T00:00:00"));
	is_broken("escrow_transfer",
		  ESCROW("carol", "0.000 SBD", "0.000 STEEM", "2030-01-01T00:00:00"),
		  "sbd_amount, steem_amount: one of them must be above zero");
	is_broken("escrow_transfer",
		  ESCROW("carol", "0.001 SBD", "0.000 STEEM", "2030-01-02T00:00:00"),
		  "ratification_deadline, escrow_expiration: the first time must be before");
	is_broken("escrow_transfer",
		  ESCROW("bar", "0.001 SBD", "0.000 STEEM", "2030-01-01T00:00:00"),
		  "agent, from, to: the first account must be none of the others");
	is_kept("escrow_approve", PARTIES("carol") ",\"approve\":true");
	is_broken("escrow_approve", PARTIES("foo") ",\"approve\":true",
		  "who, to, agent: the first account must be one of the others");
	is_kept("escrow_dispute", PARTIES("foo"));
	is_broken("escrow_dispute", PARTIES("carol"), "who, from, to");
	is_kept("escrow_release", RELEASE("carol", "bar", "1.000 SBD"));
	is_broken("escrow_release", RELEASE("fo2", "bar", "1.000 SBD"), "who, from, to, agent");
	is_broken("escrow_release", RELEASE("carol", "carol", "1.000 SBD"), "receiver, from, to");
	is_broken("escrow_release", RELEASE("carol", "bar", "0.000 SBD"), "above zero");
	is_kept("account_witness_proxy", "\"account\":\"foo\",\"proxy\":\"\"");
	is_kept("account_witness_proxy", "\"account\":\"foo\",\"proxy\":\"fo2\"");
	is_broken("account_witness_proxy", "\"account\":\"foo\",\"proxy\":\"foo\"",
		  "none of the others");
	is_broken(
		"delegate_vesting_shares",
		"\"delegator\":\"foo\",\"delegatee\":\"foo\",\"vesting_shares\":\"1.000000 VESTS\"",
		"none of the others");
	is_broken(
		"set_withdraw_vesting_route",
		"\"from_account\":\"foo\",\"to_account\":\"bar\",\"percent\":10001,\"auto_vest\":true",
		"percent: 10001 is not between 0 and 10000");
}

#define PROPOSAL(end, subject)                                                                                \
	"\"creator\":\"foo\",\"receiver\":\"foo\",\"start_date\":\"2030-01-01T00:00:00\",\"end_date\":\"" end \
	"\",\"daily_pay\":\"1.000 SBD\",\"subject\":\"" subject "\",\"permlink\":\"p\""
#define WITNESS(url, fee, size)                                                                    \
	"\"owner\":\"foo\",\"url\":\"" url "\",\"block_signing_key\":\"" KEY                       \
	"\",\"props\":{\"account_creation_fee\":\"3.000 STEEM\",\"maximum_block_size\":" size      \
	",\"sbd_interest_rate\":0},\"fee\":\"" fee "\""
#define UPDATE(authority, metadata)                                                                \
	"\"account\":\"foo\",\"posting\":{\"weight_threshold\":1,\"account_auths\":[" authority    \
	"],\"key_auths\":[[\"" KEY "\",1]]},\"memo_key\":\"" KEY                                   \
	"\",\"json_metadata\":\"" metadata "\""

static void other_operations(void **state)
{
	char members[4000] = "", all[5000];

	(void)state;
	is_kept("create_proposal", PROPOSAL("2030-01-02T00:00:00", "s"));
	is_broken("create_proposal", PROPOSAL("2030-01-01T00:00:00", "s"),
		  "the first time must be before");
	is_broken("create_proposal", PROPOSAL("2030-01-02T00:00:00", ""), "subject: it is empty");
	at_most("create_proposal", PROPOSAL("2030-01-02T00:00:00", "%s"), 's', 80,
		"subject: it has 81 bytes");
	is_kept("remove_proposal",
		"\"proposal_owner\":\"foo\",\"proposal_ids\":[1,2,3,4,5],\"extensions\":[]");
	is_broken("remove_proposal",
		  "\"proposal_owner\":\"foo\",\"proposal_ids\":[1,2,3,4,5,6],\"extensions\":[]",
		  "proposal_ids: it has 6 elements; at most 5");
	is_broken("update_proposal_votes",
		  "\"voter\":\"foo\",\"proposal_ids\":[],\"approve\":true,\"extensions\":[]",
		  "it is empty");
	is_kept("witness_update", WITNESS("u", "0.000 STEEM", "65536"));
	is_broken("witness_update", WITNESS("", "0.000 STEEM", "65536"), "url: it is empty");
	is_broken("witness_update", WITNESS("u", "0.000 SBD", "65536"), "fee: SBD cannot stand");
	is_broken("witness_update", WITNESS("u", "0.000 STEEM", "65535"),
		  "props: maximum_block_size: 65535 is below 65536");
	is_kept("account_update", UPDATE("[\"bar\",1]", "{}"));
	is_broken("account_update", UPDATE("[\"\",1]", "{}"),
		  "posting: account_auths: account: it is empty");
	is_broken("account_update", UPDATE("", "x"), "json_metadata: it is no JSON");
	for (int count = 0; count < 40; count++)
		snprintf(members + strlen(members), sizeof(members) - strlen(members),
			 "%s[\"foo%02d\",1]", count > 0 ? "," : "", count);
	snprintf(all, sizeof(all), UPDATE("%s", "{}"), members);
	is_broken("account_update", all, "posting: it has more than 40 accounts and keys");
	members[strlen(members) - strlen(",[\"foo39\",1]")] = '\0';
	snprintf(all, sizeof(all), UPDATE("%s", "{}"), members);
	is_kept("account_update", all);
	/* What nobody can use any more. */
	is_broken("reset_account",
		  "\"reset_account\":\"foo\",\"account_to_reset\":\"bar\",\"new_owner_authority\":"
		  "{\"weight_threshold\":1,\"account_auths\":[],\"key_auths\":[]}",
		  "the chain takes this operation no more");
	is_broken("set_reset_account",
		  "\"account\":\"foo\",\"current_reset_account\":\"\",\"reset_account\":\"bar\"",
		  "no more");
	is_broken(
		"custom_binary",
		"\"required_owner_auths\":[],\"required_active_auths\":[],\"required_posting_auths\":[\"foo\"],"
		"\"required_auths\":[],\"id\":\"x\",\"data\":\"\"",
		"no more");
}

/* The second operation is named. */
static void the_operation_is_named(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(check("[[\"vote\",{" VOTE("bar", "p", "1") "}],[\"vote\",{" VOTE(
				       "bar", "p", "-20000") "}]]",
			       &err),
			 -1);
	assert_string_equal(err.text,
			    "operation 2, vote: weight: -20000 is not between -10000 and 10000");
}

/* The chain accepted them, so they break no rule; and the walk ends where the bytes do. */
static void what_the_chain_accepted_breaks_no_rule(void **state)
{
	struct json_object *vectors = vectors_read();
	size_t kept_count = 0;

	(void)state;
	if (vectors == NULL)
		skip();
	for (size_t i = 0; i < json_object_array_length(vector_at(vectors, "real")); i++) {
		struct json_object *one = json_object_array_get_idx(vector_at(vectors, "real"), i);
		const char *text = json_object_to_json_string_ext(
			vector_at(vector_at(one, "json"), "operations"),
			JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
		struct error err = ERROR_INIT;
		struct transaction *trx = transaction_read(maker, text, strlen(text), &err);

		if (trx == NULL)
			continue;
		if (transaction_check(trx, &err) == 0)
			kept_count++;
		else if (strstr(err.text, "no more") == NULL)
			fail_msg("%.300s: %s", text, err.text);
		transaction_free(trx);
	}
	assert_true(kept_count >= 20);
	for (size_t i = 0; i < json_object_array_length(vector_at(vectors, "steem_ops")); i++) {
		struct json_object *one =
			json_object_array_get_idx(vector_at(vectors, "steem_ops"), i);
		CLEANUP(mem_free_pointer)
		char *text = xasprintf(
			"[%s]", json_object_to_json_string_ext(
					vector_at(one, "op"),
					JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
		struct error err = ERROR_INIT;
		struct transaction *trx = transaction_read(maker, text, strlen(text), &err);

		if (trx != NULL && transaction_check(trx, &err) != 0)
			assert_int_equal(err.kind, ERROR_DATA);
		transaction_free(trx);
	}
	json_object_put(vectors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(votes_and_comments),
		cmocka_unit_test(bytes_are_counted_as_a_node_does),
		cmocka_unit_test(options_and_beneficiaries),
		cmocka_unit_test(custom_operations),
		cmocka_unit_test(amounts),
		cmocka_unit_test(the_market),
		cmocka_unit_test(accounts_among_each_other),
		cmocka_unit_test(other_operations),
		cmocka_unit_test(the_operation_is_named),
		cmocka_unit_test(what_the_chain_accepted_breaks_no_rule),
	};

	return cmocka_run_group_tests(tests, make_maker, free_maker);
}
