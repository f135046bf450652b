/* SPDX-License-Identifier: MIT */
/*
 * The tasks of a start: open the database, and determine the wanted ranges.  Each is started
 * once and reports once.  A dry run also shows here which stored blocks it would read again.
 */
#ifndef SYNC_STARTUP_H
#define SYNC_STARTUP_H

#include <stdbool.h>
#include <stdint.h>

#include "store/wanted_ranges.h"
#include "sync/shared.h"

struct chain_check;
struct startup;

/* done: a task is over (not called if the reader must end: see shared_end()). */
struct startup *startup_new(struct shared *shared, const struct chain_check *check,
			    void (*done)(void *context), void *context);
/* NULL is allowed. Call it only after the executor has stopped, or while no task is under way. */
void startup_free(struct startup *startup);

/*
 * Check the schema and the filter, take the name's row in `readers` (a dry run writes
 * nothing), and look at the clock of the database.
 */
void startup_open(struct startup *startup);
/*
 * Are these ranges irreversible by now, according to the nodes or the database?  If not, the
 * reader ends and says so.
 */
bool startup_allows(struct startup *startup, const struct range_set *ranges);
/*
 * Set the wanted ranges by configuration and command line, given the irreversible block, and
 * load them.  A backfill above the irreversible block ends the reader.
 */
void startup_want(struct startup *startup, uint32_t irreversible);
/*
 * Write to shared->config.dry_run which stored blocks the backfill would read again.  A failure
 * ends the reader.
 */
void startup_preview(struct startup *startup);

/* How many blocks startup_preview() named. */
uint64_t startup_outdated_count(const struct startup *startup);
/* The ranges as of the last startup_want(); valid until the next one. */
const struct wanted_ranges *startup_ranges(const struct startup *startup);

#endif
