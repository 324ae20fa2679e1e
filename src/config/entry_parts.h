/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers of what entries of nvidia-mig-parted's format and of migctl's own have in common, and of
 * the two formats themselves; the document is config/read.c's.
 */
#pragma once

#include "config/config.h"
#include "config/yaml_tree.h"

/* A `device-filter`: text, number, or a list of them. `field` is its name, for messages. */
int mig_entry_read_filters(struct mig_yaml *yaml, const char *field, const yaml_node_t *node,
			   struct mig_config_entry *entry) MIG_MUST_CHECK;

/* An index as an element of a list of GPUs. */
int mig_entry_read_index(struct mig_yaml *yaml, const yaml_node_t *node,
			 struct mig_config_entry *entry) MIG_MUST_CHECK;

/*
 * A mapping of profiles to numbers; `field` is its name. A profile that is there already is
 * overridden. Whether "@START" may follow a name `may_place` says.
 */
enum mig_entry_list { MIG_ENTRY_DEVICES, MIG_ENTRY_TOTALS };
int mig_entry_read_counts(struct mig_yaml *yaml, const char *field, const yaml_node_t *node,
			  bool may_place, enum mig_entry_list to,
			  struct mig_config_entry *entry) MIG_MUST_CHECK;

/* A mapping of labels to lists of entries, each read by read_entry. */
typedef int mig_entry_reader(struct mig_yaml *yaml, const yaml_node_t *node,
			     struct mig_config_entry *entry);
int mig_entry_read_labels(struct mig_yaml *yaml, const char *field, const yaml_node_t *node,
			  mig_entry_reader *read_entry, struct mig_config *config) MIG_MUST_CHECK;

/* Entries of nvidia-mig-parted's format (mig_parted.c) and of migctl/v1 (migctl_v1.c). */
mig_entry_reader mig_entry_read_parted;
mig_entry_reader mig_entry_read_v1;
