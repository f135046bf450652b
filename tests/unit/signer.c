/* SPDX-License-Identifier: MIT */
/*
 * For the integration tests: signs transactions.
 *
 *   signer steem|testnet WIF
 *
 * A line of input: number and id of the reference block, the expiration in seconds, the operations.  A line
 * of output: {"id":...,"bytes":...,"trx":...} or {"refused":...}.  The key is no secret.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "steem/codec/sign.h"
#include "steem/transaction.h"

static void print_refused(const struct error *err)
{
	printf("{\"refused\":\"");
	for (const char *at = err->text; *at != '\0'; at++)
		printf(*at == '"' || *at == '\\' ? "\\%c" : "%c", *at);
	printf("\"}\n");
}

static int print_signed(struct transaction *trx, const struct private_key *key, struct error *err)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT(TRANSACTION_JSON_BYTES_MAX);
	uint8_t signature[SIGNATURE_BYTES];

	if (sign_digest(trx->digest, key, signature, err) != 0 ||
	    transaction_write(trx, signature, &out, err) != 0)
		return -1;
	printf("{\"id\":\"%s\",\"bytes\":\"", trx->id);
	for (size_t i = 0; i < trx->byte_count; i++)
		printf("%02x", trx->bytes[i]);
	printf("\",\"trx\":%s}\n", buf_text(&out));
	return 0;
}

static void answer(struct transaction_maker *maker, const struct private_key *key, const char *line)
{
	struct block_name reference;
	char id[BLOCK_ID_HEX + 1];
	struct error err = ERROR_INIT;
	struct transaction *trx = NULL;
	uint32_t expiration;
	int at = 0;

	if (sscanf(line, "%" SCNu32 " %40[0-9a-f] %" SCNu32 " %n", &reference.num, id, &expiration,
		   &at) != 3 ||
	    !block_id_parse(id, strlen(id), reference.id)) {
		error_set(&err, ERROR_DATA, "not: NUMBER ID EXPIRATION OPERATIONS");
	} else {
		trx = transaction_read(maker, line + at, strlen(line + at), &err);
	}
	if (trx != NULL)
		transaction_seal(trx, &reference, expiration);
	if (trx == NULL || print_signed(trx, key, &err) != 0)
		print_refused(&err);
	transaction_free(trx);
}

int main(int argc, char **argv)
{
	const struct chain *chain =
		argc == 3 && strcmp(argv[1], "testnet") == 0 ? &chain_testnet : &chain_steem;
	struct error err = ERROR_INIT;
	struct transaction_maker *maker = transaction_maker_new(chain, &err);
	struct private_key *key = NULL;
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	if (argc == 3 && maker != NULL)
		key = private_key_read(transaction_maker_hash(maker), argv[2], strlen(argv[2]),
				       &err);
	if (key == NULL) {
		fprintf(stderr, "signer: %s\n", argc == 3 ? err.text : "signer steem|testnet WIF");
		return 1;
	}
	while ((len = getline(&line, &size, stdin)) > 0) {
		if (line[len - 1] == '\n')
			line[len - 1] = '\0';
		answer(maker, key, line);
	}
	free(line);
	private_key_free(key);
	transaction_maker_free(maker);
	return 0;
}
