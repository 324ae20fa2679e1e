/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one context that core's functions get: the driver, the host root, the log and who can be
 * holding instances. There are no globals in core.
 */
#pragma once

#include "nvml/driver.h"
#include "shared/log.h"

struct mig_holder_provider; /* core/holders.h */

struct mig_context {
	const struct mig_driver *driver; /* opened and initialised; not owned */
	const char *host_root;		 /* "" on a real machine; not owned */
	const struct mig_log *log;	 /* may be NULL */
	const struct mig_holder_provider *const *holder_providers; /* ended by NULL; may be NULL */
	/* What a person is told to run: a reset, to be followed by a list of GPUs, and a reboot.
	 * NULL: what every machine has. Not owned. */
	const char *reset_command;
	const char *reboot_command;
};
