/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A label and a node's GPUs make a target, or a refusal that says where and why.
 */
#include "config/select.h"

#include "tests/harness/test.h"
#include "tests/unit/fake_snapshot.h"
#include "tests/unit/select_case.h"

#define HEAD "version: v1\nmig-configs:\n  a:\n"

static struct mig_target *selected(const struct mig_snapshot *snapshot, const char *entries)
{
	return select_case_taken(snapshot, HEAD, entries);
}

static void refused(const struct mig_snapshot *snapshot, const char *entries, const char *message,
		    const char *hint)
{
	select_case_refused(snapshot, HEAD, entries, message, hint);
}

MIG_TEST(select_all_means_the_gpus_with_mig)
{
	struct mig_snapshot *snapshot = select_case_node();
	struct mig_target *target =
		selected(snapshot, "  - {devices: all, mig-enabled: true, mig-devices: {}}\n");

	MIG_ASSERT_UINT_EQ(select_case_named(target), 7);
	MIG_ASSERT(target->gpus[0].mig_mode && target->gpus[2].mig_mode);
	MIG_ASSERT_UINT_EQ(target->gpus[0].device_count, 0);
	mig_target_free(target);
	mig_snapshot_free(snapshot);
}

MIG_TEST(select_leaves_gpus_alone_that_no_entry_names)
{
	struct mig_snapshot *snapshot = select_case_node();
	struct mig_target *target =
		selected(snapshot, "  - {devices: [1, 1], mig-enabled: true, mig-devices: "
				   "{1g.5gb: 2, 1c.1g.5gb: 1, 3g.20gb: 1, 2g.10gb: 0}}\n");

	MIG_ASSERT_UINT_EQ(select_case_named(target), 2);
	/* 1c.1g.5gb is 1g.5gb, and none of a profile is nothing. */
	MIG_ASSERT_UINT_EQ(target->gpus[1].device_count, 2);
	MIG_ASSERT_UINT_EQ(target->gpus[1].devices[0].count, 3);
	MIG_ASSERT_UINT_EQ(target->gpus[1].devices[1].gi_row, 2);
	mig_target_free(target);
	mig_snapshot_free(snapshot);
}

MIG_TEST(select_filters_by_pci_device_and_subsystem)
{
	struct mig_snapshot *snapshot = select_case_node();
	struct mig_target *target;

	target = selected(snapshot, "  - {device-filter: 0x20b710de, devices: all, mig-enabled: "
				    "true, mig-devices: {1g.6gb: 4}}\n"
				    "  - {device-filter: [0x11111111, 0x20B010DE], devices: all, "
				    "mig-enabled: true, mig-devices: {1g.5gb: 7}}\n");
	MIG_ASSERT_UINT_EQ(select_case_named(target), 7);
	MIG_ASSERT_UINT_EQ(target->gpus[2].devices[0].count, 4);
	MIG_ASSERT_UINT_EQ(target->gpus[1].devices[0].count, 7);
	mig_target_free(target);
	target = selected(snapshot, "  - {device-filter: '0x20B010DE:0x134F10DE', devices: [0, 2], "
				    "mig-enabled: false}\n");
	MIG_ASSERT_UINT_EQ(select_case_named(target), 1);
	mig_target_free(target);
	refused(snapshot,
		"  - {device-filter: '0x20B010DE:0x134F10DF', devices: all, mig-enabled: false}\n",
		"c.yaml:3:3: label 'a' matches no GPU of this node", "filters name other GPUs");
	mig_snapshot_free(snapshot);
}

MIG_TEST(select_takes_the_same_wish_twice)
{
	struct mig_snapshot *snapshot = select_case_node();
	struct mig_target *target = selected(
		snapshot,
		"  - {devices: [0], mig-enabled: true, mig-devices: {1g.5gb: 1, 2g.10gb: 1}}\n"
		"  - {devices: [0, 1], mig-enabled: true, mig-devices: {2g.10gb: 1, 1c.1g.5gb: "
		"1}}\n");

	MIG_ASSERT_UINT_EQ(select_case_named(target), 3);
	MIG_ASSERT_UINT_EQ(target->gpus[0].devices[0].count, 1);
	mig_target_free(target);
	mig_snapshot_free(snapshot);
}

MIG_TEST(select_refuses_a_contradiction)
{
	struct mig_snapshot *snapshot = select_case_node();

	refused(snapshot,
		"  - {devices: all, mig-enabled: true, mig-devices: {}}\n"
		"  - {devices: [1], mig-enabled: false}\n",
		"c.yaml:5:5: this entry wants something else of GPU 1 than the one at 4:5",
		"in one entry");
	refused(snapshot,
		"  - {devices: [0], mig-enabled: true, mig-devices: {1g.5gb: 2}}\n"
		"  - {devices: [0], mig-enabled: true, mig-devices: {1g.5gb: 3}}\n",
		"c.yaml:5:5: this entry wants something else of GPU 0 than the one at 4:5",
		"in one entry");
	mig_snapshot_free(snapshot);
}

