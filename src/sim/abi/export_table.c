/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nvmlInternalGetExportTable: private tables of functions, by UUID.
 *
 * One is asked for by nvidia-smi. What is known of it was published by NVIDIA under Apache-2.0
 * (the mock in k8s-test-infra: the UUID, the size in slot 0, slots 81 and 213 to 215) or seen from
 * the calls that arrive in a library of one's own (slots 12, 26, 72, 75 and what 81 is for); see
 * docs/simulated-functions.md. A slot is used only if the size says that it is there, and every
 * one that is not known answers NOT_SUPPORTED. The other table is our own (sim_identity.h).
 */
#include <string.h>

#include "nvml/sim_identity.h"
#include "nvml/symbols.h"
#include "sim/abi/context.h"
#include "sim/abi/failure.h"
#include "sim/abi/lookup.h"
#include "sim/abi/process.h"
#include "sim/process/holder.h"

enum {
	SLOT_PARSE_BUS_ID = 12,
	SLOT_TRACE = 26,
	SLOT_IS_MONITORED = 72,
	SLOT_PCI_ADDRESS = 75,
	SLOT_BUS_ID = 81,
	SLOT_COMPUTE_PROCESSES = 213,
	SLOT_MPS_PROCESSES = 214,
	SLOT_GRAPHICS_PROCESSES = 215,
	SLOT_COUNT = 512, /* more than any client is known to use */
};

/* One slot, by what may be in it. */
union slot {
	uint64_t size;
	nvmlReturn_t (*call)(void);
	nvmlReturn_t (*parse)(const char *bus_id, unsigned int *domain, unsigned int *bus,
			      unsigned int *device, unsigned int *function);
	nvmlReturn_t (*address)(unsigned int index, unsigned int *domain, unsigned int *bus,
				unsigned int *device);
	nvmlReturn_t (*text)(unsigned int index, char *text, unsigned int length);
	nvmlReturn_t (*flag)(nvmlDevice_t device, unsigned int *flag);
	nvmlReturn_t (*list)(nvmlDevice_t device, unsigned int *count, void *entries);
};
_Static_assert(sizeof(union slot) == 8, "slots are 8 bytes apart");

static nvmlReturn_t not_supported(void)
{
	return NVML_ERROR_NOT_SUPPORTED;
}

/* nvidia-smi takes a GPU for the one that is meant only if the function is 0. */
static nvmlReturn_t parse_bus_id(const char *bus_id, unsigned int *domain, unsigned int *bus,
				 unsigned int *device, unsigned int *function)
{
	struct mig_abi_pci_address address;

	if (!bus_id || !domain || !bus || !device || !function ||
	    !mig_abi_parse_pci_address(bus_id, &address))
		return NVML_ERROR_INVALID_ARGUMENT;
	*domain = address.domain;
	*bus = address.bus;
	*device = address.device;
	*function = address.function;
	return NVML_SUCCESS;
}

/* Gets every line of output; there is nothing to do with it. */
static nvmlReturn_t trace(void)
{
	return NVML_SUCCESS;
}

static nvmlReturn_t gpu_desc(unsigned int index, const struct mig_sim_gpu_desc **desc)
{
	const struct mig_sim_store *store = mig_abi_store();

	if (!store)
		return NVML_ERROR_UNINITIALIZED;
	if (index >= store->node->gpu_count)
		return NVML_ERROR_INVALID_ARGUMENT;
	*desc = &store->node->gpus[index];
	return NVML_SUCCESS;
}

static nvmlReturn_t pci_address(unsigned int index, unsigned int *domain, unsigned int *bus,
				unsigned int *device)
{
	const struct mig_sim_gpu_desc *desc;
	nvmlReturn_t code = gpu_desc(index, &desc);

	if (code != NVML_SUCCESS)
		return code;
	if (!domain || !bus || !device)
		return NVML_ERROR_INVALID_ARGUMENT;
	*domain = desc->pci_domain;
	*bus = desc->pci_bus;
	*device = desc->pci_device;
	return NVML_SUCCESS;
}

/* `nvidia-smi dmon` and `pmon` refuse a GPU for which this is 0 or an error. */
static nvmlReturn_t is_monitored(nvmlDevice_t device, unsigned int *flag)
{
	struct mig_abi_gpu gpu;
	nvmlReturn_t code = mig_abi_find_gpu(device, &gpu);

	if (code != NVML_SUCCESS)
		return code;
	if (!flag)
		return NVML_ERROR_INVALID_ARGUMENT;
	*flag = 1;
	return NVML_SUCCESS;
}

static nvmlReturn_t bus_id(unsigned int index, char *text, unsigned int length)
{
	const struct mig_sim_gpu_desc *desc;
	nvmlReturn_t code = gpu_desc(index, &desc);

	if (code != NVML_SUCCESS)
		return code;
	return mig_abi_put_text(text, length, desc->bus_id);
}

