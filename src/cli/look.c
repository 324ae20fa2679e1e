/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparing a wish with the node; see look.h.
 */
#include "cli/look.h"

#include <unistd.h>

#include "cli/note.h"
#include "core/lock.h"
#include "core/rollback.h"
#include "core/transaction.h"
#include "shared/text.h"

int mig_look_run(const struct mig_invocation *inv, struct mig_look *look, struct mig_error **err)
{
	struct mig_transaction_request request = {
		.want = mig_wish_want, .explain = mig_wish_explain, .cookie = &look->wish};

	*look = (struct mig_look){0};
	if (mig_wish_read(inv, &look->wish, err) < 0 || mig_session_open(&look->session, err) < 0)
		return -1;
	if (mig_transaction_plan(&look->session.ctx, &request, &look->snapshot, &look->plan, err) <
	    0)
		return mig_session_explain(&look->session, err);
	mig_look_warn_unfinished(&look->session);
	return 0;
}

void mig_look_clear(struct mig_look *look)
{
	mig_plan_free(look->plan);
	mig_snapshot_free(look->snapshot);
	mig_session_close(&look->session);
	mig_wish_clear(&look->wish);
}

int mig_look_check_lost(const struct mig_look *look, struct mig_error **err)
{
	for (unsigned int i = 0; i < look->snapshot->gpu_count; i++) {
		if (!look->snapshot->gpus[i].is_lost)
			continue;
		mig_error_lost(&look->snapshot->gpus[i], err);
		return mig_session_explain(&look->session, err);
	}
	return 0;
}

bool mig_look_differs(const struct mig_look *look)
{
	for (unsigned int i = 0; i < look->plan->gpu_count; i++) {
		if (look->plan->gpus[i].op_count > 0 || look->plan->gpus[i].is_blocked)
			return true;
	}
	return false;
}

void mig_look_warn_unfinished(const struct mig_session *session)
{
	_cleanup_journal_entry_ struct mig_journal_entry *entry = NULL;
	_cleanup_buf_ struct mig_buf who = MIG_BUF_INIT(16384);
	_cleanup_error_ struct mig_error *why = NULL;

	if (mig_journal_unfinished(&session->ctx, &entry, &why) < 0) {
		mig_note("%s", mig_error_message(why));
		return;
	}
	if (entry == NULL)
		return;
	if (mig_lock_is_held(&session->ctx, &who))
		mig_note("%s is changing this node now", mig_buf_text(&who));
	else if (geteuid() != 0 && geteuid() != entry->uid)
		/* The lock is not for everybody to look at. */
		mig_note("transaction %u is not finished: it is running, or was left so",
			 entry->number);
	else if (mig_recovery_is_needless(&session->ctx, entry))
		mig_note("transaction %u was left unfinished, and a start of the machine has ended "
			 "it",
			 entry->number);
	else
		mig_note("transaction %u was left unfinished; the next changing command rolls it "
			 "back first",
			 entry->number);
}
