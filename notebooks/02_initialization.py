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
# # Every temperature has its critical initialisation
#
# **Claim.** For each of the five smooth ReLUs, and at any temperature, there is one pair of weight and bias variances at which signals and gradients keep their size through a deep network, if the first layer starts the signal on the side from which its critical point attracts.
# The weight variance does not depend on the temperature and the bias variance grows like its square.
# He initialisation, which is right for ReLU, lets the signal of a smooth network die once the temperature is not small against the signal.
#
# ## Question
#
# A deep network multiplies.
# If each layer shrinks its signal by a tenth, fifty layers leave half a percent of it, and a gradient that comes back through the same layers fares no better.
# For ReLU the cure is known: weights of variance two over the number of inputs, and no biases {cite:p}`he2015`.
# What is the cure for a ReLU with a rounded corner?
#
# ## Theory
#
# Draw the weights of every layer from a normal distribution of variance $C_W$ over the number of inputs, the biases from one of variance $C_b$.
# In a wide network the {term}`preactivation`s of a layer are then normally distributed, and one number describes them, their variance: the {term}`kernel` $K$.
# Following {cite:t}`roberts2022`, whose notation we keep, the kernel goes from layer to layer by the **kernel map**
#
# $$
# K \;\mapsto\; C_b + C_W\,\langle\phi^2\rangle_K, \qquad \langle f\rangle_K = \mathbb{E}\,f(z),\; z\sim\mathcal N(0,K).
# $$ (eq-kernel-map)
#
# Two numbers say what becomes of small changes.
# A change of the signal's size grows per layer by $\chi_\parallel$, the derivative of the kernel map; the squared distance of two nearby inputs, and the squared gradient, by $\chi_\perp$:
#
# $$
# \chi_\parallel(K) = \frac{C_W}{K}\,\langle z\,\phi\,\phi'\rangle_K, \qquad \chi_\perp(K) = C_W\,\langle\phi'^2\rangle_K.
# $$ (eq-chi)
#
# A network is {term}`critical <criticality>` at a fixed point $K^\star$ of the map where both are 1.
# Since $C_W$ is a factor of both, it drops out of the condition that they be equal,
#
# $$
# \langle\phi\,\phi''\rangle_{K^\star}=0, \qquad C_W = \frac{1}{\langle\phi'^2\rangle_{K^\star}}, \qquad
# C_b = K^\star - C_W\langle\phi^2\rangle_{K^\star}.
# $$ (eq-critical)
#
# One equation in one unknown, and then two evaluations.
# For ReLU the left hand side vanishes for every $K$: $C_W=2$, $C_b=0$, He initialisation.
# For a smooth ReLU it has one solution.
#
# **The temperature scales out.** Put $\phi_T(x)=T\phi_1(x/T)$ into {eq}`eq-critical` and measure $z$ in units of $T$:
#
# $$
# C_W(T) = C_W(1), \qquad C_b(T) = T^2\,C_b(1), \qquad K^\star(T) = T^2\,K^\star(1).
# $$ (eq-scaling)
#
# So one computation serves all temperatures, and as $T\to0$ the critical initialisation tends to weights of variance near two and no biases.
# Near two, not two: the limit of the critical $C_W$ is not ReLU's.
# At fixed $K$ and $T\to0$ the network sits far above its $K^\star$, where every smooth ReLU is nearly scale-invariant.

# %%
import numpy as np

from smoothrelu import SMOOTH_RELUS
from smoothrelu.book import figures, tables
from smoothrelu.book.notebook import glue, table

# %% tags=["parameters"]
temperatures = [1.0, 0.1, 0.01]
depth = 50
x_square = 1.0
width = 700
networks = 20

# %% [markdown]
# `x_square` is the mean square of an input, $|x|^2/n_{\rm in}$; it is 1 for the standardised images of the later chapters.
# The first layer makes the kernel $K^{(1)} = C_b + C_W\,|x|^2/n_{\rm in}$ from it.
# `networks` is how many random networks of `width` neurons a layer are drawn to check the curves of infinite width.
#
# ## The critical constants
#
# The Gaussian averages are computed by a trapezoid rule in a variable that resolves every scale between $T$ and $\sqrt K$, to a relative accuracy of $10^{-12}$.
# The usual Gauss-Hermite rule would be wrong in the first digit at $T=0.1$.

