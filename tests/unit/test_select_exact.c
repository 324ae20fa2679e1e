/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What migctl's own format and the command line say beyond nvidia-mig-parted's, on a node: GPUs by
 * name, places, instances, totals, instances in use.
 */
#include <stdio.h>
#include <string.h>

#include "config/layout_args.h"
#include "config/select.h"
#include "tests/harness/test.h"
#include "tests/unit/fake_snapshot.h"
#include "tests/unit/select_case.h"

#define HEAD "version: migctl/v1\nlayouts:\n  a:\n"

static struct mig_target *selected(const struct mig_snapshot *snapshot, const char *entries)
{
	return select_case_taken(snapshot, HEAD, entries);
}

static void refused(const char *entries, const char *message, const char *hint)
{
	struct mig_snapshot *snapshot = select_case_node();

	select_case_refused(snapshot, HEAD, entries, message, hint);
	mig_snapshot_free(snapshot);
}

/* ---- GPUs by name ------------------------------------------------------------------------------ */

MIG_TEST(select_takes_gpus_by_uuid_and_pci_address)
{
	struct mig_snapshot *snapshot = select_case_node();
	struct mig_target *target;
	char text[1024];

	snprintf(text, sizeof(text), "  - {gpus: [%s, \"%s\"], mig: off}\n", snapshot->gpus[1].uuid,
		 snapshot->gpus[2].pci_address);
	target = selected(snapshot, text);
	MIG_ASSERT_UINT_EQ(select_case_named(target), 6);
	mig_target_free(target);
	/* The domain may be short or left out, and the case does not matter. */
	MIG_ASSERT(strlen(snapshot->gpus[2].pci_address) == strlen("00000000:10:00.0"));
	snprintf(text, sizeof(text), "  - {gpus: [\"%s\"], mig: off}\n",
		 snapshot->gpus[2].pci_address + 4);
	target = selected(snapshot, text);
	MIG_ASSERT_UINT_EQ(select_case_named(target), 4);
	mig_target_free(target);
	snprintf(text, sizeof(text), "  - {gpus: %s, mig: off}\n",
		 snapshot->gpus[0].pci_address + 9);
	target = selected(snapshot, text);
	MIG_ASSERT_UINT_EQ(select_case_named(target), 1);
	mig_target_free(target);
	mig_snapshot_free(snapshot);
}

MIG_TEST(select_refuses_names_of_no_gpu_and_of_several)
{
	struct mig_snapshot *snapshot = select_case_node();
	char hint[256];

	snprintf(hint, sizeof(hint), "it has: %s, %s, ", snapshot->gpus[0].uuid,
		 snapshot->gpus[1].uuid);
	refused("  - {gpus: [0, GPU-12], mig: off}\n",
		"c.yaml:4:16: no GPU of this node has the UUID 'GPU-12'", hint);
	snprintf(hint, sizeof(hint), "it has: %s, ", snapshot->gpus[0].pci_address);
	refused("  - {gpus: ['0001:00:00.0'], mig: off}\n",
		"c.yaml:4:13: no GPU of this node has the PCI address '0001:00:00.0'", hint);
	refused("  - {gpus: [gpu-f], mig: off}\n",
		"c.yaml:4:13: 'gpu-f' is the beginning of 4 UUIDs", "they are: GPU-fake");
	refused("  - {gpus: [7], mig: off}\n", "c.yaml:4:13: there is no GPU 7",
		"this node has 4 GPUs, counted from 0");
	mig_snapshot_free(snapshot);
}

MIG_TEST(select_takes_each_gpu_once)
{
	struct mig_snapshot *snapshot = select_case_node();
	char text[1024];

	snprintf(text, sizeof(text), "  - {gpus: [0, \"%s\"], mig: off}\n", snapshot->gpus[0].uuid);
	refused(text, "c.yaml:4:16: GPU 0 is named twice here", "in one entry of a label only");
	refused("  - {gpus: all, mig: off}\n  - {gpus: [1], mig: off}\n",
		"c.yaml:5:13: GPU 1 is named here and in the entry at 4:5", "in one entry");
	mig_snapshot_free(snapshot);
}

/* ---- places ------------------------------------------------------------------------------------ */

