r"""What the eigenvalues of a kernel matrix say: condition number, effective rank, and the spectrum
of a kernel on the circle.

Full-batch gradient descent with a fixed kernel Theta learns the eigenvector of eigenvalue lambda
at the rate lr * lambda, and lr is bounded by 2/lambda_max: the slowest mode needs a number of
steps of the order of the condition number.
"""

import math

import torch
from torch import Tensor

_EPS = torch.finfo(torch.float64).eps
_ASYMMETRY = 1e-6  # of the largest entry: what float32 kernels have, and no mistake


def kernel_eigenvalues(kernel: Tensor) -> Tensor:
    """The eigenvalues of a kernel matrix, largest first; float64, (N,).

    kernel (N, N): symmetric up to rounding; its symmetric part is taken.
    Accuracy: each to N eps lambda_max, eps = 2.2e-16, so a small eigenvalue has few digits.
    Raises ValueError for a matrix that is not square, not finite or not symmetric.
    """
    if kernel.ndim != 2 or kernel.shape[0] != kernel.shape[1] or len(kernel) == 0:
        raise ValueError(
            f"a kernel matrix has shape (N, N), got {tuple(kernel.shape)}; "
            "take the kernel of one set of inputs against itself"
        )
    kernel = kernel.detach().double()
    if not kernel.isfinite().all():
        raise ValueError(f"the kernel has {(~kernel.isfinite()).sum()} entries that are not finite")
    gap = (kernel - kernel.T).abs().max().item()
    if gap > _ASYMMETRY * kernel.abs().max().item():
        raise ValueError(
            f"a kernel is symmetric, but entries differ from their mirror by {gap:.3g}"
        )
    return torch.linalg.eigvalsh((kernel + kernel.T) / 2).flip(0)


def condition_number(kernel: Tensor) -> float:
    r"""lambda_max / lambda_min of a kernel matrix, at least 1.

    Accuracy: relative N eps times itself, for a kernel whose entries are exact. Infinite where
    lambda_min is not above N eps lambda_max, that is, where float64 does not tell it from 0. For
    entries known to a relative r, read r in the place of eps. Errors: `kernel_eigenvalues`.
    """
    eigenvalues = kernel_eigenvalues(kernel)
    largest, smallest = eigenvalues[0].item(), eigenvalues[-1].item()
    resolved = smallest > len(eigenvalues) * _EPS * largest
    return largest / smallest if resolved else math.inf


def effective_rank(kernel: Tensor) -> float:
    r"""(sum lambda)^2 / sum lambda^2 = (tr Theta)^2 / tr Theta^2, between 1 and N.

    N for a multiple of the identity, 1 for a matrix of rank one. Also called participation ratio.
    Accuracy: relative N eps. Errors: `kernel_eigenvalues`.
    """
    eigenvalues = kernel_eigenvalues(kernel)
    return (eigenvalues.sum().square() / eigenvalues.square().sum()).item()


def circle_spectrum(profile: Tensor) -> Tensor:
    r"""The eigenvalues c_k of a kernel on the circle, by frequency k = 0, ..., M/2; float64.

        c_k = (1/M) sum_j profile_j cos(2 pi j k/M)  ->  (1/2 pi) int kernel(t) cos(kt) dt.

    profile (M,): the kernel between one point and M equally spaced ones, itself first; M even.
    M c_k are the eigenvalues of the circulant kernel matrix of the M points, twice for 0 < k < M/2.
    Accuracy: eps max|profile|; against the integral, c_(M-k) + c_(M+k) + ... is added to c_k.
    Raises ValueError for a profile that is not finite, of odd length, or not even in the angle.
    """
    if profile.ndim != 1 or len(profile) < 2 or len(profile) % 2:
        raise ValueError(f"a profile has shape (M,) with M even, got {tuple(profile.shape)}")
    profile = profile.detach().double()
    if not profile.isfinite().all():
        raise ValueError("the profile has entries that are not finite")
    gap = (profile[1:] - profile[1:].flip(0)).abs().max().item()
    if gap > _ASYMMETRY * profile.abs().max().item():
        raise ValueError(
            f"a kernel on the circle depends on the angle's size alone, but profile[j] and "
            f"profile[M-j] differ by {gap:.3g}; the points must start at the first and be "
            "equally spaced over the whole turn"
        )
    return torch.fft.rfft(profile).real / len(profile)
