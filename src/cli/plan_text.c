/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans as text; see plan_text.h.
 *
 * Neighbouring GPUs with the same change stand in one paragraph, so that a node of eight equal GPUs
 * is one picture and not eight.
 */
#include "cli/plan_text.h"

#include <stdlib.h>
#include <string.h>

#include "cli/output.h"
#include "core/after.h"
#include "core/holders.h"
#include "shared/clock.h"
#include "shared/text.h"

#define TEXT_MAX      (16 * 1024 * 1024)
#define DEVICE_WIDTH  78 /* of a line that names a MIG device */
#define OUTCOME_WIDTH 12 /* before what an operation is */

static bool is_change(const struct mig_plan_gpu *pg)
{
	return pg->op_count > 0;
}

/* A line below the plan, as wide as the terminal. */
static void put_line(const struct mig_plan_view *view, const struct mig_buf *line,
		     struct mig_buf *out)
{
	mig_output_wrap(out, mig_buf_text(line), 2, 6, view->style->width);
}

/* ---- one line ----------------------------------------------------------------------------------- */

/* Between the parts of a GPU's line. */
static void put_comma(struct mig_buf *out)
{
	if (out->len > 0)
		mig_buf_puts(out, ", ");
}

/* "create 2: 3g.20gb@4 1g.5gb@0" */
static void put_placements(const struct mig_plan *plan, const struct mig_plan_gpu *pg,
			   enum mig_op_kind kind, const char *verb, unsigned int count,
			   struct mig_buf *out)
{
	if (count == 0)
		return;
	put_comma(out);
	mig_buf_printf(out, "%s %u:", verb, count);
	for (unsigned int i = pg->first_op; i < pg->first_op + pg->op_count; i++) {
		if (plan->ops[i].kind == kind)
			mig_buf_printf(out, " %s@%u", plan->ops[i].gi_profile_name,
				       plan->ops[i].gi_start);
	}
}

static bool has_op(const struct mig_plan *plan, const struct mig_plan_gpu *pg,
		   enum mig_op_kind kind)
{
	for (unsigned int i = pg->first_op; i < pg->first_op + pg->op_count; i++) {
		if (plan->ops[i].kind == kind)
			return true;
	}
	return false;
}

static void describe_gpu(const struct mig_plan_view *view, const struct mig_plan_gpu *pg,
			 struct mig_buf *out)
{
	const struct mig_gpu *gpu = &view->snapshot->gpus[pg->gpu_index];

	if (!pg->mode_changes && has_op(view->plan, pg, MIG_OP_MODE_SET))
		mig_buf_puts(out, "take back the pending MIG mode change");
	if (pg->mode_changes) {
		mig_buf_printf(out, "turn MIG %s", gpu->mig_current ? "off" : "on");
	} else if (pg->kept_gi > 0) {
		put_comma(out);
		mig_buf_printf(out, "keep %u instance%s", pg->kept_gi, pg->kept_gi == 1 ? "" : "s");
	}
	put_placements(view->plan, pg, MIG_OP_GI_DESTROY, "destroy", pg->destroyed_gi, out);
	put_placements(view->plan, pg, MIG_OP_GI_CREATE, "create", pg->created_gi, out);
	/* Compute instances are worth a word where their GPU instance stays. */
	if (pg->destroyed_gi == 0 && pg->destroyed_ci > 0) {
		put_comma(out);
		mig_buf_printf(out, "destroy %u compute instance%s", pg->destroyed_ci,
			       pg->destroyed_ci == 1 ? "" : "s");
	}
	if (pg->created_gi == 0 && pg->created_ci > 0) {
		put_comma(out);
		mig_buf_printf(out, "create %u compute instance%s", pg->created_ci,
			       pg->created_ci == 1 ? "" : "s");
	}
}

/* ---- the paragraph of a GPU ---------------------------------------------------------------------- */

