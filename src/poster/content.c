/* SPDX-License-Identifier: MIT */
#include "poster/content.h"

#include <stdio.h>
#include <string.h>

/* Their amounts say what may be paid out, or what is claimed: nothing goes away. */
static const char *const harmless[] = {"claim_reward_balance", "comment_options", "feed_publish",
				       NULL};
static const char *const customs[] = {"custom", "custom_binary", "custom_json", NULL};

static bool is_one_of(const char *name, const char *const *names)
{
	while (*names && strcmp(name, *names) != 0)
		names++;
	return *names != NULL;
}

/* What somebody else has to give for it does not go away either. */
static bool is_price(const char *field)
{
	return strcmp(field, "min_to_receive") == 0;
}

static void add_amount(struct content *content, size_t currency, int64_t amount)
{
	uint64_t *sum = &content->amounts[currency];

	if (currency >= SENDER_CURRENCIES || amount <= 0)
		return;
	*sum = *sum > INT64_MAX - (uint64_t)amount ? INT64_MAX : *sum + (uint64_t)amount;
}

static void read_amounts(struct transaction_maker *maker,
			 const struct transaction_operation *operation, struct content *content)
{
	const struct codec_type *is = &operation->row->is;

	for (size_t i = 0; i < is->field_count && !is_one_of(operation->row->name, harmless); i++) {
		const struct codec_field *field = &is->fields[i];
		struct json_slice value;
		size_t currency;
		int64_t amount;

		if (field->type && !is_price(field->name) &&
		    (field->type->kind == CODEC_ASSET || field->type->kind == CODEC_FEE) &&
		    transaction_member(operation, field->name, &value) &&
		    transaction_amount(maker, &value, &currency, &amount))
			add_amount(content, currency, amount);
	}
}

static bool take_text(const struct transaction_operation *operation, const char *member, char *text,
		      size_t size)
{
	struct json_slice value;

	if (!transaction_member(operation, member, &value) || value.len < 2 ||
	    value.data[0] != '"' || value.len - 2 >= size)
		return false;
	snprintf(text, size, "%.*s", (int)(value.len - 2), value.data + 1);
	return true;
}

bool content_comment(const struct transaction_operation *operation,
		     char author[BLOCK_ACCOUNT_BYTES + 1], char *permlink, size_t size,
		     bool *ret_is_post)
{
	struct json_slice parent;

	if (strcmp(operation->row->name, "comment") != 0 ||
	    !transaction_member(operation, "parent_author", &parent))
		return false;
	*ret_is_post = parent.len <= 2;
	return take_text(operation, "author", author, BLOCK_ACCOUNT_BYTES + 1) &&
	       take_text(operation, "permlink", permlink, size);
}

void content_edit(struct content *content, bool is_post)
{
	unsigned *count = is_post ? &content->posts : &content->replies;

	*count -= *count > 0;
	content->edits++;
}

void content_read(struct transaction_maker *maker, const struct transaction *trx,
		  struct content *ret_content)
{
	*ret_content = (struct content){.votes = 0};
	for (size_t i = 0; i < trx->operation_count; i++) {
		const struct transaction_operation *operation = &trx->operations[i];
		const char *name = operation->row->name;
		struct json_slice parent;

		ret_content->votes += strcmp(name, "vote") == 0;
		ret_content->customs += is_one_of(name, customs);
		if (strcmp(name, "comment") == 0 &&
		    transaction_member(operation, "parent_author", &parent)) {
			ret_content->posts += parent.len <= 2;
			ret_content->replies += parent.len > 2;
		}
		read_amounts(maker, operation, ret_content);
	}
}
