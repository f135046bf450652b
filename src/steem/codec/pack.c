/* SPDX-License-Identifier: MIT */
/*
 * Sources of the formats: steemit/steem libraries/fc/include/fc/io/raw.hpp (bytes),
 * libraries/fc/src/io/json.cpp (text), libraries/plugins/apis/condenser_api (which of the
 * two forms a value has).
 */
#include "steem/codec/pack.h"

#include <endian.h>
#include <stdarg.h>
#include <string.h>

#include "base/text.h"
#include "steem/account_name.h"
#include "steem/codec/key.h"
#include "steem/hex.h"
#include "steem/json_scan.h"

/* More than a block can have on the chain. */
#define OUT_BYTES_MAX ((size_t)16 << 20)
#define VARINT_MAX    5

/*
 * pack_value() is called for each value, so the stack space that a kind needs is taken only for
 * that kind.
 */
#define APART __attribute__((noinline))

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

/* The reason is about a part: prefix the name of the whole. */
static bool refuse_in(struct pack *pack, const char *name)
{
	text_format(pack->reason, sizeof(pack->reason), "%s: %s", name, pack->reason);
	return false;
}

/* printf arguments for "%.*s": the first bytes of a bad text. */
#define SHOW(slice) (int)((slice)->len < 40 ? (slice)->len : 40), (slice)->data

/* Room for the next bytes; NULL with the reason: too many bytes. */
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
	uint8_t *at = add(pack, sizeof(value));

	if (at == NULL)
		return false;
	value = htole64(value);
	memcpy(at, &value, sizeof(value));
	pack->out.len -= sizeof(value) - bytes;
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
	uint8_t *at = add(pack, VARINT_MAX);

	if (at == NULL)
		return false;
	pack->out.len -= VARINT_MAX - write_varint(at, count);
	return true;
}

static inline bool is_string(const struct json_slice *value)
{
	return value->len >= 2 && value->data[0] == '"';
}

/* The text between the quotes; false: it is no string, or has escapes. */
static bool plain_string(const struct json_slice *value, struct json_slice *ret_text)
{
	if (!is_string(value))
		return false;
	*ret_text = (struct json_slice){value->data + 1, value->len - 2};
	return memchr(ret_text->data, '\\', ret_text->len) == NULL;
}

/* The value of a digit; above 9: not a digit. */
static inline unsigned digit_value(char c)
{
	return (unsigned)(unsigned char)c - '0';
}

/* 19 digits never overflow 64 bits. */
#define SAFE_DIGITS 19

/* Append a digit to a number; false: it is none, or the number would not fit. */
static bool add_digit(char c, uint64_t *value)
{
	unsigned digit = digit_value(c);

	return digit <= 9 && !__builtin_mul_overflow(*value, 10U, value) &&
	       !__builtin_add_overflow(*value, digit, value);
}

/* Read digits without needless zeros, at most 2^64-1. */
static bool read_digits(const char *at, size_t len, uint64_t *ret_value)
{
	size_t safe_len = len < SAFE_DIGITS ? len : SAFE_DIGITS;
	uint64_t value = 0;

	if (len == 0 || len > SAFE_DIGITS + 1 || (at[0] == '0' && len > 1))
		return false;
	for (size_t i = 0; i < safe_len; i++) {
		unsigned digit = digit_value(at[i]);

		if (digit > 9)
			return false;
		value = value * 10 + digit;
	}
	*ret_value = value;
	return len == safe_len || add_digit(at[safe_len], ret_value);
}

/* Nodes write whole numbers above 2^32-1 as strings, so a 64-bit number may be one. */
static void unquote(const struct json_slice *value, size_t bytes, struct json_slice *ret_text)
{
	*ret_text = *value;
	if (bytes == 8)
		(void)plain_string(value, ret_text);
}

