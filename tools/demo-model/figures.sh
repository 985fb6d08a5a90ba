#!/bin/sh
# The figures of the model card, measured on scenes that were never trained on: through praetor
# itself where praetor answers, and in JAX from the shipped files for the rest.
# Usage: figures.sh [WORK]; make.sh fills WORK with the art, the tokenizers and the features.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mkdir -p "${1:-$here/work}" && cd "${1:-$here/work}" && pwd)
sh "$here/setup.sh" "$work"
python=$work/venv/bin/python
praetor=$root/target/release/praetor
measure() {
    "$python" "$here/measure.py" "$@" --work "$work" --model "$root/models/demo"
}

measure scenes
# Strategy 1 alone. Exit code 1: some images are undetermined, which is what is measured.
"$praetor" judge "$work/measure" --trace --format jsonl --without relevance,region,reasoning \
    --constitution "$work/measure/constitution.yaml" >"$work/measure/trace.jsonl" || [ $? = 1 ]
measure score --answers "$work/measure/trace.jsonl"

measure ablation
measure relevance
if [ -f "$work/features.pkl" ]; then
    measure patches
    measure questions
fi
measure talk
