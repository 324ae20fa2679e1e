/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading journals; see journal_read.h.
 *
 * A line that is torn at the end of the file was never durable, so nothing was done on its account
 * and it reads as not there. A wrong line in the middle is damage, and a reader who guessed might
 * destroy somebody's instances: that is an error which names the file.
 */
#include "core/journal_read.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "core/journal_words.h"
#include "shared/file.h"
#include "shared/hostroot.h"
#include "shared/number.h"
#include "shared/text.h"
#include "shared/trusted.h"

#define JOURNAL_MAX ((size_t)64 << 20)
#define OPS_MAX	    65536

const char *const mig_journal_phase_words[MIG_JOURNAL_PHASE_COUNT] = {
	[MIG_JOURNAL_FORWARD] = "forward",
	[MIG_JOURNAL_ROLLBACK] = "rollback",
};

const char *const mig_op_kind_words[MIG_OP_KIND_COUNT] = {
	[MIG_OP_CI_DESTROY] = "destroy-compute-instance",
	[MIG_OP_GI_DESTROY] = "destroy-gpu-instance",
	[MIG_OP_MODE_SET] = "set-mig-mode",
	[MIG_OP_GI_CREATE] = "create-gpu-instance",
	[MIG_OP_CI_CREATE] = "create-compute-instance",
};

const char *const mig_op_outcome_words[MIG_OP_OUTCOME_COUNT] = {
	[MIG_OP_NOT_STARTED] = "not-started",
	[MIG_OP_DONE] = "done",
	[MIG_OP_PENDING] = "pending",
	[MIG_OP_FAILED] = "failed",
};

static const char *const kind_words[MIG_CHANGE_KIND_COUNT] = {
	[MIG_CHANGE_APPLY] = "apply",	  [MIG_CHANGE_UNDO] = "undo",
	[MIG_CHANGE_BOOT] = "boot",	  [MIG_CHANGE_CREATE] = "create",
	[MIG_CHANGE_DESTROY] = "destroy", [MIG_CHANGE_MODE] = "mode",
};

static const char *const end_words[MIG_JOURNAL_END_COUNT] = {
	[MIG_JOURNAL_UNFINISHED] = "unfinished",   [MIG_JOURNAL_DONE] = "done",
	[MIG_JOURNAL_ROLLED_BACK] = "rolled-back", [MIG_JOURNAL_PARTIAL] = "partial",
	[MIG_JOURNAL_PENDING] = "pending",	   [MIG_JOURNAL_REBOOTED] = "rebooted",
};

const char *mig_change_kind_word(enum mig_change_kind kind)
{
	return kind_words[kind];
}

const char *mig_journal_end_word(enum mig_journal_end end)
{
	return end_words[end];
}

/* Position of a word in a table; -1 if it is not there. */
static int find_word(const char *const *words, int count, const char *word)
{
	for (int i = 0; word != NULL && i < count; i++) {
		if (strcmp(words[i], word) == 0)
			return i;
	}
	return -1;
}

/* ---- the directory ------------------------------------------------------------------------------ */

char *mig_journal_path(const struct mig_context *ctx, unsigned int number)
{
	_cleanup_free_ char *dir = mig_host_path(ctx->host_root, MIG_HOST_JOURNAL_DIR);

	if (dir == NULL)
		return NULL;
	return mig_asprintf("%s/%0*u" MIG_JOURNAL_SUFFIX, dir, MIG_JOURNAL_DIGITS, number);
}

void mig_journal_boot_id(const struct mig_context *ctx, char *text, size_t size)
{
	_cleanup_free_ char *path = mig_host_path(ctx->host_root, MIG_HOST_BOOT_ID);
	_cleanup_buf_ struct mig_buf bytes = MIG_BUF_INIT(256);

	text[0] = '\0';
	if (path == NULL || mig_file_read(path, &bytes, NULL) < 0)
		return;
	mig_text_copy(text, size, mig_buf_text(&bytes));
	text[strcspn(text, "\n")] = '\0';
}

