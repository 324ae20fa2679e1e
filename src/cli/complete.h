/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can stand next on a command line, for the shells' completion scripts (cli/completion.c). It
 * comes from the command table; values that change come from the node.
 *
 *     migctl --complete line -- WORD... CURRENT
 *     migctl --complete KIND [PREFIX [NAME=VALUE...]]
 *
 * prints one candidate a line, with a description behind a tab where there is one; ":file" stands
 * for the names of files. What cannot be found out is left out: a person who presses a key wants no
 * error. NAME=VALUE is what stands on the line already (file, gpus, gi, named, each of struct
 * mig_complete_place): what would be an error behind it is left out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/model.h"
#include "shared/error.h"

/* Runs what stands behind --complete. Returns an exit status, or -1 with *err. */
int mig_complete_run(int argc, char **argv, struct mig_error **err);

/* What is at hand for values: the node, which is another program's business, and what the line says
 * so far. The texts are the caller's. */
struct mig_complete_place {
	const char *node; /* "--node"; NULL: here */
	const char *file; /* "-f"; NULL: the default one */
	const char *gpus; /* "-i"; NULL: all */
	const char *gi;	  /* "-g"; NULL: none */
	/* Words that are given already, each perhaps a list with commas. */
	const char **named;
	size_t named_count;
};

/* Whether a part of a word in place->named is this text, in any letter case. */
bool mig_complete_is_named(const struct mig_complete_place *place, const char *text);

/* cli/complete_values.c: prints the values of a kind ("gpus", "labels", …), each after `prefix`.
 * False if there is no such kind. On another node this process becomes the program that answers. */
bool mig_complete_values(const char *kind, const char *prefix,
			 const struct mig_complete_place *place);

/* Prints one candidate; `description` may be NULL. */
void mig_complete_put(const char *prefix, const char *value, const char *description);

/* cli/complete_instances.c, of what is on the node now. All names under which destroy takes instances
 * (the snapshot is to have HOLDERS): */
void mig_complete_put_instances(const char *prefix, const struct mig_snapshot *snapshot,
				const struct mig_complete_place *place);
/* those under which create takes a GPU instance: */
void mig_complete_put_gis(const char *prefix, const struct mig_snapshot *snapshot,
			  const struct mig_complete_place *place);
/* ids of the GPU instances of place->gpus, of the compute instances in place->gi: */
void mig_complete_put_gi_ids(const char *prefix, const struct mig_snapshot *snapshot,
			     const struct mig_complete_place *place);
void mig_complete_put_ci_ids(const char *prefix, const struct mig_snapshot *snapshot,
			     const struct mig_complete_place *place);
/* what create can make on place->gpus, or in place->gi, with what fits now: */
void mig_complete_put_creatable(const char *prefix, const struct mig_snapshot *snapshot,
				const struct mig_complete_place *place);

/* cli/complete_sim.c: of the simulator, which needs no driver. False if there is no such kind. */
bool mig_complete_sim_values(const char *kind, const char *prefix,
			     const struct mig_complete_place *place);

/* cli/complete_smi.c: a word of `migctl smi`, `current`, behind `count` others. */
void mig_complete_smi(int count, char *const *words, const char *current,
		      struct mig_complete_place *place);
