/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers and names of MIG devices, UUIDs, and the BAR1 share. The UUIDs that are typed in come
 * from another SHA-1 (Python's hashlib) over messages laid out as data/mig.json says.
 */
#include "shared/sha1.h"
#include "tests/unit/test_engine.h"

static void check_device(const struct engine_gpu *e, unsigned int index, unsigned int want_gi,
			 unsigned int want_ci)
{
	unsigned int gi_id = 999, ci_id = 999;

	MIG_ASSERT(mig_sim_device_at(&e->state, index, &gi_id, &ci_id));
	MIG_ASSERT_UINT_EQ(gi_id, want_gi);
	MIG_ASSERT_UINT_EQ(ci_id, want_ci);
	MIG_ASSERT_INT_EQ(mig_sim_device_index(&e->state, gi_id, ci_id), index);
}

/* By GI id, then CI id, without gaps, and renumbered on a change. */
MIG_TEST(devices_are_numbered_without_gaps)
{
	unsigned int gi_id = 999, ci_id = 999;
	struct engine_gpu e;

	engine_gpu_init(&e, "a100-sxm4-40gb");
	MIG_ASSERT_UINT_EQ(mig_sim_device_count(&e.state), 0);
	MIG_ASSERT(!mig_sim_device_at(&e.state, 0, &gi_id, &ci_id));
	MIG_ASSERT_UINT_EQ(gi_id, 999);
	MIG_ASSERT_UINT_EQ(ci_id, 999);
	engine_make_ci(&e, engine_make_gi(&e, 19, 0, 1), 0); /* GI 7 */
	MIG_ASSERT_UINT_EQ(engine_make_gi(&e, 14, 2, 2), 4); /* no compute instance: no device */
	check_device(&e, 0, 7, 0);
	engine_make_gi(&e, 9, 4, 4); /* GI 2 */
	engine_make_ci(&e, 2, 0);
	engine_make_ci(&e, 2, 0);
	engine_make_ci(&e, 2, 0);
	MIG_ASSERT_UINT_EQ(mig_sim_device_count(&e.state), 4);
	check_device(&e, 0, 2, 0);
	check_device(&e, 2, 2, 2);
	check_device(&e, 3, 7, 0);
	MIG_ASSERT_INT_EQ(mig_sim_ci_destroy(&e.gpu, &e.state, 2, 1), NVML_SUCCESS);
	MIG_ASSERT_UINT_EQ(mig_sim_device_count(&e.state), 3);
	check_device(&e, 1, 2, 2);
	check_device(&e, 2, 7, 0);
	MIG_ASSERT(!mig_sim_device_at(&e.state, 3, &gi_id, &ci_id));
	MIG_ASSERT(!mig_sim_device_at(&e.state, UINT32_MAX, &gi_id, &ci_id));
	MIG_ASSERT_INT_EQ(mig_sim_device_index(&e.state, 2, 1), -1);
	MIG_ASSERT_INT_EQ(mig_sim_device_index(&e.state, 4, 0), -1);
	MIG_ASSERT_INT_EQ(mig_sim_device_index(&e.state, 15, 0), -1);
	MIG_ASSERT_INT_EQ(mig_sim_device_index(&e.state, 2, 8), -1);
}

MIG_TEST(boot_ids)
{
	char boot_id[MIG_SIM_BOOT_ID_SIZE];

	mig_sim_boot_id("demo", 0, boot_id);
	MIG_ASSERT_STR_EQ(boot_id, "6facdda0-6956-5a67-85be-9b816d8ffe25");
	mig_sim_boot_id("demo", 1, boot_id);
	MIG_ASSERT_STR_EQ(boot_id, "35d1e12e-dd4a-53b5-a6dc-c7bd1bb044d8");
	mig_sim_boot_id("other", 1, boot_id);
	MIG_ASSERT_STR_EQ(boot_id, "6f6444db-7504-5115-9986-a5c8700c10d6");
}

MIG_TEST(gpu_uuids)
{
	char uuid[MIG_SIM_UUID_SIZE], other[MIG_SIM_UUID_SIZE];

	mig_sim_gpu_uuid("demo", 0, uuid);
	MIG_ASSERT_STR_EQ(uuid, "GPU-749b1516-4d1b-514e-8cb9-f4e3344b3935");
	MIG_ASSERT(mig_sim_gpu_pdi(uuid) == UINT64_C(0xc15736255e38e3a3));
	mig_sim_gpu_uuid("demo", 7, other);
	MIG_ASSERT_STR_EQ(other, "GPU-e1bcb81f-6fce-57b3-9729-04a0efdd7555");
	MIG_ASSERT(mig_sim_gpu_pdi(other) != mig_sim_gpu_pdi(uuid));
	mig_sim_gpu_uuid("demp", 0, other);
	MIG_ASSERT(strcmp(uuid, other) != 0);
}

static void mig_uuid(const struct engine_gpu *e, unsigned int gi_id, unsigned int ci_id,
		     char uuid[MIG_SIM_UUID_SIZE])
{
	memset(uuid, 0xee, MIG_SIM_UUID_SIZE);
	mig_sim_mig_uuid(&e->gpu, &e->state, gi_id, ci_id, uuid);
}

/* The message byte by byte: 16 + 10 + 1 + 2 + 1 + 8 + 1 + 3 + 4 + 4 = 50. */
MIG_TEST(mig_uuid_is_sha1_of_the_50_byte_message)
{
	static const uint8_t message[] = {
		0xc8, 0x16, 0xc9, 0xa3, 0x52, 0x24, 0x56, 0xbf, 0x9d, 0x9a, 0xac, 0x7e, 0xa7,
		0x03, 0xfb, 0x5b, 'N',	'V',  'I',  'D',  'I',	'A',  ' ',  'G',  'P',	'U',
		0x02, 0x70, 0x01, 0x08, 0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01, 0x0b,
		'S',  'M',  'C',  11,	0,    0,    0,	  4,	0,    0,    0,
	};
	struct mig_gpu_table model = *mig_gpu_table_find("a100-sxm4-40gb");
	uint8_t digest[MIG_SHA1_SIZE];
	char want[MIG_SIM_UUID_SIZE] = "MIG-", uuid[MIG_SIM_UUID_SIZE];
	struct engine_gpu e;

	_Static_assert(sizeof(message) == 50, "the message is 50 bytes");
	engine_gpu_init(&e, "a100-sxm4-40gb");
	model.chip_id = 0x170;
	e.gpu.model = &model;
	engine_make_ci(&e, engine_make_gi(&e, 19, 4, 1), 0); /* GI 11 */
	mig_uuid(&e, 11, 0, uuid);
	mig_sha1(message, sizeof(message), digest);
	mig_uuid5_text(digest, want + 4);
	MIG_ASSERT_STR_EQ(uuid, want);
	MIG_ASSERT_STR_EQ(uuid, "MIG-756d3eb0-0a99-5a24-9bb6-8789179ae10a");
	MIG_ASSERT_INT_EQ(uuid[18], '5'); /* the version nibble */
	/* The third compute instance of a 3g at 4:4: GI 2, graphics engine 6. */
	engine_gpu_init(&e, "a100-sxm4-40gb");
	e.gpu.model = &model;
	engine_make_gi(&e, 9, 4, 4);
	for (unsigned int i = 0; i < 3; i++)
		engine_make_ci(&e, 2, 0);
	mig_uuid(&e, 2, 2, uuid);
	MIG_ASSERT_STR_EQ(uuid, "MIG-3085ade6-5111-59f6-8459-28e2df23540c");
}

/* Captured on H100: GI 11 keeps its UUID when made again, also as 1g+me. */
MIG_TEST(mig_uuid_belongs_to_the_place)
{
	char first[MIG_SIM_UUID_SIZE], again[MIG_SIM_UUID_SIZE];
	struct engine_gpu e;

	engine_gpu_init(&e, "h100-sxm5-80gb");
	engine_make_ci(&e, engine_make_gi(&e, 19, 4, 1), 0);
	mig_uuid(&e, 11, 0, first);
	for (unsigned int profile_id = 19; profile_id <= 20; profile_id++) {
		MIG_ASSERT_INT_EQ(mig_sim_ci_destroy(&e.gpu, &e.state, 11, 0), NVML_SUCCESS);
		MIG_ASSERT_INT_EQ(mig_sim_gi_destroy(&e.gpu, &e.state, 11), NVML_SUCCESS);
		MIG_ASSERT_UINT_EQ(engine_make_gi(&e, profile_id, 4, 1), 11);
		engine_make_ci(&e, 11, 0);
		mig_uuid(&e, 11, 0, again);
		MIG_ASSERT_STR_EQ(again, first);
	}
}

/* The id of a compute instance is history; its start decides. */
MIG_TEST(mig_uuid_follows_the_start_and_not_the_id)
{
	char before[MIG_SIM_UUID_SIZE], after[MIG_SIM_UUID_SIZE];
	struct engine_gpu e;
	unsigned int ci_id;

	engine_gpu_init(&e, "a100-sxm4-40gb");
	engine_make_gi(&e, 9, 4, 4);
	engine_make_ci(&e, 2, 0);
	engine_make_ci(&e, 2, 0);
	mig_uuid(&e, 2, 1, before);
	MIG_ASSERT_INT_EQ(mig_sim_ci_destroy(&e.gpu, &e.state, 2, 0), NVML_SUCCESS);
	MIG_ASSERT_INT_EQ(mig_sim_ci_destroy(&e.gpu, &e.state, 2, 1), NVML_SUCCESS);
	MIG_ASSERT_INT_EQ(mig_sim_ci_create(&e.gpu, &e.state, 2, 0, 1, 1, &ci_id), NVML_SUCCESS);
	MIG_ASSERT_UINT_EQ(ci_id, 0);
	mig_uuid(&e, 2, 0, after);
	MIG_ASSERT_STR_EQ(after, before);
}

/* Every place on every usable model and layout, on two GPUs: no UUID is like another. */
MIG_TEST(mig_uuids_differ)
{
	enum { MAX = 4096 };
	static char uuids[MAX][MIG_SIM_UUID_SIZE];

	for (unsigned int i = 0; i < mig_gpu_table_count; i++) {
		const struct mig_gpu_table *model = &mig_gpu_tables[i];
		unsigned int count = 0;

		if (!model->is_usable || !model->is_mig_capable)
			continue;
		for (unsigned int pdi = 1; pdi <= 2; pdi++) {
			for (unsigned int id = 0; id < MIG_SIM_GIS_MAX; id++) {
				for (unsigned int start = 0; start < 7; start++) {
					struct engine_gpu e;
					uint8_t parts = id ? id > 2 ? id > 6 ? 8 : 4 : 2 : 1;

					if (model->memory_slices % parts)
						continue;
					engine_gpu_init(&e, model->key);
					e.desc.pdi = pdi;
					e.state.gi[id].size = model->memory_slices / parts;
					e.state.gi[id].ci[0].start = (uint8_t)start;
					mig_uuid(&e, id, 0, uuids[count++]);
				}
			}
		}
		for (unsigned int a = 0; a < count; a++) {
			for (unsigned int b = a + 1; b < count; b++)
				MIG_ASSERT_MSG(strcmp(uuids[a], uuids[b]) != 0,
					       "%s: places %u and %u have one UUID", model->key, a,
					       b);
		}
	}
}

static uint64_t bar1(const struct mig_gpu_table *model, unsigned int branch, unsigned int size)
{
	struct mig_sim_gi gi = {.in_use = 1, .size = (uint8_t)size};
	struct engine_gpu e;

	engine_gpu_init(&e, "h100-sxm5-80gb");
	e.node.branch = branch;
	e.gpu.model = model;
	return mig_sim_gi_bar1_mib(&e.gpu, &gi);
}

MIG_TEST(bar1_share)
{
	struct mig_gpu_table model = *mig_gpu_table_find("h100-sxm5-80gb");

	MIG_ASSERT_UINT_EQ(model.bar1_total_mib, 131072);
	MIG_ASSERT_UINT_EQ(model.memory_total_mib, 81559);
	MIG_ASSERT_UINT_EQ(bar1(&model, 535, 1), 16383);
	MIG_ASSERT_UINT_EQ(bar1(&model, 550, 4), 65535);
	MIG_ASSERT_UINT_EQ(bar1(&model, 580, 1), 6189);
	MIG_ASSERT_UINT_EQ(bar1(&model, 580, 4), 24756);
	model.bar1_total_mib = 32768; /* less than the memory: the older rule */
	MIG_ASSERT_UINT_EQ(bar1(&model, 580, 1), 4095);
	model.bar1_total_mib = 0;
	MIG_ASSERT_UINT_EQ(bar1(&model, 550, 1), 0);
	model.bar1_total_mib = MIG_TABLE_UNKNOWN;
	MIG_ASSERT_UINT_EQ(bar1(&model, 550, 1), 0);
}
