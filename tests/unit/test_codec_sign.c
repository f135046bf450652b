/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/secret.h"
#include "steem/chain.h"
#include "steem/codec/base58.h"
#include "steem/codec/sign.h"
#include "vectors.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SANITIZER true
#elif defined(__has_feature)
#define HAS_SANITIZER (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define HAS_SANITIZER false
#endif

#define DIGESTS 10000

/* sha256("seed"), of the vectors */
#define A_WIF "5J1by7KRQujRdXrurEsvEr2zQGcdPaMJRjewER6XsAR2eCcpt3D"
#define A_KEY "STM6Qz3wuRjyN6gaU3P3XRxpnEZnM4oPxortemaWDwFRvsv2FxgND"

static struct private_key *read_key(const char *text)
{
	struct error err = ERROR_INIT;
	struct private_key *key = private_key_read(hash, text, strlen(text), &err);

	if (key == NULL)
		fail_msg("%s", err.text);
	return key;
}

/* The WIF text of any 33 bytes: the kind and the key. */
static char *wif_text(const uint8_t bytes[33], char text[BASE58_DIGITS_MAX + 1])
{
	uint8_t checked[37], sum[HASH_SHA256_BYTES];

	memcpy(checked, bytes, 33);
	hash_sha256(hash, checked, 33, sum);
	hash_sha256(hash, sum, sizeof(sum), sum);
	memcpy(checked + 33, sum, 4);
	text[base58_encode(checked, sizeof(checked), text)] = '\0';
	return text;
}

static void vectors_are_signed(void **state)
{
	struct json_object *vectors = vectors_read();
	struct json_object *list;

	(void)state;
	if (vectors == NULL)
		skip();
	list = vector_at(vectors, "sign");
	assert_int_equal(json_object_array_length(list), 3);
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *one = json_object_array_get_idx(list, i);
		struct private_key *key = read_key(vector_text(one, "wif"));
		uint8_t digest[HASH_SHA256_BYTES], want[SIGNATURE_BYTES], got[SIGNATURE_BYTES];
		char text[KEY_TEXT_BYTES];
		struct error err = ERROR_INIT;

		assert_string_equal(key_format(hash, "STM", private_key_public(key), text),
				    vector_text(one, "key"));
		vector_bytes(one, "digest", digest, sizeof(digest));
		vector_bytes(one, "signature", want, sizeof(want));
		assert_int_equal(sign_digest(digest, key, got, &err), 0);
		assert_memory_equal(got, want, sizeof(want));
		/* What nodes make with other nonces is good, too. */
		vector_bytes(one, "node_fc_canonical", got, sizeof(got));
		if (sign_check(digest, got, private_key_public(key), &err) != 0)
			fail_msg("%s", err.text);
		private_key_free(key);
	}
	json_object_put(vectors);
}

/* n and n/2 of secp256k1 */
static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
				  0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48,
				  0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41};
static const uint8_t half[32] = {0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
				 0xff, 0xff, 0xff, 0xff, 0xff, 0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4,
				 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0};

/* The rule as steemit/steem has it, in its own words. */
static bool node_takes(const uint8_t *c)
{
	return !(c[1] & 0x80) && !(c[1] == 0 && !(c[2] & 0x80)) && !(c[33] & 0x80) &&
	       !(c[33] == 0 && !(c[34] & 0x80)) && memcmp(c + 33, half, 32) <= 0 && c[0] >= 31 &&
	       c[0] <= 34;
}

static void each_digest_gets_a_signature_that_nodes_take(void **state)
{
	uint8_t digest[HASH_SHA256_BYTES] = {1}, secret[33] = {0x80, 7};
	uint8_t signature[SIGNATURE_BYTES], again[SIGNATURE_BYTES];
	struct private_key *key = NULL;
	struct error err = ERROR_INIT;
	char text[BASE58_DIGITS_MAX + 1];
	struct key recovered;

	(void)state;
	for (unsigned i = 0; i < DIGESTS; i++) {
		if (i % 100 == 0) { /* another key */
			private_key_free(key);
			hash_sha256(hash, secret, sizeof(secret), secret + 1);
			key = read_key(wif_text(secret, text));
		}
		hash_sha256(hash, digest, sizeof(digest), digest);
		assert_int_equal(sign_digest(digest, key, signature, &err), 0);
		assert_true(node_takes(signature));
		assert_true(key_recover(digest, signature, &recovered));
		assert_memory_equal(recovered.bytes, private_key_public(key)->bytes, KEY_BYTES);
		assert_int_equal(sign_check(digest, signature, private_key_public(key), &err), 0);
		assert_int_equal(sign_digest(digest, key, again, &err), 0);
		assert_memory_equal(again, signature, sizeof(again));
	}
	private_key_free(key);
}

