/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Choosing options that add up to totals: against every choice there is, on random numbers that no
 * GPU has, and what is said of the answer when the steps are used up.
 */
#include "core/spread.h"

#include <stdlib.h>
#include <string.h>

#include "tests/harness/test.h"

#define GPUS_MAX    5
#define OPTIONS_MAX 12

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525U + 1013904223U;
	return *seed >> 8;
}

/* Options with up to `most` of each kind. Each is there with everything less, as layouts are, so
 * that what is left over is a set of its own. */
static void make_gpu(struct mig_spread_gpu *gpu, unsigned int kinds, unsigned int most,
		     uint32_t *seed)
{
	gpu->option_count = 2 + next_random(seed) % (OPTIONS_MAX - 1);
	gpu->options = calloc(gpu->option_count, sizeof(*gpu->options));
	MIG_ASSERT(gpu->options != NULL);
	for (unsigned int o = 0; o < gpu->option_count; o++) {
		struct mig_spread_option *option = &gpu->options[o];

		for (unsigned int k = 0; o > 0 && k < kinds; k++)
			option->counts[k] = (uint8_t)(next_random(seed) % (most + 1));
		for (unsigned int p = 0; p < MIG_SPREAD_PART_COUNT; p++)
			option->parts[p] = next_random(seed) % 4;
		option->parts[MIG_SPREAD_VIOLATED] = next_random(seed) % 5 == 0;
	}
}

static struct mig_spread make_problem(unsigned int gpus, unsigned int kinds, unsigned int most,
				      uint32_t *seed)
{
	struct mig_spread spread = {.kind_count = kinds, .gpu_count = gpus};

	spread.gpus = calloc(gpus, sizeof(*spread.gpus));
	MIG_ASSERT(spread.gpus != NULL);
	for (unsigned int g = 0; g < gpus; g++) {
		const struct mig_spread_option *some;

		make_gpu(&spread.gpus[g], kinds, most, seed);
		some = &spread.gpus[g].options[next_random(seed) % spread.gpus[g].option_count];
		for (unsigned int k = 0; k < kinds; k++)
			spread.totals[k] += some->counts[k];
	}
	/* One more than some choice gives: mostly it does not fit. */
	if (next_random(seed) % 5 == 0)
		spread.totals[0]++;
	return spread;
}

static void clear(struct mig_spread *spread)
{
	for (unsigned int g = 0; g < spread->gpu_count; g++)
		free(spread->gpus[g].options);
	free(spread->gpus);
}

/* Left over first, then all parts in their order. */
struct value {
	uint64_t left;
	uint64_t parts[MIG_SPREAD_PART_COUNT];
};

static bool is_less(const struct value *a, const struct value *b)
{
	if (a->left != b->left)
		return a->left < b->left;
	for (unsigned int p = 0; p < MIG_SPREAD_PART_COUNT; p++) {
		if (a->parts[p] != b->parts[p])
			return a->parts[p] < b->parts[p];
	}
	return false;
}

static void try_all(const struct mig_spread *spread, unsigned int g, const unsigned int *rest,
		    const struct value *so_far, struct value *best)
{
	if (g == spread->gpu_count) {
		struct value value = *so_far;

		for (unsigned int k = 0; k < spread->kind_count; k++)
			value.left += rest[k];
		if (is_less(&value, best))
			*best = value;
		return;
	}
	for (unsigned int o = 0; o < spread->gpus[g].option_count; o++) {
		const struct mig_spread_option *option = &spread->gpus[g].options[o];
		unsigned int less[MIG_TARGET_DEVICES_MAX] = {0};
		struct value value = *so_far;
		bool fits = true;

		for (unsigned int k = 0; k < spread->kind_count; k++) {
			fits = fits && option->counts[k] <= rest[k];
			less[k] = rest[k] - option->counts[k];
		}
		for (unsigned int p = 0; p < MIG_SPREAD_PART_COUNT; p++)
			value.parts[p] += option->parts[p];
		if (fits)
			try_all(spread, g + 1, less, &value, best);
	}
}

static struct value best_of(const struct mig_spread *spread)
{
	struct value best = {.left = UINT64_MAX};

	try_all(spread, 0, spread->totals, &(struct value){0}, &best);
	return best;
}

static struct value value_of(const struct mig_spread *spread)
{
	struct value value = {0};

	for (unsigned int k = 0; k < spread->kind_count; k++) {
		unsigned int sum = spread->left_over[k];

		value.left += spread->left_over[k];
		for (unsigned int g = 0; g < spread->gpu_count; g++)
			sum += spread->gpus[g].options[spread->gpus[g].chosen].counts[k];
		MIG_ASSERT_UINT_EQ(sum, spread->totals[k]);
	}
	for (unsigned int p = 0; p < MIG_SPREAD_PART_COUNT; p++)
		value.parts[p] = mig_spread_sum(spread, p);
	return value;
}

