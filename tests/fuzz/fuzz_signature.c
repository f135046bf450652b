/* SPDX-License-Identifier: MIT */
/* What a command that signs may answer.  Input: the digest, the public key, and the answer. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "check.h"
#include "poster/signature_run.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct signature_answer answer;
	struct error err = ERROR_INIT;
	struct key key;
	char *text;

	if (size < HASH_SHA256_BYTES + KEY_BYTES)
		return 0;
	memcpy(key.bytes, data + HASH_SHA256_BYTES, KEY_BYTES);
	size -= HASH_SHA256_BYTES + KEY_BYTES;
	text = xmalloc(size + 1);
	memcpy(text, data + HASH_SHA256_BYTES + KEY_BYTES, size);
	text[size] = '\0';
	signature_run_read(text, size, data, &key, &answer);
	if ((answer.why[0] == '\0') != (answer.verdict == SIGNATURE_RIGHT) ||
	    !is_clean_text(answer.why, false))
		abort();
	/* Only what a node takes is right. */
	if (answer.verdict == SIGNATURE_RIGHT &&
	    (sign_check(data, answer.signature, &key, &err) != 0 || answer.signature[0] < 31))
		abort();
	free(text);
	return 0;
}
