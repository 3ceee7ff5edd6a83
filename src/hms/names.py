"""Names as people type them: which part is the family name, and how it is written."""

import re

# Scripts whose names are written without a space, the family name first.
UNSPACED = re.compile(
    r"[\u2e80-\u30ff\u3130-\u318f\u31f0-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]+"  # Han, kana, hangul
)
LONG_FAMILIES = re.compile(
    "欧阳|歐陽|司马|司馬|诸葛|諸葛|上官|司徒|东方|東方|夏侯|皇甫|尉迟|公孙|令狐|慕容|남궁|선우|독고|황보|제갈|사공"
)
# What belongs to the family name that follows; these are nobody's given name, those may be.
_never = "de|del|della|der|di|dos|du|von|vom|zu|zum|zur"
PARTICLE = re.compile(f"{_never}|a|al|abu|ap|bar|ben|bin|bint|da|das|do|el|en|ibn|la|las|le|los|san|st|ten|ter|van")
FIRST = re.compile(_never)


def formal(family, given):
    """FAMILY, Given, as lists, papers and files write people; nothing of whoever has no name."""
    return ", ".join(part for part in ((family or "").upper(), given) if part)


def joined(family, given):
    """Given Family, as people are addressed; the other way round where the script writes it so."""
    family, given = family.strip(), given.strip()
    if UNSPACED.fullmatch(family) and UNSPACED.fullmatch(given):
        return f"{family}{given}"
    return f"{given} {family}".strip()


def split(text):
    """``(family, given)`` of a name that was typed in one.

    A comma, capitals or the script say where the family name is; otherwise it is the last word with what belongs to it.
    """
    family, comma, given = (" ".join(part.split()) for part in text.partition(","))
    if not comma:
        family, given = _parts(family)
    return _written(family), _written(given)


def _parts(text):
    words = text.split()
    if len(words) == 1:
        return _unspaced(text) if UNSPACED.fullmatch(text) else (text, "")
    if words and all(map(UNSPACED.fullmatch, words)):
        return words[0], " ".join(words[1:])
    capitals = [len(word) > 1 and word.isupper() for word in words]
    if any(capitals) and not all(capitals):
        pairs = list(zip(words, capitals, strict=True))
        return " ".join(w for w, loud in pairs if loud), " ".join(w for w, loud in pairs if not loud)
    first = len(words) - 1
    while first > 0 and (PARTICLE if first > 1 else FIRST).fullmatch(words[first - 1].lower()):
        first -= 1
    return " ".join(words[first:]), " ".join(words[:first])


def _unspaced(text):
    if LONG_FAMILIES.match(text):
        return text[:2], text[2:]
    # Chinese and Korean family names have one character, Japanese ones (with kana, or four characters) mostly two.
    japanese = re.search(r"[\u3040-\u30ff]", text) or (len(text) > 3 and not re.search(r"[\uac00-\ud7af]", text))
    n = 2 if japanese and len(text) > 2 else 1
    return text[:n], text[n:]


def _written(name):
    """In the capitals that names have, where the typist took no care; McDonald stays as it is."""
    words = name.split()
    careless = [word.islower() or (word.isupper() and len(word) > 1) for word in words]
    before = [PARTICLE.fullmatch(word.lower()) for word in words[:-1]] + [None] * bool(words)
    return " ".join(
        word if not change else word.lower() if particle else _capitalised(word)
        for word, change, particle in zip(words, careless, before, strict=True)
    )


def _capitalised(word):
    return re.sub(r"(^|[-'’.])(\w)", lambda m: m[1] + m[2].title(), word.lower())
