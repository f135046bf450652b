/* SPDX-License-Identifier: MIT */
/* The filter rules of a configuration file. */
#include <libconfig.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "daemon/config_impl.h"
#include "daemon/config_table.h"
#include "steem/block.h"

static void add_operation(struct config_loading *loading, const config_setting_t *setting,
			  struct filter_rule *rule, size_t max_bytes)
{
	const char *name = config_take_text(loading, setting, "filter.operation", 1, max_bytes);

	if (name == NULL)
		return;
	if (name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] != '\0') {
		config_mistake(loading, setting, "filter.operation",
			       "is \"%s\"; allowed are lower-case letters, digits and '_'", name);
		return;
	}
	rule->operations = xreallocarray(rule->operations, rule->operation_count + 1,
					 sizeof(*rule->operations));
	rule->operations[rule->operation_count++] = xstrdup(name);
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
	if (row->offset == offsetof(struct filter_rule, queue) &&
	    text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-")] != '\0') {
		config_mistake(loading, setting, option,
			       "is \"%s\"; allowed are lower-case letters, digits and '-'", text);
		return;
	}
	copy = xstrdup(text);
	memcpy((char *)rule + row->offset, &copy, sizeof(copy));
}

/* *ret_has_condition: something beside its name. */
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
	/* Beside rules with a queue it has a use: to store what no bot waits for. */
	if (all != NULL && filter->queue_count == 0)
		config_mistake(
			loading, all, "filter",
			"a rule without a condition keeps everything; for that leave all rules out");
}
