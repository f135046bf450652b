/* SPDX-License-Identifier: MIT */
#include "sync/node_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "steem/client.h"
#include "steem/pool.h"

#define ASK_AGAIN_MS 1000
#define SILENT_MS    15000

/* A witness whose key is wanted. The masks are of nodes. */
struct question {
	struct question *next;
	char witness[BLOCK_ACCOUNT_BYTES + 1];
	uint32_t block;
	uint64_t asked;    /* not answered yet */
	uint64_t done;     /* not to be asked again before ask_at_ms */
	uint64_t answered; /* told a key: it is in `told` */
	char told[POOL_MAX_NODES][DECODE_KEY_BYTES];
	int64_t since_ms; /* when the nodes were first asked; 0: not yet */
	int64_t ask_at_ms;
};

struct node_keys {
	struct shared *shared;
	bool is_quiet;
	struct question *first;
	unsigned pool_epoch;
	char last_refusal[200]; /* of a node that told no key */
	struct client_key_sink sink;
};

static struct log_limit unknown_limit = LOG_LIMIT_INIT(10000);

static struct question *find(const struct node_keys *keys, const char *witness)
{
	for (struct question *question = keys->first; question; question = question->next)
		if (strcmp(question->witness, witness) == 0)
			return question;
	return NULL;
}

static void take_key(void *context, unsigned node, const char *witness, const char *key,
		     const struct error *err)
{
	struct node_keys *keys = context;
	struct question *question = find(keys, witness);
	uint64_t bit = UINT64_C(1) << node;

	if (!key)
		snprintf(keys->last_refusal, sizeof(keys->last_refusal), "%s: %.150s",
			 pool_node(keys->shared->pool, node)->label, err->text);
	if (!question || !(question->asked & bit))
		return;
	question->asked &= ~bit;
	if (!key)
		return;
	snprintf(question->told[node], sizeof(question->told[node]), "%s", key);
	question->answered |= bit;
}

/* The nodes that told the same key as this one. */
static uint64_t alike(const struct question *question, unsigned node)
{
	uint64_t set = 0;

	for (unsigned i = 0; i < POOL_MAX_NODES; i++)
		if ((question->answered >> i & 1) &&
		    strcmp(question->told[i], question->told[node]) == 0)
			set |= UINT64_C(1) << i;
	return set;
}

static bool had_time(const struct question *question)
{
	return question->since_ms > 0 && clock_now_ms() - question->since_ms >= SILENT_MS;
}

/* The key that more than half of these nodes told. */
static const char *majority_of(uint64_t electors, const struct question *question)
{
	for (unsigned i = 0; i < POOL_MAX_NODES; i++) {
		uint64_t set = question->answered >> i & 1 ? alike(question, i) : 0;

		if (set && 2 * __builtin_popcountll(set) > __builtin_popcountll(electors | set))
			return question->told[i];
	}
	return NULL;
}

static const char *majority(const struct node_keys *keys, const struct question *question)
{
	uint64_t electors = pool_electors(keys->shared->pool);

	return majority_of(had_time(question) ? electors & question->answered : electors, question);
}

static void tell_unknown(const struct node_keys *keys, const struct question *question)
{
	if (keys->is_quiet)
		return;
	log_limited(
		&unknown_limit, LOG_LEVEL_WARNING, "key_unknown",
		"the key of %s, witness of block %u, is not known: %d of %d nodes told one, and more than half must tell the same%s%s; they are asked again, the tail waits",
		question->witness, question->block, __builtin_popcountll(question->answered),
		__builtin_popcountll(pool_electors(keys->shared->pool)),
		keys->last_refusal[0] ? "; " : "", keys->last_refusal);
}

/*
 * Called once a second. Nodes that told no key are asked again; if all told one and they differ,
 * all are asked again.
 */
