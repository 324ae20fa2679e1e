# SPDX-License-Identifier: Apache-2.0
"""Each GPU model that can be simulated, as nvidia-smi shows it, against data/.

The listings must say what the data files say: ids, counts, memory (the main column;
what stands under memory_gib_other belongs to other drivers), multiprocessors,
engines, placements, compute instances. A value that no source gives (null) is one that
a rule of data/rules.json derives; the rules for compute instances are applied here once
more and such fields are counted. Then what was captured on hardware is repeated: orders
of creation id by id, free counts, rows of the default table.

nvidia-smi 535 and 550 ask for GPU instance profile indices 0 to 9 only: the +gfx, -me
and +me.all profiles of newer GPUs are beyond that, and neither list nor make them.
"""
import re

import smi
import tap

LAST_INDEX = 9
PROGRAMS = {branch: smi.Program(branch) for branch in (535, 550)}

# captured_sequences name some boards loosely; all that is meant have one geometry.
BOARDS = {'a100-80gb (Azure NC A100)': 'a100-pcie-80gb', 'a100-80gb': 'a100-sxm4-80gb'}

MIG = smi.data('mig.json')
INDEX = MIG['nvml_gpu_instance_profile_constants']
CI_INDEX = MIG['nvml_compute_instance_profile_constants']


def load_models():
    """{key: model} of those that can be simulated and have MIG (the definition of "usable")."""
    found = {}
    for path in sorted(smi.pathlib.Path(tap.source('data', 'gpus')).glob('*.json')):
        model = smi.data('gpus', path.name)
        needed = ('id', 'memory_mib', 'sm', 'placement_starts', 'placement_size')
        if model['mig_capable'] and model['memory_total_mib'] and model['gi_profiles'] and all(
                gi[key] is not None for gi in model['gi_profiles'] for key in needed):
            found[model['key']] = model
    return found


MODELS = load_models()


def listed(model):
    """Its GPU instance profiles that nvidia-smi lists, in the order of -lgip."""
    rows = [gi for gi in model['gi_profiles'] if INDEX[gi['nvml_profile']] <= LAST_INDEX]
    return sorted(rows, key=lambda gi: (gi['slice_count'], gi['memory_mib'],
                                        INDEX[gi['nvml_profile']]))


def node_of(program, key, layout='normal'):
    node = smi.Node(program).create_gpus(key if layout == 'normal' else f'1x{key}:{layout}')
    node.ok('-mig', '1')
    return node


# --------------------------------------------------------------------- the listings

def shown_name(name, limit):
    """As the tables cut it; the limit counts "MIG "."""
    full = f'MIG {name}'
    return (full if len(full) <= limit else full[:limit - 3] + '...').removeprefix('MIG ')


def compare_known(row, known, what):
    """Compares the fields of a listing that the data file knows. Returns how many it does not."""
    unknown = 0
    for key, value in known.items():
        if value is None:
            unknown += 1
        else:
            tap.equal(row[key], value, f'{what}: {key}')
    return unknown


def check_gi_profiles(program, key):
    model = MODELS[key]
    node = node_of(program, key)
    rows = smi.parse_lgip(node.ok('mig', '-lgip'))
    wanted = listed(model)
    tap.equal([row['id'] for row in rows], [gi['id'] for gi in wanted], 'rows of -lgip')
    unknown = 0
    for row, gi in zip(rows, wanted):
        known = {field: gi[field] for field in ('id', 'memory_gib', 'p2p', 'sm', 'dec', 'enc',
                                                'ce', 'jpeg', 'ofa')}
        known['total'] = known['free'] = gi['instances_total']
        known['name'] = shown_name(gi['name'], 17)
        unknown += compare_known(row, known, gi['name'])
    places = smi.parse_lgipp(node.ok('mig', '-lgipp'))
    tap.equal(places, {gi['id']: (gi['placement_starts'], gi['placement_size'])
                       for gi in wanted}, '-lgipp')
    tap.equal(unknown, 0, 'fields of GPU instance profiles that no source gives')


def ci_by_rule(model, gi, ci):
    """The values that data/rules.json derives where the data file has null."""
    whole = ci['slice_count'] == gi['slice_count']
    one_slice = next(row['sm'] for row in model['gi_profiles'] if row['nvml_profile'] == '1_SLICE')
    step = 1 << (ci['slice_count'] - 1).bit_length()
    starts = range(0, gi['slice_count'] - ci['slice_count'] + 1, step)
    by_units = whole and model['memory_slices'] == 8 and model['nvml_architecture'] != 'AMPERE'
    return {
        'instances_total': gi['slice_count'] // ci['slice_count'],
        'sm': gi['sm'] if whole else min(ci['slice_count'] * one_slice, gi['sm']),
        'placement_starts': [0] if whole else list(starts),
        'placement_size': gi['placement_size'] if by_units else ci['slice_count'],
    }


