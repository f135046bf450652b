/* SPDX-License-Identifier: MIT */
/*
 * The file behind a command's name, found before anything is claimed.
 */
#ifndef WORKER_COMMAND_H
#define WORKER_COMMAND_H

#include "base/error.h"

/*
 * The path of the program: the name itself where it has a slash, else the first one of PATH that can
 * be executed. NULL with err (ERROR_CONFIG) when there is none, or what interprets it is not there.
 * The caller frees it.
 */
char *command_find(const char *name, struct error *err) MUST_CHECK;

#endif
