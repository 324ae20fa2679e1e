#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes data/tables/monitor_tables.c from data/monitoring.json.

    scripts/gen-monitor-tables.py            write the file
    scripts/gen-monitor-tables.py --check    compare; exit 1 when it is not up to date

A model's row is its architecture's with its own fields put over it. Everything is checked: unknown
and missing keys, types, that every model of data/gpus has a row and no other is there, and that the
numbers can be true together. docs/simulated-monitoring.md describes the fields. Errors in the data
go to stderr, all of them, and the exit status is 1.
"""
import argparse
import json
import pathlib
import re
import sys

# As in struct mig_monitor_row. Which of them may be null: the GPU has no answer.
NUMBERS = (
    'power_limit_w', 'power_min_w', 'power_max_w', 'power_idle_w', 'graphics_max_mhz',
    'graphics_min_mhz', 'graphics_step_mhz', 'graphics_idle_mhz', 'graphics_app_mhz',
    'video_max_mhz', 'video_idle_mhz', 'gpu_idle_c', 'memory_idle_c', 'shutdown_c', 'slowdown_c',
    'gpu_max_c', 'memory_max_c', 'pcie_generation', 'pcie_width', 'nvlink_count', 'nvlink_version',
    'nvlink_mbps', 'nvlink_is_switched', 'bus_width_bits', 'cores_per_sm', 'fan_count',
    'fan_idle_percent', 'remap_banks')
NULLABLE = {'power_limit_w', 'power_min_w', 'power_max_w', 'power_idle_w', 'memory_idle_c',
            'memory_max_c', 'pcie_generation', 'pcie_width'}
FIELDS = NUMBERS + ('memory_mhz', 'vbios')
MEMORY_CLOCKS_MAX = 4
NVLINKS_MAX = 18
ARCHITECTURES = ('TURING', 'AMPERE', 'ADA', 'HOPPER', 'BLACKWELL')

# Of two known fields of one row the first is not more than the second.
NOT_MORE = (
    ('power_min_w', 'power_limit_w'), ('power_limit_w', 'power_max_w'),
    ('power_idle_w', 'power_limit_w'), ('graphics_min_mhz', 'graphics_idle_mhz'),
    ('graphics_idle_mhz', 'graphics_max_mhz'), ('graphics_min_mhz', 'graphics_app_mhz'),
    ('graphics_app_mhz', 'graphics_max_mhz'), ('video_idle_mhz', 'video_max_mhz'),
    ('gpu_idle_c', 'gpu_max_c'), ('gpu_max_c', 'slowdown_c'), ('slowdown_c', 'shutdown_c'),
    ('memory_idle_c', 'memory_max_c'))

HEAD = '''/* SPDX-License-Identifier: Apache-2.0
 *
 * Monitoring constants, made by scripts/gen-monitor-tables.py from data/monitoring.json. Do not
 * edit: change the data and run the script.
 */
/* clang-format off */
#include "data/tables/monitor_table.h"

'''


def is_number(value):
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def check_field(name, value, where, problems):
    if name == 'vbios':
        good = isinstance(value, str) and re.fullmatch(r'[0-9A-F]{2}(\.[0-9A-F]{2}){4}', value)
    elif name == 'memory_mhz':
        good = isinstance(value, list) and all(map(is_number, value)) and \
            len(value) <= MEMORY_CLOCKS_MAX and value == sorted(set(value), reverse=True)
    else:
        good = is_number(value) or (value is None and name in NULLABLE)
    if not good:
        problems.append(f'{where}: "{name}" cannot be {value!r}')


def check_together(row, where, problems):
    for low, high in NOT_MORE:
        if row[low] is not None and row[high] is not None and row[low] > row[high]:
            problems.append(f'{where}: {low} {row[low]} is more than {high} {row[high]}')
    if row['graphics_step_mhz'] == 0:
        problems.append(f'{where}: graphics_step_mhz is 0')
    if row['nvlink_count'] > NVLINKS_MAX:
        problems.append(f'{where}: more than {NVLINKS_MAX} links')
    if (row['nvlink_count'] == 0) != (row['nvlink_version'] == 0):
        problems.append(f'{where}: nvlink_count and nvlink_version go together')
    if row['nvlink_is_switched'] > 1 or row['fan_idle_percent'] > 100:
        problems.append(f'{where}: nvlink_is_switched or fan_idle_percent out of range')


def complete(data, problems):
    """({architecture: row}, {model key: row}), all fields present and checked."""
    architectures, models = data['architectures'], data['models']
    if tuple(architectures) != ARCHITECTURES:
        problems.append(f'architectures are not {", ".join(ARCHITECTURES)}')
        return {}, {}
    rows = {}
    for name, fields in architectures.items():
        if set(fields) != set(FIELDS):
            problems.append(f'{name}: fields missing or unknown: '
                            f'{", ".join(sorted(set(fields) ^ set(FIELDS)))}')
            return {}, {}
    for key, own in models.items():
        fields = {name: value for name, value in own.items() if name != 'architecture'}
        if set(fields) - set(FIELDS) or 'architecture' not in own:
            problems.append(f'{key}: unknown or missing keys')
            continue
        if own['architecture'] not in architectures:
            problems.append(f'{key}: unknown architecture "{own["architecture"]}"')
            continue
        rows[key] = {**architectures[own['architecture']], **fields}
    for where, row in [*architectures.items(), *rows.items()]:
        before = len(problems)
        for name in FIELDS:
            check_field(name, row[name], where, problems)
        if len(problems) == before:
            check_together(row, where, problems)
    return architectures, rows


def check_models(folder, models, problems):
    """Each model of data/gpus has a row of its own architecture, and no other has one."""
    known = {}
    for path in sorted(folder.glob('*.json')):
        gpu = json.loads(path.read_text(encoding='utf-8'))
        known[gpu['key']] = gpu['nvml_architecture']
    for key in sorted(set(known) ^ set(models)):
        problems.append(f'{key}: ' + ('no row' if key in known else 'no model of data/gpus'))
    for key in sorted(set(known) & set(models)):
        if models[key]['architecture'] != known[key]:
            problems.append(f'{key}: its architecture is {known[key]}')


def c_number(value):
    return 'MIG_TABLE_UNKNOWN' if value is None else str(value)


def c_row(key, row):
    lines = ['\t{', f'\t\t.key = "{key}", .vbios = "{row["vbios"]}",']
    pairs = [f'.{name} = {c_number(row[name])},' for name in NUMBERS]
    lines += ['\t\t' + ' '.join(pairs[i:i + 3]) for i in range(0, len(pairs), 3)]
    clocks = row['memory_mhz']
    lines.append(f'\t\t.memory_clock_count = {len(clocks)}, '
                 f'.memory_mhz = {{{", ".join(map(str, clocks)) or "0"}}},')
    return lines + ['\t},']


def render(architectures, models):
    lines = ['const struct mig_monitor_row mig_monitor_rows[] = {']
    for key in sorted(models):
        lines += c_row(key, models[key])
    lines += ['};', 'const unsigned int mig_monitor_row_count =',
              '\tsizeof(mig_monitor_rows) / sizeof(mig_monitor_rows[0]);', '',
              'const struct mig_monitor_row mig_monitor_architectures[MIG_ARCH_COUNT] = {']
    nothing = {name: None for name in NUMBERS}
    nothing.update(memory_mhz=[], vbios='', nvlink_count=0, nvlink_version=0, fan_count=0,
                   remap_banks=0)
    for name, row in [('UNKNOWN', nothing), *architectures.items()]:
        first, *rest = c_row('', row)
        lines += [f'\t[MIG_ARCH_{name}] = ' + first.strip(), *rest]
    return HEAD + '\n'.join(lines + ['};', ''])


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--check', action='store_true', help='compare, write nothing')
    parser.add_argument('--data', type=pathlib.Path, default=root / 'data', help='the data folder')
    options = parser.parse_args()
    problems = []
    text = ''
    try:
        data = json.loads((options.data / 'monitoring.json').read_text(encoding='utf-8'))
        architectures, rows = complete(data, problems)
        check_models(options.data / 'gpus', data['models'], problems)
        if not problems:
            text = render(architectures, rows)
    except (OSError, ValueError, KeyError, TypeError) as error:
        problems.append(f'{type(error).__name__}: {error}')
    if problems:
        for line in problems:
            print(f'gen-monitor-tables: {line}', file=sys.stderr)
        return 1
    output = options.data / 'tables' / 'monitor_tables.c'
    if not options.check:
        output.write_text(text, encoding='utf-8')
        return 0
    if output.exists() and output.read_text(encoding='utf-8') == text:
        return 0
    print(f'{output} is not up to date: run scripts/gen-monitor-tables.py', file=sys.stderr)
    return 1


if __name__ == '__main__':
    sys.exit(main())
