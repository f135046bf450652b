/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <json-c/json.h>
#include <string.h>

#include "steem/chain.h"
#include "steem/codec/hash.h"
#include "steem/codec/key.h"
#include "vectors.h"

#define NO_KEY "STM1111111111111111111111111111111114T1Anm"
#define A_KEY  "STM8GC13uCZbP44HzMLV6zPZGwVQ8Nt4Kji8PapsPiNq1BK153XTX"

/* FIPS 180-4 and the authors' page of RIPEMD-160. */
static void abc_has_its_hashes(void **state)
{
	static const uint8_t sha256[] =
		"\xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41\x40\xde\x5d\xae\x22\x23"
		"\xb0\x03\x61\xa3\x96\x17\x7a\x9c\xb4\x10\xff\x61\xf2\x00\x15\xad";
	static const uint8_t sha224[] =
		"\x23\x09\x7d\x22\x34\x05\xd8\x22\x86\x42\xa4\x77\xbd\xa2\x55\xb3"
		"\x2a\xad\xbc\xe4\xbd\xa0\xb3\xf7\xe3\x6c\x9d\xa7";
	static const uint8_t rmd160[] =
		"\x8e\xb2\x08\xf7\xe0\x5d\x98\x7a\x9b\x04\x4a\x8e\x98\xc6\xb0\x87"
		"\xf1\x5a\x0b\xfc";
	uint8_t got[HASH_SHA256_BYTES];

	(void)state;
	for (int i = 0; i < 2; i++) { /* a context is as new the second time */
		hash_begin(hash, "a", 1);
		hash_sha256(hash, "abc", 3, got);
		assert_memory_equal(got, sha256, HASH_SHA256_BYTES);
		hash_sha224(hash, "abc", 3, got);
		assert_memory_equal(got, sha224, HASH_SHA224_BYTES);
		hash_rmd160(hash, "abc", 3, got);
		assert_memory_equal(got, rmd160, HASH_RMD160_BYTES);
		hash_with_tail(hash, "x", 1, got);
		assert_memory_not_equal(got, sha256, HASH_SHA256_BYTES);
		hash_with_tail(hash, "bc", 2, got);
		assert_memory_equal(got, sha256, HASH_SHA256_BYTES);
		hash_end(hash, "bc", 2, got);
		assert_memory_equal(got, sha256, HASH_SHA256_BYTES);
	}
}

static void roots_come_from_leaves(void **state)
{
	struct json_object *vectors = vectors_read();
	struct json_object *roots;

	(void)state;
	if (vectors == NULL)
		skip();
	roots = vector_at(vectors, "merkle");
	assert_int_equal(json_object_array_length(roots), 3);
	for (size_t i = 0; i < json_object_array_length(roots); i++) {
		struct json_object *root = json_object_array_get_idx(roots, i);
		struct json_object *levels = vector_at(root, "levels");
		struct json_object *last =
			json_object_array_get_idx(levels, json_object_array_length(levels) - 1);
		struct json_object *top = json_object_new_object();
		uint8_t leaf[HASH_SHA256_BYTES], want[HASH_RMD160_BYTES], got[HASH_RMD160_BYTES];

		json_object_object_add(top, "hash",
				       json_object_get(json_object_array_get_idx(last, 0)));
		vector_bytes(top, "hash", leaf, sizeof(leaf));
		vector_bytes(root, "root", want, sizeof(want));
		hash_rmd160(hash, leaf, sizeof(leaf), got);
		assert_memory_equal(got, want, sizeof(want));
		json_object_put(top);
	}
	json_object_put(vectors);
}

static void check_signature(struct json_object *vector, const char *signature_member,
			    const char *prefix)
{
	uint8_t digest[HASH_SHA256_BYTES], signature[SIGNATURE_BYTES];
	const char *want = vector_text(vector, "key");
	char text[KEY_TEXT_BYTES];
	struct key key, again;

	assert_int_equal(vector_bytes(vector, "digest", digest, sizeof(digest)), sizeof(digest));
	assert_int_equal(vector_bytes(vector, signature_member, signature, sizeof(signature)),
			 sizeof(signature));
	assert_true(key_recover(digest, signature, &key));
	assert_string_equal(key_format(hash, prefix, &key, text), want);
	assert_true(key_parse(hash, prefix, want, strlen(want), &again));
	assert_memory_equal(again.bytes, key.bytes, KEY_BYTES);
	/* Another digest is another key's, or nobody's. */
	digest[7] ^= 1;
	assert_false(key_recover(digest, signature, &again) &&
		     memcmp(again.bytes, key.bytes, KEY_BYTES) == 0);
	/* Four more in the header say nothing of the key; nodes take 27 to 34. */
	digest[7] ^= 1;
	signature[0] = (uint8_t)(signature[0] >= 31 ? signature[0] - 4 : signature[0] + 4);
	assert_true(key_recover(digest, signature, &again));
	assert_memory_equal(again.bytes, key.bytes, KEY_BYTES);
	signature[0] = 26;
	assert_false(key_recover(digest, signature, &again));
	signature[0] = 35;
	assert_false(key_recover(digest, signature, &again));
}

