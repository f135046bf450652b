/* SPDX-License-Identifier: MIT */
/*
 * Banned functions: a use is a compile error that names the alternative.
 *
 * The command line includes this header in every source file (`-include`), before its own
 * includes.  The surprise: the system headers that declare these functions are included
 * here first, because they could not declare them after this header.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* With _FORTIFY_SOURCE some of them are macros. */
#undef strcpy
#undef strcat
#undef strtok
#undef strerror
#undef sprintf
#undef gets
#undef atoi
#undef gmtime
#undef localtime

/* Each name is declared nowhere, so the compiler prints it. */
#define strcpy(...)    strcpy_is_banned__use_xstrdup_or_snprintf
#define strcat(...)    strcat_is_banned__use_struct_buf
#define strtok(...)    strtok_is_banned__use_strsep
#define strerror(...)  strerror_is_banned__use_error_set_errno
#define sprintf(...)   sprintf_is_banned__use_snprintf
#define gets(...)      gets_is_banned__use_getline
#define atoi(...)      atoi_is_banned__use_strtol
#define gmtime(...)    gmtime_is_banned__use_gmtime_r
#define localtime(...) localtime_is_banned__use_gmtime_r

#endif
