/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes and memory; see processes.h. The original takes the lists from a private table of the
 * library; these are the public calls, which say the same.
 */
#include "smi/processes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/buf.h"
#include "shared/macros.h"
#include "smi/table.h"

#define LIST_TRIES 4
#define LIST_SPARE 8
#define MIB(bytes) ((bytes) >> 20)
#define NAME_WIDTH 42
#define LEDGER                                                                                     \
	"|=======================================================================================" \
	"==|\n"
#define LINE                                                                                       \
	"+---------------------------------------------------------------------------------------" \
	"--+\n"

typedef nvmlReturn_t (*list_call)(const struct mig_driver *driver, nvmlDevice_t device,
				  unsigned int *count, nvmlProcessInfo_t *infos);

/* The list of one call; NULL with *count 0 if there is none. The caller frees. */
static nvmlProcessInfo_t *read_list(const struct mig_smi *smi, nvmlDevice_t device, list_call call,
				    unsigned int *count, nvmlReturn_t *code)
{
	nvmlProcessInfo_t *infos = NULL;
	unsigned int size = LIST_SPARE;

	*code = NVML_ERROR_MEMORY;
	for (unsigned int tries = 0; tries < LIST_TRIES; tries++) {
		nvmlProcessInfo_t *larger = realloc(infos, size * sizeof(*infos));

		if (larger == NULL)
			break;
		infos = larger;
		memset(infos, 0, size * sizeof(*infos));
		*count = size;
		*code = call(smi->driver, device, count, infos);
		if (*code == NVML_SUCCESS)
			return infos;
		if (*code != NVML_ERROR_INSUFFICIENT_SIZE)
			break;
		size = *count + LIST_SPARE;
	}
	*count = 0;
	free(infos);
	return NULL;
}

static struct mig_smi_process *find_process(struct mig_smi_processes *processes, size_t from,
					    unsigned int pid)
{
	for (size_t i = from; i < processes->count; i++) {
		if (processes->rows[i].pid == pid)
			return &processes->rows[i];
	}
	return NULL;
}

static nvmlReturn_t add_list(const struct mig_smi *smi, nvmlDevice_t device, list_call call,
			     const char *type, size_t from, struct mig_smi_processes *processes)
{
	nvmlReturn_t code;
	unsigned int count;
	_cleanup_free_ nvmlProcessInfo_t *infos = read_list(smi, device, call, &count, &code);

	for (unsigned int i = 0; i < count; i++) {
		struct mig_smi_process *known = find_process(processes, from, infos[i].pid);

		if (known != NULL && strcmp(type, "G") == 0) {
			known->type = "C+G";
			continue;
		}
		if (mig_array_reserve(&processes->rows, &processes->allocated, processes->count + 1,
				      sizeof(*processes->rows)) < 0)
			return NVML_ERROR_MEMORY;
		processes->rows[processes->count++] = (struct mig_smi_process){
			.pid = infos[i].pid,
			.type = type,
			.memory = infos[i].usedGpuMemory,
			.gi_id = infos[i].gpuInstanceId,
			.ci_id = infos[i].computeInstanceId,
		};
	}
	return code;
}

nvmlReturn_t mig_smi_processes_read(const struct mig_smi *smi, nvmlDevice_t device,
				    enum mig_smi_list which, struct mig_smi_processes *processes)
{
	const struct mig_driver *driver = smi->driver;
	size_t from = processes->count;
	nvmlReturn_t code;

	code = add_list(smi, device, driver->nvmlDeviceGetComputeRunningProcesses_v3, "C", from,
			processes);
	if (which != MIG_SMI_LIST_ALL)
		return code;
	add_list(smi, device, driver->nvmlDeviceGetMPSComputeRunningProcesses_v3, "M+C", from,
		 processes);
	add_list(smi, device, driver->nvmlDeviceGetGraphicsRunningProcesses_v3, "G", from,
		 processes);
	return code;
}

void mig_smi_processes_clear(struct mig_smi_processes *processes)
{
	free(processes->rows);
	memset(processes, 0, sizeof(*processes));
}

nvmlReturn_t mig_smi_memory(const struct mig_smi *smi, nvmlDevice_t device, nvmlMemory_v2_t *memory)
{
	const struct mig_driver *driver = smi->driver;
	nvmlMemory_t first;
	nvmlReturn_t code;

	*memory = (nvmlMemory_v2_t){.version = MIG_NVML_STRUCT_VERSION(nvmlMemory_v2_t, 2)};
	if (mig_driver_has(driver, MIG_NVML_SYM_nvmlDeviceGetMemoryInfo_v2))
		return driver->nvmlDeviceGetMemoryInfo_v2(driver, device, memory);
	code = driver->nvmlDeviceGetMemoryInfo(driver, device, &first);
	if (code != NVML_SUCCESS)
		return code;
	memory->total = first.total;
	memory->used = first.used;
	memory->free = first.free;
	return NVML_SUCCESS;
}

/* ---- the table -------------------------------------------------------------------------------- */

static void print_name(const struct mig_smi *smi, unsigned int pid)
{
	char name[MIG_SMI_PROCESS_NAME_SIZE];
	size_t length;

	if (smi->driver->nvmlSystemGetProcessName(smi->driver, pid, name, sizeof(name)) !=
	    NVML_SUCCESS)
		name[0] = '\0';
	length = strlen(name);
	if (length > NAME_WIDTH)
		printf("...%-*s", NAME_WIDTH - 3, name + length - (NAME_WIDTH - 3));
	else
		printf("%-*s", NAME_WIDTH, name);
}

static void print_process(const struct mig_smi *smi, unsigned int gpu_index,
			  const struct mig_smi_process *process)
{
	if (process->gi_id == MIG_NVML_NO_INSTANCE_ID)
		printf("|%5u   N/A  N/A%10u", gpu_index, process->pid);
	else
		printf("|%5u%5u%5u%11u", gpu_index, process->gi_id, process->ci_id, process->pid);
	printf("%7s   ", process->type);
	print_name(smi, process->pid);
	printf("%7lluMiB |\n", MIB(process->memory));
}

nvmlReturn_t mig_smi_print_processes(const struct mig_smi *smi,
				     const struct mig_smi_device_set *sets)
{
	bool has_printed = false;

	printf("%89s\n" LINE "| %-88s|\n| %-88s|\n| %-88s|\n" LEDGER, "", "Processes:",
	       " GPU   GI   CI        PID   Type   Process name                              GPU "
	       "Memory",
	       "       ID   ID                                                               "
	       "Usage");
	for (unsigned int i = 0; i < smi->gpu_count; i++) {
		const struct mig_smi_device_set *set = &sets[i];
		struct mig_smi_processes processes = {.count = 0};

		if (set->index_code != NVML_SUCCESS)
			return set->index_code;
		if (set->count == 0)
			mig_smi_processes_read(smi, set->gpu, MIG_SMI_LIST_ALL, &processes);
		for (unsigned int d = 0; d < set->count; d++)
			mig_smi_processes_read(smi, set->devices[d].device, MIG_SMI_LIST_ALL,
					       &processes);
		for (size_t p = 0; p < processes.count; p++)
			print_process(smi, set->index, &processes.rows[p]);
		has_printed = has_printed || processes.count > 0;
		mig_smi_processes_clear(&processes);
	}
	if (!has_printed)
		printf("| %-88s|\n", " No running processes found");
	printf(LINE);
	return NVML_SUCCESS;
}
