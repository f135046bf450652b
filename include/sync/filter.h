/* SPDX-License-Identifier: MIT */
/*
 * Filter rules: which operations are stored, and which of them go into queues.  Pure.
 *
 * No rules keep every operation; else an operation is kept if any rule keeps it, and
 * a rule keeps it if all its conditions hold.  It goes into the queue of each rule that
 * keeps it and names one.  The normalised text is what all readers
 * of a database agree upon: order, spelling and names of rules do not matter there.
 */
#ifndef SYNC_FILTER_H
#define SYNC_FILTER_H

#include <stdbool.h>
#include <stddef.h>

struct block;

#define FILTER_VIRTUAL_LINE "virtual_operations"

struct filter_rule {
	char *name;        /* for people; not part of the normalised text */
	char **operations; /* any of these names; none given: every operation */
	size_t operation_count;
	char *account;     /* any account that the operation names; NULL: not asked */
	char *body_prefix; /* of the member `body` */
	char *body_contains;
	char *memo_prefix;    /* of the member `memo` */
	char *id;             /* of custom_json */
	char *queue;          /* where what it keeps is delivered to; NULL: nowhere */
	unsigned queue_place; /* in the filter's queues, from 1; filter_prepare() sets it */
};

struct filter {
	struct filter_rule *rules;
	size_t rule_count;
	const char **queues; /* each once, in the order of the rules; filter_prepare() makes them */
	size_t queue_count;
	/* Not a rule, but all readers of a database must agree upon it just so. */
	bool virtual_operations;
};

void filter_release(struct filter *filter);
/* Once, when the rules are complete. False: they name more than BLOCK_QUEUES queues. */
bool filter_prepare(struct filter *filter);
/*
 * One line a rule, sorted; "" for no rules.  In front of them the line FILTER_VIRTUAL_LINE where
 * virtual operations are stored too.  The caller frees it.
 */
char *filter_normalise(const struct filter *filter);
/* Mark in the block which operations are stored and delivered, and count them. */
void filter_apply(const struct filter *filter, struct block *block);

#endif
