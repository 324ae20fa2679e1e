# SPDX-License-Identifier: Apache-2.0
"""The file libnvidia-ml.so.1: what it needs and exports, and a client in another language."""
import ctypes
import os
import re
import subprocess
import sys

import tap
from tap import test

BRANCH = '550'
LIBRARY = tap.build('src', 'sim', BRANCH, 'libnvidia-ml.so.1')
MAKE_NODE = tap.build('tests', 'conformance', 'make-node')

SUCCESS, UNINITIALIZED, INVALID_ARGUMENT, NOT_SUPPORTED = 0, 1, 2, 3
NO_DRIVER, INSUFFICIENT_RESOURCES = 9, 23


def tool_lines(*argv):
    """Output lines of a tool of binutils."""
    try:
        return tap.succeeded(tap.run(argv)).stdout.splitlines()
    except FileNotFoundError:
        return tap.skip(f'{argv[0]} (binutils) is not installed')


def exported_names():
    lines = tool_lines('nm', '-D', '--defined-only', LIBRARY)
    return [line.split()[2] for line in lines]


def listed_names():
    with open(tap.source('data', 'nvml', 'symbols', BRANCH + '.txt'), encoding='ascii') as stream:
        return stream.read().split()


@test
def exports_exactly_the_names_of_the_branch():
    names = exported_names()
    tap.equal(sorted(names), sorted(listed_names()))
    tap.true(not any('@' in name for name in names), 'a symbol has a version')


def needed_libraries():
    dynamic = tool_lines('readelf', '-d', LIBRARY)
    return [re.search(r'\[(.*)\]', line).group(1) for line in dynamic if '(NEEDED)' in line]


@test
def needs_libc_only():
    dynamic = tool_lines('readelf', '-d', LIBRARY)
    needed = needed_libraries()
    if any(name.startswith(('libasan', 'libubsan', 'libtsan')) for name in needed):
        tap.skip('the library is built with sanitizers')
    tap.equal(needed, ['libc.so.6'])
    soname = [line for line in dynamic if '(SONAME)' in line]
    tap.contains(soname[0], '[libnvidia-ml.so.1]')
    tap.true(not any('RUNPATH' in line or 'RPATH' in line for line in dynamic), 'has a run path')


@test
def never_prints_nor_ends_the_process():
    undefined = ' '.join(tool_lines('nm', '-D', '--undefined-only', LIBRARY))
    for name in ('exit', '_exit', 'abort', 'printf', 'fprintf', 'puts', 'perror', 'write', 'stdout',
                 'stderr', 'signal', 'sigaction', '__assert_fail', 'pthread_create',
                 'pthread_atfork', '__register_atfork'):
        tap.true(not re.search(rf' {name}(@|$| )', undefined), f'the library calls {name}')


@test
def has_its_three_names():
    for name in ('libnvidia-ml.so', 'libnvidia-ml.so.1'):
        path = tap.build('src', 'sim', BRANCH, name)
        tap.equal(os.path.basename(os.path.realpath(path)), 'libnvidia-ml.so.550.163.01')


@test
def the_document_names_what_is_simulated():
    tap.succeeded(tap.run([sys.executable, tap.source('scripts', 'gen-simulated-functions.py'),
                           '--check', '--root', tap.source_root()]))


# ------------------------------------------------------------------- ctypes

class Library:
    """The library in this process, on a node made for the test."""

    def __init__(self, gpus, *options, name='node'):
        if any(other.startswith(('libasan', 'libtsan')) for other in needed_libraries()):
            tap.skip(tap.NOT_LOADABLE)
        self.node = tap.tmpdir() / name
        tap.succeeded(tap.run([MAKE_NODE, self.node, gpus, *options]))
        os.environ['MIGSIM_NODE'] = str(self.node)
        self.dll = ctypes.CDLL(LIBRARY)
        self.dll.nvmlErrorString.restype = ctypes.c_char_p

    def __getattr__(self, name):
        return getattr(self.dll, name)

    def gpu(self, index):
        handle = ctypes.c_void_p()
        tap.equal(self.dll.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(handle)), SUCCESS)
        return handle


