/* SPDX-License-Identifier: MIT */
/*
 * What a node answers to a broadcast: nothing breaks, and there is always one clean sentence. Input: the
 * answer.
 */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "steem/broadcast.h"
#include "steem/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(what)                                                                                 \
	do {                                                                                       \
		if (!(what))                                                                       \
			abort();                                                                   \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct broadcast_result result;
	struct json_slice value;
	char *body = xmalloc(size + 1);

	if (size > 0)
		memcpy(body, data, size);
	body[size] = '\0';
	broadcast_sort(body, size, 1, &result);
	MUST(is_clean_text(result.text, false));
	MUST(broadcast_answer_name(result.answer) != NULL);
	if (result.answer == BROADCAST_ACCEPTED)
		MUST(json_find(body, size, "result", &value) && result.text[0] == '\0');
	else
		MUST(result.text[0] != '\0');
	free(body);
	return 0;
}
