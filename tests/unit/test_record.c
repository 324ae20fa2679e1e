/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recording drivers that answer in part, or what cannot be: what is noted, what stands in its place,
 * that nothing is changed and nothing asked for that is nobody's business. The driver is the one of
 * fake_driver.h, which is not ours: its instance ids are no tree positions, and it has few calls.
 */
#include "record/record.h"

#include <stdio.h>
#include <string.h>

#include "tests/harness/test.h"
#include "tests/unit/fake_driver.h"

static const struct mig_record_options defaults = {.host_root = "/nonexistent"};

static struct mig_recording *record_with(struct fake_driver *fake,
					 const struct mig_record_options *options)
{
	struct mig_recording *recording = NULL;
	struct mig_error *err = NULL;

	if (mig_record_read(&fake->driver, options, &recording, &err) < 0)
		MIG_FAIL("the recording failed: %s", mig_error_message(err));
	MIG_ASSERT_UINT_EQ(fake->change_count, 0);
	return recording;
}

static struct mig_recording *record(struct fake_driver *fake)
{
	return record_with(fake, &defaults);
}

/* The entry of not_read about `what`, or NULL. */
static const struct mig_sim_not_read *noted(const struct mig_recording *recording, const char *what)
{
	for (size_t i = 0; i < recording->not_read_count; i++) {
		if (strcmp(recording->not_read[i].what, what) == 0)
			return &recording->not_read[i];
	}
	return NULL;
}

static void expect_noted(const struct mig_recording *recording, const char *what, const char *why,
			 const char *instead)
{
	const struct mig_sim_not_read *entry = noted(recording, what);

	MIG_ASSERT_MSG(entry != NULL, "'%s' is not listed", what);
	MIG_ASSERT_CONTAINS(entry->why, why);
	MIG_ASSERT_CONTAINS(entry->instead, instead);
}

/* The recording as a description that a node could be made of. */
static struct mig_sim_description *read_back(const struct mig_recording *recording)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(MIG_SIM_DESCRIPTION_SIZE_MAX);
	struct mig_sim_description *d = NULL;
	struct mig_error *err = NULL;

	MIG_ASSERT_INT_EQ(mig_record_write(recording, &text, NULL), 0);
	if (mig_sim_describe_text("replay", "it", &text, NULL, &d, &err) < 0)
		MIG_FAIL("no node can be made of it: %s", mig_error_message(err));
	return d;
}

MIG_TEST(record_reads_an_a100_with_few_calls)
{
	struct fake_driver *fake = fake_new();
	struct mig_recording *recording;
	struct mig_sim_description *d;

	fake_add_a100(fake);
	recording = record(fake);
	d = read_back(recording);
	MIG_ASSERT_UINT_EQ(d->node.gpu_count, 1);
	MIG_ASSERT_STR_EQ(d->models[0].key, "a100-sxm4-40gb");
	MIG_ASSERT_UINT_EQ(d->models[0].memory_slices, 8);
	MIG_ASSERT_UINT_EQ(d->models[0].gi_profile_count, fake_a100_count);
	MIG_ASSERT_UINT_EQ(d->models[0].bar1_total_mib, 65536);
	expect_noted(recording, "driver", "driver 550.00.fake is not simulated", "550.163.01");
	expect_noted(recording, "gpus[0].layout", "smaller than the GPU", "normal");
	expect_noted(recording, "gpus[0].persistence_mode", "NVML_ERROR_FUNCTION_NOT_FOUND", "off");
	expect_noted(recording, "gpus[0].numa_node", "NVML_ERROR_FUNCTION_NOT_FOUND", "none");
	expect_noted(recording, "gpus[0].model: bar1_total_mib", "NVML_ERROR_FUNCTION_NOT_FOUND",
		     "built-in");
	mig_sim_description_free(d);
	mig_recording_free(recording);
	fake_free(fake);
}

