/* SPDX-License-Identifier: MIT */
#include "steem/account_name.h"

#include <stdbool.h>
#include <string.h>

static bool is_letter(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_letter_or_digit(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9');
}

static const char *fault_of_character(char c)
{
	if (c >= 'A' && c <= 'Z')
		return "it has capital letters";
	if (c == '@')
		return "it has an '@', which is no part of a name";
	if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
		return "it has white space";
	return "it has a character that no name has";
}

/* The fault of a part between two dots. */
static const char *fault_of_part(const char *part, size_t len)
{
	if (len < ACCOUNT_NAME_MIN_BYTES)
		return "one of its parts between dots is shorter than 3";
	if (!is_letter(part[0]))
		return "one of its parts does not begin with a letter";
	if (!is_letter_or_digit(part[len - 1]))
		return "one of its parts does not end with a letter or a digit";
	return NULL;
}

const char *account_name_fault(const char *name, size_t len)
{
	const char *fault = NULL;

	if (len == 0)
		return "it is empty";
	for (size_t i = 0; i < len; i++)
		if (!is_letter_or_digit(name[i]) && name[i] != '-' && name[i] != '.')
			return fault_of_character(name[i]);
	if (len < ACCOUNT_NAME_MIN_BYTES)
		return "it is too short";
	if (len > ACCOUNT_NAME_MAX_BYTES)
		return "it is too long";
	for (size_t at = 0; at <= len && !fault;) {
		const char *dot = memchr(name + at, '.', len - at);
		size_t part_len = dot ? (size_t)(dot - name) - at : len - at;

		fault = fault_of_part(name + at, part_len);
		at += part_len + 1;
	}
	return fault;
}
