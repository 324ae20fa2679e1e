/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The snapshot on drivers that are ordinary, old, or broken.
 */
#include "core/model.h"

#include <string.h>
#include <unistd.h>

#include "core/holders.h"
#include "tests/harness/test.h"
#include "tests/unit/fake_snapshot.h"

static const struct mig_holder_provider *const providers[] = {&mig_holder_processes, NULL};

static struct mig_snapshot *read_all(struct fake_driver *fake)
{
	return fake_snapshot(fake, MIG_SNAPSHOT_UUIDS | MIG_SNAPSHOT_HOLDERS);
}

static struct mig_error *fails(struct fake_driver *fake)
{
	struct mig_context ctx = {
		.driver = &fake->driver, .host_root = "", .holder_providers = providers};
	struct mig_snapshot *snapshot = NULL;
	struct mig_error *err = NULL;

	MIG_ASSERT_INT_EQ(mig_snapshot_read(&ctx, MIG_SNAPSHOT_HOLDERS, &snapshot, &err), -1);
	MIG_ASSERT(snapshot == NULL && err != NULL);
	MIG_ASSERT_INT_EQ(mig_error_changed(err), MIG_CHANGED_NONE);
	return err;
}

/* The snapshot fails with this in its message. */
static void fails_with(struct fake_driver *fake, const char *part)
{
	struct mig_error *err = fails(fake);

	MIG_ASSERT_CONTAINS(mig_error_message(err), part);
	mig_error_free(err);
}

/* ---- ordinary drivers ------------------------------------------------------------------------- */

