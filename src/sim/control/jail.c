/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entering the jail: namespaces, the order of the parts, and mounting in words.
 *
 * Everything is mounted in this process, after which it becomes CMD; nothing is left to clean up,
 * because the mounts end with the last process of the namespace.
 */
#include "sim/control/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/file.h"
#include "shared/trusted.h"
#include "sim/control/description.h"
#include "sim/control/jail_parts.h"
#include "sim/control/tree.h"

/* ---- mounting --------------------------------------------------------------------------------- */

static int refused(struct mig_error **err, const char *what, const char *path)
{
	int reason = errno;

	mig_error_set_errno(err, reason, "cannot make the jail: %s '%s'", what, path);
	if (reason == EPERM || reason == EACCES)
		return mig_error_hint(
			err, "the kernel or a security module forbids mounting here; run it as "
			     "root with CAP_SYS_ADMIN, or without --jail");
	if (reason == ENOSYS || reason == ENODEV || reason == EINVAL)
		return mig_error_hint(err, "the jail needs Linux 5.12 or newer with overlayfs and "
					   "tmpfs; without it: sim exec without --jail");
	return -1;
}

int mig_jail_grab(const char *path, struct mig_error **err)
{
	int fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);

	return fd < 0 ? refused(err, "taking a copy of", path) : fd;
}

int mig_jail_grab_node(const struct mig_sim_jail *jail, int held, struct mig_error **err)
{
	_cleanup_close_ int here = open(jail->node, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat was, is;
	int tree;

	if (here < 0 || fstat(held, &was) || fstat(here, &is))
		return refused(err, "opening", jail->node);
	if (was.st_dev != is.st_dev || was.st_ino != is.st_ino)
		return mig_error_set(err, MIG_ERROR_REFUSED,
				     "cannot make the jail: there is another directory at '%s' now",
				     jail->node);
	tree = open_tree(here, "",
			 OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
	return tree < 0 ? refused(err, "taking a copy of", jail->node) : tree;
}

int mig_jail_attach(int tree_fd, const char *path, struct mig_error **err)
{
	int result = move_mount(tree_fd, "", AT_FDCWD, path,
				MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS);
	int reason = errno;

	close(tree_fd);
	errno = reason;
	return result < 0 ? refused(err, "mounting on", path) : 0;
}

int mig_jail_bind(const char *from, const char *to, struct mig_error **err)
{
	int fd = mig_jail_grab(from, err);

	return fd < 0 ? -1 : mig_jail_attach(fd, to, err);
}

int mig_jail_restrict(const char *path, unsigned long long attributes, struct mig_error **err)
{
	struct mount_attr attr = {.attr_set = attributes};

	if (mount_setattr(AT_FDCWD, path, AT_RECURSIVE, &attr, sizeof(attr)) < 0)
		return refused(err, "restricting", path);
	return 0;
}

int mig_jail_tmpfs(const char *path, struct mig_error **err)
{
	if (mount("migsim", path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755"))
		return refused(err, "mounting an empty file system on", path);
	return 0;
}

int mig_jail_overlay(const char *path, const char *upper, const char *work, struct mig_error **err)
{
	/* In a user namespace trusted.* attributes are not allowed; elsewhere either is fine. */
	static const char *const kinds[] = {",userxattr", ""};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(kinds); i++) {
		_cleanup_free_ char *options = mig_asprintf("lowerdir=%s,upperdir=%s,workdir=%s%s",
							    path, upper, work, kinds[i]);

		if (!options)
			return mig_error_set_errno(err, ENOMEM, "cannot make the jail");
		if (mount("migsim", path, "overlay", 0, options) == 0)
			return 0;
	}
	if (errno == EINVAL) {
		mig_error_set_errno(err, EINVAL,
				    "cannot make the jail: laying an overlay over '%s'", path);
		return mig_error_hint(err, "the kernel stacks overlays twice at most: a jail in a "
					   "jail, or in a container, may be one too many; start "
					   "it outside, or without --jail");
	}
	return refused(err, "laying an overlay over", path);
}

int mig_jail_put(const char *path, const void *bytes, size_t len, mode_t mode,
		 struct mig_error **err)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 || mig_write_all(fd, bytes, len) || fchmod(fd, mode))
		return refused(err, "writing", path);
	return 0;
}

bool mig_jail_is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* ---- namespaces ------------------------------------------------------------------------------- */

static int write_proc(const char *path, const char *text, struct mig_error **err)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		return refused(err, "writing", path);
	return 0;
}

