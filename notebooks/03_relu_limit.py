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
# # Each quantity approaches ReLU at its own rate
#
# **Claim.** As $T\to0$ the statistics of a He-initialised smooth network converge to those of the ReLU network, each as a power of $T$, and the powers differ: 1 for the activation, the derivative kernel and the NTK of an input with itself, $3/2$ for the neurons of a real network, 2 for both kernels of two inputs at an angle, 3 for the kernel of one input.
# AlgebraicLU alone departs: its kernel converges like $T^2$ only, because its gate, read as a distribution function, has no variance.
# The critical weight variance does not converge at all.
#
# ## Question
#
# The paper confirms that when the relaxations converge to ReLU, the statistical properties of networks at initialisation converge too {cite:p}`smoothrelu2023`.
# How fast?
# In the first chapter the greatest distance to ReLU was proportional to $T$.
# If everything a network computes were off by a like amount, $T=0.01$ would be an error of a percent in every layer.
# That is too pessimistic for some quantities and right for others.
# The rates that follow are derived, then fitted to computations that know nothing of the derivation.
# They are this book's; the paper, as far as we read it, states convergence and no rate.
#
# ## Theory: a corner of width T
#
# The two activations differ by one shape, scaled:
#
# $$
# \phi_T(x)-\mathrm{ReLU}(x) = T\,h(x/T), \qquad h = \phi_1-\mathrm{ReLU}.
# $$ (eq-corner)
#
# Its size is $T$, which gives the uniform distance its exponent 1, {eq}`eq-distance`.
# But a random preactivation falls into the corner with a probability that is again proportional to $T$.
# For any integrable $F$ and $z$ of variance $K$, with $p(0)=1/\sqrt{2\pi K}$ the density at the corner,
#
# $$
# \langle F(z/T)\rangle_K = T\,p(0)\int F(u)\,du + O(T^3),
# $$ (eq-local)
#
# where the order $T^2$ is absent because the normal density is even and flat at its top, if $F$ falls off fast.
# Every exponent below counts powers of this kind.
#
# **One input.** Apply {eq}`eq-local` to $\phi_T^2-\mathrm{ReLU}^2 = T^2(\phi_1^2-\mathrm{ReLU}^2)(z/T)$ and to the slope:
#
# $$
# \langle\phi_T^2\rangle_K - \tfrac K2 \simeq T^3 p(0)\,A, \qquad A=\int(\phi_1^2-\mathrm{ReLU}^2)\,du,
# $$ (eq-kernel-limit)
#
# $$
# \langle\phi_T'^2\rangle_K - \tfrac12 \simeq T\,p(0)\,B, \qquad B=\int(\phi_1'^2-\mathrm{step})\,du.
# $$ (eq-derivative-limit)
#
# The signal passes the corner where it is small, so the kernel hardly notices: exponent 3.
# The slope is wrong by order 1 wherever the corner is: exponent 1.
# The susceptibilities at $C_W=2$ follow, the parallel one by differentiating {eq}`eq-kernel-limit` with respect to $K$, on which only $p(0)$ depends:
#
# $$
# \chi_\perp - 1 \simeq 2\,T\,p(0)\,B, \qquad \chi_\parallel - 1 \simeq -\frac{T^3p(0)\,A}{K}.
# $$ (eq-chi-limit)
#
# **The gate as a distribution.** A gate rises from 0 to 1, so it is the distribution function of a random variable $X$, if it is monotone, as all five are.
# Integrating by parts,
#
# $$
# \int h\,du = -\tfrac12\,\mathbb E[X^2], \qquad A = -\tfrac13\,\mathbb E\bigl[\max(X,X')^3\bigr],
# $$ (eq-moments)
#
# with $X'$ an independent copy.
# For GELU $X$ is standard normal, and $A=-5/(6\sqrt\pi)$.
# SWISH has the logistic distribution, GumbelLU Gumbel's, GudermanLU the hyperbolic secant.
# AlgebraicLU has Student's $t$ with two degrees of freedom, rescaled, the one among them **without a variance**: $1-g(u)\simeq 1/(4u^2)$.
# Its $\phi_1^2-\mathrm{ReLU}^2$ tends to $-\tfrac12$ far on the right instead of to 0.
# The error is no longer local: half of all preactivations, however far from the corner, carry a deficit of $T^2/2$, and
#
# $$
# \langle\phi_T^2\rangle_K - \tfrac K2 \simeq -\tfrac14T^2 + T^3p(0)\,A, \quad A=\int\bigl(\phi_1^2-\mathrm{ReLU}^2+\tfrac12\mathrm{step}\bigr)du.
# $$ (eq-heavy)
#
# Here $A=\pi/4$.
# The order $T^2$ does not depend on $K$.
# It is gone from the derivative, so AlgebraicLU's $\chi_\parallel$ has exponent 3 like the others', with the opposite sign.
#
# **Two inputs.** Let $\theta$ be the angle between two preactivations of variance $K$, and $T\ll\sqrt K\sin\theta$: when the first is in the corner, the second is not.
# Then $\langle\phi\phi\rangle$ is off by twice $T\,h(z_1/T)$ times the mean of $\mathrm{ReLU}(z_2)$ at $z_1=0$, which is $\sqrt K\sin\theta/\sqrt{2\pi}$.
# In the derivative kernel $h'$ takes the place of $h$, its integral is 0, and the first order drops out.
# With {eq}`eq-moments`,
#
# $$
# \delta\langle\phi\,\phi\rangle \simeq -\,T^2\,\frac{\mathbb E[X^2]}{2\pi}\,\sin\theta, \qquad
# \delta\langle\phi'\phi'\rangle \simeq T^2\,\frac{\mathbb E[X^2]}{2\pi K}\,\cot\theta.
# $$ (eq-pair)
#
# Only the second moment of $X$ remains of the gate.
# Where it is infinite there is a logarithm.
# For AlgebraicLU, with $\gamma$ Euler's constant,
#
# $$
# \begin{aligned}
# \delta\langle\phi\,\phi\rangle \simeq -\frac{T^2}{2}\Bigl[&\frac{\sin\theta}{\pi}\Bigl(\ln\frac{2\sqrt2\,\sqrt K\sin\theta}{T}-\frac{\gamma+1}{2}\Bigr)\\
# &+\cos\theta\,\Bigl(\frac12-\frac\theta\pi\Bigr)\Bigr],
# \end{aligned}
# $$ (eq-pair-heavy)
#
# and $\delta\langle\phi'\phi'\rangle$ is the derivative of this with respect to $K\cos\theta$.
# At $\theta\to0$ it becomes $-T^2/4$, in agreement with {eq}`eq-heavy`.
#
# **Depth.** Under He initialisation ReLU keeps $K$ through the layers, so the errors of equal inputs add up.
# Let $\Theta$ be the NTK of infinite width with learning rates $\lambda_W=\lambda_b=1$.
# After $L$ linear layers, with $\Theta^{(1)}=1+K/2$,
#
# $$
# \delta K^{(L)} \simeq 2(L-1)\,\delta\langle\phi^2\rangle_K, \qquad
# \delta\Theta^{(L)} \simeq L(L-1)\,\Theta^{(1)}\;T\,p(0)\,B .
# $$ (eq-depth-equal)
#
# At an angle each layer's error {eq}`eq-pair` travels on through ReLU's recursion, linearised.
# With $\varepsilon_\ell=\delta\langle\phi\phi\rangle$ and $\varepsilon'_\ell=\delta\langle\phi'\phi'\rangle$ at the angle $\theta_\ell$ of the layer, and $\delta K_{\rm d}$ the error on the diagonal, which counts at order $T^2$ for AlgebraicLU alone,
#
# $$
# \delta K^{(\ell+1)} = \Bigl(1-\frac{\theta_\ell}{\pi}\Bigr)\delta K^{(\ell)} + \frac{\sin\theta_\ell}{\pi}\,\delta K_{\rm d}^{(\ell)} + 2\varepsilon_\ell,
# $$ (eq-depth-pair)
#
# $$
# \delta\Theta^{(\ell+1)} = \tfrac12\delta K^{(\ell+1)} + \Bigl(1-\frac{\theta_\ell}{\pi}\Bigr)\delta\Theta^{(\ell)}
# + 2\,\Theta^{(\ell)}\Bigl(\varepsilon'_\ell-\frac{\delta\theta_\ell}{2\pi}\Bigr).
# $$ (eq-depth-ntk)
#
# **Neurons.** Take one network and exchange its activation, weights kept.
# The first preactivations are the same.
# In every layer after, each neuron sums independent weights of variance $2/n$ times the differences $T\,h(z/T)$, whose mean square is of order $T^3$ by {eq}`eq-local`, and passes half of what it received.
# In root mean square
#
# $$
# \mathrm{rms}\bigl(z^{(\ell)}_T-z^{(\ell)}_0\bigr) \simeq T^{3/2}\,\sqrt{2(\ell-1)\,p(0)\textstyle\int h^2\,du}\,.
# $$ (eq-neurons)

