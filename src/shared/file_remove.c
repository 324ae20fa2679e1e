/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mig_remove_tree: removes a directory and all below it.
 *
 * Everything is done relative to open directories and never through a path, so that a directory
 * replaced by a symbolic link meanwhile is not followed. Only one directory is open at a time, so
 * that depth is limited by memory and not by descriptors: the way up is "..", and the directory
 * found there must be the one that was left (device and inode), or somebody has moved something.
 */
#include "shared/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Which directory this is, whatever its name. */
struct identity {
	uint32_t dev_major, dev_minor;
	uint64_t inode;
};

/* A directory that was entered: its name in the one above, which must be found again. */
struct level {
	char *name;
	struct identity above;
};

struct walk {
	const char *path; /* as the caller gave it, for messages */
	DIR *dir;	  /* where we are */
	struct identity here;
	struct level *levels; /* from the top; the last one is `dir` */
	size_t depth;
	size_t allocated;
};

static void walk_clear(struct walk *walk)
{
	if (walk->dir)
		closedir(walk->dir);
	for (size_t i = 0; i < walk->depth; i++)
		free(walk->levels[i].name);
	free(walk->levels);
}

static int fail(const struct walk *walk, const char *name, int errnum, struct mig_error **err)
{
	return mig_error_set_errno(err, errnum, "cannot remove '%s' in '%s'", name, walk->path);
}

/* Returns 0 or -1 with errno. */
static int identify(int fd, struct identity *identity, bool *is_mount)
{
	struct statx stx;

	if (statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_INO, &stx))
		return -1;
	*identity = (struct identity){stx.stx_dev_major, stx.stx_dev_minor, stx.stx_ino};
	/* Kernels before 5.8 don't say it; the device numbers then find all but bind mounts. */
	*is_mount = stx.stx_attributes & STATX_ATTR_MOUNT_ROOT;
	return 0;
}

static bool is_same_device(const struct identity *a, const struct identity *b)
{
	return a->dev_major == b->dev_major && a->dev_minor == b->dev_minor;
}

/* Makes fd (consumed) the directory where we are. Returns 0 or -1 with errno. */
static int set_dir(struct walk *walk, int fd)
{
	DIR *dir = fdopendir(fd);

	if (!dir) {
		int errnum = errno;

		close(fd);
		errno = errnum;
		return -1;
	}
	if (walk->dir)
		closedir(walk->dir);
	walk->dir = dir;
	return 0;
}

static int enter(struct walk *walk, const char *name, struct mig_error **err)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *copy = NULL;
	struct identity inside;
	bool is_mount;
	int failed;

	fd = openat(dirfd(walk->dir), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return fail(walk, name, errno, err);
	if (identify(fd, &inside, &is_mount))
		return fail(walk, name, errno, err);
	if (is_mount || !is_same_device(&inside, &walk->here))
		return mig_error_set(err, MIG_ERROR_REFUSED,
				     "cannot remove '%s' in '%s': a file system is mounted there",
				     name, walk->path);
	copy = strdup(name);
	if (!copy || mig_array_reserve(&walk->levels, &walk->allocated, walk->depth + 1,
				       sizeof(*walk->levels)))
		return fail(walk, name, ENOMEM, err);
	failed = set_dir(walk, MIG_TAKE_FD(fd));
	if (failed)
		return fail(walk, copy, errno, err);
	walk->levels[walk->depth++] = (struct level){MIG_TAKE_PTR(copy), walk->here};
	walk->here = inside;
	return 0;
}

/* Goes up from an empty directory and removes it. */
static int leave(struct walk *walk, struct mig_error **err)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *name = NULL;
	struct identity expected, above;
	bool is_mount;

	walk->depth--;
	name = walk->levels[walk->depth].name;
	expected = walk->levels[walk->depth].above;

	fd = openat(dirfd(walk->dir), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || identify(fd, &above, &is_mount))
		return fail(walk, name, errno, err);
	if (!is_same_device(&above, &expected) || above.inode != expected.inode)
		return mig_error_set(err, MIG_ERROR_IO,
				     "cannot remove '%s' in '%s': it was moved meanwhile", name,
				     walk->path);
	if (unlinkat(fd, name, AT_REMOVEDIR) && errno != ENOENT)
		return fail(walk, name, errno, err);
	if (set_dir(walk, MIG_TAKE_FD(fd)))
		return fail(walk, name, errno, err);
	walk->here = above;
	return 0;
}

/* Removes all below walk->dir. */
static int empty(struct walk *walk, struct mig_error **err)
{
	for (;;) {
		const struct dirent *entry;

		errno = 0;
		entry = readdir(walk->dir);
		if (!entry) {
			if (errno)
				return mig_error_set_errno(
					err, errno, "cannot read a directory in '%s'", walk->path);
			if (walk->depth == 0)
				return 0;
			if (leave(walk, err))
				return -1;
			continue;
		}
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		/* Not asked what it is before: the answer could be old by the time it is used. */
		if (unlinkat(dirfd(walk->dir), entry->d_name, 0) == 0 || errno == ENOENT)
			continue;
		if (errno != EISDIR)
			return fail(walk, entry->d_name, errno, err);
		if (enter(walk, entry->d_name, err))
			return -1;
	}
}

/* Cuts trailing slashes and gives the last component; NULL if that names no entry to remove. */
static char *last_component(char *path)
{
	size_t len = strlen(path);
	char *slash, *name;

	while (len > 0 && path[len - 1] == '/')
		path[--len] = '\0';
	slash = strrchr(path, '/');
	name = slash ? slash + 1 : path;
	if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return NULL;
	return name;
}

int mig_remove_tree(const char *path, struct mig_error **err)
{
	_cleanup_(walk_clear) struct walk walk = {.path = path};
	_cleanup_free_ char *parent = strdup(path);
	_cleanup_free_ char *name = NULL;
	_cleanup_close_ int parent_fd = -1;
	const char *last;
	bool is_mount;
	int fd;

	if (!parent)
		return mig_error_set_errno(err, ENOMEM, "cannot remove '%s'", path);
	last = last_component(parent);
	if (!last)
		return mig_error_set(err, MIG_ERROR_REFUSED,
				     "cannot remove '%s': it does not name an entry of a directory",
				     path);
	name = strdup(last);
	if (!name)
		return mig_error_set_errno(err, ENOMEM, "cannot remove '%s'", path);
	parent[last - parent] = '\0';

	parent_fd = open(parent[0] ? parent : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (parent_fd < 0)
		return mig_error_set_errno(err, errno, "cannot remove '%s'", path);
	fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || set_dir(&walk, fd) || identify(dirfd(walk.dir), &walk.here, &is_mount))
		return mig_error_set_errno(err, errno, "cannot remove '%s'", path);
	if (empty(&walk, err))
		return -1;
	if (unlinkat(parent_fd, name, AT_REMOVEDIR))
		return mig_error_set_errno(err, errno, "cannot remove '%s'", path);
	return 0;
}
