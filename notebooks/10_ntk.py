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
# # A smooth network's tangent kernel has a derivative in time, a ReLU network's jumps
#
# **Claim.** In full-batch gradient descent over a fixed training time, with learning rate $\eta$, the quadratic variation of a smooth network's neural tangent kernel vanishes like $\eta$ and its second differences like $\eta^3$: the kernel is a differentiable function of time.
# A ReLU network's stay, however small the step.
# A smooth network looks like ReLU until $\eta$ is small against its temperature: what the corner contributes depends on $\eta/T$ alone.
#
# ## Question
#
# The paper observes that the tangent kernels of smooth networks vary differentiably in training, and those of ReLU networks with stochastic fluctuations {cite:p}`smoothrelu2023`.
# But nothing is random in full-batch descent once the weights are drawn.
# What does "stochastic" mean here, how would one measure it, and how small must a step be to tell a smooth ReLU from ReLU?
#
# ## Theory
#
# The empirical {term}`neural tangent kernel` of a network $f$ with parameters $\theta$ is $\Theta(x,x')=\sum_p \partial_p f(x)\,\partial_p f(x')$, here summed over the ten outputs and taken on a few fixed images.
# Let it be followed through $t/\eta$ steps of gradient descent, to a fixed time $t$.
# Two sums say how smooth the path is,
#
# $$
# Q = \sum_s \lVert\Theta_{s+1}-\Theta_s\rVert^2, \qquad
# E = \sum_s \lVert\Theta_{s+1}-2\Theta_s+\Theta_{s-1}\rVert^2 .
# $$ (eq-path-sums)
#
# If $\Theta$ has a derivative, a step moves it by $\eta\dot\Theta$, so that $Q\approx\eta\int\lVert\dot\Theta\rVert^2$; with a second derivative too, $E\approx\eta^3\int\lVert\ddot\Theta\rVert^2$.
# These are sums of $t/\eta$ terms of size $\eta^2$ and $\eta^4$.
#
# ReLU's derivative jumps where a {term}`preactivation` crosses zero, and $\Theta$ with it, by an amount $J$ that does not depend on the step.
# Were there a fixed number of crossings, $Q$ and $E$ would tend to constants, $\sum J^2$ and $2\sum J^2$.
#
# It can be worse.
# The gradient itself jumps at the crossing.
# Where the descent pushes a preactivation down from above zero and up from below, it can neither cross nor rest: it goes to and fro at every step.
# The theory of discontinuous differential equations calls this a sliding mode {cite:p}`filippov1988`.
# The number of such flips grows like $1/\eta$, and $Q$ and $E$ with it.
# So for ReLU we expect exponents of zero or below.
#
# A smooth ReLU spreads the jump over a width $T$ of the preactivation.
# A preactivation that moves with velocity $v$ needs $T/(v\eta)$ steps for it.
# Hence everything that the corner does depends on $\eta v/T$ only,
#
# $$
# E(\eta, T) = S(\eta/T), \qquad S(r)\propto r^3 \text{ for small } r,
# $$ (eq-collapse)
#
# with a function $S$ that tends to ReLU's value for large $r$.
# A preactivation that would slide comes to rest inside the rounded corner, once $\eta$ is small enough against $T$ for the descent to be stable there.

# %%
from smoothrelu import SWISH, sweep
from smoothrelu.book import figures
from smoothrelu.book.statistics import ntk as statistics
from smoothrelu.book import studies
from smoothrelu.experiments.committed import published
from smoothrelu.book.slider import dial
from smoothrelu.book.notebook import glue, table

# %% tags=["parameters"]
temperatures = [1.0, 0.1, 0.01]
learning_rates = [0.02, 0.01, 0.005, 0.0025, 0.00125]
seeds = [0, 1]
time = 0.4
dataset = "mnist"
device = "auto"

# %% [markdown]
# ## The experiment
#
# A network of four linear layers, hidden width 64, critically initialised, on 200 images; the kernel is that of the first 50 of them, followed at every step for a training time of 0.4, the learning rate times the number of steps.
# In that time the loss falls to about half.
# All of it in double precision: in single precision the second differences of a smooth path soon drown in rounding.

