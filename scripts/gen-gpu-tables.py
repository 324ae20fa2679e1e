#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes data/tables/gpu_tables.c from data/gpus/*.json and data/rules.json.

Reads every model, checks it hard (unknown keys, types, ranges, duplicates,
placements), checks every rule against every captured value that it covers,
derives what the C structures must hold, and writes one C file, the same bytes
for the same input. docs/gpu-data.md describes the format.

    scripts/gen-gpu-tables.py            write the file
    scripts/gen-gpu-tables.py --check    compare; exit 1 when it is not up to date
    scripts/gen-gpu-tables.py --report   list each derived value with its rule

Errors in the data go to stderr, all of them, and the exit status is 1.
"""
import argparse
import difflib
import json
import pathlib
import re
import sys

GI_PROFILES_MAX = 18
CI_PROFILES_MAX = 9
STARTS_MAX = 16
KEY_SIZE = 48
NAME_SIZE = 96
PROFILE_NAME_SIZE = 32
PCI_IDS_MAX = 4
UNKNOWN = 'MIG_TABLE_UNKNOWN'
UNKNOWN_U8 = 'MIG_TABLE_UNKNOWN_U8'
VENDOR_NVIDIA = 0x10DE

GI_INDEX = {
    '1_SLICE': 0, '2_SLICE': 1, '3_SLICE': 2, '4_SLICE': 3, '7_SLICE': 4, '8_SLICE': 5,
    '6_SLICE': 6, '1_SLICE_REV1': 7, '2_SLICE_REV1': 8, '1_SLICE_REV2': 9, '1_SLICE_GFX': 10,
    '2_SLICE_GFX': 11, '4_SLICE_GFX': 12, '1_SLICE_NO_ME': 13, '2_SLICE_NO_ME': 14,
    '1_SLICE_ALL_ME': 15, '2_SLICE_ALL_ME': 16, '3_SLICE_GFX': 17,
}
CI_INDEX = {
    '1_SLICE': 0, '2_SLICE': 1, '3_SLICE': 2, '4_SLICE': 3, '7_SLICE': 4, '8_SLICE': 5,
    '6_SLICE': 6, '1_SLICE_REV1': 7, '7_SLICE_NVL': 8,
}
SUFFIX = {'REV1': '+me', 'REV2': '', 'GFX': '+gfx', 'ALL_ME': '+me.all', 'NO_ME': '-me', '': ''}
MEDIA_EXTENSION = ('REV1', 'ALL_ME')

# Which architectures take a reset for a MIG mode change and keep the mode over a
# reboot: data/mig.json, mig_mode. Newer than Ampere neither.
ARCHITECTURES = ('TURING', 'AMPERE', 'ADA', 'HOPPER', 'BLACKWELL')
ARCH_MODE_RESET = ('AMPERE',)
ARCH_FROM_HOPPER = ('HOPPER', 'BLACKWELL')

NUMBER, TEXT, TRUTH, NUMBERS, TEXTS, ROWS, MAP, ANY = range(8)

# key: (type, is required, may be null, lowest, highest)
GPU_KEYS = {
    'schema_version': (NUMBER, True, False, 1, 1),
    'key': (TEXT, True, False, None, None),
    'nvml_names': (TEXTS, True, False, None, None),
    'pci_device_ids': (TEXTS, True, False, None, None),
    'pci_subsystem_id': (TEXT, False, True, None, None),
    'nvml_architecture': (TEXT, True, False, None, None),
    'chip': (TEXT, False, True, None, None),
    'chip_id': (NUMBER, False, True, 0, 0xFFFF),
    'compute_capability': (TEXT, True, True, None, None),
    'mig_capable': (TRUTH, True, True, None, None),
    'memory_total_mib': (NUMBER, True, True, 1, 1 << 24),
    'memory_reserved_mib': (NUMBER, False, True, 0, 1 << 24),
    'memory_idle_mib': (NUMBER, False, True, 0, 1 << 24),
    'bar1_total_mib': (NUMBER, False, True, 1, 1 << 24),
    'not_available': (TEXTS, False, False, None, None),
    'sm_total': (NUMBER, False, True, 1, 1024),
    'sm_mig_visible': (NUMBER, False, True, 1, 1024),
    'max_mig_gpu_instances': (NUMBER, False, True, 0, 16),
    'memory_slices': (NUMBER, False, True, 1, 128),
    'mode_needs_reset': (TRUTH, False, False, None, None),
    'mode_survives_reboot': (TRUTH, False, False, None, None),
    'min_driver': (TEXT, False, True, None, None),
    'confidence': (TEXT, False, False, None, None),
    'inferred_fields': (TEXTS, False, False, None, None),
    'sources': (TEXTS, True, False, None, None),
    'field_sources': (MAP, False, False, None, None),
    'notes': (TEXTS, False, False, None, None),
    'disagreements': (TEXTS, False, False, None, None),
    'profiles_copied_from': (TEXT, False, False, None, None),
    'assume_same_as': (TEXT, False, False, None, None),
    'guide_engine_counts': (ANY, False, False, None, None),
    'mig_device_rows': (ROWS, False, False, None, None),
    'gi_profiles': (ROWS, True, False, None, None),
}
GI_KEYS = {
    'name': (TEXT, True, False, None, None),
    'nvml_profile': (TEXT, True, False, None, None),
    'nvml_profile_index': (NUMBER, True, False, 0, GI_PROFILES_MAX - 1),
    'id': (NUMBER, True, True, 0, 255),
    'slice_count': (NUMBER, True, False, 1, 8),
    'instances_total': (NUMBER, True, True, 1, 16),
    'memory_gib': (TEXT, False, True, None, None),
    'memory_gib_other': (ROWS, False, False, None, None),
    'memory_mib': (NUMBER, True, True, 1, 1 << 24),
    'memory_idle_mib': (NUMBER, False, True, 0, 1 << 24),
    'p2p': (NUMBER, False, True, 0, 1),
    'sm': (NUMBER, True, True, 1, 1024),
    'ce': (NUMBER, False, True, 0, 255),
    'dec': (NUMBER, False, True, 0, 255),
    'enc': (NUMBER, False, True, 0, 255),
    'jpeg': (NUMBER, False, True, 0, 255),
    'ofa': (NUMBER, False, True, 0, 255),
    'placement_starts': (NUMBERS, True, True, 0, 127),
    'placement_size': (NUMBER, True, True, 1, 128),
    'inferred_fields': (TEXTS, False, False, None, None),
    'ci_profiles': (ROWS, False, True, None, None),
}
CI_KEYS = {
    'name': (TEXT, True, False, None, None),
    'nvml_profile': (TEXT, True, False, None, None),
    'id': (NUMBER, True, False, 0, CI_PROFILES_MAX - 1),
    'default': (TRUTH, True, False, None, None),
    'slice_count': (NUMBER, True, False, 1, 8),
    'instances_total': (NUMBER, False, True, 1, 8),
    'sm': (NUMBER, False, True, 1, 1024),
    'placement_starts': (NUMBERS, False, True, 0, 7),
    'placement_size': (NUMBER, False, True, 1, 8),
    'inferred_fields': (TEXTS, False, False, None, None),
}

# The derivable fields of data/tables/gpu_table.h: JSON name -> enum constant.
GPU_FIELDS = {name: 'MIG_GPU_FIELD_' + name.upper() for name in (
    'memory_total_mib', 'memory_reserved_mib', 'bar1_total_mib', 'sm_total', 'sm_mig_visible')}
GI_FIELDS = {name: 'MIG_GI_FIELD_' + name.upper().replace('PLACEMENT_STARTS', 'STARTS') for name in (
    'name', 'id', 'memory_mib', 'p2p', 'sm', 'ce', 'dec', 'enc', 'jpeg', 'ofa', 'placement_starts',
    'placement_size', 'instances_total')}
CI_FIELDS = {name: 'MIG_CI_FIELD_' + name.upper().replace('PLACEMENT_STARTS', 'STARTS') for name in (
    'name', 'id', 'instances_total', 'sm', 'placement_starts', 'placement_size')}


class Problems:
    """Everything wrong with the data, gathered so that one run shows all of it."""

    def __init__(self):
        self.lines = []

    def add(self, where, text):
        self.lines.append(f'{where}: {text}')

    def need(self, condition, where, text):
        if not condition:
            self.add(where, text)
        return bool(condition)


# ------------------------------------------------------------------ checking

def no_duplicates(pairs):
    found = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f'key "{key}" stands there twice')
        found[key] = value
    return found


def load(path):
    with open(path, encoding='utf-8') as stream:
        return json.load(stream, object_pairs_hook=no_duplicates)


def is_number(value):
    return isinstance(value, int) and not isinstance(value, bool)


def type_matches(kind, value):
    if kind == NUMBER:
        return is_number(value)
    if kind == TEXT:
        return isinstance(value, str)
    if kind == TRUTH:
        return isinstance(value, bool)
    if kind == NUMBERS:
        return isinstance(value, list) and all(is_number(item) for item in value)
    if kind == TEXTS:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if kind == ROWS:
        return isinstance(value, list) and all(isinstance(item, dict) for item in value)
    if kind == MAP:
        return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
    return True


def check_row(row, keys, where, problems):
    """Keys, types and ranges of one JSON object. True when all are right."""
    before = len(problems.lines)
    for key in row:
        if key not in keys:
            near = difflib.get_close_matches(key, keys, 1)
            problems.add(where, f'unknown key "{key}"' + (f', "{near[0]}"?' if near else ''))
    for key, (kind, required, nullable, low, high) in keys.items():
        if key not in row:
            problems.need(not required, where, f'"{key}" is missing')
            continue
        value = row[key]
        if value is None:
            problems.need(nullable, where, f'"{key}" must not be null')
            continue
        if not problems.need(type_matches(kind, value), where, f'"{key}" has the wrong type'):
            continue
        if low is not None:
            for item in value if kind == NUMBERS else [value]:
                problems.need(low <= item <= high, where,
                              f'"{key}" is {item}, not in {low}..{high}')
    return len(problems.lines) == before


def check_starts(row, where, problems):
    starts = row.get('placement_starts')
    if starts is None:
        return
    problems.need(starts == sorted(set(starts)), where, 'placement_starts do not ascend')
    problems.need(0 < len(starts) <= STARTS_MAX, where, f'not 1..{STARTS_MAX} placement_starts')


def split_profile(constant):
    """'1_SLICE_REV1' -> (1, 'REV1')"""
    match = re.fullmatch(r'(\d)_SLICE(?:_(\w+))?', constant)
    return int(match[1]), match[2] or ''


def check_inferred(row, fields, also, where, problems):
    for name in row.get('inferred_fields', []):
        if problems.need(name in fields or name in also, where,
                         f'inferred_fields names "{name}", which is not derivable'):
            problems.need(row.get(name) is not None, where,
                          f'inferred_fields names "{name}", but it has no value')


def check_ci(ci, gi, where, problems):
    where = f'{where} CI {ci.get("name", "?")}'
    if not check_row(ci, CI_KEYS, where, problems):
        return
    check_starts(ci, where, problems)
    # A value that is null may still be listed: the import marked what a rule will fill.
    for name in ci.get('inferred_fields', []):
        problems.need(name in CI_FIELDS, where, f'inferred_fields names "{name}"')
    if not problems.need(ci['nvml_profile'] in CI_INDEX, where, 'unknown nvml_profile'):
        return
    problems.need(ci['id'] == CI_INDEX[ci['nvml_profile']], where,
                  'id is not the number of the NVML constant')
    slices, _ = split_profile(ci['nvml_profile'])
    problems.need(ci['slice_count'] == slices, where, 'slice_count is not that of nvml_profile')
    problems.need(len(ci['name']) < PROFILE_NAME_SIZE, where, 'name is too long')
    problems.need(ci['slice_count'] <= gi['slice_count'], where, 'wider than its GPU instance')
    is_full = ci['slice_count'] == gi['slice_count']
    problems.need(ci['default'] == is_full, where, 'the default is the full-width one')
    problems.need(ci['name'].startswith(f'{slices}c.') != is_full, where,
                  'name does not begin with its compute slices')
    if ci.get('sm') is not None and gi['sm'] is not None:
        problems.need(ci['sm'] <= gi['sm'], where, 'more SM than its GPU instance')


def check_gi_placement(gi, gpu, where, problems):
    size, starts = gi['placement_size'], gi['placement_starts']
    problems.need((size is None) == (starts is None), where,
                  'placement_size and placement_starts go together')
    units = gpu.get('memory_slices')
    if size is None or starts is None or units is None:
        return
    problems.need(units % size == 0 and units // size in (1, 2, 4, 8), where,
                  f'size {size} is not a half, quarter or eighth of {units} units')
    for start in starts:
        problems.need(start % size == 0 and start + size <= units, where,
                      f'start {start} with size {size} does not lie in {units} units')
    if gi['instances_total'] is not None:
        problems.need(gi['instances_total'] <= len(starts), where,
                      'instances_total is more than there are starts')


def check_idle(row, memory, where, problems):
    idle = row.get('memory_idle_mib')
    if idle is not None and memory is not None:
        problems.need(idle <= memory, where, 'memory_idle_mib is more than its memory')


def check_gi(gi, gpu, where, problems):
    where = f'{where} GI {gi.get("name", "?")}'
    if not check_row(gi, GI_KEYS, where, problems):
        return
    check_starts(gi, where, problems)
    check_inferred(gi, GI_FIELDS, ('memory_gib',), where, problems)
    if not problems.need(gi['nvml_profile'] in GI_INDEX, where, 'unknown nvml_profile'):
        return
    slices, kind = split_profile(gi['nvml_profile'])
    problems.need(gi['nvml_profile_index'] == GI_INDEX[gi['nvml_profile']], where,
                  'nvml_profile_index is not the number of nvml_profile')
    problems.need(gi['slice_count'] == slices, where, 'slice_count is not that of nvml_profile')
    problems.need(len(gi['name']) < PROFILE_NAME_SIZE, where, 'name is too long')
    problems.need(re.fullmatch(rf'{slices}g\.\d+gb' + re.escape(SUFFIX[kind]), gi['name']), where,
                  f'name does not fit {gi["nvml_profile"]}')
    check_gi_placement(gi, gpu, where, problems)
    memory, text, total = gi['memory_mib'], gi.get('memory_gib'), gpu['memory_total_mib']
    if memory is not None and text is not None:
        problems.need(f'{memory / 1024:.2f}' == text, where, f'memory_mib prints as '
                      f'{memory / 1024:.2f}, memory_gib says {text}')
    if memory is not None and total is not None:
        problems.need(memory <= total, where, 'more memory than the GPU')
    check_idle(gi, memory, where, problems)
    profiles = gi.get('ci_profiles') or []
    for ci in profiles:
        check_ci(ci, gi, where, problems)
    ids = [ci.get('id') for ci in profiles]
    problems.need(len(set(ids)) == len(ids), where, 'two compute instance profiles with one id')
    if profiles:
        problems.need(sum(ci.get('default') is True for ci in profiles) == 1, where,
                      'not exactly one default compute instance profile')


def check_gpu_text(gpu, where, problems):
    problems.need(re.fullmatch(r'[a-z0-9][a-z0-9-]*', gpu['key']) and len(gpu['key']) < KEY_SIZE,
                  where, 'key is not made of a-z, 0-9 and -')
    problems.need(gpu['nvml_architecture'] in ARCHITECTURES, where,
                  f'nvml_architecture is none of {", ".join(ARCHITECTURES)}')
    problems.need(all(0 < len(name) < NAME_SIZE for name in gpu['nvml_names']), where,
                  'a name is empty or too long')
    problems.need(len(gpu['pci_device_ids']) <= PCI_IDS_MAX, where,
                  f'more than {PCI_IDS_MAX} pci_device_ids')
    for text in gpu['pci_device_ids']:
        problems.need(re.fullmatch(r'[0-9A-F]{4}', text), where, f'PCI device id "{text}"')
    if gpu.get('pci_subsystem_id') is not None:
        problems.need(re.fullmatch(r'[0-9A-F]{8}', gpu['pci_subsystem_id']), where,
                      'pci_subsystem_id is not 8 hexadecimal digits')
    if gpu['compute_capability'] is not None:
        problems.need(re.fullmatch(r'\d{1,2}\.\d', gpu['compute_capability']), where,
                      'compute_capability is not like 8.0')


def check_gpu(gpu, name, sources, problems):
    where = name
    if not check_row(gpu, GPU_KEYS, where, problems):
        return
    problems.need(gpu['key'] == name, where, f'key "{gpu["key"]}" is not the name of the file')
    check_gpu_text(gpu, where, problems)
    for key in gpu['sources'] + list(gpu.get('field_sources', {}).values()):
        problems.need(key in sources, where, f'source "{key}" is not in data/sources.json')
    for field in gpu.get('field_sources', {}):
        problems.need(field in GPU_KEYS, where, f'field_sources names "{field}"')
    problems.need(gpu['sources'] or gpu['memory_total_mib'] is None, where, 'no source')
    check_inferred(gpu, GPU_FIELDS, (), where, problems)
    check_idle(gpu, gpu['memory_total_mib'], where, problems)
    for field in gpu.get('not_available', []):
        problems.need(field in GPU_FIELDS and gpu.get(field) is None, where,
                      f'not_available names "{field}"')
    profiles = gpu['gi_profiles']
    problems.need(len(profiles) <= GI_PROFILES_MAX, where, 'too many gi_profiles')
    problems.need(gpu['mig_capable'] or not profiles, where, 'gi_profiles without mig_capable')
    for gi in profiles:
        check_gi(gi, gpu, where, problems)
    for key in ('name', 'nvml_profile_index', 'id'):
        values = [gi.get(key) for gi in profiles if gi.get(key) is not None]
        problems.need(len(set(values)) == len(values), where, f'two gi_profiles with one {key}')


# --------------------------------------------------------------------- rules

def is_usable(gpu):
    """Total memory, and each GI profile's id, memory, SM count and placements."""
    if gpu['memory_total_mib'] is None or gpu['mig_capable'] is None:
        return False
    if not gpu['mig_capable']:
        return True
    needed = ('id', 'memory_mib', 'sm', 'placement_starts', 'placement_size', 'instances_total')
    return bool(gpu['gi_profiles']) and gpu.get('memory_slices') is not None and all(
        gi[key] is not None for gi in gpu['gi_profiles'] for key in needed)


