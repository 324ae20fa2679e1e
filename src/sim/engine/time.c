/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long operations take: each GPU does one thing at a time, and a node that is serial does one
 * thing at a time on all of its GPUs together. Reads no clock.
 */
#include "shared/clock.h"
#include "sim/engine/engine.h"

/*
 * The clock begins anew when the real machine is started again, the state does not: what lies
 * further ahead than so many operations on every GPU, one after the other, is of before.
 */
#define BELIEVED_OPERATIONS 2
#define BELIEVED_NS                                                                        \
	(UINT64_C(1) * BELIEVED_OPERATIONS * MIG_SIM_GPUS_MAX * MIG_SIM_OPERATION_MS_MAX * \
	 MIG_CLOCK_NS_PER_MS)

uint64_t mig_sim_time_reserve(const struct mig_sim_node_desc *node, struct mig_sim_state *state,
			      unsigned int gpu_index, enum mig_sim_operation operation,
			      uint64_t now_ns)
{
	uint64_t *busy_until = node->is_serial ? &state->busy_until_ns
					       : &state->gpus[gpu_index].busy_until_ns;
	uint64_t start = now_ns;

	if (*busy_until > now_ns && *busy_until - now_ns <= BELIEVED_NS)
		start = *busy_until;
	*busy_until = start + node->timing_ms[operation] * MIG_CLOCK_NS_PER_MS;
	return *busy_until;
}
