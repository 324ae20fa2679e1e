/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plain model: lists of intervals, everything tried out. Nothing here is clever on purpose, and
 * nothing may be taken over from the engine, or a mistake would be made twice.
 */
#include "tests/model/brute.h"

#include <string.h>

nvmlReturn_t brute_code(enum brute_answer answer)
{
	switch (answer) {
	case BRUTE_OK:
		return NVML_SUCCESS;
	case BRUTE_INVALID:
		return NVML_ERROR_INVALID_ARGUMENT;
	case BRUTE_NO_ROOM:
		return NVML_ERROR_INSUFFICIENT_RESOURCES;
	}
	return NVML_ERROR_UNKNOWN;
}

static bool overlap(const struct brute_instance *a, int start, int size)
{
	return a->start < start + size && start < a->start + a->size;
}

static int same_row(const struct brute_layout *layout, int row)
{
	int n = 0;

	for (int i = 0; i < layout->count; i++)
		n += layout->at[i].row == row;
	return n;
}

static int slices_used(const struct brute_layout *layout)
{
	int n = 0;

	for (int i = 0; i < layout->count; i++)
		n += layout->at[i].slices;
	return n;
}

static bool is_in(const uint8_t *starts, int count, int start)
{
	for (int i = 0; i < count; i++) {
		if (starts[i] == start)
			return true;
	}
	return false;
}

static struct brute_layout with(const struct brute_layout *layout, struct brute_instance instance)
{
	struct brute_layout more = *layout;

	more.at[more.count++] = instance;
	return more;
}

/* Down from the root: node k has the children 2k+1 and 2k+2, which share its range. */
int brute_tree_id(const struct brute_gpu *gpu, int start, int size)
{
	int node = 0, from = 0, width = gpu->model->memory_slices;

	if (size <= 0 || start < 0)
		return -1;
	while (width > size) {
		bool is_upper;

		if (width % 2)
			return -1;
		width /= 2;
		is_upper = start >= from + width;
		if (is_upper)
			from += width;
		/* Swapped: the first child of the root is the upper half of the memory. */
		if (gpu->is_swapped && node == 0)
			is_upper = !is_upper;
		node = 2 * node + (is_upper ? 2 : 1);
	}
	return from == start && width == size && node < 15 ? node : -1;
}

/* ---- GPU instances ---------------------------------------------------------------------------- */

static struct brute_instance gi_instance(const struct brute_gpu *gpu, int row, int start)
{
	const struct mig_table_gi_profile *p = &gpu->model->gi[row];

	return (struct brute_instance){
		.row = row,
		.start = start,
		.size = p->placement_size,
		.slices = p->slice_count,
		.id = brute_tree_id(gpu, start, p->placement_size),
	};
}

static int largest_slices(const struct brute_gpu *gpu)
{
	int most = 0;

	for (int row = 0; row < gpu->model->gi_profile_count; row++) {
		if (gpu->model->gi[row].slice_count > most)
			most = gpu->model->gi[row].slice_count;
	}
	return most;
}

static bool gi_fits(const struct brute_gpu *gpu, const struct brute_layout *layout, int row,
		    int start, bool with_slices)
{
	const struct mig_table_gi_profile *p = &gpu->model->gi[row];

	if (!is_in(p->starts, p->start_count, start) ||
	    brute_tree_id(gpu, start, p->placement_size) < 0)
		return false;
	for (int i = 0; i < layout->count; i++) {
		if (overlap(&layout->at[i], start, p->placement_size))
			return false;
		if (p->is_media_extension && gpu->model->gi[layout->at[i].row].is_media_extension)
			return false;
	}
	if (with_slices && slices_used(layout) + p->slice_count > largest_slices(gpu))
		return false;
	return same_row(layout, row) < p->instances_total;
}

bool brute_gi_fits(const struct brute_gpu *gpu, const struct brute_layout *layout, int row,
		   int start)
{
	return gi_fits(gpu, layout, row, start, true);
}