def is_captured(row, field):
    return row.get(field) is not None and field not in row.get('inferred_fields', [])


def is_full_width(gi, ci):
    return ci['slice_count'] == gi['slice_count']


def one_slice_sm(gpu):
    return next((gi['sm'] for gi in gpu['gi_profiles'] if gi['nvml_profile'] == '1_SLICE'), None)


def rule_bar1(gpus, gpu):
    del gpus
    total = gpu['memory_total_mib']
    if not gpu['mig_capable'] or total is None or 'bar1_total_mib' in gpu.get('not_available', []):
        return None
    return 1 << (total - 1).bit_length()


def same_memory(gpus, gpu):
    """The models with this chip and memory whose reserved memory was captured, by key."""
    return [other for other in gpus if other['mig_capable'] and other.get('chip') == gpu.get('chip')
            and other['memory_total_mib'] == gpu['memory_total_mib'] is not None
            and is_captured(other, 'memory_reserved_mib')]


def rule_reserved_same(gpus, gpu):
    others = [other for other in same_memory(gpus, gpu) if other is not gpu]
    return others[0]['memory_reserved_mib'] if others else None


def rule_reserved_share(gpus, gpu):
    del gpus
    if not gpu['mig_capable'] or gpu['memory_total_mib'] is None:
        return None
    return gpu['memory_total_mib'] // 64


