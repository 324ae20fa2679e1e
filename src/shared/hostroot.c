/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host paths; the contract is in the header. This is the only file that names them.
 */
#include "shared/hostroot.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "shared/file.h"

static const char *const host_paths[MIG_HOST_PATH_COUNT] = {
	[MIG_HOST_ETC_MIGCTL] = "/etc/migctl",
	[MIG_HOST_CONFIG_FILE] = "/etc/migctl/config.yaml",
	[MIG_HOST_HOOKS_FILE] = "/etc/migctl/hooks.yaml",
	[MIG_HOST_STATE_DIR] = "/var/lib/migctl",
	[MIG_HOST_JOURNAL_DIR] = "/var/lib/migctl/journal",
	[MIG_HOST_RUN_DIR] = "/run/migctl",
	[MIG_HOST_DEV] = "/dev",
	[MIG_HOST_DEV_CAPS] = "/dev/nvidia-caps",
	[MIG_HOST_PROC] = "/proc",
	[MIG_HOST_PROC_DEVICES] = "/proc/devices",
	[MIG_HOST_PROC_MODULES] = "/proc/modules",
	[MIG_HOST_PROC_DRIVER] = "/proc/driver",
	[MIG_HOST_CAPABILITIES] = "/proc/driver/nvidia/capabilities",
	[MIG_HOST_MIG_MINORS] = "/proc/driver/nvidia-caps/mig-minors",
	[MIG_HOST_SYS] = "/sys",
	[MIG_HOST_BOOT_ID] = "/proc/sys/kernel/random/boot_id",
	[MIG_HOST_CDI_DIR] = "/etc/cdi",
};

char *mig_host_path(const char *root, enum mig_host_path which)
{
	return mig_path_join(root ? root : "", host_paths[which]);
}

/* Whether a path leads to the real root directory, by whatever way ("/", "/dev/..", a link). */
static bool is_real_root(const char *path)
{
	struct stat given, real;

	return stat(path, &given) == 0 && stat("/", &real) == 0 && given.st_dev == real.st_dev &&
	       given.st_ino == real.st_ino;
}

static const char *what_is_wrong(const char *value)
{
	if (value[0] == '\0')
		return "it is set but empty";
	if (value[0] != '/')
		return "it is not an absolute path";
	if (is_real_root(value))
		return "it is the root of this machine";
	return NULL;
}

int mig_host_env_refuse(const char *variable, struct mig_error **err)
{
	mig_error_set(err, MIG_ERROR_REFUSED,
		      "%s is set, but migctl runs with more rights than its caller and does not "
		      "follow it",
		      variable);
	return mig_error_hint(err,
			      "unset %s, or start a migctl without set-ID bits and file "
			      "capabilities",
			      variable);
}

int mig_host_root_from_env(char **root, struct mig_error **err)
{
	const char *value = secure_getenv(MIG_HOST_ROOT_ENV);
	const char *wrong = NULL;
	char *copy;
	size_t len;

	if (!value && getenv(MIG_HOST_ROOT_ENV))
		return mig_host_env_refuse(MIG_HOST_ROOT_ENV, err);
	if (value)
		wrong = what_is_wrong(value);
	else
		value = "";
	if (wrong) {
		mig_error_set(err, MIG_ERROR_CONFIG, "cannot use %s '%s': %s", MIG_HOST_ROOT_ENV,
			      value, wrong);
		return mig_error_hint(err, "unset %s to work on this machine itself",
				      MIG_HOST_ROOT_ENV);
	}
	len = strlen(value);
	while (len > 0 && value[len - 1] == '/')
		len--;
	copy = strndup(value, len);
	if (!copy)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	*root = copy;
	return 0;
}
