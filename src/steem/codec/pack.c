/* SPDX-License-Identifier: MIT */
/*
 * The formats: steemit/steem libraries/fc/include/fc/io/raw.hpp (bytes), libraries/fc/src/io/json.cpp
 * (text), libraries/plugins/apis/condenser_api (which of both forms a value has).
 */
#include "steem/codec/pack.h"

#include <stdarg.h>
#include <string.h>

#include "base/text.h"
#include "steem/codec/key.h"
#include "steem/json_scan.h"

/* More than a block has room for on the chain. */
#define OUT_BYTES_MAX ((size_t)16 << 20)
#define VARINT_MAX    5

void pack_init(struct pack *pack, const struct chain *chain, struct hash *hash)
{
	*pack = (struct pack){.chain = chain, .hash = hash};
	buf_init(&pack->out, OUT_BYTES_MAX);
}

void pack_release(struct pack *pack)
{
	buf_release(&pack->out);
}

__attribute__((format(printf, 2, 3))) static bool refuse(struct pack *pack, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	text_vformat(pack->reason, sizeof(pack->reason), fmt, args);
	va_end(args);
	return false;
}

/* The reason is about a part of it: name the whole. */
static bool refuse_in(struct pack *pack, const char *name)
{
	text_format(pack->reason, sizeof(pack->reason), "%s: %s", name, pack->reason);
	return false;
}

/* The first bytes of a text that is not what it should be. */
#define SHOW(slice) (int)((slice)->len < 40 ? (slice)->len : 40), (slice)->data

/* Room for the next bytes; NULL, with the reason, when it is too much. */
static inline uint8_t *add(struct pack *pack, size_t len)
{
	struct buf *out = &pack->out;
	char *at;

	if (out->capacity - out->len > len) {
		at = out->data + out->len;
		out->len += len;
		return (uint8_t *)at;
	}
	at = buf_extend(out, len);
	if (at == NULL)
		refuse(pack, "it is more than %zu bytes", OUT_BYTES_MAX);
	return (uint8_t *)at;
}

static bool add_number(struct pack *pack, uint64_t value, size_t bytes)
{
	uint8_t *at = add(pack, bytes);

	if (at == NULL)
		return false;
	for (size_t i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> 8 * i);
	return true;
}

static size_t write_varint(uint8_t *at, size_t value)
{
	size_t len = 0;

	while (value > 0x7f) {
		at[len++] = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	at[len++] = (uint8_t)value;
	return len;
}

bool pack_count(struct pack *pack, size_t count)
{
	uint8_t bytes[VARINT_MAX];
	size_t len = write_varint(bytes, count);
	uint8_t *at = add(pack, len);

	if (at == NULL)
		return false;
	memcpy(at, bytes, len);
	return true;
}

/* What stands between the quotes; false: it is no string, or something in it is escaped. */
static bool plain_string(const struct json_slice *value, struct json_slice *ret_text)
{
	if (value->len < 2 || value->data[0] != '"')
		return false;
	*ret_text = (struct json_slice){value->data + 1, value->len - 2};
	return memchr(ret_text->data, '\\', ret_text->len) == NULL;
}

static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits without needless zeros, at most 2^64-1. */
static bool read_digits(const char *at, size_t len, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (len == 0 || len > 20 || (at[0] == '0' && len > 1))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_digit(at[i]) || __builtin_mul_overflow(value, 10U, &value) ||
		    __builtin_add_overflow(value, (unsigned)(at[i] - '0'), &value))
			return false;
	*ret_value = value;
	return true;
}

/* Nodes write whole numbers above 2^32-1 as strings, so those of 64 bits may be one. */
static void unquote(const struct json_slice *value, size_t bytes, struct json_slice *ret_text)
{
	*ret_text = *value;
	if (bytes == 8)
		(void)plain_string(value, ret_text);
}

