/* SPDX-License-Identifier: MIT */
#include "steem/accounts.h"

#include <string.h>

#include "steem/block.h"

struct walk {
	accounts_visit_fn *visit;
	void *context;
};

/* Each function returns false when `visit` ended the search. */
static bool walk_value(const struct walk *walk, const struct codec_type *type,
		       const struct json_slice *value);

static bool walk_name(const struct walk *walk, const struct json_slice *value)
{
	struct json_slice name;

	if (value->len < 2 || value->data[0] != '"')
		return true;
	name = (struct json_slice){value->data + 1, value->len - 2};
	return name.len == 0 || walk->visit(walk->context, &name);
}

static bool walk_struct(const struct walk *walk, const struct codec_type *type,
			const struct json_slice *value)
{
	for (size_t i = 0; i < type->field_count; i++) {
		const struct codec_field *field = &type->fields[i];
		struct json_slice found;

		if (field->type != NULL &&
		    json_find(value->data, value->len, field->name, &found) &&
		    !walk_value(walk, field->type, &found))
			return false;
	}
	return true;
}

/* For a variant all alternatives are tried: accounts are at the same place in all of them. */
static bool walk_element(const struct walk *walk, const struct codec_type *type, size_t i,
			 const struct json_slice *element)
{
	if (type->kind == CODEC_LIST)
		return walk_value(walk, type->of, element);
	if (type->kind == CODEC_PAIR)
		return i >= type->field_count || walk_value(walk, type->fields[i].type, element);
	for (size_t j = 0; i == 1 && j < type->field_count; j++)
		if (!walk_value(walk, type->fields[j].type, element))
			return false;
	return true;
}

static bool walk_array(const struct walk *walk, const struct codec_type *type,
		       const struct json_slice *value)
{
	struct json_cursor cursor;
	struct json_slice element;
	bool is_first = true;

	json_open(&cursor, value->data, value->len);
	if (!json_enter(&cursor, JSON_ARRAY))
		return true;
	for (size_t i = 0; json_next_element(&cursor, &is_first); i++) {
		if (!json_skip(&cursor, &element))
			return true;
		if (!walk_element(walk, type, i, &element))
			return false;
	}
	return true;
}

static bool walk_value(const struct walk *walk, const struct codec_type *type,
		       const struct json_slice *value)
{
	switch (type->kind) {
	case CODEC_NAME:
		return walk_name(walk, value);
	case CODEC_STRUCT:
		return walk_struct(walk, type, value);
	case CODEC_OPTIONAL:
		return walk_value(walk, type->of, value);
	case CODEC_PAIR:
	case CODEC_LIST:
	case CODEC_VARIANT:
		return walk_array(walk, type, value);
	default:
		return true;
	}
}

/* Visit the accounts of an operation in the order of the table. */
static void each_account(const struct walk *walk, const struct codec_operation *row,
			 const struct json_slice *payload, const struct values *values,
			 enum codec_role least)
{
	for (size_t i = 0; i < row->is.field_count; i++) {
		const struct codec_field *field = &row->is.fields[i];
		struct json_slice found = {NULL, 0};

		if (field->role < least || field->type == NULL)
			continue;
		if (values != NULL)
			found = values->of[i];
		else
			(void)json_find(payload->data, payload->len, field->name, &found);
		if (found.data == NULL)
			continue;
		if (!walk_value(walk, field->type, &found))
			return;
	}
	if (row->acting != NULL) {
		struct json_slice always = {row->acting, strlen(row->acting)};

		walk->visit(walk->context, &always);
	}
}

void accounts_visit(const struct codec_operation *row, const struct json_slice *payload,
		    accounts_visit_fn *visit, void *context)
{
	struct walk walk = {visit, context};

	each_account(&walk, row, payload, NULL, CODEC_UNNAMED);
}

static bool keep_first(void *context, const struct json_slice *account)
{
	struct json_slice *first = context;

	*first = *account;
	return false;
}

bool accounts_first(const struct codec_operation *row, const struct json_slice *payload,
		    const struct values *values, struct json_slice *ret_account)
{
	struct json_slice first = {NULL, 0};
	struct walk walk = {keep_first, &first};

	if (row != NULL)
		each_account(&walk, row, payload, values, CODEC_ACTING);
	if (!first.data || first.len > BLOCK_ACCOUNT_BYTES)
		return false;
	for (size_t i = 0; i < first.len; i++)
		if (first.data[i] <= ' ' || first.data[i] > '~' || first.data[i] == '\\')
			return false;
	*ret_account = first;
	return true;
}

struct search {
	const char *account;
	bool was_found;
};

static bool compare_account(void *context, const struct json_slice *account)
{
	struct search *search = context;

	search->was_found = json_slice_is(account, search->account);
	return !search->was_found;
}

bool accounts_names(const char *name, size_t name_len, const char *payload, size_t payload_len,
		    const char *account)
{
	const struct codec_operation *row = operations_find(&operations_steem, name, name_len);
	struct json_slice whole = {payload, payload_len};
	struct search search = {.account = account};
	struct walk walk = {compare_account, &search};

	if (row != NULL)
		each_account(&walk, row, &whole, NULL, CODEC_MENTIONED);
	return search.was_found;
}

enum accounts_kind accounts_kind(const char *name, size_t name_len)
{
	const struct codec_operation *row = operations_find(&operations_steem, name, name_len);

	if (row == NULL)
		return ACCOUNTS_KIND_UNKNOWN;
	return row->number == CODEC_VIRTUAL ? ACCOUNTS_KIND_VIRTUAL : ACCOUNTS_KIND_REAL;
}

const char *accounts_operation(size_t i)
{
	return i < operations_steem.count ? operations_steem.rows[i].name : NULL;
}

bool accounts_can_name(const char *name, size_t name_len, const char *account)
{
	const struct codec_operation *row = operations_find(&operations_steem, name, name_len);

	if (row == NULL)
		return false;
	/* A field that is read from the operation can name any account. */
	for (size_t i = 0; i < row->is.field_count; i++)
		if (row->is.fields[i].role != CODEC_UNNAMED)
			return true;
	return row->acting != NULL && strcmp(row->acting, account) == 0;
}
