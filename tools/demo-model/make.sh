#!/bin/sh
# Re-makes models/demo from nothing: art from npm, training in JAX, export to GGUF, figures.
# About two hours on two cores; every stage resumes where it stopped. Usage: make.sh [WORK] [OUT]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mkdir -p "${1:-$here/work}" && cd "${1:-$here/work}" && pwd)
out=${2:-$here/../../models/demo}

[ -x "$work/venv/bin/python" ] || {
    python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install --quiet -r "$here/requirements.txt"
}
[ -d "$work/node_modules" ] || {
    cp "$here/package.json" "$work/"
    (cd "$work" && npm install --silent --no-audit --no-fund)
}
run() {
    script=$1
    shift
    "$work/venv/bin/python" "$here/$script" "$@" --work "$work"
}
run train_vision.py --modules "$work/node_modules"
[ -f "$work/features.pkl" ] || run features.py
run train_language.py
run export.py --out "$out"
run fixtures.py --out "$out"
run measure.py scenes
run measure.py answer --model "$out"
run measure.py score
run measure.py talk --model "$out"
