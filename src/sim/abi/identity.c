/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which device is which: handles by index, UUID, PCI address and serial number, and the names and
 * numbers that lead back to them.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "nvml/symbols.h"
#include "shared/number.h"
#include "shared/sha1.h"
#include "shared/text.h"
#include "sim/abi/lookup.h"
#include "sim/abi/monitor_board.h"
#include "sim/abi/visible.h"

/* What a GPU is on the PCI bus: a 3D controller. */
enum {
	PCI_CLASS_DISPLAY = 0x03,
	PCI_SUBCLASS_3D = 0x02,
};

enum {
	UUID_PREFIX_LENGTH = 4, /* "GPU-" or "MIG-" */
	UUID_TEXT_LENGTH = MIG_UUID_TEXT_SIZE - 1,
};

#define OLD_PREFIX	  "MIG-GPU-"
#define OLD_PREFIX_LENGTH (sizeof(OLD_PREFIX) - 1)

/* ---- handles ---------------------------------------------------------------------------------- */

static nvmlReturn_t handle_by_index(unsigned int index, nvmlDevice_t *device)
{
	const struct mig_sim_store *store = mig_abi_store();

	if (!store)
		return NVML_ERROR_UNINITIALIZED;
	if (!device || index >= store->node->gpu_count)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (mig_sim_store_is_gpu_lost(store, index))
		return NVML_ERROR_GPU_IS_LOST;
	*device = mig_handle_gpu(index);
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetHandleByIndex(unsigned int index, nvmlDevice_t *device)
{
	return handle_by_index(index, device);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned int index, nvmlDevice_t *device)
{
	return handle_by_index(index, device);
}

static nvmlReturn_t handle_by_pci_address(const char *bus_id, nvmlDevice_t *device)
{
	const struct mig_sim_store *store = mig_abi_store();
	struct mig_abi_pci_address wanted;

	if (!store)
		return NVML_ERROR_UNINITIALIZED;
	if (!bus_id || !device || !mig_abi_parse_pci_address(bus_id, &wanted))
		return NVML_ERROR_INVALID_ARGUMENT;
	for (unsigned int i = 0; i < store->node->gpu_count; i++) {
		const struct mig_sim_gpu_desc *gpu = &store->node->gpus[i];

		if (gpu->pci_domain == wanted.domain && gpu->pci_bus == wanted.bus &&
		    gpu->pci_device == wanted.device && wanted.function == 0) {
			if (mig_sim_store_is_gpu_lost(store, i))
				return NVML_ERROR_GPU_IS_LOST;
			*device = mig_handle_gpu(i);
			return NVML_SUCCESS;
		}
	}
	return NVML_ERROR_NOT_FOUND;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetHandleByPciBusId(const char *pciBusId, nvmlDevice_t *device)
{
	return handle_by_pci_address(pciBusId, device);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetHandleByPciBusId_v2(const char *pciBusId, nvmlDevice_t *device)
{
	return handle_by_pci_address(pciBusId, device);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetHandleBySerial(const char *serial, nvmlDevice_t *device)
{
	const struct mig_sim_store *store = mig_abi_store();
	char own[MIG_MONITOR_SERIAL_SIZE];

	if (!store)
		return NVML_ERROR_UNINITIALIZED;
	if (!serial || !device)
		return NVML_ERROR_INVALID_ARGUMENT;
	for (unsigned int i = 0; i < store->node->gpu_count; i++) {
		mig_monitor_serial(&store->node->gpus[i], own);
		if (strncmp(serial, own, sizeof(own)) == 0) {
			if (mig_sim_store_is_gpu_lost(store, i))
				return NVML_ERROR_GPU_IS_LOST;
			*device = mig_handle_gpu(i);
			return NVML_SUCCESS;
		}
	}
	return NVML_ERROR_NOT_FOUND;
}

/* Whether the text after the prefix is the wanted one (8-4-4-4-12 digits of either case). */
static bool same_uuid(const char *uuid, const char *wanted)
{
	return strncasecmp(uuid + UUID_PREFIX_LENGTH, wanted, UUID_TEXT_LENGTH + 1) == 0;
}

static bool find_mig_device(const struct mig_abi_gpu *gpu, const char *wanted, nvmlDevice_t *device)
{
	struct mig_sim_gpu_state state;
	char uuid[MIG_SIM_UUID_SIZE];

	mig_sim_store_read_gpu(gpu->store, gpu->gpu_index, &state);
	if (!state.mig_current)
		return false;
	for (unsigned int gi_id = 0; gi_id < MIG_SIM_GIS_MAX; gi_id++) {
		for (unsigned int ci_id = 0; ci_id < MIG_SIM_CIS_MAX; ci_id++) {
			if (!state.gi[gi_id].in_use || !state.gi[gi_id].ci[ci_id].in_use)
				continue;
			mig_sim_mig_uuid(&gpu->facts, &state, gi_id, ci_id, uuid);
			if (same_uuid(uuid, wanted) && mig_abi_is_visible(gpu, gi_id, ci_id)) {
				*device = mig_handle_device(gpu->gpu_index, gi_id, ci_id);
				return true;
			}
		}
	}
	return false;
}

/* Looks for `wanted` (36 characters) among GPUs, MIG devices, or both. */
static nvmlReturn_t find_uuid(struct mig_sim_store *store, const char *wanted, bool gpus,
			      bool mig_devices, nvmlDevice_t *device)
{
	for (unsigned int i = 0; gpus && i < store->node->gpu_count; i++) {
		if (same_uuid(store->node->gpus[i].uuid, wanted)) {
			if (mig_sim_store_is_gpu_lost(store, i))
				return NVML_ERROR_GPU_IS_LOST;
			*device = mig_handle_gpu(i);
			return NVML_SUCCESS;
		}
	}
	for (unsigned int i = 0; mig_devices && i < store->node->gpu_count; i++) {
		struct mig_abi_gpu gpu;

		if (mig_abi_gpu_at(store, i, &gpu) == NVML_SUCCESS &&
		    find_mig_device(&gpu, wanted, device))
			return mig_sim_store_is_gpu_lost(store, i) ? NVML_ERROR_GPU_IS_LOST
								   : NVML_SUCCESS;
	}
	return NVML_ERROR_NOT_FOUND;
}

static bool is_hex_digit(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Copies `length` bytes of text if they are a UUID. */
static bool copy_uuid(const char *text, size_t length, char uuid[MIG_UUID_TEXT_SIZE])
{
	if (length != UUID_TEXT_LENGTH)
		return false;
	for (unsigned int i = 0; i < UUID_TEXT_LENGTH; i++) {
		bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (is_dash ? text[i] != '-' : !is_hex_digit(text[i]))
			return false;
		uuid[i] = text[i];
	}
	uuid[UUID_TEXT_LENGTH] = '\0';
	return true;
}

/* Reads a number of `*text` that ends with `mark`, and moves *text behind that. */
static bool take_id(const char **text, char mark, unsigned int max, unsigned int *id)
{
	size_t digits = strspn(*text, "0123456789");
	int saved_errno = errno;
	uint64_t value;
	bool is_one;

	is_one = digits > 0 && (*text)[digits] == mark &&
		 mig_parse_u64_n(*text, digits, 0, max, &value) == 0;
	errno = saved_errno;
	if (!is_one)
		return false;
	*id = (unsigned int)value;
	*text += digits + (mark != '\0');
	return true;
}

/* "MIG-GPU-<UUID>/<GI>/<CI>", the form of drivers before 470, which newer ones still take. */
static nvmlReturn_t handle_by_old_text(struct mig_sim_store *store, const char *text, size_t length,
				       nvmlDevice_t *device)
{
	char copy[NVML_DEVICE_UUID_V2_BUFFER_SIZE];
	char wanted[MIG_UUID_TEXT_SIZE];
	const char *ids = copy + OLD_PREFIX_LENGTH + UUID_TEXT_LENGTH + 1;
	struct mig_sim_gpu_state state;
	struct mig_abi_gpu gpu;
	unsigned int gi_id, ci_id;
	nvmlReturn_t code;

	if (length <= OLD_PREFIX_LENGTH + UUID_TEXT_LENGTH || length >= sizeof(copy))
		return NVML_ERROR_INVALID_ARGUMENT;
	memcpy(copy, text, length);
	copy[length] = '\0';
	if (!copy_uuid(copy + OLD_PREFIX_LENGTH, UUID_TEXT_LENGTH, wanted) || ids[-1] != '/' ||
	    !take_id(&ids, '/', UINT32_MAX, &gi_id) || !take_id(&ids, '\0', UINT32_MAX, &ci_id))
		return NVML_ERROR_INVALID_ARGUMENT;
	code = find_uuid(store, wanted, true, false, device);
	if (code != NVML_SUCCESS)
		return code;
	if (gi_id >= MIG_SIM_GIS_MAX || ci_id >= MIG_SIM_CIS_MAX)
		return NVML_ERROR_NOT_FOUND;
	mig_sim_store_read_gpu(store, mig_handle_decode(*device).gpu_index, &state);
	if (!state.mig_current || !state.gi[gi_id].in_use || !state.gi[gi_id].ci[ci_id].in_use)
		return NVML_ERROR_NOT_FOUND;
	if (mig_abi_gpu_at(store, mig_handle_decode(*device).gpu_index, &gpu) != NVML_SUCCESS ||
	    !mig_abi_is_visible(&gpu, gi_id, ci_id))
		return NVML_ERROR_NOT_FOUND;
	*device = mig_handle_device(mig_handle_decode(*device).gpu_index, gi_id, ci_id);
	return NVML_SUCCESS;
}

/* `length` bytes of text: "GPU-" or "MIG-" and a UUID. */
static nvmlReturn_t handle_by_uuid_text(struct mig_sim_store *store, const char *text,
					size_t length, nvmlDevice_t *device)
{
	char wanted[MIG_UUID_TEXT_SIZE];
	bool is_gpu, is_mig;

	if (length < UUID_PREFIX_LENGTH)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (length > OLD_PREFIX_LENGTH && strncmp(text, OLD_PREFIX, OLD_PREFIX_LENGTH) == 0)
		return handle_by_old_text(store, text, length, device);
	is_gpu = strncmp(text, "GPU-", UUID_PREFIX_LENGTH) == 0;
	is_mig = strncmp(text, "MIG-", UUID_PREFIX_LENGTH) == 0;
	if ((!is_gpu && !is_mig) ||
	    !copy_uuid(text + UUID_PREFIX_LENGTH, length - UUID_PREFIX_LENGTH, wanted))
		return NVML_ERROR_INVALID_ARGUMENT;
	return find_uuid(store, wanted, is_gpu, is_mig, device);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetHandleByUUID(const char *uuid, nvmlDevice_t *device)
{
	struct mig_sim_store *store = mig_abi_store();

	if (!store)
		return NVML_ERROR_UNINITIALIZED;
	if (!uuid || !device)
		return NVML_ERROR_INVALID_ARGUMENT;
	return handle_by_uuid_text(store, uuid, strnlen(uuid, NVML_DEVICE_UUID_V2_BUFFER_SIZE),
				   device);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetHandleByUUIDV(const nvmlUUID_t *uuid, nvmlDevice_t *device)
{
	struct mig_sim_store *store = mig_abi_store();
	const unsigned char *b;
	char wanted[MIG_UUID_TEXT_SIZE];

	if (!store)
		return NVML_ERROR_UNINITIALIZED;
	if (!uuid || !device)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (uuid->version != MIG_NVML_STRUCT_VERSION(nvmlUUID_v1_t, 1))
		return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
	if (uuid->type == NVML_UUID_TYPE_ASCII)
		return handle_by_uuid_text(store, uuid->value.str,
					   strnlen(uuid->value.str, sizeof(uuid->value.str)),
					   device);
	if (uuid->type != NVML_UUID_TYPE_BINARY)
		return NVML_ERROR_INVALID_ARGUMENT;
	b = uuid->value.bytes;
	mig_text_format(wanted, sizeof(wanted),
			"%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
			b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11],
			b[12], b[13], b[14], b[15]);
	return find_uuid(store, wanted, true, true, device);
}

/* ---- names and numbers ------------------------------------------------------------------------ */

MIG_EXPORT nvmlReturn_t nvmlDeviceGetName(nvmlDevice_t device, char *name, unsigned int length)
{
	char text[MIG_TABLE_NAME_SIZE + sizeof(" MIG ") + MIG_TABLE_PROFILE_NAME_SIZE];
	struct mig_abi_device d;
	nvmlReturn_t code = mig_abi_find_device(device, &d);

	if (code != NVML_SUCCESS)
		return code;
	if (!name)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (d.gpu.facts.model->name[0] == '\0')
		return NVML_ERROR_NOT_SUPPORTED;
	if (d.is_mig)
		mig_text_format(text, sizeof(text), "%s MIG %s", d.gpu.facts.model->name,
				d.ci_profile->name);
	else
		mig_text_copy(text, sizeof(text), d.gpu.facts.model->name);
	return mig_abi_put_text(name, length, text);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t device, char *uuid, unsigned int length)
{
	char text[MIG_SIM_UUID_SIZE];
	struct mig_abi_device d;
	nvmlReturn_t code = mig_abi_find_device(device, &d);

	if (code != NVML_SUCCESS)
		return code;
	if (d.is_mig)
		mig_sim_mig_uuid(&d.gpu.facts, &d.state, d.gi_id, d.ci_id, text);
	else
		mig_text_copy(text, sizeof(text), d.gpu.facts.desc->uuid);
	return mig_abi_put_text(uuid, length, text);
}

/* Of a MIG device: the index under its GPU, by which it can be got again. */
MIG_EXPORT nvmlReturn_t nvmlDeviceGetIndex(nvmlDevice_t device, unsigned int *index)
{
	struct mig_abi_device d;
	nvmlReturn_t code = mig_abi_find_device(device, &d);

	if (code != NVML_SUCCESS)
		return code;
	if (!index)
		return NVML_ERROR_INVALID_ARGUMENT;
	*index = d.is_mig ? mig_abi_visible_index(&d.gpu, &d.state, d.gi_id, d.ci_id)
			  : d.gpu.gpu_index;
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetMinorNumber(nvmlDevice_t device, unsigned int *minorNumber)
{
	struct mig_abi_gpu gpu;
	nvmlReturn_t code = mig_abi_find_parent(device, &gpu);

	if (code != NVML_SUCCESS)
		return code;
	if (!minorNumber)
		return NVML_ERROR_INVALID_ARGUMENT;
	*minorNumber = gpu.facts.desc->minor_number;
	return NVML_SUCCESS;
}

/* ---- PCI: a MIG device answers for its GPU ---------------------------------------------------- */

static unsigned int pci_device_id(const struct mig_gpu_table *model)
{
	return mig_abi_known(model->pci_device_id) << 16 |
	       (mig_abi_known(model->pci_vendor_id) & 0xffff);
}

/* The whole of the newest layout; the older ones are parts of it. */
static void fill_pci_info(const struct mig_abi_gpu *gpu, nvmlPciInfo_t *pci)
{
	const struct mig_sim_gpu_desc *desc = gpu->facts.desc;

	memset(pci, 0, sizeof(*pci));
	/* Four digits of domain are all that fits there. */
	mig_text_format(pci->busIdLegacy, sizeof(pci->busIdLegacy), "%04X:%02X:%02X.0",
			desc->pci_domain & 0xffff, desc->pci_bus & 0xff, desc->pci_device & 0xff);
	pci->domain = desc->pci_domain;
	pci->bus = desc->pci_bus;
	pci->device = desc->pci_device;
	pci->pciDeviceId = pci_device_id(gpu->facts.model);
	pci->pciSubSystemId = mig_abi_known(gpu->facts.model->pci_subsystem_id);
	mig_abi_fill_text(pci->busId, sizeof(pci->busId), desc->bus_id);
}

static nvmlReturn_t get_pci_info(nvmlDevice_t device, void *out, nvmlPciInfo_t *pci)
{
	struct mig_abi_gpu gpu;
	nvmlReturn_t code = mig_abi_find_parent(device, &gpu);

	if (code != NVML_SUCCESS)
		return code;
	if (!out)
		return NVML_ERROR_INVALID_ARGUMENT;
	fill_pci_info(&gpu, pci);
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetPciInfo_v3(nvmlDevice_t device, nvmlPciInfo_t *pci)
{
	nvmlPciInfo_t now;
	nvmlReturn_t code = get_pci_info(device, pci, &now);

	if (code == NVML_SUCCESS)
		*pci = now;
	return code;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetPciInfo_v2(nvmlDevice_t device, nvmlPciInfo_v2_t *pci)
{
	nvmlPciInfo_t now;
	nvmlReturn_t code = get_pci_info(device, pci, &now);

	if (code != NVML_SUCCESS)
		return code;
	memset(pci, 0, sizeof(*pci));
	memcpy(pci->busId, now.busIdLegacy, sizeof(pci->busId));
	pci->domain = now.domain;
	pci->bus = now.bus;
	pci->device = now.device;
	pci->pciDeviceId = now.pciDeviceId;
	pci->pciSubSystemId = now.pciSubSystemId;
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetPciInfo(nvmlDevice_t device, nvmlPciInfo_v1_t *pci)
{
	nvmlPciInfo_t now;
	nvmlReturn_t code = get_pci_info(device, pci, &now);

	if (code != NVML_SUCCESS)
		return code;
	memcpy(pci->busId, now.busIdLegacy, sizeof(pci->busId));
	pci->domain = now.domain;
	pci->bus = now.bus;
	pci->device = now.device;
	pci->pciDeviceId = now.pciDeviceId;
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetPciInfoExt(nvmlDevice_t device, nvmlPciInfoExt_t *pci)
{
	nvmlPciInfo_t now;
	nvmlReturn_t code = get_pci_info(device, pci, &now);

	if (code != NVML_SUCCESS)
		return code;
	if (pci->version != MIG_NVML_STRUCT_VERSION(nvmlPciInfoExt_v1_t, 1))
		return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
	pci->domain = now.domain;
	pci->bus = now.bus;
	pci->device = now.device;
	pci->pciDeviceId = now.pciDeviceId;
	pci->pciSubSystemId = now.pciSubSystemId;
	pci->baseClass = PCI_CLASS_DISPLAY;
	pci->subClass = PCI_SUBCLASS_3D;
	memcpy(pci->busId, now.busId, sizeof(pci->busId));
	return NVML_SUCCESS;
}
