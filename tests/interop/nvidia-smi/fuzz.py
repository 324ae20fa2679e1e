# SPDX-License-Identifier: Apache-2.0
"""Random states and random command lines: nvidia-smi 550 and our front on the same bytes.

A state is a simulated node that random commands have brought somewhere. For each command line the
state's bytes are put back, each program runs on them, and stdout, exit status and the state left
behind must be the same. Everything follows from a seed, which a failure prints; a state with its
command lines is one seed, so that one failing state can be run alone:

    MIG_SMI_FUZZ_SEED=N ./check nvidia-smi-front-fuzz

What differs on purpose (docs/nvidia-smi-front.md) is masked here, or not drawn; each of these is
compared by test_front_deviations.py.
"""
import json
import os
import pathlib
import random
import re
import signal
import subprocess

import tap

BRANCH = 550
PAIRS_PER_STATE = 40
MODELS = ('a100-sxm4-40gb', 'a100-sxm4-40gb', 'a30-24gb', 'h100-sxm5-80gb', 'h200-sxm5-141gb',
          'rtx-pro-6000-workstation-96gb', 't4-16gb', 'l40s-48gb', 'a100-pcie-80gb',
          'gh200-96gb')
CODES = (1, 2, 3, 4, 6, 7, 9, 10, 13, 15, 16, 17, 18, 19, 20, 21, 23, 25, 27, 999)
# Answered wrongly in every call: both programs call these, and each answer is used.
FUNCTIONS = (
    'nvmlInitWithFlags', 'nvmlDeviceGetCount_v2', 'nvmlDeviceGetHandleByIndex_v2',
    'nvmlDeviceGetMigMode', 'nvmlDeviceGetIndex', 'nvmlDeviceGetName', 'nvmlDeviceGetUUID',
    'nvmlDeviceGetPciInfo_v3', 'nvmlDeviceGetPciInfoExt', 'nvmlDeviceGetPersistenceMode',
    'nvmlDeviceGetGpuInstanceProfileInfoV', 'nvmlDeviceGetGpuInstances',
    'nvmlDeviceGetGpuInstanceRemainingCapacity', 'nvmlDeviceGetGpuInstancePossiblePlacements_v2',
    'nvmlGpuInstanceGetInfo', 'nvmlGpuInstanceGetComputeInstanceProfileInfoV',
    'nvmlGpuInstanceGetComputeInstances', 'nvmlComputeInstanceGetInfo_v2',
    'nvmlGpuInstanceGetComputeInstanceRemainingCapacity',
    'nvmlGpuInstanceGetComputeInstancePossiblePlacements', 'nvmlSystemGetDriverVersion',
    'nvmlSystemGetCudaDriverVersion_v2', 'nvmlDeviceGetDisplayActive', 'nvmlDeviceGetEccMode',
    'nvmlDeviceGetTotalEccErrors', 'nvmlDeviceGetFanSpeed', 'nvmlDeviceGetTemperature',
    'nvmlDeviceGetPerformanceState', 'nvmlDeviceGetPowerUsage', 'nvmlDeviceGetEnforcedPowerLimit',
    'nvmlDeviceGetMemoryInfo_v2', 'nvmlDeviceGetUtilizationRates', 'nvmlDeviceGetComputeMode',
    'nvmlDeviceGetMaxMigDeviceCount', 'nvmlDeviceGetMigDeviceHandleByIndex',
    'nvmlDeviceGetGpuInstanceId', 'nvmlDeviceGetComputeInstanceId', 'nvmlDeviceGetAttributes_v2',
    'nvmlDeviceGetMemoryErrorCounter', 'nvmlDeviceGetBAR1MemoryInfo', 'nvmlEventSetCreate',
    'nvmlDeviceValidateInforom', 'nvmlShutdown')
# Of these both programs make the same calls: also the N-th alone can fail.
CHANGING = ('nvmlDeviceSetMigMode', 'nvmlDeviceCreateGpuInstance',
            'nvmlDeviceCreateGpuInstanceWithPlacement', 'nvmlGpuInstanceCreateComputeInstance',
            'nvmlGpuInstanceCreateComputeInstanceWithPlacement', 'nvmlGpuInstanceDestroy',
            'nvmlComputeInstanceDestroy')
JUNK = ('', '=', '-', '--', 'foo', '-zzz', '--zzz=1', '0', '1', '99', '-1', ' ', 'mig', '-i', '-gi',
        '-C', '-L', '-mig', '-cgi', '--format=csv', '-lgi', '-lci', 'a=b', '-i=0', '-mig=1',
        '19', '-cci', '-dci', '-dgi', '-ci', '--id')
