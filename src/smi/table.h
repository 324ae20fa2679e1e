/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The default table, in its parts: GPUs, MIG devices, processes.
 */
#pragma once

#include "smi/smi.h"

/* A MIG device of a GPU. */
struct mig_smi_device {
	nvmlDevice_t device;
};

/* What is known of one selected GPU; made by the table of GPUs, used by the others. */
struct mig_smi_device_set {
	nvmlDevice_t gpu;
	nvmlReturn_t index_code;
	unsigned int index;
	bool has_mig; /* its MIG mode is on */
	struct mig_smi_device *devices;
	unsigned int count;
};

/* Prints the rows of one GPU and fills its set, but for the devices. */
void mig_smi_print_gpu(const struct mig_smi *smi, nvmlDevice_t gpu, struct mig_smi_device_set *set);

/* Prints the block of MIG devices of all sets. */
void mig_smi_print_mig_devices(const struct mig_smi *smi, const struct mig_smi_device_set *sets);
