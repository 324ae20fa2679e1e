# SPDX-License-Identifier: Apache-2.0
"""Recorded runs of nvidia-smi, repeated on simulated nodes.

expected/ has what nvidia-smi printed on another library, and the commands before it;
scenarios.list says how each is repeated and compared, and is explained at its top.
Text, row order, exit status and all that is not masked are compared byte for byte.
"""
import contextlib
import hashlib
import json
import os
import re
import shlex
import signal
import xml.etree.ElementTree

import smi
import tap

HERE = 'tests/interop/nvidia-smi'
FIRST_ADDRESS = {0: '00000000:10:00.0', 1: '00000000:30:00.0'}
GPU_UUID = 'GPU-a1000000-0000-4000-8000-{:012d}'


# ---------------------------------------------------------------- what is recorded

class Recorded:
    """One file of expected/."""

    def __init__(self, name):
        with open(tap.source(HERE, 'expected', name), encoding='utf-8') as stream:
            head, self.stdout = stream.read().split('stdout:', 1)
        self.help_text = self.stdout.removeprefix(' ') if self.stdout.startswith(' ') else None
        self.stdout = self.stdout.removeprefix('\n')
        fields = [line.split(': ', 1) for line in head.splitlines()]
        self.setup = [value for key, value in fields if key == 'setup']
        one = dict(fields)
        self.gpus = one['gpus'].split() if one['gpus'] != 'none' else []
        self.command = one['command']
        self.exit = int(one['exit'])
        self.unprivileged = one.get('run as') == 'nobody'
        self.injected = one['injected'].split(',') if 'injected' in one else []
        self.off_capacity = one.get('remaining capacity with MIG off', 'not-supported')
        self.activation = int(one.get('activation status of SetMigMode', 0))


class Scenario:
    """One row of scenarios.list for one branch."""

    def __init__(self, file, compare, ids='', setup='', node=''):
        self.file = file
        self.name = re.sub(r'(\.[\d-]+)?\.txt$', '', file)
        kind = re.fullmatch(r'(exact|help|masked|known|semantic|excluded)(?:\((.*)\))?', compare)
        self.kind, self.detail = kind[1], kind[2] or ''
        self.masks = self.detail.split(',') if self.kind in ('masked', 'known') else []
        # (gpu, recorded id) -> id here
        self.ids = {tuple(map(int, key.split('/'))): int(value)
                    for key, value in (pair.split('=') for pair in ids.split())}
        self.setup = [f'nvidia-smi {part.strip()}' for part in setup.split(';') if part.strip()]
        self.node = dict((part.split('=', 1) + [''])[:2] for part in node.split())


def read_list():
    """{branch: [Scenario]} of scenarios.list."""
    found = {}
    with open(tap.source(HERE, 'scenarios.list'), encoding='utf-8') as stream:
        for line in stream:
            if line.startswith('#') or not line.strip():
                continue
            file, branches, *rest = (part.strip() for part in line.split('|'))
            for branch in branches.split():
                found.setdefault(int(branch), []).append(Scenario(file, *rest))
    return found


def count(scenarios):
    """{what becomes of them: how many}."""
    counts = {}
    for scenario in scenarios:
        kind = f'excluded: {scenario.detail}' if scenario.kind == 'excluded' else scenario.kind
        counts[kind] = counts.get(kind, 0) + 1
    return counts


# ------------------------------------------------------------------------ rewriting

def faults(program, recorded, scenario):
    """What sim exec has to inject, of the functions that this branch has. What was recorded as
    another user with injected answers needs no such user here: only these answers were refusals."""
    if 'own-answer' in scenario.node:
        return []
    with open(tap.source('data/nvml/symbols', f'{program.branch}.txt'), encoding='ascii') as stream:
        names = stream.read().split()
    wanted = recorded.injected + [value for key, value in scenario.node.items() if key == 'inject']
    return [fault for fault in wanted if fault.partition('=')[0] in names]


def description(program, recorded, scenario):
    """The node description that gives the recorded GPUs, addresses and UUIDs."""
    with open(tap.source(HERE, 'gpus.json'), encoding='utf-8') as stream:
        models = json.load(stream)['models']
    change = scenario.node.get('mode_change', {0: 'immediate', 16: 'reset-required',
                                               19: 'in-use'}[recorded.activation])
    gpus = []
    for index, kind in enumerate(recorded.gpus):
        key = kind.lower() if kind.lower() in models else 't4-16gb'
        key = scenario.node.get(key, key)
        gpus.append({'model': key, 'uuid': GPU_UUID.format(index),
                     'pci_address': FIRST_ADDRESS[index], 'persistence_mode': 'on',
                     'mode_change': change})
    used = {gpu['model'] for gpu in gpus} & set(models)
    if program.branch == 470:
        # this branch leaves what is reserved out of the total, and the recording's library did not
        for key in used:
            models[key]['memory_reserved_mib'] = 0
    return {'format': 'migsim-node/1', 'off_capacity': recorded.off_capacity, 'gpus': gpus,
            'models': {key: models[key] for key in sorted(used)}}


