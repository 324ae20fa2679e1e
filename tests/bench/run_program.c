/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a program N times and prints its shortest and its median time in microseconds and its largest
 * memory in KiB: run_program N PROGRAM [ARG...]. A small process is needed for it: what a large one starts
 * counts the memory from before the exec too.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shared/number.h"

#define RUNS_MAX 1000

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	uint64_t times[RUNS_MAX], runs;
	long most_kib = 0;

	if (argc < 3 || mig_parse_u64(argv[1], 1, RUNS_MAX, &runs) < 0)
		return 2;
	for (uint64_t i = 0; i < runs; i++) {
		uint64_t begin = now_us();
		struct rusage usage;
		int status;
		pid_t pid = fork();

		if (pid == 0) {
			int sink = open("/dev/null", O_WRONLY);

			dup2(sink, STDOUT_FILENO);
			execv(argv[2], argv + 2);
			_exit(127);
		}
		if (pid < 0 || wait4(pid, &status, 0, &usage) < 0 || status != 0)
			return 1;
		times[i] = now_us() - begin;
		if (usage.ru_maxrss > most_kib)
			most_kib = usage.ru_maxrss;
	}
	qsort(times, runs, sizeof(*times), compare);
	printf("%lu %lu %ld\n", (unsigned long)times[0], (unsigned long)times[runs / 2], most_kib);
	return 0;
}
