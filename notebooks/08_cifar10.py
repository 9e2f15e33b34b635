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
# # On CIFAR-10, the same with harder images
#
# **Claim.** What the last chapter found on digits holds on photographs: at $T=1$ and the same learning rate critical initialisation trains faster than He's for all five activations, least for GELU and GudermanLU, for which it takes some hundreds of steps to tell.
# With each at its own best rate it is ahead on average for all five too, by much for GumbelLU and by little for the others, of which only one is told from zero.
# PyTorch's default initialisation does not train such a network.
# At low temperature critical and He's agree, and all networks train as ReLU does.
#
# ## Question
#
# MNIST is easy.
# Its digits are nearly linearly separable, and a network that starts badly may be saved by that.
# The photographs of CIFAR-10 are not: a fully connected network reaches about half of the labels on images it has not seen, and its loss falls slowly from the first step on.
# If critical initialisation were only a matter of starting up, its advantage should fade on a task where everything is slow.
# If it keeps the gradient alive in all layers, the advantage should stay.
#
# ## The experiment
#
# Nothing changes except the images: 3072 numbers each, three colours of 32 by 32 pixels, standardised colour by colour.
# The network again has ten hidden layers of 64 units, the descent is again full batch, and all settings are those of {doc}`07_mnist`.
# That is deliberate.
# Settings that are tuned to each data set can make any two curves agree.
#
# What the theory predicts needs no new computation either.
# The kernel map of {doc}`02_initialization` does not know what an image shows; it knows the mean square of the pixels, and standardised images of both data sets have the same.
# After ten hidden layers a network initialised by He at $T=1$ has therefore lost the same part of its signal here as there.
# What differs is what the labels ask for: to tell a cat from a dog takes finer differences between inputs than to tell a three from an eight, and fine differences are what a dying signal loses first.

# %%
from torch import nn

from smoothrelu import SMOOTH_RELUS, SWISH, GumbelLU, critical_init_, he_init_
from smoothrelu import grid, sweep
from smoothrelu.book import figures
from smoothrelu.book.statistics import training as statistics
from smoothrelu.experiments.committed import published
from smoothrelu.book.notebook import glue, table

# %% tags=["parameters"]
temperatures = [1.0, 0.1]
seeds = [0, 1, 2]
lr = 0.01
learning_rates = [0.003, 0.01, 0.03, 0.1]
n_train = 500
device = "auto"

# %% [markdown]
# As before, `n_train` images (the same number of each class) train the network and 500 others test it; `lr` belongs to the first figure and `learning_rates` to the second.
# The number of inputs is four times that of MNIST, and it does not matter: the variance of the first weights is divided by it.

# %%
common = {"dataset": "cifar10", "n_train": n_train, "seed": seeds}
both = [critical_init_, he_init_]
smooth = [kind(T) for kind in SMOOTH_RELUS for T in temperatures]
runs = grid(activation=smooth, init=both, lr=lr, **common)
runs += grid(activation=nn.ReLU(), init=he_init_, lr=lr, **common)
results = sweep(runs, device=device)

# %% mystnb={"figure": {"caption": "Training loss on CIFAR-10. Lines are means over seeds, bands reach from the lowest seed to the highest. Solid: critical initialisation; dashed: He's. ReLU, black, is the same in each panel.", "name": "fig-cifar10-loss"}, "image": {"alt": "Training loss on a logarithmic axis against the step, one panel for each temperature. At temperature one the dashed lines of He initialisation lie far above the solid lines of critical initialisation, GumbelLU and SWISH highest; at temperature 0.1 all lines lie together."}} tags=["hide-input"]
figures.loss_curves(results)

# %% [markdown]
# ## The gain, seed by seed
#
# The measure of {numref}`tab-cifar10-gain` is the one of the last chapter: the training loss averaged over all steps, He's minus the critical one's, between networks of equal seed.
# Positive numbers say that critical initialisation is ahead.

