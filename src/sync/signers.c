/* SPDX-License-Identifier: MIT */
#include "sync/signers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "steem/client.h"
#include "steem/codec/proof.h"
#include "steem/pool.h"
#include "steem/rpc.h"
#include "store/witness_keys.h"
#include "sync/key_changes.h"
#include "sync/writer.h"

#define ASK_AGAIN_MS 1000
/* A node that has told no key by then does not count, as in votes about blocks. */
#define SILENT_MS 15000

enum state {
	STATE_NEW,     /* the table must be asked */
	STATE_LOOKING, /* the table is being asked */
	STATE_UNKNOWN, /* the nodes are being asked */
	STATE_SAVING,  /* the nodes' answer is being added to the table */
	STATE_KNOWN,
};

/* One witness. */
struct signer {
	struct signer *next;
	char name[BLOCK_ACCOUNT_BYTES + 1];
	enum state state;
	unsigned ticket;        /* of the newest task; answers of older ones are ignored */
	uint32_t block;         /* the block whose signer is to be checked */
	struct witness_key row; /* in STATE_KNOWN and STATE_SAVING */
	/* another key signed `block`; count the stored blocks since row.since_block */
	bool is_doubted;
	bool is_checked; /* they were counted, with this result: */
	bool is_whole;
	/* Answers of the nodes; the fields are masks of nodes. */
	uint64_t asked;    /* not answered yet */
	uint64_t done;     /* not to be asked again before ask_at_ms */
	uint64_t answered; /* answered; the key is in `answers` */
	char (*answers)[DECODE_KEY_BYTES];
	int64_t since_ms; /* when they were first asked; 0: not yet */
	int64_t ask_at_ms;
};

struct signers {
	struct work *work;
	bool is_reversible;
	uint32_t judged_from; /* every block from this one on was judged; 0: none */
	struct signer *first;
	unsigned pool_epoch;
	unsigned ticket;
	char last_refusal[200]; /* of a node that told no key */
	struct client_key_sink sink;
};

static struct log_limit unknown_limit = LOG_LIMIT_INIT(10000);

/* Names. */

static struct signer *find(const struct signers *signers, const char *name)
{
	for (struct signer *signer = signers->first; signer; signer = signer->next)
		if (strcmp(signer->name, name) == 0)
			return signer;
	return NULL;
}

static struct signer *get(struct signers *signers, const char *name, uint32_t block)
{
	struct signer *signer = find(signers, name);

	if (signer)
		return signer;
	signer = xcalloc(1, sizeof(*signer));
	snprintf(signer->name, sizeof(signer->name), "%s", name);
	signer->block = block;
	signer->next = signers->first;
	signers->first = signer;
	return signer;
}

/* A text that cannot be a name is not sent to nodes. */
static bool is_name(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len <= BLOCK_ACCOUNT_BYTES &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-") == len;
}

static void forget_answers(struct signer *signer)
{
	signer->answered = 0;
	signer->since_ms = 0;
	signer->ask_at_ms = 0;
}

/* Earlier answers no longer count. */
static void set_state(struct signers *signers, struct signer *signer, enum state state)
{
	signer->state = state;
	signer->ticket = ++signers->ticket;
	if (state == STATE_UNKNOWN)
		forget_answers(signer);
}

/* The table. */

struct look {
	char name[BLOCK_ACCOUNT_BYTES + 1];
	unsigned ticket;
	uint32_t block;
	uint32_t whole_to; /* everything below this block is stored */
	bool is_doubted;
	bool must_save; /* add `row` to the table before the look-up */
	struct witness_key row;
	bool is_found, is_whole;
};

struct look_job {
	struct job job;
	struct signers *signers;
	struct look *looks;
	size_t count;
};

