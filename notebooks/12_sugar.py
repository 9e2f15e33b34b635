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
# # A borrowed slope wakes dead units, and is no gradient
#
# **Claim.** ReLU forward with the slope of a smooth surrogate backward (SUGAR) wakes units that are dead, as far down as the surrogate's slope is well above zero.
# The price is that what goes back is not the gradient.
# In a wide network its variance grows or shrinks by $C_W\langle f'^2\rangle_K$ per layer, the perpendicular susceptibility of the *surrogate* at the kernel of *ReLU*, and real networks follow this.
# For B-SiLU it grows by two thirds a layer, so that a deep network without normalisation diverges at ReLU's learning rates and needs far lower ones.
# Balancing the growth by the initialisation only moves the loss into the forward pass; a cold surrogate has a gain near one.
#
# ## Question
#
# A ReLU unit that is negative on every example sends nothing back: it is dead, and stays so.
# A smooth ReLU has no such units, but computes something else, and its zeros are gone.
# {cite:t}`sugar2025` want both: compute ReLU, and in going back multiply by the slope of something smooth.
# They report that VGG-16 and ResNet-18, trained without data augmentation, gain many points of accuracy (ResNet-18 on CIFAR-10: from 76.8 to 86.4 %) with fewer dead units.
#
# That is a smooth ReLU in the backward pass only, so it belongs in this book.
# Which surrogate, at what temperature?
# What does it do to the signal that goes back through a deep network, of which the first chapters made so much?
# And how much of the gain do we see?
#
# ## Forward ReLU, backward something else
#
# For a surrogate $f$, SUGAR is the layer
#
# $$
# y = f(x) - \mathrm{sg}(f(x)) + \mathrm{sg}(\mathrm{ReLU}(x)),
# $$ (eq-sugar)
#
# where $\mathrm{sg}$ stops the gradient: the value is ReLU's, and the derivative is $f'$.
# The paper calls this forward gradient injection.
# Its surrogates are smooth ReLUs such as SiLU, GELU, ELU and SELU, the leaky ReLU, and two of its own.
# **B-SiLU** is $(x+\alpha)\sigma(x)-\alpha/2$ with $\alpha=1.67$.
# Its slope is $\sigma+(x+\alpha)\sigma(1-\sigma)$, which vanishes where $x+e^x=-(1+\alpha)$, so that the minimum is at
#
# $$
# x_0=-(1+\alpha)-w,\qquad f(x_0)=-w-\tfrac{\alpha}{2},\qquad w=W\!\left(e^{-(1+\alpha)}\right),
# $$ (eq-bsilu)
#
# $W$ being Lambert's function: $x_0$ is {glue:text}`bottom:.3f`.
# SiLU is the case $\alpha=0$.
# The slope itself is extreme where $(x+\alpha)\tanh(x/2)=2$, and there it is $1/(1-e^{-x})$: for B-SiLU between $-0.024$ and $1.290$.
# **NeLU** is given by its slope, 1 above zero and $2\alpha x/(1+x^2)^2$ below, *negative*, least at $x=-1/\sqrt3$ with $-\tfrac{3\sqrt3}{8}\alpha$.
#
# Relatives fit the same form: HeLU {cite:p}`helu2024` has the slope of $\max(0, x+\alpha)$.
# What we call the excitation gate has a sigmoid for a slope, so that its surrogate is the softplus; it is after the excitation pullbacks of {cite:t}`satkiewicz2025`, who goes back through soft gates to explain trained networks, not to train them, and its temperature of 1 is our choice.
# A stochastic ReLU, after {cite:t}`stochastic2025`, is none, since it changes the forward pass too: ours is $x$ above zero and below, in training, SiLU or zero by a draw for each element.

# %%
import torch
from torch import nn

from smoothrelu import GELU, SUGAR, SWISH, BSiLU, GumbelLU, HeLU, NeLU, load_dataset, sweep
from smoothrelu.book import figures
from smoothrelu.book.statistics import sugar as statistics
from smoothrelu.book import tables
from smoothrelu.theory.sugar_gradient import balanced_variances, gradient_cosine, gradient_gain
from smoothrelu.theory.sugar_gradient import minimum_of, unit_gain_temperature
from smoothrelu.networks.image_networks import FullyConnected
from smoothrelu.experiments.committed import published
from smoothrelu.book.notebook import glue, table
from smoothrelu.book.studies import sugar as studies

# %% tags=["parameters"]
temperatures = [0.03, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 3.0, 10.0]
depths = [3, 6, 11, 21]
n_images = 200
seeds = [0, 1, 2]
drowned = 1.0
device = "auto"

# %%
relatives = {"leaky ReLU": nn.LeakyReLU(), "HeLU": HeLU(), "excitation gate": nn.Softplus()}
smooth = {"SiLU": nn.SiLU(), "GELU": nn.GELU(), "ELU": nn.ELU(), "SELU": nn.SELU()}
surrogates = {"ReLU": torch.relu, "B-SiLU": BSiLU(), "NeLU": NeLU(), **smooth, **relatives}

