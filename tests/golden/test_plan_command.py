#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`migctl plan`: pictures, what is kept, who is in the way, how long it takes; and nothing changes."""
import json

import tap
from tap import test

from layouts import A100, create, first_uuid, held, migctl, node_dir, on, state, status, user


def unchanged(node, *command, **kwargs):
    """Runs a command that must not change anything, not even a file."""
    before = tap.succeeded(migctl('sim', 'show', node, '--json')).stdout
    files = sorted(str(path) for path in (node_dir(node) / 'root').rglob('*'))
    got = on(node, *command, **kwargs)
    tap.equal(tap.succeeded(migctl('sim', 'show', node, '--json')).stdout, before)
    tap.equal(sorted(str(path) for path in (node_dir(node) / 'root').rglob('*')), files)
    return got


@test
def the_whole_text():
    node = create(f'2x{A100}')
    tap.succeeded(on(node, 'apply', 'all=3g.20gb,2g.10gb,1g.5gb*2'))
    uuids = [gpu.uuids for gpu in state(node)]
    got = tap.exited(unchanged(node, 'plan', 'all=3g.20gb,1g.5gb*4'), 3)
    tap.equal(got.stderr, '')
    tap.equal(got.stdout,
              'Plan: 2 of 2 GPUs change, 12 operations\n'
              '  GPU 0-1: keep 3 instances, destroy 1: 2g.10gb@2, create 2: 1g.5gb@3 1g.5gb@2\n'
              '  now:\n'
              '  ┌────────┬────────┬─────────────────┬───────────────────────────────────┐\n'
              '  │1g.5gb  │1g.5gb  │2g.10gb          │3g.20gb                            │\n'
              '  └────────┴────────┴─────────────────┴───────────────────────────────────┘\n'
              '  then:\n'
              '  ┌────────┬────────┬────────┬────────┬───────────────────────────────────┐\n'
              '  │1g.5gb  │1g.5gb  │1g.5gb  │1g.5gb  │3g.20gb                            │\n'
              '  └────────┴────────┴────────┴────────┴───────────────────────────────────┘\n'
              + ''.join(f"  kept: GPU {i}   {place}   {name:14}  {uuids[i][key]}\n"
                        for i in range(2)
                        for place, name, key in (('4:4', '3g.20gb', '3g.20gb@4/0'),
                                                 ('0:1', '1g.5gb', '1g.5gb@0/0'),
                                                 ('1:1', '1g.5gb', '1g.5gb@1/0'))) +
              '  takes: not known, not every operation of it was measured on this node yet\n')


@test
def who_is_in_the_way():
    node = create(f'1x{A100}')
    tap.succeeded(on(node, 'apply', '0=3g.20gb*2'))
    with held(node, first_uuid(node)) as pid:
        got = tap.exited(unchanged(node, 'plan', '0=1g.5gb*7'), 3)
        tap.contains(got.stdout, f'of GPU 0 is held by process {pid} (migctl of {user()})\n')
        tap.contains(got.stdout, '  in the way: 3g.20gb at ')
        document = json.loads(tap.exited(unchanged(node, 'plan', '--json', '0=1g.5gb*7'), 3).stdout)
        tap.equal(document['schema'], 'migctl.plan/1')
        tap.equal(document['differs'], True)
        tap.equal(document['in_the_way'], [{
            'gpu_uuid': document['gpus'][0]['gpu_uuid'], 'mig_uuid': first_uuid(node),
            'kind': 'process', 'pid': pid, 'name': 'migctl', 'user': user()}])
        tap.equal(document['gpus'][0]['held_in_the_way'], 1)
        # A plan that keeps it has nobody in the way.
        got = tap.exited(unchanged(node, 'plan', '0=3g.20gb,1g.5gb'), 3)
        tap.not_contains(got.stdout, 'in the way')


@test
def how_long_it_takes_is_known_after_a_first_time():
    node = create(f'1x{A100}')
    tap.contains(on(node, 'plan', '0=3g.20gb').stdout, 'takes: not known')
    document = json.loads(tap.exited(on(node, 'plan', '--json', '0=3g.20gb'), 3).stdout)
    tap.equal(document['estimated_ms'], None)
    tap.succeeded(on(node, 'apply', '0=3g.20gb'))
    tap.contains(on(node, 'plan', '0=3g.20gb,1g.5gb').stdout,
                 '  takes: less than 0.1 s, by what was measured on this node\n')
    document = json.loads(tap.exited(on(node, 'plan', '--json', '0=3g.20gb,1g.5gb'), 3).stdout)
    tap.true(0 <= document['estimated_ms'] < 100, document)
    # Destroying was never seen here.
    tap.contains(on(node, 'plan', '0=2g.10gb').stdout, 'takes: not known')


