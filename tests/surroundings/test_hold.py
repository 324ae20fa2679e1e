#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holders in a pid namespace of their own, as in a container: with a /proc of that namespace and with
the outer one. They are listed and ended by the pid that they have outside, and one that is killed
frees what it had.

How they are started matters. `unshare --fork` blocks SIGTERM and waits for the process that is number
1 inside: who ends a test by it waits for ever. Killed, it leaves that process behind with the pipe to
us, unless --kill-child ends it with it. The leak check of a sanitizer is off inside: it looks for its
threads in /proc by the number inside, and in the outer one finds a stranger's.
"""
import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time

import namespaces
import tap

sys.path.insert(0, tap.source('tests/golden'))
from layouts import MIGCTL, apply, config, create, layouts, migctl, on, whole  # noqa: E402

DEADLINE_S = 60
LAYOUT = {'3g.20gb': 1, '1g.5gb': 1}
OTHER = {'2g.10gb': 3}
KINDS = {
    'with_its_own_proc': ['--mount-proc', '--propagation', 'unchanged'],
    'with_the_outer_proc': [],
}


def unshare(options):
    """argv in front of a command that is number 1 in a pid namespace; skips where there is none."""
    if not shutil.which('unshare'):
        tap.skip('there is no unshare')
    user = [] if os.geteuid() == 0 else ['--user', '--map-root-user']
    argv = ['unshare', *user, '--pid', '--fork', '--kill-child', *options]
    probe = tap.run([*argv, 'true'], timeout=DEADLINE_S)
    if probe.rc != 0:
        tap.skip('no pid namespace here: ' + ' '.join(probe.stderr.split()))
    return argv


def wait_for(fd, what):
    if not select.select([fd], [], [], DEADLINE_S)[0]:
        tap.fail(f'{what}: nothing for {DEADLINE_S} s')


def children(pid):
    """The pids that a process has as children, by the /proc that is ours."""
    found = []
    for name in filter(str.isdigit, os.listdir('/proc')):
        with contextlib.suppress(OSError), open(f'/proc/{name}/stat', encoding='ascii',
                                                errors='replace') as file:
            if int(file.read().rpartition(') ')[2].split()[1]) == pid:
                found.append(int(name))
    return found


@contextlib.contextmanager
def holder(options, uuid, front=()):
    """A holder in a namespace that has said that it holds: its unshare, and the pid out here."""
    argv = [*unshare(options), *front, MIGCTL, 'sim', 'hold', '--node', 'n', uuid, '--memory',
            '1GiB']
    env = {**os.environ,
           'ASAN_OPTIONS': ':'.join([os.environ.get('ASAN_OPTIONS', ''), 'detect_leaks=0'])}
    with subprocess.Popen(argv, env=env, stdout=subprocess.PIPE) as outer:
        try:
            wait_for(outer.stdout, 'the holder')
            tap.equal(outer.stdout.readline().decode(), f'process 1 holds {uuid}\n')
            inner, = children(outer.pid)
            yield outer, inner
        finally:
            outer.kill()


def places():
    """{profile: (UUID, [(pid, bytes)])} of GPU 0."""
    shown = json.loads(tap.succeeded(migctl('sim', 'show', 'n', '--json')).stdout)
    return {gi['profile']: (ci['uuid'], [(one['pid'], one['memory_bytes']) for one in ci['holders']])
            for gi in shown['gpus'][0]['gpu_instances'] for ci in gi['compute_instances']}


def node():
    """A node with two MIG devices; the UUID of the larger one."""
    create('a100-sxm4-40gb')
    file = config(f'x: {whole("all", LAYOUT)}\nother: {whole("all", OTHER)}\n')
    tap.succeeded(apply('n', file, 'x'))
    return file, places()['3g.20gb'][0]


def is_held_by(pid):
    tap.equal(places()['3g.20gb'][1], [(pid, 1 << 30)])
    tap.contains(tap.succeeded(on('n', 'status')).stdout, f'in use: GI 2 CI 0 (3g.20gb) by process {pid}')


def is_free(file):
    """Nobody holds it, and what was held can be destroyed."""
    tap.equal(places()['3g.20gb'][1], [])
    before = layouts('n')
    tap.succeeded(apply('n', file, 'other'))
    tap.true(layouts('n') != before, 'nothing was destroyed')


def is_listed_and_in_the_way(options):
    file, uuid = node()
    with holder(options, uuid) as (_, pid):
        is_held_by(pid)
        got = tap.exited(apply('n', file, 'other'), 5)
        tap.contains(got.stderr, f'3g.20gb at 4:4 of GPU 0 is held by process {pid} ')


def is_ended_by_its_outer_pid(options):
    file, uuid = node()
    with holder(options, uuid) as (outer, pid):
        tap.succeeded(migctl('sim', 'hold', '--node', 'n', '--end', pid))
        # In good order, by its own handling of SIGTERM: that of number 1 has no default action.
        tap.equal(outer.wait(DEADLINE_S), 0)
        is_free(file)


def frees_when_it_is_killed(options):
    file, uuid = node()
    with holder(options, uuid) as (outer, pid):
        is_held_by(pid)
        os.kill(pid, signal.SIGKILL)
        outer.wait(DEADLINE_S)
        is_free(file)


def frees_when_its_namespace_goes(options):
    file, uuid = node()
    with holder(options, uuid) as (outer, pid):
        fd = os.pidfd_open(pid)
        outer.kill()
        wait_for(fd, 'the end of the namespace')
        os.close(fd)
        is_free(file)


for kind, extra in KINDS.items():
    for check in (is_listed_and_in_the_way, is_ended_by_its_outer_pid, frees_when_it_is_killed,
                  frees_when_its_namespace_goes):
        tap.add(f'{kind}_{check.__name__}', lambda check=check, extra=extra: check(extra))

def somebody_elses_process_is_not_taken_for_it(is_zombie):
    """It is number 1 of a namespace, too, and of which one its user alone may see."""
    other = namespaces.as_other_user()
    if not other:
        tap.skip('only root can be somebody else')
    os.chmod(tap.tmpdir(), 0o777)
    tap.succeeded(tap.run([*other, MIGCTL, 'sim', 'create', 'n', '--gpus', 'a30-24gb']))
    show = [*other, MIGCTL, 'sim', 'show', 'n', '--json']
    uuid = json.loads(tap.succeeded(tap.run(show)).stdout)['gpus'][0]['uuid']
    with subprocess.Popen([*unshare([]), 'cat'], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as stranger:
        try:
            stranger.stdin.write(b'here\n')
            stranger.stdin.flush()
            tap.equal(stranger.stdout.readline(), b'here\n')
            # Whoever starts in another tick of the clock is somebody else.
            ticks = os.sysconf('SC_CLK_TCK')
            now = time.clock_gettime(time.CLOCK_BOOTTIME)
            while int(time.clock_gettime(time.CLOCK_BOOTTIME) * ticks) <= int(now * ticks) + 1:
                pass
            if is_zombie:
                inner, = children(stranger.pid)
                fd = os.pidfd_open(inner)
                os.kill(stranger.pid, signal.SIGSTOP)  # so that nobody asks how it ended
                os.kill(inner, signal.SIGKILL)
                wait_for(fd, 'the end of the stranger')
                os.close(fd)
            with holder([], uuid, front=other) as (outer, pid):
                os.kill(pid, signal.SIGKILL)
                outer.wait(DEADLINE_S)
            shown = tap.succeeded(tap.run(show)).stdout
            tap.equal(json.loads(shown)['gpus'][0]['holders'], [])
        finally:
            stranger.kill()


tap.add('a_stranger_with_the_same_number', lambda: somebody_elses_process_is_not_taken_for_it(False))
tap.add('a_zombie_with_the_same_number', lambda: somebody_elses_process_is_not_taken_for_it(True))

tap.main()