# %% mystnb={"figure": {"caption": "The surrogates, and their slopes, which is what SUGAR takes of them. B-SiLU's is above a half far below zero; NeLU's, and beyond their minima those of SiLU, GELU and B-SiLU, are negative.", "name": "fig-sugar-slopes"}, "image": {"alt": "Two panels of ten curves against the preactivation. The values all follow the identity above zero. The slopes rise from near zero to near one, that of B-SiLU earliest and up to 1.29, that of SELU with a jump; that of NeLU dips below zero left of the origin.", "width": "90%"}} tags=["hide-input"]
figures.surrogates_and_slopes(tables.surrogate_curves(surrogates))

# %% [markdown]
# ### What counts as dead
#
# A unit fires at an example where its activation is positive; it is dead if it fires at no example of the whole training set.
# In a convolution a unit is a channel and every place in every image is a look.
# For ReLU and SUGAR these are the same zeros, since forward they are the same function.
# Sparsity is the fraction of looks at which a unit does not fire; a healthy ReLU unit has about a half.
#
# ## Why a dead unit can wake, and from how deep
#
# Let a unit sit at $z=-d$ on every example, give or take a little.
# With $\delta$ what comes back to its output, its incoming weights and bias move by $-\eta f'(-d)\,\delta\,(x, 1)$.
# Under ReLU that is nothing.
# With a surrogate it is what a *linear* unit would do, at a learning rate reduced by $f'(-d)$: the unit drifts as the loss would have it if the unit spoke, and one of the two directions is up.
# So it can wake if $f'(-d)$ is positive and not small.
# In the right panel of {numref}`fig-sugar-slopes` it is the height of the curve at $-d$: at $-1$ SELU, ELU, B-SiLU and the excitation gate stand well above zero, the others about it or below.
# At $d=1$ B-SiLU has {glue:text}`slope_bsilu:.2f`, SiLU {glue:text}`slope_silu:.2f`, the leaky ReLU 0.01, HeLU and ReLU nothing, and GELU {glue:text}`slope_gelu:.2f`: it is past its minimum, where the slope is *negative* and the unit is pushed away from where it would be of use.
# The reach of a surrogate is the place of its minimum, {glue:text}`bottom:.2f` for B-SiLU, $-${glue:text}`reach_silu:.2f` for SiLU, $-${glue:text}`reach_gelu:.2f` for GELU; and for a smooth ReLU it is proportional to the temperature.
#
# To see it, drown some units: a network of six layers in which every second hidden unit starts with a bias of $-d$ and weights so small that it is negative on all images.
# The rest starts as He would have it.
# This run, on 2,000 images of MNIST:

# %%
network = FullyConnected(64, 6, studies.InitiallyDead(drowned))
kinds = [nn.ReLU(), SUGAR(BSiLU())]
firing = (studies.TrackFiring(1),)
runs = studies.runs("mnist", network, kinds, observe=firing, seeds=seeds[:2], rates=[0.01])
awake = statistics.labelled(sweep(runs, device=device))

# %% mystnb={"figure": {"caption": "Dead units of a network half of whose hidden units start dead, ReLU and SUGAR with B-SiLU; this run. Left: all layers against the epoch. Right: by layer, after the last.", "name": "fig-sugar-deaths"}, "image": {"alt": "Left: the fraction of dead units stays at one half for ReLU and falls to less than one fifth within an epoch or two for B-SiLU. Right: by layer, ReLU level at one half, B-SiLU far below in every layer, lowest in the first."}} tags=["hide-input"]
figures.deaths(statistics.by_layer(awake))

# %% [markdown]
# The long runs do this for nine activations, four depths and three seeds.

# %%
sleepers = statistics.revived(statistics.labelled(published("sugar_drowned")))
mnist_sleepers = sleepers[sleepers["dataset"] == "mnist"]
where = tables.slopes_below_zero(surrogates, sorted(mnist_sleepers["initial_bias"].unique()))
by_slope = mnist_sleepers.merge(where, on=["surrogate", "initial_bias"])

# %% mystnb={"figure": {"caption": "The part of the drowned units that are awake after training, against the slope of the surrogate where they lay; MNIST, three seeds; one colour a surrogate, one marker a depth.", "name": "fig-sugar-woken"}, "image": {"alt": "A scatter of points with error bars: the fraction of units woken rises with the slope of the surrogate, from zero at slopes of zero or below to more than four fifths at slopes of one half."}} tags=["hide-input"]
figures.revived_by_slope(by_slope)

