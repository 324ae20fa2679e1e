/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a program and prints how long it took and how much memory it had at most: "MICROSECONDS KIB".
 * A program that is started by a large one (Python) inherits that one's peak; from here it begins
 * with little.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct timespec begin, end;
	struct rusage usage;
	int status;
	pid_t pid;

	if (argc < 2)
		return 2;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		if (null < 0 || dup2(null, STDOUT_FILENO) < 0)
			_exit(126);
		execv(argv[1], argv + 1);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid)
		return 1;
	clock_gettime(CLOCK_MONOTONIC, &end);
	printf("%lld %ld\n",
	       (long long)(end.tv_sec - begin.tv_sec) * 1000000 +
		       (end.tv_nsec - begin.tv_nsec) / 1000,
	       usage.ru_maxrss);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
