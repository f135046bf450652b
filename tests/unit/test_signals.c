/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <unistd.h>

#include "daemon/signals.h"

static void signals_are_read(void **state)
{
	struct error err = ERROR_INIT;
	int fd = signals_open(&err);
	int pipe_ends[2];

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(signals_read(fd), SIGNAL_NOTHING);
	kill(getpid(), SIGTERM);
	assert_int_equal(signals_read(fd), SIGNAL_STOP);
	assert_int_equal(signals_read(fd), SIGNAL_NOTHING);
	kill(getpid(), SIGINT);
	assert_int_equal(signals_read(fd), SIGNAL_STOP);
	kill(getpid(), SIGHUP);
	assert_int_equal(signals_read(fd), SIGNAL_RELOAD);
	/* A reader of a pipe that is gone is an error, not the end. */
	assert_int_equal(pipe(pipe_ends), 0);
	close(pipe_ends[0]);
	assert_int_equal(write(pipe_ends[1], "x", 1), -1);
	close(pipe_ends[1]);
	signals_close(fd);
	signals_close(-1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signals_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
