"""What the demo company sells: about 150 articles with their kits and gifts, and the lots they were made in."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import cycle, product
from random import Random

from qtrace.sdk.records import Category, Lot, Product
from qtrace.setup.demo_data.names import suppliers

SERUM = "HF-ROSE-30"
CARDIGAN = "FZ-CARD-OAT-M"
TOTE = "XB-TOTE-BLK"

CATEGORIES = (
    Category(external_id="C-HF", name="护肤"),
    Category(external_id="C-CZ", name="彩妆"),
    Category(external_id="C-XH", name="洗护"),
    Category(external_id="C-FZ", name="服装"),
    Category(external_id="C-XB", name="箱包配饰"),
    Category(external_id="C-TZ", name="礼盒套装"),
    Category(external_id="C-ZP", name="赠品"),
)


@dataclass(frozen=True, kw_only=True)
class Good:
    """An article as the generator needs it: the record, its price, how often it sells and what a kit holds."""

    product: Product
    trade: str
    price: Decimal
    share: float = 0.0
    parts: tuple[str, ...] = ()

    @property
    def sku(self) -> str:
        """Return the article's code."""
        return self.product.external_id

    @property
    def kind(self) -> str:
        """Return what buyers would call it, where one trade makes things that are spoken of differently."""
        return _KINDS.get(self.product.product_code, self.trade)


@dataclass(frozen=True, kw_only=True)
class LotInUse:
    """A lot and the day from which warehouses pick it; `clean` means that nothing older was left to pick."""

    lot: Lot
    opens_on: date
    clean: bool = False


@dataclass(frozen=True)
class Shelf:
    """The lots of one article in the order they were opened."""

    lots: tuple[LotInUse, ...]

    def pick(self, day: date, rng: Random) -> Lot:
        """Return the lot that a picker takes on that day; the older one is used up in the first ten days."""
        at = max(bisect_right(self.lots, day, key=lambda used: used.opens_on) - 1, 0)
        used = self.lots[at]
        leftover = at > 0 and not used.clean and day < used.opens_on + timedelta(days=10)
        return self.lots[at - 1].lot if leftover and rng.random() < 0.4 else used.lot