MIG_TEST(select_places_instances)
{
	struct mig_snapshot *snapshot = select_case_node();
	struct mig_target *target = selected(snapshot,
					     "  - gpus: 0\n    keep-in-use: true\n"
					     "    devices: [1c.3g.20gb@4, 1g.5gb*2, 2c.3g.20gb@4]\n"
					     "    instances:\n"
					     "    - {profile: 2g.10gb, start: 2, compute: []}\n"
					     "    - {profile: 1g.5gb, start: 1}\n"
					     "  - {gpus: 1, devices: [3g.20gb@0, 3g.20gb@4]}\n");
	const struct mig_gpu_target *gpu = &target->gpus[0];
	const struct mig_gi_profile *profiles = snapshot->gpus[0].facts->gi;

	MIG_ASSERT(gpu->mig_mode && gpu->keeps_in_use && !gpu->shares_totals);
	MIG_ASSERT_UINT_EQ(gpu->device_count, 1);
	MIG_ASSERT_UINT_EQ(gpu->devices[0].count, 2);
	MIG_ASSERT_UINT_EQ(gpu->placed_count, 3);
	MIG_ASSERT_STR_EQ(profiles[gpu->placed[0].gi_row].name, "1g.5gb");
	MIG_ASSERT_UINT_EQ(gpu->placed[0].start, 1);
	MIG_ASSERT_UINT_EQ(gpu->placed[0].ci_count, 1);
	MIG_ASSERT_STR_EQ(profiles[gpu->placed[1].gi_row].name, "2g.10gb");
	MIG_ASSERT_UINT_EQ(gpu->placed[1].ci_count, 0);
	MIG_ASSERT_STR_EQ(profiles[gpu->placed[2].gi_row].name, "3g.20gb");
	MIG_ASSERT_UINT_EQ(gpu->placed[2].start, 4);
	MIG_ASSERT_UINT_EQ(gpu->placed[2].ci_count, 2);
	MIG_ASSERT_UINT_EQ(gpu->placed[2].ci[0].start, MIG_START_ANY);
	MIG_ASSERT_UINT_EQ(target->gpus[1].placed_count, 2);
	MIG_ASSERT(!target->gpus[1].keeps_in_use);
	mig_target_free(target);
	target = selected(snapshot, "  - gpus: 0\n    instances:\n"
				    "    - profile: 3g.20gb\n      start: 4\n"
				    "      compute: [1c.3g.20gb@2, 2c.3g.20gb@0]\n"
				    "  - {gpus: 1, devices: {1c.3g.20gb@4: 3}}\n");
	MIG_ASSERT_UINT_EQ(target->gpus[0].placed[0].ci[0].start, 2);
	MIG_ASSERT_UINT_EQ(target->gpus[0].placed[0].ci[1].start, 0);
	MIG_ASSERT_UINT_EQ(target->gpus[1].placed[0].ci_count, 3);
	mig_target_free(target);
	mig_snapshot_free(snapshot);
}

MIG_TEST(select_refuses_places_that_cannot_be)
{
	refused("  - {gpus: 0, devices: [3g.20gb@3]}\n",
		"c.yaml:4:25: on GPU 0 a 3g.20gb cannot start at 3", "it can at 0, 4");
	refused("  - {gpus: 0, devices: [3g.20gb@4, 2g.10gb@4]}\n",
		"c.yaml:4:36: on GPU 0 2g.10gb@4 lies over 3g.20gb@4 (2 and 4 units long)", NULL);
	refused("  - {gpus: 0, devices: [3g.20gb@4*2]}\n",
		"c.yaml:4:25: the compute instances of the 3g.20gb at 4 of GPU 0 need 6 slices, "
		"and "
		"it has 3",
		NULL);
	refused("  - {gpus: 0, devices: [2c.3g.20gb@4, 2c.3g.20gb@4]}\n",
		"c.yaml:4:39: the compute instances of the 3g.20gb at 4 of GPU 0 need 4 slices, "
		"and "
		"it has 3",
		NULL);
	refused("  - {gpus: 0, devices: [1g.6gb@4]}\n",
		"c.yaml:4:25: GPU 0 (NVIDIA A100-SXM4-40GB) has no profile '1g.6gb'",
		"did you mean '1g.5gb'?");
	/* The second GPU of an entry has not what the first one has. */
	refused("  - {gpus: all, devices: [1g.5gb@4]}\n",
		"c.yaml:4:27: GPU 2 (NVIDIA A30) has no profile '1g.5gb'", "1g.6gb");
}

