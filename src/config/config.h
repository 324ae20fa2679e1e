/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A declared configuration: labels, each a list of entries that say which GPUs they mean and what
 * these shall look like. Read from the file format of nvidia-mig-parted (docs/config-file.md).
 *
 * The model keeps the position of everything in the file, so that an error found later (a profile
 * that the GPUs do not have) can still say where. Reading knows no GPU; config/select.h brings the
 * two together.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/error.h"

#define MIG_CONFIG_FILE_MAX (16 * 1024 * 1024) /* bytes */

struct mig_position {
	unsigned int line, column; /* from 1 */
};

/* One wish: so many devices of a profile; the name is well-formed, whether it exists is not known. */
struct mig_config_device {
	char *profile;
	unsigned int count;
	struct mig_position at;
};

/* A PCI device, and a subsystem if the file names one. Both as NVML has them (id << 16 | vendor). */
struct mig_config_filter {
	uint32_t device_id;
	bool has_subsystem;
	uint32_t subsystem_id;
};

struct mig_config_entry {
	struct mig_position at;
	size_t filter_count; /* 0: no filter */
	struct mig_config_filter *filters;
	bool all_gpus;
	size_t index_count;
	unsigned int *indices;
	struct mig_position devices_at;
	bool mig_enabled;
	size_t device_count;
	struct mig_config_device *devices;
};

struct mig_config_label {
	char *name;
	struct mig_position at;
	size_t entry_count;
	struct mig_config_entry *entries;
};

struct mig_config {
	char *source; /* the file's name for messages */
	size_t label_count;
	struct mig_config_label *labels;
};

/*
 * Reads a file ("-": standard input). The whole file is checked, also the labels that nobody asks
 * for. Returns 0, or -1 with *err: CONFIG with "FILE:LINE:COLUMN: …", or IO. *out is the caller's.
 */
int mig_config_read(const char *path, struct mig_config **out,
		    struct mig_error **err) MIG_MUST_CHECK;

/* The same from memory; `source` is used in messages. */
int mig_config_parse(const char *source, const void *bytes, size_t len, struct mig_config **out,
		     struct mig_error **err) MIG_MUST_CHECK;

void mig_config_free(struct mig_config *config);

static inline void mig_cleanup_config(struct mig_config **config)
{
	mig_config_free(*config);
}
#define _cleanup_config_ _cleanup_(mig_cleanup_config)

/*
 * The label `name`; NULL means the only one there is. Without it NULL with *err: REFUSED, or USAGE
 * when none was named and there are several; the hint names the nearest and all. Owned by config.
 */
const struct mig_config_label *mig_config_find(const struct mig_config *config, const char *name,
					       struct mig_error **err);

/* Sets a CONFIG error that begins with "SOURCE:LINE:COLUMN: ". Returns -1. */
int mig_config_error(struct mig_error **err, const char *source, struct mig_position at,
		     const char *fmt, ...) MIG_PRINTF(4, 5);
