/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node's state in a file that many processes share: never torn, durable, readable without a
 * system call.
 *
 * NODE/state has a fixed size: a header, the description, the GPU tables that the node uses, and
 * two copies of the mutable state. A write takes NODE/lock, fills the copy that is not current and
 * then stores the new generation number in the header; copy (generation & 1) is the current one. A
 * kill at any instruction leaves the old or the new state. Readers look at the generation, read,
 * and look again. The file is preallocated, mapped, and never renamed or resized.
 *
 * The lock is a POSIX record lock (fcntl), taken by a descriptor opened for this one write: unlike
 * flock and open-file-description locks it is not shared with a child that was forked meanwhile,
 * so a parent killed while writing frees it even if its child lives. Within a process a mutex
 * keeps threads apart.
 *
 * Used by the simulated library and by the control side; libc only. Must not know NVML functions
 * or the rules of the engine.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/macros.h"
#include "sim/engine/state.h"

#define MIG_SIM_STATE_FILE     "state"
#define MIG_SIM_LOCK_FILE      "lock"
#define MIG_SIM_FORMAT_VERSION 3

enum mig_sim_status {
	MIG_SIM_OK,
	MIG_SIM_NO_NODE,       /* the directory or the state file is not there */
	MIG_SIM_NO_PERMISSION, /* not readable; for a write: not writable */
	MIG_SIM_BAD_VERSION,   /* a format this build does not know */
	MIG_SIM_DAMAGED,       /* cut short, wrong magic, checksums of both copies wrong */
	MIG_SIM_IO,	       /* full disk, read-only file system, …: errno in `saved_errno` */
	MIG_SIM_UNCHANGED,     /* an update's function asked for no change */
	MIG_SIM_STATUS_COUNT,
};

#define MIG_SIM_DETAIL_SIZE 256

struct mig_sim_store {
	const struct mig_sim_node_desc *node; /* in the map; constant */
	const struct mig_gpu_table *models;   /* node->model_count of them; constant */
	const uint64_t *generation;	      /* in the map */
	const struct mig_sim_state *copies[2];
	uint64_t state_size; /* bytes of one copy */
	void *map;
	uint64_t map_size;
	char *path;		 /* the node's directory, absolute as given */
	uint64_t device;	 /* which file is mapped: an update refuses another one that */
	uint64_t inode;		 /* took its place (the node was removed and made anew) */
	uint64_t bad_generation; /* generation whose copy is damaged (UINT64_MAX: none): the other
				  * copy counts until the generation moves on */
	int saved_errno;
	char detail[MIG_SIM_DETAIL_SIZE]; /* in words: which file, what is wrong, for people */
};

/*
 * Maps the state of the node at `node_dir` read-only and verifies it (magic, version, size,
 * checksums). On failure nothing is left open and store->detail says why. Leaves no descriptor.
 */
enum mig_sim_status mig_sim_store_open(struct mig_sim_store *store,
				       const char *node_dir) MIG_MUST_CHECK;
void mig_sim_store_close(struct mig_sim_store *store);

/*
 * Reading. A reader calls begin, copies what it needs out of *view by mig_sim_load_u8/words below,
 * and asks retry; if that says true it must begin again. No system call, no lock; never blocks a
 * writer. Thread-safe.
 */
static inline uint64_t mig_sim_read_begin(const struct mig_sim_store *store,
					  const struct mig_sim_state **view)
{
	uint64_t g = __atomic_load_n(store->generation, __ATOMIC_ACQUIRE);
	uint64_t bad = __atomic_load_n(&store->bad_generation, __ATOMIC_RELAXED);

	*view = store->copies[(g ^ (g == bad)) & 1];
	return g;
}

static inline bool mig_sim_read_retry(const struct mig_sim_store *store, uint64_t begun)
{
	return __atomic_load_n(store->generation, __ATOMIC_RELAXED) != begun;
}