# %%
import numpy as np

from smoothrelu import GELU, SMOOTH_RELUS
from smoothrelu.book import figures, tables
from smoothrelu.book.notebook import glue, table

# %% tags=["parameters"]
temperatures = [0.0001, 0.0003, 0.001, 0.003, 0.01]
network_temperatures = [0.001, 0.003, 0.01, 0.03]
K = 1.0
angle = 2.0
depth = 10
seeds = [0, 1, 2]

# %% [markdown]
# `K` is the kernel of the first layer and `angle` the angle of the pair there, in radians; `depth` counts linear layers.
# The second list of temperatures is for the real networks, which at lower ones have too few neurons in the corner to show a law.
# The claim is about $T\to0$: with temperatures above about $0.03\sqrt K$ in the first list the powers are not yet reached, and the last cell stops the run.
# It needs three temperatures at least.
#
# ## The constants of the corner
#
# All coefficients come from these integrals.
# They are one-dimensional and independent of the quadrature that computes the errors; the tests compare them with mpmath and with the closed forms above, to nine digits, and to six where the tail is heavy.

# %% mystnb={"figure": {"caption": "The constants of the corner at temperature 1.", "name": "tab-corner-constants"}}
constants = tables.corner_constants(SMOOTH_RELUS)
symbols = {"second_moment": "E[X²]", "square": "A"}
symbols |= {"derivative_square": "B", "gap_square": "∫h²"}
digits = dict.fromkeys(["activation", "tail"], "{}")
digits |= dict.fromkeys(symbols.values(), "{:.6f}")
table(constants.rename(columns=symbols), digits)

