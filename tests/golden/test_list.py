#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`migctl list`, `profiles` and `placements` on simulated nodes."""
import json

import tap
from tap import test

from layouts import MIGCTL, create, migctl, on, state

A100 = 'a100-sxm4-40gb'
COMMANDS = ('list', 'profiles', 'placements')

LIST = """\
GPU  INDEX  GI  CI  PROFILE     PLACEMENT     MEMORY  UUID                                      HOLDER
  0      0  2   0   3g.20gb     4:4        20096 MiB  MIG-f455c21d-0105-55e6-a88f-b64d895daa72  -
  0      1  4   0   1c.2g.10gb  2:2         9984 MiB  MIG-6104898f-ea8b-5558-aa98-bc1a938b70e2  -
"""

TREE = """\
DEVICE    PROFILE     GI  CI
GPU 0     MIG on      -   -
├─GI 2    3g.20gb     2   -
│ └─CI 0  3g.20gb     2   0
└─GI 4    2g.10gb     4   -
  └─CI 0  1c.2g.10gb  4   0
GPU 1     MIG off     -   -
GPU 2     MIG off     -   -
GPU 3     no MIG      -   -
"""

PROFILES = """\
GPU  PROFILE         ID  EXIST  FIT  MAX  WHERE     MEMORY  SM  CE  DEC  ENC  JPEG  OFA
  0  1g.5gb          19      0    2    7  0,1     4864 MiB  14   1    0    0     0    0
  0  └─1c.1g.5gb     0       0    0    1  -       4864 MiB  14   1    0    0     0    0
  0  2g.10gb         14      1    1    3  0       9984 MiB  28   2    1    0     0    0
  0  ├─1c.2g.10gb    0       1    1    2  4:0     9984 MiB  14   2    1    0     0    0
  0  └─2c.2g.10gb    1       0    0    1  -       9984 MiB  28   2    1    0     0    0
"""

PLACEMENTS = """\
GPU  PROFILE    ID  START  SIZE  STATE    BY
  0  1g.5gb     19      0     1  free     -
  0  1g.5gb     19      1     1  free     -
  0  1g.5gb     19      2     1  covered  2g.10gb@2 GI 4
"""


def node(name='n'):
    create(f'1x{A100},2xa30-24gb,1xt4-16gb', name)
    tap.succeeded(on(name, 'apply', '0=3g.20gb,1c.2g.10gb'))
    return name


def shown(*args):
    return tap.succeeded(on('n', *args, env={'LC_ALL': 'C.UTF-8'}))


def documents(name, *args):
    document = json.loads(tap.succeeded(on(name, *args, '--json')).stdout)
    tap.equal(document.pop('schema'), f'migctl.{args[0]}/1')
    tap.equal(document.pop('notes'), [])
    (rows,) = document.values()
    return rows


@test
def the_devices_of_a_node():
    node()
    got = shown('list')
    tap.equal(got.stdout, LIST)
    tap.equal(got.stderr, '')
    tap.equal(shown('list', '--tree', '-o', 'device,profile,gi,ci').stdout, TREE)
    table = str.maketrans('─│├└', '-||`')
    got = tap.succeeded(on('n', 'list', '--tree', '-o', 'device,profile,gi,ci', env={'LC_ALL': 'C'}))
    tap.equal(got.stdout, TREE.translate(table))


@test
def devices_in_json_are_those_of_status():
    node()
    rows = documents('n', 'list')
    tap.equal({row['uuid'] for row in rows}, {u for gpu in state('n') for u in gpu.uuids.values()})
    tap.equal([(row['gpu_instance_id'], row['placement_start'], row['placement_size'],
                row['compute_instance_placement_start']) for row in rows],
              [('2', 4, 4, 0), ('4', 2, 2, 1)])


@test
def profiles_and_where_they_fit():
    node()
    got = shown('profiles', '--tree', '-i', '0')
    tap.true(got.stdout.startswith(PROFILES), got.stdout)
    tap.equal(got.stderr, '')
    rows = {row['profile']: row for row in documents('n', 'profiles', '-i', '0')}
    tap.equal({name: row['fit'] for name, row in rows.items()},
              {'1g.5gb': 2, '2g.10gb': 1, '3g.20gb': 0, '4g.20gb': 0, '7g.40gb': 0,
               '1g.5gb+me': 1, '1g.10gb': 1})
    tap.equal(rows['1g.5gb']['fits_at'], [{'gpu_instance_id': None, 'placement_start': 0},
                                          {'gpu_instance_id': None, 'placement_start': 1}])
    plain = shown('profiles', '--ci', '-i', '0', '--noheadings', '-o', 'profile,of').stdout
    tap.contains(plain, '\n1c.2g.10gb    2g.10gb\n')


