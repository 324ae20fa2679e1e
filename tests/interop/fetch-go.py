#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fetches programs that are Go modules and builds them, for the tests against other
people's programs, which are never part of this tree.

    fetch-go.py NAME        prints the path of the program
    fetch-go.py --list      name, module and version of each, one a line

Modules come by the Go client as it is configured here (its proxy, its checksum
database); no repository is cloned. What is built lies in $MIG_PEERS_CACHE, or in
peers-cache of $MIG_BUILD_ROOT (build/), with the client's own caches, and is not
built again while it is there. The Go that is on PATH is used; none is fetched.

Exit status: 0 done; 77 it cannot be had here, with the reason as the last line of
stdout; 1 something else failed; 2 usage.
"""
import dataclasses
import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
GO_NEEDED = (1, 26)


@dataclasses.dataclass(frozen=True)
class Module:
    """A module, and what has to be said besides its version for it to be had and to build."""
    path: str
    version: str
    # Newer versions of what it needs, where the version that it names cannot be had: (path, version)
    raised: tuple = ()
    # Lines of go.sum, for what the checksum database does not know
    sums: tuple = ()


@dataclasses.dataclass(frozen=True)
class Program:
    """A command: a package of its module, or a folder here that uses what the module needs."""
    module: Module
    package: str = ''
    folder: str = ''


# v0.15.0 is in the checksum database, but its archive is not served by every module proxy; of
# v0.15.1 it is the other way round. So its hashes are written down: computed over the archive after
# that was compared, file by file, with the public tree of v0.15.0 (the command's own sources are the
# same; the Kubernetes part and versions of dependencies differ).
MIG_PARTED = Module('github.com/NVIDIA/mig-parted', 'v0.15.1', sums=(
    'github.com/NVIDIA/mig-parted v0.15.1 h1:B+oIEGIKAFQ5jC86sC6tumCUHxcs+GwF64kfXd3Q6hs=',
    'github.com/NVIDIA/mig-parted v0.15.1/go.mod h1:A9q03qw8t8xro4DRYvXDoB0XZ7GQTyb36D10q5s/9mc='))
TOOLKIT = Module('github.com/NVIDIA/nvidia-container-toolkit', 'v1.20.1')
DEVICE_PLUGIN = Module('github.com/NVIDIA/k8s-device-plugin', 'v0.19.0')
# It names release candidates of Kubernetes, which the checksum database does not know.
DRA_DRIVER = Module('sigs.k8s.io/dra-driver-nvidia-gpu', 'v0.4.1', raised=(
    ('k8s.io/kubernetes', 'v1.36.1'),
    *((f'k8s.io/{name}', 'v0.36.1') for name in (
        'api', 'apimachinery', 'client-go', 'component-base', 'dynamic-resource-allocation',
        'kubelet', 'mount-utils'))))

PROGRAMS = {
    'nvidia-mig-parted': Program(MIG_PARTED, 'cmd/nvidia-mig-parted'),
    'nvidia-ctk': Program(TOOLKIT, 'cmd/nvidia-ctk'),
    'gpu-feature-discovery': Program(DEVICE_PLUGIN, 'cmd/gpu-feature-discovery'),
    'nvidia-device-plugin': Program(DEVICE_PLUGIN, 'cmd/nvidia-device-plugin'),
    'stub-kubelet': Program(DEVICE_PLUGIN, folder='go-peers/stub-kubelet'),
    'gpu-kubelet-plugin': Program(DRA_DRIVER, 'cmd/gpu-kubelet-plugin'),
    'stub-cluster': Program(DRA_DRIVER, folder='go-peers/stub-cluster'),
}

# What the Go client says when something cannot be fetched; all else is a failure of the build.
_NOT_SERVED = re.compile(
    r'403 Forbidden|404 Not Found|410 Gone|429 Too Many|50[234] |dial tcp|no such host|'
    r'i/o timeout|TLS handshake|connection re(?:fused|set)|network is unreachable|'
    r'module lookup disabled|unexpected EOF')


class Missing(Exception):
    """It cannot be had here; the text is the reason."""


def cache_root():
    """Where everything is kept."""
    build = os.environ.get('MIG_BUILD_ROOT') or HERE.parent.parent / 'build'
    return pathlib.Path(os.environ.get('MIG_PEERS_CACHE') or
                        pathlib.Path(build) / 'peers-cache').absolute()


def environment(cache):
    """For the Go client: nothing that the caller's shell sets for other builds."""
    env = {key: value for key, value in os.environ.items()
           if not re.match(r'GO(?!ENV$|PROXY$|SUMDB$|NOPROXY$|NOSUMDB$|PRIVATE$)|CGO_', key)}
    env.update({
        # A cache that can be removed like any other directory: -modcacherw
        'GOFLAGS': '-mod=mod -modcacherw -buildvcs=false -trimpath',
        'GOWORK': 'off',
        'GOTOOLCHAIN': 'local',
        'GOPATH': str(cache / 'go' / 'path'),
        'GOCACHE': str(cache / 'go' / 'build'),
        'CGO_ENABLED': '1',
        # -w: the header of the vendor is full of functions that it calls deprecated
        'CGO_CFLAGS': '-O1 -w',
    })
    return env


