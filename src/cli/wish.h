/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the person asks for: a label of a configuration file (-f, -c) or LAYOUTs on the command line,
 * the same for plan, apply, assert and diff.
 */
#pragma once

#include "cli/cmd.h"
#include "config/config.h"
#include "core/target.h"
#include "shared/buf.h"

/* The rows of the options, for each command's list. */
#define MIG_WISH_OPTIONS                                                                           \
	{"config-file", 'f', "FILE",                                                               \
	 "configuration file; - for standard input "                                               \
	 "(default: /etc/migctl/config.yaml)"},                                                    \
		{"selected-config", 'c', "LABEL",                                                  \
		 "the label that is meant (may be left out if there is one)"},                     \
	{                                                                                          \
		"keep-in-use", 0, NULL,                                                            \
			"what is in use stays and counts; a GPU that cannot get there so is left " \
			"alone"                                                                    \
	}

struct mig_wish {
	const struct mig_invocation *inv;
	struct mig_config *config; /* NULL: made from the GPUs when they are known */
	const struct mig_config_label *label;
	char *default_file; /* the file that was looked for and is not there */
	char *command;	    /* "apply -f x -c y": for history and the lock */
};

/* Reads it; needs no driver. Returns 0, or -1 with *err. */
int mig_wish_read(const struct mig_invocation *inv, struct mig_wish *wish,
		  struct mig_error **err) MIG_MUST_CHECK;
void mig_wish_clear(struct mig_wish *wish);

/* The target for a snapshot: `want` of a transaction, with a struct mig_wish as cookie. */
int mig_wish_want(void *cookie, const struct mig_snapshot *snapshot, struct mig_target **target,
		  struct mig_error **err);

/* Puts the label's place in front of an error about an impossible layout: `explain` of a transaction,
 * with the same cookie. */
void mig_wish_explain(void *cookie, struct mig_error **err);

/* Appends what names the wish, as it is typed behind another command: " -c all-balanced 0=7g.40gb". */
void mig_wish_words(const struct mig_invocation *inv, struct mig_buf *out);

/* The command line as text, newly allocated; NULL when out of memory. */
char *mig_wish_command_text(const struct mig_invocation *inv);
