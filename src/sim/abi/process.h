/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may see the processes of a device: shared by the public process lists and by the slots of
 * the export table. There is nobody to list yet.
 */
#pragma once

#include "nvml/nvml_abi.h"

/* SUCCESS when the caller may list the processes of this GPU or MIG device. */
nvmlReturn_t mig_abi_check_process_access(nvmlDevice_t device);
