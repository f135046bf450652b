/* SPDX-License-Identifier: MIT */
#include "daemon/config_table.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "daemon/config_check.h"

#define CONFIG_MAX_BYTES   ((size_t)1024 * 1024)
#define PASSWORD_MAX_BYTES ((size_t)4096)
#define PIPE_WAIT_MS       30000
#define LINKS_MAX          40 /* as many links as the kernel follows */

/* Read fd to its end; the caller releases out in any case. */
static int read_all(int fd, struct buf *out, const char *path, struct error *err)
{
	char piece[4096];
	ssize_t got;

	while ((got = read(fd, piece, sizeof(piece))) != 0) {
		struct pollfd wait = {.fd = fd, .events = POLLIN};

		if (got < 0 && errno == EINTR)
			continue;
		/* A pipe: its writer may be slow. */
		if (got < 0 && errno == EAGAIN) {
			if (poll(&wait, 1, PIPE_WAIT_MS) == 0)
				return error_set(err, ERROR_CONFIG,
						 "%s: nothing came out of it for %d s", path,
						 PIPE_WAIT_MS / 1000);
			continue;
		}
		if (got < 0)
			return error_set_errno(err, ERROR_CONFIG, "cannot read %s", path);
		if (buf_add(out, piece, (size_t)got) != 0)
			return error_set(err, ERROR_CONFIG, "%s is larger than %zu bytes", path,
					 out->limit_bytes);
	}
	explicit_bzero(piece, sizeof(piece));
	return 0;
}

/* A zero byte means that the text has another encoding, such as UTF-16. */
static int check_zero_bytes(const struct buf *text, const char *path, struct error *err)
{
	const char *fault;

	if (memchr(buf_text(text), '\0', text->len) == NULL)
		return 0;
	fault = config_bytes_fault(buf_text(text), text->len);
	return error_set(err, ERROR_CONFIG, "%s %s", path,
			 fault != NULL ? fault : "holds a zero byte");
}

/* Open without waiting, even for a pipe that has no writer. */
static int open_file(const char *path, struct stat *ret_status, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return error_set_errno(err, ERROR_CONFIG, "cannot open %s", path);
	if (fstat(fd, ret_status) != 0 || S_ISDIR(ret_status->st_mode)) {
		close(fd);
		return error_set(err, ERROR_CONFIG, "%s is not a file", path);
	}
	return fd;
}

char *config_file_text(const char *path, bool *ret_is_public, struct error *err)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT(CONFIG_MAX_BYTES);
	struct stat status;
	int fd = open_file(path, &status, err);
	int result;

	if (fd < 0)
		return NULL;
	result = read_all(fd, &text, path, err);
	close(fd);
	if (result == 0)
		result = check_zero_bytes(&text, path, err);
	/*
	 * An empty file is a valid configuration; an empty pipe was read before, or has no
	 * writer.
	 */
	if (result == 0 && text.len == 0 && S_ISFIFO(status.st_mode))
		result = error_set(
			err, ERROR_CONFIG,
			"nothing came out of the pipe %s: a pipe can be read only once, and only while somebody writes to it",
			path);
	*ret_is_public = S_ISREG(status.st_mode) && (status.st_mode & 004) != 0;
	return result == 0 ? xstrdup(buf_text(&text)) : NULL;
}

/* Other users must not be able to replace files in this folder. */
static int check_folder(const char *folder, const char *path, struct error *err)
{
	struct stat status;

	if (stat(folder, &status) != 0)
		return error_set_errno(err, ERROR_CONFIG, "cannot look at %s", folder);
	if ((status.st_mode & 002) == 0 || (status.st_mode & S_ISVTX) != 0)
		return 0;
	return error_set(err, ERROR_CONFIG,
			 "other users may change the folder %s, and so replace the file %s; "
			 "forbid it: chmod o-w %s",
			 folder, path, folder);
}

static void replace(char **text, char *fresh)
{
	free(*text);
	*text = fresh;
}

/* Change *place, the path of a folder, to the path of its entry `name`, which may be "..". */
static void enter(char **place, const char *name, size_t len)
{
	char *slash = strrchr(*place, '/');

	if (len == 0 || (len == 1 && name[0] == '.'))
		return;
	if (len == 2 && strncmp(name, "..", 2) == 0)
		slash[slash == *place ? 1 : 0] = '\0';
	else
		replace(place,
			xasprintf("%s%s%.*s", *place, slash[1] == '\0' ? "" : "/", (int)len, name));
}

