/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "steem/block.h"
#include "sync/filter.h"

static const struct {
	const char *name;
	const char *payload;
} samples[] = {
	{"comment",
	 "{\"parent_author\":\"\",\"author\":\"alice\",\"permlink\":\"p\",\"body\":\"!ask what?\"}"},
	{"comment",
	 "{\"parent_author\":\"alice\",\"author\":\"bob\",\"permlink\":\"q\",\"body\":\"no !ask\"}"},
	{"transfer",
	 "{\"from\":\"bob\",\"to\":\"carol\",\"amount\":\"1.000 STEEM\",\"memo\":\"order 7\"}"},
	{"custom_json",
	 "{\"required_auths\":[],\"required_posting_auths\":[\"dave\"],\"id\":\"follow\",\"json\":\"{}\"}"},
	{"vote", "{\"voter\":\"alice\",\"author\":\"bob\",\"permlink\":\"q\",\"weight\":1}"},
	{"comment", "{\"author\":\"eve\",\"body\":\"\\\"quoted\\\" \\u0001\"}"},
	{"news_op", "{\"body\":\"!ask\",\"id\":\"follow\"}"},
};
#define SAMPLE_COUNT (sizeof(samples) / sizeof(samples[0]))

static struct block *make_block(void)
{
	struct block *block = block_new();

	block->operation_count = SAMPLE_COUNT;
	block->operations = arena_alloc(block->arena, SAMPLE_COUNT * sizeof(*block->operations));
	for (size_t i = 0; i < SAMPLE_COUNT; i++)
		block->operations[i] = (struct operation){
			.name = samples[i].name,
			.name_bytes = strlen(samples[i].name),
			.payload = samples[i].payload,
			.payload_bytes = strlen(samples[i].payload),
		};
	block_store_all(block);
	return block;
}

/* Which samples the rules keep: one character each. */
static void assert_kept(struct filter_rule *rules, size_t count, const char *expected)
{
	struct filter filter = {.rules = rules, .rule_count = count};
	struct block *block = make_block();
	char kept[SAMPLE_COUNT + 1];
	size_t kept_count = 0;
	size_t kept_bytes = 0;

	filter_apply(&filter, block);
	for (size_t i = 0; i < SAMPLE_COUNT; i++) {
		kept[i] = block->operations[i].is_stored ? '1' : '0';
		kept_count += block->operations[i].is_stored;
		kept_bytes +=
			block->operations[i].is_stored ? block->operations[i].payload_bytes : 0;
	}
	kept[SAMPLE_COUNT] = '\0';
	assert_string_equal(kept, expected);
	assert_int_equal(block->stored_count, kept_count);
	assert_int_equal(block->stored_payload_bytes, kept_bytes);
	block_free(block);
}

static void keeps_by_each_condition(void **state)
{
	char *comment[] = {(char[]){"comment"}};
	char *two[] = {(char[]){"vote"}, (char[]){"transfer"}};
	struct filter_rule rule;

	(void)state;
	assert_kept(NULL, 0, "1111111"); /* no rules: everything */
	rule = (struct filter_rule){.operations = comment, .operation_count = 1};
	assert_kept(&rule, 1, "1100010");
	rule = (struct filter_rule){.operations = two, .operation_count = 2};
	assert_kept(&rule, 1, "0010100");
	rule = (struct filter_rule){.body_prefix = (char[]){"!ask"}};
	assert_kept(&rule, 1, "1000001");
	rule = (struct filter_rule){.body_contains = (char[]){"!ask"}};
	assert_kept(&rule, 1, "1100001");
	rule = (struct filter_rule){.body_prefix = (char[]){"\"quoted\" \x01"}};
	assert_kept(&rule, 1, "0000010");
	rule = (struct filter_rule){.memo_prefix = (char[]){"order"}};
	assert_kept(&rule, 1, "0010000");
	rule = (struct filter_rule){.id = (char[]){"follow"}}; /* only of custom_json */
	assert_kept(&rule, 1, "0001000");
	rule = (struct filter_rule){.account = (char[]){"alice"}};
	assert_kept(&rule, 1, "1100100");
	rule = (struct filter_rule){.account = (char[]){"dave"}};
	assert_kept(&rule, 1, "0001000");
	rule = (struct filter_rule){.account = (char[]){"ali"}}; /* whole names only */
	assert_kept(&rule, 1, "0000000");
}

static void all_conditions_of_a_rule_and_any_rule(void **state)
{
	char *comment[] = {(char[]){"comment"}};
	struct filter_rule both[] = {
		{.operations = comment,
		 .operation_count = 1,
		 .body_prefix = (char[]){"!ask"},
		 .account = (char[]){"alice"}},
		{.memo_prefix = (char[]){"order"}},
	};

	(void)state;
	assert_kept(both, 1, "1000000");
	assert_kept(both, 2, "1010000");
}

