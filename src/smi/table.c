/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The default table: what is around the rows. Each GPU and MIG device is asked once, and what was
 * learnt is used by all three parts.
 */
#include "smi/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shared/buf.h"
#include "shared/macros.h"
#include "smi/commands.h"
#include "smi/gpus.h"
#include "smi/processes.h"
#include "smi/texts.h"

#define CUDA_MAJOR(version) ((version) / 1000)
#define CUDA_MINOR(version) ((version) % 1000 / 10)
/* Shown in place of the program's version when the driver does not say its own. */
#define REPRODUCED_VERSION  "550.163.01"
#define LINE                                                                                       \
	"+-----------------------------------------+------------------------+--------------------" \
	"--+\n"

static void print_date(void)
{
	char text[64];
	time_t now = time(NULL);
	struct tm parts;

	if (localtime_r(&now, &parts) == NULL ||
	    strftime(text, sizeof(text), "%a %b %e %H:%M:%S %Y", &parts) == 0)
		text[0] = '\0';
	printf("%-31s\n", text);
}

static void print_head(const struct mig_smi *smi)
{
	const struct mig_driver *driver = smi->driver;
	char version[NVML_SYSTEM_DRIVER_VERSION_BUFFER_SIZE];
	char cuda_text[32];
	int cuda;
	nvmlReturn_t code = driver->nvmlSystemGetDriverVersion(driver, version, sizeof(version));
	nvmlReturn_t cuda_code = driver->nvmlSystemGetCudaDriverVersion_v2(driver, &cuda);

	if (cuda_code == NVML_SUCCESS)
		snprintf(cuda_text, sizeof(cuda_text), "%d.%d", CUDA_MAJOR(cuda), CUDA_MINOR(cuda));
	else
		snprintf(cuda_text, sizeof(cuda_text), "%s", mig_smi_word(cuda_code));
	printf("+----------------------------------------------------------------------------------"
	       "-------+\n"
	       "| NVIDIA-SMI %-22s Driver Version: %-14s CUDA Version: %-8s |\n",
	       code == NVML_SUCCESS ? version : REPRODUCED_VERSION,
	       code == NVML_SUCCESS ? version : mig_smi_word(code), cuda_text);
	printf("|-----------------------------------------+------------------------+---------------"
	       "-------+\n"
	       "| GPU  Name                 Persistence-M | Bus-Id          Disp.A | Volatile "
	       "Uncorr. ECC |\n"
	       "| Fan  Temp   Perf          Pwr:Usage/Cap |           Memory-Usage | GPU-Util  "
	       "Compute M. |\n"
	       "|                                         |                        |               "
	       "MIG M. |\n"
	       "|=========================================+========================+==============="
	       "=======|\n");
}

/* The handles of the MIG devices of a GPU; holes are passed over. */
static void find_devices(const struct mig_smi *smi, struct mig_smi_device_set *set)
{
	const struct mig_driver *driver = smi->driver;
	unsigned int max = 0;

	if (driver->nvmlDeviceGetMaxMigDeviceCount(driver, set->gpu, &max) != NVML_SUCCESS ||
	    max == 0)
		return;
	set->devices = calloc(max, sizeof(*set->devices));
	for (unsigned int i = 0; set->devices != NULL && i < max; i++) {
		nvmlDevice_t device;

		if (driver->nvmlDeviceGetMigDeviceHandleByIndex(driver, set->gpu, i, &device) ==
		    NVML_SUCCESS)
			set->devices[set->count++].device = device;
	}
}

/* What stands behind the tables: InfoROMs that are damaged. */
static int check_inforoms(const struct mig_smi *smi, const struct mig_smi_device_set *sets)
{
	const struct mig_driver *driver = smi->driver;
	int status = MIG_SMI_OK;

	for (unsigned int i = 0; i < smi->gpu_count; i++) {
		_cleanup_free_ char *bus_id = NULL;

		if (driver->nvmlDeviceValidateInforom(driver, sets[i].gpu) !=
		    NVML_ERROR_CORRUPTED_INFOROM)
			continue;
		bus_id = mig_smi_bus_id_at(smi, sets[i].index);
		printf("WARNING: infoROM is corrupted at gpu %s\n", bus_id == NULL ? "" : bus_id);
		status = NVML_ERROR_CORRUPTED_INFOROM;
	}
	return status;
}

static int print_all(const struct mig_smi *smi, struct mig_smi_device_set *sets)
{
	bool has_mig = false;
	nvmlReturn_t code;

	print_date();
	print_head(smi);
	for (unsigned int i = 0; i < smi->gpu_count; i++) {
		mig_smi_print_gpu(smi, smi->gpus[i].device, &sets[i]);
		printf(LINE);
		has_mig = has_mig || sets[i].has_mig;
	}
	for (unsigned int i = 0; i < smi->gpu_count; i++) {
		if (sets[i].has_mig)
			find_devices(smi, &sets[i]);
	}
	if (has_mig)
		mig_smi_print_mig_devices(smi, sets);
	code = mig_smi_print_processes(smi, sets);
	if (code == NVML_SUCCESS)
		return check_inforoms(smi, sets);
	printf("Failed to query device index\n");
	return mig_smi_status(code);
}

int mig_smi_table(struct mig_smi *smi, char *list)
{
	const struct mig_driver *driver = smi->driver;
	_cleanup_free_ struct mig_smi_device_set *sets = NULL;
	nvmlEventSet_t events;
	int status = mig_smi_select_gpus(smi, list);

	if (status != 0)
		return status;
	/* Nothing is done with it here nor there, but without it the original stops. */
	if (driver->nvmlEventSetCreate(driver, &events) != NVML_SUCCESS) {
		printf("Internal NVML error\n");
		return MIG_SMI_OTHER;
	}
	sets = calloc(smi->gpu_count, sizeof(*sets));
	status = sets == NULL ? MIG_SMI_OTHER : print_all(smi, sets);
	for (unsigned int i = 0; sets != NULL && i < smi->gpu_count; i++)
		free(sets[i].devices);
	driver->nvmlEventSetFree(driver, events);
	return status;
}
