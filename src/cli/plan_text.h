/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan for people: what changes on which GPU, pictures before and after, what is kept, who is in
 * the way, how long it takes. Must not change anything.
 */
#pragma once

#include "cli/picture.h"
#include "core/history.h"
#include "core/in_the_way.h"
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

/* Those who are in the way, a line each; nothing if there are none. */
void mig_plan_print_in_the_way(const struct mig_plan_view *view, struct mig_buf *out);

/* The GPUs that stay as they are because of what is held there (keep-in-use), a line each. */
void mig_plan_print_blocked(const struct mig_plan_view *view, struct mig_buf *out);

/* "1.2 s", "3 min 20 s" */
void mig_plan_print_duration(uint64_t ns, struct mig_buf *out);
