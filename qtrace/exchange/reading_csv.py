"""CSV inside the reading child: encoding, delimiter and records, with memory bounded by the longest allowed row."""

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from qtrace.core.child import ChildRefused
from qtrace.exchange.headers import Cell
from qtrace.exchange.reading_source import MAX_CELL, MAX_ROW, RawRow, Reason, Source

CHUNK = 1024 * 1024
GUESSES = ("utf-8", "gb18030")
ALLOWED = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030", "gbk", "big5", "cp1252", "latin-1")
DELIMITERS = (",", ";", "\t")
LINES_FOR_DELIMITER = 50
CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\x1b\x1a\x00"))


@dataclass
class _Attempt:
    """One encoding being tried over the whole file; a place is the line and byte where it broke."""

    encoding: str
    decoder: codecs.IncrementalDecoder
    broken_at: tuple[int, int] | None = None

    def feed(self, chunk: bytes, done: int, lines: int, *, final: bool) -> None:
        """Decode one more chunk, or remember where the encoding stopped fitting."""
        # What the decoder still holds from the chunk before counts into the place of an error.
        held = len(self.decoder.getstate()[0])
        try:
            self.decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            at = max(0, error.start - held)
            self.broken_at = (lines + chunk.count(b"\n", 0, at) + 1, done + error.start - held + 1)


def open_csv(path: Path, asked: str | None) -> Source:
    """Open the file in the encoding asked for, or in the first one that fits every byte."""
    encoding, height = _encoding(path, asked)
    with path.open(encoding=encoding, newline="") as file:
        delimiter = _delimiter([file.readline(MAX_ROW) for _ in range(LINES_FOR_DELIMITER)])
    return Source(_rows(path, encoding, delimiter), height, encoding=encoding, delimiter=delimiter)


def _encoding(path: Path, asked: str | None) -> tuple[str, int]:
    with path.open("rb") as file:
        start = file.read(4096)
    if asked is not None:
        name = asked.strip().lower().replace("_", "-")
        if name not in ALLOWED:
            raise ChildRefused("unknown_encoding", encoding=asked[:40])
        tried: tuple[str, ...] = (name,)
    else:
        tried = _guesses(start)
    return _fitting(path, tried)


def _guesses(start: bytes) -> tuple[str, ...]:
    if start.startswith(codecs.BOM_UTF8):
        return ("utf-8-sig",)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ("utf-16",)
    even, odd = start[::2].count(0), start[1::2].count(0)
    if max(even, odd) > len(start) // 8 and min(even, odd) < len(start) // 50 + 1:
        return ("utf-16-le",) if odd > even else ("utf-16-be",)
    if len(start.translate(None, CONTROLS)) < len(start) * 0.98:
        raise ChildRefused("not_text")
    return GUESSES


def _fitting(path: Path, tried: tuple[str, ...]) -> tuple[str, int]:
    """Return the first encoding that decodes the whole file, and the count of its lines."""
    attempts = [_Attempt(name, codecs.getincrementaldecoder(name)("strict")) for name in tried]
    done = lines = 0
    with path.open("rb") as file:
        while True:
            chunk = file.read(CHUNK)
            for attempt in attempts:
                if attempt.broken_at is None:
                    attempt.feed(chunk, done, lines, final=not chunk)
            if not chunk or all(attempt.broken_at for attempt in attempts):
                break
            done += len(chunk)
            lines += chunk.count(b"\n")
    for attempt in attempts:
        if attempt.broken_at is None:
            return attempt.encoding, lines + 1
    line, byte = attempts[0].broken_at or (1, 1)
    raise ChildRefused("undecodable", encodings=" / ".join(tried), line=line, byte=byte)


def _delimiter(lines: list[str]) -> str:
    """Return the delimiter that gives the first line looking like a header the most names."""
    for line in lines:
        counts = {mark: _names(line, mark) for mark in DELIMITERS}
        best = max(DELIMITERS, key=lambda mark: counts[mark])
        if counts[best] >= 2:
            return best
    return ","