/* The most of one row that can be added, each start from the i-th on taken or left. */
static int gi_most(const struct brute_gpu *gpu, const struct brute_layout *layout, int row, int i)
{
	const struct mig_table_gi_profile *p = &gpu->model->gi[row];
	struct brute_layout more;
	int without, taken;

	if (i == p->start_count)
		return 0;
	without = gi_most(gpu, layout, row, i + 1);
	if (!brute_gi_fits(gpu, layout, row, p->starts[i]))
		return without;
	more = with(layout, gi_instance(gpu, row, p->starts[i]));
	taken = 1 + gi_most(gpu, &more, row, i + 1);
	return taken > without ? taken : without;
}

int brute_gi_remaining(const struct brute_gpu *gpu, const struct brute_layout *layout, int row)
{
	return gi_most(gpu, layout, row, 0);
}

/* The pairs that are possible in `before` and not any more in `after`. */
static int gi_removed(const struct brute_gpu *gpu, const struct brute_layout *before,
		      const struct brute_layout *after)
{
	int removed = 0;

	for (int row = 0; row < gpu->model->gi_profile_count; row++) {
		for (int start = 0; start < gpu->model->memory_slices; start++) {
			removed += brute_gi_fits(gpu, before, row, start) &&
				   !brute_gi_fits(gpu, after, row, start);
		}
	}
	return removed;
}

/*
 * Walks the tree ids upwards, so that the first of equals stays. Id 6 of profile index 9 (1g with
 * double memory) counts as dearest on a GPU that is not swapped.
 */
int brute_gi_choose(const struct brute_gpu *gpu, const struct brute_layout *layout, int row)
{
	const struct mig_table_gi_profile *p = &gpu->model->gi[row];
	int best = -1, best_cost = 0;

	for (int id = 0; id < 15; id++) {
		for (int start = 0; start < gpu->model->memory_slices; start++) {
			struct brute_layout more;
			int cost;

			if (brute_tree_id(gpu, start, p->placement_size) != id ||
			    !brute_gi_fits(gpu, layout, row, start))
				continue;
			more = with(layout, gi_instance(gpu, row, start));
			cost = gi_removed(gpu, layout, &more);
			if (p->profile_index == 9 && id == 6 && !gpu->is_swapped)
				cost = 1000000;
			if (best < 0 || cost < best_cost) {
				best = start;
				best_cost = cost;
			}
		}
	}
	return best;
}

enum brute_answer brute_gi_create(const struct brute_gpu *gpu, struct brute_layout *layout, int row,
				  int start, int size, int *id)
{
	const struct mig_table_gi_profile *p = &gpu->model->gi[row];

	if (start < 0) {
		start = brute_gi_choose(gpu, layout, row);
		if (start < 0)
			return BRUTE_NO_ROOM;
	} else if (size != p->placement_size || !is_in(p->starts, p->start_count, start)) {
		return BRUTE_INVALID;
	}
	if (!brute_gi_fits(gpu, layout, row, start))
		return BRUTE_NO_ROOM;
	*layout = with(layout, gi_instance(gpu, row, start));
	*id = layout->at[layout->count - 1].id;
	return BRUTE_OK;
}

bool brute_destroy(struct brute_layout *layout, int id)
{
	for (int i = 0; i < layout->count; i++) {
		if (layout->at[i].id != id)
			continue;
		layout->at[i] = layout->at[--layout->count];
		return true;
	}
	return false;
}

static long count_from(const struct brute_gpu *gpu, const struct brute_layout *layout,
		       unsigned long rows, int row, int i, bool with_slices)
{
	const struct mig_table_gi_profile *p;
	struct brute_layout more;
	long n;

	while (row < gpu->model->gi_profile_count &&
	       (!(rows >> row & 1) || i == gpu->model->gi[row].start_count)) {
		row++;
		i = 0;
	}
	if (row == gpu->model->gi_profile_count)
		return 1;
	p = &gpu->model->gi[row];
	n = count_from(gpu, layout, rows, row, i + 1, with_slices);
	if (!gi_fits(gpu, layout, row, p->starts[i], with_slices))
		return n;
	more = with(layout, gi_instance(gpu, row, p->starts[i]));
	return n + count_from(gpu, &more, rows, row, i + 1, with_slices);
}

