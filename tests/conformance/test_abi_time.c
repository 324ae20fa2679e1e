/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations of the library that cost time, on a clock of the test's own: what each of them waits
 * for, what costs nothing, and that nothing is locked while one waits. No time passes here.
 */
#include <errno.h>

#include "nvml/symbols.h"
#include "sim/abi/time.h"
#include "tests/conformance/node_fixture.h"

#define MS UINT64_C(1000000)

static uint64_t now_ms;		/* the test's clock */
static unsigned int sleeps;	/* how often somebody waited */
static void (*meanwhile)(void); /* what others do while somebody waits */

static uint64_t test_now(void)
{
	return now_ms * MS;
}

static void test_sleep(uint64_t end_ns)
{
	void (*others)(void) = meanwhile;

	sleeps++;
	meanwhile = NULL;
	if (others)
		others();
	if (end_ns > now_ms * MS)
		now_ms = end_ns / MS;
	errno = EINTR;
}

static nvmlDevice_t gpus[2];

static void start(const struct make_node_options *options)
{
	mig_abi_clock = (struct mig_abi_clock){.now_ns = test_now, .sleep_until_ns = test_sleep};
	now_ms = 1000;
	sleeps = 0;
	fixture_start("2xa100-sxm4-40gb", options);
	for (unsigned int i = 0; i < 2; i++)
		gpus[i] = fixture_gpu(i);
}

static const struct make_node_options realistic = {.timing_ms = {150, 100, 2000, 5000}};

MIG_TEST(each_operation_costs_its_time)
{
	nvmlGpuInstance_t gi;
	nvmlComputeInstance_t ci;

	start(&realistic);
	fixture_mig_on(gpus[0]);
	MIG_ASSERT_UINT_EQ(now_ms, 3000);
	gi = fixture_gi(gpus[0], 19, 0, 1);
	MIG_ASSERT_UINT_EQ(now_ms, 3150);
	ci = fixture_ci(gi, 0);
	MIG_ASSERT_UINT_EQ(now_ms, 3300);
	errno = 1234;
	ASSERT_OK(nvmlComputeInstanceDestroy(ci));
	MIG_ASSERT_UINT_EQ(now_ms, 3400);
	ASSERT_OK(nvmlGpuInstanceDestroy(gi));
	MIG_ASSERT_UINT_EQ(now_ms, 3500);
	MIG_ASSERT_UINT_EQ(sleeps, 5);
}

MIG_TEST(without_timing_nobody_waits)
{
	start(NULL);
	fixture_mig_on(gpus[0]);
	ASSERT_OK(nvmlComputeInstanceDestroy(fixture_ci(fixture_gi(gpus[0], 19, 0, 1), 0)));
	MIG_ASSERT_UINT_EQ(sleeps, 0);
	MIG_ASSERT_UINT_EQ(now_ms, 1000);
}

MIG_TEST(what_is_refused_or_changes_nothing_costs_nothing)
{
	nvmlGpuInstancePlacement_t placement = {.start = 0, .size = 1};
	nvmlReturn_t activation;
	nvmlGpuInstance_t gi;

	start(&realistic);
	fixture_mig_on(gpus[0]);
	gi = fixture_gi(gpus[0], 19, 0, 1);
	fixture_ci(gi, 0);
	sleeps = 0;
	ASSERT_CODE(nvmlGpuInstanceDestroy(gi), NVML_ERROR_IN_USE);
	ASSERT_CODE(nvmlDeviceSetMigMode(gpus[0], 0, &activation), NVML_ERROR_IN_USE);
	ASSERT_OK(nvmlDeviceSetMigMode(gpus[0], 1, &activation)); /* it is on */
	ASSERT_CODE(nvmlDeviceCreateGpuInstanceWithPlacement(gpus[0], 19, &placement, &gi),
		    NVML_ERROR_INSUFFICIENT_RESOURCES);
	ASSERT_CODE(nvmlDeviceCreateGpuInstance(gpus[0], 999, &gi), NVML_ERROR_INVALID_ARGUMENT);
	MIG_ASSERT_UINT_EQ(sleeps, 0);
}

static void create_on_second_gpu(void)
{
	fixture_gi(gpus[1], 19, 0, 1);
}

static void create_on_first_gpu(void)
{
	fixture_gi(gpus[0], 19, 1, 1);
}

/* The waiter holds nothing: others work while it waits, in this very thread. */
static uint64_t two_creations(const struct make_node_options *options, void (*other)(void))
{
	uint64_t begin;

	start(options);
	fixture_mig_on(gpus[0]);
	fixture_mig_on(gpus[1]);
	begin = now_ms;
	meanwhile = other;
	fixture_gi(gpus[0], 19, 0, 1);
	MIG_ASSERT_UINT_EQ(sleeps, 4);
	return now_ms - begin;
}

MIG_TEST(two_gpus_work_at_the_same_time)
{
	MIG_ASSERT_UINT_EQ(two_creations(&realistic, create_on_second_gpu), 150);
}

MIG_TEST(one_gpu_works_one_after_the_other)
{
	MIG_ASSERT_UINT_EQ(two_creations(&realistic, create_on_first_gpu), 300);
}

MIG_TEST(a_serial_node_works_one_after_the_other)
{
	struct make_node_options options = realistic;

	options.is_serial = 1;
	MIG_ASSERT_UINT_EQ(two_creations(&options, create_on_second_gpu), 300);
}

/* Both wanted the place when nobody had it; the other one waited less, which cannot be on a real
 * clock but shows that the state is looked at again. */
static void take_the_place(void)
{
	uint64_t saved_ms = now_ms;

	fixture_gi(gpus[0], 19, 0, 1);
	now_ms = saved_ms;
}

MIG_TEST(what_became_impossible_meanwhile_fails)
{
	nvmlGpuInstancePlacement_t placement = {.start = 0, .size = 1};
	nvmlGpuInstance_t gi = NULL;

	start(&realistic);
	fixture_mig_on(gpus[0]);
	meanwhile = take_the_place;
	ASSERT_CODE(nvmlDeviceCreateGpuInstanceWithPlacement(gpus[0], 19, &placement, &gi),
		    NVML_ERROR_INSUFFICIENT_RESOURCES);
	MIG_ASSERT(!gi);
}
