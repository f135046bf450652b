/* SPDX-License-Identifier: MIT */
#include "poster/signing_account.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "daemon/command.h"
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

static int find_command(struct signing_key *key, struct error *err)
{
	const struct config_account *rules = key->rules;

	key->program = command_find(rules->command[0], err);
	if (!key->program || config_check_program(key->program, err) != 0)
		return -1;
	key->argv = xcalloc(rules->command_count + 1, sizeof(*key->argv));
	memcpy(key->argv, rules->command, rules->command_count * sizeof(*key->argv));
	return 0;
}

static int read_public_key(struct signing_key *key, const char *prefix, struct hash *hash,
			   struct error *err)
{
	const char *text = key->rules->public_key;

	/* 33 zero bytes have a text too, and are no key. */
	if (key_parse(hash, prefix, text, strlen(text), &key->public_key) &&
	    key->public_key.bytes[0] != 0)
		return 0;
	if (strncmp(text, prefix, strlen(prefix)) != 0)
		return error_set(err, ERROR_CONFIG,
				 "is no public key of this chain: its keys begin with %s", prefix);
	return error_set(err, ERROR_CONFIG, "is no public key: a character is wrong, or missing");
}

/* What is wrong with an entry? Returns the option at fault, or NULL. */
static const char *load_key(struct signing_key *key, const struct chain *chain, struct hash *hash,
			    struct error *err)
{
	if (!key->rules->is_command) {
		key->key = read_key(key->rules, hash, err);
		return key->key ? NULL : "key_file";
	}
	if (read_public_key(key, chain->key_prefix, hash, err) < 0)
		return "public_key";
	return find_command(key, err) < 0 ? "command" : NULL;
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
		const char *option;

		place->rules = account;
		option = load_key(place, chain_of(config->poster.chain), hash, &err);
		if (!option)
			continue;
		fprintf(mistakes, "%s:%u: accounts.%s: %s\n", path, account->line, option,
			err.text);
		mistake_count++;
	}
	qsort(signers->items, signers->count, sizeof(*signers->items), compare_signets);
	if (mistake_count == 0)
		return 0;
	signing_accounts_release(signers);
	return -1;
}

static void release_key(struct signing_key *key)
{
	private_key_free(key->key);
	free(key->program);
	free(key->argv);
}

void signing_accounts_release(struct signing_accounts *signers)
{
	for (size_t i = 0; i < signers->count; i++) {
		release_key(&signers->items[i].posting);
		release_key(&signers->items[i].active);
	}
	free(signers->items);
	*signers = (struct signing_accounts){.items = NULL};
}

const struct key *signing_key_public(const struct signing_key *key)
{
	return key->key ? private_key_public(key->key) : &key->public_key;
}

struct signing_account *signing_accounts_find(struct signing_accounts *signers, const char *account)
{
	struct signing_account key;

	snprintf(key.account, sizeof(key.account), "%s", account);
	return signers->count == 0 ? NULL
				   : bsearch(&key, signers->items, signers->count,
					     sizeof(*signers->items), compare_signets);
}