@test
def placements_and_what_lies_there():
    node()
    got = shown('placements', '-i', '0')
    tap.true(got.stdout.startswith(PLACEMENTS), got.stdout)
    rows = documents('n', 'placements', '-i', '0')
    states = {(row['profile'], row['placement_start']): row['state'] for row in rows}
    tap.equal(states['2g.10gb', 2], 'used')
    tap.equal(states['7g.40gb', 0], 'covered')
    tap.succeeded(on('n', 'apply', '0=1g.5gb@0,3g.20gb@4,1g.5gb+me@1'))
    rows = documents('n', 'placements', '-i', '0')
    states = {(row['profile'], row['placement_start']): row['state'] for row in rows}
    tap.equal(states['1g.5gb+me', 2], 'no-room')


@test
def mig_off_and_no_mig():
    node()
    got = shown('profiles')
    tap.contains(got.stdout, '\n1-2  1g.6gb      14      0    -    4  -  ')
    tap.contains(got.stderr, 'MIG mode of GPU 1,2 is off')
    tap.contains(got.stderr, 'migctl --node n mode on -i 1,2')
    tap.contains(shown('placements', '-i', '1').stdout, '  off  ')
    for command in ('profiles', 'placements', 'list'):
        got = on('n', command, '-i', '3')
        tap.exited(got, 4)
        tap.contains(got.stderr, 'GPU 3 (Tesla T4) has no MIG')
        tap.equal(got.stdout, '')
    create('2xt4-16gb', 't')
    for command in ('profiles', 'placements'):
        tap.contains(tap.exited(on('t', command), 4).stderr, 'no GPU of this node has MIG')
    got = tap.succeeded(on('t', 'list'))
    tap.equal(got.stdout, '')
    # What is said next is what can be done there.
    for name, args, said in (('t', (), 'migctl: there is no MIG device: no GPU of this node has MIG\n'),
                             ('n', ('-i', '1,2'), 'migctl: there is no MIG device, for MIG mode is '
                                                  'off: migctl --node n mode on -i 1,2 turns it on\n')):
        got = tap.succeeded(on(name, 'list', *args))
        tap.equal((got.stdout, got.stderr), ('', said))


@test
def who_holds_a_device():
    node()
    uuid = documents('n', 'list')[0]['uuid']
    pid = tap.succeeded(migctl('sim', 'hold', '-n', 'n', '-b', uuid)).stdout.strip()
    try:
        tap.contains(shown('list').stdout, f'{uuid}  process {pid} (')
        tap.equal([holder['pid'] for holder in documents('n', 'list')[0]['holders']], [int(pid)])
    finally:
        migctl('sim', 'hold', '-n', 'n', '--end', pid)


@test
def wrong_columns_and_gpus():
    node()
    for args, said in ((('-o', 'nope'), "'list' has no column 'nope'"),
                       (('-o', 'gpu,gpu'), 'column GPU is named twice'),
                       (('-o', '+gpu'), 'column GPU is named twice'),
                       (('-o', ''), "has no column ''"),
                       (('--json', '-o', 'gpu'), 'for the table and not for JSON'),
                       (('--json', '--tree'), 'for the table and not for JSON'),
                       (('-i', '0,'), 'has an empty place'),
                       (('-i', ''), 'has an empty place')):
        got = on('n', 'list', *args)
        tap.exited(got, 2)
        tap.contains(got.stderr, said)
    for command in COMMANDS:
        for word, said in (('9', "there is no GPU '9'"), ('0,0', 'GPU 0 is named twice'),
                           ('0,GPU-x', "there is no GPU 'GPU-x'")):
            got = on('n', command, '-i', word)
            tap.exited(got, 4)
            tap.equal(got.stdout, '')
            tap.contains(got.stderr, said)


@test
def columns_can_be_added():
    node()
    tap.true(shown('list', '-o', '+ci-placement,sm').stdout.splitlines()[0]
             .endswith('HOLDER  CI-PLACEMENT  SM'))


@test
def no_gpu_no_driver_no_permission():
    create('none', 'empty')
    node()
    for command in COMMANDS:
        tap.contains(tap.exited(on('empty', command), 6).stderr, 'the driver shows no GPU')
        if command == 'list':
            continue
        got = tap.exited(migctl('sim', 'exec', '--unprivileged', 'n', '--', MIGCTL, command), 7)
        tap.equal(got.stdout, '')
        tap.contains(got.stderr, 'run it as root')