# %% mystnb={"figure": {"caption": "The critical initialisation and its fixed point; the last two columns are evaluated there, as a check.", "name": "tab-critical-constants"}}
constants = tables.critical_constants(SMOOTH_RELUS, temperatures)
digits = {
    "activation": "{}", "temperature": "{:g}", "C_W": "{:.8f}", "C_b": "{:.7g}",
    "K_star": "{:.7g}",
}
table(constants, digits | {"chi_parallel": "{:.8f}", "chi_perp": "{:.8f}"})

# %% [markdown]
# The last two columns of {numref}`tab-critical-constants` are the two susceptibilities, evaluated at $K^\star$ as a check: both are 1.
# The values for SWISH and GELU at $T=1$ agree with those published by {cite:t}`roberts2022`.
#
# {numref}`fig-chi` shows where the numbers come from.
# For each activation the weight variance is the critical one, and the kernel varies.
# Far to the right, where the signal is large against the temperature, both curves flatten: there the network cannot tell its activation from ReLU.
# Far to the left it sees only the slope at the origin, a linear network with too small a gain.
# In between there is one place where both are 1.
#
# Two things stand beside the curves that know nothing of the quadrature behind them.
# The circles are measured: one layer of a real random network turns a small difference between the norms of two inputs into another, which gives $\chi_\parallel$, and a small angle between two inputs into another distance, which gives $\chi_\perp$.
# The bars are standard errors over the networks drawn.
# The crosses of GELU are a closed form: its moments are elementary functions of $K$ and an arctangent.

# %% mystnb={"figure": {"caption": "Both susceptibilities against the kernel, at the critical weight variance. The dotted line is $K^\\star$. Circles: measured in one layer of real networks, filled for $\\chi_\\parallel$, open for $\\chi_\\perp$. Crosses: GELU's closed form.", "name": "fig-chi"}, "image": {"alt": "Five panels, one for each activation, with two curves each: the parallel and the perpendicular susceptibility against the kernel in units of the squared temperature. They cross at the height one, at the critical kernel marked by a dotted line. Circles measured in real networks and, for GELU, crosses of the closed form lie on the curves."}} tags=["hide-input"]
some = np.logspace(-3, 4, 8)
measured = tables.measured_susceptibilities(SMOOTH_RELUS, some, width=width, seeds=range(networks))
closed = tables.closed_susceptibilities(some)
figures.susceptibilities(
    tables.susceptibilities(SMOOTH_RELUS, np.logspace(-3, 5, 161)), measured, closed
)

# %% [markdown]
# ## What becomes of a signal
#
# Now let an input of mean square `x_square` travel through the layers.
# {numref}`fig-kernel-flow` compares the critical initialisation (solid) with He's (dashed), one panel for each temperature.
# The points belong to real networks: in each layer the mean square of the preactivations of one input and, for {numref}`fig-gradient-flow`, the squared length of a small change of that input.
# The Jacobian between two layers has the same mean square in both directions, so what a change gains on its way forward a squared gradient gains on its way back.

# %%
flows = tables.kernel_flows(SMOOTH_RELUS, temperatures, depth=depth, x_square=x_square)
drawn = tables.measured_flows(
    SMOOTH_RELUS, temperatures, depth=depth, width=width, seeds=range(networks), x_square=x_square
)

# %% mystnb={"figure": {"caption": "The kernel over the layers of a wide network. Lines: infinite width. Points: the typical real network and its standard error; filled for critical, open for He.", "name": "fig-kernel-flow"}, "image": {"alt": "One panel for each temperature; the kernel on a logarithmic axis against the layer. At temperature one the dashed curves of He initialisation fall by many orders of magnitude while the solid critical ones stay near their start; at low temperature all curves are nearly level. Points from real networks scatter about the lines."}} tags=["hide-input"]
figures.flow_over_depth(flows, drawn, "K", "kernel K")

