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
# # Critical initialisation pays where He's loses the signal
#
# **Claim.** What critical initialisation gains over He's, each at its own best learning rate, is nothing while the signal arrives at the output under He initialisation, and much once it does not, as long as the network can learn at all.
# The signal arrives in cold networks and in shallow ones.
# A network nearly as deep as it is wide learns next to nothing in a hundred steps however it starts, and hot ones are then better off silent.
#
# ## Question
#
# The last two chapters compared the two initialisations at one depth, one width and two temperatures.
# Where in the space of networks one might really build does the choice matter?
# And can one tell beforehand, without training anything?
#
# ## Theory
#
# Under He initialisation, $(C_W, C_b) = (2, 0)$, the {term}`kernel` of a smooth network follows $K \to 2\langle\phi_T^2\rangle_K$.
# As long as $K\gg T^2$ the activation is as good as ReLU and $K$ stays; what is missing at each layer is of relative size $T/\sqrt K$ at most, by the laws of {doc}`03_relu_limit`.
# Once $K$ has come down to $T^2$ the gate stands at $g(0)$ for positive and negative signals alike, the network is linear, and
#
# $$
# K^{(\ell+1)} \approx 2\, g(0)^2\, K^{(\ell)},
# $$ (eq-he-collapse)
#
# so that half of it or more is lost at every further layer: $2g(0)^2$ is $1/2$ for the four symmetric gates and $2/e^2 = 0.27$ for GumbelLU.
# Hence there is a depth, falling with the temperature, beyond which a network started by He's rule hears nothing of its input.
# The quantity to look at is $K^{(L)}/K^{(1)}$ under He initialisation, which costs a millisecond to compute: what is left of the signal.

# %%
from smoothrelu import GELU, SWISH, GumbelLU, critical_init_, he_init_
from smoothrelu import grid, sweep
from smoothrelu.book import figures
from smoothrelu.book.statistics import training as statistics
from smoothrelu.book import tables
from smoothrelu.experiments.committed import published
from smoothrelu.book.notebook import glue, table

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
# One activation, two depths, three temperatures, two learning rates, two seeds and few images, with `depth` counting linear layers.
# For each cell of the map each initialisation chooses its better learning rate, and the number is the difference of the training losses averaged over a hundred steps, He minus critical: positive where critical initialisation is ahead.
# Bold where the 95 % interval over the seeds excludes zero.
# In {numref}`fig-pays-quick` look for the cell that stands out: a deep network, neither cold nor hot.

# %%
smooth = [SWISH(T) for T in temperatures]
runs = grid(
    activation=smooth, init=[critical_init_, he_init_], lr=learning_rates, dataset="mnist",
    n_train=n_train, n_test=n_train, depth=depths, seed=seeds,
)
quick = statistics.gain_at_best_rate(statistics.mean_losses(sweep(runs, device=device)))

# %% mystnb={"figure": {"caption": "The gain of critical initialisation over He's, SWISH on MNIST, this run: each at its own best learning rate.", "name": "fig-pays-quick"}, "image": {"alt": "A grid of two depths by three temperatures, coloured by the gain. The cell of the deeper network at temperature one is by far the strongest; the others are pale."}} tags=["hide-input"]
figures.gain_map(quick, "depth", "temperature")

# %% [markdown]
# ## The long map
#
# Three activations, four temperatures, four depths up to fifty hidden layers, three learning rates, three seeds, 500 images: {glue:text}`runs:.0f` runs, {glue:text}`minutes:.0f` minutes of one core ({glue:text}`device`, torch {glue:text}`torch`), made by `make paper STUDY=mnist_depths`.

# %%
long = published("mnist_depths")
gains = statistics.gain_at_best_rate(long)

