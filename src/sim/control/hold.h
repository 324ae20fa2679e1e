/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holding devices of a node, as a program that runs on them does: the process is listed, its memory
 * is used, and what it holds cannot be destroyed while it lives.
 *
 * A hold ends with the process, whichever way that ends; mig_sim_hold_end is for one that goes on.
 */
#pragma once

#include "sim/control/control.h"
#include "sim/control/visible.h"
#include "sim/process/holder.h"

struct mig_sim_hold_request {
	const char *uuid; /* of a GPU or MIG device, or a unique beginning; NULL: by … */
	const char *visible_devices; /* … CUDA_VISIBLE_DEVICES; NULL: not set */
	uint64_t memory;	     /* bytes, of each device */
	enum mig_sim_holder_kind kind;
	uint32_t pid;
};

/* One device that is held. */
struct mig_sim_held {
	struct mig_sim_place place;
	char uuid[MIG_SIM_UUID_SIZE];
};

struct mig_sim_hold {
	struct mig_sim_process process;
	unsigned int count;
	struct mig_sim_held devices[MIG_SIM_VISIBLE_MAX];
};

/*
 * Makes the process hold all of the devices, or none. A MIG device that is named is held; of a GPU
 * that is named, the GPU itself, also with MIG mode on (as by a monitoring daemon: without memory).
 * REFUSED: no such device, none visible, not so much memory; NO_DRIVER: the GPU is lost; FAILED: the
 * table is full.
 */
int mig_sim_hold_begin(struct mig_sim_store *store, const struct mig_sim_hold_request *request,
		       struct mig_sim_hold *hold, struct mig_error **err) MIG_MUST_CHECK;

/* Ends all holds of the process. */
int mig_sim_hold_end(struct mig_sim_store *store, const struct mig_sim_process *process,
		     struct mig_error **err) MIG_MUST_CHECK;

/*
 * Ends a holder of the node, any live one with this pid, and waits until it has ended: it is asked to
 * (SIGTERM), and after two seconds forced to. Its holds are freed then. REFUSED: the process holds
 * nothing; NO_PERMISSION: it is somebody else's.
 */
int mig_sim_hold_stop(struct mig_sim_store *store, uint32_t pid,
		      struct mig_error **err) MIG_MUST_CHECK;

/* The live processes that hold something of a node, each once. `pids` has room for
 * MIG_SIM_HOLDERS_MAX. Returns how many. */
unsigned int mig_sim_hold_pids(const struct mig_sim_store *store, uint32_t *pids);

/*
 * The live holders of a place, for showing. Returns how many were put into `out`, which has room for
 * MIG_SIM_HOLDERS_MAX. `rows` are those of one state.
 */
unsigned int mig_sim_hold_list(const struct mig_sim_holder *rows, struct mig_sim_place place,
			       const struct mig_sim_holder **out);

/* Words of the kinds ("compute", "graphics"). */
extern const char *const mig_sim_holder_words[MIG_SIM_HOLDER_KIND_COUNT];
