/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migctl mode: turns MIG mode on or off, and says before what that costs.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/change.h"
#include "cli/commands.h"
#include "cli/gpu_choice.h"
#include "cli/output.h"
#include "cli/wish.h"
#include "data/tables/gpu_table.h"
#include "doctor/doctor.h"
#include "shared/text.h"

const struct mig_option mig_cmd_mode_options[] = {
	MIG_GPU_OPTION,
	MIG_CHANGE_OPTIONS,
	{NULL, 0, NULL, NULL},
};

#define PCI_DEVICE_SHIFT 16
#define LINE_MAX_SIZE	 16384

struct switching {
	const struct mig_invocation *inv;
	const struct mig_session *session;
	bool mode;
};

static int want(void *cookie, const struct mig_snapshot *snapshot, struct mig_target **out,
		struct mig_error **err)
{
	const struct switching *s = cookie;
	_cleanup_gpu_choice_ struct mig_gpu_choice choice = {0};
	_cleanup_target_ struct mig_target *target = NULL;

	if (mig_gpu_choice_read(snapshot, mig_option_value(s->inv, "id"), &choice, err) < 0 ||
	    mig_gpu_choice_check_mig(snapshot, &choice, err) < 0 ||
	    mig_gpu_choice_refuse_lost(snapshot, &choice, err) < 0)
		return -1;
	target = mig_target_new(snapshot, err);
	if (target == NULL)
		return -1;
	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		const struct mig_gpu *gpu = &snapshot->gpus[i];

		if (!choice.is_chosen[i] || !gpu->is_mig_capable)
			continue;
		/* What is there stays where the mode does. */
		if (s->mode && gpu->mig_current)
			mig_gpu_target_from_gpu(gpu, &target->gpus[i]);
		target->gpus[i].is_named = true;
		target->gpus[i].mig_mode = s->mode;
	}
	*out = MIG_TAKE_PTR(target);
	return 0;
}

/* ---- what it costs ------------------------------------------------------------------------------- */

enum reset_need {
	RESET_NO,
	RESET_YES, /* Ampere GPUs change their mode by a reset, later ones without */
	RESET_UNKNOWN,
};

static enum reset_need reset_need(const struct mig_gpu *gpu)
{
	const struct mig_gpu_table *table = mig_gpu_table_find_pci(
		gpu->pci_device_id >> PCI_DEVICE_SHIFT, (uint32_t)gpu->memory_mib);

	if (table == NULL)
		return RESET_UNKNOWN;
	return table->mode_needs_reset ? RESET_YES : RESET_NO;
}

static bool skips_reset(const struct switching *s)
{
	return mig_option_given(s->inv, "skip-reset");
}

static const char *reset_words(const struct switching *s, const struct mig_gpu *gpu)
{
	switch (reset_need(gpu)) {
	case RESET_UNKNOWN:
		return "whether it has to be reset is not known of this model";
	case RESET_YES:
		if (skips_reset(s))
			return "where the driver cannot change it at once it stays pending until "
			       "the GPU is reset, which --skip-reset leaves to you";
		return "it has to be idle and is reset: by the driver, or where that is not enough "
		       "by migctl";
	case RESET_NO:
		break;
	}
	if (!s->mode)
		return "no reset is needed";
	return "no reset is needed; the mode is lost when the machine starts anew (migctl boot "
	       "brings it back)";
}

static bool has_persistence(const struct switching *s, const struct mig_gpu *gpu)
{
	const struct mig_driver *driver = s->session->driver;
	nvmlEnableState_t state = NVML_FEATURE_DISABLED;

	return mig_driver_has(driver, MIG_NVML_SYM_nvmlDeviceGetPersistenceMode) &&
	       driver->nvmlDeviceGetPersistenceMode(driver, gpu->handle, &state) == NVML_SUCCESS &&
	       state == NVML_FEATURE_ENABLED;
}