/* The caller's user and group mean themselves inside; all others are nobody. */
static int map_to_itself(uid_t uid, gid_t gid, struct mig_error **err)
{
	_cleanup_free_ char *users = mig_asprintf("%u %u 1\n", uid, uid);
	_cleanup_free_ char *groups = mig_asprintf("%u %u 1\n", gid, gid);

	if (!users || !groups)
		return mig_error_set_errno(err, ENOMEM, "cannot make the jail");
	if (write_proc("/proc/self/setgroups", "deny", err) ||
	    write_proc("/proc/self/uid_map", users, err))
		return -1;
	return write_proc("/proc/self/gid_map", groups, err);
}

static int enter_namespaces(struct mig_error **err)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (unshare(CLONE_NEWNS)) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS)) {
			mig_error_set_errno(err, errno,
					    "cannot make the jail: the kernel gives this user no "
					    "user and mount namespace");
			return mig_error_hint(
				err, "allow user namespaces (sysctl user.max_user_namespaces, "
				     "kernel.unprivileged_userns_clone, "
				     "kernel.apparmor_restrict_unprivileged_userns), run it as "
				     "root, or without --jail");
		}
		if (map_to_itself(uid, gid, err))
			return -1;
	}
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return refused(err, "keeping mounts from spreading below", "/");
	return 0;
}

/*
 * Root keeps its rights in the jail, but for those that reach the machine itself whatever is mounted
 * where: stopping it, loading modules, raw access to devices. What is started has them no more.
 */
static int give_up_machine(struct mig_error **err)
{
	static const int capabilities[] = {CAP_SYS_BOOT, CAP_SYS_MODULE, CAP_SYS_RAWIO};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(capabilities); i++) {
		/* EPERM: it has nothing to give up with, and so nothing to give up. */
		if (prctl(PR_CAPBSET_DROP, capabilities[i], 0, 0, 0) && errno != EPERM)
			return refused(err, "giving up rights over the machine below", "/");
	}
	return 0;
}

/* The node's directory, which nobody else may write to, held open. */
static int hold_node(const struct mig_sim_jail *jail, struct mig_error **err)
{
	_cleanup_close_ int fd = open(jail->node, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return refused(err, "opening", jail->node);
	return mig_trusted_check(jail->node, &st, err) ? -1 : MIG_TAKE_FD(fd);
}

/* ---- all of it -------------------------------------------------------------------------------- */

static int build(const struct mig_sim_jail *jail, int held, struct mig_jail_kept *kept,
		 struct mig_error **err)
{
	if (mig_jail_dev_keep(kept, err) || mig_jail_tmpfs(MIG_JAIL_SCRATCH, err) ||
	    mig_jail_host(jail, held, err) || mig_jail_proc(jail, err))
		return -1;
	if (umount2(MIG_JAIL_SCRATCH, MNT_DETACH))
		return refused(err, "clearing", MIG_JAIL_SCRATCH);
	return mig_jail_dev(jail, kept, err);
}

int mig_sim_jail_enter(const struct mig_sim_jail *jail, struct mig_error **err)
{
	_cleanup_free_ char *cwd = getcwd(NULL, 0);
	_cleanup_close_ int held = hold_node(jail, err);
	struct mig_jail_kept kept;

	if (held < 0)
		return -1;
	if (mig_sim_trees_check_majors(err) || enter_namespaces(err) ||
	    build(jail, held, &kept, err))
		return -1;
	if (give_up_machine(err))
		return -1;
	/* The directory that we are in is still the one outside, perhaps below an overlay. */
	if ((!cwd || chdir(cwd)) && chdir("/"))
		return refused(err, "entering", "/");
	return 0;
}
