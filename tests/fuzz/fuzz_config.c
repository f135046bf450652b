/* SPDX-License-Identifier: MIT */
/*
 * A configuration file: refused with words, or taken whole; and what --print-config makes of one
 * that was taken is taken as well.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int make_file(const void *data, size_t size, char path[32])
{
	int fd = memfd_create("configuration", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

/* 0 when it was taken. */
static int load(const void *data, size_t size, enum config_program program, struct config *config)
{
	char *said = NULL;
	size_t said_bytes = 0;
	FILE *mistakes = open_memstream(&said, &said_bytes);
	char path[32];
	int fd = make_file(data, size, path);
	int result = config_load(config, program, path, mistakes);

	fclose(mistakes);
	close(fd);
	if (result < 0 && said_bytes == 0)
		abort(); /* refused without a word */
	free(said);
	return result;
}

static void try_program(const uint8_t *data, size_t size, enum config_program program)
{
	struct config config;
	struct config again;
	char *printed = NULL;
	size_t printed_bytes = 0;
	FILE *out;

	if (load(data, size, program, &config) < 0)
		return;
	out = open_memstream(&printed, &printed_bytes);
	config_print(&config, out);
	fclose(out);
	config_release(&config);
	if (load(printed, printed_bytes, program, &again) < 0)
		abort();
	config_release(&again);
	free(printed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_program(data, size, CONFIG_READER);
	try_program(data, size, CONFIG_POSTER);
	return 0;
}
