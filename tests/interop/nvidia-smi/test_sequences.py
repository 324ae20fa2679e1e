# SPDX-License-Identifier: Apache-2.0
"""Sequences of nvidia-smi processes on one node, the state carried from one to the next.

After each process `mig -lgi`, `mig -lci` and `-L` must show what a small model here
says: instances that were made and not yet destroyed, their ids, names, placements and
order, and UUIDs that stay the same. The model has its facts from data/ and gets the
places the driver chose from the ids it answered; what the driver chooses is tested
elsewhere (test_models.py and the model check).
"""
import itertools

import smi
import tap

KEY = 'a100-sxm4-40gb'
SECOND = 'a30-24gb'
PROGRAMS = {branch: smi.Program(branch) for branch in smi.BRANCHES}
INDEX = smi.data('mig.json')['nvml_gpu_instance_profile_constants']
CI_INDEX = smi.data('mig.json')['nvml_compute_instance_profile_constants']


class Model:
    """What is on the GPUs of a node."""

    def __init__(self, *keys):
        self.tables = [smi.data('gpus', f'{key}.json') for key in keys]
        self.gpus = [{} for _ in keys]  # GI id -> (profile, start, {CI id: (profile, start)})
        self.uuids = {}

    def profile(self, gpu, profile_id):
        return next(gi for gi in self.tables[gpu]['gi_profiles'] if gi['id'] == profile_id)

    def start_of(self, gpu, profile, gi_id):
        """Ids are positions in a binary tree over the memory (data/mig.json)."""
        parts = self.tables[gpu]['memory_slices'] // profile['placement_size']
        return (gi_id - (parts - 1)) * profile['placement_size']

    def add(self, gpu, profile_id, gi_id):
        profile = self.profile(gpu, profile_id)
        start = self.start_of(gpu, profile, gi_id)
        tap.true(start in profile['placement_starts'], f'GPU instance {gi_id} is at {start}')
        tap.true(gi_id not in self.gpus[gpu], f'GPU instance {gi_id} is new')
        self.gpus[gpu][gi_id] = (profile, start, {})

    def add_ci(self, gpu, gi_id, ci_profile_id=None):
        """With the driver's choice of place: the lowest that is free."""
        profile, _, cis = self.gpus[gpu][gi_id]
        ci = next(ci for ci in profile['ci_profiles']
                  if (ci['default'] if ci_profile_id is None else ci['id'] == ci_profile_id))
        taken = {at for old, start in cis.values()
                 for at in range(start, start + old['slice_count'])}
        start = next(start for start in ci['placement_starts']
                     if not taken & set(range(start, start + ci['slice_count'])))
        ci_id = next(number for number in itertools.count() if number not in cis)
        cis[ci_id] = (ci, start)
        return ci_id

    def lgi(self):
        rows = [(gpu, gi['name'], gi['id'], gi_id, start, gi['placement_size'])
                for gpu, gis in enumerate(self.gpus)
                for gi_id, (gi, start, _) in sorted(
                    gis.items(), key=lambda item: (INDEX[item[1][0]['nvml_profile']], item[0]))]
        return rows

    def lci(self):
        rows = []
        for gpu, _, _, gi_id, _, _ in self.lgi():
            cis = self.gpus[gpu][gi_id][2]
            rows += [(gpu, gi_id, ci['name'], ci['id'], ci_id, start,
                      ci['placement_size'] or ci['slice_count'])
                     for ci_id, (ci, start) in sorted(
                         cis.items(),
                         key=lambda item: (CI_INDEX[item[1][0]['nvml_profile']], item[0]))]
        return rows

    def devices(self):
        """{gpu: [(name, (gpu, GI id, CI id, place))]} in the order of the MIG device index."""
        return {gpu: [(ci['name'], (gpu, gi_id, ci_id, gi['id'], start))
                      for gi_id, (gi, _, cis) in sorted(gis.items())
                      for ci_id, (ci, start) in sorted(cis.items())]
                for gpu, gis in enumerate(self.gpus)}


def compare(node, model):
    """The three listings against the model. An empty one answers "not found"."""
    gis = node.smi('mig', '-lgi')
    tap.equal(smi.parse_lgi(gis.stdout), model.lgi(), '-lgi')
    tap.exited(gis, 0 if model.lgi() else 6)
    cis = node.smi('mig', '-lci')
    tap.equal(smi.parse_lci(cis.stdout), model.lci(), '-lci')
    tap.exited(cis, 0 if model.lci() else 6)
    shown = smi.parse_devices(node.ok('-L'))
    wanted = model.devices()
    tap.equal({gpu: [name for name, _ in rows] for gpu, rows in shown.items()},
              {gpu: [name for name, _ in rows] for gpu, rows in wanted.items()}, '-L')
    now = {}
    for gpu, rows in wanted.items():
        for (_, which), (_, uuid) in zip(rows, shown[gpu]):
            now[which] = uuid
            # the same instance at the same place has the same UUID, also when made again
            tap.equal(uuid, model.uuids.setdefault(which, uuid), f'UUID of {which}')
    tap.equal(len(set(now.values())), len(now), 'UUIDs that are different')


