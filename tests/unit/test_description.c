/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Node descriptions: the short form, the JSON form, and that both say the same. Every model of
 * data/gpus is read as a model that a description brings along and compared with the built-in table,
 * which another program made from the same file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/file.h"
#include "sim/control/description.h"
#include "tests/harness/test.h"

/* ---- helpers ---------------------------------------------------------------------------------- */

static struct mig_sim_description *from_gpus(const char *gpus)
{
	struct mig_sim_description *d = NULL;
	struct mig_error *err = NULL;

	if (mig_sim_describe_gpus("node", gpus, NULL, &d, &err))
		MIG_FAIL("'%s': %s", gpus, mig_error_message(err));
	return d;
}

static const char *write_file(const char *name, const char *text)
{
	const char *path = mig_test_path(name);
	FILE *out = fopen(path, "w");

	MIG_ASSERT(out && fputs(text, out) >= 0 && fclose(out) == 0);
	MIG_ASSERT_INT_EQ(chmod(path, 0644), 0);
	return path;
}

static struct mig_sim_description *from_text(const char *text)
{
	const char *path = write_file("description.json", text);
	struct mig_sim_description *d = NULL;
	struct mig_error *err = NULL;

	if (mig_sim_describe_file("node", path, NULL, &d, &err))
		MIG_FAIL("%s", mig_error_message(err));
	return d;
}

/* The error's message without the path of the file, which begins it. */
static const char *message_behind_path(const struct mig_error *err, const char *path)
{
	const char *message = mig_error_message(err);

	MIG_ASSERT_MSG(strncmp(message, path, strlen(path)) == 0, "'%s' does not begin with '%s'",
		       message, path);
	return message + strlen(path);
}

static void expect_bad_text(const char *text, const char *message, const char *hint_part)
{
	const char *path = write_file("bad.json", text);
	struct mig_sim_description *d = NULL;
	struct mig_error *err = NULL;

	MIG_ASSERT_MSG(mig_sim_describe_file("node", path, NULL, &d, &err) < 0, "accepted: %s",
		       text);
	MIG_ASSERT(!d);
	MIG_ASSERT_STR_EQ(message_behind_path(err, path), message);
	if (hint_part)
		MIG_ASSERT_CONTAINS(mig_error_hint_text(err), hint_part);
	mig_error_free(err);
}

static void expect_bad_gpus(const char *gpus, enum mig_exit status, const char *message,
			    const char *hint_part)
{
	struct mig_sim_description *d = NULL;
	struct mig_error *err = NULL;

	MIG_ASSERT_MSG(mig_sim_describe_gpus("node", gpus, NULL, &d, &err) < 0, "accepted: %s",
		       gpus);
	MIG_ASSERT_CONTAINS(mig_error_message(err), message);
	MIG_ASSERT_INT_EQ(mig_error_exit_status(err), status);
	if (hint_part)
		MIG_ASSERT_CONTAINS(mig_error_hint_text(err), hint_part);
	mig_error_free(err);
}

/* ---- the short form --------------------------------------------------------------------------- */

MIG_TEST(short_form_counts_and_options)
{
	struct mig_sim_description *d =
		from_gpus("2xA100-SXM4-40GB:swapped:in-use,t4-16gb,1xa100-sxm4-40gb");

	MIG_ASSERT_UINT_EQ(d->node.gpu_count, 4);
	MIG_ASSERT_UINT_EQ(d->node.model_count, 2);
	MIG_ASSERT_STR_EQ(d->models[0].key, "a100-sxm4-40gb");
	MIG_ASSERT_STR_EQ(d->models[1].key, "t4-16gb");
	MIG_ASSERT_UINT_EQ(d->node.gpus[1].layout, MIG_SIM_LAYOUT_SWAPPED);
	MIG_ASSERT_UINT_EQ(d->node.gpus[1].mode_change, MIG_SIM_MODE_CHANGE_IN_USE);
	MIG_ASSERT_UINT_EQ(d->node.gpus[2].model, 1);
	MIG_ASSERT_UINT_EQ(d->node.gpus[3].model, 0);
	MIG_ASSERT_UINT_EQ(d->node.gpus[3].layout, MIG_SIM_LAYOUT_NORMAL);
	MIG_ASSERT_UINT_EQ(d->node.branch, 550);
	MIG_ASSERT_STR_EQ(d->node.driver_version, "550.163.01");
	MIG_ASSERT_STR_EQ(d->node.nvml_version, "12.550.163.01");
	MIG_ASSERT_UINT_EQ(d->node.cuda_version, 12040);
	mig_sim_description_free(d);
}

