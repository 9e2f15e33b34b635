r"""Preactivations that change sign during training: where a ReLU network's tangent kernel jumps.

A preactivation that crosses zero once flips once. One that is pushed towards zero from both sides
cannot rest there in a ReLU network, whose gradient jumps: it flips to and fro at every step (a
sliding mode, in Filippov's sense), however small the step.
"""

import torch
from torch import Tensor, nn

from smoothrelu.networks.layerwise import preactivations


class SignFlips:
    """Observer of the hidden preactivations on fixed inputs x (N, n_in).

    Each call records, counted over all hidden units and inputs:
        sign_flips     that changed sign since the call before          from the second call on
        sign_returns   of those, the ones that had changed at the call before as well: back to
                       where they were                                  from the third call on
    Step 0 begins anew.
    """

    def __init__(self, x: Tensor):
        self.x = x
        self._positive: Tensor | None = None
        self._flipped: Tensor | None = None

    def __call__(self, step: int, model: nn.Module) -> dict[str, Tensor]:
        hidden = preactivations(model, self.x)[:-1]
        positive = torch.cat([z.flatten(1) for z in hidden], 1) > 0
        if step == 0:
            self._positive = self._flipped = None
        seen = {}
        flipped = None if self._positive is None else positive != self._positive
        if flipped is not None:
            seen["sign_flips"] = flipped.sum()
        if self._flipped is not None:
            seen["sign_returns"] = (flipped & self._flipped).sum()
        self._positive, self._flipped = positive, flipped
        return seen
