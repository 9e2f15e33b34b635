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
# # A smooth ReLU is a gate and a temperature
#
# **Claim.** Every smooth ReLU of this book is one fixed shape, magnified.
# The temperature $T$ is the magnification, and the greatest distance to ReLU is exactly proportional to it.
#
# ## Question
#
# ReLU has a corner at the origin, and whoever wants to differentiate a network twice trips over it.
# Many functions round the corner off: SWISH, GELU and their relatives.
# Each was proposed as an activation of its own, with its own formula and its own folklore.
# Are they different things?
# And if a parameter makes them approach ReLU, how fast do they get there?
#
# ## Definitions
#
# Take a **gate** $g$: a smooth function that rises from 0 to 1.
# A {term}`smooth ReLU` multiplies its input by the gate, and the {term}`temperature` $T>0$ says over which distance the gate opens:
#
# $$
# \phi_T(x) \;=\; x\, g\!\left(\frac{x}{T}\right) \;=\; T\,\phi_1\!\left(\frac{x}{T}\right).
# $$ (eq-family)
#
# The second equality is the whole chapter in one line.
# It says that $\phi_T$ is $\phi_1$ seen through a magnifying glass: stretch both axes by $T$ and the two graphs coincide.
# As $T\to0$ the gate becomes a step and $\phi_T$ becomes ReLU.
# The five gates studied by the paper behind this book {cite:p}`smoothrelu2023` are these.
#
# | activation | gate $g(u)$ | what the gate is |
# |---|---|---|
# | SWISH {cite:p}`ramachandran2017` | $\sigma(u) = 1/(1+e^{-u})$ | logistic distribution function |
# | GELU {cite:p}`hendrycks2016` | $\Phi(u)$ | normal distribution function |
# | GumbelLU | $\exp(-e^{-u})$ | Gumbel distribution function |
# | AlgebraicLU | $\tfrac12\bigl(1+u/\sqrt{1+u^2}\bigr)$ | distribution function of Student's $t$ with two degrees of freedom, rescaled |
# | GudermanLU | $\tfrac12+\tfrac2\pi\arctan(\tanh u) = \tfrac2\pi\arctan(e^{2u})$ | hyperbolic secant distribution function |
#
# Two of these are choices of this book.
# We did not find the paper's formula for AlgebraicLU, so we take the standard algebraic sigmoid.
# And the textbook Gudermannian would have $\tanh(u/2)$ inside the arc tangent, which is the same family with the temperature doubled; we keep the form without the half.
# All other statements about the paper are listed with their sources in {doc}`../notation`.
#
# With $u=x/T$, the derivatives that the rest of the book needs are
#
# $$
# \phi_T'(x) = g(u) + u\,g'(u), \qquad \phi_T''(x) = \frac{2g'(u)+u\,g''(u)}{T}.
# $$ (eq-derivatives)
#
# The slope does not care about the temperature, only about the place $x/T$.
# The curvature grows like $1/T$: the corner never disappears, it is squeezed into an interval of width $T$.

# %%
import numpy as np

from smoothrelu import SMOOTH_RELUS
from smoothrelu.book import figures, tables
from smoothrelu.book.slider import dial
from smoothrelu.book.notebook import glue, table

# %% [markdown]
# The cell below holds everything that a reader may want to change.
# To see the chapter at another temperature, re-run it with the command at the foot of the page.

# %% tags=["parameters"]
temperatures = [1.0, 0.3, 0.1, 0.03, 0.01]

# %% [markdown]
# ## One shape per gate
#
# {numref}`fig-gates` shows the five shapes in their own units, $x/T$ and $\phi/T$, so that it holds at every temperature at once.
# The curves agree with ReLU far from the origin, on both sides, and dip below zero just left of it.
# The derivatives tell them apart better: all but one pass through one half at the origin, because their gates are symmetric about it.
# GumbelLU does not, its gate being a skewed distribution.
# Every derivative overshoots 1 somewhere on the right and undershoots 0 on the left: a smooth ReLU is never monotone.

# %% mystnb={"figure": {"caption": "The five smooth ReLUs and their derivatives in units of the temperature, with ReLU in black.", "name": "fig-gates"}, "image": {"alt": "Two panels of curves against x over T from -5 to 5. Left: five activations that follow ReLU away from the origin and dip slightly below zero on its left. Right: their derivatives, which rise from just below 0 to just above 1 around the origin."}} tags=["hide-input"]
shape = tables.activation_curves(SMOOTH_RELUS, [1.0], np.linspace(-5, 5, 401))
figures.gates_and_activations(shape)

# %% [markdown]
# ## One magnification per temperature
#
# {numref}`fig-family` uses ordinary units instead.
# Each panel is one gate, and the slider turns the temperature down.
# Nothing happens except that the rounded corner shrinks towards the origin.
# Notice how little is left to see at the second smallest temperature: to the eye the activation is ReLU already.
# Whether it is ReLU for a deep network, which sees not one activation but a product of very many, is the question of the next chapter.

# %% mystnb={"figure": {"caption": "Each smooth ReLU at one temperature; ReLU is the thin black line.", "name": "fig-family"}} tags=["hide-input"]
family = tables.activation_curves(SMOOTH_RELUS, temperatures, np.linspace(-3, 3, 241))
one = {
    f"T = {T:g}": figures.temperature_family(family[family["temperature"] == T])
    for T in temperatures
}
dial(
    one,
    label="Temperature",
    alt="Five panels, one for each activation, at {}, with ReLU. "
    "The lower the temperature, the closer the curve lies to ReLU.",
)

