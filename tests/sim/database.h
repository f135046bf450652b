/* SPDX-License-Identifier: MIT */
/*
 * The database servers of a simulation, and their faults.  This replaces the functions of
 * store/db.h and bulk_insert() of the program.
 */
#ifndef SIM_DATABASE_H
#define SIM_DATABASE_H

#include <stdbool.h>
#include <stdint.h>

#include "tables.h"

struct process;

struct server {
	bool is_down;
	bool is_minority;      /* it runs, but is not part of the cluster's majority: 1047 */
	bool is_read_only;     /* 1290 */
	int64_t hung_until_ms; /* it answers nothing until this time */
	int64_t clock_ms;      /* how wrong its clock is */
	int64_t jump_ms;       /* how much more wrong it is until jump_until_ms */
	int64_t jump_until_ms;
};

extern struct server sim_servers[DB_NODES_MAX];
extern unsigned sim_db_faults_per_mille; /* of all calls */
extern int64_t sim_db_latency_ms;        /* the longest time of a call without trouble */

void database_open(unsigned server_count);
/* The server loses all connections; uncommitted work is undone. */
void database_cut(unsigned server);
/* The process is gone: calls that it has sent may still be executed, everything else is undone. */
void database_bury(const struct process *process);
/* If the client of a transaction that holds a lock is silent, the server ends it after a while. */
void database_end_idle(const struct tx *tx);
uint64_t database_now_us(unsigned server);
/* How many faults were made up since the program began. */
extern uint64_t sim_db_fault_count;
extern uint64_t sim_db_call_count;

#endif
