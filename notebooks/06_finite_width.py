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
# # A network is wide when its depth is small against its width, and then the theory is right to 1/n
#
# **Claim.** In a network of finite width $n$ the kernel is a random number.
# The variance of its logarithm grows like the depth over the width, about five per unit of $L/n$ for a critical network with any of the five smooth ReLUs, as for ReLU; the slope follows from two Gaussian averages.
# Its mean moves, to leading order, by a term in $1/n$, towards the side on which the critical point repels.
# At the widths people use, chance carries a kernel away from $K^\star$ long before the instability of $K^\star$ does, after a number of layers proportional to $n$.
#
# ## Question
#
# The chapters before this one speak of networks of infinite width.
# There the {term}`kernel` of a layer is one number, the same for every draw of the weights.
# A real network has a few hundred or a few thousand neurons in a layer.
# How far is its kernel from the theory's, how does the distance depend on width and depth, and does the answer depend on the activation and its temperature?
#
# ## Theory: the kernel as a Markov chain
#
# Feed one input to a network with normal weights and biases.
# Once a layer is given, the {term}`preactivation`s of the next are sums of independent normal numbers: exactly normal, independent of each other, all of the same variance
#
# $$
# \hat K^{(\ell+1)} = C_b + C_W\,\frac1n\sum_{i=1}^n \phi\bigl(z_i^{(\ell)}\bigr)^2 ,
# \qquad z_i^{(\ell)}\sim\mathcal N\bigl(0,\hat K^{(\ell)}\bigr)\ \text{independent}.
# $$ (eq-chain)
#
# So $\hat K^{(1)},\hat K^{(2)},\dots$ is a Markov chain, and {eq}`eq-chain` is not an approximation: it has exactly the distribution of the kernels in real networks, as long as there is one input.
# A network of width 4096 and depth 50 has 3.3 GB of weights; its chain needs 4096 random numbers a layer.
# We use both, and compare them.
#
# The mean of a step is the kernel map $F$ of {eq}`eq-kernel-map`.
# The variance of a step is $N(K)/n$ with
#
# $$
# N(K) = C_W^2\,\bigl(\langle\phi^4\rangle_K-\langle\phi^2\rangle_K^2\bigr).
# $$ (eq-layer-noise)
#
# Write $\hat K = K + \delta$, expand $F$ to second order in $\delta$, and take the mean and the variance of both sides.
# To leading order in $1/n$ the variance of the kernel is $V/n$ and its mean is $K+G/n$, with
#
# $$
# V^{(\ell+1)} = \chi_\parallel^2\,V^{(\ell)} + N(K^{(\ell)}),\qquad
# G^{(\ell+1)} = \chi_\parallel\,G^{(\ell)} + \tfrac12 F''(K^{(\ell)})\,V^{(\ell)},\qquad V^{(1)}=G^{(1)}=0 .
# $$ (eq-leading-order)
#
# These are the recursions for the four-point vertex and for the correction to the kernel in chapters 4 and 5 of {cite:t}`roberts2022`.
# The second derivative is one more Gaussian average: since $d\langle f\rangle_K/dK= \langle f''\rangle_K/2$, and derivatives can be shifted to the normal density,
#
# $$
# F''(K) = \frac{C_W}{4K^4}\,\bigl\langle \phi^2\,(z^4-6Kz^2+3K^2)\bigr\rangle_K .
# $$ (eq-curvature)
#
# **ReLU, exactly.** With $C_W=2$ and $C_b=0$ the step multiplies $\hat K$ by a random factor whose distribution does not depend on $\hat K$, of mean 1 and mean square $1+5/n$.
# So the mean never moves, and
#
# $$
# \frac{\operatorname{Var}\hat K^{(\ell)}}{K^2} = \Bigl(1+\frac5n\Bigr)^{\ell-1}-1 \;\approx\; \frac{5(\ell-1)}n .
# $$ (eq-relu-exact)
#
# **A smooth ReLU at $K^\star$.** There $\chi_\parallel=1$, so $V$ still grows by the same $N(K^\star)$ in each layer, and the relative variance by $c = N(K^\star)/K^{\star2}$, a number that does not depend on the temperature.
# The mean moves by $G/K^\star=\tfrac12\,a\,c\,(\ell-1)(\ell-2)$ with $a=\tfrac12K^\star F''(K^\star)$.
# The map touches the diagonal at a half-stable point, so that the sign of $F''$ is the sign of the drift on both sides: **to leading order the mean always moves to the side on which $K^\star$ repels.**

