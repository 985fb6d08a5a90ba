#!/usr/bin/env python3
"""What `checkpoints.py` reads of files that are damaged or hostile: `python3 tools/classifiers/test_checkpoints.py`."""
import pathlib
import pickle
import tempfile
import unittest
import zipfile

import numpy as np

from checkpoints import Refused, arrays, strided


class Arrays(unittest.TestCase):
    def test_an_array_is_a_view_of_its_storage(self):
        storage = np.arange(12.0)
        self.assertEqual(strided(storage, 2, (2, 3), (5, 2)).tolist(), [[2, 4, 6], [7, 9, 11]])
        self.assertEqual(strided(storage, 12, (0, 3), (3, 1)).shape, (0, 3))
        self.assertEqual(strided(storage, 11, (), ()).tolist(), 11)

    def test_an_array_beyond_its_storage_is_refused(self):
        storage = np.arange(12.0)
        for offset, shape, strides in [
            (2, (2, 3), (6, 2)),
            (-3, (2,), (1,)),
            (0, (2,), (-1,)),
            (12, (1,), (1,)),
            (0, (1 << 40,), (0,)),
            (0, (3, 4), (4,)),
            (0, ("3",), (1,)),
        ]:
            with self.assertRaises(ValueError, msg=(offset, shape, strides)):
                strided(storage, offset, shape, strides)


class Files(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "head.pth"

    def refused(self, words):
        with self.assertRaises(Refused) as caught:
            arrays(self.path).get("a", 1)
        self.assertIn(words, str(caught.exception))
        self.assertIn(str(self.path), str(caught.exception))

    def test_what_torch_saved_before_1_6_is_refused_by_name(self):
        magic, protocol, system = 0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}
        self.path.write_bytes(b"".join(pickle.dumps(part, 2) for part in (magic, protocol, system)))
        self.refused("before PyTorch 1.6")

    def test_a_damaged_archive_is_refused(self):
        with zipfile.ZipFile(self.path, "w") as files:
            files.writestr("archive/data.pkl", pickle.dumps({}))
        whole = self.path.read_bytes()
        self.path.write_bytes(whole.replace(b"PK\x01\x02", b"PK\x09\x09"))
        self.refused("damaged")

    def test_a_pickle_that_calls_with_other_arguments_is_refused(self):
        # numpy.dtype() without arguments.
        self.path.write_bytes(b"\x80\x02cnumpy\ndtype\n)R.")
        self.refused("damaged")

    def test_what_is_no_array_is_refused(self):
        self.path.write_bytes(pickle.dumps({"a": 3}, 2))
        self.refused("is int and no array")


if __name__ == "__main__":
    unittest.main()
