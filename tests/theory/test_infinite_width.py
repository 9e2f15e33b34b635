"""Infinite-width kernels against closed forms, against the flow, and against real networks."""

import math

import mpmath
import pytest
import torch

from smoothrelu import (
    GELU,
    MLP,
    SMOOTH_RELUS,
    SWISH,
    AlgebraicLU,
    GudermanLU,
    GumbelLU,
    criticality,
    gaussian_pair_mean,
    kernel_flow,
)
from smoothrelu.theory.infinite_width.interpolation import whole_network
from smoothrelu.theory.infinite_width.kernels import infinite_width_kernels


def inputs(count, width, seed=0, equal=False):
    x = torch.randn(count, width, generator=torch.Generator().manual_seed(seed)).double()
    return x * math.sqrt(width) / x.norm(dim=1, keepdim=True) if equal else x


def arc_cosine(K, q1, q2):
    """<phi phi> and <phi' phi'> of ReLU (Cho & Saul 2009)."""
    size = (q1 * q2).sqrt()
    rho = (K / size).clamp(-1, 1)
    theta = torch.where(rho > 1 - 1e-14, 0, rho.acos())
    E = size * (theta.sin() + (math.pi - theta) * theta.cos()) / (2 * math.pi)
    return E, (math.pi - theta) / (2 * math.pi)


def gelu_closed_form(K, q1, q2):
    """<phi phi> and <phi' phi'> of x Phi(x), by Gaussian integration by parts (cf. Tsuchida et al.,
    arXiv:2002.08517).
    """
    a, b = 1 + q1, 1 + q2
    S = (a * b - K * K).sqrt()
    P = 0.25 + torch.atan2(K, S) / (2 * math.pi)
    Q = 1 / (2 * math.pi * S)
    E = K * P + Q * (q1 * q2 - K * K + K * K * (1 / a + 1 / b))
    return E, P + K * Q * (1 / a + 1 / b) + Q * K / S**2


def recursion(closed_form, x, depth, C_W, C_b, lambda_W=1.0, lambda_b=1.0):
    gram = x @ x.T / x.shape[1]
    K, ntk = C_b + C_W * gram, lambda_b + lambda_W * gram
    for _ in range(depth - 1):
        E, derivative = closed_form(K, K.diag()[:, None], K.diag()[None, :])
        K, ntk = C_b + C_W * E, lambda_b + lambda_W * E + C_W * derivative * ntk
    return K, ntk


def error(got, exact):
    diagonal = exact.diag().sqrt()
    return ((got - exact) / diagonal / diagonal[:, None]).abs().max().item()


@pytest.mark.parametrize("equal", [True, False], ids=["equal norms", "any norms"])
@pytest.mark.parametrize("T", [10.0, 1.0, 0.1, 0.01])
def test_the_kernels_of_gelu_equal_their_closed_form_at_any_temperature(T, equal):
    x = inputs(12, 5, equal=equal)
    c = criticality(GELU(T))

    def scaled(K, q1, q2):
        E, derivative = gelu_closed_form(K / T**2, q1 / T**2, q2 / T**2)
        return T**2 * E, derivative

    depth = 20 if equal and T >= 1 else 3
    exact = recursion(scaled, x, depth, c.C_W, c.C_b, 0.7, 0.3)
    nngp, ntk = infinite_width_kernels(
        x, activation=GELU(T), depth=depth, C_W=c.C_W, C_b=c.C_b, lambda_W=0.7, lambda_b=0.3
    )
    assert error(nngp, exact[0]) < 1e-11
    assert error(ntk, exact[1]) < 1e-10


@pytest.mark.slow
def test_the_kernels_of_relu_come_out_of_the_quadrature_as_the_arc_cosine_kernels():
    x = inputs(8, 5, equal=True)
    exact = recursion(arc_cosine, x, 3, 2.0, 0.1)
    nngp, ntk = infinite_width_kernels(x, activation=torch.relu, depth=3, C_W=2.0, C_b=0.1)
    assert error(nngp, exact[0]) < 1e-11
    assert error(ntk, exact[1]) < 1e-10


