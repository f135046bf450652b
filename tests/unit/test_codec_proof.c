/* SPDX-License-Identifier: MIT */
/*
 * Recorded blocks are proved, and changed ones are not.
 *
 *   test_codec_proof [--lies N]     one lie for each value of each busy block, and N random ones
 */
#include "test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "recorded.h"
#include "steem/codec/hash.h"
#include "steem/codec/proof.h"
#include "steem/decode.h"
#include "steem/rpc.h"

#define BLOCK_BYTES_MAX ((size_t)32 << 20)

static unsigned long lie_count = 4000;
static bool at_each_place;
static struct proof *steem, *testnet;

static int make_proofs(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	steem = proof_new(&chain_steem, &err);
	testnet = proof_new(&chain_testnet, &err);
	return steem != NULL && testnet != NULL ? 0 : -1;
}

static int free_proofs(void **state)
{
	(void)state;
	proof_free(steem);
	proof_free(testnet);
	return 0;
}

/* The text of each recorded block. */

struct recorded_block {
	char *text;
	size_t len;
	uint32_t num;
	struct proof *proof;
};

struct recording {
	struct recorded_block *blocks;
	size_t count;
};

static struct recording recording;

static void add_block(const char *text, size_t len, struct proof *proof)
{
	struct recorded_block *block;
	const char *id = memmem(text, len, "\"block_id\":\"", 12);

	if (id == NULL)
		fail_msg("no block: %.*s", (int)(len < 80 ? len : 80), text);
	recording.blocks =
		xreallocarray(recording.blocks, recording.count + 1, sizeof(*recording.blocks));
	block = &recording.blocks[recording.count++];
	*block = (struct recorded_block){.text = xtextdup(text, len), .len = len, .proof = proof};
	/* The last one: an operation may hold such a member too. */
	for (const char *next = id; next != NULL;
	     next = memmem(id + 1, len - (size_t)(id + 1 - text), "\"block_id\":\"", 12))
		id = next;
	block->num = (uint32_t)strtoul(
		(char[9]){id[12], id[13], id[14], id[15], id[16], id[17], id[18], id[19], '\0'},
		NULL, 16);
}

/* One block a line, perhaps in its JSON-RPC envelope. */
static bool add_lines(const char *name, struct proof *proof)
{
	size_t len;
	CLEANUP(mem_free_pointer) char *text = recorded_read(name, &len);

	for (char *line = text; line != NULL && *line != '\0';) {
		char *end = strchrnul(line, '\n');
		struct json_slice result = {line, (size_t)(end - line)};

		(void)json_find(line, (size_t)(end - line), "result", &result);
		add_block(result.data, result.len, proof);
		line = *end == '\n' ? end + 1 : end;
	}
	return text != NULL;
}

static bool read_recording(void)
{
	CLEANUP(mem_free_pointer) char *path = recorded_path("blocks");
	struct dirent *entry;
	DIR *folder;

	if (recording.count > 0)
		return true;
	if (!add_lines("runs/1-1000.jsonl", steem) ||
	    !add_lines("runs/4999981-5000000.jsonl", steem) ||
	    !add_lines("testnet/blocks/condenser_get_block.jsonl", testnet))
		return false;
	folder = opendir(path);
	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		CLEANUP(mem_free_pointer) char *name = xasprintf("blocks/%s", entry->d_name);
		size_t len;
		CLEANUP(mem_free_pointer) char *text = NULL;

		if (entry->d_name[0] == '.')
			continue;
		text = recorded_read(name, &len);
		if (text != NULL)
			add_block(text, len, steem);
	}
	if (folder != NULL)
		closedir(folder);
	return true;
}

static void free_recording(void)
{
	for (size_t i = 0; i < recording.count; i++)
		free(recording.blocks[i].text);
	free(recording.blocks);
}

/* The two transactions that a node's bug spoiled, as ../shared/research found them. */
static void every_recorded_block_is_proved(void **state)
{
	size_t mainnet_count = 0, corrected_count = 0;

	(void)state;
	if (!read_recording())
		skip();
	for (size_t i = 0; i < recording.count; i++) {
		const struct recorded_block *recorded = &recording.blocks[i];
		struct error err = ERROR_INIT;
		struct block *block = decode_block(recorded->text, recorded->len, recorded->num,
						   recorded->proof, &err);
		struct key key;

		if (block == NULL)
			fail_msg("%s", err.text);
		if (block->proof != BLOCK_PROOF_CONTENT)
			fail_msg("block %u: %s", block->num, block->proof_reason);
		assert_null(block->proof_reason);
		/* The answer names the key, so that this compares them. */
		assert_non_null(block->seal->signing_key);
		if (proof_signer(recorded->proof, block, &key, &err) != 0)
			fail_msg("%s", err.text);
		if (block->correction != NULL) {
			corrected_count++;
			assert_true(block->num == 22006939 || block->num == 22006977);
			assert_non_null(strstr(block->correction,
					       block->num == 22006939
						       ? "dollars is 10000, the node said 0"
						       : "dollars is 10000, the node said 21888"));
		}
		mainnet_count += recorded->proof == steem;
		block_free(block);
	}
	assert_int_equal(mainnet_count, 1085);
	assert_int_equal(recording.count, 1085 + 90);
	assert_int_equal(corrected_count, 2);
}

/* Places of a block's text where something may be changed. */

