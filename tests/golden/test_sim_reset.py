#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`migctl sim reset` and `sim reboot`, the same through the node's nvidia-smi and reboot, and the
programs of others that the node's nvidia-smi and nvidia-mig-parted hand on to."""
import json
import os
import pathlib
import select
import shutil
import stat

import tap
from tap import test

MIGCTL = tap.build('migctl')
SHIMS = tap.build('src', 'sim', 'shims')
GPU0, GPU1 = '00000000:10:00.0', '00000000:11:00.0'


def migctl(*args, **kwargs):
    return tap.run([MIGCTL, *args], **kwargs)


def create(gpus='2xa100-sxm4-40gb:reset-required', *args):
    tap.succeeded(migctl('sim', 'create', 'demo', '--gpus', gpus, *args))


def on_node(*argv, options=(), **kwargs):
    return migctl('sim', 'exec', *options, 'demo', '--', *argv, **kwargs)


def nvml(script):
    """Python on the node, with `gpu(i)` and `nvml`."""
    head = '''
import ctypes
nvml = ctypes.CDLL('libnvidia-ml.so.1')
assert nvml.nvmlInit_v2() == 0
def gpu(index):
    handle = ctypes.c_void_p()
    assert nvml.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(handle)) == 0
    return handle
'''
    tap.succeeded(on_node('python3', '-c', head + script))


def want_mig(index, mode=1):
    nvml(f'assert nvml.nvmlDeviceSetMigMode(gpu({index}), {mode}, '
         'ctypes.byref(ctypes.c_int())) == 0')


def persistence(index, on):
    nvml(f'assert nvml.nvmlDeviceSetPersistenceMode(gpu({index}), {int(on)}) == 0')


def modes():
    """[(current, pending)] of the GPUs."""
    document = json.loads(tap.succeeded(migctl('sim', 'show', 'demo', '--json')).stdout)
    return [(gpu['mig_mode'] == 'on', gpu['mig_mode_pending'] == 'on')
            for gpu in document['gpus']]


# ------------------------------------------------------------------- reset

@test
def a_reset_brings_the_pending_mode_into_force():
    create()
    want_mig(0)
    want_mig(1)
    tap.equal(modes(), [(False, True), (False, True)])
    got = tap.succeeded(migctl('sim', 'reset', 'demo', '-i', '1'))
    tap.equal((got.stdout, got.stderr), ('', f'reset GPU 1 ({GPU1})\n'))
    tap.equal(modes(), [(False, True), (True, True)])
    got = tap.succeeded(migctl('sim', 'reset', 'demo'))
    tap.equal(got.stderr, f'reset GPU 0 ({GPU0})\nreset GPU 1 ({GPU1})\n')
    tap.equal(modes(), [(True, True), (True, True)])


@test
def bad_lists_change_nothing():
    create()
    want_mig(0)
    for gpus, shown in (('7', '7'), ('0,7', '7'), ('', ''), ('0,', ''), ('0 ', '0 '),
                        ('\033[1m', '\\x1b[1m'), ('GPU-nope', 'GPU-nope')):
        got = tap.exited(migctl('sim', 'reset', 'demo', '-i', gpus), 4)
        tap.equal(got.stderr, f"migctl: no GPU '{shown}' on this node\n  GPUs are named by index "
                  "(0 to 1), UUID or PCI address; 'migctl sim show' lists them\n")
    tap.equal(modes()[0], (False, True))
    tap.exited(migctl('sim', 'reset', 'nope'), 6)
    tap.exited(migctl('sim', 'reset', 'demo', 'demo'), 2)
    tap.exited(migctl('sim', 'reboot', 'demo', '-i', '0'), 2)


