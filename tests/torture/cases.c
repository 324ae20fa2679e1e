/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enumerating cases; see cases.h.
 *
 * Several workers go through the same enumeration, each on a node of its own, and run every n-th
 * case of it.
 */
#include "tests/torture/cases.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/file.h"
#include "shared/text.h"
#include "tests/harness/test.h"
#include "tests/torture/codes.h"
#include "tests/torture/transitions.h"

#define WORKERS_MAX 8

const char *const case_kind_words[CASE_KIND_COUNT] = {
	[CASE_CALL] = "a driver call fails",
	[CASE_DONE] = "a driver call that is done says it failed",
	[CASE_KILL] = "killed once",
	[CASE_DISK] = "the journal cannot be written",
	[CASE_INTERRUPT] = "a signal at each point",
	[CASE_RESET] = "a reset fails",
	[CASE_ROLLBACK_KILL] = "a fault, and killed in the rollback",
	[CASE_ROLLBACK_FAIL] = "a fault, and another in the rollback",
	[CASE_RECOVERY_KILL] = "killed, and killed again in the recovery",
	[CASE_RECOVERY_FAIL] = "killed, and a fault in the recovery",
	[CASE_SEEDED] = "seeded",
};

struct counts {
	unsigned int cases[CASE_KIND_COUNT];
	unsigned int wrong[CASE_KIND_COUNT];
};

struct work {
	struct scene scene;
	unsigned int worker, worker_count;
	unsigned int number; /* of the case in the enumeration */
	enum extent extent;
	struct counts *counts; /* shared */
};

static bool is_mine(struct work *work)
{
	return work->number++ % work->worker_count == work->worker;
}

static void run(struct work *work, enum case_kind kind, struct torture_case *tc)
{
	bool is_right;

	tc->kind = case_kind_words[kind];
	is_right = scene_run(&work->scene, tc);
	__atomic_fetch_add(&work->counts->cases[kind], 1, __ATOMIC_RELAXED);
	if (!is_right)
		__atomic_fetch_add(&work->counts->wrong[kind], 1, __ATOMIC_RELAXED);
}

static void one_fault(struct work *work, enum case_kind kind, struct fault fault)
{
	struct torture_case tc = {
		.run_count = 1,
		.runs[0] = {.count = 1, .faults[0] = fault},
	};

	if (is_mine(work))
		run(work, kind, &tc);
}

/* ---- one fault ---------------------------------------------------------------------------------- */

static void call_fails(struct work *work, unsigned int at, const struct event *event)
{
	static const nvmlReturn_t done_codes[] = {NVML_ERROR_TIMEOUT, NVML_ERROR_UNKNOWN,
						  NVML_ERROR_GPU_IS_LOST, NVML_ERROR_IN_USE};
	nvmlReturn_t codes[CODES_MAX];
	unsigned int count = fault_codes(event->what, codes);
	int last_span = work->extent == EXTENT_EXHAUSTIVE ? FAULT_ALL : FAULT_ONCE;

	for (unsigned int i = 0; i < count; i++) {
		/* In the others UNKNOWN stands for all. */
		if (work->extent == EXTENT_EACH_ONCE && codes[i] != NVML_ERROR_UNKNOWN)
			continue;
		for (int span = FAULT_ONCE; span <= last_span; span++)
			one_fault(work, CASE_CALL, (struct fault){at, FAULT_FAIL, span, codes[i]});
	}
	for (size_t i = 0; event->is_changing && i < MIG_ARRAY_SIZE(done_codes); i++)
		one_fault(work, CASE_DONE,
			  (struct fault){at, FAULT_FAIL_AFTER, FAULT_ONCE, done_codes[i]});
}

static void disk_fails(struct work *work, unsigned int at)
{
	static const int errnos[] = {ENOSPC, EIO};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(errnos); i++) {
		for (int span = FAULT_ONCE; span <= FAULT_ALL; span++)
			one_fault(work, CASE_DISK, (struct fault){at, FAULT_FAIL, span, errnos[i]});
	}
}

