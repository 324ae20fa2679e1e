# SPDX-License-Identifier: Apache-2.0
"""fetch-go.py with a Go that is none: what it does with each answer. Needs no network."""
import os
import sys

import tap
from tap import test

# `go env` answers; `go build` says what is in the file "say", and "builds" if there is none.
GO = '''#!/bin/sh
cd "$(dirname "$0")"
case $1 in
env) cat env ;;
build)
	echo build "$GOFLAGS" >>calls
	[ ! -e say ] || { cat say >&2; exit 1; }
	while [ "$1" != -o ]; do shift; done
	mkdir -p "$(dirname "$2")" && echo made >"$2"
	;;
esac
'''


def fetch(name='nvidia-ctk', env='go1.26.8\ncc\n', say='', has_go=True):
    """A Result of fetch-go.py; its Go says these things."""
    folder = tap.tmpdir() / 'bin'
    folder.mkdir(exist_ok=True)
    (folder / 'env').write_text(env)
    (folder / 'say').unlink(missing_ok=True)
    if say:
        (folder / 'say').write_text(say)
    for tool, text in (('go', GO), ('cc', '#!/bin/sh\n')):
        (folder / tool).write_text(text)
        (folder / tool).chmod(0o755)
    if not has_go:
        (folder / 'go').unlink()
    path = f'{folder}:/usr/bin:/bin' if has_go else str(folder)
    return tap.run([sys.executable, tap.source('tests/interop/fetch-go.py'), name],
                   env={'PATH': path, 'MIG_PEERS_CACHE': tap.tmpdir() / 'cache',
                        'GOFLAGS': '-mod=vendor', 'GO111MODULE': 'off'})


def skipped(got, reason):
    """It cannot be had, for this reason."""
    tap.exited(got, 77)
    tap.contains(got.stdout.splitlines()[-1], reason)


@test
def builds_once():
    path = tap.succeeded(fetch()).stdout.strip()
    tap.equal(os.path.basename(path), 'nvidia-ctk')
    with open(path, encoding='ascii') as made:
        tap.equal(made.read(), 'made\n')
    tap.equal(tap.succeeded(fetch()).stdout.strip(), path)
    calls = (tap.tmpdir() / 'bin' / 'calls').read_text().splitlines()
    tap.equal(len(calls), 1)
    tap.contains(calls[0], '-mod=mod')


@test
def another_go_builds_anew():
    path = tap.succeeded(fetch()).stdout
    tap.true(tap.succeeded(fetch(env='go1.27.0\ncc\n')).stdout != path, 'the same path')


@test
def programs_of_ours_are_built_with_their_module():
    path = tap.succeeded(fetch('stub-kubelet')).stdout.strip()
    tap.true(os.path.isfile(path), path)


@test
def without_a_go_that_can():
    skipped(fetch(has_go=False), 'no Go on PATH')
    skipped(fetch(env='go1.25.9\ncc\n'), 'the Go on PATH is older than 1.26')
    skipped(fetch(env='devel\ncc\n'), 'does not tell its version')
    skipped(fetch(env='go1.26.8\nno-such-compiler\n'), 'no C compiler')


@test
def what_is_not_served_is_skipped():
    got = fetch(say='go: downloading x v1\nx@v1: reading x: 403 Forbidden\n\tserver response: no\n')
    skipped(got, 'github.com/NVIDIA/nvidia-container-toolkit@v1.20.1 cannot be fetched: '
                 'x@v1: reading x: 403 Forbidden')
    skipped(fetch(say='dial tcp: lookup proxy: no such host\n'), 'cannot be fetched')


@test
def what_does_not_build_is_a_failure():
    got = tap.exited(fetch(say='main.go:1: syntax error\n'), 1)
    tap.contains(got.stderr, 'syntax error')
    # and is tried again
    tap.succeeded(fetch())


@test
def changed_contents_are_a_failure():
    # a wrong checksum must never look like something that is merely not there
    tap.exited(fetch(say='verifying x@v1: checksum mismatch\n'), 1)


@test
def bad_use():
    tap.exited(fetch('no-such-program'), 2)
    got = tap.succeeded(fetch('--list'))
    tap.contains(got.stdout, 'nvidia-mig-parted github.com/NVIDIA/mig-parted v0.15.1\n')


tap.main()