# %%
import numpy as np
from torch import nn

from smoothrelu import GELU, SMOOTH_RELUS, AlgebraicLU, GumbelLU, Mish
from smoothrelu.book import figures, tables
from smoothrelu.book.notebook import glue, table

# %% tags=["parameters"]
widths = [256, 1024]
budget = 150000
temperatures = [0.1, 0.3, 1.0, 10.0]
seed = 0

# %% [markdown]
# Three ensembles follow, all at the critical initialisation and starting at $K^\star$ (ReLU, for which any kernel is critical, at 1).
# Two were computed once and are committed as a small table: `chain`, thousands of members of the chain at each of five widths, and `networks`, real networks with every weight and bias.
# The third, `quick`, is a smaller sample of the chain drawn anew each time this chapter runs, `budget`$/n$ members at each width $n$ in `widths`.
# In each of the three, the members of all activations are made of the same random numbers.
# Their estimates thus err in the same direction, and their differences are more precise than the estimates themselves.
# Mish joins the five, because its map bends most.

# %%
run = tables.long_run()
chain, networks = run[run["sampled"] == "chain"], run[run["sampled"] == "networks"]
depth = int(run["depth"].max())
activations = [nn.ReLU(), *(kind() for kind in SMOOTH_RELUS), Mish()]
quick = tables.kernel_ensembles(activations, widths, depth=depth, budget=budget, seed=seed)
theory = tables.predictions(activations, depth)
paths = tables.kernel_paths(GELU(), [64, 512, 4096], depth=depth, members=40, seed=seed)

# %% [markdown]
# {numref}`fig-finite-paths` shows what is at stake: forty networks at each of three widths, the same activation, the same initialisation, the same input.

# %% mystnb={"figure": {"caption": "The kernel over the layers in forty critical GELU networks at each width. Grey: two predicted standard deviations of $\\log\\hat K$ on either side.", "name": "fig-finite-paths"}, "image": {"alt": "Three panels for the widths 64, 512 and 4096. Each has forty jagged lines that start at one and spread with the layer: over more than an order of magnitude at width 64, by some tens of percent at width 4096. A grey band that widens with the layer covers most of them."}} tags=["hide-input"]
figures.paths_of_kernels(paths)

# %% [markdown]
# ## The scatter: depth over width
#
# The kernel is close to log-normal, being a product of many random factors.
# At $L/n$ near 1 its own sample variance rests on a few very large members, so the variance of $\log\hat K$ is measured in its place.
# The two have the same leading order, $V/(nK^2)$.
# {numref}`fig-finite-collapse` has it for all layers and widths.

# %% mystnb={"figure": {"caption": "The variance of the logarithm of the kernel against layers over width, all activations and widths. Grey line: $5(\\ell-1)/n$.", "name": "fig-finite-collapse"}, "image": {"alt": "Two double logarithmic panels, the sampled chain on the left and real networks on the right. The points of all activations and widths fall on one straight line of slope one, five times the layers over the width, and bend slightly below it at the upper end."}} tags=["hide-input"]
figures.variance_against_depth_over_width(chain, networks)

# %% [markdown]
# The slope is fitted from the last layer of each width: $n\operatorname{Var}(\log\hat K)/(L-1)$ is a constant, the predicted slope, plus terms in $1/n$ and $1/n^2$ for what the leading order leaves out.
# At width 256, where $5L/n$ is 1, three terms are not enough, and the fit begins at 512.
# Widths are independent of each other, and the standard errors come from the central limit theorem.
# For ReLU the variance is taken as it was sampled.
# For the others only its ratio to ReLU's is, and ReLU's own is known exactly at every width: it is made of the logarithms of $\chi^2$ variables.
# That makes the error ten times smaller.
# {numref}`tab-finite-slopes` has the result.

