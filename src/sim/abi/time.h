/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes that take the time which the node's description says. The clock can be another one in
 * tests; it is the real one in every product.
 */
#pragma once

#include "sim/abi/lookup.h"

/*
 * mig_abi_change for an operation that costs time. What would be refused is refused at once and
 * costs nothing. What would succeed reserves its time behind the operations before it on this GPU
 * (on a serial node: on all GPUs), sleeps until that is over with nothing locked and signals
 * handled, and is then done on the state as it is by then; another process may have made it
 * impossible meanwhile. `apply` is called twice, the first time on a copy. Keeps errno.
 */
nvmlReturn_t mig_abi_change_timed(const struct mig_abi_gpu *gpu, enum mig_sim_operation operation,
				  mig_abi_change_fn apply, void *cookie);

/* Nanoseconds of CLOCK_BOOTTIME, and sleeping until such a point (shared/clock.h). */
struct mig_abi_clock {
	uint64_t (*now_ns)(void);
	void (*sleep_until_ns)(uint64_t end_ns);
};

/* Set by tests only, before the first call. */
extern struct mig_abi_clock mig_abi_clock;
