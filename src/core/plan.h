/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan: the ordered operations that lead from a snapshot to a target. A plan is data: the same
 * array is printed, stored, executed and inverted. Operations are keyed by GPU UUID and placement,
 * never by an index or a GPU instance id, which may change on the way.
 *
 * Per GPU the order is: compute instances destroyed, GPU instances destroyed, mode change, GPU
 * instances created (largest first) each with its compute instances. GPUs follow each other in
 * index order.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/layout.h"
#include "core/model.h"
#include "core/target.h"
#include "shared/buf.h"

enum mig_op_kind {
	MIG_OP_CI_DESTROY,
	MIG_OP_GI_DESTROY,
	MIG_OP_MODE_SET,
	MIG_OP_GI_CREATE,
	MIG_OP_CI_CREATE,
	MIG_OP_KIND_COUNT,
};

/* One operation. What is destroyed is described as fully as what is created, so that each
 * operation can be turned round. */
struct mig_op {
	enum mig_op_kind kind;
	char gpu_uuid[MIG_UUID_SIZE];
	unsigned int gpu_index; /* for messages only */

	/* MODE_SET; of the others the mode that the GPU has when the plan begins */
	bool mode_before;
	bool mode_pending_before; /* differs from mode_before where a change waits for a reset */
	bool mode_after;
	bool stays_pending; /* MODE_SET: the change is to wait for a reset, as it did before */

	/* the GPU instance: of GI_* itself, of CI_* the one it lies in */
	unsigned int gi_profile_index; /* NVML_GPU_INSTANCE_PROFILE_* */
	unsigned int gi_profile_id;
	char gi_profile_name[MIG_PROFILE_NAME_SIZE];
	unsigned int gi_start;
	unsigned int gi_size;

	/* CI_* */
	unsigned int ci_profile_index;
	unsigned int ci_profile_id;
	char ci_profile_name[MIG_PROFILE_NAME_SIZE];
	unsigned int ci_start;
	unsigned int ci_size;
	bool ci_is_verified; /* NVML itself listed this CI profile and placement */

	/* CI_CREATE: the MIG UUID this position had before, "" if not known; CI_DESTROY: the UUID of
	 * what goes. */
	char expected_uuid[MIG_UUID_SIZE];
};

struct mig_plan_gpu {
	unsigned int gpu_index; /* position in the snapshot */
	char gpu_uuid[MIG_UUID_SIZE];
	bool mode_changes;
	unsigned int first_op, op_count;
	unsigned int kept_gi, kept_ci, destroyed_gi, destroyed_ci, created_gi, created_ci;
	/* Compute instances in the way that somebody holds; of a blocked GPU those that would have
	 * to go at the least (0 where only another GPU that shares the totals is in the way). */
	unsigned int held_destroyed;
	bool is_blocked; /* keep-in-use: cannot be reached with what is held; no operations */
};

struct mig_plan {
	unsigned int gpu_count; /* GPUs that the target names */
	struct mig_plan_gpu *gpus;
	unsigned int op_count;
	struct mig_op *ops;
	size_t ops_allocated;
	/*
	 * What no plan for this target undercuts: none destroys fewer held compute instances than
	 * the first, and none of those that destroy no more held ones than this plan destroys fewer
	 * GPU instances than the second. Both are sums over gpus[] of what this plan does (or, of
	 * blocked GPUs, would have to) when is_optimal. It is not where the search for totals was
	 * ended by its budget of steps, as can happen beyond eight GPUs.
	 */
	bool is_optimal;
	unsigned int held_destroyed_bound;
	unsigned int gi_destroyed_bound;
};

/*
 * Makes the plan. Returns 0, or -1 with *err (REFUSED: a GPU's set is impossible; the message
 * names the GPU). A plan without operations means that nothing has to change.
 */
int mig_plan_make(const struct mig_snapshot *snapshot, const struct mig_target *target,
		  struct mig_plan **out, struct mig_error **err) MIG_MUST_CHECK;
void mig_plan_free(struct mig_plan *plan);

static inline void mig_cleanup_plan(struct mig_plan **plan)
{
	mig_plan_free(*plan);
}
#define _cleanup_plan_ _cleanup_(mig_cleanup_plan)

/* One line for people: "GPU 0: create GPU instance 3g.20gb at 4:4". */
int mig_op_describe(const struct mig_op *op, struct mig_buf *buf);