MIG_TEST(snapshot_of_no_gpu_is_empty)
{
	struct fake_driver *fake = fake_new();
	struct mig_snapshot *snapshot = read_all(fake);

	MIG_ASSERT_UINT_EQ(snapshot->gpu_count, 0);
	MIG_ASSERT_STR_EQ(snapshot->driver_version, "550.00.fake");
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(snapshot_finds_a_gpu_by_all_of_its_uuid)
{
	struct fake_driver *fake = fake_new();
	struct mig_snapshot *snapshot;

	fake_add_a100(fake);
	fake_add_a30(fake);
	snapshot = read_all(fake);
	MIG_ASSERT(mig_snapshot_gpu(snapshot, snapshot->gpus[1].uuid) == &snapshot->gpus[1]);
	MIG_ASSERT(mig_snapshot_gpu(snapshot, "GPU-fake-") == NULL);
	MIG_ASSERT(mig_snapshot_gpu(snapshot, "") == NULL);
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(snapshot_reads_a_gpu)
{
	struct fake_driver *fake = fake_new();
	struct fake_gpu *gpu = fake_add_a100(fake);
	struct mig_snapshot *snapshot;
	const struct mig_gpu *got;
	struct fake_gi *three;

	fake_put(gpu, "1g.5gb", 6);
	three = fake_put_gi(gpu, "3g.20gb", 0);
	fake_put_ci(three, 1, 2);
	fake_put_ci(three, 2, 0);
	fake_put_gi(gpu, "2g.10gb", 4); /* without a compute instance */
	snapshot = read_all(fake);
	MIG_ASSERT_UINT_EQ(snapshot->gpu_count, 1);
	got = &snapshot->gpus[0];
	MIG_ASSERT_STR_EQ(got->uuid, "GPU-fake-0");
	MIG_ASSERT_STR_EQ(got->name, "NVIDIA A100-SXM4-40GB");
	MIG_ASSERT_STR_EQ(got->pci_address, "00000000:10:00.0");
	MIG_ASSERT_UINT_EQ(got->pci_device_id, 0x20b010de);
	MIG_ASSERT_UINT_EQ(got->pci_subsystem_id, 0x134f10de);
	MIG_ASSERT_UINT_EQ(got->memory_mib, 40960);
	MIG_ASSERT(got->is_mig_capable && got->mig_current && got->mig_pending);
	MIG_ASSERT_UINT_EQ(got->facts->slices, 7);
	MIG_ASSERT_UINT_EQ(got->facts->units, 8);
	MIG_ASSERT_UINT_EQ(got->facts->gi_count, 7);
	MIG_ASSERT_UINT_EQ(got->gi_count, 3);

	MIG_ASSERT_STR_EQ(got->facts->gi[got->gi[0].gi_row].name, "1g.5gb");
	MIG_ASSERT_UINT_EQ(got->gi[0].start, 6);
	MIG_ASSERT_UINT_EQ(got->gi[0].ci_count, 1);
	MIG_ASSERT_STR_EQ(got->gi[0].ci[0].uuid, "MIG-fake-0-1g.5gb-6-1c-0");
	MIG_ASSERT_INT_EQ(got->gi[0].ci[0].device_index, 0);

	MIG_ASSERT_STR_EQ(got->facts->gi[got->gi[1].gi_row].name, "3g.20gb");
	MIG_ASSERT_UINT_EQ(got->gi[1].start, 0);
	MIG_ASSERT_UINT_EQ(got->gi[1].size, 4);
	MIG_ASSERT_UINT_EQ(got->gi[1].ci_count, 2);
	MIG_ASSERT_UINT_EQ(got->gi[1].ci[0].id, 0);
	MIG_ASSERT_UINT_EQ(got->gi[1].ci[0].start, 2);
	MIG_ASSERT_UINT_EQ(got->gi[1].ci[0].size, 1);
	MIG_ASSERT_UINT_EQ(got->gi[1].ci[1].start, 0);
	MIG_ASSERT_UINT_EQ(got->gi[1].ci[1].size, 2);

	MIG_ASSERT_STR_EQ(got->facts->gi[got->gi[2].gi_row].name, "2g.10gb");
	MIG_ASSERT_UINT_EQ(got->gi[2].ci_count, 0);
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(snapshot_reads_32_gpus_of_different_kinds)
{
	struct fake_driver *fake = fake_new();
	struct mig_snapshot *snapshot;

	for (unsigned int i = 0; i < 32; i++) {
		if (i % 3 == 0)
			fake_put(fake_add_a100(fake), "1g.5gb", i % 7);
		else if (i % 3 == 1)
			fake_put(fake_add_a30(fake), "1g.6gb", i % 4);
		else
			fake_add_gpu(fake, "Tesla T4", NULL, 0);
	}
	snapshot = read_all(fake);
	MIG_ASSERT_UINT_EQ(snapshot->gpu_count, 32);
	/* Equal GPUs share their facts. */
	MIG_ASSERT_UINT_EQ(snapshot->facts_count, 2);
	for (unsigned int i = 0; i < 32; i++) {
		const struct mig_gpu *gpu = &snapshot->gpus[i];

		MIG_ASSERT_UINT_EQ(gpu->index, i);
		MIG_ASSERT(gpu->is_mig_capable == (i % 3 != 2));
		MIG_ASSERT_UINT_EQ(gpu->gi_count, i % 3 != 2);
		if (i % 3 == 2)
			MIG_ASSERT(gpu->facts == NULL);
		else
			MIG_ASSERT_UINT_EQ(gpu->gi[0].start, i % (i % 3 == 0 ? 7 : 4));
	}
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(snapshot_does_not_share_placements_between_a_normal_and_a_swapped_gpu)
{
	struct fake_driver *fake = fake_new();
	struct mig_snapshot *snapshot;

	for (unsigned int i = 0; i < 4; i++) {
		struct fake_gpu *gpu = fake_add_a100(fake);

		if (i % 2 == 1) {
			gpu->profiles = fake_a100_swapped;
			gpu->profile_count = fake_a100_swapped_count;
		}
	}
	fake_put(&fake->gpus[3], "4g.20gb", 4);
	snapshot = read_all(fake);
	MIG_ASSERT_UINT_EQ(snapshot->facts_count, 2);
	MIG_ASSERT(snapshot->gpus[2].facts == snapshot->gpus[0].facts);
	MIG_ASSERT(snapshot->gpus[3].facts == snapshot->gpus[1].facts);
	MIG_ASSERT_UINT_EQ(snapshot->gpus[0].facts->gi[3].starts[0], 0);
	MIG_ASSERT_UINT_EQ(snapshot->gpus[1].facts->gi[3].starts[0], 4);
	MIG_ASSERT_UINT_EQ(snapshot->gpus[3].gi[0].start, 4);
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(snapshot_without_uuids_asks_for_none)
{
	struct fake_driver *fake = fake_new();
	struct mig_snapshot *snapshot;

	fake_put(fake_add_a100(fake), "1g.5gb", 0);
	snapshot = fake_snapshot(fake, 0);
	MIG_ASSERT_STR_EQ(snapshot->gpus[0].gi[0].ci[0].uuid, "");
	MIG_ASSERT_INT_EQ(snapshot->gpus[0].gi[0].ci[0].device_index, -1);
	MIG_ASSERT_UINT_EQ(fake->calls[MIG_NVML_SYM_nvmlDeviceGetMigDeviceHandleByIndex], 0);
	MIG_ASSERT_UINT_EQ(fake->calls[MIG_NVML_SYM_nvmlDeviceGetComputeRunningProcesses_v3], 0);
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(snapshot_changes_nothing)
{
	struct fake_driver *fake = fake_new();

	fake_put(fake_add_a100(fake), "3g.20gb", 4);
	mig_snapshot_free(read_all(fake));
	MIG_ASSERT_UINT_EQ(fake->change_count, 0);
	fake_free(fake);
}

MIG_TEST(snapshot_finds_devices_behind_a_hole_in_the_indices)
{
	struct fake_driver *fake = fake_new();
	struct fake_gpu *gpu = fake_add_a100(fake);
	struct mig_snapshot *snapshot;

	fake_put(gpu, "1g.5gb", 0);
	fake_put(gpu, "1g.5gb", 1);
	gpu->index_hole = 1;
	snapshot = read_all(fake);
	MIG_ASSERT_INT_EQ(snapshot->gpus[0].gi[0].ci[0].device_index, 0);
	MIG_ASSERT_INT_EQ(snapshot->gpus[0].gi[1].ci[0].device_index, 2);
	MIG_ASSERT_STR_EQ(snapshot->gpus[0].gi[1].ci[0].uuid, "MIG-fake-0-1g.5gb-1-1c-0");
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(snapshot_of_a_gpu_with_mig_off_has_profiles_and_no_instances)
{
	struct fake_driver *fake = fake_new();
	struct fake_gpu *gpu = fake_add_a100(fake);
	struct mig_snapshot *snapshot;

	gpu->current = false; /* and on after a reset */
	snapshot = read_all(fake);
	MIG_ASSERT(snapshot->gpus[0].is_mig_capable);
	MIG_ASSERT(!snapshot->gpus[0].mig_current && snapshot->gpus[0].mig_pending);
	MIG_ASSERT_UINT_EQ(snapshot->gpus[0].facts->gi_count, 7);
	MIG_ASSERT_UINT_EQ(snapshot->gpus[0].gi_count, 0);
	MIG_ASSERT_UINT_EQ(fake->calls[MIG_NVML_SYM_nvmlDeviceGetGpuInstances], 0);
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

/* ---- older drivers ---------------------------------------------------------------------------- */

MIG_TEST(snapshot_of_470_has_computed_names)
{
	struct fake_driver *fake = fake_new();
	struct fake_gpu *known = fake_add_a100(fake);
	struct fake_gpu *unknown = fake_add_gpu(fake, "New GPU", fake_a100, fake_a100_count);
	struct mig_snapshot *snapshot;

	fake_make_470(fake);
	fake_put(known, "3g.20gb", 4);
	fake_put_ci(fake_put_gi(unknown, "3g.20gb", 0), 1, 1);
	snapshot = read_all(fake);
	for (unsigned int i = 0; i < 2; i++) {
		const struct mig_facts *facts = snapshot->gpus[i].facts;

		MIG_ASSERT_UINT_EQ(facts->gi_count, 7);
		for (unsigned int row = 0; row < facts->gi_count; row++) {
			MIG_ASSERT(facts->gi[row].name_is_computed);
			MIG_ASSERT_STR_EQ(facts->gi[row].name, fake_a100[row].name + 4);
		}
	}
	MIG_ASSERT_UINT_EQ(snapshot->gpus[0].gi[0].ci_count, 1);
	MIG_ASSERT_UINT_EQ(snapshot->gpus[1].gi[0].ci[0].start, 1);
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

/* 470 and 535 list nothing while MIG is off. */
static struct fake_gpu *add_silent_a100(struct fake_driver *fake, bool is_on)
{
	struct fake_gpu *gpu = fake_add_a100(fake);

	gpu->current = gpu->pending = is_on;
	gpu->off_has_profiles = false;
	return gpu;
}

MIG_TEST(snapshot_takes_profiles_from_the_tables_where_the_driver_lists_none)
{
	struct fake_driver *fake = fake_new();
	struct fake_gpu *unknown = fake_add_gpu(fake, "New GPU", fake_a100, fake_a100_count);
	struct mig_snapshot *snapshot;
	const struct mig_facts *facts;

	unknown->current = unknown->pending = false;
	unknown->off_has_profiles = false;
	add_silent_a100(fake, false);
	snapshot = read_all(fake);
	/* A GPU that is in no table stays without. */
	MIG_ASSERT_UINT_EQ(snapshot->gpus[0].facts->gi_count, 0);
	MIG_ASSERT_INT_EQ(snapshot->gpus[0].facts->source, MIG_FACTS_FROM_NVML);
	facts = snapshot->gpus[1].facts;
	MIG_ASSERT_INT_EQ(facts->source, MIG_FACTS_FROM_TABLE);
	MIG_ASSERT_UINT_EQ(facts->gi_count, fake_a100_count);
	MIG_ASSERT_UINT_EQ(facts->units, 8);
	MIG_ASSERT_UINT_EQ(facts->slices, 7);
	/* What the tables say is what the driver says once MIG is on. */
	for (unsigned int row = 0; row < fake_a100_count; row++) {
		const struct mig_gi_profile *gi = &facts->gi[row];

		MIG_ASSERT_STR_EQ(gi->name, fake_a100[row].name + 4);
		MIG_ASSERT(!gi->name_is_computed);
		MIG_ASSERT_UINT_EQ(gi->index, fake_a100[row].index);
		MIG_ASSERT_UINT_EQ(gi->id, fake_a100[row].id);
		MIG_ASSERT_UINT_EQ(gi->size, fake_a100[row].size);
		MIG_ASSERT_UINT_EQ(gi->start_count, fake_a100[row].start_count);
		MIG_ASSERT_INT_EQ(gi->ci_source, MIG_CI_FROM_TABLE);
	}
	mig_snapshot_free(snapshot);

	fake_make_470(fake);
	snapshot = read_all(fake);
	MIG_ASSERT(snapshot->gpus[1].facts->gi[0].name_is_computed);
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(snapshot_keeps_beliefs_and_facts_of_equal_gpus_apart)
{
	static const bool is_on[] = {false, true, false, true};
	struct fake_driver *fake = fake_new();
	struct mig_snapshot *snapshot;

	for (unsigned int i = 0; i < 4; i++)
		add_silent_a100(fake, is_on[i]);
	fake_put(&fake->gpus[1], "3g.20gb", 0);
	snapshot = read_all(fake);
	MIG_ASSERT_UINT_EQ(snapshot->facts_count, 2);
	MIG_ASSERT(snapshot->gpus[2].facts == snapshot->gpus[0].facts);
	MIG_ASSERT(snapshot->gpus[3].facts == snapshot->gpus[1].facts);
	MIG_ASSERT_INT_EQ(snapshot->gpus[0].facts->source, MIG_FACTS_FROM_TABLE);
	MIG_ASSERT_INT_EQ(snapshot->gpus[1].facts->source, MIG_FACTS_FROM_NVML);
	MIG_ASSERT_UINT_EQ(snapshot->gpus[1].gi_count, 1);
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(snapshot_reads_a_gpu_that_is_off_after_an_equal_one_that_is_on)
{
	struct fake_driver *fake = fake_new();
	struct mig_snapshot *snapshot;

	add_silent_a100(fake, true);
	add_silent_a100(fake, false);
	snapshot = read_all(fake);
	MIG_ASSERT_UINT_EQ(snapshot->facts_count, 2);
	MIG_ASSERT_INT_EQ(snapshot->gpus[1].facts->source, MIG_FACTS_FROM_TABLE);
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(snapshot_takes_a_driver_with_the_compute_list_only)
{
	struct fake_driver *fake = fake_new();
	struct mig_snapshot *snapshot;

	fake_put(fake_add_a100(fake), "1g.5gb", 0);
	fake_remove_symbol(fake, MIG_NVML_SYM_nvmlDeviceGetGraphicsRunningProcesses_v3);
	fake_remove_symbol(fake, MIG_NVML_SYM_nvmlDeviceGetMPSComputeRunningProcesses_v3);
	snapshot = read_all(fake);
	MIG_ASSERT_UINT_EQ(snapshot->gpus[0].gi[0].ci[0].holder_count, 0);
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

/* Nobody could say then that an instance is free: that is not "nobody holds it". */
MIG_TEST(snapshot_refuses_a_driver_that_cannot_list_processes)
{
	struct fake_driver *fake = fake_new();

	fake_put(fake_add_a100(fake), "1g.5gb", 0);
	fake_remove_symbol(fake, MIG_NVML_SYM_nvmlDeviceGetComputeRunningProcesses_v3);
	fails_with(fake, "cannot list the processes of GPU 0");
	fake_free(fake);
}

/* ---- who holds what --------------------------------------------------------------------------- */

MIG_TEST(snapshot_knows_who_holds_an_instance)
{
	struct fake_driver *fake = fake_new();
	struct fake_gpu *gpu = fake_add_a100(fake);
	struct fake_gi *free_one = fake_put(gpu, "1g.5gb", 0);
	struct fake_gi *held = fake_put(gpu, "3g.20gb", 4);
	struct mig_snapshot *snapshot;
	const struct mig_compute_instance *ci;

	(void)free_one;
	fake_put_process(&held->ci[0], (unsigned int)getpid());
	fake_put_process(&held->ci[0], 4194305); /* above any pid: has ended meanwhile */
	snapshot = read_all(fake);
	MIG_ASSERT_UINT_EQ(snapshot->gpus[0].gi[0].ci[0].holder_count, 0);
	ci = &snapshot->gpus[0].gi[1].ci[0];
	MIG_ASSERT_UINT_EQ(ci->holder_count, 2);
	MIG_ASSERT_STR_EQ(ci->holders[0].provider, "process");
	MIG_ASSERT_UINT_EQ(ci->holders[0].pid, getpid());
	MIG_ASSERT_CONTAINS(ci->holders[0].name, "test_snapshot");
	MIG_ASSERT_UINT_EQ(ci->holders[0].memory_mib, 3);
	MIG_ASSERT_UINT_EQ(ci->holders[1].pid, 4194305);
	MIG_ASSERT_STR_EQ(ci->holders[1].name, "");
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(snapshot_reads_a_process_list_that_grows_meanwhile)
{
	struct fake_driver *fake = fake_new();
	struct fake_gpu *gpu = fake_add_a100(fake);
	struct mig_snapshot *snapshot;

	fake_put_process(&fake_put(gpu, "1g.5gb", 0)->ci[0], 4194305);
	gpu->processes_grow = 9; /* more than the slack of one try; then four, two, one */
	snapshot = read_all(fake);
	MIG_ASSERT(gpu->process_count >= 14);
	MIG_ASSERT_UINT_EQ(snapshot->gpus[0].gi[0].ci[0].holder_count, gpu->process_count);
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(snapshot_fails_when_a_process_list_cannot_be_read)
{
	struct fake_driver *fake = fake_new();
	struct mig_error *err;

	fake_put(fake_add_a100(fake), "1g.5gb", 0);
	fake->script[MIG_NVML_SYM_nvmlDeviceGetComputeRunningProcesses_v3] =
		(struct fake_script){1, NVML_ERROR_NO_PERMISSION};
	err = fails(fake);
	MIG_ASSERT_CONTAINS(mig_error_message(err), "cannot list the processes of GPU 0");
	MIG_ASSERT_INT_EQ(mig_error_exit_status(err), MIG_EXIT_NO_PERMISSION);
	mig_error_free(err);
	fake_free(fake);
}

/* ---- drivers that fail ------------------------------------------------------------------------ */

MIG_TEST(snapshot_names_a_gpu_that_is_lost)
{
	struct fake_driver *fake = fake_new();
	struct mig_error *err;

	for (unsigned int i = 0; i < 3; i++)
		fake_add_a100(fake);
	fake->gpus[1].is_lost = true;
	err = fails(fake);
	MIG_ASSERT_CONTAINS(mig_error_message(err), "GPU 1");
	MIG_ASSERT_CONTAINS(mig_error_message(err), "NVML_ERROR_GPU_IS_LOST");
	MIG_ASSERT_INT_EQ(mig_error_nvml(err), NVML_ERROR_GPU_IS_LOST);
	mig_error_free(err);
	fake_free(fake);
}

/* Whatever call fails, the snapshot fails, says on which GPU, and leaks nothing (sanitizers). */
MIG_TEST(snapshot_names_the_gpu_whichever_call_fails)
{
	static const enum mig_nvml_symbol symbols[] = {
		MIG_NVML_SYM_nvmlDeviceGetHandleByIndex_v2,
		MIG_NVML_SYM_nvmlDeviceGetName,
		MIG_NVML_SYM_nvmlDeviceGetPciInfo_v3,
		MIG_NVML_SYM_nvmlDeviceGetMigMode,
		MIG_NVML_SYM_nvmlDeviceGetGpuInstanceProfileInfoV,
		MIG_NVML_SYM_nvmlDeviceGetGpuInstancePossiblePlacements_v2,
		MIG_NVML_SYM_nvmlDeviceGetGpuInstances,
		MIG_NVML_SYM_nvmlGpuInstanceGetInfo,
		MIG_NVML_SYM_nvmlGpuInstanceGetComputeInstanceProfileInfoV,
		MIG_NVML_SYM_nvmlGpuInstanceGetComputeInstancePossiblePlacements,
		MIG_NVML_SYM_nvmlGpuInstanceGetComputeInstances,
		MIG_NVML_SYM_nvmlComputeInstanceGetInfo_v2,
		MIG_NVML_SYM_nvmlDeviceGetMaxMigDeviceCount,
		MIG_NVML_SYM_nvmlDeviceGetMigDeviceHandleByIndex,
		MIG_NVML_SYM_nvmlDeviceGetGpuInstanceId,
		MIG_NVML_SYM_nvmlDeviceGetComputeInstanceId,
		MIG_NVML_SYM_nvmlDeviceGetComputeRunningProcesses_v3,
		MIG_NVML_SYM_nvmlDeviceGetGraphicsRunningProcesses_v3,
		MIG_NVML_SYM_nvmlDeviceGetMPSComputeRunningProcesses_v3,
	};

	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		unsigned int calls = 1;

		for (unsigned int nth = 1; nth <= calls; nth++) {
			struct fake_driver *fake = fake_new();
			struct fake_gpu *gpu = fake_add_a100(fake);
			struct mig_error *err;

			fake_put(gpu, "1g.5gb", 0);
			fake_put_process(&fake_put(gpu, "3g.20gb", 4)->ci[0], 4194305);
			if (nth == 1) {
				mig_snapshot_free(read_all(fake));
				calls = fake->calls[symbols[i]];
				memset(fake->calls, 0, sizeof(fake->calls));
			}
			fake->script[symbols[i]] = (struct fake_script){nth, NVML_ERROR_UNKNOWN};
			err = fails(fake);
			MIG_ASSERT_MSG(strstr(mig_error_message(err), "GPU 0") != NULL,
				       "call %u of %s: %s", nth, mig_nvml_symbol_name(symbols[i]),
				       mig_error_message(err));
			MIG_ASSERT_INT_EQ(mig_error_nvml(err), NVML_ERROR_UNKNOWN);
			mig_error_free(err);
			fake_free(fake);
		}
		MIG_ASSERT(calls > 0);
	}
}

/* ---- drivers that are broken ------------------------------------------------------------------ */

MIG_TEST(snapshot_refuses_an_absurd_number_of_gpus)
{
	struct fake_driver *fake = fake_new();

	fake->gpu_count = UINT32_MAX;
	fails_with(fake, "4294967295 GPUs");
	fake_free(fake);
}

/* A GPU with this one profile beside a whole one. */
static void with_profile(const struct fake_gi_profile *profile, const char *part)
{
	struct fake_gi_profile profiles[2] = {fake_a100[0], *profile};
	struct fake_driver *fake = fake_new();

	fake_add_gpu(fake, "Broken GPU", profiles, 2);
	fails_with(fake, part);
	fake_free(fake);
}

MIG_TEST(snapshot_refuses_absurd_profiles)
{
	struct fake_gi_profile profile = fake_a100[2];

	profile.starts[0] = 61;
	with_profile(&profile, "GPU 0: placement 61:4 of '3g.20gb'");
	profile.starts[0] = UINT32_MAX; /* start + size is 3 again */
	with_profile(&profile, "GPU 0: placement 4294967295:4 of '3g.20gb'");
	profile.starts[0] = 0;
	profile.size = UINT32_MAX;
	with_profile(&profile, "GPU 0: placement");
	profile.size = 0;
	with_profile(&profile, "GPU 0: placement");
	profile = fake_a100[2];
	profile.start_count = UINT32_MAX;
	with_profile(&profile, "GPU 0: profile '3g.20gb' has 4294967295 placements");
	profile = fake_a100[2];
	profile.slices = UINT32_MAX;
	with_profile(&profile, "GPU 0: profile '3g.20gb' says 4294967295 slices");
	profile.slices = 0;
	with_profile(&profile, "GPU 0: profile '3g.20gb' says 0 slices");
	profile = fake_a100[2];
	profile.max = UINT32_MAX;
	with_profile(&profile, "GPU 0: profile '3g.20gb' says 4294967295 instances");
}

MIG_TEST(snapshot_refuses_absurd_compute_profiles)
{
	for (unsigned int n = 0; n < 6; n++) {
		struct fake_gi_profile profile = fake_a100[2];
		struct fake_driver *fake = fake_new();
		struct fake_gpu *gpu = fake_add_gpu(fake, "Broken GPU", &profile, 1);

		fake_put(gpu, "3g.20gb", 0);
		if (n == 0)
			profile.ci[0].slices = UINT32_MAX;
		else if (n == 1)
			profile.ci[0].slices = 0;
		else if (n == 2)
			profile.ci[0].max = UINT32_MAX;
		else if (n == 3)
			profile.ci[0].start_count = UINT32_MAX;
		else if (n == 4)
			profile.ci[0].starts[0] = UINT32_MAX;
		else
			profile.ci[0].size = UINT32_MAX;
		fails_with(fake, "c.3g.20gb");
		fake_free(fake);
	}
}

MIG_TEST(snapshot_refuses_instances_outside_of_the_gpu)
{
	struct fake_driver *fake = fake_new();
	struct fake_gi *gi = fake_put(fake_add_a100(fake), "3g.20gb", 4);

	gi->start = 62;
	fails_with(fake, "GPU 0: GPU instance 1 lies at 62:4");
	gi->start = UINT32_MAX - 1;
	fails_with(fake, "GPU 0: GPU instance 1 lies at 4294967294:4");
	gi->start = 4;
	gi->ci[0].start = 70;
	fails_with(fake, "GPU 0: compute instance 0 of GPU instance 1 lies at 70:3");
	fake_free(fake);
}

MIG_TEST(snapshot_does_not_walk_four_billion_devices)
{
	struct fake_driver *fake = fake_new();
	struct fake_gpu *gpu = fake_add_a100(fake);
	struct mig_snapshot *snapshot;

	fake_put(gpu, "1g.5gb", 0);
	gpu->max_devices_said = UINT32_MAX;
	snapshot = read_all(fake);
	MIG_ASSERT_INT_EQ(snapshot->gpus[0].gi[0].ci[0].device_index, 0);
	MIG_ASSERT(fake->calls[MIG_NVML_SYM_nvmlDeviceGetMigDeviceHandleByIndex] <= 1024);
	mig_snapshot_free(snapshot);
	fake_free(fake);
}

MIG_TEST(snapshot_refuses_an_absurd_process_list)
{
	struct fake_driver *fake = fake_new();
	struct fake_gpu *gpu = fake_add_a100(fake);

	fake_put_process(&fake_put(gpu, "1g.5gb", 0)->ci[0], 1);
	gpu->process_count_said = 100000; /* with SUCCESS, into a list of nine */
	fails_with(fake, "100000 processes");
	fake_free(fake);
}

MIG_TEST(snapshot_gives_up_on_a_process_list_that_never_stops_growing)
{
	struct fake_driver *fake = fake_new();
	struct fake_gpu *gpu = fake_add_a100(fake);

	fake_put(gpu, "1g.5gb", 0);
	gpu->process_count = 60000; /* the fake fills in nothing as long as the room is too small */
	fake->script[MIG_NVML_SYM_nvmlDeviceGetComputeRunningProcesses_v3] =
		(struct fake_script){2, NVML_ERROR_INSUFFICIENT_SIZE};
	gpu->process_count = UINT32_MAX;
	fails_with(fake, "4294967295 processes");
	fake_free(fake);
}

MIG_TEST(snapshot_free_takes_null)
{
	mig_snapshot_free(NULL);
}