/* One entry of the process lists. */
struct process_entry {
	uint32_t pid;
	uint32_t unknown_4;
	uint64_t memory; /* bytes */
	uint32_t gi_id;
	uint32_t ci_id;
	uint64_t protected_memory; /* bytes */
	char name[4096];
};
_Static_assert(sizeof(struct process_entry) == 4128, "entries are 4128 bytes apart");

static void put_process(void *entries, unsigned int index, const struct mig_sim_holder *holder)
{
	struct process_entry *entry = (struct process_entry *)entries + index;

	memset(entry, 0, sizeof(*entry));
	entry->pid = holder->pid;
	entry->memory = holder->memory;
	entry->gi_id = mig_abi_instance_id(holder->gi);
	entry->ci_id = mig_abi_instance_id(holder->ci);
	(void)mig_sim_process_name(holder->pid, entry->name, sizeof(entry->name));
}

/* Without an array only the number is wanted. */
static nvmlReturn_t processes(nvmlDevice_t device, enum mig_abi_process_list list,
			      unsigned int *count, void *entries)
{
	if (count && !entries)
		*count = 0;
	return mig_abi_list_processes(device, list, count, entries, put_process);
}

static nvmlReturn_t compute_processes(nvmlDevice_t device, unsigned int *count, void *entries)
{
	return processes(device, MIG_ABI_PROCESSES_COMPUTE, count, entries);
}

static nvmlReturn_t graphics_processes(nvmlDevice_t device, unsigned int *count, void *entries)
{
	return processes(device, MIG_ABI_PROCESSES_GRAPHICS, count, entries);
}

static nvmlReturn_t mps_processes(nvmlDevice_t device, unsigned int *count, void *entries)
{
	return processes(device, MIG_ABI_PROCESSES_MPS, count, entries);
}

static const union slot full_table[SLOT_COUNT] = {
	[0] = {.size = sizeof(full_table)},
	[1 ... SLOT_PARSE_BUS_ID - 1] = {.call = not_supported},
	[SLOT_PARSE_BUS_ID] = {.parse = parse_bus_id},
	[SLOT_PARSE_BUS_ID + 1 ... SLOT_TRACE - 1] = {.call = not_supported},
	[SLOT_TRACE] = {.call = trace},
	[SLOT_TRACE + 1 ... SLOT_IS_MONITORED - 1] = {.call = not_supported},
	[SLOT_IS_MONITORED] = {.flag = is_monitored},
	[SLOT_IS_MONITORED + 1 ... SLOT_PCI_ADDRESS - 1] = {.call = not_supported},
	[SLOT_PCI_ADDRESS] = {.address = pci_address},
	[SLOT_PCI_ADDRESS + 1 ... SLOT_BUS_ID - 1] = {.call = not_supported},
	[SLOT_BUS_ID] = {.text = bus_id},
	[SLOT_BUS_ID + 1 ... SLOT_COMPUTE_PROCESSES - 1] = {.call = not_supported},
	[SLOT_COMPUTE_PROCESSES] = {.list = compute_processes},
	[SLOT_MPS_PROCESSES] = {.list = mps_processes},
	[SLOT_GRAPHICS_PROCESSES] = {.list = graphics_processes},
	[SLOT_GRAPHICS_PROCESSES + 1 ... SLOT_COUNT - 1] = {.call = not_supported},
};

static const union slot empty_table[1] = {[0] = {.size = 0}};

static const char *library_version(void)
{
	return MIG_VERSION;
}

static const struct mig_sim_identity identity = {
	.size = sizeof(identity),
	.abi_version = MIG_SIM_IDENTITY_ABI,
	.version = library_version,
	.node_path = mig_abi_node_path,
	.failure_text = mig_abi_failure_text,
};

static const unsigned char identity_uuid[MIG_SIM_IDENTITY_UUID_SIZE] = MIG_SIM_IDENTITY_UUID_BYTES;
static const unsigned char table_uuid[16] = {0xc4, 0xfe, 0x3e, 0x6c, 0xc9, 0x8f, 0x6c, 0x4e,
					     0xa3, 0x27, 0xee, 0x69, 0x6e, 0x12, 0xf7, 0xc4};

MIG_EXPORT nvmlReturn_t nvmlInternalGetExportTable(const void **table, const unsigned char *uuid)
{
	const struct mig_sim_store *store = mig_abi_store();

	if (!table || !uuid)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (memcmp(uuid, identity_uuid, sizeof(identity_uuid)) == 0) {
		*table = &identity;
		return NVML_SUCCESS;
	}
	if (memcmp(uuid, table_uuid, sizeof(table_uuid)) != 0)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (store && store->node->export_table == MIG_SIM_EXPORT_TABLE_NONE)
		*table = empty_table;
	else
		*table = full_table;
	return NVML_SUCCESS;
}
