# SPDX-License-Identifier: Apache-2.0
"""What the tests of apply and status share: nodes, the command on them, and the state they are in."""
import collections
import json
import os
import pathlib
import textwrap

import tap

MIGCTL = tap.build('migctl')
EXAMPLES = pathlib.Path(tap.source('examples'))

Gpu = collections.namedtuple('Gpu', 'mode pending layout uuids')


def migctl(*args, **kwargs):
    return tap.run([MIGCTL, *args], **kwargs)


def create(gpus, name='n'):
    """A node, and its name."""
    tap.succeeded(migctl('sim', 'create', name, '--gpus', gpus))
    return name


def on(node, *args, **kwargs):
    return migctl('--node', node, *args, **kwargs)


def apply(node, file, label=None, *options, **kwargs):
    args = ['apply', '-f', file, *options]
    if label is not None:
        args += ['-c', label]
    return on(node, *args, **kwargs)


def counted(node, file, label, *options):
    """Applies; the Result and the numbers of NVML calls (all, changing)."""
    path = tap.tmpdir() / 'nvml-count.json'
    got = apply(node, file, label, *options, env={'MIGCTL_NVML_COUNT': path})
    if not path.exists():
        return got, 0, 0
    counts = json.loads(path.read_text())
    path.unlink()
    return got, counts['calls'], counts['changing_calls']


def status(node):
    return json.loads(tap.succeeded(on(node, 'status', '--json')).stdout)


def state(node):
    """For each GPU its modes, 'PROFILE@START[CI@START …] …' by placement, and the MIG UUIDs."""
    gpus = []
    for gpu in status(node)['gpus']:
        parts = []
        uuids = {}
        for gi in sorted(gpu['gpu_instances'], key=lambda gi: gi['placement_start']):
            place = f"{gi['profile']}@{gi['placement_start']}"
            cis = sorted(gi['compute_instances'], key=lambda ci: ci['placement_start'])
            parts.append(place + '[' + ' '.join(
                f"{ci['profile']}@{ci['placement_start']}" for ci in cis) + ']')
            for ci in cis:
                uuids[f"{place}/{ci['placement_start']}"] = ci['uuid']
        gpus.append(Gpu(gpu['mig_mode'], gpu['mig_mode_pending'], ' '.join(parts), uuids))
    return gpus


def layouts(node):
    return [gpu.layout for gpu in state(node)]


def config(text, name='config.yaml'):
    """A file with these labels; 'version' and 'mig-configs' are put in front."""
    path = tap.tmpdir() / name
    body = textwrap.indent(textwrap.dedent(text), '  ')
    path.write_text('version: v1\nmig-configs:\n' + body)
    return path


def whole(devices, profiles, enabled=True):
    """One entry as JSON, which YAML includes."""
    entry = {'devices': devices, 'mig-enabled': enabled}
    if enabled:
        entry['mig-devices'] = profiles
    return json.dumps([entry])


def node_dir(node):
    return pathlib.Path(os.environ['MIGSIM_HOME']) / node
