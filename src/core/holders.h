/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who holds an instance. Each provider knows one kind of holder; a provider that should answer and
 * cannot is an error, never an empty list. Processes by NVML are the first kind.
 */
#pragma once

#include "core/model.h"
#include "shared/buf.h"

struct mig_holder_provider {
	const char *name; /* "process" */
	/* Adds to the compute instances of `gpu` who holds them (mig_holder_add), and to the GPU who
	 * uses it as a whole (mig_holder_add_to_gpu). */
	int (*find)(const struct mig_context *ctx, struct mig_gpu *gpu, struct mig_error **err);
};

/* Processes as NVML lists them (compute, graphics and MPS), with user and command from the initial
 * procfs when they can be read. */
extern const struct mig_holder_provider mig_holder_processes;

/* Appends "process 12 (python of ann)", escaped for a terminal, after ", " if there is something. */
void mig_holder_describe(const struct mig_holder *holder, struct mig_buf *out);

/* Appends so the processes that use the GPU itself and no instance of it; nothing if there are none
 * or the driver does not say. Keeps the words of a failure from becoming another failure. */
void mig_holders_of_gpu(const struct mig_context *ctx, const struct mig_gpu *gpu,
			struct mig_buf *out);

/* Appends a copy of `holder` to `ci`. Returns 0, or -1 with *err (no memory). */
int mig_holder_add(struct mig_compute_instance *ci, const struct mig_holder *holder,
		   struct mig_error **err) MIG_MUST_CHECK;

/* The same for a GPU that is used as a whole. */
int mig_holder_add_to_gpu(struct mig_gpu *gpu, const struct mig_holder *holder,
			  struct mig_error **err) MIG_MUST_CHECK;
