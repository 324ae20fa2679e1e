/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processes of a GPU or MIG device, by NVML's public calls, and the memory of either.
 */
#pragma once

#include <stddef.h>

#include "smi/smi.h"

#define MIG_SMI_PROCESS_NAME_SIZE 2048

enum mig_smi_list {
	MIG_SMI_LIST_COMPUTE = 1,
	MIG_SMI_LIST_ALL = 3, /* MPS and graphics too */
};

struct mig_smi_process {
	unsigned int pid;
	const char *type; /* "C", "G", "M+C", "C+G" */
	unsigned long long memory;
	unsigned int gi_id;
	unsigned int ci_id;
};

struct mig_smi_processes {
	struct mig_smi_process *rows;
	size_t count;
	size_t allocated;
};

/* Adds the processes of a device. The answer of the list of compute processes is returned. */
nvmlReturn_t mig_smi_processes_read(const struct mig_smi *smi, nvmlDevice_t device,
				    enum mig_smi_list which, struct mig_smi_processes *processes);
void mig_smi_processes_clear(struct mig_smi_processes *processes);

/* Prints the table of the processes of the selected GPUs, up to one whose index is not known: the
 * table is then not finished, and the code is returned. */
struct mig_smi_device_set;
nvmlReturn_t mig_smi_print_processes(const struct mig_smi *smi,
				     const struct mig_smi_device_set *sets);

/* Version 2 of the call, else the first one (470). */
nvmlReturn_t mig_smi_memory(const struct mig_smi *smi, nvmlDevice_t device,
			    nvmlMemory_v2_t *memory);