# %%
runs = studies.tracked(
    [SWISH], temperatures, learning_rates, time=time, dataset=dataset, seed=seeds
)
tracked = sweep(runs, device=device)
paths = statistics.path_statistics(tracked)

# %% mystnb={"figure": {"caption": "The speed of the kernel, in units of its first norm, against time; darker: smaller steps.", "name": "fig-ntk-speed"}, "image": {"alt": "One panel for ReLU and one for each temperature of SWISH. The curves of SWISH at temperature one are smooth and fall on one another as the step shrinks; those of ReLU are jagged, and their spikes grow as the step shrinks."}} tags=["hide-input"]
figures.kernel_speed(tracked[tracked["seed"] == seeds[0]])

# %% mystnb={"figure": {"caption": "The same at one learning rate, which the slider makes smaller.", "name": "fig-ntk-speed-dial"}} tags=["hide-input"]
first = tracked[tracked["seed"] == seeds[0]]
speeds = {
    f"learning rate {lr:g}": figures.kernel_speed(first[first["lr"] == lr])
    for lr in sorted(learning_rates, reverse=True)
}
dial(
    speeds, label="Learning rate", shown=-1,
    alt="Speed of the kernel against time, a panel for ReLU and one for each temperature of SWISH, "
    "at {}.",
)

# %% [markdown]
# {numref}`fig-ntk-speed` divides each step of the kernel by the learning rate.
# Where a derivative exists the curves settle on it as the step shrinks.
# ReLU's do not settle: a jump of fixed size divided by a smaller step is a higher spike.
# Make the step smaller with the slider of {numref}`fig-ntk-speed-dial`, and watch the coldest SWISH part company with ReLU: its spikes become hills.
#
# ## The exponents
#
# The two sums of {eq}`eq-path-sums` are straight lines in {numref}`fig-ntk-laws` where they follow a power of the step.
# {numref}`tab-ntk-exponents` has the slopes.

# %% mystnb={"figure": {"caption": "Both path sums against the learning rate, this run: geometric mean over seeds, with their range.", "name": "fig-ntk-laws"}, "image": {"alt": "Two panels on double logarithmic axes. The quadratic variation of SWISH falls in proportion to the learning rate, its second-difference energy like the cube at the higher temperatures; both of ReLU stay level and rise again at the smallest steps."}} tags=["hide-input"]
figures.path_laws(paths)

# %% mystnb={"figure": {"caption": "The exponents of both path sums in this run, with 95 % intervals over seeds.", "name": "tab-ntk-exponents"}}
fitted = statistics.exponents(
    paths, ["quadratic_variation", "second_difference_energy"], below=max(learning_rates)
)
digits = {
    "activation": "{}", "temperature": "{:g}", "quadratic variation": "{}",
    "second difference energy": "{}",
}
table(statistics.formatted(fitted), digits)

# %% [markdown]
# The long runs do the same for all five smooth ReLUs, with more seeds, smaller steps and on both data sets: {glue:text}`runs:.0f` runs, {glue:text}`hours:.1f` hours of one core ({glue:text}`device`, torch {glue:text}`torch`), made by `make paper STUDY='ntk_mnist ntk_cifar10'`.
# {numref}`tab-ntk-exponents-long` and the figures after it show them.
# Exponents are fitted over learning rates of at most 0.0025, each seed by itself, and given with the 95 % confidence interval of their mean.

# %% mystnb={"figure": {"caption": "The exponents of both path sums in the long runs on MNIST, with 95 % intervals over seeds.", "name": "tab-ntk-exponents-long"}}
mnist, cifar10 = published("ntk_mnist"), published("ntk_cifar10")
quantities = ["quadratic_variation", "second_difference_energy"]
laws = statistics.exponents(mnist, quantities, below=0.0025)
laws_cifar10 = statistics.exponents(cifar10, quantities, below=0.0025)
table(statistics.formatted(laws), digits)