def map_id(scenario, gpu, recorded_id):
    """The instance's id here. Unmapped ids stay, and may not become another's."""
    found = scenario.ids.get((gpu, recorded_id))
    if found is None:
        taken = [value for (where, _), value in scenario.ids.items() if where == gpu]
        tap.true(recorded_id not in taken, f'the id map is not one-to-one at {gpu}/{recorded_id}')
        return recorded_id
    return found


def map_command(scenario, words):
    """Applies the id map to the values of -gi, on the GPU that -i selects."""
    gpu = 1 if '-i' in words and words[words.index('-i') + 1] == '1' else 0
    for at, word in enumerate(words[:-1]):
        if word == '-gi':
            words[at + 1] = ','.join(
                str(map_id(scenario, gpu, int(part))) if part.isdigit() else part
                for part in words[at + 1].split(','))
    return words


def map_text(scenario, text):
    """Applies the id map to what was printed."""
    def put(match, gpu, old):
        new = map_id(scenario, gpu, int(match[old]))
        start, end = match.start(old) - match.start(), match.end(old) - match.start()
        width = end - start
        pad = ''
        whole = match[0]
        # Columns are two wide and right-aligned.
        while len(pad) + width < 2 and whole[start - 1] == ' ':
            start -= 1
            pad += ' '
        shown = str(new).rjust(width + len(pad))
        return whole[:start] + shown + whole[end:]

    def line(text):
        rules = (
            (r'on GPU +(\d+) GPU instance ID +(\d+)', 1, 2),
            (r'from GPU +(\d+) GPU instance ID +(\d+)', 1, 2),
            (r'GPU instance ID +(\d+) (?:on|from) GPU +(\d+)', 2, 1),
            (r'^GPU +(\d+) GI +(\d+) Profile', 1, 2),
            (r'^\|\s+(\d+)  MIG \S+\s+\d+\s+(\d+)\s+\d+:\d+\s+\|$', 1, 2),  # -lgi
            (r'^\|\s+(\d+)\s+(\d+)       MIG ', 1, 2),  # -lci, -lcip
            (r'^\|\s+(\d+)\s+(\d+)\s+\d+\s+\d+  \|', 1, 2),  # the table
            (r'^\|\s+(\d+)\s+(\d+)\s+\d+\s+\d+\s+C ', 1, 2),  # its processes
        )
        for pattern, gpu, old in rules:
            found = re.search(pattern, text)
            if found:
                return (text[:found.start()] + put(found, int(found[gpu]), old) +
                        text[found.end():])
        for pattern in (r'^( +GPU Instance ID +: )(\d+)$', r'^(\t+<gpu_instance_id>)(\d+)(?=<)'):
            text = re.sub(pattern, lambda m: m[1] + str(map_id(scenario, 0, int(m[2]))), text)
        return text

    return ''.join(line(part) + end for part, end in
                   re.findall(r'([^\n]*)(\n|$)', text) if part or end)


def substitute_versions(program, text):
    """The recording has program and driver of one version; here the program may be newer."""
    recorded = re.escape(smi.LIBRARY_VERSION[program.branch])
    text = re.sub(rf'(NVIDIA-SMI ){recorded}', rf'\g<1>{program.version}', text)
    # the recording's library said 12.4 on every branch
    return re.sub(r'(CUDA Version *: |<cuda_version>)12\.4',
                  rf'\g<1>{smi.CUDA_VERSION[program.branch]}', text)


def mig_uuid_here(node, scenario, text):
    """The recorded MIG UUID in a command, which names GPU, GI and CI, as that device's here."""
    def find(match):
        gpu, gi, ci = int(match[1]), int(match[2]), int(match[3])
        rows = smi.parse_table(node.ok())
        uuids = smi.parse_devices(node.ok('-L'))
        for row in rows:
            if (row['gpu'], row['gi'], row['ci']) == (gpu, map_id(scenario, gpu, gi), ci):
                return uuids[gpu][row['index']][1]
        return match[0]

    return re.sub(r'MIG-a1000000-(\d{4})-5000-8000-(\d{6})(\d{6})', find, text)


# -------------------------------------------------------------------------- masking

_DAY = r'[A-Z][a-z]{2} [A-Z][a-z]{2} +\d+ \d\d:\d\d:\d\d \d{4}'


