/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migctl create: GPU instances beside those that are there, each with a compute instance, or compute
 * instances in a GPU instance that is there.
 */
#include <stdlib.h>

#include "cli/change.h"
#include "cli/commands.h"
#include "cli/gpu_choice.h"
#include "cli/instance_name.h"
#include "cli/what.h"
#include "cli/wish.h"

const struct mig_option mig_cmd_create_options[] = {
	{"id", 'i', "GPU",
	 "on this GPU: index, UUID or PCI address (default: the lowest that fits)"},
	{"gi", 'g', "GI",
	 "compute instances in this GPU instance: its id, GPU:ID, or the UUID of a MIG device in "
	 "it"},
	{"no-ci", 0, NULL, "GPU instances without a compute instance"},
	MIG_CHANGE_OPTIONS,
	{NULL, 0, NULL, NULL},
};

struct creation {
	const struct mig_invocation *inv;
	struct mig_what what;
};

static int want(void *cookie, const struct mig_snapshot *snapshot, struct mig_target **target,
		struct mig_error **err)
{
	const struct creation *creation = cookie;
	_cleanup_gpu_choice_ struct mig_gpu_choice choice = {0};
	const char *gpu = mig_option_value(creation->inv, "id");
	const char *parent = mig_option_value(creation->inv, "gi");
	const struct mig_additions additions = {
		.items = creation->what.items,
		.count = (unsigned int)creation->what.count,
		.has_ci = !mig_option_given(creation->inv, "no-ci"),
	};
	struct mig_instance_name name;
	int position = -1;

	if (mig_gpu_choice_read(snapshot, gpu, &choice, err) < 0)
		return -1;
	if (choice.is_named && choice.count > 1) {
		mig_error_set(err, MIG_ERROR_USAGE, "create takes one GPU (-i)");
		return mig_error_hint(err, "run it for each, or bring them to a layout: migctl "
					   "apply GPUS=DEVICES");
	}
	if (choice.is_named && mig_gpu_choice_refuse_lost(snapshot, &choice, err) < 0)
		return -1;
	for (unsigned int i = 0; choice.is_named && i < snapshot->gpu_count; i++) {
		if (choice.is_chosen[i])
			position = (int)i;
	}
	if (parent == NULL)
		return mig_adding_gi(snapshot, &additions, position, target, err);
	if (position >= 0 && mig_adding_check_mode(&snapshot->gpus[position], err) < 0)
		return -1;
	if (mig_instance_name_find(snapshot, position, parent, &name, err) < 0)
		return -1;
	return mig_adding_ci(snapshot, &additions, name.position, name.gi, target, err);
}

static int check(const struct mig_invocation *inv, const struct mig_what *what,
		 struct mig_error **err)
{
	bool has_no_ci = mig_option_given(inv, "no-ci");
	const char *parent = mig_option_value(inv, "gi");
	struct mig_profile_name name;

	if (parent == NULL && what->count == 0) {
		mig_error_set(err, MIG_ERROR_USAGE, "create needs a PROFILE");
		return mig_error_hint(err, "migctl profiles shows what fits, as in: migctl create "
					   "1g.5gb*2");
	}
	if (parent != NULL && has_no_ci)
		return mig_error_set(err, MIG_ERROR_USAGE,
				     "--gi makes compute instances and --no-ci none");
	if (parent != NULL && !mig_instance_name_is(parent)) {
		mig_error_set(err, MIG_ERROR_USAGE, "--gi does not name a GPU instance");
		return mig_error_hint(err, "it takes an id, GPU:ID, or the UUID of a MIG device: "
					   "migctl list --tree");
	}
	for (size_t i = 0; has_no_ci && i < what->count; i++) {
		if (!what->items[i].has_id &&
		    mig_profile_name_parse(what->items[i].profile, &name) == 0 &&
		    name.compute_slices != name.gpu_slices)
			return mig_error_set(err, MIG_ERROR_USAGE,
					     "'%s' is a compute instance, and --no-ci is given",
					     what->items[i].profile);
	}
	return 0;
}

static int create(struct creation *creation, struct mig_error **err)
{
	_cleanup_session_ struct mig_session session = {0};
	const struct mig_invocation *inv = creation->inv;
	_cleanup_free_ char *command = mig_wish_command_text(inv);
	struct mig_change change = {.inv = inv, .schema = "migctl.create/1", .tells_use = true};

	if (command == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	if (mig_what_parse(inv->args, (size_t)inv->arg_count, mig_option_given(inv, "gi"),
			   &creation->what, err) < 0 ||
	    check(inv, &creation->what, err) < 0 || mig_session_open(&session, err) < 0)
		return -1;
	change.request.kind = MIG_CHANGE_CREATE;
	change.request.command = command;
	change.request.want = want;
	change.request.cookie = creation;
	change.request.snapshot_flags = mig_option_given(inv, "gi") ? MIG_SNAPSHOT_UUIDS : 0;
	return mig_change_run(&change, &session, err);
}

int mig_cmd_create_run(const struct mig_invocation *inv, struct mig_error **err)
{
	struct creation creation = {.inv = inv};
	int rc = create(&creation, err);

	mig_what_clear(&creation.what);
	return rc;
}
