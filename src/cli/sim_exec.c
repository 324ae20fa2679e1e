/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migctl sim exec, migctl sim shell, and `migctl --node NODE …`: programs on a simulated node.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/self.h"
#include "shared/file.h"
#include "sim/control/control.h"
#include "sim/control/fault.h"

/* What shells answer. */
#define EXIT_CANNOT_RUN 126
#define EXIT_NOT_FOUND	127

const struct mig_option mig_cmd_sim_exec_options[] = {
	{"unprivileged", 'u', NULL, "not as the node's administrator"},
	{"jail", 'j', NULL, "with the node's /dev, /proc and /sys, writing nothing to the host"},
	{"fault", 'F', "FAULT", "let a call go wrong in the program (as sim fault add; repeatable)",
	 true},
	{NULL, 0, NULL, NULL},
};

int mig_cmd_sim_run_on(const char *path, bool unprivileged, bool jail, char **argv,
		       struct mig_error **err)
{
	struct mig_error *failure = NULL;
	_cleanup_free_ char *exe_dir = NULL;
	int reason;

	if (mig_output_exe_dir(&exe_dir, err))
		return -1;
	fflush(stdout);
	/* The program gets the signal as migctl got it from nobody: with its default effect. */
	signal(SIGXFSZ, SIG_DFL);
	mig_sim_node_exec(path,
			  &(struct mig_sim_exec_options){
				  .unprivileged = unprivileged, .jail = jail, .exe_dir = exe_dir},
			  argv, &failure);
	reason = mig_error_errno(failure);
	mig_error_move(err, &failure);
	if (reason == ENOENT || reason == ENOTDIR)
		return EXIT_NOT_FOUND;
	return reason ? EXIT_CANNOT_RUN : -1;
}

/* Arms the faults of --fault for this process, which becomes the program. */
static int arm_faults(const struct mig_invocation *inv, const char *path, struct mig_error **err)
{
	struct mig_sim_fault_request requests[MIG_SIM_FAULTS_MAX];
	const char *text;
	size_t count = 0;

	while ((text = mig_option_value_at(inv, "fault", count))) {
		if (count == MIG_ARRAY_SIZE(requests))
			return mig_error_set(err, MIG_ERROR_USAGE, "more than %d faults",
					     MIG_SIM_FAULTS_MAX);
		if (mig_sim_fault_read(text, &requests[count], err))
			return mig_error_wrap(err, "--fault");
		count++;
	}
	if (count == 0)
		return 0;
	return mig_sim_fault_arm(path, requests, count, (uint32_t)getpid(), NULL, err);
}

int mig_cmd_sim_exec_run(const struct mig_invocation *inv, struct mig_error **err)
{
	_cleanup_free_ char *path = NULL;
	char **argv = inv->args + 1;

	mig_self_forget_node();
	if (strcmp(argv[0], "--") == 0) {
		argv++;
	} else if (argv[0][0] == '-') {
		mig_error_set(err, MIG_ERROR_USAGE,
			      "'%s' stands behind NODE, where the program begins", argv[0]);
		return mig_error_hint(err, "options of exec stand before NODE: migctl sim exec "
					   "[OPTION...] NODE -- CMD");
	}
	if (!argv[0]) {
		mig_error_set(err, MIG_ERROR_USAGE, "'sim exec' needs NODE -- CMD [ARG...]");
		return mig_error_hint(err, "see 'migctl sim exec --help'");
	}
	if (mig_sim_node_path(inv->args[0], &path, err) || arm_faults(inv, path, err))
		return -1;
	return mig_cmd_sim_run_on(path, mig_option_given(inv, "unprivileged"),
				  mig_option_given(inv, "jail"), argv, err);
}

int mig_cmd_sim_shell_run(const struct mig_invocation *inv, struct mig_error **err)
{
	const char *shell = getenv("SHELL");
	_cleanup_free_ char *program = strdup(shell && *shell ? shell : "/bin/sh");
	_cleanup_free_ char *path = NULL;
	char *argv[] = {program, NULL};

	mig_self_forget_node();
	if (!program)
		return mig_error_set_errno(err, ENOMEM, "cannot start a shell");
	if (mig_sim_node_path(inv->args[0], &path, err) || arm_faults(inv, path, err))
		return -1;
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "shell on the simulated node %s; 'exit' leaves it\n", path);
	return mig_cmd_sim_run_on(path, mig_option_given(inv, "unprivileged"),
				  mig_option_given(inv, "jail"), argv, err);
}

int mig_cmd_sim_reexec(const char *node, int arg_count, char **args, struct mig_error **err)
{
	_cleanup_free_ char **argv = calloc((size_t)arg_count + 2, sizeof(*argv));
	_cleanup_free_ char *exe_dir = NULL;
	_cleanup_free_ char *self = NULL;
	_cleanup_free_ char *path = NULL;

	if (mig_sim_node_path(node, &path, err) || mig_output_exe_dir(&exe_dir, err) ||
	    mig_self_remember_node(node, err))
		return -1;
	/* By its path, not along PATH: this very program, whatever it was called as. */
	self = mig_path_join(exe_dir, "migctl");
	if (!argv || !self)
		return mig_error_set_errno(err, ENOMEM, "cannot run migctl on node '%s'", node);
	argv[0] = self;
	for (int i = 0; i < arg_count; i++)
		argv[i + 1] = args[i];
	return mig_cmd_sim_run_on(path, false, false, argv, err);
}
