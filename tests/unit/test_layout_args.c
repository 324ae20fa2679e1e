/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LAYOUT of the command line: what is read from it, and what is said about one that is wrong.
 */
#include "config/layout_args.h"

#include <stdio.h>
#include <string.h>

#include "tests/harness/test.h"

static struct mig_config *parse(size_t count, const char *first, const char *second)
{
	char *args[] = {(char *)first, (char *)second};
	struct mig_config *config = NULL;
	struct mig_error *err = NULL;

	if (mig_config_from_args(args, count, &config, &err) < 0)
		MIG_FAIL("refused: %s", mig_error_message(err));
	MIG_ASSERT(err == NULL && config != NULL);
	MIG_ASSERT_UINT_EQ(config->label_count, 1);
	MIG_ASSERT_UINT_EQ(config->labels[0].entry_count, count);
	return config;
}

static void refused(const char *arg, const char *message, const char *hint)
{
	char *args[] = {"0=off", (char *)arg};
	struct mig_config *config = NULL;
	struct mig_error *err = NULL;

	MIG_ASSERT_MSG(mig_config_from_args(args, 2, &config, &err) == -1, "taken: %s", arg);
	MIG_ASSERT(config == NULL);
	MIG_ASSERT_STR_EQ(mig_error_message(err), message);
	MIG_ASSERT_INT_EQ(mig_error_exit_status(err), MIG_EXIT_USAGE);
	if (hint == NULL)
		MIG_ASSERT_STR_EQ(mig_error_hint_text(err), NULL);
	else
		MIG_ASSERT_CONTAINS(mig_error_hint_text(err), hint);
	mig_error_free(err);
}

MIG_TEST(args_read_devices)
{
	struct mig_config *config = parse(2, "0=3g.20gb@4,2g.10gb,1g.5gb*2", "all=1g.5gb*7");
	const struct mig_config_entry *entry = &config->labels[0].entries[0];

	MIG_ASSERT_UINT_EQ(config->arg_count, 2);
	MIG_ASSERT_UINT_EQ(entry->gpu_count, 1);
	MIG_ASSERT_UINT_EQ(entry->gpus[0].index, 0);
	MIG_ASSERT(entry->mig_enabled);
	MIG_ASSERT_UINT_EQ(entry->device_count, 3);
	MIG_ASSERT_STR_EQ(entry->devices[0].profile, "3g.20gb");
	MIG_ASSERT_UINT_EQ(entry->devices[0].start, 4);
	MIG_ASSERT_UINT_EQ(entry->devices[1].start, MIG_CONFIG_START_ANY);
	MIG_ASSERT_UINT_EQ(entry->devices[1].at.line, 1);
	MIG_ASSERT_UINT_EQ(entry->devices[1].at.column, 13);
	MIG_ASSERT_UINT_EQ(entry->devices[2].count, 2);
	MIG_ASSERT(entry[1].all_gpus);
	MIG_ASSERT_UINT_EQ(entry[1].devices[0].count, 7);
	MIG_ASSERT_UINT_EQ(entry[1].at.line, 2);
	mig_config_free(config);
}

MIG_TEST(args_read_names_of_gpus)
{
	struct mig_config *config =
		parse(1, "0,2-4,GPU-2c05f3a1-11,gpu-1,0000:10:00.0,0a:00.1=off", NULL);
	const struct mig_config_entry *entry = &config->labels[0].entries[0];

	MIG_ASSERT(!entry->mig_enabled);
	MIG_ASSERT_UINT_EQ(entry->gpu_count, 8);
	MIG_ASSERT_UINT_EQ(entry->gpus[3].index, 4);
	MIG_ASSERT_INT_EQ(entry->gpus[4].kind, MIG_CONFIG_GPU_UUID);
	MIG_ASSERT_STR_EQ(entry->gpus[4].text, "GPU-2c05f3a1-11");
	MIG_ASSERT_INT_EQ(entry->gpus[5].kind, MIG_CONFIG_GPU_UUID);
	MIG_ASSERT_INT_EQ(entry->gpus[6].kind, MIG_CONFIG_GPU_PCI);
	MIG_ASSERT_UINT_EQ(entry->gpus[6].at.column, 29);
	MIG_ASSERT_STR_EQ(entry->gpus[7].text, "0a:00.1");
	mig_config_free(config);
}

MIG_TEST(args_read_on_totals_and_attributes)
{
	struct mig_config *config = parse(2, "1=on", "0-3=total:1g.5gb*10,1g.5gb+me,gfx*4,1g.5gb");
	const struct mig_config_entry *entry = &config->labels[0].entries[0];

	MIG_ASSERT(entry->mig_enabled && !entry->has_totals);
	MIG_ASSERT_UINT_EQ(entry->device_count, 0);
	entry++;
	MIG_ASSERT(entry->mig_enabled && entry->has_totals);
	MIG_ASSERT_UINT_EQ(entry->totals_at.column, 5);
	MIG_ASSERT_UINT_EQ(entry->device_count, 0);
	MIG_ASSERT_UINT_EQ(entry->total_count, 2);
	MIG_ASSERT_UINT_EQ(entry->totals[0].count, 11);
	MIG_ASSERT_STR_EQ(entry->totals[1].profile, "1g.5gb+me,gfx");
	MIG_ASSERT_UINT_EQ(entry->totals[1].count, 4);
	mig_config_free(config);
}

