/* SPDX-License-Identifier: MIT */
/*
 * Functions that nobody may call here: a use is a compile error that names the cure.
 *
 * Every source file gets this header from the command line (`-include`), before its
 * own includes.  The surprise: the functions are declared again rather than poisoned,
 * because poisoning would also hit the system's own headers, whichever come later.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__clang__) || (defined(__GNUC__) && __GNUC__ >= 12)
#define BANNED(cure) __attribute__((unavailable("banned here: " cure)))
#else
#define BANNED(cure) __attribute__((deprecated("banned here: " cure)))
#endif

extern char *strcpy(char *to, const char *from) BANNED("use xstrdup or snprintf");
extern char *strcat(char *to, const char *from) BANNED("use struct buf");
extern char *strtok(char *text, const char *delimiters) BANNED("use strtok_r or strsep");
extern char *strerror(int number) BANNED("use error_set_errno or strerror_r");
extern int sprintf(char *to, const char *fmt, ...) BANNED("use snprintf");
extern char *gets(char *to) BANNED("use getline");
extern int atoi(const char *text) BANNED("use strtol and look at errno");
extern struct tm *gmtime(const time_t *time) BANNED("use gmtime_r");
extern struct tm *localtime(const time_t *time) BANNED("use gmtime_r: all times are UTC");

#undef BANNED

#endif