def check_ci_profiles(program, key):
    model = MODELS[key]
    node = node_of(program, key)
    for gi in listed(model):
        gi_id = smi.created_gi(node.ok('mig', '-cgi', str(gi['id'])))[0]
        rows = smi.parse_lcip(node.ok('mig', '-lcip'))
        places = smi.parse_lcipp(node.ok('mig', '-lcipp'))
        wanted = sorted(gi['ci_profiles'], key=lambda ci: CI_INDEX[ci['nvml_profile']])
        tap.equal([row['id'] for row in rows], [ci['id'] for ci in wanted],
                  f'rows of -lcip in {gi["name"]}')
        tap.equal(sorted(places), sorted((gi_id, ci['id']) for ci in wanted), 'rows of -lcipp')
        for row, ci in zip(rows, wanted):
            rule = ci_by_rule(model, gi, ci)
            value = {field: rule[field] if ci[field] is None else ci[field] for field in rule}
            what = f'{ci["name"]} in {gi["name"]}'
            compare_known(row, {'gi': gi_id, 'name': shown_name(ci['name'], 18),
                                'default': ci['default'], 'total': value['instances_total'],
                                'free': value['instances_total'], 'sm': value['sm'],
                                'dec': gi['dec'], 'enc': gi['enc'], 'ofa': gi['ofa'],
                                'ce': gi['ce'], 'jpeg': gi['jpeg']}, what)
            tap.equal(places[gi_id, ci['id']], (value['placement_starts'],
                                                value['placement_size']), f'{what}: placements')
        node.ok('mig', '-dgi', '-gi', str(gi_id))


def check_hidden_profiles(program, key):
    """What nvidia-smi does not ask for cannot be made with it either; the driver is not asked."""
    node = node_of(program, key)
    hidden = [gi for gi in MODELS[key]['gi_profiles'] if INDEX[gi['nvml_profile']] > LAST_INDEX]
    tap.true(hidden, 'nothing is hidden')
    for gi in hidden:
        for spelling in (str(gi['id']), gi['name']):
            got = tap.exited(node.smi('mig', '-cgi', spelling), 2)
            tap.contains(got.stdout, 'Invalid Argument')
    tap.exited(node.smi('mig', '-lgi'), 6)


# ----------------------------------------------------------- captured on hardware

def layout_of(sequence):
    """'tree4' is the geometry of GPUs that have one layout only."""
    return 'normal' if sequence['layout'] == 'tree4' else sequence['layout']


def check_sequence(program, sequence):
    key = BOARDS.get(sequence['gpu'], sequence['gpu'])
    node = node_of(program, key, layout_of(sequence))
    wanted = {}
    for at, (profile, gi_id) in enumerate(zip(sequence['requested_profile_ids'],
                                              sequence['gi_ids_in_creation_order'])):
        got = node.smi('mig', '-cgi', str(profile))
        if gi_id == 'INSUFFICIENT_RESOURCES':
            tap.exited(got, 23)
            tap.contains(got.stdout, f'using profile {profile}: Insufficient Resources')
            continue
        tap.equal(smi.created_gi(tap.succeeded(got).stdout), [gi_id], f'instance {at}')
        wanted[gi_id] = profile
        if sequence['placements_in_creation_order']:
            wanted[gi_id] = (profile, sequence['placements_in_creation_order'][at])
    for _, _, profile, gi_id, start, size in smi.parse_lgi(node.ok('mig', '-lgi')):
        value = wanted.pop(gi_id)
        tap.equal((profile, f'{start}:{size}') if isinstance(value, tuple) else profile, value,
                  f'GPU instance {gi_id}')
    tap.equal(wanted, {}, 'instances that are not listed')


def instances_of(model, text):
    """[(profile id, start)] that the step of a vector names ("1g+me at 4:1")."""
    found = []
    for slices, suffix, start, size in re.findall(r'(\d)g(\+me)? at (\d+):(\d+)', text):
        for gi in listed(model):
            if (gi['slice_count'], gi['placement_size']) == (int(slices), int(size)) and \
                    gi['name'].endswith('+me') == bool(suffix):
                found.append((gi['id'], int(start)))
    return found


def check_free_counts(program, vector):
    key = vector['gpu']
    node = node_of(program, key)
    for step in vector['steps']:
        cumulative = step['after'].startswith('plus')
        made = instances_of(MODELS[key], step['after'])
        tap.equal(len(made), step['after'].count(' at '), f'instances in "{step["after"]}"')
        if not cumulative and made and smi.parse_lgi(node.smi('mig', '-lgi').stdout):
            node.ok('mig', '-dgi')
        for profile, start in made:
            node.ok('mig', '-cgi', f'{profile}:{start}')
        free = {str(row['id']): row['free'] for row in smi.parse_lgip(node.ok('mig', '-lgip'))}
        tap.equal(free, step['free'], f'free after "{step["after"]}"')


def check_free_counts_off(program, vector):
    """The captured counts of a GPU with MIG off, where the driver gives real ones."""
    node = smi.Node(program).create({'format': 'migsim-node/1', 'off_capacity': 'real',
                                     'gpus': [{'model': vector['gpu']}]})
    free = {str(row['id']): row['free'] for row in smi.parse_lgip(node.ok('mig', '-lgip'))}
    tap.equal(free, vector['steps'][0]['free'])


