/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration file: what is read from it, and what is said about one that is wrong, with the
 * place of the mistake.
 */
#include "config/config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness/test.h"
#include "tests/unit/config_case.h"

#define HEAD  "version: v1\nmig-configs:\n"
#define ENTRY HEAD "  a:\n  - devices: all\n    mig-enabled: true\n    mig-devices: {1g.5gb: 1}\n"

/* ---- what is read ------------------------------------------------------------------------------ */

MIG_TEST(config_reads_every_field)
{
	struct mig_config *config =
		config_taken(HEAD "  mixed:\n"
				  "  - device-filter: [0x20B010DE, \"548278494:0x134F10DE\"]\n"
				  "    devices: [0, 3]\n"
				  "    mig-enabled: true\n"
				  "    mig-devices:\n"
				  "      1g.5gb: 2\n"
				  "      \"3g.20gb\": 1\n"
				  "      1g.10gb: 0\n"
				  "  - devices: all\n"
				  "    mig-enabled: no\n");
	const struct mig_config_label *label = &config->labels[0];
	const struct mig_config_entry *entry = &label->entries[0];

	MIG_ASSERT_STR_EQ(config->source, "c.yaml");
	MIG_ASSERT_UINT_EQ(config->label_count, 1);
	MIG_ASSERT_STR_EQ(label->name, "mixed");
	MIG_ASSERT_UINT_EQ(label->at.line, 3);
	MIG_ASSERT_UINT_EQ(label->at.column, 3);
	MIG_ASSERT_UINT_EQ(label->entry_count, 2);
	MIG_ASSERT_UINT_EQ(entry->at.line, 4);
	MIG_ASSERT_UINT_EQ(entry->filter_count, 2);
	MIG_ASSERT_UINT_EQ(entry->filters[0].device_id, 0x20b010de);
	MIG_ASSERT(!entry->filters[0].has_subsystem);
	MIG_ASSERT_UINT_EQ(entry->filters[1].device_id, 548278494);
	MIG_ASSERT(entry->filters[1].has_subsystem);
	MIG_ASSERT_UINT_EQ(entry->filters[1].subsystem_id, 0x134f10de);
	MIG_ASSERT(!entry->all_gpus && entry->mig_enabled);
	MIG_ASSERT_UINT_EQ(entry->gpu_count, 2);
	MIG_ASSERT_UINT_EQ(entry->gpus[1].index, 3);
	MIG_ASSERT_UINT_EQ(entry->gpus_at.line, 5);
	MIG_ASSERT_UINT_EQ(entry->gpus_at.column, 14);
	MIG_ASSERT_UINT_EQ(entry->device_count, 3);
	MIG_ASSERT_STR_EQ(entry->devices[1].profile, "3g.20gb");
	MIG_ASSERT_UINT_EQ(entry->devices[1].count, 1);
	MIG_ASSERT_UINT_EQ(entry->devices[1].at.line, 9);
	MIG_ASSERT_UINT_EQ(entry->devices[1].at.column, 7);
	MIG_ASSERT_UINT_EQ(entry->devices[2].count, 0);
	entry = &label->entries[1];
	MIG_ASSERT(entry->all_gpus && !entry->mig_enabled);
	MIG_ASSERT_UINT_EQ(entry->filter_count, 0);
	MIG_ASSERT_UINT_EQ(entry->device_count, 0);
	mig_config_free(config);
	mig_config_free(NULL);
}

MIG_TEST(config_reads_json)
{
	struct mig_config *config =
		config_taken("{\"version\":\"v1\",\"mig-configs\":{\"a\":[{\"devices\":[0],"
			     "\"mig-enabled\":true,\"mig-devices\":{\"1g.5gb+me\":1}}]}}");

	MIG_ASSERT_STR_EQ(config->labels[0].name, "a");
	MIG_ASSERT_STR_EQ(config->labels[0].entries[0].devices[0].profile, "1g.5gb+me");
	MIG_ASSERT_UINT_EQ(config->labels[0].entries[0].devices[0].at.line, 1);
	mig_config_free(config);
}