# %% mystnb={"figure": {"caption": "CIFAR-10, this run: mean training loss, He's minus critical, at the common learning rate.", "name": "tab-cifar10-gain"}}
gain = statistics.gain_of_critical(statistics.mean_losses(results))
digits = {
    "gain": "{:+.3f}", "ci_low": "{:+.3f}", "ci_high": "{:+.3f}", "min": "{:+.3f}",
    "max": "{:+.3f}",
}
table(gain, {"activation": "{}", "temperature": "{:g}"} | digits | {"n_seeds": "{}"})

# %% [markdown]
# ## The same, each at its own best learning rate
#
# Again the two activations farthest from ReLU, at the highest temperature of the run, each initialisation choosing among the learning rates by its own mean loss: {numref}`fig-cifar10-rates` and {numref}`tab-cifar10-best`.

# %%
warm = [kind(max(temperatures)) for kind in (SWISH, GumbelLU)]
runs = grid(activation=warm, init=both, lr=learning_rates, **common)
runs += grid(activation=nn.ReLU(), init=he_init_, lr=learning_rates, **common)
rates = statistics.mean_losses(sweep(runs, device=device))

# %% mystnb={"figure": {"caption": "Training loss averaged over all steps against the learning rate, at the highest temperature: mean over seeds and range.", "name": "fig-cifar10-rates"}, "image": {"alt": "One panel for each of SWISH, GumbelLU and ReLU. The mean training loss falls with the learning rate and rises again at the largest; the dashed line of He initialisation lies above the solid line of critical initialisation."}} tags=["hide-input"]
figures.loss_by_learning_rate(rates)

# %% mystnb={"figure": {"caption": "CIFAR-10, this run: the mean training loss of each initialisation at the learning rate that suits it best.", "name": "tab-cifar10-best"}}
best = statistics.mean_over_seeds(statistics.at_best_rate(rates))
digits = {"mean_loss": "{:.3f}", "min": "{:.3f}", "max": "{:.3f}", "final_loss": "{:.3f}"}
table(best, {"activation": "{}", "init": "{}", "lr": "{:g}"} | digits)

# %% [markdown]
# ## The long runs
#
# All of this took a minute or two.
# What follows took longer and was computed once: 10,000 training images, 2,000 test images, five seeds, all five smooth ReLUs at the learning rate 0.01, {glue:text}`long_steps:.0f` steps at $T=1$ and {glue:text}`cold_steps:.0f` at $T=0.1$; and, with 1,000 images, every initialisation at five learning rates, PyTorch's default among them.
# {numref}`fig-cifar10-long` shows the first of them, and {numref}`tab-cifar10-long-gain` the gain.
# They are committed with the seeds, versions, device and commit that made them, and `make paper STUDY=cifar10_warm` makes the first again.

# %%
long, cold = published("cifar10_warm"), published("cifar10_cold")
trials = statistics.concat(published("cifar10_rates"), published("cifar10_default"))
record = long.attrs

# %% mystnb={"figure": {"caption": "Losses and test accuracy on CIFAR-10, 10,000 images, T = 1; mean over five seeds and range.", "name": "fig-cifar10-long"}, "image": {"alt": "Three panels against the step: training loss, test loss and test accuracy. The solid curves of critical initialisation start highest, fall below the dashed ones of He initialisation within the first dozens of steps and stay there, close together, below ReLU's black one too, and lead in test accuracy; the dashed ones lag behind, GumbelLU farthest, then SWISH."}} tags=["hide-input"]
figures.learning(long)

# %% mystnb={"figure": {"caption": "CIFAR-10, long runs on 10,000 images: the gain of critical initialisation at the same learning rate.", "name": "tab-cifar10-long-gain"}}
long_gain = statistics.gain_of_critical(statistics.final_rows(long))
digits = {"gain": "{:+.3f}", "ci_low": "{:+.3f}", "ci_high": "{:+.3f}", "n_seeds": "{}"}
table(long_gain, {"activation": "{}"} | digits)

