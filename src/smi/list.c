/* SPDX-License-Identifier: Apache-2.0 */
/*
 * -L: GPUs and their MIG devices.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/buf.h"
#include "shared/file.h"
#include "smi/commands.h"
#include "smi/gpus.h"
#include "smi/texts.h"

#define NAME_BEGIN "MIG "

static const char *uuid_or_text(const struct mig_smi *smi, nvmlDevice_t device, char *uuid,
				unsigned int size)
{
	nvmlReturn_t code = smi->driver->nvmlDeviceGetUUID(smi->driver, device, uuid, size);

	return code == NVML_SUCCESS ? uuid : mig_smi_text_or_na(smi, code);
}

static void list_device(const struct mig_smi *smi, nvmlDevice_t device, unsigned int index)
{
	const struct mig_driver *driver = smi->driver;
	char uuid[NVML_DEVICE_UUID_V2_BUFFER_SIZE];
	char name[NVML_DEVICE_NAME_V2_BUFFER_SIZE];
	const char *shown_uuid = uuid_or_text(smi, device, uuid, sizeof(uuid));
	nvmlReturn_t code = driver->nvmlDeviceGetName(driver, device, name, sizeof(name));
	const char *shown = code == NVML_SUCCESS ? strstr(name, NAME_BEGIN) : NULL;

	printf("  %-15s Device %2u: (UUID: %s)\n",
	       shown != NULL ? shown : mig_smi_text_or_na(smi, code), index, shown_uuid);
}

static void list_devices(const struct mig_smi *smi, nvmlDevice_t gpu)
{
	const struct mig_driver *driver = smi->driver;
	unsigned int count = 0;

	if (driver->nvmlDeviceGetMaxMigDeviceCount(driver, gpu, &count) != NVML_SUCCESS)
		return;
	for (unsigned int i = 0; i < count; i++) {
		nvmlDevice_t device;

		if (driver->nvmlDeviceGetMigDeviceHandleByIndex(driver, gpu, i, &device) ==
		    NVML_SUCCESS)
			list_device(smi, device, i);
	}
}

static nvmlReturn_t list_failed(const struct mig_smi *smi, unsigned int index, const char *what,
				const char *why, nvmlReturn_t code)
{
	_cleanup_free_ char *bus_id = mig_smi_bus_id_at(smi, index);

	printf("Unable to determine the %s for gpu %s: %s\n", what, bus_id == NULL ? "" : bus_id,
	       why);
	return code;
}

static nvmlReturn_t list_gpu(const struct mig_smi *smi, unsigned int index)
{
	const struct mig_driver *driver = smi->driver;
	char uuid[NVML_DEVICE_UUID_BUFFER_SIZE];
	char name[NVML_DEVICE_NAME_BUFFER_SIZE];
	nvmlDevice_t gpu;
	nvmlReturn_t code = driver->nvmlDeviceGetHandleByIndex_v2(driver, index, &gpu);

	if (code != NVML_SUCCESS)
		return list_failed(smi, index, "device handle", mig_smi_handle_text(code), code);
	code = driver->nvmlDeviceGetName(driver, gpu, name, sizeof(name));
	if (code != NVML_SUCCESS)
		return list_failed(smi, index, "product name", mig_smi_text_or_na(smi, code), code);
	printf("GPU %u: %s (UUID: %s)\n", index, name, uuid_or_text(smi, gpu, uuid, sizeof(uuid)));
	list_devices(smi, gpu);
	return NVML_SUCCESS;
}

int mig_smi_list_gpus(struct mig_smi *smi)
{
	nvmlReturn_t failure = NVML_SUCCESS;
	nvmlReturn_t code = smi->driver->nvmlDeviceGetCount_v2(smi->driver, &smi->count);

	if (code != NVML_SUCCESS) {
		printf("Unable to determine the number of available GPUs: %s\n",
		       mig_smi_text_or_na(smi, code));
		return mig_smi_status(code);
	}
	if (smi->count == 0)
		printf("No devices found.\n");
	for (unsigned int i = 0; i < smi->count; i++) {
		code = list_gpu(smi, i);
		if (code != NVML_SUCCESS)
			failure = code;
	}
	return mig_smi_status(failure);
}
