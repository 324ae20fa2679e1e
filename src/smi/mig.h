/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The actions of `mig`. Each gets the GPUs it works on, prints, and returns the exit status.
 */
#pragma once

#include "smi/profiles.h"

struct mig_smi_mig {
	struct mig_smi *smi;
	struct mig_smi_mig_gpu
		*gpus; /* with MIG mode on; for profiles and placements all with MIG */
	unsigned int gpu_count;
	bool wants_default_ci; /* -C */
};

/* smi/mig_profiles.c */
int mig_smi_list_gi_profiles(struct mig_smi_mig *mig);
int mig_smi_list_gi_placements(struct mig_smi_mig *mig);
int mig_smi_list_ci_profiles(struct mig_smi_mig *mig, struct mig_smi_gi_list *gis);
int mig_smi_list_ci_placements(struct mig_smi_mig *mig, struct mig_smi_gi_list *gis);

/* smi/mig_list.c */
int mig_smi_list_gis(struct mig_smi_mig *mig);
int mig_smi_list_cis(struct mig_smi_mig *mig, struct mig_smi_gi_list *gis);

/* smi/mig_create.c; the lists are written to */
int mig_smi_create_gis(struct mig_smi_mig *mig, const char *profiles);
int mig_smi_create_cis(struct mig_smi_mig *mig, struct mig_smi_gi_list *gis, const char *profiles);

/* smi/mig_destroy.c */
int mig_smi_destroy_gis(struct mig_smi_mig *mig, struct mig_smi_gi_list *gis);
int mig_smi_destroy_cis(struct mig_smi_mig *mig, struct mig_smi_ci_list *cis);
