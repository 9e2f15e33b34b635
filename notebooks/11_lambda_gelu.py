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
# # Left to itself a GELU does not learn to be a ReLU, but it can be hardened into one
#
# **Claim.** A GELU whose hardness $\lambda$ is learned moves it further the larger the multiplier $c$ of its learning rate and the smaller the temperature $t$ of its parameter, with little change in the validation score; but in none of the small networks here does it come near ReLU by itself.
# Driven to a target that follows from the distance of its gate to a step, it gives way to ReLU without loss.
# A network critical at its hardness leaves the critical point when it is hardened at fixed weights, slowly: both susceptibilities tend to $C_W/2=0.9915$, wherever it started.
#
# ## Question
#
# So far the temperature was chosen.
# $\lambda$-GELU {cite:p}`lambdagelu2026` learns it: $f(x;\lambda)=x\,\Phi(\lambda x)$, one hardness $\lambda\ge1$ for each layer, which is GELU at $T=1/\lambda$.
# The aim is a controlled way from smooth training to a ReLU network, which many tools for deployment and analysis ask for.
# The paper reports that small $t$ and a large multiplier $c$ of the hardness's learning rate move it further, that validation hardly changes, that the layers end in structured profiles, and that a final, deterministic hardening makes the substitution of ReLU less disruptive.
# Does this hold here, and what does hardening do to the criticality of the chapters before?
#
# ## Why the hardness needs a rule of its own
#
# The slope in the hardness is $\partial f/\partial\lambda=x^2\varphi(\lambda x)$, with the normal density $\varphi$.
# The product of $\varphi(\lambda x)$ and the density of $x\sim\mathcal N(0,K)$ is, up to its norm, the density of a normal variable of variance $K/(1+\lambda^2K)$, so
#
# $$
# \Big\langle \frac{\partial f}{\partial\lambda} \Big\rangle_K = \frac{K}{\sqrt{2\pi}\,(1+\lambda^2K)^{3/2}}
# \;\to\; \frac{1}{\sqrt{2\pi K}}\,\lambda^{-3}.
# $$ (eq-attenuation)
#
# Under a steady pull of the loss, plain descent of $\lambda$ obeys $\dot\lambda\propto\lambda^{-3}$: the hardness grows like the fourth root of the training time, and each doubling takes sixteen times as long as the one before.
# The paper calls this attenuation.
# It keeps $\lambda$ in range by a constrained parameter, found in public code as
#
# $$
# \lambda = 1+\log(1+e^{s/t}), \qquad \frac{d\lambda}{ds}=\frac{\mathrm{sigmoid}(s/t)}{t},
# $$ (eq-hardness)
#
# so that a small $t$ amplifies.
# A step of gradient descent goes through this slope twice and moves $\lambda$ by $\eta_s/t^2$, where Adam, which divides by the size of the gradient, moves it by $\eta_s/t$.
# The exact rule of the paper was not found.
# The book's is $\eta_s=c\,\eta\,t$ for gradient descent and $\eta_s=c\,\eta$ for Adam, so that $c$ means the same in both, and no weight decay on $s$.
#
# ## How hard is hard enough
#
# Three distances have closed forms, with $\phi_\lambda$ for $\lambda$-GELU:
#
# $$
# \int|\Phi(\lambda x)-\theta(x)|\,dx=\sqrt{\tfrac2\pi}\,\frac1\lambda,\qquad
# \int|\phi_\lambda-\mathrm{ReLU}|\,dx=\frac1{2\lambda^2},\qquad
# \sup|\phi_\lambda-\mathrm{ReLU}|=\frac{0.16997}{\lambda}.
# $$ (eq-gate-distance)
#
# The first two follow from $\int_0^\infty\Phi(-u)\,du=1/\sqrt{2\pi}$ and $\int_0^\infty u\,\Phi(-u)\,du=1/4$; the third is at the $u$ where $\Phi(-u)=u\,\varphi(u)$.
# The first one gives the target: with a tolerance $\epsilon$ for the distance of the gate to the step, $\lambda=\sqrt{2/\pi}/\epsilon$.
# The paper derives its target from such a bound; its $\epsilon$ was not found.
# After a first part of training the learned hardnesses are frozen and carried to the target in a geometric progression, while the weights go on learning.
# Here that is the last quarter, which is our choice too.
#
# What ReLU in the place of $\phi_\lambda$ changes is a matter of the preactivations as well.
# Relative to what a layer gives out, root mean square, it is a function of $\lambda\sqrt K$ alone, because the change of unit $x\to\lambda x$ removes $\lambda$ from both; and by parts once more,
#
# $$
# \Big(\frac{\langle(\phi_\lambda-\mathrm{ReLU})^2\rangle_K}{\langle\mathrm{ReLU}^2\rangle_K}\Big)^{1/2}
# \;\to\; 0.222\,(\lambda\sqrt K)^{-3/2}.
# $$ (eq-substitution)
#
# A layer whose preactivations are several times $1/\lambda$ large is ReLU for all purposes, hardened or not.
# So we expect a loss where preactivations are small and layers are many.

