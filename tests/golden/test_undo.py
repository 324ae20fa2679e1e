#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`migctl undo` and `history`: what was done, and going back step by step."""
import json
import os
import re

import tap
from tap import test

from layouts import A100, create, faulty, history, layouts, migctl, node_dir, on, state, user


def journal(node, number):
    return node_dir(node) / f'root/var/lib/migctl/journal/{number:08}.journal'


# ------------------------------------------------------------------- undo

@test
def nothing_to_take_back():
    node = create(f'1x{A100}')
    for options in ((), ('--dry-run',)):
        got = tap.exited(on(node, 'undo', *options), 4)
        tap.equal((got.stdout, got.stderr),
                  ('', 'migctl: there is nothing to take back\n'
                       '  migctl --node n history shows what was done on this node\n'))


@test
def undo_goes_back_one_by_one():
    node = create(f'2x{A100}')
    seen = [[(gpu.mode, gpu.layout) for gpu in state(node)]]
    for wish in ('all=3g.20gb*2', '0=7g.40gb', 'all=1g.5gb*7'):
        tap.succeeded(on(node, 'apply', wish))
        seen.append([(gpu.mode, gpu.layout) for gpu in state(node)])
    got = tap.exited(on(node, 'undo', '--dry-run'), 3)
    tap.contains(got.stdout, 'Plan: 2 of 2 GPUs change')
    for number in (3, 2, 1):
        got = tap.succeeded(on(node, 'undo'))
        tap.contains(got.stderr, f'migctl: taking back transaction {number}: apply ')
        tap.equal([(gpu.mode, gpu.layout) for gpu in state(node)], seen[number - 1])
    tap.exited(on(node, 'undo'), 4)
    # After a new change that one is taken back, and then nothing is left again.
    tap.succeeded(on(node, 'apply', '0=4g.20gb'))
    tap.succeeded(on(node, 'undo'))
    tap.equal([(gpu.mode, gpu.layout) for gpu in state(node)], seen[0])
    tap.exited(on(node, 'undo'), 4)
    tap.equal([(entry['kind'], entry['undoes']) for entry in reversed(history(node))],
              [('apply', None)] * 3 + [('undo', 3), ('undo', 2), ('undo', 1), ('apply', None),
                                       ('undo', 7)])


@test
def undo_as_json():
    node = create(f'1x{A100}')
    tap.succeeded(on(node, 'apply', '0=7g.40gb'))
    got = tap.succeeded(on(node, 'undo', '--json'))
    document = json.loads(got.stdout)
    tap.equal(got.stderr, '')
    tap.equal((document['schema'], document['changed'], document['transaction']),
              ('migctl.undo/1', 'all', 2))


@test
def undo_of_what_was_taken_back_by_hand_goes_further():
    node = create(f'1x{A100}')
    tap.succeeded(on(node, 'apply', '0=on'))
    tap.succeeded(on(node, 'apply', '0=7g.40gb'))
    tap.succeeded(migctl('sim', 'reset', node))
    got = tap.succeeded(on(node, 'undo'))
    tap.equal(got.stdout, 'Nothing had to change: 1 GPU is as wanted.\n')
    tap.equal(state(node)[0].mode, True)
    got = tap.succeeded(on(node, 'undo'))
    tap.contains(got.stderr, 'taking back transaction 1: apply 0=on')
    tap.equal(state(node)[0].mode, False)


@test
def what_waits_for_a_reset_can_be_taken_back():
    node = create(f'1x{A100}:reset-required,1x{A100}')
    tap.exited(on(node, 'apply', '--skip-reset', 'all=7g.40gb'), 9)
    tap.equal([(gpu.mode, gpu.pending) for gpu in state(node)], [(False, True), (True, True)])
    got = tap.succeeded(on(node, 'undo'))
    tap.contains(got.stderr, 'taking back transaction 1: apply --skip-reset all=7g.40gb')
    tap.equal([(gpu.mode, gpu.pending) for gpu in state(node)], [(False, False)] * 2)