static void signers_are_recovered(void **state)
{
	struct json_object *vectors = vectors_read();
	struct json_object *list;

	(void)state;
	if (vectors == NULL)
		skip();
	list = vector_at(vectors, "witness");
	assert_int_equal(json_object_array_length(list), 4);
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *one = json_object_array_get_idx(list, i);

		check_signature(one, "signature",
				strncmp(vector_text(one, "key"), "TST", 3) == 0 ? "TST" : "STM");
	}
	list = vector_at(vectors, "sign");
	assert_int_equal(json_object_array_length(list), 3);
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *one = json_object_array_get_idx(list, i);

		check_signature(one, "signature", "STM");
		/* What the node itself makes; since hardfork 20 with a high S, too. */
		check_signature(one, "node_fc_canonical", "STM");
		check_signature(one, "node_bip_0062", "STM");
	}
	json_object_put(vectors);
}

/* config.hpp hashes the packed text, with its length; the main chain's are zeros. */
static void chains_have_their_ids(void **state)
{
	static const uint8_t zeros[CHAIN_ID_BYTES];
	uint8_t id[HASH_SHA256_BYTES];

	(void)state;
	hash_sha256(hash, "\7testnet", 8, id);
	assert_memory_equal(chain_testnet.id, id, CHAIN_ID_BYTES);
	assert_memory_equal(chain_steem.id, zeros, CHAIN_ID_BYTES);
	assert_ptr_equal(chain_of_key(A_KEY, strlen(A_KEY)), &chain_steem);
	assert_ptr_equal(chain_of_key("TST6", 4), &chain_testnet);
	assert_null(chain_of_key("BLT6", 4));
	assert_null(chain_of_key("STM", 3));
}

static void no_key_is_a_key(void **state)
{
	static const struct key none;
	char text[KEY_TEXT_BYTES];
	struct key key;

	(void)state;
	assert_string_equal(key_format(hash, "STM", &none, text), NO_KEY);
	assert_true(key_parse(hash, "STM", NO_KEY, strlen(NO_KEY), &key));
	assert_memory_equal(key.bytes, none.bytes, KEY_BYTES);
}

static void every_key_has_one_text(void **state)
{
	static const char *const bad[] = {
		"",
		"STM",
		"STM1",
		"STMSTM1111111111111111111111111111111114T1Anm",
		/* one 1 less, and more */
		"STM111111111111111111111111111111114T1Anm",
		"STM11111111111111111111111111111111114T1Anm",
		/* the check sum, the prefix, letters that base58 does not have */
		"STM8GC13uCZbP44HzMLV6zPZGwVQ8Nt4Kji8PapsPiNq1BK153XTY",
		"STM9GC13uCZbP44HzMLV6zPZGwVQ8Nt4Kji8PapsPiNq1BK153XTX",
		"TST8GC13uCZbP44HzMLV6zPZGwVQ8Nt4Kji8PapsPiNq1BK153XTX",
		"STM8GC13uCZbP44HzMLV6zPZGwVQ8Nt4Kji8PapsPiNq1BK153XT0",
		"STM8GC13uCZbP44HzMLV6zPZGwVQ8Nt4Kji8PapsPiNq1BK153XTX1",
		"STM18GC13uCZbP44HzMLV6zPZGwVQ8Nt4Kji8PapsPiNq1BK153XTX",
		"STMzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
		"STMzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
	};
	struct key key;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (key_parse(hash, "STM", bad[i], strlen(bad[i]), &key))
			fail_msg("%s is a key", bad[i]);
	assert_true(key_parse(hash, "STM", A_KEY, strlen(A_KEY), &key));
	/* Each single change of a letter is seen. */
	for (size_t i = 0; i < strlen(A_KEY); i++) {
		char text[sizeof(A_KEY)];

		memcpy(text, A_KEY, sizeof(A_KEY));
		text[i] = text[i] == '2' ? '3' : '2';
		assert_false(key_parse(hash, "STM", text, strlen(text), &key));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(abc_has_its_hashes),    cmocka_unit_test(roots_come_from_leaves),
		cmocka_unit_test(chains_have_their_ids), cmocka_unit_test(signers_are_recovered),
		cmocka_unit_test(no_key_is_a_key),       cmocka_unit_test(every_key_has_one_text),
	};

	return cmocka_run_group_tests(tests, vectors_make_hash, vectors_free_hash);
}
