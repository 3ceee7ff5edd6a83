"""What the demo's doctors write: for each reason of ``texts.DEPARTMENTS`` a note, a plan, codes and a drug or none."""

# reason → (note, treatment, ICD-10 codes, drug as (name, strength, form, dose, how often, days) or None)
VISITS = {
    "New patient: tiredness and weight loss": (
        "Three months of tiredness, 4 kg lost without meaning to. Appetite fair, no night sweats, no cough. Abdomen "
        "soft, no lymph nodes felt, heart and chest clear.",
        "Blood count, thyroid, glucose, CRP and ferritin taken. Chest X-ray asked for. Back with the results.",
        ["R53"], None,
    ),
    "Diabetes review": (
        "Well. No hypos. Measures twice a week, 6 to 9 before breakfast. Feet: pulses present, sensation intact. "
        "Eyes seen this spring, no retinopathy. Walks half an hour a day.",
        "HbA1c and kidney function sent. Metformin as before. Diet talked over. Review in six months.",
        ["E11.9"], ("Metformin", "500 mg", "tablet", "1 tablet", "twice a day", 90),
    ),
    "Blood pressure check and medication review": (
        "No headaches, no swelling of the ankles. Takes the tablets every day. Home readings mostly below 140/90.",
        "Go on as before. Less salt. Kidney function and potassium once a year, next in spring.",
        ["I10"], ("Amlodipine", "5 mg", "tablet", "1 tablet", "once a day", 90),
    ),
    "Results of blood tests": (
        "Results gone through together: cholesterol raised, everything else within range. No heart disease in the "
        "family before 65. Does not smoke.",
        "Diet and exercise first, then a statin if still raised. Lipids again in three months.",
        ["Z71.2", "E78.0"], None,
    ),
    "Cough for three weeks": (
        "Dry cough after a cold three weeks ago, worse at night, no fever, no blood. Chest clear, throat calm.",
        "Cough after an infection; should settle by itself. X-ray if it lasts longer than six weeks.",
        ["R05"], None,
    ),
    "Asthma review": (
        "Uses the reliever twice a week, wakes once a month. Peak flow 85 % of best. Technique shown and improved.",
        "Preventer every day, reliever as needed. Written plan handed out. Review in a year, earlier if worse.",
        ["J45.9"], ("Salbutamol", "100 micrograms", "inhaler", "2 puffs", "when needed", None),
    ),
    "Stomach pain after meals": (
        "Burning under the breastbone after meals for two months, coffee makes it worse. No weight loss, no black "
        "stools, swallows well. Slight tenderness in the upper abdomen.",
        "Acid blocker for four weeks, smaller meals, no late suppers. Stool test for Helicobacter. Back if no better.",
        ["K30"], ("Omeprazole", "20 mg", "capsule", "1 capsule", "in the morning", 28),
    ),
    "Thyroid follow-up": (
        "Feels well, weight steady, no palpitations. Takes the tablet before breakfast. TSH 2.1.",
        "Dose stays. TSH again in a year.",
        ["E03.9"], ("Levothyroxine", "50 micrograms", "tablet", "1 tablet", "in the morning", 90),
    ),
    "Headaches, getting more frequent": (
        "Band-like headache, now three days a week, towards evening. No aura, no vomiting, never wakes at night. "
        "Pupils, fields and reflexes normal; neck muscles tight.",
        "Headache diary, breaks from the screen, physiotherapy for the neck. Painkillers on at most two days a week.",
        ["G44.2"], ("Paracetamol", "500 mg", "tablet", "2 tablets", "when needed", 10),
    ),
    "Repeat prescription review": (
        "Medicines gone through one by one. Takes them as written, no side effects, knows what each is for.",
        "All continued for three months.", ["Z76.0"], None,
    ),
    "Travel vaccinations": (
        "Travels in five weeks for three weeks. No fever, no earlier reactions to vaccines.",
        "Hepatitis A and typhoid given, left arm. Advice on mosquitoes, water and sun, with the leaflet.",
        ["Z26.9"], None,
    ),
    "Cut on the hand, may need stitches": (
        "Cut with a kitchen knife two hours ago, 3 cm, left palm. Bends and feels all fingers. Clean, no glass.",
        "Local anaesthetic, washed out, four stitches. Tetanus up to date. Keep dry; stitches out in ten days.",
        ["S61.9"], None,
    ),
    "Twisted ankle": (
        "Turned the ankle on a kerb. Swollen on the outside, walks four steps, no bone tenderness.",
        "Ligament sprain, no X-ray needed. Ice, raise, bandage; move it early. Back if no better in a week.",
        ["S93.4"], ("Ibuprofen", "400 mg", "tablet", "1 tablet", "three times a day", 5),
    ),
    "High fever since last night": (
        "Fever up to 39.4 since last night, aching all over, drinks enough. Ears, throat, chest and urine without "
        "a finding. Neck supple, no rash.",
        "Viral infection likely. Fluids, rest. Come back at once with a rash, drowsiness or a fourth day of fever.",
        ["R50.9"], ("Paracetamol", "500 mg", "tablet", "1 tablet", "every 6 hours", 3),
    ),
    "Wound check and dressing": (
        "Wound dry, edges together, no redness, no warmth.",
        "Cleaned, new dressing. Next change in three days.", ["Z48.0"], None,
    ),
    "Bee sting, swelling": (
        "Stung on the forearm an hour ago. Swelling 6 cm, itches. Breathes freely, lips and tongue normal.",
        "Sting taken out, cooled, watched for half an hour: no change. Knows when to call an ambulance.",
        ["T63.4"], ("Cetirizine", "10 mg", "tablet", "1 tablet", "once a day", 5),
    ),
    "Back pain after lifting": (
        "Sharp pain low in the back since lifting a box yesterday. No numbness, bladder and bowel normal. Straight "
        "leg raising free on both sides, strength full.",
        "Keep moving, warmth. Painkiller for a few days. Leaflet with exercises. Back if numb or weak.",
        ["M54.5"], ("Naproxen", "250 mg", "tablet", "1 tablet", "twice a day", 7),
    ),
    "Burn on the forearm": (
        "Hot water an hour ago, cooled at once. 4 × 6 cm with blisters, skin feels touch, not around the arm.",
        "Cleaned, silver cream, dressing. Next look in two days.",
        ["T22.2"], ("Silver sulfadiazine", "1 %", "cream", "thin layer", "once a day", 7),
    ),
    "Ear pain": (
        "Pain in the right ear for two days after a cold. Drum red and bulging, not perforated. Hearing a little less.",
        "Painkiller; antibiotic only if no better in two days (prescription in hand). No swimming.",
        ["H66.9"], ("Amoxicillin", "500 mg", "capsule", "1 capsule", "three times a day", 5),
    ),
    "Dizzy, fell at home": (
        "Stood up quickly, felt dizzy and fell; no blow to the head, was never unconscious. Pressure falls by 25 on "
        "standing. ECG in sinus rhythm. No bruises, walks steadily.",
        "Low pressure on standing. Get up in steps, drink more, water tablet halved. Blood count sent.",
        ["R42"], None,
    ),
    "Something in the eye": (
        "Grinding yesterday without goggles. Small metal splinter on the cornea at four o'clock, sight full.",
        "Removed under local anaesthetic, no rust ring. Ointment. Back tomorrow if it still hurts. Goggles!",
        ["T15.9"], ("Chloramphenicol", "1 %", "eye ointment", "1 cm", "four times a day", 5),
    ),
    "Sprained wrist, may be broken": (
        "Fell on the outstretched hand. Swollen, tender over the joint, not in the snuffbox. X-ray: no fracture.",
        "Splint for a week, ice, then movement. Back if it still hurts after ten days.",
        ["S63.5"], ("Paracetamol", "500 mg", "tablet", "2 tablets", "four times a day", 5),
    ),
    "Migraine, third day": (
        "Throbbing on the left for three days, light hurts, vomited twice. Known migraine, like earlier ones. "
        "Neurological examination normal, no fever, neck free.",
        "Anti-sickness injection and fluids, better after an hour. Dark room. Talk to the GP about prevention.",
        ["G43.9"], ("Sumatriptan", "50 mg", "tablet", "1 tablet", "when needed", None),
    ),
    "Nosebleed that keeps coming back": (
        "Fourth nosebleed this week, right side. Small vessel at the front of the septum. Pressure normal.",
        "Cauterised with silver nitrate, dry since. Ointment inside, no blowing for a week.", ["R04.0"], None,
    ),
    "Short of breath with a cold": (
        "Cold for four days, now tight in the chest. Speaks in whole sentences. Wheeze on both sides.",
        "Nebuliser: wheeze gone. Inhaler at home. Return at once if breathing gets worse.",
        ["J06.9", "J45.9"], ("Salbutamol", "100 micrograms", "inhaler", "2 puffs", "every 4 hours", 5),
    ),
    "Dog bite, needs cleaning": (
        "Bitten in the forearm by the neighbour's dog (vaccinated) three hours ago. Two punctures, no tendon or bone.",
        "Washed out, left open, dressing. Tetanus given. Antibiotic to prevent infection. Look again in two days.",
        ["S51.9"], ("Amoxicillin with clavulanic acid", "500/125 mg", "tablet", "1 tablet", "three times a day", 5),
    ),
    "Rash after a new medicine": (
        "Itching red spots on the trunk, since the second day of a new antibiotic. No blisters, mouth free, no fever.",
        "Stopped the antibiotic. Antihistamine. To be noted as an allergy once the tests are back.",
        ["L27.0"], ("Loratadine", "10 mg", "tablet", "1 tablet", "once a day", 7),
    ),
    "Sore throat and fever": (
        "Two days of sore throat, fever, no cough. Tonsils red with white spots, nodes tender. Strep test positive.",
        "Penicillin for five days. Fluids. Stay at home for a day after the first dose.",
        ["J02.9"], ("Phenoxymethylpenicillin", "500 mg", "tablet", "1 tablet", "four times a day", 5),
    ),
    "Pain when passing water": (
        "Burning and going often since yesterday. No fever, no pain in the flank. Urine: leucocytes and nitrite.",
        "Urine sent for culture. Antibiotic for three days, drink plenty.",
        ["N39.0"], ("Nitrofurantoin", "100 mg", "capsule", "1 capsule", "twice a day", 3),
    ),
    "Palpitations": (
        "Flutters for seconds, several times a week, mostly in the evening. Never fainted. ECG: sinus rhythm, a few "
        "extra beats. Heart sounds clear.",
        "24-hour ECG. Less coffee. Thyroid and potassium sent. Review with the recording.", ["R00.2"], None,
    ),
    "ECG and review": (
        "No chest pain, climbs two floors. ECG: sinus rhythm 68, no change from last year.",
        "Treatment as before. Next ECG in a year.",
        ["I49.9"], ("Bisoprolol", "2.5 mg", "tablet", "1 tablet", "in the morning", 90),
    ),
    "Heart failure clinic, follow-up": (
        "Sleeps on two pillows, ankles less swollen than in summer. Weight down by 1.5 kg. No crackles.",
        "Water tablet stays. Weigh every morning; ring us with 2 kg more within three days. Kidney function sent.",
        ["I50.9"], ("Furosemide", "40 mg", "tablet", "1 tablet", "in the morning", 60),
    ),
    "Echo results": (
        "Echo: good pump, slight leak of the mitral valve, nothing to operate on. Told with the picture.",
        "No treatment needed. Echo again in two years.", ["I34.0"], None,
    ),
    "Chest pain on exertion, first visit": (
        "Pressure behind the breastbone uphill, gone within two minutes of rest, for six weeks. Smoked until 2018. "
        "ECG at rest normal.",
        "Exercise test this week, statin and aspirin begun. Spray for attacks explained. Pain at rest: ambulance.",
        ["I20.9"], ("Atorvastatin", "20 mg", "tablet", "1 tablet", "at night", 90),
    ),
    "Pacemaker check": (
        "No dizziness. Wound pale. Battery for eight years, thresholds steady, two short runs of fast beats recorded.",
        "Settings unchanged. Next check in six months.", ["Z45.0"], None,
    ),
    "Anticoagulation review": (
        "No bleeding, no bruises, never misses a dose. Kidney function and haemoglobin steady.",
        "Go on. Card renewed. Blood tests in six months.",
        ["I48.9"], ("Apixaban", "5 mg", "tablet", "1 tablet", "twice a day", 90),
    ),
    "Knee pain, X-ray discussed": (
        "Pain on stairs, stiff for ten minutes in the morning. Slight effusion, ligaments firm. X-ray: narrowed inner "
        "joint space.",
        "Strengthening exercises, physiotherapy. Painkiller on bad days. An operation is some years away.",
        ["M17.9"], ("Ibuprofen", "400 mg", "tablet", "1 tablet", "when needed", 14),
    ),
    "Plaster check, wrist": (
        "Plaster sits well, fingers warm, move freely. X-ray: in place.",
        "Keep on for three more weeks. Move fingers and elbow.", ["S52.5"], None,
    ),
    "Follow-up after hip replacement": (
        "Twelve weeks after the operation. Walks without a stick, no pain at night. Scar pale, bends to 100°.",
        "May cycle and swim. X-ray in a year.", ["Z96.6"], None,
    ),
    "Shoulder pain, first visit": (
        "Pain when lifting the arm sideways, between 60° and 120°, four months. No trauma. Strength full.",
        "Impingement. Physiotherapy for six weeks, ultrasound if no better.",
        ["M75.1"], ("Naproxen", "250 mg", "tablet", "1 tablet", "twice a day", 10),
    ),
    "Removal of stitches": (
        "Wound healed, no redness.", "All stitches removed. May be washed from tomorrow, sun cream on the scar.",
        ["Z48.0"], None,
    ),
    "Frozen shoulder, injection": (
        "Turns outwards only 15°, pain at night. Risks of the injection talked over, consent given.",
        "Steroid and local anaesthetic into the joint, without trouble. Exercises from tomorrow.", ["M75.0"], None,
    ),
    "Back pain with numb foot": (
        "Pain from the back into the left calf, outer foot numb for two weeks. Ankle reflex weaker, strength full. "
        "Bladder and bowel normal.",
        "MRI asked for. Painkiller, keep moving. Weakness or trouble passing water: come at once.",
        ["M51.1"], ("Naproxen", "500 mg", "tablet", "1 tablet", "twice a day", 10),
    ),
    "Six-month check": (
        "Sits with support, reaches with both hands, babbles. Hips move freely, heart without murmur. Feeds well.",
        "Grows along the curve. Vaccinations up to date. Began solids; iron-rich food explained.", ["Z00.1"], None,
    ),
    "School health check": (
        "Sees and hears well, spine straight, reads fluently, sleeps nine hours. Teeth: one filling.",
        "No worries. Dentist every six months.", ["Z10.8"], None,
    ),
    "Eczema, not better with cream": (
        "Elbows and knees red, scratched, not weeping. Cream used only every other day.",
        "Shown how much cream is enough: twice a day, thickly. Steroid for a week on the red parts.",
        ["L20.9"], ("Hydrocortisone", "1 %", "cream", "thin layer", "twice a day", 7),
    ),
    "Asthma review with inhaler training": (
        "Coughs at night once a week, none at sport. Technique with the spacer: now three right out of three.",
        "Preventer morning and evening with the spacer. Plan for school written.",
        ["J45.9"], ("Beclometasone", "50 micrograms", "inhaler", "1 puff", "twice a day", 60),
    ),
    "Tummy aches before school": (
        "Pain around the navel on school mornings, none in the holidays. Grows well, abdomen soft.",
        "Nothing dangerous. Diary; parents talk to the teacher. Back in four weeks.", ["R10.4"], None,
    ),
    "Vaccination catch-up": (
        "Healthy today, no fever. Record gone through: two doses missing.",
        "Given in the left thigh. Next dose in two months.", ["Z27.9"], None,
    ),
    "Growth check": (
        "Two centimetres since the last visit, along the 10th centile like the parents. Eats everything, lively.",
        "Family shortness likely. Measure again in six months.", ["R62.8"], None,
    ),
    "Sleep problems": (
        "Falls asleep after eleven, screens in bed. No snoring, no restless legs. Tired at school.",
        "Same time every evening, screens out of the room, sleep diary. Back in three weeks.", ["G47.9"], None,
    ),
    "Ear infections, third this year": (
        "Third infection since spring. Fluid behind both drums, hearing test a little low.",
        "Wait three months; hearing test again, then grommets if the fluid is still there.", ["H65.9"], None,
    ),
    "Antenatal check, 28 weeks": (
        "Feels the baby move. Fundus 28 cm, heartbeat 144. Urine without protein.",
        "Glucose test normal. Iron for low ferritin. Next visit at 31 weeks.",
        ["Z34.9"], ("Ferrous sulfate", "200 mg", "tablet", "1 tablet", "once a day", 60),
    ),
    "Antenatal booking visit": (
        "Nine weeks by dates. No bleeding, some nausea. History and family gone through, screening explained.",
        "Bloods taken, scan at twelve weeks booked. No alcohol, no raw meat.",
        ["Z34.9"], ("Folic acid", "400 micrograms", "tablet", "1 tablet", "once a day", 84),
    ),
    "Contraception advice": (
        "Methods compared, none ruled out. Does not smoke, no migraine with aura, no clots in the family.",
        "Takes the leaflet home, decides until the next visit.", ["Z30.0"], None,
    ),
    "Smear test": (
        "No complaints. Cervix looks healthy.", "Sample sent. Result by letter within two weeks.", ["Z12.4"], None,
    ),
    "Heavy periods": (
        "Seven days, changes every two hours on the first two. Tired. Ultrasound without fibroids.",
        "Blood count and ferritin. Tablets for the heavy days. Coil talked over.",
        ["N92.0"], ("Tranexamic acid", "500 mg", "tablet", "2 tablets", "three times a day", 4),
    ),
    "Six weeks after birth": (
        "Mother and child well. Breast-feeds. Scar healed, mood good (score 4).",
        "Pelvic floor exercises. Contraception talked over.", ["Z39.2"], None,
    ),
    "Menopause clinic": (
        "Hot flushes ten times a day, wakes at night. Last period fourteen months ago. No clots, breasts checked.",
        "Benefits and risks of hormones talked over; begins with a patch. Review in three months.",
        ["N95.1"], None,
    ),
}  # fmt: skip