@test
def a_change_that_failed_is_not_taken_back():
    node = create(f'1x{A100}')
    tap.succeeded(on(node, 'apply', '0=7g.40gb'))
    tap.exited(faulty(node, 'nvmlDeviceCreateGpuInstanceWithPlacement:1=UNKNOWN', 'apply',
                      '0=3g.20gb*2'), 8)
    tap.equal([entry['result'] for entry in history(node)], ['rolled-back', 'done'])
    tap.contains(tap.succeeded(on(node, 'undo')).stderr, 'taking back transaction 1:')


# ------------------------------------------------------------------- history

@test
def the_list():
    node = create(f'2x{A100}')
    got = tap.succeeded(on(node, 'history'))
    tap.equal((got.stdout, got.stderr), ('Nothing was changed on this node yet.\n', ''))
    tap.equal(history(node), [])
    tap.succeeded(on(node, 'apply', 'all=3g.20gb*2'))
    tap.succeeded(on(node, 'apply', '0=1g.5gb,1g.5gb,1g.5gb,1g.5gb,1g.5gb,1g.5gb'))
    tap.succeeded(on(node, 'undo'))
    lines = tap.succeeded(on(node, 'history')).stdout.splitlines()
    when = r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d'
    for line, want in zip(lines, (
            r'NUMBER +WHEN +WHO +RESULT +GPUS +COMMAND',
            rf'3 +{when} +{user()} +done +1 +undo \(of 2\)',
            rf'2 +{when} +{user()} +done +1 +apply 0=1g\.5gb(,1g\.5gb)*.*\.\.\.',
            rf'1 +{when} +{user()} +done +2 +apply all=3g\.20gb\*2')):
        tap.true(re.fullmatch(want, line.rstrip()), f'{line!r} is not {want!r}')
    tap.equal(len(lines), 4)
    tap.true(max(map(len, lines)) <= 100)
    tap.equal(len(tap.succeeded(on(node, 'history', '-n', '2')).stdout.splitlines()), 3)
    tap.equal([entry['number'] for entry in history(node, '-n', '1')], [3])
    for count in ('0', '-1', 'x', ''):
        tap.contains(tap.exited(on(node, 'history', '-n', count), 2).stderr, "option '--count'")


@test
def twenty_are_shown_and_all_on_demand():
    node = create(f'1x{A100}')
    for i in range(11):
        tap.succeeded(on(node, 'apply', '0=7g.40gb'))
        tap.succeeded(on(node, 'apply', '0=on'))
    tap.equal(len(history(node)), 20)
    tap.equal([entry['number'] for entry in history(node, '--all')], list(range(22, 0, -1)))