MIG_TEST(record_asks_for_no_serials_processes_or_uuids)
{
	struct fake_driver *fake = fake_new();

	fake_put_process(&fake_put(fake_add_a100(fake), "3g.20gb", 4)->ci[0], 1234);
	mig_recording_free(record(fake));
	MIG_ASSERT_UINT_EQ(fake->calls[MIG_NVML_SYM_nvmlDeviceGetComputeRunningProcesses_v3], 0);
	MIG_ASSERT_UINT_EQ(fake->calls[MIG_NVML_SYM_nvmlDeviceGetGraphicsRunningProcesses_v3], 0);
	MIG_ASSERT_UINT_EQ(fake->calls[MIG_NVML_SYM_nvmlDeviceGetMPSComputeRunningProcesses_v3], 0);
	MIG_ASSERT_UINT_EQ(fake->calls[MIG_NVML_SYM_nvmlDeviceGetUUID], 0);
	for (int symbol = 0; symbol < MIG_NVML_SYM_COUNT; symbol++) {
		if (mig_nvml_symbol_is_changing((enum mig_nvml_symbol)symbol))
			MIG_ASSERT_UINT_EQ(fake->calls[symbol], 0);
	}
	fake_free(fake);
}

MIG_TEST(record_keeps_uuids_that_are_some)
{
	static const char uuid[] = "GPU-6f0c8a5e-22b4-5d31-9c57-3b1f7a0e4d92";
	const struct mig_record_options keep = {.keep_ids = true, .host_root = "/nonexistent"};
	struct fake_driver *fake = fake_new();
	struct fake_gpu *gpu = fake_add_a100(fake);
	struct mig_recording *recording = record_with(fake, &keep);

	MIG_ASSERT_STR_EQ(recording->description->node.gpus[0].uuid, "");
	expect_noted(recording, "gpus[0].uuid", "another form", "derived");
	mig_recording_free(recording);
	memcpy(gpu->uuid, uuid, sizeof(uuid));
	recording = record_with(fake, &keep);
	MIG_ASSERT_STR_EQ(recording->description->node.gpus[0].uuid, uuid);
	MIG_ASSERT(noted(recording, "gpus[0].uuid") == NULL);
	mig_recording_free(recording);
	fake_free(fake);
}

MIG_TEST(record_has_the_instances_and_says_that_ids_will_differ)
{
	struct fake_driver *fake = fake_new();
	struct fake_gpu *gpu = fake_add_a100(fake);
	struct mig_recording *recording;
	struct mig_sim_description *d;
	struct fake_gi *three = fake_put_gi(gpu, "3g.20gb", 4);

	fake_put_ci(three, 1, 2);
	fake_put_ci(three, 2, 0);
	fake_put_gi(gpu, "1g.5gb", 1);
	recording = record(fake);
	expect_noted(recording, "gpus[0].layout", "no tree positions", "normal");
	d = read_back(recording);
	/* In the normal layout the upper half is tree position 2, unit 1 is 8. */
	MIG_ASSERT_UINT_EQ(d->initial[0].gi[2].in_use, 1);
	MIG_ASSERT_UINT_EQ(d->initial[0].gi[2].start, 4);
	MIG_ASSERT_UINT_EQ(d->initial[0].gi[2].ci[0].in_use + d->initial[0].gi[2].ci[1].in_use, 2);
	MIG_ASSERT_UINT_EQ(d->initial[0].gi[8].in_use, 1);
	MIG_ASSERT_UINT_EQ(d->initial[0].gi[8].ci[0].in_use, 0);
	mig_sim_description_free(d);
	mig_recording_free(recording);
	fake_free(fake);
}

