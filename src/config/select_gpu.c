/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an entry wants of one GPU; see select_gpu.h. Whether all of it fits together is the planner's
 * to say: here only what is wrong at one place of the source is refused.
 */
#include "config/select_gpu.h"

#include <stdlib.h>

#include "shared/buf.h"

struct wish {
	const struct mig_config *config;
	const struct mig_gpu *gpu;
	struct mig_gpu_target *wanted;
	struct mig_error **err;
};

int mig_select_unknown_profile(const struct mig_config *config, struct mig_position at,
			       const char *profile, const struct mig_gpu *gpu,
			       struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf all = MIG_BUF_INIT(4096);
	const char *nearest = mig_facts_nearest(gpu->facts, profile);

	for (unsigned int i = 0; i < gpu->facts->gi_count; i++)
		mig_buf_printf(&all, "%s%s", i > 0 ? ", " : "", gpu->facts->gi[i].name);
	mig_config_error(err, config, at, "GPU %u (%s) has no profile '%s'", gpu->index, gpu->name,
			 profile);
	if (nearest != NULL)
		return mig_error_hint(err, "did you mean '%s'? This GPU has: %s", nearest,
				      mig_buf_text(&all));
	return mig_error_hint(err, "this GPU has: %s", mig_buf_text(&all));
}

static int find_profile(const struct wish *w, const char *profile, struct mig_position at,
			unsigned int *gi_row, unsigned int *ci_row)
{
	if (mig_facts_find(w->gpu->facts, profile, gi_row, ci_row) == 0)
		return 0;
	return mig_select_unknown_profile(w->config, at, profile, w->gpu, w->err);
}

/* ---- placed GPU instances --------------------------------------------------------------------- */

static int check_start(const struct wish *w, const char *what, const unsigned int *starts,
		       unsigned int start_count, unsigned int start, struct mig_position at)
{
	_cleanup_buf_ struct mig_buf all = MIG_BUF_INIT(4096);

	for (unsigned int i = 0; i < start_count; i++) {
		if (starts[i] == start)
			return 0;
		mig_buf_printf(&all, "%s%u", i > 0 ? ", " : "", starts[i]);
	}
	mig_config_error(w->err, w->config, at, "on GPU %u a %s cannot start at %u", w->gpu->index,
			 what, start);
	return mig_error_hint(w->err, "it can at %s", mig_buf_text(&all));
}

/* The GPU instance at this place, made if it is not there yet. NULL with *err if it cannot be. */
static struct mig_placed_gi *place_gi(const struct wish *w, unsigned int gi_row, unsigned int start,
				      struct mig_position at)
{
	const struct mig_gi_profile *profiles = w->gpu->facts->gi;
	const struct mig_gi_profile *gi = &profiles[gi_row];
	struct mig_placed_gi *placed;

	if (check_start(w, gi->name, gi->starts, gi->start_count, start, at) < 0)
		return NULL;
	for (unsigned int i = 0; i < w->wanted->placed_count; i++) {
		const struct mig_gi_profile *other;

		placed = &w->wanted->placed[i];
		other = &profiles[placed->gi_row];
		if (placed->gi_row == gi_row && placed->start == start)
			return placed;
		if (start < placed->start + other->size && placed->start < start + gi->size) {
			mig_config_error(w->err, w->config, at,
					 "on GPU %u %s@%u lies over %s@%u (%u and %u units long)",
					 w->gpu->index, gi->name, start, other->name, placed->start,
					 gi->size, other->size);
			return NULL;
		}
	}
	if (w->wanted->placed_count == MIG_GPU_INSTANCES_MAX) {
		mig_config_error(w->err, w->config, at, "more than %d GPU instances on GPU %u",
				 MIG_GPU_INSTANCES_MAX, w->gpu->index);
		return NULL;
	}
	placed = &w->wanted->placed[w->wanted->placed_count++];
	*placed = (struct mig_placed_gi){.gi_row = gi_row, .start = start};
	return placed;
}

