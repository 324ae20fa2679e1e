/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The NVML entry points, each written down once.
 *
 * MIG_NVML_SYMBOLS lists what migctl calls. The vtable (nvml/driver.h), the look-up and the calls
 * (loader.c), the counter (trace.c) and the prototypes below are all made from it. A row is:
 *
 *   name     NVML's name, of the newest version that we use
 *   need     REQUIRED: without it the library is not usable; OPTIONAL: its absence is an answer
 *   branch   first driver branch of data/nvml/symbols that exports it (checked by a test)
 *   effect   READS, or CHANGES when a success alters the GPU
 *   older    an older name with the very same signature, looked up when `name` is missing
 *   params, args
 *
 * There are three kinds of rows: CALL for ordinary functions, PLAIN for the one without parameters,
 * TEXT for the one that returns a string. MIG_NVML_SIM_SYMBOLS lists the further entry points that
 * the simulated driver may define; migctl never calls those. Must not know how anything is loaded.
 */
#pragma once

#include "nvml/nvml_abi.h"

/* clang-format off */
#define MIG_NVML_SYMBOLS(CALL, PLAIN, TEXT)                                                        \
	CALL(nvmlInitWithFlags, REQUIRED, 470, READS, NULL,                                        \
	     (unsigned int flags), (flags))                                                        \
	PLAIN(nvmlShutdown, REQUIRED, 470, READS)                                                  \
	TEXT(nvmlErrorString, REQUIRED, 470, READS,                                                \
	     (nvmlReturn_t result), (result))                                                      \
	CALL(nvmlInternalGetExportTable, OPTIONAL, 470, READS, NULL,                               \
	     (const void **table, const unsigned char *uuid), (table, uuid))                       \
	CALL(nvmlSystemGetDriverVersion, REQUIRED, 470, READS, NULL,                               \
	     (char *version, unsigned int length), (version, length))                              \
	CALL(nvmlSystemGetNVMLVersion, OPTIONAL, 470, READS, NULL,                                 \
	     (char *version, unsigned int length), (version, length))                              \
	CALL(nvmlSystemGetCudaDriverVersion_v2, OPTIONAL, 470, READS, NULL,                        \
	     (int *cudaDriverVersion), (cudaDriverVersion))                                        \
	CALL(nvmlDeviceGetCount_v2, REQUIRED, 470, READS, NULL,                                    \
	     (unsigned int *deviceCount), (deviceCount))                                           \
	CALL(nvmlDeviceGetHandleByIndex_v2, REQUIRED, 470, READS, NULL,                            \
	     (unsigned int index, nvmlDevice_t *device), (index, device))                          \
	CALL(nvmlDeviceGetHandleByUUID, OPTIONAL, 470, READS, NULL,                                \
	     (const char *uuid, nvmlDevice_t *device), (uuid, device))                             \
	CALL(nvmlDeviceGetHandleByPciBusId_v2, OPTIONAL, 470, READS, NULL,                         \
	     (const char *pciBusId, nvmlDevice_t *device), (pciBusId, device))                     \
	CALL(nvmlDeviceGetName, REQUIRED, 470, READS, NULL,                                        \
	     (nvmlDevice_t device, char *name, unsigned int length), (device, name, length))       \
	CALL(nvmlDeviceGetUUID, REQUIRED, 470, READS, NULL,                                        \
	     (nvmlDevice_t device, char *uuid, unsigned int length), (device, uuid, length))       \
	CALL(nvmlDeviceGetIndex, OPTIONAL, 470, READS, NULL,                                       \
	     (nvmlDevice_t device, unsigned int *index), (device, index))                          \
	CALL(nvmlDeviceGetMinorNumber, OPTIONAL, 470, READS, NULL,                                 \
	     (nvmlDevice_t device, unsigned int *minorNumber), (device, minorNumber))              \
	CALL(nvmlDeviceGetPciInfo_v3, OPTIONAL, 470, READS, NULL,                                  \
	     (nvmlDevice_t device, nvmlPciInfo_t *pci), (device, pci))                             \
	CALL(nvmlDeviceGetBrand, OPTIONAL, 470, READS, NULL,                                       \
	     (nvmlDevice_t device, nvmlBrandType_t *type), (device, type))                         \
	CALL(nvmlDeviceGetArchitecture, OPTIONAL, 470, READS, NULL,                                \
	     (nvmlDevice_t device, nvmlDeviceArchitecture_t *arch), (device, arch))                \
	CALL(nvmlDeviceGetCudaComputeCapability, OPTIONAL, 470, READS, NULL,                       \
	     (nvmlDevice_t device, int *major, int *minor), (device, major, minor))                \
	CALL(nvmlDeviceGetNumGpuCores, OPTIONAL, 535, READS, NULL,                                 \
	     (nvmlDevice_t device, unsigned int *numCores), (device, numCores))                    \
	CALL(nvmlDeviceGetNumaNodeId, OPTIONAL, 550, READS, NULL,                                  \
	     (nvmlDevice_t device, unsigned int *node), (device, node))                            \
	CALL(nvmlDeviceGetPersistenceMode, OPTIONAL, 470, READS, NULL,                             \
	     (nvmlDevice_t device, nvmlEnableState_t *mode), (device, mode))                       \
	CALL(nvmlDeviceGetMemoryInfo, OPTIONAL, 470, READS, NULL,                                  \
	     (nvmlDevice_t device, nvmlMemory_t *memory), (device, memory))                        \
	CALL(nvmlDeviceGetMemoryInfo_v2, OPTIONAL, 535, READS, NULL,                               \
	     (nvmlDevice_t device, nvmlMemory_v2_t *memory), (device, memory))                     \
	CALL(nvmlDeviceGetBAR1MemoryInfo, OPTIONAL, 470, READS, NULL,                              \
	     (nvmlDevice_t device, nvmlBAR1Memory_t *bar1Memory), (device, bar1Memory))            \
	CALL(nvmlDeviceGetFieldValues, OPTIONAL, 470, READS, NULL,                                 \
	     (nvmlDevice_t device, int valuesCount, nvmlFieldValue_t *values),                     \
	     (device, valuesCount, values))                                                        \
	CALL(nvmlDeviceGetComputeRunningProcesses_v3, OPTIONAL, 535, READS,                        \
	     "nvmlDeviceGetComputeRunningProcesses_v2",                                            \
	     (nvmlDevice_t device, unsigned int *infoCount, nvmlProcessInfo_t *infos),             \
	     (device, infoCount, infos))                                                           \
	CALL(nvmlDeviceGetGraphicsRunningProcesses_v3, OPTIONAL, 535, READS,                       \
	     "nvmlDeviceGetGraphicsRunningProcesses_v2",                                           \
	     (nvmlDevice_t device, unsigned int *infoCount, nvmlProcessInfo_t *infos),             \
	     (device, infoCount, infos))                                                           \
	CALL(nvmlDeviceGetMPSComputeRunningProcesses_v3, OPTIONAL, 535, READS,                     \
	     "nvmlDeviceGetMPSComputeRunningProcesses_v2",                                         \
	     (nvmlDevice_t device, unsigned int *infoCount, nvmlProcessInfo_t *infos),             \
	     (device, infoCount, infos))                                                           \
	CALL(nvmlDeviceGetMigMode, OPTIONAL, 470, READS, NULL,                                     \
	     (nvmlDevice_t device, unsigned int *currentMode, unsigned int *pendingMode),          \
	     (device, currentMode, pendingMode))                                                   \
	CALL(nvmlDeviceSetMigMode, OPTIONAL, 470, CHANGES, NULL,                                   \
	     (nvmlDevice_t device, unsigned int mode, nvmlReturn_t *activationStatus),             \
	     (device, mode, activationStatus))                                                     \
	CALL(nvmlDeviceGetMaxMigDeviceCount, OPTIONAL, 470, READS, NULL,                           \
	     (nvmlDevice_t device, unsigned int *count), (device, count))                          \
	CALL(nvmlDeviceGetMigDeviceHandleByIndex, OPTIONAL, 470, READS, NULL,                      \
	     (nvmlDevice_t device, unsigned int index, nvmlDevice_t *migDevice),                   \
	     (device, index, migDevice))                                                           \
	CALL(nvmlDeviceIsMigDeviceHandle, OPTIONAL, 470, READS, NULL,                              \
	     (nvmlDevice_t device, unsigned int *isMigDevice), (device, isMigDevice))              \
	CALL(nvmlDeviceGetGpuInstanceId, OPTIONAL, 470, READS, NULL,                               \
	     (nvmlDevice_t device, unsigned int *id), (device, id))                                \
	CALL(nvmlDeviceGetComputeInstanceId, OPTIONAL, 470, READS, NULL,                           \
	     (nvmlDevice_t device, unsigned int *id), (device, id))                                \
	CALL(nvmlDeviceGetDeviceHandleFromMigDeviceHandle, OPTIONAL, 470, READS, NULL,             \
	     (nvmlDevice_t migDevice, nvmlDevice_t *device), (migDevice, device))                  \
	CALL(nvmlDeviceGetAttributes_v2, OPTIONAL, 470, READS, NULL,                               \
	     (nvmlDevice_t device, nvmlDeviceAttributes_t *attributes), (device, attributes))      \
	CALL(nvmlDeviceGetGpuInstanceProfileInfo, OPTIONAL, 470, READS, NULL,                      \
	     (nvmlDevice_t device, unsigned int profile, nvmlGpuInstanceProfileInfo_t *info),      \
	     (device, profile, info))                                                              \
	CALL(nvmlDeviceGetGpuInstanceProfileInfoV, OPTIONAL, 535, READS, NULL,                     \
	     (nvmlDevice_t device, unsigned int profile, nvmlGpuInstanceProfileInfo_v2_t *info),   \
	     (device, profile, info))                                                              \
	CALL(nvmlDeviceGetGpuInstanceProfileInfoByIdV, OPTIONAL, 580, READS, NULL,                 \
	     (nvmlDevice_t device, unsigned int profileId, nvmlGpuInstanceProfileInfo_v2_t *info), \
	     (device, profileId, info))                                                            \
	CALL(nvmlDeviceGetGpuInstancePossiblePlacements_v2, OPTIONAL, 470, READS, NULL,            \
	     (nvmlDevice_t device, unsigned int profileId, nvmlGpuInstancePlacement_t *placements, \
	      unsigned int *count), (device, profileId, placements, count))                        \
	CALL(nvmlDeviceGetGpuInstanceRemainingCapacity, OPTIONAL, 470, READS, NULL,                \
	     (nvmlDevice_t device, unsigned int profileId, unsigned int *count),                   \
	     (device, profileId, count))                                                           \
	CALL(nvmlDeviceCreateGpuInstance, OPTIONAL, 470, CHANGES, NULL,                            \
	     (nvmlDevice_t device, unsigned int profileId, nvmlGpuInstance_t *gpuInstance),        \
	     (device, profileId, gpuInstance))                                                     \
	CALL(nvmlDeviceCreateGpuInstanceWithPlacement, OPTIONAL, 470, CHANGES, NULL,               \
	     (nvmlDevice_t device, unsigned int profileId,                                         \
	      const nvmlGpuInstancePlacement_t *placement, nvmlGpuInstance_t *gpuInstance),        \
	     (device, profileId, placement, gpuInstance))                                          \
	CALL(nvmlGpuInstanceDestroy, OPTIONAL, 470, CHANGES, NULL,                                 \
	     (nvmlGpuInstance_t gpuInstance), (gpuInstance))                                       \
	CALL(nvmlDeviceGetGpuInstances, OPTIONAL, 470, READS, NULL,                                \
	     (nvmlDevice_t device, unsigned int profileId, nvmlGpuInstance_t *gpuInstances,        \
	      unsigned int *count), (device, profileId, gpuInstances, count))                      \
	CALL(nvmlDeviceGetGpuInstanceById, OPTIONAL, 470, READS, NULL,                             \
	     (nvmlDevice_t device, unsigned int id, nvmlGpuInstance_t *gpuInstance),               \
	     (device, id, gpuInstance))                                                            \
	CALL(nvmlGpuInstanceGetInfo, OPTIONAL, 470, READS, NULL,                                   \
	     (nvmlGpuInstance_t gpuInstance, nvmlGpuInstanceInfo_t *info), (gpuInstance, info))    \
	CALL(nvmlGpuInstanceGetComputeInstanceProfileInfo, OPTIONAL, 470, READS, NULL,             \
	     (nvmlGpuInstance_t gpuInstance, unsigned int profile, unsigned int engProfile,        \
	      nvmlComputeInstanceProfileInfo_t *info), (gpuInstance, profile, engProfile, info))   \
	CALL(nvmlGpuInstanceGetComputeInstanceProfileInfoV, OPTIONAL, 535, READS, NULL,            \
	     (nvmlGpuInstance_t gpuInstance, unsigned int profile, unsigned int engProfile,        \
	      nvmlComputeInstanceProfileInfo_v2_t *info), (gpuInstance, profile, engProfile, info))\
	CALL(nvmlGpuInstanceGetComputeInstancePossiblePlacements, OPTIONAL, 535, READS, NULL,      \
	     (nvmlGpuInstance_t gpuInstance, unsigned int profileId,                               \
	      nvmlComputeInstancePlacement_t *placements, unsigned int *count),                    \
	     (gpuInstance, profileId, placements, count))                                          \
	CALL(nvmlGpuInstanceGetComputeInstanceRemainingCapacity, OPTIONAL, 470, READS, NULL,       \
	     (nvmlGpuInstance_t gpuInstance, unsigned int profileId, unsigned int *count),         \
	     (gpuInstance, profileId, count))                                                      \
	CALL(nvmlGpuInstanceCreateComputeInstance, OPTIONAL, 470, CHANGES, NULL,                   \
	     (nvmlGpuInstance_t gpuInstance, unsigned int profileId,                               \
	      nvmlComputeInstance_t *computeInstance), (gpuInstance, profileId, computeInstance))  \
	CALL(nvmlGpuInstanceCreateComputeInstanceWithPlacement, OPTIONAL, 535, CHANGES, NULL,      \
	     (nvmlGpuInstance_t gpuInstance, unsigned int profileId,                               \
	      const nvmlComputeInstancePlacement_t *placement,                                     \
	      nvmlComputeInstance_t *computeInstance),                                             \
	     (gpuInstance, profileId, placement, computeInstance))                                 \
	CALL(nvmlComputeInstanceDestroy, OPTIONAL, 470, CHANGES, NULL,                             \
	     (nvmlComputeInstance_t computeInstance), (computeInstance))                           \
	CALL(nvmlGpuInstanceGetComputeInstances, OPTIONAL, 470, READS, NULL,                       \
	     (nvmlGpuInstance_t gpuInstance, unsigned int profileId,                               \
	      nvmlComputeInstance_t *computeInstances, unsigned int *count),                       \
	     (gpuInstance, profileId, computeInstances, count))                                    \
	CALL(nvmlGpuInstanceGetComputeInstanceById, OPTIONAL, 470, READS, NULL,                    \
	     (nvmlGpuInstance_t gpuInstance, unsigned int id,                                      \
	      nvmlComputeInstance_t *computeInstance), (gpuInstance, id, computeInstance))         \
	CALL(nvmlComputeInstanceGetInfo_v2, OPTIONAL, 470, READS, NULL,                            \
	     (nvmlComputeInstance_t computeInstance, nvmlComputeInstanceInfo_t *info),             \
	     (computeInstance, info))                                                              \
	CALL(nvmlSystemGetProcessName, OPTIONAL, 470, READS, NULL,                                 \
	     (unsigned int pid, char *name, unsigned int length), (pid, name, length))             \
	CALL(nvmlDeviceGetPciInfoExt, OPTIONAL, 550, READS, NULL,                                  \
	     (nvmlDevice_t device, nvmlPciInfoExt_t *pci), (device, pci))                          \
	CALL(nvmlDeviceGetComputeMode, OPTIONAL, 470, READS, NULL,                                 \
	     (nvmlDevice_t device, nvmlComputeMode_t *mode), (device, mode))                       \
	CALL(nvmlDeviceGetDisplayActive, OPTIONAL, 470, READS, NULL,                               \
	     (nvmlDevice_t device, nvmlEnableState_t *isActive), (device, isActive))               \
	CALL(nvmlDeviceGetUtilizationRates, OPTIONAL, 470, READS, NULL,                            \
	     (nvmlDevice_t device, nvmlUtilization_t *utilization), (device, utilization))         \
	CALL(nvmlDeviceGetTemperature, OPTIONAL, 470, READS, NULL,                                 \
	     (nvmlDevice_t device, nvmlTemperatureSensors_t sensorType,                            \
	      unsigned int *temp), (device, sensorType, temp))                                     \
	CALL(nvmlDeviceGetPerformanceState, OPTIONAL, 470, READS, NULL,                            \
	     (nvmlDevice_t device, nvmlPstates_t *pState), (device, pState))                       \
	CALL(nvmlDeviceGetPowerUsage, OPTIONAL, 470, READS, NULL,                                  \
	     (nvmlDevice_t device, unsigned int *power), (device, power))                          \
	CALL(nvmlDeviceGetEnforcedPowerLimit, OPTIONAL, 470, READS, NULL,                          \
	     (nvmlDevice_t device, unsigned int *limit), (device, limit))                          \
	CALL(nvmlDeviceGetFanSpeed, OPTIONAL, 470, READS, NULL,                                    \
	     (nvmlDevice_t device, unsigned int *speed), (device, speed))                          \
	CALL(nvmlDeviceGetEccMode, OPTIONAL, 470, READS, NULL,                                     \
	     (nvmlDevice_t device, nvmlEnableState_t *current,                                     \
	      nvmlEnableState_t *pending), (device, current, pending))                             \
	CALL(nvmlDeviceGetTotalEccErrors, OPTIONAL, 470, READS, NULL,                              \
	     (nvmlDevice_t device, nvmlMemoryErrorType_t errorType,                                \
	      nvmlEccCounterType_t counterType, unsigned long long *eccCounts),                    \
	     (device, errorType, counterType, eccCounts))                                          \
	CALL(nvmlDeviceGetMemoryErrorCounter, OPTIONAL, 470, READS, NULL,                          \
	     (nvmlDevice_t device, nvmlMemoryErrorType_t errorType,                                \
	      nvmlEccCounterType_t counterType, nvmlMemoryLocation_t locationType,                 \
	      unsigned long long *count),                                                          \
	     (device, errorType, counterType, locationType, count))                                \
	CALL(nvmlDeviceValidateInforom, OPTIONAL, 470, READS, NULL,                                \
	     (nvmlDevice_t device), (device))                                                      \
	CALL(nvmlEventSetCreate, OPTIONAL, 470, READS, NULL,                                       \
	     (nvmlEventSet_t *set), (set))                                                         \
	CALL(nvmlDeviceGetSupportedEventTypes, OPTIONAL, 470, READS, NULL,                         \
	     (nvmlDevice_t device, unsigned long long *eventTypes), (device, eventTypes))          \
	CALL(nvmlDeviceRegisterEvents, OPTIONAL, 470, READS, NULL,                                 \
	     (nvmlDevice_t device, unsigned long long eventTypes, nvmlEventSet_t set),             \
	     (device, eventTypes, set))                                                            \
	CALL(nvmlEventSetWait_v2, OPTIONAL, 470, READS, NULL,                                      \
	     (nvmlEventSet_t set, nvmlEventData_t *data, unsigned int timeoutms),                  \
	     (set, data, timeoutms))                                                               \
	CALL(nvmlEventSetFree, OPTIONAL, 470, READS, NULL,                                         \
	     (nvmlEventSet_t set), (set))

