#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every tutorial from its first command to its last, and each answer as the page shows it.

The programs of others are the real ones, fetched when the test runs.
"""
import os
import sys

import tap
import tutorial

for folder in ('nvidia-smi', 'go-peers'):
    sys.path.insert(0, tap.source('tests/interop', folder))
import peers  # noqa: E402  (after the path to it)
import smi  # noqa: E402

# Where a page says nothing, the nvidia-smi of the default branch.
BRANCHES = {'a30-step-by-step': 535}


def needs(name, word):
    """Whether the tutorial types this somewhere outside of blocks that are not run."""
    return any(word in command.text for block in tutorial.read(name) if not block.not_run
               for command in block.commands)


PARTED = {name: peers.Program('nvidia-mig-parted') for name in tutorial.names()
          if needs(name, 'nvidia-mig-parted')}


def environment(name):
    """The variables that a reader of the tutorial would have set, or a skip."""
    found = {}
    if name in BRANCHES:  # else the node's own, which is our front
        program = smi.Program(BRANCHES[name])
        if program.missing:
            tap.skip(program.missing)
        found['MIGSIM_NVIDIA_SMI'] = program.path
    if name in PARTED:
        if PARTED[name].missing:
            tap.skip(PARTED[name].missing)
        found['MIGSIM_NVIDIA_MIG_PARTED'] = PARTED[name].path
    if needs(name, '--jail') and peers.no_jail():
        tap.skip(peers.no_jail())
    return found


def run(name):
    count = tutorial.play(name, environment(name), update='MIG_UPDATE_TUTORIALS' in os.environ)
    print(f'{count} commands')
    tap.true(count > 10, f'only {count} commands')


for each in tutorial.names():
    tap.add(each.replace('-', '_'), lambda name=each: run(name))

tap.main()
