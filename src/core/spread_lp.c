/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The linear relaxation of spread.h: each GPU takes a mixture of its options. A dense primal simplex
 * in double precision; what comes out are multipliers that give a true bound however inexact they
 * are (core/spread.c computes the bound in integers), so nothing here needs to be proved.
 *
 * Rows: one per GPU (its shares are 1 in all), one per kind (counts and what is left over make the
 * total), one per earlier level (cost and slack make the limit). The chosen options are the basis to
 * start from, so no first phase is needed.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/spread.h"
#include "shared/macros.h"

#define PIVOTS_PER_ROW 60
#define EPSILON	       1e-9

struct tableau {
	unsigned int gpus, kinds, rows, options, columns; /* columns: options, left over, slack */
	double *a;					  /* rows x columns */
	double *rhs;					  /* by row */
	double *cost;					  /* reduced, by column */
	double scale;					  /* of the costs */
	unsigned int *basis;				  /* column, by row */
};

static double *row_of(const struct tableau *t, unsigned int row)
{
	return &t->a[(size_t)row * t->columns];
}

/* The columns of GPU g's options, all but the chosen one being non-basic. */
static void fill_gpu(struct tableau *t, const struct mig_spread_lp *lp, unsigned int g,
		     unsigned int column)
{
	const struct mig_spread_gpu *gpu = &lp->spread->gpus[g];
	const struct mig_spread_option *chosen = &gpu->options[gpu->chosen];
	const int64_t *cost = lp->costs[lp->level][g];

	for (unsigned int o = 0; o < gpu->option_count; o++, column++) {
		const struct mig_spread_option *option = &gpu->options[o];

		row_of(t, g)[column] = 1;
		t->cost[column] = (double)(cost[o] - cost[gpu->chosen]);
		for (unsigned int k = 0; k < t->kinds; k++) {
			int more = option->counts[k] - chosen->counts[k];

			row_of(t, t->gpus + k)[column] = more;
			t->cost[column] -= lp->left_over_cost * more;
		}
		for (unsigned int j = 0; j < lp->level; j++) {
			const int64_t *other = lp->costs[j][g];

			row_of(t, t->gpus + t->kinds + j)[column] =
				(double)(other[o] - other[gpu->chosen]);
		}
	}
}

static void fill(struct tableau *t, const struct mig_spread_lp *lp)
{
	const struct mig_spread *spread = lp->spread;
	unsigned int column = 0;

	for (unsigned int g = 0; g < t->gpus; g++) {
		t->rhs[g] = 1;
		t->basis[g] = column + spread->gpus[g].chosen;
		fill_gpu(t, lp, g, column);
		column += spread->gpus[g].option_count;
	}
	for (unsigned int k = 0; k < t->kinds; k++)
		t->rhs[t->gpus + k] = spread->totals[k];
	for (unsigned int j = 0; j < lp->level; j++)
		t->rhs[t->gpus + t->kinds + j] = (double)lp->limit[j];
	for (unsigned int g = 0; g < t->gpus; g++) {
		unsigned int chosen = spread->gpus[g].chosen;

		for (unsigned int k = 0; k < t->kinds; k++)
			t->rhs[t->gpus + k] -= spread->gpus[g].options[chosen].counts[k];
		for (unsigned int j = 0; j < lp->level; j++)
			t->rhs[t->gpus + t->kinds + j] -= (double)lp->costs[j][g][chosen];
	}
	/* Unequal small amounts more: no ties, so that it cannot go round in circles. */
	for (unsigned int r = t->gpus; r < t->rows; r++) {
		t->basis[r] = t->options + r - t->gpus;
		row_of(t, r)[t->basis[r]] = 1;
		t->rhs[r] = MIG_MAX(t->rhs[r], 0) + 1e-6 * (1 + (r * 7919U) % 101U);
	}
	t->scale = 1;
	for (unsigned int c = 0; c < t->columns; c++)
		t->scale = MIG_MAX(t->scale, fabs(t->cost[c]));
}

static void pivot(struct tableau *t, unsigned int row, unsigned int column)
{
	double *at = row_of(t, row);
	double factor = 1 / at[column];

	for (unsigned int c = 0; c < t->columns; c++)
		at[c] *= factor;
	t->rhs[row] *= factor;
	for (unsigned int r = 0; r <= t->rows; r++) {
		double *other = r == t->rows ? t->cost : row_of(t, r);

		factor = other[column];
		if (r == row || fabs(factor) < 1e-14)
			continue;
		for (unsigned int c = 0; c < t->columns; c++)
			other[c] -= factor * at[c];
		other[column] = 0;
		if (r < t->rows)
			t->rhs[r] = MIG_MAX(t->rhs[r] - factor * t->rhs[row], 0);
	}
}

/* One step towards the optimum; false when there is none to take. */
static bool step(struct tableau *t)
{
	unsigned int column = 0, best = t->rows;

	for (unsigned int c = 1; c < t->columns; c++) {
		if (t->cost[c] < t->cost[column])
			column = c;
	}
	if (t->cost[column] > -EPSILON * t->scale)
		return false;
	for (unsigned int r = 0; r < t->rows; r++) {
		double a = row_of(t, r)[column];

		if (a > EPSILON &&
		    (best == t->rows || t->rhs[r] * row_of(t, best)[column] < t->rhs[best] * a))
			best = r;
	}
	if (best == t->rows)
		return false;
	pivot(t, best, column);
	t->basis[best] = column;
	return true;
}

/* Which GPUs are not divided among options: all but about as many as there are other rows. */
static void find_whole(const struct tableau *t, struct mig_spread_lp *lp)
{
	unsigned int first = 0;

	for (unsigned int g = 0; g < t->gpus; g++) {
		unsigned int count = lp->spread->gpus[g].option_count;

		lp->whole[g] = MIG_SPREAD_NONE;
		for (unsigned int r = 0; r < t->rows; r++) {
			if (t->basis[r] >= first && t->basis[r] < first + count && t->rhs[r] > 0.99)
				lp->whole[g] = t->basis[r] - first;
		}
		first += count;
	}
}

int mig_spread_lp_solve(struct mig_spread_lp *lp, struct mig_error **err)
{
	struct tableau t = {.gpus = lp->spread->gpu_count, .kinds = lp->spread->kind_count};
	_cleanup_free_ double *memory = NULL;
	_cleanup_free_ unsigned int *basis = NULL;

	for (unsigned int g = 0; g < t.gpus; g++)
		t.options += lp->spread->gpus[g].option_count;
	t.rows = t.gpus + t.kinds + lp->level;
	t.columns = t.options + t.kinds + lp->level;
	memory = calloc((size_t)(t.rows + 1) * t.columns + t.rows, sizeof(*memory));
	basis = calloc((size_t)t.rows + 1, sizeof(*basis));
	if (memory == NULL || basis == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	t.basis = basis;
	t.a = memory;
	t.cost = t.a + (size_t)t.rows * t.columns;
	t.rhs = t.cost + t.columns;
	fill(&t, lp);
	for (unsigned int i = 0; i < PIVOTS_PER_ROW * t.rows && step(&t); i++)
		;
	for (unsigned int k = 0; k < t.kinds; k++)
		lp->price[k] = lp->left_over_cost - t.cost[t.options + k];
	for (unsigned int j = 0; j < lp->level; j++)
		lp->weight[j] = MIG_MAX(t.cost[t.options + t.kinds + j], 0);
	find_whole(&t, lp);
	return 0;
}
