"""MeLLo: the model splits a question, and looks every answer up in a memory of edits.

Edits are sentences in a memory, and no parameter changes. The model goes on with a form, after some demonstrations:

    Question: ...
    Subquestion: ...
    Generated answer: ...
    Retrieved fact: ...
    Retrieved fact contradicts generated answer, so the intermediate answer is: ...
    Subquestion: ... (and so on)
    Final answer: ...

1. The model writes a subquestion and its own answer, and stops where a fact should stand.
2. The program puts there the edit that is nearest to the subquestion by embedding.
3. The model judges whether the fact contradicts its answer, and says the intermediate answer.

After four rounds at most the model gives the final answer. What the edited model reads is all that was written up to
there, so that probabilities are those of the final answer. A prompt that is no question is asked as it is.

Faithful:
- the loop, its four rounds, greedy decoding, the nearest edit without a threshold, judging left to the model
- a text that leaves the form ends the loop

Deviates:
- wording and demonstrations are ours
- where the loop ends without a final answer, it is asked for behind what was written; the published program then
  has none
- the edited model writes for itself by default, where one of 175 billion parameters did (`generator`); a small model
  often leaves the form, and `trace` of a patch tells how it went
- where another generator writes, only generated text is its answer: probabilities, and whatever is scored by them, are
  those of the edited model that reads its transcript
- edits are found by the model's own states, by their prompts without the new object, and not by Contriever

"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from survey.editing import memory, programs
from survey.editing.edit import Edit, EditError
from survey.editing.generators import Generator
from survey.editing.language_model import LanguageModel
from survey.editing.memory import Memory, sentence
from survey.editing.method import Run, method
from survey.editing.programs import Program, Transcript


@dataclass(frozen=True)
class Config(programs.Config):
    """Settings of MeLLo."""

    rounds: int = 4
    """Subquestions at most."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.rounds < 1:
            raise EditError(f"rounds must be at least 1, not {self.rounds}")


PRESETS = {}

_AGREES = "Retrieved fact does not contradict generated answer, so the intermediate answer is:"
_CONTRADICTS = "Retrieved fact contradicts generated answer, so the intermediate answer is:"
_FACT = "Retrieved fact:"
_FINAL = "Final answer:"
_DEMONSTRATIONS = (
    f"""Question: What is the capital of the country where the Alhambra stands?
Subquestion: In which country does the Alhambra stand?
Generated answer: The Alhambra stands in Spain.
{_FACT} The Alhambra stands in the country of Chile.
{_CONTRADICTS} Chile
Subquestion: What is the capital of Chile?
Generated answer: The capital of Chile is Santiago.
{_FACT} The capital of Portugal is Lisbon.
{_AGREES} Santiago
{_FINAL} Santiago

""",
    f"""Question: The author of Moby-Dick worked as a
Subquestion: Who is the author of Moby-Dick?
Generated answer: The author of Moby-Dick is Herman Melville.
{_FACT} The author of Jane Eyre is Jules Verne.
{_AGREES} Herman Melville
Subquestion: What did Herman Melville work as?
Generated answer: Herman Melville worked as a sailor.
{_FACT} Herman Melville worked as a chemist.
{_CONTRADICTS} chemist
{_FINAL} chemist

""",
    f"""Question: The language that is spoken in Brasília is
Subquestion: Which language is spoken in Brasília?
Generated answer: The language that is spoken in Brasília is Portuguese.
{_FACT} The language that is spoken in Brasília is Danish.
{_CONTRADICTS} Danish
{_FINAL} Danish

""",
    f"""Question: On which continent lies the country that brews Guinness?
Subquestion: Which country brews Guinness?
Generated answer: Guinness is brewed in Ireland.
{_FACT} The country that makes Volvo cars is India.
{_AGREES} Ireland
Subquestion: On which continent does Ireland lie?
Generated answer: Ireland lies in Europe.
{_FACT} Ireland lies on the continent of Asia.
{_CONTRADICTS} Asia
{_FINAL} Asia

""",
)


class Subquestions(Program):
    """MeLLo's memory and its loop."""

    kind: ClassVar[str] = "subquestions"
    METHOD: ClassVar[str] = "mello"
    DEMONSTRATIONS: ClassVar[tuple[str, ...]] = _DEMONSTRATIONS

    def run(self, model: LanguageModel, writer: Generator, prompt: str) -> Transcript:
        found = Transcript(f"Question: {prompt}\n", outcome="too many steps")
        edits = self.edits
        # The last turn may still judge the last fact and give the answer.
        for turn in range(self.settings["rounds"] + 1):
            made = self._write(writer, found.text, [_FACT, "\n\n", "Question:"])
            if made is None:
                found.outcome = "too long to read"
                break
            judged, before, end = _judgement(made), *_before(made, _FINAL)
            if found.steps and judged is not None:
                found.steps[-1] |= judged
            if end is not None:
                found.text += before
                found.answer, found.outcome = end.strip().partition("\n")[0], "answered"
                break
            lines = [line.strip() for line in made.strip().splitlines() if line.strip()]
            asked = next((line for line in reversed(lines) if line.startswith("Subquestion:")), None)
            if asked is None or not lines[-1].startswith("Generated answer:"):
                found.steps.append({"wrote": made.strip()})
                found.outcome = "form not followed"
                # What was judged in the form is kept.
                found.text += "".join(f"{line}\n" for line in lines[:1] if judged is not None)
                break
            if turn == self.settings["rounds"]:
                found.text += "".join(f"{line}\n" for line in lines[:1] if judged is not None)
                break
            question = asked.removeprefix("Subquestion:").strip()
            number = self.nearest(model, [question or prompt])[0]
            fact = sentence(edits[number])
            found.steps.append({
                "subquestion": question, "answer": lines[-1].removeprefix("Generated answer:").strip(),
                "edit": number, "fact": fact,
            })  # fmt: skip
            found.text += "".join(f"{line}\n" for line in lines) + f"{_FACT} {fact}.\n"
        found.text += _FINAL
        return found


def _before(text: str, mark: str) -> tuple[str, str | None]:
    """What stands before a mark, and what behind it, None where it is missing."""
    before, found, behind = text.partition(mark)
    return before, behind if found else None


def _judgement(text: str) -> dict[str, Any] | None:
    """What the first line says of the fact above it; None where it does not keep to the form."""
    line = text.strip().partition("\n")[0].strip()
    for form, contradicts in ((_CONTRADICTS, True), (_AGREES, False)):
        if line.startswith(form):
            return {"contradicts": contradicts, "intermediate": line.removeprefix(form).strip()}
    return None


@method("mello", paper="zhong2023mquake", batch=True, presets=PRESETS)
def mello(model: LanguageModel, edits: Sequence[Edit], config: Config, run: Run) -> Memory:
    return memory.remember(Subquestions, "mello", model, edits, config, run)
