/* SPDX-License-Identifier: MIT */
#include "steem/accounts.h"

#include <stdlib.h>
#include <string.h>

#include "steem/block.h"

#define NAME_MAX_BYTES 40

/*
 * One row for each operation of the protocol, sorted by name.  Fields stand in the
 * order in which the node itself looks at them; those with a star are acting accounts,
 * the others are only mentioned.
 *   a.b   member b of member a       a[]  each element of a       a[1]  its second element
 *   =name always this account, whatever the payload says
 *   ~     in front of all: a virtual operation
 */
struct row {
	const char *name;
	const char *fields;
};

#define AUTHORITIES "owner.account_auths[][0] active.account_auths[][0] posting.account_auths[][0]"

static const struct row rows[] = {
	{"account_create", "*creator *new_account_name " AUTHORITIES},
	{"account_create_with_delegation", "*creator *new_account_name " AUTHORITIES},
	{"account_update", "*account " AUTHORITIES},
	{"account_update2", "*account " AUTHORITIES},
	{"account_witness_proxy", "*account *proxy"},
	{"account_witness_vote", "*account *witness"},
	{"author_reward", "~ *author"},
	{"cancel_transfer_from_savings", "*from"},
	{"change_recovery_account", "*account_to_recover new_recovery_account"},
	{"claim_account", "*creator"},
	{"claim_reward_balance", "*account"},
	{"clear_null_account_balance", "~"},
	{"comment", "*author *parent_author"},
	{"comment_benefactor_reward", "~ *benefactor *author"},
	{"comment_options", "*author extensions[][1].beneficiaries[].account"},
	{"comment_payout_update", "~ author"},
	{"comment_reward", "~ author"},
	{"convert", "*owner"},
	{"create_claimed_account", "*creator *new_account_name " AUTHORITIES},
	{"create_proposal", "*creator *receiver"},
	{"curation_reward", "~ *curator comment_author"},
	{"custom", "*required_auths[]"},
	{"custom_binary",
	 "*required_owner_auths[] *required_active_auths[] *required_posting_auths[] "
	 "required_auths[].account_auths[][0]"},
	{"custom_json", "*required_auths[] *required_posting_auths[]"},
	{"decline_voting_rights", "*account"},
	{"delegate_vesting_shares", "*delegator *delegatee"},
	{"delete_comment", "*author"},
	{"escrow_approve", "*from *to *agent who"},
	{"escrow_dispute", "*from *to *agent who"},
	{"escrow_release", "*from *to *agent who receiver"},
	{"escrow_transfer", "*from *to *agent"},
	{"feed_publish", "*publisher"},
	{"fill_convert_request", "~ *owner"},
	{"fill_order", "~ *current_owner *open_owner"},
	{"fill_transfer_from_savings", "~ *from *to"},
	{"fill_vesting_withdraw", "~ *from_account *to_account"},
	{"hardfork", "~ *=initminer"},
	{"hardfork23", "~ *account *=community321"},
	{"interest", "~ *owner"},
	{"limit_order_cancel", "*owner"},
	{"limit_order_create", "*owner"},
	{"limit_order_create2", "*owner"},
	{"liquidity_reward", "~ *owner"},
	{"pow", "*worker_account"},
	{"pow2", "*work[1].input.worker_account"},
	{"producer_reward", "~ *producer"},
	{"proposal_pay", "~ *receiver *=steem.dao"},
	{"recover_account", "*account_to_recover"},
	{"remove_proposal", "*proposal_owner"},
	{"report_over_production", "reporter"},
	{"request_account_recovery", "*recovery_account *account_to_recover"},
	{"reset_account", "*reset_account account_to_reset"},
	{"return_vesting_delegation", "~ *account"},
	{"set_reset_account", "*account current_reset_account reset_account"},
	{"set_withdraw_vesting_route", "*from_account *to_account"},
	{"shutdown_witness", "~ *owner"},
	{"sps_fund", "~ *=steem.dao"},
	{"transfer", "*from *to"},
	{"transfer_from_savings", "*from *to"},
	{"transfer_to_savings", "*from *to"},
	{"transfer_to_vesting", "*from *to"},
	{"update_proposal_votes", "*voter"},
	{"vote", "*voter *author"},
	{"withdraw_vesting", "*account"},
	{"witness_set_properties", "*owner"},
	{"witness_update", "*owner"},
};

struct name_key {
	const char *name;
	size_t len;
};

static int compare_name(const void *key_pointer, const void *row_pointer)
{
	const struct name_key *key = key_pointer;
	const struct row *row = row_pointer;
	int order = strncmp(key->name, row->name, key->len);

	if (order != 0)
		return order;
	return row->name[key->len] == '\0' ? 0 : -1;
}

/* A payload and, where they are known, its members. */
struct source {
	struct json_slice payload;
	const struct json_members *members;
};

/* Called for each account that a path leads to; false ends the search. */
typedef bool visit_fn(void *context, const struct json_slice *account);

/* The length of the first step of a path: a name up to '.', '[' or the end. */
static size_t step_len(const char *path, const char *end)
{
	const char *at = path;

	while (at < end && *at != '.' && *at != '[')
		at++;
	return (size_t)(at - path);
}

static bool walk(const struct json_slice *value, const char *path, const char *end, visit_fn *visit,
		 void *context);

