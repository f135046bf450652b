/* SPDX-License-Identifier: MIT */
/*
 * Finds the file of a command by its name, before anything is claimed.
 */
#ifndef DAEMON_COMMAND_H
#define DAEMON_COMMAND_H

#include "base/error.h"

/*
 * The path of the program: the name itself if it has a slash, else the first match in PATH that
 * can be executed. NULL with err (ERROR_CONFIG) if there is none, or if its interpreter is
 * missing. The caller frees it.
 */
char *command_find(const char *name, struct error *err) MUST_CHECK;

#endif
