/* SPDX-License-Identifier: Apache-2.0 */
/*
 * at_call HOOK CMD [ARG...]: runs CMD, and the shell command HOOK when CMD calls unshare(2) for the
 * first time, before the kernel does it. Ends as CMD does, with 99 if it cannot trace here, and with
 * 98 if CMD never made that call. Compiled by the test that uses it.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CANNOT_TRACE = 99, NO_CALL = 98, SYSCALL_STOP = SIGTRAP | 0x80 };

static int is_the_call(pid_t pid)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0)
		exit(CANNOT_TRACE);
	return info.op == PTRACE_SYSCALL_INFO_ENTRY && info.entry.nr == SYS_unshare;
}

static int succeeds(const char *command)
{
	pid_t shell = fork();
	int status;

	if (shell == 0) {
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	return shell > 0 && waitpid(shell, &status, 0) == shell && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 0;
}

int main(int argc, char **argv)
{
	int status, is_done = 0;
	pid_t child = argc > 2 ? fork() : -1;

	if (child < 0)
		return CANNOT_TRACE;
	if (child == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			_exit(CANNOT_TRACE);
		raise(SIGSTOP);
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD))
		return CANNOT_TRACE;
	while (!is_done) {
		int number;

		if (WSTOPSIG(status) == SYSCALL_STOP && is_the_call(child))
			is_done = 1;
		if (is_done && !succeeds(argv[1]))
			return CANNOT_TRACE;
		/* SIGSTOP is ours, SIGTRAP the exec's. */
		number = WSTOPSIG(status) & 0x7f;
		if (number == SIGTRAP || number == SIGSTOP)
			number = 0;
		if (ptrace(is_done ? PTRACE_DETACH : PTRACE_SYSCALL, child, NULL, number) ||
		    waitpid(child, &status, 0) != child)
			return CANNOT_TRACE;
		if (!WIFSTOPPED(status))
			break;
	}
	if (!is_done)
		return NO_CALL;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
