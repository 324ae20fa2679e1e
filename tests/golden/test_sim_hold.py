#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`migctl sim hold`: what is held, who is shown, what is refused, and that it ends with the holder.

Holders are started so that they hold when the command returns, or have said so; one that is killed
is waited for. So nothing here waits for time to pass."""
import contextlib
import fcntl
import json
import os
import signal
import subprocess

import tap
from tap import test

from layouts import MIGCTL, apply, config, create, layouts, migctl, on, status, whole

A100 = 'a100-sxm4-40gb'
LAYOUT = {'3g.20gb': 1, '1g.5gb': 2}


def node(gpus=A100, driver='550', layout=None):
    """A node whose GPUs all have these instances."""
    tap.succeeded(migctl('sim', 'create', 'n', '--gpus', gpus, '--driver', driver))
    tap.succeeded(apply('n', config(f'x: {whole("all", layout or LAYOUT)}\n'), 'x'))
    return 'n'


def gpus(name='n'):
    return json.loads(tap.succeeded(migctl('sim', 'show', name, '--json')).stdout)['gpus']


def devices(gpu=0):
    """{profile: [UUID]} of a GPU."""
    found = {}
    for gi in gpus()[gpu]['gpu_instances']:
        for ci in gi['compute_instances']:
            found.setdefault(gi['profile'], []).append(ci['uuid'])
    return found


def holders(gpu=0):
    """{profile, or 'GPU': [(pid, kind, bytes)]} of what is held."""
    found = {}
    one = gpus()[gpu]
    places = [('GPU', one)] + [(gi['profile'], ci) for gi in one['gpu_instances']
                               for ci in gi['compute_instances']]
    for name, place in places:
        for holder in place['holders']:
            found.setdefault(name, []).append(
                (holder['pid'], holder['kind'], holder['memory_bytes']))
    return found


def ended(pid):
    """Waits until a process that is nobody's child here has ended."""
    with contextlib.suppress(ProcessLookupError):
        fd = os.pidfd_open(pid)
        os.kill(pid, signal.SIGKILL)
        # readable when it has ended
        import select
        select.select([fd], [], [], 60)
        os.close(fd)


@contextlib.contextmanager
def background(*args, **kwargs):
    """A holder in the background: its pid."""
    got = tap.succeeded(migctl('sim', 'hold', '--node', 'n', '--background', *args, **kwargs))
    pid = int(got.stdout)
    tap.equal(got.stdout, f'{pid}\n')
    try:
        yield pid
    finally:
        ended(pid)


def refused(rc, *args, env=None, says, hint=None):
    """The command says this, in these words, and nothing is held by it."""
    before = gpus()
    got = tap.exited(migctl('sim', 'hold', '--node', 'n', *args, env=env), rc)
    tap.equal(got.stdout, '')
    tap.equal(got.stderr.splitlines()[0], f'migctl: {says}')
    if hint:
        tap.equal(got.stderr.splitlines()[1], f'  {hint}')
    tap.equal(gpus(), before)


# ------------------------------------------------------------------- what a hold is

@test
def a_mig_device_in_the_background():
    node()
    uuid = devices()['3g.20gb'][0]
    with background(uuid, '--memory', '3GiB') as pid:
        tap.equal(holders(), {'3g.20gb': [(pid, 'compute', 3 << 30)]})
        text = tap.succeeded(migctl('sim', 'show', 'n')).stdout
        tap.contains(text, f'{uuid}\n      held by process {pid} ({MIGCTL}), compute, 3072 MiB\n')
        tap.contains(tap.succeeded(on('n', 'status')).stdout,
                     f'in use: GI 2 CI 0 (3g.20gb) by process {pid} migctl')
        held = [ci for gi in status('n')['gpus'][0]['gpu_instances']
                for ci in gi['compute_instances'] if ci['holders']]
        tap.equal([ci['uuid'] for ci in held], [uuid])
        tap.equal(held[0]['holders'][0]['pid'], pid)
    tap.equal(holders(), {})
    tap.true('held by' not in tap.succeeded(migctl('sim', 'show', 'n')).stdout, 'shown no more')


@test
def a_gpu_without_mig():
    create(f'2x{A100}')
    uuid = gpus()[1]['uuid']
    with background(uuid[:14], '--graphics', '-m', '512MiB') as pid:
        tap.equal(holders(0), {})
        tap.equal(holders(1), {'GPU': [(pid, 'graphics', 512 << 20)]})
        tap.contains(tap.succeeded(migctl('sim', 'show', 'n')).stdout,
                     f'  held by process {pid} ({MIGCTL}), graphics, 512 MiB\n')


