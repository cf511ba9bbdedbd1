#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# priv.sh FOLDER PYTHON link|copy: fills priv/ from the Meson build FOLDER; the node embeds PYTHON.
# link: priv/python links to pysrc/, so edits take effect at once. copy: stands alone, for releases.
# Every file appears by a rename, so that a running node never sees half a library.
set -eu

folder=$1
python=$2
mode=$3
mkdir -p priv

# place FILE NAME: copies when the contents differ.
place() {
    cmp -s "$1" "priv/$2" && return
    cp "$1" "priv/.$2.new"
    mv -f "priv/.$2.new" "priv/$2"
}

place tools/erlpy erlpy

library=$folder/nif/erlang_python_nif.so
[ ! -f "$library" ] || place "$library" erlang_python_nif.so

printf '%s\n' "$python" >"$folder/python_executable.txt"
place "$folder/python_executable.txt" python_executable.txt

if [ "$mode" = link ]; then
    if [ ! -L priv/python ]; then
        rm -rf priv/python
        ln -s ../pysrc priv/python
    fi
else
    rm -rf priv/.python.new
    cp -R pysrc priv/.python.new
    rm -rf priv/python
    mv priv/.python.new priv/python
fi
