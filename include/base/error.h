/* SPDX-License-Identifier: MIT */
/*
 * What failed, and who can cure it.
 *
 * A function that can fail returns 0 or -1 (or a pointer or NULL) and takes a
 * `struct error *` as its last parameter.  It fills it only when it fails, with
 * one complete sentence that can be printed as it is: text from a node, a user or a file
 * is cleaned here (base/text.h), so every table and every terminal takes it.
 * The kind is the decision already taken: callers look at the kind, never at the text.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#define MUST_CHECK        __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

enum error_kind {
	ERROR_NONE,
	ERROR_RETRY,  /* the same call may succeed later */
	ERROR_NODE,   /* this node is at fault: ask another one */
	ERROR_DATA,   /* the chain data are not what they should be, or cannot be stored */
	ERROR_CONFIG, /* only the operator can cure it */
	ERROR_FATAL,  /* nobody can: a bug; stop before harm is done */
};

struct error {
	enum error_kind kind;
	int code; /* the number that the source gave (errno, HTTP, JSON-RPC, database), or 0 */
	char text[512];
};

#define ERROR_INIT ((struct error){.kind = ERROR_NONE})

/* Fill err and return -1, so that a failing call reads `return error_set(...)`. */
int error_set(struct error *err, enum error_kind kind, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The same with `code` kept in err->code. */
int error_set_code(struct error *err, enum error_kind kind, int code, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

/* The same, with ": " and the text of errno added; err->code is errno. */
int error_set_errno(struct error *err, enum error_kind kind, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/* Put context before the text: error_prefix(err, "block %u: ", num). Returns -1. */
int error_prefix(struct error *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
