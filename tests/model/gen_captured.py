#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns the captures in data/ into a C header for test_captured.c.

    gen_captured.py DATA_DIR OUTPUT DEPFILE

Nothing is computed here beyond reading what the text says: a number in the header stands in
data/mig.json or data/gpus/*.json. Fails on a text that it does not understand, so that a new
capture is not left out in silence.
"""

import json
import pathlib
import re
import sys

# How captures name boards that were not told apart.
SAME_AS = {'a100-80gb (Azure NC A100)': 'a100-sxm4-80gb', 'a100-80gb': 'a100-sxm4-80gb'}
LAYOUTS = {'normal': 'MIG_SIM_LAYOUT_NORMAL', 'tree4': 'MIG_SIM_LAYOUT_NORMAL',
           'swapped': 'MIG_SIM_LAYOUT_SWAPPED'}
INSUFFICIENT = 'INSUFFICIENT_RESOURCES'


def c_string(text):
    return json.dumps(text)


def c_list(numbers):
    return '{ ' + ', '.join(str(number) for number in numbers) + ' }'


def sequence(entry):
    asked = entry['requested_profile_ids']
    ids = [-1 if got == INSUFFICIENT else got for got in entry['gi_ids_in_creation_order']]
    places = entry['placements_in_creation_order']
    starts = [-1] * len(asked)
    sizes = [-1] * len(asked)
    if places is not None:
        starts = [int(place.split(':')[0]) for place in places]
        sizes = [int(place.split(':')[1]) for place in places]
    assert len(asked) == len(ids) == len(starts) == len(sizes), entry
    gpu = SAME_AS.get(entry['gpu'], entry['gpu'])
    return (f'\t{{ {c_string(gpu)}, {c_string(entry["source"])}, {LAYOUTS[entry["layout"]]}, '
            f'{len(asked)}, {c_list(asked)}, {c_list(ids)}, {c_list(starts)}, {c_list(sizes)} }},')


def profile_id(gpu, name, size):
    """The id of '1g' or '1g+me' of that placement size."""
    base, _, suffix = name.partition('+')
    found = [row['id'] for row in gpu['gi_profiles']
             if row['name'].startswith(base + '.') and row['placement_size'] == size
             and row['name'].partition('+')[2] == suffix and '-me' not in row['name']]
    assert len(found) == 1, (name, size, found)
    return found[0]


def free_counts(vector, gpus):
    """Steps: what is on the GPU and how many more of each profile fit."""
    gpu = gpus[vector['gpu']]
    lines = []
    placed = []
    for step in vector['steps']:
        text = step['after']
        now = [(profile_id(gpu, name, int(size)), int(start)) for name, start, size
               in re.findall(r'(\d+g(?:\+me)?) at (\d+):(\d+)', text)]
        rest = re.sub(r'\d+g(?:\+me)? at \d+:\d+|,| and |plus|empty( \(MIG off\))?', '', text)
        assert not rest.strip(), text
        placed = placed + now if text.startswith('plus') else now
        free = [(int(key), count) for key, count in step['free'].items()]
        lines.append(f'\t{{ {c_string(vector["gpu"])}, {c_string(text)}, '
                     f'{len(placed)}, {c_list(p for p, _ in placed) if placed else "{ 0 }"}, '
                     f'{c_list(s for _, s in placed) if placed else "{ 0 }"}, '
                     f'{len(free)}, {c_list(key for key, _ in free)}, '
                     f'{c_list(count for _, count in free)} }},')
    return lines


def branch(driver):
    """The first number of the driver version; 0 where the capture does not tell."""
    match = re.match(r'(\d+)[. ]', driver)
    if match:
        return int(match.group(1))
    if 'older than 580' in driver:
        return 550
    return 0


def device_rows(gpu):
    lines = []
    for row in gpu.get('mig_device_rows') or []:
        name = re.sub(r'^\d+c\.', '', row['profile'])
        lines.append(f'\t{{ {c_string(gpu["key"])}, {c_string(name)}, {row["memory_mib"]}, '
                     f'{row["bar1_mib"]}, {branch(row["driver"])} }},')
    return lines


def tree_ids(allowed):
    return [f'\t{{ {LAYOUTS[layout]}, {key}, {len(ids)}, {c_list(ids)} }},'
            for layout, by_id in allowed.items() for key, ids in by_id.items()]


def main():
    data = pathlib.Path(sys.argv[1])
    mig = json.loads((data / 'mig.json').read_text(encoding='utf-8'))
    gpus = {}
    paths = sorted((data / 'gpus').glob('*.json'))
    for path in paths:
        gpu = json.loads(path.read_text(encoding='utf-8'))
        gpus[gpu['key']] = gpu
    model = mig['placement_model']
    later = [entry for entry in model['captured_sequences_later'] if entry['layout'] != 'unknown']
    vectors = [model[key] for key in sorted(model) if key.startswith('free_count_vector')]
    parts = [
        '/* Made from data/ by tests/model/gen_captured.py. */',
        'static const struct captured_sequence captured_sequences[] = {',
        *map(sequence, model['captured_sequences']), '};',
        'static const struct captured_sequence captured_sequences_later[] = {',
        *map(sequence, later), '};',
        'static const struct captured_free_count captured_free_counts[] = {',
        *(line for vector in vectors for line in free_counts(vector, gpus)), '};',
        'static const struct captured_device_row captured_device_rows[] = {',
        *(line for gpu in gpus.values() for line in device_rows(gpu)), '};',
        'static const struct captured_tree_ids captured_tree_ids[] = {',
        *tree_ids(model['tree_ids_allowed']), '};',
    ]
    output, depfile = (pathlib.Path(argument) for argument in sys.argv[2:])
    output.write_text('\n'.join(parts) + '\n', encoding='utf-8')
    read = ' '.join(str(path).replace(' ', '\\ ') for path in [data / 'mig.json', *paths])
    depfile.write_text(f'{sys.argv[2]}: {read}\n', encoding='utf-8')


main()
