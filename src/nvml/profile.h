/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What NVML says of one profile, in the newest form that all who ask need. A driver before 535 has
 * only the first version of these calls, which gives no name; what a name is made of then is up to
 * who asks. Knows no GPU tables.
 */
#pragma once

#include "nvml/driver.h"

/*
 * The GPU instance profile with this index (NVML_GPU_INSTANCE_PROFILE_*), into *info, which is
 * zeroed first. Its name is "" from the first version of the call: where mig_driver_has does not
 * have MIG_NVML_SYM_nvmlDeviceGetGpuInstanceProfileInfoV. Returns NVML's code as it is.
 */
nvmlReturn_t mig_nvml_gi_profile(const struct mig_driver *driver, nvmlDevice_t device,
				 unsigned int index, nvmlGpuInstanceProfileInfo_v2_t *info);

/*
 * The same for a compute instance profile (NVML_COMPUTE_INSTANCE_PROFILE_*, with shared engines) of
 * a living GPU instance; the symbol is
 * MIG_NVML_SYM_nvmlGpuInstanceGetComputeInstanceProfileInfoV.
 */
nvmlReturn_t mig_nvml_ci_profile(const struct mig_driver *driver, nvmlGpuInstance_t instance,
				 unsigned int index, nvmlComputeInstanceProfileInfo_v2_t *info);