static bool pack_unsigned(struct pack *pack, const struct json_slice *value, uint64_t most,
			  size_t bytes)
{
	struct json_slice text;
	uint64_t number;

	unquote(value, bytes, &text);
	if (!read_digits(text.data, text.len, &number) || number > most)
		return refuse(pack, "%.*s is no whole number up to %llu", SHOW(value),
			      (unsigned long long)most);
	return add_number(pack, number, bytes);
}

static bool pack_signed(struct pack *pack, const struct json_slice *value, uint64_t most,
			size_t bytes)
{
	struct json_slice text;
	bool is_negative;
	uint64_t number;

	unquote(value, bytes, &text);
	is_negative = text.len > 0 && text.data[0] == '-';
	if (!read_digits(text.data + is_negative, text.len - is_negative, &number) ||
	    number > most + is_negative || (is_negative && number == 0))
		return refuse(pack, "%.*s is no whole number between -%llu and %llu", SHOW(value),
			      (unsigned long long)most + 1, (unsigned long long)most);
	return add_number(pack, is_negative ? -number : number, bytes);
}

static bool pack_bool(struct pack *pack, const struct json_slice *value)
{
	bool is_true = value->len == 4 && value->data[0] == 't';

	if (!is_true && (value->len != 5 || value->data[0] != 'f'))
		return refuse(pack, "%.*s is neither true nor false", SHOW(value));
	return add_number(pack, is_true, 1);
}

/* Two or more digits of fixed number; -1: something else. */
static int read_fixed(const char *at, size_t len)
{
	int value = 0;

	for (size_t i = 0; i < len; i++) {
		if (!is_digit(at[i]))
			return -1;
		value = value * 10 + (at[i] - '0');
	}
	return value;
}

/* Days from 1970-01-01 to a day of the Gregorian calendar, years 1 to 9999. */
static int64_t days_to(int year, int month, int day)
{
	/* A year begins in March here, so that a leap day is its last. */
	int64_t years = month > 2 ? year : year - 1;
	int months = month > 2 ? month - 3 : month + 9;

	return years * 365 + years / 4 - years / 100 + years / 400 + (months * 153 + 2) / 5 + day -
	       719469;
}

