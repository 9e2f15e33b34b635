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
# # Near criticality depth acts as a power, and mostly later than networks are deep
#
# **Claim.** At its critical initialisation the kernel of a smooth ReLU approaches its fixed point as one over the depth, and the gradient changes as a power of the depth, with an exponent that two integrals give.
# But the five activations reach these powers only after hundreds to tens of thousands of layers.
# Before that, what counts is how far from $K^\star$ the first layer starts.
# The angle between two inputs closes as ReLU's does, with $1-\rho$ falling like the depth to the power $-2$, until it feels the rounded corner; from a depth proportional to $\sqrt K/T$ on, it falls like one over the depth.
#
# ## Question
#
# {doc}`02_initialization` found the variances at which both susceptibilities are 1, and said "the kernel drifts, slowly".
# How slowly?
# At an ordinary fixed point a deviation shrinks in every layer by the factor $\chi_\parallel$, so exponentially, over $\xi = -1/\ln\chi_\parallel$ layers.
# At the critical one that length is infinite and the exponential law says nothing.
# What replaces it, how deep must a network be to see it, and what lies around the critical point?
#
# ## Theory: what replaces the exponential
#
# Write $\delta = K-K^\star$ and expand the kernel map and $\chi_\perp$ at the half-stable point:
#
# $$
# \delta' = \delta + a\,\delta^2 + \dots,\qquad \chi_\perp = 1 + b\,\delta + \dots
# $$ (eq-expansion)
#
# Both constants are integrals over the normal density, with every derivative in $K$ moved onto the density by parts:
#
# $$
# a = \frac{C_W}{4K^3}\big\langle z\,\phi\,\phi'\,(z^2-3K)\big\rangle_K,\qquad
# b = \frac{C_W}{2K^2}\big\langle \phi'^2\,(z^2-K)\big\rangle_K,\qquad K=K^\star.
# $$ (eq-rates)
#
# The inverse $u=1/\delta$ obeys $u' = u - a + O(1/u)$, so it falls by $a$ in every layer.
# Summing $\ln\chi_\perp$ then gives the squared gradient:
#
# $$
# \delta^{(\ell)} = \frac{\delta^{(1)}}{1-a\,\delta^{(1)}(\ell-1)},\qquad
# \prod\chi_\perp = \big(1-a\,\delta^{(1)}(\ell-1)\big)^{-b/a}.
# $$ (eq-power-law)
#
# If $a\,\delta^{(1)}<0$ the kernel comes closer, $\delta\to-1/(a\ell)$, and the gradient tends to a power of the depth, $\ell^{-b/a}$.
# So the point attracts from below where $a>0$ and from above where $a<0$.
# The classification is that of {cite:t}`roberts2022`; the form with a start, which says **when** the power begins, is worked out for this book.
# While $\ell$ is small against $1/|a\,\delta^{(1)}|$ the second formula of {eq}`eq-power-law` is just $\exp(b\,\delta^{(1)}\ell)$.
# Depth acts exponentially first and as a power later.

# %%
import numpy as np

from smoothrelu import SMOOTH_RELUS, SWISH, Mish
from smoothrelu.book import figures, tables
from smoothrelu.book.slider import dial
from smoothrelu.book.notebook import glue, table

# %% tags=["parameters"]
depth = 20000
offset = 0.1
temperatures = [0.1, 0.03, 0.01]
x_square = 1.0
width = 1000
seeds = [0, 1, 2]

# %% [markdown]
# ## The rates
#
# {numref}`tab-critical-rates` gives the constants without units: $a K^\star$, $b K^\star$, and $c K^\star$, which is explained further down.
# `power_layers` is $1/|aK^\star|$, the number of layers after which a network that starts a whole $K^\star$ away has entered its power law; `gradient_layers` is $1/|bK^\star|$, over which its squared gradient changes by a factor e.
# The last two columns name the nearest ordinary attractor, in units of $K^\star$, and its $\xi$.
# Mish is listed for comparison.

