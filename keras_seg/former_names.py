"""Names of earlier versions, for saved files and programs that still use them."""

import keras

from keras_seg import backbones, data, inference, layers, models, presets, visualization

# Registered names in files that version 0.1.0 saved, and the classes that load them.
REGISTERED = {
    "keras_seg>Enlarge": layers.ResizeToMultiple,
    "keras_seg>SpreadClasses": layers.ScatterClasses,
}
# Public names of version 0.1.0 in the modules that had them.
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
    """Registers the former names with Keras and adds them to their modules."""
    keras.saving.get_custom_objects().update(REGISTERED)
    for module, names in PUBLIC.items():
        for name, value in names.items():
            setattr(module, name, value)