def rule_ci_count(gpu, gi, ci):
    del gpu
    return gi['slice_count'] // ci['slice_count']


def rule_ci_sm_full(gpu, gi, ci):
    del gpu
    return gi['sm'] if is_full_width(gi, ci) else None


def rule_ci_sm_slices(gpu, gi, ci):
    slice_sm = one_slice_sm(gpu)
    if is_full_width(gi, ci) or slice_sm is None or gi['sm'] is None:
        return None
    return min(ci['slice_count'] * slice_sm, gi['sm'])


def rule_ci_starts(gpu, gi, ci):
    del gpu
    if is_full_width(gi, ci):
        return [0]
    step = 1 << (ci['slice_count'] - 1).bit_length()
    return list(range(0, gi['slice_count'] - ci['slice_count'] + 1, step))


def rule_ci_size_units(gpu, gi, ci):
    if (not is_full_width(gi, ci) or gpu['nvml_architecture'] not in ARCH_FROM_HOPPER
            or gpu.get('memory_slices') != 8):
        return None
    return gi['placement_size']


def rule_ci_size_slices(gpu, gi, ci):
    return None if rule_ci_size_units(gpu, gi, ci) is not None else ci['slice_count']


def exact(captured, derived):
    return captured == derived


def within_a_quarter(captured, derived):
    return abs(captured - derived) * 4 <= max(captured, derived)


