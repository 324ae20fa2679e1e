/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running a program; see program.h.
 *
 * posix_spawn keeps this safe in a process with threads: nothing of ours runs in the child. The
 * output goes through a pipe that is read until the program itself has ended, not until the pipe is
 * closed, because a daemon that a hook starts may keep it open for ever.
 */
#include "shared/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "shared/clock.h"

#define READ_SIZE    4096
#define POLL_STEP_MS 20 /* only where the kernel has no pidfd */
#define LOOK_STEP_MS 50 /* between looks whether it is to end */

static int set_attributes(posix_spawnattr_t *attr)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	sigdelset(&all, SIGKILL);
	sigdelset(&all, SIGSTOP);
	if (posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
						   POSIX_SPAWN_SETPGROUP) != 0 ||
	    posix_spawnattr_setsigmask(attr, &none) != 0 ||
	    posix_spawnattr_setsigdefault(attr, &all) != 0)
		return -1;
	/* A group of its own: Ctrl-C is for us, who then see to it that all is put in order. */
	return posix_spawnattr_setpgroup(attr, 0) != 0 ? -1 : 0;
}

static int set_actions(posix_spawn_file_actions_t *actions, const struct mig_program *program,
		       int output_fd)
{
	if (posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0) != 0)
		return -1;
	if (output_fd >= 0) {
		if (posix_spawn_file_actions_adddup2(actions, output_fd, STDOUT_FILENO) != 0 ||
		    posix_spawn_file_actions_adddup2(actions, output_fd, STDERR_FILENO) != 0)
			return -1;
	} else if (posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, "/dev/null", O_WRONLY,
						    0) != 0 ||
		   posix_spawn_file_actions_addopen(actions, STDERR_FILENO, "/dev/null", O_WRONLY,
						    0) != 0) {
		return -1;
	}
	return program->workdir != NULL &&
			       posix_spawn_file_actions_addchdir_np(actions, program->workdir) != 0
		       ? -1
		       : 0;
}

static int start(const struct mig_program *program, int output_fd, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int rc = ENOMEM;

	if (posix_spawn_file_actions_init(&actions) != 0)
		return ENOMEM;
	if (posix_spawnattr_init(&attr) == 0) {
		if (set_attributes(&attr) == 0 && set_actions(&actions, program, output_fd) == 0)
			rc = posix_spawnp(pid, program->argv[0], &actions, &attr,
					  (char *const *)program->argv,
					  program->envp != NULL ? (char *const *)program->envp
								: environ);
		posix_spawnattr_destroy(&attr);
	}
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

/* Takes what is there; false at the end of the pipe. */
static bool take_output(int fd, struct mig_buf *output)
{
	char bytes[READ_SIZE];
	ssize_t n;

	do
		n = read(fd, bytes, sizeof(bytes));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN;
	if (n == 0)
		return false;
	if (output->len < output->max) {
		size_t room = output->max - output->len;

		/* The maximum counts the content alone. */
		if (mig_buf_add(output, bytes, MIG_MIN((size_t)n, room)) < 0)
			return true;
	}
	return true;
}

/* How a program is made to end. */
struct ending {
	bool is_asked, is_forced;
	uint64_t asked_ns;
};

static void end_if_wanted(const struct mig_program *program, pid_t pid, struct ending *ending)
{
	if (program->is_interrupted == NULL || ending->is_forced ||
	    (!ending->is_asked && !program->is_interrupted(program->cookie)))
		return;
	if (!ending->is_asked) {
		ending->is_asked = true;
		ending->asked_ns = mig_clock_now_ns();
		kill(-pid, SIGTERM);
	} else if (mig_clock_now_ns() - ending->asked_ns >
		   MIG_PROGRAM_GRACE_MS * MIG_CLOCK_NS_PER_MS) {
		ending->is_forced = true;
		kill(-pid, SIGKILL);
	}
}

/* Reads until the program has ended, then what is left in the pipe. */
static int wait_for(const struct mig_program *program, pid_t pid, int output_fd, int *status)
{
	_cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct mig_buf *output = program->output;
	bool is_open = output_fd >= 0;
	struct ending ending = {0};
	pid_t got = 0;

	while (got == 0) {
		struct pollfd fds[2] = {{.fd = is_open ? output_fd : -1, .events = POLLIN},
					{.fd = pidfd, .events = POLLIN}};
		int step = pidfd < 0			     ? POLL_STEP_MS
			   : program->is_interrupted != NULL ? LOOK_STEP_MS
							     : -1;

		if (poll(fds, 2, step) < 0 && errno != EINTR)
			return -1;
		if (is_open && fds[0].revents != 0)
			is_open = take_output(output_fd, output);
		end_if_wanted(program, pid, &ending);
		do
			got = waitpid(pid, status, WNOHANG);
		while (got < 0 && errno == EINTR);
	}
	if (got < 0)
		return -1;
	while (is_open) {
		struct pollfd left = {.fd = output_fd, .events = POLLIN};

		if (poll(&left, 1, 0) <= 0)
			break;
		is_open = take_output(output_fd, output);
	}
	return 0;
}

int mig_program_run(const struct mig_program *program, int *status, struct mig_error **err)
{
	_cleanup_close_ int read_fd = -1;
	int write_fd = -1;
	pid_t pid = -1;
	int pipe_fds[2];
	int rc;

	if (program->output != NULL) {
		if (pipe2(pipe_fds, O_CLOEXEC) < 0)
			return mig_error_set_errno(err, errno, "cannot make a pipe for '%s'",
						   program->argv[0]);
		read_fd = pipe_fds[0];
		write_fd = pipe_fds[1];
	}
	rc = read_fd >= 0 && fcntl(read_fd, F_SETFL, O_NONBLOCK) < 0
		     ? errno
		     : start(program, write_fd, &pid);
	if (write_fd >= 0)
		close(write_fd);
	if (rc != 0)
		return mig_error_set_errno(err, rc, "cannot run '%s'", program->argv[0]);
	if (wait_for(program, pid, read_fd, status) < 0)
		return mig_error_set_errno(err, errno, "cannot wait for '%s'", program->argv[0]);
	return 0;
}

void mig_program_describe_status(int status, struct mig_buf *buf)
{
	if (WIFSIGNALED(status))
		mig_buf_printf(buf, "killed by signal %d", WTERMSIG(status));
	else
		mig_buf_printf(buf, "exit status %d", WEXITSTATUS(status));
}
