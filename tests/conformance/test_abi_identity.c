/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which device is which: handles by index, UUID and PCI address, names and numbers.
 */
#include <string.h>

#include "tests/conformance/node_fixture.h"

#define GPUS "a100-sxm4-40gb,a30-24gb,t4-16gb"

MIG_TEST(handles_by_index)
{
	nvmlDevice_t gpu = NULL, other = NULL;
	unsigned int count = 0, index = 99, minor = 99;

	fixture_start(GPUS, NULL);
	ASSERT_OK(nvmlDeviceGetCount(&count));
	MIG_ASSERT_UINT_EQ(count, 3);
	for (unsigned int i = 0; i < count; i++) {
		ASSERT_OK(nvmlDeviceGetHandleByIndex_v2(i, &gpu));
		ASSERT_OK(nvmlDeviceGetHandleByIndex(i, &other));
		MIG_ASSERT(gpu == other);
		ASSERT_OK(nvmlDeviceGetIndex(gpu, &index));
		MIG_ASSERT_UINT_EQ(index, i);
		ASSERT_OK(nvmlDeviceGetMinorNumber(gpu, &minor));
		MIG_ASSERT_UINT_EQ(minor, i);
	}
	gpu = NULL;
	ASSERT_CODE(nvmlDeviceGetHandleByIndex_v2(3, &gpu), NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlDeviceGetHandleByIndex_v2(0xffffffff, &gpu), NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlDeviceGetHandleByIndex_v2(0, NULL), NVML_ERROR_INVALID_ARGUMENT);
	MIG_ASSERT(gpu == NULL);
}

MIG_TEST(bad_handles_are_refused)
{
	nvmlDevice_t gpu;
	unsigned int index = 99;
	char *near;

	fixture_start(GPUS, NULL);
	gpu = fixture_gpu(0);
	near = (char *)gpu;
	ASSERT_CODE(nvmlDeviceGetIndex(NULL, &index), NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlDeviceGetIndex((nvmlDevice_t)(void *)1, &index),
		    NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlDeviceGetIndex((nvmlDevice_t)(void *)(near + 1), &index),
		    NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlDeviceGetIndex((nvmlDevice_t)(void *)(near - 16), &index),
		    NVML_ERROR_INVALID_ARGUMENT);
	/* The place of a GPU that this node has not, and the other kinds of handle. */
	for (unsigned int i = 3; i < 10000; i++)
		ASSERT_CODE(nvmlDeviceGetIndex((nvmlDevice_t)(void *)(near + 16 * (size_t)i),
					       &index),
			    NVML_ERROR_INVALID_ARGUMENT);
	MIG_ASSERT_UINT_EQ(index, 99);
}

MIG_TEST(handles_by_pci_address)
{
	static const char *const same[] = {"0000:30:00.0", "00000000:30:00.0", "30:00.0",
					   "0:30:0.0",	   "0000:30:00",       "00000000:30:0"};
	static const char *const absent[] = {"0000:31:00.0", "0001:30:00.0", "0000:30:01.0",
					     "0000:30:00.1"};
	static const char *const malformed[] = {"",
						"0000:zz:00.0",
						"0000:30:00.0 ",
						"30",
						"0000:30:00.8",
						"1:2:3:4.0",
						"0000:130:00",
						":30:00.0",
						"0000::00.0",
						"0000:30:20.0",
						"0x0:30:0.0",
						"00000000000000000000000000000000:30:00.0"};
	nvmlDevice_t wanted, gpu;

	fixture_start(GPUS, NULL);
	wanted = fixture_gpu(1);
	for (unsigned int i = 0; i < MIG_ARRAY_SIZE(same); i++) {
		gpu = NULL;
		ASSERT_OK(nvmlDeviceGetHandleByPciBusId_v2(same[i], &gpu));
		MIG_ASSERT_MSG(gpu == wanted, "'%s' is another GPU", same[i]);
		gpu = NULL;
		ASSERT_OK(nvmlDeviceGetHandleByPciBusId(same[i], &gpu));
		MIG_ASSERT(gpu == wanted);
	}
	for (unsigned int i = 0; i < MIG_ARRAY_SIZE(absent); i++)
		MIG_ASSERT_MSG(nvmlDeviceGetHandleByPciBusId_v2(absent[i], &gpu) ==
				       NVML_ERROR_NOT_FOUND,
			       "'%s' was found", absent[i]);
	for (unsigned int i = 0; i < MIG_ARRAY_SIZE(malformed); i++)
		MIG_ASSERT_MSG(nvmlDeviceGetHandleByPciBusId_v2(malformed[i], &gpu) ==
				       NVML_ERROR_INVALID_ARGUMENT,
			       "'%s' was taken", malformed[i]);
	ASSERT_CODE(nvmlDeviceGetHandleByPciBusId_v2(NULL, &gpu), NVML_ERROR_INVALID_ARGUMENT);
}

