/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the driver works, and what this user may do.
 */
#include <fcntl.h>
#include <unistd.h>

#include "doctor/check.h"
#include "shared/file.h"
#include "shared/hostroot.h"

#define MINORS_MAX (1024 * 1024)

/* ---- the driver --------------------------------------------------------------------------------- */

/* Whether the kernel's part is there: it says its version. */
static bool has_kernel_module(const struct mig_doctor *doctor)
{
	_cleanup_free_ char *directory =
		mig_host_path(doctor->ctx->host_root, MIG_HOST_PROC_DRIVER);
	_cleanup_free_ char *path = directory ? mig_path_join(directory, "nvidia/version") : NULL;

	return path != NULL && access(path, F_OK) == 0;
}

void mig_check_driver(struct mig_doctor *doctor)
{
	const struct mig_error *err = doctor->driver_error;
	const char *hint;

	if (err == NULL)
		return;
	hint = mig_error_hint_text(err);
	mig_doctor_find(doctor, MIG_FINDING_PROBLEM, NULL, "%s", mig_error_message(err));
	switch (mig_error_nvml(err)) {
	case NVML_ERROR_DRIVER_NOT_LOADED:
		mig_doctor_mend_machine(doctor, "modprobe nvidia   (and see dmesg if that fails)");
		return;
	case NVML_ERROR_LIB_RM_VERSION_MISMATCH:
		mig_doctor_mend_machine(doctor,
					"%s   (the library and the kernel module are of different "
					"versions: the driver was updated while it ran)",
					doctor->ctx->reboot_command ? doctor->ctx->reboot_command
								    : "reboot");
		return;
	case NVML_ERROR_NO_PERMISSION:
		mig_doctor_mend_machine(
			doctor, "run as root, or: chmod 0666 /dev/nvidiactl /dev/nvidia[0-9]*");
		return;
	default:
		break;
	}
	if (hint != NULL)
		mig_doctor_mend(doctor, "%s", hint);
	else if (mig_error_code(err) == MIG_ERROR_NO_DRIVER)
		mig_doctor_mend(
			doctor,
			"install the library of the driver that runs%s; 'ldconfig -p | grep "
			"libnvidia-ml' shows which one is found",
			has_kernel_module(doctor) ? " (cat /proc/driver/nvidia/version)" : "");
}

/* ---- rights ------------------------------------------------------------------------------------- */

/* "config 1" of mig-minors, which everybody may read. */
static bool find_minor(const struct mig_doctor *doctor, const char *name, unsigned int *minor)
{
	_cleanup_free_ char *path = mig_host_path(doctor->ctx->host_root, MIG_HOST_MIG_MINORS);
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(MINORS_MAX);
	const char *found;

	if (path == NULL || mig_file_read(path, &text, NULL) < 0)
		return false;
	found = mig_doctor_line(mig_buf_text(&text), name);
	return found != NULL && mig_doctor_number(found, minor);
}

/* The rights are files: who can open one has the right. */
static void check_right(struct mig_doctor *doctor, const char *name, const char *what)
{
	_cleanup_free_ char *node = NULL, *nodes = NULL;
	unsigned int minor = 0;

	if (!find_minor(doctor, name, &minor))
		return;
	nodes = mig_host_path(doctor->ctx->host_root, MIG_HOST_DEV_CAPS);
	node = nodes ? mig_asprintf("%s/nvidia-cap%u", nodes, minor) : NULL;
	if (node == NULL || faccessat(AT_FDCWD, node, R_OK, AT_EACCESS) == 0)
		return;
	mig_doctor_find(doctor, MIG_FINDING_PROBLEM, node,
			"the right '%s' is missing: without it a user may not %s", name, what);
	mig_doctor_mend(doctor, "run migctl as root (sudo migctl ...)");
}

void mig_check_permission(struct mig_doctor *doctor)
{
	bool is_restricted = false;

	for (unsigned int i = 0; i < doctor->snapshot->gpu_count; i++)
		is_restricted = is_restricted || doctor->snapshot->gpus[i].is_restricted;
	/* A simulated node is its owner's. */
	if (!is_restricted && (geteuid() == 0 || doctor->is_simulated))
		return;
	check_right(doctor, "config", "change instances");
	check_right(doctor, "monitor", "see instances and processes of others");
	if (doctor->report->count == 0) {
		mig_doctor_find(
			doctor, MIG_FINDING_PROBLEM, NULL,
			is_restricted ? "the driver shows GPU instances, placements and processes "
					"to the administrator only, and lets nobody else change "
					"them"
				      : "only root may change the MIG mode and instances");
		mig_doctor_mend(doctor, "run migctl as root (sudo migctl ...)");
	}
}
