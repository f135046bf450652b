/* SPDX-License-Identifier: MIT */
/*
 * The database servers of a simulation, and what goes wrong with them.  The functions of
 * store/db.h and bulk_insert() are here, in place of those of the program.
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
	int64_t hung_until_ms; /* until then it answers nothing */
	int64_t clock_ms;      /* how far its clock is off */
	int64_t jump_ms;       /* and how much further until jump_until_ms */
	int64_t jump_until_ms;
};

extern struct server sim_servers[DB_NODES_MAX];
extern unsigned sim_db_faults_per_mille; /* of all calls */
extern int64_t sim_db_latency_ms;        /* the most that a call takes, when all is well */

void database_open(unsigned server_count);
/* The server forgets all connections; what was not committed is undone. */
void database_cut(unsigned server);
/* The process is gone: what it had sent may still be done, all else is undone. */
void database_bury(const struct process *process);
/* The transaction that holds a lock, if its client is silent: the server ends it after a while. */
void database_end_idle(const struct tx *tx);
uint64_t database_now_us(unsigned server);
/* How often a fault was made up, since the program began. */
extern uint64_t sim_db_fault_count;
extern uint64_t sim_db_call_count;

#endif
