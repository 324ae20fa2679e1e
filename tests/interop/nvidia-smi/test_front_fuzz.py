# SPDX-License-Identifier: Apache-2.0
"""Our front and nvidia-smi 550 on random states and command lines; see fuzz.py.

Arguments before the names of tests: --pairs N, how many command lines in all.
"""
import os
import sys

import fuzz
import smi
import tap

PARTS = 10
FIRST_SEED = int(os.environ.get('MIG_SMI_FUZZ_SEED', '0'))


def take_pairs():
    """The value of --pairs, taken from the command line."""
    at = sys.argv.index('--pairs')
    pairs = int(sys.argv[at + 1])
    del sys.argv[at:at + 2]
    return pairs


def run_part(real, seeds):
    pairs, found = 0, []
    for seed in seeds:
        here, differences = fuzz.run_state(real, seed, fuzz.PAIRS_PER_STATE)
        pairs += here
        found += differences
    print(f'{pairs} pairs, {len(found)} differ')
    tap.equal(len(found), 0, '\n'.join(found[:20]))


def register():
    pairs = take_pairs()
    program = smi.Program(fuzz.BRANCH)
    if program.missing:
        smi.skip_all(f'nvidia-smi {fuzz.BRANCH}: {program.missing}')
        return
    if 'MIG_SMI_FUZZ_SEED' in os.environ:
        tap.add(f'seed_{FIRST_SEED}', lambda: run_part(program.path, [FIRST_SEED]))
        return
    states = -(-pairs // fuzz.PAIRS_PER_STATE)
    parts = max(PARTS, states // 20)
    print(f'# {states * fuzz.PAIRS_PER_STATE} pairs on {states} states, seeds 0 to {states - 1}',
          flush=True)
    for part in range(parts):
        seeds = range(part, states, parts)
        if seeds:
            tap.add(f'part_{part + 1}_of_{parts}',
                    lambda seeds=seeds: run_part(program.path, seeds))


register()
tap.main()
