"""Patch files: what is written is read again, and nothing else is."""

from __future__ import annotations

import importlib
import json
import os
import pickle
import random
import struct

import pytest
import torch
from safetensors.torch import save as to_bytes

from survey.editing.edit import Edit
from survey.editing.neurons import NeuronPatch
from survey.editing.patch import (
    FORMAT,
    Change,
    Patch,
    PatchError,
    WeightPatch,
    about,
    about_both,
    header,
    load,
    save,
)
from survey.errors import UserError
from tests.editing.tiny import fresh_model, same, snapshot, tiny_model

EDIT = Edit("{} is in", "São Tomé", "Oslo", "Rome")


def small(model, **more) -> WeightPatch:
    generator = torch.Generator().manual_seed(0)
    changes = {
        model.down_name(1): Change(torch.randn(32, 2, generator=generator), torch.randn(2, 64, generator=generator)),
        model.down_name(2): Change(dense=torch.randn(32, 64, generator=generator)),
        "model.norm.weight": Change(dense=torch.randn(32, generator=generator)),
    }
    return WeightPatch(about("rome", [EDIT], 7, {"layer": 1}), changes, {"keys": torch.randn(64, 3)}, **more)


@pytest.fixture
def model():
    return tiny_model("llama")


@pytest.fixture
def file(model, tmp_path):
    save(small(model), tmp_path / "a.patch", model)
    return tmp_path / "a.patch"


def parts(content: bytes) -> tuple[dict, bytes]:
    """The header of a safetensors file, and its tensors."""
    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def whole(head, tensors: bytes) -> bytes:
    text = head if isinstance(head, bytes) else json.dumps(head).encode()
    return struct.pack("<Q", len(text)) + text + tensors


def written(model, tensors, path, **changed):
    """A file with these tensors and a header that is right but for what is changed; None leaves out."""
    head = {
        "format": FORMAT, "kind": "weights", "about": json.dumps(about("rome", [EDIT], 7, {})),
        "fingerprint": model.fingerprint, "model": model.name,
    }  # fmt: skip
    head = {name: value for name, value in {**head, **changed}.items() if value is not None}
    path.write_bytes(to_bytes(tensors, head))
    return path


# Read again


def test_a_patch_is_read_as_it_was_written(model, file):
    patch, found = small(model), load(file, model)
    assert type(found) is WeightPatch
    assert found.about == patch.about
    assert found.edits == [EDIT]
    assert found.changes.keys() == patch.changes.keys()
    for name in ("left", "right"):
        assert torch.equal(*(getattr(p.changes[model.down_name(1)], name) for p in (patch, found)))
    assert torch.equal(found.changes[model.down_name(2)].dense, patch.changes[model.down_name(2)].dense)
    assert found.kept["keys"].shape == (64, 3)
    assert found.bytes == patch.bytes == 4 * (64 + 128 + 2048 + 32 + 192)


def test_the_header_is_text(model, file):
    head = header(file)
    assert head["format"] == FORMAT
    assert head["kind"] == "weights"
    assert head["model"] == "tiny-llama"
    assert head["fingerprint"] == model.fingerprint
    assert head["about"]["edits"] == [vars(EDIT)]
    assert "São Tomé" in json.loads(file.read_bytes()[8 : 8 + struct.unpack("<Q", file.read_bytes()[:8])[0]])[
        "__metadata__"
    ]["about"]  # fmt: skip


def test_what_is_no_number_is_kept_and_taken_off_again(tmp_path):
    """A patch may be broken by its method; it is shown as it is, and the model comes back."""
    model = fresh_model("llama")
    before = snapshot(model)
    broken = torch.full((32, 64), float("nan"))
    save(WeightPatch({}, {model.down_name(1): Change(dense=broken)}), tmp_path / "nan.patch", model)
    patch = load(tmp_path / "nan.patch", model)
    model.apply(patch)
    assert model.parameters[model.down_name(1)].isnan().all()
    model.remove(patch)
    assert same(model, before)


def test_an_empty_patch(model, tmp_path):
    save(WeightPatch(), tmp_path / "a.patch", model)
    found = load(tmp_path / "a.patch", model)
    assert found.changes == {}
    assert found.edits == []
    assert found.relative_norm(model) is None


# Broken files


