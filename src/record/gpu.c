/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One GPU without its profiles: what it is called, where it is, its modes and its memory.
 *
 * Only the handle and the name must be there. The rest is noted when NVML refuses it, and filled in
 * later from what is known of the model (model.c). Serial numbers and processes are never asked for.
 */
#include "record/parts.h"

#include <string.h>

#include "shared/file.h"
#include "shared/hostroot.h"
#include "shared/number.h"
#include "shared/text.h"

#define MIB		  (1024ULL * 1024ULL)
#define PCI_VENDOR	  0x10de
#define PCI_SLOT_MAX	  0x1f
#define PCI_BUS_MAX	  0xff
#define NUMA_TEXT_MAX	  64
/* Since this branch nvmlDeviceGetMemoryInfo counts what the driver reserves into the total. */
#define BRANCH_FULL_TOTAL 510

static uint32_t in_mib(unsigned long long bytes)
{
	unsigned long long mib = bytes / MIB;

	return mib < MIG_TABLE_UNKNOWN ? (uint32_t)mib : MIG_TABLE_UNKNOWN;
}

/* ---- which GPU, and where --------------------------------------------------------------------- */

static int read_uuid(struct recorder *r, struct recorded_gpu *gpu, struct mig_error **err)
{
	char uuid[NVML_DEVICE_UUID_V2_BUFFER_SIZE] = "";
	nvmlReturn_t code;
	char what[64];

	if (!r->options->keep_ids)
		return 0;
	code = r->driver->nvmlDeviceGetUUID(r->driver, gpu->handle, uuid, sizeof(uuid));
	if (code != NVML_SUCCESS)
		return mig_record_note_gpu(r, gpu, "uuid", code,
					   "derived from the name of the new node", err);
	if (mig_sim_is_gpu_uuid(uuid)) {
		mig_text_copy(gpu->desc.uuid, sizeof(gpu->desc.uuid), uuid);
		return 0;
	}
	mig_text_format(what, sizeof(what), "gpus[%u].uuid", gpu->index);
	return mig_record_note(r, what, "it has another form than GPU-8-4-4-4-12 digits",
			       "derived from the name of the new node", err);
}

static int read_pci(struct recorder *r, struct recorded_gpu *gpu, struct mig_error **err)
{
	struct mig_gpu_table *model = &gpu->model.table;
	struct mig_sim_gpu_desc *desc = &gpu->desc;
	nvmlPciInfo_t pci = {0};
	nvmlReturn_t code;

	model->pci_vendor_id = PCI_VENDOR;
	model->pci_device_id = MIG_TABLE_UNKNOWN;
	model->pci_subsystem_id = MIG_TABLE_UNKNOWN;
	code = r->driver->nvmlDeviceGetPciInfo_v3(r->driver, gpu->handle, &pci);
	if (code == NVML_SUCCESS && (pci.bus > PCI_BUS_MAX || pci.device > PCI_SLOT_MAX))
		code = NVML_ERROR_UNKNOWN;
	if (code != NVML_SUCCESS)
		return mig_record_note_gpu(r, gpu, "pci_address", code, "bus 0x10 + index", err);
	desc->pci_domain = pci.domain;
	desc->pci_bus = pci.bus;
	desc->pci_device = pci.device;
	mig_text_format(desc->bus_id, sizeof(desc->bus_id), "%08X:%02X:%02X.0", pci.domain, pci.bus,
			pci.device);
	model->pci_device_id = pci.pciDeviceId >> 16;
	model->pci_device_ids[0] = model->pci_device_id;
	model->pci_device_id_count = 1;
	model->pci_subsystem_id = pci.pciSubSystemId;
	return 0;
}

