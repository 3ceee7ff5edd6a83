"""What the demo hospital consists of and what its people write: departments, doctors, reasons, notes."""

from hms.demo import consultations

HOSPITAL = {
    "name": "St Brigid's Hospital",
    "address": "12 Orchard Row\nLondon N1 9ZZ",
    "phone": "020 7946 0000",
}

# name → (description, who comes, reasons as (text, minutes) or (text, minutes, youngest, oldest))
DEPARTMENTS = {
    "General medicine": (
        "Adults with anything that is not yet clear, and long-term conditions.",
        "adult",
        [
            ("New patient: tiredness and weight loss", 45),
            ("Diabetes review", 30),
            ("Blood pressure check and medication review", 15),
            ("Results of blood tests", 15),
            ("Cough for three weeks", 15),
            ("Asthma review", 30),
            ("Stomach pain after meals", 30),
            ("Thyroid follow-up", 15, 25, 110),
            ("Headaches, getting more frequent", 30),
            ("Repeat prescription review", 15),
            ("Travel vaccinations", 15),
        ],
    ),
    "Urgent care": (
        "What cannot wait until tomorrow and is no emergency. Also nights and weekends.",
        "anyone",
        [
            ("Cut on the hand, may need stitches", 30),
            ("Twisted ankle", 15),
            ("High fever since last night", 15),
            ("Wound check and dressing", 15),
            ("Bee sting, swelling", 15),
            ("Back pain after lifting", 15, 16, 80),
            ("Burn on the forearm", 30),
            ("Ear pain", 15),
            ("Dizzy, fell at home", 30, 50, 110),
            ("Something in the eye", 15),
            ("Sprained wrist, may be broken", 30),
            ("Migraine, third day", 30),
            ("Nosebleed that keeps coming back", 30),
            ("Short of breath with a cold", 30),
            ("Dog bite, needs cleaning", 30),
            ("Rash after a new medicine", 15),
            ("Sore throat and fever", 15),
            ("Pain when passing water", 15),
        ],
    ),
    "Cardiology": (
        "Heart and circulation.",
        "older",
        [
            ("Palpitations", 30),
            ("ECG and review", 30),
            ("Heart failure clinic, follow-up", 30),
            ("Echo results", 15),
            ("Chest pain on exertion, first visit", 45),
            ("Pacemaker check", 30),
            ("Anticoagulation review", 15),
        ],
    ),
    "Orthopaedics": (
        "Bones, joints and injuries.",
        "anyone",
        [
            ("Knee pain, X-ray discussed", 30, 12, 110),
            ("Plaster check, wrist", 15),
            ("Follow-up after hip replacement", 30, 50, 110),
            ("Shoulder pain, first visit", 45, 14, 110),
            ("Removal of stitches", 15),
            ("Frozen shoulder, injection", 30, 35, 80),
            ("Back pain with numb foot", 30, 18, 110),
        ],
    ),
    "Paediatrics": (
        "Children and young people up to 16.",
        "child",
        [
            ("Six-month check", 30, 0, 1),
            ("School health check", 30, 4, 15),
            ("Eczema, not better with cream", 15),
            ("Asthma review with inhaler training", 30, 5, 15),
            ("Tummy aches before school", 30, 5, 15),
            ("Vaccination catch-up", 15),
            ("Growth check", 15),
            ("Sleep problems", 45),
            ("Ear infections, third this year", 15),
        ],
    ),
    "Women's health": (
        "Gynaecology and care before and after birth.",
        "woman",
        [
            ("Antenatal check, 28 weeks", 30, 18, 43),
            ("Antenatal booking visit", 45, 18, 43),
            ("Contraception advice", 15, 16, 45),
            ("Smear test", 15, 25, 64),
            ("Heavy periods", 30),
            ("Six weeks after birth", 30, 18, 44),
            ("Menopause clinic", 30, 45, 58),
        ],
    ),
}

# e-mail, given, family, department, specialization, fee, years, licence, week (Monday first; see rota.SHIFTS)
DOCTORS = [
    ("doctor", "Amara", "Okonkwo", "General medicine", "General internal medicine", 95, 14, "7012345", "FGFGF--"),
    ("piotr.zielinski", "Piotr", "Zieliński", "General medicine", "Endocrinology", 110, 21, "6104412", "GF-FG--"),
    ("sean.okeeffe", "Seán", "O’Keeffe", "Urgent care", "Emergency medicine", 80, 9, "7233910", "FF--FM-"),
    ("mei.lin.chan", "Mei-Ling", "Chan", "Urgent care", "Emergency medicine", 80, 6, "7509182", "--FFG-M"),
    (
        "ravi.subramaniam",
        "Ravi",
        "Subramaniam",
        "Cardiology",
        "Interventional cardiology",
        160,
        24,
        "4287705",
        "F-GG---",
    ),
    ("eleni.papadaki", "Ελένη", "Παπαδάκη", "Cardiology", "Heart failure", 150, 12, "6790034", "-FF-F--"),
    ("hannah.whitfield", "Hannah", "Whitfield", "Orthopaedics", "Knee and hip surgery", 140, 17, "6021178", "G-FF---"),
    ("tariq.mahmood", "Tariq", "Mahmood", "Orthopaedics", "Hand and shoulder", 135, 11, "7120456", "-G-GF--"),
    ("sofia.araujo", "Sofia", "Araújo", "Paediatrics", "General paediatrics", 90, 8, "7341120", "FF-G---"),
    ("david.mensah", "David", "Mensah", "Paediatrics", "Allergy and asthma", 100, 15, "6455091", "--GFF--"),
    ("leila.hosseini", "Leila", "Hosseini", "Women's health", "Obstetrics", 120, 19, "5208836", "GG--F--"),
    ("ingrid.lindqvist", "Ingrid", "Lindqvist", "Women's health", "Gynaecology", 120, 27, "4019927", "-FGA---"),
]

ALLERGIES = list(consultations.ALLERGIES)
NO_ALLERGIES = "No known allergies"

HISTORIES = [
    "Asthma since childhood.",
    "Type 2 diabetes, on metformin.",
    "High blood pressure since 2015.",
    "Appendix removed in 2003.",
    "Underactive thyroid, on levothyroxine.",
    "Migraine with aura.",
    "Hip replacement, left, 2019.",
    "Coeliac disease.",
    "Atrial fibrillation, on apixaban.",
    "Eczema.",
]

DESK_NOTES = [
    "Uses a wheelchair: room on the ground floor.",
    "Needs an interpreter (Arabic).",
    "Needs an interpreter (Ukrainian).",
    "British Sign Language interpreter, please.",
    "Hard of hearing: fetch from the waiting room.",
    "Daughter makes the appointments.",
    "Prefers mornings.",
    "Guide dog.",
    "Please ring, does not read letters.",
    "Comes with a carer.",
]

VISIT_NOTES = [
    "Asked to bring the list of medicines.",
    "Transport booked.",
    "Referral letter scanned.",
    "Would take an earlier time.",
    "Comes straight from work, may be a few minutes late.",
    "X-ray first, then to us.",
]

CANCEL_REASONS = [
    "Patient rang: has to work.",
    "Patient feels better.",
    "Patient rang: no childcare.",
    "Patient is ill at home.",
    "Booked twice.",
    "Seen elsewhere.",
    "Transport not available.",
]
