/* SPDX-License-Identifier: MIT */
/*
 * The table `readers`: which readers there are.
 *
 * A row belongs to the session that wrote it last.  A daemon takes over the row of its
 * name; an older daemon of that name sees in its next transaction that it was superseded.
 * Times are by the database's clock.
 */
#ifndef STORE_READER_ROWS_H
#define STORE_READER_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct db;

#define READER_NAME_BYTES    64
#define READER_SESSION_BYTES 32

struct reader_identity {
	char name[READER_NAME_BYTES + 1];
	char session[READER_SESSION_BYTES + 1]; /* random, new at each start */
};

/* The session of a row that --rewind took: no process has it. */
#define READERS_REWOUND "rewind"

/* The data of a heartbeat. */
struct reader_report {
	const char *state; /* starting, scanning, replaying, catching_up, tailing, stopping */
	const char *node;  /* label of the node that the reader uses at the tip, or NULL */
	uint32_t head_block;
	uint32_t irreversible_block;
	uint64_t node_failures;
	uint64_t commit_retries;
	uint64_t false_blocks; /* refused: they contradict their own hashes */
	uint64_t false_claims; /* of nodes: most nodes, the stored chain or the clock deny them */
	uint64_t unproved_blocks; /* stored without proof */
};

/* Write or take over the row, and delete the claims of that name. Own transaction. */
int reader_rows_register(struct db *db, const struct reader_identity *identity,
			 const char *program_version, struct error *err) MUST_CHECK;
/* ERROR_CONFIG with an enum reader_over if the row no longer belongs to this session. */
int reader_rows_heartbeat(struct db *db, const struct reader_identity *identity,
			  const struct reader_report *report, struct error *err) MUST_CHECK;
/* The reader stopped: set state `stopped` and delete its claims; the row stays. */
int reader_rows_sign_off(struct db *db, const struct reader_identity *identity,
			 struct error *err) MUST_CHECK;
/* Remove this session's row and claims (for --once and the like). */
int reader_rows_remove(struct db *db, const struct reader_identity *identity,
		       struct error *err) MUST_CHECK;
/* The longest pause between two heartbeats of a live reader, while its database answers. */
#define READERS_SILENCE_S 12
struct reader_pulse {
	bool is_found;
	bool is_stopped;
	uint64_t heartbeat_us; /* since 1970, by the database's clock */
};
/*
 * Read the state and the heartbeat of a reader; is_found is false if there is no row of this
 * name.
 */
int reader_rows_pulse(struct db *db, const char *name, struct reader_pulse *ret_pulse,
		      struct error *err) MUST_CHECK;
/*
 * Remove the row and claims of a name.  Refused (*ret_alive) unless the reader has stopped, or
 * its heartbeat is still heartbeat_us READERS_SILENCE_S after the caller read it.  (The age of a
 * heartbeat says nothing if clocks jump.)
 */
int reader_rows_forget(struct db *db, const char *name, uint64_t heartbeat_us, bool *ret_alive,
		       struct error *err) MUST_CHECK;
/*
 * Find out why a guarded UPDATE did not find the row. Returns -1 with ERROR_CONFIG and an enum
 * reader_over; or 0 with the row's id if the row does belong to this session.  filter_id 0: any.
 * ret_open_first (may be NULL): where the open range begins; 0: there is none.
 */
int reader_rows_look(struct db *db, const struct reader_identity *identity, uint32_t filter_id,
		     uint32_t *ret_reader_id, uint32_t *ret_open_first,
		     struct error *err) MUST_CHECK;
/* The highest irreversible block that any reader recorded; 0: none. */
int reader_rows_irreversible(struct db *db, uint32_t *ret_block, struct error *err) MUST_CHECK;

/* One row of the view reader_status. Strings are NULL or valid during the call. */
struct reader_status_row {
	const char *name;
	const char *state;
	const char *node;
	bool is_alive;
	uint32_t last_block;
	uint32_t irreversible_block;
	uint64_t lag_blocks;
	double lag_s;
	/* negative: not known, because the clock was ahead when it was written */
	double heartbeat_age_s;
	bool has_lag_s; /* false: nothing is stored yet, and lag_blocks and lag_s are 0 */
};
/* Call `row` for each row of the view. */
int reader_rows_list(struct db *db, void (*row)(void *context, const struct reader_status_row *row),
		     void *context, struct error *err) MUST_CHECK;

#endif
