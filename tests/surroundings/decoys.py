# SPDX-License-Identifier: Apache-2.0
"""Decoys in the place of a real driver's library, devices and files, and who touches them.

A test file calls run() in the place of tap.main(): that plants them in a mount namespace of the file's
own, once, before any test. What has to be fetched from the network is fetched before.
"""
import ctypes
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile

import namespaces
import tap

# The build sets it for tests that depend on libraries; here it would hide the decoys.
os.environ.pop('LD_LIBRARY_PATH', None)
IS_INSIDE = namespaces.enter()
LIBC = ctypes.CDLL(None, use_errno=True)

# inotify(7): everything that opens, reads, changes, makes or removes something.
IN_ALL = 0x1 | 0x2 | 0x4 | 0x8 | 0x20 | 0x40 | 0x80 | 0x100 | 0x200
IN_NONBLOCK = 0o4000


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


def held(front, argv):
    """The program touches no decoy behind `front`; returns its Result."""
    touched, got = tripped([*front, *argv])
    tap.equal(touched, {}, ' '.join(map(str, [*front, *argv])))
    return got


def need():
    if not IS_INSIDE:
        tap.skip('no mount namespace of its own to plant decoys in (neither as root nor as user)')


def run():
    """Plants the decoys, runs the tests, and takes the decoys away."""
    if not IS_INSIDE:
        tap.main()
        return
    scratch = setup()
    try:
        tap.main()
    finally:
        # What is mounted there is seen in this namespace only; lazily, for files are open.
        subprocess.run(['umount', '-l', scratch], check=False)
        os.rmdir(scratch)
