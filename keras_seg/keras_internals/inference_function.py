"""Inference with one model in several threads, on each backend.

`keras.Model.predict_on_batch` is not safe there: on JAX it donates the weights to the
compiled step, and every call replaces those of the others.
"""

import collections
import math
import threading
import weakref

import keras
import numpy as np

# How many compiled programs of one model are kept on JAX, 20 to 70 MB each.
MAX_PROGRAMS = 16
# Pixels of padding that are computed in vain before another program is compiled. They
# take about as long as a compilation.
MAX_WASTED_PIXELS = 2**23

_functions = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def run_inference(model, images):
    """The outputs of a model for a batch of images, in inference mode.

    It may be called from several threads at once, and sees the current weights. On
    TensorFlow the model is traced at most twice, whatever the sizes of images, and
    again after layers got other variables.

    JAX compiles a program for each shape. A model with the methods `padded_size`,
    `shared_size`, `call_padded` and `unpadded`, such as `keras_seg.models.Segmenter`,
    shares one among all sizes that it stretches to the same size inside; and one among
    many smaller sizes if its layers can leave out the padding. The programs of the 16
    shapes used last are kept.

    Args:
        model: Built `keras.Model`, or a function of a model with the same methods and
            variables, such as `keras_seg.models.head_logits.HeadLogits`.
        images: NumPy array `(B, H, W, C)`.

    Returns:
        NumPy array, or the structure of arrays that the model returns.

    Example:

    ```python
    import keras
    import numpy as np
    from keras_seg.keras_internals.inference_function import run_inference

    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(4, 1)(inputs))
    print(run_inference(model, np.zeros((1, 40, 50, 3), "uint8")).shape)
    ```
    """
    with _lock:
        function = _functions.get(model)
        if function is None:
            function = FUNCTIONS[keras.config.backend()](model)
            _functions[model] = function
    return function(model, images)


def forget_functions(model):
    """Has a model traced anew when it is called next, after a setting has changed.

    Args:
        model: `keras_seg.models.Segmenter`.
    """
    with _lock:
        for traced in (model, vars(model).get("head_logits")):
            if traced is not None:
                _functions.pop(traced, None)
    for name in ("predict_function", "test_function"):  # those of Keras
        if vars(model).get(name) is not None:
            setattr(model, name, None)


class TorchFunction:
    """Calls the model without gradients."""

    def __init__(self, model):
        import torch

        self.no_grad = torch.no_grad

    def __call__(self, model, images):
        with self.no_grad():
            return _to_numpy(model(images, training=False))


class TensorFlowFunction:
    """Graphs of the model: one for the first shape, one for all others."""

    def __init__(self, model):
        self.model = weakref.ref(model)
        self.graphs = {}
        self.weights = []
        self.lock = threading.Lock()

    def __call__(self, model, images):
        import tensorflow

        dtype = str(images.dtype)
        weights = model.weights
        with self.lock:
            # A graph has the weights that it was traced with. `quantize` and
            # `enable_lora` of Keras replace some and add others.
            if {*map(id, weights)} != {*map(id, self.weights)}:
                self.graphs, self.weights = {}, weights
            key = images.shape, dtype
            if self.graphs and key not in self.graphs:
                key = (None, None, None, images.shape[-1]), dtype
            if key not in self.graphs:
                self.graphs[key] = tensorflow.function(
                    lambda images: self.model()(images, training=False),
                    input_signature=[tensorflow.TensorSpec(*key)],
                    autograph=False,
                )
            graph = self.graphs[key]
        return _to_numpy(graph(tensorflow.convert_to_tensor(images)))


class JaxFunction:
    """Compiled programs of the model, one for each shape, the last used ones kept."""

    def __init__(self, model):
        self.model = weakref.ref(model)
        self.pads = getattr(model, "padded_size", None) is not None
        self.programs = collections.OrderedDict()
        self.compilations = 0
        self.wasted_pixels = 0
        self.lock = threading.Lock()

    def __call__(self, model, images):
        size = images.shape[1:3]
        shape, padded, program = self._program(model, images)
        if padded:
            missing = [(0, new - old) for new, old in zip(shape, size, strict=True)]
            images = np.pad(images, ((0, 0), *missing, (0, 0)))
        # Read at each call: training replaces the values.
        values = [variable.value for variable in model.variables]
        outputs = program(values, images, np.array(size, "int32"))
        outputs = _to_numpy(outputs)
        return model.unpadded(outputs, size, shape) if padded else outputs

    def _program(self, model, images):
        batch, *size, channels = images.shape
        kind = batch, channels, str(images.dtype)
        with self.lock:
            shape = model.padded_size(*size) if self.pads else None
            padded = shape is not None
            if padded:
                shape = self._shape(model, kind, size, tuple(shape))
            key = kind, shape or tuple(size), padded
            if key not in self.programs:
                self.programs[key] = JaxProgram(self.model, padded)
                self.compilations += 1
            self.programs.move_to_end(key)
            if len(self.programs) > MAX_PROGRAMS:
                self.programs.popitem(last=False)
            return shape, padded, self.programs[key]

    def _shape(self, model, kind, size, least):
        """The size to pad images to.

        The first images are padded as little as possible: perhaps all have that size.
        Others are padded to the smallest program that they fit into, until more pixels
        of padding have been computed than a compilation is worth.
        """
        shared = model.shared_size(*size)
        if shared is None or (kind, least, True) in self.programs:
            return least
        compiled = [key[1] for key in self.programs if key[0] == kind]
        fitting = [s for s in compiled if s[0] >= least[0] and s[1] >= least[1]]
        if not fitting:
            return shared if compiled else least
        shape = min(fitting, key=math.prod)
        self.wasted_pixels += kind[0] * (math.prod(shape) - math.prod(least))
        if self.wasted_pixels <= MAX_WASTED_PIXELS:
            return shape
        self.wasted_pixels = 0
        return least


class JaxProgram:
    """A compiled function of weights and images; only the first call compiles it."""

    def __init__(self, model, padded):
        import jax

        def function(values, images, size):
            here = model()
            # Their order does not depend on which of them are trained.
            mapping = zip(here.variables, values, strict=True)
            with keras.StatelessScope(state_mapping=list(mapping)):
                if padded:
                    return here.call_padded(images, (size[0], size[1]))
                return here(images, training=False)

        self.function = jax.jit(function)
        self.lock = threading.Lock()
        self.compiled = False

    def __call__(self, *args):
        if self.compiled:
            return self.function(*args)
        with self.lock:
            outputs = self.function(*args)
            self.compiled = True
            return outputs


def _to_numpy(outputs):
    return keras.tree.map_structure(keras.ops.convert_to_numpy, outputs)


FUNCTIONS = {
    "jax": JaxFunction,
    "tensorflow": TensorFlowFunction,
    "torch": TorchFunction,
}