# %% [markdown]
# ## What it does to the signal that goes back
#
# In a wide network the gradient in the preactivations of one layer is that of the next, through random weights, times the slope.
# Its variance $g^2$ and its covariance $c$ with the true gradient therefore go back by
#
# $$
# g^2_{\ell} = C_W\,\langle f'^2\rangle_{K}\; g^2_{\ell+1}, \qquad
# c_\ell = C_W\,\langle f'\,\mathbb 1[z>0]\rangle_{K}\; c_{\ell+1} ,
# $$ (eq-sugar-gain)
#
# where $K$ is the {term}`kernel` of the *forward* pass, ReLU's.
# The first factor is the perpendicular susceptibility of the second chapter, but of a network that is not there: weights and kernel belong to ReLU, the slope to the surrogate.
# With He's $C_W=2$ ReLU keeps every kernel, and
#
# $$
# \text{gain} = 2\langle f'^2\rangle_K, \qquad
# \text{cosine} = \rho^{\,L-\ell}, \quad \rho = \langle f'\,\mathbb 1[z>0]\rangle_K \Big/ \sqrt{\tfrac12\langle f'^2\rangle_K}.
# $$ (eq-sugar-alignment)
#
# Two surrogates can be done by hand.
# A leaky ReLU of slope $a$ has gain $1+a^2$ and $\rho=1/\sqrt{1+a^2}$ at every kernel, so that leaks of a hundredth do nothing to either.
# ELU has gain $1+2e^{2K}\,\Phi(-2\sqrt K)$, which falls from 2 at small kernels to 1 at large ones.
# B-SiLU's is $2(\tfrac12+\tfrac\alpha4)^2=1.68$ at small kernels, rises a little and falls to 1 at large ones; at $K=2$, where He's networks have inputs of mean square 1, it is in {numref}`tab-sugar-growth`.
#
# For ReLU both are 1.
# By Cauchy and Schwarz $\rho\le1$, with equality only where $f'$ is proportional to the step, so the angle between SUGAR's direction and the gradient grows with every layer.

# %% mystnb={"figure": {"caption": "Growth of the squared gradient per layer going back: theory, and measured in networks of width 256 with its 95 % interval.", "name": "tab-sugar-growth"}}
images = load_dataset("mnist", n_images, 1, device="cpu")
shown = {name: surrogates[name] for name in ("B-SiLU", "SiLU", "ELU", "HeLU")}
flow = tables.backward_flow(shown, images.x_train, width=256, depth=20, seeds=seeds)
growth = statistics.per_layer(flow)
digits = {
    "surrogate": "{}", "theory": "{:.3f}", "gain": "{:.3f}", "ci_low": "{:.3f}",
    "ci_high": "{:.3f}",
}
table(growth, digits)

# %% mystnb={"figure": {"caption": "What goes back through nineteen hidden layers of width 256 before training, from MNIST images of mean square 1. Points: networks, mean and range over seeds. Lines: the theory.", "name": "fig-sugar-backward"}, "image": {"alt": "Left: squared gradient against layers gone back on a logarithmic axis; B-SiLU rises by four orders of magnitude, ELU by nearly two, SiLU falls. Right: the cosine with the true gradient falls towards zero, fastest for ELU and B-SiLU. Points lie on the lines of theory."}} tags=["hide-input"]
figures.gradient_going_back(flow)

# %% [markdown]
# ### What would make the gain one
#
# *An initialisation?* Take $C_W=1/\langle f'^2\rangle_K$ and bias variance $C_b = K(1-C_W/2)$, so that ReLU keeps the kernel $K$.
# For B-SiLU at $K=2$ these are {glue:text}`C_W:.3f` and {glue:text}`C_b:.3f`.
# The gradient keeps its size; but forward the difference between two inputs now shrinks by $C_W/2$, {glue:text}`forward:.2f`, a layer, for forward it is still ReLU's susceptibility that counts.
# Between what is lost forward and what is won backward the factor is always $2\langle f'^2\rangle_K$: the initialisation only moves it from one pass to the other.
#
# That is a trade, and whether it pays depends on the depth: over ten layers a signal survives a loss that over twenty it does not.
#
# *A temperature.* For a smooth ReLU $f=\phi_T$ the gain depends on $K/T^2$ only.
# It is 1 for the cold surrogate, which is ReLU; above 1 for a range of temperatures; and for the warm one it falls to $2\phi'(0)^2$, a half for SWISH and GELU.
# In between it crosses 1 once more: at $T/\sqrt K$ of {glue:text}`unit_swish:.3f` for SWISH and {glue:text}`unit_gelu:.3f` for GELU.
# The crossing is where the core paper's critical kernel would be if criticality asked for $C_W=2$ exactly.
# {numref}`fig-sugar-gain` has both: a gain a few percent above 1 that falls through 1, and beside it the alignment, which only ever falls.
# A surrogate of unit gain keeps the length of the gradient, not its direction.

# %% mystnb={"figure": {"caption": "Gain and alignment per layer of the backward pass with a smooth ReLU as surrogate, at $C_W=2$ and $K=2$, against its temperature.", "name": "fig-sugar-gain"}, "image": {"alt": "Left: the gain per layer of SWISH, GELU and GumbelLU is one at low temperature, rises by a few percent, crosses one and falls to one half or below at high temperature. Right: the alignment falls from one to about 0.7."}} tags=["hide-input"]
kinds = [SWISH, GELU, GumbelLU]
figures.gain_against_temperature(tables.gains_by_temperature(kinds, temperatures, 2.0))

# %% [markdown]
# ## Not a gradient
#
# If $d$ is what SUGAR's backward returns, a step $-\epsilon\,d/|d|$ ought to change the loss by $-\epsilon|d|$.
# It does not: finite differences converge, but to $-\epsilon\,g\cdot d/|d|$, $g$ being the true gradient.
# The left panel of the next figure shows what is kept of the promise, the right one the cosine between $d$ and $g$.
# Where it is positive a small enough step still goes down.
#
# This is why no finite-difference check of SUGAR can pass, nor should it, and why a training loss under SUGAR need not fall at every step however small the learning rate.
# An optimiser such as Adam, which normalises the size of what comes back, hides the gain but not the angle.

