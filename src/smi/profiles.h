/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profiles and instances as `mig` needs them, each read once per GPU. Profile indices are those
 * that nvidia-smi 550 knows. Where the driver gives no names (470) they are made of slices and
 * memory, as nvidia-smi 470 does.
 */
#pragma once

#include <stddef.h>

#include "smi/smi.h"

#define MIG_SMI_GI_PROFILES    10
#define MIG_SMI_CI_PROFILES    8
#define MIG_SMI_PLACEMENTS_MAX 64
#define MIG_SMI_PROFILE_PREFIX "MIG "

/* What an index of profiles gave: NOT_ASKED until it has been asked. */
enum { MIG_SMI_NOT_ASKED = -1 };

struct mig_smi_gi_profile {
	int code; /* nvmlReturn_t, or MIG_SMI_NOT_ASKED */
	nvmlGpuInstanceProfileInfo_v2_t info;
};

struct mig_smi_ci_profile {
	int code;
	nvmlComputeInstanceProfileInfo_v2_t info;
};

/* A GPU with MIG, as `mig` works on it. */
struct mig_smi_mig_gpu {
	nvmlDevice_t device;
	int index_code;
	unsigned int index;
	struct mig_smi_gi_profile profiles[MIG_SMI_GI_PROFILES];
};

struct mig_smi_gi {
	struct mig_smi_mig_gpu *gpu;
	nvmlGpuInstance_t handle;
	nvmlGpuInstanceInfo_t info;
	const nvmlGpuInstanceProfileInfo_v2_t *profile;
	struct mig_smi_ci_profile ci_profiles[MIG_SMI_CI_PROFILES];
};

struct mig_smi_gi_list {
	struct mig_smi_gi *rows;
	size_t count;
	size_t allocated;
};

struct mig_smi_ci {
	struct mig_smi_gi *gi;
	nvmlComputeInstance_t handle;
	nvmlComputeInstanceInfo_t info;
	const nvmlComputeInstanceProfileInfo_v2_t *profile;
};

struct mig_smi_ci_list {
	struct mig_smi_ci *rows;
	size_t count;
	size_t allocated;
};

/* Ids of -gi or -ci; none: `is_given` is false. */
struct mig_smi_ids {
	bool is_given;
	unsigned int *ids;
	size_t count;
};

/* The index of a GPU. */
nvmlReturn_t mig_smi_gpu_index(const struct mig_smi *smi, struct mig_smi_mig_gpu *gpu);

/* The profile of one index; NOT_SUPPORTED: there is none. */
nvmlReturn_t mig_smi_gi_profile_at(const struct mig_smi *smi, struct mig_smi_mig_gpu *gpu,
				   unsigned int index);
nvmlReturn_t mig_smi_ci_profile_at(const struct mig_smi *smi, struct mig_smi_gi *gi,
				   unsigned int index);

/* All of a GPU instance's; NOT_SUPPORTED when there is none. *largest is the one with the most
 * slices, the default. */
nvmlReturn_t mig_smi_ci_profiles(const struct mig_smi *smi, struct mig_smi_gi *gi,
				 unsigned int *largest);

/* Adds the GPU instances of a GPU in the order of profile indices. */
nvmlReturn_t mig_smi_gis_of(const struct mig_smi *smi, struct mig_smi_mig_gpu *gpu,
			    struct mig_smi_gi_list *list);
void mig_smi_gi_list_clear(struct mig_smi_gi_list *list);

/* Adds the compute instances of a GPU instance. */
nvmlReturn_t mig_smi_cis_of(const struct mig_smi *smi, struct mig_smi_gi *gi,
			    struct mig_smi_ci_list *list);
void mig_smi_ci_list_clear(struct mig_smi_ci_list *list);

/* Whether an id is wanted. */
bool mig_smi_ids_have(const struct mig_smi_ids *ids, unsigned int id);
