/* SPDX-License-Identifier: MIT */
/*
 * Preloaded into a server, this moves its calendar: by as many seconds as the first eight bytes of the file
 * $MOVED_CLOCK say, which may change at any time.  The monotonic clock stays as it is.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int (*real_gettime)(clockid_t id, struct timespec *ret);
static int (*real_timedwait)(pthread_cond_t *cond, pthread_mutex_t *mutex,
			     const struct timespec *until);
static volatile int64_t *offset_s;

__attribute__((constructor)) static void moved_clock_open(void)
{
	const char *path = getenv("MOVED_CLOCK");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *map = MAP_FAILED;

	*(void **)&real_gettime = dlsym(RTLD_NEXT, "clock_gettime");
	*(void **)&real_timedwait = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
	if (fd < 0)
		return;
	map = mmap(NULL, sizeof(*offset_s), PROT_READ, MAP_SHARED, fd, 0);
	if (map != MAP_FAILED)
		offset_s = map;
	close(fd);
}

static int64_t moved_s(void)
{
	return offset_s ? *offset_s : 0;
}

int clock_gettime(clockid_t id, struct timespec *ret)
{
	int result;

	if (!real_gettime)
		moved_clock_open();
	result = real_gettime(id, ret);
	if (result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		ret->tv_sec += (time_t)moved_s();
	return result;
}

int gettimeofday(struct timeval *ret, void *zone)
{
	struct timespec now;

	(void)zone;
	if (clock_gettime(CLOCK_REALTIME, &now) < 0)
		return -1;
	ret->tv_sec = now.tv_sec;
	ret->tv_usec = now.tv_nsec / 1000;
	return 0;
}

time_t time(time_t *ret)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (ret)
		*ret = now.tv_sec;
	return now.tv_sec;
}

/* The kernel waits by the real calendar: a time that is far from it was made from the moved one. */
int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
			   const struct timespec *until)
{
	struct timespec now, real = *until;
	int64_t by_s = moved_s();

	if (!real_timedwait)
		moved_clock_open();
	real_gettime(CLOCK_REALTIME, &now);
	if (by_s != 0 && llabs((long long)(until->tv_sec - now.tv_sec)) > llabs(by_s) / 2)
		real.tv_sec -= (time_t)by_s;
	return real_timedwait(cond, mutex, &real);
}
