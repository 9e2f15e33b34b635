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
# # What it costs: the module beside its peers
#
# **Claim.** A temperature is nearly free: a training step with a smooth ReLU at any temperature takes at most a third longer than one with PyTorch's own SiLU, and for most of them about a tenth or less.
# The tangent kernels of finite networks come more than twice as fast as from the fastest peer, and those of infinitely wide networks, for activations that have no closed form, in about the time of closed forms or less.
#
# ## Question
#
# What a researcher tries in an afternoon depends on what one try costs.
# Every part of this book rests on one of five pieces of work: an activation in a training step, the tangent kernel of a network, the kernels of infinite width, the critical point of an activation, and the training of many networks.
# What do they cost, beside what others offer for the same, and where does the machine itself set the limit?
#
# ## How it was measured
#
# The machine was shared, and a time on a shared machine means little.
# So two contestants are timed in turn, round after round, in neighbouring hundredths of a second, and what is kept of each round is the ratio of the two times,
#
# $$
# r = \frac{\text{seconds of ours}}{\text{seconds of theirs}} .
# $$ (eq-ratio)
#
# The figure that counts is the median of $r$, with the quartiles over rounds.
# Where the peer is {cite:t}`novak2020`'s neural-tangents, it lives in a process of its own, compiled and warm, and takes its turn as well.
# Both sides compute the same from the same arrays, and how far the results differ stands in the tables.
# Targets were set before the work was done; a target that is missed is shown as plainly as one that is reached.
# No graphics processor was there, and nothing is claimed for one.
#
# A process that has never held more than a single activation gives memory back to the system after every operation and takes it again page by page, which can double the time of a small operation by an accident of order.
# Before anything is timed 31 MiB are allocated and freed once, as in any process that has loaded a data set.

# %%
from smoothrelu.book import figures
from smoothrelu.experiments.committed import published
from smoothrelu.book.notebook import glue, table

# %% tags=["parameters"]
threads = 2

# %%
every = published("benchmark", command="make bench")
once = every.groupby("benchmark")["threads"].transform("nunique") == 1
rows = every[(every["threads"] == threads) | once]
activations = rows[rows["benchmark"].isin(["step", "eager", "compiled"])]
kernels = rows[
    rows["benchmark"].isin(
        ["tracking", "torch_ntk", "neural_tangents", "closed_forms", "quadrature"]
    )
]
others = rows[rows["benchmark"].isin(["criticality", "start_up", "sweeps", "book"])]
digits = {
    "case": "{}", "peer": "{}", "ratio": "{:.3g}", "low": "{:.3g}", "high": "{:.3g}",
    "target": "{:.3g}",
}

# %% [markdown]
# `threads` chooses between the rows measured with one thread and with two, where both were; the rest used both cores.
# The rows were measured on {glue:text}`machine`, from {glue:text}`first_date` to {glue:text}`date`, with torch {glue:text}`torch`; `make bench` measures them anew.
#
# ## Activations
#
# {numref}`fig-perf-activations` has every smooth ReLU at $T=\tfrac12$ beside SiLU: in a full-batch training step of a network of eight hidden layers, and alone, forward and backward.

# %% mystnb={"figure": {"caption": "Time of each smooth ReLU at $T = 1/2$ over that of SiLU. Points: medians; bars: quartiles over rounds; red strokes: targets; filled: reached. The grey line is equality.", "name": "fig-perf-activations"}, "image": {"alt": "Dots on a logarithmic axis, one row for each activation and setting. In the training step all dots lie between 1 and 1.3. Alone AlgebraicLU, compiled, lies left of equality; all others lie between 1 and 4, SWISH the nearest and GudermanLU the farthest."}} tags=["hide-input"]
figures.ratios(activations)

# %% mystnb={"figure": {"caption": "The same in numbers, with the milliseconds of one call.", "name": "tab-perf-activations"}} tags=["hide-input"]
table(activations.assign(ms=1e3 * activations["our_seconds"]), digits | {"ms": "{:.2f}"})

