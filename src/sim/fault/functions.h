/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions that can be made to go wrong, by name: all that a driver branch exports and that
 * answers a code. The table is generated from data/nvml/symbols; the driver itself does without.
 */
#pragma once

#include <stdint.h>

#define MIG_SIM_FUNCTION_BRANCHES_MAX 8

struct mig_sim_function {
	const char *name;
	uint16_t branches[MIG_SIM_FUNCTION_BRANCHES_MAX]; /* that export it, ended by 0 */
};

/* Sorted by name. */
extern const struct mig_sim_function mig_sim_functions[];
extern const unsigned int mig_sim_function_count;
