/* SPDX-License-Identifier: MIT */
/*
 * Functions that nobody may call here: a use is a compile error that names the cure.
 *
 * Every source file gets this header from the command line (`-include`), before its
 * own includes.  The surprise: the system headers that declare these functions come
 * first, since behind this header nobody can declare them any more.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Fortified headers make macros of some of them. */
#undef strcpy
#undef strcat
#undef strtok
#undef strerror
#undef sprintf
#undef gets
#undef atoi
#undef gmtime
#undef localtime

/* A name that is declared nowhere: the compiler prints it. */
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
