/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way back; see invert.h.
 */
#include "core/invert.h"

#include <stdlib.h>
#include <string.h>

#include "shared/text.h"

struct inversion {
	const struct mig_plan *plan;
	const bool *is_begun;
	const struct mig_saved_layout *before;
	const struct mig_snapshot *now;
	struct mig_plan *back;
};

static const struct mig_gpu_instance *find_gi(const struct mig_gpu *gpu, const struct mig_op *op)
{
	for (unsigned int i = 0; i < gpu->gi_count; i++) {
		const struct mig_gpu_instance *gi = &gpu->gi[i];

		if (gi->start == op->gi_start && gi->size == op->gi_size &&
		    gpu->facts->gi[gi->gi_row].id == op->gi_profile_id)
			return gi;
	}
	return NULL;
}

static const struct mig_compute_instance *find_ci(const struct mig_gpu *gpu,
						  const struct mig_op *op)
{
	const struct mig_gpu_instance *gi = find_gi(gpu, op);

	for (unsigned int i = 0; gi != NULL && i < gi->ci_count; i++) {
		if (gi->ci[i].start == op->ci_start &&
		    gpu->facts->gi[gi->gi_row].ci[gi->ci[i].ci_row].index == op->ci_profile_index)
			return &gi->ci[i];
	}
	return NULL;
}

/* The same operation with another kind; NULL: out of memory. */
static struct mig_op *add(struct inversion *inv, const struct mig_op *op, enum mig_op_kind kind)
{
	struct mig_plan *back = inv->back;
	struct mig_op *added;

	if (mig_array_reserve(&back->ops, &back->ops_allocated, (size_t)back->op_count + 1,
			      sizeof(*back->ops)) < 0)
		return NULL;
	added = &back->ops[back->op_count++];
	*added = *op;
	added->kind = kind;
	return added;
}

/* Back to the mode before, and then to the change that was pending then. */
static int invert_mode(struct inversion *inv, const struct mig_gpu *gpu, const struct mig_op *op)
{
	struct mig_op *back;
	bool pending = gpu->mig_pending;

	if (gpu->mig_current != op->mode_before ||
	    (pending != op->mode_before && op->mode_pending_before == op->mode_before)) {
		back = add(inv, op, MIG_OP_MODE_SET);
		if (back == NULL)
			return -1;
		back->mode_before = gpu->mig_current;
		back->mode_pending_before = gpu->mig_pending;
		back->mode_after = op->mode_before;
		pending = op->mode_before;
	}
	if (pending == op->mode_pending_before)
		return 0;
	back = add(inv, op, MIG_OP_MODE_SET);
	if (back == NULL)
		return -1;
	back->mode_pending_before = pending;
	back->mode_after = op->mode_pending_before;
	back->stays_pending = true;
	return 0;
}

static bool is_destroyed(const struct inversion *inv, const struct mig_op *op, unsigned int start)
{
	for (unsigned int i = 0; i < inv->back->op_count; i++) {
		const struct mig_op *back = &inv->back->ops[i];

		if (back->kind == MIG_OP_CI_DESTROY && strcmp(back->gpu_uuid, op->gpu_uuid) == 0 &&
		    back->gi_start == op->gi_start && back->ci_start == start)
			return true;
	}
	return false;
}

static bool was_there(const struct inversion *inv, const struct mig_op *op,
		      const struct mig_compute_instance *ci)
{
	const struct mig_saved_gpu *gpu = mig_saved_layout_gpu(inv->before, op->gpu_uuid);

	for (unsigned int g = 0; gpu != NULL && g < gpu->gi_count; g++) {
		for (unsigned int c = 0;
		     gpu->gi[g].start == op->gi_start && c < gpu->gi[g].ci_count; c++) {
			if (gpu->gi[g].ci[c].start == ci->start)
				return true;
		}
	}
	return false;
}

/* Whether a begun operation of the plan names this very place. */
static bool is_planned(const struct inversion *inv, const struct mig_op *op, unsigned int start)
{
	for (unsigned int i = 0; i < inv->plan->op_count; i++) {
		const struct mig_op *other = &inv->plan->ops[i];

		if ((inv->is_begun == NULL || inv->is_begun[i]) &&
		    other->kind == MIG_OP_CI_CREATE && strcmp(other->gpu_uuid, op->gpu_uuid) == 0 &&
		    other->gi_start == op->gi_start && other->ci_start == start &&
		    other->ci_profile_index == op->ci_profile_index)
			return true;
	}
	return false;
}

/* A compute instance that the driver put elsewhere than planned. */
static const struct mig_compute_instance *
find_displaced_ci(const struct inversion *inv, const struct mig_gpu *gpu, const struct mig_op *op)
{
	const struct mig_gpu_instance *gi = find_gi(gpu, op);

	for (unsigned int i = 0; gi != NULL && inv->before != NULL && i < gi->ci_count; i++) {
		const struct mig_compute_instance *ci = &gi->ci[i];

		if (gpu->facts->gi[gi->gi_row].ci[ci->ci_row].index == op->ci_profile_index &&
		    !was_there(inv, op, ci) && !is_planned(inv, op, ci->start) &&
		    !is_destroyed(inv, op, ci->start))
			return ci;
	}
	return NULL;
}

/*
 * A GPU instance that was made goes with all that is in it: a driver that chooses the places of
 * compute instances itself (470) may have put them elsewhere than planned.
 */
