/* SPDX-License-Identifier: MIT */
/*
 * What a text of the configuration must look like to be of use.  Pure.
 *
 * A fault is said in words that go behind "is \"...\", "; NULL means that there is none.  The surprise:
 * a URL may hold a password or a key, so it is shown only as config_url_shown() gives it.
 */
#ifndef DAEMON_CONFIG_CHECK_H
#define DAEMON_CONFIG_CHECK_H

#include <stdbool.h>
#include <stddef.h>

/* The URL of a node: http:// or https://, a host that can be one, a port that can be one. */
const char *config_url_fault(const char *url);
/*
 * What may be shown of it: user and password as "***", and what follows '?' too.  Also of a URL
 * with faults.  The caller frees it.
 */
char *config_url_shown(const char *url);
/* Do both lead to the same place? Both without faults. */
bool config_url_is_same(const char *a, const char *b);

/* The place of the first byte that is no UTF-8; -1: there is none. */
long config_utf8_fault(const char *text);
/* Of a password without the line end behind it: what an editor or a copy has left in it. */
const char *config_password_fault(const char *password);
/* What is wrong with the bytes of a configuration file that libconfig cannot read, or would misread. */
const char *config_bytes_fault(const char *bytes, size_t len);
/* The first character outside of quotes and comments that is not ASCII, such as a curly quote; NULL: none. */
const char *config_find_foreign(const char *text, unsigned *ret_line, size_t *ret_len);

#endif