# %% [markdown]
# An activation alone is a race of passes over memory, and of the functions of one number that PyTorch has ready.
# SiLU takes one pass forward and one backward.
# {numref}`tab-perf-needed` has what no formula of the others does without: the slope of PyTorch's softplus, which has a temperature, is SWISH's gate in one pass; GELU has its own native passes; GumbelLU takes four powers of two; GudermanLU needs an arc tangent, which alone costs more than all of SiLU.
# (Its slope takes the gate from the output, which the next layer keeps anyway, and saves a second one.
# SWISH's slope is made of the output too, which keeps the digits that PyTorch's own slope of SiLU loses where the sigmoid is nearly 1.)
# Beside these stand the division by the temperature, and the bounds that keep the promise of a finite derivative at every finite input, up to the largest numbers of the format.
# A tensor larger than the cache is computed in blocks, so that it travels to memory and back once and not once for each of these passes.
#
# `torch.compile` fuses the passes.
# Its code has a price of its own: for doubling a number, forward and backward, it takes {glue:text}`compiled_double:.2f` of the time of PyTorch's SiLU, for SiLU itself {glue:text}`compiled_silu:.2f`, and for PyTorch's own GELU, at $T=1$, {glue:text}`compiled_gelu:.2f`.
# Ours, which has a temperature and bounds beside that, takes {glue:text}`our_gelu:.2f`.
# The last rows of the table have what the compiler makes of a gate's function alone: a target of 1.3 leaves too little for the product with the input, the temperature and the bounds of GELU and GumbelLU.

# %% mystnb={"figure": {"caption": "Time of the operations that an activation and its slope cannot do without, over that of SiLU and its slope. The rest of an activation's time goes into cheap passes: divisions, additions and bounds.", "name": "tab-perf-needed"}} tags=["hide-input"]
table(
    published("benchmark_needed", command="make bench"),
    {"activation": "{}", "operations": "{}", "ratio": "{:.2f}"},
)

# %% [markdown]
# In a network all this shrinks, because the matrix products take most of the time: in the step the greatest ratio is {glue:text}`step_most:.2f`, the least {glue:text}`step_least:.2f` ({numref}`tab-perf-activations`).
# {numref}`tab-perf-time` has the processor's time by what it does.
# Where SiLU's two functions take {glue:text}`silu_share:.0%` of the time of the matrix products, those of GumbelLU with its other passes take {glue:text}`gumbel_share:.0%`, those of GudermanLU {glue:text}`guderman_share:.0%`.
# What separates a smooth ReLU from its target in the step is in these two rows, and in the rest, which is Python and PyTorch finding the next operation; the profiler lengthens that.
# PyTorch runs one operation at a time, over tensors that the matrix products between have driven out of the cache, so each sum and each product costs a way through memory, of which this machine copies {glue:text}`copy_gbytes:.0f` GB a second.
# Smaller blocks do not help: a call costs as much as the way it saves.

# %% mystnb={"figure": {"caption": "The processor's time in a training step with each activation, in the traced tangent kernel of the same network with SiLU, and in the kernels of infinite width of 500 inputs of unequal norms, SWISH at $T=10^{-5}$, over that of the matrix products of the same work; one thread.", "name": "tab-perf-time"}} tags=["hide-input"]
time = published("benchmark_time", command="make bench")
spent = time.pivot(index="part", columns="work", values="share")[time["work"].unique()]
beside = spent / spent.loc["matrix products"]
table(beside.reset_index(), {"part": "{}"} | dict.fromkeys(beside.columns, "{:.1%}"))

# %% [markdown]
# ## Kernels
#
# {numref}`fig-perf-kernels` and {numref}`tab-perf-kernels` compare the tangent kernel of a network of five hidden layers with the contraction of whole Jacobians, as the tutorial of `torch.func` has it, and with the three implementations of neural-tangents; the kernels of infinite width, through twenty layers, with its closed forms and with its quadrature for activations that have none.

# %% mystnb={"figure": {"caption": "Time of our kernels over that of the peers', as in {numref}`fig-perf-activations`.", "name": "fig-perf-kernels"}, "image": {"alt": "Dots on logarithmic axes, one panel for each peer. Against torch.func and the first two implementations of neural-tangents the dots lie near one hundredth, against its third near one third; against its closed forms between one tenth and one, against its quadrature near two thousandths."}} tags=["hide-input"]
figures.ratios(kernels)

# %% mystnb={"figure": {"caption": "The same in numbers. Difference: of the two results, relative to their size.", "name": "tab-perf-kernels"}} tags=["hide-input"]
table(kernels, digits | {"difference": "{:.0e}"})

