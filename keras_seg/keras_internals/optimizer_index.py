"""Which variable an optimizer updates."""


def variable_index(optimizer, variable):
    """The position of a variable in the list that an optimizer was built with.

    `keras.optimizers.Optimizer.update_step` receives a variable, in a replica of
    TensorFlow the `tf.Variable` behind it, which has no `path`. Keras has the public
    list of the variables of an optimizer, but not a public way from such a variable to
    its position. Seen to work with Keras 3.15.1.

    Args:
        optimizer: Built `keras.optimizers.Optimizer`.
        variable: What `update_step` received.

    Returns:
        Integer.

    Example:

    ```python
    import keras
    from keras_seg.keras_internals.optimizer_index import variable_index

    variables = [keras.Variable([0.0], name=name) for name in "ab"]
    optimizer = keras.optimizers.SGD()
    optimizer.build(variables)
    print(variable_index(optimizer, variables[1]))  # 1
    ```
    """
    return optimizer._get_variable_index(variable)
