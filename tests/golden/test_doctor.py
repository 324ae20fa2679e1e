#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`migctl doctor`: each thing that it looks for, made and found, with the command that mends it."""
import json
import os
import pathlib
import shutil
import subprocess
import time

import tap
from tap import test

from layouts import MIGCTL, create, load_module, migctl, node_dir, on

A100 = 'a100-sxm4-40gb'
CHECKS = ['driver', 'permission', 'gpus', 'mig-mode', 'instances', 'device-files', 'modules',
          'daemons', 'journal', 'lock']
WAIT_S = 20


def whole_mend(finding):
    """As the text has it: where it belongs, the command alone, and a remark."""
    if finding['mend'] is None:
        tap.equal((finding['remark'], finding['mend_on_machine']), (None, False))
        return None
    tap.not_contains(finding['mend'], '   (')
    remark = f'   ({finding["remark"]})' if finding['remark'] is not None else ''
    return ('on a real machine: ' if finding['mend_on_machine'] else '') + finding['mend'] + remark


def examined(got):
    """{check: [(kind, subject, text, mend)]} of a Result, and the results by check."""
    document = json.loads(got.stdout)
    tap.equal(document['schema'], 'migctl.doctor/1')
    tap.equal([check['id'] for check in document['checks']], CHECKS)
    problems = 0
    for check in document['checks']:
        kinds = [finding['kind'] for finding in check['findings']]
        problems += kinds.count('problem')
        tap.equal(check['result'], next((kind for kind in ('problem', 'note', 'skipped')
                                         if kind in kinds), 'ok'))
    tap.equal(document['problems'], problems)
    return {check['id']: [(f['kind'], f['subject'], f['text'], whole_mend(f))
                          for f in check['findings']]
            for check in document['checks'] if check['findings']}


def doctor(node, rc, **kwargs):
    return examined(tap.exited(on(node, 'doctor', '--json', **kwargs), rc))


def skipped(found):
    """{check: [(subject, text)]} of what could not be looked at."""
    return {check: [(subject, text) for kind, subject, text, _ in findings if kind == 'skipped']
            for check, findings in found.items()
            if any(kind == 'skipped' for kind, *_ in findings)}


def carry_out(mend):
    """The command of a mend, as it stands."""
    words = mend.split('   ')[0].split()
    tap.equal(words[0], 'migctl')
    return tap.succeeded(tap.run([MIGCTL, *words[1:]]))


@test
def nothing_is_wrong():
    node = create(f'2x{A100},1xt4-16gb,1xa30-24gb')
    tap.succeeded(on(node, 'apply', '0=1g.5gb*2,3g.20gb'))
    tap.equal(doctor(node, 0), {})
    got = tap.succeeded(on(node, 'doctor'))
    tap.equal([line.split()[:2] for line in got.stdout.splitlines()],
              [[check, 'ok'] for check in CHECKS] + [['Nothing', 'is']])
    tap.equal(got.stderr, '')
    # Reads only.
    count = tap.tmpdir() / 'count.json'
    on(node, 'doctor', env={'MIGCTL_NVML_COUNT': count})
    tap.equal(json.loads(count.read_text())['changing_calls'], 0)


LIBRARY = 'apt install nvidia-driver libnvidia-ml1   (Debian; elsewhere the NVIDIA driver as that ' \
          'system has it; without a GPU a simulated node can be tried: migctl help sim create)'
OTHER_LIBRARY = "apt install --reinstall libnvidia-ml1   (Debian; elsewhere the library of driver {}: " \
                "'ldconfig -p | grep libnvidia-ml' shows which is found)"


def machine(name, version=None):
    """The environment of a machine whose library is only what is in a directory of that name."""
    root = tap.tmpdir() / name
    (root / 'lib').mkdir(parents=True)
    if version is not None:
        (root / 'proc/driver/nvidia').mkdir(parents=True)
        (root / 'proc/driver/nvidia/version').write_text(version)
    return {'LD_LIBRARY_PATH': str(root / 'lib'), 'MIGCTL_HOST_ROOT': str(root)}


