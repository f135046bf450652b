/* SPDX-License-Identifier: MIT */
#include "sync/preview.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "sync/writer.h"

struct preview {
	struct job job;
	struct work *work;
	struct range_set found;
	void (*done)(void *context, uint64_t block_count);
	void *context;
};

static int run_preview(struct db *db, struct job *job, struct error *err)
{
	struct preview *preview = (struct preview *)job;
	const struct reader_config *config = &preview->work->config;

	range_set_clear(&preview->found);
	return ledger_find_outdated(db, config->outdated, preview->work->filter_id,
				    config->backfill, UINT32_MAX, &preview->found, err);
}

static void finish_preview(struct job *job)
{
	struct preview *preview = (struct preview *)job;
	struct work *work = preview->work;

	if (job->err.kind != ERROR_NONE) {
		if (!work->is_stopping)
			work_end(work, &job->err);
	} else {
		for (size_t i = 0; i < preview->found.count; i++) {
			const struct range *range = &preview->found.items[i];

			fprintf(work->config.dry_run, "would read again blocks %u-%u (%u)\n",
				range->first, range->last, range->last - range->first + 1);
		}
		preview->done(preview->context, range_count_blocks(&preview->found));
	}
	range_set_release(&preview->found);
	free(preview);
}

void preview_rewrite(struct work *work, void (*done)(void *context, uint64_t block_count),
		     void *context)
{
	struct preview *preview = xcalloc(1, sizeof(*preview));

	preview->job.run = run_preview;
	preview->job.done = finish_preview;
	snprintf(preview->job.what, sizeof(preview->job.what),
		 "looking for blocks to be written again");
	preview->work = work;
	preview->done = done;
	preview->context = context;
	range_set_init(&preview->found);
	writer_task(work->writer, &preview->job);
}
