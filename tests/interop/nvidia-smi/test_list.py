# SPDX-License-Identifier: Apache-2.0
"""scenarios.list, expected/ and the page about them agree. Needs no nvidia-smi."""
import os
import re

import scenarios
import smi
import tap
from tap import test

PAGE = 'docs/conformance-nvidia-smi.md'


@test
def every_recording_is_listed_once_for_each_of_its_branches():
    found = scenarios.read_list()
    files = {scenario.file for branch in smi.BRANCHES for scenario in found[branch]}
    tap.equal(sorted(files), sorted(os.listdir(tap.source(scenarios.HERE, 'expected'))))
    for branch, rows in found.items():
        names = [scenario.name for scenario in rows]
        tap.equal(sorted(set(names)), sorted(names), f'names of {branch}')


@test
def every_exclusion_and_looser_comparison_has_a_reason():
    for rows in scenarios.read_list().values():
        for scenario in rows:
            if scenario.kind in ('masked', 'known', 'semantic', 'excluded'):
                tap.true(scenario.detail, f'{scenario.file}: why?')
            for mask in scenario.masks:
                tap.true(mask in scenarios.MASKS, f'{scenario.file}: mask {mask}')


@test
def at_most_twenty_are_excluded():
    excluded = [scenario.file for rows in scenarios.read_list().values() for scenario in rows
                if scenario.kind == 'excluded']
    tap.true(len(excluded) <= 20, f'{len(excluded)}: {excluded}')


@test
def id_maps_are_one_to_one():
    for rows in scenarios.read_list().values():
        for scenario in rows:
            here = [(gpu, new) for (gpu, _), new in scenario.ids.items()]
            tap.equal(len(set(here)), len(here), scenario.file)


@test
def setups_differ_in_placements_only():
    for branch in smi.BRANCHES:
        for scenario in scenarios.read_list()[branch]:
            recorded = [line.removeprefix('nvidia-smi ')
                        for line in scenarios.Recorded(scenario.file).setup]
            here = [line.removeprefix('nvidia-smi ') for line in scenario.setup]
            if here:
                # "9:4,14:2" of a -cgi is "9,14" without its placements; recorded ones stay
                strip = [re.sub(r'(?<=[ ,])(\d+):\d+', r'\1', line) for line in here]
                plain = [re.sub(r'(?<=[ ,])(\d+):\d+', r'\1', line) for line in recorded]
                tap.equal(strip, plain, scenario.file)


@test
def help_texts_are_not_kept():
    for branch in smi.BRANCHES:
        for scenario in scenarios.read_list()[branch]:
            recorded = scenarios.Recorded(scenario.file)
            tap.equal(recorded.help_text is not None, scenario.kind == 'help', scenario.file)
            tap.not_contains(recorded.stdout, 'Options include')


@test
def the_page_has_the_counts():
    with open(tap.source(PAGE), encoding='utf-8') as stream:
        page = dict(re.findall(r'^\| ([^|]+?) +\| +(\d+ +\| +\d+ +\| +\d+) \|$',
                               stream.read(), re.M))
    page.pop('comparison')
    found = scenarios.read_list()
    counts = {branch: scenarios.count(found[branch]) for branch in smi.BRANCHES}
    wanted = {kind: [counts[branch].get(kind, 0) for branch in smi.BRANCHES]
              for kind in set().union(*counts.values())}
    wanted['all'] = [len(found[branch]) for branch in smi.BRANCHES]
    tap.equal({kind: [int(part) for part in row.split('|')] for kind, row in page.items()},
              wanted)


tap.main()
