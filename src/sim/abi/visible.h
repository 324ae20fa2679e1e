/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which MIG devices a process sees: all, or (visibility "devfs" of the node) those whose capability
 * nodes it may open. Looked at in each call, because nodes come and go. Thread-safe; keeps errno.
 */
#pragma once

#include "sim/abi/lookup.h"

/* Whether the process sees the MIG device of this compute instance. */
bool mig_abi_is_visible(const struct mig_abi_gpu *gpu, unsigned int gi_id, unsigned int ci_id);

/* As mig_sim_device_at and mig_sim_device_index, among the MIG devices that the process sees. */
bool mig_abi_visible_at(const struct mig_abi_gpu *gpu, const struct mig_sim_gpu_state *state,
			unsigned int index, unsigned int *gi_id, unsigned int *ci_id);
unsigned int mig_abi_visible_index(const struct mig_abi_gpu *gpu,
				   const struct mig_sim_gpu_state *state, unsigned int gi_id,
				   unsigned int ci_id);
