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
# # Temperature sets the finest detail a wide network sees, initialisation how deep it can be
#
# **Claim.** The kernels of an infinitely wide smooth network are ReLU's for everything coarser than the angle $T/\sqrt K$, and different in kind for everything finer: there ReLU's eigenvalues fall as a power of the frequency and the smooth network's faster than any power.
# Over depth the initialisation decides.
# If the inputs put the first layer at the critical kernel $K^\star$, the condition number of the neural tangent kernel on $N$ inputs tends to $1+N/2$, for each of the five activations and at every temperature.
# Under He initialisation, at a temperature that is not small against the signal, it doubles with every layer.
# A critical network whose inputs start elsewhere leaves the good value too, slowly, to one side or the other.
#
# ## Question
#
# A network of infinite width is two kernels.
# Before training its outputs are a Gaussian process with a covariance, the NNGP kernel; and while it is trained by gradient descent with a small step, its outputs move as the neural tangent kernel, the NTK, tells them to {cite:p}`jacot2018`.
# Both can be computed.
# What does the temperature of a smooth ReLU do to them, what does depth, and when is a kernel no longer of use, because gradient descent would need more steps than anyone can pay for?
#
# ## Theory: two kernels
#
# For inputs $x,x'$, with the conventions of {cite:t}`roberts2022` and the learning rates $\lambda_b=1$ for biases and $\lambda_W/\text{fan-in}$ with $\lambda_W=1$ for weights,
#
# $$
# \begin{aligned}
# K^{(1)} &= C_b + C_W\,\frac{x\cdot x'}{n_{\rm in}}, & K^{(\ell+1)} &= C_b + C_W\,\langle\phi\,\phi\rangle_{K^{(\ell)}},\\
# \Theta^{(1)} &= \lambda_b+\lambda_W\frac{x\cdot x'}{n_{\rm in}}, & \Theta^{(\ell+1)} &= \lambda_b
# + \lambda_W\langle\phi\,\phi\rangle_{K^{(\ell)}} + C_W\langle\phi'\phi'\rangle_{K^{(\ell)}}\,\Theta^{(\ell)}.
# \end{aligned}
# $$ (eq-two-kernels)
#
# The averages are over two preactivations with the covariance that the layer before gives them.
# For ReLU they are the arc-cosine kernels {cite:p}`cho2009`; for GELU there is a closed form as well {cite:p}`tsuchida2021`.
# This chapter shows GELU, because the closed form shares nothing with our quadrature and so checks it; what is said of the other four is computed by the quadrature alone.
# All inputs are scaled to one norm, $|x|^2=n_{\rm in}$ unless something else is said.
# This book's choice: the kernels then depend on the angle between two inputs and on nothing else.

# %%
import numpy as np

from smoothrelu import GELU, SMOOTH_RELUS, load_dataset
from smoothrelu.book import figures, tables
from smoothrelu.theory.relu_limit import fit_exponent
from smoothrelu.book.notebook import glue, table

# %% tags=["parameters"]
temperatures = [1.0, 0.3, 0.1]
n_images = 60
depth = 128
widths = [64, 256, 1024]
draws = 16

# %%
angles = np.concatenate([np.geomspace(1e-3, 0.3, 25)[:-1], np.linspace(0.3, np.pi, 40)])
by_angle = tables.kernels_by_angle(temperatures, angles, depth=2)

# %% mystnb={"figure": {"caption": "Both kernels of a critical GELU network with one hidden layer against the angle between two inputs. Lines: quadrature. Dots: closed form. Right: how the NTK leaves its value at angle zero.", "name": "fig-kernels-by-angle"}, "image": {"alt": "Three panels. Left and middle: the NNGP kernel and the NTK fall with the angle, nearly alike at all temperatures, the dots lying on the lines. Right, on logarithmic axes: the drop of the NTK is proportional to the angle for ReLU, and to its square for the smooth networks below an angle of the order of the temperature."}} tags=["hide-input"]
figures.kernels_by_angle(by_angle)

