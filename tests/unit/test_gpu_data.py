# SPDX-License-Identifier: Apache-2.0
"""The GPU data files and scripts/gen-gpu-tables.py.

The checked-in C file is up to date; the script refuses each kind of wrong data
(a copy of data/ with one thing changed); and the files agree with facts that
the script does not use: captured MIG device rows, NVML's constants, sequences.
"""
import json
import pathlib
import re
import shutil
import sys

import tap
from tap import test

GENERATOR = str(tap.source('scripts', 'gen-gpu-tables.py'))
DATA = pathlib.Path(tap.source('data'))


def load(path):
    return json.loads(path.read_text(encoding='utf-8'))


def models():
    return [load(path) for path in sorted((DATA / 'gpus').glob('*.json'))]


def generate(*options):
    return tap.run([sys.executable, GENERATOR, *map(str, options)])


def copy_of_data():
    folder = pathlib.Path(tap.tmpdir()) / 'data'
    folder.mkdir()
    for name in ('gpus', 'tables'):
        shutil.copytree(DATA / name, folder / name)
    for name in ('rules.json', 'sources.json'):
        shutil.copy(DATA / name, folder / name)
    return folder


def changed(name, change):
    """A copy of data/ in which change(value) was applied to one JSON file."""
    folder = copy_of_data()
    path = folder / name
    value = load(path)
    change(value)
    path.write_text(json.dumps(value), encoding='utf-8')
    return folder


def gi(gpu, name):
    return next(row for row in gpu['gi_profiles'] if row['name'] == name)


def ci(gpu, gi_name, name):
    return next(row for row in gi(gpu, gi_name)['ci_profiles'] if row['name'] == name)


# ----------------------------------------------------------------- the script

@test
def checked_in_tables_are_up_to_date():
    tap.succeeded(generate('--check'))


@test
def output_is_the_same_each_time():
    folder = pathlib.Path(tap.tmpdir())
    first, second = folder / 'first.c', folder / 'second.c'
    tap.succeeded(generate('--output', first))
    tap.succeeded(generate('--output', second))
    tap.equal(first.read_bytes(), second.read_bytes())
    tap.equal(first.read_bytes(), (DATA / 'tables' / 'gpu_tables.c').read_bytes())


@test
def check_reports_an_old_file_and_leaves_it():
    folder = copy_of_data()
    path = folder / 'tables' / 'gpu_tables.c'
    text = path.read_text(encoding='utf-8').replace('.sm = 98', '.sm = 97', 1)
    path.write_text(text, encoding='utf-8')
    result = generate('--check', '--data', folder)
    tap.exited(result, 1)
    tap.contains(result.stderr, 'is not up to date: run scripts/gen-gpu-tables.py')
    tap.contains(result.stderr, '.sm = 97')
    tap.equal(path.read_text(encoding='utf-8'), text)


@test
def check_reports_a_missing_file():
    folder = copy_of_data()
    (folder / 'tables' / 'gpu_tables.c').unlink()
    tap.exited(generate('--check', '--data', folder), 1)
    tap.true(not (folder / 'tables' / 'gpu_tables.c').exists(), 'the check wrote the file')


def refused(name, change, *messages):
    folder = changed(name, change)
    before = (folder / 'tables' / 'gpu_tables.c').read_bytes()
    result = generate('--data', folder)
    tap.exited(result, 1)
    for message in messages:
        tap.contains(result.stderr, message)
    tap.not_contains(result.stderr, 'Traceback')
    tap.equal((folder / 'tables' / 'gpu_tables.c').read_bytes(), before)


A100 = 'gpus/a100-sxm4-40gb.json'
H100 = 'gpus/h100-sxm5-80gb.json'
T4 = 'gpus/t4-16gb.json'