long brute_count_layouts(const struct brute_gpu *gpu, unsigned long rows, bool with_slices)
{
	struct brute_layout none = {.count = 0};

	return count_from(gpu, &none, rows, 0, 0, with_slices);
}

/* ---- compute instances ------------------------------------------------------------------------ */

bool brute_ci_fits(const struct mig_table_gi_profile *gi, const struct brute_layout *layout,
		   int row, int start)
{
	const struct mig_table_ci_profile *p = &gi->ci[row];

	if (!is_in(p->starts, p->start_count, start))
		return false;
	for (int i = 0; i < layout->count; i++) {
		if (overlap(&layout->at[i], start, p->placement_size))
			return false;
	}
	return slices_used(layout) + p->slice_count <= gi->slice_count &&
	       same_row(layout, row) < p->instances_total;
}

static struct brute_instance ci_instance(const struct mig_table_gi_profile *gi,
					 const struct brute_layout *layout, int row, int start)
{
	int id = 0;

	for (int i = 0; i < layout->count; i++) {
		if (layout->at[i].id == id) {
			id++;
			i = -1; /* look again from the first */
		}
	}
	return (struct brute_instance){
		.row = row,
		.start = start,
		.size = gi->ci[row].placement_size,
		.slices = gi->ci[row].slice_count,
		.id = id,
	};
}

static int ci_most(const struct mig_table_gi_profile *gi, const struct brute_layout *layout,
		   int row, int i)
{
	struct brute_layout more;
	int without, taken;

	if (i == gi->ci[row].start_count)
		return 0;
	without = ci_most(gi, layout, row, i + 1);
	if (!brute_ci_fits(gi, layout, row, gi->ci[row].starts[i]))
		return without;
	more = with(layout, ci_instance(gi, layout, row, gi->ci[row].starts[i]));
	taken = 1 + ci_most(gi, &more, row, i + 1);
	return taken > without ? taken : without;
}

int brute_ci_remaining(const struct mig_table_gi_profile *gi, const struct brute_layout *layout,
		       int row)
{
	return ci_most(gi, layout, row, 0);
}

static int ci_removed(const struct mig_table_gi_profile *gi, const struct brute_layout *before,
		      const struct brute_layout *after)
{
	int removed = 0;

	for (int row = 0; row < gi->ci_profile_count; row++) {
		for (int start = 0; start < 16; start++) {
			removed += brute_ci_fits(gi, before, row, start) &&
				   !brute_ci_fits(gi, after, row, start);
		}
	}
	return removed;
}

int brute_ci_choose(const struct mig_table_gi_profile *gi, const struct brute_layout *layout,
		    int row, bool is_ascending)
{
	int best = -1, best_cost = 0;

	for (int start = 0; start < 16; start++) {
		struct brute_layout more;
		int cost;

		if (!brute_ci_fits(gi, layout, row, start))
			continue;
		more = with(layout, ci_instance(gi, layout, row, start));
		cost = is_ascending ? start : ci_removed(gi, layout, &more);
		if (best < 0 || cost < best_cost) {
			best = start;
			best_cost = cost;
		}
	}
	return best;
}

enum brute_answer brute_ci_create(const struct mig_table_gi_profile *gi,
				  struct brute_layout *layout, int row, int start, int size,
				  bool is_ascending, int *id)
{
	const struct mig_table_ci_profile *p = &gi->ci[row];

	if (start < 0) {
		start = brute_ci_choose(gi, layout, row, is_ascending);
		if (start < 0)
			return BRUTE_NO_ROOM;
	} else if (size != p->placement_size || !is_in(p->starts, p->start_count, start)) {
		return BRUTE_INVALID;
	}
	if (!brute_ci_fits(gi, layout, row, start))
		return BRUTE_NO_ROOM;
	*layout = with(layout, ci_instance(gi, layout, row, start));
	*id = layout->at[layout->count - 1].id;
	return BRUTE_OK;
}