static int look_one(struct db *db, struct look *look, struct error *err)
{
	look->is_whole = false;
	if (look->must_save && witness_keys_add(db, &look->row, err) < 0)
		return -1;
	if (witness_keys_find(db, look->name, look->block, &look->row, &look->is_found, err) < 0)
		return -1;
	if (!look->is_doubted || !look->is_found)
		return 0;
	return witness_keys_are_whole(db, look->row.since_block, look->whole_to, &look->is_whole,
				      err);
}

static int run_look(struct db *db, struct job *job, struct error *err)
{
	struct look_job *all = (struct look_job *)job;

	for (size_t i = 0; i < all->count; i++) {
		/* a failed try starts again with the original data */
		struct look tried = all->looks[i];

		if (look_one(db, &tried, err) < 0)
			return -1;
		tried.must_save = false;
		all->looks[i] = tried;
	}
	return 0;
}

static void take_look(struct signers *signers, const struct look *look)
{
	struct signer *signer = find(signers, look->name);

	if (!signer || signer->ticket != look->ticket)
		return;
	signer->row = look->row;
	signer->is_checked = look->is_doubted;
	signer->is_whole = look->is_whole;
	set_state(signers, signer, look->is_found ? STATE_KNOWN : STATE_UNKNOWN);
}

static void finish_look(struct job *job)
{
	struct look_job *all = (struct look_job *)job;
	struct signers *signers = all->signers;

	if (job->err.kind == ERROR_NONE)
		for (size_t i = 0; i < all->count; i++)
			take_look(signers, &all->looks[i]);
	else if (!signers->work->is_stopping || job->err.kind != ERROR_RETRY)
		work_end(signers->work, &job->err);
	free(all->looks);
	free(all);
}

/* False: the look-up must wait until a commit ends. */
static bool is_to_be_looked_up(const struct signers *signers, const struct signer *signer)
{
	return signer->state == STATE_NEW && writer_has_room(signers->work->writer);
}

static struct look_job *new_job(struct signers *signers, size_t count)
{
	struct look_job *all = xcalloc(1, sizeof(*all));

	all->job.run = run_look;
	all->job.done = finish_look;
	snprintf(all->job.what, sizeof(all->job.what), "looking up keys of witnesses");
	all->signers = signers;
	all->looks = xcalloc(count, sizeof(*all->looks));
	return all;
}

static void add_look(struct look_job *all, struct signer *signer, enum state state)
{
	struct look *look = &all->looks[all->count++];

	set_state(all->signers, signer, state);
	memcpy(look->name, signer->name, sizeof(look->name));
	look->ticket = signer->ticket;
	look->block = signer->block;
	/*
	 * Key changes in reversible blocks are not in the table. From the first judged block on
	 * they are known here.
	 */
	look->whole_to = all->signers->is_reversible && all->signers->judged_from > 0
				 ? all->signers->judged_from
				 : signer->block;
	look->is_doubted = signer->is_doubted;
	look->must_save = state == STATE_SAVING;
	look->row = signer->row;
}

static void send_job(struct look_job *all)
{
	writer_look_up(all->signers->work->writer, &all->job);
}

static void look_up(struct signers *signers)
{
	struct look_job *all;
	size_t count = 0;

	for (const struct signer *signer = signers->first; signer; signer = signer->next)
		count += is_to_be_looked_up(signers, signer);
	if (count == 0)
		return;
	all = new_job(signers, count);
	for (struct signer *signer = signers->first; signer; signer = signer->next)
		if (is_to_be_looked_up(signers, signer))
			add_look(all, signer, STATE_LOOKING);
	send_job(all);
}

/* This key signed block signer->block, and is believed. */
static void save(struct signers *signers, struct signer *signer, const char *key)
{
	struct look_job *all;

	if (!signers->is_reversible && !writer_has_room(signers->work->writer))
		return; /* the block is judged again when a commit has ended */
	signer->row = (struct witness_key){.since_block = signer->block - 1, .is_of_nodes = true};
	memcpy(signer->row.witness, signer->name, sizeof(signer->row.witness));
	snprintf(signer->row.key, sizeof(signer->row.key), "%s", key);
	signer->is_doubted = false;
	if (signers->is_reversible) {
		signer->is_checked = false;
		set_state(signers, signer, STATE_KNOWN);
		return;
	}
	all = new_job(signers, 1);
	add_look(all, signer, STATE_SAVING);
	send_job(all);
}

