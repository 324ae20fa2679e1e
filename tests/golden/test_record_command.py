#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`migctl record` as a person calls it: the file, what is said, and every way in which it fails.
That the recording is right is for tests/conformance/test_record.py."""
import json
import os
import re
import resource
import socket
import subprocess

import tap
from tap import test

from layouts import MIGCTL, apply, config, create, migctl, on, state

A30 = '1xa30-24gb'


def record(node, *args, **kwargs):
    return on(node, 'record', *args, **kwargs)


def files(where):
    return sorted(path.name for path in where.iterdir())


@test
def a_file_and_what_is_said_about_it():
    node = create('2xa30-24gb,1xt4-16gb')
    path = tap.tmpdir() / 'rack7.json'
    got = tap.succeeded(record(node, path))
    tap.equal(got.stdout, '')
    tap.equal(got.stderr, f"""\
not read: gpus[0].layout: only the id of a GPU instance smaller than the GPU shows it; instead: normal
not read: gpus[1].layout: only the id of a GPU instance smaller than the GPU shows it; instead: normal
not read: models.a30-24gb.chip_id: NVML does not say; instead: the built-in model a30-24gb
not read: models.a30-24gb.mode_survives_reboot: only a reboot shows it; instead: the built-in model \
a30-24gb
not read: models.a30-24gb.ci_profiles of 1g.6gb, 2g.12gb, 4g.24gb, 1g.6gb+me, 2g.12gb+me: NVML lists \
them only for a GPU instance that is there; instead: the built-in model a30-24gb
not read: models.a30-24gb.memory_idle_mib: NVML does not tell it from the memory that programs use; \
instead: the built-in model a30-24gb
not read: models.t4-16gb.chip_id: NVML does not say; instead: the built-in model t4-16gb
not read: models.t4-16gb.memory_idle_mib: NVML does not tell it from the memory that programs use; \
instead: the built-in model t4-16gb
not read: gpus[].mode_change: only a change of the MIG mode shows it; instead: immediate
recorded 3 GPUs to {path}
""")
    tap.equal(path.stat().st_mode & 0o7777, 0o644)
    document = json.loads(path.read_text())
    tap.equal(list(document)[:2], ['format', 'recorded'])
    tap.equal(document['recorded']['driver_version'], '550.163.01')
    said = [f'not read: {entry["what"]}: {entry["why"]}; instead: {entry["instead"]}'
            for entry in document['recorded']['not_read']]
    tap.equal(said, got.stderr.splitlines()[:-1])
    tap.succeeded(migctl('sim', 'create', 'again', '-f', path))


@test
def standard_output():
    node = create(A30)
    path = tap.tmpdir() / 'x.json'
    got = tap.succeeded(record(node, '-'))
    tap.true(got.stderr.endswith('recorded 1 GPU\n'), got.stderr)
    tap.succeeded(record(node, path))
    tap.equal(path.read_text(), got.stdout)
    made = tap.succeeded(migctl('sim', 'create', 'again', '-f', '-', stdin=got.stdout))
    tap.contains(made.stderr, 'made node again: 1 x NVIDIA A30')


@test
def nothing_is_changed():
    node = create('1xa100-sxm4-40gb,1xa30-24gb')
    tap.succeeded(apply(node, config("""\
        x:
        - {devices: [0], mig-enabled: true, mig-devices: {1c.3g.20gb: 2, 1g.5gb: 3}}
        """)))
    before = state(node)
    counts = tap.tmpdir() / 'counts'
    tap.succeeded(record(node, '-', env={'MIGCTL_NVML_COUNT': counts}))
    counted = json.loads(counts.read_text())
    tap.equal(counted['changing_calls'], 0)
    tap.true(counted['calls'] > 50, counted['calls'])
    for word in ('Set', 'Create', 'Destroy', 'Serial', 'Process', 'UUID'):
        tap.equal([name for name in counted['functions'] if word in name], [], word)
    tap.equal(state(node), before)


@test
def names_of_no_machine_and_no_process():
    node = create('1xa30-24gb,1xt4-16gb', name='secretive')
    for options in ((), ('--keep-ids',)):
        text = tap.succeeded(record(node, '-', *options)).stdout
        names = {'secretive', socket.gethostname(), str(tap.tmpdir())}
        for name in names:
            # A host may be called "a30": then its name is in the text and says nothing.
            if len(name) > 5:
                tap.not_contains(text, name)
        for word in ('serial', 'host', 'pid', 'process'):
            tap.not_contains(text.lower(), word)
        tap.equal(bool(re.search('GPU-[0-9a-f]{8}-', text)), bool(options))


@test
def a_file_that_is_there_is_kept():
    node = create(A30)
    path = tap.tmpdir() / 'x.json'
    path.write_text('mine\n')
    got = tap.exited(record(node, path), 4)
    tap.equal(got.stderr, f"migctl: '{path}' is there already\n"
                          '  take another name, or replace it with --force\n')
    tap.equal(path.read_text(), 'mine\n')
    tap.succeeded(record(node, path, '--force'))
    tap.equal(json.loads(path.read_text())['format'], 'migsim-node/1')


@test
def what_is_no_regular_file_is_never_replaced():
    node = create(A30)
    link = tap.tmpdir() / 'link'
    link.symlink_to(tap.tmpdir() / 'elsewhere')
    fifo = tap.tmpdir() / 'fifo'
    os.mkfifo(fifo)
    for path in ('/dev/null', tap.tmpdir(), link, fifo):
        for options in ((), ('--force',)):
            got = tap.exited(record(node, path, *options), 4)
            tap.equal(got.stderr, f"migctl: '{path}' is not a regular file\n")
    tap.true(link.is_symlink() and not (tap.tmpdir() / 'elsewhere').exists())


@test
def a_directory_that_is_not_there_or_not_writable():
    node = create(A30)
    got = tap.exited(record(node, tap.tmpdir() / 'no' / 'x.json'), 1)
    tap.contains(got.stderr, 'No such file or directory')
    tap.exited(record(node, ''), 2)
    if os.geteuid() == 0:
        tap.skip('root may write everywhere')
    where = tap.tmpdir() / 'shut'
    where.mkdir()
    where.chmod(0o500)
    got = tap.exited(record(node, where / 'x.json'), 7)
    tap.contains(got.stderr, 'Permission denied')
    tap.equal(files(where), [])


@test
def a_full_disk():
    node = create(A30)
    with open('/dev/full', 'wb') as full:
        done = subprocess.run([MIGCTL, '--node', node, 'record', '-'], stdout=full,
                              stderr=subprocess.PIPE, check=False)
    tap.equal(done.returncode, 1)
    tap.contains(done.stderr.decode(), 'No space left on device')
    # A file that may grow to 4 KiB only stands for a disk that is full then.
    where = tap.tmpdir() / 'disk'
    where.mkdir()

    def no_large_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        # Python ignores SIGXFSZ, and so does what it starts.

    done = subprocess.run([MIGCTL, '--node', node, 'record', str(where / 'x.json')],
                          preexec_fn=no_large_files, stderr=subprocess.PIPE, check=False,
                          restore_signals=False)
    tap.equal(done.returncode, 1)
    tap.contains(done.stderr.decode(), f"cannot write '{where}/x.json'")
    tap.equal(files(where), [])


@test
def no_driver():
    path = tap.tmpdir() / 'x.json'
    got = tap.exited(migctl('record', path, env={
        'MIGSIM_NODE': tap.tmpdir() / 'none', 'MIGCTL_HOST_ROOT': tap.tmpdir() / 'none' / 'root'}),
                     6)
    tap.equal(got.stdout, '')
    tap.true(not path.exists())
    got = tap.exited(on('none', 'record', path), 6)
    tap.contains(got.stderr, "no node 'none'")
    tap.true(not path.exists())


@test
def an_unprivileged_caller_says_what_was_refused():
    node = create('2xa100-sxm4-40gb')
    tap.succeeded(apply(node, config("""\
        x:
        - {devices: [0], mig-enabled: true, mig-devices: {3g.20gb: 2}}
        """)))
    got = tap.succeeded(migctl('sim', 'exec', '--unprivileged', node, '--', MIGCTL, 'record', '-'))
    for what in ('gpus[0].gpu_instances: NVML answers: not permitted '
                 '(NVML_ERROR_NO_PERMISSION); instead: none',
                 'gi_profiles[].placement_starts: NVML answers: not permitted '
                 '(NVML_ERROR_NO_PERMISSION); instead: the built-in model a100-sxm4-40gb',
                 'off_capacity: no GPU with MIG mode off answers for its profiles; instead: zero'):
        tap.contains(got.stderr, 'not read: ')
        tap.contains(got.stderr, what)
    document = json.loads(got.stdout)
    tap.equal(list(document['models']), ['a100-sxm4-40gb'])
    tap.equal(document['models']['a100-sxm4-40gb']['memory_total_mib'], 40960)
    tap.equal([gpu['mig_mode'] for gpu in document['gpus']], ['on', 'off'])
    tap.succeeded(migctl('sim', 'create', 'again', '-f', '-', stdin=got.stdout))


@test
def the_numa_node_that_the_kernel_knows():
    """NVML says it of few machines; /sys is that of the host root."""
    node = create(A30)
    home = json.loads(tap.succeeded(migctl('sim', 'show', node, '--json')).stdout)['path']
    device = f'{home}/root/sys/bus/pci/devices/0000:10:00.0'
    os.makedirs(device, exist_ok=True)
    for text, wanted in (('1\n', 1), ('-1\n', None), ('junk\n', None)):
        if os.path.lexists(f'{device}/numa_node'):
            os.unlink(f'{device}/numa_node')
        with open(f'{device}/numa_node', 'w', encoding='ascii') as stream:
            stream.write(text)
        got = tap.succeeded(record(node, '-'))
        tap.equal(json.loads(got.stdout)['gpus'][0]['numa_node'], wanted, text)
        tap.equal('gpus[0].numa_node' in got.stderr, text == 'junk\n', text)


tap.main()
