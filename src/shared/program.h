/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running a program to its end: arguments, environment and directory given whole, its output caught
 * up to a limit. No shell is involved. Must not know what the program is for.
 */
#pragma once

#include <stdbool.h>

#include "shared/buf.h"
#include "shared/error.h"

#define MIG_PROGRAM_GRACE_MS 5000

struct mig_program {
	const char *const *argv; /* ended by NULL; argv[0] is a path or a name looked up on PATH */
	const char *const *envp; /* ended by NULL; NULL: the environment of this process */
	const char *workdir;	 /* NULL: where this process is */
	struct mig_buf *output;	 /* stdout and stderr, up to its maximum; NULL: dropped */
	/* Whether it is to end before its time; NULL: never. It and its process group are asked by
	 * SIGTERM then, and forced by SIGKILL MIG_PROGRAM_GRACE_MS later. */
	bool (*is_interrupted)(void *cookie);
	void *cookie;
};

/*
 * Runs and waits for it. Standard input is empty; signals have their default effect in the program.
 * *status is what waitpid gives. A program that cannot be started is an error that names it (IO,
 * NO_PERMISSION). What is printed beyond the maximum of `output` is dropped. Descendants that keep
 * the output open are not waited for. Thread-safe. Returns 0, or -1 with *err.
 */
int mig_program_run(const struct mig_program *program, int *status,
		    struct mig_error **err) MIG_MUST_CHECK;

/* Appends "exit status 3" or "killed by signal 9". */
void mig_program_describe_status(int status, struct mig_buf *buf);