static void draw(const struct mig_plan_view *view, const char *title, const struct mig_gpu *gpu,
		 struct mig_buf *out)
{
	mig_buf_printf(out, "  %s:", title);
	if (!gpu->mig_current) {
		mig_buf_puts(out, " MIG off\n");
		return;
	}
	if (gpu->gi_count == 0) {
		mig_buf_puts(out, " no instances\n");
		return;
	}
	mig_buf_putc(out, '\n');
	mig_picture_draw(gpu, view->style, out);
}

/* Everything but the number of the GPU and the UUIDs: equal for equal changes. */
static void describe_change(const struct mig_plan_view *view, const struct mig_plan_gpu *pg,
			    struct mig_buf *line, struct mig_buf *pictures)
{
	struct mig_gpu *after = malloc(sizeof(*after));
	const struct mig_gpu *gpu = &view->snapshot->gpus[pg->gpu_index];

	describe_gpu(view, pg, line);
	if (after == NULL)
		return;
	mig_plan_gpu_after(gpu, view->plan, pg, after);
	draw(view, "now", gpu, pictures);
	draw(view, "then", after, pictures);
	free(after);
}

static bool is_new(const struct mig_gpu_instance *gi)
{
	return gi->id == MIG_ID_NEW;
}

void mig_plan_print_device(const struct mig_picture_style *style, const char *profile,
			   const char *uuid, struct mig_buf *out)
{
	if (style->width < DEVICE_WIDTH)
		mig_buf_printf(out, "%s\n%s\n", profile, uuid);
	else
		mig_buf_printf(out, "%-14s  %s\n", profile, uuid);
}

/* What stays, by UUID: these MIG devices go on as if nothing had happened. */
static void put_kept(const struct mig_plan_view *view, const struct mig_plan_gpu *pg,
		     struct mig_buf *out)
{
	const struct mig_gpu *gpu = &view->snapshot->gpus[pg->gpu_index];
	struct mig_gpu *after = malloc(sizeof(*after));

	if (after == NULL)
		return;
	mig_plan_gpu_after(gpu, view->plan, pg, after);
	for (unsigned int i = 0; i < after->gi_count; i++) {
		const struct mig_gpu_instance *gi = &after->gi[i];
		const struct mig_gi_profile *profile = &gpu->facts->gi[gi->gi_row];

		for (unsigned int c = 0; !is_new(gi) && c < gi->ci_count; c++) {
			char name[MIG_PROFILE_NAME_SIZE], place[32];

			if (gi->ci[c].id == MIG_ID_NEW || gi->ci[c].uuid[0] == '\0')
				continue;
			mig_facts_device_name(profile, gi->ci[c].ci_row, name, sizeof(name));
			mig_text_format(place, sizeof(place), "%u:%u", gi->start, gi->size);
			mig_buf_printf(out, "  kept: GPU %-2u  %-4s  ", gpu->index, place);
			mig_plan_print_device(view->style, name, gi->ci[c].uuid, out);
		}
	}
	free(after);
}

/* A run of neighbours with the same change. Returns the first entry of the plan behind it. */
static unsigned int put_group(const struct mig_plan_view *view, unsigned int first,
			      struct mig_buf *out)
{
	_cleanup_buf_ struct mig_buf line = MIG_BUF_INIT(TEXT_MAX);
	_cleanup_buf_ struct mig_buf pictures = MIG_BUF_INIT(TEXT_MAX);
	_cleanup_buf_ struct mig_buf whole = MIG_BUF_INIT(TEXT_MAX);
	const struct mig_plan *plan = view->plan;
	unsigned int first_index = view->snapshot->gpus[plan->gpus[first].gpu_index].index;
	unsigned int last_index = first_index;
	unsigned int next = first + 1;

