/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The three lines of a GPU in the default table. What cannot be read is "N/A" or "ERR!", at places
 * that differ from column to column.
 */
#include <stdio.h>
#include <string.h>

#include "shared/macros.h"
#include "smi/processes.h"
#include "smi/table.h"
#include "smi/texts.h"

#define MIB(bytes)	 ((bytes) >> 20)
#define WATTS(milliwatt) ((milliwatt) / 1000)
#define NAME_WIDTH	 27
#define MEMORY_WIDTH	 22
#define WORD_SIZE	 24

/* The word of a switch: "On", "Off", or why it is not known. */
static const char *switch_word(nvmlReturn_t code, nvmlEnableState_t state)
{
	if (code != NVML_SUCCESS)
		return mig_smi_word(code);
	return state == NVML_FEATURE_ENABLED ? "On" : "Off";
}

/* Cuts a text to a width, with "..." at its end. */
static void print_cut(const char *text, int width)
{
	if (strlen(text) > (size_t)width)
		printf("%.*s...", width - 3, text);
	else
		printf("%-*s", width, text);
}

static void print_identity(const struct mig_smi *smi, struct mig_smi_device_set *set)
{
	const struct mig_driver *driver = smi->driver;
	char name[NVML_DEVICE_NAME_BUFFER_SIZE];
	nvmlEnableState_t persistence = NVML_FEATURE_DISABLED, display = NVML_FEATURE_DISABLED;
	nvmlReturn_t code, persistence_code;
	nvmlPciInfo_t pci;
	const char *word;

	set->index_code = driver->nvmlDeviceGetIndex(driver, set->gpu, &set->index);
	if (set->index_code == NVML_SUCCESS)
		printf("|%4u  ", set->index);
	else
		printf("| %-5s", mig_smi_word(set->index_code));
	code = driver->nvmlDeviceGetName(driver, set->gpu, name, sizeof(name));
	print_cut(code == NVML_SUCCESS ? name : mig_smi_word(code), NAME_WIDTH);
	code = driver->nvmlDeviceGetPciInfo_v3(driver, set->gpu, &pci);
	persistence_code = driver->nvmlDeviceGetPersistenceMode(driver, set->gpu, &persistence);
	word = switch_word(persistence_code, persistence);
	printf(word[0] == 'O' ? "    %-3s |" : "   %-4s |", word);
	printf("   %-16s", code == NVML_SUCCESS ? pci.busId : mig_smi_word(code));
	code = driver->nvmlDeviceGetDisplayActive(driver, set->gpu, &display);
	word = switch_word(code, display);
	printf(strlen(word) > 3 ? "%s |" : " %-3s |", word);
}

/* The ECC column: "On" while MIG is on, else the number of errors. */
static void print_ecc(const struct mig_smi *smi, const struct mig_smi_device_set *set)
{
	const struct mig_driver *driver = smi->driver;
	nvmlEnableState_t current, pending;
	unsigned long long errors;
	nvmlReturn_t code = driver->nvmlDeviceGetEccMode(driver, set->gpu, &current, &pending);

	if (code != NVML_SUCCESS) {
		printf("%21s |\n", mig_smi_word(code));
		return;
	}
	if (current != NVML_FEATURE_ENABLED || set->has_mig) {
		printf("%21s |\n", current == NVML_FEATURE_ENABLED ? "On" : "Off");
		return;
	}
	code = driver->nvmlDeviceGetTotalEccErrors(
		driver, set->gpu, NVML_MEMORY_ERROR_TYPE_UNCORRECTED, NVML_VOLATILE_ECC, &errors);
	if (code == NVML_SUCCESS)
		printf("%21llu |\n", errors);
	else
		printf("%21s |\n", mig_smi_word(code));
}

static void print_power(const struct mig_smi *smi, nvmlDevice_t gpu)
{
	const struct mig_driver *driver = smi->driver;
	unsigned int usage, limit;
	nvmlReturn_t code = driver->nvmlDeviceGetPowerUsage(driver, gpu, &usage);

	if (code == NVML_SUCCESS)
		printf("%15uW /", WATTS(usage));
	else
		printf("%16s /", mig_smi_word(code));
	code = driver->nvmlDeviceGetEnforcedPowerLimit(driver, gpu, &limit);
	if (code == NVML_SUCCESS)
		printf("%5uW |", WATTS(limit));
	else
		printf("%5s  |", mig_smi_word(code));
}

