#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures our nvidia-smi front beside nvidia-smi 550 (fetched; skipped when it cannot be), in the same
run: time of a process and its largest memory, on eight GPUs with 56 instances.

Prints figures as TAP comments and asserts none of them.
"""
import sys

import tap

sys.path.insert(0, str(tap.source('tests/interop/nvidia-smi')))
import smi  # noqa: E402  (a folder of tests, not of the harness)

RUNS = 101
COMMANDS = ('', '-L', '--query-gpu=index,uuid,mig.mode.current --format=csv', 'mig -lgip', 'mig -lgipp',
            'mig -lgi', 'mig -lcip', 'mig -lcipp', 'mig -lci')


def figures(argv, env):
    """Shortest and median milliseconds and MiB, as text."""
    got = tap.succeeded(tap.run([tap.build('tests/bench/run_program'), RUNS, *argv], env=env))
    shortest, median, kib = map(int, got.stdout.split())
    return f'{shortest / 1000:.2f} ({median / 1000:.1f}) ms, {kib / 1024:.1f} MiB'


def measure():
    program = smi.Program(550)
    if program.missing:
        tap.skip(f'nvidia-smi 550: {program.missing}')
    node = smi.Node(program).create_gpus('8xa100-sxm4-40gb')
    node.ok('-mig', '1')
    node.ok('mig', '-cgi', '19,19,19,19,19,19,19', '-C')
    path = tap.tmpdir() / 'migsim' / node.name
    env = {'MIGSIM_NODE': path, 'MIGCTL_HOST_ROOT': path / 'root',
           'LD_LIBRARY_PATH': tap.build('src/sim/550'), 'TZ': 'UTC'}
    print(f'{"command":66} {"nvidia-smi":>24} {"the front":>24}')
    for command in COMMANDS:
        words = command.split()
        theirs = figures([program.path, *words], env)
        ours = figures([tap.build('migctl'), 'smi', *words], env)
        print(f'{("nvidia-smi " + command).strip():66} {theirs:>24} {ours:>24}')


tap.add('time_and_memory_of_the_front', measure)
tap.main()
