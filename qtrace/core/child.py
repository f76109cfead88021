"""Hostile files are opened in a child process with limits; the answer comes back over one pipe.

The parent calls `run_child` for bytes or `stream_child` for JSON lines; the module it names calls `serve`. A child gets
no environment of ours, no open file but its input and its answer, and limits it sets itself before it reads anything
it was sent (no `preexec_fn`: that is unsafe in a process with threads).
"""

import fcntl
import json
import os
import resource
import select
import signal
import struct
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, BinaryIO, Literal, NoReturn

ROOT = Path(__file__).resolve().parents[2]
# -I hides the working directory and PYTHONPATH, so the place of this package is named explicitly.
BOOT = "import runpy, sys; sys.path.insert(0, sys.argv[1]); runpy.run_module(sys.argv[2], run_name='__main__')"
FRAME = struct.Struct(">cI")
LINE, BYTES, REFUSAL, FAILURE, END = b"L", b"B", b"R", b"F", b"E"
MB = 1024 * 1024
MAX_FRAME = 64 * MB
MAX_ANSWER = 128 * MB
STDERR_TAIL = 4000
MEMORY_WORDS = ("MemoryError", "memory allocation of", "bad_alloc", "Cannot allocate memory")

Kind = Literal["time", "memory", "crash", "refused"]


@dataclass(frozen=True)
class Limits:
    """What a child may use; memory counts on top of what the started interpreter already has."""

    cpu_seconds: int = 30
    memory_mb: int = 512
    wall_seconds: float = 60
    file_mb: int = 64


@dataclass(frozen=True)
class ChildRequest:
    """What the parent sent: plain data, and the input as an open stream."""

    data: dict[str, Any]
    input: BinaryIO


