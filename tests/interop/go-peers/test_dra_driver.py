# SPDX-License-Identifier: Apache-2.0
"""The start of the DRA driver's kubelet plugin on a simulated node, in a cluster of ours
(stub-cluster): the devices that it announces, and that it registers with the kubelet."""
import json

import peers
import tap

(PLUGIN, CLUSTER), MISSING = peers.programs('gpu-kubelet-plugin', 'stub-cluster')
test = peers.tests(MISSING, 'dra_driver')


def start(node, devices, *gates):
    """Starts it until it has announced so many devices; (devices by name, registration)."""
    folder = tap.tmpdir()
    for name in ('registrar', 'plugins', 'cdi'):
        (folder / name).mkdir(exist_ok=True)
    out = folder / 'cluster.json'
    tap.succeeded(node.jail(
        CLUSTER, '-node=node', f'-registrar={folder}/registrar', '-devices', devices, '-out', out,
        '--', PLUGIN, '--node-name=node', '--image-name=none',
        # copied and named in specifications, run by none of them here
        '--nvidia-cdi-hook-path=/usr/bin/true',
        f'--kubelet-registrar-directory-path={folder}/registrar',
        f'--kubelet-plugins-directory-path={folder}/plugins', f'--cdi-root={folder}/cdi',
        f'--container-driver-root={node.root}', f'--nvidia-driver-root={node.root}',
        *(f'--feature-gates={gate}=true' for gate in gates)))
    cluster = json.loads(out.read_text())
    found = {}
    for made in cluster['slices']:
        tap.equal(made['spec']['driver'], 'gpu.nvidia.com')
        tap.equal(made['spec']['nodeName'], 'node')
        for device in made['spec'].get('devices', []):
            found[device['name']] = device
    return found, cluster['registration']


def attribute(device, name):
    """The value of an attribute, whatever its type."""
    value, = device['attributes'][name].values()
    return value


@test
def announces_the_mig_devices():
    node = peers.Node('2xa100-sxm4-40gb').apply(
        gpu0=('3g.20gb', '2g.10gb', '1g.5gb+me'))
    devices, registration = start(node, 4)
    want = {}
    for gpu, gi, ci in node.mig_devices():
        short = gi['profile'].replace('.', '').replace('+', '-')
        name = f'gpu-{gpu["minor"]}-mig-{short}-{gi["profile_id"]}-{gi["start"]}'
        want[name] = ('mig', ci['uuid'], gi['profile'], gpu['uuid'])
    got = {name: (attribute(device, 'type'), attribute(device, 'uuid'),
                  attribute(device, 'profile'), attribute(device, 'parentUUID'))
           for name, device in devices.items() if name != 'gpu-1'}
    tap.equal(got, want)
    whole = devices['gpu-1']
    tap.equal(attribute(whole, 'uuid'), node.gpus()[1]['uuid'])
    tap.equal(attribute(whole, 'productName'), 'NVIDIA A100-SXM4-40GB')
    tap.equal(attribute(whole, 'resource.kubernetes.io/pciBusID'),
              node.gpus()[1]['pci_address'][4:].lower())
    tap.equal(registration['type'], 'DRAPlugin')
    tap.equal(registration['name'], 'gpu.nvidia.com')
    tap.contains(registration['versions'], 'v1.DRAPlugin')


@test
def capacity_of_a_mig_device():
    node = peers.Node('1xa100-sxm4-40gb').apply(gpu0=('3g.20gb',))
    devices, _ = start(node, 1)
    device, = devices.values()
    start_unit = node.gpus()[0]['gpu_instances'][0]['start']
    capacity = {name: entry['value'] for name, entry in device['capacity'].items()}
    tap.equal(capacity, {
        'memory': '20096Mi', 'multiprocessors': '42', 'copyEngines': '3', 'decoders': '2',
        'encoders': '0', 'jpegEngines': '0', 'ofaEngines': '0',
        **{f'memorySlice{start_unit + unit}': '1' for unit in range(4)}})


# Of an A100-SXM4-40GB: profile, its id, where it can lie, and its size in memory units.
PLACES = (('1g.5gb', 19, range(7), 1), ('1g.5gb+me', 20, range(7), 1),
          ('1g.10gb', 15, (0, 2, 4, 6), 2), ('2g.10gb', 14, (0, 2, 4), 2),
          ('3g.20gb', 9, (0, 4), 4), ('4g.20gb', 5, (0,), 4), ('7g.40gb', 0, (0,), 8))


@test
def announces_all_places_with_dynamic_mig():
    node = peers.Node('1xa100-sxm4-40gb').apply(gpu0=('3g.20gb', '1g.5gb'))
    want = {}
    for profile, profile_id, starts, size in PLACES:
        short = profile.replace('.', '').replace('+', '-')
        for place in starts:
            want[f'gpu-0-mig-{short}-{profile_id}-{place}'] = {
                f'memory-slice-{unit}' for unit in range(place, place + size)}
    devices, _ = start(node, len(want), 'DynamicMIG')
    got = {}
    for name, device in devices.items():
        counters, = device['consumesCounters']
        got[name] = {counter for counter in counters['counters']
                     if counter.startswith('memory-slice-')}
    tap.equal(got, want)
    # what no claim asked for is destroyed at the start
    tap.equal(node.layout(), [[]])


tap.main()