MIG_TEST(config_knows_the_booleans_of_yaml_1_1)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {
		{"y", true},	  {"Y", true},	    {"yes", true},  {"Yes", true},
		{"YES", true},	  {"on", true},	    {"On", true},   {"ON", true},
		{"true", true},	  {"True", true},   {"TRUE", true}, {"n", false},
		{"N", false},	  {"no", false},    {"No", false},  {"NO", false},
		{"off", false},	  {"Off", false},   {"OFF", false}, {"false", false},
		{"False", false}, {"FALSE", false},
	};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(words); i++) {
		char text[256];
		struct mig_config *config;

		snprintf(text, sizeof(text),
			 HEAD "  %s:\n  - {devices: all, mig-enabled: %s, mig-devices: {}}\n",
			 words[i].word, words[i].word);
		config = config_taken(text);
		/* A label is text, and so the boolean is written out. */
		MIG_ASSERT_STR_EQ(config->labels[0].name, words[i].value ? "true" : "false");
		MIG_ASSERT(config->labels[0].entries[0].mig_enabled == words[i].value);
		mig_config_free(config);
	}
}

MIG_TEST(config_takes_no_other_spelling_and_no_text_for_a_boolean)
{
	static const char *const words[] = {"yEs", "tRUE", "oFF",     "nO", "\"true\"", "'on'", "1",
					    "0",   "~",	   "enabled", "[]", "{}",	"t"};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(words); i++) {
		char text[256];

		snprintf(text, sizeof(text), HEAD "  a:\n  - devices: all\n    mig-enabled: %s\n",
			 words[i]);
		config_refused(text, "c.yaml:5:18: 'mig-enabled' is true or false", NULL);
	}
}

MIG_TEST(config_leaves_a_quoted_label_as_it_is)
{
	struct mig_config *config = config_taken(HEAD
						 "  \"off\": [{devices: all, mig-enabled: false}]\n"
						 "  nO: [{devices: all, mig-enabled: false}]\n");

	MIG_ASSERT_STR_EQ(config->labels[0].name, "off");
	MIG_ASSERT_STR_EQ(config->labels[1].name, "nO");
	mig_config_free(config);
}

MIG_TEST(config_takes_the_last_of_equal_keys)
{
	struct mig_config *config =
		config_taken(HEAD "  a:\n"
				  "  - {devices: all, mig-enabled: false}\n"
				  "  b:\n"
				  "  - {devices: all, mig-enabled: false}\n"
				  "  a:\n"
				  "  - devices: [7]\n"
				  "    devices: [1]\n"
				  "    mig-enabled: false\n"
				  "    mig-enabled: true\n"
				  "    mig-devices: {1g.5gb: 7, 2g.10gb: 1, 1g.5gb: 3}\n");
	const struct mig_config_label *label = mig_config_find(config, "a", NULL);

	MIG_ASSERT(label != NULL);
	MIG_ASSERT_UINT_EQ(label->entries[0].gpu_count, 1);
	MIG_ASSERT_UINT_EQ(label->entries[0].gpus[0].index, 1);
	MIG_ASSERT(label->entries[0].mig_enabled);
	MIG_ASSERT_UINT_EQ(label->entries[0].device_count, 2);
	MIG_ASSERT_STR_EQ(label->entries[0].devices[0].profile, "1g.5gb");
	MIG_ASSERT_UINT_EQ(label->entries[0].devices[0].count, 3);
	mig_config_free(config);
}

MIG_TEST(config_takes_anchors_and_aliases)
{
	struct mig_config *config = config_taken(
		HEAD "  a: &one\n"
		     "  - &entry\n"
		     "    devices: [0]\n"
		     "    mig-enabled: true\n"
		     "    mig-devices: &devices {1g.5gb: 7}\n"
		     "  b: *one\n"
		     "  c: [*entry]\n"
		     "  d: [{devices: all, mig-enabled: on, mig-devices: *devices}]\n");

	MIG_ASSERT_UINT_EQ(config->label_count, 4);
	for (size_t i = 0; i < 4; i++) {
		MIG_ASSERT_UINT_EQ(config->labels[i].entry_count, 1);
		MIG_ASSERT_UINT_EQ(config->labels[i].entries[0].devices[0].count, 7);
	}
	mig_config_free(config);
}

MIG_TEST(config_reads_the_first_document_only)
{
	struct mig_config *config = config_taken("---\n" ENTRY "---\n[this is, another: one\n");

	MIG_ASSERT_UINT_EQ(config->label_count, 1);
	mig_config_free(config);
	mig_config_free(config_taken("%YAML 1.1\n---\n" ENTRY "...\n"));
}

