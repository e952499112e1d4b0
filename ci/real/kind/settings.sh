# Shared by the scripts here; sourced. Everything made or run lives under the cache folder of `ci/real/build`.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../versions.env"
bin=${REAL_KUBERNETES_CACHE:-$HOME/.cache/real-kubernetes}/$KUBERNETES
work=$bin/kind-node                                    # root file system, images, dockerd's data
image=localhost/stsspec-kind-node:v$KUBERNETES
export DOCKER_HOST=unix://$work/docker/docker.sock
export PATH=$bin:/usr/sbin:/sbin:$PATH
mkdir -p "$work/images" "$work/docker"
say() { printf '%5ss %s\n' "$SECONDS" "$*" >&2; }
die() { echo "${0##*/}: $*" >&2; exit 1; }
