/* SPDX-License-Identifier: MIT */
/*
 * The filter belongs to the database: which set of rules is active for all readers.
 *
 * The text is normalised by the caller; equal texts are the same filter.
 */
#ifndef STORE_FILTERS_H
#define STORE_FILTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct db;

/*
 * Find or make the row of this text.  If no filter is active yet, it becomes the active
 * one.  *ret_is_active says whether it is now; *ret_active_text (may be NULL; caller
 * frees) is the text of the active one.
 */
int filters_enlist(struct db *db, const char *text, uint32_t *ret_id, bool *ret_is_active,
		   char **ret_active_text, struct error *err) MUST_CHECK;
/* What the rules name: rows of `queues`, made where they are not there yet. */
int filters_make_queues(struct db *db, const char *const *queues, size_t count,
			struct error *err) MUST_CHECK;
/* Make this text the active filter. *ret_changed: it was another one before. */
int filters_activate(struct db *db, const char *text, uint32_t *ret_id, bool *ret_changed,
		     struct error *err) MUST_CHECK;

#endif
