/* SPDX-License-Identifier: MIT */
#include "promises.h"

#include <string.h>

#include "base/mem.h"
#include "chain.h"
#include "nodes.h"
#include "sched.h"
#include "statements_impl.h"
#include "witness.h"

/* A reader may be frozen between reading the neighbours and its commit. */
#define SAME_MOMENT_US 60000000

static bool lies_are_told, lies_are_in_vain;
static bool is_tearing;
static uint32_t open_first;   /* where the open range first began; 0: there was none yet */
static struct range_set torn; /* rows deleted by hand: only the next full scan can find them */

/* A transaction that sees all commits. */
static const struct tx everything = {.node = NODE_ALL};

static bool same_id(const uint8_t a[BLOCK_ID_BYTES], uint32_t num, unsigned version)
{
	uint8_t id[BLOCK_ID_BYTES];

	chain_id(num, version, id);
	return memcmp(a, id, BLOCK_ID_BYTES) == 0;
}

static bool same_op(const struct op *a, const struct op *b)
{
	return a->trx_in_block == b->trx_in_block && a->op_in_trx == b->op_in_trx &&
	       a->virtual_op == b->virtual_op && a->hash == b->hash;
}

/* together: a block is stored with all its operations, or not at all. */
static void check_operations(const struct block_row *row, unsigned version)
{
	const struct op_rows *wanted = chain_operations(row->num, version);
	const struct op_rows *stored = row_read(&everything, TABLE_OPERATIONS, row->num);
	size_t count = stored ? stored->count : 0;

	if (row->operations != wanted->count || row->stored_operations != wanted->count)
		sim_fail("block %u has %zu operations, its row says %llu", row->num, wanted->count,
			 (unsigned long long)row->operations);
	if (count != wanted->count)
		sim_fail("block %u has %zu operations, %zu are stored", row->num, wanted->count,
			 count);
	for (size_t i = 0; i < count; i++)
		if (!same_op(&stored->items[i], &wanted->items[i]))
			sim_fail("operation %zu of block %u is not the chain's", i, row->num);
}

/* once: every operation of a delivered block is in its queue, once. */
static void check_deliveries(const struct block_row *row, unsigned version)
{
	const struct op_rows *wanted = chain_operations(row->num, version);
	uint32_t crc = block_id_crc32(row->id);
	const struct delivered_row *delivered;
	size_t count = 0;
	uint64_t key;

	for (EACH_ROW(&everything, TABLE_DELIVERED, (uint64_t)row->num << 20,
		      (((uint64_t)row->num + 1) << 20) - 1, key, delivered))
		count += delivered->block_crc == crc;
	/* A delivered block may be deleted by hand and come back as history. */
	if (count != wanted->count && (row->is_delivered || count > 0))
		sim_fail("block %u has %zu operations, %zu were delivered", row->num, wanted->count,
			 count);
}

/*
 * only the chain: without liars, all stored blocks are part of the chain or, while reversible,
 * of a fork of it.  With a liar this is still so while more honest nodes are well, and with any
 * number of liars if the keys of most witnesses were known before.  Otherwise it
 * is at least a block that somebody made: a block that does not prove itself is never stored.
 */
/* lies were stored while honest nodes were in trouble; more may follow */
static bool lies_are_stored;

static void check_block(const struct block_row *row)
{
	int found = chain_version(row->num, row->id);
	unsigned version = found > 0 ? (unsigned)found : VERSION_TRUE;
	uint8_t previous[BLOCK_ID_BYTES];
	char timestamp[20];

	if (found < 0 || (chain_is_lie(version) && !lies_are_told))
		sim_fail("stored block %u is nobody's", row->num);
	if (chain_is_lie(version) && lies_are_in_vain)
		sim_fail("stored block %u is false, and keys are known", row->num);
	if (row->is_irreversible && chain_is_lie(version) && !lies_are_stored && honest_are_most())
		sim_fail("stored block %u is false, and most nodes are honest and well", row->num);
	lies_are_stored = lies_are_stored || chain_is_lie(version);
	if (row->is_irreversible && version >= VERSION_BRANCHES && !chain_is_lie(version))
		sim_fail("stored block %u is of a fork, and is said to be irreversible", row->num);
	chain_previous(row->num, version, previous);
	if (memcmp(row->previous, previous, BLOCK_ID_BYTES) != 0)
		sim_fail("stored block %u has a wrong previous block", row->num);
	chain_timestamp(row->num, ' ', timestamp);
	if (strcmp(timestamp, row->timestamp) != 0)
		sim_fail("stored block %u has the timestamp %s", row->num, row->timestamp);
	if (row->num > chain_head())
		sim_fail("block %u is stored, the head is %u", row->num, chain_head());
	if (row->is_irreversible && row->num > chain_irreversible())
		sim_fail("block %u is stored as irreversible, %u is", row->num,
			 chain_irreversible());
	check_operations(row, version);
	check_deliveries(row, version);
}

