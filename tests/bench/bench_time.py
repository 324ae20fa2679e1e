#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures what takes time on a simulated node with realistic timing: creations on one GPU, on
several and on a serial node, each by processes that begin together; and how soon after a change
somebody who waits for its event is awake.

Prints figures as TAP comments and asserts none of them; what can fail is an operation.
"""
import os
import statistics
import subprocess
import sys
import tempfile
import time

import tap

WAKES = 20

# Creates the smallest GPU instance on GPU argv[1] when a line comes on stdin.
CREATE = '''
import ctypes, sys
nvml = ctypes.CDLL('libnvidia-ml.so.1')
assert nvml.nvmlInit_v2() == 0
gpu, gi = ctypes.c_void_p(), ctypes.c_void_p()
assert nvml.nvmlDeviceGetHandleByIndex_v2(int(sys.argv[1]), ctypes.byref(gpu)) == 0
print('ready', flush=True)
sys.stdin.readline()
assert nvml.nvmlDeviceCreateGpuInstance(gpu, 19, ctypes.byref(gi)) == 0
'''

# Prints when each event of GPU 0 came (CLOCK_MONOTONIC).
WAIT = '''
import ctypes, sys, time
nvml = ctypes.CDLL('libnvidia-ml.so.1')
assert nvml.nvmlInit_v2() == 0
gpu, events, data = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.create_string_buffer(32)
assert nvml.nvmlDeviceGetHandleByIndex_v2(0, ctypes.byref(gpu)) == 0
assert nvml.nvmlEventSetCreate(ctypes.byref(events)) == 0
assert nvml.nvmlDeviceRegisterEvents(gpu, ctypes.c_ulonglong(0x100), events) == 0
print('ready', flush=True)
while nvml.nvmlEventSetWait_v2(events, data, 3600000) == 0:
    print(time.monotonic(), flush=True)
'''

# Changes the mode of GPU 0 on each line of stdin and prints when.
CHANGE = '''
import ctypes, sys, time
nvml = ctypes.CDLL('libnvidia-ml.so.1')
assert nvml.nvmlInit_v2() == 0
gpu, status = ctypes.c_void_p(), ctypes.c_int()
assert nvml.nvmlDeviceGetHandleByIndex_v2(0, ctypes.byref(gpu)) == 0
for number, line in enumerate(sys.stdin):
    begin = time.monotonic()
    assert nvml.nvmlDeviceSetMigMode(gpu, (number + 1) % 2, ctypes.byref(status)) == 0
    print(begin, flush=True)
'''


def migctl(home, *args):
    tap.succeeded(tap.run([tap.build('migctl'), *args], env={'MIGSIM_HOME': home}))


def start(home, node, script, *args):
    """A program on the node that has said that it is ready."""
    return subprocess.Popen(
        [tap.build('migctl'), 'sim', 'exec', node, '--', sys.executable, '-c', script,
         *map(str, args)],
        env=dict(os.environ, MIGSIM_HOME=home), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True)


def creations(home, name, gpus, timing):
    """Milliseconds from the common beginning to the last one's end."""
    text = ('{"format": "migsim-node/1", "timing": {"create_ms": 150%s},'
            ' "gpus": [{"model": "a100-sxm4-40gb", "count": 8, "mig_mode": "on"}]}' % timing)
    description = os.path.join(home, name + '.json')
    with open(description, 'w', encoding='utf-8') as stream:
        stream.write(text)
    migctl(home, 'sim', 'create', name, '-f', description)
    workers = [start(home, name, CREATE, gpu) for gpu in gpus]
    for worker in workers:
        tap.equal(worker.stdout.readline(), 'ready\n')
    begin = time.monotonic()
    for worker in workers:
        worker.stdin.write('\n')
        worker.stdin.flush()
    for worker in workers:
        worker.communicate()
        tap.equal(worker.returncode, 0)
    return (time.monotonic() - begin) * 1000


def wakes(home):
    """Milliseconds from a change to the waiter's answer, several times."""
    migctl(home, 'sim', 'create', 'events', '--gpus', 'a100-sxm4-40gb')
    waiter = start(home, 'events', WAIT)
    tap.equal(waiter.stdout.readline(), 'ready\n')
    changer = start(home, 'events', CHANGE)
    measured = []
    for _ in range(WAKES):
        time.sleep(0.02)  # until the waiter sleeps again
        changer.stdin.write('\n')
        changer.stdin.flush()
        begin = float(changer.stdout.readline())
        measured.append((float(waiter.stdout.readline()) - begin) * 1000)
    changer.communicate()
    waiter.kill()
    waiter.communicate()
    return measured


def main():
    print('1..1')
    with tempfile.TemporaryDirectory(prefix='migctl-bench-') as home:
        one = creations(home, 'one', [0], '')
        same = creations(home, 'same', [0, 0], '')
        eight = creations(home, 'eight', range(8), '')
        serial = creations(home, 'serial', range(8), ', "serial": true')
        waited = wakes(home)
    print('ok 1 time')
    print(f'# one creation of 150 ms, with the end of its process: {one:.0f} ms')
    print(f'# two at once on one GPU: {same:.0f} ms')
    print(f'# eight at once on eight GPUs: {eight:.0f} ms')
    print(f'# eight at once on eight GPUs of a serial node: {serial:.0f} ms')
    print(f'# from a change to the answer of who waits for its event: median '
          f'{statistics.median(waited):.2f} ms, most {max(waited):.2f} ms of {WAKES}')


main()
