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

const struct mig_option mig_cmd_mode_options[] = {
	MIG_GPU_OPTION,
	MIG_CHANGE_OPTIONS,
	{NULL, 0, NULL, NULL},
};

#define PCI_DEVICE_SHIFT 16

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

/* Ampere GPUs change their mode by a reset, later ones without. */
static const char *reset_words(const struct mig_gpu *gpu, bool mode)
{
	const struct mig_gpu_table *table = mig_gpu_table_find_pci(
		gpu->pci_device_id >> PCI_DEVICE_SHIFT, (uint32_t)gpu->memory_mib);

	if (table == NULL)
		return "whether it has to be reset is not known of this model";
	if (table->mode_needs_reset)
		return "it has to be idle and is reset: by the driver, or where that is not enough "
		       "by migctl (not with --skip-reset)";
	if (!mode)
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
		mig_buf_printf(out, "%u GPU instance%s with %u MIG device%s go%s; ",
			       pg->destroyed_gi, pg->destroyed_gi == 1 ? "" : "s", pg->destroyed_ci,
			       pg->destroyed_ci == 1 ? "" : "s", pg->destroyed_gi == 1 ? "es" : "");
	mig_buf_puts(out, reset_words(gpu, s->mode));
	if (has_persistence(s, gpu))
		mig_buf_puts(out, "; persistence mode is on and may be in the way of a reset "
				  "(nvidia-persistenced, nvidia-smi -pm 0)");
}

static void put_costs(unsigned int first, unsigned int last, const struct mig_buf *text,
		      struct mig_buf *out)
{
	_cleanup_buf_ struct mig_buf line = MIG_BUF_INIT(4096);

	mig_buf_printf(&line, "costs: GPU %u", first);
	if (last > first)
		mig_buf_printf(&line, "-%u", last);
	mig_buf_printf(&line, ": %s", mig_buf_text(text));
	mig_output_wrap(out, mig_buf_text(&line), 2, 6);
}

/* Neighbours with the same costs are one line. */
static void costs(void *cookie, const struct mig_snapshot *snapshot, const struct mig_plan *plan,
		  struct mig_buf *out)
{
	_cleanup_buf_ struct mig_buf shown = MIG_BUF_INIT(4096);
	unsigned int first = 0, last = 0;

	for (unsigned int i = 0; i < plan->gpu_count; i++) {
		const struct mig_gpu *gpu = &snapshot->gpus[plan->gpus[i].gpu_index];
		_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(4096);

		if (!plan->gpus[i].mode_changes)
			continue;
		cost_of(cookie, &plan->gpus[i], gpu, &text);
		if (shown.len > 0 && gpu->index == last + 1 &&
		    strcmp(mig_buf_text(&shown), mig_buf_text(&text)) == 0) {
			last = gpu->index;
			continue;
		}
		if (shown.len > 0)
			put_costs(first, last, &shown, out);
		mig_buf_reset(&shown);
		mig_buf_puts(&shown, mig_buf_text(&text));
		first = last = gpu->index;
	}
	if (shown.len > 0)
		put_costs(first, last, &shown, out);
}

int mig_cmd_mode_run(const struct mig_invocation *inv, struct mig_error **err)
{
	_cleanup_session_ struct mig_session session = {0};
	_cleanup_free_ char *command = mig_wish_command_text(inv);
	struct switching s = {.inv = inv, .session = &session};
	struct mig_change change = {.inv = inv, .schema = "migctl.mode/1", .costs = costs};

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
