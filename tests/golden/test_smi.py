#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`migctl smi` and migctl called as nvidia-smi: how one gets to it, resets on a real driver, and what
is not the original's. (What it prints is compared in tests/interop/nvidia-smi.)"""
import os
import pathlib
import shutil

import tap
from tap import test

MIGCTL = tap.build('migctl')


def create(gpus='1xa100-sxm4-40gb'):
    tap.succeeded(tap.run([MIGCTL, 'sim', 'create', 'demo', '--gpus', gpus]))
    return pathlib.Path(os.environ['MIGSIM_HOME']) / 'demo'


def smi(*args, **kwargs):
    return tap.run([MIGCTL, '--node', 'demo', 'smi', *args], **kwargs)


def called_as_nvidia_smi():
    """A link of that name, in a directory of its own."""
    link = tap.tmpdir() / 'bin' / 'nvidia-smi'
    link.parent.mkdir()
    link.symlink_to(MIGCTL)
    return link


def foreign_library():
    """What stands for a real driver."""
    directory = tap.tmpdir() / 'foreign'
    directory.mkdir()
    shutil.copy(tap.build('tests', 'unit', 'nvml-fake', 'libnvml-fake-new.so'),
                directory / 'libnvidia-ml.so.1')
    return directory


@test
def one_program_by_three_names():
    create()
    link = called_as_nvidia_smi()
    wanted = tap.succeeded(smi('mig', '-lgip')).stdout
    tap.contains(wanted, '\n|   0  MIG 3g.20gb        9     0/2        19.62      No     42     2 '
                         '    0   |\n')
    for argv in ([link], ['nvidia-smi'], [MIGCTL, 'smi']):
        got = tap.succeeded(tap.run([MIGCTL, 'sim', 'exec', 'demo', '--', *argv, 'mig', '-lgip']))
        tap.equal((got.stdout, got.stderr), (wanted, ''), str(argv))


@test
def a_session_from_mode_to_mode():
    create()
    tap.contains(tap.succeeded(smi('-mig', '1')).stdout,
                 'Enabled MIG Mode for GPU 00000000:10:00.0\n')
    got = tap.succeeded(smi('mig', '-cgi', '9,MIG 2g.10gb', '-C'))
    tap.equal(got.stdout, '''\
Successfully created GPU instance ID  2 on GPU  0 using profile MIG 3g.20gb (ID  9)
Successfully created compute instance ID  0 on GPU  0 GPU instance ID  2 using profile MIG 3g.20gb (ID  2)
Successfully created GPU instance ID  3 on GPU  0 using profile MIG 2g.10gb (ID 14)
Successfully created compute instance ID  0 on GPU  0 GPU instance ID  3 using profile MIG 2g.10gb (ID  1)
''')
    tap.equal(tap.exited(smi('mig', '-dgi'), 19).stdout, '''\
Unable to destroy GPU instance ID  3 from GPU  0: In use by another client
Failed to destroy GPU instances: In use by another client
''')
    tap.succeeded(smi('mig', '-dci'))
    tap.succeeded(smi('mig', '-dgi'))
    tap.contains(tap.succeeded(smi('-mig', '0')).stdout, 'Disabled MIG Mode')


@test
def both_kinds_of_create_have_one_list():
    """Seen with the original: the last list that was given counts for the one that runs."""
    create()
    tap.succeeded(smi('-mig', '1'))
    for words, profile in ((('-cgi', '19', '-cci', '9'), 'MIG 3g.20gb (ID  9)'),
                           (('-cci', '9', '-cgi', '19'), 'MIG 1g.5gb (ID 19)'),
                           (('-cgi', '19', '-cci'), 'MIG 1g.5gb (ID 19)')):
        tap.contains(tap.succeeded(smi('mig', *words)).stdout, f'using profile {profile}\n')