def make_row_refusals():
    """One wrong value each; the message must name the row and what is wrong."""
    cases = {
        'unknown_key': (A100, lambda gpu: gi(gpu, '1g.5gb').update(memory_mb=1),
                        'a100-sxm4-40gb GI 1g.5gb: unknown key "memory_mb", "memory_mib"?'),
        'missing_key': (A100, lambda gpu: gi(gpu, '1g.5gb').pop('sm'), '"sm" is missing'),
        'wrong_type': (A100, lambda gpu: gpu.update(memory_total_mib='40960'),
                       'a100-sxm4-40gb: "memory_total_mib" has the wrong type'),
        'truth_for_a_number': (A100, lambda gpu: gpu.update(memory_total_mib=True),
                               '"memory_total_mib" has the wrong type'),
        'out_of_range': (A100, lambda gpu: gi(gpu, '1g.5gb').update(ofa=256),
                         '"ofa" is 256, not in 0..255'),
        'wrong_file_name': (A100, lambda gpu: gpu.update(key='a100'),
                            'key "a100" is not the name of the file'),
        'unknown_source': (A100, lambda gpu: gpu['sources'].append('hearsay'),
                           'source "hearsay" is not in data/sources.json'),
        'same_id_twice': (A100, lambda gpu: gi(gpu, '2g.10gb').update(id=19),
                          'a100-sxm4-40gb: two gi_profiles with one id'),
        'start_outside': (A100, lambda gpu: gi(gpu, '2g.10gb').update(placement_starts=[0, 2, 8]),
                          'start 8 with size 2 does not lie in 8 units'),
        'start_between': (A100, lambda gpu: gi(gpu, '2g.10gb').update(placement_starts=[0, 2, 3]),
                          'start 3 with size 2 does not lie in 8 units'),
        'starts_out_of_order': (A100, lambda gpu: gi(gpu, '2g.10gb').update(
            placement_starts=[2, 0, 4]), 'placement_starts do not ascend'),
        'odd_size': (A100, lambda gpu: gi(gpu, '3g.20gb').update(placement_size=3),
                     'size 3 is not a half, quarter or eighth of 8 units'),
        'too_many_instances': (A100, lambda gpu: gi(gpu, '2g.10gb').update(instances_total=4),
                               'instances_total is more than there are starts'),
        'memory_and_its_text': (A100, lambda gpu: gi(gpu, '1g.5gb').update(memory_mib=4928),
                                'memory_mib prints as 4.81, memory_gib says 4.75'),
        'more_than_the_gpu': (A100, lambda gpu: gi(gpu, '7g.40gb').update(
            memory_mib=41984, memory_gib='41.00'), 'more memory than the GPU'),
        'wrong_index': (A100, lambda gpu: gi(gpu, '3g.20gb').update(nvml_profile_index=3),
                        'nvml_profile_index is not the number of nvml_profile'),
        'wrong_suffix': (A100, lambda gpu: gi(gpu, '1g.5gb+me').update(name='1g.5gb.me'),
                         'name does not fit 1_SLICE_REV1'),
        'two_defaults': (A100, lambda gpu: ci(gpu, '3g.20gb', '1c.3g.20gb').update(default=True),
                         'the default is the full-width one'),
        'mig_without_mig': (A100, lambda gpu: gpu.update(mig_capable=False),
                            'gi_profiles without mig_capable'),
        'unknown_architecture': (T4, lambda gpu: gpu.update(nvml_architecture='VOLTA'),
                                 't4-16gb: nvml_architecture is none of'),
        'bad_device_id': (T4, lambda gpu: gpu.update(pci_device_ids=['0x1EB8']),
                          'PCI device id "0x1EB8"'),
        'same_device_and_memory': (T4, lambda gpu: gpu.update(
            pci_device_ids=['2237'], memory_total_mib=23028), 'PCI device id 2237'),
    }
    for name, (file, change, message) in cases.items():
        tap.add(f'refuses_{name}', lambda file=file, change=change, message=message:
                refused(file, change, message))


