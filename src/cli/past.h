/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command goes by that brings back an earlier layout: an open session, and history as it is
 * once nothing unfinished is left. Which layout is brought back is the command's matter.
 */
#pragma once

#include "cli/cmd.h"
#include "cli/session.h"
#include "core/history.h"

/* Its place must not change while it is open: the session's context points into it. */
struct mig_past {
	char *command; /* the command line as text: for history and the lock */
	struct mig_session session;
	struct mig_history history;
};

/*
 * Opens the session and reads all of history into a zeroed structure. What a dead process left
 * unfinished is rolled back first, except with --dry-run, and with --wait: somebody who is changing
 * the node is waited for later, and what is unfinished may be that. Returns 0, or -1 with *err; clear
 * it in either case.
 */
int mig_past_open(const struct mig_invocation *inv, struct mig_past *past,
		  struct mig_error **err) MIG_MUST_CHECK;

/* Frees what it holds and closes the session; a zeroed one is fine. */
void mig_past_clear(struct mig_past *past);

#define _cleanup_past_ _cleanup_(mig_past_clear)
