#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`migctl assert`, `diff` and `export`: what is there against what is wanted, and written down."""
import json

import tap
from tap import test

from layouts import A100, H100, config, create, faulty, layouts, on, state, status, whole


def node_with_layouts():
    node = create(f'2x{A100},1x{H100}')
    tap.succeeded(on(node, 'apply', '0=3g.20gb,1g.5gb*2', '1=1c.3g.20gb*2,2g.10gb', '2=1g.10gb*7'))
    return node


# ------------------------------------------------------------------- assert

@test
def assert_says_whether_it_is_so():
    node = node_with_layouts()
    before = status(node)
    got = tap.succeeded(on(node, 'assert', '0=1g.5gb*2,3g.20gb', '2=1g.10gb*7'))
    tap.equal((got.stdout, got.stderr), ('As wanted: 2 GPUs.\n', ''))
    got = tap.exited(on(node, 'assert', '0=7g.40gb', '1=off', '2=1g.10gb*7'), 3)
    tap.equal((got.stdout, got.stderr),
              ('', 'migctl: not as wanted: GPU 0,1\n'
                   "  migctl --node n plan 0=7g.40gb 1=off '2=1g.10gb*7' shows what differs, migctl "
                   "--node n apply 0=7g.40gb 1=off '2=1g.10gb*7' mends it\n"))
    got = tap.exited(on(node, 'assert', '--json', '0=7g.40gb', '2=1g.10gb*7'), 3)
    uuids = [gpu['uuid'] for gpu in before['gpus']]
    tap.equal(json.loads(got.stdout), {'schema': 'migctl.assert/1', 'as_wanted': False, 'gpus': [
        {'gpu_uuid': uuids[0], 'gpu_index': 0, 'as_wanted': False},
        {'gpu_uuid': uuids[2], 'gpu_index': 2, 'as_wanted': True}], 'notes': []})
    tap.equal(got.stderr, '')
    got = tap.succeeded(on(node, 'assert', '--json', '2=1g.10gb*7'))
    tap.equal(json.loads(got.stdout)['as_wanted'], True)
    tap.exited(on(node, 'assert', '0=1g.6gb'), 4)
    tap.equal(status(node), before)


@test
def assert_of_the_mode_alone():
    node = create(f'2x{A100}')
    tap.succeeded(on(node, 'apply', '0=3g.20gb', '1=off'))
    for option in ('-m', '--mode-only'):
        tap.succeeded(on(node, 'assert', option, '0=7g.40gb', '1=off'))
        tap.exited(on(node, 'assert', option, '0=off', '1=off'), 3)
        tap.exited(on(node, 'assert', option, '1=7g.40gb'), 3)


@test
def assert_takes_files_as_apply_does():
    node = create(f'1x{A100}')
    file = config(f"x: {whole('all', {'3g.20gb': 2})}\nbig: {whole('all', {'1g.5gb': 9})}")
    tap.exited(on(node, 'assert', '-f', file, '-c', 'x'), 3)
    tap.succeeded(on(node, 'apply', '-f', file, '-c', 'x'))
    tap.succeeded(on(node, 'assert', '-f', file, '-c', 'x'))
    got = tap.exited(on(node, 'assert', '-f', file, '-c', 'big'), 4)
    tap.contains(got.stderr, "config.yaml:4:3: label 'big': GPU 0: 9 x 1g.5gb do not fit together")


# ------------------------------------------------------------------- diff

@test
def diff_shows_line_by_line():
    node = node_with_layouts()
    before = status(node)
    got = tap.exited(on(node, 'diff', '0=3g.20gb,2g.10gb', '1=off', '2=1g.10gb*7'), 3)
    tap.equal(got.stderr, '')
    tap.equal(sorted(got.stdout.split('GPU 1\n')[0].splitlines()),
              ['  3g.20gb@4', '+ 2g.10gb@2', '- 1g.5gb@2', '- 1g.5gb@3', 'GPU 0'])
    tap.equal(sorted(got.stdout.split('GPU 1\n')[1].splitlines()),
              ['+ MIG off', '- 2g.10gb@2', '- 3g.20gb@4 as 1c@1+1c@2', '- MIG on'])
    document = json.loads(tap.exited(on(node, 'diff', '--json', '1=off'), 3).stdout)
    tap.equal((document['schema'], document['differs']), ('migctl.diff/1', True))
    tap.equal(document['gpus'][0]['lines'][0], {'side': 'now', 'text': 'MIG on'})
    got = tap.succeeded(on(node, 'diff', '2=1g.10gb*7'))
    tap.equal((got.stdout, got.stderr), ('', ''))
    tap.equal(json.loads(tap.succeeded(on(node, 'diff', '--json', '2=1g.10gb*7')).stdout),
              {'schema': 'migctl.diff/1', 'differs': False, 'gpus': [], 'notes': []})
    tap.equal(status(node), before)