def mask_mig_uuid(text):
    """UUIDs of MIG devices: the recording's came from another library. All must differ."""
    found = re.findall(r'MIG-[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}', text)
    tap.equal(len(found), len(set(found)), 'MIG UUIDs that are different')
    for uuid in found:
        text = text.replace(uuid, 'MIG-<uuid>')
    return text


def mask_time(text):
    """The time of day."""
    text = re.sub(rf'^{_DAY}(?= {{7}}$)', '<time>', text, count=1, flags=re.M)
    return re.sub(rf'(Timestamp +: |<timestamp>){_DAY}', r'\1<time>', text)


def _blank(match):
    """Group 2 of a match as so many '#': what is in it is masked, its width is not."""
    return match[1] + '#' * len(match[2]) + match[3]


def mask_usage(text):
    """Temperature, power and memory in use of the default table, which nothing here measures."""
    text = re.sub(r'^(\| N/A )( +\S+)( +P\d+ )', _blank, text, flags=re.M)
    text = re.sub(r'^(\| N/A #+ +P\d+ )( +\S+ / +\S+ +)(\|)', _blank, text, flags=re.M)
    return re.sub(r'(\|)( +\d+)(MiB /)', _blank, text)


def mask_bar1(text):
    """BAR1 of MIG devices: the recording's library gave all the same. (The models test compares
    captured figures.)"""
    return re.sub(r'^(\|                  \|#+MiB /)( +\d+)(MiB)', _blank, text, flags=re.M)


def mask_total(text):
    """Memory of whole GPUs in the default table: what a Tesla T4 reserves is not in it on 470, and
    was in the recording's."""
    return re.sub(r'^(\| N/A .* / )( *\d+)(MiB \|)', _blank, text, flags=re.M)


def mask_process(text):
    """Who holds a MIG device, in the table of processes and in --query-compute-apps: the
    recording's library had one process that never was. Which instance is held and by how much
    still counts."""
    def blank(m):
        return m[1] + '#' * len(m[2]) + m[3] + '#' * len(m[4]) + m[5]

    text = re.sub(r'^(\|(?: +\d+){3})( +\d+ +)(C   )(\S+ +)(\d+MiB \|)$', blank, text,
                  flags=re.M)
    return re.sub(r'^\d+, [^,]+(, GPU-\S+, \d+ MiB)$', r'<pid>, <name>\1', text, flags=re.M)


def mask_free(text):
    """Free count of the made-up 8-slice profile, which the recording's library counted on a GPU
    of 7 slices."""
    return re.sub(r'^(\|   0  MIG 8g\.40gb +33 +)\d+/', r'\1<free>/', text, flags=re.M)


def mask_readings(text):
    """What is not a fact of the GPU in -q and -q -x: memory reserved, used and free, BAR1 of MIG
    devices (as above), the temperature, and all within the sections of power readings."""
    for pattern in (
            r'( +(?:Reserved|Used|Free) +: )\d+ MiB$',
            r'( {8}BAR1 Memory\n +Total +: )\d+ MiB$',
            r'( +GPU Current Temp +: ).*$',
            r'(\t+<(?:reserved|used|free)>)\d+ MiB(?=<)',
            r'(\t{3}<bar1_memory_usage>\n\t+<total>)\d+ MiB(?=<)',
            r'(\t+<gpu_temp>)[^<]*'):
        text = re.sub('^' + pattern, r'\1<value>', text, flags=re.M)
    text = re.sub(r'^( {4}(?:\w+ )*Power Readings *\n)(?: {8}.*\n)+', r'\1', text, flags=re.M)
    return re.sub(r'(<\w*power_readings>\n).*?(\t+</\w*power_readings>)', r'\1\2', text,
                  flags=re.S)


MASKS = {'mig-uuid': mask_mig_uuid, 'time': mask_time, 'usage': mask_usage, 'bar1': mask_bar1,
         'total': mask_total, 'process': mask_process,
         'free': mask_free, 'readings': mask_readings}


# ----------------------------------------------------------------- what was known

def fields(text):
    """[(path, value)] of -q or -q -x, in their order."""
    found, path = [], []
    if text.startswith('<?xml'):
        def walk(element, above):
            where = (*above, element.tag)
            found.extend((where, value.strip()) for value in (element.text or '',) if value.strip())
            for child in element:
                walk(child, where)
        text = re.sub('<(time|value)>(?=</)', r'\1', text)  # what masks put there
        walk(xml.etree.ElementTree.fromstring(text), ())
        return found
    for line in text.splitlines():
        depth = (len(line) - len(line.lstrip())) // 4
        name, colon, value = line.strip().partition(' : ')
        path = path[:depth] + [''] * (depth - len(path)) + [name.strip()]
        if colon:
            found.append((tuple(path), value))
    return found


