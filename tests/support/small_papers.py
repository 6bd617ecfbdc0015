"""The papers' presets at a size for tests."""

from keras_seg.presets import configuration_table


def small_paper(monkeypatch, model, backbone, config):
    """Gives a model of the table a narrow head, and a backbone another configuration.

    The names of the presets stay.
    """
    entry = {**configuration_table.BACKBONES[backbone], "config": config}
    monkeypatch.setitem(configuration_table.BACKBONES, backbone, entry)
    entry = configuration_table.MODELS[model]
    arguments = {**entry["arguments"], "hidden_dim": 8}
    monkeypatch.setitem(
        configuration_table.MODELS, model, {**entry, "arguments": arguments}
    )
