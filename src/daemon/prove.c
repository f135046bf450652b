/* SPDX-License-Identifier: MIT */
#include "daemon/prove.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "daemon/admin.h"
#include "daemon/failure.h"
#include "daemon/process.h"
#include "steem/codec/proof.h"
#include "steem/decode.h"

#define FILE_BYTES_MAX ((size_t)1 << 30)
#define READ_BYTES     ((size_t)1 << 16)

enum finding {
	FINDING_PROVED,
	FINDING_FALSE,
	FINDING_UNPROVED,
	FINDING_COUNT,
};

static const char *const finding_names[] = {"proved", "false", "unproved"};

struct report {
	const struct chain *chain; /* of the last answer; `proof` is for this chain */
	struct proof *proof;
	uint64_t counts[FINDING_COUNT];
	uint64_t corrected_count;
	uint64_t line; /* of the answer; 0: the answer is the whole file */
};

static void print_place(const struct report *report, enum finding finding, uint32_t num)
{
	printf("%-9s ", finding_names[finding]);
	if (num > 0)
		printf("%u  ", num);
	else if (report->line > 0)
		printf("line %llu  ", (unsigned long long)report->line);
}

static void print_reason(struct report *report, enum finding finding, uint32_t num,
			 const char *reason)
{
	char prefix[32];
	int len = snprintf(prefix, sizeof(prefix), "block %u: ", num);

	if (strncmp(reason, prefix, (size_t)len) == 0)
		reason += len;
	print_place(report, finding, num);
	admin_print_text(reason, 0);
	putchar('\n');
	report->counts[finding]++;
}

static void print_proved(struct report *report, const struct block *block, const struct key *key)
{
	size_t count = block->operation_count;
	uint32_t trx_count = count > 0 ? block->operations[count - 1].trx_in_block + 1 : 0;
	char id[BLOCK_ID_HEX + 1], text[KEY_TEXT_BYTES];

	print_place(report, FINDING_PROVED, block->num);
	printf("%u trxs, %zu operations, id %s, signed with %s by ", trx_count, count,
	       block_id_format(block->id, id), proof_key_text(report->proof, key, text));
	admin_print_text(block->seal->witness, 0);
	if (report->chain != &chain_steem)
		printf(", chain %s", report->chain->name);
	if (block->correction != NULL) {
		printf("; put right: ");
		admin_print_text(block->correction, 0);
		report->corrected_count++;
	}
	putchar('\n');
	report->counts[FINDING_PROVED]++;
}

/* The proof state for blocks of this chain; NULL with err. */
static struct proof *proof_for(struct report *report, const struct chain *chain, struct error *err)
{
	if (report->chain == chain)
		return report->proof;
	proof_free(report->proof);
	report->proof = proof_new(chain, err);
	report->chain = report->proof != NULL ? chain : NULL;
	return report->proof;
}

static bool find_text(const struct json_slice *object, const char *member,
		      struct json_slice *ret_text)
{
	if (!json_find(object->data, object->len, member, ret_text) || ret_text->len < 2 ||
	    ret_text->data[0] != '"')
		return false;
	*ret_text = (struct json_slice){ret_text->data + 1, ret_text->len - 2};
	return true;
}

/*
 * Only the prefix of signing_key tells which network an answer comes from.  A false prefix does
 * not help a liar: the hashes must still match, and each chain has its own symbols.
 */
static const struct chain *chain_in(const struct json_slice *result)
{
	struct json_slice key;
	const struct chain *chain =
		find_text(result, "signing_key", &key) ? chain_of_key(key.data, key.len) : NULL;

	return chain != NULL ? chain : &chain_steem;
}

static void prove_block(struct report *report, const struct json_slice *result, uint32_t num)
{
	struct error err = ERROR_INIT;
	struct block *block = decode_block(result->data, result->len, num, report->proof, &err);
	struct key key;

	if (block == NULL)
		print_reason(report,
			     rpc_failure_of(&err) == RPC_FAILURE_FALSE ? FINDING_FALSE
								       : FINDING_UNPROVED,
			     num, err.text);
	else if (block->proof == BLOCK_PROOF_NONE)
		print_reason(report, FINDING_UNPROVED, num, block->proof_reason);
	else if (proof_signer(report->proof, block, &key, &err) != 0)
		print_reason(report, FINDING_FALSE, num, err.text);
	else
		print_proved(report, block, &key);
	block_free(block);
}

