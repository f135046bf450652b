/* SPDX-License-Identifier: MIT */
/*
 * Filter rules: which operations are stored.  Pure.
 *
 * No rules keep every operation; else an operation is kept if any rule keeps it, and
 * a rule keeps it if all its conditions hold.  The normalised text is what all readers
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
	char *memo_prefix; /* of the member `memo` */
	char *id;          /* of custom_json */
};

struct filter {
	struct filter_rule *rules;
	size_t rule_count;
	/* Not a rule, but all readers of a database must agree upon it just so. */
	bool virtual_operations;
};

void filter_release(struct filter *filter);
/*
 * One line a rule, sorted; "" for no rules.  In front of them the line FILTER_VIRTUAL_LINE where
 * virtual operations are stored too.  The caller frees it.
 */
char *filter_normalise(const struct filter *filter);
/* Mark in the block which operations are stored, and count them. */
void filter_apply(const struct filter *filter, struct block *block);

#endif
