/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulated driver's rules as pure functions: (facts, state, operation) -> (answer, state).
 *
 * No files, no clock, no handles, no allocation, no globals; every function may run in any thread
 * on data the caller owns. Answers are NVML return codes as a real driver gives them. A function
 * that answers anything but NVML_SUCCESS has changed nothing. Permission is the caller's matter.
 *
 * `gpu` bundles what an operation needs to know; `state` is the GPU's mutable state.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "nvml/nvml_abi.h"
#include "sim/engine/state.h"

struct mig_sim_gpu {
	const struct mig_sim_node_desc *node;
	const struct mig_sim_gpu_desc *desc;
	const struct mig_gpu_table *model;
};

#define MIG_SIM_ANY_START UINT32_MAX /* the driver chooses */

/* ---- engine/tree.c: ids as tree positions ---------------------------------------------------- */

/* The GPU instance id of a placement (start:size in placement units), or -1 if there is none. */
int mig_sim_tree_id(const struct mig_sim_gpu *gpu, uint32_t start, uint32_t size);

/* ---- engine/placement.c: what fits where ------------------------------------------------------ */

/* Whether an instance of GI profile row `row` could be created at `start` in this state. */
bool mig_sim_gi_fits(const struct mig_sim_gpu *gpu, const struct mig_sim_gpu_state *state,
		     unsigned int row, uint32_t start);

/* How many more instances of the profile row could be made (the "free" of -lgip). */
uint32_t mig_sim_gi_remaining(const struct mig_sim_gpu *gpu, const struct mig_sim_gpu_state *state,
			      unsigned int row);

/* The driver's own choice of start for the next instance of the row; -1 if none fits. */
int mig_sim_gi_choose(const struct mig_sim_gpu *gpu, const struct mig_sim_gpu_state *state,
		      unsigned int row);

/* The same for compute instances inside GPU instance `gi_id`; rows are of the GI profile's ci[]. */
bool mig_sim_ci_fits(const struct mig_sim_gpu *gpu, const struct mig_sim_gpu_state *state,
		     unsigned int gi_id, unsigned int row, uint32_t start);
uint32_t mig_sim_ci_remaining(const struct mig_sim_gpu *gpu, const struct mig_sim_gpu_state *state,
			      unsigned int gi_id, unsigned int row);
int mig_sim_ci_choose(const struct mig_sim_gpu *gpu, const struct mig_sim_gpu_state *state,
		      unsigned int gi_id, unsigned int row);

/* ---- engine/mode.c: MIG mode ------------------------------------------------------------------ */

/* The state a GPU has when the node is made. */
void mig_sim_gpu_init(const struct mig_sim_gpu *gpu, struct mig_sim_gpu_state *state);

/*
 * nvmlDeviceSetMigMode. *activation gets SUCCESS, RESET_REQUIRED or IN_USE; the pending mode is
 * set in each of these cases and the answer is SUCCESS. NOT_SUPPORTED: no MIG. INVALID_ARGUMENT:
 * mode is neither 0 nor 1. IN_USE: MIG is on, instances exist and it would be turned off.
 * `is_held`: a process holds the GPU, which leaves a change pending (activation IN_USE) until it is
 * asked for again. That Hopper and later do the same is inferred.
 */
nvmlReturn_t mig_sim_mode_set(const struct mig_sim_gpu *gpu, struct mig_sim_gpu_state *state,
			      unsigned int mode, bool is_held, nvmlReturn_t *activation);

/* ---- engine/instances.c: the life of GPU and compute instances -------------------------------- */

/* Rows by NVML numbers. Return the row, or -1. */
int mig_sim_gi_row_by_index(const struct mig_gpu_table *model, unsigned int profile_index);
int mig_sim_gi_row_by_id(const struct mig_gpu_table *model, unsigned int profile_id);
int mig_sim_ci_row_by_index(const struct mig_table_gi_profile *gi, unsigned int profile_index);

/*
 * Creates a GPU instance. `start` may be MIG_SIM_ANY_START; `size` is checked only with a start.
 * *gi_id gets the new id. NOT_SUPPORTED: MIG off or no such profile on a GPU without MIG;
 * INVALID_ARGUMENT: unknown profile id, placement not in the profile's list;
 * INSUFFICIENT_RESOURCES: no room, or a second media extension.
 */
nvmlReturn_t mig_sim_gi_create(const struct mig_sim_gpu *gpu, struct mig_sim_gpu_state *state,
			       unsigned int profile_id, uint32_t start, uint32_t size,
			       unsigned int *gi_id);

/* NOT_FOUND: no such instance (the handle is stale); IN_USE: it has compute instances. */
nvmlReturn_t mig_sim_gi_destroy(const struct mig_sim_gpu *gpu, struct mig_sim_gpu_state *state,
				unsigned int gi_id);

/*
 * Creates a compute instance inside gi_id from CI profile `profile_id`. *ci_id gets the smallest
 * free id. Codes as for GPU instances; an unknown profile is NOT_SUPPORTED for a known NVML index
 * that this GPU instance has not, INVALID_ARGUMENT beyond NVML's indices.
 */
