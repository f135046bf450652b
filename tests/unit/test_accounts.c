/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "steem/accounts.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define AUTHORITY(name)                                                                            \
	"{\"weight_threshold\":1,\"account_auths\":[[\"" name "\",1]],\"key_auths\":[]}"

static const struct row {
	const char *name, *payload;
	const char *first;    /* NULL: none */
	const char *named[4]; /* every one of them is named */
	const char *unnamed;  /* this one is not */
} rows[] = {
	{"vote", "{\"voter\":\"a\",\"author\":\"b\",\"permlink\":\"c\"}", "a", {"a", "b"}, "c"},
	{"comment",
	 "{\"parent_author\":\"p\",\"author\":\"a\",\"body\":\"x\"}",
	 "a",
	 {"a", "p"},
	 "x"},
	{"comment", "{\"parent_author\":\"\",\"author\":\"a\"}", "a", {"a"}, ""},
	{"transfer", "{\"from\":\"f\",\"to\":\"t\",\"memo\":\"m\"}", "f", {"f", "t"}, "m"},
	{"account_create",
	 "{\"new_account_name\":\"n\",\"creator\":\"c\",\"owner\":" AUTHORITY(
		 "o") ",\"active\":" AUTHORITY("x") ",\"posting\":" AUTHORITY("p") "}",
	 "c",
	 {"n", "o", "x", "p"},
	 "q"},
	{"account_update",
	 "{\"account\":\"a\",\"owner\":{\"account_auths\":[[\"o\",\"x\"]]}}",
	 "a",
	 {"o"},
	 "x"},
	{"account_create_with_delegation",
	 "{\"new_account_name\":\"n\",\"creator\":\"c\"}",
	 "c",
	 {"n"},
	 "q"},
	{"create_claimed_account",
	 "{\"new_account_name\":\"n\",\"creator\":\"c\"}",
	 "c",
	 {"n"},
	 "q"},
	{"account_update",
	 "{\"account\":\"a\",\"posting\":" AUTHORITY("p") "}",
	 "a",
	 {"a", "p"},
	 "q"},
	{"account_update2",
	 "{\"account\":\"a\",\"active\":" AUTHORITY("p") "}",
	 "a",
	 {"a", "p"},
	 "q"},
	{"account_witness_proxy", "{\"account\":\"a\",\"proxy\":\"\"}", "a", {"a"}, ""},
	{"custom", "{\"required_auths\":[\"a\",\"b\"],\"id\":777}", "a", {"a", "b"}, "777"},
	{"custom_json",
	 "{\"required_auths\":[],\"required_posting_auths\":[\"p\"],\"json\":\"{\\\"x\\\":1}\"}",
	 "p",
	 {"p"},
	 "x"},
	{"custom_json",
	 "{\"required_posting_auths\":[\"p\"],\"required_auths\":[\"a\"]}",
	 "a",
	 {"a", "p"},
	 "x"},
	{"custom_binary",
	 "{\"required_owner_auths\":[],\"required_active_auths\":[],"
	 "\"required_posting_auths\":[\"p\"],\"required_auths\":[" AUTHORITY("z") "]}",
	 "p",
	 {"p", "z"},
	 "x"},
	{"custom_binary",
	 "{\"required_owner_auths\":[\"o\"],\"required_active_auths\":[\"a\"]}",
	 "o",
	 {"o", "a"},
	 "x"},
	{"comment_options",
	 "{\"author\":\"a\",\"extensions\":[[0,{\"beneficiaries\":[{\"account\":\"b\","
	 "\"weight\":1},{\"account\":\"c\"}]}]]}",
	 "a",
	 {"a", "b", "c"},
	 "x"},
	{"pow", "{\"worker_account\":\"w\"}", "w", {"w"}, "x"},
	{"pow2",
	 "{\"work\":[0,{\"input\":{\"worker_account\":\"w\",\"prev_block\":\"0\"}}],\"props\":{}}",
	 "w",
	 {"w"},
	 "x"},
	{"pow2", "{\"work\":[0,{}],\"worker_account\":\"x\"}", NULL, {NULL}, "x"},
	{"delegate_vesting_shares",
	 "{\"delegatee\":\"e\",\"delegator\":\"r\"}",
	 "r",
	 {"r", "e"},
	 "x"},
	{"escrow_release",
	 "{\"from\":\"f\",\"to\":\"t\",\"agent\":\"g\",\"who\":\"w\",\"receiver\":\"r\"}",
	 "f",
	 {"t", "g", "w", "r"},
	 "x"},
	{"request_account_recovery",
	 "{\"account_to_recover\":\"l\",\"recovery_account\":\"r\"}",
	 "r",
	 {"r", "l"},
	 "x"},
	{"change_recovery_account",
	 "{\"account_to_recover\":\"l\",\"new_recovery_account\":\"n\"}",
	 "l",
	 {"l", "n"},
	 "x"},
	{"report_over_production", "{\"reporter\":\"r\"}", NULL, {"r"}, "x"},
	{"withdraw_vesting", "{\"account\":\"a\"}", "a", {"a"}, "x"},
	{"witness_update", "{\"owner\":\"o\"}", "o", {"o"}, "x"},
	{"create_proposal", "{\"creator\":\"c\",\"receiver\":\"r\"}", "c", {"c", "r"}, "x"},
	{"author_reward", "{\"author\":\"a\"}", "a", {"a"}, "x"},
	{"curation_reward", "{\"curator\":\"c\",\"comment_author\":\"a\"}", "c", {"c", "a"}, "x"},
	{"comment_reward", "{\"author\":\"a\"}", NULL, {"a"}, "x"},
	{"hardfork", "{\"hardfork_id\":1}", "initminer", {"initminer"}, "x"},
	{"hardfork23", "{\"account\":\"a\"}", "a", {"a", "community321"}, "x"},
	{"sps_fund", "{}", "steem.dao", {"steem.dao"}, "x"},
	{"proposal_pay", "{\"receiver\":\"r\"}", "r", {"r", "steem.dao"}, "x"},
	{"clear_null_account_balance", "{\"total_cleared\":[]}", NULL, {NULL}, "x"},
	{"producer_reward", "{\"producer\":\"p\"}", "p", {"p"}, "x"},
	/* Not in the table, or only nearly. */
	{"future_op", "{\"account\":\"a\",\"from\":\"b\"}", NULL, {NULL}, "a"},
	{"vot", "{\"voter\":\"a\"}", NULL, {NULL}, "a"},
	{"votes", "{\"voter\":\"a\"}", NULL, {NULL}, "a"},
	{"", "{\"voter\":\"a\"}", NULL, {NULL}, "a"},
	/* Payloads that are not what they should be. */
	{"vote", "{}", NULL, {NULL}, "a"},
	{"vote", "{\"voter\":7,\"author\":{\"x\":\"a\"}}", NULL, {NULL}, "a"},
	{"vote", "{\"voter\":\"\",\"author\":\"b\"}", "b", {"b"}, "a"},
	{"vote", "[\"a\"]", NULL, {NULL}, "a"},
	{"custom_json", "{\"required_auths\":\"a\"}", NULL, {NULL}, "a"},
	{"vote", "{\"voter\":\"sixteen-bytes-ok\"}", "sixteen-bytes-ok", {"sixteen-bytes-ok"}, "a"},
	{"vote",
	 "{\"voter\":\"seventeen-bytes-x\",\"author\":\"b\"}",
	 NULL,
	 {"seventeen-bytes-x", "b"},
	 "a"},
	{"vote", "{\"voter\":\"\xc3\xa9\"}", NULL, {"\xc3\xa9"}, "a"},
	{"vote", "{\"voter\":\"a b\"}", NULL, {"a b"}, "a"},
	{"vote", "{\"voter\":\"a\\u0062\"}", NULL, {"ab"}, "a"},
};

static void the_first_acting_account_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct json_slice payload = {rows[i].payload, strlen(rows[i].payload)};
		struct json_slice account = {NULL, 0};
		const struct codec_operation *row =
			operations_find(&operations_steem, rows[i].name, strlen(rows[i].name));
		bool was_found = accounts_first(row, &payload, NULL, &account);

		if (was_found != (rows[i].first != NULL) ||
		    (was_found && (account.len != strlen(rows[i].first) ||
				   memcmp(account.data, rows[i].first, account.len) != 0)))
			fail_msg("%s %s: %.*s", rows[i].name, rows[i].payload, (int)account.len,
				 account.data ? account.data : "");
	}
}

