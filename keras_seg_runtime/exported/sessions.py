"""One class for each runtime: a file, and a function from images to its output.

A session may be used by several threads at once.
"""

import threading
import warnings

from keras_seg_runtime.optional import import_optional


class OnnxSession:
    """A `.onnx` file in ONNX Runtime, on the CPU.

    Args:
        path: Path of the file.
        threads: Integer or `None`.
    """

    def __init__(self, path, threads=None):
        runtime = _import("onnxruntime", "onnxruntime")
        options = runtime.SessionOptions()
        options.log_severity_level = 3  # errors
        options.intra_op_num_threads = threads or 0
        # Sizes of images differ: memory of one size would be kept for the next.
        options.enable_mem_pattern = False
        self.session = runtime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        self.name = self.session.get_inputs()[0].name

    def run(self, images):
        return self.session.run(None, {self.name: images})[0]


class LiteRTSession:
    """A `.tflite` file in LiteRT. Calls run one after another."""

    def __init__(self, path, threads=None):
        runtime = _import("ai_edge_litert.interpreter", "ai-edge-litert")
        self.interpreter = runtime.Interpreter(str(path), num_threads=threads)
        self.input = self.interpreter.get_input_details()[0]["index"]
        self.output = self.interpreter.get_output_details()[0]["index"]
        self.shape = None
        self.lock = threading.Lock()

    def run(self, images):
        with self.lock:
            if images.shape != self.shape:
                self.shape = None  # stays so if there is an error
                self.interpreter.resize_tensor_input(self.input, images.shape)
                self.interpreter.allocate_tensors()
                self.shape = images.shape
            self.interpreter.set_tensor(self.input, images)
            self.interpreter.invoke()
            return self.interpreter.get_tensor(self.output)  # a copy


class OpenVINOSession:
    """A `.xml` file with its `.bin` in OpenVINO, on the CPU.

    Args:
        path: Path of the `.xml` file.
        threads: Integer or `None`.
        cache: Path of a folder for the compiled network, or `None`.
    """

    def __init__(self, path, threads=None, cache=None):
        runtime = _import("openvino", "openvino")
        # Else some processors compute in bfloat16.
        options = {"INFERENCE_PRECISION_HINT": "f32"}
        if threads:
            options["INFERENCE_NUM_THREADS"] = threads
        core = runtime.Core()
        if cache is not None:
            core.set_property({"CACHE_DIR": str(cache)})
        self.model = core.compile_model(str(path), "CPU", options)

    def run(self, images):
        request = self.model.create_infer_request()
        return next(iter(request.infer([images]).values()))


class SavedModelSession:
    """The folder of a SavedModel in TensorFlow, with TensorFlow's own threads."""

    def __init__(self, path, threads=None):
        tensorflow = _import("tensorflow", "tensorflow")
        if threads:
            set_threads = tensorflow.config.threading.set_intra_op_parallelism_threads
            try:
                set_threads(threads)
            except RuntimeError:
                warnings.warn(
                    f"threads={threads} has no effect: TensorFlow is already running "
                    "in this process, with threads of its own.",
                    stacklevel=3,
                )
        self.convert = tensorflow.convert_to_tensor
        self.model = tensorflow.saved_model.load(str(path))
        self.function = self.model.signatures["serving_default"]

    def run(self, images):
        outputs = self.function(images=self.convert(images))
        return next(iter(outputs.values())).numpy()


def _import(module, package):
    return import_optional(module, "This file runs in", package)


SESSIONS = {
    "onnx": OnnxSession,
    "litert": LiteRTSession,
    "openvino": OpenVINOSession,
    "saved-model": SavedModelSession,
}
