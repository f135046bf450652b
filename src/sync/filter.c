/* SPDX-License-Identifier: MIT */
#include "sync/filter.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "steem/accounts.h"
#include "steem/block.h"
#include "steem/json.h"

/* A configuration file has at most 1 MiB, and each byte becomes at most two. */
#define NORMALISED_LIMIT_BYTES (4 * 1024 * 1024)
#define VALUE_LIMIT_BYTES      (64 * 1024 * 1024)

void filter_release(struct filter *filter)
{
	for (size_t i = 0; i < filter->rule_count; i++) {
		struct filter_rule *rule = &filter->rules[i];

		for (size_t j = 0; j < rule->operation_count; j++)
			free(rule->operations[j]);
		free(rule->operations);
		free(rule->name);
		free(rule->account);
		free(rule->body_prefix);
		free(rule->body_contains);
		free(rule->memo_prefix);
		free(rule->id);
		free(rule->queue);
	}
	free(filter->rules);
	free(filter->queues);
	*filter = (struct filter){.rules = NULL};
}

static unsigned find_queue(struct filter *filter, const char *queue)
{
	for (size_t i = 0; i < filter->queue_count; i++)
		if (strcmp(filter->queues[i], queue) == 0)
			return (unsigned)i + 1;
	filter->queues[filter->queue_count++] = queue;
	return (unsigned)filter->queue_count;
}

bool filter_prepare(struct filter *filter)
{
	free(filter->queues);
	filter->queues = xcalloc(filter->rule_count + 1, sizeof(*filter->queues));
	filter->queue_count = 0;
	for (size_t i = 0; i < filter->rule_count; i++)
		if (filter->rules[i].queue)
			filter->rules[i].queue_place = find_queue(filter, filter->rules[i].queue);
	return filter->queue_count <= BLOCK_QUEUES;
}

/* The normalised text. */

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A value in quotes, so that no value can be mistaken for the next condition. */
static void add_quoted(struct buf *out, const char *text)
{
	buf_add_char(out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_add_char(out, '\\');
		if (*text == '\n')
			buf_add_text(out, "\\n");
		else
			buf_add_char(out, *text);
	}
	buf_add_char(out, '"');
}

static void add_condition(struct buf *out, const char *key, const char *value)
{
	if (!value)
		return;
	if (out->len > 0)
		buf_add_char(out, ' ');
	buf_add_text(out, key);
	buf_add_char(out, '=');
	add_quoted(out, value);
}

static void add_operations(struct buf *out, const struct filter_rule *rule)
{
	char **sorted;
	size_t count = rule->operation_count;

	if (count == 0)
		return;
	sorted = xreallocarray(NULL, count, sizeof(*sorted));
	memcpy(sorted, rule->operations, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), compare_text);
	buf_add_text(out, "operation=");
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && strcmp(sorted[i], sorted[i - 1]) == 0)
			continue;
		if (i > 0)
			buf_add_char(out, ',');
		add_quoted(out, sorted[i]);
	}
	free(sorted);
}

/* NULL if the text was cut: two different sets of rules could give the same cut text. */
static char *copy_whole(const struct buf *text)
{
	if (text->is_full)
		abort();
	return xstrdup(buf_text(text));
}

static char *normalise_rule(const struct filter_rule *rule)
{
	CLEANUP(buf_release) struct buf line = BUF_INIT(NORMALISED_LIMIT_BYTES);

	add_operations(&line, rule);
	add_condition(&line, "account", rule->account);
	add_condition(&line, "body_prefix", rule->body_prefix);
	add_condition(&line, "body_contains", rule->body_contains);
	add_condition(&line, "memo_prefix", rule->memo_prefix);
	add_condition(&line, "id", rule->id);
	add_condition(&line, "queue", rule->queue);
	if (line.len == 0)
		buf_add_text(&line, "everything");
	return copy_whole(&line);
}

char *filter_normalise(const struct filter *filter)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT(NORMALISED_LIMIT_BYTES);
	char **lines = xcalloc(filter->rule_count + 1, sizeof(*lines));

	if (filter->virtual_operations)
		buf_add_text(&text, FILTER_VIRTUAL_LINE "\n");
	for (size_t i = 0; i < filter->rule_count; i++)
		lines[i] = normalise_rule(&filter->rules[i]);
	qsort(lines, filter->rule_count, sizeof(*lines), compare_text);
	for (size_t i = 0; i < filter->rule_count; i++) {
		if (i > 0 && strcmp(lines[i], lines[i - 1]) == 0)
			continue;
		buf_add_text(&text, lines[i]);
		buf_add_char(&text, '\n');
	}
	for (size_t i = 0; i < filter->rule_count; i++)
		free(lines[i]);
	free(lines);
	return copy_whole(&text);
}

/* Matching. */

static bool has_name(const struct filter_rule *rule, const struct operation *operation)
{
	if (rule->operation_count == 0)
		return true;
	for (size_t i = 0; i < rule->operation_count; i++)
		if (strcmp(rule->operations[i], operation->name) == 0)
			return true;
	return false;
}

/*
 * Does the string member `key` begin with (or contain) `wanted`? Bytes, not characters: both are
 * UTF-8.
 */
static bool member_matches(const struct operation *operation, const char *key, const char *wanted,
			   bool anywhere)
{
	CLEANUP(buf_release) struct buf value = BUF_INIT(VALUE_LIMIT_BYTES);
	size_t len = strlen(wanted);

	if (!json_find_string(operation->payload, operation->payload_bytes, key, &value))
		return false;
	if (value.len < len)
		return false;
	if (anywhere)
		return memmem(value.data, value.len, wanted, len) != NULL;
	return memcmp(buf_text(&value), wanted, len) == 0;
}

static bool is_id(const struct operation *operation, const char *wanted)
{
	CLEANUP(buf_release) struct buf value = BUF_INIT(VALUE_LIMIT_BYTES);

	return strcmp(operation->name, "custom_json") == 0 &&
	       json_find_string(operation->payload, operation->payload_bytes, "id", &value) &&
	       value.len == strlen(wanted) && memcmp(buf_text(&value), wanted, value.len) == 0;
}

static bool rule_keeps(const struct filter_rule *rule, const struct operation *operation)
{
	return has_name(rule, operation) &&
	       (!rule->account ||
		accounts_names(operation->name, operation->name_bytes, operation->payload,
			       operation->payload_bytes, rule->account)) &&
	       (!rule->id || is_id(operation, rule->id)) &&
	       (!rule->memo_prefix ||
		member_matches(operation, "memo", rule->memo_prefix, false)) &&
	       (!rule->body_prefix ||
		member_matches(operation, "body", rule->body_prefix, false)) &&
	       (!rule->body_contains ||
		member_matches(operation, "body", rule->body_contains, true));
}

/* Once the operation is kept, only rules that would put it into one more queue matter. */
static void apply_to(const struct filter *filter, struct operation *operation)
{
	operation->is_stored = filter->rule_count == 0;
	operation->queues = 0;
	for (size_t i = 0; i < filter->rule_count; i++) {
		const struct filter_rule *rule = &filter->rules[i];
		uint64_t queue = rule->queue_place > 0 ? UINT64_C(1) << (rule->queue_place - 1) : 0;

		if ((operation->is_stored && (operation->queues | queue) == operation->queues) ||
		    !rule_keeps(rule, operation))
			continue;
		operation->is_stored = true;
		operation->queues |= queue;
	}
}

void filter_apply(const struct filter *filter, struct block *block)
{
	for (size_t i = 0; i < block_total_count(block); i++)
		apply_to(filter, &block->operations[i]);
	block_count_stored(block);
}
