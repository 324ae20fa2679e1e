#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The fresh-machine test: in a Debian root with nothing but the minimal base, a
# clean clone runs the two commands of README.md as they stand. A package that
# the scripts forgot to name fails here and nowhere else.
#
#	tests/fresh/run.sh [--worktree] [bookworm | trixie]...
#
# --worktree takes the files as they are instead of what is committed.
# TAP on stdout, then "N passed, N failed, N skipped". Needs root, debootstrap, a
# Debian mirror and about 2 GB in TMPDIR; what is missing is a skip. The bare
# roots are kept in the cache directory for a week.

set -u
umask 022

# A mount namespace of our own: however this ends, no mount is left behind.
if [ -z "${MIG_FRESH_INNER:-}" ] && unshare --mount --propagation private true 2>/dev/null; then
	MIG_FRESH_INNER=1 exec unshare --mount --propagation private "$0" "$@"
fi

tree=$(cd "$(dirname -- "$(readlink -f -- "$0")")/../.." && pwd) || exit 1
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/migctl
worktree=0
releases=()
for argument; do
	case $argument in
	--worktree) worktree=1 ;;
	bookworm | trixie) releases+=("$argument") ;;
	*)
		echo "unknown argument \"$argument\"; known are --worktree, bookworm, trixie" >&2
		exit 2
		;;
	esac
