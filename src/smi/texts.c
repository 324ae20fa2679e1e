/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts and exit statuses; see texts.h. Each was seen with every code from 1 to 31 and 999.
 */
#include "smi/texts.h"

#include "shared/macros.h"

static const char *const texts[] = {
	[NVML_ERROR_UNINITIALIZED] = "Uninitialized",
	[NVML_ERROR_INVALID_ARGUMENT] = "Invalid Argument",
	[NVML_ERROR_NOT_SUPPORTED] = "Not Supported",
	[NVML_ERROR_NO_PERMISSION] = "Insufficient Permissions",
	[NVML_ERROR_ALREADY_INITIALIZED] = "Already Initialized",
	[NVML_ERROR_NOT_FOUND] = "Not Found",
	[NVML_ERROR_INSUFFICIENT_SIZE] = "Insufficient Size",
	[NVML_ERROR_INSUFFICIENT_POWER] = "Insufficient External Power",
	[NVML_ERROR_DRIVER_NOT_LOADED] = "Driver Not Loaded",
	[NVML_ERROR_TIMEOUT] = "Timeout",
	[NVML_ERROR_IRQ_ISSUE] = "Interrupt Request Issue",
	[NVML_ERROR_LIBRARY_NOT_FOUND] = "NVML Shared Library Not Found",
	[NVML_ERROR_FUNCTION_NOT_FOUND] = "Function Not Found",
	[NVML_ERROR_CORRUPTED_INFOROM] = "Corrupted infoROM",
	[NVML_ERROR_GPU_IS_LOST] = "GPU is lost",
	[NVML_ERROR_RESET_REQUIRED] = "GPU requires reset",
	[NVML_ERROR_OPERATING_SYSTEM] = "GPU access blocked by the operating system",
	[NVML_ERROR_LIB_RM_VERSION_MISMATCH] = "Driver/library version mismatch",
	[NVML_ERROR_IN_USE] = "In use by another client",
	[NVML_ERROR_MEMORY] = "Insufficient Memory",
	[NVML_ERROR_VGPU_ECC_NOT_SUPPORTED] = "vGPU ECC not supported",
	[NVML_ERROR_INSUFFICIENT_RESOURCES] = "Insufficient Resources",
};

const char *mig_smi_text(const struct mig_smi *smi, nvmlReturn_t code)
{
	if ((size_t)code < MIG_ARRAY_SIZE(texts) && texts[code] != NULL)
		return texts[code];
	return smi->driver->nvmlErrorString(smi->driver, code);
}

const char *mig_smi_text_or_na(const struct mig_smi *smi, nvmlReturn_t code)
{
	return code == NVML_ERROR_NOT_SUPPORTED ? "N/A" : mig_smi_text(smi, code);
}

const char *mig_smi_word(nvmlReturn_t code)
{
	return code == NVML_ERROR_NOT_SUPPORTED || code == NVML_ERROR_NOT_FOUND ||
			       code == NVML_ERROR_NO_DATA
		       ? "N/A"
		       : "ERR!";
}

int mig_smi_status(nvmlReturn_t code)
{
	switch (code) {
	case NVML_SUCCESS:
	case NVML_ERROR_INVALID_ARGUMENT:
	case NVML_ERROR_NOT_SUPPORTED:
	case NVML_ERROR_NO_PERMISSION:
	case NVML_ERROR_NOT_FOUND:
	case NVML_ERROR_INSUFFICIENT_POWER:
	case NVML_ERROR_DRIVER_NOT_LOADED:
	case NVML_ERROR_IRQ_ISSUE:
	case NVML_ERROR_LIBRARY_NOT_FOUND:
	case NVML_ERROR_FUNCTION_NOT_FOUND:
	case NVML_ERROR_CORRUPTED_INFOROM:
	case NVML_ERROR_GPU_IS_LOST:
	case NVML_ERROR_OPERATING_SYSTEM:
	case NVML_ERROR_LIB_RM_VERSION_MISMATCH:
	case NVML_ERROR_IN_USE:
	case NVML_ERROR_INSUFFICIENT_RESOURCES:
		return (int)code;
	default:
		return MIG_SMI_OTHER;
	}
}

const char *mig_smi_handle_text(nvmlReturn_t code)
{
	switch (code) {
	case NVML_ERROR_NO_PERMISSION:
	case NVML_ERROR_NOT_FOUND:
		return texts[code];
	case NVML_ERROR_INSUFFICIENT_POWER:
		return "Unable to communicate with GPU because it is insufficiently powered.\n"
		       "This may be because not all required external power cables are\n"
		       "attached, or the attached cables are not seated properly.\n\n";
	case NVML_ERROR_IRQ_ISSUE:
		return "The NVIDIA kernel module detected an issue with GPU interrupts."
		       "Consult the \"Common Problems\" Chapter of the NVIDIA Driver README for\n"
		       "details and steps that can be taken to resolve this issue.";
	case NVML_ERROR_GPU_IS_LOST:
		return "GPU is lost.  Reboot the system to recover this GPU\n\n";
	case NVML_ERROR_RESET_REQUIRED:
		return "A GPU reset must occur before this GPU can be used again.\n\n.";
	default:
		return "Unknown Error";
	}
}
