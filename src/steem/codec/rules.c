/* SPDX-License-Identifier: MIT */
/*
 * Sources: steemit/steem libraries/protocol/steem_operations.cpp and sps_operations.cpp (validate()),
 * asset.cpp (price), libraries/chain/steem_evaluator.cpp (permlinks, members of an authority),
 * libraries/fc/src/io/json.cpp (is_valid()), libraries/plugins/witness/witness_plugin.cpp.
 */
#include "steem/codec/rules.h"

#include <endian.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/text.h"
#include "steem/codec/key.h"
#include "steem/json.h"

#define ASSET_BYTES   (8 + CHAIN_SYMBOL_BYTES)
#define WHOLE         10000 /* 100 % */
#define KEEPERS_MOST  40
#define LAW_NAMES_MAX 4

struct check {
	const struct chain *chain;
	const uint8_t *at; /* the next byte */
	char *reason;
};

__attribute__((format(printf, 2, 3))) static bool refuse(struct check *check, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	text_vformat(check->reason, RULES_REASON_BYTES, fmt, args);
	va_end(args);
	return false;
}

/* The packed bytes. */

static size_t take_count(const uint8_t **at)
{
	size_t value = 0;
	unsigned shift = 0;

	do
		value |= (size_t)(**at & 0x7f) << (7 * shift++);
	while (*(*at)++ & 0x80);
	return value;
}

static uint64_t number_at(const uint8_t *at, size_t bytes)
{
	uint64_t value = 0;

	memcpy(&value, at, bytes);
	return le64toh(value);
}

static int64_t amount_at(const uint8_t *asset)
{
	return (int64_t)number_at(asset, 8);
}

static bool is_same_symbol(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a + 8, b + 8, CHAIN_SYMBOL_BYTES) == 0;
}

static bool is_same_name(const uint8_t *a, const uint8_t *b)
{
	return a[0] == b[0] && memcmp(a + 1, b + 1, a[0]) == 0;
}

/* Values. */

static bool check_number(struct check *check, const struct codec_type *type, int64_t value)
{
	if (type->most != 0 && (value < type->least || value > type->most))
		return refuse(check, "%lld is not between %d and %d", (long long)value, type->least,
			      type->most);
	return value >= type->least || type->least == 0 ||
	       refuse(check, "%lld is below %d", (long long)value, type->least);
}

static bool check_size(struct check *check, const struct codec_type *type, size_t size,
		       const char *what)
{
	if (size == 0 && type->least > 0)
		return refuse(check, "it is empty");
	return type->most == 0 || size <= (size_t)type->most ||
	       refuse(check, "it has %zu %s; at most %d are allowed", size, what, type->most);
}

/* A node's is_valid() wants nothing behind the value, not even white space. */
static bool is_json(const char *text, size_t len)
{
	struct json_cursor cursor;

	json_open(&cursor, text, len);
	return json_skip(&cursor, NULL) && cursor.at == cursor.end;
}

static bool is_permlink(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((text[i] < 'a' || text[i] > 'z') && (text[i] < '0' || text[i] > '9') &&
		    text[i] != '-')
			return false;
	return true;
}

static bool check_text(struct check *check, const struct codec_type *type)
{
	size_t len = take_count(&check->at);
	const char *text = (const char *)check->at;

	check->at += len;
	if (!check_size(check, type, len, "bytes"))
		return false;
	if (type->rule == CODEC_JSON && len > 0 && !is_json(text, len))
		return refuse(check,
			      "it is no JSON, or something stands behind it, such as a line end");
	return type->rule != CODEC_PERMLINK || is_permlink(text, len) ||
	       refuse(check, "it has other characters than lower-case letters, digits and hyphens");
}

static bool check_asset(struct check *check, const struct codec_type *type)
{
	int64_t amount = amount_at(check->at);
	size_t symbol = 0;

	while (symbol < check->chain->symbol_count &&
	       memcmp(check->chain->symbols[symbol].packed, check->at + 8, CHAIN_SYMBOL_BYTES) != 0)
		symbol++;
	check->at += ASSET_BYTES;
	if (type->symbols != 0 && (type->symbols >> symbol & 1) == 0)
		return refuse(check, "%s cannot stand there",
			      symbol < check->chain->symbol_count
				      ? check->chain->symbols[symbol].text
				      : "such a symbol");
	if (amount < type->least)
		return refuse(check, "it must be above zero");
	return type->most == 0 || amount <= type->most ||
	       refuse(check, "it is more than the chain takes");
}

