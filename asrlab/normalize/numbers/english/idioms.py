"""English phrases and names in which a number word is no number, or one that nobody writes in digits.

They stay as they are, in words or in digits, so "cloud nine" and "cloud 9" stay two things.
"""

from __future__ import annotations

import re
from typing import Final

from asrlab.normalize.numbers.english.words import END

# A space stands for a hyphen too, and "one", "first" and "second" for "1", "1st" and "2nd".
_SAYINGS: Final = (
    "cloud nine",
    "catch twenty two",
    "seventh heaven",
    "(?:the )?whole nine yards",
    "nine times out of ten",
    "high fives?",
    "sixth sense",
    "eleventh hour",
    "forty winks",
    "six feet under",
    "square one",
    "(?:ground|patient|sub|net|absolute) zero",
    "zero(?:ed)? in",
    "zero hour",
    "zero (?:sum|tolerance)",
    "(?:four|three) letter words?",
    "fifth (?:columns?|wheel)",
    "eight ball",
    "eighty sixed",
    "five o'?clock shadow",
    "nine to five",
    "ten to one",
    "(?:ten|two) a penny",
    "hole in one",
    "one in (?:a|ten) (?:million|thousand)",
    "thanks a million",
    "a million (?:miles|to one|and one|dollar question|dollar smile)",
    "like a million(?: bucks| dollars)?",
    "(?:my|your|his|her|their|our) two cents",
    "two cents worth",
    "two birds(?: with one stone)?",
    "(?:two )?heads are better than one",
    "two and two together",
    "two peas",
    "six of one",
    "nineteen to the dozen",
    "two left feet",
    "two (?:faced|timing|timer|timed|bit)",
    r"(?<!a\s)two by two",
    "one two punch",
    "seven (?:seas|deadly sins|year itch)",
    "nine lives",
    "deep six(?:ed)?",
    "five and dime",
    "big five o",
    "(?:of|in) two minds",
    "double o seven",
    "three sheets",
    "four corners",
    "for six(?= [.!?])",
    "two shakes",
    "third (?:degree|wheel)",
    "two edged",
    "double digits",
    "two wrongs",
    "seven eleven",
    "two can play",
    "in time saves nine",
    "takes? two to tango",
    "ten four good buddy",
)
_WITH_ONE: Final = (
    "one by one",
    "one (?:to|on|for) one",
    "one horse",
    "one way or (?:an|the )other",
    "one (?:thing )?or (?:an|the )other",
    "one after (?:an|the )other",
    "(?:all|and) for one(?= and)",
    "one for all",
    "one and (?:all|only|the same)",
    "on (?:the )?one hand",
    "one (?:too many|size fits all|man's|up|off|offs|liners?|hit wonders?|trick pon(?:y|ies)|night stands?)",
    "one (?:track mind|fell swoop|of a kind|of (?:these|those) days|for the (?:road|books)|sided|fine day)",
    "(?:i|we|you|he|she|they) for one",
    "for one thing",
    "at one with",
    "army of one",
    "public enemy number one",
    # some day, unless days are counted: "it takes one day", "one day a week"
    r"(?<!in\s)(?<!within\s)(?<!for\s)(?<!after\s)(?<!takes\s)(?<!took\s)(?<!least\s)(?<!only\s)(?<!just\s)"
    r"(?<!about\s)(?<!than\s)"
    r"one (?:day|night|morning|afternoon|evening|summer|winter)"
    r"(?= (?:i|you|we|they|he|she|it|soon|when|maybe|perhaps|my|your|his|her|our|their|the|there|someone|this|that)\b)",
)
_RATE: Final = "rate(?! (?:hikes?|cuts?|increases?|rises?|decisions?))"
_SUBJECT: Final = "(?:i|we|you|they|he|she|it|who)"
_MODAL: Final = "(?:will|would|can|could|may|might|must|should|shall)"
_WITH_FIRST: Final = (
    "at first(?! (?:base|street|avenue|and main|grade|floor|level|team|class))",
    "in the first place",
    "first come(?: first served?)?",
    "first served",
    "first and foremost",
    r"(?<!the\s)first of all",
    "first things? first",
    f"first (?:off|up|hand|{_RATE}|thing(?= (?:in the|tomorrow|on)))",
    "(?:safety|ladies|head|feet|face|nose) first",
    # an adverb: "when I first met you", "it was first published"
    f"{_SUBJECT} first(?= [a-z]+)",
    f"{_MODAL} first(?= [a-z]+)",
    "(?:was|were|been|being|is|are|had|has|have) first"
    "(?= (?:[a-z]+ed|seen|made|built|shown|known|held|sold|heard|found|sent|given|taken|written|brought)(?![a-z]))",
)
_WITH_SECOND: Final = (
    "second (?:to none|thoughts?|hand(?:ed)?|nature(?! reserves?)|wind(?! (?:farms?|turbines?))|fiddle|sight)",
    f"second (?:guess(?:ed|es|ing)?|childhood|{_RATE})",
    "(?:split|last|very) second",
    "this second(?= (?:i|we|you|they|he|she|it)(?![a-z]))",
    # the moment: "the second I saw him"
    "the second(?= (?:i|we|you|they|he|she|it)(?![a-z]))",
    # a verb: "I second that"
    f"(?:{_SUBJECT}|{_MODAL}|to|i'll|we'll|i'd|anyone|someone|please|also|gladly|happily) second"
    "(?= (?:the|that|this|his|her|their|your|it|those|these|a|what|everything)(?![a-z]))",
)
# Surnames, bands and the like that are spelled with a word.
_NAMES: Final = (
    "ten (?:hag|boom|brink|cate|kate|doeschate|broeke|napel|voorde|bosch|berge|eyck|hove|velde|bruggencate)",
    "one direction",
)
_IN_DIGITS: Final = {"one": "1", "first": "1st", "second": "2nd"}


def _either(pattern: str) -> str:
    """Let a pattern match digits too, where it has a word that is the one form of both elsewhere."""
    return re.sub(r"\b(?:one|first|second)\b", lambda word: f"(?:{word[0]}|{_IN_DIGITS[word[0]]})", pattern)


_ALL: Final = (*_SAYINGS, *_WITH_ONE, *_WITH_FIRST, *_WITH_SECOND, *_NAMES)
_IDIOM: Final = re.compile(
    rf"(?<![\w.,:/$£€])(?:{'|'.join(map(_either, _ALL)).replace(' ', '[ -]+')}){END}"
    rf"(?![ -]+(?:(?:fifteen|twenty|thirty|forty|fifty|hundred|thousand|million|o'?clock|percent|[ap]\.? ?m){END}))"
)


def idioms(low: str) -> list[tuple[int, int]]:
    """Find where in a text in lower case number words stand that are to be left alone."""
    return [found.span() for found in _IDIOM.finditer(low)]