# %% [markdown]
# Quadrature and closed form in {numref}`fig-kernels-by-angle` differ by at most {glue:text}`quadrature_off:.0e`.
# To the eye the curves of all temperatures are one curve.
# The difference sits at angle zero, where the NTK of ReLU has a kink.
#
# ## Real networks
#
# No network is infinitely wide.
# The next figure draws critical GELU networks of three linear layers, computes the empirical NTK of each on twenty handwritten digits, with the learning rates above, and compares it with the limit {eq}`eq-two-kernels`.
# Each entry of the empirical kernel is a mean over $n$ neurons in each layer, so the central limit theorem asks for a relative error of order $n^{-1/2}$.

# %%
images = load_dataset("mnist", n_train=n_images, device="cpu").x_train
real = tables.ntk_of_real_networks(images[:20], widths, draws, temperature=temperatures[0], depth=3)

# %% mystnb={"figure": {"caption": "Relative distance of a finite network's NTK from the infinite-width NTK, one dot for each network.", "name": "fig-finite-ntk"}, "image": {"alt": "Relative error against width on logarithmic axes: dots for single networks and diamonds for their means, which follow a dashed line proportional to the inverse square root of the width."}} tags=["hide-input"]
figures.ntk_of_real_networks(real)

# %% [markdown]
# ## Theory: the price of fine detail
#
# Put the inputs on a circle.
# The eigenfunctions of a kernel that depends on the angle alone are then $\cos k\theta$ and $\sin k\theta$, and its eigenvalues the Fourier coefficients $c_k$.
# Gradient descent learns the component of frequency $k$ at a rate proportional to the $c_k$ of the NTK, so their decay says what is learnt when.
#
# **ReLU.** Near angle zero $\langle\phi'\phi'\rangle=(\pi-|\theta|)/2\pi$ has a kink, and $\langle\phi\phi\rangle$, whose second derivative contains it, has a term $|\theta|^3$.
# Integrating by parts twice, or four times, until the kink becomes a jump and the jump a point, gives
#
# $$
# c_k^{\rm NTK}\sim k^{-2},\qquad c_k^{\rm NNGP}\sim k^{-4}
# $$ (eq-relu-decay)
#
# on the circle; on the unit sphere of $\mathbb R^d$ they are $k^{-d}$ and $k^{-d-2}$, and depth does not change the exponents {cite:p}`bietti2021`.
#
# **Smooth ReLUs.** The gate is smeared over $T$ where the preactivations have size $\sqrt K$: the kink is rounded over an angle $T/\sqrt K$.
# Below the frequency $\sqrt K/T$ nothing changes, above it the coefficients fall faster than any power.
# How much faster, depends on the gate as a function of a complex variable.
# For GELU the closed form is singular only where $K(\theta)=\pm(K+T^2)$, which in one hidden layer happens at imaginary angles, and the distance to the nearest is the rate:
#
# $$
# c_k\sim e^{-\eta k}\ \text{up to powers of } k,\qquad \cosh\eta = 1+\frac{T^2}{C_W}.
# $$ (eq-gelu-decay)
#
# The other gates have poles or branch points, or grow without bound, at a distance $wT$ from the real axis: $w=\pi$ for SWISH, $\pi/2$ for GumbelLU, 1 for AlgebraicLU, $\pi/4$ for GudermanLU.
# The Hermite coefficients $a_m$ of $\phi'$ then fall like $e^{-wT\sqrt{m/K}}$ with the degree $m$.
# In terms of the correlation $\rho=(C_b+C_W\cos\theta)/K$ the average $\langle\phi'\phi'\rangle$ is the sum of all $a_m^2\rho^m$, and the $k$-th Fourier coefficient of $\rho^m$ is about $e^{-k^2K/2mC_W}$.
# The largest term of the sum is found at $m\sim k^{4/3}$, and $K$ drops out:
#
# $$
# c_k\sim \exp\Big[-\tfrac32\Big(\frac{2wTk}{\sqrt{C_W}}\Big)^{2/3}\Big]\ \text{up to powers of } k.
# $$ (eq-strip-decay)
#
# These kernels have all derivatives and yet are not analytic at angle zero; GELU's are.
# Both laws hold for one hidden layer and inputs of mean square 1.
# They are this book's, derived by saddle points and not proved; {numref}`tab-decay-rates` tests them.

