/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command table. To add a command: its function and options in a file of its own, their
 * declarations in commands.h, one row here, its section in the manual page (a test compares them).
 * Rows stand in the order in which --help shows them; groups are not mixed.
 */
#include "cli/commands.h"

#define LAYOUT_HELP                                                                         \
	"LAYOUT is GPUS=DEVICES, for instance 0=3g.20gb,2g.10gb,1g.5gb*2, all=1g.5gb*7,\n"  \
	"1=3g.20gb@4, 2-3=off or all=total:1g.5gb*10; see migctl-config(5). Without one,\n" \
	"the label of a configuration file.\n\n"

#define STATUS_HELP                                                                         \
	"  +0-------+1--------2-------+3--- ...   memory units, as in 1g.5gb@0\n"           \
	"  |1g.5gb  |2g.10gb          |free       GPU instances: profiles; free room\n"     \
	"  |GI 7    |GI 3             |1g.5gb*2   ids; what fits there, each alone\n"       \
	"  |CI 0    |CI 0 1c :free    |           compute instances; 1c: 1 slice of 2\n"    \
	"  |python  |        :        |           who uses them; \"in use\" says more\n"    \
	"  +--------+-----------------+--- ...\n"                                           \
	"no CI: nothing can run in it. unused: memory that no profile can take now.\n"      \
	"full: nothing fits. fits now: how many more of each profile, alone. room in GI:\n" \
	"for compute instances. More than 8 GPUs are a line each. Others than root see\n"   \
	"names, modes and MIG devices.\n"

