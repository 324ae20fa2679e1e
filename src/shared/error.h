/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The error object: what was attempted, on what, why, and the next step.
 *
 * An error is made once, where the fact is known, and gets context while it is handed up. From the
 * same object come the text on stderr, the JSON document and the exit status. Holds an NVML return
 * code as a plain number; must not know NVML's header nor any command.
 *
 * Conventions: a function that can fail takes `struct mig_error **err` as its last argument. On
 * success *err is untouched; on failure it is set exactly once. `err` itself may be NULL when the
 * caller wants only the result. Errors are owned by whoever received them (mig_error_free).
 * A NULL error reads as "failed": asking for its exit status gives 1, never 0. The static
 * out-of-memory error can't be changed: setters leave it as it is. All functions keep errno.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "shared/macros.h"

/* Stable codes; each has one exit status (mig_error_exit_status) and one JSON word. */
enum mig_error_code {
	MIG_ERROR_FAILED, /* attempted and failed; see `changed` */
	MIG_ERROR_NO_MEMORY,
	MIG_ERROR_IO,	     /* a file or directory: errno is set */
	MIG_ERROR_USAGE,     /* the command line */
	MIG_ERROR_CONFIG,    /* a configuration or description file does not say something valid */
	MIG_ERROR_DIFFERS,   /* plan, assert, diff: not as wanted */
	MIG_ERROR_REFUSED,   /* impossible, unknown, contradicting: refused before any change */
	MIG_ERROR_IN_USE,    /* somebody holds what would have to go */
	MIG_ERROR_NO_DRIVER, /* no driver, no GPU, or not the driver that was meant */
	MIG_ERROR_NO_PERMISSION,
	MIG_ERROR_DRIVER,      /* the driver answered an error: `nvml_code` is set */
	MIG_ERROR_INTERRUPTED, /* somebody wanted it to end: a signal */
	MIG_ERROR_CORRUPT,     /* stored state is damaged or of an unknown version */
	MIG_ERROR_CODE_COUNT,
};

/* What an operation that failed has left behind. */
enum mig_changed {
	MIG_CHANGED_NONE,
	MIG_CHANGED_ROLLED_BACK,
	MIG_CHANGED_PARTIAL,
	MIG_CHANGED_COUNT,
};

/* Exit statuses of our own commands (the compatible fronts keep their originals'). */
enum mig_exit {
	MIG_EXIT_OK = 0,
	MIG_EXIT_FAILED = 1,
	MIG_EXIT_USAGE = 2,
	MIG_EXIT_DIFFERS = 3,
	MIG_EXIT_REFUSED = 4,
	MIG_EXIT_IN_USE = 5,
	MIG_EXIT_NO_DRIVER = 6,
	MIG_EXIT_NO_PERMISSION = 7,
	MIG_EXIT_ROLLED_BACK = 8,
	MIG_EXIT_PARTIAL = 9,
};

#define MIG_NVML_CODE_NONE (-1)

struct mig_error; /* opaque: use the accessors */

/*
 * Sets *err to a new error. The message is lower case, without a trailing period, names the thing
 * in quotes. Always returns -1, so that `return mig_error_set(err, …);` is one line. If memory runs
 * out, *err becomes a static out-of-memory error (mig_error_free accepts it). err may be NULL.
 */
int mig_error_set(struct mig_error **err, enum mig_error_code code, const char *fmt, ...)
	MIG_PRINTF(3, 4);

/* As mig_error_set, with code IO (or NO_PERMISSION / NO_MEMORY, chosen by errnum) and errno; the
 * text of errno is appended after ": ". */
int mig_error_set_errno(struct mig_error **err, int errnum, const char *fmt, ...) MIG_PRINTF(3, 4);

/* Puts context in front: "CONTEXT: message"; the message becomes the cause of the context. Does
 * nothing if err or *err is NULL. Returns -1. */
int mig_error_wrap(struct mig_error **err, const char *fmt, ...) MIG_PRINTF(2, 3);

/* Puts text behind the message. Does nothing if err or *err is NULL. Returns -1. */
int mig_error_append(struct mig_error **err, const char *fmt, ...) MIG_PRINTF(2, 3);

/* Sets the next step, shown on a line of its own. The last call wins. Returns -1. */
int mig_error_hint(struct mig_error **err, const char *fmt, ...) MIG_PRINTF(2, 3);

/* Records the NVML return code the error came from, and what it was about ("GPU 0"). */
void mig_error_set_nvml(struct mig_error *err, int nvml_code);
void mig_error_set_subject(struct mig_error *err, const char *fmt, ...) MIG_PRINTF(2, 3);
void mig_error_set_changed(struct mig_error *err, enum mig_changed changed);

enum mig_error_code mig_error_code(const struct mig_error *err);
int mig_error_nvml(const struct mig_error *err);  /* MIG_NVML_CODE_NONE if there is none */
int mig_error_errno(const struct mig_error *err); /* 0 if there is none */
enum mig_changed mig_error_changed(const struct mig_error *err);
const char *mig_error_message(const struct mig_error *err); /* with all context; owned by err */
/*
 * The chain of causes that the message is made of: link 0 is the outermost context, each further one
 * is the cause of the one before; an errno's own text is a link, too. Returns where the link begins
 * in the message (owned by err, not ended by a zero byte) and sets *length; NULL past the last.
 */
const char *mig_error_cause(const struct mig_error *err, unsigned int number, size_t *length);
const char *mig_error_hint_text(const struct mig_error *err); /* NULL if there is none */
const char *mig_error_subject(const struct mig_error *err);   /* NULL if there is none */

/* Word of a code for JSON ("refused", "in-use", …) and of `changed` ("none", "rolled-back",
 * "partial"). Static strings. */
const char *mig_error_code_word(enum mig_error_code code);
const char *mig_changed_word(enum mig_changed changed);

/* The exit status: by `changed` first (rolled back 8, partial 9), else by the code. */
enum mig_exit mig_error_exit_status(const struct mig_error *err);

/* Moves *from into *to (frees what *to held) and leaves *from NULL. */
void mig_error_move(struct mig_error **to, struct mig_error **from);

void mig_error_free(struct mig_error *err); /* NULL is fine */

static inline void mig_cleanup_error(struct mig_error **err)
{
	mig_error_free(*err);
	*err = NULL;
}
#define _cleanup_error_ _cleanup_(mig_cleanup_error)