def erf_closed_form(K, q1, q2):
    """<erf erf> and <erf' erf'> (Williams 1997)."""
    a, b = 1 + 2 * q1, 1 + 2 * q2
    derivative = 4 / (math.pi * (a * b - 4 * K * K).sqrt())
    return 2 / math.pi * (2 * K / (a * b).sqrt()).asin(), derivative


@pytest.mark.parametrize("equal", [True, False], ids=["equal norms", "any norms"])
def test_the_kernels_of_erf_equal_their_closed_form(equal):
    x = inputs(8, 5, equal=equal)
    exact = recursion(erf_closed_form, x, 6, 2.0, 0.1)
    nngp, ntk = infinite_width_kernels(x, activation=torch.erf, depth=6, C_W=2.0, C_b=0.1)
    assert error(nngp, exact[0]) < 1e-11
    assert error(ntk, exact[1]) < 1e-10


def with_awkward_pairs(x):
    """Opposite inputs, equal ones, nearly equal ones, and the same direction at other norms."""
    return torch.cat([x, -x[:1], x[:1], x[:1] + 1e-9 * x[1:2], 2 * x[:1], 1.001 * x[:1]])


def exact_gelu(x, T, depth, C_W, C_b, lambda_W, lambda_b):
    """The recursion of `gelu_closed_form` with 50 digits."""
    x = [[mpmath.mpf(v) for v in row] for row in x.tolist()]
    C_W, C_b, lambda_W, lambda_b, area = map(mpmath.mpf, (C_W, C_b, lambda_W, lambda_b, T * T))
    area = mpmath.mpf(T) ** 2
    gram = [[mpmath.fdot(a, b) / len(a) for b in x] for a in x]
    K = [[C_b + C_W * g for g in row] for row in gram]
    ntk = [[lambda_b + lambda_W * g for g in row] for row in gram]
    for _ in range(depth - 1):
        q = [K[i][i] / area for i in range(len(x))]
        for i, a in enumerate(q):
            for j, b in enumerate(q[: i + 1]):
                k, inverse = K[i][j] / area, 1 / (1 + a) + 1 / (1 + b)
                root = mpmath.sqrt((1 + a) * (1 + b) - k * k)
                P = mpmath.mpf(1) / 4 + mpmath.atan2(k, root) / (2 * mpmath.pi)
                Q = 1 / (2 * mpmath.pi * root)
                E = area * (k * P + Q * (a * b - k * k + k * k * inverse))
                slopes = P + k * Q * inverse + Q * k / root**2
                K[i][j] = K[j][i] = C_b + C_W * E
                ntk[i][j] = ntk[j][i] = lambda_b + lambda_W * E + C_W * slopes * ntk[i][j]
    return [torch.tensor([[float(v) for v in r] for r in m], dtype=torch.float64) for m in (K, ntk)]


@pytest.mark.parametrize("C_b", [0.0, 0.1])
@pytest.mark.parametrize("T", [1e3, 1.0, 1e-2, 1e-3, 1e-5, 1e-8])
def test_the_kernels_are_right_at_any_temperature_for_equal_opposite_and_parallel_inputs(T, C_b):
    x = with_awkward_pairs(inputs(3, 5))
    with mpmath.workdps(50):
        exact = exact_gelu(x, T, 6, 2.0, C_b, 0.7, 0.3)
    nngp, ntk = infinite_width_kernels(
        x, activation=GELU(T), depth=6, C_W=2.0, C_b=C_b, lambda_W=0.7, lambda_b=0.3
    )
    assert error(nngp, exact[0]) < 1e-11
    assert error(ntk, exact[1]) < 1e-10