# %% mystnb={"figure": {"caption": "Both path sums against the learning rate on MNIST, all five smooth ReLUs and ReLU; long runs.", "name": "fig-ntk-laws-all"}, "image": {"alt": "Two panels on double logarithmic axes with one colour for each activation and one dash for each temperature. All smooth activations share the slopes one and three at high temperature; the black line of ReLU turns upwards at small steps."}} tags=["hide-input"]
figures.path_laws(mnist)

# %% mystnb={"figure": {"caption": "The second-difference energy against the learning rate, and against the learning rate over the temperature; long runs on MNIST.", "name": "fig-ntk-collapse"}, "image": {"alt": "Left: second-difference energy against the learning rate, spread over several decades by temperature. Right: the same points against the ratio of learning rate and temperature, where the temperatures of each activation fall on one curve that rises with the third power and then levels off."}} tags=["hide-input"]
figures.collapse(mnist[mnist["lr"] <= 0.01])

# %% mystnb={"figure": {"caption": "How often a preactivation changes sign on the way, and how often it does so at two steps running; long runs on MNIST.", "name": "fig-ntk-flips"}, "image": {"alt": "Two panels against the learning rate. The number of sign flips of the smooth networks does not depend on the step; that of ReLU grows as the step shrinks. Returns vanish for smooth networks and grow for ReLU."}} tags=["hide-input"]
figures.path_laws(mnist, ["sign_flips", "sign_returns"])

# %% [markdown]
# ## How far it travels
#
# How rough a path is says nothing about how long it is.
# In an infinitely wide network the kernel does not move at all, and theory has it move by one part in $n$ in a network of width $n$.
# {numref}`fig-ntk-travel` measures it where the comparison is fair: at the step at which the loss has first halved.
# The learning rate goes like $1/n$, since the kernel itself grows like $n$, so that all networks learn about equally fast (`make paper STUDY=ntk_widths`, five seeds).
# {numref}`tab-ntk-travel` has the slopes.

# %% mystnb={"figure": {"caption": "Distance of the kernel from its start, in units of its first norm, when the loss has halved, against the width; MNIST, 200 images. Geometric mean over seeds, with their range.", "name": "fig-ntk-travel"}, "image": {"alt": "Five lines on double logarithmic axes, SWISH and GELU at two temperatures and ReLU, fall together from about one half at width 32 to about one twentieth at width 512, with a slope of nearly minus one."}} tags=["hide-input"]
widths = published("ntk_widths")
figures.travel_by_width(widths)

# %% mystnb={"figure": {"caption": "The exponent of the kernel's travel in the width, with 95 % intervals over seeds.", "name": "tab-ntk-travel"}}
travel = statistics.width_exponents(widths)
table(
    travel,
    {
        "activation": "{}", "temperature": "{:g}", "exponent": "{:.2f}", "ci_low": "{:.2f}",
        "ci_high": "{:.2f}", "n_seeds": "{}",
    },
)

