/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the picture of a GPU consists of, for the terminal and for SVG alike: boxes over its
 * placement units, each a GPU instance or free room, and in them the compute instances and the free
 * compute slices. Words for them, but no drawing.
 */
#pragma once

#include "core/model.h"
#include "shared/buf.h"

#define MIG_BOX_TEXT_SIZE 64
#define MIG_BOX_PARTS_MAX (2 * MIG_COMPUTE_INSTANCES_MAX + 1)

/* Compute slices of a GPU instance. */
struct mig_box_part {
	const struct mig_compute_instance *ci; /* NULL: nobody has them */
	unsigned int start, size;	       /* compute slices */
};

/* Neighbouring placement units. */
struct mig_box {
	const struct mig_gpu_instance *gi; /* NULL: nobody has them */
	unsigned int start, size;	   /* placement units */
	unsigned int slices;		   /* compute slices of the GPU instance */
	unsigned int part_count;	   /* 0 without compute instances */
	struct mig_box_part parts[MIG_BOX_PARTS_MAX];
};

struct mig_boxes {
	const struct mig_gpu *gpu;
	unsigned int units, used_units;
	unsigned int slices, used_slices;
	unsigned int count;
	struct mig_box box[MIG_FACTS_UNITS_MAX];
};

/* Of a GPU whose facts are known and that has units. */
void mig_boxes_of(const struct mig_gpu *gpu, struct mig_boxes *boxes);

/* "3g.20gb"; "" of free room. */
const char *mig_box_profile(const struct mig_boxes *boxes, const struct mig_box *box);

/* "CI 0", "CI 0 2c" if it does not fill its GPU instance, "free". */
void mig_box_part_text(const struct mig_box *box, const struct mig_box_part *part,
		       char text[MIG_BOX_TEXT_SIZE]);

/* "python", "python +2", "pid 12"; "" if nobody holds it. In ASCII, as foreign text may be wide. */
void mig_box_holder_text(const struct mig_box_part *part, char text[MIG_BOX_TEXT_SIZE]);

bool mig_box_is_held(const struct mig_box *box);
bool mig_box_is_any_held(const struct mig_boxes *boxes);

/* What fits into free room, the largest first: "3g.20gb 2g.10gb*2 1g.5gb*4"; nothing if nothing. */
void mig_box_fits(const struct mig_boxes *boxes, const struct mig_box *box, struct mig_buf *out);

/* "MIG on", "MIG off, on after a reset", "no MIG". */
const char *mig_box_mode_text(const struct mig_gpu *gpu);
bool mig_box_mode_is_pending(const struct mig_gpu *gpu);
