/* SPDX-License-Identifier: MIT */
#include "poster/reaction.h"

#include <stddef.h>
#include <string.h>

#define BLOCK_MS      3000
#define AFTER_TAKEN   (2 * BLOCK_MS) /* does the next node know it, too? */
#define AFTER_KNOWN   (6 * BLOCK_MS)
#define AFTER_REFUSED (5 * BLOCK_MS)
#define AFTER_SILENCE 1000
#define AFTER_NODE    500

/* Have as many nodes said this as can be asked, at most two? */
static bool is_believed(struct refusals *state, enum broadcast_answer answer, unsigned node,
			unsigned usable_count)
{
	uint64_t bit = UINT64_C(1) << node;

	if (state->refusal != answer)
		*state = (struct refusals){.refusal = answer};
	if ((state->nodes & bit) == 0)
		state->node_count++;
	state->nodes |= bit;
	return state->node_count >= (usable_count > 1 ? 2 : 1);
}

struct reaction reaction_to(struct refusals *state, enum broadcast_answer answer, unsigned node,
			    unsigned usable_count)
{
	struct reaction reaction = {.definite = broadcast_answer_name(answer)};

	switch (answer) {
	case BROADCAST_ACCEPTED:
	case BROADCAST_KNOWN:
		*state = (struct refusals){.refusal = BROADCAST_UNKNOWN};
		reaction.ends_rest = answer == BROADCAST_ACCEPTED;
		reaction.again_ms = answer == BROADCAST_KNOWN ? AFTER_KNOWN : AFTER_TAKEN;
		break;
	case BROADCAST_TOO_SOON:
		reaction.again_ms = BLOCK_MS;
		break;
	case BROADCAST_RESOURCES:
		reaction.rests = is_believed(state, answer, node, usable_count);
		reaction.again_ms = reaction.rests ? AFTER_REFUSED : 0;
		break;
	case BROADCAST_NODE:
		reaction.again_ms = AFTER_NODE;
		break;
	case BROADCAST_FINAL:
	case BROADCAST_KEY:
		reaction.is_given_up = is_believed(state, answer, node, usable_count);
		reaction.pauses = reaction.is_given_up && answer == BROADCAST_KEY;
		/* One node's word decides nothing, also when the transaction is dead. */
		if (!reaction.is_given_up)
			reaction.definite = NULL;
		break;
	case BROADCAST_UNKNOWN:
		reaction.definite = NULL;
		reaction.again_ms = AFTER_SILENCE;
		break;
	}
	return reaction;
}

const char *reaction_when_dead(const char *answer, unsigned attempts)
{
	if (strcmp(answer, broadcast_answer_name(BROADCAST_TOO_SOON)) == 0)
		return "pending";
	return strcmp(answer, broadcast_answer_name(BROADCAST_FINAL)) == 0 ||
			       attempts >= REACTION_ATTEMPTS_MAX
		       ? "failed"
		       : "pending";
}
