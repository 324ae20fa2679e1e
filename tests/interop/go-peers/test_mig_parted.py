# SPDX-License-Identifier: Apache-2.0
"""nvidia-mig-parted on a simulated node of eight A100: it changes modes and layouts, resets
GPUs through the node's nvidia-smi, and reads back what it did; what it reports is compared
with the node's own state."""
import json
import os
import re
import signal

import peers
import tap

(PARTED,), MISSING = peers.programs('nvidia-mig-parted')
test = peers.tests(MISSING, 'nvidia_mig_parted')

APPLIED = 'MIG configuration applied successfully\n'
IS_APPLIED = 'Selected MIG configuration currently applied\n'
NOT_APPLIED = 'Assertion failure: selected configuration not currently applied'

CONFIG = """\
version: v1
mig-configs:
  all-disabled:
    - devices: all
      mig-enabled: false
  all-1g.5gb:
    - devices: all
      mig-enabled: true
      mig-devices: {"1g.5gb": 7}
  all-balanced:
    - device-filter: ["0x20B010DE", "0x20B210DE"]
      devices: all
      mig-enabled: true
      mig-devices: {"1g.5gb": 2, "2g.10gb": 1, "3g.20gb": 1}
  custom-config:
    - devices: [0, 1, 2, 3]
      mig-enabled: false
    - devices: [4]
      mig-enabled: true
      mig-devices: {"1g.5gb": 7}
    - devices: [5]
      mig-enabled: true
      mig-devices: {"2g.10gb": 3}
    - devices: [6]
      mig-enabled: true
      mig-devices: {"3g.20gb": 2}
    - devices: [7]
      mig-enabled: true
      mig-devices: {"1g.5gb": 2, "2g.10gb": 1, "3g.20gb": 1}
  unknown-profile:
    - devices: all
      mig-enabled: true
      mig-devices: {"1g.5gb": 2, "2g.20gb": 1}
  too-much:
    - devices: [0]
      mig-enabled: true
      mig-devices: {"3g.20gb": 3}
"""

BALANCED = sorted(peers.BALANCED)
CUSTOM = [None] * 4 + [list(peers.SEVEN), ['2g.10gb'] * 3, ['3g.20gb'] * 2, BALANCED]

CUSTOM_EXPORT = """\
version: v1
mig-configs:
  current:
  - devices: [0, 1, 2, 3]
    mig-enabled: false
    mig-devices: {}
  - devices: [4]
    mig-enabled: true
    mig-devices:
      1g.5gb: 7
  - devices: [5]
    mig-enabled: true
    mig-devices:
      2g.10gb: 3
  - devices: [6]
    mig-enabled: true
    mig-devices:
      3g.20gb: 2
  - devices: [7]
    mig-enabled: true
    mig-devices:
      1g.5gb: 2
      2g.10gb: 1
      3g.20gb: 1
"""


class Parted(peers.Node):
    """The node, nvidia-mig-parted on it, and its configuration file."""

    def __init__(self, gpus='8xa100-sxm4-40gb'):
        super().__init__(gpus)
        self.config = tap.tmpdir() / 'config.yaml'
        self.config.write_text(CONFIG)

    def parted(self, *argv):
        """nvidia-mig-parted ARG..."""
        return self.jail(PARTED, *argv)

    def select(self, command, name, *more):
        """nvidia-mig-parted COMMAND with the configuration NAME."""
        return self.parted(command, '-f', self.config, '-c', name, *more)

    def gives(self, got, stdout):
        """It succeeded and said exactly this. It warns of vfio on stderr, once per GPU."""
        tap.succeeded(got)
        tap.equal(got.stdout, stdout)


def fatal(got):
    """The message of a command that failed: its last line of log."""
    tap.exited(got, 1)
    tap.equal(got.stdout, '')
    return re.search(r'level=fatal msg="(.*)"\n$', got.stderr)[1]