/*
 * Can other users replace the file with another one?  Each folder on the way is checked, also
 * before and behind each link: a user who may change the folder of a link may change the link.
 */
static int check_place(const char *path, struct error *err)
{
	CLEANUP(mem_free_pointer) char *here = path[0] == '/' ? xstrdup("") : getcwd(NULL, 0);
	CLEANUP(mem_free_pointer) char *rest = xasprintf("%s/%s", here != NULL ? here : "", path);
	CLEANUP(mem_free_pointer) char *place = xstrdup("/");
	unsigned link_count = 0;

	if (here == NULL)
		return error_set_errno(err, ERROR_CONFIG, "cannot find out where %s is", path);
	while (rest[0] != '\0') {
		size_t len = strcspn(rest, "/");
		const char *behind = rest + len + (rest[len] == '/');
		CLEANUP(mem_free_pointer) char *folder = xstrdup(place);
		char target[PATH_MAX];
		ssize_t target_len;

		if (check_folder(folder, path, err) != 0)
			return -1;
		enter(&place, rest, len);
		target_len = readlink(place, target, sizeof(target));
		if (target_len < 0 && errno != EINVAL)
			return error_set_errno(err, ERROR_CONFIG, "cannot look at %s", place);
		if (target_len < 0) {
			replace(&rest, xstrdup(behind));
			continue;
		}
		if (++link_count > LINKS_MAX || target_len == sizeof(target))
			return error_set(err, ERROR_CONFIG, "%s: too many links, or too long ones",
					 path);
		replace(&place, xstrdup(target[0] == '/' ? "/" : folder));
		replace(&rest, xasprintf("%.*s/%s", (int)target_len, target, behind));
	}
	return 0;
}

/* Its mode aside, can only root and this user change the file? */
static int check_owner(const char *path, const struct stat *status, struct error *err)
{
	if (status->st_uid != 0 && status->st_uid != geteuid())
		return error_set(
			err, ERROR_CONFIG,
			"%s belongs to user %lu, who can change it; it must belong to root or to the user "
			"that runs this program (%lu)",
			path, (unsigned long)status->st_uid, (unsigned long)geteuid());
	return check_place(path, err);
}

/* Can only root and this user change the file, and can others not read it? */
static int check_secret(const char *path, const char *what, const struct stat *status,
			struct error *err)
{
	if (!S_ISREG(status->st_mode))
		return error_set(err, ERROR_CONFIG,
				 "%s is no regular file; a %s must be in a regular file", path,
				 what);
	if ((status->st_mode & 007) != 0)
		return error_set(err, ERROR_CONFIG,
				 "other users may read or change %s; forbid it: chmod o= %s", path,
				 path);
	return check_owner(path, status, err);
}

int config_check_program(const char *path, struct error *err)
{
	struct stat status;

	if (stat(path, &status) != 0)
		return error_set_errno(err, ERROR_CONFIG, "cannot look at %s", path);
	if ((status.st_mode & 002) != 0)
		return error_set(err, ERROR_CONFIG,
				 "other users may change %s; forbid it: chmod o-w %s", path, path);
	return check_owner(path, &status, err);
}

int config_read_password(const char *path, char **ret_password, struct error *err)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT(PASSWORD_MAX_BYTES);
	struct stat status;
	const char *fault;
	int fd = open_file(path, &status, err);
	int result;

	if (fd < 0)
		return -1;
	if (check_secret(path, "password", &status, err) != 0) {
		close(fd);
		return -1;
	}
	result = read_all(fd, &text, path, err);
	close(fd);
	if (result == 0)
		result = check_zero_bytes(&text, path, err);
	if (result == 0 && text.len > 0 && text.data[text.len - 1] == '\n')
		text.data[--text.len] = '\0';
	fault = result == 0 ? config_password_fault(buf_text(&text)) : NULL;
	if (fault != NULL)
		result = error_set(err, ERROR_CONFIG, "%s %s", path, fault);
	if (result == 0)
		*ret_password = text.len > 0 ? xstrdup(text.data) : NULL;
	if (text.data != NULL)
		explicit_bzero(text.data, text.capacity);
	return result;
}

/* read(2) goes straight into the caller's memory. */
static int read_into(int fd, const char *path, char *text, size_t size, size_t *ret_len,
		     struct error *err)
{
	ssize_t got = 1;
	char rest;

