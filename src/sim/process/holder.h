/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From rows of the table of holders to processes, and back. Keeps errno; thread-safe.
 */
#pragma once

#include <stdbool.h>

#include "sim/engine/state.h"
#include "sim/process/process.h"

/* Whether the process of a used row still lives; false for a free row. */
bool mig_sim_holder_is_alive(const struct mig_sim_holder *holder);

/* Which process a row is of. */
struct mig_sim_process mig_sim_holder_process(const struct mig_sim_holder *holder);

/* The pid by which the caller knows a row's process; 0: it has ended, the row is free, or the process
 * lives in a pid namespace that the caller cannot see into. */
uint32_t mig_sim_holder_pid(const struct mig_sim_holder *holder);

/* The program of a holder (as mig_sim_process_name), if it is a process that the caller can look up;
 * else "". */
void mig_sim_holder_name(const struct mig_sim_holder *holder, char *name, size_t size);

/* Writes which process it is into a row. */
void mig_sim_holder_set_process(struct mig_sim_holder *holder,
				const struct mig_sim_process *process);