enum change {
	CHANGE_TAKE_AWAY,
	CHANGE_DOUBLE,
	CHANGE_SWAP, /* with the one before it */
	CHANGE_VALUE,
	CHANGE_COPY, /* the value of another place of the same kind */
	CHANGE_COUNT,
};

struct place {
	const char *begin; /* of the value, or of its name */
	const char *value;
	const char *end;
	enum json_kind kind;
	size_t before;    /* place before it in the same array or object, or SIZE_MAX */
	bool is_unpacked; /* stored with its operation, but nothing proves it */
};

struct places {
	struct place *items;
	size_t count;
};

static void find_places(struct json_cursor *cursor, struct places *places)
{
	enum json_kind kind = json_peek(cursor);
	struct json_slice key;
	size_t before = SIZE_MAX;
	bool is_first = true;

	if (kind != JSON_OBJECT && kind != JSON_ARRAY) {
		assert_true(json_skip(cursor, NULL));
		return;
	}
	assert_true(json_enter(cursor, kind));
	while (kind == JSON_OBJECT ? json_next_member(cursor, &is_first, &key)
				   : json_next_element(cursor, &is_first)) {
		size_t own = places->count++;
		struct place place = {
			.kind = json_peek(cursor), .value = cursor->at, .before = before};

		place.begin = kind == JSON_OBJECT ? key.data - 1 : place.value;
		place.is_unpacked = kind == JSON_OBJECT && key.len > 15 &&
				    memcmp(key.data, "account_subsidy", 15) == 0;
		places->items = xreallocarray(places->items, places->count, sizeof(*places->items));
		before = own;
		find_places(cursor, places);
		place.end = cursor->at;
		places->items[own] = place;
	}
	assert_false(json_failed(cursor));
}

static uint64_t random_state = 1;

/* xorshift64*, G. Marsaglia and S. Vigna */
static uint64_t random_below(uint64_t limit)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (random_state * UINT64_C(2685821657736338717) >> 11) % limit;
}

static void add(struct buf *out, const char *from, const char *to)
{
	assert_int_equal(buf_add(out, from, (size_t)(to - from)), 0);
}

/* A string with one character changed, added or taken away; mostly of the same kind. */
static void add_other_string(struct buf *out, const struct place *place)
{
	size_t len = (size_t)(place->end - place->value) - 2;
	const char *text = place->value + 1;
	size_t at = len > 0 ? random_below(len) : 0;

	add(out, place->value, text);
	if (len == 0 || memchr(text, '\\', len) != NULL) {
		add(out, text, text + len);
		buf_add_text(out, random_below(2) ? "a" : "0");
	} else {
		static const char letters[] = "0123456789abcdefSTMxyz. ~Z";
		char other = letters[random_below(sizeof(letters) - 1)];

		if (random_below(4) == 0) {
			add(out, text, text + at); /* taken away */
			add(out, text + at + 1, text + len);
		} else {
			bool adds = random_below(3) == 0;

			/* Half of an UTF-8 character would be another story. */
			if ((unsigned char)text[at] >= 0x80)
				at = 0;
			add(out, text, text + at);
			if (text[at] == other && !adds)
				other = other == '0' ? '1' : '0';
			buf_add_char(out, other);
			add(out, text + at + !adds, text + len);
		}
	}
	buf_add_text(out, "\"");
}

static void add_other_value(struct buf *out, const struct place *place)
{
	switch (place->kind) {
	case JSON_STRING:
		add_other_string(out, place);
		break;
	case JSON_NUMBER: {
		static const long long others[] = {0, 1, -1, 65535, 65536, 4294967295, 4294967296};
		long long value = strtoll(place->value, NULL, 10);
		uint64_t choice = random_below(10);

		if (choice < 7 && others[choice] != value)
			buf_addf(out, "%lld", others[choice]);
		else
			buf_addf(out, "%lld", choice < 8 ? value - 1 : value + 1);
		break;
	}
	case JSON_TRUE:
		buf_add_text(out, "false");
		break;
	case JSON_FALSE:
		buf_add_text(out, "true");
		break;
	case JSON_OBJECT:
		buf_add_text(out, "{\"x\":1");
		if (place->end - place->value > 2)
			buf_add_text(out, ",");
		add(out, place->value + 1, place->end);
		break;
	default:
		buf_add_text(out, "[7");
		if (place->kind != JSON_ARRAY) {
			buf_add_text(out, "]");
			break;
		}
		if (place->end - place->value > 2)
			buf_add_text(out, ",");
		add(out, place->value + 1, place->end);
		break;
	}
}

