/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control API of the simulator: nodes as things a person makes, lists, uses and removes.
 *
 * This is the only door by which the commands reach the simulator besides the NVML ABI. It knows
 * where nodes live, reads descriptions (control/description.c, with jansson) and compiles them into
 * the store. It must not know the command line, nor print.
 */
#pragma once

#include <stdbool.h>

#include "shared/buf.h"
#include "shared/error.h"
#include "sim/abi/sim_env.h"
#include "sim/store/store.h"

#define MIG_SIM_ENV_HOME "MIGSIM_HOME"

/*
 * Where nodes live: $MIGSIM_HOME, else /var/lib/migsim for root, else $XDG_STATE_HOME/migsim, else
 * ~/.local/state/migsim. *home is newly allocated and absolute; the directory need not exist.
 */
int mig_sim_home(char **home, struct mig_error **err) MIG_MUST_CHECK;

/*
 * The directory of NODE as given on a command line: a path if it contains '/', else a name under
 * home; NULL means MIGSIM_NODE, else the node of `sim use` (so that a command inside
 * `sim exec` means the node it runs on). *path is newly allocated and absolute.
 * A node that does not exist is an error that names the nearest one there is.
 */
int mig_sim_node_path(const char *node, char **path, struct mig_error **err) MIG_MUST_CHECK;

/* Most bytes of a node description. */
#define MIG_SIM_DESCRIPTION_SIZE_MAX ((size_t)4 << 20)
/* A driver branch that can be simulated and what it calls itself. */
struct mig_sim_driver {
	uint32_t branch;
	const char *version;
	const char *nvml_version;
	uint32_t cuda_version;
	const char *inferred; /* what of it no source says, in words; NULL: nothing */
};

/* The branches in ascending order; NULL behind the last. Static storage. */
const struct mig_sim_driver *mig_sim_driver_at(size_t index);

#define MIG_SIM_MINOR_DERIVED UINT32_MAX /* in a description: the GPU's index */
#define MIG_SIM_MINOR_MAX     31	 /* the capability minors are laid out for 32 GPUs */
#define MIG_SIM_NUMA_NODE_MAX 1023	 /* what Linux can count to */

/* What a GPU has from the start besides its modes. */
struct mig_sim_initial {
	uint8_t has_pending;		       /* 1: the pending MIG mode is not the one in force */
	struct mig_sim_gi gi[MIG_SIM_GIS_MAX]; /* by GPU instance id, as in the state */
};

/* A node being described, before it is made. Owned by the caller (_free). */
struct mig_sim_description {
	struct mig_sim_node_desc node;
	struct mig_gpu_table *models; /* node.model_count of them */
	struct mig_sim_initial initial[MIG_SIM_GPUS_MAX];
};
void mig_sim_description_free(struct mig_sim_description *d);

static inline void mig_cleanup_description(struct mig_sim_description **d)
{
	mig_sim_description_free(*d);
}

/* Appends in words what keeps a model from being simulated ("memory of 3g.90gb, …"). */
void mig_sim_model_missing(const struct mig_gpu_table *model, struct mig_buf *out);

/*
 * From "8xa100-sxm4-40gb:swapped,1xt4-16gb" (counts, model keys in any case, options after
 * ':'), or "none" for a node without GPUs.
 * `driver` is a branch ("550") or NULL for the default.
 */
int mig_sim_describe_gpus(const char *name, const char *gpus, const char *driver,
			  struct mig_sim_description **out, struct mig_error **err) MIG_MUST_CHECK;

/* From a description in JSON (docs/node-description.md). `name` overrides the file's if not NULL.
 * `driver` overrides the file's branch if not NULL. */
int mig_sim_describe_file(const char *name, const char *path, const char *driver,
			  struct mig_sim_description **out, struct mig_error **err) MIG_MUST_CHECK;

/* From the text of such a document; `source` is what messages call it. Else as above. */
int mig_sim_describe_text(const char *name, const char *source, const struct mig_buf *text,
			  const char *driver, struct mig_sim_description **out,
			  struct mig_error **err) MIG_MUST_CHECK;