static int read_minor(struct recorder *r, struct recorded_gpu *gpu, struct mig_error **err)
{
	unsigned int minor = 0;
	nvmlReturn_t code;
	char what[64];

	gpu->desc.minor_number = MIG_SIM_MINOR_DERIVED;
	code = r->driver->nvmlDeviceGetMinorNumber(r->driver, gpu->handle, &minor);
	if (code != NVML_SUCCESS)
		return mig_record_note_gpu(r, gpu, "minor", code, "the GPU's index", err);
	if (minor <= MIG_SIM_MINOR_MAX) {
		gpu->desc.minor_number = minor;
		return 0;
	}
	mig_text_format(what, sizeof(what), "gpus[%u].minor", gpu->index);
	return mig_record_note(r, what, "a simulated node has minor numbers up to 31",
			       "the GPU's index", err);
}

/* What the kernel says of the PCI device: true if it says anything. */
static bool numa_from_sysfs(const struct recorder *r, const struct mig_sim_gpu_desc *desc,
			    int32_t *numa_node)
{
	_cleanup_free_ char *sys = mig_host_path(r->options->host_root, MIG_HOST_SYS);
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(NUMA_TEXT_MAX);
	_cleanup_free_ char *path = NULL;
	uint64_t node;
	size_t len;

	if (!sys || !desc->bus_id[0])
		return false;
	path = mig_asprintf("%s/bus/pci/devices/%04x:%02x:%02x.0/numa_node", sys, desc->pci_domain,
			    desc->pci_bus, desc->pci_device);
	if (!path || mig_file_read(path, &text, NULL))
		return false;
	len = strcspn(mig_buf_text(&text), "\n");
	if (len == 2 && strncmp(mig_buf_text(&text), "-1", len) == 0)
		return true; /* the kernel's word for none */
	if (mig_parse_u64_n(mig_buf_text(&text), len, 0, MIG_SIM_NUMA_NODE_MAX, &node))
		return false;
	*numa_node = (int32_t)node;
	return true;
}

static int read_numa_node(struct recorder *r, struct recorded_gpu *gpu, struct mig_error **err)
{
	unsigned int node = 0;
	nvmlReturn_t code;

	gpu->desc.numa_node = -1;
	code = r->driver->nvmlDeviceGetNumaNodeId(r->driver, gpu->handle, &node);
	if (code == NVML_SUCCESS && node <= MIG_SIM_NUMA_NODE_MAX) {
		gpu->desc.numa_node = (int32_t)node;
		return 0;
	}
	if (numa_from_sysfs(r, &gpu->desc, &gpu->desc.numa_node))
		return 0;
	return mig_record_note_gpu(r, gpu, "numa_node", code ? code : NVML_ERROR_UNKNOWN, "none",
				   err);
}

/* ---- what kind of GPU ------------------------------------------------------------------------- */

static int read_kind(struct recorder *r, struct recorded_gpu *gpu, struct mig_error **err)
{
	static const struct {
		nvmlDeviceArchitecture_t nvml;
		enum mig_table_arch arch;
	} arches[] = {
		{NVML_DEVICE_ARCH_TURING, MIG_ARCH_TURING},
		{NVML_DEVICE_ARCH_AMPERE, MIG_ARCH_AMPERE},
		{NVML_DEVICE_ARCH_ADA, MIG_ARCH_ADA},
		{NVML_DEVICE_ARCH_HOPPER, MIG_ARCH_HOPPER},
		{NVML_DEVICE_ARCH_BLACKWELL, MIG_ARCH_BLACKWELL},
	};
	const struct mig_driver *driver = r->driver;
	struct mig_gpu_table *model = &gpu->model.table;
	nvmlDeviceArchitecture_t arch = NVML_DEVICE_ARCH_UNKNOWN;
	int major = 0, minor = 0;
	nvmlReturn_t code;

	code = driver->nvmlDeviceGetArchitecture(driver, gpu->handle, &arch);
	for (size_t i = 0; code == NVML_SUCCESS && i < MIG_ARRAY_SIZE(arches); i++) {
		if (arches[i].nvml == arch)
			model->arch = (uint8_t)arches[i].arch;
	}
	if (mig_record_note_gpu(r, gpu, "model: nvml_architecture", code,
				"that of the built-in model, else unknown", err))
		return -1;
	model->cc_major = model->cc_minor = MIG_TABLE_UNKNOWN_U8;
	code = driver->nvmlDeviceGetCudaComputeCapability(driver, gpu->handle, &major, &minor);
	if (code == NVML_SUCCESS && major > 0 && major <= 99 && minor >= 0 && minor <= 9) {
		model->cc_major = (uint8_t)major;
		model->cc_minor = (uint8_t)minor;
	}
	if (code == NVML_ERROR_NOT_SUPPORTED)
		return 0; /* that is an answer, which the replay gives too */
	return mig_record_note_gpu(r, gpu, "model: compute_capability", code,
				   "that of the built-in model, else unknown", err);
}

