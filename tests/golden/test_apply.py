#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`migctl apply` on simulated nodes: what it prints, how it ends, and what is there afterwards."""
import json
import os
import pathlib
import shutil

import tap
from tap import test

from layouts import (EXAMPLES, MIGCTL, apply, config, counted, create, first_uuid, held, layouts,
                     migctl, node_dir, on, state, status, whole)

A100 = 'a100-sxm4-40gb'
A30 = 'a30-24gb'


def refused_untouched(node, file, label, rc, *parts):
    """The command ends with rc, says all these, prints nothing, and changed nothing."""
    before = status(node)
    got, _, changing = counted(node, file, label)
    tap.exited(got, rc)
    for part in parts:
        tap.contains(got.stderr, part)
    tap.equal(got.stdout, '')
    tap.equal(changing, 0)
    tap.equal(status(node), before)
    return got


# ------------------------------------------------------------------- the examples

A30_LABELS = {
    'all-disabled': [(False, '')] * 2,
    'all-enabled': [(True, '')] * 2,
    'all-1g.6gb': [(True, ' '.join(f'1g.6gb@{i}[1g.6gb@0]' for i in range(4)))] * 2,
    'all-2g.12gb': [(True, '2g.12gb@0[2g.12gb@0] 2g.12gb@2[2g.12gb@0]')] * 2,
    'all-balanced': [(True, '1g.6gb@0[1g.6gb@0] 1g.6gb@1[1g.6gb@0] 2g.12gb@2[2g.12gb@0]')] * 2,
    'custom-config': [(True, ' '.join(f'1g.6gb@{i}[1g.6gb@0]' for i in range(4))),
                      (True, '2g.12gb@0[2g.12gb@0] 2g.12gb@2[2g.12gb@0]')],
}

ONES = ' '.join(f'1g.5gb@{i}[1g.5gb@0]' for i in range(7))
TWOS = ' '.join(f'2g.10gb@{i}[2g.10gb@0]' for i in (0, 2, 4))
THREES = '3g.20gb@0[3g.20gb@0] 3g.20gb@4[3g.20gb@0]'
BALANCED = '1g.5gb@0[1g.5gb@0] 1g.5gb@1[1g.5gb@0] 2g.10gb@2[2g.10gb@0] 3g.20gb@4[3g.20gb@0]'

DGX_LABELS = {
    'all-disabled': [(False, '')] * 8,
    'all-enabled': [(True, '')] * 8,
    'all-1g.5gb': [(True, ONES)] * 8,
    'all-2g.10gb': [(True, TWOS)] * 8,
    'all-3g.20gb': [(True, THREES)] * 8,
    'all-7g.40gb': [(True, '7g.40gb@0[7g.40gb@0]')] * 8,
    'all-balanced': [(True, BALANCED)] * 8,
    'custom-config': [(False, '')] * 4 + [(True, ONES), (True, TWOS), (True, THREES),
                                          (True, BALANCED)],
}


def reaches(gpus, file, label, want):
    node = create(gpus)
    tap.succeeded(apply(node, file, label))
    tap.equal([(gpu.mode, gpu.layout) for gpu in state(node)], want)
    got, _, changing = counted(node, file, label)
    tap.succeeded(got)
    tap.equal(got.stdout, f'Nothing had to change: {len(want)} GPUs are as wanted.\n')
    tap.equal(got.stderr, '')
    tap.equal(changing, 0)


def add_examples():
    for label, want in A30_LABELS.items():
        tap.add(f'a30_{label}',
                lambda label=label, want=want: reaches(f'2x{A30}', EXAMPLES / 'a30.yaml', label, want))
    for label, want in DGX_LABELS.items():
        tap.add(f'dgx_a100_{label}', lambda label=label, want=want: reaches(
            f'8x{A100}', EXAMPLES / 'dgx-a100.yaml', label, want))


add_examples()


@test
def from_each_a30_label_to_each_other():
    node = create(f'2x{A30}')
    file = EXAMPLES / 'a30.yaml'
    for first in A30_LABELS:
        for second, want in A30_LABELS.items():
            tap.succeeded(apply(node, file, first))
            tap.succeeded(apply(node, file, second))
            tap.equal([gpu.mode for gpu in state(node)], [mode for mode, _ in want])
            # Where a kept instance stays is the plan's business; the set is not.
            tap.equal([sorted(part.split('@')[0] for part in gpu.layout.split('] '))
                       for gpu in state(node)],
                      [sorted(part.split('@')[0] for part in layout.split('] '))
                       for _, layout in want], f'{first} to {second}')


