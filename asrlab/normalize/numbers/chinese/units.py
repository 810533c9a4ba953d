"""Words that a Chinese number counts or measures: classifiers, units of measure, currencies. Written by hand."""

from __future__ import annotations

from typing import Final

#: Unit in Chinese -> how else it is written after a number, signs in lower case. 千X is not listed: see THOUSANDFOLD.
UNITS: Final[dict[str, tuple[str, ...]]] = {
    "公里": ("km", "千米"),
    "厘米": ("cm", "公分", "釐米"),
    "毫米": ("mm",),
    "微米": ("μm",),
    "纳米": ("nm", "奈米"),
    "米": ("m", "公尺"),
    "公斤": ("kg", "千克"),
    "毫克": ("mg",),
    "微克": ("μg", "ug", "mcg"),
    "克": ("g",),
    "毫升": ("ml",),
    "升": ("l", "公升"),
    "平方公里": ("km2", "平方千米"),
    "平方厘米": ("cm2",),
    "平方米": ("m2", "平米", "平方公尺"),
    "立方厘米": ("cm3",),
    "立方米": ("m3", "立方公尺"),
    "公顷": ("ha",),
    "亩": (),
    "英寸": ("inch", "inches"),
    "盎司": ("oz",),
    "小时": ("h", "hr", "hrs"),
    "分钟": ("min", "mins"),
    "秒": ("s", "sec", "秒钟"),
    "毫秒": ("ms",),
    "赫兹": ("hz", "赫"),
    "千赫": ("khz", "千赫兹"),
    "兆赫": ("mhz", "兆赫兹"),
    "吉赫": ("ghz", "吉赫兹"),
    "瓦": ("瓦特",),
    "千瓦": ("kw",),
    "瓦时": ("wh",),
    "千瓦时": ("kwh",),
    "兆瓦": ("mw",),
    "毫安": ("ma",),
    "毫安时": ("mah",),
    "千伏": ("kv",),
    "伏": ("v", "伏特"),
    "千卡": ("kcal", "大卡"),
    "分贝": ("db",),
    "千帕": ("kpa",),
    "百帕": ("hpa",),
    "兆帕": ("mpa",),
    "毫米汞柱": ("mmhg",),
    "磅": ("lb", "lbs"),
    "英尺": ("ft", "呎"),
    "英里": ("哩",),
    "摄氏度": ("°c", "℃"),
    "华氏度": ("°f", "℉"),
    "度": ("°",),
}
#: 五千米 is 5000米 and 5千米: a thousand of the first is one of the second.
THOUSANDFOLD: Final = {"米": "公里", "克": "公斤", "瓦": "千瓦", "卡": "千卡", "帕": "千帕", "赫": "千赫", "伏": "千伏"}
#: What 千 (or 百) before it may belong to: 五千克, 一千零一十三百帕.
KILO: Final = "".join(THOUSANDFOLD) + "赫焦安"
#: What a speed is per.
PER: Final[dict[str, tuple[str, ...]]] = {
    "公里每小时": ("km/h", "kmh", "kph", "公里/小时", "公里/时", "千米/小时", "千米/时", "千米每小时", "公里每时"),
    "米每秒": ("m/s", "米/秒"),
    "毫克每升": ("mg/l", "毫克/升"),
    "毫摩尔每升": ("mmol/l", "毫摩尔/升"),
    "毫克每分升": ("mg/dl",),
    "转每分钟": ("rpm", "转/分", "转/分钟", "转每分"),
    "次每分钟": ("次/分", "次/分钟", "次每分"),
}
#: Currency after the number -> its signs before the number, and how else it is written after it.
CURRENCIES: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "元": (("¥", "￥", "rmb", "cny", "rmb¥", "cny¥"), ("rmb", "cny", "人民币", "元人民币", "块人民币", "块钱人民币")),
    "美元": (("us$", "usd$", "usd", "$"), ("usd", "美金", "美刀", "$")),
    "港元": (("hk$", "hkd"), ("hkd", "港币", "港纸")),
    "新台币": (("nt$", "twd"), ("twd", "元新台币", "块新台币")),
    "欧元": (("€", "eur"), ("eur", "欧", "€")),
    "英镑": (("£", "gbp"), ("gbp", "£")),
    "日元": (("jpy", "jp¥", "jpy¥"), ("jpy", "日圆", "日币")),
    "韩元": (("₩", "krw"), ("krw", "韩币", "韩圆")),
    "澳元": (("a$", "aud"), ("aud", "澳币")),
    "加元": (("c$", "cad"), ("cad", "加币")),
    "卢布": (("₽",), ("₽",)),
    "卢比": (("₹",), ("₹",)),
    "泰铢": (("฿", "thb"), ("thb", "฿")),
}