# %%
import numpy as np

from smoothrelu import GELU, LambdaGELU, criticality, sweep
from smoothrelu.book import figures
from smoothrelu.book.statistics import lambda_gelu as statistics
from smoothrelu.book import tables
from smoothrelu.experiments.committed import published
from smoothrelu.book.notebook import glue, table
from smoothrelu.book.studies import lambda_gelu

# %% tags=["parameters"]
dataset = "mnist"
t = 0.1
c = 3.0
tolerance = 0.01
seeds = [0, 1, 2]
device = "auto"

# %% [markdown]
# {numref}`tab-lambda-targets` lists GELU, by a tolerance that asks for nothing, and three tolerances; the hardness each one asks for, the distances there, the change {eq}`eq-substitution` of one layer at $K=1$, and what is left of GELU's own slope {eq}`eq-attenuation`.
# At the hardness that comes within a hundredth of the step, a learning rate that moves a GELU would move nothing.

# %% mystnb={"figure": {"caption": "Tolerances for the distance of the gate to the step: the hardness each asks for, the two distances to ReLU there, the change of one layer, and what is left of the slope of GELU in the hardness.", "name": "tab-lambda-targets"}}
targets = tables.hardness_targets([0.8, 0.3, 0.1, 0.01], K=1.0)
digits = {"l1": "{:.2g}", "sup": "{:.2g}", "change": "{:.2g}", "slope": "{:.1g}"}
table(targets, {"tolerance": "{:g}", "hardness": "{:.2f}"} | digits)

# %% [markdown]
# ## One network, here and now
#
# A fully connected network of eleven linear layers, ten of them hidden and 64 units wide, learns 2,000 images by stochastic gradient descent with momentum 0.9 and batches of 50 for ten epochs, its learning rate falling from 0.02 along half a cosine.
# Its initial weights are He's.
# Every layer starts at $s=0$, that is $\lambda=1+\log2$.
# Another 2,000 images serve for validation.
# Four kinds of runs, with the same weights and batches for each seed: ReLU; GELU, which is $\lambda=1$ for good; $\lambda$-GELU that learns; and $\lambda$-GELU that learns and is hardened.
# After every epoch the validation score is also taken of a copy with ReLU in the place of each $\lambda$-GELU.

# %%
where = lambda_gelu.MLPS[dataset]
learning = lambda_gelu.learned(where, LambdaGELU(t=t), seeds, c=c)
hardened = lambda_gelu.learned(where, LambdaGELU(t=t), seeds, c=c, tolerance=tolerance)
others = lambda_gelu.relu(where, seeds) + lambda_gelu.gelu(where, seeds)
results = sweep(learning + hardened + others, device=device)
runs, paths = statistics.final_rows(results), statistics.paths(results)