/* The block's text with one change; false when there is none of this kind at this place. */
static bool tell_lie(struct buf *out, const struct recorded_block *recorded,
		     const struct places *places, size_t i, enum change change)
{
	const struct place *place = &places->items[i];
	const struct place *before =
		place->before != SIZE_MAX ? &places->items[place->before] : NULL;
	const struct place *other = &places->items[random_below(places->count)];
	const char *text = recorded->text, *end = text + recorded->len;
	size_t len = (size_t)(place->end - place->begin);

	buf_reset(out);
	switch (change) {
	case CHANGE_TAKE_AWAY:
		if (before != NULL) {
			add(out, text, before->end);
			add(out, place->end, end);
		} else { /* with the comma behind it */
			add(out, text, place->begin);
			add(out, place->end + (*place->end == ','), end);
		}
		return true;
	case CHANGE_DOUBLE:
		add(out, text, place->end);
		buf_add_text(out, ",");
		add(out, place->begin, end);
		return true;
	case CHANGE_SWAP:
		/* Members may have any order. */
		if (before == NULL || place->begin != place->value ||
		    (len == (size_t)(before->end - before->begin) &&
		     memcmp(place->begin, before->begin, len) == 0))
			return false;
		add(out, text, before->begin);
		add(out, place->begin, place->end);
		add(out, before->end, place->begin);
		add(out, before->begin, before->end);
		add(out, place->end, end);
		return true;
	case CHANGE_COPY:
		if (other->kind != place->kind ||
		    (other->end - other->value == place->end - place->value &&
		     memcmp(other->value, place->value, (size_t)(other->end - other->value)) == 0))
			return false;
		add(out, text, place->value);
		add(out, other->value, other->end);
		add(out, place->end, end);
		return true;
	default:
		add(out, text, place->value);
		add_other_value(out, place);
		add(out, place->end, end);
		return true;
	}
}

/* Put what the bytes have in the place of what the answer says of them; false: it says it nowhere. */
static bool make_fit(struct buf *lie, const char *says)
{
	static const char hex[] = "0123456789abcdef";
	CLEANUP(buf_release) struct buf fitted = BUF_INIT(BLOCK_BYTES_MAX);
	const char *has = NULL, *said = NULL, *at, *found;

	for (at = says; *at != '\0'; at += strspn(at, hex) > 0 ? strspn(at, hex) : 1)
		if (strspn(at, hex) == BLOCK_ID_HEX) {
			has = has != NULL ? has : at;
			said = at;
		}
	assert_true(has != said);
	at = lie->data;
	while ((found = memmem(at, lie->len - (size_t)(at - lie->data), said, BLOCK_ID_HEX))) {
		add(&fitted, at, found);
		add(&fitted, has, has + BLOCK_ID_HEX);
		at = found + BLOCK_ID_HEX;
	}
	if (at == lie->data)
		return false;
	add(&fitted, at, lie->data + lie->len);
	buf_reset(lie);
	add(lie, fitted.data, fitted.data + fitted.len);
	return true;
}

static struct {
	unsigned long all, false_count, refused, not_shown, corrected, harmless, fitted;
} told;

/* A text that does not say what the block is: it is not proved, or what was changed is put right. */
/*
 * A liar goes on, and makes all hashes fit what he says: only with another id of the block can
 * he come through, and that id is not the chain's.  A lie about the hashes themselves becomes the truth.
 */
static void go_on_lying(struct buf *lie, const struct recorded_block *recorded,
			const struct block *truth, struct error *err)
{
	for (unsigned step = 0; step < 5 && make_fit(lie, err->text); step++) {
		struct block *block =
			decode_block(lie->data, lie->len, recorded->num, recorded->proof, err);

		if (block != NULL) {
			told.fitted += block->proof == BLOCK_PROOF_CONTENT;
			assert_true(block->proof == BLOCK_PROOF_NONE ||
				    !block_id_equal(block->id, truth->id) ||
				    block_equal(block, truth));
			block_free(block);
			return;
		}
		if (rpc_failure_of(err) != RPC_FAILURE_FALSE)
			return;
	}
}

static bool has_same_fingerprint(struct proof *proof, const struct block *a, const struct block *b)
{
	uint8_t of_a[HASH_SHA256_BYTES], of_b[HASH_SHA256_BYTES];

	proof_fingerprint(proof, a, of_a);
	proof_fingerprint(proof, b, of_b);
	return memcmp(of_a, of_b, sizeof(of_a)) == 0;
}

static void judge(struct buf *lie, const struct recorded_block *recorded, const struct block *truth,
		  const struct place *place, enum change change)
{
	struct error err = ERROR_INIT;
	struct block *block =
		decode_block(lie->data, lie->len, recorded->num, recorded->proof, &err);

	told.all++;
	if (block == NULL) {
		assert_int_equal(err.kind, ERROR_NODE);
		told.false_count += rpc_failure_of(&err) == RPC_FAILURE_FALSE;
		told.refused += rpc_failure_of(&err) != RPC_FAILURE_FALSE;
		if (rpc_failure_of(&err) == RPC_FAILURE_FALSE)
			go_on_lying(lie, recorded, truth, &err);
		return;
	}
	assert_true(has_same_fingerprint(recorded->proof, block, truth) ==
		    block_equal(block, truth));
	if (block->proof == BLOCK_PROOF_NONE) {
		assert_non_null(block->proof_reason);
		if (block->seal && truth->seal && block_id_equal(block->id, truth->id)) {
			assert_int_equal(block->seal->signed_bytes, truth->seal->signed_bytes);
			assert_memory_equal(block->seal->header, truth->seal->header,
					    truth->seal->signed_bytes + SIGNATURE_BYTES);
		}
		told.not_shown++;
	} else if (place->is_unpacked || block_equal(block, truth)) {
		told.harmless += block->correction == NULL;
		told.corrected += block->correction != NULL;
	} else {
		fail_msg("block %u: proved after change %d at %.200s", block->num, change,
			 place->begin);
	}
	block_free(block);
}

