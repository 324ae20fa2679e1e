/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading, durable writing, directories, standard output; the contract is in the header. Removing
 * trees is in file_remove.c.
 */
#include "shared/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_CHUNK_SIZE 16384
#define NAMES_MAX	100 /* temporary names that are tried */

/* Appends all that comes from fd. Returns 0 or -1 with errno; EFBIG: over the maximum of buf. */
static int read_all(int fd, struct mig_buf *buf)
{
	char chunk[READ_CHUNK_SIZE];

	for (;;) {
		ssize_t got = read(fd, chunk, sizeof(chunk));

		if (got == 0)
			return 0;
		if (got < 0 && errno != EINTR)
			return -1;
		if (got > 0 && mig_buf_add(buf, chunk, (size_t)got))
			return -1;
	}
}

/* `name` is shown as it is. */
static int read_named(int fd, const char *name, struct mig_buf *buf, struct mig_error **err)
{
	size_t len_before = buf->len;
	int errnum;

	if (mig_buf_failed(buf))
		return mig_error_set(err, MIG_ERROR_FAILED,
				     "cannot read %s: the buffer has failed before", name);
	if (read_all(fd, buf) == 0)
		return 0;

	errnum = errno;
	/* The caller's earlier content stays, and nothing of this file. */
	buf->len = len_before;
	if (buf->data)
		buf->data[len_before] = '\0';
	if (errnum == EFBIG)
		return mig_error_set(err, MIG_ERROR_IO,
				     "cannot read %s: larger than the limit of %zu bytes", name,
				     buf->max - len_before);
	return mig_error_set_errno(err, errnum, "cannot read %s", name);
}

int mig_file_read_fd(int fd, const char *path, struct mig_buf *buf, struct mig_error **err)
{
	_cleanup_free_ char *quoted = mig_asprintf("'%s'", path);

	if (!quoted)
		return mig_error_set_errno(err, ENOMEM, "cannot read '%s'", path);
	return read_named(fd, quoted, buf, err);
}

int mig_file_read(const char *path, struct mig_buf *buf, struct mig_error **err)
{
	_cleanup_close_ int fd = -1;

	if (strcmp(path, "-") == 0)
		return read_named(STDIN_FILENO, "standard input", buf, err);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return mig_error_set_errno(err, errno, "cannot open '%s'", path);
	return mig_file_read_fd(fd, path, buf, err);
}

int mig_write_all(int fd, const void *bytes, size_t len)
{
	const char *next = bytes;

	while (len > 0) {
		ssize_t written = write(fd, next, len);

		if (written < 0) {
			if (errno == EINTR)
				continue;
			return -1;
		}
		if (written == 0) {
			errno = EIO;
			return -1;
		}
		next += written;
		len -= (size_t)written;
	}
	return 0;
}

/* The directory part of a path, as something that can be opened; newly allocated. */
static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

/* ---- durable writing -------------------------------------------------------------------------- */

/* What is to become of which file. */
struct durable {
	const char *path;
	const char *directory; /* of it */
	bool is_new;	       /* there must be nothing at `path` */
	const void *bytes;
	size_t len;
	mode_t mode;
};

static int fill(int fd, const struct durable *file)
{
	if (mig_write_all(fd, file->bytes, file->len) || fchmod(fd, file->mode))
		return -1;
	return fsync(fd);
}

static int failed(const struct durable *file, int errnum, struct mig_error **err)
{
	return mig_error_set_errno(err, errnum, "cannot write '%s'", file->path);
}

