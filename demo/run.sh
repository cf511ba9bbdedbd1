#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: run.sh [--port N] [--check]
# Starts the demo in a separate node, with an erlang_python that is already built. Runs until
# Ctrl-C. With --check, check.py uses the demo instead, and its exit code becomes the script's.
set -eu
cd "$(dirname -- "$0")/.."

python=$PWD/build/venv/bin/python3
port=
check=no
while [ $# -gt 0 ]; do
    case $1 in
        --port) [ $# -ge 2 ] || { echo "demo: --port needs a number" >&2; exit 2; }
            port=$2; shift 2 ;;
        --port=*) port=${1#--port=}; shift ;;
        --check) check=yes; shift ;;
        *) echo "usage: ./dev demo [--port N] [--check]" >&2; exit 2 ;;
    esac
done
case $port in
    "") if [ $check = yes ]; then
            # Two free ports, so that a check does not disturb a running demo.
            port=$("$python" demo/free_port.py)
        else
            port=8000
        fi ;;
    *[!0-9]*) echo "demo: not a port: $port" >&2; exit 2 ;;
esac

# The layout of an OTP application. Its private folder links to the sources, so edits take effect at
# once.
app=build/demo
mkdir -p "$app/ebin"
ln -sfn "$PWD/demo" "$app/priv"
erlc +debug_info +warn_missing_spec -pa _build/default/lib/erlang_python/ebin \
    -o "$app/ebin" demo/src/*.erl
cp demo/src/demo.app.src "$app/ebin/demo.app"

# Ctrl-C reaches every process of the terminal. The node ignores it, and this script asks the node
# to stop as an operator would.
ERL_CRASH_DUMP=$app/erl_crash.dump \
    erl -noshell -noinput +Bi -pa _build/default/lib/erlang_python/ebin "$PWD/$app/ebin" \
    -demo port "$port" -s demo_main </dev/null &
node=$!
stopping=no
stop() {
    trap '' INT TERM
    stopping=yes
    kill -TERM $node 2>/dev/null || true
}
trap stop INT TERM

ended() {
    status=0
    wait $node || status=$?
}

if [ $check = no ]; then
    ended
    # A signal makes wait return early; the node ends later.
    [ $stopping = no ] || ended
    exit "$status"
fi

checked=0
"$python" demo/check.py "$port" || checked=$?
stop
ended
if [ "$status" -ne 0 ]; then
    echo "demo: the node ended with $status" >&2
    exit 1
fi
exit "$checked"