# %% mystnb={"figure": {"caption": "The rates at the critical point, in units of $K^\\star$, and its nearest ordinary attractor.", "name": "tab-critical-rates"}}
rates = tables.critical_rates((*SMOOTH_RELUS, Mish))
digits = {
    "activation": "{}", "a": "{:.3g}", "b": "{:.4f}", "c": "{:.4f}",
    "gradient_exponent": "{:.1f}",
}
digits |= {
    "power_layers": "{:.0f}", "gradient_layers": "{:.0f}", "neighbour": "{:.4f}",
    "length": "{:.3g}",
}
table(rates, digits)

# %% [markdown]
# The surprise is how small $a$ is.
# For GudermanLU and SWISH the map touches the diagonal so closely that it takes tens of thousands of layers to tell the power law from a kernel at rest, and the exponent of the gradient, {glue:text}`swish_exponent:.0f` for SWISH, is a formal statement about depths nobody builds.
# There is a reason: a second fixed point lies {glue:text}`swish_neighbour:.1%` from the first, the two nearly cancel each other's pull, and {eq}`eq-power-law` holds only closer to $K^\star$ than that.
# For AlgebraicLU, GumbelLU and Mish the law is within reach of a computation, and {numref}`fig-slow-flows` compares it with the exact recursion.

# %% mystnb={"figure": {"caption": "Critical networks of infinite width that start 10% from $K^\\star$, on the side that attracts. Left: the distance from $K^\\star$. Right: the squared gradient. Lines: exact recursion. Dotted: the law.", "name": "fig-slow-flows"}, "image": {"alt": "Two panels with logarithmic axes. Left, the distance of the kernel from the critical kernel stays level for hundreds of layers and then bends into a falling power of the depth, first for Mish, last for GudermanLU. Right, the squared gradient leaves one after about a hundred layers, upwards for the activations that attract from above and downwards for the others. Dotted laws lie on the lines except for SWISH, GELU and GudermanLU at great depth."}} tags=["hide-input"]
slow = tables.slow_flows((*SMOOTH_RELUS, Mish), offset=offset, depth=depth)
figures.slow_flows(slow)

# %% [markdown]
# ## Around the critical point
#
# A kernel that starts at $K^\star$ is now sent through networks of any $(C_W, C_b)$.
# Measured in $T^2$, kernels and $C_b$ know no temperature, so {numref}`fig-phases` serves all of them.
# In the blue region the kernel comes to rest where $\chi_\perp<1$: gradients vanish and all inputs become alike, the ordered phase.
# In the red region it comes to rest where $\chi_\perp>1$: gradients explode and close inputs part, the chaotic phase.
# In the grey region it never rests.
# Two lines are exact: the edge of chaos, where the fixed point has $\chi_\perp=1$, and the fold, where $\chi_\parallel=1$ and a pair of fixed points is born.
#
# The squares are real networks of {glue:text}`width:.0f` neurons a layer, at four points on either side of these lines.
# They start at the kernel where the diagram says the flow comes to rest, or at $K^\star$ where it says never.
# Two inputs that are close together are followed through 40 layers, and the square has the colour of how fast they part: where theory is right, it can hardly be told from its surroundings, and only in the grey region does it stand out, being red.

# %% tags=["hide-input"]
diagram = tables.phases(SMOOTH_RELUS, np.linspace(1.94, 2.04, 81), np.linspace(0, 3, 61), start=1.0)
boundaries = tables.phase_boundaries(SMOOTH_RELUS, np.geomspace(0.02, 60, 1001))
fold = boundaries[(boundaries["activation"] == "SWISH") & (boundaries["line"] == "fold")]
glue(cusp=fold.loc[fold["C_W"].idxmin(), "K_share"])

