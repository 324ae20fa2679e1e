/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WHAT of create as it is written, and names of instances by their form.
 */
#include "cli/what.h"

#include <stddef.h>

#include "cli/instance_name.h"
#include "tests/harness/test.h"

static int parse(const char *word, bool in_gi, struct mig_what *what, struct mig_error **err)
{
	char *words[] = {(char *)word};

	return mig_what_parse(words, 1, in_gi, what, err);
}

MIG_TEST(what_reads_names_ids_counts_and_places)
{
	struct mig_error *err = NULL;
	struct mig_what what;

	MIG_ASSERT_INT_EQ(parse("19,1g.5gb*3,3g.20gb@4,14@2,1g.5gb+me", false, &what, &err), 0);
	MIG_ASSERT_UINT_EQ(what.count, 5);
	MIG_ASSERT(what.items[0].has_id);
	MIG_ASSERT_UINT_EQ(what.items[0].id, 19);
	MIG_ASSERT_UINT_EQ(what.items[0].count, 1);
	MIG_ASSERT_UINT_EQ(what.items[0].start, MIG_START_ANY);
	MIG_ASSERT_STR_EQ(what.items[1].profile, "1g.5gb");
	MIG_ASSERT_UINT_EQ(what.items[1].count, 3);
	MIG_ASSERT_STR_EQ(what.items[2].profile, "3g.20gb");
	MIG_ASSERT_UINT_EQ(what.items[2].start, 4);
	MIG_ASSERT(what.items[3].has_id);
	MIG_ASSERT_UINT_EQ(what.items[3].start, 2);
	MIG_ASSERT_STR_EQ(what.items[4].word, "1g.5gb+me");
	mig_what_clear(&what);
}

MIG_TEST(what_of_several_words_is_one_list)
{
	char *words[] = {(char *)"19,14", (char *)"9"};
	struct mig_what what;

	MIG_ASSERT_INT_EQ(mig_what_parse(words, 2, false, &what, NULL), 0);
	MIG_ASSERT_UINT_EQ(what.count, 3);
	MIG_ASSERT_UINT_EQ(what.items[2].id, 9);
	mig_what_clear(&what);
	MIG_ASSERT_INT_EQ(mig_what_parse(words, 0, false, &what, NULL), 0);
	MIG_ASSERT_UINT_EQ(what.count, 0);
	mig_what_clear(&what);
}

MIG_TEST(what_in_a_gpu_instance_may_be_a_width)
{
	struct mig_what what;

	MIG_ASSERT_INT_EQ(parse("1c@2,2c*2", true, &what, NULL), 0);
	MIG_ASSERT_STR_EQ(what.items[0].profile, "1c");
	MIG_ASSERT_UINT_EQ(what.items[0].start, 2);
	MIG_ASSERT_UINT_EQ(what.items[1].count, 2);
	mig_what_clear(&what);
	MIG_ASSERT_INT_EQ(parse("1c", false, &what, NULL), -1);
	mig_what_clear(&what);
}

MIG_TEST(what_refuses_all_else)
{
	static const char *const words[] = {
		"",	      ",",	   "19,",	  ",19",	 "19,,14",
		"1g.5gb*",    "1g.5gb*0",  "1g.5gb*x",	  "1g.5gb*4097", "1g.5gb@",
		"1g.5gb@64",  "1g.5gb@-1", "3g.20gb@4*2", "4294967296",	 "-1",
		"0x13",	      "1g",	   "g.5gb",	  "MIG 1g.5gb",	 " 19",
		"19 ",	      "c",	   "@4",	  "*3",		 "1g.5gb@4@5",
		"1g.5gb*2*3",
	};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(words); i++) {
		struct mig_error *err = NULL;
		struct mig_what what;

		MIG_ASSERT_INT_EQ(parse(words[i], false, &what, &err), -1);
		MIG_ASSERT_INT_EQ(mig_error_exit_status(err), MIG_EXIT_USAGE);
		mig_error_free(err);
		mig_what_clear(&what);
	}
}

MIG_TEST(names_of_instances_by_their_form)
{
	static const char *const names[] = {"MIG-1234", "mig-x", "3", "0:3", "0:3:1", ":"};
	static const char *const others[] = {"", "3g.20gb", "1c.3g.20gb", "GPU-12", "nope", "3 "};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(names); i++)
		MIG_ASSERT(mig_instance_name_is(names[i]));
	for (size_t i = 0; i < MIG_ARRAY_SIZE(others); i++)
		MIG_ASSERT(!mig_instance_name_is(others[i]));
}
