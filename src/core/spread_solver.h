/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside core/spread: what its search (spread.c) and its costs and bounds (spread_cost.c) share. No
 * business of anybody else.
 */
#pragma once

#include "core/spread.h"

#define MIG_SPREAD_SCALE(level) ((level) == 3 ? INT64_C(1) << 4 : INT64_C(1) << 16)

/* An option with what the search needs of it, in the order in which it is tried. */
struct mig_spread_choice {
	int64_t reduced[MIG_SPREAD_LEVELS];
	int64_t volume[MIG_SPREAD_VOLUMES];
	uint32_t option;
};

/* Ways that take the same from the totals are one. */
struct mig_spread_way {
	int64_t bound[MIG_SPREAD_LEVELS];   /* scaled */
	int64_t volume[MIG_SPREAD_VOLUMES]; /* of what is left of the totals */
	uint32_t parent;
	uint32_t option;
};

struct mig_spread_order {
	int64_t bound;
	int64_t volume;
	uint32_t way;
};

struct mig_spread_solver {
	struct mig_spread *spread;
	struct mig_error **err;
	/* Counts packed into words, a free bit above each that shows when one goes below zero. */
	unsigned int words;
	unsigned int kind_word[MIG_TARGET_DEVICES_MAX], kind_shift[MIG_TARGET_DEVICES_MAX];
	uint64_t kind_mask[MIG_TARGET_DEVICES_MAX];
	uint64_t guard[MIG_TARGET_DEVICES_MAX];
	uint64_t *packed;   /* of all options, by GPU */
	uint64_t *capacity; /* what GPUs from g on can take, by g */
	int64_t *volume_capacity[MIG_SPREAD_VOLUMES];
	unsigned int *first_option;
	unsigned int option_total;
	int64_t *cost_memory[MIG_SPREAD_LEVELS];
	const int64_t **costs[MIG_SPREAD_LEVELS]; /* [gpu][option] */
	int64_t left_over_cost[MIG_SPREAD_LEVELS];
	int64_t limit[MIG_SPREAD_LEVELS]; /* what is known to be reachable, not scaled */
	int64_t price[MIG_SPREAD_LEVELS][MIG_TARGET_DEVICES_MAX]; /* scaled */
	int64_t root[MIG_SPREAD_LEVELS];			  /* bound before any choice */
	struct mig_spread_choice *choices;			  /* by GPU */
	uint32_t *whole; /* by GPU: what the relaxation gives it undivided */
	uint32_t *fixed; /* by GPU: the only option to try, or MIG_SPREAD_NONE */
	/* one search */
	unsigned int level;
	bool must_place; /* nothing may be left over */
	uint32_t *layer; /* first way of each layer, and the end of the last */
	uint32_t way_count;
	struct mig_spread_way *ways;
	size_t ways_allocated;
	uint64_t *rests; /* by way */
	size_t rests_allocated;
	uint32_t *slots;
	uint32_t slot_count;
	struct mig_spread_order *order;
	size_t order_allocated;
	int64_t dropped; /* least bound of a way that was left out; not scaled */
};

/* -1, with an error that says so. */
int mig_spread_no_memory(struct mig_spread_solver *s);

/* Counts in words. subtract: out = a - b; false if any count of b is more than that of a. */
void mig_spread_choose_packing(struct mig_spread_solver *s);
void mig_spread_pack_all(struct mig_spread_solver *s);
void mig_spread_put_count(const struct mig_spread_solver *s, uint64_t *words, unsigned int kind,
			  unsigned int count);
unsigned int mig_spread_get_count(const struct mig_spread_solver *s, const uint64_t *words,
				  unsigned int kind);
bool mig_spread_subtract(const struct mig_spread_solver *s, const uint64_t *a, const uint64_t *b,
			 uint64_t *out);
void mig_spread_set_volumes(struct mig_spread_solver *s);

/* Each option's cost at each level; what the chosen ones cost; reduced costs and the bound. */
void mig_spread_set_costs(struct mig_spread_solver *s);
int64_t mig_spread_cost_of_chosen(const struct mig_spread_solver *s, unsigned int level);
int mig_spread_price_level(struct mig_spread_solver *s, unsigned int level);
