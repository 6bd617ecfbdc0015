"""Makes files that a preset or a checkpoint must never be trusted with."""

import json
import zipfile

import h5py
import numpy as np


def change_json(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def forget_hashes(folder):
    change_json(folder / "metadata.json", lambda content: content.pop("sha256", None))


def nested_groups(path, count=3_000):
    """An HDF5 file of groups, each inside the one before."""
    with h5py.File(path, "w") as file:
        group = file.id
        for _ in range(count):
            group = h5py.h5g.create(group, b"g")


def declares_much(path, mebibytes=3_000):
    """An HDF5 file of a few KB with an array that was never written."""
    with h5py.File(path, "w") as file:
        file.create_dataset("a", (mebibytes, 2**18), "float32")


def compresses_much(path, mebibytes=64):
    """An HDF5 file of an array of zeros, compressed."""
    with h5py.File(path, "w") as file:
        file.create_dataset("a", (mebibytes, 2**18), "float32", compression="gzip")


def npz_bomb(path, mebibytes=256):
    np.savez_compressed(path, a=np.zeros((mebibytes, 2**18), "float32"))


def npz_header(path, shape):
    """An `.npz` file whose one array declares a shape and holds four bytes."""
    with zipfile.ZipFile(path, "w") as archive, archive.open("a.npy", "w") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        file.write(bytes(4))


def compressed_again(source, target):
    """The same zip file with its entries compressed."""
    with (
        zipfile.ZipFile(source) as old,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for entry in old.infolist():
            new.writestr(entry.filename, old.read(entry))