@test
def diff_without_a_wish_is_against_the_last_change():
    node = create(f'2x{A100}')
    got = tap.exited(on(node, 'diff'), 4)
    tap.equal(got.stderr, 'migctl: nothing was applied on this node yet\n'
                          '  name what to compare with: -f FILE, or LAYOUT...\n')
    tap.succeeded(on(node, 'apply', 'all=3g.20gb'))
    tap.equal(tap.succeeded(on(node, 'diff')).stdout, '')
    # Somebody goes round migctl.
    tap.succeeded(tap.run([tap.build('migctl'), 'sim', 'reset', node, '-i', '1']))
    got = tap.exited(on(node, 'diff'), 3)
    tap.equal(got.stdout, 'GPU 1\n+ 3g.20gb@4\n')


# ------------------------------------------------------------------- export

def same_again(node, file, *args):
    got = tap.succeeded(on(node, 'apply', '-f', file, *args))
    tap.equal((got.stdout, got.stderr), ('Nothing had to change: 3 GPUs are as wanted.\n', ''))


@test
def an_export_applied_changes_nothing():
    node = node_with_layouts()
    before = status(node)
    for options, name in (((), 'v1.yaml'), (('-o', 'v1'), 'v1.yaml'), (('-o', 'parted'), 'p.yaml'),
                          (('-o', 'parted-json'), 'p.json')):
        got = tap.succeeded(on(node, 'export', *options))
        tap.equal(got.stderr, '')
        tap.true(got.stdout.endswith('\n'), options)
        path = tap.tmpdir() / name
        path.write_text(got.stdout)
        same_again(node, path)
    json.loads((tap.tmpdir() / 'p.json').read_text())
    tap.equal(status(node), before)
    tap.equal(tap.exited(on(node, 'export', '-o', 'xml'), 2).stderr,
              "migctl: option '--output-format': there is no format 'xml'\n"
              '  there are: v1, parted, parted-json\n')


@test
def an_export_brings_the_exact_places_back():
    node = node_with_layouts()
    want = [(gpu.mode, gpu.layout) for gpu in state(node)]
    path = tap.tmpdir() / 'v1.yaml'
    path.write_text(tap.succeeded(on(node, 'export', '-l', 'mine')).stdout)
    tap.contains(path.read_text(), '  mine:\n')
    tap.succeeded(on(node, 'apply', '0=1g.5gb*7', '1=off', '2=7g.80gb'))
    tap.succeeded(on(node, 'apply', '-f', path, '-c', 'mine'))
    tap.equal([(gpu.mode, gpu.layout) for gpu in state(node)], want)


@test
def what_the_gpus_could_look_like():
    node = create(f'1x{A100},1x{H100}')
    path = tap.tmpdir() / 'all.yaml'
    for form in ('v1', 'parted', 'parted-json'):
        path.write_text(tap.succeeded(on(node, 'export', '--generate', '-o', form)).stdout)
        tap.contains(path.read_text(), 'all-balanced')
        tap.succeeded(on(node, 'apply', '-f', path, '-c', 'all-1g.10gb'))
        tap.equal([layout.count('1g.10gb@') // 2 for layout in layouts(node)], [4, 7])
        tap.succeeded(on(node, 'apply', '-f', path, '-c', 'all-disabled'))
        tap.equal([gpu.mode for gpu in state(node)], [False, False])


# ------------------------------------------------------------------- while something is unfinished

@test
def readers_say_that_something_was_left_unfinished():
    node = create(f'1x{A100}')
    got = faulty(node, 'nvmlDeviceCreateGpuInstanceWithPlacement:2=kill', 'apply', '0=3g.20gb*2')
    tap.exited(got, -9)
    before = status(node)
    for command in (['status'], ['plan', '0=7g.40gb'], ['assert', '0=7g.40gb'], ['diff', '0=7g.40gb'],
                    ['export']):
        got = on(node, *command)
        tap.contains(got.stderr, 'migctl: transaction 1 was left unfinished; the next changing command '
                                 'rolls it back first\n')
    tap.contains(tap.succeeded(on(node, 'history')).stdout, 'unfinished')
    tap.equal(status(node), before)


tap.main()