# What is said of a patient → the entries of the list: (substance, class, severity, reaction)
ALLERGIES = {
    "Penicillin (rash)": [("Penicillin", "penicillins", "UNKNOWN", "rash")],
    "Penicillin (anaphylaxis in 2014, Severe)": [("Penicillin", "penicillins", "SEVERE", "anaphylaxis in 2014")],
    "Amoxicillin (hives, Moderate)": [("Amoxicillin", "penicillins", "MODERATE", "hives")],
    "Aspirin (wheeze, Severe)": [("Aspirin", "NSAIDs", "SEVERE", "wheeze")],
    "Ibuprofen (stomach bleeding, Severe)": [("Ibuprofen", "NSAIDs", "SEVERE", "stomach bleeding")],
    "Latex (contact rash, Mild)": [("Latex", "", "MILD", "contact rash")],
    "Peanuts (carries adrenaline pen, Severe)": [("Peanuts", "", "SEVERE", "carries adrenaline pen")],
    "Codeine (vomiting, Moderate)": [("Codeine", "opioids", "MODERATE", "vomiting")],
    "Trimethoprim (rash, Mild); House dust mite": [
        ("Trimethoprim", "", "MILD", "rash"),
        ("House dust mite", "", "UNKNOWN", ""),
    ],
    "Iodine contrast (flush, short of breath, Severe)": [
        ("Iodine contrast", "", "SEVERE", "flush, short of breath"),
    ],
    "Bee venom (anaphylaxis, Severe)": [("Bee venom", "", "SEVERE", "anaphylaxis")],
    "Plasters (skin blisters, Mild)": [("Plasters", "", "MILD", "skin blisters")],
}

