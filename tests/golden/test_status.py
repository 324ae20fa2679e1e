#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`migctl status` on simulated nodes."""
import json

import tap
from tap import test

from layouts import MIGCTL, apply, config, create, migctl, on, state, status, whole

A100 = 'a100-sxm4-40gb'

PICTURE = """\
GPU 0  NVIDIA A100-SXM4-40GB  00000000:10:00.0  MIG on
  ┌────────┬────────┬─────────────────┬───────────────────────────────────┐
  │1g.5gb  │1g.5gb  │2g.10gb          │3g.20gb                            │
  └────────┴────────┴─────────────────┴───────────────────────────────────┘
  full
GPU 1  Tesla T4  00000000:11:00.0  no MIG
GPU 2  NVIDIA A30  00000000:12:00.0  MIG off
GPU 3  NVIDIA A100-SXM4-40GB  00000000:13:00.0  MIG on, no instances
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
    table = str.maketrans('─│┌┐┬└┘┴', '-|++++++')
    tap.equal(ascii_only, got.stdout.translate(table))
    tap.true(ascii_only.isascii())


@test
def attributes_and_compute_instances_are_drawn():
    node = mixed_node()
    got = tap.succeeded(on(node, 'status', '-i', '4', env={'LC_ALL': 'C'}))
    tap.contains(got.stdout, '|+me ')
    tap.contains(got.stdout, '|2c+1c ')
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
    for word in ('2', uuid, '00000000:12:00.0', '0000:12:00.0', '12:00.0'):
        got = json.loads(tap.succeeded(on(node, 'status', '--json', '-i', word)).stdout)
        tap.equal([gpu['index'] for gpu in got['gpus']], [2], word)
    got = json.loads(tap.succeeded(on(node, 'status', '--json', '-i', '3,0,3')).stdout)
    tap.equal([gpu['index'] for gpu in got['gpus']], [0, 3])


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
    got = tap.succeeded(on(node, 'status'))
    tap.equal(got.stdout.count('GPU '), 32)
    tap.contains(got.stdout, 'GPU 31  NVIDIA A100-SXM4-40GB')


@test
def it_changes_nothing():
    node = mixed_node()
    path = tap.tmpdir() / 'count.json'
    tap.succeeded(on(node, 'status', env={'MIGCTL_NVML_COUNT': path}))
    tap.equal(json.loads(path.read_text())['changing_calls'], 0)


@test
def without_permission():
    # NVML shows placements and GPU instances to administrators only.
    node = mixed_node()
    got = migctl('sim', 'exec', '--unprivileged', node, '--', MIGCTL, 'status')
    tap.exited(got, 7)
    tap.equal(got.stdout, '')
    tap.contains(got.stderr, 'migctl: GPU 0: ')
    tap.contains(got.stderr, 'NVML_ERROR_NO_PERMISSION')
    tap.contains(got.stderr, 'run it as root')


@test
def standard_output_that_is_full():
    node = mixed_node()
    for options in ((), ('--json',)):
        got = tap.run(['sh', '-c', 'exec "$@" > /dev/full', 'sh', MIGCTL, '--node', node, 'status',
                       *options])
        tap.exited(got, 1)
        tap.contains(got.stderr, 'cannot write to standard output')


tap.main()
