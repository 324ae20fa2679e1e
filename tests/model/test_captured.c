/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine against captures of real GPUs: ids and places in the order of creation, what is free
 * afterwards, which tree ids exist, and memory and BAR1 of MIG devices. The numbers are read from
 * data/ when this is built (gen_captured.py); none is typed in here. Beyond these captures the
 * driver's choice is believed, not known.
 */
#include <stdio.h>
#include <string.h>

#include "shared/macros.h"
#include "sim/engine/engine.h"
#include "tests/harness/test.h"
#include "tests/model/model_gpu.h"

#define STEPS_MAX 16

/* -1: the request fails with INSUFFICIENT_RESOURCES (ids), or the capture does not say (places). */
struct captured_sequence {
	const char *gpu;
	const char *source;
	enum mig_sim_layout layout;
	unsigned int count;
	unsigned int profile_ids[STEPS_MAX];
	int gi_ids[STEPS_MAX];
	int starts[STEPS_MAX];
	int sizes[STEPS_MAX];
};

struct captured_free_count {
	const char *gpu;
	const char *after;
	unsigned int placed_count;
	unsigned int placed_ids[STEPS_MAX];
	unsigned int placed_starts[STEPS_MAX];
	unsigned int free_count;
	unsigned int free_ids[STEPS_MAX];
	unsigned int free[STEPS_MAX];
};

/* Branch 0: the capture does not tell it. */
struct captured_device_row {
	const char *gpu;
	const char *profile;
	unsigned int memory_mib;
	unsigned int bar1_mib;
	unsigned int branch;
};

struct captured_tree_ids {
	enum mig_sim_layout layout;
	unsigned int profile_id;
	unsigned int count;
	int gi_ids[STEPS_MAX];
};

#include "captured_data.h"

static const struct mig_gpu_table *model_of(const char *key)
{
	const struct mig_gpu_table *model = mig_gpu_table_find(key);

	MIG_ASSERT_MSG(model, "no model %s", key);
	return model;
}

static const struct mig_table_gi_profile *profile_of(const struct mig_gpu_table *model,
						     unsigned int profile_id)
{
	int row = mig_sim_gi_row_by_id(model, profile_id);

	MIG_ASSERT_MSG(row >= 0, "%s has no profile %u", model->key, profile_id);
	return &model->gi[row];
}

static void check_sequence(const struct captured_sequence *s)
{
	struct model_gpu m;

	model_gpu_init(&m, model_of(s->gpu), s->layout);
	for (unsigned int i = 0; i < s->count; i++) {
		unsigned int gi_id = 999;
		nvmlReturn_t got = mig_sim_gi_create(&m.gpu, &m.state, s->profile_ids[i],
						     MIG_SIM_ANY_START, 0, &gi_id);

		printf("%s %s step %u: profile %u\n", s->gpu, s->source, i, s->profile_ids[i]);
		if (s->gi_ids[i] < 0) {
			MIG_ASSERT_INT_EQ(got, NVML_ERROR_INSUFFICIENT_RESOURCES);
			continue;
		}
		MIG_ASSERT_INT_EQ(got, NVML_SUCCESS);
		MIG_ASSERT_INT_EQ(gi_id, s->gi_ids[i]);
		if (s->starts[i] < 0)
			continue;
		MIG_ASSERT_INT_EQ(m.state.gi[gi_id].start, s->starts[i]);
		MIG_ASSERT_INT_EQ(m.state.gi[gi_id].size, s->sizes[i]);
	}
}

MIG_TEST(the_24_captured_sequences_id_by_id)
{
	MIG_ASSERT_UINT_EQ(MIG_ARRAY_SIZE(captured_sequences), 24);
	for (unsigned int i = 0; i < MIG_ARRAY_SIZE(captured_sequences); i++)
		check_sequence(&captured_sequences[i]);
}

MIG_TEST(the_sequences_captured_later)
{
	MIG_ASSERT_UINT_EQ(MIG_ARRAY_SIZE(captured_sequences_later), 3);
	for (unsigned int i = 0; i < MIG_ARRAY_SIZE(captured_sequences_later); i++)
		check_sequence(&captured_sequences_later[i]);
}

