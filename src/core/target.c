/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wanted, per GPU; see target.h.
 */
#include "core/target.h"

#include <limits.h>
#include <string.h>

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

bool mig_gpu_target_equals(const struct mig_gpu_target *a, const struct mig_gpu_target *b)
{
	if (a->is_named != b->is_named || a->mig_mode != b->mig_mode ||
	    a->device_count != b->device_count)
		return false;
	for (unsigned int i = 0; i < a->device_count; i++) {
		if (count_of(b, &a->devices[i]) != a->devices[i].count)
			return false;
	}
	return true;
}
