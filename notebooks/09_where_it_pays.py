# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Critical initialisation pays where a network is deep and warm
#
# **Claim.** What critical initialisation gains over He's, each at its own best learning rate, is set by what is left of a signal
# under He initialisation: nothing is gained while the whole of it arrives at the output, and much when it does not. It arrives in shallow
# networks and in cold ones. Width changes this little, and more data does not change it at all.
#
# ## Question
#
# The last two chapters compared the two initialisations at one depth, one width and two temperatures. Where in the space of
# networks one might really build does the choice matter? And can one tell beforehand, without training anything?
#
# ## Theory
#
# Under He initialisation, $(C_W, C_b) = (2, 0)$, the {term}`kernel` of a smooth network follows $K \to 2\langle\phi_T^2\rangle_K$. As long as
# $K\gg T^2$ the activation is as good as ReLU and $K$ stays; what is missing at each layer is of relative size $T/\sqrt K$ at most, by the laws of
# {doc}`03_relu_limit`. Once $K$ has come down to $T^2$ the gate stands at $g(0)$ for positive and negative signals alike, the network is linear, and
#
# $$
# K^{(\ell+1)} \approx 2\, g(0)^2\, K^{(\ell)},
# $$ (eq-he-collapse)
#
# so that half of it or more is lost at every further layer: $2g(0)^2$ is $1/2$ for the four symmetric gates and $2/e^2 = 0.27$ for GumbelLU.
# Hence there is a depth, falling with the temperature, beyond which a network started by He's rule hears nothing of its input. The quantity
# to look at is $K^{(L)}/K^{(1)}$ under He initialisation, which costs a millisecond to compute: what is left of the signal.

# %%
from smoothrelu import GELU, SWISH, GumbelLU, critical_init_, he_init_
from smoothrelu import figures, grid, summaries, sweep, tables
from smoothrelu.published import published
from smoothrelu.show import glue, table

# %% tags=["parameters"]
temperatures = [3.0, 1.0, 0.1]
depths = [6, 21]
seeds = [0, 1]
learning_rates = [0.01, 0.03]
n_train = 300
device = "auto"

# %% [markdown]
# ## A small map, made with this page
#
# One activation, two depths, three temperatures, two learning rates, two seeds and few images, with `depth` counting linear layers. For each cell
# of the map each initialisation chooses its better learning rate, and the number is the difference of the training losses averaged over a hundred steps,
# He minus critical: positive where critical initialisation is ahead. Bold where the 95 % interval over the seeds excludes zero.

# %%
smooth = [SWISH(T) for T in temperatures]
common = {"dataset": "mnist", "n_train": n_train, "n_test": n_train, "depth": depths, "seed": seeds}
runs = grid(activation=smooth, init=[critical_init_, he_init_], lr=learning_rates, **common)
quick = summaries.gain_at_best_rate(summaries.mean_losses(sweep(runs, device=device)))

# %% mystnb={"figure": {"caption": "The gain of critical initialisation over He's, SWISH on MNIST, this run: each at its own best learning rate.", "name": "fig-pays-quick"}, "image": {"alt": "A grid of two depths by three temperatures, coloured by the gain. The cells of the deeper network at temperatures one and three are the strongest; those at temperature 0.1 are near zero."}} tags=["hide-input"]
figures.gain_map(quick, "depth", "temperature")

# %% [markdown]
# ## The long map
#
# Three activations, five temperatures, four depths up to fifty hidden layers, three learning rates, three seeds, 500 images: {glue:text}`runs:.0f` runs,
# {glue:text}`minutes:.0f` minutes of one core ({glue:text}`device`, torch {glue:text}`torch`), made by `make paper STUDY=mnist_depths`.

# %%
long = published("mnist_depths")
gains = summaries.gain_at_best_rate(long)

# %% mystnb={"figure": {"caption": "The gain of critical initialisation over He's on MNIST, against depth and temperature, long runs: each at its own best of three learning rates. Bold: the 95 % interval over seeds excludes zero.", "name": "fig-pays-map"}, "image": {"alt": "Three panels, SWISH, GELU and GumbelLU, each a grid of four depths by five temperatures coloured by the gain. Cells of high temperature and large depth have the largest gains; the bottom rows of low temperature are near zero at every depth."}} tags=["hide-input"]
figures.gain_map(gains, "depth", "temperature")

# %%
flows = tables.kernel_flows([SWISH, GELU, GumbelLU], sorted(gains["temperature"].unique()), depth=51)
he = flows[flows["init"] == "he"].rename(columns={"layer": "depth", "K": "left"})
shown = gains.merge(he[["activation", "temperature", "depth", "left"]])

# %% mystnb={"figure": {"caption": "The same gains against what theory says is left of the signal at the output under He initialisation. Larger marks: deeper networks. Bars: 95 % intervals.", "name": "fig-pays-theory"}, "image": {"alt": "A scatter plot. For a signal of order one the gains lie at zero; as what is left of the signal falls, over many orders of magnitude, the gains rise, for all three activations along one band."}} tags=["hide-input"]
figures.gain_against(shown, "left", "what is left of the signal under He: K of the output, K of the first layer about 2")

# %% [markdown]
# ## Width, and all the images
#
# Kernels are averages over a layer, so the theory is about wide networks. {numref}`fig-pays-width` varies the width at one depth and one learning rate,
# with five seeds ({glue:text}`width_runs:.0f` runs, `make paper STUDY=mnist_widths`).

# %%
widths = published("mnist_widths")
by_width = summaries.gain_of_critical(widths)

# %% mystnb={"figure": {"caption": "The gain of critical initialisation against the width, eleven layers, 500 images of MNIST, learning rate 0.01. Bars: 95 % intervals over five seeds.", "name": "fig-pays-width"}, "image": {"alt": "Two panels. At temperature one the gains of three activations are positive at every width from 32 to 256; at temperature 0.1 they are near zero."}} tags=["hide-input"]
figures.gain_by_width(by_width)

# %% [markdown]
# And does any of this change with the full data set? One seed on all 60,000 training images of MNIST, tested on all 10,000 test images, through a gradient that is exact, a sum over chunks that fit in memory:

# %%
full = published("mnist_full")

# %% mystnb={"figure": {"caption": "All of MNIST: losses and test accuracy over a hundred full-batch steps at T = 1, one seed.", "name": "fig-pays-full"}, "image": {"alt": "Three panels against the step: training loss, test loss and test accuracy of SWISH, GumbelLU and ReLU. The solid curves of critical initialisation lie near ReLU's black one; the dashed curves of He initialisation lag behind."}} tags=["hide-input"]
figures.learning(full)