MIG_TEST(config_takes_a_byte_order_mark_and_windows_lines)
{
	struct mig_config *config = config_taken("\xef\xbb\xbf" ENTRY);

	MIG_ASSERT_UINT_EQ(config->label_count, 1);
	mig_config_free(config);
	config = config_taken("version: v1\r\nmig-configs:\r\n  a:\r\n  - devices: all\r\n"
			      "    mig-enabled: true\r\n    mig-devices: {1g.5gb: 1}\r\n");
	MIG_ASSERT_STR_EQ(config->labels[0].entries[0].devices[0].profile, "1g.5gb");
	mig_config_free(config);
}

MIG_TEST(config_merges_mappings)
{
	struct mig_config *config = config_taken(
		HEAD "  base: &base\n"
		     "  - &entry {devices: all, mig-enabled: true, mig-devices: &d {1g.5gb: 7}}\n"
		     "  one:\n"
		     "  - <<: *entry\n"
		     "    devices: [3]\n"
		     "  two:\n"
		     "  - <<: [{mig-enabled: false}, *entry]\n"
		     "    mig-devices: {}\n"
		     "  three:\n"
		     "  - <<: {<<: *entry, devices: [1]}\n"
		     "    mig-devices:\n"
		     "      <<: *d\n"
		     "      2g.10gb: 1\n");
	const struct mig_config_entry *entry = &config->labels[1].entries[0];

	MIG_ASSERT(entry->mig_enabled && !entry->all_gpus);
	MIG_ASSERT_UINT_EQ(entry->gpus[0].index, 3);
	MIG_ASSERT_UINT_EQ(entry->devices[0].count, 7);
	/* Of a list the first counts most. */
	entry = &config->labels[2].entries[0];
	MIG_ASSERT(!entry->mig_enabled && entry->all_gpus);
	entry = &config->labels[3].entries[0];
	MIG_ASSERT_UINT_EQ(entry->gpus[0].index, 1);
	MIG_ASSERT_UINT_EQ(entry->device_count, 2);
	mig_config_free(config);
}

MIG_TEST(config_refuses_merges_that_mean_different_things_to_different_readers)
{
	config_refused(HEAD "  a:\n  - mig-enabled: false\n    <<: {devices: all}\n",
		       "c.yaml:5:5: '<<' must come first in its mapping", NULL);
	config_refused(HEAD "  a:\n  - <<: all\n",
		       "c.yaml:4:9: '<<' merges a mapping or a list of mappings", NULL);
	config_refused(HEAD "  a:\n  - <<: [all]\n",
		       "c.yaml:4:10: '<<' merges a mapping or a list of mappings", NULL);
	config_refused(HEAD "  a:\n  - &a\n    <<: *a\n", "c.yaml:4:5: more than 8 levels of '<<'",
		       NULL);
	config_refused(HEAD "  a:\n  - \"<<\": {devices: all}\n", "c.yaml:4:5: unknown field '<<'",
		       NULL);
}

MIG_TEST(config_takes_null_for_no_devices_where_mig_is_off)
{
	struct mig_config *config =
		config_taken(HEAD "  a: [{devices: all, mig-enabled: false, mig-devices: ~}]\n"
				  "  b: [{devices: all, mig-enabled: false, mig-devices: }]\n");

	MIG_ASSERT_UINT_EQ(config->labels[0].entries[0].device_count, 0);
	mig_config_free(config);
}

MIG_TEST(config_takes_numbers_for_labels_that_read_the_same)
{
	static const char *const odd[] = {"010", "0x1f", "1_0", "1.0", "1e3", "+1", "-0x1", ".5"};
	struct mig_config *config = config_taken(HEAD
						 "  7: [{devices: all, mig-enabled: false}]\n"
						 "  '010': [{devices: all, mig-enabled: false}]\n"
						 "  -1: [{devices: all, mig-enabled: false}]\n"
						 "  1g.5gb: [{devices: all, mig-enabled: false}]\n"
						 "  1.2.3: [{devices: all, mig-enabled: false}]\n"
						 "  0: [{devices: all, mig-enabled: false}]\n");

	MIG_ASSERT_STR_EQ(config->labels[0].name, "7");
	MIG_ASSERT_STR_EQ(config->labels[2].name, "-1");
	mig_config_free(config);
	for (size_t i = 0; i < MIG_ARRAY_SIZE(odd); i++) {
		char text[128], message[128];

		snprintf(text, sizeof(text), HEAD "  %s: [{devices: all, mig-enabled: false}]\n",
			 odd[i]);
		snprintf(message, sizeof(message), "c.yaml:3:3: label '%s' is a number to YAML",
			 odd[i]);
		config_refused(text, message, "put it in quotation marks");
	}
	config_refused(HEAD "  ~: [{devices: all, mig-enabled: false}]\n",
		       "c.yaml:3:3: a label is expected here", NULL);
}

