/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long the planner takes, on the published instances of tests/data/totals: plans of one GPU, of
 * the totals of eight GPUs, of 32 GPUs (four instances together), and of eight GPUs with totals of
 * parts of GPU instances and media extensions, too. From a snapshot that has been read to a plan.
 * Prints figures as TAP comments and asserts none of them; what can fail is that there is a plan.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shared/macros.h"
#include "tests/harness/test.h"
#include "tests/unit/totals_case.h"

#define TIMES_MAX 8192

static double times_us[TIMES_MAX];
static unsigned int time_count;

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print_times(const char *what)
{
	qsort(times_us, time_count, sizeof(times_us[0]), compare);
	printf("%s: %u plans, median %.1f us, 95 %% within %.1f us, longest %.1f us\n", what,
	       time_count, times_us[time_count / 2], times_us[time_count * 95 / 100],
	       times_us[time_count - 1]);
	time_count = 0;
}

/* The median of five, so that who else uses the machine counts less. Whether it is optimal. */
static bool measure(const struct mig_snapshot *snapshot, const struct mig_target *target)
{
	double runs[5];
	bool is_optimal = false;

	for (unsigned int i = 0; i < MIG_ARRAY_SIZE(runs); i++) {
		struct mig_plan *plan = NULL;
		struct mig_error *err = NULL;
		double begin = now_us();

		if (mig_plan_make(snapshot, target, &plan, &err) < 0)
			MIG_FAIL("refused: %s", mig_error_message(err));
		runs[i] = now_us() - begin;
		is_optimal = plan->is_optimal;
		mig_plan_free(plan);
	}
	qsort(runs, MIG_ARRAY_SIZE(runs), sizeof(runs[0]), compare);
	MIG_ASSERT(time_count < TIMES_MAX);
	times_us[time_count++] = runs[MIG_ARRAY_SIZE(runs) / 2];
	return is_optimal;
}

MIG_TEST(bench_plan_of_one_gpu)
{
	static const char *const sets[][3] = {
		{"7g.40gb"},
		{"4g.20gb", "2g.10gb", "1g.5gb"},
		{"3g.20gb", "2g.10gb", "1g.5gb"},
		{"1g.5gb", "1g.10gb", "1g.5gb+me"},
		{"1c.3g.20gb", "2c.3g.20gb", "2g.10gb"},
	};

	for (unsigned int n = 0; n < TOTALS_CASES; n++) {
		struct totals_case made;

		totals_case_read(n, 1, &made);
		made.target->total_count = 0;
		for (unsigned int g = 0; g < 8; g++)
			made.target->gpus[g].shares_totals = false;
		for (unsigned int i = 0; i < 8 * MIG_ARRAY_SIZE(sets); i++) {
			unsigned int g = i % 8;
			struct mig_gpu_target *target = &made.target->gpus[g];

			memset(target, 0, sizeof(*target));
			target->is_named = target->mig_mode = true;
			for (unsigned int k = 0; k < 3 && sets[i / 8][k] != NULL; k++) {
				unsigned int gi_row, ci_row;

				MIG_ASSERT_INT_EQ(mig_facts_find(made.snapshot->gpus[g].facts,
								 sets[i / 8][k], &gi_row, &ci_row),
						  0);
				MIG_ASSERT_INT_EQ(mig_target_add(target, gi_row, ci_row, 1, NULL),
						  0);
			}
			measure(made.snapshot, made.target);
			target->is_named = false;
		}
		totals_case_clear(&made);
	}
	print_times("one GPU");
}

MIG_TEST(bench_plan_of_totals)
{
	static const unsigned int counts[] = {1, 2, 4};

	for (unsigned int c = 0; c < MIG_ARRAY_SIZE(counts); c++) {
		unsigned int optimal = 0;
		char what[64];

		for (unsigned int n = 0; n < TOTALS_CASES; n++) {
			struct totals_case made;

			totals_case_read(n, counts[c], &made);
			optimal += measure(made.snapshot, made.target);
			totals_case_clear(&made);
		}
		snprintf(what, sizeof(what), "%u GPUs with totals (%u optimal)", counts[c] * 8,
			 optimal);
		print_times(what);
	}
}

/* Twelve kinds of devices, parts of GPU instances among them. */
MIG_TEST(bench_plan_of_totals_of_many_kinds)
{
	static const struct mig_wanted_total totals[] = {
		{"1g.5gb", 5},	   {"1g.5gb+me", 3},  {"1g.10gb", 4},	 {"2g.10gb", 2},
		{"1c.2g.10gb", 3}, {"3g.20gb", 1},    {"1c.3g.20gb", 4}, {"2c.3g.20gb", 2},
		{"4g.20gb", 1},	   {"2c.4g.20gb", 2}, {"7g.40gb", 1},	 {"1c.4g.20gb", 2},
	};

	unsigned int optimal = 0;
	char what[64];

	for (unsigned int n = 0; n < TOTALS_CASES; n++) {
		struct totals_case made;

		totals_case_read(n, 1, &made);
		made.target->total_count = MIG_ARRAY_SIZE(totals);
		memcpy(made.target->totals, totals, sizeof(totals));
		optimal += measure(made.snapshot, made.target);
		totals_case_clear(&made);
	}
	snprintf(what, sizeof(what), "8 GPUs with totals of 12 kinds (%u optimal)", optimal);
	print_times(what);
}