# %% [markdown]
# The tangent kernel of a network is a sum over layers of two Gram matrices, multiplied element by element ({doc}`10_ntk`), so no Jacobian is ever formed: where the contraction of Jacobians holds {glue:text}`memory_theirs:.1f` GB at a time, it takes {glue:text}`memory_ours:.0f` MB ({numref}`tab-perf-memory`).
# What is left is matrix products, {glue:text}`kernel_products:.0%` of its time.
# The training step reaches {glue:text}`step_gflops:.0f` of the {glue:text}`matrix_gflops:.0f` billion operations a second that products of its own shapes reach on this machine.
# The products of the traced kernel of a hundred inputs have {glue:text}`kernel_share:.2f` times as many operations as those of the step.
# Called one after the other, with nothing between them, they take {glue:text}`products_1:.2f` of a step with one thread and {glue:text}`products_2:.2f` with two, and the whole kernel {glue:text}`tracking_1:.2f` and {glue:text}`tracking_2:.2f`; the target is {glue:text}`tracking_target:.1f`.
# Beside the contraction of Jacobians, where the target is {glue:text}`jacobian_target:.3f`, the products of the traced kernel alone take {glue:text}`floor_1:.4f` and {glue:text}`floor_2:.4f` of the other's time ({numref}`tab-perf-kernels`).
# What is added to them is the forward pass through PyTorch's modules, the slopes of the activations, and the calls between the products.
# To take the outputs or the inputs in groups whose deltas fit into the cache gains nothing.
#
# At infinite width both kernels of a pair of inputs are, after any number of layers, functions of two variances and one angle.
# For a few inputs the layers are applied one after the other; for many, at the points of one Chebyshev series, which is then evaluated once for each pair.
# So depth costs next to nothing: against the closed forms, which go through all the layers for each pair, the ratios are {glue:text}`closed_least:.2f` to {glue:text}`closed_most:.2f`.
# The quadrature of neural-tangents, of degree 25, takes {glue:text}`quadrature_seconds:.0f` seconds, {glue:text}`quadrature_least:.0f` to {glue:text}`quadrature_most:.0f` times as long as ours, and differs from it by {glue:text}`quadrature_apart:.0e` at $T=1$; at low temperatures Gauss-Hermite rules are wrong in the first digit ({doc}`02_initialization`).
# Inputs of unequal norms need a series in both variances beside the angle; what that costs is spread over many small operations ({numref}`tab-perf-time`), of whose time the matrix products take {glue:text}`unequal_products:.0%`.
# The colder the network, the narrower the corner of its layers, and the more points their table needs.
# Where two inputs are nearly parallel, of different norms, and the network is cold, the series would not resolve the kernels' corner at angle zero; then the layers are applied to every pair, and depth costs again.

# %% mystnb={"figure": {"caption": "Memory that the tangent kernel of 100 inputs and 10 outputs takes at most beside what was in use before it, in MB, and that of its result.", "name": "tab-perf-memory"}} tags=["hide-input"]
memory = published("benchmark_memory", command="make bench")
memory[["bytes", "result"]] /= 1e6
table(memory, {"kind": "{}", "how": "{}", "bytes": "{:.0f}", "result": "{:.1f}"})

# %% [markdown]
# ## How it grows
#
# {numref}`fig-perf-growth` shows where another size would take you.
# The traced kernel grows like the square of the inputs once their number is large, like the outputs, and like the square of the width.
# A sweep of a few nets stays in one process, whose two threads gain little on nets so small; a larger one pays for two processes at first.

# %% mystnb={"figure": {"caption": "Seconds of one call against each size, the others at 100 inputs (1000 in a step), width 256, five hidden layers (eight in a step) and ten outputs; a sweep is of nets of width 64 with 100 inputs, 300 steps each.", "name": "fig-perf-growth"}, "image": {"alt": "Five panels with logarithmic axes, against the number of inputs, the width, the number of hidden layers, the number of outputs and the number of nets. All lines rise; the full tangent kernel lies an order of magnitude above the traced one, and the kernels of infinite width rise most steeply with the number of inputs."}} tags=["hide-input"]
grown = published("benchmark_growth", command="make bench")
figures.growth(grown)

# %% [markdown]
# ## The rest
#
# A sweep is compared with what one would write without it, a loop over networks and `torch.optim.SGD`, from the call to the table, processes and the reading of data included ({numref}`tab-perf-rest`).
# Where there is no peer, the ratio is the share of a budget in seconds.
# The gradients of a plain network are computed by hand, to the bit those of autograd, into memory that is taken once: small networks gain most by that, and by two processes of one thread each, which do not wait for each other.
# The start of the processes takes some seconds; a sweep too short for that trains its networks on threads of one process.

# %% mystnb={"figure": {"caption": "Sweeps, criticality, start-up, and the book itself. Measured: the day, for rows are kept until their benchmark runs anew, and another day may have been another machine.", "name": "tab-perf-rest"}} tags=["hide-input"]
table(others.assign(measured=others["date"].str[:10]), {"work": "{}"} | digits | {"measured": "{}"})

