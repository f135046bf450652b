/* SPDX-License-Identifier: MIT */
#include "daemon/notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

static struct sockaddr_un address;
static socklen_t address_len; /* 0: there is no socket */
static int64_t watchdog_ms;

static void read_watchdog(void)
{
	const char *interval = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");
	long long usec;

	watchdog_ms = 0;
	if (interval == NULL)
		return;
	/* The variable may have been meant for our parent process. */
	if (pid != NULL && strtoll(pid, NULL, 10) != (long long)getpid())
		return;
	usec = strtoll(interval, NULL, 10);
	if (usec > 0)
		watchdog_ms = usec / 1000;
}

void notify_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path != NULL ? strlen(path) : 0;

	address_len = 0;
	if (len > 1 && (path[0] == '/' || path[0] == '@') && len < sizeof(address.sun_path)) {
		memset(&address, 0, sizeof(address));
		address.sun_family = AF_UNIX;
		memcpy(address.sun_path, path, len);
		/*
		 * '@' stands for the NUL of an abstract socket, whose name is not
		 * NUL-terminated.
		 */
		if (path[0] == '@')
			address.sun_path[0] = '\0';
		address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len +
					  (path[0] == '/'));
	}
	read_watchdog();
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

/* Failures are ignored: if systemd does not listen, this is no reason to stop. */
static void send_text(const char *text)
{
	int fd;

	if (address_len == 0)
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	while (sendto(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT,
		      (const struct sockaddr *)&address, address_len) < 0 &&
	       errno == EINTR)
		;
	close(fd);
}

void notify_ready(void)
{
	send_text("READY=1");
}

void notify_reloading(void)
{
	char text[64];

	/* Type=notify-reload needs the monotonic time. */
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld",
		 (long long)clock_now_ms() * 1000);
	send_text(text);
}

void notify_stopping(void)
{
	send_text("STOPPING=1");
}

void notify_status(const char *fmt, ...)
{
	char text[512] = "STATUS=";
	size_t len = strlen(text);
	va_list args;

	/*
	 * text_vformat() cleans the text: a line end would begin another message, and systemd
	 * accepts only UTF-8.
	 */
	va_start(args, fmt);
	text_vformat(text + len, sizeof(text) - len, fmt, args);
	va_end(args);
	send_text(text);
}

void notify_extend_timeout(int64_t ms)
{
	char text[64];

	snprintf(text, sizeof(text), "EXTEND_TIMEOUT_USEC=%lld", (long long)ms * 1000);
	send_text(text);
}

/* The regular messages. */

bool notify_is_status_due(struct notify_times *times, int64_t now_ms)
{
	if (now_ms < times->status_at_ms)
		return false;
	times->status_at_ms = now_ms + NOTIFY_STATUS_MS;
	return true;
}

/* Four times as often as the watchdog wants it. */
static int64_t feed_at_ms(const struct notify_times *times)
{
	return watchdog_ms > 0 ? times->fed_at_ms + watchdog_ms / 4 : CLOCK_NEVER;
}

bool notify_feed(struct notify_times *times, int64_t now_ms)
{
	if (now_ms < feed_at_ms(times))
		return false;
	times->fed_at_ms = now_ms;
	send_text("WATCHDOG=1");
	return true;
}

int64_t notify_next_ms(const struct notify_times *times)
{
	return sooner(times->status_at_ms, feed_at_ms(times));
}