/* The nodes. */

static void take_key(void *context, unsigned node, const char *witness, const char *key,
		     const struct error *err)
{
	struct signers *signers = context;
	struct signer *signer = find(signers, witness);
	uint64_t bit = UINT64_C(1) << node;

	if (!key)
		snprintf(signers->last_refusal, sizeof(signers->last_refusal), "%s: %.150s",
			 pool_node(signers->work->pool, node)->label, err->text);
	if (!signer || signer->state != STATE_UNKNOWN || !(signer->asked & bit))
		return;
	signer->asked &= ~bit;
	if (!key)
		return;
	if (!signer->answers)
		signer->answers = xcalloc(POOL_MAX_NODES, sizeof(*signer->answers));
	snprintf(signer->answers[node], sizeof(signer->answers[node]), "%s", key);
	signer->answered |= bit;
}

/* The nodes that tell the same key as this one. */
static uint64_t alike(const struct signer *signer, unsigned node)
{
	uint64_t set = 0;

	for (unsigned i = 0; i < POOL_MAX_NODES; i++)
		if ((signer->answered >> i & 1) &&
		    strcmp(signer->answers[i], signer->answers[node]) == 0)
			set |= UINT64_C(1) << i;
	return set;
}

/* The key that more than half of the nodes tell; NULL: none. */
static const char *majority(const struct signers *signers, const struct signer *signer)
{
	uint64_t electors = pool_electors(signers->work->pool);

	if (signer->since_ms > 0 && clock_now_ms() - signer->since_ms >= SILENT_MS)
		electors &= signer->answered;
	for (unsigned i = 0; i < POOL_MAX_NODES; i++) {
		uint64_t set = signer->answered >> i & 1 ? alike(signer, i) : 0;

		if (set && 2 * __builtin_popcountll(set) > __builtin_popcountll(electors | set))
			return signer->answers[i];
	}
	return NULL;
}

static void tell_unknown(const struct signers *signers, const struct signer *signer)
{
	log_limited(
		&unknown_limit, LOG_LEVEL_WARNING, "key_unknown",
		"the key of %s, witness of block %u, is not known: %d of %d nodes told one, and more than half must tell the same%s%s; they are asked again, the tail waits",
		signer->name, signer->block, __builtin_popcountll(signer->answered),
		__builtin_popcountll(pool_electors(signers->work->pool)),
		signers->last_refusal[0] ? "; " : "", signers->last_refusal);
}

static bool is_open(const struct signers *signers, const struct signer *signer)
{
	return signer->state == STATE_UNKNOWN && !majority(signers, signer);
}

/*
 * Called once a second. Nodes that told no key are asked again; if all told one and they differ,
 * all are asked again.
 */
static void begin_round(const struct signers *signers, struct signer *signer, int64_t now_ms)
{
	if (signer->since_ms > 0 && !signers->is_reversible) /* the tail logs it */
		tell_unknown(signers, signer);
	else
		signer->since_ms = now_ms;
	if (!(pool_electors(signers->work->pool) & ~signer->answered))
		signer->answered = 0;
	signer->done = signer->answered | signer->asked;
	signer->ask_at_ms = now_ms + ASK_AGAIN_MS;
}

/* A node that rests now is asked as soon as its rest is over. */
static void ask_node(struct signers *signers, unsigned node, const char **names)
{
	uint64_t bit = UINT64_C(1) << node;
	size_t count = 0;

	for (const struct signer *signer = signers->first; signer; signer = signer->next)
		if (is_open(signers, signer) && !(signer->done & bit))
			names[count++] = signer->name;
	if (count == 0 ||
	    !client_ask_keys(signers->work->client, node, names, count, &signers->sink))
		return;
	for (size_t i = 0; i < count; i++) {
		struct signer *signer = find(signers, names[i]);

		signer->asked |= bit;
		signer->done |= bit;
	}
}