static bool read_time(const struct json_slice *text, int64_t *ret_seconds)
{
	static const int month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	const char *at = text->data;
	int year, month, day, hour, minute, second;
	bool is_leap;

	if (text->len != 19 || at[4] != '-' || at[7] != '-' || at[10] != 'T' || at[13] != ':' ||
	    at[16] != ':')
		return false;
	year = read_fixed(at, 4);
	month = read_fixed(at + 5, 2);
	day = read_fixed(at + 8, 2);
	hour = read_fixed(at + 11, 2);
	minute = read_fixed(at + 14, 2);
	second = read_fixed(at + 17, 2);
	is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	if (year < 1 || month < 1 || month > 12 || day < 1 || day > month_days[month - 1] ||
	    (month == 2 && day == 29 && !is_leap) || hour < 0 || hour > 23 || minute < 0 ||
	    minute > 59 || second < 0 || second > 59)
		return false;
	*ret_seconds = days_to(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
	return true;
}

/* Nodes print the 32 bits as signed ones: 1969-12-31T23:59:59 is the highest time of all. */
static bool pack_time(struct pack *pack, const struct json_slice *value)
{
	struct json_slice text;
	int64_t seconds;

	if (!plain_string(value, &text) || !read_time(&text, &seconds) || seconds < INT32_MIN ||
	    seconds > INT32_MAX)
		return refuse(pack, "%.*s is no time", SHOW(value));
	return add_number(pack, (uint32_t)seconds, 4);
}

/* "0.24.0": eight, eight and sixteen bits. */
static bool pack_version(struct pack *pack, const struct json_slice *value)
{
	static const uint64_t most[] = {255, 255, 65535};
	static const unsigned shift[] = {24, 16, 0};
	struct json_slice text;
	uint64_t version = 0;

	if (!plain_string(value, &text))
		return refuse(pack, "%.*s is no version", SHOW(value));
	for (size_t i = 0; i < 3; i++) {
		const char *dot = i < 2 ? memchr(text.data, '.', text.len) : text.data + text.len;
		size_t len = dot != NULL ? (size_t)(dot - text.data) : 0;
		uint64_t part;

		if (!read_digits(text.data, len, &part) || part > most[i])
			return refuse(pack, "%.*s is no version", SHOW(value));
		version |= part << shift[i];
		len += i < 2;
		text = (struct json_slice){text.data + len, text.len - len};
	}
	return add_number(pack, version, 4);
}

/*
 * Resolve the escapes of a string.  Returns the end of the output, which is never longer than the input.
 * NULL: an escape above 0x7f, which canonical text has only for a lone surrogate.
 */
static uint8_t *unescape(uint8_t *out, const char *at, const char *end)
{
	while (at < end) {
		const char *run_end = json_scan_plain(at, end);

		/* Most runs are short; what is copied too far is overwritten, and out is never ahead. */
		if (run_end - at <= 16 && end - at >= 16)
			memcpy(out, at, 16);
		else
			memcpy(out, at, (size_t)(run_end - at));
		out += run_end - at;
		at = run_end;
		if (at == end)
			break;
		switch (at[1]) {
		case 'b':
			*out++ = '\b';
			break;
		case 'f':
			*out++ = '\f';
			break;
		case 'n':
			*out++ = '\n';
			break;
		case 'r':
			*out++ = '\r';
			break;
		case 't':
			*out++ = '\t';
			break;
		case 'u':
			if (memcmp(at + 2, "00", 2) != 0 || at[4] > '7')
				return NULL;
			*out++ = (uint8_t)((at[4] - '0') << 4 |
					   (is_digit(at[5]) ? at[5] - '0'
							    : (at[5] | 0x20) - 'a' + 10));
			at += 4;
			break;
		default:
			*out++ = (uint8_t)at[1];
			break;
		}
		at += 2;
	}
	return out;
}

static bool pack_text(struct pack *pack, const struct json_slice *value, size_t most)
{
	size_t escaped_len, head_len, len;
	uint8_t head[VARINT_MAX], *at, *end;
	struct json_slice text;

	if (plain_string(value, &text)) {
		if (most > 0 && text.len > most)
			return refuse(pack, "%.*s is longer than %zu bytes", SHOW(value), most);
		if (!pack_count(pack, text.len))
			return false;
		at = add(pack, text.len);
		if (at == NULL)
			return false;
		memcpy(at, text.data, text.len);
		return true;
	}
	if (value->len < 2 || value->data[0] != '"')
		return refuse(pack, "%.*s is no string", SHOW(value));
	/* The length comes first, and is known last. */
	escaped_len = value->len - 2;
	head_len = write_varint(head, escaped_len);
	at = add(pack, head_len + escaped_len);
	if (at == NULL)
		return false;
	end = unescape(at + head_len, value->data + 1, value->data + 1 + escaped_len);
	if (end == NULL)
		return refuse(pack, "an escaped half of a character shows no bytes");
	len = (size_t)(end - at) - head_len;
	if (most > 0 && len > most)
		return refuse(pack, "%.*s is longer than %zu bytes", SHOW(value), most);
	if (write_varint(head, len) != head_len) {
		size_t shorter_len = write_varint(head, len);

		memmove(at + shorter_len, at + head_len, len);
		head_len = shorter_len;
	}
	memcpy(at, head, head_len);
	pack->out.len = (size_t)((char *)at - pack->out.data) + head_len + len;
	return true;
}

/* What a lower-case hexadecimal digit is worth, plus HEX: 0 is no digit. */
#define HEX 0x10
static const uint8_t hex_values[256] = {
	['0'] = HEX,      ['1'] = HEX + 1,  ['2'] = HEX + 2,  ['3'] = HEX + 3,
	['4'] = HEX + 4,  ['5'] = HEX + 5,  ['6'] = HEX + 6,  ['7'] = HEX + 7,
	['8'] = HEX + 8,  ['9'] = HEX + 9,  ['a'] = HEX + 10, ['b'] = HEX + 11,
	['c'] = HEX + 12, ['d'] = HEX + 13, ['e'] = HEX + 14, ['f'] = HEX + 15,
};

/* An even number of digits to bytes; without a branch, since signatures are a third of most blocks. */
static bool read_hex(const struct json_slice *text, uint8_t *ret)
{
	const unsigned char *at = (const unsigned char *)text->data;
	unsigned are_digits = HEX;

	for (size_t i = 0; i < text->len / 2; i++) {
		unsigned high = hex_values[at[2 * i]], low = hex_values[at[2 * i + 1]];

		are_digits &= high & low;
		ret[i] = (uint8_t)(high << 4 | (low & 0xf));
	}
	return are_digits != 0;
}

static bool pack_hex(struct pack *pack, const struct json_slice *value, size_t bytes,
		     bool has_length)
{
	struct json_slice text;
	uint8_t *at;

	if (!plain_string(value, &text) || text.len % 2 != 0 ||
	    (!has_length && text.len != bytes * 2))
		return refuse(pack, "%.*s is not the right number of hexadecimal digits",
			      SHOW(value));
	if (has_length && !pack_count(pack, text.len / 2))
		return false;
	at = add(pack, text.len / 2);
	if (at == NULL)
		return false;
	return read_hex(&text, at) ||
	       refuse(pack, "%.*s is not lower-case hexadecimal", SHOW(value));
}

static bool pack_key(struct pack *pack, const struct json_slice *value)
{
	struct json_slice text;
	struct key key;
	uint8_t *at;

	if (!plain_string(value, &text) ||
	    !key_parse(pack->hash, pack->chain->key_prefix, text.data, text.len, &key))
		return refuse(pack, "%.*s is no public key of %s", SHOW(value), pack->chain->name);
	at = add(pack, KEY_BYTES);
	if (at == NULL)
		return false;
	memcpy(at, key.bytes, KEY_BYTES);
	return true;
}

static bool add_asset(struct pack *pack, uint64_t amount, const struct chain_symbol *symbol)
{
	uint8_t *at;

	if (!add_number(pack, amount, 8))
		return false;
	at = add(pack, CHAIN_SYMBOL_BYTES);
	if (at == NULL)
		return false;
	memcpy(at, symbol->packed, CHAIN_SYMBOL_BYTES);
	return true;
}

/* "1.000 STEEM" */
static bool pack_asset_text(struct pack *pack, const struct json_slice *text)
{
	const char *space = memchr(text->data, ' ', text->len);
	const char *end = text->data + text->len;
	char digits[24];
	size_t whole_len, len;
	uint64_t amount;

	for (size_t i = 0; space != NULL && i < pack->chain->symbol_count; i++) {
		const struct chain_symbol *symbol = &pack->chain->symbols[i];
		size_t decimals = symbol->decimals;

		if (strlen(symbol->text) != (size_t)(end - space - 1) ||
		    memcmp(space + 1, symbol->text, (size_t)(end - space - 1)) != 0)
			continue;
		len = (size_t)(space - text->data);
		if (len < decimals + 2 || len > sizeof(digits))
			break;
		whole_len = len - decimals - 1;
		if (text->data[whole_len] != '.' || (text->data[0] == '0' && whole_len > 1))
			break;
		memcpy(digits, text->data, whole_len);
		memcpy(digits + whole_len, text->data + whole_len + 1, decimals);
		len--;
		whole_len = 0; /* from here on: how many zeros stand in front */
		while (whole_len + 1 < len && digits[whole_len] == '0')
			whole_len++;
		if (!read_digits(digits + whole_len, len - whole_len, &amount) ||
		    amount > INT64_MAX)
			break;
		return add_asset(pack, amount, symbol);
	}
	return refuse(pack, "%.*s is no amount of %s", SHOW(text), pack->chain->name);
}

static bool read_members(struct pack *pack, const struct json_slice *value,
			 struct json_members *ret_members)
{
	struct json_cursor cursor;
	struct json_member member;
	bool is_first = true;

	ret_members->count = 0;
	ret_members->is_whole = true;
	json_open(&cursor, value->data, value->len);
	if (!json_enter(&cursor, JSON_OBJECT))
		return refuse(pack, "%.*s is no object", SHOW(value));
	while (json_next_member(&cursor, &is_first, &member.key)) {
		if (ret_members->count == JSON_MEMBERS_MAX)
			return refuse(pack, "it has more than %d members", JSON_MEMBERS_MAX);
		if (!json_skip(&cursor, &member.value))
			break;
		ret_members->items[ret_members->count++] = member;
	}
	return !json_failed(&cursor) || refuse(pack, "it is no JSON");
}

/* Members mostly come in the order of the fields: each is looked for behind the one before it. */
bool pack_match(struct pack *pack, const struct codec_type *type,
		const struct json_members *members, struct json_slice ret_values[CODEC_FIELDS_MAX])
{
	size_t count = type->field_count;
	size_t next = 0;

	for (size_t i = 0; i < count; i++)
		ret_values[i] = (struct json_slice){NULL, 0};
	for (size_t i = 0; i < members->count; i++) {
		const struct json_member *member = &members->items[i];
		size_t tried = 0;

		for (; tried < count; tried++, next++) {
			if (next >= count)
				next = 0;
			if (type->fields[next].name_len == member->key.len &&
			    memcmp(type->fields[next].name, member->key.data, member->key.len) == 0)
				break;
		}
		if (tried == count)
			return refuse(pack, "the member \"%.*s\" is not known", SHOW(&member->key));
		if (ret_values[next].data != NULL)
			return refuse(pack, "the member \"%s\" stands there twice",
				      type->fields[next].name);
		ret_values[next++] = member->value;
	}
	return true;
}

static bool pack_members(struct pack *pack, const struct codec_type *type,
			 const struct json_members *members)
{
	struct json_slice values[CODEC_FIELDS_MAX];

	if (!pack_match(pack, type, members, values))
		return false;
	for (size_t i = 0; i < type->field_count; i++) {
		const struct codec_field *field = &type->fields[i];
		bool is_packed;
		uint64_t number;

		if (field->type == NULL) {
			if (values[i].data != NULL &&
			    !read_digits(values[i].data, values[i].len, &number))
				return refuse(pack, "%s: %.*s is no number", field->name,
					      SHOW(&values[i]));
			continue;
		}
		if (values[i].data == NULL) {
			if (field->type->kind != CODEC_OPTIONAL && !field->may_lack)
				return refuse(pack, "the member \"%s\" is missing", field->name);
			is_packed = add_number(pack, 0, 1);
		} else {
			is_packed = pack_value(pack, field->type, &values[i]);
		}
		if (!is_packed)
			return refuse_in(pack, field->name);
		if ((field->type->kind == CODEC_FEE || field->type->kind == CODEC_PERCENT) &&
		    pack->mark_count++ < PACK_MARKS_MAX)
			pack->marks[pack->mark_count - 1] = (struct pack_mark){
				.field = field,
				.operation = pack->operation,
				.at = pack->out.len -
				      (field->type->kind == CODEC_FEE ? CHAIN_SYMBOL_BYTES : 2)};
	}
	return true;
}

/* {"amount":"1000","precision":3,"nai":"@@000000021"} */
static bool pack_asset_object(struct pack *pack, const struct json_slice *value)
{
	static const struct codec_field fields[] = {
		{.name = "amount", .name_len = 6},
		{.name = "precision", .name_len = 9},
		{.name = "nai", .name_len = 3},
	};
	static const struct codec_type shape = {
		.kind = CODEC_STRUCT, .field_count = 3, .fields = fields};
	struct json_slice values[CODEC_FIELDS_MAX], amount, nai;
	struct json_members members;
	uint64_t number, precision;

	if (!read_members(pack, value, &members) || !pack_match(pack, &shape, &members, values))
		return false;
	for (size_t i = 0; i < 3; i++)
		if (values[i].data == NULL)
			return refuse(pack, "the member \"%s\" is missing", fields[i].name);
	if (plain_string(&values[0], &amount) && read_digits(amount.data, amount.len, &number) &&
	    number <= INT64_MAX && read_digits(values[1].data, values[1].len, &precision) &&
	    plain_string(&values[2], &nai))
		for (size_t i = 0; i < pack->chain->symbol_count; i++) {
			const struct chain_symbol *symbol = &pack->chain->symbols[i];

			if (precision == symbol->decimals && nai.len == strlen(symbol->nai) &&
			    memcmp(nai.data, symbol->nai, nai.len) == 0)
				return add_asset(pack, number, symbol);
		}
	return refuse(pack, "%.*s is no amount of %s", SHOW(value), pack->chain->name);
}

static bool pack_asset(struct pack *pack, const struct codec_type *type,
		       const struct json_slice *value)
{
	struct json_slice text;

	if (plain_string(value, &text))
		return pack_asset_text(pack, &text);
	if (type->kind == CODEC_FEE)
		return pack_asset_object(pack, value);
	return refuse(pack, "%.*s is no amount of %s", SHOW(value), pack->chain->name);
}

/* An array without their names. */
static bool pack_pair(struct pack *pack, const struct codec_type *type,
		      const struct json_slice *value)
{
	struct json_cursor cursor;
	struct json_slice element;
	bool is_first = true;
	size_t count = 0;

	json_open(&cursor, value->data, value->len);
	if (!json_enter(&cursor, JSON_ARRAY))
		return refuse(pack, "%.*s is no pair", SHOW(value));
	while (json_next_element(&cursor, &is_first) && json_skip(&cursor, &element)) {
		if (count == type->field_count)
			return refuse(pack, "%.*s is no pair", SHOW(value));
		if (!pack_value(pack, type->fields[count++].type, &element))
			return false;
	}
	return count == type->field_count || refuse(pack, "%.*s is no pair", SHOW(value));
}

static bool pack_list(struct pack *pack, const struct codec_type *type,
		      const struct json_slice *value)
{
	struct json_cursor cursor;
	struct json_slice element;
	bool is_first = true;
	size_t at = pack->out.len, count = 0, head_len;
	uint8_t head[VARINT_MAX];
	char *begin;

	json_open(&cursor, value->data, value->len);
	if (!json_enter(&cursor, JSON_ARRAY))
		return refuse(pack, "%.*s is no list", SHOW(value));
	if (add(pack, 1) == NULL)
		return false;
	for (; json_next_element(&cursor, &is_first) && json_skip(&cursor, &element); count++)
		if (!pack_value(pack, type->of, &element))
			return false;
	head_len = write_varint(head, count);
	if (head_len > 1 && add(pack, head_len - 1) == NULL)
		return false;
	begin = pack->out.data + at;
	if (head_len > 1)
		memmove(begin + head_len, begin + 1, pack->out.len - at - head_len);
	memcpy(begin, head, head_len);
	return true;
}

/* [number,value], and of CODEC_NAMED {"type":"name","value":value}. */
static bool pack_variant(struct pack *pack, const struct codec_type *type,
			 const struct json_slice *value)
{
	static const struct codec_field fields[] = {
		{.name = "type", .name_len = 4},
		{.name = "value", .name_len = 5},
	};
	static const struct codec_type shape = {
		.kind = CODEC_STRUCT, .field_count = 2, .fields = fields};
	struct json_slice values[CODEC_FIELDS_MAX] = {{NULL, 0}}, name;
	struct json_members members;
	uint64_t tag = type->field_count;

	if (type->kind == CODEC_NAMED && value->len > 0 && value->data[0] == '{') {
		if (!read_members(pack, value, &members) ||
		    !pack_match(pack, &shape, &members, values))
			return false;
		if (values[0].data != NULL && plain_string(&values[0], &name))
			for (tag = 0; tag < type->field_count; tag++)
				if (type->fields[tag].name_len == name.len &&
				    memcmp(type->fields[tag].name, name.data, name.len) == 0)
					break;
	} else {
		struct json_cursor cursor;
		bool is_first = true;
		size_t count = 0;

		json_open(&cursor, value->data, value->len);
		if (!json_enter(&cursor, JSON_ARRAY))
			return refuse(pack, "%.*s is no variant", SHOW(value));
		while (count < 2 && json_next_element(&cursor, &is_first) &&
		       json_skip(&cursor, &values[count]))
			count++;
		if (count == 2 && json_next_element(&cursor, &is_first))
			return refuse(pack, "%.*s is no variant", SHOW(value));
		if (values[0].data != NULL && !read_digits(values[0].data, values[0].len, &tag))
			tag = type->field_count;
	}
	if (tag >= type->field_count || values[1].data == NULL)
		return refuse(pack, "%.*s is of a kind that is not known", SHOW(value));
	return pack_count(pack, (size_t)tag) &&
	       pack_value(pack, type->fields[tag].type, &values[1]);
}

static bool pack_nothing(struct pack *pack, const struct json_slice *value)
{
	if (value->len != 2 || (value->data[0] != '{' && value->data[0] != '['))
		return refuse(pack, "%.*s is not empty", SHOW(value));
	return true;
}

bool pack_object(struct pack *pack, const struct codec_type *type, const struct json_slice *value,
		 const struct json_members *members)
{
	struct json_members found;

	if (members == NULL || !members->is_whole) {
		if (!read_members(pack, value, &found))
			return false;
		members = &found;
	}
	return pack_members(pack, type, members);
}

bool pack_value(struct pack *pack, const struct codec_type *type, const struct json_slice *value)
{
	switch (type->kind) {
	case CODEC_U16:
	case CODEC_PERCENT:
		return pack_unsigned(pack, value, UINT16_MAX, 2);
	case CODEC_U32:
		return pack_unsigned(pack, value, UINT32_MAX, 4);
	case CODEC_U64:
		return pack_unsigned(pack, value, UINT64_MAX, 8);
	case CODEC_I16:
		return pack_signed(pack, value, INT16_MAX, 2);
	case CODEC_I64:
		return pack_signed(pack, value, INT64_MAX, 8);
	case CODEC_BOOL:
		return pack_bool(pack, value);
	case CODEC_TIME:
		return pack_time(pack, value);
	case CODEC_VERSION:
		return pack_version(pack, value);
	case CODEC_TEXT:
	case CODEC_NAME:
		return pack_text(pack, value, type->size);
	case CODEC_HEX:
		return pack_hex(pack, value, type->size, false);
	case CODEC_BYTES:
		return pack_hex(pack, value, 0, true);
	case CODEC_KEY:
		return pack_key(pack, value);
	case CODEC_ASSET:
	case CODEC_FEE:
		return pack_asset(pack, type, value);
	case CODEC_STRUCT:
		return pack_object(pack, type, value, NULL);
	case CODEC_PAIR:
		return pack_pair(pack, type, value);
	case CODEC_LIST:
		return pack_list(pack, type, value);
	case CODEC_OPTIONAL:
		if (value->len == 4 && value->data[0] == 'n')
			return add_number(pack, 0, 1);
		return add_number(pack, 1, 1) && pack_value(pack, type->of, value);
	case CODEC_VARIANT:
	case CODEC_NAMED:
		return pack_variant(pack, type, value);
	case CODEC_VOID:
		return pack_nothing(pack, value);
	case CODEC_EMPTY:
		if (value->data[0] != '[')
			return refuse(pack, "%.*s is no list", SHOW(value));
		return pack_nothing(pack, value) && add_number(pack, 0, 1);
	}
	return false;
}