# %% [markdown]
# ## How to read the figures
#
# **Slopes.** {numref}`fig-ntk-laws` and {numref}`fig-ntk-laws-all` show the same laws, in this run and in the long ones.
# In the second all smooth networks at $T=1$ share two slopes.
# On MNIST the exponent of the quadratic variation lies between {glue:text}`smooth_variation_low:.2f` and {glue:text}`smooth_variation_high:.2f`, that of the second differences between {glue:text}`smooth_energy_low:.2f` and {glue:text}`smooth_energy_high:.2f`.
# On CIFAR-10 the quadratic variation gives {glue:text}`cifar10_low:.2f` to {glue:text}`cifar10_high:.2f`.
# ReLU has {glue:text}`relu_variation:.2f` and {glue:text}`relu_energy:.2f` on MNIST: its kernel does not become smooth with smaller steps.
# It becomes rougher.
#
# **Why below zero.** {numref}`fig-ntk-flips` counts sign changes of preactivations.
# A smooth network has as many at one step size as at another, each neuron crossing zero now and then.
# A ReLU network has more the smaller the step, and the growing part are returns: signs that changed at two steps running.
# These are the sliding modes.
# Preactivations are held at zero from both sides and flip at every step, so their number goes like the number of steps.
# At the smallest learning rate {glue:text}`relu_returns:.0%` of ReLU's flips are returns, of SWISH's at $T=1$ {glue:text}`swish_returns:.1%`.
# What looks like noise in a ReLU network's tangent kernel is this, deterministic and caused by the corner.
#
# **Temperature.** The colder a smooth network, the smaller the step at which it shows that it is smooth: at $T=0.01$ the slopes of the left panel of {numref}`fig-ntk-collapse` are still on their way from ReLU's to 3.
# On the right the energies are drawn against $\eta/T$.
# Below $T=1$ the curves of different temperatures continue one another, for each activation: of the points that have a partner at the next temperature, half lie within a factor of {glue:text}`collapse:.2f` of it, while the energies range over a factor of {glue:text}`range:.0e`.
# So a step is small when it is small against the temperature.
# The line of $T=1$ lies off this curve: there the smooth motion of the weights themselves, which knows no $T$, contributes more than the corner.
#
# **Length.** The kernel's travel falls with the width with exponents between {glue:text}`travel_low:.2f` and {glue:text}`travel_high:.2f`: nearly like $1/n$, and alike for ReLU and for smooth networks.
# What the corner does to the path is its roughness; the distance is the same.
# On its way the kernel turns towards the labels: its alignment with them grows from {glue:text}`aligned_first:.2f` to {glue:text}`aligned_narrow:.2f` at width 32, and to {glue:text}`aligned_wide:.2f` only at width 512, on average over all five.
#
# ## What would falsify the claim
#
# A smooth network whose quadratic variation has an exponent other than one when $\eta\ll T$; a ReLU network whose kernel has the exponents of a smooth one; an energy that depends on $\eta$ and $T$ otherwise than through their ratio; a travel that does not fall with the width.
# The last cell checks the first two in this run, and the board on the front page in the long ones.

# %% tags=["hide-input"]
warm = laws[laws["temperature"] == 1.0].set_index("statistic")["exponent"]
for_relu = laws[laws["activation"] == "ReLU"].set_index("statistic")["exponent"]
variation, energy = (warm.loc[statistic] for statistic in quantities)
glue(
    smooth_variation_low=variation.min(), smooth_variation_high=variation.max(),
    smooth_energy_low=energy.min(), smooth_energy_high=energy.max(),
    relu_variation=for_relu["quadratic_variation"],
    relu_energy=for_relu["second_difference_energy"],
)

# %% tags=["hide-input"]
records = mnist.attrs, cifar10.attrs
glue(
    runs=sum(record["runs"] for record in records),
    hours=sum(record["seconds"] for record in records) / 3600,
    device=", ".join(records[0]["device"]), torch=", ".join(records[0]["torch"]),
)

# %% tags=["hide-input"]
photographs = laws_cifar10[
    (laws_cifar10["temperature"] == 1.0) & (laws_cifar10["statistic"] == "quadratic_variation")
]
share = statistics.share_of_returns(mnist[mnist["lr"] == mnist["lr"].min()])
cold = mnist[(mnist["temperature"] < 1) & (mnist["lr"] <= 0.01)]
spread = statistics.spread_of_collapse(cold)
energies = cold["second_difference_energy"]
glue(
    cifar10_low=photographs["exponent"].min(), cifar10_high=photographs["exponent"].max(),
    relu_returns=share["ReLU"], swish_returns=share["SWISH"], collapse=spread,
    range=energies.max() / energies.min(),
)

# %% tags=["hide-input"]
ends = widths.groupby("width")[["first_alignment", "alignment"]].mean()
glue(
    travel_low=travel["exponent"].min(), travel_high=travel["exponent"].max(),
    aligned_first=ends["first_alignment"].iloc[0], aligned_narrow=ends["alignment"].iloc[0],
    aligned_wide=ends["alignment"].iloc[-1],
)

