/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A declared configuration: labels, each a list of entries that say which GPUs they mean and what
 * these shall look like. Read from a file in nvidia-mig-parted's format (`version: v1`) or
 * migctl's own (`version: migctl/v1`; docs/config-file.md), or from the command line
 * (config/layout_args.h); written again by config/write.h.
 *
 * The model keeps the position of everything in its source, so that an error found later (a profile
 * that the GPUs do not have) can still say where. It knows no GPU; config/select.h brings the two
 * together.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/position.h"
#include "shared/error.h"

#define MIG_CONFIG_FILE_MAX  (16 * 1024 * 1024) /* bytes */
#define MIG_CONFIG_START_ANY UINT_MAX

/* One wish: so many devices of a profile; the name is well-formed, whether it exists is not known. */
struct mig_config_device {
	char *profile;
	unsigned int count;
	unsigned int start; /* of the GPU instance, in placement units, or MIG_CONFIG_START_ANY */
	struct mig_position at;
};

/* A GPU instance at its place, with exactly these compute instances. */
struct mig_config_compute {
	char *profile;	    /* "1c.3g.20gb", or that of the GPU instance for one that fills it */
	unsigned int start; /* in compute slices, or MIG_CONFIG_START_ANY */
	struct mig_position at;
};

struct mig_config_instance {
	char *profile;
	unsigned int start;
	struct mig_position at;
	size_t compute_count; /* 0: none, which no MIG device shows */
	struct mig_config_compute *compute;
};

/* A PCI device, and a subsystem if the file names one. Both as NVML has them (id << 16 | vendor). */
struct mig_config_filter {
	uint32_t device_id;
	bool has_subsystem;
	uint32_t subsystem_id;
};

enum mig_config_gpu_kind {
	MIG_CONFIG_GPU_INDEX, /* NVML's */
	MIG_CONFIG_GPU_UUID,  /* or the beginning of one */
	MIG_CONFIG_GPU_PCI,   /* an address */
};

struct mig_config_gpu {
	enum mig_config_gpu_kind kind;
	unsigned int index;
	char *text; /* UUID or address as written; NULL for an index */
	struct mig_position at;
};

struct mig_config_entry {
	struct mig_position at;
	size_t filter_count; /* 0: no filter */
	struct mig_config_filter *filters;
	bool filter_is_list; /* how one filter is written */
	bool all_gpus;
	size_t gpu_count;
	struct mig_config_gpu *gpus;
	struct mig_position gpus_at;
	bool mig_enabled;
	bool keeps_in_use;
	size_t device_count;
	struct mig_config_device *devices;
	size_t instance_count; /* beside the devices */
	struct mig_config_instance *instances;
	bool has_totals; /* instead of both: so many over all GPUs of the entry */
	struct mig_position totals_at;
	size_t total_count;
	struct mig_config_device *totals;
};

struct mig_config_label {
	char *name;
	struct mig_position at;
	size_t entry_count;
	struct mig_config_entry *entries;
};

struct mig_config {
	char *source; /* the file's name, for messages */
	/* The command line: the arguments, of which a position's line is the number. 0: a file. */
	size_t arg_count;
	char **args;
	bool names_gpus_once; /* a GPU in two entries is an error even if they want the same */
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
 * Building. Each returns the new element, owned by what it was added to and valid until the next one
 * of its kind is added there; NULL when out of memory. Texts are copied.
 */
struct mig_config *mig_config_new(const char *source);
struct mig_config_label *mig_config_add_label(struct mig_config *config, const char *name);
struct mig_config_entry *mig_config_add_entry(struct mig_config_label *label);
struct mig_config_filter *mig_config_add_filter(struct mig_config_entry *entry);
struct mig_config_gpu *mig_config_add_gpu(struct mig_config_entry *entry, const char *text);
struct mig_config_device *mig_config_add_device(struct mig_config_entry *entry,
						const char *profile);
struct mig_config_device *mig_config_add_total(struct mig_config_entry *entry, const char *profile);
struct mig_config_instance *mig_config_add_instance(struct mig_config_entry *entry,
						    const char *profile);
struct mig_config_compute *mig_config_add_compute(struct mig_config_instance *instance,
						  const char *profile);

/* Held instances count toward the target in every entry (`--keep-in-use`). */
void mig_config_keep_in_use(struct mig_config *config);

/*
 * The label `name`; NULL means the only one there is. Without it NULL with *err: REFUSED, or USAGE
 * when none was named and there are several; the hint names the nearest and all. Owned by config.
 */
const struct mig_config_label *mig_config_find(const struct mig_config *config, const char *name,
					       struct mig_error **err);

/*
 * Puts the place in front of an error: "SOURCE:LINE:COLUMN: ", or "argument 2 '0=1g.5g' column 3: ".
 * Returns -1.
 */
int mig_config_wrap(const struct mig_config *config, struct mig_position at,
		    struct mig_error **err);

/* Sets an error that begins so: CONFIG for a file, REFUSED for the command line. Returns -1. */
int mig_config_error(struct mig_error **err, const struct mig_config *config,
		     struct mig_position at, const char *fmt, ...) MIG_PRINTF(4, 5);

/* A place as another message refers to it: "9:5", "argument 1". */
void mig_config_place(const struct mig_config *config, struct mig_position at, char *text,
		      size_t size);
