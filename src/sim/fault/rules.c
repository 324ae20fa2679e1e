/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of a state: added, removed, and gone with their process. Whenever one comes or goes,
 * fault_serial moves on, by which processes notice.
 */
#include <string.h>

#include "sim/fault/fault.h"

struct mig_sim_fault *mig_sim_fault_add(struct mig_sim_state *state,
					const struct mig_sim_fault *rule)
{
	for (unsigned int i = 0; i < MIG_SIM_FAULTS_MAX; i++) {
		struct mig_sim_fault *row = &state->faults[i];

		if (row->id != 0)
			continue;
		*row = *rule;
		row->id = ++state->last_fault_id;
		row->seen = 0;
		state->fault_count++;
		state->fault_serial++;
		return row;
	}
	return NULL;
}

static void remove_row(struct mig_sim_state *state, struct mig_sim_fault *row)
{
	memset(row, 0, sizeof(*row));
	state->fault_count--;
	state->fault_serial++;
}

bool mig_sim_fault_remove(struct mig_sim_state *state, uint32_t id)
{
	for (unsigned int i = 0; id != 0 && i < MIG_SIM_FAULTS_MAX; i++) {
		if (state->faults[i].id != id)
			continue;
		remove_row(state, &state->faults[i]);
		return true;
	}
	return false;
}

struct mig_sim_process mig_sim_fault_process(const struct mig_sim_fault *rule)
{
	return (struct mig_sim_process){
		.pid = rule->pid,
		.start_time = rule->start_time,
		.pid_namespace = rule->pid_namespace,
	};
}

bool mig_sim_fault_has_ended(const struct mig_sim_fault *rule)
{
	const struct mig_sim_process process = mig_sim_fault_process(rule);

	return rule->pid != 0 && !mig_sim_process_is_alive(&process);
}

unsigned int mig_sim_fault_drop_ended(struct mig_sim_state *state)
{
	unsigned int dropped = 0;

	for (unsigned int i = 0; state->fault_count > 0 && i < MIG_SIM_FAULTS_MAX; i++) {
		struct mig_sim_fault *row = &state->faults[i];

		if (row->id == 0 || !mig_sim_fault_has_ended(row))
			continue;
		remove_row(state, row);
		dropped++;
	}
	return dropped;
}

bool mig_sim_fault_is_due(const struct mig_sim_fault *rule, uint64_t call)
{
	return rule->is_from ? call >= rule->call : call == rule->call;
}
