/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NVLink. Believed, not recorded: on boards with NVSwitches (SXM forms) all links are up as soon as
 * the node has a second GPU; where bridges would have to be put between cards, there are none, and
 * the links are down. The switches are no devices of the node; their PCI addresses are made up.
 */
#include <string.h>

#include "nvml/symbols.h"
#include "shared/text.h"
#include "sim/abi/monitor.h"

/* NVML_NVLINK_MAX_LINKS of the headers up to API 12; later ones allow 36. */
enum {
	LINKS_MAX = 18,
};

/* Where the switches would be: a domain of their own. */
enum {
	SWITCH_DOMAIN = 0xffff,
	SWITCH_COUNT = 4,
	SWITCH_DEVICE_ID = 0x1af110de,
};

bool mig_monitor_is_linked(const struct mig_monitor *monitor)
{
	return monitor->row->nvlink_count > 0 && monitor->row->nvlink_is_switched == 1 &&
	       monitor->gpu.facts.node->gpu_count > 1;
}

static nvmlReturn_t find_link(nvmlDevice_t device, unsigned int link, const void *out,
			      struct mig_monitor *monitor)
{
	nvmlReturn_t code = mig_monitor_find(device, out, monitor);

	if (code != NVML_SUCCESS)
		return code;
	if (link >= LINKS_MAX)
		return NVML_ERROR_INVALID_ARGUMENT;
	if (monitor->row->nvlink_count == 0)
		return NVML_ERROR_NOT_SUPPORTED;
	return link < monitor->row->nvlink_count ? NVML_SUCCESS : NVML_ERROR_INVALID_ARGUMENT;
}

/* As above, of a link that is up; NOT_SUPPORTED of one that is down. */
static nvmlReturn_t find_active(nvmlDevice_t device, unsigned int link, const void *out,
				struct mig_monitor *monitor)
{
	nvmlReturn_t code = find_link(device, link, out, monitor);

	if (code != NVML_SUCCESS)
		return code;
	return mig_monitor_is_linked(monitor) ? NVML_SUCCESS : NVML_ERROR_NOT_SUPPORTED;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetNvLinkState(nvmlDevice_t device, unsigned int link,
						 nvmlEnableState_t *isActive)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = find_link(device, link, isActive, &monitor);

	if (code == NVML_SUCCESS)
		*isActive = mig_monitor_is_linked(&monitor) ? NVML_FEATURE_ENABLED
							    : NVML_FEATURE_DISABLED;
	return code;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetNvLinkVersion(nvmlDevice_t device, unsigned int link,
						   unsigned int *version)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = find_link(device, link, version, &monitor);

	return code != NVML_SUCCESS ? code
				    : mig_monitor_give(monitor.row->nvlink_version, 1, version);
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetNvLinkCapability(nvmlDevice_t device, unsigned int link,
						      nvmlNvLinkCapability_t capability,
						      unsigned int *capResult)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = find_active(device, link, capResult, &monitor);

	if (code != NVML_SUCCESS)
		return code;
	if ((unsigned int)capability > NVML_NVLINK_CAP_VALID)
		return NVML_ERROR_INVALID_ARGUMENT;
	*capResult = capability != NVML_NVLINK_CAP_SLI_BRIDGE;
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetNvLinkErrorCounter(nvmlDevice_t device, unsigned int link,
							nvmlNvLinkErrorCounter_t counter,
							unsigned long long *counterValue)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = find_active(device, link, counterValue, &monitor);

	if (code != NVML_SUCCESS)
		return code;
	if ((unsigned int)counter > NVML_NVLINK_ERROR_DL_ECC_DATA)
		return NVML_ERROR_INVALID_ARGUMENT;
	*counterValue = 0;
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetNvLinkRemoteDeviceType(
	nvmlDevice_t device, unsigned int link, nvmlIntNvLinkDeviceType_t *pNvLinkDeviceType)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = find_active(device, link, pNvLinkDeviceType, &monitor);

	if (code == NVML_SUCCESS)
		*pNvLinkDeviceType = NVML_NVLINK_DEVICE_TYPE_SWITCH;
	return code;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetNvLinkRemotePciInfo_v2(nvmlDevice_t device, unsigned int link,
							    nvmlPciInfo_t *pci)
{
	struct mig_monitor monitor;
	nvmlReturn_t code = find_active(device, link, pci, &monitor);

	if (code != NVML_SUCCESS)
		return code;
	memset(pci, 0, sizeof(*pci));
	pci->domain = SWITCH_DOMAIN;
	pci->bus = link % SWITCH_COUNT + 1;
	pci->pciDeviceId = SWITCH_DEVICE_ID;
	mig_text_format(pci->busId, sizeof(pci->busId), "%08X:%02X:00.0", pci->domain, pci->bus);
	mig_text_format(pci->busIdLegacy, sizeof(pci->busIdLegacy), "%04X:%02X:00.0", pci->domain,
			pci->bus);
	return NVML_SUCCESS;
}

MIG_EXPORT nvmlReturn_t nvmlDeviceGetNvLinkRemotePciInfo(nvmlDevice_t device, unsigned int link,
							 nvmlPciInfo_v2_t *pci)
{
	nvmlPciInfo_t now;
	nvmlReturn_t code = nvmlDeviceGetNvLinkRemotePciInfo_v2(device, link, pci ? &now : NULL);

	if (code != NVML_SUCCESS)
		return code;
	memset(pci, 0, sizeof(*pci));
	memcpy(pci->busId, now.busIdLegacy, sizeof(pci->busId));
	pci->domain = now.domain;
	pci->bus = now.bus;
	pci->pciDeviceId = now.pciDeviceId;
	return NVML_SUCCESS;
}