def instances(node):
    """What a layout is apart from the ids and UUIDs of what is in it."""
    return [(gpu['mig_mode'], sorted((gi['profile'], gi['start'], [
        (ci['profile'], ci['start']) for ci in gi['compute_instances']])
        for gi in gpu['gpu_instances'])) for gpu in node.gpus()]


@test
def apply_and_assert():
    node = Parted()
    tap.equal(fatal(node.select('assert', 'all-balanced')), NOT_APPLIED)
    node.gives(node.select('apply', 'all-balanced'), APPLIED)
    tap.equal(node.layout(), [BALANCED] * 8)
    for _, gi, ci in node.mig_devices():
        tap.equal(ci['profile'], gi['profile'], 'a compute instance as large as its GPU instance')
    node.gives(node.select('assert', 'all-balanced'), IS_APPLIED)
    node.gives(node.select('assert', 'all-balanced', '--mode-only'),
               'Selected MIG mode settings from configuration currently applied\n')
    tap.equal(fatal(node.select('assert', 'all-1g.5gb')), NOT_APPLIED)


@test
def apply_again_changes_nothing():
    node = Parted()
    node.gives(node.select('apply', 'all-1g.5gb'), APPLIED)
    before = node.gpus()
    tap.equal(node.layout(), [list(peers.SEVEN)] * 8)
    node.gives(node.select('apply', 'all-1g.5gb'), APPLIED)
    tap.equal(node.gpus(), before)


@test
def custom_config_and_export():
    node = Parted()
    node.gives(node.parted('export'), 'version: v1\nmig-configs:\n  current:\n  - devices: all\n'
               '    mig-enabled: false\n    mig-devices: {}\n')
    node.gives(node.select('apply', 'custom-config'), APPLIED)
    tap.equal(node.layout(), CUSTOM)
    node.gives(node.parted('export'), CUSTOM_EXPORT)
    document = json.loads(tap.succeeded(node.parted('export', '-o', 'json', '-l', 'mine')).stdout)
    tap.equal(document['mig-configs']['mine'][1],
              {'devices': [4], 'mig-enabled': True, 'mig-devices': {'1g.5gb': 7}})


@test
def what_it_exports_it_applies():
    node = Parted()
    node.gives(node.select('apply', 'custom-config'), APPLIED)
    node.config.write_text(tap.succeeded(node.parted('export')).stdout)
    node.gives(node.select('assert', 'current'), IS_APPLIED)


@test
def checkpoint_and_restore():
    node = Parted()
    saved = tap.tmpdir() / 'checkpoint.json'
    node.gives(node.select('apply', 'custom-config'), APPLIED)
    before = instances(node)
    node.gives(node.parted('checkpoint', '-f', saved),
               'MIG configuration checkpointed successfully\n')
    devices = json.loads(saved.read_text())['MigState']['Devices']
    tap.equal([device['UUID'] for device in devices], [gpu['uuid'] for gpu in node.gpus()])
    tap.equal([len(device['GpuInstances'] or []) for device in devices],
              [0, 0, 0, 0, 7, 3, 2, 4])
    node.gives(node.select('apply', 'all-disabled'), APPLIED)
    tap.equal(node.layout(), [None] * 8)
    node.gives(node.parted('restore', '-f', saved), 'MIG configuration restored successfully\n')
    tap.equal(instances(node), before, 'profiles and placements')


@test
def resets_where_a_mode_change_needs_it():
    node = Parted('2xa100-sxm4-40gb:reset-required')
    got = node.parted('-d', 'apply', '-f', node.config, '-c', 'all-balanced')
    node.gives(got, APPLIED)
    tap.contains(got.stderr, 'Resetting all GPUs...')
    tap.equal(node.layout(), [BALANCED] * 2)
    node.gives(node.select('apply', 'all-disabled'), APPLIED)
    tap.equal(node.layout(), [None] * 2)


