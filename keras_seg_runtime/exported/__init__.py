"""Files that a model was exported to."""