@test
def one_transaction():
    node = create(f'1x{A100}')
    tap.succeeded(on(node, 'apply', '0=3g.20gb,1g.5gb'))
    uuids = state(node)[0].uuids
    tap.succeeded(on(node, 'apply', '0=3g.20gb'))
    text = tap.succeeded(on(node, 'history', '2')).stdout
    tap.contains(text, 'Transaction 2: apply 0=3g.20gb\n')
    tap.contains(text, f'  by {user()} (process ')
    tap.contains(text, '  GPU 0 before: ')
    tap.contains(text, '  GPU 0 after: 3g.20gb@4\n')
    tap.contains(text, 'Operations:\n  done      GPU 0: destroy compute instance 1g.5gb')
    entry = history(node, '-n', '1')[0]
    tap.equal(json.loads(tap.succeeded(on(node, 'history', '2', '--json')).stdout),
              {'schema': 'migctl.history/1', 'transactions': [entry]})
    tap.equal(entry['result'], 'done')
    tap.equal(entry['uid'], os.getuid())
    tap.true(re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ', entry['begin']), entry['begin'])
    tap.equal(entry['before'][0]['mig_mode'], True)
    gone = [op['expected_uuid'] for op in entry['operations']
            if op['kind'] == 'destroy-compute-instance']
    tap.equal(gone, [uuid for place, uuid in uuids.items() if place.startswith('1g')])
    got = tap.exited(on(node, 'history', '7'), 4)
    tap.equal(got.stderr, 'migctl: there is no transaction 7\n'
                          '  migctl --node n history --all lists those that are kept\n')
    for number in ('0', 'x', '-1', '99999999999'):
        tap.exited(on(node, 'history', number), 2)


@test
def history_needs_no_driver():
    node = create(f'1x{A100}')
    tap.succeeded(on(node, 'apply', '0=7g.40gb'))
    env = {'LD_LIBRARY_PATH': tap.tmpdir(), 'MIGCTL_HOST_ROOT': node_dir(node) / 'root'}
    tap.contains(tap.succeeded(migctl('history', env=env)).stdout, 'apply 0=7g.40gb')


@test
def a_command_with_odd_bytes_stays_on_its_line():
    node = create(f'1x{A100}')
    path = tap.tmpdir() / 'a\nb\x1b[31m.yaml'
    path.write_text('version: v1\nmig-configs:\n  x: [{devices: all, mig-enabled: true, mig-devices: {}}]\n')
    tap.succeeded(on(node, 'apply', '-f', path))
    for command in (['history'], ['history', '1']):
        got = tap.succeeded(on(node, *command))
        tap.not_contains(got.stdout, '\x1b')
        tap.not_contains(got.stdout, 'a\nb')


@test
def a_damaged_journal():
    node = create(f'1x{A100}')
    tap.succeeded(on(node, 'apply', '0=7g.40gb'))
    tap.succeeded(on(node, 'apply', '0=3g.20gb'))
    path = journal(node, 2)
    data = path.read_bytes()
    at = data.index(b'command')
    path.write_bytes(data[:at] + b'K' + data[at + 1:])
    before = layouts(node)
    # The list shows the others, and fails.
    got = tap.exited(on(node, 'history'), 1)
    tap.contains(got.stdout, 'apply 0=7g.40gb')
    tap.contains(got.stderr, f"migctl: 1 journal cannot be read: the journal '{path}' cannot be used")
    got = tap.exited(on(node, 'history', '2'), 1)
    tap.contains(got.stderr, f"the journal '{path}' cannot be used")
    # Nothing is changed on a node of which nobody knows what was left unfinished.
    for command in (['apply', '0=2g.10gb'], ['apply', '0=3g.20gb'], ['undo']):
        got = tap.exited(on(node, *command), 1)
        tap.contains(got.stderr, str(path))
        tap.contains(got.stderr, "compare 'migctl --node n status' with what you want, then: rm "
                                 f'{path}\n')
        tap.equal(layouts(node), before)
    # Readers go on, and say it.
    got = tap.exited(on(node, 'plan', '0=2g.10gb'), 3)
    tap.contains(got.stderr, str(path))
    path.unlink()
    tap.succeeded(on(node, 'apply', '0=2g.10gb'))


@test
def a_journal_that_somebody_else_could_have_written_is_refused():
    node = create(f'1x{A100}')
    tap.succeeded(on(node, 'apply', '0=7g.40gb'))
    path = journal(node, 1)
    path.chmod(0o666)
    got = tap.exited(on(node, 'apply', '0=3g.20gb'), 7)
    tap.contains(got.stderr, f"others may write to '{path}'")
    tap.equal(layouts(node), ['7g.40gb@0[7g.40gb@0]'])
    path.chmod(0o644)
    tap.succeeded(on(node, 'apply', '0=3g.20gb'))


@test
def files_of_the_node():
    node = create(f'1x{A100}')
    tap.succeeded(on(node, 'apply', '0=7g.40gb'))
    root = node_dir(node) / 'root'
    for path, mode in (('run/migctl/lock', 0o600), ('var/lib/migctl/journal', 0o755),
                       ('var/lib/migctl/journal/00000001.journal', 0o644)):
        tap.equal(oct((root / path).stat().st_mode & 0o7777), oct(mode), path)
    tap.equal(sorted(path.name for path in (root / 'var/lib/migctl/journal').iterdir()),
              ['00000001.journal'])


tap.main()