MIG_TEST(identities_come_from_name_and_index)
{
	struct mig_sim_description *d = from_gpus("32xa30-24gb");
	struct mig_sim_description *other = NULL;

	MIG_ASSERT_STR_EQ(d->node.gpus[0].bus_id, "00000000:10:00.0");
	MIG_ASSERT_STR_EQ(d->node.gpus[31].bus_id, "00000000:2F:00.0");
	MIG_ASSERT_UINT_EQ(d->node.gpus[31].pci_bus, 0x2f);
	MIG_ASSERT_UINT_EQ(d->node.gpus[31].minor_number, 31);
	for (unsigned int i = 0; i < 32; i++) {
		for (unsigned int k = 0; k < i; k++)
			MIG_ASSERT(strcmp(d->node.gpus[i].uuid, d->node.gpus[k].uuid) != 0);
	}
	/* The same name gives the same UUIDs, another name others. */
	MIG_ASSERT_INT_EQ(mig_sim_describe_gpus("dir/node", "a30-24gb", NULL, &other, NULL), 0);
	MIG_ASSERT_STR_EQ(other->node.gpus[0].uuid, d->node.gpus[0].uuid);
	mig_sim_description_free(other);
	MIG_ASSERT_INT_EQ(mig_sim_describe_gpus("node2", "a30-24gb", NULL, &other, NULL), 0);
	MIG_ASSERT(strcmp(other->node.gpus[0].uuid, d->node.gpus[0].uuid) != 0);
	mig_sim_description_free(other);
	mig_sim_description_free(d);
}

MIG_TEST(short_form_mistakes)
{
	expect_bad_gpus("a100-sxm-40gb", MIG_EXIT_REFUSED, "unknown GPU model 'a100-sxm-40gb'",
			"did you mean 'a100-sxm4-40gb'?");
	/* The beginning of some: all that can be simulated, and no other. */
	expect_bad_gpus("8xA100", MIG_EXIT_REFUSED, "unknown GPU model 'A100'",
			"models that begin so: a100-pcie-80gb, a100-sxm4-40gb, a100-sxm4-80gb;");
	expect_bad_gpus("1000000000xa30-24gb", MIG_EXIT_REFUSED,
			"a node has at most 32 GPUs, and a count is at least 1, not 1000000000",
			NULL);
	expect_bad_gpus(
		"99999999999999999999xa30-24gb", MIG_EXIT_REFUSED,
		"a node has at most 32 GPUs, and a count is at least 1, not 99999999999999999999",
		NULL);
	expect_bad_gpus("0xa30-24gb", MIG_EXIT_REFUSED,
			"a node has at most 32 GPUs, and a count is at least 1, not 0", NULL);
	expect_bad_gpus("20xa30-24gb,13xt4-16gb", MIG_EXIT_REFUSED,
			"at most 32 GPUs, and this makes 13 more after 20", NULL);
	expect_bad_gpus("", MIG_EXIT_USAGE, "a GPU model is missing", "8xa100-sxm4-40gb");
	expect_bad_gpus("a30-24gb,,a30-24gb", MIG_EXIT_USAGE, "a GPU model is missing", NULL);
	expect_bad_gpus("8x", MIG_EXIT_USAGE, "a GPU model is missing", NULL);
	expect_bad_gpus("a30-24gb:swaped", MIG_EXIT_REFUSED, "unknown GPU option 'swaped'",
			"did you mean 'swapped'?");
	expect_bad_gpus("a30-24gb:", MIG_EXIT_REFUSED, "unknown GPU option ''", "known are");
	expect_bad_gpus("b200-180gb", MIG_EXIT_REFUSED, "not known: memory of", "migsim-node(5)");
}