# %% mystnb={"figure": {"caption": "The squared gradient on its way back, relative to the last layer: the product of $\\chi_\\perp$ over the layers. Points: real networks, as in the figure before.", "name": "fig-gradient-flow"}, "image": {"alt": "One panel for each temperature; the product of the perpendicular susceptibility over the layers. At temperature one it collapses under He initialisation and falls slowly under the critical one. Points from real networks scatter about the lines."}} tags=["hide-input"]
figures.flow_over_depth(flows, drawn, "gradient", "squared gradient")

# %% [markdown]
# ## How to read the figures
#
# At $T=1$ He initialisation sends the signal to zero, exponentially: once $K$ is small against $T^2$ the network is linear with gain $\sqrt2\,g(0)$, and each layer halves the variance of what passes through (GumbelLU, whose gate opens late, keeps only about a quarter).
# After the {glue:text}`depth:.0f` layers of this run a GumbelLU network initialised by He at the highest temperature is left with a kernel of {glue:text}`he_gumbel:.1e`; critically initialised, with {glue:text}`critical_gumbel:.2f`.
# As the temperature falls the dashed lines straighten, and when $T$ is a hundredth of the signal the two initialisations can hardly be told apart: the network is a ReLU network.
#
# Critical does not mean constant.
# The curves start at a $K^{(1)}$ that is not $K^\star$ and drift, slowly.
# Where to, is the next question.
#
# The points of one panel err together: all its networks share their random numbers, and layers share what the layers before them did.
# A point is the typical network among {glue:text}`networks:.0f` of width {glue:text}`width:.0f`, the exponential of the mean logarithm.
# It lies below the mean, by up to $5\ell/(2n)$ in layer $\ell$ at width $n$, because the logarithm of a random kernel spreads by the square root of $5\ell/n$ ({doc}`06_finite_width`).
# The largest bars are those of signals that die: there chance decides in which layer, and once the logarithms of the networks' kernels spread by more than 1, no network is typical and the curve describes none of them.
#
# There is a price at the cold end too.
# At the lowest temperature of this run the critical kernels have moved by up to {glue:text}`cold_critical:.0%` over all layers and He's by {glue:text}`cold_he:.1%` at most: far above its $K^\star$ a smooth network is nearly ReLU, whose critical $C_W$ is 2, and the little that is missing from its own is lost in every layer.
#
# ## Where a kernel must start
#
# A susceptibility of 1 means that the kernel map touches the diagonal at $K^\star$ without crossing it.
# On one side of $K^\star$ the kernel drifts towards it, on the other away from it: the fixed point is half-stable {cite:p}`roberts2022`.
# But which side is which, and where does the other one lead?
# {numref}`tab-fixed-points` lists **every** fixed point of the critical map, in units of $T^2$.

# %% mystnb={"figure": {"caption": "Every fixed point of the critical kernel map, in units of $T^2$; reached: by an input of mean square 1 at $T=1$.", "name": "tab-fixed-points"}}
points = tables.critical_fixed_points(SMOOTH_RELUS)
digits = {"activation": "{}", "K": "{:.6f}", "chi_parallel": "{:.6f}", "chi_perp": "{:.6f}"}
table(points, digits | {"attracts": "{}", "critical": "{}", "reached": "{}"})

# %% tags=["hide-input"]
gumbel = constants[constants["activation"] == "GumbelLU"].iloc[0]
needed = (gumbel["K_star"] - gumbel["C_b"]) / gumbel["C_W"] / gumbel["temperature"] ** 2
growth = constants.set_index("activation").loc["AlgebraicLU", "C_W"].max() / 2 - 1
reached = points[points["reached"]].set_index("activation")
glue(
    algebraic_growth=growth, gumbel_input=needed, gumbel_temperature=needed**-0.5,
    gumbel_chi=reached.loc["GumbelLU", "chi_perp"],
)
attracts = points[points["critical"]].set_index("activation")["attracts"]
assert set(attracts[attracts == "below"].index) == {"SWISH", "AlgebraicLU"}

