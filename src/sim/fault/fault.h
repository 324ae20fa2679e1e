/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that are to go wrong: the rules in the node's state, and which of them concern the call
 * that this process is about to make.
 *
 * A rule for a process concerns it and its descendants, and each process counts its own calls from
 * the first one that it makes while the rule is there. It ends with the process that it names. A
 * node-wide rule counts the calls of all processes together, in the state, and stays until it is
 * removed. Must not know what a function does, nor handles; nothing here waits or kills. Keeps
 * errno and leaves no descriptor.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sim/engine/state.h"
#include "sim/process/process.h"
#include "sim/store/store.h"

/* ---- fault/rules.c: the rules of a state ------------------------------------------------------ */

/*
 * Adds a copy of `rule`, whose id and seen are filled in. Returns the row in the state; NULL if
 * all are taken: then nothing has changed.
 */
struct mig_sim_fault *mig_sim_fault_add(struct mig_sim_state *state,
					const struct mig_sim_fault *rule);

/* Removes one rule; false: there is none of this id. */
bool mig_sim_fault_remove(struct mig_sim_state *state, uint32_t id);

/* Removes the rules of processes that have ended. Returns how many. Looks into /proc. */
unsigned int mig_sim_fault_drop_ended(struct mig_sim_state *state);

/* The process that the rule is for; pid 0: it is node-wide. */
struct mig_sim_process mig_sim_fault_process(const struct mig_sim_fault *rule);

/* Whether the process that the rule is for has ended; never so for a node-wide rule. */
bool mig_sim_fault_has_ended(const struct mig_sim_fault *rule);

/* Whether the rule says something about the `call`-th call of its function. */
bool mig_sim_fault_is_due(const struct mig_sim_fault *rule, uint64_t call);

/* ---- fault/watch.c: the rules as one process sees them ----------------------------------------- */

/*
 * What a process knows of the rules. Zero-initialised; whoever uses it keeps threads apart. A
 * child that was forked finds its parent's, sees that it is not its own, and begins anew.
 */
struct mig_sim_fault_watch {
	const struct mig_sim_store *store;
	uint64_t serial; /* of the state's faults when they were read */
	uint32_t pid;	 /* of the process that read them; 0: nobody has */
	bool has_ended;	 /* there are rules of processes that have ended */
	bool is_quiet;	 /* no rule concerns this process */
	struct mig_sim_fault rules[MIG_SIM_FAULTS_MAX];
	bool concerns[MIG_SIM_FAULTS_MAX];
	uint64_t calls[MIG_SIM_FAULTS_MAX]; /* of this process, for rules of processes */
};

/* Reads the rules if they or the process changed since the last time. */
void mig_sim_fault_watch_refresh(struct mig_sim_fault_watch *watch,
				 const struct mig_sim_store *store);

/*
 * Counts one call of `function` by this process in a watch that is fresh. True: a rule says
 * something about it, `due` gets a copy; of several the oldest. *is_shared: a node-wide rule names
 * the function, and mig_sim_fault_count_shared has to be asked, too.
 */
bool mig_sim_fault_watch_count(struct mig_sim_fault_watch *watch, const char *function,
			       struct mig_sim_fault *due, bool *is_shared);

/*
 * Counts one call of `function` in the node's state, for all processes. True as above; with
 * `found` *due is filled in already and stays if it is older. A process that may not write
 * the state is not counted: for it node-wide rules hold only from the first call on.
 */
bool mig_sim_fault_count_shared(struct mig_sim_store *store, const char *function, bool found,
				struct mig_sim_fault *due);

/* The state's fault_serial, and whether there are rules at all: loads from memory, no lock. */
uint64_t mig_sim_fault_serial(const struct mig_sim_store *store);

static inline bool mig_sim_fault_is_armed(const struct mig_sim_store *store)
{
	const struct mig_sim_state *view;

	/* No second look at the generation: the word is of this state or of a later one. */
	mig_sim_read_begin(store, &view);
	return __atomic_load_n(&view->fault_count, __ATOMIC_RELAXED) != 0;
}

/* Removes the rules of processes that have ended, if the caller may write the state. */
void mig_sim_fault_tidy_store(struct mig_sim_store *store);

/* Whether rule `id` is still there, and its process alive. Looks into /proc for the latter. */
bool mig_sim_fault_stands(const struct mig_sim_store *store, uint32_t id);
