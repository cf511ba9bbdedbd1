#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tree.sh TREE COMMAND...: runs a command in a Debian tree, as root. BINDS lists folders of this
# machine, separated by spaces, that the tree sees read-only. Mounts and processes are in separate
# namespaces. However this script or its parent ends, nothing stays mounted and no process is left.
set -eu

if [ "${1:-}" != --inside ]; then
    exec setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child sh "$0" --inside "$@"
fi
shift
tree=$1
shift

mount -t proc proc "$tree/proc"
mount --rbind /sys "$tree/sys"
# With /dev/pts and /dev/shm, if this machine has them.
mount --rbind /dev "$tree/dev"
for folder in pts shm; do
    mkdir -p "$tree/dev/$folder"
done
mountpoint -q "$tree/dev/pts" || mount -t devpts -o newinstance,ptmxmode=0666 devpts "$tree/dev/pts"
mountpoint -q "$tree/dev/shm" || mount -t tmpfs tmpfs "$tree/dev/shm"
for folder in ${BINDS:-}; do
    mkdir -p "$tree$folder"
    mount --rbind "$folder" "$tree$folder"
    mount -o remount,bind,ro "$tree$folder"
done

# No exec: this shell is the first process of the namespace. It adopts orphans and collects their
# exit statuses.
status=0
chroot "$tree" "$@" || status=$?
exit $status
