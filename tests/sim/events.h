/* SPDX-License-Identifier: MIT */
#ifndef SIM_EVENTS_H
#define SIM_EVENTS_H

#include <stdbool.h>

/* Somebody lies: events that tell of contradictions are no mistake. */
extern bool events_may_contradict;

/* How often each event was logged, in all simulations of this program: what the seeds reach. */
void events_print(void);

#endif
