/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The search of spread.h: GPU by GPU, keeping for each different rest of the totals the cheapest way
 * that leaves it.
 *
 * A level's costs are turned into reduced costs: less the price of the devices that an option takes.
 * Reduced costs are never negative, so what a way has cost so far, in them, is also a lower bound of
 * what it will cost in the end; a way whose bound is no better than the best known choice is dropped.
 * Prices come from the linear relaxation, so the bound is close and few ways are left. Earlier levels
 * have bounds of their own, which keep them at what was found for them. All of this is in integers:
 * a bound is a bound, whatever the prices.
 *
 * Merging ways with equal rests is exact: with the best value of the earlier levels known, of two
 * ways to one rest the one that has cost more of an earlier level cannot end at that best value.
 *
 * First only the most promising ways of each GPU are followed, then more of them, until nothing was
 * left out (then the result is proved) or the steps are used up.
 */
#include "core/spread.h"

#include <stdlib.h>
#include <string.h>

#include "core/spread_solver.h"
#include "shared/buf.h"
#include "shared/macros.h"

#define FIRST_WIDTH	64
#define WIDTH_FACTOR	8
#define ROUND_GPUS_MIN	8 /* fewer are searched whole */
#define ROUND_WIDTH	2048
#define ROUND_FREES	4
#define ROUNDS		4
#define LEFT_OVER_STEPS 5000000 /* for the words of a refusal */
#define SHARE_VOLUME	2	/* the measure by which equal ways are ordered: least left first */
#define TASTE_STEPS	300000	/* for the last level, which does no harm */

/* ---- ways, layer by layer ---------------------------------------------------------------------- */

static uint32_t slot_of(const struct mig_spread_solver *s, const uint64_t *rest)
{
	uint64_t hash = 0;

	for (unsigned int w = 0; w < s->words; w++) {
		hash = (hash ^ rest[w]) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 29;
	}
	return (uint32_t)(hash >> 20) & (s->slot_count - 1);
}

static uint64_t *rest_of(const struct mig_spread_solver *s, uint32_t way)
{
	return &s->rests[(size_t)way * s->words];
}

/* Empties the table of the layer that begins at `first`, or makes it larger. */
static int make_slots(struct mig_spread_solver *s, uint32_t first, uint32_t count)
{
	if (count != s->slot_count) {
		uint32_t *slots = calloc(count, sizeof(*slots));

		if (slots == NULL)
			return mig_spread_no_memory(s);
		free(s->slots);
		s->slots = slots;
		s->slot_count = count;
	} else {
		memset(s->slots, 0, count * sizeof(*s->slots));
	}
	for (uint32_t w = first; w < s->way_count; w++) {
		uint32_t slot = slot_of(s, rest_of(s, w));

		while (s->slots[slot] != 0)
			slot = (slot + 1) & (s->slot_count - 1);
		s->slots[slot] = w + 1;
	}
	return 0;
}

static bool is_cheaper(const struct mig_spread_solver *s, const struct mig_spread_way *a,
		       const struct mig_spread_way *b)
{
	for (unsigned int l = 0; l <= s->level; l++) {
		if (a->bound[l] != b->bound[l])
			return a->bound[l] < b->bound[l];
	}
	return false;
}

/* Takes a way into the layer that begins at `first`. */
static int add_way(struct mig_spread_solver *s, uint32_t first, const struct mig_spread_way *way,
		   const uint64_t *rest)
{
	uint32_t slot;

	if ((s->way_count - first) * 2 >= s->slot_count &&
	    make_slots(s, first, s->slot_count * 2) < 0)
		return -1;
	slot = slot_of(s, rest);
	for (; s->slots[slot] != 0; slot = (slot + 1) & (s->slot_count - 1)) {
		uint32_t there = s->slots[slot] - 1;

		if (memcmp(rest_of(s, there), rest, s->words * sizeof(*rest)) != 0)
			continue;
		if (is_cheaper(s, way, &s->ways[there]))
			s->ways[there] = *way;
		return 0;
	}
	if (s->way_count == UINT32_MAX - 1 ||
	    mig_array_reserve(&s->ways, &s->ways_allocated, (size_t)s->way_count + 1,
			      sizeof(*s->ways)) < 0 ||
	    mig_array_reserve(&s->rests, &s->rests_allocated, ((size_t)s->way_count + 1) * s->words,
			      sizeof(*s->rests)) < 0)
		return mig_spread_no_memory(s);
	s->ways[s->way_count] = *way;
	memcpy(rest_of(s, s->way_count), rest, s->words * sizeof(*rest));
	s->slots[slot] = ++s->way_count;
	return 0;
}

