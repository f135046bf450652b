/* SPDX-License-Identifier: MIT */
#include "base/secret.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* More than the hashes and the signatures of the libraries need. */
#define STACK_BYTES ((size_t)32 * 1024)

/* Whole pages, because pages are what is locked. */
static size_t page_bytes(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (size + page - 1) / page * page;
}

static int lock_failed(size_t size, struct error *err)
{
	struct rlimit limit = {0, 0};

	(void)getrlimit(RLIMIT_MEMLOCK, &limit);
	return error_set_errno(
		err, ERROR_CONFIG,
		"cannot lock %zu bytes of memory for a key (the limit of locked memory is %llu bytes: "
		"LimitMEMLOCK= of systemd, ulimit -l)",
		size, (unsigned long long)limit.rlim_cur);
}

void *secret_alloc(size_t size, struct error *err)
{
	size_t bytes = page_bytes(size);
	void *secret =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (secret == MAP_FAILED) {
		(void)error_set_errno(err, ERROR_CONFIG, "cannot get %zu bytes of memory", bytes);
		return NULL;
	}
	if (mlock(secret, bytes) != 0) {
		(void)lock_failed(bytes, err);
	} else if (madvise(secret, bytes, MADV_DONTDUMP) != 0 ||
		   madvise(secret, bytes, MADV_WIPEONFORK) != 0) {
		(void)error_set_errno(err, ERROR_CONFIG,
				      "cannot keep the memory of a key out of cores and children");
	} else {
		return secret;
	}
	(void)munmap(secret, bytes);
	return NULL;
}

void secret_free(void *secret, size_t size)
{
	if (secret == NULL)
		return;
	explicit_bzero(secret, page_bytes(size));
	(void)munmap(secret, page_bytes(size)); /* also unlocks it */
}

__attribute__((noinline)) void secret_wipe_stack(void)
{
	uint8_t stack[STACK_BYTES];

	explicit_bzero(stack, sizeof(stack));
}
