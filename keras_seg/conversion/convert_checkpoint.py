import os
from pathlib import Path

from keras_seg.conversion.load_published import load_published
from keras_seg.conversion.published_names import published_parts
from keras_seg.conversion.read_checkpoint import read_checkpoint
from keras_seg.conversion.resnet_backbone import DEEP_STEM, has_deep_stem
from keras_seg.presets.find_folder import cache_folder, full_name
from keras_seg.presets.make_configuration import configured_class, make_configuration
from keras_seg.presets.paper_presets import find_configuration


def convert_checkpoint(
    checkpoint, model_class, preset, output=None, storage_dtype=None
) -> Path:
    """Makes a preset of a published checkpoint.

    Nothing is written unless every array fits, and then all at once.

    Args:
        checkpoint: String or path. A file, see `read_checkpoint`; no code in it is run.
        model_class: Class. `keras_seg.ECENet` or `keras_seg.CPT`.
        preset: String or path. The configuration of the checkpoint: the name of a
            preset of the papers, see `keras_seg.presets.paper_presets`, or the folder
            of a saved preset, whose weights are not used. A ResNet that begins with
            three convolutions of 3 x 3 is recognized by its names.
        output: String or path. A folder: new, empty, or of a preset, which is replaced.
            By default the folder in the user's cache where `from_preset` finds it by
            its name.
        storage_dtype: String. See `keras_seg.models.Segmenter.save_to_preset`.

    Returns:
        Path of the folder.

    Raises:
        ImportError: If a library that reads the format is not installed.
        OSError: If the checkpoint cannot be read, or `output` is something else.
        ValueError: If the checkpoint is damaged, or arrays are missing, unknown or do
            not fit; all of them are listed.

    Example:

    ```python
    import pathlib
    import tempfile
    import numpy as np
    import keras_seg

    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "checkpoint.npz")
        np.savez(path, strange=np.zeros(3))
        backbone = keras_seg.backbones.SwinBackbone(8, [1, 1], [1, 2], window_size=4)
        model = keras_seg.ECENet(backbone, 3, hidden_dim=8, num_heads=2)
        model.save_to_preset(f"{folder}/preset")
        try:
            keras_seg.conversion.convert_checkpoint(
                path, keras_seg.ECENet, f"{folder}/preset", f"{folder}/converted"
            )
        except ValueError as error:
            print(str(error).splitlines()[1])  # unknown: strange
    ```
    """
    output = output or default_output(model_class, preset)
    arrays = read_checkpoint(checkpoint)
    paper = None if os.path.isdir(preset) else find_configuration(model_class, preset)
    if paper is None:
        model = model_class.from_preset(preset, load_weights=False)
    else:
        deep = has_deep_stem(published_parts(arrays)[0])
        made = configured_class(model_class, paper)
        model = make_configuration(made, paper, None, DEEP_STEM if deep else {})
    load_published(model, arrays)
    model.save_to_preset(output, storage_dtype)
    return Path(output)


def default_output(model_class, preset):
    """The folder in the user's cache where `from_preset` finds a preset by its name.

    Raises:
        ValueError: If the preset is a folder, or its name is not one that is found.
    """
    name = full_name(model_class, preset)
    if os.path.isdir(preset) or name is None:
        raise ValueError(
            f"`output` is needed: '{preset}' is not the name of a preset, so there is "
            "no default folder for it."
        )
    return cache_folder() / name