@test
def a_lost_gpu_is_named_and_not_said_to_be_anything():
    create(f'2x{A100}', 'half')
    tap.succeeded(on('half', 'apply', '0=2g.10gb'))
    tap.succeeded(on('half', 'mode', 'on', '-i', '1'))
    tap.succeeded(migctl('sim', 'fault', 'add', 'half', 'lost', '-i', '0'))
    got = tap.exited(on('half', 'list', '-i', '0'), 1)
    tap.equal((got.stdout, got.stderr), ('', 'migctl: GPU 0 is lost (fallen off the bus)\n'
                                             '  a reboot brings it back: migctl sim reboot half\n'))
    lines = on('half', 'list', '--tree').stdout.splitlines()
    tap.true(lines[1].split()[:3] == ['GPU', '0', '0'] and 'lost' in lines[1].split(), lines[1])
    for command in ('list', 'profiles', 'placements'):
        got = tap.exited(on('half', command, '--json'), 1)
        tap.equal(json.loads(got.stdout)['notes'],
                  ['GPU 0 is lost (fallen off the bus) and is left out'])
        tap.equal(json.loads(got.stderr)['code'], 'driver')
    # What is left may have no room.
    got = tap.exited(on('half', 'create', '7g.40gb*2'), 4)
    tap.contains(got.stderr, 'GPU 0 is lost (fallen off the bus)\n')


@test
def everybody_may_list_mig_devices():
    node()
    both = [json.loads(tap.succeeded(migctl('sim', 'exec', *options, 'n', '--', MIGCTL, 'list',
                                            '--json')).stdout)['mig_devices']
            for options in ((), ('--unprivileged',))]
    shown = ('gpu_index', 'gpu_uuid', 'mig_device_index', 'gpu_instance_id',
             'compute_instance_id', 'profile', 'uuid')
    tap.equal(*[[{key: row[key] for key in shown} for row in rows] for rows in both])
    tap.true(both[1])
    for row in both[1]:
        tap.equal([row[key] for key in row if key not in shown], [None] * 6 + [[]])
    got = tap.succeeded(migctl('sim', 'exec', '--unprivileged', 'n', '--', MIGCTL, 'list', '--tree'))
    tap.contains(got.stderr, 'only root sees placements, who uses what')
    tap.equal([line[-1] for line in got.stdout.splitlines()[1:]], list('?????-'))
    tap.contains(got.stdout, 'GI 2 CI 0')
    tap.not_contains(got.stdout, ' 0 MiB')


@test
def a_lost_gpu_is_told_after_the_others():
    node()
    tap.succeeded(migctl('sim', 'fault', 'add', 'n', 'lost', '-i', '2'))
    for command in COMMANDS:
        got = on('n', command)
        tap.exited(got, 1)
        tap.contains(got.stdout, '3g.20gb')
        tap.contains(got.stderr, 'GPU 2 is lost')
        tap.succeeded(on('n', command, '-i', '0'))


@test
def thirty_two_gpus():
    create(f'32x{A100}', 'many')
    tap.succeeded(on('many', 'apply', 'all=1g.5gb*7'))
    tap.equal(len(documents('many', 'list')), 32 * 7)
    tap.contains(tap.succeeded(on('many', 'profiles')).stdout, '\n0-31  1g.5gb')
    tap.equal(len(documents('many', 'profiles')), 32 * 7)


@test
def standard_output_that_is_full():
    node()
    for command in COMMANDS:
        got = tap.run(['sh', '-c', 'exec "$@" > /dev/full', 'sh', MIGCTL, '--node', 'n', command])
        tap.exited(got, 1)
        tap.contains(got.stderr, 'cannot write to standard output')


@test
def what_profiles_says_fits_is_what_create_makes():
    node()
    for row in documents('n', 'profiles', '-i', '0'):
        if row['fit'] > 0:
            what = f"{row['profile']}*{row['fit']}"
            tap.exited(on('n', 'create', '-i', '0', '-n', what), 3)
        tap.exited(on('n', 'create', '-i', '0', '-n', f"{row['profile']}*{row['fit'] + 1}"), 4)


@test
def a_gpu_instance_without_compute_instance_is_told():
    node()
    tap.succeeded(on('n', 'create', '-i', '0', '--no-ci', '1g.5gb'))
    got = shown('list')
    tap.equal(got.stdout, LIST)
    tap.contains(got.stderr, '1 GPU instance has no compute instance')
    tap.contains(shown('list', '--tree').stdout, 'GI 8')


@test
def profiles_of_a_driver_without_names():
    tap.succeeded(migctl('sim', 'create', 'old', '--driver', '470', '--gpus', f'2x{A100}'))
    off = {row['profile']: row['instances_max'] for row in documents('old', 'profiles', '-i', '0')}
    tap.succeeded(on('old', 'mode', 'on'))
    rows = documents('old', 'profiles', '-i', '0')
    tap.equal({row['profile']: row['fit'] for row in rows}, off)
    tap.succeeded(on('old', 'create', '3g.20gb', '1g.5gb'))
    tap.equal([row['profile'] for row in documents('old', 'list')], ['3g.20gb', '1g.5gb'])


tap.main()
