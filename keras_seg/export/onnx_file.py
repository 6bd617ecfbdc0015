"""Models as ONNX files."""

import string

import numpy as np
import onnx
import onnx.shape_inference
import tf2onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
# Smaller arrays are kept in single precision: they take no space.
MIN_HALF_VALUES = 256


def convert_to_onnx(function, size=None):
    """Converts a function for images of any size.

    A size is set afterwards: for fixed shapes tf2onnx writes graphs that ONNX Runtime
    refuses.

    Args:
        function: `ImagesFunction` whose height and width are free.
        size: Pair `(height, width)` or `None`.

    Returns:
        `onnx.ModelProto`.
    """
    model, _ = tf2onnx.convert.from_function(
        function.function, [function.signature], opset=OPSET
    )
    _replace_erfc(model.graph)
    _replace_ellipses(model)
    del model.metadata_props[:]
    if size is not None:
        _, rows, columns, _ = model.graph.input[0].type.tensor_type.shape.dim
        rows.dim_value, columns.dim_value = size
        del model.graph.value_info[:]
    onnx.checker.check_model(model)
    return model


def write_onnx(model, path, half=False):
    """Writes an ONNX file.

    Args:
        model: `onnx.ModelProto`, as `convert_to_onnx` returns it.
        path: Path of the file.
        half: Boolean. Whether to store weights in half precision. All is still
            computed in single precision.
    """
    if half:
        halves = onnx.ModelProto()
        halves.CopyFrom(model)
        model = halves
        _store_as_half(model.graph)
        onnx.checker.check_model(model)
    onnx.save(model, str(path))


def _replace_erfc(graph):
    """Replaces `Erfc`, which ONNX does not have, by `1 - Erf`.

    TensorFlow computes gelu with it, and tf2onnx copies the name of the operation.
    """
    nodes = []
    for node in graph.node:
        if node.op_type != "Erfc":
            nodes.append(node)
            continue
        one, erf = f"{node.name}/one", f"{node.name}/erf"
        graph.initializer.append(numpy_helper.from_array(np.float32(1.0), one))
        nodes.append(helper.make_node("Erf", node.input, [erf], name=erf))
        nodes.append(helper.make_node("Sub", [one, erf], node.output, name=node.name))
    del graph.node[:]
    graph.node.extend(nodes)


def _replace_ellipses(model):
    """Writes `...` in the equations of `Einsum` as letters.

    The shader that ONNX Runtime Web makes for it on WebGPU is not valid.
    """
    nodes = [
        node
        for node in model.graph.node
        if node.op_type == "Einsum" and b"..." in node.attribute[0].s
    ]
    if not nodes:
        return
    graph = onnx.shape_inference.infer_shapes(model).graph
    ranks = {
        value.name: len(value.type.tensor_type.shape.dim)
        for value in [*graph.input, *graph.value_info]
        if value.type.tensor_type.HasField("shape")
    }
    ranks.update({tensor.name: len(tensor.dims) for tensor in graph.initializer})
    for node in nodes:
        equation = node.attribute[0].s.decode()
        terms = equation.split("->")[0].split(",")
        counts = {
            ranks.get(name, -1) - len(term.replace("...", "").strip())
            for term, name in zip(terms, node.input, strict=True)
            if "..." in term
        }
        free = [letter for letter in string.ascii_letters if letter not in equation]
        count = counts.pop()
        if not counts and count >= 0:  # else they are broadcast, or not known
            letters = "".join(free[:count])
            node.attribute[0].s = equation.replace("...", letters).encode()


def _store_as_half(graph):
    """Stores large weights in half precision, and converts them when they are used."""
    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(tensor)
        if values.size < MIN_HALF_VALUES:
            continue
        halves = values.astype("float16")
        if not np.isfinite(halves).all():
            largest = np.abs(values).max()
            raise ValueError(
                f"The weight {tensor.name} has values up to {largest:.3g}, which half "
                "precision cannot hold. Export with weights='float32'."
            )
        name, stored = tensor.name, f"{tensor.name}/half"
        tensor.CopyFrom(numpy_helper.from_array(halves, stored))
        casts.append(
            helper.make_node("Cast", [stored], [name], name=name, to=TensorProto.FLOAT)
        )
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