/* Values of several parts. */

static bool check_value(struct check *check, const struct codec_type *type);

static bool check_list(struct check *check, const struct codec_type *type)
{
	size_t count = take_count(&check->at), sum = 0;

	if (!check_size(check, type, count, "elements"))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!check_value(check, type->of))
			return false;
		if (type->rule == CODEC_SHARES)
			sum += number_at(check->at - 2, 2);
	}
	return sum <= WHOLE ||
	       refuse(check, "the weights are %zu together; at most %d are allowed", sum, WHOLE);
}

/* starts: where each field begins. */
static bool check_parts(struct check *check, const struct codec_type *type,
			const uint8_t *starts[CODEC_FIELDS_MAX])
{
	const uint8_t *one, *other;

	for (size_t i = 0; i < type->field_count; i++) {
		const struct codec_field *field = &type->fields[i];

		starts[i] = check->at;
		if (field->type != NULL && !check_value(check, field->type)) {
			text_format(check->reason, RULES_REASON_BYTES, "%s: %s", field->name,
				    check->reason);
			return false;
		}
	}
	if (type->rule == CODEC_PRICE && is_same_symbol(starts[0], starts[1]))
		return refuse(check, "%s and %s must have different symbols", type->fields[0].name,
			      type->fields[1].name);
	if (type->rule != CODEC_KEEPERS)
		return true;
	one = starts[1];
	other = starts[2];
	return take_count(&one) + take_count(&other) <= KEEPERS_MOST ||
	       refuse(check, "it has more than %d accounts and keys", KEEPERS_MOST);
}

static bool check_value(struct check *check, const struct codec_type *type)
{
	const uint8_t *starts[CODEC_FIELDS_MAX];
	const uint8_t *at = check->at;

	switch (type->kind) {
	case CODEC_I16:
		check->at += 2;
		return check_number(check, type, (int16_t)number_at(at, 2));
	case CODEC_U16:
	case CODEC_PERCENT:
		check->at += 2;
		return check_number(check, type, (int64_t)number_at(at, 2));
	case CODEC_U32:
		check->at += 4;
		return check_number(check, type, (int64_t)number_at(at, 4));
	case CODEC_TIME:
	case CODEC_VERSION:
		check->at += 4;
		return true;
	case CODEC_U64:
	case CODEC_I64:
		check->at += 8;
		return true;
	case CODEC_BOOL:
	case CODEC_EMPTY:
		check->at++;
		return true;
	case CODEC_VOID:
		return true;
	case CODEC_TEXT:
	case CODEC_NAME:
	case CODEC_BYTES:
		return check_text(check, type);
	case CODEC_HEX:
		check->at += type->size;
		return true;
	case CODEC_KEY:
		check->at += KEY_BYTES;
		return true;
	case CODEC_ASSET:
	case CODEC_FEE:
		return check_asset(check, type);
	case CODEC_STRUCT:
	case CODEC_PAIR:
		return check_parts(check, type, starts);
	case CODEC_LIST:
		return check_list(check, type);
	case CODEC_OPTIONAL:
		return *check->at++ == 0 || check_value(check, type->of);
	case CODEC_VARIANT:
	case CODEC_NAMED:
		return check_value(check, type->fields[take_count(&check->at)].type);
	}
	return false;
}

/* Between the members of an operation. */

enum law {
	SOME,    /* one of these amounts is above zero */
	OTHER,   /* the first account is none of the others */
	ONE_OF,  /* the first account is one of the others */
	EARLIER, /* the first time is before the second one */
	SYMBOLS, /* the amounts have different symbols */
	TRADE,   /* the amount is of the base of the price, and gives something */
};

