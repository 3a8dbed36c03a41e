# The shingles that Millrace states in docs/formats/dedup.md, for peers that take tokens: NFC and full case folding, words of
# letters, marks and numbers, each character of a script without spaces a word by itself, five words joined by a space.
import re
import unicodedata

import regex

_ASCII_WORD = re.compile(r"[0-9a-z]+")
_UNSPACED = r"\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}"
_WORD = regex.compile(
    rf"(?V1)[[{_UNSPACED}]&&[\p{{L}}\p{{M}}\p{{N}}]]|[[\p{{L}}\p{{M}}\p{{N}}]--[{_UNSPACED}]]+"
)


def words_of(text: str) -> list[str]:
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())
    return _WORD.findall(unicodedata.normalize("NFC", text).casefold())


def shingles_of(words: list[str]) -> list[str]:
    """Each once, in the order of first occurrence."""
    if len(words) < 5:
        return [" ".join(words)]
    return list(dict.fromkeys(" ".join(words[i : i + 5]) for i in range(len(words) - 4)))
