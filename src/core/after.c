/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layout after a plan; see after.h.
 */
#include "core/after.h"

#include <limits.h>
#include <string.h>

static struct mig_gpu_instance *find_gi(struct mig_gpu *gpu, const struct mig_op *op)
{
	for (unsigned int i = 0; i < gpu->gi_count; i++) {
		if (gpu->gi[i].start == op->gi_start && gpu->gi[i].size == op->gi_size)
			return &gpu->gi[i];
	}
	return NULL;
}

static void destroy_gi(struct mig_gpu *gpu, const struct mig_op *op)
{
	struct mig_gpu_instance *gi = find_gi(gpu, op);
	unsigned int at;

	if (gi == NULL)
		return;
	at = (unsigned int)(gi - gpu->gi);
	memmove(gi, gi + 1, (gpu->gi_count - at - 1) * sizeof(*gi));
	gpu->gi_count--;
}

static void create_gi(struct mig_gpu *gpu, const struct mig_op *op)
{
	int row = mig_facts_gi_by_id(gpu->facts, op->gi_profile_id);

	if (row < 0 || gpu->gi_count == MIG_GPU_INSTANCES_MAX)
		return;
	gpu->gi[gpu->gi_count++] = (struct mig_gpu_instance){
		.id = MIG_ID_NEW,
		.gi_row = (unsigned int)row,
		.start = op->gi_start,
		.size = op->gi_size,
	};
}

static void destroy_ci(struct mig_gpu *gpu, const struct mig_op *op)
{
	struct mig_gpu_instance *gi = find_gi(gpu, op);

	for (unsigned int i = 0; gi != NULL && i < gi->ci_count; i++) {
		if (gi->ci[i].start != op->ci_start)
			continue;
		memmove(&gi->ci[i], &gi->ci[i + 1], (gi->ci_count - i - 1) * sizeof(gi->ci[0]));
		gi->ci_count--;
		return;
	}
}

static void create_ci(struct mig_gpu *gpu, const struct mig_op *op)
{
	struct mig_gpu_instance *gi = find_gi(gpu, op);
	const struct mig_gi_profile *profile;

	if (gi == NULL || gi->ci_count == MIG_COMPUTE_INSTANCES_MAX)
		return;
	profile = &gpu->facts->gi[gi->gi_row];
	for (unsigned int row = 0; row < profile->ci_count; row++) {
		if (profile->ci[row].index != op->ci_profile_index)
			continue;
		gi->ci[gi->ci_count++] = (struct mig_compute_instance){
			.id = MIG_ID_NEW,
			.ci_row = row,
			.start = op->ci_start,
			.size = op->ci_size,
			.device_index = -1,
		};
		return;
	}
}

void mig_plan_gpu_after(const struct mig_gpu *gpu, const struct mig_plan *plan,
			const struct mig_plan_gpu *pg, struct mig_gpu *after)
{
	*after = *gpu;
	for (unsigned int i = pg->first_op; i < pg->first_op + pg->op_count; i++) {
		const struct mig_op *op = &plan->ops[i];

		switch (op->kind) {
		case MIG_OP_MODE_SET:
			after->mig_current = op->mode_after;
			after->mig_pending = op->mode_after;
			break;
		case MIG_OP_GI_DESTROY:
			destroy_gi(after, op);
			break;
		case MIG_OP_GI_CREATE:
			create_gi(after, op);
			break;
		case MIG_OP_CI_DESTROY:
			destroy_ci(after, op);
			break;
		case MIG_OP_CI_CREATE:
			create_ci(after, op);
			break;
		case MIG_OP_KIND_COUNT:
			break;
		}
	}
}