def check_known(want, here):
    """Every field that the recording's library knew is here, with the same value and in the same
    order. What it did not know was N/A there and may be anything here."""
    got = {}
    for path, value in fields(here):
        got.setdefault(path, []).append(value)
    known = [(path, value) for path, value in fields(want) if 'N/A' not in value]
    tap.true(len(known) > 60, f'only {len(known)} fields are known')
    for path, value in known:
        tap.true(got.get(path), f'{" / ".join(path)} is not there')
        while len(got[path]) > 1 and got[path][0] == 'N/A':
            got[path].pop(0)
        tap.equal(got[path].pop(0), value, ' / '.join(path))


# -------------------------------------------------------------------------- running

@contextlib.contextmanager
def held(node, wish):
    """'123MiB': every MIG device of the node has a process that holds it with so much memory;
    '123MiB@0': the first one has."""
    memory, _, which = wish.partition('@')
    pids = []
    try:
        if memory:
            uuids = [uuid for devices in smi.parse_devices(node.ok('-L')).values()
                     for _, uuid in devices]
            tap.true(uuids, 'there is nothing to hold')
            for uuid in [uuids[int(which)]] if which else uuids:
                got = tap.run([tap.build('migctl'), 'sim', 'hold', '--node', node.name,
                               '--memory', memory, '--background', uuid])
                pids.append(int(tap.succeeded(got).stdout))
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)


def check(program, scenario):
    recorded = Recorded(scenario.file)
    node = smi.Node(program).create(description(program, recorded, scenario))
    injected = faults(program, recorded, scenario)
    for command in scenario.setup or recorded.setup:
        words = map_command(scenario, shlex.split(command))
        tap.succeeded(node.smi(*words[1:]))
    command = mig_uuid_here(node, scenario, recorded.command)
    if 'no-driver' in scenario.node:
        node.leave()
    with held(node, scenario.node.get('hold', '')):
        got = node.smi(*map_command(scenario, shlex.split(command))[1:],
                       unprivileged=recorded.unprivileged and not injected, faults=injected)
    tap.equal(got.stderr, '', 'stderr')
    if scenario.kind == 'help' and program.version != smi.LIBRARY_VERSION[program.branch]:
        tap.contains(got.stdout, 'nvidia-smi mig [options]')
    elif scenario.kind == 'help':
        digest = hashlib.sha256(got.stdout.encode()).hexdigest()
        shown = f'help text, {len(got.stdout.encode())} bytes, sha256 {digest}\n'
        tap.equal(shown, recorded.help_text)
    else:
        want = substitute_versions(program, map_text(scenario, recorded.stdout))
        here = got.stdout
        for mask in scenario.masks:
            want, here = MASKS[mask](want), MASKS[mask](here)
        if scenario.kind == 'known':
            check_known(want, here)
            want = here
        elif scenario.kind == 'semantic':
            want = ''.join(sorted(want.splitlines(keepends=True)))
            here = ''.join(sorted(here.splitlines(keepends=True)))
        tap.equal(here, want)
    tap.equal(got.rc, recorded.exit, 'exit status')


# What is recorded of 550 and not done by our front (docs/nvidia-smi-front.md).
NOT_IN_THE_FRONT = {
    'q-mig': 'other-commands', 'q-x-mig': 'other-commands', 'dmon-lgc': 'other-commands',
    'mig-help': 'help', 'mig-noargs': 'help', 'mig-i-only': 'help', 'gpu-reset': 'reset'}


class Front:
    """Our front in the place of a Program: what stands first on PATH of a node."""

    branch = 550
    version = smi.LIBRARY_VERSION[550]
    missing = ''

    def __init__(self):
        self.path = str(tap.build('src/sim/shims/nvidia-smi'))


def register_front():
    """Every recording of 550, printed by our front; needs no program of others."""
    for scenario in read_list()[Front.branch]:
        if scenario.kind != 'excluded' and scenario.name not in NOT_IN_THE_FRONT:
            tap.add(scenario.name, lambda scenario=scenario: check(Front(), scenario))


def register(branch):
    """The tests of one branch; what is excluded is counted, and is no skip."""
    program = smi.Program(branch)
    if program.missing:
        smi.skip_all(f'nvidia-smi {branch}: {program.missing}')
        return
    rows = read_list()[branch]
    for scenario in rows:
        if scenario.kind != 'excluded':
            tap.add(scenario.name, lambda scenario=scenario: check(program, scenario))
    summary = ', '.join(f'{number} {kind}' for kind, number in sorted(count(rows).items()))
    print(f'# nvidia-smi {program.version}: {summary}', flush=True)
