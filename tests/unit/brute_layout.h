/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All layouts of a GPU, one by one: what the layout search of core is measured against.
 *
 * Slow and plain on purpose: every set of GPU instances with every set of compute instances in each
 * is written down, and of those that hold exactly the wanted devices the least harmful is looked
 * for. Works on the profile tables of the fake driver. Must not use core's placement code.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/model.h"
#include "core/target.h"
#include "tests/unit/fake_driver.h"

#define BRUTE_SLOTS 32 /* (profile, start) pairs of a GPU */
#define BRUTE_GI    8  /* GPU instances at the same time */

/* One GPU instance: its slot, and which of the profile's CI slots are taken, as bits. */
struct brute_gi {
	uint8_t slot;
	uint16_t ci;
};

struct brute_state {
	unsigned int gi_count;
	struct brute_gi gi[BRUTE_GI]; /* by slot */
	uint64_t devices;	      /* four bits for each kind of device: how many */
	bool has_empty;		      /* a GPU instance without compute instances */
	unsigned int room;	      /* slots that could still be taken */
};

struct brute {
	const struct fake_gi_profile *profiles;
	unsigned int profile_count;
	unsigned int slices;
	unsigned int slot_count;
	struct {
		unsigned int row, start;
	} slots[BRUTE_SLOTS]; /* most wanted by the tie rule last */
	unsigned int state_count, states_allocated;
	struct brute_state *states;
};

/* What a layout costs, in the order in which it counts. */
struct brute_cost {
	unsigned int held_destroyed, gi_destroyed, ci_destroyed, gi_count, room;
};

/* Enumerates. whole_only: each GPU instance holds one compute instance that fills it. */
void brute_init(struct brute *brute, const struct fake_gi_profile *profiles,
		unsigned int profile_count, bool whole_only);
void brute_clear(struct brute *brute);

/* Which of the devices in `now` are held, by brute_gi and CI slot. */
struct brute_held {
	uint16_t ci[BRUTE_GI];
};

/* GPU instances that must be in the layout as they are, also without compute instances. */
struct brute_placed {
	unsigned int count;
	struct brute_gi gi[BRUTE_GI];
};

/*
 * The least harmful state with exactly these devices, starting from `now`. NULL: there is none.
 * Of equal ones the tie rule's (valid where whole_only). `placed`: those of the devices that have
 * their place, or NULL.
 */
const struct brute_state *brute_best(const struct brute *brute, const struct brute_state *now,
				     const struct brute_held *held, uint64_t devices,
				     const struct brute_placed *placed, struct brute_cost *cost);

/* The same things as core has them; `gpu` has its facts, and its arrays are overwritten. */
void brute_to_gpu(const struct brute *brute, const struct brute_state *now,
		  const struct brute_held *held, struct mig_gpu *gpu);
void brute_to_target(const struct brute *brute, uint64_t devices, struct mig_gpu_target *target);

/* Runs core's search on one case and ends the test unless it is right in every respect. */
void brute_compare(const struct brute *brute, struct mig_gpu *gpu, const struct brute_state *now,
		   const struct brute_held *held, uint64_t devices, bool whole_only);

/* The same with those GPU instances of `then` placed whose bits are set, the rest of it as devices. */
void brute_compare_placed(const struct brute *brute, struct mig_gpu *gpu,
			  const struct brute_state *now, const struct brute_held *held,
			  const struct brute_state *then, unsigned int placed_bits);

/* brute_compare_placed for every `step`-th pair of states, each with seeded random holders and
 * placed GPU instances. */
void brute_compare_all_placed(const struct fake_gi_profile *profiles, unsigned int count,
			      bool whole_only, unsigned int step);

/* The distinct sets of devices of all states without empty GPU instances; malloc'ed. */
uint64_t *brute_device_sets(const struct brute *brute, unsigned int *count);

/* A GPU with these profiles, nothing on it, and all facts from the (fake) driver. */
struct mig_snapshot *brute_snapshot(const struct fake_gi_profile *profiles, unsigned int count);

/*
 * brute_compare from each state to each set of devices that some state has, every `step`-th pair,
 * once with nobody holding anything and once with seeded random holders.
 */
void brute_compare_all(const struct fake_gi_profile *profiles, unsigned int count, bool whole_only,
		       unsigned int step);