# %% [markdown]
# In {numref}`tab-corner-constants` the tail is $\lim u^2(1-g)$ for $u\to\infty$; AlgebraicLU's $A$ is that of {eq}`eq-heavy`.
# $B$ is positive for all, since the slope of a smooth ReLU overshoots 1: gradients grow under He initialisation at low temperature, while kernels shrink.
#
# ## One input

# %%
errors = tables.limit_errors(SMOOTH_RELUS, temperatures, K=K)

# %% mystnb={"figure": {"caption": "Errors of a single input against the temperature. Points are computed at each temperature; thin lines are the laws {eq}`eq-kernel-limit` to {eq}`eq-heavy`, not fits.", "name": "fig-limit-one"}, "image": {"alt": "Eight log-log panels of straight lines. The uniform distance, the derivative kernel and the perpendicular susceptibility have slope one; the kernel has slope three except AlgebraicLU with slope two; the parallel susceptibility has slope three; the critical bias variance and kernel have slope two; the critical weight variance minus two is level."}} tags=["hide-input"]
figures.errors_against_temperature(errors)

# %% [markdown]
# ## Two inputs, and depth
#
# The kernels of networks of `depth` layers come from `infinite_width_kernels`, which integrates over pairs of Gaussian variables, layer by layer, and ReLU's from the arc-cosine formulas.

