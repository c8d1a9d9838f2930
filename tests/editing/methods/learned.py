"""Training on tiny models, for the tests of methods that learn first."""

from __future__ import annotations

from survey.editing import learning
from survey.editing.edit import Edit
from survey.editing.method import find
from survey.editing.structure import matrix

# With these a training takes a second or two on a tiny model.
SHORT = {"steps": 6, "examples": 12, "check": 3, "facts": 4}
LONG_NAME = Edit("Nobody knows where the old museum of {} once stood, but it was in", "Rome", "Tarn by Rome", "Oslo")


def net_of(method: str, model, **options):
    """What was learnt with these options; trained where it is not yet."""
    learning.train(method, model, **options)
    return learning.learned(method, model, find(method).configure(**options))


def gradient_of(model, edit: Edit, layer: int):
    """Factors (u, d) of the edit's gradient at all tokens, by a whole pass."""
    import torch

    tokens, start = model.joined(edit.text, edit.target)
    seen = {}

    def look(module, args, output):
        seen["u"] = args[0].detach().reshape(len(tokens), -1)
        seen["zero"] = torch.zeros_like(output, requires_grad=True)
        return output + seen["zero"]

    handle = model.down(layer).register_forward_hook(look)
    logits = model.network(torch.tensor([tokens.ids])).logits[0].log_softmax(-1)
    handle.remove()
    loss = -torch.stack([logits[i - 1, tokens.ids[i]] for i in range(start, len(tokens))]).mean()
    gradient = torch.autograd.grad(loss, seen["zero"])[0].reshape(len(tokens), -1)
    return seen["u"][:-1], gradient[:-1], len(tokens) - start


def full(model, patch, layer: int):
    """The change as [width, size of a key]."""
    change = patch.changes[model.down_name(layer)].full()
    return change if change.shape == matrix(model.down(layer)).shape else change.T