MIG_TEST(args_keep_in_use_as_a_whole)
{
	struct mig_config *config = parse(2, "1=on", "0=off");

	mig_config_keep_in_use(config);
	MIG_ASSERT(config->labels[0].entries[0].keeps_in_use);
	MIG_ASSERT(config->labels[0].entries[1].keeps_in_use);
	mig_config_free(config);
}

MIG_TEST(args_refuse_what_is_no_layout)
{
	static const char form[] = "a LAYOUT is GPUS=DEVICES";
	struct mig_config *config = NULL;
	struct mig_error *err = NULL;

	refused("all-balanced",
		"argument 2 'all-balanced' column 1: this is no LAYOUT: there is no '='", form);
	refused("", "argument 2 '' column 1: this is no LAYOUT: there is no '='", form);
	refused("0=", "argument 2 '0=' column 3: after '=' devices are expected",
		"'on' is MIG without instances");
	refused("0=total:", "argument 2 '0=total:' column 9: after ':' devices are expected", form);
	MIG_ASSERT_INT_EQ(mig_config_from_args(NULL, 0, &config, &err), -1);
	MIG_ASSERT_STR_EQ(mig_error_message(err), "a LAYOUT is missing");
	mig_error_free(err);
}

MIG_TEST(args_refuse_what_names_no_gpu)
{
	static const char hint[] = "GPUS is 'all' or a list as in 0,2-4";

	refused("=off", "argument 2 '=off' column 1: a GPU is missing", hint);
	refused("0,=off", "argument 2 '0,=off' column 3: a GPU is missing", hint);
	refused("0,all=off", "argument 2 '0,all=off' column 3: this names no GPU", hint);
	refused("-1=off", "argument 2 '-1=off' column 1: this names no GPU", hint);
	refused("1-=off", "argument 2 '1-=off' column 1: this names no GPU", hint);
	refused("1-x=off", "argument 2 '1-x=off' column 1: this names no GPU", hint);
	refused("99999999999=off", "argument 2 '99999999999=off' column 1: this names no GPU",
		hint);
	refused("\xc3\xa9,x=off", "argument 2 '\xc3\xa9,x=off' column 1: this names no GPU", hint);
	refused("3-1=off", "argument 2 '3-1=off' column 1: the range '3-1' goes backwards", NULL);
	refused("0-2000000000=off",
		"argument 2 '0-2000000000=off' column 1: the range '0-2000000000' has more than "
		"1024 GPUs",
		NULL);
}

MIG_TEST(args_refuse_what_is_no_device)
{
	refused("0=1g.5gb,,2g.10gb",
		"argument 2 '0=1g.5gb,,2g.10gb' column 10: a device is missing", "1c.3g.20gb");
	refused("0=1g.5gb,", "argument 2 '0=1g.5gb,' column 10: a device is missing", "1c.3g.20gb");
	refused("0=Off", "argument 2 '0=Off' column 3: this is not a profile name", "1c.3g.20gb");
	refused("0=1g.5gb,off", "argument 2 '0=1g.5gb,off' column 3: this is not a profile name",
		"1c.3g.20gb");
	refused("0=1g.5gb,2g@1", "argument 2 '0=1g.5gb,2g@1' column 10: this is not a profile name",
		"1c.3g.20gb");
	refused("0=1g.5gb@x",
		"argument 2 '0=1g.5gb@x' column 10: the number after '@' is where the GPU instance "
		"starts, from 0 to 63",
		NULL);
	refused("0=1g.5gb*-1",
		"argument 2 '0=1g.5gb*-1' column 10: the number after '*' is how many, from 0 to "
		"2147483647",
		NULL);
	refused("0=1g.5gb*0,2g.10gb*0",
		"argument 2 '0=1g.5gb*0,2g.10gb*0' column 3: all numbers are 0", NULL);
	refused("0=total:1g.5gb@4", "argument 2 '0=total:1g.5gb@4' column 9: a total has no place",
		NULL);
	refused("0=total:1g.5gb*2147483647,1g.5gb",
		"argument 2 '0=total:1g.5gb*2147483647,1g.5gb' column 27: more than 2147483647 in "
		"all",
		NULL);
}

MIG_TEST(args_show_a_long_or_foreign_argument_short_and_harmless)
{
	char *args[1];
	char text[200];
	struct mig_config *config = NULL;
	struct mig_error *err = NULL;

	refused("\x1b[31m=1", "argument 2 '\\x1b[31m=1' column 1: this names no GPU", "GPUS");
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	args[0] = text;
	MIG_ASSERT_INT_EQ(mig_config_from_args(args, 1, &config, &err), -1);
	MIG_ASSERT_CONTAINS(mig_error_message(err), "xxx...' column 1: this is no LAYOUT");
	MIG_ASSERT(strlen(mig_error_message(err)) < 140);
	mig_error_free(err);
}