# %% [markdown]
# The runs of {numref}`fig-cifar10-long` took {glue:text}`long_minutes:.0f` minutes of one core ({glue:text}`long_device`, torch {glue:text}`long_torch`).
# At the common learning rate the gain is between {glue:text}`long_least:.2f` and {glue:text}`long_most:.2f` nats, and its interval lies above zero for {glue:text}`long_sure:.0f` of the five activations.
# At the last step the training loss of critical networks is still ahead by {glue:text}`end_least:.2f` to {glue:text}`end_most:.2f` nats, and they are right on {glue:text}`acc_least:.1%` to {glue:text}`acc_most:.1%` more of the test images: it is no matter of starting up only.
# Averaged over seeds they are ahead of ReLU as well, whose mean loss is {glue:text}`relu_long:.2f` where theirs are between {glue:text}`critical_least:.2f` and {glue:text}`critical_most:.2f`.
#
# **How many steps it takes to tell.** When we first made this study it had {glue:text}`early_steps:.0f` steps, and its verdict on {glue:text}`early_unsure` was "undecided".
# Those steps are the first ones of this table.
# One step in ten is kept in it; over those up to the {glue:text}`early_steps:.0f`th, without the start, the gain is between {glue:text}`early_least:.2f` and {glue:text}`early_most:.2f` nats, and above zero for {glue:text}`early_sure:.0f` of five activations only.
# There are two reasons.
# Photographs are learned slowly: by then even the best network has come down to {glue:text}`early_loss:.1f` only, and by the end to {glue:text}`long_last:.1f`.
# And a critical network starts from a worse loss, {glue:text}`start_critical:.1f` on average against {glue:text}`start_he:.1f`, since it says something of its input from the start, at random, where a network that He's rule has silenced says nothing and pays $\log10$.
# Critical networks of all activations are ahead from step {glue:text}`crossed:.0f` on, but the mean loss, which is over all steps, charges them for their start, and the more so the fewer steps there are.

# %% mystnb={"figure": {"caption": "Training loss averaged over all steps against the learning rate, 1,000 images of CIFAR-10, T = 1: mean over five seeds and range. Rates at which a seed diverged are left out.", "name": "fig-cifar10-long-rates"}, "image": {"alt": "Six panels, one for each activation. In each the mean training loss falls with the learning rate to a minimum at 0.03 or 0.1; the dashed line of He initialisation lies above the solid line of critical initialisation at every rate, farthest for GumbelLU and least for GudermanLU and GELU; the dotted line of PyTorch's default is flat at 2.3."}} tags=["hide-input"]
figures.loss_by_learning_rate(trials)

# %% mystnb={"figure": {"caption": "CIFAR-10, long runs on 1,000 images: the gain when each initialisation has its own best learning rate.", "name": "tab-cifar10-best-gain"}}
best_gain = statistics.gain_at_best_rate(trials)  # over He's
table(best_gain, {"activation": "{}"} | digits)

# %% mystnb={"figure": {"caption": "CIFAR-10, long runs: the largest learning rate tried at which every seed ended with less loss than it began with.", "name": "tab-cifar10-stable"}}
stable = statistics.largest_stable_rate(trials)
table(stable, {"activation": "{}", "init": "{}", "stable_lr": "{:g}", "tried_up_to": "{:g}"})

