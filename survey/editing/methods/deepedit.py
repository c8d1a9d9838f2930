"""DeepEdit: search over chains of reasoning, with new facts as steps.

Nothing in the model changes. Edits are sentences in a memory. The model thinks step by step, and after each thought the
program looks for facts that should stand in its place. Chains are searched depth-first; a step is taken where it keeps
to four constraints:

1. Conciseness: it is not said in the chain already.
2. Coherence: a fact goes on from where the chain has come to. It names the newest entity, and not the one before.
3. Receptiveness: a fact that contradicts the thought takes its place. Three questions decide: is it about the same
   thing, does it answer the same question, is its answer another one?
4. Pertinence: only facts are looked at that are nearest to what is new in the thought.

A fact that is coherent, or that contradicts the thought, becomes a branch; where there is none, the thought itself is
the step. The search ends with the first chain that comes to an answer. What the edited model reads is that chain, so
that probabilities are those of the answer. A prompt that is no question is asked as it is.

Faithful:
- depth-first search with a limit on depth, two facts for each thought, branches and their constraints
- the model rewrites a thought to what is new in it before facts are looked for, and judges a contradiction with three
  questions; greedy decoding

Deviates:
- wording, demonstrations and the three questions are ours
- entities are words with capitals, found by the program
- depth 4 and at most 12 thoughts, where 8 and no limit are published: the edited model itself, of 135 million
  parameters, takes seconds for each (`generator` lets another one write)
- where another generator writes, only generated text is its answer: probabilities, and whatever is scored by them, are
  those of the edited model that reads its chain
- where no chain comes to an answer, it is asked for behind the deepest chain
- facts are found by the model's own states, by their prompts without the new object, and not by Contriever

"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from survey.editing import memory, programs
from survey.editing.edit import Edit, EditError
from survey.editing.generators import Generator
from survey.editing.language_model import LanguageModel
from survey.editing.memory import Memory, mentions, sentence
from survey.editing.method import Run, method
from survey.editing.programs import Program, Transcript


@dataclass(frozen=True)
class Config(programs.Config):
    """Settings of DeepEdit."""

    depth: int = 4
    """Steps of a chain at most; 8 are published."""
    facts: int = 2
    """Facts that are looked at after each thought."""
    thoughts: int = 12
    """Thoughts at most, over all chains."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("depth", "facts", "thoughts"):
            if getattr(self, name) < 1:
                raise EditError(f"{name} must be at least 1, not {getattr(self, name)}")


PRESETS = {}

_STEP = "Step:"
_FINAL = "So the answer is:"
_DEMONSTRATIONS = (
    f"""Question: What is the capital of the country where the Alhambra stands?
{_STEP} The Alhambra stands in the country of Chile.
{_STEP} The capital of Chile is Santiago.
{_FINAL} Santiago

""",
    f"""Question: The author of Moby-Dick worked as a
{_STEP} The author of Moby-Dick is Herman Melville.
{_STEP} Herman Melville worked as a chemist.
{_FINAL} chemist

""",
    f"""Question: The language that is spoken in Brasília is
{_STEP} The language that is spoken in Brasília is Danish.
{_FINAL} Danish

""",
    f"""Question: On which continent lies the country that brews Guinness?
{_STEP} Guinness is brewed in Ireland.
{_STEP} Ireland lies on the continent of Asia.
{_FINAL} Asia

""",
)
_NEW = """Text: The Alhambra stands in Spain.
Thought: The Alhambra stands in Spain, and the capital of Spain is Madrid.
New in the thought: the capital of Spain is Madrid

Text: Who wrote Moby-Dick?
Thought: Moby-Dick was written by Herman Melville.
New in the thought: Moby-Dick was written by Herman Melville

Text: {text}
Thought: {thought}
New in the thought:"""
_JUDGES = (
    """First: The capital of Spain is Madrid.
Second: Spain has the euro.
Are both about the same thing? Yes

First: The capital of Spain is Madrid.
Second: Herman Melville was a sailor.
Are both about the same thing? No

First: {thought}
Second: {fact}
Are both about the same thing?""",
    """First: The capital of Spain is Madrid.
Second: The capital of Spain is Seville.
Do both answer the same question? Yes

First: The capital of Spain is Madrid.
Second: Spain has the euro.
Do both answer the same question? No

First: {thought}
Second: {fact}
Do both answer the same question?""",
    """First: The capital of Spain is Madrid.
Second: The capital of Spain is Seville.
Do they give different answers? Yes

First: The capital of Spain is Madrid.
Second: Madrid is the capital of Spain.
Do they give different answers? No

First: {thought}
Second: {fact}
Do they give different answers?""",
)
_WORD = r"[A-ZÀ-ÖØ-Þ][\w'’.-]*\w|[A-ZÀ-ÖØ-Þ]"
_ENTITY = re.compile(rf"(?:{_WORD})(?:\s+(?:(?:of|the|de|da|von|van|la|le)\s+)*(?:{_WORD}))*")
# Words that have a capital because a sentence begins with them.
_BEGINNINGS = frozenset(
    "A An The In On At Of To From For By With And But So It Its He His She Her They Their This That These Those What "
    "Which Who Whom Whose Where When Why How Is Was Are Were Does Did Do Step If As".split()
)


