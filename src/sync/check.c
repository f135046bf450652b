/* SPDX-License-Identifier: MIT */
#include "sync/check.h"

bool check_link(const struct block *block, const struct block *next)
{
	if (next->num != block->num + 1)
		return true;
	return block_id_equal(next->previous, block->id);
}
