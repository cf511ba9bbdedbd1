#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An Erlang shell with the application started; arguments go to erl.
set -eu
. tools/environment.sh

ebin=$PWD/_build/default/lib/erlang_python/ebin
cd "${INVOKED_FROM:-.}"
exec erl -pa "$ebin" -eval '{ok, _} = application:ensure_all_started(erlang_python).' "$@"
