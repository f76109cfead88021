"""What buyers say: praise and complaints put together from fragments, and the reasons they tick for a refund."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, kw_only=True)
class Reason:
    """A reason as a platform offers it; `quality` tells whether the goods or the way they came are to blame."""

    code: int
    words: str
    quality: bool


@dataclass(frozen=True, kw_only=True)
class Theme:
    """What can be wrong: the reasons ticked, what happened, and how it went on."""

    reasons: tuple[Reason, ...]
    happened: tuple[str, ...]
    detail: tuple[str, ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split("|"))


def _theme(reasons: str, happened: str, detail: str) -> Theme:
    pairs = [entry.split("=") for entry in reasons.split(" ")]
    return Theme(
        reasons=tuple(Reason(code=int(code), words=words, quality=True) for code, words in pairs),
        happened=_words(happened),
        detail=_words(detail),
    )


THEMES = {
    "leak": _theme(
        "21=漏液 22=包装破损/渗漏 11=质量问题",
        "打开快递发现精华液漏液了|瓶盖松的,拧紧了还是往外渗|收到时外盒浸湿一大片|瓶口一圈都是液体,漏了差不多三分之一|"
        "放包里一天就漏液,盖子根本盖不严|瓶盖松动,一倒过来就滴|外盒浸湿发软,里面瓶身黏糊糊的",
        "瓶身封膜是好的,应该是盖子的问题|快递箱是干的,明显是瓶子自己漏|滴管口有空隙,盖子转到底还能晃|"
        "只剩大半瓶,这钱花得冤|衣服都沾上了|同事买的同款就没这个问题|里面的内塞没有压到位",
    ),
    "allergy": _theme(
        "31=使用后过敏",
        "用了两次脸上过敏红肿|涂完半小时脸颊红肿发烫|第二天起了一片红疹,皮肤过敏了",
        "之前用过两瓶都没事,这瓶盖子还松|已经停用,去医院开了药|瓶口漏过,怀疑里面的东西变质了",
    ),
    "damage": _theme(
        "16=商品破损 17=外包装压扁/破损 18=运输破损",
        "纸箱被压扁了|到手盒子破损,一个角全烂|快递箱压得不成样子|包装破损,里面的东西也磕坏了|外箱有踩踏的脚印,已经压扁",
        "快递员放下就走,也不让验货|泡泡纸只裹了一层|送人的礼物根本拿不出手|封口胶带也开了|打电话给网点一直没人接",
    ),
    "mismatch": _theme(
        "13=描述不符 41=颜色与描述不符 42=尺码与描述不符",
        "色差太大,图片是燕麦色,收到偏黄绿|尺码偏小,M码穿着像S码|颜色和页面描述不符|"
        "按尺码表买的M,肩膀和袖子都紧,尺码偏小|和图片色差明显,像两件衣服|页面写胸围104,实际量只有96,描述不符",
        "平时别家M都合适|客服说光线问题,阳光下看也一样|详情页的尺码表应该改一改|对照了买家秀也不是这个颜色|面料倒还行",
    ),
    "zipper": _theme(
        "51=拉链坏 11=质量问题 108=做工粗糙/有瑕疵",
        "拉链拉两下就卡住了|背了三天拉链头掉了|拉链齿咬合不上,一拉就裂开|主袋拉链是坏的,怎么拉都合不拢",
        "包里东西差点掉出来|皮质还可以,败在拉链|修包师傅说拉链质量太差|刚过一周就这样",
    ),
    "texture": _theme(
        "11=质量问题 32=结块/有异样",
        "质地和上次买的不一样,有点结块|挤出来水油分离|里面有小颗粒|味道怪怪的,像放久了",
        "用着不放心|不敢往脸上用|看了日期还早|问客服说是正常现象",
    ),
    "pump": _theme(
        "11=质量问题 108=做工粗糙/有瑕疵",
        "按压头按不出来|喷头卡死了|按头是歪的,按下去弹不回来",
        "只能拆开倒着用|换了个旧瓶子的才行|按十几下才出一点|浪费了不少",
    ),
    "powder": _theme(
        "16=商品破损 11=质量问题",
        "打开就是碎的|盖子的磁扣合不上|粉块松动,一碰就掉粉|粉面裂了一道口子",
        "第一次用就这样|外盒完好,应该是出厂就碎|弄得化妆包里到处都是|用不了了",
    ),
    "stick": _theme(
        "11=质量问题 108=做工粗糙/有瑕疵",
        "膏体断了|膏体是歪的,一盖就蹭到|旋转的膏体转不出来|盖子盖不紧,一提就掉",
        "第一次用就这样|外面的盒子是好的|只能拿牙签挑着用|用不了了",
    ),
    "pilling": _theme(
        "62=起球/掉毛 63=褪色 11=质量问题",
        "穿了一次就起球|洗一水就褪色,水都染了|掉毛严重,里面的衣服沾得全是|洗完缩水一大截",
        "按洗标手洗的|才穿两天|靠近缝线的地方最明显|质量不如上一批",
    ),
    "thread": _theme(
        "64=开线 108=做工粗糙/有瑕疵",
        "侧缝开线了|线头特别多,有一处已经脱线|有个地方缝得很松,用一次就开|走线歪歪扭扭",
        "自己拿针补了几针|吊牌还没拆|做工粗糙|希望出厂前检查一下",
    ),
    "stain": _theme(
        "65=污渍 11=质量问题",
        "有一块很明显的污渍|收到有黑色印子,擦不掉|有明显的油渍,像别人退回来的",
        "新的怎么会这样|洗了两遍还在|吊牌也是皱的|感觉没有质检",
    ),
    "smell": _theme(
        "66=异味 11=质量问题",
        "味道很大,晾了一周还有|一股刺鼻的胶水味|打开有异味",
        "不敢放在卧室里|放阳台通风也没用|头都闻疼了",
    ),
    "missing": _theme(
        "15=发错货 19=少件/漏发",
        "少发了一件|发错了,和我拍的不是一个款|说好的东西没放进来|收到数量不对,漏发了",
        "箱子里翻了两遍|找客服让我拍照等通知|清单上写了却没有|又要等补发",
    ),
    "slow": _theme(
        "71=物流太慢",
        "物流太慢了,等了好久|快递一直不更新|说两天到,结果拖了快一周",
        "催了三次|等到都不想要了|活动用不上了",
    ),
}
_REGRETS = (
    "1=不想要了 2=七天无理由退货 3=拍错/多拍 4=不喜欢/效果不好 5=价格变动/买贵了 6=与商家协商一致退款 7=地址/信息填错"
)
REGRETS = tuple(
    Reason(code=int(code), words=words, quality=False)
    for code, words in (entry.split("=") for entry in _REGRETS.split(" "))
)
REGRET_SHARES = (26, 32, 14, 12, 6, 7, 3)
QUALITY_REASONS = frozenset(reason.words for theme in THEMES.values() for reason in theme.reasons)

_WISHES = _words(
    "希望商家给个说法。|申请退款,请尽快处理。|要求补发一件新的。|太失望了。|不会再买了。|请检查一下库存吧。|"
    "客服回复挺快,看怎么解决。|老顾客了,这次真的寒心。|差评。|麻烦处理一下。"
)
_OPENERS = _words(
    "第二次回购了|朋友推荐来的|活动价入的很划算|纠结了很久终于下手|给妈妈买的|直播间种草的|一直用这家|囤货党表示满意|"
    "收到就迫不及待打开|同事都来问链接|对比了好几家|等了两天就到了"
)
_PRAISE = {
    "skin": "质地很清爽不黏腻|吸收快,第二天皮肤软软的|味道淡淡的很舒服|敏感肌用着也没事|保湿力不错,秋冬够用|"
    "用了一周皮肤状态好了些|很好推开,一点点就够|包装精致,送人也合适",
    "makeup": "很服帖|带妆一天不怎么脱|颜色自然|新手也好上手|质地轻薄|小巧好带|颜色很日常",
    "lipstick": "显色又显白|一点不拔干|持久度不错|颜色很日常|新手也好上手|小巧好带|上色顺滑",
    "powder": "粉质细腻不飞粉|很服帖|带妆一天不怎么脱|新手也好上手|颜色很日常|小巧好带|镜子也清晰",
    "hair": "洗完蓬松不塌|泡沫绵密,很好冲|留香时间挺久|头皮清爽|全家都在用|滑滑的不假滑",
    "apparel": "版型很正,显瘦|面料柔软亲肤|穿着很舒服|厚度刚好,春秋能穿|走线整齐|洗了两次没变形|很好搭配",
    "bag": "大小刚好,东西都放得下|五金质感不错|颜色耐看|做工细致|比想象中轻|很百搭|里布也好看",
    "accessory": "料子摸着舒服|颜色耐看|做工细致|很百搭|送人也拿得出手|没有多余的线头|比想象中有质感",
    "gift": "小赠品很贴心|小样够用好几天|祝福卡很用心",
}
_EXTRAS = _words(
    "快递很快|包装严实|客服耐心|日期新鲜|性价比高|家里人也喜欢|和图片一致|还送了小样|拆箱体验很好|下单第二天就发货"
)
_CLOSERS = _words("会回购|推荐|五星好评|值得买|下次还来|满意|期待新品|已经安利给闺蜜|继续支持|很喜欢")
_MIDDLING = _words(
    "整体一般,没有想象中好|还可以吧,中规中矩|用着一般,再观察观察|价格偏高,东西还行|没什么惊喜,也没什么毛病|"
    "凑合,活动价还能接受|就那样,适合预算不多的"
)
_TITLES = {5: "非常满意", 4: "不错", 3: "一般", 2: "不太满意", 1: "很失望"}


def title(stars: int) -> str:
    """Return the title that a platform puts above a review of so many stars."""
    return _TITLES[stars]


def praise(rng: Random, kind: str, name: str, stars: int) -> str:
    """Return what a content buyer (three stars and more) writes about an article of that kind."""
    if stars == 3:
        return f"{rng.choice(_MIDDLING)},{rng.choice(_EXTRAS)}。"
    words = _PRAISE[kind].split("|")
    said = [rng.choice(_OPENERS)] if rng.random() < 0.7 else [name.split(" ")[0] + "收到了"]
    said += rng.sample(words, 2 if rng.random() < 0.5 else 1)
    if rng.random() < 0.6:
        said.append(rng.choice(_EXTRAS))
    if stars == 4 and rng.random() < 0.5:
        said.append("扣一星怕你骄傲")
    else:
        said.append(rng.choice(_CLOSERS))
    return ",".join(said) + rng.choice(("。", "!", "~", ""))


def grievance(rng: Random, theme: str, name: str) -> str:
    """Return what an unhappy buyer writes about the article on that theme."""
    words = THEMES[theme]
    opening = f"{name}," if rng.random() < 0.35 else ""
    detail = f",{rng.choice(words.detail)}" if rng.random() < 0.75 else ""
    return f"{opening}{rng.choice(words.happened)}{detail}。{rng.choice(_WISHES)}"