# %%
kernels = tables.limit_kernels(SMOOTH_RELUS, temperatures, K=K, angle=angle, depth=depth)

# %% mystnb={"figure": {"caption": "Errors of NNGP and NTK of deep He-initialised networks of infinite width, for equal inputs and for two at an angle; the lines are the laws {eq}`eq-depth-equal` to {eq}`eq-depth-ntk`.", "name": "fig-limit-kernels"}, "image": {"alt": "Four log-log panels against the temperature with points on straight lines: NNGP of equal inputs with slope three, AlgebraicLU two; NNGP at an angle with slope two; NTK of equal inputs with slope one; NTK at an angle with slope two."}} tags=["hide-input"]
figures.errors_against_temperature(kernels)

# %% [markdown]
# What is an angle, and what is equal?
# {numref}`fig-limit-angle` goes from one to the other, with one hidden layer of GELU.

# %% mystnb={"figure": {"caption": "Error of the NTK against the angle between two inputs, for GELU and one hidden layer. Dotted: the law of equal inputs, of order $T$. Dashed: the law of a resolved angle, of order $T^2$.", "name": "fig-limit-angle"}, "image": {"alt": "Log-log plot with one curve for each temperature: level at small angles, then, from an angle of about the temperature on, falling inversely to the angle down to a sharp dip near one radian where the error changes its sign."}} tags=["hide-input"]
figures.error_against_angle(
    tables.limit_angles(GELU, network_temperatures, np.geomspace(1e-4, 3, 25), K=K)
)

# %% [markdown]
# Over many layers the kernel of a He-initialised network drifts away from the one it started with, by the same amount in every layer as long as it has not gone far.
# {numref}`fig-limit-drift` shows it at the highest temperature of the second list.

# %% mystnb={"figure": {"caption": "Relative drift of the kernel under He initialisation: computed points on the law {eq}`eq-depth-equal`. The kernel shrinks for all five.", "name": "fig-limit-drift"}, "image": {"alt": "Relative drift of the kernel over the layers on a logarithmic axis, points on the curves of their laws. AlgebraicLU drifts several times as far as GumbelLU and SWISH, and those several times as far as GELU and GudermanLU."}} tags=["hide-input"]
figures.drift_over_depth(
    tables.limit_drift(SMOOTH_RELUS, max(network_temperatures), K=K, depth=10 * depth)
)

# %% [markdown]
# ## Real networks
#
# So far the networks were infinitely wide.
# Now He-initialised networks of width 512 are drawn, and each smooth activation is compared with ReLU at the same weights and on the same 128 random inputs.
# Nothing of the theory enters the points of {numref}`fig-limit-networks`; they lie on the lines of {eq}`eq-neurons`, in the temperature and in the depth.

# %%
networks = tables.limit_networks(
    SMOOTH_RELUS, network_temperatures, seeds, K=K, width=512, depth=6
)

# %% mystnb={"figure": {"caption": "Root mean square difference of hidden preactivations between a smooth and a ReLU network with the same weights, a point a seed; lines are {eq}`eq-neurons`.", "name": "fig-limit-networks"}, "image": {"alt": "Two panels of points on the lines of their law. Left: the difference at the last layer against the temperature, log-log, slope three halves. Right: the difference over the layers at one temperature, growing like the square root of the number of layers passed."}} tags=["hide-input"]
figures.network_differences(networks, max(network_temperatures))

