#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A change whose process died: the next changing command goes back first and says so. (Every point
at which it can die is tested elsewhere.)"""
import json

import tap
from tap import test

from layouts import A100, create, faulty, history, on, state, status

KILL = 'nvmlDeviceCreateGpuInstanceWithPlacement:2=kill'


def died(node, *command):
    got = faulty(node, KILL, *command)
    tap.exited(got, -9)
    return history(node)[0]['number']


@test
def the_next_change_goes_back_first():
    node = create(f'2x{A100}')
    tap.succeeded(on(node, 'apply', 'all=3g.20gb,1g.5gb'))
    before = state(node)
    number = died(node, 'apply', 'all=2g.10gb*3')
    tap.true(state(node) != before, 'it had begun')
    # The layout from before is wanted: it is there when the recovery is through.
    got = tap.succeeded(on(node, 'apply', 'all=3g.20gb,1g.5gb'))
    tap.true(got.stderr.startswith(f'migctl: transaction {number} was left unfinished and was rolled '
                                   'back first ('), got.stderr)
    tap.contains(got.stdout, 'Nothing had to change')
    tap.equal(state(node), before)
    tap.equal([(entry['number'], entry['result']) for entry in history(node)],
              [(2, 'rolled-back'), (1, 'done')])
    tap.equal(history(node)[0]['message'], 'left unfinished, and rolled back later')
    tap.equal(tap.succeeded(on(node, 'status')).stderr, '')


@test
def as_json():
    node = create(f'1x{A100}')
    tap.succeeded(on(node, 'apply', '0=on'))
    number = died(node, 'apply', '0=3g.20gb*2')
    got = tap.succeeded(on(node, 'apply', '--json', '0=7g.40gb'))
    tap.equal(got.stderr, '')
    document = json.loads(got.stdout)
    tap.equal((document['recovered'], document['changed']), (number, 'all'))
    got = tap.succeeded(on(node, 'apply', '--json', '0=7g.40gb'))
    tap.equal(json.loads(got.stdout)['recovered'], None)


@test
def also_undo_and_boot():
    for command in ('undo', 'boot'):
        node = create(f'1x{A100}', command)
        tap.succeeded(on(node, 'apply', '0=on'))
        died(node, 'apply', '0=3g.20gb*2')
        got = tap.succeeded(on(node, command))
        tap.contains(got.stderr, 'transaction 2 was left unfinished and was rolled back first')
        tap.equal([(gpu.mode, gpu.layout) for gpu in state(node)], [(command == 'boot', '')])


@test
def a_dry_run_only_reports():
    node = create(f'1x{A100}')
    died(node, 'apply', '0=3g.20gb*2')
    before = status(node)
    got = on(node, 'apply', '--dry-run', '0=3g.20gb')
    tap.true(got.rc in (0, 3), str(got))
    tap.contains(got.stderr, 'migctl: transaction 1 was left unfinished; the next changing command rolls '
                             'it back first\n')
    tap.equal(status(node), before)


@test
def a_recovery_that_cannot_go_back():
    node = create(f'1x{A100}')
    tap.succeeded(on(node, 'apply', '0=3g.20gb'))
    before = state(node)
    died(node, 'apply', '0=2g.10gb*3')
    got = faulty(node, 'nvmlDeviceCreateGpuInstanceWithPlacement:1+=UNKNOWN', 'apply', '0=7g.40gb')
    tap.exited(got, 9)
    tap.contains(got.stderr, "migctl: transaction 2 ('apply 0=2g.10gb*3' of ")
    tap.contains(got.stderr, 'was left unfinished and could not be rolled back: ')
    tap.contains(got.stderr, 'before it had: 3g.20gb@4')
    got = faulty(node, 'nvmlDeviceCreateGpuInstanceWithPlacement:1+=UNKNOWN', 'apply', '--json',
                 '0=7g.40gb')
    error = json.loads(tap.exited(got, 9).stderr)
    tap.equal((error['changed'], error['exit_status']), ('partial', 9))
    # Nothing was begun on top of it, and a healthy driver mends it.
    tap.equal([entry['result'] for entry in history(node)], ['unfinished', 'done'])
    tap.succeeded(on(node, 'apply', '0=3g.20gb'))
    tap.equal(state(node), before)


@test
def a_lost_gpu_is_told_and_the_others_are_taken_back():
    node = create(f'2x{A100}')
    tap.succeeded(on(node, 'apply', 'all=3g.20gb'))
    died(node, 'apply', 'all=2g.10gb*3')
    tap.succeeded(tap.run([tap.build('migctl'), 'sim', 'fault', 'add', node, 'lost', '-i', '1']))
    got = tap.exited(on(node, 'apply', '0=7g.40gb'), 9)
    tap.contains(got.stderr, 'GPU 1 (GPU-')
    tap.contains(got.stderr, ') is lost or gone, it had: 3g.20gb@4')
    tap.contains(got.stderr, f'  a reboot brings the GPU back and ends the transaction: migctl sim '
                             f'reboot {node}\n')
    tap.succeeded(tap.run([tap.build('migctl'), 'sim', 'fault', 'clear', node, 'lost', '-i', '1']))
    tap.succeeded(on(node, 'apply', 'all=3g.20gb'))
    tap.equal([gpu.layout for gpu in state(node)], ['3g.20gb@4[3g.20gb@0]'] * 2)


@test
def others_have_changed_it_since():
    """What they did is theirs, and does not keep the node from being used."""
    for name, meanwhile, has in (
            ('reset', ['sim', 'reset', '{}', '-i', '0'], 'no instances'),
            ('made', ['--node', '{}', 'smi', 'mig', '-cgi', '15', '-C', '-i', '0'],
             '3g.20gb@4 1g.10gb@0 1g.5gb@3'),
            ('gone', ['--node', '{}', 'smi', 'mig', '-dci', '-i', '0', '-gi', '2'],
             '3g.20gb@4 (no compute instance) 1g.5gb@3')):
        node = create(f'2x{A100}', name)
        tap.succeeded(on(node, 'mode', 'on'))
        tap.succeeded(on(node, 'create', '-i', '0', '3g.20gb', '1g.5gb'))
        tap.true(died(node, 'create', '-i', '0', '1g.5gb*2') == 3)
        tap.succeeded(tap.run([tap.build('migctl'), *(word.format(node) for word in meanwhile)]))
        got = tap.succeeded(on(node, 'create', '-i', '1', '2g.10gb'))
        tap.contains(got.stderr, 'migctl: transaction 3 was left unfinished; what it had done is taken '
                                 'back, and this is not as it was before it: GPU 0 has: ')
        tap.contains(got.stderr, has)
        tap.contains(got.stderr, '; before it had: 3g.20gb@4 1g.5gb@3\n')
        tap.equal([entry['result'] for entry in history(node)], ['done', 'partial', 'done', 'done'])
        tap.not_contains(state(node)[0].layout, '1g.5gb@2')
        tap.equal(tap.succeeded(on(node, 'create', '-i', '1', '2g.10gb')).stderr, '')


@test
def what_could_not_be_seen_is_not_given_up():
    """A GPU that answers nothing for a moment keeps what was left on it from being called another's."""
    for number, fault in enumerate(('nvmlDeviceGetHandleByIndex_v2:1=GPU_IS_LOST',
                                    'nvmlDeviceGetMigMode:1=NOT_SUPPORTED')):
        node = create(f'2x{A100}', f'node{number}')
        tap.succeeded(on(node, 'mode', 'on'))
        before = state(node)
        tap.exited(faulty(node, 'nvmlGpuInstanceCreateComputeInstanceWithPlacement:1=kill', 'create',
                          '-i', '0', '1g.5gb'), -9)
        tap.true(state(node) != before)
        got = faulty(node, fault, 'create', '-i', '1', '1g.5gb')
        tap.true(got.rc in (1, 4, 9), got)
        tap.equal(history(node)[0]['result'], 'unfinished')
        tap.succeeded(on(node, 'create', '-i', '1', '1g.5gb'))
        tap.equal(state(node)[0].layout, '')
        tap.equal([entry['result'] for entry in history(node)][:2], ['done', 'rolled-back'])