static void every_mentioned_account_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct row *row = &rows[i];

		for (size_t j = 0; j < COUNT(row->named) && row->named[j]; j++)
			if (!accounts_names(row->name, strlen(row->name), row->payload,
					    strlen(row->payload), row->named[j]))
				fail_msg("%s %s does not name %s", row->name, row->payload,
					 row->named[j]);
		if (accounts_names(row->name, strlen(row->name), row->payload, strlen(row->payload),
				   row->unnamed))
			fail_msg("%s %s names %s", row->name, row->payload, row->unnamed);
	}
}

/* One field of each operation of the protocol: none is missing, the table is in order. */
static const char *const fields[][2] = {
	{"account_create", "creator"},
	{"account_create_with_delegation", "creator"},
	{"account_update", "account"},
	{"account_update2", "account"},
	{"account_witness_proxy", "proxy"},
	{"account_witness_vote", "witness"},
	{"author_reward", "author"},
	{"cancel_transfer_from_savings", "from"},
	{"change_recovery_account", "account_to_recover"},
	{"claim_account", "creator"},
	{"claim_reward_balance", "account"},
	{"comment", "author"},
	{"comment_benefactor_reward", "author"},
	{"comment_options", "author"},
	{"comment_payout_update", "author"},
	{"comment_reward", "author"},
	{"convert", "owner"},
	{"create_claimed_account", "creator"},
	{"create_proposal", "receiver"},
	{"curation_reward", "curator"},
	{"decline_voting_rights", "account"},
	{"delegate_vesting_shares", "delegatee"},
	{"delete_comment", "author"},
	{"escrow_approve", "who"},
	{"escrow_dispute", "who"},
	{"escrow_release", "receiver"},
	{"escrow_transfer", "agent"},
	{"feed_publish", "publisher"},
	{"fill_convert_request", "owner"},
	{"fill_order", "open_owner"},
	{"fill_transfer_from_savings", "to"},
	{"fill_vesting_withdraw", "to_account"},
	{"hardfork23", "account"},
	{"interest", "owner"},
	{"limit_order_cancel", "owner"},
	{"limit_order_create", "owner"},
	{"limit_order_create2", "owner"},
	{"liquidity_reward", "owner"},
	{"pow", "worker_account"},
	{"producer_reward", "producer"},
	{"proposal_pay", "receiver"},
	{"recover_account", "account_to_recover"},
	{"remove_proposal", "proposal_owner"},
	{"report_over_production", "reporter"},
	{"request_account_recovery", "account_to_recover"},
	{"reset_account", "account_to_reset"},
	{"return_vesting_delegation", "account"},
	{"set_reset_account", "current_reset_account"},
	{"set_withdraw_vesting_route", "to_account"},
	{"shutdown_witness", "owner"},
	{"transfer", "to"},
	{"transfer_from_savings", "to"},
	{"transfer_to_savings", "to"},
	{"transfer_to_vesting", "to"},
	{"update_proposal_votes", "voter"},
	{"vote", "author"},
	{"withdraw_vesting", "account"},
	{"witness_set_properties", "owner"},
	{"witness_update", "owner"},
};

