"""Write verbs of the master data that people and sources need before any record arrives."""

from sqlalchemy import select

from qtrace.catalog.models import Shop
from qtrace.core.db import require_write

DEFAULT_SHOP = "default"


def ensure_shop(key: str, *, name: str, platform: str = "", currency: str = "CNY", zone: str = "Asia/Shanghai") -> int:
    """Return the id of the shop with this key, opening it when it is new; what is there stays as it is."""
    session = require_write()
    found = session.scalar(select(Shop.id).where(Shop.key == key))
    if found is not None:
        return found
    shop = Shop(key=key, name=name, platform=platform, currency=currency, zone=zone)
    session.add(shop)
    session.flush()  # for the shop's id, which its records carry
    return shop.id
