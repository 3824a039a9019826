"""What the losses compare with: the mask on the flows' finest grid, and a box per anomaly.

Boxes are drawn where the batches are, in worker processes: on a GPU they would need labels of
connected regions. Knows nothing about flows.
"""

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.utils.data import Dataset

from slsg_edge.errors import SlsgError
from slsg_edge.training.feed import Batch, PairBatches

BOXES = 4  # of the largest regions of an anomaly; the rest are crumbs of them


def tight_boxes(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(H, W) to (BOXES, H, W): 1 within the box of a connected region, largest first; the last
    are empty where there are fewer regions.
    """
    _, _, regions, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    boxes = np.zeros((BOXES, *mask.shape), np.float32)
    found = sorted(regions[1:].tolist(), key=lambda region: -region[4])[:BOXES]
    for box, (left, top, width, height, _) in zip(boxes, found, strict=False):
        box[top : top + height, left : left + width] = 1
    return boxes


class BoxedPairs(Dataset[Batch]):
    """Images as `pairs` draws them, and (2 B, 1 + BOXES, h, w): the mask, then its boxes, as the
    share of each cell of `stride` pixels that they cover.
    """

    def __init__(self, pairs: PairBatches, stride: int) -> None:
        self.pairs, self.stride = pairs, stride

    def __getitem__(self, iteration: int) -> Batch:
        batch = self.pairs[iteration]
        if isinstance(batch, SlsgError):  # `feed.batches` raises it where the user sees it
            return batch
        images, masks = batch
        boxes = np.stack([tight_boxes(mask[0] > 0) for mask in masks.numpy()])
        targets = torch.cat((masks, torch.from_numpy(boxes)), 1)
        return images, functional.avg_pool2d(targets, self.stride)


def region_means(features: Tensor, boxes: Tensor) -> Tensor:
    """(N, C, h, w) and (N, K, H, W), a multiple of it, to (N, K, C): the mean within each box."""
    weights = functional.adaptive_avg_pool2d(boxes, (features.shape[2], features.shape[3]))
    weights = weights / weights.sum((2, 3), keepdim=True).clamp(min=1e-6)
    return torch.einsum("nkhw,nchw->nkc", weights, features)