static void cost_of(const struct switching *s, const struct mig_plan_gpu *pg,
		    const struct mig_gpu *gpu, struct mig_buf *out)
{
	if (pg->destroyed_gi > 0)
		mig_buf_printf(out, "%u GPU instance%s", pg->destroyed_gi,
			       pg->destroyed_gi == 1 ? "" : "s");
	if (pg->destroyed_ci > 0)
		mig_buf_printf(out, " with %u MIG device%s", pg->destroyed_ci,
			       pg->destroyed_ci == 1 ? "" : "s");
	if (pg->destroyed_gi > 0)
		mig_buf_printf(out, " go%s; ", pg->destroyed_gi == 1 ? "es" : "");
	mig_buf_puts(out, reset_words(s, gpu));
	if (has_persistence(s, gpu))
		mig_buf_puts(out, "; persistence mode is on and may be in the way of a reset "
				  "(nvidia-persistenced, nvidia-smi -pm 0)");
}

static void put_costs(unsigned int first, unsigned int last, const struct mig_buf *text,
		      unsigned int width, struct mig_buf *out)
{
	_cleanup_buf_ struct mig_buf line = MIG_BUF_INIT(4096);

	mig_buf_printf(&line, "costs: GPU %u", first);
	if (last > first)
		mig_buf_printf(&line, "-%u, each", last);
	mig_buf_printf(&line, ": %s", mig_buf_text(text));
	mig_output_wrap(out, mig_buf_text(&line), 2, 6, width);
}

/* Whether some GPU of the plan may be reset by it. */
static bool may_reset(const struct switching *s, const struct mig_plan_view *view)
{
	for (unsigned int i = 0; i < view->plan->gpu_count && !skips_reset(s); i++) {
		const struct mig_plan_gpu *pg = &view->plan->gpus[i];

		if (pg->mode_changes &&
		    reset_need(&view->snapshot->gpus[pg->gpu_index]) != RESET_NO)
			return true;
	}
	return false;
}

typedef void (*finding_fn)(void *cookie, const struct mig_finding *finding);

/* Calls `put` for each who is in the way of a reset that the plan may do. */
static void each_in_the_way(const struct switching *s, const struct mig_plan_view *view,
			    finding_fn put, void *cookie)
{
	_cleanup_doctor_ struct mig_doctor doctor = {
		.ctx = &s->session->ctx,
		.snapshot = view->snapshot,
		.is_simulated = s->session->sim_identity != NULL,
	};

	if (!may_reset(s, view) || mig_doctor_run_in_the_way(&doctor, NULL) < 0)
		return;
	for (size_t i = 0; mig_doctor_checks[i].id != NULL; i++) {
		for (unsigned int f = 0; f < doctor.reports[i].count; f++) {
			if (doctor.reports[i].findings[f].kind != MIG_FINDING_SKIPPED)
				put(cookie, &doctor.reports[i].findings[f]);
		}
	}
}

struct text {
	struct mig_buf *out;
	unsigned int width;
};

static void put_in_the_way(void *cookie, const struct mig_finding *finding)
{
	_cleanup_buf_ struct mig_buf line = MIG_BUF_INIT(LINE_MAX_SIZE);
	_cleanup_buf_ struct mig_buf shown = MIG_BUF_INIT(4 * LINE_MAX_SIZE);
	const struct text *text = cookie;

	mig_buf_printf(&line, "in the way of a reset: %s (%s%s)", finding->subject,
		       finding->is_of_machine ? "on a real machine: " : "", finding->mend);
	mig_text_escape_message(&shown, mig_buf_text(&line));
	mig_output_wrap(text->out, mig_buf_text(&shown), 2, 6, text->width);
}