/* What a way's bound at the level may be at the most: better than what is known. */
static int64_t highest_bound(const struct mig_spread_solver *s)
{
	return (s->limit[s->level] - 1) * MIG_SPREAD_SCALE(s->level);
}

/* Continues one way with every option of GPU g. */
static int extend(struct mig_spread_solver *s, unsigned int g, uint32_t from, uint32_t first)
{
	const struct mig_spread_gpu *gpu = &s->spread->gpus[g];
	const struct mig_spread_choice *choices = &s->choices[s->first_option[g]];
	const uint64_t *capacity = &s->capacity[(size_t)(g + 1) * s->words];
	int64_t highest = highest_bound(s);

	for (unsigned int c = 0; c < gpu->option_count; c++) {
		const struct mig_spread_choice *choice = &choices[c];
		const uint64_t *packed =
			&s->packed[(size_t)(s->first_option[g] + choice->option) * s->words];
		struct mig_spread_way way = {.parent = from, .option = choice->option};
		uint64_t rest[MIG_TARGET_DEVICES_MAX], over[MIG_TARGET_DEVICES_MAX];
		bool is_worse = false, is_too_much = false;

		s->spread->steps++;
		for (unsigned int l = 0; l <= s->level; l++)
			way.bound[l] = s->ways[from].bound[l] + choice->reduced[l];
		if (way.bound[s->level] > highest)
			break; /* and so are all that follow */
		if (s->fixed[g] != MIG_SPREAD_NONE && s->fixed[g] != choice->option)
			continue;
		for (unsigned int l = 0; l < s->level; l++)
			is_worse = is_worse || way.bound[l] > s->limit[l] * MIG_SPREAD_SCALE(l);
		for (unsigned int v = 0; v < MIG_SPREAD_VOLUMES; v++) {
			way.volume[v] = s->ways[from].volume[v] - choice->volume[v];
			is_too_much = is_too_much || way.volume[v] > s->volume_capacity[v][g + 1];
		}
		if (is_worse || (s->must_place && is_too_much) ||
		    !mig_spread_subtract(s, rest_of(s, from), packed, rest) ||
		    (s->must_place && !mig_spread_subtract(s, capacity, rest, over)))
			continue;
		if (add_way(s, first, &way, rest) < 0)
			return -1;
	}
	return 0;
}

static int64_t round_up(int64_t scaled, unsigned int level)
{
	int64_t scale = MIG_SPREAD_SCALE(level);

	return scaled <= 0 ? 0 : (scaled + scale - 1) / scale;
}

static int compare_order(const void *a, const void *b)
{
	const struct mig_spread_order *x = a;
	const struct mig_spread_order *y = b;

	if (x->bound != y->bound)
		return x->bound < y->bound ? -1 : 1;
	if (x->volume != y->volume)
		return x->volume < y->volume ? -1 : 1;
	return (x->way > y->way) - (x->way < y->way);
}

/* Continues the `width` most promising ways of layer g. */
static int next_layer(struct mig_spread_solver *s, unsigned int g, uint32_t width)
{
	uint32_t begin = s->layer[g], count = s->way_count - begin, first = s->way_count;

	s->layer[g + 1] = first;
	if (make_slots(s, first, MIG_MAX(s->slot_count, 1024)) < 0)
		return -1;
	if (mig_array_reserve(&s->order, &s->order_allocated, (size_t)count + 1,
			      sizeof(*s->order)) < 0)
		return mig_spread_no_memory(s);
	for (uint32_t i = 0; i < count; i++)
		s->order[i] = (struct mig_spread_order){
			.bound = round_up(s->ways[begin + i].bound[s->level], s->level),
			.volume = s->ways[begin + i].volume[SHARE_VOLUME],
			.way = begin + i,
		};
	if (count > width) {
		qsort(s->order, count, sizeof(*s->order), compare_order);
		s->dropped = MIG_MIN(s->dropped, s->order[width].bound);
		count = width;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (extend(s, g, s->order[i].way, first) < 0)
			return -1;
	}
	return 0;
}

