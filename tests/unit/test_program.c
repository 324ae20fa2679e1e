/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running programs: arguments and environment as given, output up to a limit, and no waiting for
 * what a program leaves behind.
 */
#include "shared/program.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/harness/test.h"

static int run(const char *const *argv, const char *const *envp, const char *workdir,
	       struct mig_buf *output)
{
	struct mig_program program = {
		.argv = argv, .envp = envp, .workdir = workdir, .output = output};
	int status = -1;

	MIG_ASSERT_INT_EQ(mig_program_run(&program, &status, NULL), 0);
	return status;
}

MIG_TEST(arguments_environment_and_directory_are_those_given)
{
	const char *const argv[] = {"sh", "-c",	 "pwd; env | grep -v ^PWD= | sort; echo \"$1\" >&2",
				    "sh", "a b", NULL};
	const char *const envp[] = {"MIG_A=1", "PATH=/usr/bin:/bin", NULL};
	_cleanup_buf_ struct mig_buf output = MIG_BUF_INIT(4096);
	int status;

	/* sh sets variables of its own; only ours are looked for. */
	status = run(argv, envp, "/", &output);
	MIG_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	MIG_ASSERT(strncmp(mig_buf_text(&output), "/\n", 2) == 0);
	MIG_ASSERT_CONTAINS(mig_buf_text(&output), "MIG_A=1\n");
	MIG_ASSERT_CONTAINS(mig_buf_text(&output), "a b\n");
	MIG_ASSERT(strstr(mig_buf_text(&output), "HOME=") == NULL);
}

MIG_TEST(output_beyond_the_limit_is_dropped)
{
	const char *const argv[] = {"sh", "-c", "head -c 300000 /dev/zero | tr '\\0' x; exit 3",
				    NULL};
	_cleanup_buf_ struct mig_buf output = MIG_BUF_INIT(100);
	_cleanup_buf_ struct mig_buf how = MIG_BUF_INIT(100);
	int status = run(argv, NULL, NULL, &output);

	MIG_ASSERT_UINT_EQ(output.len, 100);
	mig_program_describe_status(status, &how);
	MIG_ASSERT_STR_EQ(mig_buf_text(&how), "exit status 3");
}

MIG_TEST(a_descendant_that_keeps_the_pipe_is_not_waited_for)
{
	const char *const argv[] = {"sh", "-c", "sleep 1000 & echo $!", NULL};
	_cleanup_buf_ struct mig_buf output = MIG_BUF_INIT(100);
	int status = run(argv, NULL, NULL, &output);

	MIG_ASSERT(WIFEXITED(status));
	MIG_ASSERT(output.len > 0);
	kill((pid_t)strtol(mig_buf_text(&output), NULL, 10), SIGKILL);
}

MIG_TEST(a_signal_is_told)
{
	const char *const argv[] = {"sh", "-c", "kill -9 $$", NULL};
	_cleanup_buf_ struct mig_buf how = MIG_BUF_INIT(100);

	mig_program_describe_status(run(argv, NULL, NULL, NULL), &how);
	MIG_ASSERT_STR_EQ(mig_buf_text(&how), "killed by signal 9");
}

MIG_TEST(signals_have_their_default_effect_in_it)
{
	const char *const argv[] = {"sh", "-c", "kill -TERM $$; exit 0", NULL};
	sigset_t set;
	int status;

	signal(SIGTERM, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	MIG_ASSERT_INT_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	status = run(argv, NULL, NULL, NULL);
	MIG_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

/* Asked for the second time, so that the program runs by then. */
static bool is_over(void *cookie)
{
	unsigned int *looks = cookie;

	return ++*looks > 1;
}

MIG_TEST(it_can_be_ended_and_its_children_with_it)
{
	const char *const argv[] = {"sh", "-c", "sleep 1000 & wait", NULL};
	unsigned int looks = 0;
	struct mig_program program = {.argv = argv, .is_interrupted = is_over, .cookie = &looks};
	int status = 0;

	MIG_ASSERT_INT_EQ(mig_program_run(&program, &status, NULL), 0);
	MIG_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

MIG_TEST(what_is_not_there_is_named)
{
	const char *const argv[] = {"/nonexistent/program", NULL};
	struct mig_program program = {.argv = argv};
	_cleanup_error_ struct mig_error *err = NULL;
	int status;

	MIG_ASSERT_INT_EQ(mig_program_run(&program, &status, &err), -1);
	MIG_ASSERT_INT_EQ(mig_error_errno(err), ENOENT);
	MIG_ASSERT_CONTAINS(mig_error_message(err), "'/nonexistent/program'");
}