/* Something that a recording could not read from the machine: what, why, and what stands in its
 * place. Texts for people, owned by the caller. */
struct mig_sim_not_read {
	const char *what; /* "gpus[0].layout" */
	const char *why;
	const char *instead;
};

/* Where a recording came from (docs/recording.md). */
struct mig_sim_recorded {
	const char *driver_version; /* the machine's own; node.branch is what stands for it */
	const char *nvml_version;   /* "": not known */
	const struct mig_sim_not_read *not_read;
	size_t not_read_count;
};

/*
 * The complete document that makes this node again. With `recorded` (else NULL) it has a member
 * that says so and all models in full; identities that are not set ("", MIG_SIM_MINOR_DERIVED) are
 * left out, to be derived when the node is made.
 */
int mig_sim_description_write(const struct mig_sim_description *d,
			      const struct mig_sim_recorded *recorded, struct mig_buf *out,
			      struct mig_error **err) MIG_MUST_CHECK;

/*
 * Sets the driver of a description to the one simulated that stands for `version` ("555.42.02"):
 * the version itself, else its branch, else the nearest branch below, else the lowest of all.
 */
void mig_sim_description_stand_in(struct mig_sim_description *d, const char *version);

/* How long its operations take: "zero", "realistic", with ",serial" one after the other on all GPUs
 * together. Takes the place of what the description said. */
int mig_sim_description_set_timing(struct mig_sim_description *d, const char *timing,
				   struct mig_error **err) MIG_MUST_CHECK;

/* The profile's name, or "custom". Static. */
const char *mig_sim_timing_word(const struct mig_sim_node_desc *node);

/* The member "timing" of descriptions and of `sim show`. */
struct mig_json;
void mig_sim_timing_write(const struct mig_sim_node_desc *node, struct mig_json *json);

/* Makes the node NAME (or path) with its directories; appears whole or not at all. *path (may be
 * NULL) is newly allocated. */
int mig_sim_node_create(const char *node, const struct mig_sim_description *d, char **path,
			struct mig_error **err) MIG_MUST_CHECK;

/* Removes a node: refused if the directory does not look like one. */
int mig_sim_node_destroy(const char *node, struct mig_error **err) MIG_MUST_CHECK;

/* Calls `each` for every node under home, by name. A damaged node is listed with its error. */
struct mig_sim_node_entry {
	const char *name;
	const char *path;
	const struct mig_sim_store *store; /* NULL if it cannot be opened: see error */
	const struct mig_error *error;
	bool is_used; /* the node of `sim use` */
};
int mig_sim_node_list(int (*each)(void *cookie, const struct mig_sim_node_entry *entry),
		      void *cookie, struct mig_error **err) MIG_MUST_CHECK;

/* Makes NODE the one that `sim` commands take when none is given (home/.current). */
int mig_sim_node_use(const char *node, struct mig_error **err) MIG_MUST_CHECK;

/* Opens a node's state for looking at it. The caller closes it with mig_sim_store_close. */
int mig_sim_node_open(const char *path, struct mig_sim_store *store,
		      struct mig_error **err) MIG_MUST_CHECK;

/* The UUID of a MIG device ("MIG-…") of an opened node. */
void mig_sim_node_mig_uuid(const struct mig_sim_store *store, unsigned int gpu_index,
			   const struct mig_sim_gpu_state *state, unsigned int gi_id,
			   unsigned int ci_id, char uuid[MIG_SIM_UUID_SIZE]);

/* Whether the text is the UUID of a GPU ("GPU-" and 8-4-4-4-12 lower-case digits). */
bool mig_sim_is_gpu_uuid(const char *text);

/* Words of a GPU's settings for people and JSON ("swapped", "reset-required"). Static. */
extern const char *const mig_sim_layout_words[MIG_SIM_LAYOUT_COUNT];
extern const char *const mig_sim_mode_change_words[MIG_SIM_MODE_CHANGE_COUNT];

/* ---- control/gpus.c: which GPUs are meant --------------------------------------------------------- */

/* All GPUs of a node, as a set of bits by index. */
uint32_t mig_sim_node_all_gpus(const struct mig_sim_store *store);

