#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""migctl sim exec --jail: what a program sees in it, as root or in a user namespace, and that what
it writes stays on the node or in memory."""
import os
import pathlib
import stat

import namespaces
import tap
from tap import test

MIGCTL = tap.build('migctl')
CONFIG = """version: v1
mig-configs:
  mixed:
    - devices: all
      mig-enabled: true
      mig-devices: {"3g.20gb": 1, "1g.5gb": 1}
"""
COUNT = """
import ctypes
n = ctypes.CDLL('libnvidia-ml.so.1')
count = ctypes.c_uint()
print(n.nvmlInit_v2(), n.nvmlDeviceGetCount_v2(ctypes.byref(count)), count.value)
"""


class Node:
    """A node and the ways onto it, for the user that `front` makes."""

    def __init__(self, front=(), gpus='2xa100-sxm4-40gb', home=None):
        self.front = list(front)
        self.home = home or pathlib.Path(os.environ['MIGSIM_HOME'])
        if front:
            # Where the other user can get at it.
            os.chmod(tap.tmpdir(), 0o755)
            self.home = tap.tmpdir() / 'home'
            self.home.mkdir()
            os.chown(self.home, namespaces.NOBODY, namespaces.NOBODY)
        tap.succeeded(self.run(MIGCTL, 'sim', 'create', 'demo', '--gpus', gpus))
        self.path = self.home / 'demo'
        self.root = self.path / 'root'

    def run(self, *argv, **kwargs):
        return tap.run([*self.front, *argv], env={'MIGSIM_HOME': str(self.home)}, **kwargs)

    def jail(self, *argv, **kwargs):
        return self.run(MIGCTL, 'sim', 'exec', '--jail', 'demo', '--', *argv, **kwargs)

    def shell(self, script, **kwargs):
        return tap.succeeded(self.jail('sh', '-c', script, **kwargs)).stdout

    def apply(self, *front):
        config = tap.tmpdir() / 'config.yaml'
        config.write_text(CONFIG)
        config.chmod(0o644)
        return self.run(MIGCTL, 'sim', 'exec', *front, 'demo', '--', MIGCTL, 'apply', '-f',
                        config, '-c', 'mixed')


def check_view(node):
    """Everything that has one content for every user."""
    tap.succeeded(node.apply())
    tap.equal(node.shell('cat /proc/driver/nvidia-caps/mig-minors | tail -n 1'),
              'gpu31/gi14/ci7/access 4322\n')
    tap.equal(node.shell('cat /proc/driver/nvidia/capabilities/gpu1/mig/gi*/access').count(
        'DeviceFileMode: 292'), 2)
    tap.contains(node.shell('cat /proc/devices'), '\n3511 nvidia-caps\n')
    tap.contains(node.shell('cat /proc/devices'), '\n  1 mem\n')
    tap.equal(node.shell('ls /sys/bus/pci/devices'), '0000:10:00.0\n0000:11:00.0\n')
    tap.equal(node.shell('cat /sys/module/nvidia/version'), '550.163.01\n')
    tap.equal(node.shell('cd /dev && echo nvidia?* nvidia-caps/*').split(),
              sorted(['nvidia-caps', 'nvidia-modeset', 'nvidia-uvm', 'nvidia-uvm-tools', 'nvidia0',
                      'nvidia1', 'nvidiactl']) +
              [f'nvidia-caps/{name}' for name in
               sorted(path.name for path in (node.root / 'dev/nvidia-caps').iterdir())])
    # Those who ask for a device find one.
    tap.equal(set(node.shell('stat -c %F /dev/nvidia0 /dev/nvidiactl /dev/nvidia-caps/*')
                  .splitlines()), {'character special file'})
    tap.equal(node.shell('echo x > /dev/null; test -c /dev/zero; head -c 1 /dev/urandom | wc -c; '
                         'test -d /dev/pts; test -d /dev/shm; echo $?'), '1\n0\n')


def check_clean_environment(node):
    """A program that was started with no environment at all still meets the node only."""
    script = tap.tmpdir() / 'count.py'
    script.write_text(COUNT)
    script.chmod(0o644)
    tap.equal(node.shell(f'exec env -i {os.path.realpath("/usr/bin/python3")} {script}'),
              '0 0 2\n')
    # Neither the search path nor the default place is needed: an absolute path is ours too.
    tap.equal(node.shell('cat /run/migsim/node/node.json | grep -c migsim-node/1'), '1\n')
    # So are the node's programs, where the machine has them.
    got = tap.succeeded(node.jail('env', '-i', MIGCTL, 'status'))
    tap.contains(got.stdout, 'GPU 0  NVIDIA A100-SXM4-40GB')
    tap.equal(node.shell('env -i /usr/bin/sudo id -u'), node.shell('id -u'))
    got = node.jail('env', '-i', '/usr/bin/nvidia-smi', '-r', '-i', '')
    tap.equal((got.rc, got.stdout), (6, 'No devices were found\n'))
    for name in ('shutdown', 'poweroff', 'halt'):
        for path in (f'/usr/bin/{name}', f'/usr/sbin/{name}'):
            if not os.path.exists(path) and not path.startswith('/usr/bin/'):
                continue  # only what the machine has is laid over
            got = node.jail('env', '-i', path)
            tap.exited(got, 1)
            tap.contains(got.stderr, f'{name} (simulated node): ')
    # CAP_SYS_MODULE, CAP_SYS_RAWIO and CAP_SYS_BOOT are given up.
    rights = int(node.shell("sed -n 's/^CapEff:.//p' /proc/self/status"), 16)
    tap.equal(rights & (1 << 16 | 1 << 17 | 1 << 22), 0)


def check_writes(node):
    """Directories of the node keep what is written, others forget it, the host sees neither."""
    if os.path.exists('/etc/cdi/migsim-test.yaml'):
        tap.fail('/etc/cdi/migsim-test.yaml was there before')
    node.shell('echo mine > /etc/cdi/migsim-test.yaml; echo mine > /var/lib/migctl/migsim-test; '
               'echo mine > /run/cdi/migsim-test.yaml')
    for name in ('etc/cdi/migsim-test.yaml', 'var/lib/migctl/migsim-test',
                 'run/cdi/migsim-test.yaml'):
        tap.equal((node.root / name).read_text(), 'mine\n')
        tap.true(not os.path.exists('/' + name), f'/{name} is on the host')
    tap.equal(node.shell('cat /etc/cdi/migsim-test.yaml /var/run/cdi/migsim-test.yaml'),
              'mine\nmine\n')
    node.shell('for d in /etc /run /var/lib /usr/lib /usr/bin /dev; do '
               'echo mine > $d/migsim-test && cat $d/migsim-test; done')
    for directory in ('/etc', '/run', '/var/lib', '/usr/lib', '/usr/bin', '/dev'):
        tap.true(not os.path.exists(f'{directory}/migsim-test'), f'{directory} on the host')
    tap.equal(node.shell('ls /etc/migsim-test 2>/dev/null; echo; ls /dev/migsim-test 2>&-; echo'),
              '\n\n')


@test
def what_a_program_sees():
    namespaces.need_jail()
    check_view(Node())


@test
def what_a_program_sees_in_a_user_namespace():
    front = namespaces.as_other_user()
    node = Node(front)
    if node.jail('true').rc == 4:
        tap.skip(' '.join(node.jail('true').stderr.split()))
    check_view(node)
    check_clean_environment(node)
    check_writes(node)
    tap.contains(node.shell('cat /proc/self/status'), 'NoNewPrivs:\t1\n')
    tap.contains(node.shell('cat /proc/self/status'), 'CapEff:\t0000000000000000\n')
    # All device nodes are /dev/null here; that cannot be shown better.
    tap.equal(node.shell('stat -L -c %t:%T /dev/nvidia0'), '1:3\n')


@test
def a_program_without_environment():
    namespaces.need_jail()
    check_clean_environment(Node())


@test
def writes_stay_on_the_node_or_in_memory():
    namespaces.need_jail()
    check_writes(Node())


@test
def changes_in_the_jail_are_changes_of_the_node():
    namespaces.need_jail()
    node = Node()
    tap.succeeded(node.apply('--jail'))
    shown = tap.succeeded(node.run(MIGCTL, 'sim', 'show', 'demo')).stdout
    tap.contains(shown, '3g.20gb')
    tap.true((node.root / 'proc/driver/nvidia/capabilities/gpu0/mig').iterdir())


@test
def instances_come_and_go_in_dev():
    namespaces.need_jail()
    node = Node()
    if not stat.S_ISCHR((node.root / 'dev/nvidia0').stat().st_mode):
        tap.skip('no device nodes can be made here (no root): the jail shows those of its start')
    config = tap.tmpdir() / 'config.yaml'
    config.write_text(CONFIG)
    got = node.shell(f'ls /dev/nvidia-caps | wc -l; {MIGCTL} apply -f {config} -c mixed >&2; '
                     'ls /dev/nvidia-caps | wc -l')
    tap.equal(got, '2\n10\n')
    # They are there, they can be looked at, and nobody can open them.
    got = node.jail('sh', '-c', 'stat -c %t /dev/nvidia0; cat /dev/nvidia0')
    tap.true(got.rc != 0, 'a simulated device was opened')
    tap.equal(got.stdout, f'{3195:x}\n')


@test
def a_node_below_a_covered_directory_stays_the_node():
    namespaces.need_jail()
    if os.geteuid() != 0:
        tap.skip('needs root: /run is not writable')
    home = pathlib.Path(f'/run/migsim-test-{os.getpid()}')
    home.mkdir()
    try:
        node = Node(home=home)
        tap.succeeded(node.apply('--jail'))
        tap.contains(tap.succeeded(node.run(MIGCTL, 'sim', 'show', 'demo')).stdout, '3g.20gb')
        got = node.shell(f'cd {home}/demo && echo mine > note && pwd')
        tap.equal(got, f'{home}/demo\n')
        tap.equal((node.path / 'note').read_text(), 'mine\n')
        # The working directory is inside, too.
        got = tap.succeeded(node.jail('sh', '-c', 'pwd; echo mine > lost', cwd='/run'))
        tap.equal(got.stdout, '/run\n')
        tap.true(not os.path.exists('/run/lost'), 'the working directory was the host\'s')
    finally:
        tap.succeeded(tap.run([MIGCTL, 'sim', 'destroy', home / 'demo']))
        home.rmdir()


def swapped(node):
    """Starts a jail, and puts another directory in the node's place after that was looked at."""
    program = tap.tmpdir() / 'at_call'
    if not program.exists():
        tap.succeeded(tap.run([os.environ.get('CC', 'cc'), '-D_GNU_SOURCE', '-o', program,
                               tap.source('tests/surroundings/at_call.c')]))
        program.chmod(0o755)
    other = node.home / 'other'
    hook = f'mv {node.path} {node.path}.was && mv {other} {node.path}'
    got = node.run(program, hook, MIGCTL, 'sim', 'exec', '--jail', 'demo', '--', 'cat',
                   '/etc/cdi/note', '/run/migsim/node/root/etc/cdi/note')
    if got.rc == 99:
        tap.skip('no ptrace here')
    return got