# %% mystnb={"figure": {"caption": "Where a kernel that starts at $K^\\star$ goes, for all temperatures at once: $\\ln\\chi_\\perp$ at the end of its flow, over the two variances. Squares: the same from real networks. PyTorch's default, $C_W=1/3$, lies far outside, on the left.", "name": "fig-phases"}, "image": {"alt": "Five panels, one for each activation, weight variance from 1.94 to 2.04 against bias variance in units of the critical one. Blue below and to the left is ordered, red above is chaotic, grey to the right of weight variance 2 is growth without end. A solid line, the edge of chaos, comes from above and ends at the critical point, where it meets the dashed fold. The triangle of He initialisation lies on the lower axis at weight variance 2. Four squares in each panel, from real networks, have the colour of their surroundings: two in the ordered region, one near or in the chaotic one, one in the grey."}} tags=["hide-input"]
points = [(1.95, 1.0), (1.95, 2.0), (1.99, 1.5), (2.02, 1.5)]
squares = tables.measured_phases(SMOOTH_RELUS, points, depth=40, width=width, seeds=range(16))
figures.phase_diagrams(diagram, boundaries, squares, zoom=(1.94, 2.04))

# %% [markdown]
# In units of its critical $C_b$ a diagram is the same at every temperature, but the place from which an input starts is not: $K^*$ grows like $T^2$, and an input stays as it is.
# The slider of {numref}`fig-phase-dial` turns the temperature in units of the one at which the first layer's kernel is $K^*$.
# Below it the input starts above $K^*$, and beyond the fold it is free to grow; above it the input starts below, and everything near the critical point is at rest or dies.

# %%
C_W, share = np.linspace(1.94, 2.04, 51), np.linspace(0, 3, 41)
ratios = [0.3, 0.5, 0.7, 1, 1.4, 2, 3]
grids = {r: tables.phases(SMOOTH_RELUS, C_W, share, start=r**-2) for r in ratios}

# %% mystnb={"figure": {"caption": "The phase diagram around the critical point, from a first kernel that the temperature places above or below K*. Zoomed in around the critical variance of the weights.", "name": "fig-phase-dial"}} tags=["hide-input"]
words = {
    r: f"T = {r:g} times the temperature at which the first kernel is K*; K(1) = {r**-2:.2g} K*"
    for r in grids
}
stops = {
    words[r]: figures.phase_diagrams(grid, boundaries, zoom=(1.94, 2.04))
    for r, grid in grids.items()
}
seen = "Five phase diagrams over the two variances, with the edge of chaos and the fold. {}."
dial(stops, label="Temperature", alt=seen, shown=3)

# %% [markdown]
# The critical point is the place where the edge of chaos ends in the fold, and that is why it is half-stable: on a fold the attractor and its repelling twin are one.
# The fold has two branches, which meet in a cusp, and at the cusp the constant $a$ of {eq}`eq-rates` vanishes.
# The critical point of SWISH all but coincides with it: the cusp's kernel is {glue:text}`cusp:.2f` $K^\star$.
# This is the geometric reason for its small $a$.
# Above it the edge goes on, and there the fixed point is an **ordinary attractor with $\chi_\perp=1$**.
# It is approached exponentially from both sides while the gradient keeps its size.
# The edge at a kernel $K$ needs
#
# $$
# C_W = \frac{1}{\langle\phi'^2\rangle_K},\qquad C_b = K - C_W\langle\phi^2\rangle_K .
# $$ (eq-edge)
#
# The price is that $\chi_\parallel<1$: two inputs of different norm are given the same norm, over $\xi$ layers.
# He's triangle lies inside the ordered phase.
#
# ## Theory: two inputs
#
# Let two inputs of equal norm have the covariance $C$ in a layer, and let $D=K-C=K(1-\rho)$.
# Price's theorem, $\partial_C\langle\phi\phi\rangle=\langle\phi'\phi'\rangle$, gives
#
# $$
# D' = \chi_\perp D - c\,D^2+\dots,\qquad c=\tfrac12 C_W\langle\phi''^2\rangle_K .
# $$ (eq-merge)
#
# At $K^\star$ therefore $1-\rho\to 1/(cK^\star\ell)$.
# ReLU has no second derivative for {eq}`eq-merge` to use.
# Its map $\theta'=\theta-\theta^2/(3\pi)+\dots$ for $\rho=\cos\theta$ gives $\theta\to3\pi/\ell$ and $1-\rho\to9\pi^2/(2\ell^2)$: ReLU networks merge inputs faster.
# A smooth ReLU at $T\ll\sqrt K$ must do both.
# Two inputs at the angle $\theta$ differ by about $\theta\sqrt K$; as long as that is large against $T$ the corner looks sharp.
# Integrating Price's theorem twice over a peak of width $T$ gives, with $s=\theta\sqrt K/T$ and $e=s^2/2$,
#
# $$
# e' = \chi_\perp\,e - \frac{T}{\sqrt K}\,M(e),\qquad M(e)\propto e^{3/2}\ (s\gg1),\quad M(e)\propto e^2\ (s\ll1),
# $$ (eq-rounded-corner)
#
# where $M$ does not depend on the temperature.
# With $\chi_\perp=1$ the depth enters as $\ell\,T/\sqrt K$ alone, so that all temperatures fall on one curve.
# The two laws meet at
#
# $$
# \ell_\times = \tfrac92\pi^2\,c\,K \;\propto\; \sqrt K/T .
# $$ (eq-crossover)

