/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migctl boot: back to the last layout, after a start of the machine. GPUs that cannot get there are
 * named and left as they are.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cli/change.h"
#include "cli/commands.h"
#include "cli/note.h"
#include "cli/past.h"
#include "shared/text.h"

const struct mig_option mig_cmd_boot_options[] = {
	MIG_CHANGE_OPTIONS,
	{NULL, 0, NULL, NULL},
};

/* What a boot goes by. */
struct last_layout {
	struct mig_history *history;
	bool has_told;
};

static void say_what_is_left_out(const struct mig_saved_layout *layout,
				 const struct mig_snapshot *snapshot)
{
	_cleanup_free_ struct mig_gpu_target *target = malloc(sizeof(*target));

	for (unsigned int i = 0; target != NULL && i < layout->gpu_count; i++) {
		const struct mig_saved_gpu *saved = &layout->gpus[i];
		const struct mig_gpu *gpu = mig_snapshot_gpu(snapshot, saved->uuid);
		_cleanup_error_ struct mig_error *why = NULL;

		if (gpu == NULL && mig_snapshot_lost_gpu(snapshot, saved->index) != NULL)
			mig_note("GPU %u is lost (fallen off the bus) and is left out",
				 saved->index);
		else if (gpu == NULL)
			mig_note("GPU %u (%s) is not there any more and is left out", saved->index,
				 saved->uuid);
		else if (mig_saved_gpu_target(saved, gpu, target, &why) < 0)
			mig_note("GPU %u is left as it is: %s", gpu->index, mig_error_message(why));
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
	mig_note("transaction %u (%s) waited for a reset; its GPUs are left as they are: run it "
		 "again",
		 waiting->number, mig_buf_text(&command));
}

int mig_cmd_boot_run(const struct mig_invocation *inv, struct mig_error **err)
{
	struct mig_change change = {.inv = inv, .schema = "migctl.boot/1"};
	_cleanup_past_ struct mig_past past = {0};
	struct last_layout last = {.history = &past.history};

	if (mig_past_open(inv, &past, err) < 0)
		return -1;
	if (mig_history_newest_done(&past.history) == NULL) {
		if (mig_option_given(inv, "json"))
			return mig_change_print_nothing(&change, err);
		printf("Nothing was applied on this node yet, so there is nothing to bring "
		       "back.\n");
		return MIG_EXIT_OK;
	}
	say_what_waits(&past.history);
	change.request.kind = MIG_CHANGE_BOOT;
	change.request.command = past.command;
	change.request.want = want_last;
	change.request.cookie = &last;
	return mig_change_run(&change, &past.session, err);
}