/* Returns when the next round of questions begins. */
static int64_t ask_nodes(struct signers *signers, int64_t now_ms)
{
	int64_t due_ms = CLOCK_NEVER;
	const char **names;
	size_t count = 0;

	for (struct signer *signer = signers->first; signer; signer = signer->next) {
		if (!is_open(signers, signer))
			continue;
		count++;
		if (now_ms >= signer->ask_at_ms)
			begin_round(signers, signer, now_ms);
		due_ms = sooner(due_ms, signer->ask_at_ms);
	}
	if (count == 0)
		return CLOCK_NEVER;
	names = xcalloc(count, sizeof(*names));
	for (unsigned i = 0; i < pool_count(signers->work->pool); i++)
		ask_node(signers, i, names);
	free(names);
	return due_ms;
}

static void forget_nodes(struct signers *signers)
{
	signers->pool_epoch = signers->work->pool_epoch;
	for (struct signer *signer = signers->first; signer; signer = signer->next) {
		signer->asked = 0;
		forget_answers(signer);
	}
}

/* Judging. */

/* Does a held block from held[i] on change the key of the witness to this one? */
static bool is_changed_above(const struct signers *signers, const struct signer *signer,
			     const struct held *held, size_t count, size_t i, const char *key)
{
	struct key_changes changes = {.count = 0};
	bool is_changed = false;

	for (; i < count; i++)
		key_changes_add(&changes, signers->work->proof, held[i].block);
	for (size_t j = 0; j < changes.count; j++)
		is_changed |= strcmp(changes.items[j].witness, signer->name) == 0 &&
			      strcmp(changes.items[j].key, key) == 0;
	key_changes_release(&changes);
	return is_changed;
}

/* Later blocks are judged by the keys that this block sets. */
static void take_changes(struct signers *signers, const struct block *block)
{
	struct key_changes changes = {.count = 0};

	key_changes_add(&changes, signers->work->proof, block);
	for (size_t i = 0; i < changes.count; i++) {
		struct signer *signer = get(signers, changes.items[i].witness, block->num + 1);

		signer->row = changes.items[i];
		signer->is_checked = false;
		set_state(signers, signer, STATE_KNOWN);
	}
	key_changes_release(&changes);
}

/* The row has another key. Can the key have changed since? */
static enum signer_verdict judge_mismatch(struct signers *signers, struct signer *signer,
					  const struct block *block, const char *key, char *reason,
					  size_t size)
{
	if (!signer->is_checked || signer->block != block->num) {
		signer->block = block->num;
		signer->is_doubted = true;
		set_state(signers, signer, STATE_NEW);
		return SIGNER_OPEN;
	}
	signer->is_checked = false; /* next time, look it up in the table again */
	signer->is_doubted = false;
	if (!signer->is_whole) {
		set_state(signers, signer, STATE_UNKNOWN);
		return SIGNER_OPEN;
	}
	snprintf(reason, size, "signed with %s, and the key of its witness %s is %s since block %u",
		 key, signer->name, signer->row.key, signer->row.since_block);
	return SIGNER_FALSE;
}

static enum signer_verdict judge_unknown(struct signers *signers, struct signer *signer,
					 const struct held *held, size_t count, size_t i,
					 const char *key, char *reason, size_t size)
{
	const char *told = majority(signers, signer);

	if (!told)
		return SIGNER_OPEN;
	if (strcmp(told, key) == 0 || is_changed_above(signers, signer, held, count, i, told)) {
		save(signers, signer, key);
		return signer->state == STATE_KNOWN ? SIGNER_GOOD : SIGNER_OPEN;
	}
	snprintf(reason, size,
		 "signed with %s, and the key of its witness %s is %s, as most nodes say", key,
		 signer->name, told);
	return SIGNER_DENIED; /* and signers_forget() follows */
}

