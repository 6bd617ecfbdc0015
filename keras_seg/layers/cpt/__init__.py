"""The layers of CPT."""

from keras_seg.layers.cpt.category_prototypes import CategoryPrototypes
from keras_seg.layers.cpt.cpt_head import CPTHead
from keras_seg.layers.cpt.prototype_memory import PrototypeMemory
from keras_seg.layers.cpt.query_update import QueryUpdate

__all__ = [
    "CPTHead",
    "CategoryPrototypes",
    "PrototypeMemory",
    "QueryUpdate",
]