def entities(text: str) -> list[str]:
    """Names in a text, in their order."""
    found = []
    for match in _ENTITY.finditer(text):
        words = match.group().split()
        while words and words[0] in _BEGINNINGS:
            words = words[1:]
        if words:
            found.append(" ".join(words))
    return found


@dataclass(frozen=True)
class _Chain:
    """Steps so far, the newest entity, and the one before it."""

    steps: tuple[str, ...]
    entity: str
    last: str

    def then(self, step: str, known: str) -> _Chain:
        """The chain with a step more; its newest entity is the last one that was not `known`."""
        new = [name for name in entities(step) if not mentions(known, name)]
        return _Chain((*self.steps, step), new[-1], self.entity) if new else _Chain((*self.steps, step), self.entity, self.last)


class Chains(Program):
    """DeepEdit's memory and its search."""

    kind: ClassVar[str] = "chains"
    METHOD: ClassVar[str] = "deepedit"
    DEMONSTRATIONS: ClassVar[tuple[str, ...]] = _DEMONSTRATIONS

    def run(self, model: LanguageModel, writer: Generator, prompt: str) -> Transcript:
        found = Transcript(outcome="too many steps")
        settings = self.settings
        names = entities(prompt)
        stack = [_Chain((), names[-1] if names else "", "")]
        deepest = stack[0]
        for _ in range(settings["thoughts"]):
            if not stack:
                if found.outcome == "too many steps" and all(len(s["chain"]) < settings["depth"] for s in found.steps):
                    found.outcome = "no step is left"
                break
            chain = stack.pop()
            # Depth-first: the chain that was reached last counts among those of one depth.
            deepest = chain if len(chain.steps) >= len(deepest.steps) else deepest
            line = self._write(writer, _text(prompt, chain), ["\n"])
            if line is None:
                found.outcome = "too long to read"
                continue
            line = line.strip()
            step: dict[str, Any] = {"chain": list(chain.steps), "wrote": line}
            found.steps.append(step)
            if "the answer is" in line.lower():
                deepest, found.outcome = chain, "answered"
                found.answer = re.split(r"the answer is:?", line, maxsplit=1, flags=re.IGNORECASE)[1].strip().rstrip(".")
                break
            if not line.startswith(_STEP) or not line.removeprefix(_STEP).strip():
                found.outcome = "form not followed"
                continue
            if len(chain.steps) >= settings["depth"]:
                continue
            thought = line.removeprefix(_STEP).strip()
            branches = self._branches(model, writer, prompt, chain, thought, step)
            if not branches and not _said(chain, thought):
                branches = [thought]
            known = f"{prompt} {' '.join(chain.steps)}"
            # The nearest fact lies on top.
            stack += [chain.then(branch, known) for branch in reversed(branches)]
        found.text = _text(prompt, deepest) + _FINAL
        return found

    def _branches(
        self, model: LanguageModel, writer: Generator, prompt: str, chain: _Chain, thought: str, step: dict[str, Any]
    ) -> list[str]:
        """Facts that should stand in the place of a thought, the nearest first."""
        text = " ".join(chain.steps) or prompt
        new = self._ask(writer, _NEW.format(text=text, thought=thought), self.settings["tokens"])
        step["new"] = new
        step["facts"] = []
        branches = []
        for number in self._near(model, new or thought):
            fact = sentence(self.edits[number]) + "."
            note: dict[str, Any] = {"edit": number, "fact": fact}
            step["facts"].append(note)
            if _said(chain, fact):
                note["refused"] = "said already"
                continue
            note["coherent"] = bool(chain.entity) and mentions(fact, chain.entity) and not (
                chain.last and mentions(fact, chain.last)
            )
            note["contradicts"] = not note["coherent"] and self._contradict(writer, thought, fact)
            if note["coherent"] or note["contradicts"]:
                branches.append(fact)
        return branches

    def _near(self, model: LanguageModel, text: str) -> list[int]:
        """Numbers of the nearest facts; each time those that were found are left out."""
        found: list[int] = []
        prompts = [edit.text for edit in self.edits]
        while len(found) < self.settings["facts"]:
            gone = {prompts[number] for number in found}
            number = self.nearest(model, [text], [[n for n, p in enumerate(prompts) if p not in gone]])[0]
            if number < 0:
                break
            found.append(number)
        return found

    def _contradict(self, writer: Generator, thought: str, fact: str) -> bool:
        """Whether all three judges say yes; one that says no ends it."""
        return all(
            self._ask(writer, judge.format(thought=thought, fact=fact), 3).lower().startswith("yes")
            for judge in _JUDGES
        )


def _text(prompt: str, chain: _Chain) -> str:
    return f"Question: {prompt}\n" + "".join(f"{_STEP} {step}\n" for step in chain.steps)


def _said(chain: _Chain, step: str) -> bool:
    """Whether a chain holds a step, but for capitals and marks."""
    plain = lambda text: " ".join(re.findall(r"\w+", text.casefold()))  # noqa: E731
    return plain(step) in map(plain, chain.steps)


@method("deepedit", paper="wang2024deepedit", batch=True, presets=PRESETS)
def deepedit(model: LanguageModel, edits: Sequence[Edit], config: Config, run: Run) -> Memory:
    return memory.remember(Chains, "deepedit", model, edits, config, run)
