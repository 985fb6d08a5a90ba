#!/bin/sh
# The evaluation of docs/evaluation.md in UnsafeBench's layout: the held-out pictogram scenes as one
# Parquet file with two sources, trained art and art that was never trained on; F1 by category and
# source with the gap between them. Writes the table into the page. Usage: unsafebench.sh [WORK
# [EVERY]]; demo-model/make.sh fills WORK with the art, and with EVERY 5 only each fifth scene is taken.
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
# Beside the pictures, whose paths are relative to it. A quarter of the scenes is of one kind in turn,
# so that EVERY should be odd.
awk -v every="${2:-1}" '(NR - 1) % every == 0' "$work/ablation/labels.jsonl" \
    >"$work/ablation/taken.jsonl"
rm -f "$out/test.parquet"
"$praetor" data "$work/ablation/taken.jsonl" --write "$out/test.parquet" --first 0 \
    --column category=rule --label 'trained=source:trained art' \
    --label 'emojione=source:unseen art' --label 'openmoji=source:unseen art'
rm -rf "$out/run"
# From within, so that no path of this machine stands in the table.
cd "$out"
constitution=$root/constitutions/demo.yaml
"$praetor" eval test.parquet --constitution "$constitution" --out run --html page.html >table.txt
cat table.txt
"$praetor" eval test.parquet --constitution "$constitution" --run run --by-category \
    >by-category.txt
cat by-category.txt

{
    echo '```text'
    sed '/^Reliability/,$d' table.txt
    echo '```'
    echo
    echo 'Each image by its category'"'"'s rule alone, as UnsafeBench asks:'
    echo
    echo '```text'
    sed '1,3d; /^F1 by category/,$d' by-category.txt
    echo '```'
} >table.md
python3 "$here/demo-model/splice.py" "$root/docs/evaluation.md" unsafebench table.md
