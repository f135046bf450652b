/* SPDX-License-Identifier: MIT */
/* What nodes.c and http.c share: the inside of a block. */
#ifndef SIM_NODES_IMPL_H
#define SIM_NODES_IMPL_H

#include "nodes.h"

unsigned chain_trx_count(uint32_t num, unsigned version);
unsigned chain_op_count(uint32_t num, unsigned version, unsigned trx);
void chain_payload(uint32_t num, unsigned version, unsigned trx, unsigned op, char text[64]);
const char *chain_op_name(uint32_t num, unsigned trx, unsigned op);

#endif