/* "00000012.journal" */
static bool number_of(const char *name, unsigned int *number)
{
	size_t len = strlen(name);
	const size_t suffix = strlen(MIG_JOURNAL_SUFFIX);
	uint64_t value;

	if (len <= suffix || strcmp(name + len - suffix, MIG_JOURNAL_SUFFIX) != 0 ||
	    mig_parse_u64_n(name, len - suffix, 1, UINT_MAX - 1, &value) < 0)
		return false;
	*number = (unsigned int)value;
	return true;
}

static int compare_numbers(const void *a, const void *b)
{
	unsigned int x = *(const unsigned int *)a, y = *(const unsigned int *)b;

	return x < y ? -1 : x > y;
}

static int read_names(DIR *dir, unsigned int **numbers, size_t *count)
{
	size_t allocated = 0;
	const struct dirent *entry;

	errno = 0;
	while ((entry = readdir(dir)) != NULL) {
		unsigned int number;

		if (!number_of(entry->d_name, &number))
			continue;
		if (mig_array_reserve(numbers, &allocated, *count + 1, sizeof(**numbers)) < 0)
			return -1;
		(*numbers)[(*count)++] = number;
	}
	return errno == 0 ? 0 : -1;
}

int mig_journal_list(const struct mig_context *ctx, unsigned int **numbers, size_t *count,
		     struct mig_error **err)
{
	_cleanup_free_ char *path = mig_host_path(ctx->host_root, MIG_HOST_JOURNAL_DIR);
	_cleanup_free_ unsigned int *found = NULL;
	int rc, errnum;
	DIR *dir;

