/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What changes left behind: journals that are unfinished or damaged, and the lock.
 */
#include <errno.h>
#include <limits.h>

#include "core/journal_read.h"
#include "core/lock.h"
#include "core/rollback.h"
#include "doctor/check.h"
#include "shared/text.h"

#define WHO_MAX 16384

/* That others than root cannot read it is no fault of the node. */
static void note_error(struct mig_doctor *doctor, const char *path, const struct mig_error *why)
{
	_cleanup_buf_ struct mig_buf quoted = MIG_BUF_INIT(2 * PATH_MAX);
	bool is_hidden = mig_error_code(why) == MIG_ERROR_NO_PERMISSION;
	bool is_damaged = mig_error_code(why) == MIG_ERROR_CORRUPT && path != NULL;
	size_t length;

	mig_doctor_find(doctor, is_hidden ? MIG_FINDING_SKIPPED : MIG_FINDING_PROBLEM, path, "%s%s",
			is_damaged ? "the journal of a change cannot be used: " : "",
			/* The context is the path, which stands in front. */
			is_damaged && mig_error_cause(why, 1, &length) != NULL
				? mig_error_cause(why, 1, &length)
				: mig_error_message(why));
	if (is_hidden)
		return;
	if (is_damaged) {
		mig_text_quote_shell(&quoted, path);
		mig_doctor_mend(doctor, "rm %s", mig_buf_text(&quoted));
		mig_doctor_remark(doctor, "compare 'migctl status' with what you want: that change "
					  "cannot be taken back");
	} else if (mig_error_hint_text(why) != NULL) {
		mig_doctor_mend(doctor, "%s", mig_error_hint_text(why));
	}
}

/* The newest one is what a change looks at first; of the others history and undo live. */
static void check_entry(struct mig_doctor *doctor, unsigned int number, bool is_newest)
{
	_cleanup_journal_entry_ struct mig_journal_entry *entry = NULL;
	_cleanup_buf_ struct mig_buf who = MIG_BUF_INIT(WHO_MAX);
	_cleanup_error_ struct mig_error *why = NULL;
	_cleanup_free_ char *path = mig_journal_path(doctor->ctx, number);

	if (mig_journal_read(doctor->ctx, number, &entry, &why) < 0) {
		/* It was pruned since the list was read. */
		if (mig_error_errno(why) == ENOENT)
			return;
		/* Who may not read one may not read the others: said once. */
		if (is_newest || mig_error_code(why) != MIG_ERROR_NO_PERMISSION)
			note_error(doctor, path, why);
		return;
	}
	if (is_newest && entry->end == MIG_JOURNAL_PARTIAL) {
		mig_doctor_find(doctor, MIG_FINDING_PROBLEM, path,
				"transaction %u (%s of %s) failed and could not be rolled back: %s",
				entry->number, entry->command, entry->user,
				entry->message != NULL ? entry->message : "it does not say why");
		mig_doctor_mend(doctor, "migctl boot");
		mig_doctor_remark(doctor, "brings back the last layout that was done");
		return;
	}
	if (!is_newest || entry->end != MIG_JOURNAL_UNFINISHED ||
	    mig_lock_is_held(doctor->ctx, &who))
		return;
	if (mig_recovery_is_needless(doctor->ctx, entry)) {
		mig_doctor_find(doctor, MIG_FINDING_NOTE, path,
				"transaction %u (%s of %s) was left unfinished, and a start of the "
				"machine has ended it",
				entry->number, entry->command, entry->user);
		mig_doctor_mend(doctor, "migctl boot");
		mig_doctor_remark(doctor, "brings back the last layout");
		return;
	}
	mig_doctor_find(doctor, MIG_FINDING_PROBLEM, path,
			"transaction %u (%s of %s) was left unfinished; the next changing command "
			"rolls it back first",
			entry->number, entry->command, entry->user);
	mig_doctor_mend(doctor, "migctl boot");
	mig_doctor_remark(doctor, "rolls back, then brings back the last layout");
}

void mig_check_journal(struct mig_doctor *doctor)
{
	_cleanup_error_ struct mig_error *why = NULL;
	_cleanup_free_ unsigned int *numbers = NULL;
	size_t count = 0;

	if (mig_journal_list(doctor->ctx, &numbers, &count, &why) < 0) {
		note_error(doctor, NULL, why);
		return;
	}
	for (size_t i = 0; i < count; i++)
		check_entry(doctor, numbers[i], i + 1 == count);
}

void mig_check_lock(struct mig_doctor *doctor)
{
	_cleanup_buf_ struct mig_buf who = MIG_BUF_INIT(WHO_MAX);

	switch (mig_lock_look(doctor->ctx, &who)) {
	case MIG_LOCK_FREE:
		return;
	case MIG_LOCK_HIDDEN:
		mig_doctor_find(doctor, MIG_FINDING_SKIPPED, NULL,
				"only who may change this node sees the lock");
		return;
	case MIG_LOCK_HELD:
		break;
	}
	mig_doctor_find(doctor, MIG_FINDING_NOTE, NULL,
			"%s is changing this node now: other changes are refused until it ends",
			mig_buf_text(&who));
}
