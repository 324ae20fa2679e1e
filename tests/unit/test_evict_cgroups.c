/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who must not be ended, by what /proc/PID/cgroup says of it. The texts are those of systemd 252 and
 * 255, Slurm 22.05 and 24.05 (cgroup v1 and v2), and the kubelet with both of its cgroup drivers.
 */
#include "core/evict.h"

#include <stdio.h>

#include "tests/harness/test.h"

#define POD "pod0f1e2d3c_4b5a_6978_8796_a5b4c3d2e1f0"

static const struct {
	const char *cgroups;
	const char *what; /* NULL: an ordinary process */
	const char *command;
} cases[] = {
	/* people and their sessions */
	{"0::/user.slice/user-1000.slice/session-3.scope\n", NULL, NULL},
	{"0::/user.slice/user-1000.slice/user@1000.service/app.slice/vte-spawn-1.scope\n", NULL,
	 NULL},
	{"0::/\n", NULL, NULL},
	{"", NULL, NULL},
	{"12:devices:/user.slice\n1:name=systemd:/user.slice/user-0.slice/session-1.scope\n0::/\n",
	 NULL, NULL},
	/* containers that no orchestrator started */
	{"0::/system.slice/docker-3f2a.scope\n", NULL, NULL},
	{"0::/machine.slice/libpod-3f2a.scope/container\n", NULL, NULL},
	/* services of the system */
	{"0::/system.slice/nvidia-persistenced.service\n",
	 "the system service nvidia-persistenced.service",
	 "systemctl stop nvidia-persistenced.service"},
	{"0::/system.slice/system-serial\\x2dgetty.slice/serial-getty@ttyS0.service\n",
	 "the system service serial-getty@ttyS0.service",
	 "systemctl stop serial-getty@ttyS0.service"},
	{"13:memory:/system.slice/dcgm.service\n0::/\n", "the system service dcgm.service",
	 "systemctl stop dcgm.service"},
	{"0::/system.slice/ssh.service", "the system service ssh.service",
	 "systemctl stop ssh.service"},
	/* jobs of Slurm, which lie below its own service in v2 */
	{"0::/system.slice/slurmstepd.scope/job_123/step_0/user/task_0\n", "Slurm job 123",
	 "scancel 123"},
	{"8:devices:/slurm/uid_1000/job_77/step_batch\n1:name=systemd:/system.slice/"
	 "slurmd.service\n",
	 "Slurm job 77", "scancel 77"},
	{"0::/system.slice/slurmd.service\n", "the system service slurmd.service",
	 "systemctl stop slurmd.service"},
	{"0::/user.slice/slurm/job_/step\n", NULL, NULL},
	/* the kubelet's: driver systemd and driver cgroupfs */
	{"0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-" POD
	 ".slice/cri-containerd-3f2a.scope\n",
	 "a pod of the kubelet (kubepods-burstable-" POD ".slice)", "kubectl delete pod"},
	{"0::/kubepods/besteffort/" POD "/3f2a\n", "a pod of the kubelet (" POD ")",
	 "kubectl delete pod"},
	{"5:cpu:/kubepods/" POD "/3f2a\n0::/system.slice/kubelet.service\n",
	 "a pod of the kubelet (" POD ")", "kubectl delete pod"},
};

MIG_TEST(evict_managed_processes)
{
	for (size_t i = 0; i < MIG_ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct mig_buf what = MIG_BUF_INIT(4096);
		_cleanup_buf_ struct mig_buf command = MIG_BUF_INIT(4096);
		bool is_managed = mig_evict_is_managed(cases[i].cgroups, &what, &command);

		printf("%s\n", cases[i].cgroups); /* shown when the test fails */
		MIG_ASSERT(is_managed == (cases[i].what != NULL));
		MIG_ASSERT_STR_EQ(mig_buf_text(&what), cases[i].what != NULL ? cases[i].what : "");
		MIG_ASSERT_STR_EQ(mig_buf_text(&command),
				  cases[i].command != NULL ? cases[i].command : "");
	}
}
