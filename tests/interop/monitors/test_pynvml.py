# SPDX-License-Identifier: Apache-2.0
"""pynvml on a simulated node: MIG on, profiles, GPU and compute instance, MIG device, events,
destroy, MIG off; through pynvml 11.525.112 (Debian 12), 12.550.89 (Debian 13) and nvidia-ml-py of
the Python package index.
"""
import json
import pathlib
import sys

import monitors
import tap

MIG_CONFIG_CHANGE = 0x100


def debian_12():
    return monitors.pynvml()


def debian_13():
    return (monitors.debian('pynvml-trixie', 'trixie', 'python3-pynvml') /
            'usr/lib/python3/dist-packages')


def package_index():
    return monitors.python_packages('nvidia-ml-py-13.615.71', 'nvidia-ml-py==13.615.71')


def lifecycle(find):
    monitors.create('1xa100-sxm4-40gb')
    script = pathlib.Path(__file__).with_name('lifecycle.py')
    done = monitors.on_node(sys.executable, script, env={'PYTHONPATH': find()})
    print(done)
    seen = json.loads(tap.succeeded(done).stdout)
    tap.equal(seen['driver'], '550.163.01')
    tap.equal([seen['before'], seen['enabled'], seen['after']], [[0, 0], [1, 1], [0, 0]])
    tap.equal([seen['activation'], seen['deactivation']], [0, 0], 'activation status')
    tap.equal([seen['mode_event'], seen['create_event']], [MIG_CONFIG_CHANGE] * 2, 'events')
    tap.equal(seen['profiles']['19'], [1, 7], '1g.5gb on an empty GPU')
    tap.equal(seen['profiles']['9'], [3, 2], '3g.20gb on an empty GPU')
    tap.equal(seen['profiles_after']['9'], [3, 1], '3g.20gb after one was made')
    # Where the driver puts the first 3g.20gb of an empty A100.
    tap.equal(seen['instance'], [2, 9, 4, 4])
    device = seen['devices'][0]
    tap.true(device.pop('uuid').startswith('MIG-'))
    tap.equal(device, {
        'name': 'NVIDIA A100-SXM4-40GB MIG 3g.20gb', 'gi': 2, 'ci': 0, 'memory_mib': 20096,
        'used_mib': 0, 'sm': 42, 'slices': 3, 'attributes_memory_mib': 20096,
        'found_by_uuid': True, 'utilization': 'NVMLError_NotSupported',
        'temperature': 'NVMLError_InvalidArgument'})
    tap.equal([seen['second_device'], seen['gone']], ['NVMLError_NotFound'] * 2)
    tap.equal(seen['destroy_too_early'], 'NVMLError_InUse')
    tap.equal(seen['used_after_destroy'], 'NVMLError_InvalidArgument')


for source in (debian_12, debian_13, package_index):
    tap.add(f'lifecycle_{source.__name__}', lambda source=source: lifecycle(source))
tap.main()