# What goes on with a patient: (ICD-10 code or None, its words, years since, at most)
PROBLEMS = [
    ("J45.9", "Asthma, unspecified", 30),
    ("E11.9", "Type 2 diabetes mellitus without complications", 12),
    ("I10", "Essential (primary) hypertension", 14),
    (None, "Appendix removed", 25),
    ("E03.9", "Hypothyroidism, unspecified", 15),
    ("G43.9", "Migraine, unspecified", 20),
    ("Z96.6", "Presence of orthopaedic joint implants", 8),
    ("K90.0", "Coeliac disease", 18),
    ("I48.9", "Atrial fibrillation and atrial flutter, unspecified", 7),
    ("L20.9", "Atopic dermatitis, unspecified", 20),
]

PHRASES = {  # everybody's
    "normal": "Heart and lungs without a finding, abdomen soft, no tenderness. Neurological examination normal.",
    "well": "{{ age }}-year-old patient, feels well, no new complaints since the last visit.",
    "back": "Come back at once if it gets worse, with fever, or if *** .",
    "consent": "Benefits, risks and alternatives explained to {{ name }}; questions answered; consent given.",
    "results": "Results gone through together: *** . Copy handed out.",
}
OWN_PHRASES = {  # of the doctor of the sample login
    "htn": "Blood pressure at home: *** . No headache, no swelling of the ankles. Takes the tablets every day.",
    "dm": "HbA1c *** . No hypos. Feet: pulses present, sensation intact. Eyes last seen: *** .",
    "letter": "{{ name }} came on {{ today }} because of: {{ reason }}. Finding: *** .",
}

# The sample patient's year: (weeks ago, doctor, reason, note or None for the usual one)
YEAR = [
    (54, 0, "New patient: tiredness and weight loss", None),
    (52, 0, "Results of blood tests", "TSH 9.8, free T4 low; blood count and glucose normal. Explains the tiredness."),
    (47, 1, "Thyroid follow-up", "Begun on 50 micrograms five weeks ago, less tired. TSH 5.6."),
    (41, 1, "Thyroid follow-up", "TSH 3.0, feels like herself again. Cold hands gone."),
    (36, 0, "Blood pressure check and medication review", "Readings of 150/95 at work and at home for two months."),
    (32, 4, "Palpitations", None),
    (30, 4, "ECG and review", "24-hour ECG: a few extra beats, no runs. Reassured."),
    (25, 0, "Blood pressure check and medication review", "Amlodipine since March, ankles fine. 138/86 at home."),
    (20, 11, "Smear test", None),
    (15, 1, "Thyroid follow-up", None),
    (11, 0, "Headaches, getting more frequent", None),
    (7, 0, "Blood pressure check and medication review", "Headaches gone. 126/80 at home over two weeks."),
    (5, 0, "Repeat prescription review", None),
]
