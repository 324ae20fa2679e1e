/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Going back: after a failure at once, after a crash by the next changing command. Both look at
 * what the GPUs show now, turn round what was begun, carry it out as far as it can be, and compare
 * the result with the layout before. What cannot be brought back is described exactly.
 */
#pragma once

#include "core/apply.h"
#include "core/journal_read.h"

/* What was done on the way back. */
struct mig_rollback {
	struct mig_plan *plan; /* NULL if it did not come that far */
	struct mig_op_result *results;
	struct mig_snapshot *after; /* NULL if it could not be read */
	/* All that there was to take back was, and each GPU could be looked at: what is not as before
	 * is the work of others. */
	bool is_gone_whole;
};

void mig_rollback_clear(struct mig_rollback *rollback);

/*
 * Takes back the begun operations of `plan`, and checks the GPUs of `before`. The journal is written
 * to as far as it can be and is not finished; signals do not stop it. Returns 0 when every GPU is as
 * before, with the same MIG UUIDs; else -1 with *err, whose message says what is where.
 */
int mig_rollback_run(const struct mig_context *ctx, struct mig_journal *journal,
		     const struct mig_plan *plan, const bool *is_begun,
		     const struct mig_saved_layout *before, struct mig_rollback *out,
		     struct mig_error **err) MIG_MUST_CHECK;

/* What a recovery found and did. */
struct mig_recovery {
	bool was_needed;
	unsigned int number;   /* of the transaction */
	bool was_rebooted;     /* the machine was started anew since: nothing to take back */
	unsigned int op_count; /* operations taken back */
	char *left; /* what others have made of the GPUs meanwhile; NULL: all is as before */
};

void mig_recovery_clear(struct mig_recovery *recovery);

/* Whether the machine was started anew since: instances do not outlive that, so there is nothing to
 * take back of an unfinished transaction. */
bool mig_recovery_is_needless(const struct mig_context *ctx, const struct mig_journal_entry *entry);

/*
 * Rolls back what a dead process left unfinished. The caller holds the lock of the node. What others
 * have made since is not touched: when nothing else is left, the transaction has ended, as partial.
 * Returns 0, or -1 with *err; PARTIAL when it could not be rolled back whole: the journal stays
 * unfinished then, and the next changing command tries again. The caller clears *recovery.
 */
int mig_recover(const struct mig_context *ctx, struct mig_recovery *recovery,
		struct mig_error **err) MIG_MUST_CHECK;