static void print_cooling(const struct mig_smi *smi, nvmlDevice_t gpu)
{
	const struct mig_driver *driver = smi->driver;
	unsigned int fan, temperature;
	nvmlPstates_t state;
	nvmlReturn_t code = driver->nvmlDeviceGetFanSpeed(driver, gpu, &fan);

	if (code == NVML_SUCCESS)
		printf("|%3u%% ", fan);
	else
		printf(strlen(mig_smi_word(code)) > 3 ? "|%s " : "| %s ", mig_smi_word(code));
	code = driver->nvmlDeviceGetTemperature(driver, gpu, NVML_TEMPERATURE_GPU, &temperature);
	if (code == NVML_SUCCESS)
		printf("%4uC", temperature);
	else
		printf("%5s", mig_smi_word(code));
	code = driver->nvmlDeviceGetPerformanceState(driver, gpu, &state);
	if (code == NVML_SUCCESS)
		printf("%*s%d", state > 9 ? 4 : 5, "P", (int)state);
	else
		printf(strlen(mig_smi_word(code)) > 3 ? " %s " : "  %s ", mig_smi_word(code));
}

static void print_memory(const struct mig_smi *smi, nvmlDevice_t gpu)
{
	nvmlMemory_v2_t memory;
	nvmlReturn_t code = mig_smi_memory(smi, gpu, &memory);

	if (code == NVML_SUCCESS) {
		printf("%8lluMiB / %6lluMiB |", MIB(memory.used), MIB(memory.total));
	} else if (code == NVML_ERROR_NO_PERMISSION) {
		printf("%21s   |", "N/A");
	} else {
		printf(" ");
		print_cut(mig_smi_text(smi, code), MEMORY_WIDTH);
		printf(" |");
	}
}

static void print_use(const struct mig_smi *smi, nvmlDevice_t gpu)
{
	static const char *const modes[] = {
		[NVML_COMPUTEMODE_DEFAULT] = "Default",
		[NVML_COMPUTEMODE_EXCLUSIVE_THREAD] = "E. Thread",
		[NVML_COMPUTEMODE_PROHIBITED] = "Prohibited",
		[NVML_COMPUTEMODE_EXCLUSIVE_PROCESS] = "E. Process",
	};
	const struct mig_driver *driver = smi->driver;
	nvmlUtilization_t use;
	nvmlComputeMode_t mode;
	nvmlReturn_t code = driver->nvmlDeviceGetUtilizationRates(driver, gpu, &use);

	if (code == NVML_SUCCESS)
		printf("%7u%%", use.gpu);
	else
		printf("%8s", mig_smi_word(code));
	code = driver->nvmlDeviceGetComputeMode(driver, gpu, &mode);
	if (code == NVML_SUCCESS && (size_t)mode < MIG_ARRAY_SIZE(modes))
		printf("%13s |\n", modes[mode]);
	else
		printf("%13s |\n", mig_smi_word(code));
}

static void print_mig_mode(nvmlReturn_t code, unsigned int current, unsigned int pending)
{
	char word[WORD_SIZE];

	if (code == NVML_SUCCESS)
		snprintf(word, sizeof(word), "%s%s",
			 pending == NVML_DEVICE_MIG_ENABLE ? "Enabled" : "Disabled",
			 current != pending ? "*" : "");
	else
		snprintf(word, sizeof(word), "%s",
			 code == NVML_ERROR_NOT_SUPPORTED ? "N/A" : "ERR!");
	printf("|%41s|%24s|%21s |\n", "", "", word);
}

void mig_smi_print_gpu(const struct mig_smi *smi, nvmlDevice_t gpu, struct mig_smi_device_set *set)
{
	unsigned int current = 0, pending = 0;
	nvmlReturn_t code = smi->driver->nvmlDeviceGetMigMode(smi->driver, gpu, &current, &pending);

	set->gpu = gpu;
	set->has_mig = code == NVML_SUCCESS && current == NVML_DEVICE_MIG_ENABLE;
	print_identity(smi, set);
	print_ecc(smi, set);
	print_cooling(smi, gpu);
	print_power(smi, gpu);
	print_memory(smi, gpu);
	print_use(smi, gpu);
	print_mig_mode(code, current, pending);
}
