/* SPDX-License-Identifier: MIT */
#include "daemon/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

/* Returns 0, or the errno that says why it cannot be executed. */
static int look_at(const char *path)
{
	struct stat status;

	if (stat(path, &status) != 0)
		return errno;
	if (!S_ISREG(status.st_mode))
		return EACCES;
	return access(path, X_OK) == 0 ? 0 : errno;
}

/* "#!/usr/bin/python3 -u": if the interpreter is missing, the kernel only says "no such file". */
static int check_interpreter(const char *path, struct error *err)
{
	char line[256] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd >= 0 ? read(fd, line, sizeof(line) - 1) : -1;
	const char *end;
	char *name;
	int problem;

	if (fd >= 0)
		close(fd);
	/* A file that may be executed but not read is not a script. */
	if (got >= 5 && memcmp(line, "\xef\xbb\xbf#!", 5) == 0)
		return error_set(
			err, ERROR_CONFIG,
			"the command %s cannot be executed: it begins with a byte-order mark; "
			"save it as UTF-8 without one",
			path);
	if (got < 2 || line[0] != '#' || line[1] != '!')
		return 0;
	/* The kernel treats the CR as part of the interpreter's name or argument. */
	end = line + strcspn(line, "\n");
	if (*end == '\n' && end[-1] == '\r')
		return error_set(
			err, ERROR_CONFIG,
			"the command %s cannot be executed: its first line ends with a carriage "
			"return (CR); save it with Unix line ends",
			path);
	name = line + 2 + strspn(line + 2, " \t");
	name[strcspn(name, " \t\n")] = '\0';
	problem = look_at(name);
	if (problem == 0)
		return 0;
	errno = problem;
	return error_set_errno(err, ERROR_CONFIG,
			       "the command %s cannot be executed: its interpreter %s", path, name);
}

static char *search(const char *name, int *ret_problem)
{
	const char *path = getenv("PATH");
	const char *end;

	*ret_problem = ENOENT;
	for (path = path ? path : DEFAULT_PATH; *path != '\0'; path = *end == ':' ? end + 1 : end) {
		char *candidate;
		int problem;

		end = strchrnul(path, ':');
		candidate = xasprintf("%.*s%s/%s", (int)(end - path), path, end > path ? "" : ".",
				      name);
		problem = look_at(candidate);
		if (problem == 0)
			return candidate;
		if (problem != ENOENT && problem != ENOTDIR)
			*ret_problem = problem;
		free(candidate);
	}
	return NULL;
}

char *command_find(const char *name, struct error *err)
{
	int problem = 0;
	char *path;

	if (strchr(name, '/')) {
		problem = look_at(name);
		path = problem == 0 ? xstrdup(name) : NULL;
	} else {
		path = search(name, &problem);
	}
	if (!path) {
		errno = problem;
		(void)error_set_errno(err, ERROR_CONFIG, "the command %s cannot be executed", name);
		return NULL;
	}
	if (check_interpreter(path, err) == 0)
		return path;
	free(path);
	return NULL;
}
