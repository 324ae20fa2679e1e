/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Going back; see rollback.h.
 *
 * A journal that cannot be written is no reason to stop here: its intents of the way forward are
 * durable, and they are all that a later recovery needs.
 */
#include "core/rollback.h"

#include <stdlib.h>
#include <string.h>

#include "core/invert.h"

#define TEXT_MAX (64 * 1024)

void mig_rollback_clear(struct mig_rollback *rollback)
{
	mig_plan_free(rollback->plan);
	free(rollback->results);
	mig_snapshot_free(rollback->after);
	*rollback = (struct mig_rollback){0};
}

/* ---- what is where ------------------------------------------------------------------------------ */

static void describe_now(const struct mig_gpu *gpu, struct mig_buf *out)
{
	struct mig_saved_layout now = {0};

	if (mig_saved_layout_add(&now, gpu, NULL) == 0)
		mig_saved_gpu_describe(&now.gpus[0], out);
	if (gpu->mig_pending != gpu->mig_current)
		mig_buf_printf(out, " (MIG %s is pending)", gpu->mig_pending ? "on" : "off");
	mig_saved_layout_clear(&now);
}

/* MIG devices that have another UUID than before, though they lie in the same place. */
static void describe_uuids(const struct mig_saved_gpu *saved, const struct mig_gpu *gpu,
			   struct mig_buf *out)
{
	for (unsigned int i = 0; i < saved->gi_count; i++) {
		const struct mig_saved_gi *s = &saved->gi[i];

		for (unsigned int g = 0; g < gpu->gi_count; g++) {
			const struct mig_gpu_instance *gi = &gpu->gi[g];

			if (gi->start != s->start || gi->size != s->size)
				continue;
			for (unsigned int a = 0; a < s->ci_count; a++) {
				for (unsigned int b = 0; b < gi->ci_count; b++) {
					if (gi->ci[b].start != s->ci[a].start ||
					    s->ci[a].uuid[0] == '\0' || gi->ci[b].uuid[0] == '\0' ||
					    strcmp(gi->ci[b].uuid, s->ci[a].uuid) == 0)
						continue;
					mig_buf_printf(out,
						       "%sGPU %u: %s at %u:%u was '%s' and is "
						       "'%s' now",
						       out->len > 0 ? "; " : "", gpu->index,
						       s->profile_name, s->start, s->size,
						       s->ci[a].uuid, gi->ci[b].uuid);
				}
			}
		}
	}
}

/* Appends what of `before` is not as it was; nothing if all is. */
static void describe_differences(const struct mig_saved_layout *before,
				 const struct mig_snapshot *now, struct mig_buf *out)
{
	for (unsigned int i = 0; i < before->gpu_count; i++) {
		const struct mig_saved_gpu *saved = &before->gpus[i];
		const struct mig_gpu *gpu = mig_snapshot_gpu(now, saved->uuid);

		if (gpu == NULL) {
			mig_buf_printf(out, "%sGPU %u (%s) is lost or gone, it had: ",
				       out->len > 0 ? "; " : "", saved->index, saved->uuid);
			mig_saved_gpu_describe(saved, out);
			continue;
		}
		if (mig_saved_gpu_equals(saved, gpu)) {
			describe_uuids(saved, gpu, out);
			continue;
		}
		mig_buf_printf(out, "%sGPU %u has: ", out->len > 0 ? "; " : "", gpu->index);
		describe_now(gpu, out);
		mig_buf_puts(out, "; before it had: ");
		mig_saved_gpu_describe(saved, out);
	}
}

/* Nobody can say what is there; these GPUs are the ones to look at. */
static int cannot_see(const struct mig_saved_layout *before, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf had = MIG_BUF_INIT(TEXT_MAX);

	for (unsigned int i = 0; i < before->gpu_count; i++) {
		mig_buf_printf(&had,
			       "; GPU %u may not be as before, it had: ", before->gpus[i].index);
		mig_saved_gpu_describe(&before->gpus[i], &had);
	}
	mig_error_wrap(err, "cannot see what is there now");
	if (err != NULL)
		mig_error_append(err, "%s", mig_buf_text(&had));
	return -1;
}

/* ---- the way back ------------------------------------------------------------------------------- */

struct way_back {
	const struct mig_context *ctx;
	struct mig_journal *journal;
	bool has_warned;
	bool has_seen_all; /* what it planned from showed each GPU with all that is on it */
};