static void reset_fails(struct work *work, unsigned int at)
{
	for (int span = FAULT_ONCE; span <= FAULT_FUNCTION; span++) {
		one_fault(work, CASE_RESET, (struct fault){at, FAULT_FAIL, span, 0});
		one_fault(work, CASE_RESET, (struct fault){at, FAULT_FAIL_AFTER, span, 0});
	}
}

/* The ways to be killed at an event; 0 behind the last. */
static const enum fault_action *kills_of(const struct event *event)
{
	static const enum fault_action of_step[] = {FAULT_KILL_BEFORE, FAULT_NONE};
	static const enum fault_action of_call[] = {FAULT_KILL_BEFORE, FAULT_KILL_AFTER,
						    FAULT_NONE};
	static const enum fault_action of_write[] = {FAULT_KILL_BEFORE, FAULT_KILL_MIDDLE,
						     FAULT_KILL_AFTER, FAULT_NONE};

	if (event->kind == EVENT_STEP || event->kind == EVENT_STEP_AFTER)
		return of_step;
	return event->kind == EVENT_WRITE ? of_write : of_call;
}

static void single_faults(struct work *work)
{
	const struct event_log *log = work->scene.baseline;

	for (unsigned int at = 0; at < log->count; at++) {
		const struct event *event = &log->events[at];

		if (event->kind == EVENT_CALL)
			call_fails(work, at, event);
		else if (event->kind == EVENT_RESET)
			reset_fails(work, at);
		else
			disk_fails(work, at);
		for (const enum fault_action *kill = kills_of(event); *kill != FAULT_NONE; kill++)
			one_fault(work, CASE_KILL, (struct fault){.at = at, .action = *kill});
		one_fault(work, CASE_INTERRUPT,
			  (struct fault){.at = at, .action = FAULT_INTERRUPT});
	}
}

/* ---- two ---------------------------------------------------------------------------------------- */

/* The events of a probe, for as long as cases run. */
static struct event_log *copy_log(const struct scene *scene)
{
	struct event_log *copy = malloc(sizeof(*copy));

	MIG_ASSERT(copy != NULL);
	*copy = scene->shared->log;
	return copy;
}

static void second_fault(struct work *work, struct torture_case *tc, unsigned int r,
			 enum case_kind kind, struct fault fault)
{
	tc->runs[r].faults[tc->runs[r].count++] = fault;
	run(work, kind, tc);
	tc->runs[r].count--;
}

/*
 * All second faults in process `r` of the case, at events from `from` on. A kill behind an event that
 * changes nothing is one before the next event.
 */
static void second_faults(struct work *work, struct torture_case *tc, unsigned int r,
			  unsigned int from, enum case_kind if_killed, enum case_kind if_failed)
{
	bool is_all = work->extent == EXTENT_EXHAUSTIVE;
	struct event_log *log;

	scene_probe(&work->scene, tc);
	log = copy_log(&work->scene);
	for (unsigned int at = from; at < log->count; at++) {
		const struct event *event = &log->events[at];
		struct fault fault = {.at = at,
				      .action = FAULT_FAIL,
				      .code = event->kind == EVENT_CALL ? (int)NVML_ERROR_UNKNOWN
									: ENOSPC};

		if (!is_all && !event->is_changing)
			continue;
		second_fault(work, tc, r, if_failed, fault);
		for (const enum fault_action *kill = kills_of(event); *kill != FAULT_NONE; kill++) {
			if (*kill == FAULT_KILL_BEFORE || event->is_changing)
				second_fault(work, tc, r, if_killed,
					     (struct fault){.at = at, .action = *kill});
		}
		fault.span = FAULT_FUNCTION;
		if (is_all && event->is_changing)
			second_fault(work, tc, r, if_failed, fault);
	}
	free(log);
}

static void rollback_faults(struct work *work)
{
	const struct event_log *log = work->scene.baseline;

	for (unsigned int at = 0; at < log->count; at++) {
		const struct event *event = &log->events[at];
		struct torture_case tc = {.run_count = 1, .runs[0].count = 1};
		bool is_call = event->kind == EVENT_CALL;

		if (!event->is_changing || !is_mine(work))
			continue;
		tc.runs[0].faults[0] = (struct fault){at, FAULT_FAIL, FAULT_ONCE,
						      is_call ? NVML_ERROR_UNKNOWN : ENOSPC};
		second_faults(work, &tc, 0, at + 1, CASE_ROLLBACK_KILL, CASE_ROLLBACK_FAIL);
		if (!is_call)
			continue;
		tc.runs[0].faults[0].action = FAULT_FAIL_AFTER;
		second_faults(work, &tc, 0, at + 1, CASE_ROLLBACK_KILL, CASE_ROLLBACK_FAIL);
	}
}

