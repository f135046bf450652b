/* SPDX-License-Identifier: MIT */
#include "sync/signers.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "steem/codec/proof.h"
#include "store/witness_keys.h"
#include "sync/executor.h"
#include "sync/key_changes.h"
#include "sync/keyring.h"
#include "sync/node_keys.h"
#include "sync/record_signed.h"

#define LOOK_AGAIN_MS 1000
/* How long a block waits for a known signer above it before it is logged. */
#define WAIT_MS 6000
/*
 * If this many blocks in a row have no known signer, they are made up: a round has 21 blocks, and
 * three quarters of its witnesses are known.
 */
#define MOST_UNKNOWN 24

enum key_state {
	KEY_NEW,     /* the table must be asked */
	KEY_LOOKING, /* the table is being asked */
	KEY_UNKNOWN, /* no row tells the key, so nodes or a block above must: see must_bind */
	KEY_SAVING,  /* the key is being added to the table */
	KEY_KNOWN,
};

/* One witness. The one without a name stands for blocks whose JSON does not show the header. */
struct signer {
	struct signer *next;
	char name[BLOCK_ACCOUNT_BYTES + 1];
	enum key_state state;
	unsigned ticket; /* of the newest look-up; results of older ones are ignored */
	uint32_t block;  /* the block whose signer is to be checked */
	/*
	 * Enough other keys are known, so only a block above can bind `block`; nodes are not asked.
	 */
	bool must_bind;
	int64_t look_at_ms; /* if must_bind: when to look in the table again; 0: not planned yet */
	/* The key. */
	struct witness_key row; /* in KEY_KNOWN and KEY_SAVING */
	bool is_in_table;       /* `row` was read from there */
	uint32_t
		first_signed; /* the first block judged here that a never noted key signed; 0: none */
	bool must_note;       /* it must be noted that the key signed row.last_signed */
	/* Another key signed `block`: is every block since row.since_block stored? */
	bool is_doubted; /* this is to be looked up */
	bool is_checked; /* it was, with this result: */
	bool is_whole;
};

struct signers {
	struct shared *shared;
	bool is_reversible;
	uint32_t judged_from; /* the first block that was judged; 0: none */
	struct signer *first;
	unsigned ticket;
	uint32_t waiting_num; /* it waits for a known signer above it; 0: no block does */
	int64_t waiting_since_ms;
	char waiting_for[BLOCK_ACCOUNT_BYTES + 1]; /* its witness */
	struct node_keys *node_keys;
	char reason[300]; /* why the block that was judged last is not good */
};

static struct log_limit unknown_limit = LOG_LIMIT_INIT(10000);
static struct log_limit late_limit = LOG_LIMIT_INIT(10000);

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

/* Nodes are asked only for texts that can be names. */
static bool is_name(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len <= BLOCK_ACCOUNT_BYTES &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-") == len;
}

/* The result of a look-up under way no longer counts. */
static void set_state(struct signers *signers, struct signer *signer, enum key_state state)
{
	signer->state = state;
	signer->ticket = ++signers->ticket;
	signer->look_at_ms = 0;
	if (state == KEY_UNKNOWN && !signer->must_bind && signer->name[0] != '\0')
		node_keys_ask(signers->node_keys, signer->name, signer->block);
	else
		node_keys_stop(signers->node_keys, signer->name);
}

/* The table. */

struct look {
	char name[BLOCK_ACCOUNT_BYTES + 1];
	unsigned ticket;
	uint32_t block;
	bool must_save; /* first add `row` to the table; */
	bool is_told;   /* nodes told it: only if too few other keys are known even now */
	bool is_doubted;
	uint32_t whole_to; /* is every block stored from row.since_block to below this one? */
	/* Results. */
	struct witness_key row;
	bool is_found;
	bool is_whole;
	bool is_recent; /* enough other keys are known; not set if the row is good */
};