	describe_change(view, &plan->gpus[first], &line, &pictures);
	for (; next < plan->gpu_count && is_change(&plan->gpus[next]); next++) {
		_cleanup_buf_ struct mig_buf other_line = MIG_BUF_INIT(TEXT_MAX);
		_cleanup_buf_ struct mig_buf other_pictures = MIG_BUF_INIT(TEXT_MAX);
		unsigned int index = view->snapshot->gpus[plan->gpus[next].gpu_index].index;

		describe_change(view, &plan->gpus[next], &other_line, &other_pictures);
		if (index != last_index + 1 ||
		    strcmp(mig_buf_text(&line), mig_buf_text(&other_line)) != 0 ||
		    strcmp(mig_buf_text(&pictures), mig_buf_text(&other_pictures)) != 0)
			break;
		last_index = index;
	}
	mig_buf_printf(&whole, "GPU %u", first_index);
	if (last_index > first_index)
		mig_buf_printf(&whole, "-%u", last_index);
	mig_buf_printf(&whole, ": %s", mig_buf_text(&line));
	mig_output_wrap(out, mig_buf_text(&whole), 2, 6, view->style->width);
	mig_buf_puts(out, mig_buf_text(&pictures));
	for (unsigned int i = first; i < next; i++)
		put_kept(view, &plan->gpus[i], out);
	return next;
}

/* ---- the whole ----------------------------------------------------------------------------------- */

void mig_plan_print_duration(uint64_t ns, struct mig_buf *out)
{
	uint64_t tenths = (ns + 50 * MIG_CLOCK_NS_PER_MS) / (100 * MIG_CLOCK_NS_PER_MS);

	if (tenths < 600)
		mig_buf_printf(out, "%llu.%llu s", (unsigned long long)(tenths / 10),
			       (unsigned long long)(tenths % 10));
	else
		mig_buf_printf(out, "%llu min %llu s", (unsigned long long)(tenths / 600),
			       (unsigned long long)(tenths % 600 / 10));
}

static void put_estimate(const struct mig_plan_view *view, struct mig_buf *out)
{
	_cleanup_buf_ struct mig_buf line = MIG_BUF_INIT(TEXT_MAX);

	if (view->estimate == NULL)
		return;
	if (!view->estimate->is_known) {
		mig_buf_puts(&line, "takes: not known, not every operation of it was measured on "
				    "this node yet");
	} else if (view->estimate->ns < 100 * MIG_CLOCK_NS_PER_MS) {
		mig_buf_puts(&line, "takes: less than 0.1 s, by what was measured on this node");
	} else {
		mig_buf_puts(&line, "takes: about ");
		mig_plan_print_duration(view->estimate->ns, &line);
		mig_buf_puts(&line, ", by what was measured on this node");
	}
	put_line(view, &line, out);
}

/* Those who are in the way, a line each. */
static void put_in_the_way(const struct mig_plan_view *view, struct mig_buf *out)
{
	_cleanup_free_ struct mig_in_the_way *list = NULL;
	unsigned int count = 0;

	if (mig_in_the_way_find(view->snapshot, view->plan, &list, &count, NULL) < 0)
		return;
	for (unsigned int i = 0; i < count; i++) {
		_cleanup_buf_ struct mig_buf line = MIG_BUF_INIT(TEXT_MAX);

		mig_buf_puts(&line, "in the way: ");
		mig_in_the_way_describe(&list[i], &line);
		put_line(view, &line, out);
	}
}

static void put_holders(const struct mig_gpu *gpu, struct mig_buf *out)
{
	for (unsigned int i = 0; i < gpu->holder_count; i++)
		mig_holder_describe(&gpu->holders[i], out);
	for (unsigned int i = 0; i < gpu->gi_count; i++) {
		for (unsigned int c = 0; c < gpu->gi[i].ci_count; c++) {
			for (unsigned int h = 0; h < gpu->gi[i].ci[c].holder_count; h++)
				mig_holder_describe(&gpu->gi[i].ci[c].holders[h], out);
		}
	}
}