/* Change each value once, and then random places until so many lies are told. */
static void lie_about(const struct recorded_block *recorded, bool everywhere, unsigned long until)
{
	CLEANUP(buf_release) struct buf lie = BUF_INIT(BLOCK_BYTES_MAX);
	struct places places = {NULL, 0};
	struct error err = ERROR_INIT;
	struct json_cursor cursor;
	struct block *truth =
		decode_block(recorded->text, recorded->len, recorded->num, recorded->proof, &err);

	assert_non_null(truth);
	json_open(&cursor, recorded->text, recorded->len);
	find_places(&cursor, &places);
	for (size_t i = 0; everywhere && i < places.count; i++)
		if (tell_lie(&lie, recorded, &places, i, CHANGE_VALUE))
			judge(&lie, recorded, truth, &places.items[i], CHANGE_VALUE);
	while (told.all < until) {
		size_t i = random_below(places.count);
		uint64_t choice = random_below(2 * CHANGE_COUNT);
		enum change change = choice < CHANGE_COUNT ? (enum change)choice : CHANGE_VALUE;

		if (tell_lie(&lie, recorded, &places, i, change))
			judge(&lie, recorded, truth, &places.items[i], change);
	}
	free(places.items);
	block_free(truth);
}

static bool is_busy(const struct recorded_block *recorded)
{
	return strstr(recorded->text, "\"transactions\":[{") != NULL;
}

static void lies_are_not_proved(void **state)
{
	unsigned long until;

	(void)state;
	if (!read_recording())
		skip();
	for (size_t i = 0; at_each_place && i < recording.count; i++)
		if (is_busy(&recording.blocks[i]))
			lie_about(&recording.blocks[i], true, 0);
	until = told.all + lie_count;
	while (told.all < until) {
		const struct recorded_block *recorded =
			&recording.blocks[random_below(recording.count)];

		/* Empty blocks have their lies told soon. */
		lie_about(recorded, false, told.all + (is_busy(recorded) ? 200 : 1));
	}
	print_message(
		"%lu lies: %lu false (%lu made to fit, with another id), %lu refused, %lu not "
		"shown, %lu put right, %lu about what is not packed\n",
		told.all, told.false_count, told.fitted, told.refused, told.not_shown,
		told.corrected, told.harmless);
	/* Many are called what they are; the others are no JSON of a node. */
	assert_true(told.false_count > told.all / 6);
	assert_true(told.fitted > told.false_count / 2);
}

/* Blocks made up here, whose hashes are made to fit. */

#define NUM     10
#define ZEROS32 "00000000000000000000000000000000"
#define HEAD(extensions)                                                                           \
	"\"previous\":\"00000009" ZEROS32 "\",\"timestamp\":\"2016-03-24T16:05:30\",\"witness\":"  \
	"\"initminer\",\"transaction_merkle_root\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\","  \
	"\"extensions\":" extensions ",\"witness_signature\":\"" SIGNATURE "\""
#define SIGNATURE "20" ZEROS32 ZEROS32 ZEROS32 "11111111111111111111111111111111"
#define TRX(operations)                                                                            \
	"{\"ref_block_num\":1,\"ref_block_prefix\":2,\"expiration\":\"2016-03-24T16:06:30\","      \
	"\"operations\":[" operations "],\"extensions\":[],\"signatures\":[]}"
#define IDS1 "\"cccccccccccccccccccccccccccccccccccccccc\""
#define IDS(i)                                                                                     \
	"\"transaction_ids\":[" i "],\"block_id\":\"0000000abbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\""
#define ONE(operations) "{" HEAD("[]") ",\"transactions\":[" TRX(operations) "]," IDS(IDS1) "}"
#define VOTE(weight)                                                                               \
	"[\"vote\",{\"voter\":\"a\",\"author\":\"b\",\"permlink\":\"c\",\"weight\":" weight "}]"
#define OPTIONS(percent)                                                                               \
	"[\"comment_options\",{\"author\":\"a\",\"permlink\":\"b\",\"percent_steem_dollars\":" percent \
	",\"max_accepted_payout\":\"0.001 SBD\",\"allow_votes\":true,"                                 \
	"\"allow_curation_rewards\":true,\"extensions\":[]}]"
#define POW2                                                                                            \
	"[\"pow2\",{\"work\":[0,{\"input\":{\"worker_account\":\"a\",\"prev_block\":\"00000000" ZEROS32 \
	"\",\"nonce\":1},\"pow_summary\":1}],\"props\":{\"account_creation_fee\":"                      \
	"\"0.001 STEEM\",\"maximum_block_size\":1,\"sbd_interest_rate\":1}}]"
#define MEMO(memo)                                                                                 \
	"[\"transfer\",{\"from\":\"a\",\"to\":\"b\",\"amount\":\"0.001 SBD\",\"memo\":\"" memo     \
	"\"}]"

/* Make the hashes fit; returns what the block is then, as it was decoded. The caller owns it. */
static struct block *fit(struct buf *text, struct proof *proof)
{
	struct error err = ERROR_INIT;

	for (unsigned step = 0; step < 100; step++) {
		struct block *block = decode_block(text->data, text->len, NUM, proof, &err);

		if (block != NULL && block->proof_reason != NULL &&
		    strstr(block->proof_reason, "too many values") != NULL &&
		    make_fit(text, block->proof_reason)) {
			block_free(block);
			continue;
		}
		if (block != NULL)
			return block;
		if (rpc_failure_of(&err) != RPC_FAILURE_FALSE || !make_fit(text, err.text))
			break;
	}
	fail_msg("%s", err.text);
	return NULL;
}

