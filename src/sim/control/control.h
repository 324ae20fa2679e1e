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

/* A node being described, before it is made. Owned by the caller (_free). */
struct mig_sim_description {
	struct mig_sim_node_desc node;
	struct mig_gpu_table *models; /* node.model_count of them */
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

/* Words of a GPU's settings for people and JSON ("swapped", "reset-required"). Static. */
extern const char *const mig_sim_layout_words[MIG_SIM_LAYOUT_COUNT];
extern const char *const mig_sim_mode_change_words[MIG_SIM_MODE_CHANGE_COUNT];

/* Turns a store status and its detail into an error with the next step. */
int mig_sim_status_error(struct mig_error **err, enum mig_sim_status status, const char *detail,
			 int saved_errno);

/*
 * Replaces this process by `argv` on the node: library path, PATH with the shims first,
 * MIGSIM_NODE, host root, PR_SET_NO_NEW_PRIVS; refuses a setuid, setgid or file-capability
 * program. Returns only on failure.
 */
struct mig_sim_exec_options {
	bool unprivileged;
	const char *exe_dir; /* where migctl itself lies: library and shims are found from here */
};
int mig_sim_node_exec(const char *path, const struct mig_sim_exec_options *options,
		      char *const argv[], struct mig_error **err);

/* NAME=VALUE lines of the environment that exec would set, for `eval` (values shell-quoted). */
int mig_sim_node_environment(const char *path, const struct mig_sim_exec_options *options,
			     struct mig_buf *out, struct mig_error **err) MIG_MUST_CHECK;
