/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan for people: what changes on which GPU, pictures before and after, what is kept, who is in
 * the way, how long it takes. Must not change anything.
 */
#pragma once

#include "cli/picture.h"
#include "core/history.h"
#include "core/in_the_way.h"
#include "core/operation.h"
#include "core/plan.h"
#include "shared/buf.h"

struct mig_plan_view {
	const struct mig_snapshot *snapshot; /* read with UUIDs and holders if anything changes */
	const struct mig_plan *plan;
	const struct mig_picture_style *style;
	const struct mig_estimate *estimate; /* NULL: not asked for */
};

/* The whole plan; "Nothing had to change: …" when there is nothing in it. */
void mig_plan_print(const struct mig_plan_view *view, struct mig_buf *out);

/* The end of a line that names a MIG device: profile and UUID. Where the terminal is too narrow the
 * UUID has a line of its own, whole. */
void mig_plan_print_device(const struct mig_picture_style *style, const char *profile,
			   const char *uuid, struct mig_buf *out);

/* Operations with what became of each, under a title; nothing where there are none (plan NULL). */
void mig_plan_print_outcomes(const char *title, const struct mig_plan *plan,
			     const struct mig_op_result *results, unsigned int width,
			     struct mig_buf *out);

/* "1.2 s", "3 min 20 s" */
void mig_plan_print_duration(uint64_t ns, struct mig_buf *out);
