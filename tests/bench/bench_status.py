#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures `migctl status` on eight GPUs with 56 instances, beside the real nvidia-smi's default table
in the same run where it can be fetched.

Prints figures as TAP comments and asserts none of them; what can fail is a command. That the number
of calls stays in bounds is asserted by tests/golden/test_status.py.
"""
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile

import tap

sys.path.insert(0, str(tap.source('tests/interop/nvidia-smi')))
import smi  # noqa: E402  (its folder is not on the path before)

RUNS = 41
BRANCH = 550


class Bench:
    def __init__(self):
        self.env = dict(os.environ, MIGSIM_HOME=tempfile.mkdtemp(prefix='migsim-bench-'))
        self.migctl = str(tap.build('migctl'))

    def run(self, argv):
        """(seconds, peak MiB) of a command that has to succeed."""
        got = subprocess.run([tap.build('tests', 'bench', 'measure_run'), *argv], env=self.env,
                             check=True, stdout=subprocess.PIPE, text=True)
        taken_us, peak_kib = got.stdout.split()
        return int(taken_us) / 1e6, int(peak_kib) / 1024

    def command(self, *argv):
        subprocess.run([self.migctl, *argv], env=self.env, check=True, stdout=subprocess.DEVNULL)

    def calls(self, *argv):
        path = os.path.join(self.env['MIGSIM_HOME'], 'calls.json')
        subprocess.run([self.migctl, *argv], env=dict(self.env, MIGCTL_NVML_COUNT=path), check=True,
                       stdout=subprocess.DEVNULL)
        with open(path, encoding='utf-8') as file:
            return json.load(file)['calls']

    def in_turn(self, commands):
        """{name: (median ms, median MiB)} of commands that run one after the other, many times."""
        rows = {name: [] for name in commands}
        for _ in range(RUNS):
            for name, argv in commands.items():
                rows[name].append(self.run(argv))
        return {name: (statistics.median(row[0] for row in some) * 1000,
                       statistics.median(row[1] for row in some)) for name, some in rows.items()}


def main():
    bench = Bench()
    program = smi.Program(BRANCH)
    print('TAP version 13')
    bench.command('sim', 'create', 'n', '--gpus', '8xa100-sxm4-40gb', '--driver', str(BRANCH))
    bench.command('--node', 'n', 'apply', 'all=1g.5gb*7')
    on_node = [bench.migctl, 'sim', 'exec', 'n', '--']
    commands = {'migctl status': [*on_node, bench.migctl, 'status'],
                'migctl status --json': [*on_node, bench.migctl, 'status', '--json'],
                'sim exec alone': [*on_node, '/bin/true']}
    if not program.missing:
        commands['nvidia-smi'] = [*on_node, program.path]
    print(f'# 8 GPUs with 56 instances: {bench.calls("--node", "n", "status")} NVML calls')
    for name, (taken, peak) in bench.in_turn(commands).items():
        print(f'# {name}: {taken:.1f} ms, {peak:.1f} MiB')
    if program.missing:
        print(f'# nvidia-smi not measured: {program.missing}')
    print('ok 1 - status_is_measured')
    print('1..1')


resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
main()
