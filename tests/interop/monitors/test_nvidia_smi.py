# SPDX-License-Identifier: Apache-2.0
"""What NVIDIA's nvidia-smi 550 (Debian 13) shows of the monitoring constants: -q, dmon, pmon, nvlink,
--query-gpu, with MIG off and on. (tests/interop/nvidia-smi compares all the rest.)
"""
import re

import monitors
import tap
from tap import test


def smi(*args):
    """nvidia-smi on the node; its stdout."""
    folder = monitors.debian('nvidia-smi-trixie', 'trixie', 'nvidia-smi')
    done = monitors.on_node(folder / 'usr/lib/nvidia/current/nvidia-smi', *args)
    return tap.succeeded(done).stdout


def values(text):
    """{"Section/Sub/Key": value} of -q of one GPU."""
    found, path = {}, []
    for line in text.splitlines():
        match = re.match(r'( *)(\S.*?)(?: +: (.*))?$', line)
        if not match:
            continue
        depth = len(match[1]) // 4
        path = path[:depth] + [match[2].strip()]
        if match[3] is not None:
            found['/'.join(path[1:])] = match[3]
    return found


@test
def q_with_mig_off():
    monitors.create('1xa100-sxm4-40gb')
    got = values(smi('-q'))
    want = {
        'Accounting Mode': 'Disabled', 'VBIOS Version': '92.00.00.00.00', 'MultiGPU Board': 'No',
        'Board Part Number': '900-00000-0000-SIM', 'GSP Firmware Version': '550.163.01',
        'PCI/GPU Link Info/PCIe Generation/Max': '4', 'PCI/GPU Link Info/Link Width/Current': '16x',
        'PCI/Tx Throughput': '0 KB/s', 'Fan Speed': 'N/A', 'Performance State': 'P0',
        'Clocks Event Reasons/Idle': 'Active', 'Clocks Event Reasons/SW Power Cap': 'Not Active',
        'Utilization/Gpu': '0 %', 'Utilization/Encoder': '0 %', 'Utilization/OFA': '0 %',
        'Temperature/GPU Current Temp': '33 C', 'Temperature/GPU Shutdown Temp': '92 C',
        'Temperature/Memory Current Temp': '36 C',
        'GPU Power Readings/Instantaneous Power Draw': '52.00 W',
        'GPU Power Readings/Current Power Limit': '400.00 W',
        'GPU Power Readings/Min Power Limit': '100.00 W',
        'Module Power Readings/Current Power Limit': 'N/A',
        'Clocks/SM': '210 MHz', 'Clocks/Memory': '1215 MHz', 'Max Clocks/Graphics': '1410 MHz',
        'Applications Clocks/Graphics': '1095 MHz',
    }
    tap.equal({key: got.get(key) for key in want}, want)
    tap.true(re.fullmatch(r'\d{13}', got['Serial Number']), got['Serial Number'])


@test
def q_with_mig_on():
    """Only the utilisations change."""
    monitors.create('1xa100-sxm4-40gb')
    smi('-mig', '1')
    smi('mig', '-cgi', '9,19', '-C')
    got = values(smi('-q'))
    want = {
        'Utilization/Gpu': 'N/A', 'Utilization/Memory': 'N/A', 'Utilization/Encoder': 'N/A',
        'Utilization/JPEG': 'N/A', 'Encoder Stats/Active Sessions': 'N/A',
        'Temperature/GPU Current Temp': '33 C', 'Clocks/SM': '210 MHz',
        'GPU Power Readings/Instantaneous Power Draw': '52.00 W',
    }
    tap.equal({key: got.get(key) for key in want}, want)


@test
def dmon_and_pmon():
    monitors.create('1xa100-sxm4-40gb,1xt4-16gb')
    rows = [line.split() for line in smi('dmon', '-c', '1').splitlines() if line[0] != '#']
    tap.equal(rows, ['0 52 33 36 0 0 0 0 0 0 1215 210'.split(),
                     '1 26 40 - 0 0 0 0 0 0 5001 585'.split()])
    smi('-i', '0', '-mig', '1')
    rows = [line.split() for line in smi('dmon', '-c', '1').splitlines() if line[0] != '#']
    tap.equal(rows[0], '0 52 33 36 - - - - - - 1215 210'.split())
    rows = [line.split() for line in smi('pmon', '-c', '1').splitlines() if line[0] != '#']
    tap.equal([row[0] for row in rows], ['0', '1'])
    tap.true(all(set(row[1:]) == {'-'} for row in rows), rows)


@test
def links():
    monitors.create('2xh100-sxm5-80gb')
    tap.equal(len(re.findall(r'Link \d+: 26\.562 GB/s', smi('nvlink', '-s', '-i', '0'))), 18)
    tap.equal(smi('topo', '-p2p', 'r').splitlines()[1].split(), ['GPU0', 'X', 'OK'])
    smi('-i', '0', '-mig', '1')
    tap.equal(smi('topo', '-p2p', 'r').splitlines()[1].split(), ['GPU0', 'X', 'GNS'])


@test
def query_gpu():
    monitors.create('1xl40s-48gb,1xrtx-pro-6000-workstation-96gb')
    text = smi('--query-gpu=name,pstate,temperature.gpu,power.draw,power.limit,clocks.max.sm,'
               'pcie.link.gen.max,fan.speed', '--format=csv,noheader')
    tap.equal(text.splitlines(), [
        'NVIDIA L40S, P0, 31, 36.00 W, 350.00 W, 2520 MHz, 4, [N/A]',
        'NVIDIA RTX PRO 6000 Blackwell Workstation Edition, P0, 30, 20.00 W, 600.00 W, '
        '3090 MHz, 5, 30 %'])


tap.main()
