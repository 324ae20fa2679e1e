/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GPU instances, all of them: from an empty GPU every layout is reached by creating every profile at
 * every start and destroying every id, and in each layout every question and every operation of the
 * engine has the answer and the result of the plain model (brute.c). For every usable GPU model, in
 * both layouts. The numbers of layouts are compared with those worked out on paper beforehand
 * (298, 723 and 2,319 on A100; 26 and 76 on A30) and with a count that does not walk at all.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/test.h"
#include "tests/model/brute.h"
#include "tests/model/model_gpu.h"

#define STARTS	 16
#define ALL_ROWS (~0UL)

/* A reached layout, in both models. */
struct node {
	struct mig_sim_gpu_state state;
	struct brute_layout layout;
};

struct walk {
	struct model_gpu m;
	struct brute_gpu brute;
	struct model_set seen;
	struct node *nodes; /* in the order of seen */
	size_t size;
	unsigned long edges;
};

/* The engine's state says exactly what the list says. */
static void assert_same(const struct mig_sim_gpu_state *state, const struct brute_layout *layout)
{
	struct mig_sim_gpu_state want;

	memset(&want, 0, sizeof(want));
	want.ecc_current = 1;
	want.ecc_pending = 1;
	want.mig_current = 1;
	want.mig_pending = 1;
	for (int i = 0; i < layout->count; i++) {
		const struct brute_instance *instance = &layout->at[i];
		struct mig_sim_gi *gi = &want.gi[instance->id];

		gi->in_use = 1;
		gi->profile = (uint8_t)instance->row;
		gi->start = (uint8_t)instance->start;
		gi->size = (uint8_t)instance->size;
	}
	MIG_ASSERT_MEM_EQ(state, &want, sizeof(want));
}

static void make_key(const struct brute_layout *layout, uint8_t key[MODEL_KEY_SIZE])
{
	memset(key, 0, MODEL_KEY_SIZE);
	for (int i = 0; i < layout->count; i++) {
		key[layout->at[i].id] = (uint8_t)(layout->at[i].row + 1);
		key[16 + layout->at[i].id] = (uint8_t)layout->at[i].start;
	}
}

static void reach(struct walk *w, const struct node *node)
{
	uint8_t key[MODEL_KEY_SIZE];

	make_key(&node->layout, key);
	if (!model_set_add(&w->seen, key))
		return;
	if (w->seen.count > w->size) {
		w->size = w->size ? 2 * w->size : 1024;
		w->nodes = realloc(w->nodes, w->size * sizeof(*w->nodes));
		MIG_ASSERT_MSG(w->nodes, "out of memory");
	}
	w->nodes[w->seen.count - 1] = *node;
}

/* One creation in both models. start < 0: the driver's choice. Returns whether it was done. */
static bool check_create(struct walk *w, const struct node *from, int row, int start, int size,
			 struct node *to)
{
	unsigned int gi_id = 999;
	int id = 999;
	nvmlReturn_t got;
	enum brute_answer want;

	*to = *from;
	got = mig_sim_gi_create(&w->m.gpu, &to->state, w->m.gpu.model->gi[row].id,
				start < 0 ? MIG_SIM_ANY_START : (uint32_t)start, (uint32_t)size,
				&gi_id);
	want = brute_gi_create(&w->brute, &to->layout, row, start, size, &id);
	MIG_ASSERT_INT_EQ(got, brute_code(want));
	MIG_ASSERT_INT_EQ(gi_id, id);
	if (want == BRUTE_OK)
		assert_same(&to->state, &to->layout);
	else
		MIG_ASSERT_MEM_EQ(&to->state, &from->state, sizeof(from->state));
	w->edges++;
	return want == BRUTE_OK;
}

static void check_questions(const struct walk *w, const struct node *node, int row)
{
	unsigned int engine_row = (unsigned int)row;

	MIG_ASSERT_INT_EQ(mig_sim_gi_remaining(&w->m.gpu, &node->state, engine_row),
			  brute_gi_remaining(&w->brute, &node->layout, row));
	MIG_ASSERT_INT_EQ(mig_sim_gi_choose(&w->m.gpu, &node->state, engine_row),
			  brute_gi_choose(&w->brute, &node->layout, row));
	for (int start = 0; start < STARTS; start++)
		MIG_ASSERT_INT_EQ(mig_sim_gi_fits(&w->m.gpu, &node->state, engine_row,
						  (uint32_t)start),
				  brute_gi_fits(&w->brute, &node->layout, row, start));
}

