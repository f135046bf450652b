/* SPDX-License-Identifier: MIT */
/* The filter rules of a configuration file. */
#include <ctype.h>
#include <libconfig.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/number.h"
#include "daemon/config_impl.h"
#include "daemon/config_table.h"
#include "steem/account_name.h"
#include "steem/accounts.h"
#include "steem/block.h"

#define SUGGEST_MAX 3 /* names that differ by more letters are not suggested */
#define NAME_BYTES  80

/* Operations. */

/* The number of letters to change, add or leave out that turns a into b. */
static size_t distance(const char *a, const char *b)
{
	size_t row[NAME_BYTES + 1];
	size_t len = min_size(strlen(b), NAME_BYTES);

	for (size_t i = 0; i <= len; i++)
		row[i] = i;
	for (; *a != '\0'; a++) {
		size_t corner = row[0]++;

		for (size_t i = 1; i <= len; i++) {
			size_t changed = corner + (*a != b[i - 1]);

			corner = row[i];
			row[i] = min_size(changed, min_size(row[i], row[i - 1]) + 1);
		}
	}
	return row[len];
}

/* The operation that was probably meant, or NULL. */
static const char *nearest_operation(const char *name)
{
	static const char suffix[] = "_operation";
	char plain[NAME_BYTES];
	const char *nearest = NULL;
	size_t best = SUGGEST_MAX + 1;
	size_t len;

	snprintf(plain, sizeof(plain), "%s", name);
	for (char *at = plain; *at != '\0'; at++)
		*at = *at == '-' || *at == ' ' ? '_' : (char)tolower((unsigned char)*at);
	len = strlen(plain);
	if (len > strlen(suffix) && strcmp(plain + len - strlen(suffix), suffix) == 0)
		plain[len - strlen(suffix)] = '\0';
	for (size_t i = 0; accounts_operation(i) != NULL; i++) {
		size_t far = distance(plain, accounts_operation(i));

		if (far < best && far < strlen(plain)) {
			best = far;
			nearest = accounts_operation(i);
		}
	}
	return nearest;
}

static void refuse_operation(struct config_loading *loading, const config_setting_t *setting,
			     const char *name)
{
	const char *nearest = nearest_operation(name);

	config_mistake(
		loading, setting, "filter.operation",
		"is \"%s\", which is no operation of the chain%s%s%s; steem-reader.conf(5) lists "
		"them, and says how to name a newer one",
		name, nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
		nearest != NULL ? "\"?" : "");
}

/* The name of a possible operation, without "unknown:"; else NULL. */
static const char *check_operation(struct config_loading *loading, const config_setting_t *setting,
				   const char *text)
{
	size_t mark_len = strlen(CONFIG_UNKNOWN_OPERATION);
	bool is_marked = strncmp(text, CONFIG_UNKNOWN_OPERATION, mark_len) == 0;
	const char *name = is_marked ? text + mark_len : text;
	enum accounts_kind kind = accounts_kind(name, strlen(name));

	if (is_marked && kind != ACCOUNTS_KIND_UNKNOWN) {
		config_mistake(loading, setting, "filter.operation",
			       "is \"%s\", but %s is known; write \"%s\"", text, name, name);
	} else if (is_marked &&
		   (name[0] == '\0' ||
		    name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] != '\0')) {
		config_mistake(loading, setting, "filter.operation",
			       "is \"%s\"; allowed behind " CONFIG_UNKNOWN_OPERATION
			       " are lower-case letters, digits and '_'",
			       text);
	} else if (!is_marked && kind == ACCOUNTS_KIND_UNKNOWN) {
		refuse_operation(loading, setting, text);
	} else if (kind == ACCOUNTS_KIND_VIRTUAL && !loading->config->filter.virtual_operations) {
		config_mistake(loading, setting, "filter.operation",
			       "is \"%s\", a virtual operation, and none is read; set "
			       "reader.virtual_operations = true, or leave it out",
			       text);
	} else {
		return name;
	}
	return NULL;
}

const char *config_take_operation(struct config_loading *loading, const config_setting_t *setting,
				  const char *option)
{
	const char *name = config_take_text(loading, setting, option, 1, NAME_BYTES);
	const char *nearest;

	if (name == NULL || accounts_kind(name, strlen(name)) == ACCOUNTS_KIND_REAL)
		return name;
	nearest = nearest_operation(name);
	if (nearest != NULL && strcmp(nearest, name) == 0)
		nearest = NULL; /* it is a virtual one */
	config_mistake(loading, setting, option,
		       "is \"%s\", which is no operation that an account can sign%s%s%s", name,
		       nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
		       nearest != NULL ? "\"?" : "");
	return NULL;
}

static void add_operation(struct config_loading *loading, const config_setting_t *setting,
			  struct filter_rule *rule, size_t max_bytes)
{
	const char *name = config_take_text(loading, setting, "filter.operation", 1, max_bytes);

	if (name != NULL)
		name = check_operation(loading, setting, name);
	if (name == NULL)
		return;
	rule->operations = xreallocarray(rule->operations, rule->operation_count + 1,
					 sizeof(*rule->operations));
	rule->operations[rule->operation_count++] = xstrdup(name);
}

/* Conditions that exclude each other. */

static bool is_one_of(const char *name, const char *const *names)
{
	while (*names != NULL && strcmp(name, *names) != 0)
		names++;
	return *names != NULL;
}

/*
 * The condition that no operation of this name can meet, or NULL. An unknown operation may have
 * any member.
 */