# %% [markdown]
# ## How to read the figures
#
# A dot left of the grey line is work we do faster than the peer.
# A filled dot has reached its target, an open one has not: {glue:text}`reached:.0f` of {glue:text}`with_target:.0f` rows at this number of threads have.
# What stands above those that have not: for activations, the operations of {numref}`tab-perf-needed` and {numref}`tab-perf-time`; for traced kernels, their matrix products, which have rows of their own; for kernels of unequal norms, a series in three variables where one in the angle is enough for equal ones.
# A run of a sweep has one thread, wherever it is computed, which makes its numbers the same everywhere; where there are fewer runs than cores, some cores have nothing to do.
#
# The ratios hold for this machine.
# On a processor whose vector mathematics is faster, the activations made of several such functions come closer to SiLU; on a graphics processor all this is different, and was not measured.
#
# ## What would falsify the claim
#
# A machine of the same kind on which `make bench` finds a training step with a smooth ReLU more than a third slower than with SiLU, or a tangent kernel that takes more than half the time of that of neural-tangents, or a kernel of infinite width more than a quarter slower than the closed forms, or a difference between the two results beyond rounding.
# The last cell stops the build where the committed table says so.
#
# ## Where this is computed
#
# `smoothrelu/benchmark/`: `timing.py` takes turns, `activations.py`, `ntk.py`, `kernels.py` and `sweeps.py` hold the contestants, `jax_peer.py` is the process of neural-tangents, `scaling.py` what grows and what it is made of.
# The activations themselves are in `smoothrelu/activations/smooth_relu.py`, the contraction in `smoothrelu/networks/ntk.py`, the series of a whole network in `smoothrelu/theory/infinite_width/interpolation.py`, gradients by hand in `smoothrelu/training/explicit_backprop.py`.

# %% tags=["hide-input"]
step = activations[activations["benchmark"] == "step"]["ratio"]
made = activations[activations["benchmark"] == "compiled"].set_index("case")["ratio"]
closed = kernels[kernels["benchmark"] == "closed_forms"]
glue(
    step_most=step.max(), step_least=step.min(),
    compiled_silu=made["torch's SiLU, compiled, 2000 x 256"],
    compiled_gelu=made["torch's GELU, compiled, 2000 x 256"],
    our_gelu=made["GELU, compiled, 2000 x 256"], closed_least=closed["ratio"].min(),
    closed_most=closed["ratio"].max(),
)

# %% tags=["hide-input"]
quadrature = kernels[kernels["benchmark"] == "quadrature"]
judged = rows.dropna(subset=["target"])
glue(
    quadrature_seconds=quadrature["peer_seconds"].max(),
    quadrature_least=1 / quadrature["ratio"].max(), quadrature_most=1 / quadrature["ratio"].min(),
    quadrature_apart=quadrature["difference"].max(), with_target=len(judged),
    reached=(judged["ratio"] <= judged["target"]).sum(),
)

# %% tags=["hide-input"]
glue(
    machine=rows["machine"].iloc[-1], first_date=rows["date"].min()[:10],
    date=rows["date"].max()[:10], torch=rows["torch"].iloc[-1],
    step_gflops=grown.attrs["step_gflops"], matrix_gflops=grown.attrs["matrix_gflops"],
    copy_gbytes=grown.attrs["copy_gbytes"],
)

# %% tags=["hide-input"]
ratio = every.set_index(["benchmark", "case", "threads"])["ratio"].sort_index()
network, alone = "784-256x8-10", ": its matrix products alone"
whole, floor = ratio["tracking", network], ratio["tracking", network + alone]
glue(
    tracking_1=whole.iloc[0], tracking_2=whole.iloc[-1], products_1=floor.iloc[0],
    products_2=floor.iloc[-1],
)

# %% tags=["hide-input"]
floor = ratio["torch_ntk", "traced, N = 100" + alone]
target = every.groupby("benchmark")["target"].max()
glue(
    floor_1=floor.iloc[0], floor_2=floor.iloc[-1], tracking_target=target["tracking"],
    jacobian_target=target["torch_ntk"],
)

# %% tags=["hide-input"]
peaks = memory.groupby("how")["bytes"].max()  # in MB
passes = beside.drop(["matrix products", "the rest"]).sum()
needed = published("benchmark_needed", command="make bench").set_index("activation")["ratio"]
glue(
    memory_ours=peaks["ours"], memory_theirs=peaks["torch.func"] / 1e3,
    kernel_share=grown.attrs["kernel_share"],
    kernel_products=spent.loc["matrix products", "traced tangent kernel"],
    unequal_products=spent.loc["matrix products", "infinite width, unequal norms"],
    silu_share=passes["SiLU"], gumbel_share=passes["GumbelLU"], guderman_share=passes["GudermanLU"],
    compiled_double=needed["2 x, compiled"],
)

# %% tags=["hide-input"]
tangent = kernels[kernels["benchmark"] == "neural_tangents"]
assert step.max() < 4 / 3 and tangent["ratio"].max() < 0.5 and closed["ratio"].max() < 1.25
assert tangent["difference"].max() < 1e-5 and closed["difference"].max() < 1e-6
