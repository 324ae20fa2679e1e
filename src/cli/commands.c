/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command table. To add a command: its function and options in a file of its own, their
 * declarations in commands.h, one row here, its section in the manual page (a test compares them).
 * Rows stand in the order in which --help shows them; groups are not mixed.
 */
#include "cli/commands.h"

const struct mig_cmd mig_commands[] = {
	{
		.name = "status",
		.group = MIG_GROUP_NODE,
		.summary = "show the node at a glance, each GPU drawn as its slices",
		.args = "",
		.options = mig_cmd_status_options,
		.run = mig_cmd_status_run,
		.details = "\"fits now\": how many more of each profile, alone, there is room for. "
			   "The\n"
			   "UUIDs of the MIG devices are in the JSON.\n",
	},
	{
		.name = "apply",
		.group = MIG_GROUP_LAYOUT,
		.summary = "bring the node to a declared layout with the least change",
		.args = "",
		.options = mig_cmd_apply_options,
		.run = mig_cmd_apply_run,
		.details =
			"Prints the plan, then carries it out. Stops at the first operation that "
			"fails\n"
			"and says which were done (exit status 9) or that none was (1; 5 if an\n"
			"instance in the way is in use). A GPU whose MIG mode change needs a "
			"reset\n"
			"first stays pending while the others go on: exit status 9.\n",
	},
	{
		.name = "sim models",
		.group = MIG_GROUP_SIMULATOR,
		.summary = "list the GPU models that can be simulated",
		.args = "",
		.options = mig_cmd_sim_models_options,
		.run = mig_cmd_sim_models_run,
	},
	{
		.name = "sim create",
		.group = MIG_GROUP_SIMULATOR,
		.summary = "make a simulated node",
		.args = "NAME",
		.min_args = 1,
		.max_args = 1,
		.options = mig_cmd_sim_create_options,
		.run = mig_cmd_sim_create_run,
		.details = "SPEC names GPU models, each with a count in front and options behind:\n"
			   "  8xa100-sxm4-40gb          eight of them\n"
			   "  4xa100-sxm4-40gb:swapped  with the halves of the memory exchanged\n"
			   "  2xh100-sxm5-80gb,1xt4-16gb\n"
			   "  none                      a node without GPUs\n"
			   "Options: normal, swapped; immediate, reset-required, in-use (what a "
			   "change of\n"
			   "the MIG mode takes on an Ampere GPU). NAME may be a path.\n",
	},
	{
		.name = "sim list",
		.group = MIG_GROUP_SIMULATOR,
		.summary = "list the simulated nodes",
		.args = "",
		.options = mig_cmd_sim_list_options,
		.run = mig_cmd_sim_list_run,
	},
	{
		.name = "sim use",
		.group = MIG_GROUP_SIMULATOR,
		.summary = "make a node the one that is meant when none is named",
		.args = "NODE",
		.min_args = 1,
		.max_args = 1,
		.run = mig_cmd_sim_use_run,
		.details = "Prints the lines that bring the present shell onto the node:\n"
			   "  eval \"$(migctl sim use NODE)\"\n"
			   "Without eval only the sim commands follow the choice; others need "
			   "--node.\n",
	},
	{
		.name = "sim show",
		.group = MIG_GROUP_SIMULATOR,
		.summary = "show what a node is and what state it is in",
		.args = "[NODE]",
		.max_args = 1,
		.options = mig_cmd_sim_show_options,
		.run = mig_cmd_sim_show_run,
	},
	{
		.name = "sim exec",
		.group = MIG_GROUP_SIMULATOR,
		.summary = "run a program on a node",
		.args = "NODE -- CMD [ARG...]",
		.min_args = 2,
		.max_args = -1,
		.passes_rest = true,
		.options = mig_cmd_sim_exec_options,
		.run = mig_cmd_sim_exec_run,
		.details = "The exit status is that of CMD; 127 if it is not found, 126 if it "
			   "cannot be\n"
			   "run. Options of exec stand before NODE.\n",
	},
	{
		.name = "sim shell",
		.group = MIG_GROUP_SIMULATOR,
		.summary = "start a shell on a node",
		.args = "[NODE]",
		.max_args = 1,
		.options = mig_cmd_sim_exec_options,
		.run = mig_cmd_sim_shell_run,
	},
	{
		.name = "sim destroy",
		.group = MIG_GROUP_SIMULATOR,
		.summary = "remove a node and all that is in it",
		.args = "NODE",
		.min_args = 1,
		.max_args = 1,
		.run = mig_cmd_sim_destroy_run,
	},
	{.name = NULL},
};