# %%
tried = {name: surrogates[name] for name in ("B-SiLU", "NeLU", "SiLU", "HeLU")}
steps = tables.descent(
    tried, images.x_train, images.y_train, width=64, depths=depths, seeds=seeds
)

# %% mystnb={"figure": {"caption": "Left: the change of the loss along SUGAR's direction over the change it promises, in the deepest network. Right: cosine between its direction and the gradient against the depth. He's initialisation, MNIST, mean and range over seeds.", "name": "fig-sugar-steps"}, "image": {"alt": "Left: ratio of change and promise against the length of the step; level at small steps, near one for NeLU, above it for SiLU, below it for HeLU, near zero for B-SiLU, and falling at large steps for all. Right: the cosine falls with depth, from above 0.9 at three layers to near zero at 21 layers for B-SiLU; NeLU stays near one."}} tags=["hide-input"]
figures.small_steps(steps, max(depths))

# %% [markdown]
# ## Deep networks without normalisation
#
# Fully connected networks of 64 units and twenty layers, He's initialisation, ten epochs on 2,000 images, momentum 0.9 with a learning rate that falls along a cosine.
# ReLU loses units here as the learning rate rises.
# Each activation has its own best of at least five learning rates, by validation accuracy; {numref}`tab-sugar-deep` has the test accuracy there, its difference to ReLU's with the 95 % interval of the paired differences, and the dead units at the end.
# B-SiLU and ELU were also given two rates lower than the others', because their best among five was the lowest.

# %% mystnb={"figure": {"caption": "Twenty plain layers, each at its own best learning rate: test accuracy, its difference to that of ReLU with the 95 % interval, and the fraction of dead units.", "name": "tab-sugar-deep"}}
deep = statistics.concat_labelled(published("sugar_deep"))
ends = statistics.final_rows(deep)
deep_gaps = statistics.differences(statistics.at_best_rate(ends))
columns = {"dataset": "{}", "depth": "{:g}", "surrogate": "{}", "temperature": "{:g}", "lr": "{:g}"}
gap = {
    "value": "{:.3f}", "difference": "{:+.3f}", "ci_low": "{:+.3f}", "ci_high": "{:+.3f}",
    "dead": "{:.2f}",
}
table(deep_gaps, columns | gap)

# %% mystnb={"figure": {"caption": "Dead units of twenty-layer networks on MNIST at the learning rate 0.1, which is too large and kills: over the epochs, and by layer at the end. Surrogates of which a seed diverged there are left out: B-SiLU, ELU, and SWISH at $T=1$.", "name": "fig-sugar-deep"}, "image": {"alt": "Left: the fraction of dead units rises in the first epochs, for ReLU and for SUGAR with SWISH at temperature 0.1, to between a third and a half. Right: by layer, few are dead in the first layers and more than half in the middle and last ones."}} tags=["hide-input"]
figures.deaths(statistics.by_layer(statistics.surviving(deep, "mnist", 20, 0.1)))

# %% [markdown]
# ## VGG and ResNet, without augmentation
#
# The paper's comparison, at the scale of one core: VGG-like and ResNet-like networks with batch normalisation, from 8 to 32 channels, on 2,000 images of CIFAR-10 at half resolution; 1,000 other images for the test and 500 for the choice of a rate.
# No augmentation, no weight decay.
# All activations at the learning rate 0.05, which we chose; ReLU and B-SiLU also at a quarter and four times of it, over five seeds, the others over three.
# Beside SUGAR the smooth networks themselves: SiLU and GELU *both ways*.
# The paper's own learning rates, batch sizes and epochs we did not find.

# %%
image_runs = statistics.concat_labelled(published("sugar_vgg"), published("sugar_resnet"))
common = statistics.differences(image_runs[image_runs["lr"] == 0.05])
best = statistics.differences(statistics.at_best_rate(image_runs))
best = best[best["surrogate"].isin(["ReLU", "B-SiLU"])]
longer = statistics.concat_labelled(published("sugar_long"))
longest = statistics.differences(statistics.at_best_rate(longer))

# %% mystnb={"figure": {"caption": "Test accuracy minus ReLU's at equal seed and the common learning rate 0.05, with 95 % intervals.", "name": "fig-sugar-accuracy"}, "image": {"alt": "Two panels, VGG and ResNet, with one horizontal interval for each surrogate around its difference to ReLU in points of test accuracy. Most intervals include zero."}} tags=["hide-input"]
figures.accuracy_by_surrogate(common)

# %% [markdown]
# Each at the best of its rates, after ten epochs and, in a longer run, after forty, when the training set is all but learnt:

# %% mystnb={"figure": {"caption": "VGG-like and ResNet-like networks after ten epochs, each at the best of three learning rates.", "name": "tab-sugar-images"}}
image_columns = {"network": "{}", "surrogate": "{}", "lr": "{:g}", "n_seeds": "{}"} | gap
table(best, image_columns)

