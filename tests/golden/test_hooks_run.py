#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Programs around a change (hooks.yaml): when they run, in which environment, and what their failure
means."""
import json
import os

import tap
from tap import test

from layouts import A100, create, executable, faulty, node_dir, on, state, status

NOTE = """#!/bin/sh
# Appends its arguments and environment to the log, then ends as it is told.
echo "$1" >> "$LOG"
env | sort > "$LOG.env"
pwd > "$LOG.pwd"
[ "$1" != "${FAIL:-}" ] || { echo "no, not $1" >&2; exit 3; }
"""
ALL = ('apply-start', 'pre-apply-mode', 'pre-apply-config', 'apply-exit')


def log():
    path = tap.tmpdir() / 'log'
    lines = path.read_text().split() if path.exists() else []
    path.unlink(missing_ok=True)
    return lines


def hooks(fail='', where=None, more='', names=ALL):
    """The node's hooks file; each hook notes that it ran."""
    note = executable('note', NOTE)
    envs = json.dumps({'LOG': str(tap.tmpdir() / 'log'), 'PATH': os.environ['PATH'], 'FAIL': fail})
    lines = ['version: v1', 'hooks:']
    for name in names:
        lines += [f'  {name}:', f'    - command: {note}', f'      args: [{name}]',
                  f'      envs: {envs}']
        if more:
            lines.append(more)
    path = where or tap.tmpdir() / 'hooks.yaml'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('\n'.join(lines) + '\n')
    path.chmod(0o644)
    return path


def default_file(node):
    return node_dir(node) / 'root/etc/migctl/hooks.yaml'


@test
def each_at_its_time():
    node = create(f'1x{A100}')
    hooks(where=default_file(node))
    tap.succeeded(on(node, 'apply', '0=7g.40gb'))
    tap.equal(log(), ['apply-start', 'pre-apply-mode', 'pre-apply-config', 'apply-exit'])
    # No mode changes: its hook does not run.
    tap.succeeded(on(node, 'apply', '0=3g.20gb'))
    tap.equal(log(), ['apply-start', 'pre-apply-config', 'apply-exit'])
    tap.succeeded(on(node, 'apply', '0=on'))
    log()
    tap.succeeded(on(node, 'apply', '0=off'))
    tap.equal(log(), ['apply-start', 'pre-apply-mode', 'apply-exit'])
    # Nothing to do: start and exit, as in nvidia-mig-parted.
    tap.contains(tap.succeeded(on(node, 'apply', '0=off')).stdout, 'Nothing had to change')
    tap.equal(log(), ['apply-start', 'apply-exit'])
    # What only looks runs none; nor does what is refused.
    tap.exited(on(node, 'plan', '0=7g.40gb'), 3)
    tap.exited(on(node, 'apply', '-n', '0=7g.40gb'), 3)
    tap.exited(on(node, 'apply', '0=1g.6gb'), 4)
    tap.equal(log(), [])
    tap.succeeded(on(node, 'undo'))
    tap.equal(log()[0], 'apply-start')


@test
def the_environment_is_exact():
    node = create(f'1x{A100}')
    file = tap.tmpdir() / 'x.yaml'
    file.write_text('version: v1\nmig-configs:\n  one: [{devices: all, mig-enabled: true, '
                    'mig-devices: {7g.40gb: 1}}]\n')
    path = hooks(more='      workdir: /')
    tap.succeeded(on(node, 'apply', '-k', path, '-f', file, '-c', 'one', env={'SECRET': 'x'}))
    tap.equal(log(), list(ALL))
    lines = (tap.tmpdir() / 'log.env').read_text().splitlines()
    # A shell adds PWD and the like.
    seen = dict(line.split('=', 1) for line in lines)
    for name in ('PWD', 'OLDPWD', 'SHLVL', '_'):
        seen.pop(name, None)
    tap.equal(seen, {'LOG': str(tap.tmpdir() / 'log'), 'PATH': os.environ['PATH'], 'FAIL': '',
                     'MIG_PARTED_CONFIG_FILE': str(file), 'MIG_PARTED_SELECTED_CONFIG': 'one',
                     'MIG_PARTED_HOOKS_FILE': str(path)})
    tap.equal((tap.tmpdir() / 'log.pwd').read_text(), '/\n')


