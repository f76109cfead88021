"""What the demonstration's staff find out about each kind of problem, and what they do about it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Script:
    """What was found out about a kind of problem and done about it."""

    parties: Mapping[str, int]
    reason: str
    chain: tuple[tuple[str, str], ...]  # (answer, evidence), the last one is the root cause
    escape: tuple[str, str]
    containment: str
    corrective: str
    preventive: str
    proof: str
    cost: str
    effect: str


LEAK = Script(
    {"supplier": 80, "carrier": 20},
    "同批次集中出现,外箱完好,判定来料为主。",
    (
        ("瓶盖渗漏,外盒浸湿", "买家照片 4 张,退回 6 件复现"),
        ("瓶盖扭矩低于 0.8 N·m", "抽测 32 件,29 件低于下限"),
        ("换线后没有重新标定拧盖机", "换线点检表没有扭矩项"),
    ),
    ("来料检验只看外观,不测扭矩", "来料检验记录与检验规范 V2"),
    "在库同批次冻结,拦截未发订单",
    "换线点检表加入扭矩项,首件确认后量产",
    "来料检验增加扭矩抽测(AQL 1.0)",
    "点检表与首件记录已回传",
    "6500.00",
    "同批次已停用,之后的批次没有再出现同类投诉。",
)
DAMAGE = Script(
    {"carrier": 100},
    "同一线路集中破损,其他线路正常。",
    (
        ("外箱压扁,内件破损", "签收照片 9 张"),
        ("中转场堆叠过高", "快递公司回复与现场视频"),
        ("该线路改用无隔板笼车", "快递公司调度记录"),
    ),
    ("出库没有跌落测试要求", "包装规范没有跌落项"),
    "该线路暂时改发其他快递",
    "快递公司恢复隔板笼车并限高两层",
    "外箱改为五层瓦楞,每季做跌落测试",
    "整改回函与抽查照片",
    "1280.00",
    "整改后该线路没有再集中破损。",
)
LISTING = Script(
    {"listing": 100},
    "实物与封样一致,详情页图片偏色、尺码表错误。",
    (
        ("买家收到的颜色、尺码与页面不符", "对照封样与详情页截图"),
        ("详情页用了另一款的图片和尺码表", "上新记录"),
        ("上新没有与封样核对的步骤", "上新流程文件"),
    ),
    ("上线前没有人复核", "上新流程没有复核签字"),
    "下架问题图片,客服主动说明",
    "重拍图片,按封样更正尺码表",
    "上新流程加入封样核对并双人签字",
    "新页面截图与流程文件",
    "860.00",
    "换图之后没有再收到描述不符的投诉。",
)
LATE = Script(
    {"carrier": 60, "warehouse": 40},
    "揽收当天都准时,时间花在中转;周末的订单还晚了一天出库。",
    (
        ("包裹比承诺晚到", "物流轨迹逐单对照"),
        ("中转场滞留 36 小时以上", "快递公司扫描记录"),
        ("大促后该线路没有加派班车", "快递公司班次表"),
    ),
    ("承诺时效没有随线路调整", "店铺时效模板"),
    "未到的订单逐单催办并告知买家",
    "该线路加派班车,周末增加一班出库",
    "时效模板按线路每月核对一次",
    "班次表与新模板截图",
    "320.00",
    "加班车之后送达时间回到承诺以内。",
)
MISSING = Script(
    {"warehouse": 100},
    "复称重量偏轻的都出自同一个打包台。",
    (
        ("买家收到的件数不足", "打包录像 5 段"),
        ("赠品和配件单独摆放,打包时漏拿", "现场查看"),
        ("打包单没有列出赠品和配件", "打包单样张"),
    ),
    ("出库没有称重复核", "出库流程文件"),
    "缺件当天补发,同台其余包裹拆箱复查",
    "打包单逐行列出赠品和配件",
    "出库称重,偏差超过 20 克拦下",
    "新打包单与称重记录",
    "540.00",
    "称重上线之后没有再出现少件。",
)
HARDWARE = Script(
    {"supplier": 100},
    "退回件的拉头都来自同一批五金。",
    (
        ("拉链拉头脱落", "退回 8 件,6 件拉头变形"),
        ("拉头壁厚不足", "卡尺测量 20 件"),
        ("供应商换了拉头厂家,没有送样确认", "供应商采购记录"),
    ),
    ("来料没有拉合测试", "来料检验规范"),
    "同批次停售,在库全检",
    "换回原厂拉头,变更须先送样",
    "来料检验加入 500 次拉合测试",
    "新送样确认单与测试记录",
    "2150.00",
    "换回原厂拉头后的批次没有再出现同类投诉。",
)
ALLERGY = Script(
    {"supplier": 100},
    "同批次集中出现,停用后症状消退。",
    (
        ("使用后面部红肿", "买家照片与就诊记录 3 份"),
        ("防腐剂含量高于配方", "送检报告"),
        ("称量没有双人复核", "供应商批生产记录"),
    ),
    ("放行前没有留样检测", "放行记录"),
    "同批次全部停售并通知已购买家停用",
    "称量改为双人复核并留记录",
    "每批放行前送检防腐剂",
    "复核记录与送检报告",
    "9800.00",
    "放行检测之后的批次没有再出现过敏投诉。",
)
OTHER = Script(
    {"service": 100},
    "买家没有写明问题,回访后归类。",
    (
        ("投诉原因写得不清楚", "逐条回访 12 位买家"),
        ("售后单的原因选项太笼统", "售后单截图"),
        ("原因选项上线后没有整理过", "店铺设置记录"),
    ),
    ("没有人定期看「其他」里有什么", "周会记录"),
    "回访后按实际原因改正分类",
    "售后原因改为与分类一致的选项",
    "每周看一次「其他/待判」并归类",
    "新选项截图与周会记录",
    "120.00",
    "换选项之后「其他」不到一成。",
)
BY_TYPE = {
    "leaking": LEAK, "broken": DAMAGE, "crushed": DAMAGE, "bad_packaging": DAMAGE, "late_delivery": LATE, "late_shipping": LATE,
    "lost": LATE, "missing": MISSING, "wrong_item": MISSING, "broken_zip": HARDWARE, "malfunction": HARDWARE, "pilling": HARDWARE,
    "allergy": ALLERGY, "off_colour": LISTING, "colour_differs": LISTING, "size_differs": LISTING, "wrong_size": LISTING,
    "not_as_described": LISTING,
}  # fmt: skip


def script_for(type_code: str) -> Script:
    """Return what is found out about a problem of this type."""
    return BY_TYPE.get(type_code, OTHER)
