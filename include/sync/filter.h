/* SPDX-License-Identifier: MIT */
/*
 * Filter rules: which operations are stored, and which of them go into queues.  Pure.
 *
 * Without rules every operation is kept.  Otherwise an operation is kept if any rule keeps
 * it; a rule keeps it if all conditions of the rule hold.  The operation goes into the
 * queue of each rule that keeps it and names a queue.  All readers of a database must have
 * the same normalised text.  It does not depend on the order, spelling and names of the
 * rules.
 */
#ifndef SYNC_FILTER_H
#define SYNC_FILTER_H

#include <stdbool.h>
#include <stddef.h>

struct block;

#define FILTER_VIRTUAL_LINE "virtual_operations"

struct filter_rule {
	char *name;        /* for the operator; not part of the normalised text */
	char **operations; /* the operation has one of these names; none given: any name */
	size_t operation_count;
	char *account;     /* the operation names this account; NULL: any */
	char *body_prefix; /* of the member `body` */
	char *body_contains;
	char *memo_prefix;    /* of the member `memo` */
	char *id;             /* of custom_json */
	char *queue;          /* the queue for operations that the rule keeps; NULL: none */
	unsigned queue_place; /* index in the filter's queues, from 1; set by filter_prepare() */
};

struct filter {
	struct filter_rule *rules;
	size_t rule_count;
	/* each queue once, in the order of the rules; made by filter_prepare() */
	const char **queues;
	size_t queue_count;
	/* Not a rule, but part of what all readers of a database must agree on. */
	bool virtual_operations;
};

void filter_release(struct filter *filter);
/* Call it once, when the rules are complete. False: they name more than BLOCK_QUEUES queues. */
bool filter_prepare(struct filter *filter);
/*
 * The normalised text: one line for each rule, sorted; "" if there are no rules.  If virtual
 * operations are stored too, the line FILTER_VIRTUAL_LINE comes first.  The caller frees the
 * text.
 */
char *filter_normalise(const struct filter *filter);
/* Mark in the block which operations are stored and which queues they go into, and count them. */
void filter_apply(const struct filter *filter, struct block *block);

#endif
