"""Models by name: shipped, saved or converted, on a hub, or as in the papers."""

from keras_seg.presets.list_presets import list_presets
from keras_seg.presets.paper_presets import describe_preset, paper_presets

__all__ = ["describe_preset", "list_presets", "paper_presets"]
