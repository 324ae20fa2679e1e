#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`migctl create`, `destroy` and `mode` on simulated nodes."""
import json
import os
import pathlib

import tap
from tap import test

from layouts import (MIGCTL, create, first_uuid, held, layouts, load_module, migctl, node_dir, on,
                     state)

A100 = 'a100-sxm4-40gb'


def node(gpus=f'2x{A100},1xt4-16gb', *on_gpus, name='n'):
    create(gpus, name)
    for gpu in on_gpus:
        tap.succeeded(on(name, 'mode', 'on', '-i', str(gpu)))
    return name


def make(*args, rc=0, name='n'):
    return tap.exited(on(name, 'create', *args), rc)


def destroy(*args, rc=0, name='n'):
    return tap.exited(on(name, 'destroy', *args), rc)


def refused(got, *said):
    """Nothing on stdout, and these words."""
    tap.equal(got.stdout, '')
    for words in said:
        tap.contains(got.stderr, words)


CREATED = """\
Plan: 1 of 1 GPU changes, 2 operations
  GPU 0: create 1: 3g.20gb@4
  now: no instances
  then:
  +-----------------------------------+-----------------------------------+
  |                                   |3g.20gb                            |
  +-----------------------------------+-----------------------------------+
  takes: not known, not every operation of it was measured on this node yet
New MIG devices:
  GPU 0   4:4   3g.20gb         MIG-f455c21d-0105-55e6-a88f-b64d895daa72
To use it:
  CUDA_VISIBLE_DEVICES=MIG-f455c21d-0105-55e6-a88f-b64d895daa72 migctl sim exec n -- COMMAND
or, as a stand-in for a program on this simulated node:
  migctl sim hold -n n MIG-f455c21d-0105-55e6-a88f-b64d895daa72
Done: 2 operations.
"""


@test
def what_is_printed():
    node(f'1x{A100}', 0)
    got = tap.succeeded(on('n', 'create', '3g.20gb', env={'LC_ALL': 'C'}))
    tap.equal(got.stdout, CREATED)
    tap.equal(got.stderr, '')
    tap.equal(layouts('n'), ['3g.20gb@4[3g.20gb@0]'])


@test
def what_is_named_can_be_typed():
    """Hints name the node that was named, so that they are not carried out on the machine."""
    node(f'1x{A100}')
    hint = tap.exited(on('n', 'create', '1g.5gb'), 4).stderr.splitlines()[1]
    tap.equal(hint, '  turn it on first: migctl --node n mode on -i 0')
    tap.succeeded(tap.run([MIGCTL, *hint.split('migctl ')[1].split()]))
    # By a path, which a shell would take apart.
    (tap.tmpdir() / "it's here").symlink_to(node_dir('n').parent)
    there = tap.tmpdir() / "it's here" / 'n'
    hint = tap.exited(on(there, 'create', '9g.5gb'), 4).stderr.splitlines()[1]
    quoted = str(there).replace("'", "'\\''")
    tap.contains(hint, f"migctl --node '{quoted}' profiles ")
    # On a node that one is on, and of which nothing needs to be said, nothing is.
    for env in ({}, {'MIGCTL_NODE_TYPED': 'other'}):
        got = migctl('sim', 'exec', 'n', '--', MIGCTL, 'create', '9g.5gb', env=env)
        tap.contains(got.stderr, 'migctl profiles ')
    got = json.loads(tap.exited(on('n', 'create', '9g.5gb', '--json'), 4).stderr)
    tap.contains(got['hint'], 'migctl --node n profiles ')
    # What is said to be typed after a creation, typed.
    lines = tap.succeeded(on('n', 'create', '1g.5gb')).stdout.splitlines()
    call = next(line for line in lines if 'CUDA_VISIBLE_DEVICES=' in line).strip()
    path = {'PATH': f'{pathlib.Path(MIGCTL).parent}:{os.environ["PATH"]}'}
    got = tap.succeeded(tap.run(['sh', '-c', call.replace('COMMAND', 'env')], env=path))
    tap.contains(got.stdout, call.split()[0])
    hold = next(line for line in lines if 'sim hold' in line).strip()
    tap.succeeded(tap.run(['sh', '-c', f'{hold} -- true'], env=path))


@test
def a_request_that_the_driver_fails_half_way():
    node(f'1x{A100}', 0)
    make('19,19,14,9')
    tap.equal(layouts('n'), ['1g.5gb@0[1g.5gb@0] 1g.5gb@1[1g.5gb@0] 2g.10gb@2[2g.10gb@0] '
                             '3g.20gb@4[3g.20gb@0]'])


