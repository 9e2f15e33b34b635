"""Spectra of kernels: against exact matrices, circulant matrices, and the laws of deep networks."""

import math

import pytest
import torch

from smoothrelu.theory.spectra import (
    circle_spectrum,
    condition_number,
    effective_rank,
    kernel_eigenvalues,
)

EPS = torch.finfo(torch.float64).eps


def with_eigenvalues(values, seed=0):
    values = torch.as_tensor(values, dtype=torch.float64)
    noise = torch.randn(len(values), len(values), generator=torch.Generator().manual_seed(seed))
    basis, _ = torch.linalg.qr(noise.double())
    kernel = basis * values @ basis.T
    return (kernel + kernel.T) / 2


def smooth_profile(size, r=0.9):
    """A Poisson kernel, whose c_k are r^k."""
    angle = torch.arange(size, dtype=torch.float64) * (2 * math.pi / size)
    return (1 - r * r) / (1 - 2 * r * angle.cos() + r * r)


def test_eigenvalues_are_found_to_the_promised_digits_largest_first():
    exact = torch.logspace(2, -8, 40, dtype=torch.float64)
    got = kernel_eigenvalues(with_eigenvalues(exact))
    assert (got - exact).abs().max().item() < 40 * EPS * 100


@pytest.mark.parametrize("digits", [0, 3, 6, 9])
def test_the_condition_number_has_the_promised_relative_error(digits):
    exact = 10.0**digits
    got = condition_number(with_eigenvalues(torch.logspace(0, digits, 30, dtype=torch.float64)))
    assert abs(got / exact - 1) < 30 * EPS * exact


def test_a_condition_number_that_float64_cannot_resolve_is_infinite():
    assert condition_number(torch.ones(5, 5)) == math.inf
    assert condition_number(with_eigenvalues([1.0, 1.0, 1e-17])) == math.inf
    assert condition_number(with_eigenvalues([1.0, 1e-12])) < 1.01e12


def test_the_condition_number_of_a_constant_plus_a_diagonal_is_known():
    N, r = 60, 1 / 3
    kernel = 5 * (r * torch.ones(N, N).double() + (1 - r) * torch.eye(N).double())
    assert condition_number(kernel) == pytest.approx(1 + N * r / (1 - r), rel=1e-13)
    assert effective_rank(kernel) == pytest.approx(N / (1 + (N - 1) * r * r), rel=1e-13)


def test_the_effective_rank_counts_equal_eigenvalues():
    assert effective_rank(3 * torch.eye(7)) == pytest.approx(7, rel=1e-13)
    assert effective_rank(torch.ones(7, 7)) == pytest.approx(1, rel=1e-13)
    assert effective_rank(with_eigenvalues([2.0, 2.0, 2.0, 0, 0])) == pytest.approx(3, rel=1e-13)


def test_the_spectrum_on_the_circle_is_that_of_the_circulant_matrix():
    M = 64
    profile = smooth_profile(M, r=0.5)
    index = (torch.arange(M)[:, None] - torch.arange(M)) % M
    c = M * circle_spectrum(profile)
    twice = torch.cat([c[:1], c[1:-1].repeat_interleave(2), c[-1:]]).sort(descending=True).values
    torch.testing.assert_close(kernel_eigenvalues(profile[index]), twice, rtol=0, atol=M * M * EPS)


def test_the_spectrum_on_the_circle_is_that_of_the_integral_up_to_aliasing():
    M, r = 1024, 0.9
    k = torch.arange(M // 2 + 1, dtype=torch.float64)
    error = circle_spectrum(smooth_profile(M, r)) - r**k
    assert error.abs().max().item() < 20 * EPS + 2 * r ** (M / 2)


@pytest.mark.parametrize(
    ("kernel", "message"),
    [
        (torch.ones(3), r"shape \(N, N\), got \(3,\)"),
        (torch.ones(2, 3), "of one set of inputs against itself"),
        (torch.tensor([[1.0, math.nan], [math.nan, 1.0]]), "2 entries that are not finite"),
        (torch.tensor([[1.0, 0.5], [0.4, 1.0]]), "differ from their mirror by 0.1"),
    ],
)
def test_what_is_no_kernel_matrix_is_refused(kernel, message):
    for function in (kernel_eigenvalues, condition_number, effective_rank):
        with pytest.raises(ValueError, match=message):
            function(kernel)


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        (torch.ones(3), "M even, got"),
        (torch.ones(2, 2), "M even, got"),
        (torch.full((4,), math.inf), "not finite"),
        (torch.arange(8.0), "equally spaced over the whole turn"),
    ],
)
def test_what_is_no_kernel_on_the_circle_is_refused(profile, message):
    with pytest.raises(ValueError, match=message):
        circle_spectrum(profile)