# %% mystnb={"figure": {"caption": "The variance of $\\log\\hat K$ per unit of $(L-1)/n$: predicted, fitted, and their difference in standard errors.", "name": "tab-finite-slopes"}}
slopes = tables.fitted_slopes(chain[chain["width"] >= 512], theory)
digits = {
    "activation": "{}", "predicted": "{:.3f}", "fitted": "{:.3f}", "error": "{:.3f}",
    "z": "{:+.1f}",
}
table(slopes, digits | {"chi2": "{:.1f}", "freedom": "{:d}"})

# %% [markdown]
# ## The mean: 1/n
#
# The shift is small against the scatter: a few percent of $K^\star$ for the five, where single networks differ by tens of percent.
# It can be measured because the smooth network and a ReLU network made of the same random numbers fluctuate alike, and the mean of the ReLU network's kernel is known exactly.
# {numref}`fig-finite-mean` shows the mean of the difference, {numref}`tab-finite-shifts` its leading order.

# %% mystnb={"figure": {"caption": "The shift of the mean kernel at the last layer, $G/K^\\star$: predicted, fitted, and their difference in standard errors.", "name": "tab-finite-shifts"}}
shifts = tables.fitted_shifts(chain, theory)
table(shifts, digits | {"chi2": "{:.1f}", "freedom": "{:d}"})

# %% mystnb={"figure": {"caption": "The shift of the mean kernel at the last layer against $1/n$. Dashed: the predicted $G/(nK^\\star)$; solid: the fit, with a term in $1/n^2$.", "name": "fig-finite-mean"}, "image": {"alt": "Six panels, one for each smooth activation; the relative shift of the mean kernel against one over the width. GELU and GumbelLU go down, AlgebraicLU and Mish up near the origin, along the predicted dashed tangents; SWISH and GudermanLU start nearly level. Away from the origin SWISH, GELU and GudermanLU curve upwards."}} tags=["hide-input"]
figures.mean_against_inverse_width(chain, shifts)

# %% [markdown]
# ## Real networks, weights and all
#
# The chain is exact on paper.
# As a check of the paper, real networks were drawn once, up to width 4096 and depth 50, one weight matrix at a time.
# The seeds, the version of PyTorch, the commit and the seconds it took stand beside the numbers in `data/results/finite_width.csv`.
# {numref}`tab-finite-networks` compares their last layer with the chain's: mean kernel over $K^\star$, standard deviation of $\log\hat K$, and the differences in standard errors.
# There are too few networks to see the shift of the mean in them; what they test is the chain, by which it was measured.

# %% mystnb={"figure": {"caption": "Real networks and the chain at the last layer; z is the difference in standard errors.", "name": "tab-finite-networks"}}
both = tables.compared(chain, networks)
afresh = tables.compared(chain, quick)
digits = {
    "activation": "{}", "width": "{}", "networks": "{}", "mean": "{:.3f}",
    "mean_chain": "{:.3f}", "z_mean": "{:+.1f}",
}
table(both, digits | {"sd_log_K": "{:.3f}", "sd_log_K_chain": "{:.3f}", "z_variance": "{:+.1f}"})

# %% [markdown]
# ## What the temperature does
#
# So far the kernel started at $K^\star$.
# Now the input has mean square 1 and the temperature varies.
# {numref}`fig-finite-temperature` shows the scatter that this makes, per unit of depth over width, under both initialisations.

# %%
cold_to_hot = np.logspace(-2, 1.5, 50)
curves = tables.temperature_slopes(SMOOTH_RELUS, cold_to_hot, depth=depth)
points = tables.sampled_temperature_slopes(
    SMOOTH_RELUS, temperatures, depth=depth, width=1024, members=150, seed=seed
)

# %% mystnb={"figure": {"caption": "The variance of $\\log\\hat K$ at the last layer per unit of $(L-1)/n$, for inputs of mean square 1. Lines: leading order; circles: chains of width 1024. The dotted line is ReLU's 5.", "name": "fig-finite-temperature"}, "image": {"alt": "Two panels against the temperature. Under critical initialisation the curves stay near five when cold and fall to about one point four when hot. Under He initialisation they rise from five to peaks of hundreds or thousands at temperatures between a fifth and one and then fall to two."}} tags=["hide-input"]
figures.fluctuation_against_temperature(curves, points)