/* Whether each GPU of the layout can be looked at: of others nothing is planned. */
static bool sees_all(const struct mig_saved_layout *layout, const struct mig_snapshot *snapshot)
{
	for (unsigned int i = 0; i < layout->gpu_count; i++) {
		const struct mig_gpu *gpu = mig_snapshot_gpu(snapshot, layout->gpus[i].uuid);

		if (gpu == NULL || gpu->is_lost ||
		    (layout->gpus[i].mig_mode && (!gpu->is_mig_capable || gpu->facts == NULL)))
			return false;
	}
	return true;
}

static void warn(struct way_back *w, const struct mig_error *why)
{
	if (!w->has_warned)
		mig_log(w->ctx->log, MIG_LOG_WARNING, "going back without notes: %s",
			mig_error_message(why));
	w->has_warned = true;
}

static int before_op(void *cookie, MIG_UNUSED const struct mig_plan *plan, unsigned int op_number,
		     MIG_UNUSED struct mig_error **err)
{
	struct way_back *w = cookie;
	_cleanup_error_ struct mig_error *why = NULL;

	if (mig_journal_intent(w->journal, MIG_JOURNAL_ROLLBACK, op_number, &why) < 0)
		warn(w, why);
	return 0;
}

static void after_op(void *cookie, MIG_UNUSED const struct mig_plan *plan, unsigned int op_number,
		     const struct mig_op_result *result)
{
	struct way_back *w = cookie;

	mig_journal_outcome(w->journal, MIG_JOURNAL_ROLLBACK, op_number, result);
}

/* Plans the way back and goes it. -1 with *err: something of it could not be done. */
static int go_back(struct way_back *w, const struct mig_plan *plan, const bool *is_begun,
		   const struct mig_saved_layout *before, struct mig_rollback *out,
		   struct mig_error **err)
{
	const struct mig_apply_observer observer = {
		.cookie = w, .before = before_op, .after = after_op};
	_cleanup_snapshot_ struct mig_snapshot *now = NULL;
	_cleanup_error_ struct mig_error *why = NULL;

	if (mig_snapshot_read(w->ctx, MIG_SNAPSHOT_UUIDS | MIG_SNAPSHOT_LOST, &now, err) < 0 ||
	    mig_plan_invert(plan, is_begun, before, now, &out->plan, err) < 0)
		return -1;
	w->has_seen_all = sees_all(before, now);
	out->results = calloc((size_t)out->plan->op_count + 1, sizeof(*out->results));
	if (out->results == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	if (out->plan->op_count == 0)
		return 0;
	if (mig_journal_rollback(w->journal, out->plan, &why) < 0)
		warn(w, why);
	return mig_apply_execute(w->ctx, now, out->plan, MIG_APPLY_KEEP_GOING, &observer,
				 out->results, err);
}

int mig_rollback_run(const struct mig_context *ctx, struct mig_journal *journal,
		     const struct mig_plan *plan, const bool *is_begun,
		     const struct mig_saved_layout *before, struct mig_rollback *out,
		     struct mig_error **err)
{
	struct mig_context unstoppable = *ctx;
	struct way_back w = {.ctx = &unstoppable, .journal = journal};
	_cleanup_buf_ struct mig_buf where = MIG_BUF_INIT(TEXT_MAX);
	_cleanup_error_ struct mig_error *why = NULL;

