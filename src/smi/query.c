/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --query-gpu= and --query-compute-apps=: fields as CSV. One NVML call serves all fields of a GPU
 * that come from it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/buf.h"
#include "shared/macros.h"
#include "smi/commands.h"
#include "smi/gpus.h"
#include "smi/processes.h"
#include "smi/texts.h"
#include "smi/vendor.h"
#include "smi/words.h"

#define FIELDS_MAX 4096

enum source {
	SOURCE_DRIVER,
	SOURCE_NAME,
	SOURCE_PCI,
	SOURCE_UUID,
	SOURCE_INDEX,
	SOURCE_MEMORY,
	SOURCE_MIG_MODE,
	SOURCE_PROCESS,
	SOURCE_PROCESS_NAME,
	SOURCE_COUNT,
};

/* What the calls for one GPU answered. */
struct answers {
	const struct mig_smi *smi;
	nvmlDevice_t gpu;
	bool is_asked[SOURCE_COUNT];
	nvmlReturn_t codes[SOURCE_COUNT];
	char driver[NVML_SYSTEM_DRIVER_VERSION_BUFFER_SIZE];
	char name[NVML_DEVICE_NAME_BUFFER_SIZE];
	char bus_id[NVML_DEVICE_PCI_BUS_ID_BUFFER_SIZE];
	char uuid[NVML_DEVICE_UUID_BUFFER_SIZE];
	unsigned int index;
	nvmlMemory_v2_t memory;
	unsigned int mig_current;
	unsigned int mig_pending;
	nvmlReturn_t list_code; /* one row stands for a list that cannot be read */
	const struct mig_smi_process *process;
	char process_name[MIG_SMI_PROCESS_NAME_SIZE];
};

struct field {
	const char *names[2];
	const char *unit; /* NULL: none */
	enum source source;
	void (*print)(const struct answers *answers);
};

/* ---- the calls -------------------------------------------------------------------------------- */

static nvmlReturn_t ask_pci(struct answers *a)
{
	const struct mig_driver *driver = a->smi->driver;
	nvmlPciInfoExt_t extended = {.version = MIG_NVML_STRUCT_VERSION(nvmlPciInfoExt_t, 1)};
	nvmlPciInfo_t pci;
	nvmlReturn_t code;

	if (mig_driver_has(driver, MIG_NVML_SYM_nvmlDeviceGetPciInfoExt)) {
		code = driver->nvmlDeviceGetPciInfoExt(driver, a->gpu, &extended);
		memcpy(a->bus_id, extended.busId, sizeof(a->bus_id));
		return code;
	}
	code = driver->nvmlDeviceGetPciInfo_v3(driver, a->gpu, &pci);
	memcpy(a->bus_id, pci.busId, sizeof(a->bus_id));
	return code;
}

static nvmlReturn_t ask(struct answers *a, enum source source)
{
	const struct mig_driver *driver = a->smi->driver;

	switch (source) {
	case SOURCE_DRIVER:
		return driver->nvmlSystemGetDriverVersion(driver, a->driver, sizeof(a->driver));
	case SOURCE_NAME:
		return driver->nvmlDeviceGetName(driver, a->gpu, a->name, sizeof(a->name));
	case SOURCE_PCI:
		return ask_pci(a);
	case SOURCE_UUID:
		return driver->nvmlDeviceGetUUID(driver, a->gpu, a->uuid, sizeof(a->uuid));
	case SOURCE_INDEX:
		return driver->nvmlDeviceGetIndex(driver, a->gpu, &a->index);
	case SOURCE_MEMORY:
		return mig_smi_memory(a->smi, a->gpu, &a->memory);
	case SOURCE_MIG_MODE:
		return driver->nvmlDeviceGetMigMode(driver, a->gpu, &a->mig_current,
						    &a->mig_pending);
	case SOURCE_PROCESS:
		return a->list_code;
	case SOURCE_PROCESS_NAME:
		if (a->list_code != NVML_SUCCESS)
			return a->list_code;
		return driver->nvmlSystemGetProcessName(driver, a->process->pid, a->process_name,
							sizeof(a->process_name));
	default:
		return NVML_SUCCESS;
	}
}

static nvmlReturn_t answer(struct answers *a, enum source source)
{
	if (!a->is_asked[source])
		a->codes[source] = ask(a, source);
	a->is_asked[source] = true;
	return a->codes[source];
}

