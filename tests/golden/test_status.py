#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`migctl status` on simulated nodes."""
import json
import re

import tap
from tap import test

from layouts import MIGCTL, apply, config, create, migctl, on, state, status, whole

A100 = 'a100-sxm4-40gb'

PICTURE = """\
GPU 0  NVIDIA A100-SXM4-40GB  00000000:10:00.0  MIG on
  compute slices ■■■■■■■ 7/7   memory units ■■■■■■■■ 8/8
  ┌0───────┬1───────┬2────────3───────┬4────────5────────6────────7───────┐
  │1g.5gb  │1g.5gb  │2g.10gb          │3g.20gb                            │
  │GI 7    │GI 8    │GI 4             │GI 2                               │
  │CI 0    │CI 0    │CI 0             │CI 0                               │
  └────────┴────────┴─────────────────┴───────────────────────────────────┘
  full
GPU 1  Tesla T4  00000000:11:00.0  no MIG
GPU 2  NVIDIA A30  00000000:12:00.0  MIG off
GPU 3  NVIDIA A100-SXM4-40GB  00000000:13:00.0  MIG on, no instances
  compute slices □□□□□□□ 0/7   memory units □□□□□□□□ 0/8
  ┌0────────1────────2────────3────────4────────5────────6────────7───────┐
  │free                                                                   │
  │7g.40gb 4g.20gb 3g.20gb*2 2g.10gb*3 1g.10gb*4 1g.5gb*7 1g.5gb+me       │
  └───────────────────────────────────────────────────────────────────────┘
GPU 4  NVIDIA A100-SXM4-40GB  00000000:14:00.0  MIG on
"""


def mixed_node():
    node = create(f'1x{A100},1xt4-16gb,1xa30-24gb,2x{A100}')
    file = config("""\
        x:
        - {devices: [0], mig-enabled: true, mig-devices: {1g.5gb: 2, 2g.10gb: 1, 3g.20gb: 1}}
        - {devices: [3], mig-enabled: true, mig-devices: {}}
        - {devices: [4], mig-enabled: true, mig-devices: {1g.5gb+me: 1, 1c.3g.20gb: 1, 2c.3g.20gb: 1}}
        """)
    tap.succeeded(apply(node, file))
    return node


@test
def a_mixed_node_in_utf_8_and_ascii():
    node = mixed_node()
    got = tap.succeeded(on(node, 'status', env={'LC_ALL': 'C.UTF-8'}))
    tap.equal(got.stderr, '')
    tap.true(got.stdout.startswith(PICTURE), got.stdout)
    for line in got.stdout.splitlines():
        tap.true(len(line) <= 80, f'over 80 columns: {line}')
        tap.equal(line, line.rstrip())
    ascii_only = tap.succeeded(on(node, 'status', env={'LC_ALL': 'C'})).stdout
    table = str.maketrans('─│┌┐┬└┘┴┆■□', '-|++++++:#.')
    tap.equal(ascii_only, got.stdout.translate(table))
    tap.true(ascii_only.isascii())


@test
def attributes_and_compute_instances_are_drawn():
    node = mixed_node()
    got = tap.succeeded(on(node, 'status', '-i', '4', env={'LC_ALL': 'C'}))
    tap.contains(got.stdout, '|+me ')
    tap.contains(got.stdout, '|CI 0 2c                :CI 1 1c    |')
    tap.equal(got.stdout.count('GPU '), 1)


@test
def what_fits_now_is_what_the_driver_would_take():
    node = mixed_node()
    got = {gpu['index']: gpu for gpu in status(node)['gpus']}
    tap.equal({entry['profile']: entry['count'] for entry in got[3]['fits_now']},
              {'1g.5gb': 7, '2g.10gb': 3, '3g.20gb': 2, '4g.20gb': 1, '7g.40gb': 1,
               '1g.5gb+me': 1, '1g.10gb': 4})
    tap.equal({entry['count'] for entry in got[0]['fits_now']}, {0})
    tap.equal(got[1]['fits_now'], [])
    tap.equal(got[2]['fits_now'], [])