@pytest.mark.parametrize("equal", [True, False], ids=["equal norms", "any norms"])
@pytest.mark.parametrize("T", [1.0, 0.1, 1e-3, 1e-5])
@pytest.mark.parametrize("kind", SMOOTH_RELUS)
def test_one_layer_is_the_pair_mean_of_its_activation(kind, T, equal):
    x, phi = inputs(5, 4, equal=equal), kind(T)
    gram = x @ x.T / 4
    K = 0.1 + 1.5 * gram
    q = K.diag()
    angle = (K / (q * q[:, None]).sqrt()).clamp(-1, 1).acos().fill_diagonal_(0)
    E, slopes = (
        gaussian_pair_mean(f, q[:, None], q, angle, scale=T) for f in (phi, phi.derivative)
    )
    nngp, ntk = infinite_width_kernels(x, activation=phi, depth=2, C_W=1.5, C_b=0.1)
    assert error(nngp, 0.1 + 1.5 * E) < 1e-11
    assert error(ntk, 1 + E + 1.5 * slopes * (1 + gram)) < 1e-10


def test_variances_that_run_over_many_decades_take_several_tables():
    x = inputs(6, 5)
    for C_W in (0.2, 20.0):
        exact = recursion(gelu_closed_form, x, 12, C_W, 0.0)
        nngp, ntk = infinite_width_kernels(x, activation=GELU(), depth=12, C_W=C_W, C_b=0.0)
        assert error(nngp, exact[0]) < 1e-10
        assert error(ntk, exact[1]) < 1e-10


# --- differentiable in the temperature


def stacked(x, T, kind=SWISH, C_b=0.1, lambda_b=1.0):
    return torch.stack(
        infinite_width_kernels(x, activation=kind(T), depth=4, C_W=1.9, C_b=C_b, lambda_b=lambda_b)
    )


def slope(f, h):
    """f'(0) by central differences of sixth order."""
    differences = [f(k * h) - f(-k * h) for k in (1, 2, 3)]
    return (45 * differences[0] - 9 * differences[1] + differences[2]) / (60 * h)


@pytest.mark.parametrize("equal", [True, False], ids=["equal norms", "any norms"])
@pytest.mark.parametrize("T", [1.0, 1e-2, 1e-5])
@pytest.mark.parametrize("kind", [SWISH, GumbelLU])
def test_forward_and_reverse_mode_give_the_derivative_in_the_temperature(kind, T, equal):
    x = with_awkward_pairs(inputs(3, 5, equal=equal))
    temperature = torch.tensor(T, dtype=torch.float64, requires_grad=True)
    value = stacked(x, temperature, kind)
    plain = stacked(x, T, kind)
    torch.testing.assert_close(value.detach(), plain, rtol=1e-12, atol=1e-13)
    weights = torch.randn(value.shape, generator=torch.Generator().manual_seed(1)).double()
    (reverse,) = torch.autograd.grad((weights * value).sum(), temperature)
    one = torch.ones((), dtype=torch.float64)
    _, forward = torch.func.jvp(lambda t: stacked(x, t, kind), (temperature.detach(),), (one,))
    assert reverse.item() == pytest.approx((weights * forward).sum().item(), rel=1e-10)
    differences = slope(lambda s: stacked(x, T * math.exp(s), kind), 0.02)
    noise = 1e-11 * plain.abs().max().item()
    torch.testing.assert_close(T * forward, differences, rtol=1e-7, atol=noise)


def test_the_derivative_in_the_temperature_obeys_the_scaling_of_inputs_and_biases():
    """K_T(x; C_b, lambda_b) = s^2 K_(T/s)(x/s; C_b/s^2, lambda_b/s^2) for any s: at s = 1,
    T dK/dT = 2K + d/ds of the inputs and biases alone.
    """
    x, T = inputs(4, 5), 0.3
    one = torch.ones((), dtype=torch.float64)
    K, forward = torch.func.jvp(lambda t: stacked(x, t), (T * one,), (one,))
    scaled = slope(
        lambda s: stacked(x / (1 + s), T, C_b=0.1 / (1 + s) ** 2, lambda_b=1 / (1 + s) ** 2), 0.003
    )
    torch.testing.assert_close(T * forward, 2 * K + scaled, rtol=1e-9, atol=1e-10)