#: Classifiers and units that make even a lone digit before them a number. Left out are those that are more often part
#: of a word or a name: 星 (三星), 川, 方 (第三方), 角 (三角), 面 (四面), 手 (二手), 色.
_COUNTERS: Final = (
    "口人 角钱 单元 公里 千米 厘米 公分 毫米 微米 纳米 公尺 公斤 千克 毫克 毫升 公升 公顷 公亩 英里 英尺 英寸 海里 "
    "平方 立方 平米 摄氏 华氏 小时 分钟 秒钟 毫秒 刻钟 点钟 周年 周岁 星期 礼拜 季度 世纪 年代 年级 月份 个 名 位 "
    "次 年 月 日 号 天 岁 周 时 分 秒 刻 点 美元 美金 美刀 欧元 英镑 日元 日圆 韩元 韩币 港元 港币 港纸 澳元 澳币 "
    "加元 加币 卢布 卢比 泰铢 新台币 人民币 元(?!桥) 块 毛 蚊 千瓦 兆瓦 千伏 毫安 赫兹 千赫 兆赫 吉赫 千卡 大卡 分贝 "
    "千帕 百帕 兆帕 伏 瓦 米 克 升 吨 斤 里 亩 尺 寸 丈 磅 度 倍 成 折 人 只 条 张 件 本 台 部 辆 架 艘 座 栋 幢 "
    "间 套 层 楼 室 家 所 户 棵 朵 颗 粒 根 支 枝 枚 片 瓶 杯 碗 盘 盒 箱 包 袋 桶 壶 罐 听 双 对 副 组 排 列 群 "
    "批 串 卷 册 页 篇 章 节 段 句 行 首 集 期 届 级 班 队 场 局 轮 圈 遍 趟 回 顿 步 匹 份 封 幅 把 顶 床 扇 门 "
    "项 种 类 款 笔 票 胜 负 环 路 站 巷 桌 席 代 连 团 营 例 起 处 具 针 剂 帖 滴 株 科 词 题 课 维 胎 厅 卫 车 "
    "船 餐 旬 拍 比特 字节 像素 兆 位数 大类 小类 星级 楼层 大 座位 架次 人次 车次 项目 成半 倍半 吋 呎 哩 码 "
    "盎司 加仑 克拉 担 斗 尊 盏 幕 剑 弯 站地 摞 叠 堆 尾 羽 峰 缕 束 捆 孔 阶 格 档 键 挺 发 炮 枪 拳 脚 刀 棍 "
    "巴掌 笼 屉 打 令 招 等份 等分 投(?=[一二三四五六七八九十零两0-9]+中) 球 道(?![口河岭沟湾镇乡村街区杠眉白])"
)
#: After 一 only these: 一下, 一起, 一样, 一点, 一块, 一边 are words of their own.
_ONE_COUNTERS: Final = (
    "公里 千米 厘米 公分 毫米 公尺 公斤 千克 毫克 毫升 公升 公顷 英里 英尺 英寸 海里 平方 立方 平米 摄氏 华氏 "
    "小时 分钟 秒钟 毫秒 刻钟 点钟 点半 周年 周岁 星期 礼拜 季度 世纪 年级 月份 个 名 位 次 年 月 日 号 天 岁 周 "
    "秒 美元 美金 欧元 英镑 日元 港元 港币 人民币 元 块钱 毛钱 蚊 千瓦 兆瓦 米 克 升 吨 斤 亩 磅 度 倍 折 人 只 "
    "条 张 件 本 台 部 辆 架 艘 座 栋 幢 间 套 层 楼 室 户 棵 朵 颗 粒 根 支 枚 瓶 杯 碗 盒 箱 袋 桶 罐 双 册 页 "
    "篇 章 集 期 届 班 局 轮 遍 趟 顿 匹 份 封 幅 顶 项 款 笔 票 胜 环 站 例 株 滴 盏 平 厅 卫 分 球 道题 道菜 道门 "
    "道关 道选择题 道数学题 道工序 道防线 成(?![不为长功立员就熟型分])"
)
_ZERO_COUNTERS: Final = "度 分 元 点 个 摄氏 岁 时 公里 人 例 票 次 起 失分"


#: Traditional forms of the signs in the words above.
_TRADITIONAL: Final = str.maketrans(
    "厘纳顷亩寸华氏时钟级个岁号点刻块圆韩币纸卢铢吨里尺镑瓦伏赫贝称条张件本台部辆栋幢间层楼户颗枝盘双对组群卷页节"
    "军场轮顿头匹门项种类样笔胜负环桌团营师处针剂国县区题课边面维厅车晚码担盏剑关叠缕阶档键发枪声线兆东两转万亿欧",
    "釐納頃畝寸華氏時鐘級個歲號點刻塊圓韓幣紙盧銖噸里尺鎊瓦伏赫貝稱條張件本台部輛棟幢間層樓戶顆枝盤雙對組群卷頁節"
    "軍場輪頓頭匹門項種類樣筆勝負環桌團營師處針劑國縣區題課邊面維廳車晚碼擔盞劍關疊縷階檔鍵發槍聲線兆東兩轉萬億歐",
)


def traditional(word: str) -> str:
    """Write a unit in Traditional signs.

    >>> traditional("公里每小时")
    '公里每小時'
    """
    return word.translate(_TRADITIONAL)


def either(word: str) -> str:
    """Make a pattern of a word in either script.

    >>> either("公里每小时")
    '公里每小[时時]'
    """
    return "".join(f"[{sign}{other}]" if (other := traditional(sign)) != sign else sign for sign in word)


def _pattern(words: str) -> str:
    both = {form for word in words.split() for form in (word, traditional(word))}
    return "|".join(sorted(both, key=lambda word: (-len(word), word)))


COUNTER: Final = _pattern(_COUNTERS)
ONE_COUNTER: Final = _pattern(_ONE_COUNTERS)
ZERO_COUNTER: Final = _pattern(_ZERO_COUNTERS)
