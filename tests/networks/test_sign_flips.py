"""Sign flips of preactivations are counted as what they are: crossings, and returns."""

import pytest
import torch
from torch import nn

from smoothrelu import gradient_descent
from smoothrelu.networks.sign_flips import SignFlips


def test_a_unit_that_goes_to_and_fro_flips_at_every_step_and_one_that_crosses_flips_once():
    net = nn.Sequential(nn.Linear(1, 2, bias=False), nn.ReLU(), nn.Linear(2, 1))
    observer = SignFlips(torch.ones(1, 1))
    seen = []
    for step, weights in enumerate(([1.0, -3.0], [-1.0, -2.0], [1.0, -1.0], [-1.0, 1.0])):
        with torch.no_grad():
            net[0].weight.copy_(torch.tensor(weights)[:, None])
        seen.append({name: value.item() for name, value in observer(step, net).items()})
    assert seen == [
        {},
        {"sign_flips": 1},
        {"sign_flips": 1, "sign_returns": 1},
        {"sign_flips": 2, "sign_returns": 1},
    ]


@pytest.mark.parametrize("steps", [20, 200])
def test_a_relu_held_at_zero_from_both_sides_flips_at_every_step_however_small(steps):
    """The loss is relu(w) - w/2 = |w|/2: it pushes w down from above zero, up from below."""
    net = nn.Sequential(nn.Linear(1, 1, bias=False), nn.ReLU(), nn.Linear(1, 1, bias=False))
    lr = 1.0 / steps
    with torch.no_grad():
        net[0].weight.fill_(lr / 4)
        net[2].weight.fill_(1.0)
    net[2].requires_grad_(False)
    x = torch.ones(1, 1)

    def loss(output, y):
        return (output - net[0].weight[:, 0] / 2).sum()

    records = gradient_descent(net, x, x, lr=lr, steps=steps, loss=loss, observers=[SignFlips(x)])
    flips = [r["sign_flips"] for r in records if "sign_flips" in r]
    assert sum(flips) == steps