/* Entry points that only the simulated driver has to declare: X(name, params). */
#define MIG_NVML_SIM_SYMBOLS(X)                                                                    \
	X(nvmlInit, (void))                                                                        \
	X(nvmlInit_v2, (void))                                                                     \
	X(nvmlSystemGetCudaDriverVersion, (int *cudaDriverVersion))                                \
	X(nvmlUnitGetCount, (unsigned int *unitCount))                                             \
	X(nvmlDeviceGetCount, (unsigned int *deviceCount))                                         \
	X(nvmlDeviceGetHandleByIndex, (unsigned int index, nvmlDevice_t *device))                  \
	X(nvmlDeviceGetHandleBySerial, (const char *serial, nvmlDevice_t *device))                 \
	X(nvmlDeviceGetHandleByUUIDV, (const nvmlUUID_t *uuid, nvmlDevice_t *device))              \
	X(nvmlDeviceGetHandleByPciBusId, (const char *pciBusId, nvmlDevice_t *device))             \
	X(nvmlDeviceGetPciInfo, (nvmlDevice_t device, nvmlPciInfo_v1_t *pci))                      \
	X(nvmlDeviceGetPciInfo_v2, (nvmlDevice_t device, nvmlPciInfo_v2_t *pci))                   \
	X(nvmlDeviceGetSerial, (nvmlDevice_t device, char *serial, unsigned int length))           \
	X(nvmlDeviceGetBoardId, (nvmlDevice_t device, unsigned int *boardId))                      \
	X(nvmlDeviceGetMultiGpuBoard, (nvmlDevice_t device, unsigned int *multiGpuBool))           \
	X(nvmlDeviceGetModuleId, (nvmlDevice_t device, unsigned int *moduleId))                    \
	X(nvmlDeviceGetVbiosVersion, (nvmlDevice_t device, char *version, unsigned int length))    \
	X(nvmlDeviceGetBusType, (nvmlDevice_t device, nvmlBusType_t *type))                        \
	X(nvmlDeviceGetC2cModeInfoV, (nvmlDevice_t device, nvmlC2cModeInfo_v1_t *c2cModeInfo))     \
	X(nvmlDeviceGetAddressingMode, (nvmlDevice_t device, nvmlDeviceAddressingMode_t *mode))    \
	X(nvmlDeviceGetGpuFabricInfo,                                                              \
	  (nvmlDevice_t device, nvmlGpuFabricInfo_t *gpuFabricInfo))                               \
	X(nvmlDeviceGetGpuFabricInfoV,                                                             \
	  (nvmlDevice_t device, nvmlGpuFabricInfoV_t *gpuFabricInfo))                              \
	X(nvmlDeviceGetVirtualizationMode,                                                         \
	  (nvmlDevice_t device, nvmlGpuVirtualizationMode_t *pVirtualMode))                        \
	X(nvmlDeviceSetPersistenceMode, (nvmlDevice_t device, nvmlEnableState_t mode))             \
	X(nvmlDeviceGetDisplayMode, (nvmlDevice_t device, nvmlEnableState_t *display))             \
	X(nvmlDeviceGetCpuAffinity,                                                                \
	  (nvmlDevice_t device, unsigned int cpuSetSize, unsigned long *cpuSet))                   \
	X(nvmlDeviceGetTopologyCommonAncestor,                                                     \
	  (nvmlDevice_t device1, nvmlDevice_t device2, nvmlGpuTopologyLevel_t *pathInfo))          \
	X(nvmlDeviceGetAttributes,                                                                 \
	  (nvmlDevice_t device, nvmlDeviceAttributes_v1_t *attributes))                            \
	X(nvmlComputeInstanceGetInfo,                                                              \
	  (nvmlComputeInstance_t computeInstance, nvmlComputeInstanceInfo_v1_t *info))             \
	X(nvmlDeviceGetGpuInstancePossiblePlacements,                                              \
	  (nvmlDevice_t device, unsigned int profileId, nvmlGpuInstancePlacement_t *placements,    \
	   unsigned int *count))                                                                   \
	X(nvmlDeviceGetComputeRunningProcesses,                                                    \
	  (nvmlDevice_t device, unsigned int *infoCount, nvmlProcessInfo_v1_t *infos))             \
	X(nvmlDeviceGetComputeRunningProcesses_v2,                                                 \
	  (nvmlDevice_t device, unsigned int *infoCount, nvmlProcessInfo_v2_t *infos))             \
	X(nvmlDeviceGetGraphicsRunningProcesses,                                                   \
	  (nvmlDevice_t device, unsigned int *infoCount, nvmlProcessInfo_v1_t *infos))             \
	X(nvmlDeviceGetGraphicsRunningProcesses_v2,                                                \
	  (nvmlDevice_t device, unsigned int *infoCount, nvmlProcessInfo_v2_t *infos))             \
	X(nvmlDeviceGetMPSComputeRunningProcesses,                                                 \
	  (nvmlDevice_t device, unsigned int *infoCount, nvmlProcessInfo_v1_t *infos))             \
	X(nvmlDeviceGetMPSComputeRunningProcesses_v2,                                              \
	  (nvmlDevice_t device, unsigned int *infoCount, nvmlProcessInfo_v2_t *infos))             \
	X(nvmlDeviceGetRunningProcessDetailList,                                                   \
	  (nvmlDevice_t device, nvmlProcessDetailList_t *plist))                                   \
	X(nvmlDeviceGetProcessUtilization,                                                         \
	  (nvmlDevice_t device, nvmlProcessUtilizationSample_t *utilization,                       \
	   unsigned int *processSamplesCount, unsigned long long lastSeenTimeStamp))               \
	X(nvmlEventSetWait, (nvmlEventSet_t set, nvmlEventData_t *data, unsigned int timeoutms))   \
	X(nvmlDeviceGetTemperatureV, (nvmlDevice_t device, nvmlTemperature_t *temperature))        \
	X(nvmlDeviceGetTemperatureThreshold,                                                       \
	  (nvmlDevice_t device, nvmlTemperatureThresholds_t thresholdType, unsigned int *temp))    \
	X(nvmlDeviceGetClockInfo,                                                                  \
	  (nvmlDevice_t device, nvmlClockType_t type, unsigned int *clock))                        \
	X(nvmlDeviceGetMaxClockInfo,                                                               \
	  (nvmlDevice_t device, nvmlClockType_t type, unsigned int *clock))                        \
	X(nvmlDeviceGetClock, (nvmlDevice_t device, nvmlClockType_t clockType,                     \
			       nvmlClockId_t clockId, unsigned int *clockMHz))                     \
	X(nvmlDeviceGetPowerManagementLimit, (nvmlDevice_t device, unsigned int *limit))           \
	X(nvmlDeviceGetNumFans, (nvmlDevice_t device, unsigned int *numFans))                      \
	X(nvmlDeviceGetEncoderUtilization,                                                         \
	  (nvmlDevice_t device, unsigned int *utilization, unsigned int *samplingPeriodUs))        \
	X(nvmlDeviceGetDecoderUtilization,                                                         \
	  (nvmlDevice_t device, unsigned int *utilization, unsigned int *samplingPeriodUs))        \
	X(nvmlDeviceGetPcieThroughput,                                                             \
	  (nvmlDevice_t device, nvmlPcieUtilCounter_t counter, unsigned int *value))               \
	X(nvmlDeviceGetMaxPcieLinkGeneration, (nvmlDevice_t device, unsigned int *maxLinkGen))     \
	X(nvmlDeviceGetMaxPcieLinkWidth, (nvmlDevice_t device, unsigned int *maxLinkWidth))        \
	X(nvmlDeviceGetCurrPcieLinkGeneration, (nvmlDevice_t device, unsigned int *currLinkGen))   \
	X(nvmlDeviceGetCurrPcieLinkWidth, (nvmlDevice_t device, unsigned int *currLinkWidth))      \
	X(nvmlDeviceGetDefaultEccMode,                                                             \
	  (nvmlDevice_t device, nvmlEnableState_t *defaultMode))                                   \
	X(nvmlDeviceSetEccMode,                                                                    \
	  (nvmlDevice_t device, nvmlEnableState_t ecc))                                            \
	X(nvmlDeviceClearEccErrorCounts,                                                           \
	  (nvmlDevice_t device, nvmlEccCounterType_t counterType))                                 \
	X(nvmlDeviceGetDetailedEccErrors,                                                          \
	  (nvmlDevice_t device, nvmlMemoryErrorType_t errorType,                                   \
	   nvmlEccCounterType_t counterType, nvmlEccErrorCounts_t *eccCounts))                     \
	X(nvmlDeviceGetRetiredPages,                                                               \
	  (nvmlDevice_t device, nvmlPageRetirementCause_t cause, unsigned int *pageCount,          \
	   unsigned long long *addresses))                                                         \
	X(nvmlDeviceGetRetiredPages_v2,                                                            \
	  (nvmlDevice_t device, nvmlPageRetirementCause_t cause, unsigned int *pageCount,          \
	   unsigned long long *addresses, unsigned long long *timestamps))                         \
	X(nvmlDeviceGetRetiredPagesPendingStatus,                                                  \
	  (nvmlDevice_t device, nvmlEnableState_t *isPending))                                     \
	X(nvmlDeviceGetRemappedRows,                                                               \
	  (nvmlDevice_t device, unsigned int *corrRows, unsigned int *uncRows,                     \
	   unsigned int *isPending, unsigned int *failureOccurred))                                \
	X(nvmlDeviceGetBoardPartNumber,                                                            \
	  (nvmlDevice_t device, char *partNumber, unsigned int length))                            \
	X(nvmlDeviceGetInforomImageVersion,                                                        \
	  (nvmlDevice_t device, char *version, unsigned int length))                               \
	X(nvmlDeviceGetInforomVersion,                                                             \
	  (nvmlDevice_t device, nvmlInforomObject_t object, char *version,                         \
	   unsigned int length))                                                                   \
	X(nvmlDeviceGetInforomConfigurationChecksum,                                               \
	  (nvmlDevice_t device, unsigned int *checksum))                                           \
	X(nvmlDeviceGetGspFirmwareVersion, (nvmlDevice_t device, char *version))                   \
	X(nvmlDeviceGetGspFirmwareMode,                                                            \
	  (nvmlDevice_t device, unsigned int *isEnabled, unsigned int *defaultMode))               \
	X(nvmlDeviceGetMemoryBusWidth, (nvmlDevice_t device, unsigned int *busWidth))              \
	X(nvmlDeviceGetRowRemapperHistogram,                                                       \
	  (nvmlDevice_t device, nvmlRowRemapperHistogramValues_t *values))                         \
	X(nvmlDeviceGetPdi, (nvmlDevice_t device, nvmlPdi_t *pdi))                                 \
	X(nvmlSystemGetHicVersion,                                                                 \
	  (unsigned int *hwbcCount, nvmlHwbcEntry_t *hwbcEntries))                                 \
	X(nvmlDeviceGetApplicationsClock,                                                          \
	  (nvmlDevice_t device, nvmlClockType_t clockType, unsigned int *clockMHz))                \
	X(nvmlDeviceGetDefaultApplicationsClock,                                                   \
	  (nvmlDevice_t device, nvmlClockType_t clockType, unsigned int *clockMHz))                \
	X(nvmlDeviceGetMaxCustomerBoostClock,                                                      \
	  (nvmlDevice_t device, nvmlClockType_t clockType, unsigned int *clockMHz))                \
	X(nvmlDeviceGetSupportedMemoryClocks,                                                      \
	  (nvmlDevice_t device, unsigned int *count, unsigned int *clocksMHz))                     \
	X(nvmlDeviceGetSupportedGraphicsClocks,                                                    \
	  (nvmlDevice_t device, unsigned int memoryClockMHz, unsigned int *count,                  \
	   unsigned int *clocksMHz))                                                               \
	X(nvmlDeviceGetPowerState, (nvmlDevice_t device, nvmlPstates_t *pState))                   \
	X(nvmlDeviceGetSupportedPerformanceStates,                                                 \
	  (nvmlDevice_t device, nvmlPstates_t *pstates, unsigned int size))                        \
	X(nvmlDeviceGetMinMaxClockOfPState,                                                        \
	  (nvmlDevice_t device, nvmlClockType_t type, nvmlPstates_t pstate,                        \
	   unsigned int *minClockMHz, unsigned int *maxClockMHz))                                  \
	X(nvmlDeviceGetCurrentClocksThrottleReasons,                                               \
	  (nvmlDevice_t device, unsigned long long *clocksThrottleReasons))                        \
	X(nvmlDeviceGetCurrentClocksEventReasons,                                                  \
	  (nvmlDevice_t device, unsigned long long *clocksEventReasons))                           \
	X(nvmlDeviceGetSupportedClocksThrottleReasons,                                             \
	  (nvmlDevice_t device, unsigned long long *supportedClocksThrottleReasons))               \
	X(nvmlDeviceGetSupportedClocksEventReasons,                                                \
	  (nvmlDevice_t device, unsigned long long *supportedClocksEventReasons))                  \
	X(nvmlDeviceGetViolationStatus,                                                            \
	  (nvmlDevice_t device, nvmlPerfPolicyType_t perfPolicyType,                               \
	   nvmlViolationTime_t *violTime))                                                         \
	X(nvmlDeviceGetNvLinkState,                                                                \
	  (nvmlDevice_t device, unsigned int link, nvmlEnableState_t *isActive))                   \
	X(nvmlDeviceGetNvLinkVersion,                                                              \
	  (nvmlDevice_t device, unsigned int link, unsigned int *version))                         \
	X(nvmlDeviceGetNvLinkCapability,                                                           \
	  (nvmlDevice_t device, unsigned int link, nvmlNvLinkCapability_t capability,              \
	   unsigned int *capResult))                                                               \
	X(nvmlDeviceGetNvLinkErrorCounter,                                                         \
	  (nvmlDevice_t device, unsigned int link, nvmlNvLinkErrorCounter_t counter,               \
	   unsigned long long *counterValue))                                                      \
	X(nvmlDeviceGetNvLinkRemoteDeviceType,                                                     \
	  (nvmlDevice_t device, unsigned int link,                                                 \
	   nvmlIntNvLinkDeviceType_t *pNvLinkDeviceType))                                          \
	X(nvmlDeviceGetNvLinkRemotePciInfo_v2,                                                     \
	  (nvmlDevice_t device, unsigned int link, nvmlPciInfo_t *pci))                            \
	X(nvmlDeviceGetNvLinkRemotePciInfo,                                                        \
	  (nvmlDevice_t device, unsigned int link, nvmlPciInfo_v2_t *pci))                         \
	X(nvmlDeviceGetGpuMaxPcieLinkGeneration,                                                   \
	  (nvmlDevice_t device, unsigned int *maxLinkGenDevice))                                   \
	X(nvmlDeviceGetPcieLinkMaxSpeed, (nvmlDevice_t device, unsigned int *maxSpeed))            \
	X(nvmlDeviceGetPcieSpeed, (nvmlDevice_t device, unsigned int *pcieSpeed))                  \
	X(nvmlDeviceGetPcieReplayCounter, (nvmlDevice_t device, unsigned int *value))              \
	X(nvmlDeviceGetPowerManagementDefaultLimit,                                                \
	  (nvmlDevice_t device, unsigned int *defaultLimit))                                       \
	X(nvmlDeviceGetPowerManagementLimitConstraints,                                            \
	  (nvmlDevice_t device, unsigned int *minLimit, unsigned int *maxLimit))                   \
	X(nvmlDeviceGetPowerManagementMode,                                                        \
	  (nvmlDevice_t device, nvmlEnableState_t *mode))                                          \
	X(nvmlDeviceGetPowerSource,                                                                \
	  (nvmlDevice_t device, nvmlPowerSource_t *powerSource))                                   \
	X(nvmlDeviceGetTotalEnergyConsumption,                                                     \
	  (nvmlDevice_t device, unsigned long long *energy))                                       \
	X(nvmlDeviceGetFanSpeed_v2,                                                                \
	  (nvmlDevice_t device, unsigned int fan, unsigned int *speed))                            \
	X(nvmlDeviceGetTargetFanSpeed,                                                             \
	  (nvmlDevice_t device, unsigned int fan, unsigned int *targetSpeed))                      \
	X(nvmlDeviceGetMinMaxFanSpeed,                                                             \
	  (nvmlDevice_t device, unsigned int *minSpeed, unsigned int *maxSpeed))                   \
	X(nvmlDeviceGetTopologyNearestGpus,                                                        \
	  (nvmlDevice_t device, nvmlGpuTopologyLevel_t level, unsigned int *count,                 \
	   nvmlDevice_t *deviceArray))                                                             \
	X(nvmlDeviceOnSameBoard,                                                                   \
	  (nvmlDevice_t device1, nvmlDevice_t device2, int *onSameBoard))                          \
	X(nvmlDeviceGetP2PStatus,                                                                  \
	  (nvmlDevice_t device1, nvmlDevice_t device2, nvmlGpuP2PCapsIndex_t p2pIndex,             \
	   nvmlGpuP2PStatus_t *p2pStatus))                                                         \
	X(nvmlDeviceGetCpuAffinityWithinScope,                                                     \
	  (nvmlDevice_t device, unsigned int cpuSetSize, unsigned long *cpuSet,                    \
	   nvmlAffinityScope_t scope))                                                             \
	X(nvmlDeviceGetMemoryAffinity,                                                             \
	  (nvmlDevice_t device, unsigned int nodeSetSize, unsigned long *nodeSet,                  \
	   nvmlAffinityScope_t scope))                                                             \
	X(nvmlSystemGetTopologyGpuSet,                                                             \
	  (unsigned int cpuNumber, unsigned int *count, nvmlDevice_t *deviceArray))                \
	X(nvmlDeviceGetJpgUtilization,                                                             \
	  (nvmlDevice_t device, unsigned int *utilization,                                         \
	   unsigned int *samplingPeriodUs))                                                        \
	X(nvmlDeviceGetOfaUtilization,                                                             \
	  (nvmlDevice_t device, unsigned int *utilization,                                         \
	   unsigned int *samplingPeriodUs))                                                        \
	X(nvmlDeviceGetEncoderStats,                                                               \
	  (nvmlDevice_t device, unsigned int *sessionCount, unsigned int *averageFps,              \
	   unsigned int *averageLatency))                                                          \
	X(nvmlDeviceGetFBCStats, (nvmlDevice_t device, nvmlFBCStats_t *fbcStats))                  \
	X(nvmlDeviceGetAccountingMode, (nvmlDevice_t device, nvmlEnableState_t *mode))             \
	X(nvmlDeviceGetAccountingBufferSize,                                                       \
	  (nvmlDevice_t device, unsigned int *bufferSize))                                         \
	X(nvmlDeviceGetAccountingPids,                                                             \
	  (nvmlDevice_t device, unsigned int *count, unsigned int *pids))                          \

