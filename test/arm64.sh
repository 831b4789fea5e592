#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The tests that need no ROS on arm64, emulated: Debian's packages for that processor under QEMU.
#
#   sudo test/arm64.sh [FOLDER]     sets up FOLDER (default /var/tmp/fer_ros-arm64) once, then tests
#
# What stands in PYTEST_ADDOPTS goes to pytest.
set -euo pipefail
folder=${1:-/var/tmp/fer_ros-arm64}
repository=$(cd "$(dirname "$0")/.." && pwd)
shared=${FER_ROS_SHARED:-$repository/../shared}
packages=(opencv-data
  python3-{aiohttp,hypothesis,matplotlib,opencv,pytest,pytest-timeout,skimage,tqdm,yaml})

((EUID == 0)) || { echo "arm64.sh sets up a system and enters it: run it as root" >&2; exit 1; }
for tool in mmdebstrap arch-test qemu-aarch64-static; do
  command -v $tool >/dev/null || {
    echo "Missing: apt install mmdebstrap arch-test qemu-user-static" >&2
    exit 1
  }
done

# The kernel is told, once, what runs a program of that processor.
formats=/proc/sys/fs/binfmt_misc
[[ -e $formats/register ]] || mount -t binfmt_misc binfmt_misc $formats
[[ -e $formats/qemu-aarch64 ]] || cat /usr/lib/binfmt.d/qemu-aarch64.conf >$formats/register

if [[ ! -e $folder/.ready ]]; then
  echo "Setting up $folder: Debian for arm64 (ten minutes or more, 1 GB)"
  rm -rf --one-file-system "$folder"
  mmdebstrap --quiet --architectures=arm64 --variant=minbase \
    --include="$(IFS=, && echo "${packages[*]}")" bookworm "$folder"
  touch "$folder/.ready"
fi

# Mounts of a namespace of its own end with it.
mkdir -p "$folder"/{fer_ros,shared}
exec unshare --mount bash -euc '
  mount --bind "$1" "$3/fer_ros"
  [[ ! -d $2 ]] || mount --bind "$2" "$3/shared"
  mount -t proc proc "$3/proc"
  mount -t tmpfs tmpfs "$3/tmp"
  exec chroot "$3" env HOME=/tmp PYTHONDONTWRITEBYTECODE=1 bash -euc "
    cd /fer_ros
    uname -m && dpkg-query -W python3 python3-numpy python3-opencv
    exec python3 -m pytest -p no:cacheprovider -o timeout=3000 test"
' bash "$repository" "$shared" "$folder"