# %% mystnb={"figure": {"caption": "The gain of critical initialisation over He's on MNIST, against depth and temperature, long runs: each at its own best of three learning rates. Bold: the 95 % interval over seeds excludes zero.", "name": "fig-pays-map"}, "image": {"alt": "Three panels, SWISH, GELU and GumbelLU, each a grid of four depths by five temperatures coloured by the gain. Cells of high temperature and large depth have the largest gains; the bottom rows of low temperature are near zero at every depth."}} tags=["hide-input"]
figures.gain_map(gains, "depth", "temperature")

# %%
flows = tables.kernel_flows(
    [SWISH, GELU, GumbelLU], sorted(gains["temperature"].unique()), depth=51
)
he = flows[flows["init"] == "he"].rename(columns={"layer": "depth", "K": "left"})
shown = gains.merge(he[["activation", "temperature", "depth", "left"]])

# %% mystnb={"figure": {"caption": "The same gains against what theory says is left of the signal at the output under He initialisation. Larger marks: deeper networks. Arrow heads at the edge: less is left than the axis shows. Bars: 95 % intervals.", "name": "fig-pays-theory"}, "image": {"alt": "A scatter plot. For a signal of order one the gains lie at zero; as what is left of the signal falls to a hundredth and further they rise to between a third and nine tenths of a nat, for all three activations along one band, and fall again towards the left edge, where arrow heads of deep networks lie about zero."}} tags=["hide-input"]
figures.gain_against(
    shown,
    "left",
    "what is left of the signal under He: K of the output, K of the first layer about 2",
)

# %% [markdown]
# ## Width, and all the images
#
# Kernels are averages over a layer, so the theory is about wide networks.
# {numref}`fig-pays-width` varies the width at one depth and one learning rate, with five seeds ({glue:text}`width_runs:.0f` runs, `make paper STUDY=mnist_widths`).

# %%
widths = published("mnist_widths")
by_width = statistics.gain_of_critical(widths)

# %% mystnb={"figure": {"caption": "The gain of critical initialisation against the width, eleven layers, 500 images of MNIST, learning rate 0.01. Bars: 95 % intervals over five seeds.", "name": "fig-pays-width"}, "image": {"alt": "Two panels. At temperature one the gains of three activations are positive at every width from 32 to 256; at temperature 0.1 they are near zero."}} tags=["hide-input"]
figures.gain_by_width(by_width)

# %% [markdown]
# And does any of this change with the full data sets?
# One seed on all 60,000 training images of MNIST and all 50,000 of CIFAR-10, tested on all 10,000 test images of each, through a gradient that is exact, a sum over chunks that fit in memory: {numref}`fig-pays-full` and {numref}`fig-pays-full-cifar10`.

# %%
full, photographs = published("mnist_full"), published("cifar10_full")

# %% mystnb={"figure": {"caption": "All of MNIST: losses and test accuracy over a hundred full-batch steps at T = 1, one seed.", "name": "fig-pays-full"}, "image": {"alt": "Three panels against the step: training loss, test loss and test accuracy of SWISH, GumbelLU and ReLU. The solid curves of critical initialisation lie near ReLU's black one; the dashed curves of He initialisation lag behind."}} tags=["hide-input"]
figures.learning(full)

# %% mystnb={"figure": {"caption": "All of CIFAR-10: the same, one seed.", "name": "fig-pays-full-cifar10"}, "image": {"alt": "Three panels against the step: training loss, test loss and test accuracy of SWISH, GumbelLU and ReLU on CIFAR-10. The solid curves of critical initialisation start above all others and end a little below ReLU's black one; the dashed curves of He initialisation hardly leave 2.3."}} tags=["hide-input"]
figures.learning(photographs)

# %% mystnb={"figure": {"caption": "The gains of {numref}`fig-pays-width`, with their 95 % intervals.", "name": "tab-pays-width"}}
sizes = {"gain": "{:+.3f}", "ci_low": "{:+.3f}", "ci_high": "{:+.3f}", "n_seeds": "{}"}
table(by_width, {"activation": "{}", "temperature": "{:g}", "width": "{}"} | sizes)