/* What is refused once, for a symbol, and what is then listed. */
static const struct {
	enum mig_nvml_symbol symbol;
	unsigned int nth;
	nvmlReturn_t code;
	const char *what, *why, *instead;
} refusals[] = {
	{MIG_NVML_SYM_nvmlDeviceGetMinorNumber, 1, NVML_ERROR_NOT_SUPPORTED, "gpus[0].minor",
	 "NVML_ERROR_NOT_SUPPORTED", "index"},
	{MIG_NVML_SYM_nvmlDeviceGetPciInfo_v3, 1, NVML_ERROR_UNKNOWN, "gpus[0].pci_address",
	 "NVML_ERROR_UNKNOWN", "bus"},
	{MIG_NVML_SYM_nvmlDeviceGetMigMode, 1, NVML_ERROR_GPU_IS_LOST, "gpus[0].mig_mode",
	 "NVML_ERROR_GPU_IS_LOST", "without MIG"},
	{MIG_NVML_SYM_nvmlDeviceGetMemoryInfo, 1, NVML_ERROR_NO_PERMISSION,
	 "models.a100-sxm4-40gb.memory_total_mib", "NVML_ERROR_NO_PERMISSION",
	 "the built-in model a100-sxm4-40gb"},
	{MIG_NVML_SYM_nvmlDeviceGetGpuInstancePossiblePlacements_v2, 1, NVML_ERROR_NO_PERMISSION,
	 "models.a100-sxm4-40gb.gi_profiles[].placement_starts", "NVML_ERROR_NO_PERMISSION",
	 "the built-in model a100-sxm4-40gb"},
	{MIG_NVML_SYM_nvmlDeviceGetGpuInstances, 1, NVML_ERROR_NO_PERMISSION,
	 "gpus[0].gpu_instances", "NVML_ERROR_NO_PERMISSION", "none"},
	{MIG_NVML_SYM_nvmlGpuInstanceGetInfo, 1, NVML_ERROR_INVALID_ARGUMENT,
	 "gpus[0].gpu_instances[]", "NVML_ERROR_INVALID_ARGUMENT", "left out"},
	{MIG_NVML_SYM_nvmlGpuInstanceGetComputeInstances, 1, NVML_ERROR_NO_PERMISSION,
	 "gpus[0].gpu_instances[].compute_instances", "NVML_ERROR_NO_PERMISSION", "none"},
	{MIG_NVML_SYM_nvmlComputeInstanceGetInfo_v2, 1, NVML_ERROR_INVALID_ARGUMENT,
	 "gpus[0].gpu_instances[].compute_instances[]", "NVML_ERROR_INVALID_ARGUMENT", "left out"},
	{MIG_NVML_SYM_nvmlGpuInstanceGetComputeInstanceProfileInfoV, 1, NVML_ERROR_NO_PERMISSION,
	 "gpus[0].model: compute instance profile 0 of 3g.20gb", "NVML_ERROR_NO_PERMISSION",
	 "left out"},
	{MIG_NVML_SYM_nvmlSystemGetDriverVersion, 1, NVML_ERROR_UNKNOWN, "driver",
	 "NVML_ERROR_UNKNOWN", "470"},
};

MIG_TEST(record_lists_each_refusal_and_goes_on)
{
	for (size_t i = 0; i < MIG_ARRAY_SIZE(refusals); i++) {
		struct fake_driver *fake = fake_new();
		struct mig_recording *recording;

		fake_put(fake_add_a100(fake), "3g.20gb", 4);
		fake->script[refusals[i].symbol] =
			(struct fake_script){refusals[i].nth, refusals[i].code};
		recording = record(fake);
		expect_noted(recording, refusals[i].what, refusals[i].why, refusals[i].instead);
		if (refusals[i].symbol != MIG_NVML_SYM_nvmlDeviceGetPciInfo_v3)
			mig_sim_description_free(read_back(recording));
		mig_recording_free(recording);
		fake_free(fake);
	}
}

MIG_TEST(record_fails_for_what_no_recording_is_without)
{
	static const struct {
		enum mig_nvml_symbol symbol;
		const char *part;
	} needed[] = {
		{MIG_NVML_SYM_nvmlDeviceGetCount_v2, "cannot count the GPUs"},
		{MIG_NVML_SYM_nvmlDeviceGetHandleByIndex_v2, "cannot record GPU 0: cannot open it"},
		{MIG_NVML_SYM_nvmlDeviceGetName, "cannot record GPU 0: cannot read its name"},
	};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(needed); i++) {
		struct fake_driver *fake = fake_new();
		struct mig_recording *recording = NULL;
		struct mig_error *err = NULL;

		fake_add_a100(fake);
		fake->script[needed[i].symbol] = (struct fake_script){1, NVML_ERROR_GPU_IS_LOST};
		MIG_ASSERT_INT_EQ(mig_record_read(&fake->driver, &defaults, &recording, &err), -1);
		MIG_ASSERT(recording == NULL);
		MIG_ASSERT_CONTAINS(mig_error_message(err), needed[i].part);
		mig_error_free(err);
		fake_free(fake);
	}
}

MIG_TEST(record_refuses_more_gpus_than_a_node_can_have)
{
	struct fake_driver *fake = fake_new();
	struct mig_recording *recording = NULL;
	struct mig_error *err = NULL;

	for (unsigned int i = 0; i < 33; i++)
		fake_add_gpu(fake, "Tesla T4", NULL, 0);
	MIG_ASSERT_INT_EQ(mig_record_read(&fake->driver, &defaults, &recording, &err), -1);
	MIG_ASSERT_CONTAINS(mig_error_message(err), "33 GPUs");
	MIG_ASSERT_INT_EQ(mig_error_exit_status(err), MIG_EXIT_REFUSED);
	mig_error_free(err);
	fake_free(fake);
}

