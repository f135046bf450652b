/* SPDX-License-Identifier: MIT */
/*
 * The filter belongs to the database: one set of rules is active for all readers.
 *
 * The caller normalises the text; equal texts are the same filter.
 */
#ifndef STORE_FILTER_ROWS_H
#define STORE_FILTER_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct db;

/*
 * Find or create the row of this text.  If no filter is active yet, it becomes active.
 * *ret_is_active: it is active now; *ret_active_text (may be NULL; the caller frees it): the
 * text of the active filter.
 */
int filter_rows_enlist(struct db *db, const char *text, uint32_t *ret_id, bool *ret_is_active,
		       char **ret_active_text, struct error *err) MUST_CHECK;
/* Create the missing rows of `queues` for the queues that the rules name. */
int filter_rows_make_queues(struct db *db, const char *const *queues, size_t count,
			    struct error *err) MUST_CHECK;
/* Make this text the active filter. *ret_changed: another one was active before. */
int filter_rows_activate(struct db *db, const char *text, uint32_t *ret_id, bool *ret_changed,
			 struct error *err) MUST_CHECK;

#endif
