# SPDX-License-Identifier: Apache-2.0
"""nvtop 3.0.1 (Debian 12) on simulated nodes: what is on its screen.

Shows that its start-up finds every function that it insists on, and that it shows name, link,
clocks, temperature, power and memory of each GPU, with MIG off and on.
"""
import re

import monitors
import tap
from tap import test


def nvtop():
    folder = monitors.debian('nvtop-bookworm', 'bookworm', 'nvtop', 'libncurses6', 'libtinfo6')
    libraries = folder / 'usr/lib/x86_64-linux-gnu'
    return (f'LD_LIBRARY_PATH=$LD_LIBRARY_PATH:{libraries}:{folder}/lib/x86_64-linux-gnu '
            f'XDG_CONFIG_HOME={tap.tmpdir()} exec {folder}/usr/bin/nvtop')


def gpu_head(text, index):
    """The three lines of a GPU at the top of the screen, blanks made single."""
    lines = text.splitlines()
    first = next(i for i, line in enumerate(lines) if f'Device {index} [' in line)
    return [re.sub(r' +', ' ', line).strip() for line in lines[first:first + 3]]


@test
def shows_each_gpu():
    monitors.create('1xa100-sxm4-40gb,1xt4-16gb')
    with monitors.Screen(nvtop()) as screen:
        text = screen.wait_for('Device 1 [Tesla T4]', 'TEMP  40', 'F10')
    print(text)
    head = gpu_head(text, 0)
    tap.equal(head[0],
              'Device 0 [NVIDIA A100-SXM4-40GB] PCIe GEN 4@16x RX: 0.000 KiB/s TX: 0.000 KiB/s')
    tap.true(re.fullmatch(r'GPU 210MHz MEM 1215MHz TEMP 33.{1,2}C FAN N/A% POW 52 / 400 W',
                          head[1]), head[1])
    tap.true(re.fullmatch(r'GPU\[ +0%\] MEM\[\|* *0\.605Gi/40\.000Gi\]', head[2]), head[2])
    head = gpu_head(text, 1)
    tap.contains(head[0], '[Tesla T4] PCIe GEN 3@16x')
    tap.contains(head[1], 'GPU 585MHz MEM 5001MHz TEMP 40')
    tap.contains(head[1], 'POW 26 / 70 W')
    tap.contains(head[2], 'Gi/15.000Gi]')


@test
def shows_a_gpu_with_mig_on():
    """With MIG on there is no utilisation; the rest is as it was."""
    monitors.create('1xh100-sxm5-80gb')
    monitors.lay_out(0, '19:0', '19:0')
    with monitors.Screen(nvtop()) as screen:
        text = screen.wait_for('Device 0 [NVIDIA H100 80GB HBM3]', 'POW', 'F10')
    print(text)
    head = gpu_head(text, 0)
    tap.contains(head[0], 'PCIe GEN 5@16x')
    tap.true(re.search(r'TEMP 28.{1,2}C FAN N/A% POW 70 / 700 W', head[1]), head[1])
    tap.not_contains(head[2], '0%]')


tap.main()
