/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NVML return codes: their names, what they mean in our words, and the error made of a failed call.
 *
 * The texts are ours because a driver knows only the codes of its own age (470 stops at 24).
 */
#include <stdarg.h>
#include <stdio.h>

#include "nvml/driver.h"
#include "shared/buf.h"

#define ATTEMPT_TEXT_MAX 4096

struct code_row {
	nvmlReturn_t code;
	const char *name;
	const char *text;
	enum mig_error_code error;
};

#define ROW(word, meaning, error_word)                                      \
	{                                                                   \
		NVML_##word, "NVML_" #word, meaning, MIG_ERROR_##error_word \
	}
static const struct code_row code_rows[] = {
	ROW(SUCCESS, "success", FAILED),
	ROW(ERROR_UNINITIALIZED, "NVML is not initialised", DRIVER),
	ROW(ERROR_INVALID_ARGUMENT, "the driver does not accept the arguments", DRIVER),
	ROW(ERROR_NOT_SUPPORTED, "not supported by this GPU or in its present mode", DRIVER),
	ROW(ERROR_NO_PERMISSION, "not permitted", NO_PERMISSION),
	ROW(ERROR_ALREADY_INITIALIZED, "already initialised", DRIVER),
	ROW(ERROR_NOT_FOUND, "not found", DRIVER),
	ROW(ERROR_INSUFFICIENT_SIZE, "the buffer is too small", DRIVER),
	ROW(ERROR_INSUFFICIENT_POWER, "a power cable is not attached properly", DRIVER),
	ROW(ERROR_DRIVER_NOT_LOADED, "the driver is not loaded", NO_DRIVER),
	ROW(ERROR_TIMEOUT, "timed out", DRIVER),
	ROW(ERROR_IRQ_ISSUE, "the kernel reports a problem with the GPU's interrupts", DRIVER),
	ROW(ERROR_LIBRARY_NOT_FOUND, "a library of the driver is missing", NO_DRIVER),
	ROW(ERROR_FUNCTION_NOT_FOUND, "this driver has no such function", DRIVER),
	ROW(ERROR_CORRUPTED_INFOROM, "the GPU's infoROM is corrupted", DRIVER),
	ROW(ERROR_GPU_IS_LOST, "the GPU has fallen off the bus", DRIVER),
	ROW(ERROR_RESET_REQUIRED, "the GPU must be reset first", DRIVER),
	ROW(ERROR_OPERATING_SYSTEM, "the operating system blocks access to the GPU", DRIVER),
	ROW(ERROR_LIB_RM_VERSION_MISMATCH, "library and kernel driver have different versions",
	    NO_DRIVER),
	ROW(ERROR_IN_USE, "in use by another client", IN_USE),
	ROW(ERROR_MEMORY, "the driver is out of memory", DRIVER),
	ROW(ERROR_NO_DATA, "no data", DRIVER),
	ROW(ERROR_VGPU_ECC_NOT_SUPPORTED, "not possible for a vGPU host while ECC is on", DRIVER),
	ROW(ERROR_INSUFFICIENT_RESOURCES, "not enough free resources", DRIVER),
	ROW(ERROR_FREQ_NOT_SUPPORTED, "the frequency is not supported", DRIVER),
	ROW(ERROR_ARGUMENT_VERSION_MISMATCH, "the driver does not know this structure version",
	    DRIVER),
	ROW(ERROR_DEPRECATED, "the function is deprecated and gone", DRIVER),
	ROW(ERROR_NOT_READY, "the system is not ready", DRIVER),
	ROW(ERROR_GPU_NOT_FOUND, "no GPU was found", NO_DRIVER),
	ROW(ERROR_INVALID_STATE, "not possible in the present state", DRIVER),
	ROW(ERROR_RESET_TYPE_NOT_SUPPORTED, "this kind of reset is not supported", DRIVER),
	ROW(ERROR_UNKNOWN, "unknown error inside the driver", DRIVER),
};

static const struct code_row *find_row(nvmlReturn_t code)
{
	for (size_t i = 0; i < MIG_ARRAY_SIZE(code_rows); i++)
		if (code_rows[i].code == code)
			return &code_rows[i];
	return NULL;
}

const char *mig_nvml_code_name(nvmlReturn_t code)
{
	const struct code_row *row = find_row(code);

	return row == NULL ? NULL : row->name;
}

const char *mig_nvml_code_text(nvmlReturn_t code)
{
	const struct code_row *row = find_row(code);

	return row == NULL ? "a code that this program does not know" : row->text;
}

int mig_driver_error(struct mig_error **err, const struct mig_driver *driver, nvmlReturn_t code,
		     const char *attempt, ...)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(ATTEMPT_TEXT_MAX);
	const struct code_row *row = find_row(code);
	const char *foreign = NULL;
	va_list args;

	va_start(args, attempt);
	mig_buf_vprintf(&text, attempt, args);
	va_end(args);
	if (row != NULL) {
		mig_error_set(err, row->error, "%s (%s)", row->text, row->name);
	} else {
		if (driver != NULL)
			foreign = driver->nvmlErrorString(driver, code);
		mig_error_set(err, MIG_ERROR_DRIVER, "%s (NVML code %d)",
			      foreign == NULL || foreign[0] == '\0' ? mig_nvml_code_text(code)
								    : foreign,
			      (int)code);
	}
	mig_error_wrap(err, "%s", mig_buf_text(&text));
	if (err != NULL && *err != NULL)
		mig_error_set_nvml(*err, (int)code);
	if (code == NVML_ERROR_NO_PERMISSION)
		mig_error_hint(err,
			       "run it as root; migctl doctor names the right that is missing");
	return -1;
}
