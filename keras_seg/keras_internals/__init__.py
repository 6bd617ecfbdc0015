"""What the package takes from inside Keras, keras-hub and the backends.

Everything that is not part of a public API is here, and nowhere else: see
`tests/project/test_guards.py`. Each module says what it does and why no public function
does it. All of it was seen to work with Keras 3.15.1, keras-hub 0.32.0, TensorFlow
2.21, JAX 0.10 and torch 2.13.
"""
