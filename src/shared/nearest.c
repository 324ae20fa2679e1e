/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Optimal string alignment distance (insert, delete, replace, swap of neighbours; no part edited
 * twice). Thread-safe, allocates nothing.
 */
#include "shared/nearest.h"

#include <stdbool.h>
#include <string.h>

#include "shared/macros.h"

#define WORD_SIZE_MAX 128

/* ASCII only, so that the answer does not depend on the locale. */
static char to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_same(char a, char b)
{
	return to_lower(a) == to_lower(b);
}

/* Both lengths are at most WORD_SIZE_MAX. */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t rows[3][WORD_SIZE_MAX + 1];
	size_t *before = rows[0], *previous = rows[1], *current = rows[2];

	for (size_t j = 0; j <= b_len; j++)
		previous[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t *recycled = before;

		current[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t best = previous[j - 1] + (is_same(a[i - 1], b[j - 1]) ? 0 : 1);

			best = MIG_MIN(best, previous[j] + 1);
			best = MIG_MIN(best, current[j - 1] + 1);
			if (i > 1 && j > 1 && is_same(a[i - 1], b[j - 2]) &&
			    is_same(a[i - 2], b[j - 1]))
				best = MIG_MIN(best, before[j - 2] + 1);
			current[j] = best;
		}
		before = previous;
		previous = current;
		current = recycled;
	}
	return previous[b_len];
}

static int nearest_of(const char *word, const char *const *candidates, size_t count,
		      size_t most_part)
{
	size_t word_len = strlen(word);
	size_t nearest_distance = 0;
	int nearest = -1;

	if (word_len > WORD_SIZE_MAX)
		return -1;
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(candidates[i]);
		size_t found;

		if (len > WORD_SIZE_MAX)
			continue;
		found = distance(word, word_len, candidates[i], len);
		if (most_part * found > MIG_MAX(word_len, len))
			continue;
		if (nearest < 0 || found < nearest_distance) {
			nearest = (int)i;
			nearest_distance = found;
		}
	}
	return nearest;
}

int mig_nearest(const char *word, const char *const *candidates, size_t count)
{
	return nearest_of(word, candidates, count, 2);
}

int mig_nearest_close(const char *word, const char *const *candidates, size_t count)
{
	return nearest_of(word, candidates, count, 3);
}