@test
def names_ids_counts_and_places():
    node(f'1x{A100}', 0)
    make('1g.5gb*2', '14@2', '3g.20gb@4')
    tap.equal(layouts('n'), ['1g.5gb@0[1g.5gb@0] 1g.5gb@1[1g.5gb@0] 2g.10gb@2[2g.10gb@0] '
                             '3g.20gb@4[3g.20gb@0]'])
    before = state('n')
    destroy('2g.10gb@2')
    make('2g.10gb')
    tap.equal(state('n'), before)


@test
def what_is_there_never_moves():
    node(f'1x{A100}', 0)
    make('1g.5gb@0', '1g.5gb@4')
    before = state('n')[0].uuids
    refused(make('3g.20gb', rc=4), 'GPU 0: 1 x 3g.20gb beside 1g.5gb at 0, 1g.5gb at 4',
            'beside what is there fit on GPU 0, each alone: ', 'migctl --node n destroy makes room')
    make('2g.10gb')
    after = state('n')[0].uuids
    tap.equal({key: after[key] for key in before}, before)


@test
def all_or_none():
    node(f'1x{A100}', 0)
    refused(make('7g.40gb', '1g.5gb', rc=4), 'do not fit together')
    tap.equal(layouts('n'), [''])
    # The driver fails in the middle: what was made is gone again.
    got = migctl('sim', 'exec', '--fault', 'nvmlDeviceCreateGpuInstanceWithPlacement:2=999', 'n',
                 '--', MIGCTL, 'create', '1g.5gb*3')
    tap.exited(got, 8)
    tap.equal(layouts('n'), [''])


@test
def the_lowest_gpu_that_takes_all():
    node(f'3x{A100}', 0, 1)
    make('1g.5gb')
    make('7g.40gb')
    tap.equal(layouts('n'), ['1g.5gb@6[1g.5gb@0]', '7g.40gb@0[7g.40gb@0]', ''])
    tap.true(not state('n')[2].mode)


@test
def spread_over_gpus_where_none_takes_all():
    node(f'3x{A100},1xt4-16gb', 0, 1, 2)
    make('1g.5gb@4', '-i', '0')
    make('3g.20gb*5')
    tap.equal(layouts('n')[:3], ['3g.20gb@0[3g.20gb@0] 1g.5gb@4[1g.5gb@0]',
                                 '3g.20gb@0[3g.20gb@0] 3g.20gb@4[3g.20gb@0]',
                                 '3g.20gb@0[3g.20gb@0] 3g.20gb@4[3g.20gb@0]'])
    refused(make('3g.20gb', rc=4), 'there is no room for all of this')


@test
def a_request_that_fills_many_gpus():
    """Each is a packing of one GPU, as often as there are GPUs: there is a way, and it is found,
    however many they are."""
    for count in (6, 8, 16, 32):
        name = f'of{count}'
        create(f'{count}x{A100}', name)
        tap.succeeded(on(name, 'mode', 'on'))
        for packing in ({9: 1, 14: 1, 19: 2}, {15: 3, 20: 1}, {9: 1, 15: 1, 19: 2}):
            make(*(f'{profile}*{times * count}' for profile, times in packing.items()), name=name)
            tap.equal(sum(len(gpu.uuids) for gpu in state(name)), 4 * count, packing)
            destroy('--all', name=name)
    # In whatever order they are named.
    create(f'8x{A100}', 'mixed')
    tap.succeeded(on('mixed', 'mode', 'on'))
    make('1g.5gb*7', '2g.10gb*7', '4g.20gb*7', '7g.40gb', name='mixed')
    tap.equal(sorted(len(gpu.uuids) for gpu in state('mixed')), [1] + [3] * 7)
    # Where one GPU has room for all, the others stay free.
    make('1g.5gb*2', '2g.10gb*2', name=name)
    tap.equal([len(gpu.uuids) for gpu in state(name)], [4] + [0] * 31)


@test
def thirty_two_gpus():
    create(f'32x{A100}', 'n')
    tap.contains(tap.succeeded(on('n', 'mode', 'on')).stdout, 'costs: GPU 0-31, each: ')
    make('1g.5gb*224')
    tap.equal(sum(len(gpu.uuids) for gpu in state('n')), 224)
    refused(make('1g.5gb', rc=4), 'there is no room')
    destroy('--all')
    tap.equal(set(layouts('n')), {''})


