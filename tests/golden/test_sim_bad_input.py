#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bad input to the simulator's commands: what is said, how it ends, and that nothing was lost and
nothing was left behind."""
import json
import os
import pathlib
import resource
import struct
import subprocess

import tap
from tap import test

MIGCTL = tap.build('migctl')
HEAD = '"format": "migsim-node/1"'


def home():
    return pathlib.Path(os.environ['MIGSIM_HOME'])


def migctl(*args, **kwargs):
    return tap.run([MIGCTL, *args], **kwargs)


def create(name='demo', gpus='2xa100-sxm4-40gb'):
    tap.succeeded(migctl('sim', 'create', name, '--gpus', gpus))


def tree(directory):
    """All names and contents below a directory."""
    directory = pathlib.Path(directory)
    return {str(path.relative_to(directory)): path.read_bytes() if path.is_file() else None
            for path in directory.rglob('*')}


def error(message, hint=None):
    return f'migctl: {message}\n' + (f'  {hint}\n' if hint else '')


def description(text):
    path = tap.tmpdir() / 'given.json'
    path.write_text(text)
    path.chmod(0o644)
    return path


def refused(text, rc, message, hint=None):
    """`sim create -f` of this text fails so, and leaves nothing."""
    path = description(text)
    got = tap.exited(migctl('sim', 'create', 'demo', '-f', path), rc)
    tap.equal(got.stdout, '')
    tap.equal(got.stderr, error(message.replace('@', str(path)), hint))
    tap.true(not home().exists() or tree(home()) == {}, f'left behind: {tree(tap.tmpdir())}')


# ------------------------------------------------------------------- descriptions

@test
def malformed_json_names_line_and_column():
    refused('{\n  %s,\n  "gpus": [{"model": "a30-24gb"},,]\n}\n' % HEAD, 4,
            "@:3:34: unexpected token near ','")


@test
def truncated_json_names_the_end():
    refused('{%s, "gpus": [' % HEAD, 4, "@:1:37: ']' expected near end of file")


@test
def unknown_key_names_path_and_nearest():
    version = tap.succeeded(tap.run([tap.build('migctl'), '--version'])).stdout.split()[-1]
    refused('{%s, "gpus": [{"model": "a30-24gb"}, {"model": "a30-24gb", "layuot": "normal"}]}'
            % HEAD, 4, "@: gpus[1]: unknown key 'layuot'",
            "did you mean 'layout'? known are: model, count, layout, uuid, pci_address, minor, "
            "numa_node, mig_mode, persistence_mode, mode_change, mig_mode_pending, gpu_instances; "
            f"a file of a newer migctl can have keys that this one ({version}) does not know")


@test
def unknown_model_names_path_and_nearest():
    refused('{%s, "gpus": [{"model": "a100-sxm-40gb"}]}' % HEAD, 4,
            "@: gpus[0].model: unknown GPU model 'a100-sxm-40gb'",
            "did you mean 'a100-sxm4-40gb'? 'migctl sim models' lists them all")


@test
def a_thousand_million_gpus():
    refused('{%s, "gpus": [{"model": "a30-24gb", "count": 1000000000}]}' % HEAD, 4,
            '@: gpus[0].count: must be a whole number from 1 to 32, not 1000000000')
    refused('{%s, "gpus": [%s]}' % (HEAD, ', '.join(['{"model": "a30-24gb"}'] * 33)), 4,
            '@: gpus: has 33 entries, at most 32 are possible')
    got = tap.exited(migctl('sim', 'create', 'demo', '--gpus', '1000000000xa30-24gb'), 4)
    tap.equal(got.stderr, error("GPUs '1000000000xa30-24gb': a node has at most 32 GPUs, and a count is at least 1, not "
                                '1000000000'))
    tap.true(not home().exists())


@test
def a_huge_file():
    refused('{%s, "gpus": [], "x": "%s"}' % (HEAD, 'x' * (5 << 20)), 4,
            "'@' is larger than the 4 MiB that a node description may have")


@test
def deep_nesting():
    got = migctl('sim', 'create', 'demo', '-f', description('[' * 100000))
    tap.exited(got, 4)
    tap.contains(got.stderr, 'maximum parsing depth reached')


@test
def duplicate_identities():
    uuid = 'GPU-00000000-1111-2222-3333-444444444444'
    gpu = '{"model": "a30-24gb", "uuid": "%s"}' % uuid
    refused('{%s, "gpus": [%s, %s]}' % (HEAD, gpu, gpu), 4,
            f"@: gpus[1].uuid: '{uuid}' is the UUID of gpus[0] too")


@test
def other_formats_and_branches():
    refused('{"format": "migsim-node/9", "gpus": []}', 4,
            '@: format: must be "migsim-node/1", the only one this version reads')
    known = ('simulated are 470 (470.256.02), 535 (535.309.01), 550 (550.163.01), '
             '580 (580.173.02)')
    refused('{%s, "driver": "460", "gpus": [{"model": "a30-24gb"}]}' % HEAD, 4,
            "@: unknown driver branch '460'", known)
    for branch in ('55', '550.', '535.104.05', '-470', 'R550', ''):
        got = tap.exited(migctl('sim', 'create', 'demo', '-g', 'a30-24gb', f'--driver={branch}'), 4)
        tap.equal(got.stderr, error(f"unknown driver branch '{branch}'", known))
    tap.true(not home().exists())


@test
def files_that_others_may_write():
    path = description('{%s, "gpus": [{"model": "a30-24gb"}]}' % HEAD)
    path.chmod(0o666)
    got = tap.exited(migctl('sim', 'create', 'demo', '-f', path), 7)
    tap.equal(got.stderr, error(f"others may write to '{path}' (mode 0666)",
                                f"chmod go-w '{path}'"))
    path.chmod(0o644)
    link = tap.tmpdir() / 'link.json'
    link.symlink_to(path)
    got = tap.exited(migctl('sim', 'create', 'demo', '-f', link), 7)
    tap.contains(got.stderr, 'is a symbolic link')
    got = tap.exited(migctl('sim', 'create', 'demo', '-f', tap.tmpdir()), 4)
    tap.equal(got.stderr, error(f"'{tap.tmpdir()}' is not a regular file"))
    got = tap.exited(migctl('sim', 'create', 'demo', '-f', tap.tmpdir() / 'none'), 1)
    tap.equal(got.stderr, error(f"cannot open '{tap.tmpdir()}/none': No such file or directory"))
    tap.true(not home().exists())


# ------------------------------------------------------------------- names and places

@test
def bad_names():
    hint = ("names are made of letters, digits, '.', '_' and '-', and begin with none of '.' "
            "and '-'")
    for name in ('.hidden', 'a b', '', 'a/.b', 'a\nb'):
        got = tap.exited(migctl('sim', 'create', '-g', 'a30-24gb', '--', name), 2)
        shown = name.rsplit('/', 1)[-1].replace('\n', '\\x0a')
        tap.equal(got.stderr, error(f"'{shown}' is not a node name", hint))
    got = tap.exited(migctl('sim', 'create', 'x' * 64, '-g', 'a30-24gb'), 2)
    tap.equal(got.stderr, error('a node name has at most 63 characters, not 64', hint))
    tap.true(not home().exists())


@test
def an_existing_node_stays():
    create()
    before = tree(home())
    got = tap.exited(migctl('sim', 'create', 'demo', '-g', 't4-16gb'), 4)
    tap.equal(got.stderr, error(f"node 'demo' is there already ({home()}/demo)",
                                'take another name, or remove it: migctl sim destroy demo'))
    tap.equal(tree(home()), before)
    # Whatever has the name, also what is no node.
    (home() / 'file').write_text('x')
    (home() / 'empty').mkdir()
    (home() / 'dangling').symlink_to('/nonexistent')
    before = tree(home())
    for name in ('file', 'empty', 'dangling'):
        got = tap.exited(migctl('sim', 'create', name, '-g', 't4-16gb'), 4)
        tap.contains(got.stderr, f"node '{name}' is there already")
    tap.equal(tree(home()), before)


@test
def only_nodes_are_destroyed():
    other = tap.tmpdir() / 'other'
    (other / 'precious').mkdir(parents=True)
    (other / 'state').write_text('x')
    before = tree(other)
    got = tap.exited(migctl('sim', 'destroy', other), 4)
    tap.equal(got.stderr, error(f"'{other}' is not a simulated node, and stays",
                                "a node has the files 'state' and 'node.json'"))
    tap.equal(tree(other), before)
    got = tap.exited(migctl('sim', 'destroy', 'nope'), 6)
    tap.equal(got.stderr, error(f"no node 'nope' ({home()}/nope)",
                                'make one: migctl sim create nope --gpus 8xa100-sxm4-40gb'))


@test
def relative_homes_are_refused():
    got = tap.exited(migctl('sim', 'list', env={'MIGSIM_HOME': 'nodes'}), 2)
    tap.equal(got.stderr, error("MIGSIM_HOME is 'nodes', which is not an absolute path"))


# ------------------------------------------------------------------- disks

NOBODY = 65534


def become_nobody():
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


@test
def a_read_only_directory():
    if not os.stat(MIGCTL).st_mode & 1:
        tap.skip('others than its owner may not run the built migctl')
    home().mkdir()
    if os.geteuid() == 0:  # who may write anywhere
        tap.tmpdir().chmod(0o755)
        os.chown(home(), NOBODY, NOBODY)
    home().chmod(0o555)
    try:
        done = subprocess.run([MIGCTL, 'sim', 'create', 'demo', '-g', 'a30-24gb'],
                              preexec_fn=become_nobody, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False)
    except PermissionError:
        tap.skip('the build directory is closed to an unprivileged user')
    tap.equal(done.stderr.decode(),
              error(f"cannot make node 'demo' in '{home()}': Permission denied"))
    tap.equal(done.returncode, 7)
    tap.equal(tree(home()), {})


@test
def a_directory_that_cannot_be_made():
    (tap.tmpdir() / 'file').write_text('x')
    got = tap.exited(migctl('sim', 'create', tap.tmpdir() / 'file' / 'demo', '-g', 'a30-24gb'), 1)
    tap.contains(got.stderr, "cannot make node '")
    tap.contains(got.stderr, 'Not a directory')


@test
def a_full_disk():
    create('other')
    before = tree(home())

    def limit(size):
        return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    for size in (0, 1000, 4096, 8192):
        done = subprocess.run([MIGCTL, 'sim', 'create', 'demo', '-g', '8xa100-sxm4-40gb'],
                              preexec_fn=limit(size), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False)
        tap.equal(done.returncode, 1, f'limit {size}: {done.stderr}')
        tap.contains(done.stderr.decode(), "migctl: cannot make node 'demo': ")
        tap.contains(done.stderr.decode(), 'File too large')
        tap.equal(tree(home()), before, f'limit {size}')


# ------------------------------------------------------------------- damaged nodes

def damaged(change, message_part, word):
    """A node whose state file was changed so is reported by every command, and can be replaced."""
    create()
    create('healthy', 'a30-24gb')
    state = home() / 'demo' / 'state'
    change(state)
    before = tree(home())
    for args in (['sim', 'show', 'demo'], ['sim', 'use', 'demo'], ['sim', 'exec', 'demo', '--', 'true'],
                 ['--node', 'demo', 'sim', 'list']):
        got = tap.exited(migctl(*args), 1)
        tap.contains(got.stderr, f"migctl: state file '{state}' {message_part}")
        tap.contains(got.stderr, '\n  make it anew from its description: migctl sim create NEW '
                     f'-f {home()}/demo/node.json\n')
        tap.equal(got.stdout, '')
    got = tap.succeeded(migctl('sim', 'list'))
    tap.contains(got.stdout, f"demo     unusable: state file '{state}' {message_part}")
    tap.contains(got.stdout, '  healthy  550.163.01  off  1 x NVIDIA A30\n')
    nodes = json.loads(tap.succeeded(migctl('sim', 'list', '--json')).stdout)['nodes']
    tap.equal([(node['name'], (node['error'] or {}).get('code')) for node in nodes],
              [('demo', word), ('healthy', None)])
    tap.equal(tree(home()), before, 'looking at it changed nothing')
    tap.succeeded(migctl('sim', 'create', 'again', '-f', home() / 'demo' / 'node.json'))
    tap.succeeded(migctl('sim', 'destroy', 'demo'))
    tap.true(not (home() / 'demo').exists())


@test
def a_truncated_state_file():
    damaged(lambda state: os.truncate(state, 1000), 'is cut short: 1000 bytes', 'corrupt')


@test
def an_empty_state_file():
    damaged(lambda state: os.truncate(state, 0), 'is empty', 'corrupt')


@test
def a_state_file_of_another_version():
    def change(state):
        data = bytearray(state.read_bytes())
        data[8:12] = struct.pack('=I', 99)
        state.write_bytes(data)
    damaged(change, 'has format version 99, this build knows only 3', 'corrupt')


@test
def something_else_instead_of_a_state_file():
    damaged(lambda state: state.write_bytes(b'x' * state.stat().st_size),
            'is not the state of a simulated node (wrong magic number)', 'corrupt')


@test
def a_damaged_description_in_the_state_file():
    def change(state):
        data = bytearray(state.read_bytes())
        at = data.index(b'550.163.01')
        data[at] ^= 1
        state.write_bytes(data)
    damaged(change, 'is damaged: the checksum of its description is wrong', 'corrupt')


@test
def a_missing_state_file():
    create()
    (home() / 'demo' / 'state').unlink()
    got = tap.exited(migctl('sim', 'show', 'demo'), 6)
    tap.contains(got.stderr, f'{home()}/demo')
    got = tap.succeeded(migctl('sim', 'list'))
    tap.contains(got.stdout, 'demo  unusable: ')


@test
def a_node_that_others_may_write_to():
    create()
    (home() / 'demo').chmod(0o777)
    got = tap.exited(migctl('sim', 'show', 'demo'), 7)
    tap.equal(got.stderr, error(f"others may write to '{home()}/demo' (mode 0777)",
                                f"chmod go-w '{home()}/demo'"))


@test
def a_node_without_its_host_root():
    create()
    (home() / 'demo' / 'root').rename(tap.tmpdir() / 'root')
    got = tap.exited(migctl('sim', 'exec', 'demo', '--', 'true'), 1)
    tap.equal(got.stderr, error(f"the node's host root '{home()}/demo/root' is not there",
                                f"mkdir '{home()}/demo/root'"))


@test
def a_migctl_without_its_driver():
    """Alone in a directory it finds neither library nor shims, and says where it looked."""
    create()
    import shutil
    alone = tap.tmpdir() / 'alone'
    alone.mkdir()
    shutil.copy(MIGCTL, alone / 'migctl')
    got = tap.exited(tap.run([alone / 'migctl', 'sim', 'exec', 'demo', '--', 'true']), 6)
    tap.equal(got.stderr, error(
        f"the simulated driver library of branch 550 is not in '{alone}/src/sim/550' nor "
        f"'{alone}/../lib/migctl/driver/550'",
        'build it (ninja -C build), or install the whole package'))


tap.main()
