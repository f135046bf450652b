/* SPDX-License-Identifier: MIT */
#include "sync/record_signed.h"

#include <stdlib.h>

#include "base/mem.h"
#include "sync/executor.h"

struct note_job {
	struct job job;
	struct shared *shared;
	struct witness_key_list keys;
};

static int run_note(struct db *db, struct job *job, struct error *err)
{
	const struct witness_key_list *keys = &((struct note_job *)job)->keys;

	for (size_t i = 0; i < keys->count; i++)
		if (witness_keys_note(db, &keys->items[i], err) < 0)
			return -1;
	return 0;
}

static void finish_note(struct job *job)
{
	struct note_job *note = (struct note_job *)job;

	if (job->err.kind != ERROR_NONE)
		shared_task_failed(note->shared, &job->err);
	witness_key_list_release(&note->keys);
	free(note);
}

void record_signed(struct shared *shared, struct witness_key_list *keys)
{
	struct note_job *note;

	if (keys->count == 0)
		return;
	note = xcalloc(1, sizeof(*note));
	job_init(&note->job, run_note, finish_note, "noting which keys signed");
	note->shared = shared;
	note->keys = *keys;
	*keys = (struct witness_key_list){.count = 0};
	executor_task(shared->executor, &note->job);
}