# %% [markdown]
# ## The exponents, fitted
#
# {numref}`tab-limit-exponents` has the exponent of the law, two where AlgebraicLU has its own, and the slope of a straight line through the points; in brackets its standard error in units of the last digit.
# Where the law has a logarithm, the points are divided by it first.
# The last row is from the real networks, and its error is statistical.
# All other rows are exact computations: there the error says how much the points bend, and a slope a few errors away from its law, such as that of AlgebraicLU's derivative kernel, shows the next power of $T$.
# It shrinks as the temperatures are lowered.

# %% mystnb={"figure": {"caption": "The exponent of each law, and the fitted slope with its standard error in units of the last digit.", "name": "tab-limit-exponents"}}
last = networks[networks["layer"] == networks["layer"].max()]
exponents = tables.limit_exponents(errors, kernels, last)
page = tables.limit_exponent_page(exponents)
table(page, dict.fromkeys(page.columns, "{}"))

# %% [markdown]
# ## How to read the figures
#
# **The lines are not fits.** They were computed from {numref}`tab-corner-constants` alone.
# The coldest points of {numref}`fig-limit-one` and {numref}`fig-limit-kernels` lie on them to within {glue:text}`worst_ratio:.1%`.
#
# **One activation differs, and only in some panels.** In the second panel of {numref}`fig-limit-one` AlgebraicLU is by a power of $T$ above the rest, at the coldest temperature by a factor of {glue:text}`algebraic_factor:.0f` over the next.
# In the parallel susceptibility, which is the slope of the same function, it is among the others again.
# A gate needs a third moment for exponent 3 and a second one for a clean $T^2$ at an angle.
# "Converges uniformly", which AlgebraicLU does as well as any, does not tell them apart.
#
# **GumbelLU is not special here**, although it is the one asymmetric gate.
# No leading coefficient vanishes by symmetry, and none needs it.
# The asymmetry enters one power later, through $\mathbb E[X^3]$, which is why GumbelLU's slopes at an angle are farthest from 2.
# One case is an exception: at a right angle {eq}`eq-pair` vanishes, and for a symmetric gate, whose slope has mean exactly $\tfrac12$, the derivative kernel of one hidden layer equals ReLU's at **every** temperature.
# GumbelLU's misses it by $-T^3\,\mathbb E[X^3]\,p(0)/(3K)$.
#
# **The critical weight variance stays where it is.** $C_b$ and $K^\star$ vanish like $T^2$, as {eq}`eq-scaling` says; the points here were solved for at each temperature without using it.
# $C_W-2$ is level.
# So "the critical initialisation converges to He's" is true of the biases and false of the weights.
# At fixed $K$ and $T\to0$ a critically initialised network becomes the ReLU network with weight variance $C_W(1)$, whose kernel changes by the factor $C_W/2$ in every layer, for GELU by {glue:text}`gelu_step:.2%`.
# The limit $T\to0$ and the choice of the critical point do not commute, because $K^\star$ moves to 0 with $T$.
#
# **Diagonal and off-diagonal entries of the NTK converge at different rates**, and {numref}`fig-limit-angle` shows where one becomes the other: at an angle of about $T/\sqrt K$.
# The NTK of a smooth network is a blurred one, in a cone that narrows in proportion to the temperature.
# The dip is a change of sign.
#
# ## What this means for your network
#
# Measure $T$ in units of the signal, $T/\sqrt K$: for standardised inputs $\sqrt K$ is about 1.
# The first thing to notice a temperature are the gradients and the diagonal of the NTK, at order $T$ per layer; the kernel of the signal notices last.
# Take GELU at $T=0.1\sqrt K$ under He initialisation.
# By {eq}`eq-chi-limit` its squared gradient grows by a factor of $e$ in {glue:text}`gradient_layers:.0f` layers, while its kernel needs {glue:text}`kernel_layers:.0f` layers to drift by its own size.
# The first number is inversely proportional to $T$, the second to $T^3$.
# For AlgebraicLU the two are {glue:text}`algebraic_gradient_layers:.0f` and {glue:text}`algebraic_kernel_layers:.0f`, the second going like $T^{-2}$: of the five it is the one whose signal fades first.
#
# So a He-initialised smooth network is a ReLU network for most purposes while its depth is small against $10\sqrt K/T$.
# At about that depth three things happen together.
# The gradient has changed by a factor of order $e$.
# The NTK's diagonal is off by a good part of itself.
# And the angles between inputs, which in a ReLU network close with depth like $3\pi/\ell$, have come down to $T/\sqrt K$, so that all entries of the NTK pass from the rate $T^2$ to the rate $T$.
# For deeper networks use the critical initialisation of {doc}`02_initialization`.
# At $T\approx\sqrt K$, where most networks with these activations are used, no law of this page holds: there is no small number to expand in, and He initialisation has to be judged from the exact flow.
#
# ## What would falsify the claim
#
# A fitted slope away from the exponent of its law; a point away from the thin lines at low temperature; a second activation with exponent 2 in the kernel; a critical $C_W$ that approaches 2; real networks whose neurons differ by a power other than $3/2$.
# The law {eq}`eq-neurons` has a limit of its own: it needs neurons in the corner, $T\gg\sqrt K/n$.
# A given finite network at a temperature below that has none, and is then closer to ReLU than any power of $T$, or like $T^2$ for AlgebraicLU; the tests show both.