@test
def no_driver():
    env = machine('nothing')
    got = tap.exited(migctl('doctor', '--json', env=env), 6)
    found = examined(got)
    needing = ['permission', 'gpus', 'mig-mode', 'instances', 'device-files']
    tap.equal(skipped(found), {check: [(None, 'needs a driver that works')]
                               for check in needing})
    kind, _, text, mend = found['driver'][0]
    tap.equal((kind, mend), ('problem', LIBRARY))
    tap.contains(text, "cannot load the NVIDIA driver library 'libnvidia-ml.so.1'")
    text = tap.exited(migctl('doctor', env=env), 6).stdout
    tap.contains(text, 'gpus          skipped  needs a driver that works')
    tap.contains(text, '1 problem.')
    # The module runs and its library is missing: what is installed has to be of its version.
    for version, said in (('NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.163.01  Thu\n',
                           '550.163.01'), ('something else\n', 'that runs')):
        env = machine(said, version)
        found = examined(tap.exited(migctl('doctor', '--json', env=env), 6))
        tap.equal(found['driver'][0][3], OTHER_LIBRARY.format(said))


@test
def a_path_that_a_shell_would_take_apart():
    home = tap.tmpdir() / "it's   (odd) home"
    home.mkdir()
    env = {'MIGSIM_HOME': str(home)}
    tap.succeeded(migctl('sim', 'create', 'n', '--gpus', f'1x{A100}', env=env))
    tap.succeeded(on('n', 'apply', '0=1g.5gb', env=env))
    cap = home / 'n/root/dev/nvidia-caps/nvidia-cap1'
    cap.chmod(0o444)
    mend, = (f['mend'] for check in json.loads(on('n', 'doctor', '--json', env=env).stdout)['checks']
             for f in check['findings'])
    subprocess.run(['sh', '-c', mend], check=True)
    tap.equal(cap.stat().st_mode & 0o777, 0o400)
    tap.exited(on('n', 'doctor', env=env), 0)


@test
def a_library_without_symbols():
    env = machine('broken', 'NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.82  Thu\n')
    shutil.copy(tap.build('tests', 'unit', 'nvml-fake', 'libnvml-fake-broken.so'),
                pathlib.Path(env['LD_LIBRARY_PATH']) / 'libnvidia-ml.so.1')
    found = examined(tap.exited(migctl('doctor', '--json', env=env), 6))
    tap.contains(found['driver'][0][2], 'is not a usable NVML library: it does not export nvml')
    tap.equal(found['driver'][0][3], OTHER_LIBRARY.format('580.82'))


@test
def a_driver_that_does_not_start():
    node = create(f'1x{A100}')
    for code, mend, rc in (('DRIVER_NOT_LOADED', 'modprobe nvidia', 6),
                           ('LIB_RM_VERSION_MISMATCH', 'reboot', 6),
                           ('NO_PERMISSION', 'run as root', 1),
                           ('UNKNOWN', 'on a real machine: dmesg | grep -i nvrm', 1)):
        got = migctl('sim', 'exec', '--fault', f'nvmlInitWithFlags=NVML_ERROR_{code}', node, '--',
                     MIGCTL, 'doctor', '--json')
        found = examined(got)
        tap.contains(found['driver'][0][2], code)
        tap.contains(found['driver'][0][3], mend)
        tap.exited(got, rc)


@test
def no_permission():
    node = create(f'1x{A100}')
    tap.succeeded(on(node, 'apply', '0=1g.5gb'))
    found = examined(tap.exited(migctl('sim', 'exec', '--unprivileged', node, '--', MIGCTL,
                                       'doctor', '--json'), 1))
    tap.equal([(os.path.basename(subject), text[:27]) for _, subject, text, _ in
               found['permission']],
              [('nvidia-cap1', "the right 'config' is missi"),
               ('nvidia-cap2', "the right 'monitor' is miss")])
    tap.contains(found['permission'][0][3], 'as root')
    # What was not looked at is not said to be right.
    tap.equal(skipped(found), {'instances': [('GPU 0', 'only root sees its instances')],
                               'device-files': [('GPU 0', 'only root sees its instances')],
                               'daemons': [('GPU 0', 'only root sees who uses it')]})
    got = migctl('sim', 'exec', '--unprivileged', node, '--', MIGCTL, 'doctor')
    tap.contains(got.stdout, 'instances     skipped\n  GPU 0: only root sees its instances\n')