/* Whether two compute instances, each at a known place, overlap. */
static bool overlaps(const struct mig_gi_profile *gi, const struct mig_placed_ci *a,
		     const struct mig_placed_ci *b)
{
	return a->start != MIG_START_ANY && b->start != MIG_START_ANY &&
	       a->start < b->start + gi->ci[b->ci_row].size &&
	       b->start < a->start + gi->ci[a->ci_row].size;
}

static int add_ci(const struct wish *w, struct mig_placed_gi *placed, unsigned int ci_row,
		  unsigned int start, struct mig_position at)
{
	const struct mig_gi_profile *gi = &w->gpu->facts->gi[placed->gi_row];
	const struct mig_ci_profile *ci = &gi->ci[ci_row];
	struct mig_placed_ci wanted = {.ci_row = ci_row, .start = start};
	unsigned int slices = ci->slice_count;

	/* Without placements from the driver any place is believed. */
	if (start != MIG_START_ANY && ci->start_count > 0 &&
	    check_start(w, ci->name, ci->starts, ci->start_count, start, at) < 0)
		return -1;
	for (unsigned int i = 0; i < placed->ci_count; i++) {
		slices += gi->ci[placed->ci[i].ci_row].slice_count;
		if (overlaps(gi, &placed->ci[i], &wanted))
			return mig_config_error(
				w->err, w->config, at,
				"in the %s at %u of GPU %u two compute instances lie over each "
				"other",
				gi->name, placed->start, w->gpu->index);
	}
	if (slices > gi->slice_count || placed->ci_count == MIG_COMPUTE_INSTANCES_MAX)
		return mig_config_error(w->err, w->config, at,
					"the compute instances of the %s at %u of GPU %u need %u "
					"slices, and it has %u",
					gi->name, placed->start, w->gpu->index, slices,
					gi->slice_count);
	placed->ci[placed->ci_count++] = wanted;
	return 0;
}

static int want_placed_device(const struct wish *w, const struct mig_config_device *device,
			      unsigned int gi_row, unsigned int ci_row)
{
	struct mig_placed_gi *placed;

	if (device->count == 0)
		return 0;
	placed = place_gi(w, gi_row, device->start, device->at);
	if (placed == NULL)
		return -1;
	for (unsigned int i = 0; i < device->count; i++) {
		if (add_ci(w, placed, ci_row, MIG_START_ANY, device->at) < 0)
			return -1;
	}
	return 0;
}

static int want_instance(const struct wish *w, const struct mig_config_instance *instance)
{
	unsigned int count = w->wanted->placed_count;
	unsigned int gi_row, ci_row;
	struct mig_placed_gi *placed;

	if (find_profile(w, instance->profile, instance->at, &gi_row, &ci_row) < 0)
		return -1;
	if (w->gpu->facts->gi[gi_row].ci[ci_row].slice_count !=
	    w->gpu->facts->gi[gi_row].slice_count)
		return mig_config_error(w->err, w->config, instance->at,
					"'%s' is a compute instance, not a GPU instance",
					instance->profile);
	placed = place_gi(w, gi_row, instance->start, instance->at);
	if (placed == NULL)
		return -1;
	if (w->wanted->placed_count == count)
		return mig_config_error(w->err, w->config, instance->at,
					"%s@%u is there twice for GPU %u", instance->profile,
					instance->start, w->gpu->index);
	for (size_t i = 0; i < instance->compute_count; i++) {
		const struct mig_config_compute *compute = &instance->compute[i];
		unsigned int gi_of_ci;

		if (find_profile(w, compute->profile, compute->at, &gi_of_ci, &ci_row) < 0)
			return -1;
		if (gi_of_ci != gi_row)
			return mig_config_error(w->err, w->config, compute->at,
						"'%s' does not lie in a %s", compute->profile,
						instance->profile);
		if (add_ci(w, placed, ci_row,
			   compute->start == MIG_CONFIG_START_ANY ? MIG_START_ANY : compute->start,
			   compute->at) < 0)
			return -1;
	}
	return 0;
}