/*
 * NVML counts cores, and how many a multiprocessor has follows from the compute capability (CUDA
 * programming guide, arithmetic throughput of 32-bit floating point). Whether MIG changes
 * the count is not known; what is recorded is what it says now.
 */
static void read_multiprocessors(struct recorder *r, struct recorded_gpu *gpu)
{
	static const struct {
		uint8_t major, minor, cores;
	} per_sm[] = {
		{7, 5, 64},   {8, 0, 64},   {8, 6, 128},  {8, 7, 128},	{8, 9, 128},  {9, 0, 128},
		{10, 0, 128}, {10, 3, 128}, {11, 0, 128}, {12, 0, 128}, {12, 1, 128},
	};
	struct mig_gpu_table *model = &gpu->model.table;
	unsigned int cores = 0;

	if (r->driver->nvmlDeviceGetNumGpuCores(r->driver, gpu->handle, &cores) != NVML_SUCCESS)
		return;
	for (size_t i = 0; i < MIG_ARRAY_SIZE(per_sm); i++) {
		if (per_sm[i].major == model->cc_major && per_sm[i].minor == model->cc_minor &&
		    cores > 0 && cores % per_sm[i].cores == 0)
			model->sm_total = cores / per_sm[i].cores;
	}
}

/* ---- memory ----------------------------------------------------------------------------------- */

static void read_memory(struct recorder *r, struct recorded_gpu *gpu)
{
	const struct mig_driver *driver = r->driver;
	struct mig_gpu_table *model = &gpu->model.table;
	nvmlMemory_v2_t v2 = {.version = MIG_NVML_STRUCT_VERSION(nvmlMemory_v2_t, 2)};
	nvmlMemory_t v1 = {0};
	nvmlReturn_t code;

	model->memory_total_mib = MIG_TABLE_UNKNOWN;
	model->memory_reserved_mib = MIG_TABLE_UNKNOWN;
	model->memory_idle_mib = MIG_TABLE_UNKNOWN;
	code = driver->nvmlDeviceGetMemoryInfo_v2(driver, gpu->handle, &v2);
	if (code == NVML_SUCCESS && v2.total > 0) {
		model->memory_total_mib = in_mib(v2.total);
		model->memory_reserved_mib = in_mib(v2.reserved);
		return;
	}
	code = driver->nvmlDeviceGetMemoryInfo(driver, gpu->handle, &v1);
	if (code == NVML_SUCCESS && v1.total > 0) {
		model->memory_total_mib = in_mib(v1.total);
		gpu->model.reserved_is_hidden = r->out->description->node.branch <
						BRANCH_FULL_TOTAL;
		return;
	}
	gpu->model.memory_code = code == NVML_SUCCESS ? NVML_ERROR_UNKNOWN : code;
}

static int read_bar1(struct recorder *r, struct recorded_gpu *gpu, struct mig_error **err)
{
	struct mig_gpu_table *model = &gpu->model.table;
	nvmlBAR1Memory_t bar1 = {0};
	nvmlReturn_t code;

	model->bar1_total_mib = MIG_TABLE_UNKNOWN;
	code = r->driver->nvmlDeviceGetBAR1MemoryInfo(r->driver, gpu->handle, &bar1);
	if (code == NVML_SUCCESS && in_mib(bar1.bar1Total) > 0) {
		model->bar1_total_mib = in_mib(bar1.bar1Total);
		return 0;
	}
	if (code == NVML_SUCCESS || code == NVML_ERROR_NOT_SUPPORTED) {
		/* The driver itself has no such number, and so the replay is not to derive one. */
		model->rule[MIG_GPU_FIELD_BAR1_TOTAL_MIB] =
			(uint8_t)mig_table_rule_find(RECORD_RULE_ABSENT);
		return 0;
	}
	return mig_record_note_gpu(
		r, gpu, "model: bar1_total_mib", code,
		"that of the built-in model or of another such GPU, else by rule", err);
}

