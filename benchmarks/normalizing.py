"""Normalizers beside others, all in the same run: how many spoken and written forms become one, what merges, how fast.

The pairs and traps are those of ``tests/forms``: two notations of the same words, which should become equal, and texts
that must not. They were written without a look at any of these. Since then ours was mended by them, so its own share is
no estimate there; by those called "unseen", in English and Chinese, nothing was mended. Texts per second are of
processor time, the best of three rounds over the pairs; the ratio is the peer's time divided by ours.

Run: python benchmarks/normalizing.py
"""

from __future__ import annotations

import csv
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ratios import tell

import asrlab as lab

if TYPE_CHECKING:
    from collections.abc import Callable

FORMS = Path(__file__).parents[1] / "tests" / "forms"
ROUNDS = 3


def rows(name: str) -> list[dict[str, str]]:
    """Read a table of pairs or traps."""
    with (FORMS / f"{name}.tsv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


@cache
def whisper(language: str) -> Callable[[str], str]:
    """Give the normalizer that Whisper's figures were made with."""
    from whisper_normalizer.basic import BasicTextNormalizer  # noqa: PLC0415 - of the extra `bench`
    from whisper_normalizer.english import EnglishTextNormalizer  # noqa: PLC0415

    return EnglishTextNormalizer() if language == "en" else BasicTextNormalizer()


@cache
def wetext(language: str) -> Callable[[str], str]:
    """Give wetext's inverse text normalization, and then our preset without numbers."""
    from wetext import Normalizer  # noqa: PLC0415

    written, preset = Normalizer(lang=language, operator="itn").normalize, lab.normalizer(language)

    def convert(text: str) -> str:
        try:
            return preset(written(text))
        except (AssertionError, RuntimeError, IndexError, KeyError):  # it fails so on some texts
            return preset(text)

    return convert


@cache
def text2num(language: str) -> Callable[[str], str]:
    """Give text2num over whole texts, and then our preset without numbers."""
    from text_to_num import alpha2digit  # noqa: PLC0415

    preset = lab.normalizer(language)
    return lambda text: preset(alpha2digit(text, language))


def measured(chain: Callable[[str], str], table: str) -> tuple[float, int, float]:
    """Give the share of pairs that become one, how many traps merge, and seconds for the pairs."""
    pairs, traps = rows(table), rows(f"{table}_traps")
    texts = [text for pair in pairs for text in (pair["spoken"], pair["written"])]
    seconds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        made = [chain(text) for text in texts]
        seconds.append(time.process_time() - began)
    one = sum(spoken == written for spoken, written in zip(made[::2], made[1::2], strict=True))
    merged = sum(chain(trap["left"]) == chain(trap["right"]) for trap in traps)
    return one / len(pairs), merged, min(seconds)


def main() -> None:
    """Print the table."""
    peers = {
        "en": {"whisper-normalizer": whisper, "wetext": wetext, "text2num": text2num},
        "zh": {"whisper-normalizer": whisper, "wetext": wetext},
        "ja": {"whisper-normalizer": whisper, "wetext": wetext},
        **{code: {"whisper-normalizer": whisper, "text2num": text2num} for code in ("de", "fr", "es", "pt", "it")},
    }
    print(f"{'':10}{'':20}{'unified':>9}{'traps merged':>14}{'texts/s':>10}{'time / ours':>13}")
    for table in ("en_unseen", "zh_unseen", *peers):
        language = table[:2]
        many, traps = 2 * len(rows(table)), len(rows(f"{table}_traps"))
        ours = measured(lab.normalizer(language, numbers=True), table)
        found = {"asrlab": ours, **{name: measured(make(language), table) for name, make in peers[language].items()}}
        for name, (share, merged, seconds) in found.items():
            of = f"{merged} of {traps}"
            print(f"{table:10}{name:20}{share:9.1%}{of:>14}{many / seconds:10,.0f}{seconds / ours[2]:13.2f}")
            if name != "asrlab":
                case = f"{many} texts ({table}): {ours[0]:.0%} of pairs become one"
                tell(case, f"{name}, {share:.0%}", cpu=seconds / ours[2])


if __name__ == "__main__":
    main()