@test
def nothing_to_do():
    node = create(f'2x{A100}')
    tap.succeeded(on(node, 'apply', 'all=7g.40gb'))
    got = tap.succeeded(unchanged(node, 'plan', 'all=7g.40gb'))
    tap.equal((got.stdout, got.stderr), ('Nothing had to change: 2 GPUs are as wanted.\n', ''))
    document = json.loads(tap.succeeded(unchanged(node, 'plan', '--json', 'all=7g.40gb')).stdout)
    tap.equal((document['differs'], document['operations'], document['in_the_way']),
              (False, [], []))


@test
def an_ordinary_user_may_look_where_the_driver_lets_him():
    node = create('1xa30-24gb')
    got = unchanged(node, 'plan', 'all=1g.6gb*4')
    tap.exited(got, 3)
    tap.equal(got.stderr, '')


@test
def nodes_without_gpus_and_without_mig():
    none = create('none', 'none')
    t4 = create('1xt4-16gb', 't4')
    for command in ('plan', 'apply', 'assert', 'diff'):
        got = tap.exited(unchanged(none, command, 'all=off'), 6)
        tap.equal((got.stdout, got.stderr),
                  ('', 'migctl: the driver shows no GPU\n'
                       '  migctl --node none doctor says where to look\n'))
        got = tap.exited(unchanged(t4, command, 'all=1g.5gb'), 4)
        tap.contains(got.stderr, 'no GPU of this node has MIG')
        got = tap.exited(unchanged(t4, command, '0=1g.5gb'), 4)
        tap.contains(got.stderr, 'GPU 0 (Tesla T4) has no MIG')
        tap.succeeded(unchanged(t4, command, '0=off'))
        for node in (none, t4):
            tap.exited(unchanged(node, command, '-c', 'all-disabled'), 6)
    for node in (none, t4):
        tap.exited(unchanged(node, 'undo'), 4)
        tap.succeeded(unchanged(node, 'boot'))
        tap.succeeded(unchanged(node, 'history'))


@test
def standard_output_that_is_full():
    node = create(f'1x{A100}')
    tap.succeeded(on(node, 'apply', '0=3g.20gb'))
    before = status(node)
    for command in ('plan 0=7g.40gb', 'plan --json 0=7g.40gb', 'diff 0=7g.40gb',
                    'diff --json 0=7g.40gb', 'assert --json 0=7g.40gb', 'assert 0=3g.20gb', 'export',
                    'history', 'history 1', 'history --json', 'apply 0=7g.40gb', 'undo',
                    'apply --dry-run --json 0=7g.40gb'):
        got = tap.run(['sh', '-c', 'exec "$@" > /dev/full', 'sh', tap.build('migctl'), '--node', node,
                       *command.split()])
        tap.equal(got.rc, 1, f'{command}: {got}')
        if '--json' in command:
            tap.contains(json.loads(got.stderr)['message'], 'cannot write to standard output')
        tap.contains(got.stderr, 'cannot write to standard output', command)
        tap.equal(status(node), before, command)


@test
def totals_that_are_there_are_never_too_hard():
    """Many kinds over many GPUs, where the search may end without a result."""
    node = create(f'32x{A100}')
    tap.succeeded(on(node, 'apply', '0-4=4g.20gb,3g.20gb', '5-11=3g.20gb*2',
                     '12-19=2g.10gb*3,1g.5gb+me', '20=3g.20gb,2g.10gb,1g.5gb*2', '21=1g.10gb*4',
                     '22=1g.10gb*2,1g.5gb*3', '23-29=1g.5gb*7', '30=1g.5gb*6', '31=on'))
    tap.succeeded(on(node, 'assert', 'all=total:1g.5gb*60,3g.20gb*20,2g.10gb*25,1g.5gb+me*8,'
                                     '4g.20gb*5,1g.10gb*6'))


tap.main()