static void recovery_faults(struct work *work)
{
	const struct event_log *log = work->scene.baseline;

	for (unsigned int at = 0; at < log->count; at++) {
		const struct event *event = &log->events[at];

		if (!event->is_changing)
			continue;
		for (const enum fault_action *kill = kills_of(event); *kill != FAULT_NONE; kill++) {
			struct torture_case tc = {.run_count = 2, .runs[0].count = 1};

			if (!is_mine(work))
				continue;
			tc.runs[0].faults[0] = (struct fault){.at = at, .action = *kill};
			second_faults(work, &tc, 1, 0, CASE_RECOVERY_KILL, CASE_RECOVERY_FAIL);
		}
	}
}

/* ---- seeded ------------------------------------------------------------------------------------- */

/* xorshift; the same numbers everywhere. */
static unsigned int draw(uint64_t *state, unsigned int below)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (unsigned int)((*state >> 11) % below);
}

static void draw_fault(struct fault *fault, const struct event_log *log, uint64_t *state)
{
	unsigned int at = draw(state, log->count + log->count / 4);
	const struct event *event = &log->events[at % log->count];
	nvmlReturn_t codes[CODES_MAX];
	unsigned int code_count;

	fault->at = at;
	fault->action = FAULT_FAIL + (enum fault_action)draw(state, FAULT_INTERRUPT);
	fault->span = (enum fault_span)draw(state, FAULT_ALL + 1);
	if (event->kind == EVENT_CALL) {
		code_count = fault_codes(event->what, codes);
		fault->code = codes[draw(state, code_count)];
	} else {
		fault->code = ENOSPC;
	}
	/* A call that only reads and is done and fails has not been done. */
	if (fault->action == FAULT_FAIL_AFTER && !event->is_changing)
		fault->action = FAULT_FAIL;
}

static void seeded(struct work *work, unsigned int seed)
{
	uint64_t state = UINT64_C(0x9e3779b97f4a7c15) * (seed + 1);
	struct torture_case tc = {0};

	for (unsigned int i = 0; i < 8; i++)
		draw(&state, 2);
	tc.run_count = 1 + draw(&state, RUNS_MAX);
	for (unsigned int r = 0; r < tc.run_count; r++) {
		tc.runs[r].count = 1 + draw(&state, 2);
		for (unsigned int f = 0; f < tc.runs[r].count; f++)
			draw_fault(&tc.runs[r].faults[f], work->scene.baseline, &state);
	}
	run(work, CASE_SEEDED, &tc);
}

/* ---- workers ------------------------------------------------------------------------------------ */

struct job {
	unsigned int first, count;
	enum extent extent;
	bool is_seeded;
	const char *column;
};

static void open_scene(struct work *work, unsigned int transition)
{
	char name[64];

	mig_text_format(name, sizeof(name), "node-%u-%u", work->worker, transition);
	scene_open(&work->scene, &transitions[transition], name);
}

static void do_transitions(struct work *work, const struct job *job)
{
	for (unsigned int t = job->first; t < job->first + job->count; t++) {
		open_scene(work, t);
		work->extent = job->extent;
		single_faults(work);
		if (job->extent != EXTENT_EACH_ONCE) {
			rollback_faults(work);
			recovery_faults(work);
		}
		scene_close(&work->scene);
	}
}

/* A worker's transitions are its own: making a node costs more than a case. */
static void do_seeds(struct work *work, const struct job *job)
{
	for (unsigned int t = work->worker; t < transition_count; t += work->worker_count) {
		open_scene(work, t);
		for (unsigned int s = job->first; s < job->first + job->count; s++) {
			if (s % transition_count == t)
				seeded(work, s);
		}
		scene_close(&work->scene);
	}
}