# category, code, name, price, grams, variants as code=words; "/" joins a second axis.
_SKIN = """
C-HF HF-ROSE 玫瑰精华液 139 95 15=15ml,30=30ml,50=50ml
C-HF HF-NIA 烟酰胺亮肤精华 119 90 20=20ml,30=30ml
C-HF HF-WASH 氨基酸洁面乳 59 160 100=100g,150=150g
C-HF HF-TON 玻尿酸爽肤水 79 240 120=120ml,200=200ml
C-HF HF-CREAM 神经酰胺面霜 128 120 30=30g,50=50g
C-HF HF-MASK 积雪草补水面膜 69 180 5=5片装,10=10片装
C-HF HF-SUN 清透防晒乳 89 80 40=40ml,60=60ml
C-HF HF-EYE 紧致眼霜 109 50 15=15g,20=20g
C-HF HF-OIL 轻柔卸妆油 75 230 150=150ml,200=200ml
C-HF HF-BODY 牛油果身体乳 65 320 200=200ml,400=400ml
C-HF HF-HAND 滋润护手霜 29 45 SAK=樱花香,POM=柚子香,CED=雪松香
"""
_MAKEUP = """
C-CZ CZ-LIP 丝绒口红 79 25 01=豆沙,02=正红,03=枫叶红,04=奶茶,05=梅子,06=珊瑚,07=玫瑰豆沙,08=砖红
C-CZ CZ-GLOSS 镜面唇釉 69 20 01=蜜桃,02=樱桃,03=焦糖,04=裸粉,05=莓果,06=透明
C-CZ CZ-FOUND 轻透粉底液 129 110 W1=瓷白,W2=自然,N1=象牙,N2=小麦
C-CZ CZ-CUSH 养肤气垫 149 85 W1=瓷白,W2=自然,N1=象牙
C-CZ CZ-EYE 九色眼影盘 99 130 01=大地,02=晚霞,03=蔷薇,04=海盐
C-CZ CZ-BROW 双头眉笔 39 15 01=灰棕,02=深棕,03=黑茶
C-CZ CZ-LASH 纤长睫毛膏 59 22 BLK=黑色,BRN=棕色
C-CZ CZ-BLUSH 柔雾腮红 55 35 01=奶杏,02=白桃,03=蔷薇
"""
_HAIR = """
C-XH XH-SHAM 生姜控油洗发水 59 560 300=300ml,500=500ml,800=800ml
C-XH XH-COND 顺滑护发素 55 540 300=300ml,500=500ml
C-XH XH-BATH 白茶沐浴露 49 580 300=300ml,500=500ml,800=800ml
"""
_APPAREL = """
C-FZ FZ-CARD 针织开衫 169 380 OAT=燕麦色,BLU=雾蓝,BLK=黑色/S,M,L
C-FZ FZ-TEE 纯棉T恤 69 210 WHT=白色,BLK=黑色,GRY=灰色/S,M,L,XL
C-FZ FZ-WIDE 垂感阔腿裤 129 420 BLK=黑色,KHA=卡其色/S,M,L
C-FZ FZ-SHIRT 通勤衬衫 139 260 WHT=白色,BLU=浅蓝/S,M,L
C-FZ FZ-DRESS 收腰连衣裙 199 350 FLO=碎花,BLK=纯黑/S,M,L
C-FZ FZ-HOOD 宽松卫衣 149 520 GRY=花灰,PNK=藕粉,GRN=墨绿/S,M,L
C-FZ FZ-SKIRT A字半身裙 119 300 KHA=卡其色,BLK=黑色/S,M,L
C-FZ FZ-LEG 高腰打底裤 79 230 BLK=黑色,GRY=深灰/M,L
"""
_BAG = """
C-XB XB-TOTE 通勤托特包 219 780 BLK=黑色,BRN=焦糖棕,CRM=米白
C-XB XB-CROSS 复古斜挎包 159 460 BLK=黑色,GRN=橄榄绿
C-XB XB-POUCH 旅行化妆包 49 150 PNK=粉色,GRY=灰色,CRM=米白
C-XB XB-SCARF 桑蚕丝小方巾 89 40 01=花信,02=湖光,03=晚霞,04=松间
C-XB XB-HAT 渔夫帽 59 110 BLK=黑色,KHA=卡其色,CRM=米白
C-XB XB-SOCK 中筒棉袜五双装 39 200 WHT=白色,BLK=黑色,MIX=混色,GRY=灰色
"""
_GIFT = """
C-ZP ZP-MINI 小样 0 15 ROSE=玫瑰精华液5ml,SUN=防晒乳5ml,CREAM=面霜5g
C-ZP ZP-GIFT 赠品 0 30 PUFF=粉扑,BAND=束发带,CARD=祝福卡
"""
_CATALOG = {"skin": _SKIN, "makeup": _MAKEUP, "hair": _HAIR, "apparel": _APPAREL, "bag": _BAG, "gift": _GIFT}
_KITS = (
    ("TZ-ROSE", "玫瑰焕亮礼盒", 239, (SERUM, "HF-TON-120", "HF-CREAM-30")),
    ("TZ-CLEAN", "清洁三件套", 159, ("HF-WASH-100", "HF-OIL-150", "HF-MASK-5")),
    ("TZ-LIP", "三支口红礼盒", 199, ("CZ-LIP-01", "CZ-LIP-03", "CZ-LIP-04")),
    ("TZ-BASE", "底妆组合", 235, ("CZ-FOUND-W2", "CZ-CUSH-W2")),
    ("TZ-HAIR", "洗护两件套", 99, ("XH-SHAM-500", "XH-COND-500")),
    ("TZ-TRIP", "出行套装", 149, ("XB-POUCH-CRM", "HF-SUN-40", "HF-HAND-SAK")),
)
# The articles of the tour sell well enough for their rates to mean something.
_BESTSELLERS = {SERUM: 0.11, CARDIGAN: 0.055, TOTE: 0.06}
_LOT_DAYS = {"skin": 35, "makeup": 45, "hair": 45, "apparel": 70, "bag": 60, "gift": 120}
_KINDS = {
    "CZ-LIP": "lipstick",
    "CZ-BROW": "lipstick",
    "CZ-CUSH": "powder",
    "CZ-EYE": "powder",
    "CZ-BLUSH": "powder",
    "XB-SCARF": "accessory",
    "XB-HAT": "accessory",
    "XB-SOCK": "accessory",
}
_SHELF_LIFE_DAYS = {"skin": 1095, "makeup": 1095, "hair": 1095}
_LOT_LETTERS = {"skin": "B", "makeup": "C", "hair": "X", "apparel": "F", "bag": "J", "gift": "Z"}