static void check_creations(struct walk *w, const struct node *node, unsigned long rows)
{
	struct node next;

	for (int row = 0; row < w->m.gpu.model->gi_profile_count; row++) {
		int size = w->m.gpu.model->gi[row].placement_size;

		if (!(rows >> row & 1))
			continue;
		check_questions(w, node, row);
		for (int start = 0; start < STARTS; start++) {
			if (check_create(w, node, row, start, size, &next))
				reach(w, &next);
			check_create(w, node, row, start, size + 1, &next);
		}
		check_create(w, node, row, -1, 0, &next);
	}
}

static void check_destructions(struct walk *w, const struct node *node)
{
	for (int id = 0; id <= MIG_SIM_GIS_MAX; id++) {
		struct node next = *node;
		nvmlReturn_t got = mig_sim_gi_destroy(&w->m.gpu, &next.state, (unsigned int)id);

		MIG_ASSERT_INT_EQ(got, brute_destroy(&next.layout, id) ? NVML_SUCCESS
								       : NVML_ERROR_NOT_FOUND);
		assert_same(&next.state, &next.layout);
		reach(w, &next);
		w->edges++;
	}
}

/* Walks everything that the rows in the mask can make; returns the number of layouts. */
static long walk(const struct mig_gpu_table *model, enum mig_sim_layout layout, unsigned long rows)
{
	struct walk w = {.brute = {model, layout == MIG_SIM_LAYOUT_SWAPPED}};
	struct node node;
	long count;

	model_gpu_init(&w.m, model, layout);
	model_set_init(&w.seen);
	memset(&node, 0, sizeof(node));
	node.state = w.m.state;
	reach(&w, &node);
	for (size_t i = 0; i < w.seen.count; i++) {
		node = w.nodes[i]; /* a copy: the array may move */
		check_creations(&w, &node, rows);
		check_destructions(&w, &node);
	}
	count = (long)w.seen.count;
	printf("%s %s rows %lx: %ld layouts, %lu edges\n", model->key,
	       layout == MIG_SIM_LAYOUT_SWAPPED ? "swapped" : "normal", rows, count, w.edges);
	model_set_clear(&w.seen);
	free(w.nodes);
	return count;
}

/* The mask of the rows with these NVML profile indexes (ended by -1). */
static unsigned long rows_of(const struct mig_gpu_table *model, const int *indexes)
{
	unsigned long rows = 0;

	for (; *indexes >= 0; indexes++) {
		int row = mig_sim_gi_row_by_index(model, (unsigned int)*indexes);

		MIG_ASSERT_MSG(row >= 0, "%s has no profile index %d", model->key, *indexes);
		rows |= 1UL << row;
	}
	return rows;
}

static void check_counts(const char *key, const int *indexes, long want)
{
	const struct mig_gpu_table *model = mig_gpu_table_find(key);
	struct brute_gpu brute = {model, false};
	unsigned long rows;

	MIG_ASSERT_MSG(model, "no model %s", key);
	rows = rows_of(model, indexes);
	MIG_ASSERT_INT_EQ(walk(model, MIG_SIM_LAYOUT_NORMAL, rows), want);
	MIG_ASSERT_INT_EQ(walk(model, MIG_SIM_LAYOUT_SWAPPED, rows), want);
	MIG_ASSERT_INT_EQ(brute_count_layouts(&brute, rows, true), want);
}

MIG_TEST(a100_base_profiles_make_298_layouts)
{
	check_counts("a100-sxm4-40gb", (const int[]){0, 1, 2, 3, 4, -1}, 298);
}

MIG_TEST(a100_with_the_double_memory_1g_makes_723_layouts)
{
	check_counts("a100-sxm4-40gb", (const int[]){0, 1, 2, 3, 4, 9, -1}, 723);
}

