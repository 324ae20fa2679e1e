/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device files of a node as they belong to its state: what udev and nvidia-modprobe do on a
 * machine, and what its start does. Files of instances follow the state by themselves (sim/tree);
 * those of the GPUs, of the rights and of their numbers are made with the node, and only here again.
 *
 * Knows where they lie and how they look; never follows a symbolic link below the node. What is in a
 * new one's place is replaced at once, so that a program sees the old one or the new one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "shared/file.h"
#include "shared/text.h"
#include "sim/control/tree.h"
#include "sim/tree/tree.h"

#define DEV_PATH    "root/dev"
#define CAPS_NAME   "nvidia-caps"
#define MINORS_PATH "root/proc/driver/nvidia-caps"
#define MINORS_NAME "mig-minors"
#define WORK_SIZE   48

struct mending {
	const struct mig_sim_store *store;
	struct mig_error **err;
};

static int failed(const struct mending *m, const char *what)
{
	return mig_error_set_errno(m->err, errno, "cannot mend '%s' of node '%s'", what,
				   m->store->node->name);
}

/* A directory, if there is none, whatever the umask is. */
static int put_directory(int dir, const char *name)
{
	_cleanup_close_ int fd = -1;

	if (mkdirat(dir, name, 0755) < 0)
		return errno == EEXIST ? 0 : -1;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 ? fchmod(fd, 0755) : -1;
}

/* Root makes nothing in a directory of somebody else's, who could move things under its feet. */
static int check_owner(const struct mending *m, int dir)
{
	struct stat st;

	if (geteuid() != 0 || (fstat(dir, &st) == 0 && st.st_uid == 0))
		return 0;
	mig_error_set(m->err, MIG_ERROR_NO_PERMISSION,
		      "the files of node '%s' are another user's, and root makes none there",
		      m->store->node->name);
	return mig_error_hint(m->err, "run it as the user whose node it is");
}

static int open_directory(const struct mending *m, const char *path);

/* A directory that somebody removed, and those above it. Returns 0 or -1 with *err. */
static int make_directory(const struct mending *m, const char *path)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *above = slash != NULL ? strndup(path, (size_t)(slash - path)) : NULL;
	_cleanup_close_ int dir = -1;

	if (slash != NULL && above == NULL)
		return failed(m, path);
	dir = above != NULL ? open_directory(m, above)
			    : open(m->store->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return above != NULL ? -1 : failed(m, path);
	if (check_owner(m, dir) < 0)
		return -1;
	if (put_directory(dir, slash != NULL ? slash + 1 : path) < 0)
		return failed(m, path);
	return 0;
}

static int open_directory(const struct mending *m, const char *path)
{
	int fd = mig_sim_tree_open(m->store->path, path);

	if (fd < 0 && errno == ENOENT) {
		if (make_directory(m, path) < 0)
			return -1;
		fd = mig_sim_tree_open(m->store->path, path);
	}
	if (fd < 0)
		return failed(m, path);
	if (check_owner(m, fd) == 0)
		return fd;
	close(fd);
	return -1;
}

static void work_name(char name[WORK_SIZE])
{
	mig_text_format(name, WORK_SIZE, ".migctl-mend.%d", (int)getpid());
}

/* Puts what was made under the work name in its place; a directory there must be empty. */
static int put_in_place(int dir, const char *work, const char *name)
{
	int saved_errno;

	if (renameat(dir, work, dir, name) == 0)
		return 0;
	if (errno == EISDIR && unlinkat(dir, name, AT_REMOVEDIR) == 0 &&
	    renameat(dir, work, dir, name) == 0)
		return 0;
	saved_errno = errno;
	unlinkat(dir, work, 0);
	errno = saved_errno;
	return -1;
}

/* A regular file with this content and mode. */
static int put_file(int dir, const char *name, const char *text, size_t len, mode_t mode)
{
	char work[WORK_SIZE];
	int fd, rc;

	work_name(work);
	unlinkat(dir, work, 0);
	fd = openat(dir, work, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	rc = mig_write_all(fd, text, len) != 0 || fchmod(fd, mode) < 0 ? -1 : 0;
	close(fd);
	return rc == 0 ? put_in_place(dir, work, name) : -1;
}

/* ---- devices ---------------------------------------------------------------------------------- */

static bool is_right(int dir, const char *name, const struct mig_sim_device *device)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    (st.st_mode & 07777) != device->mode)
		return false;
	/* An empty file stands for one where the node's owner may make none. */
	return S_ISCHR(st.st_mode) ? st.st_rdev == makedev(device->major, device->minor)
				   : S_ISREG(st.st_mode) && geteuid() != 0;
}

static int put_device(int dir, const char *name, const struct mig_sim_device *device)
{
	char work[WORK_SIZE];

	work_name(work);
	unlinkat(dir, work, 0);
	if (mknodat(dir, work, S_IFCHR | device->mode, makedev(device->major, device->minor)) < 0)
		return put_file(dir, name, "", 0, device->mode);
	/* Whatever the umask is; the directory is ours, and so is what was just made in it. */
	if (fchmodat(dir, work, device->mode, 0) < 0)
		return -1;
	return put_in_place(dir, work, name);
}

static int mend_devices(const struct mending *m)
{
	_cleanup_close_ int dev = open_directory(m, DEV_PATH);
	_cleanup_close_ int caps = -1;
	struct mig_sim_device device;

	if (dev < 0)
		return -1;
	if (put_directory(dev, CAPS_NAME) < 0)
		return failed(m, DEV_PATH "/" CAPS_NAME);
	caps = mig_sim_tree_open_at(dev, CAPS_NAME);
	if (caps < 0)
		return failed(m, DEV_PATH "/" CAPS_NAME);
	for (unsigned int i = 0; mig_sim_trees_device(m->store->node, i, &device); i++) {
		const char *slash = strchr(device.name, '/');
		const char *name = slash != NULL ? slash + 1 : device.name;
		int dir = slash != NULL ? caps : dev;

		if (!is_right(dir, name, &device) && put_device(dir, name, &device) < 0)
			return failed(m, device.name);
	}
	return 0;
}

/* ---- the numbers ------------------------------------------------------------------------------ */

static bool has_content(int dir, const char *name, const struct mig_buf *text)
{
	_cleanup_buf_ struct mig_buf found = MIG_BUF_INIT(text->len + 1);
	_cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	return fd >= 0 && mig_file_read_fd(fd, name, &found, NULL) == 0 && found.len == text->len &&
	       memcmp(found.data, text->data, text->len) == 0;
}

static int mend_minors(const struct mending *m)
{
	_cleanup_close_ int dir = open_directory(m, MINORS_PATH);
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(MIG_SIM_MINORS_MAX);

	if (dir < 0)
		return -1;
	mig_sim_trees_minors(&text);
	if (has_content(dir, MINORS_NAME, &text))
		return 0;
	if (put_file(dir, MINORS_NAME, mig_buf_text(&text), text.len, 0444) < 0)
		return failed(m, MINORS_PATH "/" MINORS_NAME);
	return 0;
}

int mig_sim_node_mend(struct mig_sim_store *store, struct mig_error **err)
{
	struct mending m = {.store = store, .err = err};

	if (mend_devices(&m) < 0 || mend_minors(&m) < 0)
		return -1;
	mig_sim_tree_refresh(store, MIG_SIM_ALL_GPUS);
	return 0;
}