@test
def compute_instances():
    node(f'1x{A100}', 0)
    got = make('--no-ci', '3g.20gb')
    tap.contains(got.stdout, 'New GPU instance 2 of GPU 0: 3g.20gb at 4:4')
    tap.contains(got.stdout, 'migctl --node n create -g 0:2 makes one')
    make('-g', '0:2', '1c@2')
    uuid = next(iter(state('n')[0].uuids.values()))
    make('-g', uuid, '2c.3g.20gb')
    tap.equal(layouts('n'), ['3g.20gb@4[2c.3g.20gb@0 1c.3g.20gb@2]'])
    tap.true(uuid in state('n')[0].uuids.values())
    refused(make('-g', '2', rc=4), 'GPU instance 2 of GPU 0 (3g.20gb) is full\n',
            'migctl --node n destroy GPU:GI:CI makes room')
    destroy('0:2:0')
    refused(make('-g', '2', '1c*3', rc=4), '3 compute slices do not fit in GPU instance 2 of GPU 0 '
            '(3g.20gb), which has 1 of 3 left\n')
    refused(make('-g', '2', '1c@1', rc=4), '1c.3g.20gb at 0, 1, 2; 2c.3g.20gb at 0')
    destroy('1c.3g.20gb', '2c.3g.20gb', rc=4)
    destroy('--keep-gi', '2c.3g.20gb')
    tap.equal(layouts('n'), ['3g.20gb@4[]'])
    make('-g', '2')
    tap.equal(layouts('n'), ['3g.20gb@4[3g.20gb@0]'])
    destroy('3g.20gb')
    make('1c.3g.20gb*3')
    tap.equal(len(state('n')[0].uuids), 3)


@test
def compute_instances_at_a_place():
    """With a place and a number they share the GPU instance that lies there, as in apply."""
    node(f'2x{A100}', 0, 1)
    make('-i', '1', '1c.3g.20gb@4*2')
    tap.equal(layouts('n'), ['', '3g.20gb@4[1c.3g.20gb@1 1c.3g.20gb@2]'])
    # Over several GPUs they stay together, too.
    make('4g.20gb', '1c.3g.20gb@0*3')
    tap.equal(layouts('n'), ['4g.20gb@0[4g.20gb@0]',
                             '3g.20gb@0[1c.3g.20gb@0 1c.3g.20gb@1 1c.3g.20gb@2] '
                             '3g.20gb@4[1c.3g.20gb@1 1c.3g.20gb@2]'])
    before = state('n')
    refused(make('-i', '0', '1c.3g.20gb@4*4', rc=4), 'do not fit together in 3g.20gb at 4')
    refused(make('3g.20gb@4*2', rc=2), 'at one place lies one instance')
    refused(make('-g', '1:2', '1c@2*2', rc=2), 'at one place lies one instance')
    tap.equal(state('n'), before)


@test
def what_can_never_be_is_no_question_of_room():
    node(f'2x{A100}')
    # Whether MIG mode is on, whether a GPU is named, and whatever is there.
    for prepare in ((), ('mode', 'on'), ('create', '7g.40gb*2')):
        if prepare:
            tap.succeeded(on('n', *prepare))
        for where in ((), ('-i', '1')):
            gpu = where[-1] if where else '0'
            for word, said in (('9g.99gb', f"GPU {gpu} (NVIDIA A100-SXM4-40GB) has no profile "
                                           "'9g.99gb'\n"),
                               ('99', f'GPU {gpu} (NVIDIA A100-SXM4-40GB) has no profile with the '
                                      'id 99\n'),
                               ('3g.20gb@1', f'GPU {gpu}: 3g.20gb cannot lie at 1\n  3g.20gb can '
                                             'lie at 0, 4\n'),
                               ('1c.3g.20gb@4*4', 'do not fit together in 3g.20gb at 4\n')):
                refused(make(*where, word, rc=4), said)
    refused(make('1g.5gb', rc=4), 'there is no room for all of this beside what is there\n  migctl '
            '--node n profiles shows what fits on each GPU; migctl --node n destroy makes room\n')
    destroy('--all')
    # What is there cannot be what is in the way.
    refused(make('7g.40gb*2', '1g.5gb', rc=4), 'there is no room for all of this on 2 GPUs\n  migctl '
            '--node n profiles shows what fits on each GPU\n')


@test
def a_gpu_that_is_merely_off_is_named():
    node(f'3x{A100}', 0)
    make('7g.40gb')
    hint = 'MIG mode of GPU 1,2 is off, to use it, too: migctl --node n mode on -i 1,2'
    refused(make('1g.5gb', rc=4), hint)
    tap.succeeded(on('n', 'mode', 'on', '-i', '1'))
    make('7g.40gb')
    refused(make('1g.5gb', rc=4), 'there is no room', hint.replace('1,2', '2'))
    tap.succeeded(on('n', 'mode', 'on', '-i', '2'))
    make('7g.40gb')
    tap.not_contains(make('1g.5gb', rc=4).stderr, 'is off')


