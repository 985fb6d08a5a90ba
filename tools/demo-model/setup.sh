#!/bin/sh
# Installs the tool's Python and pictogram packages into WORK, once. Usage: setup.sh WORK
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$1
[ -x "$work/venv/bin/python" ] || {
    python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install --quiet -r "$here/requirements.txt"
}
[ -d "$work/node_modules" ] || {
    cp "$here/package.json" "$work/"
    (cd "$work" && npm install --silent --no-audit --no-fund)
}