def start(program, keys=(KEY,)):
    node = smi.Node(program).create_gpus(','.join(f'1x{key}' for key in keys))
    node.ok('-mig', '1')
    return node, Model(*keys)


def create(node, model, profiles, gpu=0, default_cis=False):
    """`mig -cgi PROFILES [-C]`; the ids that were made."""
    option = ['-C'] if default_cis else []
    made = smi.created_gi(node.ok('mig', '-i', gpu, '-cgi', profiles, *option))
    names = profiles.split(',')
    tap.equal(len(made), len(names), 'instances made')
    for name, gi_id in zip(names, made):
        profile_id, _, place = name.partition(':')
        model.add(gpu, int(profile_id), gi_id)
        if place:
            tap.equal(model.gpus[gpu][gi_id][1], int(place), f'place of {name}')
        if default_cis:
            model.add_ci(gpu, gi_id)
    compare(node, model)
    return made


def create_ci(node, model, gi_id, profiles, gpu=0):
    node.ok('mig', '-i', gpu, '-cci', profiles, '-gi', gi_id)
    for profile in profiles.split(','):
        model.add_ci(gpu, gi_id, int(profile))
    compare(node, model)


def destroy_cis(node, model, gi_id, *ci_ids, gpu=0):
    """`mig -dci -gi GI [-ci IDS]`: these, or all."""
    option = ['-ci', ','.join(map(str, ci_ids))] if ci_ids else []
    node.ok('mig', '-i', gpu, '-dci', '-gi', gi_id, *option)
    cis = model.gpus[gpu][gi_id][2]
    for ci_id in ci_ids or list(cis):
        del cis[ci_id]
    compare(node, model)


def destroy_gi(node, model, gi_id, gpu=0):
    node.ok('mig', '-i', gpu, '-dgi', '-gi', gi_id)
    del model.gpus[gpu][gi_id]
    compare(node, model)


def refused(node, model, rc, part, *args):
    """A command that must fail with rc, say so, and change nothing."""
    got = tap.exited(node.smi(*args), rc)
    tap.contains(got.stdout, part)
    compare(node, model)


# --------------------------------------------------------------------------- modes

def mode(node):
    return node.ok('--query-gpu=mig.mode.current,mig.mode.pending',
                   '--format=csv,noheader').splitlines()


def modes_come_and_go(program):
    node = smi.Node(program).create_gpus(f'1x{KEY},1xt4-16gb,1x{SECOND}')
    tap.equal(mode(node), ['Disabled, Disabled', '[N/A], [N/A]', 'Disabled, Disabled'])
    node.ok('-i', '2', '-mig', '1')
    tap.equal(mode(node), ['Disabled, Disabled', '[N/A], [N/A]', 'Enabled, Enabled'])
    node.ok('-mig', '1')
    tap.equal(mode(node), ['Enabled, Enabled', '[N/A], [N/A]', 'Enabled, Enabled'])
    made = smi.created_gi(node.ok('mig', '-i', '2', '-cgi', '0'))
    got = tap.exited(node.smi('-mig', '0'), 19)
    tap.contains(got.stdout, 'Disabled MIG Mode for GPU')  # the first GPU went first
    tap.contains(got.stdout, 'Unable to disable MIG Mode')
    tap.equal(mode(node), ['Disabled, Disabled', '[N/A], [N/A]', 'Enabled, Enabled'])
    tap.equal([row[3] for row in smi.parse_lgi(node.ok('mig', '-lgi'))], made)
    node.ok('mig', '-dgi')
    node.ok('-i', '2', '-mig', '0')
    tap.equal(mode(node), ['Disabled, Disabled', '[N/A], [N/A]', 'Disabled, Disabled'])


def a_mode_change_stays_pending(program):
    node = smi.Node(program).create({'format': 'migsim-node/1', 'gpus': [
        {'model': KEY, 'mode_change': 'reset-required'}, {'model': 'h100-sxm5-80gb'}]})
    got = node.ok('-mig', '1')
    tap.contains(got, 'Warning: MIG mode is in pending enable state for GPU 00000000:10:00.0:'
                      'GPU requires reset')
    tap.contains(got, 'Enabled MIG Mode for GPU 00000000:11:00.0')
    tap.equal(mode(node), ['Disabled, Enabled', 'Enabled, Enabled'])
    tap.contains(node.ok(), ' Enabled* |')
    got = tap.exited(node.smi('mig', '-i', '0', '-cgi', '19'), 0 if program.branch == 550 else 6)
    tap.contains(got.stdout, 'No MIG-enabled devices found.')
    node.ok('-i', '0', '-mig', '0')
    tap.equal(mode(node), ['Disabled, Disabled', 'Enabled, Enabled'])