@test
def gpus_by_range():
    node(f'4x{A100}')
    tap.succeeded(on('n', 'mode', 'on', '-i', '1-2'))
    tap.equal([gpu.mode for gpu in state('n')], [False, True, True, False])
    tap.succeeded(on('n', 'mode', 'on', '-i', '0-0,3'))
    for args, rc, said in ((('2-1',), 2, "the range '2-1' goes backwards"),
                           (('2-9',), 4, "there is no GPU '4'"), (('0-1,1',), 4, 'named twice'),
                           (('1-',), 4, "no GPU '1-'"), (('-1',), 4, "no GPU '-1'")):
        refused(tap.exited(on('n', 'mode', 'off', f'--id={args[0]}'), rc), said)


@test
def nothing_fits_where_mig_will_be_off():
    """What status and profiles say fits is what create makes."""
    node(f'1x{A100}:reset-required', 0)
    tap.succeeded(migctl('sim', 'exec', 'n', '--', 'nvidia-smi', '-mig', '0'))
    tap.equal((state('n')[0].mode, state('n')[0].pending), (True, False))
    refused(make('1g.5gb', rc=4), 'will be off after a reset')
    got = tap.succeeded(on('n', 'status')).stdout
    tap.contains(got, 'MIG on, off after a reset')
    tap.not_contains(got, '1g.5gb')
    gpu, = json.loads(tap.succeeded(on('n', 'status', '--json')).stdout)['gpus']
    tap.equal({fit['count'] for fit in gpu['fits_now']}, {0})
    profiles = json.loads(tap.succeeded(on('n', 'profiles', '--json')).stdout)['profiles']
    tap.equal({(row['fit'], str(row['fits_at'])) for row in profiles}, {(0, '[]')})
    places = json.loads(tap.succeeded(on('n', 'placements', '--json')).stdout)['placements']
    tap.equal({row['state'] for row in places}, {'no-room'})


@test
def compute_instances_by_id():
    node(f'1x{A100}', 0)
    make('--no-ci', '4g.20gb')
    make('-g', '0:1', '0,0,1')
    tap.equal(sorted(place.split('@')[0] for place in layouts('n')[0].split('[')[1].split()),
              ['1c.4g.20gb', '1c.4g.20gb', '2c.4g.20gb'])
    refused(make('-g', '0:1', '9', rc=4), "'9' is no compute instance of GPU instance 1 of GPU 0",
            '1c.4g.20gb (0)')
    refused(make('-g', '0:1', '1c.3g.20gb', rc=4), 'which is a 4g.20gb')


@test
def nothing_is_made_where_mig_is_off():
    node()
    refused(make('1g.5gb', rc=4), 'MIG mode of GPU 0 is off', 'migctl --node n mode on -i 0')
    refused(make('-i', '1', '1g.5gb', rc=4), 'MIG mode of GPU 1 is off', 'migctl --node n mode on -i 1')
    refused(make('-i', '2', '1g.5gb', rc=4), 'GPU 2 (Tesla T4) has no MIG')
    refused(make('-i', '1', '-g', '2', rc=4), 'MIG mode of GPU 1 is off')
    node('1xt4-16gb', name='t')
    for args in (('create', '1g.5gb'), ('destroy', '--all'), ('mode', 'on')):
        refused(tap.exited(on('t', *args), 4), 'MIG')


@test
def bad_wishes():
    node(f'2x{A100}', 0, 1)
    for args, rc, said in (
            ((), 2, 'create needs a PROFILE'), (('',), 2, 'is empty'), (('19,',), 2, 'is empty'),
            (('nope',), 2, "'nope': this is neither a profile name nor an id"),
            (('1g.5gb*0',), 2, "the number behind '*'"), (('1g.5gb*x',), 2, "behind '*'"),
            (('1g.5gb@-1',), 2, "behind '@'"), (('3g.20gb@4*2',), 2, 'one instance'),
            (('-1',), 2, ''), (('MIG 1g.5gb',), 2, 'neither'),
            (('1c',), 2, 'this is a compute instance, and it is not said in which'), (('--no-ci', '1c.3g.20gb'), 2, 'is a compute instance'),
            (('--no-ci', '-g', '1'), 2, '--no-ci'), (('-g', 'x', '1c'), 2, '--gi'),
            (('-i', '0,1', '19'), 2, 'one GPU'), (('-i', '9', '19'), 4, "no GPU '9'"),
            (('9g.5gb',), 4, "has no profile '9g.5gb'"), (('1g.5gb', '99'), 4, 'the id 99'),
            (('-i', '0', '99'), 4, 'migctl --node n profiles -i 0'),
            (('3g.20gb@1',), 4, ''), (('-i', '0', '3g.20gb@1'), 4, '3g.20gb cannot lie at 1'),
            (('-g', '3'), 4, "no instance '3'"), (('-g', 'MIG-nope'), 4, "no instance 'MIG-nope'"),
            (('1g.5gb*4096',), 4, '')):
        refused(make(*args, rc=rc), said)
    tap.equal(layouts('n'), ['', ''])
    tap.contains(on('n', 'create', '2g.11gb').stderr, "did you mean '2g.10gb'?")


