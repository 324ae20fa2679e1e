/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session and its history; see past.h.
 */
#include "cli/past.h"

#include <stdlib.h>

#include "cli/change.h"
#include "cli/wish.h"

int mig_past_open(const struct mig_invocation *inv, struct mig_past *past, struct mig_error **err)
{
	past->command = mig_wish_command_text(inv);
	if (past->command == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	if (mig_session_open(&past->session, err) < 0)
		return -1;
	if (!mig_option_given(inv, "dry-run") && !mig_option_given(inv, "wait") &&
	    mig_change_recover(inv, &past->session, past->command, err) < 0)
		return -1;
	return mig_history_read(&past->session.ctx, 0, &past->history, err);
}

void mig_past_clear(struct mig_past *past)
{
	mig_history_clear(&past->history);
	mig_session_close(&past->session);
	free(past->command);
	past->command = NULL;
}