# %% mystnb={"figure": {"caption": "Hardness of each layer against the epoch, this run, mean over seeds: left learned, right learned and then hardened.", "name": "fig-lambda-here"}, "image": {"alt": "Left: ten lines, one for each layer, start at 1.69 and move apart by a few tenths within the first epochs, most of them downwards, and then stay. Right, on a logarithmic axis: the same until three quarters of training, from where all lines rise straight to the target."}} tags=["hide-input"]
figures.hardness_paths(paths[paths["activation"] == "lambda-GELU"])

# %% mystnb={"figure": {"caption": "Validation accuracy lost when ReLU is put in, this run: mean over seeds and 95 % interval. A dash: not hardened.", "name": "tab-lambda-here"}}
lost = statistics.mean_over_seeds(statistics.substitution_drops(runs), "acc_drop")
digits = {"mean": "{:+.4f}", "ci_low": "{:+.4f}", "ci_high": "{:+.4f}", "n_seeds": "{}"}
table(lost, {"activation": "{}", "tolerance": "{:g}"} | digits)

# %% [markdown]
# In {numref}`fig-lambda-here` the layers start together, part within the first epochs and settle in the second half of the training; hardened, they leave at three quarters of the training for one target, in straight lines of a logarithmic axis.
# {numref}`tab-lambda-here` gives the validation accuracy lost when ReLU is put in, with its 95 % interval over the seeds of this run.
#
# ## The drift of the hardness
#
# The long runs are of five seeds each and small as well: fully connected networks as above on MNIST and CIFAR-10, and on CIFAR-10 a network of three convolutions and two linear layers, trained in the same way, and a vision transformer of three blocks under AdamW.
# All sizes, learning rates and seeds are this book's choice for a machine without a GPU; the paper trains ResNet-18 on CIFAR-100 among others.
# The runs behind this chapter's tables, some of them in several, took {glue:text}`minutes:.0f` minutes, summed over the tables, on a machine busy with other work ({glue:text}`device`, torch {glue:text}`torch`); `make paper` makes each of them again.
#
# Drift, the paper's $\Delta\lambda$, is the absolute change of a layer's hardness from one epoch to the next, averaged over layers and epochs.
# The score is the best validation accuracy over the epochs.

# %%
drift, sweeps = published("lambda_drift"), published("lambda_optimizers")
profiles, substituted = published("lambda_profiles"), published("lambda_substitution")
epochs = published("lambda_paths")
changes = statistics.over_gelu(drift)
by_c, by_t = statistics.drift_ratios(drift, "c"), statistics.drift_ratios(drift, "t")

# %% mystnb={"figure": {"caption": "Hardness of each layer against the epoch on MNIST, three settings of t and c, and hardened; mean over five seeds.", "name": "fig-lambda-paths"}, "image": {"alt": "Four panels. At t = 1, c = 1 the ten lines do not visibly leave 1.69; at t = 0.1, c = 3 they fall by a few tenths in the first epochs and fan out; at t = 0.05, c = 9 they fan out widely, most of them down towards one; in the last panel, on a logarithmic axis, they rise together to the target at the end."}} tags=["hide-input"]
figures.hardness_paths(epochs[epochs["activation"] == "lambda-GELU"])

# %% mystnb={"figure": {"caption": "Colour: drift of the hardness over t and c. Numbers: change of the best validation score against GELU with the same seeds, in points; bold where the 95 % interval excludes zero.", "name": "fig-lambda-drift"}, "image": {"alt": "Two heat maps, MNIST and CIFAR-10, of four temperatures t by three multipliers c. Colour brightens towards small t and large c. The numbers in the cells are a point or two, of either sign."}} tags=["hide-input"]
figures.drift_map(changes)

# %% mystnb={"figure": {"caption": "A convolutional network under SGD and a vision transformer under AdamW, CIFAR-10: drift of the hardness, and change of the best validation accuracy against GELU with its 95 % interval.", "name": "tab-lambda-others"}}
swept = statistics.over_gelu(sweeps)
table(
    swept,
    {
        "network": "{}", "c": "{:g}", "drift": "{:.3f}", "change": "{:+.4f}",
        "ci_low": "{:+.4f}", "ci_high": "{:+.4f}",
    },
)

