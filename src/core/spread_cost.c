/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts packed into words, costs and bounds for the search of core/spread.c.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/spread_solver.h"
#include "shared/macros.h"

#define PRICE_MAX (INT64_C(1) << 36)

int mig_spread_no_memory(struct mig_spread_solver *s)
{
	return mig_error_set(s->err, MIG_ERROR_NO_MEMORY, "out of memory");
}

/* ---- packed counts ----------------------------------------------------------------------------- */

void mig_spread_choose_packing(struct mig_spread_solver *s)
{
	unsigned int used = 64;

	for (unsigned int k = 0; k < s->spread->kind_count; k++) {
		unsigned int bits = 1;

		/* An option may have more than is wanted: up to 255. */
		while (MIG_MAX(s->spread->totals[k], UINT8_MAX) >> bits != 0)
			bits++;
		s->kind_mask[k] = (UINT64_C(1) << bits) - 1;
		if (used + bits + 1 > 64) {
			s->words++;
			used = 0;
		}
		s->kind_word[k] = s->words - 1;
		s->kind_shift[k] = used;
		s->guard[s->words - 1] |= UINT64_C(1) << (used + bits);
		used += bits + 1;
	}
	if (s->words == 0)
		s->words = 1;
}

void mig_spread_put_count(const struct mig_spread_solver *s, uint64_t *words, unsigned int kind,
			  unsigned int count)
{
	words[s->kind_word[kind]] += (uint64_t)count << s->kind_shift[kind];
}

unsigned int mig_spread_get_count(const struct mig_spread_solver *s, const uint64_t *words,
				  unsigned int kind)
{
	return (unsigned int)(words[s->kind_word[kind]] >> s->kind_shift[kind] &
			      s->kind_mask[kind]);
}

bool mig_spread_subtract(const struct mig_spread_solver *s, const uint64_t *a, const uint64_t *b,
			 uint64_t *out)
{
	for (unsigned int w = 0; w < s->words; w++) {
		uint64_t difference = (a[w] | s->guard[w]) - b[w];

		if ((difference & s->guard[w]) != s->guard[w])
			return false;
		out[w] = difference & ~s->guard[w];
	}
	return true;
}

void mig_spread_pack_all(struct mig_spread_solver *s)
{
	const struct mig_spread *spread = s->spread;
	uint64_t *to = s->packed;

	for (unsigned int g = 0; g < spread->gpu_count; g++) {
		for (unsigned int o = 0; o < spread->gpus[g].option_count; o++, to += s->words) {
			for (unsigned int k = 0; k < spread->kind_count; k++)
				mig_spread_put_count(s, to, k,
						     spread->gpus[g].options[o].counts[k]);
		}
	}
	for (unsigned int k = 0; k < spread->kind_count; k++) {
		unsigned int sum = 0;

		for (unsigned int g = spread->gpu_count; g-- > 0;) {
			unsigned int most = 0;

			for (unsigned int o = 0; o < spread->gpus[g].option_count; o++)
				most = MIG_MAX(most, spread->gpus[g].options[o].counts[k]);
			sum = MIG_MIN(sum + most, spread->totals[k]);
			mig_spread_put_count(s, &s->capacity[(size_t)g * s->words], k, sum);
		}
	}
}

static int64_t volume_of_option(const struct mig_spread *spread, unsigned int volume,
				const struct mig_spread_option *option)
{
	int64_t sum = 0;

	for (unsigned int k = 0; k < spread->kind_count; k++)
		sum += (int64_t)spread->volumes[volume][k] * option->counts[k];
	return sum;
}

void mig_spread_set_volumes(struct mig_spread_solver *s)
{
	const struct mig_spread *spread = s->spread;

	for (unsigned int v = 0; v < MIG_SPREAD_VOLUMES; v++) {
		int64_t sum = 0;

		for (unsigned int g = spread->gpu_count; g-- > 0;) {
			struct mig_spread_choice *choices = &s->choices[s->first_option[g]];
			int64_t most = 0;

			for (unsigned int o = 0; o < spread->gpus[g].option_count; o++) {
				choices[o].option = o;
				choices[o].volume[v] =
					volume_of_option(spread, v, &spread->gpus[g].options[o]);
				most = MIG_MAX(most, choices[o].volume[v]);
			}
			sum += most;
			s->volume_capacity[v][g] = sum;
		}
	}
}

/* ---- costs and bounds -------------------------------------------------------------------------- */

/* The most that a part can be over all GPUs, and one: what the part before it counts in. */
static int64_t radix_of(const struct mig_spread *spread, enum mig_spread_part part)
{
	int64_t sum = 1;

	for (unsigned int g = 0; g < spread->gpu_count; g++) {
		uint32_t most = 0;

		for (unsigned int o = 0; o < spread->gpus[g].option_count; o++)
			most = MIG_MAX(most, spread->gpus[g].options[o].parts[part]);
		sum += most;
	}
	return sum;
}

