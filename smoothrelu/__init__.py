"""smoothrelu: when is a smooth ReLU ReLU-like? Activations with a temperature, and what it does to
deep networks.
"""

from smoothrelu.activations import GELU as GELU
from smoothrelu.activations import SMOOTH_RELUS as SMOOTH_RELUS
from smoothrelu.activations import SWISH as SWISH
from smoothrelu.activations import AlgebraicLU as AlgebraicLU
from smoothrelu.activations import GudermanLU as GudermanLU
from smoothrelu.activations import GumbelLU as GumbelLU
from smoothrelu.activations import Mish as Mish
from smoothrelu.activations import SmoothReLU as SmoothReLU
from smoothrelu.criticality import Criticality as Criticality
from smoothrelu.criticality import NoCriticality as NoCriticality
from smoothrelu.criticality import criticality as criticality
from smoothrelu.datasets import Dataset as Dataset
from smoothrelu.datasets import load_dataset as load_dataset
from smoothrelu.experiments import Run as Run
from smoothrelu.experiments import grid as grid
from smoothrelu.experiments import sweep as sweep
from smoothrelu.gaussian import gaussian_mean as gaussian_mean
from smoothrelu.kernels import chi_parallel as chi_parallel
from smoothrelu.kernels import chi_perp as chi_perp
from smoothrelu.kernels import kernel_map as kernel_map
from smoothrelu.network import MLP as MLP
from smoothrelu.network import critical_init_ as critical_init_
from smoothrelu.network import gaussian_init_ as gaussian_init_
from smoothrelu.network import he_init_ as he_init_
from smoothrelu.network import standard_init_ as standard_init_
from smoothrelu.training import Diverged as Diverged
from smoothrelu.training import gradient_descent as gradient_descent
