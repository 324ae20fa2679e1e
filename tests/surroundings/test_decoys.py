#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Nothing on a simulated node reaches the real machine: decoys in the place of a real driver's
library, devices and files tell who touches them.

The whole test runs in a mount namespace of its own, in which the decoys are planted. Each program
runs three times: outside of the node, where it must trip its decoys (else the test proves nothing),
on the node by `sim exec`, and in the jail. What plain exec cannot hold (absolute paths, an empty
environment) is run in the jail only, and shown to trip the decoys in plain exec, as
docs/simulator.md says.
"""
import ctypes
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

import namespaces
import tap
from tap import test

MIGCTL = tap.build('migctl')
# The build sets it for tests that depend on libraries; here it would hide the decoys.
os.environ.pop('LD_LIBRARY_PATH', None)
IS_INSIDE = namespaces.enter()
LIBC = ctypes.CDLL(None, use_errno=True)

# inotify(7): everything that opens, reads, changes, makes or removes something.
IN_ALL = 0x1 | 0x2 | 0x4 | 0x8 | 0x20 | 0x40 | 0x80 | 0x100 | 0x200
IN_NONBLOCK = 0o4000

CLIENT = """
import ctypes
for name in ('libnvidia-ml.so.1', 'libnvidia-ml.so', 'libcuda.so.1'):
    try:
        library = ctypes.CDLL(name)
        print(name, library.cuInit(0) if 'cuda' in name else library.nvmlInit_v2())
    except OSError as error:
        print(error)
"""
# Reads and writes below the host root, as migctl does; where there is none, the machine's own.
FILES = """
root=${MIGCTL_HOST_ROOT-}
cat "$root/dev/nvidia0" "$root/dev/nvidiactl" 2>&1
cat "$root/proc/driver/nvidia/version"
mkdir -p "$root/etc/cdi" "$root/var/lib/migctl"
echo 'cdiVersion: "0.5.0"' > "$root/etc/cdi/nvidia.yaml"
echo journal > "$root/var/lib/migctl/journal"
true
"""
CONFIG = """version: v1
mig-configs:
  mixed:
    - devices: all
      mig-enabled: true
      mig-devices: {"3g.20gb": 1, "1g.5gb": 1}
