"""The infinite-width kernels against neural-tangents (Novak et al. 2020), on the same inputs.

Its closed forms for ReLU, GELU and erf hold to rounding; its numerical layer, Gauss-Hermite in two
dimensions, to what that quadrature reaches at temperature 1.
"""

import math

import pytest
import torch

from smoothrelu import GELU, SWISH, infinite_width_kernels


@pytest.fixture(scope="module")
def stax():
    pytest.importorskip("neural_tangents", reason="an optional peer: pip install -e .[peers]")
    from jax import config
    from neural_tangents import stax

    config.update("jax_enable_x64", True)
    return stax


def inputs(equal):
    x = torch.randn(8, 6, generator=torch.Generator().manual_seed(3)).double()
    return x * math.sqrt(6) / x.norm(dim=1, keepdim=True) if equal else x


def theirs(stax, nonlinearity, x, depth, C_W, C_b):
    """Dense in the "ntk" parametrisation gives the biases C_b and the weights C_W as rates."""
    dense = dict(W_std=math.sqrt(C_W), b_std=math.sqrt(C_b))
    hidden = [stax.Dense(1, **dense), nonlinearity] * (depth - 1)
    *_, kernel = stax.serial(*hidden, stax.Dense(1, **dense))
    both = kernel(x.numpy(), None, ("nngp", "ntk"))
    return [torch.tensor(k.tolist(), dtype=torch.float64) for k in (both.nngp, both.ntk)]


def difference(a, b):
    size = b.diag().sqrt()
    return ((a - b) / (size * size[:, None])).abs().max().item()


def disagreement(stax, nonlinearity, activation, depth, equal):
    x, C_W, C_b = inputs(equal), 1.6, 0.2
    options = dict(activation=activation, depth=depth, C_W=C_W, C_b=C_b)
    ours = infinite_width_kernels(x, **options, lambda_W=C_W, lambda_b=C_b)
    pairs = zip(ours, theirs(stax, nonlinearity, x, depth, C_W, C_b), strict=True)
    return max(difference(a, b) for a, b in pairs)


@pytest.mark.parametrize("equal", [True, False], ids=["equal norms", "any norms"])
@pytest.mark.parametrize("depth", [1, 2, 3, 10])
@pytest.mark.parametrize("name", ["Relu", "Gelu", "Erf"])
def test_the_closed_forms_of_neural_tangents_agree(stax, name, depth, equal):
    activation = {"Relu": torch.relu, "Gelu": GELU(), "Erf": torch.erf}[name]
    # its arc cosine of a correlation near 1 has half the digits: the diagonal of ReLU's ntk
    bound = 1e-8 if name == "Relu" else 1e-12
    assert disagreement(stax, getattr(stax, name)(), activation, depth, equal) < bound


@pytest.mark.parametrize("equal", [True, False], ids=["equal norms", "any norms"])
@pytest.mark.parametrize("depth", [2, 3, 6])
def test_the_numerical_layer_of_neural_tangents_agrees_at_temperature_one(stax, depth, equal):
    from jax.nn import sigmoid, silu

    def derivative(u):
        return sigmoid(u) * (1 + u * sigmoid(-u))

    with pytest.warns(UserWarning, match="numerical error is controlled by `deg`"):
        layer = stax.ElementwiseNumerical(silu, deg=60, df=derivative)
    assert disagreement(stax, layer, SWISH(), depth, equal) < 1e-7
