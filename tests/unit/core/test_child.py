"""The child process: its answers, its limits and its end."""

import os
import textwrap
from pathlib import Path

import pytest

from qtrace.core import child
from qtrace.core.child import ChildFailed, Limits, run_child, stream_child

QUICK = Limits(cpu_seconds=5, memory_mb=200, wall_seconds=20, file_mb=1)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A child module outside the package, with one handler per test, chosen by the request."""
    (tmp_path / "pretend_child.py").write_text(
        textwrap.dedent(
            """
            import os, resource, subprocess, sys, time
            from qtrace.core.child import ChildRefused, serve

            def echo(request): return request.input.read()
            def rows(request): return ({"n": n} for n in range(request.data["count"]))
            def endless(request):
                while True: yield {"pid": os.getpid()}
            def spin(request):
                while True: pass
            def wait(request): time.sleep(600)
            def eat(request): return bytes(2_000_000_000)
            def die(request): os.abort()
            def refuse(request): raise ChildRefused("not_nice", size=3)
            def fail(request): raise RuntimeError("broken inside")
            def chat(request): print("noise"); os.write(1, b"more noise"); return b"clean"
            def secrets(request): return repr(dict(os.environ)).encode()
            def write(request):
                with open(request.data["path"], "wb") as file: file.write(bytes(3_000_000))
                return b""
            def limits(request): return repr(resource.getrlimit(resource.RLIMIT_CORE)).encode()
            def half(request):
                yield {"n": 1}
                os._exit(0)
            def grandchild(request):
                other = subprocess.Popen(["sleep", "600"])
                yield {"pid": other.pid}
                time.sleep(600)

            if __name__ == "__main__":
                serve(lambda request: globals()[request.data["do"]](request))
            """
        )
    )
    (tmp_path / "qtrace").symlink_to(child.ROOT / "qtrace")
    monkeypatch.setattr(child, "ROOT", tmp_path)
    return "pretend_child"


def gone(pid: int) -> bool:
    """Say whether the process has ended (a zombie that nobody reaped counts as ended)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return True
    return state in "ZX"


def test_bytes_go_in_and_come_back(module: str) -> None:
    content = os.urandom(3_000_000)
    assert run_child(module, request={"do": "echo"}, limits=QUICK, input_bytes=content) == content


def test_a_path_is_opened_by_the_child(module: str, tmp_path: Path) -> None:
    (tmp_path / "输入.bin").write_bytes(b"inside")
    assert run_child(module, request={"do": "echo"}, limits=QUICK, input_path=tmp_path / "输入.bin") == b"inside"


def test_json_lines_come_as_a_stream(module: str) -> None:
    lines = stream_child(module, request={"do": "rows", "count": 2000}, limits=QUICK)
    assert [line["n"] for line in lines] == list(range(2000))


def test_an_endless_stream_ends_when_the_reader_stops(module: str) -> None:
    lines = stream_child(module, request={"do": "endless"}, limits=QUICK)
    pid = next(lines)["pid"]
    lines.close()
    assert gone(pid)


def test_closing_the_stream_kills_the_whole_group(module: str) -> None:
    lines = stream_child(module, request={"do": "grandchild"}, limits=QUICK)
    pid = next(lines)["pid"]
    lines.close()
    for _ in range(1_000_000):
        if gone(pid):
            break
    assert gone(pid)


def test_too_much_processor_time_is_a_time_failure(module: str) -> None:
    with pytest.raises(ChildFailed) as failed:
        run_child(module, request={"do": "spin"}, limits=Limits(cpu_seconds=1, wall_seconds=30))
    assert failed.value.kind == "time"


def test_a_sleeping_child_is_a_time_failure(module: str) -> None:
    with pytest.raises(ChildFailed) as failed:
        run_child(module, request={"do": "wait"}, limits=Limits(wall_seconds=0.5))
    assert failed.value.kind == "time"


def test_too_much_memory_is_a_memory_failure(module: str) -> None:
    with pytest.raises(ChildFailed) as failed:
        run_child(module, request={"do": "eat"}, limits=QUICK)
    assert failed.value.kind == "memory"


@pytest.mark.parametrize("what", ["die", "fail", "half", "write"])
def test_an_end_without_an_answer_is_a_crash(module: str, what: str, tmp_path: Path) -> None:
    with pytest.raises(ChildFailed) as failed:
        list(stream_child(module, request={"do": what, "path": str(tmp_path / "big")}, limits=QUICK))
    assert failed.value.kind == "crash"


def test_a_refusal_carries_its_code_and_parameters(module: str) -> None:
    with pytest.raises(ChildFailed) as failed:
        run_child(module, request={"do": "refuse"}, limits=QUICK)
    assert (failed.value.kind, failed.value.code, failed.value.params) == ("refused", "not_nice", {"size": 3})


def test_what_a_library_prints_does_not_spoil_the_answer(module: str) -> None:
    assert run_child(module, request={"do": "chat"}, limits=QUICK) == b"clean"


def test_the_child_sees_no_environment_of_ours(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QTRACE_SECRET_KEY", "very-secret-canary")
    assert b"canary" not in run_child(module, request={"do": "secrets"}, limits=QUICK)


def test_a_crash_leaves_no_core_file(module: str) -> None:
    assert run_child(module, request={"do": "limits"}, limits=QUICK) == b"(0, 0)"
