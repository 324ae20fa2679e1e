/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ranges: whatever the rest of the simulator uses as an index, a shift or a string is checked here
 * once, when a node is made, opened or written. A checksum proves only that the bytes are those
 * that somebody wrote. Knows the data structures, and no rule about what is placed where.
 *
 * The texts complete "state file X …"; they are cut to MIG_SIM_DETAIL_SIZE.
 */
#include <inttypes.h>
#include <string.h>

#include "shared/text.h"
#include "sim/store/format.h"

#define WRONG(why, ...) (mig_text_format(why, MIG_SIM_DETAIL_SIZE, __VA_ARGS__), false)

static bool is_string(const char *array, size_t size)
{
	return memchr(array, '\0', size) != NULL;
}

static bool gpu_desc_validate(const struct mig_sim_node_desc *node, uint32_t index, char *why)
{
	const struct mig_sim_gpu_desc *gpu = &node->gpus[index];

	if (gpu->model >= node->model_count)
		return WRONG(why,
			     "has a bad description: GPU %" PRIu32 " is of model %" PRIu32
			     " of %" PRIu32,
			     index, gpu->model, node->model_count);
	if (!is_string(gpu->uuid, sizeof(gpu->uuid)) ||
	    !is_string(gpu->bus_id, sizeof(gpu->bus_id)))
		return WRONG(why, "has a bad description: a text of GPU %" PRIu32 " has no end",
			     index);
	if (gpu->layout >= MIG_SIM_LAYOUT_COUNT || gpu->mode_change >= MIG_SIM_MODE_CHANGE_COUNT ||
	    gpu->initial_mig_mode > 1 || gpu->initial_persistence > 1)
		return WRONG(why,
			     "has a bad description: a setting of GPU %" PRIu32 " is out of range",
			     index);
	return true;
}

bool mig_sim_node_validate(const struct mig_sim_node_desc *node, char *why)
{
	if (node->gpu_count > MIG_SIM_GPUS_MAX || node->model_count > MIG_SIM_MODELS_MAX)
		return WRONG(why,
			     "has a bad description: %" PRIu32 " GPUs of %" PRIu32
			     " models; at most %d of %d are possible",
			     node->gpu_count, node->model_count, MIG_SIM_GPUS_MAX,
			     MIG_SIM_MODELS_MAX);
	if (!is_string(node->name, sizeof(node->name)) ||
	    !is_string(node->driver_version, sizeof(node->driver_version)) ||
	    !is_string(node->nvml_version, sizeof(node->nvml_version)))
		return WRONG(why, "has a bad description: a text of the node has no end");
	for (unsigned int i = 0; i < MIG_SIM_OPERATION_COUNT; i++)
		if (node->timing_ms[i] > MIG_SIM_OPERATION_MS_MAX)
			return WRONG(why, "has a bad description: an operation takes too long");
	/* Root makes files of that name in the node (sim/control/tree_install.c). */
	if (strchr(node->driver_version, '/'))
		return WRONG(why, "has a bad description: the driver's version is none");
	if (node->off_capacity >= MIG_SIM_OFF_CAPACITY_COUNT ||
	    node->export_table >= MIG_SIM_EXPORT_TABLE_COUNT ||
	    node->visibility >= MIG_SIM_VISIBILITY_COUNT || node->is_serial > 1)
		return WRONG(why, "has a bad description: a setting of the node is out of range");
	for (uint32_t i = 0; i < node->gpu_count; i++)
		if (!gpu_desc_validate(node, i, why))
			return false;
	return true;
}

/* `units`: how many the starts and the size may span together. */
static bool starts_validate(const uint8_t *starts, uint8_t count, uint8_t size, unsigned int units)
{
	if (count > MIG_TABLE_STARTS_MAX)
		return false;
	for (uint8_t i = 0; i < count; i++)
		if ((unsigned int)starts[i] + size > units)
			return false;
	return true;
}

static bool gi_profile_validate(const struct mig_gpu_table *model,
				const struct mig_table_gi_profile *gi)
{
	if (!is_string(gi->name, sizeof(gi->name)) ||
	    gi->profile_index >= MIG_TABLE_GI_PROFILES_MAX ||
	    gi->ci_profile_count > MIG_TABLE_CI_PROFILES_MAX ||
	    !starts_validate(gi->starts, gi->start_count, gi->placement_size, model->memory_slices))
		return false;
	for (uint8_t i = 0; i < gi->ci_profile_count; i++) {
		const struct mig_table_ci_profile *ci = &gi->ci[i];

		if (!is_string(ci->name, sizeof(ci->name)) ||
		    ci->profile_index >= MIG_TABLE_CI_PROFILES_MAX ||
		    !starts_validate(ci->starts, ci->start_count, ci->placement_size,
				     MIG_SIM_UNITS_MAX))
			return false;
	}
	return true;
}

