/* SPDX-License-Identifier: MIT */
#include "base/thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

struct thread {
	pthread_t id;
	void (*run)(void *context);
	void *context;
};

struct monitor {
	pthread_mutex_t lock;
	pthread_cond_t announced;
};

struct bell {
	int fd;
};

static void *thread_main(void *argument)
{
	struct thread *thread = argument;

	thread->run(thread->context);
	return NULL;
}

struct thread *thread_start(void (*run)(void *context), void *context, struct error *err)
{
	struct thread *thread = xcalloc(1, sizeof(*thread));

	thread->run = run;
	thread->context = context;
	errno = pthread_create(&thread->id, NULL, thread_main, thread);
	if (errno == 0)
		return thread;
	(void)error_set_errno(err, ERROR_FATAL, "cannot start a thread");
	free(thread);
	return NULL;
}

void thread_join(struct thread *thread)
{
	if (!thread)
		return;
	pthread_join(thread->id, NULL);
	free(thread);
}

struct monitor *monitor_new(void)
{
	struct monitor *monitor = xcalloc(1, sizeof(*monitor));
	pthread_condattr_t attributes;

	pthread_mutex_init(&monitor->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&monitor->announced, &attributes);
	pthread_condattr_destroy(&attributes);
	return monitor;
}

void monitor_free(struct monitor *monitor)
{
	if (!monitor)
		return;
	pthread_cond_destroy(&monitor->announced);
	pthread_mutex_destroy(&monitor->lock);
	free(monitor);
}

void monitor_lock(struct monitor *monitor)
{
	pthread_mutex_lock(&monitor->lock);
}

void monitor_unlock(struct monitor *monitor)
{
	pthread_mutex_unlock(&monitor->lock);
}

void monitor_wait(struct monitor *monitor, int64_t until_ms)
{
	struct timespec until = {.tv_sec = (time_t)(until_ms / 1000),
				 .tv_nsec = (long)(until_ms % 1000) * 1000000};

	if (until_ms == CLOCK_NEVER)
		pthread_cond_wait(&monitor->announced, &monitor->lock);
	else
		pthread_cond_timedwait(&monitor->announced, &monitor->lock, &until);
}

void monitor_announce(struct monitor *monitor)
{
	pthread_cond_broadcast(&monitor->announced);
}

struct bell *bell_new(struct error *err)
{
	struct bell *bell = xcalloc(1, sizeof(*bell));

	bell->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (bell->fd >= 0)
		return bell;
	(void)error_set_errno(err, ERROR_FATAL, "cannot make an eventfd");
	free(bell);
	return NULL;
}

void bell_free(struct bell *bell)
{
	if (!bell)
		return;
	close(bell->fd);
	free(bell);
}

int bell_fd(const struct bell *bell)
{
	return bell->fd;
}

void bell_ring(struct bell *bell)
{
	uint64_t one = 1;

	if (write(bell->fd, &one, sizeof(one)) != (ssize_t)sizeof(one))
		abort(); /* 2^64 rings that nobody heard */
}

void bell_silence(struct bell *bell)
{
	uint64_t count;

	if (read(bell->fd, &count, sizeof(count)) < 0)
		return; /* EAGAIN: it has not rung */
}
