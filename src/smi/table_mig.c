/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The block of MIG devices. Devices of one GPU instance stand together and share the columns of
 * memory. A device of which anything cannot be read is left out.
 */
#include <stdio.h>
#include <stdlib.h>

#include "shared/buf.h"
#include "shared/macros.h"
#include "smi/processes.h"
#include "smi/table.h"

#define MIB(bytes)   ((bytes) >> 20)
#define MEMORY_WIDTH 34
#define WIDE_LINE                                                                                  \
	"+---------------------------------------------------------------------------------------" \
	"--+\n"
#define LINE                                                                                       \
	"+------------------+----------------------------------+-----------+---------------------" \
	"--+\n"
#define INNER_LINE                                               \
	"+------------------+                                  " \
	"+-----------+-----------------------+\n"
#define HEAD                                                                                       \
	"\n" WIDE_LINE "| MIG devices:                                                           " \
	"                 |\n"                                                                     \
	"+------------------+----------------------------------+-----------+---------------------" \
	"--+\n"                                                                                    \
	"| GPU  GI  CI  MIG |                     Memory-Usage |        Vol|      Shared         " \
	"  |\n"                                                                                    \
	"|      ID  ID  Dev |                       BAR1-Usage | SM     Unc| CE ENC DEC OFA JPG  " \
	"  |\n"                                                                                    \
	"|                  |                                  |        ECC|                     " \
	"  |\n"                                                                                    \
	"|==================+==================================+===========+=====================" \
	"==|\n"

/* A device's place, asked once; and whether it has been printed. */
struct row {
	nvmlDevice_t device;
	nvmlReturn_t code;
	unsigned int gi_id;
	bool is_done;
};

/* What is asked of a device when it is printed. */
struct details {
	unsigned int index;
	unsigned int ci_id;
	nvmlDeviceAttributes_t attributes;
	nvmlReturn_t errors_code;
	unsigned long long errors;
	nvmlMemory_v2_t memory;
	nvmlBAR1Memory_t bar1;
};

static bool read_details(const struct mig_smi *smi, nvmlDevice_t device, bool with_memory,
			 struct details *d)
{
	const struct mig_driver *driver = smi->driver;

	if (driver->nvmlDeviceGetIndex(driver, device, &d->index) != NVML_SUCCESS ||
	    driver->nvmlDeviceGetComputeInstanceId(driver, device, &d->ci_id) != NVML_SUCCESS ||
	    driver->nvmlDeviceGetAttributes_v2(driver, device, &d->attributes) != NVML_SUCCESS)
		return false;
	d->errors_code = driver->nvmlDeviceGetMemoryErrorCounter(
		driver, device, NVML_MEMORY_ERROR_TYPE_UNCORRECTED, NVML_VOLATILE_ECC,
		NVML_MEMORY_LOCATION_SRAM, &d->errors);
	if (d->errors_code != NVML_SUCCESS && d->errors_code != NVML_ERROR_NOT_SUPPORTED)
		return false;
	return !with_memory ||
	       (mig_smi_memory(smi, device, &d->memory) == NVML_SUCCESS &&
		driver->nvmlDeviceGetBAR1MemoryInfo(driver, device, &d->bar1) == NVML_SUCCESS);
}

/* "0MiB / 4864MiB" in a column; what is longer takes the spaces behind it. */
static void print_amount(int width, unsigned long long used, unsigned long long total)
{
	int length = printf("%*lluMiB / %5lluMiB", width, used, total);

	printf("%*s|", MEMORY_WIDTH - length, "");
}

static void print_device(unsigned int gpu_index, const struct row *row, const struct details *d,
			 bool with_memory)
{
	printf("|%3u%5u%4u%4u  |", gpu_index, row->gi_id, d->ci_id, d->index);
	if (with_memory)
		print_amount(16, MIB(d->memory.used), MIB(d->memory.total));
	else
		printf("%*s|", MEMORY_WIDTH, "");
	printf("%3u", d->attributes.multiprocessorCount);
	if (d->errors_code == NVML_SUCCESS)
		printf("%7llu |", d->errors);
	else
		printf("%7s |", "N/A");
	printf("%3u%4u%5u%5u%5u |\n", d->attributes.sharedCopyEngineCount,
	       d->attributes.sharedEncoderCount, d->attributes.sharedDecoderCount,
	       d->attributes.sharedOfaCount, d->attributes.sharedJpegCount);
	printf("|%18s|", "");
	if (with_memory)
		print_amount(18, MIB(d->bar1.bar1Used), MIB(d->bar1.bar1Total));
	else
		printf("%*s|", MEMORY_WIDTH, "");
	printf("%11s|%23s|\n", "", "");
}

/* All devices of the GPU instance of rows[first]; how many were printed. */
static unsigned int print_instance(const struct mig_smi *smi, unsigned int gpu_index,
				   struct row *rows, unsigned int count, unsigned int first)
{
	unsigned int printed = 0;

	for (unsigned int i = first; i < count; i++) {
		struct details details;

		if (rows[i].is_done || rows[i].code != NVML_SUCCESS ||
		    rows[i].gi_id != rows[first].gi_id)
			continue;
		rows[i].is_done = true;
		if (!read_details(smi, rows[i].device, printed == 0, &details))
			continue;
		if (printed > 0)
			printf(INNER_LINE);
		print_device(gpu_index, &rows[i], &details, printed == 0);
		printed++;
	}
	if (printed > 0)
		printf(LINE);
	return printed;
}

static unsigned int print_set(const struct mig_smi *smi, const struct mig_smi_device_set *set)
{
	const struct mig_driver *driver = smi->driver;
	_cleanup_free_ struct row *rows = calloc((size_t)set->count + 1, sizeof(*rows));
	unsigned int printed = 0;

	if (rows == NULL || set->index_code != NVML_SUCCESS)
		return 0;
	for (unsigned int i = 0; i < set->count; i++) {
		rows[i].device = set->devices[i].device;
		rows[i].code =
			driver->nvmlDeviceGetGpuInstanceId(driver, rows[i].device, &rows[i].gi_id);
	}
	for (unsigned int i = 0; i < set->count; i++)
		printed += print_instance(smi, set->index, rows, set->count, i);
	return printed;
}

void mig_smi_print_mig_devices(const struct mig_smi *smi, const struct mig_smi_device_set *sets)
{
	unsigned int printed = 0;

	printf(HEAD);
	for (unsigned int i = 0; i < smi->gpu_count; i++)
		printed += print_set(smi, &sets[i]);
	if (printed == 0)
		printf("|  No MIG devices found%67s|\n" WIDE_LINE, "");
}