/* ---- what is wrong with a file ------------------------------------------------------------------- */

MIG_TEST(config_refuses_what_is_no_mapping)
{
	config_refused("", "c.yaml:1:1: the file is empty", NULL);
	config_refused("# nothing\n\n", "c.yaml:1:1: the file is empty", NULL);
	config_refused("--- ~\n",
		       "c.yaml:1:5: a mapping with 'version' and the layouts is expected", NULL);
	config_refused("text\n", "c.yaml:1:1: a mapping with 'version' and the layouts is expected",
		       NULL);
	config_refused("- a\n", "c.yaml:1:1: a mapping with 'version' and the layouts is expected",
		       NULL);
}

MIG_TEST(config_says_where_the_yaml_is_broken)
{
	static const char hint[] = "check indentation (spaces, no tabs), quotes and brackets";

	config_refused(
		"version: v1\nmig-configs:\n\ta:\n",
		"c.yaml:3:1: while scanning for the next token: found character that cannot start "
		"any token",
		hint);
	config_refused("version: v1\nmig-configs: {a: [\n",
		       "c.yaml:3:1: while parsing a flow node: did not find expected node content",
		       hint);
	config_refused("version: v1\n  mig-configs: {}\n",
		       "c.yaml:2:14: mapping values are not allowed in this context", hint);
	config_refused("version: \"v1\n",
		       "c.yaml:2:1: while scanning a quoted scalar: found unexpected end of stream",
		       hint);
	config_refused("version: *v\n", "c.yaml:1:10: found undefined alias", NULL);
}

MIG_TEST(config_refuses_bytes_that_are_no_text)
{
	static const char nul[] = "version: v1\nmig\0-configs: {}\n";
	static const char high[] = "version: v1\nm\xc3\xa9\xff: {}\n";
	static const char cut[] = "version: v1\nm: \xe2\x82";
	static const char quoted[] = HEAD "  \"a\\0b\": [{devices: all, mig-enabled: false}]\n";

	config_refused_bytes(nul, sizeof(nul) - 1, "c.yaml:2:4: control characters are not allowed",
			     NULL);
	config_refused_bytes(high, sizeof(high) - 1, "c.yaml:2:3: invalid leading UTF-8 octet",
			     NULL);
	config_refused_bytes(cut, sizeof(cut) - 1, "c.yaml:2:4: incomplete UTF-8 octet sequence",
			     NULL);
	config_refused_bytes(quoted, sizeof(quoted) - 1, "c.yaml:3:3: a label is expected here",
			     NULL);
}

MIG_TEST(config_wants_version_and_labels)
{
	static const char formats[] = "v1 is nvidia-mig-parted's format, migctl/v1 is migctl's own";

	config_refused("mig-configs: {}\n", "c.yaml:1:1: missing field 'version'", formats);
	config_refused("version: v2\nmig-configs: {}\n",
		       "c.yaml:1:10: unknown version 'v2', known are 'v1' and 'migctl/v1'",
		       formats);
	config_refused("version: 1\nmig-configs: {}\n",
		       "c.yaml:1:10: unknown version '1', known are 'v1' and 'migctl/v1'", formats);
	config_refused("version: [v1]\nmig-configs: {}\n",
		       "c.yaml:1:10: unknown version '', known are 'v1' and 'migctl/v1'", formats);
	config_refused("version: migctl/v1\nmig-configs: {}\n",
		       "c.yaml:2:1: unknown field 'mig-configs'", NULL);
	config_refused("version: v1\nlayouts: {}\n", "c.yaml:2:1: unknown field 'layouts'", NULL);
	config_refused("version: v1\n", "c.yaml:1:1: missing field 'mig-configs'", NULL);
	config_refused("version: v1\nmig-configs: {}\n",
		       "c.yaml:2:14: 'mig-configs' is not a mapping with at least one label", NULL);
	config_refused("version: v1\nmig-configs:\n",
		       "c.yaml:2:13: 'mig-configs' is not a mapping with at least one label", NULL);
	config_refused("version: v1\nmig-configs: [a]\n",
		       "c.yaml:2:14: 'mig-configs' is not a mapping with at least one label", NULL);
	config_refused("version: v1\nmig-config: {}\n", "c.yaml:2:1: unknown field 'mig-config'",
		       "did you mean 'mig-configs'?");
	config_refused("Version: v1\n", "c.yaml:1:1: unknown field 'Version'",
		       "did you mean 'version'?");
	config_refused("version: v1\n[a]: b\n", "c.yaml:2:1: a field name is expected here", NULL);
	config_refused(HEAD "  a: []\n",
		       "c.yaml:3:6: label 'a' is not a list with at least one entry", NULL);
	config_refused(HEAD "  a: {}\n",
		       "c.yaml:3:6: label 'a' is not a list with at least one entry", NULL);
	config_refused(HEAD "  a:\n", "c.yaml:3:5: label 'a' is not a list with at least one entry",
		       NULL);
	config_refused(HEAD "  [a]: []\n", "c.yaml:3:3: a label is expected here", NULL);
}

