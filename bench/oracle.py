"""The opening rule recomputed from the CSV files alone, by another road: pandas frames and plain lists.

It shares no code with the product: complaints are low-star reviews (type "unclassified") and late deliveries (type
"late"); a complaint has an article or a supplier only where all lines of its order agree; rules are SKU, then supplier,
three complaints within thirty days.
"""

from pathlib import Path

import pandas as pd

DAYS, ENOUGH = pd.Timedelta(days=30), 3


def opened_issues(folder: Path) -> tuple[int, int]:
    """Return how many issues the shipped rules open on the Olist files, and how many complaints they hold."""
    complaints = _with_origin(pd.concat([_late(folder), _low(folder)], ignore_index=True), folder)
    cases: list[dict[str, object]] = []
    held: set[int] = set()
    for kind in ("late", "unclassified"):  # late deliveries are judged when the lines are in, reviews at the end
        rows = complaints[complaints.kind == kind].sort_values(["at", "order"], kind="stable")
        _judge(rows.to_dict("records"), cases, held)
    return len(cases), len(held)


def _judge(rows: list[dict[str, object]], cases: list[dict[str, object]], held: set[int]) -> None:
    for position, row in enumerate(rows):
        for scope in ("sku", "supplier"):
            key = row[scope]
            if not isinstance(key, str) or row["id"] in held:
                continue
            at = row["at"]
            name = (scope, key, row["kind"])
            fitting = [c for c in cases if c["name"] == name and c["first"] <= at <= c["last"] + DAYS]  # type: ignore[operator]
            if fitting:
                fitting[0]["last"] = max(fitting[0]["last"], at)  # type: ignore[type-var]
                held.add(row["id"])  # type: ignore[arg-type]
                break
            window = [
                other
                for other in rows[: position + 1]
                if other[scope] == key and other["id"] not in held and at - DAYS < other["at"]  # type: ignore[operator]
            ]
            if len(window) >= ENOUGH:
                cases.append({"name": name, "first": window[0]["at"], "last": at})
                held.update(other["id"] for other in window)  # type: ignore[misc]
                break


def _late(folder: Path) -> pd.DataFrame:
    orders = pd.read_csv(
        folder / "olist_orders_dataset.csv",
        parse_dates=["order_delivered_customer_date", "order_estimated_delivery_date"],
    )
    late = orders[orders.order_delivered_customer_date > orders.order_estimated_delivery_date]
    return pd.DataFrame({"at": late.order_delivered_customer_date, "order": late.order_id, "kind": "late"})


def _low(folder: Path) -> pd.DataFrame:
    reviews = pd.read_csv(folder / "olist_order_reviews_dataset.csv", parse_dates=["review_creation_date"])
    low = reviews.drop_duplicates(["review_id", "order_id"]).query("review_score <= 2")
    return pd.DataFrame({"at": low.review_creation_date, "order": low.order_id, "kind": "unclassified"})


def _with_origin(complaints: pd.DataFrame, folder: Path) -> pd.DataFrame:
    lines = pd.read_csv(folder / "olist_order_items_dataset.csv")
    same = lines.groupby("order_id").agg(
        sku=("product_id", lambda ids: ids.iloc[0] if ids.nunique() == 1 else None),
        supplier=("seller_id", lambda ids: ids.iloc[0] if ids.nunique() == 1 else None),
    )
    joined = complaints.merge(same, left_on="order", right_index=True, how="left")
    joined["id"] = range(len(joined))
    return joined
