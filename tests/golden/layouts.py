# SPDX-License-Identifier: Apache-2.0
"""What the tests of apply and status share: nodes, the command on them, and the state they are in."""
import collections
import contextlib
import json
import os
import pathlib
import select
import subprocess
import textwrap
import time

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


def load_module(node, name, users):
    """The node's kernel has this module now."""
    modules = node_dir(node) / 'root' / 'proc' / 'modules'
    modules.chmod(0o644)
    with open(modules, 'a', encoding='utf-8') as file:
        file.write(f'{name} 77824 {users} - Live 0x0000000000000000 (POE)\n')


# ------------------------------------------------------------------- holders and programs that run

A100 = 'a100-sxm4-40gb'
H100 = 'h100-sxm5-80gb'
DEADLINE_S = 60


def user():
    import pwd  # pylint: disable=import-outside-toplevel
    return pwd.getpwuid(os.getuid()).pw_name


def first_uuid(node, gpu=0):
    """The UUID of the first MIG device of a GPU."""
    gi = status(node)['gpus'][gpu]['gpu_instances'][0]
    return gi['compute_instances'][0]['uuid']


@contextlib.contextmanager
def held(node, uuid):
    """Somebody holds this device meanwhile; its pid."""
    pid = int(tap.succeeded(migctl('sim', 'hold', '-n', node, '-b', uuid)).stdout)
    try:
        yield pid
    finally:
        # Waits for its end, too; it may have been ended already.
        migctl('sim', 'hold', '-n', node, '--end', str(pid))


def until(condition, what):
    """Waits for a condition, not for a time."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > deadline:
            tap.fail(f'waited in vain: {what}')
        time.sleep(0.01)


class Running:
    """A command that goes on in the background."""

    def __init__(self, *argv, env=None):
        full = dict(os.environ)
        full.update({key: str(value) for key, value in (env or {}).items()})
        self.argv = [str(part) for part in argv]
        self.stderr = ''
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            self.argv, env=full, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        self.pid = self.process.pid

    def says(self, text):
        """Waits until it has said this on standard error."""
        deadline = time.monotonic() + DEADLINE_S
        fd = self.process.stderr.fileno()
        while text not in self.stderr:
            ready, _, _ = select.select([fd], [], [], max(0, deadline - time.monotonic()))
            part = os.read(fd, 65536) if ready else b''
            if not part:
                tap.fail(f'it never said {text!r}:\n{self.stderr}')
            self.stderr += part.decode()

    def ends(self):
        """Waits for its end; a Result."""
        out, err = self.process.communicate(timeout=DEADLINE_S)
        return tap.Result(self.argv, self.process.returncode, out.decode(),
                          self.stderr + err.decode())


def history(node, *options):
    return json.loads(tap.succeeded(on(node, 'history', '--json', *options)).stdout)['transactions']


def faulty(node, fault, *command, **kwargs):
    """migctl on the node, with a call that goes wrong."""
    return migctl('sim', 'exec', '--fault', fault, node, '--', MIGCTL, *command, **kwargs)


def executable(name, text):
    """A program of the test."""
    path = tap.tmpdir() / name
    path.write_text(text)
    path.chmod(0o755)
    return path