/* Makes the best of the finished ways the chosen one, if it is better than that. */
static void choose(struct mig_spread_solver *s)
{
	struct mig_spread *spread = s->spread;
	uint32_t best = UINT32_MAX;
	int64_t least = highest_bound(s);

	for (uint32_t w = s->layer[spread->gpu_count]; w < s->way_count; w++) {
		int64_t bound = s->ways[w].bound[s->level];

		for (unsigned int k = 0; k < spread->kind_count; k++) {
			int64_t each = s->left_over_cost[s->level] * MIG_SPREAD_SCALE(s->level) -
				       s->price[s->level][k];

			bound += each * mig_spread_get_count(s, rest_of(s, w), k);
		}
		if (bound > least || (best != UINT32_MAX && bound == least))
			continue;
		least = bound;
		best = w;
	}
	if (best == UINT32_MAX)
		return;
	s->limit[s->level] = 0;
	for (unsigned int k = 0; k < spread->kind_count; k++) {
		spread->left_over[k] = mig_spread_get_count(s, rest_of(s, best), k);
		s->limit[s->level] += s->left_over_cost[s->level] * spread->left_over[k];
	}
	for (unsigned int g = spread->gpu_count; g-- > 0; best = s->ways[best].parent)
		spread->gpus[g].chosen = s->ways[best].option;
	for (unsigned int l = 0; l < s->level; l++)
		s->limit[l] = mig_spread_cost_of_chosen(s, l);
	s->limit[s->level] += mig_spread_cost_of_chosen(s, s->level);
}

/* One search with so many ways per layer. */
static int search(struct mig_spread_solver *s, uint32_t width)
{
	struct mig_spread_way root = {0};
	_cleanup_free_ uint64_t *rest = calloc(s->words, sizeof(*rest));

	if (rest == NULL)
		return mig_spread_no_memory(s);
	s->dropped = INT64_MAX;
	s->way_count = 0;
	s->layer[0] = 0;
	for (unsigned int k = 0; k < s->spread->kind_count; k++)
		mig_spread_put_count(s, rest, k, s->spread->totals[k]);
	for (unsigned int l = 0; l <= s->level; l++)
		root.bound[l] = s->root[l];
	for (unsigned int v = 0; v < MIG_SPREAD_VOLUMES; v++) {
		for (unsigned int k = 0; k < s->spread->kind_count; k++)
			root.volume[v] += (int64_t)s->spread->volumes[v][k] * s->spread->totals[k];
	}
	if (make_slots(s, 0, MIG_MAX(s->slot_count, 1024)) < 0 || add_way(s, 0, &root, rest) < 0)
		return -1;
	for (unsigned int g = 0; g < s->spread->gpu_count; g++) {
		if (next_layer(s, g, width) < 0)
			return -1;
	}
	choose(s);
	return 0;
}

/* ---- rounding ---------------------------------------------------------------------------------- */

/* What it costs at the least to give GPU g anything but its whole option. */
static int64_t cost_of_other(const struct mig_spread_solver *s, unsigned int g)
{
	const struct mig_spread_choice *choices = &s->choices[s->first_option[g]];

	if (s->spread->gpus[g].option_count < 2)
		return INT64_MAX;
	return choices[choices[0].option == s->whole[g] ? 1 : 0].reduced[s->level];
}

static void fix_all(struct mig_spread_solver *s)
{
	memcpy(s->fixed, s->whole, s->spread->gpu_count * sizeof(*s->fixed));
}

static void fix_none(struct mig_spread_solver *s)
{
	for (unsigned int g = 0; g < s->spread->gpu_count; g++)
		s->fixed[g] = MIG_SPREAD_NONE;
}

