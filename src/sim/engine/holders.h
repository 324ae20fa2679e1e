/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who holds what: the rules of the table of holders, as pure functions like the rest of the engine.
 *
 * A row counts as long as its process lives. Whether it does is known by asking the operating
 * system, which is not done here: who needs to know passes in a function that says so. A row whose
 * process has ended is free.
 */
#pragma once

#include "sim/engine/engine.h"

/* A GPU itself (gi and ci MIG_SIM_NO_INSTANCE) or a compute instance; for questions also a GPU
 * instance (ci MIG_SIM_NO_INSTANCE). */
struct mig_sim_place {
	unsigned int gpu;
	unsigned int gi;
	unsigned int ci;
};

/* What questions are about. */
enum mig_sim_reach {
	MIG_SIM_REACH_EXACT,  /* the place alone: of a GPU not its instances */
	MIG_SIM_REACH_WITHIN, /* and everything in it */
};

typedef bool (*mig_sim_is_alive_fn)(const struct mig_sim_holder *holder);

static inline struct mig_sim_place mig_sim_place_gpu(unsigned int gpu_index)
{
	return (struct mig_sim_place){
		.gpu = gpu_index, .gi = MIG_SIM_NO_INSTANCE, .ci = MIG_SIM_NO_INSTANCE};
}

static inline struct mig_sim_place mig_sim_place_gi(unsigned int gpu_index, unsigned int gi_id)
{
	return (struct mig_sim_place){.gpu = gpu_index, .gi = gi_id, .ci = MIG_SIM_NO_INSTANCE};
}

static inline struct mig_sim_place mig_sim_place_ci(unsigned int gpu_index, unsigned int gi_id,
						    unsigned int ci_id)
{
	return (struct mig_sim_place){.gpu = gpu_index, .gi = gi_id, .ci = ci_id};
}

/* Whether a row that is used is of this place. Does not ask whether its process lives. */
bool mig_sim_holder_is_at(const struct mig_sim_holder *holder, struct mig_sim_place place,
			  enum mig_sim_reach reach);

/*
 * The next live holder of the place behind `after` (NULL: the first one) in an array of
 * MIG_SIM_HOLDERS_MAX rows; NULL: there is none.
 */
const struct mig_sim_holder *mig_sim_holder_next(const struct mig_sim_holder *rows,
						 struct mig_sim_place place,
						 enum mig_sim_reach reach,
						 mig_sim_is_alive_fn is_alive,
						 const struct mig_sim_holder *after);

/* Whether the place has a live holder. */
bool mig_sim_is_held(const struct mig_sim_holder *rows, struct mig_sim_place place,
		     enum mig_sim_reach reach, mig_sim_is_alive_fn is_alive);

/* Bytes that live holders have of the place and of everything in it. */
uint64_t mig_sim_held_memory(const struct mig_sim_holder *rows, struct mig_sim_place place,
			     mig_sim_is_alive_fn is_alive);

/*
 * Bytes that the driver uses for itself although nobody holds anything: of a GPU instance that has
 * compute instances, of a GPU that of its instances or, with MIG mode off, its own. 0 where the
 * model does not know it.
 */
uint64_t mig_sim_idle_memory(const struct mig_sim_gpu *gpu, const struct mig_sim_gpu_state *state,
			     struct mig_sim_place place);

/*
 * Bytes that holders can share: of a GPU without what the driver reserves (0 while MIG mode is on:
 * then the memory is its instances'), of a GPU or compute instance the GPU instance's; without what
 * the driver uses for itself.
 */
uint64_t mig_sim_place_memory(const struct mig_sim_gpu *gpu, const struct mig_sim_gpu_state *state,
			      struct mig_sim_place place);

/* Why a process cannot become a holder. */
enum mig_sim_hold_status {
	MIG_SIM_HOLD_OK,
	MIG_SIM_HOLD_GPU_LOST,
	MIG_SIM_HOLD_NO_INSTANCE, /* the compute instance is not there */
	MIG_SIM_HOLD_NO_MEMORY,	  /* more than is free */
	MIG_SIM_HOLD_TABLE_FULL,  /* MIG_SIM_HOLDERS_MAX live holders */
	MIG_SIM_HOLD_STATUS_COUNT,
};

/*
 * Makes a process a holder. `holder` says all; a holder of the same place and kind gets the memory
 * added to what it has. Takes a row that is free, else one whose process has ended. `gpu` is the
 * GPU holder->gpu. On NO_MEMORY *free_bytes gets what is free.
 */
enum mig_sim_hold_status mig_sim_holder_add(const struct mig_sim_gpu *gpu,
					    struct mig_sim_state *state,
					    const struct mig_sim_holder *holder,
					    mig_sim_is_alive_fn is_alive, uint64_t *free_bytes);

/* Whether both rows are of one process. */
bool mig_sim_holder_is_same_process(const struct mig_sim_holder *a, const struct mig_sim_holder *b);

/* Frees all rows of a process. Returns how many there were. */
unsigned int mig_sim_holder_remove(struct mig_sim_state *state,
				   const struct mig_sim_holder *process);

/* Frees the rows of a place whose processes have ended. Returns how many there were. */
unsigned int mig_sim_holder_drop_dead(struct mig_sim_state *state, struct mig_sim_place place,
				      mig_sim_is_alive_fn is_alive);
