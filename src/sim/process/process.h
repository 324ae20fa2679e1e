/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which process is meant: a pid says so only together with the process's start time and the pid
 * namespace in which the number counts.
 *
 * Reads /proc and nothing else; libc only, because the simulated library uses it too. Must not know
 * what the processes are wanted for. All functions keep errno, are thread-safe, and leave no
 * descriptor.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mig_sim_process {
	uint32_t pid;	     /* in that namespace */
	uint64_t start_time; /* field 22 of /proc/PID/stat: clock ticks since the machine's boot */
	uint64_t pid_namespace; /* inode of /proc/PID/ns/pid */
};

/*
 * The process that the caller knows as `pid`; out->pid is its number in its own namespace, which is
 * another one if that is below the caller's. False: there is none, it is a zombie, or /proc cannot
 * be read; *out is untouched.
 */
bool mig_sim_process_find(uint32_t pid, struct mig_sim_process *out);

/*
 * Whether that process still lives, and as which pid the caller knows it (0: not known). One of
 * another pid namespace than the caller's is looked for in all of /proc. Where it cannot be seen
 * whether it is there (the caller is not in the machine's first pid namespace, or may not look at
 * all processes) it counts as living, with pid 0. One in another time namespace is known by
 * namespace and number alone, because start times differ by the namespaces' offsets.
 */
bool mig_sim_process_look(const struct mig_sim_process *process, uint32_t *pid);

/* The same without the pid. */
bool mig_sim_process_is_alive(const struct mig_sim_process *process);

/* The parent's pid; 0 if there is none or it cannot be read. */
uint32_t mig_sim_process_parent(uint32_t pid);

/* The program's path (or, if that cannot be read, its short name) into `name`, always terminated;
 * false and "" if there is no such process. */
bool mig_sim_process_name(uint32_t pid, char *name, size_t size);

/* As above, of this very process; false and "" also when it has ended or the caller does not know
 * its pid. */
bool mig_sim_process_name_of(const struct mig_sim_process *process, char *name, size_t size);
