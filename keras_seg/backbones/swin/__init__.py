"""Swin Transformer: the backbone and its layers."""
