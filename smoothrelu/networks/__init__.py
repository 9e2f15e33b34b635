"""Finite networks: built, initialised and measured.

mlp              MLP, and the linear layers of any module
initialisation   critical_init_, he_init_, gaussian_init_, standard_init_
image_networks   the networks that the experiments train on images
layerwise        preactivations and kernels of every layer
random_networks  samplers of wide random networks, many settings at once
ntk, ntk_path    the empirical NTK and its path in training; layer_factors makes it fast
sign_flips, dead_units, loss_landscape   what the chapters on the NTK and on SUGAR measure
"""

from smoothrelu.networks.dead_units import Firing as Firing
from smoothrelu.networks.dead_units import count_firing as count_firing
from smoothrelu.networks.dead_units import firing_histogram as firing_histogram
from smoothrelu.networks.dead_units import firing_table as firing_table
from smoothrelu.networks.initialisation import critical_init_ as critical_init_
from smoothrelu.networks.initialisation import gaussian_init_ as gaussian_init_
from smoothrelu.networks.initialisation import he_init_ as he_init_
from smoothrelu.networks.initialisation import standard_init_ as standard_init_
from smoothrelu.networks.layerwise import network_kernels as network_kernels
from smoothrelu.networks.layerwise import preactivations as preactivations
from smoothrelu.networks.loss_landscape import loss_surface as loss_surface
from smoothrelu.networks.mlp import MLP as MLP
from smoothrelu.networks.ntk import empirical_ntk as empirical_ntk
from smoothrelu.networks.ntk import jacobian_ntk as jacobian_ntk
from smoothrelu.networks.ntk_path import NTKTracker as NTKTracker
