#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`migctl record`: a simulated node is recorded, a node is made of the recording, and both answer
every reading call of NVML alike (compare_nodes.py). A recording of the second node is the first."""
import json
import os
import sys

import tap
from tap import test

import compare_nodes

MIGCTL = tap.build('migctl')
# How many GPU instance profiles each branch lists; instances of others cannot be there.
BRANCHES = {'470': 8, '535': 10, '550': 10, '580': 18}
MODELS = ('a100-sxm4-40gb', 'a30-24gb', 'h100-sxm5-80gb', 'h200-sxm5-141gb', 'gh200-96gb',
          'rtx-pro-6000-server-96gb')


def migctl(*args):
    return tap.run([MIGCTL, *args])


def facts(key):
    with open(tap.source('data', 'gpus', key + '.json'), encoding='utf-8') as stream:
        return json.load(stream)


def gpus_of(key, branch):
    """One GPU with MIG off, and for each profile one with an instance of it at the last place, as a
    whole and with a compute instance of one slice; every second GPU is swapped."""
    gpus = [{'model': key, 'persistence_mode': 'on'}]
    for gi in facts(key)['gi_profiles']:
        if gi['nvml_profile_index'] >= BRANCHES[branch]:
            continue
        for ci in gi['ci_profiles']:
            if not ci['default'] and ci['slice_count'] > 1:
                continue
            instance = {'profile': ci['name'], 'start': 0, 'id': 0 if ci['default'] else 3}
            gpus.append({'model': key, 'mig_mode': 'on',
                         'layout': 'swapped' if len(gpus) % 2 else 'normal',
                         'gpu_instances': [{'profile': gi['name'],
                                            'start': gi['placement_starts'][-1],
                                            'compute_instances': [instance]}]})
    return gpus[:32]


def create(name, document):
    path = tap.tmpdir() / f'{name}.json'
    path.write_text(json.dumps(document))
    os.chmod(path, 0o644)
    tap.succeeded(migctl('sim', 'create', name, '-f', path))


def record(node, *options):
    path = tap.tmpdir() / f'{node}.recorded.json'
    got = tap.succeeded(migctl('--node', node, 'record', *options, path))
    return path, json.loads(path.read_text()), got.stderr


def dump(node, *options):
    """The answers of a node, where a program in Python can load the library."""
    tap.succeeded(migctl('sim', 'exec', node, '--', sys.executable, '-c',
                         'import ctypes; ctypes.CDLL("libnvidia-ml.so.1")'))
    return compare_nodes.dump(MIGCTL, node, *options)


def replays(node, *options, but=None):
    """The node, its recording and the node of that are alike. Returns the recording. `but`: a
    function that may answer differently, and then does."""
    same_ids = '--keep-ids' in options
    path, document, _ = record(node, *options)
    tap.succeeded(migctl('sim', 'create', 'replay', '-f', path))
    one, other = (dump(name, same_ids) for name in (node, 'replay'))
    tap.true(len(one) > 1000, f'only {len(one)} calls were made')
    found = compare_nodes.differences(one, other)
    unexpected = [line for line in found if but is None or not line.startswith(but + '(')]
    tap.equal(len(unexpected), 0, '\n'.join(unexpected[:20]))
    tap.equal(bool(found), but is not None, but)
    again = record('replay', *options)[1]
    tap.equal(json.dumps(again, indent=1), json.dumps(document, indent=1))
    return document


def add(name, document):
    def alike():
        create('real', document)
        replays('real', '--keep-ids')
    tap.add(name, alike)


for BRANCH in BRANCHES:
    for MODEL in MODELS if BRANCH in ('550', '580') else MODELS[:2]:
        add(f'replay_of_{MODEL}_on_{BRANCH}',
            {'format': 'migsim-node/1', 'driver': BRANCH, 'gpus': gpus_of(MODEL, BRANCH)})
    add(f'replay_of_a_mixed_node_on_{BRANCH}', {
        'format': 'migsim-node/1', 'driver': BRANCH,
        'gpus': [{'model': 't4-16gb'}, {'model': 'a30-24gb', 'numa_node': 1},
                 {'model': 'a100-sxm4-80gb', 'mig_mode': 'on', 'pci_address': '0001:c1:00.0'},
                 {'model': 'l40s-48gb', 'minor': 30}, {'model': 'a10g-24gb'}]})


@test
def replay_of_a_node_without_gpus():
    create('real', {'format': 'migsim-node/1', 'gpus': []})
    path, document, _ = record('real')
    tap.equal(document['gpus'], [])
    tap.equal(document['recorded']['not_read'], [])
    tap.succeeded(migctl('sim', 'create', 'replay', '-f', path))
    tap.equal(compare_nodes.differences(*(dump(name, True)
                                          for name in ('real', 'replay'))), [])


def full_a100(**more):
    return {'model': 'a100-sxm4-40gb', 'mig_mode': 'on', 'layout': 'swapped', 'gpu_instances': [
        {'profile': '3g.20gb', 'start': 0, 'compute_instances': [
            {'profile': '1c.3g.20gb', 'start': 2, 'id': 0},
            {'profile': '2c.3g.20gb', 'start': 0, 'id': 5}]},
        {'profile': '2g.10gb', 'start': 4},
        {'profile': '1g.5gb+me', 'start': 6,
         'compute_instances': [{'profile': '1g.5gb', 'start': 0}]}], **more}


@test
def uuids_are_replaced_unless_they_are_kept():
    create('real', {'format': 'migsim-node/1', 'gpus': [full_a100(), {'model': 't4-16gb'}]})
    document = replays('real')
    text = json.dumps(document)
    tap.not_contains(text, 'GPU-')
    tap.not_contains(text, 'uuid')
    kept = record('real', '--keep-ids', '--force')[1]
    listed = json.loads(tap.succeeded(migctl('--node', 'real', 'status', '--json')).stdout)
    tap.equal([gpu['uuid'] for gpu in kept['gpus']], [gpu['uuid'] for gpu in listed['gpus']])
    tap.equal([gpu['pci_address'] for gpu in document['gpus']],
              [gpu['pci_address'] for gpu in kept['gpus']])


@test
def a_mode_change_that_is_pending_is_recorded():
    create('real', {'format': 'migsim-node/1', 'gpus': [
        {'model': 'a100-sxm4-40gb', 'mig_mode_pending': 'on'},
        {'model': 'a100-sxm4-40gb', 'mig_mode': 'on', 'mig_mode_pending': 'off'},
        {'model': 'a100-sxm4-40gb', 'mig_mode': 'on', 'mig_mode_pending': 'on'}]})
    document = replays('real')
    tap.equal([gpu.get('mig_mode_pending') for gpu in document['gpus']], ['on', 'off', None])


@test
def what_is_answered_for_capacity_with_mig_off_is_recorded():
    for wanted in ('zero', 'real', 'not-supported'):
        create(wanted, {'format': 'migsim-node/1', 'off_capacity': wanted,
                        'gpus': [{'model': 'a30-24gb'}]})
        document = record(wanted)[1]
        tap.equal(document['off_capacity'], wanted)
        tap.not_contains([entry['what'] for entry in document['recorded']['not_read']],
                         'off_capacity')


def stranger(**more):
    """A GPU that no built-in table knows, made of one that is known."""
    model = facts('h100-sxm5-80gb')
    model = {key: value for key, value in model.items() if key != 'key'}
    return {**model, 'nvml_names': ['NVIDIA Z900 Prototype'], 'pci_device_ids': ['2BFF'],
            'pci_subsystem_id': '2BFF10DE', 'chip_id': None, **more}


@test
def a_model_that_nobody_knows_is_recorded_whole():
    create('real', {'format': 'migsim-node/1', 'models': {'z': stranger()}, 'gpus': [
        {'model': 'z', 'mig_mode': 'on'}, {'model': 'z'}]})
    document = replays('real', '--keep-ids')
    tap.equal(list(document['models']), ['z900-prototype'])
    why = {entry['what']: entry['instead'] for entry in document['recorded']['not_read']}
    tap.contains(why['models.z900-prototype.ci_profiles of 1g.10gb, 2g.20gb, 3g.40gb, 4g.40gb, '
                     '7g.80gb, 1g.10gb+me, 1g.20gb'], 'marked as inferred')
    # What is inferred is good enough for a first instance.
    config = tap.tmpdir() / 'config.yaml'
    config.write_text('version: v1\nmig-configs:\n  x:\n  - {devices: all, mig-enabled: true, '
                      'mig-devices: {3g.40gb: 2}}\n')
    got = tap.succeeded(migctl('--node', 'replay', 'apply', '-f', config, '-c', 'x'))
    tap.contains(got.stdout, '3g.40gb')


@test
def a_model_that_nobody_knows_before_550_with_mig_off():
    create('real', {'format': 'migsim-node/1', 'driver': '535',
                    'models': {'z': stranger()}, 'gpus': [{'model': 'z'}]})
    # How many MIG devices there can be is not known then.
    document = replays('real', '--keep-ids', but='nvmlDeviceGetMigDeviceHandleByIndex')
    model = document['models']['z900-prototype']
    tap.equal(model['gi_profiles'], [])
    tap.equal(model['mig_capable'], True)
    why = {entry['what']: entry for entry in document['recorded']['not_read']}
    tap.contains(why['models.z900-prototype.gi_profiles']['why'], 'NVML_ERROR_NOT_SUPPORTED')
    tap.contains(why['models.z900-prototype.gi_profiles']['instead'], 'MIG mode works')


@test
def a_known_model_before_550_with_mig_off_has_the_built_in_profiles():
    create('real', {'format': 'migsim-node/1', 'driver': '535', 'gpus': [{'model': 'a30-24gb'}]})
    document = replays('real', '--keep-ids')
    tap.equal(sorted(gi['name'] for gi in document['models']['a30-24gb']['gi_profiles']),
              sorted(gi['name'] for gi in facts('a30-24gb')['gi_profiles']))
    why = {entry['what']: entry for entry in document['recorded']['not_read']}
    tap.equal(why['models.a30-24gb.gi_profiles']['instead'], 'the built-in model a30-24gb')


@test
def gpus_of_one_model_tell_of_it_together():
    """One has MIG off and instances of its profiles are on others: one model comes of it."""
    create('real', {'format': 'migsim-node/1', 'gpus': gpus_of('a30-24gb', '550')})
    document = record('real')[1]
    tap.equal(list(document['models']), ['a30-24gb'])
    tap.true(not any('ci_profiles' in entry['what']
                     for entry in document['recorded']['not_read']))


@test
def two_gpus_of_one_name_that_differ_are_two_models():
    create('real', {'format': 'migsim-node/1', 'models': {
        'z': stranger(), 'y': stranger(memory_total_mib=90000)},
                    'gpus': [{'model': 'z'}, {'model': 'y'}, {'model': 'z'}]})
    document = replays('real', '--keep-ids')
    tap.equal(list(document['models']), ['z900-prototype', 'z900-prototype-2'])
    tap.equal([gpu['model'] for gpu in document['gpus']],
              ['z900-prototype', 'z900-prototype-2', 'z900-prototype'])


@test
def compare_nodes_sees_a_difference():
    create('one', {'format': 'migsim-node/1', 'gpus': [{'model': 'a30-24gb'}]})
    create('other', {'format': 'migsim-node/1', 'gpus': [{'model': 'a30-24gb', 'minor': 3}]})
    found = compare_nodes.differences(*(dump(name, False)
                                        for name in ('one', 'other')))
    tap.contains('\n'.join(found), 'nvmlDeviceGetMinorNumber(GPU 0)')
    got = tap.run(['python3', compare_nodes.__file__, MIGCTL, 'one', 'other'])
    tap.equal(got.rc, 1)
    tap.contains(got.stdout, 'nvmlDeviceGetMinorNumber(GPU 0)')


tap.main()