# %% [markdown]
# ## Profiles
#
# Does each layer have a hardness of its own, whatever it starts from?
# Three initialisations, at $t=0.1$ and $c=3$: soft, $\lambda=1.05$; $s=0$; and hard, $\lambda=3$.
# The paper averages over three modes of initialisation, whose values were not found.
# {numref}`tab-lambda-ranks` compares them by Spearman's rank correlation between the layers' hardnesses, seed by seed; *chance* is the 97.5 % quantile of the same mean when the order of the layers is random, *of means* the correlation after the ranks were averaged over the seeds.

# %% mystnb={"figure": {"caption": "Learned hardness of the ten layers from three initialisations, mean over five seeds and range; and its rank within the network, 1 the softest, mean over seeds.", "name": "fig-lambda-profiles"}, "image": {"alt": "Four panels against the layer. The learned hardness stays near each of the three starting values; the ranks of the three initialisations rise and fall over the layers."}} tags=["hide-input"]
figures.hardness_profiles(statistics.profiles(profiles))

# %% mystnb={"figure": {"caption": "Spearman correlation of the hardness profiles that two initialisations lead to.", "name": "tab-lambda-ranks"}}
ranks = statistics.rank_correlations(profiles)
shown = {
    "first": "{:.3g}", "second": "{:.3g}", "mean": "{:.2f}", "ci_low": "{:.2f}",
    "ci_high": "{:.2f}", "chance": "{:.2f}", "of_means": "{:.2f}",
}
table(ranks, {"dataset": "{}"} | shown)

# %% [markdown]
# ## ReLU in its place
#
# Two measures of the disruption: the validation accuracy that is lost, and the absolute change of the validation loss.
# The second sees more.
# Trained to near-zero loss on few images, these networks are overconfident, and their loss may even fall when ReLU is put in.

# %%
drops = statistics.substitution_drops(substituted)
averages, disturbed = (
    statistics.mean_over_seeds(drops, column) for column in ("acc_drop", "loss_change")
)

# %% mystnb={"figure": {"caption": "What ReLU in the place of GELU, of lambda-GELU as it was learned, and of lambda-GELU hardened to a tolerance changes: above, the validation accuracy lost; below, the absolute change of the validation loss. Mean over five seeds and 95 % interval.", "name": "fig-lambda-substitution"}, "image": {"alt": "Four columns, one for each network. Above: GELU loses up to one and a half points on CIFAR-10, lambda-GELU that was not hardened less than one point, hardened ones nothing that can be told. Below, on a logarithmic axis: the change of the loss falls from GELU over lambda-GELU to the hardened ones, by orders of magnitude as the tolerance shrinks."}} tags=["hide-input"]
figures.substitution_drops(averages, disturbed)

# %% [markdown]
# By {eq}`eq-substitution` more should be lost where preactivations are small, and the more layers there are.
# At criticality $\lambda\sqrt{K^\star}$ is the same in every layer, and ReLU in the place of one changes {glue:text}`change_at_K_star:.1%` of its output, root mean square.
# {numref}`tab-lambda-deep` is of twenty-one layers on MNIST, otherwise as above, with He's initialisation and with the critical one of the hardness at the start: the accuracy lost, and what is left after it.

# %% mystnb={"figure": {"caption": "Twenty-one layers on MNIST: validation accuracy lost on substitution with its 95 % interval, and the accuracy after it.", "name": "tab-lambda-deep"}}
deep = statistics.substitution_drops(published("lambda_deep"))
lost_deep = statistics.mean_over_seeds(deep, "acc_drop").assign(
    after=statistics.mean_over_seeds(deep, "relu_acc")["mean"]
)
digits = {"mean": "{:+.3f}", "ci_low": "{:+.3f}", "ci_high": "{:+.3f}", "after": "{:.3f}"}
table(lost_deep, {"init": "{}", "activation": "{}", "tolerance": "{:g}"} | digits)

