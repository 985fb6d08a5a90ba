#!/usr/bin/env bash
# Installs what the build and its tests need and is missing: a C++ compiler, cmake, libclang for
# bindgen; what fetches and unpacks the tests' language model; what the guide is followed with.
set -euo pipefail

missing=()
command -v c++ >/dev/null || missing+=(g++)
command -v cmake >/dev/null || missing+=(cmake)
command -v clang >/dev/null || missing+=(clang)
# bindgen looks for libclang.so, libclang-NN.so or libclang.so.NN in the usual places.
[[ -n ${LIBCLANG_PATH:-} ]] ||
    compgen -G '/usr/lib*/libclang[-.][0-9s]*' >/dev/null ||
    compgen -G '/usr/lib/*/libclang[-.][0-9s]*' >/dev/null ||
    compgen -G '/usr/lib/llvm*/lib/libclang[-.][0-9s]*' >/dev/null ||
    missing+=(libclang-dev)
command -v python3 >/dev/null || missing+=(python3)
command -v patch >/dev/null || missing+=(patch)
python3 -m pip --version >/dev/null 2>&1 || command -v curl >/dev/null || missing+=(curl)

if ((${#missing[@]})) && [[ "$(uname)" == Linux ]]; then
    if ! command -v apt-get >/dev/null; then
        echo "please install: ${missing[*]}" >&2
        exit 1
    fi
    sudo=""
    [[ $(id -u) == 0 ]] || sudo=sudo
    echo "installing ${missing[*]}" >&2
    $sudo apt-get update -qq
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
fi

if ! command -v cargo >/dev/null; then
    echo "please install Rust 1.95 or later: https://rustup.rs" >&2
    exit 1
fi
