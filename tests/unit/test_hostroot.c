/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of the host root. "This machine itself" must never be meant by accident.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/hostroot.h"
#include "tests/harness/test.h"

MIG_TEST(hostroot_paths_of_this_machine)
{
	static const char *const want[MIG_HOST_PATH_COUNT] = {
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

	for (unsigned int i = 0; i < MIG_HOST_PATH_COUNT; i++) {
		_cleanup_free_ char *null_root = mig_host_path(NULL, (enum mig_host_path)i);
		_cleanup_free_ char *empty_root = mig_host_path("", (enum mig_host_path)i);

		MIG_ASSERT_STR_EQ(null_root, want[i]);
		MIG_ASSERT_STR_EQ(empty_root, want[i]);
	}
}

MIG_TEST(hostroot_paths_below_a_root)
{
	_cleanup_free_ char *plain = mig_host_path("/n/root", MIG_HOST_RUN_DIR);
	_cleanup_free_ char *slash = mig_host_path("/n/root/", MIG_HOST_DEV);

	MIG_ASSERT_STR_EQ(plain, "/n/root/run/migctl");
	MIG_ASSERT_STR_EQ(slash, "/n/root/dev");
}

static void assert_accepted(const char *value, const char *want)
{
	_cleanup_free_ char *root = NULL;
	_cleanup_error_ struct mig_error *err = NULL;

	MIG_ASSERT_INT_EQ(setenv(MIG_HOST_ROOT_ENV, value, 1), 0);
	MIG_ASSERT_INT_EQ(mig_host_root_from_env(&root, &err), 0);
	MIG_ASSERT(!err);
	MIG_ASSERT_STR_EQ(root, want);
}

static void assert_refused(const char *value, const char *message)
{
	_cleanup_error_ struct mig_error *err = NULL;
	char *root = NULL;

	MIG_ASSERT_INT_EQ(setenv(MIG_HOST_ROOT_ENV, value, 1), 0);
	MIG_ASSERT_INT_EQ(mig_host_root_from_env(&root, &err), -1);
	MIG_ASSERT(!root);
	MIG_ASSERT_INT_EQ(mig_error_code(err), MIG_ERROR_CONFIG);
	MIG_ASSERT_STR_EQ(mig_error_message(err), message);
	MIG_ASSERT_STR_EQ(mig_error_hint_text(err),
			  "unset MIGCTL_HOST_ROOT to work on this machine itself");
}

MIG_TEST(hostroot_not_set_is_this_machine)
{
	_cleanup_free_ char *root = NULL;

	MIG_ASSERT_INT_EQ(unsetenv(MIG_HOST_ROOT_ENV), 0);
	MIG_ASSERT_INT_EQ(mig_host_root_from_env(&root, NULL), 0);
	MIG_ASSERT_STR_EQ(root, "");
}

MIG_TEST(hostroot_accepts_absolute_paths)
{
	const char *tmpdir = mig_test_tmpdir();
	_cleanup_free_ char *slashes = NULL;

	assert_accepted("/does/not/exist", "/does/not/exist");
	assert_accepted("/does/not/exist///", "/does/not/exist");
	assert_accepted(tmpdir, tmpdir);
	MIG_ASSERT(asprintf(&slashes, "%s//", tmpdir) > 0);
	assert_accepted(slashes, tmpdir);
}

MIG_TEST(hostroot_refuses_what_could_mean_this_machine)
{
	assert_refused("", "cannot use MIGCTL_HOST_ROOT '': it is set but empty");
	assert_refused("node/root",
		       "cannot use MIGCTL_HOST_ROOT 'node/root': it is not an absolute path");
	assert_refused("/", "cannot use MIGCTL_HOST_ROOT '/': it is the root of this machine");
	assert_refused("///", "cannot use MIGCTL_HOST_ROOT '///': it is the root of this machine");
	assert_refused("/dev/..",
		       "cannot use MIGCTL_HOST_ROOT '/dev/..': it is the root of this machine");
}

MIG_TEST(hostroot_refuses_a_link_to_this_machine)
{
	const char *link = mig_test_path("link");
	_cleanup_free_ char *message = NULL;

	MIG_ASSERT_INT_EQ(symlink("/", link), 0);
	MIG_ASSERT(asprintf(&message,
			    "cannot use MIGCTL_HOST_ROOT '%s': it is the root of this machine",
			    link) > 0);
	assert_refused(link, message);
}
