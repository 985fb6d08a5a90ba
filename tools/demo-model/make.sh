#!/bin/sh
# Re-makes models/demo from nothing: art from npm, training in JAX, export to GGUF and safetensors,
# figures. About three hours on two cores; every stage resumes where it stopped.
# Usage: make.sh [WORK] [OUT]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mkdir -p "${1:-$here/work}" && cd "${1:-$here/work}" && pwd)
out=${2:-$here/../../models/demo}

sh "$here/setup.sh" "$work"
run() {
    script=$1
    shift
    "$work/venv/bin/python" "$here/$script" "$@" --work "$work"
}
run train_vision.py --modules "$work/node_modules"
[ -f "$work/features.pkl" ] || run features.py
run train_language.py
run train_encoder.py
run export.py --out "$out"
run fixtures.py --out "$out"
run export_encoder.py --out "$out"
run measure.py scenes
run measure.py ablation
run measure.py answer --model "$out"
run measure.py score
run measure.py talk --model "$out"
run measure.py questions --model "$out"
run measure.py relevance --model "$out"
run measure.py patches --model "$out"