def same_magnitude(captured, derived):
    return derived <= captured * 4 and captured <= derived * 2


# rule id: (field, formula, how a captured value must agree)
GPU_RULES = {
    'bar1-power-of-two': ('bar1_total_mib', rule_bar1, exact),
    'reserved-same-memory': ('memory_reserved_mib', rule_reserved_same, within_a_quarter),
    'reserved-share': ('memory_reserved_mib', rule_reserved_share, same_magnitude),
}
CI_RULES = {
    'ci-count-floor': ('instances_total', rule_ci_count, exact),
    'ci-sm-full': ('sm', rule_ci_sm_full, exact),
    'ci-sm-slices': ('sm', rule_ci_sm_slices, exact),
    'ci-starts-aligned': ('placement_starts', rule_ci_starts, exact),
    'ci-size-units': ('placement_size', rule_ci_size_units, exact),
    'ci-size-slices': ('placement_size', rule_ci_size_slices, exact),
}
STATED, COPIED, ABSENT = 'stated-inferred', 'profiles-copied', 'not-available'


def check_rules_file(rules, problems):
    wanted = {STATED: 'any', COPIED: 'gi_profiles', ABSENT: 'any'}
    wanted.update({name: f'gpu.{rule[0]}' for name, rule in GPU_RULES.items()})
    wanted.update({name: f'ci.{rule[0]}' for name, rule in CI_RULES.items()})
    found = {}
    for rule in rules['rules']:
        where = f'rules.json: {rule.get("id", "?")}'
        for key in ('id', 'field', 'formula', 'applies_to', 'check', 'evidence'):
            if not problems.need(isinstance(rule.get(key), str) and rule[key], where,
                                 f'"{key}" is missing'):
                return
        problems.need(rule['id'] not in found, where, 'stands there twice')
        found[rule['id']] = rule['field']
    for name in sorted(set(found) | set(wanted)):
        problems.need(found.get(name) == wanted.get(name), f'rules.json: {name}',
                      f'field {found.get(name)}, the generator has {wanted.get(name)}')