MIG_TEST(driver_branches)
{
	static const struct {
		const char *text;
		unsigned int branch, cuda;
		const char *nvml;
	} known[] = {
		{"470", 470, 11040, "11.470.256.02"},
		{"535", 535, 12020, "12.535.309.01"},
		{"550", 550, 12040, "12.550.163.01"},
		{"580", 580, 13000, "13.580.173.02"},
		{"470.256.02", 470, 11040, "11.470.256.02"},
		{"580.173.02", 580, 13000, "13.580.173.02"},
	};
	static const char *const unknown[] = {"460", "550.54.15", "", "550 "};
	struct mig_sim_description *d = NULL;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		MIG_ASSERT_INT_EQ(mig_sim_describe_gpus("n", "a30-24gb", known[i].text, &d, NULL),
				  0);
		MIG_ASSERT_UINT_EQ(d->node.branch, known[i].branch);
		MIG_ASSERT_UINT_EQ(d->node.cuda_version, known[i].cuda);
		MIG_ASSERT_STR_EQ(d->node.nvml_version, known[i].nvml);
		MIG_ASSERT_CONTAINS(known[i].nvml, d->node.driver_version);
		mig_sim_description_free(d);
	}
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		struct mig_error *err = NULL;

		MIG_ASSERT_INT_EQ(mig_sim_describe_gpus("n", "a30-24gb", unknown[i], &d, &err), -1);
		MIG_ASSERT_CONTAINS(mig_error_message(err), "unknown driver branch");
		MIG_ASSERT_CONTAINS(mig_error_hint_text(err),
				    "simulated are 470 (470.256.02), 535");
		MIG_ASSERT_INT_EQ(mig_error_exit_status(err), MIG_EXIT_REFUSED);
		mig_error_free(err);
	}
}

MIG_TEST(node_names)
{
	static const char *const good[] = {"a", "A-b_c.9", "0", "/x/y", "dir/n"};
	static const char *const bad[] = {"", ".", "..", ".a", "-a", "a b", "a:b", "dir/", "é"};
	char longest[MIG_SIM_NODE_NAME_SIZE + 1];
	struct mig_error *err = NULL;

	for (size_t i = 0; i < MIG_ARRAY_SIZE(good); i++)
		MIG_ASSERT_MSG(mig_sim_name_check(good[i], NULL), "'%s'", good[i]);
	for (size_t i = 0; i < MIG_ARRAY_SIZE(bad); i++)
		MIG_ASSERT_MSG(!mig_sim_name_check(bad[i], NULL), "'%s'", bad[i]);
	memset(longest, 'x', sizeof(longest));
	longest[MIG_SIM_NODE_NAME_SIZE] = '\0';
	MIG_ASSERT(!mig_sim_name_check(longest, &err));
	MIG_ASSERT_STR_EQ(mig_error_message(err), "a node name has at most 63 characters, not 64");
	mig_error_free(err);
	longest[MIG_SIM_NODE_NAME_SIZE - 1] = '\0';
	MIG_ASSERT(mig_sim_name_check(longest, NULL));
}

/* ---- the JSON form ---------------------------------------------------------------------------- */

#define HEAD "{\"format\": \"migsim-node/1\", "

MIG_TEST(json_says_everything)
{
	struct mig_sim_description *d = from_text(
		HEAD "\"name\": \"other\", \"driver\": \"550\", \"off_capacity\": \"real\","
		     "\"export_table\": \"none\", \"ampere_mode_change\": \"reset-required\","
		     "\"gpus\": [{\"model\": \"A30-24GB\", \"count\": 2},"
		     "{\"model\": \"a100-sxm4-40gb\", \"layout\": \"swapped\","
		     "\"uuid\": \"GPU-00000000-1111-2222-3333-444444444444\","
		     "\"pci_address\": \"0001:c0:1f.0\", \"minor\": 7, \"numa_node\": 3,"
		     "\"mig_mode\": \"on\", \"persistence_mode\": \"on\","
		     "\"mode_change\": \"in-use\"}]}");
	const struct mig_sim_gpu_desc *gpu = &d->node.gpus[2];

	MIG_ASSERT_STR_EQ(d->node.name, "node"); /* the one asked for, not the file's */
	MIG_ASSERT_UINT_EQ(d->node.gpu_count, 3);
	MIG_ASSERT_UINT_EQ(d->node.off_capacity, MIG_SIM_OFF_CAPACITY_REAL);
	MIG_ASSERT_UINT_EQ(d->node.export_table, MIG_SIM_EXPORT_TABLE_NONE);
	MIG_ASSERT_UINT_EQ(d->node.gpus[0].mode_change, MIG_SIM_MODE_CHANGE_RESET_REQUIRED);
	MIG_ASSERT_INT_EQ(d->node.gpus[0].numa_node, -1);
	MIG_ASSERT_UINT_EQ(gpu->layout, MIG_SIM_LAYOUT_SWAPPED);
	MIG_ASSERT_STR_EQ(gpu->uuid, "GPU-00000000-1111-2222-3333-444444444444");
	MIG_ASSERT_STR_EQ(gpu->bus_id, "00000001:C0:1F.0");
	MIG_ASSERT_UINT_EQ(gpu->pci_domain, 1);
	MIG_ASSERT_UINT_EQ(gpu->pci_device, 0x1f);
	MIG_ASSERT_UINT_EQ(gpu->minor_number, 7);
	MIG_ASSERT_INT_EQ(gpu->numa_node, 3);
	MIG_ASSERT_UINT_EQ(gpu->initial_mig_mode, 1);
	MIG_ASSERT_UINT_EQ(gpu->initial_persistence, 1);
	MIG_ASSERT_UINT_EQ(gpu->mode_change, MIG_SIM_MODE_CHANGE_IN_USE);
	mig_sim_description_free(d);
}

