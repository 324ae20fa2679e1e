/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One writer per node: the lock that a change holds from its first look to its end, and who holds
 * it. The lock belongs to the open file, ends with the process, and is not kept by its children.
 * Reading commands never take it.
 */
#pragma once

#include "core/context.h"
#include "shared/buf.h"
#include "shared/error.h"

struct mig_lock;

/*
 * Takes the lock, without waiting. Returns 0, or -1 with *err: IN_USE names the owner; NO_PERMISSION
 * when the caller may not change this node. `command` is shown to others.
 */
int mig_lock_take(const struct mig_context *ctx, const char *command, struct mig_lock **out,
		  struct mig_error **err) MIG_MUST_CHECK;

/* Lets go. NULL is fine. */
void mig_lock_release(struct mig_lock *lock);

enum mig_lock_state {
	MIG_LOCK_FREE,
	MIG_LOCK_HELD,
	MIG_LOCK_HIDDEN, /* the caller may not know */
};

/* Whether somebody holds the lock now. If so who is appended to `who` ("migctl apply … of root,
 * process 12, since 10:31:02"). */
enum mig_lock_state mig_lock_look(const struct mig_context *ctx, struct mig_buf *who);

/* The same where only a holder matters that the caller may know of. */
bool mig_lock_is_held(const struct mig_context *ctx, struct mig_buf *who);