static enum signer_verdict judge(struct signers *signers, struct signer *signer,
				 const struct held *held, size_t count, size_t i, bool is_next,
				 const char *key, char *reason, size_t size)
{
	const struct block *block = held[i].block;

	switch (signer->state) {
	case STATE_KNOWN:
		if (strcmp(signer->row.key, key) == 0)
			return SIGNER_GOOD;
		return is_next ? judge_mismatch(signers, signer, block, key, reason, size)
			       : SIGNER_OPEN;
	case STATE_UNKNOWN:
		signer->block = block->num;
		return judge_unknown(signers, signer, held, count, i, key, reason, size);
	case STATE_NEW:
	case STATE_LOOKING:
	case STATE_SAVING:
		break;
	}
	return SIGNER_OPEN;
}

enum signer_verdict signers_judge(struct signers *signers, struct held *held, size_t count,
				  size_t i, bool is_next, char *reason, size_t size)
{
	struct block *block = held[i].block;
	struct proof *proof = signers->work->proof;
	enum signer_verdict verdict = SIGNER_GOOD;
	struct error err = ERROR_INIT;
	char text[KEY_TEXT_BYTES];
	struct key key;

	if (signers->judged_from == 0)
		signers->judged_from = block->num;
	if (block->seal && !is_name(block->seal->witness)) {
		snprintf(reason, size, "its witness has no valid name");
		return SIGNER_FALSE;
	}
	if (block->seal && proof_signer(proof, block, &key, &err) != 0) {
		snprintf(reason, size, "%s", err.text);
		return SIGNER_FALSE;
	}
	if (block->seal)
		verdict = judge(signers, get(signers, block->seal->witness, block->num), held,
				count, i, is_next, proof_key_text(proof, &key, text), reason, size);
	if (verdict != SIGNER_GOOD)
		return verdict;
	if (block->proof == BLOCK_PROOF_CONTENT)
		block->proof = BLOCK_PROOF_SIGNED;
	take_changes(signers, block);
	return SIGNER_GOOD;
}

/* Public functions. */

static struct log_limit false_limit = LOG_LIMIT_INIT(10000);

void signers_blame(struct work *work, const struct held *held, const char *reason)
{
	struct node *source = work_source(work, held);

	work->false_claims++;
	log_limited(&false_limit, LOG_LEVEL_WARNING, "claim_false",
		    "%s gives block %u, %s; it is not stored, the reader waits for the right one",
		    work_source_label(work, held), held->block->num, reason);
	if (source)
		(void)node_failed(source, clock_now_ms(), RPC_FAILURE_FALSE, 0);
}

struct signers *signers_new(struct work *work, bool is_reversible)
{
	struct signers *signers = xcalloc(1, sizeof(*signers));

	signers->work = work;
	signers->is_reversible = is_reversible;
	signers->pool_epoch = work->pool_epoch;
	signers->sink = (struct client_key_sink){.context = signers, .told = take_key};
	return signers;
}

void signers_forget(struct signers *signers)
{
	signers->judged_from = 0;
	while (signers->first) {
		struct signer *signer = signers->first;

		signers->first = signer->next;
		free(signer->answers);
		free(signer);
	}
}

void signers_free(struct signers *signers)
{
	if (!signers)
		return;
	signers_forget(signers);
	free(signers);
}

void signers_expect(struct signers *signers, const struct block *block)
{
	if (block->seal && is_name(block->seal->witness))
		(void)get(signers, block->seal->witness, block->num);
}

int64_t signers_step(struct signers *signers, int64_t now_ms)
{
	if (signers->pool_epoch != signers->work->pool_epoch)
		forget_nodes(signers);
	look_up(signers);
	return ask_nodes(signers, now_ms);
}
