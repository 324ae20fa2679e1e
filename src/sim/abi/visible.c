/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MIG devices as one process sees them; see visible.h. The numbers have no gaps: what a process
 * does not see is not counted (believed; containers with some of a GPU's devices show it so).
 */
#include "sim/abi/visible.h"

#include "sim/abi/context.h"
#include "sim/tree/tree.h"

static bool hides_devices(const struct mig_abi_gpu *gpu)
{
	return gpu->facts.node->visibility == MIG_SIM_VISIBILITY_DEVFS;
}

bool mig_abi_is_visible(const struct mig_abi_gpu *gpu, unsigned int gi_id, unsigned int ci_id)
{
	return !hides_devices(gpu) ||
	       mig_sim_tree_can_open(mig_abi_host_root(), gpu->facts.desc->minor_number, gi_id,
				     ci_id);
}

bool mig_abi_visible_at(const struct mig_abi_gpu *gpu, const struct mig_sim_gpu_state *state,
			unsigned int index, unsigned int *gi_id, unsigned int *ci_id)
{
	if (!hides_devices(gpu))
		return mig_sim_device_at(state, index, gi_id, ci_id);
	for (unsigned int i = 0; mig_sim_device_at(state, i, gi_id, ci_id); i++) {
		if (mig_abi_is_visible(gpu, *gi_id, *ci_id) && index-- == 0)
			return true;
	}
	return false;
}

unsigned int mig_abi_visible_index(const struct mig_abi_gpu *gpu,
				   const struct mig_sim_gpu_state *state, unsigned int gi_id,
				   unsigned int ci_id)
{
	int all = mig_sim_device_index(state, gi_id, ci_id);
	unsigned int before = all < 0 ? 0 : (unsigned int)all;
	unsigned int index = 0;

	if (!hides_devices(gpu))
		return before;
	for (unsigned int i = 0; i < before && mig_sim_device_at(state, i, &gi_id, &ci_id); i++)
		index += mig_abi_is_visible(gpu, gi_id, ci_id);
	return index;
}