/* A block counts as signed if it was signed with the key that the table has for its witness. */
static void check_signer(const struct block_row *row)
{
	const char *witness = witness_name(row->num % WITNESS_COUNT);
	int version = chain_version(row->num, row->id);
	bool is_lie = version > 0 && chain_is_lie((unsigned)version);
	uint64_t key;
	const struct key_row *known = row_last(&everything, TABLE_KEYS, key_place(witness, 0),
					       key_place(witness, row->num - 1), &key);

	if (!row->is_irreversible)
		return; /* its key may be one that nodes told, which goes into the table with the tail only */
	if (!known || strcmp(known->key, witness_key(row->num % WITNESS_COUNT, is_lie)) != 0)
		sim_fail("block %u was not signed with the key of %s", row->num, witness);
}

static bool is_written_here(const struct tx *tx, uint32_t num)
{
	for (size_t i = 0; i < tx->write_count; i++)
		if (tx->writes[i].table == TABLE_BLOCKS && tx->writes[i].key == num)
			return true;
	return false;
}

/*
 * A new irreversible block links to the blocks stored with it and before it.  A neighbour that
 * another reader stores at the same moment may not: ledger_look_after() reports that.
 */
static void check_link_to(const struct tx *tx, const struct block_row *row,
			  const struct block_row *other)
{
	bool is_above = other && other->num > row->num;

	if (!other || !row->is_irreversible || !other->is_irreversible ||
	    memcmp(is_above ? other->previous : row->previous, is_above ? row->id : other->id,
		   BLOCK_ID_BYTES) == 0)
		return;
	if (is_written_here(tx, other->num) ||
	    other->committed_us + SAME_MOMENT_US < row->committed_us)
		sim_fail("block %u was stored beside %u, and they do not link", row->num,
			 other->num);
}

static bool commits_progress(const struct tx *tx, uint32_t num)
{
	for (size_t i = 0; i < tx->write_count; i++) {
		const struct reader_row *row;

		if (tx->writes[i].table != TABLE_READERS)
			continue;
		row = row_read(&everything, TABLE_READERS, tx->writes[i].key);
		if (row && row->last_block >= num)
			return true;
	}
	return false;
}

/* Replaced reversible blocks are kept as orphans. */
static void check_orphans(const struct tx *tx, const struct block_row *old)
{
	const struct op_rows *wanted =
		chain_operations(old->num, (unsigned)chain_version(old->num, old->id));

	if (wanted->count == 0)
		return;
	for (size_t i = 0; i < tx->write_count; i++) {
		const struct orphan_row *row;

		if (tx->writes[i].table != TABLE_ORPHANS)
			continue;
		row = row_read(&everything, TABLE_ORPHANS, tx->writes[i].key);
		if (row->num == old->num && memcmp(row->id, old->id, BLOCK_ID_BYTES) == 0 &&
		    row->operations->count == wanted->count)
			return;
	}
	sim_fail("block %u was replaced, and its operations are not among the orphans", old->num);
}

static void check_orphan(const struct write *write)
{
	const struct orphan_row *row = row_read(&everything, TABLE_ORPHANS, write->key);
	const struct block_row *block = row_read(&everything, TABLE_BLOCKS, row->num);

	if (!block || memcmp(block->id, row->id, BLOCK_ID_BYTES) == 0)
		sim_fail("block %u is called an orphan", row->num);
}

/* The outbox. */

/* A comment that waits in the outbox is noted with its block, or already confirmed. */
static void check_seen(const struct block_row *row)
{
	const struct comment_row *comment = row_read(&everything, TABLE_COMMENTS, row->num);
	int version = chain_version(row->num, row->id);

	if (!row->is_irreversible || !comment || comment->is_confirmed ||
	    !chain_has_comment(row->num, (unsigned)version))
		return;
	if (!row_read(&everything, TABLE_SEEN, row->num))
		sim_fail("block %u was committed, and nothing says that its comment was seen",
			 row->num);
}