# %% [markdown]
# The five activations are not alike.
# SWISH and AlgebraicLU attract from below: a kernel that starts under $K^\star$ rises to it and stays.
# GELU, GumbelLU and GudermanLU attract from above.
# A kernel that starts under their $K^\star$ ends at a second fixed point, an ordinary attractor, that lies below.
# The column "reached" says where an input of mean square 1 goes at $T=1$, and for these three it is not the critical point.
# For GELU and GudermanLU that hardly matters, since the second point is close to the first and nearly critical.
# For GumbelLU it does: there $\chi_\perp$ is {glue:text}`gumbel_chi:.3f`, and its squared gradient falls by that factor in every layer, exponentially in the end, as {numref}`fig-gradient-flow` shows.
#
# The remedy is in the input.
# GumbelLU is critical for inputs whose first kernel is at least $K^\star$, which at $T=1$ asks for a mean square of {glue:text}`gumbel_input:.1f`; equivalently, at inputs of mean square 1 for a temperature below {glue:text}`gumbel_temperature:.2f`.
# Far above $K^\star$, finally, four of the five come down again, their $C_W$ being below 2.
# AlgebraicLU, whose $C_W$ is above 2, does not: a kernel that starts over its $K^\star$ grows for ever, in the end by {glue:text}`algebraic_growth:.2%` a layer.
#
# All constants, fixed points, sides and basins of these five, of Mish, ReLU and of PyTorch's own functions, at $T=1$ and to twelve digits, stand in {download}`critical_constants.csv <../../data/results/critical_constants.csv>`.
# A test recomputes the file.
# How fast a kernel moves near these points, and what lies around them, is the subject of {doc}`04_flows`.
#
# ## What this means for your network
#
# One line, `critical_init_(net)`, draws the weights from these variances for any PyTorch module made of linear layers and one activation.
# It matters when three things come together: the activation is not small in temperature against its input, the network is deep, and nothing else (batch or layer normalisation, residual connections) holds the signal.
#
# ## What would falsify the claim
#
# A smooth ReLU whose susceptibilities are not both 1 at its critical point; a $C_W$ that varies with the temperature; a critical network whose kernel decays exponentially, or a He-initialised one at the highest temperature whose kernel stays; real networks that leave the curves by more than five standard errors and what a finite width adds, before chance has spread them.

# %%
last = flows[flows["layer"] == depth].set_index(["activation", "temperature", "init"])["K"]
C_W = constants.groupby("activation")["C_W"]
spread = (C_W.max() / C_W.min() - 1).max()
off_by = np.abs(constants[["chi_parallel", "chi_perp"]] - 1).to_numpy().max()
moved = (last / flows[flows["layer"] == 1].set_index(last.index.names)["K"] - 1).abs()
cold = moved.xs(min(temperatures), level="temperature").groupby("init").max()
glue(
    depth=depth, he_gumbel=last["GumbelLU", max(temperatures), "he"],
    critical_gumbel=last["GumbelLU", max(temperatures), "critical"], off_by=off_by,
    cold_critical=cold["critical"],
    cold_step=np.abs(1 - (constants["C_W"] / 2) ** (depth - 1)).max(), cold_he=cold["he"],
)
assert off_by < 1e-9 and spread < 1e-10
assert (last.xs("critical", level="init") > 0.1).all()

# %% tags=["hide-input"]
exact = tables.susceptibilities(SMOOTH_RELUS, some)
gelu = exact[exact["activation"] == "GELU"].reset_index()
off_gelu = closed[["chi_parallel", "chi_perp"]] - gelu[["chi_parallel", "chi_perp"]]
chi_off = tables.errors_off(measured, exact, ["chi_parallel", "chi_perp"], beyond=1 / width)
typical = drawn[drawn["spread"] < 1]
flow_off = tables.errors_off(typical, flows, ["K", "gradient"], beyond=2.5 * depth / width)
assert np.abs(off_gelu).to_numpy().max() < 1e-11
assert chi_off.max() < 5 and flow_off.max() < 5
glue(
    chi_off=chi_off.max(), flow_off=flow_off.max(), typical=len(typical) / len(drawn),
    off_gelu=np.abs(off_gelu).to_numpy().max(), networks=networks, width=width,
)