FIELDS = ('index', 'name', 'gpu_name', 'uuid', 'gpu_uuid', 'pci.bus_id', 'gpu_bus_id',
          'driver_version', 'memory.total', 'memory.used', 'memory.free', 'memory.reserved',
          'mig.mode.current', 'mig.mode.pending')
APP_FIELDS = ('pid', 'process_name', 'name', 'used_memory', 'used_gpu_memory', 'gpu_uuid',
              'gpu_name', 'gpu_bus_id')
GI_NAMES = ('1g.5gb', '2g.10gb', '3g.20gb', '4g.20gb', '7g.40gb', '1g.5gb+me', '1g.10gb', '1g.6gb',
            '2g.12gb', 'MIG 3g.20gb', 'MIG 1g.5gb', '3g.40gb', '1g.18gb', 'mig 1g.5gb', '1g', 'x')
CI_NAMES = ('1c.3g.20gb', '2c.3g.20gb', '3g.20gb', 'MIG 1c.7g.40gb', '1c.2g.10gb', '1g.5gb',
            '2g.10gb', '1c', 'default', 'x', '1c.4g.20gb', '1c.2g.12gb')


class State:
    """A node, its GPUs' UUIDs, and how both programs are run on it."""

    def __init__(self, real, seed):
        self.real = [real]
        self.random = random.Random(seed)
        self.name = f'n{seed}'
        self.path = tap.tmpdir() / 'migsim' / self.name
        self.holders = []
        self.migctl = str(tap.build('migctl'))
        self.front = [self.migctl, 'smi']
        library = pathlib.Path(tap.build('src/sim', str(BRANCH)))
        tap.true((library / 'libnvidia-ml.so.1').exists(), 'our library is built')
        self.env = dict(os.environ, MIGSIM_NODE=str(self.path), TZ='UTC',
                        MIGSIM_HOME=str(self.path.parent),
                        MIGCTL_HOST_ROOT=str(self.path / 'root'), LD_LIBRARY_PATH=str(library))
        self._make()

    # ------------------------------------------------------------------- the state

    def _make(self):
        gpus = [{'model': self.random.choice(MODELS),
                 'persistence_mode': self.random.choice(('on', 'on', 'off'))}
                for _ in range(self.random.choice((0, 1, 1, 2, 2, 3)))]
        for gpu in gpus:
            if gpu['model'].startswith('a') and self.random.random() < 0.2:
                gpu['mode_change'] = self.random.choice(('reset-required', 'in-use'))
        description = {'format': 'migsim-node/1', 'driver': str(BRANCH), 'gpus': gpus,
                       'off_capacity': self.random.choice(('zero', 'real', 'not-supported'))}
        self.path.parent.mkdir(exist_ok=True)
        file = tap.tmpdir() / f'{self.name}.json'
        file.write_text(json.dumps(description))
        file.chmod(0o600)
        self._sim('create', self.name, '-f', str(file))
        for _ in range(self.random.choice((0, 1, 3, 6, 8))):
            self.run(self.front, self._building(), None, False)
        self.uuids = re.findall(r'UUID: (GPU-[0-9a-f-]+)\)', self.run(
            self.front, ['-L'], None, False)[0])
        devices = re.findall(r'UUID: (MIG-[0-9a-f-]+)\)', self.run(
            self.front, ['-L'], None, False)[0])
        self.devices = devices
        for uuid in self.random.sample(devices, min(len(devices), self.random.choice((0, 0, 1, 2)))):
            self._hold(uuid)
        if self.uuids and self.random.random() < 0.15:
            self._hold(self.random.choice(self.uuids))
        if self.uuids and self.random.random() < 0.05:
            self._sim('fault', 'add', '-i', str(self.random.randrange(len(self.uuids))), self.name,
                      'lost')
        with open(self.path / 'state', 'rb') as stream:
            self.bytes = stream.read()

    def _building(self):
        """A command that is likely to change something."""
        pick = self.random.random()
        if pick < 0.4:
            return ['-mig', '1']
        if pick < 0.8:
            return ['mig', '-cgi', self._list(('19', '14', '9', '5', '0', '20', '15', '21')),
                    *self.random.choice(([], ['-C'], ['-C']))]
        if pick < 0.9:
            return ['mig', '-cci', self._list(('0', '1', '2', '3'))]
        return ['mig', self.random.choice(('-dci', '-dgi'))]

    def _sim(self, *words):
        got = subprocess.run([self.migctl, 'sim', *words], capture_output=True, text=True,
                             env=dict(os.environ, MIGSIM_HOME=str(self.path.parent)), check=False)
        if got.returncode != 0:
            raise RuntimeError(f'sim {words}: {got.stderr}')
        return got.stdout

    def _hold(self, uuid):
        """Somebody holds a device; that a whole GPU in MIG mode cannot be held is fine."""
        try:
            self.holders.append(self._sim('hold', '--node', self.name, '--memory', '123MiB',
                                          '--background', uuid).strip())
        except RuntimeError:
            pass

    def close(self):
        for pid in self.holders:
            os.kill(int(pid), signal.SIGKILL)

    def restore(self):
        with open(self.path / 'state', 'r+b') as stream:
            stream.write(self.bytes)

    def shown(self):
        """The state in words: what counts of it."""
        return self._sim('show', '--json', self.name)

    # ------------------------------------------------------------ the two programs

    def run(self, program, words, fault, unprivileged):
        """stdout and exit status."""
        env = dict(self.env)
        command = [*program, *words]
        if unprivileged:
            env['MIGSIM_UNPRIVILEGED'] = '1'
        if fault:
            command = [self.migctl, 'sim', 'exec', '--fault', fault, self.name, '--', *command]
        got = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env,
                             check=False, timeout=60, stdin=subprocess.DEVNULL)
        return got.stdout.decode(errors='surrogateescape'), got.returncode

    def compare(self, words, fault, unprivileged):
        """What differs, as text; empty when nothing does."""
        results = []
        for program in (self.real, self.front):
            self.restore()
            text, status = self.run(program, words, fault, unprivileged)
            with open(self.path / 'state', 'rb') as stream:
                left = stream.read()
            results.append((mask(text), status, left))
        (text, status, left), (here, here_status, here_left) = results
        differs = ''
        if (text, status) != (here, here_status):
            differs = f'--- nvidia-smi, exit {status}\n{text}\n--- front, exit {here_status}\n{here}\n'
        elif left != here_left:
            now = self.shown()
            with open(self.path / 'state', 'r+b') as stream:
                stream.write(left)
            if now != self.shown():
                differs = f'--- state\n{self.shown()}\n--- state after the front\n{now}\n'
        return differs

    # --------------------------------------------------------------- command lines

    def _list(self, choices, longest=3):
        parts = [self.random.choice(choices) for _ in range(self.random.randint(1, longest))]
        return self.random.choice((',', ',', ',', ',', ',,', ', ')).join(parts)

    def _placed(self, names, ids):
        part = self.random.choice(self.random.choice((names, ids)))
        if self.random.random() < 0.3:
            part += ':' + self.random.choice(('0', '1', '2', '4', '6', 'x', '', '9', '-1', '+1',
                                              ' 2', '4x', '2:3', ':1'))
        return part

    def _gpus(self):
        choices = ['0', '0', '1', '2', '0,1', '1,0', '0,0', '7', '', ',', ' 0', '0 ', '+0', '0x1', '00',
                   'foo', '10:00.0', '00000000:10:00.0', '0:11:0.0', '11:0', '10:00.1', ':', 'x:0.0',
                   '0,x', 'x,0', '0000:12:00.0', '-1', '4294967296', '11:00.0,10:00.0', '1:',
                   'GPU-', '0,10:00.0,1']
        choices += self.uuids * 2 + self.devices[:1] + [uuid.upper() for uuid in self.uuids[:1]]
        choices += [','.join(reversed(self.uuids))]
        return self.random.choice(choices)

    def _option(self, names, value=None):
        name = self.random.choice(names)
        if value is None:
            return [name]
        return [f'{name}={value}'] if self.random.random() < 0.25 else [name, value]

    def _mig(self):
        pick = self.random.choice
        ids = [str(i) for i in range(15)]
        words = pick((
            lambda: self._option(('-lgip', '--list-gpu-instance-profiles')),
            lambda: self._option(('-lgipp', '--list-gpu-instance-possible-placements')),
            lambda: self._option(('-lgi', '--list-gpu-instances')),
            lambda: self._option(('-lcip', '--list-compute-instance-profiles')),
            lambda: self._option(('-lcipp', '--list-compute-instance-possible-placements')),
            lambda: self._option(('-lci', '--list-compute-instances')),
            lambda: self._option(('-cgi', '--create-gpu-instance'), ','.join(
                self._placed(GI_NAMES, ('19', '14', '9', '5', '0', '20', '15', '21', '99', '+19',
                                        '019', '0x9', '-1', '4294967315')) for _ in
                range(pick((1, 1, 2, 3))))),
            lambda: self._option(('-cci', '--create-compute-instance'), ','.join(
                self._placed(CI_NAMES, ('0', '1', '2', '3', '4', '7', '9', '00')) for _ in
                range(pick((1, 1, 2))))),
            lambda: self._option(('-cci', '--create-compute-instance')),
            lambda: self._option(('-dgi', '--destroy-gpu-instance')),
            lambda: self._option(('-dci', '--destroy-compute-instance')),
            lambda: []))()
        if self.random.random() < 0.4:
            words += self._option(('-i', '--id'), self._gpus())
        if self.random.random() < 0.4:
            words += self._option(('-gi', '--gpu-instance-id'),
                                  pick((self._list(ids), '', 'x', '1x', '-1', '4294967297', ' 1')))
        if self.random.random() < 0.2:
            words += self._option(('-ci', '--compute-instance-id'),
                                  pick((self._list(('0', '1', '2')), 'x', '', '9')))
        if self.random.random() < 0.3:
            words += self._option(('-C', '--default-compute-instance'))
        return ['mig', *words]

    def _query(self):
        pick = self.random.choice
        if self.random.random() < 0.6:
            words = self._option(('--query-gpu',), ','.join(
                pick(FIELDS + ('foo',)) if self.random.random() < 0.1 else pick(FIELDS)
                for _ in range(self.random.randint(1, 5))))
        else:
            words = self._option(('--query-compute-apps',), ','.join(
                pick(APP_FIELDS) for _ in range(self.random.randint(1, 4))))
        if self.random.random() < 0.9:
            words += self._option(('--format',), pick(
                ('csv', 'csv', 'csv,noheader', 'csv,nounits', 'csv,noheader,nounits', 'noheader,csv',
                 'xml', 'noheader', '', 'csv,', 'csv,foo', 'CSV')))
        return words

    def line(self):
        """A command line: valid, nearly so, or not at all."""
        pick = self.random.random()
        if pick < 0.62:
            words = self._mig()
        elif pick < 0.72:
            words = []
        elif pick < 0.78:
            words = self._option(('-L', '--list-gpus'))
        elif pick < 0.88:
            words = self._option(('-mig', '--multi-instance-gpu'), self.random.choice(
                ('0', '1', '1', 'ENABLED', 'DISABLED', '2', 'x', '', '01', '-1', '0x1', ' 1', '1 ')))
        else:
            words = self._query()
        if words[:1] != ['mig'] and self.random.random() < 0.4:
            words += self._option(('-i', '--id'), self._gpus())
        while self.random.random() < 0.15:
            at = self.random.randint(0, len(words))
            edit = self.random.random()
            if edit < 0.5 or not words:
                words.insert(at, self.random.choice(JUNK))
            elif edit < 0.7:
                del words[min(at, len(words) - 1)]
            elif edit < 0.85:
                words.insert(at, self.random.choice(words))
            else:
                self.random.shuffle(words)
        return words

    def fault(self):
        pick = self.random.random()
        if pick < 0.75:
            return None
        code = self.random.choice(CODES)
        if pick < 0.93:
            return f'{self.random.choice(FUNCTIONS)}={code}'
        return f'{self.random.choice(CHANGING)}:{self.random.choice((1, 2, 3))}={code}'


def mask(text):
    """Without the time of day, and help for help."""
    text = re.sub(r'^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4} {7}$', '<time>', text,
                  flags=re.M)
    return re.sub(r'(\n    mig -- Multi Instance GPU management\.|nvidia-smi mig: MIG instances\n).*',
                  '<help>', text, flags=re.S)


def run_state(real, seed, pairs):
    """(pairs that were run, [what differs])."""
    state = State(real, seed)
    found = []
    try:
        for number in range(pairs):
            words, fault = state.line(), state.fault()
            unprivileged = state.random.random() < 0.07
            differs = state.compare(words, fault, unprivileged)
            if differs:
                found.append(f'seed {seed}, pair {number}: nvidia-smi {words}'
                             f'{" fault " + fault if fault else ""}'
                             f'{" unprivileged" if unprivileged else ""}\n{differs}')
    finally:
        state.close()
    return pairs, found