MIG_TEST(select_refuses_instances_that_cannot_be)
{
#define INSTANCES "  - {gpus: 0, instances: [{profile: "
	refused(INSTANCES "1c.3g.20gb, start: 4}]}\n",
		"c.yaml:4:37: '1c.3g.20gb' is a compute instance, not a GPU instance", NULL);
	refused(INSTANCES "3g.20gb, start: 4}, {profile: 3g.20gb, start: 4}]}\n",
		"c.yaml:4:67: 3g.20gb@4 is there twice for GPU 0", NULL);
	refused(INSTANCES "3g.20gb, start: 4, compute: [1g.5gb]}]}\n",
		"c.yaml:4:66: '1g.5gb' does not lie in a 3g.20gb", NULL);
	refused(INSTANCES "3g.20gb, start: 4, compute: [2c.3g.20gb@2]}]}\n",
		"c.yaml:4:66: on GPU 0 a 2c.3g.20gb cannot start at 2", "it can at 0");
	refused(INSTANCES "3g.20gb, start: 4, compute: [1c.3g.20gb@1, 2c.3g.20gb@0]}]}\n",
		"c.yaml:4:80: in the 3g.20gb at 4 of GPU 0 two compute instances lie over each "
		"other",
		NULL);
	refused(INSTANCES "3g.21gb, start: 4}]}\n",
		"c.yaml:4:37: GPU 0 (NVIDIA A100-SXM4-40GB) has no profile '3g.21gb'",
		"did you mean '3g.20gb'?");
#undef INSTANCES
}

/* ---- totals ------------------------------------------------------------------------------------ */

MIG_TEST(select_takes_totals)
{
	struct mig_snapshot *snapshot = select_case_node();
	struct mig_target *target = selected(
		snapshot, "  - {gpus: [0, 1], totals: {1g.5gb: 5, 1c.1g.5gb: 2, 3g.20gb: 1, "
			  "1c.3g.20gb: 2, 2g.10gb: 0}}\n"
			  "  - {gpus: 2, devices: {1g.6gb: 4}}\n"
			  "  - {gpus: all, filter: 0x11111111, totals: {9g.90gb: 1}}\n");

	MIG_ASSERT_UINT_EQ(select_case_named(target), 7);
	MIG_ASSERT(target->gpus[0].shares_totals && target->gpus[1].shares_totals);
	MIG_ASSERT(!target->gpus[2].shares_totals);
	MIG_ASSERT_UINT_EQ(target->gpus[0].device_count, 0);
	MIG_ASSERT_UINT_EQ(target->total_count, 3);
	MIG_ASSERT_STR_EQ(target->totals[0].profile, "1g.5gb");
	MIG_ASSERT_UINT_EQ(target->totals[0].count, 7);
	MIG_ASSERT_STR_EQ(target->totals[2].profile, "1c.3g.20gb");
	mig_target_free(target);
	target = selected(snapshot, "  - {gpus: all, totals: {1g.5gb: 5, 1g.6gb: 2}}\n");
	MIG_ASSERT_UINT_EQ(select_case_named(target), 7);
	MIG_ASSERT_UINT_EQ(target->total_count, 2);
	mig_target_free(target);
	mig_snapshot_free(snapshot);
}

MIG_TEST(select_refuses_totals_that_cannot_be)
{
	refused("  - {gpus: [0], totals: {1g.5gb: 5}}\n  - {gpus: [1], totals: {1g.5gb: 5}}\n",
		"c.yaml:5:25: there are totals already, at 4:25", "one entry names all their GPUs");
	refused("  - {gpus: [0, 1], totals: {1g.6gb: 5}}\n",
		"c.yaml:4:29: GPU 0 (NVIDIA A100-SXM4-40GB) has no profile '1g.6gb'",
		"did you mean '1g.5gb'?");
	refused("  - {gpus: [0, 1], totals: {1g.5gb: 5, 9g.20gb: 0}}\n",
		"c.yaml:4:40: GPU 0 (NVIDIA A100-SXM4-40GB) has no profile '9g.20gb'", "7g.40gb");
	refused("  - {gpus: all, totals: {1g.5gb: 5, 2g.10gb: 1}}\n",
		"c.yaml:4:12: GPU 2 (NVIDIA A30) has no profile of these totals",
		"name only GPUs that have");
	refused("  - {gpus: [3], totals: {1g.5gb: 5}}\n",
		"c.yaml:4:13: GPU 3 (Tesla T4) has no MIG", NULL);
}