/* Sets `count` more GPUs free, those first that can change at the least cost. */
static void free_more(struct mig_spread_solver *s, unsigned int count)
{
	for (; count > 0; count--) {
		unsigned int best = s->spread->gpu_count;

		for (unsigned int g = 0; g < s->spread->gpu_count; g++) {
			if (s->fixed[g] != MIG_SPREAD_NONE &&
			    (best == s->spread->gpu_count ||
			     cost_of_other(s, g) < cost_of_other(s, best)))
				best = g;
		}
		if (best == s->spread->gpu_count)
			return;
		s->fixed[best] = MIG_SPREAD_NONE;
	}
}

/*
 * A good choice for many GPUs: the relaxation divides few of them, so the others take what they have
 * there and the search is over those few, then over a few more.
 */
static int round_relaxation(struct mig_spread_solver *s, int64_t bound, uint64_t end)
{
	int result = 0;

	fix_all(s);
	for (unsigned int i = 0; i < ROUNDS && result == 0; i++) {
		if (bound >= s->limit[s->level] || s->spread->steps >= end)
			break;
		result = search(s, ROUND_WIDTH);
		free_more(s, ROUND_FREES);
	}
	fix_none(s);
	return result;
}

/* ---- levels ------------------------------------------------------------------------------------ */

/*
 * Ever wider searches until *bound, a lower bound of what can be reached, has come up to the limit, or
 * the steps are used up (step_max 0: never).
 */
static int widen(struct mig_spread_solver *s, uint64_t step_max, bool is_sure, int64_t *bound)
{
	struct mig_spread *spread = s->spread;
	uint64_t end = spread->steps + step_max;
	unsigned int level = s->level;
	uint32_t width = FIRST_WIDTH;

	fix_none(s);
	if (spread->gpu_count > ROUND_GPUS_MIN && round_relaxation(s, *bound, end) < 0)
		return -1;
	while (*bound < s->limit[level]) {
		uint64_t left = end > spread->steps ? (end - spread->steps) / s->option_total : 0;

		if (step_max != 0 && (left == 0 || left * 2 < width))
			break;
		if (step_max != 0)
			width = (uint32_t)MIG_MIN((uint64_t)width, left);
		if (search(s, width) < 0)
			return -1;
		if (!is_sure && s->dropped == INT64_MAX)
			break;
		if (is_sure && s->dropped == INT64_MAX)
			*bound = s->limit[level];
		else if (is_sure)
			*bound = MIG_MAX(*bound, MIG_MIN(s->dropped, s->limit[level]));
		width = width > UINT32_MAX / WIDTH_FACTOR ? UINT32_MAX : width * WIDTH_FACTOR;
	}
	*bound = MIG_MIN(*bound, s->limit[level]);
	return 0;
}

static unsigned int left_over_count(const struct mig_spread *spread)
{
	unsigned int sum = 0;

	for (unsigned int k = 0; k < spread->kind_count; k++)
		sum += spread->left_over[k];
	return sum;
}

static int solve_level(struct mig_spread_solver *s, unsigned int level, uint64_t step_max)
{
	struct mig_spread *spread = s->spread;
	bool is_sure = true; /* merging is exact only on proved levels */
	int64_t bound;

	s->level = level;
	s->must_place = true;
	s->limit[level] = mig_spread_cost_of_chosen(s, level);
	for (unsigned int l = 0; l < level; l++)
		is_sure = is_sure && spread->is_proven[l];
	/* What does not place everything costs as much as what is left over, which is more than any
	 * way that does. */
	if (left_over_count(spread) > 0)
		s->limit[level] = s->left_over_cost[level];
	if (mig_spread_price_level(s, level) < 0)
		return -1;
	bound = round_up(s->root[level], level);
	if (widen(s, step_max, is_sure, &bound) < 0)
		return -1;
	spread->is_proven[level] = is_sure && bound == s->limit[level];
	if (level < 2)
		spread->bound[level] = (uint64_t)bound;
	return 0;
}

/* Nothing places everything, or nothing was found: what can be said of what is left over. */
static int leave_over(struct mig_spread_solver *s)
{
	struct mig_spread *spread = s->spread;
	int64_t bound = round_up(s->root[0], 0);

	s->must_place = false;
	s->limit[0] =
		mig_spread_cost_of_chosen(s, 0) + s->left_over_cost[0] * left_over_count(spread);
	return widen(s, LEFT_OVER_STEPS, true, &bound);
}

