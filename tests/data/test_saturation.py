import json

import pytest

from slsg_edge.data.saturation import DEFECTS_CONFIG_FILE, DefectRule, defect_rules
from slsg_edge.errors import DatasetError

ENTRY = {
    "defect_name": "missing label",
    "pixel_value": 254,
    "saturation_threshold": 0.5,
    "relative_saturation": True,
}


def test_a_share_is_rounded_down_and_pixels_are_capped_at_the_area():
    share, pixels = DefectRule("gap", 0.3, True), DefectRule("dirt", 25, False)
    assert [share.saturation(area) for area in (10, 11, 13, 1)] == [3, 3, 3, 1]
    assert [pixels.saturation(area) for area in (10, 25, 100)] == [10, 25, 25]


def test_rules_are_read_by_grey_value(tmp_path):
    (tmp_path / DEFECTS_CONFIG_FILE).write_text(json.dumps([ENTRY]))
    assert defect_rules(tmp_path) == {254: DefectRule("missing label", 0.5, True)}


def test_a_data_set_without_the_file_has_no_rules(tmp_path):
    assert defect_rules(tmp_path) is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "Expecting"),
        (b"\xff", "decode"),
        (b"3", "not iterable"),
        (b"[3]", "no list of defects"),
        (b'[{"pixel_value": 3}]', "saturation_threshold"),
        (json.dumps([ENTRY | {"pixel_value": 0}]).encode(), "pixel_value is 0"),
        (json.dumps([ENTRY | {"pixel_value": True}]).encode(), "pixel_value is True"),
        (json.dumps([ENTRY | {"saturation_threshold": "x"}]).encode(), "threshold is 'x'"),
        (json.dumps([ENTRY | {"saturation_threshold": -1}]).encode(), "not above 0"),
        (json.dumps([ENTRY | {"saturation_threshold": 2}]).encode(), "share is at most 1"),
        (json.dumps([ENTRY | {"relative_saturation": 1}]).encode(), "neither true nor false"),
    ],
)
def test_a_file_that_is_none_is_an_error_that_says_why(tmp_path, content, reason):
    (tmp_path / DEFECTS_CONFIG_FILE).write_bytes(content)
    with pytest.raises(DatasetError, match=reason):
        defect_rules(tmp_path)