"""


# ------------------------------------------------------------------------- planting

def mount(*argv):
    subprocess.run(['mount', *argv], check=True)


def library_directory():
    """Where the linker looks without being told, and libraries of this machine are."""
    for name in sorted(pathlib.Path('/usr/lib').glob('*-linux-gnu')):
        if (name / 'libc.so.6').exists():
            return name
    return pathlib.Path('/usr/lib64')


def layer(path, scratch, name):
    """A directory of the machine in which things can be planted."""
    upper, work = scratch / name, scratch / f'{name}-work'
    upper.mkdir()
    work.mkdir()
    options = f'lowerdir={path},upperdir={upper},workdir={work}'
    if subprocess.run(['mount', '-t', 'overlay', 'decoys', '-o', options + ',userxattr', path],
                      check=False, stderr=subprocess.DEVNULL).returncode:
        mount('-t', 'overlay', 'decoys', '-o', options, path)


def plant_devices(scratch):
    """A /dev with the ordinary devices and what passes for GPUs."""
    dev = scratch / 'dev'
    dev.mkdir()
    for name in ('null', 'zero', 'full', 'random', 'urandom', 'tty'):
        (dev / name).write_text('')
        mount('--bind', f'/dev/{name}', dev / name)
    for name in ('pts', 'shm'):
        (dev / name).mkdir()
        mount('--rbind', f'/dev/{name}', dev / name)
    (dev / 'nvidia-caps').mkdir()
    for name in ('nvidia0', 'nvidiactl', 'nvidia-uvm', 'nvidia-caps/nvidia-cap1'):
        (dev / name).write_text('decoy\n')
    mount('--rbind', dev, '/dev')


def plant(scratch):
    """Puts all decoys in place. Returns {name: what to watch}."""
    mount('-t', 'tmpfs', 'decoys', scratch)
    mark = scratch / 'loaded'
    library = scratch / 'decoy.so'
    subprocess.run([os.environ.get('CC', 'cc'), '-shared', '-fPIC', f'-DMARK="{mark}"', '-o',
                    library, tap.source('tests/surroundings/decoy.c')], check=True)
    layer(library_directory(), scratch, 'lib')
    for name in ('libnvidia-ml.so.1', 'libnvidia-ml.so', 'libnvidia-ml.so.535.54.03',
                 'libcuda.so.1'):
        shutil.copy(library, library_directory() / name)
    plant_devices(scratch)
    driver = pathlib.Path('/proc/driver')
    mount('-t', 'tmpfs', 'decoys', driver)
    (driver / 'nvidia/capabilities/mig').mkdir(parents=True)
    (driver / 'nvidia/version').write_text('decoy\n')
    (driver / 'nvidia/capabilities/mig/config').write_text('decoy\n')
    layer('/etc', scratch, 'etc')
    pathlib.Path('/etc/cdi').mkdir(exist_ok=True)
    pathlib.Path('/etc/cdi/nvidia.yaml').write_text('decoy\n')
    mount('-t', 'tmpfs', 'decoys', '/var/lib')
    pathlib.Path('/var/lib/migctl').mkdir()
    pathlib.Path('/var/lib/migctl/journal').write_text('decoy\n')
    return {'library': mark, 'dev': '/dev', 'proc': '/proc/driver', 'cdi': '/etc/cdi',
            'var': '/var/lib'}


class Watch:
    """What was touched since it was made: names of decoys."""

    def __init__(self, decoys):
        self.mark = decoys['library']
        self.mark.unlink(missing_ok=True)
        self.fd = LIBC.inotify_init1(IN_NONBLOCK)
        self.names = {}
        for name in ('dev', 'proc', 'cdi', 'var'):
            for path, _, _ in os.walk(decoys[name]):
                if path.startswith(('/dev/pts', '/dev/shm')):
                    continue
                number = LIBC.inotify_add_watch(self.fd, path.encode(), IN_ALL)
                tap.true(number > 0, f'cannot watch {path}')
                self.names[number] = (name, path)
        # Our own walk is not meant.
        self.events()

    def events(self):
        touched = set()
        while True:
            try:
                data = os.read(self.fd, 65536)
            except BlockingIOError:
                return touched
            at = 0
            while at < len(data):
                number, _, _, size = struct.unpack_from('iIII', data, at)
                file = data[at + 16:at + 16 + size].rstrip(b'\0').decode()
                at += 16 + size
                name, path = self.names.get(number, ('?', '?'))
                # Of /dev itself everything uses something.
                if path != '/dev' or file.startswith('nvidia'):
                    touched.add((name, f'{path}/{file}'))

    def tripped(self):
        """{name: paths}"""
        found = {}
        for name, path in sorted(self.events()):
            found.setdefault(name, []).append(path)
        if self.mark.exists():
            found['library'] = [f'{len(self.mark.read_text().splitlines())} times']
        os.close(self.fd)
        return found


DECOYS = {}


def setup():
    """Plants the decoys, once, before any test."""
    scratch = pathlib.Path(tempfile.mkdtemp(prefix='mig-decoys-'))
    DECOYS.update(plant(scratch))
    return scratch


def tripped(argv, **kwargs):
    """Which decoys the program touches, and its Result."""
    watch = Watch(DECOYS)
    got = tap.run(argv, **kwargs)
    return watch.tripped(), got


def script(name, text):
    path = tap.tmpdir() / name
    path.write_text(text)
    return path


def node():
    tap.succeeded(tap.run([MIGCTL, 'sim', 'create', 'demo', '--gpus', '2xa100-sxm4-40gb']))
    return [MIGCTL, 'sim', 'exec', 'demo', '--'], [MIGCTL, 'sim', 'exec', '--jail', 'demo', '--']


def held(front, argv):
    """The program touches no decoy behind `front`; returns its Result."""
    touched, got = tripped([*front, *argv])
    tap.equal(touched, {}, ' '.join(map(str, [*front, *argv])))
    return got


def need():
    if not IS_INSIDE:
        tap.skip('no mount namespace of its own to plant decoys in (neither as root nor as user)')


# -------------------------------------------------------------------------- the tests

@test
def libraries():
    need()
    plain, jail = node()
    client = ['python3', script('client.py', CLIENT)]
    touched, _ = tripped(client)
    tap.true('library' in touched, 'outside of the node the decoy is not loaded')
    for front in (plain, jail):
        got = tap.succeeded(held(front, client))
        tap.equal(got.stdout, 'libnvidia-ml.so.1 0\nlibnvidia-ml.so 0\nlibcuda.so.1 100\n')


@test
def migctl_commands():
    need()
    plain, jail = node()
    config = script('config.yaml', CONFIG)
    for command in (['status'], ['apply', '-f', config, '-c', 'mixed']):
        touched, got = tripped([MIGCTL, *command])
        tap.true('library' in touched, f'outside of the node the decoy is not loaded\n{got}')
        for front in (plain, jail):
            tap.succeeded(held(front, [MIGCTL, *command]))


@test
def files_below_the_host_root():
    need()
    plain, jail = node()
    client = ['sh', script('files.sh', FILES)]
    touched, _ = tripped(client)
    tap.equal(sorted(touched), ['cdi', 'dev', 'proc', 'var'], 'outside of the node')
    for front in (plain, jail):
        got = tap.succeeded(held(front, client))
        tap.contains(got.stdout, 'NVRM version')
        tap.not_contains(got.stdout, 'decoy')


@test
def absolute_paths_are_held_by_the_jail_only():
    need()
    plain, jail = node()
    client = ['sh', script('files.sh', 'unset MIGCTL_HOST_ROOT\n' + FILES)]
    touched, _ = tripped([*plain, *client])
    tap.equal(sorted(touched), ['cdi', 'dev', 'proc', 'var'], 'plain exec')
    got = tap.succeeded(held(jail, client))
    tap.contains(got.stdout, 'NVRM version')


@test
def an_empty_environment_is_held_by_the_jail_only():
    need()
    plain, jail = node()
    for argv in (['env', '-i', sys.executable, script('client.py', CLIENT)],
                 ['env', '-i', sys.executable, '-c', 'import ctypes\nprint(ctypes.CDLL('
                  f'"{library_directory()}/libnvidia-ml.so.535.54.03").nvmlInit_v2())']):
        touched, _ = tripped([*plain, *argv])
        tap.equal(sorted(touched), ['library'], 'plain exec')
        got = tap.succeeded(held(jail, argv))
        tap.not_contains(got.stdout, ' 9\n')
    tap.succeeded(held(jail, ['env', '-i', MIGCTL, 'status']))
    tap.succeeded(held(jail, ['env', '-i', '/bin/sh', script('files.sh', FILES)]))


@test
def a_library_that_the_linkers_cache_names():
    need()
    _, jail = node()
    if not shutil.which('ldconfig', path='/sbin:/usr/sbin'):
        tap.skip('there is no ldconfig')
    directory = tap.tmpdir() / 'vendor'
    directory.mkdir()
    shutil.copy(library_directory() / 'libnvidia-ml.so.1', directory / 'libnvidia-ml.so.1')
    config = script('ld.so.conf', f'{directory}\ninclude /etc/ld.so.conf\n')
    tap.succeeded(tap.run([shutil.which('ldconfig', path='/sbin:/usr/sbin'), '-X', '-f', config,
                           '-C', '/etc/ld.so.cache']))
    client = ['python3', '-c', 'import ctypes, sys\n'
              'print(ctypes.CDLL(sys.argv[1]).nvmlInit_v2())', directory / 'libnvidia-ml.so.1']
    touched, _ = tripped(client)
    tap.true('library' in touched, 'outside of the node')
    tap.equal(tap.succeeded(held(jail, client)).stdout, '0\n')


@test
def shells_and_their_children():
    need()
    plain, jail = node()
    client = script('client.py', CLIENT)
    for front in (plain, jail):
        tap.succeeded(held(front, ['sh', '-c', f'sudo python3 {client}; (python3 {client}) & wait']))
        tap.succeeded(held([*front[:2], 'shell', *front[3:-1]], []))


if IS_INSIDE:
    SCRATCH = setup()
    try:
        tap.main()
    finally:
        # What is mounted there is seen in this namespace only; lazily, for files are open.
        subprocess.run(['umount', '-l', SCRATCH], check=False)
        os.rmdir(SCRATCH)
else:
    tap.main()
