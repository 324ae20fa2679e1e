/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Node descriptions inside the control side: what the files that read, complete and write them
 * share. The commands see control.h only.
 *
 * While a description is being put together, an empty UUID or PCI address and the minor number
 * MIG_SIM_MINOR_DERIVED mean "from the index"; mig_sim_description_finish fills them in.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "shared/json_writer.h"
#include "sim/control/control.h"

#define MIG_SIM_DESCRIPTION_FILE   "node.json"
#define MIG_SIM_DESCRIPTION_FORMAT "migsim-node/1"

/* By branch ("550") or version ("550.163.01"); NULL is the default. NULL with *err if it is
 * unknown. */
const struct mig_sim_driver *mig_sim_driver_find(const char *text, struct mig_error **err);

/* Words of the settings in descriptions, indexed by the enums of state.h (more in control.h). */
extern const char *const mig_sim_off_capacity_words[MIG_SIM_OFF_CAPACITY_COUNT];
extern const char *const mig_sim_export_table_words[MIG_SIM_EXPORT_TABLE_COUNT];
extern const char *const mig_sim_visibility_words[MIG_SIM_VISIBILITY_COUNT];
#define MIG_SIM_SWITCH_COUNT 2
extern const char *const mig_sim_switch_words[MIG_SIM_SWITCH_COUNT]; /* off, on */

/* The position of `text` among `words`, or -1. */
int mig_sim_word_find(const char *const *words, size_t count, const char *text);

/* Sets the hint "did you mean 'NEAREST'? known are: …"; returns -1. */
int mig_sim_hint_words(struct mig_error **err, const char *text, const char *const *words,
		       size_t count);

/* An empty description of a node called `name` (a path: its last part). NULL with *err. */
struct mig_sim_description *mig_sim_description_new(const char *name, struct mig_error **err);

/* The index of the model with this key (any case) in the description, taking it over from the
 * built-in tables if needed; -1 with *err if it is unknown or not usable. */
int mig_sim_description_model(struct mig_sim_description *d, const char *key,
			      struct mig_error **err);

/* Takes a copy of `model` in. Returns its index or -1 with *err. */
int mig_sim_description_add_model(struct mig_sim_description *d, const struct mig_gpu_table *model,
				  struct mig_error **err);

/* Appends `count` GPUs like *gpu; more than the limit is an error. Returns 0 or -1 with *err. */
int mig_sim_description_add_gpus(struct mig_sim_description *d, const struct mig_sim_gpu_desc *gpu,
				 uint64_t count, struct mig_error **err);

/* A GPU with the default settings. */
struct mig_sim_gpu_desc mig_sim_gpu_desc_default(uint32_t model);

/* Reads "10:00.0", "0000:10:00.0" or "00000000:10:00.0" into *gpu. Returns 0 or -1 with *err. */
int mig_sim_parse_pci_address(const char *text, struct mig_sim_gpu_desc *gpu,
			      struct mig_error **err);

/* Sets the driver, fills in what comes from the index and refuses what contradicts itself. Paths in
 * messages are those of a description file ("gpus[3].uuid"). */
int mig_sim_description_finish(struct mig_sim_description *d, const char *driver,
			       struct mig_error **err);

/* control/description_model.c: one member of "models". `where` is its path in the document. */
int mig_sim_model_from_json(const char *where, const char *key, json_t *value,
			    struct mig_gpu_table *model, struct mig_error **err);

/* The words of the data files for NVML's profile indices and for an architecture; "" if unknown. */
const char *mig_sim_gi_profile_word(unsigned int profile_index);
const char *mig_sim_ci_profile_word(unsigned int profile_index);
const char *mig_sim_arch_word(unsigned int arch);

/*
 * control/description_instances.c: the members "mig_mode_pending" and "gpu_instances" of a GPU, into
 * *initial and out of it. `where` is the path of the GPU in the document.
 */
int mig_sim_initial_from_json(const struct mig_sim_description *d,
			      const struct mig_sim_gpu_desc *gpu, const char *where, json_t *object,
			      struct mig_sim_initial *initial, struct mig_error **err);
void mig_sim_initial_write(const struct mig_gpu_table *model, const struct mig_sim_gpu_desc *gpu,
			   const struct mig_sim_initial *initial, struct mig_json *json);
/* Puts it into the state of a GPU just made. */
void mig_sim_initial_apply(const struct mig_sim_initial *initial, struct mig_sim_gpu_state *state);

/* control/description_timing.c: the member "timing" into d->node. */
int mig_sim_timing_from_json(struct mig_sim_description *d, json_t *value, struct mig_error **err);

/* control/home.c: the last part of a name or path if it is a valid node name, else NULL with *err.
 * Points into `node`. */
const char *mig_sim_name_check(const char *node, struct mig_error **err);

/* The directory that NODE would have, whether it exists or not. *path is newly allocated. */
int mig_sim_node_path_new(const char *node, char **path, struct mig_error **err);

/* The directory of the node of `sim use`, newly allocated; NULL if there is none. */
char *mig_sim_used_node(void);
/* Forgets the choice of `sim use`. */
void mig_sim_forget_used_node(void);