def test_the_derivative_is_right_where_one_table_serves_layers_that_stand_still():
    c = criticality(SWISH())
    x = inputs(4, 5, equal=True) * math.sqrt((c.K_star - c.C_b) / c.C_W)
    options = dict(depth=5, C_W=c.C_W, C_b=c.C_b)

    def kernels(T):
        return torch.stack(infinite_width_kernels(x, activation=SWISH(T), **options))

    one = torch.ones((), dtype=torch.float64)
    _, forward = torch.func.jvp(kernels, (one,), (one,))
    torch.testing.assert_close(forward, slope(lambda s: kernels(1 + s), 0.01), rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("kind", [SWISH, GumbelLU, GudermanLU, AlgebraicLU])
def test_the_diagonal_is_the_kernel_flow_and_the_matrix_symmetric(kind):
    x = inputs(7, 4)
    nngp, ntk = infinite_width_kernels(x, activation=kind(0.5), depth=3, C_W=1.9, C_b=0.1)
    for i, first in enumerate(0.1 + 1.9 * x.square().mean(1)):
        last = kernel_flow(kind(0.5), first.item(), depth=3, C_W=1.9, C_b=0.1)[-1]
        assert nngp[i, i].item() == pytest.approx(last.item(), rel=1e-12)
    assert torch.equal(nngp, nngp.T) and torch.equal(ntk, ntk.T)
    assert torch.linalg.eigvalsh(nngp).min() > -1e-12 and torch.linalg.eigvalsh(ntk).min() > 0


def test_two_sets_of_inputs_give_a_block_of_the_kernel_of_their_union():
    x = inputs(9, 4)
    options = dict(activation=SWISH(0.5), depth=3, C_W=2.0, C_b=0.2)
    whole = infinite_width_kernels(x, **options)
    block = infinite_width_kernels(x[:4], x[4:], **options)
    for a, b in zip(whole, block, strict=True):
        torch.testing.assert_close(b, a[:4, 4:], rtol=1e-13, atol=0)


def test_temperature_rescales_the_inputs_and_the_kernel():
    x, T = inputs(6, 4), 0.2
    hot = infinite_width_kernels(
        x / T, activation=SWISH(), depth=3, C_W=2.0, C_b=0.1 / T**2, lambda_b=1 / T**2
    )
    cold = infinite_width_kernels(x, activation=SWISH(T), depth=3, C_W=2.0, C_b=0.1)
    for a, b in zip(cold, hot, strict=True):
        torch.testing.assert_close(a, T**2 * b, rtol=1e-11, atol=1e-12)


def test_equal_and_opposite_inputs_are_no_exception():
    x = inputs(2, 4, equal=True)
    x = torch.cat([x, -x, x])
    exact = recursion(gelu_closed_form, x, 3, 1.5, 0.0)
    nngp, ntk = infinite_width_kernels(x, activation=GELU(), depth=3, C_W=1.5, C_b=0.0)
    assert error(nngp, exact[0]) < 1e-12 and error(ntk, exact[1]) < 1e-12


def test_the_distance_of_nearly_equal_inputs_goes_by_chi_perp():
    from smoothrelu.theory.kernel_maps import chi_perp

    phi, c = SWISH(), criticality(SWISH())
    q, tiny = c.K_star, 1e-7
    scale = math.sqrt((q - c.C_b) / c.C_W * 2)
    x = scale * torch.tensor([[1.0, 0.0], [math.cos(tiny), math.sin(tiny)]]).double()
    nngp, ntk = infinite_width_kernels(x, activation=phi, depth=10, C_W=c.C_W, C_b=c.C_b)
    assert chi_perp(phi, q, C_W=c.C_W) == pytest.approx(1, rel=1e-9)
    gap = nngp[0, 0] + nngp[1, 1] - 2 * nngp[0, 1]
    assert abs(gap.item()) < 1e-14 * q * 40
    assert ntk[0, 1].item() == pytest.approx(ntk[0, 0].item(), rel=1e-12)


def test_depth_one_is_the_linear_kernel():
    x = inputs(3, 4)
    nngp, ntk = infinite_width_kernels(x, activation=SWISH(), depth=1, C_W=2.0, C_b=0.5)
    torch.testing.assert_close(nngp, 0.5 + x @ x.T / 2, rtol=1e-13, atol=1e-14)
    torch.testing.assert_close(ntk, 1 + x @ x.T / 4, rtol=1e-13, atol=1e-14)


def network(width, seed, C_W, C_b, depth, fan_in):
    torch.manual_seed(seed)
    net = MLP(fan_in, 1, width=width, depth=depth, activation=SWISH(0.5)).double()
    with torch.no_grad():
        for layer in net.modules():
            if isinstance(layer, torch.nn.Linear):
                layer.weight.normal_(0, math.sqrt(C_W / layer.in_features))
                layer.bias.normal_(0, math.sqrt(C_b))
    return net


def test_networks_of_finite_width_have_the_nngp_as_covariance_of_their_outputs():
    x, draws = inputs(3, 4), 4000
    outputs = torch.stack(
        [network(100, s, 2.0, 0.1, 3, 4)(x).detach().squeeze(1) for s in range(draws)]
    )
    products = outputs[:, :, None] * outputs[:, None, :]
    nngp, _ = infinite_width_kernels(x, activation=SWISH(0.5), depth=3, C_W=2.0, C_b=0.1)
    noise = products.std(0) / math.sqrt(draws)
    assert (products.mean(0) - nngp).abs().div(noise).max() < 4.5


def test_a_network_of_finite_width_has_the_ntk_with_pdlt_learning_rates():
    x, draws = inputs(3, 4), 12
    kernels = []
    for seed in range(draws):
        net = network(500, seed, 2.0, 0.1, 3, 4)
        rows = []
        for i in range(len(x)):
            grads = torch.autograd.grad(net(x[i : i + 1]).sum(), list(net.parameters()))
            rows.append(
                torch.cat(
                    [
                        (g * math.sqrt(0.7 / g.shape[1] if g.ndim == 2 else 0.3)).flatten()
                        for g in grads
                    ]
                )
            )
        rows = torch.stack(rows)
        kernels.append(rows @ rows.T)
    kernels = torch.stack(kernels)
    _, ntk = infinite_width_kernels(
        x, activation=SWISH(0.5), depth=3, C_W=2.0, C_b=0.1, lambda_W=0.7, lambda_b=0.3
    )
    noise = kernels.std(0) / math.sqrt(draws) + 0.01 * ntk.abs()  # the mean is off by order 1/width
    assert (kernels.mean(0) - ntk).abs().div(noise).max() < 4.5


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (dict(depth=0), "depth counts the linear layers"),
        (dict(C_W=0.0), "C_W is the variance of the weights"),
        (dict(C_b=-1.0), "C_b must be finite and not negative"),
        (dict(x1=torch.ones(3)), "flatten images first"),
        (dict(x1=torch.tensor([[1.0], [float("nan")]])), r"row\(s\) 1"),
        (dict(x1=torch.zeros(2, 4), C_b=0.0), "are zero and C_b = 0"),
        (dict(x2=torch.ones(2, 3)), "differ in width"),
        (dict(depth=30, C_W=1e20), "leaves the range of float64"),
        (dict(activation=lambda z: z.log()), "gives nan, .* at z = "),
        (dict(activation=lambda z: z.softmax(-1)), "is not elementwise"),
        (dict(activation=torch.nn.Dropout(0.5)), "is not elementwise"),
        (dict(activation=lambda z: z.sum()), "to one of the same shape"),
        (dict(activation=torch.sign), "it jumps"),
        (dict(activation=torch.nn.functional.hardtanh), "bends sharply"),
    ],
)
def test_what_cannot_be_computed_is_refused_with_the_remedy(changed, message):
    good = dict(x1=torch.ones(2, 4), activation=SWISH(), depth=2, C_W=2.0, C_b=0.1)
    with pytest.raises(ValueError, match=message):
        infinite_width_kernels(**good | changed)