	unstoppable.is_interrupted = NULL;
	*out = (struct mig_rollback){0};
	out->is_gone_whole = go_back(&w, plan, is_begun, before, out, &why) == 0 && w.has_seen_all;
	if (!out->is_gone_whole && out->plan == NULL) {
		mig_error_move(err, &why);
		return cannot_see(before, err);
	}
	if (mig_snapshot_read(&unstoppable, MIG_SNAPSHOT_UUIDS | MIG_SNAPSHOT_LOST, &out->after,
			      err) < 0)
		return cannot_see(before, err);
	describe_differences(before, out->after, &where);
	if (where.len == 0)
		return 0;
	out->is_gone_whole = out->is_gone_whole && sees_all(before, out->after);
	mig_error_set(err, MIG_ERROR_FAILED, "%s%s%s", why != NULL ? mig_error_message(why) : "",
		      why != NULL ? "; " : "", mig_buf_text(&where));
	if (err != NULL && why != NULL)
		mig_error_set_nvml(*err, mig_error_nvml(why));
	return -1;
}

/* ---- after a crash ------------------------------------------------------------------------------ */

bool mig_recovery_is_needless(const struct mig_context *ctx, const struct mig_journal_entry *entry)
{
	char boot_id[sizeof(entry->boot_id)];

	mig_journal_boot_id(ctx, boot_id, sizeof(boot_id));
	return boot_id[0] != '\0' && entry->boot_id[0] != '\0' &&
	       strcmp(boot_id, entry->boot_id) != 0;
}

static int cannot_recover(const struct mig_context *ctx, const struct mig_journal_entry *entry,
			  const struct mig_snapshot *now, struct mig_error **err)
{
	bool is_lost = false;

	for (unsigned int i = 0; now != NULL && i < now->gpu_count; i++)
		is_lost = is_lost || now->gpus[i].is_lost;
	mig_error_wrap(
		err, "transaction %u ('%s' of %s) was left unfinished and could not be rolled back",
		entry->number, entry->command, entry->user);
	if (err != NULL)
		mig_error_set_changed(*err, MIG_CHANGED_PARTIAL);
	if (is_lost)
		return mig_error_hint(err,
				      "a reboot brings the GPU back and ends the transaction%s%s",
				      ctx->reboot_command != NULL ? ": " : "",
				      ctx->reboot_command != NULL ? ctx->reboot_command : "");
	return mig_error_hint(err, "end what is in the way and run the command again: it goes on "
				   "going back; a reboot ends the transaction, too");
}

static int cannot_note(const struct mig_journal_entry *entry, const struct mig_recovery *recovery,
		       struct mig_error **err)
{
	mig_error_wrap(err,
		       "transaction %u was left unfinished and is rolled back, but that could not "
		       "be noted, so nothing else was done",
		       entry->number);
	if (err != NULL && recovery->op_count > 0)
		mig_error_set_changed(*err, MIG_CHANGED_ROLLED_BACK);
	return -1;
}

/* The transaction has done, and undone, all that it can: `why` says what others have made of it. */
static int end_with_what_is_left(struct mig_journal *journal, const struct mig_journal_entry *entry,
				 const struct mig_rollback *rollback, struct mig_error *why,
				 struct mig_recovery *recovery, struct mig_error **err)
{
	recovery->left = strdup(mig_error_message(why));
	if (recovery->left == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	mig_error_wrap(&why, "left unfinished, and taken back later; not as before");
	if (mig_journal_finish(journal, MIG_JOURNAL_PARTIAL, mig_error_message(why),
			       rollback->after, err) == 0)
		return 0;
	return cannot_note(entry, recovery, err);
}

static int end_as_before(struct mig_journal *journal, const struct mig_journal_entry *entry,
			 const struct mig_rollback *rollback, const struct mig_recovery *recovery,
			 struct mig_error **err)
{
	if (mig_journal_finish(journal, MIG_JOURNAL_ROLLED_BACK,
			       "left unfinished, and rolled back later", rollback->after, err) == 0)
		return 0;
	return cannot_note(entry, recovery, err);
}

static int roll_back_entry(const struct mig_context *ctx, struct mig_journal *journal,
			   const struct mig_journal_entry *entry, struct mig_recovery *recovery,
			   struct mig_error **err)
{
	_cleanup_error_ struct mig_error *why = NULL;
	struct mig_rollback rollback;
	int rc = mig_rollback_run(ctx, journal, &entry->phase[MIG_JOURNAL_FORWARD].plan,
				  entry->phase[MIG_JOURNAL_FORWARD].is_begun, &entry->before,
				  &rollback, &why);

	if (rollback.plan != NULL)
		recovery->op_count = rollback.plan->op_count;
	if (rc == 0) {
		rc = end_as_before(journal, entry, &rollback, recovery, err);
	} else if (rollback.is_gone_whole) {
		rc = end_with_what_is_left(journal, entry, &rollback, why, recovery, err);
	} else {
		mig_error_move(err, &why);
		cannot_recover(ctx, entry, rollback.after, err);
	}
	mig_rollback_clear(&rollback);
	return rc;
}

void mig_recovery_clear(struct mig_recovery *recovery)
{
	free(recovery->left);
	*recovery = (struct mig_recovery){0};
}

int mig_recover(const struct mig_context *ctx, struct mig_recovery *recovery,
		struct mig_error **err)
{
	_cleanup_journal_entry_ struct mig_journal_entry *entry = NULL;
	struct mig_journal *journal = NULL;
	int rc;

	*recovery = (struct mig_recovery){0};
	if (mig_journal_unfinished(ctx, &entry, err) < 0)
		return -1;
	if (entry == NULL)
		return 0;
	recovery->was_needed = true;
	recovery->number = entry->number;
	recovery->was_rebooted = mig_recovery_is_needless(ctx, entry);
	if (mig_journal_reopen(ctx, entry->number, &journal, err) < 0)
		return -1;
	if (recovery->was_rebooted)
		rc = mig_journal_finish(journal, MIG_JOURNAL_REBOOTED,
					"the machine was started anew in the middle of it", NULL,
					err);
	else
		rc = roll_back_entry(ctx, journal, entry, recovery, err);
	mig_journal_close(journal);
	return rc;
}