@test
def one_gpu_by_index_uuid_and_address():
    node = mixed_node()
    uuid = status(node)['gpus'][2]['uuid']
    for word in ('2', uuid, uuid.lower(), uuid[:12], '00000000:12:00.0', '0000:12:00.0', '12:00.0'):
        got = json.loads(tap.succeeded(on(node, 'status', '--json', '-i', word)).stdout)
        tap.equal([gpu['index'] for gpu in got['gpus']], [2], word)
    got = json.loads(tap.succeeded(on(node, 'status', '--json', '-i', '3,0')).stdout)
    tap.equal([gpu['index'] for gpu in got['gpus']], [0, 3])
    got = tap.exited(on(node, 'status', '-i', '3,0,3'), 4)
    tap.contains(got.stderr, 'GPU 3 is named twice')


@test
def a_beginning_of_several_uuids():
    uuids = [f'GPU-aaaa0000-0000-4000-8000-00000000000{i}' for i in range(2)]
    (tap.tmpdir() / 'node.json').write_text(json.dumps({
        'format': 'migsim-node/1', 'gpus': [{'model': A100, 'uuid': uuid} for uuid in uuids]}))
    tap.succeeded(migctl('sim', 'create', 'n', '-f', tap.tmpdir() / 'node.json'))
    for command in (('status',), ('list',), ('mode', 'on')):
        got = tap.exited(on('n', *command, '-i', 'GPU-aaaa'), 4)
        tap.equal(got.stdout, '')
        tap.contains(got.stderr, "'GPU-aaaa' is the beginning of 2 UUIDs")
    got = json.loads(tap.succeeded(on('n', 'status', '--json', '-i', uuids[1][:-1] + '1')).stdout)
    tap.equal([gpu['uuid'] for gpu in got['gpus']], [uuids[1]])


@test
def a_gpu_that_is_not_there():
    node = mixed_node()
    for word in ('5', '-1', 'GPU-none', '99:00.0', '0,7', '', ',', '0,', '0x0', ' 0'):
        got = on(node, 'status', '-i', word)
        tap.true(got.rc in (2, 4), f'{word!r}\n{got}')
        tap.equal(got.stdout, '')
        tap.contains(got.stderr, 'migctl: ')


@test
def the_json_document():
    node = mixed_node()
    document = status(node)
    tap.equal(document['schema'], 'migctl.status/1')
    tap.equal(document['driver_version'], '550.163.01')
    tap.equal([gpu['index'] for gpu in document['gpus']], [0, 1, 2, 3, 4])
    tap.equal([gpu['mig_capable'] for gpu in document['gpus']], [True, False, True, True, True])
    tap.equal([gpu['mig_mode'] for gpu in document['gpus']], [True, False, False, True, True])
    for gpu in document['gpus']:
        tap.true(gpu['uuid'].startswith('GPU-'))
        for gi in gpu['gpu_instances']:
            tap.true(isinstance(gi['gpu_instance_id'], str))
            tap.true(gi['memory_mib'] > 4000)
            for ci in gi['compute_instances']:
                tap.true(isinstance(ci['compute_instance_id'], str))
                tap.true(ci['uuid'].startswith('MIG-'))
                tap.equal(ci['holders'], [])
    tap.equal(sum(len(gpu.uuids) for gpu in state(node)), 4 + 3)


@test
def a_pending_change_is_shown():
    node = create(f'1x{A100}:reset-required')
    tap.exited(apply(node, config(f"x: {whole('all', {'7g.40gb': 1})}"), None, '--skip-reset'), 9)
    got = tap.succeeded(on(node, 'status'))
    tap.contains(got.stdout, 'MIG off, on after a reset')
    tap.equal(status(node)['gpus'][0]['mig_mode_pending'], True)


