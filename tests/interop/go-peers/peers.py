# SPDX-License-Identifier: Apache-2.0
"""Programs in Go by others on simulated nodes: what the tests in this folder share.

The programs are fetched and built by fetch-go.py when a test needs them, and run as they
are inside `sim exec --jail`: Go programs make their own system calls, so only a mount
namespace shows them a node. Nothing of them is kept in the tree.
"""
import json
import os
import re
import subprocess
import sys

import tap

# Profiles that fill an A100 40GB.
BALANCED = ('3g.20gb', '2g.10gb', '1g.5gb', '1g.5gb')
SEVEN = ('1g.5gb',) * 7


class Program:
    """A program of fetch-go.py: path; or missing, the reason why there is none."""

    def __init__(self, name):
        self.missing = self.path = ''
        # before any test runs: a build takes longer than a test may
        got = tap.run([sys.executable, tap.source('tests/interop/fetch-go.py'), name])
        if got.rc == 77:
            self.missing = got.stdout.strip().splitlines()[-1]
            return
        if got.rc != 0:
            raise RuntimeError(f'cannot build {name}\n{got}')
        self.path = got.stdout.strip()


def programs(*names):
    """The paths of these programs and '' or, if one is missing, Nones and the reason."""
    found = []
    for name in names:
        program = Program(name)
        if program.missing:
            return [None] * len(names), program.missing
        found.append(program.path)
    return found, ''


def no_jail():
    """Why there can be no jail here, '' if there can."""
    if os.geteuid() != 0:
        return 'a jail with device nodes needs root'
    got = subprocess.run(['unshare', '-m', 'true'], capture_output=True, check=False)
    return '' if got.returncode == 0 else 'no mount namespace can be made here'


def tests(missing, name):
    """tap.test for a file whose programs are here; else one that registers nothing, and one test,
    with this name, that says why."""
    reason = missing or no_jail()
    if not reason:
        return tap.test
    tap.add(name, lambda: tap.skip(reason))
    return lambda function: function


class Node:
    """A simulated node of the running test, and programs in its jail."""

    def __init__(self, gpus, name='node'):
        self.name = name
        self.root = tap.tmpdir() / 'migsim' / name / 'root'
        tap.succeeded(tap.run([tap.build('migctl'), 'sim', 'create', name, '--gpus', gpus]))

    def apply(self, **layouts):
        """Turns MIG on and makes these instances: gpu0=('1g.5gb', …) or all=(…). Returns self."""
        entries = [{'devices': 'all' if gpu == 'all' else [int(gpu.removeprefix('gpu'))],
                    'mig-enabled': True,
                    'mig-devices': {name: profiles.count(name) for name in profiles}}
                   for gpu, profiles in layouts.items()]
        path = tap.tmpdir() / f'{self.name}-layout.yaml'
        path.write_text(json.dumps({'version': 'v1', 'mig-configs': {'wanted': entries}}))
        tap.succeeded(tap.run([tap.build('migctl'), '--node', self.name, 'apply', '-f', path]))
        return self

    def jail(self, *argv, timeout=100, env=None):
        """A program in the node's jail; a Result."""
        return tap.run([tap.build('migctl'), 'sim', 'exec', '--jail', self.name, '--', *argv],
                       timeout=timeout, env=env)

    def show(self):
        """The document of `sim show --json`: the state as it is, without any driver."""
        return json.loads(tap.succeeded(tap.run(
            [tap.build('migctl'), 'sim', 'show', self.name, '--json'])).stdout)

    def gpus(self):
        """The GPUs of show()."""
        return self.show()['gpus']

    def layout(self):
        """Of each GPU: None with MIG off, else the profiles in it, sorted."""
        return [None if gpu['mig_mode'] == 'off' else
                sorted(gi['profile'] for gi in gpu['gpu_instances']) for gpu in self.gpus()]

    def mig_devices(self):
        """[(GPU, GI, CI)] as objects of show(), one a MIG device."""
        return [(gpu, gi, ci) for gpu in self.gpus() for gi in gpu['gpu_instances']
                for ci in gi['compute_instances']]

    def minors(self):
        """{'gpu0/gi7/access': 66, …} of the node's mig-minors."""
        text = tap.succeeded(self.jail('cat', '/proc/driver/nvidia-caps/mig-minors')).stdout
        return {name: int(minor) for name, minor in re.findall(r'^(\S+) (\d+)$', text, re.M)}

    def majors(self):
        """{'nvidia-caps': 511, …} of the character devices in the node's /proc/devices."""
        text = tap.succeeded(self.jail('cat', '/proc/devices')).stdout
        text = text.partition('Character devices:')[2].partition('Block devices:')[0]
        return {name: int(major) for major, name in re.findall(r'^ *(\d+) (\S+)$', text, re.M)}

    def caps(self, gpu, gi, ci):
        """The two capability nodes of a MIG device, as paths."""
        minors = self.minors()
        where = f'gpu{gpu["minor"]}/gi{gi["id"]}'
        return [f'/dev/nvidia-caps/nvidia-cap{minors[f"{where}/{part}access"]}'
                for part in ('', f'ci{ci["id"]}/')]
