"""The empirical NTK is the contraction of the Jacobians, and its path tells smooth from jagged."""

import copy
import math
from functools import partial

import pytest
import torch
from torch import nn

from smoothrelu import (
    MLP,
    SWISH,
    GumbelLU,
    critical_init_,
    gradient_descent,
    he_init_,
    load_dataset,
)
from smoothrelu.networks.layer_factors import layer_factors
from smoothrelu.networks.ntk import empirical_ntk, jacobian_ntk
from smoothrelu.networks.ntk_path import (
    NTKTracker,
    alignment,
    quadratic_variation,
    second_difference_energy,
)


def inputs(n, *shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, *shape, generator=generator, dtype=torch.float64)


def mlp(n_out=3, activation=None, depth=4):
    net = MLP(6, n_out, width=8, depth=depth, activation=activation or SWISH(0.7))
    return he_init_(net, generator=torch.Generator().manual_seed(1)).double()


def frozen_first_layer():
    net = mlp()
    net.layers[0].requires_grad_(False)
    return net


def frozen_in_parts():
    net = mlp()
    net.layers[1].weight.requires_grad_(False)
    net.layers[2].bias.requires_grad_(False)
    return net


class _CubeInPlace(torch.autograd.Function):
    @staticmethod
    def forward(x):
        return x**3

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, grad):
        return (3 * ctx.saved_tensors[0] ** 2).mul_(grad)


class Cube(nn.Module):
    """Its backward works in place; forward-mode and torch.func see the plain composition."""

    def forward(self, x):
        if torch._C._functorch.peek_interpreter_stack() is not None:
            return x**3
        return _CubeInPlace.apply(x)


def sequential(*modules):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(*[m() for m in modules]).double()


def no_biases():
    return sequential(
        lambda: nn.Linear(6, 7, bias=False), nn.Tanh, lambda: nn.Linear(7, 3, bias=False)
    )


def in_place_activation():
    return sequential(
        lambda: nn.Linear(6, 7), lambda: nn.SiLU(inplace=True), lambda: nn.Linear(7, 3)
    )


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(6, 6), nn.Linear(6, 3)

    def forward(self, x):
        return self.b(x + torch.tanh(self.a(x)))


class Overwriting(Residual):
    def forward(self, x):
        x = x.clone()
        update = self.a(x).detach()
        return self.b(x.add_(update)) + self.a(x)[:, :3]


class UsesALayerTwice(Residual):
    def forward(self, x):
        return self.b(torch.tanh(self.a(torch.tanh(self.a(x)))))


class UsesAWeightOutsideItsLayer(Residual):
    def forward(self, x):
        return self.b(torch.tanh(self.a(x)) @ self.a.weight)


class Scaled(Residual):
    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(1.5))

    def forward(self, x):
        return self.gain * super().forward(x)


class ScaledLinear(nn.Linear):
    def forward(self, x):
        return 3 * super().forward(x)


class Shifted(Residual):
    def __init__(self):
        super().__init__()
        self.a.register_forward_hook(lambda module, args, output: output * 2)


class Tokens(Residual):
    def forward(self, x):
        return self.b(torch.tanh(self.a(torch.stack([x, x.sin()], dim=1)))).mean(1)


class UsesNoBias(Residual):
    def forward(self, x):
        return self.b(x)


