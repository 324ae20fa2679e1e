/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every host path that migctl touches, in one table under one prefix (the host root).
 *
 * On a real node the prefix is empty. A simulated node sets it to its own directory, so nothing
 * simulated can read or write the real machine; the modules that ask for a path never know why.
 */
#pragma once

#include "shared/error.h"
#include "shared/macros.h"

enum mig_host_path {
	MIG_HOST_ETC_MIGCTL,   /* /etc/migctl */
	MIG_HOST_CONFIG_FILE,  /* /etc/migctl/config.yaml */
	MIG_HOST_HOOKS_FILE,   /* /etc/migctl/hooks.yaml */
	MIG_HOST_STATE_DIR,    /* /var/lib/migctl: journal, history, boot layout */
	MIG_HOST_JOURNAL_DIR,  /* /var/lib/migctl/journal */
	MIG_HOST_RUN_DIR,      /* /run/migctl: lock, reservations */
	MIG_HOST_DEV,	       /* /dev */
	MIG_HOST_DEV_CAPS,     /* /dev/nvidia-caps */
	MIG_HOST_PROC,	       /* /proc */
	MIG_HOST_PROC_DEVICES, /* /proc/devices */
	MIG_HOST_PROC_MODULES, /* /proc/modules */
	MIG_HOST_PROC_DRIVER,  /* /proc/driver */
	MIG_HOST_CAPABILITIES, /* /proc/driver/nvidia/capabilities */
	MIG_HOST_MIG_MINORS,   /* /proc/driver/nvidia-caps/mig-minors */
	MIG_HOST_SYS,	       /* /sys */
	MIG_HOST_BOOT_ID,      /* /proc/sys/kernel/random/boot_id: another one after each start */
	MIG_HOST_CDI_DIR,      /* /etc/cdi */
	MIG_HOST_PATH_COUNT,
};

/* Environment variable that carries the prefix; read with secure_getenv. */
#define MIG_HOST_ROOT_ENV "MIGCTL_HOST_ROOT"

/*
 * The path below `root` ("" or NULL: the real machine). A newly allocated string that the caller
 * frees; NULL when out of memory.
 */
char *mig_host_path(const char *root, enum mig_host_path which) MIG_MUST_CHECK;

/*
 * The host root from the environment: absolute, without a trailing '/', or "" when it is not set.
 * A value that is empty but set, relative, or leads to "/" is an error (CONFIG): it must never
 * silently mean the real machine. Nor may one that secure_getenv holds back (REFUSED).
 * *root is newly allocated.
 */
int mig_host_root_from_env(char **root, struct mig_error **err) MIG_MUST_CHECK;

/*
 * Sets the error (REFUSED) for a variable that is set but must not be followed, because this program
 * runs with more rights than its caller's: secure_getenv has nothing, getenv has. Returns -1.
 */
int mig_host_env_refuse(const char *variable, struct mig_error **err);
