/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands that only compare a wish with the node have in common: plan, assert, diff.
 */
#pragma once

#include "cli/session.h"
#include "cli/wish.h"
#include "core/plan.h"

struct mig_look {
	struct mig_wish wish;
	struct mig_session session;
	struct mig_snapshot *snapshot;
	struct mig_plan *plan;
};

/* Reads the wish, opens the driver, looks and plans; changes nothing. Returns 0, or -1 with *err. To
 * be cleared in either case. */
int mig_look_run(const struct mig_invocation *inv, struct mig_look *look,
		 struct mig_error **err) MIG_MUST_CHECK;
void mig_look_clear(struct mig_look *look);

/* Whether anything has to change, or would have to and is held back by what is in use. */
bool mig_look_differs(const struct mig_look *look);

/* Returns 0, or -1 with *err that names a GPU that is lost: of it nobody knows what has to change. */
int mig_look_check_lost(const struct mig_look *look, struct mig_error **err) MIG_MUST_CHECK;

/* Says on standard error that a change is under way or was left unfinished, if so. */
void mig_look_warn_unfinished(const struct mig_session *session);
