/* SPDX-License-Identifier: Apache-2.0 */
/*
 * -mig 0|1: sets the MIG mode of the selected GPUs, one after the other, up to the first failure.
 */
#include <stdio.h>
#include <string.h>

#include "shared/macros.h"
#include "smi/commands.h"
#include "smi/gpus.h"
#include "smi/texts.h"

static void warn_pending(const struct mig_smi *smi, unsigned int mode, const char *bus_id,
			 nvmlReturn_t activation)
{
	printf("Warning: MIG mode is in pending %s state for GPU %s:%s\n",
	       mode == NVML_DEVICE_MIG_ENABLE ? "enable" : "disable", bus_id,
	       mig_smi_text(smi, activation));
	if (activation == NVML_ERROR_IN_USE)
		printf("%s is currently being used by one or more other processes (e.g. CUDA "
		       "application or a monitoring application such as another instance of "
		       "nvidia-smi). Please first kill all processes using the device and retry "
		       "the command or reboot the system to make MIG mode effective.\n",
		       bus_id);
	else
		printf("Reboot the system or try nvidia-smi --gpu-reset to make MIG mode effective "
		       "on GPU %s\n",
		       bus_id);
}

static void warn_persistence(const struct mig_smi *smi, nvmlDevice_t gpu, const char *bus_id)
{
	nvmlEnableState_t mode;

	if (smi->driver->nvmlDeviceGetPersistenceMode(smi->driver, gpu, &mode) == NVML_SUCCESS &&
	    mode == NVML_FEATURE_DISABLED)
		printf("\nWarning: persistence mode is disabled on device %s. See the Known Issues "
		       "section of the nvidia-smi(1) man page for more information. Run with "
		       "[--help | -h] switch to get more information on how to enable persistence "
		       "mode.\n",
		       bus_id);
}

static nvmlReturn_t set_one(const struct mig_smi *smi, nvmlDevice_t gpu, unsigned int mode)
{
	const struct mig_driver *driver = smi->driver;
	const char *verb = mode == NVML_DEVICE_MIG_ENABLE ? "enable" : "disable";
	nvmlReturn_t activation = NVML_SUCCESS;
	nvmlReturn_t code;
	nvmlPciInfo_t pci;

	/* The original prints what a null pointer gives. */
	if (driver->nvmlDeviceGetPciInfo_v3(driver, gpu, &pci) != NVML_SUCCESS)
		memcpy(pci.busId, "(null)", sizeof("(null)"));
	if (mode > NVML_DEVICE_MIG_ENABLE) {
		printf("Invalid MIG Mode: %u\n", mode);
		return NVML_ERROR_INVALID_ARGUMENT;
	}
	code = driver->nvmlDeviceSetMigMode(driver, gpu, mode, &activation);
	if (code != NVML_SUCCESS) {
		printf("Unable to %s MIG Mode for GPU %s: %s\n", verb, pci.busId,
		       mig_smi_text(smi, code));
		if (code != NVML_ERROR_NOT_SUPPORTED)
			return code;
		printf("Treating as warning and moving on.\n");
		return NVML_SUCCESS;
	}
	if (activation != NVML_SUCCESS) {
		warn_pending(smi, mode, pci.busId, activation);
		return NVML_SUCCESS;
	}
	printf("%s MIG Mode for GPU %s\n", mode == NVML_DEVICE_MIG_ENABLE ? "Enabled" : "Disabled",
	       pci.busId);
	warn_persistence(smi, gpu, pci.busId);
	return NVML_SUCCESS;
}

int mig_smi_set_mig_mode(struct mig_smi *smi, unsigned int mode, char *list)
{
	int status = mig_smi_select_gpus(smi, list);

	if (status != 0)
		return status;
	for (unsigned int i = 0; i < smi->gpu_count; i++) {
		nvmlReturn_t code = set_one(smi, smi->gpus[i].device, mode);

		if (code != NVML_SUCCESS) {
			printf("Terminating early due to previous errors.\n");
			return mig_smi_status(code);
		}
	}
	printf("All done.\n");
	return MIG_SMI_OK;
}
