/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The error object; the contract is in the header.
 *
 * Messages are formatted before anything is replaced, so arguments may come from the error that is
 * being replaced or wrapped. The static out-of-memory error is constant and shared by all threads:
 * every function that changes an error leaves it alone, and all functions here keep errno.
 *
 * The chain of causes is the message itself, cut where context was put in front: only the lengths
 * are kept, so that the two cannot differ and a chain never needs memory of its own.
 */
#include "shared/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "shared/buf.h"

#define CAUSES_MAX 16 /* more context than this stays in one piece with what it was put before */

static const char between[] = ": ";

struct mig_error {
	enum mig_error_code code;
	enum mig_changed changed;
	int nvml_code;
	int errnum;
	char *message;
	/* Lengths of the ends of the message that context was put in front of; ascending. */
	size_t tails[CAUSES_MAX];
	unsigned int tail_count;
	char *hint;
	char *subject;
};

static const struct {
	const char *word;
	enum mig_exit exit_status;
} code_table[MIG_ERROR_CODE_COUNT] = {
	[MIG_ERROR_FAILED] = {"failed", MIG_EXIT_FAILED},
	[MIG_ERROR_NO_MEMORY] = {"no-memory", MIG_EXIT_FAILED},
	[MIG_ERROR_IO] = {"io", MIG_EXIT_FAILED},
	[MIG_ERROR_USAGE] = {"usage", MIG_EXIT_USAGE},
	[MIG_ERROR_CONFIG] = {"config", MIG_EXIT_REFUSED},
	[MIG_ERROR_DIFFERS] = {"differs", MIG_EXIT_DIFFERS},
	[MIG_ERROR_REFUSED] = {"refused", MIG_EXIT_REFUSED},
	[MIG_ERROR_IN_USE] = {"in-use", MIG_EXIT_IN_USE},
	[MIG_ERROR_NO_DRIVER] = {"no-driver", MIG_EXIT_NO_DRIVER},
	[MIG_ERROR_NO_PERMISSION] = {"no-permission", MIG_EXIT_NO_PERMISSION},
	[MIG_ERROR_DRIVER] = {"driver", MIG_EXIT_FAILED},
	[MIG_ERROR_INTERRUPTED] = {"interrupted", MIG_EXIT_FAILED},
	[MIG_ERROR_CORRUPT] = {"corrupt", MIG_EXIT_FAILED},
};

static const char *const changed_words[MIG_CHANGED_COUNT] = {
	[MIG_CHANGED_NONE] = "none",
	[MIG_CHANGED_ROLLED_BACK] = "rolled-back",
	[MIG_CHANGED_PARTIAL] = "partial",
};

static char out_of_memory_text[] = "out of memory";

static const struct mig_error out_of_memory = {
	.code = MIG_ERROR_NO_MEMORY,
	.nvml_code = MIG_NVML_CODE_NONE,
	.errnum = ENOMEM,
	.message = out_of_memory_text,
};

/* NULL and the static error can't be changed. */
static bool is_changeable(const struct mig_error *err)
{
	return err && err != &out_of_memory;
}

/* Formats into new memory, with ": TAIL" behind if tail is not NULL; NULL when out of memory. */
static char *MIG_PRINTF(2, 0) format_text(const char *tail, const char *fmt, va_list args)
{
	_cleanup_buf_ struct mig_buf buf = MIG_BUF_INIT(SIZE_MAX - 1);

	mig_buf_vprintf(&buf, fmt, args);
	if (tail) {
		mig_buf_puts(&buf, between);
		mig_buf_puts(&buf, tail);
	}
	return mig_buf_steal(&buf);
}

static void add_tail(struct mig_error *err, size_t length)
{
	if (err->tail_count < CAUSES_MAX)
		err->tails[err->tail_count++] = length;
}

/* Puts a new error with this message (owned from now on; NULL: out of memory) into *err. */
static void replace_error(struct mig_error **err, enum mig_error_code code, int errnum,
			  char *message)
{
	struct mig_error *made = NULL;

	if (message)
		made = calloc(1, sizeof(*made));
	if (made) {
		made->code = code;
		made->nvml_code = MIG_NVML_CODE_NONE;
		made->errnum = errnum;
		made->message = message;
	} else {
		free(message);
		/* Constant in truth; is_changeable() stands before every store. */
		made = (struct mig_error *)&out_of_memory;
	}
	mig_error_free(*err);
	*err = made;
}

int mig_error_set(struct mig_error **err, enum mig_error_code code, const char *fmt, ...)
{
	int saved_errno = errno;
	char *message;
	va_list args;

	if (!err)
		return -1;
	va_start(args, fmt);
	message = format_text(NULL, fmt, args);
	va_end(args);
	replace_error(err, code, 0, message);
	errno = saved_errno;
	return -1;
}

static enum mig_error_code code_of_errno(int errnum)
{
	switch (errnum) {
	case EACCES:
	case EPERM:
		return MIG_ERROR_NO_PERMISSION;
	case ENOMEM:
		return MIG_ERROR_NO_MEMORY;
	default:
		return MIG_ERROR_IO;
	}
}

int mig_error_set_errno(struct mig_error **err, int errnum, const char *fmt, ...)
{
	int saved_errno = errno;
	char scratch[128];
	const char *cause = strerror_r(errnum, scratch, sizeof(scratch));
	char *message;
	va_list args;

	if (!err)
		return -1;
	va_start(args, fmt);
	message = format_text(cause, fmt, args);
	va_end(args);
	replace_error(err, code_of_errno(errnum), errnum, message);
	if (is_changeable(*err))
		add_tail(*err, strlen(cause));
	errno = saved_errno;
	return -1;
}

