/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The live holders of a device: shared by the public process lists and the slots of the export
 * table, which differ in the form of their entries only, and by what is said of memory.
 *
 * Whether a holder lives is looked up here, in /proc, by these calls alone. Thread-safe; keeps
 * errno.
 */
#pragma once

#include "sim/abi/lookup.h"

enum mig_abi_process_list {
	MIG_ABI_PROCESSES_COMPUTE,
	MIG_ABI_PROCESSES_GRAPHICS,
	MIG_ABI_PROCESSES_MPS, /* nobody runs an MPS server on a simulated GPU: always empty */
	MIG_ABI_PROCESSES_COUNT,
};

/* Writes one holder as entry `index` of the caller's array. */
typedef void (*mig_abi_put_process_fn)(void *entries, unsigned int index,
				       const struct mig_sim_holder *holder);

/*
 * Lists the processes of a GPU (with all its instances) or of a MIG device. *count is how many
 * entries there is room for (with 0 `entries` may be NULL) and gets how many there are.
 * INSUFFICIENT_SIZE: more than there is room for; nothing was written but *count. NO_PERMISSION:
 * MIG is on, and this is the whole GPU, of which only the administrator sees all.
 */
nvmlReturn_t mig_abi_list_processes(nvmlDevice_t device, enum mig_abi_process_list list,
				    unsigned int *count, void *entries, mig_abi_put_process_fn put);

/* An instance id as NVML writes it: 0xFFFFFFFF for none. */
unsigned int mig_abi_instance_id(uint8_t id);

/* Bytes that live holders have of a GPU, or of the GPU instance of a MIG device. */
nvmlReturn_t mig_abi_held_memory(const struct mig_abi_device *device, uint64_t *bytes);
