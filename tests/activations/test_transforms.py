"""Another version of torch may lack the private names: the plain compositions run then."""

import subprocess
import sys

import pytest

PLAIN = """
import torch
from torch.autograd import forward_ad

del {name}
from smoothrelu import BSiLU, GELU, LambdaGELU, SUGAR, SWISH
from smoothrelu.activations.transforms import under_transform

assert under_transform()
x = torch.linspace(-3, 3, 13, dtype=torch.float64, requires_grad=True)
for activation in (SWISH(0.5), GELU(0.5), BSiLU()):
    (slope,) = torch.autograd.grad(activation(x).sum(), x)
    torch.testing.assert_close(slope, activation.derivative(x.detach()))
torch.autograd.grad(LambdaGELU(2.0)(x).sum(), x)
assert torch.equal(SUGAR()(x), torch.relu(x))
"""


@pytest.mark.parametrize(
    "name",
    [
        "forward_ad._current_level",
        "torch._C._are_functorch_transforms_active",
        "torch._C._functorch",
        "torch._C._functorch.is_legacy_batchedtensor",
    ],
)
def test_where_a_private_name_is_missing_the_plain_path_runs(name):
    process = subprocess.run(
        [sys.executable, "-c", PLAIN.format(name=name)], capture_output=True, text=True
    )
    assert process.returncode == 0, process.stderr
