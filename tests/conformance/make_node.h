/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes node directories for tests of the simulated library, directly by the store: no description
 * file and none of the control side's code, so that a fault there does not hide one here.
 */
#pragma once

#include <stdint.h>

#include "sim/store/store.h"

/* Everything 0 or NULL means the default. */
struct make_node_options {
	const char *name;	    /* "test" */
	unsigned int branch;	    /* 550 */
	unsigned int owner_uid;	    /* root */
	uint8_t off_capacity;	    /* enum mig_sim_off_capacity */
	uint8_t export_table;	    /* enum mig_sim_export_table */
	uint8_t mode_change;	    /* enum mig_sim_mode_change, of every GPU */
	uint8_t initial_mig_mode;   /* of every GPU that has MIG */
	uint8_t numa_node_plus_one; /* of every GPU; 0: none */
	uint8_t is_serial;
	uint32_t timing_ms[MIG_SIM_OPERATION_COUNT];
};

/*
 * Makes the directory `path` with a node of `gpus`: "a100-sxm4-40gb,2xa30-24gb:swapped". GPU i has
 * the PCI bus 0x10 + 0x20 * i and the minor number i. Returns 0, or -1 with what is wrong in
 * `why` (MIG_SIM_DETAIL_SIZE bytes).
 */
int make_node(const char *path, const char *gpus, const struct make_node_options *options,
	      char *why);
