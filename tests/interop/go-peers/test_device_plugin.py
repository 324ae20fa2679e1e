# SPDX-License-Identifier: Apache-2.0
"""The Kubernetes device plugin on simulated nodes, with a kubelet of ours (stub-kubelet) that
writes down what it registers, its first list of devices and what it gives to a container."""
import json

import peers
import tap

(PLUGIN, KUBELET), MISSING = peers.programs('nvidia-device-plugin', 'stub-kubelet')
test = peers.tests(MISSING, 'device_plugin')

SOCKETS = '/var/lib/kubelet/device-plugins'
CONTROL = ['/dev/nvidia-modeset', '/dev/nvidia-uvm', '/dev/nvidia-uvm-tools', '/dev/nvidiactl']


def plugin(node, strategy, resources):
    """The result of the stub and the resources that it wrote down, by name."""
    out = tap.tmpdir() / 'resources.json'
    # The plugin's directory cannot be chosen; what is written there stays in the jail.
    got = node.jail('sh', '-c', 'mkdir -p "$0" && exec "$@"', SOCKETS, KUBELET, '-dir', SOCKETS, '-resources', resources, '-out', out, '--', PLUGIN, f'--mig-strategy={strategy}', '--pass-device-specs')
    return got, {entry['name']: entry for entry in json.loads(out.read_text())}


def ids(resource):
    """The devices of a resource, which are all healthy."""
    for device in resource['devices']:
        tap.equal(device['health'], 'Healthy')
    return sorted(device['id'] for device in resource['devices'])


def uuids(node, profile):
    """The MIG devices of this profile."""
    return sorted(ci['uuid'] for _, gi, ci in node.mig_devices() if gi['profile'] == profile)


@test
def strategy_mixed():
    node = peers.Node('3xa100-sxm4-40gb').apply(
        gpu0=('3g.20gb', '2g.10gb', '1g.5gb'), gpu1=peers.SEVEN)
    got, resources = plugin(node, 'mixed', 4)
    tap.succeeded(got)
    want = {f'nvidia.com/mig-{profile}': uuids(node, profile)
            for profile in ('3g.20gb', '2g.10gb', '1g.5gb')}
    want['nvidia.com/gpu'] = [node.gpus()[2]['uuid']]
    tap.equal({name: ids(resource) for name, resource in resources.items()}, want)
    one = resources['nvidia.com/mig-2g.10gb']
    tap.equal(one['version'], 'v1beta1')
    tap.equal(one['endpoint'], 'nvidia-mig-2g.10gb.sock')


@test
def strategy_single():
    node = peers.Node('2xa100-sxm4-40gb').apply(all=('2g.10gb',) * 3)
    got, resources = plugin(node, 'single', 1)
    tap.succeeded(got)
    tap.equal({name: ids(resource) for name, resource in resources.items()},
              {'nvidia.com/gpu': uuids(node, '2g.10gb')})


@test
def strategy_none():
    node = peers.Node('2xa100-sxm4-40gb').apply(gpu0=('2g.10gb',) * 3)
    got, resources = plugin(node, 'none', 1)
    tap.succeeded(got)
    tap.equal({name: ids(resource) for name, resource in resources.items()},
              {'nvidia.com/gpu': sorted(gpu['uuid'] for gpu in node.gpus())})


@test
def a_container_gets_the_nodes_of_its_device():
    node = peers.Node('2xa100-sxm4-40gb').apply(gpu1=('3g.20gb',) * 2)
    got, resources = plugin(node, 'mixed', 2)
    tap.succeeded(got)
    given = resources['nvidia.com/mig-3g.20gb']['allocation']
    tap.equal(given['envs']['NVIDIA_VISIBLE_DEVICES'], given['device_id'])
    device, = [found for found in node.mig_devices() if found[2]['uuid'] == given['device_id']]
    tap.equal(given['device_nodes'],
              sorted([f'/dev/nvidia{device[0]["minor"]}', *node.caps(*device), *CONTROL]))


@test
def strategy_single_refuses_a_mixed_node():
    node = peers.Node('1xa100-sxm4-40gb').apply(gpu0=('3g.20gb', '1g.5gb'))
    got, resources = plugin(node, 'single', 1)
    tap.exited(got, 1)
    tap.equal(resources, {})
    tap.contains(got.stderr, 'more than one MIG device type present on node')


tap.main()
