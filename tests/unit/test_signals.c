/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "daemon/signals.h"

static int64_t now_ms = 5000;

static int64_t fake_now(void *context)
{
	(void)context;
	return now_ms;
}

/* timeout(1) sends its signal twice at once; a person who sends it twice takes longer. */
static void a_doubled_stop_is_one(void **state)
{
	struct error err = ERROR_INIT;
	int fd;

	(void)state;
	clock_set_source(fake_now, NULL);
	fd = signals_open(&err);
	assert_true(fd >= 0);
	kill(getpid(), SIGTERM);
	assert_int_equal(signals_read(fd), SIGNAL_STOP);
	now_ms += SIGNAL_SAME_STOP_MS - 1;
	kill(getpid(), SIGTERM);
	kill(getpid(), SIGINT);
	assert_int_equal(signals_read(fd), SIGNAL_NOTHING);
	kill(getpid(), SIGTERM);
	kill(getpid(), SIGHUP);
	assert_int_equal(signals_read(fd), SIGNAL_RELOAD);
	assert_int_equal(signals_read(fd), SIGNAL_NOTHING);
	now_ms += 1;
	kill(getpid(), SIGINT);
	assert_int_equal(signals_read(fd), SIGNAL_STOP);
	signals_close(fd);
	/* Another process image begins anew. */
	fd = signals_open(&err);
	kill(getpid(), SIGTERM);
	assert_int_equal(signals_read(fd), SIGNAL_STOP);
	signals_close(fd);
	clock_set_source(NULL, NULL);
}

static void signals_are_read(void **state)
{
	struct error err = ERROR_INIT;
	int fd = signals_open(&err);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(signals_read(fd), SIGNAL_NOTHING);
	kill(getpid(), SIGTERM);
	assert_int_equal(signals_read(fd), SIGNAL_STOP);
	assert_int_equal(signals_read(fd), SIGNAL_NOTHING);
	kill(getpid(), SIGHUP);
	assert_int_equal(signals_read(fd), SIGNAL_RELOAD);
	signals_close(fd);
	signals_close(-1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_doubled_stop_is_one),
		cmocka_unit_test(signals_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
