/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profiles come in one form, whichever version of the calls a driver has.
 */
#include "nvml/profile.h"

#include "tests/harness/test.h"
#include "tests/unit/fake_driver.h"

MIG_TEST(profile_of_an_old_driver_lacks_only_the_name)
{
	struct fake_driver *fake = fake_new();
	struct fake_gpu *gpu = fake_add_a100(fake);
	nvmlGpuInstance_t instance = (nvmlGpuInstance_t)fake_put_gi(gpu, "3g.20gb", 4);
	nvmlGpuInstanceProfileInfo_v2_t gi, old_gi;
	nvmlComputeInstanceProfileInfo_v2_t ci, old_ci;

	MIG_ASSERT_INT_EQ(mig_nvml_gi_profile(&fake->driver, (nvmlDevice_t)gpu,
					      NVML_GPU_INSTANCE_PROFILE_3_SLICE, &gi),
			  NVML_SUCCESS);
	MIG_ASSERT_INT_EQ(mig_nvml_ci_profile(&fake->driver, instance,
					      NVML_COMPUTE_INSTANCE_PROFILE_1_SLICE, &ci),
			  NVML_SUCCESS);
	MIG_ASSERT_STR_EQ(gi.name, "MIG 3g.20gb");
	MIG_ASSERT_STR_EQ(ci.name, "MIG 1c.3g.20gb");
	fake_make_470(fake);
	MIG_ASSERT_INT_EQ(mig_nvml_gi_profile(&fake->driver, (nvmlDevice_t)gpu,
					      NVML_GPU_INSTANCE_PROFILE_3_SLICE, &old_gi),
			  NVML_SUCCESS);
	MIG_ASSERT_INT_EQ(mig_nvml_ci_profile(&fake->driver, instance,
					      NVML_COMPUTE_INSTANCE_PROFILE_1_SLICE, &old_ci),
			  NVML_SUCCESS);
	MIG_ASSERT_STR_EQ(old_gi.name, "");
	MIG_ASSERT_STR_EQ(old_ci.name, "");
	MIG_ASSERT_UINT_EQ(old_gi.id, gi.id);
	MIG_ASSERT_UINT_EQ(old_gi.sliceCount, 3);
	MIG_ASSERT_UINT_EQ(old_gi.instanceCount, gi.instanceCount);
	MIG_ASSERT_UINT_EQ(old_gi.multiprocessorCount, gi.multiprocessorCount);
	MIG_ASSERT_UINT_EQ(old_gi.memorySizeMB, gi.memorySizeMB);
	MIG_ASSERT_UINT_EQ(old_ci.id, ci.id);
	MIG_ASSERT_UINT_EQ(old_ci.sliceCount, 1);
	MIG_ASSERT_UINT_EQ(old_ci.instanceCount, ci.instanceCount);
	fake_free(fake);
}

MIG_TEST(profile_passes_the_code_on)
{
	struct fake_driver *fake = fake_new();
	nvmlDevice_t device = (nvmlDevice_t)fake_add_a100(fake);
	nvmlGpuInstanceProfileInfo_v2_t info;

	for (int round = 0; round < 2; round++) {
		MIG_ASSERT_INT_EQ(mig_nvml_gi_profile(&fake->driver, device,
						      NVML_GPU_INSTANCE_PROFILE_8_SLICE, &info),
				  NVML_ERROR_NOT_SUPPORTED);
		MIG_ASSERT_INT_EQ(mig_nvml_gi_profile(&fake->driver, device, 9999, &info),
				  NVML_ERROR_INVALID_ARGUMENT);
		MIG_ASSERT_UINT_EQ(info.id, 0);
		MIG_ASSERT_STR_EQ(info.name, "");
		fake_make_470(fake);
	}
	fake_free(fake);
}
