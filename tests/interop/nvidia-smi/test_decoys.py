#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The real nvidia-smi reaches nothing of the real machine from a simulated node: it runs among decoys
of a driver's library, devices and files (tests/surroundings/decoys.py).

Outside of the node it must load the decoy of the library. On the node, by `sim exec` and in the jail,
by its own path and as `nvidia-smi`, it lists, queries, changes the mode, creates and destroys, and trips
nothing.
"""
import sys

import tap

sys.path.insert(0, tap.source('tests/surroundings'))
import decoys  # noqa: E402  (after the path to it)
import smi  # noqa: E402

MIGCTL = tap.build('migctl')
# In this order, each GPU ends as it was.
COMMANDS = (
    ('-L',), (), ('-q',), ('-q', '-x'), ('--query-gpu=uuid,mig.mode.current', '--format=csv'),
    ('-mig', '1'), ('mig', '-lgip'), ('mig', '-lgipp'), ('mig', '-cgi', '9,14', '-C'), ('-L',), (),
    ('mig', '-lgi'), ('mig', '-lci'), ('mig', '-lcip'), ('mig', '-dci'), ('mig', '-dgi'), ('-mig', '0'),
)
# Also what the node's own program does in its place.
NAMED = (*COMMANDS, ('--gpu-reset',))


def program_of(branch):
    """What was fetched before the decoys were planted; skips where there is none."""
    decoys.need()
    if PROGRAMS[branch].missing:
        tap.skip(PROGRAMS[branch].missing)
    return PROGRAMS[branch].path


def outside(branch):
    touched, _ = decoys.tripped([program_of(branch), '-L'])
    tap.true('library' in touched, 'outside of the node the decoy is not loaded')


def on_the_node(branch, *options):
    path = program_of(branch)
    tap.succeeded(tap.run([MIGCTL, 'sim', 'create', 'demo', '--gpus', '2xa100-sxm4-40gb',
                           '--driver', branch]))
    # Named outside, it is the program that `nvidia-smi` on the node is.
    front = ['env', f'MIGSIM_NVIDIA_SMI={path}', MIGCTL, 'sim', 'exec', *options, 'demo', '--']
    for name, commands in ((path, COMMANDS), ('nvidia-smi', NAMED)):
        for args in commands:
            tap.succeeded(decoys.held(front, [name, *args]))
        got = tap.succeeded(decoys.held(front, [name, '-L'])).stdout
        tap.equal(len(got.splitlines()), 2, got)


PROGRAMS = {branch: smi.Program(branch) for branch in smi.BRANCHES}

for each in smi.BRANCHES:
    tap.add(f'{each}_outside_of_the_node', lambda branch=each: outside(branch))
    tap.add(f'{each}_on_the_node', lambda branch=each: on_the_node(branch))
    tap.add(f'{each}_in_the_jail', lambda branch=each: on_the_node(branch, '--jail'))

decoys.run()
