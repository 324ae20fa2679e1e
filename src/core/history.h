/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the journals say together: what was done, what can be taken back, what a boot brings back,
 * and how long operations take on this node. Reads only.
 */
#pragma once

#include "core/journal_read.h"
#include "core/target.h"

struct mig_history {
	unsigned int count;
	struct mig_journal_entry **entries; /* oldest first */
	unsigned int damaged_count;	    /* files that could not be read */
	char *damaged;			    /* the first one's error; NULL: none */
};

/*
 * Reads the newest `limit` journals (0: all). One that cannot be read is counted and passed over.
 * Returns 0, or -1 with *err.
 */
int mig_history_read(const struct mig_context *ctx, unsigned int limit, struct mig_history *out,
		     struct mig_error **err) MIG_MUST_CHECK;
void mig_history_clear(struct mig_history *history);

/*
 * What undo takes back: the newest apply, create, destroy or mode that was done, also one that waits for a reset, and was
 * not taken back itself. NULL if there is none. Owned by history.
 */
const struct mig_journal_entry *mig_history_undoable(const struct mig_history *history);

/* The newest transaction that was done: its `after` is what a boot brings back. NULL: none. */
const struct mig_journal_entry *mig_history_newest_done(const struct mig_history *history);

/*
 * A transaction that came after that one and waits for a reset or reboot: a boot leaves its GPUs (its
 * `before`) alone, so that the mode that has come into force by then stays. NULL: none.
 */
const struct mig_journal_entry *mig_history_waiting(const struct mig_history *history);

/* Fills in the expected UUID of compute instances that a plan creates, where it has none and history
 * knows what the same place of the same GPU had last. */
void mig_history_expect_uuids(const struct mig_history *history, struct mig_plan *plan);

/* How long a plan takes, from what was measured on this node. */
struct mig_estimate {
	bool is_known; /* every operation of it was measured before, on this kind of GPU */
	uint64_t ns;   /* of the GPU that takes longest */
};

void mig_history_estimate(const struct mig_history *history, const struct mig_snapshot *snapshot,
			  const struct mig_plan *plan, struct mig_estimate *out);

/*
 * The target that brings the GPUs of a saved layout (the cookie) back to it: `want` of a transaction.
 * REFUSED names a GPU that is not on this node.
 */
int mig_history_want(void *cookie, const struct mig_snapshot *snapshot, struct mig_target **target,
		     struct mig_error **err);

/*
 * What a boot brings back (the cookie is a struct mig_history): the layout after the newest
 * transaction that was done, as far as it can be. GPUs that are not there any more, are another model
 * or wait for a reset are left out.
 */
int mig_history_want_present(void *cookie, const struct mig_snapshot *snapshot,
			     struct mig_target **target, struct mig_error **err);