def make_rule_refusals():
    """A captured value that a rule contradicts stops the script, naming both."""
    cases = {
        'bar1': (H100, lambda gpu: gpu.update(bar1_total_mib=98304),
                 'bar1_total_mib is 98304, rule bar1-power-of-two gives 131072'),
        'reserved': (H100, lambda gpu: gpu.update(memory_reserved_mib=9000),
                     'rule reserved-share gives 1274'),
        'ci_count': (A100, lambda gpu: ci(gpu, '3g.20gb', '2c.3g.20gb').update(instances_total=2),
                     'instances_total is 2, rule ci-count-floor gives 1'),
        'ci_sm': (H100, lambda gpu: ci(gpu, '3g.40gb', '1c.3g.40gb').update(sm=20),
                  'sm is 20, rule ci-sm-slices gives 16'),
        'ci_sm_full': (H100, lambda gpu: ci(gpu, '3g.40gb', '3g.40gb').update(sm=48),
                       'sm is 48, rule ci-sm-full gives 60'),
        'ci_starts': (A100, lambda gpu: ci(gpu, '2g.10gb', '1c.2g.10gb').update(
            placement_starts=[0]), 'rule ci-starts-aligned gives [0, 1]'),
        'ci_size_hopper': (H100, lambda gpu: ci(gpu, '3g.40gb', '3g.40gb').update(
            placement_size=3), 'placement_size is 3, rule ci-size-units gives 4'),
        'ci_size_ampere': (A100, lambda gpu: ci(gpu, '3g.20gb', '3g.20gb').update(
            placement_size=4), 'placement_size is 4, rule ci-size-slices gives 3'),
        'copy': ('gpus/a100-sxm4-80gb.json', lambda gpu: gi(gpu, '7g.80gb').update(sm=99),
                 '7g.80gb sm is not that of a100-pcie-80gb'),
    }
    for name, (file, change, message) in cases.items():
        tap.add(f'rule_contradicted_{name}', lambda file=file, change=change, message=message:
                refused(file, change, message))


make_row_refusals()
make_rule_refusals()


@test
def refuses_a_rule_it_does_not_know():
    def change(rules):
        rules['rules'][-1]['id'] = 'ci-size-guess'
    refused('rules.json', change, 'rules.json: ci-size-guess', 'rules.json: ci-size-slices')


@test
def refuses_a_rule_without_evidence():
    def change(rules):
        rules['rules'][-1]['evidence'] = ''
    refused('rules.json', change, 'rules.json: ci-size-slices: "evidence" is missing')


@test
def refuses_a_key_given_twice():
    folder = copy_of_data()
    path = folder / T4
    path.write_text('{"key": "t4-16gb", "key": "t4"}', encoding='utf-8')
    result = generate('--data', folder)
    tap.exited(result, 1)
    tap.contains(result.stderr, 't4-16gb.json: key "key" stands there twice')


@test
def shows_every_problem_at_once():
    def change(gpu):
        gi(gpu, '1g.5gb')['ofa'] = 256
        gi(gpu, '2g.10gb')['ofa'] = 257
    refused(A100, change, '"ofa" is 256', '"ofa" is 257')


@test
def a_model_loses_usability_with_a_value():
    folder = changed(H100, lambda gpu: gi(gpu, '1g.10gb').update(memory_mib=None, memory_gib=None))
    tap.succeeded(generate('--data', folder))
    text = (folder / 'tables' / 'gpu_tables.c').read_text(encoding='utf-8')
    start = text.index('.key = "h100-sxm5-80gb"')
    tap.contains(text[start:start + 900], '.is_usable = 0')


@test
def report_names_value_and_rule():
    result = generate('--report')
    tap.succeeded(result)
    tap.contains(result.stdout, 'a30-24gb: bar1_total_mib = 32768 (bar1-power-of-two)\n')
    tap.contains(result.stdout, 'h100-sxm5-80gb: 3g.40gb CI 2c.3g.40gb: sm = 32 (ci-sm-slices)\n')
    tap.not_contains(result.stdout, 'h100-sxm5-80gb: 3g.40gb CI 1c.3g.40gb: sm =')


# ------------------------------------------------- facts the script does not use

@test
def device_rows_agree_with_profiles():
    compared = 0
    for gpu in models():
        for row in gpu.get('mig_device_rows', []):
            name = re.sub(r'^\dc\.', '', row['profile'])
            profile = next((item for item in gpu['gi_profiles'] if item['name'] == name), None)
            if profile is None:
                tap.true(row['profile'] == '1g', f'{gpu["key"]}: row of {row["profile"]}')
                continue
            known = [profile['memory_mib']] + [
                float(other['gib']) * 1024 for other in profile.get('memory_gib_other', [])]
            tap.true(any(abs(row['memory_mib'] - value) < 10.24 for value in known),
                     f'{gpu["key"]} {name}: {row["memory_mib"]} MiB, profile has {known}')
            compared += 1
    tap.true(compared >= 20, f'only {compared} rows')