void mig_spread_set_costs(struct mig_spread_solver *s)
{
	static const unsigned int first_part[MIG_SPREAD_LEVELS + 1] = {MIG_SPREAD_VIOLATED,
								       MIG_SPREAD_GI, MIG_SPREAD_CI,
								       MIG_SPREAD_GI_COUNT,
								       MIG_SPREAD_PART_COUNT};
	const struct mig_spread *spread = s->spread;

	for (unsigned int l = 0; l < MIG_SPREAD_LEVELS; l++) {
		int64_t *cost = s->cost_memory[l];

		s->left_over_cost[l] = 1;
		for (unsigned int p = first_part[l]; p < first_part[l + 1]; p++) {
			int64_t radix = radix_of(spread, p);
			int64_t *at = cost;

			for (unsigned int g = 0; g < spread->gpu_count; g++) {
				for (unsigned int o = 0; o < spread->gpus[g].option_count;
				     o++, at++)
					*at = *at * radix + spread->gpus[g].options[o].parts[p];
			}
			s->left_over_cost[l] *= radix;
		}
		for (unsigned int g = 0; g < spread->gpu_count; g++)
			s->costs[l][g] = &cost[s->first_option[g]];
	}
}

int64_t mig_spread_cost_of_chosen(const struct mig_spread_solver *s, unsigned int level)
{
	int64_t sum = 0;

	for (unsigned int g = 0; g < s->spread->gpu_count; g++)
		sum += s->costs[level][g][s->spread->gpus[g].chosen];
	return sum;
}

static int64_t to_scale(double value, unsigned int level, int64_t most)
{
	double scaled = value * (double)MIG_SPREAD_SCALE(level);

	if (!(scaled < (double)most)) /* also what is not a number */
		return most;
	return scaled < -(double)most ? -most : llrint(scaled);
}

static int compare_choices(const void *a, const void *b)
{
	const struct mig_spread_choice *x = a;
	const struct mig_spread_choice *y = b;

	if (x->reduced[0] != y->reduced[0])
		return x->reduced[0] < y->reduced[0] ? -1 : 1;
	return (x->option > y->option) - (x->option < y->option);
}

/* Sorts by the level's reduced cost, and so that equals are in the order of the options. */
static void sort_choices(struct mig_spread_choice *choices, unsigned int count, unsigned int level)
{
	for (unsigned int i = 0; i < count; i++) {
		int64_t first = choices[i].reduced[0];

		choices[i].reduced[0] = choices[i].reduced[level];
		choices[i].reduced[level] = first;
	}
	qsort(choices, count, sizeof(*choices), compare_choices);
	for (unsigned int i = 0; i < count; i++) {
		int64_t first = choices[i].reduced[0];

		choices[i].reduced[0] = choices[i].reduced[level];
		choices[i].reduced[level] = first;
	}
}

/* Reduced costs of this level for all options, and the bound that they give. */
int mig_spread_price_level(struct mig_spread_solver *s, unsigned int level)
{
	const struct mig_spread *spread = s->spread;
	struct mig_spread_lp lp = {.spread = spread,
				   .level = level,
				   .left_over_cost = (double)s->left_over_cost[level],
				   .whole = s->whole};
	int64_t weight[MIG_SPREAD_LEVELS] = {0};
	int64_t most = s->left_over_cost[level] * MIG_SPREAD_SCALE(level);
	int64_t root = 0;

	for (unsigned int l = 0; l <= level; l++) {
		lp.costs[l] = s->costs[l];
		lp.limit[l] = s->limit[l];
	}
	if (mig_spread_lp_solve(&lp, s->err) < 0)
		return -1;
	for (unsigned int k = 0; k < spread->kind_count; k++) {
		s->price[level][k] = to_scale(lp.price[k], level, most);
		root += s->price[level][k] * spread->totals[k];
	}
	for (unsigned int j = 0; j < level; j++) {
		weight[j] = MIG_MAX(to_scale(lp.weight[j], level, PRICE_MAX), 0);
		root -= weight[j] * s->limit[j];
	}
	for (unsigned int g = 0; g < spread->gpu_count; g++) {
		const struct mig_spread_gpu *gpu = &spread->gpus[g];
		struct mig_spread_choice *choices = &s->choices[s->first_option[g]];
		int64_t least = INT64_MAX;

		for (unsigned int c = 0; c < gpu->option_count; c++) {
			unsigned int o = choices[c].option;
			int64_t reduced = s->costs[level][g][o] * MIG_SPREAD_SCALE(level);

			for (unsigned int k = 0; k < spread->kind_count; k++)
				reduced -= s->price[level][k] * gpu->options[o].counts[k];
			for (unsigned int j = 0; j < level; j++)
				reduced += weight[j] * s->costs[j][g][o];
			choices[c].reduced[level] = reduced;
			least = MIG_MIN(least, reduced);
		}
		for (unsigned int c = 0; c < gpu->option_count; c++)
			choices[c].reduced[level] -= least;
		root += least;
		sort_choices(choices, gpu->option_count, level);
	}
	s->root[level] = root;
	return 0;
}
