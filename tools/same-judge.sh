#!/usr/bin/env bash
# The demo model in this process beside the same model behind llama-server: same pictures, same
# constitution, same encoder. Ends with 1 if they disagree on any picture. Needs llama-server in
# target/peers/bin (`benches/peers/setup.sh server` builds it); PRAETOR names another praetor.
set -euo pipefail
cd "$(dirname "$0")/.."
praetor=${PRAETOR:-target/release/praetor}
log=target/peers/same-judge.log

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
target/peers/bin/llama-server --host 127.0.0.1 --port "$port" --no-webui --offline \
    --parallel 1 --ctx-size 4096 --model models/demo/demo.gguf \
    --mmproj models/demo/demo-mmproj.gguf >"$log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null || true' EXIT
for _ in $(seq 600); do
    ready=$(python3 -c 'import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).status)' \
        "http://127.0.0.1:$port/health" 2>/dev/null || true)
    [[ $ready != 200 ]] || break
    kill -0 "$server" 2>/dev/null || { tail -n 20 "$log" >&2; exit 1; }
    sleep 0.1
done

"$praetor" compare in-process=demo llama-server=openai:demo --images models/demo/examples \
    --labels models/demo/examples --constitution constitutions/demo.yaml --encoder demo \
    --base-url "http://127.0.0.1:$port/v1" --no-cache --fail-on-disagreement "$@"
