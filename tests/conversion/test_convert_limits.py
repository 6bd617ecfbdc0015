"""Checkpoints that lie: refused before anything is allocated."""

import os
import pathlib
import pickle
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from hostile_files import compressed_again, npz_bomb, npz_header

from keras_seg.conversion import read_checkpoint
from keras_seg.conversion.published_weights import list_problems

pytestmark = pytest.mark.no_backend


def read_in_little_memory(path):
    """Reads a checkpoint, which may allocate no more than a few MiB."""
    tracemalloc.start()
    try:
        return read_checkpoint(path)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 64 * 2**20


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def test_npz_that_expands(tmp_path):
    npz_bomb(tmp_path / "bomb.npz")
    assert (tmp_path / "bomb.npz").stat().st_size < 2**19
    with pytest.raises(ValueError, match="bomb.npz'.* would become 268,435,"):
        read_in_little_memory(tmp_path / "bomb.npz")


@pytest.mark.parametrize("shape", [(2**40,), (2**62, 2**62), (0,), (1,) * 20])
def test_npz_whose_header_declares_another_size(shape, tmp_path):
    npz_header(tmp_path / "a.npz", shape)
    with pytest.raises(ValueError, match="cannot be read.*a.npy' (declares|is not an)"):
        read_in_little_memory(tmp_path / "a.npz")


def test_npz_of_many_or_equal_names(tmp_path):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        with pytest.warns(UserWarning, match="Duplicate"):
            for _ in range(2):
                archive.writestr("a.npy", b"")
    with pytest.raises(ValueError, match="two entries of the same name"):
        read_checkpoint(path)


def saved(torch, path, content):
    torch.save(content, path)
    return path


def test_torch_that_is_compressed(tmp_path):
    torch = pytest.importorskip("torch")
    path = saved(torch, tmp_path / "a.pth", {"a": torch.zeros(2**22)})
    compressed_again(path, tmp_path / "bomb.pth")
    with pytest.raises(ValueError, match="bomb.pth'.*compressed entries"):
        read_checkpoint(tmp_path / "bomb.pth")


@pytest.mark.parametrize("legacy", [False, True])
def test_torch_that_repeats_one_number(legacy, tmp_path):
    torch = pytest.importorskip("torch")
    content = {"a": torch.zeros(1).expand(2**20, 2**12)}
    torch.save(content, tmp_path / "a.pth", _use_new_zipfile_serialization=not legacy)
    with pytest.raises(ValueError, match="would become 17,179,869,184 bytes"):
        read_checkpoint(tmp_path / "a.pth")


def test_torch_that_declares_more_than_it_holds(tmp_path):
    torch = pytest.importorskip("torch")
    path = saved(torch, tmp_path / "a.pth", {"a": torch.arange(3000.0)})
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "b.pth", "w") as new:
        for entry in old.infolist():
            data = old.read(entry)
            if entry.filename.endswith("data.pkl"):
                assert struct.pack("<H", 3000) in data
                data = data.replace(struct.pack("<H", 3000), struct.pack("<H", 60_000))
            new.writestr(entry.filename, data)
    with pytest.raises(ValueError, match="b.pth' (declares more|holds more)"):
        read_checkpoint(tmp_path / "b.pth")


def test_tied_weights_of_torch_are_no_bomb(tmp_path):
    torch = pytest.importorskip("torch")
    tied = torch.arange(1000.0)
    path = saved(torch, tmp_path / "a.pth", {"a": tied, "b": tied})
    arrays = read_checkpoint(path)
    np.testing.assert_array_equal(arrays["b"], np.arange(1000.0))


@pytest.mark.parametrize(
    "make",
    [
        lambda torch: {"a": torch.sparse_coo_tensor([[0]], [1.0], (2**40,))},
        lambda torch: {"a": torch.zeros(3, device="meta")},
        lambda torch: {"a": torch.zeros(3).to(torch.float8_e4m3fn)},
        lambda torch: {3: torch.zeros(3)},
        lambda torch: {"a": bytearray(3)},
        lambda torch: [torch.zeros(3)],
        lambda torch: {},
        lambda torch: {"state_dict": {"a": 1}},
    ],
)
def test_torch_of_other_things(make, tmp_path):
    torch = pytest.importorskip("torch")
    path = saved(torch, tmp_path / "a.pth", make(torch))
    with pytest.raises(ValueError, match="a.pth' "):
        read_checkpoint(path)


def test_torch_numbers_of_other_kinds(tmp_path):
    torch = pytest.importorskip("torch")
    content = {
        "half": torch.ones(2, dtype=torch.bfloat16),
        "gradient": torch.nn.Parameter(torch.ones(2)),
    }
    arrays = read_checkpoint(saved(torch, tmp_path / "a.pth", content))
    assert arrays["half"].dtype == arrays["gradient"].dtype == "float32"


@pytest.mark.parametrize("size", [0, 2**20, 2**40, 2**64 - 1])
def test_safetensors_whose_header_is_not_there(size, tmp_path):
    pytest.importorskip("safetensors")
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", size) + b"{}")
    with pytest.raises(ValueError, match="cannot be read as safetensors"):
        read_checkpoint(path)


@pytest.mark.parametrize("packed", [False, True])
def test_mindspore_of_many_dimensions(packed, tmp_path):
    """Their product would take hours."""
    size = varint(2**62)
    count = 100_000
    sizes = field(1, size * count) if packed else (b"\x08" + size) * count
    tensor = sizes + field(2, b"Int8") + field(3, b"12")
    path = tmp_path / "a.ckpt"
    path.write_bytes(field(1, field(1, b"a") + field(2, tensor)))
    with pytest.raises(ValueError, match="more than 8 dimensions"):
        read_checkpoint(path)


@pytest.mark.parametrize("name", ["a.npz", "a.pth", "a.ckpt", "a.safetensors"])
def test_what_is_no_regular_file(name, tmp_path):
    path = tmp_path / name
    os.mkfifo(path)
    with pytest.raises(ValueError, match="is not a regular file"):
        read_checkpoint(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(ValueError, match="is not a regular file"):
        read_checkpoint(path)
    path.rmdir()
    path.symlink_to("/dev/zero")
    with pytest.raises(ValueError, match="is not a regular file"):
        read_checkpoint(path)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        read_checkpoint(path)


@pytest.mark.parametrize("name", ["a.npz", "a.pth", "a.ckpt", "a.safetensors"])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04",
        b"PK\x05\x06" + bytes(18),
        pickle.dumps({"a": pathlib.PurePath("x")}),
        b"\x80\x02" + b"(" * 50_000,
        b"\x80\x02" + b"]" * 50_000,
        b"\xff" * 1000,
        bytes(1000),
    ],
)
def test_damage_is_a_value_error(name, content, tmp_path):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"{name}' "):
        read_checkpoint(path)


def test_list_of_problems_is_short_and_printable():
    lines = list_problems([f"unknown: \x1b[31m{i}\n" for i in range(1000)])
    text = "\n".join(lines)
    assert len(lines) == 101 and lines[-1] == "and 900 more"
    assert "\x1b" not in text and "unknown: \\x1b[31m7\\n" in text
    assert len(list_problems(["x" * 10_000])[0]) < 400