/*
 * Prove one answer, with or without its JSON-RPC envelope. -1 with err: nothing can be proved
 * here.
 */
static int prove_answer(struct report *report, const char *text, size_t len, struct error *err)
{
	struct json_slice result = {text, len}, id;
	uint8_t bytes[BLOCK_ID_BYTES];

	(void)json_find(text, len, "result", &result);
	if (!find_text(&result, "block_id", &id) || !block_id_parse(id.data, id.len, bytes)) {
		print_reason(report, FINDING_UNPROVED, 0,
			     "it is no answer of get_block with a block_id");
		return 0;
	}
	if (proof_for(report, chain_in(&result), err) == NULL)
		return -1;
	prove_block(report, &result, block_id_num(bytes));
	return 0;
}

static int prove_lines(struct report *report, const char *at, const char *end, struct error *err)
{
	while (at < end) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));

		if (line_end == NULL)
			line_end = end;
		report->line++;
		if (strspn(at, " \t\r") < (size_t)(line_end - at) &&
		    prove_answer(report, at, (size_t)(line_end - at), err) != 0)
			return -1;
		process_flush();
		at = line_end + 1;
	}
	return 0;
}

static int prove_text(struct report *report, const struct buf *text, struct error *err)
{
	struct json_cursor cursor;

	json_open(&cursor, buf_text(text), text->len);
	if (json_skip(&cursor, NULL) && json_at_end(&cursor))
		return prove_answer(report, text->data, text->len, err);
	return prove_lines(report, buf_text(text), buf_text(text) + text->len, err);
}

static int read_file(const char *path, struct buf *text, struct error *err)
{
	bool is_standard = strcmp(path, "-") == 0;
	FILE *file = is_standard ? stdin : fopen(path, "rb");
	int result = 0;
	size_t len;

	if (file == NULL)
		return error_set_errno(err, ERROR_CONFIG, "cannot read %s", path);
	do {
		char *at = buf_extend(text, READ_BYTES);

		if (at == NULL) {
			result = error_set(err, ERROR_CONFIG,
					   "cannot read %s: it is longer than %zu bytes", path,
					   FILE_BYTES_MAX);
			break;
		}
		len = fread(at, 1, READ_BYTES, file);
		text->len -= READ_BYTES - len;
	} while (len > 0);
	if (result == 0 && ferror(file))
		result = error_set_errno(err, ERROR_CONFIG, "cannot read %s", path);
	if (!is_standard)
		fclose(file);
	return result;
}

static enum exit_code end_report(const struct report *report)
{
	uint64_t count = 0;

	for (int i = 0; i < FINDING_COUNT; i++)
		count += report->counts[i];
	printf("%llu answers", (unsigned long long)count);
	for (int i = 0; i < FINDING_COUNT; i++)
		printf(", %llu %s", (unsigned long long)report->counts[i], finding_names[i]);
	if (report->corrected_count > 0)
		printf("; %llu put right", (unsigned long long)report->corrected_count);
	putchar('\n');
	if (report->counts[FINDING_FALSE] > 0)
		return EXIT_DATA_ERROR;
	return report->counts[FINDING_UNPROVED] > 0 || count == 0 ? EXIT_UNAVAILABLE : EXIT_OK;
}

enum exit_code prove_run(const struct options *options)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT(FILE_BYTES_MAX);
	struct report report = {.chain = NULL};
	struct error err = ERROR_INIT;
	enum exit_code code;

	if (read_file(options->prove_path, &text, &err) != 0) {
		fprintf(stderr, "steem-reader: %s\n", err.text);
		return EXIT_NO_INPUT;
	}
	if (prove_text(&report, &text, &err) == 0)
		code = end_report(&report);
	else
		code = failure_report("failed", &err);
	proof_free(report.proof);
	return code;
}
