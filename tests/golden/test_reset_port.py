#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""GPU resets that a change needs: which GPUs, by which program, and what a failing one leaves."""
import tap
from tap import test

from layouts import A100, H100, create, executable, history, migctl, on, state

# Notes how it was called, then does it by the node's own nvidia-smi.
LOGGING = """#!/bin/sh
echo "$@" >> "{log}"
exec nvidia-smi "$@"
"""


def modes(node):
    return [(gpu.mode, gpu.pending) for gpu in state(node)]


def uuids(node):
    import json  # pylint: disable=import-outside-toplevel
    document = json.loads(tap.succeeded(migctl('sim', 'show', node, '--json')).stdout)
    return [gpu['uuid'] for gpu in document['gpus']]


def resets(node):
    import json  # pylint: disable=import-outside-toplevel
    document = json.loads(tap.succeeded(migctl('sim', 'show', node, '--json')).stdout)
    return [gpu['resets'] for gpu in document['gpus']]


@test
def only_gpus_whose_mode_changes_are_reset():
    node = create(f'3x{A100}:reset-required,1x{A100},1x{H100}')
    got = tap.succeeded(on(node, 'apply', '0=7g.40gb', '2=3g.20gb', '3=7g.40gb', '4=7g.80gb'))
    tap.equal(got.stderr, 'migctl: resetting GPUs 0,2\n')
    tap.equal(modes(node), [(True, True), (False, False), (True, True), (True, True), (True, True)])
    tap.equal(resets(node), [1, 0, 1, 0, 0])
    # Nothing is reset for instances.
    got = tap.succeeded(on(node, 'apply', '0=3g.20gb'))
    tap.equal((got.stderr, resets(node)), ('', [1, 0, 1, 0, 0]))
    got = tap.succeeded(on(node, 'apply', '0=off'))
    tap.equal((got.stderr, resets(node)), ('migctl: resetting GPU 0\n', [2, 0, 1, 0, 0]))


@test
def the_program_and_its_arguments():
    node = create(f'2x{A100}:reset-required')
    log = tap.tmpdir() / 'log'
    program = executable('reset', LOGGING.format(log=log))
    tap.succeeded(on(node, 'apply', 'all=7g.40gb', env={'MIGCTL_RESET_PROGRAM': program}))
    tap.equal(log.read_text(), f'-r -i {",".join(uuids(node))}\n')
    tap.equal(state(node)[1].layout, '7g.40gb@0[7g.40gb@0]')


@test
def a_reset_that_fails_is_rolled_back():
    node = create(f'1x{A100}:reset-required,1x{A100}')
    tap.succeeded(on(node, 'apply', '1=3g.20gb'))
    before = (modes(node), [gpu.uuids for gpu in state(node)])
    program = executable('reset', '#!/bin/sh\necho no reset today\nexit 255\n')
    got = tap.exited(on(node, 'apply', '0=7g.40gb', '1=3g.20gb,1g.5gb',
                        env={'MIGCTL_RESET_PROGRAM': program}), 8)
    tap.contains(got.stderr, "migctl: GPU 0: MIG mode change is pending: ")
    tap.contains(got.stderr, f"'{program} -r' could not reset: exit status 255: no reset today; "
                             'rolled back, the layout is as it was before\n')
    tap.contains(got.stderr, 'end what uses this GPU')
    tap.equal((modes(node), [gpu.uuids for gpu in state(node)]), before)
    tap.equal(history(node)[0]['result'], 'rolled-back')
    got = tap.exited(on(node, 'apply', '0=7g.40gb', env={'MIGCTL_RESET_PROGRAM': '/no/such/program'}),
                     8)
    tap.contains(got.stderr, '/no/such/program')
    tap.equal(modes(node)[0], (False, False))


@test
def a_reset_that_hangs_is_ended_by_a_signal():
    node = create(f'1x{A100}:reset-required')
    program = executable('reset', '#!/bin/sh\nkill -TERM $PPID\nsleep 1000\n')
    got = tap.exited(on(node, 'apply', '0=7g.40gb', env={'MIGCTL_RESET_PROGRAM': program}), 8)
    tap.contains(got.stderr, 'could not reset: killed by signal 15; rolled back')
    tap.equal(modes(node), [(False, False)])


@test
def a_reset_that_does_nothing_is_found_out():
    node = create(f'1x{A100}:reset-required')
    program = executable('reset', '#!/bin/sh\nexit 0\n')
    got = tap.exited(on(node, 'apply', '0=7g.40gb', env={'MIGCTL_RESET_PROGRAM': program}), 8)
    tap.contains(got.stderr, 'GPU 0: MIG mode on is still pending after a reset; rolled back')
    tap.equal(modes(node), [(False, False)])


@test
def persistence_mode_is_in_the_way_of_a_reset():
    node = create(f'1x{A100}:reset-required')
    tap.succeeded(migctl('sim', 'exec', node, '--', 'python3', '-c', """
import ctypes
nvml = ctypes.CDLL('libnvidia-ml.so.1')
gpu = ctypes.c_void_p()
assert nvml.nvmlInit_v2() == 0
assert nvml.nvmlDeviceGetHandleByIndex_v2(0, ctypes.byref(gpu)) == 0
assert nvml.nvmlDeviceSetPersistenceMode(gpu, 1) == 0
"""))
    got = tap.exited(on(node, 'apply', '0=7g.40gb'), 8)
    tap.contains(got.stderr, "'nvidia-smi -r' could not reset: ")
    tap.contains(got.stderr, 'nvidia-persistenced')
    tap.equal(modes(node), [(False, False)])


@test
def without_resets_it_stays_pending():
    node = create(f'1x{A100}:reset-required')
    got = tap.exited(on(node, 'apply', '--skip-reset', '0=7g.40gb'), 9)
    tap.contains(got.stderr, 'migctl: GPU 0: MIG mode on is pending: the GPU has to be reset first\n'
                             '  reset the GPU (migctl sim reset ')
    tap.equal((modes(node), resets(node)), ([(False, True)], [0]))
    tap.equal(history(node)[0]['result'], 'pending')
    tap.succeeded(migctl('sim', 'reset', node))
    tap.succeeded(on(node, 'apply', '--skip-reset', '0=7g.40gb'))
    tap.equal(state(node)[0].layout, '7g.40gb@0[7g.40gb@0]')


tap.main()
