from typing import Self

import keras

from keras_seg.keras_internals.layer_graph import sublayers
from keras_seg.presets.model_from_preset import model_from_preset
from keras_seg.presets.save_preset import save_preset
from keras_seg.presets.shipped import shipped_presets


class PresetMixin:
    """Methods of all models that load a model from a preset or save it as one."""

    class _Presets:
        def __get__(self, instance, owner):
            entries = shipped_presets(owner)
            return {name: entry["description"] for name, entry in entries.items()}

    presets = _Presets()

    @classmethod
    def from_preset(cls, preset, load_weights=True, presets_dir=None, **kwargs) -> Self:
        """Creates a model from a preset.

        A name is searched in `presets_dir`, in the folders of the environment variable
        `KERAS_SEG_PRESETS`, in the user's cache (`~/.cache/keras_seg`), among the
        shipped presets, and on a hub if weights of a paper's preset are there.

        Args:
            preset: String or path. One of: the name of a shipped preset, see
                `presets`, which is loaded offline and checked against its hashes; the
                name of a saved or converted preset in the places above; that of a
                paper's preset, see `keras_seg.presets.paper_presets`; the folder of a
                saved preset (`"./name"` where a shipped one has the same name), which
                is checked against the hashes in its `metadata.json`; a handle such as
                `"hf://USER/NAME"` or `"kaggle://..."`; a backbone of keras-hub such as
                `"resnet_50_imagenet"`, which gets a new head and needs `num_classes`.
            load_weights: Boolean. `False` leaves all weights random, except for the
                backbone of a paper's preset, see `backbone_weights`.
            presets_dir: String or path. A folder with presets as `MODEL/NAME`, or
                `None`.
            **kwargs: Arguments of the constructor, in place of those saved, and
                `dtype`, by default the global policy. With `num_classes` the layers
                that depend on the classes are new, and class names, palette,
                `classes_learned` and temperature are dropped unless given; all other
                weights are those of the preset (in keras-hub the whole head is new).
                `backbone_weights`, for a paper's preset with `load_weights=False`:
                `"cached"`, the default, uses the pretrained weights of keras-hub if
                they are in its cache; `"download"` downloads them; `None` leaves them
                random.

        Raises:
            ValueError: If the preset is unknown, damaged, of another class, or does
                not fit the arguments.
            OSError: If its files are missing or cannot be read.
        """
        return model_from_preset(
            cls, PresetMixin, preset, load_weights, presets_dir, **kwargs
        )

    def save_to_preset(self, preset_dir, storage_dtype=None) -> None:
        """Saves the configuration and the weights to a folder for `from_preset`.

        Args:
            preset_dir: String or path. A folder: new, empty, or of a preset, which
                is replaced once the new one is complete. Its `README.md` stays.
            storage_dtype: String. `"float16"` stores kernels in half precision, which
                halves the size; biases and normalization stay in single precision.

        Raises:
            FileExistsError: If the folder contains anything else.
            ValueError: If `quantize` changed the model, which could not be loaded.

        Example:

        ```python
        import tempfile
        import keras_seg

        model = keras_seg.ECENet(
            keras_seg.backbones.ApplicationsBackbone("MobileNetV2", alpha=0.35),
            num_classes=3,
            hidden_dim=8,
        )
        with tempfile.TemporaryDirectory() as folder:
            model.save_to_preset(folder)
            copy = keras_seg.ECENet.from_preset(folder)
        ```
        """
        save_preset(self, preset_dir, storage_dtype)

    def get_config(self):
        _check_not_quantized(self)
        return super().get_config()

    def save_task_weights(self, filepath):
        keras.saving.save_weights(self, filepath, objects_to_skip=self._not_of_task())

    def load_task_weights(self, filepath, layers_to_skip=()):
        skipped = [part for x in layers_to_skip for part in (x, *sublayers(x))]
        keras.saving.load_weights(
            self, filepath, objects_to_skip=[*self._not_of_task(), *skipped]
        )

    def _not_of_task(self):
        """What is not saved; keras-hub would save the state of the optimizer."""
        training = [*self.metrics, *self.auxiliary_trackers]
        if hasattr(self, "optimizer"):
            training.append(self.optimizer)
        return [self.backbone, *sublayers(self.backbone), *training]


def _check_not_quantized(model):
    """Raises `ValueError` if layers are quantized, which the config cannot describe.

    The layers of a backbone and of a head are made by constructors that know nothing
    of it, so the file would not fit the model that is made from the config.
    """
    modes = [layer.quantization_mode for layer in sublayers(model)]
    modes = [mode for mode in modes if mode is not None]
    if modes:
        raise ValueError(
            "A quantized model cannot be loaded again, so it is not saved. Received: "
            f"{type(model).__name__} with {len(modes)} layers in {modes[0]}. Save the "
            "model before `quantize`, and call `quantize` after loading."
        )
