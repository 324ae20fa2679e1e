/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of the table of holders as processes.
 */
#include "sim/process/holder.h"

struct mig_sim_process mig_sim_holder_process(const struct mig_sim_holder *holder)
{
	return (struct mig_sim_process){
		.pid = holder->pid,
		.start_time = holder->start_time,
		.pid_namespace = holder->pid_namespace,
	};
}

void mig_sim_holder_set_process(struct mig_sim_holder *holder,
				const struct mig_sim_process *process)
{
	holder->pid = process->pid;
	holder->start_time = process->start_time;
	holder->pid_namespace = process->pid_namespace;
}

bool mig_sim_holder_is_alive(const struct mig_sim_holder *holder)
{
	const struct mig_sim_process process = mig_sim_holder_process(holder);

	return holder->pid != 0 && mig_sim_process_is_alive(&process);
}

uint32_t mig_sim_holder_pid(const struct mig_sim_holder *holder)
{
	const struct mig_sim_process process = mig_sim_holder_process(holder);
	uint32_t pid = 0;

	return holder->pid != 0 && mig_sim_process_look(&process, &pid) ? pid : 0;
}

void mig_sim_holder_name(const struct mig_sim_holder *holder, char *name, size_t size)
{
	const struct mig_sim_process process = mig_sim_holder_process(holder);

	(void)mig_sim_process_name_of(&process, name, size);
}
