"""Stochastic gradient descent of any network on images: what the chapters on lambda-GELU and SUGAR
train with.
"""

import copy
import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from smoothrelu.activations.hardening import Hardening
from smoothrelu.training.full_batch import Keeper, Observer, loss_and_accuracy

Splits = dict[str, tuple[Tensor, Tensor]]
"""Images (N, channels, height, width) and labels (N,) of "train", "valid" and "test"."""

_AT_ONCE = 500  # images evaluated at a time


def constant(progress: float) -> float:
    """A learning rate that stays."""
    return 1.0


def cosine(progress: float) -> float:
    """A learning rate that falls to zero along half a cosine."""
    return 0.5 * (1 + math.cos(math.pi * progress))


def minibatch_descent(
    model: nn.Module,
    splits: Splits,
    optimizer: Optimizer,
    *,
    epochs: int,
    batch_size: int,
    seed: int,
    schedule: Callable[[float], float] = cosine,
    hardening: Hardening | None = None,
    observers: Sequence[Observer] = (),
    keeper: Keeper | None = None,
) -> tuple[list[dict], bool]:
    """Train in place on splits["train"]; one record an epoch, the first before any step, and
    whether the loss stopped being finite.

    seed: of the order of the images; torch's own generator is seeded with it too, at each epoch.
    schedule: the factor of the optimizer's learning rates as a function of the part of training
    that is over. hardening: takes a step after each of the optimizer's.
    observers: functions (epoch, model) -> dict, called after every epoch.
    keeper: saves the training state after an epoch; if it holds one, training resumes from it,
    bitwise identically.
    A record: "epoch", "train_loss" (not in the first), loss and accuracy of "valid" and "test", and
    what the observers saw.
    """
    for group in optimizer.param_groups:
        group["initial_lr"] = group["lr"]
    kept = keeper.load() if keeper else None
    records = _resume(kept, model, optimizer, hardening) if kept else []
    x, y = splits["train"]
    for epoch in range(len(records), epochs + 1):
        record = {"epoch": epoch}
        if epoch:
            epoch_seed = seed * 1_000_003 + epoch
            torch.manual_seed(epoch_seed)
            order = torch.randperm(len(x), generator=torch.Generator().manual_seed(epoch_seed))
            batches = order.to(x.device).split(batch_size)
            over = [(epoch - 1 + index / len(batches)) / epochs for index in range(len(batches))]
            factors = [schedule(progress) for progress in over]
            record["train_loss"] = _epoch(model, x, y, batches, optimizer, factors, hardening)
            if not math.isfinite(record["train_loss"]):
                return records, True
        records.append(record | evaluation(model, splits) | _observed(observers, epoch, model))
        if keeper and keeper.due():
            keeper.save(_state(records, model, optimizer, hardening))
    return records, False


def _epoch(model, x, y, batches, optimizer: Optimizer, factors: list[float], hardening) -> float:
    """A step on each batch, at its factor of the learning rates; the mean loss of the steps."""
    total = torch.zeros((), device=x.device)
    model.train()
    for batch, factor in zip(batches, factors, strict=True):
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x[batch]), y[batch])
        loss.backward()
        optimizer.step()
        if hardening:
            hardening.step()
        total += loss.detach() * (len(batch) / len(x))
    return total.item()


def evaluation(model: nn.Module, splits: dict) -> dict:
    """The losses and accuracies of validation and test."""
    model.eval()
    seen = {}
    for split in ("valid", "test"):
        x, y = splits[split]
        if len(x):
            loss, accuracy = loss_and_accuracy(model, x, y, at_once=_AT_ONCE)
            seen |= {f"{split}_loss": loss.item(), f"{split}_acc": accuracy.item()}
    return seen


def _observed(observers: Sequence[Observer], epoch: int, model: nn.Module) -> dict:
    with torch.no_grad():
        return {
            name: value for observe in observers for name, value in observe(epoch, model).items()
        }


def _state(records: list[dict], model, optimizer: Optimizer, hardening) -> dict:
    """All that decides how the training goes on."""
    return {
        "records": records,
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "hardening": hardening.state_dict() if hardening else None,
    }


def _resume(kept: dict, model: nn.Module, optimizer: Optimizer, hardening) -> list[dict]:
    """Put the state back; the records it has."""
    model.load_state_dict(kept["model"])
    optimizer.load_state_dict(copy.deepcopy(kept["optimizer"]))
    if hardening:
        hardening.load_state_dict(kept["hardening"])
    return kept["records"]
