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
# # When is a smooth ReLU ReLU-like?
#
# ReLU has a corner.
# SWISH, GELU and their relatives round it off over a width $T$, the **temperature**, and a network made of them can be differentiated as often as one likes.
# But does it still behave like a ReLU network?
#
# **The answer of this book: when the temperature is small against the signal; and at any temperature, when the network is initialised at criticality and its inputs are scaled to go with it.**
#
# Turn the temperature in {numref}`fig-dial` and three things move together: the corner opens, the slope overshoots farther out, and criticality, where a deep network neither loses nor amplifies its signal, asks for more bias and larger inputs, both in proportion to $T^2$.

# %% tags=["remove-input"]
import numpy as np

from smoothrelu import SMOOTH_RELUS
from smoothrelu.book import figures, tables
from smoothrelu.book.claims import board_of_claims, read_claims
from smoothrelu.book.slider import dial
from smoothrelu.book.notebook import glue

# %% tags=["parameters", "remove-input"]
temperatures = [0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0]
depth = 50

# %% mystnb={"figure": {"caption": "The five smooth ReLUs of the book at one temperature, their slopes, and the variances of weights and biases ($C_W$, $C_b$) that make a network of them critical, with its kernel $K^\\star$ and the mean square of the inputs that start there. Black: ReLU.", "name": "fig-dial"}} tags=["remove-input"]
curves = tables.activation_curves(SMOOTH_RELUS, temperatures, np.linspace(-3, 3, 241))
constants = tables.critical_constants(SMOOTH_RELUS, temperatures)
stops = {
    tables.critical_in_words(constants, T): figures.at_temperature(curves, constants, T)
    for T in temperatures
}
seen = "Five activations, their derivatives, and their critical constants on a logarithmic axis. {}"
dial(stops, label="Temperature", alt=seen, shown=3 * len(stops) // 4)

# %% [markdown]
# {numref}`fig-answer` is the answer as a computation: what fifty layers leave of a signal of size one.

# %% mystnb={"figure": {"caption": "What is left of a signal of size one after fifty layers of a wide network, against the temperature of its activations. Initialised as one initialises ReLU (dashed), smooth networks lose their signal as soon as the temperature is not small; initialised at their own critical point (solid) they keep it.", "name": "fig-answer"}, "image": {"alt": "The kernel after fifty layers against the temperature, on logarithmic axes. Dashed curves of He initialisation fall off a cliff between temperatures 0.1 and 1, by many orders of magnitude; solid curves of critical initialisation stay between about 1 and 100."}} tags=["remove-input"]
flows = tables.kernel_flows(SMOOTH_RELUS, temperatures, depth=depth)
figures.kernel_against_temperature(flows)

# %% tags=["remove-input"]
last = flows[flows["layer"] == depth].groupby(["temperature", "init"])["K"].agg(["min", "max"])
hottest = max(temperatures)
glue(
    he_hottest=last.loc[hottest, "he"]["max"],
    critical_lowest=last.xs("critical", level="init")["min"].min(),
)
assert hottest < 1 or last.loc[hottest, "he"]["max"] < 1e-3
assert last.xs("critical", level="init")["min"].min() > 0.1

# %% [markdown]
# At $T$ equal to the size of the signal and above, not one of the five activations carries more than a trace of it through fifty layers under He initialisation (at the highest temperature shown the best keeps {glue:text}`he_hottest:.0e`), while under critical initialisation the least that is left, at any temperature, is {glue:text}`critical_lowest:.2f`.
# Both figures come from the run that made this page, as every number in this book does.
#
# ## The claims, and what became of them
#
# {numref}`tab-claims` has a line for each claim of the papers, and in a group at its end for each that this book adds: a verdict, and the number it was computed from, with its bounds.
# A claim holds if the whole 95 % interval over seeds lies within its bounds, fails if it lies outside, and is undecided otherwise.
# Where a claim is about all activations, the number is that of the worst one.

# %% mystnb={"figure": {"caption": "The board of claims. In parentheses: 95 % interval over seeds, where there are seeds.", "name": "tab-claims"}} tags=["remove-input"]
board = read_claims()
board_of_claims(board)

# %% tags=["remove-input"]
verdicts = board["verdict"].value_counts()
glue(claims=len(board), holding=verdicts.get("holds", 0), failing=verdicts.get("fails", 0))
assert board["verdict"].notna().all()

# %% [markdown]
# Of the {glue:text}`claims:.0f` claims {glue:text}`holding:.0f` hold and {glue:text}`failing:.0f` fail.
# The board is `book/claims.yml`; a test of the project measures every claim again and compares.
#
# ## How to read
#
# - {doc}`01_definitions`: the five activations and what the temperature does to them.
#   Five minutes.
# - {doc}`02_initialization`: why signals die, and the variances at which they do not, for every activation and temperature.
# - {doc}`03_relu_limit`: how fast each quantity approaches ReLU's as the temperature falls; the powers differ.
# - {doc}`04_flows`: what happens to a signal off the critical point, how fast, and from where.
# - {doc}`05_infinite_width` and {doc}`06_finite_width`: kernels of infinitely wide networks, and how wide is wide.
# - {doc}`07_mnist` and {doc}`08_cifar10`: the same seen in training, on real images, with both initialisations and ReLU beside them.
# - {doc}`09_where_it_pays`: at which depths, temperatures and widths the choice of initialisation matters, and how to tell beforehand.
# - {doc}`10_ntk`: the tangent kernel on its way through training, smooth or jumping.
# - {doc}`11_lambda_gelu`: GELUs that learn how hard to be, and are carried to ReLU.
# - {doc}`12_sugar`: ReLU with the slope of a smooth surrogate in going back: what it wakes, and what it costs.
# - {doc}`../notation` translates the symbols; {doc}`../provenance` says what was computed where, when and with which versions.
#
# This is an executable book.
# Each chapter states a claim, computes it, shows it, says what would falsify it, and ends with a check that stops the build if the claim has ceased to hold.
# It reproduces and extends the paper of the same title {cite:p}`smoothrelu2023`.
#
# ## How to use it
#
# In your own PyTorch code, one line initialises a network of linear layers and one activation at criticality:
#
# ```python
# from smoothrelu import MLP, GumbelLU, critical_init_
#
# net = MLP(784, 10, width=128, depth=20, activation=GumbelLU(0.5))
# critical_init_(net)
# ```
#
# ## How to re-run
#
# In a clone of the project, with Python and make, `make book` builds this site from the images up.
# To see a chapter at temperatures of your own,
#
# ```
# make chapter CHAPTER=02_initialization PARAMS='temperatures=[0.3]'
# ```
#
# executes that chapter only.
# Each page ends with its own command and shows the parameters it was made with.
