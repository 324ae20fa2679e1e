/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exported NVML ABI of the simulated driver: what its files share.
 *
 * The one mutable global of the library is the context behind its lock: a count of Inits, the
 * opened store, and nothing else. Handles are range-checked pointers into static tables, so that
 * any pointer a hostile caller passes is answered and never followed. Code here assumes any
 * thread, a fork at any time, tiny stacks, null pointers and wrong structure versions; it prints
 * nothing, never exits, keeps errno, and leaves no thread, descriptor or handler behind.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "nvml/nvml_abi.h"
#include "sim/abi/nvml_impl.h" /* generated: nvmlFoo below is mig_impl_nvmlFoo */
#include "sim/engine/engine.h"
#include "sim/store/store.h"

/* Begins the definition of a function that is exported. What it defines lies behind a generated
 * door (abi/door.h), which is what clients call; only nvmlErrorString has none. */
#define MIG_EXPORT __attribute__((visibility("default")))

/* ---- abi/context.c ---------------------------------------------------------------------------- */

/* NULL while the library is not initialised (or the process is between Init and Shutdown calls of
 * a failed start). The pointer stays valid for the call: Shutdown only counts down; the map of the
 * last Init is released when no call can be inside (see context.c). */
struct mig_sim_store *mig_abi_store(void);

/* UNINITIALIZED or NOT_SUPPORTED: the answer of everything that is exported and not simulated. */
nvmlReturn_t mig_abi_stub(void);

/* Whether this process is the node's administrator (root, the owner; not with
 * MIGSIM_UNPRIVILEGED set). */
bool mig_abi_is_admin(const struct mig_sim_store *store);

/* Maps a store status to the NVML code (DESIGN: DRIVER_NOT_LOADED, NO_PERMISSION, …). */
nvmlReturn_t mig_abi_status_code(enum mig_sim_status status);

/* ---- abi/handles.c ---------------------------------------------------------------------------- */

enum mig_handle_kind {
	MIG_HANDLE_NONE, /* not one of ours */
	MIG_HANDLE_GPU,
	MIG_HANDLE_MIG_DEVICE,
	MIG_HANDLE_GI,
	MIG_HANDLE_CI,
};

struct mig_handle_ref {
	enum mig_handle_kind kind;
	unsigned int gpu_index;
	unsigned int gi_id;
	unsigned int ci_id;
};

/* Decode by arithmetic alone; nothing is dereferenced. */
struct mig_handle_ref mig_handle_decode(const void *handle);
nvmlDevice_t mig_handle_gpu(unsigned int gpu_index);
nvmlDevice_t mig_handle_device(unsigned int gpu_index, unsigned int gi_id, unsigned int ci_id);
nvmlGpuInstance_t mig_handle_gi(unsigned int gpu_index, unsigned int gi_id);
nvmlComputeInstance_t mig_handle_ci(unsigned int gpu_index, unsigned int gi_id, unsigned int ci_id);
