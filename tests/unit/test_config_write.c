/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configurations as text: the present layout of a node and the generated one, in all formats, and
 * read again.
 */
#include "config/write.h"

#include <stdio.h>
#include <string.h>

#include "config/export.h"
#include "config/layout_args.h"
#include "config/select.h"
#include "config/write_text.h"
#include "tests/harness/test.h"
#include "tests/unit/fake_snapshot.h"

#define TEXT_MAX 65536

/* Frees the configuration. */
static void written(struct mig_config *config, enum mig_config_format format, const char *want)
{
	struct mig_buf text = MIG_BUF_INIT(TEXT_MAX);
	struct mig_error *err = NULL;

	if (mig_config_write(config, format, &text, &err) < 0)
		MIG_FAIL("not written: %s", mig_error_message(err));
	MIG_ASSERT_STR_EQ(mig_buf_text(&text), want);
	mig_buf_clear(&text);
	mig_config_free(config);
}

static struct mig_config *exported(const struct mig_snapshot *snapshot, const char *label)
{
	struct mig_config *config = NULL;
	struct mig_error *err = NULL;

	if (mig_config_export_parted(snapshot, label, &config, &err) < 0)
		MIG_FAIL("not exported: %s", mig_error_message(err));
	return config;
}

static struct mig_config *exported_v1(const struct mig_snapshot *snapshot)
{
	struct mig_config *config = NULL;
	struct mig_error *err = NULL;

	if (mig_config_export_v1(snapshot, "current", &config, &err) < 0)
		MIG_FAIL("not exported: %s", mig_error_message(err));
	return config;
}

static void put_balanced(struct fake_gpu *gpu)
{
	fake_put(gpu, "1g.5gb", 6);
	fake_put(gpu, "2g.10gb", 4);
	fake_put(gpu, "1g.10gb", 2);
	fake_put(gpu, "1g.5gb", 0);
}

/* ---- nvidia-mig-parted's export ----------------------------------------------------------------- */