static void set(struct buf *text, const char *from)
{
	buf_reset(text);
	buf_add_text(text, from);
}

/* Each `from` becomes `to`, of any length. */
static void replace(struct buf *text, const char *from, const char *to)
{
	CLEANUP(mem_free_pointer) char *old = xtextdup(text->data, text->len);
	const char *at = old, *found;

	assert_non_null(strstr(old, from));
	buf_reset(text);
	for (; (found = strstr(at, from)) != NULL; at = found + strlen(from)) {
		add(text, at, found);
		buf_add_text(text, to);
	}
	buf_add_text(text, at);
}

static void expect_false(const struct buf *text, struct proof *proof, const char *because)
{
	struct error err = ERROR_INIT;

	assert_null(decode_block(text->data, text->len, NUM, proof, &err));
	assert_int_equal(err.kind, ERROR_NODE);
	assert_int_equal(rpc_failure_of(&err), RPC_FAILURE_FALSE);
	if (strstr(err.text, because) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err.text, because);
}

static void expect_not_shown(const struct buf *text, struct proof *proof, const char *because)
{
	struct error err = ERROR_INIT;
	struct block *block = decode_block(text->data, text->len, NUM, proof, &err);

	if (block == NULL)
		fail_msg("%s", err.text);
	assert_int_equal(block->proof, BLOCK_PROOF_NONE);
	if (strncmp(because, "the header", 10) == 0)
		assert_null(block->seal);
	if (block->proof_reason == NULL || strstr(block->proof_reason, because) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", block->proof_reason, because);
	block_free(block);
}

/* The same operations as `truth` have. */
static void expect_proved(const struct buf *text, struct proof *proof, const struct block *truth,
			  const char *correction)
{
	struct error err = ERROR_INIT;
	struct block *block = decode_block(text->data, text->len, NUM, proof, &err);

	if (block == NULL)
		fail_msg("%s", err.text);
	if (block->proof != BLOCK_PROOF_CONTENT)
		fail_msg("%s", block->proof_reason);
	assert_true(block_equal(block, truth));
	if (correction == NULL)
		assert_null(block->correction);
	else if (block->correction == NULL || strstr(block->correction, correction) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", block->correction, correction);
	block_free(block);
}

static void each_place_is_named(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT(BLOCK_BYTES_MAX);
	struct block *truth;

	(void)state;
	set(&text, ONE(VOTE("7")));
	truth = fit(&text, steem);
	assert_int_equal(truth->proof, BLOCK_PROOF_CONTENT);
	assert_string_equal(truth->seal->witness, "initminer");
	expect_proved(&text, steem, truth, NULL);
	replace(&text, "\"weight\":7", "\"weight\":8");
	expect_false(&text, steem, "block 10: trx 0: its bytes have the id ");
	replace(&text, "\"weight\":8", "\"weight\":7");
	replace(&text, "\"signatures\":[]", "\"signatures\":[\"" SIGNATURE "\"]");
	expect_false(&text, steem, "block 10: the merkle root of 1 trxs is ");
	replace(&text, "\"signatures\":[\"" SIGNATURE "\"]", "\"signatures\":[]");
	replace(&text, "initminer", "initmine");
	expect_false(&text, steem, "block 10: the header's bytes have the id ");
	block_free(truth);
}

/* The same content in other words. */
static void other_words_prove_the_same(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT(BLOCK_BYTES_MAX);
	struct block *truth;

	(void)state;
	set(&text, ONE(MEMO("a/b \xc3\xa9 \xf0\x9f\x98\x80 x")));
	truth = fit(&text, steem);
	expect_proved(&text, steem, truth, NULL);
	replace(&text, "a/b \xc3\xa9 \xf0\x9f\x98\x80 x", "a\\/b \\u00e9 \\ud83d\\ude00 \\u0078");
	expect_proved(&text, steem, truth, NULL);
	replace(&text, "\":", "\" : ");
	replace(&text, "initminer", "init\\u006diner");
	expect_proved(&text, steem, truth, NULL);
	/* Members that are not part of the signed bytes. */
	replace(&text, "\"signatures\"", "\"block_num\":7,\"transaction_num\":8,\"signatures\"");
	replace(&text, "\"witness\"", "\"signing_key\":\"STM1\",\"witness\"");
	expect_proved(&text, steem, truth, NULL);
	block_free(truth);
}

/* What is stored with a member that is not known may say more than its bytes do; what is not, may not. */
static void what_is_not_known_is_not_proved(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT(BLOCK_BYTES_MAX);
	struct block *truth;

	(void)state;
	set(&text, ONE(VOTE("7")));
	truth = fit(&text, steem);
	replace(&text, "\"weight\"", "\"new\":1,\"weight\"");
	expect_not_shown(&text, steem,
			 "trx 0: operation 0 (vote): the member \"new\" is not known");
	replace(&text, "\"new\":1,", "");
	replace(&text, "\"signatures\"", "\"new\":1,\"signatures\"");
	replace(&text, "\"witness\"", "\"new\":1,\"witness\"");
	expect_proved(&text, steem, truth, NULL);
	replace(&text, "\"witness\"", "\"extensions\":[],\"witness\"");
	expect_not_shown(&text, steem, "the header: the member \"extensions\" stands there twice");
	replace(&text, "\"extensions\":[],\"witness\"", "\"witness\"");
	expect_proved(&text, steem, truth, NULL);
	for (unsigned i = 0; i < 2 * CODEC_FIELDS_MAX; i++)
		replace(&text, "\"signatures\"", "\"expiration\":0,\"signatures\"");
	expect_not_shown(&text, steem, "trx 0: the member \"expiration\" stands there twice");
	block_free(truth);
}

static void what_json_does_not_show_is_not_false(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ONE("[\"new_one\",{}]"),
		 "trx 0: operation 0 (new_one): no such operation is known to stand in a trx"},
		{ONE("[\"producer_reward\",{\"producer\":\"a\"}]"),
		 "no such operation is known to stand in a trx"},
		{ONE(MEMO("\\ud800")), "operation 0 (transfer): memo: "},
		{ONE(MEMO("\xef\xbf\xbd")), "but some were replaced by U+FFFD"},
		{ONE(MEMO("\xff")), "but some were replaced by U+FFFD"},
		{"{" HEAD("[[9,1]]") ",\"transactions\":[" TRX(VOTE("7")) "]," IDS(IDS1) "}",
		 "the header: extensions: [9,1] is of a kind"},
		{"{" HEAD("[]") ",\"transactions\":[{\"operations\":[" VOTE("7") "]}]," IDS(
			 IDS1) "}",
		 "trx 0: the member \"ref_block_num\" is missing"},
		{"{" HEAD("[]") ",\"transactions\":[{\"extensions\":[],\"extensions\":[],"
				"\"operations\":[" VOTE("7") "]}]," IDS(IDS1) "}",
		 "trx 0: the member \"extensions\" stands there twice"},
	};
	CLEANUP(buf_release) struct buf text = BUF_INIT(BLOCK_BYTES_MAX);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		set(&text, cases[i].text);
		block_free(fit(&text, steem));
		expect_not_shown(&text, steem, cases[i].says);
	}
	/* Only where it is: the other one is false, and so is a header that does not fit. */
	set(&text, "{" HEAD("[]") ",\"transactions\":[" TRX(MEMO("\xff")) "," TRX(
			   VOTE("7")) "]," IDS(IDS1 "," IDS1) "}");
	expect_false(&text, steem, "trx 1: ");
	set(&text, ONE(MEMO("\xff")));
	expect_false(&text, steem, "the header's bytes");
}

