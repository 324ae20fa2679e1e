/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The snapshot of a GPU that somebody else changes while it is read.
 */
#include "core/model.h"

#include <string.h>

#include "core/holders.h"
#include "shared/macros.h"
#include "tests/harness/test.h"
#include "tests/unit/fake_driver.h"

static const struct mig_holder_provider *const providers[] = {&mig_holder_processes, NULL};
static struct fake_driver *fake;
static struct fake_gpu *gpu;
static nvmlReturn_t (*list_before)(const struct mig_driver *driver, nvmlDevice_t device,
				   unsigned int id, nvmlGpuInstance_t *list, unsigned int *count);
static unsigned int lists;

static int read_gpus(struct mig_snapshot **snapshot, struct mig_error **err)
{
	struct mig_context ctx = {
		.driver = &fake->driver, .host_root = "", .holder_providers = providers};

	return mig_snapshot_read(&ctx, MIG_SNAPSHOT_UUIDS | MIG_SNAPSHOT_HOLDERS, snapshot, err);
}

static void make(void)
{
	fake = fake_new();
	gpu = fake_add_a100(fake);
	fake_put(gpu, "1g.5gb", 0);
	fake_put(gpu, "3g.20gb", 4);
}

MIG_TEST(snapshot_reads_again_what_vanished_between_two_calls)
{
	static const enum mig_nvml_symbol symbols[] = {
		MIG_NVML_SYM_nvmlGpuInstanceGetInfo,
		MIG_NVML_SYM_nvmlGpuInstanceGetComputeInstances,
		MIG_NVML_SYM_nvmlComputeInstanceGetInfo_v2,
		MIG_NVML_SYM_nvmlDeviceGetGpuInstanceId,
		MIG_NVML_SYM_nvmlDeviceGetComputeInstanceId,
	};
	static const nvmlReturn_t codes[] = {NVML_ERROR_NOT_FOUND, NVML_ERROR_INVALID_ARGUMENT,
					     NVML_ERROR_NOT_SUPPORTED};

	for (size_t i = 0; i < MIG_ARRAY_SIZE(symbols) * MIG_ARRAY_SIZE(codes); i++) {
		enum mig_nvml_symbol symbol = symbols[i / MIG_ARRAY_SIZE(codes)];
		nvmlReturn_t code = codes[i % MIG_ARRAY_SIZE(codes)];
		struct mig_snapshot *snapshot = NULL;
		struct mig_error *err = NULL;

		make();
		fake->script[symbol] = (struct fake_script){2, code};
		MIG_ASSERT_MSG(read_gpus(&snapshot, &err) == 0, "%s gives %d: %s",
			       mig_nvml_symbol_name(symbol), (int)code, mig_error_message(err));
		MIG_ASSERT_UINT_EQ(snapshot->gpus[0].gi_count, 2);
		MIG_ASSERT_UINT_EQ(snapshot->gpus[0].gi[0].ci_count, 1);
		MIG_ASSERT_UINT_EQ(snapshot->gpus[0].gi[1].ci_count, 1);
		MIG_ASSERT_UINT_EQ(snapshot->facts_count, 1);
		MIG_ASSERT_UINT_EQ(fake->calls[MIG_NVML_SYM_nvmlDeviceGetHandleByIndex_v2], 2);
		mig_snapshot_free(snapshot);
		fake_free(fake);
	}
}

static nvmlReturn_t never_found(MIG_UNUSED const struct mig_driver *driver,
				MIG_UNUSED nvmlGpuInstance_t instance,
				MIG_UNUSED nvmlGpuInstanceInfo_t *info)
{
	return NVML_ERROR_NOT_FOUND;
}

MIG_TEST(snapshot_gives_up_on_a_gpu_that_never_holds_still)
{
	struct mig_snapshot *snapshot = NULL;
	struct mig_error *err = NULL;

	make();
	fake->driver.nvmlGpuInstanceGetInfo = never_found;
	MIG_ASSERT_INT_EQ(read_gpus(&snapshot, &err), -1);
	MIG_ASSERT_CONTAINS(mig_error_message(err), "cannot read a GPU instance of GPU 0");
	MIG_ASSERT_INT_EQ(mig_error_nvml(err), NVML_ERROR_NOT_FOUND);
	MIG_ASSERT_UINT_EQ(fake->calls[MIG_NVML_SYM_nvmlDeviceGetHandleByIndex_v2], 10);
	mig_error_free(err);
	fake_free(fake);
}

MIG_TEST(snapshot_does_not_repeat_what_cannot_get_better)
{
	struct mig_snapshot *snapshot = NULL;
	struct mig_error *err = NULL;

	make();
	fake->script[MIG_NVML_SYM_nvmlGpuInstanceGetInfo] =
		(struct fake_script){1, NVML_ERROR_NO_PERMISSION};
	MIG_ASSERT_INT_EQ(read_gpus(&snapshot, &err), -1);
	MIG_ASSERT_INT_EQ(mig_error_nvml(err), NVML_ERROR_NO_PERMISSION);
	MIG_ASSERT_UINT_EQ(fake->calls[MIG_NVML_SYM_nvmlDeviceGetHandleByIndex_v2], 1);
	mig_error_free(err);
	fake_free(fake);
}

/* Before the second listing, in which 2g instances are seen, the 1g at 0 becomes a 2g. */
static nvmlReturn_t list_and_change(const struct mig_driver *driver, nvmlDevice_t device,
				    unsigned int id, nvmlGpuInstance_t *list, unsigned int *count)
{
	if (++lists == 2) {
		gpu->gi[0].used = false;
		fake_put(gpu, "2g.10gb", 0);
	}
	return list_before(driver, device, id, list, count);
}

MIG_TEST(snapshot_does_not_mix_two_layouts)
{
	struct mig_snapshot *snapshot = NULL;
	struct mig_error *err = NULL;

	make();
	list_before = fake->driver.nvmlDeviceGetGpuInstances;
	fake->driver.nvmlDeviceGetGpuInstances = list_and_change;
	MIG_ASSERT_MSG(read_gpus(&snapshot, &err) == 0, "%s", mig_error_message(err));
	MIG_ASSERT_UINT_EQ(snapshot->gpus[0].gi_count, 2);
	for (unsigned int i = 0; i < 2; i++) {
		MIG_ASSERT_UINT_EQ(snapshot->gpus[0].gi[i].size,
				   snapshot->gpus[0].gi[i].start == 0 ? 2 : 4);
		MIG_ASSERT_UINT_EQ(snapshot->gpus[0].gi[i].ci_count, 1);
	}
	mig_snapshot_free(snapshot);
	fake_free(fake);
}
