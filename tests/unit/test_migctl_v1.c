/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration file in migctl's own format: what is read from it, and what is said about one
 * that is wrong, with the place of the mistake.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "tests/harness/test.h"
#include "tests/unit/config_case.h"

#define HEAD "version: migctl/v1\nlayouts:\n"

/* An entry with these fields in line 4, from column 7 on, is refused. */
static void entry_refused(const char *fields, const char *message, const char *hint)
{
	char text[1024], whole[1024];

	snprintf(text, sizeof(text), HEAD "  a:\n  - {%s}\n", fields);
	snprintf(whole, sizeof(whole), "c.yaml:4:%s", message);
	config_refused(text, whole, hint);
}

/* ---- what is read ------------------------------------------------------------------------------ */

MIG_TEST(v1_reads_every_field)
{
	struct mig_config *config =
		config_taken(HEAD "  training:\n"
				  "    - gpus: [0, GPU-2c05f3a1, \"0000:10:00.0\", 0A:00.1]\n"
				  "      filter: [0x20B010DE, \"0x20B510DE:0x134F10DE\"]\n"
				  "      mig: on\n"
				  "      devices: {3g.20gb@4: 1, 1g.5gb: 2}\n"
				  "      keep-in-use: true\n"
				  "    - gpus: all\n"
				  "      filter: 0x20B710DE\n"
				  "      totals: {1g.6gb: 10}\n"
				  "    - gpus: 7\n"
				  "      mig: off\n"
				  "    - gpus: GPU-8\n"
				  "      devices: [3g.20gb@4, 1c.3g.20gb@0*3, 1g.5gb*2]\n"
				  "      instances:\n"
				  "        - {profile: 2g.10gb, start: 2}\n"
				  "        - {profile: 4g.20gb, start: 0, compute: []}\n"
				  "        - profile: 3g.20gb\n"
				  "          start: 4\n"
				  "          compute: [1c.3g.20gb@2, 1c.3g.20gb]\n"
				  "    - {gpus: [3], devices: []}\n"
				  "    - {gpus: [4], devices: {}}\n");
	const struct mig_config_entry *entry = &config->labels[0].entries[0];
	const struct mig_config_instance *instance;

	MIG_ASSERT(config->names_gpus_once);
	MIG_ASSERT_UINT_EQ(config->labels[0].entry_count, 6);
	MIG_ASSERT_UINT_EQ(entry->gpu_count, 4);
	MIG_ASSERT_INT_EQ(entry->gpus[0].kind, MIG_CONFIG_GPU_INDEX);
	MIG_ASSERT_INT_EQ(entry->gpus[1].kind, MIG_CONFIG_GPU_UUID);
	MIG_ASSERT_STR_EQ(entry->gpus[1].text, "GPU-2c05f3a1");
	MIG_ASSERT_UINT_EQ(entry->gpus[1].at.line, 4);
	MIG_ASSERT_UINT_EQ(entry->gpus[1].at.column, 17);
	MIG_ASSERT_INT_EQ(entry->gpus[2].kind, MIG_CONFIG_GPU_PCI);
	MIG_ASSERT_INT_EQ(entry->gpus[3].kind, MIG_CONFIG_GPU_PCI);
	MIG_ASSERT_UINT_EQ(entry->filter_count, 2);
	MIG_ASSERT(entry->mig_enabled && entry->keeps_in_use && !entry->has_totals);
	MIG_ASSERT_STR_EQ(entry->devices[0].profile, "3g.20gb");
	MIG_ASSERT_UINT_EQ(entry->devices[0].start, 4);
	MIG_ASSERT_UINT_EQ(entry->devices[1].start, MIG_CONFIG_START_ANY);
	MIG_ASSERT_UINT_EQ(entry->devices[1].count, 2);
	entry++;
	MIG_ASSERT(entry->all_gpus && entry->mig_enabled && entry->has_totals);
	MIG_ASSERT_UINT_EQ(entry->totals[0].count, 10);
	MIG_ASSERT_UINT_EQ(entry->totals_at.line, 11);
	entry++;
	MIG_ASSERT_UINT_EQ(entry->gpus[0].index, 7);
	MIG_ASSERT(!entry->mig_enabled);
	entry++;
	MIG_ASSERT_UINT_EQ(entry->device_count, 3);
	MIG_ASSERT_UINT_EQ(entry->devices[1].count, 3);
	MIG_ASSERT_UINT_EQ(entry->devices[1].start, 0);
	MIG_ASSERT_UINT_EQ(entry->devices[2].count, 2);
	MIG_ASSERT_UINT_EQ(entry->devices[2].at.column, 44);
	MIG_ASSERT_UINT_EQ(entry->instance_count, 3);
	instance = &entry->instances[0];
	MIG_ASSERT_UINT_EQ(instance->start, 2);
	MIG_ASSERT_UINT_EQ(instance->compute_count, 1);
	MIG_ASSERT_STR_EQ(instance->compute[0].profile, "2g.10gb");
	MIG_ASSERT_UINT_EQ(instance[1].compute_count, 0);
	MIG_ASSERT_UINT_EQ(instance[2].compute_count, 2);
	MIG_ASSERT_UINT_EQ(instance[2].compute[0].start, 2);
	MIG_ASSERT_UINT_EQ(instance[2].compute[1].start, MIG_CONFIG_START_ANY);
	MIG_ASSERT(entry[1].mig_enabled && entry[2].mig_enabled);
	MIG_ASSERT_UINT_EQ(entry[1].device_count + entry[2].device_count, 0);
	mig_config_free(config);
}