@test
def destroying():
    node(f'2x{A100}', 0, 1)
    make('-i', '0', '1g.5gb*2', '2g.10gb', '3g.20gb')
    make('-i', '1', '1g.5gb*2', '2g.10gb', '3g.20gb')
    uuids = state('n')[0].uuids
    destroy(uuids['3g.20gb@4/0'])
    tap.not_contains(layouts('n')[0], '3g.20gb')
    destroy('-i', '1', '2')
    tap.not_contains(layouts('n')[1], '3g.20gb')
    destroy('0:4')
    tap.equal(layouts('n')[0], '1g.5gb@0[1g.5gb@0] 1g.5gb@1[1g.5gb@0]')
    destroy('1g.5gb', '1:4')
    tap.equal(layouts('n'), ['', ''])
    tap.contains(destroy('--all').stdout, 'Nothing had to change')


@test
def only_compute_instances():
    """--keep-gi: by whatever name, no GPU instance goes."""
    node(f'2x{A100}', 0, 1)
    make('-i', '0', '1g.5gb*2', '3g.20gb')
    destroy('--keep-gi', '1g.5gb')
    tap.equal(layouts('n'), ['1g.5gb@2[] 1g.5gb@3[] 3g.20gb@4[3g.20gb@0]', ''])
    # That names one that is empty already; what is not done is not said to be.
    refused(destroy('--keep-gi', '0:9', rc=4), "'0:9': GPU instance 9 of GPU 0 has no compute "
            'instance, and --keep-gi keeps it')
    destroy('--keep-gi', '0:2')
    tap.equal(layouts('n'), ['1g.5gb@2[] 1g.5gb@3[] 3g.20gb@4[]', ''])
    make('-g', '0:2')
    destroy('--keep-gi', '--all')
    tap.equal(layouts('n'), ['1g.5gb@2[] 1g.5gb@3[] 3g.20gb@4[]', ''])
    destroy('0:9', '3g.20gb')
    tap.equal(layouts('n'), ['1g.5gb@3[]', ''])


@test
def one_place_on_several_gpus():
    """'The one that lies there' is one."""
    node(f'3x{A100}', 0, 1, 2)
    for gpu in '012':
        make('-i', gpu, '3g.20gb@4', '1c.3g.20gb@0*2')
    for word in ('3g.20gb@4', '1c.3g.20gb@0'):
        refused(destroy(word, rc=4), f"'{word}' lies on 3 GPUs",
                'name the GPU, or all that are meant (-i GPU,...), or the instance by GPU:GI')
    destroy('-i', '1', '3g.20gb@4')
    destroy('-i', '0,2', '1c.3g.20gb@0')
    tap.equal(layouts('n'), ['3g.20gb@4[3g.20gb@0]', '3g.20gb@0[1c.3g.20gb@1 1c.3g.20gb@2]',
                             '3g.20gb@4[3g.20gb@0]'])
    destroy('3g.20gb@0')
    destroy('3g.20gb')
    tap.equal(layouts('n'), ['', '', ''])


@test
def what_may_lie_on_a_lost_gpu():
    """It is not said to be gone; neither is it ignored."""
    node(f'2x{A100}', 0, 1)
    make('-i', '0', '3g.20gb')
    make('-i', '1', '2g.10gb')
    lost, there = (next(iter(gpu.uuids.values())) for gpu in state('n'))
    tap.succeeded(migctl('sim', 'fault', 'add', 'n', 'lost', '-i', '0'))
    for word, said in (('0:2', 'GPU 0 is lost (fallen off the bus)\n'),
                       (lost, f"GPU 0 is lost (fallen off the bus), and '{lost}' may lie there: "
                              'it is on no other')):
        refused(destroy(word, rc=1), said, 'a reboot brings it back: migctl sim reboot n')
    refused(destroy('2', rc=1), 'GPU 0 is lost', 'a reboot brings it back: migctl sim reboot n; without it: -i 1\n')
    for word in ('1:9', '7:1', '0::1', '1:2:3:4'):
        refused(destroy(word, rc=4), f"there is no instance '{word}'\n")
    destroy(there)
    tap.succeeded(migctl('sim', 'fault', 'clear', 'n', 'all'))
    tap.equal(layouts('n'), ['3g.20gb@4[3g.20gb@0]', ''])