def check_swapped(front=()):
    namespaces.need_jail()
    node = Node(front)
    if node.jail('true').rc == 4:
        tap.skip(' '.join(node.jail('true').stderr.split()))
    tap.succeeded(node.run('cp', '-a', node.path, node.home / 'other'))
    tap.succeeded(node.run('sh', '-c', f'echo right >{node.root}/etc/cdi/note; '
                           f'echo wrong >{node.home}/other/root/etc/cdi/note'))
    tap.equal(node.shell('cat /etc/cdi/note'), 'right\n')
    got = tap.exited(swapped(node), 4)
    tap.equal(got.stdout, '')
    tap.equal(got.stderr, 'migctl: cannot make the jail: there is another directory at '
                          f"'{node.path}' now\n")


@test
def a_node_that_is_swapped_meanwhile():
    check_swapped()


@test
def a_node_that_is_swapped_meanwhile_in_a_user_namespace():
    front = namespaces.as_other_user()
    if not front:
        tap.skip('this user needs a user namespace anyway')
    check_swapped(front)


@test
def jails_side_by_side_and_inside_each_other():
    namespaces.need_jail()
    node = Node()
    got = node.jail(MIGCTL, 'sim', 'exec', '--jail', 'demo', '--', 'ls', '/sys/bus/pci/devices')
    if got.rc == 4 and 'overlay' in got.stderr:
        tap.skip('this file system is an overlay already; the kernel stacks no further')
    tap.equal(tap.succeeded(got).stdout, '0000:10:00.0\n0000:11:00.0\n')