MIG_TEST(a100_with_media_extension_makes_2319_layouts)
{
	check_counts("a100-sxm4-40gb", (const int[]){0, 1, 2, 3, 4, 9, 7, -1}, 2319);
}

MIG_TEST(a30_base_profiles_make_26_layouts)
{
	check_counts("a30-24gb", (const int[]){0, 1, 3, -1}, 26);
}

MIG_TEST(a30_with_media_extensions_makes_76_layouts)
{
	check_counts("a30-24gb", (const int[]){0, 1, 3, 7, 8, -1}, 76);
}

/*
 * Models whose profile tables agree have the same walk, so that each geometry is walked once; the
 * comparison leaves out what the rules do not read (names, memory, engines).
 */
static bool is_same_geometry(const struct mig_gpu_table *a, const struct mig_gpu_table *b)
{
	if (a->memory_slices != b->memory_slices || a->gi_profile_count != b->gi_profile_count)
		return false;
	for (unsigned int row = 0; row < a->gi_profile_count; row++) {
		const struct mig_table_gi_profile *p = &a->gi[row], *q = &b->gi[row];

		if (p->id != q->id || p->profile_index != q->profile_index ||
		    p->slice_count != q->slice_count || p->instances_total != q->instances_total ||
		    p->is_media_extension != q->is_media_extension ||
		    p->placement_size != q->placement_size || p->start_count != q->start_count ||
		    memcmp(p->starts, q->starts, p->start_count) != 0)
			return false;
	}
	return true;
}

static bool was_walked(unsigned int at)
{
	for (unsigned int i = 0; i < at; i++) {
		if (mig_gpu_tables[i].is_usable && mig_gpu_tables[i].is_mig_capable &&
		    is_same_geometry(&mig_gpu_tables[i], &mig_gpu_tables[at]))
			return true;
	}
	return false;
}

MIG_TEST(every_usable_model_in_both_layouts)
{
	unsigned int walked = 0;

	for (unsigned int i = 0; i < mig_gpu_table_count; i++) {
		const struct mig_gpu_table *model = &mig_gpu_tables[i];
		struct brute_gpu brute = {model, false};
		long count;

		if (!model->is_usable || !model->is_mig_capable)
			continue;
		/* That the limit on compute slices is redundant is checked on every model. */
		count = brute_count_layouts(&brute, ALL_ROWS, true);
		MIG_ASSERT_INT_EQ(brute_count_layouts(&brute, ALL_ROWS, false), count);
		if (was_walked(i))
			continue;
		MIG_ASSERT_INT_EQ(walk(model, MIG_SIM_LAYOUT_NORMAL, ALL_ROWS), count);
		MIG_ASSERT_INT_EQ(walk(model, MIG_SIM_LAYOUT_SWAPPED, ALL_ROWS), count);
		walked++;
	}
	MIG_ASSERT_MSG(walked >= 3, "only %u geometries: A100, A30 and RTX PRO 6000 differ",
		       walked);
}

/* A profile id that the chip has not, on every model; ids of other chips among them. */
MIG_TEST(unknown_profile_ids_are_invalid)
{
	for (unsigned int i = 0; i < mig_gpu_table_count; i++) {
		struct model_gpu m;
		struct mig_sim_gpu_state before;

		if (!mig_gpu_tables[i].is_usable || !mig_gpu_tables[i].is_mig_capable)
			continue;
		model_gpu_init(&m, &mig_gpu_tables[i], MIG_SIM_LAYOUT_NORMAL);
		before = m.state;
		for (unsigned int id = 0; id < 128; id++) {
			unsigned int gi_id = 999;
			bool is_known = false;

			for (unsigned int row = 0; row < m.gpu.model->gi_profile_count; row++)
				is_known |= m.gpu.model->gi[row].id == id;
			if (is_known)
				continue;
			MIG_ASSERT_INT_EQ(mig_sim_gi_create(&m.gpu, &m.state, id, MIG_SIM_ANY_START,
							    0, &gi_id),
					  NVML_ERROR_INVALID_ARGUMENT);
			MIG_ASSERT_INT_EQ(gi_id, 999);
			MIG_ASSERT_MEM_EQ(&m.state, &before, sizeof(before));
		}
	}
}