class ChildFailed(Exception):
    """The child gave no whole answer; `kind` says why and `code` names its own refusal."""

    def __init__(self, kind: Kind, message: str, *, code: str = "", params: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.kind: Kind = kind
        self.message = message
        self.code = code
        self.params = params or {}


class ChildRefused(Exception):
    """Raised inside a child to refuse its input with a code the parent turns into a message."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


Handler = Callable[[ChildRequest], bytes | Iterator[object]]


def run_child(
    module: str,
    *,
    request: dict[str, Any],
    limits: Limits,
    input_bytes: bytes = b"",
    input_path: Path | None = None,
) -> bytes:
    """Return the bytes the child answers, or raise ChildFailed."""
    parts: list[bytes] = []
    size = 0
    with closing(_frames(_Child(module, request, limits, input_bytes, input_path))) as frames:
        for tag, payload in frames:
            size += len(payload)
            if tag != BYTES or size > MAX_ANSWER:
                raise ChildFailed("crash", f"{module} broke the protocol")
            parts.append(payload)
    return b"".join(parts)


def stream_child(
    module: str,
    *,
    request: dict[str, Any],
    limits: Limits,
    input_bytes: bytes = b"",
    input_path: Path | None = None,
    object_hook: Callable[[dict[str, Any]], Any] | None = None,
) -> Generator[Any, None, None]:
    """Yield the JSON values the child answers; only time spent waiting for the child counts as wall time.

    Closing the generator early kills the child.
    """
    with closing(_frames(_Child(module, request, limits, input_bytes, input_path))) as frames:
        for tag, payload in frames:
            if tag != LINE:
                raise ChildFailed("crash", f"{module} broke the protocol")
            yield json.loads(payload, object_hook=object_hook)


def serve(handler: Handler) -> NoReturn:
    """Answer one request inside the child and leave the process."""
    # Anything a library prints goes to stderr, so that it can't spoil the answer.
    with os.fdopen(os.dup(1), "wb", buffering=0) as pipe:
        os.dup2(2, 1)
        envelope = json.loads(sys.stdin.buffer.readline())
        _limit(Limits(**envelope["limits"]))
        code = 1
        with suppress(BrokenPipeError):
            code = _answer(handler, envelope, pipe)
    sys.stderr.flush()
    os._exit(code)


def _answer(handler: Handler, envelope: dict[str, Any], pipe: IO[bytes]) -> int:
    try:
        with _input(envelope["path"]) as stream:
            answer = handler(ChildRequest(envelope["request"], stream))
            if isinstance(answer, bytes):
                for start in range(0, len(answer), MB):
                    _send(pipe, BYTES, answer[start : start + MB])
            else:
                for value in answer:
                    _send(pipe, LINE, dump_json(value))
        _send(pipe, END, b"")
    except ChildRefused as refusal:
        _send(pipe, REFUSAL, dump_json({"code": refusal.code, "params": refusal.params}))
    except MemoryError:
        _send(pipe, FAILURE, b"memory")
    except BrokenPipeError:
        raise
    except Exception:  # noqa: BLE001 - the parent hears of every failure as a typed one
        traceback.print_exc()
        return 1
    return 0


def dump_json(value: object) -> bytes:
    """Return compact JSON in UTF-8; lone surrogates survive as escapes instead of failing."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def _input(path: str | None) -> BinaryIO:
    return sys.stdin.buffer if path is None else Path(path).open("rb")


def _send(pipe: IO[bytes], tag: bytes, payload: bytes) -> None:
    view = memoryview(FRAME.pack(tag, len(payload)) + payload)
    while view:
        view = view[os.write(pipe.fileno(), view) :]


def _limit(limits: Limits) -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    _lower(resource.RLIMIT_AS, pages * resource.getpagesize() + limits.memory_mb * MB)
    # The soft limit kills with SIGXCPU, which the parent can tell from a kill by the kernel's memory keeper.
    _lower(resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 2)
    _lower(resource.RLIMIT_FSIZE, limits.file_mb * MB)
    _lower(resource.RLIMIT_NOFILE, 64)
    _lower(resource.RLIMIT_CORE, 0)


def _lower(which: int, soft: int, hard: int | None = None) -> None:
    ceiling = resource.getrlimit(which)[1]
    wanted = soft if hard is None else hard
    if ceiling != resource.RLIM_INFINITY:
        soft, wanted = min(soft, ceiling), min(wanted, ceiling)
    resource.setrlimit(which, (soft, wanted))


@dataclass
class _Child:
    """One running child and the time left to wait for it."""

    module: str
    request: dict[str, Any]
    limits: Limits
    input_bytes: bytes
    input_path: Path | None
    waited: float = 0
    buffer: bytearray = field(default_factory=bytearray)

    def start(self) -> None:
        """Start the process in a group of its own with an environment that holds nothing of ours."""
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 - stop() closes it
        with tempfile.TemporaryFile() as sent:
            head = {"limits": asdict(self.limits), "request": self.request}
            path = str(self.input_path.resolve()) if self.input_path else None
            sent.write(json.dumps(head | {"path": path}).encode() + b"\n")
            sent.write(self.input_bytes)
            sent.seek(0)
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-X", "utf8", "-c", BOOT, str(ROOT), self.module],
                stdin=sent,
                stdout=subprocess.PIPE,
                stderr=self.errors,
                env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/nonexistent"},
                cwd="/",
                start_new_session=True,
            )
        assert self.process.stdout is not None
        self.pipe = self.process.stdout
        with suppress(OSError):  # so much the child may work ahead; a system that grants less still works
            fcntl.fcntl(self.pipe, fcntl.F_SETPIPE_SZ, MB)
        self.poll = select.poll()
        self.poll.register(self.pipe, select.POLLIN | select.POLLHUP)

    def read(self, size: int) -> bytes:
        """Return exactly `size` bytes; fewer only when the child has ended."""
        while len(self.buffer) < size:
            began = time.monotonic()
            ready = self.poll.poll(max(0.0, self.limits.wall_seconds - self.waited) * 1000)
            self.waited += time.monotonic() - began
            if not ready:
                raise ChildFailed("time", f"{self.module} took longer than {self.limits.wall_seconds} s")
            chunk = os.read(self.pipe.fileno(), MB)
            if not chunk:
                break
            self.buffer += chunk
        taken = bytes(self.buffer[:size])
        del self.buffer[:size]
        return taken

    def failure(self) -> ChildFailed:
        """Say why the child ended without an answer."""
        try:
            code = self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return ChildFailed("crash", f"{self.module} closed its answer early")
        self.errors.seek(0, os.SEEK_END)
        self.errors.seek(max(0, self.errors.tell() - STDERR_TAIL))
        tail = self.errors.read().decode(errors="replace")
        if code == -signal.SIGXCPU:
            return ChildFailed("time", f"{self.module} used more than {self.limits.cpu_seconds} s of processor time")
        if code == -signal.SIGKILL or any(word in tail for word in MEMORY_WORDS):
            return ChildFailed("memory", f"{self.module} needed more than {self.limits.memory_mb} MB")
        last = tail.strip().splitlines()[-1:] or [""]
        return ChildFailed("crash", f"{self.module} ended with code {code}: {last[0]}")

    def stop(self) -> None:
        """Kill the whole group and give everything back."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.pipe.close()
        self.errors.close()


def _frames(child: _Child) -> Generator[tuple[bytes, bytes], None, None]:
    child.start()
    try:
        while True:
            head = child.read(FRAME.size)
            if len(head) < FRAME.size:
                raise child.failure()
            tag, size = FRAME.unpack(head)
            if size > MAX_FRAME:
                raise ChildFailed("crash", f"{child.module} broke the protocol")
            payload = child.read(size)
            if len(payload) < size:
                raise child.failure()
            if tag == END:
                return
            if tag == REFUSAL:
                said = json.loads(payload)
                raise ChildFailed("refused", said["code"], code=said["code"], params=said["params"])
            if tag == FAILURE:
                raise ChildFailed("memory", f"{child.module} needed more than {child.limits.memory_mb} MB")
            yield tag, payload
    finally:
        child.stop()