struct look_job {
	struct job job;
	struct signers *signers;
	const struct chain *chain;
	struct look *looks;
	size_t count;
};

/* Are enough other keys known, so that nodes need not be believed about this one? */
static int look_around(struct db *db, const struct chain *chain, struct look *look,
		       struct error *err)
{
	struct witness_key_list keys = {.count = 0};
	int result = witness_keys_load(db, keyring_recent_from(chain, look->block), look->block,
				       &keys, err);

	look->is_recent = result == 0 && keyring_is_recent(&keys, chain, look->block);
	witness_key_list_release(&keys);
	return result;
}

/* The last block from which only an operation above it can have changed the key. */
static uint32_t in_force_at(const struct witness_key *row)
{
	return row->last_signed > row->since_block ? row->last_signed - 1 : row->since_block;
}

static int look_one(struct db *db, const struct chain *chain, struct look *look, struct error *err)
{
	look->is_whole = look->is_recent = false;
	if (look->is_told) {
		look->is_found = false;
		if (look_around(db, chain, look, err) < 0)
			return -1;
		if (look->is_recent)
			return 0;
	}
	if (look->must_save && witness_keys_add(db, &look->row, err) < 0)
		return -1;
	if (look->name[0] == '\0')
		return look_around(db, chain, look, err);
	if (witness_keys_find(db, look->name, look->block, &look->row, &look->is_found, err) < 0)
		return -1;
	if (look->is_found && !look->is_doubted)
		return 0;
	if (look->is_found && witness_keys_are_whole(db, in_force_at(&look->row), look->whole_to,
						     &look->is_whole, err) < 0)
		return -1;
	return look->is_whole ? 0 : look_around(db, chain, look, err);
}

