/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The jail's /dev: the host's ordinary devices, the node's GPUs, and nothing else of the host's.
 */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "shared/file.h"
#include "shared/number.h"
#include "sim/control/jail_parts.h"
#include "sim/control/tree.h"
#include "sim/tree/tree.h"

#define CAPS_DIRECTORY "nvidia-caps"
#define CAP_PREFIX     "nvidia-cap"
#define NULL_DEVICE    "/dev/null"

static const char *const kept_names[MIG_JAIL_KEPT_MAX] = {
	"null", "zero", "full",	  "random",    "urandom", "tty", "console", "ptmx",
	"pts",	"shm",	"mqueue", "hugepages", "fuse",	  "net", "kvm",	    "log",
};

static const struct {
	const char *name;
	const char *target;
} links[] = {
	{"fd", "/proc/self/fd"},
	{"stdin", "/proc/self/fd/0"},
	{"stdout", "/proc/self/fd/1"},
	{"stderr", "/proc/self/fd/2"},
};

static char *dev_path(const char *name)
{
	return mig_path_join("/dev", name);
}

/* Links are followed: /dev/log is often one into /run. */
int mig_jail_dev_keep(struct mig_jail_kept *kept, struct mig_error **err)
{
	for (size_t i = 0; i < MIG_JAIL_KEPT_MAX; i++) {
		_cleanup_free_ char *path = kept_names[i] ? dev_path(kept_names[i]) : NULL;

		kept->fds[i] = -1;
		if (!path || access(path, F_OK))
			continue;
		kept->fds[i] = mig_jail_grab(path, err);
		if (kept->fds[i] < 0)
			return -1;
	}
	return 0;
}

static int put_kept(const char *name, int *tree_fd, struct mig_error **err)
{
	_cleanup_free_ char *path = dev_path(name);
	struct stat st;

	if (!path || fstat(*tree_fd, &st))
		return mig_error_set_errno(err, path ? errno : ENOMEM,
					   "cannot make the jail: /dev/%s", name);
	if (S_ISDIR(st.st_mode) ? mkdir(path, 0755) != 0 : mig_jail_put(path, "", 0, 0644, NULL))
		return mig_error_set_errno(err, errno, "cannot make the jail: making '%s'", path);
	return mig_jail_attach(MIG_TAKE_FD(*tree_fd), path, err);
}

/*
 * A node that cannot be opened, because the file system is nodev and no driver has its major. A user
 * namespace may make none: there it is /dev/null under another name.
 */
static int put_device(const char *path, unsigned int major, unsigned int minor, mode_t mode,
		      struct mig_error **err)
{
	if (mknod(path, S_IFCHR | mode, makedev(major, minor)) == 0) {
		if (chmod(path, mode) == 0)
			return 0;
	} else if (errno == EPERM) {
		return mig_jail_put(path, "", 0, mode, err) || mig_jail_bind(NULL_DEVICE, path, err)
			       ? -1
			       : 0;
	}
	return mig_error_set_errno(err, errno, "cannot make the jail: making '%s'", path);
}

/* The node's GPUs; capability nodes come with their directory. */
static int put_gpus(const struct mig_sim_node_desc *node, struct mig_error **err)
{
	struct mig_sim_device device;

	for (unsigned int i = 0; mig_sim_trees_device(node, i, &device); i++) {
		_cleanup_free_ char *path = dev_path(device.name);

		if (!path)
			return mig_error_set_errno(err, ENOMEM, "cannot make the jail");
		if (!strchr(device.name, '/') &&
		    put_device(path, device.major, device.minor, device.mode, err))
			return -1;
	}
	return 0;
}

/* What the node has at this moment. */
static int put_caps_copies(const char *source, const char *target, struct mig_error **err)
{
	DIR *dir = opendir(source);
	struct dirent *entry;
	int result = 0;

	if (!dir)
		return mig_error_set_errno(err, errno, "cannot make the jail: looking into '%s'",
					   source);
	while (result == 0 && (entry = readdir(dir))) {
		_cleanup_free_ char *path = NULL;
		uint32_t minor;

		if (strncmp(entry->d_name, CAP_PREFIX, strlen(CAP_PREFIX)) != 0 ||
		    mig_parse_u32(entry->d_name + strlen(CAP_PREFIX), 0, UINT16_MAX, &minor))
			continue;
		path = mig_path_join(target, entry->d_name);
		if (!path)
			result = mig_error_set_errno(err, ENOMEM, "cannot make the jail");
		else
			result = put_device(path, MIG_SIM_MAJOR_CAPS, minor, MIG_SIM_CAP_MODE_OTHER,
					    err);
	}
	closedir(dir);
	return result;
}

/*
 * Where the node's directory has devices it is shown as it is, so that the nodes of instances come
 * and go in the jail too. In a user namespace the files there are no devices: a copy is made, in
 * which each of them is one, and which later instances are not in.
 */
static int put_caps(struct mig_error **err)
{
	static const char source[] = MIG_JAIL_NODE_ROOT "/dev/" CAPS_DIRECTORY;
	static const char probe[] = MIG_JAIL_NODE_ROOT "/dev/" CAPS_DIRECTORY "/nvidia-cap1";
	_cleanup_free_ char *target = dev_path(CAPS_DIRECTORY);
	struct stat st;

	if (!target)
		return mig_error_set_errno(err, ENOMEM, "cannot make the jail");
	if (mkdir(target, 0755))
		return mig_error_set_errno(err, errno, "cannot make the jail: making '%s'", target);
	if (!mig_jail_is_directory(source))
		return 0;
	if (stat(probe, &st) || !S_ISCHR(st.st_mode))
		return put_caps_copies(source, target, err);
	if (mig_jail_bind(source, target, err))
		return -1;
	return mig_jail_restrict(target, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID, err);
}

int mig_jail_dev(const struct mig_sim_jail *jail, struct mig_jail_kept *kept,
		 struct mig_error **err)
{
	if (mig_jail_tmpfs("/dev", err))
		return -1;
	for (size_t i = 0; i < MIG_JAIL_KEPT_MAX; i++) {
		if (kept->fds[i] >= 0 && put_kept(kept_names[i], &kept->fds[i], err))
			return -1;
	}
	for (size_t i = 0; i < MIG_ARRAY_SIZE(links); i++) {
		_cleanup_free_ char *path = dev_path(links[i].name);

		if (!path || symlink(links[i].target, path))
			return mig_error_set_errno(err, path ? errno : ENOMEM,
						   "cannot make the jail: /dev/%s", links[i].name);
	}
	return put_gpus(jail->desc, err) || put_caps(err) ? -1 : 0;
}