# %% [markdown]
# ## How to read the figures
#
# **The map.** In {numref}`fig-pays-map` the bottom rows, of low temperature, are pale at every depth: at $T=0.1$ the largest gain in absolute value is {glue:text}`cold:.2f` nats.
# The strongest cell is {glue:text}`best_activation` at $T={glue:text}`best_T`$ and {glue:text}`best_depth:.0f` layers, {glue:text}`best_gain:.2f` nats.
# Of the {glue:text}`cells:.0f` cells, {glue:text}`ahead:.0f` have an interval wholly above zero and {glue:text}`behind:.0f` one wholly below.
#
# **The reversal.** The cells below zero are the hottest and deepest.
# There He's networks are silent: their output is zero, their loss $\log 10$ at every step, and nothing moves.
# The critical ones speak, but an input of mean square 1 is far below the $K^\star$ of such a temperature, and at a depth of {glue:text}`deepest:.0f` layers against a width of 64 chance has scattered their kernels ({doc}`06_finite_width`: the fluctuations go like $L/n$).
# They begin above $\log 10$, and in a hundred steps do not make up for it.
# A mean loss does not reward a network that can learn later.
# The same holds for ReLU, which at this depth has come from chance to {glue:text}`relu_deep:.2f` only.
#
# **Beforehand.** {numref}`fig-pays-theory` needs no training for its horizontal axis.
# While more than a tenth of the signal is left under He, gains are within {glue:text}`heard:.2f` nats of zero on average; below, up to 21 layers, the mean gain is {glue:text}`unheard:.2f`.
# So the question whether to bother has an answer in a millisecond: compute $K^{(L)}/K^{(1)}$ with $(C_W,C_b)=(2,0)$.
#
# **Width and data.** The gain is there at all widths from 32 to 256, at $T=1$ between {glue:text}`narrow:.2f` and {glue:text}`wide:.2f` nats over activations and widths, and for SWISH and GumbelLU larger in wide networks ({numref}`fig-pays-width`, {numref}`tab-pays-width`); at $T=0.1$ there is none.
# On all 60,000 images critical SWISH ends with a test accuracy of {glue:text}`full_critical:.1%`, He-initialised SWISH with {glue:text}`full_he:.1%`, ReLU with {glue:text}`full_relu:.1%` ({numref}`fig-pays-full`).
# On all 50,000 photographs, after as many steps, it is {glue:text}`photo_critical:.1%`, {glue:text}`photo_he:.1%` and {glue:text}`photo_relu:.1%`, and the training losses are {glue:text}`photo_loss_critical:.2f`, {glue:text}`photo_loss_he:.2f` and {glue:text}`photo_loss_relu:.2f` ({numref}`fig-pays-full-cifar10`): the same order, much earlier in the training.
# Averaged over these steps critical SWISH is level with ReLU, and is ahead of He's by {glue:text}`photo_gain:.2f` nats only, since it starts from a larger loss.
# With one seed there is no interval; the long runs of the last chapter, {doc}`08_cifar10`, have five seeds, on fewer images and over more steps.
#
# ## What this means for your network
#
# Take the root mean square of your inputs as the unit.
# If the temperature of your activation (for nn.SiLU and nn.GELU it is 1) is a tenth of it, use He's rule and think no more.
# If it is of that size, and the network has ten layers or more and no normalisation, call `critical_init_`.
# If the temperature is larger, scale the inputs up first, towards the $K^\star$ of {doc}`02_initialization`.
# And keep the network wider than it is deep.
#
# ## What would falsify the claim
#
# A gain at $T=0.1$ that grows with depth; a network of twenty layers at $T=1$ that does as well from He's start; gains that depend on something else than what is left of the signal, such as an activation whose marks lie off the others in {numref}`fig-pays-theory`.
# The last cell checks the first two.
#
# ```{admonition} Exercises
# :class: exercise
#
# 1. At which depth does He initialisation lose nine tenths of the signal of a SWISH network at $T=1$, for inputs of mean square 1?
#    Estimate it from {eq}`eq-he-collapse`.
# 2. Re-run the page with the temperatures divided and see where the small map turns pale: `make chapter CHAPTER=09_where_it_pays PARAMS='temperatures=[1.0, 0.5, 0.2]'`.
#
# :::{dropdown} Solutions
# 1. No layer loses more than a half, so it takes more than $\log_2 10\approx 3.3$ layers after the first.
#    At the start less is lost, since $K^{(1)}=2$ is still above $T^2$ and the gate opens and shuts.
#    The flow itself falls below a tenth at layer {glue:text}`tenth:.0f`.
# 2. The ratio $K^{(L)}/K^{(1)}$ at 21 layers rises steeply as $T$ falls, and the gain with it falls to zero.
# :::
# ```