@test
def persistence_mode_is_in_the_way():
    create()
    persistence(1, True)
    want_mig(0)
    got = tap.exited(migctl('sim', 'reset', 'demo'), 5)
    tap.equal(got.stderr, 'migctl: no GPU was reset: GPU 1 has its persistence mode on\n'
              '  turn persistence mode off (on the node: nvidia-smi -pm 0)\n')
    tap.equal(modes()[0], (False, True))
    persistence(1, False)
    tap.succeeded(migctl('sim', 'reset', 'demo'))


@test
def a_node_without_gpus():
    create('none')
    tap.equal(tap.exited(migctl('sim', 'reset', 'demo'), 6).stderr,
              'migctl: the node has no GPU to reset\n')
    tap.exited(migctl('sim', 'reset', 'demo', '-i', '0'), 4)
    tap.equal(tap.exited(on_node('nvidia-smi', '-r'), 6).stdout, 'No devices were found\n')
    tap.succeeded(migctl('sim', 'reboot', 'demo'))


# ------------------------------------------------------------------- reboot

@test
def a_reboot_keeps_the_mode_on_ampere_only():
    create('a100-sxm4-40gb,h100-sxm5-80gb')
    want_mig(0)
    want_mig(1)
    got = tap.succeeded(migctl('sim', 'reboot', 'demo'))
    tap.equal((got.stdout, got.stderr), ('', 'rebooted node demo: 2 GPUs, 0 holders ended\n'))
    tap.equal(modes(), [(True, True), (False, False)])


def devices():
    """{name: (type, major, minor, mode)} of all below the node's /dev."""
    dev = pathlib.Path(os.environ['MIGSIM_HOME']) / 'demo' / 'root' / 'dev'
    return {str(path.relative_to(dev)): (stat.S_IFMT(path.lstat().st_mode), path.lstat().st_rdev,
                                         stat.S_IMODE(path.lstat().st_mode))
            for path in dev.rglob('*')}


def spoil():
    """Every way in which a device file can be wrong."""
    dev = pathlib.Path(os.environ['MIGSIM_HOME']) / 'demo' / 'root' / 'dev'
    (dev / 'nvidia0').unlink()
    (dev / 'nvidiactl').unlink()
    (dev / 'nvidiactl').symlink_to('/dev/null')
    (dev / 'nvidia1').chmod(0o600)
    shutil.rmtree(dev / 'nvidia-caps')
    (dev / 'nvidia-uvm').unlink()
    (dev / 'nvidia-uvm').mkdir()
    minors = dev.parent / 'proc' / 'driver' / 'nvidia-caps' / 'mig-minors'
    minors.unlink()
    minors.write_text('config 7\n')


@test
def device_files_are_made_anew():
    create()
    before = devices()
    minors = pathlib.Path(os.environ['MIGSIM_HOME']) / \
        'demo/root/proc/driver/nvidia-caps/mig-minors'
    text = minors.read_text()
    for argv in ((MIGCTL, 'sim', 'mend', 'demo'), (MIGCTL, 'sim', 'reboot', 'demo'),
                 (MIGCTL, 'sim', 'exec', 'demo', '--', 'nvidia-modprobe', '-c', '0'),
                 (MIGCTL, 'sim', 'exec', 'demo', '--', 'nvidia-modprobe', '-f',
                  '/proc/driver/nvidia/capabilities/mig/config')):
        spoil()
        tap.true(devices() != before)
        tap.succeeded(tap.run(argv))
        tap.equal(devices(), before, str(argv))
        tap.equal(minors.read_text(), text)
    # Asked for something else it does nothing, and what is right stays as it is.
    spoil()
    spoilt = devices()
    tap.succeeded(on_node('nvidia-modprobe'))
    tap.equal(devices(), spoilt)
    tap.succeeded(migctl('sim', 'mend', 'demo'))
    inode = (minors.parents[3] / 'dev' / 'nvidia0').lstat().st_ino
    got = tap.succeeded(migctl('sim', 'mend', 'demo'))
    tap.equal((got.stdout, got.stderr),
              ('', 'made the device files of node demo as they belong to it\n'))
    tap.equal((minors.parents[3] / 'dev' / 'nvidia0').lstat().st_ino, inode)
    # Directories that are gone, too.
    for gone in ('proc/driver/nvidia-caps', 'dev', '.'):
        shutil.rmtree(minors.parents[3] / gone)
        tap.succeeded(tap.run(['sh', '-c', 'umask 077 && exec "$@"', 'sh', MIGCTL, 'sim', 'mend',
                               'demo']))
        tap.equal((devices(), minors.read_text()), (before, text), gone)
        tap.equal(stat.S_IMODE(minors.parent.stat().st_mode), 0o755)
    # A directory with something in it is nobody's to remove.
    (minors.parents[3] / 'dev' / 'nvidia0').unlink()
    (minors.parents[3] / 'dev' / 'nvidia0' / 'sub').mkdir(parents=True)
    got = tap.exited(migctl('sim', 'mend', 'demo'), 1)
    tap.contains(got.stderr, "cannot mend 'nvidia0' of node 'demo'")
    tap.equal(sorted(path.name for path in (minors.parents[3] / 'dev').iterdir()
                     if path.name.startswith('.')), [])
    got = tap.exited(on_node('nvidia-modprobe', '-c', '0'), 1)
    tap.contains(got.stderr, 'nvidia-modprobe (simulated node): ')


