"""The command `keras-seg`, a package of its own: `--help` imports no Keras."""