# --- one table for all the layers

CONSTANTS = dict(depth=12, C_W=1.9, C_b=0.1, lambda_W=0.7, lambda_b=0.3)


def wholes(monkeypatch):
    """What `whole_network` answers from now on."""
    answers = []

    def watched(*arguments):
        answers.append(whole_network(*arguments))
        return answers[-1]

    monkeypatch.setattr("smoothrelu.theory.infinite_width.kernels.whole_network", watched)
    return answers


def layer_by_layer(monkeypatch, *x, **options):
    with monkeypatch.context() as patch:
        patch.setattr("smoothrelu.theory.infinite_width.kernels.whole_network", lambda *_: None)
        return infinite_width_kernels(*x, **options)


@pytest.mark.parametrize("equal", [True, False], ids=["equal norms", "any norms"])
@pytest.mark.parametrize(
    "activation",
    [GELU(1.0), SWISH(1.0), GumbelLU(0.1), GudermanLU(1e-3), AlgebraicLU(1e-5), torch.nn.ReLU()],
    ids=repr,
)
def test_many_inputs_are_looked_up_in_one_table_as_exact_as_the_layers(
    monkeypatch, activation, equal
):
    answers, x, options = wholes(monkeypatch), inputs(500, 48, equal=equal), CONSTANTS
    for pair in ([x], [x[:250], x[250:]]):
        got = infinite_width_kernels(*pair, activation=activation, **options)
        exact = layer_by_layer(monkeypatch, *pair, activation=activation, **options)
        for kernel, known in zip(got, exact, strict=True):
            assert (kernel - known).abs().max() < 1e-12 * known.abs().max()
    assert len(answers) == 2 and all(answers)


