/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver's own operations, killed before and after each store: a GPU's whole life, from MIG
 * mode on over GPU and compute instances to MIG mode off, on nodes of one and two GPUs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "data/tables/gpu_table.h"
#include "sim/engine/engine.h"
#include "tests/fault/store_fixture.h"
#include "tests/harness/test.h"

/* Profile ids of an A100 with 40 GB. */
enum { GI_1G = 19, GI_3G = 9, CI_1C = 0, CI_3C = 2 };

enum step_kind {
	STEP_MODE,
	STEP_GI_CREATE,
	STEP_CI_CREATE,
	STEP_CI_DESTROY,
	STEP_GI_DESTROY,
};

struct step {
	enum step_kind kind;
	unsigned int a; /* mode, GI profile id, GI id */
	unsigned int b; /* start, CI profile id, CI id */
	unsigned int wanted_id;
};

static const struct step life[] = {
	{STEP_MODE, 1, 0, 0},
	{STEP_GI_CREATE, GI_3G, 4, 2},
	{STEP_GI_CREATE, GI_1G, MIG_SIM_ANY_START, 7},
	{STEP_GI_CREATE, GI_1G, 1, 8},
	{STEP_CI_CREATE, 2, CI_1C, 0},
	{STEP_CI_CREATE, 2, CI_1C, 1},
	{STEP_CI_CREATE, 7, CI_1C, 0},
	{STEP_CI_DESTROY, 2, 0, 0},
	{STEP_CI_DESTROY, 2, 1, 0},
	{STEP_CI_CREATE, 2, CI_3C, 0},
	{STEP_CI_DESTROY, 2, 0, 0},
	{STEP_GI_DESTROY, 2, 0, 0},
	{STEP_CI_DESTROY, 7, 0, 0},
	{STEP_GI_DESTROY, 7, 0, 0},
	{STEP_GI_DESTROY, 8, 0, 0},
	{STEP_MODE, 0, 0, 0},
};

/* A step on one GPU of the node, as a change function's cookie. */
struct operation {
	struct step step;
	unsigned int gpu_index;
};

static nvmlReturn_t apply(const struct step *step, const struct mig_sim_gpu *gpu,
			  struct mig_sim_gpu_state *state, unsigned int *id)
{
	nvmlReturn_t activation;

	switch (step->kind) {
	case STEP_MODE:
		return mig_sim_mode_set(gpu, state, step->a, false, &activation);
	case STEP_GI_CREATE:
		return mig_sim_gi_create(gpu, state, step->a, step->b, step->a == GI_3G ? 4 : 1,
					 id);
	case STEP_CI_CREATE:
		return mig_sim_ci_create(gpu, state, step->a, step->b, MIG_SIM_ANY_START, 0, id);
	case STEP_CI_DESTROY:
		return mig_sim_ci_destroy(gpu, state, step->a, step->b);
	case STEP_GI_DESTROY:
		return mig_sim_gi_destroy(gpu, state, step->a);
	}
	return NVML_ERROR_UNKNOWN;
}

static bool operate(void *cookie, const struct mig_sim_store *store, struct mig_sim_state *state)
{
	const struct operation *o = cookie;
	const struct mig_sim_gpu_desc *desc = &store->node->gpus[o->gpu_index];
	const struct mig_sim_gpu gpu = {
		.node = store->node,
		.desc = desc,
		.model = &store->models[desc->model],
	};
	unsigned int id = 0;

	MIG_ASSERT_INT_EQ(apply(&o->step, &gpu, &state->gpus[o->gpu_index], &id), NVML_SUCCESS);
	MIG_ASSERT_UINT_EQ(id, o->step.wanted_id);
	state->config_changes++;
	return true;
}

static const char *make_node(unsigned int gpu_count)
{
	const struct mig_gpu_table *model = mig_gpu_table_find("a100-sxm4-40gb");
	struct mig_sim_gpu_state states[2];
	char detail[MIG_SIM_DETAIL_SIZE] = "";
	const char *dir = mig_test_path("node");
	struct mig_sim_node_desc node;
	struct mig_gpu_table unused;
	enum mig_sim_status status;

	MIG_ASSERT(model);
	fixture_describe(gpu_count, &node, &unused);
	for (unsigned int i = 0; i < gpu_count; i++) {
		const struct mig_sim_gpu gpu = {
			.node = &node, .desc = &node.gpus[i], .model = model};

		mig_sim_gpu_init(&gpu, &states[i]);
	}
	MIG_ASSERT_INT_EQ(mkdir(dir, 0755), 0);
	status = mig_sim_store_create(dir, &node, model, states, detail);
	MIG_ASSERT_MSG(status == MIG_SIM_OK, "%s", detail);
	return dir;
}

/* Each step is killed everywhere, then made; with two GPUs the other one is always a step behind. */
static void live(unsigned int gpu_count)
{
	const char *dir = make_node(gpu_count);
	uint64_t made = 0;

	for (size_t i = 0; i < MIG_ARRAY_SIZE(life); i++) {
		for (unsigned int g = 0; g < gpu_count; g++) {
			struct operation o = {.step = life[i], .gpu_index = g};

			printf("step %zu on GPU %u\n", i, g);
			fixture_every_prefix(dir, gpu_count, operate, &o, 4);
			MIG_ASSERT_INT_EQ(fixture_update(dir, operate, &o), MIG_SIM_OK);
			made++;
		}
	}
	{
		struct mig_sim_state *state = fixture_state_new(gpu_count);

		fixture_read(dir, state);
		MIG_ASSERT_UINT_EQ(state->config_changes, made);
		for (unsigned int g = 0; g < gpu_count; g++)
			for (unsigned int id = 0; id < MIG_SIM_GIS_MAX; id++)
				MIG_ASSERT(!state->gpus[g].gi[id].in_use);
		free(state);
	}
}

MIG_TEST(each_operation_killed_at_every_store_one_gpu)
{
	live(1);
}

MIG_TEST(each_operation_killed_at_every_store_two_gpus)
{
	live(2);
}
