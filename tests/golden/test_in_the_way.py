#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who is in the way of a change: waited for (--wait), ended (--evict), or another migctl (the lock)."""
import os
import pathlib
import re
import subprocess

import tap
from tap import test

from layouts import (A100, DEADLINE_S, MIGCTL, Running, create, first_uuid, held, history, layouts,
                     migctl, node_dir, on, status, until, user)

# The inode of the first pid namespace (the kernel's PROC_PID_INIT_INO).
FIRST_NAMESPACE = 'pid:[4026531836]'
SEVEN = ' '.join(f'1g.5gb@{i}[1g.5gb@0]' for i in range(7))


def node_in_use():
    node = create(f'1x{A100}')
    tap.succeeded(on(node, 'apply', '0=3g.20gb*2'))
    return node, first_uuid(node)


def needs_first_namespace():
    if os.readlink('/proc/self/ns/pid') != FIRST_NAMESPACE:
        tap.skip('nobody is ended from inside a pid namespace')


# ------------------------------------------------------------------- without and with --wait

@test
def refused_and_named():
    node, uuid = node_in_use()
    before = layouts(node)
    with held(node, uuid) as pid:
        for options in ((), ('--wait=0',), ('--wait=1',)):
            got = tap.exited(on(node, 'apply', *options, '0=1g.5gb*7'), 5)
            tap.equal(got.stdout, '')
            tap.true(re.search(r'migctl: what has to go is in use: 3g\.20gb at [04]:4 of GPU 0 is held '
                               rf'by process {pid} \(migctl of {user()}\)\n  nothing was changed; end '
                               r'that and run it again, or wait for it \(--wait\), or have it ended '
                               r'\(--evict\)\n$', got.stderr), got.stderr)
            tap.equal('waiting: ' in got.stderr, options == ('--wait=1',))
            tap.equal(layouts(node), before)
        tap.equal(len(history(node)), 1)
    tap.succeeded(on(node, 'apply', '0=1g.5gb*7'))


@test
def waited_for():
    for name, option in (('a', '--wait'), ('b', f'--wait={DEADLINE_S}'), ('c', '--wait=1h')):
        node = create(f'1x{A100}', name)
        tap.succeeded(on(node, 'apply', '0=3g.20gb*2'))
        with held(node, first_uuid(node)) as pid:
            run = Running(MIGCTL, '--node', node, 'apply', option, '0=1g.5gb*7')
            run.says(f'is held by process {pid} (migctl of {user()})\n')
            # Others may change the node meanwhile.
            tap.contains(tap.succeeded(on(node, 'apply', '0=3g.20gb*2')).stdout, 'Nothing had to change')
        got = tap.exited(run.ends(), 0)
        tap.equal(got.stderr.count('migctl: waiting: '), 1)
        tap.equal(layouts(node), [SEVEN])


@test
def durations():
    node = create(f'1x{A100}')
    for option in ('--wait=5x', '--wait=', '--wait=-1', '--evict=abc', '--wait=99999999999h'):
        got = tap.exited(on(node, 'apply', option, '0=7g.40gb'), 2)
        tap.contains(got.stderr, 'is no duration\n  write seconds, or a number with s, m or h: 90, 90s, '
                                 '5m, 1h')
    got = tap.exited(on(node, 'apply', '--wait', '--evict', '0=7g.40gb'), 2)
    tap.contains(got.stderr, 'give --wait=TIME, after which they are ended')
    tap.equal(layouts(node), [''])


# ------------------------------------------------------------------- --evict

@test
def ended_when_asked():
    needs_first_namespace()
    node, uuid = node_in_use()
    with held(node, uuid) as pid:
        got = tap.succeeded(on(node, 'apply', '--evict', '0=1g.5gb*7'))
        who = f'process {pid} (migctl of {user()})'
        tap.equal(got.stderr, f'migctl: asked {who} to end\nmigctl: {who} has ended\n')
    tap.equal(layouts(node), [SEVEN])


def stubborn(node, uuid):
    """A holder that ignores SIGTERM."""
    process = subprocess.Popen(  # pylint: disable=consider-using-with
        [MIGCTL, 'sim', 'hold', '-n', node, uuid, '--', 'sh', '-c',
         'trap "" TERM; echo ready; exec sleep 1000'], stdout=subprocess.PIPE)
    tap.equal(process.stdout.readline(), b'ready\n')
    # It says so as sh, and is named in messages when it has become what it stays.
    comm = pathlib.Path(f'/proc/{process.pid}/comm')
    until(lambda: comm.read_text(encoding='utf-8') == 'sleep\n', 'sh to become sleep')
    return process


@test
def forced_when_it_does_not_end():
    needs_first_namespace()
    node, uuid = node_in_use()
    holder = stubborn(node, uuid)
    got = tap.succeeded(on(node, 'apply', '--evict=1', '0=1g.5gb*7'))
    who = f'process {holder.pid} (sleep of {user()})'
    tap.equal(got.stderr, f'migctl: asked {who} to end\nmigctl: forced {who} to end\n'
                          f'migctl: {who} has ended\n')
    tap.equal(holder.wait(timeout=DEADLINE_S), -9)
    tap.equal(layouts(node), [SEVEN])


