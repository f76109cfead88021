"""Sentences a plugin says to people, in both languages of the product."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Text:
    """One sentence in Chinese and in English; the product shows the reader's."""

    zh: str
    en: str

    def __str__(self) -> str:
        """Return the Chinese sentence, which logs and tests show."""
        return self.zh

    def in_language(self, language: str) -> str:
        """Return the sentence in the language "zh" or "en"."""
        return self.en if language == "en" else self.zh