def check_go(env):
    """The version of a Go that can build all this, as text."""
    if not shutil.which('go'):
        raise Missing('no Go on PATH')
    got = subprocess.run(['go', 'env', 'GOVERSION', 'CC'], env=env, capture_output=True, text=True,
                         check=False)
    version, compiler = (got.stdout.split('\n') + ['', ''])[:2]
    number = re.match(r'go(\d+)\.(\d+)', version)
    if got.returncode != 0 or not number:
        raise Missing('the Go on PATH does not tell its version')
    wanted = '.'.join(map(str, GO_NEEDED))
    if tuple(map(int, number.groups())) < GO_NEEDED:
        raise Missing(f'the Go on PATH is older than {wanted}')
    if not compiler or not shutil.which(compiler.split()[0]):
        raise Missing('no C compiler for the Go on PATH')
    return version


def build_folder(cache, program, go_version):
    """The folder for this recipe: another recipe, source or Go has another one."""
    recipe = hashlib.sha256(repr((program.module, go_version)).encode())
    if program.folder:
        for path in sorted((HERE / program.folder).glob('*.go')):
            recipe.update(path.read_bytes())
    name = f'{program.module.path.rpartition("/")[2]}-{program.module.version}'
    return cache / 'go' / f'{name}-{recipe.hexdigest()[:12]}'


def write_module(folder, program):
    """A module that is nothing but the wish to build the program."""
    wanted = ((program.module.path, program.module.version), *program.module.raised)
    lines = ''.join(f'\t{path} {version}\n' for path, version in wanted)
    go = '.'.join(map(str, GO_NEEDED))
    (folder / 'go.mod').write_text(f'module peers\n\ngo {go}\n\nrequire (\n{lines})\n')
    (folder / 'go.sum').write_text(''.join(f'{line}\n' for line in program.module.sums))
    if not program.folder:
        return f'{program.module.path}/{program.package}'
    local = folder / pathlib.Path(program.folder).name
    shutil.copytree(HERE / program.folder, local, ignore=lambda _, names: [
        name for name in names if not name.endswith('.go')])
    return f'./{local.name}'


def build(name, program, folder, env):
    """Builds the program into the folder, where it appears whole."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        scratch = pathlib.Path(scratch)
        package = write_module(scratch, program)
        made = scratch / 'bin' / name
        got = subprocess.run(['go', 'build', '-ldflags=-s -w', '-o', made, package], cwd=scratch,
                             env=env, capture_output=True, text=True, check=False)
        if got.returncode != 0:
            said = got.stderr.splitlines()
            for line in said:
                if _NOT_SERVED.search(line):
                    raise Missing(f'{program.module.path}@{program.module.version} cannot be '
                                  f'fetched: {line.strip()}')
            raise RuntimeError('\n'.join(said[-40:]))
        folder.mkdir(exist_ok=True)
        os.rename(made, folder / name)


def fetch(name):
    """The path of the program."""
    program = PROGRAMS[name]
    cache = cache_root()
    (cache / 'go').mkdir(parents=True, exist_ok=True)
    env = environment(cache)
    folder = build_folder(cache, program, check_go(env))
    # One build at a time: the others would only wait for the same processors.
    with open(cache / 'go' / 'lock', 'w', encoding='ascii') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / name).exists():
            build(name, program, folder, env)
    return folder / name


def main():
    """Does what the command line asks for; returns the exit status."""
    if sys.argv[1:] == ['--list']:
        for name, program in PROGRAMS.items():
            print(name, program.module.path, program.module.version)
        return 0
    if len(sys.argv) != 2 or sys.argv[1] not in PROGRAMS:
        print(f'usage: fetch-go.py --list | {" | ".join(PROGRAMS)}', file=sys.stderr)
        return 2
    try:
        print(fetch(sys.argv[1]))
    except Missing as missing:
        print(missing)
        return 77
    except RuntimeError as error:
        print(f'fetch-go.py: cannot build {sys.argv[1]}\n{error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