MIG_TEST(config_checks_labels_that_nobody_asks_for)
{
	config_refused(ENTRY "  b:\n  - devices: all\n", "c.yaml:8:5: missing field 'mig-enabled'",
		       NULL);
}

MIG_TEST(config_wants_every_field_of_an_entry)
{
	config_refused(HEAD "  a:\n  - text\n",
		       "c.yaml:4:5: an entry is a mapping with 'devices' and 'mig-enabled'", NULL);
	config_refused(HEAD "  a:\n  - mig-enabled: false\n", "c.yaml:4:5: missing field 'devices'",
		       NULL);
	config_refused(HEAD "  a:\n  - devices: all\n", "c.yaml:4:5: missing field 'mig-enabled'",
		       NULL);
	config_refused(HEAD "  a:\n  - devices: all\n    mig-enabled: true\n",
		       "c.yaml:4:5: missing field 'mig-devices' ({} for none)", NULL);
	config_refused(
		HEAD
		"  a:\n  - devices: all\n    mig-enabled: false\n    mig-devices: {1g.5gb: 1}\n",
		"c.yaml:6:18: 'mig-devices' has devices although 'mig-enabled' is false", NULL);
	config_refused(HEAD "  a:\n  - device: all\n    mig-enabled: false\n",
		       "c.yaml:4:5: unknown field 'device'", "did you mean 'devices'?");
	config_refused(HEAD "  a:\n  - devices: all\n    mig_enabled: false\n",
		       "c.yaml:5:5: unknown field 'mig_enabled'", "did you mean 'mig-enabled'?");
	config_refused(HEAD "  a:\n  - devices: all\n    mig-device: {}\n",
		       "c.yaml:5:5: unknown field 'mig-device'", "did you mean 'mig-devices'?");
	config_refused(HEAD "  a:\n  - devices: all\n    zzzzzzzz: {}\n",
		       "c.yaml:5:5: unknown field 'zzzzzzzz'", NULL);
}

MIG_TEST(config_refuses_devices_that_are_neither_all_nor_indices)
{
	static const struct {
		const char *value, *message;
	} cases[] = {
		{"some", "c.yaml:4:14: 'devices' is 'all' or a list of GPU indices"},
		{"0", "c.yaml:4:14: 'devices' is 'all' or a list of GPU indices"},
		{"{}", "c.yaml:4:14: 'devices' is 'all' or a list of GPU indices"},
		{"[all]", "c.yaml:4:15: a GPU index is not a number from 0 to 2147483647"},
		{"[-1]", "c.yaml:4:15: a GPU index is not a number from 0 to 2147483647"},
		{"[0, 1.0]", "c.yaml:4:18: a GPU index is not a number from 0 to 2147483647"},
		{"[0x1]", "c.yaml:4:15: a GPU index must not begin with 0"},
		{"[010]", "c.yaml:4:15: a GPU index must not begin with 0"},
		{"[+1]", "c.yaml:4:15: a GPU index is not a number from 0 to 2147483647"},
		{"[1_0]", "c.yaml:4:15: a GPU index is not a number from 0 to 2147483647"},
		{"['1']", "c.yaml:4:15: a GPU index is not a number from 0 to 2147483647"},
		{"[2147483648]", "c.yaml:4:15: a GPU index is not a number from 0 to 2147483647"},
		{"[99999999999999999999]",
		 "c.yaml:4:15: a GPU index is not a number from 0 to 2147483647"},
		{"[[0]]", "c.yaml:4:15: a GPU index is not a number from 0 to 2147483647"},
		{"[~]", "c.yaml:4:15: a GPU index is not a number from 0 to 2147483647"},
	};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(cases); i++) {
		char text[256];

		snprintf(text, sizeof(text), HEAD "  a:\n  - devices: %s\n    mig-enabled: false\n",
			 cases[i].value);
		config_refused(text, cases[i].message, NULL);
	}
}