bool mig_sim_model_validate(const struct mig_gpu_table *model, char *why)
{
	if (!is_string(model->key, sizeof(model->key)) ||
	    !is_string(model->name, sizeof(model->name)))
		return WRONG(why, "has a bad GPU table: the name of a model has no end");
	if (model->pci_device_id_count > MIG_TABLE_PCI_IDS_MAX ||
	    model->memory_slices > MIG_SIM_UNITS_MAX ||
	    model->gi_profile_count > MIG_TABLE_GI_PROFILES_MAX)
		return WRONG(why, "has a bad GPU table: a number of model '%s' is out of range",
			     model->key);
	for (uint8_t i = 0; i < model->gi_profile_count; i++)
		if (!gi_profile_validate(model, &model->gi[i]))
			return WRONG(why,
				     "has a bad GPU table: row %u of model '%s' is out of range", i,
				     model->key);
	return true;
}

static bool ci_validate(const struct mig_table_gi_profile *profile, const struct mig_sim_ci *ci)
{
	if (ci->in_use == 0)
		return true;
	return ci->in_use == 1 && ci->profile < profile->ci_profile_count &&
	       (unsigned int)ci->start + ci->size <= MIG_SIM_UNITS_MAX;
}

static bool gi_validate(const struct mig_gpu_table *model, const struct mig_sim_gi *gi)
{
	if (gi->in_use == 0) {
		for (unsigned int i = 0; i < MIG_SIM_CIS_MAX; i++)
			if (gi->ci[i].in_use != 0)
				return false;
		return true;
	}
	if (gi->in_use != 1 || gi->profile >= model->gi_profile_count ||
	    (unsigned int)gi->start + gi->size > model->memory_slices)
		return false;
	for (unsigned int i = 0; i < MIG_SIM_CIS_MAX; i++)
		if (!ci_validate(&model->gi[gi->profile], &gi->ci[i]))
			return false;
	return true;
}

bool mig_sim_gpu_state_validate(const struct mig_gpu_table *model,
				const struct mig_sim_gpu_state *state, char *why)
{
	if (state->mig_current > 1 || state->mig_pending > 1 || state->persistence > 1 ||
	    state->ecc_current > 1 || state->ecc_pending > 1 || state->is_lost > 1)
		return WRONG(why, "a mode is neither on nor off");
	for (unsigned int i = 0; i < MIG_SIM_GIS_MAX; i++)
		if (!gi_validate(model, &state->gi[i]))
			return WRONG(why, "GPU instance %u is out of range", i);
	return true;
}

/* An instance id, or none. */
static bool is_instance(uint8_t id, unsigned int limit)
{
	return id < limit || id == MIG_SIM_NO_INSTANCE;
}

static bool fault_validate(const struct mig_sim_fault *fault)
{
	return fault->id == 0 ||
	       (fault->call > 0 && fault->action < MIG_SIM_FAULT_ACTION_COUNT &&
		fault->is_from <= 1 && is_string(fault->function, sizeof(fault->function)));
}

bool mig_sim_common_state_validate(const struct mig_sim_node_desc *node,
				   const struct mig_sim_state *state, char *why)
{
	uint32_t used = 0;

	for (unsigned int i = 0; i < MIG_SIM_FAULTS_MAX; i++) {
		used += state->faults[i].id != 0;
		if (!fault_validate(&state->faults[i]))
			return WRONG(why, "fault %u is out of range", i);
	}
	if (used != state->fault_count)
		return WRONG(why, "it has %" PRIu32 " faults and counts %" PRIu32, used,
			     state->fault_count);
	for (unsigned int i = 0; i < MIG_SIM_EVENTS_MAX; i++) {
		const struct mig_sim_event *event = &state->events[i];

		if (event->serial != 0 &&
		    (event->gpu >= node->gpu_count || !is_instance(event->gi, MIG_SIM_GIS_MAX) ||
		     !is_instance(event->ci, MIG_SIM_CIS_MAX)))
			return WRONG(why, "event %u is out of range", i);
	}
	for (unsigned int i = 0; i < MIG_SIM_HOLDERS_MAX; i++) {
		const struct mig_sim_holder *holder = &state->holders[i];

		if (holder->pid != 0 &&
		    (holder->gpu >= node->gpu_count || !is_instance(holder->gi, MIG_SIM_GIS_MAX) ||
		     !is_instance(holder->ci, MIG_SIM_CIS_MAX) ||
		     holder->kind >= MIG_SIM_HOLDER_KIND_COUNT))
			return WRONG(why, "holder %u is out of range", i);
	}
	return true;
}