/* The character by itself proves nothing: where the bytes fit it does no harm. */
static void a_genuine_replacement_character_is_proved(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT(BLOCK_BYTES_MAX);
	struct error err = ERROR_INIT;
	struct block *truth;
	size_t count = 0;

	(void)state;
	/* In the place of three other bytes. */
	set(&text, ONE(MEMO("QQQ")));
	block_free(fit(&text, steem));
	replace(&text, "QQQ", "\xef\xbf\xbd");
	expect_not_shown(&text, steem, "U+FFFD");
	if (!read_recording())
		skip();
	for (size_t i = 0; i < recording.count; i++)
		if (recording.blocks[i].num == 20316289) {
			truth = decode_block(recording.blocks[i].text, recording.blocks[i].len,
					     20316289, steem, &err);
			assert_non_null(truth);
			assert_int_equal(truth->proof, BLOCK_PROOF_CONTENT);
			for (size_t j = 0; j < truth->operation_count; j++)
				count += strstr(truth->operations[j].payload, "\xef\xbf\xbd") !=
					 NULL;
			block_free(truth);
		}
	assert_true(count > 0);
}

static void header_extensions_are_known(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT(BLOCK_BYTES_MAX);
	struct block *block;

	(void)state;
	set(&text,
	    "{" HEAD(
		    "[[0,{}],[1,\"0.24.0\"],[2,{\"hf_version\":\"0.1.0\",\"hf_time\":"
		    "\"2016-04-25T17:30:00\"}]]") ",\"transactions\":[" TRX(VOTE("7")) "]," IDS(IDS1) "}");
	block = fit(&text, steem);
	assert_int_equal(block->proof, BLOCK_PROOF_CONTENT);
	block_free(block);
	replace(&text, "0.24.0", "0.24.1");
	expect_false(&text, steem, "the header's bytes");
	replace(&text, "0.24.1", "0.24");
	expect_not_shown(&text, steem, "the header: extensions: ");
}

static void a_percent_shown_wrong_is_put_right(void **state)
{
	static const char *const values[] = {"10000", "0", "1", "5000", "65535"};
	CLEANUP(buf_release) struct buf text = BUF_INIT(BLOCK_BYTES_MAX);

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		char member[160];
		struct block *truth;

		set(&text, ONE(VOTE("7") "," OPTIONS("4711")));
		replace(&text, "4711", values[i]);
		truth = fit(&text, steem);
		snprintf(member, sizeof(member), "percent_steem_dollars\":%s", values[i]);
		replace(&text, member, "percent_steem_dollars\":21888");
		expect_proved(&text, steem, truth, "the node said 21888");
		replace(&text, "percent_steem_dollars\":21888", "percent_steem_dollars\":3");
		snprintf(member, sizeof(member),
			 "trx 0: operation 1 (comment_options): percent_steem_dollars is %s, "
			 "the node said 3",
			 values[i]);
		expect_proved(&text, steem, truth, member);
		/* No value of it cures another lie. */
		replace(&text, "\"weight\":7", "\"weight\":8");
		expect_false(&text, steem, "trx 0: its bytes");
		block_free(truth);
	}
}

