/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which devices of a node a CUDA program would see: the rule of CUDA_VISIBLE_DEVICES, which changed
 * with driver branch 570. Pure: reads neither files nor the environment.
 *
 * Below 570 a process gets one MIG device in all, and with one no GPU without MIG; from 570 on one
 * compute instance of each GPU instance (64 at most) beside the GPUs without MIG.
 */
#pragma once

#include "sim/engine/holders.h"

#define MIG_SIM_VISIBLE_VARIABLE    "CUDA_VISIBLE_DEVICES"
#define MIG_SIM_VISIBLE_MIG_MAX	    64 /* MIG devices that a process can use */
#define MIG_SIM_VISIBLE_MAX	    (MIG_SIM_GPUS_MAX + MIG_SIM_VISIBLE_MIG_MAX)
#define MIG_SIM_VISIBLE_RULE_BRANCH 570 /* the first with several MIG devices in a process */
#define MIG_SIM_VISIBLE_WHY_SIZE    256

/* What is looked at. */
struct mig_sim_view {
	const struct mig_sim_node_desc *node;
	const struct mig_gpu_table *models;
	const struct mig_sim_state *state;
	/* Whether the process may use this compute instance; NULL: any. */
	bool (*can_use)(const void *cookie, struct mig_sim_place place);
	const void *cookie;
	bool has_lost; /* GPUs that have fallen off the bus are looked at, too */
};

struct mig_sim_visible {
	struct mig_sim_place places[MIG_SIM_VISIBLE_MAX]; /* in CUDA's order */
	unsigned int count;
	char why[MIG_SIM_VISIBLE_WHY_SIZE]; /* why there is none, or what ended the list; or "" */
};

/*
 * `variable` is the value of CUDA_VISIBLE_DEVICES, NULL: not set. GPUs are numbered as NVML does
 * (as with CUDA_DEVICE_ORDER=PCI_BUS_ID). That numbers count MIG devices too from 570 on, that
 * prefixes of MIG UUIDs do, and what is left of a GPU's UUID when MIG is on are inferred.
 */
void mig_sim_visible_find(const struct mig_sim_view *view, const char *variable,
			  struct mig_sim_visible *out);

/*
 * The GPU or MIG device whose UUID is `text` or begins with it (letter case does not matter).
 * Returns how many there are, *place being the first: 0 is none, 2 and more too few letters.
 */
unsigned int mig_sim_visible_uuid(const struct mig_sim_view *view, const char *text,
				  struct mig_sim_place *place);

/* The UUID of a GPU or compute instance that is there. */
void mig_sim_view_uuid(const struct mig_sim_view *view, struct mig_sim_place place,
		       char uuid[MIG_SIM_UUID_SIZE]);

/* The next GPU or compute instance of the view behind *place (gpu UINT32_MAX: the first one), a GPU
 * before its compute instances. False: there is none. */
bool mig_sim_view_next(const struct mig_sim_view *view, struct mig_sim_place *place);
