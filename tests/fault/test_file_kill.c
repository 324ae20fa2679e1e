/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durable writing (shared/file.h) and death: a child is killed before and after each of its system
 * calls, which ptrace stops it at, until it gets through. Whenever that is, the file is the old or
 * the new one, whole, and no other is left beside it. The same where files without a name cannot be
 * made, which a filter of system calls plays; there one may be left, and that is shown, so that the
 * test is known to find it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/file.h"
#include "tests/harness/test.h"

enum {
	CALLS_MAX = 1000,
	SYSCALL_STOP = SIGTRAP | 0x80, /* PTRACE_O_TRACESYSGOOD */
	TEXT_SIZE = 5000,
	EXIT_NO_FILTER = 3,
	EXIT_NO_TRACE = 4,
	EXIT_NOT_WRITTEN = 5,
};

/* How the file is written. */
struct way {
	bool is_new;	/* nothing is there before */
	bool has_names; /* files have a name from the beginning */
};

static char *text_of(char letter)
{
	static char text[TEXT_SIZE + 1];

	memset(text, letter, TEXT_SIZE);
	return text;
}

/* open with O_TMPFILE fails, as on a file system that does not have it. */
static bool forbid_unnamed_files(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_TMPFILE & ~O_DIRECTORY, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {.len = sizeof(code) / sizeof(*code), .filter = code};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

_Noreturn static void write_the_file(const char *path, struct way way)
{
	const char *text = text_of('n');
	int result;

	if (way.has_names && !forbid_unnamed_files())
		_exit(EXIT_NO_FILTER);
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		_exit(EXIT_NO_TRACE);
	raise(SIGSTOP);
	result = way.is_new ? mig_file_create_durable(path, text, TEXT_SIZE, 0644, NULL)
			    : mig_file_write_durable(path, text, TEXT_SIZE, 0644, NULL);
	_exit(result ? EXIT_NOT_WRITTEN : 0);
}

/* Runs it to its `at`-th stop at a system call and kills it there. False: it ended before. */
static bool killed_at(const char *path, struct way way, unsigned int at)
{
	pid_t child = fork();
	int status;

	MIG_ASSERT(child >= 0);
	if (child == 0)
		write_the_file(path, way);
	MIG_ASSERT_INT_EQ(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NO_FILTER)
		MIG_SKIP("no filter of system calls here");
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NO_TRACE)
		MIG_SKIP("no ptrace here");
	MIG_ASSERT(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	MIG_ASSERT_INT_EQ(ptrace(PTRACE_SETOPTIONS, child, NULL,
				 PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD),
			  0);
	for (unsigned int i = 0; i < at; i++) {
		MIG_ASSERT_INT_EQ(ptrace(PTRACE_SYSCALL, child, NULL, NULL), 0);
		MIG_ASSERT_INT_EQ(waitpid(child, &status, 0), child);
		if (WIFEXITED(status)) {
			MIG_ASSERT_INT_EQ(WEXITSTATUS(status), 0);
			return false;
		}
		MIG_ASSERT(WIFSTOPPED(status) && WSTOPSIG(status) == SYSCALL_STOP);
	}
	MIG_ASSERT_INT_EQ(kill(child, SIGKILL), 0);
	MIG_ASSERT_INT_EQ(waitpid(child, &status, 0), child);
	MIG_ASSERT(WIFSIGNALED(status));
	return true;
}

/* Removes all files; how many others than `name` there were. */
static unsigned int clear(const char *directory, const char *name)
{
	unsigned int others = 0;
	DIR *dir = opendir(directory);
	struct dirent *entry;

	MIG_ASSERT(dir);
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		others += strcmp(entry->d_name, name) != 0;
		MIG_ASSERT_INT_EQ(unlinkat(dirfd(dir), entry->d_name, 0), 0);
	}
	closedir(dir);
	return others;
}

/* The file is whole: the new one, the old one, or, of a new one, none. */
static void check_content(const char *path, struct way way)
{
	_cleanup_buf_ struct mig_buf found = MIG_BUF_INIT(2 * TEXT_SIZE);

	if (access(path, F_OK)) {
		MIG_ASSERT(way.is_new);
		return;
	}
	MIG_ASSERT_INT_EQ(mig_file_read(path, &found, NULL), 0);
	MIG_ASSERT(strcmp(mig_buf_text(&found), text_of('n')) == 0 ||
		   (!way.is_new && strcmp(mig_buf_text(&found), text_of('o')) == 0));
}

/* Kills at every point. Returns at how many of them a file was left beside it. */
static unsigned int kill_everywhere(struct way way)
{
	const char *directory = mig_test_path("d");
	_cleanup_free_ char *path = mig_path_join(directory, "file");
	unsigned int at, left = 0;

	MIG_ASSERT_INT_EQ(mkdir(directory, 0755), 0);
	for (at = 0; at < CALLS_MAX; at++) {
		bool was_killed;

		if (!way.is_new)
			MIG_ASSERT_INT_EQ(mig_file_create_durable(path, text_of('o'), TEXT_SIZE,
								  0644, NULL),
					  0);
		was_killed = killed_at(path, way, at);
		check_content(path, way);
		if (!was_killed)
			break;
		left += clear(directory, "file") > 0;
	}
	MIG_ASSERT_MSG(at > 10 && at < CALLS_MAX, "%u stops", at);
	MIG_ASSERT_UINT_EQ(clear(directory, "file"), 0);
	MIG_ASSERT_INT_EQ(rmdir(directory), 0);
	return left;
}

/* Whether the test's own file system has files without a name. */
static void need_unnamed_files(void)
{
	int fd = open(mig_test_path("."), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);

	if (fd < 0)
		MIG_SKIP("the file system of the test has no O_TMPFILE");
	close(fd);
}

MIG_TEST(a_new_file_leaves_nothing)
{
	need_unnamed_files();
	MIG_ASSERT_UINT_EQ(kill_everywhere((struct way){.is_new = true}), 0);
}

/* Between linkat and rename: after the one and before the other. */
MIG_TEST(one_that_replaces_leaves_nothing_but_between_two_calls)
{
	unsigned int left;

	need_unnamed_files();
	left = kill_everywhere((struct way){.is_new = false});
	MIG_ASSERT_MSG(left <= 2, "left at %u stops", left);
}

MIG_TEST(where_files_must_have_names_one_may_be_left)
{
	MIG_ASSERT(kill_everywhere((struct way){.is_new = true, .has_names = true}) > 2);
	MIG_ASSERT(kill_everywhere((struct way){.is_new = false, .has_names = true}) > 2);
}
