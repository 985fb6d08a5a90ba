#!/bin/sh
# The figures of the model card, measured through praetor itself on scenes that were never trained
# on. Usage: figures.sh [WORK]; make.sh fills WORK with the art and the tokenizer.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mkdir -p "${1:-$here/work}" && cd "${1:-$here/work}" && pwd)
sh "$here/setup.sh" "$work"
python=$work/venv/bin/python

"$python" "$here/measure.py" scenes --work "$work"
# Exit code 1: some images are undetermined, which is what is measured.
"$root/target/release/praetor" judge "$work/measure" --trace --format jsonl \
    --constitution "$work/measure/constitution.yaml" >"$work/measure/trace.jsonl" || [ $? = 1 ]
"$python" "$here/measure.py" score --work "$work" --answers "$work/measure/trace.jsonl"