@test
def the_right_that_is_missing():
    if os.geteuid() != 0:
        tap.skip('only root can become somebody else')
    node = create(f'1x{A100}')
    os.chmod(tap.tmpdir(), 0o755)
    for path, _, _ in os.walk(tap.tmpdir()):
        os.chmod(path, 0o755)
    program = f'import os; os.setgid(65534); os.setuid(65534); ' \
              f'os.execv("{MIGCTL}", ["migctl", "doctor", "--json"])'
    got = migctl('sim', 'exec', node, '--', 'python3', '-c', program)
    if got.rc not in (0, 1) or not got.stdout:
        tap.skip('another user cannot reach the build directory here')
    found = examined(got)
    tap.contains(found['permission'][0][1], '/dev/nvidia-caps/nvidia-cap1')
    tap.contains(found['permission'][0][2], "the right 'config' is missing")


@test
def a_pending_mode_and_a_lost_gpu():
    node = create(f'2x{A100}:reset-required')
    on(node, 'apply', '0=1g.5gb', '--skip-reset')
    found = doctor(node, 1)
    tap.equal(found, {'mig-mode': [('problem', 'GPU 0', 'MIG mode is off and will be on after a reset '
                                    'of the GPU', f'migctl sim reset {node} -i 0')]})
    # The command mends it.
    carry_out(found['mig-mode'][0][3])
    tap.equal(doctor(node, 0), {})
    tap.succeeded(migctl('sim', 'fault', 'add', node, 'lost', '-i', '1'))
    found = doctor(node, 1)
    tap.equal(found['gpus'][0][:2], ('problem', 'GPU 1'))
    tap.equal(skipped(found), {check: [('GPU 1', 'it is lost')] for check in
                               ('mig-mode', 'instances', 'device-files', 'daemons')})
    carry_out(found['gpus'][0][3])
    tap.equal(doctor(node, 0), {})


@test
def no_gpu_and_no_mig():
    nothing = {check: [(None, 'there is no GPU with MIG')]
               for check in ('mig-mode', 'instances', 'device-files')}
    found = doctor(create('none', 'empty'), 6)
    tap.equal(found['gpus'][0][0], 'problem')
    # What would be done on a machine is not for the one that simulates.
    tap.true(found['gpus'][0][3].startswith('on a real machine: lspci '))
    tap.equal(skipped(found), nothing)
    found = doctor(create('1xt4-16gb', 'old'), 0)
    tap.equal(found['gpus'][0][0], 'note')
    tap.equal(skipped(found), nothing)
    tap.contains(tap.succeeded(on('old', 'doctor')).stdout,
                 'Nothing is wrong of what could be looked at.')


@test
def a_gpu_instance_without_compute_instance():
    node = create(f'1x{A100}')
    file = tap.tmpdir() / 'v1.yaml'
    file.write_text('version: migctl/v1\nlayouts:\n  x:\n  - gpus: all\n    instances:\n'
                    '    - {profile: 1g.5gb, start: 2, compute: []}\n')
    tap.succeeded(on(node, 'apply', '-f', file))
    (kind, subject, text, mend), = doctor(node, 1)['instances']
    tap.equal((kind, subject), ('problem', 'GPU 0'))
    tap.contains(text, '(1g.5gb@2) has no compute instance')
    tap.true(mend.startswith(f'migctl --node {node} create '), mend)
    carry_out(mend)
    tap.true('instances' not in doctor(node, 0))


