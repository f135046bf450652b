/* SPDX-License-Identifier: MIT */
/*
 * A layer between store/db and the client library that makes single calls fail.
 *
 * The linker puts it there (-Wl,--wrap, in tests.am), so the program under test is the one
 * that is shipped.  shim_arm() counts from then on; the k-th call fails with the given error,
 * before it took effect or after.  What a server would do with such an error happens too: it
 * rolls back the transaction, or the connection is cut.  shim_storm() lets calls fail by chance.
 */
#ifndef TESTS_STORE_SHIM_H
#define TESTS_STORE_SHIM_H

#include <stdbool.h>
#include <stddef.h>

struct shim_error {
	unsigned code;
	const char *state;
	bool rolls_back; /* the whole transaction, by the server */
	bool cuts;       /* the connection */
};

#define SHIM_ERRORS ((size_t)8)
extern const struct shim_error shim_errors[SHIM_ERRORS];

struct shim {
	unsigned fail_at; /* 0: no call of its own */
	unsigned storm_percent;
	const struct shim_error *error;
	bool after;
	unsigned calls;
	unsigned failures;
	char what[200];     /* the call that failed last */
	const void *broken; /* the handle that tells the error */
	const void *stored; /* the statement whose rows are in memory: reading these cannot fail */
};
extern struct shim shim;

void shim_arm(unsigned fail_at, const struct shim_error *error, bool after);
void shim_storm(unsigned percent);

#endif