def disagree(name, where, field, captured, derived, problems):
    problems.add(where, f'{field} is {captured}, rule {name} gives {derived}')


def check_rules(gpus, problems):
    """Every rule against every captured value that it covers. Returns the counts."""
    counts = dict.fromkeys([*GPU_RULES, *CI_RULES], 0)
    for gpu in gpus:
        for name, (field, formula, agrees) in GPU_RULES.items():
            derived = formula(gpus, gpu)
            if derived is None or not is_captured(gpu, field):
                continue
            counts[name] += 1
            if not agrees(gpu[field], derived):
                disagree(name, gpu['key'], field, gpu[field], derived, problems)
        if 'profiles_copied_from' in gpu:
            continue
        for gi in gpu['gi_profiles']:
            for ci in gi.get('ci_profiles') or []:
                for name, (field, formula, agrees) in CI_RULES.items():
                    derived = formula(gpu, gi, ci)
                    if derived is None or not is_captured(ci, field):
                        continue
                    counts[name] += 1
                    if not agrees(ci[field], derived):
                        disagree(name, f'{gpu["key"]} {gi["name"]} {ci["name"]}', field,
                                 ci[field], derived, problems)
    for name, count in counts.items():
        problems.need(count > 0, f'rules.json: {name}', 'no captured value to check it against')
    return counts