@test
def words_in_the_wrong_place():
    node(f'1x{A100}', 0)
    for args, said in ((('mode', 'on', '0'), 'a GPU is named by -i 0\n'),
                       (('status', '0-3'), 'a GPU is named by -i 0-3\n'),
                       (('list', 'n'), "see 'migctl --node n list --help'\n"),
                       (('apply', 'all-balanced'), '; a label is named by -c\n')):
        got = on('n', *args)
        tap.true(got.rc in (2, 4), got)
        refused(got, said)
    refused(make('1g.5gb', '2', rc=4), 'how many is said by *COUNT, on which GPU by -i\n')
    # No new GPU instance finds room, but a compute instance does.
    make('1c.3g.20gb', '1g.5gb*4')
    refused(make('1c.3g.20gb', rc=4), 'in GPU instance 2 of GPU 0 is room for one: migctl --node n '
            'create -g 0:2 1c.3g.20gb\n')
    make('-g', '0:2', '1c.3g.20gb')


@test
def a_number_that_is_the_id_of_a_profile():
    node(f'1x{A100}', 0)
    make('19')
    refused(destroy('19', rc=4), "there is no instance '19'\n", 'a number is the id of a GPU instance '
            'here, not of a profile (19 is 1g.5gb); migctl --node n list --tree')


@test
def one_gpu_of_several_is_in_use():
    node(f'2x{A100}:reset-required,1x{A100}:in-use', name='w')
    got = tap.exited(on('w', 'mode', 'on', '--skip-reset'), 9)
    tap.contains(got.stderr, 'GPUs 0,1,2: MIG mode change is pending: they have to be reset first; '
                             'clients use GPU 2\n')


@test
def destroying_what_is_not_there_or_named_twice():
    node(f'2x{A100}', 0, 1)
    make('-i', '0', '1g.5gb*2', '3g.20gb')
    make('-i', '1', '3g.20gb')
    before = state('n')
    uuid = before[0].uuids['3g.20gb@4/0']
    for args, rc, said in (
            ((), 2, 'needs an INSTANCE'), (('--all', '0:2'), 2, '--all stands alone'),
            (('0:2,',), 2, 'is empty'), (('nope',), 2, "'nope' names no instance"),
            (('1g.5gb*1',), 2, 'a count does not say which'), (('3g.20gb@x',), 2, ''),
            (('0:99',), 4, "no instance '0:99'"), (('9:2',), 4, "'9:2'"), (('0:2:7',), 4, "'0:2:7'"),
            (('0:',), 4, "'0:'"), (('0:2:0:0',), 4, "'0:2:0:0'"),
            (('MIG-00000000-0000-0000-0000-000000000000',), 4, 'there is no instance'),
            (('2g.10gb',), 4, "no instance '2g.10gb'"), (('3g.20gb@0',), 4, "'3g.20gb@0'"),
            (('1c.3g.20gb',), 4, "'1c.3g.20gb'"),
            (('2',), 4, '2 GPUs have a GPU instance 2'),
            (('-i', '1', uuid), 4, 'lies on GPU 0'), (('-i', '1', '0:2'), 4, 'not on GPU 1'),
            (('-i', '1', '1g.5gb'), 4, 'on the GPUs of -i'),
            (('0:2', '0:2'), 4, "named twice: by '0:2' and '0:2'"),
            (('0:2', uuid), 4, 'named twice'), ((uuid, '3g.20gb'), 4, 'named twice'),
            (('-i', '0,0', '--all'), 4, 'GPU 0 is named twice'),
            (('0:2', '0:99'), 4, "'0:99'")):
        refused(destroy(*args, rc=rc), said)
    tap.equal(state('n'), before)


@test
def what_is_held_is_named():
    node(f'1x{A100}', 0)
    make('1g.5gb', '3g.20gb')
    uuid = state('n')[0].uuids['3g.20gb@4/0']
    pid = tap.succeeded(migctl('sim', 'hold', '-n', 'n', '-b', uuid)).stdout.strip()
    try:
        for args in (('destroy', uuid), ('destroy', '--all'), ('mode', 'off')):
            got = tap.exited(on('n', *args), 5)
            tap.contains(got.stderr, f'3g.20gb at 4:4 of GPU 0 is held by process {pid} (')
            # mode tells all the same what it would cost.
            tap.equal(got.stdout != '', args[0] == 'mode')
        tap.equal(len(state('n')[0].uuids), 2)
        destroy('1g.5gb')
        make('1g.5gb')
    finally:
        migctl('sim', 'hold', '-n', 'n', '--end', pid)
    destroy(uuid)
    tap.not_contains(layouts('n')[0], '3g.20gb')
    tap.succeeded(on('n', 'undo'))
    tap.equal(state('n')[0].uuids['3g.20gb@4/0'], uuid)