/* ---- fields ----------------------------------------------------------------------------------- */

#define MIB(bytes) ((bytes) >> 20)

static void print_driver(const struct answers *a)
{
	printf("%s", a->driver);
}

static void print_name(const struct answers *a)
{
	printf("%s", a->name);
}

static void print_uuid(const struct answers *a)
{
	printf("%s", a->uuid);
}

static void print_bus_id(const struct answers *a)
{
	printf("%s", a->bus_id);
}

static void print_index(const struct answers *a)
{
	printf("%u", a->index);
}

static void print_total(const struct answers *a)
{
	printf("%llu", MIB(a->memory.total));
}

static void print_reserved(const struct answers *a)
{
	printf("%llu", MIB(a->memory.reserved));
}

static void print_used(const struct answers *a)
{
	printf("%llu", MIB(a->memory.used));
}

static void print_free(const struct answers *a)
{
	printf("%llu", MIB(a->memory.free));
}

static void print_mode(unsigned int mode)
{
	printf("%s", mode == NVML_DEVICE_MIG_ENABLE ? "Enabled" : "Disabled");
}

static void print_mig_current(const struct answers *a)
{
	print_mode(a->mig_current);
}

static void print_mig_pending(const struct answers *a)
{
	print_mode(a->mig_pending);
}

static void print_pid(const struct answers *a)
{
	printf("%u", a->process->pid);
}

static void print_process_name(const struct answers *a)
{
	printf("%s", a->process_name);
}

static void print_process_memory(const struct answers *a)
{
	printf("%llu", MIB(a->process->memory));
}

static const struct field gpu_fields[] = {
	{{"driver_version"}, NULL, SOURCE_DRIVER, print_driver},
	{{"name", "gpu_name"}, NULL, SOURCE_NAME, print_name},
	{{"uuid", "gpu_uuid"}, NULL, SOURCE_UUID, print_uuid},
	{{"pci.bus_id", "gpu_bus_id"}, NULL, SOURCE_PCI, print_bus_id},
	{{"index"}, NULL, SOURCE_INDEX, print_index},
	{{"memory.total"}, "MiB", SOURCE_MEMORY, print_total},
	{{"memory.reserved"}, "MiB", SOURCE_MEMORY, print_reserved},
	{{"memory.used"}, "MiB", SOURCE_MEMORY, print_used},
	{{"memory.free"}, "MiB", SOURCE_MEMORY, print_free},
	{{"mig.mode.current"}, NULL, SOURCE_MIG_MODE, print_mig_current},
	{{"mig.mode.pending"}, NULL, SOURCE_MIG_MODE, print_mig_pending},
	{{NULL}},
};

static const struct field app_fields[] = {
	{{"gpu_name"}, NULL, SOURCE_NAME, print_name},
	{{"gpu_bus_id"}, NULL, SOURCE_PCI, print_bus_id},
	{{"gpu_uuid"}, NULL, SOURCE_UUID, print_uuid},
	{{"pid"}, NULL, SOURCE_PROCESS, print_pid},
	{{"process_name", "name"}, NULL, SOURCE_PROCESS_NAME, print_process_name},
	{{"used_gpu_memory", "used_memory"}, "MiB", SOURCE_PROCESS, print_process_memory},
	{{NULL}},
};

const char *mig_smi_query_field(bool is_app, unsigned int number)
{
	const struct field *field = is_app ? app_fields : gpu_fields;

	while (number > 0 && field->names[0] != NULL) {
		field++;
		number--;
	}
	return field->names[0];
}

static const struct field *find_field(const struct field *table, const char *name)
{
	for (; table->names[0] != NULL; table++) {
		if (strcmp(name, table->names[0]) == 0 ||
		    (table->names[1] != NULL && strcmp(name, table->names[1]) == 0))
			return table;
	}
	return NULL;
}

/* ---- the command line ------------------------------------------------------------------------- */

struct query {
	const struct field *fields[FIELDS_MAX];
	size_t count;
	bool has_header;
	bool has_units;
};

