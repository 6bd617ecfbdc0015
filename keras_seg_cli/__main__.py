"""`python -m keras_seg_cli`, for systems on which `keras-seg` is not on the path."""

import sys

from keras_seg_cli.main import main

if __name__ == "__main__":
    sys.exit(main())