MIG_TEST(config_refuses_what_is_no_set_of_devices)
{
	static const struct {
		const char *value, *message, *hint;
	} cases[] = {
		{"all", "c.yaml:6:18: 'mig-devices' is a mapping of profiles to numbers", NULL},
		{"[1g.5gb]", "c.yaml:6:18: 'mig-devices' is a mapping of profiles to numbers",
		 NULL},
		{"~", "c.yaml:6:18: 'mig-devices' is a mapping of profiles to numbers", NULL},
		{"{1g.5gb: 0}", "c.yaml:6:18: all numbers in 'mig-devices' are 0", NULL},
		{"{1g.5gb: 0, 2g.10gb: 0}", "c.yaml:6:18: all numbers in 'mig-devices' are 0",
		 NULL},
		{"{1g5gb: 1}", "c.yaml:6:19: '1g5gb' is not a profile name", "1c.3g.20gb"},
		{"{MIG 1g.5gb: 1}", "c.yaml:6:19: 'MIG 1g.5gb' is not a profile name",
		 "1c.3g.20gb"},
		{"{1g.5gb@4: 1}", "c.yaml:6:19: '1g.5gb@4' is not a profile name", "1c.3g.20gb"},
		{"{1g.5gb*4: 1}", "c.yaml:6:19: '1g.5gb*4' is not a profile name", "1c.3g.20gb"},
		{"{1g.5gb+me-me: 1}", "c.yaml:6:19: '1g.5gb+me-me' is not a profile name",
		 "1c.3g.20gb"},
		{"{'1g.5gb+me,me': 1}", "c.yaml:6:19: '1g.5gb+me,me' is not a profile name",
		 "1c.3g.20gb"},
		{"{off: 1}", "c.yaml:6:19: 'false' is not a profile name", "1c.3g.20gb"},
		{"{[a]: 1}", "c.yaml:6:19: '' is not a profile name", "1c.3g.20gb"},
		{"{2c.1g.5gb: 1}", "c.yaml:6:19: '2c.1g.5gb' is not a profile name", "1c.3g.20gb"},
		{"{1g.5gb: -1}",
		 "c.yaml:6:27: the number of devices is not a number from 0 to 2147483647", NULL},
		{"{1g.5gb: 1.5}",
		 "c.yaml:6:27: the number of devices is not a number from 0 to 2147483647", NULL},
		{"{1g.5gb: '1'}",
		 "c.yaml:6:27: the number of devices is not a number from 0 to 2147483647", NULL},
		{"{1g.5gb: }",
		 "c.yaml:6:27: the number of devices is not a number from 0 to 2147483647", NULL},
		{"{1g.5gb: 4294967297}",
		 "c.yaml:6:27: the number of devices is not a number from 0 to 2147483647", NULL},
		{"{1g.5gb: 07}", "c.yaml:6:27: the number of devices must not begin with 0", NULL},
	};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(cases); i++) {
		char text[256];

		snprintf(text, sizeof(text),
			 HEAD
			 "  a:\n  - devices: all\n    mig-enabled: true\n    mig-devices: %s\n",
			 cases[i].value);
		config_refused(text, cases[i].message, cases[i].hint);
	}
}

MIG_TEST(config_takes_a_count_of_zero_beside_others)
{
	struct mig_config *config =
		config_taken(HEAD "  a:\n  - devices: all\n    mig-enabled: true\n"
				  "    mig-devices: {1g.5gb: 0, 2g.10gb: 2147483647}\n");

	MIG_ASSERT_UINT_EQ(config->labels[0].entries[0].devices[1].count, 2147483647);
	mig_config_free(config);
}