static void only_so_many_are_searched(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT(BLOCK_BYTES_MAX);
	struct block *truth;

	(void)state;
	/* One of two in a trx, if it is one of the usual two. */
	set(&text, ONE(OPTIONS("10000") "," OPTIONS("5000")));
	truth = fit(&text, steem);
	replace(&text, "\":10000", "\":7");
	expect_proved(&text, steem, truth,
		      "operation 0 (comment_options): percent_steem_dollars is 10000");
	replace(&text, "\":5000", "\":8");
	expect_not_shown(&text, steem, "too many values that nodes");
	block_free(truth);
	/* Three of the shortest are within a block's budget, four are not. */
	for (unsigned count = 3; count <= 4; count++) {
		set(&text, "{" HEAD("[]") ",\"transactions\":[");
		for (unsigned i = 0; i < count; i++)
			buf_add_text(&text, i ? "," TRX(OPTIONS("5000")) : TRX(OPTIONS("5000")));
		buf_add_text(&text, "],\"block_id\":\"0000000abbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\","
				    "\"transaction_ids\":[");
		for (unsigned i = 0; i < count; i++)
			buf_add_text(&text, i ? "," IDS1 : IDS1);
		buf_add_text(&text, "]}");
		truth = fit(&text, steem);
		assert_int_equal(truth->proof, BLOCK_PROOF_CONTENT);
		replace(&text, "\":5000", "\":5001");
		if (count == 3)
			expect_proved(&text, steem, truth, "trx 1: operation 0");
		else
			expect_not_shown(&text, steem, "trx 3: its bytes have the id");
		block_free(truth);
	}
}

/* Far more than a block may have: what is kept of it is bounded, and ends between two trxs here. */
static void what_is_too_long_is_not_proved(void **state)
{
	static const char head[] = "{" HEAD("[]") ",\"transactions\":[";
	size_t most = (size_t)16 << 20,
	       rest = 42; /* of the trx beside its memo, when it is packed */
	CLEANUP(buf_release) struct buf text = BUF_INIT(BLOCK_BYTES_MAX);

	(void)state;
	for (size_t short_of = 14; short_of < 35; short_of += 5) {
		CLEANUP(mem_free_pointer) char *memo = xcalloc(1, most + 1);

		memset(memo, 'x', most - rest - short_of);
		set(&text, head);
		buf_add_text(&text,
			     TRX(MEMO("MEMO")) "," TRX(VOTE("7")) "]," IDS(IDS1 "," IDS1) "}");
		replace(&text, "MEMO", memo);
		block_free(fit(&text, steem));
		expect_not_shown(&text, steem, "trx 1: ");
	}
}

/* As if the chain's money had the odd symbol: then every hash is made of it. */
static void odd_symbols_of_a_fee_are_found(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT(BLOCK_BYTES_MAX);

	(void)state;
	assert_int_equal(chain_steem.odd_fee_count, 5);
	for (size_t i = 0; i < chain_steem.odd_fee_count; i++) {
		struct chain_symbol symbol = chain_steem.symbols[0];
		struct chain odd = chain_steem;
		struct error err = ERROR_INIT;
		struct proof *proof;
		struct block *truth;

		memcpy(symbol.packed, chain_steem.odd_fees[i], sizeof(symbol.packed));
		odd.symbols = &symbol;
		odd.symbol_count = 1;
		odd.odd_fee_count = 0;
		proof = proof_new(&odd, &err);
		set(&text, ONE(POW2));
		truth = fit(&text, proof);
		expect_proved(&text, steem, truth, NULL);
		replace(&text, "0.001 STEEM", "0.002 STEEM");
		expect_false(&text, steem, "trx 0: its bytes");
		/* No node shows it as other money. */
		replace(&text, "0.002 STEEM", "0.001 SBD");
		expect_false(&text, steem, "trx 0: its bytes");
		block_free(truth);
		proof_free(proof);
	}
}

/* The chain's exceptions, in another notation: a slip of the pen would be found by no recorded block. */
static void the_exceptions_are_the_chains(void **state)
{
	static const char *const fees[] = {"01535445454d0000", "02535445454d0000",
					   "05535445454d0000", "03302e3030310000",
					   "03362e3030300000"};
	static const struct {
		uint32_t block;
		const char *root;
	} roots[] = {
		{3705111, "0a8f0fd5450c3706ec8b8cbad795cd0b3679bf35"},
		{3705120, "2027edb72b671f7011c8cc4c7a8b59c39b305093"},
		{3713940, "bf8a1d516927c506ebdbb7b38bef2e992435435f"},
		{3714132, "e8b77773d268b72c8d650337b8cce360bbe64779"},
		{3714567, "45af59a8c2d7d4a606151ef5dae03d2dfe13fbdd"},
		{3714588, "e64275443bdc82f104ac936486d367af8f6d1584"},
		{4138790, "f65a3a788a2ef52406d8ba5705d7288be228403f"},
		{5435426, "0b32538b2d22bd3146d54b6e3cb5ae8b9780e8a5"},
	};
	char hex[BLOCK_ID_HEX + 1];

	(void)state;
	assert_int_equal(chain_steem.odd_fee_count, sizeof(fees) / sizeof(fees[0]));
	for (size_t i = 0; i < chain_steem.odd_fee_count; i++) {
		for (size_t j = 0; j < CHAIN_SYMBOL_BYTES; j++)
			snprintf(hex + 2 * j, 3, "%02x", chain_steem.odd_fees[i][j]);
		assert_string_equal(hex, fees[i]);
	}
	assert_int_equal(chain_steem.root_count, sizeof(roots) / sizeof(roots[0]));
	for (size_t i = 0; i < chain_steem.root_count; i++) {
		assert_int_equal(chain_steem.roots[i].block, roots[i].block);
		assert_string_equal(block_id_format(chain_steem.roots[i].root, hex), roots[i].root);
	}
	assert_int_equal(chain_testnet.root_count + chain_testnet.odd_fee_count, 0);
}

