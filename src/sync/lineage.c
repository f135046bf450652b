/* SPDX-License-Identifier: MIT */
#include "sync/lineage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* More blocks than the tail and the head together hold above the newest stored block. */
#define KEPT_BLOCKS 512
/*
 * If the chain does not define how many witnesses take turns, they are counted in this many
 * blocks.
 */
#define COUNTED_BLOCKS 42

struct link {
	uint32_t num; /* 0: none */
	uint8_t id[BLOCK_ID_BYTES];
	uint8_t previous[BLOCK_ID_BYTES];
	char witness[BLOCK_ACCOUNT_BYTES + 1]; /* "": not known */
};

struct lineage {
	const struct chain *chain;
	struct link links[KEPT_BLOCKS]; /* the index follows from the block's number */
};

struct lineage *lineage_new(const struct chain *chain)
{
	struct lineage *lineage = xcalloc(1, sizeof(*lineage));

	lineage->chain = chain;
	return lineage;
}

void lineage_free(struct lineage *lineage)
{
	free(lineage);
}

void lineage_add(struct lineage *lineage, const struct block *block)
{
	struct link *link = &lineage->links[block->num % KEPT_BLOCKS];

	link->num = block->num;
	memcpy(link->id, block->id, sizeof(link->id));
	memcpy(link->previous, block->previous, sizeof(link->previous));
	snprintf(link->witness, sizeof(link->witness), "%s",
		 block->seal ? block->seal->witness : "");
}

static const struct link *find(const struct lineage *lineage, uint32_t num)
{
	const struct link *link = &lineage->links[num % KEPT_BLOCKS];

	return num > 0 && link->num == num ? link : NULL;
}

static const struct link *find_block(const struct lineage *lineage, const struct block *block)
{
	const struct link *link = find(lineage, block->num);

	return link && block_id_equal(link->id, block->id) ? link : NULL;
}

static const struct link *find_above(const struct lineage *lineage, const struct link *link)
{
	const struct link *next = find(lineage, link->num + 1);

	return next && block_id_equal(next->previous, link->id) ? next : NULL;
}

static const struct link *find_below(const struct lineage *lineage, const struct link *link)
{
	const struct link *last = find(lineage, link->num - 1);

	return last && block_id_equal(last->id, link->previous) ? last : NULL;
}

bool lineage_has(const struct lineage *lineage, const struct block *block)
{
	return find_block(lineage, block) != NULL;
}

/* The distinct witnesses of a run of blocks, from the top down. */
struct witnesses {
	const char *names[CHAIN_WITNESSES_MAX];
	unsigned count;
};

static void add_witness(struct witnesses *witnesses, const char *name)
{
	if (name[0] == '\0' || witnesses->count == CHAIN_WITNESSES_MAX)
		return;
	for (unsigned i = 0; i < witnesses->count; i++)
		if (strcmp(witnesses->names[i], name) == 0)
			return;
	witnesses->names[witnesses->count++] = name;
}

/*
 * As steemd does it: the quarter of the witnesses that is farthest behind may be missing,
 * rounded down.
 */
static unsigned count_needed(const struct lineage *lineage, const struct link *top)
{
	struct witnesses seen = {.count = 0};
	unsigned all = lineage->chain->witness_count;

	if (all == 0) {
		for (unsigned i = 0; top && i < COUNTED_BLOCKS; i++) {
			add_witness(&seen, top->witness);
			top = find_below(lineage, top);
		}
		all = seen.count > 0 ? seen.count : 1;
	}
	return all - all / 4;
}

uint32_t lineage_built_on(const struct lineage *lineage, const struct block *block)
{
	const struct link *first = find_block(lineage, block), *link = first, *above;
	struct witnesses seen = {.count = 0};
	unsigned needed;

	if (!first)
		return 0;
	while ((above = find_above(lineage, link)))
		link = above;
	needed = count_needed(lineage, link);
	for (; link; link = link == first ? NULL : find_below(lineage, link)) {
		add_witness(&seen, link->witness);
		if (seen.count == needed)
			return link->num;
	}
	return 0;
}
