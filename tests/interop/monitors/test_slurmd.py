# SPDX-License-Identifier: Apache-2.0
"""slurmd -G of Slurm 22.05.8 with its gpu_nvml.so (Debian 12) in the jail of a simulated node: the
GRES lines that it prints.

It takes the MIG minors from /proc/driver/nvidia-caps/mig-minors and looks for the device files in
/dev, so it needs the jail, and that needs root. Debian's plugin package cannot be installed beside
its slurmd (the versions must be equal and are not), hence both are unpacked. The program must be
called slurmd.
"""
import os
import re
import socket

import monitors
import tap
from tap import test

HOST = socket.gethostname().split('.')[0]


def slurmd(gres):
    """The lines of `slurmd -G` on the node, with this Gres= of the node in slurm.conf."""
    if os.geteuid() != 0:
        tap.skip('the jail needs root here')
    folder = monitors.debian('slurmd-bookworm', 'bookworm', 'slurmd', 'slurm-wlm-basic-plugins',
                             'slurm-wlm-nvml-plugin', 'libhwloc15', 'libltdl7', 'libnuma1',
                             'liblz4-1')
    libraries = folder / 'usr/lib/x86_64-linux-gnu'
    home = tap.tmpdir() / 'slurm'
    home.mkdir()
    (home / 'slurmd').symlink_to(folder / 'usr/sbin/slurmd-wlm')
    (home / 'gres.conf').write_text('AutoDetect=nvml\n')
    (home / 'slurm.conf').write_text(f'''ClusterName=simulated
SlurmctldHost={HOST}
SlurmUser=root
AuthType=auth/none
CredType=cred/none
PluginDir={libraries}/slurm-wlm
StateSaveLocation={home}
SlurmdSpoolDir={home}
SlurmdPidFile={home}/pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
GresTypes=gpu
NodeName={HOST} Gres={gres}
PartitionName=all Nodes=ALL Default=YES
''')
    done = monitors.on_node(home / 'slurmd', '-G', '-f', home / 'slurm.conf', '-N', HOST,
                            options=['--jail'],
                            env={'LD_LIBRARY_PATH': f'{libraries}/slurm-wlm:{libraries}'})
    print(done)
    tap.succeeded(done)
    return [line for line in (done.stdout + done.stderr).splitlines() if 'Gres Name=' in line]


def fields(line):
    return dict(re.findall(r'(\w+)=(\S+)', line))


def minors():
    """{path: minor} of the node's mig-minors."""
    text = tap.succeeded(monitors.on_node('cat', '/proc/driver/nvidia-caps/mig-minors',
                                          options=['--jail'])).stdout
    return dict(line.split() for line in text.splitlines())


@test
def lists_whole_gpus():
    monitors.create('2xa100-sxm4-40gb')
    rows = [fields(line) for line in slurmd('gpu:2')]
    tap.equal([row['File'] for row in rows], ['/dev/nvidia0', '/dev/nvidia1'])
    tap.equal([row['Count'] for row in rows], ['1', '1'])


@test
def lists_mig_devices():
    monitors.create('1xa100-sxm4-40gb')
    monitors.lay_out(0, '9:2', '19:0', '19:0')
    minor = minors()
    rows = [fields(line) for line in slurmd('gpu:3g.20gb:1,gpu:1g.5gb:2')]
    tap.equal(len(rows), 3)
    # GPU instances 2, 7, 8: the driver's own choice of places on an empty A100.
    want = []
    for kind, gi in (('1g.5gb', 7), ('1g.5gb', 8), ('3g.20gb', 2)):
        nodes = [minor[f'gpu0/gi{gi}/access'], minor[f'gpu0/gi{gi}/ci0/access']]
        want.append((kind, ','.join(['/dev/nvidia0', *(f'/dev/nvidia-caps/nvidia-cap{number}'
                                                       for number in nodes)])))
    got = sorted((re.sub(r'^.*_', '', row['Type']), row['File']) for row in rows)
    tap.equal(got, sorted(want))


tap.main()
