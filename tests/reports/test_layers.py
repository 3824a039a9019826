"""Pictures of the gallery: small, and right when laid over each other."""

import base64
import re

import cv2
import numpy as np

from slsg_edge.images.drawing import heat_overlay
from slsg_edge.reports.layers import HEAT_STRENGTH, LONGEST_SIDE, picture_of


def decoded(uri):
    content = np.frombuffer(base64.b64decode(uri.partition(",")[2]), np.uint8)
    return cv2.imdecode(content, cv2.IMREAD_UNCHANGED)


def test_pictures_are_small_and_keep_their_shape():
    picture = picture_of(np.full((900, 1600, 3), 60, np.uint8), None, None)
    assert (picture.width, picture.height) == (LONGEST_SIDE, 270)
    assert decoded(picture.image).shape == (270, LONGEST_SIDE, 3)
    assert picture.heat is None
    assert picture.outline == ""


def test_a_small_image_is_not_enlarged():
    picture = picture_of(np.zeros((20, 30, 3), np.uint8), np.zeros((20, 30), np.float32), None)
    assert (picture.width, picture.height) == (30, 20)


def test_the_layers_over_each_other_are_the_overlay():
    image = np.full((200, 240, 3), (40, 90, 160), np.uint8)
    heat = np.zeros((200, 240), np.float32)
    heat[60:140, 60:140] = 1
    heat = cv2.GaussianBlur(heat, (0, 0), 12)
    picture = picture_of(image, heat, None)
    layer = decoded(picture.heat).astype(np.float32)
    cover = layer[..., 3:] / 255
    shown = decoded(picture.image) * (1 - cover) + layer[..., :3] * cover
    expected = heat_overlay(image, heat, HEAT_STRENGTH).astype(np.float32)
    assert np.abs(shown - expected).mean() < 3
    assert np.abs(expected - image).max() > 100


def corners(outline):
    return [
        [tuple(map(float, pair)) for pair in re.findall(r"([\d.]+) ([\d.]+)", part)]
        for part in outline.split("Z")[:-1]
    ]


def test_every_part_of_a_mask_and_its_holes_are_outlined_where_they_are():
    mask = np.zeros((400, 480), bool)
    mask[40:120, 60:200] = True
    mask[60:100, 100:160] = False
    mask[300, 20:400] = True
    parts = corners(picture_of(np.zeros((400, 480, 3), np.uint8), None, mask).outline)
    assert len(parts) == 3
    boxes = {(min(part), max(part)) for part in parts}
    assert ((60.5, 40.5), (199.5, 119.5)) in boxes


def test_a_thin_scratch_on_a_large_image_is_still_marked():
    mask = np.zeros((2000, 2000), bool)
    mask[900, 200:1800] = True
    (part,) = corners(picture_of(np.zeros((2000, 2000, 3), np.uint8), None, mask).outline)
    assert max(part)[0] - min(part)[0] > 350
