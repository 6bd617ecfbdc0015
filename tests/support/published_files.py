"""Files as other libraries write them."""

import numpy as np

MINDSPORE_NAMES = {
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}


def write_mindspore(path, arrays, most=1 << 20):
    """Writes a checkpoint of MindSpore with the library of protocol buffers.

    An array of more than `most` bytes comes in several parts.
    """
    checkpoint = _message()()
    for name, array in arrays.items():
        content = np.ascontiguousarray(array).tobytes()
        for start in range(0, max(1, len(content)), most):
            value = checkpoint.value.add()
            value.tag = name
            value.tensor.dims.extend(array.shape)
            value.tensor.tensor_type = array.dtype.name.capitalize()
            value.tensor.tensor_content = content[start : start + most]
    path.write_bytes(checkpoint.SerializeToString())


def mindspore_names(arrays):
    """The same arrays as MindSpore calls them; a norm has no weight but a gamma."""
    norms = {name.rpartition(".")[0] for name, a in arrays.items() if a.ndim == 1}
    norms -= {name.rpartition(".")[0] for name, a in arrays.items() if a.ndim > 1}
    renamed = {}
    for name, array in arrays.items():
        stem, dot, suffix = name.rpartition(".")
        suffix = MINDSPORE_NAMES.get(suffix, suffix)
        if stem in norms:
            suffix = {"weight": "gamma", "bias": "beta"}.get(suffix, suffix)
        renamed[stem + dot + suffix] = array
    return renamed


def _message():
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name="checkpoint.proto", syntax="proto2")
    kinds = descriptor_pb2.FieldDescriptorProto

    def message(parent, name, *fields):
        new = parent.add(name=name)
        for number, (field, kind, repeated, of) in enumerate(fields, start=1):
            label = kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL
            new.field.add(
                name=field, number=number, type=kind, label=label, type_name=of
            )
        return new

    text, data, whole = kinds.TYPE_STRING, kinds.TYPE_BYTES, kinds.TYPE_INT64
    inner = kinds.TYPE_MESSAGE
    message(
        file.message_type,
        "TensorProto",
        ("dims", whole, True, None),
        ("tensor_type", text, False, None),
        ("tensor_content", data, False, None),
    )
    message(
        file.message_type,
        "Value",
        ("tag", text, False, None),
        ("tensor", inner, False, ".TensorProto"),
    )
    message(file.message_type, "Checkpoint", ("value", inner, True, ".Value"))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("Checkpoint"))
