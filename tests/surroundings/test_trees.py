#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The trees below a node's root: what is in them, that they follow the instances, and which
instances a process sees that has some of the capability nodes only."""
import json
import os
import pathlib
import re
import shutil
import stat

import tap
from tap import test

MIGCTL = tap.build('migctl')
CAPS_MAJOR = 3511
CONFIG = """version: v1
mig-configs:
  mixed:
    - devices: all
      mig-enabled: true
      mig-devices: {"3g.20gb": 1, "1g.5gb": 2}
  empty:
    - devices: all
      mig-enabled: true
      mig-devices: {}
"""
# Prints the MIG devices that this process sees, by all ways that lead to one.
LIST = """
import ctypes, sys
n = ctypes.CDLL('libnvidia-ml.so.1')
assert n.nvmlInit_v2() == 0
gpu, mig = ctypes.c_void_p(), ctypes.c_void_p()
assert n.nvmlDeviceGetHandleByIndex_v2(0, ctypes.byref(gpu)) == 0
index = 0
while n.nvmlDeviceGetMigDeviceHandleByIndex(gpu, index, ctypes.byref(mig)) == 0:
    gi, ci, at = ctypes.c_uint(), ctypes.c_uint(), ctypes.c_uint()
    uuid, again = ctypes.create_string_buffer(96), ctypes.c_void_p()
    assert n.nvmlDeviceGetGpuInstanceId(mig, ctypes.byref(gi)) == 0
    assert n.nvmlDeviceGetComputeInstanceId(mig, ctypes.byref(ci)) == 0
    assert n.nvmlDeviceGetIndex(mig, ctypes.byref(at)) == 0
    assert n.nvmlDeviceGetUUID(mig, uuid, 96) == 0
    assert n.nvmlDeviceGetHandleByUUID(uuid, ctypes.byref(again)) == 0
    assert again.value == mig.value
    assert at.value == index
    print(gi.value, ci.value, uuid.value.decode())
    index += 1
for uuid in sys.argv[1:]:
    print(n.nvmlDeviceGetHandleByUUID(uuid.encode(), ctypes.byref(mig)))
