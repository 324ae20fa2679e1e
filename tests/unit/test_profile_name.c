/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profile names: what is a name, what is equal, what is written.
 */
#include "core/profile_name.h"

#include <string.h>

#include "shared/macros.h"
#include "tests/harness/test.h"

static struct mig_profile_name parse(const char *text)
{
	struct mig_profile_name name;

	MIG_ASSERT_MSG(mig_profile_name_parse(text, &name) == 0, "'%s' was refused", text);
	return name;
}

static const char *written(const char *text)
{
	static char out[MIG_PROFILE_NAME_SIZE];
	struct mig_profile_name name = parse(text);

	mig_profile_name_format(&name, out, sizeof(out));
	return out;
}

MIG_TEST(profile_name_takes_a_name_apart)
{
	struct mig_profile_name name = parse("1c.3g.20gb+gfx,me.all");

	MIG_ASSERT_UINT_EQ(name.compute_slices, 1);
	MIG_ASSERT_UINT_EQ(name.gpu_slices, 3);
	MIG_ASSERT_UINT_EQ(name.memory_gb, 20);
	MIG_ASSERT(!name.negative);
	MIG_ASSERT_UINT_EQ(name.attribute_count, 2);
	MIG_ASSERT_STR_EQ(name.attributes[0], "gfx");
	MIG_ASSERT_STR_EQ(name.attributes[1], "me.all");
	name = parse("MIG 2g.48gb-me");
	MIG_ASSERT_UINT_EQ(name.compute_slices, 2);
	MIG_ASSERT(name.negative);
	MIG_ASSERT_STR_EQ(name.attributes[0], "me");
}

MIG_TEST(profile_name_is_written_without_what_goes_without_saying)
{
	MIG_ASSERT_STR_EQ(written("1g.5gb"), "1g.5gb");
	MIG_ASSERT_STR_EQ(written("1c.1g.5gb"), "1g.5gb");
	MIG_ASSERT_STR_EQ(written("7c.7g.40gb"), "7g.40gb");
	MIG_ASSERT_STR_EQ(written("1c.3g.20gb"), "1c.3g.20gb");
	MIG_ASSERT_STR_EQ(written("MIG 1g.5gb+me"), "1g.5gb+me");
	MIG_ASSERT_STR_EQ(written("1g.12gb+me,gfx"), "1g.12gb+gfx,me");
	MIG_ASSERT_STR_EQ(written("2g.48gb-me"), "2g.48gb-me");
	MIG_ASSERT_STR_EQ(written("1c.2g.48gb+me.all"), "1c.2g.48gb+me.all");
}

MIG_TEST(profile_name_refuses_what_is_none)
{
	static const char *const texts[] = {
		"",
		"MIG ",
		"1",
		"1g",
		"1g.",
		"1g.5",
		"1g.5g",
		"1g.5gb ",
		" 1g.5gb",
		"1G.5GB",
		"g.5gb",
		"1g.gb",
		"-1g.5gb",
		"+1g.5gb",
		"1g.-5gb",
		"0g.5gb",
		"1g.0gb",
		"0c.1g.5gb",
		"c.1g.5gb",
		"1c1g.5gb",
		"1c.",
		"1c.5gb",
		"2c.1g.5gb",
		"4c.3g.20gb",
		"1g.5gb+",
		"1g.5gb-",
		"1g.5gb+,",
		"1g.5gb+me,",
		"1g.5gb+,me",
		"1g.5gb+me,me",
		"1g.5gb+me+gfx",
		"1g.5gb+me-gfx",
		"1g.5gb+1me",
		"1g.5gb+.me",
		"1g.5gb+m e",
		"1g.5gb+m\xc3\xa9",
		"1g.5gb+a,b,c,d,e",
		"1g.5gb+abcdefghijklmnop",
		"65g.5gb",
		"1g.65536gb",
		"18446744073709551617g.5gb",
		"1g.18446744073709551617gb",
		"99999999999999999999999g.5gb",
		"1c.1c.1g.5gb",
		"1g.5gb\n",
		"MIG MIG 1g.5gb",
		"mig 1g.5gb",
		"1g.5gb 1g.5gb",
		"all",
		"*",
	};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(texts); i++) {
		struct mig_profile_name name;

		MIG_ASSERT_MSG(mig_profile_name_parse(texts[i], &name) == -1, "'%s' was accepted",
			       texts[i]);
	}
}

MIG_TEST(profile_name_takes_the_largest_of_everything)
{
	struct mig_profile_name name = parse("64c.64g.65535gb+abcdefghijklmno,b,c,d");

	MIG_ASSERT_UINT_EQ(name.gpu_slices, 64);
	MIG_ASSERT_UINT_EQ(name.memory_gb, 65535);
	MIG_ASSERT_UINT_EQ(name.attribute_count, 4);
	MIG_ASSERT_STR_EQ(name.attributes[0], "abcdefghijklmno");
}

MIG_TEST(profile_name_is_written_into_the_room_there_is)
{
	struct mig_profile_name name = parse("1c.3g.20gb+gfx,me");
	char small[8];

	memset(small, 'x', sizeof(small));
	mig_profile_name_format(&name, small, sizeof(small) - 1);
	MIG_ASSERT_STR_EQ(small, "1c.3g.");
	MIG_ASSERT_INT_EQ(small[7], 'x');
}

static bool same(const char *a, const char *b)
{
	struct mig_profile_name x = parse(a);
	struct mig_profile_name y = parse(b);

	return mig_profile_name_same_gi(&x, &y) && mig_profile_name_same_gi(&y, &x);
}

MIG_TEST(profile_name_is_the_same_by_its_parts)
{
	MIG_ASSERT(same("1g.5gb", "1c.1g.5gb"));
	MIG_ASSERT(same("3g.20gb", "1c.3g.20gb"));
	MIG_ASSERT(same("1g.12gb+me,gfx", "1g.12gb+gfx,me"));
	MIG_ASSERT(same("MIG 1g.5gb+me", "1g.5gb+me"));
	MIG_ASSERT(!same("1g.5gb", "1g.10gb"));
	MIG_ASSERT(!same("1g.5gb", "2g.5gb"));
	MIG_ASSERT(!same("1g.5gb", "1g.5gb+me"));
	MIG_ASSERT(!same("1g.24gb+me", "1g.24gb-me"));
	MIG_ASSERT(!same("1g.24gb+me", "1g.24gb+me.all"));
	MIG_ASSERT(!same("1g.5gb+a", "1g.5gb+a,b"));
}
