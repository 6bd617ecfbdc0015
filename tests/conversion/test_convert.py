"""Published checkpoints become presets, or nothing at all."""

import pathlib
import pickle
import types

import keras
import numpy as np
import pytest
from keras import ops
from project_paths import GOLDEN
from published_files import mindspore_names, write_mindspore
from tiny_backbone import TinyBackbone

import keras_seg
from keras_seg.conversion import convert_checkpoint, load_published, read_checkpoint
from keras_seg.models import SwinBackbone
from keras_seg_cli.main import main

SWIN = GOLDEN / "ecenet_swin.npz"
PLACE = ("presets", "ecenet", "golden")  # where a name is looked for


@pytest.fixture(scope="module")
def golden():
    with np.load(SWIN) as file:
        return {name: file[name] for name in file.files}


@pytest.fixture(scope="module")
def published(golden):
    """The arrays by their published names."""
    prefix = "weights/"
    return {k.removeprefix(prefix): v for k, v in golden.items() if prefix in k}


def golden_model():
    """The network of the golden file, whose images are already scaled."""
    return keras_seg.ECENet(
        SwinBackbone(16, [2, 2, 2, 2], [2, 2, 4, 4], window_size=4),
        num_classes=7,
        hidden_dim=32,
        query_activation="relu",
        preprocessor=keras.layers.Rescaling(1.0, name="preprocessor"),
    )


@pytest.fixture(scope="module")
def model():
    """To be loaded into; each test finds other weights in it."""
    return golden_model()


@pytest.fixture(scope="module")
def architecture(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("architecture") / "preset"
    model.save_to_preset(folder)
    return folder


def weights_of(model):
    return [ops.convert_to_numpy(w).copy() for w in model.weights]


def clear(model):
    for weight in model.weights:
        weight.assign(np.zeros(weight.shape, "float32"))


def assert_same(actual, expected):
    for a, b in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_golden_file_from_checkpoint_to_logits(
    golden, architecture, tmp_path, monkeypatch, capsys
):
    output = tmp_path.joinpath(*PLACE)
    words = ["convert", str(SWIN), "--model", "ecenet"]
    words += ["--preset", str(architecture), "--output", str(output)]
    assert main(words) == 0
    assert str(output) in capsys.readouterr().out
    monkeypatch.setenv("KERAS_SEG_PRESETS", str(tmp_path / PLACE[0]))
    model = keras_seg.ECENet.from_preset("golden")
    images = golden["inputs/0"].transpose(0, 2, 3, 1)
    expected = golden["outputs/upsampled"].transpose(0, 2, 3, 1)
    actual = model.predict_on_batch(images)
    np.testing.assert_allclose(actual, expected, atol=1e-4, rtol=0)
    assert main(words) == 2  # it is there already
    assert "--overwrite" in capsys.readouterr().err


def first_names(arrays):
    """The same arrays as the first code of Swin writes them."""
    renamed = {}
    for name, array in arrays.items():
        for new, old in (
            ("backbone.layers.", "backbone.stages."),
            ("patch_embed.proj.", "patch_embed.projection."),
            (".attn.", ".attn.w_msa."),
            (".mlp.fc1.", ".ffn.layers.0.0."),
            (".mlp.fc2.", ".ffn.layers.1."),
        ):
            name = name.replace(old, new)
        if ".downsample." in name:
            # The first code joins [::2, ::2], [1::2, ::2], [::2, 1::2], [1::2, 1::2],
            # torch's unfold has the four of each channel side by side, row by row.
            parts = [array[..., k::4] for k in (0, 2, 1, 3)]
            array = np.concatenate(parts, axis=-1)
        renamed[name] = array
    return renamed


def test_names_of_the_first_code_of_swin(published, model):
    load_published(model, published)
    expected = weights_of(model)
    clear(model)
    load_published(model, first_names(published))
    assert_same(weights_of(model), expected)


def as_torch(path, arrays):
    torch = pytest.importorskip("torch")
    tensors = {f"module.{k}": torch.tensor(v) for k, v in arrays.items()}
    torch.save({"state_dict": tensors, "meta": {"epoch": 3}}, path)


def as_safetensors(path, arrays):
    numpy = pytest.importorskip("safetensors.numpy")
    numpy.save_file({k: np.ascontiguousarray(v) for k, v in arrays.items()}, path)


def as_mindspore(path, arrays):
    pytest.importorskip("google.protobuf")
    extra = {
        "global_step": np.array([4], "int32"),
        "moments.decode_head.conv_seg.bias": np.zeros(7, "float32"),
    }
    write_mindspore(path, mindspore_names({**arrays, **extra}), most=50_000)


@pytest.mark.parametrize(
    "name, write",
    [
        ("a.pth", as_torch),
        ("a.safetensors", as_safetensors),
        ("a.ckpt", as_mindspore),
        ("lightning.ckpt", as_torch),
    ],
)
def test_every_format_gives_the_same_weights(name, write, published, model, tmp_path):
    load_published(model, published)
    expected = weights_of(model)
    clear(model)
    extra = {
        "backbone.layer.num_batches_tracked": np.array(3),
        "auxiliary_head.conv_seg.bias": np.zeros(7, "float32"),
    }
    write(tmp_path / name, {**published, **extra})
    load_published(model, read_checkpoint(tmp_path / name))
    assert_same(weights_of(model), expected)


def test_all_problems_at_once_and_nothing_is_written(
    published, architecture, tmp_path, capsys
):
    arrays = dict(published)
    arrays.pop("backbone.norm1.weight")
    arrays["decode_head.strange.weight"] = np.zeros(3, "float32")
    arrays["neck.weight"] = np.zeros(3, "float32")
    arrays["decode_head.conv_seg.bias"] = np.zeros(8, "float32")
    arrays["decode_head.trans.bias"] = np.full(7, np.nan, "float32")
    arrays["backbone.norm0.bias"] = np.zeros(16, "int64")
    index = "backbone.stages.1.blocks.0.attn.w_msa.relative_position_index"
    arrays[index] = arrays[index].T
    path = tmp_path / "broken.npz"
    np.savez(path, **arrays)
    words = ["convert", str(path), "--model", "ecenet", "--preset", str(architecture)]
    assert main([*words, "--output", str(tmp_path / "out")]) == 2
    message = capsys.readouterr().err
    for part in (
        "7 arrays do not fit",
        "missing: backbone.norm1.weight",
        "unknown: decode_head.strange.weight",
        "unknown: neck.weight",
        "misshapen: decode_head.conv_seg.bias has shape (8,), expected (7,)",
        "not finite: decode_head.trans.bias",
        "not floating point: backbone.norm0.bias",
        "row by row: stages.1.blocks.0.attn.w_msa.relative_position_index",
    ):
        assert part in message
    assert [p.name for p in tmp_path.iterdir()] == ["broken.npz"]


class Trap:
    def __reduce__(self):
        return pathlib.Path.touch, (pathlib.Path("sprung"),)


@pytest.mark.no_backend
def test_no_code_in_a_file_is_run(tmp_path, monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": {"a": Trap()}}, "trap.pth")
    pathlib.Path("old.pth").write_bytes(pickle.dumps({"a": Trap()}))
    np.savez("trap.npz", a=np.array([Trap()], dtype=object))
    for name, message in (
        ("trap.pth", "more than arrays"),
        ("old.pth", "more than arrays"),
        ("trap.npz", "cannot be read"),
    ):
        with pytest.raises(ValueError, match=message):
            read_checkpoint(name)
    assert not pathlib.Path("sprung").exists()


def field(number, content):
    """A field of a protocol buffer that holds bytes."""
    return bytes([number << 3 | 2, len(content)]) + content


def entry(*fields):
    return field(1, field(1, b"a") + field(2, b"".join(fields)))


TWO = b"\x08\x02"  # one size of an array
INT8 = field(2, b"Int8")


@pytest.mark.no_backend
@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "it is empty"),
        (field(1, field(1, b"a")), "no name or no array"),
        (entry(TWO, INT8, field(3, b"12"))[:-1], "longer than what is left"),
        (b"\x0a", "cut short"),
        (field(2, b""), "the checkpoint has an unknown field 2"),
        (entry(TWO, INT8, field(4, b"")), "an array has an unknown field 4"),
        (b"\x08\x01", "unexpected kind"),
        (entry(TWO, field(2, b"Str"), field(3, b"12")), "unknown type 'Str'"),
        (entry(TWO, INT8, field(3, b"1")), "do not fit the shape"),
        (entry(TWO, INT8, field(3, b"1")) * 3, "do not fit the shape"),
        (entry(TWO, INT8) + entry(TWO, field(2, b"Bool")), "different shapes or types"),
        (b"\xff" * 12, "too long"),
    ],
)
def test_mindspore_reader_is_strict(content, message, tmp_path):
    path = tmp_path / "a.ckpt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_checkpoint(path)


