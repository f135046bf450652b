/* SPDX-License-Identifier: MIT */
/*
 * Errors: a sentence that says which fault it is, and a kind that says who can cure it.
 *
 * A function that can fail returns 0 or -1 (or a pointer or NULL) and takes a
 * `struct error *` as its last parameter.  It fills it only when it fails, with
 * one complete sentence that can be printed as it is: text from a node, a user or a file
 * is cleaned here (base/text.h), so every table and every terminal takes it.
 * The kind is the decision already taken: callers look at the kind, never at the text.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdbool.h>

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

/* The meaning of a code.  Codes of two classes are never compared: see error_is(). */
enum error_class {
	ERROR_CLASS_NONE,   /* there is no code */
	ERROR_CLASS_SYSTEM, /* errno */
	ERROR_CLASS_NODE,   /* enum rpc_failure (steem/rpc.h) */
	ERROR_CLASS_DATABASE, /* of the database server or its client library; only store knows them */
	ERROR_CLASS_READER, /* enum reader_code */
};

/* Codes by which one part of the program tells another one the cause. */
enum reader_code {
	READER_OVER_SUPERSEDED = 1, /* a newer process took the reader's name */
	READER_OVER_FILTER_CHANGED, /* other filter rules were activated */
	/* The next two are cured by a new start, which makes the row again. */
	READER_OVER_FORGOTTEN, /* --forget or --rewind took the row, or the table was lost */
	READER_OVER_NO_FILTER, /* no rules are active: the table `filters` was lost */
	READER_OVER_USAGE,     /* what was asked for on the command line cannot be done */
	READER_DB_BEHIND,      /* a member of a database cluster lags behind the others */
};

struct error {
	enum error_kind kind;
	enum error_class class;
	int code; /* of that class */
	char text[512];
};

#define ERROR_INIT ((struct error){.kind = ERROR_NONE})

/* Fill err and return -1, so that a failing call reads `return error_set(...)`. */
int error_set(struct error *err, enum error_kind kind, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The same with a code and its class. */
int error_set_code(struct error *err, enum error_kind kind, enum error_class class, int code,
		   const char *fmt, ...) PRINTF_LIKE(5, 6);

/* An ERROR_NODE with an enum rpc_failure. */
int error_set_node(struct error *err, int failure, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The same as error_set(), with ": " and the text of errno added; the code is errno. */
int error_set_errno(struct error *err, enum error_kind kind, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/* Put context before the text: error_prefix(err, "block %u: ", num). Returns -1. */
int error_prefix(struct error *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Does err hold this code of this class? */
bool error_is(const struct error *err, enum error_class class, int code);

#endif
