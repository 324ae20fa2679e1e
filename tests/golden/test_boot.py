#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`migctl boot`: the last layout after a reboot, with the MIG mode that Hopper loses; never in the
way of a start."""
import json
import shutil
import subprocess

import tap
from tap import test

from layouts import (A100, H100, MIGCTL, create, faulty, history, migctl, node_dir, on, state)


def seen(node):
    return [(gpu.mode, gpu.layout) for gpu in state(node)]


@test
def nothing_recorded():
    node = create(f'1x{A100}')
    got = tap.succeeded(on(node, 'boot'))
    tap.equal((got.stdout, got.stderr),
              ('Nothing was applied on this node yet, so there is nothing to bring back.\n', ''))
    document = json.loads(tap.succeeded(on(node, 'boot', '--json')).stdout)
    tap.equal((document['schema'], document['changed'], document['transaction'],
               document['operations']), ('migctl.boot/1', 'none', None, []))


@test
def the_layout_is_back_after_a_reboot():
    node = create(f'1x{A100}:reset-required,1x{A100},1x{H100},1xt4-16gb')
    tap.succeeded(on(node, 'apply', '0=3g.20gb,1g.5gb', '1=1c.3g.20gb*2,2g.10gb', '2=1g.10gb*3'))
    want = seen(node)
    uuids = [gpu.uuids for gpu in state(node)]
    tap.equal(tap.succeeded(on(node, 'boot')).stdout, 'Nothing had to change: 3 GPUs are as wanted.\n')
    tap.succeeded(migctl('sim', 'reboot', node))
    tap.equal(seen(node), [(True, ''), (True, ''), (False, ''), (False, '')])
    got = tap.succeeded(on(node, 'boot'))
    tap.equal(seen(node), want)
    tap.equal([gpu.uuids for gpu in state(node)], uuids)
    tap.contains(got.stdout, 'New MIG devices:\n')
    tap.equal([entry['kind'] for entry in history(node)], ['boot', 'apply'])
    # Again after the next one, from what boot itself has recorded.
    tap.succeeded(migctl('sim', 'reboot', node))
    tap.succeeded(on(node, 'boot', '--json'))
    tap.equal(seen(node), want)


@test
def only_what_succeeded_comes_back():
    node = create(f'1x{A100}')
    tap.succeeded(on(node, 'apply', '0=3g.20gb'))
    want = seen(node)
    tap.exited(faulty(node, 'nvmlDeviceCreateGpuInstanceWithPlacement:2=UNKNOWN', 'apply',
                      '0=2g.10gb*3'), 8)
    tap.succeeded(migctl('sim', 'reboot', node))
    tap.succeeded(on(node, 'boot'))
    tap.equal(seen(node), want)


@test
def what_was_off_stays_off():
    node = create(f'1x{A100}')
    tap.succeeded(on(node, 'apply', '0=3g.20gb'))
    tap.succeeded(on(node, 'apply', '0=off'))
    tap.succeeded(migctl('sim', 'reboot', node))
    tap.equal(tap.succeeded(on(node, 'boot')).stdout, 'Nothing had to change: 1 GPU is as wanted.\n')
    tap.equal(seen(node), [(False, '')])


@test
def gpus_that_wait_for_the_reboot_are_left_alone():
    node = create(f'1x{A100}:reset-required,1x{A100}')
    tap.succeeded(on(node, 'apply', '0=off', '1=3g.20gb'))
    tap.exited(on(node, 'apply', '--skip-reset', '0=7g.40gb'), 9)
    tap.succeeded(migctl('sim', 'reboot', node))
    got = tap.succeeded(on(node, 'boot'))
    tap.contains(got.stderr, 'migctl: transaction 2 (apply --skip-reset 0=7g.40gb) waited for a reset; '
                             'its GPUs are left as they are: run it again\n')
    tap.equal(seen(node), [(True, ''), (True, '3g.20gb@4[3g.20gb@0]')])
    tap.succeeded(on(node, 'apply', '--skip-reset', '0=7g.40gb'))


@test
def a_gpu_that_is_not_there_any_more():
    node = create(f'2x{A100}')
    tap.succeeded(on(node, 'apply', '0=3g.20gb', '1=7g.40gb'))
    uuids = [gpu['uuid'] for gpu in json.loads(
        tap.succeeded(on(node, 'status', '--json')).stdout)['gpus']]
    # The same node with one GPU less, and the other in its place.
    (tap.tmpdir() / 'one.json').write_text(json.dumps({
        'format': 'migsim-node/1', 'gpus': [{'model': A100, 'uuid': uuids[1]}]}))
    tap.succeeded(migctl('sim', 'create', 'one', '-f', tap.tmpdir() / 'one.json'))
    shutil.copytree(node_dir(node) / 'root/var/lib/migctl', node_dir('one') / 'root/var/lib/migctl')
    got = tap.succeeded(on('one', 'boot'))
    tap.equal(got.stderr, f'migctl: GPU 0 ({uuids[0]}) is not there any more and is left out\n')
    tap.equal(seen('one'), [(True, '7g.40gb@0[7g.40gb@0]')])
    # undo does not guess: it would not be what was before.
    got = tap.exited(on('one', 'undo'), 4)
    tap.contains(got.stderr, f'GPU 0 ({uuids[0]}) is not there any more')


@test
def a_gpu_that_is_lost_is_left_out_and_the_others_come_back():
    node = create(f'2x{A100}')
    tap.succeeded(on(node, 'apply', 'all=3g.20gb'))
    tap.succeeded(migctl('sim', 'reboot', node))
    tap.succeeded(migctl('sim', 'fault', 'add', node, 'lost', '-i', '1'))
    got = tap.succeeded(on(node, 'boot'))
    tap.contains(got.stderr, 'migctl: GPU 1 is lost (fallen off the bus) and is left out\n')
    got = tap.exited(on(node, 'undo'), 1)
    tap.equal(got.stderr, 'migctl: taking back transaction 1: apply all=3g.20gb\n'
              'migctl: GPU 1 is lost (fallen off the bus)\n'
              f'  a reboot brings it back: migctl sim reboot {node}\n')
    # What is there is compared, and what cannot be seen is not said to be as it was.
    got = tap.exited(on(node, 'diff'), 1)
    tap.equal((got.stdout, got.stderr.split('\n')[0]),
              ('', 'migctl: GPU 1 is lost (fallen off the bus)'))
    tap.succeeded(on(node, 'diff', '0=3g.20gb'))
    tap.exited(on(node, 'export'), 1)
    tap.succeeded(migctl('sim', 'fault', 'clear', node, 'lost', '-i', '1'))
    tap.equal([layout for _, layout in seen(node)], ['3g.20gb@4[3g.20gb@0]', ''])
    # It comes back with the next start, and what it had is not forgotten.
    tap.succeeded(migctl('sim', 'reboot', node))
    tap.equal(tap.succeeded(on(node, 'boot')).stderr, '')
    tap.equal([layout for _, layout in seen(node)], ['3g.20gb@4[3g.20gb@0]'] * 2)


@test
def a_change_that_a_reboot_has_ended():
    node = create(f'1x{A100}')
    tap.succeeded(on(node, 'apply', '0=3g.20gb'))
    want = seen(node)
    tap.exited(faulty(node, 'nvmlDeviceCreateGpuInstanceWithPlacement:2=kill', 'apply', '0=2g.10gb*3'),
               -9)
    tap.succeeded(migctl('sim', 'reboot', node))
    got = tap.succeeded(on(node, 'boot'))
    tap.equal(got.stderr, 'migctl: transaction 2 was left unfinished; the machine was started anew '
                          'since, so there is nothing to roll back\n')
    tap.equal(seen(node), want)
    tap.equal([entry['result'] for entry in history(node)], ['done', 'rebooted', 'done'])


@test
def a_restore_that_fails_says_so_and_changes_nothing():
    node = create(f'1x{H100}')
    tap.succeeded(on(node, 'apply', '0=3g.40gb'))
    tap.succeeded(migctl('sim', 'reboot', node))
    got = tap.exited(faulty(node, 'nvmlDeviceCreateGpuInstanceWithPlacement:1=UNKNOWN', 'boot'), 8)
    tap.contains(got.stderr, 'rolled back')
    tap.equal(seen(node), [(False, '')])
    tap.succeeded(on(node, 'boot'))


# ------------------------------------------------------------------- the unit

@test
def the_unit_is_valid():
    if not shutil.which('systemd-analyze'):
        tap.skip('systemd-analyze is not installed')
    unit = tap.tmpdir() / 'migctl-restore.service'
    text = open(tap.build('data', 'systemd', 'migctl-restore.service'), encoding='utf-8').read()
    # What it runs need not be installed here.
    lines = [f'ExecStart={MIGCTL} boot --wait=60' if line.startswith('ExecStart=') else line
             for line in text.splitlines()]
    unit.write_text('\n'.join(lines) + '\n')
    done = subprocess.run(['systemd-analyze', 'verify', '--man=no', unit], capture_output=True,
                          text=True, check=False)
    problems = [line for line in done.stderr.splitlines() if 'migctl-restore' in line]
    tap.equal((done.returncode, problems), (0, []))


@test
def the_unit_blocks_no_start():
    text = open(tap.build('data', 'systemd', 'migctl-restore.service'), encoding='utf-8').read()
    for part in ('Type=oneshot\n', 'TimeoutStartSec=', 'ExecStart=', ' boot --wait='):
        tap.contains(text, part)
    for other in ('docker', 'containerd', 'kubelet', 'slurmd'):
        tap.true(any(line.startswith('Before=') and f'{other}.service' in line
                     for line in text.splitlines()), other)
    for part in ('RequiredBy=', 'Requires=', 'FailureAction='):
        tap.not_contains(text, part)


tap.main()