/* The GPUs that stay as they are because of what is held there (keep-in-use). */
static void put_blocked(const struct mig_plan_view *view, struct mig_buf *out)
{
	for (unsigned int i = 0; i < view->plan->gpu_count; i++) {
		const struct mig_plan_gpu *pg = &view->plan->gpus[i];
		const struct mig_gpu *gpu = &view->snapshot->gpus[pg->gpu_index];
		_cleanup_buf_ struct mig_buf who = MIG_BUF_INIT(64 * 1024);
		_cleanup_buf_ struct mig_buf line = MIG_BUF_INIT(TEXT_MAX);

		if (!pg->is_blocked)
			continue;
		put_holders(gpu, &who);
		mig_buf_printf(&line, "GPU %u stays as it is: it is in use by %s", gpu->index,
			       who.len > 0 ? mig_buf_text(&who) : "somebody");
		put_line(view, &line, out);
	}
}

static void put_bound(const struct mig_plan_view *view, struct mig_buf *out)
{
	_cleanup_buf_ struct mig_buf line = MIG_BUF_INIT(TEXT_MAX);
	const struct mig_plan *plan = view->plan;
	unsigned int held = 0, destroyed = 0;

	if (plan->is_optimal)
		return;
	for (unsigned int i = 0; i < plan->gpu_count; i++) {
		held += plan->gpus[i].held_destroyed;
		destroyed += plan->gpus[i].destroyed_gi;
	}
	mig_buf_printf(
		&line,
		"not proved to be the best: %u held and %u GPU instances go; no plan can do with "
		"less than %u and %u",
		held, destroyed, plan->held_destroyed_bound, plan->gi_destroyed_bound);
	put_line(view, &line, out);
}

void mig_plan_print(const struct mig_plan_view *view, struct mig_buf *out)
{
	const struct mig_plan *plan = view->plan;
	unsigned int changes = 0, blocked = 0;

	for (unsigned int i = 0; i < plan->gpu_count; i++) {
		changes += is_change(&plan->gpus[i]);
		blocked += plan->gpus[i].is_blocked;
	}
	if (changes == 0 && blocked == 0) {
		mig_buf_printf(out, "Nothing had to change: %u GPU%s %s as wanted.\n",
			       plan->gpu_count, plan->gpu_count == 1 ? "" : "s",
			       plan->gpu_count == 1 ? "is" : "are");
		return;
	}
	mig_buf_printf(out, "Plan: %u of %u GPU%s change%s, %u operation%s\n", changes,
		       view->snapshot->gpu_count, view->snapshot->gpu_count == 1 ? "" : "s",
		       changes == 1 ? "s" : "", plan->op_count, plan->op_count == 1 ? "" : "s");
	for (unsigned int i = 0; i < plan->gpu_count;)
		i = is_change(&plan->gpus[i]) ? put_group(view, i, out) : i + 1;
	put_in_the_way(view, out);
	put_blocked(view, out);
	put_bound(view, out);
	if (changes > 0)
		put_estimate(view, out);
}

void mig_plan_print_outcomes(const char *title, const struct mig_plan *plan,
			     const struct mig_op_result *results, unsigned int width,
			     struct mig_buf *out)
{
	if (plan == NULL || plan->op_count == 0)
		return;
	mig_buf_printf(out, "%s\n", title);
	for (unsigned int i = 0; i < plan->op_count; i++) {
		_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(TEXT_MAX);
		_cleanup_buf_ struct mig_buf lines = MIG_BUF_INIT(TEXT_MAX);

		mig_op_describe(&plan->ops[i], &text);
		mig_output_wrap(&lines, mig_buf_text(&text), OUTCOME_WIDTH, OUTCOME_WIDTH, width);
		mig_buf_printf(
			out, "  %-*s%s", OUTCOME_WIDTH - 2, mig_op_outcome_word(results[i].outcome),
			mig_buf_failed(&lines) ? "\n" : mig_buf_text(&lines) + OUTCOME_WIDTH);
	}
}
