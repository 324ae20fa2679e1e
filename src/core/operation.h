/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Executing one operation of a plan through NVML, and what came of it.
 *
 * The live handle is looked up by placement each time. Facts that did not come from NVML are held
 * against it before the first instance is made from them. Must not know the other operations' state
 * or order: that is core/apply.h.
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

/* For people and documents: "not done", "done", "pending", "failed". A static string. */
const char *mig_op_outcome_word(enum mig_op_outcome outcome);

struct mig_op_result {
	enum mig_op_outcome outcome;
	int nvml_code; /* of the failed call; PENDING: the activation status; else NONE */
	char uuid[MIG_UUID_SIZE]; /* CI_CREATE: the new MIG UUID, "" if it could not be read */
	uint64_t duration_ns;	  /* by the context's clock */
};

/*
 * Executes operation `op_number` on `gpu` (NULL: it is not on this node). A change that the driver
 * refuses as in use is tried again as often as the context says, with growing pauses. *is_changed
 * becomes true once the driver has accepted a change. Returns 0, or -1 with *err. Thread-safe for
 * different GPUs.
 */
int mig_operation_execute(const struct mig_context *ctx, const struct mig_gpu *gpu,
			  const struct mig_plan *plan, unsigned int op_number,
			  struct mig_op_result *result, bool *is_changed,
			  struct mig_error **err) MIG_MUST_CHECK;

/*
 * After a mode change to on came into force late, by a reset: whether the facts that the plan was
 * made from hold, as mig_operation_execute checks where it comes into force at once. Turns the mode
 * back if not. Returns 0, or -1 with *err.
 */
int mig_operation_verify_facts(const struct mig_context *ctx, const struct mig_gpu *gpu,
			       const struct mig_plan *plan, unsigned int op_number,
			       struct mig_op_result *result, struct mig_error **err) MIG_MUST_CHECK;
