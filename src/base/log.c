/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

/*
 * A longer line is cut; the longest sentence has one error text of 512 bytes.  This is less than
 * PIPE_BUF, so a pipe accepts a line completely or not at all.
 */
#define LINE_BYTES 2048

/*
 * If nobody reads the log, a line waits WAIT_MS and is then dropped.  For the next NO_WAIT_MS
 * every line that cannot be written at once is dropped without waiting.
 */
#define WAIT_MS    100
#define NO_WAIT_MS 10000

static const struct {
	const char *name;
	int priority; /* of syslog; the journal reads it from `<N>` */
} levels[] = {
	[LOG_LEVEL_ERROR] = {"error", 3},
	[LOG_LEVEL_WARNING] = {"warning", 4},
	[LOG_LEVEL_INFO] = {"info", 6},
	[LOG_LEVEL_DEBUG] = {"debug", 7},
};
#define LEVEL_COUNT (sizeof(levels) / sizeof(levels[0]))

static _Atomic int current_level = LOG_LEVEL_INFO;
static _Atomic bool is_journal;

/*
 * Standard error, opened a second time: so it is non-blocking for us, but not for other
 * processes that share it.  -1: it cannot be opened again (a socket), or need not be (a file).
 */
static _Atomic int own_fd = -1;
static _Atomic uint64_t lost_total;

/* Keeps the bar and the lines apart; also protects the variables below. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t lost_count; /* lines, since one was last written */
static int64_t no_wait_until_ms;
static bool is_torn; /* only a part of the last line was written */
static void (*redraw_hook)(void *context, bool draw);
static void *redraw_context;

void log_close(void)
{
	int fd = atomic_exchange(&own_fd, -1);

	if (fd >= 0)
		close(fd);
}

static void open_own(void)
{
	struct stat status;

	log_close();
	/*
	 * A file accepts every line at once; if it were opened again, it would be overwritten
	 * from its beginning.
	 */
	if (fstat(STDERR_FILENO, &status) == 0 &&
	    (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode)))
		atomic_store(&own_fd,
			     open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}

/*
 * The variable names the journal's stream as DEVICE:INODE.  Every process under the journal has
 * it, even if its standard error is a file, a pipe or a terminal.
 */
static bool leads_to_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device;
	unsigned long long inode;
	struct stat status;

	return stream != NULL && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device &&
	       status.st_ino == inode;
}

void log_open(void)
{
	open_own();
	atomic_store(&is_journal, leads_to_journal());
}

void log_set_level(enum log_level level)
{
	atomic_store(&current_level, (int)level);
}

const char *log_level_name(enum log_level level)
{
	return (size_t)level < LEVEL_COUNT ? levels[level].name : "unknown";
}

int log_level_parse(const char *name, enum log_level *ret_level)
{
	for (size_t i = 0; i < LEVEL_COUNT; i++) {
		if (strcmp(name, levels[i].name) == 0) {
			*ret_level = (enum log_level)i;
			return 0;
		}
	}
	return -1;
}

void log_set_redraw(void (*redraw)(void *context, bool draw), void *context)
{
	pthread_mutex_lock(&lock);
	redraw_hook = redraw;
	redraw_context = context;
	pthread_mutex_unlock(&lock);
}

static bool can_write(int64_t wait_ms)
{
	int fd = atomic_load(&own_fd);
	struct pollfd poll_fd = {.fd = fd >= 0 ? fd : STDERR_FILENO, .events = POLLOUT};

	return poll(&poll_fd, 1, wait_ms > 0 ? (int)wait_ms : 0) > 0;
}

/* Write as much as possible without waiting; -1 with EAGAIN if that is nothing. */
static ssize_t write_some(const char *text, size_t len)
{
	int fd = atomic_load(&own_fd);
	ssize_t sent;

	if (fd >= 0)
		return write(fd, text, len);
	sent = send(STDERR_FILENO, text, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent >= 0 || errno != ENOTSOCK)
		return sent;
	if (can_write(0))
		return write(STDERR_FILENO, text, len);
	errno = EAGAIN;
	return -1;
}

/* Write for at most wait_ms milliseconds. Returns the number of bytes written. */
static size_t write_in_time(const char *text, size_t len, int64_t wait_ms)
{
	int64_t until_ms = clock_now_ms() + wait_ms;
	size_t done = 0;

	while (done < len) {
		ssize_t written = write_some(text + done, len - done);

		if (written >= 0)
			done += (size_t)written;
		else if (errno != EINTR &&
			 (errno != EAGAIN || !can_write(until_ms - clock_now_ms())))
			break;
	}
	return done;
}