MIG_TEST(v1_reads_json_anchors_and_merges)
{
	struct mig_config *config =
		config_taken("{\"version\": \"migctl/v1\", \"layouts\": {\"a\": [{\"gpus\": [0], "
			     "\"devices\": [\"1g.5gb+me,gfx@2*3\"]}]}}");
	const struct mig_config_entry *entry = &config->labels[0].entries[0];

	MIG_ASSERT_STR_EQ(entry->devices[0].profile, "1g.5gb+me,gfx");
	MIG_ASSERT_UINT_EQ(entry->devices[0].start, 2);
	MIG_ASSERT_UINT_EQ(entry->devices[0].count, 3);
	mig_config_free(config);
	config = config_taken(HEAD "  a: [&e {gpus: all, devices: {1g.5gb: 7}}]\n"
				   "  b:\n  - <<: *e\n    gpus: 1\n    keep-in-use: yes\n");
	entry = &config->labels[1].entries[0];
	MIG_ASSERT(entry->keeps_in_use && !entry->all_gpus);
	MIG_ASSERT_UINT_EQ(entry->devices[0].count, 7);
	mig_config_free(config);
}

/* ---- what is wrong with a file ------------------------------------------------------------------- */

MIG_TEST(v1_wants_layouts)
{
	config_refused("version: migctl/v1\n", "c.yaml:1:1: missing field 'layouts'", NULL);
	config_refused("version: migctl/v1\nlayout: {}\n", "c.yaml:2:1: unknown field 'layout'",
		       "did you mean 'layouts'?");
	config_refused("version: migctl/v2\nlayouts: {}\n",
		       "c.yaml:1:10: unknown version 'migctl/v2', known are 'v1' and 'migctl/v1'",
		       "migctl's own");
	config_refused("version: migctl/v1\nlayouts: {}\n",
		       "c.yaml:2:10: 'layouts' is not a mapping with at least one label", NULL);
	config_refused(HEAD "  a: {}\n",
		       "c.yaml:3:6: label 'a' is not a list with at least one entry", NULL);
	config_refused(HEAD "  a: [1]\n", "c.yaml:3:7: an entry is a mapping with 'gpus'", NULL);
}

MIG_TEST(v1_takes_no_key_twice)
{
	config_refused(HEAD "  a: [{gpus: all, mig: off}]\n  b: [{gpus: all, mig: off}]\n"
			    "  a: [{gpus: all, mig: off}]\n",
		       "c.yaml:5:3: 'a' is there twice", NULL);
	entry_refused("gpus: all, mig: off, mig: on", "27: 'mig' is there twice", NULL);
	entry_refused("gpus: all, devices: {1g.5gb: 1, 1g.5gb: 2}", "38: '1g.5gb' is there twice",
		      NULL);
	config_refused("version: migctl/v1\nversion: migctl/v1\nlayouts: {}\n",
		       "c.yaml:2:1: 'version' is there twice", NULL);
}

