/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a layout to operations; see plan.h.
 */
#include "core/plan.h"

#include <string.h>

#include "core/totals.h"
#include "shared/text.h"

static struct mig_op *add_op(struct mig_plan *plan, const struct mig_gpu *gpu,
			     enum mig_op_kind kind, struct mig_error **err)
{
	struct mig_op *op;

	if (mig_array_reserve(&plan->ops, &plan->ops_allocated, (size_t)plan->op_count + 1,
			      sizeof(*plan->ops)) < 0) {
		mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
		return NULL;
	}
	op = &plan->ops[plan->op_count++];
	memset(op, 0, sizeof(*op));
	op->kind = kind;
	op->gpu_index = gpu->index;
	op->mode_before = gpu->mig_current;
	op->mode_pending_before = gpu->mig_pending;
	op->mode_after = gpu->mig_current;
	mig_text_copy(op->gpu_uuid, sizeof(op->gpu_uuid), gpu->uuid);
	return op;
}

static void set_gi(struct mig_op *op, const struct mig_gi_profile *profile, unsigned int start)
{
	op->gi_profile_index = profile->index;
	op->gi_profile_id = profile->id;
	mig_text_copy(op->gi_profile_name, sizeof(op->gi_profile_name), profile->name);
	op->gi_start = start;
	op->gi_size = profile->size;
}

static void set_ci(struct mig_op *op, const struct mig_gi_profile *profile, unsigned int ci_row,
		   unsigned int start)
{
	const struct mig_ci_profile *ci = &profile->ci[ci_row];

	op->ci_profile_index = ci->index;
	op->ci_profile_id = ci->id;
	mig_facts_device_name(profile, ci_row, op->ci_profile_name, sizeof(op->ci_profile_name));
	op->ci_start = start;
	op->ci_size = ci->size;
	op->ci_is_verified = profile->ci_source == MIG_CI_FROM_NVML;
}

static const struct mig_layout_gi *kept_in(const struct mig_layout *layout, unsigned int gi_id)
{
	for (unsigned int i = 0; i < layout->gi_count; i++) {
		if (layout->gi[i].kept_id == (int)gi_id)
			return &layout->gi[i];
	}
	return NULL;
}

static bool ci_is_kept(const struct mig_layout_gi *gi, unsigned int ci_id)
{
	for (unsigned int i = 0; gi != NULL && i < gi->ci_count; i++) {
		if (gi->ci[i].kept_id == (int)ci_id)
			return true;
	}
	return false;
}

static int add_ci_destroys(struct mig_plan *plan, struct mig_plan_gpu *pg,
			   const struct mig_gpu *gpu, const struct mig_layout *layout,
			   struct mig_error **err)
{
	for (unsigned int i = 0; i < gpu->gi_count; i++) {
		const struct mig_gpu_instance *gi = &gpu->gi[i];
		const struct mig_gi_profile *profile = &gpu->facts->gi[gi->gi_row];
		const struct mig_layout_gi *kept = kept_in(layout, gi->id);

		for (unsigned int c = 0; c < gi->ci_count; c++) {
			const struct mig_compute_instance *ci = &gi->ci[c];
			struct mig_op *op;

			if (ci_is_kept(kept, ci->id)) {
				pg->kept_ci++;
				continue;
			}
			op = add_op(plan, gpu, MIG_OP_CI_DESTROY, err);
			if (op == NULL)
				return -1;
			set_gi(op, profile, gi->start);
			set_ci(op, profile, ci->ci_row, ci->start);
			mig_text_copy(op->expected_uuid, sizeof(op->expected_uuid), ci->uuid);
			pg->destroyed_ci++;
			pg->held_destroyed += ci->holder_count > 0;
		}
	}
	return 0;
}

static int add_gi_destroys(struct mig_plan *plan, struct mig_plan_gpu *pg,
			   const struct mig_gpu *gpu, const struct mig_layout *layout,
			   struct mig_error **err)
{
	for (unsigned int i = 0; i < gpu->gi_count; i++) {
		const struct mig_gpu_instance *gi = &gpu->gi[i];
		struct mig_op *op;

		if (kept_in(layout, gi->id) != NULL) {
			pg->kept_gi++;
			continue;
		}
		op = add_op(plan, gpu, MIG_OP_GI_DESTROY, err);
		if (op == NULL)
			return -1;
		set_gi(op, &gpu->facts->gi[gi->gi_row], gi->start);
		pg->destroyed_gi++;
	}
	return 0;
}

