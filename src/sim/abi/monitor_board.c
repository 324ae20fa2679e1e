/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is written on the board: serial and part numbers, versions of firmware. All made up: the
 * serial number from the GPU's UUID, the firmware of the GSP is that of the driver, as on real GPUs,
 * and "SIM" stands where it can.
 */
#include "sim/abi/monitor_board.h"

#include <stddef.h>

#include "nvml/symbols.h"
#include "shared/text.h"
#include "sim/abi/monitor.h"

enum {
	SERIAL_DIGITS = 13,
};

void mig_monitor_serial(const struct mig_sim_gpu_desc *gpu, char serial[MIG_MONITOR_SERIAL_SIZE])
{
	/* FNV-1a over the UUID */
	uint64_t hash = 0xcbf29ce484222325ULL;
	uint64_t range = 1;

	for (unsigned int i = 0; i < sizeof(gpu->uuid) && gpu->uuid[i] != '\0'; i++)
		hash = (hash ^ (unsigned char)gpu->uuid[i]) * 0x100000001b3ULL;
	for (unsigned int i = 0; i < SERIAL_DIGITS; i++)
		range *= 10;
	mig_text_format(serial, MIG_MONITOR_SERIAL_SIZE, "%0*llu", SERIAL_DIGITS,
			(unsigned long long)(hash % range));
}

static nvmlReturn_t get_text(nvmlDevice_t device, char *out, unsigned int length, const char *text)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, out, &monitor);

	return code != NVML_SUCCESS ? code : mig_abi_put_text(out, length, text);
}

static nvmlReturn_t get_number(nvmlDevice_t device, unsigned int *out, unsigned int value)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, out, &monitor);

	if (code == NVML_SUCCESS)
		*out = value;
	return code;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetSerial(nvmlDevice_t device, char *serial, unsigned int length)
{
	char text[MIG_MONITOR_SERIAL_SIZE];
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, serial, &monitor);

	if (code != NVML_SUCCESS)
		return code;
	mig_monitor_serial(monitor.gpu.facts.desc, text);
	return mig_abi_put_text(serial, length, text);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetBoardPartNumber(nvmlDevice_t device, char *partNumber,
						     unsigned int length)
{
	return get_text(device, partNumber, length, "900-00000-0000-SIM");
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetVbiosVersion(nvmlDevice_t device, char *version,
						  unsigned int length)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, version, &monitor);

	if (code != NVML_SUCCESS)
		return code;
	if (monitor.row->vbios[0] == '\0')
		return NVML_ERROR_NOT_SUPPORTED;
	return mig_abi_put_text(version, length, monitor.row->vbios);
}

/* One GPU a board; where it is on the bus tells them apart. */
MIG_EXPORT nvmlReturn_t nvmlDeviceGetBoardId(nvmlDevice_t device, unsigned int *boardId)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, boardId, &monitor);
	const struct mig_sim_gpu_desc *desc;

	if (code != NVML_SUCCESS)
		return code;
	desc = monitor.gpu.facts.desc;
	*boardId = desc->pci_domain << 16 | (desc->pci_bus & 0xff) << 8 | (desc->pci_device & 0xff);
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetMultiGpuBoard(nvmlDevice_t device, unsigned int *multiGpuBool)
{
	return get_number(device, multiGpuBool, 0);
}

