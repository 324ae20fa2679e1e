#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares two nodes call by call: every reading NVML function that this tree knows, with every
device, instance, index and profile, on both; any difference in code or content is named.

    compare_nodes.py MIGCTL NODE NODE [--same-ids]
    compare_nodes.py --dump              what this process's libnvidia-ml.so.1 answers, as JSON

Nothing here is about one function: names, parameters and structure versions are taken from
src/nvml/symbols.h and nvml_abi.h, so a function that is added there is compared, too. A parameter
is told by its type and name: a handle, a number to try values for, a text to look something up by,
or room for an answer. Handles in answers become names ("GPU 0", "GI 0/3"), because they are
addresses. Without --same-ids UUIDs and serial numbers become the names of what they belong to.
"""
import ctypes
import itertools
import json
import os
import pathlib
import re
import subprocess
import sys

SOURCE = pathlib.Path(os.environ.get('MIG_SOURCE_ROOT')
                      or pathlib.Path(__file__).resolve().parent.parent.parent)
ROOM = 16 * 1024
LIST_ROOM = 64

# Left out by name, with the reason.
LEFT_OUT = {
    'nvmlInitWithFlags': 'state of the process',
    'nvmlShutdown': 'state of the process',
    'nvmlInternalGetExportTable': 'gives a table of functions',
    'nvmlSystemGetProcessName': 'about a process of the host',
    'nvmlDeviceSetPersistenceMode': 'changes',
    'nvmlDeviceGetTotalEnergyConsumption': 'grows with time',
}
HANDLES = {'nvmlDevice_t': 'device', 'nvmlGpuInstance_t': 'gi', 'nvmlComputeInstance_t': 'ci'}
# Handles and times within structures: bytes from, to.
MASKED = {
    'nvmlGpuInstanceInfo_t': [(0, 8)],
    'nvmlComputeInstanceInfo_t': [(0, 16)],
    'nvmlComputeInstanceInfo_v1_t': [(0, 16)],
    'nvmlViolationTime_t': [(0, 8)],
}
# Fields that grow with time: the energy of a GPU, and of it on a newer driver.
GROWING_FIELDS = (83, 191)
UINT_VALUES = {
    'index': range(10),
    'profile': range(20),
    'profileId': range(80),
    'engProfile': range(2),
    'id': range(16),
    'length': (256,),
    'cpuSetSize': (4,),
    'lastSeenTimeStamp': (0,),
}


def read(name):
    return (SOURCE / 'src/nvml' / name).read_text(encoding='utf-8')


def functions():
    """{name: [(type, parameter name)]} of what only reads."""
    text = re.sub(r'\s*\\\n\s*', ' ', read('symbols.h'))
    rows = re.findall(r'CALL\((nvml\w+), \w+, \d+, READS, *(?:NULL|"\w+"), *\(([^)]*)\)', text)
    rows += re.findall(r'X\((nvml\w+), *\(([^)]*)\)\)', text)
    found = {}
    for name, params in rows:
        if name in LEFT_OUT or 'nvmlEventSet_t' in params or 'nvmlUnit_t' in params:
            continue
        if re.match(r'nvml\w*(Set[A-Z]|Create|Destroy|Reset|Clear)', name) or 'Init' in name:
            continue
        split = [re.match(r'(.*?)(\w+)$', part.strip()).groups() for part in params.split(',')]
        found[name] = [(kind.strip(), param) for kind, param in split] if params != 'void' else []
    return found


def versions():
    """{structure: its version word}"""
    rows = re.findall(r'^MIG_ABI_VERSION\((\w+), \d+, (0x[0-9A-Fa-f]+)\)', read('nvml_abi.h'), re.M)
    found = {name: int(word, 16) for name, word in rows}
    for alias in re.findall(r'typedef (nvml\w+_v\d+_t) (nvml\w+_t);', read('nvml_abi.h')):
        if alias[0] in found:
            found[alias[1]] = found[alias[0]]
    return found


class Node:
    """The node of this process."""

    def __init__(self):
        self.lib = ctypes.CDLL('libnvidia-ml.so.1')
        self.answers = {}
        self.names = {}  # address of a handle: name
        self.handles = {'device': [], 'gi': [], 'ci': []}
        self.uuids = {}  # UUID or serial number: name
        self.texts = {'pciBusId': ['', 'x', '0000:99:00.0'], 'serial': ['', '1'], 'uuid': ['', 'x']}
        code = self.lib.nvmlInit_v2()
        self.answers['nvmlInit'] = code
        if code == 0:
            self.find_all()

    def get(self, name, *args):
        """The code and the one handle or number that a function gives."""
        value = ctypes.c_void_p()
        return getattr(self.lib, name)(*args, ctypes.byref(value)), value.value

    def text(self, name, handle):
        room = ctypes.create_string_buffer(256)
        code = getattr(self.lib, name)(ctypes.c_void_p(handle), room, 256)
        return room.value.decode() if code == 0 else ''

    def add(self, kind, handle, name):
        self.names[handle] = name
        self.handles[kind].append((handle, name))

    def find_all(self):
        count = ctypes.c_uint()
        self.lib.nvmlDeviceGetCount_v2(ctypes.byref(count))
        for gpu in range(count.value):
            handle = self.get('nvmlDeviceGetHandleByIndex_v2', gpu)[1]
            self.add('device', handle, f'GPU {gpu}')
            self.uuids[self.text('nvmlDeviceGetUUID', handle)] = f'uuid of GPU {gpu}'
            serial = self.text('nvmlDeviceGetSerial', handle)
            if serial:
                self.texts['serial'].append(serial)
                self.uuids[serial] = f'serial of GPU {gpu}'
            room = ctypes.create_string_buffer(256)
            self.lib.nvmlDeviceGetPciInfo_v3(ctypes.c_void_p(handle), room)
            self.texts['pciBusId'] += [room.raw[:16].split(b'\0')[0].decode(),
                                       room.raw[36:68].split(b'\0')[0].decode()]
            self.find_mig(gpu, ctypes.c_void_p(handle))
        self.texts['uuid'] += [text for text in self.uuids if '-' in text]

    def find_mig(self, gpu, handle):
        for index in range(16):
            code, mig = self.get('nvmlDeviceGetMigDeviceHandleByIndex', handle, index)
            if code == 0:
                self.add('device', mig, f'MIG {gpu}:{index}')
                self.uuids[self.text('nvmlDeviceGetUUID', mig)] = f'uuid of MIG {gpu}:{index}'
        for gi_id in range(16):
            code, gi = self.get('nvmlDeviceGetGpuInstanceById', handle, gi_id)
            if code:
                continue
            self.add('gi', gi, f'GI {gpu}/{gi_id}')
            for ci_id in range(8):
                code, ci = self.get('nvmlGpuInstanceGetComputeInstanceById', ctypes.c_void_p(gi),
                                    ci_id)
                if code == 0:
                    self.add('ci', ci, f'CI {gpu}/{gi_id}/{ci_id}')

    # ---- one function

    def choices(self, kind, param, kinds):
        """What to try for an input: [(argument, how it is shown)]; None for an output."""
        if kind in HANDLES:
            return [(ctypes.c_void_p(h), n) for h, n in self.handles[HANDLES[kind]]] \
                + [(ctypes.c_void_p(), 'NULL')]
        if kind == 'const char *':
            return [(text.encode(), self.uuids.get(text, text)) for text in self.texts[param]]
        if kind.startswith('const nvmlUUID'):
            return [(uuid_structure(text), self.uuids.get(text, text))
                    for text in self.texts['uuid']]
        if kind.endswith('*'):
            return None
        if param in UINT_VALUES:
            return [(value, value) for value in UINT_VALUES[param]]
        enums = sum(not k.endswith('*') and k not in HANDLES for k in kinds)
        return [(value, value) for value in range(14 if enums == 1 else 6)]

    def outputs(self, params):
        """Room for each output: {position: (buffer, kind, parameter)}."""
        rooms = {}
        for position, (kind, param) in enumerate(params):
            if not kind.endswith('*') or kind.startswith('const'):
                continue
            room = ctypes.create_string_buffer(ROOM)
            kind = kind.rstrip('* ')
            word = VERSIONS.get(kind, LIST_ROOM if 'count' in param.lower() else 0)
            room[0:4] = word.to_bytes(4, 'little')
            rooms[position] = (room, kind, param)
        return rooms

    def content(self, room, kind, count):
        """What an answer says, without addresses and times."""
        if kind in HANDLES:
            words = ctypes.cast(room, ctypes.POINTER(ctypes.c_uint64))
            return [self.names.get(words[i], 'none') for i in range(count)]
        raw = bytearray(room.raw)
        for begin, end in MASKED.get(kind, []):
            raw[begin:end] = bytes(end - begin)
        for text, name in self.uuids.items():
            if not SAME_IDS and text.encode() in raw:
                raw = raw.replace(text.encode(), name.encode())
        if kind == 'char':
            return raw.split(b'\0')[0].decode('utf-8', 'replace')
        return raw.rstrip(b'\0').hex()

    def call(self, name, params, chosen):
        rooms = self.outputs(params)
        inputs = iter(chosen)
        args = [rooms[i][0] if i in rooms else next(inputs)[0] for i in range(len(params))]
        code = getattr(self.lib, name)(*args)
        key = f'{name}({", ".join(str(shown) for _, shown in chosen)})'
        counts = [int.from_bytes(room.raw[:4], 'little') for room, _, param in rooms.values()
                  if 'count' in param.lower()]
        count = min(counts[0], LIST_ROOM) if counts else 1
        if code != 0:
            self.answers[key] = code
            return
        self.answers[key] = [code] + [self.content(room, kind, count)
                                      for room, kind, _ in rooms.values()]

    def fields(self):
        """Field values one by one; their time stamps are not compared."""
        for handle, shown in self.handles['device']:
            for field in (number for number in range(300) if number not in GROWING_FIELDS):
                room = ctypes.create_string_buffer(40)
                room[0:4] = field.to_bytes(4, 'little')
                code = self.lib.nvmlDeviceGetFieldValues(ctypes.c_void_p(handle), 1, room)
                raw = room.raw
                self.answers[f'nvmlDeviceGetFieldValues({shown}, {field})'] = \
                    [code, raw[24:].hex()]

    def walk(self):
        for name, params in FUNCTIONS.items():
            if not hasattr(self.lib, name):
                self.answers[name] = 'not exported'
                continue
            if name == 'nvmlDeviceGetFieldValues':
                self.fields()
                continue
            kinds = [kind for kind, _ in params]
            tried = [self.choices(kind, param, kinds) for kind, param in params]
            for chosen in itertools.product(*[values for values in tried if values is not None]):
                self.call(name, params, chosen)


def uuid_structure(text):
    """nvmlUUID_t with a UUID in ASCII."""
    room = ctypes.create_string_buffer(52)
    room[0:4] = VERSIONS['nvmlUUID_v1_t'].to_bytes(4, 'little')
    room[4:8] = (1).to_bytes(4, 'little')
    raw = text.encode()[:41]
    room[8:8 + len(raw)] = raw
    return room


def dump(migctl, node, same_ids, env=None):
    """The answers of a node, read in a process of its own."""
    argv = [migctl, 'sim', 'exec', node, '--', sys.executable, __file__, '--dump']
    done = subprocess.run(argv + ['--same-ids'] * same_ids, env=env, stdout=subprocess.PIPE,
                          check=True)
    return json.loads(done.stdout)


def differences(one, other):
    """Lines that name what is not the same in two dumps."""
    return [f'{key}: {one.get(key, "not there")} and {other.get(key, "not there")}'
            for key in sorted(one.keys() | other.keys()) if one.get(key) != other.get(key)]


FUNCTIONS = functions()
VERSIONS = versions()
SAME_IDS = '--same-ids' in sys.argv

if __name__ == '__main__':
    if '--dump' in sys.argv:
        HERE = Node()
        HERE.walk()
        json.dump(HERE.answers, sys.stdout)
        sys.exit(0)
    ONE, OTHER = (dump(sys.argv[1], node, SAME_IDS) for node in sys.argv[2:4])
    FOUND = differences(ONE, OTHER)
    print('\n'.join(FOUND) if FOUND else f'{len(ONE)} answers are the same')
    sys.exit(1 if FOUND else 0)
