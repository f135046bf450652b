/* SPDX-License-Identifier: MIT */
#ifndef SIM_EVENTS_H
#define SIM_EVENTS_H

#include <stdbool.h>

/* Some node lies, so events that report contradictions are not mistakes. */
extern bool events_may_contradict;

/*
 * Print how often each event was logged in all simulations of this program: what the seeds
 * reach.
 */
void events_print(void);

#endif
