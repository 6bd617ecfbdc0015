"""Settings of training runs from the words of a command line."""

from keras_seg.training import train_from_settings
from keras_seg.training.choose_settings import choose_settings
from keras_seg.training.settings import resolve_settings
from keras_seg_cli.train_options import parse_settings


def settings_of(words):
    """All settings; those that are chosen for the data only without a preset."""
    words = words.split() if isinstance(words, str) else words
    args = resolve_settings(parse_settings(words))
    if args.preset is None:
        choose_settings(args, None)
    return args


def train_with(words):
    """Trains as `keras-seg train` does."""
    words = [str(word) for word in words]
    resume = "--resume" in words
    given = parse_settings([word for word in words if word != "--resume"])
    return train_from_settings(given, resume)
