#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The guards between a simulated node and the real machine, tried with a foreign library in the
place of the vendor's, and what migctl must not do to the terminal or behind its caller's back."""
import json
import os
import pathlib
import shutil

import tap
from tap import test

MIGCTL = tap.build('migctl')
LIBRARY_DIR = tap.build('src', 'sim', '550')


def home():
    return pathlib.Path(os.environ['MIGSIM_HOME'])


def create(name='demo', gpus='1xa100-sxm4-40gb'):
    tap.succeeded(tap.run([MIGCTL, 'sim', 'create', name, '--gpus', gpus]))
    return home() / name


def foreign_library():
    """A directory with a library that is not ours under the vendor's name."""
    directory = tap.tmpdir() / 'foreign'
    directory.mkdir(exist_ok=True)
    shutil.copy(tap.build('tests', 'unit', 'nvml-fake', 'libnvml-fake-new.so'),
                directory / 'libnvidia-ml.so.1')
    return directory


def with_more_rights():
    """A copy of migctl that the kernel starts with another group than its caller's."""
    groups = [1] if os.geteuid() == 0 else [g for g in os.getgroups() if g != os.getegid()]
    program = tap.tmpdir() / 'migctl'
    shutil.copy(MIGCTL, program)
    if not groups:
        tap.skip('this user is in no second group to make a setgid program with')
    if os.statvfs(program).f_flag & os.ST_NOSUID:
        tap.skip('the temporary directory is mounted nosuid')
    if 'NoNewPrivs:\t1' in pathlib.Path('/proc/self/status').read_text():
        tap.skip('setgid programs gain nothing here (no_new_privs is set)')
    os.chown(program, -1, groups[0])
    program.chmod(0o2755)
    return program


@test
def a_foreign_library_is_not_started_for_a_node():
    node = create()
    counts = tap.tmpdir() / 'counts'
    got = tap.exited(tap.run([MIGCTL, 'status'], env={
        'MIGSIM_NODE': str(node), 'MIGCTL_HOST_ROOT': str(node / 'root'),
        'LD_LIBRARY_PATH': str(foreign_library()), 'MIGCTL_NVML_COUNT': str(counts)}), 6)
    tap.contains(got.stderr, "but 'libnvidia-ml.so.1' is not the simulated driver")
    tap.equal(got.stdout, '')
    tap.equal(list(json.loads(counts.read_text())['functions']), ['nvmlInternalGetExportTable'])
    counts.unlink()
    got = tap.exited(tap.run([MIGCTL, 'status'], env={
        'MIGCTL_HOST_ROOT': str(node / 'root'), 'LD_LIBRARY_PATH': str(foreign_library()),
        'MIGCTL_NVML_COUNT': str(counts)}), 6)
    tap.contains(got.stderr, f"the host root '{node / 'root'}' is a simulated node's, but "
                 "'libnvidia-ml.so.1' is not the simulated driver")
    tap.equal(list(json.loads(counts.read_text())['functions']), ['nvmlInternalGetExportTable'])
    counts.unlink()
    got = tap.exited(tap.run([MIGCTL, 'status'], env={
        'MIGSIM_NODE': '', 'LD_LIBRARY_PATH': str(foreign_library()),
        'MIGCTL_NVML_COUNT': str(counts)}), 4)
    tap.contains(got.stderr, 'MIGSIM_NODE is set but empty')
    tap.true(not counts.exists(), 'the library was loaded')


@test
def rights_of_its_own_do_not_make_migctl_forget_the_node():
    # The loader and secure_getenv ignore the environment then: it must not mean the real machine.
    node = create()
    program = with_more_rights()
    library = {'LD_LIBRARY_PATH': LIBRARY_DIR}
    for variable, value in (('MIGSIM_NODE', node), ('MIGCTL_HOST_ROOT', node / 'root')):
        got = tap.exited(tap.run([program, 'status'], env={variable: str(value), **library}), 4)
        tap.contains(got.stderr, f'{variable} is set, but migctl runs with more rights than its '
                     'caller and does not follow it')
        tap.equal(got.stdout, '')


