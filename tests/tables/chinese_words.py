"""Make the table of Chinese words with numerals that are no numbers.

    pip install pypinyin==0.55.0
    python tests/tables/chinese_words.py

The phrases of pypinyin (MIT licence) that have a numeral: those of four signs and more, unless the number in them is
one that is also written in digits (十二生肖, 三百六十行); of the shorter ones, which are mostly numbers with what they
count (一百, 三号), only those that begin with 一 and no unit. What else is needed is listed here by hand.
OpenCC adds the Traditional forms.
"""

from __future__ import annotations

import re
from pathlib import Path

import opencc
from pypinyin.phrases_dict import phrases_dict

from asrlab.normalize.numbers.chinese.numerals import NUMERAL, cardinal
from asrlab.normalize.numbers.chinese.units import ONE_COUNTER

TABLE = Path(__file__).parents[2] / "asrlab/normalize/numbers/chinese/words.txt"
#: Words that a classifier or a scale would otherwise make a number of; names of places, firms and things.
BY_HAND = """
三天打鱼 两天晒网 三包 九一八 八九不离十 六必居 七龙珠
一个劲 一元化 一元论 一分子 一条心 一条龙 一次性 一站式 一把手 一年生 一班人 一刀切 一句话 一个样 一对一 一点点
一系列 一次次 一个个 一天天 一年年 一步步 一层层 一件件 一条条 一张张 一朵朵 一双双 一遍遍 一片片 一本道 一门心思
一股脑 一番 一些 一下 一下子 一块儿 一会 一会儿 一分一秒 一点一滴 一草一木 一手 一边 一旁 一路上 一五一十 一带一路
一国两制 一把抓 一线天 一定要 一个月亮 一起 一定 一直 一样 三十儿 三只手 三家村 三折肱 三点式 三班倒 三脚猫
三轮车 三轮儿 三轮摩托 三部曲 三连冠 三脚架 三步走 三剑客 三分法 三段论 三门峡 三里屯 三元桥 三元里 三元牛奶 三台县
三枪牌 三明治 三明市 三文鱼 三国 三亚 三峡 三家子 三坊七巷 三岔口 三环集团 三角形 三角洲 三维 三者 两分法 两点论
两张皮 两下子 两码事 两回事 两口子 两边倒 两广 两岸 两个凡是 两面派 九回肠 九尾狐 九折臂 九节鞭 九里香 九门提督
九章算术 九寨沟 九层塔 九龙 九江 九州 九牛一毛 二人台 二人转 二元论 二把刀 二把手 二手 二手车 二百五 二维码 二锅头
二段式 二次元 二氧化碳 二氧化硫 二胡 一氧化碳 三氧化二铁 四氧化三铁 五氧化二磷 四氯化碳 五台山 五台县 五斗柜 五斗橱
五行 五峰 五倍子 五连冠 五家渠 五道口 五棵松 五角场 五角大楼 五角星 五粮液 五花肉 五金 五官 五月天 五毛党 五常大米
五四运动 四人帮 四处 四脚蛇 四环素 四合院 四川 四平市 四方台 四喜丸子 四书五经 四级跳 六月雪 六盘山 六盘水 六枝特区
六里桥 六安 六合彩 六神 七里香 七里河 七里沟 七台河 七匹狼 七喜 七夕 七巧板 七星瓢虫 七天酒店 八斗才 八行书 八路军
八家子 八宝山 八宝粥 八宝饭 八大处 八达岭 八卦 八项注意 八仙 八仙过海 八月桂 十里堡 十里洋场 十里河 十全十美
十字路口 十字架 十字 十二指肠 十万火急 十万火速 十万八千里 十二万分 十三香 十堰 十足 双十一 双十二 双十 双一流
双百方针 十月革命 万一 千万别 千万不要 千万 百度 百事可乐 百合 百科 百姓 千里马 千岛湖 千军万马 千方百计 万科 万达
万岁 万能 万物 不三不四 不管三七二十一 三七二十一 九九八十一难 乱七八糟 半斤八两 三下五除二 二一添作五 七七事变
一二九运动 九一八事变 八一建军节 五一劳动节 五一节 五一假期 六一儿童节 三八妇女节 十一假期 十一黄金周 五四青年节
三八线 七七八八 三三两两 一一对应 一一列举 张三李四 王老五 王八 第三者 第三方 第六感 第一手 第一夫人 第三世界 第二春
第一时间 数一数二 独一无二 丁一 零件 零食 零钱 零售 零星 零碎 零散 零距离 零和 零头 零用钱 凋零 归零 清零 飘零
孤零零 两会 两全其美 两难 两极 两栖 两性 两侧 两旁 两者 亿万 亿万富翁 百万富翁 千万富翁 百万雄师 唯一 统一 万家乐
同一 进一步 有一天 第一次世界大战 第二次世界大战 十一长假 四面八方 五大连池 五指山 九华山 六朝 七彩 四通八达 五光十色
三十而立 四十不惑 六十耳顺 七十古来稀
五花八门 正经八百 十万大山 六万大山 九万大山 五十铃 二月河 五月花 三元催化 二里头 二里岗 二叠纪 三叠纪 一元二次 二元关系
一张一弛 年复一年 日复一日 一天到晚 死路一条 孤身一人 独自一人 七手八脚 一字一顿 三人成虎 三个臭皮匠 士别三日 七级浮屠
二八年华 八段锦 九连环 六本木 三点水 两点水 八里桥 五里桥 三里河 十里铺 三十里铺 二道贩子 二连浩特 一米阳光 五胡十六国
零点公司 零点乐队 里三层外三层 老一套 天下第一 货比三家 一碗水端平 五十步笑百步 十年寒窗 一票否决 人手一册 七年之痒
三人行 一分耕耘 一分收获 怨声四起 枪声四起 冰冻三尺 非一日之寒 两把刷子 三脚两步 七老八十 一笔一画 决一胜负
八面玲珑 六神无主 三长两短 接二连三 丢三落四 朝三暮四 张三 李四 一心二用 三三制 二八佳人 二八定律 三七开 四六级
五五开 四六开
"""


def chosen(phrase: str) -> bool:
    """Tell whether a phrase is a word that must stay as it is written."""
    runs = re.findall(f"[{NUMERAL}]+", phrase)
    if (
        not runs
        or phrase.startswith("第")
        or re.search("^一[点角成]$|百分之|十一点钟|二次[曲能]|分子甲烷|五项原则", phrase)
    ):
        return False
    if len(phrase) < 4:
        return phrase[0] == "一" and len(runs[0]) == 1 and not re.match(f"一(?:{ONE_COUNTER})", phrase)
    return not (len(runs) == 1 and len(runs[0]) > 1 and (cardinal(runs[0]) or 0) > 10)


def main() -> None:
    """Write the table."""
    to_traditional = opencc.OpenCC("s2t").convert
    words = {phrase.split("，")[0] for phrase in phrases_dict if chosen(phrase.split("，")[0])} | set(BY_HAND.split())
    words |= {to_traditional(word) for word in words}
    lines, line = [], ""
    for word in sorted(words):
        if len(line) + len(word) > 100:
            lines.append(line.strip())
            line = ""
        line += f" {word}"
    head = "# Made by tests/tables/chinese_words.py from pypinyin 0.55.0 (MIT licence) and its own list; do not edit.\n"
    TABLE.write_text(head + "\n".join([*lines, line.strip()]) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