/* --- prototypes: what the simulated driver defines; migctl itself links none of these --------- */

#define MIG_NVML_DECLARE_CALL(name, need, branch, effect, older, params, args)                     \
	nvmlReturn_t name params;
#define MIG_NVML_DECLARE_PLAIN(name, need, branch, effect) nvmlReturn_t name(void);
#define MIG_NVML_DECLARE_TEXT(name, need, branch, effect, params, args) const char *name params;
#define MIG_NVML_DECLARE_SIM(name, params) nvmlReturn_t name params;

MIG_NVML_SYMBOLS(MIG_NVML_DECLARE_CALL, MIG_NVML_DECLARE_PLAIN, MIG_NVML_DECLARE_TEXT)
MIG_NVML_SIM_SYMBOLS(MIG_NVML_DECLARE_SIM)

#undef MIG_NVML_DECLARE_CALL
#undef MIG_NVML_DECLARE_PLAIN
#undef MIG_NVML_DECLARE_TEXT
#undef MIG_NVML_DECLARE_SIM

/* One number per row of MIG_NVML_SYMBOLS: MIG_NVML_SYM_nvmlDeviceGetMigMode, … */
#define MIG_NVML_NUMBER(name, ...) MIG_NVML_SYM_##name,
enum mig_nvml_symbol {
	MIG_NVML_SYMBOLS(MIG_NVML_NUMBER, MIG_NVML_NUMBER, MIG_NVML_NUMBER)
	MIG_NVML_SYM_COUNT,
};
#undef MIG_NVML_NUMBER
/* clang-format on */