@test
def one_wrong_answer_of_the_driver():
    """An instance that it does not list for once is not taken for gone: nothing is changed then."""
    node = create(f'1x{A100}')
    tap.succeeded(on(node, 'mode', 'on'))
    tap.succeeded(on(node, 'create', '3g.20gb', '1g.5gb'))
    before = state(node)
    contradicted = 0
    for number in range(2, 62, 4):
        for function in ('nvmlGpuInstanceGetComputeInstanceProfileInfoV',
                         'nvmlDeviceGetGpuInstanceProfileInfoV'):
            got = faulty(node, f'{function}:{number}=NOT_SUPPORTED', 'create', '1c.2g.10gb*2')
            tap.true(got.rc in (0, 1, 4, 8), f'{function}:{number}: {got}')
            contradicted += 'and does not list that one' in got.stderr
            if got.rc == 0:
                tap.succeeded(on(node, 'destroy', '2g.10gb'))
            tap.equal(state(node), before, f'{function}:{number}')
    tap.true(contradicted > 3, contradicted)
    got = tap.exited(faulty(node, 'nvmlDeviceGetGpuInstanceProfileInfoV:4+=NOT_SUPPORTED', 'destroy',
                            '--all'), 1)
    tap.not_contains(got.stdout, 'Nothing had to change')
    tap.equal(state(node), before)


@test
def a_start_of_the_machine_ends_it():
    node = create(f'1x{A100}')
    died(node, 'apply', '0=3g.20gb*2')
    tap.succeeded(tap.run([tap.build('migctl'), 'sim', 'reboot', node]))
    said = 'transaction 1 was left unfinished, and a start of the machine has ended it'
    tap.contains(tap.succeeded(on(node, 'status')).stderr, said)
    tap.contains(' '.join(tap.succeeded(on(node, 'doctor')).stdout.split()),
                 'left unfinished, and a start of the machine has ended it')
    tap.succeeded(on(node, 'boot'))
    tap.equal(tap.succeeded(on(node, 'status')).stderr, '')


@test
def undo_and_boot_go_back_first_also_when_they_have_nothing_to_do():
    for command, status in (('undo', 4), ('boot', 0)):
        node = create(f'1x{A100}', name=command)
        before = state(node)
        number = died(node, 'apply', '0=1g.5gb*3')
        tap.true(state(node) != before)
        got = tap.exited(on(node, command), status)
        tap.contains(got.stderr, f'migctl: transaction {number} was left unfinished and was rolled '
                                 'back first')
        tap.equal(state(node), before)
        tap.equal(history(node)[0]['result'], 'rolled-back')


tap.main()