# %% mystnb={"figure": {"caption": "The same after forty epochs, each at the best of two learning rates.", "name": "tab-sugar-longest"}}
table(longest, image_columns)

# %% mystnb={"figure": {"caption": "How often the units of the trained VGG fire over the training set, first, middle and last layer; a dead unit fires at no look.", "name": "fig-sugar-firing"}, "image": {"alt": "Three panels of stepped histograms for ReLU and B-SiLU. In the convolutional layers both are bell-shaped and alike; in the last, fully connected layer ReLU has a spike at zero, the dead units, and B-SiLU a smaller one."}} tags=["hide-input"]
snapshots = published("sugar_trained")
histogram = statistics.firing(snapshots)
figures.firing(histogram[histogram["network"] == "VGG"], [1, 5, 9])

# %% mystnb={"figure": {"caption": "The training loss around the trained ResNets, along two random directions normalised filter by filter, after {cite:t}`li2018`.", "name": "fig-sugar-surfaces"}, "image": {"alt": "Two contour plots side by side, ReLU and SUGAR with B-SiLU, of the logarithm of the loss on one colour scale. Both are basins around the cross that marks the trained weights; that of ReLU is steeper and its rim is higher."}} tags=["hide-input"]
surfaces = {name: statistics.surface(snapshots, "ResNet", name) for name in ("ReLU", "B-SiLU")}
figures.loss_surfaces(surfaces)

# %% [markdown]
# ## The temperature that the surrogate likes
#
# With $\phi_T$ as surrogate $T\to0$ is ReLU itself, so that one knob leads from the true gradient to a borrowed one.

# %%
warmth = statistics.concat_labelled(published("sugar_temperatures"))
plain = warmth[(warmth["dataset"] == "mnist") & (warmth["lr"] == 0.01)]
vgg = warmth[warmth["network"] == "VGG"]

# %% mystnb={"figure": {"caption": "Twenty-layer networks on MNIST, learning rate 0.01: test accuracy and dead units against the temperature of the surrogate, mean and range over seeds. Dashed: ReLU.", "name": "fig-sugar-temperature"}, "image": {"alt": "Left: test accuracy against the temperature of SWISH and GELU surrogates, on the level of ReLU or above it when cold and falling steeply when hot, with a maximum at 0.3. Right: the fraction of dead units, about five percent at all temperatures."}} tags=["hide-input"]
figures.against_temperature(plain, {"test_acc": "test accuracy", "dead": "dead units, fraction"})

# %% mystnb={"figure": {"caption": "The same for the VGG-like network on CIFAR-10; dead units are those of its fully connected layer.", "name": "fig-sugar-temperature-vgg"}, "image": {"alt": "Left: test accuracy of the VGG network against the temperature of a SWISH surrogate, with the range over seeds and ReLU's mean dashed. Right: dead units of the fully connected layer, fewer at higher temperature."}} tags=["hide-input"]
figures.against_temperature(vgg, {"test_acc": "test accuracy", "dead_8": "dead units, fraction"})

