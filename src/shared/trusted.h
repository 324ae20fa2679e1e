/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening files that root obeys: hooks, the journal, the layout of the boot, node descriptions.
 *
 * Such a file is refused unless root or the caller owns it and nobody else may write to it; for root
 * a group other than root's is somebody else. It must be a regular file and is opened without
 * following a symbolic link at its end (links among its directories are followed: /var/run is one).
 * What was opened is looked at, not the name, so nothing can be put in its place in between.
 */
#pragma once

#include <sys/stat.h>

#include "shared/buf.h"
#include "shared/error.h"

/* Owner and mode of a file or directory; `what` is its path, for the message. Returns 0, or -1 with
 * *err (NO_PERMISSION; the hint says how to mend it). */
int mig_trusted_check(const char *what, const struct stat *st,
		      struct mig_error **err) MIG_MUST_CHECK;

/*
 * Opens with the flags of open(2); O_CLOEXEC and what the rule needs are added. With O_CREAT a new
 * file has mode 0600. Returns a descriptor, or -1 with *err: NO_PERMISSION when the rule is broken,
 * REFUSED when it is no regular file, else IO with errno, so that mig_error_errno() is ENOENT
 * when there is no such file.
 */
int mig_trusted_open(const char *path, int flags, struct mig_error **err) MIG_MUST_CHECK;

/* Appends the content of such a file to buf; one that is larger than the buffer's maximum is an
 * error that names the limit. Returns 0, or -1 with *err as mig_trusted_open, and buf as it was. */
int mig_trusted_read(const char *path, struct mig_buf *buf, struct mig_error **err) MIG_MUST_CHECK;