@test
def what_is_printed():
    node = create(f'2x{A30}')
    got = tap.succeeded(apply(node, EXAMPLES / 'a30.yaml', 'all-2g.12gb'))
    uuids = [gpu.uuids for gpu in state(node)]
    tap.equal(got.stdout,
              'Plan: 2 of 2 GPUs change, 10 operations\n'
              '  GPU 0-1: turn MIG on, create 2: 2g.12gb@2 2g.12gb@0\n'
              '  now: MIG off\n'
              '  then:\n'
              '  ┌───────────────────────────────────┬───────────────────────────────────┐\n'
              '  │2g.12gb                            │2g.12gb                            │\n'
              '  └───────────────────────────────────┴───────────────────────────────────┘\n'
              '  takes: not known, not every operation of it was measured on this node yet\n'
              'New MIG devices:\n'
              f"  GPU 0   2:2   2g.12gb         {uuids[0]['2g.12gb@2/0']}\n"
              f"  GPU 0   0:2   2g.12gb         {uuids[0]['2g.12gb@0/0']}\n"
              f"  GPU 1   2:2   2g.12gb         {uuids[1]['2g.12gb@2/0']}\n"
              f"  GPU 1   0:2   2g.12gb         {uuids[1]['2g.12gb@0/0']}\n"
              'Done: 10 operations.\n')
    tap.equal(got.stderr, '')
    tap.equal(len({uuid for gpu in uuids for uuid in gpu.values()}), 4)


@test
def a_long_plan_stays_within_a_terminal():
    node = create(f'8x{A100}')
    tap.succeeded(apply(node, EXAMPLES / 'dgx-a100.yaml', 'all-1g.5gb'))
    got = tap.exited(apply(node, EXAMPLES / 'dgx-a100.yaml', 'all-2g.10gb', '-n'), 3)
    tap.equal(got.stdout,
              'Plan: 8 of 8 GPUs change, 160 operations\n'
              '  GPU 0-7: destroy 7: 1g.5gb@0 1g.5gb@1 1g.5gb@2 1g.5gb@3 1g.5gb@4 1g.5gb@5\n'
              '      1g.5gb@6, create 3: 2g.10gb@4 2g.10gb@2 2g.10gb@0\n'
              '  now:\n'
              '  ┌────────┬────────┬────────┬────────┬────────┬────────┬────────┬────────┐\n'
              '  │1g.5gb  │1g.5gb  │1g.5gb  │1g.5gb  │1g.5gb  │1g.5gb  │1g.5gb  │        │\n'
              '  └────────┴────────┴────────┴────────┴────────┴────────┴────────┴────────┘\n'
              '  then:\n'
              '  ┌─────────────────┬─────────────────┬─────────────────┬─────────────────┐\n'
              '  │2g.10gb          │2g.10gb          │2g.10gb          │                 │\n'
              '  └─────────────────┴─────────────────┴─────────────────┴─────────────────┘\n'
              '  takes: not known, not every operation of it was measured on this node yet\n')
    tap.true(max(map(len, got.stdout.splitlines())) <= 80)


# ------------------------------------------------------------------- what stays

@test
def what_matches_is_kept_with_its_uuid():
    node = create(f'1x{A100}')
    file = config(f"""\
        first: {whole('all', {'3g.20gb': 1, '2g.10gb': 1, '1g.5gb': 2})}
        second: {whole('all', {'3g.20gb': 1, '1g.5gb': 3})}
        third: {whole('all', {'3g.20gb': 1, '4g.20gb': 1})}
        """)
    tap.succeeded(apply(node, file, 'first'))
    first = state(node)[0]
    got, _, changing = counted(node, file, 'second')
    tap.succeeded(got)
    tap.equal(changing, 4)  # the 2g goes with its compute instance, a 1g comes with one
    second = state(node)[0]
    for place in ('3g.20gb@4/0', '1g.5gb@0/0', '1g.5gb@1/0'):
        tap.equal(second.uuids[place], first.uuids[place])
    tap.equal(len(second.uuids), 4)
    tap.succeeded(apply(node, file, 'third'))
    third = state(node)[0]
    tap.equal(third.layout, '4g.20gb@0[4g.20gb@0] 3g.20gb@4[3g.20gb@0]')
    tap.equal(third.uuids['3g.20gb@4/0'], first.uuids['3g.20gb@4/0'])


