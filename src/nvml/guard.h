/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening the driver that the environment means, and no other: what every program of ours does
 * before its first NVML call. A simulated node must never be taken for the machine, nor the machine
 * for a node.
 */
#pragma once

#include "nvml/driver.h"

/* What the environment says, and what was opened by it. */
struct mig_driver_guard {
	struct mig_driver *driver;
	char *host_root;  /* "": this machine */
	const char *node; /* MIGSIM_NODE; NULL when it is not set. Of the environment. */
	const struct mig_sim_identity *identity; /* of a simulated driver; else NULL */
};

/*
 * Opens the library (with the counter of nvml/trace.h, if the environment asks for it) and refuses a
 * mixture of simulated and real that can be seen before Init. Returns 0, or -1 with *err: NO_DRIVER
 * when there is no library, CONFIG, REFUSED, NO_MEMORY. To be cleared in any case.
 */
int mig_driver_guard_open(struct mig_driver_guard *guard, struct mig_error **err) MIG_MUST_CHECK;

/*
 * nvmlInit, between the two looks at who the driver is: before it, because it would wake real GPUs
 * up, and after it. *code gets its answer, which is no error here. Returns 0, or -1 with *err when
 * the driver is not the one that is meant (*code is then SUCCESS only if Init was called).
 */
int mig_driver_guard_init(struct mig_driver_guard *guard, nvmlReturn_t *code,
			  struct mig_error **err) MIG_MUST_CHECK;

/* Closes the driver (as mig_driver_close) and frees. */
int mig_driver_guard_clear(struct mig_driver_guard *guard);
