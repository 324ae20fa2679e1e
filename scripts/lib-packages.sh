# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What ./demo and ./check need from the system, and how to get it. Sourced, not
# run. Knows Debian's and Ubuntu's packages and nothing of what is built.
#
# A package counts as present when dpkg says so or when what it brings is found
# (its probe), so that tools from elsewhere serve as well. Only on a system of
# the list below is anything installed; elsewhere the list is printed.

mig_os_release=${mig_os_release:-/etc/os-release}

# "ID VERSION_ID", in the words of os-release(5).
mig_supported_systems='debian 12
debian 13
ubuntu 24.04'

# PACKAGE PROBE. A probe with a slash is a C header; with a colon, a pkg-config module.
# shellcheck disable=SC2034  # used by those who source this
mig_packages_build='gcc command:cc
libc6-dev header:stdio.h
meson command:meson
ninja-build command:ninja
pkgconf command:pkg-config
libyaml-dev header:yaml.h
libjansson-dev header:jansson.h
libsmartcols-dev header:libsmartcols/libsmartcols.h
python3 command:python3'

# What the tests need beyond the build, and what --peers needs beyond that.
# shellcheck disable=SC2034
mig_packages_check='mandoc command:mandoc
glpk-utils command:glpsol
python3-jsonschema file:/usr/lib/python3/dist-packages/jsonschema/__init__.py
python3-yaml file:/usr/lib/python3/dist-packages/yaml/__init__.py'
# shellcheck disable=SC2034
mig_packages_peers='ca-certificates file:/etc/ssl/certs/ca-certificates.crt
python3-pip command:pip3
tmux command:tmux'

mig_probe()
{
	local kind=${1%%:*} what=${1#*:}

	case $kind in
	command) command -v "$what" >/dev/null 2>&1 ;;
	header) printf '#include <%s>\n' "$what" | cc -E -x c - >/dev/null 2>&1 ;;
	file) [ -e "$what" ] ;;
	*) return 1 ;;
	esac
}

mig_package_is_present()
{
	if command -v dpkg-query >/dev/null 2>&1 &&
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; then
		return 0
	fi
	mig_probe "$2"
}

# Prints the packages of the given lists that are not there, one a line.
mig_packages_missing()
{
	local package probe

	printf '%s\n' "$@" | while read -r package probe; do
		[ -n "$package" ] || continue
		mig_package_is_present "$package" "$probe" || printf '%s\n' "$package"
	done
}

# Prints "ID VERSION_ID" of this system ("unknown" where there is none).
mig_system()
{
	if [ ! -r "$mig_os_release" ]; then
		echo unknown
		return
	fi
	(
		ID='' VERSION_ID=''
		# shellcheck disable=SC1090
		. "$mig_os_release"
		echo "${ID:-unknown} ${VERSION_ID:-}"
	)
}

mig_system_is_supported()
{
	printf '%s\n' "$mig_supported_systems" | grep -qxF "$(mig_system)" &&
		command -v apt-get >/dev/null 2>&1
}

# mig_apt_install [sudo [-n]] -- PACKAGE...
mig_apt_install()
{
	local as=()

	while [ "$1" != -- ]; do
		as+=("$1")
		shift
	done
	shift
	# Lists may be absent (containers) or old; an update that fails in part
	# (one mirror of several) need not keep the packages from being found.
	"${as[@]}" apt-get -q -o DPkg::Lock::Timeout=120 update </dev/null ||
		echo "apt-get update failed; trying with the package lists as they are." >&2
	"${as[@]}" env DEBIAN_FRONTEND=noninteractive \
		apt-get -q -o DPkg::Lock::Timeout=120 install -y --no-install-recommends "$@" \
		</dev/null
}

# mig_packages_require PROGRAM YES LIST...
# Returns 0 when all packages of the lists are there, at once or after installing
# them; else says what to do and returns 1. YES is 1 when --yes was given.
mig_packages_require()
{
	local program=$1 yes=$2 missing=() answer

	shift 2
	mapfile -t missing < <(mig_packages_missing "$@")
	[ ${#missing[@]} -gt 0 ] || return 0
	{
		echo "$program needs these packages, which are not installed:"
		printf '  %s\n' "${missing[@]}"
	} >&2

	if ! mig_system_is_supported; then
		{
			echo "They are installed by $program on Debian 12, Debian 13 and Ubuntu 24.04 only;"
			echo "this system is \"$(mig_system)\". Install what they bring, then run $program again."
		} >&2
		return 1
	fi
	if [ "$(id -u)" -eq 0 ]; then
		echo "Installing them with apt-get." >&2
		mig_apt_install -- "${missing[@]}" || mig_packages_failed "$program"
		return
	fi
	if ! command -v sudo >/dev/null 2>&1; then
		{
			echo "There is no sudo here. As root:"
			echo "  apt-get install ${missing[*]}"
		} >&2
		return 1
	fi
	if [ "$yes" -eq 1 ]; then
		if [ -t 0 ]; then
			mig_apt_install sudo -- "${missing[@]}" || mig_packages_failed "$program"
		else
			mig_apt_install sudo -n -- "${missing[@]}" || mig_packages_failed "$program"
		fi
		return
	fi
	if [ ! -t 0 ] || [ ! -t 2 ]; then
		{
			echo "There is no terminal to ask on. Install them, or run $program --yes:"
			echo "  sudo apt-get install ${missing[*]}"
		} >&2
		return 1
	fi
	read -r -p 'Install them now with sudo apt-get? [Y/n] ' answer || answer=n
	case $answer in
	'' | [Yy]*) mig_apt_install sudo -- "${missing[@]}" || mig_packages_failed "$program" ;;
	*)
		echo "Nothing was installed." >&2
		return 1
		;;
	esac
}

mig_packages_failed()
{
	echo "The packages could not be installed; what apt-get said is above. Then run $1 again." >&2
	return 1
}