static APART bool pack_unsigned(struct pack *pack, const struct json_slice *value, uint64_t most,
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

static APART bool pack_signed(struct pack *pack, const struct json_slice *value, uint64_t most,
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

#define NO_PAIR 10000

/* The value of two digits; NO_PAIR: something else. */
static inline int read_pair(const char *at)
{
	unsigned tens = digit_value(at[0]), ones = digit_value(at[1]);

	return tens <= 9 && ones <= 9 ? (int)(tens * 10 + ones) : NO_PAIR;
}

static bool is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days from 1970-01-01 to a date of the Gregorian calendar, years 1 to 9999. */
static int64_t days_to(int year, int month, int day)
{
	/* Here a year begins in March, so that a leap day is its last day. */
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

	if (text->len != 19 || at[4] != '-' || at[7] != '-' || at[10] != 'T' || at[13] != ':' ||
	    at[16] != ':')
		return false;
	year = read_pair(at) * 100 + read_pair(at + 2);
	month = read_pair(at + 5);
	day = read_pair(at + 8);
	hour = read_pair(at + 11);
	minute = read_pair(at + 14);
	second = read_pair(at + 17);
	if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 ||
	    day > month_days[month - 1] || (month == 2 && day == 29 && !is_leap(year)) ||
	    hour > 23 || minute > 59 || second > 59)
		return false;
	*ret_seconds = days_to(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
	return true;
}

/* Nodes print the 32 bits as a signed number: 1969-12-31T23:59:59 is the highest time of all. */
static APART bool pack_time(struct pack *pack, const struct json_slice *value)
{
	struct json_slice text;
	int64_t seconds;

	if (!plain_string(value, &text) || !read_time(&text, &seconds) || seconds < INT32_MIN ||
	    seconds > INT32_MAX)
		return refuse(pack, "%.*s is no time", SHOW(value));
	return add_number(pack, (uint32_t)seconds, 4);
}

/* "0.24.0": eight, eight and sixteen bits. */
static APART bool pack_version(struct pack *pack, const struct json_slice *value)
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
 * Resolve the escapes of a string.  Returns the end of the output, which is never longer than
 * the input. NULL: an escape above 0x7f, which canonical text has only for a lone surrogate.
 */
static uint8_t *unescape(uint8_t *out, const char *at, const char *end)
{
	/* Indexed by the character after a backslash; 0: it is a u. */
	static const uint8_t meanings[256] = {
		['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
		['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t',
	};

	while (at < end) {
		const char *run_end = json_copy_run(out, at, end);

		out += run_end - at;
		at = run_end;
		if (at == end)
			break;
		*out = meanings[(unsigned char)at[1]];
		if (*out++ == '\0') {
			if (memcmp(at + 2, "00", 2) != 0 || at[4] > '7')
				return NULL;
			out[-1] = (uint8_t)(digit_value(at[4]) << 4 |
					    (hex_value((unsigned char)at[5], 0x20) & 0xf));
			at += 4;
		}
		at += 2;
	}
	return out;
}

/*
 * A node's reader knows no escape of control characters but these (fc/src/io/json.cpp), and proxies
 * escape all others.
 */
static bool has_lost_control(const uint8_t *at, const uint8_t *end)
{
	for (; at < end; at++)
		if (*at < 0x20 && *at != '\t' && *at != '\n' && *at != '\r')
			return true;
	return false;
}

/* A string with escapes: its length comes first, but is known last. */
static APART bool pack_escaped(struct pack *pack, const struct json_slice *value, size_t most)
{
	size_t escaped_len = value->len - 2, len;
	uint8_t head[VARINT_MAX], *at, *end;
	size_t head_len = write_varint(head, escaped_len);

	at = add(pack, head_len + escaped_len);
	if (at == NULL)
		return false;
	end = unescape(at + head_len, value->data + 1, value->data + 1 + escaped_len);
	if (end == NULL)
		return refuse(pack, "an escaped half of a character shows no bytes");
	len = (size_t)(end - at) - head_len;
	if (most > 0 && len > most)
		return refuse(pack, "%.*s is longer than %zu bytes", SHOW(value), most);
	if (pack->is_to_send && has_lost_control(at + head_len, end))
		return refuse(pack, "%.*s has a control character that nodes do not read",
			      SHOW(value));
	if (write_varint(head, len) != head_len) {
		size_t shorter_len = write_varint(head, len);

		memmove(at + shorter_len, at + head_len, len);
		head_len = shorter_len;
	}
	memcpy(at, head, head_len);
	pack->out.len = (size_t)((char *)at - pack->out.data) + head_len + len;
	return true;
}

static APART bool pack_text(struct pack *pack, const struct json_slice *value, size_t most)
{
	size_t len = value->len - 2, head_len;
	uint8_t *at;

	if (!is_string(value))
		return refuse(pack, "%.*s is no string", SHOW(value));
	if (memchr(value->data + 1, '\\', len) != NULL)
		return pack_escaped(pack, value, most);
	if (most > 0 && len > most)
		return refuse(pack, "%.*s is longer than %zu bytes", SHOW(value), most);
	at = add(pack, VARINT_MAX + len);
	if (at == NULL)
		return false;
	head_len = write_varint(at, len);
	memcpy(at + head_len, value->data + 1, len);
	pack->out.len -= VARINT_MAX - head_len;
	return true;
}

/* An account's name, or no name at all. */
static APART bool pack_name(struct pack *pack, const struct json_slice *value, size_t most)
{
	const char *fault = NULL;

	if (pack->is_to_send && is_string(value) && value->len > 2)
		fault = account_name_fault(value->data + 1, value->len - 2);
	if (fault != NULL)
		return refuse(pack, "%.*s is no account name: %s", SHOW(value), fault);
	return pack_text(pack, value, most);
}

static APART bool pack_hex(struct pack *pack, const struct json_slice *value, size_t bytes,
			   bool has_length)
{
	size_t digits = value->len - 2;
	uint8_t *at;

	if (!is_string(value) || digits % 2 != 0 || (!has_length && digits != bytes * 2))
		return refuse(pack, "%.*s is not the right number of hexadecimal digits",
			      SHOW(value));
	if (has_length && !pack_count(pack, digits / 2))
		return false;
	at = add(pack, digits / 2);
	if (at == NULL)
		return false;
	return hex_read(value->data + 1, digits / 2, false, at) ||
	       refuse(pack, "%.*s is not lower-case hexadecimal", SHOW(value));
}

static APART bool pack_key(struct pack *pack, const struct json_slice *value)
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
		whole_len = 0; /* from here on: the number of leading zeros */
		while (whole_len + 1 < len && digits[whole_len] == '0')
			whole_len++;
		if (!read_digits(digits + whole_len, len - whole_len, &amount) ||
		    amount > INT64_MAX)
			break;
		return add_asset(pack, amount, symbol);
	}
	return refuse(pack, "%.*s is no amount of %s", SHOW(text), pack->chain->name);
}

bool pack_field(struct pack *pack, const struct codec_field *field, const struct json_slice *value)
{
	bool is_packed;
	uint64_t number;

	if (field->type == NULL) {
		if (value->data != NULL && pack->is_to_send)
			return refuse(pack, "the member \"%s\" is not signed; leave it out",
				      field->name);
		if (value->data != NULL && !read_digits(value->data, value->len, &number))
			return refuse(pack, "%s: %.*s is no number", field->name, SHOW(value));
		return true;
	}
	if (value->data == NULL && field->type->kind != CODEC_OPTIONAL && !field->may_lack)
		return refuse(pack, "the member \"%s\" is missing", field->name);
	is_packed =
		value->data != NULL ? pack_value(pack, field->type, value) : add_number(pack, 0, 1);
	if (!is_packed)
		return refuse_in(pack, field->name);
	if ((field->type->kind == CODEC_FEE || field->type->kind == CODEC_PERCENT) &&
	    pack->mark_count++ < PACK_MARKS_MAX)
		pack->marks[pack->mark_count - 1] = (struct pack_mark){
			.field = field,
			.operation = pack->operation,
			.at = pack->out.len -
			      (field->type->kind == CODEC_FEE ? CHAIN_SYMBOL_BYTES : 2)};
	return true;
}

bool pack_once(struct pack *pack, const struct values *values)
{
	return values->twice == NULL ||
	       refuse(pack, "the member \"%s\" stands there twice", values->twice->name);
}

bool pack_fields(struct pack *pack, const struct values *values)
{
	if (!pack_once(pack, values))
		return false;
	for (size_t i = 0; i < values->type->field_count; i++)
		if (!pack_field(pack, &values->type->fields[i], &values->of[i]))
			return false;
	return true;
}

bool pack_object(struct pack *pack, const struct values *values)
{
	if (values->unknown.data != NULL)
		return refuse(pack, "the member \"%.*s\" is not known", SHOW(&values->unknown));
	return pack_fields(pack, values);
}

static bool read_values(struct pack *pack, const struct codec_type *type,
			const struct json_slice *object, struct values *ret_values)
{
	struct json_cursor cursor;

	json_open(&cursor, object->data, object->len);
	if (values_read(ret_values, type, &cursor))
		return true;
	if (json_failed(&cursor))
		return refuse(pack, "it is no JSON");
	return refuse(pack, "%.*s is no object", SHOW(object));
}

/* Read two or three members, of which each must stand there once, and no other one. */
static bool read_exactly(struct pack *pack, const struct codec_type *type,
			 const struct json_slice *object, struct values *ret_values)
{
	if (!read_values(pack, type, object, ret_values) || !pack_once(pack, ret_values))
		return false;
	for (size_t i = 0; i < type->field_count; i++)
		if (ret_values->of[i].data == NULL)
			return refuse(pack, "the member \"%s\" is missing", type->fields[i].name);
	return ret_values->unknown.data == NULL ||
	       refuse(pack, "the member \"%.*s\" is not known", SHOW(&ret_values->unknown));
}

/* {"amount":"1000","precision":3,"nai":"@@000000021"} */
static bool pack_asset_object(struct pack *pack, const struct json_slice *value)
{
	static const struct codec_type any = {.kind = CODEC_TEXT};
	static const struct codec_field fields[] = {
		{.name = "amount", .name_len = 6, .type = &any},
		{.name = "precision", .name_len = 9, .type = &any},
		{.name = "nai", .name_len = 3, .type = &any},
	};
	static const struct codec_type shape = {
		.kind = CODEC_STRUCT, .field_count = 3, .fields = fields};
	struct values values;
	struct json_slice amount, nai;
	uint64_t number, precision;

	if (!read_exactly(pack, &shape, value, &values))
		return false;
	if (plain_string(&values.of[0], &amount) && read_digits(amount.data, amount.len, &number) &&
	    number <= INT64_MAX && read_digits(values.of[1].data, values.of[1].len, &precision) &&
	    plain_string(&values.of[2], &nai))
		for (size_t i = 0; i < pack->chain->symbol_count; i++) {
			const struct chain_symbol *symbol = &pack->chain->symbols[i];

			if (precision == symbol->decimals && nai.len == strlen(symbol->nai) &&
			    memcmp(nai.data, symbol->nai, nai.len) == 0)
				return add_asset(pack, number, symbol);
		}
	return refuse(pack, "%.*s is no amount of %s", SHOW(value), pack->chain->name);
}

static APART bool pack_asset(struct pack *pack, const struct codec_type *type,
			     const struct json_slice *value)
{
	struct json_slice text;

	if (plain_string(value, &text))
		return pack_asset_text(pack, &text);
	if (type->kind == CODEC_FEE && !pack->is_to_send)
		return pack_asset_object(pack, value);
	return refuse(pack, "%.*s is no amount of %s", SHOW(value), pack->chain->name);
}

/* An array without field names. */
static APART bool pack_pair(struct pack *pack, const struct codec_type *type,
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

/*
 * Take the next element.  The number of hex digits is known, so nobody searches for their end,
 * and pack_hex() checks them.
 */
static bool take_element(struct json_cursor *cursor, const struct codec_type *type,
			 struct json_slice *ret_element)
{
	size_t len = type->size * 2U + 2;

	if (type->kind != CODEC_HEX || (size_t)(cursor->end - cursor->at) < len ||
	    cursor->at[len - 1] != '"')
		return json_skip(cursor, ret_element);
	*ret_element = (struct json_slice){cursor->at, len};
	cursor->at += len;
	return true;
}

/* Read a count or a length that was packed. */
static size_t read_varint(const uint8_t **at)
{
	size_t value = 0;
	unsigned shift = 0;

	do
		value |= (size_t)(**at & 0x7f) << (7 * shift++);
	while (*(*at)++ & 0x80);
	return value;
}

/*
 * Below, equal to or above 0, as for memcmp(), as a node sorts (fc/include/fc/container/flat.hpp).
 */
static int compare_packed(const struct codec_type *type, const uint8_t *a, const uint8_t *b)
{
	size_t a_len, b_len;
	int64_t numbers[2];
	int order;

	switch (type->kind) {
	case CODEC_STRUCT:
	case CODEC_PAIR:
		return compare_packed(type->fields[0].type, a, b);
	case CODEC_TEXT:
	case CODEC_NAME:
		a_len = read_varint(&a);
		b_len = read_varint(&b);
		order = memcmp(a, b, a_len < b_len ? a_len : b_len);
		return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
	case CODEC_KEY:
		return memcmp(a, b, KEY_BYTES);
	case CODEC_I64:
		memcpy(&numbers[0], a, sizeof(numbers[0]));
		memcpy(&numbers[1], b, sizeof(numbers[1]));
		numbers[0] = (int64_t)le64toh((uint64_t)numbers[0]);
		numbers[1] = (int64_t)le64toh((uint64_t)numbers[1]);
		return (numbers[0] > numbers[1]) - (numbers[0] < numbers[1]);
	default: /* a variant: its number */
		return *a - *b;
	}
}

static APART bool pack_list(struct pack *pack, const struct codec_type *type,
			    const struct json_slice *value)
{
	struct json_cursor cursor;
	struct json_slice element;
	bool is_first = true;
	size_t at = pack->out.len, count = 0, last_at = 0, head_len;
	uint8_t head[VARINT_MAX];
	char *begin;

	if (value->len == 2 && value->data[0] == '[')
		return add_number(pack, 0, 1);
	json_open(&cursor, value->data, value->len);
	if (!json_enter(&cursor, JSON_ARRAY))
		return refuse(pack, "%.*s is no list", SHOW(value));
	if (add(pack, 1) == NULL)
		return false;
	for (; json_next_element(&cursor, &is_first) && take_element(&cursor, type->of, &element);
	     count++) {
		size_t element_at = pack->out.len;
		const uint8_t *bytes;

		if (!pack_value(pack, type->of, &element))
			return false;
		bytes = (const uint8_t *)pack->out.data;
		if (pack->is_to_send && type->is_sorted && count > 0 &&
		    compare_packed(type->of, bytes + last_at, bytes + element_at) >= 0)
			return refuse(
				pack,
				"%.*s must stand before the element that precedes it, and only "
				"once",
				SHOW(&element));
		last_at = element_at;
	}
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
static APART bool pack_variant(struct pack *pack, const struct codec_type *type,
			       const struct json_slice *value)
{
	static const struct codec_type any = {.kind = CODEC_TEXT};
	static const struct codec_field fields[] = {
		{.name = "type", .name_len = 4, .type = &any},
		{.name = "value", .name_len = 5, .type = &any},
	};
	static const struct codec_type shape = {
		.kind = CODEC_STRUCT, .field_count = 2, .fields = fields};
	struct values values = {.next = 0};
	struct json_slice name;
	uint64_t tag = type->field_count;

	if (type->kind == CODEC_NAMED && value->len > 0 && value->data[0] == '{') {
		if (!read_exactly(pack, &shape, value, &values))
			return false;
		if (plain_string(&values.of[0], &name))
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
		       json_skip(&cursor, &values.of[count]))
			count++;
		if (count == 2 && json_next_element(&cursor, &is_first))
			return refuse(pack, "%.*s is no variant", SHOW(value));
		if (values.of[0].data != NULL &&
		    !read_digits(values.of[0].data, values.of[0].len, &tag))
			tag = type->field_count;
	}
	if (tag >= type->field_count || values.of[1].data == NULL)
		return refuse(pack, "%.*s is of a kind that is not known", SHOW(value));
	return pack_count(pack, (size_t)tag) &&
	       pack_value(pack, type->fields[tag].type, &values.of[1]);
}

static bool pack_nothing(struct pack *pack, const struct json_slice *value)
{
	if (value->len != 2 || (value->data[0] != '{' && value->data[0] != '['))
		return refuse(pack, "%.*s is not empty", SHOW(value));
	return true;
}

static APART bool pack_struct(struct pack *pack, const struct codec_type *type,
			      const struct json_slice *object)
{
	struct values values;

	return read_values(pack, type, object, &values) && pack_object(pack, &values);
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
		return pack_text(pack, value, type->size);
	case CODEC_NAME:
		return pack_name(pack, value, type->size);
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
		return pack_struct(pack, type, value);
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