MIG_TEST(spread_against_every_choice)
{
	uint32_t seed = 1;

	for (unsigned int n = 0; n < 1500; n++) {
		struct mig_spread spread =
			make_problem(1 + n % GPUS_MAX, 1 + n % 4, 1 + n % 3, &seed);
		struct value best = best_of(&spread), got;

		MIG_ASSERT_INT_EQ(mig_spread_solve(&spread, NULL), 0);
		got = value_of(&spread);
		MIG_ASSERT_UINT_EQ(got.left, best.left);
		MIG_ASSERT(spread.is_proven[0]);
		for (unsigned int p = 0; best.left == 0 && p < MIG_SPREAD_PART_COUNT; p++)
			MIG_ASSERT_UINT_EQ(got.parts[p], best.parts[p]);
		if (best.left == 0)
			MIG_ASSERT_UINT_EQ(spread.bound[1], got.parts[MIG_SPREAD_GI]);
		clear(&spread);
	}
}

/* The bound that is said, against the truth: with few steps an answer may be anything, but no bound
 * is above the best one. */
MIG_TEST(spread_with_few_steps_says_what_it_does_not_know)
{
	unsigned int unproven = 0;
	uint32_t seed = 2;

	for (unsigned int n = 0; n < 300; n++) {
		struct mig_spread spread = make_problem(5, 4, 2, &seed);
		struct value best = best_of(&spread), got;
		bool is_proven;

		spread.step_max = 60 + next_random(&seed) % 6000;
		for (unsigned int p = 0; p < MIG_SPREAD_PART_COUNT; p++)
			best.parts[p] = best.left == 0 ? best.parts[p] : 0;
		MIG_ASSERT_INT_EQ(mig_spread_solve(&spread, NULL), 0);
		got = value_of(&spread);
		MIG_ASSERT(got.left >= best.left);
		is_proven = spread.is_proven[0] && spread.is_proven[1];
		unproven += !is_proven;
		if (best.left > 0 || got.left > 0) {
			clear(&spread);
			continue;
		}
		MIG_ASSERT(!is_less(&got, &best));
		if (best.parts[MIG_SPREAD_VIOLATED] == 0)
			MIG_ASSERT(spread.bound[0] <= best.parts[MIG_SPREAD_HELD]);
		if (spread.is_proven[0]) {
			MIG_ASSERT_UINT_EQ(got.parts[MIG_SPREAD_VIOLATED],
					   best.parts[MIG_SPREAD_VIOLATED]);
			MIG_ASSERT_UINT_EQ(got.parts[MIG_SPREAD_HELD], best.parts[MIG_SPREAD_HELD]);
			MIG_ASSERT(spread.bound[1] <= best.parts[MIG_SPREAD_GI]);
		}
		if (is_proven)
			MIG_ASSERT_UINT_EQ(got.parts[MIG_SPREAD_GI], best.parts[MIG_SPREAD_GI]);
		MIG_ASSERT(spread.bound[1] <= got.parts[MIG_SPREAD_GI]);
		clear(&spread);
	}
	MIG_ASSERT(unproven > 0); /* else this shows nothing */
}

MIG_TEST(spread_of_nothing)
{
	struct mig_spread_option empty = {.parts = {[MIG_SPREAD_GI] = 3}};
	struct mig_spread_gpu gpu = {.option_count = 1, .options = &empty};
	struct mig_spread spread = {.gpu_count = 1, .gpus = &gpu};

	MIG_ASSERT_INT_EQ(mig_spread_solve(&spread, NULL), 0);
	MIG_ASSERT_UINT_EQ(mig_spread_sum(&spread, MIG_SPREAD_GI), 3);
	MIG_ASSERT(spread.is_proven[0] && spread.is_proven[1] && spread.is_proven[2]);
	spread.kind_count = 1;
	spread.totals[0] = 5;
	MIG_ASSERT_INT_EQ(mig_spread_solve(&spread, NULL), 0);
	MIG_ASSERT_UINT_EQ(spread.left_over[0], 5);
}

/* Counts that fill many words, and more than a byte. */
MIG_TEST(spread_of_64_kinds)
{
	struct mig_spread spread = {.gpu_count = 40, .kind_count = MIG_TARGET_DEVICES_MAX};

	spread.gpus = calloc(spread.gpu_count, sizeof(*spread.gpus));
	MIG_ASSERT(spread.gpus != NULL);
	for (unsigned int k = 0; k < spread.kind_count; k++)
		spread.totals[k] = k % 7 * 40;
	for (unsigned int g = 0; g < spread.gpu_count; g++) {
		spread.gpus[g].option_count = 3;
		spread.gpus[g].options = calloc(3, sizeof(*spread.gpus[g].options));
		MIG_ASSERT(spread.gpus[g].options != NULL);
		for (unsigned int k = 0; k < spread.kind_count; k++) {
			spread.gpus[g].options[1].counts[k] = (uint8_t)(k % 7);
			spread.gpus[g].options[2].counts[k] = (uint8_t)(k % 6);
		}
		spread.gpus[g].options[1].parts[MIG_SPREAD_HELD] = 1;
	}
	MIG_ASSERT_INT_EQ(mig_spread_solve(&spread, NULL), 0);
	MIG_ASSERT_UINT_EQ(value_of(&spread).left, 0);
	MIG_ASSERT_UINT_EQ(mig_spread_sum(&spread, MIG_SPREAD_HELD), 40);
	clear(&spread);
}