# %% [markdown]
# ## When a kernel leaves
#
# $K^\star$ is half-stable.
# How deep can a critical network of finite width be before its kernel has left?
# Say that it has left when it is off by a factor 2.
# Near $K^\star$, with $y=\log(\hat K/K^\star)$, the chain is close to a diffusion
#
# $$
# dy = a\,y^2\,d\ell + \sqrt{c/n}\;dW_\ell .
# $$ (eq-diffusion)
#
# Two answers compete.
# Chance alone covers a distance of order one in about $n/c$ layers.
# The drift wins once it moves a kernel faster than chance does; if chance only has to push $y$ to where the drift takes over, the balance $y/\ell\sim a y^2$ with $y\sim\sqrt{c\,\ell/n}$ gives
#
# $$
# \ell \sim \Bigl(\frac{n}{c\,a^2}\Bigr)^{1/3},
# $$ (eq-cube-root)
#
# a cube root.
# The two meet at the width $n_\times = c/|a|$: below it a kernel leaves by chance, after a number of layers proportional to $n$ and on either side; above it, by the instability, on the repelling side.
# The lines of {numref}`fig-finite-exit` solve the diffusion with the drift and the noise of the whole map, not only their values at $K^\star$; the circles are sampled chains, up to a width of 1024.
# Beyond it the lines stand alone.
# In {numref}`tab-finite-balance`, slope is $c$, shift is $G/K^\star$ at the last layer, bend is $a$ and balance is $n_\times$.

# %% mystnb={"figure": {"caption": "Slope $c$, shift $G/K^\\star$ at the last layer, bend $a$ and balance $n_\\times = c/|a|$.", "name": "tab-finite-balance"}}
leaving = [nn.ReLU(), GELU(), GumbelLU(), AlgebraicLU(), Mish()]
exits = tables.sampled_exit_layers(leaving, [64, 256, 1024], budget=budget, seed=seed)
exit_curves = tables.exit_layers(leaving, [64, 256, 1024, 2048, 4096, 8192, 16384, 32768, 65536])
table(
    theory[theory["activation"] != "ReLU"],
    {
        "activation": "{}", "slope": "{:.3f}", "shift": "{:+.2f}", "bend": "{:+.2e}",
        "balance": "{:.0f}",
    },
)

# %% mystnb={"figure": {"caption": "Left: the mean number of layers until a critical kernel is off $K^\\star$ by a factor 2. Right: how often it leaves above. Lines: diffusion; circles: sampled chains.", "name": "fig-finite-exit"}, "image": {"alt": "Left: layers until the kernel leaves against the width, both logarithmic; all curves rise in proportion to the width up to about a thousand and then part: GELU and AlgebraicLU above the line of ReLU, GumbelLU below it, Mish first above and at the widest below. Right: the probability to leave above, about a third for all at small width, then towards one or zero."}} tags=["hide-input"]
figures.layers_until_exit(exit_curves, exits)