@test
def root_mends_nothing_of_somebody_else():
    if os.geteuid() != 0:
        tap.skip('only root can give a node away')
    create()
    dev = pathlib.Path(os.environ['MIGSIM_HOME']) / 'demo' / 'root' / 'dev'
    os.chown(dev, 65534, 65534)
    (dev / 'nvidia0').unlink()
    got = tap.exited(migctl('sim', 'mend', 'demo'), 7)
    tap.contains(got.stderr, "the files of node 'demo' are another user's")
    tap.true(not (dev / 'nvidia0').exists())


@test
def the_reboot_of_the_node():
    create('a100-sxm4-40gb:reset-required')
    want_mig(0)
    for argv in (['reboot'], ['sudo', 'reboot', '-f'], ['sudo', 'reboot', 'now']):
        tap.contains(tap.succeeded(on_node(*argv)).stderr, 'rebooted node demo: 1 GPU')
    tap.equal(modes(), [(True, True)])
    for word in ('-p', '--halt', '--poweroff'):
        got = tap.exited(on_node('reboot', word), 1)
        tap.equal(got.stderr, f'reboot (simulated node): {word} is not a reboot\n')
    tap.exited(on_node('reboot', '--nope'), 1)
    tap.contains(tap.succeeded(on_node('reboot', '--help')).stdout, 'usage: reboot')
    got = tap.exited(on_node('reboot', options=['--unprivileged']), 1)
    tap.contains(got.stderr, "only the node's administrator may reboot the node")
    got = tap.exited(tap.run([f'{SHIMS}/reboot']), 1)
    tap.equal(got.stderr, 'reboot (simulated node): not on a simulated node (MIGSIM_NODE is not '
              'set)\n')


@test
def holders_are_in_the_way_of_a_reset_and_end_with_a_reboot():
    create('2xa100-sxm4-40gb')
    uuid = json.loads(migctl('sim', 'show', 'demo', '--json').stdout)['gpus'][1]['uuid']
    got = tap.succeeded(migctl('sim', 'hold', '--node', 'demo', '--background', uuid))
    pid = int(got.stdout)
    end = os.pidfd_open(pid)
    got = tap.exited(migctl('sim', 'reset', 'demo'), 5)
    tap.equal(got.stderr.splitlines()[0],
              f'migctl: no GPU was reset: GPU 1 is held by process {pid} ({MIGCTL})')
    got = tap.exited(on_node('nvidia-smi', '-r'), 255)
    tap.contains(got.stdout, f'  GPU {GPU1}: In use by another client\n')
    tap.not_contains(got.stdout, GPU0)
    tap.succeeded(migctl('sim', 'reset', 'demo', '-i', '0'))
    got = tap.succeeded(on_node('reboot'))
    tap.equal(got.stderr, 'rebooted node demo: 2 GPUs, 1 holder ended\n')
    tap.equal(select.select([end], [], [], 0)[0], [end])  # it has ended already
    tap.succeeded(migctl('sim', 'reset', 'demo'))