static int destroy_gi(struct inversion *inv, const struct mig_gpu *gpu, const struct mig_op *op)
{
	const struct mig_gpu_instance *gi = find_gi(gpu, op);
	const struct mig_gi_profile *profile;

	if (gi == NULL)
		return 0;
	profile = &gpu->facts->gi[gi->gi_row];
	for (unsigned int i = gi->ci_count; i-- > 0;) {
		const struct mig_compute_instance *ci = &gi->ci[i];
		struct mig_op *back;

		if (is_destroyed(inv, op, ci->start))
			continue;
		back = add(inv, op, MIG_OP_CI_DESTROY);
		if (back == NULL)
			return -1;
		back->ci_profile_index = profile->ci[ci->ci_row].index;
		back->ci_profile_id = profile->ci[ci->ci_row].id;
		mig_facts_device_name(profile, ci->ci_row, back->ci_profile_name,
				      sizeof(back->ci_profile_name));
		back->ci_start = ci->start;
		back->ci_size = ci->size;
		back->ci_is_verified = true;
		mig_text_copy(back->expected_uuid, sizeof(back->expected_uuid), ci->uuid);
	}
	return add(inv, op, MIG_OP_GI_DESTROY) != NULL ? 0 : -1;
}

static int invert_op(struct inversion *inv, const struct mig_gpu *gpu, const struct mig_op *op)
{
	const struct mig_compute_instance *ci;
	struct mig_op *back;

	switch (op->kind) {
	case MIG_OP_MODE_SET:
		return invert_mode(inv, gpu, op);
	case MIG_OP_GI_CREATE:
		return destroy_gi(inv, gpu, op);
	case MIG_OP_GI_DESTROY:
		if (find_gi(gpu, op) != NULL)
			return 0;
		return add(inv, op, MIG_OP_GI_CREATE) != NULL ? 0 : -1;
	case MIG_OP_CI_CREATE:
		ci = find_ci(gpu, op);
		if (ci == NULL)
			ci = find_displaced_ci(inv, gpu, op);
		if (ci == NULL)
			return 0;
		back = add(inv, op, MIG_OP_CI_DESTROY);
		if (back == NULL)
			return -1;
		back->ci_start = ci->start;
		mig_text_copy(back->expected_uuid, sizeof(back->expected_uuid), ci->uuid);
		return 0;
	case MIG_OP_CI_DESTROY:
		if (find_ci(gpu, op) != NULL)
			return 0;
		return add(inv, op, MIG_OP_CI_CREATE) != NULL ? 0 : -1;
	case MIG_OP_KIND_COUNT:
		break;
	}
	return 0;
}

static bool is_first_of_gpu(const struct mig_plan *plan, unsigned int number)
{
	for (unsigned int i = 0; i < number; i++) {
		if (strcmp(plan->ops[i].gpu_uuid, plan->ops[number].gpu_uuid) == 0)
			return false;
	}
	return true;
}

/*
 * Where the row of operations begins that ends with `last` and destroys compute instances of one
 * GPU instance. They come back in the order in which they went, which is that of their ids: drivers
 * give the lowest free one, and ids and MIG device indices shall be as before, too.
 */
static unsigned int row_begin(const struct mig_plan *plan, unsigned int last)
{
	const struct mig_op *op = &plan->ops[last];
	unsigned int first = last;

	while (op->kind == MIG_OP_CI_DESTROY && first > 0 &&
	       plan->ops[first - 1].kind == MIG_OP_CI_DESTROY &&
	       plan->ops[first - 1].gi_start == op->gi_start &&
	       strcmp(plan->ops[first - 1].gpu_uuid, op->gpu_uuid) == 0)
		first--;
	return first;
}

static int invert_row(struct inversion *inv, const struct mig_gpu *gpu, unsigned int first,
		      unsigned int last)
{
	for (unsigned int i = first; i <= last; i++) {
		const struct mig_op *op = &inv->plan->ops[i];

		if (strcmp(op->gpu_uuid, gpu->uuid) != 0 ||
		    (inv->is_begun != NULL && !inv->is_begun[i]))
			continue;
		if (invert_op(inv, gpu, op) < 0)
			return -1;
	}
	return 0;
}

static int invert_gpu(struct inversion *inv, const char *uuid)
{
	const struct mig_gpu *gpu = mig_snapshot_gpu(inv->now, uuid);
	struct mig_plan_gpu *pg;

	if (gpu == NULL || gpu->is_lost || gpu->facts == NULL)
		return 0;
	pg = &inv->back->gpus[inv->back->gpu_count++];
	pg->gpu_index = (unsigned int)(gpu - inv->now->gpus);
	pg->first_op = inv->back->op_count;
	mig_text_copy(pg->gpu_uuid, sizeof(pg->gpu_uuid), uuid);
	for (unsigned int end = inv->plan->op_count; end > 0;) {
		unsigned int first = row_begin(inv->plan, end - 1);

		if (invert_row(inv, gpu, first, end - 1) < 0)
			return -1;
		end = first;
	}
	pg->op_count = inv->back->op_count - pg->first_op;
	return 0;
}

int mig_plan_invert(const struct mig_plan *plan, const bool *is_begun,
		    const struct mig_saved_layout *before, const struct mig_snapshot *now,
		    struct mig_plan **out, struct mig_error **err)
{
	_cleanup_plan_ struct mig_plan *back = calloc(1, sizeof(*back));
	struct inversion inv = {plan, is_begun, before, now, back};

	if (back != NULL)
		back->gpus = calloc((size_t)plan->op_count + 1, sizeof(*back->gpus));
	if (back == NULL || back->gpus == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	back->is_optimal = true;
	for (unsigned int i = 0; i < plan->op_count; i++) {
		if (is_first_of_gpu(plan, i) && invert_gpu(&inv, plan->ops[i].gpu_uuid) < 0)
			return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	}
	*out = MIG_TAKE_PTR(back);
	return 0;
}
