/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a journal; see journal.h.
 *
 * The file is made under another name with all the room it can need, filled up to the first
 * operation, synced and renamed, so that a file with a journal's name is always whole up to there.
 * Then lines are added inside of that room: no write can fail for want of space, and the tail of
 * zero bytes reads as the end. An intent is synced before it returns; an outcome rides with the next
 * step, for a reader who misses it looks at the GPU anyway.
 */
#include "core/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/journal_read.h"
#include "core/journal_words.h"
#include "shared/file.h"
#include "shared/hostroot.h"
#include "shared/text.h"
#include "shared/trusted.h"

#define DIR_MODE     0755 /* history is no secret */
#define FILE_MODE    0644
#define HISTORY_MAX  256		/* finished journals that are kept */
#define JOURNAL_MAX  ((size_t)64 << 20) /* bytes; 32 full GPUs need less than a tenth */
#define LINE_ROOM    448		/* an operation's line; UUIDs and names are short in it */
#define CARRIED_ROOM 32			/* lines of a GPU that is not there and is remembered */
#define STEP_ROOM    512		/* intent and outcome of one operation */
#define MESSAGE_ROOM (2 * MIG_LINE_MAX)
#define COMMAND_MAX  1024 /* of what is kept of a command line */
#define MESSAGE_MAX  1024
#define USER_MAX     64

struct mig_journal {
	const struct mig_context *ctx;
	unsigned int number;
	char *path;
	int fd;
	off_t at;	      /* the end of what counts */
	off_t tail;	      /* behind `at` up to here there may be something that does not */
	bool is_written;      /* all of `lines` is in the file, though not durable */
	struct mig_buf lines; /* not durable yet */
};

static int watch(const struct mig_context *ctx, const char *step, bool is_after)
{
	const struct mig_journal_watch *w = ctx->journal_watch;

	return w != NULL ? w->step(w->cookie, step, is_after) : 0;
}

/* ---- lines -------------------------------------------------------------------------------------- */

static void put_begin(const struct mig_context *ctx, unsigned int number, enum mig_change_kind kind,
		      unsigned int undoes, const char *command, struct mig_buf *out)
{
	char user[USER_MAX] = "", boot_id[64], text[1024], cut[COMMAND_MAX];
	struct passwd entry, *found = NULL;
	struct mig_line_writer w;

	if (getpwuid_r(getuid(), &entry, text, sizeof(text), &found) == 0 && found != NULL)
		mig_text_copy(user, sizeof(user), found->pw_name);
	mig_journal_boot_id(ctx, boot_id, sizeof(boot_id));
	mig_text_copy(cut, sizeof(cut), command);
	mig_line_begin(&w, out, MIG_WORD_BEGIN);
	mig_line_uint(&w, "format", MIG_JOURNAL_FORMAT);
	mig_line_uint(&w, "number", number);
	mig_line_text(&w, "kind", mig_change_kind_word(kind));
	mig_line_uint(&w, "undoes", undoes);
	mig_line_uint(&w, "time", (uint64_t)MIG_MAX(mig_context_wall_s(ctx), 0));
	mig_line_text(&w, "user", user);
	mig_line_uint(&w, "uid", getuid());
	mig_line_uint(&w, "pid", (uint64_t)getpid());
	mig_line_text(&w, "boot", boot_id);
	mig_line_text(&w, "command", cut);
	mig_line_end(&w);
}

static void put_op(const struct mig_op *op, enum mig_journal_phase phase, unsigned int number,
		   struct mig_buf *out)
{
	struct mig_line_writer w;

	mig_line_begin(&w, out, MIG_WORD_OP);
	mig_line_text(&w, "of", mig_journal_phase_words[phase]);
	mig_line_uint(&w, "n", number);
	mig_line_text(&w, "kind", mig_op_kind_words[op->kind]);
	mig_line_text(&w, "gpu", op->gpu_uuid);
	mig_line_uint(&w, "index", op->gpu_index);
	mig_line_uint(&w, "mode_before", op->mode_before);
	mig_line_uint(&w, "pending_before", op->mode_pending_before);
	mig_line_uint(&w, "mode_after", op->mode_after);
	mig_line_uint(&w, "stays_pending", op->stays_pending);
	if (op->kind != MIG_OP_MODE_SET) {
		mig_line_uint(&w, "gi_index", op->gi_profile_index);
		mig_line_uint(&w, "gi_id", op->gi_profile_id);
		mig_line_text(&w, "gi_name", op->gi_profile_name);
		mig_line_uint(&w, "gi_start", op->gi_start);
		mig_line_uint(&w, "gi_size", op->gi_size);
	}
	if (op->kind == MIG_OP_CI_CREATE || op->kind == MIG_OP_CI_DESTROY) {
		mig_line_uint(&w, "ci_index", op->ci_profile_index);
		mig_line_uint(&w, "ci_id", op->ci_profile_id);
		mig_line_text(&w, "ci_name", op->ci_profile_name);
		mig_line_uint(&w, "ci_start", op->ci_start);
		mig_line_uint(&w, "ci_size", op->ci_size);
		mig_line_uint(&w, "verified", op->ci_is_verified);
		mig_line_text(&w, "uuid", op->expected_uuid);
	}
	mig_line_end(&w);
}