@test
def device_files():
    node = create(f'1x{A100}')
    tap.succeeded(on(node, 'apply', '0=7g.40gb'))
    dev = node_dir(node) / 'root' / 'dev'
    caps = dev / 'nvidia-caps'
    caps_of_instances = sorted(set(os.listdir(caps)) - {'nvidia-cap1', 'nvidia-cap2'})
    tap.equal(len(caps_of_instances), 2)
    (caps / 'nvidia-cap1').chmod(0o666)
    (kind, subject, text, mend), = doctor(node, 1)['device-files']
    tap.equal((kind, subject), ('problem', str(caps / 'nvidia-cap1')))
    tap.equal(text, "its mode is 0666 and should be 0400 (the right 'config')")
    tap.equal(mend, f'chmod 0400 {caps}/nvidia-cap1')
    subprocess.run(mend.split(), check=True)
    tap.equal(doctor(node, 0), {})
    (caps / 'nvidia-cap2').unlink()
    (caps / 'nvidia-cap2').mkdir()
    (_, _, text, mend), = doctor(node, 1)['device-files']
    tap.contains(text, 'it is no device')
    tap.equal(mend, f'migctl sim mend {node}')
    carry_out(mend)
    tap.equal(doctor(node, 0), {})
    (caps / 'nvidia-cap2').unlink()
    tap.contains(doctor(node, 1)['device-files'][0][2], 'it is missing')
    if os.geteuid() == 0:
        # Another driver's number.
        os.mknod(caps / 'nvidia-cap2', 0o444 | 0o020000, os.makedev(1, 3))
        tap.contains(doctor(node, 1)['device-files'][0][2], 'it is device 1:3 and should be')
    (dev / 'nvidia0').unlink()
    tap.true(any(subject.endswith('/dev/nvidia0') and mend == f'migctl sim mend {node}'
                 for _, subject, _, mend in doctor(node, 1)['device-files']))
    # What is said on the node itself works there, too; so does what does it on a machine.
    tap.succeeded(migctl('sim', 'exec', node, '--', 'nvidia-modprobe', '-c', '0'))
    tap.equal(doctor(node, 0), {})
    (node_dir(node) / 'root/proc/driver/nvidia-caps/mig-minors').unlink()
    (_, subject, text, _), = doctor(node, 1)['device-files']
    tap.contains(subject, 'mig-minors')
    (dev / 'nvidia0').unlink()
    tap.succeeded(migctl('sim', 'reboot', node))
    tap.equal(doctor(node, 0), {})


@test
def device_files_of_instances_that_are_gone():
    node = create(f'1x{A100}')
    caps = node_dir(node) / 'root' / 'dev' / 'nvidia-caps'
    # Of a GPU that this node has not: nothing removes them by itself.
    for minor in (678, 679):
        (caps / f'nvidia-cap{minor}').write_text('')
    (kind, subject, text, mend), = doctor(node, 0)['device-files']
    tap.equal((kind, subject), ('note', str(caps)))
    tap.contains(text, '2 files of instances that are gone (nvidia-cap67')
    words = mend.split()
    tap.equal((words[0], sorted(words[1:])), ('rm', [f'{caps}/nvidia-cap{n}' for n in (678, 679)]))
    subprocess.run(words, check=True)
    tap.equal(doctor(node, 0), {})
    # Numbers that nothing has, and other names, are not ours to judge.
    (caps / 'nvidia-cap99999').write_text('')
    (caps / 'other').write_text('')
    tap.equal(doctor(node, 0), {})


