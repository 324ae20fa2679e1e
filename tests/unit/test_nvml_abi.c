/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The NVML declarations: what the compiler's own assertions in nvml_abi.h do not say, and that the
 * symbol table agrees with the lists of exported names. The layouts are compared with the vendor's
 * header in tests/interop/nvml-header.
 */
#include <string.h>

#include "nvml/symbols.h"
#include "shared/buf.h"
#include "shared/file.h"
#include "tests/harness/test.h"

#define LIST_MAX (64 * 1024)

static const unsigned int branches[] = {470, 535, 550, 580};
static struct mig_buf lists[MIG_ARRAY_SIZE(branches)];

static void read_lists(void)
{
	for (size_t i = 0; i < MIG_ARRAY_SIZE(branches); i++) {
		struct mig_error *err = NULL;
		_cleanup_free_ char *path = mig_asprintf("%s/data/nvml/symbols/%u.txt",
							 mig_test_source_root(), branches[i]);

		/* a newline in front, so that every name has one on both sides */
		lists[i] = MIG_BUF_INIT(LIST_MAX);
		mig_buf_putc(&lists[i], '\n');
		if (mig_file_read(path, &lists[i], &err) < 0)
			MIG_FAIL("%s", mig_error_message(err));
	}
}

static bool is_exported(const char *name, size_t list)
{
	_cleanup_free_ char *line = mig_asprintf("\n%s\n", name);

	return strstr(mig_buf_text(&lists[list]), line) != NULL;
}

/* Exported from `branch` on and not before; where it is not, the older name is. */
static void check_row(const char *name, unsigned int branch, const char *older)
{
	for (size_t i = 0; i < MIG_ARRAY_SIZE(branches); i++) {
		bool wanted = branches[i] >= branch;

		MIG_ASSERT_MSG(is_exported(name, i) == wanted, "%s: wrong branch, see %u.txt", name,
			       branches[i]);
		if (older != NULL && !wanted)
			MIG_ASSERT_MSG(is_exported(older, i), "%s is not in %u.txt", older,
				       branches[i]);
	}
}

MIG_TEST(rows_name_the_first_branch_that_exports_them)
{
	read_lists();
#define CALL(name, need, branch, effect, older, params, args) check_row(#name, branch, older);
#define PLAIN(name, need, branch, effect)		      check_row(#name, branch, NULL);
#define TEXT(name, need, branch, effect, params, args)	      check_row(#name, branch, NULL);
	MIG_NVML_SYMBOLS(CALL, PLAIN, TEXT)
#undef CALL
#undef PLAIN
#undef TEXT
}

#define REQUIRED true
#define OPTIONAL false
MIG_TEST(required_functions_are_in_every_branch)
{
	read_lists();
#define ROW(name, need, branch, ...) \
	MIG_ASSERT_MSG(!(need) || (branch) == 470, "%s is required but new", #name);
	MIG_NVML_SYMBOLS(ROW, ROW, ROW)
#undef ROW
}

MIG_TEST(simulator_entry_points_are_exported_by_some_branch)
{
	read_lists();
#define ROW(name, params) \
	MIG_ASSERT_MSG(is_exported(#name, 3) || is_exported(#name, 2), "%s is in no list", #name);
	MIG_NVML_SIM_SYMBOLS(ROW)
#undef ROW
}

/* As nvidia-smi 535 and 550 were seen to ask. */
MIG_TEST(version_words_are_those_that_clients_send)
{
	MIG_ASSERT_UINT_EQ(MIG_NVML_STRUCT_VERSION(nvmlPciInfoExt_v1_t, 1), 0x1000040);
	MIG_ASSERT_UINT_EQ(MIG_NVML_STRUCT_VERSION(nvmlMemory_v2_t, 2), 0x2000028);
	MIG_ASSERT_UINT_EQ(MIG_NVML_STRUCT_VERSION(nvmlGpuInstanceProfileInfo_v2_t, 2), 0x2000098);
	MIG_ASSERT_UINT_EQ(MIG_NVML_STRUCT_VERSION(nvmlComputeInstanceProfileInfo_v2_t, 2),
			   0x2000088);
}

/* Version 2 and 3 of the GPU instance profile are equally large and laid out differently: only the
 * top byte of the version word tells them apart. */
MIG_TEST(profile_versions_of_one_size_differ_in_the_version_word)
{
	MIG_ASSERT_UINT_EQ(sizeof(nvmlGpuInstanceProfileInfo_v2_t),
			   sizeof(nvmlGpuInstanceProfileInfo_v3_t));
	MIG_ASSERT(MIG_NVML_STRUCT_VERSION(nvmlGpuInstanceProfileInfo_v2_t, 2) !=
		   MIG_NVML_STRUCT_VERSION(nvmlGpuInstanceProfileInfo_v3_t, 3));
	MIG_ASSERT(offsetof(nvmlGpuInstanceProfileInfo_v2_t, sliceCount) !=
		   offsetof(nvmlGpuInstanceProfileInfo_v3_t, sliceCount));
}

/* An older structure is the beginning of the newer one: a client that was compiled for the old one
 * must not be written past its end. */
MIG_TEST(older_structures_are_prefixes)
{
	MIG_ASSERT_UINT_EQ(sizeof(nvmlComputeInstanceInfo_v1_t),
			   offsetof(nvmlComputeInstanceInfo_t, placement));
	MIG_ASSERT_UINT_EQ(sizeof(nvmlDeviceAttributes_v1_t),
			   offsetof(nvmlDeviceAttributes_t, gpuInstanceSliceCount));
	MIG_ASSERT_UINT_EQ(sizeof(nvmlProcessInfo_v1_t),
			   offsetof(nvmlProcessInfo_v2_t, gpuInstanceId));
	MIG_ASSERT_UINT_EQ(sizeof(nvmlPciInfo_v1_t), offsetof(nvmlPciInfo_v2_t, pciSubSystemId));
	MIG_ASSERT(sizeof(nvmlPciInfo_v2_t) < sizeof(nvmlPciInfo_t));
}