/* "[]..." or "[1]..." of the array `value`. */
static bool walk_elements(const struct json_slice *value, const char *path, const char *end,
			  visit_fn *visit, void *context)
{
	bool is_each = path[1] == ']';
	size_t wanted = is_each ? 0 : (size_t)(path[1] - '0');
	struct json_cursor cursor;
	struct json_slice element;
	bool is_first = true;

	path += is_each ? 2 : 3;
	json_open(&cursor, value->data, value->len);
	if (!json_enter(&cursor, JSON_ARRAY))
		return true;
	for (size_t i = 0; json_next_element(&cursor, &is_first); i++) {
		if (!json_skip(&cursor, &element))
			return true;
		if ((is_each || i == wanted) && !walk(&element, path, end, visit, context))
			return false;
	}
	return true;
}

/* Follow path..end from `value`; false when `visit` ended the search. */
static bool walk(const struct json_slice *value, const char *path, const char *end, visit_fn *visit,
		 void *context)
{
	char name[NAME_MAX_BYTES];
	struct json_slice found;
	size_t len;

	if (path == end) {
		if (value->len < 2 || value->data[0] != '"')
			return true;
		found = (struct json_slice){value->data + 1, value->len - 2};
		return found.len == 0 || visit(context, &found);
	}
	if (*path == '[')
		return walk_elements(value, path, end, visit, context);
	if (*path == '.')
		path++;
	len = step_len(path, end);
	if (len >= sizeof(name))
		return true;
	memcpy(name, path, len);
	name[len] = '\0';
	if (!json_find(value->data, value->len, name, &found))
		return true;
	return walk(&found, path + len, end, visit, context);
}

/* Follow path..end from the payload. */
static bool walk_payload(const struct source *source, const char *path, const char *end,
			 visit_fn *visit, void *context)
{
	struct json_slice found;
	size_t len = step_len(path, end);

	if (!source->members || !source->members->is_whole)
		return walk(&source->payload, path, end, visit, context);
	if (!json_members_find(source->members, path, len, &found))
		return true;
	return walk(&found, path + len, end, visit, context);
}

static const struct row *find_row(const struct name_key *key)
{
	return bsearch(key, rows, sizeof(rows) / sizeof(rows[0]), sizeof(rows[0]), compare_name);
}

/* Visit the accounts of an operation in the order of the table. */
static void each_account(const struct name_key *key, const struct source *source, bool only_acting,
			 visit_fn *visit, void *context)
{
	const struct row *row = find_row(key);
	const char *field = row ? row->fields : "";

	if (*field == '~')
		field += strspn(field, "~ ");
	while (*field) {
		const char *end = field + strcspn(field, " ");
		bool is_acting = *field == '*';

		if (is_acting)
			field++;
		if (is_acting || !only_acting) {
			struct json_slice constant = {field + 1, (size_t)(end - field - 1)};

			if (*field == '=' ? !visit(context, &constant)
					  : !walk_payload(source, field, end, visit, context))
				return;
		}
		field = *end ? end + 1 : end;
	}
}

static bool keep_first(void *context, const struct json_slice *account)
{
	struct json_slice *first = context;

	*first = *account;
	return false;
}

bool accounts_first(const char *name, size_t name_len, const struct json_slice *payload,
		    const struct json_members *members, struct json_slice *ret_account)
{
	struct name_key key = {name, name_len};
	struct source source = {.payload = *payload, .members = members};
	struct json_slice first = {NULL, 0};

	each_account(&key, &source, true, keep_first, &first);
	if (!first.data || first.len > BLOCK_ACCOUNT_BYTES)
		return false;
	for (size_t i = 0; i < first.len; i++)
		if (first.data[i] <= ' ' || first.data[i] > '~' || first.data[i] == '\\')
			return false;
	*ret_account = first;
	return true;
}

struct search {
	const char *account;
	bool was_found;
};

static bool compare_account(void *context, const struct json_slice *account)
{
	struct search *search = context;

	search->was_found = json_slice_is(account, search->account);
	return !search->was_found;
}

bool accounts_names(const char *name, size_t name_len, const char *payload, size_t payload_len,
		    const char *account)
{
	struct name_key key = {name, name_len};
	struct source source = {.payload = {payload, payload_len}};
	struct search search = {.account = account};

	each_account(&key, &source, false, compare_account, &search);
	return search.was_found;
}

enum accounts_kind accounts_kind(const char *name, size_t name_len)
{
	const struct name_key key = {name, name_len};
	const struct row *row = find_row(&key);

	if (!row)
		return ACCOUNTS_KIND_UNKNOWN;
	return row->fields[0] == '~' ? ACCOUNTS_KIND_VIRTUAL : ACCOUNTS_KIND_REAL;
}

const char *accounts_operation(size_t i)
{
	return i < sizeof(rows) / sizeof(rows[0]) ? rows[i].name : NULL;
}

bool accounts_can_name(const char *name, size_t name_len, const char *account)
{
	const struct name_key key = {name, name_len};
	const struct row *row = find_row(&key);
	const char *field = row ? row->fields : "";
	size_t len = strlen(account);

	/* A place that is read out of the operation can hold any; "=NAME" is always the same. */
	for (field += strspn(field, "~* "); *field != '\0'; field += strspn(field, "~* ")) {
		size_t field_len = strcspn(field, " ");

		if (*field != '=' || (field_len == len + 1 && memcmp(field + 1, account, len) == 0))
			return true;
		field += field_len;
	}
	return false;
}