# %% mystnb={"figure": {"caption": "Validation accuracy with ReLU in place, at the end of training: mean over five seeds and 95 % interval.", "name": "tab-lambda-ends"}}
ends = statistics.mean_over_seeds(
    drops[drops["tolerance"].isna() | (drops["tolerance"] == 0.01)], "relu_acc"
)
table(
    ends,
    {
        "dataset": "{}", "network": "{}", "activation": "{}", "tolerance": "{:g}",
        "mean": "{:.3f}", "ci_low": "{:.3f}", "ci_high": "{:.3f}",
    },
)

# %% [markdown]
# {numref}`tab-lambda-ends` has the accuracy of what one wants in the end, the ReLU network: trained as ReLU, or with ReLU put in at the end.
#
# ## What hardening does to criticality
#
# A layer of hardness $\lambda$ is GELU at $T=1/\lambda$, and its critical variances are $C_W$, $C_b/\lambda^2$ with GELU's own at $\lambda=1$: the initialisation follows the hardness.
# Where the hardnesses of neighbouring layers differ, $C_W(\ell)=C_W(\lambda_{\ell-1}/\lambda_\ell)^2$ hands the critical kernel of one layer on to the next; `critical_init_` does so.
#
# But the weights are drawn once, and the hardness then moves.
# Let a network be critical at $\lambda_0$ and hardened to $\lambda$ with its weights as they are.
# By $\phi_T(x)=T\phi_1(x/T)$ all depends on $\lambda/\lambda_0$ alone, with kernels in units of $1/\lambda_0^2$.
# In the limit of ReLU both susceptibilities are $C_W/2$ at any kernel, and
#
# $$
# K' = C_b + \frac{C_W}{2}K, \qquad K \to \frac{C_b}{1-C_W/2} = 5.73\,K^\star, \qquad
# \chi_\perp=\chi_\parallel=\frac{C_W}{2}=0.9915 .
# $$ (eq-hardened)
#
# The network lands on the ordered side, with signals that forget their start over $1/(1-C_W/2)=118$ layers.
# On the way it passes through the other side: for moderate hardening $\chi_\perp$ at $K^\star$ is above one.

# %%
factors = [0.8, 1.0, 2.0, 8.0, np.inf]
susceptibilities = tables.hardened_susceptibilities([*np.geomspace(0.7, 100, 60), np.inf])
flows = tables.hardened_flows(factors, depth=20, width=500, seeds=range(5))

# %% mystnb={"figure": {"caption": "A critical GELU network whose hardness is multiplied at fixed weights. Left: susceptibilities at the critical kernel (solid) and where the flow from there ends (dashed). Middle, right: kernel and squared gradient over the layers, relative to the network before; lines: theory, points: networks of width 500, mean over five seeds and standard error.", "name": "fig-lambda-criticality"}, "image": {"alt": "Left: both susceptibilities are one at the ratio one; to its right chi-perp rises to 1.014 and then both fall to 0.9915; to its left they drop steeply. Middle: the kernel grows by about a half over twenty layers when hardened and shrinks when softened. Right: the squared gradient changes by a fifth when hardened and by more than half when softened."}} tags=["hide-input"]
figures.hardening_and_criticality(susceptibilities, flows)

