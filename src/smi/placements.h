/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a profile can be placed, and placements that people write ("9:4").
 */
#pragma once

#include "smi/profiles.h"

struct mig_smi_placements {
	nvmlGpuInstancePlacement_t rows[MIG_SMI_PLACEMENTS_MAX];
	unsigned int count;
};

nvmlReturn_t mig_smi_gi_placements(const struct mig_smi *smi, nvmlDevice_t gpu, unsigned int id,
				   struct mig_smi_placements *placements);
nvmlReturn_t mig_smi_ci_placements(const struct mig_smi *smi, nvmlGpuInstance_t gi, unsigned int id,
				   struct mig_smi_placements *placements);

/* The placement that begins at `start`; NULL if there is none. */
const nvmlGpuInstancePlacement_t *mig_smi_placement_at(const struct mig_smi_placements *placements,
						       unsigned int start);
