/* SPDX-License-Identifier: MIT */
/*
 * Memory for secrets: locked, so that it is never written to swap; not part of a core; not
 * copied into a child process; wiped when it is freed.
 *
 * Read a file with a key directly into it, by read(2).  stdio would leave a copy in its buffer.
 * The surprise: a secret also leaves traces on the stack of the functions that compute with it.
 * They end with secret_wipe_stack().
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stddef.h>

#include "base/error.h"

/*
 * `size` bytes, all zero, in pages of their own.  The caller owns them.  NULL with err:
 * ERROR_CONFIG, the limit of locked memory (RLIMIT_MEMLOCK, LimitMEMLOCK=) is too low.
 */
void *secret_alloc(size_t size, struct error *err) MUST_CHECK;
/* Wipe and free; NULL is allowed. `size` as for secret_alloc(). */
void secret_free(void *secret, size_t size);
/* Overwrite the part of the stack that the functions called before have used. */
void secret_wipe_stack(void);

#endif