static const struct {
	const char *operation;
	enum law law;
	const char *names[LAW_NAMES_MAX];
} laws[] = {
	{"account_witness_proxy", OTHER, {"proxy", "account"}},
	{"claim_reward_balance", SOME, {"reward_steem", "reward_sbd", "reward_vests"}},
	{"create_proposal", EARLIER, {"start_date", "end_date"}},
	{"delegate_vesting_shares", OTHER, {"delegatee", "delegator"}},
	{"escrow_approve", ONE_OF, {"who", "to", "agent"}},
	{"escrow_dispute", ONE_OF, {"who", "from", "to"}},
	{"escrow_release", ONE_OF, {"who", "from", "to", "agent"}},
	{"escrow_release", ONE_OF, {"receiver", "from", "to"}},
	{"escrow_release", SOME, {"sbd_amount", "steem_amount"}},
	{"escrow_transfer", SOME, {"sbd_amount", "steem_amount"}},
	{"escrow_transfer", OTHER, {"agent", "from", "to"}},
	{"escrow_transfer", EARLIER, {"ratification_deadline", "escrow_expiration"}},
	{"limit_order_create", SYMBOLS, {"amount_to_sell", "min_to_receive"}},
	{"limit_order_create2", TRADE, {"amount_to_sell", "exchange_rate"}},
};

/* One part in `base` gives `quote`; what is sold gives at least one. */
static bool is_trade(const uint8_t *sold, const uint8_t *price)
{
	const uint8_t *quote = price + ASSET_BYTES;
	int64_t gives;

	return is_same_symbol(sold, price) &&
	       (__builtin_mul_overflow(amount_at(sold), amount_at(quote), &gives) ||
		gives >= amount_at(price));
}

static bool is_kept(enum law law, const uint8_t *const at[LAW_NAMES_MAX], size_t count)
{
	bool any = false;

	switch (law) {
	case SOME:
		for (size_t i = 0; i < count; i++)
			any |= amount_at(at[i]) > 0;
		return any;
	case OTHER:
	case ONE_OF:
		for (size_t i = 1; i < count; i++)
			any |= is_same_name(at[0], at[i]);
		return any == (law == ONE_OF);
	case EARLIER:
		return number_at(at[0], 4) < number_at(at[1], 4);
	case SYMBOLS:
		return !is_same_symbol(at[0], at[1]);
	case TRADE:
		return is_trade(at[0], at[1]);
	}
	return false;
}

static const char *words_of(enum law law)
{
	static const char *const words[] = {
		[SOME] = "one of them must be above zero",
		[OTHER] = "the first account must be none of the others",
		[ONE_OF] = "the first account must be one of the others",
		[EARLIER] = "the first time must be before the second one",
		[SYMBOLS] = "they must have different symbols",
		[TRADE] = "what is sold must be of the base of the price, and give something",
	};

	return words[law];
}

static const uint8_t *start_of(const struct codec_type *type, const uint8_t *const *starts,
			       const char *name)
{
	size_t i = 0;

	while (strcmp(type->fields[i].name, name) != 0)
		i++;
	return starts[i];
}

static bool keep_laws(struct check *check, const struct codec_operation *row,
		      const uint8_t *const *starts)
{
	for (size_t i = 0; i < sizeof(laws) / sizeof(laws[0]); i++) {
		const uint8_t *at[LAW_NAMES_MAX];
		char names[100] = "";
		size_t count = 0;

		if (strcmp(laws[i].operation, row->name) != 0)
			continue;
		for (; count < LAW_NAMES_MAX && laws[i].names[count] != NULL; count++) {
			at[count] = start_of(&row->is, starts, laws[i].names[count]);
			text_format(names, sizeof(names), "%s%s%s", names, count > 0 ? ", " : "",
				    laws[i].names[count]);
		}
		if (!is_kept(laws[i].law, at, count))
			return refuse(check, "%s: %s", names, words_of(laws[i].law));
	}
	return true;
}

const uint8_t *rules_check(const struct chain *chain, const struct codec_operation *row,
			   const uint8_t *packed, char reason[RULES_REASON_BYTES])
{
	struct check check = {.chain = chain, .at = packed, .reason = reason};
	const uint8_t *starts[CODEC_FIELDS_MAX] = {NULL};

	if (row->is_closed)
		(void)refuse(&check, "the chain takes this operation no more");
	else if (check_parts(&check, &row->is, starts) && keep_laws(&check, row, starts))
		return check.at;
	return NULL;
}