# %% [markdown]
# ## How to read the figures
#
# **Waking.** {numref}`fig-sugar-deaths`: ReLU ends with {glue:text}`dead_relu:.0%` of its hidden units dead, B-SiLU with {glue:text}`dead_bsilu:.0%`, most of it in the first epoch.
# In {numref}`fig-sugar-woken` units wake where the slope is large: over all surrogates and depths the rank correlation of slope and part woken is {glue:text}`rank:.2f` ({glue:text}`rank_low:.2f` to {glue:text}`rank_high:.2f`).
# It is not higher because half of the points lie at slopes of about zero, where nothing wakes and the order is chance, and because at equal slope a deeper unit has farther to go.
# No surrogate wakes units at $-4$.
# Leaky ReLU at its usual 0.01, HeLU and NeLU wake next to none from $-1$.
#
# **Going back.** {numref}`fig-sugar-backward`: the variance of B-SiLU's gradient grows by {glue:text}`growth_bsilu:.2f` per layer where the theory says {glue:text}`theory_bsilu:.2f`, which is a factor of {glue:text}`explosion:.0e` from the last hidden layer to the first.
# SiLU's falls at first as it should and then stops falling: its gain depends steeply on $K$, which fluctuates between networks of this width.
# {numref}`fig-sugar-steps`: at {glue:text}`deepest:.0f` layers B-SiLU's direction has a cosine of {glue:text}`cosine_bsilu:.2f` with the gradient and keeps {glue:text}`kept_bsilu:.1%` of its promise; a small step along it went down in {glue:text}`down_bsilu:.0f` of {glue:text}`down_of:.0f` networks.
# NeLU, HeLU and SiLU stay closer to the gradient.
#
# **Deep networks.** At twenty layers on MNIST ReLU does best at a learning rate of {glue:text}`deep_rate_relu:g`.
# There B-SiLU diverges, in every seed, as it does at any rate we tried above 0.001: it cannot be plugged in as it is.
# At its own best rate, {glue:text}`deep_rate:g`, it differs from ReLU by {glue:text}`deep_gap`; on CIFAR-10, where the lowest rate tried was its best, by {glue:text}`deep_gap_cifar`.
# There ELU is ahead by {glue:text}`elu_cifar`, the clearest gain from a surrogate in this chapter.
# The dead do not become fewer here: at the best rates B-SiLU ends with {glue:text}`deep_dead:.0%` dead on MNIST, ReLU with {glue:text}`deep_dead_relu:.0%`.
# A large gradient that is no gradient kills units too.
# Nor is death by large steps prevented: at the rate 0.1 of {numref}`fig-sugar-deep` ReLU loses {glue:text}`killed_relu:.0%` of its units, SUGAR with SWISH at $T=0.1$ {glue:text}`killed_cold:.0%`, and the warmer surrogates diverge.
# From its balanced initialisation B-SiLU bears rates ten times as high, and reaches {glue:text}`balanced_ten:.2f` at ten layers; at twenty it reaches {glue:text}`balanced:.2f`, and from He's start {glue:text}`deep_acc:.2f`: what is lost forward weighs more, and a lower learning rate is the better cure.
# SWISH at $T=0.1$ as surrogate, of gain 1.01, differs from ReLU by {glue:text}`cold_gap`, at ReLU's own rate.
#
# **VGG and ResNet.** At one common rate ({numref}`fig-sugar-accuracy`) most intervals include zero.
# Each at its best rate ({numref}`tab-sugar-images`, {numref}`tab-sugar-longest`), B-SiLU minus ReLU is {glue:text}`vgg_gap` in the VGG and {glue:text}`resnet_gap` in the ResNet after ten epochs, and {glue:text}`vgg_long` and {glue:text}`resnet_long` after forty.
# Nothing like the paper's ten points is to be seen at this scale; whether the size of the networks, of the data or the length of training is why we cannot say.
# B-SiLU likes a lower rate than ReLU, as a larger gradient must, so that a comparison at one common rate says more about the rate than about the surrogate.
# Batch normalisation keeps every convolution's units alive here; dead units are in the one layer without it, where ReLU has {glue:text}`vgg_dead_relu:.0%` and B-SiLU {glue:text}`vgg_dead:.0%`.
# That layer's histogram in {numref}`fig-sugar-firing` is the paper's picture: a spike of units that never or hardly ever fire under ReLU, a bell under B-SiLU.
# Sparsity, in the mean over layers, is {glue:text}`vgg_sparse_relu:.3f` and {glue:text}`vgg_sparse:.3f`.
# In {numref}`fig-sugar-surfaces` the contours around B-SiLU's weights are farther apart.
# Its surface is the flatter one, as the paper says: the mean second difference of the log loss on the grid is {glue:text}`rough_relu:.3f` for ReLU and {glue:text}`rough_bsilu:.3f` for B-SiLU.
# It is one network each, and B-SiLU's has the higher loss at its centre; a network that has learnt less may lie in a wider basin.
#
# **Temperature.** {numref}`fig-sugar-temperature` and {numref}`fig-sugar-temperature-vgg`: in the deep plain network, at this rate, the best of the five temperatures of SWISH is {glue:text}`best_T:g` with an accuracy of {glue:text}`best_T_acc:.2f`, ReLU's being {glue:text}`relu_acc:.2f`: a difference of {glue:text}`best_T_gap`.
# GELU's best is {glue:text}`best_T_gelu:g`.
# The temperatures of unit gain are {glue:text}`unit_swish_two:.2f` and {glue:text}`unit_gelu_two:.2f` at this kernel.
# Over three seeds the advantage over ReLU is not certain; that a surrogate has to be cold enough for the gradient to keep its size and its direction is: the hottest reaches {glue:text}`hot_acc:.2f`.
# In the VGG, where normalisation holds the gradient, accuracy ranges over {glue:text}`vgg_T_range:.3f` between temperatures, and dead units go from {glue:text}`vgg_cold_dead:.0%` at the coldest to {glue:text}`vgg_hot_dead:.0%` at the hottest.
#
# The tables were made by `make paper STUDY='sugar_vgg sugar_resnet sugar_long sugar_deep sugar_balanced sugar_drowned sugar_temperatures sugar_trained'`: {glue:text}`runs:.0f` runs, {glue:text}`hours:.1f` hours of one shared core ({glue:text}`device`, torch {glue:text}`torch`).
#
# **What we did not do.** VGG-16 and ResNet-18 in full, all of CIFAR-10, CIFAR-100, Swin or Conv2NeXt; more than forty epochs; Adam.
# The sizes, rates and epochs here are this book's choices and make no statement about the paper's.
#
# ## What would falsify the claim
#
# A surrogate with a slope near zero at $-1$ that wakes as many units as B-SiLU; a real network whose gradient grows otherwise than by the surrogate's perpendicular susceptibility; small steps along SUGAR's direction that keep its promise in a deep network.
# The last cell checks these in this run; the front page's board has the claims of the paper, with their verdicts at this scale.

# %% tags=["hide-input"]
C_W, C_b = balanced_variances(BSiLU(), 2.0)
at_one = tables.slopes_below_zero(surrogates, [1.0]).set_index("surrogate")["slope"]
glue(
    bottom=-minimum_of(BSiLU()), reach_silu=minimum_of(nn.SiLU()), reach_gelu=minimum_of(nn.GELU()),
    unit_swish=unit_gain_temperature(SWISH, 1.0), unit_gelu=unit_gain_temperature(GELU, 1.0),
    C_W=C_W, C_b=C_b, forward=C_W / 2, slope_bsilu=at_one["B-SiLU"], slope_silu=at_one["SiLU"],
    slope_gelu=at_one["GELU"],
)

