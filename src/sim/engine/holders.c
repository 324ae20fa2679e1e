/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of the table of holders; see holders.h.
 *
 * The memory of a GPU instance is shared by its compute instances, as on real GPUs. Must not know
 * processes other than by what a row says.
 */
#include "sim/engine/holders.h"

#include <string.h>

#define MIB (UINT64_C(1024) * 1024)

bool mig_sim_holder_is_at(const struct mig_sim_holder *holder, struct mig_sim_place place,
			  enum mig_sim_reach reach)
{
	if (holder->pid == 0 || holder->gpu != place.gpu)
		return false;
	if (reach == MIG_SIM_REACH_EXACT)
		return holder->gi == place.gi && holder->ci == place.ci;
	return (place.gi == MIG_SIM_NO_INSTANCE || holder->gi == place.gi) &&
	       (place.ci == MIG_SIM_NO_INSTANCE || holder->ci == place.ci);
}

const struct mig_sim_holder *mig_sim_holder_next(const struct mig_sim_holder *rows,
						 struct mig_sim_place place,
						 enum mig_sim_reach reach,
						 mig_sim_is_alive_fn is_alive,
						 const struct mig_sim_holder *after)
{
	const struct mig_sim_holder *row = after ? after + 1 : rows;

	for (; row < rows + MIG_SIM_HOLDERS_MAX; row++) {
		if (mig_sim_holder_is_at(row, place, reach) && is_alive(row))
			return row;
	}
	return NULL;
}

bool mig_sim_is_held(const struct mig_sim_holder *rows, struct mig_sim_place place,
		     enum mig_sim_reach reach, mig_sim_is_alive_fn is_alive)
{
	return mig_sim_holder_next(rows, place, reach, is_alive, NULL) != NULL;
}

uint64_t mig_sim_held_memory(const struct mig_sim_holder *rows, struct mig_sim_place place,
			     mig_sim_is_alive_fn is_alive)
{
	const struct mig_sim_holder *row = NULL;
	uint64_t sum = 0;

	while ((row = mig_sim_holder_next(rows, place, MIG_SIM_REACH_WITHIN, is_alive, row)))
		sum = row->memory > UINT64_MAX - sum ? UINT64_MAX : sum + row->memory;
	return sum;
}

static uint64_t known_bytes(uint32_t mib)
{
	return mib == MIG_TABLE_UNKNOWN ? 0 : mib * MIB;
}

static bool has_cis(const struct mig_sim_gi *gi)
{
	for (unsigned int i = 0; i < MIG_SIM_CIS_MAX; i++) {
		if (gi->ci[i].in_use)
			return true;
	}
	return false;
}

/* Without compute instances nothing is known to be in use. */
static uint64_t gi_idle_memory(const struct mig_sim_gpu *gpu, const struct mig_sim_gi *gi)
{
	if (!gi->in_use || gi->profile >= gpu->model->gi_profile_count || !has_cis(gi))
		return 0;
	return known_bytes(gpu->model->gi[gi->profile].memory_idle_mib);
}

uint64_t mig_sim_idle_memory(const struct mig_sim_gpu *gpu, const struct mig_sim_gpu_state *state,
			     struct mig_sim_place place)
{
	uint64_t sum = 0;

	if (place.gi < MIG_SIM_GIS_MAX)
		return gi_idle_memory(gpu, &state->gi[place.gi]);
	if (!state->mig_current)
		return known_bytes(gpu->model->memory_idle_mib);
	for (unsigned int i = 0; i < MIG_SIM_GIS_MAX; i++)
		sum += gi_idle_memory(gpu, &state->gi[i]);
	return sum;
}

static uint64_t without(uint64_t bytes, uint64_t used)
{
	return used < bytes ? bytes - used : 0;
}

uint64_t mig_sim_place_memory(const struct mig_sim_gpu *gpu, const struct mig_sim_gpu_state *state,
			      struct mig_sim_place place)
{
	const uint64_t idle = mig_sim_idle_memory(gpu, state, place);
	uint64_t total;

	if (place.gi < MIG_SIM_GIS_MAX) {
		const struct mig_sim_gi *gi = &state->gi[place.gi];

		if (!gi->in_use || gi->profile >= gpu->model->gi_profile_count)
			return 0;
		return without(known_bytes(gpu->model->gi[gi->profile].memory_mib), idle);
	}
	if (state->mig_current)
		return 0;
	total = known_bytes(gpu->model->memory_total_mib);
	return without(without(total, known_bytes(gpu->model->memory_reserved_mib)), idle);
}