static const char *impossible_condition(const struct filter_rule *rule, const char *name)
{
	static const char *const with_body[] = {"comment", NULL};
	static const char *const with_memo[] = {"transfer", "transfer_to_savings",
						"transfer_from_savings",
						"fill_transfer_from_savings", NULL};
	bool is_known = accounts_kind(name, strlen(name)) != ACCOUNTS_KIND_UNKNOWN;

	if (rule->id != NULL && strcmp(name, "custom_json") != 0)
		return "id";
	if (rule->account != NULL && !accounts_can_name(name, strlen(name), rule->account))
		return "account";
	if (rule->body_prefix != NULL && is_known && !is_one_of(name, with_body))
		return "body_prefix";
	if (rule->body_contains != NULL && is_known && !is_one_of(name, with_body))
		return "body_contains";
	if (rule->memo_prefix != NULL && is_known && !is_one_of(name, with_memo))
		return "memo_prefix";
	return NULL;
}

/*
 * Report a condition that excludes an operation of the rule, and conditions that exclude each
 * other.
 */
static void check_together(struct config_loading *loading, const config_setting_t *group,
			   const struct filter_rule *rule)
{
	for (size_t i = 0; i < rule->operation_count; i++) {
		const char *condition = impossible_condition(rule, rule->operations[i]);

		if (condition != NULL)
			config_mistake(
				loading, group, "filter",
				"this rule can never keep a \"%s\": its condition %s asks for a "
				"field that this operation does not have; remove one of the two, or "
				"make two rules",
				rule->operations[i], condition);
	}
	if (rule->operation_count > 0 || config_setting_get_member(group, "operation") != NULL)
		return;
	for (size_t i = 0; accounts_operation(i) != NULL; i++)
		if (impossible_condition(rule, accounts_operation(i)) == NULL)
			return;
	config_mistake(
		loading, group, "filter",
		"this rule can never keep anything: no operation has all fields that its conditions "
		"ask for (a body, a memo, the id of a custom_json); make a rule for each");
}

bool config_check_account(struct config_loading *loading, const config_setting_t *at,
			  const char *option, const char *text)
{
	const char *fault = account_name_fault(text, strlen(text));

	if (fault == NULL)
		return true;
	config_mistake(loading, at, option,
		       "is \"%s\", which cannot be an account name: %s; " ACCOUNT_NAME_RULE, text,
		       fault);
	return false;
}

bool config_check_queue(struct config_loading *loading, const config_setting_t *at,
			const char *option, const char *text)
{
	if (text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0')
		return true;
	config_mistake(loading, at, option,
		       "is \"%s\"; allowed are lower-case letters, digits and '-'", text);
	return false;
}

static void load_condition(struct config_loading *loading, const config_setting_t *setting,
			   const struct filter_row *row, struct filter_rule *rule)
{
	char option[64];
	const char *text;
	char *copy;

	if (row->offset == SIZE_MAX && config_is_sequence(setting)) {
		if (config_setting_length(setting) == 0)
			config_mistake(loading, setting, "filter.operation", "is an empty list");
		for (int i = 0; i < config_setting_length(setting); i++)
			add_operation(loading, config_setting_get_elem(setting, (unsigned)i), rule,
				      row->max_bytes);
		return;
	}
	if (row->offset == SIZE_MAX) {
		add_operation(loading, setting, rule, row->max_bytes);
		return;
	}
	snprintf(option, sizeof(option), "filter.%s", row->name);
	text = config_take_text(loading, setting, option, 1, row->max_bytes);
	if (text == NULL)
		return;
	if (row->check != NULL && !row->check(loading, setting, option, text))
		return;
	copy = xstrdup(text);
	memcpy((char *)rule + row->offset, &copy, sizeof(copy));
}

/* *ret_has_condition: the rule has more than its name. */
static void load_rule(struct config_loading *loading, const config_setting_t *group,
		      struct filter_rule *rule, bool *ret_has_condition)
{
	*ret_has_condition = true;
	if (!config_setting_is_group(group)) {
		config_mistake(loading, group, "filter", "is %s; a rule is a group { ... }",
			       config_kind_of(group));
		return;
	}
	*ret_has_condition = false;
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *member = config_setting_get_elem(group, (unsigned)i);
		const char *name = config_setting_name(member);
		size_t row = 0;

		while (row < filter_row_count && strcmp(filter_rows[row].name, name) != 0)
			row++;
		if (row == filter_row_count) {
			config_mistake(
				loading, member, name,
				"is unknown; a filter rule may have name, operation, account, "
				"body_prefix, body_contains, memo_prefix, id and queue");
			continue;
		}
		*ret_has_condition |= filter_rows[row].offset != offsetof(struct filter_rule, name);
		load_condition(loading, member, &filter_rows[row], rule);
	}
	check_together(loading, group, rule);
}

void config_load_filter(struct config_loading *loading, const config_setting_t *setting,
			const struct option_row *row)
{
	struct filter *filter = &loading->config->filter;
	const config_setting_t *all = NULL;

	if (!config_check_list(loading, setting, row, row->name, "rules { ... }"))
		return;
	filter->rule_count = (size_t)config_setting_length(setting);
	filter->rules = xcalloc(filter->rule_count, sizeof(*filter->rules));
	for (size_t i = 0; i < filter->rule_count; i++) {
		const config_setting_t *group = config_setting_get_elem(setting, (unsigned)i);
		bool has_condition;

		load_rule(loading, group, &filter->rules[i], &has_condition);
		if (!has_condition)
			all = group;
	}
	if (!filter_prepare(filter))
		config_mistake(loading, setting, "filter", "names more than %d queues",
			       BLOCK_QUEUES);
	/* If other rules have a queue, it is useful: it stores operations that no bot waits for. */
	if (all != NULL && filter->queue_count == 0)
		config_mistake(
			loading, all, "filter",
			"a rule without a condition keeps everything; for that leave all rules out");
}
