/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instances beside those that are there: where new ones can lie when nothing else moves.
 *
 * The whole request is seen at once, so what fits in some order fits. Without a GPU of its own the
 * request goes to the lowest GPU that takes all of it; where none does, it is spread, each device to
 * the lowest GPU it can have in a way that all find a place. Made into a target in which everything,
 * old and new, has its place. Must not know where the request came from.
 */
#pragma once

#include "core/target.h"

/* One of the things that are asked for; of a GPU instance or, in a given one, a compute instance. */
struct mig_addition {
	const char *word; /* as it was written, for messages; not owned */
	bool has_id;	  /* the driver's profile id, else a name */
	unsigned int id;
	char profile
		[MIG_PROFILE_NAME_SIZE]; /* "3g.20gb", "1c.3g.20gb"; in a GPU instance also "1c" */
	unsigned int start;		 /* MIG_START_ANY: wherever it fits */
	unsigned int count;		 /* 1 with a start */
};

struct mig_additions {
	const struct mig_addition *items;
	unsigned int count;
	bool has_ci; /* each GPU instance with a compute instance that fills it; else with none */
};

/*
 * Makes the target for GPU instances. `position`: of the GPU in the snapshot; -1: any in MIG mode.
 * Returns 0, or -1 with *err: REFUSED for what no GPU has, what does not fit, and a GPU without MIG
 * mode or with a change of it pending.
 */
int mig_adding_gi(const struct mig_snapshot *snapshot, const struct mig_additions *additions,
		  int position, struct mig_target **out, struct mig_error **err) MIG_MUST_CHECK;

/*
 * The same for compute instances in GPU instance `gi` (position in gpu->gi[]) of the GPU at
 * `position`. No items: the one that fills it.
 */
int mig_adding_ci(const struct mig_snapshot *snapshot, const struct mig_additions *additions,
		  unsigned int position, unsigned int gi, struct mig_target **out,
		  struct mig_error **err) MIG_MUST_CHECK;

/* An error (REFUSED) unless instances can be made on this GPU: MIG mode is on and stays. */
int mig_adding_check_mode(const struct mig_gpu *gpu, struct mig_error **err);