MIG_TEST(config_refuses_malformed_filters)
{
	static const char *const filters[] = {
		"A100",
		"0x",
		"'0x20B010DE:'",
		":0x20B010DE",
		"0x120B010DE",
		"4294967296",
		"-1",
		"0x20B010DE:0x134F10DE:1",
		"0x20B010DE 0x134F10DE",
		"20B010DE",
		"0xg",
		"''",
		"'0x 1'",
	};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(filters); i++) {
		char text[256];
		char message[256];
		size_t len = strlen(filters[i]);
		bool is_quoted = filters[i][0] == '\'';

		snprintf(text, sizeof(text),
			 HEAD
			 "  a:\n  - device-filter: %s\n    devices: all\n    mig-enabled: false\n",
			 filters[i]);
		snprintf(message, sizeof(message), "c.yaml:4:20: malformed device-filter '%.*s'",
			 (int)(is_quoted ? len - 2 : len), filters[i] + is_quoted);
		config_refused(text, message, "0xDDDDVVVV");
	}
	config_refused(HEAD "  a:\n  - {devices: all, mig-enabled: false, device-filter: {}}\n",
		       "c.yaml:4:55: 'device-filter' is text or a list of texts", NULL);
	config_refused(HEAD "  a:\n  - {devices: all, mig-enabled: false, device-filter: [[]]}\n",
		       "c.yaml:4:56: malformed device-filter ''", "0xDDDDVVVV");
}

MIG_TEST(config_shows_foreign_text_short_and_harmless)
{
	char *text = calloc(1, 100000);
	size_t used;

	config_refused("\"\\e[31mred\\x9b\": 1\n",
		       "c.yaml:1:1: unknown field '\\x1b[31mred\\xc2\\x9b'", NULL);
	MIG_ASSERT(text != NULL);
	/* One byte, then two-byte characters: the cut falls into one of them. */
	used = (size_t)snprintf(text, 100000, "\"x");
	for (int i = 0; i < 400; i++)
		used += (size_t)snprintf(text + used, 100000 - used, "\xc3\xa9");
	snprintf(text + used, 100000 - used, "\": 1\n");
	config_refused(
		text,
		"c.yaml:1:1: unknown field 'x"
		"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
		"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
		"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
		"\xc3\xa9...'",
		NULL);
	free(text);
}

/* ---- the file itself ------------------------------------------------------------------------------ */

static void write_file(const char *path, const char *text, size_t repeat)
{
	FILE *file = fopen(path, "we");

	MIG_ASSERT(file != NULL);
	for (size_t i = 0; i < repeat; i++)
		MIG_ASSERT(fputs(text, file) >= 0);
	MIG_ASSERT_INT_EQ(fclose(file), 0);
}

MIG_TEST(config_names_the_file_in_its_errors)
{
	const char *path = mig_test_path("x.yaml");
	struct mig_config *config = NULL;
	struct mig_error *err = NULL;
	char want[4096];

	write_file(path, ENTRY, 1);
	MIG_ASSERT_INT_EQ(mig_config_read(path, &config, &err), 0);
	MIG_ASSERT_STR_EQ(config->source, path);
	mig_config_free(config);
	config = NULL;
	write_file(path, "a: 1\n", 1);
	MIG_ASSERT_INT_EQ(mig_config_read(path, &config, &err), -1);
	snprintf(want, sizeof(want), "%s:1:1: unknown field 'a'", path);
	MIG_ASSERT_STR_EQ(mig_error_message(err), want);
	mig_error_free(err);
}

MIG_TEST(config_refuses_a_file_of_more_than_16_mib)
{
	const char *path = mig_test_path("big.yaml");
	struct mig_config *config = NULL;
	struct mig_error *err = NULL;

	write_file(path, "#23456789012345\n", MIG_CONFIG_FILE_MAX / 16);
	MIG_ASSERT_INT_EQ(mig_config_read(path, &config, &err), -1);
	MIG_ASSERT_CONTAINS(mig_error_message(err), "big.yaml:1:1: the file is empty");
	mig_error_free(err);
	err = NULL;
	write_file(path, "#23456789012345\n", MIG_CONFIG_FILE_MAX / 16 + 1);
	MIG_ASSERT_INT_EQ(mig_config_read(path, &config, &err), -1);
	MIG_ASSERT_CONTAINS(mig_error_message(err), "big.yaml");
	MIG_ASSERT_CONTAINS(mig_error_message(err), "16777216");
	MIG_ASSERT(config == NULL);
	mig_error_free(err);
}