def catalog() -> dict[str, Good]:
    """Return every article by its code; shares of the single articles add up to one."""
    names = {category.external_id: category.name for category in CATEGORIES}
    makers = {trade: cycle(found) for trade, found in suppliers().items()}
    goods: dict[str, Good] = {}
    for trade, text in _CATALOG.items():
        for row in text.strip().split("\n"):
            category, code, name, price, grams, variants = row.split()
            maker = next(makers[trade]).external_id
            for number, (suffix, words) in enumerate(_variants(variants)):
                sold = Product(
                    external_id=f"{code}-{suffix}",
                    name=f"{name} {words}",
                    product_code=code,
                    category=names[category],
                    barcode=_barcode(len(goods) + 1),
                    supplier=maker,
                    weight_g=int(grams),
                )
                step = number * 10 if trade in ("skin", "hair") and "ml" in words else 0
                goods[sold.external_id] = Good(product=sold, trade=trade, price=Decimal(int(price) + step))
    _share_out(goods)
    for code, name, kit_price, parts in _KITS:
        weight = sum(goods[part].product.weight_g or 0 for part in parts)
        kit = Product(
            external_id=code,
            name=name,
            product_code=code,
            category="礼盒套装",
            barcode=_barcode(len(goods) + 1),
            supplier=goods[parts[0]].product.supplier,
            weight_g=weight + 60,
        )
        goods[code] = Good(product=kit, trade=goods[parts[0]].trade, price=Decimal(kit_price), parts=parts)
    return goods


def shelves(
    goods: dict[str, Good], rng: Random, span: tuple[date, date], fixed: dict[str, list[date]]
) -> dict[str, Shelf]:
    """Return the lots of every article over the span; `fixed` names days on which a lot must have been opened."""
    opened: list[tuple[date, Good, bool]] = []
    for good in goods.values():
        if not good.parts:
            days = fixed.get(good.sku, [])
            opened += [(day, good, day in days) for day in _opening_days(good, rng, span, days)]
    opened.sort(key=lambda entry: (entry[0], entry[1].sku))
    numbers: dict[str, int] = {}
    found: dict[str, list[LotInUse]] = {}
    for day, good, planned in opened:
        made_on = day - timedelta(days=rng.randint(14, 26))
        month = f"{_LOT_LETTERS[good.trade]}{made_on:%y%m}"
        numbers[month] = numbers.get(month, 0) + 1
        life = _SHELF_LIFE_DAYS.get(good.trade)
        lot = Lot(
            external_id=f"{month}-{numbers[month]:02d}",
            sku=good.sku,
            supplier=good.product.supplier,
            made_on=made_on,
            expires_on=made_on + timedelta(days=life) if life else None,
        )
        # The serum's planned lot mixes with its forerunner as any other does; the bag's was exchanged in one day.
        clean = planned and good.sku == TOTE
        found.setdefault(good.sku, []).append(LotInUse(lot=lot, opens_on=day, clean=clean))
    return {sku: Shelf(tuple(lots)) for sku, lots in found.items()}


def _variants(text: str) -> Iterator[tuple[str, str]]:
    first, _, second = text.partition("/")
    pairs = [entry.partition("=")[::2] for entry in first.split(",")]
    for (code, words), size in product(pairs, second.split(",")):
        yield (f"{code}-{size}", f"{words} {size}") if size else (code, words)


def _barcode(number: int) -> str:
    # 20… is the range that GS1 leaves to a company's own use, so no real article carries it.
    digits = f"20{number * 37:010d}"
    total = sum(int(digit) * (3 if at % 2 else 1) for at, digit in enumerate(digits))
    return f"{digits}{-total % 10}"


def _share_out(goods: dict[str, Good]) -> None:
    plain = [good for good in goods.values() if good.trade != "gift" and good.sku not in _BESTSELLERS]
    # Some run better than others: a small repeating pattern, so that neighbours differ.
    weights = {good.sku: 1.0 + (at * 7 % 11) / 4 for at, good in enumerate(plain)}
    left = 1.0 - sum(_BESTSELLERS.values())
    total = sum(weights.values())
    shares = _BESTSELLERS | {sku: left * weight / total for sku, weight in weights.items()}
    for sku, share in shares.items():
        good = goods[sku]
        goods[sku] = Good(product=good.product, trade=good.trade, price=good.price, share=share)


def _opening_days(good: Good, rng: Random, span: tuple[date, date], fixed: list[date]) -> list[date]:
    start, end = span
    usual = _LOT_DAYS[good.trade]
    day = start - timedelta(days=rng.randint(0, usual))
    found = [day]
    while (day := day + timedelta(days=rng.randint(usual * 3 // 4, usual * 5 // 4))) < end:
        found.append(day)
    if fixed:
        gap = timedelta(days=14)
        found = [day for day in found if not fixed[0] - gap < day < fixed[-1] + gap] + fixed
    return sorted(found)