static void rules_name_queues(void **state)
{
	char *comment[] = {(char[]){"comment"}};
	char *vote[] = {(char[]){"vote"}};
	struct filter_rule rules[] = {
		{.operations = comment, .operation_count = 1, .queue = (char[]){"comments"}},
		{.operations = comment, .operation_count = 1},
		{.body_prefix = (char[]){"!ask"}, .queue = (char[]){"ask"}},
		{.body_contains = (char[]){"ask"}, .queue = (char[]){"ask"}},
		{.operations = vote, .operation_count = 1},
	};
	struct filter filter = {.rules = rules, .rule_count = 5};
	static const char ask[] = "{\"author\":\"a\",\"body\":\"!ask me\"}";
	static const char other[] = "{\"author\":\"a\",\"body\":\"no\"}";
	struct operation operations[] = {
		{.name = "comment", .name_bytes = 7, .payload = ask, .payload_bytes = strlen(ask)},
		{.name = "comment",
		 .name_bytes = 7,
		 .payload = other,
		 .payload_bytes = strlen(other)},
		{.name = "vote", .name_bytes = 4, .payload = other, .payload_bytes = strlen(other)},
		{.name = "transfer",
		 .name_bytes = 8,
		 .payload = other,
		 .payload_bytes = strlen(other)},
	};
	struct block block = {.operations = operations, .operation_count = 4};
	CLEANUP(mem_free_pointer) char *text = NULL;

	(void)state;
	assert_true(filter_prepare(&filter));
	assert_int_equal(filter.queue_count, 2);
	assert_string_equal(filter.queues[0], "comments");
	assert_string_equal(filter.queues[1], "ask");
	filter_apply(&filter, &block);
	assert_int_equal(operations[0].queues, 3);
	assert_int_equal(operations[1].queues, 1);
	assert_int_equal(operations[2].queues, 0);
	assert_int_equal(operations[3].queues, 0);
	assert_true(operations[2].is_stored);
	assert_false(operations[3].is_stored);
	assert_int_equal(block.delivery_count, 3);
	/* All readers of a database must agree upon it. */
	text = filter_normalise(&filter);
	assert_non_null(strstr(text, "body_prefix=\"!ask\" queue=\"ask\"\n"));
	free(filter.queues);
}

static void one_normalised_text_for_equal_rules(void **state)
{
	char *ab[] = {(char[]){"vote"}, (char[]){"comment"}, (char[]){"vote"}};
	char *ba[] = {(char[]){"comment"}, (char[]){"vote"}};
	struct filter_rule first[] = {
		{.name = (char[]){"one"}, .operations = ab, .operation_count = 3},
		{.name = (char[]){"two"}, .memo_prefix = (char[]){"a\"b"}},
	};
	struct filter_rule second[] = {
		{.name = (char[]){"other"}, .memo_prefix = (char[]){"a\"b"}},
		{.operations = ba, .operation_count = 2},
		{.operations = ba, .operation_count = 2},
	};
	struct filter_rule third[] = {{.memo_prefix = (char[]){"a\" id=\"b"}}};
	struct filter_rule fourth[] = {{.memo_prefix = (char[]){"a"}, .id = (char[]){"b"}}};
	CLEANUP(mem_free_pointer)
	char *a = filter_normalise(
		&(struct filter){.rules = first, .rule_count = 2, .virtual_operations = false});
	CLEANUP(mem_free_pointer)
	char *b = filter_normalise(
		&(struct filter){.rules = second, .rule_count = 3, .virtual_operations = false});
	CLEANUP(mem_free_pointer)
	char *c = filter_normalise(
		&(struct filter){.rules = third, .rule_count = 1, .virtual_operations = false});
	CLEANUP(mem_free_pointer)
	char *d = filter_normalise(
		&(struct filter){.rules = fourth, .rule_count = 1, .virtual_operations = false});
	CLEANUP(mem_free_pointer)
	char *e = filter_normalise(
		&(struct filter){.rules = third, .rule_count = 1, .virtual_operations = true});
	CLEANUP(mem_free_pointer)
	char *f = filter_normalise(
		&(struct filter){.rules = NULL, .rule_count = 0, .virtual_operations = true});
	CLEANUP(mem_free_pointer) char *with_c = xasprintf("virtual_operations\n%s", c);
	CLEANUP(mem_free_pointer)
	char *none = filter_normalise(
		&(struct filter){.rules = NULL, .rule_count = 0, .virtual_operations = false});

	(void)state;
	assert_string_equal(a, b);
	assert_string_equal(a, "memo_prefix=\"a\\\"b\"\noperation=\"comment\",\"vote\"\n");
	assert_string_not_equal(c, d); /* no value can pass for a condition */
	assert_string_equal(none, "");
	assert_string_equal(e, with_c);
	assert_string_equal(f, FILTER_VIRTUAL_LINE "\n");
}

/* As long as a configuration file can make them: 1 MiB of line ends, two bytes each. */
static void nothing_of_long_rules_is_cut(void **state)
{
	enum { RULES = 1000, BYTES = 1024 };
	CLEANUP(mem_free_pointer) char *shorter = NULL;
	CLEANUP(mem_free_pointer) char *longer = NULL;
	struct filter_rule *rules = xcalloc(RULES, sizeof(*rules));
	struct filter filter = {.rules = rules, .rule_count = RULES};
	char number[12];

	(void)state;
	for (int i = 0; i < RULES; i++) {
		rules[i].body_prefix = xcalloc(BYTES + 1, 1);
		memset(rules[i].body_prefix, '\n', BYTES);
		snprintf(number, sizeof(number), "%04d", i);
		memcpy(rules[i].body_prefix, number, 4);
	}
	shorter = filter_normalise(&filter);
	rules[RULES - 1].body_prefix[BYTES - 1] = 'x';
	longer = filter_normalise(&filter);
	assert_true(strlen(shorter) > RULES * 2 * (BYTES - 5));
	assert_string_not_equal(shorter, longer);
	assert_string_equal(longer + strlen(longer) - 3, "x\"\n");
	filter_release(&filter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_by_each_condition),
		cmocka_unit_test(all_conditions_of_a_rule_and_any_rule),
		cmocka_unit_test(rules_name_queues),
		cmocka_unit_test(one_normalised_text_for_equal_rules),
		cmocka_unit_test(nothing_of_long_rules_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