@test
def modules_and_daemons():
    node = create(f'2x{A100}:reset-required')
    proc = node_dir(node) / 'root' / 'proc'
    load_module(node, 'nvidia_drm', 4)
    for pid, name, target in (('4711', 'nv-hostengine', '/dev/nvidia0'),
                              ('4712', 'nvidia-persiste', '/dev/nvidiactl'),
                              ('4713', 'nv-hostengine', '/dev/null'),
                              ('4714', 'bash', '/dev/nvidia0')):
        (proc / pid / 'fd').mkdir(parents=True)
        (proc / pid / 'comm').write_text(name + '\n')
        os.symlink(target, proc / pid / 'fd' / '5')
    # Nothing is wrong with that as long as nobody wants to change the mode.
    found = doctor(node, 0)
    (kind, subject, _, mend), = found['modules']
    tap.equal((kind, subject), ('note', 'nvidia_drm'))
    tap.contains(mend, 'on a real machine: systemctl ')
    tap.contains(mend, 'modprobe -r nvidia_drm')
    tap.equal(sorted((kind, subject, mend) for kind, subject, _, mend in found['daemons']),
              [('note', 'process 4711 (nv-hostengine)',
                'on a real machine: systemctl stop nvidia-dcgm'),
               ('note', 'process 4712 (nvidia-persiste)',
                'on a real machine: systemctl stop nvidia-persistenced')])
    tap.contains(tap.succeeded(on(node, 'doctor')).stdout, 'Nothing is wrong.')
    on(node, 'apply', '0=1g.5gb', '--skip-reset')
    found = doctor(node, 1)
    tap.equal({kind for check in ('modules', 'daemons') for kind, *_ in found[check]}, {'problem'})


@test
def somebody_who_holds_a_whole_gpu():
    node = create(f'1x{A100}')
    uuid = json.loads(tap.succeeded(on(node, 'status', '--json')).stdout)['gpus'][0]['uuid']
    pid = tap.succeeded(migctl('sim', 'hold', '-n', node, '-b', uuid)).stdout.strip()
    (kind, subject, text, mend), = doctor(node, 0)['daemons']
    tap.equal((kind, subject, mend), ('note', f'process {pid} (migctl)', f'kill {pid}'))
    tap.contains(text, 'it holds GPU 0')
    tap.succeeded(migctl('sim', 'hold', '-n', node, '--end', pid))
    tap.equal(doctor(node, 0), {})


@test
def a_leftover_journal():
    node = create(f'1x{A100}')
    tap.succeeded(on(node, 'apply', '0=1g.5gb'))
    migctl('sim', 'exec', '--fault', 'nvmlDeviceCreateGpuInstanceWithPlacement=kill', node, '--',
           MIGCTL, 'apply', '0=3g.20gb*2')
    found = doctor(node, 1)
    (kind, subject, text, mend), = found['journal']
    tap.equal(kind, 'problem')
    tap.contains(text, 'transaction 2 (')
    tap.contains(text, 'was left unfinished')
    tap.true(os.path.exists(subject), subject)
    # The command mends it.
    carry_out(mend)
    tap.equal(doctor(node, 0), {})
    os.truncate(subject, os.path.getsize(subject) // 2)
    with open(subject, 'r+b') as file:
        file.seek(10)
        file.write(b'\0\0\0\0')
    (kind, damaged, text, mend), = doctor(node, 1)['journal']
    tap.equal((kind, damaged), ('problem', subject))
    tap.true(text.startswith('the journal of a change cannot be used: '), text)
    tap.not_contains(text, subject)
    tap.true(mend.startswith(f'rm {subject}   (compare '), mend)
    subprocess.run(mend.split('   ')[0].split(), check=True)
    tap.equal(doctor(node, 0), {})


@test
def a_held_lock():
    node = create(f'1x{A100}')
    tap.succeeded(on(node, 'apply', '0=1g.5gb'))
    tap.succeeded(migctl('sim', 'fault', 'add', '-n', node,
                         'nvmlDeviceCreateGpuInstanceWithPlacement=hang'))
    change = subprocess.Popen([MIGCTL, '--node', node, 'apply', '0=1g.5gb,2g.10gb'],
                              stdout=subprocess.DEVNULL)
    end = time.monotonic() + WAIT_S
    # Who holds it writes itself down a moment after it has it.
    while 'lock' not in (found := doctor(node, 0)) or \
            f'process {change.pid}' not in found['lock'][0][2]:
        tap.true(time.monotonic() < end, str(found))
        time.sleep(0.05)
    tap.equal(list(found), ['lock'])
    tap.equal(found['lock'][0][0], 'note')
    tap.contains(found['lock'][0][2], f'process {change.pid}')
    tap.succeeded(migctl('sim', 'fault', 'clear', node, 'all'))
    tap.equal(change.wait(WAIT_S), 0)
    tap.equal(doctor(node, 0), {})


tap.main()
