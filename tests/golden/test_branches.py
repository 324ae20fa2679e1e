#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`migctl status` and `migctl apply` on nodes of every driver branch.

While MIG is off, 470 and 535 list no profiles: the plan comes from migctl's tables and
is checked once MIG is on. 470 gives no names and no placements of compute instances.
"""
import functools
import json
import pathlib

import tap

from layouts import (EXAMPLES, MIGCTL, apply, config, counted, layouts, migctl, node_dir, on, state,
                     status, whole)

BRANCHES = {470: '470.256.02', 535: '535.309.01', 550: '550.163.01', 580: '580.173.02'}
A100, A30 = 'a100-sxm4-40gb', 'a30-24gb'
H100, RTX = 'h100-sxm5-80gb', 'rtx-pro-6000-server-96gb'


def each_branch(function):
    for branch in BRANCHES:
        tap.add(f'{function.__name__}_{branch}', functools.partial(function, branch))
    return function


def create(branch, gpus, name='n'):
    tap.succeeded(migctl('sim', 'create', name, '--gpus', gpus, '--driver', str(branch)))
    return name


@each_branch
def the_node_says_its_branch(branch):
    for driver in (str(branch), BRANCHES[branch]):
        node = create(driver, f'1x{A30}', f'n-{driver}')
        tap.equal(status(node)['driver_version'], BRANCHES[branch])
        tap.contains(tap.succeeded(migctl('sim', 'list')).stdout, BRANCHES[branch])
        tap.equal(json.loads(tap.succeeded(migctl('sim', 'show', node, '--json')).stdout)['driver'],
                  BRANCHES[branch])


@each_branch
def the_library_is_that_of_the_branch(branch):
    node = create(branch, f'1x{A30}')
    got = migctl('sim', 'exec', node, '--', 'sh', '-c', 'echo "${LD_LIBRARY_PATH%%:*}"')
    tap.equal(tap.succeeded(got).stdout.strip(), tap.build('src', 'sim', str(branch)))
    env = {'LD_LIBRARY_PATH': tap.build('src', 'sim', '470' if branch != 470 else '550'),
           'MIGSIM_NODE': node_dir(node), 'MIGCTL_HOST_ROOT': node_dir(node) / 'root'}
    got = tap.exited(migctl('status', env=env), 6)
    tap.contains(got.stderr, 'library and kernel driver have different versions')
    tap.contains(got.stderr, f"the node's driver is {BRANCHES[branch]}, this is the library of")


WISHES = {
    A100: ({'3g.20gb': 1, '2g.10gb': 1, '1g.5gb': 2},
           '1g.5gb@0[1g.5gb@0] 1g.5gb@1[1g.5gb@0] 2g.10gb@2[2g.10gb@0] 3g.20gb@4[3g.20gb@0]'),
    A30: ({'1g.6gb': 2, '2g.12gb': 1},
          '1g.6gb@0[1g.6gb@0] 1g.6gb@1[1g.6gb@0] 2g.12gb@2[2g.12gb@0]'),
    H100: ({'7g.80gb': 1}, '7g.80gb@0[7g.80gb@0]'),
    RTX: ({'1g.24gb': 2, '2g.48gb': 1},
          '1g.24gb@0[1g.24gb@0] 1g.24gb@3[1g.24gb@0] 2g.48gb@6[2g.48gb@0]'),
}


@each_branch
def apply_from_off_to_on_to_off(branch):
    # 470 is older than the last of these; what it would answer for one is not known
    keys = [A100, A100, A30, H100] + ([RTX] if branch > 470 else [])
    node = create(branch, ','.join(f'1x{key}' for key in keys) + ',1xt4-16gb')
    entries = [{'devices': [index], 'mig-enabled': True, 'mig-devices': WISHES[key][0]}
               for index, key in enumerate(keys)]
    off = [{'devices': 'all', 'mig-enabled': False}]
    path = config(f'slices: {json.dumps(entries)}\nnone: {json.dumps(off)}\n')
    shown = tap.exited(apply(node, path, 'slices', '--dry-run'), 3).stdout
    tap.contains(shown, f'Plan: {len(keys)} of {len(keys) + 1} GPUs change')
    tap.equal(layouts(node), [''] * (len(keys) + 1))
    got = tap.succeeded(apply(node, path, 'slices'))
    tap.true(got.stdout.startswith(shown), got.stdout)
    tap.equal(layouts(node), [WISHES[key][1] for key in keys] + [''])
    _, _, changing = counted(node, path, 'slices')
    tap.equal(changing, 0)
    first = [gpu.uuids for gpu in state(node)]
    tap.succeeded(apply(node, path, 'none'))
    tap.equal([gpu.mode for gpu in state(node)], [False] * (len(keys) + 1))
    tap.succeeded(apply(node, path, 'slices'))
    tap.equal([gpu.uuids for gpu in state(node)], first)


@each_branch
def parts_of_gpu_instances(branch):
    """470 takes no placement for a compute instance and lists none."""
    node = create(branch, f'1x{A100}')
    path = config(f"parts: {whole('all', {'1c.3g.20gb': 3, '1c.4g.20gb': 2, '2c.4g.20gb': 1})}")
    tap.succeeded(apply(node, path))
    cis = [ci['profile'] for gi in status(node)['gpus'][0]['gpu_instances']
           for ci in gi['compute_instances']]
    tap.equal(sorted(cis), ['1c.3g.20gb'] * 3 + ['1c.4g.20gb'] * 2 + ['2c.4g.20gb'])
    _, _, changing = counted(node, path, 'parts')
    tap.equal(changing, 0)


@each_branch
def profiles_that_the_branch_does_not_know(branch):
    """They are refused with MIG off, where the tables know more than the driver, as with it on."""
    node = create(branch, f'1x{A100},1x{RTX}')
    double = config(f"x: {whole([0], {'1g.10gb': 1})}", 'double.yaml')
    graphics = config(f"x: {whole([1], {'2g.48gb+gfx': 1})}", 'graphics.yaml')
    for _ in range(2):
        for path, known, name in ((double, branch != 470, '1g.10gb'),
                                  (graphics, branch == 580, '2g.48gb+gfx')):
            if branch == 470 and path == graphics:
                continue
            if known:
                tap.exited(apply(node, path, 'x', '--dry-run'), 3)
                continue
            got = tap.exited(apply(node, path), 4)
            tap.contains(got.stderr, f"has no profile '{name}'")
        on_path = config(f"x: {whole('all', {})}", 'on.yaml')
        tap.succeeded(apply(node, on_path))
    if branch == 580:
        tap.succeeded(apply(node, graphics))
        tap.equal(layouts(node)[1], '2g.48gb+gfx@6[2g.48gb+gfx@0]')


@each_branch
def examples(branch):
    node = create(branch, f'8x{A100}')
    tap.succeeded(apply(node, EXAMPLES / 'dgx-a100.yaml', 'all-balanced'))
    tap.equal(len(set(layouts(node))), 1)
    tap.succeeded(apply(node, EXAMPLES / 'dgx-a100.yaml', 'all-1g.5gb'))
    tap.equal(sum(len(gpu.uuids) for gpu in state(node)), 56)
    tap.succeeded(apply(node, EXAMPLES / 'dgx-a100.yaml', 'all-disabled'))


# ----------------------------------------------- where the tables are not right

def node_of_another_table(branch, change, **settings):
    """An A100 in which something is not as migctl's tables have it."""
    model = json.loads(pathlib.Path(tap.source('data', 'gpus', f'{A100}.json')).read_text())
    change(model)
    model['key'] = 'odd'
    document = {'format': 'migsim-node/1', 'driver': str(branch),
                'gpus': [{'model': 'odd', **settings}], 'models': {'odd': model}}
    path = tap.tmpdir() / 'odd.json'
    path.write_text(json.dumps(document))
    path.chmod(0o600)
    tap.succeeded(migctl('sim', 'create', 'odd', '-f', path))
    return 'odd'


