/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Selecting GPUs; see gpus.h. An entry with a ':' is a PCI address, a number an index, all else a
 * UUID. What matches no GPU is passed over.
 */
#include "smi/gpus.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/buf.h"
#include "shared/file.h"
#include "shared/hostroot.h"
#include "shared/number.h"
#include "smi/numbers.h"
#include "smi/texts.h"
#include "smi/words.h"

#define UUID_BEGIN  "GPU"
#define DEVICE_MAX  0x1f
#define BUS_MAX	    0xff
#define BUS_ID_SIZE 32

struct address {
	unsigned int domain;
	unsigned int bus;
	unsigned int device;
	unsigned int function;
};

/* ---- reading ---------------------------------------------------------------------------------- */

static bool read_part(const char *text, size_t length, uint64_t max, unsigned int *out)
{
	char part[BUS_ID_SIZE];
	uint64_t number;

	if (length == 0 || length >= sizeof(part))
		return false;
	memcpy(part, text, length);
	part[length] = '\0';
	if (mig_parse_hex_u64(part, max, &number) < 0)
		return false;
	*out = (unsigned int)number;
	return true;
}

/* [domain:]bus:device[.function], hexadecimal */
static bool read_address(const char *text, struct address *out)
{
	const char *last = strrchr(text, ':');
	const char *first = strchr(text, ':');
	const char *dot = strchr(text, '.');
	const char *end = text + strlen(text);

	*out = (struct address){.domain = 0};
	if ((size_t)(end - text) >= BUS_ID_SIZE || (dot != NULL && dot < last))
		return false;
	if (dot != NULL && !read_part(dot + 1, (size_t)(end - dot - 1), 7, &out->function))
		return false;
	if (!read_part(last + 1, (size_t)((dot != NULL ? dot : end) - last - 1), DEVICE_MAX,
		       &out->device))
		return false;
	if (first == last)
		return read_part(text, (size_t)(last - text), BUS_MAX, &out->bus);
	return read_part(text, (size_t)(first - text), UINT32_MAX, &out->domain) &&
	       read_part(first + 1, (size_t)(last - first - 1), BUS_MAX, &out->bus);
}

/* ---- the bus ids of all GPUs, lost ones too --------------------------------------------------- */

static int is_bus_id(const struct dirent *entry)
{
	return strchr(entry->d_name, ':') != NULL;
}

/* NVML numbers GPUs in the order of their PCI addresses; so are the folders, once they are sorted. */
char *mig_smi_bus_id_at(const struct mig_smi *smi, unsigned int index)
{
	_cleanup_free_ char *driver = mig_host_path(smi->host_root, MIG_HOST_PROC_DRIVER);
	_cleanup_free_ char *folder = driver == NULL ? NULL : mig_path_join(driver, "nvidia/gpus");
	struct dirent **entries = NULL;
	struct address address;
	char *text = NULL;
	int count = folder == NULL ? -1 : scandir(folder, &entries, is_bus_id, alphasort);

	if (count > 0 && index < (unsigned int)count &&
	    read_address(entries[index]->d_name, &address))
		text = mig_asprintf("%08x:%02x:%02x.%x", address.domain, address.bus,
				    address.device, address.function);
	for (int i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
	for (char *at = text; at != NULL && *at != '\0'; at++) {
		if (*at >= 'a' && *at <= 'f')
			*at = (char)(*at - 'a' + 'A');
	}
	return text;
}

/* ---- selecting -------------------------------------------------------------------------------- */

/* A handle that could not be had. 0: go on without this GPU. */
static int handle_failed(const struct mig_smi *smi, unsigned int index, nvmlReturn_t code)
{
	_cleanup_free_ char *bus_id = NULL;

	if (code == NVML_ERROR_NOT_FOUND || code == NVML_ERROR_NO_PERMISSION)
		return 0;
	bus_id = mig_smi_bus_id_at(smi, index);
	printf("Unable to determine the device handle for GPU%s: %s\n",
	       bus_id == NULL ? "" : bus_id, mig_smi_handle_text(code));
	return mig_smi_status(code);
}

struct selection {
	struct mig_smi *smi;
	unsigned int index;
	nvmlDevice_t device;
	nvmlReturn_t code; /* of the handle */
	bool is_asked;
};

static nvmlReturn_t ask_handle(struct selection *selection)
{
	const struct mig_driver *driver = selection->smi->driver;

	if (!selection->is_asked)
		selection->code = driver->nvmlDeviceGetHandleByIndex_v2(driver, selection->index,
									&selection->device);
	selection->is_asked = true;
	return selection->code;
}

static void problem_with(const struct selection *selection, const char *why)
{
	_cleanup_free_ char *bus_id = mig_smi_bus_id_at(selection->smi, selection->index);

	printf("Problem with GPU %s: %s\n", bus_id == NULL ? "" : bus_id, why);
}

static bool has_address(struct selection *selection, const struct address *address)
{
	_cleanup_free_ char *bus_id = mig_smi_bus_id_at(selection->smi, selection->index);
	struct address own;

	return bus_id != NULL && read_address(bus_id, &own) && own.domain == address->domain &&
	       own.bus == address->bus && own.device == address->device &&
	       own.function == address->function;
}

/* Whether its UUID is this one; -1: it cannot be asked, and an exit status is due. */
static int has_uuid(struct selection *selection, const char *uuid)
{
	const struct mig_driver *driver = selection->smi->driver;
	char own[NVML_DEVICE_UUID_BUFFER_SIZE];
	nvmlReturn_t code = ask_handle(selection);

	if (code == NVML_ERROR_NO_PERMISSION)
		return 0;
	if (code != NVML_SUCCESS) {
		problem_with(selection, mig_smi_handle_text(code));
		return -1;
	}
	code = driver->nvmlDeviceGetUUID(driver, selection->device, own, sizeof(own));
	if (code == NVML_SUCCESS)
		return strcmp(own, uuid) == 0;
	if (code == NVML_ERROR_NOT_SUPPORTED || strncmp(uuid, UUID_BEGIN, strlen(UUID_BEGIN)) != 0)
		return 0;
	problem_with(selection, mig_smi_text(selection->smi, code));
	return -1;
}

/* Whether an entry means this GPU; -1: it cannot be read, and an exit status is due. */
static int entry_matches(struct selection *selection, const char *entry)
{
	struct address address;
	int number;

	if (strchr(entry, ':') != NULL) {
		if (read_address(entry, &address))
			return has_address(selection, &address);
		problem_with(selection, "Invalid PCI bus id format. Try format "
					"[domain:]bus:device.function E.g. 0:2:0.0");
		return -1;
	}
	/* A number that is no index may be somebody's UUID. */
	if (mig_smi_read_int(entry, &number) && number >= 0 &&
	    (unsigned int)number < selection->smi->count)
		return (unsigned int)number == selection->index;
	return has_uuid(selection, entry);
}

/* Whether a list of entries, each with its NUL, means this GPU; -1 as above. */
static int list_matches(struct selection *selection, const char *const *entries, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int matches = entry_matches(selection, entries[i]);

		if (matches != 0)
			return matches;
	}
	return 0;
}

