/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node of several kinds of GPU, and what a configuration file selects on it: for the tests of
 * config/select.h, in both formats. Only what both need; the cases are the tests'.
 */
#pragma once

#include "config/select.h"

/* A snapshot of two A100, an A30 and a T4; the caller frees it (mig_snapshot_free). Ends the test on
 * whatever is wrong. */
struct mig_snapshot *select_case_node(void);

/*
 * Selects the first label of the file "c.yaml" on a node. `head` is the file up to and with the name
 * of the label, `entries` are the lines below it. Returns what mig_config_select does, with *target
 * and *err the caller's likewise. Ends the test if the file cannot be read.
 */
int select_case_run(const struct mig_snapshot *snapshot, const char *head, const char *entries,
		    struct mig_target **target, struct mig_error **err);

/* As select_case_run, of what is to be taken: ends the test if it is refused. The target covers the
 * whole node; the caller frees it (mig_target_free). */
struct mig_target *select_case_taken(const struct mig_snapshot *snapshot, const char *head,
				     const char *entries);

/* As select_case_run, of what is to be refused: ends the test if it is taken, or if the error is not
 * as select_case_check_refusal wants it. */
void select_case_refused(const struct mig_snapshot *snapshot, const char *head, const char *entries,
			 const char *message, const char *hint);

/* Ends the test if a refusal has not exactly this message, and a hint with this in it (NULL: none),
 * or not the exit status and the state of one that changed nothing. Frees it. */
void select_case_check_refusal(struct mig_error *err, const char *message, const char *hint);

/* Which GPUs a target names, as bits. */
unsigned int select_case_named(const struct mig_target *target);