/* Returns 0, or an exit status with the text printed. */
static int read_fields(struct query *query, const struct field *table,
		       bool (*is_vendor)(const char *), char *list)
{
	char *name;

	while ((name = mig_smi_next_entry(&list)) != NULL && query->count < FIELDS_MAX) {
		const struct field *field = find_field(table, name);

		if (field == NULL && is_vendor(name))
			return mig_smi_vendor_only(name);
		if (field == NULL) {
			printf("Field \"%s\" is not a valid field to query.\n\n", name);
			return MIG_SMI_USAGE;
		}
		query->fields[query->count++] = field;
	}
	return 0;
}

static int read_format(struct query *query, char *format)
{
	bool is_csv = false;
	char *word;

	query->has_header = query->has_units = true;
	while ((word = mig_smi_next_entry(&format)) != NULL) {
		if (strcmp(word, "csv") == 0) {
			is_csv = true;
		} else if (strcmp(word, "noheader") == 0) {
			query->has_header = false;
		} else if (strcmp(word, "nounits") == 0) {
			query->has_units = false;
		} else {
			printf("Format modifier is not recognized.\n");
			return MIG_SMI_USAGE;
		}
	}
	if (is_csv)
		return 0;
	printf("Format modifier --format=csv is mandatory.\n");
	return MIG_SMI_USAGE;
}

static void print_header(const struct query *query)
{
	if (!query->has_header)
		return;
	for (size_t i = 0; i < query->count; i++) {
		printf("%s%s", i > 0 ? ", " : "", query->fields[i]->names[0]);
		if (query->fields[i]->unit != NULL)
			printf(" [%s]", query->fields[i]->unit);
	}
	printf("\n");
}

static void print_row(const struct query *query, struct answers *answers)
{
	for (size_t i = 0; i < query->count; i++) {
		const struct field *field = query->fields[i];
		nvmlReturn_t code = answer(answers, field->source);

		printf("%s", i > 0 ? ", " : "");
		if (code != NVML_SUCCESS) {
			printf("[%s]", mig_smi_text_or_na(answers->smi, code));
			continue;
		}
		field->print(answers);
		if (field->unit != NULL && query->has_units)
			printf(" %s", field->unit);
	}
	printf("\n");
}

static int prepare(struct mig_smi *smi, struct query *query, const struct field *table,
		   bool (*is_vendor)(const char *), char *const words[3])
{
	int status = read_fields(query, table, is_vendor, words[0]);

	if (status == 0)
		status = read_format(query, words[1]);
	if (status == 0)
		status = mig_smi_select_gpus(smi, words[2]);
	return status;
}

int mig_smi_query_gpus(struct mig_smi *smi, char *fields, char *format, char *list)
{
	struct query query = {.count = 0};
	struct answers answers = {.smi = smi};
	int status = prepare(smi, &query, gpu_fields, mig_smi_is_vendor_gpu_field,
			     (char *const[]){fields, format, list});

	if (status != 0)
		return status;
	print_header(&query);
	for (unsigned int i = 0; i < smi->gpu_count; i++) {
		answers.gpu = smi->gpus[i].device;
		for (unsigned int source = 0; source < SOURCE_COUNT; source++)
			answers.is_asked[source] &= source == SOURCE_DRIVER;
		print_row(&query, &answers);
	}
	return MIG_SMI_OK;
}

int mig_smi_query_apps(struct mig_smi *smi, char *fields, char *format, char *list)
{
	struct query query = {.count = 0};
	struct answers answers = {.smi = smi};
	int status = prepare(smi, &query, app_fields, mig_smi_is_vendor_app_field,
			     (char *const[]){fields, format, list});

	if (status != 0)
		return status;
	print_header(&query);
	for (unsigned int i = 0; i < smi->gpu_count; i++) {
		struct mig_smi_processes processes = {.count = 0};

		memset(answers.is_asked, 0, sizeof(answers.is_asked));
		answers.gpu = smi->gpus[i].device;
		answers.list_code =
			mig_smi_processes_read(smi, answers.gpu, MIG_SMI_LIST_COMPUTE, &processes);
		if (answers.list_code != NVML_SUCCESS)
			print_row(&query, &answers);
		for (size_t p = 0; p < processes.count; p++) {
			answers.process = &processes.rows[p];
			answers.is_asked[SOURCE_PROCESS_NAME] = false;
			print_row(&query, &answers);
		}
		mig_smi_processes_clear(&processes);
	}
	return MIG_SMI_OK;
}
