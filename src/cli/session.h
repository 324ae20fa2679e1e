/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command that talks to the driver needs: the driver opened, counted, initialised and known
 * to be the one that is meant, the host root, and the context that core takes.
 */
#pragma once

#include "core/context.h"
#include "core/reset.h"
#include "nvml/guard.h"
#include "shared/error.h"

struct mig_sim_identity;

struct mig_session {
	struct mig_driver_guard guard;
	struct mig_driver *driver; /* the guard's */
	bool is_initialised;
	const struct mig_sim_identity *sim_identity; /* of the driver; NULL: it is not simulated */
	char *reset_command;			     /* on a simulated node; else NULL */
	char *reboot_command;			     /* likewise */
	char *device_command;			     /* likewise: makes its device files anew */
	struct mig_reset_port reset_port;
	struct mig_log log;	/* warnings go to stderr */
	struct mig_context ctx; /* valid while the session is open and is not moved */
};

/*
 * Opens. Returns 0, or -1 with *err (NO_DRIVER, NO_PERMISSION, …): nothing stays open then. On the
 * simulated driver the error says in words what is wrong with the node.
 */
int mig_session_open(struct mig_session *session, struct mig_error **err) MIG_MUST_CHECK;

/* Shuts the driver down and closes it; a closed or zeroed session is fine. */
void mig_session_close(struct mig_session *session);

#define _cleanup_session_ _cleanup_(mig_session_close)

/* Adds to an error of the simulated driver why its store failed, in words; else does nothing. */
int mig_session_explain(const struct mig_session *session, struct mig_error **err);