@test
def programs_of_the_node_are_found_by_their_usual_path():
    namespaces.need_jail()
    node = Node()
    tap.contains(node.shell('/usr/bin/sudo --version'), 'sudo of a simulated node')
    got = node.jail('env', '-i', '/bin/sh', '-c', 'sudo --version')
    tap.contains(got.stdout + got.stderr, 'simulated node')
    tap.equal(node.shell('/usr/bin/migctl --version'),
              tap.succeeded(tap.run([MIGCTL, '--version'])).stdout)


@test
def the_exit_status_is_the_programs():
    namespaces.need_jail()
    node = Node()
    tap.exited(node.jail('sh', '-c', 'exit 42'), 42)
    tap.exited(node.jail('no-such-program'), 127)
    tap.exited(node.jail('/etc/passwd'), 126)


def check_unprivileged(node, *front):
    """Changes are refused, for whoever asks; sudo makes it the administrator's again."""
    before = tap.succeeded(node.run(MIGCTL, 'sim', 'show', '--json', 'demo')).stdout
    config = tap.tmpdir() / 'config.yaml'
    config.write_text(CONFIG)
    config.chmod(0o644)
    exec_node = [MIGCTL, 'sim', 'exec', '--unprivileged', *front, 'demo', '--']
    apply = [MIGCTL, 'apply', '-f', config, '-c', 'mixed']
    got = node.run(*exec_node, *apply)
    tap.exited(got, 7)
    script = tap.tmpdir() / 'change.py'
    script.write_text("""
import ctypes
n = ctypes.CDLL('libnvidia-ml.so.1')
gpu, status = ctypes.c_void_p(), ctypes.c_int()
assert n.nvmlInit_v2() == 0
assert n.nvmlDeviceGetHandleByIndex_v2(0, ctypes.byref(gpu)) == 0
print(n.nvmlDeviceSetMigMode(gpu, 1, ctypes.byref(status)),
      n.nvmlDeviceSetPersistenceMode(gpu, 1))
""")
    script.chmod(0o644)
    # NO_PERMISSION
    tap.equal(tap.succeeded(node.run(*exec_node, '/usr/bin/python3', script)).stdout, '4 4\n')
    tap.equal(tap.succeeded(node.run(MIGCTL, 'sim', 'show', '--json', 'demo')).stdout, before)
    tap.succeeded(node.run(*exec_node, 'sudo', *apply))
    tap.contains(tap.succeeded(node.run(MIGCTL, 'sim', 'show', 'demo')).stdout, '3g.20gb')


