"""The words of typed conditions, Chinese and English."""

from collections.abc import Mapping

OR = frozenset({"or", "或", "或者"})
AND = frozenset({"and", "且", "并且"})
NOT = frozenset({"not", "非", "并非"})
GROUPS: Mapping[str, str] = {"all": "all", "全部": "all", "any": "any", "任一": "any"}
YES = frozenset({"true", "yes", "真", "是"})
NO = frozenset({"false", "no", "假", "否"})
TO = frozenset({"and", "to", "至", "到", "且", "和"})

_SIGNS: Mapping[str, str] = {"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
# How each operator is written in each language; all of them are read, whatever the language.
WORDS: Mapping[str, Mapping[str, str]] = {
    "zh": {
        **_SIGNS, "between": "介于", "in": "属于", "not_in": "不属于", "contains": "包含", "not_contains": "不包含",
        "starts_with": "开头是", "contains_any": "包含任一", "has_any": "有任一", "has_all": "有全部", "has_none": "没有",
        "is_empty": "为空", "not_empty": "不为空", "is_true": "为是", "is_false": "为否", "has_been": "曾是",
        "has_never_been": "从未是", "changed_from": "改自", "changed": "已改",
    },
    "en": {
        **_SIGNS, "between": "between", "in": "in", "not_in": "not in", "contains": "contains",
        "not_contains": "not contains", "starts_with": "starts with", "contains_any": "contains any",
        "has_any": "has any", "has_all": "has all", "has_none": "has none", "is_empty": "is empty",
        "not_empty": "is not empty", "is_true": "is true", "is_false": "is false", "has_been": "has been",
        "has_never_been": "has never been", "changed_from": "changed from", "changed": "changed",
    },
}  # fmt: skip
JOINTS: Mapping[str, Mapping[str, str]] = {
    "zh": {"all": "且", "any": "或", "not": "非", "to": "至", "all(": "全部", "any(": "任一"},
    "en": {"all": "and", "any": "or", "not": "not", "to": "and", "all(": "all", "any(": "any"},
}
OPS: Mapping[str, str] = {
    **{word.replace(" ", "_"): op for words in WORDS.values() for op, word in words.items()},
    **{op: op for op in WORDS["en"]},
    "等于": "eq", "不等于": "ne", "小于": "lt", "不大于": "le", "大于": "gt", "不小于": "ge", "是": "eq", "不是": "ne",
}  # fmt: skip
# How many words an operator has at most.
LONGEST = 3
# A field called like one of these is written in braces.
RESERVED = frozenset({*OR, *AND, *NOT, *GROUPS, *YES, *NO, *TO, *(part for word in OPS for part in word.split("_"))})