MIG_TEST(record_on_470_has_names_of_its_own_and_open_placements)
{
	struct fake_driver *fake = fake_new();
	struct fake_gpu *gpu = fake_add_gpu(fake, "Some GPU", fake_a100, fake_a100_count);
	struct mig_recording *recording;
	struct mig_sim_description *d;

	fake_make_470(fake);
	fake_put(gpu, "3g.20gb", 4);
	recording = record(fake);
	d = read_back(recording);
	MIG_ASSERT_STR_EQ(d->models[0].key, "some-gpu");
	MIG_ASSERT_STR_EQ(d->models[0].gi[0].name, "1g.5gb");
	MIG_ASSERT_UINT_EQ(d->models[0].gi[0].rule[MIG_GI_FIELD_NAME],
			   mig_table_rule_find("stated-inferred"));
	mig_sim_description_free(d);
	mig_recording_free(recording);
	fake_free(fake);
}

/* A profile that no GPU can have is left out, whatever the numbers are. */
MIG_TEST(record_leaves_out_what_cannot_be)
{
	static const struct fake_gi_profile odd[] = {
		{0, 19, "MIG 1g.5gb", 1, 7, 4864, 1, 7, {0, 1, 2, 3, 4, 5, 6}, 0, {{0}}},
		{1, 14, "MIG 2g.10gb", 4000000000U, 3, 9856, 2, 3, {0, 2, 4}, 0, {{0}}},
		{2, 1000, "MIG 3g.20gb", 3, 2, 19968, 4, 2, {0, 4}, 0, {{0}}},
		{3, 5, "MIG 4g.20gb", 4, 0, 19968, 4, 1, {0}, 0, {{0}}},
		{4, 0, "MIG 7g.40gb", 7, 1, 40192, 8, 1, {0}, 0, {{0}}},
	};
	struct fake_driver *fake = fake_new();
	struct mig_recording *recording;
	struct mig_sim_description *d;

	fake_add_gpu(fake, "Odd GPU", odd, MIG_ARRAY_SIZE(odd));
	recording = record(fake);
	for (unsigned int index = 1; index <= 3; index++) {
		char what[64];

		snprintf(what, sizeof(what), "gpus[0].model: GPU instance profile %u", index);
		expect_noted(recording, what, "cannot be", "left out");
	}
	d = read_back(recording);
	MIG_ASSERT_UINT_EQ(d->models[0].gi_profile_count, 2);
	MIG_ASSERT_UINT_EQ(d->models[0].gi[0].ci_profile_count, 1);
	MIG_ASSERT_UINT_EQ(d->models[0].gi[1].ci_profile_count, 5);
	mig_sim_description_free(d);
	mig_recording_free(recording);
	fake_free(fake);
}

MIG_TEST(record_makes_a_key_of_any_name)
{
	static const char *const names[][2] = {
		{"NVIDIA RTX PRO 6000 Blackwell", "rtx-pro-6000-blackwell"},
		{"  --  ", "gpu"},
		{"NVIDIA \xe2\x82\xac 5", "5"},
	};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(names); i++) {
		struct fake_driver *fake = fake_new();
		struct mig_recording *recording;

		fake_add_gpu(fake, names[i][0], NULL, 0);
		recording = record(fake);
		MIG_ASSERT_STR_EQ(recording->description->models[0].key, names[i][1]);
		mig_recording_free(recording);
		fake_free(fake);
	}
}

/* Versions that this build does not simulate. */
MIG_TEST(record_takes_the_nearest_branch_at_or_below)
{
	static const struct {
		const char *version;
		unsigned int branch;
	} versions[] = {
		{"550.54.15", 550}, {"565.57.01", 550}, {"580.65.06", 580},
		{"999.1", 580},	    {"545.23.08", 535}, {"525.60.13", 470},
		{"418.40", 470},    {"", 470},		{"x", 470},
	};
	struct mig_sim_description d = {.models = NULL};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(versions); i++) {
		mig_sim_description_stand_in(&d, versions[i].version);
		MIG_ASSERT_UINT_EQ(d.node.branch, versions[i].branch);
	}
}
