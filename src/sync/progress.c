/* SPDX-License-Identifier: MIT */
#include "sync/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define BAR_INTERVAL_MS  500
#define LINE_INTERVAL_MS 10000
#define BAR_WIDTH        20

static int64_t interval_ms(const struct progress *progress)
{
	return progress->is_terminal ? BAR_INTERVAL_MS : LINE_INTERVAL_MS;
}

static void write_terminal(const char *text, int len)
{
	if (len > 0)
		log_draw(text, (size_t)len);
}

static void draw(struct progress *progress, bool is_drawn)
{
	char text[sizeof(progress->line) + 8];

	if (is_drawn)
		write_terminal(text, snprintf(text, sizeof(text), "\r%s\033[K", progress->line));
	else if (progress->is_drawn)
		write_terminal(text, snprintf(text, sizeof(text), "\r\033[K"));
	progress->is_drawn = is_drawn;
}

/* When the log writes a line: remove the bar first, then draw it again. */
static void redraw(void *context, bool is_drawn)
{
	struct progress *progress = context;

	if (progress->is_active)
		draw(progress, is_drawn);
}

static void format_time_left(char *text, size_t size, double seconds)
{
	unsigned long left = (unsigned long)seconds;

	if (left < 60)
		snprintf(text, size, "%lu s", left);
	else if (left < 3600)
		snprintf(text, size, "%lu min %02lu s", left / 60, left % 60);
	else if (left < 48 * 3600)
		snprintf(text, size, "%lu h %02lu min", left / 3600, left / 60 % 60);
	else
		snprintf(text, size, "%lu days", left / 86400);
}

static void measure(struct progress *progress, int64_t now_ms)
{
	double seconds = (double)(now_ms - progress->shown_at_ms) / 1000.0;
	double weight = progress->shown_blocks > 0 ? 0.5 : 1.0;
	double blocks = (double)(progress->done_blocks - progress->shown_blocks);
	double operations = (double)(progress->operations - progress->shown_operations);

	if (seconds <= 0)
		return;
	progress->blocks_per_s += weight * (blocks / seconds - progress->blocks_per_s);
	progress->operations_per_s += weight * (operations / seconds - progress->operations_per_s);
	progress->shown_at_ms = now_ms;
	progress->shown_blocks = progress->done_blocks;
	progress->shown_operations = progress->operations;
}

static void format_line(struct progress *progress)
{
	uint64_t total = progress->done_blocks + progress->left_blocks;
	char left[32] = "unknown";
	char bar[BAR_WIDTH + 1];
	unsigned filled = total ? (unsigned)(BAR_WIDTH * progress->done_blocks / total) : 0;

	for (unsigned i = 0; i < BAR_WIDTH; i++)
		bar[i] = i < filled ? '#' : '.';
	bar[BAR_WIDTH] = '\0';
	if (progress->blocks_per_s > 0)
		format_time_left(left, sizeof(left),
				 (double)progress->left_blocks / progress->blocks_per_s);
	snprintf(progress->line, sizeof(progress->line),
		 "%s%s%s%s %llu of %llu blocks, %.0f blocks/s, %.0f operations/s, %s left",
		 progress->is_terminal ? "[" : "", progress->is_terminal ? bar : "",
		 progress->is_terminal ? "] " : "", progress->what,
		 (unsigned long long)progress->done_blocks, (unsigned long long)total,
		 progress->blocks_per_s, progress->operations_per_s, left);
}

static void show(struct progress *progress, int64_t now_ms)
{
	measure(progress, now_ms);
	format_line(progress);
	if (progress->is_terminal)
		draw(progress, true);
	else
		log_info("progress", "%s", progress->line);
}

void progress_init(struct progress *progress)
{
	*progress = (struct progress){.is_terminal = isatty(STDERR_FILENO) == 1};
}

void progress_begin(struct progress *progress, const char *what)
{
	bool is_terminal = progress->is_terminal;

	progress_end(progress);
	*progress = (struct progress){.is_terminal = is_terminal,
				      .is_active = true,
				      .what = what,
				      .began_at_ms = clock_now_ms(),
				      .shown_at_ms = clock_now_ms()};
	if (is_terminal)
		log_set_redraw(redraw, progress);
}

int64_t progress_update(struct progress *progress, uint64_t done_blocks, uint64_t operations,
			uint64_t left_blocks)
{
	int64_t now_ms = clock_now_ms();

	progress->done_blocks = done_blocks;
	progress->operations = operations;
	progress->left_blocks = left_blocks;
	if (!progress->is_active)
		return CLOCK_NEVER;
	if (now_ms - progress->shown_at_ms >= interval_ms(progress))
		show(progress, now_ms);
	return progress->shown_at_ms + interval_ms(progress);
}

void progress_drop(struct progress *progress)
{
	if (!progress->is_active)
		return;
	draw(progress, false);
	log_set_redraw(NULL, NULL);
	progress->is_active = false;
}

void progress_end(struct progress *progress)
{
	double seconds = (double)(clock_now_ms() - progress->began_at_ms) / 1000.0;
	bool was_active = progress->is_active;

	progress_drop(progress);
	if (was_active && progress->done_blocks > 0)
		log_info("progress",
			 "%s done: %llu blocks, %llu operations in %.1f s (%.0f blocks/s)",
			 progress->what, (unsigned long long)progress->done_blocks,
			 (unsigned long long)progress->operations, seconds,
			 seconds > 0 ? (double)progress->done_blocks / seconds : 0.0);
}
