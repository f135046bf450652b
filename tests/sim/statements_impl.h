/* SPDX-License-Identifier: MIT */
/* What the statement files share. */
#ifndef SIM_STATEMENTS_IMPL_H
#define SIM_STATEMENTS_IMPL_H

#include "statements.h"

void give_u64(struct call *call, uint64_t number);
void give_null(struct call *call);
void give_bytes(struct call *call, const void *data, size_t len);
void give_text(struct call *call, const char *text);
uint64_t take_u64(const struct call *call, size_t at);
const char *take_text(const struct call *call, size_t at);
uint64_t bulk_u64_or(const struct call *call, size_t column, size_t row, uint64_t null);
const char *bulk_text(const struct call *call, size_t column, size_t row);

/* The open range; NULL: none. */
const struct range_row *find_open(const struct call *call);
uint64_t bulk_u64(const struct call *call, size_t column, size_t row);
/* The row of the session whose name and token are the values at `at`. */
const struct reader_row *find_session(const struct call *call, size_t at);

bool model_activate_filter(struct call *call);
bool model_change_ranges(struct call *call);
bool model_confirm_comment(struct call *call);
bool model_delete_claim(struct call *call);
bool model_delete_claims(struct call *call);
bool model_delete_comment_seen(struct call *call);
bool model_delete_gaps(struct call *call);
bool model_delete_operations(struct call *call);
bool model_delete_reader(struct call *call);
bool model_delete_trx_seen(struct call *call);
bool model_delete_witness_keys(struct call *call);
bool model_insert_blocks(struct call *call);
bool model_insert_claim(struct call *call);
bool model_insert_comment_seen(struct call *call);
bool model_insert_delivered(struct call *call);
bool model_insert_deliveries(struct call *call);
bool model_insert_filter(struct call *call);
bool model_insert_gaps(struct call *call);
bool model_insert_operations(struct call *call);
bool model_insert_orphans(struct call *call);
bool model_insert_queue(struct call *call);
bool model_insert_range(struct call *call);
bool model_insert_trx_seen(struct call *call);
bool model_insert_witness_key(struct call *call);
bool model_keep_irreversible(struct call *call);
bool model_lock_bookkeeping(struct call *call);
bool model_lock_comment(struct call *call);
bool model_lock_signed_trx(struct call *call);
bool model_renew_claims(struct call *call);
bool model_select_active_filter(struct call *call);
bool model_select_blocks(struct call *call);
bool model_select_claims(struct call *call);
bool model_select_comments_seen(struct call *call);
bool model_select_delivered(struct call *call);
bool model_select_edge_block(struct call *call);
bool model_select_filter(struct call *call);
bool model_select_gap_below(struct call *call);
bool model_select_gaps(struct call *call);
bool model_select_gaps_due(struct call *call);
bool model_select_irreversible(struct call *call);
bool model_select_keys_lately(struct call *call);
bool model_select_keys_whole(struct call *call);
bool model_select_now(struct call *call);
bool model_select_open_trx(struct call *call);
bool model_select_outbox_authors(struct call *call);
bool model_select_queue(struct call *call);
bool model_select_ranges(struct call *call);
bool model_select_reader(struct call *call);
bool model_select_schema_version(struct call *call);
bool model_select_signed_trxs(struct call *call);
bool model_select_trxs_seen(struct call *call);
bool model_select_witness_key(struct call *call);
bool model_sum_gaps(struct call *call);
bool model_update_block(struct call *call);
bool model_update_claim_expired(struct call *call);
bool model_update_key_signed(struct call *call);
bool model_update_reader(struct call *call);
bool model_update_trx_confirmed(struct call *call);
bool model_upsert_reader(struct call *call);

/* The key in TABLE_KEYS for the key of a witness. */
uint64_t key_place(const char *witness, uint32_t since);
/* The hash of one operation, as in the table. */
uint64_t op_hash(const char *trx_id, const char *timestamp, const char *name, const char *payload);

#endif
