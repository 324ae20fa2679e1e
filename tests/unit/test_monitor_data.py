# SPDX-License-Identifier: Apache-2.0
"""data/monitoring.json and scripts/gen-monitor-tables.py: the checked-in tables are the data's, and
what cannot be true is refused.
"""
import json
import shutil

import tap
from tap import test


def generate(*args):
    return tap.run(['python3', tap.source('scripts', 'gen-monitor-tables.py'), *args])


def changed(change):
    """A copy of the data with monitoring.json changed by change(document)."""
    folder = tap.tmpdir() / 'data'
    shutil.copytree(tap.source('data'), folder)
    path = folder / 'monitoring.json'
    document = json.loads(path.read_text(encoding='utf-8'))
    change(document)
    path.write_text(json.dumps(document), encoding='utf-8')
    return folder


def refused(change, message):
    folder = changed(change)
    before = (folder / 'tables' / 'monitor_tables.c').read_bytes()
    got = tap.exited(generate('--data', folder), 1)
    tap.contains(got.stderr, message)
    tap.not_contains(got.stderr, 'Traceback')
    tap.equal((folder / 'tables' / 'monitor_tables.c').read_bytes(), before)


@test
def checked_in_tables_are_up_to_date():
    tap.succeeded(generate('--check'))


@test
def an_old_table_is_noticed():
    def change(document):
        document['models']['a30-24gb']['power_idle_w'] = 29
    got = tap.exited(generate('--check', '--data', changed(change)), 1)
    tap.contains(got.stderr, 'is not up to date: run scripts/gen-monitor-tables.py')


def more_than_the_limit(document):
    document['models']['a30-24gb']['power_idle_w'] = 166


def hot(document):
    document['architectures']['ADA']['gpu_max_c'] = 101


def missing_model(document):
    del document['models']['a30-24gb']


def wrong_architecture(document):
    document['models']['a30-24gb']['architecture'] = 'ADA'


def misspelt(document):
    document['models']['a30-24gb']['power_ilde_w'] = 1


def without_architecture(document):
    del document['models']['a30-24gb']['architecture']


def ascending_clocks(document):
    document['models']['t4-16gb']['memory_mhz'] = [405, 5001]


def no_steps(document):
    document['architectures']['ADA']['graphics_step_mhz'] = 0


for _change, _message in (
        (more_than_the_limit, 'a30-24gb: power_idle_w 166 is more than power_limit_w 165'),
        (hot, 'l40s-48gb: gpu_max_c 101 is more than slowdown_c 100'),
        (missing_model, 'a30-24gb: no row'),
        (wrong_architecture, 'a30-24gb: its architecture is AMPERE'),
        (misspelt, 'a30-24gb: unknown or missing keys'),
        (without_architecture, 'a30-24gb: unknown or missing keys'),
        (ascending_clocks, 't4-16gb: "memory_mhz" cannot be [405, 5001]'),
        (no_steps, 'ADA: graphics_step_mhz is 0')):
    tap.add(f'refuses_{_change.__name__}',
            lambda change=_change, message=_message: refused(change, message))
tap.main()
