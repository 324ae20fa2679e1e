/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reset port: the one operation that NVML does not have. A program does it, by default the
 * vendor's `nvidia-smi -r -i GPU,…`; whether it came into force is then read through NVML.
 *
 * NVML keeps the GPUs open, and a GPU that somebody has open is not reset: NVML is shut down while
 * the program runs. Every handle is void afterwards; mig_reset_gpus gets those of the GPUs anew.
 */
#pragma once

#include "core/context.h"
#include "core/model.h"
#include "shared/error.h"

struct mig_reset_port {
	void *cookie;
	/* Resets exactly these GPUs (UUIDs). Returns 0, or -1 with *err. NVML is shut down. An
	 * interruption of the context ends it. */
	int (*reset)(void *cookie, const struct mig_context *ctx, const char *const *gpu_uuids,
		     unsigned int count, struct mig_error **err);
};

/* Runs the program that `cookie` names (a `const char *`; NULL: MIG_RESET_PROGRAM) with
 * `-r -i UUID,…`. */
extern const struct mig_reset_port mig_reset_by_program;

#define MIG_RESET_PROGRAM     "nvidia-smi"
#define MIG_RESET_PROGRAM_ENV "MIGCTL_RESET_PROGRAM" /* read with secure_getenv by the command */

/*
 * Resets the GPUs at these positions of the snapshot and gives all GPUs of it their new handles; the
 * instance handles in it are void. Returns 0, or -1 with *err (DRIVER when NVML cannot be started
 * again or a GPU is not found any more).
 */
int mig_reset_gpus(const struct mig_context *ctx, struct mig_snapshot *snapshot,
		   const unsigned int *positions, unsigned int count,
		   struct mig_error **err) MIG_MUST_CHECK;