def test_inputs_too_close_for_one_table_are_computed_layer_by_layer(monkeypatch):
    answers, x = wholes(monkeypatch), inputs(400, 48)
    x[1] = 1.001 * x[0]  # nearly the same direction, another norm: the corner of a cold network
    got = infinite_width_kernels(x, activation=SWISH(1e-5), **CONSTANTS)
    exact = layer_by_layer(monkeypatch, x, activation=SWISH(1e-5), **CONSTANTS)
    assert answers == [None]
    assert all(torch.equal(a, b) for a, b in zip(got, exact, strict=True))


def test_the_derivative_in_the_temperature_goes_through_the_table_of_the_whole_network(monkeypatch):
    answers, x = wholes(monkeypatch), inputs(300, 48)

    def kernels(T):
        return infinite_width_kernels(x, activation=SWISH(T), **CONSTANTS)

    def exact(T):
        return layer_by_layer(monkeypatch, x, activation=SWISH(T), **CONSTANTS)

    T = torch.tensor(0.5, dtype=torch.float64)
    tangents = torch.func.jvp(kernels, (T,), (torch.ones_like(T),))[1]
    known = torch.func.jvp(exact, (T,), (torch.ones_like(T),))[1]
    for tangent, right in zip(tangents, known, strict=True):
        torch.testing.assert_close(tangent, right, rtol=1e-9, atol=1e-9 * right.abs().max().item())
    T.requires_grad_()
    (slope,) = torch.autograd.grad(kernels(T)[1].sum(), T)
    torch.testing.assert_close(slope, known[1].sum(), rtol=1e-9, atol=0)
    assert all(answers)