# %% [markdown]
# **Each at its own best rate.** {numref}`fig-cifar10-long-rates` has the learning rates, {numref}`tab-cifar10-best-gain` the gain when each initialisation has the best of its own, and {numref}`tab-cifar10-stable` the largest rate tried that is stable.
# Critical networks of all five activations do best at the rate {glue:text}`critical_rate`.
# So do those of {glue:text}`same_rate` under He initialisation; the others take the next larger rate there and make up for a part of their start.
# Critical initialisation keeps a mean gain between {glue:text}`best_least:.2f` and {glue:text}`best_most:.2f` nats, the largest that of {glue:text}`best_top`; the interval is above zero for {glue:text}`best_sure:.0f` of five, {glue:text}`best_names`, and the lowest end of any is {glue:text}`best_low:+.2f`.
# So the mean is positive for all, but with five seeds it is not proved for all, and which activations are told from zero is not what it was on MNIST: with intervals about as wide as the gains that may be chance.
#
# It is a gain in speed on the images trained on.
# With 1,000 of them a network learns much by heart, and on images it has not seen critical networks at their best rate end with an accuracy of {glue:text}`seen_critical:.1%`, He's with {glue:text}`seen_he:.1%`, averaged over activations: no difference worth reading.
#
# ReLU, for which the two initialisations are the same, is stable up to {glue:text}`relu_stable` here and smooth networks up to {glue:text}`smooth_stable`.
# Its mean loss at its best rate, {glue:text}`relu_best:.2f`, is above that of critical networks of every activation, of which the worst has {glue:text}`critical_worst:.2f`.
#
# **PyTorch's default** says the same as on MNIST: the dotted curves lie flat at $\log 10$ at every rate, and critical initialisation is ahead by {glue:text}`default_least:.2f` nats at least.
# It is called stable at the largest rate in {numref}`tab-cifar10-stable` since its loss falls a little: nothing moves, so nothing breaks.
#
# **Beside ReLU.** At the common learning rate and $T=1$ the critical smooth networks lose on average between {glue:text}`ahead_least:.2f` and {glue:text}`ahead_most:.2f` nats less than the ReLU network of the same seed, and the interval is above zero for {glue:text}`ahead_sure:.0f` of the five.
# One common rate says nothing of each one's best.
# The claim that at criticality all smooth networks train alike is judged on the board by their distance from each other, ReLU left out.
#
# **Cold.** At $T=0.1$, {glue:text}`cold_sure:.0f` of five intervals of the gain exclude zero, and no end of any is farther from zero than {glue:text}`cold_far:.2f` nats.
# The mean loss of every network, critical or He's, is within {glue:text}`cold_distance:.1%` of that of the ReLU network of the same seed, on average over seeds and networks {glue:text}`cold_typical:.1%`.
# On photographs too a cold network trains as ReLU does.

# %% [markdown]
# ## Accuracy
#
# {numref}`fig-cifar10-acc` shows what the loss means for images that were not trained on.
# Five hundred training images are few, so nobody should expect much; what matters is whether one initialisation reaches a given accuracy earlier.
# An accuracy on so small a test set moves in steps of one fifth of a percent, and with equal true accuracies two networks will differ by about two percent by chance alone.
# Differences smaller than that are not worth reading.

# %% mystnb={"figure": {"caption": "Accuracy on 500 test images of CIFAR-10, measured every 20 steps.", "name": "fig-cifar10-acc"}, "image": {"alt": "Test accuracy against the step, one panel for each temperature, critical solid and He dashed, ReLU in black."}} tags=["hide-input"]
figures.loss_curves(results, "test_acc")

# %% [markdown]
# ## How to read the figures
#
# The dashed curves of {numref}`fig-cifar10-loss` wait at the start as they did on MNIST.
# At the highest temperature of this run the gain of GumbelLU is {glue:text}`gain_gumbel:.2f` nats of mean loss and that of SWISH {glue:text}`gain_swish:.2f`.
# At the lowest the greatest gain in absolute value is {glue:text}`cold_gain:.3f`.
#
# With its own best learning rate GumbelLU is {glue:text}`best_gumbel:.2f` nats better when it is critical.
# The answer to the question above is therefore that the advantage is not only one of starting up.
#
# {numref}`fig-cifar10-rates` also shows where the comparison ends.
# At the smallest learning rate nothing has learned much within the steps given, whatever its initialisation, so the curves come together on the left for a dull reason.
# On the right a large rate makes the descent jump, seeds disagree and bands widen; there a single seed could be quoted for either side.
# The middle, where descent is both fast and orderly, is where a practitioner would work, and where the two initialisations are farthest apart.
#
# These are small networks on few images, chosen so that the page is made in a minute on a laptop.
# They can refute the claim, but they cannot establish it for networks of another size.
#
# ## What would falsify the claim
#
# The same as on MNIST: one seed at which He-initialised SWISH or GumbelLU is as fast as its critical twin at $T=1$, an advantage that vanishes at the best learning rates, or a gain at the lowest temperature as large as at the highest; and, of the long runs, an activation that critical initialisation does not help at the common rate, or a cold network that trains otherwise than ReLU.
# The cell below checks them where the run has the temperatures to judge by.