# %% [markdown]
# ## How to read the figures
#
# **Scatter.** All activations and all widths lie on one line in {numref}`fig-finite-collapse`.
# Only the ratio of depth to width counts, and at criticality the activation hardly does: the predicted slopes run from {glue:text}`least_slope:.2f` to ReLU's {glue:text}`most_slope:.2f`.
# The fits agree with them, the farthest being {glue:text}`slope_z:.1f` standard errors off, and precise enough to tell GELU from ReLU.
# Real networks and the chain differ by at most {glue:text}`both_z:.1f` standard errors, where {glue:text}`both_count:.0f` differences were taken, and the chain drawn afresh with this page by at most {glue:text}`afresh_z:.1f`.
# The bend at the upper end is real: at $L/n$ of a fifth the leading order is no longer enough.
#
# **Mean.** The fitted shifts agree with $G$, the farthest being {glue:text}`shift_z:.1f` standard errors off.
# GELU and GumbelLU, which attract from above, start downwards from the origin; AlgebraicLU and Mish, which attract from below, upwards.
# How far this holds is another matter: for SWISH, GELU and GudermanLU the leading term is so small that the next one overtakes it at widths of several hundred, and at $n=256$ and depth 50 their mean kernels lie *above* $K^\star$, all three.
# A ReLU network's mean does not move at any width; but its *typical* kernel, the median, falls by about $\tfrac52L/n$ in the logarithm, because a log-normal number of mean 1 has a median below 1.
#
# **Temperature.** In {numref}`fig-finite-temperature` every activation and both initialisations reach ReLU's 5 as $T\to0$.
# A hot critical network fluctuates less than ReLU, because most of its kernel comes from the biases and from a nearly linear piece of its activation (a linear network has slope 2).
# He initialisation does something worse than to let the signal die: it makes the hour of death a matter of chance.
# While the kernel falls through the region of $T^2$ the map is steeper than the diagonal in logarithms, so that a small fluctuation early becomes a large one late.
# For {glue:text}`he_worst_name` the slope reaches {glue:text}`he_worst:.0f` at a temperature of {glue:text}`he_worst_T:.2f`.
#
# The peak is where the fall happens just within these fifty layers, and there the leading order is no longer the truth at this width either: the circles lie below the lines.
# Well to the left of the peak the two initialisations are alike.
#
# **Leaving.** At a width of 1024 the ReLU kernel leaves after {glue:text}`relu_exit:.3f` $n$ layers on average, and two in three leave below.
# Up to there the five do nearly the same, whatever side their $K^\star$ repels on, and Mish stays a little longer.
# The farthest circle is {glue:text}`exit_z:.1f` standard errors from its line.
# Only towards $n_\times$ do the activations part.
# GumbelLU's drift goes down, the way most kernels leave by chance, and makes it leave sooner.
# AlgebraicLU and Mish drift up: first this holds back those that would leave below, so that they stay *longer* than ReLU, and then it takes nearly all of them out above, after a number of layers that grows about like the cube root of the width.
# GELU stays longer still: the kernel that leaves its $K^\star$ is caught by the second fixed point of {doc}`02_initialization`, close by.
# So is SWISH's and GudermanLU's, and their $n_\times$ stands in {numref}`tab-finite-balance` far beyond any width in use: their half-stability has no consequence.
#
# ## What this means for your network
#
# Compute $5L/n$: the variance of the logarithm of the kernel, from one draw of the weights to the next.
# At $L/n=1/100$ the kernels of two seeds differ by a factor of about $1.4$; at $1/20$ by a factor of about 2; at 1 the theory of infinite width says nothing about any single network.
# Choosing another smooth ReLU changes this by a few percent.
# Choosing a hot smooth ReLU with He initialisation can change it a hundredfold, and critical initialisation brings it back.
# And do not fear the half-stable point: to leave $K^\star$ takes about a tenth as many layers as there are neurons in one.
#
# ## What would falsify the claim
#
# A fitted slope or shift more than four standard errors from its prediction; real networks whose kernels are distributed otherwise than the chain; a critical ensemble that leaves $K^\star$ after a number of layers that does not follow the diffusion; or a fitted shift of the other sign than $G$, where the fit is precise enough to have a sign.

# %% tags=["hide-input"]
he = curves[curves["init"] == "he"]
worst = he.loc[he["slope"].idxmax()]
per_width = (exit_curves["layers"] / exit_curves["width"]).set_axis(exit_curves["width"])
glue(
    he_worst=worst["slope"], he_worst_T=worst["temperature"], he_worst_name=worst["activation"],
    relu_exit=per_width.loc[[1024]].iloc[0], exit_by_hand=2 * np.log(2) / 15,
    wide_enough=round(10 * 100 / np.log(1.1) ** 2, -3), least_slope=theory["slope"].min(),
    most_slope=theory["slope"].max(),
)