MIG_TEST(json_syntax_is_reported_with_line_and_column)
{
	expect_bad_text("{\n \"format\": \"migsim-node/1\",\n \"gpus\": [,]\n}",
			":3:11: unexpected token near ','", NULL);
	expect_bad_text("", ":1:0: '[' or '{' expected near end of file", NULL);
	expect_bad_text("{\"format\": 1, \"format\": 2}",
			":1:22: duplicate object key near '\"format\"'", NULL);
}

MIG_TEST(json_mistakes_are_named_by_their_path)
{
	static const struct {
		const char *text;
		const char *message;
		const char *hint;
	} cases[] = {
		{"[]", ": the document: must be an object", NULL},
		{"{}", ": format: is missing; it must be \"migsim-node/1\"", NULL},
		{"{\"format\": \"migsim-node/2\"}",
		 ": format: must be \"migsim-node/1\", the only one this version reads", NULL},
		{HEAD "\"gpuss\": []}", ": unknown key 'gpuss'", "did you mean 'gpus'?"},
		{"{\"format\": \"migsim-node/1\"}", ": gpus: is missing", NULL},
		{HEAD "\"gpus\": {}}", ": gpus: must be an array", NULL},
		{HEAD "\"gpus\": [1]}", ": gpus[0]: must be an object", NULL},
		{HEAD "\"gpus\": [{}]}", ": gpus[0].model: is missing", NULL},
		{HEAD "\"gpus\": [{\"model\": \"a30\"}]}",
		 ": gpus[0].model: unknown GPU model 'a30'", "migctl sim models"},
		{HEAD "\"gpus\": [{\"model\": \"a30-24gb\", \"unid\": 1}]}",
		 ": gpus[0]: unknown key 'unid'", "did you mean 'uuid'?"},
		{HEAD "\"gpus\": [{\"model\": \"a30-24gb\", \"count\": 1000000000}]}",
		 ": gpus[0].count: must be a whole number from 1 to 32, not 1000000000", NULL},
		{HEAD "\"gpus\": [{\"model\": \"a30-24gb\", \"count\": -1}]}",
		 ": gpus[0].count: must be a whole number from 1 to 32, not -1", NULL},
		{HEAD "\"gpus\": [{\"model\": \"a30-24gb\", \"minor\": 1.5}]}",
		 ": gpus[0].minor: must be a whole number from 0 to 31", NULL},
		{HEAD "\"gpus\": [{\"model\": \"a30-24gb\", \"count\": 30},"
		      "{\"model\": \"a30-24gb\", \"count\": 3}]}",
		 ": gpus[1]: a node has at most 32 GPUs, and this makes 3 more after 30", NULL},
		{HEAD "\"gpus\": [{\"model\": \"a30-24gb\", \"layout\": \"swaped\"}]}",
		 ": gpus[0].layout: unknown value 'swaped'", "did you mean 'swapped'?"},
		{HEAD "\"gpus\": [{\"model\": \"a30-24gb\", \"uuid\": \"GPU-1\"}]}",
		 ": gpus[0].uuid: 'GPU-1' is not a GPU UUID", "8-4-4-4-12"},
		{HEAD "\"gpus\": [{\"model\": \"a30-24gb\", \"pci_address\": \"10:00\"}]}",
		 ": gpus[0].pci_address: '10:00' is not the PCI address of a GPU", "0000:10:00.0"},
		{HEAD "\"gpus\": [{\"model\": \"t4-16gb\", \"mig_mode\": \"on\"}]}",
		 ": gpus[0].mig_mode: a Tesla T4 has no MIG that could be on", NULL},
		{HEAD "\"gpus\": [{\"model\": \"a30-24gb\", \"count\": 2, \"minor\": 1}]}",
		 ": gpus[0].count: several GPUs cannot share a uuid, pci_address or minor", NULL},
		{HEAD "\"gpus\": [{\"model\": \"a30-24gb\", \"minor\": 1},"
		      "{\"model\": \"a30-24gb\"}]}",
		 ": gpus[1].minor: 1 is the minor number of gpus[0] too", NULL},
		{HEAD "\"gpus\": [{\"model\": \"a30-24gb\"},"
		      "{\"model\": \"a30-24gb\", \"pci_address\": \"10:00.0\"}]}",
		 ": gpus[1].pci_address: '00000000:10:00.0' is the address of gpus[0] too", NULL},
		{HEAD "\"gpus\": [{\"model\": \"a30-24gb\","
		      "\"uuid\": \"GPU-00000000-1111-2222-3333-444444444444\"},"
		      "{\"model\": \"a30-24gb\","
		      "\"uuid\": \"GPU-00000000-1111-2222-3333-444444444444\"}]}",
		 ": gpus[1].uuid: 'GPU-00000000-1111-2222-3333-444444444444' is the UUID of "
		 "gpus[0] "
		 "too",
		 NULL},
		{HEAD "\"driver\": \"460\", \"gpus\": [{\"model\": \"a30-24gb\"}]}",
		 ": unknown driver branch '460'", "simulated are 470 (470.256.02)"},
		{HEAD "\"off_capacity\": \"zeros\", \"gpus\": [{\"model\": \"a30-24gb\"}]}",
		 ": off_capacity: unknown value 'zeros'", "did you mean 'zero'?"},
		{HEAD "\"models\": [], \"gpus\": [{\"model\": \"a30-24gb\"}]}",
		 ": models: must be an object", NULL},
	};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(cases); i++)
		expect_bad_text(cases[i].text, cases[i].message, cases[i].hint);
}

