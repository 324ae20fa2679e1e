/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transaction: everything that changes a node goes through here, and leaves it either as it was
 * wanted, or as it was before, or says exactly what is where.
 *
 * In this order: the lock of the node; what a dead process left unfinished is rolled back; hooks;
 * a snapshot and the plan from it; holders in the way are named, waited for or ended; the journal;
 * the operations; a second look; the end of the journal; what follows a change. A failure on the
 * way rolls back. Must not know where the wish came from, nor print anything.
 */
#pragma once

#include "core/apply.h"
#include "core/evict.h"
#include "core/hooks.h"
#include "core/in_the_way.h"
#include "core/journal.h"
#include "core/rollback.h"
#include "core/target.h"

#define MIG_WAIT_FOR_EVER UINT64_MAX

/* Something that is to follow each change that succeeded: files that are derived from the layout.
 * A failure is a warning; the change stands. */
struct mig_after_change {
	const char *name;
	int (*run)(const struct mig_context *ctx, const struct mig_snapshot *after,
		   struct mig_error **err);
};

/* What the caller gets told while it happens. Each member may be NULL; one thread at a time. */
struct mig_transaction_observer {
	void *cookie;
	/* An unfinished transaction was rolled back. */
	void (*recovered)(void *cookie, const struct mig_recovery *recovery);
	/* What is going to be done, or that there is nothing to do. -1 with *err: it is not done. */
	int (*planned)(void *cookie, const struct mig_snapshot *snapshot,
		       const struct mig_plan *plan, struct mig_error **err);
	/* Why it waits, once per reason; what eviction does, a line each. */
	void (*told)(void *cookie, const char *line);
	/* An operation is begun (result NULL) or has its outcome. */
	void (*progress)(void *cookie, const struct mig_plan *plan, unsigned int op_number,
			 const struct mig_op_result *result);
	/* It failed for this reason, and is rolled back now. */
	void (*rolling_back)(void *cookie, const struct mig_error *why);
};

struct mig_transaction_request {
	enum mig_change_kind kind;
	const char *command; /* for the lock, the journal and history */
	unsigned int undoes; /* number of the transaction that is taken back; 0: none */
	/* Makes the target for a snapshot; may be called several times. *target is newly made. */
	int (*want)(void *cookie, const struct mig_snapshot *snapshot, struct mig_target **target,
		    struct mig_error **err);
	/* What `want` needs of a snapshot (enum mig_snapshot_flags) also where nothing changes. */
	unsigned int snapshot_flags;
	/* Says where the wish stands in front of an error about a layout that is impossible; may be
	 * NULL. */
	void (*explain)(void *cookie, struct mig_error **err);
	void *cookie;
	const struct mig_hooks *hooks; /* NULL: none */
	const char *const *hook_envs;  /* "NAME=VALUE", ended by NULL; NULL: none */
	uint64_t wait_ms;	       /* for the lock and for holders; 0: not, MIG_WAIT_FOR_EVER */
	bool evicts;
	uint64_t evict_grace_ms;
	const struct mig_transaction_observer *observer; /* NULL: nobody */
};

/* What came of it. */
struct mig_transaction {
	unsigned int number;	       /* of the journal; 0: nothing had to change */
	struct mig_snapshot *snapshot; /* before */
	struct mig_plan *plan;
	struct mig_op_result *results; /* plan->op_count */
	struct mig_snapshot *after;    /* with UUIDs; NULL unless it succeeded */
	struct mig_rollback rollback;
	struct mig_recovery recovery;
	unsigned int blocked_gpus; /* keep-in-use: left as they are */
	enum mig_journal_end end;
	bool is_failed_after; /* an action that follows a change failed; a warning was given */
};

/*
 * Runs it. Returns 0, or -1 with *err, whose `changed` says what is left: NONE, ROLLED_BACK or
 * PARTIAL. *out is the caller's in either case (mig_transaction_clear). REFUSED, unknown and
 * impossible wishes are errors before the first hook and the first change.
 */
int mig_transaction_run(const struct mig_context *ctx,
			const struct mig_transaction_request *request, struct mig_transaction *out,
			struct mig_error **err) MIG_MUST_CHECK;
void mig_transaction_clear(struct mig_transaction *transaction);

/* Looks and plans without changing anything and without the lock; with holders and UUIDs if anything
 * has to change. For `plan`, `assert` and a first look. */
int mig_transaction_plan(const struct mig_context *ctx,
			 const struct mig_transaction_request *request,
			 struct mig_snapshot **snapshot, struct mig_plan **plan,
			 struct mig_error **err) MIG_MUST_CHECK;