static void check_confirmed(uint64_t num)
{
	const struct comment_row *comment = row_read(&everything, TABLE_COMMENTS, num);
	const struct block_row *row = row_read(&everything, TABLE_BLOCKS, num);
	char trx_id[BLOCK_ID_HEX + 1];

	if (!comment->is_confirmed || !row) /* or somebody deleted the row by hand */
		return;
	if (!row->is_irreversible || comment->block != num)
		sim_fail("the comment of block %u is confirmed in block %u, or too early", row->num,
			 comment->block);
	chain_trx_id(row->num, (unsigned)chain_version(row->num, row->id), 0, trx_id);
	if (strcmp(comment->trx_id, trx_id) != 0)
		sim_fail("the comment of block %u is confirmed in another trx", row->num);
}

/* A transaction that a poster signed before the block came is noted with the block, or confirmed. */
static void check_trx_seen(const struct block_row *row)
{
	const struct signed_row *trx = row_read(&everything, TABLE_SIGNED, row->num);

	if (!row->is_irreversible || !trx || trx->is_confirmed ||
	    chain_version(row->num, row->id) != VERSION_TRUE)
		return;
	if (!row_read(&everything, TABLE_TRXS_SEEN, row->num))
		sim_fail("block %u was committed, and nothing says that its trx was seen",
			 row->num);
}

static void check_trx_confirmed(uint64_t num)
{
	const struct signed_row *trx = row_read(&everything, TABLE_SIGNED, num);
	const struct block_row *row = row_read(&everything, TABLE_BLOCKS, num);

	if (!trx->is_confirmed || !row)
		return;
	if (!row->is_irreversible || chain_version(row->num, row->id) != VERSION_TRUE)
		sim_fail("the trx of block %u is confirmed too early", row->num);
}

bool promises_all_confirmed(void)
{
	uint64_t key;

	return row_first(&everything, TABLE_SEEN, 0, UINT64_MAX, &key) == NULL &&
	       row_first(&everything, TABLE_TRXS_SEEN, 0, UINT64_MAX, &key) == NULL;
}

static void check_block_write(const struct tx *tx, const struct write *write)
{
	const struct block_row *old = row_before(tx, write);
	const struct block_row *row = row_read(&everything, TABLE_BLOCKS, write->key);

	if (!row)
		sim_fail("block %llu was deleted", (unsigned long long)write->key);
	if (old && old->is_irreversible)
		sim_fail("irreversible block %u was written again", row->num);
	if (old && !row->is_irreversible)
		sim_fail("reversible block %u was written again, and is still reversible",
			 row->num);
	if (old && memcmp(old->id, row->id, BLOCK_ID_BYTES) != 0)
		check_orphans(tx, old);
	check_block(row);
	if (strcmp(row->proof, "signed") == 0)
		check_signer(row);
	else if (strcmp(row->proof, "content") != 0 && !sim_was_hidden[row->num])
		sim_fail("block %u was stored with the proof \"%s\"", row->num, row->proof);
	check_seen(row);
	check_trx_seen(row);
	check_link_to(tx, row, row_read(&everything, TABLE_BLOCKS, row->num - 1));
	check_link_to(tx, row, row_read(&everything, TABLE_BLOCKS, row->num + 1));
	if (!row->is_delivered && open_first > 0 && row->num >= open_first)
		sim_fail("block %u of the open range was not delivered", row->num);
	if (row->is_irreversible && !commits_progress(tx, row->num))
		sim_fail("block %u was committed without the reader's progress", row->num);
	if (row->is_irreversible)
		range_remove(&torn, row->num, row->num);
}

/* no silent hole */

static void add_wanted(struct range_set *wanted, uint32_t to, bool scanned_only)
{
	const struct range_row *row;
	uint64_t key;

	for (EACH_ROW(&everything, TABLE_RANGES, 0, UINT64_MAX, key, row)) {
		uint32_t last = row->last > 0 ? row->last : scanned_only ? row->scanned_to : to;

		if (last > to)
			last = to;
		if (last >= row->first)
			range_add(wanted, row->first, last);
	}
}

