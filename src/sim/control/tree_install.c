/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver's libraries and programs in a node's root, as copies of those of the build.
 *
 * Copies and not links: a program that is given the root resolves links inside of it, and whoever
 * writes into a copy does no harm to what is installed. They are renamed into place. Whoever runs
 * this may be root on somebody else's node: no link in the node leads the copies out of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/file.h"
#include "shared/text.h"
#include "shared/trusted.h"
#include "sim/control/description.h"
#include "sim/control/tree.h"
#include "sim/tree/tree.h"

#define LINK_SIZE      512
#define OPEN_PATH_SIZE 32
#define COPY_SIZE      ((size_t)1 << 20)

static int copy_content(int from, int to)
{
	_cleanup_free_ char *chunk = malloc(COPY_SIZE);
	ssize_t got;

	if (!chunk)
		return -1;
	while ((got = read(from, chunk, COPY_SIZE)) > 0) {
		if (mig_write_all(to, chunk, (size_t)got))
			return -1;
	}
	return got < 0 ? -1 : 0;
}

int mig_sim_copy_file(const char *from, const char *to, mode_t mode)
{
	_cleanup_free_ char *work = mig_asprintf("%s.%ld", to, (long)getpid());
	_cleanup_close_ int in = open(from, O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int out = -1;
	struct stat source, there;

	if (!work || in < 0 || fstat(in, &source))
		return -1;
	if (lstat(to, &there) == 0 && S_ISREG(there.st_mode) && there.st_size == source.st_size &&
	    there.st_mtim.tv_sec == source.st_mtim.tv_sec &&
	    there.st_mtim.tv_nsec == source.st_mtim.tv_nsec)
		return 0;
	unlink(work);
	out = open(work, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		return -1;
	if (copy_content(in, out) || fchmod(out, mode) ||
	    futimens(out, (struct timespec[]){source.st_atim, source.st_mtim}) ||
	    rename(work, to)) {
		int saved_errno = errno;

		unlink(work);
		errno = saved_errno;
		return -1;
	}
	return 0;
}

static int copy_into(const char *directory, const char *name, const char *from, mode_t mode,
		     struct mig_error **err)
{
	_cleanup_free_ char *to = mig_path_join(directory, name);

	if (!to || mig_sim_copy_file(from, to, mode))
		return mig_error_set_errno(err, to ? errno : ENOMEM,
					   "cannot copy '%s' into the node", from);
	return 0;
}

/* An existing link stays if it is the wanted one. */
static int link_into(const char *directory, const char *name, const char *target,
		     struct mig_error **err)
{
	_cleanup_free_ char *path = mig_path_join(directory, name);
	char now[LINK_SIZE];
	ssize_t len;

	if (!path)
		return mig_error_set_errno(err, ENOMEM, "cannot make '%s'", name);
	len = readlink(path, now, sizeof(now));
	if (len == (ssize_t)strlen(target) && memcmp(now, target, (size_t)len) == 0)
		return 0;
	if ((unlink(path) && errno != ENOENT) || symlink(target, path))
		return mig_error_set_errno(err, errno, "cannot make '%s'", name);
	return 0;
}

/* The node, held open. Its owner is looked at here and not by its name: another directory may have
 * been put in its place since somebody looked. */
static int open_node(const char *node_dir, struct mig_error **err)
{
	_cleanup_close_ int fd = open(node_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return mig_error_set_errno(err, errno, "cannot open '%s'", node_dir);
	if (mig_trusted_check(node_dir, &st, err))
		return -1;
	return MIG_TAKE_FD(fd);
}

/* A directory of the node, held open, under a path that leads nowhere else. */
static int open_directory(int node, const char *name, char path[OPEN_PATH_SIZE],
			  struct mig_error **err)
{
	_cleanup_close_ int fd = mig_sim_tree_open_at(node, name);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return mig_error_set_errno(err, errno, "cannot open '%s' of the node", name);
	if (mig_trusted_check(name, &st, err))
		return -1;
	mig_text_format(path, OPEN_PATH_SIZE, "/proc/self/fd/%d", fd);
	return MIG_TAKE_FD(fd);
}

int mig_sim_trees_install(const char *node_dir, const char *driver_version,
			  const struct mig_sim_installation *from, struct mig_error **err)
{
	static const char *const programs[] = {"nvidia-smi"};
	char lib[OPEN_PATH_SIZE], bin[OPEN_PATH_SIZE];
	_cleanup_close_ int node = open_node(node_dir, err);
	_cleanup_close_ int lib_fd =
		node < 0 ? -1 : open_directory(node, "root/usr/lib/" MIG_SIM_MULTIARCH, lib, err);
	_cleanup_close_ int bin_fd = lib_fd < 0 ? -1
						: open_directory(node, "root/usr/bin", bin, err);
	_cleanup_free_ char *nvml = mig_asprintf("libnvidia-ml.so.%s", driver_version);
	_cleanup_free_ char *cuda = mig_asprintf("libcuda.so.%s", driver_version);

	if (bin_fd < 0)
		return -1;
	if (!nvml || !cuda)
		return mig_error_set_errno(err, ENOMEM, "cannot copy the libraries");
	if (copy_into(lib, nvml, from->library, 0755, err) ||
	    copy_into(lib, cuda, from->libcuda, 0755, err) ||
	    link_into(lib, "libnvidia-ml.so.1", nvml, err) ||
	    link_into(lib, "libnvidia-ml.so", "libnvidia-ml.so.1", err) ||
	    link_into(lib, "libcuda.so.1", cuda, err) ||
	    link_into(lib, "libcuda.so", "libcuda.so.1", err))
		return -1;
	for (size_t i = 0; i < MIG_ARRAY_SIZE(programs); i++) {
		_cleanup_free_ char *program = mig_path_join(from->shims, programs[i]);

		if (!program)
			return mig_error_set_errno(err, ENOMEM, "cannot copy the programs");
		if (access(program, R_OK) == 0 && copy_into(bin, programs[i], program, 0755, err))
			return -1;
	}
	return 0;
}
