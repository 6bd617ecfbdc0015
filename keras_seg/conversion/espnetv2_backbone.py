"""Names of the published ESPNetv2 weights."""

import re

from keras_seg.conversion.published_weights import targets_of

# Ends of the names of our layers, and what the authors call them inside a unit.
IN_A_UNIT = {
    "reduce": "proj_1x1.conv",
    "reduce_norm": "proj_1x1.bn",
    "reduce_activation": "proj_1x1.act",
    "branches_norm": "br_after_cat.bn",
    "branches_activation": "br_after_cat.act",
    "expand": "conv_1x1_exp.conv",
    "expand_norm": "conv_1x1_exp.bn",
    **{f"branch_{i}": f"spp_dw.{i}.conv" for i in range(4)},
}
OF_A_UNIT = {**IN_A_UNIT, "activation": "module_act"}
# Of what reduces the resolution, beside the unit in it.
BESIDE_A_UNIT = {
    "image_conv": "inp_reinf.0.conv",
    "image_norm": "inp_reinf.0.bn",
    "image_activation": "inp_reinf.0.act",
    "image_expand_conv": "inp_reinf.1.conv",
    "image_expand_norm": "inp_reinf.1.bn",
    "activation": "act",
}
STEM = {
    "stem_conv": "level1.conv",
    "stem_norm": "level1.bn",
    "stem_activation": "level1.act",
}
# Of a level of the decoder: its pyramid pooling, the gated level of the encoder that is
# added before, and what follows the sum.
POOL = {
    "reduce_conv": "projection_layer.cbr.0",
    "reduce_norm": "projection_layer.cbr.1",
    "reduce_activation": "projection_layer.cbr.2",
    **{f"scale_{i}": f"stages.{i}" for i in range(5)},
    "scales_norm": "merge_layer.0.br.0",
    "scales_activation": "merge_layer.0.br.1",
    "merge_conv": "merge_layer.2.cbr.0",
    "merge_norm": "merge_layer.2.cbr.1",
    "merge_activation": "merge_layer.2.cbr.2",
    "expand_conv": "merge_layer.3",
    "expand_norm": "br.br.0",
    "expand_activation": "br.br.1",
}
SKIP = {
    "join_gate": "wt_layer.1",
    "join_skip_conv": "expansion_layer.cbr.0",
    "join_skip_norm": "expansion_layer.cbr.1",
    "join_skip_activation": "expansion_layer.cbr.2",
}
SUM = {"join_norm": "0", "join_activation": "1"}
# The classifier and its stage, the last step of the decoder, and weights that are never
# applied.
UNUSED = (
    r"(base_net\.)?(level5|level5_0|classifier)\.|(bu_dec|bu_br|merge_enc_dec)_l4\.|"
    r"(base_net\.)?level\d_0\.eesp\.module_act\."
)
DECODER = r"(bu_dec|bu_br|merge_enc_dec)_l\d\."


def espnetv2_targets(backbone):
    """The variables of an `ESPNetV2Backbone` by their published names.

    Args:
        backbone: A `keras_seg.backbones.ESPNetV2Backbone`.

    Returns:
        Dictionary from names, without the prefix `base_net.`, to pairs of a variable
        and its kind.
    """
    return targets_of(
        {_published(layer.name): layer for layer in backbone.layers if layer.weights}
    )


def espnetv2_arrays(backbone, arrays):
    """The arrays of the backbone in a checkpoint of a classifier or a segmenter.

    Args:
        backbone: A `keras_seg.backbones.ESPNetV2Backbone`.
        arrays: Dictionary from names to arrays, see `published_names.plain_arrays`.

    Returns:
        Dictionary from names as in `espnetv2_targets` to arrays.
    """
    unused = UNUSED if backbone.decoder_filters else f"{UNUSED}|{DECODER}"
    return {
        name.removeprefix("base_net."): array
        for name, array in arrays.items()
        if not re.match(unused, name)
    }


def _published(name):
    """The published prefix of a layer such as `"unit_3_0_reduce_norm"`."""
    if name in STEM:
        return STEM[name]
    down = re.fullmatch(r"down_(\d)_(\w+)", name)
    if down:
        level, part = down.groups()
        if part in IN_A_UNIT:
            return f"level{level}_0.eesp.{IN_A_UNIT[part]}"
        return f"level{level}_0.{BESIDE_A_UNIT[part]}"
    decoder = re.fullmatch(r"decoder_(\d)_(\w+)", name)
    if decoder:
        return _published_in_decoder(5 - int(decoder[1]), decoder[2])
    level, index, part = re.fullmatch(r"unit_(\d)_(\d+)_(\w+)", name).groups()
    return f"level{level}.{index}.{OF_A_UNIT[part]}"


def _published_in_decoder(step, part):
    """The published prefix in a step of the decoder: 1 is at stride 16, 3 at 4."""
    if part in SKIP:
        return f"merge_enc_dec_l{step}.{SKIP[part]}"
    if part in SUM:
        return f"bu_br_l{step}.{SUM[part]}"
    return f"bu_dec_l{step}.{POOL[part]}"