static void every_operation_has_its_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(fields); i++) {
		char payload[100];

		snprintf(payload, sizeof(payload), "{\"%s\":\"someone\"}", fields[i][1]);
		if (!accounts_names(fields[i][0], strlen(fields[i][0]), payload, strlen(payload),
				    "someone"))
			fail_msg("%s", fields[i][0]);
	}
}

static void real_and_virtual_ones_are_told_apart(void **state)
{
	static const char *const virtual_names[] = {"author_reward",
						    "clear_null_account_balance",
						    "comment_benefactor_reward",
						    "comment_payout_update",
						    "comment_reward",
						    "curation_reward",
						    "fill_convert_request",
						    "fill_order",
						    "fill_transfer_from_savings",
						    "fill_vesting_withdraw",
						    "hardfork",
						    "hardfork23",
						    "interest",
						    "liquidity_reward",
						    "producer_reward",
						    "proposal_pay",
						    "return_vesting_delegation",
						    "shutdown_witness",
						    "sps_fund"};
	unsigned virtual_count = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(virtual_names); i++)
		if (accounts_kind(virtual_names[i], strlen(virtual_names[i])) !=
		    ACCOUNTS_KIND_VIRTUAL)
			fail_msg("%s", virtual_names[i]);
	for (size_t i = 0; i < COUNT(fields); i++)
		virtual_count +=
			accounts_kind(fields[i][0], strlen(fields[i][0])) == ACCOUNTS_KIND_VIRTUAL;
	/* The table above leaves out those that name no account of their own. */
	assert_true(virtual_count <= COUNT(virtual_names));
	assert_int_equal(accounts_kind("vote", 4), ACCOUNTS_KIND_REAL);
	assert_int_equal(accounts_kind("votes", 5), ACCOUNTS_KIND_UNKNOWN);
	assert_int_equal(accounts_kind("hardfork", 7), ACCOUNTS_KIND_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_acting_account_is_found),
		cmocka_unit_test(every_mentioned_account_is_named),
		cmocka_unit_test(every_operation_has_its_row),
		cmocka_unit_test(real_and_virtual_ones_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
