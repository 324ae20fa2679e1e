/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that an administrator wants run around a change, in nvidia-mig-parted's terms: four
 * points, each with commands in order, of which the first that fails stops the rest. Read from a
 * file by config/hooks.h. Must not know what is changed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/context.h"
#include "shared/error.h"

enum mig_hook_point {
	MIG_HOOK_APPLY_START,	   /* "apply-start": before anything */
	MIG_HOOK_PRE_APPLY_MODE,   /* "pre-apply-mode": before a MIG mode is changed */
	MIG_HOOK_PRE_APPLY_CONFIG, /* "pre-apply-config": before instances are changed */
	MIG_HOOK_APPLY_EXIT,	   /* "apply-exit": at the end, also after a failure */
	MIG_HOOK_POINT_COUNT,
};

/* One command. Its environment is exactly `envs`. */
struct mig_hook {
	char *command; /* a path or a name on the PATH of migctl */
	char **args;   /* without the command itself; ended by NULL */
	char **envs;   /* "NAME=VALUE"; ended by NULL */
	char *workdir; /* NULL: where migctl runs */
};

struct mig_hook_list {
	size_t count;
	struct mig_hook *hooks;
};

struct mig_hooks {
	char *source; /* the file's name, for messages */
	struct mig_hook_list at[MIG_HOOK_POINT_COUNT];
};

/* "apply-start"; static. */
const char *mig_hook_point_name(enum mig_hook_point point);

void mig_hooks_free(struct mig_hooks *hooks); /* NULL is fine */

static inline void mig_cleanup_hooks(struct mig_hooks **hooks)
{
	mig_hooks_free(*hooks);
}
#define _cleanup_hooks_ _cleanup_(mig_cleanup_hooks)

/*
 * Runs the commands of one point in their order. `extra_envs` ("NAME=VALUE", ended by NULL; may be
 * NULL) go into each environment behind its own and win. An interruption of the context ends the
 * command that runs (ctx NULL: nothing does). Returns 0, or -1 with *err, which names the
 * hook, the command, how it ended and its last words.
 */
int mig_hooks_run(const struct mig_hooks *hooks, const struct mig_context *ctx,
		  enum mig_hook_point point, const char *const *extra_envs,
		  struct mig_error **err) MIG_MUST_CHECK;