/* From 1 up on boards with NVSwitches; cards have 1. */
MIG_EXPORT nvmlReturn_t nvmlDeviceGetModuleId(nvmlDevice_t device, unsigned int *moduleId)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, moduleId, &monitor);

	if (code == NVML_SUCCESS)
		*moduleId = monitor.row->nvlink_is_switched == 1 ? monitor.gpu.gpu_index + 1 : 1;
	return code;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetInforomImageVersion(nvmlDevice_t device, char *version,
							 unsigned int length)
{
	return get_text(device, version, length, "SIM0.0000.00.01");
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetInforomVersion(nvmlDevice_t device, nvmlInforomObject_t object,
						    char *version, unsigned int length)
{
	static const char *const versions[] = {
		[NVML_INFOROM_OEM] = "2.0",
		[NVML_INFOROM_ECC] = "6.0",
		[NVML_INFOROM_POWER] = NULL,
	};
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, version, &monitor);

	if (code != NVML_SUCCESS)
		return code;
	if ((unsigned int)object >= MIG_ARRAY_SIZE(versions))
		return NVML_ERROR_INVALID_ARGUMENT;
	if (!versions[object])
		return NVML_ERROR_NOT_SUPPORTED;
	return mig_abi_put_text(version, length, versions[object]);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetInforomConfigurationChecksum(nvmlDevice_t device,
								  unsigned int *checksum)
{
	return get_number(device, checksum, 0);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceValidateInforom(nvmlDevice_t device)
{
	struct mig_abi_gpu gpu;

	return mig_abi_find_gpu(device, &gpu);
}

/* The caller's array has NVML_GSP_FIRMWARE_VERSION_BUF_SIZE bytes. */
MIG_EXPORT nvmlReturn_t nvmlDeviceGetGspFirmwareVersion(nvmlDevice_t device, char *version)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, version, &monitor);

	if (code != NVML_SUCCESS)
		return code;
	return mig_abi_put_text(version, NVML_GSP_FIRMWARE_VERSION_BUF_SIZE,
				monitor.gpu.facts.node->driver_version);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetGspFirmwareMode(nvmlDevice_t device, unsigned int *isEnabled,
						     unsigned int *defaultMode)
{
	nvmlReturn_t code = get_number(device, isEnabled, 1);

	if (code != NVML_SUCCESS)
		return code;
	if (!defaultMode)
		return NVML_ERROR_INVALID_ARGUMENT;
	*defaultMode = 1;
	return NVML_SUCCESS;
}

/* ---- the chip --------------------------------------------------------------------------------- */

MIG_EXPORT nvmlReturn_t nvmlDeviceGetBusType(nvmlDevice_t device, nvmlBusType_t *type)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, type, &monitor);

	if (code == NVML_SUCCESS)
		*type = monitor.row->pcie_width == MIG_TABLE_UNKNOWN ? NVML_BUS_TYPE_UNKNOWN
								     : NVML_BUS_TYPE_PCIE;
	return code;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetMemoryBusWidth(nvmlDevice_t device, unsigned int *busWidth)
{
	return mig_monitor_number(device, offsetof(struct mig_monitor_row, bus_width_bits), 1,
				  busWidth);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetNumGpuCores(nvmlDevice_t device, unsigned int *numCores)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, numCores, &monitor);

	if (code != NVML_SUCCESS)
		return code;
	if (monitor.row->cores_per_sm == MIG_TABLE_UNKNOWN)
		return NVML_ERROR_NOT_SUPPORTED;
	return mig_monitor_give(monitor.gpu.facts.model->sm_total, monitor.row->cores_per_sm,
				numCores);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetRowRemapperHistogram(nvmlDevice_t device,
							  nvmlRowRemapperHistogramValues_t *values)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, values, &monitor);

	if (code != NVML_SUCCESS)
		return code;
	if (monitor.row->remap_banks == 0)
		return NVML_ERROR_NOT_SUPPORTED;
	*values = (nvmlRowRemapperHistogramValues_t){.max = monitor.row->remap_banks};
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetPdi(nvmlDevice_t device, nvmlPdi_t *pdi)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = mig_monitor_find(device, pdi, &monitor);

	if (code != NVML_SUCCESS)
		return code;
	if (pdi->version != MIG_NVML_STRUCT_VERSION(nvmlPdi_v1_t, 1))
		return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
	pdi->value = monitor.gpu.facts.desc->pdi;
	return NVML_SUCCESS;
}

/* Boards that synchronise host interfaces: none. */
MIG_EXPORT nvmlReturn_t nvmlSystemGetHicVersion(unsigned int *hwbcCount,
						nvmlHwbcEntry_t *hwbcEntries)
{
	(void)hwbcEntries;
	if (!mig_abi_store())
		return NVML_ERROR_UNINITIALIZED;
	if (!hwbcCount)
		return NVML_ERROR_INVALID_ARGUMENT;
	*hwbcCount = 0;
	return NVML_SUCCESS;
}