def test_a_file_that_was_cut_off(model, file, tmp_path):
    content = file.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    cuts = {0, 1, 7, 8, 9, 8 + length // 2, 7 + length, 8 + length, 9 + length, len(content) - 1}
    cuts |= set(random.Random(0).sample(range(len(content)), 60))
    for cut in sorted(cuts):
        (tmp_path / "cut").write_bytes(content[:cut])
        with pytest.raises(PatchError, match=r"cut: (this is no patch file|the file was cut off)") as caught:
            load(tmp_path / "cut", model)
        if cut >= 8 + length:
            assert f"{cut:,} of {len(content):,} bytes" in str(caught.value)


def test_a_file_with_more_than_it_should_hold(model, file):
    file.write_bytes(file.read_bytes() + b"more")
    with pytest.raises(PatchError, match="cannot be read"):
        load(file, model)


class Evil:
    """What would leave a trace if it were ever unpickled."""

    def __init__(self, path) -> None:
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


@pytest.mark.parametrize("write", [pickle.dumps, "torch", "zip"])
def test_nothing_in_a_file_is_executed(model, tmp_path, write):
    trace, path = tmp_path / "trace", tmp_path / "evil.patch"
    if callable(write):
        path.write_bytes(write(Evil(str(trace))))
    else:
        torch.save({"left": Evil(str(trace))}, path, _use_new_zipfile_serialization=write == "zip")
    with pytest.raises(PatchError, match="no patch file"):
        load(path, model)
    assert not trace.exists()


def test_noise(model, tmp_path):
    noise, path = random.Random(0), tmp_path / "noise"
    for size in [0, 1, 8, 9, 16, 100, 5000] * 3:
        path.write_bytes(noise.randbytes(size))
        with pytest.raises(PatchError):
            load(path, model)
        path.write_bytes(struct.pack("<Q", max(size - 8, 2)) + noise.randbytes(size))
        with pytest.raises(PatchError):
            load(path, model)


def test_damage_of_the_numbers_is_noticed(model, file, tmp_path):
    content = bytearray(file.read_bytes())
    (length,) = struct.unpack("<Q", content[:8])
    content[8 + length + 5] ^= 1
    (tmp_path / "damaged").write_bytes(content)
    with pytest.raises(PatchError, match="was damaged"):
        load(tmp_path / "damaged", model)


def test_damage_anywhere_in_the_header(model, file, tmp_path):
    """Whatever one changed byte does, nobody sees a traceback."""
    content, noise = file.read_bytes(), random.Random(1)
    (length,) = struct.unpack("<Q", content[:8])
    for _ in range(400):
        damaged = bytearray(content)
        damaged[noise.randrange(8 + length)] = noise.randrange(256)
        (tmp_path / "damaged").write_bytes(damaged)
        try:
            load(tmp_path / "damaged", model)
        except PatchError as error:
            assert str(error)


@pytest.mark.parametrize("head", [
    b"{", b"[]", b"null", b"3", b"{}", b'{"__metadata__": 3}', b'{"__metadata__": {}}', b'{"__metadata__": []}',
    b"\xff\xfe{}", b'{"__metadata__": {"format": "pt"}}', b"[" * 100_000, b'{"a": 1, "__metadata__": {}}',
    b'{"a": {"data_offsets": [0, 1e999]}, "__metadata__": {}}', b'{"a": {"data_offsets": "x"}, "__metadata__": {}}',
    b'{"a": {"data_offsets": []}, "__metadata__": {}}', b'{"a": [], "__metadata__": {}}',
])  # fmt: skip
def test_headers_that_are_none(model, tmp_path, head):
    path = tmp_path / "a.patch"
    path.write_bytes(whole(head, b""))
    with pytest.raises(PatchError, match="no patch"):
        load(path, model)


@pytest.mark.parametrize("changed, message", [
    ({"format": None}, "holds no patch"),
    ({"format": "pt"}, "holds no patch"),
    ({"format": "editing-patch/2"}, "its format is editing-patch/2, and this version reads editing-patch/1: update"),
    ({"kind": None}, "kind None are unknown"),
    ({"kind": "magic"}, "kind 'magic' are unknown to this version"),
    ({"kind": ["weights"]}, "kind"),
    ({"fingerprint": None}, "fingerprint None"),
    ({"fingerprint": "0" * 32}, r"was made for tiny-llama \(fingerprint 0{32}\)"),
    ({"about": None}, "description"),
    ({"about": "{"}, "description"),
    ({"about": "3"}, "description"),
    ({"about": "[1]"}, "description"),
    ({"about": "[" * 100_000}, "description"),
    ({"about": {}}, "description"),
    ({"about": '{"edits": 3}'}, "edits"),
    ({"about": '{"edits": {}}'}, "edits"),
    ({"about": '{"edits": "ab"}'}, "edits"),
    ({"about": '{"edits": [3]}'}, "edits"),
    ({"about": '{"edits": [{"prompt": "a"}]}'}, "edits"),
    ({"about": '{"edits": [{"prompt": "{}", "subject": "", "target": "x"}]}'}, "edits"),
])  # fmt: skip
def test_headers_that_say_something_else(model, file, changed, message):
    head, tensors = parts(file.read_bytes())
    head["__metadata__"] = {k: v for k, v in {**head["__metadata__"], **changed}.items() if v is not None}
    file.write_bytes(whole(head, tensors))
    with pytest.raises(PatchError, match=message):
        load(file, model)


def test_a_safetensors_file_of_someone_else(model, tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(to_bytes({"a": torch.zeros(3)}))
    with pytest.raises(PatchError, match="no patch"):
        load(path, model)
    path.write_bytes(to_bytes({"a": torch.zeros(3)}, {"format": "pt"}))
    with pytest.raises(PatchError, match="this safetensors file holds no patch: `survey edit"):
        load(path, model)


def test_a_patch_for_another_model(file):
    with pytest.raises(PatchError, match=r"made for tiny-llama \(fingerprint .*tiny-gpt2 has .*--model"):
        load(file, tiny_model("gpt2"))


DOWN = "model.layers.1.mlp.down_proj.weight"


@pytest.mark.parametrize("tensors, message", [
    ({f"left|{DOWN}": torch.zeros(32, 1)}, "incomplete: it has only left"),
    ({f"right|{DOWN}": torch.zeros(1, 64)}, "incomplete: it has only right"),
    ({f"left|{DOWN}": torch.zeros(32, 1), f"dense|{DOWN}": torch.zeros(32, 64)}, "incomplete"),
    ({f"left|{DOWN}": torch.zeros(32, 1), f"right|{DOWN}": torch.zeros(2, 64)}, "factors of .* do not fit each other"),
    ({f"left|{DOWN}": torch.zeros(32), f"right|{DOWN}": torch.zeros(1, 64)}, "factors of .* do not fit each other"),
    ({f"dense|{DOWN}": torch.zeros(64, 32)}, r"as \[64, 32\], but in tiny-llama it is \[32, 64\]"),
    ({f"dense|{DOWN}": torch.zeros(32)}, r"as \[32\]"),
    ({f"left|{DOWN}": torch.zeros(64, 1), f"right|{DOWN}": torch.zeros(1, 32)}, r"as \[64, 32\]"),
    ({"dense|model.layers.9.mlp.down_proj.weight": torch.zeros(2)}, "which tiny-llama does not have"),
    ({"weights": torch.zeros(2)}, "unknown tensor 'weights'"),
    ({"up|a": torch.zeros(2)}, "unknown tensor"),
    ({f"left|{DOWN}": torch.zeros(32, 1), f"right|{DOWN}": torch.zeros(1, 64).int()}, "float"),
    ({f"dense|{DOWN}": torch.zeros(32, 64).int()}, "float"),
])  # fmt: skip
def test_tensors_that_are_no_patch(model, tmp_path, tensors, message):
    with pytest.raises(PatchError, match=message):
        load(written(model, tensors, tmp_path / "a.patch"), model)


@pytest.mark.parametrize("kind", ["codebook", "adapters", "neurons", "side-memory"])
def test_edits_are_read_before_tensors(model, tmp_path, kind):
    importlib.import_module("survey.editing.methods.grace")
    importlib.import_module("survey.editing.methods.melo")
    importlib.import_module("survey.editing.methods.wise")
    path = written(model, {"a": torch.zeros(2)}, tmp_path / "a.patch", kind=kind, about='{"edits": 5}')
    with pytest.raises(PatchError, match=r"a\.patch: the edits that the patch names cannot be read"):
        load(path, model)


@pytest.mark.parametrize("name, method", [("keys|{}|relu", "t-patcher"), ("down|{}", "melo")])
def test_a_layer_with_a_number_beyond_all_measure(model, tmp_path, name, method):
    importlib.import_module("survey.editing.methods.melo")
    kind = {"t-patcher": "neurons", "melo": "adapters"}[method]
    path = written(model, {name.format("1" * 5000): torch.zeros(2)}, tmp_path / "a.patch", kind=kind)
    with pytest.raises(PatchError, match=r"a\.patch: .*what its kind, "):
        load(path, model)


@pytest.mark.parametrize("error", [ValueError, TypeError, KeyError])
@pytest.mark.parametrize("part", ["from_tensors", "check"])
def test_what_a_kind_cannot_read(model, tmp_path, monkeypatch, error, part):
    patch = NeuronPatch({}, 1, keys=torch.zeros(1, 32), bias=torch.zeros(1), values=torch.zeros(1, 32), owners=torch.tensor([-1]))
    save(patch, tmp_path / "a.patch", model)
    assert type(load(tmp_path / "a.patch", model)) is NeuronPatch

    def fails(*_):
        raise error("what nobody thought of")

    monkeypatch.setattr(NeuronPatch, part, fails)
    with pytest.raises(PatchError, match=r"a\.patch: the patch does not hold what its kind, neurons"):
        load(tmp_path / "a.patch", model)


@pytest.mark.parametrize("path", ["nothing.patch", "", "a.patch/b"])
def test_a_file_that_is_not_there(model, file, path):
    with pytest.raises(PatchError, match=r"(?i)no such file|is a directory|not a directory"):
        load(file.parent / path, model)


# Written whole or not at all


def test_a_file_is_replaced_as_a_whole(model, file, monkeypatch):
    before = file.read_bytes()

    def fails(*_):
        raise OSError(28, "No space left on device")

    for name in ("fdopen", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(f"survey.editing.patch.os.{name}", fails)
            with pytest.raises(PatchError, match="cannot be written: No space left"):
                save(small(model), file, model)
        assert file.read_bytes() == before
        assert list(file.parent.iterdir()) == [file]


def test_an_interrupted_writer_leaves_nothing(model, file, monkeypatch):
    before = file.read_bytes()

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("survey.editing.patch.os.replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save(small(model), file, model)
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("where", ["no/such/folder/a.patch", "a.patch/b.patch", "."])
def test_a_place_where_nothing_can_be_written(model, file, where):
    with pytest.raises(PatchError, match="cannot be written"):
        save(small(model), file.parent / where, model)
    assert list(file.parent.iterdir()) == [file]


def test_a_folder_that_may_not_be_written_to(model, tmp_path, monkeypatch):
    def denied(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("survey.editing.patch.tempfile.mkstemp", denied)
    with pytest.raises(PatchError, match="cannot be written: Permission denied"):
        save(small(model), tmp_path / "a.patch", model)


def test_others_may_read_the_file_as_any_other(model, tmp_path):
    (tmp_path / "plain").write_text("x")
    save(small(model), tmp_path / "a.patch", model)
    assert os.stat(tmp_path / "a.patch").st_mode == os.stat(tmp_path / "plain").st_mode


def test_errors_are_told_to_the_person():
    assert issubclass(PatchError, UserError)


# Sums and norms


def factored(rank, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return Change(torch.randn(32, rank, generator=generator), torch.randn(rank, 64, generator=generator))


@pytest.mark.parametrize("one, other", [
    (factored(1), factored(2, 1)),
    (factored(15), factored(15, 1)),
    (factored(2), Change(dense=torch.randn(32, 64))),
    (Change(dense=torch.randn(32, 64)), Change(dense=torch.randn(32, 64))),
])  # fmt: skip
def test_changes_add_up(one, other):
    total = one + other
    torch.testing.assert_close(total.full(), one.full() + other.full(), rtol=1e-4, atol=1e-4)
    assert total.shape == (32, 64)
    # Factors stay factors while they are smaller than the whole.
    assert sum(t.numel() for t in total.tensors.values()) <= 32 * 64


@pytest.mark.parametrize("change", [factored(3), factored(1), Change(dense=torch.randn(5, 7)), Change(dense=torch.randn(9))])
def test_norms(change):
    assert change.norm() == pytest.approx(change.full().norm().item(), rel=1e-5)


def test_patches_add_up(model):
    one, other = small(model), small(model)
    other.changes = {model.down_name(1): factored(1), model.down_name(3): factored(1)}
    other.kept = {"keys": torch.ones(2), "more": torch.zeros(1)}
    total = one + other
    assert set(total.changes) == set(one.changes) | {model.down_name(3)}
    torch.testing.assert_close(
        total.changes[model.down_name(1)].full(), one.changes[model.down_name(1)].full() + factored(1).full()
    )
    assert torch.equal(total.kept["keys"], torch.ones(2))
    assert set(total.kept) == {"keys", "more"}
    assert total.edits == [EDIT, EDIT]
    assert {**total.about, "edits": one.about["edits"]} == one.about
    assert one.edits == other.edits == [EDIT]
    norm = max(
        change.full().norm().item() / model.parameters[name].norm().item() for name, change in total.changes.items()
    )
    assert total.relative_norm(model) == pytest.approx(norm, rel=1e-4)


def test_a_sum_names_the_edits_and_notes_of_both():
    one = Patch({"method": "a", "edits": [1, 2], "memory": ["x", "y"]})
    other = Patch({"method": "b", "edits": [3], "memory": ["z"], "more": 1})
    assert about_both(one, other) == {"method": "a", "edits": [1, 2, 3], "memory": ["x", "y", "z"]}
    assert about_both(one, Patch({"edits": [3]})) == {"method": "a", "edits": [1, 2, 3], "memory": ["x", "y"]}
    assert about_both(Patch({}), other) == {"edits": [3], "memory": ["z"]}
    assert about_both(Patch({"seed": 1}), Patch({})) == {"seed": 1}


def test_every_kind_is_known_by_name():
    assert Patch.KINDS["weights"] is WeightPatch
    assert "" not in Patch.KINDS