@test
def a_command_is_the_holder():
    node()
    uuid = devices()['1g.5gb'][0]
    seen = tap.tmpdir() / 'seen'
    got = migctl('sim', 'hold', '--node', 'n', uuid, '--memory', '1GiB', '--', 'sh', '-c',
                 f'echo $$; migctl sim show --json > {seen}; exit 7')
    tap.exited(got, 7)
    shown = json.loads(seen.read_text())['gpus'][0]['gpu_instances']
    found = [(holder['pid'], os.path.basename(os.path.realpath(holder['name'])))
             for gi in shown for ci in gi['compute_instances'] for holder in ci['holders']]
    tap.equal([(int(got.stdout), os.path.basename(os.path.realpath('/bin/sh')))], found)
    tap.equal(holders(), {})


@test
def in_the_foreground_until_a_signal():
    node()
    uuid = devices()['1g.5gb'][1]
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        with subprocess.Popen([MIGCTL, 'sim', 'hold', '--node', 'n', uuid],
                              stdout=subprocess.PIPE, text=True) as holder:
            tap.equal(holder.stdout.readline(), f'process {holder.pid} holds {uuid}\n')
            tap.equal(holders(), {'1g.5gb': [(holder.pid, 'compute', 0)]})
            holder.send_signal(number)
            tap.equal(holder.wait(60), 0)
        tap.equal(holders(), {})


def waits_for_a_lock(pid):
    with open('/proc/locks', encoding='ascii') as file:
        return any('-> POSIX' in line and f' WRITE {pid} ' in line for line in file)


@test
def one_that_waits_for_the_node_is_ended_by_a_signal():
    if not os.access('/proc/locks', os.R_OK):
        tap.skip('there is no /proc/locks to see who waits')
    node()
    uuid = devices()['1g.5gb'][0]
    with open(tap.tmpdir() / 'migsim/n/lock', 'rb+') as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            for argv in (['hold', uuid, '-n', 'n'], ['hold', '-b', '-n', 'n', uuid],
                         ['reset', 'n']):
                with subprocess.Popen([MIGCTL, 'sim', *argv],
                                      stdout=subprocess.DEVNULL) as waiter:
                    while not waits_for_a_lock(waiter.pid):
                        tap.equal(waiter.poll(), None, argv)
                    waiter.send_signal(number)
                    tap.equal(waiter.wait(60), -number, argv)
    tap.equal(holders(), {})


@test
def a_killed_holder_frees_what_it_had():
    node()
    uuid = devices()['3g.20gb'][0]
    with background(uuid, '--memory', '19GiB'):
        refused(4, uuid, '--memory', '1GiB',
                says=f"cannot hold 1 GiB of '{uuid}': 640 MiB are free",
                hint="'migctl sim show' lists who holds what")
    with background(uuid, '--memory', '19GiB') as pid:
        tap.equal(holders(), {'3g.20gb': [(pid, 'compute', 19 << 30)]})


@test
def ending_holders_waits_for_their_end():
    node()
    small = devices()['1g.5gb']
    pids = [tap.succeeded(migctl('sim', 'hold', '-n', 'n', '-b', uuid)).stdout.strip()
            for uuid in small]
    tap.succeeded(migctl('sim', 'hold', '-n', 'n', '--end', *pids))
    tap.equal(holders(), {})
    for pid in pids:
        tap.true(not os.path.exists(f'/proc/{pid}') or
                 ') Z ' in open(f'/proc/{pid}/stat', encoding='ascii').read(), 'it has ended')
    # Only holders of this node are ended.
    refused(4, '--end', str(os.getpid()), says=f"process {os.getpid()} holds nothing of node 'n'",
            hint="'migctl sim show' lists who holds what; another node is named by '--node NODE'")
    refused(4, '--end', pids[0], says=f"process {pids[0]} holds nothing of node 'n'")
    refused(2, '--end', small[0], says=f"'{small[0]}' is not a pid")
    for args in ((), ('-b', '1'), ('-m', '1GiB', '1'), ('1', '--', 'true')):
        refused(2, '--end', *args, says="'--end' takes pids and no other option but '--node'")