@test
def help_is_there_and_is_ours():
    create()
    tap.contains(tap.succeeded(tap.run([MIGCTL, 'smi', '--help'])).stdout, 'usage: migctl smi')
    tap.contains(tap.succeeded(smi('-h')).stdout, 'what MIG needs of nvidia-smi 550')
    for words in (['mig'], ['mig', '-h'], ['mig', '-i', '0']):
        tap.contains(tap.succeeded(smi(*words)).stdout, 'nvidia-smi mig: MIG instances')


@test
def what_only_the_vendor_knows_is_told():
    create()
    for words, word in ((['-q'], '-q'), (['-q', '-x'], '-q'), (['topo', '-m'], 'topo'),
                        (['-pl=300'], '-pl=300'), (['--query-gpu=serial', '--format=csv'], 'serial')):
        got = tap.exited(smi(*words), 2)
        tap.equal(got.stdout, '')
        tap.contains(got.stderr, f"'{word}' is not known to this nvidia-smi")
        tap.contains(got.stderr, 'Use the nvidia-smi that came with the NVIDIA driver')


@test
def a_full_disk_is_an_error():
    create()
    got = tap.run(['sh', '-c', f'exec {MIGCTL} --node demo smi -L > /dev/full'])
    tap.equal(got.rc, 1)
    tap.contains(got.stderr, 'No space left on device')


@test
def without_a_driver_it_says_so_as_the_original_does():
    empty = tap.tmpdir() / 'empty'
    empty.mkdir()
    got = tap.run([MIGCTL, 'smi', '-L'], env={'LD_LIBRARY_PATH': empty})
    if got.rc != 12:
        tap.skip('this machine has an NVML library')
    tap.contains(got.stdout, "NVIDIA-SMI couldn't find libnvidia-ml.so library in your system.")


@test
def a_node_is_not_left():
    node = create()
    got = tap.exited(tap.run([MIGCTL, 'smi', '-L'], env={
        'MIGSIM_NODE': node, 'MIGCTL_HOST_ROOT': node / 'root',
        'LD_LIBRARY_PATH': foreign_library()}), 6)
    tap.equal(got.stdout, '')
    tap.contains(got.stderr, 'is not the simulated driver')


# ------------------------------------------------------------------- a reset on a real driver

def vendor_program(text):
    """A directory with an nvidia-smi that is not ours."""
    program = tap.tmpdir() / 'vendor' / 'nvidia-smi'
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\n{text}\n')
    program.chmod(0o755)
    return program.parent


@test
def a_reset_becomes_the_vendors_program():
    vendor = vendor_program('printf "<%s>" "$@"; exit 3')
    ours = called_as_nvidia_smi()
    got = tap.run([ours, '-r', '-i', '0 1', '--gpu-reset=x'], env={'LD_LIBRARY_PATH': foreign_library()})
    tap.equal(got.rc, 2)  # what the words are is looked at first
    got = tap.run([ours, '-i', '0,1', '-r'], env={
        'LD_LIBRARY_PATH': tap.tmpdir() / 'foreign',
        'PATH': f'{ours.parent}:relative:{vendor}:/usr/bin:/bin'})
    tap.equal((got.rc, got.stdout), (3, '<-i><0,1><-r>'))


@test
def a_reset_does_not_come_back_to_itself():
    ours = called_as_nvidia_smi()
    env = {'LD_LIBRARY_PATH': foreign_library(), 'PATH': f'{ours.parent}:/nope'}
    got = tap.exited(tap.run([ours, '-r'], env=env), 2)
    tap.contains(got.stderr, 'there is none on PATH but this one')
    # Not by another program of that name either, which only calls us.
    vendor = vendor_program(f'exec {ours} "$@"')
    got = tap.exited(tap.run([ours, '-r'], env=env | {'PATH': f'{vendor}:/usr/bin:/bin'}), 2)
    tap.contains(got.stderr, 'there is none on PATH but this one')


tap.main()
