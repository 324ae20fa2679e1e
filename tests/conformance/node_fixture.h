/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the C tests of the library begin with: a node in the test's directory, and Init on it.
 */
#pragma once

#include "nvml/symbols.h"
#include "tests/conformance/make_node.h"
#include "tests/harness/test.h"

/* Makes a node below the test's directory and sets MIGSIM_NODE to it. Returns its path. */
const char *fixture_node(const char *name, const char *gpus,
			 const struct make_node_options *options);

/* fixture_node("node", …) and nvmlInit_v2. */
void fixture_start(const char *gpus, const struct make_node_options *options);

nvmlDevice_t fixture_gpu(unsigned int index);

/* Turns MIG on; the change must be in force at once. */
void fixture_mig_on(nvmlDevice_t gpu);

/* Creates a GPU instance by profile id at `start`. */
nvmlGpuInstance_t fixture_gi(nvmlDevice_t gpu, unsigned int profile_id, unsigned int start,
			     unsigned int size);
nvmlComputeInstance_t fixture_ci(nvmlGpuInstance_t gi, unsigned int profile_id);

/* The code and its name, for readable failures. */
#define ASSERT_CODE(call, want) MIG_ASSERT_INT_EQ((call), (want))
#define ASSERT_OK(call)		ASSERT_CODE(call, NVML_SUCCESS)
