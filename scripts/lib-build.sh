# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Configures and builds for ./demo and ./check. Sourced, not run, with the top of
# the tree as the current directory. A build directory that belongs to another
# tree or that Meson cannot use any more is made anew; one that works is taken
# with the options somebody gave it.

# Prints the lines of standard input: on a terminal the steps of ninja in one
# line that changes, elsewhere each tenth of the way; all else as it is.
mig_progress()
{
	local line step total tenth last=-1 wide=${COLUMNS:-80} on_terminal=0

	[ -t 1 ] && on_terminal=1
	while IFS= read -r line; do
		if [[ $line =~ ^\[([0-9]+)/([0-9]+)\]\ (.*) ]]; then
			step=${BASH_REMATCH[1]} total=${BASH_REMATCH[2]}
			if [ "$on_terminal" -eq 1 ]; then
				printf '\r%.*s\033[K' "$((wide - 1))" "$line"
				continue
			fi
			tenth=$((step * 10 / (total > 0 ? total : 1)))
			[ "$tenth" -ne "$last" ] || continue
			last=$tenth
			printf '%s\n' "$line"
		elif [[ $line == 'ninja: '[En]* ]]; then
			: # entering a directory, no work to do
		elif [ "$on_terminal" -eq 1 ]; then
			printf '\r\033[K%s\n' "$line"
		else
			printf '%s\n' "$line"
		fi
	done
	[ "$on_terminal" -eq 0 ] || printf '\r\033[K'
}

# Is the directory $1 configured by Meson for this tree?
mig_build_is_configured()
{
	[ -f "$1/build.ninja" ] && [ -f "$1/meson-private/coredata.dat" ] || return 1
	python3 - "$1/meson-info/meson-info.json" <<-'EOF'
		import json, os, sys
		try:
		    with open(sys.argv[1], encoding='utf-8') as file:
		        source = json.load(file)['directories']['source']
		    same = os.path.realpath(source) == os.path.realpath('.')
		except (OSError, ValueError, KeyError, TypeError):
		    same = False
		sys.exit(0 if same else 1)
	EOF
}

# Removes the build directory $1, if Meson made it.
mig_build_remove()
{
	[ -d "$1/meson-private" ] || [ -d "$1/meson-info" ] || return 0
	[ ! -f "$1/build.ninja" ] || echo "$1/ was configured for another tree; making it anew."
	rm -rf -- "$1"
}

# Makes the build directory $1 and the place of its log, if need be.
mig_build_can_write()
{
	mkdir -p "$1/logs" 2>/dev/null && [ -w "$1" ] && [ -w "$1/logs" ]
}

mig_build_refuse()
{
	echo "cannot write to $PWD/$1: the build needs a tree that it can write to" >&2
	echo "copy the tree to a place of yours and run it there" >&2
}

# mig_build DIR [MESON SETUP OPTION...] -- TARGET...
mig_build()
{
	local dir=$1 options=() log

	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift

	if ! mig_build_can_write "$dir"; then
		mig_build_refuse "$dir"
		return 1
	fi
	if ! mig_build_is_configured "$dir"; then
		mig_build_remove "$dir" && mig_build_can_write "$dir"
	fi
	log=$PWD/$dir/logs/build.log
	if ! { : >"$log"; } 2>/dev/null; then
		mig_build_refuse "$dir"
		return 1
	fi

	if ! mig_build_configure "$dir" "$log" "${options[@]}"; then
		cat "$log" >&2
		echo "configuring $dir/ failed; the log is $log" >&2
		return 1
	fi
	echo "Building in $dir/"
	ninja -C "$dir" "$@" 2>&1 | tee -a "$log" | mig_progress
	if [ "${PIPESTATUS[0]}" -ne 0 ]; then
		echo "the build failed; the log is $log" >&2
		return 1
	fi
}

mig_build_configure()
{
	local dir=$1 log=$2 said status

	shift 2
	if [ ! -f "$dir/build.ninja" ]; then
		echo "Configuring $dir/"
		meson setup "$@" "$dir" >>"$log" 2>&1
		return
	fi
	# Does it still work, and is it up to date with the build files?
	ninja -C "$dir" build.ninja >>"$log" 2>&1 && return 0
	# A mistake in a build file is not mended by throwing away what is built.
	! grep -qE 'meson\.build:[0-9]+:[0-9]+: ERROR' "$log" || return 1
	echo "$dir/ cannot be used as it is; configuring it anew."
	# This empties the directory and with it the log.
	said=$(meson setup --wipe "$dir" 2>&1)
	status=$?
	mkdir -p "$dir/logs" && printf '%s\n' "$said" >>"$log"
	return "$status"
}