# %% tags=["hide-input"]
corner = tables.corner_flows(SWISH, temperatures, reach=60)

# %% mystnb={"figure": {"caption": "The angle between two inputs of mean square 1, SWISH. Solid: on the edge of chaos, {eq}`eq-edge`. Dashed: He initialisation. Dotted: ReLU's law. Dash-dotted: the law of a smooth corner. Right: the same in units of the temperature.", "name": "fig-corner"}, "image": {"alt": "Two panels with logarithmic axes. Left, the angle falls with depth along the dotted line of ReLU, and leaves it the later the colder the network. Right, after rescaling by the temperature the solid curves coincide: they follow ReLU's law first and bend into the flatter law of a smooth corner. The dashed curves of He initialisation level off instead of falling."}} tags=["hide-input"]
figures.corner_crossover(corner)

# %% [markdown]
# ## Real networks
#
# The curves so far belong to infinite width.
# {numref}`fig-networks` sets them beside random networks, drawn anew for each seed and run forward once: the mean square of the preactivations in each layer, and one minus their correlation for two inputs.

# %% mystnb={"figure": {"caption": "Critical networks at temperature 1. Lines: infinite width. Points: finite networks, mean over seeds with its standard error.", "name": "fig-networks"}, "image": {"alt": "Two panels. Left, the kernel over the layers: for SWISH, GumbelLU and AlgebraicLU it rises from about 2.5 towards 4, for GELU and GudermanLU it stays near 2; points with error bars scatter about the lines, more so in later layers. Right, one minus the correlation of two inputs falls from about 0.4 to between 0.1 and 0.01."}} tags=["hide-input"]
networks = tables.network_flows(
    SMOOTH_RELUS, depth=20, width=width, seeds=seeds, x_square=x_square, angle=1.0
)
figures.networks_beside_theory(networks)

# %% [markdown]
# ## How to read the figures
#
# In {numref}`fig-slow-flows` the flat part on the left is as important as the slope on the right: a critical network that starts near $K^\star$ keeps its kernel for a hundred layers and more, whatever happens later.
# The gradient moves first, because $b$ is much larger than $a$.
# A power law would be a straight line there; Mish shows one, SWISH never does within this range.
#
# In {numref}`fig-corner` the solid curves on the right coincide up to {glue:text}`collapse:.1%` at their common end.
# The dashed ones do not fall to zero.
# With He's $C_W=2$ the fixed temperature leaves $\chi_\perp$ slightly above 1, by {glue:text}`he_chi:.2g` at $T=$ {glue:text}`coldest:g`, and that is in {eq}`eq-rounded-corner` of the same order as the merging: the two balance at an angle of about {glue:text}`plateau:.1f` $T/\sqrt K$.
# He-initialised smooth networks at low temperature are weakly chaotic, and keep two inputs apart that a ReLU network would merge.
# They do so until their kernel has decayed, which the warmest dashed curve shows.
#
# In {numref}`fig-networks` the mean deviation of the kernel from the line is {glue:text}`network_error:.0%`.
# That is what a width of {glue:text}`width:.0f` leaves: the fluctuations of one network grow with the depth over the width, and seeds share no weights but layers of one network do, so that neighbouring points err together.
#
# ## What this means for your network
#
# **Where to start.** {eq}`eq-power-law` turns into a tolerance.
# Over $L$ layers the squared gradient changes by a factor $\exp(b\,\delta^{(1)}L)$ as long as $\delta$ has not moved, so the first kernel should lie within $K^\star/(bK^\star L)$ of $K^\star$.
# For SWISH and fifty layers that is {glue:text}`tolerance:.2f` $K^\star$.
# An input of mean square {glue:text}`x_square:g` puts the first kernel on $K^\star$ at the temperature in {numref}`tab-matching`; at another mean square multiply by its root.
# Or scale the input instead of the temperature.
# The last columns give $\ell_\times$ of {eq}`eq-crossover`, on the edge of chaos, there and at a hundredth of that temperature.

