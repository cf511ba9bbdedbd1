# SPDX-License-Identifier: Apache-2.0
# Names that the scripts share. Source this file in the project's root.

VENV=$PWD/build/venv
VENV_PYTHON=$VENV/bin/python3
MESON_BUILD=build/meson
# Tells the hook in rebar.config that the native library is built already.
ERLANG_PYTHON_BUILT=1
export ERLANG_PYTHON_BUILT

# The name before each message.
SPEAKER=dev

# A relative PYTHON begins where the user stands. It may be the folder of a virtual environment.
case ${PYTHON:-} in
    '' | /*) ;;
    */*) PYTHON=${INVOKED_FROM:-${REBAR_ROOT_DIR:-$PWD}}/$PYTHON ;;
    *) [ ! -d "${INVOKED_FROM:-$PWD}/$PYTHON" ] || PYTHON=${INVOKED_FROM:-$PWD}/$PYTHON ;;
esac
if [ -n "${PYTHON:-}" ] && [ -x "$PYTHON/bin/python3" ]; then
    PYTHON=$PYTHON/bin/python3
fi

say() {
    printf '%s\n' "$SPEAKER: $*" >&2
}

fail() {
    say "$@"
    exit 1
}

# Runs a command under a lock file if the system has flock(1), so that two builds run one after the
# other.
locked() {
    lock_file=$1
    shift
    if command -v flock >/dev/null 2>&1; then
        flock "$lock_file" "$@"
    else
        "$@"
    fi
}
