"""The modules of `keras_seg_cli`, under the name that they had in version 0.1.0."""

import importlib.util

__path__ = list(importlib.util.find_spec("keras_seg_cli").submodule_search_locations)
