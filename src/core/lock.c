/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lock of a node; see lock.h.
 *
 * An open-file-description lock (fcntl): it can be tested without being taken, so that a reader
 * who looks cannot make a writer fail. The owner writes itself into the file; what stands there
 * counts only while the lock is held.
 */
#include "core/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/saved_line.h"
#include "shared/file.h"
#include "shared/hostroot.h"
#include "shared/text.h"
#include "shared/trusted.h"

#define DIR_MODE    0755
#define FILE_MODE   0600
#define COMMAND_MAX 512
#define USER_MAX    64

struct mig_lock {
	int fd;
};

static int lock_call(int fd, int operation, struct flock *lock)
{
	int rc;

	*lock = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
	do
		rc = fcntl(fd, operation, lock);
	while (rc < 0 && errno == EINTR);
	return rc;
}

/* ---- the owner ---------------------------------------------------------------------------------- */

/* For people; a lock that cannot name its owner is a lock all the same. */
static void write_owner(const struct mig_context *ctx, int fd, const char *command)
{
	_cleanup_buf_ struct mig_buf line = MIG_BUF_INIT(MIG_LINE_MAX);
	char cut[COMMAND_MAX], user[USER_MAX] = "", text[1024];
	struct passwd entry, *found = NULL;
	struct mig_line_writer w;

	if (getpwuid_r(getuid(), &entry, text, sizeof(text), &found) == 0 && found != NULL)
		mig_text_copy(user, sizeof(user), found->pw_name);
	mig_text_copy(cut, sizeof(cut), command);
	mig_line_begin(&w, &line, "owner");
	mig_line_uint(&w, "pid", (uint64_t)getpid());
	mig_line_text(&w, "user", user);
	mig_line_uint(&w, "since", (uint64_t)MIG_MAX(mig_context_wall_s(ctx), 0));
	mig_line_text(&w, "command", cut);
	mig_line_end(&w);
	if (ftruncate(fd, 0) == 0 && pwrite(fd, mig_buf_text(&line), line.len, 0) < 0)
		mig_log(ctx->log, MIG_LOG_DEBUG, "the owner of the lock could not be written");
}

static void describe_owner(int fd, struct mig_buf *who)
{
	_cleanup_free_ struct mig_line *line = malloc(sizeof(*line));
	char bytes[MIG_LINE_MAX], when[32] = "";
	ssize_t n = pread(fd, bytes, sizeof(bytes), 0);
	const char *user, *command;
	uint64_t pid = 0, since = 0;
	size_t used;
	time_t moment;
	struct tm tm;

	if (line == NULL || n <= 0 ||
	    mig_line_read(bytes, (size_t)n, line, &used) != MIG_LINE_WHOLE ||
	    mig_line_number(line, "pid", INT_MAX, &pid) < 0 ||
	    mig_line_number(line, "since", INT64_MAX, &since) < 0) {
		mig_buf_puts(who, "another process");
		return;
	}
	user = mig_line_value(line, "user");
	command = mig_line_value(line, "command");
	moment = (time_t)since;
	if (localtime_r(&moment, &tm) != NULL)
		strftime(when, sizeof(when), "%H:%M:%S", &tm);
	mig_buf_puts(who, "'");
	mig_text_escape_terminal(who, command != NULL ? command : "migctl");
	mig_buf_printf(who, "' (process %u", (unsigned int)pid);
	if (user != NULL && user[0] != '\0') {
		mig_buf_puts(who, " of ");
		mig_text_escape_terminal(who, user);
	}
	mig_buf_printf(who, ", since %s)", when);
}

/* ---- taking and testing ------------------------------------------------------------------------- */

static char *lock_path(const struct mig_context *ctx)
{
	_cleanup_free_ char *dir = mig_host_path(ctx->host_root, MIG_HOST_RUN_DIR);

	return dir != NULL ? mig_path_join(dir, "lock") : NULL;
}

static int open_lock(const struct mig_context *ctx, struct mig_error **err)
{
	_cleanup_free_ char *dir = mig_host_path(ctx->host_root, MIG_HOST_RUN_DIR);
	_cleanup_free_ char *path = lock_path(ctx);

	if (dir == NULL || path == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	if (mig_mkdir_parents(dir, DIR_MODE, err) < 0)
		return -1;
	return mig_trusted_open(path, O_RDWR | O_CREAT, err);
}

static int refuse(int fd, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf who = MIG_BUF_INIT(2 * MIG_LINE_MAX);

	describe_owner(fd, &who);
	mig_error_set(err, MIG_ERROR_IN_USE, "%s is changing this node", mig_buf_text(&who));
	return mig_error_hint(err, "run the command again when it is done, or with --wait");
}

int mig_lock_take(const struct mig_context *ctx, const char *command, struct mig_lock **out,
		  struct mig_error **err)
{
	_cleanup_close_ int fd = open_lock(ctx, err);
	struct mig_lock *lock;
	struct flock how;

	if (fd < 0) {
		if (err != NULL && mig_error_code(*err) == MIG_ERROR_NO_PERMISSION &&
		    mig_error_hint_text(*err) == NULL)
			mig_error_hint(err, "run it as root");
		return mig_error_wrap(err, "cannot take the lock of this node");
	}
	if (lock_call(fd, F_OFD_SETLK, &how) < 0) {
		if (errno == EAGAIN || errno == EACCES)
			return refuse(fd, err);
		return mig_error_set_errno(err, errno, "cannot take the lock of this node");
	}
	lock = malloc(sizeof(*lock));
	if (lock == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	write_owner(ctx, fd, command);
	lock->fd = MIG_TAKE_FD(fd);
	*out = lock;
	return 0;
}

void mig_lock_release(struct mig_lock *lock)
{
	if (lock == NULL)
		return;
	if (ftruncate(lock->fd, 0) < 0) {
		/* What stands there counts only while the lock is held. */
	}
	close(lock->fd);
	free(lock);
}

enum mig_lock_state mig_lock_look(const struct mig_context *ctx, struct mig_buf *who)
{
	_cleanup_free_ char *path = lock_path(ctx);
	_cleanup_close_ int fd = -1;
	struct flock how;

	if (path == NULL)
		return MIG_LOCK_HIDDEN;
	fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? MIG_LOCK_FREE : MIG_LOCK_HIDDEN;
	if (lock_call(fd, F_OFD_GETLK, &how) < 0)
		return MIG_LOCK_HIDDEN;
	if (how.l_type == F_UNLCK)
		return MIG_LOCK_FREE;
	describe_owner(fd, who);
	return MIG_LOCK_HELD;
}

bool mig_lock_is_held(const struct mig_context *ctx, struct mig_buf *who)
{
	return mig_lock_look(ctx, who) == MIG_LOCK_HELD;
}
