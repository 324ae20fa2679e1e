# SPDX-License-Identifier: Apache-2.0
"""btop 1.3.2 (Debian 13, with that release's C library: Debian 12's is built without GPUs) on a
simulated node: what is in its GPU boxes.

btop asks for the unversioned names (nvmlInit, nvmlDeviceGetCount, nvmlDeviceGetHandleByIndex).
"""
import monitors
import tap
from tap import test


def btop():
    folder = monitors.debian('btop-trixie', 'trixie', 'btop', 'libc6', 'libstdc++6', 'libgcc-s1',
                             'gcc-14-base')
    libraries = folder / 'usr/lib/x86_64-linux-gnu'
    settings = tap.tmpdir() / 'btop'
    settings.mkdir()
    (settings / 'btop.conf').write_text('shown_boxes = "gpu0 gpu1"\nupdate_ms = 1000\n')
    return (f'XDG_CONFIG_HOME={tap.tmpdir()} LC_ALL=C.UTF-8 exec {libraries}/ld-linux-x86-64.so.2 '
            f'--library-path {libraries}:$LD_LIBRARY_PATH {folder}/usr/bin/btop --utf-force')


@test
def shows_each_gpu():
    monitors.create('1xa100-sxm4-40gb,1xt4-16gb')
    with monitors.Screen(btop()) as screen:
        text = screen.wait_for('A100-SXM4-40GB', 'Tesla T4', '33°C', '40°C')
    print(text)
    first, second = text.split('gpu1', 1)
    for box, parts in ((first, ('210 Mhz', '52W', 'P-state:  P0', '1215 Mhz', '40.0 GiB',
                                'Used:', '620 MiB')),
                       (second, ('585 Mhz', '26W', '5001 Mhz', '15.0 GiB', '393 MiB'))):
        for part in parts:
            tap.contains(box, part)


@test
def starts_with_mig_on():
    """Without utilisation, which NVML does not give then."""
    monitors.create('2xa100-sxm4-40gb')
    monitors.lay_out(0, '9:2', '19:0')
    with monitors.Screen(btop()) as screen:
        text = screen.wait_for('gpu0', 'gpu1', '33°C', '52W', '620 MiB')
    print(text)
    tap.equal(text.count('A100-SXM4-40GB'), 2)


tap.main()
