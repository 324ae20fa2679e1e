/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See node_fixture.h.
 */
#include "tests/conformance/node_fixture.h"

#include <stdlib.h>

#include "sim/abi/sim_env.h"

const char *fixture_node(const char *name, const char *gpus,
			 const struct make_node_options *options)
{
	const char *path = mig_test_path(name);
	char why[MIG_SIM_DETAIL_SIZE] = "";

	MIG_ASSERT_MSG(make_node(path, gpus, options, why) == 0, "make_node: %s", why);
	MIG_ASSERT_INT_EQ(setenv(MIG_SIM_NODE_ENV, path, 1), 0);
	return path;
}

void fixture_start(const char *gpus, const struct make_node_options *options)
{
	fixture_node("node", gpus, options);
	ASSERT_OK(nvmlInit_v2());
}

nvmlDevice_t fixture_gpu(unsigned int index)
{
	nvmlDevice_t gpu = NULL;

	ASSERT_OK(nvmlDeviceGetHandleByIndex_v2(index, &gpu));
	MIG_ASSERT(gpu != NULL);
	return gpu;
}

void fixture_mig_on(nvmlDevice_t gpu)
{
	nvmlReturn_t activation = NVML_ERROR_UNKNOWN;

	ASSERT_OK(nvmlDeviceSetMigMode(gpu, NVML_DEVICE_MIG_ENABLE, &activation));
	MIG_ASSERT_INT_EQ(activation, NVML_SUCCESS);
}

nvmlGpuInstance_t fixture_gi(nvmlDevice_t gpu, unsigned int profile_id, unsigned int start,
			     unsigned int size)
{
	nvmlGpuInstancePlacement_t placement = {.start = start, .size = size};
	nvmlGpuInstance_t gi = NULL;

	ASSERT_OK(nvmlDeviceCreateGpuInstanceWithPlacement(gpu, profile_id, &placement, &gi));
	return gi;
}

nvmlComputeInstance_t fixture_ci(nvmlGpuInstance_t gi, unsigned int profile_id)
{
	nvmlComputeInstance_t ci = NULL;

	ASSERT_OK(nvmlGpuInstanceCreateComputeInstance(gi, profile_id, &ci));
	return ci;
}
