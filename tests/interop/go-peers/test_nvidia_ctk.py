# SPDX-License-Identifier: Apache-2.0
"""nvidia-ctk cdi generate on a simulated node: the specification names each MIG device, with
the node of its GPU and its two capabilities, their majors and minors."""
import json
import re

import peers
import tap

(CTK,), MISSING = peers.programs('nvidia-ctk')
test = peers.tests(MISSING, 'nvidia_ctk')


def generate(node, *more):
    """The specification as an object."""
    got = tap.succeeded(node.jail(
        CTK, 'cdi', 'generate', '--format=json', f'--driver-root={node.root}', '--dev-root=/',
        '--device-name-strategy=index', '--device-name-strategy=uuid', *more))
    return json.loads(got.stdout)


def nodes_of(spec):
    """{device name: {path: (major, minor)}}"""
    return {device['name']: {
        entry['path']: (entry['major'], entry.get('minor', 0))
        for entry in device['containerEdits']['deviceNodes']} for device in spec['devices']}


def expected(node):
    """The same by UUID, from the state of the node."""
    majors = node.majors()
    found = {}
    for gpu, gi, ci in node.mig_devices():
        found[ci['uuid']] = {f'/dev/nvidia{gpu["minor"]}': (majors['nvidia'], gpu['minor'])}
        for cap in node.caps(gpu, gi, ci):
            minor = int(re.search(r'\d+$', cap)[0])
            found[ci['uuid']][cap] = (majors['nvidia-caps'], minor)
    for gpu in node.gpus():
        if gpu['mig_mode'] == 'off':
            found[gpu['uuid']] = {f'/dev/nvidia{gpu["minor"]}': (majors['nvidia'], gpu['minor'])}
    return found


@test
def mig_devices_by_uuid():
    node = peers.Node('3xa100-sxm4-40gb').apply(
        gpu0=('3g.20gb', '2g.10gb', '1g.5gb'), gpu2=peers.SEVEN)
    spec = generate(node)
    tap.equal(spec['kind'], 'nvidia.com/gpu')
    got = nodes_of(spec)
    want = expected(node)
    tap.equal(len(want), 3 + 1 + 7)
    tap.equal({name: nodes for name, nodes in got.items() if name in want}, want)


@test
def mig_devices_by_index():
    node = peers.Node('2xa100-sxm4-40gb').apply(gpu0=('3g.20gb', '2g.10gb', '1g.5gb'))
    got = nodes_of(generate(node))
    tap.equal({name for name in got if re.fullmatch(r'[\d:]+', name)}, {'0:0', '0:1', '0:2', '1'})
    by_uuid = [nodes for name, nodes in got.items() if name.startswith('MIG-')]
    for index in range(3):
        tap.contains(by_uuid, got[f'0:{index}'])
    # a GPU in MIG mode is not given as a whole
    tap.not_contains(got, node.gpus()[0]['uuid'])
    union = {}
    for name, nodes in got.items():
        if name != 'all':
            union.update(nodes)
    tap.equal(got['all'], union)


@test
def programs_are_found_where_machines_have_them():
    """Without a root of its own, as on a machine: containers must get nvidia-smi in their PATH."""
    node = peers.Node('1xa100-sxm4-40gb').apply(gpu0=('7g.40gb',))
    got = tap.succeeded(node.jail(CTK, 'cdi', 'generate', '--format=json'))
    mounts = {mount['hostPath']: mount['containerPath']
              for mount in json.loads(got.stdout)['containerEdits']['mounts']}
    tap.equal(mounts.get('/usr/bin/nvidia-smi'), '/usr/bin/nvidia-smi')
    tap.equal([path for path in mounts if 'shims' in path], [])


@test
def what_all_devices_share():
    node = peers.Node('1xa100-sxm4-40gb').apply(gpu0=('7g.40gb',))
    edits = generate(node)['containerEdits']
    majors = node.majors()
    got = {entry['path']: (entry['major'], entry.get('minor', 0)) for entry in edits['deviceNodes']}
    tap.equal(got, {'/dev/nvidiactl': (majors['nvidia'], 255),
                    '/dev/nvidia-modeset': (majors['nvidia'], 254),
                    '/dev/nvidia-uvm': (majors['nvidia-uvm'], 0),
                    '/dev/nvidia-uvm-tools': (majors['nvidia-uvm'], 1)})
    driver = node.show()['driver']
    tap.true(any(mount['containerPath'].endswith(f'/libnvidia-ml.so.{driver}')
                 for mount in edits['mounts']), f'a mount of libnvidia-ml.so.{driver}')


@test
def a_new_layout_is_a_new_specification():
    node = peers.Node('1xa100-sxm4-40gb').apply(gpu0=('3g.20gb',) * 2)
    before = nodes_of(generate(node))
    node.apply(gpu0=peers.SEVEN)
    after = nodes_of(generate(node))
    tap.equal(len([name for name in after if name.startswith('MIG-')]), 7)
    tap.equal({name for name in before if name.startswith('MIG-')} & set(after), set())


tap.main()
