"""Tensors as they are written, compared with the safetensors library."""

import json

import numpy as np
import pytest

from backhand.errors import InputError
from backhand.support import safetensors_io
from helpers.optional_packages import optional

safetensors = optional("safetensors.numpy")

LONG = "x" * (2**20 + 1)
DEEP = "[" * 33 + "]" * 33

ARRAYS = {
    "W1": np.arange(6, dtype=np.float32).reshape(2, 3), "step": np.array(7, np.int64),
    "state": np.arange(5, dtype=np.uint8), "none": np.empty((0, 3)), "seed": np.uint64([2**63]),
    "turned": np.arange(6.0).reshape(2, 3).T, "big": np.arange(3, dtype=">i4"),
    "u": np.uint32([1]),
}  # fmt: skip


def test_tensors_are_written_as_safetensors_writes_them(tmp_path) -> None:
    path, header = tmp_path / "t", {"a": 'ç"\n\x01☃', "b": [1, None]}
    safetensors_io.write_tensors(path, ARRAYS, header)
    text = json.dumps(header, ensure_ascii=False)
    contiguous = {n: np.ascontiguousarray(v).astype(v.dtype.newbyteorder("=")).reshape(v.shape)
                  for n, v in ARRAYS.items()}  # fmt: skip
    assert path.read_bytes() == safetensors.numpy.save(contiguous, {"backhand": text})
    found, made = safetensors_io.read_tensors(
        path, expected=lambda entries, value: (entries, value)
    )
    assert made[1] == header and set(made[0]) == set(found) == set(ARRAYS)
    for name, value in ARRAYS.items():
        assert found[name].dtype == contiguous[name].dtype and found[name].flags.writeable
        assert np.array_equal(found[name], value) and found[name].shape == value.shape
        assert made[0][name].stand_in.shape == value.shape
    with pytest.raises(InputError, match="not a checkpoint of Backhand"):
        safetensors_io.read_tensors(path, expected=lambda *_: None, what="checkpoint", key="other")


def test_what_cannot_be_written_as_tensors_is_told(tmp_path) -> None:
    for value in (np.ones(2, np.float16), np.array(["a"]), np.ones(2, bool), np.ones(1, complex)):
        with pytest.raises(InputError, match="the tensor a is"):
            safetensors_io.write_tensors(tmp_path / "t", {"a": value}, {})
    circular: list = []
    circular.append(circular)
    for value in (np.ones(1), float("nan"), {1, 2}, circular, json.loads(DEEP), "\ud800", LONG):
        with pytest.raises(InputError, match="must be JSON values"):
            safetensors_io.write_tensors(tmp_path / "t", {}, {"a": value})
    assert list(tmp_path.iterdir()) == []
