/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NODE/state as bytes: where everything lies, and whether what lies there can be believed.
 * Shared by the files of the store and its tests; nothing outside sim/store includes it.
 *
 * Every offset follows from the numbers of GPUs and models. A file whose header says anything else
 * is damaged, so no offset or size out of a file is ever used as it stands.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "shared/macros.h"
#include "sim/store/store.h"

#define MIG_SIM_MAGIC	       "MIGSIM\x1a\n"
#define MIG_SIM_MAGIC_SIZE     8
#define MIG_SIM_MODELS_MAX     32
#define MIG_SIM_UNITS_MAX      32 /* placement units or compute slices that a description may have */
#define MIG_SIM_CACHE_LINE     64
#define MIG_SIM_NO_GENERATION  UINT64_MAX
/* A generation beyond this was not written by us; it also keeps clear of MIG_SIM_NO_GENERATION. */
#define MIG_SIM_GENERATION_MAX ((uint64_t)1 << 62)

struct mig_sim_header {
	/* Constant from here to static_checksum. */
	char magic[MIG_SIM_MAGIC_SIZE];
	uint32_t format_version;
	uint32_t header_size;
	uint64_t file_size;
	uint64_t node_offset;
	uint64_t node_size;
	uint64_t models_offset;
	uint64_t model_size; /* of one; the description says how many */
	uint64_t copy_offsets[2];
	uint64_t state_size;
	uint64_t static_checksum; /* CRC-64 of all before it, the description and the models */
	uint64_t reserved0[5];
	/* Alone in its cache line: the one word by which a write is published. */
	uint64_t generation;
	uint64_t reserved1[7];
};

_Static_assert(offsetof(struct mig_sim_header, generation) == 2 * MIG_SIM_CACHE_LINE,
	       "the generation begins a cache line");
_Static_assert(sizeof(struct mig_sim_header) == 3 * MIG_SIM_CACHE_LINE,
	       "the generation has its cache line for itself");
_Static_assert(sizeof(struct mig_sim_node_desc) % 8 == 0, "models are aligned");
_Static_assert(sizeof(struct mig_sim_state) % 8 == 0, "a state is whole words");
_Static_assert(sizeof(struct mig_sim_gpu_state) % 8 == 0, "a GPU's state is whole words");

/* Words of structures that have types of their own. */
typedef uint64_t __attribute__((may_alias)) mig_sim_word;

/* ---- format.c --------------------------------------------------------------------------------- */

/* Fills in all constant members but static_checksum. False: counts beyond the limits. */
bool mig_sim_header_init(struct mig_sim_header *header, uint64_t gpu_count, uint64_t model_count);

/* The sizes between which every state file lies. */
uint64_t mig_sim_file_size_min(void);
uint64_t mig_sim_file_size_max(void);

/* The checksum of the constant parts; `header` must be valid but for static_checksum. */
uint64_t mig_sim_static_checksum(const struct mig_sim_header *header,
				 const struct mig_sim_node_desc *node,
				 const struct mig_gpu_table *models);

/*
 * Checks all that never changes in `size` mapped bytes. Returns MIG_SIM_OK, BAD_VERSION or DAMAGED;
 * in the last two cases `why` (of MIG_SIM_DETAIL_SIZE) says what is wrong ("is empty").
 */
enum mig_sim_status mig_sim_static_check(const void *map, uint64_t size, char *why);

uint64_t mig_sim_state_checksum(const struct mig_sim_state *state, uint64_t state_size);

/* ---- validate.c: ranges, so that no number out of a file is an index out of bounds ------------ */

bool mig_sim_node_validate(const struct mig_sim_node_desc *node, char *why);
bool mig_sim_model_validate(const struct mig_gpu_table *model, char *why);
bool mig_sim_gpu_state_validate(const struct mig_gpu_table *model,
				const struct mig_sim_gpu_state *state, char *why);
/* What a state has besides its GPUs: faults, events, holders. */
bool mig_sim_common_state_validate(const struct mig_sim_node_desc *node,
				   const struct mig_sim_state *state, char *why);

