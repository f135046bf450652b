/* SPDX-License-Identifier: MIT */
#include "poster/limits.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "steem/accounts.h"

#define DAY_S 86400

static bool has_text(char *const *texts, size_t count, const char *text, size_t len)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(texts[i]) == len && memcmp(texts[i], text, len) == 0)
			return true;
	return false;
}

static bool allows_operations(const struct config_account *rules, const struct transaction *trx,
			      char *why)
{
	for (size_t i = 0; i < trx->operation_count && rules->allow_count > 0; i++) {
		const char *name = trx->operations[i].row->name;

		if (has_text(rules->allow, rules->allow_count, name, strlen(name)))
			continue;
		snprintf(why, LIMITS_WHY_BYTES, "%s is not in the allow list of %s (%s)", name,
			 rules->name, rules->is_active ? "active" : "posting");
		return false;
	}
	return true;
}

/* Receivers. */

struct search {
	const struct config_account *rules;
	const struct json_slice *foreign; /* NULL: none was found */
	struct json_slice found;
};

static bool look_at(void *context, const struct json_slice *account)
{
	struct search *search = context;
	const struct config_account *rules = search->rules;

	if (has_text(&rules->name, 1, account->data, account->len) ||
	    has_text(rules->only_to, rules->only_to_count, account->data, account->len))
		return true;
	search->found = *account;
	search->foreign = &search->found;
	return false;
}

static bool allows_receivers(const struct config_account *rules, const struct transaction *trx,
			     char *why)
{
	struct search search = {.rules = rules};

	for (size_t i = 0; i < trx->operation_count && rules->only_to_count > 0; i++) {
		accounts_visit(trx->operations[i].row, &trx->operations[i].body, look_at, &search);
		if (!search.foreign)
			continue;
		text_format(why, LIMITS_WHY_BYTES,
			    "%s names the account %.*s, which is not in the list only_to of %s",
			    trx->operations[i].row->name, (int)search.found.len, search.found.data,
			    rules->name);
		return false;
	}
	return true;
}

/* Sums of a day. */

/* The head of another node may be behind: what was counted after midnight holds for it, too. */
static bool is_today(const struct sender_state *state, int64_t head_s)
{
	return state->day >= head_s / DAY_S;
}

static bool allows_count(const struct config_account *rules, const struct sender_state *state,
			 int64_t head_s, char *why)
{
	uint64_t count = is_today(state, head_s) ? state->count_today : 0;

	if (rules->max_per_day == 0 || count < rules->max_per_day)
		return true;
	snprintf(
		why, LIMITS_WHY_BYTES,
		"%s has signed %llu transactions today; max_per_day of its %s entry is %u, and its "
		"entries with such a limit count together",
		rules->name, (unsigned long long)count, rules->is_active ? "active" : "posting",
		rules->max_per_day);
	return false;
}

static bool allows_amounts(const struct config_account *rules, const struct chain *chain,
			   const struct content *content, const struct sender_state *state,
			   int64_t head_s, char *why)
{
	for (size_t i = 0; i < SENDER_CURRENCIES && rules->has_amounts; i++) {
		uint64_t before = is_today(state, head_s) ? state->amounts_today[i] : 0;
		uint64_t most = rules->max_amounts[i];

		if (content->amounts[i] == 0 ||
		    (before <= most && content->amounts[i] <= most - before))
			continue;
		snprintf(
			why, LIMITS_WHY_BYTES,
			"it is about %llu, and %s has signed %llu today; its max_amount_per_day is "
			"%llu (in the smallest unit of %s)",
			(unsigned long long)content->amounts[i], rules->name,
			(unsigned long long)before, (unsigned long long)most,
			chain->symbols[i].text);
		return false;
	}
	return true;
}

bool limits_allow(const struct config_account *rules, const struct chain *chain,
		  const struct transaction *trx, const struct content *content,
		  const struct sender_state *state, int64_t head_s, bool is_again, char *why)
{
	if (!allows_operations(rules, trx, why) || !allows_receivers(rules, trx, why))
		return false;
	return is_again || (allows_count(rules, state, head_s, why) &&
			    allows_amounts(rules, chain, content, state, head_s, why));
}

void limits_take(const struct config_account *rules, struct sender_state *state,
		 const struct content *content, int64_t head_s, bool is_again)
{
	if (is_again)
		return;
	if (head_s / DAY_S > state->day) {
		state->day = head_s / DAY_S;
		state->count_today = 0;
		memset(state->amounts_today, 0, sizeof(state->amounts_today));
	}
	state->count_today += rules->max_per_day > 0;
	for (size_t i = 0; i < SENDER_CURRENCIES && rules->has_amounts; i++)
		state->amounts_today[i] += content->amounts[i];
}
