/* SPDX-License-Identifier: MIT */
/*
 * Threads, and what they wait for.  The simulation has fibers in their place
 * (tests/sim/thread.c), so nothing else may use pthreads to wait.
 */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <stdint.h>

#include "base/error.h"

struct thread;

/*
 * Run a function in a thread of its own; the caller owns it. NULL with err: it cannot be started.
 */
struct thread *thread_start(void (*run)(void *context), void *context,
			    struct error *err) MUST_CHECK;
/* Wait until the function has returned, and free the thread. NULL is allowed. */
void thread_join(struct thread *thread);

/* A lock, and a condition that threads wait for. The caller owns it. */
struct monitor;

struct monitor *monitor_new(void);
/* No thread may use it any more. NULL is allowed. */
void monitor_free(struct monitor *monitor);
void monitor_lock(struct monitor *monitor);
void monitor_unlock(struct monitor *monitor);
/*
 * Give the lock back, wait for monitor_announce() or until this time of clock_now_ms(), and take
 * the lock again. It may return early, so check the condition in a loop.
 */
void monitor_wait(struct monitor *monitor, int64_t until_ms);
/* Wake all threads that wait. The caller holds the lock. */
void monitor_announce(struct monitor *monitor);

/* How other threads wake a thread that waits in poll(). The caller owns it. */
struct bell;

struct bell *bell_new(struct error *err) MUST_CHECK;
/* NULL is allowed. */
void bell_free(struct bell *bell);
/* A file descriptor that is readable after bell_ring(), until bell_silence(). */
int bell_fd(const struct bell *bell);
void bell_ring(struct bell *bell);
void bell_silence(struct bell *bell);

#endif