# %% [markdown]
# ## How to read the figures
#
# **Drift.** In {numref}`fig-lambda-drift` the colour brightens to the lower right: the hardness moves further with large $c$ and with small $t$.
# From one $c$ to the next, three times as large, the drift grows by a factor of {glue:text}`c_ratio_low:.1f` to {glue:text}`c_ratio_high:.1f`, and from one $t$ to the next smaller one, a tenth or a half, by {glue:text}`t_ratio_low:.1f` to {glue:text}`t_ratio_high:.1f`, over all settings and both data sets; in the other two networks it grows likewise ({numref}`tab-lambda-others`).
# {numref}`fig-lambda-paths` has the layers one by one, on one scale but for the last panel: at the slowest setting they all stay where they start, at the next they open into a fan within a few epochs, at the fastest into a wider one.
# The numbers stay between {glue:text}`change_low:+.1f` and {glue:text}`change_high:+.1f` points.
# What can be told at all with 2,000 images: the standard error of one score is 0.7 points at an accuracy of 0.9 and 1 point at a third.
# So the board calls a change small when it is within two points.
# Five seeds tell that of the average over the settings, not of each setting by itself.
#
# **No ReLU by itself.** The hardest layer of all long runs that were not hardened ends at $\lambda=${glue:text}`hardest:.1f`, far from the hardness of 8 that a tolerance of 0.1 asks for.
# {eq}`eq-attenuation` says why the way up is slow.
# It does not say which way the loss pulls.
# In the fully connected networks {glue:text}`softened_mlp:.0%` of the layers end softer than they started, in the convolutional one {glue:text}`softened_conv:.0%`; in the transformer {glue:text}`softened_transformer:.0%`: there most become harder, to {glue:text}`transformer:.2f` on average at $c=9$.
#
# **Profiles.** In {numref}`fig-lambda-profiles` the learned hardnesses stay in three groups, each near or below its dotted start, while the ranks cross one another.
# Correlations between the initialisations lie between {glue:text}`rank_low:.2f` and {glue:text}`rank_high:.2f` where chance gives up to {glue:text}`rank_chance:.2f`.
# On CIFAR-10 they are positive, and two of the three pairs agree well once the ranks are averaged over the seeds: from the two softer starts the last two layers end softest.
# On MNIST no order is common to the three.
# So at this scale an order of the layers that does not depend on the start is hinted at on one data set, and not found on the other.
# Where a layer starts decides its hardness far more than which layer it is.
#
# **Substitution.** In {numref}`fig-lambda-substitution` putting ReLU in costs a GELU network between {glue:text}`gelu_drop_low:.1f` and {glue:text}`gelu_drop_high:.1f` points, by the kind of network; $\lambda$-GELU as it was learned, between {glue:text}`learned_drop_low:.1f` and {glue:text}`learned_drop_high:.1f`, with intervals that all reach zero; hardened to $\epsilon=0.01$, at most {glue:text}`hardened_drop:.2f`.
# In these shallow networks there is little that hardening could save.
# The loss shows that it works: its change falls with the tolerance, to {glue:text}`disturbed:.0e` at most.
# In deep networks there is something to save: with twenty-one layers and critical initialisation a GELU network loses {glue:text}`deep_gelu:.0f` points, $\lambda$-GELU as it was learned {glue:text}`deep_learned:.0f`, and hardened {glue:text}`deep_hardened:.1f`.
# The weights learn on during the hardening.
# Between the ReLU network that comes out and one trained with ReLU from the start no difference was found: their mean accuracies differ by {glue:text}`carried_low:+.1f` to {glue:text}`carried_high:+.1f` points; five seeds do not suffice to bound it by two points in every network.
#
# **Criticality.** {numref}`fig-lambda-criticality` is the reason why hardening may be done at fixed weights at all.
# From the critical point towards ReLU the map changes little: over twenty layers no hardening changes the squared gradient by more than a factor of {glue:text}`hard_factor:.2f`.
# The other way is steep: softened by a fifth, the gradient is divided by {glue:text}`soft_factor:.1f` in theory.
# Real networks of width 500 lie near the theory when hardened; softened, they lose less than it says, which we take for an effect of their finite width.
# That learned layers soften is therefore the greater danger for a deep critical network.
#
# ## What would falsify the claim
#
# A pair of settings in which the larger $c$ or the smaller $t$ drifts less; a score that changes by more than the bound; a layer that passes the hardness of 8 by learning alone; a hardened network that loses by the substitution.
# The last cell stops the build in these cases, with the bounds of the board on the front page where the claim is of the long runs.

