/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UUIDs and PCI addresses as names of GPUs; see gpu_name.h.
 */
#include "config/gpu_name.h"

#include <string.h>
#include <strings.h>

#include "shared/number.h"

#define UUID_PREFIX    "GPU-"
#define UUID_BYTES_MAX 80

struct pci_address {
	uint64_t domain, bus, device, function;
};

/* Hexadecimal digits up to the mark; moves *text past it. */
static int take_hex(const char **text, char mark, size_t digits_max, uint64_t *value)
{
	size_t len = strspn(*text, "0123456789abcdefABCDEF");
	char digits[16];

	if (len == 0 || len > digits_max || (*text)[len] != mark)
		return -1;
	memcpy(digits, *text, len);
	digits[len] = '\0';
	if (mig_parse_hex_u64(digits, UINT32_MAX, value) < 0)
		return -1;
	*text += len + (mark != '\0');
	return 0;
}

static int parse_pci(const char *text, struct pci_address *address)
{
	const char *colon = strchr(text, ':');

	address->domain = 0;
	if (colon != NULL && strchr(colon + 1, ':') != NULL &&
	    take_hex(&text, ':', 8, &address->domain) < 0)
		return -1;
	if (take_hex(&text, ':', 2, &address->bus) < 0 ||
	    take_hex(&text, '.', 2, &address->device) < 0 ||
	    take_hex(&text, '\0', 1, &address->function) < 0)
		return -1;
	return 0;
}

enum mig_config_gpu_kind mig_gpu_name_kind(const char *text)
{
	struct pci_address address;
	size_t prefix = strlen(UUID_PREFIX);

	if (strncasecmp(text, UUID_PREFIX, prefix) == 0 && text[prefix] != '\0' &&
	    strlen(text) <= UUID_BYTES_MAX &&
	    text[strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-")] ==
		    '\0')
		return MIG_CONFIG_GPU_UUID;
	return parse_pci(text, &address) == 0 ? MIG_CONFIG_GPU_PCI : MIG_CONFIG_GPU_INDEX;
}

bool mig_gpu_name_matches(const struct mig_config_gpu *name, const char *uuid,
			  const char *pci_address)
{
	struct pci_address wanted, there;

	if (name->kind == MIG_CONFIG_GPU_UUID)
		return strncasecmp(uuid, name->text, strlen(name->text)) == 0;
	if (name->kind != MIG_CONFIG_GPU_PCI || parse_pci(name->text, &wanted) < 0 ||
	    parse_pci(pci_address, &there) < 0)
		return false;
	return wanted.domain == there.domain && wanted.bus == there.bus &&
	       wanted.device == there.device && wanted.function == there.function;
}

unsigned int mig_gpu_name_find(const struct mig_config_gpu *name,
			       const struct mig_snapshot *snapshot, unsigned int *at)
{
	unsigned int found = 0;

	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		const struct mig_gpu *gpu = &snapshot->gpus[i];

		if (gpu->is_lost || !mig_gpu_name_matches(name, gpu->uuid, gpu->pci_address))
			continue;
		*at = i;
		if (strcasecmp(gpu->uuid, name->text) == 0)
			return 1;
		found++;
	}
	return found;
}
