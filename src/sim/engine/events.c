/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring of events. Who waits for which of them is not known here.
 */
#include "sim/engine/engine.h"

#include <string.h>

void mig_sim_event_push(struct mig_sim_state *state, uint64_t type, uint64_t data,
			unsigned int gpu_index, unsigned int gi_id, unsigned int ci_id)
{
	uint64_t serial = ++state->event_serial;

	state->events[serial % MIG_SIM_EVENTS_MAX] = (struct mig_sim_event){
		.serial = serial,
		.type = type,
		.data = data,
		.gpu = (uint8_t)gpu_index,
		.gi = (uint8_t)gi_id,
		.ci = (uint8_t)ci_id,
	};
}

const struct mig_sim_event *mig_sim_event_next(const struct mig_sim_state *state, uint64_t after)
{
	uint64_t serial = mig_sim_event_next_serial(state->event_serial, after);

	return serial ? &state->events[serial % MIG_SIM_EVENTS_MAX] : NULL;
}

/* The instances alone: what else a GPU instance's row holds are counters. */
static bool is_same_gi(const struct mig_sim_gi *a, const struct mig_sim_gi *b)
{
	return a->in_use == b->in_use && a->profile == b->profile && a->start == b->start &&
	       a->size == b->size && memcmp(a->ci, b->ci, sizeof(a->ci)) == 0;
}

void mig_sim_event_mig_config(struct mig_sim_state *state, unsigned int gpu_index,
			      const struct mig_sim_gpu_state *before)
{
	const struct mig_sim_gpu_state *now = &state->gpus[gpu_index];
	bool is_same = before->mig_current == now->mig_current &&
		       before->mig_pending == now->mig_pending;

	for (unsigned int id = 0; id < MIG_SIM_GIS_MAX && is_same; id++)
		is_same = is_same_gi(&before->gi[id], &now->gi[id]);
	if (is_same)
		return;
	state->config_changes++;
	mig_sim_event_push(state, nvmlEventMigConfigChange, 0, gpu_index, MIG_SIM_NO_INSTANCE,
			   MIG_SIM_NO_INSTANCE);
}
