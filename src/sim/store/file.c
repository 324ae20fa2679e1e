/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening the files of a node, and saying in words what went wrong. Paths come from people: a
 * directory, a FIFO or a symbolic link in place of a file is refused and never waited for.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/text.h"
#include "sim/store/format.h"

#define STANDARD_FDS 3

const char *mig_sim_shown_path(char shown[MIG_SIM_SHOWN_PATH_SIZE], const char *node_dir,
			       const char *name)
{
	static const char cut[] = "...";
	size_t name_len = name ? strlen(name) + 1 : 0; /* with its '/' */
	size_t room = MIG_SIM_SHOWN_PATH_SIZE - sizeof(cut) - name_len;
	size_t len = strlen(node_dir);
	bool is_cut = len > room;

	mig_text_format(shown, MIG_SIM_SHOWN_PATH_SIZE, "%s%s%s%s", is_cut ? cut : "",
			is_cut ? node_dir + len - room : node_dir, name ? "/" : "",
			name ? name : "");
	return shown;
}

enum mig_sim_status mig_sim_fail(struct mig_sim_failure *failure, enum mig_sim_status status,
				 int error, const char *fmt, ...)
{
	const char *words = error ? strerrordesc_np(error) : NULL;
	va_list args;
	size_t used;

	va_start(args, fmt);
	vsnprintf(failure->detail, MIG_SIM_DETAIL_SIZE, fmt, args);
	va_end(args);
	used = strlen(failure->detail);
	if (words)
		mig_text_format(failure->detail + used, MIG_SIM_DETAIL_SIZE - used, ": %s", words);
	failure->saved_errno = error;
	return status;
}

void mig_sim_file_close(int fd)
{
	int saved = errno;

	if (fd >= 0)
		close(fd);
	errno = saved;
}

/* Out of the way of a host that closed its standard descriptors. Returns the new one or -1. */
static int move_up(int fd)
{
	int moved;

	if (fd < 0 || fd >= STANDARD_FDS)
		return fd;
	moved = fcntl(fd, F_DUPFD_CLOEXEC, STANDARD_FDS);
	mig_sim_file_close(fd);
	return moved;
}

static enum mig_sim_status open_failed(const char *path, const char *what, int error,
				       struct mig_sim_failure *failure)
{
	switch (error) {
	case ENOENT:
		return mig_sim_fail(failure, MIG_SIM_NO_NODE, error, "there is no %s '%s'", what,
				    path);
	case EACCES:
	case EPERM:
		return mig_sim_fail(failure, MIG_SIM_NO_PERMISSION, error, "cannot open %s '%s'",
				    what, path);
	case ELOOP:
		return mig_sim_fail(failure, MIG_SIM_DAMAGED, 0,
				    "%s '%s' is a symbolic link, not a regular file", what, path);
	case EISDIR:
	case ENXIO: /* a socket, or a FIFO that nobody reads */
		return mig_sim_fail(failure, MIG_SIM_DAMAGED, 0, "%s '%s' is not a regular file",
				    what, path);
	default:
		return mig_sim_fail(failure, MIG_SIM_IO, error, "cannot open %s '%s'", what, path);
	}
}

enum mig_sim_status mig_sim_dir_open(const char *node_dir, int *fd, struct mig_sim_failure *failure)
{
	char shown[MIG_SIM_SHOWN_PATH_SIZE];
	int error;

	*fd = -1;
	mig_sim_shown_path(shown, node_dir, NULL);
	if (node_dir[0] != '/')
		return mig_sim_fail(failure, MIG_SIM_NO_NODE, 0,
				    "the node directory '%s' is not an absolute path", shown);
	*fd = move_up(open(node_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if (*fd < 0 && errno == EACCES) /* to go through a directory it need not be readable */
		*fd = move_up(open(node_dir, O_PATH | O_DIRECTORY | O_CLOEXEC));
	if (*fd >= 0)
		return MIG_SIM_OK;
	error = errno;
	switch (error) {
	case EACCES:
	case EPERM:
		return mig_sim_fail(failure, MIG_SIM_NO_PERMISSION, error,
				    "cannot enter the node directory '%s'", shown);
	case EMFILE:
	case ENFILE:
	case ENOMEM:
		return mig_sim_fail(failure, MIG_SIM_IO, error,
				    "cannot open the node directory '%s'", shown);
	default:
		return mig_sim_fail(failure, MIG_SIM_NO_NODE, error, "no simulated node at '%s'",
				    shown);
	}
}

enum mig_sim_status mig_sim_file_open(int dir, const char *node_dir, const char *name,
				      const char *what, int flags, mode_t mode, int *fd,
				      struct mig_sim_failure *failure)
{
	char shown[MIG_SIM_SHOWN_PATH_SIZE];
	struct stat st;

	mig_sim_shown_path(shown, node_dir, name);
	/* O_NONBLOCK: opening a FIFO would wait for its other end. */
	*fd = move_up(
		openat(dir, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, mode));
	if (*fd < 0)
		return open_failed(shown, what, errno, failure);
	if (fstat(*fd, &st) == 0 && S_ISREG(st.st_mode))
		return MIG_SIM_OK;
	mig_sim_file_close(*fd);
	*fd = -1;
	return mig_sim_fail(failure, MIG_SIM_DAMAGED, 0, "%s '%s' is not a regular file", what,
			    shown);
}