static void begin_round(const struct node_keys *keys, struct question *question, int64_t now_ms)
{
	if (question->since_ms == 0)
		question->since_ms = now_ms;
	else
		tell_unknown(keys, question);
	if (!(pool_electors(keys->shared->pool) & ~question->answered))
		question->answered = 0;
	question->done = question->answered | question->asked;
	question->ask_at_ms = now_ms + ASK_AGAIN_MS;
}

/* A node that rests now is asked as soon as its rest is over. */
static void ask_node(struct node_keys *keys, unsigned node, const char **names)
{
	uint64_t bit = UINT64_C(1) << node;
	size_t count = 0;

	for (const struct question *question = keys->first; question; question = question->next)
		if (!majority(keys, question) && !(question->done & bit))
			names[count++] = question->witness;
	if (count == 0 || !client_ask_keys(keys->shared->client, node, names, count, &keys->sink))
		return;
	for (size_t i = 0; i < count; i++) {
		struct question *question = find(keys, names[i]);

		question->asked |= bit;
		question->done |= bit;
	}
}

/* The nodes were read again: the masks mean other nodes now. */
static void forget_nodes(struct node_keys *keys)
{
	keys->pool_epoch = keys->shared->pool_epoch;
	for (struct question *question = keys->first; question; question = question->next) {
		question->asked = question->answered = 0;
		question->since_ms = question->ask_at_ms = 0;
	}
}

struct node_keys *node_keys_new(struct shared *shared, bool is_quiet)
{
	struct node_keys *keys = xcalloc(1, sizeof(*keys));

	keys->shared = shared;
	keys->is_quiet = is_quiet;
	keys->pool_epoch = shared->pool_epoch;
	keys->sink = (struct client_key_sink){.context = keys, .told = take_key};
	return keys;
}

void node_keys_free(struct node_keys *keys)
{
	if (!keys)
		return;
	node_keys_stop_all(keys);
	free(keys);
}

void node_keys_ask(struct node_keys *keys, const char *witness, uint32_t block)
{
	struct question *question = xcalloc(1, sizeof(*question));
	struct question **at = &keys->first;

	node_keys_stop(keys, witness);
	snprintf(question->witness, sizeof(question->witness), "%s", witness);
	question->block = block;
	while (*at)
		at = &(*at)->next;
	*at = question;
}

void node_keys_stop(struct node_keys *keys, const char *witness)
{
	struct question **at = &keys->first;

	while (*at && strcmp((*at)->witness, witness) != 0)
		at = &(*at)->next;
	if (*at) {
		struct question *question = *at;

		*at = question->next;
		free(question);
	}
}

void node_keys_stop_all(struct node_keys *keys)
{
	while (keys->first)
		node_keys_stop(keys, keys->first->witness);
}

const char *node_keys_told(const struct node_keys *keys, const char *witness)
{
	const struct question *question = find(keys, witness);

	return question ? majority(keys, question) : NULL;
}

bool node_keys_are_late(const struct node_keys *keys, const char *witness)
{
	const struct question *question = find(keys, witness);

	return question && had_time(question) &&
	       !majority_of(pool_electors(keys->shared->pool), question);
}

int64_t node_keys_step(struct node_keys *keys, int64_t now_ms)
{
	int64_t due_ms = CLOCK_NEVER;
	const char **names;
	size_t count = 0;

	if (keys->pool_epoch != keys->shared->pool_epoch)
		forget_nodes(keys);
	for (struct question *question = keys->first; question; question = question->next) {
		if (majority(keys, question))
			continue;
		count++;
		if (now_ms >= question->ask_at_ms)
			begin_round(keys, question, now_ms);
		due_ms = sooner(due_ms, question->ask_at_ms);
	}
	if (count == 0)
		return CLOCK_NEVER;
	names = xcalloc(count, sizeof(*names));
	for (unsigned i = 0; i < pool_count(keys->shared->pool); i++)
		ask_node(keys, i, names);
	free(names);
	return due_ms;
}
