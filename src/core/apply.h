/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Executes a plan through NVML, operation by operation, and records the outcome of each.
 *
 * Stops at the first operation that fails; what was done stays done and is reported. A GPU whose
 * mode change stays pending is left there and the others go on; that is an error at the end. Kept
 * instances are never touched. Holders are checked before the first change.
 */
#pragma once

#include "core/context.h"
#include "core/plan.h"

enum mig_op_outcome {
	MIG_OP_NOT_STARTED,
	MIG_OP_DONE,
	MIG_OP_PENDING, /* mode change accepted, in force after a GPU reset or reboot */
	MIG_OP_FAILED,
	MIG_OP_OUTCOME_COUNT,
};

struct mig_op_result {
	enum mig_op_outcome outcome;
	int nvml_code; /* of the failed call; PENDING: the activation status; else NONE */
	char uuid[MIG_UUID_SIZE]; /* CI_CREATE: the new MIG UUID, "" if it could not be read */
};

/* Told after each operation; may be NULL. */
typedef void (*mig_apply_progress_fn)(void *cookie, const struct mig_plan *plan,
				      unsigned int op_number, const struct mig_op_result *result);

/*
 * Executes the plan made from `snapshot`. `results` has plan->op_count entries and is filled in
 * also on failure. Returns 0, or -1 with *err: IN_USE (nothing changed yet), NO_PERMISSION, DRIVER,
 * …; mig_error_changed(*err) is PARTIAL once an operation was done.
 */
int mig_apply_execute(const struct mig_context *ctx, const struct mig_snapshot *snapshot,
		      const struct mig_plan *plan, struct mig_op_result *results,
		      mig_apply_progress_fn progress, void *cookie,
		      struct mig_error **err) MIG_MUST_CHECK;