# %% tags=["hide-input"]
records = [
    long.attrs for long in (drift, sweeps, profiles, substituted, epochs, published("lambda_deep"))
]
glue(
    minutes=sum(record["seconds"] for record in records) / 60,
    device=", ".join(records[0]["device"]), torch=", ".join(records[0]["torch"]),
    c_ratio_low=np.exp(by_c["mean"].min()), c_ratio_high=np.exp(by_c["mean"].max()),
    t_ratio_low=np.exp(-by_t["mean"].max()), t_ratio_high=np.exp(-by_t["mean"].min()),
    change_low=100 * changes["change"].min(), change_high=100 * changes["change"].max(),
)

# %% tags=["hide-input"]
free = statistics.layers_learned([drift, sweeps, profiles])
vision = free["network"].str.startswith("Vision")
softer = (free["learned"] < free["hardness"]).groupby(free["network"]).mean()
glue(
    hardest=free["learned"].max(), softened_mlp=softer["FullyConnected"],
    softened_conv=softer["ConvNet"], softened_transformer=softer["VisionTransformer"],
    transformer=free.loc[vision & (free["c"] == 9), "learned"].mean(),
)

# %% tags=["hide-input"]
for_gelu = 100 * averages.loc[averages["activation"] == "GELU", "mean"]
unhardened = averages[(averages["activation"] == "lambda-GELU") & averages["tolerance"].isna()]
as_learned = 100 * unhardened["mean"]
glue(
    rank_low=ranks["mean"].min(), rank_high=ranks["mean"].max(), rank_chance=ranks["chance"].max(),
    gelu_drop_low=for_gelu.min(), gelu_drop_high=for_gelu.max(), learned_drop_low=as_learned.min(),
    learned_drop_high=as_learned.max(),
)

# %% tags=["hide-input"]
hardest = averages.loc[averages["tolerance"] == 0.01]
critical = 100 * lost_deep[lost_deep["init"] == "critical"].set_index("activation")["mean"]
both = drops[(drops["activation"] == "ReLU") | (drops["tolerance"] == 0.01)]
carried = 100 * statistics.against(both, "relu_acc", both["activation"] == "ReLU")["mean"]
glue(
    hardened_drop=100 * hardest["mean"].abs().max(),
    disturbed=disturbed.loc[disturbed["tolerance"] == 0.01, "mean"].max(),
    change_at_K_star=tables.substitution_change(1.0, criticality(GELU()).K_star),
    deep_gelu=critical["GELU"], deep_learned=critical["lambda-GELU"].iloc[0],
    deep_hardened=critical["lambda-GELU"].iloc[1], carried_low=carried.min(),
    carried_high=carried.max(),
)

# %% tags=["hide-input"]
theory = tables.hardened_theory([*np.geomspace(1, 1000, 61), np.inf, 0.8], depth=20).query(
    "layer == 1"
)
change = np.exp(np.log(theory["gradient_theory"]).abs())
glue(hard_factor=change.iloc[:-1].max(), soft_factor=change.iloc[-1])

# %%
assert np.exp(by_c["mean"].min()) > 1 and np.exp(by_t["mean"].max()) < 1
assert free["learned"].max() < 8 and (100 * changes["change"]).abs().max() < 2
assert (
    hardest["mean"].abs().max() < 0.005
    and unhardened["ci_low"].max() < 0
    and critical["lambda-GELU"].iloc[0] > 2
)
here = lost.set_index(["activation", "tolerance"])["mean"]
assert tolerance > 0.01 or abs(here["lambda-GELU", tolerance]) < 0.01
limit = susceptibilities.iloc[-1]
assert abs(limit["chi_perp"] - 0.9915) < 1e-4 and abs(limit["end"] - 5.73) < 0.01
assert change.iloc[:-1].max() < 1.5 < 2 < change.iloc[-1]