# %% [markdown]
# ## The distance to ReLU
#
# ReLU is its own magnification, $\mathrm{ReLU}(x) = T\,\mathrm{ReLU}(x/T)$, so {eq}`eq-family` gives the greatest distance at once:
#
# $$
# \sup_x |\phi_T(x)-\mathrm{ReLU}(x)| \;=\; T\,d, \qquad d = \sup_{u>0}\; u\,\max\bigl(1-g(u),\, g(-u)\bigr).
# $$ (eq-distance)
#
# Convergence is uniform, and its order in $T$ is exactly one, with a constant $d$ that belongs to the gate.
# The table gives the constants; they are computed by Newton's method on the closed-form derivatives.

# %% mystnb={"figure": {"caption": "How far the activations are from ReLU at temperature 1, where, and their slope at the origin.", "name": "tab-distance"}}
distances = tables.relu_distances(SMOOTH_RELUS, temperatures)
constants = distances[distances["temperature"] == temperatures[0]].copy()
constants["d"] = constants["distance"] / constants["temperature"]
constants["x / T"] = constants["x"] / constants["temperature"]
table(constants, {"activation": "{}", "d": "{:.6f}", "x / T": "{:.6f}", "slope_at_0": "{:.6f}"})

# %% [markdown]
# In {numref}`tab-distance` the column $d$ is the greatest distance at $T=1$; $x/T$ is the place where it is reached.
# The four symmetric gates are equally far on both sides, and the table names the left place; GumbelLU is farthest on the right.
# The last column is the slope at the origin, $g(0)$.

# %% mystnb={"figure": {"caption": "The greatest distance to ReLU is proportional to the temperature, {eq}`eq-distance`.", "name": "fig-distance"}, "image": {"alt": "Log-log plot of the uniform distance against the temperature: five parallel straight lines of slope one, GumbelLU highest and GudermanLU lowest."}} tags=["hide-input"]
figures.distance_to_relu(distances)

# %% [markdown]
# ## How to read the figures
#
# In {numref}`fig-distance` parallel lines mean one law with different constants: a decade less temperature is a decade less distance, for every gate.
# A consequence worth remembering is that **temperatures of different activations are not comparable**.
# At equal $T$, GumbelLU is {glue:text}`widest_ratio:.2f` times as far from ReLU as GudermanLU.
# Statements such as "GELU behaves more like ReLU than SWISH" are, to this extent, statements about a choice of units.
#
# ## What would falsify the claim
#
# A slope other than one in {numref}`fig-distance`, at any temperature, for any gate.
# The cell below fits the slopes and stops the build if one of them differs from 1 by more than $10^{-9}$; with a single temperature it compares the distances with the constants at $T=1$ instead.

# %%
exact = {kind.__name__: kind for kind in SMOOTH_RELUS}
unit = tables.relu_distances(SMOOTH_RELUS, [1.0]).set_index("activation")["distance"]
predicted = distances["temperature"] * distances["activation"].map(unit)
worst = float(np.abs(distances["distance"] / predicted - 1).max())
glue(worst_deviation=worst, widest_ratio=float(unit.max() / unit.min()))
assert worst < 1e-9

# %% [markdown]
# The largest relative deviation from {eq}`eq-distance` in this run is {glue:text}`worst_deviation:.1e`.
#
# ## Exercises
#
# ::::{admonition} Exercise 1: half a line, and something even
# :class: exercise
# Let the gate be symmetric, $g(-u)=1-g(u)$.
# Show that $\phi_T(x)-\phi_T(-x)=x$.
# What does it say about the slope at the origin, and about the distance to ReLU on the two sides?
# Which of the five activations escapes?
#
# :::{dropdown} Solution
# $\phi_T(x)-\phi_T(-x)=x\,g(x/T)+x\,g(-x/T)=x$.
# So $\phi_T(x)=x/2$ plus an even function, and so is ReLU, with the even function $|x|/2$.
# At the origin an even smooth function has slope 0, which leaves $1/2$.
# The difference to ReLU is even, so it is the same on both sides.
# GumbelLU escapes: its gate is not symmetric, and the table gives it another slope.
# :::
# ::::
#
# ::::{admonition} Exercise 2: the slope must overshoot
# :class: exercise
# Let $u\,(1-g(u))\to0$ as $u\to\infty$ and $g<1$, as all five gates have it.
# Show that $\phi_T'(x)>1$ for some $x>0$.
#
# :::{dropdown} Solution
# $\phi_T(x)-x=-T\,u\,(1-g(u))$ with $u=x/T$ is negative for every $x>0$ and tends to 0.
# A function that is somewhere negative and tends to 0 has to rise on the way, so its slope $\phi_T'(x)-1$ is positive somewhere.
# The same argument on the left, with $u\,g(u)\to0$, gives a negative slope.
# :::
# ::::
#
# ::::{admonition} Exercise 3: fair temperatures
# :class: exercise
# At which temperature is GumbelLU as far from ReLU as GudermanLU is at $T=1$?
# Answer from {numref}`tab-distance`, then check: re-run this page at that temperature.
#
# :::{dropdown} Solution
# The distance is $T\,d$, so the temperature is the ratio of the two constants, one over {glue:text}`widest_ratio:.2f`.
# The command at the foot of the page, with that value in `temperatures`, draws GumbelLU there; its distance is then the $d$ of GudermanLU.
# :::
# ::::
#
# ## Where this is computed
#
# The gates are in `smoothrelu/activations/smooth_relu.py`, each written once with its first two derivatives; the distances are in `smoothrelu/theory/relu_limit.py`.
# To use an activation, write `from smoothrelu import GumbelLU` and then `GumbelLU(temperature=0.5)`, which is an ordinary PyTorch module.
