"""Noise against its textbook definition, and masks."""

import numpy as np

from slsg_edge.synthesis.perlin import perlin_mask, perlin_noise


def _textbook(angles, height, width, cells):
    """Perlin noise one pixel at a time."""
    noise = np.zeros((height, width))
    for row in range(height):
        for column in range(width):
            y, x = row * cells[0] / height, column * cells[1] / width
            i, j = int(y), int(x)
            dots = {}
            for di in (0, 1):
                for dj in (0, 1):
                    angle = angles[i + di, j + dj]
                    dots[di, dj] = np.sin(angle) * (y - i - di) + np.cos(angle) * (x - j - dj)
            fy, fx = ((t**3) * (t * (t * 6 - 15) + 10) for t in (y - i, x - j))
            top = dots[0, 0] + fx * (dots[0, 1] - dots[0, 0])
            bottom = dots[1, 0] + fx * (dots[1, 1] - dots[1, 0])
            noise[row, column] = 2**0.5 * (top + fy * (bottom - top))
    return noise


def test_noise_is_perlins():
    angles = np.random.default_rng(5).uniform(0, 2 * np.pi, (4, 3))
    found = perlin_noise(np.random.default_rng(5), 21, 18, (3, 2))
    np.testing.assert_allclose(found, _textbook(angles, 21, 18, (3, 2)), atol=1e-5)


def test_noise_stays_within_one():
    noise = np.stack([perlin_noise(np.random.default_rng(i), 64, 64, (4, 2)) for i in range(20)])
    assert np.abs(noise).max() <= 1
    assert np.abs(noise).max() > 0.5


def test_a_higher_threshold_gives_a_smaller_mask():
    masks = [
        sum(perlin_mask(np.random.default_rng(i), 64, 64, (2, 4), t).sum() for i in range(20))
        for t in (0.3, 0.5)
    ]
    assert masks[0] > masks[1] > 0
