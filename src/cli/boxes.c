/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the picture of a GPU consists of; see boxes.h.
 */
#include "cli/boxes.h"

#include <stdlib.h>
#include <string.h>

#include "core/room.h"
#include "shared/text.h"

static int compare_parts(const void *a, const void *b)
{
	const struct mig_box_part *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

static void add_part(struct mig_box *box, const struct mig_compute_instance *ci, unsigned int start,
		     unsigned int end)
{
	if (end <= start || box->part_count == MIG_BOX_PARTS_MAX)
		return;
	box->parts[box->part_count++] =
		(struct mig_box_part){.ci = ci, .start = start, .size = end - start};
}

/* Side by side, with the free slices between them. A driver that lays them over each other, or
 * outside, gets them cut. */
static void find_parts(struct mig_box *box)
{
	struct mig_box_part sorted[MIG_COMPUTE_INSTANCES_MAX];
	unsigned int at = 0;

	for (unsigned int i = 0; i < box->gi->ci_count; i++)
		sorted[i] = (struct mig_box_part){.ci = &box->gi->ci[i],
						  .start = box->gi->ci[i].start,
						  .size = box->gi->ci[i].size};
	qsort(sorted, box->gi->ci_count, sizeof(sorted[0]), compare_parts);
	for (unsigned int i = 0; i < box->gi->ci_count; i++) {
		unsigned int start = MIG_MAX(at, sorted[i].start);
		unsigned int end = MIG_MIN(box->slices, sorted[i].start + sorted[i].size);

		add_part(box, NULL, at, MIG_MIN(start, box->slices));
		add_part(box, sorted[i].ci, start, end);
		at = MIG_MAX(at, end);
	}
	if (box->gi->ci_count > 0)
		add_part(box, NULL, at, box->slices);
}

void mig_boxes_of(const struct mig_gpu *gpu, struct mig_boxes *boxes)
{
	int owner[MIG_FACTS_UNITS_MAX];

	*boxes = (struct mig_boxes){
		.gpu = gpu, .units = gpu->facts->units, .slices = gpu->facts->slices};
	for (unsigned int u = 0; u < boxes->units; u++)
		owner[u] = -1;
	for (unsigned int i = 0; i < gpu->gi_count; i++) {
		for (unsigned int u = 0; u < gpu->gi[i].size; u++)
			owner[gpu->gi[i].start + u] = (int)i;
		boxes->used_slices += gpu->facts->gi[gpu->gi[i].gi_row].slice_count;
	}
	for (unsigned int u = 0; u < boxes->units; u++) {
		struct mig_box *box;

		boxes->used_units += owner[u] >= 0;
		if (u > 0 && owner[u] == owner[u - 1]) {
			boxes->box[boxes->count - 1].size++;
			continue;
		}
		box = &boxes->box[boxes->count++];
		box->start = u;
		box->size = 1;
		if (owner[u] < 0)
			continue;
		box->gi = &gpu->gi[owner[u]];
		box->slices = gpu->facts->gi[box->gi->gi_row].slice_count;
		find_parts(box);
	}
}

const char *mig_box_profile(const struct mig_boxes *boxes, const struct mig_box *box)
{
	return box->gi == NULL ? "" : boxes->gpu->facts->gi[box->gi->gi_row].name;
}

void mig_box_part_text(const struct mig_box *box, const struct mig_box_part *part,
		       char text[MIG_BOX_TEXT_SIZE])
{
	if (part->ci == NULL)
		mig_text_copy(text, MIG_BOX_TEXT_SIZE, "free");
	else if (part->size == box->slices)
		mig_text_format(text, MIG_BOX_TEXT_SIZE, "CI %u", part->ci->id);
	else
		mig_text_format(text, MIG_BOX_TEXT_SIZE, "CI %u %uc", part->ci->id, part->size);
}

void mig_box_holder_text(const struct mig_box_part *part, char text[MIG_BOX_TEXT_SIZE])
{
	const struct mig_holder *first;

	text[0] = '\0';
	if (part->ci == NULL || part->ci->holder_count == 0)
		return;
	first = &part->ci->holders[0];
	if (first->name[0] == '\0')
		mig_text_format(text, MIG_BOX_TEXT_SIZE, "pid %u", first->pid);
	else
		mig_text_copy(text, MIG_BOX_TEXT_SIZE, first->name);
	for (char *c = text; *c != '\0'; c++) {
		if (*c < ' ' || *c > '~')
			*c = '?';
	}
	if (part->ci->holder_count > 1)
		mig_text_format(text + strlen(text), MIG_BOX_TEXT_SIZE - strlen(text), " +%u",
				part->ci->holder_count - 1);
}

bool mig_box_is_held(const struct mig_box *box)
{
	for (unsigned int i = 0; i < box->part_count; i++) {
		if (box->parts[i].ci != NULL && box->parts[i].ci->holder_count > 0)
			return true;
	}
	return false;
}

bool mig_box_is_any_held(const struct mig_boxes *boxes)
{
	for (unsigned int i = 0; i < boxes->count; i++) {
		if (mig_box_is_held(&boxes->box[i]))
			return true;
	}
	return false;
}

void mig_box_fits(const struct mig_boxes *boxes, const struct mig_box *box, struct mig_buf *out)
{
	const struct mig_facts *facts = boxes->gpu->facts;
	bool is_listed[MIG_FACTS_GI_PROFILES_MAX] = {false};

	for (unsigned int n = 0; n < facts->gi_count; n++) {
		unsigned int count, best = facts->gi_count;

		/* By slices, then by memory; there are few. */
		for (unsigned int i = 0; i < facts->gi_count; i++) {
			if (!is_listed[i] &&
			    (best == facts->gi_count ||
			     facts->gi[i].slice_count > facts->gi[best].slice_count ||
			     (facts->gi[i].slice_count == facts->gi[best].slice_count &&
			      facts->gi[i].size > facts->gi[best].size)))
				best = i;
		}
		is_listed[best] = true;
		count = mig_gi_fits_within(boxes->gpu, best, box->start, box->start + box->size);
		if (count == 0)
			continue;
		mig_buf_printf(out, "%s%s", out->len > 0 ? " " : "", facts->gi[best].name);
		if (count > 1)
			mig_buf_printf(out, "*%u", count);
	}
}

bool mig_box_mode_is_pending(const struct mig_gpu *gpu)
{
	return gpu->is_mig_capable && gpu->mig_current != gpu->mig_pending;
}

const char *mig_box_mode_text(const struct mig_gpu *gpu)
{
	if (gpu->is_lost)
		return "lost (fallen off the bus)";
	if (!gpu->is_mig_capable)
		return "no MIG";
	if (gpu->mig_current == gpu->mig_pending)
		return gpu->mig_current ? "MIG on" : "MIG off";
	return gpu->mig_pending ? "MIG off, on after a reset" : "MIG on, off after a reset";
}