# %% tags=["hide-input"]
last = statistics.with_dead(awake[awake["epoch"] == awake["epoch"].max()])
dead = last.groupby("surrogate")["dead"].mean()
rank, rank_low, rank_high = statistics.rank_correlation(by_slope, "slope", "revived")
glue(
    dead_relu=dead["ReLU"], dead_bsilu=dead["B-SiLU"], rank=rank, rank_low=rank_low,
    rank_high=rank_high,
)

# %% tags=["hide-input"]
per_layer = growth.set_index("surrogate").loc["B-SiLU"]
small = steps[(steps["step"] == steps["step"].min()) & (steps["depth"] == max(depths))]
small = small[small["surrogate"] == "B-SiLU"]
kept = (small["change"] / small["promised"]).mean()
glue(
    growth_bsilu=per_layer["gain"], theory_bsilu=per_layer["theory"],
    explosion=per_layer["theory"] ** 18, deepest=max(depths), cosine_bsilu=small["cosine"].mean(),
    kept_bsilu=kept, down_bsilu=(small["change"] < 0).sum(), down_of=len(small),
)

# %% tags=["hide-input"]
gentle = gradient_gain(BSiLU(2 * 2**0.5 - 2), 2.0)
glue(
    gate_gain=gradient_gain(surrogates["excitation gate"], 2.0),
    gate_left=gradient_gain(surrogates["excitation gate"], 2.0) ** 18,
    elu_gain=gradient_gain(nn.ELU(), 2.0), elu_rho=gradient_cosine(nn.ELU(), 2.0),
    bsilu_product=gradient_gain(BSiLU(), 2.0) * gradient_cosine(BSiLU(), 2.0) ** 2,
    gentle_gain=gentle, gentle_growth=gentle**18,
)

# %% tags=["hide-input"]
on_mnist = deep_gaps[(deep_gaps["dataset"] == "mnist") & (deep_gaps["depth"] == 20)]
on_cifar = deep_gaps[deep_gaps["dataset"] == "cifar10"]
by_name = on_mnist.set_index("surrogate")
killed = statistics.surviving(ends, "mnist", 20, 0.1).groupby("surrogate")["dead"].mean()
glue(
    deep_rate=by_name.loc["B-SiLU", "lr"], deep_rate_relu=by_name.loc["ReLU", "lr"],
    deep_acc=by_name.loc["B-SiLU", "value"], deep_dead=by_name.loc["B-SiLU", "dead"],
    deep_dead_relu=by_name.loc["ReLU", "dead"], killed_relu=killed["ReLU"],
    killed_cold=killed["SWISH, T = 0.1"],
)

# %% tags=["hide-input"]
glue(
    deep_gap=statistics.format_difference(on_mnist, "B-SiLU"),
    deep_gap_cifar=statistics.format_difference(on_cifar, "B-SiLU"),
    elu_cifar=statistics.format_difference(on_cifar, "ELU"),
    cold_gap=statistics.format_difference(on_mnist, "SWISH", temperature=0.1),
)

# %% tags=["hide-input"]
balanced = statistics.at_best_rate(statistics.concat_labelled(published("sugar_balanced")))
balanced = balanced[balanced["surrogate"] == "B-SiLU"].groupby("depth")["test_acc"].mean()
glue(balanced=balanced[20], balanced_ten=balanced[10])

# %% tags=["hide-input"]
in_vgg = image_runs[(image_runs["network"] == "VGG") & (image_runs["lr"] == 0.05)]
in_vgg = in_vgg.groupby("surrogate")[["dead_8", "sparsity"]].mean()
glue(
    vgg_gap=statistics.format_difference(best, "B-SiLU", network="VGG"),
    resnet_gap=statistics.format_difference(best, "B-SiLU", network="ResNet"),
    vgg_long=statistics.format_difference(longest, "B-SiLU", network="VGG"),
    resnet_long=statistics.format_difference(longest, "B-SiLU", network="ResNet"),
    vgg_dead_relu=in_vgg.loc["ReLU", "dead_8"], vgg_dead=in_vgg.loc["B-SiLU", "dead_8"],
    vgg_sparse_relu=in_vgg.loc["ReLU", "sparsity"], vgg_sparse=in_vgg.loc["B-SiLU", "sparsity"],
    rough_relu=statistics.roughness(surfaces["ReLU"]),
    rough_bsilu=statistics.roughness(surfaces["B-SiLU"]),
)

# %% tags=["hide-input"]
swish = plain[plain["surrogate"] == "SWISH"].groupby("temperature")["test_acc"].mean()
gelu = plain[plain["surrogate"] == "GELU"].groupby("temperature")["test_acc"].mean()
apart = statistics.differences(plain)
glue(
    best_T=swish.idxmax(), best_T_acc=swish.max(), hot_acc=swish.loc[swish.index.max()],
    best_T_gap=statistics.format_difference(apart, "SWISH", temperature=swish.idxmax()),
    best_T_gelu=gelu.idxmax(),
    unit_swish_two=unit_gain_temperature(SWISH, 2.0),
    unit_gelu_two=unit_gain_temperature(GELU, 2.0),
    relu_acc=plain.loc[plain["surrogate"] == "ReLU", "test_acc"].mean(),
)