@test
def undo_takes_back_each():
    node(f'1x{A100}')
    steps = (('mode', 'on'), ('create', '3g.20gb', '1g.5gb'), ('destroy', '1g.5gb'), ('mode', 'off'))
    states = [state('n')]
    for step in steps:
        tap.succeeded(on('n', *step))
        states.append(state('n'))
    for before in reversed(states[:-1]):
        tap.succeeded(on('n', 'undo'))
        tap.equal(state('n'), before)
    tap.contains(tap.succeeded(on('n', 'history')).stdout, 'create 3g.20gb 1g.5gb')


@test
def what_a_mode_change_costs():
    node(f'1x{A100},1xh100-sxm5-80gb,1xt4-16gb')
    got = tap.exited(on('n', 'mode', 'on', '-n'), 3)
    tap.contains(got.stdout, 'costs: GPU 0: it has to be idle and is reset')
    tap.contains(got.stdout, 'costs: GPU 1: no reset is needed')
    tap.true(not state('n')[0].mode)
    tap.succeeded(on('n', 'mode', 'on'))
    tap.contains(tap.succeeded(on('n', 'mode', 'on')).stdout, 'Nothing had to change')
    make('-i', '0', '1g.5gb*2')
    got = tap.exited(on('n', 'mode', 'off', '-i', '0', '-n'), 3)
    tap.contains(got.stdout, 'costs: GPU 0: 2 GPU instances with 2 MIG devices go; ')
    for line in got.stdout.splitlines():
        tap.true(len(line) <= 80, line)
    # With --skip-reset nobody resets.
    got = tap.exited(on('n', 'mode', 'off', '-i', '0', '-n', '--skip-reset'), 3)
    tap.contains(got.stdout, 'stays pending')
    tap.not_contains(got.stdout, 'by migctl')
    tap.succeeded(on('n', 'mode', 'off', '-i', '0'))
    tap.equal([gpu.mode for gpu in state('n')], [False, True, False])
    for args, rc, said in ((('auto',), 2, "mode is 'on' or 'off'"), ((), 2, ''),
                           (('on', '-i', '2'), 4, 'GPU 2 (Tesla T4) has no MIG'),
                           (('on', '-i', '0,0'), 4, 'named twice')):
        refused(tap.exited(on('n', 'mode', *args), rc), said)


@test
def who_is_in_the_way_of_a_reset():
    """Modules and daemons that use no instance, before the mode is changed."""
    node(f'1x{A100},1xh100-sxm5-80gb')
    proc = node_dir('n') / 'root' / 'proc'
    load_module('n', 'nvidia_drm', 4)
    (proc / '4711' / 'fd').mkdir(parents=True)
    (proc / '4711' / 'comm').write_text('nv-hostengine\n')
    os.symlink('/dev/nvidia0', proc / '4711' / 'fd' / '5')
    got = tap.exited(on('n', 'mode', 'on', '-n'), 3).stdout
    tap.contains(got, 'in the way of a reset: nvidia_drm (')
    tap.contains(got, 'in the way of a reset: process 4711 (nv-hostengine) (')
    document = json.loads(tap.exited(on('n', 'mode', 'on', '-n', '--json'), 3).stdout)
    tap.equal([(cost['gpu_index'], cost['needs_reset'], cost['gpu_instances'],
                cost['persistence_mode']) for cost in document['costs']],
              [(0, 'yes', 0, False), (1, 'no', 0, False)])
    tap.equal([one['subject'] for one in document['in_the_way_of_reset']],
              ['nvidia_drm', 'process 4711 (nv-hostengine)'])
    # Of no interest where nothing is reset.
    for args in (('-i', '1'), ('--skip-reset',)):
        tap.not_contains(on('n', 'mode', 'on', '-n', *args).stdout, 'in the way of a reset')
        document = json.loads(on('n', 'mode', 'on', '-n', '--json', *args).stdout)
        tap.equal(document['in_the_way_of_reset'], [])


@test
def what_a_mode_change_costs_while_somebody_is_in_the_way():
    node(f'1x{A100}', 0)
    make('1g.5gb*2')
    with held('n', first_uuid('n')) as pid:
        got = tap.exited(on('n', 'mode', 'off'), 5)
        tap.contains(got.stdout, 'costs: GPU 0: 2 GPU instances with 2 MIG devices go; ')
        tap.contains(got.stderr, str(pid))