/* ---- bytes to the disk -------------------------------------------------------------------------- */

/* Writes bytes, or zeros for NULL. */
static int write_at(const struct mig_journal *journal, off_t at, const char *bytes, size_t len)
{
	static const char zeros[MIG_LINE_MAX];

	while (len > 0) {
		ssize_t n = pwrite(journal->fd, bytes != NULL ? bytes : zeros,
				   bytes != NULL ? len : MIG_MIN(len, sizeof(zeros)), at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		bytes = bytes != NULL ? bytes + n : NULL;
		len -= (size_t)n;
		at += n;
	}
	return 0;
}

/* Zeros behind what counts, so that nothing of a torn or withdrawn line stays behind the next one.
 * The room itself is kept. */
static int wipe_tail(struct mig_journal *journal)
{
	if (journal->tail > journal->at &&
	    write_at(journal, journal->at, NULL, (size_t)(journal->tail - journal->at)) < 0)
		return -1;
	journal->tail = journal->at;
	return 0;
}

/* Puts the lines that wait into the file, behind what counts. They go on waiting: they count when
 * they are synced, and until then the next try writes over them. */
static int write_lines(struct mig_journal *journal)
{
	journal->is_written = false;
	if (mig_buf_failed(&journal->lines)) {
		errno = ENOMEM;
		return -1;
	}
	if (wipe_tail(journal) < 0)
		return -1;
	journal->tail = journal->at + (off_t)journal->lines.len;
	if (write_at(journal, journal->at, mig_buf_text(&journal->lines), journal->lines.len) < 0)
		return -1;
	journal->is_written = true;
	return 0;
}

/* What was written counts. */
static void take_lines(struct mig_journal *journal)
{
	journal->at += (off_t)journal->lines.len;
	mig_buf_reset(&journal->lines);
}

/* Writes what is there and syncs it, as step `step`. */
static int make_durable(struct mig_journal *journal, const char *step, struct mig_error **err)
{
	int errnum = watch(journal->ctx, step, false);

	journal->is_written = false;
	if (errnum == 0 && (write_lines(journal) < 0 || fdatasync(journal->fd) < 0))
		errnum = errno;
	if (errnum == 0)
		errnum = watch(journal->ctx, step, true);
	if (errnum != 0)
		return mig_error_set_errno(err, errnum, "cannot write the journal '%s'",
					   journal->path);
	take_lines(journal);
	return 0;
}

/* ---- the directory ------------------------------------------------------------------------------ */

static int open_dir(const struct mig_context *ctx, int *fd, struct mig_error **err)
{
	_cleanup_free_ char *path = mig_host_path(ctx->host_root, MIG_HOST_JOURNAL_DIR);
	struct stat st;

	if (path == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	if (mig_mkdir_parents(path, DIR_MODE, err) < 0)
		return -1;
	*fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0 || fstat(*fd, &st) < 0)
		return mig_error_set_errno(err, errno, "cannot open '%s'", path);
	return mig_trusted_check(path, &st, err);
}

static void file_name(unsigned int number, const char *suffix, char *name, size_t size)
{
	mig_text_format(name, size, "%0*u%s", MIG_JOURNAL_DIGITS, number, suffix);
}

/* What a killed process left of a file that was never begun. */
static void remove_unborn(int dir)
{
	int copy = fcntl(dir, F_DUPFD_CLOEXEC, 0);
	const struct dirent *entry;
	DIR *stream;

	stream = copy >= 0 ? fdopendir(copy) : NULL;
	if (stream == NULL) {
		if (copy >= 0)
			close(copy);
		return;
	}
	rewinddir(stream);
	while ((entry = readdir(stream)) != NULL) {
		size_t len = strlen(entry->d_name);

		if (len > strlen(MIG_JOURNAL_UNBORN) &&
		    strcmp(entry->d_name + len - strlen(MIG_JOURNAL_UNBORN), MIG_JOURNAL_UNBORN) ==
			    0)
			unlinkat(dir, entry->d_name, 0);
	}
	closedir(stream);
}

static int next_number(const struct mig_context *ctx, unsigned int *number, struct mig_error **err)
{
	_cleanup_free_ unsigned int *numbers = NULL;
	size_t count = 0;

	if (mig_journal_list(ctx, &numbers, &count, err) < 0)
		return -1;
	*number = count > 0 ? numbers[count - 1] + 1 : 1;
	return 0;
}

/* ---- a new one ---------------------------------------------------------------------------------- */

static int put_preamble(const struct mig_snapshot *before, const struct mig_plan *plan,
			struct mig_buf *out, struct mig_error **err)
{
	struct mig_saved_layout layout = {0};
	struct mig_line_writer w;
	int rc = 0;

	for (unsigned int i = 0; rc == 0 && i < plan->gpu_count; i++) {
		if (plan->gpus[i].op_count > 0)
			rc = mig_saved_layout_add(&layout, &before->gpus[plan->gpus[i].gpu_index],
						  err);
	}
	if (rc == 0)
		mig_saved_layout_write(&layout, MIG_WORD_BEFORE, out);
	mig_saved_layout_clear(&layout);
	for (unsigned int i = 0; i < plan->op_count; i++)
		put_op(&plan->ops[i], MIG_JOURNAL_FORWARD, i, out);
	mig_line_begin(&w, out, MIG_WORD_READY);
	mig_line_end(&w);
	return rc;
}

/* Room for all that can follow the preamble: steps there and back, the way back, two layouts. */
static size_t room_for(const struct mig_snapshot *before, const struct mig_plan *plan)
{
	size_t instances = 2 * (size_t)plan->op_count + before->gpu_count + CARRIED_ROOM;

	for (unsigned int i = 0; i < before->gpu_count; i++) {
		if (before->gpus[i].is_lost)
			instances += CARRIED_ROOM;
		instances += before->gpus[i].gi_count;
		for (unsigned int g = 0; g < before->gpus[i].gi_count; g++)
			instances += before->gpus[i].gi[g].ci_count;
	}
	return (size_t)plan->op_count * (2 * STEP_ROOM + 2 * LINE_ROOM) + instances * LINE_ROOM +
	       MESSAGE_ROOM;
}

/* Fills the file under its first name. Returns an errno, 0 if all is well. */
static int fill(struct mig_journal *journal, int dir, const char *unborn, const char *name,
		size_t room)
{
	int errnum = watch(journal->ctx, "create", false);

	if (errnum != 0)
		return errnum;
	journal->fd =
		openat(dir, unborn, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
	if (journal->fd < 0 || fchmod(journal->fd, FILE_MODE) < 0)
		return errno;
	errnum = posix_fallocate(journal->fd, 0, (off_t)(journal->lines.len + room));
	if (errnum != 0)
		return errnum;
	if (write_lines(journal) < 0 || fsync(journal->fd) < 0 ||
	    renameat(dir, unborn, dir, name) < 0 || fsync(dir) < 0)
		return errno;
	take_lines(journal);
	return watch(journal->ctx, "create", true);
}

static struct mig_journal *new_journal(const struct mig_context *ctx, unsigned int number,
				       struct mig_error **err)
{
	struct mig_journal *journal = calloc(1, sizeof(*journal));

	if (journal != NULL) {
		journal->ctx = ctx;
		journal->number = number;
		journal->fd = -1;
		journal->path = mig_journal_path(ctx, number);
		mig_buf_init(&journal->lines, JOURNAL_MAX);
	}
	if (journal == NULL || journal->path == NULL) {
		mig_journal_close(journal);
		mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
		return NULL;
	}
	return journal;
}

static int create(struct mig_journal *journal, int dir, size_t room, struct mig_error **err)
{
	char unborn[32], name[32];
	int errnum;

	if (mig_buf_failed(&journal->lines))
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	file_name(journal->number, MIG_JOURNAL_UNBORN, unborn, sizeof(unborn));
	file_name(journal->number, MIG_JOURNAL_SUFFIX, name, sizeof(name));
	errnum = fill(journal, dir, unborn, name, room);
	if (errnum == 0)
		return 0;
	unlinkat(dir, unborn, 0);
	unlinkat(dir, name, 0);
	fsync(dir);
	return mig_error_set_errno(err, errnum, "cannot write the journal '%s'", journal->path);
}

int mig_journal_create(const struct mig_context *ctx, enum mig_change_kind kind,
		       unsigned int undoes, const char *command, const struct mig_snapshot *before,
		       const struct mig_plan *plan, struct mig_journal **out,
		       struct mig_error **err)
{
	struct mig_journal *journal;
	_cleanup_close_ int dir = -1;
	unsigned int number = 0;

	if (open_dir(ctx, &dir, err) < 0 || next_number(ctx, &number, err) < 0)
		return -1;
	remove_unborn(dir);
	journal = new_journal(ctx, number, err);
	if (journal == NULL)
		return -1;
	put_begin(ctx, number, kind, undoes, command, &journal->lines);
	if (put_preamble(before, plan, &journal->lines, err) < 0 ||
	    create(journal, dir, room_for(before, plan), err) < 0) {
		mig_journal_close(journal);
		return -1;
	}
	*out = journal;
	return 0;
}

/* ---- going on with one -------------------------------------------------------------------------- */

/* The end of the last whole line. */
static int find_end(struct mig_journal *journal, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf bytes = MIG_BUF_INIT(JOURNAL_MAX);
	_cleanup_free_ struct mig_line *line = malloc(sizeof(*line));
	size_t at = 0, used = 0;

	if (line == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	if (mig_trusted_read(journal->path, &bytes, err) < 0)
		return -1;
	while (mig_line_read(mig_buf_text(&bytes) + at, bytes.len - at, line, &used) ==
	       MIG_LINE_WHOLE)
		at += used;
	journal->at = (off_t)at;
	journal->tail = journal->at + (off_t)MIG_MIN(bytes.len - at, (size_t)MIG_LINE_MAX);
	if (wipe_tail(journal) < 0)
		return mig_error_set_errno(err, errno, "cannot write the journal '%s'",
					   journal->path);
	return 0;
}

int mig_journal_reopen(const struct mig_context *ctx, unsigned int number, struct mig_journal **out,
		       struct mig_error **err)
{
	struct mig_journal *journal = new_journal(ctx, number, err);

	if (journal == NULL)
		return -1;
	journal->fd = mig_trusted_open(journal->path, O_RDWR, err);
	if (journal->fd < 0 || find_end(journal, err) < 0) {
		mig_journal_close(journal);
		return -1;
	}
	*out = journal;
	return 0;
}

/* ---- steps -------------------------------------------------------------------------------------- */

int mig_journal_intent(struct mig_journal *journal, enum mig_journal_phase phase,
		       unsigned int op_number, struct mig_error **err)
{
	struct mig_line_writer w;

	mig_line_begin(&w, &journal->lines, MIG_WORD_INTENT);
	mig_line_text(&w, "of", mig_journal_phase_words[phase]);
	mig_line_uint(&w, "n", op_number);
	mig_line_end(&w);
	return make_durable(journal, "intent", err);
}

void mig_journal_outcome(struct mig_journal *journal, enum mig_journal_phase phase,
			 unsigned int op_number, const struct mig_op_result *result)
{
	struct mig_line_writer w;

	mig_line_begin(&w, &journal->lines, MIG_WORD_OUTCOME);
	mig_line_text(&w, "of", mig_journal_phase_words[phase]);
	mig_line_uint(&w, "n", op_number);
	mig_line_text(&w, "outcome", mig_op_outcome_words[result->outcome]);
	mig_line_uint(&w, "ns", result->duration_ns);
	if (result->nvml_code >= 0)
		mig_line_uint(&w, "code", (uint64_t)result->nvml_code);
	mig_line_text(&w, "uuid", result->uuid);
	mig_line_end(&w);
}

int mig_journal_rollback(struct mig_journal *journal, const struct mig_plan *plan,
			 struct mig_error **err)
{
	for (unsigned int i = 0; i < plan->op_count; i++)
		put_op(&plan->ops[i], MIG_JOURNAL_ROLLBACK, i, &journal->lines);
	return make_durable(journal, "rollback", err);
}

static void put_end(struct mig_journal *journal, enum mig_journal_end end, const char *message)
{
	struct mig_line_writer w;
	char cut[MESSAGE_MAX];

	mig_line_begin(&w, &journal->lines, MIG_WORD_END);
	mig_line_text(&w, "result", mig_journal_end_word(end));
	mig_line_uint(&w, "time", (uint64_t)MIG_MAX(mig_context_wall_s(journal->ctx), 0));
	if (message != NULL) {
		mig_text_copy(cut, sizeof(cut), message);
		mig_line_text(&w, "message", cut);
	}
	mig_line_end(&w);
}

/* Gives back the room that was not needed, and the oldest journals beyond what is kept. Neither is
 * worth a word when it fails: the next transaction tries again. */
static void tidy(struct mig_journal *journal, bool is_done)
{
	_cleanup_free_ unsigned int *numbers = NULL;
	size_t count = 0;

	if (watch(journal->ctx, "tidy", false) != 0)
		return;
	if (ftruncate(journal->fd, journal->at) == 0)
		fsync(journal->fd);
	/* The newest one that is done stays: it says what boot brings back. */
	if (!is_done || mig_journal_list(journal->ctx, &numbers, &count, NULL) < 0)
		return;
	for (size_t i = 0; i + HISTORY_MAX < count; i++) {
		_cleanup_free_ char *path = mig_journal_path(journal->ctx, numbers[i]);

		if (path != NULL)
			unlink(path);
	}
	watch(journal->ctx, "tidy", true);
}

/*
 * An end that could not be made durable must not be read as one later: the caller does something
 * else now. Takes it back, and lets it stand where even that cannot be done. Returns 0 when it
 * stands.
 */
static int withdraw(struct mig_journal *journal, size_t waiting, struct mig_error **why,
		    struct mig_error **err)
{
	bool was_written = journal->is_written;

	journal->lines.len = waiting;
	if (journal->lines.data != NULL)
		journal->lines.data[waiting] = '\0';
	if (wipe_tail(journal) == 0 || !was_written) {
		fdatasync(journal->fd);
		mig_error_move(err, why);
		return -1;
	}
	mig_log(journal->ctx->log, MIG_LOG_WARNING, "a power loss may undo this: %s",
		mig_error_message(*why));
	return 0;
}

/*
 * GPUs that are lost or gone keep what the newest transaction that was done says of them: a boot
 * brings it back when they are there again. Damaged journals are passed over.
 */
static int carry_over(const struct mig_journal *journal, struct mig_saved_layout *layout,
		      struct mig_error **err)
{
	_cleanup_free_ unsigned int *numbers = NULL;
	size_t count = 0;

	if (mig_journal_list(journal->ctx, &numbers, &count, err) < 0)
		return -1;
	while (count-- > 0) {
		_cleanup_journal_entry_ struct mig_journal_entry *entry = NULL;

		if (numbers[count] >= journal->number ||
		    mig_journal_read(journal->ctx, numbers[count], &entry, NULL) < 0 ||
		    entry->end != MIG_JOURNAL_DONE)
			continue;
		for (unsigned int i = 0; i < entry->after.gpu_count; i++) {
			const struct mig_saved_gpu *gpu = &entry->after.gpus[i];

			if (mig_saved_layout_gpu(layout, gpu->uuid) == NULL &&
			    mig_saved_layout_add_saved(layout, gpu, err) < 0)
				return -1;
		}
		return 0;
	}
	return 0;
}

int mig_journal_finish(struct mig_journal *journal, enum mig_journal_end end, const char *message,
		       const struct mig_snapshot *after, struct mig_error **err)
{
	struct mig_saved_layout layout = {0};
	_cleanup_error_ struct mig_error *why = NULL;
	size_t waiting = journal->lines.len;
	int rc = 0;

	for (unsigned int i = 0; after != NULL && rc == 0 && i < after->gpu_count; i++) {
		if (!after->gpus[i].is_lost)
			rc = mig_saved_layout_add(&layout, &after->gpus[i], err);
	}
	if (rc == 0 && after != NULL && end == MIG_JOURNAL_DONE)
		rc = carry_over(journal, &layout, err);
	if (rc == 0)
		mig_saved_layout_write(&layout, MIG_WORD_AFTER, &journal->lines);
	mig_saved_layout_clear(&layout);
	if (rc < 0)
		return -1;
	put_end(journal, end, message);
	if (make_durable(journal, "end", &why) < 0)
		return withdraw(journal, waiting, &why, err);
	tidy(journal, end == MIG_JOURNAL_DONE);
	return 0;
}

unsigned int mig_journal_number(const struct mig_journal *journal)
{
	return journal->number;
}

void mig_journal_close(struct mig_journal *journal)
{
	if (journal == NULL)
		return;
	/* Outcomes that waited for the next step. */
	if (journal->fd >= 0 && journal->lines.len > 0 && write_lines(journal) == 0)
		fdatasync(journal->fd);
	if (journal->fd >= 0)
		close(journal->fd);
	mig_buf_clear(&journal->lines);
	free(journal->path);
	free(journal);
}
