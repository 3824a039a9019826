"""The views of a picture as inline SVG: as the camera saw it, and with the heat over it.

Knows nothing about verdicts; what stands around a view is for the page.
"""

from slsg_edge.reports.layers import LayeredPicture


def plain_view(index: int, picture: LayeredPicture) -> str:
    """The image itself, stored under the number that other views refer to."""
    return _svg(
        picture,
        f'<image id="image-{index}" width="{picture.width}" height="{picture.height}" '
        f'href="{picture.image}"/>{_outline(picture)}',
    )


def hot_view(index: int, picture: LayeredPicture) -> str:
    """The same image, not stored again, with the heat over it."""
    heat = picture.heat and (
        f'<image width="{picture.width}" height="{picture.height}" preserveAspectRatio="none" '
        f'href="{picture.heat}"/>'
    )
    return _svg(picture, f'<use href="#image-{index}"/>{heat or ""}{_outline(picture)}')


def _svg(picture: LayeredPicture, content: str) -> str:
    return (
        f'<svg viewBox="0 0 {picture.width} {picture.height}" width="{picture.width}" '
        f'height="{picture.height}" aria-hidden="true">{content}</svg>'
    )


def _outline(picture: LayeredPicture) -> str:
    return f'<path class="outline" d="{picture.outline}"/>' if picture.outline else ""
