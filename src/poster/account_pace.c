/* SPDX-License-Identifier: MIT */
#include "poster/account_pace.h"

#include "base/number.h"

unsigned account_pace_customs_left(const struct sender_state *state, int64_t head_s)
{
	if (head_s > state->custom_s)
		return ACCOUNT_PACE_CUSTOMS;
	return state->custom_count < ACCOUNT_PACE_CUSTOMS
		       ? ACCOUNT_PACE_CUSTOMS - state->custom_count
		       : 0;
}

int64_t account_pace_at(const struct sender_state *state, const struct content *content,
			int64_t head_s)
{
	int64_t at_s = head_s;

	if (content->votes > 1 || content->replies + content->posts > 1 || content->edits > 1 ||
	    content->customs > ACCOUNT_PACE_CUSTOMS)
		return ACCOUNT_PACE_NEVER;
	if (content->votes > 0)
		at_s = max_i64(at_s, state->next_vote_s);
	if (content->replies > 0)
		at_s = max_i64(at_s, state->next_reply_s);
	if (content->posts > 0)
		at_s = max_i64(at_s, state->next_post_s);
	if (content->edits > 0)
		at_s = max_i64(at_s, state->next_edit_s);
	if (content->customs > account_pace_customs_left(state, head_s))
		at_s = max_i64(at_s, max_i64(head_s, state->custom_s) + 1);
	return at_s;
}

void account_pace_take(struct sender_state *state, const struct content *content, int64_t head_s)
{
	if (content->votes > 0)
		state->next_vote_s = head_s + ACCOUNT_PACE_VOTE_S;
	/* A root post counts as a reply, too, and what is new counts as an edit. */
	if (content->replies + content->posts > 0)
		state->next_reply_s = head_s + ACCOUNT_PACE_REPLY_S;
	if (content->posts > 0)
		state->next_post_s = head_s + ACCOUNT_PACE_POST_S;
	if (content->replies + content->posts + content->edits > 0)
		state->next_edit_s = head_s + ACCOUNT_PACE_EDIT_S;
	if (content->customs == 0)
		return;
	if (head_s > state->custom_s) {
		state->custom_s = head_s;
		state->custom_count = 0;
	}
	state->custom_count += content->customs;
}