# %%
spectra = tables.circle_spectra([GELU], temperatures)
all_cold = tables.circle_spectra(SMOOTH_RELUS, temperatures[-1:])

# %% mystnb={"figure": {"caption": "Eigenvalues of the two kernels on the circle, one hidden layer, critical GELU and ReLU; even frequencies, since ReLU's odd NNGP eigenvalues vanish.", "name": "fig-circle"}, "image": {"alt": "Two panels on logarithmic axes, NNGP and NTK eigenvalues against the frequency. ReLU follows straight lines of slope minus four and minus two. The curve of each temperature follows ReLU up to a frequency of about one over the temperature and then falls steeply."}} tags=["hide-input"]
figures.circle_spectra(spectra)

# %% mystnb={"figure": {"caption": "NTK eigenvalues in units of ReLU's, against the frequency in units of $\\sqrt{K}/T$. Left: GELU at all temperatures. Right: all activations at the lowest.", "name": "fig-crossover"}, "image": {"alt": "Two panels. Left: the curves of all temperatures of GELU fall on one curve, level at one until the scaled frequency is one and then falling steeply. Right: the five activations leave the level in the same region and fall at different rates, SWISH first and GudermanLU last."}} tags=["hide-input"]
figures.spectral_crossover(spectra, all_cold)

# %% mystnb={"figure": {"caption": "The decay of the NTK's eigenvalues beyond the crossover, at the lowest temperature: fitted and predicted rates.", "name": "tab-decay-rates"}}
rates = tables.decay_rates(spectra)
cold_rates = tables.decay_rates(all_cold)
digits = {"activation": "{}", "temperature": "{:g}", "power": "{:.2f}", "predicted": "{:.4f}"}
table(cold_rates, digits | {"fitted": "{:.4f}", "ratio": "{:.3f}"})

# %% [markdown]
# {numref}`tab-decay-rates` comes from fits of $-\log c_k=\text{const}+\text{rate}\cdot k^{\text{power}}+a\log k$ to the NTK beyond the crossover, and compares the rate with {eq}`eq-gelu-decay` for GELU and {eq}`eq-strip-decay` for the others.
#
# ## Fine detail in images
#
# Handwritten digits are far apart.
# The smallest angle between two of this chapter's is {glue:text}`smallest_angle:.2f`; at the lowest temperature $T/\sqrt K$ is {glue:text}`cold_crossover:.2f`, and no pair can tell it from ReLU.
# To see the crossover on real images we give each of twenty digits a copy, turned towards a random direction by a small angle.
# A network that is to give image and copy different labels has to fit the eigenvector that tells them apart, whose eigenvalue is the smallest one.

# %%
copies = tables.near_duplicates(images[:20], temperatures, np.geomspace(1e-3, 1, 10), depth=3)

# %% mystnb={"figure": {"caption": "Smallest eigenvalue of the NTK (three layers) of digits and their copies. Dotted: the angle $T/\\sqrt{K}$.", "name": "fig-duplicates"}, "image": {"alt": "The smallest eigenvalue against the angle between an image and its copy, on logarithmic axes. ReLU's is proportional to the angle. Those of the smooth networks leave it near the dotted line of their temperature and fall with the square of the angle."}} tags=["hide-input"]
figures.near_duplicates(copies)

