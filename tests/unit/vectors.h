/* SPDX-License-Identifier: MIT */
/*
 * The test vectors of the binary format, beside the recorded answers:
 * ../shared/codec/vectors.json.
 */
#ifndef TESTS_VECTORS_H
#define TESTS_VECTORS_H

#include <json-c/json.h>
#include <stddef.h>
#include <stdint.h>

/* NULL: they are not there, and the test is to be skipped. The caller puts it. */
struct json_object *vectors_read(void);

struct json_object *vector_at(struct json_object *object, const char *member);

const char *vector_text(struct json_object *object, const char *member);
/* Bytes from a member's hex digits; returns how many. */
size_t vector_bytes(struct json_object *object, const char *member, uint8_t *ret, size_t room);

/* What each test of the codec hashes with: made and freed by its group, or by each test. */
extern struct hash *hash;
int vectors_make_hash(void **state);
int vectors_free_hash(void **state);

#endif
