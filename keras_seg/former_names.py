"""Names of earlier versions that saved files and users' programs may still hold."""

import keras

from keras_seg import backbones, data, inference, layers, models, presets, visualization

# What a file saved by version 0.1.0 names, and the class that reads it now.
REGISTERED = {
    "keras_seg>Enlarge": layers.ResizeToMultiple,
    "keras_seg>SpreadClasses": layers.ScatterClasses,
}
# Where a program finds a public name of version 0.1.0.
PUBLIC = {
    data: {
        "add_components": data.pack_components,
        "open_source": data.load_source,
        "write_teacher_labels": data.write_pseudo_labels,
    },
    inference: {
        "Protocol": inference.TestProtocol,
        "as_rgb": data.as_rgb,
        "default_palette": visualization.default_palette,
        "draw_overlay": visualization.draw_overlay,
        "draw_regions": visualization.draw_regions,
        "draw_similarity": visualization.draw_similarity,
        "label_png": visualization.label_png,
    },
    layers: {
        "Enlarge": layers.ResizeToMultiple,
        "PatchEmbedding": backbones.PatchEmbedding,
        "PatchMerging": backbones.PatchMerging,
        "SpreadClasses": layers.ScatterClasses,
        "SwinBlock": backbones.SwinBlock,
        "WindowAttention": backbones.WindowAttention,
    },
    models: {
        "ApplicationsBackbone": backbones.ApplicationsBackbone,
        "DilatedResNetBackbone": backbones.DilatedResNetBackbone,
        "MiTBackbone": backbones.MiTBackbone,
        "SwinBackbone": backbones.SwinBackbone,
    },
    presets: {"load_model": models.load_model},
}


def register_former_names():
    """Makes files and programs of earlier versions find what they name."""
    keras.saving.get_custom_objects().update(REGISTERED)
    for module, names in PUBLIC.items():
        for name, value in names.items():
            setattr(module, name, value)
