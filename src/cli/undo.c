/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migctl undo: back to the layout before the last apply.
 */
#include <stdio.h>

#include "cli/change.h"
#include "cli/commands.h"
#include "cli/note.h"
#include "cli/past.h"
#include "shared/text.h"

const struct mig_option mig_cmd_undo_options[] = {
	MIG_CHANGE_OPTIONS,
	{NULL, 0, NULL, NULL},
};

static void say_what(const struct mig_journal_entry *entry)
{
	_cleanup_buf_ struct mig_buf command = MIG_BUF_INIT(16384);

	mig_text_escape_terminal(&command, entry->command);
	mig_note_person("taking back transaction %u: %s", entry->number, mig_buf_text(&command));
}

int mig_cmd_undo_run(const struct mig_invocation *inv, struct mig_error **err)
{
	struct mig_change change = {.inv = inv, .schema = "migctl.undo/1"};
	_cleanup_past_ struct mig_past past = {0};
	const struct mig_journal_entry *entry;

	if (mig_past_open(inv, &past, err) < 0)
		return -1;
	entry = mig_history_undoable(&past.history);
	if (entry == NULL) {
		mig_error_set(err, MIG_ERROR_REFUSED, "there is nothing to take back");
		return mig_error_hint(err, "migctl history shows what was done on this node");
	}
	say_what(entry);
	change.request.kind = MIG_CHANGE_UNDO;
	change.request.command = past.command;
	change.request.undoes = entry->number;
	change.request.want = mig_history_want;
	change.request.cookie = (void *)&entry->before;
	return mig_change_run(&change, &past.session, err);
}