# %% tags=["hide-input"]
exact = exponents[exponents["quantity"] != "hidden"]
real = exponents[exponents["quantity"] == "hidden"]
cold = [part[part["temperature"] == min(temperatures)] for part in (errors, kernels)]
off = max((part["error"] / part["law"] - 1).abs().max() for part in cold)
of_kernel = cold[0][cold[0]["quantity"] == "kernel"].set_index("activation")
of_kernel = of_kernel["error"].abs().sort_values()
glue(
    worst_ratio=off, algebraic_factor=of_kernel.iloc[-1] / of_kernel.iloc[-2],
    worst_slope=(exact["slope"] - exact["exponent"]).abs().max(), real_low=real["slope"].min(),
    real_high=real["slope"].max(),
)

# %% tags=["hide-input"]
c = constants.set_index("activation")
drift = 0.1 / np.sqrt(2 * np.pi)  # T p(0) at T = 0.1 sqrt(K)
percent_gradient = 0.01 / (50 * 20 * drift * c.loc["GELU", "derivative_square"])
percent_kernel = (0.01 / (49 * 20 * drift * abs(c.loc["GELU", "square"]))) ** (1 / 3)
C_W = errors[(errors["quantity"] == "C_W") & (errors["activation"] == "GELU")]["error"]
glue(
    gradient_layers=1 / (2 * drift * c.loc["GELU", "derivative_square"]),
    kernel_layers=1 / (2 * drift * 0.1**2 * abs(c.loc["GELU", "square"])),
    percent_gradient=percent_gradient, percent_kernel=percent_kernel,
    percent_ratio=percent_kernel / percent_gradient,
    algebraic_gradient_layers=1 / (2 * drift * c.loc["AlgebraicLU", "derivative_square"]),
    algebraic_kernel_layers=1 / (2 * 0.1**2 * c.loc["AlgebraicLU", "tail"]),
    gelu_step=C_W.iloc[0] / 2,
)

# %%
square = exact[(exact["quantity"] == "kernel") & (exact["exponent"] == 2)]["activation"]
assert list(square) == ["AlgebraicLU"] and of_kernel.index[-1] == "AlgebraicLU"
assert (exact["slope"] - exact["exponent"]).abs().max() < 0.03 and off < 0.02
assert ((real["slope"] - 1.5).abs() < 4 * real["standard_error"] + 0.01).all()

