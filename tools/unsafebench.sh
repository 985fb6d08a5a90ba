#!/bin/sh
# The evaluation of docs/evaluation.md in UnsafeBench's layout: the held-out pictogram scenes as one
# Parquet file with two sources, trained art and art that was never trained on, and F1 by category
# and source with the gap between them. Usage: unsafebench.sh [WORK]; demo-model/make.sh fills WORK
# with the art. Four minutes on two cores.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/.." && pwd)
work=$(mkdir -p "${1:-$here/demo-model/work}" && cd "${1:-$here/demo-model/work}" && pwd)
praetor=${PRAETOR:-$root/target/release/praetor}
out=$work/unsafebench

if ! [ -f "$work/ablation/labels.jsonl" ]; then
    sh "$here/demo-model/setup.sh" "$work"
    "$work/venv/bin/python" "$here/demo-model/measure.py" ablation --work "$work"
fi
mkdir -p "$out"
rm -f "$out/test.parquet"
"$praetor" data "$work/ablation/labels.jsonl" --write "$out/test.parquet" --first 0 \
    --column category=rule --label 'trained=source:trained art' \
    --label 'emojione=source:unseen art' --label 'openmoji=source:unseen art'
rm -rf "$out/run"
"$praetor" eval "$out/test.parquet" --constitution "$root/constitutions/demo.yaml" \
    --out "$out/run" --html "$out/page.html" | tee "$out/table.txt"
echo
echo "each image by its category's rule alone, as UnsafeBench asks:"
"$praetor" eval "$out/test.parquet" --constitution "$root/constitutions/demo.yaml" \
    --run "$out/run" --by-category | tee "$out/by-category.txt"
