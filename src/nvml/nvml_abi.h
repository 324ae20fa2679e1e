/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The NVML binary interface as this project declares it: types, structures, constants.
 *
 * Written from the facts of the interface (names, numbers, layouts) for drivers 470 to API 13; the
 * vendor's header is never included in product code. Every structure is followed by assertions on
 * its size and on the offset of each field, and tests/interop/nvml-header compares all of it with
 * the real header. Names are NVML's own, so that code reads like any other NVML client; what has
 * no name there (layouts that only old entry points use) is marked.
 *
 * Functions are declared in nvml/symbols.h. Must not know the loader, the simulator or core.
 */
#pragma once

#include <stddef.h>

_Static_assert(sizeof(void *) == 8 && sizeof(int) == 4 && sizeof(long long) == 8,
	       "the NVML layouts below are those of 64-bit Linux");

/* The number in the `version` field of a versioned structure: its size, and n in the top byte. */
#define MIG_NVML_STRUCT_VERSION(type, n) ((unsigned int)(sizeof(type) | ((unsigned int)(n) << 24)))

#define MIG_ABI_SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), "size of " #type)
#define MIG_ABI_OFFSET(type, field, bytes) \
	_Static_assert(offsetof(type, field) == (bytes), "offset of " #type "." #field)
#define MIG_ABI_VERSION(type, n, word) \
	_Static_assert(MIG_NVML_STRUCT_VERSION(type, n) == (word), "version word of " #type)

/* --- handles ---------------------------------------------------------------------------------- */

typedef struct nvmlDevice_st *nvmlDevice_t;
typedef struct nvmlGpuInstance_st *nvmlGpuInstance_t;
typedef struct nvmlComputeInstance_st *nvmlComputeInstance_t;
typedef struct nvmlEventSet_st *nvmlEventSet_t;
typedef struct nvmlUnit_st *nvmlUnit_t;

/* --- results ---------------------------------------------------------------------------------- */

typedef enum nvmlReturn_enum {
	NVML_SUCCESS = 0,
	NVML_ERROR_UNINITIALIZED = 1,
	NVML_ERROR_INVALID_ARGUMENT = 2,
	NVML_ERROR_NOT_SUPPORTED = 3,
	NVML_ERROR_NO_PERMISSION = 4,
	NVML_ERROR_ALREADY_INITIALIZED = 5,
	NVML_ERROR_NOT_FOUND = 6,
	NVML_ERROR_INSUFFICIENT_SIZE = 7,
	NVML_ERROR_INSUFFICIENT_POWER = 8,
	NVML_ERROR_DRIVER_NOT_LOADED = 9,
	NVML_ERROR_TIMEOUT = 10,
	NVML_ERROR_IRQ_ISSUE = 11,
	NVML_ERROR_LIBRARY_NOT_FOUND = 12,
	NVML_ERROR_FUNCTION_NOT_FOUND = 13,
	NVML_ERROR_CORRUPTED_INFOROM = 14,
	NVML_ERROR_GPU_IS_LOST = 15,
	NVML_ERROR_RESET_REQUIRED = 16,
	NVML_ERROR_OPERATING_SYSTEM = 17,
	NVML_ERROR_LIB_RM_VERSION_MISMATCH = 18,
	NVML_ERROR_IN_USE = 19,
	NVML_ERROR_MEMORY = 20,
	NVML_ERROR_NO_DATA = 21,
	NVML_ERROR_VGPU_ECC_NOT_SUPPORTED = 22,
	NVML_ERROR_INSUFFICIENT_RESOURCES = 23,
	NVML_ERROR_FREQ_NOT_SUPPORTED = 24,
	NVML_ERROR_ARGUMENT_VERSION_MISMATCH = 25,
	NVML_ERROR_DEPRECATED = 26,
	NVML_ERROR_NOT_READY = 27,
	NVML_ERROR_GPU_NOT_FOUND = 28,
	NVML_ERROR_INVALID_STATE = 29,
	NVML_ERROR_RESET_TYPE_NOT_SUPPORTED = 30,
	NVML_ERROR_UNKNOWN = 999,
} nvmlReturn_t;
MIG_ABI_SIZE(nvmlReturn_t, 4);

/* --- buffer sizes, flags, sentinels ----------------------------------------------------------- */

#define NVML_INIT_FLAG_NO_GPUS	 1
#define NVML_INIT_FLAG_NO_ATTACH 2

#define NVML_DEVICE_UUID_BUFFER_SIZE		80
#define NVML_DEVICE_UUID_V2_BUFFER_SIZE		96 /* a MIG UUID of any form fits; always pass this one */
#define NVML_DEVICE_NAME_BUFFER_SIZE		64
#define NVML_DEVICE_NAME_V2_BUFFER_SIZE		96
#define NVML_DEVICE_SERIAL_BUFFER_SIZE		30
#define NVML_DEVICE_PART_NUMBER_BUFFER_SIZE	80
#define NVML_DEVICE_VBIOS_VERSION_BUFFER_SIZE	32
#define NVML_DEVICE_INFOROM_VERSION_BUFFER_SIZE 16
#define NVML_SYSTEM_DRIVER_VERSION_BUFFER_SIZE	80
#define NVML_SYSTEM_NVML_VERSION_BUFFER_SIZE	80
#define NVML_DEVICE_PCI_BUS_ID_BUFFER_SIZE	32
#define NVML_DEVICE_PCI_BUS_ID_BUFFER_V2_SIZE	16
#define NVML_GSP_FIRMWARE_VERSION_BUF_SIZE	64
#define NVML_DEVICE_UUID_ASCII_LEN		41
#define NVML_DEVICE_UUID_BINARY_LEN		16
#define NVML_GPU_FABRIC_UUID_LEN		16

#define NVML_VALUE_NOT_AVAILABLE	(-1)
#define INVALID_GPU_INSTANCE_PROFILE_ID 0xFFFFFFFF
#define INVALID_GPU_INSTANCE_ID		0xFFFFFFFF
/* No name in NVML: what process and event structures hold when there is no such instance. */
#define MIG_NVML_NO_INSTANCE_ID		0xFFFFFFFFU

/* --- MIG -------------------------------------------------------------------------------------- */

#define NVML_DEVICE_MIG_DISABLE 0x0
#define NVML_DEVICE_MIG_ENABLE	0x1

/* Profile *indexes* to loop over; not the profile ids, which differ from chip to chip. */
#define NVML_GPU_INSTANCE_PROFILE_1_SLICE	 0x0
#define NVML_GPU_INSTANCE_PROFILE_2_SLICE	 0x1
#define NVML_GPU_INSTANCE_PROFILE_3_SLICE	 0x2
#define NVML_GPU_INSTANCE_PROFILE_4_SLICE	 0x3
#define NVML_GPU_INSTANCE_PROFILE_7_SLICE	 0x4
#define NVML_GPU_INSTANCE_PROFILE_8_SLICE	 0x5
#define NVML_GPU_INSTANCE_PROFILE_6_SLICE	 0x6
#define NVML_GPU_INSTANCE_PROFILE_1_SLICE_REV1	 0x7 /* +me */
#define NVML_GPU_INSTANCE_PROFILE_2_SLICE_REV1	 0x8 /* +me */
#define NVML_GPU_INSTANCE_PROFILE_1_SLICE_REV2	 0x9 /* double memory */
#define NVML_GPU_INSTANCE_PROFILE_1_SLICE_GFX	 0xA
#define NVML_GPU_INSTANCE_PROFILE_2_SLICE_GFX	 0xB
#define NVML_GPU_INSTANCE_PROFILE_4_SLICE_GFX	 0xC
#define NVML_GPU_INSTANCE_PROFILE_1_SLICE_NO_ME	 0xD
#define NVML_GPU_INSTANCE_PROFILE_2_SLICE_NO_ME	 0xE
#define NVML_GPU_INSTANCE_PROFILE_1_SLICE_ALL_ME 0xF
#define NVML_GPU_INSTANCE_PROFILE_2_SLICE_ALL_ME 0x10
#define NVML_GPU_INSTANCE_PROFILE_3_SLICE_GFX	 0x11
#define NVML_GPU_INSTANCE_PROFILE_COUNT		 0x12 /* of API 13; 470 knows 8, 535 and 550 know 10 */

#define NVML_COMPUTE_INSTANCE_PROFILE_1_SLICE	   0x0
#define NVML_COMPUTE_INSTANCE_PROFILE_2_SLICE	   0x1
#define NVML_COMPUTE_INSTANCE_PROFILE_3_SLICE	   0x2
#define NVML_COMPUTE_INSTANCE_PROFILE_4_SLICE	   0x3
#define NVML_COMPUTE_INSTANCE_PROFILE_7_SLICE	   0x4
#define NVML_COMPUTE_INSTANCE_PROFILE_8_SLICE	   0x5
#define NVML_COMPUTE_INSTANCE_PROFILE_6_SLICE	   0x6
#define NVML_COMPUTE_INSTANCE_PROFILE_1_SLICE_REV1 0x7
#define NVML_COMPUTE_INSTANCE_PROFILE_7_SLICE_NVL  0x8
#define NVML_COMPUTE_INSTANCE_PROFILE_COUNT	   0x9 /* of API 13; 470 knows 7, 535 and 550 know 8 */

#define NVML_COMPUTE_INSTANCE_ENGINE_PROFILE_SHARED 0x0
#define NVML_COMPUTE_INSTANCE_ENGINE_PROFILE_COUNT  0x1

/* Bits of `capabilities` in the v3 profile structures. */
#define NVML_GPU_INSTANCE_PROFILE_CAPS_P2P     0x1
#define NVML_GPU_INSTANCE_PROFILE_CAPS_GFX     0x2
#define NVML_COMPUTE_INSTANCE_PROFILE_CAPS_GFX 0x1

typedef struct nvmlGpuInstancePlacement_st {
	unsigned int start;
	unsigned int size;
} nvmlGpuInstancePlacement_t;
MIG_ABI_SIZE(nvmlGpuInstancePlacement_t, 8);
MIG_ABI_OFFSET(nvmlGpuInstancePlacement_t, start, 0);
MIG_ABI_OFFSET(nvmlGpuInstancePlacement_t, size, 4);

typedef struct nvmlGpuInstanceProfileInfo_st {
	unsigned int id;
	unsigned int isP2pSupported;
	unsigned int sliceCount;
	unsigned int instanceCount;
	unsigned int multiprocessorCount;
	unsigned int copyEngineCount;
	unsigned int decoderCount;
	unsigned int encoderCount;
	unsigned int jpegCount;
	unsigned int ofaCount;
	unsigned long long memorySizeMB; /* MiB */
} nvmlGpuInstanceProfileInfo_t;
MIG_ABI_SIZE(nvmlGpuInstanceProfileInfo_t, 48);
MIG_ABI_OFFSET(nvmlGpuInstanceProfileInfo_t, id, 0);
MIG_ABI_OFFSET(nvmlGpuInstanceProfileInfo_t, isP2pSupported, 4);
MIG_ABI_OFFSET(nvmlGpuInstanceProfileInfo_t, sliceCount, 8);
MIG_ABI_OFFSET(nvmlGpuInstanceProfileInfo_t, instanceCount, 12);
MIG_ABI_OFFSET(nvmlGpuInstanceProfileInfo_t, multiprocessorCount, 16);
MIG_ABI_OFFSET(nvmlGpuInstanceProfileInfo_t, copyEngineCount, 20);
MIG_ABI_OFFSET(nvmlGpuInstanceProfileInfo_t, decoderCount, 24);
MIG_ABI_OFFSET(nvmlGpuInstanceProfileInfo_t, encoderCount, 28);
MIG_ABI_OFFSET(nvmlGpuInstanceProfileInfo_t, jpegCount, 32);
MIG_ABI_OFFSET(nvmlGpuInstanceProfileInfo_t, ofaCount, 36);
MIG_ABI_OFFSET(nvmlGpuInstanceProfileInfo_t, memorySizeMB, 40);

typedef struct nvmlGpuInstanceProfileInfo_v2_st {
	unsigned int version;
	unsigned int id;
	unsigned int isP2pSupported;
	unsigned int sliceCount;
	unsigned int instanceCount;
	unsigned int multiprocessorCount;
	unsigned int copyEngineCount;
	unsigned int decoderCount;
	unsigned int encoderCount;
	unsigned int jpegCount;
	unsigned int ofaCount;
	unsigned long long memorySizeMB;
	char name[NVML_DEVICE_NAME_V2_BUFFER_SIZE]; /* "MIG 1g.5gb" */
} nvmlGpuInstanceProfileInfo_v2_t;
MIG_ABI_SIZE(nvmlGpuInstanceProfileInfo_v2_t, 152);
MIG_ABI_VERSION(nvmlGpuInstanceProfileInfo_v2_t, 2, 0x2000098);
MIG_ABI_OFFSET(nvmlGpuInstanceProfileInfo_v2_t, version, 0);
MIG_ABI_OFFSET(nvmlGpuInstanceProfileInfo_v2_t, id, 4);
MIG_ABI_OFFSET(nvmlGpuInstanceProfileInfo_v2_t, isP2pSupported, 8);
MIG_ABI_OFFSET(nvmlGpuInstanceProfileInfo_v2_t, sliceCount, 12);
MIG_ABI_OFFSET(nvmlGpuInstanceProfileInfo_v2_t, instanceCount, 16);
MIG_ABI_OFFSET(nvmlGpuInstanceProfileInfo_v2_t, multiprocessorCount, 20);
MIG_ABI_OFFSET(nvmlGpuInstanceProfileInfo_v2_t, copyEngineCount, 24);
MIG_ABI_OFFSET(nvmlGpuInstanceProfileInfo_v2_t, decoderCount, 28);
MIG_ABI_OFFSET(nvmlGpuInstanceProfileInfo_v2_t, encoderCount, 32);
MIG_ABI_OFFSET(nvmlGpuInstanceProfileInfo_v2_t, jpegCount, 36);
MIG_ABI_OFFSET(nvmlGpuInstanceProfileInfo_v2_t, ofaCount, 40);
MIG_ABI_OFFSET(nvmlGpuInstanceProfileInfo_v2_t, memorySizeMB, 48);
MIG_ABI_OFFSET(nvmlGpuInstanceProfileInfo_v2_t, name, 56);

/* Version 3 drops isP2pSupported and says it by a capability bit. */
typedef struct nvmlGpuInstanceProfileInfo_v3_st {
	unsigned int version;
	unsigned int id;
	unsigned int sliceCount;
	unsigned int instanceCount;
	unsigned int multiprocessorCount;
	unsigned int copyEngineCount;
	unsigned int decoderCount;
	unsigned int encoderCount;
	unsigned int jpegCount;
	unsigned int ofaCount;
	unsigned long long memorySizeMB;
	char name[NVML_DEVICE_NAME_V2_BUFFER_SIZE];
	unsigned int capabilities; /* NVML_GPU_INSTANCE_PROFILE_CAPS_… */
} nvmlGpuInstanceProfileInfo_v3_t;
MIG_ABI_SIZE(nvmlGpuInstanceProfileInfo_v3_t, 152);
MIG_ABI_VERSION(nvmlGpuInstanceProfileInfo_v3_t, 3, 0x3000098);
MIG_ABI_OFFSET(nvmlGpuInstanceProfileInfo_v3_t, version, 0);
MIG_ABI_OFFSET(nvmlGpuInstanceProfileInfo_v3_t, id, 4);
MIG_ABI_OFFSET(nvmlGpuInstanceProfileInfo_v3_t, sliceCount, 8);
MIG_ABI_OFFSET(nvmlGpuInstanceProfileInfo_v3_t, instanceCount, 12);
MIG_ABI_OFFSET(nvmlGpuInstanceProfileInfo_v3_t, multiprocessorCount, 16);
MIG_ABI_OFFSET(nvmlGpuInstanceProfileInfo_v3_t, copyEngineCount, 20);
MIG_ABI_OFFSET(nvmlGpuInstanceProfileInfo_v3_t, decoderCount, 24);
MIG_ABI_OFFSET(nvmlGpuInstanceProfileInfo_v3_t, encoderCount, 28);
MIG_ABI_OFFSET(nvmlGpuInstanceProfileInfo_v3_t, jpegCount, 32);
MIG_ABI_OFFSET(nvmlGpuInstanceProfileInfo_v3_t, ofaCount, 36);
MIG_ABI_OFFSET(nvmlGpuInstanceProfileInfo_v3_t, memorySizeMB, 40);
MIG_ABI_OFFSET(nvmlGpuInstanceProfileInfo_v3_t, name, 48);
MIG_ABI_OFFSET(nvmlGpuInstanceProfileInfo_v3_t, capabilities, 144);

typedef struct nvmlGpuInstanceInfo_st {
	nvmlDevice_t device;
	unsigned int id;
	unsigned int profileId;
	nvmlGpuInstancePlacement_t placement;
} nvmlGpuInstanceInfo_t;
MIG_ABI_SIZE(nvmlGpuInstanceInfo_t, 24);
MIG_ABI_OFFSET(nvmlGpuInstanceInfo_t, device, 0);
MIG_ABI_OFFSET(nvmlGpuInstanceInfo_t, id, 8);
MIG_ABI_OFFSET(nvmlGpuInstanceInfo_t, profileId, 12);
MIG_ABI_OFFSET(nvmlGpuInstanceInfo_t, placement, 16);

typedef struct nvmlComputeInstancePlacement_st {
	unsigned int start;
	unsigned int size;
} nvmlComputeInstancePlacement_t;
MIG_ABI_SIZE(nvmlComputeInstancePlacement_t, 8);
MIG_ABI_OFFSET(nvmlComputeInstancePlacement_t, start, 0);
MIG_ABI_OFFSET(nvmlComputeInstancePlacement_t, size, 4);

typedef struct nvmlComputeInstanceProfileInfo_st {
	unsigned int id;
	unsigned int sliceCount;
	unsigned int instanceCount;
	unsigned int multiprocessorCount;
	unsigned int sharedCopyEngineCount;
	unsigned int sharedDecoderCount;
	unsigned int sharedEncoderCount;
	unsigned int sharedJpegCount;
	unsigned int sharedOfaCount;
} nvmlComputeInstanceProfileInfo_t;
MIG_ABI_SIZE(nvmlComputeInstanceProfileInfo_t, 36);
MIG_ABI_OFFSET(nvmlComputeInstanceProfileInfo_t, id, 0);
MIG_ABI_OFFSET(nvmlComputeInstanceProfileInfo_t, sliceCount, 4);
MIG_ABI_OFFSET(nvmlComputeInstanceProfileInfo_t, instanceCount, 8);
MIG_ABI_OFFSET(nvmlComputeInstanceProfileInfo_t, multiprocessorCount, 12);
MIG_ABI_OFFSET(nvmlComputeInstanceProfileInfo_t, sharedCopyEngineCount, 16);
MIG_ABI_OFFSET(nvmlComputeInstanceProfileInfo_t, sharedDecoderCount, 20);
MIG_ABI_OFFSET(nvmlComputeInstanceProfileInfo_t, sharedEncoderCount, 24);
MIG_ABI_OFFSET(nvmlComputeInstanceProfileInfo_t, sharedJpegCount, 28);
MIG_ABI_OFFSET(nvmlComputeInstanceProfileInfo_t, sharedOfaCount, 32);

typedef struct nvmlComputeInstanceProfileInfo_v2_st {
	unsigned int version;
	unsigned int id;
	unsigned int sliceCount;
	unsigned int instanceCount;
	unsigned int multiprocessorCount;
	unsigned int sharedCopyEngineCount;
	unsigned int sharedDecoderCount;
	unsigned int sharedEncoderCount;
	unsigned int sharedJpegCount;
	unsigned int sharedOfaCount;
	char name[NVML_DEVICE_NAME_V2_BUFFER_SIZE]; /* "MIG 1c.3g.20gb" */
} nvmlComputeInstanceProfileInfo_v2_t;
MIG_ABI_SIZE(nvmlComputeInstanceProfileInfo_v2_t, 136);
MIG_ABI_VERSION(nvmlComputeInstanceProfileInfo_v2_t, 2, 0x2000088);
MIG_ABI_OFFSET(nvmlComputeInstanceProfileInfo_v2_t, version, 0);
MIG_ABI_OFFSET(nvmlComputeInstanceProfileInfo_v2_t, id, 4);
MIG_ABI_OFFSET(nvmlComputeInstanceProfileInfo_v2_t, sliceCount, 8);
MIG_ABI_OFFSET(nvmlComputeInstanceProfileInfo_v2_t, instanceCount, 12);
MIG_ABI_OFFSET(nvmlComputeInstanceProfileInfo_v2_t, multiprocessorCount, 16);
MIG_ABI_OFFSET(nvmlComputeInstanceProfileInfo_v2_t, sharedCopyEngineCount, 20);
MIG_ABI_OFFSET(nvmlComputeInstanceProfileInfo_v2_t, sharedDecoderCount, 24);
MIG_ABI_OFFSET(nvmlComputeInstanceProfileInfo_v2_t, sharedEncoderCount, 28);
MIG_ABI_OFFSET(nvmlComputeInstanceProfileInfo_v2_t, sharedJpegCount, 32);
MIG_ABI_OFFSET(nvmlComputeInstanceProfileInfo_v2_t, sharedOfaCount, 36);
MIG_ABI_OFFSET(nvmlComputeInstanceProfileInfo_v2_t, name, 40);

typedef struct nvmlComputeInstanceProfileInfo_v3_st {
	unsigned int version;
	unsigned int id;
	unsigned int sliceCount;
	unsigned int instanceCount;
	unsigned int multiprocessorCount;
	unsigned int sharedCopyEngineCount;
	unsigned int sharedDecoderCount;
	unsigned int sharedEncoderCount;
	unsigned int sharedJpegCount;
	unsigned int sharedOfaCount;
	char name[NVML_DEVICE_NAME_V2_BUFFER_SIZE];
	unsigned int capabilities; /* NVML_COMPUTE_INSTANCE_PROFILE_CAPS_… */
} nvmlComputeInstanceProfileInfo_v3_t;
MIG_ABI_SIZE(nvmlComputeInstanceProfileInfo_v3_t, 140);
MIG_ABI_VERSION(nvmlComputeInstanceProfileInfo_v3_t, 3, 0x300008C);
MIG_ABI_OFFSET(nvmlComputeInstanceProfileInfo_v3_t, version, 0);
MIG_ABI_OFFSET(nvmlComputeInstanceProfileInfo_v3_t, id, 4);
MIG_ABI_OFFSET(nvmlComputeInstanceProfileInfo_v3_t, sliceCount, 8);
MIG_ABI_OFFSET(nvmlComputeInstanceProfileInfo_v3_t, instanceCount, 12);
MIG_ABI_OFFSET(nvmlComputeInstanceProfileInfo_v3_t, multiprocessorCount, 16);
MIG_ABI_OFFSET(nvmlComputeInstanceProfileInfo_v3_t, sharedCopyEngineCount, 20);
MIG_ABI_OFFSET(nvmlComputeInstanceProfileInfo_v3_t, sharedDecoderCount, 24);
MIG_ABI_OFFSET(nvmlComputeInstanceProfileInfo_v3_t, sharedEncoderCount, 28);
MIG_ABI_OFFSET(nvmlComputeInstanceProfileInfo_v3_t, sharedJpegCount, 32);
MIG_ABI_OFFSET(nvmlComputeInstanceProfileInfo_v3_t, sharedOfaCount, 36);
MIG_ABI_OFFSET(nvmlComputeInstanceProfileInfo_v3_t, name, 40);
MIG_ABI_OFFSET(nvmlComputeInstanceProfileInfo_v3_t, capabilities, 136);

/* nvmlComputeInstanceGetInfo_v2 */
typedef struct nvmlComputeInstanceInfo_st {
	nvmlDevice_t device;
	nvmlGpuInstance_t gpuInstance;
	unsigned int id;
	unsigned int profileId;
	nvmlComputeInstancePlacement_t placement;
} nvmlComputeInstanceInfo_t;
MIG_ABI_SIZE(nvmlComputeInstanceInfo_t, 32);
MIG_ABI_OFFSET(nvmlComputeInstanceInfo_t, device, 0);
MIG_ABI_OFFSET(nvmlComputeInstanceInfo_t, gpuInstance, 8);
MIG_ABI_OFFSET(nvmlComputeInstanceInfo_t, id, 16);
MIG_ABI_OFFSET(nvmlComputeInstanceInfo_t, profileId, 20);
MIG_ABI_OFFSET(nvmlComputeInstanceInfo_t, placement, 24);

/* nvmlComputeInstanceGetInfo writes this one (the header of CUDA 11.0, where it had the name above,
 * ends before the placement). */
typedef struct mig_nvml_compute_instance_info_v1 {
	nvmlDevice_t device;
	nvmlGpuInstance_t gpuInstance;
	unsigned int id;
	unsigned int profileId;
} nvmlComputeInstanceInfo_v1_t;
MIG_ABI_SIZE(nvmlComputeInstanceInfo_v1_t, 24);
MIG_ABI_OFFSET(nvmlComputeInstanceInfo_v1_t, device, 0);
MIG_ABI_OFFSET(nvmlComputeInstanceInfo_v1_t, gpuInstance, 8);
MIG_ABI_OFFSET(nvmlComputeInstanceInfo_v1_t, id, 16);
MIG_ABI_OFFSET(nvmlComputeInstanceInfo_v1_t, profileId, 20);

/* nvmlDeviceGetAttributes_v2; on MIG handles only */
typedef struct nvmlDeviceAttributes_st {
	unsigned int multiprocessorCount;
	unsigned int sharedCopyEngineCount;
	unsigned int sharedDecoderCount;
	unsigned int sharedEncoderCount;
	unsigned int sharedJpegCount;
	unsigned int sharedOfaCount;
	unsigned int gpuInstanceSliceCount;
	unsigned int computeInstanceSliceCount;
	unsigned long long memorySizeMB;
} nvmlDeviceAttributes_t;
MIG_ABI_SIZE(nvmlDeviceAttributes_t, 40);
MIG_ABI_OFFSET(nvmlDeviceAttributes_t, multiprocessorCount, 0);
MIG_ABI_OFFSET(nvmlDeviceAttributes_t, sharedCopyEngineCount, 4);
MIG_ABI_OFFSET(nvmlDeviceAttributes_t, sharedDecoderCount, 8);
MIG_ABI_OFFSET(nvmlDeviceAttributes_t, sharedEncoderCount, 12);
MIG_ABI_OFFSET(nvmlDeviceAttributes_t, sharedJpegCount, 16);
MIG_ABI_OFFSET(nvmlDeviceAttributes_t, sharedOfaCount, 20);
MIG_ABI_OFFSET(nvmlDeviceAttributes_t, gpuInstanceSliceCount, 24);
MIG_ABI_OFFSET(nvmlDeviceAttributes_t, computeInstanceSliceCount, 28);
MIG_ABI_OFFSET(nvmlDeviceAttributes_t, memorySizeMB, 32);

/* nvmlDeviceGetAttributes writes this one (as in the header of CUDA 11.0). */
typedef struct mig_nvml_device_attributes_v1 {
	unsigned int multiprocessorCount;
	unsigned int sharedCopyEngineCount;
	unsigned int sharedDecoderCount;
	unsigned int sharedEncoderCount;
	unsigned int sharedJpegCount;
	unsigned int sharedOfaCount;
} nvmlDeviceAttributes_v1_t;
MIG_ABI_SIZE(nvmlDeviceAttributes_v1_t, 24);
MIG_ABI_OFFSET(nvmlDeviceAttributes_v1_t, multiprocessorCount, 0);
MIG_ABI_OFFSET(nvmlDeviceAttributes_v1_t, sharedOfaCount, 20);

/* --- identity --------------------------------------------------------------------------------- */

/* nvmlDeviceGetPciInfo_v3 */
typedef struct nvmlPciInfo_st {
	char busIdLegacy[NVML_DEVICE_PCI_BUS_ID_BUFFER_V2_SIZE]; /* "0000:10:00.0" */
	unsigned int domain;
	unsigned int bus;
	unsigned int device;
	unsigned int pciDeviceId;    /* device id in the upper, vendor id in the lower half */
	unsigned int pciSubSystemId; /* likewise */
	char busId[NVML_DEVICE_PCI_BUS_ID_BUFFER_SIZE]; /* "00000000:10:00.0" */
} nvmlPciInfo_t;
MIG_ABI_SIZE(nvmlPciInfo_t, 68);
MIG_ABI_OFFSET(nvmlPciInfo_t, busIdLegacy, 0);
MIG_ABI_OFFSET(nvmlPciInfo_t, domain, 16);
MIG_ABI_OFFSET(nvmlPciInfo_t, bus, 20);
MIG_ABI_OFFSET(nvmlPciInfo_t, device, 24);
MIG_ABI_OFFSET(nvmlPciInfo_t, pciDeviceId, 28);
MIG_ABI_OFFSET(nvmlPciInfo_t, pciSubSystemId, 32);
MIG_ABI_OFFSET(nvmlPciInfo_t, busId, 36);

/* nvmlDeviceGetPciInfo_v2 writes this one: four reserved words where version 3 has the long bus id.
 * Clients compiled then have no room for more. */
typedef struct mig_nvml_pci_info_v2 {
	char busId[NVML_DEVICE_PCI_BUS_ID_BUFFER_V2_SIZE];
	unsigned int domain;
	unsigned int bus;
	unsigned int device;
	unsigned int pciDeviceId;
	unsigned int pciSubSystemId;
	unsigned int reserved0;
	unsigned int reserved1;
	unsigned int reserved2;
	unsigned int reserved3;
} nvmlPciInfo_v2_t;
MIG_ABI_SIZE(nvmlPciInfo_v2_t, 52);
MIG_ABI_OFFSET(nvmlPciInfo_v2_t, busId, 0);
MIG_ABI_OFFSET(nvmlPciInfo_v2_t, domain, 16);
MIG_ABI_OFFSET(nvmlPciInfo_v2_t, pciDeviceId, 28);
MIG_ABI_OFFSET(nvmlPciInfo_v2_t, pciSubSystemId, 32);
MIG_ABI_OFFSET(nvmlPciInfo_v2_t, reserved3, 48);

/* nvmlDeviceGetPciInfo writes this one: the first version, before the subsystem id. Inferred (no
 * header at hand has it); the shorter write is the safe one. */
typedef struct mig_nvml_pci_info_v1 {
	char busId[NVML_DEVICE_PCI_BUS_ID_BUFFER_V2_SIZE];
	unsigned int domain;
	unsigned int bus;
	unsigned int device;
	unsigned int pciDeviceId;
} nvmlPciInfo_v1_t;
MIG_ABI_SIZE(nvmlPciInfo_v1_t, 32);
MIG_ABI_OFFSET(nvmlPciInfo_v1_t, pciDeviceId, 28);

/* nvmlDeviceGetPciInfoExt */
typedef struct mig_nvml_pci_info_ext_v1 {
	unsigned int version;
	unsigned int domain;
	unsigned int bus;
	unsigned int device;
	unsigned int pciDeviceId;
	unsigned int pciSubSystemId;
	unsigned int baseClass;
	unsigned int subClass;
	char busId[NVML_DEVICE_PCI_BUS_ID_BUFFER_SIZE];
} nvmlPciInfoExt_v1_t;
typedef nvmlPciInfoExt_v1_t nvmlPciInfoExt_t;
MIG_ABI_SIZE(nvmlPciInfoExt_v1_t, 64);
MIG_ABI_VERSION(nvmlPciInfoExt_v1_t, 1, 0x1000040);
MIG_ABI_OFFSET(nvmlPciInfoExt_v1_t, version, 0);
MIG_ABI_OFFSET(nvmlPciInfoExt_v1_t, domain, 4);
MIG_ABI_OFFSET(nvmlPciInfoExt_v1_t, bus, 8);
MIG_ABI_OFFSET(nvmlPciInfoExt_v1_t, device, 12);
MIG_ABI_OFFSET(nvmlPciInfoExt_v1_t, pciDeviceId, 16);
MIG_ABI_OFFSET(nvmlPciInfoExt_v1_t, pciSubSystemId, 20);
MIG_ABI_OFFSET(nvmlPciInfoExt_v1_t, baseClass, 24);
MIG_ABI_OFFSET(nvmlPciInfoExt_v1_t, subClass, 28);
MIG_ABI_OFFSET(nvmlPciInfoExt_v1_t, busId, 32);

typedef enum {
	NVML_UUID_TYPE_NONE = 0,
	NVML_UUID_TYPE_ASCII = 1,
	NVML_UUID_TYPE_BINARY = 2,
} nvmlUUIDType_t;

typedef union {
	char str[NVML_DEVICE_UUID_ASCII_LEN];
	unsigned char bytes[NVML_DEVICE_UUID_BINARY_LEN];
} nvmlUUIDValue_t;
MIG_ABI_SIZE(nvmlUUIDValue_t, 41);

/* nvmlDeviceGetHandleByUUIDV */
typedef struct mig_nvml_uuid_v1 {
	unsigned int version;
	unsigned int type; /* nvmlUUIDType_t */
	nvmlUUIDValue_t value;
} nvmlUUID_v1_t;
typedef nvmlUUID_v1_t nvmlUUID_t;
MIG_ABI_SIZE(nvmlUUID_v1_t, 52);
MIG_ABI_VERSION(nvmlUUID_v1_t, 1, 0x1000034);
MIG_ABI_OFFSET(nvmlUUID_v1_t, version, 0);
MIG_ABI_OFFSET(nvmlUUID_v1_t, type, 4);
MIG_ABI_OFFSET(nvmlUUID_v1_t, value, 8);

/* --- memory ----------------------------------------------------------------------------------- */

typedef struct nvmlMemory_st {
	unsigned long long total; /* bytes, as all of these */
	unsigned long long free;
	unsigned long long used; /* version 1 counts what is reserved as used */
} nvmlMemory_t;
MIG_ABI_SIZE(nvmlMemory_t, 24);
MIG_ABI_OFFSET(nvmlMemory_t, total, 0);
MIG_ABI_OFFSET(nvmlMemory_t, free, 8);
MIG_ABI_OFFSET(nvmlMemory_t, used, 16);

typedef struct nvmlMemory_v2_st {
	unsigned int version;
	unsigned long long total;
	unsigned long long reserved;
	unsigned long long free;
	unsigned long long used;
} nvmlMemory_v2_t;
MIG_ABI_SIZE(nvmlMemory_v2_t, 40);
MIG_ABI_VERSION(nvmlMemory_v2_t, 2, 0x2000028);
MIG_ABI_OFFSET(nvmlMemory_v2_t, version, 0);
MIG_ABI_OFFSET(nvmlMemory_v2_t, total, 8);
MIG_ABI_OFFSET(nvmlMemory_v2_t, reserved, 16);
MIG_ABI_OFFSET(nvmlMemory_v2_t, free, 24);
MIG_ABI_OFFSET(nvmlMemory_v2_t, used, 32);

typedef struct nvmlBAR1Memory_st {
	unsigned long long bar1Total;
	unsigned long long bar1Free;
	unsigned long long bar1Used;
} nvmlBAR1Memory_t;
MIG_ABI_SIZE(nvmlBAR1Memory_t, 24);
MIG_ABI_OFFSET(nvmlBAR1Memory_t, bar1Total, 0);
MIG_ABI_OFFSET(nvmlBAR1Memory_t, bar1Free, 8);
MIG_ABI_OFFSET(nvmlBAR1Memory_t, bar1Used, 16);

/* --- processes -------------------------------------------------------------------------------- */

/* nvmlDeviceGet…RunningProcesses: no instance ids */
typedef struct nvmlProcessInfo_v1_st {
	unsigned int pid;
	unsigned long long usedGpuMemory; /* bytes; all ones when not known */
} nvmlProcessInfo_v1_t;
MIG_ABI_SIZE(nvmlProcessInfo_v1_t, 16);
MIG_ABI_OFFSET(nvmlProcessInfo_v1_t, pid, 0);
MIG_ABI_OFFSET(nvmlProcessInfo_v1_t, usedGpuMemory, 8);

/* nvmlDeviceGet…RunningProcesses_v2 and _v3: the function has three versions, the layout two */
typedef struct nvmlProcessInfo_v2_st {
	unsigned int pid;
	unsigned long long usedGpuMemory;
	unsigned int gpuInstanceId;	/* MIG_NVML_NO_INSTANCE_ID without MIG */
	unsigned int computeInstanceId; /* likewise */
} nvmlProcessInfo_v2_t, nvmlProcessInfo_t;
MIG_ABI_SIZE(nvmlProcessInfo_v2_t, 24);
MIG_ABI_OFFSET(nvmlProcessInfo_v2_t, pid, 0);
MIG_ABI_OFFSET(nvmlProcessInfo_v2_t, usedGpuMemory, 8);
MIG_ABI_OFFSET(nvmlProcessInfo_v2_t, gpuInstanceId, 16);
MIG_ABI_OFFSET(nvmlProcessInfo_v2_t, computeInstanceId, 20);

typedef enum nvmlProcessMode_enum {
	NVML_PROCESS_MODE_COMPUTE = 0,
	NVML_PROCESS_MODE_GRAPHICS = 1,
	NVML_PROCESS_MODE_MPS = 2,
} nvmlProcessMode_t;

typedef struct mig_nvml_process_detail_v1 {
	unsigned int pid;
	unsigned long long usedGpuMemory;
	unsigned int gpuInstanceId;
	unsigned int computeInstanceId;
	unsigned long long usedGpuCcProtectedMemory;
} nvmlProcessDetail_v1_t;
MIG_ABI_SIZE(nvmlProcessDetail_v1_t, 32);
MIG_ABI_OFFSET(nvmlProcessDetail_v1_t, pid, 0);
MIG_ABI_OFFSET(nvmlProcessDetail_v1_t, usedGpuMemory, 8);
MIG_ABI_OFFSET(nvmlProcessDetail_v1_t, gpuInstanceId, 16);
MIG_ABI_OFFSET(nvmlProcessDetail_v1_t, computeInstanceId, 20);
MIG_ABI_OFFSET(nvmlProcessDetail_v1_t, usedGpuCcProtectedMemory, 24);

typedef struct mig_nvml_process_detail_list_v1 {
	unsigned int version;
	unsigned int mode; /* nvmlProcessMode_t */
	unsigned int numProcArrayEntries;
	nvmlProcessDetail_v1_t *procArray;
} nvmlProcessDetailList_v1_t;
typedef nvmlProcessDetailList_v1_t nvmlProcessDetailList_t;
MIG_ABI_SIZE(nvmlProcessDetailList_v1_t, 24);
MIG_ABI_VERSION(nvmlProcessDetailList_v1_t, 1, 0x1000018);
MIG_ABI_OFFSET(nvmlProcessDetailList_v1_t, version, 0);
MIG_ABI_OFFSET(nvmlProcessDetailList_v1_t, mode, 4);
MIG_ABI_OFFSET(nvmlProcessDetailList_v1_t, numProcArrayEntries, 8);
MIG_ABI_OFFSET(nvmlProcessDetailList_v1_t, procArray, 16);

typedef struct nvmlProcessUtilizationSample_st {
	unsigned int pid;
	unsigned long long timeStamp; /* microseconds since the epoch */
	unsigned int smUtil;
	unsigned int memUtil;
	unsigned int encUtil;
	unsigned int decUtil;
} nvmlProcessUtilizationSample_t;
MIG_ABI_SIZE(nvmlProcessUtilizationSample_t, 32);
MIG_ABI_OFFSET(nvmlProcessUtilizationSample_t, pid, 0);
MIG_ABI_OFFSET(nvmlProcessUtilizationSample_t, timeStamp, 8);
MIG_ABI_OFFSET(nvmlProcessUtilizationSample_t, smUtil, 16);
MIG_ABI_OFFSET(nvmlProcessUtilizationSample_t, memUtil, 20);
MIG_ABI_OFFSET(nvmlProcessUtilizationSample_t, encUtil, 24);
MIG_ABI_OFFSET(nvmlProcessUtilizationSample_t, decUtil, 28);

/* --- events ----------------------------------------------------------------------------------- */

#define nvmlEventTypeNone		    0x0LL
#define nvmlEventTypeSingleBitEccError	    0x1LL
#define nvmlEventTypeDoubleBitEccError	    0x2LL
#define nvmlEventTypePState		    0x4LL
#define nvmlEventTypeXidCriticalError	    0x8LL
#define nvmlEventTypeClock		    0x10LL
#define nvmlEventTypePowerSourceChange	    0x80LL
#define nvmlEventMigConfigChange	    0x100LL
#define nvmlEventTypeSingleBitEccErrorStorm 0x200LL
#define nvmlEventTypeDramRetirementEvent    0x400LL
#define nvmlEventTypeDramRetirementFailure  0x800LL
#define nvmlEventTypeNonFatalPoisonError    0x1000LL
#define nvmlEventTypeFatalPoisonError	    0x2000LL
#define nvmlEventTypeGpuUnavailableError    0x4000LL
#define nvmlEventTypeGpuRecoveryAction	    0x8000LL

/* nvmlEventSetWait_v2; the first version fills the first three fields only */
typedef struct nvmlEventData_st {
	nvmlDevice_t device;
	unsigned long long eventType;
	unsigned long long eventData; /* the XID of a nvmlEventTypeXidCriticalError */
	unsigned int gpuInstanceId;
	unsigned int computeInstanceId;
} nvmlEventData_t;
MIG_ABI_SIZE(nvmlEventData_t, 32);
MIG_ABI_OFFSET(nvmlEventData_t, device, 0);
MIG_ABI_OFFSET(nvmlEventData_t, eventType, 8);
MIG_ABI_OFFSET(nvmlEventData_t, eventData, 16);
MIG_ABI_OFFSET(nvmlEventData_t, gpuInstanceId, 24);
MIG_ABI_OFFSET(nvmlEventData_t, computeInstanceId, 28);

/* --- device properties ------------------------------------------------------------------------ */

typedef enum nvmlEnableState_enum {
	NVML_FEATURE_DISABLED = 0,
	NVML_FEATURE_ENABLED = 1,
} nvmlEnableState_t;

typedef enum nvmlBrandType_enum {
	NVML_BRAND_UNKNOWN = 0,
	NVML_BRAND_QUADRO = 1,
	NVML_BRAND_TESLA = 2,
	NVML_BRAND_NVS = 3,
	NVML_BRAND_GRID = 4,
	NVML_BRAND_GEFORCE = 5,
	NVML_BRAND_TITAN = 6,
	NVML_BRAND_NVIDIA_VAPPS = 7,
	NVML_BRAND_NVIDIA_VPC = 8,
	NVML_BRAND_NVIDIA_VCS = 9,
	NVML_BRAND_NVIDIA_VWS = 10,
	NVML_BRAND_NVIDIA_CLOUD_GAMING = 11,
	NVML_BRAND_QUADRO_RTX = 12,
	NVML_BRAND_NVIDIA_RTX = 13,
	NVML_BRAND_NVIDIA = 14,
	NVML_BRAND_GEFORCE_RTX = 15,
	NVML_BRAND_TITAN_RTX = 16,
} nvmlBrandType_t;
MIG_ABI_SIZE(nvmlBrandType_t, 4);

typedef unsigned int nvmlDeviceArchitecture_t;
#define NVML_DEVICE_ARCH_KEPLER	   2
#define NVML_DEVICE_ARCH_MAXWELL   3
#define NVML_DEVICE_ARCH_PASCAL	   4
#define NVML_DEVICE_ARCH_VOLTA	   5
#define NVML_DEVICE_ARCH_TURING	   6
#define NVML_DEVICE_ARCH_AMPERE	   7
#define NVML_DEVICE_ARCH_ADA	   8
#define NVML_DEVICE_ARCH_HOPPER	   9
#define NVML_DEVICE_ARCH_BLACKWELL 10
#define NVML_DEVICE_ARCH_UNKNOWN   0xFFFFFFFF

typedef unsigned int nvmlBusType_t;
#define NVML_BUS_TYPE_UNKNOWN 0
#define NVML_BUS_TYPE_PCI     1
#define NVML_BUS_TYPE_PCIE    2

typedef enum nvmlComputeMode_enum {
	NVML_COMPUTEMODE_DEFAULT = 0,
	NVML_COMPUTEMODE_EXCLUSIVE_THREAD = 1,
	NVML_COMPUTEMODE_PROHIBITED = 2,
	NVML_COMPUTEMODE_EXCLUSIVE_PROCESS = 3,
} nvmlComputeMode_t;

typedef enum nvmlGpuVirtualizationMode {
	NVML_GPU_VIRTUALIZATION_MODE_NONE = 0,
	NVML_GPU_VIRTUALIZATION_MODE_PASSTHROUGH = 1,
	NVML_GPU_VIRTUALIZATION_MODE_VGPU = 2,
	NVML_GPU_VIRTUALIZATION_MODE_HOST_VGPU = 3,
	NVML_GPU_VIRTUALIZATION_MODE_HOST_VSGA = 4,
} nvmlGpuVirtualizationMode_t;

typedef enum {
	NVML_DEVICE_ADDRESSING_MODE_NONE = 0,
	NVML_DEVICE_ADDRESSING_MODE_HMM = 1,
	NVML_DEVICE_ADDRESSING_MODE_ATS = 2,
} nvmlDeviceAddressingModeType_t;

typedef struct mig_nvml_device_addressing_mode_v1 {
	unsigned int version;
	unsigned int value; /* nvmlDeviceAddressingModeType_t */
} nvmlDeviceAddressingMode_v1_t;
typedef nvmlDeviceAddressingMode_v1_t nvmlDeviceAddressingMode_t;
MIG_ABI_SIZE(nvmlDeviceAddressingMode_v1_t, 8);
MIG_ABI_VERSION(nvmlDeviceAddressingMode_v1_t, 1, 0x1000008);
MIG_ABI_OFFSET(nvmlDeviceAddressingMode_v1_t, version, 0);
MIG_ABI_OFFSET(nvmlDeviceAddressingMode_v1_t, value, 4);

/* The name says V; the structure has no version word. */
typedef struct mig_nvml_c2c_mode_info_v1 {
	unsigned int isC2cEnabled;
} nvmlC2cModeInfo_v1_t;
MIG_ABI_SIZE(nvmlC2cModeInfo_v1_t, 4);
MIG_ABI_OFFSET(nvmlC2cModeInfo_v1_t, isC2cEnabled, 0);

#define NVML_GPU_FABRIC_STATE_NOT_SUPPORTED 0
#define NVML_GPU_FABRIC_STATE_NOT_STARTED   1
#define NVML_GPU_FABRIC_STATE_IN_PROGRESS   2
#define NVML_GPU_FABRIC_STATE_COMPLETED	    3
typedef unsigned char nvmlGpuFabricState_t;

typedef struct mig_nvml_gpu_fabric_info {
	unsigned char clusterUuid[NVML_GPU_FABRIC_UUID_LEN];
	nvmlReturn_t status;
	unsigned int cliqueId;
	nvmlGpuFabricState_t state;
} nvmlGpuFabricInfo_t;
MIG_ABI_SIZE(nvmlGpuFabricInfo_t, 28);
MIG_ABI_OFFSET(nvmlGpuFabricInfo_t, clusterUuid, 0);
MIG_ABI_OFFSET(nvmlGpuFabricInfo_t, status, 16);
MIG_ABI_OFFSET(nvmlGpuFabricInfo_t, cliqueId, 20);
MIG_ABI_OFFSET(nvmlGpuFabricInfo_t, state, 24);

typedef struct mig_nvml_gpu_fabric_info_v2 {
	unsigned int version;
	unsigned char clusterUuid[NVML_GPU_FABRIC_UUID_LEN];
	nvmlReturn_t status;
	unsigned int cliqueId;
	nvmlGpuFabricState_t state;
	unsigned int healthMask;
} nvmlGpuFabricInfo_v2_t;
MIG_ABI_SIZE(nvmlGpuFabricInfo_v2_t, 36);
MIG_ABI_VERSION(nvmlGpuFabricInfo_v2_t, 2, 0x2000024);
MIG_ABI_OFFSET(nvmlGpuFabricInfo_v2_t, version, 0);
MIG_ABI_OFFSET(nvmlGpuFabricInfo_v2_t, clusterUuid, 4);
MIG_ABI_OFFSET(nvmlGpuFabricInfo_v2_t, status, 20);
MIG_ABI_OFFSET(nvmlGpuFabricInfo_v2_t, cliqueId, 24);
MIG_ABI_OFFSET(nvmlGpuFabricInfo_v2_t, state, 28);
MIG_ABI_OFFSET(nvmlGpuFabricInfo_v2_t, healthMask, 32);

/* nvmlDeviceGetGpuFabricInfoV takes version 2 and, from API 13 on, version 3. */
typedef struct mig_nvml_gpu_fabric_info_v3 {
	unsigned int version;
	unsigned char clusterUuid[NVML_GPU_FABRIC_UUID_LEN];
	nvmlReturn_t status;
	unsigned int cliqueId;
	nvmlGpuFabricState_t state;
	unsigned int healthMask;
	unsigned char healthSummary;
} nvmlGpuFabricInfo_v3_t;
typedef nvmlGpuFabricInfo_v3_t nvmlGpuFabricInfoV_t;
MIG_ABI_SIZE(nvmlGpuFabricInfo_v3_t, 40);
MIG_ABI_VERSION(nvmlGpuFabricInfo_v3_t, 3, 0x3000028);
MIG_ABI_OFFSET(nvmlGpuFabricInfo_v3_t, version, 0);
MIG_ABI_OFFSET(nvmlGpuFabricInfo_v3_t, clusterUuid, 4);
MIG_ABI_OFFSET(nvmlGpuFabricInfo_v3_t, status, 20);
MIG_ABI_OFFSET(nvmlGpuFabricInfo_v3_t, cliqueId, 24);
MIG_ABI_OFFSET(nvmlGpuFabricInfo_v3_t, state, 28);
MIG_ABI_OFFSET(nvmlGpuFabricInfo_v3_t, healthMask, 32);
MIG_ABI_OFFSET(nvmlGpuFabricInfo_v3_t, healthSummary, 36);

/* --- monitoring ------------------------------------------------------------------------------- */

typedef struct nvmlUtilization_st {
	unsigned int gpu;    /* percent */
	unsigned int memory; /* percent */
} nvmlUtilization_t;
MIG_ABI_SIZE(nvmlUtilization_t, 8);
MIG_ABI_OFFSET(nvmlUtilization_t, gpu, 0);
MIG_ABI_OFFSET(nvmlUtilization_t, memory, 4);

typedef enum nvmlTemperatureSensors_enum {
	NVML_TEMPERATURE_GPU = 0,
} nvmlTemperatureSensors_t;

typedef enum nvmlTemperatureThresholds_enum {
	NVML_TEMPERATURE_THRESHOLD_SHUTDOWN = 0,
	NVML_TEMPERATURE_THRESHOLD_SLOWDOWN = 1,
	NVML_TEMPERATURE_THRESHOLD_MEM_MAX = 2,
	NVML_TEMPERATURE_THRESHOLD_GPU_MAX = 3,
	NVML_TEMPERATURE_THRESHOLD_ACOUSTIC_MIN = 4,
	NVML_TEMPERATURE_THRESHOLD_ACOUSTIC_CURR = 5,
	NVML_TEMPERATURE_THRESHOLD_ACOUSTIC_MAX = 6,
} nvmlTemperatureThresholds_t;

typedef struct mig_nvml_temperature_v1 {
	unsigned int version;
	nvmlTemperatureSensors_t sensorType;
	int temperature; /* degrees Celsius */
} nvmlTemperature_v1_t;
typedef nvmlTemperature_v1_t nvmlTemperature_t;
MIG_ABI_SIZE(nvmlTemperature_v1_t, 12);
MIG_ABI_VERSION(nvmlTemperature_v1_t, 1, 0x100000C);
MIG_ABI_OFFSET(nvmlTemperature_v1_t, version, 0);
MIG_ABI_OFFSET(nvmlTemperature_v1_t, sensorType, 4);
MIG_ABI_OFFSET(nvmlTemperature_v1_t, temperature, 8);

typedef enum nvmlClockType_enum {
	NVML_CLOCK_GRAPHICS = 0,
	NVML_CLOCK_SM = 1,
	NVML_CLOCK_MEM = 2,
	NVML_CLOCK_VIDEO = 3,
} nvmlClockType_t;

typedef enum nvmlClockId_enum {
	NVML_CLOCK_ID_CURRENT = 0,
	NVML_CLOCK_ID_APP_CLOCK_TARGET = 1,
	NVML_CLOCK_ID_APP_CLOCK_DEFAULT = 2,
	NVML_CLOCK_ID_CUSTOMER_BOOST_MAX = 3,
} nvmlClockId_t;

typedef enum nvmlPStates_enum {
	NVML_PSTATE_0 = 0,
	NVML_PSTATE_8 = 8,
	NVML_PSTATE_15 = 15,
	NVML_PSTATE_UNKNOWN = 32,
} nvmlPstates_t;

typedef enum nvmlMemoryErrorType_enum {
	NVML_MEMORY_ERROR_TYPE_CORRECTED = 0,
	NVML_MEMORY_ERROR_TYPE_UNCORRECTED = 1,
} nvmlMemoryErrorType_t;

typedef enum nvmlEccCounterType_enum {
	NVML_VOLATILE_ECC = 0,
	NVML_AGGREGATE_ECC = 1,
} nvmlEccCounterType_t;

typedef enum nvmlMemoryLocation_enum {
	NVML_MEMORY_LOCATION_L1_CACHE = 0,
	NVML_MEMORY_LOCATION_L2_CACHE = 1,
	NVML_MEMORY_LOCATION_DRAM = 2,
	NVML_MEMORY_LOCATION_REGISTER_FILE = 3,
	NVML_MEMORY_LOCATION_TEXTURE_MEMORY = 4,
	NVML_MEMORY_LOCATION_TEXTURE_SHM = 5,
	NVML_MEMORY_LOCATION_CBU = 6,
	NVML_MEMORY_LOCATION_SRAM = 7,
} nvmlMemoryLocation_t;
#define NVML_MEMORY_LOCATION_DEVICE_MEMORY NVML_MEMORY_LOCATION_DRAM

typedef struct nvmlEccErrorCounts_st {
	unsigned long long l1Cache;
	unsigned long long l2Cache;
	unsigned long long deviceMemory;
	unsigned long long registerFile;
} nvmlEccErrorCounts_t;
MIG_ABI_SIZE(nvmlEccErrorCounts_t, 32);
MIG_ABI_OFFSET(nvmlEccErrorCounts_t, l1Cache, 0);
MIG_ABI_OFFSET(nvmlEccErrorCounts_t, l2Cache, 8);
MIG_ABI_OFFSET(nvmlEccErrorCounts_t, deviceMemory, 16);
MIG_ABI_OFFSET(nvmlEccErrorCounts_t, registerFile, 24);

typedef enum nvmlPcieUtilCounter_enum {
	NVML_PCIE_UTIL_TX_BYTES = 0,
	NVML_PCIE_UTIL_RX_BYTES = 1,
} nvmlPcieUtilCounter_t;

typedef enum nvmlPageRetirementCause_enum {
	NVML_PAGE_RETIREMENT_CAUSE_MULTIPLE_SINGLE_BIT_ECC_ERRORS = 0,
	NVML_PAGE_RETIREMENT_CAUSE_DOUBLE_BIT_ECC_ERROR = 1,
} nvmlPageRetirementCause_t;

typedef enum nvmlGpuLevel_enum {
	NVML_TOPOLOGY_INTERNAL = 0,
	NVML_TOPOLOGY_SINGLE = 10,
	NVML_TOPOLOGY_MULTIPLE = 20,
	NVML_TOPOLOGY_HOSTBRIDGE = 30,
	NVML_TOPOLOGY_NODE = 40,
	NVML_TOPOLOGY_SYSTEM = 50,
} nvmlGpuTopologyLevel_t;

/* Bits of nvmlDeviceGetCurrentClocksEventReasons (ThrottleReasons on older branches). */
#define nvmlClocksEventReasonGpuIdle		       0x1LL
#define nvmlClocksEventReasonApplicationsClocksSetting 0x2LL
#define nvmlClocksEventReasonSwPowerCap		       0x4LL

typedef unsigned int nvmlPowerSource_t;
#define NVML_POWER_SOURCE_AC 0

typedef enum nvmlPerfPolicyType_enum {
	NVML_PERF_POLICY_POWER = 0,
	NVML_PERF_POLICY_THERMAL = 1,
	NVML_PERF_POLICY_SYNC_BOOST = 2,
	NVML_PERF_POLICY_BOARD_LIMIT = 3,
	NVML_PERF_POLICY_LOW_UTILIZATION = 4,
	NVML_PERF_POLICY_RELIABILITY = 5,
	NVML_PERF_POLICY_TOTAL_APP_CLOCKS = 10,
	NVML_PERF_POLICY_TOTAL_BASE_CLOCKS = 11,
} nvmlPerfPolicyType_t;

typedef struct nvmlViolationTime_st {
	unsigned long long referenceTime; /* microseconds since the epoch */
	unsigned long long violationTime; /* nanoseconds */
} nvmlViolationTime_t;
MIG_ABI_SIZE(nvmlViolationTime_t, 16);
MIG_ABI_OFFSET(nvmlViolationTime_t, referenceTime, 0);
MIG_ABI_OFFSET(nvmlViolationTime_t, violationTime, 8);

typedef struct nvmlFBCStats_st {
	unsigned int sessionsCount;
	unsigned int averageFPS;
	unsigned int averageLatency;
} nvmlFBCStats_t;
MIG_ABI_SIZE(nvmlFBCStats_t, 12);
MIG_ABI_OFFSET(nvmlFBCStats_t, sessionsCount, 0);
MIG_ABI_OFFSET(nvmlFBCStats_t, averageFPS, 4);
MIG_ABI_OFFSET(nvmlFBCStats_t, averageLatency, 8);

typedef struct nvmlRowRemapperHistogramValues_st {
	unsigned int max;
	unsigned int high;
	unsigned int partial;
	unsigned int low;
	unsigned int none;
} nvmlRowRemapperHistogramValues_t;
MIG_ABI_SIZE(nvmlRowRemapperHistogramValues_t, 20);
MIG_ABI_OFFSET(nvmlRowRemapperHistogramValues_t, max, 0);
MIG_ABI_OFFSET(nvmlRowRemapperHistogramValues_t, none, 16);

typedef enum nvmlInforomObject_enum {
	NVML_INFOROM_OEM = 0,
	NVML_INFOROM_ECC = 1,
	NVML_INFOROM_POWER = 2,
} nvmlInforomObject_t;

typedef struct nvmlHwbcEntry_st {
	unsigned int hwbcId;
	char firmwareVersion[32];
} nvmlHwbcEntry_t;
MIG_ABI_SIZE(nvmlHwbcEntry_t, 36);
MIG_ABI_OFFSET(nvmlHwbcEntry_t, firmwareVersion, 4);

typedef struct mig_nvml_pdi_v1 {
	unsigned int version;
	unsigned long long value; /* per-device identifier */
} nvmlPdi_v1_t;
typedef nvmlPdi_v1_t nvmlPdi_t;
MIG_ABI_SIZE(nvmlPdi_v1_t, 16);
MIG_ABI_VERSION(nvmlPdi_v1_t, 1, 0x1000010);
MIG_ABI_OFFSET(nvmlPdi_v1_t, version, 0);
MIG_ABI_OFFSET(nvmlPdi_v1_t, value, 8);

/* --- NVLink and topology ---------------------------------------------------------------------- */

typedef enum nvmlIntNvLinkDeviceType_enum {
	NVML_NVLINK_DEVICE_TYPE_GPU = 0,
	NVML_NVLINK_DEVICE_TYPE_IBMNPU = 1,
	NVML_NVLINK_DEVICE_TYPE_SWITCH = 2,
	NVML_NVLINK_DEVICE_TYPE_UNKNOWN = 0xFF,
} nvmlIntNvLinkDeviceType_t;

typedef enum nvmlNvLinkCapability_enum {
	NVML_NVLINK_CAP_P2P_SUPPORTED = 0,
	NVML_NVLINK_CAP_SYSMEM_ACCESS = 1,
	NVML_NVLINK_CAP_P2P_ATOMICS = 2,
	NVML_NVLINK_CAP_SYSMEM_ATOMICS = 3,
	NVML_NVLINK_CAP_SLI_BRIDGE = 4,
	NVML_NVLINK_CAP_VALID = 5,
} nvmlNvLinkCapability_t;

typedef enum nvmlNvLinkErrorCounter_enum {
	NVML_NVLINK_ERROR_DL_REPLAY = 0,
	NVML_NVLINK_ERROR_DL_RECOVERY = 1,
	NVML_NVLINK_ERROR_DL_CRC_FLIT = 2,
	NVML_NVLINK_ERROR_DL_CRC_DATA = 3,
	NVML_NVLINK_ERROR_DL_ECC_DATA = 4,
} nvmlNvLinkErrorCounter_t;

typedef enum nvmlGpuP2PStatus_enum {
	NVML_P2P_STATUS_OK = 0,
	NVML_P2P_STATUS_GPU_NOT_SUPPORTED = 2,
	NVML_P2P_STATUS_NOT_SUPPORTED = 5,
	NVML_P2P_STATUS_UNKNOWN = 6,
} nvmlGpuP2PStatus_t;

typedef enum nvmlGpuP2PCapsIndex_enum {
	NVML_P2P_CAPS_INDEX_READ = 0,
	NVML_P2P_CAPS_INDEX_WRITE = 1,
	NVML_P2P_CAPS_INDEX_NVLINK = 2,
	NVML_P2P_CAPS_INDEX_ATOMICS = 3,
	NVML_P2P_CAPS_INDEX_PROP = 4,
	NVML_P2P_CAPS_INDEX_UNKNOWN = 5,
} nvmlGpuP2PCapsIndex_t;

typedef unsigned int nvmlAffinityScope_t;
#define NVML_AFFINITY_SCOPE_NODE   0
#define NVML_AFFINITY_SCOPE_SOCKET 1

/* --- field values ----------------------------------------------------------------------------- */

typedef enum nvmlValueType_enum {
	NVML_VALUE_TYPE_DOUBLE = 0,
	NVML_VALUE_TYPE_UNSIGNED_INT = 1,
	NVML_VALUE_TYPE_UNSIGNED_LONG = 2,
	NVML_VALUE_TYPE_UNSIGNED_LONG_LONG = 3,
	NVML_VALUE_TYPE_SIGNED_LONG_LONG = 4,
	NVML_VALUE_TYPE_SIGNED_INT = 5,
	NVML_VALUE_TYPE_UNSIGNED_SHORT = 6,
} nvmlValueType_t;

typedef union nvmlValue_st {
	double dVal;
	int siVal;
	unsigned int uiVal;
	unsigned long ulVal;
	unsigned long long ullVal;
	signed long long sllVal;
	unsigned short usVal;
} nvmlValue_t;
MIG_ABI_SIZE(nvmlValue_t, 8);

typedef struct nvmlFieldValue_st {
	unsigned int fieldId; /* NVML_FI_… */
	unsigned int scopeId;
	long long timestamp; /* microseconds since the epoch */
	long long latencyUsec;
	nvmlValueType_t valueType;
	nvmlReturn_t nvmlReturn; /* the other fields hold nothing unless this is success */
	nvmlValue_t value;
} nvmlFieldValue_t;
MIG_ABI_SIZE(nvmlFieldValue_t, 40);
MIG_ABI_OFFSET(nvmlFieldValue_t, fieldId, 0);
MIG_ABI_OFFSET(nvmlFieldValue_t, scopeId, 4);
MIG_ABI_OFFSET(nvmlFieldValue_t, timestamp, 8);
MIG_ABI_OFFSET(nvmlFieldValue_t, latencyUsec, 16);
MIG_ABI_OFFSET(nvmlFieldValue_t, valueType, 24);
MIG_ABI_OFFSET(nvmlFieldValue_t, nvmlReturn, 28);
MIG_ABI_OFFSET(nvmlFieldValue_t, value, 32);

#define NVML_FI_DEV_ECC_CURRENT				      1
#define NVML_FI_DEV_ECC_PENDING				      2
#define NVML_FI_DEV_ECC_SBE_VOL_TOTAL			      3
#define NVML_FI_DEV_ECC_DBE_VOL_TOTAL			      4
#define NVML_FI_DEV_ECC_SBE_AGG_TOTAL			      5
#define NVML_FI_DEV_ECC_DBE_AGG_TOTAL			      6
#define NVML_FI_DEV_RETIRED_SBE				      29
#define NVML_FI_DEV_RETIRED_DBE				      30
#define NVML_FI_DEV_RETIRED_PENDING			      31
#define NVML_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_L0	      32
#define NVML_FI_DEV_NVLINK_BANDWIDTH_C1_TOTAL		      73
#define NVML_FI_DEV_PERF_POLICY_POWER			      74
#define NVML_FI_DEV_PERF_POLICY_TOTAL_BASE_CLOCKS	      81
#define NVML_FI_DEV_MEMORY_TEMP				      82
#define NVML_FI_DEV_TOTAL_ENERGY_CONSUMPTION		      83
#define NVML_FI_DEV_NVLINK_SPEED_MBPS_L0		      84
#define NVML_FI_DEV_NVLINK_SPEED_MBPS_L5		      89
#define NVML_FI_DEV_NVLINK_SPEED_MBPS_COMMON		      90
#define NVML_FI_DEV_NVLINK_LINK_COUNT			      91
#define NVML_FI_DEV_PCIE_REPLAY_COUNTER			      94
#define NVML_FI_DEV_PCIE_REPLAY_ROLLOVER_COUNTER	      95
#define NVML_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_L6	      96
#define NVML_FI_DEV_NVLINK_BANDWIDTH_C1_L11		      131
#define NVML_FI_DEV_NVLINK_SPEED_MBPS_L6		      132
#define NVML_FI_DEV_NVLINK_SPEED_MBPS_L11		      137
#define NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_TX		      138
#define NVML_FI_DEV_NVLINK_THROUGHPUT_RAW_RX		      141
#define NVML_FI_DEV_REMAPPED_COR			      142
#define NVML_FI_DEV_REMAPPED_UNC			      143
#define NVML_FI_DEV_REMAPPED_PENDING			      144
#define NVML_FI_DEV_REMAPPED_FAILURE			      145
#define NVML_FI_DEV_NVSWITCH_CONNECTED_LINK_COUNT	      147
#define NVML_FI_DEV_NVLINK_ECC_DATA_ERROR_COUNT_L0	      148
#define NVML_FI_DEV_NVLINK_ERROR_DL_REPLAY		      161
#define NVML_FI_DEV_NVLINK_ERROR_DL_CRC			      163
#define NVML_FI_DEV_NVLINK_GET_SPEED			      164
#define NVML_FI_DEV_NVLINK_GET_STATE			      165
#define NVML_FI_DEV_NVLINK_GET_VERSION			      166
#define NVML_FI_DEV_PCIE_L0_TO_RECOVERY_COUNTER		      169
#define NVML_FI_DEV_PCIE_COUNT_CORRECTABLE_ERRORS	      173
#define NVML_FI_DEV_PCIE_COUNT_LANE_ERROR		      183
#define NVML_FI_DEV_IS_RESETLESS_MIG_SUPPORTED		      184
#define NVML_FI_DEV_POWER_AVERAGE			      185
#define NVML_FI_DEV_POWER_INSTANT			      186
#define NVML_FI_DEV_POWER_MIN_LIMIT			      187
#define NVML_FI_DEV_POWER_MAX_LIMIT			      188
#define NVML_FI_DEV_POWER_DEFAULT_LIMIT			      189
#define NVML_FI_DEV_POWER_CURRENT_LIMIT			      190
#define NVML_FI_DEV_ENERGY				      191
#define NVML_FI_DEV_POWER_REQUESTED_LIMIT		      192
#define NVML_FI_DEV_TEMPERATURE_SHUTDOWN_TLIMIT		      193
#define NVML_FI_DEV_TEMPERATURE_SLOWDOWN_TLIMIT		      194
#define NVML_FI_DEV_TEMPERATURE_MEM_MAX_TLIMIT		      195
#define NVML_FI_DEV_TEMPERATURE_GPU_MAX_TLIMIT		      196
#define NVML_FI_DEV_IS_MIG_MODE_INDEPENDENT_MIG_QUERY_CAPABLE 199
