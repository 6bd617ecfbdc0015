"""Valid files of each format, to be damaged."""


def make_files(folder):
    """Writes one valid file of each format, and a preset, to mutate."""
    import numpy as np
    from PIL import Image

    import keras_seg

    rng = np.random.default_rng(0)
    photo = Image.fromarray(rng.integers(0, 256, (40, 50, 3), "uint8"))
    for suffix in ("png", "jpg", "tif", "bmp", "webp"):
        photo.save(folder / f"image.{suffix}")
    mask = Image.fromarray(rng.integers(0, 5, (40, 50), "uint8"))
    mask.save(folder / "mask.png")
    mask.save(folder / "mask.tif")
    palette = mask.convert("P")
    palette.putpalette([i % 256 for i in range(768)])
    palette.save(folder / "mask_palette.png")
    backbone = keras_seg.backbones.SwinBackbone(8, [1, 1], [1, 2], window_size=4)
    model = keras_seg.ECENet(backbone, 3, hidden_dim=8, num_heads=2)
    model.save_to_preset(folder / "preset")
    arrays = {
        f"decode_head.{name}": rng.normal(size=shape).astype("float32")
        for name, shape in keras_seg.conversion.head_names(model.head).items()
    }
    np.savez(folder / "checkpoint.npz", **arrays)
    np.savez_compressed(folder / "checkpoint_compressed.npz", **arrays)
    write_mindspore(folder / "checkpoint.ckpt", arrays)
    try:
        import torch
        from safetensors.numpy import save_file
    except ImportError:
        return
    tensors = {name: torch.tensor(array) for name, array in arrays.items()}
    torch.save({"state_dict": tensors, "meta": {"epoch": 1}}, folder / "checkpoint.pth")
    torch.save(
        tensors, folder / "checkpoint_legacy.pth", _use_new_zipfile_serialization=False
    )
    save_file(arrays, folder / "checkpoint.safetensors")


def write_mindspore(path, arrays):
    """A checkpoint of MindSpore: protocol buffers, written by hand."""

    def varint(value):
        out = b""
        while value > 127:
            out, value = out + bytes([value & 127 | 128]), value >> 7
        return out + bytes([value])

    def field(number, content):
        return varint(number << 3 | 2) + varint(len(content)) + content

    with path.open("wb") as file:
        for name, array in arrays.items():
            sizes = b"".join(b"\x08" + varint(size) for size in array.shape)
            tensor = sizes + field(2, b"Float32") + field(3, array.tobytes())
            file.write(field(1, field(1, name.encode()) + field(2, tensor)))


def kind_of(name):
    """The kind of a valid file, by its name."""
    return name.split(".")[0].split("_")[0]