static int solve(struct mig_spread_solver *s)
{
	struct mig_spread *spread = s->spread;

	for (unsigned int l = 0; l < MIG_SPREAD_LEVELS; l++) {
		uint64_t steps = TASTE_STEPS;

		if (l < 3 && spread->step_max == 0)
			steps = 0;
		else if (l < 3) /* each level gets an equal part of what is left */
			steps = MIG_MAX(spread->step_max - MIG_MIN(spread->steps, spread->step_max),
					3U) /
				(3 - l);
		if (solve_level(s, l, steps) < 0)
			return -1;
		if (left_over_count(spread) > 0)
			return leave_over(s);
	}
	return 0;
}

static int allocate(struct mig_spread_solver *s)
{
	const struct mig_spread *spread = s->spread;
	size_t gpus = spread->gpu_count + 1;

	s->first_option = calloc(gpus, sizeof(*s->first_option));
	s->layer = calloc(gpus + 1, sizeof(*s->layer));
	s->whole = calloc(gpus, sizeof(*s->whole));
	s->fixed = calloc(gpus, sizeof(*s->fixed));
	if (s->first_option == NULL || s->layer == NULL || s->whole == NULL || s->fixed == NULL)
		return mig_spread_no_memory(s);
	for (unsigned int g = 0; g < spread->gpu_count; g++) {
		s->first_option[g] = s->option_total;
		s->option_total += spread->gpus[g].option_count;
	}
	mig_spread_choose_packing(s);
	s->packed = calloc((size_t)s->option_total * s->words + 1, sizeof(*s->packed));
	s->capacity = calloc(gpus * s->words, sizeof(*s->capacity));
	s->choices = calloc((size_t)s->option_total + 1, sizeof(*s->choices));
	if (s->packed == NULL || s->capacity == NULL || s->choices == NULL)
		return mig_spread_no_memory(s);
	for (unsigned int v = 0; v < MIG_SPREAD_VOLUMES; v++) {
		s->volume_capacity[v] = calloc(gpus, sizeof(*s->volume_capacity[v]));
		if (s->volume_capacity[v] == NULL)
			return mig_spread_no_memory(s);
	}
	for (unsigned int l = 0; l < MIG_SPREAD_LEVELS; l++) {
		s->cost_memory[l] = calloc((size_t)s->option_total + 1, sizeof(int64_t));
		s->costs[l] = calloc(gpus, sizeof(*s->costs[l]));
		if (s->cost_memory[l] == NULL || s->costs[l] == NULL)
			return mig_spread_no_memory(s);
	}
	return 0;
}

int mig_spread_solve(struct mig_spread *spread, struct mig_error **err)
{
	struct mig_spread_solver s = {.spread = spread, .err = err};
	int result;

	spread->steps = 0;
	memset(spread->is_proven, 0, sizeof(spread->is_proven));
	memcpy(spread->left_over, spread->totals, sizeof(spread->left_over));
	result = allocate(&s);
	if (result == 0) {
		mig_spread_pack_all(&s);
		mig_spread_set_costs(&s);
		mig_spread_set_volumes(&s);
		for (unsigned int g = 0; g < spread->gpu_count; g++)
			spread->gpus[g].chosen = 0;
		result = solve(&s);
	}
	for (unsigned int v = 0; v < MIG_SPREAD_VOLUMES; v++)
		free(s.volume_capacity[v]);
	for (unsigned int l = 0; l < MIG_SPREAD_LEVELS; l++) {
		free(s.cost_memory[l]);
		free(s.costs[l]);
	}
	free(s.order);
	free(s.slots);
	free(s.rests);
	free(s.ways);
	free(s.choices);
	free(s.capacity);
	free(s.packed);
	free(s.fixed);
	free(s.whole);
	free(s.layer);
	free(s.first_option);
	return result;
}

uint64_t mig_spread_sum(const struct mig_spread *spread, enum mig_spread_part part)
{
	uint64_t sum = 0;

	for (unsigned int g = 0; g < spread->gpu_count; g++)
		sum += spread->gpus[g].options[spread->gpus[g].chosen].parts[part];
	return sum;
}
