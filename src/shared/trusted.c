/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that root obeys; the rule is in the header.
 */
#include "shared/trusted.h"

#include <errno.h>
#include <fcntl.h>

#include "shared/file.h"

#define NEW_FILE_MODE 0600

int mig_trusted_check(const char *what, const struct stat *st, struct mig_error **err)
{
	bool group_writes = (st->st_mode & S_IWGRP) && geteuid() == 0 && st->st_gid != 0;

	if (st->st_uid != 0 && st->st_uid != geteuid()) {
		mig_error_set(err, MIG_ERROR_NO_PERMISSION,
			      "'%s' belongs to neither root nor you (user id %u)", what,
			      (unsigned int)st->st_uid);
		if (geteuid() != 0)
			return mig_error_hint(err, "make a copy of your own");
		return mig_error_hint(err, "look at what it says, then: chown root '%s'", what);
	}
	if ((st->st_mode & S_IWOTH) || group_writes) {
		mig_error_set(err, MIG_ERROR_NO_PERMISSION, "others may write to '%s' (mode %04o)",
			      what, (unsigned int)(st->st_mode & 07777));
		return mig_error_hint(err, "chmod go-w '%s'", what);
	}
	return 0;
}

int mig_trusted_open(const char *path, int flags, struct mig_error **err)
{
	/* O_NONBLOCK: a FIFO is refused below, and not waited for. */
	_cleanup_close_ int fd =
		open(path, (flags & ~O_TRUNC) | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
		     NEW_FILE_MODE);
	struct stat st;

	if (fd < 0 && errno == ELOOP) {
		mig_error_set(err, MIG_ERROR_NO_PERMISSION,
			      "'%s' is a symbolic link, and what root may come to obey is opened "
			      "without following one",
			      path);
		return mig_error_hint(err, "name the file itself, or put it in the link's place");
	}
	if (fd < 0 || fstat(fd, &st))
		return mig_error_set_errno(err, errno, "cannot open '%s'", path);
	if (!S_ISREG(st.st_mode))
		return mig_error_set(err, MIG_ERROR_REFUSED, "'%s' is not a regular file", path);
	if (mig_trusted_check(path, &st, err) < 0)
		return -1;
	/* Not before: what is refused stays as it is. */
	if ((flags & O_TRUNC) && ftruncate(fd, 0))
		return mig_error_set_errno(err, errno, "cannot empty '%s'", path);
	return MIG_TAKE_FD(fd);
}

int mig_trusted_read(const char *path, struct mig_buf *buf, struct mig_error **err)
{
	_cleanup_close_ int fd = mig_trusted_open(path, O_RDONLY, err);

	return fd < 0 ? -1 : mig_file_read_fd(fd, path, buf, err);
}
