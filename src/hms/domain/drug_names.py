"""What a free text names: drugs, by their generic names, common brands and synonyms, and classes of drugs.

Allergies are noted as people say them (Augmentin, sulfa, penicilin): this leads from there to the list of drugs.
"""

from collections import namedtuple

from hms.domain import search
from hms.models import Drug

Named = namedtuple("Named", "names classes by_name")  # generic names; classes written; classes of the drugs named
SHORTEST = 4  # letters of a part of a name; brands and synonyms may be shorter
MISSPELT = 5  # letters from which on one may be wrong
LONGEST = 5  # words of a name

# What a generic drug or a class is called, too. Hyphens count as spaces, a plural's s does not count.
SYNONYMS = {
    "Amoxicillin": "amoxil, amoxycillin",
    "Amoxicillin with clavulanic acid": "augmentin, co amoxiclav, amoxiclav, amoxicillin clavulanate, clavulin",
    "Aspirin": "asa, acetylsalicylic acid, disprin, ecotrin, cardiprin",
    "Azithromycin": "zithromax, z pack",
    "Benzylpenicillin": "penicillin g",
    "Cefalexin": "cephalexin, keflex",
    "Cefazolin": "cephazolin, kefzol",
    "Cefixime": "suprax",
    "Ceftriaxone": "rocephin",
    "Cefuroxime": "zinnat, ceftin",
    "Celecoxib": "celebrex",
    "Chlorphenamine": "chlorpheniramine, piriton",
    "Ciprofloxacin": "cipro, ciproxin",
    "Clarithromycin": "klacid, klaricid, biaxin",
    "Clindamycin": "dalacin, cleocin",
    "Clopidogrel": "plavix",
    "Diazepam": "valium",
    "Diclofenac": "voltaren, voltarol, cataflam",
    "Dihydrocodeine": "df 118",
    "Doxycycline": "vibramycin",
    "Enalapril": "renitec, vasotec",
    "Epinephrine": "adrenaline, epipen",
    "Flucloxacillin": "floxapen",
    "Fluoxetine": "prozac",
    "Furosemide": "frusemide, lasix",
    "Ibuprofen": "nurofen, advil, motrin, brufen",
    "Indometacin": "indomethacin",
    "Lamotrigine": "lamictal",
    "Levodopa with carbidopa": "sinemet, co careldopa",
    "Levofloxacin": "levaquin, tavanic",
    "Lidocaine": "lignocaine, xylocaine",
    "Lisinopril": "zestril, prinivil",
    "Lorazepam": "ativan",
    "Metamizole": "dipyrone, novalgin",
    "Metformin": "glucophage",
    "Metronidazole": "flagyl",
    "Naproxen": "aleve, naprosyn",
    "Nitrofurantoin": "macrobid, macrodantin",
    "Omeprazole": "losec, prilosec",
    "Oxycodone": "oxycontin",
    "Paracetamol": "acetaminophen, tylenol, panadol, calpol",
    "Phenoxymethylpenicillin": "penicillin v, penicillin vk",
    "Phenytoin": "dilantin",
    "Piperacillin with tazobactam": "tazocin, zosyn",
    "Rifampicin": "rifampin",
    "Salbutamol": "albuterol, ventolin",
    "Sertraline": "zoloft",
    "Simvastatin": "zocor",
    "Atorvastatin": "lipitor",
    "Sodium valproate": "valproate, valproic acid, epilim, depakote, depakine",
    "Carbamazepine": "tegretol",
    "Tramadol": "tramal, ultram",
    "Trimethoprim with sulfamethoxazole": "co trimoxazole, cotrimoxazole, bactrim, septrin, septra",
    "Warfarin": "coumadin, marevan",
    # Combinations that the shipped list does not hold: they are their parts.
    "Paracetamol with codeine": "co codamol, solpadeine, kapake",
    "Paracetamol with dihydrocodeine": "co dydramol, remedeine",
    "Paracetamol with tramadol": "tramacet, ultracet",
    "Oxycodone with paracetamol": "percocet, endocet",
    "Ibuprofen with codeine": "nurofen plus",
    "Losartan with hydrochlorothiazide": "hyzaar, cozaar comp",
    "Amlodipine with valsartan": "exforge",
    "Salmeterol with fluticasone": "seretide, advair",
    "Formoterol with budesonide": "symbicort",
}
CLASS_SYNONYMS = {
    "sulfonamides": "sulfa, sulpha, sulfa drug, sulpha drug, sulfa antibiotic, sulphonamide",
    "NSAIDs": "nsaid, nonsteroidal anti inflammatory, non steroidal anti inflammatory, anti inflammatory",
    "quinolones": "fluoroquinolone",
    "opioids": "opiate",
    "antibacterials": "antibiotic",
    "ACE inhibitors": "acei, ace inhibitor",
    "angiotensin receptor blockers": "sartan",
    "corticosteroids": "steroid, cortisone",
}
# What a class is for says nothing of what else somebody may react to: all that begin with anti-, and these.
PURPOSES = {
    "analgesics",
    "diuretics",
    "vitamins",
    "minerals",
    "electrolytes",
    "hypnotics",
    "laxatives",
    "bronchodilators",
    "immunosuppressants",
    "stimulants",
    "disease-modifying antirheumatics",
    "decongestants",
    "mood stabilisers",
    "muscle relaxants",
    "mucolytics",
    "urinary antispasmodics",
    "emergency contraceptives",
    "combined contraceptives",
    "smoking cessation aids",
}


