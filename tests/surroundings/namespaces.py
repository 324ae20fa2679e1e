# SPDX-License-Identifier: Apache-2.0
"""What the tests of the jail share: a private mount namespace for the test itself, and other users."""
import os
import shutil
import subprocess
import sys

import tap

_INSIDE = 'MIG_TEST_IN_NAMESPACE'
NOBODY = 65534


def _command():
    """How this test can get a mount namespace of its own; None: it cannot."""
    for options in (['--mount'], ['--user', '--map-root-user', '--mount']):
        argv = ['unshare', *options]
        if not shutil.which('unshare'):
            return None
        probe = subprocess.run([*argv, 'sh', '-c', 'mount -t tmpfs none /mnt'], check=False,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if probe.returncode == 0:
            return argv
    return None


def enter():
    """Runs the test file again in a private mount namespace. True: we are in it; False: there is
    none to be had."""
    if os.environ.get(_INSIDE):
        return True
    argv = _command()
    if argv is None:
        return False
    os.environ[_INSIDE] = '1'
    os.execvp(argv[0], [*argv, sys.executable, *sys.argv])


def jail_refusal():
    """Why `sim exec --jail` cannot work for this user here; None if it can."""
    with_home = {'MIGSIM_HOME': str(tap.tmpdir() / 'probe')}
    tap.succeeded(tap.run([tap.build('migctl'), 'sim', 'create', 'probe', '--gpus', 'none'],
                          env=with_home))
    got = tap.run([tap.build('migctl'), 'sim', 'exec', '--jail', 'probe', '--', 'true'],
                  env=with_home)
    if got.rc == 0:
        return None
    if got.rc != 4 or 'cannot make the jail' not in got.stderr:
        tap.fail(f'neither a jail nor a refusal\n{got}')
    return ' '.join(got.stderr.split())


def need_jail():
    """Skips the running test where there is no jail to be had."""
    reason = jail_refusal()
    if reason:
        tap.skip(reason)


def as_other_user():
    """argv in front of a command that runs as a user without any rights; [] if we are one. Skips
    where that user cannot get at the build."""
    if os.geteuid() != 0:
        return []
    if not shutil.which('setpriv'):
        tap.skip('there is no setpriv to become another user with')
    argv = ['setpriv', f'--reuid={NOBODY}', f'--regid={NOBODY}', '--clear-groups']
    if tap.run([*argv, tap.build('migctl'), '--version']).rc != 0:
        tap.skip('another user cannot get at the build directory')
    return argv