def device_rows():
    """[(model key, row, whether BAR1 is of this branch's kind)] that were captured."""
    found = []
    for key, model in MODELS.items():
        for row in model.get('mig_device_rows', []):
            number = re.match(r'(\d+)\.', row['driver'])
            # From 580 on BAR1 is shared and smaller. Where the driver is not told, the size shows
            # it: the older figures are a power of two less one.
            whole = row['bar1_mib'] & (row['bar1_mib'] + 1) == 0
            is_older = int(number[1]) < 580 if number else whole
            found.append((key, row, is_older))
    return found


def check_device_row(program, key, row, has_bar1):
    node = node_of(program, key)
    ci_width, gi_name = re.fullmatch(r'(?:(\d)c\.)?(.+)', row['profile']).groups()
    gi = next(gi for gi in MODELS[key]['gi_profiles'] if gi['name'] == gi_name)
    node.ok('mig', '-cgi', str(gi['id']))
    ci = next(ci for ci in gi['ci_profiles']
              if (ci['slice_count'] == int(ci_width) if ci_width else ci['default']))
    node.ok('mig', '-cci', str(ci['id']))
    shown = smi.parse_table(node.ok())
    tap.equal(len(shown), 1, 'MIG devices')
    tap.equal(shown[0]['memory_mib'], row['memory_mib'], 'memory')
    sm = ci_by_rule(MODELS[key], gi, ci)['sm'] if ci['sm'] is None else ci['sm']
    tap.equal([shown[0][field] for field in ('sm', 'ce', 'enc', 'dec', 'ofa', 'jpeg')],
              [sm] + [gi[field] for field in ('ce', 'enc', 'dec', 'ofa', 'jpeg')], 'engines')
    if has_bar1:
        tap.equal(shown[0]['bar1_mib'], row['bar1_mib'], 'BAR1')


# -------------------------------------------------------------------------- tests

def add(name, check, *args):
    """One test per program."""
    for branch, program in PROGRAMS.items():
        if not program.missing:
            tap.add(f'{branch}_{name}', lambda program=program: check(program, *args))


def count_fields():
    """The counts that are printed before the tests; from the data alone."""
    profiles = cis = inferred = hidden = 0
    for model in MODELS.values():
        hidden += len(model['gi_profiles']) - len(listed(model))
        for gi in listed(model):
            profiles += 1
            cis += len(gi['ci_profiles'])
            inferred += sum(ci[field] is None for ci in gi['ci_profiles']
                            for field in ('instances_total', 'sm', 'placement_starts',
                                          'placement_size'))
    print(f'# {len(MODELS)} models, {profiles} GPU instance profiles ({hidden} more that '
          f'nvidia-smi does not ask for), {cis} compute instance profiles, '
          f'{inferred} inferred CI fields', flush=True)


def register():
    for branch, program in PROGRAMS.items():
        if program.missing:
            tap.add(f'nvidia_smi_{branch}', lambda branch=branch, program=program: tap.skip(
                f'nvidia-smi {branch}: {program.missing}'))
    count_fields()
    tap.add('models_are_those_of_sim_models', check_model_list)
    for key, model in MODELS.items():
        add(f'gi_profiles_{key}', check_gi_profiles, key)
        add(f'ci_profiles_{key}', check_ci_profiles, key)
        if len(listed(model)) < len(model['gi_profiles']):
            add(f'profiles_not_asked_for_{key}', check_hidden_profiles, key)
    placement = MIG['placement_model']
    later = [sequence for sequence in placement['captured_sequences_later']
             if sequence['layout'] != 'unknown']
    print(f'# {len(placement["captured_sequences"])} + {len(later)} captured sequences, '
          f'{len(placement["captured_sequences_later"]) - len(later)} of unknown layout left out',
          flush=True)
    for at, sequence in enumerate(placement['captured_sequences'] + later):
        add(f'sequence_{at}_{sequence["source"]}', check_sequence, sequence)
    for name in ('free_count_vector', 'free_count_vector_h100', 'free_count_vector_h200'):
        add(name, check_free_counts, placement[name])
    if not PROGRAMS[550].missing:
        tap.add('550_free_counts_with_mig_off', lambda: check_free_counts_off(
            PROGRAMS[550], placement['free_count_vector_h100']))
    for at, (key, row, has_bar1) in enumerate(device_rows()):
        add(f'device_row_{at}_{key}_{row["profile"]}', check_device_row, key, row, has_bar1)


def check_model_list():
    """Nothing that can be simulated is left out here."""
    text = tap.succeeded(tap.run([tap.build('migctl'), 'sim', 'models', '--json'])).stdout
    keys = {model['key'] for model in smi.json.loads(text)['models']
            if model['usable'] and model['mig_capable']}
    tap.equal(sorted(MODELS), sorted(keys))


register()
tap.main()