MIG_TEST(pci_address_letters_of_either_case)
{
	nvmlDevice_t gpu = NULL;
	nvmlPciInfo_t pci;

	/* GPU 7 is at bus 0xf0, GPU 8 in the next domain. */
	fixture_start("9xt4-16gb", NULL);
	ASSERT_OK(nvmlDeviceGetHandleByPciBusId_v2("0000:f0:00.0", &gpu));
	MIG_ASSERT(gpu == fixture_gpu(7));
	ASSERT_OK(nvmlDeviceGetHandleByPciBusId_v2("00000000:F0:00.0", &gpu));
	MIG_ASSERT(gpu == fixture_gpu(7));
	ASSERT_OK(nvmlDeviceGetPciInfo_v3(gpu, &pci));
	MIG_ASSERT_STR_EQ(pci.busId, "00000000:F0:00.0");
	MIG_ASSERT_STR_EQ(pci.busIdLegacy, "0000:F0:00.0");
	ASSERT_OK(nvmlDeviceGetHandleByPciBusId_v2("1:10:0.0", &gpu));
	MIG_ASSERT(gpu == fixture_gpu(8));
}

MIG_TEST(pci_info_in_all_versions)
{
	struct {
		nvmlPciInfo_v1_t v1;
		unsigned char guard1[16];
		nvmlPciInfo_v2_t v2;
		unsigned char guard2[16];
		nvmlPciInfo_t v3;
		unsigned char guard3[16];
	} out;
	nvmlPciInfoExt_t ext = {.version = 0x1000040};
	unsigned char guard[16];
	nvmlDevice_t gpu;

	fixture_start(GPUS, NULL);
	gpu = fixture_gpu(0);
	memset(&out, 0xa5, sizeof(out));
	memset(guard, 0xa5, sizeof(guard));
	ASSERT_OK(nvmlDeviceGetPciInfo(gpu, &out.v1));
	ASSERT_OK(nvmlDeviceGetPciInfo_v2(gpu, &out.v2));
	ASSERT_OK(nvmlDeviceGetPciInfo_v3(gpu, &out.v3));
	ASSERT_OK(nvmlDeviceGetPciInfoExt(gpu, &ext));
	MIG_ASSERT_MEM_EQ(out.guard1, guard, sizeof(guard));
	MIG_ASSERT_MEM_EQ(out.guard2, guard, sizeof(guard));
	MIG_ASSERT_MEM_EQ(out.guard3, guard, sizeof(guard));
	MIG_ASSERT_STR_EQ(out.v1.busId, "0000:10:00.0");
	MIG_ASSERT_STR_EQ(out.v2.busId, "0000:10:00.0");
	MIG_ASSERT_STR_EQ(out.v3.busIdLegacy, "0000:10:00.0");
	MIG_ASSERT_STR_EQ(out.v3.busId, "00000000:10:00.0");
	MIG_ASSERT_STR_EQ(ext.busId, "00000000:10:00.0");
	MIG_ASSERT_UINT_EQ(out.v1.pciDeviceId, 0x20b010de);
	MIG_ASSERT_UINT_EQ(out.v2.pciDeviceId, 0x20b010de);
	MIG_ASSERT_UINT_EQ(out.v3.pciDeviceId, 0x20b010de);
	MIG_ASSERT_UINT_EQ(out.v3.pciSubSystemId, 0x134f10de);
	MIG_ASSERT_UINT_EQ(ext.pciSubSystemId, 0x134f10de);
	MIG_ASSERT_UINT_EQ(out.v3.bus, 0x10);
	MIG_ASSERT_UINT_EQ(ext.baseClass, 3);
	MIG_ASSERT_UINT_EQ(ext.subClass, 2);
	memset(&ext, 0, sizeof(ext));
	ASSERT_CODE(nvmlDeviceGetPciInfoExt(gpu, &ext), NVML_ERROR_ARGUMENT_VERSION_MISMATCH);
	MIG_ASSERT_UINT_EQ(ext.bus, 0);
}