@pytest.mark.no_backend
def test_mindspore_reader_takes_what_is_right(tmp_path):
    path = tmp_path / "a.ckpt"
    content = entry(TWO, INT8, field(3, b"\x05\xff"))
    for end in (b"", b"crc_num" + bytes(10)):
        path.write_bytes(content + end)
        np.testing.assert_array_equal(read_checkpoint(path)["a"], [5, -1])
    path.write_bytes(entry(b"\x08\x00", INT8, field(3, b"\x07")))  # a single number
    assert read_checkpoint(path)["a"] == 7


@pytest.mark.no_backend
def test_files_that_are_no_checkpoints(tmp_path):
    with pytest.raises(ValueError, match="Expected one of .ckpt, .npz"):
        read_checkpoint(tmp_path / "a.onnx")
    with pytest.raises(OSError):
        read_checkpoint(tmp_path / "a.npz")
    for name in ("a.npz", "a.pth", "a.safetensors"):
        (tmp_path / name).write_bytes(b"nonsense")
        with pytest.raises(ValueError):
            read_checkpoint(tmp_path / name)


def test_models_without_published_weights(model):
    with pytest.raises(ValueError, match="TinyBackbone cannot be converted"):
        load_published(keras_seg.ECENet(TinyBackbone(2), 3, hidden_dim=8), {})
    head = keras_seg.layers.SGRHead(3, 8, False, [2])
    with pytest.raises(ValueError, match="no published weights of the head SGRHead"):
        load_published(types.SimpleNamespace(backbone=model.backbone, head=head), {})
    twice = {"backbone.a.gamma": 1, "module.backbone.a.weight": 1}
    with pytest.raises(ValueError, match="'backbone.a.weight' twice"):
        load_published(model, twice)


@pytest.mark.no_backend
def test_a_place_must_be_given_for_what_has_no_name(architecture):
    with pytest.raises(ValueError, match="`output` is needed"):
        convert_checkpoint(SWIN, keras_seg.ECENet, architecture)
