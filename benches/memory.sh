#!/usr/bin/env bash
# Is memory flat in the number of images? Judges a generated folder (50,000 links to the example
# pictures by default) and prints the resident memory as it goes.
#
#   benches/memory.sh [IMAGES]
set -euo pipefail
cd "$(dirname "$0")/.."

images=${1:-50000}
praetor=$PWD/target/release/praetor
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mapfile -t examples < <(find "$PWD/models/demo/examples" -name '*.png' | sort)
for ((index = 0; index < images; index++)); do
    folder=$work/in/$((index / 1000))
    ((index % 1000)) || mkdir -p "$folder"
    echo "${examples[index % ${#examples[@]}]}" "$folder/$index.png"
done | xargs -P 2 -n 2 cp -l 2>/dev/null || {
    # Another file system: links can't reach it.
    for ((index = 0; index < images; index++)); do
        cp "${examples[index % ${#examples[@]}]}" "$work/in/$((index / 1000))/$index.png"
    done
}

"$praetor" judge "$work/in" --constitution constitutions/demo.yaml --out "$work/run" --quiet &
process=$!
echo "| images judged | resident memory, MiB |"
echo "| --- | --- |"
next=1000
while kill -0 $process 2>/dev/null; do
    done_images=$(cat "$work/run/verdicts.jsonl" 2>/dev/null | wc -l || true)
    if ((done_images >= next)); then
        resident=$(awk '/VmRSS/ {print int($2 / 1024)}' "/proc/$process/status" 2>/dev/null || true)
        [[ -n $resident ]] && echo "| $done_images | $resident |"
        next=$((done_images < 5000 ? done_images + 2000 : done_images + 9000))
    fi
    sleep 0.2
done
wait $process || [[ $? == 1 ]] # 1: some images are undetermined
echo "| $(wc -l <"$work/run/verdicts.jsonl") | end |"
