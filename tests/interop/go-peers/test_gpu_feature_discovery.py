# SPDX-License-Identifier: Apache-2.0
"""gpu-feature-discovery on simulated nodes, once for each MIG strategy: all of its labels,
compared with what follows from the layout."""
import peers
import tap

(GFD,), MISSING = peers.programs('gpu-feature-discovery')
test = peers.tests(MISSING, 'gpu_feature_discovery')

# Of a node with GPUs of this model, whatever their layout.
ALWAYS = {
    'cuda.driver-version.full': '550.163.01',
    'cuda.driver-version.major': '550',
    'cuda.driver-version.minor': '163',
    'cuda.driver-version.revision': '01',
    'cuda.driver.major': '550',
    'cuda.driver.minor': '163',
    'cuda.driver.rev': '01',
    'cuda.runtime-version.full': '12.4',
    'cuda.runtime-version.major': '12',
    'cuda.runtime-version.minor': '4',
    'cuda.runtime.major': '12',
    'cuda.runtime.minor': '4',
    'gpu.compute.major': '8',
    'gpu.compute.minor': '0',
    'gpu.family': 'ampere',
    'gpu.machine': 'simulated-machine',
    'gpu.mode': 'compute',
    'mig.capable': 'true',
    'mps.capable': 'false',
    'vgpu.present': 'false',
}
PRODUCT = 'NVIDIA-A100-SXM4-40GB'
WHOLE = {'gpu.product': PRODUCT, 'gpu.memory': '40960', 'gpu.replicas': '1',
         'gpu.sharing-strategy': 'none'}

# Of a MIG device of an A100-SXM4-40GB: memory in MiB, SMs, slices, engines as NVML names them.
PROFILES = {
    '1g.5gb': (4864, 14, 1, {'copy': 1, 'decoder': 0, 'jpeg': 0, 'ofa': 0}),
    '1g.5gb+me': (4864, 14, 1, {'copy': 1, 'decoder': 1, 'jpeg': 1, 'ofa': 1}),
    '2g.10gb': (9984, 28, 2, {'copy': 2, 'decoder': 1, 'jpeg': 0, 'ofa': 0}),
    '3g.20gb': (20096, 42, 3, {'copy': 3, 'decoder': 2, 'jpeg': 0, 'ofa': 0}),
}


def labels(node, strategy):
    """Its labels without 'nvidia.com/' before them."""
    machine, out = tap.tmpdir() / 'machine', tap.tmpdir() / 'labels'
    machine.write_text('simulated machine\n')
    tap.succeeded(node.jail(
        GFD, '--oneshot', '--no-timestamp', '--use-node-feature-api=false',
        f'--mig-strategy={strategy}', f'--machine-type-file={machine}', f'--output-file={out}'))
    found = {}
    for line in out.read_text().splitlines():
        name, _, value = line.partition('=')
        tap.true(name.startswith('nvidia.com/'), line)
        tap.not_contains(found, name)
        found[name.removeprefix('nvidia.com/')] = value
    return found


def of_devices(prefix, profile, count):
    """The labels of so many MIG devices of one profile."""
    memory, sms, slices, engines = PROFILES[profile]
    found = {
        'product': f'{PRODUCT}-MIG-{profile.replace("+", ".")}', 'count': count, 'replicas': 1,
        'sharing-strategy': 'none', 'memory': memory, 'multiprocessors': sms,
        'slices.gi': slices, 'slices.ci': slices, 'engines.encoder': 0,
    }
    found.update({f'engines.{name}': number for name, number in engines.items()})
    return {f'{prefix}.{name}': str(value) for name, value in found.items()}


@test
def strategy_none():
    node = peers.Node('2xa100-sxm4-40gb').apply(gpu1=peers.SEVEN)
    tap.equal(labels(node, 'none'), ALWAYS | WHOLE | {'gpu.count': '2'})


@test
def strategy_single():
    node = peers.Node('2xa100-sxm4-40gb').apply(all=peers.SEVEN)
    tap.equal(labels(node, 'single'),
              ALWAYS | {'mig.strategy': 'single'} | of_devices('gpu', '1g.5gb', 14))


@test
def strategy_single_without_mig():
    node = peers.Node('2xa100-sxm4-40gb')
    tap.equal(labels(node, 'single'),
              ALWAYS | WHOLE | {'gpu.count': '2', 'mig.strategy': 'single'})


@test
def strategy_single_on_a_mixed_node():
    node = peers.Node('1xa100-sxm4-40gb').apply(gpu0=('3g.20gb', '1g.5gb'))
    tap.equal(labels(node, 'single'), ALWAYS | {
        'mig.strategy': 'single', 'gpu.product': f'{PRODUCT}-MIG-INVALID', 'gpu.count': '0',
        'gpu.replicas': '0', 'gpu.memory': '0', 'gpu.sharing-strategy': ''})


@test
def strategy_mixed():
    node = peers.Node('3xa100-sxm4-40gb').apply(
        gpu0=('3g.20gb', '2g.10gb', '1g.5gb+me'), gpu1=peers.SEVEN)
    want = ALWAYS | WHOLE | {'gpu.count': '3', 'mig.strategy': 'mixed'}
    for profile, count in (('3g.20gb', 1), ('2g.10gb', 1), ('1g.5gb+me', 1), ('1g.5gb', 7)):
        want |= of_devices(f'mig-{profile.replace("+", ".")}', profile, count)
    tap.equal(labels(node, 'mixed'), want)


tap.main()
