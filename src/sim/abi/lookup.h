/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a handle to what it means now, and from an answer to the caller's memory.
 *
 * Each look-up first answers UNINITIALIZED, then INVALID_ARGUMENT for a handle of the wrong kind
 * or of something that is gone, then GPU_IS_LOST for whatever is on a GPU that has fallen off the
 * bus; so a function that begins with one and then looks at its other
 * arguments keeps the order in which NVML complains. What an instance or MIG device is, is read
 * from the shared state in each call; nothing is remembered between calls. Thread-safe.
 */
#pragma once

#include "sim/abi/abi.h"

/* A GPU of the node that is served. */
struct mig_abi_gpu {
	struct mig_sim_store *store;
	unsigned int gpu_index;
	struct mig_sim_gpu facts;
};

/* A GPU, or a MIG device that exists, with the state that was looked at. */
struct mig_abi_device {
	struct mig_abi_gpu gpu;
	bool is_mig;
	unsigned int gi_id; /* with ci_id and the profiles: MIG devices only */
	unsigned int ci_id;
	const struct mig_table_gi_profile *gi_profile;
	const struct mig_table_ci_profile *ci_profile;
	struct mig_sim_gpu_state state;
};

/* A GPU instance or compute instance that exists. */
struct mig_abi_instance {
	struct mig_abi_gpu gpu;
	unsigned int gi_id;
	unsigned int ci_id; /* compute instances only */
	const struct mig_table_gi_profile *gi_profile;
	const struct mig_table_ci_profile *ci_profile; /* compute instances only */
	struct mig_sim_gpu_state state;
};

/* A GPU handle; a MIG device is INVALID_ARGUMENT. */
nvmlReturn_t mig_abi_find_gpu(nvmlDevice_t device, struct mig_abi_gpu *out);

/* A GPU or MIG device handle, without reading state: for facts that both share with the GPU. */
nvmlReturn_t mig_abi_find_parent(nvmlDevice_t device, struct mig_abi_gpu *out);

/* A GPU or MIG device handle with the GPU's state. */
nvmlReturn_t mig_abi_find_device(nvmlDevice_t device, struct mig_abi_device *out);

/* An instance handle with the GPU's state. */
nvmlReturn_t mig_abi_find_gi(nvmlGpuInstance_t handle, struct mig_abi_instance *out);
nvmlReturn_t mig_abi_find_ci(nvmlComputeInstance_t handle, struct mig_abi_instance *out);

/* The GPU of the store with this index, which must be below gpu_count. UNKNOWN if the node's
 * description cannot be true. */
nvmlReturn_t mig_abi_gpu_at(struct mig_sim_store *store, unsigned int gpu_index,
			    struct mig_abi_gpu *out);

/* Profiles of instances in a state; NULL for a row that is not in the table. */
const struct mig_table_gi_profile *mig_abi_gi_profile(const struct mig_abi_gpu *gpu,
						      const struct mig_sim_gi *gi);
const struct mig_table_ci_profile *mig_abi_ci_profile(const struct mig_table_gi_profile *gi_profile,
						      const struct mig_sim_ci *ci);

/* The row of a GPU instance profile id. INVALID_ARGUMENT: not this GPU's, or its index is none that
 * this driver branch knows. */
nvmlReturn_t mig_abi_find_gi_row(const struct mig_abi_gpu *gpu, unsigned int profile_id,
				 unsigned int *row);

/* The current MIG mode of a GPU, from one byte of the shared state. */
bool mig_abi_is_mig_on(const struct mig_abi_gpu *gpu);

/* A number of the tables for a structure field that must hold something: 0 if it is not known. */
static inline unsigned int mig_abi_known(uint32_t value)
{
	return value == MIG_TABLE_UNKNOWN ? 0 : value;
}

/* Copies text with its NUL. INVALID_ARGUMENT: `to` is NULL; INSUFFICIENT_SIZE: nothing written. */
nvmlReturn_t mig_abi_put_text(char *to, unsigned int length, const char *text);

/* Copies into a fixed array of a structure; what is left of it becomes zero, the last byte too. */
void mig_abi_fill_text(char *to, size_t size, const char *text);

/*
 * One change of a GPU's state: takes the write lock, calls `apply` on the GPU's newest state and
 * publishes if it answers SUCCESS. Returns that answer, or what went wrong with the store. Keeps
 * errno. `node` is what that GPU is part of, for looking only. `apply` sees a state that others may
 * have changed since the caller's look-up.
 */
typedef nvmlReturn_t (*mig_abi_change_fn)(void *cookie, const struct mig_abi_gpu *gpu,
					  struct mig_sim_gpu_state *state,
					  const struct mig_sim_state *node);
nvmlReturn_t mig_abi_change(const struct mig_abi_gpu *gpu, mig_abi_change_fn apply, void *cookie);

/* mig_sim_store_update as an NVML code: SUCCESS if something was written, *unchanged (set by
 * `change`) if nothing was to be, else what went wrong with the store, whose words are kept for
 * migctl. Keeps errno. */
nvmlReturn_t mig_abi_update(struct mig_sim_store *store, mig_sim_change_fn change, void *cookie,
			    const nvmlReturn_t *unchanged);

/* A parsed PCI address. */
struct mig_abi_pci_address {
	unsigned int domain;
	unsigned int bus;
	unsigned int device;
	unsigned int function;
};

/* "[domain:]bus:device[.function]", hexadecimal digits of either case. False: not an address.
 * Keeps errno. */
bool mig_abi_parse_pci_address(const char *text, struct mig_abi_pci_address *out);
