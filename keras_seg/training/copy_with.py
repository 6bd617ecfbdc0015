"""A copy of a model that differs in a few arguments."""


def copy_with(model, **changes):
    """The same model, or backbone, with its weights and other arguments.

    Args:
        model: Model with a config, whose variables do not depend on what changes.
        **changes: Arguments of its class.
    """
    copy = type(model).from_config({**model.get_config(), **changes})
    copy.set_weights(model.get_weights())
    return copy