@test
def a_holder_that_does_not_listen_is_forced():
    node()
    uuid = devices()['1g.5gb'][0]
    with subprocess.Popen([MIGCTL, 'sim', 'hold', '--node', 'n', uuid, '--', 'sh', '-c',
                           'trap "" TERM; echo ready; while :; do read line; done'],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        tap.equal(holder.stdout.readline(), 'ready\n')
        tap.succeeded(migctl('sim', 'hold', '-n', 'n', '-e', str(holder.pid)))
        tap.equal(holder.wait(60), -signal.SIGKILL)
    tap.equal(holders(), {})


@test
def the_node_of_the_environment_or_of_sim_use():
    node()
    uuid = devices()['3g.20gb'][0]
    tap.succeeded(migctl('sim', 'use', 'n'))
    pid = int(tap.succeeded(migctl('sim', 'hold', '-b', uuid)).stdout)
    ended(pid)
    inside = tap.succeeded(migctl('sim', 'exec', 'n', '--', 'migctl', 'sim', 'hold', '-b', uuid))
    tap.equal(holders(), {'3g.20gb': [(int(inside.stdout), 'compute', 0)]})
    ended(int(inside.stdout))


# ------------------------------------------------------------------- CUDA_VISIBLE_DEVICES

@test
def what_is_visible_below_570():
    node()
    small = devices()['1g.5gb']
    with background(env={'CUDA_VISIBLE_DEVICES': None}) as pid:
        tap.equal(holders(), {'3g.20gb': [(pid, 'compute', 0)]})
    with background(env={'CUDA_VISIBLE_DEVICES': f'{small[1]},{small[0]}'}) as pid:
        tap.equal(holders(), {'1g.5gb': [(pid, 'compute', 0)]})


@test
def what_is_visible_from_570_on():
    node(driver='580')
    small = devices()['1g.5gb']
    with background(env={'CUDA_VISIBLE_DEVICES': None}, *('--memory', '1GiB')) as pid:
        one = (pid, 'compute', 1 << 30)
        tap.equal(holders(), {'3g.20gb': [one], '1g.5gb': [one, one]})
    with background(env={'CUDA_VISIBLE_DEVICES': ','.join(small)}) as pid:
        one = (pid, 'compute', 0)
        tap.equal(holders(), {'1g.5gb': [one, one]})


@test
def nothing_visible_says_why():
    node()
    hint = ('CUDA_VISIBLE_DEVICES names GPUs by number or UUID and MIG devices by UUID; on driver '
            'branch 550 a process sees one MIG device in all')
    small = devices()['1g.5gb'][0]
    for value, why in {
            '': 'CUDA_VISIBLE_DEVICES is empty',
            '1': "'1' is no number of a GPU",
            'MIG-1\033': "'MIG-1\\x1b' is no device",
            f'{small},{small}': f"'{small}' is a device that was named before, which hides all",
    }.items():
        if '\033' in value:
            why = "no device of this node has the UUID 'MIG-1\\x1b'"
        refused(4, env={'CUDA_VISIBLE_DEVICES': value},
                says=f"no device of node 'n' is visible: {why}", hint=hint)


@test
def a_node_that_goes_leaves_its_holders():
    node()
    uuid = devices()['3g.20gb'][0]
    with background(uuid) as pid:
        got = tap.succeeded(migctl('sim', 'destroy', 'n'))
        tap.equal(got.stderr, f'removed node n\n1 holder of it still runs: process {pid}; '
                  'kill ends them\n')
        os.kill(pid, signal.SIGTERM)


# ------------------------------------------------------------------- refusals

@test
def what_is_not_there():
    node()
    uuid = devices()['3g.20gb'][0]
    refused(4, uuid + '0', says=f"no GPU and no MIG device of node 'n' has the UUID '{uuid}0'",
            hint=f"did you mean '{uuid}'?")
    refused(4, 'MIG-', says="no GPU and no MIG device of node 'n' has the UUID 'MIG-'",
            hint="'migctl sim show' lists the UUIDs of a node")
    refused(4, uuid[4:], says=f"no GPU and no MIG device of node 'n' has the UUID '{uuid[4:]}'",
            hint="UUIDs begin with GPU- or MIG-: 'migctl sim show' lists those of a node")
    tap.exited(migctl('sim', 'hold', '--node', 'nope'), 6)


@test
def a_beginning_of_several():
    uuids = [f'GPU-aaaa0000-0000-4000-8000-00000000000{i}' for i in range(2)]
    (tap.tmpdir() / 'node.json').write_text(json.dumps({
        'format': 'migsim-node/1', 'gpus': [{'model': A100, 'uuid': uuid} for uuid in uuids]}))
    tap.succeeded(migctl('sim', 'create', 'n', '-f', tap.tmpdir() / 'node.json'))
    refused(4, 'GPU-aaaa', says="'GPU-aaaa' begins the UUIDs of 2 devices of node 'n'",
            hint="give more of it; 'migctl sim show' lists them")


@test
def a_pending_mode_is_named():
    create(f'{A100}:reset-required')
    tap.exited(apply('n', config(f'x: {whole("all", LAYOUT)}\n'), 'x', '--skip-reset'), 9)
    refused(4, 'MIG-00000000-0000-5000-8000-000000000000',
            says="no GPU and no MIG device of node 'n' has the UUID "
                 "'MIG-00000000-0000-5000-8000-000000000000'",
            hint="the MIG mode of GPU 0 is pending: 'migctl sim reset' brings it into force")


@test
def memory_of_a_gpu_in_mig_mode():
    node()
    refused(4, gpus()[0]['uuid'], '--memory', '1MiB',
            says='cannot hold memory of GPU 0: MIG mode is on, and the memory is its instances\'',
            hint="name a MIG device, or leave '--memory' out")


@test
def usage():
    node()
    for args, says in {
            ('a', 'b'): "'sim hold' does not take the argument 'b'",
            ('a', 'b', '--', 'true'): "'sim hold' does not take the argument 'b'",
            ('--',): "there is no command behind '--'",
            ('-b', '--', 'true'): "'--background' and a command exclude each other",
            ('-m', '3'): "'--memory 3' is not a size",
            ('-m', '3GB'): "'--memory 3GB' is not a size",
            ('-m', '99999999999TiB'): "'--memory 99999999999TiB' is not a size",
            ('-m', 'GiB'): "'--memory GiB' is not a size",
    }.items():
        refused(2, *args, says=says)


@test
def a_command_that_cannot_run_holds_nothing():
    node()
    uuid = devices()['3g.20gb'][0]
    refused(127, uuid, '--', 'no-such-program',
            says="cannot run 'no-such-program': No such file or directory")
    program = tap.tmpdir() / 'setuid'
    program.write_text('#!/bin/sh\n')
    program.chmod(0o4755)
    refused(4, uuid, '--', program, says=f"'{program}' is setuid and would leave the simulated node")


@test
def a_full_stdout_ends_the_hold():
    node()
    uuid = devices()['3g.20gb'][0]
    for option in ('--graphics', '--background'):
        with open('/dev/full', 'wb') as full:
            done = subprocess.run([MIGCTL, 'sim', 'hold', '--node', 'n', uuid, option],
                                  stdout=full, stderr=subprocess.PIPE, check=False)
        tap.equal(done.returncode, 1, option)
        tap.contains(done.stderr.decode(), 'cannot write to standard output')
        tap.equal(holders(), {}, option)


# ------------------------------------------------------------------- in the way of apply

def user():
    import pwd
    return pwd.getpwuid(os.getuid()).pw_name


def in_the_way(driver):
    """apply names who is in the way, changes nothing, and does it once the holder has ended."""
    node(driver=driver)
    other = config(f'x: {whole("all", {"2g.10gb": 3})}\n')
    before = layouts('n')
    with background(devices()['3g.20gb'][0]) as pid:
        got = tap.exited(apply('n', other, 'x'), 5)
        tap.contains(got.stderr, 'what has to go is in use: 3g.20gb at 4:4 of GPU 0 is held by '
                                 f'process {pid} (migctl of {user()})\n'
                                 '  nothing was changed; end that and run it again, or wait for it '
                                 '(--wait), or have it ended (--evict)\n')
        tap.equal(layouts('n'), before)
    tap.succeeded(apply('n', other, 'x'))
    tap.true(layouts('n') != before, 'changed')


for branch in ('470', '535', '550', '580'):
    tap.add(f'apply_names_who_is_in_the_way_{branch}', lambda branch=branch: in_the_way(branch))


@test
def apply_keeps_what_is_held_and_needed():
    node()
    with background(devices()['3g.20gb'][0]) as pid:
        tap.succeeded(apply('n', config(f'x: {whole("all", {"3g.20gb": 1, "2g.10gb": 1})}\n'), 'x'))
        tap.equal(holders(), {'3g.20gb': [(pid, 'compute', 0)]})


@test
def apply_names_who_uses_the_whole_gpu():
    create(A100)
    uuid = gpus()[0]['uuid']
    file = config(f'x: {whole("all", LAYOUT)}\noff: {whole("all", {}, False)}\n')
    with background(uuid) as pid:
        before = gpus()
        got = tap.exited(apply('n', file, 'x'), 5)
        tap.contains(got.stderr, 'what has to go is in use: GPU 0 is used by '
                                 f'process {pid} (migctl of {user()})\n')
        tap.equal(gpus(), before)
    tap.succeeded(apply('n', file, 'x'))
    with background(uuid) as pid:
        bigger = config(f'x: {whole("all", {"3g.20gb": 1, "1g.5gb": 3})}\n', 'bigger.yaml')
        got = tap.exited(apply('n', bigger, 'x'), 5)
        tap.contains(got.stderr, 'in use by another client (NVML_ERROR_IN_USE)\n'
                                 f'  GPU 0 is in use by process {pid} (migctl of {user()}): end '
                                 'that, then run the same command again\n')
        tap.equal(gpus()[0]['mig_mode'], 'on')


tap.main()