@test
def one_process_with_several_instances_is_ended_once():
    needs_first_namespace()
    node = create(f'2x{A100}')
    tap.succeeded(on(node, 'apply', 'all=7g.40gb'))
    with held(node, first_uuid(node, 0)) as one, held(node, first_uuid(node, 1)) as two:
        got = tap.succeeded(on(node, 'apply', '--evict', 'all=3g.20gb'))
        for pid in (one, two):
            tap.equal(got.stderr.count(f'asked process {pid} '), 1)
            tap.equal(got.stderr.count(f'process {pid} (migctl of {user()}) has ended'), 1)


@test
def who_runs_migctl_is_not_ended():
    needs_first_namespace()
    node, uuid = node_in_use()
    before = layouts(node)
    got = migctl('sim', 'hold', '-n', node, uuid, '--', 'sh', '-c',
                 f'"{MIGCTL}" apply --evict "0=1g.5gb*7"; echo $?')
    tap.equal(got.stdout, '4\n')
    tap.contains(got.stderr, 'is in the way and is not ended: this command runs below it')
    tap.equal(layouts(node), before)


@test
def whoever_is_kept_is_not_ended():
    node, uuid = node_in_use()
    with held(node, uuid) as pid:
        got = tap.succeeded(on(node, 'apply', '--evict', '0=3g.20gb,1g.5gb'))
        tap.equal(got.stderr, '')
        os.kill(pid, 0)


@test
def nobody_is_ended_from_inside_a_namespace():
    if tap.run(['unshare', '--user', '--map-root-user', '--pid', '--fork', 'true']).rc != 0:
        tap.skip('no user and pid namespaces for this user here')
    node, uuid = node_in_use()
    with held(node, uuid) as pid:
        got = tap.run(['unshare', '--user', '--map-root-user', '--pid', '--fork', MIGCTL, '--node', node,
                       'apply', '--evict', '0=1g.5gb*7'])
        tap.true(got.rc in (4, 5), str(got))
        os.kill(pid, 0)
    tap.equal(layouts(node)[0].count('3g.20gb@'), 4)


# ------------------------------------------------------------------- the lock

def unfinished(node):
    transactions = history(node)
    return bool(transactions) and transactions[0]['result'] == 'unfinished'


@test
def one_at_a_time():
    node = create(f'1x{A100}')
    run = Running(MIGCTL, 'sim', 'exec', '--fault', 'nvmlDeviceCreateGpuInstanceWithPlacement=hang',
                  node, '--', MIGCTL, 'apply', '0=7g.40gb')
    until(lambda: unfinished(node), 'the first change to begin')
    lock = node_dir(node) / 'root/run/migctl/lock'
    tap.equal(oct(lock.stat().st_mode & 0o7777), '0o600')
    owner = rf"'apply 0=7g\.40gb' \(process {run.pid} of {user()}, since \d\d:\d\d:\d\d\)"
    for command in (['apply', '0=3g.20gb'], ['apply', '--wait=1', '0=3g.20gb'], ['apply', '0=off']):
        got = tap.exited(on(node, *command), 5)
        tap.true(re.search(rf'^migctl: {owner} is changing this node\n'
                           '  run the command again when it is done, or with --wait\n$', got.stderr,
                           re.M), got.stderr)
        tap.equal(got.stdout, '')
    # Readers work, and do not wait.
    for command in (['status'], ['plan', '0=3g.20gb'], ['diff', '0=3g.20gb'], ['export']):
        got = on(node, *command)
        tap.true(got.rc in (0, 3), str(got))
        tap.true(re.search(rf'^migctl: {owner} is changing this node now$', got.stderr, re.M),
                 got.stderr)
    # Whoever waits has its turn.
    second = Running(MIGCTL, '--node', node, 'apply', '--wait', '0=3g.20gb')
    second.says(' is changing this node\n')
    tap.succeeded(migctl('sim', 'fault', 'clear', node, 'all'))
    tap.exited(run.ends(), 0)
    tap.exited(second.ends(), 0)
    tap.equal(layouts(node), ['3g.20gb@4[3g.20gb@0]'])
    tap.equal([entry['result'] for entry in history(node)], ['done', 'done'])
    tap.equal(lock.read_bytes(), b'')


@test
def a_lock_that_its_owner_took_along_is_free():
    node = create(f'1x{A100}')
    run = Running(MIGCTL, 'sim', 'exec', '--fault', 'nvmlDeviceCreateGpuInstanceWithPlacement=hang',
                  node, '--', MIGCTL, 'apply', '0=7g.40gb')
    until(lambda: unfinished(node), 'the change to begin')
    run.process.kill()
    run.ends()
    got = tap.succeeded(on(node, 'apply', '0=3g.20gb'))
    tap.contains(got.stderr, 'transaction 1 was left unfinished and was rolled back first')
    tap.equal(layouts(node), ['3g.20gb@4[3g.20gb@0]'])


@test
def a_lock_that_is_a_link_is_refused():
    node = create(f'1x{A100}')
    before = status(node)
    where = node_dir(node) / 'root/run/migctl'
    where.mkdir(parents=True)
    target = tap.tmpdir() / 'precious'
    target.write_text('precious')
    (where / 'lock').symlink_to(target)
    got = on(node, 'apply', '0=7g.40gb')
    tap.true(got.rc in (1, 4, 7), str(got))
    tap.contains(got.stderr, 'cannot take the lock of this node')
    tap.equal(target.read_text(), 'precious')
    tap.equal(status(node), before)


tap.main()