static int run_look(struct db *db, struct job *job, struct error *err)
{
	struct look_job *all = (struct look_job *)job;

	for (size_t i = 0; i < all->count; i++) {
		/* After a failure the job runs again, with the original data. */
		struct look tried = all->looks[i];

		if (look_one(db, all->chain, &tried, err) < 0)
			return -1;
		tried.must_save = tried.is_told = false;
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
	signer->is_in_table = look->is_found;
	signer->first_signed = 0;
	signer->must_note = false;
	signer->is_checked = look->is_doubted;
	signer->is_whole = look->is_whole;
	signer->must_bind = look->is_recent;
	set_state(signers, signer, look->is_found ? KEY_KNOWN : KEY_UNKNOWN);
}

static void finish_look(struct job *job)
{
	struct look_job *all = (struct look_job *)job;
	struct signers *signers = all->signers;

	if (job->err.kind == ERROR_NONE)
		for (size_t i = 0; i < all->count; i++)
			take_look(signers, &all->looks[i]);
	else if (!signers->shared->is_stopping || job->err.kind != ERROR_RETRY)
		shared_end(signers->shared, &job->err);
	free(all->looks);
	free(all);
}

static struct look_job *new_job(struct signers *signers, size_t count)
{
	struct look_job *all = xcalloc(1, sizeof(*all));

	job_init(&all->job, run_look, finish_look, "looking up keys of witnesses");
	all->signers = signers;
	all->chain = signers->shared->config.chain;
	all->looks = xcalloc(count, sizeof(*all->looks));
	return all;
}

static void add_look(struct look_job *all, struct signer *signer, enum key_state state)
{
	struct look *look = &all->looks[all->count++];

	set_state(all->signers, signer, state);
	memcpy(look->name, signer->name, sizeof(look->name));
	look->ticket = signer->ticket;
	look->block = signer->block;
	/*
	 * Key changes of reversible blocks are not in the table; those of judged blocks are here.
	 */
	look->whole_to = all->signers->is_reversible && all->signers->judged_from > 0
				 ? all->signers->judged_from
				 : signer->block;
	look->is_doubted = signer->is_doubted;
	look->must_save = state == KEY_SAVING;
	look->is_told = look->must_save && !signer->must_bind;
	look->row = signer->row;
}

/* All in one job. If the executor has no room, they wait until a commit ends. */
static void look_up(struct signers *signers)
{
	struct look_job *all;
	size_t count = 0;

	for (const struct signer *signer = signers->first; signer; signer = signer->next)
		count += signer->state == KEY_NEW;
	if (count == 0 || !executor_has_room(signers->shared->executor))
		return;
	all = new_job(signers, count);
	for (struct signer *signer = signers->first; signer; signer = signer->next)
		if (signer->state == KEY_NEW)
			add_look(all, signer, KEY_LOOKING);
	executor_look_up(signers->shared->executor, &all->job);
}

/* This key signed block signer->block, and it is believed: it becomes the known one. */
static void save(struct signers *signers, struct signer *signer, const char *key)
{
	struct look_job *all;

	if (!signers->is_reversible && !executor_has_room(signers->shared->executor))
		return; /* the block is judged again when a commit has ended */
	signer->row = (struct witness_key){.since_block = signer->block - 1,
					   .is_of_nodes = true,
					   .last_signed = signer->block};
	memcpy(signer->row.witness, signer->name, sizeof(signer->row.witness));
	snprintf(signer->row.key, sizeof(signer->row.key), "%s", key);
	signer->is_doubted = false;
	if (signers->is_reversible) {
		signer->is_checked = false;
		set_state(signers, signer, KEY_KNOWN);
		return;
	}
	all = new_job(signers, 1);
	add_look(all, signer, KEY_SAVING);
	executor_look_up(signers->shared->executor, &all->job);
}

/* All in one task: in each round, every witness has its turn. */
static void note_signers(struct signers *signers)
{
	struct witness_key_list keys = {.count = 0};

	for (struct signer *signer = signers->first; signer; signer = signer->next) {
		if (!signer->must_note)
			continue;
		signer->must_note = false;
		witness_key_list_add(&keys, &signer->row);
	}
	record_signed(signers->shared, &keys);
}

/* Judging. */

static void tell_waiting(const struct signers *signers, int64_t now_ms)
{
	if (signers->is_reversible || now_ms < signers->waiting_since_ms + WAIT_MS)
		return; /* about reversible blocks, the tail logs it later */
	log_limited(
		&unknown_limit, LOG_LEVEL_WARNING, "key_unknown",
		"block %u is signed with a key of %s that is not known, and no block signed with a known key links to it yet; the tail waits for one, and does not believe the nodes about the key",
		signers->waiting_num,
		signers->waiting_for[0] ? signers->waiting_for : "a witness that is not shown");
}

/* Does the block held[0], or one above it, change the key of the witness to this one? */
static bool is_changed_above(const struct signers *signers, const struct signer *signer,
			     const struct fetched *held, size_t count, const char *key)
{
	struct witness_key_list changes = {.count = 0};
	bool is_changed = false;

	for (size_t i = 0; i < count; i++)
		key_changes_add(&changes, signers->shared->proof, held[i].block);
	for (size_t j = 0; j < changes.count; j++)
		is_changed |= strcmp(changes.items[j].witness, signer->name) == 0 &&
			      strcmp(changes.items[j].key, key) == 0;
	witness_key_list_release(&changes);
	return is_changed;
}

/* Later blocks are judged by the keys that this block sets. */
static void take_changes(struct signers *signers, const struct block *block)
{
	struct witness_key_list changes = {.count = 0};

	if (!key_changes_are_proved(block))
		return;
	key_changes_add(&changes, signers->shared->proof, block);
	for (size_t i = 0; i < changes.count; i++) {
		struct signer *signer = get(signers, changes.items[i].witness, block->num + 1);

		signer->row = changes.items[i];
		signer->is_in_table = signer->must_note = false;
		signer->first_signed = 0;
		signer->is_checked = false;
		set_state(signers, signer, KEY_KNOWN);
	}
	witness_key_list_release(&changes);
}

PRINTF_LIKE(3, 4)
static enum signer_verdict not_good(struct signers *signers, enum signer_verdict verdict,
				    const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(signers->reason, sizeof(signers->reason), format, args);
	va_end(args);
	return verdict;
}

/*
 * Another key than that of the row signed the block.  If every block since the row is stored, no
 * operation changed the key, so the block is false.
 */
static enum signer_verdict judge_mismatch(struct signers *signers, struct signer *signer,
					  const struct block *block, const char *key)
{
	if (!signer->is_checked || signer->block != block->num) {
		signer->block = block->num;
		signer->is_doubted = true;
		set_state(signers, signer, KEY_NEW);
		return SIGNER_OPEN;
	}
	signer->is_checked = false; /* next time, look it up again */
	signer->is_doubted = false;
	if (!signer->is_whole) { /* must_bind is a result of the same look-up */
		set_state(signers, signer, KEY_UNKNOWN);
		return SIGNER_OPEN;
	}
	return not_good(signers, SIGNER_FALSE,
			"signed with %s, and the key of its witness %s is %s since block %u", key,
			signer->name, signer->row.key, signer->row.since_block);
}

/*
 * Did the key sign a block here a round ago or earlier?  If not, its signature is not noted yet: so
 * at a first start, all witnesses of the first round are learnt before enough keys are known.
 */
static bool signs_again(const struct signers *signers, struct signer *signer, uint32_t num)
{
	if (signer->first_signed == 0)
		signer->first_signed = num;
	return num - signer->first_signed >= keyring_round(signers->shared->config.chain);
}

/*
 * The key of the row signed this block. Note it in the row, if the row is or will be in the table.
 */
static void note_signed(struct signers *signers, struct signer *signer, uint32_t num)
{
	if (signers->is_reversible ||
	    (!signer->is_in_table && signer->row.since_block > signers->shared->committed_block) ||
	    !keyring_must_note(&signer->row, signers->shared->config.chain, num))
		return;
	if (signer->row.last_signed == 0 && !signs_again(signers, signer, num))
		return;
	signer->row.last_signed = num;
	signer->must_note = true;
}

/* If this is false, and its key is still being looked up, *ret_open becomes true. */
static bool is_signed_with_known_key(struct signers *signers, const struct block *block,
				     bool *ret_open)
{
	char text[KEY_TEXT_BYTES];
	const struct signer *signer;
	struct error ignored = ERROR_INIT;
	struct key key;

	if (!block->seal || !is_name(block->seal->witness))
		return false;
	signer = get(signers, block->seal->witness, block->num);
	if (signer->state != KEY_KNOWN) {
		*ret_open = *ret_open || signer->state != KEY_UNKNOWN;
		return false;
	}
	return signer->row.since_block < block->num &&
	       proof_signer(signers->shared->proof, block, &key, &ignored) == 0 &&
	       strcmp(proof_key_text(signers->shared->proof, &key, text), signer->row.key) == 0;
}

/*
 * Does a block that is signed with a known key link down to held[0]?  Nothing proves the blocks
 * between them yet; if one of them changes a key, neither the old nor the new one is known above
 * it. *ret_above: how many blocks link down to held[0] without a known signer; 0: not all are
 * looked up yet.
 */
static bool is_bound(struct signers *signers, const struct fetched *held, size_t count,
		     unsigned *ret_above)
{
	struct witness_key_list changes = {.count = 0};
	bool is_found = false, is_open = false;
	unsigned above = 0;

	for (size_t at = 1; !is_found && at < count && above < MOST_UNKNOWN; at++, above++) {
		const struct block *below = held[at - 1].block, *block = held[at].block;

		if (block->num != below->num + 1 || !block_links(below, block))
			break;
		key_changes_add(&changes, signers->shared->proof, below);
		is_found = is_signed_with_known_key(signers, block, &is_open) &&
			   !keyring_has(&changes, block->seal->witness);
	}
	witness_key_list_release(&changes);
	*ret_above = is_open ? 0 : above;
	return is_found;
}

static void begin_to_wait(struct signers *signers, const struct signer *signer, uint32_t num)
{
	if (signers->waiting_num == num)
		return;
	signers->waiting_num = num;
	signers->waiting_since_ms = clock_now_ms();
	snprintf(signers->waiting_for, sizeof(signers->waiting_for), "%s", signer->name);
}

/* Only a block above can tell whether `key` is right; NULL: the JSON does not show the key. */
static enum signer_verdict judge_bound(struct signers *signers, struct signer *signer,
				       const struct fetched *held, size_t count, const char *key)
{
	unsigned above;

	begin_to_wait(signers, signer, held[0].block->num);
	if (is_bound(signers, held, count, &above)) {
		if (!key)
			return SIGNER_GOOD;
		save(signers, signer, key);
		return signer->state == KEY_KNOWN ? SIGNER_GOOD : SIGNER_OPEN;
	}
	if (above < MOST_UNKNOWN)
		return SIGNER_OPEN;
	return not_good(
		signers, SIGNER_FALSE,
		"and neither its signer nor those of the %u blocks above it are known witnesses",
		above);
}

static void tell_late(const struct signers *signers, const struct signer *signer, const char *key)
{
	if (!signers->is_reversible)
		log_limited(
			&late_limit, LOG_LEVEL_WARNING, "key_unknown",
			"too few nodes tell the key of %s; block %u, which most nodes give, is signed with %s, so this key is believed",
			signer->name, signer->block, key);
}

/*
 * Most nodes must tell the key; but they tell that of now, and a block above may have set it.  If too
 * few tell the same one, the vote on the block decides about its signer, too: a node that lies, or
 * nodes that do not offer the call, must not stop the tail.
 */
static enum signer_verdict judge_unknown(struct signers *signers, struct signer *signer,
					 const struct fetched *held, size_t count, const char *key)
{
	const char *told = node_keys_told(signers->node_keys, signer->name);
	bool is_late = node_keys_are_late(signers->node_keys, signer->name);

	if (!told && !is_late)
		return SIGNER_OPEN;
	if (is_late)
		tell_late(signers, signer, key);
	else if (strcmp(told, key) != 0 && !is_changed_above(signers, signer, held, count, told))
		return not_good(
			signers, SIGNER_DENIED,
			"signed with %s, and the key of its witness %s is %s, as most nodes say",
			key, signer->name, told);
	save(signers, signer, key);
	return signer->state == KEY_KNOWN ? SIGNER_GOOD : SIGNER_OPEN;
}

static enum signer_verdict judge(struct signers *signers, struct signer *signer,
				 const struct fetched *held, size_t count, bool is_next,
				 const char *key)
{
	const struct block *block = held[0].block;
	enum signer_verdict verdict;

	switch (signer->state) {
	case KEY_KNOWN:
		if (strcmp(signer->row.key, key) == 0) {
			note_signed(signers, signer, block->num);
			return SIGNER_GOOD;
		}
		if (!is_next)
			return SIGNER_OPEN;
		verdict = judge_mismatch(signers, signer, block, key);
		if (signer->state != KEY_UNKNOWN || !signer->must_bind)
			return verdict;
		return judge_bound(signers, signer, held, count, key);
	case KEY_UNKNOWN:
		signer->block = block->num;
		if (signer->must_bind)
			return judge_bound(signers, signer, held, count, key);
		return judge_unknown(signers, signer, held, count, key);
	case KEY_NEW:
	case KEY_LOOKING:
	case KEY_SAVING:
		break;
	}
	return SIGNER_OPEN;
}

/* The JSON does not show the whole header, so nobody knows who signed it. */
static enum signer_verdict judge_unsealed(struct signers *signers, const struct fetched *held,
					  size_t count)
{
	uint32_t num = held[0].block->num;
	struct signer *signer = get(signers, "", num);

	if (signer->block != num) {
		signer->block = num;
		set_state(signers, signer, KEY_NEW);
	}
	if (signer->state != KEY_UNKNOWN)
		return SIGNER_OPEN;
	if (!signer->must_bind)
		return SIGNER_GOOD;
	return judge_bound(signers, signer, held, count, NULL);
}

enum signer_verdict signers_judge(struct signers *signers, struct fetched *held, size_t count,
				  bool is_next)
{
	struct block *block = held[0].block;
	struct proof *proof = signers->shared->proof;
	enum signer_verdict verdict;
	struct error err = ERROR_INIT;
	char text[KEY_TEXT_BYTES];
	struct key key;

	if (signers->judged_from == 0)
		signers->judged_from = block->num;
	if (block->seal && !is_name(block->seal->witness))
		return not_good(signers, SIGNER_FALSE, "its witness has no valid name");
	if (block->seal && proof_signer(proof, block, &key, &err) != 0)
		return not_good(signers, SIGNER_FALSE, "%s", err.text);
	if (block->seal)
		verdict = judge(signers, get(signers, block->seal->witness, block->num), held,
				count, is_next, proof_key_text(proof, &key, text));
	else
		verdict = judge_unsealed(signers, held, count);
	if (verdict != SIGNER_GOOD)
		return verdict;
	if (signers->waiting_num == block->num)
		signers->waiting_num = 0;
	if (block->proof == BLOCK_PROOF_CONTENT)
		block->proof = BLOCK_PROOF_SIGNED;
	take_changes(signers, block);
	return SIGNER_GOOD;
}

/*
 * A block waits for one above it.  Look up the keys of the witnesses above it again: another reader
 * may have added them.
 */
static int64_t look_again(struct signers *signers, int64_t now_ms)
{
	int64_t due_ms = CLOCK_NEVER;

	if (signers->waiting_num == 0)
		return CLOCK_NEVER;
	for (struct signer *signer = signers->first; signer; signer = signer->next) {
		if (signer->state != KEY_UNKNOWN || !signer->must_bind)
			continue;
		if (signer->look_at_ms == 0)
			signer->look_at_ms = now_ms + LOOK_AGAIN_MS;
		if (now_ms < signer->look_at_ms) {
			due_ms = sooner(due_ms, signer->look_at_ms);
			continue;
		}
		signer->is_doubted = false;
		set_state(signers, signer, KEY_NEW);
		tell_waiting(signers, now_ms);
	}
	return due_ms;
}

/* Public functions. */

struct signers *signers_new(struct shared *shared, bool is_reversible)
{
	struct signers *signers = xcalloc(1, sizeof(*signers));

	signers->shared = shared;
	signers->is_reversible = is_reversible;
	signers->node_keys = node_keys_new(shared, is_reversible);
	return signers;
}

void signers_forget(struct signers *signers)
{
	signers->judged_from = 0;
	node_keys_stop_all(signers->node_keys);
	while (signers->first) {
		struct signer *signer = signers->first;

		signers->first = signer->next;
		free(signer);
	}
}

void signers_free(struct signers *signers)
{
	if (!signers)
		return;
	signers_forget(signers);
	node_keys_free(signers->node_keys);
	free(signers);
}

const char *signers_reason(const struct signers *signers)
{
	return signers->reason;
}

void signers_expect(struct signers *signers, const struct block *block)
{
	if (block->seal && is_name(block->seal->witness))
		(void)get(signers, block->seal->witness, block->num);
}

bool signers_holds_up(const struct signers *signers, uint32_t num)
{
	return signers->waiting_num == num;
}

int64_t signers_step(struct signers *signers, int64_t now_ms)
{
	int64_t due_ms;

	due_ms = look_again(signers, now_ms);
	look_up(signers);
	note_signers(signers);
	return sooner(due_ms, node_keys_step(signers->node_keys, now_ms));
}