# ------------------------------------------------------------------- as nvidia-smi

IN_USE = '''
The following GPUs could not be reset:
{gpus}
{verb} currently being used by one or more other processes (e.g., Fabric Manager, CUDA \
application, graphics application such as an X server, or a monitoring application such as another \
instance of nvidia-smi). Please first kill all processes using {these} and all compute applications \
running in the system.
'''


@test
def nvidia_smi_resets():
    create()
    want_mig(1)
    uuid = json.loads(migctl('sim', 'show', 'demo', '--json').stdout)['gpus'][1]['uuid']
    for argv, resets in (
            (['-r'], [GPU0, GPU1]),
            (['--gpu-reset', '-i', '1'], [GPU1]),
            (['-i', '0,1', '-r'], [GPU0, GPU1]),
            (['-r', f'--id={uuid}'], [GPU1]),
            (['-r', '-i', '0000:11:00.0'], [GPU1])):
        got = tap.succeeded(on_node('nvidia-smi', *argv))
        wanted = ''.join(f'GPU {gpu} was successfully reset.\n' for gpu in resets)
        tap.equal(got.stdout, wanted + ('' if len(argv) > 1 else 'All done.\n'), str(argv))
        tap.equal(got.stderr, '')
    tap.equal(modes()[1], (True, True))


@test
def nvidia_smi_says_why_it_cannot():
    create()
    got = tap.exited(on_node('nvidia-smi', '-r', '-i', '7'), 6)
    tap.equal(got.stdout, 'No devices were found\n')
    got = tap.exited(on_node('nvidia-smi', '-r', options=['-u']), 4)
    tap.equal(got.stdout, f'Unable to reset GPU {GPU0}: Insufficient Permissions\n'
              'Terminating early due to previous errors.\n')
    tap.succeeded(on_node('sudo', 'nvidia-smi', '-r', options=['-u']))
    persistence(1, True)
    got = tap.exited(on_node('nvidia-smi', '-r'), 255)
    tap.equal(got.stdout, IN_USE.format(gpus=f'  GPU {GPU1}: In use by another client\n',
                                        verb='1 device is', these='this device'))
    persistence(0, True)
    got = tap.exited(on_node('nvidia-smi', '-i', '0,1', '--gpu-reset'), 255)
    both = ''.join(f'  GPU {gpu}: In use by another client\n' for gpu in (GPU0, GPU1))
    tap.equal(got.stdout, IN_USE.format(gpus=both, verb='2 devices are', these='these devices'))
    state = pathlib.Path(os.environ['MIGSIM_HOME']) / 'demo' / 'state'
    whole = state.read_bytes()
    os.truncate(state, 100)
    got = tap.exited(tap.run([f'{SHIMS}/nvidia-smi', '-r'], env={
        'MIGSIM_NODE': state.parent, 'MIGCTL_HOST_ROOT': state.parent / 'root',
        'LD_LIBRARY_PATH': tap.build('src/sim/550')}), 255)
    tap.equal(got.stdout, 'Failed to initialize NVML: Unknown Error\n')
    state.write_bytes(whole)


