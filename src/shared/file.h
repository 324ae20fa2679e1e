/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files: bounded reading, durable writing, directories. Every descriptor is close-on-exec.
 * Paths are given whole; the host root is the caller's matter (shared/hostroot.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "shared/buf.h"
#include "shared/error.h"

/*
 * Appends the content of a regular file, pipe or "-" (standard input) to buf. A file larger than
 * the buffer's maximum is an error that names the limit. Returns 0 or -1 with *err.
 */
int mig_file_read(const char *path, struct mig_buf *buf, struct mig_error **err) MIG_MUST_CHECK;

/* The same for what is open already; `path` is for messages. The descriptor stays open. */
int mig_file_read_fd(int fd, const char *path, struct mig_buf *buf,
		     struct mig_error **err) MIG_MUST_CHECK;

/*
 * Writes durably: temporary file beside it, fsync, rename, fsync of the directory. On failure the
 * old file stands and no temporary is left; only if the last fsync fails is the new file there, and
 * the message says so. The temporary has no name where the file system can do that (O_TMPFILE), so
 * that a process that is killed leaves none either, unless between two calls at the end of replacing
 * a file. The mode is exact (no umask); a symbolic link at `path` is replaced.
 */
int mig_file_write_durable(const char *path, const void *bytes, size_t len, mode_t mode,
			   struct mig_error **err) MIG_MUST_CHECK;

/* The same for a file that is not there yet: anything at `path` is an error (EEXIST), and stays. */
int mig_file_create_durable(const char *path, const void *bytes, size_t len, mode_t mode,
			    struct mig_error **err) MIG_MUST_CHECK;

/* Writes all bytes to fd, across short writes and EINTR. Returns 0 or -1 with errno. */
int mig_write_all(int fd, const void *bytes, size_t len) MIG_MUST_CHECK;

/* mkdir -p with `mode` for those that are made. An existing directory is fine. */
int mig_mkdir_parents(const char *path, mode_t mode, struct mig_error **err) MIG_MUST_CHECK;

/*
 * Removes a directory tree without following symbolic links or leaving the file system: a mount
 * below is refused when it is reached, and what was removed until then is gone. Depth is limited by
 * memory only. `path` must name a directory by its last component (not ".", "..", "/" or a link).
 */
int mig_remove_tree(const char *path, struct mig_error **err) MIG_MUST_CHECK;

/* Joins with exactly one '/' between (also if `a` is empty); a newly allocated string, NULL when out
 * of memory. */
char *mig_path_join(const char *a, const char *b) MIG_MUST_CHECK;

/* printf into a newly allocated string; NULL when out of memory. */
char *mig_asprintf(const char *fmt, ...) MIG_PRINTF(1, 2) MIG_MUST_CHECK;

/* Flushes and closes stdout; an error that was hidden in the buffer (full disk) is reported.
 * Call once at the end of a command. Returns 0 or -1 with *err. */
int mig_close_stdout(struct mig_error **err) MIG_MUST_CHECK;
