"""Reads the files that classifiers are published as, into numpy's arrays, without running what is in them.

A pickle can call whatever it names. These readers let it name what arrays are made of, and nothing else.
"""
import collections
import io
import math
import pickle
import zipfile
from pathlib import Path

import numpy as np
import safetensors

SAFE = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("_codecs", "encode"): lambda text, encoding: text.encode(encoding),
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}
DAMAGED = (
    pickle.UnpicklingError, safetensors.SafetensorError, zipfile.BadZipFile,
    AttributeError, EOFError, IndexError, KeyError, TypeError, ValueError,
)
KINDS = {"HalfStorage": np.float16, "FloatStorage": np.float32, "DoubleStorage": np.float64, "LongStorage": np.int64}


class Refused(Exception):
    """A file that is not what it should be: what, where, and how to mend it."""


class Reader(pickle.Unpickler):
    """A pickle of arrays; `storage` gives the bytes of those that lie beside it, as PyTorch keeps them."""

    def __init__(self, content, path, storage=None):
        super().__init__(io.BytesIO(content))
        self.path, self.storage = path, storage

    def find_class(self, module, name):
        if module == "torch" and name in KINDS:
            return KINDS[name]
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return strided
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return lambda data, *_: data
        if name == "_reconstruct" and module in ("numpy.core.multiarray", "numpy._core.multiarray"):
            return lambda kind, shape, code: np.ndarray.__new__(np.ndarray, shape, code)
        if (module, name) in SAFE:
            return SAFE[module, name]
        raise Refused(f"{self.path}: names `{module}.{name}`, which no file of plain arrays needs; it was not read")

    def persistent_load(self, key):
        _, kind, name, *_ = key
        return np.frombuffer(self.storage(name), kind)


def strided(storage, offset, shape, strides, *_):
    """An array of PyTorch's: a view of a storage, which must lie within it."""
    counts = [offset, *shape, *strides]
    if len(shape) != len(strides) or not all(isinstance(count, int) and count >= 0 for count in counts):
        raise ValueError(f"an array of the shape {shape} by the strides {strides} from {offset} on")
    last = offset + sum((side - 1) * stride for side, stride in zip(shape, strides))
    if 0 not in shape and last >= len(storage):
        raise ValueError(f"an array ends at number {last} of a storage of {len(storage)}")
    if math.prod(shape) > len(storage):
        raise ValueError(f"an array of {math.prod(shape)} numbers in a storage of {len(storage)}")
    steps = [stride * storage.itemsize for stride in strides]
    return np.lib.stride_tricks.as_strided(storage[min(offset, len(storage)) :], shape, steps).copy()


def arrays(path):
    """The arrays of a file by name: safetensors, what `torch.save` writes, or a pickle (then under "")."""
    path = Path(path)
    if not path.is_file():
        raise Refused(f"{path}: there is no such file")
    with open(path, "rb") as file:
        start = file.read(16)
    try:
        if zipfile.is_zipfile(path):
            found = archive(path)
        elif start[8:9] == b"{":
            return Lazily(safetensors.safe_open(path, framework="numpy"), path)
        elif start[:1] == b"\x80":
            found = Reader(path.read_bytes(), path).load()
        else:
            raise Refused(f"{path}: neither safetensors, nor what `torch.save` writes, nor a pickle")
    except DAMAGED as error:
        raise Refused(f"{path}: damaged, or of another kind: {error}") from error
    if not isinstance(found, (dict, np.ndarray)):
        raise Refused(
            f"{path}: holds {type(found).__name__} and no arrays; what `torch.save` wrote before PyTorch 1.6 is several "
            "pickles: load it with PyTorch and save it anew"
        )
    return Lazily({"": found} if isinstance(found, np.ndarray) else found, path)


def archive(path):
    """What `torch.save` writes since PyTorch 1.6: a pickle, and a file for each storage."""
    with zipfile.ZipFile(path) as files:
        pickles = [name for name in files.namelist() if name.endswith("/data.pkl")]
        if not pickles:
            raise Refused(
                f"{path}: an archive, and none of PyTorch's; of a Keras model, take the same head as `torch.save` "
                "wrote it (docs/classifiers.md)"
            )
        folder = pickles[0].removesuffix("data.pkl")
        return Reader(files.read(pickles[0]), path, lambda name: files.read(f"{folder}data/{name}")).load()


class Lazily:
    """Arrays by name, each read when it is asked for, in 32 bits; says what is missing or of another shape."""

    def __init__(self, found, path, prefix=""):
        self.found, self.path, self.prefix = found, path, prefix

    def under(self, prefix):
        return Lazily(self.found, self.path, self.prefix + prefix)

    def __contains__(self, name):
        return self.prefix + name in self.found.keys()

    def get(self, name, *shape):
        """An array of a shape; a side of `None` may be any."""
        called = f"`{self.prefix + name}`" if self.prefix + name else "array without a name"
        if name not in self:
            raise Refused(f"{self.path}: has no {called}")
        array = self.found.get_tensor(self.prefix + name) if hasattr(self.found, "get_tensor") else self.found[self.prefix + name]
        if not hasattr(array, "shape"):
            raise Refused(f"{self.path}: {called} is {type(array).__name__} and no array")
        if len(array.shape) != len(shape) or any(want not in (None, got) for want, got in zip(shape, array.shape)):
            written = lambda sides: " x ".join("any" if side is None else str(side) for side in sides) or "one number"
            raise Refused(f"{self.path}: {called} is {written(array.shape)}, not {written(shape)}")
        return np.asarray(array, np.float32)
