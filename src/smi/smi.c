/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nvidia-smi: the driver is started before the command line is looked at, and what goes wrong then
 * or at the end is said as the original says it.
 */
#include "smi/smi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nvml/guard.h"
#include "shared/buf.h"
#include "shared/macros.h"
#include "shared/text.h"
#include "smi/commands.h"
#include "smi/options.h"
#include "smi/texts.h"

#define MESSAGE_MAX ((size_t)1 << 20)

static int say_no_library(void)
{
	printf("NVIDIA-SMI couldn't find libnvidia-ml.so library in your system. Please make sure "
	       "that the NVIDIA Display Driver is properly installed and present in your system.\n"
	       "Please also try adding directory that contains libnvidia-ml.so to your system "
	       "PATH.\n");
	return NVML_ERROR_LIBRARY_NOT_FOUND;
}

/* Our own refusals, which no original knows: on stderr. */
static void say_error(const struct mig_error *err)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(MESSAGE_MAX);
	const char *hint = mig_error_hint_text(err);

	mig_text_escape_message(&text, mig_error_message(err));
	if (hint != NULL) {
		mig_buf_puts(&text, "\n  ");
		mig_text_escape_message(&text, hint);
	}
	fprintf(stderr, "nvidia-smi: %s\n", mig_buf_text(&text));
}

/* "550.163" of "12.550.163.01" */
static void say_library_version(const struct mig_smi *smi)
{
	char version[NVML_SYSTEM_NVML_VERSION_BUFFER_SIZE];
	char *begin, *end;

	if (smi->driver->nvmlSystemGetNVMLVersion(smi->driver, version, sizeof(version)) !=
	    NVML_SUCCESS)
		return;
	begin = strchr(version, '.');
	begin = begin == NULL ? version : begin + 1;
	end = strrchr(begin, '.');
	if (end != NULL)
		*end = '\0';
	printf("NVML library version: %s\n", begin);
}

/* Init has not worked. 0: the original goes on all the same. */
static int init_failed(const struct mig_smi *smi, nvmlReturn_t code)
{
	if (code == NVML_ERROR_LIBRARY_NOT_FOUND)
		return say_no_library();
	if (code == NVML_ERROR_DRIVER_NOT_LOADED) {
		printf("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA "
		       "driver. Make sure that the latest NVIDIA driver is installed and "
		       "running.\n\n");
		return NVML_ERROR_DRIVER_NOT_LOADED;
	}
	printf("Failed to initialize NVML: %s\n", mig_smi_text_or_na(smi, code));
	if (code == NVML_ERROR_LIB_RM_VERSION_MISMATCH)
		say_library_version(smi);
	return code == NVML_ERROR_GPU_NOT_FOUND ? 0 : mig_smi_status(code);
}

static int run(struct mig_smi *smi, int argc, char **argv)
{
	nvmlReturn_t code;
	int status;

	if (argc > 0 && strcmp(argv[0], "mig") == 0)
		status = mig_smi_mig(smi, argc - 1, argv + 1);
	else
		status = mig_smi_run_options(smi, argc, argv);
	code = smi->driver->nvmlShutdown(smi->driver);
	if (smi->has_shown_help || code == NVML_SUCCESS || code == NVML_ERROR_UNINITIALIZED)
		return status;
	printf("Failed to properly shut down NVML: %s\n\n", mig_smi_text_or_na(smi, code));
	return MIG_SMI_OTHER;
}

static int start(struct mig_driver_guard *guard, struct mig_smi *smi, int argc, char **argv,
		 struct mig_error **err)
{
	nvmlReturn_t code;
	int status = 0;

	smi->driver = guard->driver;
	if (mig_driver_guard_init(guard, &code, err) < 0) {
		if (code == NVML_SUCCESS)
			smi->driver->nvmlShutdown(smi->driver);
		return (int)mig_error_exit_status(*err);
	}
	smi->host_root = guard->host_root;
	if (code != NVML_SUCCESS)
		status = init_failed(smi, code);
	if (status != 0)
		smi->driver->nvmlShutdown(smi->driver);
	else
		status = run(smi, argc, argv);
	free(smi->gpus);
	return status;
}

int mig_smi_main(int argc, char **argv, const struct mig_smi_host *host)
{
	_cleanup_error_ struct mig_error *err = NULL;
	struct mig_smi smi = {.host = host};
	struct mig_driver_guard guard;
	int status;

	if (mig_driver_guard_open(&guard, &err) == 0) {
		status = start(&guard, &smi, argc, argv, &err);
	} else if (guard.driver == NULL && mig_error_code(err) == MIG_ERROR_NO_DRIVER) {
		status = say_no_library();
		mig_error_free(err);
		err = NULL;
	} else {
		status = (int)mig_error_exit_status(err);
	}
	if (err != NULL)
		say_error(err);
	if (mig_driver_guard_clear(&guard) < 0)
		fprintf(stderr, "nvidia-smi: the counts of NVML calls could not be written\n");
	return status;
}