@test
def thirty_two_gpus():
    node = create(f'32x{A100}')
    tap.succeeded(apply(node, config(f"x: {whole('all', {'1g.5gb': 7})}")))
    document = status(node)
    tap.equal(len(document['gpus']), 32)
    uuids = {ci['uuid'] for gpu in document['gpus'] for gi in gpu['gpu_instances']
             for ci in gi['compute_instances']}
    tap.equal(len(uuids), 32 * 7)
    got = tap.succeeded(on(node, 'status', env={'LC_ALL': 'C'}))
    box = '1g.5gb  |'
    want = ['NVIDIA A100-SXM4-40GB']
    want += [f'GPU {i:<3}|' + 7 * box + '        |' for i in range(32)]
    tap.equal(got.stdout.splitlines()[:33], want)
    # A legend only of what is there.
    tap.equal(len(got.stdout.splitlines()), 34)
    tap.succeeded(on(node, 'destroy', '-i', '0-30', '--all'))
    tap.succeeded(on(node, 'create', '-i', '3', '--no-ci', '3g.20gb'))
    tap.succeeded(on(node, 'create', '-i', '4', '1c.3g.20gb', '3g.20gb'))
    lines = tap.succeeded(on(node, 'status', env={'LC_ALL': 'C'})).stdout.splitlines()
    tap.contains(lines[4], '|3g.20gb!    ')
    tap.true('|3g.20gb~   ' in lines[5] and '|3g.20gb    ' in lines[5], lines[5])
    tap.equal(lines[33], '! without compute instance, ~ with compute instances smaller than it')
    for line in got.stdout.splitlines():
        tap.true(len(line) <= 80, line)
    one = tap.succeeded(on(node, 'status', '-i', '31', env={'LC_ALL': 'C'}))
    tap.contains(one.stdout, 'GPU 31  NVIDIA A100-SXM4-40GB')
    tap.contains(one.stdout, '|unused  |')


@test
def it_changes_nothing():
    node = mixed_node()
    path = tap.tmpdir() / 'count.json'
    tap.succeeded(on(node, 'status', env={'MIGCTL_NVML_COUNT': path}))
    tap.equal(json.loads(path.read_text())['changing_calls'], 0)


@test
def without_permission():
    # NVML shows placements and GPU instances to administrators only; MIG devices to everybody.
    node = mixed_node()
    root = status(node)
    got = tap.succeeded(migctl('sim', 'exec', '--unprivileged', node, '--', MIGCTL, 'status'))
    lines = got.stdout.splitlines()
    tap.equal(lines[0], 'GPU 0  NVIDIA A100-SXM4-40GB  00000000:10:00.0  MIG on')
    for gpu in root['gpus']:
        for gi in gpu['gpu_instances']:
            for ci in gi['compute_instances']:
                tap.equal(got.stdout.count(ci['uuid']), 1)
    tap.contains(lines[1], '  MIG device 0  3g.20gb  GI 2 CI 0  MIG-')
    tap.contains(got.stdout, 'GPU 2  NVIDIA A30  00000000:12:00.0  MIG off\n')
    tap.contains(got.stdout, 'MIG on\n  no MIG device\n')
    tap.equal(got.stderr, 'migctl: only root sees placements, who uses what, what fits, and '
              'compute instances without a MIG device (4 GPUs)\n')
    got = tap.succeeded(migctl('sim', 'exec', '--unprivileged', node, '--', MIGCTL, 'status',
                               '--json'))
    gpus = json.loads(got.stdout)['gpus']
    tap.equal([gpu['restricted'] for gpu in gpus], [True, False, True, True, True])
    tap.equal([gpu['gpu_instances'] for gpu in gpus], [[]] * 5)
    # A MIG device's name leaves the attribute out.
    seen = {(d['gpu_instance_id'], d['compute_instance_id'], d['profile'], d['uuid'])
            for d in gpus[4]['mig_devices']}
    want = {(gi['gpu_instance_id'], ci['compute_instance_id'], ci['profile'].removesuffix('+me'), ci['uuid'])
            for gi in root['gpus'][4]['gpu_instances'] for ci in gi['compute_instances']}
    tap.equal(seen, want)
    tap.equal([gpu['restricted'] for gpu in root['gpus']], [False] * 5)


@test
def a_gpu_that_is_lost_in_the_middle():
    # At every call that is about one GPU: it is shown as lost, the others as they are, and the exit
    # status says so.
    node = create(f'3x{A100}')
    tap.succeeded(apply(node, config(f"x: {whole('all', {'1g.5gb': 2})}")))
    for call in ('nvmlDeviceGetUUID', 'nvmlDeviceGetMigMode',
                 'nvmlDeviceGetGpuInstancePossiblePlacements_v2', 'nvmlDeviceGetGpuInstances',
                 'nvmlGpuInstanceGetInfo', 'nvmlDeviceGetMigDeviceHandleByIndex',
                 'nvmlDeviceGetComputeRunningProcesses_v3'):
        for number in (1, 2):
            got = tap.exited(migctl('sim', 'exec', '--fault',
                                    f'{call}:{number}=NVML_ERROR_GPU_IS_LOST', node, '--', MIGCTL,
                                    'status', env={'LC_ALL': 'C'}), 1)
            tap.equal(got.stdout.count('  lost (fallen off the bus)\n'), 1, call)
            tap.equal(got.stdout.count('MIG on'), 2, call)
            tap.contains(got.stderr, 'is lost')
            tap.contains(got.stderr, 'a reboot brings it back')