def profile(model, name):
    return next(gi for gi in model['gi_profiles'] if gi['name'] == name)


@each_branch
def a_driver_that_contradicts_the_tables(branch):
    def change(model):
        profile(model, '2g.10gb')['placement_starts'] = [0, 2]

    node = node_of_another_table(branch, change)
    before = status(node)
    path = config(f"x: {whole('all', {'2g.10gb': 3})}\nsame: {whole('all', {'3g.20gb': 2})}")
    got = apply(node, path, 'x')
    if branch >= 550:
        tap.exited(got, 4)  # it says so before
        return
    tap.exited(got, 8)
    tap.contains(got.stderr, "the driver, with MIG mode on, has no '2g.10gb' at 4:2")
    tap.contains(got.stderr, 'MIG mode was turned back')
    tap.equal(status(node), before)
    # What does not depend on the difference is done.
    tap.succeeded(apply(node, path, 'same'))
    tap.equal(layouts(node), ['3g.20gb@0[3g.20gb@0] 3g.20gb@4[3g.20gb@0]'])


@each_branch
def a_gpu_without_a_table(branch):
    node = node_of_another_table(branch, lambda model: model.update(pci_device_ids=['7777']))
    before = status(node)
    path = config(f"x: {whole('all', {'3g.20gb': 2})}\nempty: {whole('all', {})}")
    if branch < 550:
        got, _, changing = counted(node, path, 'x')
        tap.exited(got, 4)
        tap.equal(changing, 0)
        tap.contains(got.stderr, 'while MIG mode is off, and migctl has no table of it')
        tap.contains(got.stderr, 'migctl --node odd mode on')
        tap.equal(status(node), before)
        tap.succeeded(apply(node, path, 'empty'))
    tap.succeeded(apply(node, path, 'x'))
    tap.equal(layouts(node), ['3g.20gb@0[3g.20gb@0] 3g.20gb@4[3g.20gb@0]'])


@each_branch
def a_mode_change_that_needs_a_reset(branch):
    node = create(branch, f'1x{A100}:reset-required')
    path = config(f"x: {whole('all', {'3g.20gb': 2})}")
    got = tap.exited(apply(node, path, None, '--skip-reset'), 9)
    tap.contains(got.stderr, 'MIG mode on is pending')
    tap.equal((state(node)[0].mode, state(node)[0].pending), (False, True))
    got = tap.succeeded(apply(node, path))
    tap.contains(got.stderr, 'migctl: resetting GPU 0\n')
    tap.equal(layouts(node), ['3g.20gb@0[3g.20gb@0] 3g.20gb@4[3g.20gb@0]'])


tap.main()
