/* SPDX-License-Identifier: MIT */
#include "poster/signet.h"

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
	return strcmp(((const struct signet *)a)->account, ((const struct signet *)b)->account);
}

/* Two entries of one account become one signet; the list is not sorted yet. */
static struct signet *find_or_add(struct signets *signets, const char *account)
{
	for (size_t i = 0; i < signets->count; i++)
		if (strcmp(signets->items[i].account, account) == 0)
			return &signets->items[i];
	snprintf(signets->items[signets->count].account, sizeof(signets->items[0].account), "%s",
		 account);
	return &signets->items[signets->count++];
}

int signets_load(struct signets *signets, const struct config *config, const char *path,
		 struct hash *hash, FILE *mistakes)
{
	unsigned mistake_count = 0;

	*signets =
		(struct signets){.items = xcalloc(config->accounts.count, sizeof(struct signet))};
	for (size_t i = 0; i < config->accounts.count; i++) {
		const struct config_account *account = &config->accounts.items[i];
		struct signet *signet = find_or_add(signets, account->name);
		struct signet_key *place = account->is_active ? &signet->active : &signet->posting;
		struct error err = ERROR_INIT;

		place->rules = account;
		place->key = read_key(account, hash, &err);
		if (place->key)
			continue;
		fprintf(mistakes, "%s:%u: accounts.key_file: %s\n", path, account->line, err.text);
		mistake_count++;
	}
	qsort(signets->items, signets->count, sizeof(*signets->items), compare_signets);
	if (mistake_count == 0)
		return 0;
	signets_release(signets);
	return -1;
}

void signets_release(struct signets *signets)
{
	for (size_t i = 0; i < signets->count; i++) {
		private_key_free(signets->items[i].posting.key);
		private_key_free(signets->items[i].active.key);
	}
	free(signets->items);
	*signets = (struct signets){.items = NULL};
}

struct signet *signets_find(struct signets *signets, const char *account)
{
	struct signet key;

	snprintf(key.account, sizeof(key.account), "%s", account);
	return signets->count == 0 ? NULL
				   : bsearch(&key, signets->items, signets->count,
					     sizeof(*signets->items), compare_signets);
}