@test
def nvidia_smi_is_ours_unless_another_is_named():
    create('a100-sxm4-40gb')
    for argv in (['-L'], ['mig', '-lgip'], ['-i', '0'], ['-i', '0', '-mig', '1']):
        ours = tap.succeeded(migctl('--node', 'demo', 'smi', *argv))
        got = tap.succeeded(on_node('nvidia-smi', *argv))
        tap.equal((got.stdout[60:], got.stderr), (ours.stdout[60:], ''), str(argv))
    got = tap.exited(on_node('nvidia-smi', '-q'), 2)
    tap.equal(got.stdout, '')
    tap.contains(got.stderr, 'Use the nvidia-smi that came with the NVIDIA driver')
    real = tap.tmpdir() / 'real smi'
    real.write_text('#!/bin/sh\nprintf "<%s>" "$@"\nexit 7\n')
    real.chmod(0o755)
    got = tap.exited(on_node('nvidia-smi', 'mig', '-lgi', 'a b', '',
                             env={'MIGSIM_NVIDIA_SMI': real}), 7)
    tap.equal(got.stdout, '<mig><-lgi><a b><>')
    # What is a reset stays here.
    tap.contains(tap.succeeded(on_node('nvidia-smi', '-r', env={'MIGSIM_NVIDIA_SMI': real})).stdout,
                 'successfully reset')
    for value, message in ((f'{SHIMS}/nvidia-smi', 'is this very program'),
                           ('/nope', 'which is not a program'), (tap.tmpdir(), 'not a program'),
                           ('nvidia-smi', 'which is not a path')):
        got = tap.exited(on_node('nvidia-smi', '-L', env={'MIGSIM_NVIDIA_SMI': value}), 2)
        tap.contains(got.stderr, message, str(value))
    tap.exited(on_node('nvidia-smi', '-r', '-q'), 2)
    for argv in (['-r', '-i'], ['-i', '0', '-r', 'x']):
        tap.exited(on_node('nvidia-smi', *argv), 255)
    tap.exited(tap.run([f'{SHIMS}/nvidia-smi', '-r']), 2)


@test
def the_programs_of_the_node_need_no_path():
    create('a100-sxm4-40gb')
    got = tap.succeeded(on_node('env', 'PATH=/nope', f'{SHIMS}/nvidia-smi', '-r'))
    tap.contains(got.stdout, 'successfully reset')
    tap.succeeded(on_node('env', 'PATH=/nope', f'{SHIMS}/reboot'))


# ------------------------------------------------------------------- nvidia-mig-parted

@test
def nvidia_mig_parted_is_the_next_one_on_path():
    create('a100-sxm4-40gb')
    got = tap.exited(on_node('nvidia-mig-parted', 'apply', env={'PATH': '/usr/bin:/bin'}), 2)
    tap.contains(got.stderr, 'set MIGSIM_NVIDIA_MIG_PARTED to the path')
    folders = {}
    for name in ('first', 'second'):
        folders[name] = tap.tmpdir() / name
        folders[name].mkdir()
        program = folders[name] / 'nvidia-mig-parted'
        program.write_text(f'#!/bin/sh\nprintf "{name}<%s>" "$@"\nnvidia-smi -r -i 0\n')
        program.chmod(0o755)
    path = f'{folders["first"]}:{folders["second"]}:/usr/bin:/bin'
    reset = f'GPU {GPU0} was successfully reset.\n'
    got = tap.succeeded(on_node('nvidia-mig-parted', 'apply', '-f', 'a b', env={'PATH': path}))
    tap.equal(got.stdout, 'first<apply>first<-f>first<a b>' + reset)
    got = tap.succeeded(on_node('nvidia-mig-parted', 'x', env={
        'PATH': path, 'MIGSIM_NVIDIA_MIG_PARTED': folders['second'] / 'nvidia-mig-parted'}))
    tap.equal(got.stdout, 'second<x>' + reset)
    # Two of ours never run each other.
    got = tap.exited(on_node('nvidia-mig-parted', 'x', env={
        'PATH': '/usr/bin:/bin', 'MIGSIM_NVIDIA_MIG_PARTED': f'{SHIMS}/nvidia-mig-parted'}), 2)
    tap.contains(got.stderr, 'is this very program')