	for (*ret_len = 0; *ret_len < size && got != 0; *ret_len += (size_t)got) {
		got = read(fd, text + *ret_len, size - *ret_len);
		if (got < 0)
			return error_set_errno(err, ERROR_CONFIG, "cannot read %s", path);
	}
	if (*ret_len == size && read(fd, &rest, 1) != 0)
		return error_set(err, ERROR_CONFIG, "%s is larger than %zu bytes", path, size);
	return 0;
}

int config_read_secret(const char *path, char *text, size_t size, size_t *ret_len,
		       struct error *err)
{
	struct stat status;
	int fd = open_file(path, &status, err);
	int result;

	if (fd < 0)
		return -1;
	result = check_secret(path, "key", &status, err);
	if (result == 0)
		result = read_into(fd, path, text, size, ret_len, err);
	close(fd);
	return result;
}

struct scan {
	const char *at;
	unsigned line;
	char name[64]; /* the last word before a value */
	bool has_zero; /* the last string has a zero byte, where libconfig would end it */
};

static void skip_to(struct scan *scan, const char *end)
{
	for (; scan->at < end; scan->at++)
		scan->line += *scan->at == '\n';
}

/* Skip a comment or a string, if one begins here. */
static bool skip_inert(struct scan *scan)
{
	const char *at = scan->at;
	const char *end;

	if (*at == '#' || (at[0] == '/' && at[1] == '/')) {
		skip_to(scan, strchrnul(at, '\n'));
		return true;
	}
	if (at[0] == '/' && at[1] == '*') {
		end = strstr(at + 2, "*/");
		skip_to(scan, end != NULL ? end + 2 : strchr(at, '\0'));
		return true;
	}
	if (*at != '"')
		return false;
	for (end = at + 1; *end != '\0' && *end != '"'; end++) {
		if (*end == '\\' && end[1] != '\0') {
			end++;
			scan->has_zero |= strncmp(end, "x00", 3) == 0;
		}
	}
	skip_to(scan, *end == '"' ? end + 1 : end);
	return true;
}

/* A number begins here; true if libconfig would silently truncate it. */
static bool take_number(struct scan *scan, char *text, size_t size)
{
	size_t len = strspn(scan->at, "0123456789abcdefABCDEFxX.+-L");
	bool is_hex = scan->at[0] == '0' && (scan->at[1] == 'x' || scan->at[1] == 'X');
	const char *stop = scan->at;
	unsigned long long value;
	char *end;

	snprintf(text, size, "%.*s", (int)(len < size ? len : size - 1), scan->at);
	errno = 0;
	value = strtoull(stop, &end, is_hex ? 16 : 10);
	scan->at += len;
	if (*end == '.' || (!is_hex && (*end == 'e' || *end == 'E')))
		return false; /* a float: its type is refused elsewhere */
	if (errno == ERANGE || value > INT64_MAX)
		return true;
	return *end != 'L' && value > INT32_MAX;
}

unsigned config_scan_text(const char *path, const char *text, FILE *mistakes)
{
	struct scan scan = {.at = text, .line = 1};
	unsigned count = 0;
	char number[32];

	while (*scan.at != '\0') {
		if (skip_inert(&scan)) {
			if (scan.has_zero) {
				fprintf(mistakes,
					"%s:%u: %s: holds a zero byte (\\x00), at which the text would "
					"end\n",
					path, scan.line, scan.name);
				count++;
			}
			scan.has_zero = false;
			continue;
		}
		if (isalpha((unsigned char)*scan.at) || *scan.at == '_' || *scan.at == '*') {
			size_t len =
				strspn(scan.at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRST"
						"UVWXYZ0123456789_-*");

			snprintf(scan.name, sizeof(scan.name), "%.*s", (int)(len < 63 ? len : 63),
				 scan.at);
			scan.at += len;
		} else if (isdigit((unsigned char)*scan.at)) {
			if (!take_number(&scan, number, sizeof(number)))
				continue;
			fprintf(mistakes,
				"%s:%u: %s: %s is too large; a number above %d needs an L at its "
				"end, and none may be above %lld\n",
				path, scan.line, scan.name, number, INT32_MAX,
				(long long)INT64_MAX);
			count++;
		} else if (strncmp(scan.at, "@include", 8) == 0) {
			fprintf(mistakes, "%s:%u: @include: is not allowed; one file holds all\n",
				path, scan.line);
			count++;
			scan.at += 8;
		} else {
			skip_to(&scan, scan.at + 1);
		}
	}
	return count;
}