@test
def compute_instances_change_inside_a_kept_gpu_instance():
    node = create(f'1x{A100}')
    file = config(f"""\
        first: {whole('all', {'1c.3g.20gb': 3})}
        second: {whole('all', {'1c.3g.20gb': 1, '2c.3g.20gb': 1})}
        third: {whole('all', {'1c.3g.20gb': 4})}
        """)
    tap.succeeded(apply(node, file, 'first'))
    first = state(node)[0]
    tap.equal(first.layout, '3g.20gb@4[1c.3g.20gb@0 1c.3g.20gb@1 1c.3g.20gb@2]')
    got = tap.succeeded(apply(node, file, 'second'))
    tap.contains(got.stdout, 'keep 1 instance, destroy 2 compute instances, create 1 compute instance')
    second = state(node)[0]
    tap.equal(second.layout, '3g.20gb@4[2c.3g.20gb@0 1c.3g.20gb@2]')
    tap.equal(second.uuids['3g.20gb@4/2'], first.uuids['3g.20gb@4/2'])
    tap.succeeded(apply(node, file, 'third'))
    tap.equal(len(state(node)[0].layout.split('] ')), 2)
    tap.equal(len(state(node)[0].uuids), 4)


@test
def an_alias_and_a_zero_are_no_difference():
    node = create(f'1x{A100}')
    file = config(f"""\
        first: {whole('all', {'1g.5gb': 2})}
        second: {whole('all', {'1c.1g.5gb': 2, '3g.20gb': 0})}
        """)
    tap.succeeded(apply(node, file, 'first'))
    tap.equal(tap.succeeded(apply(node, file, 'second')).stdout,
              'Nothing had to change: 1 GPU is as wanted.\n')


@test
def gpus_that_no_entry_names_stay_as_they_are():
    node = create(f'2x{A100}')
    file = config(f"""\
        both: {whole('all', {'7g.40gb': 1})}
        one: {whole([1], {'1g.5gb': 1})}
        """)
    tap.succeeded(apply(node, file, 'both'))
    before = state(node)[0]
    tap.succeeded(apply(node, file, 'one'))
    tap.equal(state(node)[0], before)
    tap.equal(layouts(node)[1].count('1g.5gb@'), 2)


