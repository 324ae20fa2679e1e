#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Nothing on a simulated node reaches the real machine: decoys in the place of a real driver's
library, devices and files tell who touches them.

The whole test runs in a mount namespace of its own, in which the decoys are planted. Each program
runs three times: outside of the node, where it must trip its decoys (else the test proves nothing),
on the node by `sim exec`, and in the jail. What plain exec cannot hold (absolute paths, an empty
environment) is run in the jail only, and shown to trip the decoys in plain exec, as
docs/simulator.md says.
"""
import shutil
import sys

import decoys
import tap
from decoys import held, library_directory, need, tripped
from tap import test

MIGCTL = tap.build('migctl')

CLIENT = """
import ctypes
for name in ('libnvidia-ml.so.1', 'libnvidia-ml.so', 'libcuda.so.1'):
    try:
        library = ctypes.CDLL(name)
        print(name, library.cuInit(0) if 'cuda' in name else library.nvmlInit_v2())
    except OSError as error:
        print(error)
"""
# Reads and writes below the host root, as migctl does; where there is none, the machine's own.
FILES = """
root=${MIGCTL_HOST_ROOT-}
cat "$root/dev/nvidia0" "$root/dev/nvidiactl" 2>&1
cat "$root/proc/driver/nvidia/version"
mkdir -p "$root/etc/cdi" "$root/var/lib/migctl"
echo 'cdiVersion: "0.5.0"' > "$root/etc/cdi/nvidia.yaml"
echo journal > "$root/var/lib/migctl/journal"
true
"""
CONFIG = """version: v1
mig-configs:
  mixed:
    - devices: all
      mig-enabled: true
      mig-devices: {"3g.20gb": 1, "1g.5gb": 1}
"""


def script(name, text):
    path = tap.tmpdir() / name
    path.write_text(text)
    return path


def node():
    tap.succeeded(tap.run([MIGCTL, 'sim', 'create', 'demo', '--gpus', '2xa100-sxm4-40gb']))
    return [MIGCTL, 'sim', 'exec', 'demo', '--'], [MIGCTL, 'sim', 'exec', '--jail', 'demo', '--']


# -------------------------------------------------------------------------- the tests

@test
def libraries():
    need()
    plain, jail = node()
    client = ['python3', script('client.py', CLIENT)]
    touched, _ = tripped(client)
    tap.true('library' in touched, 'outside of the node the decoy is not loaded')
    for front in (plain, jail):
        got = tap.succeeded(held(front, client))
        tap.equal(got.stdout, 'libnvidia-ml.so.1 0\nlibnvidia-ml.so 0\nlibcuda.so.1 100\n')


@test
def migctl_commands():
    need()
    plain, jail = node()
    config = script('config.yaml', CONFIG)
    for command in (['status'], ['apply', '-f', config, '-c', 'mixed']):
        touched, got = tripped([MIGCTL, *command])
        tap.true('library' in touched, f'outside of the node the decoy is not loaded\n{got}')
        for front in (plain, jail):
            tap.succeeded(held(front, [MIGCTL, *command]))


@test
def files_below_the_host_root():
    need()
    plain, jail = node()
    client = ['sh', script('files.sh', FILES)]
    touched, _ = tripped(client)
    tap.equal(sorted(touched), ['cdi', 'dev', 'proc', 'var'], 'outside of the node')
    for front in (plain, jail):
        got = tap.succeeded(held(front, client))
        tap.contains(got.stdout, 'NVRM version')
        tap.not_contains(got.stdout, 'decoy')


@test
def absolute_paths_are_held_by_the_jail_only():
    need()
    plain, jail = node()
    client = ['sh', script('files.sh', 'unset MIGCTL_HOST_ROOT\n' + FILES)]
    touched, _ = tripped([*plain, *client])
    tap.equal(sorted(touched), ['cdi', 'dev', 'proc', 'var'], 'plain exec')
    got = tap.succeeded(held(jail, client))
    tap.contains(got.stdout, 'NVRM version')


@test
def an_empty_environment_is_held_by_the_jail_only():
    need()
    plain, jail = node()
    for argv in (['env', '-i', sys.executable, script('client.py', CLIENT)],
                 ['env', '-i', sys.executable, '-c', 'import ctypes\nprint(ctypes.CDLL('
                  f'"{library_directory()}/libnvidia-ml.so.535.54.03").nvmlInit_v2())']):
        touched, _ = tripped([*plain, *argv])
        tap.equal(sorted(touched), ['library'], 'plain exec')
        got = tap.succeeded(held(jail, argv))
        tap.not_contains(got.stdout, ' 9\n')
    tap.succeeded(held(jail, ['env', '-i', MIGCTL, 'status']))
    tap.succeeded(held(jail, ['env', '-i', '/bin/sh', script('files.sh', FILES)]))


@test
def a_library_that_the_linkers_cache_names():
    need()
    _, jail = node()
    if not shutil.which('ldconfig', path='/sbin:/usr/sbin'):
        tap.skip('there is no ldconfig')
    directory = tap.tmpdir() / 'vendor'
    directory.mkdir()
    shutil.copy(library_directory() / 'libnvidia-ml.so.1', directory / 'libnvidia-ml.so.1')
    config = script('ld.so.conf', f'{directory}\ninclude /etc/ld.so.conf\n')
    tap.succeeded(tap.run([shutil.which('ldconfig', path='/sbin:/usr/sbin'), '-X', '-f', config,
                           '-C', '/etc/ld.so.cache']))
    client = ['python3', '-c', 'import ctypes, sys\n'
              'print(ctypes.CDLL(sys.argv[1]).nvmlInit_v2())', directory / 'libnvidia-ml.so.1']
    touched, _ = tripped(client)
    tap.true('library' in touched, 'outside of the node')
    tap.equal(tap.succeeded(held(jail, client)).stdout, '0\n')


@test
def shells_and_their_children():
    need()
    plain, jail = node()
    client = script('client.py', CLIENT)
    for front in (plain, jail):
        tap.succeeded(held(front, ['sh', '-c', f'sudo python3 {client}; (python3 {client}) & wait']))
        tap.succeeded(held([*front[:2], 'shell', *front[3:-1]], []))


decoys.run()
