#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the published instances of the totals problem, 00.json to 59.json.

    tests/data/totals/generate.py [DIRECTORY]

An instance is a node of eight A100-SXM4-40GB and the totals that it shall have. GPU by GPU the
current layout is one of the 297 that the five base profiles allow, each instance busy with
probability 0.6; the totals are the sum of eight of the 12 sets to which nothing can be added. The
seed is the number of the instance. Python's standard library only; random() alone is used, whose
sequence is the same in every version of Python.

The geometry below is written down here once more, from the placements that NVML publishes, so that
what is computed from these files does not depend on migctl.
"""
import json
import pathlib
import random
import sys

GPUS = 8
COUNT = 60
BUSY = 0.6

# Profile: memory slices, compute slices, starts.
A100 = {
    '1g.5gb': (1, 1, (0, 1, 2, 3, 4, 5, 6)),
    '2g.10gb': (2, 2, (0, 2, 4)),
    '3g.20gb': (4, 3, (0, 4)),
    '4g.20gb': (4, 4, (0,)),
    '7g.40gb': (8, 7, (0,)),
}
COMPUTE = 7


def layouts():
    """All layouts, each a tuple of (profile, start) in the order of slots(), the empty one first."""
    found = []

    def go(at, used, compute, chosen):
        found.append(tuple(chosen))
        for i in range(at, len(SLOTS)):
            profile, start = SLOTS[i]
            size, slices, _ = A100[profile]
            units = ((1 << size) - 1) << start
            if used & units == 0 and compute + slices <= COMPUTE:
                go(i + 1, used | units, compute + slices, [*chosen, SLOTS[i]])

    go(0, 0, 0, [])
    return found


SLOTS = [(profile, start) for profile, (_, _, starts) in A100.items() for start in starts]


def set_of(layout):
    """How many of each profile a layout has, as a tuple in the order of A100."""
    return tuple(sum(1 for name, _ in layout if name == profile) for profile in A100)


def maximal_sets(all_sets):
    """The sets that no other one contains."""
    return [a for a in all_sets
            if not any(a != b and all(x <= y for x, y in zip(a, b)) for b in all_sets)]


def instance(seed):
    """The instance of this number, as it is written."""
    rng = random.Random(seed)
    all_layouts = layouts()
    maximal = maximal_sets(sorted(set(map(set_of, all_layouts))))

    def pick(things):
        return things[int(rng.random() * len(things))]

    gpus = []
    for _ in range(GPUS):
        gpus.append([{'profile': profile, 'start': start, 'busy': rng.random() < BUSY}
                     for profile, start in pick(all_layouts[1:])])
    totals = [sum(column) for column in zip(*(pick(maximal) for _ in range(GPUS)))]
    return {
        'gpu': 'A100-SXM4-40GB',
        'gpus': gpus,
        'totals': {profile: count for profile, count in zip(A100, totals) if count > 0},
    }


def text(seed):
    """The file of this number."""
    made = instance(seed)
    gpus = ',\n'.join('  [' + ', '.join(json.dumps(i) for i in gpu) + ']' for gpu in made['gpus'])
    return (f'{{\n "gpu": {json.dumps(made["gpu"])},\n "gpus": [\n{gpus}\n ],\n'
            f' "totals": {json.dumps(made["totals"])}\n}}\n')


def main():
    directory = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
    for seed in range(COUNT):
        (directory / f'{seed:02}.json').write_text(text(seed), encoding='ascii')


if __name__ == '__main__':
    main()