/* ---- copies.c: which of the two copies counts ------------------------------------------------- */

/* What a look at both copies found. */
struct mig_sim_choice {
	uint64_t generation; /* the header's; the copy's own is in the copy */
	unsigned int index;  /* the copy that counts */
	bool is_clean;	     /* the header names this copy, and by its own generation number */
};

/*
 * Finds the copy that counts and puts a private copy of it into `out`, with `scratch` of the same
 * size (store->state_size). Safe beside writers. False: neither is valid; `why` says so.
 */
bool mig_sim_copies_choose(const struct mig_sim_store *store, struct mig_sim_state *out,
			   struct mig_sim_state *scratch, struct mig_sim_choice *choice, char *why);

/* Whether a private copy is one of those that we write: checksum, generation number, ranges. */
bool mig_sim_copy_is_valid(const struct mig_sim_store *store, const struct mig_sim_state *state,
			   unsigned int index, char *why);

/* ---- put.c: the only stores ------------------------------------------------------------------- */

/* Stores one word of shared state (release order); the hook is called before and after. */
void mig_sim_store_put(mig_sim_word *to, uint64_t value);

/*
 * Writes `state` as a generation: its words into the copy that is not current, then the header's
 * generation word. `header` and `copies` are the writable map. Fills in state's generation and
 * checksum. The caller holds the lock.
 */
void mig_sim_copies_publish(struct mig_sim_header *header, struct mig_sim_state *const copies[2],
			    struct mig_sim_state *state, uint64_t state_size, uint64_t generation);

/* ---- lock.c ----------------------------------------------------------------------------------- */

/* One writer's hold: within the process and on NODE/lock. */
struct mig_sim_lock {
	int fd;
	bool was_made;	  /* the lock file did not exist before (mig_sim_lock_take with make) */
	int cancel_state; /* of the thread, put back afterwards */
	sigset_t signals; /* its signal mask */
};

/* Where an operation's failure goes. */
struct mig_sim_failure {
	char *detail; /* MIG_SIM_DETAIL_SIZE */
	int saved_errno;
};

/*
 * Waits until this thread is the node's only writer. With `make`, NODE/lock is made if it is not
 * there. While held, signals are blocked and the thread cannot be cancelled. On failure nothing is
 * held. Always to be ended by release, which keeps errno.
 */
enum mig_sim_status mig_sim_lock_take(struct mig_sim_lock *lock, int dir, const char *node_dir,
				      bool make, struct mig_sim_failure *failure) MIG_MUST_CHECK;
void mig_sim_lock_release(struct mig_sim_lock *lock);

/* ---- file.c: opening, and failures in words --------------------------------------------------- */

#define MIG_SIM_SHOWN_PATH_SIZE 128

/* "node_dir/name" for a message: its end where it is too long. `name` may be NULL. */
const char *mig_sim_shown_path(char shown[MIG_SIM_SHOWN_PATH_SIZE], const char *node_dir,
			       const char *name);

/* Sets detail and errno and returns `status`. An errno other than 0 is added in words. */
enum mig_sim_status mig_sim_fail(struct mig_sim_failure *failure, enum mig_sim_status status,
				 int error, const char *fmt, ...) MIG_PRINTF(4, 5);

/* Opens the node's directory. *fd is the caller's. */
enum mig_sim_status mig_sim_dir_open(const char *node_dir, int *fd,
				     struct mig_sim_failure *failure) MIG_MUST_CHECK;

/*
 * Opens a regular file of the node: close-on-exec, no links followed, never waiting, and never as
 * descriptor 0 to 2 (a host that closed those may still write to them). `mode` counts with O_CREAT.
 * `what` names it in messages ("state file"). *fd is the caller's.
 */
enum mig_sim_status mig_sim_file_open(int dir, const char *node_dir, const char *name,
				      const char *what, int flags, mode_t mode, int *fd,
				      struct mig_sim_failure *failure) MIG_MUST_CHECK;

/* close() that keeps errno; -1 is allowed. */
void mig_sim_file_close(int fd);