# %% mystnb={"figure": {"caption": "The temperature that puts the first kernel on $K^\\star$, and the depth of {eq}`eq-crossover` there and at a hundredth of it.", "name": "tab-matching"}}
matching = tables.matching_temperatures(SMOOTH_RELUS, x_square=x_square)
table(
    matching,
    {
        "activation": "{}", "temperature": "{:.3f}", "crossover": "{:.0f}",
        "cold_crossover": "{:.0f}",
    },
)

# %% [markdown]
# **Which variances.** {numref}`tab-initialisations` is for the middle one of the temperatures above and fifty layers.
# `gradient` is the product of $\chi_\perp$ over them; `K` and `chi_perp` are where the flow would end in a network of any depth, which may be far away.
# Four choices: the critical variances, the edge of chaos {eq}`eq-edge` at the kernel of the input, He's, and PyTorch's default, whose weights have $C_W=1/3$ and whose biases have variance $1/(3\,\text{fan-in})$, taken here for a fan-in of 256.

# %% mystnb={"figure": {"caption": "Four initialisations at one temperature: where the kernel ends, and the squared gradient over fifty layers.", "name": "tab-initialisations"}}
choices = tables.initialisations(
    SMOOTH_RELUS, sorted(temperatures)[1], x_square=x_square, fan_in=256, depth=50
)
digits = {"activation": "{}", "init": "{}", "C_W": "{:.4f}", "C_b": "{:.3g}", "K": "{:.4g}"}
table(choices, digits | {"chi_perp": "{:.4f}", "gradient": "{:.3g}"})

# %% [markdown]
# PyTorch's default is deep in the ordered phase: of the squared gradient fifty layers leave a part {glue:text}`standard:.0e` at best.
# Among the others, at this temperature, the choice hardly matters.
# At temperatures near the matching one it does: use the critical variances if the first kernel lies on the attracting side of $K^\star$ or within the tolerance, and the edge of chaos if it lies far above.
# Below $K^\star$ no attractor has $\chi_\perp=1$; lower the temperature or scale the input up.
#
# **From which depth the corner shows.** Rule of thumb: a smooth ReLU network can be told from a ReLU network by its correlations from $\ell_\times$ on, about {glue:text}`rule:.0f` $\sqrt K/T$ layers for SWISH.
# At $T=$ {glue:text}`coldest:g` and a mean square of 1 that is {glue:text}`cold_depth:.0f` layers; few networks are so deep, and this is one precise sense in which they are ReLU-like.
#
# ## What would falsify the claim
#
# An activation whose kernel leaves the dotted law of {numref}`fig-slow-flows` close to $K^\star$; a critical point off the end of the edge of chaos; angles at two low temperatures that do not coincide after rescaling, or that follow ReLU's law beyond $\ell_\times$; real networks that deviate by more than their width explains, or that part two inputs where the diagram says ordered.

