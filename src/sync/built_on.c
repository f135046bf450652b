/* SPDX-License-Identifier: MIT */
#include "sync/built_on.h"

#include "base/clock.h"
#include "base/log.h"
#include "sync/lineage.h"

#define TOLD_MS     6000 /* a block that waits longer is logged */
#define PATIENCE_MS 60000

static struct log_limit pending_limit = LOG_LIMIT_INIT(10000);

/* On how many of them, from the lowest one on, have enough witnesses built? */
static size_t count_enough(const struct lineage *lineage, const struct fetched *held, size_t good)
{
	uint32_t to = lineage_built_on(lineage, held[0].block);
	size_t count = 0;

	while (count < good && held[count].block->num <= to &&
	       lineage_has(lineage, held[count].block))
		count++;
	return count;
}

static int64_t wait_for_witnesses(struct built_on *built_on, uint32_t num, int64_t now_ms)
{
	if (built_on->few_since_ms == 0)
		built_on->few_since_ms = now_ms;
	if (now_ms < built_on->few_since_ms + TOLD_MS)
		return built_on->few_since_ms + TOLD_MS;
	if (now_ms < built_on->few_since_ms + PATIENCE_MS) {
		log_limited(
			&pending_limit, LOG_LEVEL_WARNING, "vote_pending",
			"most nodes call block %u irreversible, but too few witnesses were seen to build on it; the tail waits for their blocks",
			num);
		return built_on->few_since_ms + PATIENCE_MS;
	}
	built_on->claims_are_enough = true;
	log_warning(
		"vote_pending",
		"for %d s too few witnesses were seen to build on block %u, which most nodes call irreversible; the tail goes on with what they claim until it sees them",
		PATIENCE_MS / 1000, num);
	return CLOCK_NEVER;
}

size_t built_on_count(struct built_on *built_on, const struct lineage *lineage,
		      const struct fetched *held, size_t good, int64_t now_ms, int64_t *due_ms)
{
	size_t count;

	*due_ms = CLOCK_NEVER;
	if (good == 0) {
		built_on->few_since_ms = 0;
		return 0;
	}
	count = count_enough(lineage, held, good);
	if (count > 0) {
		*built_on = (struct built_on){.few_since_ms = 0};
		return count;
	}
	if (!built_on->claims_are_enough)
		*due_ms = wait_for_witnesses(built_on, held[0].block->num, now_ms);
	return built_on->claims_are_enough ? good : 0;
}
