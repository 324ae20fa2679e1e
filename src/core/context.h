/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one context that core's functions get: the driver, the host root, the log, the clock, who can
 * be holding instances, and the ports to what lies outside of NVML. There are no globals in core.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "nvml/driver.h"
#include "shared/log.h"

struct mig_holder_provider; /* core/holders.h */
struct mig_reset_port;	    /* core/reset.h */
struct mig_after_change;    /* core/transaction.h */
struct mig_journal_watch;   /* core/journal.h */

/* Time as core sees it. Tests give one of their own, in which nothing waits. */
struct mig_core_clock {
	void *cookie;
	uint64_t (*now_ns)(void *cookie);	     /* goes on while the machine is suspended */
	int64_t (*wall_s)(void *cookie);	     /* seconds since 1970, for people */
	void (*sleep_ns)(void *cookie, uint64_t ns); /* may return early */
};

struct mig_context {
	const struct mig_driver *driver; /* opened and initialised; not owned */
	const char *host_root;		 /* "" on a real machine; not owned */
	const struct mig_log *log;	 /* may be NULL */
	const struct mig_holder_provider *const *holder_providers; /* ended by NULL; may be NULL */
	/* What a person is told to run: a reset, to be followed by a list of GPUs, and a reboot.
	 * NULL: what every machine has. Not owned. */
	const char *reset_command;
	const char *reboot_command;

	const struct mig_core_clock *clock; /* NULL: the machine's */
	/* Whether somebody wants the work to end (a signal); NULL: never. Called by any thread. */
	bool (*is_interrupted)(void *cookie);
	void *interrupt_cookie;
	/* How GPUs are reset. NULL: not at all, a mode change that needs it stays pending. */
	const struct mig_reset_port *reset_port;
	const struct mig_after_change *const *after_changes; /* ended by NULL; may be NULL */
	const struct mig_journal_watch *journal_watch;	     /* for tests; may be NULL */
	unsigned int
		in_use_retries; /* how often a change that is refused as in use is tried again */
	bool is_serial; /* GPUs after each other: a driver that is not thread-safe, or a fixed order */
};

/* The context's clock. */
uint64_t mig_context_now_ns(const struct mig_context *ctx);
int64_t mig_context_wall_s(const struct mig_context *ctx);

/* Sleeps, in steps short enough that an interruption ends it soon. */
void mig_context_sleep_ms(const struct mig_context *ctx, uint64_t ms);

bool mig_context_is_interrupted(const struct mig_context *ctx);
