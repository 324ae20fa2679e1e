/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver branch that this library was linked for: what it says before it has seen a node.
 * The one thing that differs between the branches' object sets (branch.c); after nvmlInit the
 * node's description counts.
 */
#pragma once

struct mig_abi_branch {
	unsigned int number;	  /* 550 */
	const char *nvml_version; /* "12.550.163.01" */
};

extern const struct mig_abi_branch mig_abi_branch;
