/* SPDX-License-Identifier: MIT */
/*
 * Which texts can be the name of an account on the chain?  Pure.
 *
 * The rule is is_valid_account_name() in libraries/protocol of steemit/steem.  The chain
 * allows two hyphens in a row; most client libraries do not.
 */
#ifndef STEEM_ACCOUNT_NAME_H
#define STEEM_ACCOUNT_NAME_H

#include <stddef.h>

#define ACCOUNT_NAME_MIN_BYTES 3
#define ACCOUNT_NAME_MAX_BYTES 16
/* The whole rule in words, for a message. */
#define ACCOUNT_NAME_RULE                                                                          \
	"a name has 3 to 16 characters: lower-case letters, digits and '-', in parts of at least " \
	"3 that are joined by '.', begin with a letter and end with a letter or a digit"

/* NULL if these bytes can be a name; otherwise the fault in words: "it has capital letters". */
const char *account_name_fault(const char *name, size_t len);

#endif
