/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the unit tests of the simulated driver's engine share: a GPU of a known model with MIG on,
 * and creations that must succeed.
 */
#pragma once

#include <string.h>

#include "sim/engine/engine.h"
#include "tests/harness/test.h"

struct engine_gpu {
	struct mig_sim_node_desc node;
	struct mig_sim_gpu_desc desc;
	struct mig_sim_gpu gpu;
	struct mig_sim_gpu_state state;
};

/* To be used where it was made: .gpu points into it. */
static inline void engine_gpu_init(struct engine_gpu *e, const char *key)
{
	const struct mig_gpu_table *model = mig_gpu_table_find(key);

	MIG_ASSERT_MSG(model, "no model %s", key);
	memset(e, 0, sizeof(*e));
	e->node.branch = MIG_SIM_BRANCH_550;
	e->node.gpu_count = 1;
	e->desc.pdi = UINT64_C(0x0123456789abcdef);
	e->desc.initial_mig_mode = 1;
	e->gpu = (struct mig_sim_gpu){.node = &e->node, .desc = &e->desc, .model = model};
	mig_sim_gpu_init(&e->gpu, &e->state);
}

/* Creates a GPU instance of profile id at start:size; returns its id. */
static inline unsigned int engine_make_gi(struct engine_gpu *e, unsigned int profile_id,
					  uint32_t start, uint32_t size)
{
	unsigned int gi_id = 999;

	MIG_ASSERT_INT_EQ(mig_sim_gi_create(&e->gpu, &e->state, profile_id, start, size, &gi_id),
			  NVML_SUCCESS);
	return gi_id;
}

/* Creates a compute instance where the driver likes; returns its id. */
static inline unsigned int engine_make_ci(struct engine_gpu *e, unsigned int gi_id,
					  unsigned int profile_id)
{
	unsigned int ci_id = 999;

	MIG_ASSERT_INT_EQ(mig_sim_ci_create(&e->gpu, &e->state, gi_id, profile_id,
					    MIG_SIM_ANY_START, 0, &ci_id),
			  NVML_SUCCESS);
	return ci_id;
}
