/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts about simulated nodes; the contract is in the header.
 */
#include "cli/sim_text.h"

void mig_sim_text_gpus(const struct mig_sim_node_desc *node, const struct mig_gpu_table *models,
		       struct mig_buf *out)
{
	unsigned int counts[MIG_SIM_GPUS_MAX] = {0};

	if (node->gpu_count == 0)
		mig_buf_puts(out, "no GPUs");
	for (uint32_t i = 0; i < node->gpu_count; i++)
		counts[node->gpus[i].model]++;
	for (uint32_t i = 0; i < node->gpu_count; i++) {
		uint32_t model = node->gpus[i].model;

		if (counts[model] == 0)
			continue; /* named already */
		mig_buf_printf(out, "%s%u x %s", out->len ? ", " : "", counts[model],
			       models[model].name);
		counts[model] = 0;
	}
}

void mig_sim_text_usage(const struct mig_sim_store *store, struct mig_sim_usage *usage)
{
	*usage = (struct mig_sim_usage){.capable = 0};
	for (uint32_t i = 0; i < store->node->gpu_count; i++) {
		struct mig_sim_gpu_state gpu;

		usage->capable += store->models[store->node->gpus[i].model].is_mig_capable;
		mig_sim_store_read_gpu(store, i, &gpu);
		usage->enabled += gpu.mig_current;
		usage->pending += gpu.mig_pending != gpu.mig_current;
		for (unsigned int gi = 0; gi < MIG_SIM_GIS_MAX; gi++) {
			usage->gpu_instances += gpu.gi[gi].in_use;
			for (unsigned int ci = 0; gpu.gi[gi].in_use && ci < MIG_SIM_CIS_MAX; ci++)
				usage->devices += gpu.gi[gi].ci[ci].in_use;
		}
	}
}