static bool put(const char *line, size_t len)
{
	int64_t now_ms = clock_now_ms();
	int64_t wait_ms = now_ms < no_wait_until_ms ? 0 : WAIT_MS;
	size_t written;

	if (is_torn && write_in_time("\n", 1, wait_ms) == 1)
		is_torn = false;
	written = is_torn ? 0 : write_in_time(line, len, wait_ms);
	if (written == len)
		return true;
	is_torn |= written > 0;
	no_wait_until_ms = now_ms + NO_WAIT_MS;
	return false;
}

static size_t write_head(char *line, size_t size, enum log_level level, const char *event);

/* Report the lost lines before the next line that can be written. */
static bool put_loss(void)
{
	char line[256];
	size_t len = write_head(line, sizeof(line), LOG_LEVEL_WARNING, "log_lost");
	int more = snprintf(
		line + len, sizeof(line) - len,
		"%llu lines could not be written: nobody read the log, or its disk was full\n",
		(unsigned long long)lost_count);

	return lost_count == 0 || put(line, len + (more > 0 ? (size_t)more : 0));
}

static void put_line(const char *line, size_t len)
{
	if (put_loss() && put(line, len)) {
		lost_count = 0;
	} else {
		lost_count++;
		atomic_fetch_add(&lost_total, 1);
	}
}

uint64_t log_lost_count(void)
{
	return atomic_load(&lost_total);
}

void log_draw(const char *text, size_t len)
{
	(void)write_in_time(text, len, 0);
}

static size_t write_head(char *line, size_t size, enum log_level level, const char *event)
{
	char now[24];
	int len;

	if (atomic_load(&is_journal))
		len = snprintf(line, size, "<%d>%s: ", levels[level].priority, event);
	else
		len = snprintf(line, size,
			       "%s %s %s: ", clock_format_utc(clock_wall_s(), now, sizeof(now)),
			       levels[level].name, event);
	if (len < 0)
		return 0;
	return (size_t)len < size ? (size_t)len : size - 1;
}

static void write_line(enum log_level level, const char *event, const char *fmt, va_list args,
		       unsigned left_out_count) __attribute__((format(printf, 3, 0)));

static void write_line(enum log_level level, const char *event, const char *fmt, va_list args,
		       unsigned left_out_count)
{
	static const char cut[] = "...";
	char line[LINE_BYTES];
	/* 64 for "...", the number of lines left out, and the line end */
	size_t room = sizeof(line) - 64;
	size_t len = write_head(line, room, level, event);

	len += text_vformat(line + len, room - len, fmt, args);
	/* text_vformat() has cut a text of this length, or it just fitted. */
	if (len + 4 >= room) {
		memcpy(line + len, cut, sizeof(cut));
		len += sizeof(cut) - 1;
	}
	if (left_out_count > 0) {
		int more = snprintf(line + len, sizeof(line) - len - 1,
				    " (%u more like this were left out)", left_out_count);
		len += more > 0 ? (size_t)more : 0;
	}
	line[len++] = '\n';

	pthread_mutex_lock(&lock);
	if (redraw_hook != NULL)
		redraw_hook(redraw_context, false);
	put_line(line, len);
	if (redraw_hook != NULL)
		redraw_hook(redraw_context, true);
	pthread_mutex_unlock(&lock);
}

static bool is_wanted(enum log_level level)
{
	return (int)level <= atomic_load(&current_level);
}

#define WRITE_AT(level)                                                                            \
	do {                                                                                       \
		int saved_errno = errno;                                                           \
		va_list args;                                                                      \
		if (!is_wanted(level))                                                             \
			return;                                                                    \
		va_start(args, fmt);                                                               \
		write_line(level, event, fmt, args, 0);                                            \
		va_end(args);                                                                      \
		errno = saved_errno;                                                               \
	} while (0)

void log_error(const char *event, const char *fmt, ...)
{
	WRITE_AT(LOG_LEVEL_ERROR);
}

void log_warning(const char *event, const char *fmt, ...)
{
	WRITE_AT(LOG_LEVEL_WARNING);
}

void log_info(const char *event, const char *fmt, ...)
{
	WRITE_AT(LOG_LEVEL_INFO);
}

void log_debug(const char *event, const char *fmt, ...)
{
	WRITE_AT(LOG_LEVEL_DEBUG);
}

void log_limited(struct log_limit *limit, enum log_level level, const char *event, const char *fmt,
		 ...)
{
	int64_t now_ms = clock_now_ms();
	va_list args;

	if (!is_wanted(level))
		return;
	if (now_ms < limit->next_at_ms) {
		limit->left_out_count++;
		return;
	}
	va_start(args, fmt);
	write_line(level, event, fmt, args, limit->left_out_count);
	va_end(args);
	limit->next_at_ms = now_ms + limit->interval_ms;
	limit->left_out_count = 0;
}