MIG_TEST(export_of_equal_gpus_is_one_entry)
{
	struct fake_driver *fake = fake_new();
	struct mig_snapshot *snapshot;

	put_balanced(fake_add_a100(fake));
	put_balanced(fake_add_a100(fake));
	snapshot = fake_snapshot(fake, 0);
	written(exported(snapshot, "current"), MIG_CONFIG_FORMAT_PARTED_YAML,
		"version: v1\n"
		"mig-configs:\n"
		"  current:\n"
		"  - devices: all\n"
		"    mig-enabled: true\n"
		"    mig-devices:\n"
		"      1g.5gb: 2\n"
		"      1g.10gb: 1\n"
		"      2g.10gb: 1\n");
	/* encoding/json sorts by bytes, and ends without a newline. */
	written(exported(snapshot, "on"), MIG_CONFIG_FORMAT_PARTED_JSON,
		"{\n"
		"  \"version\": \"v1\",\n"
		"  \"mig-configs\": {\n"
		"    \"on\": [\n"
		"      {\n"
		"        \"devices\": \"all\",\n"
		"        \"mig-enabled\": true,\n"
		"        \"mig-devices\": {\n"
		"          \"1g.10gb\": 1,\n"
		"          \"1g.5gb\": 2,\n"
		"          \"2g.10gb\": 1\n"
		"        }\n"
		"      }\n"
		"    ]\n"
		"  }\n"
		"}");
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(export_groups_gpus_that_look_alike)
{
	struct fake_driver *fake = fake_new();
	struct mig_snapshot *snapshot;
	struct fake_gpu *gpu;

	gpu = fake_add_a100(fake);
	fake_put(gpu, "1g.5gb", 6);
	fake_put(gpu, "3g.20gb", 0);
	gpu = fake_add_a100(fake);
	gpu->current = gpu->pending = false;
	gpu = fake_add_a100(fake);
	fake_put(gpu, "3g.20gb", 4);
	fake_put(gpu, "1g.5gb", 0);
	snapshot = fake_snapshot(fake, 0);
	written(exported(snapshot, "on"), MIG_CONFIG_FORMAT_PARTED_YAML,
		"version: v1\n"
		"mig-configs:\n"
		"  \"on\":\n"
		"  - devices: [0, 2]\n"
		"    mig-enabled: true\n"
		"    mig-devices:\n"
		"      1g.5gb: 1\n"
		"      3g.20gb: 1\n"
		"  - devices: [1]\n"
		"    mig-enabled: false\n"
		"    mig-devices: {}\n");
	written(exported(snapshot, "<&>"), MIG_CONFIG_FORMAT_PARTED_JSON,
		"{\n"
		"  \"version\": \"v1\",\n"
		"  \"mig-configs\": {\n"
		"    \"\\u003c\\u0026\\u003e\": [\n"
		"      {\n"
		"        \"devices\": [\n"
		"          0,\n"
		"          2\n"
		"        ],\n"
		"        \"mig-enabled\": true,\n"
		"        \"mig-devices\": {\n"
		"          \"1g.5gb\": 1,\n"
		"          \"3g.20gb\": 1\n"
		"        }\n"
		"      },\n"
		"      {\n"
		"        \"devices\": [\n"
		"          1\n"
		"        ],\n"
		"        \"mig-enabled\": false,\n"
		"        \"mig-devices\": {}\n"
		"      }\n"
		"    ]\n"
		"  }\n"
		"}");
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(export_tells_several_models_apart)
{
	struct fake_driver *fake = fake_new();
	struct mig_snapshot *snapshot;

	fake_put(fake_add_a100(fake), "7g.40gb", 0);
	fake_put(fake_add_a30(fake), "4g.24gb", 0);
	fake_add_a30(fake);
	fake_add_gpu(fake, "Tesla T4", NULL, 0);
	fake->gpus[3].pci_device_id = 0x1eb810de;
	fake_add_gpu(fake, "New GPU", fake_a100, fake_a100_count);
	fake->gpus[4].pci_device_id = 0x0000abcd;
	snapshot = fake_snapshot(fake, 0);
	written(exported(snapshot, "current"), MIG_CONFIG_FORMAT_PARTED_YAML,
		"version: v1\n"
		"mig-configs:\n"
		"  current:\n"
		"  - device-filter: \"0x20B010DE\"\n"
		"    devices: all\n"
		"    mig-enabled: true\n"
		"    mig-devices:\n"
		"      7g.40gb: 1\n"
		"  - device-filter: \"0x20B710DE\"\n"
		"    devices: [1]\n"
		"    mig-enabled: true\n"
		"    mig-devices:\n"
		"      4g.24gb: 1\n"
		"  - device-filter: [\"0x0000ABCD\", \"0x20B710DE\"]\n"
		"    devices: [2, 4]\n"
		"    mig-enabled: true\n"
		"    mig-devices: {}\n"
		"  - device-filter: \"0x1EB810DE\"\n"
		"    devices: all\n"
		"    mig-enabled: false\n"
		"    mig-devices: {}\n");
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(export_without_filters_when_all_models_look_alike)
{
	struct fake_driver *fake = fake_new();
	struct mig_snapshot *snapshot;

	fake_add_a100(fake);
	fake_add_a30(fake);
	snapshot = fake_snapshot(fake, 0);
	written(exported(snapshot, "current"), MIG_CONFIG_FORMAT_PARTED_YAML,
		"version: v1\n"
		"mig-configs:\n"
		"  current:\n"
		"  - devices: all\n"
		"    mig-enabled: true\n"
		"    mig-devices: {}\n");
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(export_counts_compute_instances)
{
	struct fake_driver *fake = fake_new();
	struct mig_snapshot *snapshot;
	struct fake_gi *gi = fake_put_gi(fake_add_a100(fake), "3g.20gb", 4);

	fake_put_ci(gi, 1, 0);
	fake_put_ci(gi, 1, 2);
	snapshot = fake_snapshot(fake, 0);
	written(exported(snapshot, "current"), MIG_CONFIG_FORMAT_PARTED_YAML,
		"version: v1\n"
		"mig-configs:\n"
		"  current:\n"
		"  - devices: all\n"
		"    mig-enabled: true\n"
		"    mig-devices:\n"
		"      1c.3g.20gb: 2\n");
	written(exported_v1(snapshot), MIG_CONFIG_FORMAT_V1,
		"version: migctl/v1\n"
		"layouts:\n"
		"  current:\n"
		"    - gpus: [GPU-fake-0]\n"
		"      mig: on\n"
		"      instances:\n"
		"        - profile: \"3g.20gb\"\n"
		"          start: 4\n"
		"          compute: [\"1c.3g.20gb@0\", \"1c.3g.20gb@2\"]\n");
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(export_says_what_a_format_cannot)
{
	struct fake_driver *fake = fake_new();
	struct fake_gpu *gpu = fake_add_a100(fake);
	struct mig_config *config = NULL;
	struct mig_error *err = NULL;
	struct mig_snapshot *snapshot;

	fake_put(gpu, "1g.5gb", 0);
	fake_put_gi(gpu, "3g.20gb", 4);
	snapshot = fake_snapshot(fake, 0);
	MIG_ASSERT_INT_EQ(mig_config_export_parted(snapshot, "current", &config, &err), -1);
	MIG_ASSERT_STR_EQ(mig_error_message(err),
			  "GPU 0 has a GPU instance without compute instances (3g.20gb@4), which "
			  "nvidia-mig-parted's format cannot name");
	MIG_ASSERT_STR_EQ(mig_error_hint_text(err), "export it as migctl/v1");
	MIG_ASSERT_INT_EQ(mig_error_exit_status(err), MIG_EXIT_REFUSED);
	mig_error_free(err);
	written(exported_v1(snapshot), MIG_CONFIG_FORMAT_V1,
		"version: migctl/v1\n"
		"layouts:\n"
		"  current:\n"
		"    - gpus: [GPU-fake-0]\n"
		"      mig: on\n"
		"      devices: [\"1g.5gb@0\"]\n"
		"      instances:\n"
		"        - profile: \"3g.20gb\"\n"
		"          start: 4\n"
		"          compute: []\n");
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(export_needs_gpus)
{
	struct fake_driver *fake = fake_new();
	struct mig_snapshot *snapshot = fake_snapshot(fake, 0);
	struct mig_config *config = NULL;
	struct mig_error *err = NULL;

	MIG_ASSERT_INT_EQ(mig_config_export_parted(snapshot, "current", &config, &err), -1);
	MIG_ASSERT_STR_EQ(mig_error_message(err), "the driver shows no GPU");
	MIG_ASSERT_INT_EQ(mig_error_exit_status(err), MIG_EXIT_NO_DRIVER);
	mig_error_free(err);
	err = NULL;
	MIG_ASSERT_INT_EQ(mig_config_export_v1(snapshot, "current", &config, &err), -1);
	MIG_ASSERT_STR_EQ(mig_error_message(err), "no GPU of this node has MIG");
	mig_error_free(err);
	err = NULL;
	MIG_ASSERT_INT_EQ(mig_config_generate(snapshot, &config, &err), -1);
	MIG_ASSERT_STR_EQ(mig_error_message(err), "no GPU of this node has MIG");
	MIG_ASSERT_INT_EQ(mig_error_exit_status(err), MIG_EXIT_NO_DRIVER);
	mig_error_free(err);
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

/* ---- what is exported exactly means what is there ------------------------------------------------ */

MIG_TEST(export_exactly_names_what_is_there)
{
	struct fake_driver *fake = fake_new();
	struct fake_gpu *gpu = fake_add_a100(fake);
	struct mig_buf text = MIG_BUF_INIT(TEXT_MAX);
	struct mig_config *config = NULL;
	struct mig_target *target = NULL;
	struct mig_snapshot *snapshot;
	struct fake_gi *gi;

	put_balanced(gpu);
	gpu = fake_add_a100(fake);
	gi = fake_put_gi(gpu, "4g.20gb", 0);
	fake_put_ci(gi, 2, 2);
	fake_put_ci(gi, 1, 0);
	fake_put_gi(gpu, "3g.20gb", 4);
	fake_add_a30(fake)->current = false;
	fake_add_gpu(fake, "Tesla T4", NULL, 0);
	snapshot = fake_snapshot(fake, 0);
	config = exported_v1(snapshot);
	MIG_ASSERT_INT_EQ(mig_config_write(config, MIG_CONFIG_FORMAT_V1, &text, NULL), 0);
	mig_config_free(config);
	config = NULL;
	MIG_ASSERT_INT_EQ(mig_config_parse("e", mig_buf_text(&text), text.len, &config, NULL), 0);
	MIG_ASSERT_INT_EQ(mig_config_select(config, mig_config_find(config, "current", NULL),
					    snapshot, &target, NULL),
			  0);
	for (unsigned int i = 0; i < 3; i++) {
		const struct mig_gpu *there = &snapshot->gpus[i];

		MIG_ASSERT(target->gpus[i].is_named);
		MIG_ASSERT(target->gpus[i].mig_mode == there->mig_current);
		MIG_ASSERT_UINT_EQ(target->gpus[i].device_count, 0);
		MIG_ASSERT_UINT_EQ(target->gpus[i].placed_count, there->gi_count);
		for (unsigned int g = 0; g < there->gi_count; g++) {
			const struct mig_placed_gi *placed = NULL;

			for (unsigned int p = 0; p < target->gpus[i].placed_count; p++) {
				if (target->gpus[i].placed[p].start == there->gi[g].start)
					placed = &target->gpus[i].placed[p];
			}
			MIG_ASSERT(placed != NULL);
			MIG_ASSERT_UINT_EQ(placed->gi_row, there->gi[g].gi_row);
			MIG_ASSERT_UINT_EQ(placed->ci_count, there->gi[g].ci_count);
		}
	}
	MIG_ASSERT(!target->gpus[3].is_named);
	MIG_ASSERT_UINT_EQ(target->gpus[1].placed[0].ci[0].start, 2);
	mig_target_free(target);
	mig_config_free(config);
	mig_buf_clear(&text);
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

/* ---- generate-config ----------------------------------------------------------------------------- */

MIG_TEST(generate_for_one_model)
{
	struct fake_driver *fake = fake_new();
	struct mig_config *config = NULL;
	struct mig_snapshot *snapshot;

	fake_add_a30(fake);
	fake_add_a30(fake);
	fake_add_gpu(fake, "Tesla T4", NULL, 0);
	snapshot = fake_snapshot(fake, 0);
	MIG_ASSERT_INT_EQ(mig_config_generate(snapshot, &config, NULL), 0);
	written(config, MIG_CONFIG_FORMAT_PARTED_YAML,
		"version: v1\n"
		"mig-configs:\n"
		"  all-1g.6gb:\n"
		"  - devices: all\n    mig-enabled: true\n    mig-devices:\n      1g.6gb: 4\n"
		"  all-1g.6gb.me:\n"
		"  - devices: all\n    mig-enabled: true\n    mig-devices:\n      1g.6gb+me: 1\n"
		"  all-2g.12gb:\n"
		"  - devices: all\n    mig-enabled: true\n    mig-devices:\n      2g.12gb: 2\n"
		"  all-2g.12gb.me:\n"
		"  - devices: all\n    mig-enabled: true\n    mig-devices:\n      2g.12gb+me: 1\n"
		"  all-4g.24gb:\n"
		"  - devices: all\n    mig-enabled: true\n    mig-devices:\n      4g.24gb: 1\n"
		"  all-balanced:\n"
		"  - devices: all\n    mig-enabled: true\n    mig-devices:\n      1g.6gb: 2\n"
		"      2g.12gb: 1\n"
		"  all-disabled:\n"
		"  - devices: all\n    mig-enabled: false\n    mig-devices: {}\n"
		"  all-enabled:\n"
		"  - devices: all\n    mig-enabled: true\n    mig-devices: {}\n");
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

static void check_entry(const struct mig_config_entry *entry, uint32_t id, const char *profile,
			unsigned int count)
{
	MIG_ASSERT_UINT_EQ(entry->filters[0].device_id, id);
	MIG_ASSERT_STR_EQ(entry->devices[0].profile, profile);
	MIG_ASSERT_UINT_EQ(entry->devices[0].count, count);
}

MIG_TEST(generate_for_several_models)
{
	/* One that takes fewer of a profile than the A100. */
	struct fake_gi_profile few = fake_a100[0];
	struct fake_driver *fake = fake_new();
	const struct mig_config_label *label;
	struct mig_config *config = NULL;
	struct mig_snapshot *snapshot;

	few.max = 2;
	fake_add_a100(fake);
	fake_add_gpu(fake, "New GPU", &few, 1);
	fake->gpus[1].pci_device_id = 0x111110de;
	snapshot = fake_snapshot(fake, 0);
	MIG_ASSERT_INT_EQ(mig_config_generate(snapshot, &config, NULL), 0);
	label = mig_config_find(config, "all-1g.5gb", NULL);
	MIG_ASSERT(label != NULL);
	MIG_ASSERT_UINT_EQ(label->entry_count, 2);
	check_entry(&label->entries[0], 0x111110de, "1g.5gb", 2);
	check_entry(&label->entries[1], 0x20b010de, "1g.5gb", 7);
	label = mig_config_find(config, "all-7g.40gb", NULL);
	MIG_ASSERT_UINT_EQ(label->entry_count, 1);
	check_entry(&label->entries[0], 0x20b010de, "7g.40gb", 1);
	/* One slice is in no formula. */
	label = mig_config_find(config, "all-balanced", NULL);
	MIG_ASSERT_UINT_EQ(label->entry_count, 1);
	check_entry(&label->entries[0], 0x20b010de, "1g.5gb", 2);
	MIG_ASSERT_UINT_EQ(label->entries[0].device_count, 3);
	MIG_ASSERT_STR_EQ(label->entries[0].devices[2].profile, "3g.20gb");
	label = mig_config_find(config, "all-disabled", NULL);
	MIG_ASSERT_UINT_EQ(label->entries[0].filter_count, 0);
	mig_config_free(config);
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(generate_leaves_out_what_it_cannot_balance)
{
	struct fake_driver *fake = fake_new();
	struct mig_config *config = NULL;
	struct mig_error *err = NULL;
	struct mig_snapshot *snapshot;

	fake_add_gpu(fake, "New GPU", fake_a100, 1);
	snapshot = fake_snapshot(fake, 0);
	MIG_ASSERT_INT_EQ(mig_config_generate(snapshot, &config, NULL), 0);
	MIG_ASSERT(mig_config_find(config, "all-balanced", &err) == NULL);
	MIG_ASSERT_STR_EQ(mig_error_message(err),
			  "'the generated configuration' has no label 'all-balanced'");
	mig_error_free(err);
	mig_config_free(config);
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

/* ---- writing in general -------------------------------------------------------------------------- */

MIG_TEST(write_says_what_nvidia_mig_parted_cannot)
{
	static const struct {
		const char *arg, *message;
	} cases[] = {
		{"0=3g.20gb@4", "argument 1 '0=3g.20gb@4' column 1: nvidia-mig-parted's format "
				"cannot name devices at a place, as label 'LAYOUT' does"},
		{"0=total:1g.5gb", "argument 1 '0=total:1g.5gb' column 1: nvidia-mig-parted's "
				   "format cannot name totals over several GPUs, as label "
				   "'LAYOUT' does"},
		{"GPU-1=off", "argument 1 'GPU-1=off' column 1: nvidia-mig-parted's format cannot "
			      "name GPUs by UUID or PCI address, as label 'LAYOUT' does"},
	};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(cases); i++) {
		char *args[] = {(char *)cases[i].arg};
		struct mig_buf text = MIG_BUF_INIT(TEXT_MAX);
		struct mig_config *config = NULL;
		struct mig_error *err = NULL;

		MIG_ASSERT_INT_EQ(mig_config_from_args(args, 1, &config, NULL), 0);
		MIG_ASSERT_INT_EQ(
			mig_config_write(config, MIG_CONFIG_FORMAT_PARTED_JSON, &text, &err), -1);
		MIG_ASSERT_STR_EQ(mig_error_message(err), cases[i].message);
		MIG_ASSERT_STR_EQ(mig_error_hint_text(err), "write it as migctl/v1");
		MIG_ASSERT_STR_EQ(mig_buf_text(&text), "");
		mig_error_free(err);
		mig_config_free(config);
	}
}

MIG_TEST(write_takes_the_last_of_equal_labels_and_adds_equal_devices_up)
{
	static const char yaml[] =
		"version: v1\nmig-configs:\n"
		"  a: [{devices: all, mig-enabled: false}]\n"
		"  a: [{devices: [1, 0], mig-enabled: true, mig-devices: {1g.5gb: 3}, "
		"device-filter: [1]}]\n";
	char *args[] = {"0-1=1g.5gb,2g.10gb*2,1g.5gb*2"};
	struct mig_config *config = NULL;

	MIG_ASSERT_INT_EQ(mig_config_parse("c", yaml, strlen(yaml), &config, NULL), 0);
	written(config, MIG_CONFIG_FORMAT_PARTED_YAML,
		"version: v1\n"
		"mig-configs:\n"
		"  a:\n"
		"  - device-filter: [\"0x00000001\"]\n"
		"    devices: [1, 0]\n"
		"    mig-enabled: true\n"
		"    mig-devices:\n"
		"      1g.5gb: 3\n");
	MIG_ASSERT_INT_EQ(mig_config_from_args(args, 1, &config, NULL), 0);
	written(config, MIG_CONFIG_FORMAT_PARTED_YAML,
		"version: v1\n"
		"mig-configs:\n"
		"  LAYOUT:\n"
		"  - devices: [0, 1]\n"
		"    mig-enabled: true\n"
		"    mig-devices:\n"
		"      1g.5gb: 3\n"
		"      2g.10gb: 2\n");
}

MIG_TEST(write_ends_at_the_limit)
{
	struct mig_buf text = MIG_BUF_INIT(20);
	char *args[] = {"0=off"};
	struct mig_config *config = NULL;
	struct mig_error *err = NULL;

	MIG_ASSERT_INT_EQ(mig_config_from_args(args, 1, &config, NULL), 0);
	MIG_ASSERT_INT_EQ(mig_config_write(config, MIG_CONFIG_FORMAT_V1, &text, &err), -1);
	MIG_ASSERT_STR_EQ(mig_error_message(err), "the configuration is longer than 20 bytes");
	mig_error_free(err);
	mig_config_free(config);
	mig_buf_clear(&text);
}

MIG_TEST(write_puts_names_in_natural_order)
{
	static const char *const ordered[] = {"1",	     "1g.5gb",	     "1g.5gb+me",
					      "1g.5gb.me",   "1g.10gb",	     "1g.10gb+me",
					      "2g.10gb",     "10g.1gb",	     "all-1g.5gb",
					      "all-1g.10gb", "all-balanced", "b"};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(ordered); i++) {
		for (size_t j = 0; j < MIG_ARRAY_SIZE(ordered); j++) {
			int order = mig_write_compare_natural(ordered[i], ordered[j]);

			MIG_ASSERT_MSG((order > 0) - (order < 0) == (i > j) - (i < j), "%s and %s",
				       ordered[i], ordered[j]);
		}
	}
}

MIG_TEST(write_quotes_what_would_be_read_as_something_else)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"all-1g.5gb", "all-1g.5gb"},
		{"1g.5gb+me", "1g.5gb+me"},
		{"off", "\"off\""},
		{"Yes", "\"Yes\""},
		{"NULL", "\"NULL\""},
		{"", "\"\""},
		{"7", "\"7\""},
		{"1e3", "\"1e3\""},
		{"0x1f", "\"0x1f\""},
		{"-1", "\"-1\""},
		{"a b", "\"a b\""},
		{"<<", "\"\\u003c\\u003c\""},
		{"a: b", "\"a: b\""},
		{"\"\\\n\x7f", "\"\\\"\\\\\\u000a\\u007f\""},
		{"\xc3\xa9\xc2\x9b\xe2\x80\xa8\xf0\x9f\x98\x80",
		 "\"\xc3\xa9\\u009b\\u2028\xf0\x9f\x98\x80\""},
		{"\xff", "\"\\ufffd\""},
	};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(cases); i++) {
		struct mig_buf out = MIG_BUF_INIT(4096);

		mig_write_yaml_text(&out, cases[i].text);
		MIG_ASSERT_STR_EQ(mig_buf_text(&out), cases[i].want);
		mig_buf_clear(&out);
	}
}
