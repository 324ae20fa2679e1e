/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions and option lists that rows of the command table refer to, by the file they are in.
 */
#pragma once

#include "cli/cmd.h"

/* cli/record.c */
extern const struct mig_option mig_cmd_record_options[];
int mig_cmd_record_run(const struct mig_invocation *inv, struct mig_error **err);

/* cli/status.c */
extern const struct mig_option mig_cmd_status_options[];
int mig_cmd_status_run(const struct mig_invocation *inv, struct mig_error **err);

/* cli/list.c, profiles.c, placements.c */
extern const struct mig_option mig_cmd_list_options[];
extern const struct mig_option mig_cmd_profiles_options[];
extern const struct mig_option mig_cmd_placements_options[];
extern const struct mig_column mig_cmd_list_columns[];
extern const struct mig_column mig_cmd_profiles_columns[];
extern const struct mig_column mig_cmd_placements_columns[];
int mig_cmd_list_run(const struct mig_invocation *inv, struct mig_error **err);
int mig_cmd_profiles_run(const struct mig_invocation *inv, struct mig_error **err);
int mig_cmd_placements_run(const struct mig_invocation *inv, struct mig_error **err);

/* cli/create.c, destroy.c, mode.c */
extern const struct mig_option mig_cmd_create_options[];
extern const struct mig_option mig_cmd_destroy_options[];
extern const struct mig_option mig_cmd_mode_options[];
int mig_cmd_create_run(const struct mig_invocation *inv, struct mig_error **err);
int mig_cmd_destroy_run(const struct mig_invocation *inv, struct mig_error **err);
int mig_cmd_mode_run(const struct mig_invocation *inv, struct mig_error **err);

/* cli/completion.c */
int mig_cmd_completion_run(const struct mig_invocation *inv, struct mig_error **err);

/* cli/doctor.c */
extern const struct mig_option mig_cmd_doctor_options[];
int mig_cmd_doctor_run(const struct mig_invocation *inv, struct mig_error **err);

/* cli/smi.c */
int mig_cmd_smi_run(const struct mig_invocation *inv, struct mig_error **err);

/* Runs the words behind the program's name as nvidia-smi does. Returns the exit status. */
int mig_cmd_smi(int argc, char **argv);

/* cli/apply.c */
extern const struct mig_option mig_cmd_apply_options[];
int mig_cmd_apply_run(const struct mig_invocation *inv, struct mig_error **err);

/* cli/plan.c */
extern const struct mig_option mig_cmd_plan_options[];
int mig_cmd_plan_run(const struct mig_invocation *inv, struct mig_error **err);

/* cli/assert.c */
extern const struct mig_option mig_cmd_assert_options[];
int mig_cmd_assert_run(const struct mig_invocation *inv, struct mig_error **err);

/* cli/export.c */
extern const struct mig_option mig_cmd_export_options[];
int mig_cmd_export_run(const struct mig_invocation *inv, struct mig_error **err);

/* cli/diff.c */
extern const struct mig_option mig_cmd_diff_options[];
int mig_cmd_diff_run(const struct mig_invocation *inv, struct mig_error **err);

/* cli/undo.c, boot.c */
extern const struct mig_option mig_cmd_undo_options[];
extern const struct mig_option mig_cmd_boot_options[];
int mig_cmd_undo_run(const struct mig_invocation *inv, struct mig_error **err);
int mig_cmd_boot_run(const struct mig_invocation *inv, struct mig_error **err);

/* cli/history.c */
extern const struct mig_option mig_cmd_history_options[];
int mig_cmd_history_run(const struct mig_invocation *inv, struct mig_error **err);

/* cli/sim_models.c */
extern const struct mig_option mig_cmd_sim_models_options[];
int mig_cmd_sim_models_run(const struct mig_invocation *inv, struct mig_error **err);

/* cli/sim_create.c: create, use, destroy */
extern const struct mig_option mig_cmd_sim_create_options[];
int mig_cmd_sim_create_run(const struct mig_invocation *inv, struct mig_error **err);
int mig_cmd_sim_use_run(const struct mig_invocation *inv, struct mig_error **err);
int mig_cmd_sim_destroy_run(const struct mig_invocation *inv, struct mig_error **err);

/* cli/sim_list.c */
extern const struct mig_option mig_cmd_sim_list_options[];
int mig_cmd_sim_list_run(const struct mig_invocation *inv, struct mig_error **err);

/* cli/sim_show.c */
extern const struct mig_option mig_cmd_sim_show_options[];
int mig_cmd_sim_show_run(const struct mig_invocation *inv, struct mig_error **err);

/* cli/sim_exec.c: exec, shell */
extern const struct mig_option mig_cmd_sim_exec_options[];
int mig_cmd_sim_exec_run(const struct mig_invocation *inv, struct mig_error **err);
int mig_cmd_sim_shell_run(const struct mig_invocation *inv, struct mig_error **err);

/* cli/sim_fault.c: fault add, list, clear */
extern const struct mig_option mig_cmd_sim_fault_add_options[];
extern const struct mig_option mig_cmd_sim_fault_list_options[];
extern const struct mig_option mig_cmd_sim_fault_clear_options[];
int mig_cmd_sim_fault_add_run(const struct mig_invocation *inv, struct mig_error **err);
int mig_cmd_sim_fault_list_run(const struct mig_invocation *inv, struct mig_error **err);
int mig_cmd_sim_fault_clear_run(const struct mig_invocation *inv, struct mig_error **err);

/* cli/sim_reset.c: reset, reboot */
extern const struct mig_option mig_cmd_sim_reset_options[];
int mig_cmd_sim_reset_run(const struct mig_invocation *inv, struct mig_error **err);
/* Resets GPUs of the node at a path and speaks as nvidia-smi does. */
int mig_cmd_sim_reset_like_smi(const char *node, const char *list);
int mig_cmd_sim_mend_run(const struct mig_invocation *inv, struct mig_error **err);
int mig_cmd_sim_reboot_run(const struct mig_invocation *inv, struct mig_error **err);

/* cli/sim_hold.c */
extern const struct mig_option mig_cmd_sim_hold_options[];
int mig_cmd_sim_hold_run(const struct mig_invocation *inv, struct mig_error **err);

/* Runs argv on the node at `path` (sim exec); returns only on failure, with the status for it. */
int mig_cmd_sim_run_on(const char *path, bool unprivileged, bool jail, char **argv,
		       struct mig_error **err);

/* Runs `migctl ARGS…` on a node: what `migctl --node NODE ARGS…` is. Returns only on failure. */
int mig_cmd_sim_reexec(const char *node, int arg_count, char **args, struct mig_error **err);
