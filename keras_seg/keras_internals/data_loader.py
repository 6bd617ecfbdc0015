"""A copy of a torch `DataLoader` with another function that makes its batches."""

import copy


def copy_data_loader(loader, collate_fn):
    """A `DataLoader` that differs from a given one only in its `collate_fn`.

    torch has no public way to copy a loader: its constructor takes arguments that it
    does not keep, and a shallow copy shares the persistent workers, which would go on
    with the old function. Seen to work with torch 2.13.

    Args:
        loader: `torch.utils.data.DataLoader`.
        collate_fn: Function from a list of samples to a batch.
    """
    loader = copy.copy(loader)
    loader.collate_fn = collate_fn
    loader._iterator = None  # holds the persistent workers
    return loader
