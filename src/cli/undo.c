/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migctl undo: back to the layout before the last apply. migctl boot: back to the last layout, after
 * a start of the machine.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/change.h"
#include "cli/commands.h"
#include "cli/wish.h"
#include "core/history.h"
#include "shared/text.h"

const struct mig_option mig_cmd_undo_options[] = {
	MIG_CHANGE_OPTIONS,
	{NULL, 0, NULL, NULL},
};

const struct mig_option mig_cmd_boot_options[] = {
	MIG_CHANGE_OPTIONS,
	{NULL, 0, NULL, NULL},
};

static void say_what(const struct mig_invocation *inv, const struct mig_journal_entry *entry)
{
	_cleanup_buf_ struct mig_buf command = MIG_BUF_INIT(16384);

	if (mig_option_given(inv, "json"))
		return;
	mig_text_escape_terminal(&command, entry->command);
	fprintf(stderr, "migctl: taking back transaction %u: %s\n", entry->number,
		mig_buf_text(&command));
}

/* With --wait somebody who is changing the node is waited for later; what is unfinished may be that. */
static bool waits_for_lock(const struct mig_invocation *inv)
{
	return mig_option_given(inv, "wait");
}

static int undo(const struct mig_invocation *inv, struct mig_session *session,
		struct mig_history *history, struct mig_error **err)
{
	_cleanup_free_ char *command = mig_wish_command_text(inv);
	struct mig_change change = {.inv = inv, .schema = "migctl.undo/1"};
	const struct mig_journal_entry *entry;

	if (command == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	if (mig_session_open(session, err) < 0)
		return -1;
	if (!mig_option_given(inv, "dry-run") && !waits_for_lock(inv) &&
	    mig_change_recover(inv, session, command, err) < 0)
		return -1;
	if (mig_history_read(&session->ctx, 0, history, err) < 0)
		return -1;
	entry = mig_history_undoable(history);
	if (entry == NULL) {
		mig_error_set(err, MIG_ERROR_REFUSED, "there is nothing to take back");
		return mig_error_hint(err, "migctl history shows what was done on this node");
	}
	say_what(inv, entry);
	change.request.kind = MIG_CHANGE_UNDO;
	change.request.command = command;
	change.request.undoes = entry->number;
	change.request.want = mig_history_want;
	change.request.cookie = (void *)&entry->before;
	return mig_change_run(&change, session, err);
}

int mig_cmd_undo_run(const struct mig_invocation *inv, struct mig_error **err)
{
	_cleanup_session_ struct mig_session session = {0};
	struct mig_history history = {0};
	int rc = undo(inv, &session, &history, err);

	mig_history_clear(&history);
	return rc;
}

/* What a boot goes by. */
struct last_layout {
	struct mig_history *history;
	bool has_told;
};

static const struct mig_gpu *find_gpu(const struct mig_snapshot *snapshot, const char *uuid)
{
	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		if (strcmp(snapshot->gpus[i].uuid, uuid) == 0)
			return &snapshot->gpus[i];
	}
	return NULL;
}

static void say_what_is_left_out(const struct mig_saved_layout *layout,
				 const struct mig_snapshot *snapshot)
{
	_cleanup_free_ struct mig_gpu_target *target = malloc(sizeof(*target));

	for (unsigned int i = 0; target != NULL && i < layout->gpu_count; i++) {
		const struct mig_saved_gpu *saved = &layout->gpus[i];
		const struct mig_gpu *gpu = find_gpu(snapshot, saved->uuid);
		_cleanup_error_ struct mig_error *why = NULL;

		if (gpu == NULL)
			fprintf(stderr,
				"migctl: GPU %u (%s) is not there any more and is left out\n",
				saved->index, saved->uuid);
		else if (mig_saved_gpu_target(saved, gpu, target, &why) < 0)
			fprintf(stderr, "migctl: GPU %u is left as it is: %s\n", gpu->index,
				mig_error_message(why));
	}
}

static int want_last(void *cookie, const struct mig_snapshot *snapshot, struct mig_target **target,
		     struct mig_error **err)
{
	struct last_layout *last = cookie;

	if (!last->has_told)
		say_what_is_left_out(&mig_history_newest_done(last->history)->after, snapshot);
	last->has_told = true;
	return mig_history_want_present(last->history, snapshot, target, err);
}

static void say_what_waits(const struct mig_history *history)
{
	_cleanup_buf_ struct mig_buf command = MIG_BUF_INIT(16384);
	const struct mig_journal_entry *waiting = mig_history_waiting(history);

	if (waiting == NULL)
		return;
	mig_text_escape_terminal(&command, waiting->command);
	fprintf(stderr,
		"migctl: transaction %u (%s) waited for a reset; its GPUs are left as they are: "
		"run "
		"it again\n",
		waiting->number, mig_buf_text(&command));
}

static int boot(const struct mig_invocation *inv, struct mig_session *session,
		struct mig_history *history, struct mig_error **err)
{
	_cleanup_free_ char *command = mig_wish_command_text(inv);
	struct mig_change change = {.inv = inv, .schema = "migctl.boot/1"};
	struct last_layout last = {.history = history};

	if (command == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	if (mig_session_open(session, err) < 0)
		return -1;
	if (!mig_option_given(inv, "dry-run") && !waits_for_lock(inv) &&
	    mig_change_recover(inv, session, command, err) < 0)
		return -1;
	if (mig_history_read(&session->ctx, 0, history, err) < 0)
		return -1;
	if (mig_history_newest_done(history) == NULL) {
		if (mig_option_given(inv, "json"))
			return mig_change_print_nothing(&change, err);
		printf("Nothing was applied on this node yet, so there is nothing to bring "
		       "back.\n");
		return MIG_EXIT_OK;
	}
	say_what_waits(history);
	change.request.kind = MIG_CHANGE_BOOT;
	change.request.command = command;
	change.request.want = want_last;
	change.request.cookie = &last;
	return mig_change_run(&change, session, err);
}

int mig_cmd_boot_run(const struct mig_invocation *inv, struct mig_error **err)
{
	_cleanup_session_ struct mig_session session = {0};
	struct mig_history history = {0};
	int rc = boot(inv, &session, &history, err);

	mig_history_clear(&history);
	return rc;
}