MIG_TEST(json_foreign_text_is_escaped)
{
	expect_bad_text(HEAD "\"gp\\u001b[31m\": 1}", ": unknown key 'gp\\x1b[31m'", "known are");
}

MIG_TEST(files_that_others_can_write_are_refused)
{
	static const char text[] = HEAD "\"gpus\": [{\"model\": \"a30-24gb\"}]}";
	const char *path = write_file("open.json", text);
	const char *link = mig_test_path("link.json");
	struct mig_sim_description *d = NULL;
	struct mig_error *err = NULL;

	MIG_ASSERT_INT_EQ(chmod(path, 0666), 0);
	MIG_ASSERT_INT_EQ(mig_sim_describe_file("n", path, NULL, &d, &err), -1);
	MIG_ASSERT_CONTAINS(mig_error_message(err), "others may write to");
	MIG_ASSERT_CONTAINS(mig_error_message(err), "mode 0666");
	MIG_ASSERT_INT_EQ(mig_error_exit_status(err), MIG_EXIT_NO_PERMISSION);
	mig_error_free(err);
	err = NULL;

	MIG_ASSERT_INT_EQ(chmod(path, 0644), 0);
	MIG_ASSERT_INT_EQ(symlink(path, link), 0);
	MIG_ASSERT_INT_EQ(mig_sim_describe_file("n", link, NULL, &d, &err), -1);
	MIG_ASSERT_CONTAINS(mig_error_message(err), "is a symbolic link");
	mig_error_free(err);

	MIG_ASSERT_INT_EQ(mig_sim_describe_file("n", path, NULL, &d, NULL), 0);
	mig_sim_description_free(d);
}

MIG_TEST(a_file_too_large_names_the_limit)
{
	const char *path = write_file("large.json", "{");
	struct mig_sim_description *d = NULL;
	struct mig_error *err = NULL;

	MIG_ASSERT_INT_EQ(truncate(path, (off_t)MIG_SIM_DESCRIPTION_SIZE_MAX + 1), 0);
	MIG_ASSERT_INT_EQ(mig_sim_describe_file("n", path, NULL, &d, &err), -1);
	MIG_ASSERT_CONTAINS(mig_error_message(err), "larger than the 4 MiB");
	mig_error_free(err);
}

/* ---- models that a description brings --------------------------------------------------------- */

/* {"format":…, "models": {KEY: <the data file>}, "gpus": [{"model": KEY}]} */
static struct mig_sim_description *with_own_table(const char *key)
{
	struct mig_buf text = MIG_BUF_INIT(MIG_SIM_DESCRIPTION_SIZE_MAX);
	struct mig_buf file = MIG_BUF_INIT(MIG_SIM_DESCRIPTION_SIZE_MAX);
	struct mig_sim_description *d;
	struct mig_error *err = NULL;
	char *path = mig_asprintf("%s/data/gpus/%s.json", mig_test_source_root(), key);