# %% tags=["hide-input"]
end = statistics.gain_of_critical(statistics.final_rows(long), "train_loss")["gain"]
accuracy = -statistics.gain_of_critical(statistics.final_rows(long), "test_acc")["gain"]
glue(
    long_least=long_gain["gain"].min(), long_most=long_gain["gain"].max(),
    long_sure=(long_gain["ci_low"] > 0).sum(), long_steps=long["step"].max(), end_least=end.min(),
    end_most=end.max(), acc_least=accuracy.min(), acc_most=accuracy.max(),
)

# %% tags=["hide-input"]
ahead = statistics.ahead_of_relu(statistics.final_rows(long))
glue(
    ahead_sure=(ahead["ci_low"] > 0).sum(), ahead_least=ahead["gain"].min(),
    ahead_most=ahead["gain"].max(),
)

# %% tags=["hide-input"]
means = statistics.final_rows(long).groupby(["init", "activation"])["mean_loss"].mean()
glue(
    relu_long=means["he", "ReLU"], critical_least=means["critical"].min(),
    critical_most=means["critical"].max(), long_minutes=record["seconds"] / 60,
    long_device=", ".join(record["device"]), long_torch=", ".join(record["torch"]),
)

# %% tags=["hide-input"]
early = long[long["step"].between(1, 100)]
early_gain = statistics.gain_of_critical(statistics.mean_losses(early))
curves = long.groupby(["step", "activation", "init"])["train_loss"].mean().unstack().dropna()
behind = curves[curves["critical"] >= curves["he"]].reset_index()["step"].max()
glue(
    early_steps=early["step"].max(), early_least=early_gain["gain"].min(),
    early_most=early_gain["gain"].max(), early_sure=(early_gain["ci_low"] > 0).sum(),
    early_unsure=" and ".join(early_gain[early_gain["ci_low"] <= 0]["activation"]),
    early_loss=curves.loc[early["step"].max()].min().min(),
    long_last=curves.loc[long["step"].max()].min().min(),
    start_critical=curves.loc[0]["critical"].mean(), start_he=curves.loc[0]["he"].mean(),
    crossed=long[long["step"] > behind]["step"].min(),
)

# %% tags=["hide-input"]
at_best = statistics.mean_over_seeds(statistics.at_best_rate(trials))
at_best = at_best.set_index(["init", "activation"])
critical_best, he_best = at_best.loc["critical"], at_best.loc["he"].drop("ReLU")
glue(
    best_least=best_gain["gain"].min(), best_most=best_gain["gain"].max(),
    best_top=best_gain.loc[best_gain["gain"].idxmax(), "activation"],
    best_sure=(best_gain["ci_low"] > 0).sum(),
    best_names=" and ".join(best_gain[best_gain["ci_low"] > 0]["activation"]),
    best_low=best_gain["ci_low"].min(),
    critical_rate=" and ".join(f"{rate:g}" for rate in critical_best["lr"].unique()),
    same_rate=" and ".join(he_best.index[he_best["lr"] == critical_best["lr"]]),
    critical_worst=critical_best["mean_loss"].max(),
    relu_best=at_best.loc[("he", "ReLU"), "mean_loss"],
    seen_critical=critical_best["final_test_acc"].mean(), seen_he=he_best["final_test_acc"].mean(),
)

