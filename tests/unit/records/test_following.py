"""What follows from the answers of a record: its title, its words and its columns."""

from flask import Flask

from qtrace.forms.vocabulary import read_definition
from qtrace.records.following import Following
from tests.factories.forms import RESULTS, asked


def following(*fields: object, slots: dict[str, str] | None = None) -> Following:
    sections = [{"id": "main", "title_zh": "检验", "title_en": "Inspection", "fields": list(fields)}]
    return Following(read_definition("some", {"sections": sections}), slots)


def test_a_record_is_called_by_its_first_filled_field_of_the_list(sqlite_app: Flask) -> None:
    with sqlite_app.test_request_context():
        found = following(asked("remark", "text", "说明"), asked("item", "text", "项目", in_list=True))
        assert found.title({"remark": "外箱破", "item": "瓶盖\n扭力"}) == "瓶盖 扭力"
        assert found.title({"remark": "外箱破", "item": ""}) == "外箱破"
        assert found.title({}) == ""


def test_a_record_is_found_by_the_names_of_its_choices_and_not_by_numbers(sqlite_app: Flask) -> None:
    with sqlite_app.test_request_context():
        found = following(asked("result", "select", "结论", choices=RESULTS), asked("qty", "integer", "数量"))
        for _again in range(2):
            assert found.searched("IQ-1", {"result": "fail", "qty": 12}) == "IQ-1\n不合格"
        assert found.searched("IQ-2", {"result": "pass", "qty": 12}) == "IQ-2\n合格"


def test_equal_answers_of_different_kinds_are_told_apart(sqlite_app: Flask) -> None:
    with sqlite_app.test_request_context():
        found = following(
            asked("urgent", "switch", "加急"), asked("qty", "integer", "数量"), slots={"urgent": "b1", "qty": "n1"}
        )
        assert found.columns({"urgent": True, "qty": 1})["b1"] is True
        assert found.columns({"urgent": True, "qty": 1})["n1"] == 1_000_000
        assert found.columns({"urgent": False}) == {"sku_id": None, "shop_id": None, "b1": False, "n1": None}


def test_decimals_keep_their_places(sqlite_app: Flask) -> None:
    with sqlite_app.test_request_context():
        found = following(asked("size", "decimal", "直径", digits=3), slots={"size": "n1"})
        assert found.columns({"size": "1.250"})["n1"] == 1_250_000