	MIG_ASSERT(path);
	if (mig_file_read(path, &file, &err))
		MIG_FAIL("%s", mig_error_message(err));
	mig_buf_printf(&text, HEAD "\"models\": {\"%s\": %s}, \"gpus\": [{\"model\": \"%s\"}]}",
		       key, mig_buf_text(&file), key);
	d = from_text(mig_buf_text(&text));
	mig_buf_clear(&text);
	mig_buf_clear(&file);
	free(path);
	return d;
}

/* What a table of its own cannot know: which other model has the same chip and memory, and which
 * model a profile table was copied from. */
static void forget_relations(struct mig_gpu_table *model)
{
	unsigned int copied = mig_table_rule_find("profiles-copied");

	model->memory_reserved_mib = 0;
	model->rule[MIG_GPU_FIELD_MEMORY_RESERVED_MIB] = 0;
	for (unsigned int g = 0; g < model->gi_profile_count; g++) {
		struct mig_table_gi_profile *gi = &model->gi[g];

		for (unsigned int f = 0; f < MIG_GI_FIELD_COUNT; f++)
			gi->rule[f] = gi->rule[f] == copied ? 0 : gi->rule[f];
		for (unsigned int c = 0; c < gi->ci_profile_count; c++) {
			for (unsigned int f = 0; f < MIG_CI_FIELD_COUNT; f++)
				gi->ci[c].rule[f] = gi->ci[c].rule[f] == copied ? 0
										: gi->ci[c].rule[f];
		}
	}
}

MIG_TEST(every_usable_model_reads_as_the_generator_read_it)
{
	unsigned int compared = 0;

	for (unsigned int i = 0; i < mig_gpu_table_count; i++) {
		struct mig_gpu_table wanted = mig_gpu_tables[i];
		struct mig_sim_description *d;
		struct mig_gpu_table got;

		if (!wanted.is_usable)
			continue;
		d = with_own_table(wanted.key);
		MIG_ASSERT_UINT_EQ(d->node.model_count, 1);
		got = d->models[0];
		forget_relations(&got);
		forget_relations(&wanted);
		MIG_ASSERT_STR_EQ(got.key, wanted.key);
		for (unsigned int g = 0; g < wanted.gi_profile_count; g++)
			MIG_ASSERT_MEM_EQ(&got.gi[g], &wanted.gi[g], sizeof(got.gi[g]));
		MIG_ASSERT_MEM_EQ(&got, &wanted, sizeof(got));
		mig_sim_description_free(d);
		compared++;
	}
	MIG_ASSERT_MSG(compared >= 16, "only %u models were compared", compared);
}

MIG_TEST(the_written_document_makes_the_same_node)
{
	static const char *const specs[] = {
		"8xa100-sxm4-40gb",
		"2xa100-sxm4-40gb:swapped,a30-24gb:reset-required,t4-16gb,h100-sxm5-80gb",
	};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(specs); i++) {
		struct mig_buf text = MIG_BUF_INIT(MIG_SIM_DESCRIPTION_SIZE_MAX);
		struct mig_sim_description *d = from_gpus(specs[i]);
		struct mig_sim_description *again;

		MIG_ASSERT_INT_EQ(mig_sim_description_write(d, NULL, &text, NULL), 0);
		again = from_text(mig_buf_text(&text));
		MIG_ASSERT_MEM_EQ(&again->node, &d->node, sizeof(d->node));
		MIG_ASSERT_MEM_EQ(again->models, d->models,
				  sizeof(*d->models) * d->node.model_count);
		mig_buf_clear(&text);
		mig_sim_description_free(again);
		mig_sim_description_free(d);
	}
}

MIG_TEST(own_tables_survive_being_written)
{
	for (unsigned int i = 0; i < mig_gpu_table_count; i++) {
		struct mig_buf text = MIG_BUF_INIT(MIG_SIM_DESCRIPTION_SIZE_MAX);
		struct mig_sim_description *again;
		struct mig_sim_description *d;

		if (!mig_gpu_tables[i].is_usable)
			continue;
		d = with_own_table(mig_gpu_tables[i].key);
		/* Another key and name, so that nothing can come from the built-in table. */
		memcpy(d->models[0].key, "made-up", sizeof("made-up"));
		memset(d->models[0].key + sizeof("made-up"), 0,
		       sizeof(d->models[0].key) - sizeof("made-up"));
		MIG_ASSERT_INT_EQ(mig_sim_description_write(d, NULL, &text, NULL), 0);
		MIG_ASSERT_CONTAINS(mig_buf_text(&text), "\"made-up\": {");
		again = from_text(mig_buf_text(&text));
		MIG_ASSERT_MEM_EQ(&again->models[0], &d->models[0], sizeof(d->models[0]));
		mig_buf_clear(&text);
		mig_sim_description_free(again);
		mig_sim_description_free(d);
	}
}

