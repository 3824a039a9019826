"""The views of a picture as inline SVG: as the camera saw it, and with the heat over it.

Knows nothing about verdicts; what stands around a view is for the page.
"""

from html import escape

from slsg_edge.reports.layers import LayeredPicture


def plain_view(index: int, picture: LayeredPicture) -> str:
    """The image itself, stored under the number that other views refer to."""
    return _view(
        picture,
        "photo",
        f'<image id="image-{index}" width="{picture.width}" height="{picture.height}" '
        f'href="{picture.image}"/>{_outline(picture)}',
    )


def boxed_view(index: int, picture: LayeredPicture) -> str:
    """The image, not stored again, with a box around what stands out."""
    box = ""
    if picture.box:
        left, top, width, height = picture.box
        box = f'<rect class="box" x="{left}" y="{top}" width="{width}" height="{height}"/>'
    return _view(picture, "photo", f'<use href="#image-{index}"/>{_outline(picture)}{box}')


def hot_view(index: int, picture: LayeredPicture, name: str) -> str:
    """The same image, not stored again, with the heat over it; `name` says whose map it is."""
    own = picture.own_heat
    heat = _heat(picture, picture.heat, "one-scale" if own else "")
    return _view(
        picture,
        name if picture.heat else "no anomaly map",
        f'<use href="#image-{index}"/>{heat}{_heat(picture, own, "own-scale")}{_outline(picture)}',
    )


def _heat(picture: LayeredPicture, heat: str | None, scale: str) -> str:
    """The style sheet shows one of the scales."""
    if heat is None:
        return ""
    mark = f' class="{scale}"' if scale else ""
    return (
        f'<image{mark} width="{picture.width}" height="{picture.height}" '
        f'preserveAspectRatio="none" href="{heat}"/>'
    )


def _view(picture: LayeredPicture, name: str, content: str) -> str:
    return (
        f'<span class="view"><svg viewBox="0 0 {picture.width} {picture.height}" '
        f'width="{picture.width}" height="{picture.height}" aria-hidden="true">{content}</svg>'
        f"<small>{escape(name)}</small></span>"
    )


def _outline(picture: LayeredPicture) -> str:
    return f'<path class="outline" d="{picture.outline}"/>' if picture.outline else ""