def check_copies(gpus, problems):
    by_key = {gpu['key']: gpu for gpu in gpus}
    for gpu in gpus:
        for key in ('profiles_copied_from', 'assume_same_as'):
            if key in gpu:
                problems.need(gpu[key] in by_key, gpu['key'], f'{key} names no model')
        origin = by_key.get(gpu.get('profiles_copied_from'))
        if origin is None:
            continue
        problems.need('profiles_copied_from' not in origin, gpu['key'], 'copied from a copy')
        theirs = {gi['name']: gi for gi in origin['gi_profiles']}
        for gi in gpu['gi_profiles']:
            other = theirs.get(gi['name'])
            if not problems.need(other, gpu['key'],
                                 f'{origin["key"]} has no {gi["name"]} to copy'):
                continue
            for key in sorted(set(gi) - {'memory_gib_other'}):
                unknown = gi[key] is None or other.get(key) is None
                problems.need(unknown or gi[key] == other[key], gpu['key'],
                              f'{gi["name"]} {key} is not that of {origin["key"]}')


def check_together(gpus, problems):
    seen = {}
    for gpu in gpus:
        for text in gpu['pci_device_ids']:
            other = seen.setdefault((text, gpu['memory_total_mib']), gpu['key'])
            problems.need(other == gpu['key'], gpu['key'],
                          f'PCI device id {text} with the same memory as {other}')


def derive(gpus):
    """Copies of the models with what the rules fill in, and "rule" maps: field -> rule id."""
    return [derive_gpu(gpus, gpu) for gpu in gpus]


def derive_gpu(gpus, gpu):
    usable = is_usable(gpu)
    out = dict(gpu, usable=usable)
    out['rule'] = {field: STATED for field in gpu.get('inferred_fields', [])}
    out['rule'].update({field: ABSENT for field in gpu.get('not_available', [])})
    if usable:
        for name, (field, formula, _) in GPU_RULES.items():
            if out.get(field) is None and field not in out['rule']:
                value = formula(gpus, gpu)
                if value is not None:
                    out[field] = value
                    out['rule'][field] = name
    profiles = sorted(gpu['gi_profiles'], key=lambda gi: gi['nvml_profile_index'])
    out['gi_profiles'] = [derive_gi(gpu, gi, usable) for gi in profiles]
    return out


def derive_gi(gpu, gi, usable):
    is_copy = 'profiles_copied_from' in gpu
    out = dict(gi)
    out['rule'] = {field: COPIED for field in GI_FIELDS if is_copy and gi.get(field) is not None}
    out['rule'].update({field: STATED for field in gi.get('inferred_fields', [])
                        if field in GI_FIELDS})
    profiles = sorted(gi.get('ci_profiles') or [], key=lambda ci: ci['id'])
    out['ci_profiles'] = [derive_ci(gpu, gi, ci, usable) for ci in profiles]
    return out


def derive_ci(gpu, gi, ci, usable):
    is_copy = 'profiles_copied_from' in gpu
    out = dict(ci)
    out['rule'] = {field: COPIED for field in CI_FIELDS if is_copy and ci.get(field) is not None}
    out['rule'].update({field: STATED for field in ci.get('inferred_fields', [])
                        if ci.get(field) is not None})
    for name, (field, formula, _) in CI_RULES.items():
        if usable and out.get(field) is None:
            value = formula(gpu, gi, ci)
            if value is not None:
                out[field] = value
                out['rule'][field] = name
    return out


# -------------------------------------------------------------------- output

def c_text(text):
    if not all(' ' <= char <= '~' for char in text):
        raise ValueError(f'not plain ASCII: {text}')
    return '"' + text.replace('\\', '\\\\').replace('"', '\\"') + '"'


def c_number(value):
    return UNKNOWN if value is None else str(value)


def c_hex(value):
    return UNKNOWN if value is None else f'0x{value:x}'


def c_list(values):
    return '{' + ', '.join(str(value) for value in values) + '}'


def c_rules(row, fields, numbers):
    used = [(fields[field], numbers[name]) for field, name in row['rule'].items()]
    used.sort(key=lambda item: list(fields.values()).index(item[0]))
    return ', '.join(f'[{field}] = {number}' for field, number in used)