/* ---- the command line -------------------------------------------------------------------------- */

static void args_refused(const char *first, const char *second, const char *message,
			 const char *hint)
{
	char *args[] = {(char *)first, (char *)second};
	struct mig_snapshot *snapshot = select_case_node();
	struct mig_config *config = NULL;
	struct mig_target *target = NULL;
	struct mig_error *err = NULL;

	MIG_ASSERT_INT_EQ(mig_config_from_args(args, second == NULL ? 1 : 2, &config, &err), 0);
	MIG_ASSERT_INT_EQ(mig_config_select(config, &config->labels[0], snapshot, &target, &err),
			  -1);
	select_case_check_refusal(err, message, hint);
	mig_config_free(config);
	mig_snapshot_free(snapshot);
}

MIG_TEST(select_takes_the_command_line)
{
	char *args[] = {"0-1=3g.20gb@4,1g.5gb*2", "2=off"};
	struct mig_snapshot *snapshot = select_case_node();
	struct mig_config *config = NULL;
	struct mig_target *target = NULL;

	MIG_ASSERT_INT_EQ(mig_config_from_args(args, 2, &config, NULL), 0);
	MIG_ASSERT_INT_EQ(mig_config_select(config, mig_config_find(config, NULL, NULL), snapshot,
					    &target, NULL),
			  0);
	MIG_ASSERT_UINT_EQ(select_case_named(target), 7);
	MIG_ASSERT_UINT_EQ(target->gpus[1].placed_count, 1);
	MIG_ASSERT_UINT_EQ(target->gpus[1].devices[0].count, 2);
	MIG_ASSERT(!target->gpus[2].mig_mode);
	mig_target_free(target);
	mig_config_free(config);
	mig_snapshot_free(snapshot);
}

MIG_TEST(select_says_which_argument_cannot_be)
{
	args_refused(
		"1=off", "0=3g.20gb,1g.6gb",
		"argument 2 '0=3g.20gb,1g.6gb' column 11: GPU 0 (NVIDIA A100-SXM4-40GB) has no "
		"profile '1g.6gb'",
		"did you mean '1g.5gb'?");
	args_refused("0-4=off", NULL, "argument 1 '0-4=off' column 1: there is no GPU 4",
		     "this node has 4 GPUs");
	args_refused("all=off", "1=1g.5gb",
		     "argument 2 '1=1g.5gb' column 1: GPU 1 is named here and in the entry at "
		     "argument 1",
		     "name each GPU in one LAYOUT only");
	args_refused(
		"0=total:1g.5gb", "1=total:1g.5gb",
		"argument 2 '1=total:1g.5gb' column 3: there are totals already, at argument 1",
		"one entry");
	args_refused("gpu-fa=off", NULL,
		     "argument 1 'gpu-fa=off' column 1: 'gpu-fa' is the beginning of 4 UUIDs",
		     "they are");
}

MIG_TEST(select_says_that_no_layout_matches)
{
	struct fake_driver *fake = fake_new();
	char *args[] = {"all=off"};
	struct mig_snapshot *snapshot;
	struct mig_config *config = NULL;
	struct mig_target *target = NULL;
	struct mig_error *err = NULL;

	fake_add_gpu(fake, "Tesla T4", NULL, 0);
	snapshot = fake_snapshot(fake, 0);
	MIG_ASSERT_INT_EQ(mig_config_from_args(args, 1, &config, &err), 0);
	MIG_ASSERT_INT_EQ(mig_config_select(config, &config->labels[0], snapshot, &target, &err),
			  -1);
	select_case_check_refusal(err, "no LAYOUT matches a GPU of this node",
				  "no GPU of this node has MIG");
	mig_config_free(config);
	mig_snapshot_free(snapshot);
	fake_free(fake);
}
