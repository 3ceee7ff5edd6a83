"""Names as they stand on a city hospital's list: many origins, several scripts. All combinations are made up.

An origin is ``(weight, family names, women's given names, men's given names, scheme)``. A family name written ``A/B``
has a form for women and one for men. The scheme says how names are put together: "" is given + family; "double"
sometimes joins two family names; "mono" has a single name.
"""


def _words(text):
    return [w.replace("_", " ") for w in text.split()]


def _origin(weight, family, women, men, scheme=""):
    return weight, _words(family), _words(women), _words(men), scheme


ORIGINS = [
    _origin(
        24,
        "Ashworth Atkinson Barker Bell Bennett Booth Bradley Brooks Carter Chapman Clarke Cooper Davies Dawson Ellis"
        " Evans"
        " Fletcher Foster Gibson Graham Griffiths Hall Harding Harrison Hughes Hunt Jenkins Jones Kemp Knight Lawson"
        " Lloyd"
        " Marsden Mason Morgan Norris Owen Palmer Parry Pearce Powell Price Reid Robson Saunders Shaw Slater Spencer"
        " Thorpe Turner Walker Ward Webb Whitfield Wilkinson Woods",
        "Alice Amelia Beth Charlotte Chloe Daisy Dorothy Edith Eleanor Ellie Emily Florence Freya Grace Hannah"
        " Harriet Holly"
        " Isla Jean Joan Kathleen Lily Lucy Margaret Maureen Molly Nicola Olivia Pamela Poppy Rosie Ruby Ruth Sheila"
        " Sophie Susan Violet",
        "Adam Alan Albert Alfie Archie Arthur Barry Ben Callum Charlie Colin Daniel Derek Dylan Edward Ernest Finley"
        " Frank"
        " George Graham Harry Henry Jack Jacob Keith Kenneth Leo Lewis Luke Malcolm Martin Oliver Oscar Raymond Ronald"
        " Samuel Stanley Thomas Trevor",
        "double",
    ),
    _origin(
        6,
        "O'Brien O'Connor O'Sullivan McCarthy Byrne Doherty Gallagher Kavanagh Ní_Dhomhnaill/Ó_Domhnaill MacLeod"
        " Campbell"
        " McKenzie Sinclair Murchison",
        "Aoife Bríd Caitríona Ciara Fiona Gráinne Máire Mairead Morag Niamh Róisín Saoirse Síle",
        "Aidan Brendan Cathal Conor Declan Eoin Fergus Hamish Iain Liam Pádraig Ruairí Seán Tadhg",
    ),
    _origin(
        7,
        "Patel Shah Desai Mehta Joshi Kulkarni Iyer Nair Menon Reddy Krishnan Subramaniam Chatterjee Mukherjee"
        " Kapoor Malhotra"
        " Kaur/Singh Gill Dhillon",
        "Aarti Ananya Deepika Divya Gurpreet Harpreet Ishani Jaspreet Kavita Lakshmi Meera Nisha Padma Pooja Priya"
        " Radha"
        " Saraswathi Sunita Swati",
        "Ajay Amit Arjun Balwinder Deepak Dev Gopal Harish Kiran Manoj Mohan Naveen Rajesh Ravi Rohan Sanjay Suresh"
        " Venkatesh Vikram",
    ),
    _origin(
        6,
        "Khan Ahmed Hussain Malik Begum/Uddin Chowdhury Rahman Mahmood Akhtar Iqbal Siddiqui Qureshi Bibi/Miah Sheikh",
        "Amina Ayesha Bushra Farzana Fatima Hafsa Iqra Khadija Maryam Nasreen Rukhsana Sadia Saima Shabnam Zainab",
        "Abdul Adeel Bilal Faisal Hamza Imran Junaid Kamran Mohammed Nadeem Omar Rashid Shahid Tariq Usman Yusuf Zahid",
    ),
    _origin(
        5,
        "Kowalska/Kowalski Nowak Wiśniewska/Wiśniewski Wójcik Kamińska/Kamiński Lewandowska/Lewandowski"
        " Zielińska/Zieliński Szymańska/Szymański Dąbrowska/Dąbrowski Kozłowska/Kozłowski Mazur Krawczyk"
        " Grabowska/Grabowski",
        "Agnieszka Barbara Danuta Ewa Grażyna Halina Joanna Katarzyna Łucja Magdalena Małgorzata Wiesława Zofia",
        "Andrzej Bogdan Grzegorz Jacek Krzysztof Łukasz Marek Michał Paweł Piotr Stanisław Tomasz Wojciech Zbigniew",
    ),
    _origin(
        5,
        "Adebayo Adeyemi Afolabi Okafor Okonkwo Eze Nwosu Obi Mensah Owusu Boateng Asante Osei Danjuma Balogun"
        " Ogunleye",
        "Abena Adaeze Adwoa Amara Chiamaka Chidinma Efua Folake Ifeoma Ngozi Nneka Temitope Yetunde Zainabu",
        "Babatunde Chidi Chukwuemeka Emeka Femi Ikenna Kofi Kwabena Kwame Obinna Olumide Segun Tunde Yaw",
    ),
    _origin(
        4,
        "Campbell Grant Francis Charles Joseph Baptiste St_Hilaire Bailey Gayle Lindo Morrison Pinnock Blake",
        "Beverley Claudette Hyacinth Ionie Keisha Latoya Marcia Merlene Monique Novlette Shanice Yvette",
        "Clive Delroy Desmond Errol Everton Glenroy Jermaine Leroy Marlon Neville Tyrone Winston",
    ),
    _origin(
        2,
        "Abdi Ali Farah Hassan Warsame Jama Mohamud",
        "Asha Hodan Ifrah Sahra Ubah Zahra",
        "Abdirahman Ahmed Bashir Guled Liban Mahad",
    ),
    _origin(1, "Tesfaye Haile Bekele Gebremariam Tekle", "Almaz Hiwot Selam Tigist", "Abebe Dawit Yonas Girma"),
    _origin(
        2,
        "Yılmaz Demir Çelik Şahin Öztürk Aydın Kılıç Güneş Arslan Doğan",
        "Ayşe Elif Emine Gülşen Hatice Özlem Zeynep",
        "Ahmet Burak Cem Emre Hüseyin Mustafa Ömer",
    ),
    _origin(
        2,
        "Hosseini Karimi Rostami Ahmadi Barzani Moradi Shirazi",
        "Leila Maryam Shirin Parisa Rojin",
        "Dariush Farhad Reza Navid Azad",
    ),
    _origin(
        2,
        "García Fernández Rodríguez Martínez López Muñoz Ibáñez Castaño",
        "Beatriz Carmen Inés Lucía María Pilar Rocío Soledad",
        "Álvaro Diego Íñigo Javier José Miguel Raúl Sebastián",
        "double",
    ),
    _origin(
        2,
        "Silva Santos Ferreira Oliveira Araújo Conceição Magalhães",
        "Ana Catarina Conceição Fátima Joana Mafalda",
        "António Gonçalo João Nuno Tiago",
    ),
    _origin(
        2,
        "Rossi Ferrari Esposito Ricci D'Angelo De_Luca",
        "Chiara Giulia Ginevra Lucia Donatella",
        "Alessandro Giuseppe Matteo Nicolò Salvatore",
    ),
    _origin(
        1,
        "Lefèvre Dubois Rousseau Béranger",
        "Camille Élodie Hélène Noémie",
        "Étienne François Jérôme Théo",
    ),
    _origin(
        2,
        "Popescu Ionescu Dumitrescu Ștefănescu Munteanu",
        "Andreea Ioana Ștefania Mihaela",
        "Andrei Bogdan Răzvan Ștefan",
    ),
    _origin(
        1,
        "Müller Schäfer Weiß Krüger van_der_Berg de_Vries Jansen",
        "Anneliese Ilse Marieke Saskia Ulrike",
        "Günther Jürgen Wolfgang Joost Pieter",
    ),
    _origin(
        1,
        "Sørensen Østergaard Lindqvist Åkesson Virtanen Mäkinen",
        "Ingrid Åsa Mette Aino",
        "Bjørn Søren Lars Eero",
    ),
    _origin(
        1,
        "Nováková/Novák Dvořáková/Dvořák Horváthová/Horváth Černá/Černý",
        "Tereza Lenka Zuzana Jiřina",
        "Jiří Václav Ondřej Štefan",
    ),
    _origin(
        2,
        "Nguyễn Trần Lê Phạm Hoàng Võ Đặng Bùi",
        "Bích_Ngọc Hồng Lan_Anh Mai Thị_Hoa Thu_Hà",
        "Anh_Tuấn Đức Hùng Minh Quang_Huy Văn_Nam",
    ),
    _origin(
        2,
        "Reyes dela_Cruz Santos Bautista Villanueva Macaraeg",
        "Maricel Rosalinda Jocelyn Analyn",
        "Rodel Ernesto Jun Danilo",
    ),
    _origin(
        2,
        "Chan Cheung Wong Lam Ng Leung Yip",
        "Ka-Yan Mei-Ling Siu-Fong Wing-Yee",
        "Chi-Wai Ho-Yin Kwok-Keung",
    ),
    _origin(1, "Li Wang Zhang Chen Liu Zhao", "Xiuying Yan Jingyi Lihua", "Jianguo Wei Zhiqiang"),
    _origin(1, "O Park Kim Lee Choi", "Hye-jin Min-seo Soo-ah", "Ji-hoon Min-jun Sung-ho"),
    _origin(1, "Tanaka Sato Suzuki Yamamoto", "Haruka Yuki Keiko", "Haruto Kenji Takashi"),
    # --- in their own scripts, as passports and bearers write them
    _origin(
        4,
        "الأحمد الخطيب الحداد النجار المصري العلي حداد خليل منصور سليمان الشامي عباس درويش",
        "فاطمة مريم عائشة ليلى نور سلمى هدى زينب رنا سميرة ياسمين",
        "محمد أحمد يوسف عمر خالد حسن إبراهيم مصطفى سامي طارق كريم",
    ),
    _origin(
        3,
        "王 李 张 刘 陈 杨 黄 赵 周 吴 欧阳 林 何",
        "秀英 敏 静 丽华 美玲 晓燕 雪梅 欣怡 淑芬",
        "伟 建国 志强 军 明 浩然 文博 国栋 俊杰",
    ),
    _origin(
        3,
        "Шевченко Коваленко Бондаренко Ткаченко Кравченко Мельник Олійник",
        "Оксана Олена Наталія Ірина Тетяна Галина Світлана Людмила",
        "Олександр Андрій Сергій Володимир Тарас Богдан",
    ),
    _origin(
        2,
        "Петрова/Петров Иванова/Иванов Соколова/Соколов Димитрова/Димитров Георгиева/Георгиев",
        "Мария Елена Десислава Анна",
        "Дмитрий Алексей Николай Георги",
    ),
    _origin(
        3,
        "Παπαδοπούλου/Παπαδόπουλος Γεωργίου Νικολαΐδου/Νικολαΐδης Αντωνίου Δημητρίου Οικονόμου Χριστοδούλου"
        " Κωνσταντίνου",
        "Ελένη Μαρία Κατερίνα Βασιλική Σοφία Δέσποινα Ειρήνη Χρυσάνθη",
        "Γιώργος Κώστας Νίκος Δημήτρης Γιάννης Σταύρος Παναγιώτης Ανδρέας",
    ),
    _origin(
        1,
        "כהן לוי מזרחי פרץ ביטון פרידמן",
        "רחל שרה מרים תמר נועה",
        "דוד יוסף משה אברהם איתן",
    ),
    _origin(
        1,
        "शर्मा वर्मा गुप्ता यादव थापा गुरुङ",
        "सुनीता अनिता लक्ष्मी सीता पूजा",
        "राम विजय अशोक राजेश बहादुर",
    ),
    _origin(1, "田中 佐藤 高橋", "花子 陽菜 美咲", "太郎 翔太 健一"),
    _origin(1, "김 이 박 최", "서연 지민 하은", "민준 도윤 지호"),
    _origin(1, "Suharto Wulandari Mardjono Setiawati Kusuma", "-", "-", "mono"),
]
_WEIGHTS = [origin[0] for origin in ORIGINS]


def person(rng, woman):
    """``(given, family)`` of somebody; either may be empty where one name is all there is."""
    _weight, families, women, men, scheme = rng.choices(ORIGINS, _WEIGHTS)[0]
    family = _form(rng.choice(families), woman)
    if scheme == "mono":
        return "", family
    given = rng.choice(women if woman else men)
    if scheme == "double" and rng.random() < 0.08:
        other = _form(rng.choice(families), woman)
        if other != family:
            family = f"{family}-{other}"
    return given, family


def _form(family, woman):
    first, slash, second = family.partition("/")
    return second if slash and not woman else first
