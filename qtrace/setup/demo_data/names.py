"""Who and where: the shops, people, suppliers, warehouses and couriers of the demo company; all of them invented."""

from dataclasses import dataclass

from qtrace.sdk.records import Supplier, Warehouse


@dataclass(frozen=True, kw_only=True)
class ShopSeed:
    """A source of records: a platform shop, or the ERP that holds the master data."""

    key: str
    name: str
    platform: str


@dataclass(frozen=True, kw_only=True)
class Department:
    """A department and the username of its head."""

    name: str
    head: str


@dataclass(frozen=True, kw_only=True)
class Person:
    """A member of staff; `role` is the key of one of the shipped roles."""

    username: str
    name: str
    nickname: str
    role: str
    department: str


@dataclass(frozen=True, kw_only=True)
class Province:
    """Where parcels go: how many of them, from which warehouse, and how many days they usually take."""

    name: str
    share: int
    warehouse: str
    days: int


@dataclass(frozen=True, kw_only=True)
class Courier:
    """A courier, how its tracking numbers begin, and its part of the parcels outside its own lines."""

    name: str
    prefix: str
    share: int


ERP = ShopSeed(key="erp", name="ERP·商品与库存", platform="erp")
SHOPS = (
    ShopSeed(key="douyin", name="抖店旗舰店", platform="douyin"),
    ShopSeed(key="tmall", name="天猫旗舰店", platform="tmall"),
    ShopSeed(key="pdd", name="拼多多店", platform="pdd"),
    ShopSeed(key="wechat", name="微信小店", platform="wechat"),
)
SHOP_SHARES = (38, 32, 20, 10)

DEPARTMENTS = (
    Department(name="质量部", head="wangjing"),
    Department(name="客服部", head="chenxiao"),
    Department(name="仓储部", head="ligong"),
    Department(name="采购部", head="zhoumin"),
    Department(name="总经办", head="zhaozong"),
)
PEOPLE = (
    Person(username="admin", name="管理员", nickname="管理员", role="admin", department="总经办"),
    Person(username="wangjing", name="王静", nickname="王姐", role="quality_lead", department="质量部"),
    Person(username="ligong", name="李工", nickname="李工", role="inspector", department="仓储部"),
    Person(username="chenxiao", name="陈晓", nickname="小陈", role="customer_service", department="客服部"),
    Person(username="zhoumin", name="周敏", nickname="周敏", role="purchasing", department="采购部"),
    Person(username="zhaozong", name="赵总", nickname="老板", role="owner", department="总经办"),
    Person(username="sunlei", name="孙磊", nickname="孙磊", role="auditor", department="总经办"),
)

HANGZHOU, GUANGZHOU, CHENGDU = "WH-HZ", "WH-GZ", "WH-CD"
WAREHOUSES = (
    Warehouse(external_id=HANGZHOU, name="杭州仓", region="浙江"),
    Warehouse(external_id=GUANGZHOU, name="广州仓", region="广东"),
    Warehouse(external_id=CHENGDU, name="成都仓", region="四川"),
)
WAREHOUSE_CITIES = {HANGZHOU: "杭州", GUANGZHOU: "广州", CHENGDU: "成都"}

COURIERS = (
    Courier(name="中通", prefix="ZT", share=30),
    Courier(name="圆通", prefix="YT", share=24),
    Courier(name="韵达", prefix="YD", share=20),
    Courier(name="顺丰", prefix="SF", share=14),
    Courier(name="京东", prefix="JD", share=12),
)

_PROVINCES = """
广东 12 WH-GZ 1|江苏 9 WH-HZ 1|浙江 9 WH-HZ 1|湖南 8 WH-GZ 2|山东 7 WH-HZ 2|四川 7 WH-CD 1|河南 6 WH-HZ 2
湖北 5 WH-GZ 2|福建 5 WH-GZ 2|上海 5 WH-HZ 1|北京 5 WH-HZ 2|安徽 4 WH-HZ 1|河北 4 WH-HZ 2|江西 3 WH-GZ 2
陕西 3 WH-CD 2|重庆 3 WH-CD 1|广西 3 WH-GZ 2|辽宁 3 WH-HZ 3|云南 2 WH-CD 2|贵州 2 WH-CD 2|山西 2 WH-HZ 2
天津 2 WH-HZ 2|黑龙江 2 WH-HZ 4|吉林 1 WH-HZ 4|海南 1 WH-GZ 3|内蒙古 1 WH-HZ 4|甘肃 1 WH-CD 3|新疆 1 WH-CD 5
"""


def _province(text: str) -> Province:
    name, share, warehouse, days = text.split()
    return Province(name=name, share=int(share), warehouse=warehouse, days=int(days))


PROVINCES = tuple(_province(text) for line in _PROVINCES.split("\n") if line for text in line.split("|"))

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶"

# The first of a trade makes the goods that the tour talks about; see troubles.py.
_SUPPLIERS = {
    "skin": "芷澄美妆灌装包材 浙江|沐棠岚生物科技 上海|棠溪鹭日化 广东|澜芷研护肤品 广东|云苒禾生物 江苏|"
    "初岫美妆代工 广东|芙漾精细化工 浙江|晴笙露日化 福建|知蔻研化妆品 山东|棉棠舒面膜制品 广东",
    "makeup": "绛曦彩妆制造 广东|黛砚棠化妆用品 浙江|朱漪色料科技 上海|点霁唇妆 广东|拂翎眉眼彩妆 浙江|"
    "霓棠气垫制品 江苏|陌桃粉体科技 广东|瑾色笺彩妆 福建",
    "hair": "青檬漪洗护 广东|柏芷泉日化 江苏|沁川荷洗涤用品 四川",
    "apparel": "织屿棠针织 浙江|棉岫里服饰 江苏|布禾笺制衣 广东|云纺朵服装 浙江|素楹线服饰 福建|麦漪针纺 山东|"
    "锦芜裳制衣 广东|棠衿服饰 江苏|南笙裤业 广东|北屿绒制衣 河北|纱町时装 浙江",
    "bag": "驼铃屿箱包 广东|拾皮匠箱包 河北|帛漪丝绸配饰 浙江|帽檐里服饰配件 江苏|袜禾针织 浙江",
    "gift": "小满笺礼品 浙江|纸间屿印刷包装 广东|玻璃棠小样分装 广东",
}


def suppliers() -> dict[str, tuple[Supplier, ...]]:
    """Return the suppliers of each trade, numbered S01 to S40."""
    found: dict[str, tuple[Supplier, ...]] = {}
    number = 0
    for trade, text in _SUPPLIERS.items():
        rows: list[Supplier] = []
        for entry in text.split("|"):
            name, region = entry.split()
            number += 1
            contact = f"{SURNAMES[number]}*(质量对接)"
            rows.append(Supplier(external_id=f"S{number:02d}", name=f"{name}有限公司", region=region, contact=contact))
        found[trade] = tuple(rows)
    return found