	*numbers = NULL;
	*count = 0;
	if (path == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	dir = opendir(path);
	if (dir == NULL && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (dir == NULL)
		return mig_error_set_errno(err, errno, "cannot open '%s'", path);
	rc = read_names(dir, &found, count);
	errnum = errno;
	closedir(dir);
	if (rc < 0) {
		*count = 0;
		return mig_error_set_errno(err, errnum, "cannot read '%s'", path);
	}
	if (*count > 0)
		qsort(found, *count, sizeof(*found), compare_numbers);
	*numbers = MIG_TAKE_PTR(found);
	return 0;
}

/* ---- lines -------------------------------------------------------------------------------------- */

/* Copies a text field; -1 if it is missing or too long. */
static int take_text(const struct mig_line *line, const char *key, char *to, size_t size)
{
	const char *value = mig_line_value(line, key);

	return value != NULL && mig_text_copy(to, size, value) ? 0 : -1;
}

static int take_begin(struct mig_journal_entry *entry, const struct mig_line *line)
{
	const char *user = mig_line_value(line, "user");
	const char *command = mig_line_value(line, "command");
	int kind = find_word(kind_words, MIG_CHANGE_KIND_COUNT, mig_line_value(line, "kind"));
	uint64_t time;

	if (kind < 0 || user == NULL || command == NULL || entry->command != NULL ||
	    mig_line_u32(line, "undoes", &entry->undoes) < 0 ||
	    mig_line_number(line, "time", INT64_MAX, &time) < 0 ||
	    mig_line_u32(line, "uid", &entry->uid) < 0 ||
	    mig_line_u32(line, "pid", &entry->pid) < 0 ||
	    take_text(line, "boot", entry->boot_id, sizeof(entry->boot_id)) < 0)
		return -1;
	entry->kind = (enum mig_change_kind)kind;
	entry->begin_s = (int64_t)time;
	entry->user = strdup(user);
	entry->command = strdup(command);
	return entry->user != NULL && entry->command != NULL ? 0 : -1;
}

static int take_op_gi(struct mig_op *op, const struct mig_line *line)
{
	return mig_line_u32(line, "gi_index", &op->gi_profile_index) < 0 ||
			       mig_line_u32(line, "gi_id", &op->gi_profile_id) < 0 ||
			       take_text(line, "gi_name", op->gi_profile_name,
					 sizeof(op->gi_profile_name)) < 0 ||
			       mig_line_u32(line, "gi_start", &op->gi_start) < 0 ||
			       mig_line_u32(line, "gi_size", &op->gi_size) < 0
		       ? -1
		       : 0;
}

static int take_op_ci(struct mig_op *op, const struct mig_line *line)
{
	return mig_line_u32(line, "ci_index", &op->ci_profile_index) < 0 ||
			       mig_line_u32(line, "ci_id", &op->ci_profile_id) < 0 ||
			       take_text(line, "ci_name", op->ci_profile_name,
					 sizeof(op->ci_profile_name)) < 0 ||
			       mig_line_u32(line, "ci_start", &op->ci_start) < 0 ||
			       mig_line_u32(line, "ci_size", &op->ci_size) < 0 ||
			       mig_line_bool(line, "verified", &op->ci_is_verified) < 0 ||
			       take_text(line, "uuid", op->expected_uuid,
					 sizeof(op->expected_uuid)) < 0
		       ? -1
		       : 0;
}

static int take_op_fields(struct mig_op *op, const struct mig_line *line)
{
	int kind = find_word(mig_op_kind_words, MIG_OP_KIND_COUNT, mig_line_value(line, "kind"));

	if (kind < 0 || take_text(line, "gpu", op->gpu_uuid, sizeof(op->gpu_uuid)) < 0 ||
	    mig_line_u32(line, "index", &op->gpu_index) < 0 ||
	    mig_line_bool(line, "mode_before", &op->mode_before) < 0 ||
	    mig_line_bool(line, "pending_before", &op->mode_pending_before) < 0 ||
	    mig_line_bool(line, "mode_after", &op->mode_after) < 0 ||
	    mig_line_bool(line, "stays_pending", &op->stays_pending) < 0)
		return -1;
	op->kind = (enum mig_op_kind)kind;
	if (op->kind != MIG_OP_MODE_SET && take_op_gi(op, line) < 0)
		return -1;
	return (op->kind == MIG_OP_CI_CREATE || op->kind == MIG_OP_CI_DESTROY) &&
			       take_op_ci(op, line) < 0
		       ? -1
		       : 0;
}

static int take_op(struct mig_journal_entry *entry, int phase, const struct mig_line *line)
{
	struct mig_plan *plan = &entry->phase[phase].plan;
	unsigned int number = 0;
	struct mig_op *op;

	if (mig_line_u32(line, "n", &number) < 0)
		return -1;
	/* A recovery begins the way back anew. */
	if (phase == MIG_JOURNAL_ROLLBACK && number == 0)
		plan->op_count = 0;
	if (number != plan->op_count || plan->op_count == OPS_MAX ||
	    mig_array_reserve(&plan->ops, &plan->ops_allocated, (size_t)plan->op_count + 1,
			      sizeof(*plan->ops)) < 0)
		return -1;
	op = &plan->ops[plan->op_count];
	memset(op, 0, sizeof(*op));
	if (take_op_fields(op, line) < 0)
		return -1;
	plan->op_count++;
	return 0;
}

/* Results are made when the first line needs them: all operations are known then. */
static int take_step(struct mig_journal_entry *entry, int phase, const struct mig_line *line,
		     unsigned int *number)
{
	unsigned int op_count = entry->phase[phase].plan.op_count;

	if (mig_line_u32(line, "n", number) < 0 || *number >= op_count)
		return -1;
	return 0;
}

static int take_outcome(struct mig_journal_entry *entry, int phase, const struct mig_line *line)
{
	unsigned int number;
	struct mig_op_result *result;
	int outcome = find_word(mig_op_outcome_words, MIG_OP_OUTCOME_COUNT,
				mig_line_value(line, "outcome"));

	if (outcome < 0 || take_step(entry, phase, line, &number) < 0)
		return -1;
	result = &entry->phase[phase].results[number];
	result->outcome = (enum mig_op_outcome)outcome;
	if (mig_line_number(line, "ns", UINT64_MAX, &result->duration_ns) < 0)
		return -1;
	return take_text(line, "uuid", result->uuid, sizeof(result->uuid));
}

/* Room for what became of each operation of both plans. */
static int make_results(struct mig_journal_entry *entry, int phase)
{
	size_t count = (size_t)entry->phase[phase].plan.op_count + 1;

	free(entry->phase[phase].is_begun);
	free(entry->phase[phase].results);
	entry->phase[phase].is_begun = calloc(count, sizeof(bool));
	entry->phase[phase].results = calloc(count, sizeof(struct mig_op_result));
	if (entry->phase[phase].is_begun == NULL || entry->phase[phase].results == NULL)
		return -1;
	for (size_t i = 0; i < count; i++)
		entry->phase[phase].results[i].nvml_code = MIG_NVML_CODE_NONE;
	return 0;
}

static int take_end(struct mig_journal_entry *entry, const struct mig_line *line)
{
	int end = find_word(end_words, MIG_JOURNAL_END_COUNT, mig_line_value(line, "result"));
	const char *message = mig_line_value(line, "message");
	uint64_t time;

	if (end < 0 || entry->end != MIG_JOURNAL_UNFINISHED ||
	    mig_line_number(line, "time", INT64_MAX, &time) < 0)
		return -1;
	entry->end = (enum mig_journal_end)end;
	entry->end_s = (int64_t)time;
	if (message == NULL)
		return 0;
	entry->message = strdup(message);
	return entry->message != NULL ? 0 : -1;
}

/* Takes a line that belongs to one of the two plans. `made` says whose results there are. */
static int take_phase_line(struct mig_journal_entry *entry, const struct mig_line *line, bool *made)
{
	int phase = find_word(mig_journal_phase_words, MIG_JOURNAL_PHASE_COUNT,
			      mig_line_value(line, "of"));
	unsigned int number;

	if (phase < 0)
		return -1;
	if (strcmp(line->word, MIG_WORD_OP) == 0) {
		made[phase] = false;
		return take_op(entry, phase, line);
	}
	if (!made[phase] && make_results(entry, phase) < 0)
		return -1;
	made[phase] = true;
	if (strcmp(line->word, MIG_WORD_OUTCOME) == 0)
		return take_outcome(entry, phase, line);
	if (take_step(entry, phase, line, &number) < 0)
		return -1;
	entry->phase[phase].is_begun[number] = true;
	return 0;
}

static int take_layout(struct mig_journal_entry *entry, const struct mig_line *line,
		       struct mig_error **err)
{
	const char *of = mig_line_value(line, "of");
	bool is_after = of != NULL && strcmp(of, MIG_WORD_AFTER) == 0;

	return mig_saved_layout_take(is_after ? &entry->after : &entry->before, line, err);
}

static int take_line(struct mig_journal_entry *entry, const struct mig_line *line, bool *made,
		     struct mig_error **err)
{
	int rc = 0;

	if (strcmp(line->word, MIG_WORD_BEGIN) == 0)
		rc = take_begin(entry, line);
	else if (strcmp(line->word, MIG_WORD_OP) == 0 || strcmp(line->word, MIG_WORD_INTENT) == 0 ||
		 strcmp(line->word, MIG_WORD_OUTCOME) == 0)
		rc = take_phase_line(entry, line, made);
	else if (strcmp(line->word, MIG_WORD_END) == 0)
		rc = take_end(entry, line);
	else if (strcmp(line->word, MIG_WORD_READY) != 0) {
		/* A word of a later version that adds facts is passed over. */
		return take_layout(entry, line, err) < 0 ? -1 : 0;
	}
	if (rc < 0)
		return mig_error_set(err, MIG_ERROR_CORRUPT,
				     "a line '%s' does not say what it should", line->word);
	return 0;
}

static int check_format(const struct mig_line *line, struct mig_error **err)
{
	unsigned int format = 0;

	if (strcmp(line->word, MIG_WORD_BEGIN) != 0 || mig_line_u32(line, "format", &format) < 0)
		return mig_error_set(err, MIG_ERROR_CORRUPT, "it does not begin as a journal does");
	if (format != MIG_JOURNAL_FORMAT)
		return mig_error_set(err, MIG_ERROR_CORRUPT,
				     "it has format %u, and this migctl knows format %d", format,
				     MIG_JOURNAL_FORMAT);
	return 0;
}

static int parse(struct mig_journal_entry *entry, const struct mig_buf *bytes,
		 struct mig_line *line, struct mig_error **err)
{
	bool made[MIG_JOURNAL_PHASE_COUNT] = {false};
	const char *text = mig_buf_text(bytes);
	size_t at = 0, used = 0;
	unsigned int line_number = 0;

	for (;;) {
		enum mig_line_found found = mig_line_read(text + at, bytes->len - at, line, &used);

		line_number++;
		if (found == MIG_LINE_END || found == MIG_LINE_TORN)
			break;
		if (found == MIG_LINE_DAMAGED)
			return mig_error_set(err, MIG_ERROR_CORRUPT, "line %u is damaged",
					     line_number);
		if (line_number == 1 && check_format(line, err) < 0)
			return -1;
		if (take_line(entry, line, made, err) < 0)
			return mig_error_wrap(err, "line %u", line_number);
		at += used;
	}
	if (line_number == 1)
		return mig_error_set(err, MIG_ERROR_CORRUPT, "it is empty");
	for (int phase = 0; phase < MIG_JOURNAL_PHASE_COUNT; phase++) {
		if (!made[phase] && make_results(entry, phase) < 0)
			return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	}
	return 0;
}

int mig_journal_read(const struct mig_context *ctx, unsigned int number,
		     struct mig_journal_entry **out, struct mig_error **err)
{
	_cleanup_journal_entry_ struct mig_journal_entry *entry = calloc(1, sizeof(*entry));
	_cleanup_free_ struct mig_line *line = malloc(sizeof(*line));
	_cleanup_free_ char *path = mig_journal_path(ctx, number);
	_cleanup_buf_ struct mig_buf bytes = MIG_BUF_INIT(JOURNAL_MAX);
	_cleanup_buf_ struct mig_buf quoted = MIG_BUF_INIT(2 * PATH_MAX);

	if (entry == NULL || line == NULL || path == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	entry->number = number;
	if (mig_trusted_read(path, &bytes, err) < 0)
		return -1;
	if (parse(entry, &bytes, line, err) < 0) {
		mig_error_wrap(err, "the journal '%s' cannot be used", path);
		mig_text_quote_shell(&quoted, path);
		return mig_error_hint(err,
				      "compare 'migctl status' with what you want, then: rm %s",
				      mig_buf_text(&quoted));
	}
	*out = MIG_TAKE_PTR(entry);
	return 0;
}

void mig_journal_entry_free(struct mig_journal_entry *entry)
{
	if (entry == NULL)
		return;
	for (int phase = 0; phase < MIG_JOURNAL_PHASE_COUNT; phase++) {
		free(entry->phase[phase].plan.ops);
		free(entry->phase[phase].is_begun);
		free(entry->phase[phase].results);
	}
	mig_saved_layout_clear(&entry->before);
	mig_saved_layout_clear(&entry->after);
	free(entry->command);
	free(entry->user);
	free(entry->message);
	free(entry);
}

int mig_journal_unfinished(const struct mig_context *ctx, struct mig_journal_entry **out,
			   struct mig_error **err)
{
	_cleanup_free_ unsigned int *numbers = NULL;
	_cleanup_journal_entry_ struct mig_journal_entry *entry = NULL;
	size_t count = 0;

	*out = NULL;
	if (mig_journal_list(ctx, &numbers, &count, err) < 0)
		return -1;
	if (count == 0)
		return 0;
	if (mig_journal_read(ctx, numbers[count - 1], &entry, err) < 0)
		return -1;
	if (entry->end == MIG_JOURNAL_UNFINISHED)
		*out = MIG_TAKE_PTR(entry);
	return 0;
}