/* Neighbours with the same costs are one line. */
static void costs(void *cookie, const struct mig_plan_view *view, struct mig_buf *out)
{
	_cleanup_buf_ struct mig_buf shown = MIG_BUF_INIT(4096);
	struct text in_the_way = {.out = out, .width = view->style->width};
	unsigned int first = 0, last = 0;

	for (unsigned int i = 0; i < view->plan->gpu_count; i++) {
		const struct mig_plan_gpu *pg = &view->plan->gpus[i];
		const struct mig_gpu *gpu = &view->snapshot->gpus[pg->gpu_index];
		_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(4096);

		if (!pg->mode_changes)
			continue;
		cost_of(cookie, pg, gpu, &text);
		if (shown.len > 0 && gpu->index == last + 1 &&
		    strcmp(mig_buf_text(&shown), mig_buf_text(&text)) == 0) {
			last = gpu->index;
			continue;
		}
		if (shown.len > 0)
			put_costs(first, last, &shown, view->style->width, out);
		mig_buf_reset(&shown);
		mig_buf_puts(&shown, mig_buf_text(&text));
		first = last = gpu->index;
	}
	if (shown.len > 0)
		put_costs(first, last, &shown, view->style->width, out);
	each_in_the_way(cookie, view, put_in_the_way, &in_the_way);
}

static void json_in_the_way(void *cookie, const struct mig_finding *finding)
{
	struct mig_json *json = cookie;

	mig_json_object_begin(json);
	mig_json_member_string(json, "subject", finding->subject);
	mig_json_member_string(json, "text", finding->text);
	mig_json_member_string(json, "mend", finding->mend);
	mig_json_member_bool(json, "mend_on_machine", finding->is_of_machine);
	mig_json_object_end(json);
}

static void costs_json(void *cookie, const struct mig_plan_view *view, struct mig_json *json)
{
	static const char *const needs[] = {
		[RESET_NO] = "no", [RESET_YES] = "yes", [RESET_UNKNOWN] = "unknown"};

	mig_json_key(json, "costs");
	mig_json_array_begin(json);
	for (unsigned int i = 0; i < view->plan->gpu_count; i++) {
		const struct mig_plan_gpu *pg = &view->plan->gpus[i];
		const struct mig_gpu *gpu = &view->snapshot->gpus[pg->gpu_index];

		if (!pg->mode_changes)
			continue;
		mig_json_object_begin(json);
		mig_json_member_string(json, "gpu_uuid", gpu->uuid);
		mig_json_member_uint(json, "gpu_index", gpu->index);
		mig_json_member_string(json, "needs_reset", needs[reset_need(gpu)]);
		mig_json_member_uint(json, "gpu_instances", pg->destroyed_gi);
		mig_json_member_uint(json, "mig_devices", pg->destroyed_ci);
		mig_json_member_bool(json, "persistence_mode", has_persistence(cookie, gpu));
		mig_json_object_end(json);
	}
	mig_json_array_end(json);
	mig_json_key(json, "in_the_way_of_reset");
	mig_json_array_begin(json);
	each_in_the_way(cookie, view, json_in_the_way, json);
	mig_json_array_end(json);
}

/* ---- the command --------------------------------------------------------------------------------- */

int mig_cmd_mode_run(const struct mig_invocation *inv, struct mig_error **err)
{
	_cleanup_session_ struct mig_session session = {0};
	_cleanup_free_ char *command = mig_wish_command_text(inv);
	struct switching s = {.inv = inv, .session = &session};
	struct mig_change change = {
		.inv = inv, .schema = "migctl.mode/1", .costs = costs, .costs_json = costs_json};

	if (command == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	s.mode = strcmp(inv->args[0], "on") == 0;
	if (!s.mode && strcmp(inv->args[0], "off") != 0) {
		mig_error_set(err, MIG_ERROR_USAGE, "mode is 'on' or 'off'");
		return mig_error_hint(err, "migctl status shows the modes of the GPUs");
	}
	if (mig_session_open(&session, err) < 0)
		return -1;
	change.request.kind = MIG_CHANGE_MODE;
	change.request.command = command;
	change.request.want = want;
	change.request.cookie = &s;
	return mig_change_run(&change, &session, err);
}
