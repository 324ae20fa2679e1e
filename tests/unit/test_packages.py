# SPDX-License-Identifier: Apache-2.0
"""scripts/lib-packages.sh: who is asked, what is installed, what is only printed.

The system is played by scripts first on PATH: dpkg-query knows no package until
apt-get has "installed" it, and every call is written to a log.
"""
import os
import pty
import select

import tap
from tap import test

FAKES = {
    'dpkg-query': 'for last; do :; done\ngrep -qx "$last" "$FAKE/installed" && echo installed\n',
    'apt-get': 'echo "apt-get $*" >>"$FAKE/log"\n'
               'case "$*" in *install*) [ ! -e "$FAKE/broken" ] || exit 100\n'
               'for p; do echo "$p" >>"$FAKE/installed"; done ;; esac\n',
    'id': 'cat "$FAKE/uid"\n',
    'sudo': 'echo "sudo $*" >>"$FAKE/log"\n[ "$1" != -n ] || shift\nexec "$@"\n',
}

LISTS = "'gcc file:/nonexistent\nmeson file:/nonexistent\npython3 command:sh'"


class Machine:
    """A machine with these traits, in the test's directory."""

    def __init__(self, uid=1000, system='debian 12', sudo=True, broken=False):
        self.place = tap.tmpdir() / 'machine'
        (self.place / 'bin').mkdir(parents=True)
        for name, body in FAKES.items():
            if name == 'sudo' and not sudo:
                continue
            file = self.place / 'bin' / name
            file.write_text(f'#!/bin/sh\n{body}', encoding='utf-8')
            file.chmod(0o755)
        # Only what the library needs besides the fakes, so that no real sudo is found.
        for name in ('bash', 'sh', 'grep', 'cat', 'env', 'cc'):
            os.symlink(tap.run(['sh', '-c', f'command -v {name}']).stdout.strip(),
                       self.place / 'bin' / name)
        name, version = system.split()
        (self.place / 'os-release').write_text(f'ID={name}\nVERSION_ID="{version}"\n',
                                               encoding='utf-8')
        (self.place / 'uid').write_text(f'{uid}\n', encoding='utf-8')
        (self.place / 'installed').touch()
        (self.place / 'log').touch()
        if broken:
            (self.place / 'broken').touch()
        self.env = {'PATH': str(self.place / 'bin'), 'FAKE': str(self.place), 'LC_ALL': 'C'}

    def argv(self, yes):
        """The command line that asks for the packages."""
        return [str(self.place / 'bin' / 'bash'), '-uc',
                f'mig_os_release={self.place}/os-release; '
                f'. {tap.source("scripts", "lib-packages.sh")}; '
                f'mig_packages_require ./x {int(yes)} {LISTS}']

    def require(self, yes=False):
        """Asks for the packages without a terminal."""
        return tap.run(self.argv(yes), clean_env=self.env)

    def require_on_terminal(self, answer, yes=False):
        """The same on a terminal, where this is typed; (exit status, screen)."""
        pid, terminal = pty.fork()
        if pid == 0:
            argv = self.argv(yes)
            os.execve(argv[0], argv, self.env)
        os.write(terminal, answer.encode())
        screen = b''
        while select.select([terminal], [], [], 30)[0]:
            try:
                chunk = os.read(terminal, 4096)
            except OSError:
                break
            if not chunk:
                break
            screen += chunk
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return status, screen.decode()

    def log(self):
        """The calls of apt-get and sudo so far."""
        return (self.place / 'log').read_text(encoding='utf-8').splitlines()

    def installs(self):
        """The calls of apt-get that install, without their options."""
        return [line.partition('--no-install-recommends ')[2] for line in self.log()
                if line.startswith('apt-get') and ' install ' in line]


@test
def nothing_is_said_when_all_is_there():
    machine = Machine()
    (machine.place / 'installed').write_text('gcc\nmeson\n', encoding='utf-8')
    got = tap.succeeded(machine.require())
    tap.equal(got.stdout + got.stderr, '')
    tap.equal(machine.log(), [])


@test
def root_installs_without_asking():
    machine = Machine(uid=0)
    got = tap.succeeded(machine.require())
    tap.contains(got.stderr, 'not installed:\n  gcc\n  meson\n')
    tap.not_contains(got.stderr, 'python3')
    tap.equal(machine.installs(), ['gcc meson'])
    tap.contains(machine.log()[0], ' update')
    tap.not_contains('\n'.join(machine.log()), 'sudo')


@test
def user_without_terminal_gets_the_list():
    machine = Machine()
    got = tap.exited(machine.require(), 1)
    tap.contains(got.stderr, '  gcc\n  meson\nThere is no terminal to ask on.')
    tap.contains(got.stderr, 'sudo apt-get install gcc meson\n')
    tap.equal(machine.log(), [])


@test
def user_with_yes_uses_sudo_that_does_not_ask():
    machine = Machine()
    tap.succeeded(machine.require(yes=True))
    tap.equal(machine.installs(), ['gcc meson'])
    tap.contains(machine.log()[0], 'sudo -n apt-get')


@test
def user_on_a_terminal_is_asked():
    machine = Machine()
    status, screen = machine.require_on_terminal('y\n')
    tap.contains(screen, 'Install them now with sudo apt-get? [Y/n]')
    tap.equal(status, 0)
    tap.equal(machine.installs(), ['gcc meson'])
    tap.contains(machine.log()[0], 'sudo apt-get')


@test
def no_installs_nothing():
    machine = Machine()
    status, screen = machine.require_on_terminal('n\n')
    tap.contains(screen, 'Nothing was installed.')
    tap.equal(status, 1)
    tap.equal(machine.log(), [])


@test
def yes_on_a_terminal_asks_nothing():
    machine = Machine()
    status, screen = machine.require_on_terminal('', yes=True)
    tap.not_contains(screen, '[Y/n]')
    tap.equal(status, 0)
    tap.equal(machine.installs(), ['gcc meson'])


@test
def user_without_sudo_gets_the_command_for_root():
    machine = Machine(sudo=False)
    got = tap.exited(machine.require(yes=True), 1)
    tap.contains(got.stderr, 'There is no sudo here. As root:\n  apt-get install gcc meson\n')
    tap.equal(machine.log(), [])


@test
def another_system_gets_the_list_even_as_root():
    for system in ('fedora 41', 'debian 11', 'ubuntu 22.04'):
        machine = Machine(uid=0, system=system)
        got = tap.exited(machine.require(yes=True), 1)
        tap.contains(got.stderr, '  gcc\n  meson\n')
        tap.contains(got.stderr, f'this system is "{system}"')
        tap.equal(machine.log(), [])
        os.rename(machine.place, tap.tmpdir() / system.replace(' ', '-'))


@test
def the_supported_systems_install():
    for system in ('debian 12', 'debian 13', 'ubuntu 24.04'):
        machine = Machine(uid=0, system=system)
        tap.succeeded(machine.require())
        tap.equal(machine.installs(), ['gcc meson'])
        os.rename(machine.place, tap.tmpdir() / system.replace(' ', '-'))


@test
def a_failed_installation_is_said():
    machine = Machine(uid=0, broken=True)
    got = tap.exited(machine.require(), 1)
    tap.contains(got.stderr, 'The packages could not be installed')


tap.main()