@test
def a_swapped_gpu_beside_a_normal_one():
    node = create(f'1x{A100},1x{A100}:swapped,1x{A100}')
    file = config(f"""\
        fours: {whole('all', {'4g.20gb': 1, '3g.20gb': 1})}
        ones: {whole('all', {'1g.5gb': 7})}
        """)
    tap.succeeded(apply(node, file, 'fours'))
    normal = '4g.20gb@0[4g.20gb@0] 3g.20gb@4[3g.20gb@0]'
    tap.equal(layouts(node), [normal] * 3)
    tap.succeeded(apply(node, file, 'ones'))
    tap.equal([layout.count('1g.5gb@') // 2 for layout in layouts(node)], [7, 7, 7])


@test
def filters_on_a_mixed_node():
    node = create(f'1x{A100},1xt4-16gb,1x{A30}')
    file = config("""\
        mixed:
        - device-filter: [0x20B010DE, 0x20B210DE]
          devices: all
          mig-enabled: true
          mig-devices: {7g.40gb: 1}
        - device-filter: 0x20B710DE
          devices: all
          mig-enabled: on
          mig-devices: {4g.24gb: 1}
        """)
    got = tap.succeeded(apply(node, file))  # the only label needs no -c
    tap.contains(got.stdout, 'Plan: 2 of 3 GPUs change')
    tap.equal(layouts(node), ['7g.40gb@0[7g.40gb@0]', '', '4g.24gb@0[4g.24gb@0]'])


KEEPING = """version: migctl/v1
layouts:
  x:
    - gpus: all
      mig: on
      keep-in-use: true
      devices: [DEVICES]
"""


@test
def what_is_in_use_is_kept_or_keeps_its_gpu_as_it_is():
    node = create(f'2x{A100}')
    tap.succeeded(on(node, 'apply', 'all=3g.20gb*2'))
    file = tap.tmpdir() / 'keep.yaml'
    with held(node, first_uuid(node)) as pid:
        before = state(node)
        # It has no place in seven 1g: its GPU stays, the other one is changed.
        file.write_text(KEEPING.replace('DEVICES', '"1g.5gb*7"'))
        got = tap.exited(on(node, 'plan', '-f', file), 3)
        tap.contains(got.stdout, 'Plan: 1 of 2 GPUs changes')
        tap.contains(got.stdout, f'  GPU 0 stays as it is: it is in use by process {pid} (migctl of ')
        got = tap.exited(on(node, 'apply', '-f', file), 5)
        tap.contains(got.stderr, 'migctl: GPU 0: what is in use there cannot stay in the wanted layout, '
                                 'so it was left as it is\n  run it again when they are free\n')
        tap.equal(state(node)[0], before[0])
        tap.equal(state(node)[1].layout, ONES)
        got = tap.exited(on(node, 'apply', '-f', file, '--json'), 5)
        tap.equal([gpu['blocked'] for gpu in json.loads(got.stdout)['gpus']], [True, False])
        tap.exited(on(node, 'assert', '-f', file), 3)
        # It has a place here, wherever the others go.
        file.write_text(KEEPING.replace('DEVICES', '3g.20gb, "1g.5gb*3"'))
        tap.succeeded(on(node, 'apply', '-f', file))
        after = state(node)
        tap.true(set(after[0].uuids.values()) & set(before[0].uuids.values()), 'the held one is kept')
        tap.equal([len(gpu.uuids) for gpu in after], [4, 4])
    file.write_text(KEEPING.replace('DEVICES', '"1g.5gb*7"'))
    tap.succeeded(on(node, 'apply', '-f', file))
    tap.equal(layouts(node), [ONES] * 2)


@test
def so_many_over_all_gpus():
    node = create(f'2x{A100}')
    tap.succeeded(on(node, 'apply', 'all=total:1g.5gb*9,3g.20gb*1'))
    tap.equal(sum(layout.count('1g.5gb@') for layout in layouts(node)) // 2, 9)
    tap.contains(tap.succeeded(on(node, 'apply', 'all=total:1g.5gb*9,3g.20gb*1')).stdout,
                 'Nothing had to change')
    tap.exited(on(node, 'apply', 'all=total:1g.5gb*15'), 4)


# ------------------------------------------------------------------- refusals

@test
def refused_before_any_changing_call():
    node = create(f'2x{A100}')
    tap.succeeded(apply(node, config(f"a: {whole('all', {'1g.5gb': 1})}"), 'a'))
    cases = [
        (whole('all', {'1g.6gb': 1}), 4, ':3:', "GPU 0 (NVIDIA A100-SXM4-40GB) has no profile '1g.6gb'",
         "did you mean '1g.5gb'?"),
        (whole('all', {'1g.5gb': 8}), 4, ":3:3: label 'x': GPU 0: 8 x 1g.5gb do not fit together",
         'on an empty GPU of this kind fit, each alone: 7 x 1g.5gb'),
        (whole('all', {'3g.20gb': 2, '1g.5gb': 1}), 4, 'GPU 0: 2 x 3g.20gb, 1 x 1g.5gb do not fit'),
        (whole('all', {'1g.5gb+me': 2}), 4, 'GPU 0: 2 x 1g.5gb+me do not fit'),
        (whole('all', {'1g.5gb': 2147483647}), 4, 'GPU 0: 2147483647 x 1g.5gb do not fit'),
        (whole([0, 2], {'1g.5gb': 1}), 4, ':3:', 'there is no GPU 2', 'this node has 2 GPUs'),
        (whole([], {}), 4, "label 'x' matches no GPU of this node"),
        ("[{devices: all, mig-enabled: true, mig-devices: {}}, {devices: [1], mig-enabled: false}]",
         4, ':3:', 'this entry wants something else of GPU 1 than the one at 3:'),
        ("[{device-filter: 0x20B710DE, devices: all, mig-enabled: false}]", 4,
         "label 'x' matches no GPU of this node"),
        ("[{device-filter: A100, devices: all, mig-enabled: false}]", 4, ':3:',
         "malformed device-filter 'A100'"),
        ("[{devices: all, mig-enabled: maybe}]", 4, ':3:', "'mig-enabled' is true or false"),
        ("[{devices: all, mig-enable: true}]", 4, ':3:', "unknown field 'mig-enable'",
         "did you mean 'mig-enabled'?"),
    ]
    for entries, rc, *parts in cases:
        refused_untouched(node, config(f'x: {entries}'), 'x', rc, *parts)


@test
def an_unknown_label():
    node = create(f'1x{A100}')
    refused_untouched(node, EXAMPLES / 'dgx-a100.yaml', 'all-balance', 4,
                      "has no label 'all-balance'", "did you mean 'all-balanced'?")
    got = apply(node, EXAMPLES / 'dgx-a100.yaml')
    tap.exited(got, 2)
    tap.contains(got.stderr, 'has 8 labels: say which one with -c')


@test
def a_gpu_without_mig():
    node = create('1xt4-16gb')
    refused_untouched(node, config(f"x: {whole([0], {'1g.5gb': 1})}"), 'x', 4,
                      'GPU 0 (Tesla T4) has no MIG')
    refused_untouched(node, config(f"x: {whole('all', {}, False)}"), 'x', 4,
                      "label 'x' matches no GPU of this node")
    tap.succeeded(apply(node, config(f"x: {whole([0], {}, False)}")))


@test
def a_file_that_is_not_there_or_not_yaml():
    node = create(f'1x{A100}')
    got = apply(node, tap.tmpdir() / 'none.yaml')
    tap.exited(got, 1)
    tap.contains(got.stderr, 'none.yaml')
    tap.contains(got.stderr, 'No such file or directory')
    tap.exited(apply(node, tap.tmpdir()), 1)
    bad = tap.tmpdir() / 'bad.yaml'
    bad.write_text('version: v1\nmig-configs:\n\tall: []\n')
    refused_untouched(node, bad, None, 4, f'{bad}:3:1: ')


@test
def without_a_file_there_are_labels_made_from_the_gpus():
    node = create(f'1x{A30}')
    got = tap.exited(on(node, 'apply'), 2)
    tap.equal(got.stderr, "migctl: no layout is named, and there is no "
              f"'{node_dir(node)}/root/etc/migctl/config.yaml'\n"
              "  name a LAYOUT as in 'all=1g.5gb*7', a file (-f), or one of the labels made from the "
              'GPUs (-c): all-disabled, all-enabled, all-1g.6gb, all-2g.12gb, all-4g.24gb, '
              'all-1g.6gb.me, all-2g.12gb.me, all-balanced\n')
    got = tap.exited(on(node, 'apply', '-c', 'all-balance'), 4)
    tap.contains(got.stderr, "and of the labels made from the GPUs here none is called 'all-balance'\n"
                 "  did you mean 'all-balanced'? There are: all-disabled, ")
    tap.succeeded(on(node, 'apply', '-c', 'all-balanced'))
    tap.equal(layouts(node), ['1g.6gb@0[1g.6gb@0] 1g.6gb@1[1g.6gb@0] 2g.12gb@2[2g.12gb@0]'])


@test
def layouts_on_the_command_line():
    node = create(f'2x{A100}')
    tap.succeeded(on(node, 'apply', '0=3g.20gb,2g.10gb,1g.5gb*2', '1=off'))
    tap.equal([(gpu.mode, gpu.layout) for gpu in state(node)], [(True, BALANCED), (False, '')])
    tap.contains(tap.succeeded(on(node, 'apply', '0=1g.5gb*2,2g.10gb,3g.20gb')).stdout,
                 'Nothing had to change')
    before = status(node)
    for args, rc, part in ((('0=1g.5gb', '-f', 'x'), 2, 'are given at the same time'),
                           (('0=1g.6gb',), 4, "has no profile '1g.6gb'"),
                           (('0=1g.5gb*8',), 4, 'GPU 0: 8 x 1g.5gb do not fit together'),
                           (('7=1g.5gb',), 4, 'there is no GPU 7'),
                           (('=',), 2, "argument 1 '='")):
        got = tap.exited(on(node, 'apply', *args), rc)
        tap.contains(got.stderr, part)
        tap.equal(got.stdout, '')
    tap.equal(status(node), before)


@test
def the_default_file_and_standard_input():
    node = create(f'1x{A100}')
    text = config(f"x: {whole('all', {'7g.40gb': 1})}").read_text()
    tap.succeeded(on(node, 'apply', '-f', '-', stdin=text))
    tap.equal(layouts(node), ['7g.40gb@0[7g.40gb@0]'])
    where = node_dir(node) / 'root/etc/migctl'
    where.mkdir(parents=True)
    (where / 'config.yaml').write_text(text)
    tap.contains(tap.succeeded(on(node, 'apply')).stdout, 'Nothing had to change')
    got = on(node, 'apply', '-f', '-', stdin='a: 1\n')
    tap.exited(got, 4)
    tap.contains(got.stderr, "standard input:1:1: unknown field 'a'")


@test
def foreign_text_does_not_reach_the_terminal_raw():
    node = create(f'1x{A100}')
    path = tap.tmpdir() / 'evil.yaml'
    path.write_text('version: v1\nmig-configs:\n  "\\e]0;title\\a": []\n')
    got = apply(node, path)
    tap.exited(got, 4)
    tap.not_contains(got.stderr, '\x1b')
    tap.not_contains(got.stderr, '\x07')
    got = apply(node, EXAMPLES / 'a30.yaml', '\x1b[31m')
    tap.exited(got, 4)
    tap.not_contains(got.stderr, '\x1b')


# ------------------------------------------------------------------- --dry-run and --json

@test
def dry_run_shows_and_changes_nothing():
    node = create(f'2x{A30}')
    before = status(node)
    got, _, changing = counted(node, EXAMPLES / 'a30.yaml', 'all-balanced', '--dry-run')
    tap.exited(got, 3)
    tap.equal(got.stdout, 'Plan: 2 of 2 GPUs change, 14 operations\n'
                          '  GPU 0-1: turn MIG on, create 3: 2g.12gb@2 1g.6gb@1 1g.6gb@0\n'
              '  now: MIG off\n'
              '  then:\n'
              '  ┌─────────────────┬─────────────────┬───────────────────────────────────┐\n'
              '  │1g.6gb           │1g.6gb           │2g.12gb                            │\n'
              '  └─────────────────┴─────────────────┴───────────────────────────────────┘\n'
              '  takes: not known, not every operation of it was measured on this node yet\n')
    tap.true(not (node_dir(node) / 'root/var/lib/migctl').exists(), 'nothing is written either')
    tap.equal(changing, 0)
    tap.equal(status(node), before)
    tap.succeeded(apply(node, EXAMPLES / 'a30.yaml', 'all-balanced'))
    got, _, changing = counted(node, EXAMPLES / 'a30.yaml', 'all-balanced', '-n')
    tap.succeeded(got)
    tap.contains(got.stdout, 'Nothing had to change')
    tap.equal(changing, 0)


def check_document(document, dry_run, changed, outcome):
    tap.equal(document['schema'], 'migctl.apply/1')
    tap.equal(document['dry_run'], dry_run)
    tap.equal(document['changed'], changed)
    for op in document['operations']:
        tap.true(op['gpu_uuid'].startswith('GPU-'))
        tap.true(op['kind'] in ('destroy-compute-instance', 'destroy-gpu-instance', 'set-mig-mode',
                                'create-gpu-instance', 'create-compute-instance'))
        tap.equal(op['outcome'], outcome)
        if op['kind'] == 'set-mig-mode':
            tap.true(op['mig_mode_after'] != op['mig_mode_before'])
            tap.equal(op['mig_mode_pending_before'], op['mig_mode_before'])
        else:
            tap.true(isinstance(op['gpu_instance']['profile_id'], str))
            tap.true(isinstance(op['gpu_instance']['placement_start'], int))
        tap.equal('compute_instance' in op, 'compute-instance' in op['kind'])


@test
def json_documents():
    node = create(f'2x{A30}')
    file = EXAMPLES / 'a30.yaml'
    got = tap.exited(apply(node, file, 'all-balanced', '--dry-run', '--json'), 3)
    check_document(json.loads(got.stdout), True, 'none', 'not done')
    got = tap.succeeded(apply(node, file, 'all-balanced', '--json'))
    document = json.loads(got.stdout)
    check_document(document, False, 'all', 'done')
    created = {op['uuid'] for op in document['operations'] if op['kind'] == 'create-compute-instance'}
    tap.equal(created, {uuid for gpu in state(node) for uuid in gpu.uuids.values()})
    tap.equal([gpu['created_gpu_instances'] for gpu in document['gpus']], [3, 3])
    got = tap.succeeded(apply(node, file, 'all-balanced', '--json'))
    document = json.loads(got.stdout)
    check_document(document, False, 'none', '')
    tap.equal([gpu['kept_gpu_instances'] for gpu in document['gpus']], [3, 3])
    # What is destroyed says which UUID goes, and what comes at its place which is expected.
    document = json.loads(tap.succeeded(apply(node, file, 'all-disabled', '--json')).stdout)
    gone = {op['expected_uuid'] for op in document['operations']
            if op['kind'] == 'destroy-compute-instance'}
    tap.equal(gone, created)


@test
def an_error_as_json():
    node = create(f'1x{A30}')
    got = tap.exited(apply(node, EXAMPLES / 'a30.yaml', 'none', '--json'), 4)
    tap.equal(got.stdout, '')
    document = json.loads(got.stderr)
    tap.equal(document['schema'], 'migctl.error/1')
    tap.equal(document['code'], 'refused')
    tap.equal(document['changed'], 'none')
    tap.equal(document['exit_status'], 4)
    tap.contains(document['message'], "has no label 'none'")


# ------------------------------------------------------------------- what does not work out

@test
def a_mode_change_that_stays_pending():
    node = create(f'1x{A100}:reset-required,1x{A100}')
    file = config(f"""\
        x: {whole('all', {'7g.40gb': 1})}
        nothing: {whole('all', {}, False)}
        """)
    got = tap.exited(apply(node, file, 'x', '--skip-reset'), 9)
    tap.contains(got.stderr, '  pending   GPU 0: turn MIG mode on\n'
                             '  not done  GPU 0: create GPU instance 7g.40gb at 0:8\n')
    # The other GPU does not wait for it.
    tap.contains(got.stderr, '  done      GPU 1: turn MIG mode on\n'
                             '  done      GPU 1: create GPU instance 7g.40gb at 0:8\n')
    tap.contains(got.stderr, 'migctl: GPU 0: MIG mode on is pending: the GPU has to be reset first\n')
    # By words that work for a simulated node from outside.
    reset = got.stderr.split('reset the GPU (')[1].split(')')[0].split()
    tap.equal(reset[:3] + reset[4:], ['migctl', 'sim', 'reset', '-i', '0'])
    tap.equal(os.path.basename(reset[3]), node)
    tap.contains(got.stderr, f'or reboot (migctl sim reboot {reset[3]}), then run the same command')
    tap.equal([(gpu.mode, gpu.pending) for gpu in state(node)], [(False, True), (True, True)])
    tap.equal([gpu.layout for gpu in state(node)], ['', '7g.40gb@0[7g.40gb@0]'])
    # Again: the same, and nothing is worse.
    tap.exited(apply(node, file, 'x', '--skip-reset'), 9)
    # The pending change is taken back.
    got = tap.succeeded(apply(node, file, 'nothing'))
    tap.contains(got.stdout, 'take back the pending MIG mode change')
    tap.equal([(gpu.mode, gpu.pending) for gpu in state(node)], [(False, False), (False, False)])
    tap.contains(tap.succeeded(apply(node, file, 'nothing')).stdout, 'Nothing had to change')


@test
def a_pending_change_as_json():
    node = create(f'1x{A100}:reset-required')
    file = config(f"x: {whole('all', {'7g.40gb': 1})}")
    got = tap.exited(apply(node, file, 'x', '--json', '--skip-reset'), 9)
    document = json.loads(got.stdout)
    tap.equal(document['changed'], 'partial')
    tap.equal([op['outcome'] for op in document['operations']], ['pending', 'not done', 'not done'])
    tap.equal(json.loads(got.stderr)['changed'], 'partial')


@test
def a_gpu_whose_mode_needs_a_reset_is_reset():
    node = create(f'1x{A100}:in-use,1x{A100}')
    got = tap.succeeded(apply(node, config(f"x: {whole('all', {'7g.40gb': 1})}")))
    tap.equal(got.stderr, 'migctl: resetting GPU 0\n')
    tap.equal(layouts(node), ['7g.40gb@0[7g.40gb@0]'] * 2)


@test
def a_failure_is_rolled_back():
    node = create(f'2x{A100}')
    file = config(f"""\
        first: {whole('all', {'3g.20gb': 1, '1g.5gb': 2})}
        second: {whole('all', {'3g.20gb': 1, '2g.10gb': 2})}
        """)
    tap.succeeded(apply(node, file, 'first'))
    before = status(node)
    for options in ((), ('--json',)):
        got = migctl('sim', 'exec', '--fault',
                     'nvmlDeviceCreateGpuInstanceWithPlacement:2=INSUFFICIENT_RESOURCES', node, '--',
                     MIGCTL, 'apply', '-f', file, '-c', 'second', *options)
        tap.exited(got, 8)
        tap.equal('migctl: rolling back: GPU ' in got.stderr, options == ())
        tap.contains(got.stderr, '(NVML_ERROR_INSUFFICIENT_RESOURCES); rolled back, the layout is as '
                                 'it was before')
        after = status(node)
        tap.equal(after['gpus'], before['gpus'])
    document = json.loads(got.stdout)
    tap.equal(document['schema'], 'migctl.apply/1')
    tap.equal(document['changed'], 'rolled-back')
    tap.true(document['rollback'], 'the way back is listed')
    tap.equal({op['outcome'] for op in document['rollback']}, {'done'})
    error = json.loads(got.stderr)
    tap.equal((error['code'], error['changed'], error['exit_status']), ('driver', 'rolled-back', 8))
    # And the next one works.
    tap.succeeded(apply(node, file, 'second'))


@test
def what_cannot_be_rolled_back_is_told():
    node = create(f'1x{A100}')
    tap.succeeded(on(node, 'apply', '0=3g.20gb,1g.5gb*2'))
    got = migctl('sim', 'exec', '--fault', 'nvmlDeviceCreateGpuInstanceWithPlacement:1+=UNKNOWN', node,
                 '--', MIGCTL, 'apply', '0=2g.10gb*3')
    tap.exited(got, 9)
    tap.contains(got.stderr, 'What was done:\n  done      GPU 0: destroy ')
    tap.contains(got.stderr, 'What was taken back:\n')
    tap.contains(got.stderr, '; it could not be rolled back: ')
    tap.contains(got.stderr, 'GPU 0 has: no instances; before it had: ')
    tap.contains(got.stderr, 'the next changing command goes on rolling back')
    tap.equal(layouts(node), [''])
    # A healthy driver: the next changing command goes back first.
    got = tap.exited(on(node, 'plan', '0=3g.20gb,1g.5gb*2'), 3)
    tap.contains(got.stderr, 'transaction 2 was left unfinished')
    got = tap.succeeded(on(node, 'apply', '0=3g.20gb,1g.5gb*2'))
    tap.contains(got.stderr, 'transaction 2 was left unfinished and was rolled back first')
    tap.contains(got.stdout, 'Nothing had to change')


@test
def without_permission():
    node = create(f'1x{A30}')
    before = status(node)
    got = migctl('sim', 'exec', '--unprivileged', node, '--', MIGCTL, 'apply', '-f',
                 EXAMPLES / 'a30.yaml', '-c', 'all-1g.6gb')
    tap.exited(got, 7)
    tap.contains(got.stderr, 'migctl: ')
    tap.contains(got.stderr, 'run it as root')
    tap.equal(status(node), before)


@test
def standard_output_that_is_full():
    node = create(f'1x{A30}')
    before = status(node)
    for options in ((), ('--json', '--dry-run')):
        got = tap.run(['sh', '-c', 'exec "$@" > /dev/full', 'sh', MIGCTL, '--node', node, 'apply',
                       '-f', EXAMPLES / 'a30.yaml', '-c', 'all-1g.6gb', *options])
        tap.true(got.rc in (1, 3), str(got))
        tap.contains(got.stderr, 'cannot write to standard output')
        tap.equal(status(node), before, 'a plan that could not be shown was carried out')


# ------------------------------------------------------------------- which driver

def library_dir():
    return tap.build('src', 'sim', '550')


@test
def no_driver():
    broken = tap.tmpdir() / 'lib'
    broken.mkdir()
    (broken / 'libnvidia-ml.so.1').write_bytes(b'not a library')
    for command in (['status'], ['apply', '-f', EXAMPLES / 'a30.yaml', '-c', 'all-1g.6gb']):
        got = tap.exited(migctl(*command, env={'LD_LIBRARY_PATH': broken}), 6)
        tap.contains(got.stderr, 'cannot load the NVIDIA driver library')
        tap.contains(got.stderr, 'simulated node')
        tap.equal(got.stdout, '')


@test
def a_malformed_file_needs_no_driver():
    bad = tap.tmpdir() / 'bad.yaml'
    bad.write_text('a: 1\n')
    got = tap.exited(migctl('apply', '-f', bad, env={'LD_LIBRARY_PATH': tap.tmpdir()}), 4)
    tap.contains(got.stderr, 'bad.yaml:1:1:')


@test
def the_simulated_driver_without_its_host_root():
    node = create(f'1x{A30}')
    other = create(f'1x{A30}', 'other')
    before = status(node)
    for root in (None, str(node_dir(other) / 'root')):
        env = {'LD_LIBRARY_PATH': library_dir(), 'MIGSIM_NODE': node_dir(node),
               'MIGCTL_HOST_ROOT': root}
        for command in (['status'], ['apply', '-f', EXAMPLES / 'a30.yaml', '-c', 'all-1g.6gb']):
            got = tap.exited(migctl(*command, env=env), 6)
            tap.contains(got.stderr, 'host root')
    tap.equal(status(node), before)


@test
def a_foreign_driver_while_a_node_is_meant():
    node = create(f'1x{A30}')
    fake = pathlib.Path(tap.build('tests', 'unit', 'nvml-fake', 'libnvml-fake-new.so'))
    where = tap.tmpdir() / 'lib'
    where.mkdir()
    shutil.copy(fake, where / 'libnvidia-ml.so.1')
    env = {'LD_LIBRARY_PATH': where, 'MIGSIM_NODE': node_dir(node),
           'MIGCTL_HOST_ROOT': node_dir(node) / 'root'}
    for command in (['status'], ['apply', '-f', EXAMPLES / 'a30.yaml', '-c', 'all-1g.6gb']):
        got = tap.exited(migctl(*command, env=env), 6)
        tap.contains(got.stderr, 'MIGSIM_NODE')


@test
def a_node_that_is_damaged_says_so_in_words():
    node = create(f'1x{A30}')
    path = node_dir(node) / 'state'
    with open(path, 'r+b') as file:
        file.truncate(os.path.getsize(path) // 2)
    got = on(node, 'apply', '-f', EXAMPLES / 'a30.yaml', '-c', 'all-1g.6gb')
    tap.true(got.rc in (1, 6), str(got))
    tap.contains(got.stderr, 'state')


# ------------------------------------------------------------------- numbers to hold

@test
def nvml_calls_of_an_apply_that_changes_nothing():
    node = create(f'8x{A100}')
    tap.succeeded(apply(node, EXAMPLES / 'dgx-a100.yaml', 'all-balanced'))
    _, calls, changing = counted(node, EXAMPLES / 'dgx-a100.yaml', 'all-balanced')
    tap.equal(changing, 0)
    tap.true(calls <= 200, f'{calls} NVML calls')


tap.main()
