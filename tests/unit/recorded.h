/* SPDX-License-Identifier: MIT */
/*
 * Recorded answers of real nodes. They are not part of the project: they are beside the
 * source tree in ../shared/chain; if they are missing, the tests that need them are
 * skipped.
 */
#ifndef TESTS_RECORDED_H
#define TESTS_RECORDED_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

/* The path of `name` in the recorded data; the caller frees it. */
static inline char *recorded_path(const char *name)
{
	const char *top = getenv("top_srcdir");

	return xasprintf("%s/../shared/chain/%s", top ? top : ".", name);
}

/* The whole file with a NUL behind, or NULL; the caller frees it. */
static inline char *recorded_read(const char *name, size_t *ret_len)
{
	CLEANUP(mem_free_pointer) char *path = recorded_path(name);
	FILE *file = fopen(path, "rb");
	char *text = NULL;
	size_t len = 0, got;

	if (!file) {
		print_message("skipped: %s is not there\n", path);
		return NULL;
	}
	do {
		text = xrealloc(text, len + 65537);
		got = fread(text + len, 1, 65536, file);
		len += got;
	} while (got > 0);
	fclose(file);
	text[len] = '\0';
	*ret_len = len;
	return text;
}

#endif
