/* SPDX-License-Identifier: MIT */
#include "fakechain.h"

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define GENESIS_S     1458835200
#define MARK          '\x01'
#define MAX_TEMPLATES 4096
#define ID_BYTES      20
#define NUMBER_BYTES  32 /* of the curve */
#define SIGNED_BYTES  65
#define REST_MAX      256
/* How many points the curve secp256k1 has. */
#define ORDER "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141"

struct template
{
	struct text text;
	unsigned char rest[REST_MAX]; /* of the header: witness, root, extensions */
	size_t rest_len;
	BIGNUM *inverse;               /* of the nonce */
	unsigned char r[NUMBER_BYTES]; /* the nonce's point */
	BIGNUM *r_secret;
	int is_odd;
};

struct sealed {
	unsigned char id[ID_BYTES];
	unsigned char signature[SIGNED_BYTES];
};

static struct template templates[MAX_TEMPLATES];
static size_t template_count;
static struct sealed *sealed; /* [0] is the block before the first: zeros */
static uint32_t sealed_count;
static BN_CTX *numbers;
static BIGNUM *order;

void die(const char *what)
{
	perror(what);
	exit(1);
}

/* Texts. */

char *text_room(struct text *text, size_t len)
{
	if (text->len + len > text->capacity) {
		text->capacity = (text->len + len) * 3 / 2;
		text->data = realloc(text->data, text->capacity);
		if (!text->data)
			die("memory");
	}
	return text->data + text->len;
}

void text_add(struct text *text, const void *data, size_t len)
{
	memcpy(text_room(text, len), data, len);
	text->len += len;
}

void text_addf(struct text *text, const char *format, ...)
{
	char buffer[1024];
	va_list arguments;
	int len;

	va_start(arguments, format);
	len = vsnprintf(buffer, sizeof(buffer), format, arguments);
	va_end(arguments);
	text_add(text, buffer, (size_t)len);
}

/* The chain. */

static time_t time_of(uint32_t num)
{
	return GENESIS_S + (time_t)num * 3;
}

static void hash(const EVP_MD *kind, const void *data, size_t len, unsigned char *out)
{
	if (!EVP_Digest(data, len, out, NULL, kind, NULL))
		die("EVP_Digest");
}

/* As harness/curve.py does it for made witnesses: one nonce serves for all, s = (z + r secret) / nonce. */
static void sign(const struct template *template, const unsigned char *digest, unsigned char *out)
{
	BIGNUM *s = BN_bin2bn(digest, NUMBER_BYTES, NULL);
	BIGNUM *other = BN_new();
	int is_odd = template->is_odd;

	if (!s || !other || !BN_mod_add(s, s, template->r_secret, order, numbers) ||
	    !BN_mod_mul(s, s, template->inverse, order, numbers) || !BN_sub(other, order, s))
		die("a signature");
	if (BN_cmp(s, other) > 0) { /* the lower of the two that are valid */
		BN_swap(s, other);
		is_odd = !is_odd;
	}
	out[0] = (unsigned char)(31 + is_odd);
	memcpy(out + 1, template->r, NUMBER_BYTES);
	BN_bn2binpad(s, out + 1 + NUMBER_BYTES, NUMBER_BYTES);
	BN_free(s);
	BN_free(other);
}

static void seal(uint32_t num)
{
	const struct template *template = &templates[(num - 1) % template_count];
	struct sealed *block = &sealed[num];
	unsigned char header[ID_BYTES + 4 + REST_MAX + SIGNED_BYTES];
	unsigned char digest[EVP_MAX_MD_SIZE];
	size_t len = ID_BYTES + 4 + template->rest_len;

	memcpy(header, block[-1].id, ID_BYTES);
	for (int i = 0; i < 4; i++) {
		header[ID_BYTES + i] = (unsigned char)((uint64_t)time_of(num) >> 8 * i);
		block->id[i] = (unsigned char)(num >> (24 - 8 * i));
	}
	memcpy(header + ID_BYTES + 4, template->rest, template->rest_len);
	hash(EVP_sha256(), header, len, digest);
	sign(template, digest, block->signature);
	memcpy(header + len, block->signature, SIGNED_BYTES);
	hash(EVP_sha224(), header, len + SIGNED_BYTES, digest);
	memcpy(block->id + 4, digest + 4, ID_BYTES - 4);
}