@test
def every_exported_function_answers_before_init():
    """Called with null pointers, before Init, after it and after a failed one: no crash."""
    lib = Library('a100-sxm4-40gb')
    skipped = {'nvmlErrorString', 'nvmlInit', 'nvmlInit_v2', 'nvmlInitWithFlags', 'nvmlShutdown',
               'nvmlInternalGetExportTable', 'nvmlSystemGetNVMLVersion'}
    nulls = [ctypes.c_void_p(None)] * 6
    for name in listed_names():
        if name not in skipped:
            tap.equal(getattr(lib, name)(*nulls), UNINITIALIZED, name)
    tap.equal(lib.nvmlInit_v2(), SUCCESS)
    for name in listed_names():
        if name not in skipped:
            tap.true(getattr(lib, name)(*nulls) in (INVALID_ARGUMENT, NOT_SUPPORTED), name)


@test
def layout_from_python():
    lib = Library('a100-sxm4-40gb')
    tap.equal(lib.nvmlInit_v2(), SUCCESS)
    gpu = lib.gpu(0)
    activation = ctypes.c_int(77)
    tap.equal(lib.nvmlDeviceSetMigMode(gpu, 1, ctypes.byref(activation)), SUCCESS)
    tap.equal(activation.value, SUCCESS)
    # The documented trap: 19,19,14,9 does not fit, 9,19,14,19 does.
    def create(ids):
        made = []
        for profile in ids:
            handle = ctypes.c_void_p()
            code = lib.nvmlDeviceCreateGpuInstance(gpu, profile, ctypes.byref(handle))
            if code != SUCCESS:
                return made, code
            made.append(handle)
        return made, SUCCESS
    made, code = create([19, 19, 14, 9])
    tap.equal((len(made), code), (3, INSUFFICIENT_RESOURCES))
    for handle in made:
        tap.equal(lib.nvmlGpuInstanceDestroy(handle), SUCCESS)
    made, code = create([9, 19, 14, 19])
    tap.equal((len(made), code), (4, SUCCESS))
    tap.equal(lib.nvmlShutdown(), SUCCESS)


READ_ALWAYS = '''
import ctypes, sys
lib = ctypes.CDLL(sys.argv[1])
assert lib.nvmlInit_v2() == 0
gpu = ctypes.c_void_p()
assert lib.nvmlDeviceGetHandleByIndex_v2(0, ctypes.byref(gpu)) == 0
count, current, pending = ctypes.c_uint(), ctypes.c_uint(), ctypes.c_uint()
print('ready', flush=True)
for turn in range(int(sys.argv[2])):
    assert lib.nvmlDeviceGetMigMode(gpu, ctypes.byref(current), ctypes.byref(pending)) == 0
    assert current.value == pending.value, (current.value, pending.value)
    assert lib.nvmlDeviceGetMaxMigDeviceCount(gpu, ctypes.byref(count)) == 0
    assert count.value in (0, 7), count.value
print('done', flush=True)
'''


@test
def readers_in_other_processes_see_whole_changes():
    lib = Library('a100-sxm4-40gb')
    tap.equal(lib.nvmlInit_v2(), SUCCESS)
    gpu = lib.gpu(0)
    readers = [subprocess.Popen([sys.executable, '-c', READ_ALWAYS, LIBRARY, '20000'],
                                stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for reader in readers:
        tap.equal(reader.stdout.readline(), 'ready\n')
    activation = ctypes.c_int()
    for turn in range(400):
        tap.equal(lib.nvmlDeviceSetMigMode(gpu, (turn + 1) % 2, ctypes.byref(activation)), SUCCESS)
    for reader in readers:
        tap.equal(reader.communicate()[0], 'done\n')
        tap.equal(reader.returncode, 0)


@test
def a_wrong_node_is_no_driver():
    lib = Library('t4-16gb')
    os.environ['MIGSIM_NODE'] = str(tap.tmpdir() / 'nothing')
    # ctypes hands on the environment: os.environ sets it for C, too.
    tap.equal(lib.nvmlInit_v2(), NO_DRIVER)
    tap.equal(lib.nvmlErrorString(NO_DRIVER), b'Driver Not Loaded')


tap.main()