# %% [markdown]
# In this run the fitted slopes of the exact computations differ from the exponents by at most {glue:text}`worst_slope:.3f`, and those of the real networks lie between {glue:text}`real_low:.3f` and {glue:text}`real_high:.3f`.
#
# ## Exercises
#
# ::::{admonition} Exercise 1: a constant by hand
# :class: exercise
# Compute $A=-5/(6\sqrt\pi)$ for GELU from {eq}`eq-moments`, and compare with {numref}`tab-corner-constants`.
#
# :::{dropdown} Solution
# Turn the plane by 45 degrees: $S=(X+X')/\sqrt2$ and $D=(X-X')/\sqrt2$ are independent and standard normal, and $\max(X,X')=(S+|D|)/\sqrt2$.
# Of the four terms of the third power those odd in $S$ have mean zero, which leaves
#
# $$
# \mathbb E\max(X,X')^3=\frac{3\,\mathbb E|D|+\mathbb E|D|^3}{2\sqrt2}=\frac{(3+2)\sqrt{2/\pi}}{2\sqrt2}=\frac5{2\sqrt\pi},
# $$
#
# and a third of it, with a minus sign, is $A$.
# :::
# ::::
#
# ::::{admonition} Exercise 2: gradients grow, whatever the gate
# :class: exercise
# Show that $B=\int u^2g'(u)^2\,du$.
# So $B>0$ for every gate, and by {eq}`eq-chi-limit` the gradient of a cold He-initialised network grows in each layer.
#
# :::{dropdown} Solution
# The slope is $g+ug'$, its square $g^2+u\,(g^2)'+u^2g'^2$.
# Integrate the middle term by parts on either side of the origin, with $g^2-\mathrm{step}$ as the antiderivative, which is small at both ends: $\int u\,(g^2)'du=-\int(g^2-\mathrm{step})\,du$.
# This cancels the first term of $B$.
# What has to vanish is $u\,(1-g^2)$ far on the right and $u\,g^2$ far on the left; AlgebraicLU's tail $1/(4u^2)$ is thin enough for it.
# For GELU $B=\frac1{2\pi}\int u^2e^{-u^2}du=1/(4\sqrt\pi)$.
# :::
# ::::
#
# ::::{admonition} Exercise 3: how cold is ReLU within a percent?
# :class: exercise
# A He-initialised GELU network has fifty layers and a signal with $K=1$.
# Below which temperature is its squared gradient, after fifty factors $\chi_\perp$, within a percent of that of ReLU, and below which the kernel of its last layer?
# Check the second answer with this page.
#
# :::{dropdown} Solution
# By {eq}`eq-chi-limit` fifty factors make $50\cdot2\,T\,p(0)\,B=0.01$, so $T=$ {glue:text}`percent_gradient:.4f`.
# By {eq}`eq-depth-equal` and {eq}`eq-kernel-limit` the kernel is off by $2\cdot49\,T^3p(0)\,|A|$, of 1, which makes $T=$ {glue:text}`percent_kernel:.3f`: {glue:text}`percent_ratio:.0f` times the temperature for the same percent.
# Re-run with `network_temperatures=[0.02, 0.04, 0.08]`: {numref}`fig-limit-drift` then shows the drift at $T=0.08$, computed exactly beside its law.
# :::
# ::::
#
# ## Where this is computed
#
# `smoothrelu/theory/relu_limit.py` has the corner integrals, the laws of one input and the fit; `smoothrelu/theory/relu_limit_networks.py` the laws of networks, {eq}`eq-depth-equal` to {eq}`eq-neurons`.
# A law is an object with an `exponent` and a `coefficient` that can be called with a temperature: `kernel_law(GELU(), K=1.0)(0.01)`.
# The tests in `tests/theory/test_relu_limit.py` check the integrals against mpmath, the law of a pair against the closed form of GELU at 40 digits, and the neurons against networks of their own.