MIG_TEST(select_refuses_an_index_without_a_gpu)
{
	struct mig_snapshot *snapshot = select_case_node();

	refused(snapshot, "  - {devices: [0, 4], mig-enabled: false}\n",
		"c.yaml:4:19: there is no GPU 4", "this node has 4 GPUs, counted from 0");
	refused(snapshot, "  - {devices: [2147483647], mig-enabled: false}\n",
		"c.yaml:4:16: there is no GPU 2147483647", "this node has 4 GPUs");
	refused(snapshot, "  - {devices: [], mig-enabled: false}\n",
		"c.yaml:3:3: label 'a' matches no GPU of this node", "");
	mig_snapshot_free(snapshot);
}

MIG_TEST(select_refuses_a_profile_that_a_gpu_has_not)
{
	struct mig_snapshot *snapshot = select_case_node();

	refused(snapshot, "  - {devices: all, mig-enabled: true, mig-devices: {1g.5gb: 1}}\n",
		"c.yaml:4:53: GPU 2 (NVIDIA A30) has no profile '1g.5gb'",
		"did you mean '1g.6gb'? This GPU has: 1g.6gb, 2g.12gb, 4g.24gb, 1g.6gb+me, "
		"2g.12gb+me");
	refused(snapshot, "  - {devices: [0], mig-enabled: true, mig-devices: {3c.4g.20gb: 1}}\n",
		"c.yaml:4:53: GPU 0 (NVIDIA A100-SXM4-40GB) has no profile '3c.4g.20gb'",
		"4g.20gb");
	refused(snapshot, "  - {devices: [0], mig-enabled: true, mig-devices: {1g.5gb+gfx: 1}}\n",
		"c.yaml:4:53: GPU 0 (NVIDIA A100-SXM4-40GB) has no profile '1g.5gb+gfx'", "1g.5gb");
	/* None of what does not exist is a slip all the same. */
	refused(snapshot,
		"  - {devices: [0], mig-enabled: true, mig-devices: {1g.5gb: 1, 1g.6gb: 0}}\n",
		"c.yaml:4:64: GPU 0 (NVIDIA A100-SXM4-40GB) has no profile '1g.6gb'", "1g.5gb");
	mig_snapshot_free(snapshot);
}

MIG_TEST(select_refuses_mig_on_a_gpu_without)
{
	struct mig_snapshot *snapshot = select_case_node();

	struct mig_target *target = selected(snapshot, "  - {devices: [3], mig-enabled: false}\n");
	struct mig_error *err = NULL;

	MIG_ASSERT_UINT_EQ(select_case_named(target), 8);
	mig_target_free(target);
	target = NULL;
	MIG_ASSERT_INT_EQ(
		select_case_run(snapshot, HEAD,
				"  - {devices: [3], mig-enabled: true, mig-devices: {}}\n", &target,
				&err),
		-1);
	MIG_ASSERT_STR_EQ(mig_error_message(err), "c.yaml:4:16: GPU 3 (Tesla T4) has no MIG");
	mig_error_free(err);
	mig_snapshot_free(snapshot);
}

MIG_TEST(select_on_a_node_without_gpus)
{
	struct fake_driver *fake = fake_new();
	struct mig_snapshot *snapshot = fake_snapshot(fake, 0);
	_cleanup_error_ struct mig_error *err = NULL;
	struct mig_target *target = NULL;

	MIG_ASSERT_INT_EQ(select_case_run(snapshot, HEAD,
					  "  - {devices: all, mig-enabled: false}\n", &target,
					  &err),
			  -1);
	MIG_ASSERT(target == NULL);
	MIG_ASSERT_STR_EQ(mig_error_message(err), "the driver shows no GPU");
	MIG_ASSERT_CONTAINS(mig_error_hint_text(err), "migctl doctor");
	MIG_ASSERT_INT_EQ(mig_error_exit_status(err), MIG_EXIT_NO_DRIVER);
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(select_on_a_driver_that_lists_no_profiles_while_mig_is_off)
{
	struct fake_driver *fake = fake_new();
	struct mig_snapshot *snapshot;
	/* One that is in no table: of those that are, the tables say what there will be. */
	struct fake_gpu *gpu = fake_add_gpu(fake, "New GPU", fake_a100, fake_a100_count);
	struct mig_target *target;

	gpu->current = gpu->pending = false;
	fake_make_470(fake);
	snapshot = fake_snapshot(fake, 0);
	refused(snapshot, "  - {devices: all, mig-enabled: true, mig-devices: {1g.5gb: 1}}\n",
		"c.yaml:4:15: the driver lists no profiles of GPU 0 (New GPU) while MIG mode is "
		"off, and migctl has no table of it",
		"migctl mode on -i 0");
	target = selected(snapshot, "  - {devices: all, mig-enabled: true, mig-devices: {}}\n");
	MIG_ASSERT(target->gpus[0].mig_mode);
	mig_target_free(target);
	mig_snapshot_free(snapshot);
	fake_free(fake);
}