MIG_TEST(handles_by_uuid)
{
	char uuid[96], upper[96];
	nvmlDevice_t gpu = NULL;

	fixture_start(GPUS, NULL);
	ASSERT_OK(nvmlDeviceGetUUID(fixture_gpu(1), uuid, sizeof(uuid)));
	MIG_ASSERT_INT_EQ(strlen(uuid), 40);
	ASSERT_OK(nvmlDeviceGetHandleByUUID(uuid, &gpu));
	MIG_ASSERT(gpu == fixture_gpu(1));
	for (unsigned int i = 0; i <= strlen(uuid); i++)
		upper[i] = (char)(uuid[i] >= 'a' && uuid[i] <= 'f' ? uuid[i] - 32 : uuid[i]);
	ASSERT_OK(nvmlDeviceGetHandleByUUID(upper, &gpu));
	ASSERT_CODE(nvmlDeviceGetHandleByUUID("GPU-00000000-0000-0000-0000-000000000000", &gpu),
		    NVML_ERROR_NOT_FOUND);
	ASSERT_CODE(nvmlDeviceGetHandleByUUID("MIG-00000000-0000-0000-0000-000000000000", &gpu),
		    NVML_ERROR_NOT_FOUND);
	/* A GPU's UUID behind the other prefix is no MIG device's. */
	memcpy(uuid, "MIG-", 4);
	ASSERT_CODE(nvmlDeviceGetHandleByUUID(uuid, &gpu), NVML_ERROR_NOT_FOUND);
	ASSERT_CODE(nvmlDeviceGetHandleByUUID("nonsense", &gpu), NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlDeviceGetHandleByUUID("", &gpu), NVML_ERROR_INVALID_ARGUMENT);
	uuid[20] = '\0';
	ASSERT_CODE(nvmlDeviceGetHandleByUUID(uuid, &gpu), NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlDeviceGetHandleByUUID(NULL, &gpu), NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_CODE(nvmlDeviceGetHandleBySerial("1234", &gpu), NVML_ERROR_NOT_FOUND);
	ASSERT_CODE(nvmlDeviceGetHandleBySerial(NULL, &gpu), NVML_ERROR_INVALID_ARGUMENT);
}

MIG_TEST(mig_device_identity)
{
	char uuid[96], name[96];
	nvmlDevice_t gpu, device = NULL, again = NULL;
	nvmlGpuInstance_t gi;
	unsigned int index = 9;

	fixture_start(GPUS, NULL);
	gpu = fixture_gpu(0);
	fixture_mig_on(gpu);
	gi = fixture_gi(gpu, 9, 4, 4);
	fixture_ci(gi, 0);
	fixture_ci(fixture_gi(gpu, 20, 0, 1), 0);
	ASSERT_OK(nvmlDeviceGetMigDeviceHandleByIndex(gpu, 0, &device));
	ASSERT_OK(nvmlDeviceGetName(device, name, sizeof(name)));
	MIG_ASSERT_STR_EQ(name, "NVIDIA A100-SXM4-40GB MIG 1c.3g.20gb");
	ASSERT_OK(nvmlDeviceGetUUID(device, uuid, sizeof(uuid)));
	MIG_ASSERT_INT_EQ(strncmp(uuid, "MIG-", 4), 0);
	MIG_ASSERT_INT_EQ(uuid[18], '5');
	ASSERT_OK(nvmlDeviceGetHandleByUUID(uuid, &again));
	MIG_ASSERT(again == device);
	ASSERT_OK(nvmlDeviceGetMigDeviceHandleByIndex(gpu, 1, &device));
	ASSERT_OK(nvmlDeviceGetIndex(device, &index));
	MIG_ASSERT_UINT_EQ(index, 1);
	/* The compute instance's name: without +me. */
	ASSERT_OK(nvmlDeviceGetName(device, name, sizeof(name)));
	MIG_ASSERT_STR_EQ(name, "NVIDIA A100-SXM4-40GB MIG 1g.5gb");
	/* With another prefix it is not this device. */
	memcpy(uuid, "GPU-", 4);
	ASSERT_CODE(nvmlDeviceGetHandleByUUID(uuid, &again), NVML_ERROR_NOT_FOUND);
}

MIG_TEST(texts_that_do_not_fit_write_nothing)
{
	char text[96];
	nvmlDevice_t gpu;

	fixture_start(GPUS, NULL);
	gpu = fixture_gpu(0);
	memset(text, 'x', sizeof(text));
	ASSERT_CODE(nvmlDeviceGetName(gpu, text, 21), NVML_ERROR_INSUFFICIENT_SIZE);
	ASSERT_CODE(nvmlDeviceGetName(gpu, text, 0), NVML_ERROR_INSUFFICIENT_SIZE);
	ASSERT_CODE(nvmlDeviceGetUUID(gpu, text, 40), NVML_ERROR_INSUFFICIENT_SIZE);
	ASSERT_CODE(nvmlSystemGetDriverVersion(text, 10), NVML_ERROR_INSUFFICIENT_SIZE);
	MIG_ASSERT_INT_EQ(text[0], 'x');
	ASSERT_OK(nvmlDeviceGetName(gpu, text, 22));
	MIG_ASSERT_STR_EQ(text, "NVIDIA A100-SXM4-40GB");
	MIG_ASSERT_INT_EQ(text[22], 'x');
	ASSERT_OK(nvmlDeviceGetUUID(gpu, text, 41));
	ASSERT_OK(nvmlSystemGetDriverVersion(text, 11));
	MIG_ASSERT_STR_EQ(text, "550.163.01");
	ASSERT_CODE(nvmlDeviceGetName(gpu, NULL, 96), NVML_ERROR_INVALID_ARGUMENT);
}

MIG_TEST(kind_of_gpu)
{
	int major = 0, minor = 0, cuda = 0;
	nvmlDeviceArchitecture_t arch = 0;
	nvmlBrandType_t brand = 0;
	nvmlGpuVirtualizationMode_t virtualization = NVML_GPU_VIRTUALIZATION_MODE_VGPU;
	unsigned int node = 9;

	fixture_start(GPUS, &(struct make_node_options){.numa_node_plus_one = 2});
	ASSERT_OK(nvmlDeviceGetArchitecture(fixture_gpu(0), &arch));
	MIG_ASSERT_UINT_EQ(arch, NVML_DEVICE_ARCH_AMPERE);
	ASSERT_OK(nvmlDeviceGetArchitecture(fixture_gpu(2), &arch));
	MIG_ASSERT_UINT_EQ(arch, NVML_DEVICE_ARCH_TURING);
	ASSERT_OK(nvmlDeviceGetBrand(fixture_gpu(0), &brand));
	MIG_ASSERT_INT_EQ(brand, NVML_BRAND_NVIDIA);
	ASSERT_OK(nvmlDeviceGetBrand(fixture_gpu(2), &brand));
	MIG_ASSERT_INT_EQ(brand, NVML_BRAND_TESLA);
	ASSERT_OK(nvmlDeviceGetCudaComputeCapability(fixture_gpu(0), &major, &minor));
	MIG_ASSERT_INT_EQ(major * 10 + minor, 80);
	ASSERT_OK(nvmlDeviceGetNumaNodeId(fixture_gpu(0), &node));
	MIG_ASSERT_UINT_EQ(node, 1);
	ASSERT_OK(nvmlDeviceGetVirtualizationMode(fixture_gpu(0), &virtualization));
	MIG_ASSERT_INT_EQ(virtualization, NVML_GPU_VIRTUALIZATION_MODE_NONE);
	ASSERT_CODE(nvmlDeviceGetVirtualizationMode(fixture_gpu(0), NULL),
		    NVML_ERROR_INVALID_ARGUMENT);
	ASSERT_OK(nvmlSystemGetCudaDriverVersion(&cuda));
	MIG_ASSERT_INT_EQ(cuda, 12040);
}
