/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migctl sim create, sim use and sim destroy: simulated nodes come, are chosen, and go.
 */
#include <stdio.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/sim_text.h"
#include "sim/control/control.h"

#define ENVIRONMENT_MAX ((size_t)1 << 20)

const struct mig_option mig_cmd_sim_create_options[] = {
	{"gpus", 'g', "SPEC", "which GPUs: [COUNTx]MODEL[:OPTION...][,...]"},
	{"file", 'f', "FILE", "read the description from FILE ('-': standard input)"},
	{"driver", 'd', "BRANCH", "driver branch (default 550)"},
	{NULL, 0, NULL, NULL},
};

static int describe(const struct mig_invocation *inv, struct mig_sim_description **d,
		    struct mig_error **err)
{
	const char *gpus = mig_option_value(inv, "gpus");
	const char *file = mig_option_value(inv, "file");
	const char *driver = mig_option_value(inv, "driver");

	if (!gpus == !file) {
		mig_error_set(err, MIG_ERROR_USAGE,
			      gpus ? "'--gpus' and '--file' exclude each other"
				   : "'sim create' needs '--gpus SPEC' or '--file FILE'");
		return mig_error_hint(err,
				      "for example: migctl sim create %s --gpus 8xa100-sxm4-40gb",
				      inv->args[0]);
	}
	if (file)
		return mig_sim_describe_file(inv->args[0], file, driver, d, err);
	return mig_sim_describe_gpus(inv->args[0], gpus, driver, d, err);
}

int mig_cmd_sim_create_run(const struct mig_invocation *inv, struct mig_error **err)
{
	_cleanup_(mig_cleanup_description) struct mig_sim_description *d = NULL;
	_cleanup_buf_ struct mig_buf gpus = MIG_BUF_INIT(MIG_SIM_TEXT_MAX);
	_cleanup_free_ char *path = NULL;

	if (describe(inv, &d, err) || mig_sim_node_create(inv->args[0], d, &path, err))
		return -1;
	mig_sim_text_gpus(&d->node, d->models, &gpus);
	fprintf(stderr, "made node %s: %s, driver %s\n", d->node.name, mig_buf_text(&gpus),
		d->node.driver_version);
	return MIG_EXIT_OK;
}

int mig_cmd_sim_use_run(const struct mig_invocation *inv, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf lines = MIG_BUF_INIT(ENVIRONMENT_MAX);
	_cleanup_free_ char *exe_dir = NULL;
	_cleanup_free_ char *path = NULL;

	if (mig_sim_node_path(inv->args[0], &path, err) || mig_output_exe_dir(&exe_dir, err))
		return -1;
	if (mig_sim_node_environment(path, &(struct mig_sim_exec_options){.exe_dir = exe_dir},
				     &lines, err))
		return -1;
	if (mig_sim_node_use(inv->args[0], err))
		return -1;
	fputs(mig_buf_text(&lines), stdout);
	if (isatty(STDOUT_FILENO))
		fprintf(stderr, "for this shell too: eval \"$(migctl sim use %s)\"\n",
			inv->args[0]);
	return MIG_EXIT_OK;
}

int mig_cmd_sim_destroy_run(const struct mig_invocation *inv, struct mig_error **err)
{
	if (mig_sim_node_destroy(inv->args[0], err))
		return -1;
	fprintf(stderr, "removed node %s\n", inv->args[0]);
	return MIG_EXIT_OK;
}