class Functional(nn.Module):
    """Layers without nn.Linear; the second weight is (n_in, n_out)."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(6, 5).weight, nn.Linear(3, 5).weight
        self.bias = nn.Parameter(torch.randn(3))

    def forward(self, x):
        return torch.addmm(self.bias, torch.tanh(nn.functional.linear(x, self.a)), self.b)


class ScaledProduct(Functional):
    def forward(self, x):
        return torch.addmm(self.bias, torch.tanh(x @ self.a.T), self.b, alpha=2)


class OneBiasForAll(Functional):
    def __init__(self):
        super().__init__()
        self.bias = nn.Parameter(torch.randn(1))


def seeded(kind):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return kind().double()


def parametrized():
    model = seeded(Residual)
    nn.utils.parametrize.register_parametrization(model.a, "weight", nn.Tanh())
    return model


def shared_parameter():
    model = sequential(lambda: nn.Linear(6, 6), nn.Tanh, lambda: nn.Linear(6, 6))
    model[2].weight = model[0].weight
    return model


STRUCTURED = {
    "MLP": mlp,
    "one output": lambda: mlp(n_out=1),
    "linear model": lambda: mlp(depth=1),
    "ReLU": lambda: mlp(activation=nn.ReLU()),
    "GumbelLU": lambda: mlp(activation=GumbelLU(0.7)),
    "backward that cannot be batched": lambda: mlp(activation=Cube()),
    "frozen layer": frozen_first_layer,
    "frozen weight, frozen bias": frozen_in_parts,
    "without biases": no_biases,
    "in-place activation": in_place_activation,
    "residual": lambda: seeded(Residual),
    "hook on a layer": lambda: seeded(Shifted),
    "SiLU": lambda: mlp(activation=nn.SiLU()),
    "no modules": lambda: seeded(Functional),
    "mixes the units": lambda: mlp(activation=nn.Softmax(1)),
    "two functions in a row": lambda: mlp(activation=nn.Sequential(nn.Tanh(), nn.GELU())),
    "a function after the last layer": lambda: sequential(partial(nn.Linear, 6, 3), nn.Tanh),
}
OTHERS = {
    "scaled product": lambda: seeded(ScaledProduct),
    "one bias for all units": lambda: seeded(OneBiasForAll),
    "layer used twice": lambda: seeded(UsesALayerTwice),
    "weight used outside its layer": lambda: seeded(UsesAWeightOutsideItsLayer),
    "input overwritten": lambda: seeded(Overwriting),
    "parameter outside Linear layers": lambda: seeded(Scaled),
    "subclass of Linear": lambda: sequential(lambda: ScaledLinear(6, 3)),
    "three-dimensional inputs": lambda: seeded(Tokens),
    "a layer not used": lambda: seeded(UsesNoBias),
    "parametrized weight": parametrized,
    "shared parameter": shared_parameter,
}
MODELS = STRUCTURED | OTHERS


def explicit(model, x1, x2):
    """The definition, one output of one example at a time; (N1, N2, n_out, n_out)."""
    parameters = [p for p in model.parameters() if p.requires_grad]

    def rows(x):
        for example in x:
            for output in model(example[None])[0]:
                found = torch.autograd.grad(
                    output, parameters, retain_graph=True, materialize_grads=True
                )
                yield torch.cat([g.flatten() for g in found])

    one, two = (torch.stack(list(rows(x))) for x in (x1, x2))
    n_out = len(one) // len(x1)
    return (one @ two.T).view(len(x1), n_out, len(x2), n_out).transpose(1, 2)


def assert_close(actual, expected, tolerance=1e-12):
    assert actual.shape == expected.shape
    assert (actual - expected).norm() <= tolerance * expected.norm()


@pytest.mark.parametrize("name", MODELS)
def test_the_ntk_is_the_contraction_of_the_explicit_jacobians(name):
    model, x1, x2 = MODELS[name](), inputs(5, 6), inputs(4, 6, seed=1)
    assert_close(empirical_ntk(model, x1, x2, trace=False), explicit(model, x1, x2))
    assert_close(empirical_ntk(model, x1, trace=False), explicit(model, x1, x1))


@pytest.mark.parametrize("name", MODELS)
def test_the_trace_kernel_is_the_trace_over_outputs_of_the_full_one(name):
    model, x1, x2 = MODELS[name](), inputs(5, 6), inputs(4, 6, seed=1)
    for pair in ((x1,), (x1, x2)):
        full = empirical_ntk(model, *pair, trace=False)
        assert_close(empirical_ntk(model, *pair), full.diagonal(dim1=2, dim2=3).sum(-1))


@pytest.mark.parametrize("name", STRUCTURED)
def test_both_ways_of_computing_agree(name):
    model, x1, x2 = STRUCTURED[name](), inputs(5, 6), inputs(4, 6, seed=1)
    for trace in (True, False):
        assert_close(
            jacobian_ntk(model, x1, x2, trace=trace), empirical_ntk(model, x1, x2, trace=trace)
        )


@pytest.mark.parametrize("trace", [True, False])
def test_the_size_of_the_blocks_does_not_change_the_result(trace):
    model, x1, x2 = mlp(), inputs(7, 6), inputs(4, 6, seed=1)
    example = 3 * 8 * sum(p.numel() for p in model.parameters())
    for pair in ((x1,), (x1, x2)):
        expected = jacobian_ntk(model, *pair, trace=trace)
        for examples in (0, 1, 2, 3):
            got = jacobian_ntk(model, *pair, trace=trace, max_bytes=examples * example)
            assert_close(got, expected)


def test_a_convolutional_net_with_batch_norm_in_eval_mode_is_served():
    net = sequential(
        lambda: nn.Conv2d(2, 3, 3), lambda: nn.BatchNorm2d(3), nn.Tanh, nn.Flatten,
        lambda: nn.Linear(3 * 4 * 4, 2),
    ).eval()  # fmt: skip
    x1, x2 = inputs(3, 2, 6, 6), inputs(2, 2, 6, 6, seed=1)
    assert_close(empirical_ntk(net, x1, x2, trace=False), explicit(net, x1, x2))


def test_the_ntk_is_symmetric_and_positive_semidefinite():
    model, x = mlp(), inputs(12, 6)
    theta = empirical_ntk(model, x, trace=False).transpose(1, 2).reshape(36, 36)
    for kernel in (theta, empirical_ntk(model, x)):
        assert_close(kernel, kernel.T)
        values = torch.linalg.eigvalsh(kernel)
        assert values[0] >= -1e-13 * values[-1] and values[-1] > 0


def test_r_theta_r_is_the_squared_norm_of_the_gradient():
    model, x, y = mlp(), inputs(9, 6), torch.arange(9) % 3
    out = model(x)
    loss = nn.functional.cross_entropy(out, y)
    (r,) = torch.autograd.grad(loss, out, retain_graph=True)
    gradient = torch.autograd.grad(loss, list(model.parameters()))
    squared = sum(g.square().sum() for g in gradient)
    theta = empirical_ntk(model, x, trace=False)
    assert_close(torch.einsum("ni,nmij,mj->", r, theta, r), squared)


def test_float32_is_accurate_to_a_few_of_its_units():
    model, x = mlp(depth=8), inputs(20, 6)
    exact = empirical_ntk(model, x)
    single = empirical_ntk(model.float(), x.float())
    assert single.dtype == torch.float32
    assert_close(single.double(), exact, 2e-6)


@pytest.mark.parametrize("make", [mlp, MODELS["layer used twice"]], ids=["structured", "other"])
def test_the_model_is_left_as_it_was(make):
    model, x = make(), inputs(4, 6).requires_grad_()
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    before = [p.detach().clone() for p in model.parameters()]
    with torch.no_grad():  # as observers run
        theta = empirical_ntk(model, x)
        assert not torch.is_grad_enabled()
    assert not theta.requires_grad and x.grad is None
    for p, q in zip(model.parameters(), before, strict=True):
        assert torch.equal(p, q) and (p.grad == 1).all() and p.requires_grad
    assert not any(m._forward_hooks for m in model.modules())


@pytest.mark.parametrize(
    "model, remedy",
    [
        (nn.Sequential(nn.Linear(6, 4), nn.Dropout(0.1)), r"Dropout '1' .* model.eval\(\)"),
        (nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4)), r"BatchNorm1d '1' .* model.eval\(\)"),
        (
            nn.Sequential(nn.BatchNorm1d(6, track_running_stats=False), nn.Linear(6, 4)).eval(),
            "track_running_stats=True",
        ),
        (nn.Linear(6, 4).requires_grad_(False), r"requires_grad_\(True\)"),
        (nn.Sequential(nn.Linear(6, 1), nn.Flatten(0)), r"\(N, n_out\).*gave \(\d,\)"),
    ],
)
def test_a_model_whose_ntk_is_not_defined_is_refused_with_the_remedy(model, remedy):
    for ntk in (empirical_ntk, jacobian_ntk):
        with pytest.raises(ValueError, match=remedy):
            ntk(model, torch.ones(3, 6))


def test_dropout_is_welcome_once_it_is_off():
    model = sequential(lambda: nn.Linear(6, 4), lambda: nn.Dropout(0.5)).eval()
    x = inputs(3, 6)
    assert_close(empirical_ntk(model, x), 4 * (x @ x.T + 1))


def test_the_ntk_of_a_linear_model_does_not_move_in_training():
    model, x, y = mlp(depth=1), inputs(9, 6), torch.arange(9) % 3
    records = gradient_descent(model, x, y, lr=0.5, steps=5, observers=[NTKTracker(x)])
    assert all(r["ntk_distance"] == 0 for r in records)
    assert records[0]["ntk_trace"] == pytest.approx(3 * (x.square().sum() + 9).item(), rel=1e-12)


def test_a_step_of_size_eta_moves_the_outputs_by_minus_eta_theta_r_to_second_order():
    x, y = inputs(9, 6), torch.arange(9) % 3
    start = mlp()
    out = start(x)
    (r,) = torch.autograd.grad(nn.functional.cross_entropy(out, y), out)
    velocity = -torch.einsum("nmij,mj->ni", empirical_ntk(start, x, trace=False), r)
    etas, errors = [0.1 * 2.0**-k for k in range(6)], []
    for eta in etas:
        model = copy.deepcopy(start)
        gradient_descent(model, x, y, lr=eta, steps=1)
        errors.append((model(x) - out - eta * velocity).norm().item())
    assert errors[0] < 0.2 * etas[0] * velocity.norm()
    assert exponent(etas[2:], errors[2:]) == pytest.approx(2, abs=0.05)


def exponent(steps, values):
    """The slope of log(values) against log(steps), by least squares."""
    x, y = torch.tensor(steps).log(), torch.tensor(values).log()
    x, y = x - x.mean(), y - y.mean()
    return ((x * y).sum() / (x * x).sum()).item()


def test_the_path_statistics_of_hand_made_paths():
    one = torch.eye(2)
    still, jump = [one] * 4, [one, one, 3 * one, 3 * one]
    assert quadratic_variation(still) == second_difference_energy(still) == 0
    assert quadratic_variation(jump) == 8  # ||2 one||^2
    assert second_difference_energy(jump) == 16
    even = torch.arange(5.0)[:, None, None] * one
    assert quadratic_variation(even) == 8 and second_difference_energy(even) == 0


def test_a_smooth_path_has_exponents_one_and_three_and_a_jump_has_none():
    steps = [1 / n for n in (64, 128, 256, 512)]
    paths = [torch.linspace(0, 1, round(1 / h) + 1, dtype=torch.float64) for h in steps]
    smooth = [t.exp()[:, None, None] for t in paths]
    assert exponent(steps, [quadratic_variation(p) for p in smooth]) == pytest.approx(1, abs=0.02)
    energies = [second_difference_energy(p) for p in smooth]
    assert exponent(steps, energies) == pytest.approx(3, abs=0.05)
    jumps = [p + (t > 0.3)[:, None, None] for p, t in zip(smooth, paths, strict=True)]
    assert abs(exponent(steps, [quadratic_variation(p) for p in jumps])) < 0.1
    assert abs(exponent(steps, [second_difference_energy(p) for p in jumps])) < 0.1


def test_a_path_too_short_is_refused():
    with pytest.raises(ValueError, match="1 kernels and needs at least 2"):
        quadratic_variation([torch.eye(2)])
    with pytest.raises(ValueError, match="2 kernels and needs at least 3"):
        second_difference_energy([torch.eye(2)] * 2)


def test_the_tracker_records_what_the_whole_path_says():
    model, x, y = mlp(), inputs(9, 6), torch.arange(9) % 3
    path = []

    def keep(step, model):
        path.append(empirical_ntk(model, x))
        return {}

    tracker = NTKTracker(x, y)
    records = gradient_descent(model, x, y, lr=0.3, steps=6, observers=[tracker, keep])
    first = [r["ntk_first_difference"] for r in records[1:]]
    second = [r["ntk_second_difference"] for r in records[2:]]
    assert "ntk_first_difference" not in records[0] and "ntk_second_difference" not in records[1]
    assert sum(d**2 for d in first) == pytest.approx(quadratic_variation(path).item(), rel=1e-9)
    energy = second_difference_energy(path).item()
    assert sum(d**2 for d in second) == pytest.approx(energy, rel=1e-9)
    distance = (path[-1] - path[0]).norm() / path[0].norm()
    assert records[-1]["ntk_distance"] == pytest.approx(distance.item(), rel=1e-12) and distance > 0
    assert records[3]["ntk_trace"] == pytest.approx(path[3].trace().item(), rel=1e-12)
    assert records[6]["ntk_alignment"] == pytest.approx(alignment(path[6], y).item(), rel=1e-12)
    again = gradient_descent(model, x, y, lr=0.3, steps=1, observers=[tracker])
    assert again[0]["ntk_distance"] == 0 and "ntk_first_difference" not in again[0]


def test_alignment_is_one_for_the_labels_own_kernel_and_blind_to_scale_and_offset():
    y = torch.tensor([0, 1, 2, 1, 0, 2, 2])
    targets = nn.functional.one_hot(y).double()
    kernel = targets @ targets.T
    assert alignment(5 * kernel + 3, y) == pytest.approx(1, abs=1e-12)
    theta = empirical_ntk(mlp(), inputs(7, 6))
    assert alignment(theta, y) == pytest.approx(alignment(theta, targets).item(), abs=1e-12)
    centred = targets - targets.mean(0)
    centring = torch.eye(7, dtype=torch.float64) - 1 / 7
    expected = (theta * (centred @ centred.T)).sum() / (
        (centring @ theta @ centring).norm() * (centred @ centred.T).norm()
    )
    assert alignment(theta, y) == pytest.approx(expected.item(), abs=1e-12)


def test_alignment_refuses_labels_of_other_inputs():
    with pytest.raises(ValueError, match=r"6 labels .* \(6, 6\), got \(7, 7\)"):
        alignment(torch.eye(7), torch.zeros(6, dtype=torch.long))


def path_statistics(activation, eta, total_time=0.4, n=200):
    """Quadratic variation and second-difference energy along descent on MNIST, He/critical."""
    data = load_dataset("mnist", n, n)
    net = MLP(data.n_in, data.n_out, width=64, depth=4, activation=activation)
    critical_init_(net, generator=torch.Generator().manual_seed(0))
    steps = round(total_time / eta)
    observers = [NTKTracker(data.x_train)]
    records = gradient_descent(
        net, data.x_train, data.y_train, lr=eta, steps=steps, observers=observers
    )
    names = ("ntk_first_difference", "ntk_second_difference")
    return [math.fsum(r.get(name, 0.0) ** 2 for r in records) for name in names]


def exponents(activation):
    etas = [0.02, 0.01, 0.005, 0.0025]
    statistics = [path_statistics(activation, eta) for eta in etas]
    return [exponent(etas, values) for values in zip(*statistics, strict=True)]


def test_on_mnist_the_ntk_of_swish_moves_smoothly_and_that_of_relu_jumps():
    smooth, jagged = exponents(SWISH(1.0)), exponents(nn.ReLU())
    # measured 1.045 and 2.90 for SWISH at T = 1, 0.21 and -0.14 for ReLU
    assert smooth[0] == pytest.approx(1, abs=0.15) and smooth[1] == pytest.approx(3, abs=0.3)
    assert abs(jagged[0]) < 0.4 and abs(jagged[1]) < 0.4


def test_large_kernels_are_made_in_blocks_and_mirrored():
    net, x = mlp(activation=SWISH(0.5), n_out=3), inputs(230, 6)
    for trace in (True, False):
        theta = empirical_ntk(net, x, trace=trace)
        both = empirical_ntk(net, x, x.clone(), trace=trace)
        torch.testing.assert_close(theta, both, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(theta[:9, 200:], empirical_ntk(net, x[:9], x[200:], trace=trace))


def test_a_torch_whose_graph_has_other_names_takes_the_plain_path(monkeypatch):
    net, x = mlp(), inputs(5, 6)
    from_graph = empirical_ntk(net, x, trace=False)

    def renamed(node, out):
        raise AttributeError("_saved_mat1")

    monkeypatch.setattr("smoothrelu.networks.layer_factors._linear_call", renamed)
    assert layer_factors(net, x) is None
    torch.testing.assert_close(empirical_ntk(net, x, trace=False), from_graph, rtol=1e-12, atol=0)
