/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks every state of compute instances inside one GPU instance by creating and destroying, and
 * compares each question, operation and id of the engine with the plain model (brute.c).
 */
#include "tests/model/ci_walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/test.h"
#include "tests/model/brute.h"
#include "tests/model/model_gpu.h"

#define STARTS 16

struct node {
	struct mig_sim_gi gi;
	struct brute_layout layout;
};

struct walk {
	struct model_gpu m;
	unsigned int gi_id;
	const struct mig_table_gi_profile *profile;
	bool is_ascending;
	bool with_ids;
	struct model_set seen;
	struct node *nodes;
	size_t size;
	unsigned long edges;
};

static void assert_same(const struct walk *w, const struct mig_sim_gi *gi,
			const struct brute_layout *layout)
{
	struct mig_sim_gi want = w->m.state.gi[w->gi_id];

	for (int i = 0; i < layout->count; i++) {
		const struct brute_instance *instance = &layout->at[i];
		struct mig_sim_ci *ci = &want.ci[instance->id];

		ci->in_use = 1;
		ci->profile = (uint8_t)instance->row;
		ci->start = (uint8_t)instance->start;
		ci->size = (uint8_t)instance->size;
	}
	MIG_ASSERT_MEM_EQ(gi, &want, sizeof(want));
}

/* By start, of which there is at most one instance each: row + 1 and, if wanted, id. */
static void make_key(const struct walk *w, const struct brute_layout *layout,
		     uint8_t key[MODEL_KEY_SIZE])
{
	memset(key, 0, MODEL_KEY_SIZE);
	for (int i = 0; i < layout->count; i++) {
		key[layout->at[i].start] = (uint8_t)(layout->at[i].row + 1);
		if (w->with_ids)
			key[16 + layout->at[i].start] = (uint8_t)layout->at[i].id;
	}
}

static void reach(struct walk *w, const struct node *node)
{
	uint8_t key[MODEL_KEY_SIZE];

	make_key(w, &node->layout, key);
	if (!model_set_add(&w->seen, key))
		return;
	if (w->seen.count > w->size) {
		w->size = w->size ? 2 * w->size : 256;
		w->nodes = realloc(w->nodes, w->size * sizeof(*w->nodes));
		MIG_ASSERT_MSG(w->nodes, "out of memory");
	}
	w->nodes[w->seen.count - 1] = *node;
}

static bool check_create(struct walk *w, const struct node *from, int row, int start, int size,
			 struct node *to)
{
	struct mig_sim_gpu_state state = w->m.state;
	unsigned int ci_id = 999;
	int id = 999;
	nvmlReturn_t got;
	enum brute_answer want;

	*to = *from;
	state.gi[w->gi_id] = from->gi;
	got = mig_sim_ci_create(&w->m.gpu, &state, w->gi_id, w->profile->ci[row].id,
				start < 0 ? MIG_SIM_ANY_START : (uint32_t)start, (uint32_t)size,
				&ci_id);
	to->gi = state.gi[w->gi_id];
	want = brute_ci_create(w->profile, &to->layout, row, start, size, w->is_ascending, &id);
	MIG_ASSERT_INT_EQ(got, brute_code(want));
	MIG_ASSERT_INT_EQ(ci_id, id);
	assert_same(w, &to->gi, &to->layout);
	w->edges++;
	return want == BRUTE_OK;
}

static void check_questions(const struct walk *w, const struct node *node, int row)
{
	struct mig_sim_gpu_state state = w->m.state;
	unsigned int engine_row = (unsigned int)row;

	state.gi[w->gi_id] = node->gi;
	MIG_ASSERT_INT_EQ(mig_sim_ci_remaining(&w->m.gpu, &state, w->gi_id, engine_row),
			  brute_ci_remaining(w->profile, &node->layout, row));
	MIG_ASSERT_INT_EQ(mig_sim_ci_choose(&w->m.gpu, &state, w->gi_id, engine_row),
			  brute_ci_choose(w->profile, &node->layout, row, w->is_ascending));
	for (int start = 0; start < STARTS; start++)
		MIG_ASSERT_INT_EQ(mig_sim_ci_fits(&w->m.gpu, &state, w->gi_id, engine_row,
						  (uint32_t)start),
				  brute_ci_fits(w->profile, &node->layout, row, start));
}

