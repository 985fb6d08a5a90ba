#!/usr/bin/env python3
"""Two small shards as Python's libraries write them, for tests/it/dataset.rs.

    pip install pyarrow && python tests/data/parquet.py

Images as a struct of bytes and path, classes as numbers with their names in the metadata that the
`datasets` library leaves; in the second shard one image lies beside the file, one is outside of the
folder, and one is missing.
"""

import base64
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

FOLDER = Path(__file__).parent / "parquet"
# One white pixel.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4//8/AAX+Av4N70a4AAAAAElFTkSuQmCC"
)
FEATURES = {
    "image": {"_type": "Image"},
    "label": {"names": ["safe", "unsafe"], "_type": "ClassLabel"},
    "source": {"dtype": "string", "_type": "Value"},
}


def shard(name, images, labels):
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.table(
        {
            "image": pa.array(images, image),
            "label": pa.array(labels, pa.int64()),
            "source": pa.array(["Lexica"] * len(labels)).dictionary_encode(),
        }
    )
    features = {"huggingface": json.dumps({"info": {"features": FEATURES}})}
    pq.write_table(table.replace_schema_metadata(features), FOLDER / name)


FOLDER.mkdir(exist_ok=True)
(FOLDER / "beside.png").write_bytes(PNG)
shard(
    "train-00000-of-00002.parquet",
    [{"bytes": PNG, "path": "a.png"}, {"bytes": PNG, "path": None}, {"bytes": PNG, "path": "c.png"}],
    [0, 1, -1],
)
shard(
    "train-00001-of-00002.parquet",
    [{"bytes": None, "path": "beside.png"}, {"bytes": None, "path": "../metrics.json"}, None],
    [0, 1, 0],
)