def c_ci(ci, numbers):
    starts = ci.get('placement_starts') or []
    parts = [
        f'.name = {c_text(ci["name"])}', f'.profile_index = {CI_INDEX[ci["nvml_profile"]]}',
        f'.id = {ci["id"]}', f'.is_default = {int(ci["default"])}',
        f'.slice_count = {ci["slice_count"]}',
        f'.instances_total = {ci.get("instances_total") or 0}',
        f'.placement_size = {ci.get("placement_size") or 0}', f'.start_count = {len(starts)}',
        f'.sm = {c_number(ci.get("sm"))}',
    ]
    if starts:
        parts.append(f'.starts = {c_list(starts)}')
    if ci['rule']:
        parts.append(f'.rule = {{{c_rules(ci, CI_FIELDS, numbers)}}}')
    return '\t\t\t\t{' + ', '.join(parts) + '},'


def c_gi(gi, numbers):
    starts = gi['placement_starts'] or []
    unknown_u8 = UNKNOWN_U8
    p2p, total = gi.get('p2p'), gi['instances_total']
    kind = split_profile(gi['nvml_profile'])[1]
    lines = [
        '\t\t{',
        f'\t\t\t.name = {c_text(gi["name"])}, .id = {c_number(gi["id"])},'
        f' .memory_mib = {c_number(gi["memory_mib"])},'
        f' .memory_idle_mib = {c_number(gi.get("memory_idle_mib"))},',
        '\t\t\t' + ' '.join(f'.{name} = {c_number(gi.get(name))},'
                            for name in ('sm', 'ce', 'dec', 'enc', 'jpeg', 'ofa')),
        f'\t\t\t.profile_index = {gi["nvml_profile_index"]}, .slice_count = {gi["slice_count"]},'
        f' .instances_total = {unknown_u8 if total is None else total},'
        f' .p2p = {unknown_u8 if p2p is None else p2p},',
        f'\t\t\t.is_media_extension = {int(kind in MEDIA_EXTENSION)},'
        f' .placement_size = {gi["placement_size"] or 0}, .start_count = {len(starts)},'
        f' .ci_profile_count = {len(gi["ci_profiles"])},',
    ]
    if starts:
        lines.append(f'\t\t\t.starts = {c_list(starts)},')
    if gi['rule']:
        lines.append(f'\t\t\t.rule = {{{c_rules(gi, GI_FIELDS, numbers)}}},')
    if gi['ci_profiles']:
        lines.append('\t\t\t.ci = {')
        lines.extend(c_ci(ci, numbers) for ci in gi['ci_profiles'])
        lines.append('\t\t\t},')
    return lines + ['\t\t},']


def c_gpu(gpu, numbers):
    ids = [int(text, 16) for text in gpu['pci_device_ids']]
    subsystem = gpu.get('pci_subsystem_id')
    capability = gpu['compute_capability']
    major, minor = capability.split('.') if capability else (UNKNOWN_U8, UNKNOWN_U8)
    resets = gpu['nvml_architecture'] in ARCH_MODE_RESET
    lines = [
        '\t{',
        f'\t\t.key = {c_text(gpu["key"])},',
        f'\t\t.name = {c_text(gpu["nvml_names"][0] if gpu["nvml_names"] else "")},',
        f'\t\t.pci_vendor_id = {c_hex(VENDOR_NVIDIA)},'
        f' .pci_device_id = {c_hex(ids[0] if ids else None)},'
        f' .pci_subsystem_id = {c_hex(int(subsystem, 16) if subsystem else None)},',
        f'\t\t.chip_id = {c_hex(gpu.get("chip_id"))}, .pci_device_id_count = {len(ids)},',
        '\t\t' + ' '.join(f'.{name} = {c_number(gpu.get(name))},' for name in (
            'memory_total_mib', 'memory_reserved_mib', 'memory_idle_mib', 'bar1_total_mib')),
        '\t\t' + ' '.join(f'.{name} = {c_number(gpu.get(name))},' for name in (
            'sm_total', 'sm_mig_visible')),
        f'\t\t.arch = MIG_ARCH_{gpu["nvml_architecture"]}, .cc_major = {major},'
        f' .cc_minor = {minor},',
        f'\t\t.is_mig_capable = {int(bool(gpu["mig_capable"]))}, .is_usable = {int(gpu["usable"])},'
        f' .memory_slices = {gpu.get("memory_slices") or 0},'
        f' .max_gpu_instances = {gpu.get("max_mig_gpu_instances") or 0},',
        f'\t\t.mode_needs_reset = {int(gpu.get("mode_needs_reset", resets))},'
        f' .mode_survives_reboot = {int(gpu.get("mode_survives_reboot", resets))},'
        f' .gi_profile_count = {len(gpu["gi_profiles"])},',
    ]
    if ids:
        lines.insert(4, f'\t\t.pci_device_ids = {{{", ".join(c_hex(item) for item in ids)}}},')
    if gpu['rule']:
        lines.append(f'\t\t.rule = {{{c_rules(gpu, GPU_FIELDS, numbers)}}},')
    if gpu['gi_profiles']:
        lines.append('\t\t.gi = {')
        for gi in gpu['gi_profiles']:
            lines.extend('\t' + line for line in c_gi(gi, numbers))
        lines.append('\t\t},')
    return lines + ['\t},']


