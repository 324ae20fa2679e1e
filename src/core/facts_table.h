/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of facts.c that do without NVML: the generated tables, and a rule. For facts.c and
 * for the recorder (src/record), which fills in what NVML does not say.
 *
 * NVML lists compute instance profiles for a living GPU instance alone, and drivers before 550 list
 * no GPU instance profiles while MIG mode is off. Whatever comes from here is a belief about this
 * GPU until NVML has confirmed it: `source` and `ci_source` say so, and core/apply.c checks it
 * before the first instance is created.
 */
#pragma once

#include "core/facts.h"

/* Media extensions share one set of engines per GPU: +me and +me.all, by NVML's constants. */
bool mig_facts_is_media_extension(unsigned int index);

/* Sets the compute instance profiles of `gi` from its row of the tables (NULL: there is none), or
 * by the rule that every width which divides into the GPU instance is there, side by side. */
void mig_facts_ci_without_nvml(struct mig_gi_profile *gi, const struct mig_table_gi_profile *row);

/* Names a profile that the driver gives no name (470): the table's name, else one made from index,
 * slice_count and memory_mib. `table` may be NULL; memory_mib is the GPU's, 0 if not known. */
void mig_facts_compute_name(struct mig_gi_profile *gi, const struct mig_gpu_table *table,
			    uint64_t memory_mib);

/* Takes the profile that was filled in behind the last one into the counts of `facts`. */
void mig_facts_count(struct mig_facts *facts);