/* The UUID that this position had if the same plan destroys it: the driver derives UUIDs from the
 * position, so the same is expected again. */
static void expect_uuid(const struct mig_plan *plan, struct mig_op *op)
{
	for (unsigned int i = 0; i < plan->op_count; i++) {
		const struct mig_op *old = &plan->ops[i];

		if (old->kind == MIG_OP_CI_DESTROY && strcmp(old->gpu_uuid, op->gpu_uuid) == 0 &&
		    old->gi_start == op->gi_start && old->gi_size == op->gi_size &&
		    old->ci_start == op->ci_start && old->ci_size == op->ci_size) {
			mig_text_copy(op->expected_uuid, sizeof(op->expected_uuid),
				      old->expected_uuid);
			return;
		}
	}
}

static int add_creates(struct mig_plan *plan, struct mig_plan_gpu *pg, const struct mig_gpu *gpu,
		       const struct mig_layout *layout, struct mig_error **err)
{
	for (unsigned int i = 0; i < layout->gi_count; i++) {
		const struct mig_layout_gi *gi = &layout->gi[i];
		const struct mig_gi_profile *profile = &gpu->facts->gi[gi->gi_row];
		struct mig_op *op;

		if (gi->kept_id < 0) {
			op = add_op(plan, gpu, MIG_OP_GI_CREATE, err);
			if (op == NULL)
				return -1;
			set_gi(op, profile, gi->start);
			pg->created_gi++;
		}
		for (unsigned int c = 0; c < gi->ci_count; c++) {
			if (gi->ci[c].kept_id >= 0)
				continue;
			op = add_op(plan, gpu, MIG_OP_CI_CREATE, err);
			if (op == NULL)
				return -1;
			set_gi(op, profile, gi->start);
			set_ci(op, profile, gi->ci[c].ci_row, gi->ci[c].start);
			expect_uuid(plan, op);
			pg->created_ci++;
		}
	}
	return 0;
}

static int add_mode_change(struct mig_plan *plan, struct mig_plan_gpu *pg,
			   const struct mig_gpu *gpu, bool mode, struct mig_error **err)
{
	struct mig_op *op;

	/* A pending change that contradicts the target is taken back, too. */
	if (gpu->mig_current == mode && gpu->mig_pending == mode)
		return 0;
	op = add_op(plan, gpu, MIG_OP_MODE_SET, err);
	if (op == NULL)
		return -1;
	op->mode_after = mode;
	pg->mode_changes = gpu->mig_current != mode;
	return 0;
}

/* keep-in-use: what is held cannot stay, so nothing is done. held_destroyed says how much it is. */
static void block(struct mig_plan *plan, struct mig_plan_gpu *pg)
{
	plan->op_count = pg->first_op;
	pg->is_blocked = true;
	pg->mode_changes = false;
	pg->kept_gi += pg->destroyed_gi;
	pg->kept_ci += pg->destroyed_ci;
	pg->destroyed_gi = pg->destroyed_ci = pg->created_gi = pg->created_ci = 0;
}

static int plan_gpu(struct mig_plan *plan, struct mig_plan_gpu *pg, const struct mig_gpu *gpu,
		    const struct mig_gpu_target *target, struct mig_error **err)
{
	struct mig_layout layout = {0};
	bool has_wish = target->device_count > 0 || target->placed_count > 0;

	if (!gpu->is_mig_capable && target->mig_mode)
		return mig_error_set(err, MIG_ERROR_REFUSED, "'%s' has no MIG", gpu->name);
	if (!gpu->is_mig_capable)
		return 0;
	if (target->mig_mode && has_wish && mig_layout_find(gpu, target, &layout, err) < 0)
		return -1;
	if (add_ci_destroys(plan, pg, gpu, &layout, err) < 0 ||
	    add_gi_destroys(plan, pg, gpu, &layout, err) < 0)
		return -1;
	/* What gets nothing of the totals keeps its mode, also a change that is pending. */
	if (!target->keeps_mode && (!target->shares_totals || has_wish) &&
	    add_mode_change(plan, pg, gpu, target->mig_mode, err) < 0)
		return -1;
	return add_creates(plan, pg, gpu, &layout, err);
}

