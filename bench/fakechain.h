/* SPDX-License-Identifier: MIT */
/*
 * The chain of the fake node: block templates, cycled into an endless, linked chain, each block
 * of which proves: ids are hashes, signatures are true.
 *
 * A corpus is a line, then a template, and so on.  The line: the template's length; the bytes of
 * the block's header behind the time; with what it is signed, see sign(); all but the first and the
 * last in hex.  Marks (byte 1 and a letter) stand for what depends on the number: N the number, I
 * and P the ids of the block and of the one before, T the time, S the witness's signature.
 *
 * The surprise: the first look at a high block makes the ids of all below it, some microseconds each.
 */
#ifndef BENCH_FAKECHAIN_H
#define BENCH_FAKECHAIN_H

#include <stddef.h>
#include <stdint.h>

struct text {
	char *data;
	size_t len;
	size_t capacity;
};

/* Room for `len` more bytes; returns where they go. */
char *text_room(struct text *text, size_t len);
void text_add(struct text *text, const void *data, size_t len);
void text_addf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Whatever fails ends the program. */
_Noreturn void die(const char *what);
void chain_read(const char *path);
void chain_add_id(struct text *out, uint32_t num);
void chain_add_time(struct text *out, uint32_t num);
void chain_add_block(struct text *out, uint32_t num);
/* The key of a witness, or null, in quotes. */
void chain_add_signing_key(struct text *out, const char *witness, size_t len);

#endif
