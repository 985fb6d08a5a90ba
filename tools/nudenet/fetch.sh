#!/usr/bin/env bash
# Fetches what the test of NudeNet and its users need: the detector's weights (320n.onnx, 12 MB, AGPL-3.0)
# and ONNX Runtime (MIT), each out of a package on PyPI, into target/nudenet. Neither is a part of praetor.
set -euo pipefail

nudenet=3.4.2
onnxruntime=1.32.0
weights_sha256=c15d8273adad2d0a92f014cc69ab2d6c311a06777a55545f2c4eb46f51911f0f

cd "$(dirname "$0")/../.."
folder=target/nudenet
weights=$folder/320n.onnx
library=$folder/libonnxruntime.so

right() { [[ -f $1 ]] && echo "$weights_sha256  $1" | sha256sum --check --status; }

if right "$weights" && [[ -f $library ]]; then
    exit 0
fi
mkdir -p "$folder"
work=$(mktemp -d "$folder/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT

echo "fetching nudenet $nudenet (11 MB) and onnxruntime $onnxruntime (28 MB) from PyPI" >&2
python3 -m pip download --quiet --no-deps --dest "$work" "nudenet==$nudenet" "onnxruntime==$onnxruntime"

python3 - "$work" <<'PYTHON'
import glob, pathlib, re, shutil, sys, zipfile
work = pathlib.Path(sys.argv[1])
wanted = {"320n.onnx": r"nudenet/320n\.onnx", "libonnxruntime.so": r".*/libonnxruntime\.so[.0-9]*"}
for wheel in glob.glob(str(work / "*.whl")):
    with zipfile.ZipFile(wheel) as archive:
        for name, pattern in wanted.items():
            for member in archive.namelist():
                if re.fullmatch(pattern, member):
                    with archive.open(member) as source, open(work / name, "wb") as target:
                        shutil.copyfileobj(source, target)
PYTHON

if ! right "$work/320n.onnx"; then
    echo "320n.onnx is not the file that was expected: its SHA-256 is another" >&2
    exit 1
fi
mv "$work/320n.onnx" "$weights"
mv "$work/libonnxruntime.so" "$library"
echo "weights in $weights, ONNX Runtime in $library" >&2
