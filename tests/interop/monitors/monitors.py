# SPDX-License-Identifier: Apache-2.0
"""Monitoring programs of others on simulated nodes: what the tests in this folder share.

The programs come from Debian's archive (fetch-debs.sh) or as Python packages (pip) when the test
runs, are unpacked below the build directory and run as they are; nothing of them is kept in the
tree. What cannot be had skips with its reason.
"""
import errno
import os
import pathlib
import shutil
import sys
import tempfile
import time

import tap

SCREEN_COLUMNS, SCREEN_ROWS = 130, 45
SCREEN_DEADLINE_S = 60


def cache():
    """Where what was fetched is kept."""
    return pathlib.Path(os.environ.get('MIG_PEERS_CACHE') or
                        tap.build_root() / 'peers-cache').absolute()


def _unpacked(name, fill):
    """cache()/unpacked/NAME, filled by fill(FOLDER) when it is not there. It appears whole, as other
    tests do the same."""
    folder = cache() / 'unpacked' / name
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        fill(f'{scratch}/new')
        try:
            os.rename(f'{scratch}/new', folder)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
    return folder


def debian(name, suite, *packages):
    """A folder with Debian packages of a release, unpacked."""
    def fill(folder):
        got = tap.run([tap.source('tests/interop/fetch-debs.sh'), '--suite', suite, *packages,
                       folder])
        if got.rc == 77:
            tap.skip(got.stdout.strip().splitlines()[-1])
        tap.succeeded(got)
    return _unpacked(name, fill)


def python_packages(name, *packages):
    """A folder with Python packages and what they need."""
    def fill(folder):
        if tap.run([sys.executable, '-m', 'pip', '--version']).rc != 0:
            tap.skip('pip is not installed')
        got = tap.run([sys.executable, '-m', 'pip', 'install', '--quiet', '--no-compile',
                       '--disable-pip-version-check', '--target', folder, *packages])
        if got.rc != 0:
            reason = (got.stderr.strip().splitlines() or ['no reason given'])[-1]
            tap.skip(f'pip cannot install {" ".join(packages)}: {reason}')
    return _unpacked(name, fill)


def create(gpus, name='node'):
    """A node of the running test."""
    tap.succeeded(tap.run([tap.build('migctl'), 'sim', 'create', name, '--gpus', gpus]))


def on_node(*argv, node='node', options=(), env=None):
    """A program on the node; a Result."""
    return tap.run([tap.build('migctl'), 'sim', 'exec', *options, node, '--', *argv], env=env)


# What Python 3 does to lay out instances through NVML; see test_pynvml.py for more.
_LAYOUT = '''
import sys, pynvml as n
n.nvmlInit()
gpu = n.nvmlDeviceGetHandleByIndex(int(sys.argv[1]))
n.nvmlDeviceSetMigMode(gpu, 1)
for profile in sys.argv[2:]:
    gi = n.nvmlDeviceCreateGpuInstance(gpu, int(profile.split(":")[0]))
    n.nvmlGpuInstanceCreateComputeInstance(gi, int(profile.split(":")[1]))
for index in range(n.nvmlDeviceGetMaxMigDeviceCount(gpu)):
    try:
        print(n.nvmlDeviceGetUUID(n.nvmlDeviceGetMigDeviceHandleByIndex(gpu, index)))
    except n.NVMLError_NotFound:
        break
'''


def pynvml():
    """A folder with pynvml of Debian 12, for PYTHONPATH."""
    return debian('pynvml-bookworm', 'bookworm', 'python3-pynvml') / 'usr/lib/python3/dist-packages'


def lay_out(gpu, *profiles):
    """MIG on, and for each "GI:CI" (profile ids) a GPU instance with a compute instance. Returns the
    UUIDs of the GPU's MIG devices."""
    done = on_node(sys.executable, '-c', _LAYOUT, gpu, *profiles, env={'PYTHONPATH': pynvml()})
    return tap.succeeded(done).stdout.split()


class Screen:
    """A program on the node, in a terminal that tmux emulates."""

    def __init__(self, command, node='node'):
        """command: for sh."""
        if not shutil.which('tmux'):
            tap.skip('tmux is not installed')
        self.tmux = ['tmux', '-S', str(tap.tmpdir() / 'tmux'), '-f', '/dev/null']
        # It ends by itself, too: tmux's server outlives a test that is killed.
        inside = (f'timeout --foreground 300 {tap.build("migctl")} sim exec {node} -- '
                  f'sh -c "$MIG_SCREEN" 2>{tap.tmpdir()}/stderr; sleep 60')
        tap.succeeded(tap.run(
            [*self.tmux, 'new-session', '-d', '-x', SCREEN_COLUMNS, '-y', SCREEN_ROWS, inside],
            env={'MIG_SCREEN': command, 'TERM': 'xterm-256color', 'TMUX': None}))

    def text(self):
        """What is on the screen now."""
        return tap.succeeded(tap.run([*self.tmux, 'capture-pane', '-p'])).stdout

    def wait_for(self, *parts):
        """The screen once it shows all parts."""
        end = time.monotonic() + SCREEN_DEADLINE_S
        while True:
            text = self.text()
            if all(part in text for part in parts):
                return text
            if time.monotonic() > end:
                stderr = (tap.tmpdir() / 'stderr').read_text()
                tap.fail(f'not on the screen: {[p for p in parts if p not in text]}\n{text}{stderr}')
            time.sleep(0.1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        tap.run([*self.tmux, 'kill-server'])