/* Loads that order later loads after them; use these for everything inside *view. */
static inline uint8_t mig_sim_load_u8(const uint8_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

/* Copies one GPU's state consistently; gpu_index < node->gpu_count. */
void mig_sim_store_read_gpu(const struct mig_sim_store *store, unsigned int gpu_index,
			    struct mig_sim_gpu_state *out);

/* Copies the whole state consistently into `out` (store->state_size bytes). */
void mig_sim_store_read(const struct mig_sim_store *store, struct mig_sim_state *out);

/* Copies the MIG_SIM_HOLDERS_MAX rows of the table of holders consistently into `out` (NULL: only
 * counts). Returns how many are used, whether or not their processes live. */
unsigned int mig_sim_store_read_holders(const struct mig_sim_store *store,
					struct mig_sim_holder *out);

/* Copies the oldest event with a serial above `after` that the ring still has. False: none. */
bool mig_sim_store_read_event(const struct mig_sim_store *store, uint64_t after,
			      struct mig_sim_event *out);

/* The serial of the newest event. */
static inline uint64_t mig_sim_store_event_serial(const struct mig_sim_store *store)
{
	const struct mig_sim_state *view;
	uint64_t begun, serial;

	do {
		begun = mig_sim_read_begin(store, &view);
		serial = __atomic_load_n(&view->event_serial, __ATOMIC_ACQUIRE);
	} while (mig_sim_read_retry(store, begun));
	return serial;
}

/* Whether a GPU has fallen off the bus; gpu_index < node->gpu_count. */
static inline bool mig_sim_store_is_gpu_lost(const struct mig_sim_store *store,
					     unsigned int gpu_index)
{
	const struct mig_sim_state *view;
	uint64_t begun;
	bool is_lost;

	do {
		begun = mig_sim_read_begin(store, &view);
		is_lost = mig_sim_load_u8(&view->gpus[gpu_index].is_lost) != 0;
	} while (mig_sim_read_retry(store, begun));
	return is_lost;
}

/* The generation that readers see; it moves on with every write. */
static inline uint64_t mig_sim_store_generation(const struct mig_sim_store *store)
{
	return __atomic_load_n(store->generation, __ATOMIC_ACQUIRE);
}

/*
 * Sleeps until somebody writes, if the generation is still `seen`, and at most `timeout_ns`. May
 * return early: the caller looks whether the generation has moved, and why. The wake of a writer
 * that was killed just then is lost, so nobody waits for one longer than a second at a time.
 * Signals are handled and end it. A cancellation point as little as any other function here. Keeps
 * errno, thread-safe.
 */
void mig_sim_store_wait(const struct mig_sim_store *store, uint64_t seen, uint64_t timeout_ns);

/* Wakes all who wait, in all processes, without a write. Keeps errno. */
void mig_sim_store_wake(const struct mig_sim_store *store);

/*
 * Changes the state. Takes the lock, checks the current copy (falls back to the older valid one),
 * calls `change` with a private copy, and unless it returns false publishes the result. `change`
 * may be called only once. On any status but OK the old state stands.
 *
 * While `change` runs, signals are blocked and the thread cannot be cancelled; it must not update
 * a store itself. A result with numbers out of range is refused (MIG_SIM_DAMAGED). Thread-safe, also
 * on one store; `detail` is then the last failure's. Leaves no descriptor and keeps errno.
 */
typedef bool (*mig_sim_change_fn)(void *cookie, const struct mig_sim_store *store,
				  struct mig_sim_state *state);
enum mig_sim_status mig_sim_store_update(struct mig_sim_store *store, mig_sim_change_fn change,
					 void *cookie) MIG_MUST_CHECK;

/*
 * Makes NODE/state and NODE/lock in an existing directory, durably; the file appears whole or not
 * at all. `states` are gpu_count initial GPU states. Fails if a state file is there already.
 * `detail` (MIG_SIM_DETAIL_SIZE bytes) gets the reason in words.
 */
enum mig_sim_status mig_sim_store_create(const char *node_dir, const struct mig_sim_node_desc *node,
					 const struct mig_gpu_table *models,
					 const struct mig_sim_gpu_state *states,
					 char *detail) MIG_MUST_CHECK;

/* Size in bytes of the state file of a node with so many GPUs and models. */
uint64_t mig_sim_store_file_size(unsigned int gpu_count, unsigned int model_count);

/*
 * The one function through which every byte of shared state is stored (release order, 8 bytes at
 * a time). Tests can make it die before or after the n-th store by this hook, which is called with
 * the number of the store within the process; NULL in every product.
 */
extern void (*mig_sim_store_hook)(uint64_t store_number, bool after);

/* A word for the status ("no node", "damaged", …). Static. */
const char *mig_sim_status_word(enum mig_sim_status status);
