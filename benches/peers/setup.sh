#!/usr/bin/env bash
# Puts into target/peers what `benches/peers` needs, unless it is there already:
#
#   bin      llama-server and llama-bench, built from llama-cpp-python's source distribution
#   shapes   models of random weights in real sizes (2.2 GB); not with the argument `server`
#
# PRAETOR_PEERS names a folder that holds the two programs, PRAETOR_SHAPES one that holds the
# models, PRAETOR_PYTHON a Python with the packages of tools/random-models/requirements.txt.
set -euo pipefail
cd "$(dirname "$0")/../.."

# It vendors all of llama.cpp, of about the same date as llama-cpp-sys-2's.
version=0.3.36
sha256=832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e
archive=llama_cpp_python-$version.tar.gz
root=$PWD
peers=target/peers
mkdir -p "$peers"

right() { [[ -f $1 ]] && echo "$sha256  $1" | sha256sum --check --status; }

fetch() {
    right "$peers/$archive" && return
    echo "fetching $archive (77 MB) from PyPI" >&2
    python -m pip download --quiet --no-deps --no-binary llama-cpp-python --dest "$peers" \
        "llama-cpp-python==$version"
    right "$peers/$archive" || {
        echo "$peers/$archive is not the file that was expected: its SHA-256 is another" >&2
        exit 1
    }
}

# The instruction sets that praetor's own llama.cpp is built with (see docs/models.md), whatever
# this processor has besides.
build() {
    local generator=()
    ! command -v ninja || generator=(-G Ninja)
    # llama.cpp leaves all instruction sets out where this is set.
    # Joined by `&&`, since bash minds no errors on the left of an `||`.
    tar --extract --gzip --file "$peers/$archive" --directory "$peers" &&
        env -u SOURCE_DATE_EPOCH cmake "${generator[@]}" \
        -S "$peers/llama_cpp_python-$version/vendor/llama.cpp" -B "$peers/build" \
        -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF \
        -DGGML_NATIVE=OFF -DGGML_AVX=ON -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON -DGGML_BMI2=ON \
        -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_UI=OFF \
        -DLLAMA_USE_PREBUILT_UI=OFF -DLLAMA_BUILD_APP=OFF -DLLAMA_OPENSSL=OFF &&
        cmake --build "$peers/build" --parallel "$(nproc)" --target llama-server llama-bench
}

python() {
    if [[ -z ${PRAETOR_PYTHON:-} ]]; then
        PRAETOR_PYTHON=$root/$peers/venv/bin/python
        [[ -x $PRAETOR_PYTHON ]] || python3 -m venv "$peers/venv"
        "$PRAETOR_PYTHON" -m pip install --quiet --requirement tools/random-models/requirements.txt
    fi
    "$PRAETOR_PYTHON" "$@"
}

# A folder of the caller's own in the place of one made here.
use() {
    [[ -d $1 ]] || { echo "$1 is not a folder" >&2; exit 1; }
    ln -sfn "$(realpath "$1")" "$peers/$2"
}

[[ -z ${PRAETOR_PEERS:-} ]] || use "$PRAETOR_PEERS" bin
[[ -z ${PRAETOR_SHAPES:-} ]] || use "$PRAETOR_SHAPES" shapes

[[ -x $peers/bin/llama-server && -x $peers/bin/llama-bench ]] || {
    fetch
    echo "building llama-server and llama-bench (about ten minutes)" >&2
    build >"$peers/build.log" 2>&1 || {
        tail -n 20 "$peers/build.log" >&2
        echo "llama.cpp could not be built; the whole log is $peers/build.log" >&2
        exit 1
    }
    ln -sfn build/bin "$peers/bin"
}
[[ ${1:-} != server ]] || exit 0
for shape in smolvlm-256m gemma-3-4b-half; do
    # Under another name until it is whole, as a run may be broken off.
    [[ -f $peers/shapes/$shape.gguf && -f $peers/shapes/$shape-mmproj.gguf ]] || {
        work=$(mktemp -d "$peers/shapes.XXXXXX")
        python tools/random-models/shapes.py "$work" "$shape" >&2
        mkdir -p "$peers/shapes"
        mv "$work"/*.gguf "$peers/shapes"
        rmdir "$work"
    }
done
