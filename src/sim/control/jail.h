/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The jail: a private mount namespace in which the paths of a GPU machine show a simulated node.
 *
 * As root a mount namespace, for others also a user namespace that maps the caller to itself. It is
 * for programs that read absolute paths or clear their environment; it is no barrier for root, who
 * can undo mounts. docs/simulator.md says what it holds. Must not know the command line.
 */
#pragma once

#include "shared/error.h"
#include "sim/engine/state.h"

struct mig_sim_jail {
	const char *node; /* absolute path */
	const struct mig_sim_node_desc *desc;
	const char *library; /* the file libnvidia-ml.so.1 of the node's branch */
	const char *libcuda; /* the file libcuda.so.1 */
	const char *shims;   /* directory of the node's own programs */
	const char *migctl;  /* the file */
	const char *home;    /* directory with the nodes; NULL: none */
};

/*
 * Puts this process into the jail for good; call it just before exec, in a process with one thread.
 * On failure the process may be half inside and must end. The error names what the kernel refused
 * and the next step.
 */
int mig_sim_jail_enter(const struct mig_sim_jail *jail, struct mig_error **err) MIG_MUST_CHECK;