/* A trx of 64 bytes could be the hashes of two others, which are then not shown. */
static void what_may_be_two_hashes_is_not_proved(void **state)
{
	static const char memo[] = "123456789012345678901234567890";
	CLEANUP(buf_release) struct buf text = BUF_INIT(BLOCK_BYTES_MAX);

	(void)state;
	for (size_t len = 28; len <= 30; len++) {
		struct block *truth;

		set(&text, ONE(MEMO("MEMO")));
		replace(&text, "MEMO", memo + (sizeof(memo) - 1 - len));
		truth = fit(&text, steem);
		if (35 + len == 64)
			expect_not_shown(&text, steem, "trx 0: it has the length of two hashes");
		else
			expect_proved(&text, steem, truth, NULL);
		block_free(truth);
	}
}

static void some_roots_are_excepted(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT(BLOCK_BYTES_MAX);
	struct chain_root root = {.block = NUM};
	struct chain excepting = chain_steem;
	struct error err = ERROR_INIT;
	struct proof *proof;
	struct block *block;
	const char *at;
	char hex[BLOCK_ID_HEX + 1] = "";

	(void)state;
	set(&text, ONE(VOTE("7")));
	block_free(fit(&text, steem));
	at = strstr(text.data, "merkle_root\":\"") + strlen("merkle_root\":\"");
	memcpy(hex, at, BLOCK_ID_HEX);
	assert_true(block_id_parse(hex, BLOCK_ID_HEX, root.root));
	excepting.roots = &root;
	excepting.root_count = 1;
	proof = proof_new(&excepting, &err);
	replace(&text, hex, "1111111111111111111111111111111111111111");
	expect_false(&text, steem, "the merkle root of 1 trxs");
	expect_false(&text, proof, "the header's bytes");
	block = fit(&text, proof);
	assert_int_equal(block->proof, BLOCK_PROOF_CONTENT);
	expect_false(&text, steem, "the merkle root of 1 trxs");
	/* Of that block alone. */
	proof_free(proof);
	root.block++;
	proof = proof_new(&excepting, &err);
	expect_false(&text, proof, "the merkle root of 1 trxs");
	block_free(block);
	proof_free(proof);
}

static void the_signer_is_who_signed(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT(BLOCK_BYTES_MAX);
	struct error err = ERROR_INIT;
	struct block *block;
	struct key key;

	(void)state;
	/* An R that is on no point of the curve. */
	set(&text, ONE(VOTE("7")));
	block = fit(&text, steem);
	assert_int_equal(proof_signer(steem, block, &key, &err), -1);
	assert_int_equal(rpc_failure_of(&err), RPC_FAILURE_FALSE);
	block_free(block);
	if (!read_recording())
		skip();
	for (size_t i = 0; i < 3; i++) {
		const struct recorded_block *one = &recording.blocks[i];

		set(&text, one->text);
		replace(&text, "\"signing_key\":\"STM", "\"signing_key\":\"STM1");
		block = decode_block(text.data, text.len, one->num, steem, &err);
		assert_non_null(block);
		assert_int_equal(block->proof, BLOCK_PROOF_CONTENT);
		assert_int_equal(proof_signer(steem, block, &key, &err), -1);
		assert_int_equal(rpc_failure_of(&err), RPC_FAILURE_FALSE);
		assert_non_null(strstr(err.text, "it was signed with the key STM"));
		block_free(block);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_recorded_block_is_proved),
		cmocka_unit_test(lies_are_not_proved),
		cmocka_unit_test(each_place_is_named),
		cmocka_unit_test(other_words_prove_the_same),
		cmocka_unit_test(what_is_not_known_is_not_proved),
		cmocka_unit_test(what_json_does_not_show_is_not_false),
		cmocka_unit_test(a_genuine_replacement_character_is_proved),
		cmocka_unit_test(header_extensions_are_known),
		cmocka_unit_test(a_percent_shown_wrong_is_put_right),
		cmocka_unit_test(only_so_many_are_searched),
		cmocka_unit_test(what_is_too_long_is_not_proved),
		cmocka_unit_test(odd_symbols_of_a_fee_are_found),
		cmocka_unit_test(what_may_be_two_hashes_is_not_proved),
		cmocka_unit_test(the_exceptions_are_the_chains),
		cmocka_unit_test(some_roots_are_excepted),
		cmocka_unit_test(the_signer_is_who_signed),
	};
	int result;

	if (argc == 3 && strcmp(argv[1], "--lies") == 0) {
		at_each_place = true;
		lie_count = strtoul(argv[2], NULL, 10);
	}
	result = cmocka_run_group_tests(tests, make_proofs, free_proofs);
	free_recording();
	return result;
}
