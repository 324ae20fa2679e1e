/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Executes a plan: GPUs at the same time, each in the plan's own order, and records the outcome of
 * each operation.
 *
 * After the first failure no further operation is begun on any GPU; what was done stays done and is
 * reported. A GPU whose mode change needs a reset gets one, together with the others that need it
 * and after all else is done, if the context has a reset port; without one it stays pending, the
 * other GPUs go on, and that is an error at the end. Kept instances are never touched. Must not know
 * what comes before or after: that is core/transaction.h.
 */
#pragma once

#include "core/context.h"
#include "core/operation.h"
#include "core/plan.h"

enum mig_apply_flags {
	/* Refuse, before the first change, a plan that would destroy what somebody holds. */
	MIG_APPLY_CHECK_HOLDERS = 1 << 0,
	/* What fails on one GPU does not keep the others from being done (a rollback). */
	MIG_APPLY_KEEP_GOING = 1 << 1,
};

/* Told of each operation, by one thread at a time. */
struct mig_apply_observer {
	void *cookie;
	/* Before the first driver call of an operation; -1 with *err: it is not begun. May be NULL. */
	int (*before)(void *cookie, const struct mig_plan *plan, unsigned int op_number,
		      struct mig_error **err);
	/* With the outcome; also when a pending mode change has come into force. May be NULL. */
	void (*after)(void *cookie, const struct mig_plan *plan, unsigned int op_number,
		      const struct mig_op_result *result);
	/* Before the GPUs at these positions of the snapshot are reset; as `before`. May be NULL. */
	int (*before_reset)(void *cookie, const unsigned int *positions, unsigned int count,
			    struct mig_error **err);
};

/*
 * Executes the plan made from `snapshot`, whose handles are renewed by a reset. `results` has
 * plan->op_count entries and is filled in also on failure. Returns 0, or -1 with *err: IN_USE
 * (nothing changed yet), NO_PERMISSION, DRIVER, INTERRUPTED, …; mig_error_changed(*err) is PARTIAL
 * once an operation was done. Where several GPUs fail the error is that of the first one, with the
 * others' words behind it.
 */
int mig_apply_execute(const struct mig_context *ctx, struct mig_snapshot *snapshot,
		      const struct mig_plan *plan, unsigned int flags,
		      const struct mig_apply_observer *observer, struct mig_op_result *results,
		      struct mig_error **err) MIG_MUST_CHECK;