#define MODEL(members)                                                                         \
	HEAD "\"models\": {\"m\": {\"nvml_names\": [\"M\"], \"pci_device_ids\": [\"20B7\"],"   \
	     "\"nvml_architecture\": \"AMPERE\", \"mig_capable\": true, \"memory_slices\": 4," \
	     "\"memory_total_mib\": 1024, " members "}}, \"gpus\": [{\"model\": \"m\"}]}"
#define PROFILE(members)                                                                     \
	MODEL("\"gi_profiles\": [{\"name\": \"1g.1gb\", \"nvml_profile\": \"1_SLICE\","      \
	      "\"slice_count\": 1, \"instances_total\": 4, \"memory_mib\": 256, \"sm\": 14," \
	      "\"placement_size\": 1, " members "}]")

MIG_TEST(mistakes_in_own_tables)
{
	static const struct {
		const char *text;
		const char *message;
		const char *hint;
	} cases[] = {
		{MODEL("\"gi_profile\": []"), ": models.m: unknown key 'gi_profile'",
		 "did you mean 'gi_profiles'?"},
		{MODEL("\"sm_total\": 1"), ": models.m.gi_profiles: is missing", NULL},
		{MODEL("\"key\": \"other\", \"gi_profiles\": []"),
		 ": models.m.key: is not the name it stands under", NULL},
		{PROFILE("\"id\": null, \"placement_starts\": [0]"),
		 ": models.m: not enough is known to simulate it: id of all profiles", NULL},
		{PROFILE("\"id\": 300, \"placement_starts\": [0]"),
		 ": models.m.gi_profiles[0].id: must be a whole number from 0 to 255, not 300",
		 NULL},
		{PROFILE("\"id\": 1, \"placement_starts\": [0, 4]"),
		 ": models.m.gi_profiles[0].placement_starts: must be multiples of placement_size "
		 "that lie within memory_slices",
		 NULL},
		{PROFILE("\"id\": 1, \"placement_starts\": [1, 0]"),
		 ": models.m.gi_profiles[0].placement_starts: must ascend", NULL},
		{PROFILE("\"id\": 1, \"placement_starts\": [0], \"nvml_profile_index\": 3"),
		 ": models.m.gi_profiles[0].nvml_profile_index: is not the number of nvml_profile",
		 NULL},
		{PROFILE("\"id\": 1, \"placement_starts\": [0], \"ci_profiles\": [{\"name\": "
			 "\"2g\","
			 "\"nvml_profile\": \"2_SLICE\", \"id\": 1, \"default\": false,"
			 "\"slice_count\": 2}]"),
		 ": models.m.gi_profiles[0].ci_profiles[0].slice_count: is more than its GPU "
		 "instance has",
		 NULL},
	};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(cases); i++)
		expect_bad_text(cases[i].text, cases[i].message, cases[i].hint);
}

/* ---- instances from the start ----------------------------------------------------------------- */

#define A100(members)                                                                              \
	"{\"format\": \"migsim-node/1\", \"gpus\": [{\"model\": \"a100-sxm4-40gb\", " members "}]" \
	"}"
#define ON(instances) A100("\"mig_mode\": \"on\", \"gpu_instances\": [" instances "]")

MIG_TEST(instances_are_put_in_place)
{
	struct mig_sim_description *d =
		from_text(ON("{\"profile\": \"3g.20gb\", \"start\": 4, \"compute_instances\": ["
			     "{\"profile\": \"1c.3g.20gb\", \"start\": 2, \"id\": 5},"
			     "{\"profile\": \"1c.3g.20gb\", \"start\": 0}]},"
			     "{\"profile\": \"1g.5gb+me\", \"start\": 3}"));
	const struct mig_sim_gi *three = &d->initial[0].gi[2];
	const struct mig_sim_gi *one = &d->initial[0].gi[10];

	MIG_ASSERT(three->in_use && three->start == 4 && three->size == 4);
	MIG_ASSERT(three->ci[5].in_use && three->ci[5].start == 2);
	MIG_ASSERT(three->ci[0].in_use && three->ci[0].start == 0 && !three->ci[1].in_use);
	MIG_ASSERT(one->in_use && one->start == 3 && !one->ci[0].in_use);
	mig_sim_description_free(d);
}

