/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a person names a GPU other than by index: a UUID or the beginning of one ("GPU-2c05f3a1"), or
 * a PCI address with or without domain ("0000:10:00.0", "10:00.0"). Case does not matter.
 */
#pragma once

#include <stdbool.h>

#include "config/config.h"
#include "core/model.h"

/* Which of the two the text is; MIG_CONFIG_GPU_INDEX: neither. */
enum mig_config_gpu_kind mig_gpu_name_kind(const char *text);

/* Whether the GPU with this UUID and PCI address, as NVML has them, is meant. */
bool mig_gpu_name_matches(const struct mig_config_gpu *name, const char *uuid,
			  const char *pci_address);

/*
 * How many GPUs of the node are meant; *at is the position of the last of them. A UUID that is whole
 * means one GPU, also if it is the beginning of another. Lost GPUs have neither UUID nor address.
 */
unsigned int mig_gpu_name_find(const struct mig_config_gpu *name,
			       const struct mig_snapshot *snapshot, unsigned int *at);