def crosses(name):
    """Whether who reacts to one of this class may react to another of it."""
    return name not in PURPOSES and not name.startswith("anti")


def branded(beginning):
    """Generic names of which a brand or synonym begins so."""
    return [name for name, words in SYNONYMS.items() if any(w.startswith(beginning) for w in words.split(", "))]


class Catalogue:
    """The list of drugs as terms to look for; read once for a check."""

    def __init__(self):
        self.drugs, self.parts, self.classes = {}, {}, {}
        for name, plain, classes in Drug.objects.values_list("name", "plain", "classes"):
            term = singular(plain)
            self.drugs[term] = (frozenset(map(singular, plain.split(" with "))), frozenset(classes))
            for part in plain.split(" with "):
                self.parts.setdefault(singular(part), set()).add(term)
                words = part.split()
                if len(words) > 1 and len(words[0]) >= SHORTEST:  # "insulin" of insulin glargine
                    self.parts.setdefault(singular(words[0]), set()).add(term)
            for one in classes:
                self.classes[singular(search.plain(one))] = one
            for brand in SYNONYMS.get(name, "").split(", "):
                if brand:
                    self.drugs[singular(brand)] = self.drugs[term]
        for name, words in SYNONYMS.items():  # known brands of what this hospital's list does not hold
            names = frozenset(map(singular, search.plain(name).split(" with ")))
            classes = frozenset(c for part in names if part in self.drugs for c in self.drugs[part][1])
            for brand in [search.plain(name), *words.split(", ")]:
                self.drugs.setdefault(singular(brand), (names, classes))
        for one, words in CLASS_SYNONYMS.items():
            self.classes |= {singular(word): one for word in words.split(", ")}
        self.short = {term for term in [*self.drugs, *self.classes] if len(term) < SHORTEST}
        self.terms = [t for t in {*self.drugs, *self.parts, *self.classes} if len(t) > MISSPELT]

    def named(self, text):
        """What of it stands in this text, a Named."""
        names, classes, by_name = set(), set(), set()
        for term in self._terms_in(text):
            if term in self.classes:
                classes.add(self.classes[term])
            if term in self.drugs:
                names |= self.drugs[term][0]
                by_name |= self.drugs[term][1]
            elif term in self.parts:
                names.add(term)
                for whole in self.parts[term]:
                    by_name |= self.drugs[whole][1]
        return Named(names, classes, by_name)

    def _terms_in(self, text):
        words = singular(search.plain(search.clean(_spaced(text)))).split()
        found, known = set(), set()
        for n in range(min(LONGEST, len(words)), 0, -1):
            for i in range(len(words) - n + 1):
                term, places = " ".join(words[i : i + n]), set(range(i, i + n))
                if places <= known or (len(term) < SHORTEST and term not in self.short):
                    continue
                if term in self.drugs or term in self.parts or term in self.classes:
                    found.add(term)
                    known |= places
        for i, word in enumerate(words):
            if i not in known and len(word) >= MISSPELT:
                found |= {
                    t
                    for t in self.terms
                    if abs(len(t) - len(word)) <= 1
                    and (t[:2] == word[:2] or t[-2:] == word[-2:])
                    and search.distance(t, word) <= 1
                }
        return found


def _spaced(text):
    return "".join(c if c.isalnum() or c in "'`" else " " for c in text[:400])


def singular(text):
    """Each word without a plural's s."""
    return " ".join(w[:-1] if len(w) > SHORTEST and w.endswith("s") else w for w in text.split())
