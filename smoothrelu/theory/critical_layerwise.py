r"""Critical initialisation where every layer has its own temperature, as where it is learned."""

from collections.abc import Sequence

from smoothrelu.activations.smooth_relu import SmoothReLU, plain_temperature
from smoothrelu.theory.critical import criticality


def critical_layers(activations: Sequence[SmoothReLU]) -> list[tuple[float, float]]:
    r"""The critical (C_W, C_b) of each of the L linear layers around L - 1 activations of one kind,
    at temperatures T_1, ..., T_{L-1}.

    With the critical C_W, C_b of the kind at T = 1, and T_0 := T_1, T_L := T_{L-1},

        C_W(l) = C_W (T_l/T_{l-1})^2,    C_b(l) = C_b T_l^2.

    Why: phi_T(z) = T phi_1(z/T), so z(l)/T_l are the preactivations of a network at T = 1 with the
    weights (T_{l-1}/T_l) W(l) and the biases b(l)/T_l, and that network is critical. The kernel
    K_star T_l^2 of layer l then goes into that of layer l + 1, and chi_parallel and chi_perp of the
    step, both (T_{l+1}/T_l)^2, multiply over depth to the ratio at its two ends: they do not grow.
    To ask for chi_perp = chi_parallel = 1 at every step instead would fix C_W(l) = C_W, and with it
    C_b(l) = T_l^2 K_star - T_{l-1}^2 (K_star - C_b), which is negative, hence impossible, where T
    falls below sqrt(1 - C_b/K_star) of its value from one layer to the next.
    Source: this project. Equal temperatures are the case of PDLT, section 5.3, and of
    `critical_init_`. Accuracy: that of `criticality`.
    Raises ValueError for no activations and for activations of different kinds; NoCriticality.
    """
    kinds = sorted({type(a).__name__ for a in activations})
    if len(kinds) != 1 or not all(isinstance(a, SmoothReLU) for a in activations):
        raise ValueError(
            "critical_layers takes one or more smooth ReLUs of one kind, such as "
            f"[GELU(0.5), GELU(0.4)], got {', '.join(kinds) or 'none'}"
        )
    inner = [plain_temperature(a.temperature) for a in activations]
    after = [inner[0], *inner, inner[-1]]
    unit = criticality(type(activations[0])())
    return [
        (unit.C_W * (here / before) ** 2, unit.C_b * here**2)
        for before, here in zip(after, after[1:], strict=False)
    ]
