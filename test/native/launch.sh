#!/bin/sh
# launch.sh FOLDER COMMAND...: runs a test of several processes. What these and their launcher leave behind when they are
# killed, which is how a test ends that has hung, lies in FOLDER, and the next run removes it.
set -eu
rm -rf "$1"
mkdir -p "$1"
export TMPDIR="$1" TEST_TMPDIR="$1/" OMPI_MCA_btl_vader_backing_directory="$1"
shift
exec "$@"
