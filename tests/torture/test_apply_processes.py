#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Real `migctl apply` processes: several at once, signals, readers beside them, and what can happen
to a GPU half way.

A process is held at a driver call by a fault (`hang`) until the test lets it go on, so nothing here
depends on time."""
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import tap
from tap import test

sys.path.insert(0, str(tap.source('tests/golden')))

from layouts import MIGCTL, create, layouts, migctl, on, state  # noqa: E402

A30 = 'a30-24gb'
A100 = 'a100-sxm4-40gb'
HALVES = '2g.12gb@0[2g.12gb@0] 2g.12gb@2[2g.12gb@0]'
WHOLE = '4g.24gb@0[4g.24gb@0]'
DESTROY_GI = 'nvmlGpuInstanceDestroy'
CREATE_GI = 'nvmlDeviceCreateGpuInstanceWithPlacement'
CREATE_CI = 'nvmlGpuInstanceCreateComputeInstanceWithPlacement'
DEADLINE_S = 60

# What apply ends with: done, and another one is changing the node.
DONE, BUSY, ROLLED_BACK, PARTIAL = 0, 5, 8, 9


def journals():
    """Those in force: one that is being written has another name until it is whole."""
    folder = tap.tmpdir() / 'migsim/n/root/var/lib/migctl/journal'
    return sorted(path for path in folder.glob('*') if path.suffix != '.new') if folder.exists() else []


def wait_until(condition, what):
    end = time.monotonic() + DEADLINE_S
    while not condition():
        tap.true(time.monotonic() < end, f'in {DEADLINE_S} s: {what}')
        time.sleep(0.01)


def intents():
    """Operations that are begun in the newest journal."""
    found = journals()
    return found[-1].read_bytes().count(b' intent ') if found else 0


def start(*layout, options=()):
    """An apply in the background; what it says is in its files."""
    return subprocess.Popen([MIGCTL, '--node', 'n', 'apply', *options, *layout],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def end(process):
    out, err = process.communicate(timeout=DEADLINE_S)
    return tap.Result(process.args, process.returncode, out, err)


def fault(text, *options):
    tap.succeeded(migctl('sim', 'fault', 'add', 'n', text, *(options or ('--node-wide',))))


def at_rest(*targets):
    """Nothing is unfinished: a further apply has nothing to recover, and plans nothing."""
    got = tap.succeeded(on('n', 'apply', *targets))
    tap.equal(got.stderr, '')
    tap.succeeded(on('n', 'assert', *targets))


@contextlib.contextmanager
def held(call, *layout, begun):
    """An apply that hangs in the driver call, `begun` operations being in its journal."""
    fault(f'{call}=hang')
    before = len(journals())
    process = start(*layout)
    try:
        wait_until(lambda: len(journals()) > before and intents() >= begun, f'it hangs in {call}')
        yield process
    finally:
        process.kill()
        process.wait()


# ------------------------------------------------------------------- signals

def a_signal(number):
    create(A30)
    tap.succeeded(on('n', 'apply', '0=2g.12gb*2'))
    before = state('n')
    # Two compute instances go, then the GPU instances: held at the second of these.
    with held(f'{DESTROY_GI}:2', '0=4g.24gb', begun=4) as process:
        process.send_signal(number)
        tap.equal(process.poll(), None)
        tap.succeeded(migctl('sim', 'fault', 'clear', 'n', 'all'))
        got = tap.exited(end(process), ROLLED_BACK)
    tap.contains(got.stderr, 'interrupted')
    tap.equal(state('n'), before)
    at_rest('0=2g.12gb*2')


for _name in ('SIGTERM', 'SIGINT', 'SIGHUP'):
    tap.add(f'{_name}_rolls_back', lambda name=_name: a_signal(getattr(signal, name)))


@test
def a_kill_is_recovered_from():
    create(A30)
    tap.succeeded(on('n', 'apply', '0=2g.12gb*2'))
    before = state('n')
    with held(f'{DESTROY_GI}:2', '0=4g.24gb', begun=4) as process:
        process.kill()
        process.wait()
    tap.succeeded(migctl('sim', 'fault', 'clear', 'n', 'all'))
    tap.equal(layouts('n') == [HALVES], False, 'it was killed half way')
    got = tap.succeeded(on('n', 'apply', '0=2g.12gb*2'))
    tap.contains(got.stderr, 'was left unfinished and was rolled back first')
    tap.equal(state('n'), before)
    at_rest('0=2g.12gb*2')


# ------------------------------------------------------------------- what cannot be rolled back

@test
def a_lost_gpu_is_said():
    create(f'2x{A30}')
    tap.succeeded(on('n', 'apply', 'all=2g.12gb*2'))
    uuid = json.loads(on('n', 'status', '--json').stdout)['gpus'][0]['uuid']
    with held(f'{CREATE_GI}:1', '0=4g.24gb', begun=5) as process:
        fault('lost', '-i', '0')
        tap.succeeded(migctl('sim', 'fault', 'clear', 'n', '1'))
        got = tap.exited(end(process), PARTIAL)
    tap.contains(got.stderr, 'the GPU has fallen off the bus')
    tap.contains(got.stderr, f'GPU 0 ({uuid}) is lost or gone, it had: 2g.12gb@0 2g.12gb@2')
    tap.not_contains(got.stderr, 'GPU 1')
    tap.succeeded(migctl('sim', 'fault', 'clear', 'n', 'all'))
    got = tap.succeeded(on('n', 'apply', '0=4g.24gb'))
    tap.contains(got.stderr, 'was left unfinished and was rolled back first')
    tap.equal(layouts('n'), [WHOLE, HALVES])


@test
def a_new_holder_is_said():
    create(A30)
    tap.succeeded(on('n', 'apply', '0=4g.24gb'))
    fault(f'{CREATE_CI}:2=UNKNOWN')
    with held(f'{CREATE_GI}:2', '0=2g.12gb*2', begun=5) as process:
        wait_until(lambda: layouts('n')[0].count('[2g.12gb@0]') == 1, 'one of two is made')
        new = list(state('n')[0].uuids.values())[0]
        pid = int(tap.succeeded(migctl('sim', 'hold', '--node', 'n', '--background', new)).stdout)
        tap.succeeded(migctl('sim', 'fault', 'clear', 'n', '2'))
        got = tap.exited(end(process), PARTIAL)
    tap.contains(got.stderr, 'NVML_ERROR_UNKNOWN')
    tap.contains(got.stderr, 'NVML_ERROR_IN_USE')
    there = ' '.join(part.split('[')[0] for part in layouts('n')[0].split('] '))
    tap.contains(got.stderr, f'GPU 0 has: {there}; before it had: 4g.24gb@0')
    tap.contains(json.dumps(state('n')), new)
    tap.succeeded(migctl('sim', 'fault', 'clear', 'n', 'all'))
    os.kill(pid, signal.SIGKILL)
    got = tap.succeeded(on('n', 'apply', '0=4g.24gb'))
    tap.contains(got.stderr, 'was left unfinished and was rolled back first')
    tap.equal(layouts('n'), [WHOLE])


# ------------------------------------------------------------------- several at once

TARGETS = ['all=2g.12gb*2', 'all=4g.24gb', 'all=1g.6gb*4', 'all=on', 'all=2g.12gb,1g.6gb*2',
           'all=off', 'all=1g.6gb*2', 'all=2c.4g.24gb*2']


def shapes():
    """What each target looks like, each made by itself."""
    found = {}
    for target in TARGETS:
        tap.succeeded(on('n', 'apply', target))
        # Where a kept instance lies depends on what was there before; the set does not.
        found[target] = shape()
    return found


def shape():
    return [(gpu.mode, sorted(part.split('@')[0] + part[part.find('['):]
                              for part in gpu.layout.rstrip(']').split('] '))) for gpu in state('n')]


def several(count, options, codes):
    create(f'2x{A30}')
    known = shapes()
    for _ in range(3):
        numbers = len(journals())
        running = [(target, start(target, options=options)) for target in TARGETS[:count]]
        results = [(target, end(process)) for target, process in running]
        done = [target for target, got in results if got.rc == DONE]
        for _, got in results:
            tap.true(got.rc in codes, str(got))
            if got.rc == BUSY:
                tap.contains(got.stderr, 'is changing this node')
        tap.true(done, 'nobody got through')
        there = shape()
        tap.true(there in [known[target] for target in done], f'a mixture: {there}')
        ended = sum('was left unfinished' in got.stderr for _, got in results)
        tap.equal(ended, 0)
        tap.true(len(journals()) - numbers <= len(done))
        # The last one made what is there, so it has nothing to do now, and nothing is left over.
        tap.true(any(on('n', 'assert', target).rc == 0 for target in done))


@test
def two_at_once():
    several(2, [], (DONE, BUSY))


@test
def two_that_wait():
    several(2, ['--wait'], (DONE,))


@test
def what_lies_elsewhere_is_the_same_shape():
    create(f'1x{A30}')
    tap.succeeded(on('n', 'apply', '0=2g.12gb@0,1g.6gb@2,1g.6gb@3'))
    first, first_layout = shape(), layouts('n')
    tap.succeeded(on('n', 'apply', '0=2g.12gb@2,1g.6gb@0,1g.6gb@1'))
    tap.equal(shape(), first)
    # Else this shows nothing.
    tap.true(layouts('n') != first_layout)


@test
def eight_at_once():
    several(8, [], (DONE, BUSY))


@test
def eight_that_wait():
    several(8, ['--wait'], (DONE,))


@test
def one_that_waits_for_another():
    create(A30)
    tap.succeeded(on('n', 'apply', '0=2g.12gb*2'))
    with held(f'{DESTROY_GI}:1', '0=4g.24gb', begun=3) as first:
        got = tap.exited(on('n', 'apply', '0=1g.6gb*4'), BUSY)
        tap.contains(got.stderr, f"'apply 0=4g.24gb' (process {first.pid} of ")
        second = start('0=1g.6gb*4', options=['--wait'])
        tap.succeeded(migctl('sim', 'fault', 'clear', 'n', 'all'))
        tap.succeeded(end(first))
        tap.succeeded(end(second))
    tap.equal(layouts('n')[0].count('1g.6gb@0]'), 4)


# ------------------------------------------------------------------- readers

READS = (('status',), ('status', '--json'), ('export',), ('plan', 'all=2g.10gb*3'), ('history',))


def read_while(process):
    """Reads for as long as the process runs. How many reads there were."""
    count = 0
    while process.poll() is None:
        for command in READS:
            got = on('n', *command)
            tap.true(got.rc == 0 or (command[0] == 'plan' and got.rc == 3), str(got))
            count += 1
    return count


@test
def readers_work_while_a_change_is_held():
    create(A30)
    tap.succeeded(on('n', 'apply', '0=2g.12gb*2'))
    with held(f'{DESTROY_GI}:1', '0=4g.24gb', begun=3):
        tap.contains(tap.succeeded(on('n', 'status')).stdout, 'GPU 0')
        tap.succeeded(on('n', 'export'))
        tap.exited(on('n', 'plan', '0=1g.6gb*4'), 3)
        tap.succeeded(on('n', 'history'))
        tap.succeeded(migctl('sim', 'fault', 'clear', 'n', 'all'))


@test
def readers_never_fail_beside_a_change_that_takes_its_time():
    tap.succeeded(migctl('sim', 'create', 'n', '--gpus', f'2x{A100}', '--timing', 'realistic'))
    process = start('all=1g.5gb*7')
    # A reader who waited for the change would be done once.
    tap.true(read_while(process) > len(READS))
    tap.succeeded(end(process))


CHURN = """\
import subprocess, sys
for i in range(40):
    subprocess.run([sys.argv[1], '--node', 'n', 'apply', ('all=1g.5gb*7', 'all=3g.20gb*2', 'all=off',
                    'all=2g.10gb*3')[i % 4]], check=True, stdout=subprocess.DEVNULL)
"""


@test
def readers_never_fail_beside_changes_without_a_pause():
    create(A100)
    tap.true(read_while(subprocess.Popen([sys.executable, '-c', CHURN, MIGCTL])) > 0)


if __name__ == '__main__':
    tap.main()
