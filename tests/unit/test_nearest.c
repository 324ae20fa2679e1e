/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests of "did you mean".
 */
#include <string.h>

#include "shared/macros.h"
#include "shared/nearest.h"
#include "tests/harness/test.h"

static const char *const names[] = {"all-disabled", "all-enabled", "all-1g.5gb", "all-balanced"};

static const char *nearest_name(const char *word)
{
	int found = mig_nearest(word, names, MIG_ARRAY_SIZE(names));

	return found < 0 ? NULL : names[found];
}

MIG_TEST(nearest_finds)
{
	MIG_ASSERT_STR_EQ(nearest_name("all-balanced"), "all-balanced");
	MIG_ASSERT_STR_EQ(nearest_name("all-balnaced"), "all-balanced");
	MIG_ASSERT_STR_EQ(nearest_name("ALL-BALANCE"), "all-balanced");
	MIG_ASSERT_STR_EQ(nearest_name("all-enable"), "all-enabled");
	MIG_ASSERT_STR_EQ(nearest_name("disabled"), "all-disabled");
	MIG_ASSERT_STR_EQ(nearest_name("all-1g5gb"), "all-1g.5gb");
	MIG_ASSERT_STR_EQ(nearest_name("xyz"), NULL);
	MIG_ASSERT_STR_EQ(nearest_name(""), NULL);
}

/* "abcdef" against words at each distance: up to half of the longer one may differ. */
MIG_TEST(nearest_close_names_only_what_a_third_differs_from)
{
	static const char *const commands[] = {"undo", "boot", "status", "profiles"};

	MIG_ASSERT_INT_EQ(mig_nearest("info", commands, 4), 0);
	MIG_ASSERT_INT_EQ(mig_nearest_close("info", commands, 4), -1);
	MIG_ASSERT_INT_EQ(mig_nearest_close("foo", commands, 4), -1);
	MIG_ASSERT_INT_EQ(mig_nearest_close("redo", commands, 4), -1);
	MIG_ASSERT_INT_EQ(mig_nearest_close("undoo", commands, 4), 0);
	MIG_ASSERT_INT_EQ(mig_nearest_close("sttus", commands, 4), 2);
	MIG_ASSERT_INT_EQ(mig_nearest_close("profilezs", commands, 4), 3);
}

MIG_TEST(nearest_threshold_is_half_of_the_longer_word)
{
	static const struct {
		const char *word;
		int found;
	} cases[] = {
		{"abcdef", 0}, {"abcdeX", 0}, {"abcXXX", 0},	   {"abXXXX", -1},
		{"abc", 0},    {"ab", -1},    {"abcdefXXXXXX", 0}, {"abcdefXXXXXXX", -1},
	};
	static const char *const candidate[] = {"abcdef"};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(cases); i++)
		MIG_ASSERT_MSG(mig_nearest(cases[i].word, candidate, 1) == cases[i].found, "%s",
			       cases[i].word);
}

MIG_TEST(nearest_counts_a_swap_once)
{
	/* By plain edit distance "ab" and "ba" differ by 2 of 2, which is too far. */
	static const char *const swapped[] = {"ba"};
	/* One swap is nearer than two replacements. */
	static const char *const two[] = {"axcyef", "abdcef"};

	MIG_ASSERT_INT_EQ(mig_nearest("ab", swapped, 1), 0);
	MIG_ASSERT_INT_EQ(mig_nearest("abcdef", two, 2), 1);
}

MIG_TEST(nearest_ties_go_to_the_first)
{
	static const char *const tied[] = {"3g.20gc", "3g.20ga", "3g.20gx"};

	MIG_ASSERT_INT_EQ(mig_nearest("3g.20gb", tied, 3), 0);
}

MIG_TEST(nearest_limits)
{
	char long_word[130], longest_word[129];
	const char *candidates[] = {long_word, longest_word};

	memset(long_word, 'a', 129);
	long_word[129] = '\0';
	memset(longest_word, 'a', 128);
	longest_word[128] = '\0';

	MIG_ASSERT_INT_EQ(mig_nearest(long_word, candidates, 2), -1);
	MIG_ASSERT_INT_EQ(mig_nearest(longest_word, candidates, 2), 1);
	MIG_ASSERT_INT_EQ(mig_nearest("a", NULL, 0), -1);
}