@test
def a_start_hook_that_fails():
    node = create(f'1x{A100}')
    before = status(node)
    path = hooks(fail='apply-start')
    got = tap.exited(on(node, 'apply', '--hooks-file', path, '0=7g.40gb'), 1)
    tap.contains(got.stderr, "migctl: hook apply-start: '")
    tap.contains(got.stderr, "exit status 3: no, not apply-start\n  the hooks stand in ")
    tap.equal(log(), ['apply-start'])
    tap.equal(status(node), before)
    tap.true(not (node_dir(node) / 'root/var/lib/migctl/journal').exists(), 'no transaction was begun')


@test
def a_later_hook_that_fails():
    node = create(f'1x{A100}')
    before = status(node)
    for point in ('pre-apply-mode', 'pre-apply-config'):
        path = hooks(fail=point)
        got = tap.exited(on(node, 'apply', '-k', path, '0=7g.40gb'), 1)
        tap.contains(got.stderr, f'hook {point}: ')
        ran = log()
        tap.equal((ran[-2], ran[-1]), (point, 'apply-exit'))
        tap.equal(status(node), before)
    path = hooks(fail='apply-exit')
    got = tap.exited(on(node, 'apply', '-k', path, '0=7g.40gb'), 9)
    tap.contains(got.stderr, 'the change was made, but what follows it failed: hook apply-exit: ')
    tap.equal(state(node)[0].layout, '7g.40gb@0[7g.40gb@0]')


@test
def the_exit_hook_runs_after_a_failure():
    node = create(f'1x{A100}')
    tap.succeeded(on(node, 'apply', '0=on'))
    path = hooks()
    got = faulty(node, 'nvmlDeviceCreateGpuInstanceWithPlacement:2=UNKNOWN', 'apply', '-k', path,
                 '0=3g.20gb*2')
    tap.exited(got, 8)
    tap.equal(log(), ['apply-start', 'pre-apply-config', 'apply-exit'])
    # Its own failure is only told then.
    path = hooks(fail='apply-exit')
    got = faulty(node, 'nvmlDeviceCreateGpuInstanceWithPlacement:2=UNKNOWN', 'apply', '-k', path,
                 '0=3g.20gb*2')
    tap.exited(got, 8)
    tap.contains(got.stderr, 'migctl: hook apply-exit: ')
    tap.contains(got.stderr, 'NVML_ERROR_UNKNOWN')


@test
def a_file_that_root_must_not_obey():
    node = create(f'1x{A100}')
    before = status(node)
    path = hooks(where=default_file(node))
    path.chmod(0o666)
    got = tap.exited(on(node, 'apply', '0=7g.40gb'), 7)
    tap.contains(got.stderr, f"others may write to '{path}'")
    path.chmod(0o644)
    other = path.with_name('other.yaml')
    path.rename(other)
    path.symlink_to(other)
    got = on(node, 'apply', '0=7g.40gb')
    tap.true(got.rc in (1, 4, 7), str(got))
    tap.contains(got.stderr, str(path))
    tap.equal((log(), status(node)), ([], before))


@test
def files_that_are_wrong_or_missing():
    node = create(f'1x{A100}')
    before = status(node)
    got = tap.exited(on(node, 'apply', '-k', tap.tmpdir() / 'none.yaml', '0=7g.40gb'), 1)
    tap.contains(got.stderr, 'none.yaml')
    path = tap.tmpdir() / 'bad.yaml'
    path.write_text('version: v1\nhooks:\n  apply-start: [{args: [x]}]\n')
    got = tap.exited(on(node, 'apply', '-k', path, '0=7g.40gb'), 4)
    tap.contains(got.stderr, f"{path}:3:")
    path.write_text('version: v1\nhooks:\n  apply-start:\n    - command: /no/such/program\n')
    got = tap.exited(on(node, 'apply', '-k', path, '0=7g.40gb'), 1)
    tap.contains(got.stderr, 'hook apply-start: ')
    tap.contains(got.stderr, '/no/such/program')
    tap.equal(status(node), before)


tap.main()
