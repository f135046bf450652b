/* SPDX-License-Identifier: MIT */
#include "poster/signing_account.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "daemon/config_table.h"

/* A key has 51 characters; the rest of the file may be white space. */
#define KEY_FILE_BYTES 128

static struct private_key *read_key(const struct config_account *account, struct hash *hash,
				    struct error *err)
{
	char *text = secret_alloc(KEY_FILE_BYTES, err);
	struct private_key *key = NULL;
	size_t len;

	if (text && config_read_secret(account->key_file, text, KEY_FILE_BYTES, &len, err) == 0) {
		key = private_key_read(hash, text, len, err);
		if (!key)
			(void)error_prefix(err, "%s: ", account->key_file);
	}
	secret_free(text, KEY_FILE_BYTES);
	return key;
}

static int compare_signets(const void *a, const void *b)
{
	return strcmp(((const struct signing_account *)a)->account,
		      ((const struct signing_account *)b)->account);
}

/* Two entries of one account become one signer; the list is not sorted yet. */
static struct signing_account *find_or_add(struct signing_accounts *signers, const char *account)
{
	for (size_t i = 0; i < signers->count; i++)
		if (strcmp(signers->items[i].account, account) == 0)
			return &signers->items[i];
	snprintf(signers->items[signers->count].account, sizeof(signers->items[0].account), "%s",
		 account);
	return &signers->items[signers->count++];
}

int signing_accounts_load(struct signing_accounts *signers, const struct config *config,
			  const char *path, struct hash *hash, FILE *mistakes)
{
	unsigned mistake_count = 0;

	*signers = (struct signing_accounts){
		.items = xcalloc(config->accounts.count, sizeof(struct signing_account))};
	for (size_t i = 0; i < config->accounts.count; i++) {
		const struct config_account *account = &config->accounts.items[i];
		struct signing_account *signer = find_or_add(signers, account->name);
		struct signing_key *place = account->is_active ? &signer->active : &signer->posting;
		struct error err = ERROR_INIT;

		place->rules = account;
		place->key = read_key(account, hash, &err);
		if (place->key)
			continue;
		fprintf(mistakes, "%s:%u: accounts.key_file: %s\n", path, account->line, err.text);
		mistake_count++;
	}
	qsort(signers->items, signers->count, sizeof(*signers->items), compare_signets);
	if (mistake_count == 0)
		return 0;
	signing_accounts_release(signers);
	return -1;
}

void signing_accounts_release(struct signing_accounts *signers)
{
	for (size_t i = 0; i < signers->count; i++) {
		private_key_free(signers->items[i].posting.key);
		private_key_free(signers->items[i].active.key);
	}
	free(signers->items);
	*signers = (struct signing_accounts){.items = NULL};
}

struct signing_account *signing_accounts_find(struct signing_accounts *signers, const char *account)
{
	struct signing_account key;

	snprintf(key.account, sizeof(key.account), "%s", account);
	return signers->count == 0 ? NULL
				   : bsearch(&key, signers->items, signers->count,
					     sizeof(*signers->items), compare_signets);
}