static int plan_gpus(struct mig_plan *plan, const struct mig_snapshot *snapshot,
		     const struct mig_gpu_target *targets, const struct mig_totals *totals,
		     struct mig_error **err)
{
	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		const struct mig_gpu *gpu = &snapshot->gpus[i];
		const struct mig_gpu_target *target = &targets[i];
		struct mig_plan_gpu *pg;

		if (!target->is_named)
			continue;
		pg = &plan->gpus[plan->gpu_count++];
		pg->gpu_index = i;
		pg->first_op = plan->op_count;
		mig_text_copy(pg->gpu_uuid, sizeof(pg->gpu_uuid), gpu->uuid);
		if (plan_gpu(plan, pg, gpu, target, err) < 0) {
			if (err != NULL)
				mig_error_set_subject(*err, "GPU %u", gpu->index);
			return mig_error_wrap(err, "GPU %u", gpu->index);
		}
		if ((target->keeps_in_use && pg->held_destroyed > 0) ||
		    (target->shares_totals && totals->is_blocked))
			block(plan, pg);
		pg->op_count = plan->op_count - pg->first_op;
		/* For one GPU the search is exact; for totals the spreading knows. */
		if (!target->shares_totals) {
			plan->held_destroyed_bound += pg->held_destroyed;
			plan->gi_destroyed_bound += pg->destroyed_gi;
		}
	}
	return 0;
}

static int plan_node(struct mig_plan *plan, const struct mig_snapshot *snapshot,
		     const struct mig_target *target, struct mig_error **err)
{
	_cleanup_free_ struct mig_gpu_target *spread = NULL;
	struct mig_totals totals = {.is_optimal = true};

	plan->gpus = calloc((size_t)snapshot->gpu_count + 1, sizeof(*plan->gpus));
	if (plan->gpus == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	if (mig_totals_are_wanted(target)) {
		spread = calloc((size_t)snapshot->gpu_count + 1, sizeof(*spread));
		if (spread == NULL)
			return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
		if (mig_totals_spread(snapshot, target, spread, &totals, err) < 0)
			return -1;
	}
	plan->is_optimal = totals.is_optimal;
	plan->held_destroyed_bound = totals.held_destroyed_bound;
	plan->gi_destroyed_bound = totals.gi_destroyed_bound;
	return plan_gpus(plan, snapshot, spread != NULL ? spread : target->gpus, &totals, err);
}

int mig_plan_make(const struct mig_snapshot *snapshot, const struct mig_target *target,
		  struct mig_plan **out, struct mig_error **err)
{
	_cleanup_plan_ struct mig_plan *plan = calloc(1, sizeof(*plan));

	if (plan == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	if (plan_node(plan, snapshot, target, err) < 0)
		return -1;
	*out = MIG_TAKE_PTR(plan);
	return 0;
}

void mig_plan_free(struct mig_plan *plan)
{
	if (plan == NULL)
		return;
	free(plan->ops);
	free(plan->gpus);
	free(plan);
}

int mig_op_describe(const struct mig_op *op, struct mig_buf *buf)
{
	switch (op->kind) {
	case MIG_OP_MODE_SET:
		return mig_buf_printf(buf, "GPU %u: turn MIG mode %s", op->gpu_index,
				      op->mode_after ? "on" : "off");
	case MIG_OP_GI_DESTROY:
	case MIG_OP_GI_CREATE:
		return mig_buf_printf(buf, "GPU %u: %s GPU instance %s at %u:%u", op->gpu_index,
				      op->kind == MIG_OP_GI_CREATE ? "create" : "destroy",
				      op->gi_profile_name, op->gi_start, op->gi_size);
	case MIG_OP_CI_DESTROY:
	case MIG_OP_CI_CREATE:
		return mig_buf_printf(
			buf, "GPU %u: %s compute instance %s at %u:%u of the GPU instance at %u:%u",
			op->gpu_index, op->kind == MIG_OP_CI_CREATE ? "create" : "destroy",
			op->ci_profile_name, op->ci_start, op->ci_size, op->gi_start, op->gi_size);
	case MIG_OP_KIND_COUNT:
		break;
	}
	return mig_buf_puts(buf, "unknown operation");
}
