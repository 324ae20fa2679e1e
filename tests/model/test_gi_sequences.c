/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver's own choice of place: every sequence of creations without a placement, to a depth,
 * gives the ids and the answers of the plain model's choice, which is written independently of the
 * engine's. What both take the rule to be is compared with real captures in test_captured.c.
 */
#include <stdio.h>
#include <string.h>

#include "tests/harness/test.h"
#include "tests/model/brute.h"
#include "tests/model/model_gpu.h"

struct sequence {
	struct model_gpu m;
	struct brute_gpu brute;
	unsigned int depth;
	unsigned long count; /* of sequences to this depth, failed requests included */
};

/* Each profile is asked for next; a request that fails leaves the state and the sequence goes on. */
static void extend(struct sequence *s, const struct mig_sim_gpu_state *state,
		   const struct brute_layout *layout, unsigned int length)
{
	if (length == s->depth) {
		s->count++;
		return;
	}
	for (int row = 0; row < s->m.gpu.model->gi_profile_count; row++) {
		struct mig_sim_gpu_state next_state = *state;
		struct brute_layout next = *layout;
		unsigned int gi_id = 999;
		int id = 999;
		nvmlReturn_t got = mig_sim_gi_create(&s->m.gpu, &next_state,
						     s->m.gpu.model->gi[row].id, MIG_SIM_ANY_START,
						     0, &gi_id);
		enum brute_answer want = brute_gi_create(&s->brute, &next, row, -1, 0, &id);

		MIG_ASSERT_INT_EQ(got, want == BRUTE_OK ? NVML_SUCCESS
							: NVML_ERROR_INSUFFICIENT_RESOURCES);
		MIG_ASSERT_INT_EQ(gi_id, id);
		if (got == NVML_SUCCESS)
			MIG_ASSERT_INT_EQ(next_state.gi[gi_id].start,
					  next.at[next.count - 1].start);
		else
			MIG_ASSERT_MEM_EQ(&next_state, state, sizeof(next_state));
		extend(s, &next_state, &next, length + 1);
	}
}

static void check(const char *key, enum mig_sim_layout layout, unsigned int depth)
{
	const struct mig_gpu_table *model = mig_gpu_table_find(key);
	struct sequence s = {.brute = {model, layout == MIG_SIM_LAYOUT_SWAPPED}, .depth = depth};
	struct brute_layout none = {.count = 0};
	unsigned long want = 1;

	MIG_ASSERT_MSG(model, "no model %s", key);
	model_gpu_init(&s.m, model, layout);
	extend(&s, &s.m.state, &none, 0);
	for (unsigned int i = 0; i < depth; i++)
		want *= model->gi_profile_count;
	MIG_ASSERT_UINT_EQ(s.count, want);
	printf("%s: %lu sequences of %u\n", key, s.count, depth);
}

MIG_TEST(a100_to_depth_4)
{
	check("a100-sxm4-40gb", MIG_SIM_LAYOUT_NORMAL, 4);
	check("a100-sxm4-40gb", MIG_SIM_LAYOUT_SWAPPED, 4);
}

MIG_TEST(a30_to_depth_6)
{
	check("a30-24gb", MIG_SIM_LAYOUT_NORMAL, 6);
	check("a30-24gb", MIG_SIM_LAYOUT_SWAPPED, 6);
}

MIG_TEST(h100_to_depth_4)
{
	check("h100-sxm5-80gb", MIG_SIM_LAYOUT_NORMAL, 4);
	check("h100-sxm5-80gb", MIG_SIM_LAYOUT_SWAPPED, 4);
}

MIG_TEST(rtx_pro_6000_to_depth_3)
{
	check("rtx-pro-6000-server-96gb", MIG_SIM_LAYOUT_NORMAL, 3);
}