@test
def unprivileged_programs():
    check_unprivileged(Node())


@test
def unprivileged_programs_in_the_jail():
    namespaces.need_jail()
    check_unprivileged(Node(), '--jail')


@test
def somebody_elses_node():
    front = namespaces.as_other_user()
    if not front:
        tap.skip('needs root, to make a node that belongs to somebody else')
    node = Node()
    os.chmod(tap.tmpdir(), 0o755)
    for option in ([], ['--jail']):
        argv = [*front, MIGCTL, 'sim', 'exec', *option, node.path, '--']
        got = tap.run([*argv, MIGCTL, 'sim', 'list'], env={'MIGSIM_HOME': str(tap.tmpdir())})
        if option and got.rc == 4:
            tap.skip(' '.join(got.stderr.split()))
        script = ('import ctypes; n = ctypes.CDLL("libnvidia-ml.so.1"); g = ctypes.c_void_p();'
                  's = ctypes.c_int(); print(n.nvmlInit_v2(), '
                  'n.nvmlDeviceGetHandleByIndex_v2(0, ctypes.byref(g)), '
                  'n.nvmlDeviceSetMigMode(g, 1, ctypes.byref(s)))')
        got = tap.succeeded(tap.run([*argv, '/usr/bin/python3', '-c', script],
                                    env={'MIGSIM_HOME': str(tap.tmpdir())}))
        tap.equal(got.stdout, '0 0 4\n')
    tap.true(not list((node.root / 'proc/driver/nvidia/capabilities/gpu0/mig').iterdir()))


@test
def nothing_runs_where_the_jail_cannot_be_made():
    Node()
    marker = tap.tmpdir() / 'ran'
    # No namespace left to be had: the limit is of a user namespace of our own.
    script = ('echo 0 > /proc/sys/user/max_mnt_namespaces || exit 99\n'
              f'exec {MIGCTL} sim exec --jail demo -- touch {marker}\n')
    got = tap.run(['unshare', '--user', '--map-root-user', 'sh', '-c', script])
    if got.rc == 99 or 'unshare failed' in got.stderr:
        tap.skip('limits of namespaces cannot be set here')
    tap.exited(got, 4)
    tap.contains(got.stderr, 'cannot make the jail: ')
    tap.contains(got.stderr, 'without --jail')
    tap.true(not marker.exists(), 'the program ran')


tap.main()