@test
def a_change_that_waits_for_a_reset():
    node(f'1x{A100}:reset-required', name='r')
    # All that is left to do is the reset.
    got = tap.exited(on('r', 'mode', 'on', '--skip-reset'), 9)
    tap.contains(got.stderr, '  reset the GPU (migctl sim reset r -i 0) or reboot (migctl sim reboot r)\n')
    got = tap.exited(on('r', 'apply', '0=1g.5gb', '--skip-reset'), 9)
    tap.contains(got.stderr, '(migctl sim reboot r), then run the same command again\n')
    refused(make('1g.5gb', rc=4, name='r'), 'MIG mode of GPU 0 is off, and on after a reset')
    tap.succeeded(on('r', 'mode', 'off'))
    tap.equal((state('r')[0].mode, state('r')[0].pending), (False, False))
    tap.succeeded(on('r', 'mode', 'on'))
    make('1g.5gb*2', name='r')
    destroy('--all', name='r')
    make('1g.5gb', name='r')


@test
def without_permission_driver_or_gpu():
    node(f'1x{A100}', 0)
    make('1g.5gb')
    before = state('n')
    create('none', 'empty')
    for args in (('create', '1g.5gb'), ('destroy', '--all'), ('mode', 'off')):
        got = tap.exited(migctl('sim', 'exec', '--unprivileged', 'n', '--', MIGCTL, *args), 7)
        refused(got, 'this user may not change instances or modes: GPU 0: ', 'run it as root')
        refused(tap.exited(on('empty', *args), 6), 'the driver shows no GPU')
    tap.equal(state('n'), before)


@test
def a_lost_gpu():
    node(f'2x{A100}', 0, 1)
    tap.succeeded(migctl('sim', 'fault', 'add', 'n', 'lost', '-i', '1'))
    for args in (('create', '-i', '1', '1g.5gb'), ('destroy', '--all'), ('destroy', '1g.5gb'),
                 ('mode', 'off'), ('mode', 'off', '-i', '1')):
        refused(tap.exited(on('n', *args), 1), 'GPU 1', 'fallen off the bus')
    # The others are as well as before.
    tap.succeeded(on('n', 'create', '1g.5gb'))
    tap.succeeded(on('n', 'create', '-i', '0', '3g.20gb@0'))
    tap.succeeded(on('n', 'undo'))
    tap.succeeded(on('n', 'destroy', '-i', '0', '--all'))
    tap.succeeded(on('n', 'apply', '0=1g.5gb*2'))
    for command in ('plan', 'apply', 'assert', 'diff'):
        for layout in ('all=1g.5gb*3', '0-1=1g.5gb*3'):
            refused(tap.exited(on('n', command, layout), 1),
                    f"argument 1 '{layout}' column 1: GPU 1 is lost (fallen off the bus)\n"
                    '  a reboot brings it back: migctl sim reboot n\n')
    tap.succeeded(on('n', 'assert', '0=1g.5gb*2'))


@test
def a_driver_without_names():
    tap.succeeded(migctl('sim', 'create', 'old', '--driver', '470', '--gpus', f'1x{A100}'))
    tap.succeeded(on('old', 'mode', 'on'))
    make('19,19,14,9', name='old')
    destroy('1g.5gb', '0:2', name='old')
    tap.equal(layouts('old'), ['2g.10gb@2[2g.10gb@0]'])


@test
def json_of_the_changes():
    node(f'1x{A100}')
    for args, schema in ((('mode', 'on'), 'mode'), (('create', '3g.20gb'), 'create'),
                         (('destroy', '3g.20gb'), 'destroy')):
        got = tap.succeeded(on('n', *args, '--json'))
        document = json.loads(got.stdout)
        tap.equal(document['schema'], f'migctl.{schema}/1')
        tap.equal(document['changed'], 'all')
        tap.equal(got.stderr, '')
    error = json.loads(make('7g.40gb*2', '--json', rc=4).stderr)
    tap.equal(error['code'], 'refused')


@test
def a_dry_run_changes_nothing():
    node(f'1x{A100}', 0)
    make('1g.5gb')
    before = state('n')
    make('-n', '3g.20gb', rc=3)
    destroy('-n', '--all', rc=3)
    tap.equal(state('n'), before)


@test
def standard_output_that_is_full():
    node(f'1x{A100}', 0)
    got = tap.run(['sh', '-c', 'exec "$@" > /dev/full', 'sh', MIGCTL, '--node', 'n', 'create',
                   '1g.5gb'])
    tap.exited(got, 1)
    tap.equal(layouts('n'), [''])


tap.main()