const struct mig_cmd mig_commands[] = {
	{
		.name = "status",
		.group = MIG_GROUP_NODE,
		.summary = "show the node at a glance, each GPU drawn as its slices",
		.args = "",
		.options = mig_cmd_status_options,
		.run = mig_cmd_status_run,
		.details = STATUS_HELP,
	},
	{
		.name = "doctor",
		.group = MIG_GROUP_NODE,
		.summary = "find what is wrong with this node, and say how to mend it",
		.args = "",
		.options = mig_cmd_doctor_options,
		.run = mig_cmd_doctor_run,
		.details =
			"Reads only. Exit status 0: nothing is wrong (notes are no problems); 1: "
			"something\n"
			"is; 6: there is no driver or no GPU.\n",
	},
	{
		.name = "completion",
		.group = MIG_GROUP_NODE,
		.summary = "print what a shell needs to complete these commands",
		.args = "bash|zsh|fish",
		.min_args = 1,
		.max_args = 1,
		.run = mig_cmd_completion_run,
		.details = "Installed with migctl. From a build tree: source <(migctl completion "
			   "bash)\n",
	},
	{
		.name = "list",
		.group = MIG_GROUP_NODE,
		.summary = "list the MIG devices, one a line",
		.args = "",
		.options = mig_cmd_list_options,
		.columns = mig_cmd_list_columns,
		.run = mig_cmd_list_run,
	},
	{
		.name = "profiles",
		.group = MIG_GROUP_NODE,
		.summary = "show what GPUs can be divided into, and what fits now",
		.args = "",
		.options = mig_cmd_profiles_options,
		.columns = mig_cmd_profiles_columns,
		.run = mig_cmd_profiles_run,
		.details = "Neighbouring GPUs that are alike are one line (0-7).\n",
	},
	{
		.name = "placements",
		.group = MIG_GROUP_NODE,
		.summary = "show where instances can lie, and what is there",
		.args = "",
		.options = mig_cmd_placements_options,
		.columns = mig_cmd_placements_columns,
		.run = mig_cmd_placements_run,
		.details = "Neighbouring GPUs that are alike are one line (0-7).\n",
	},
	{
		.name = "mode",
		.group = MIG_GROUP_NODE,
		.summary = "turn MIG mode on or off",
		.args = "on|off",
		.min_args = 1,
		.max_args = 1,
		.options = mig_cmd_mode_options,
		.run = mig_cmd_mode_run,
		.details =
			"Of all GPUs that have MIG, or those of -i. Prints before it begins what "
			"that\n"
			"costs: a reset, instances that go, who is in the way. -n does only "
			"that.\n",
	},
	{
		.name = "create",
		.group = MIG_GROUP_NODE,
		.summary = "make GPU instances, or compute instances in one, beside what is there",
		.args = "[PROFILE...]",
		.max_args = -1,
		.options = mig_cmd_create_options,
		.run = mig_cmd_create_run,
		.details =
			"PROFILE is a profile or its id, with *COUNT or @START behind it; several "
			"may "
			"have\n"
			"commas between: 1g.5gb*3 3g.20gb@4 or 19,19,14,9. All are made or none; "
			"nothing\n"
			"that is there moves. Each GPU instance gets the compute instance that "
			"fills "
			"it.\n"
			"With -g PROFILE are compute instances (1c.3g.20gb, 1c, an id); without "
			"PROFILE "
			"the\n"
			"one that fills it. 'migctl profiles' shows what fits.\n",
	},
	{
		.name = "destroy",
		.group = MIG_GROUP_NODE,
		.summary = "take out instances",
		.args = "[INSTANCE...]",
		.max_args = -1,
		.options = mig_cmd_destroy_options,
		.run = mig_cmd_destroy_run,
		.details =
			"INSTANCE is the UUID of a MIG device, GPU:GI, GPU:GI:CI, the id of a GPU "
			"instance\n"
			"(with -i), or a profile, which means all of them (3g.20gb@4: the one "
			"there;\n"
			"-i says on which GPUs, where it is on several). A\n"
			"GPU instance whose last compute instance goes, goes with it. All go or "
			"none; what\n"
			"is in use is named and nothing is done (exit status 5).\n",
	},
	{
		.name = "record",
		.group = MIG_GROUP_NODE,
		.summary = "write down this node, as the description of a simulated one",
		.args = "FILE",
		.min_args = 1,
		.max_args = 1,
		.options = mig_cmd_record_options,
		.run = mig_cmd_record_run,
		.details = "Reads only. 'migctl sim create NAME -f FILE' makes a simulated node of "
			   "the\n"
			   "file ('-': standard output). Serial numbers, the host's name and "
			   "processes are\n"
			   "not read, UUIDs only with --keep-ids. What could not be read is listed "
			   "on\n"
			   "standard error and in the file.\n",
	},
	{
		.name = "plan",
		.group = MIG_GROUP_LAYOUT,
		.summary = "show what would change to reach a layout, and change nothing",
		.args = "[LAYOUT...]",
		.max_args = -1,
		.options = mig_cmd_plan_options,
		.run = mig_cmd_plan_run,
		.details = LAYOUT_HELP
		"Shows each GPU now and then, the operations, what is kept, who is in "
		"the way,\n"
		"and how long it takes. Exit status 3 if anything would change.\n",
	},
	{
		.name = "apply",
		.group = MIG_GROUP_LAYOUT,
		.summary = "bring the node to a declared layout with the least change",
		.args = "[LAYOUT...]",
		.max_args = -1,
		.options = mig_cmd_apply_options,
		.run = mig_cmd_apply_run,
		.details = LAYOUT_HELP
		"Prints the plan, then carries it out, GPUs at the same time. A failure or "
		"a\n"
		"signal rolls back to the layout before (exit status 8); 9 if that could "
		"not be\n"
		"done, and then it is said what is where. What is in use is not touched: 5. "
		"After\n"
		"a crash the next changing command rolls back first.\n",
	},
	{
		.name = "assert",
		.group = MIG_GROUP_LAYOUT,
		.summary = "say whether the node has a layout",
		.args = "[LAYOUT...]",
		.max_args = -1,
		.options = mig_cmd_assert_options,
		.run = mig_cmd_assert_run,
		.details = LAYOUT_HELP "Exit status 0 if it has, 3 if not.\n",
	},
	{
		.name = "diff",
		.group = MIG_GROUP_LAYOUT,
		.summary = "show line by line what differs from a layout",
		.args = "[LAYOUT...]",
		.max_args = -1,
		.options = mig_cmd_diff_options,
		.run = mig_cmd_diff_run,
		.details = LAYOUT_HELP
		"'-' is there and not wanted, '+' is wanted and not there. Without a "
		"layout and a\n"
		"file: what is there now against what the last change left. Exit status 3 "
		"if\n"
		"anything differs.\n",
	},
	{
		.name = "export",
		.group = MIG_GROUP_LAYOUT,
		.summary = "write the present layout as a configuration",
		.args = "",
		.options = mig_cmd_export_options,
		.run = mig_cmd_export_run,
		.details =
			"FORMAT is v1 (exact places, by UUID: reading it back changes nothing), "
			"parted\n"
			"(nvidia-mig-parted's YAML) or parted-json. --generate writes what every "
			"GPU of\n"
			"this node could look like instead: one label per layout.\n",
	},
	{
		.name = "undo",
		.group = MIG_GROUP_LAYOUT,
		.summary = "go back to the layout before the last change",
		.args = "",
		.options = mig_cmd_undo_options,
		.run = mig_cmd_undo_run,
		.details = "Again: one further back. 'migctl history' shows what can be taken "
			   "back.\n",
	},
	{
		.name = "history",
		.group = MIG_GROUP_LAYOUT,
		.summary = "list what was changed, by whom, when, with what result",
		.args = "[NUMBER]",
		.max_args = 1,
		.options = mig_cmd_history_options,
		.run = mig_cmd_history_run,
		.details = "With the NUMBER of a transaction: that one, with its operations.\n",
	},
	{
		.name = "boot",
		.group = MIG_GROUP_LAYOUT,
		.summary = "bring back the last layout after a start of the machine",
		.args = "",
		.options = mig_cmd_boot_options,
		.run = mig_cmd_boot_run,
		.details = "Run by migctl-restore.service. Brings back what the last change that "
			   "succeeded\n"
			   "left, and the MIG mode with it, on the GPUs that are still there.\n",
	},
	{
		.name = "smi",
		.group = MIG_GROUP_FRONTS,
		.summary = "do what nvidia-smi does with MIG, in the same words",
		.args = "[ARG...]",
		.max_args = -1,
		.passes_all = true,
		.run = mig_cmd_smi_run,
		.details =
			"The words, the output and the exit statuses are those of nvidia-smi "
			"550:\n"
			"  migctl smi -L, migctl smi -mig 1, migctl smi mig -lgip\n"
			"'migctl smi -h' and 'migctl smi mig -h' list them. The same program "
			"called as\n"
			"nvidia-smi is this command; that link is not on PATH but in a simulated "
			"node.\n",
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
		.summary = "make a node the one that sim commands mean when none is named",
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
		.name = "sim hold",
		.group = MIG_GROUP_SIMULATOR,
		.summary = "hold a GPU or MIG device, as a program that runs on it does",
		.args = "[UUID] [-- CMD [ARG...]]",
		.max_args = -1,
		.options = mig_cmd_sim_hold_options,
		.run = mig_cmd_sim_hold_run,
		.details =
			"UUID may be shortened as long as it is clear. Without it "
			"CUDA_VISIBLE_DEVICES\n"
			"says what is held, by the rule of the node's driver branch. Holds until "
			"the\n"
			"process ends: CMD (run as by sim exec), else this one, on a signal. With\n"
			"--background it goes on; 'migctl sim hold -n NODE --end PID...' ends "
			"it.\n",
	},
	{
		.name = "sim fault add",
		.group = MIG_GROUP_SIMULATOR,
		.summary = "make a call go wrong, a GPU fall off the bus, or an error happen",
		.args = "[NODE] WHAT",
		.min_args = 1,
		.max_args = 2,
		.options = mig_cmd_sim_fault_add_options,
		.run = mig_cmd_sim_fault_add_run,
		.details =
			"WHAT is one of:\n"
			"  FUNCTION[:N[+]]=CODE  call N of the NVML function answers CODE (a name "
			"or "
			"a\n"
			"                        number) and does nothing; N+: that one and later "
			"ones;\n"
			"                        without :N every call\n"
			"  FUNCTION[:N[+]]=hang  the call waits until the fault is cleared\n"
			"  FUNCTION[:N[+]]=kill  the caller is killed before anything is done\n"
			"  lost                  the GPU falls off the bus; a reboot brings it "
			"back\n"
			"  xid=N                 an XID event of the GPU, or of an instance on it\n"
			"  ecc=corrected[:N]     N memory errors of the GPU (one without :N)\n"
			"  ecc=uncorrected[:N]   the same; with --gi in that instance\n"
			"A fault of a call is for the process that runs migctl (the shell) and "
			"its\n"
			"descendants, each of which counts its own calls, and is gone with it.\n",
	},
	{
		.name = "sim fault list",
		.group = MIG_GROUP_SIMULATOR,
		.summary = "list the faults of a node",
		.args = "[NODE]",
		.max_args = 1,
		.options = mig_cmd_sim_fault_list_options,
		.run = mig_cmd_sim_fault_list_run,
	},
	{
		.name = "sim fault clear",
		.group = MIG_GROUP_SIMULATOR,
		.summary = "end faults; calls that hang go on",
		.args = "[NODE] ID|all|lost",
		.min_args = 1,
		.max_args = 2,
		.options = mig_cmd_sim_fault_clear_options,
		.run = mig_cmd_sim_fault_clear_run,
		.details = "\"all\" ends every fault and brings every lost GPU back, \"lost\" "
			   "one GPU (-i).\n",
	},
	{
		.name = "sim reset",
		.group = MIG_GROUP_SIMULATOR,
		.summary = "reset GPUs, as nvidia-smi --gpu-reset does",
		.args = "[NODE]",
		.max_args = 1,
		.options = mig_cmd_sim_reset_options,
		.run = mig_cmd_sim_reset_run,
		.details = "A pending MIG mode comes into force, instances are gone. All GPUs of "
			   "the list\n"
			   "are reset or none: a process that holds one, persistence mode (exit "
			   "status 5)\n"
			   "or a lost GPU (6) is in the way.\n",
	},
	{
		.name = "sim reboot",
		.group = MIG_GROUP_SIMULATOR,
		.summary = "reboot a node: its holders end, its GPUs begin anew",
		.args = "[NODE]",
		.max_args = 1,
		.run = mig_cmd_sim_reboot_run,
		.details = "Instances are gone; the MIG mode stays on Ampere GPUs and is off on "
			   "later ones.\n"
			   "Lost GPUs are back. Programs on the node that hold nothing go on.\n",
	},
	{
		.name = "sim mend",
		.group = MIG_GROUP_SIMULATOR,
		.summary = "make a node's device files as they belong to it",
		.args = "[NODE]",
		.max_args = 1,
		.run = mig_cmd_sim_mend_run,
		.details =
			"As udev and nvidia-modprobe do on a machine: missing ones are made, wrong "
			"ones\n"
			"replaced. Instances and processes stay.\n",
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