/* Gives a file without a name one that is not taken. */
static int link_fd(int fd, const char *path)
{
	char by_proc[32];
	int errnum;

	/* The first takes a right or a newer kernel, the second a /proc. */
	if (linkat(fd, "", AT_FDCWD, path, AT_EMPTY_PATH) == 0)
		return 0;
	errnum = errno;
	if (errnum == EEXIST)
		return -1;
	snprintf(by_proc, sizeof(by_proc), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, by_proc, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

/* Takes the place of a file that is there, which goes only by a name beside it. */
static int replace_with_fd(int fd, const struct durable *file)
{
	int linked = -1;

	for (unsigned int i = 0; linked < 0 && i < NAMES_MAX; i++) {
		_cleanup_free_ char *name =
			mig_asprintf("%s/.migctl-%d-%u", file->directory, (int)getpid(), i);

		if (!name)
			return -1;
		linked = link_fd(fd, name);
		if (linked < 0 && errno != EEXIST)
			return -1;
		if (linked == 0 && rename(name, file->path)) {
			int errnum = errno;

			unlink(name);
			errno = errnum;
			return -1;
		}
	}
	return linked;
}

/*
 * By a file that has no name until it is whole: a process that is killed leaves nothing. Only if it
 * replaces one, and dies between two calls, is there a second name of the new one. Returns 0, -1
 * with *err, or 1: this file system has no such files, or they cannot be given a name here.
 */
static int write_unnamed(const struct durable *file, struct mig_error **err)
{
	_cleanup_close_ int fd = open(file->directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	int linked;

	if (fd < 0)
		return 1;
	if (fill(fd, file))
		return failed(file, errno, err);
	linked = link_fd(fd, file->path);
	if (linked < 0 && errno == EEXIST && file->is_new)
		return failed(file, EEXIST, err);
	if (linked < 0 && errno == EEXIST)
		linked = replace_with_fd(fd, file);
	return linked < 0 ? 1 : 0;
}

/* rename, or its like that fails with EEXIST when there is something at `path`. */
static int rename_to(const char *temporary, const char *path, bool is_new)
{
	if (!is_new)
		return rename(temporary, path);
	if (renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
		return 0;
	/* A file system that knows no such flag. */
	if (errno != EINVAL || link(temporary, path))
		return -1;
	unlink(temporary);
	return 0;
}

/* Consumes fd. Returns 0 or -1 with errno. */
static int fill_and_close(int fd, const struct durable *file)
{
	if (fill(fd, file)) {
		int errnum = errno;

		close(fd);
		errno = errnum;
		return -1;
	}
	return close(fd);
}

static int write_named(const struct durable *file, struct mig_error **err)
{
	/* Not made from the file's name, which may be as long as a name can be. */
	_cleanup_free_ char *temporary = mig_path_join(file->directory, ".migctl-XXXXXX");
	int errnum;
	int fd;

	if (!temporary)
		return failed(file, ENOMEM, err);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return mig_error_set_errno(err, errno,
					   "cannot write '%s': cannot make a file in '%s'",
					   file->path, file->directory);
	if (fill_and_close(fd, file) == 0 && rename_to(temporary, file->path, file->is_new) == 0)
		return 0;
	errnum = errno;
	unlink(temporary);
	return failed(file, errnum, err);
}

static int write_durable(struct durable *file, struct mig_error **err)
{
	_cleanup_free_ char *directory = directory_of(file->path);
	_cleanup_close_ int directory_fd = -1;
	int result;

	if (!directory)
		return failed(file, ENOMEM, err);
	file->directory = directory;
	/* Opened first: what can be refused is refused while the old file stands. */
	directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory_fd < 0)
		return mig_error_set_errno(err, errno,
					   "cannot write '%s': cannot open directory '%s'",
					   file->path, directory);
	result = write_unnamed(file, err);
	if (result > 0)
		result = write_named(file, err);
	if (result < 0)
		return -1;
	if (fsync(directory_fd))
		return mig_error_set_errno(
			err, errno, "'%s' is written, but cannot make it durable in directory '%s'",
			file->path, directory);
	return 0;
}

int mig_file_write_durable(const char *path, const void *bytes, size_t len, mode_t mode,
			   struct mig_error **err)
{
	struct durable file = {.path = path, .bytes = bytes, .len = len, .mode = mode};

	return write_durable(&file, err);
}

int mig_file_create_durable(const char *path, const void *bytes, size_t len, mode_t mode,
			    struct mig_error **err)
{
	struct durable file = {
		.path = path, .is_new = true, .bytes = bytes, .len = len, .mode = mode};

	return write_durable(&file, err);
}

/* ---- directories and paths -------------------------------------------------------------------- */

/* mkdir where an existing directory (or a link to one) is fine. Returns 0 or -1 with errno. */
static int make_directory(const char *path, mode_t mode)
{
	struct stat st;
	int errnum;

	if (mkdir(path, mode) == 0)
		return 0;
	errnum = errno;
	/* Not only EEXIST: a read-only or automounted directory may be there and say otherwise. */
	if (stat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return 0;
		errnum = ENOTDIR;
	}
	errno = errnum;
	return -1;
}

int mig_mkdir_parents(const char *path, mode_t mode, struct mig_error **err)
{
	_cleanup_free_ char *partial = strdup(path);
	size_t end = 0;

	if (!partial)
		return mig_error_set_errno(err, ENOMEM, "cannot make directory '%s'", path);
	if (path[0] == '\0')
		return mig_error_set_errno(err, ENOENT, "cannot make directory ''");
	while (path[end] != '\0') {
		int failed;

		end += strspn(path + end, "/");
		end += strcspn(path + end, "/");
		partial[end] = '\0';
		failed = make_directory(partial, mode);
		if (failed)
			return mig_error_set_errno(err, errno, "cannot make directory '%s'",
						   partial);
		partial[end] = path[end];
	}
	return 0;
}

char *mig_path_join(const char *a, const char *b)
{
	size_t a_len = strlen(a);

	while (a_len > 0 && a[a_len - 1] == '/')
		a_len--;
	b += strspn(b, "/");
	return mig_asprintf("%.*s/%s", (int)a_len, a, b);
}

char *mig_asprintf(const char *fmt, ...)
{
	_cleanup_buf_ struct mig_buf buf = MIG_BUF_INIT(SIZE_MAX - 1);
	va_list args;

	va_start(args, fmt);
	mig_buf_vprintf(&buf, fmt, args);
	va_end(args);
	return mig_buf_steal(&buf);
}

int mig_close_stdout(struct mig_error **err)
{
	bool had_pending = __fpending(stdout) != 0;
	bool had_error = ferror(stdout) != 0;
	bool close_failed;

	errno = 0;
	close_failed = fclose(stdout) != 0;
	/* A command that was started without stdout and printed nothing has not failed. */
	if (close_failed && (had_error || had_pending || errno != EBADF))
		return mig_error_set_errno(err, errno, "cannot write to standard output");
	if (had_error)
		/* An earlier write failed; its errno is gone. */
		return mig_error_set(err, MIG_ERROR_IO, "cannot write to standard output");
	return 0;
}
