"""Names of SLSG's official checkpoints in terms of our `PaperNetwork`.

Knows nothing about files: `convert` takes a state dict and gives one.
"""

import re
from collections.abc import Mapping

from torch import Tensor

from slsg_edge.errors import ConfigError

# Official prefix -> ours; numbers are places in an nn.Sequential of either side.
OFFICIAL_PREFIXES = {
    "encoder_segment.resnet18.": "encoder.trunk.",
    "GCN3.fc1.": "graph.enter.",
    "GCN3.fc2.": "graph.leave.",
    "GCN3.graph_conv.gconv.nn.": "graph.mix.",
    "GCN3.graph_conv.gconv.f_value.": "graph.value.",
    "GCN3.graph_conv.gconv.W.": "graph.context.",
    "GCN3.graph_conv.dilated_knn_graph.f_key.": "graph.key.",
    **{
        f"LKA{width}.{theirs}.": f"attention.{index}.{ours}."
        for index, width in enumerate((64, 128, 256))
        for theirs, ours in (
            ("AT.conv0", "near"),
            ("AT.conv_spatial", "far"),
            ("AT.conv1", "gate"),
            ("p2", "project"),
        )
    },
    "aux0.0.": "auxiliary.0.0.",
    "aux0.1.": "auxiliary.0.1.",
    "aux0.3.": "auxiliary.1.0.",
    "aux0.4.": "auxiliary.1.1.",
    "aux0_out.0.": "auxiliary_out.0.0.",
    "aux0_out.1.": "auxiliary_out.0.1.",
    "aux0_out.3.": "auxiliary_out.1.",
    **{
        f"decoder_segment.{theirs}": f"decoder.{ours}"
        for step in (1, 2, 3)
        for theirs, ours in (
            (f"up{step}.1.", f"up{step}.0."),
            (f"up{step}.2.", f"up{step}.1."),
            (f"db{step}.0.", f"merge{step}.0.0."),
            (f"db{step}.1.", f"merge{step}.0.1."),
            (f"db{step}.3.", f"merge{step}.1.0."),
            (f"db{step}.4.", f"merge{step}.1.1."),
        )
    },
    "decoder_segment.up4.": "decoder.up4.",
    "decoder_segment.db4.": "decoder.merge4.",
    "decoder_segment.final_out_seg.1.": "decoder.out.0.0.",
    "decoder_segment.final_out_seg.2.": "decoder.out.0.1.",
    "decoder_segment.final_out_seg.4.": "decoder.out.1.0.",
    "decoder_segment.final_out_seg.5.": "decoder.out.1.1.",
    "decoder_segment.final_out_seg.7.": "decoder.out.2.",
}
# Made by the official code and used by none of its forward passes, or a copy, or a constant.
_UNUSED = re.compile(
    r"encoder_segment\.resnet18\.fc\.|decoder_segment\.res_bn_relu\.|LKA\d+\.p1\."
    r"|GCN3\.relative_pos$|GCN3\.graph_conv\.dilated_knn_graph\.f_query\.|(GCN3\.)?pos_emd"
)


def convert(official: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """An official state dict under the names and shapes of `expected`.

    ConfigError lists what is missing or left over, so that a checkpoint of another network is
    refused whole.
    """
    ours = {}
    for name, tensor in official.items():
        if _UNUSED.match(name):
            continue
        renamed = _our_name(name)
        # on nodes in one row only the middle column of the official 3x3 kernel ever acts
        ours[renamed] = tensor[..., 1] if renamed == "graph.value.weight" else tensor
    wrong = sorted(
        name
        for name in ours.keys() | expected.keys()
        if name not in ours or name not in expected or ours[name].shape != expected[name].shape
    )
    if wrong:
        raise ConfigError(
            f"This is no checkpoint of SLSG's official code: {len(wrong)} tensors do not fit, "
            f"the first is {wrong[0]}.",
            fix="Give a *.tch file as its train.py writes it.",
        )
    return ours


def _our_name(name: str) -> str:
    for theirs, ours in OFFICIAL_PREFIXES.items():
        if name.startswith(theirs):
            return ours + name.removeprefix(theirs)
    return name
