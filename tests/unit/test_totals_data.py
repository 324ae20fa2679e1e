#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The published instances of tests/data/totals: they are what the generator makes, and what is said
to be the best of them is what an independent solver, glpsol, finds. test_totals.c compares the
planner with the same file.
"""
import json
import pathlib
import shutil
import sys

import tap
from tap import test

sys.path.insert(0, tap.source('tests', 'data', 'totals'))
import generate
import solve


def read(name):
    return pathlib.Path(tap.source('tests', 'data', 'totals', name)).read_text(encoding='ascii')


@test
def the_files_are_what_the_generator_makes():
    for seed in range(generate.COUNT):
        tap.equal(generate.text(seed), read(f'{seed:02}.json'))


@test
def the_geometry_has_the_known_numbers():
    found = generate.layouts()
    sets = sorted(set(map(generate.set_of, found)))
    tap.equal((len(found), len(sets), len(generate.maximal_sets(sets))), (298, 38, 12))


@test
def glpsol_keeps_what_is_published():
    if shutil.which('glpsol') is None:
        tap.skip('glpsol is not installed')
    published = json.loads(read('kept.json'))
    tap.equal(len(published), generate.COUNT)
    for seed in range(generate.COUNT):
        tap.equal((seed, solve.solve(json.loads(read(f'{seed:02}.json')))),
                  (seed, published[seed]))


tap.main()