# %% [markdown]
# In this run the susceptibilities differ from 1 by at most {glue:text}`off_by:.0e`.
# What real networks show differs from the curves by at most {glue:text}`chi_off:.1f` standard errors in {numref}`fig-chi`, and, beyond five halves of the depth over the width, by at most {glue:text}`flow_off:.1f` in {numref}`fig-kernel-flow` and {numref}`fig-gradient-flow`, in the {glue:text}`typical:.0%` of their points where the logarithms of the kernels do not spread by more than 1.
# GELU's curves are within {glue:text}`off_gelu:.0e` of its closed form.
#
# ## Exercises
#
# ::::{admonition} Exercise 1: the first condition
# :class: exercise
# Show that $\chi_\parallel-\chi_\perp = C_W\,\langle\phi\,\phi''\rangle_K$, whatever the variances.
# Why does it vanish at every $K$ for ReLU?
#
# :::{dropdown} Solution
# For $z$ of variance $K$, integration by parts gives $\langle z\,f(z)\rangle_K=K\,\langle f'\rangle_K$.
# With $f=\phi\,\phi'$, $\langle z\,\phi\,\phi'\rangle_K=K\,\langle\phi'^2+\phi\,\phi''\rangle_K$, and {eq}`eq-chi` is the claim.
# ReLU's second derivative is concentrated at the origin, where $\phi$ is zero.
# :::
# ::::
#
# ::::{admonition} Exercise 2: temperature is a unit
# :class: exercise
# {eq}`eq-scaling` speaks of averages.
# Show the same for a single network: at temperature $T$, with weights $W$ and biases $b$ and the input $x$, it computes $T$ times what the network at temperature 1 with the weights $W$ and the biases $b/T$ makes of $x/T$.
#
# :::{dropdown} Solution
# By induction over the layers.
# The first preactivations are $Wx+b=T\,\bigl(W(x/T)+b/T\bigr)$.
# If those of a layer are $T$ times those of the other network, then so are the activations, because $\phi_T(Tu)=T\,\phi_1(u)$, and so are the next preactivations.
# If $b$ has the variance $T^2C_b(1)$, then $b/T$ has $C_b(1)$: a critical network is turned into a critical one.
# To see it in averages, re-run this page with `temperatures=[1.0]; x_square=100`: the kernels are a hundred times those at $T=0.1$ and mean square 1, and the gradients are the same.
# :::
# ::::
#
# ::::{admonition} Exercise 3: the price of the cold end
# :class: exercise
# Let $T\to0$ at a fixed input.
# By which factor does a critical network multiply its kernel in each layer?
# Estimate from {numref}`tab-critical-constants` the greatest change over all layers of this run, and compare it with the one found above.
#
# :::{dropdown} Solution
# The bias variance vanishes like $T^2$, and $\langle\phi^2\rangle_K\to K/2$, as for ReLU.
# That leaves the factor $C_W/2$.
# It is farthest from 1 for GELU.
# After the {glue:text}`depth:.0f` layers of this run, one step fewer, it comes to a change by {glue:text}`cold_step:.1%`.
# The exact flow at the lowest temperature changes by {glue:text}`cold_critical:.1%`.
# AlgebraicLU, with $C_W>2$, is the only one to grow.
# :::
# ::::
#
# ## Where this is computed
#
# `smoothrelu/theory/quadrature.py` holds the quadrature, `smoothrelu/theory/kernel_maps.py` the map and the susceptibilities, `smoothrelu/theory/critical.py` the solution of {eq}`eq-critical`; `smoothrelu/networks/random_networks.py` draws the real networks.
# The function `criticality` takes any elementwise function of PyTorch, `torch.nn.functional.silu` as well as a lambda of your own, and says so where there is no critical point.
