#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Fetches Debian packages, also non-free ones, and unpacks them: for the tests
# against other people's programs, which are never part of this tree. Neither
# installs anything nor changes the machine's apt: it has a configuration, lists
# and a cache of its own, and only the mirror is the machine's. Needs no root.

set -u
umask 022

usage()
{
	cat <<-'EOF'
		usage: fetch-debs.sh [--suite SUITE] NAME[=VERSION]... DIR

		Unpacks the packages into DIR (made if it is not there).

		  --suite SUITE   a Debian release (bookworm, trixie), or its security updates
		                  (bookworm-security); default: this machine's release

		Packages are kept in $MIG_PEERS_CACHE, or in peers-cache of $MIG_BUILD_ROOT
		(build/), and are not fetched again while they are there.

		Exit status: 0 done; 77 they cannot be had here, with the reason as the last
		line of stdout; 1 something else failed; 2 usage.
	EOF
}

skip()
{
	echo "$*"
	exit 77
}

die()
{
	echo "fetch-debs.sh: $*" >&2
	exit 1
}

suite=
arguments=()
while [ $# -gt 0 ]; do
	case $1 in
	--suite)
		[ $# -ge 2 ] || { usage >&2; exit 2; }
		suite=$2
		shift
		;;
	--help | -h)
		usage
		exit 0
		;;
	-*)
		echo "fetch-debs.sh: unknown option \"$1\"" >&2
		exit 2
		;;
	*) arguments+=("$1") ;;
	esac
	shift
done
[ ${#arguments[@]} -ge 2 ] || { usage >&2; exit 2; }
directory=${arguments[-1]}
unset 'arguments[-1]'

[ -e /etc/debian_version ] || skip "Debian packages are fetched on Debian only"
# shellcheck disable=SC1091
os_id=$(. /etc/os-release && echo "${ID-}")
# shellcheck disable=SC1091
os_codename=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
[ "$os_id" = debian ] || skip "Debian packages are fetched on Debian only, this is \"$os_id\""
suite=${suite:-$os_codename}
for tool in apt-get apt-config dpkg-deb flock; do
	command -v "$tool" >/dev/null || skip "$tool is not installed"
done

source_root=$(cd "$(dirname -- "$(readlink -f -- "$0")")/../.." && pwd) || die "no source root"
cache=${MIG_PEERS_CACHE:-${MIG_BUILD_ROOT:-$source_root/build}/peers-cache}
mkdir -p -- "$cache/debs/$suite" "$directory" || die "cannot make \"$cache\" or \"$directory\""
cache=$(readlink -f -- "$cache")
directory=$(readlink -f -- "$directory")
apt=$cache/apt/$suite

# Tests run at the same time: one of them fetches, the others find it done.
exec 9>"$cache/lock" || die "cannot open \"$cache/lock\""
flock 9 || die "cannot lock \"$cache/lock\""

# The mirror of this machine, whichever of the two formats its sources are in; of its release, or of
# the release's security updates (an archive of its own).
mirror()
{
	# shellcheck disable=SC2016  # apt replaces these
	apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
		awk -v release="$1" \
			'$2 == release && $3 == "main" && $1 !~ /^cdrom:/ { print $1; exit }'
}

# Writes apt.conf and sources.list. Of the machine's settings only those of transport are taken
# (a proxy), not its hooks.
configure_apt()
{
	local uri security keyring=/usr/share/keyrings/debian-archive-keyring.gpg

	uri=$(mirror "$os_codename")
	[ -n "$uri" ] || skip "no mirror of Debian $os_codename in this machine's apt sources"
	if [ "$suite" != "${suite%-security}" ]; then
		security=$(mirror "$os_codename-security")
		# beside the archive, where mirrors have it
		uri=${security:-${uri%/}-security/}
	fi
	[ -e "$keyring" ] || skip "$keyring is missing (debian-archive-keyring)"
	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" || die "cannot make \"$apt\""
	cat >"$apt/sources.list" <<-EOF || die "cannot write \"$apt/sources.list\""
		deb [signed-by=$keyring] $uri $suite main contrib non-free non-free-firmware
	EOF
	rm -f -- "$apt/apt.conf"
	# only for us: a proxy may come with its password
	(umask 077 && : >"$apt/apt.conf") || die "cannot write \"$apt/apt.conf\""
	{
		apt-config dump | grep '^Acquire::' | grep -v '^Acquire::IndexTargets'
		cat <<-EOF
			Acquire::Languages "none";
			Acquire::Retries "2";
			Acquire::http::Timeout "30";
			Acquire::https::Timeout "30";
			APT::Sandbox::User "$(id -un)";
			Dir::Etc::main "none";
			Dir::Etc::parts "none";
			Dir::Etc::sourcelist "$apt/sources.list";
			Dir::Etc::sourceparts "none";
			Dir::Etc::preferences "none";
			Dir::Etc::preferencesparts "none";
			Dir::State "$apt";
			Dir::State::status "/dev/null";
			Dir::Cache "$apt/cache";
		EOF
	} >"$apt/apt.conf" || die "cannot write \"$apt/apt.conf\""
}

run_apt()
{
	APT_CONFIG=$apt/apt.conf LC_ALL=C apt-get -q "$@" >"$apt/log" 2>&1
}

# The package in the cache, "" if it is not there; NAME[=VERSION]
cached()
{
	local prefix=${1%%=*}_ found

	if [ "$1" != "${1%%=*}" ]; then
		prefix+=${1#*=}_
	fi
	for found in "$cache/debs/$suite/${prefix//:/%3a}"*.deb; do
		[ -e "$found" ] || continue
		echo "$found"
		return
	done
}

is_updated=0
for package in "${arguments[@]}"; do
	[ -z "$(cached "$package")" ] || continue
	if [ "$is_updated" -eq 0 ]; then
		configure_apt
		if ! run_apt update --error-on=any; then
			skip "cannot fetch package lists of $suite: $(grep '^E:' "$apt/log" | head -n 1)"
		fi
		is_updated=1
	fi
	# in a folder of its own first: what lies in the cache is complete and checked
	rm -rf -- "$apt/new"
	mkdir "$apt/new" || die "cannot make \"$apt/new\""
	if ! (cd "$apt/new" && run_apt download "$package"); then
		skip "cannot fetch $package of $suite: $(grep '^E:' "$apt/log" | head -n 1)"
	fi
	mv -- "$apt/new"/*.deb "$cache/debs/$suite/" || die "cannot fill the cache"
done
for package in "${arguments[@]}"; do
	dpkg-deb -x "$(cached "$package")" "$directory" || die "cannot unpack $package"
done