/* ---- modes ------------------------------------------------------------------------------------ */

static void read_needs_reset(struct recorder *r, struct recorded_gpu *gpu)
{
	nvmlFieldValue_t field = {.fieldId = NVML_FI_DEV_IS_RESETLESS_MIG_SUPPORTED};
	struct mig_gpu_table *model = &gpu->model.table;
	nvmlReturn_t code;

	model->mode_needs_reset = model->arch == MIG_ARCH_AMPERE;
	model->mode_survives_reboot = model->arch == MIG_ARCH_AMPERE;
	code = r->driver->nvmlDeviceGetFieldValues(r->driver, gpu->handle, 1, &field);
	if (code != NVML_SUCCESS || field.nvmlReturn != NVML_SUCCESS)
		return;
	model->mode_needs_reset = field.value.uiVal == 0;
	gpu->model.has_needs_reset = true;
}

static int read_modes(struct recorder *r, struct recorded_gpu *gpu, struct mig_error **err)
{
	const struct mig_driver *driver = r->driver;
	nvmlEnableState_t persistence = NVML_FEATURE_DISABLED;
	unsigned int current = 0, pending = 0;
	nvmlReturn_t code;

	code = driver->nvmlDeviceGetPersistenceMode(driver, gpu->handle, &persistence);
	gpu->desc.initial_persistence = code == NVML_SUCCESS && persistence == NVML_FEATURE_ENABLED;
	if (mig_record_note_gpu(r, gpu, "persistence_mode", code, "off", err))
		return -1;
	code = driver->nvmlDeviceGetMigMode(driver, gpu->handle, &current, &pending);
	if (code == NVML_ERROR_NOT_SUPPORTED || code == NVML_ERROR_FUNCTION_NOT_FOUND)
		return 0; /* no MIG */
	if (code != NVML_SUCCESS)
		return mig_record_note_gpu(r, gpu, "mig_mode", code, "a GPU without MIG", err);
	gpu->model.table.is_mig_capable = 1;
	gpu->is_mig_on = current == NVML_DEVICE_MIG_ENABLE;
	gpu->is_pending_other = current != pending;
	gpu->desc.initial_mig_mode = gpu->is_mig_on;
	read_needs_reset(r, gpu);
	return 0;
}

int mig_record_gpu(struct recorder *r, struct recorded_gpu *gpu, struct mig_error **err)
{
	const struct mig_driver *driver = r->driver;
	struct mig_gpu_table *model = &gpu->model.table;
	nvmlReturn_t code;

	code = driver->nvmlDeviceGetHandleByIndex_v2(driver, gpu->index, &gpu->handle);
	if (code != NVML_SUCCESS)
		return mig_driver_error(err, driver, code, "cannot open it");
	code = driver->nvmlDeviceGetName(driver, gpu->handle, model->name, sizeof(model->name));
	if (code != NVML_SUCCESS)
		return mig_driver_error(err, driver, code, "cannot read its name");
	model->chip_id = MIG_TABLE_UNKNOWN;
	model->sm_total = MIG_TABLE_UNKNOWN;
	model->sm_mig_visible = MIG_TABLE_UNKNOWN;
	if (read_uuid(r, gpu, err) || read_pci(r, gpu, err) || read_minor(r, gpu, err) ||
	    read_numa_node(r, gpu, err) || read_kind(r, gpu, err))
		return -1;
	read_multiprocessors(r, gpu);
	read_memory(r, gpu);
	gpu->model.known = mig_record_find_known(model);
	return read_bar1(r, gpu, err) || read_modes(r, gpu, err) ? -1 : 0;
}