static void remove_stored(struct range_set *set)
{
	const struct block_row *row;
	uint32_t run_first = 0, run_last = 0;
	uint64_t key;

	for (EACH_ROW(&everything, TABLE_BLOCKS, 0, UINT64_MAX, key, row)) {
		if (!row->is_irreversible)
			continue;
		if (run_first > 0 && row->num == run_last + 1) {
			run_last = row->num;
			continue;
		}
		if (run_first > 0)
			range_remove(set, run_first, run_last);
		run_first = row->num;
		run_last = row->num;
	}
	if (run_first > 0)
		range_remove(set, run_first, run_last);
}

static void remove_gaps(struct range_set *set)
{
	const struct gap_row_model *row;
	uint64_t key;

	for (EACH_ROW(&everything, TABLE_GAPS, 0, UINT64_MAX, key, row))
		range_remove(set, row->first, row->last);
}

static void check_no_hidden_hole(void)
{
	CLEANUP(range_set_release) struct range_set holes = RANGE_SET_INIT;
	char text[200];

	add_wanted(&holes, UINT32_MAX, true);
	remove_stored(&holes);
	remove_gaps(&holes);
	range_remove_set(&holes, &torn);
	if (holes.count > 0)
		sim_fail("blocks %s are missing and known_gaps does not show them",
			 range_format(&holes, text, sizeof(text)));
}

static void check_gap_rows(void)
{
	const struct gap_row_model *row;
	uint32_t last = 0;
	uint64_t key;

	for (EACH_ROW(&everything, TABLE_GAPS, 0, UINT64_MAX, key, row)) {
		if (row->first <= last || row->last < row->first)
			sim_fail("rows of known_gaps overlap at %u", row->first);
		last = row->last;
	}
}

/* It may later begin lower, while the blocks below are on their way as history. */
static void note_open_range(void)
{
	const struct range_row *row;
	uint64_t key;

	for (EACH_ROW(&everything, TABLE_RANGES, 0, UINT64_MAX, key, row))
		if (open_first == 0 && row->last == 0)
			open_first = row->first;
}

/* The commit hook. */

static void check_commit(const struct tx *tx)
{
	bool touches_gaps = false;

	if (is_tearing)
		return;
	for (size_t i = 0; i < tx->write_count; i++) {
		const struct write *write = &tx->writes[i];

		switch (write->table) {
		case TABLE_BLOCKS:
			check_block_write(tx, write);
			break;
		case TABLE_OPERATIONS:
			if (row_read(&everything, TABLE_OPERATIONS, write->key) &&
			    !row_read(&everything, TABLE_BLOCKS, write->key))
				sim_fail("operations of block %llu were committed without it",
					 (unsigned long long)write->key);
			break;
		case TABLE_ORPHANS:
			check_orphan(write);
			break;
		case TABLE_COMMENTS:
			check_confirmed(write->key);
			break;
		case TABLE_SIGNED:
			check_trx_confirmed(write->key);
			break;
		case TABLE_GAPS:
		case TABLE_RANGES:
			note_open_range();
			touches_gaps = true;
			break;
		default:
			break;
		}
	}
	if (!touches_gaps)
		return;
	check_no_hidden_hole();
	check_gap_rows();
}

void promises_open(bool has_lies, bool keys_are_known)
{
	lies_are_in_vain = keys_are_known;
	lies_are_told = has_lies;
	lies_are_stored = false;
	is_tearing = false;
	open_first = 0;
	note_open_range();
	range_set_clear(&torn);
	tables_commit_hook = check_commit;
}

void promises_torn(uint32_t first, uint32_t last)
{
	is_tearing = true;
	range_add(&torn, first, last);
}

void promises_mended(void)
{
	is_tearing = false;
}

void promises_missing(uint32_t to, bool without_gaps, struct range_set *ret_missing)
{
	add_wanted(ret_missing, to, false);
	remove_stored(ret_missing);
	if (without_gaps)
		remove_gaps(ret_missing);
}

void promises_check_all(void)
{
	const struct block_row *row;
	uint64_t key;

	for (EACH_ROW(&everything, TABLE_BLOCKS, 0, UINT64_MAX, key, row))
		check_block(row);
	check_no_hidden_hole();
}

uint32_t promises_newest(void)
{
	uint64_t key = 0;

	return row_last(&everything, TABLE_BLOCKS, 0, UINT64_MAX, &key) ? (uint32_t)key : 0;
}

bool promises_holds_lies(void)
{
	const struct block_row *row;
	uint64_t key;

	for (EACH_ROW(&everything, TABLE_BLOCKS, 0, UINT64_MAX, key, row))
		if (!same_id(row->id, row->num, VERSION_TRUE))
			return true;
	return false;
}
