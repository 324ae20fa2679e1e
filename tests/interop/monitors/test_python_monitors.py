# SPDX-License-Identifier: Apache-2.0
"""nvitop 1.7.2 and gpustat 1.1.1 (Python packages) on simulated nodes: what they print once.

nvitop knows MIG and lists the MIG devices; gpustat does not, and shows the GPU without utilisation.
"""
import json
import re
import sys

import monitors
import tap
from tap import test


def program(name, *args):
    """A program of the packages on the node; a Result that succeeded."""
    folder = monitors.python_packages('nvitop-1.7.2-gpustat-1.1.1', 'nvitop==1.7.2',
                                      'gpustat==1.1.1')
    done = monitors.on_node(sys.executable, '-m', name, *args,
                            env={'PYTHONPATH': folder, 'COLUMNS': '79', 'TERM': 'dumb'})
    print(done)
    return tap.succeeded(done)


def rows(text):
    """The lines of a table, blanks made single."""
    return [re.sub(r' +', ' ', line).strip() for line in text.splitlines()]


@test
def nvitop_shows_gpus():
    monitors.create('1xa100-sxm4-40gb,1xt4-16gb')
    got = rows(program('nvitop', '--once', '--ascii').stdout)
    tap.contains(got, '| 0 A100-SXM4-40GB Off | 00000000:10:00.0 Off | Disabled 0 |')
    tap.contains(got, '| N/A 33C P0 52W / 400W | 0B / 40.00GiB | 0% Default |')
    tap.contains(got, '| 1 Tesla T4 Off | 00000000:11:00.0 Off | N/A 0 |')
    tap.contains(got, '| N/A 40C P0 26W / 70W | 0B / 15360MiB | 0% Default |')
    tap.contains('\n'.join(got), 'Driver Version: 550.163.01 CUDA Driver Version: 12.4')


@test
def nvitop_shows_mig_devices():
    monitors.create('1xa100-sxm4-40gb')
    monitors.lay_out(0, '9:2', '19:0')
    got = rows(program('nvitop', '--once', '--ascii').stdout)
    tap.contains(got, '| 0 A100-SXM4-40GB Off | 00000000:10:00.0 Off | Enabled 0 |')
    tap.contains(got, '| N/A 33C P0 52W / 400W | 0B / 40.00GiB | N/A Default |')
    devices = [line for line in got if re.match(r'\| 0:\d', line)]
    tap.equal(devices, ['| 0:0 3g.20gb @ GI/CI: 2/0 | 0B / 20096MiB | BAR1: 0B / 0% |',
                        '| 0:1 1g.5gb @ GI/CI: 7/0 | 0B / 4864MiB | BAR1: 0B / 0% |'])


@test
def gpustat_shows_gpus():
    monitors.create('1xa100-sxm4-40gb,1xt4-16gb')
    found = json.loads(program('gpustat', '--json').stdout)
    tap.equal(found['driver_version'], '550.163.01')
    keys = ('index', 'name', 'temperature.gpu', 'fan.speed', 'utilization.gpu', 'power.draw',
            'enforced.power.limit', 'memory.used', 'memory.total')
    tap.equal([[gpu[key] for key in keys] for gpu in found['gpus']],
              [[0, 'NVIDIA A100-SXM4-40GB', 33, None, 0, 52, 400, 0, 40960],
               [1, 'Tesla T4', 40, None, 0, 26, 70, 0, 15360]])
    text = program('gpustat', '--no-color', '--show-power').stdout
    tap.contains(text, '[0] NVIDIA A100-SXM4-40GB | 33°C,   0 %,   52 / 400 W |     0 / 40960 MB |')


@test
def gpustat_shows_a_gpu_with_mig_on():
    monitors.create('1xa100-sxm4-40gb')
    monitors.lay_out(0, '19:0')
    text = program('gpustat', '--no-color').stdout
    tap.contains(text, '[0] NVIDIA A100-SXM4-40GB | 33°C,  ?? % |     0 / 40960 MB |')


tap.main()
