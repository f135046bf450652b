/* SPDX-License-Identifier: MIT */
/* What nodes.c and http.c share: the inside of a block. */
#ifndef SIM_NODES_IMPL_H
#define SIM_NODES_IMPL_H

#include "nodes.h"

unsigned chain_trx_count(uint32_t num, unsigned version);
unsigned chain_op_count(uint32_t num, unsigned version, unsigned trx);
void chain_trx_id(uint32_t num, unsigned version, unsigned trx, char text[BLOCK_ID_HEX + 1]);
void chain_payload(uint32_t num, unsigned version, unsigned trx, unsigned op, char text[64]);

#endif