@test
def what_a_gpu_instance_without_compute_instance_looks_like():
    node = create(f'1x{A100}')
    file = tap.tmpdir() / 'v1.yaml'
    file.write_text('version: migctl/v1\nlayouts:\n  x:\n  - gpus: all\n    instances:\n'
                    '    - {profile: 1g.5gb, start: 0, compute: []}\n')
    tap.succeeded(apply(node, file))
    got = tap.succeeded(on(node, 'status', env={'LC_ALL': 'C'})).stdout
    tap.contains(got, '|no CI   |')


@test
def holders_stand_in_their_boxes():
    node = mixed_node()
    held = [ci['uuid'] for gi in status(node)['gpus'][4]['gpu_instances']
            for ci in gi['compute_instances'] if ci['profile'] == '2c.3g.20gb']
    pid = tap.succeeded(migctl('sim', 'hold', '-n', node, '-b', held[0])).stdout.strip()
    got = tap.succeeded(on(node, 'status', '-i', '4', env={'LC_ALL': 'C'})).stdout
    tap.contains(got, '|CI 0 2c                :CI 1 1c    |')
    tap.contains(got, '|migctl                 :           |')
    tap.contains(got, f'  in use: GI 2 CI 0 (2c.3g.20gb) by process {pid} migctl\n')
    tap.succeeded(migctl('sim', 'hold', '-n', node, '--end', pid))


@test
def no_driver_and_no_gpu():
    got = tap.exited(migctl('status', env={'LD_LIBRARY_PATH': tap.build('nowhere')}), 6)
    tap.equal(got.stdout, '')
    tap.contains(got.stderr, 'migctl: ')
    got = tap.exited(on(create('none'), 'status'), 6)
    tap.contains(got.stderr, 'the driver shows no GPU')


@test
def calls_on_eight_gpus_with_56_instances():
    for branch in ('470', '535', '550', '580'):
        node = f'n{branch}'
        tap.succeeded(migctl('sim', 'create', node, '--gpus', f'8x{A100}', '--driver', branch))
        tap.succeeded(on(node, 'apply', 'all=1g.5gb*7'))
        path = tap.tmpdir() / 'count.json'
        tap.succeeded(on(node, 'status', env={'MIGCTL_NVML_COUNT': path}))
        counts = json.loads(path.read_text())
        tap.true(counts['calls'] <= 700, f'{branch}: {counts}')
        path.unlink()


@test
def standard_output_that_is_full():
    node = mixed_node()
    for options in ((), ('--json',)):
        got = tap.run(['sh', '-c', 'exec "$@" > /dev/full', 'sh', MIGCTL, '--node', node, 'status',
                       *options])
        tap.exited(got, 1)
        tap.contains(got.stderr, 'cannot write to standard output')


@test
def readme_shows_a_real_run():
    """What README.md shows of ./demo, command by command; "[...]" stands for what it leaves out."""
    with open(tap.source('README.md'), encoding='utf-8') as file:
        shown = file.read().split('<!-- demo output: begin -->')[1]
    runs = re.split(r'^\$ build/migctl (.*)\n', shown.split('To try next')[0], flags=re.M)[1:]
    tap.equal(len(runs) // 2, 3)
    for command, output in zip(runs[::2], runs[1::2]):
        got = tap.succeeded(migctl(*command.split(), cwd=tap.source(),
                                   env={'LC_ALL': 'C.UTF-8'}))
        got = got.stdout + got.stderr
        for part in output.strip('\n').split('\n  [...]'):
            tap.contains(got, part.strip('\n'), command)
            got = got[got.index(part.strip('\n')):]


tap.main()
