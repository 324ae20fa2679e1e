/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migctl sim create, sim use and sim destroy: simulated nodes come, are chosen, and go.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/sim_text.h"
#include "sim/control/control.h"
#include "sim/control/hold.h"

#define ENVIRONMENT_MAX ((size_t)1 << 20)

const struct mig_option mig_cmd_sim_create_options[] = {
	{"gpus", 'g', "SPEC", "which GPUs: [COUNTx]MODEL[:OPTION...][,...]"},
	{"file", 'f', "FILE", "read the description from FILE ('-': standard input)"},
	{"driver", 'd', "BRANCH",
	 "driver branch: 470, 535, 550 (default) or 580, or one's version"},
	{"timing", 't', "TIMING", "zero (default) or realistic; with ',serial' not per GPU"},
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

/* The driver's files in the node's root; whoever needs them and finds none hears it from exec. */
static void prepare(const char *path)
{
	_cleanup_error_ struct mig_error *ignored = NULL;
	_cleanup_free_ char *exe_dir = NULL;

	if (mig_output_exe_dir(&exe_dir, &ignored) || mig_sim_node_prepare(path, exe_dir, &ignored))
		return;
}

int mig_cmd_sim_create_run(const struct mig_invocation *inv, struct mig_error **err)
{
	const char *timing = mig_option_value(inv, "timing");
	_cleanup_(mig_cleanup_description) struct mig_sim_description *d = NULL;
	_cleanup_buf_ struct mig_buf gpus = MIG_BUF_INIT(MIG_SIM_TEXT_MAX);
	_cleanup_free_ char *path = NULL;

	if (describe(inv, &d, err) || (timing && mig_sim_description_set_timing(d, timing, err)) ||
	    mig_sim_node_create(inv->args[0], d, &path, err))
		return -1;
	prepare(path);
	mig_sim_text_gpus(&d->node, d->models, &gpus);
	/* By a path it is found by that path only. */
	fprintf(stderr, "made node %s: %s, driver %s\n",
		strchr(inv->args[0], '/') ? path : d->node.name, mig_buf_text(&gpus),
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

/* The processes that hold something of a node; of one that cannot be opened none is known. */
static unsigned int find_holders(const char *node, uint32_t pids[MIG_SIM_HOLDERS_MAX])
{
	_cleanup_error_ struct mig_error *ignored = NULL;
	_cleanup_free_ char *path = NULL;
	struct mig_sim_store store;
	unsigned int count;

	if (mig_sim_node_path(node, &path, &ignored) || mig_sim_node_open(path, &store, &ignored))
		return 0;
	count = mig_sim_hold_pids(&store, pids);
	mig_sim_store_close(&store);
	return count;
}

int mig_cmd_sim_destroy_run(const struct mig_invocation *inv, struct mig_error **err)
{
	uint32_t pids[MIG_SIM_HOLDERS_MAX];
	unsigned int count = find_holders(inv->args[0], pids);

	if (mig_sim_node_destroy(inv->args[0], err))
		return -1;
	fprintf(stderr, "removed node %s\n", inv->args[0]);
	if (count > 0)
		fprintf(stderr, "%u holder%s of it still run%s: process%s", count,
			count == 1 ? "" : "s", count == 1 ? "s" : "", count == 1 ? "" : "es");
	for (unsigned int i = 0; i < count; i++)
		fprintf(stderr, "%s %u", i > 0 ? "," : "", pids[i]);
	if (count > 0)
		fputs("; kill ends them\n", stderr);
	return MIG_EXIT_OK;
}
