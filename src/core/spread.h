/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Choosing one option for each GPU so that their counts add up to given totals at the least cost:
 * the search behind core/totals.h. Numbers only; knows nothing of GPUs, profiles or NVML.
 *
 * Costs are compared in four levels, each in turn made as small as it can be while those before it
 * keep their best: harm to what is held, GPU instances destroyed, the other harm, and taste.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/target.h"

enum mig_spread_part {
	/* level 0 */
	MIG_SPREAD_VIOLATED, /* held compute instances destroyed where they must stay */
	MIG_SPREAD_HELD,     /* held compute instances destroyed */
	/* level 1 */
	MIG_SPREAD_GI, /* GPU instances destroyed */
	/* level 2 */
	MIG_SPREAD_CI,	 /* compute instances destroyed */
	MIG_SPREAD_MODE, /* MIG modes changed */
	/* level 3 */
	MIG_SPREAD_GI_COUNT, /* GPU instances */
	MIG_SPREAD_ROOM,     /* (profile, placement) pairs that become impossible */
	MIG_SPREAD_TIE,	     /* slices by GPU number: lower GPUs first */
	MIG_SPREAD_PART_COUNT,
};

#define MIG_SPREAD_LEVELS  4
#define MIG_SPREAD_VOLUMES 3

struct mig_spread_option {
	uint8_t counts[MIG_TARGET_DEVICES_MAX];
	uint32_t parts[MIG_SPREAD_PART_COUNT];
};

struct mig_spread_gpu {
	unsigned int option_count;
	struct mig_spread_option *options; /* [0] has no counts */
	unsigned int chosen;		   /* result */
};

struct mig_spread {
	unsigned int kind_count;
	unsigned int totals[MIG_TARGET_DEVICES_MAX]; /* each at most MIG_SPREAD_TOTAL_MAX */
	/* Measures of how much of a GPU a device takes, any numbers: what is left of the totals must
	 * not be more, in any of them, than what the GPUs that are left can take at the most. */
	uint32_t volumes[MIG_SPREAD_VOLUMES][MIG_TARGET_DEVICES_MAX];
	unsigned int gpu_count;
	struct mig_spread_gpu *gpus;
	uint64_t step_max; /* options looked at for levels 0 to 2; 0: as many as it takes */
	/* result */
	unsigned int left_over[MIG_TARGET_DEVICES_MAX]; /* what no GPU got; the fewest in number */
	bool is_proven[MIG_SPREAD_LEVELS];		/* no choice is better at this level */
	uint64_t bound[2]; /* level 0 and 1: no choice costs less (see core/plan.h) */
	uint64_t steps;
};

#define MIG_SPREAD_TOTAL_MAX 65535

/* Sets the results. Something left over: only level 0 was done, and its costs mean nothing. Returns
 * 0, or -1 with *err: NO_MEMORY. */
int mig_spread_solve(struct mig_spread *spread, struct mig_error **err) MIG_MUST_CHECK;

/* A sum over the chosen options. */
uint64_t mig_spread_sum(const struct mig_spread *spread, enum mig_spread_part part);

#define MIG_SPREAD_NONE UINT32_MAX

/*
 * Multipliers for the lower bound of one level, from its linear relaxation: `price` for each device
 * of a kind, `weight` for each unit that an earlier level's cost differs from `limit`. Any values
 * give a true bound; these give a good one. cost[] is by gpu and option, `limit` costs are in cost
 * of levels 0..level-1. Starts at the chosen options. Deterministic.
 */
struct mig_spread_lp {
	const struct mig_spread *spread;
	unsigned int level;
	const int64_t *const *costs[MIG_SPREAD_LEVELS]; /* [level][gpu][option] */
	int64_t limit[MIG_SPREAD_LEVELS];
	double left_over_cost;
	double price[MIG_TARGET_DEVICES_MAX];
	double weight[MIG_SPREAD_LEVELS];
	uint32_t *whole; /* by gpu: the option that it takes whole, or MIG_SPREAD_NONE */
};
int mig_spread_lp_solve(struct mig_spread_lp *lp, struct mig_error **err) MIG_MUST_CHECK;
