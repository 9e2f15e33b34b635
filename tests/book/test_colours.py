"""The colours of the activations can be told apart: in greys, by colour-blind readers, on both
pages.
"""

import itertools

import numpy as np
import pytest

from smoothrelu.book.figures.style import COLOURS

# Linear RGB as it is, and as readers without the long, middle or short cones see it: Machado,
# Oliveira & Fernandes, 2009, severity 1.
EYES = {
    "all cones": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.01182, 0.04294, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.3039],
    ],
}
# Linear RGB to XYZ over the white of D65.
XYZ = np.array([[0.4339, 0.3762, 0.1899], [0.2127, 0.7152, 0.0722], [0.0178, 0.1095, 0.8727]])


def lab(colour, eye="all cones"):
    """CIE L*, a*, b* of a colour, as that eye sees it."""
    rgb = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    x = XYZ @ np.clip(EYES[eye] @ linear, 0, 1)
    f = np.where(x > 0.008856, np.cbrt(x), 7.787 * x + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_in_greys_no_two_activations_are_nearer_than_nine_steps_of_lightness():
    lightness = sorted(lab(colour)[0] for colour in COLOURS.values())
    assert np.diff(lightness).min() > 8.8


@pytest.mark.parametrize("eye", EYES)
def test_no_two_activations_look_alike_to_any_eye(eye):
    seen = [lab(colour, eye) for colour in COLOURS.values()]
    pairs = itertools.combinations(seen, 2)
    assert min(np.linalg.norm(one - other) for one, other in pairs) > 17
