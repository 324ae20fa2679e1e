# SPDX-License-Identifier: Apache-2.0
"""The real nvidia-smi on simulated nodes: what the tests in this folder share.

The programs come from Debian's non-free archive at test time (fetch-debs.sh) and are
only run, as they are; nothing of them is kept in the tree.
"""
import errno
import gzip
import json
import os
import pathlib
import re
import tempfile

import tap

# Where a program of each branch is found: Debian suite, package and folder; the first that there is
# wins.
PACKAGES = {470: (('bookworm', 'nvidia-tesla-470-smi', 'tesla-470'),
                  ('bullseye', 'nvidia-smi', 'current')),
            535: (('bookworm-security', 'nvidia-smi', 'current'),
                  ('bookworm', 'nvidia-smi', 'current')),
            550: (('trixie', 'nvidia-smi', 'current'),)}
BRANCHES = tuple(PACKAGES)

# What the library of a branch reports; the recordings (expected/) were made with the same.
CUDA_VERSION = {470: '11.4', 535: '12.2', 550: '12.4'}
LIBRARY_VERSION = {470: '470.256.02', 535: '535.309.01', 550: '550.163.01'}


class Program:
    """An unpacked nvidia-smi: path, branch, version; or missing, the reason why there is none."""

    def __init__(self, branch):
        self.branch = branch
        self.missing = ''
        cache = pathlib.Path(os.environ.get('MIG_PEERS_CACHE') or
                             tap.build_root() / 'peers-cache')
        for suite, package, place in PACKAGES[branch]:
            folder = cache.absolute() / 'unpacked' / f'{package}-{suite}'
            self.path = str(folder / 'usr/lib/nvidia' / place / 'nvidia-smi')
            if folder.exists() or self._fetch(suite, package, folder):
                self.missing = ''
                self.version = _package_version(folder, package)
                if self.version.startswith(f'{branch}.'):
                    return
                self.missing = f'{suite} has {package} {self.version}, not {branch}'

    def _fetch(self, suite, package, folder):
        """Unpacks the package; the folder appears whole, as other tests do the same."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            got = tap.run([tap.source('tests/interop/fetch-debs.sh'), '--suite', suite,
                           package, f'{scratch}/new'])
            if got.rc == 77:
                self.missing = got.stdout.strip().splitlines()[-1]
                return False
            if got.rc != 0:
                raise RuntimeError(f'cannot fetch {package} of {suite}\n{got}')
            try:
                os.rename(f'{scratch}/new', folder)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
        return True


def _package_version(folder, package):
    with gzip.open(folder / 'usr/share/doc' / package / 'changelog.Debian.gz', 'rt') as stream:
        found = re.match(r'\S+ \(([\d.]+)', stream.readline())
    return found[1]


def skip_all(reason):
    """One test that says why there are none."""
    tap.add('nvidia_smi', lambda: tap.skip(reason))


class Node:
    """A simulated node of the running test, of the program's branch, and programs on it."""

    def __init__(self, program, name='node'):
        self.program = program
        self.name = name
        self.before = []

    def create_gpus(self, gpus):
        """From a list of models as `sim create --gpus` takes it. Returns self."""
        tap.succeeded(tap.run([tap.build('migctl'), 'sim', 'create', self.name, '--gpus', gpus,
                               '--driver', str(self.program.branch)]))
        return self

    def create(self, description):
        """From a node description, a dictionary. Returns self."""
        path = tap.tmpdir() / f'{self.name}.json'
        path.write_text(json.dumps(description | {'driver': str(self.program.branch)}))
        path.chmod(0o600)
        tap.succeeded(tap.run([tap.build('migctl'), 'sim', 'create', self.name, '-f', path]))
        return self

    def leave(self):
        """From now on its programs are told of a node that does not exist."""
        self.before = ['env', f'MIGSIM_NODE={tap.tmpdir()}/nowhere']

    def smi(self, *args, unprivileged=False, faults=()):
        """nvidia-smi on the node; a Result. A library that is missing would be a failure of ours,
        never of a GPU of this machine: sim exec refuses to leave the node."""
        options = ['--unprivileged'] if unprivileged else []
        for fault in faults:
            options += ['--fault', fault]
        return tap.run([tap.build('migctl'), 'sim', 'exec', *options, self.name, '--',
                        *self.before, self.program.path, *args])

    def ok(self, *args):
        """nvidia-smi that must succeed; its stdout."""
        return tap.succeeded(self.smi(*args)).stdout


# ------------------------------------------------------------ reading its listings

def parse_lgi(text):
    """[(gpu, name, profile id, GI id, start, size)] of `mig -lgi`."""
    rows = re.findall(r'^\|\s+(\d+)  MIG (\S+)\s+(\d+)\s+(\d+)\s+(\d+):(\d+)\s+\|$', text, re.M)
    return [(int(g), name, int(p), int(i), int(s), int(z)) for g, name, p, i, s, z in rows]


