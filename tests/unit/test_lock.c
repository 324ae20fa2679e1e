/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lock of a node: one at a time, the owner is named, a dead owner holds nothing, and a look does
 * not disturb.
 */
#include "core/lock.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/harness/test.h"

static struct mig_context make_context(void)
{
	return (struct mig_context){.host_root = mig_test_path("root")};
}

MIG_TEST(the_second_is_refused_and_told_who_holds_it)
{
	struct mig_context ctx = make_context();
	_cleanup_error_ struct mig_error *err = NULL;
	_cleanup_buf_ struct mig_buf who = MIG_BUF_INIT(8192);
	struct mig_lock *lock = NULL, *second = NULL;
	char pid[32];

	MIG_ASSERT(!mig_lock_is_held(&ctx, &who));
	MIG_ASSERT_INT_EQ(mig_lock_take(&ctx, "apply -c all \x1b[1m", &lock, NULL), 0);
	MIG_ASSERT_INT_EQ(mig_lock_take(&ctx, "undo", &second, &err), -1);
	MIG_ASSERT_INT_EQ(mig_error_code(err), MIG_ERROR_IN_USE);
	snprintf(pid, sizeof(pid), "process %d", (int)getpid());
	MIG_ASSERT_CONTAINS(mig_error_message(err), pid);
	MIG_ASSERT_CONTAINS(mig_error_message(err), "'apply -c all \\x1b[1m'");
	MIG_ASSERT(mig_lock_is_held(&ctx, &who));
	MIG_ASSERT_CONTAINS(mig_buf_text(&who), pid);
	mig_lock_release(lock);
	MIG_ASSERT(!mig_lock_is_held(&ctx, &who));
	MIG_ASSERT_INT_EQ(mig_lock_take(&ctx, "undo", &second, NULL), 0);
	mig_lock_release(second);
}

MIG_TEST(the_file_is_for_the_owner_alone)
{
	struct mig_context ctx = make_context();
	struct mig_lock *lock = NULL;
	struct stat st;

	MIG_ASSERT_INT_EQ(mig_lock_take(&ctx, "apply", &lock, NULL), 0);
	MIG_ASSERT_INT_EQ(stat(mig_test_path("root/run/migctl/lock"), &st), 0);
	MIG_ASSERT_UINT_EQ(st.st_mode & 07777, 0600);
	mig_lock_release(lock);
}

MIG_TEST(a_killed_owner_holds_nothing)
{
	struct mig_context ctx = make_context();
	struct mig_lock *lock = NULL;
	int ready[2];
	char byte;
	pid_t pid;

	MIG_ASSERT_INT_EQ(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		MIG_ASSERT_INT_EQ(mig_lock_take(&ctx, "apply", &lock, NULL), 0);
		MIG_ASSERT_INT_EQ(write(ready[1], "x", 1), 1);
		pause();
		_exit(0);
	}
	MIG_ASSERT_INT_EQ(read(ready[0], &byte, 1), 1);
	MIG_ASSERT_INT_EQ(mig_lock_take(&ctx, "apply", &lock, NULL), -1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	MIG_ASSERT_INT_EQ(mig_lock_take(&ctx, "apply", &lock, NULL), 0);
	mig_lock_release(lock);
}

/* A child that lives on after the owner has let go does not keep the lock. */
MIG_TEST(a_child_does_not_keep_it)
{
	struct mig_context ctx = make_context();
	struct mig_lock *lock = NULL;
	int done[2], executed[2];
	char byte;
	pid_t pid;

	MIG_ASSERT_INT_EQ(mig_lock_take(&ctx, "apply", &lock, NULL), 0);
	MIG_ASSERT_INT_EQ(pipe(done), 0);
	MIG_ASSERT_INT_EQ(pipe2(executed, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		close(done[1]);
		dup2(done[0], STDIN_FILENO);
		execlp("cat", "cat", (char *)NULL);
		_exit(1);
	}
	close(executed[1]);
	/* The end of this pipe: the child runs another program now. */
	MIG_ASSERT_INT_EQ(read(executed[0], &byte, 1), 0);
	mig_lock_release(lock);
	MIG_ASSERT_INT_EQ(mig_lock_take(&ctx, "apply", &lock, NULL), 0);
	mig_lock_release(lock);
	close(done[1]);
	MIG_ASSERT_INT_EQ(waitpid(pid, NULL, 0), pid);
}

MIG_TEST(a_lock_that_others_may_write_is_refused)
{
	struct mig_context ctx = make_context();
	_cleanup_error_ struct mig_error *err = NULL;
	struct mig_lock *lock = NULL;

	MIG_ASSERT_INT_EQ(mig_lock_take(&ctx, "apply", &lock, NULL), 0);
	mig_lock_release(lock);
	MIG_ASSERT_INT_EQ(chmod(mig_test_path("root/run/migctl/lock"), 0666), 0);
	MIG_ASSERT_INT_EQ(mig_lock_take(&ctx, "apply", &lock, &err), -1);
	MIG_ASSERT_INT_EQ(mig_error_code(err), MIG_ERROR_NO_PERMISSION);
}
