/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migctl sim hold: a process that holds devices of a simulated node, as a CUDA program does.
 *
 * What holds is this process, which then waits for a signal or becomes CMD, or with --background a
 * child, which is there and holds before its pid is printed.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/output.h"
#include "shared/number.h"
#include "sim/control/hold.h"

#define MEMORY_TEXT_MAX 32

const struct mig_option mig_cmd_sim_hold_options[] = {
	{"node", 'n', "NODE", "the node; else MIGSIM_NODE or the choice of sim use"},
	{"memory", 'm', "SIZE", "of each device, such as 3GiB or 512MiB; else none"},
	{"graphics", 'g', NULL, "as a graphics process"},
	{"background", 'b', NULL, "leave a process that holds, and print its pid"},
	{"end", 'e', NULL, "end the holders whose pids are given, and wait for their end"},
	{NULL, 0, NULL, NULL},
};

/* Signals that end a hold in good order. */
static const int end_signals[] = {SIGINT, SIGTERM, SIGHUP};

/* ---- the request ------------------------------------------------------------------------------ */

static int read_memory(const char *text, uint64_t *bytes, struct mig_error **err)
{
	static const struct {
		const char *unit;
		unsigned int shift;
	} units[] = {{"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}};
	size_t digits = strspn(text, "0123456789");

	for (size_t i = 0; i < MIG_ARRAY_SIZE(units) && digits < MEMORY_TEXT_MAX; i++) {
		if (strcmp(text + digits, units[i].unit) != 0 ||
		    mig_parse_u64_n(text, digits, 0, UINT64_MAX >> units[i].shift, bytes) < 0)
			continue;
		*bytes <<= units[i].shift;
		return 0;
	}
	mig_error_set(err, MIG_ERROR_USAGE, "'--memory %s' is not a size", text);
	return mig_error_hint(err, "a whole number with KiB, MiB, GiB or TiB: --memory 3GiB");
}

static int read_request(const struct mig_invocation *inv, struct mig_sim_hold_request *request,
			struct mig_error **err)
{
	const char *memory = mig_option_value(inv, "memory");

	if (inv->rest > 1) {
		mig_error_set(err, MIG_ERROR_USAGE, "'sim hold' does not take the argument '%s'",
			      inv->args[1]);
		return mig_error_hint(err, "one UUID, or a list in CUDA_VISIBLE_DEVICES; a "
					   "command stands behind '--'");
	}
	if (inv->has_rest && inv->rest == inv->arg_count) {
		mig_error_set(err, MIG_ERROR_USAGE, "there is no command behind '--'");
		return mig_error_hint(err, "see 'migctl sim hold --help'");
	}
	if (inv->has_rest && mig_option_given(inv, "background")) {
		mig_error_set(err, MIG_ERROR_USAGE,
			      "'--background' and a command exclude each "
			      "other");
		return mig_error_hint(err, "start the whole in the background: "
					   "migctl sim hold -- CMD &");
	}
	*request = (struct mig_sim_hold_request){
		.uuid = inv->rest == 1 ? inv->args[0] : NULL,
		.visible_devices = getenv(MIG_SIM_VISIBLE_VARIABLE),
		.kind = mig_option_given(inv, "graphics") ? MIG_SIM_HOLDER_GRAPHICS
							  : MIG_SIM_HOLDER_COMPUTE,
		.pid = (uint32_t)getpid(),
	};
	return memory ? read_memory(memory, &request->memory, err) : 0;
}

/* ---- the three ways of holding ---------------------------------------------------------------- */

static void block_end_signals(sigset_t *set)
{
	sigemptyset(set);
	for (size_t i = 0; i < MIG_ARRAY_SIZE(end_signals); i++)
		sigaddset(set, end_signals[i]);
	sigprocmask(SIG_BLOCK, set, NULL);
}

static int hold_here(struct mig_sim_store *store, const struct mig_sim_hold_request *request,
		     struct mig_error **err)
{
	struct mig_sim_hold hold;
	sigset_t signals;
	int number;

	/* Until it holds, and it may have to wait for that, a signal just ends it. */
	if (mig_sim_hold_begin(store, request, &hold, err))
		return -1;
	block_end_signals(&signals);
	for (unsigned int i = 0; i < hold.count; i++)
		printf("process %u holds %s\n", hold.process.pid, hold.devices[i].uuid);
	/* Written down first: who reads this knows that the hold stands. */
	if (mig_output_check(err))
		return -1;
	if (isatty(STDIN_FILENO) && isatty(STDERR_FILENO))
		fputs("until Ctrl-C\n", stderr);
	sigwait(&signals, &number);
	return mig_sim_hold_end(store, &hold.process, err);
}

/* Becomes the command, and so the command is the holder. */
static int hold_as_command(struct mig_sim_store *store, const char *path,
			   const struct mig_sim_hold_request *request, char **argv,
			   struct mig_error **err)
{
	struct mig_sim_hold hold;
	int status;

	if (mig_sim_hold_begin(store, request, &hold, err))
		return -1;
	status = mig_cmd_sim_run_on(path, false, false, argv, err);
	/* Only the reason why it did not start counts. */
	(void)!mig_sim_hold_end(store, &hold.process, NULL);
	return status;
}

/* In the child: nothing is kept that somebody could wait for, such as the end of a pipe. Ends if
 * the parent ends before it says that the hold stands. */
_Noreturn static void be_background(int go)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char word;

	setsid();
	for (int fd = 0; null >= 0 && fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	if (chdir("/") < 0 || read(go, &word, 1) != 1)
		_exit(MIG_EXIT_FAILED);
	for (;;)
		pause();
}

static int hold_in_background(struct mig_sim_store *store, struct mig_sim_hold_request *request,
			      struct mig_error **err)
{
	struct mig_sim_hold hold;
	int ends[2];
	pid_t child;
	int failed;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return mig_error_set_errno(err, errno, "cannot start a process that holds");
	fflush(stdout);
	child = fork();
	if (child == 0) {
		close(ends[1]);
		be_background(ends[0]);
	}
	close(ends[0]);
	failed = child < 0 ? mig_error_set_errno(err, errno, "cannot start a process that holds")
			   : 0;
	request->pid = (uint32_t)child;
	if (!failed)
		failed = mig_sim_hold_begin(store, request, &hold, err);
	if (!failed) {
		printf("%u\n", hold.process.pid);
		failed = mig_output_check(err);
	}
	if (!failed && write(ends[1], "", 1) != 1)
		failed = mig_error_set_errno(err, errno, "cannot start a process that holds");
	close(ends[1]);
	if (failed && child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	return failed ? -1 : MIG_EXIT_OK;
}

/* --end PID... */
static int end_holders(struct mig_sim_store *store, const struct mig_invocation *inv,
		       struct mig_error **err)
{
	for (int i = 0; i < inv->arg_count; i++) {
		uint32_t pid;

		if (mig_parse_u32(inv->args[i], 1, INT32_MAX, &pid) < 0) {
			mig_error_set(err, MIG_ERROR_USAGE, "'%s' is not a pid", inv->args[i]);
			return mig_error_hint(err, "for example: migctl sim hold --end 1234");
		}
		if (mig_sim_hold_stop(store, pid, err))
			return -1;
	}
	return MIG_EXIT_OK;
}

static int check_end(const struct mig_invocation *inv, struct mig_error **err)
{
	if (inv->arg_count > 0 && !inv->has_rest && !mig_option_given(inv, "background") &&
	    !mig_option_given(inv, "graphics") && !mig_option_given(inv, "memory"))
		return 0;
	mig_error_set(err, MIG_ERROR_USAGE, "'--end' takes pids and no other option but '--node'");
	return mig_error_hint(err, "see 'migctl sim hold --help'");
}

int mig_cmd_sim_hold_run(const struct mig_invocation *inv, struct mig_error **err)
{
	struct mig_sim_hold_request request;
	_cleanup_free_ char *path = NULL;
	struct mig_sim_store store;
	int status;

	const bool ends = mig_option_given(inv, "end");

	if ((ends ? check_end(inv, err) : read_request(inv, &request, err)) ||
	    mig_sim_node_path(mig_option_value(inv, "node"), &path, err) ||
	    mig_sim_node_open(path, &store, err))
		return -1;
	if (ends)
		status = end_holders(&store, inv, err);
	else if (inv->has_rest)
		status = hold_as_command(&store, path, &request, inv->args + inv->rest, err);
	else if (mig_option_given(inv, "background"))
		status = hold_in_background(&store, &request, err);
	else
		status = hold_here(&store, &request, err);
	mig_sim_store_close(&store);
	return status;
}
