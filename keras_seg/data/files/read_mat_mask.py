"""Read a label map from a file of MATLAB."""

import numpy as np


def read_mat_mask(path, variable):
    """Read a matrix of ids from a `.mat` file.

    Args:
        path: Path of the file, of a version before 7.3.
        variable: String, the name of the matrix.

    Returns:
        An integer array of shape `(height, width)`.

    Raises:
        ModuleNotFoundError: If SciPy is not installed.
        ValueError: If the file cannot be read or has no such matrix of ids.

    Example:

    ```python
    from keras_seg.data.files.read_mat_mask import read_mat_mask

    try:
        read_mat_mask("nowhere.mat", "S")
    except (ValueError, ModuleNotFoundError) as error:
        print(error)
    ```
    """
    try:
        import scipy.io
    except ImportError as error:
        raise ModuleNotFoundError(
            f"The mask '{path}' is a file of MATLAB, and reading it needs SciPy: pip "
            "install scipy. Or convert the masks to PNG."
        ) from error
    try:
        mask = scipy.io.loadmat(path, variable_names=[variable]).get(variable)
    except Exception as error:  # SciPy raises many types on broken files
        raise ValueError(
            f"The mask '{path}' cannot be read ({type(error).__name__}: {error}). The "
            "file is missing, broken or incomplete; unpack it again."
        ) from error
    if (
        not isinstance(mask, np.ndarray)
        or mask.ndim != 2
        or mask.dtype.kind not in "ui"
    ):
        raise ValueError(
            f"The mask '{path}' has no matrix of integers called '{variable}'."
        )
    return mask