# %% tags=["hide-input"]
cold = gains[gains["temperature"] == 0.1]["gain"].abs().max()
best = gains.loc[gains["gain"].idxmax()]
glue(
    cold=cold, best_activation=best["activation"], best_T=f"{best['temperature']:g}",
    best_depth=best["depth"], best_gain=best["gain"], cells=len(gains),
    ahead=(gains["ci_low"] > 0).sum(), behind=(gains["ci_high"] < 0).sum(), deepest=gains["depth"].max(),
)

# %% tags=["hide-input"]
relu = statistics.at_best_rate(long[long["activation"] == "ReLU"])
relu = statistics.mean_over_seeds(relu).set_index("depth")
heard, unheard = shown[shown["left"] > 0.2], shown[(shown["left"] <= 0.2) & (shown["depth"] <= 21)]
swish = he[(he["activation"] == "SWISH") & (he["temperature"] == 1.0)].set_index("depth")["left"]
record = long.attrs
glue(
    relu_deep=relu["final_loss"].iloc[-1], heard=heard["gain"].abs().mean(),
    unheard=unheard["gain"].mean(), tenth=(swish < 0.1 * swish.iloc[0]).idxmax(),
    runs=record["runs"], minutes=record["seconds"] / 60, device=", ".join(record["device"]),
    torch=", ".join(record["torch"]),
)

# %% tags=["hide-input"]
warm = by_width[by_width["temperature"] == 1.0]["gain"]
last = statistics.final_rows(full).set_index(["activation", "init"])["test_acc"]
glue(
    narrow=warm.min(), wide=warm.max(), width_runs=widths.attrs["runs"],
    full_critical=last["SWISH", "critical"], full_he=last["SWISH", "he"],
    full_relu=last["ReLU", "he"],
)

# %% tags=["hide-input"]
last = statistics.final_rows(photographs).set_index(["activation", "init"])
glue(
    photo_critical=last["test_acc"]["SWISH", "critical"], photo_he=last["test_acc"]["SWISH", "he"],
    photo_relu=last["test_acc"]["ReLU", "he"],
    photo_loss_critical=last["train_loss"]["SWISH", "critical"],
    photo_loss_he=last["train_loss"]["SWISH", "he"],
    photo_loss_relu=last["train_loss"]["ReLU", "he"],
    photo_gain=last["mean_loss"]["SWISH", "he"] - last["mean_loss"]["SWISH", "critical"],
)

# %%
at = gains.set_index(["activation", "temperature", "depth"])["gain"]
assert cold < 0.3 and at["SWISH", 1.0, 21] > 0.2 and warm.min() > 0
assert unheard["gain"].mean() > heard["gain"].abs().mean()

# %% [markdown]
# ## Where this is computed
#
# The runs and tables are those of the last two chapters; `smoothrelu/book/studies/full_batch.py` lists the long ones, `depths`, `widths` and `full`.
# `smoothrelu/book/statistics/training.py` has the gains with their intervals, `smoothrelu/book/tables/criticality.py` the flows of the kernel, and `smoothrelu/book/figures/training.py` the maps.