/* r and n - s are a signature of the same key, too; the recovery id changes its last bit. */
static void negate(uint8_t signature[SIGNATURE_BYTES])
{
	unsigned borrow = 0;

	for (size_t i = 32; i-- > 0;) {
		unsigned take = signature[33 + i] + borrow;

		borrow = order[i] < take;
		signature[33 + i] = (uint8_t)(order[i] - take);
	}
	signature[0] = (uint8_t)(((signature[0] - 31) ^ 1) + 31);
}

static void check_is_refused(const uint8_t *digest, const uint8_t *signature, const struct key *key,
			     const char *why)
{
	struct error err = ERROR_INIT;

	assert_int_equal(sign_check(digest, signature, key, &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	if (strstr(err.text, why) == NULL)
		fail_msg("not \"%s\": %s", why, err.text);
}

static void signatures_of_others_are_checked(void **state)
{
	struct private_key *key = read_key(A_WIF);
	const struct key *public = private_key_public(key);
	uint8_t digest[HASH_SHA256_BYTES], signature[SIGNATURE_BYTES], bad[SIGNATURE_BYTES];
	struct error err = ERROR_INIT;
	struct key other, recovered;

	(void)state;
	hash_sha256(hash, "digest 0", 8, digest);
	assert_int_equal(sign_digest(digest, key, signature, &err), 0);
	assert_int_equal(sign_check(digest, signature, public, &err), 0);
	other = *public;
	other.bytes[0] ^= 1;
	check_is_refused(digest, signature, &other, "not of the expected key");
	digest[0] ^= 1;
	check_is_refused(digest, signature, public, "not of the expected key");
	digest[0] ^= 1;
	memcpy(bad, signature, sizeof(bad));
	negate(bad);
	/* It recovers the key, but has a high S. */
	assert_true(key_recover(digest, bad, &recovered));
	assert_memory_equal(recovered.bytes, public->bytes, KEY_BYTES);
	check_is_refused(digest, bad, public, "not canonical");
	for (size_t i = 0; i < sizeof(bad); i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			memcpy(bad, signature, sizeof(bad));
			bad[i] ^= (uint8_t)(1 << bit);
			/* Four less in the header says the same. */
			if (i > 0 || bad[0] + 4 != signature[0])
				assert_int_equal(sign_check(digest, bad, public, &err), -1);
		}
	private_key_free(key);
}

static void text_is_refused(const char *text, size_t len, const char *why)
{
	struct error err = ERROR_INIT;

	assert_null(private_key_read(hash, text, len, &err));
	assert_int_equal(err.kind, ERROR_CONFIG);
	if (strstr(err.text, why) == NULL)
		fail_msg("\"%.*s\": not \"%s\" but: %s", (int)len, text, why, err.text);
	/* It must not repeat what may be a key with one wrong letter. */
	for (size_t i = 0; len > 8 && i + 6 <= len; i++) {
		char piece[7] = "";

		memcpy(piece, text + i, 6);
		assert_null(strstr(err.text, piece));
	}
}

static void wrong_texts_have_their_reasons(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{"", "it is empty"},
		{"\n \r\n", "it is empty"},
		{A_KEY, "public key"},
		{"TST6Qz3wuRjyN6gaU3P3XRxpnEZnM4oPxortemaWDwFRvsv2FxgND", "public key"},
		{"P5JV6Sk1y5MKMBPAPkHt5oNUHCbGSKEPUPLbA6TCgpUTrFVQFoNu", "master password"},
		{"KwdMAjGmerYanjeui5SHS7JkmpZvVipYvB2LJGU1ZxJwYvP98617", "compressed"},
		{"L1aW4aubDFB7yfras2S1mN3bqg9nwySY8nkoLmJebSLD5BWv3ENZ", "compressed"},
		{"5J1by7KRQujRdXrurEsvEr2zQGcdPaMJRjewER6XsAR2eCcpt3", "it has 50 characters"},
		{"5J1by7KRQujRdXrurEsvEr2zQGcdPaMJRjewER6XsAR2eCcpt3D5", "it has 52 characters"},
		{" 5J1by7KRQujRdXrurEsvEr2zQGcdPaMJRjewER6XsAR2eCcpt3D", "it has 52 characters"},
		{"5J1by7KRQujRdXrurEsvEr2zQGcdPaMJRjewER6XsAR2eCcpt3E", "checksum"},
		{"5J1by7KRQujRdXrurEsvEr2zQGcdPaMJRjewER6XsAR2eCcpt3l", "base58"},
		{"5J1by7KRQujRdXrurEsvEr2zQGcdPaMJRjewER6XsAR2eCcpt3\xc3", "base58"},
		{"zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", "base58"},
		{"111111111111111111111111111111111111111111111111111", "base58"},
	};
	uint8_t bytes[33] = {0xb0, 1};
	char text[BASE58_DIGITS_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		text_is_refused(bad[i].text, strlen(bad[i].text), bad[i].why);
	text_is_refused("5J1by7KRQujRdXrurEsvEr2zQGcdPaMJRjewER6XsAR2eCcpt\0D", 51, "base58");
	/* Each single wrong letter is found. */
	for (size_t i = 0; i < PRIVATE_KEY_TEXT_LEN; i++) {
		memcpy(text, A_WIF, sizeof(A_WIF));
		text[i] = text[i] == '2' ? '3' : '2';
		text_is_refused(text, PRIVATE_KEY_TEXT_LEN, "");
	}
	/* Good checksums of what is no key: another coin's kind, 0, and the order itself. */
	wif_text(bytes, text);
	text_is_refused(text, strlen(text), strlen(text) == 51 ? "another kind" : "characters");
	memset(bytes, 0, sizeof(bytes));
	bytes[0] = 0x80;
	wif_text(bytes, text);
	text_is_refused(text, strlen(text), "its number is 0");
	memcpy(bytes + 1, order, sizeof(order));
	wif_text(bytes, text);
	text_is_refused(text, strlen(text), "above those of secp256k1");
	bytes[32]--;
	private_key_free(read_key(wif_text(bytes, text)));
	private_key_free(read_key(A_WIF "\r\n"));
}

/* Whether a process that may lock no memory reads a key. Exits with 0 if it is told why not. */
static void read_without_locks(void)
{
	const struct rlimit none = {0, 0};
	struct error err = ERROR_INIT;

	/* Root may lock whatever the limit says. */
	if (setrlimit(RLIMIT_MEMLOCK, &none) != 0 || (geteuid() == 0 && setuid(65534) != 0))
		_exit(2);
	if (private_key_read(hash, A_WIF, strlen(A_WIF), &err) != NULL)
		_exit(3);
	_exit(err.kind == ERROR_CONFIG && strstr(err.text, "LimitMEMLOCK") != NULL &&
			      strstr(err.text, "is 0 bytes") != NULL
		      ? 0
		      : 4);
}

static void memory_that_cannot_be_locked_is_refused(void **state)
{
	int status = -1;
	pid_t child;

	(void)state;
	if (HAS_SANITIZER)
		skip(); /* its mlock() does nothing */
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		read_without_locks();
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* Flags of the mapping that holds this address, as /proc/self/smaps shows them. */
static bool mapping_has(const void *address, const char *flag)
{
	FILE *maps = fopen("/proc/self/smaps", "r");
	unsigned long first, end;
	bool is_inside = false, has_flag = false;
	char line[512];

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps) != NULL)
		if (sscanf(line, "%lx-%lx ", &first, &end) == 2)
			is_inside = (unsigned long)address >= first && (unsigned long)address < end;
		else if (is_inside && strncmp(line, "VmFlags:", 8) == 0)
			has_flag = strstr(line, flag) != NULL;
	fclose(maps);
	return has_flag;
}

static void secrets_are_locked_not_dumped_not_inherited(void **state)
{
	struct error err = ERROR_INIT;
	char *secret = secret_alloc(100, &err);
	int status = -1;
	pid_t child;

	(void)state;
	assert_non_null(secret);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(secret[i], 0);
	memcpy(secret, "secret", 7);
	if (!HAS_SANITIZER)
		assert_true(mapping_has(secret, " lo"));
	assert_true(mapping_has(secret, " dd"));
	assert_true(mapping_has(secret, " wf"));
	child = fork();
	if (child == 0)
		_exit(secret[0] == '\0' ? 0 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_string_equal(secret, "secret");
	secret_free(secret, 100);
	secret_free(NULL, 100);
	private_key_free(NULL);
}

/*
 * A key that this program has nowhere in plain: each byte, XOR MASK. It is read from a masked text,
 * too.
 */
#define MASK 0x5a

/* Mask bytes in place; volatile, so that no copy is left in a register's image. */
static void mask(volatile uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] ^= MASK;
}

/* The memory that can be written. Noted before a search, because a search must not disturb the stack. */
static struct {
	const uint8_t *first, *end;
} regions[256];
static size_t region_count;

static void note_regions(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long first, end;
	char rights[5], line[512];

	assert_non_null(maps);
	region_count = 0;
	while (fgets(line, sizeof(line), maps) != NULL)
		if (sscanf(line, "%lx-%lx %4s", &first, &end, rights) == 3 &&
		    strncmp(rights, "rw", 2) == 0) {
			assert_true(region_count < sizeof(regions) / sizeof(regions[0]));
			regions[region_count].first = (const uint8_t *)first;
			regions[region_count++].end = (const uint8_t *)end;
		}
	fclose(maps);
}

/* How often eight of these bytes stand there, forwards or backwards. */
static unsigned count_in(const uint8_t *first, const uint8_t *end, const uint8_t masked[32])
{
	unsigned count = 0;

	for (const uint8_t *at = first; at + 8 <= end; at++)
		for (size_t part = 0; part <= 24; part += 4) {
			size_t same = 0, mirrored = 0;

			while (same < 8 && (at[same] ^ MASK) == masked[part + same])
				same++;
			while (mirrored < 8 && (at[mirrored] ^ MASK) == masked[part + 7 - mirrored])
				mirrored++;
			count += same == 8 || mirrored == 8;
		}
	return count;
}

static unsigned count_traces(const uint8_t masked[32])
{
	unsigned count = 0;

	for (size_t i = 0; i < region_count; i++)
		count += count_in(regions[i].first, regions[i].end, masked);
	return count;
}

static void nothing_of_a_key_is_left_elsewhere(void **state)
{
	/* Of A_WIF. */
	uint8_t masked[32] = {0x19, 0xb2, 0x58, 0x56, 0xe1, 0xc1, 0x50, 0xca, 0x83, 0x4c, 0xff,
			      0xc8, 0xb5, 0x9b, 0x23, 0xad, 0xbd, 0x0e, 0xc0, 0x38, 0x9e, 0x58,
			      0xeb, 0x22, 0xb3, 0xb6, 0x47, 0x68, 0x09, 0x8d, 0x00, 0x2b};
	uint8_t digest[HASH_SHA256_BYTES] = {9}, signature[SIGNATURE_BYTES];
	struct error err = ERROR_INIT;
	struct private_key *key;

	(void)state;
	if (HAS_SANITIZER)
		skip(); /* its stacks are elsewhere */
	mask(masked, sizeof(masked));
	private_key_free(read_key(A_WIF)); /* the heap has its size */
	secret_wipe_stack();
	note_regions();
	assert_int_equal(count_traces(masked), 0);
	key = private_key_read(hash, A_WIF, PRIVATE_KEY_TEXT_LEN, &err);
	assert_int_equal(count_traces(masked), 0);
	assert_non_null(key);
	/* The search would find it: it does where the key is. */
	assert_true(count_in((const uint8_t *)key, (const uint8_t *)key + 64, masked) > 0);
	for (int i = 0; i < 100; i++) {
		unsigned count;
		int failed;

		hash_sha256(hash, digest, sizeof(digest), digest);
		failed = sign_digest(digest, key, signature, &err);
		count = count_traces(masked);
		assert_int_equal(failed, 0);
		assert_int_equal(count, 0);
	}
	private_key_free(key);
	assert_int_equal(count_traces(masked), 0);
}

/* The pages that are freed were wiped before: the program sees them at their freeing. */
static uint8_t last_unmapped[64];

int __real_munmap(void *address, size_t len);
int __wrap_munmap(void *address, size_t len);

int __wrap_munmap(void *address, size_t len)
{
	memcpy(last_unmapped, address, sizeof(last_unmapped));
	return __real_munmap(address, len);
}

static void freed_keys_are_wiped(void **state)
{
	static const uint8_t zeros[sizeof(last_unmapped)];

	(void)state;
	memset(last_unmapped, 1, sizeof(last_unmapped));
	private_key_free(read_key(A_WIF));
	assert_memory_equal(last_unmapped, zeros, sizeof(zeros));
	/* Also one that was refused after it was read. */
	memset(last_unmapped, 1, sizeof(last_unmapped));
	text_is_refused("5J1by7KRQujRdXrurEsvEr2zQGcdPaMJRjewER6XsAR2eCcpt3E", 51, "checksum");
	assert_memory_equal(last_unmapped, zeros, sizeof(zeros));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_are_signed),
		cmocka_unit_test(each_digest_gets_a_signature_that_nodes_take),
		cmocka_unit_test(signatures_of_others_are_checked),
		cmocka_unit_test(wrong_texts_have_their_reasons),
		cmocka_unit_test(memory_that_cannot_be_locked_is_refused),
		cmocka_unit_test(secrets_are_locked_not_dumped_not_inherited),
		cmocka_unit_test(nothing_of_a_key_is_left_elsewhere),
		cmocka_unit_test(freed_keys_are_wiped),
	};

	return cmocka_run_group_tests(tests, vectors_make_hash, vectors_free_hash);
}