# ------------------------------------------------------------------- timing

def timing():
    home = pathlib.Path(os.environ['MIGSIM_HOME'])
    return json.loads((home / 'demo' / 'node.json').read_text())['timing']


@test
def timing_profiles():
    zero = {'create_ms': 0, 'destroy_ms': 0, 'mode_change_ms': 0, 'reset_ms': 0, 'serial': False}
    realistic = {'create_ms': 150, 'destroy_ms': 100, 'mode_change_ms': 2000, 'reset_ms': 5000,
                 'serial': False}
    for words, wanted in ((None, zero), ('zero', zero), ('realistic', realistic),
                          ('serial', zero | {'serial': True}),
                          ('serial,realistic', realistic | {'serial': True})):
        create('a100-sxm4-40gb', *(['--timing', words] if words else []))
        tap.equal(timing(), wanted, words)
        document = json.loads(migctl('sim', 'show', 'demo', '--json').stdout)
        tap.equal(document['timing'], wanted, words)
        tap.succeeded(migctl('sim', 'destroy', 'demo'))
    for words in ('fast', '', 'realistic,', 'x' * 300):
        tap.exited(migctl('sim', 'create', 'demo', '-g', 'a100-sxm4-40gb', '-t', words), 4)
    got = migctl('sim', 'create', 'demo', '-g', 'a100-sxm4-40gb', '-t', 'realistc')
    tap.equal(got.stderr, "migctl: unknown timing 'realistc'\n  did you mean 'realistic'? known "
              'are: zero, realistic, serial\n')
    got = migctl('sim', 'create', 'demo', '-g', 'a100-sxm4-40gb', '-t', 'real')
    tap.equal(got.stderr, "migctl: unknown timing 'real'\n  did you mean 'realistic'? known "
              'are: zero, realistic, serial\n')


@test
def timing_in_descriptions():
    def make(value, rc=0, *args):
        text = json.dumps({'format': 'migsim-node/1', 'gpus': [{'model': 'a30-24gb'}],
                           'timing': value})
        return tap.exited(migctl('sim', 'create', 'demo', '-f', '-', *args, stdin=text), rc)

    make('realistic,serial')
    tap.equal((timing()['reset_ms'], timing()['serial']), (5000, True))
    tap.succeeded(migctl('sim', 'destroy', 'demo'))
    make({'create_ms': 7, 'serial': True})
    tap.equal(timing(), {'create_ms': 7, 'destroy_ms': 0, 'mode_change_ms': 0, 'reset_ms': 0,
                         'serial': True})
    tap.succeeded(migctl('sim', 'destroy', 'demo'))
    make({'create_ms': 7, 'serial': True}, 0, '--timing', 'zero')
    tap.equal((timing()['create_ms'], timing()['serial']), (0, False))
    tap.succeeded(migctl('sim', 'destroy', 'demo'))
    for value, message in (({'creat_ms': 1}, "timing: unknown key 'creat_ms'"),
                           ({'create_ms': -1}, 'timing.create_ms: '),
                           ({'reset_ms': 60001}, 'timing.reset_ms: '),
                           ({'serial': 1}, 'timing.serial: '),
                           ('fast', "timing: unknown timing 'fast'"), (7, 'timing: must be')):
        tap.contains(make(value, 4).stderr, message)


@test
def a_realistic_reset_takes_its_time():
    """Of a millisecond: that it is done afterwards counts, not how long it took."""
    text = json.dumps({'format': 'migsim-node/1', 'timing': {'reset_ms': 1},
                       'gpus': [{'model': 'a30-24gb', 'count': 2,
                                 'mode_change': 'reset-required'}]})
    tap.succeeded(migctl('sim', 'create', 'demo', '-f', '-', stdin=text))
    want_mig(0)
    tap.succeeded(migctl('sim', 'reset', 'demo'))
    tap.equal(modes(), [(True, True), (False, False)])


tap.main()
