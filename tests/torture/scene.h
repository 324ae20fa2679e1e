/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One transition on one simulated node, to be gone through again and again from the same start, with
 * faults; and the questions that must have the right answer after each time.
 *
 * A case is a row of processes that are killed or meet faults, one after the other, and then a run
 * with the same wish and a healthy driver. All of them use the code of src/core in this program, the
 * library of the simulated driver, and files below the test's own directory.
 */
#pragma once

#include "config/config.h"
#include "core/transaction.h"
#include "tests/torture/events.h"

#define LAYOUTS_MAX   8 /* arguments */
#define RUNS_MAX      3 /* processes with faults in a case */
#define SEEN_GPUS_MAX 32

struct transition {
	const char *name;
	const char *gpus; /* as tests/conformance/make_node.h reads them */
	unsigned int branch;
	bool needs_reset; /* a mode change comes into force only with a reset */
	const char *from[LAYOUTS_MAX];
	const char *to[LAYOUTS_MAX];
};

struct faulty_run {
	unsigned int count;
	struct fault faults[FAULTS_MAX];
};

struct torture_case {
	const char *kind; /* for the counts */
	unsigned int run_count;
	struct faulty_run runs[RUNS_MAX];
};

/* A GPU's layout with UUIDs, as text to be compared. */
struct seen_layout {
	struct mig_saved_layout saved;
	char *gpus[SEEN_GPUS_MAX];
	unsigned int gpu_count;
};

/* What a process that was not killed says, in memory that outlives it. */
struct report {
	bool is_done;
	bool was_recovered; /* it was told that an unfinished transaction was rolled back */
	int rc;
	enum mig_changed changed;
	int leaked_fds;
	char message[8192];
};

struct shared {
	struct event_log log;
	struct report report;
};

struct scene {
	const struct transition *transition;
	const char *node;
	const char *host_root;
	struct mig_driver *driver;
	struct mig_context ctx;
	struct mig_config *from, *to;
	int state_fd;
	void *state; /* the bytes of the node before */
	size_t state_size;
	struct seen_layout old, new;
	struct event_log *baseline; /* of the healthy way from old to new */
	struct shared *shared;
};

/* Makes the node `name` below the test's directory and goes the way once. Fails the test if that
 * does not work. */
void scene_open(struct scene *scene, const struct transition *transition, const char *name);
void scene_close(struct scene *scene);

/* Runs one process with faults from the start; its events are in scene->shared->log. */
void scene_probe(struct scene *scene, const struct torture_case *tc);

/* Runs a case. Returns whether every answer was right; prints what was not. */
bool scene_run(struct scene *scene, const struct torture_case *tc);