def _names(line: str, delimiter: str) -> int:
    cells = next(csv.reader([line[:100_000]], delimiter=delimiter), [])
    return sum(1 for cell in cells if cell.strip() and not cell.strip().replace(".", "").replace(",", "").isdigit())


class _LongRecord(Exception):
    """The record being read is longer than any row may be."""


@dataclass
class _Lines:
    """Feeds csv.reader physical lines, but never more than one allowed row's worth of them."""

    file: TextIO
    record: list[str] = field(default_factory=list)
    size: int = 0
    nul: bool = False
    cut_off: bool = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self.file.readline(MAX_ROW)
        if not line:
            # csv.reader asks for another line inside a record only when a quote is still open.
            self.cut_off = self.size > 0
            raise StopIteration
        self.size += len(line)
        self.record.append(line)
        if self.size > MAX_ROW or (len(line) == MAX_ROW and not line.endswith(("\n", "\r"))):
            raise _LongRecord
        if "\0" in line:
            self.nul = True
        return line

    def begin(self) -> None:
        """Forget the record before."""
        self.record.clear()
        self.size = 0
        self.nul = False

    def skip(self, delimiter: str) -> None:
        """Read on to the end of the record that was too long, keeping nothing of it."""
        quotes = _Quotes(delimiter)
        piece = ""
        for piece in self.record:
            quotes.feed(piece)
        while piece and (quotes.open or not piece.endswith(("\n", "\r"))):
            piece = self.file.readline(MAX_ROW)
            quotes.feed(piece)


@dataclass
class _Quotes:
    """Knows whether a quoted cell is open after the text fed so far, by the rules csv.reader follows."""

    delimiter: str
    open: bool = False
    at_start: bool = True
    closing: bool = False

    def feed(self, text: str) -> None:
        """Take in the next piece of the record."""
        place = 0
        while place < len(text):
            place = self._inside(text, place) if self.open else self._outside(text, place)

    def _inside(self, text: str, place: int) -> int:
        if self.closing:
            self.closing = False
            if text[place] == '"':
                return place + 1
            self.open = self.at_start = False
            return place
        found = text.find('"', place)
        if found < 0:
            return len(text)
        self.closing = True
        return found + 1

    def _outside(self, text: str, place: int) -> int:
        if self.at_start and text[place] == '"':
            self.open, self.at_start = True, False
            return place + 1
        if text[place] in (self.delimiter, "\r", "\n"):
            self.at_start = True
            return place + 1
        ends = [at for at in (text.find(self.delimiter, place), text.find("\n", place)) if at >= 0]
        self.at_start = False
        return min(ends, default=len(text))


def _rows(path: Path, encoding: str, delimiter: str) -> Iterator[RawRow]:
    csv.field_size_limit(MAX_ROW + 1)
    with path.open(encoding=encoding, newline="", buffering=io.DEFAULT_BUFFER_SIZE * 16) as file:
        lines = _Lines(file)
        reader = csv.reader(lines, delimiter=delimiter)
        number = 0
        while True:
            number += 1
            lines.begin()
            try:
                texts = next(reader)
            except StopIteration:
                return
            except _LongRecord:
                beginning = lines.record[0][:200]
                lines.skip(delimiter)
                yield number, [beginning], ("row_too_long", {"limit": MAX_ROW})
            except csv.Error:
                yield number, ["".join(lines.record)[:200]], ("unreadable", {})
            else:
                cells: list[Cell] = [text or None for text in texts]
                yield number, cells, _reason(lines, texts)


def _reason(lines: _Lines, texts: list[str]) -> Reason | None:
    if lines.cut_off:
        return "open_quote", {}
    if lines.nul:
        return "nul", {}
    if lines.size > MAX_CELL and max(map(len, texts), default=0) > MAX_CELL:
        return "cell_too_long", {"limit": MAX_CELL}
    return None