# %% [markdown]
# ## Theory: depth
#
# Let $\delta = 1-K(x,x')/K$ be what two inputs differ by.
# Price's theorem says that $\langle\phi\phi\rangle$ changes with the covariance at the rate $\langle\phi'\phi'\rangle$, and this one at the rate $\langle\phi''\phi''\rangle$.
# To second order in $\delta$, while $K$ stands still,
#
# $$
# \delta \mapsto \chi_\perp\delta - \tfrac{\beta}{2}\delta^2,\qquad
# C_W\langle\phi'\phi'\rangle = \chi_\perp-\beta\,\delta,\qquad \beta = C_W K\,\langle\phi''^2\rangle_K .
# $$ (eq-delta)
#
# **At $K^\star$**, $\chi_\perp=1$ and $\delta\to 2/(\beta\ell)$ for every pair of inputs.
# With $\mu$ for the two first terms of the NTK's recursion, its diagonal grows like $\mu\ell$.
# Off the diagonal each layer multiplies by $1-2/\ell$, which leaves $\mu\ell/3$.
# So $\Theta$ tends to a multiple of a matrix with 1 on the diagonal and $\tfrac13$ elsewhere, and
#
# $$
# \kappa(\Theta)\to 1+\frac N2,\qquad \kappa(K)\simeq \frac{N\beta}{2}\,\ell .
# $$ (eq-kappa)
#
# The NNGP kernel of a deep network is nearly of rank one, its NTK is not.
# Neither the activation nor $T$ appears in the first limit, and of the second $\beta$ does not depend on $T$ either.
# For ReLU $\langle\phi''^2\rangle$ diverges: with the kink, $\theta\mapsto\theta-\theta^2/3\pi$, hence $\theta\to3\pi/\ell$, the factor is $1-3/\ell$, the ratio $\tfrac14$, and $\kappa(\Theta)\to1+N/3$.
#
# **Away from $K^\star$** {cite:t}`xiao2020` tell two phases apart.
# Where $\chi_\perp<1$, $\delta$ dies exponentially, all entries of the NTK become equal and $\kappa(\Theta)$ grows like $\chi_\perp^{-\ell}$ up to powers of $\ell$: gradient descent stalls.
# Where $\chi_\perp>1$, $\delta$ stays finite, the diagonal grows like $\chi_\perp^\ell$ and leaves the rest behind: $\kappa(\Theta)\to1$, a kernel that is easy to train and knows no likeness between different inputs.
#
# **He initialisation** of a network whose kernel falls below $T^2$: $\chi_\perp\to2g(0)^2$, which is $\tfrac12$ for every gate with $g(0)=\tfrac12$; all kernels halve with every layer, $\Theta=2+2^{-\ell}(A\ell+B)$ with $A$ and $B$ depending on the inputs, so $\kappa$ grows like $2^\ell/\ell$.

