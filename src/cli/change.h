/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands that change a node have in common: their options, the plan shown first, progress
 * on a terminal, signals, and the result as text or JSON with its exit status.
 */
#pragma once

#include "cli/cmd.h"
#include "cli/plan_text.h"
#include "cli/session.h"
#include "core/transaction.h"
#include "shared/json_writer.h"

/* The rows of the options, for each command's list. */
#define MIG_CHANGE_OPTIONS                                                                     \
	{"dry-run", 'n', NULL,                                                                 \
	 "show what would change and change nothing; exit status 3 if anything"},              \
		{"wait", 0, "[=TIME]",                                                         \
		 "wait for those in the way, TIME at most (90, 5m, 1h; without it for ever)"}, \
		{"evict", 0, "[=TIME]",                                                        \
		 "end the processes in the way: ask, and after TIME (10s) force"},             \
		{"skip-reset", 0, NULL,                                                        \
		 "reset no GPU: a mode change that needs it stays pending"},                   \
		{"hooks-file", 'k', "FILE",                                                    \
		 "programs to run around the change (default: /etc/migctl/hooks.yaml)"},       \
	{                                                                                      \
		"json", 0, NULL, "print JSON (docs/json.md)"                                   \
	}

struct mig_change {
	const struct mig_invocation *inv;
	const char *schema; /* "migctl.apply/1" */
	/* kind, command, undoes, want and cookie are the caller's; the rest is filled in here. */
	struct mig_transaction_request request;
	/* What a change costs beyond what its plan shows, as text and as members of the document;
	 * NULL: nothing. They get the request's cookie. */
	void (*costs)(void *cookie, const struct mig_plan_view *view, struct mig_buf *out);
	void (*costs_json)(void *cookie, const struct mig_plan_view *view, struct mig_json *json);
	bool tells_use;		  /* how a program gets onto the new devices */
	const char *config_file;  /* for the environment of hooks; NULL: none */
	const char *config_label; /* likewise */
};

/* The JSON document of a change that had nothing to go by: no GPUs and no operations. Returns an exit
 * status, or -1 with *err. */
int mig_change_print_nothing(struct mig_change *change, struct mig_error **err);

/*
 * Rolls back what a dead process left unfinished, if there is anything, and says so: for commands that
 * read history before they know whether they change anything. Returns 0, or -1 with *err.
 */
int mig_change_recover(const struct mig_invocation *inv, struct mig_session *session,
		       const char *command, struct mig_error **err) MIG_MUST_CHECK;

/* Carries it out in an open session. Returns an exit status, or -1 with *err. */
int mig_change_run(struct mig_change *change, struct mig_session *session, struct mig_error **err);