/* The text of a cell of a table's line, from 0; NULL: there are not so many. */
static const char *cell_of(const char *line, unsigned int number)
{
	for (unsigned int i = 0; i <= number; i++) {
		line += strcspn(line, "|");
		if (*line++ == '\0')
			return NULL;
	}
	return line + strspn(line, " ");
}

static bool begins_with(const char *text, const char *beginning)
{
	return text != NULL && strncmp(text, beginning, strlen(beginning)) == 0;
}

/* The number, written with commas, in a row and column of the table in docs/torture.md; else 0. */
static unsigned int documented(const char *row, const char *column)
{
	_cleanup_free_ char *path = mig_path_join(mig_test_source_root(), "docs/torture.md");
	FILE *page = fopen(path, "re");
	unsigned int at = 0, number = 0;
	char line[512];

	MIG_ASSERT(page != NULL);
	while (fgets(line, sizeof(line), page) != NULL) {
		for (unsigned int i = 1; at == 0 && cell_of(line, i) != NULL; i++)
			at = begins_with(cell_of(line, i), column) ? i : 0;
		if (at == 0 || !begins_with(cell_of(line, 0), row))
			continue;
		for (const char *c = cell_of(line, at); c != NULL && *c != ' ' && *c != '|'; c++) {
			if (*c >= '0' && *c <= '9')
				number = number * 10 + (unsigned int)(*c - '0');
		}
	}
	fclose(page);
	return number;
}

/* A tenth more or less comes with every change of the code under test. */
static void check_documented(const struct counts *counts, const char *column)
{
	for (int i = 0; column != NULL && i < CASE_KIND_COUNT; i++) {
		unsigned int said = documented(case_kind_words[i], column);
		unsigned int is = counts->cases[i];

		MIG_ASSERT_MSG(said <= is + is / 10 + 2 && said + said / 10 + 2 >= is,
			       "docs/torture.md says %u cases of '%s' for %s, and there are %u",
			       said, case_kind_words[i], column, is);
	}
}

static unsigned int report(const struct counts *counts)
{
	unsigned int cases = 0, wrong = 0;

	for (int i = 0; i < CASE_KIND_COUNT; i++) {
		cases += counts->cases[i];
		wrong += counts->wrong[i];
		if (counts->cases[i] > 0)
			printf("%-50s %7u cases, %u wrong\n", case_kind_words[i], counts->cases[i],
			       counts->wrong[i]);
	}
	printf("%-50s %7u cases, %u wrong\n", "all", cases, wrong);
	MIG_ASSERT(cases > 0);
	return wrong;
}

static void do_job(const struct job *job)
{
	unsigned int worker_count = MIG_MIN((unsigned int)get_nprocs(), (unsigned int)WORKERS_MAX);
	struct counts *counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pids[WORKERS_MAX];
	bool is_whole = true;

	MIG_ASSERT(counts != MAP_FAILED);
	for (unsigned int i = 0; i < worker_count; i++) {
		struct work work = {.worker = i, .worker_count = worker_count, .counts = counts};

		fflush(NULL);
		pids[i] = fork();
		MIG_ASSERT(pids[i] >= 0);
		if (pids[i] != 0)
			continue;
		if (job->is_seeded)
			do_seeds(&work, job);
		else
			do_transitions(&work, job);
		fflush(NULL);
		_exit(0);
	}
	for (unsigned int i = 0; i < worker_count; i++) {
		int status = 0;

		while (waitpid(pids[i], &status, 0) < 0)
			MIG_ASSERT_INT_EQ(errno, EINTR);
		is_whole = is_whole && status == 0;
	}
	MIG_ASSERT_INT_EQ(report(counts), 0);
	MIG_ASSERT_MSG(is_whole, "a worker ended early");
	check_documented(counts, job->column);
	munmap(counts, sizeof(*counts));
}

void cases_run(unsigned int first, unsigned int count, enum extent extent, const char *column)
{
	const struct job job = {.first = first, .count = count, .extent = extent, .column = column};

	do_job(&job);
}

void cases_run_seeds(unsigned int first, unsigned int count, const char *column)
{
	const struct job job = {
		.first = first, .count = count, .is_seeded = true, .column = column};

	do_job(&job);
}
