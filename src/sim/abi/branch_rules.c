/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each driver branch changed; see branch.h. A row holds from its branch up to the next one's.
 *
 * Sources: the profile counts and structure versions that nvidia-smi 470, 535 and 550 ask for, and
 * the list of changes in NVIDIA's reference of the NVML API, which says with which branch the
 * third version of the profile structures (545), queries without MIG mode (550) and the full total of
 * memory (510) came. That 580 knows all 18 profile indexes of API 13 is inferred from its header.
 */
#include "nvml/nvml_abi.h"
#include "shared/macros.h"
#include "sim/abi/branch.h"
#include "sim/engine/state.h"

static const struct mig_abi_branch_rules rules[] = {
	{
		.from_branch = MIG_SIM_BRANCH_470,
		.gi_profile_count = 8,
		.ci_profile_count = 7,
		.hides_reserved_memory = true,
	},
	{
		.from_branch = MIG_SIM_BRANCH_535,
		.gi_profile_count = 10,
		.ci_profile_count = 8,
		.profile_info_version = 2,
		.knows_version_before_init = true,
	},
	{
		.from_branch = MIG_SIM_BRANCH_550,
		.gi_profile_count = 10,
		.ci_profile_count = 8,
		.profile_info_version = 3,
		.answers_with_mig_off = true,
		.knows_version_before_init = true,
	},
	{
		.from_branch = MIG_SIM_BRANCH_580,
		.gi_profile_count = NVML_GPU_INSTANCE_PROFILE_COUNT,
		.ci_profile_count = NVML_COMPUTE_INSTANCE_PROFILE_COUNT,
		.profile_info_version = 3,
		.answers_with_mig_off = true,
		.knows_version_before_init = true,
	},
};

const struct mig_abi_branch_rules *mig_abi_rules(void)
{
	unsigned int row = 0;

	while (row + 1 < MIG_ARRAY_SIZE(rules) &&
	       rules[row + 1].from_branch <= mig_abi_branch.number)
		row++;
	return &rules[row];
}