MIG_TEST(v1_wants_an_entry_to_say_one_thing)
{
	entry_refused("mig: off", "5: missing field 'gpus'", NULL);
	entry_refused("gpus: all", "5: an entry says nothing of its GPUs", "'mig: off'");
	entry_refused("gpus: all, mig: on", "5: missing field 'devices' ([] for none)", NULL);
	entry_refused("gpus: all, mig: off, devices: []",
		      "36: 'mig' is off, and so there are no devices", NULL);
	entry_refused("gpus: all, mig: off, totals: {1g.5gb: 1}",
		      "35: 'mig' is off, and so there are no devices", NULL);
	entry_refused("gpus: all, devices: [1g.5gb], totals: {1g.5gb: 1}",
		      "44: 'totals' stands instead of 'devices' and 'instances'", NULL);
	entry_refused("gpus: all, mig: 1", "22: 'mig' is on or off", NULL);
	entry_refused("gpus: all, mig: off, keep-in-use: maybe",
		      "40: 'keep-in-use' is true or false", NULL);
	entry_refused("gpu: all, mig: off", "6: unknown field 'gpu'", "did you mean 'gpus'?");
	entry_refused("gpus: all, mig-devices: {}", "17: unknown field 'mig-devices'", "devices");
}

MIG_TEST(v1_refuses_what_names_no_gpu)
{
	static const char *const names[] = {"x",     "GPU-",  "GPU_1",	"'0'",	     "-1",
					    "1.0",   "MIG-1", "10:00",	"0:0:0:0.0", "10:00.8x",
					    "'all'", "",      "GPU-a b"};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(names); i++) {
		char text[256];
		struct mig_config *config = NULL;
		struct mig_error *err = NULL;

		snprintf(text, sizeof(text), HEAD "  a:\n  - {gpus: [%s, 1], mig: off}\n",
			 names[i]);
		MIG_ASSERT_MSG(mig_config_parse("c.yaml", text, strlen(text), &config, &err) == -1,
			       "taken: %s", names[i]);
		MIG_ASSERT_CONTAINS(mig_error_message(err), "c.yaml:4:");
		mig_error_free(err);
	}
	entry_refused("gpus: [GPU_1], mig: off", "13: 'GPU_1' names no GPU", "a UUID");
	entry_refused("gpus: some, mig: off", "12: 'some' names no GPU", "'all' stands alone");
	entry_refused("gpus: ['0'], mig: off",
		      "13: a GPU index is not a number from 0 to 2147483647", NULL);
	entry_refused("gpus: [[0]], mig: off", "13: '' names no GPU", "an index");
	entry_refused("gpus: {}, mig: off", "12: 'gpus' is 'all', a GPU, or a list of GPUs", NULL);
	entry_refused("gpus: , mig: off", "12: 'gpus' is 'all', a GPU, or a list of GPUs", NULL);
	entry_refused("gpus: all, filter: A100, mig: off", "25: malformed filter 'A100'",
		      "0xDDDDVVVV");
}

MIG_TEST(v1_refuses_what_is_no_device)
{
	static const struct {
		const char *value, *message, *hint;
	} cases[] = {
		{"1g.5gb",
		 "21: 'devices' is a mapping of profiles to numbers or a list of devices ([] for "
		 "none)",
		 NULL},
		{"[1g5gb]", "22: '1g5gb': this is not a profile name", "1c.3g.20gb"},
		{"[MIG 1g.5gb]", "22: 'MIG 1g.5gb': this is not a profile name", "1c.3g.20gb"},
		{"[1g.5gb@]",
		 "22: '1g.5gb@': the number after '@' is where the GPU instance starts, from 0 to "
		 "63",
		 NULL},
		{"[1g.5gb@64]",
		 "22: '1g.5gb@64': the number after '@' is where the GPU instance starts, from 0 "
		 "to 63",
		 NULL},
		{"['1g.5gb@01']",
		 "22: '1g.5gb@01': the number after '@' is where the GPU instance starts, from 0 "
		 "to 63",
		 NULL},
		{"[1g.5gb*]",
		 "22: '1g.5gb*': the number after '*' is how many, from 0 to 2147483647", NULL},
		{"[1g.5gb*2@4]",
		 "22: '1g.5gb*2@4': the number after '*' is how many, from 0 to 2147483647", NULL},
		{"[1g.5gb*0]", "21: all numbers in 'devices' are 0", NULL},
		{"[{}]", "22: a device is a text as in 3g.20gb@4 or 1g.5gb*2", NULL},
		{"{1g.5gb: 0}", "21: all numbers in 'devices' are 0", NULL},
		{"{1g.5gb*2: 1}", "22: '1g.5gb*2' is not a profile name or PROFILE@START",
		 "1c.3g.20gb"},
		{"{1g.5gb@x: 1}", "22: '1g.5gb@x' is not a profile name or PROFILE@START",
		 "1c.3g.20gb"},
		{"{1g.5gb: -1}", "30: the number of devices is not a number from 0 to 2147483647",
		 NULL},
	};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(cases); i++) {
		char fields[256];
		char message[256];
		unsigned int column;
		char *end;

		snprintf(fields, sizeof(fields), "gpus: 0, devices: %s", cases[i].value);
		column = (unsigned int)strtoul(cases[i].message, &end, 10) + 3;
		snprintf(message, sizeof(message), "%u%s", column, end);
		entry_refused(fields, message, cases[i].hint);
	}
}

