#!/bin/sh
# The ablation of docs/evaluation.md: what each stage adds, beside the paper's baselines, on
# pictogram scenes that were never trained on. Usage: ablation.sh [WORK]; make.sh fills WORK with the
# art. Eleven minutes on two cores.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mkdir -p "${1:-$here/work}" && cd "${1:-$here/work}" && pwd)
sh "$here/setup.sh" "$work"
python=$work/venv/bin/python

[ -f "$work/ablation/labels.jsonl" ] || "$python" "$here/measure.py" ablation --work "$work"
"$root/target/release/praetor" eval "$work/ablation/labels.jsonl" --ablation \
    --constitution "$root/constitutions/demo.yaml" >"$work/ablation/table.md"
"$python" "$here/splice.py" "$root/docs/evaluation.md" ablation "$work/ablation/table.md"
cat "$work/ablation/table.md"