@test
def without_the_reset_the_mode_stays_pending():
    node = Parted('1xa100-sxm4-40gb:reset-required')
    got = node.select('apply', 'all-balanced', '--skip-reset')
    tap.contains(fatal(got), 'unable to apply MIG config with MIG mode disabled')
    tap.equal(node.gpus()[0]['mig_mode'], 'off')
    tap.equal(node.gpus()[0]['mig_mode_pending'], 'on')


@test
def an_impossible_layout_leaves_the_gpu_empty():
    node = Parted('1xa100-sxm4-40gb').apply(gpu0=('1g.5gb',))
    tap.contains(fatal(node.select('apply', 'too-much')),
                 'error attempting multiple config orderings: all orderings failed')
    tap.equal(node.layout(), [[]])


@test
def an_unknown_profile_empties_all_gpus():
    # its own mistake, which has to come out on a driver that behaves as the real one
    node = Parted('2xa100-sxm4-40gb').apply(all=('1g.5gb',))
    node.gives(node.select('apply', 'unknown-profile'), APPLIED)
    tap.equal(node.layout(), [[], []])


@test
def an_instance_in_use_is_not_destroyed():
    node = Parted('1xa100-sxm4-40gb').apply(gpu0=peers.BALANCED)
    uuid, = [ci['uuid'] for _, gi, ci in node.mig_devices() if gi['profile'] == '2g.10gb']
    holder = int(tap.succeeded(tap.run([tap.build('migctl'), 'sim', 'hold', '--background',
                                        '-n', node.name, uuid])).stdout)
    try:
        got = node.select('apply', 'all-1g.5gb')
        tap.contains(got.stderr, 'ERROR_IN_USE')
        tap.exited(got, 1)
        tap.contains([ci['uuid'] for _, _, ci in node.mig_devices()], uuid)
    finally:
        os.kill(holder, signal.SIGTERM)
    # it keeps nothing, so the 1g instances before the one that was held are gone
    tap.not_contains(node.layout()[0], '1g.5gb')


@test
def generates_its_own_configuration():
    node = Parted('2xa100-sxm4-40gb')
    node.config.write_text(tap.succeeded(node.parted('generate-config')).stdout)
    labels = re.findall(r'^  (all-\S+):$', node.config.read_text(), re.M)
    tap.equal(sorted(labels), sorted(
        ['all-disabled', 'all-enabled', 'all-balanced', 'all-1g.5gb', 'all-1g.5gb.me',
         'all-1g.10gb', 'all-2g.10gb', 'all-3g.20gb', 'all-4g.20gb', 'all-7g.40gb']))
    for label, layout in (('all-balanced', BALANCED), ('all-2g.10gb', ['2g.10gb'] * 3),
                          ('all-1g.5gb.me', ['1g.5gb+me']), ('all-7g.40gb', ['7g.40gb'])):
        node.gives(node.select('apply', label), APPLIED)
        tap.equal(node.layout(), [layout] * 2)


def calls_succeed(node, function, count):
    """Whether an assert, which holds, makes exactly so many calls of this function."""
    migctl = [tap.build('migctl'), 'sim', 'fault']
    outcome = []
    for number in (count, count + 1):
        tap.succeeded(tap.run([*migctl, 'add', '--node-wide', node.name,
                               f'{function}:{number}=UNKNOWN']))
        outcome.append(node.select('assert', 'all-balanced').rc)
        tap.succeeded(tap.run([*migctl, 'clear', node.name, 'all']))
    return outcome == [1, 0]


@test
def calls_of_an_assert():
    node = Parted().apply(all=peers.BALANCED)
    for function, count in (('nvmlInit_v2', 5), ('nvmlDeviceGetGpuInstanceProfileInfo', 144),
                            ('nvmlGpuInstanceGetComputeInstanceProfileInfo', 288)):
        tap.true(calls_succeed(node, function, count), f'{count} calls of {function}')


@test
def no_driver():
    node = Parted('1xa100-sxm4-40gb')
    got = node.jail('env', 'MIGSIM_NODE=/nowhere', PARTED, 'export')
    tap.contains(fatal(got), 'Error')


tap.main()