nvmlReturn_t mig_sim_ci_create(const struct mig_sim_gpu *gpu, struct mig_sim_gpu_state *state,
			       unsigned int gi_id, unsigned int profile_id, uint32_t start,
			       uint32_t size, unsigned int *ci_id);
nvmlReturn_t mig_sim_ci_destroy(const struct mig_sim_gpu *gpu, struct mig_sim_gpu_state *state,
				unsigned int gi_id, unsigned int ci_id);

/* ---- engine/identity.c: MIG devices and what they are called ---------------------------------- */

/* MIG devices are numbered without gaps by GI id, then CI id. */
unsigned int mig_sim_device_count(const struct mig_sim_gpu_state *state);
/* The index-th MIG device; false if there are not so many. */
bool mig_sim_device_at(const struct mig_sim_gpu_state *state, unsigned int index,
		       unsigned int *gi_id, unsigned int *ci_id);
/* The index of a MIG device; -1 if it does not exist. */
int mig_sim_device_index(const struct mig_sim_gpu_state *state, unsigned int gi_id,
			 unsigned int ci_id);

/* "GPU-…" of node `name`, GPU `index`, and the device identifier behind MIG UUIDs (SHA-1). */
void mig_sim_gpu_uuid(const char *node_name, unsigned int index, char uuid[MIG_SIM_UUID_SIZE]);
uint64_t mig_sim_gpu_pdi(const char *gpu_uuid);

#define MIG_SIM_BOOT_ID_SIZE 37 /* 8-4-4-4-12 digits and a zero byte */

/* What the kernel would say in /proc/sys/kernel/random/boot_id of node `name` after so many reboots:
 * another one after each. */
void mig_sim_boot_id(const char *node_name, uint64_t reboots, char boot_id[MIG_SIM_BOOT_ID_SIZE]);

/* "MIG-…" of a compute instance: the same position gives the same UUID again. */
void mig_sim_mig_uuid(const struct mig_sim_gpu *gpu, const struct mig_sim_gpu_state *state,
		      unsigned int gi_id, unsigned int ci_id, char uuid[MIG_SIM_UUID_SIZE]);

/* BAR1 of a GPU instance in MiB (rules of data/mig.json per branch). */
uint64_t mig_sim_gi_bar1_mib(const struct mig_sim_gpu *gpu, const struct mig_sim_gi *gi);

/* ---- engine/events.c: what happened ----------------------------------------------------------- */

/* Appends an event to the ring and moves event_serial on. `type` is one bit of nvmlEventType…;
 * gi_id and ci_id may be MIG_SIM_NO_INSTANCE. */
void mig_sim_event_push(struct mig_sim_state *state, uint64_t type, uint64_t data,
			unsigned int gpu_index, unsigned int gi_id, unsigned int ci_id);

/* The oldest event with a serial above `after` that the ring still has, or NULL. */
const struct mig_sim_event *mig_sim_event_next(const struct mig_sim_state *state, uint64_t after);

/* Its serial alone, if `newest` is that of the newest event; 0: there is none above `after`. */
static inline uint64_t mig_sim_event_next_serial(uint64_t newest, uint64_t after)
{
	if (after >= newest)
		return 0;
	/* Events that were overwritten meanwhile are lost. */
	return newest - after > MIG_SIM_EVENTS_MAX ? newest - MIG_SIM_EVENTS_MAX + 1 : after + 1;
}

/* To be called after a change of a GPU, whose state was `before`: if its MIG mode or its instances
 * changed, counts a configuration change and pushes the event. */
void mig_sim_event_mig_config(struct mig_sim_state *state, unsigned int gpu_index,
			      const struct mig_sim_gpu_state *before);

/* ---- engine/time.c: how long operations take ---------------------------------------------------- */

/*
 * Reserves the time of an operation on a GPU behind what was reserved before (on this GPU; on any
 * GPU if the node is serial). `now_ns` is of CLOCK_BOOTTIME. Returns the point at which the
 * operation is done. A reservation of more than ten minutes ahead is not believed: it is from before
 * the real machine was started again.
 */
uint64_t mig_sim_time_reserve(const struct mig_sim_node_desc *node, struct mig_sim_state *state,
			      unsigned int gpu_index, enum mig_sim_operation operation,
			      uint64_t now_ns);

/* ---- engine/reset.c: what a GPU reset and a reboot of the node do ------------------------------ */

/*
 * A reset of the GPU: its instances are gone, a pending MIG mode comes into force, volatile ECC
 * counters begin anew. Who holds the GPU is the caller's matter. IN_USE: persistence mode is on.
 * GPU_IS_LOST: it has fallen off the bus, which only a reboot mends.
 */
nvmlReturn_t mig_sim_gpu_reset(const struct mig_sim_gpu *gpu, struct mig_sim_gpu_state *state);

/* A reboot, for one GPU: as a reset, and models whose MIG mode does not survive one have it off;
 * a lost GPU is back; persistence mode is as described. */
void mig_sim_gpu_reboot(const struct mig_sim_gpu *gpu, struct mig_sim_gpu_state *state);