# %% [markdown]
# ## Exercises
#
# ::::{admonition} Exercise 1: the rule read backwards
# :class: exercise
# Every layer starts at $\lambda=1+\log2$.
# Which tolerance does its gate meet there?
# At which hardness does ReLU change the output of one layer by a hundredth, and which tolerance asks for it, at $K=1$ and at any $K$?
# Check against {numref}`tab-lambda-targets`.
# Where is GELU itself as good as ReLU in this sense?
#
# :::{dropdown} Solution
# $\epsilon=\sqrt{2/\pi}/\lambda=0.798/1.693=0.47$.
# From {eq}`eq-substitution`, $\lambda\sqrt K=(0.222/0.01)^{2/3}=7.9$, so that the tolerance is $0.798\sqrt K/7.9=0.10\sqrt K$.
# At $K=1$ this is the row of 0.1: what is a tenth for the gate is a hundredth for the layer, but at this kernel only.
# Smaller preactivations need a harder gate for the same change.
# GELU, $\lambda=1$, is there at $K=7.9^2=62$.
# :::
# ::::
#
# ::::{admonition} Exercise 2: what a rate can mend
# :class: exercise
# Let the pull be steady, $\dot\lambda=\lambda^{-3}$, and $\lambda=1$ at first.
# How many times as long as the way to 2 is the way to 8?
# Which part of the delay does {eq}`eq-hardness` take away, with $t=0.1$ and $c=3$ under gradient descent?
#
# :::{dropdown} Solution
# $\lambda^4=1+4\tau$, so the ways take $(8^4-1)/4$ and $(2^4-1)/4$: 273 times as long.
# (By the slope {eq}`eq-attenuation` as it stands, at $K=1$, it is the ratio of the integrals of $(1+\lambda^2)^{3/2}$, which is 172.)
# A step moves $\lambda$ by $c/t=30$ times the plain step, times the square of the sigmoid, which by {eq}`eq-hardness` is $(1-e^{-(\lambda-1)})^2$: a quarter at $s=0$, 0.90 at $\lambda=4$ and 1 in the end.
# So the way from 4 to 8 becomes about 30 times shorter.
# But that is a factor, and it does not grow with $\lambda$: each further doubling still takes sixteen times as long as the one before.
# :::
# ::::
#
# ::::{admonition} Exercise 3: neighbours of different hardness
# :class: exercise
# Show that with $C_b/\lambda_\ell^2$ and $C_W(\ell)=C_W(\lambda_{\ell-1}/\lambda_\ell)^2$ each layer has the critical kernel of its own hardness.
# What becomes of the squared gradient over all the layers, if the hardness goes up and down between them?
#
# :::{dropdown} Solution
# Let the layer before have $K^\star/\lambda_{\ell-1}^2$.
# With $\phi_\lambda(x)=\phi_1(\lambda x)/\lambda$ its mean square after the activation is $\langle\phi_1^2\rangle_{K^\star}/\lambda_{\ell-1}^2$.
# Times $C_W(\ell)$ and with the bias, the next kernel is $(C_b+C_W\langle\phi_1^2\rangle_{K^\star})/\lambda_\ell^2=K^\star/\lambda_\ell^2$.
# The slope $\phi_\lambda'(x)=\phi_1'(\lambda x)$ has the mean square of GELU at $K^\star$, which is $1/C_W$, so that $\chi_\perp=(\lambda_{\ell-1}/\lambda_\ell)^2$.
# The product over the layers is $(\lambda_{\text{first}}/\lambda_{\text{last}})^2$: what happens between the two leaves no trace.
# :::
# ::::
#
# ## Where this is computed
#
# `smoothrelu/activations/lambda_gelu.py` has the layer and the closed forms, `smoothrelu/activations/hardening.py` the parameter groups, the hardening and the substitution, `smoothrelu/theory/critical.py` the initialisation that follows the hardness, `smoothrelu/training/minibatch.py` and `smoothrelu/networks/image_networks.py` the training and the networks, `smoothrelu/book/statistics/lambda_gelu.py` drift, profiles and drops, `smoothrelu/book/tables/hardening.py` the theory, and `smoothrelu/book/studies/lambda_gelu.py` the lists of long runs.