static void check_destructions(struct walk *w, const struct node *node)
{
	struct mig_sim_gpu_state state = w->m.state;

	for (int id = 0; id <= MIG_SIM_CIS_MAX; id++) {
		struct node next = *node;
		nvmlReturn_t got;

		state.gi[w->gi_id] = node->gi;
		got = mig_sim_ci_destroy(&w->m.gpu, &state, w->gi_id, (unsigned int)id);
		next.gi = state.gi[w->gi_id];
		MIG_ASSERT_INT_EQ(got, brute_destroy(&next.layout, id) ? NVML_SUCCESS
								       : NVML_ERROR_NOT_FOUND);
		assert_same(w, &next.gi, &next.layout);
		reach(w, &next);
		w->edges++;
	}
	/* The GPU instance itself goes only when it is empty. */
	state.gi[w->gi_id] = node->gi;
	MIG_ASSERT_INT_EQ(mig_sim_gi_destroy(&w->m.gpu, &state, w->gi_id),
			  node->layout.count ? NVML_ERROR_IN_USE : NVML_SUCCESS);
	if (node->layout.count)
		assert_same(w, &state.gi[w->gi_id], &node->layout);
}

/* Profiles that this GPU instance has not: known to NVML, then unknown to it. */
static void check_unknown_profiles(const struct walk *w)
{
	for (unsigned int id = 0; id < 16; id++) {
		struct mig_sim_gpu_state state = w->m.state;
		unsigned int ci_id = 999;
		bool is_known = false;

		for (unsigned int row = 0; row < w->profile->ci_profile_count; row++)
			is_known |= w->profile->ci[row].id == id;
		if (is_known)
			continue;
		MIG_ASSERT_INT_EQ(mig_sim_ci_create(&w->m.gpu, &state, w->gi_id, id,
						    MIG_SIM_ANY_START, 0, &ci_id),
				  id < 9 ? NVML_ERROR_NOT_SUPPORTED : NVML_ERROR_INVALID_ARGUMENT);
		MIG_ASSERT_MEM_EQ(&state, &w->m.state, sizeof(state));
	}
}

size_t ci_walk(const struct mig_gpu_table *model, unsigned int gi_row, bool with_ids)
{
	struct walk w = {.profile = &model->gi[gi_row],
			 .is_ascending = model->arch == MIG_ARCH_AMPERE,
			 .with_ids = with_ids};
	struct node node, next;
	size_t count;

	model_gpu_init(&w.m, model, MIG_SIM_LAYOUT_NORMAL);
	model_set_init(&w.seen);
	MIG_ASSERT_INT_EQ(mig_sim_gi_create(&w.m.gpu, &w.m.state, w.profile->id, MIG_SIM_ANY_START,
					    0, &w.gi_id),
			  NVML_SUCCESS);
	memset(&node, 0, sizeof(node));
	node.gi = w.m.state.gi[w.gi_id];
	reach(&w, &node);
	check_unknown_profiles(&w);
	for (size_t i = 0; i < w.seen.count; i++) {
		node = w.nodes[i];
		for (int row = 0; row < w.profile->ci_profile_count; row++) {
			int size = w.profile->ci[row].placement_size;

			check_questions(&w, &node, row);
			for (int start = 0; start < STARTS; start++) {
				if (check_create(&w, &node, row, start, size, &next))
					reach(&w, &next);
				check_create(&w, &node, row, start, size + 1, &next);
			}
			check_create(&w, &node, row, -1, 0, &next);
		}
		check_destructions(&w, &node);
	}
	count = w.seen.count;
	printf("%s %s: %zu states%s, %lu edges\n", model->key, w.profile->name, count,
	       with_ids ? " with ids" : "", w.edges);
	model_set_clear(&w.seen);
	free(w.nodes);
	return count;
}
