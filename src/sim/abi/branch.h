/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver branch that this library was linked for, and what NVML answers differently on it.
 *
 * mig_abi_branch is the one thing that differs between the branches' object sets (branch.c). The
 * rules are one table for all branches (branch_rules.c); docs/driver-branches.md says where each
 * comes from, and a test compares the page with what the libraries answer. nvmlInit refuses a node
 * of another branch, so library and node always agree.
 */
#pragma once

#include <stdbool.h>

struct mig_abi_branch {
	unsigned int number;	  /* 550 */
	const char *nvml_version; /* "12.550.163.01" */
};

extern const struct mig_abi_branch mig_abi_branch;

/* What changed between the branches, apart from the exported names and the texts of errors. */
struct mig_abi_branch_rules {
	unsigned int from_branch;
	/* NVML_GPU_INSTANCE_PROFILE_COUNT and NVML_COMPUTE_INSTANCE_PROFILE_COUNT of its header:
	 * what has a higher index is neither listed nor made. */
	unsigned int gi_profile_count;
	unsigned int ci_profile_count;
	/* The newest version of the structures of the …ProfileInfoV functions, from 2 on. */
	unsigned int profile_info_version;
	/* Profiles and placements are there while MIG mode is off. */
	bool answers_with_mig_off;
	/* nvmlSystemGetNVMLVersion answers before nvmlInit. */
	bool knows_version_before_init;
	/* nvmlDeviceGetMemoryInfo leaves what the driver reserves out of the total. */
	bool hides_reserved_memory;
};

/* The rules of this library's branch; never NULL. */
const struct mig_abi_branch_rules *mig_abi_rules(void);