"""


def home():
    return pathlib.Path(os.environ['MIGSIM_HOME'])


def create(gpus='2xa100-sxm4-40gb,1xt4-16gb', *args):
    tap.succeeded(tap.run([MIGCTL, 'sim', 'create', 'demo', '--gpus', gpus, *args]))
    return home() / 'demo'


def apply(label, node='demo'):
    config = tap.tmpdir() / 'config.yaml'
    config.write_text(CONFIG.replace('devices: all', 'devices: [0]'))
    tap.succeeded(tap.run([MIGCTL, '--node', node, 'apply', '-f', config, '-c', label]))


def text(path):
    return pathlib.Path(path).read_text()


def instances(node):
    """{(minor, gi, ci or None)} that the state has."""
    shown = json.loads(tap.succeeded(tap.run([MIGCTL, 'sim', 'show', '--json', node])).stdout)
    found = set()
    for gpu in shown['gpus']:
        for gi in gpu['gpu_instances']:
            found.add((int(gpu['minor']), int(gi['id']), None))
            for ci in gi['compute_instances']:
                found.add((int(gpu['minor']), int(gi['id']),
                           int(ci['id'])))
    return found


def minor_of(gpu, gi, ci):
    return 3 + 135 * gpu + 9 * gi + (0 if ci is None else 1 + ci)


def in_files(node):
    """{(minor, gi, ci or None)} that the capability files say, each with the right content."""
    found = set()
    top = node / 'root/proc/driver/nvidia/capabilities'
    for path in sorted(top.glob('gpu*/mig/**/*')):
        name = str(path.relative_to(top))
        if path.is_dir():
            continue
        match = re.fullmatch(r'gpu(\d+)/mig/gi(\d+)(?:/ci(\d+))?/access', name)
        tap.true(match is not None, f'{name} should not be there')
        key = tuple(None if part is None else int(part) for part in match.groups())
        tap.equal(text(path), f'DeviceFileMinor: {minor_of(*key)}\nDeviceFileMode: 292\n'
                  'DeviceFileModify: 1\n', name)
        tap.equal(stat.S_IMODE(path.stat().st_mode), 0o444, name)
        found.add(key)
    return found


def in_devices(node):
    """Minors of the capability nodes of instances."""
    names = {path.name for path in (node / 'root/dev/nvidia-caps').iterdir()}
    tap.true({'nvidia-cap1', 'nvidia-cap2'} <= names, names)
    return {int(name[len('nvidia-cap'):]) for name in names} - {1, 2}


def check(node):
    want = instances('demo')
    tap.equal(in_files(node), want)
    tap.equal(in_devices(node), {minor_of(*key) for key in want})
    return want


@test
def what_a_new_node_has():
    node = create()
    root = node / 'root'
    tap.contains(text(root / 'proc/driver/nvidia/version'), '550.163.01')
    tap.contains(text(root / 'proc/driver/nvidia/params'), 'ModifyDeviceFiles: 1\n')
    tap.equal(text(root / 'sys/module/nvidia/version'), '550.163.01\n')
    tap.equal([line.split()[0] for line in text(root / 'proc/modules').splitlines()],
              ['nvidia_uvm', 'nvidia_modeset', 'nvidia'])
    tap.contains(text(root / 'proc/devices'), f'{CAPS_MAJOR} nvidia-caps\n')
    tap.equal(sorted(path.name for path in (root / 'sys/bus/pci/devices').iterdir()),
              ['0000:10:00.0', '0000:11:00.0', '0000:12:00.0'])
    t4 = root / 'sys/bus/pci/devices/0000:12:00.0'
    tap.equal([text(t4 / name) for name in ('vendor', 'device', 'class', 'numa_node')],
              ['0x10de\n', '0x1eb8\n', '0x030200\n', '-1\n'])
    tap.equal(len(text(t4 / 'resource').splitlines()), 13)
    config = (t4 / 'config').read_bytes()
    tap.equal((len(config), config[:4]), (256, b'\xde\x10\xb8\x1e'))
    tap.equal(os.path.realpath(t4 / 'driver'), str(root / 'sys/bus/pci/drivers/nvidia'))
    tap.contains(text(root / 'proc/driver/nvidia/gpus/0000:11:00.0/information'),
                 'Device Minor: \t 1\n')
    # A GPU without MIG has no place for instances.
    tap.equal(sorted(path.name for path in (root / 'proc/driver/nvidia/capabilities').iterdir()),
              ['gpu0', 'gpu1', 'mig'])
    tap.equal(text(root / 'proc/driver/nvidia/capabilities/mig/config'),
              'DeviceFileMinor: 1\nDeviceFileMode: 256\nDeviceFileModify: 1\n')
    names = {path.name for path in (root / 'dev').iterdir()}
    tap.equal(names, {'nvidia0', 'nvidia1', 'nvidia2', 'nvidiactl', 'nvidia-modeset',
                      'nvidia-uvm', 'nvidia-uvm-tools', 'nvidia-caps'})
    check(node)


@test
def the_table_of_minors_is_the_drivers():
    lines = text(create('none') / 'root/proc/driver/nvidia-caps/mig-minors').splitlines()
    tap.equal(len(lines), 2 + 32 * 15 * 9)
    tap.equal(lines[:4], ['config 1', 'monitor 2', 'gpu0/gi0/access 3', 'gpu0/gi0/ci0/access 4'])
    tap.equal(lines[-1], 'gpu31/gi14/ci7/access 4322')
    # Captured on a real machine: GI 7 of GPU 0 and its compute instance 0.
    tap.contains(lines, 'gpu0/gi7/access 66')
    tap.contains(lines, 'gpu0/gi7/ci0/access 67')


@test
def device_nodes_cannot_be_opened():
    node = create()
    path = node / 'root/dev/nvidia0'
    if not stat.S_ISCHR(path.stat().st_mode):
        tap.skip('device nodes cannot be made here (no root)')
    tap.equal(os.major(path.stat().st_rdev), 3195)
    # No driver of any Linux can have a major from 512 on.
    for name in ('nvidia0', 'nvidiactl', 'nvidia-uvm', 'nvidia-caps/nvidia-cap2'):
        st = (node / 'root/dev' / name).stat()
        tap.true(os.major(st.st_rdev) >= 512, name)
        try:
            os.close(os.open(node / 'root/dev' / name, os.O_RDWR))
            tap.fail(f'{name} was opened')
        except OSError:
            pass


@test
def files_follow_the_instances():
    node = create()
    apply('mixed')
    tap.equal(len(check(node)), 6)
    apply('empty')
    tap.equal(check(node), set())
    apply('mixed')
    check(node)
    config = tap.tmpdir() / 'off.yaml'
    config.write_text('version: v1\nmig-configs:\n  disabled:\n    - devices: [0]\n'
                      '      mig-enabled: false\n')
    tap.succeeded(tap.run([MIGCTL, '--node', 'demo', 'apply', '-f', config, '-c', 'disabled']))
    tap.equal(check(node), set())


@test
def each_start_of_the_machine_has_its_boot_id():
    node = create()
    path = node / 'root/proc/sys/kernel/random/boot_id'
    first = path.read_text()
    tap.true(re.fullmatch(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\n', first), first)
    apply('mixed')
    tap.succeeded(tap.run([MIGCTL, 'sim', 'reset', 'demo']))
    tap.equal(path.read_text(), first)
    tap.succeeded(tap.run([MIGCTL, 'sim', 'reboot', 'demo']))
    second = path.read_text()
    tap.true(second != first, 'the same after a reboot')
    # Killed between the reboot and the file, a node has the old one; the next exec mends it.
    path.chmod(0o644)
    path.write_text(first)
    tap.succeeded(tap.run([MIGCTL, 'sim', 'exec', 'demo', '--', 'true']))
    tap.equal(path.read_text(), second)
    # A node made again begins as the first one did.
    tap.succeeded(tap.run([MIGCTL, 'sim', 'destroy', 'demo']))
    create()
    tap.equal(path.read_text(), first)


@test
def what_a_killed_program_left_is_mended():
    node = create()
    apply('mixed')
    caps = node / 'root/proc/driver/nvidia/capabilities/gpu0/mig'
    dev = node / 'root/dev/nvidia-caps'
    gis = sorted(path.name for path in caps.iterdir())

    def spoil():
        os.chmod(caps / gis[0] / 'access', 0o644)
        (caps / gis[0] / 'access').write_text('DeviceFileMinor: 1\n')
        (caps / gis[0] / '.new').write_text('')
        shutil.rmtree(caps / gis[1])
        (caps / 'gi14/ci3').mkdir(parents=True)
        (caps / 'gi14/ci3/access').write_text('')
        (dev / 'nvidia-cap9').write_text('')
        for key in instances('demo'):
            (dev / f'nvidia-cap{minor_of(*key)}').unlink()

    spoil()
    tap.succeeded(tap.run([MIGCTL, 'sim', 'exec', 'demo', '--', 'true']))
    check(node)
    # So does the next change of that GPU.
    spoil()
    apply('empty')
    tap.equal(check(node), set())
    tap.true(not (caps / 'gi14').exists())


@test
def links_in_the_trees_are_not_followed():
    node = create()
    outside = tap.tmpdir() / 'outside'
    (outside / 'mig').mkdir(parents=True)
    caps = node / 'root/proc/driver/nvidia/capabilities'
    shutil.rmtree(caps / 'gpu0')
    (caps / 'gpu0').symlink_to(outside)
    shutil.rmtree(node / 'root/dev/nvidia-caps')
    (node / 'root/dev/nvidia-caps').symlink_to(outside)
    apply('mixed')
    tap.equal(sorted(path.name for path in outside.rglob('*')), ['mig'])


@test
def libraries_are_not_copied_along_links():
    node = create()
    for name in ('root/usr/lib', 'root/usr/bin'):
        outside = tap.tmpdir() / pathlib.Path(name).name
        shutil.move(node / name, outside)
        (node / name).symlink_to(outside)
        for path in [*outside.rglob('lib*'), *outside.glob('nvidia-smi')]:
            path.unlink()
    tap.succeeded(tap.run([MIGCTL, 'sim', 'exec', 'demo', '--', 'true']))
    for name in ('lib', 'bin'):
        tap.equal([path for path in (tap.tmpdir() / name).rglob('*') if not path.is_dir()], [])


@test
def a_node_without_trees_is_served():
    node = create()
    shutil.rmtree(node / 'root')
    (node / 'root').mkdir()
    apply('mixed')
    tap.equal(len(instances('demo')), 6)
    tap.true(not (node / 'root/proc').exists())


@test
def libraries_for_programs_that_are_given_a_root():
    lib = next((create() / 'root/usr/lib').glob('*-linux-gnu'))
    for name in ('libnvidia-ml.so', 'libcuda.so'):
        tap.equal(os.readlink(lib / f'{name}.1'), f'{name}.550.163.01')
        tap.true((lib / name).resolve().is_file())
    tap.equal((lib / 'libnvidia-ml.so.1').read_bytes(),
              pathlib.Path(tap.build('src/sim/550/libnvidia-ml.so.1')).read_bytes())
    # An old copy is replaced, and not written into.
    (lib / 'libnvidia-ml.so.550.163.01').write_bytes(b'old')
    os.link(lib / 'libnvidia-ml.so.550.163.01', tap.tmpdir() / 'kept')
    tap.succeeded(tap.run([MIGCTL, 'sim', 'exec', 'demo', '--', 'true']))
    tap.equal((lib / 'libnvidia-ml.so.1').read_bytes()[:4], b'\x7fELF')
    tap.equal((tap.tmpdir() / 'kept').read_bytes(), b'old')


@test
def cuda_programs_find_no_device():
    create()
    got = tap.succeeded(tap.run([MIGCTL, 'sim', 'exec', 'demo', '--', 'python3', '-c',
                                 'import ctypes\n'
                                 'cuda = ctypes.CDLL("libcuda.so.1")\n'
                                 'text = ctypes.c_char_p()\n'
                                 'code = cuda.cuInit(0)\n'
                                 'cuda.cuGetErrorName(code, ctypes.byref(text))\n'
                                 'print(code, text.value.decode())\n']))
    tap.equal(got.stdout, '100 CUDA_ERROR_NO_DEVICE\n')


def devfs_node():
    file = tap.tmpdir() / 'node.json'
    file.write_text(json.dumps({'format': 'migsim-node/1', 'visibility': 'devfs',
                                'gpus': [{'model': 'a100-sxm4-40gb', 'minor': 2}]}))
    tap.succeeded(tap.run([MIGCTL, 'sim', 'create', 'demo', '-f', file]))
    apply('mixed')
    tap.equal(json.loads(text(home() / 'demo/node.json'))['visibility'], 'devfs')
    return home() / 'demo'


def listed(*args, **kwargs):
    script = tap.tmpdir() / 'list.py'
    script.write_text(LIST)
    got = tap.succeeded(tap.run([MIGCTL, 'sim', 'exec', 'demo', '--', 'env',
                                 *(f'{k}={v}' for k, v in kwargs.items()),
                                 'python3', script, *args]))
    return [line.split() for line in got.stdout.splitlines()]


@test
def with_devfs_a_process_sees_what_it_may_open():
    node = devfs_node()
    every = listed()
    tap.equal(len(every), 3)
    # As a container has it: a /dev with some of the nodes.
    part = tap.tmpdir() / 'part'
    caps = part / 'dev/nvidia-caps'
    caps.mkdir(parents=True)
    for gi, ci, _ in (every[0], every[2]):
        (caps / f'nvidia-cap{minor_of(2, int(gi), None)}').write_text('')
        (caps / f'nvidia-cap{minor_of(2, int(gi), int(ci))}').write_text('')
    uuids = [uuid for _, _, uuid in every]
    got = listed(*uuids, MIGCTL_HOST_ROOT=part)
    tap.equal(got, [every[0], every[2], ['0'], ['6'], ['0']])
    # Both nodes are needed.
    (caps / f'nvidia-cap{minor_of(2, int(every[0][0]), 0)}').unlink()
    tap.equal(listed(MIGCTL_HOST_ROOT=part), [every[2]])
    (caps / f'nvidia-cap{minor_of(2, int(every[2][0]), None)}').unlink()
    tap.equal(listed(MIGCTL_HOST_ROOT=part), [])
    # The node's own trees are looked at in each call.
    tap.equal(listed(), every)
    shutil.rmtree(node / 'root/dev/nvidia-caps')
    tap.equal(listed(), [])


@test
def without_devfs_the_nodes_do_not_matter():
    node = create()
    apply('mixed')
    shutil.rmtree(node / 'root/dev/nvidia-caps')
    tap.equal(len(listed()), 3)


@test
def an_unknown_visibility_is_refused():
    file = tap.tmpdir() / 'node.json'
    file.write_text(json.dumps({'format': 'migsim-node/1', 'visibility': 'dev', 'gpus': []}))
    got = tap.exited(tap.run([MIGCTL, 'sim', 'create', 'demo', '-f', file]), 4)
    tap.contains(got.stderr, "visibility: unknown value 'dev'")


tap.main()