# %% tags=["hide-input"]
rate = rates.set_index("activation")
end = slow[slow["layer"] == depth].set_index("activation")
edge, he = (corner[corner["init"] == init].groupby("temperature").last() for init in ("edge", "he"))
cold, last = min(temperatures), sorted(temperatures)[:2]
collapse = abs(edge.loc[last[0], "scaled"] / edge.loc[last[1], "scaled"] - 1)
off = (networks["K"] / networks["K_theory"]).groupby(networks["activation"]).mean() - 1
reachable = end.loc[["Mish", "AlgebraicLU", "GumbelLU"]]
off_law = (reachable["distance"] / reachable["law_distance"] - 1).abs().max()
assert off_law < 0.1 and rate["power_layers"].drop("Mish").min() > 400
assert collapse < 0.03 and abs(edge.loc[cold, "scaled"] / edge.loc[cold, "smooth_law"] - 1) < 0.1
assert he.loc[cold, "angle"] > 2 * edge.loc[cold, "angle"]
assert off.abs().max() < 0.25 and choices.groupby("init")["gradient"].max()["standard"] < 1e-20

# %% tags=["hide-input"]
squares_z = (squares["log_chi"] - squares["log_chi_theory"]) / squares["log_chi_error"]
kernels_off = (squares["K"] - squares["K_theory"]).abs() - 40 / width * squares["K_theory"]
sure = squares["log_chi"].abs() > 3 * squares["log_chi_error"]
glue(
    squares_z=squares_z.abs().max(), squares_sure=sure.sum(),
    squares_kernels=(kernels_off / squares["K_error"]).max(),
)
assert squares_z.abs().max() < 4 and (kernels_off < 4 * squares["K_error"]).all()
assert (np.sign(squares["log_chi"]) == np.sign(squares["log_chi_theory"]))[sure].all()
assert sure.sum() >= 10
grown = squares[np.isinf(squares["ends"])]
assert len(grown) == 5 and (grown["K"] > 1.2).all()

# %% tags=["hide-input"]
glue(
    swish_exponent=rate.loc["SWISH", "gradient_exponent"],
    swish_neighbour=rate.loc["SWISH", "neighbour"] - 1,
    tolerance=rate.loc["SWISH", "gradient_layers"] / 50, collapse=collapse,
    he_chi=he.loc[cold, "chi_perp"] - 1, coldest=cold, plateau=he.loc[cold, "scaled"],
    network_error=off.abs().mean(), width=width, x_square=x_square,
    rule=edge.loc[cold, "crossover"] * cold, cold_depth=edge.loc[cold, "crossover"],
    off_law=off_law, standard=choices[choices["init"] == "standard"]["gradient"].max(),
)
assert set(rate.index[rate["a"] > 0]) == {"SWISH", "AlgebraicLU", "Mish"}

# %% tags=["hide-input"]
gelu_rule = 99 * np.pi / (16 * 2**0.5)
gelu_rule_depth = 100 * gelu_rule * rate.loc["GELU", "K_star"] ** 0.5
gelu_cold_depth = matching.set_index("activation").loc["GELU", "cold_crossover"]
glue(
    doubling=rate.loc["AlgebraicLU", "power_layers"] / 2 / 0.1, gelu_rule=gelu_rule,
    gelu_rule_depth=gelu_rule_depth, gelu_cold_depth=gelu_cold_depth,
)
assert abs(gelu_rule_depth / gelu_cold_depth - 1) < 0.01