# %%
flows = tables.conditioning(images, temperatures, depth=depth)
checks = tables.quadrature_conditioning(images, temperatures, [2, 8, depth // 4, depth])
at_K_star = tables.conditioning_at_K_star(
    images, SMOOTH_RELUS, [depth // 16, depth // 4, depth, 4 * depth]
)

# %% mystnb={"figure": {"caption": "Condition number of the NTK on handwritten digits against depth. Left: GELU, critical (solid, dots by quadrature) and He (dashed), and ReLU with its limit $1+N/3$ (dotted). Middle: all activations at inputs that start at $K^\\star$, with the limit $1+N/2$ (dotted). Right: the condition number of their NNGP kernels, dashed where the theory puts it.", "name": "fig-conditioning"}, "image": {"alt": "Three panels on logarithmic axes. Left: all condition numbers first fall with depth. Under He initialisation at temperature one the curve turns and rises steeply; the critical one at temperature one turns later and slowly; at lower temperatures the curves fall below ReLU's, which tends to a dotted line. Middle: the five activations, started at their critical kernel, come down to one dotted line. Right: their NNGP condition numbers rise in proportion to the depth, along dashed lines."}} tags=["hide-input"]
figures.conditioning(flows, checks, at_K_star)

# %% mystnb={"figure": {"caption": "Kernel, gradient and condition of both kernels at the last layer; GELU.", "name": "tab-conditioning"}}
last = flows[(flows["layer"] == depth) & (flows["activation"] == "GELU")]
digits = {"temperature": "{:g}", "init": "{}", "K": "{:.3g}", "gradient": "{:.3g}"}
table(last, digits | {"ntk_condition": "{:.4g}", "nngp_condition": "{:.4g}", "ntk_rank": "{:.2f}"})

# %% [markdown]
# {numref}`tab-conditioning` shows the last layer.
# `gradient` is the product of $\chi_\perp$ over the layers, the growth of the squared gradient of the chapter on initialisation; `ntk_rank` is the effective rank $(\operatorname{tr}\Theta)^2/\operatorname{tr}\Theta^2$, 1 for a matrix of rank one and $N$ for a multiple of the identity.
# An infinite condition number means that the smallest eigenvalue is lost in the rounding of float64.
#
# ## How to read the figures
#
# {numref}`fig-kernels-by-angle`: the temperature hardly matters between inputs that are far apart.
# Between close ones the NTK of ReLU falls with the angle, that of a smooth network with its square.
#
# {numref}`fig-finite-ntk`: the error falls with the width to the power {glue:text}`power:.2f` ± {glue:text}`power_error:.2f` (one standard error; the theory says $-\tfrac12$).
# At the largest width of this run it is still {glue:text}`widest:.1%` on average: a network of that width has its own kernel, near the limit and not at it.
#
# {numref}`fig-circle` and {numref}`fig-crossover`: ReLU's exponents come out as {glue:text}`relu_nngp:.2f` and {glue:text}`relu_ntk:.2f`.
# Scaled by $\sqrt K/T$, the temperatures of GELU fall on one curve.
# The fitted rates of decay are between {glue:text}`ratio_low:.2f` and {glue:text}`ratio_high:.2f` times the predicted ones, over all temperatures of GELU and all activations; the rest is the slow powers of $k$, which the fit describes by one exponent only.
#
# {numref}`fig-duplicates`: for the three smallest angles the eigenvalue goes with the angle to the power {glue:text}`copy_relu:.2f` for ReLU and {glue:text}`copy_hot:.2f` for GELU at the highest temperature.
# At the smallest one ReLU's is {glue:text}`copy_gap:.0f` times the larger: so many times fewer steps to tell the two apart.
#
# {numref}`fig-conditioning`: depth helps at first, everywhere, because the factor $C_W\langle\phi'\phi'\rangle$ of each layer is smaller between different inputs than on the diagonal.
# Then the paths part.
# Under He initialisation at the highest temperature the condition number grows by a factor of {glue:text}`collapse:.3f` a layer (times $1/\ell$), and has passed a million at layer {glue:text}`he_layer:.0f`.
# The critical one turns too, since its inputs start below $K^\star$, where $\chi_\perp$ is a little below 1: its best value is {glue:text}`best:.0f` at layer {glue:text}`best_layer:.0f`, and at the last layer it is {glue:text}`critical_last:.0f`.
# At the lowest temperature the inputs start far above $K^\star$, the layers' $\chi_\perp$ multiply to more than 1, and the number falls, past ReLU's limit of {glue:text}`relu_limit:.0f`, to {glue:text}`cold_last:.1f`.
# {numref}`tab-conditioning` has one order: the larger the product of $\chi_\perp$, the smaller the condition number of the NTK.
# In the middle panel nothing drifts: after {glue:text}`deepest:.0f` layers the five activations are between {glue:text}`star_low:.1f` and {glue:text}`star_high:.1f`, the limit being {glue:text}`star_limit:.0f`.
# Their NNGP condition numbers (right) grow by {glue:text}`slope_low:.2f` to {glue:text}`slope_high:.2f` times the predicted $N\beta/2$ a layer.
#
# ## What this means for your network
#
# - **Which temperature.** Compare $T/\sqrt K$ with the smallest angle between inputs that must be told apart.
#   For digits as they are, that angle is large and the temperature hardly matters.
#   If the task is fine (high frequencies, near duplicates, sharp boundaries), a hot network learns it late.
#   Where the fine detail is noise the same fact may help; we did not measure that.
# - **Which initialisation, and which input scale.** Use the critical $(C_W, C_b)$, and scale the inputs so that $|x|^2/n_{\rm in}=(K^\star-C_b)/C_W$: then depth costs nothing in this limit.
#   For inputs of another size look at the column `gradient`: while it is of order one the kernel is in good order, when it is very small gradient descent stalls.
# - **When it starts to matter.** With He initialisation, at the temperature of the signal, before layer {glue:text}`he_layer:.0f`.
#   A critical network off its $K^\star$ lasts several times longer.
#   At low temperature He's network drifts to the other side, and in the end its kernel forgets likeness, which helps training and harms generalisation {cite:p}`xiao2020`.
# - **What the condition number does not say.** It bounds the steps of gradient descent in the kernel limit.
#   A network of finite width deviates by the square root of depth over width, moves its kernel while it learns, and may be trained by something else than gradient descent.
#
# ## What would falsify the claim
#
# A smooth network whose NTK eigenvalues follow $k^{-2}$ beyond $\sqrt K/T$, or leave ReLU's below it; one started at $K^\star$ whose condition number does not come to $1+N/2$; a He-initialised hot one whose does not double; an empirical NTK that does not approach {eq}`eq-two-kernels` as $n^{-1/2}$.

# %% tags=["hide-input"]
power, power_error = fit_exponent(real["width"], real["error"])
relu = spectra[(spectra["activation"] == "ReLU") & (spectra["k"] > 50)]
relu_powers = {c: fit_exponent(relu["k"], relu[c])[0] for c in ("nngp", "ntk")}
ratios = np.concatenate([rates["ratio"].dropna(), cold_rates["ratio"].dropna()])
glue(
    power=power, power_error=power_error, widest=real[real["width"] == max(widths)]["error"].mean(),
    quadrature_off=tables.quadrature_difference(by_angle), relu_nngp=relu_powers["nngp"],
    relu_ntk=relu_powers["ntk"], ratio_low=ratios.min(), ratio_high=ratios.max(),
)

# %% tags=["hide-input"]
close = copies[copies["angle"] < 0.006]
sharp, soft = close[close["activation"] == "ReLU"], close[close["temperature"] == max(temperatures)]
copy_relu = fit_exponent(sharp["angle"], sharp["smallest"])[0]
copy_hot = fit_exponent(soft["angle"], soft["smallest"])[0]
ends = flows.set_index(["temperature", "init"]).sort_index()
he, hot = ends.loc[max(temperatures), "he"], ends.loc[max(temperatures), "critical"]
collapse = np.exp(tables.collapse_rate(he))
best = hot.loc[hot["ntk_condition"] == hot["ntk_condition"].min()].iloc[0]
glue(
    copy_relu=copy_relu, copy_hot=copy_hot,
    copy_gap=sharp["smallest"].min() / soft["smallest"].min(), collapse=collapse,
    smallest_angle=tables.smallest_angle(images),
    cold_crossover=copies["crossover"][copies["crossover"] > 0].min(),
    he_layer=he[he["ntk_condition"] > 1e6]["layer"].min(),
)

# %% tags=["hide-input"]
star = at_K_star[at_K_star["layer"] >= depth // 4].groupby("activation")
limits = star["ntk_condition"].last()
slopes = star["nngp_condition"].agg(np.ptp) / star["layer"].agg(np.ptp) / star["nngp_slope"].first()
glue(
    best=best["ntk_condition"], best_layer=best["layer"],
    critical_last=hot["ntk_condition"].iloc[-1],
    cold_last=ends.loc[min(temperatures), "critical"]["ntk_condition"].iloc[-1],
    relu_limit=1 + n_images / 3, star_limit=1 + n_images / 2,
    rank_limit=n_images / (1 + (n_images - 1) / 9), deepest=at_K_star["layer"].max(),
    star_low=limits.min(), star_high=limits.max(), slope_low=slopes.min(), slope_high=slopes.max(),
)

# %%
assert tables.quadrature_difference(by_angle) < 1e-10 and abs(power + 0.5) < 4 * power_error
assert abs(relu_powers["nngp"] + 4) < 0.1 and abs(relu_powers["ntk"] + 2) < 0.1
assert ratios.min() > 0.85 and ratios.max() < 1.15
assert abs(copy_relu - 1) < 0.05 and abs(copy_hot - 2) < 0.05
assert np.abs(limits / (1 + n_images / 2) - 1).max() < 0.15
assert np.abs(slopes - 1).max() < 0.2 and not abs(collapse - 2) > 0.05
assert (last.sort_values("gradient")["ntk_condition"].diff().dropna() < 0).all()

# %% [markdown]
# ## Exercises
#
# ::::{admonition} Exercise 1: one third and one quarter
# :class: exercise
# Deep in a critical network the recursion {eq}`eq-two-kernels` of an entry off the diagonal is $\Theta'=\mu+(1-p/\ell)\,\Theta$, with $p=2$ for a smooth ReLU and $p=3$ for ReLU.
# Where do the two values of $p$ come from, and why does $\Theta$ grow like $\mu\ell/(1+p)$?
#
# :::{dropdown} Solution
# The factor is $C_W\langle\phi'\phi'\rangle$.
# For a smooth ReLU at $K^\star$ it is $1-\beta\delta$ by {eq}`eq-delta`, and $\delta\to2/(\beta\ell)$.
# For ReLU it is $1-\theta/\pi$, and $\theta\to3\pi/\ell$.
# Try $\Theta=s\ell$: the recursion becomes $s(\ell+1)=\mu+s\ell-sp$, which holds in every layer if $s=\mu/(1+p)$.
# Any other solution differs by a product of factors $1-p/\ell$, which falls like $\ell^{-p}$.
# On the diagonal $p=0$, and the ratio is $1/(1+p)$.
# :::
# ::::
#
# ::::{admonition} Exercise 2: condition and rank
# :class: exercise
# Let a matrix of $N$ rows have 1 on the diagonal and $r$ elsewhere, $0<r<1$.
# Find its condition number and its effective rank $(\operatorname{tr}\Theta)^2/\operatorname{tr}\Theta^2$, and with them the limits $1+N/2$ and $1+N/3$ of {eq}`eq-kappa`.
# How much of $N$ is the effective rank for a critical network?
#
# :::{dropdown} Solution
# The constant vector has the eigenvalue $1+(N-1)\,r$, every vector that sums to zero has $1-r$.
# So $\kappa=1+N\,r/(1-r)$, and $r/(1-r)$ is $\tfrac12$ for $r=\tfrac13$ and $\tfrac13$ for $r=\tfrac14$.
# The trace is $N$ and that of the square $N+N(N-1)\,r^2$, so the effective rank is $N/\bigl(1+(N-1)\,r^2\bigr)$.
# With $r=\tfrac13$ and the number of images of this run that is {glue:text}`rank_limit:.1f`; for many images it tends to 9, however many there are.
# A small condition number does not ask for a large effective rank.
# :::
# ::::
#
# ::::{admonition} Exercise 3: where GELU's kernel is singular
# :class: exercise
# GELU's closed form is singular where $K(\theta)=\pm(K+T^2)$.
# With $K(\theta)=C_b+C_W\cos\theta$ find both places, and from the nearer one {eq}`eq-gelu-decay`.
# What is $\eta$ at low temperature?
#
# :::{dropdown} Solution
# At angle zero $K=C_b+C_W$.
# The upper sign asks for $\cos\theta=1+T^2/C_W$, so $\theta=i\eta$ with the $\eta$ of {eq}`eq-gelu-decay`.
# The lower one asks for $\cos\theta=-1-(T^2+2C_b)/C_W$, at $\theta=\pi+i\eta'$, where $\cosh\eta'$ is larger by $2C_b/C_W$: farther from the real axis.
# The Fourier coefficients of a function that is analytic up to the distance $\eta$ from the real axis fall like $e^{-\eta k}$, up to powers.
# For small $T$, $\eta^2/2\simeq T^2/C_W$; $C_W$ is near 2, so $\eta$ is about $T$, and a critical GELU network sees about $1/T$ frequencies.
# :::
# ::::
#
# ## Where this is computed
#
# `smoothrelu/theory/infinite_width/kernels.py` computes both kernels for any activation, layer by layer (`pair_layers.py`) or, for many inputs, from one table of the whole network (`whole_network.py`), whose layers integrate by `kernel_tables.py`; `smoothrelu/theory/infinite_width/closed_forms.py` has the closed forms of ReLU and GELU; `smoothrelu/theory/spectra.py` the eigenvalues, condition number, effective rank and the spectrum on the circle; `smoothrelu/networks/ntk.py` the empirical NTK.
# The tables are built in `smoothrelu/book/tables/infinite_width.py`, `kernel_spectra.py` and `kernel_depth.py`.
