"""The demo hospital: made-up people, and six weeks of believable days around now.

``names`` and ``texts`` are word lists, ``people`` who is there, ``rota`` when doctors work, ``days`` what is booked,
``play`` what has happened of it by now, ``history`` how it is written down, ``looks`` who opened whose record,
``load`` the whole, ``volume`` millions of rows.
"""