def parse_lci(text):
    """[(gpu, GI id, name, profile id, CI id, start, size)] of `mig -lci`."""
    rows = re.findall(r'^\|\s+(\d+)\s+(\d+)       MIG (\S+)\s+(\d+)\s+(\d+)\s+(\d+):(\d+)\s+\|$',
                      text, re.M)
    return [(int(g), int(gi), name, int(p), int(c), int(s), int(z))
            for g, gi, name, p, c, s, z in rows]


def parse_devices(text):
    """{gpu: [(name, UUID)]} of `-L`, MIG devices in the order of their index, which is checked."""
    found = {}
    gpu = None
    for line in text.splitlines():
        head = re.match(r'GPU (\d+): ', line)
        if head:
            gpu = int(head[1])
            found[gpu] = []
            continue
        device = re.fullmatch(r'  MIG (\S+) +Device +(\d+): \(UUID: (MIG-[0-9a-f-]{36})\)', line)
        tap.true(device, f'a line of -L that is none: {line!r}')
        tap.equal(int(device[2]), len(found[gpu]), 'MIG device index')
        found[gpu].append((device[1], device[3]))
    return found


# {gpu: GPU, gi:, ci:, index:, memory_mib:, bar1_mib:, sm:, ce:, enc:, dec:, ofa:, jpeg:}
_DEVICE_ROW = re.compile(r'^\|\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+\|'
                         r'(?:\s+\d+MiB /\s+(\d+)MiB\s+)?\s*\|\s*(\d+)\s+\d+ '
                         r'\|\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+) \|\n'
                         r'\|                  \|(?:\s+\d+MiB /\s+(\d+)MiB\s+)?', re.M)


def parse_table(text):
    """MIG devices of the default table, in its order. Memory is None where it is not repeated."""
    keys = ('gpu', 'gi', 'ci', 'index', 'memory_mib', 'sm', 'ce', 'enc', 'dec', 'ofa', 'jpeg',
            'bar1_mib')
    return [{key: int(value) if value else None for key, value in zip(keys, row)}
            for row in _DEVICE_ROW.findall(text)]


def parse_lgip(text):
    """[{gpu:, name:, id:, …}] of `mig -lgip`, in its order."""
    rows = re.findall(r'^\|\s+(\d+)  MIG (\S+)\s+(\d+)\s+(\d+)/(\d+)\s+(\S+)\s+(No|Yes)'
                      r'\s+(\d+)\s+(\d+)\s+(\d+)\s+\|\n\|\s+(\d+)\s+(\d+)\s+(\d+)\s+\|$',
                      text, re.M)
    return [{'gpu': int(r[0]), 'name': r[1], 'id': int(r[2]), 'free': int(r[3]),
             'total': int(r[4]), 'memory_gib': r[5], 'p2p': int(r[6] == 'Yes'), 'sm': int(r[7]),
             'dec': int(r[8]), 'enc': int(r[9]), 'ce': int(r[10]), 'jpeg': int(r[11]),
             'ofa': int(r[12])} for r in rows]


def parse_lgipp(text):
    """{profile id: ([starts], size)} of `mig -lgipp` of one GPU."""
    rows = re.findall(r'^GPU +\d+ Profile ID +(\d+) Placements? *: \{([\d,]*)\}:(\d+)$', text, re.M)
    return {int(i): ([int(x) for x in starts.split(',')], int(size)) for i, starts, size in rows}


def parse_lcip(text):
    """[{gpu:, gi:, name:, id:, …}] of `mig -lcip`, in its order."""
    rows = re.findall(r'^\|\s+(\d+)\s+(\d+)       MIG (\S+)\s+(\d+)(\*?)\s+(\d+)/(\d+)\s+(\d+)'
                      r'\s+(\d+)\s+(\d+)\s+(\d+)\s+\|\n\|\s+(\d+)\s+(\d+)\s+\|$', text, re.M)
    return [{'gpu': int(r[0]), 'gi': int(r[1]), 'name': r[2], 'id': int(r[3]),
             'default': r[4] == '*', 'free': int(r[5]), 'total': int(r[6]), 'sm': int(r[7]),
             'dec': int(r[8]), 'enc': int(r[9]), 'ofa': int(r[10]), 'ce': int(r[11]),
             'jpeg': int(r[12])} for r in rows]


def parse_lcipp(text):
    """{(GI id, profile id): ([starts], size)} of `mig -lcipp` of one GPU."""
    rows = re.findall(r'^GPU +\d+ GI +(\d+) Profile ID +(\d+) Placements? *: \{([\d,]*)\}:(\d+)$',
                      text, re.M)
    return {(int(g), int(i)): ([int(x) for x in starts.split(',')], int(size))
            for g, i, starts, size in rows}


def created_gi(text):
    """The GI ids that `mig -cgi` says it made."""
    return [int(i) for i in re.findall(r'^Successfully created GPU instance ID +(\d+) on', text,
                                       re.M)]


def data(*parts):
    """A JSON file of data/."""
    return json.loads(pathlib.Path(tap.source('data', *parts)).read_text(encoding='utf-8'))