HEAD = """/* SPDX-License-Identifier: Apache-2.0
 *
 * GPU facts, made by scripts/gen-gpu-tables.py from data/gpus and data/rules.json. Do not edit:
 * change the data and run the script. data/tables/gpu_table.h says what the fields mean.
 * .rule holds the number of the rule that derived a field, an index of mig_table_rules.
 */
/* clang-format off */
#include "data/tables/gpu_table.h"
"""


def render(gpus, rules):
    numbers = {rule['id']: number for number, rule in enumerate(rules['rules'], 1)}
    lines = [HEAD, 'const struct mig_table_rule mig_table_rules[] = {', '\t{"", "", ""},']
    for rule in rules['rules']:
        lines.append(f'\t/* {numbers[rule["id"]]} */')
        lines.append(f'\t{{{c_text(rule["id"])}, {c_text(rule["field"])},')
        lines.append(f'\t {c_text(rule["formula"])}}},')
    lines += ['};', '', 'const unsigned int mig_table_rule_count ='
              ' sizeof(mig_table_rules) / sizeof(mig_table_rules[0]);', '',
              'const struct mig_gpu_table mig_gpu_tables[] = {']
    for gpu in gpus:
        lines.extend(c_gpu(gpu, numbers))
    lines += ['};', '', 'const unsigned int mig_gpu_table_count ='
              ' sizeof(mig_gpu_tables) / sizeof(mig_gpu_tables[0]);', '']
    return '\n'.join(lines)


# ---------------------------------------------------------------------- main

def read_models(folder, sources, problems):
    gpus = []
    for path in sorted(folder.glob('*.json')):
        try:
            gpu = load(path)
        except (OSError, ValueError) as error:
            problems.add(path.name, str(error))
            continue
        if not problems.need(isinstance(gpu, dict), path.name, 'not a JSON object'):
            continue
        check_gpu(gpu, path.stem, sources, problems)
        gpus.append(gpu)
    problems.need(gpus, str(folder), 'no models')
    return gpus


def read_data(data, problems):
    """The derived models, the rules and how often each rule was checked."""
    sources = load(data / 'sources.json')['sources']
    rules = load(data / 'rules.json')
    check_rules_file(rules, problems)
    gpus = read_models(data / 'gpus', sources, problems)
    if problems.lines:
        return [], rules, {}
    check_copies(gpus, problems)
    check_together(gpus, problems)
    counts = check_rules(gpus, problems)
    return derive(gpus), rules, counts


def report(gpus, counts):
    for name, count in counts.items():
        print(f'rule {name}: agrees with {count} captured values')
    for gpu in gpus:
        for field, rule in gpu['rule'].items():
            print(f'{gpu["key"]}: {field} = {gpu.get(field)} ({rule})')
        for gi in gpu['gi_profiles']:
            for row, label in [(gi, gi['name'])] + [
                    (ci, f'{gi["name"]} CI {ci["name"]}') for ci in gi['ci_profiles']]:
                for field, rule in row['rule'].items():
                    print(f'{gpu["key"]}: {label}: {field} = {row[field]} ({rule})')


def compare(path, text):
    found = path.read_text(encoding='utf-8') if path.exists() else ''
    if found == text:
        return 0
    diff = difflib.unified_diff(found.splitlines(), text.splitlines(), str(path),
                                'as made from the data', lineterm='', n=1)
    for line in list(diff)[:40]:
        print(line, file=sys.stderr)
    print(f'{path} is not up to date: run scripts/gen-gpu-tables.py', file=sys.stderr)
    return 1


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--check', action='store_true', help='compare, write nothing')
    parser.add_argument('--report', action='store_true', help='list the derived values')
    parser.add_argument('--data', type=pathlib.Path, default=root / 'data', help='the data folder')
    parser.add_argument('--output', type=pathlib.Path, help='default: DATA/tables/gpu_tables.c')
    options = parser.parse_args()
    problems = Problems()
    try:
        gpus, rules, counts = read_data(options.data, problems)
    except (OSError, ValueError, KeyError, TypeError) as error:
        problems.add(str(options.data), f'{type(error).__name__}: {error}')
    if problems.lines:
        for line in problems.lines:
            print(f'gen-gpu-tables: {line}', file=sys.stderr)
        return 1
    if options.report:
        report(gpus, counts)
        return 0
    text = render(gpus, rules)
    output = options.output or options.data / 'tables' / 'gpu_tables.c'
    if options.check:
        return compare(output, text)
    output.write_text(text, encoding='utf-8')
    return 0


if __name__ == '__main__':
    sys.exit(main())