# %%
here = fitted.set_index(["activation", "temperature", "statistic"])["exponent"]
assert max(temperatures) < 1 or here["SWISH", max(temperatures), "quadratic_variation"] > 0.8
assert max(temperatures) < 1 or here["SWISH", max(temperatures), "second_difference_energy"] > 2
assert for_relu.max() < 0.2 and variation.min() > 0.8
assert travel["exponent"].between(-1.2, -0.6).all()

# %% [markdown]
# ## Exercises
#
# ::::{admonition} Exercise 1: what a crossing costs
# :class: exercise
# One preactivation crosses zero at the velocity $v$, and the kernel follows it as $J\,G(vt/T)$, where $G$ rises smoothly from 0 to 1.
# Find its contributions to $Q$ and $E$ for $\eta v\ll T$ and for $\eta v\gg T$.
# Do they depend on anything but $\eta v/T$?
#
# :::{dropdown} Solution
# Small steps turn the sums into integrals: $Q\simeq\eta\int\bigl(\tfrac{Jv}T\bigr)^2G'\bigl(\tfrac{vt}T\bigr)^2dt=J^2\,\tfrac{\eta v}T\int G'^2du$ and likewise $E\simeq J^2\bigl(\tfrac{\eta v}T\bigr)^3\int G''^2du$.
# A large step jumps over the corner: one difference is $J$, and two second differences are $J$ and $-J$, so $Q=J^2$ and $E=2J^2$.
# In general step $s$ sees $G$ at $s\,\eta v/T$ plus a shift, so nothing else enters, except for where the grid of steps falls.
# This is {eq}`eq-collapse`, with its cube.
# :::
# ::::
#
# ::::{admonition} Exercise 2: jumps or noise?
# :class: exercise
# Let the kernel's path be Brownian motion, sampled every $\eta$.
# Which exponents have $Q$ and $E$, and what is $E/Q$?
# Can the two sums tell noise from a fixed number of jumps?
# Propose a sum that can.
#
# :::{dropdown} Solution
# Steps are independent, of variance $\eta$.
# So $Q\to t$, and a second difference, of variance $2\eta$, gives $E\to2t$: exponents zero and the ratio 2.
# A fixed number of jumps has zero, zero and 2 as well.
# Fourth powers differ: $\sum\lVert\Theta_{s+1}-\Theta_s\rVert^4$ tends to $\sum J^4$ for jumps, and vanishes like $\eta$ for noise, $t/\eta$ terms of size $\eta^2$.
# ReLU's exponents are below zero, so it is neither: {numref}`fig-ntk-flips` shows what it is.
# :::
# ::::
#
# ::::{admonition} Exercise 3: a sliding mode in one line
# :class: exercise
# Minimise $|w|$ by gradient descent with the step $\eta$, from a $w$ that is no multiple of $\eta$.
# How many times does the slope change its sign until the time $t$, and which exponents have $Q$ and $E$ of the slope?
# Now round the corner: minimise $T\log\cosh(w/T)$.
# Below which $\eta$ does the descent come to rest?
#
# :::{dropdown} Solution
# Once $|w|<\eta$ every step changes the sign, about $t/\eta$ times in all.
# The slope goes from $1$ to $-1$ and back: first differences $\pm2$, second ones $\pm4$, so $Q\simeq4t/\eta$ and $E\simeq16t/\eta$, both with the exponent $-1$.
# The rounded slope is $\tanh(w/T)$, at the origin $w/T$.
# A step multiplies a small $w$ by $1-\eta/T$, and it comes to rest if $\eta<2T$.
# ReLU's exponents in {numref}`tab-ntk-exponents-long` lie between the 0 of plain jumps and this $-1$: part of its preactivations behave like this $w$.
# :::
# ::::
#
# ## Where this is computed
#
# `smoothrelu/networks/ntk.py` has the empirical kernel of any module of linear layers, `smoothrelu/networks/ntk_path.py` the observer that follows it, `smoothrelu/networks/sign_flips.py` the one that counts, `smoothrelu/book/statistics/ntk.py` the sums and exponents, and `smoothrelu/book/studies/` the lists of runs, short and long.