# %%
differences = ["z_mean", "z_variance"]
both_z, afresh_z = (t[differences].abs().to_numpy() for t in (both, afresh))
critical_z = points.loc[points["init"] == "critical", "z"].abs()
glue(
    slope_z=slopes["z"].abs().max(), shift_z=shifts["z"].abs().max(), exit_z=exits["z"].abs().max(),
    both_z=both_z.max(), both_count=both_z.size, afresh_z=afresh_z.max(),
)
assert slopes["z"].abs().max() < 4 and shifts["z"].abs().max() < 4
assert both_z.max() < 4 and afresh_z.max() < 4
assert critical_z.max() < 4 and exits["z"].abs().max() < 4
assert per_width[per_width.index <= 1024].between(0.09, 0.15).all()

# %% [markdown]
# ## Exercises
#
# ::::{admonition} Exercise 1: five for ReLU, two for lines
# :class: exercise
# Let $\phi(x)=x$ for $x>0$ and $sx$ for $x<0$, with $C_b=0$ and the $C_W$ that keeps the mean kernel.
# Find $c=N(K)/K^2$.
# Derive {eq}`eq-relu-exact`, and name the $s$ for which $c$ is smallest.
#
# :::{dropdown} Solution
# Half of all preactivations are on either side, so $\langle\phi^2\rangle_K=\tfrac12(1+s^2)K$ and $\langle\phi^4\rangle_K=\tfrac12(1+s^4)\cdot3K^2$.
# With $C_W\langle\phi^2\rangle_K=K$, {eq}`eq-layer-noise` gives
#
# $$
# c=\frac{\langle\phi^4\rangle_K}{\langle\phi^2\rangle_K^2}-1=\frac{6\,(1+s^4)}{(1+s^2)^2}-1 .
# $$
#
# ReLU, $s=0$, has 5.
# The smallest value is 2, at $s=\pm1$: the line and the absolute value.
# A layer multiplies the kernel by a factor that is a mean of $n$ independent numbers of mean 1 and variance $c$.
# Its mean square is $1+c/n$, the factors of different layers are independent, and $\ell-1$ of them make {eq}`eq-relu-exact`.
# :::
# ::::
#
# ::::{admonition} Exercise 2: two in three leave below
# :class: exercise
# A ReLU kernel has the mean $K^{(1)}$ in every layer, and $y=\log(\hat K/K^{(1)})$ drifts by $-c/2n$ a layer.
# Treat $y$ as continuous.
# Show that the kernel is off by a factor 2 below with probability $\tfrac23$, and after how many layers on average.
#
# :::{dropdown} Solution
# At the moment of leaving the kernel is $2K^{(1)}$ with probability $p$ and $\tfrac12K^{(1)}$ with probability $1-p$, and its mean is still $K^{(1)}$: $2p+\tfrac12(1-p)=1$, so $p=\tfrac13$.
# At that moment $y$ has the mean $\tfrac13\log2-\tfrac23\log2=-\tfrac13\log2$, and it has come there at the rate $-c/2n$.
# That takes $\tfrac{2\log2}{3c}\,n$ layers on average, with $c=5$ about {glue:text}`exit_by_hand:.3f` $n$.
# The figure has {glue:text}`relu_exit:.3f` $n$ at a width of 1024.
# A chain goes in steps and oversteps the mark, by less the wider it is.
# :::
# ::::
#
# ::::{admonition} Exercise 3: how wide is wide?
# :class: exercise
# How wide must a critical network of a hundred layers be, for the kernels of two seeds to differ by 10% typically, that is at one standard deviation?
#
# :::{dropdown} Solution
# The logarithms of the two kernels are independent with the variance $5L/n$ each, so their difference has $10L/n$.
# It is to be $(\log1.1)^2$, which makes $n=10L/(\log1.1)^2$, about {glue:text}`wide_enough:.0f` neurons in each of a hundred layers.
# Nobody builds that network.
# Every real one of this depth has its own kernel.
# :::
# ::::
#
# ## Where this is computed
#
# `smoothrelu/theory/finite_width.py` holds the recursions, the closed forms for ReLU and the chain; `smoothrelu/theory/exit_times.py` the diffusion; `smoothrelu/book/studies/finite_width.py` draws the real networks one weight matrix at a time and writes the committed table (`python -m smoothrelu.book.studies.finite_width`).
# The fits stand in `smoothrelu/book/tables/finite_width_fits.py`.