/* Its end is never reached: what is read is the limit and a piece. */
MIG_TEST(config_refuses_a_file_of_100_mb)
{
	const char *path = mig_test_path("huge.yaml");
	struct mig_config *config = NULL;
	struct mig_error *err = NULL;

	write_file(path, ENTRY, 1);
	MIG_ASSERT_INT_EQ(truncate(path, 100000000), 0);
	MIG_ASSERT_INT_EQ(mig_config_read(path, &config, &err), -1);
	MIG_ASSERT_CONTAINS(mig_error_message(err), "huge.yaml");
	MIG_ASSERT_CONTAINS(mig_error_message(err), "larger than the limit of 16777216 bytes");
	MIG_ASSERT(config == NULL);
	mig_error_free(err);
}

MIG_TEST(config_says_why_a_file_cannot_be_read)
{
	struct mig_config *config = NULL;
	struct mig_error *err = NULL;

	MIG_ASSERT_INT_EQ(mig_config_read(mig_test_path("none.yaml"), &config, &err), -1);
	MIG_ASSERT_CONTAINS(mig_error_message(err), "none.yaml");
	MIG_ASSERT_CONTAINS(mig_error_message(err), "No such file or directory");
	mig_error_free(err);
	err = NULL;
	MIG_ASSERT_INT_EQ(mig_config_read(mig_test_tmpdir(), &config, &err), -1);
	MIG_ASSERT_CONTAINS(mig_error_message(err), "directory");
	mig_error_free(err);
}

/* ---- labels ---------------------------------------------------------------------------------------- */

MIG_TEST(config_finds_a_label)
{
	struct mig_config *config =
		config_taken(HEAD "  all-balanced: [{devices: all, mig-enabled: false}]\n"
				  "  all-enabled: [{devices: all, mig-enabled: false}]\n"
				  "  \"red\\e[31m\": [{devices: all, mig-enabled: false}]\n");
	struct mig_error *err = NULL;

	MIG_ASSERT(mig_config_find(config, "all-enabled", &err) == &config->labels[1]);
	MIG_ASSERT(mig_config_find(config, "all-balance", &err) == NULL);
	MIG_ASSERT_STR_EQ(mig_error_message(err), "'c.yaml' has no label 'all-balance'");
	MIG_ASSERT_STR_EQ(mig_error_hint_text(err),
			  "did you mean 'all-balanced'? The file has: all-balanced, all-enabled, "
			  "red\\x1b[31m");
	MIG_ASSERT_INT_EQ(mig_error_exit_status(err), MIG_EXIT_REFUSED);
	mig_error_free(err);
	err = NULL;
	MIG_ASSERT(mig_config_find(config, "", &err) == NULL);
	MIG_ASSERT_CONTAINS(mig_error_message(err), "has no label ''");
	mig_error_free(err);
	err = NULL;
	MIG_ASSERT(mig_config_find(config, NULL, &err) == NULL);
	MIG_ASSERT_STR_EQ(mig_error_message(err), "'c.yaml' has 3 labels: say which one with -c");
	MIG_ASSERT_INT_EQ(mig_error_exit_status(err), MIG_EXIT_USAGE);
	mig_error_free(err);
	mig_config_free(config);
}

MIG_TEST(config_needs_no_label_where_there_is_one)
{
	struct mig_config *config = config_taken(ENTRY);

	MIG_ASSERT(mig_config_find(config, NULL, NULL) == &config->labels[0]);
	mig_config_free(config);
	config = config_taken(HEAD "  a: [{devices: all, mig-enabled: false}]\n"
				   "  a: [{devices: [1], mig-enabled: false}]\n");
	MIG_ASSERT(mig_config_find(config, NULL, NULL) == &config->labels[1]);
	mig_config_free(config);
}

MIG_TEST(config_lists_thousands_of_labels_as_far_as_it_goes)
{
	char *text = malloc(1 << 20);
	size_t used;
	struct mig_config *config;
	struct mig_error *err = NULL;

	MIG_ASSERT(text != NULL);
	used = (size_t)snprintf(text, 1 << 20,
				HEAD "  l0: &l [{devices: all, mig-enabled: false}]\n");
	for (int i = 1; i < 5000; i++)
		used += (size_t)snprintf(text + used, (1 << 20) - used, "  l%d: *l\n", i);
	config = config_taken_bytes(text, used);
	MIG_ASSERT(mig_config_find(config, "none", &err) == NULL);
	MIG_ASSERT_CONTAINS(mig_error_hint_text(err), "l0, l1, l2");
	MIG_ASSERT_CONTAINS(mig_error_hint_text(err), "l39, ... (5000 in all)");
	mig_error_free(err);
	mig_config_free(config);
	free(text);
}
