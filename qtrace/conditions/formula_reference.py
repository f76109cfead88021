"""The table of functions for the documentation, made from the functions themselves."""

from collections.abc import Iterable

from qtrace.conditions.formula_tree import Function


def function_table(functions: Iterable[Function]) -> str:
    """Return a Markdown table of the functions: how each is written, its Chinese name, what it does, an example."""
    head = "| 写法 | 中文名 | 作用 | 例子 |\n|---|---|---|---|\n"
    return head + "".join(
        f"| `{function.signature()}` | {function.name_zh} | {function.help_zh} | `{function.example}` |\n"
        for function in functions
    )