/* One GPU by index, UUID or PCI address. REFUSED: it is not there. */
int mig_sim_node_find_gpu(const struct mig_sim_store *store, const char *text,
			  unsigned int *gpu_index, struct mig_error **err) MIG_MUST_CHECK;

/* The GPUs of a list of indices, UUIDs, PCI addresses and "all", separated by commas. REFUSED: one
 * is not there. */
int mig_sim_node_find_gpus(const struct mig_sim_store *store, const char *list, uint32_t *gpus,
			   struct mig_error **err) MIG_MUST_CHECK;

/* ---- control/reset.c: reset and reboot ----------------------------------------------------------- */

/* How often the node was rebooted since it was made. */
uint64_t mig_sim_node_reboots(const struct mig_sim_store *store);

/* How many faults of calls are armed now, also those of processes that have ended since. */
unsigned int mig_sim_node_faults(const struct mig_sim_store *store);

/* Whether the caller is the node's administrator: its owner or root, and not told otherwise by
 * MIGSIM_UNPRIVILEGED. */
bool mig_sim_node_is_admin(const struct mig_sim_store *store);

struct mig_sim_reset {
	uint32_t gpus;		       /* which ones, by bits */
	int answers[MIG_SIM_GPUS_MAX]; /* NVML codes: SUCCESS, IN_USE or GPU_IS_LOST */
};

/*
 * Resets GPUs of an opened node, all of them or none, in the time that the node's description says.
 * IN_USE: a live process holds one of them or its persistence mode is on; NO_DRIVER: one has fallen
 * off the bus; NO_PERMISSION. `answers` says which, and is SUCCESS for all others.
 */
int mig_sim_node_reset(struct mig_sim_store *store, struct mig_sim_reset *reset,
		       struct mig_error **err) MIG_MUST_CHECK;

struct mig_sim_reboot {
	unsigned int ended;  /* holders that were killed */
	unsigned int stayed; /* holders that could not be: of another user or pid namespace */
};

/* Reboots an opened node: ends its holders, then all GPUs are as after a reboot, also lost ones. The
 * calling process is never ended. NO_PERMISSION as above. */
int mig_sim_node_reboot(struct mig_sim_store *store, struct mig_sim_reboot *reboot,
			struct mig_error **err) MIG_MUST_CHECK;

/*
 * Makes the device files of an opened node, and mig-minors, as they belong to its state, whatever
 * was done to them (control/mend.c). Returns 0, or -1 with *err: NO_PERMISSION where the node is
 * another user's, IO.
 */
int mig_sim_node_mend(struct mig_sim_store *store, struct mig_error **err) MIG_MUST_CHECK;

/* Turns a store status and its detail into an error with the next step. */
int mig_sim_status_error(struct mig_error **err, enum mig_sim_status status, const char *detail,
			 int saved_errno);

/*
 * Replaces this process by `argv` on the node: library path, PATH with the shims first,
 * MIGSIM_NODE, host root, PR_SET_NO_NEW_PRIVS; refuses a setuid, setgid or file-capability
 * program. Returns only on failure, and may then have left the process half in the jail.
 */
struct mig_sim_exec_options {
	bool unprivileged;
	bool jail;	     /* in a private mount namespace (control/jail.h) */
	const char *exe_dir; /* where migctl itself lies: library and shims are found from here */
};
int mig_sim_node_exec(const char *path, const struct mig_sim_exec_options *options,
		      char *const argv[], struct mig_error **err);

/*
 * Brings a node up to date with this build: the files of its instances agree with its state, and the
 * driver's libraries in its root are those of exe_dir. Done by exec, too; what the caller may not
 * write stays as it is.
 */
int mig_sim_node_prepare(const char *path, const char *exe_dir,
			 struct mig_error **err) MIG_MUST_CHECK;

/* NAME=VALUE lines of the environment that exec would set, for `eval` (values shell-quoted). */
int mig_sim_node_environment(const char *path, const struct mig_sim_exec_options *options,
			     struct mig_buf *out, struct mig_error **err) MIG_MUST_CHECK;
