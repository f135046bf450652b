/* SPDX-License-Identifier: MIT */
/* What the files of the database share. */
#ifndef SIM_DATABASE_IMPL_H
#define SIM_DATABASE_IMPL_H

#include "statements.h"
#include "store/db.h"

/* Send a statement to the server and wait for its result. */
int database_run(struct db *db, struct call *call, struct error *err) MUST_CHECK;
/* The connection breaks here. Returns -1. */
int database_lose(struct db *db, struct error *err);

#endif
