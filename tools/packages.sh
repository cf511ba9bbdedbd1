#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# packages.sh [--tests] [--lint | --fuzz | --matrix]: installs missing Debian or Ubuntu packages only,
# those of the build and those of the options. An Erlang or a Python from elsewhere is left as it is.
set -eu
. tools/environment.sh

missing=
need() { missing="$missing $*"; }
has() { command -v "$1" >/dev/null 2>&1; }

# Debian splits OTP into packages, so `erl` alone does not show whether headers and tools are
# installed.
is_debian_erlang() {
    ! has erl || [ "$(command -v erl)" = /usr/bin/erl ]
}

need_erlang() {
    if ! is_debian_erlang; then
        has rebar3 || fail "erl is outside /usr/bin, but PATH has no rebar3; install rebar3 beside that Erlang"
        return
    fi
    need_debian erlang-base erlang-dev erlang-crypto erlang-tools rebar3
}

need_python() {
    interpreter=$(sh tools/python.sh 2>/dev/null) || interpreter=
    case $interpreter in
        /usr/bin/* | '') [ -n "${PYTHON:-}" ] || need_debian python3 python3-dev python3-venv ;;
    esac
}

need_debian() {
    has dpkg-query || { need "$@"; return; }
    for package in "$@"; do
        case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) in
            *' installed') ;;
            *) need "$package" ;;
        esac
    done
}

has c++ || need g++
has pkg-config || need pkg-config
has git || need git
need_erlang
need_python
for option in "$@"; do
    case $option in
        --tests)
            need_debian libuv1-dev libgtest-dev libgmock-dev libbenchmark-dev
            is_debian_erlang && need_debian erlang-common-test erlang-eunit erlang-dialyzer \
                erlang-edoc erlang-proper erlang-proper-dev elixir
            ;;
        --matrix) need_debian debootstrap ;;
        --lint) need_debian clang-format clang-tidy ;;
        --fuzz)
            need_debian clang
            # The name of the engine's package has the compiler's version. The compiler may not be
            # installed yet.
            clang=$(apt-cache depends clang 2>/dev/null | sed -n 's/.*Depends: clang-\([0-9]*\)$/\1/p')
            need_debian "libclang-rt-${clang:-14}-dev"
            ;;
    esac
done
# shellcheck disable=SC2086 # a list
[ -z "${EXTRA_PACKAGES:-}" ] || need_debian $EXTRA_PACKAGES
[ -n "$missing" ] || exit 0

install="apt-get install -y --no-install-recommends$missing"
has apt-get || fail "packages are missing and apt-get is not here; install them with your package manager:$missing"
if [ "$(id -u)" = 0 ]; then
    root=
elif has sudo && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
    root=sudo
else
    fail "packages are missing. Run this as root, then your command again: apt-get update && $install"
fi
say "installing$missing"
# The output of apt goes to standard error: standard output belongs to the command that runs later.
$root env DEBIAN_FRONTEND=noninteractive sh -c "apt-get -q update && $install" >&2 </dev/null