/* ---- the GPU ---------------------------------------------------------------------------------- */

static int want_device(const struct wish *w, const struct mig_config_device *device)
{
	unsigned int gi_row, ci_row;

	if (find_profile(w, device->profile, device->at, &gi_row, &ci_row) < 0)
		return -1;
	if (device->start != MIG_CONFIG_START_ANY)
		return want_placed_device(w, device, gi_row, ci_row);
	if (mig_target_add(w->wanted, gi_row, ci_row, device->count, w->err) < 0)
		return mig_config_wrap(w->config, device->at, w->err);
	return 0;
}

/* A GPU that none of the totals can be on would be emptied for nothing. */
static int share_totals(const struct wish *w, const struct mig_config_entry *entry,
			struct mig_position at)
{
	unsigned int gi_row, ci_row;

	w->wanted->shares_totals = true;
	for (size_t i = 0; i < entry->total_count; i++) {
		if (mig_facts_find(w->gpu->facts, entry->totals[i].profile, &gi_row, &ci_row) == 0)
			return 0;
	}
	if (entry->total_count == 0)
		return 0;
	if (entry->total_count == 1)
		return mig_select_unknown_profile(w->config, entry->totals[0].at,
						  entry->totals[0].profile, w->gpu, w->err);
	mig_config_error(w->err, w->config, at, "GPU %u (%s) has no profile of these totals",
			 w->gpu->index, w->gpu->name);
	return mig_error_hint(w->err, "name only GPUs that have, or give totals that fit all");
}

static int compare_placed(const void *a, const void *b)
{
	const struct mig_placed_gi *x = a;
	const struct mig_placed_gi *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/* 470 and 535 list no profiles while MIG is off, and no table has this GPU. */
static int refuse_without_profiles(const struct wish *w, struct mig_position at)
{
	mig_config_error(
		w->err, w->config, at, "the driver lists no profiles of GPU %u (%s)%s",
		w->gpu->index, w->gpu->name,
		w->gpu->mig_current ? "" : " while MIG mode is off, and migctl has no table of it");
	return w->gpu->mig_current
		       ? -1
		       : mig_error_hint(w->err, "turn it on first: migctl mode on -i %u",
					w->gpu->index);
}

int mig_select_gpu(const struct mig_config *config, const struct mig_config_entry *entry,
		   const struct mig_gpu *gpu, struct mig_position at, struct mig_gpu_target *wanted,
		   struct mig_error **err)
{
	const struct wish w = {config, gpu, wanted, err};

	wanted->is_named = true;
	wanted->mig_mode = entry->mig_enabled;
	wanted->keeps_in_use = entry->keeps_in_use;
	if (gpu->is_lost) {
		mig_error_lost(gpu, err);
		return mig_config_wrap(config, at, err);
	}
	if (entry->mig_enabled && !gpu->is_mig_capable)
		return mig_config_error(err, config, at, "GPU %u (%s) has no MIG", gpu->index,
					gpu->name);
	if (entry->device_count + entry->instance_count + entry->total_count > 0 &&
	    gpu->facts->gi_count == 0)
		return refuse_without_profiles(&w, at);
	for (size_t i = 0; i < entry->device_count; i++) {
		if (want_device(&w, &entry->devices[i]) < 0)
			return -1;
	}
	for (size_t i = 0; i < entry->instance_count; i++) {
		if (want_instance(&w, &entry->instances[i]) < 0)
			return -1;
	}
	qsort(wanted->placed, wanted->placed_count, sizeof(wanted->placed[0]), compare_placed);
	return entry->has_totals ? share_totals(&w, entry, at) : 0;
}