# ---------------------------------------------------------------- making and removing

def create_in_every_way(program):
    node, model = start(program)
    compare(node, model)
    first = create(node, model, '9')[0]
    create(node, model, '19:0')
    create(node, model, '19:1,14:2', default_cis=True)
    refused(node, model, 23, 'Insufficient Resources', 'mig', '-cgi', '19:1')
    refused(node, model, 2, 'Invalid Argument', 'mig', '-cgi', '9:2')
    refused(node, model, 23, 'Insufficient Resources', 'mig', '-cgi', '5')
    create_ci(node, model, first, '0')
    create_ci(node, model, first, '0,0')
    refused(node, model, 23, 'Insufficient Resources', 'mig', '-cci', '0', '-gi', first)
    destroy_cis(node, model, first, 1)
    create_ci(node, model, first, '0')
    destroy_cis(node, model, first, 0, 2)
    refused(node, model, 19, 'In use by another client', 'mig', '-dgi', '-gi', first)
    destroy_cis(node, model, first)
    destroy_gi(node, model, first)
    create(node, model, '20:5,19:4,19:6', default_cis=True)
    refused(node, model, 23, 'Insufficient Resources', 'mig', '-cgi', '20')


def instances_that_return_have_their_uuid(program):
    node, model = start(program)
    for _ in range(2):
        for gi_id in create(node, model, '9:4,14:0,19:2', default_cis=True):
            destroy_cis(node, model, gi_id)
            destroy_gi(node, model, gi_id)
    tap.equal(len(model.uuids), 3)


def two_gpus_do_not_touch_each_other(program):
    node, model = start(program, (KEY, SECOND))
    create(node, model, '9:0,9:4', default_cis=True)
    low, high = create(node, model, '5:0,5:2', gpu=1, default_cis=True)
    destroy_cis(node, model, low, gpu=1)
    destroy_gi(node, model, low, gpu=1)
    create(node, model, '14:1,21:0', gpu=1, default_cis=True)
    destroy_cis(node, model, high, gpu=1)
    destroy_cis(node, model, 1)
    destroy_gi(node, model, 1)


# ------------------------------------------------------------------------ every order

def orders(gis):
    """All orders of removing instances, a GPU instance's compute instances before itself."""
    steps = [(kind, gi) for gi in gis for kind in ('ci', 'gi')]
    for order in itertools.permutations(steps):
        if all(order.index(('ci', gi)) < order.index(('gi', gi)) for gi in gis):
            yield order


def destroy_in_orders(program, wanted):
    """One node; its instances are made again for each order."""
    node, model = start(program)
    for order in wanted:
        gis = create(node, model, '9:4,14:2,19:0', default_cis=True)
        for kind, which in order:
            if kind == 'ci':
                destroy_cis(node, model, gis[which])
            else:
                destroy_gi(node, model, gis[which])
        tap.equal(model.gpus, [{}])


def a_gpu_instance_with_compute_instances_stays(program):
    """In every state on the way, -dgi of what still has compute instances is refused."""
    node, model = start(program)
    for order in itertools.permutations(range(3)):
        gis = create(node, model, '9:4,14:2,19:0', default_cis=True)
        for which in order:
            refused(node, model, 19, f'Unable to destroy GPU instance ID {gis[which]:2} from '
                    'GPU  0: In use by another client', 'mig', '-dgi', '-gi', gis[which])
            destroy_cis(node, model, gis[which])
            destroy_gi(node, model, gis[which])


def compute_instances_in_every_order(program):
    node, model = start(program)
    gi_id = create(node, model, '9:4')[0]
    for order in itertools.permutations(range(3)):
        create_ci(node, model, gi_id, '0,0,0')
        for ci_id in order:
            destroy_cis(node, model, gi_id, ci_id)


TESTS = (modes_come_and_go, a_mode_change_stays_pending, create_in_every_way,
         instances_that_return_have_their_uuid, two_gpus_do_not_touch_each_other,
         a_gpu_instance_with_compute_instances_stays, compute_instances_in_every_order)


def register():
    every = list(orders(range(3)))
    tap.equal(len(every), 90, 'orders')
    for branch, program in PROGRAMS.items():
        if program.missing:
            tap.add(f'nvidia_smi_{branch}', lambda branch=branch, program=program: tap.skip(
                f'nvidia-smi {branch}: {program.missing}'))
            continue
        for check in TESTS:
            tap.add(f'{branch}_{check.__name__}',
                    lambda check=check, program=program: check(program))
        for part in range(6):
            tap.add(f'{branch}_destroy_in_every_order_{part + 1}_of_6',
                    lambda part=part, program=program: destroy_in_orders(program, every[part::6]))


register()
tap.main()
