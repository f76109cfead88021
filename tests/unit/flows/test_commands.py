"""The flows on the command line: listed, taken out, checked and brought in."""

from pathlib import Path

import pytest
from flask import Flask

from qtrace.core.db import db
from qtrace.core.errors import NotFound, Refused
from qtrace.flows.commands import flow_check, flow_export, flow_import, flow_list


def test_a_flow_leaves_as_a_file_and_comes_back_as_the_next_version(sqlite_app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "flow.json"
    with sqlite_app.test_request_context():
        assert flow_export("quality_issue", file, None) == 1
        assert flow_check(file) == {"key": "quality_issue", "name": "质量问题", "nodes": 5}
        with pytest.raises(Refused, match="一样"):
            flow_import(file, "")
        file.write_text(file.read_text("utf-8").replace("定责", "先定责"), "utf-8")
        assert flow_import(file, "") == ("quality_issue", 2)
        db.session.remove()
        rows = flow_list()
    assert rows == [{"key": "quality_issue", "name": "质量问题", "version": 2, "running": 0, "used_by": []}]


def test_what_is_not_there_is_named(sqlite_app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "flow.json"
    with sqlite_app.test_request_context():
        flow_export("quality_issue", file, 1)
        for act in (lambda: flow_export("recall", file, None), lambda: flow_import(file, "recall")):
            with pytest.raises(NotFound):
                act()
        file.write_text("[]", "utf-8")
        with pytest.raises(Refused, match="不是流程文件"):
            flow_check(file)
