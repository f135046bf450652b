/* SPDX-License-Identifier: MIT */
/*
 * Recorded answers of real nodes. They are not part of the project: they are beside the
 * source tree in ../shared/chain; if they are missing, the tests that need them are
 * skipped.
 */
#ifndef TESTS_RECORDED_H
#define TESTS_RECORDED_H

#include <stddef.h>

/* The path of `name` in the recorded data; the caller frees it. */
char *recorded_path(const char *name);
/* The whole file with a NUL behind, or NULL; the caller frees it. */
char *recorded_read(const char *name, size_t *ret_len);

#endif
