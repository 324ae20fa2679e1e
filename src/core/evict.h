/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ending the processes that are in the way of a change: asked first (SIGTERM), forced after a time
 * (SIGKILL).
 *
 * A wrong kill is worse than a change that is not made, so a process is ended only when it is certain
 * which one is meant: pids are those that NVML lists, they mean something in the first pid namespace
 * only; the process is pinned by a pidfd, and NVML is asked again after that. Never ended are pid 1,
 * ancestors of this process, services of the system, and jobs of Slurm or the kubelet, which have
 * commands of their own to end them.
 */
#pragma once

#include "core/context.h"
#include "core/in_the_way.h"
#include "shared/buf.h"
#include "shared/error.h"

#define MIG_EVICT_GRACE_MS 10000 /* between asking and forcing */

struct mig_evict_options {
	uint64_t grace_ms;
	/* Told what is done, a line each ("asked process 12 (python of ann) to end"); may be NULL. */
	void (*tell)(void *cookie, const char *line);
	void *cookie;
};

/*
 * Ends all holders of the list. Returns 0 when they are gone (or did not hold anything any more), or
 * -1 with *err: REFUSED names who must not be ended this way and what ends them, IN_USE who did
 * not end; nothing is signalled when anyone of the list is refused.
 */
int mig_evict(const struct mig_context *ctx, const struct mig_in_the_way *list, unsigned int count,
	      const struct mig_evict_options *options, struct mig_error **err) MIG_MUST_CHECK;

/*
 * What a process's cgroups (the text of /proc/PID/cgroup) say of who runs it: true for a service of
 * the system and for jobs of Slurm and the kubelet; `what` and the command that ends it are appended.
 */
bool mig_evict_is_managed(const char *cgroups, struct mig_buf *what, struct mig_buf *command);
