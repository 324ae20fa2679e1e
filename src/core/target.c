/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wanted, per GPU; see target.h.
 */
#include "core/target.h"

#include <limits.h>
#include <string.h>

#include "core/profile_name.h"
#include "shared/text.h"

struct mig_target *mig_target_new(const struct mig_snapshot *snapshot, struct mig_error **err)
{
	struct mig_target *target = calloc(1, sizeof(*target));

	if (target != NULL) {
		target->gpu_count = snapshot->gpu_count;
		target->gpus = calloc((size_t)target->gpu_count + 1, sizeof(*target->gpus));
	}
	if (target == NULL || target->gpus == NULL) {
		mig_target_free(target);
		mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
		return NULL;
	}
	return target;
}

void mig_target_free(struct mig_target *target)
{
	if (target == NULL)
		return;
	free(target->gpus);
	free(target);
}

int mig_target_add(struct mig_gpu_target *target, unsigned int gi_row, unsigned int ci_row,
		   unsigned int count, struct mig_error **err)
{
	unsigned int at = 0;

	if (count == 0)
		return 0;
	while (at < target->device_count &&
	       (target->devices[at].gi_row != gi_row || target->devices[at].ci_row != ci_row))
		at++;
	if (at < target->device_count) {
		if (target->devices[at].count > UINT_MAX - count)
			return mig_error_set(err, MIG_ERROR_REFUSED, "too many devices");
		target->devices[at].count += count;
		return 0;
	}
	if (at == MIG_TARGET_DEVICES_MAX)
		return mig_error_set(err, MIG_ERROR_REFUSED, "more than %d kinds of devices",
				     MIG_TARGET_DEVICES_MAX);
	target->devices[at].gi_row = gi_row;
	target->devices[at].ci_row = ci_row;
	target->devices[at].count = count;
	target->device_count++;
	return 0;
}

int mig_target_place(struct mig_gpu_target *target, unsigned int gi_row, unsigned int start,
		     struct mig_placed_gi **placed, struct mig_error **err)
{
	struct mig_placed_gi *gi;

	if (target->placed_count == MIG_GPU_INSTANCES_MAX)
		return mig_error_set(err, MIG_ERROR_REFUSED,
				     "more than %d GPU instances with a place",
				     MIG_GPU_INSTANCES_MAX);
	gi = &target->placed[target->placed_count++];
	memset(gi, 0, sizeof(*gi));
	gi->gi_row = gi_row;
	gi->start = start;
	if (placed != NULL)
		*placed = gi;
	return 0;
}

int mig_target_place_ci(struct mig_placed_gi *placed, unsigned int ci_row, unsigned int start,
			struct mig_error **err)
{
	if (placed->ci_count == MIG_COMPUTE_INSTANCES_MAX)
		return mig_error_set(err, MIG_ERROR_REFUSED,
				     "more than %d compute instances in one GPU instance",
				     MIG_COMPUTE_INSTANCES_MAX);
	placed->ci[placed->ci_count].ci_row = ci_row;
	placed->ci[placed->ci_count].start = start;
	placed->ci_count++;
	return 0;
}

static bool is_same_profile(const char *a, const char *b)
{
	struct mig_profile_name x, y;

	if (mig_profile_name_parse(a, &x) < 0 || mig_profile_name_parse(b, &y) < 0)
		return strcmp(a, b) == 0;
	return x.compute_slices == y.compute_slices && mig_profile_name_same_gi(&x, &y);
}

int mig_target_add_total(struct mig_target *target, const char *profile, unsigned int count,
			 struct mig_error **err)
{
	unsigned int at = 0;

	if (count == 0)
		return 0;
	while (at < target->total_count && !is_same_profile(target->totals[at].profile, profile))
		at++;
	if (at < target->total_count) {
		if (target->totals[at].count > UINT_MAX - count)
			return mig_error_set(err, MIG_ERROR_REFUSED, "too many devices");
		target->totals[at].count += count;
		return 0;
	}
	if (at == MIG_TARGET_DEVICES_MAX)
		return mig_error_set(err, MIG_ERROR_REFUSED, "more than %d kinds of devices",
				     MIG_TARGET_DEVICES_MAX);
	mig_text_copy(target->totals[at].profile, sizeof(target->totals[at].profile), profile);
	target->totals[at].count = count;
	target->total_count++;
	return 0;
}

void mig_gpu_target_from_gpu(const struct mig_gpu *gpu, struct mig_gpu_target *target)
{
	memset(target, 0, sizeof(*target));
	target->is_named = true;
	target->mig_mode = gpu->mig_current;
	/* Both arrays have room for whatever a snapshot holds. */
	target->placed_count = gpu->gi_count;
	for (unsigned int i = 0; i < gpu->gi_count; i++) {
		const struct mig_gpu_instance *gi = &gpu->gi[i];
		struct mig_placed_gi *placed = &target->placed[i];

		placed->gi_row = gi->gi_row;
		placed->start = gi->start;
		placed->ci_count = gi->ci_count;
		for (unsigned int c = 0; c < gi->ci_count; c++)
			placed->ci[c] = (struct mig_placed_ci){gi->ci[c].ci_row, gi->ci[c].start};
	}
}

/* ---- comparing -------------------------------------------------------------------------------- */

static unsigned int count_of(const struct mig_gpu_target *target,
			     const struct mig_wanted_device *device)
{
	for (unsigned int i = 0; i < target->device_count; i++) {
		if (target->devices[i].gi_row == device->gi_row &&
		    target->devices[i].ci_row == device->ci_row)
			return target->devices[i].count;
	}
	return 0;
}

static unsigned int times_in(const struct mig_placed_gi *gi, const struct mig_placed_ci *ci)
{
	unsigned int times = 0;

	for (unsigned int i = 0; i < gi->ci_count; i++)
		times += gi->ci[i].ci_row == ci->ci_row && gi->ci[i].start == ci->start;
	return times;
}

static bool is_same_gi(const struct mig_placed_gi *a, const struct mig_placed_gi *b)
{
	if (a->gi_row != b->gi_row || a->start != b->start || a->ci_count != b->ci_count)
		return false;
	for (unsigned int i = 0; i < a->ci_count; i++) {
		if (times_in(a, &a->ci[i]) != times_in(b, &a->ci[i]))
			return false;
	}
	return true;
}

static unsigned int times_placed(const struct mig_gpu_target *target,
				 const struct mig_placed_gi *placed)
{
	unsigned int times = 0;

	for (unsigned int i = 0; i < target->placed_count; i++)
		times += is_same_gi(&target->placed[i], placed);
	return times;
}

bool mig_gpu_target_equals(const struct mig_gpu_target *a, const struct mig_gpu_target *b)
{
	if (a->is_named != b->is_named || a->mig_mode != b->mig_mode ||
	    a->keeps_in_use != b->keeps_in_use || a->shares_totals != b->shares_totals ||
	    a->keeps_mode != b->keeps_mode || a->device_count != b->device_count ||
	    a->placed_count != b->placed_count)
		return false;
	for (unsigned int i = 0; i < a->device_count; i++) {
		if (count_of(b, &a->devices[i]) != a->devices[i].count)
			return false;
	}
	for (unsigned int i = 0; i < a->placed_count; i++) {
		if (times_placed(a, &a->placed[i]) != times_placed(b, &a->placed[i]))
			return false;
	}
	return true;
}