bool mig_sim_holder_is_same_process(const struct mig_sim_holder *a, const struct mig_sim_holder *b)
{
	return a->pid == b->pid && a->start_time == b->start_time &&
	       a->pid_namespace == b->pid_namespace;
}

static struct mig_sim_place place_of(const struct mig_sim_holder *holder)
{
	return mig_sim_place_ci(holder->gpu, holder->gi, holder->ci);
}

/* The row that this holder has already, else a free one, else one whose process has ended. */
static struct mig_sim_holder *choose_row(struct mig_sim_state *state,
					 const struct mig_sim_holder *holder,
					 mig_sim_is_alive_fn is_alive)
{
	struct mig_sim_holder *free_row = NULL;

	for (unsigned int i = 0; i < MIG_SIM_HOLDERS_MAX; i++) {
		struct mig_sim_holder *row = &state->holders[i];

		if (mig_sim_holder_is_at(row, place_of(holder), MIG_SIM_REACH_EXACT) &&
		    row->kind == holder->kind && mig_sim_holder_is_same_process(row, holder))
			return row;
		if (!free_row && row->pid == 0)
			free_row = row;
	}
	for (unsigned int i = 0; i < MIG_SIM_HOLDERS_MAX && !free_row; i++) {
		struct mig_sim_holder *row = &state->holders[i];

		if (!is_alive(row)) {
			memset(row, 0, sizeof(*row));
			free_row = row;
		}
	}
	return free_row;
}

/* Whether the place is one that can be held now. */
static bool is_there(const struct mig_sim_gpu_state *state, const struct mig_sim_holder *holder)
{
	if (holder->gi == MIG_SIM_NO_INSTANCE)
		return holder->ci == MIG_SIM_NO_INSTANCE;
	return holder->gi < MIG_SIM_GIS_MAX && holder->ci < MIG_SIM_CIS_MAX && state->mig_current &&
	       state->gi[holder->gi].in_use && state->gi[holder->gi].ci[holder->ci].in_use;
}

enum mig_sim_hold_status mig_sim_holder_add(const struct mig_sim_gpu *gpu,
					    struct mig_sim_state *state,
					    const struct mig_sim_holder *holder,
					    mig_sim_is_alive_fn is_alive, uint64_t *free_bytes)
{
	const struct mig_sim_gpu_state *now = &state->gpus[holder->gpu];
	const struct mig_sim_place pool = mig_sim_place_gi(holder->gpu, holder->gi);
	struct mig_sim_holder *row;
	uint64_t total, held;

	if (now->is_lost)
		return MIG_SIM_HOLD_GPU_LOST;
	if (!is_there(now, holder))
		return MIG_SIM_HOLD_NO_INSTANCE;
	total = mig_sim_place_memory(gpu, now, pool);
	held = mig_sim_held_memory(state->holders, pool, is_alive);
	*free_bytes = held < total ? total - held : 0;
	if (holder->memory > *free_bytes)
		return MIG_SIM_HOLD_NO_MEMORY;
	row = choose_row(state, holder, is_alive);
	if (!row)
		return MIG_SIM_HOLD_TABLE_FULL;
	if (row->pid == 0)
		*row = *holder;
	else
		row->memory += holder->memory;
	return MIG_SIM_HOLD_OK;
}

unsigned int mig_sim_holder_remove(struct mig_sim_state *state,
				   const struct mig_sim_holder *process)
{
	unsigned int removed = 0;

	for (unsigned int i = 0; i < MIG_SIM_HOLDERS_MAX; i++) {
		struct mig_sim_holder *row = &state->holders[i];

		if (row->pid != 0 && mig_sim_holder_is_same_process(row, process)) {
			memset(row, 0, sizeof(*row));
			removed++;
		}
	}
	return removed;
}

unsigned int mig_sim_holder_drop_dead(struct mig_sim_state *state, struct mig_sim_place place,
				      mig_sim_is_alive_fn is_alive)
{
	unsigned int dropped = 0;

	for (unsigned int i = 0; i < MIG_SIM_HOLDERS_MAX; i++) {
		struct mig_sim_holder *row = &state->holders[i];

		if (mig_sim_holder_is_at(row, place, MIG_SIM_REACH_WITHIN) && !is_alive(row)) {
			memset(row, 0, sizeof(*row));
			dropped++;
		}
	}
	return dropped;
}