# %% tags=["hide-input"]
by_T = vgg[vgg["surrogate"] == "SWISH"].groupby("temperature")[["test_acc", "dead_8"]].mean()
glue(
    vgg_T_range=by_T["test_acc"].max() - by_T["test_acc"].min(),
    vgg_cold_dead=by_T["dead_8"].iloc[0], vgg_hot_dead=by_T["dead_8"].iloc[-1],
)

# %% tags=["hide-input"]
records = [published(name).attrs for name in studies.SUGAR_STUDIES]
glue(
    runs=sum(record["runs"] for record in records),
    hours=sum(record["seconds"] for record in records) / 3600,
    device=", ".join(records[0]["device"]), torch=", ".join(records[0]["torch"]),
)

# %%
assert dead["B-SiLU"] < 0.8 * dead["ReLU"] or not 0.3 <= drowned <= 1.2
assert abs(per_layer["gain"] / per_layer["theory"] - 1) < 0.15
assert kept < 0.3 or max(depths) < 10
assert rank > 0.6

# %% [markdown]
# ## Exercises
#
# ::::{admonition} Exercise 1: a gate for a slope
# :class: exercise
# Let the slope of a surrogate be a symmetric gate, $0<g<1$ and $g(-u)=1-g(u)$, as the excitation gate has it.
# Show that with He's weights the gradient shrinks at every kernel.
# Why can a smooth ReLU as surrogate have a gain above 1?
#
# :::{dropdown} Solution
# $g^2<g$, and $g-\tfrac12$ is odd, so the gain is $2\langle g^2\rangle_K<2\langle g\rangle_K=1$.
# For the sigmoid at $K=2$ it is {glue:text}`gate_gain:.2f`, which leaves {glue:text}`gate_left:.0e` of the squared gradient after eighteen layers.
# The slope of a smooth ReLU is no gate: it is above 1 somewhere (exercise 2 of the first chapter), and there $f'^2>f'$.
# :::
# ::::
#
# ::::{admonition} Exercise 2: length for angle
# :class: exercise
# Let $f'=1$ above zero, as for ELU, HeLU, NeLU and the leaky ReLU.
# Show that $\text{gain}\cdot\rho^2=1$ at every kernel.
# What does SUGAR's direction then consist of?
# Compute $\rho$ of HeLU, and of ELU from {numref}`tab-sugar-growth`.
#
# :::{dropdown} Solution
# $\langle f'\,\mathbb 1[z>0]\rangle=\tfrac12$, so $\rho=\tfrac12/\sqrt{\tfrac12\langle f'^2\rangle}=1/\sqrt{2\langle f'^2\rangle}$.
# By {eq}`eq-sugar-gain` the covariance $c_\ell$ keeps its value and is the variance of the gradient.
# So the direction is the gradient, whole, and beside it something uncorrelated, $\text{gain}^{\,n}-1$ times as large in the square after $n$ layers: what is longer is also turned.
# HeLU has the gain $2\Phi(\alpha/\sqrt K)$, and $\rho$ is one over the root of it.
# ELU's gain of {glue:text}`elu_gain:.3f` gives {glue:text}`elu_rho:.3f`.
# B-SiLU, whose slope passes 1 above zero too, is not of this kind: its product is {glue:text}`bsilu_product:.2f`.
# :::
# ::::
#
# ::::{admonition} Exercise 3: a gentler B-SiLU
# :class: exercise
# For which $\alpha$ does B-SiLU keep the gradient's variance at small kernels?
# How much of its slope at $-1$, where units sleep, is left?
#
# :::{dropdown} Solution
# At small kernels only the slope at 0 counts: $2(\tfrac12+\tfrac\alpha4)^2=1$ gives $\alpha=2\sqrt2-2=0.83$.
# At $-1$ the slope is $\sigma+(\alpha-1)\,\sigma(1-\sigma)$ with $\sigma=1/(1+e)=0.269$: 0.235, where the paper's $\alpha$ has 0.401.
# More than half of it is left.
# At $K=2$ the gain is {glue:text}`gentle_gain:.2f`, a factor of {glue:text}`gentle_growth:.0f` over eighteen layers in the place of {glue:text}`explosion:.0e`.
# Whether it wakes units as well as it promises, no run of this chapter says.
# :::
# ::::
#
# ## Where this is computed
#
# SUGAR is in `smoothrelu/activations/surrogate_gradient.py`, its surrogates in `smoothrelu/activations/surrogates.py`, gain, alignment and balance in `smoothrelu/theory/sugar_gradient.py`, the tables of networks before training in `smoothrelu/book/tables/sugar.py`, the lists of runs in `smoothrelu/book/studies/sugar.py`, what they say in `smoothrelu/book/statistics/sugar.py`.
# To use it: `convert_to_sugar(model)`.
