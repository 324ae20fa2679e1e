/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the driver works, and what this user may do.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "doctor/check.h"
#include "shared/file.h"
#include "shared/hostroot.h"
#include "shared/text.h"

#define MINORS_MAX   (1024 * 1024)
#define VERSION_SIZE 32

/* ---- the driver --------------------------------------------------------------------------------- */

/* The version that the kernel's part says it has; "" where it is not there. */
static void read_module_version(const struct mig_doctor *doctor, char version[VERSION_SIZE])
{
	static const char before[] = "Kernel Module  ";
	_cleanup_free_ char *directory =
		mig_host_path(doctor->ctx->host_root, MIG_HOST_PROC_DRIVER);
	_cleanup_free_ char *path = directory ? mig_path_join(directory, "nvidia/version") : NULL;
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(MINORS_MAX);
	const char *at;

	version[0] = '\0';
	if (path == NULL || mig_file_read(path, &text, NULL) < 0)
		return;
	at = strstr(mig_buf_text(&text), before);
	at = at != NULL ? at + strlen(before) : "";
	at += strspn(at, " ");
	/* A module whose words are others is one all the same. */
	mig_text_format(version, VERSION_SIZE, "%.*s", (int)strspn(at, "0123456789."), at);
	if (version[0] == '\0')
		mig_text_copy(version, VERSION_SIZE, "that runs");
}

/* A library that is not there, or is none. The names of packages are Debian's. */
static void mend_library(struct mig_doctor *doctor)
{
	char version[VERSION_SIZE];

	read_module_version(doctor, version);
	if (version[0] == '\0') {
		mig_doctor_mend_machine(doctor, "apt install nvidia-driver libnvidia-ml1");
		mig_doctor_remark(doctor, "Debian; elsewhere the NVIDIA driver as that system has "
					  "it; without a GPU a simulated node can be tried: migctl "
					  "help sim create");
	} else {
		mig_doctor_mend_machine(doctor, "apt install --reinstall libnvidia-ml1");
		mig_doctor_remark(doctor,
				  "Debian; elsewhere the library of driver %s: 'ldconfig -p | grep "
				  "libnvidia-ml' shows which is found",
				  version);
	}
}

void mig_check_driver(struct mig_doctor *doctor)
{
	const struct mig_error *err = doctor->driver_error;
	const char *hint = NULL;

	if (err == NULL)
		return;
	/* The simulated driver says in words what is wrong with the node. */
	if (doctor->is_simulated)
		hint = mig_error_hint_text(err);
	mig_doctor_find(doctor, MIG_FINDING_PROBLEM, NULL, "%s%s%s", mig_error_message(err),
			hint != NULL ? "; " : "", hint != NULL ? hint : "");
	switch (mig_error_nvml(err)) {
	case NVML_ERROR_DRIVER_NOT_LOADED:
		mig_doctor_mend_machine(doctor, "modprobe nvidia");
		mig_doctor_remark(doctor, "and see dmesg if that fails");
		break;
	case NVML_ERROR_LIB_RM_VERSION_MISMATCH:
		mig_doctor_mend_machine(doctor, "reboot");
		mig_doctor_remark(doctor, "the library and the kernel module are of different "
					  "versions: the driver was updated while it ran");
		break;
	case NVML_ERROR_NO_PERMISSION:
		mig_doctor_mend_machine(doctor, "chmod 0666 /dev/nvidiactl /dev/nvidia[0-9]*");
		mig_doctor_remark(doctor, "or run as root");
		break;
	case MIG_NVML_CODE_NONE:
		if (mig_error_code(err) == MIG_ERROR_NO_DRIVER && hint == NULL)
			mend_library(doctor);
		break;
	default:
		if (hint != NULL)
			break;
		mig_doctor_mend_machine(doctor, "dmesg | grep -i nvrm");
		mig_doctor_remark(doctor, "says what the kernel module met");
		break;
	}
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

static void mend_as_root(struct mig_doctor *doctor)
{
	mig_doctor_mend(doctor, "sudo -s");
	mig_doctor_remark(doctor, "and then the same command, as root");
}

/* The rights are files: who can open one has the right. A driver that has said no needs no look. */
static void check_right(struct mig_doctor *doctor, const char *name, const char *what,
			bool is_refused)
{
	_cleanup_free_ char *node = NULL, *nodes = NULL;
	unsigned int minor = 0;

	if (!find_minor(doctor, name, &minor))
		return;
	nodes = mig_host_path(doctor->ctx->host_root, MIG_HOST_DEV_CAPS);
	node = nodes ? mig_asprintf("%s/nvidia-cap%u", nodes, minor) : NULL;
	if (node == NULL || (!is_refused && faccessat(AT_FDCWD, node, R_OK, AT_EACCESS) == 0))
		return;
	mig_doctor_find(doctor, MIG_FINDING_PROBLEM, node,
			"the right '%s' is missing: without it a user may not %s", name, what);
	mend_as_root(doctor);
}

void mig_check_permission(struct mig_doctor *doctor)
{
	bool is_restricted = false;

	for (unsigned int i = 0; i < doctor->snapshot->gpu_count; i++)
		is_restricted = is_restricted || doctor->snapshot->gpus[i].is_restricted;
	/* A simulated node is its owner's. */
	if (!is_restricted && (geteuid() == 0 || doctor->is_simulated))
		return;
	check_right(doctor, "config", "change instances", is_restricted);
	check_right(doctor, "monitor", "see instances and processes of others", is_restricted);
	if (doctor->report->count == 0) {
		mig_doctor_find(
			doctor, MIG_FINDING_PROBLEM, NULL,
			is_restricted ? "the driver shows GPU instances, placements and processes "
					"to the administrator only, and lets nobody else change "
					"them"
				      : "only root may change the MIG mode and instances");
		mend_as_root(doctor);
	}
}