@test
def exec_refuses_directories_that_search_paths_cannot_hold():
    create()
    for name in ('a:b', 'a;b', 'a$LIB'):
        there = tap.tmpdir() / name
        (there / 'src' / 'sim' / '550').mkdir(parents=True)
        shutil.copy(MIGCTL, there)
        shutil.copy(tap.build('src', 'sim', '550', 'libnvidia-ml.so.1'),
                    there / 'src' / 'sim' / '550')
        shutil.copytree(tap.build('src', 'sim', 'shims'), there / 'src' / 'sim' / 'shims')
        (there / 'src' / 'sim' / 'libcuda').mkdir()
        shutil.copy(tap.build('src', 'sim', 'libcuda', 'libcuda.so.1'),
                    there / 'src' / 'sim' / 'libcuda')
        for command in (['sim', 'exec', 'demo', '--', 'true'], ['sim', 'use', 'demo']):
            got = tap.exited(tap.run([there / 'migctl', *command]), 4)
            tap.equal(got.stdout, '')
            tap.equal(got.stderr, 'migctl: LD_LIBRARY_PATH cannot hold the directory '
                      f"'{there}/src/sim/550'\n"
                      "  put migctl into a directory without ':', ';' and '$' in its path\n")


@test
def what_others_could_have_written_is_not_used():
    node = create()
    (node / 'state').chmod(0o666)
    got = tap.exited(tap.run([MIGCTL, '--node', 'demo', 'status']), 7)
    tap.equal(got.stderr, f"migctl: others may write to '{node}/state' (mode 0666)\n"
              f"  chmod go-w '{node}/state'\n")


@test
def who_may_not_is_told_who_may():
    create()
    got = tap.exited(tap.run([MIGCTL, 'sim', 'exec', '--unprivileged', 'demo', '--', MIGCTL,
                              'export']), 7)
    tap.contains(got.stderr, 'not permitted (NVML_ERROR_NO_PERMISSION)\n  run it as root; migctl '
                 'doctor names the right that is missing\n')


@test
def errors_do_not_command_the_terminal():
    create()
    got = tap.exited(tap.run([MIGCTL, '--node', 'demo', 'apply', '-f', 'no\x1b[31m\x9b\n']), 1)
    tap.equal(got.stderr.splitlines()[0],
              "migctl: cannot open 'no\\x1b[31m\\xc2\\x9b\\x0a': No such file or directory")
    # What is escaped already stays as it is.
    got = tap.exited(tap.run([MIGCTL, 'no\x1b']), 2)
    tap.equal(got.stderr.splitlines()[0], "migctl: unknown command 'no\\x1b'")


@test
def names_in_descriptions_do_not_command_the_terminal():
    model = json.loads(pathlib.Path(tap.source('data', 'gpus', 'a30-24gb.json')).read_text())
    for place, change in (('nvml_names', lambda m: m['nvml_names'].insert(0, 'GPU\x1b[31m')),
                          ('gi_profiles[0].name',
                           lambda m: m['gi_profiles'][0].update(name='1g.6gb\x9b'))):
        changed = json.loads(json.dumps(model))
        changed['key'] = 'mine'
        change(changed)
        file = tap.tmpdir() / 'node.json'
        file.write_text(json.dumps({'format': 'migsim-node/1', 'gpus': [{'model': 'mine'}],
                                    'models': {'mine': changed}}))
        file.chmod(0o644)
        got = tap.exited(tap.run([MIGCTL, 'sim', 'create', 'demo', '-f', file]), 4)
        tap.contains(got.stderr, f'models.mine.{place}: has control characters')


@test
def apply_changes_nothing_when_it_cannot_say_what():
    create()
    config = tap.source('examples', 'dgx-a100.yaml')
    for option in ([], ['--json']):
        got = tap.exited(tap.run(['sh', '-c', 'exec "$@" >&-', 'sh', MIGCTL, '--node', 'demo',
                                  'apply', '-f', config, '-c', 'all-1g.5gb', *option]), 1)
        tap.contains(got.stderr, 'cannot write to standard output')
        shown = tap.succeeded(tap.run([MIGCTL, '--node', 'demo', 'status', '--json']))
        tap.equal(json.loads(shown.stdout)['gpus'][0]['mig_mode'], False)
    got = tap.exited(tap.run(['sh', '-c', 'exec "$@" >/dev/full', 'sh', MIGCTL, '--node', 'demo',
                              'apply', '-f', config, '-c', 'all-1g.5gb']), 1)
    tap.contains(got.stderr, 'cannot write to standard output')
    shown = tap.succeeded(tap.run([MIGCTL, '--node', 'demo', 'status', '--json']))
    tap.equal(json.loads(shown.stdout)['gpus'][0]['mig_mode'], False)


tap.main()
