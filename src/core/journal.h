/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal: one append-only file per transaction, from which a later process knows what was
 * begun, what became of it, and how to get back.
 *
 * It says who changes what, the layout before, every operation, and then, operation by operation,
 * the intent (durable before the first driver call of it) and the outcome. A file without an end is
 * a transaction that nobody finished. Finished files are the history; the layout after the last one
 * that succeeded is what `boot` brings back. All of the file's room is taken when it is made, so
 * that a disk that fills up later cannot stop a transaction half way.
 *
 * Files lie in /var/lib/migctl/journal under the host root, NUMBER.journal, numbers rising. Must not
 * know how a layout is changed.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "core/context.h"
#include "core/operation.h"
#include "core/plan.h"
#include "core/saved_layout.h"

/* What kind of change it is. */
enum mig_change_kind {
	MIG_CHANGE_APPLY,
	MIG_CHANGE_UNDO,
	MIG_CHANGE_BOOT,
	MIG_CHANGE_CREATE,
	MIG_CHANGE_DESTROY,
	MIG_CHANGE_MODE,
	MIG_CHANGE_KIND_COUNT,
};

enum mig_journal_end {
	MIG_JOURNAL_UNFINISHED, /* no end is written */
	MIG_JOURNAL_DONE,
	MIG_JOURNAL_ROLLED_BACK,
	MIG_JOURNAL_PARTIAL,  /* failed and not rolled back: what is where is in the message */
	MIG_JOURNAL_PENDING,  /* done as far as it can be without a reset */
	MIG_JOURNAL_REBOOTED, /* the machine was rebooted in the middle of it */
	MIG_JOURNAL_END_COUNT,
};

/* Which of the two plans of a transaction. */
enum mig_journal_phase {
	MIG_JOURNAL_FORWARD,
	MIG_JOURNAL_ROLLBACK,
	MIG_JOURNAL_PHASE_COUNT,
};

/* "apply", "done"; static. */
const char *mig_change_kind_word(enum mig_change_kind kind);
const char *mig_journal_end_word(enum mig_journal_end end);

/*
 * For tests: told before (`is_after` false) and after each durable step ("create", "intent",
 * "outcome", "rollback", "end", "tidy"). An errno above 0 makes the step fail with it.
 */
struct mig_journal_watch {
	void *cookie;
	int (*step)(void *cookie, const char *step, bool is_after);
};

struct mig_journal; /* one that is being written */

/*
 * Makes the file of a new transaction: durable, with everything up to the first operation. `undoes`
 * is the number of the transaction that this one takes back, or 0. `command` is for people. The
 * caller holds the node's lock. Returns 0, or -1 with *err: nothing is there then.
 */
int mig_journal_create(const struct mig_context *ctx, enum mig_change_kind kind,
		       unsigned int undoes, const char *command, const struct mig_snapshot *before,
		       const struct mig_plan *plan, struct mig_journal **out,
		       struct mig_error **err) MIG_MUST_CHECK;

/* Opens the file of an unfinished transaction to go on with it (a recovery). */
int mig_journal_reopen(const struct mig_context *ctx, unsigned int number, struct mig_journal **out,
		       struct mig_error **err) MIG_MUST_CHECK;

/* Notes that an operation is begun, durably, with the outcomes so far. Returns 0, or -1 with *err. */
int mig_journal_intent(struct mig_journal *journal, enum mig_journal_phase phase,
		       unsigned int op_number, struct mig_error **err) MIG_MUST_CHECK;

/* Notes an outcome; it becomes durable with the next step. */
void mig_journal_outcome(struct mig_journal *journal, enum mig_journal_phase phase,
			 unsigned int op_number, const struct mig_op_result *result);

/* Notes the operations that lead back, durably. */
int mig_journal_rollback(struct mig_journal *journal, const struct mig_plan *plan,
			 struct mig_error **err) MIG_MUST_CHECK;

/*
 * Ends the transaction durably. `after` is the layout of the whole node (NULL: not known; of GPUs that
 * are not in it what the transaction before says is kept); `message`
 * says what failed (NULL: nothing).
 */
int mig_journal_finish(struct mig_journal *journal, enum mig_journal_end end, const char *message,
		       const struct mig_snapshot *after, struct mig_error **err) MIG_MUST_CHECK;

unsigned int mig_journal_number(const struct mig_journal *journal);

/* Closes; what was not finished stays unfinished. NULL is fine. */
void mig_journal_close(struct mig_journal *journal);