/* Replaces *field unless memory is out; then the old text stays. */
static void replace_text(char **field, char *text)
{
	if (!text)
		return;
	free(*field);
	*field = text;
}

int mig_error_wrap(struct mig_error **err, const char *fmt, ...)
{
	int saved_errno = errno;
	char *message;
	va_list args;

	if (!err || !is_changeable(*err))
		return -1;
	va_start(args, fmt);
	message = format_text((*err)->message, fmt, args);
	va_end(args);
	if (message)
		add_tail(*err, strlen((*err)->message));
	replace_text(&(*err)->message, message);
	errno = saved_errno;
	return -1;
}

int mig_error_append(struct mig_error **err, const char *fmt, ...)
{
	_cleanup_buf_ struct mig_buf buf = MIG_BUF_INIT(SIZE_MAX - 1);
	int saved_errno = errno;
	size_t before;
	char *message;
	va_list args;

	if (!err || !is_changeable(*err))
		return -1;
	before = strlen((*err)->message);
	mig_buf_puts(&buf, (*err)->message);
	va_start(args, fmt);
	mig_buf_vprintf(&buf, fmt, args);
	va_end(args);
	message = mig_buf_steal(&buf);
	/* Tails are counted from the end of the message. */
	for (unsigned int i = 0; message && i < (*err)->tail_count; i++)
		(*err)->tails[i] += strlen(message) - before;
	replace_text(&(*err)->message, message);
	errno = saved_errno;
	return -1;
}

int mig_error_hint(struct mig_error **err, const char *fmt, ...)
{
	int saved_errno = errno;
	va_list args;

	if (!err || !is_changeable(*err))
		return -1;
	va_start(args, fmt);
	replace_text(&(*err)->hint, format_text(NULL, fmt, args));
	va_end(args);
	errno = saved_errno;
	return -1;
}

void mig_error_set_subject(struct mig_error *err, const char *fmt, ...)
{
	int saved_errno = errno;
	va_list args;

	if (!is_changeable(err))
		return;
	va_start(args, fmt);
	replace_text(&err->subject, format_text(NULL, fmt, args));
	va_end(args);
	errno = saved_errno;
}

void mig_error_set_nvml(struct mig_error *err, int nvml_code)
{
	if (is_changeable(err))
		err->nvml_code = nvml_code;
}

void mig_error_set_changed(struct mig_error *err, enum mig_changed changed)
{
	if (is_changeable(err))
		err->changed = changed;
}

enum mig_error_code mig_error_code(const struct mig_error *err)
{
	return err ? err->code : MIG_ERROR_FAILED;
}

int mig_error_nvml(const struct mig_error *err)
{
	return err ? err->nvml_code : MIG_NVML_CODE_NONE;
}

int mig_error_errno(const struct mig_error *err)
{
	return err ? err->errnum : 0;
}

enum mig_changed mig_error_changed(const struct mig_error *err)
{
	return err ? err->changed : MIG_CHANGED_NONE;
}

const char *mig_error_message(const struct mig_error *err)
{
	return err ? err->message : "unknown error";
}

const char *mig_error_cause(const struct mig_error *err, unsigned int number, size_t *length)
{
	const char *message = mig_error_message(err);
	unsigned int count = err ? err->tail_count : 0;
	size_t whole = strlen(message);
	size_t from, to;

	if (number > count)
		return NULL;
	from = number == 0 ? whole : err->tails[count - number];
	to = number == count ? 0 : err->tails[count - number - 1] + sizeof(between) - 1;
	*length = from - to;
	return message + whole - from;
}

const char *mig_error_hint_text(const struct mig_error *err)
{
	return err ? err->hint : NULL;
}

const char *mig_error_subject(const struct mig_error *err)
{
	return err ? err->subject : NULL;
}

const char *mig_error_code_word(enum mig_error_code code)
{
	if ((unsigned int)code >= MIG_ERROR_CODE_COUNT)
		code = MIG_ERROR_FAILED;
	return code_table[code].word;
}

const char *mig_changed_word(enum mig_changed changed)
{
	/* A value that does not exist must not be read as "nothing was changed". */
	if ((unsigned int)changed >= MIG_CHANGED_COUNT)
		changed = MIG_CHANGED_PARTIAL;
	return changed_words[changed];
}

enum mig_exit mig_error_exit_status(const struct mig_error *err)
{
	enum mig_error_code code = mig_error_code(err);

	switch (mig_error_changed(err)) {
	case MIG_CHANGED_NONE:
		break;
	case MIG_CHANGED_ROLLED_BACK:
		return MIG_EXIT_ROLLED_BACK;
	case MIG_CHANGED_PARTIAL:
	default:
		return MIG_EXIT_PARTIAL;
	}
	if ((unsigned int)code >= MIG_ERROR_CODE_COUNT)
		code = MIG_ERROR_FAILED;
	return code_table[code].exit_status;
}

void mig_error_move(struct mig_error **to, struct mig_error **from)
{
	struct mig_error *moved = *from;

	if (to == from)
		return;
	*from = NULL;
	if (!to) {
		mig_error_free(moved);
		return;
	}
	mig_error_free(*to);
	*to = moved;
}

void mig_error_free(struct mig_error *err)
{
	int saved_errno = errno;

	if (!is_changeable(err))
		return;
	free(err->message);
	free(err->hint);
	free(err->subject);
	free(err);
	errno = saved_errno;
}