MIG_TEST(instances_come_back_as_written)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(MIG_SIM_DESCRIPTION_SIZE_MAX);
	struct mig_sim_description *d =
		from_text(A100("\"count\": 2, \"layout\": \"swapped\", \"mig_mode\": \"on\", "
			       "\"mig_mode_pending\": \"off\", \"gpu_instances\": ["
			       "{\"profile\": \"2g.10gb\", \"start\": 2, \"compute_instances\": ["
			       "{\"profile\": \"1c.2g.10gb\", \"start\": 1, \"id\": 1}]}]"));
	struct mig_sim_description *again;

	MIG_ASSERT_INT_EQ(mig_sim_description_write(d, NULL, &text, NULL), 0);
	again = from_text(mig_buf_text(&text));
	for (unsigned int i = 0; i < 2; i++) {
		MIG_ASSERT(d->initial[i].has_pending);
		MIG_ASSERT(d->initial[i].gi[6].in_use);
		MIG_ASSERT(memcmp(&d->initial[i], &again->initial[i], sizeof(d->initial[i])) == 0);
	}
	mig_sim_description_free(again);
	mig_sim_description_free(d);
}

MIG_TEST(mistakes_in_instances)
{
	static const struct {
		const char *text;
		const char *message;
	} cases[] = {
		{A100("\"gpu_instances\": [{\"profile\": \"7g.40gb\", \"start\": 0}]"),
		 ": gpus[0].gpu_instances: needs \"mig_mode\": \"on\""},
		{ON("{\"start\": 0}"), ": gpus[0].gpu_instances[0].profile: is missing"},
		{ON("{\"profile\": \"7g.40gb\"}"), ": gpus[0].gpu_instances[0].start: is missing"},
		{ON("{\"profile\": \"3g.20gb\", \"start\": 2}"),
		 ": gpus[0].gpu_instances[0].start: is not one of the profile's placement_starts"},
		{ON("{\"profile\": \"4g.20gb\", \"start\": 0},"
		    "{\"profile\": \"1g.5gb\", \"start\": 3}"),
		 ": gpus[0].gpu_instances[1].start: does not fit beside those before it"},
		{ON("{\"profile\": \"1g.5gb\", \"start\": 0, \"size\": 1}"),
		 ": gpus[0].gpu_instances[0]: unknown key 'size'"},
		{ON("{\"profile\": \"2g.10gb\", \"start\": 0, \"compute_instances\": ["
		    "{\"profile\": \"1c.2g.10gb\", \"start\": 0, \"id\": 1},"
		    "{\"profile\": \"1c.2g.10gb\", \"start\": 1, \"id\": 1}]}"),
		 ": gpus[0].gpu_instances[0].compute_instances[1].id: is that of another one too"},
		{ON("{\"profile\": \"2g.10gb\", \"start\": 0, \"compute_instances\": ["
		    "{\"profile\": \"1c.2g.10gb\", \"start\": 0, \"id\": 8}]}"),
		 ": gpus[0].gpu_instances[0].compute_instances[0].id: must be a whole number from "
		 "0 to 7, not 8"},
		{ON("{\"profile\": \"2g.10gb\", \"start\": 0, \"compute_instances\": ["
		    "{\"profile\": \"2g.10gb\", \"start\": 0},"
		    "{\"profile\": \"1c.2g.10gb\", \"start\": 1}]}"),
		 ": gpus[0].gpu_instances[0].compute_instances[1].start: does not fit beside those "
		 "before it"},
		{"{\"format\": \"migsim-node/1\", \"gpus\": [{\"model\": \"h100-sxm5-80gb\", "
		 "\"mig_mode_pending\": \"on\"}]}",
		 ": gpus[0].mig_mode_pending: differs from mig_mode, on a model that needs no "
		 "reset "
		 "for a change"},
	};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(cases); i++)
		expect_bad_text(cases[i].text, cases[i].message, NULL);
}

MIG_TEST(an_unknown_key_may_be_of_a_newer_version)
{
	expect_bad_text("{\"format\": \"migsim-node/1\", \"gpus\": [], \"colour\": 1}",
			": unknown key 'colour'", "a newer migctl can have keys");
}
