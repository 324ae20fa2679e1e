/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations take time in two writes: the first one reserves it, the second one, after a sleep
 * outside the lock, makes the change. So two creations on one GPU take twice as long as one, and on
 * two GPUs no longer than one.
 */
#include "sim/abi/time.h"

#include <string.h>

#include "shared/clock.h"

struct mig_abi_clock mig_abi_clock = {
	.now_ns = mig_clock_now_ns,
	.sleep_until_ns = mig_clock_sleep_until_ns,
};

struct reservation {
	const struct mig_abi_gpu *gpu;
	enum mig_sim_operation operation;
	mig_abi_change_fn apply;
	void *cookie;
	nvmlReturn_t code;
	uint64_t end_ns; /* 0: nothing is to be done, so it takes no time */
};

/* Tries the change on a copy, and reserves its time. */
static bool reserve(void *cookie, const struct mig_sim_store *store, struct mig_sim_state *state)
{
	struct reservation *r = cookie;
	struct mig_sim_gpu_state trial = state->gpus[r->gpu->gpu_index];

	r->code = trial.is_lost ? NVML_ERROR_GPU_IS_LOST
				: r->apply(r->cookie, r->gpu, &trial, state);
	if (r->code != NVML_SUCCESS ||
	    memcmp(&trial, &state->gpus[r->gpu->gpu_index], sizeof(trial)) == 0)
		return false;
	r->end_ns = mig_sim_time_reserve(store->node, state, r->gpu->gpu_index, r->operation,
					 mig_abi_clock.now_ns());
	return true;
}

nvmlReturn_t mig_abi_change_timed(const struct mig_abi_gpu *gpu, enum mig_sim_operation operation,
				  mig_abi_change_fn apply, void *cookie)
{
	struct reservation r = {
		.gpu = gpu, .operation = operation, .apply = apply, .cookie = cookie};
	nvmlReturn_t code;

	if (gpu->facts.node->timing_ms[operation] == 0)
		return mig_abi_change(gpu, apply, cookie);
	code = mig_abi_update(gpu->store, reserve, &r, &r.code);
	if (code != NVML_SUCCESS || r.end_ns == 0)
		return code;
	mig_abi_clock.sleep_until_ns(r.end_ns);
	return mig_abi_change(gpu, apply, cookie);
}
