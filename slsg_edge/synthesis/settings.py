"""Options of simulated anomalies; the defaults are the numbers of SLSG's official code.

The official code has rules per product; here they are values of these options, in TOML, and
`presets/` holds those for MVTec LOCO's five products. Lengths and areas are in pixels of a
256x256 image and scale with the model's resolution.
"""

from dataclasses import dataclass, field
from typing import Literal

from slsg_edge.config import require, require_shares

REFERENCE_SIDE = 256


@dataclass(frozen=True, slots=True)
class Blend:
    """How much of the image shows through an anomaly: U(0, maximum), or `fixed` at times."""

    maximum: float = 0.25
    fixed: float = 0.0
    fixed_probability: float = 0.0

    def __post_init__(self) -> None:
        require_shares("synthesis blend", self.maximum, self.fixed, self.fixed_probability)


@dataclass(frozen=True, slots=True)
class SourceRule:
    """One way to make the picture that a structure anomaly is cut from.

    image: `self`, or `other`, another training image.
    flip: `random` flips each axis with p = 0.5. shuffle: rows and columns of a grid whose cells
    are permuted; (1, 1) leaves them. swap_edges: p of replacing the outer quarters of the rows
    with the inner ones before that. shift: the picture is moved by up to these shares of its
    height and width and wraps around, so that a part lands where another belongs; ours. jitter:
    takes the place of the p of all structure anomalies.
    """

    weight: float = 1.0
    image: Literal["self", "other"] = "self"
    flip: Literal["none", "random", "vertical", "horizontal"] = "random"
    shuffle: tuple[int, int] = (4, 8)
    swap_edges: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)
    jitter: float | None = None

    def __post_init__(self) -> None:
        require(self.weight > 0, f"A source rule weighs {self.weight}.", "Give more than 0.")
        require(
            min(self.shuffle) >= 1, f"A shuffle has {self.shuffle} cells.", "Give at least [1, 1]."
        )
        require_shares("A source rule's p or shift", self.swap_edges, *self.shift)
        require_shares("A source rule's jitter", self.jitter or 0.0)


@dataclass(frozen=True, slots=True)
class StructureSettings:
    """Anomalies made of the product's own pixels."""

    cells: tuple[int, ...] = (1, 2, 4)
    threshold: float = 0.4
    blend: Blend = field(default_factory=Blend)
    sources: tuple[SourceRule, ...] = (SourceRule(),)
    jitter: float = 0.2
    strong_jitter: tuple[float, float, float] = (0.4, 0.4, 0.2)
    strong_jitter_probability: float = 0.7
    blur: float = 0.2

    def __post_init__(self) -> None:
        _require_cells("synthesis.structure", self.cells)
        require(
            bool(self.sources), "synthesis.structure.sources is empty.", "Give at least one rule."
        )
        shares = self.jitter, self.strong_jitter_probability, self.blur, *self.strong_jitter
        require_shares("A number of synthesis.structure", *shares)


@dataclass(frozen=True, slots=True)
class TextureSettings:
    """Anomalies made of a foreign texture."""

    cells: tuple[int, ...] = (1, 2, 4, 8)
    threshold: float = 0.5
    blend: Blend = field(default_factory=lambda: Blend(0.9, 0.75, 0.25))
    augmentations: int = 3

    def __post_init__(self) -> None:
        _require_cells("synthesis.texture", self.cells)
        require(
            0 <= self.augmentations <= 10,
            f"synthesis.texture.augmentations is {self.augmentations}.",
            "Give 0 to 10.",
        )


@dataclass(frozen=True, slots=True)
class ForegroundSettings:
    """Where anomalies may lie. `none` is everywhere.

    background: `dark` is below `threshold` grey levels, `bright` is above 255 - threshold,
    `corners` is within `threshold` levels of the mean colour of the image's corners.
    of: the foreground of the image itself or of the picture that the anomaly is cut from.
    probability: the share of anomalies that are restricted; kinds: which ones.
    replace_mask: p that the foreground itself takes the place of the Perlin mask.
    keep: top, bottom, left, right of the only part of the image where anomalies may lie, as
    fractions.
    """

    background: Literal["none", "dark", "bright", "corners"] = "none"
    threshold: int = 8
    erode: tuple[int, int] = (1, 1)
    dilate: tuple[int, int] = (1, 1)
    of: Literal["image", "source"] = "image"
    probability: float = 1.0
    kinds: tuple[Literal["structure", "texture"], ...] = ("structure", "texture")
    replace_mask: float = 0.0
    keep: tuple[float, float, float, float] = (0.0, 1.0, 0.0, 1.0)

    def __post_init__(self) -> None:
        shares = self.probability, self.replace_mask, *self.keep
        require_shares("A number of synthesis.foreground", *shares)
        require(
            min(self.erode + self.dilate) >= 1,
            "synthesis.foreground erodes or dilates by less than a pixel.",
            "Give at least [1, 1], which changes nothing.",
        )


@dataclass(frozen=True, slots=True)
class BoxSettings:
    """A fixed rectangle added to the mask with probability p; corners as fractions."""

    probability: float = 0.0
    box: tuple[float, float, float, float] = (0.25, 0.75, 0.25, 0.75)

    def __post_init__(self) -> None:
        require_shares("A number of synthesis.extra_box", self.probability, *self.box)


@dataclass(frozen=True, slots=True)
class SynthesisSettings:
    """structure_probability: 0.35 / 0.6, else a texture anomaly. minimum_area: pixels at 256x256;
    smaller masks are drawn again. jitter: brightness and saturation of each image before."""

    structure_probability: float = 0.35 / 0.6
    minimum_area: int = 49
    jitter: float = 0.1
    structure: StructureSettings = field(default_factory=StructureSettings)
    texture: TextureSettings = field(default_factory=TextureSettings)
    foreground: ForegroundSettings = field(default_factory=ForegroundSettings)
    extra_box: BoxSettings = field(default_factory=BoxSettings)

    def __post_init__(self) -> None:
        require_shares("A number of synthesis", self.structure_probability, self.jitter)
        require(
            self.minimum_area >= 1,
            f"synthesis.minimum_area is {self.minimum_area}.",
            "Give at least 1 pixel.",
        )

    @property
    def takes_textures(self) -> bool:
        """Whether any anomaly is one of foreign texture."""
        return self.structure_probability < 1


def _require_cells(where: str, cells: tuple[int, ...]) -> None:
    require(
        bool(cells) and min(cells) >= 1,
        f"{where}.cells is {list(cells)}.",
        "Give one or more numbers of Perlin cells, each at least 1.",
    )
