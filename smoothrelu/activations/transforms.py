"""What torch is doing when an activation is called, and how the activations save memory for
backward. The only file of this room that uses private names of torch; where one of them is missing,
`under_transform` is always true, and the plain compositions run, which are right but slower.
"""

import torch
from torch import Tensor
from torch.autograd import forward_ad

_functorch = getattr(torch._C, "_functorch", None)
_PRIVATE_NAMES = (
    (forward_ad, "_current_level"),
    (torch._C, "_are_functorch_transforms_active"),
    (_functorch, "is_batchedtensor"),
    (_functorch, "is_legacy_batchedtensor"),
)
_NAMES_EXIST = all(hasattr(module, name) for module, name in _PRIVATE_NAMES)


def under_transform() -> bool:
    """Whether torch.compile, forward-mode differentiation or a torch.func transform is running."""
    return (
        torch.compiler.is_compiling()
        or not _NAMES_EXIST
        or forward_ad._current_level >= 0
        or torch._C._are_functorch_transforms_active()
    )


def is_batched(grad: Tensor) -> bool:
    """Whether the gradient is a batch of gradients, of vmap or of is_grads_batched."""
    return _functorch.is_batchedtensor(grad) or _functorch.is_legacy_batchedtensor(grad)


def widened(x: Tensor) -> Tensor:
    """x in at least single precision."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


class SavesOnlyInputs(torch.autograd.Function):
    """module.closed_form(*inputs), whose gradients are module.gradients(grad, *inputs, needed):
    keeps the inputs for backward and nothing else.

    It has no `jvp` on purpose: nested forward mode through a Function is silently wrong
    (pytorch/pytorch#197867), so under forward mode, torch.func and torch.compile the callers run
    a plain composition.
    """

    @staticmethod
    def forward(ctx, module, *inputs):
        ctx.module = module
        ctx.save_for_backward(*inputs)
        return module.closed_form(*inputs)

    @staticmethod
    def backward(ctx, grad):
        needed = ctx.needs_input_grad[1:]
        return None, *ctx.module.gradients(grad, *ctx.saved_tensors, needed=needed)