# %% tags=["hide-input"]
he_stable = stable[stable["init"] == "he"].set_index("activation")["stable_lr"]
default_gain = statistics.gain_at_best_rate(trials, over="standard")
cold_gains = statistics.gain_of_critical(statistics.final_rows(cold))
like = statistics.distance_from_relu(statistics.final_rows(cold))["distance"]
glue(
    relu_stable=f"{he_stable['ReLU']:g}", smooth_stable=f"{he_stable.drop('ReLU').min():g}",
    default_least=default_gain["ci_low"].min(),
    cold_sure=((cold_gains["ci_low"] > 0) | (cold_gains["ci_high"] < 0)).sum(),
    cold_far=cold_gains[["ci_low", "ci_high"]].abs().max().max(), cold_steps=cold["step"].max(),
    cold_distance=like.max(), cold_typical=like.mean(),
)

# %%
hot = gain[(gain["temperature"] >= 1) & gain["activation"].isin(["SWISH", "GumbelLU"])]
best_loss = best.set_index(["activation", "init"])["mean_loss"]
by_T = gain.set_index(["activation", "temperature"])["gain"]
glue(
    gain_swish=by_T["SWISH", max(temperatures)], gain_gumbel=by_T["GumbelLU", max(temperatures)],
    cold_gain=by_T.xs(min(temperatures), level="temperature").abs().max(),
    best_gumbel=best_loss["GumbelLU", "he"] - best_loss["GumbelLU", "critical"],
)
assert (hot["min"] > 0).all() and default_gain["ci_low"].min() > 0 and like.max() < 0.15
assert (long_gain["ci_low"] > 0).all() and (best_gain["gain"] > 0).all()
assert max(temperatures) < 1 or best_loss["GumbelLU", "he"] > best_loss["GumbelLU", "critical"]
coldest = by_T.xs(min(temperatures), level=1).abs().max()
assert max(temperatures) < 1 or min(temperatures) > 0.1 or coldest < 0.1

# %% [markdown]
# ## Exercises
#
# ::::{admonition} Exercise 1: two percent by chance
# :class: exercise
# Two networks are right with the same probability $p$ on each of $n=500$ test images.
# By how much do their accuracies differ by chance, at $p=\tfrac14$, if they are tested on different images, and if they are tested on the same ones and exactly one of them is right on a share $d$ of these?
#
# :::{dropdown} Solution
# On different images each accuracy has the variance $p\,(1-p)/n$, the difference twice that, and its standard deviation is $\sqrt{2\cdot0.1875/500}=2.7\%$.
# On the same images the difference is a mean of $n$ numbers that are $+1$ or $-1$ with probability $d/2$ each and 0 otherwise; its standard deviation is $\sqrt{d/n}$.
# Two networks that disagree about a fifth of the images make that $2.0\%$.
# The common images help by cancelling what is easy or hard for both.
# :::
# ::::
#
# ::::{admonition} Exercise 2: a black frame
# :class: exercise
# MNIST's standardised images have 28 by 28 numbers.
# Put each into the middle of 32 by 32 and fill the frame with zeros.
# What does this do to a critical network at $T=1$?
# Which temperature undoes it?
#
# :::{dropdown} Solution
# The zeros add nothing to $|x|^2$, but the variance of the first weights is divided by 1024 in place of 784 numbers, so $|x|^2/n_{\rm in}$ becomes $(7/8)^2$.
# The network sees the old images, multiplied by $\tfrac78$.
# By {eq}`eq-scaling` that is $\tfrac78$ times the network at the temperature $\tfrac87$, seeing the old images at their old size: the frame makes it hotter.
# At $T=\tfrac78$ it is $\tfrac78$ times what the critical network at $T=1$ was without the frame.
# Or standardise the images after framing them.
# :::
# ::::
#
# ## Where this is computed
#
# `Run` is in `smoothrelu/experiments/run.py`, `sweep` in `smoothrelu/experiments/sweeps.py`, gradient descent in `smoothrelu/training/full_batch.py`, the initialisations in `smoothrelu/networks/mlp.py`.
# The images are real: `data/README.md` says where they come from and how to check them.
