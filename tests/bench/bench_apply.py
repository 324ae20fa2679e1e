#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures `migctl apply` and `assert`, beside nvidia-mig-parted in the same run where it can be
built: nothing to do on eight GPUs with four instances each, and a change of all eight with the
driver's realistic timing.

Prints figures as TAP comments and asserts none of them; what can fail is a command.
"""
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import tap

sys.path.insert(0, str(tap.source('tests/interop/go-peers')))
import peers  # noqa: E402  (its folder is not on the path before)

RUNS = 15

CONFIG = {'version': 'v1', 'mig-configs': {
    'balanced': [{'devices': 'all', 'mig-enabled': True,
                  'mig-devices': {'1g.5gb': 2, '2g.10gb': 1, '3g.20gb': 1}}],
    'halves': [{'devices': 'all', 'mig-enabled': True, 'mig-devices': {'3g.20gb': 2}}]}}


class Bench:
    def __init__(self):
        self.home = tempfile.mkdtemp(prefix='migsim-bench-')
        self.env = dict(os.environ, MIGSIM_HOME=self.home)
        self.config = os.path.join(self.home, 'config.json')
        with open(self.config, 'w', encoding='utf-8') as file:
            json.dump(CONFIG, file)

    def run(self, argv):
        """Seconds that a command takes, which has to succeed."""
        begin = time.monotonic()
        subprocess.run(argv, env=self.env, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        return time.monotonic() - begin

    def memory(self, argv):
        """Its peak in MiB, as text. A process that Python starts counts Python's own at first, so a
        small program stands between."""
        if not os.path.exists('/usr/bin/time'):
            return 'memory not measured (no /usr/bin/time)'
        got = subprocess.run(['/usr/bin/time', '-f', '%M', *argv], env=self.env, check=True,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        return f'{int(got.stderr.split()[-1]) / 1024:.1f} MiB'

    def node(self, name, *options):
        migctl = tap.build('migctl')
        subprocess.run([migctl, 'sim', 'create', name, '--gpus', '8xa100-sxm4-40gb', *options],
                       env=self.env, check=True, stdout=subprocess.DEVNULL)

    def ours(self, node, *words):
        return [str(tap.build('migctl')), '--node', node, *words]

    def theirs(self, node, parted, *words):
        return [str(tap.build('migctl')), 'sim', 'exec', '--jail', node, '--', parted, *words]

    def baseline(self, node):
        return [str(tap.build('migctl')), 'sim', 'exec', '--jail', node, '--', '/bin/true']

    def calls(self, argv):
        path = os.path.join(self.home, 'calls.json')
        subprocess.run(argv, env=dict(self.env, MIGCTL_NVML_COUNT=path), check=True,
                       stdout=subprocess.DEVNULL)
        with open(path, encoding='utf-8') as file:
            return json.load(file)['calls']


def pairs(bench, a, b):
    """Both commands in turn: medians of time, and of the ratio of times pair by pair."""
    first, second = [], []
    for _ in range(RUNS):
        first.append(bench.run(a))
        if b:
            second.append(bench.run(b))
    text = f'migctl {statistics.median(first) * 1000:.1f} ms, {bench.memory(a)}'
    if b:
        ratio = statistics.median(y / x for x, y in zip(first, second))
        text += (f'; nvidia-mig-parted in the jail {statistics.median(second) * 1000:.0f} ms, '
                 f'{bench.memory(b)}; {ratio:.0f} times as long')
    return text


def main():
    bench = Bench()
    (parted,), missing = peers.programs('nvidia-mig-parted')
    reason = missing or peers.no_jail()
    if reason:
        parted = None
    print('TAP version 13')
    bench.node('quick')
    apply = ('apply', '-f', bench.config, '-c', 'balanced')
    check = ('assert', '-f', bench.config, '-c', 'balanced')
    bench.run(bench.ours('quick', *apply))
    for name, words in (('apply, nothing to do', apply), ('assert', check)):
        argv = bench.ours('quick', *words)
        print(f'# {name}, 8 GPUs with 4 instances each: {bench.calls(argv)} NVML calls; '
              + pairs(bench, argv, bench.theirs('quick', parted, *words) if parted else None))
    if parted:
        jail = statistics.median(bench.run(bench.baseline('quick')) for _ in range(RUNS))
        print(f'# of which the jail itself: {jail * 1000:.0f} ms')
    else:
        print(f'# nvidia-mig-parted not measured: {reason}')
    bench.node('real', '--timing', 'realistic')
    rows = []
    for label in ('balanced', 'halves'):
        taken = bench.run(bench.ours('real', 'apply', '-f', bench.config, '-c', label))
        rows.append(f'{label} {taken:.1f} s')
        if parted and label == 'halves':
            bench.run(bench.ours('real', *apply))
            taken = bench.run(bench.theirs('real', parted, 'apply', '-f', bench.config, '-c',
                                           'halves'))
            rows.append(f'nvidia-mig-parted from balanced to halves {taken:.1f} s')
    print('# a change of all 8 GPUs, realistic timing: ' + '; '.join(rows))
    print('ok 1 - apply_is_measured')
    print('1..1')


resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
main()
