"""What a unit computes.

`gates` has the formulas of the gates, and `smooth_relu` the smooth ReLUs made of them: SWISH, GELU
and their kin, each with a temperature. `lambda_gelu` is the GELU whose hardness is learned and
`hardening` how it is trained; `surrogate_gradient` is SUGAR, ReLU with the gradient of one of the
`surrogates`. `convert` puts any of them into an existing model. `fused` computes in few passes over
memory, `transforms` asks torch what it is doing, and `protocol` is what other rooms may ask.
"""

from smoothrelu.activations.convert import (
    SubstitutionGap,
    convert_to_lambda_gelu,
    convert_to_sugar,
    replace_modules,
    replace_with_relu,
    substitution_gap,
)
from smoothrelu.activations.gates import Gate
from smoothrelu.activations.hardening import Hardening, hardness_groups, hardness_profile
from smoothrelu.activations.lambda_gelu import LambdaGELU
from smoothrelu.activations.protocol import HasForwardActivation, forward_activation_of
from smoothrelu.activations.smooth_relu import (
    GELU,
    SMOOTH_RELUS,
    SWISH,
    AlgebraicLU,
    GudermanLU,
    GumbelLU,
    Mish,
    SmoothReLU,
    temperature_as_float,
)
from smoothrelu.activations.surrogate_gradient import SUGAR, sugar
from smoothrelu.activations.surrogates import BSiLU, HeLU, NeLU, StochasticReLU

__all__ = [
    "GELU",
    "SMOOTH_RELUS",
    "SUGAR",
    "SWISH",
    "AlgebraicLU",
    "BSiLU",
    "Gate",
    "GudermanLU",
    "GumbelLU",
    "Hardening",
    "HasForwardActivation",
    "HeLU",
    "LambdaGELU",
    "Mish",
    "NeLU",
    "SmoothReLU",
    "StochasticReLU",
    "SubstitutionGap",
    "convert_to_lambda_gelu",
    "convert_to_sugar",
    "forward_activation_of",
    "hardness_groups",
    "hardness_profile",
    "replace_modules",
    "replace_with_relu",
    "substitution_gap",
    "sugar",
    "temperature_as_float",
]