MIG_TEST(free_counts)
{
	MIG_ASSERT(MIG_ARRAY_SIZE(captured_free_counts) >= 8);
	for (unsigned int i = 0; i < MIG_ARRAY_SIZE(captured_free_counts); i++) {
		const struct captured_free_count *c = &captured_free_counts[i];
		struct model_gpu m;

		printf("%s after %s\n", c->gpu, c->after);
		model_gpu_init(&m, model_of(c->gpu), MIG_SIM_LAYOUT_NORMAL);
		for (unsigned int k = 0; k < c->placed_count; k++) {
			unsigned int size =
				profile_of(m.gpu.model, c->placed_ids[k])->placement_size;
			unsigned int gi_id;

			MIG_ASSERT_INT_EQ(mig_sim_gi_create(&m.gpu, &m.state, c->placed_ids[k],
							    c->placed_starts[k], size, &gi_id),
					  NVML_SUCCESS);
		}
		for (unsigned int k = 0; k < c->free_count; k++) {
			int row = mig_sim_gi_row_by_id(m.gpu.model, c->free_ids[k]);

			printf("profile %u\n", c->free_ids[k]);
			MIG_ASSERT_UINT_EQ(mig_sim_gi_remaining(&m.gpu, &m.state,
								(unsigned int)row),
					   c->free[k]);
		}
		MIG_ASSERT_UINT_EQ(c->free_count, m.gpu.model->gi_profile_count);
	}
}

/* The ids that a profile can have, on a 7-slice GPU of each layout. */
MIG_TEST(allowed_tree_ids)
{
	MIG_ASSERT_UINT_EQ(MIG_ARRAY_SIZE(captured_tree_ids), 14);
	for (unsigned int i = 0; i < MIG_ARRAY_SIZE(captured_tree_ids); i++) {
		const struct captured_tree_ids *c = &captured_tree_ids[i];
		const struct mig_table_gi_profile *profile;
		struct model_gpu m;

		model_gpu_init(&m, model_of("a100-sxm4-40gb"), c->layout);
		profile = profile_of(m.gpu.model, c->profile_id);
		MIG_ASSERT_UINT_EQ(profile->start_count, c->count);
		for (unsigned int k = 0; k < c->count; k++) {
			bool is_there = false;

			for (unsigned int at = 0; at < profile->start_count; at++)
				is_there |= mig_sim_tree_id(&m.gpu, profile->starts[at],
							    profile->placement_size) ==
					    c->gi_ids[k];
			MIG_ASSERT_MSG(is_there, "layout %d profile %u never has id %d",
				       (int)c->layout, c->profile_id, c->gi_ids[k]);
		}
	}
}

static uint64_t bar1(const struct mig_gpu_table *model, unsigned int branch, unsigned int row)
{
	struct mig_sim_gi gi = {
		.in_use = 1, .profile = (uint8_t)row, .size = model->gi[row].placement_size};
	struct model_gpu m;

	model_gpu_init(&m, model, MIG_SIM_LAYOUT_NORMAL);
	m.node.branch = branch;
	return mig_sim_gi_bar1_mib(&m.gpu, &gi);
}

/* As stated in data/mig.json: exact before 580, within 0.7 percent from then on. */
static bool bar1_agrees(uint64_t got, unsigned int captured, unsigned int branch)
{
	uint64_t difference = got > captured ? got - captured : captured - got;

	if (branch < MIG_SIM_BRANCH_580)
		return difference == 0;
	return difference * 1000 <= (uint64_t)captured * 7;
}

MIG_TEST(memory_and_bar1_of_mig_devices)
{
	unsigned int compared = 0;

	for (unsigned int i = 0; i < MIG_ARRAY_SIZE(captured_device_rows); i++) {
		const struct captured_device_row *c = &captured_device_rows[i];
		const struct mig_gpu_table *model = model_of(c->gpu);
		unsigned int row = 0;
		bool agrees;

		if (!model->is_usable)
			continue;
		while (row < model->gi_profile_count &&
		       strcmp(model->gi[row].name, c->profile) != 0)
			row++;
		MIG_ASSERT_MSG(row < model->gi_profile_count, "%s has no %s", c->gpu, c->profile);
		printf("%s %s, branch %u\n", c->gpu, c->profile, c->branch);
		MIG_ASSERT_UINT_EQ(model->gi[row].memory_mib, c->memory_mib);
		if (c->branch)
			agrees = bar1_agrees(bar1(model, c->branch, row), c->bar1_mib, c->branch);
		else
			agrees = bar1_agrees(bar1(model, 550, row), c->bar1_mib, 550) ||
				 bar1_agrees(bar1(model, 580, row), c->bar1_mib, 580);
		MIG_ASSERT_MSG(agrees, "%s %s: BAR1 %ju before 580, %ju from 580, captured %u",
			       c->gpu, c->profile, (uintmax_t)bar1(model, 550, row),
			       (uintmax_t)bar1(model, 580, row), c->bar1_mib);
		compared++;
	}
	MIG_ASSERT_MSG(compared >= 20, "only %u rows are of usable models", compared);
}