static size_t split(char *list, const char **entries)
{
	size_t count = 0;
	char *entry;

	while ((entry = mig_smi_next_entry(&list)) != NULL)
		entries[count++] = entry;
	return count;
}

static int select_one(struct mig_smi *smi, unsigned int index, const char *const *entries,
		      size_t entry_count, nvmlReturn_t *failure)
{
	struct selection selection = {.smi = smi, .index = index};

	if (entries != NULL) {
		int matches = list_matches(&selection, entries, entry_count);

		if (matches <= 0)
			return matches == 0 ? 0 : MIG_SMI_OTHER;
	}
	if (ask_handle(&selection) != NVML_SUCCESS) {
		*failure = selection.code;
		return handle_failed(smi, index, selection.code);
	}
	smi->gpus[smi->gpu_count++].device = selection.device;
	return 0;
}

static int none_found(nvmlReturn_t failure)
{
	if (failure == NVML_ERROR_NO_PERMISSION) {
		printf("No devices were found. Please make sure /dev/nvidia* files are readable by "
		       "current user.\n");
		return NVML_ERROR_NO_PERMISSION;
	}
	printf("No devices were found\n");
	return MIG_SMI_NOT_FOUND;
}

int mig_smi_select_gpus(struct mig_smi *smi, char *list)
{
	_cleanup_free_ const char **entries = NULL;
	nvmlReturn_t failure = NVML_SUCCESS;
	size_t entry_count = 0;
	nvmlReturn_t code = smi->driver->nvmlDeviceGetCount_v2(smi->driver, &smi->count);

	if (code != NVML_SUCCESS) {
		printf("Unable to determine the number of GPUs");
		return mig_smi_status(code);
	}
	smi->gpus = calloc((size_t)smi->count + 1, sizeof(*smi->gpus));
	entries = list == NULL ? NULL : calloc(strlen(list) + 1, sizeof(*entries));
	if (smi->gpus == NULL || (list != NULL && entries == NULL))
		return MIG_SMI_OTHER;
	if (list != NULL)
		entry_count = split(list, entries);
	if (list != NULL && entry_count == 0 && smi->count > 0) {
		printf("Failed to parse device string on command line");
		return MIG_SMI_OTHER;
	}
	for (unsigned int i = 0; i < smi->count; i++) {
		int status = select_one(smi, i, entries, entry_count, &failure);

		if (status != 0)
			return status;
	}
	return smi->gpu_count == 0 ? none_found(failure) : 0;
}