MIG_TEST(v1_refuses_what_is_no_instance)
{
#define INSTANCES "gpus: 0, instances: "
	entry_refused(INSTANCES "{}", "26: 'instances' is a list of GPU instances", NULL);
	entry_refused(INSTANCES "[1g.5gb]",
		      "27: an instance is a mapping with 'profile' and 'start'", NULL);
	entry_refused(INSTANCES "[{profile: 1g.5gb}]", "27: missing field 'start'", NULL);
	entry_refused(INSTANCES "[{start: 1}]", "27: missing field 'profile'", NULL);
	entry_refused(INSTANCES "[{profile: x, start: 1}]", "37: 'x' is not a profile name",
		      "1c.3g.20gb");
	entry_refused(INSTANCES "[{profile: 1g.5gb, start: 1.5}]",
		      "52: the start is not a number from 0 to 2147483647", NULL);
	entry_refused(INSTANCES "[{profile: 1g.5gb, start: 1, compute: 1g.5gb}]",
		      "64: 'compute' is a list of compute instances ([] for none)", NULL);
	entry_refused(INSTANCES "[{profile: 1g.5gb, start: 1, compute: [1c]}]",
		      "65: '1c': this is not a profile name", "1c.3g.20gb");
	entry_refused(INSTANCES "[{profile: 1g.5gb, start: 1, compute: [1g.5gb*2]}]",
		      "65: each compute instance is an item of its own here", NULL);
	entry_refused(INSTANCES "[{profile: 1g.5gb, strt: 1}]", "45: unknown field 'strt'",
		      "did you mean 'start'?");
#undef INSTANCES
}

MIG_TEST(v1_refuses_what_is_no_total)
{
	entry_refused("gpus: all, totals: [1g.5gb]",
		      "25: 'totals' is a mapping of profiles to numbers", NULL);
	entry_refused("gpus: all, totals: {1g.5gb@4: 1}", "26: '1g.5gb@4' is not a profile name",
		      "1c.3g.20gb");
	entry_refused("gpus: all, totals: {1g.5gb: 0}", "25: all numbers in 'totals' are 0", NULL);
}

MIG_TEST(v1_finds_a_key_that_is_there_twice_among_many)
{
	size_t size = 4 << 20;
	char *text = malloc(size);
	struct mig_config *config = NULL;
	struct mig_error *err = NULL;
	size_t used;

	MIG_ASSERT(text != NULL);
	used = (size_t)snprintf(text, size, HEAD "  l0: &l [{gpus: all, mig: off}]\n");
	for (int i = 1; i < 65000; i++)
		used += (size_t)snprintf(text + used, size - used, "  l%d: *l\n", i);
	used += (size_t)snprintf(text + used, size - used, "  l7: *l\n");
	MIG_ASSERT_INT_EQ(mig_config_parse("c.yaml", text, used, &config, &err), -1);
	MIG_ASSERT_STR_EQ(mig_error_message(err), "c.yaml:65003:3: 'l7' is there twice");
	mig_error_free(err);
	free(text);
}