static const struct sealed *sealed_block(uint32_t num)
{
	static uint32_t room;

	if (num >= room) {
		room = num + num / 2 + 1000;
		sealed = realloc(sealed, room * sizeof(*sealed));
		if (!sealed)
			die("memory");
	}
	if (sealed_count == 0)
		memset(&sealed[sealed_count++], 0, sizeof(*sealed));
	while (sealed_count <= num)
		seal(sealed_count++);
	return &sealed[num];
}

static void add_hex(struct text *out, const unsigned char *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	char *to = text_room(out, 2 * len);

	for (size_t i = 0; i < len; i++) {
		*to++ = digits[data[i] >> 4];
		*to++ = digits[data[i] & 15];
	}
	out->len += 2 * len;
}

void chain_add_id(struct text *out, uint32_t num)
{
	add_hex(out, sealed_block(num)->id, ID_BYTES);
}

void chain_add_time(struct text *out, uint32_t num)
{
	time_t when = time_of(num);
	struct tm tm;
	char buffer[32];

	gmtime_r(&when, &tm);
	text_add(out, buffer, strftime(buffer, sizeof(buffer), "%Y-%m-%dT%H:%M:%S", &tm));
}

void chain_add_block(struct text *out, uint32_t num)
{
	const struct text *text = &templates[(num - 1) % template_count].text;
	const char *from = text->data;
	const char *end = from + text->len;
	const char *mark;

	while ((mark = memchr(from, MARK, (size_t)(end - from)))) {
		text_add(out, from, (size_t)(mark - from));
		if (mark[1] == 'N')
			text_addf(out, "%u", num);
		else if (mark[1] == 'T')
			chain_add_time(out, num);
		else if (mark[1] == 'S')
			add_hex(out, sealed_block(num)->signature, SIGNED_BYTES);
		else
			chain_add_id(out, mark[1] == 'P' ? num - 1 : num);
		from = mark + 2;
	}
	text_add(out, from, (size_t)(end - from));
}

/* What stands behind `key` in a template, between its quotes; the header comes first in a block. */
static const char *member(const struct text *text, const char *key, size_t *ret_len)
{
	const char *end = text->data + text->len;
	const char *at = memmem(text->data, text->len, key, strlen(key));
	const char *quote;

	if (!at)
		return NULL;
	at += strlen(key);
	quote = memchr(at, '"', (size_t)(end - at));
	*ret_len = quote ? (size_t)(quote - at) : 0;
	return at;
}

void chain_add_signing_key(struct text *out, const char *witness, size_t len)
{
	for (size_t i = 0; i < template_count; i++) {
		size_t name_len = 0, key_len = 0;
		const char *name = member(&templates[i].text, "\"witness\":\"", &name_len);
		const char *key = member(&templates[i].text, "\"signing_key\":\"", &key_len);

		if (name && key && name_len == len && memcmp(name, witness, len) == 0) {
			text_add(out, key - 1, key_len + 2);
			return;
		}
	}
	text_addf(out, "null");
}

static size_t bytes_of(const char *hex, unsigned char *out, size_t room)
{
	size_t len = 0;

	while (len < room && sscanf(hex + 2 * len, "%2hhx", &out[len]) == 1)
		len++;
	return len;
}

/* What stands in a line of the corpus behind the length. */
static int read_line(FILE *file, struct template *template)
{
	char rest[2 * REST_MAX + 1], inverse[65], r[65], r_secret[65];

	if (fscanf(file, "%512s %64s %64s %64s %d", rest, inverse, r, r_secret,
		   &template->is_odd) != 5)
		return -1;
	template->rest_len = bytes_of(rest, template->rest, REST_MAX);
	return bytes_of(r, template->r, NUMBER_BYTES) == NUMBER_BYTES &&
			       BN_hex2bn(&template->inverse, inverse) &&
			       BN_hex2bn(&template->r_secret, r_secret)
		       ? 0
		       : -1;
}

void chain_read(const char *path)
{
	FILE *file = fopen(path, "rb");
	size_t len;

	if (!file)
		die(path);
	numbers = BN_CTX_new();
	if (!numbers || !BN_hex2bn(&order, ORDER))
		die("numbers");
	while (template_count < MAX_TEMPLATES && fscanf(file, "%zu", &len) == 1) {
		struct template *template = &templates[template_count++];

		if (read_line(file, template))
			die("a line of the corpus");
		(void)fgetc(file);
		template->text.len = fread(text_room(&template->text, len), 1, len, file);
		if (template->text.len != len)
			die("the corpus is cut");
	}
	fclose(file);
	if (template_count == 0)
		die("the corpus is empty");
}
