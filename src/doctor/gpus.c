/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The GPUs themselves: lost, with a pending mode, with instances that nobody can use.
 */
#include "doctor/check.h"
#include "shared/text.h"

static void gpu_subject(const struct mig_gpu *gpu, char subject[32])
{
	mig_text_format(subject, 32, "GPU %u", gpu->index);
}

void mig_check_gpus(struct mig_doctor *doctor)
{
	const struct mig_snapshot *snapshot = doctor->snapshot;
	const char *reboot = doctor->ctx->reboot_command;
	unsigned int capable = 0;

	for (unsigned int i = 0; i < snapshot->gpu_count; i++) {
		char subject[32];

		capable += snapshot->gpus[i].is_mig_capable || snapshot->gpus[i].is_lost;
		if (!snapshot->gpus[i].is_lost)
			continue;
		gpu_subject(&snapshot->gpus[i], subject);
		mig_doctor_find(doctor, MIG_FINDING_PROBLEM, subject,
				"it is lost (fallen off the bus): nothing can be done with it");
		mig_doctor_mend(doctor, "%s", reboot != NULL ? reboot : "reboot");
	}
	if (snapshot->gpu_count == 0) {
		mig_doctor_find(doctor, MIG_FINDING_PROBLEM, NULL, "the driver shows no GPU");
		mig_doctor_mend_machine(doctor, "lspci -d 10de:");
		mig_doctor_remark(doctor, "shows the GPUs that there are");
	} else if (capable == 0) {
		mig_doctor_find(doctor, MIG_FINDING_NOTE, NULL, "no GPU of this node has MIG");
	}
}

void mig_check_mode(struct mig_doctor *doctor)
{
	const char *reset = doctor->ctx->reset_command;

	if (!mig_doctor_has_mig(doctor))
		return;
	mig_doctor_skip_gpus(doctor, mig_doctor_is_lost, "it is lost");
	for (unsigned int i = 0; i < doctor->snapshot->gpu_count; i++) {
		const struct mig_gpu *gpu = &doctor->snapshot->gpus[i];
		char subject[32];

		if (!gpu->is_mig_capable || gpu->mig_current == gpu->mig_pending)
			continue;
		gpu_subject(gpu, subject);
		mig_doctor_find(doctor, MIG_FINDING_PROBLEM, subject,
				"MIG mode is %s and will be %s after a reset of the GPU",
				gpu->mig_current ? "on" : "off", gpu->mig_pending ? "on" : "off");
		mig_doctor_mend(doctor, "%s %u",
				reset != NULL ? reset : "nvidia-smi --gpu-reset -i", gpu->index);
	}
}

void mig_check_instances(struct mig_doctor *doctor)
{
	if (!mig_doctor_has_mig(doctor))
		return;
	mig_doctor_skip_hidden(doctor);
	for (unsigned int i = 0; i < doctor->snapshot->gpu_count; i++) {
		const struct mig_gpu *gpu = &doctor->snapshot->gpus[i];

		for (unsigned int g = 0; g < gpu->gi_count; g++) {
			const struct mig_gpu_instance *gi = &gpu->gi[g];
			char subject[32];

			if (gi->ci_count > 0)
				continue;
			gpu_subject(gpu, subject);
			mig_doctor_find(doctor, MIG_FINDING_PROBLEM, subject,
					"GPU instance %u (%s@%u) has no compute instance: no "
					"program can use it",
					gi->id, gpu->facts->gi[gi->gi_row].name, gi->start);
			mig_doctor_mend(doctor, "migctl create -i %u -g %u", gpu->index, gi->id);
		}
	}
}