# %% [markdown]
# In this run the exact kernels of Mish, AlgebraicLU and GumbelLU differ from the law by at most {glue:text}`off_law:.0%` of their distance from $K^\star$ at the last layer.
# The growth rates of the 20 squares in {numref}`fig-phases` differ from theory by at most {glue:text}`squares_z:.1f` standard errors over 16 networks; {glue:text}`squares_sure:.0f` of them are more than three standard errors from zero, each on the side of the edge where the diagram has it.
# Their kernels stay or grow as predicted, within {glue:text}`squares_kernels:.1f` standard errors and the depth over the width.
#
# ## Exercises
#
# ::::{admonition} Exercise 1: how ReLU closes an angle
# :class: exercise
# A He-initialised ReLU layer turns the correlation $\cos\theta$ into $\cos\theta'=\bigl(\sin\theta+(\pi-\theta)\cos\theta\bigr)/\pi$.
# Derive $\theta'=\theta-\theta^2/(3\pi)+\dots$ and $\theta\to3\pi/\ell$.
#
# :::{dropdown} Solution
# To third order the right hand side is $1-\theta^2/2+\theta^3/(3\pi)$.
# The left hand side is $1-\theta'^2/2$, so that $\theta'^2=\theta^2-2\theta^3/(3\pi)$, and the root is the claim.
# (Both sides have the same term in $\theta^4/24$.)
# Then $1/\theta'=1/\theta+1/(3\pi)+O(\theta)$: the inverse angle grows by $1/(3\pi)$ in every layer.
# :::
# ::::
#
# ::::{admonition} Exercise 2: from which depth GELU shows its corner
# :class: exercise
# Derive $\ell_\times$ for a cold GELU on the edge of chaos, with its constant.
# Use {eq}`eq-crossover`, {eq}`eq-merge` and $\phi_1''(u)=(2-u^2)\,e^{-u^2/2}/\sqrt{2\pi}$, and compare with the last column of {numref}`tab-matching`.
#
# :::{dropdown} Solution
# $\phi_T''=\phi_1''(x/T)/T$, and only the fraction of preactivations in the corner counts: $\langle\phi_T''^2\rangle_K\simeq\frac1{T\sqrt{2\pi K}}\int\phi_1''^2du$.
# The integral is $\frac1{2\pi}\int(4-4u^2+u^4)\,e^{-u^2}du=\frac{\sqrt\pi}{2\pi}\bigl(4-2+\tfrac34\bigr)=\frac{11}{8\sqrt\pi}$.
# On the cold edge $C_W\to2$, so $cK=\frac{11}{8\sqrt2\,\pi}\sqrt K/T$ and
#
# $$
# \ell_\times=\frac{99\,\pi}{16\sqrt2}\,\frac{\sqrt K}{T},
# $$
#
# about {glue:text}`gelu_rule:.1f` $\sqrt K/T$.
# In the last column of the table $T$ is a hundredth of $\sqrt{K/K^\star(1)}$, where $K^\star(1)$ is the critical kernel at $T=1$.
# That makes {glue:text}`gelu_rule_depth:.0f` layers; the table has {glue:text}`gelu_cold_depth:.0f`.
# :::
# ::::
#
# ::::{admonition} Exercise 3: the wrong side
# :class: exercise
# AlgebraicLU repels above $K^\star$.
# By {eq}`eq-power-law`, in how many layers does a deviation on that side double?
# Take it from 10% of $K^\star$ to 20%, with {numref}`tab-critical-rates`, and judge whether half-stability endangers a network of fifty layers.
#
# :::{dropdown} Solution
# $\delta^{(\ell)}=2\delta^{(1)}$ where $a\,\delta^{(1)}(\ell-1)=\tfrac12$, so after $1/(2a\,\delta^{(1)})$ layers.
# With $1/(aK^\star)$ from the column `power_layers` and $\delta^{(1)}=0.1\,K^\star$ that is {glue:text}`doubling:.0f` layers; the exact recursion takes somewhat more.
# In fifty layers nothing happens to the kernel, on either side.
# What a network of that depth notices is $\chi_\perp$, which changes at first order in $\delta$: the columns `gradient_layers` and `power_layers` are far apart.
# :::
# ::::
#
# ## Where this is computed
#
# `smoothrelu/theory/depth_scaling.py` derives the laws in its first lines and holds the rates and the edge of chaos; `smoothrelu/theory/correlation.py` the exact flow of the angle; `smoothrelu/theory/phases.py` the diagram, `smoothrelu/networks/random_networks.py` the networks in it; `smoothrelu/theory/kernel_fixed_points.py` the fixed points with their basins.
# Every law is tested against the exact recursion, and the recursion against the closed form of ReLU, against whole kernel matrices and against real networks, in `tests/theory/test_depth_scaling.py`.