done
[ ${#releases[@]} -gt 0 ] || releases=(bookworm trixie)

number=0
passed=0
failed=0
skipped=0
work=
root=

# --------------------------------------------------------------------- TAP

ok()
{
	number=$((number + 1))
	passed=$((passed + 1))
	echo "ok $number $1"
}

# not_ok NAME [FILE...]: the end of the files is shown, less what apt-get says when all is well
not_ok()
{
	local name=$1 file

	number=$((number + 1))
	failed=$((failed + 1))
	echo "not ok $number $name"
	shift
	for file; do
		grep -vE '^(Selecting |Preparing to|Unpacking |Setting up|Processing |Get:|.Reading )' "$file" |
			tail -n 200 | sed 's/^/# /'
	done
}

skip()
{
	number=$((number + 1))
	skipped=$((skipped + 1))
	echo "ok $number $1 # SKIP $2"
	echo "skipped: $1: $2"
}

finish()
{
	echo "1..$number"
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" -eq 0 ]
	exit
}

# ---------------------------------------------------------------- the root

mounts_below()
{
	awk -v root="$1/" 'index($5 "/", root) == 1 { print $5 }' /proc/self/mountinfo | sort -r
}

# Never removes through a mount: the host's /dev is in there.
clean_up()
{
	local place

	[ -n "$work" ] || return 0
	mounts_below "$work" | while read -r place; do
		umount "$place" 2>/dev/null || umount -l "$place"
	done
	if [ -n "$(mounts_below "$work")" ]; then
		echo "cannot unmount what is below $work; left as it is" >&2
	else
		rm -rf --one-file-system -- "$work"
	fi
	work=
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# The Debian mirror that this machine uses itself; nothing for debootstrap's own.
mirror()
{
	local uri label

	if [ -n "${MIG_FRESH_MIRROR:-}" ]; then
		echo "$MIG_FRESH_MIRROR"
		return
	fi
	# shellcheck disable=SC2016  # apt expands it
	apt-get indextargets --format '$(REPO_URI) $(LABEL)' 'Created-By: Packages' 2>/dev/null |
		while read -r uri label; do
			if [ "$label" = Debian ]; then
				echo "${uri%/}"
				break
			fi
		done
}

# What this machine needs to reach its mirror, the root needs as well.
carry_over()
{
	local bundle=/etc/ssl/certs/ca-certificates.crt

	mkdir -p "$root/etc/apt/apt.conf.d"
	apt-config dump 2>/dev/null |
		grep -E '^Acquire::(http|https|ftp)::(Proxy|[^ ]*::Proxy|Timeout)|^Acquire::(Retries|ForceIPv4) ' \
			>"$root/etc/apt/apt.conf.d/00from-host"
	case $(mirror) in
	https:*)
		# For apt only; the root has no ca-certificates.
		if [ -r "$bundle" ]; then
			cp "$bundle" "$root/etc/apt/host-ca.crt"
			echo 'Acquire::https::CaInfo "/etc/apt/host-ca.crt";' \
				>>"$root/etc/apt/apt.conf.d/00from-host"
		fi
		;;
	esac
	cp -L /etc/resolv.conf "$root/etc/resolv.conf"
	cp -L /etc/hosts "$root/etc/hosts"
}

# make_root RELEASE: $root becomes a bare root with /proc, /sys and /dev.
make_root()
{
	local release=$1 tarball=$cache/fresh-$1.tar from

	work=$(mktemp -d "${TMPDIR:-/tmp}/mig-fresh-XXXXXX") || return 1
	root=$work/root
	mkdir "$root" || return 1
	if [ -n "$(find "$tarball" -mtime -7 2>/dev/null)" ] &&
		tar -C "$root" --numeric-owner -xpf "$tarball" 2>"$work/log"; then
		echo "# $release: the bare root of $(date -r "$tarball" +%F)"
	else
		from=$(mirror)
		echo "# $release: debootstrap"
		debootstrap --variant=minbase "$release" "$root" ${from:+"$from"} >"$work/log" 2>&1 ||
			return 1
		if mkdir -p "$cache" 2>/dev/null; then
			tar -C "$root" --numeric-owner -cf "$tarball.$$" . 2>/dev/null &&
				mv "$tarball.$$" "$tarball"
			rm -f "$tarball.$$"
		fi
	fi
	carry_over
	# A mount point of its own, as the root of a machine is.
	mount --bind "$root" "$root" 2>>"$work/log" &&
		mount -t proc proc "$root/proc" 2>>"$work/log" &&
		mount -t sysfs -o ro sysfs "$root/sys" 2>>"$work/log" &&
		mount --rbind /dev "$root/dev" 2>>"$work/log" &&
		mount --make-rslave "$root/dev" 2>>"$work/log"
}

# Puts the tree into the root, as its visitor gets it.
copy_tree()
{
	mkdir -p "$root/srv"
	if [ "$worktree" -eq 1 ]; then
		mkdir "$root/srv/migctl"
		(cd "$tree" && git ls-files -z -co --exclude-standard --deduplicate |
			tar --null --ignore-failed-read -T - -cf -) | tar -C "$root/srv/migctl" -xf -
	else
		git clone -q --no-hardlinks "$tree" "$root/srv/migctl"
	fi
}

# inside [--user] FILE COMMAND: runs a shell command line in the tree in the root,
# without a terminal; its output goes to FILE.
inside()
{
	local as=() file name settings=()

	if [ "$1" = --user ]; then
		as=(--userspec=65534:65534 --groups=65534)
		shift
	else
		settings=(HOME=/root)
	fi
	file=$1
	for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
		[ -z "${!name:-}" ] || settings+=("$name=${!name}")
	done
	# shellcheck disable=SC2016  # expanded inside
	env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb \
		"${settings[@]}" setsid --wait chroot "${as[@]}" "$root" \
		/bin/sh -c 'cd "$1" && eval "$2"' sh "${inside_directory:-/srv/migctl}" "$2" \
		</dev/null >"$file" 2>&1
}

# The command lines in the code block of README.md that follows its marker.
readme_commands()
{
	awk '/<!-- fresh-machine test: these commands -->/ { marked = 1; next }
	     marked && /^```/ { if (inside) exit; inside = 1; next }
	     marked && inside { print }' "$1"
}

# ------------------------------------------------------------------- tests

user_gets_the_list()
{
	local release=$1 command=$2 out=$work/out status package complaint=

	inside --user "$out" "$command"
	status=$?
	[ "$status" -eq 1 ] || complaint="exit status $status"
	for package in gcc libc6-dev meson ninja-build pkgconf libyaml-dev libjansson-dev \
		libsmartcols-dev python3; do
		grep -qx "  $package" "$out" || complaint="$complaint; $package is not named"
	done
	if chroot "$root" dpkg-query -W gcc >/dev/null 2>&1; then
		complaint="$complaint; something was installed"
	fi
	if [ -z "$complaint" ]; then
		ok "$release: $command prints a user without a terminal the list and exits 1"
	else
		not_ok "$release: $command prints a user without a terminal the list and exits 1" "$out"
		echo "# ${complaint#; }"
	fi
}

# demo_works NAME FILE STATUS WANTED...: judges a run of ./demo
demo_works()
{
	local name=$1 file=$2 status=$3 want complaint=

	shift 3
	[ "$status" -eq 0 ] || complaint="exit status $status"
	for want in 'No real GPU is touched' 'To try next:' "$@"; do
		grep -qiE -- "$want" "$file" || complaint="$complaint; \"$want\" is not in it"
	done
	if [ -z "$complaint" ]; then
		ok "$name"
	else
		not_ok "$name" "$file"
		echo "# ${complaint#; }"
	fi
}

# check_works NAME FILE STATUS: judges a run of ./check
check_works()
{
	local name=$1 file=$2 status=$3 last

	last=$(tail -n 1 "$file")
	echo "# $name: $last"
	sed -n "s/^skipped: /skipped: $release: /p" "$file"
	if [ "$status" -eq 0 ] && [[ $last =~ ^[1-9][0-9]*\ passed,\ 0\ failed,\ [0-9]+\ skipped$ ]]; then
		ok "$name"
	else
		not_ok "$name" "$file"
		echo "# exit status $status, last line \"$last\""
	fi
}

test_release()
{
	local release=$1 command commands=() status nothing='nothing (had )?to (do|change)'

	if ! make_root "$release"; then
		not_ok "$release: a bare root" "$work/log"
		return
	fi
	if ! copy_tree >"$work/log" 2>&1; then
		not_ok "$release: a clean clone" "$work/log"
		return
	fi
	mapfile -t commands < <(readme_commands "$root/srv/migctl/README.md")
	if [ "${commands[*]}" != './demo ./check' ]; then
		not_ok "$release: README.md gives the two commands"
		echo "# it gives: ${commands[*]}"
		return
	fi
	ok "$release: README.md gives the two commands"

	for command in "${commands[@]}"; do
		user_gets_the_list "$release" "$command"
	done
	for command in "${commands[@]}"; do
		inside "$work/out" "$command"
		status=$?
		case $command in
		./demo) demo_works "$release: ./demo as root, no package there" "$work/out" "$status" A100 ;;
		./check) check_works "$release: ./check as root" "$work/out" "$status" ;;
		esac
	done
	inside "$work/out" ./demo
	demo_works "$release: ./demo again changes nothing" "$work/out" $? A100 "$nothing"

	inside --user "$work/out" ./demo
	status=$?
	if [ "$status" -eq 1 ] && grep -q 'needs a tree that it can write to' "$work/out"; then
		ok "$release: a tree that cannot be written to gives a clear message"
	else
		not_ok "$release: a tree that cannot be written to gives a clear message" "$work/out"
	fi
	# A tree that was moved, with its build directory; a user without a home.
	cp -a "$root/srv/migctl" "$root/srv/moved" && chown -R 65534:65534 "$root/srv/moved"
	inside_directory=/srv/moved inside --user "$work/out" ./demo
	demo_works "$release: ./demo as a user without HOME, in a moved tree" "$work/out" $? A100
}

for missing in debootstrap git; do
	if ! command -v "$missing" >/dev/null 2>&1; then
		skip "fresh machine" "$missing is not installed"
		finish
	fi
done
if [ "$(id -u)" -ne 0 ]; then
	skip "fresh machine" "making a root with debootstrap needs root"
	finish
fi
for release in "${releases[@]}"; do
	test_release "$release"
	clean_up
done
finish
