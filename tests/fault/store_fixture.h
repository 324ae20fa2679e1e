/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of the state store share: nodes whose description is made up, states that show by
 * themselves whether they are whole, files as bytes, and children that die at a chosen store.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sim/store/format.h"
#include "sim/store/store.h"

#define FIXTURE_GI_PROFILES 3

/* A node directory below the test's own, with a state file; states are pattern 0. */
const char *fixture_node(const char *name, unsigned int gpu_count);

/* What it is made of. */
void fixture_describe(unsigned int gpu_count, struct mig_sim_node_desc *node,
		      struct mig_gpu_table *model);

/*
 * Pattern `n`: config_changes is n and every other word of the content follows from n and its
 * place, as far as a valid state allows (no instance exists). Two patterns differ in every word.
 */
void fixture_fill(struct mig_sim_state *state, unsigned int gpu_count, uint64_t n);

/* Whether the content is exactly one pattern: which, it says itself. */
bool fixture_is_whole(const struct mig_sim_state *state, unsigned int gpu_count);

/* A state on the heap, of a store's size. */
struct mig_sim_state *fixture_state_new(unsigned int gpu_count);
uint64_t fixture_state_size(unsigned int gpu_count);

/* The content (all but generation and checksum) is the same. */
bool fixture_same(const struct mig_sim_state *a, const struct mig_sim_state *b,
		  unsigned int gpu_count);

/* Opens or fails the test. */
void fixture_open(struct mig_sim_store *store, const char *node_dir);

/* Opens, reads the state into `out`, closes. */
void fixture_read(const char *node_dir, struct mig_sim_state *out);

/* NODE/state as bytes; writing keeps the inode. */
struct fixture_image {
	unsigned char *bytes;
	size_t size;
};
struct fixture_image fixture_load(const char *node_dir);
void fixture_save(const char *node_dir, const struct fixture_image *image);
void fixture_image_free(struct fixture_image *image);
struct mig_sim_header *fixture_header(const struct fixture_image *image);
struct mig_sim_state *fixture_copy(const struct fixture_image *image, unsigned int index);

/* Makes a copy of the image a valid one: pattern n as generation g (in copy g & 1). */
void fixture_set_copy(const struct fixture_image *image, unsigned int gpu_count,
		      uint64_t generation, uint64_t n);

/* A change function: cookie is a uint64_t, the pattern to write. */
bool fixture_change(void *cookie, const struct mig_sim_store *store, struct mig_sim_state *state);

/* Another: config_changes grows by one, all else stays. The cookie does not matter. */
bool fixture_change_one_word(void *cookie, const struct mig_sim_store *store,
			     struct mig_sim_state *state);

/* Opens the node and updates; returns the status. */
enum mig_sim_status fixture_update(const char *node_dir, mig_sim_change_fn change, void *cookie);

/*
 * Does the same in a child which dies by SIGKILL at its `at`-th store (before or after it). Returns
 * true if it died, false if the update went well before it came so far; anything else fails the
 * test.
 */
bool fixture_update_killed(const char *node_dir, mig_sim_change_fn change, void *cookie,
			   uint64_t at, bool after);

/* How many stores an update takes; leaves the file as it was. */
uint64_t fixture_count_stores(const char *node_dir, mig_sim_change_fn change, void *cookie);

/*
 * Kills a child before and after each store of this update, on the file as it is, and fails the
 * test unless each time
 *
 *   - a reader that had the file open before sees the old state, or the new one if and only if the
 *     last store was made;
 *   - a reader that opens the file now sees the same;
 *   - the next update works, its result is right, and it leaves nothing to be repaired.
 *
 * `stores_min`: fewer stores than these would mean that the test tests nothing. Leaves the file as
 * it was.
 */
void fixture_every_prefix(const char *dir, unsigned int gpu_count, mig_sim_change_fn change,
			  void *cookie, uint64_t stores_min);

/* The header names the copy that counts by that copy's own generation number. */
void fixture_check_clean(const char *dir);

/* Descriptors that are open in this process. */
unsigned int fixture_fd_count(void);

/* A number from the environment, or the default. */
uint64_t fixture_setting(const char *variable, uint64_t otherwise);

/* splitmix64: the next of a seeded series. */
uint64_t fixture_random(uint64_t *seed);