@test
def old_driver_bar1_rows_give_the_rule():
    """Before R580 a MIG device shows BAR1 x units / all units - 1 MiB."""
    compared = 0
    for gpu in models():
        units = gpu['memory_slices']
        for row in gpu.get('mig_device_rows', []):
            branch = re.match(r'(\d+)\.', row['driver'])
            if not branch or int(branch[1]) >= 580:
                continue
            size = gi(gpu, row['profile'])['placement_size']
            bar1 = 1 << (gpu['memory_total_mib'] - 1).bit_length()
            tap.equal(row['bar1_mib'], bar1 * size // units - 1, f'{gpu["key"]} {row["profile"]}')
            compared += 1
    tap.true(compared >= 8, f'only {compared} rows')


@test
def profile_numbers_are_nvmls():
    facts = load(DATA / 'mig.json')
    gi_numbers = facts['nvml_gpu_instance_profile_constants']
    ci_numbers = facts['nvml_compute_instance_profile_constants']
    for gpu in models():
        for row in gpu['gi_profiles']:
            tap.equal(row['nvml_profile_index'], gi_numbers[row['nvml_profile']], gpu['key'])
            for inner in row.get('ci_profiles') or []:
                tap.equal(inner['id'], ci_numbers[inner['nvml_profile']], gpu['key'])


@test
def mode_facts_follow_the_architecture():
    facts = load(DATA / 'mig.json')['mig_mode']
    text = (DATA / 'tables' / 'gpu_tables.c').read_text(encoding='utf-8')
    blocks = text.split('\t\t.key = ')[1:]
    compared = 0
    for block in blocks:
        known = facts.get(re.search(r'\.arch = MIG_ARCH_(\w+)', block)[1])
        if known:
            tap.contains(block, f'.mode_needs_reset = {int(known["enable_needs_gpu_reset"])},')
            tap.contains(
                block, f'.mode_survives_reboot = {int(known["mode_persists_across_reboot"])},')
            compared += 1
    tap.true(compared >= 35, f'only {compared} models')


@test
def captured_sequences_name_known_profiles():
    facts = load(DATA / 'mig.json')['placement_model']
    tap.equal(len(facts['captured_sequences']), 24)
    by_key = {gpu['key']: gpu for gpu in models()}
    for sequence in facts['captured_sequences'] + facts['captured_sequences_later']:
        key = sequence['gpu']
        if key not in by_key:
            tap.true(key.startswith('a100-80gb'), f'{key} is no model')
            key = 'a100-sxm4-80gb'
        ids = {row['id']: row for row in by_key[key]['gi_profiles']}
        placements = sequence['placements_in_creation_order'] or []
        for number, wanted in enumerate(sequence['requested_profile_ids']):
            tap.true(wanted in ids, f'{key} has no profile {wanted}')
            if number < len(placements):
                start, size = map(int, placements[number].split(':'))
                tap.equal(size, ids[wanted]['placement_size'], f'{key} {wanted}')
                tap.true(start % size == 0, f'{key} {placements[number]}')


@test
def every_source_is_known_and_used():
    sources = load(DATA / 'sources.json')['sources']
    text = ''.join(path.read_text(encoding='utf-8') for path in (DATA / 'gpus').glob('*.json'))
    text += (DATA / 'mig.json').read_text(encoding='utf-8')
    for key in sources:
        tap.true(key in text, f'source {key} is used nowhere')

    def walk(value, where):
        if isinstance(value, dict):
            for key, item in value.items():
                if key == 'sources' and isinstance(item, list):
                    for name in item:
                        tap.true(name in sources, f'{where}: source {name}')
                walk(item, f'{where}.{key}')
        elif isinstance(value, list):
            for item in value:
                walk(item, where)
    walk(load(DATA / 'mig.json'), 'mig.json')


tap.main()
