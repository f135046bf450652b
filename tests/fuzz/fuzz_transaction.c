/* SPDX-License-Identifier: MIT */
/*
 * Operations that a bot wants: nothing breaks, and what is sent is what was packed: read again, it
 * has the same bytes, and a node's JSON reader knows its escapes.  Input: the text of operations.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "check.h"
#include "steem/transaction.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(what)                                                                                 \
	do {                                                                                       \
		if (!(what))                                                                       \
			abort();                                                                   \
	} while (0)

static const struct block_name reference = {0x123456, {0, 0, 0, 0, 1, 2, 3, 4}};

static void check_escapes(const char *text)
{
	MUST(is_clean_text(text, false) || strchr(text, 0x7f) != NULL);
	for (const char *at = text; *at != '\0'; at++) {
		MUST((unsigned char)*at >= 0x20);
		if (*at == '\\')
			MUST(strchr("tnr\"\\", *++at) != NULL && *at != '\0');
	}
}

static void check_signers(const struct transaction *trx)
{
	enum codec_authority highest = CODEC_NO_AUTHORITY;

	MUST(trx->signer_count >= 1 && trx->signer_count <= TRANSACTION_SIGNERS_MAX);
	MUST(trx->operation_count >= 1 && trx->operation_count <= TRANSACTION_OPERATIONS_MAX);
	for (size_t i = 0; i < trx->signer_count; i++) {
		const struct transaction_signer *signer = &trx->signers[i];

		MUST(strlen(signer->account) >= 3);
		MUST(signer->authority >= CODEC_POSTING && signer->authority <= CODEC_OWNER);
		MUST((signer->authority == CODEC_POSTING) == (trx->authority == CODEC_POSTING));
		MUST(i == 0 || strcmp(signer[-1].account, signer->account) < 0);
		if (signer->authority > highest)
			highest = signer->authority;
	}
	MUST(highest == trx->authority);
}

static void check_sent(struct transaction_maker *maker, struct transaction *trx)
{
	static const uint8_t signature[SIGNATURE_BYTES] = {0x1f};
	struct buf out = BUF_INIT(TRANSACTION_JSON_BYTES_MAX);
	struct error err = ERROR_INIT;
	struct json_slice operations;
	struct transaction *again;

	check_signers(trx);
	transaction_seal(trx, &reference, 0x5704c8e7);
	MUST(transaction_write(trx, signature, &out, &err) == 0);
	check_escapes(buf_text(&out));
	MUST(json_find(out.data, out.len, "operations", &operations));
	again = transaction_read(maker, operations.data, operations.len, &err);
	MUST(again != NULL);
	transaction_seal(again, &reference, 0x5704c8e7);
	MUST(again->byte_count == trx->byte_count);
	MUST(memcmp(again->bytes, trx->bytes, trx->byte_count) == 0);
	MUST(strcmp(again->id, trx->id) == 0);
	MUST(memcmp(again->digest, trx->digest, sizeof(trx->digest)) == 0);
	MUST(trx->byte_count + 1 + SIGNATURE_BYTES <= TRANSACTION_BYTES_MAX);
	transaction_free(again);
	buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct transaction_maker *makers[2];
	struct error err = ERROR_INIT;
	char *text = xmalloc(size + 1);

	if (makers[0] == NULL) {
		makers[0] = transaction_maker_new(&chain_steem, &err);
		makers[1] = transaction_maker_new(&chain_testnet, &err);
		MUST(makers[0] != NULL && makers[1] != NULL);
	}
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	for (size_t i = 0; i < 2; i++) {
		struct transaction *trx = transaction_read(makers[i], text, size, &err);

		if (trx == NULL) {
			check_error(&err);
			MUST(err.kind == ERROR_DATA);
			continue;
		}
		check_sent(makers[i], trx);
		if (transaction_check(trx, &err) != 0) {
			check_error(&err);
			MUST(err.kind == ERROR_DATA);
		}
		transaction_free(trx);
	}
	free(text);
	return 0;
}
