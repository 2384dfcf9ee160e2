"""How mail programs announce a quote, a forward or a device, in the languages that they speak. All in folded case."""

from typing import Final, Literal

Label = Literal["from", "sent", "date", "to", "cc", "subject"]

# What stands in "On Monday, Ann wrote:".
WROTE: Final = (
    "wrote", "schrieb", "a écrit", "escribió", "va escriure", "ha scritto", "scrisse", "escreveu", "schreef",
    "geschreven", "skrev", "napisał", "napisan", "pisze", "kirjoitti", "написал", "пишет", "написав", "пише", "yazdı",
    "napsal", "napísal", "napisao", "írta", "a scris", "έγραψε", "כתב", "كتب", "đã viết", "เขียน", "menulis", "写道",
    "寫道", "のメール", "さんは書きました", "作成", "작성", "님이 씀",
)  # fmt: skip

# How such a line begins: it tells where a wrapped one starts.
OPENINGS: Final = (
    "on ", "am ", "le ", "el ", "il ", "em ", "op ", "den ", "lø", "man", "tir", "ons", "tor", "fre", "søn", "dnia ",
    "pon", "wt", "śr", "czw", "pt", "sob", "niedz", "w dniu ", "---- on ", "vào ", "pada ", "în ", "ma ", "ti ", "ke ",
    "to ", "pe ", "la ", "su ", "po ", "út ", "st ", "čt ", "pá ", "so ", "ne ",
)  # fmt: skip

LABELS: Final[dict[str, Label]] = {
    **dict.fromkeys(
        (
            "from", "von", "de", "da", "van", "från", "fra", "od", "lähettäjä", "от", "от кого", "від", "kimden",
            "gönderen", "feladó", "de la", "από", "发件人", "寄件者", "寄件人", "差出人", "送信者", "보낸 사람",
            "보낸사람", "من", "מאת", "từ", "dari", "expéditeur", "remitente", "mittente", "remetente", "absender",
        ),
        "from",
    ),
    **dict.fromkeys(
        (
            "sent", "gesendet", "envoyé", "date d'envoi", "enviado", "enviado el", "inviato", "enviada em",
            "enviado em", "enviada", "verzonden", "skickat", "sendt", "wysłano", "wysłane", "lähetetty", "отправлено",
            "надіслано", "gönderildi", "gönderme tarihi", "odesláno", "odoslané", "elküldve", "trimis", "στάλθηκε",
            "发送时间", "寄件日期", "送信日時", "보낸 날짜", "보낸날짜", "sent on", "gesendet am", "gesendet um",
        ),
        "sent",
    ),
    **dict.fromkeys(
        (
            "date", "datum", "fecha", "data", "dato", "дата", "tarih", "päivämäärä", "päiväys", "dátum", "日期", "日時",
            "日付", "날짜", "ημερομηνία",
        ),
        "date",
    ),
    **dict.fromkeys(
        (
            "to", "an", "à", "para", "a", "per", "aan", "till", "til", "do", "vastaanottaja", "кому", "kime", "alıcı",
            "komu", "címzett", "către", "προσ", "收件人", "收件者", "宛先", "받는 사람", "받는사람", "إلى", "אל",
            "destinataire", "destinatario", "destinatário", "empfänger", "pro", "đến", "kepada",
        ),
        "to",
    ),
    **dict.fromkeys(
        ("cc", "kopie", "kopia", "copie à", "kopio", "копия", "kópia", "másolatot kap", "抄送", "副本", "참조"),
        "cc",
    ),
    **dict.fromkeys(
        (
            "subject", "betreff", "objet", "asunto", "oggetto", "assunto", "onderwerp", "ämne", "emne", "temat", "aihe",
            "тема", "konu", "předmět", "predmet", "tárgy", "subiect", "θέμα", "主题", "主旨", "件名", "제목", "الموضوع",
            "נושא", "sujet", "assumpte", "chủ đề", "perihal",
        ),
        "subject",
    ),
}  # fmt: skip

# Between dashes: "-----Original Message-----".
BETWEEN_DASHES: Final = frozenset({
    "original message", "original appointment", "original-nachricht", "originalnachricht", "ursprüngliche nachricht",
    "ursprünglicher termin", "message d'origine", "mail original", "mail transféré",
    "message d’origine", "message original", "mensaje original",
    "messaggio originale", "mensagem original", "oorspronkelijk bericht", "originele bericht", "originalmeddelande",
    "ursprungligt meddelande", "oprindelig meddelelse", "original besked", "opprinnelig melding",
    "oryginalna wiadomość", "wiadomość oryginalna", "alkuperäinen viesti", "исходное сообщение",
    "оригинальное сообщение", "вихідне повідомлення", "orijinal mesaj", "orijinal ileti", "özgün ileti",
    "původní zpráva", "původní e-mail", "ursprüngliche e-mail", "original email", "original e-mail",
    "pôvodná správa", "eredeti üzenet", "mesaj original", "αρχικό μήνυμα", "原始邮件", "原始郵件",
    "回复的原邮件",
    "元のメッセージ", "original message by", "원본 메시지", "원본 메일", "reply message", "answered message",
    "forwarded message", "forwarded by", "weitergeleitete nachricht", "message transféré", "mensaje reenviado",
    "messaggio inoltrato", "mensagem encaminhada", "doorgestuurd bericht", "vidarebefordrat meddelande",
    "videresendt meddelelse", "videresendt melding", "wiadomość przekazana", "przekazana wiadomość",
    "välitetty viesti", "пересылаемое сообщение", "перенаправленное сообщение", "переслане повідомлення",
    "iletilen mesaj", "yönlendirilen ileti", "přeposlaná zpráva", "továbbított üzenet", "转发邮件", "轉寄郵件",
    "転送メッセージ", "전달된 메일", "forwarded email",
})  # fmt: skip

# On a line by themselves.
ALONE: Final = frozenset({
    "begin forwarded message", "anfang der weitergeleiteten nachricht", "début du message transféré",
    "début du message réexpédié", "inicio del mensaje reenviado", "inizio messaggio inoltrato", "inizio messaggio",
    "início da mensagem encaminhada", "início da mensagem reencaminhada", "begin doorgestuurd bericht",
    "vidarebefordrat mejl", "start på videresendt besked", "starten på den videresendte meldingen",
    "początek przekazywanej wiadomości", "välitetty viesti alkaa", "начало переадресованного сообщения",
    "yönlendirilen mesajın başlangıcı", "začátek přeposílané zprávy", "转发的邮件", "転送されたメッセージ",
    "전달된 메시지 시작", "original",
})  # fmt: skip

# What ticket systems write above their mail, between signs such as ##-.
ABOVE_THIS_LINE: Final = (
    "reply above this line", "your reply above this line", "reply above the line", "write above this line",
    "all text above this line is added", "antworten sie oberhalb dieser", "antwort oberhalb dieser zeile",
    "über dieser zeile", "répondre au-dessus de cette ligne", "réponse au-dessus de cette ligne",
    "respuesta encima de esta línea", "responda por encima de esta línea", "escriba su respuesta por encima",
    "sopra questa riga", "acima desta linha", "boven deze regel", "ovanför denna rad", "over denne linje",
    "powyżej tej linii", "выше этой линии", "над этой строкой",
)  # fmt: skip

SENT_FROM: Final = (
    "sent from", "sent via", "sent with", "sent using", "secured with",
    "get outlook for", "von meinem", "von meiner", "gesendet von",
    "gesendet mit", "gesendet über", "diese nachricht wurde von meinem", "diese nachricht wurde mit", "von samsung",
    "outlook für", "holen sie sich outlook", "laden sie outlook", "envoyé de", "envoyé depuis", "envoyé à partir",
    "envoyé avec", "obtenez outlook", "obtenir outlook", "télécharger outlook", "téléchargez outlook", "enviado desde",
    "enviado de", "enviado do", "enviado a partir", "enviado con", "enviado com", "enviado por", "obtener outlook",
    "obtenha o outlook", "obter o outlook", "inviato da", "inviato con", "ottieni outlook", "scarica outlook",
    "verzonden vanaf", "verzonden vanuit", "verstuurd vanaf", "verstuurd met", "verzonden met", "outlook voor",
    "skickat från", "skickades från", "hämta outlook", "sendt fra", "sendt via", "hent outlook", "skaff deg outlook",
    "wysłane z", "wysłane za pomocą", "wysłano z",
    "pobierz outlook", "pobierz aplikację outlook", "lähetetty", "hanki outlook",
    "отправлено с", "отправлено из", "скачать outlook", "надіслано з", "odesláno z", "odesláno ze", "odoslané z",
    "získejte outlook", "stáhnout outlook", "küldve", "elküldve", "trimis de pe", "στάλθηκε από", "发自我的",
    "发送自", "发自", "获取 outlook", "取得 outlook", "provenienza: posta", "yahoo mail:",
)  # fmt: skip

EXCUSES: Final = (
    "please excuse", "excuse my", "apologies for", "sorry for", "bitte entschuldigen", "entschuldigen sie",
    "veuillez excuser", "disculpe", "scusate", "excuse the brevity",
)  # fmt: skip

# The same where the device is named first: how such a line has to end.
SENT_LAST: Final = ("から送信", "gönderildi", "gönderildi.", "에서 보냄", "edinin", "を入手", "küldve", "傳送", "送信")
DEVICE_FIRST: Final = ("samsung", "iphone", "ipad", "android", "나의", "내", "從我的", "galaxy", "ios 用", "ios için")

DEVICES: Final = (
    "iphon", "ipad", "ios", "android", "samsung", "galaxy", "huawei", "xiaomi", "redmi", "oneplus", "fairphone",
    "blackberry", "nokia", "motorola", "windows", "yahoo", "outlook", "proton", "gmail", "gmx", "web.de", "aol",
    "bluemail", "spark", "superhuman", "shortwave", "tutanota", "tuta", "mailspring", "zoho mail", "fastmail", "hey",
    "airmail", "em client", "aquamail", "k-9", "nine", "boxer", "canary", "front", "missive", "mail app",
    "mail for windows", "smartphone", "handy", "telefon", "téléphone", "teléfono", "telefoon", "móvil", "mobile",
    "mobil", "tablet", "my phone", "cell phone", "pixel", "verizon", "t-mobile", "айфон", "телефон", "手机", "手機",
    "conquer", "my mac", "device",
)  # fmt: skip

# Words in small letters that may stand beside a device. Any other makes it a sentence of the author's.
BESIDE_DEVICES: Final = frozenset(
    """a aan ab abgeschickt al an and aparelho aplicación app appareil application auf aus az bei beveiligde beziehen
    bezpiecznej by cell conquer correo dal de del den der des desde device di die diese dispositivo do downloaden du
    e-mail edinin el electrónico email en encrypted enviado envoyé et for fra fri från für gesendet gesendeten get
    gönderildi herunterladen het i il inviato it la le les library like lähetetty mail maila mailu me mein meine
    meinem meinen meiner messagerie meu meus mi mi' mijn min minha minn minun mio mit mobiele mobil mobile mobilní
    mobiltelefon mobilu moj mojego mojej mon my máj móvil můj na nachricht network no o obtener odesláno of on
    organize over para pelo per phone phone's posta pour powered private pro puhelimesta på run search secure
    secured securely seguro sendt sicherer sicura skickat smartphone smarttelefon su sur systemu sécurisée tablet
    tablette telefon telefone telefono telefonu telefoon teléfono the through til toestel télécharger téléphone
    using van vanaf verschickt versendet verstuurd verzonden via vom von voor wireless with wurde wysłane wysłano
    your z ze zu μου το из мого моего мой почты с со телефона""".split()  # noqa: SIM905
)

# With such words the author answers inside of what is quoted below, where nothing marks it.
ANSWERS_BELOW: Final = (
    "inline", "in-line", "in line below", "in red", "in blue", "in green", "in bold", "answers below", "answer below",
    "comments below", "responses below", "replies below", "answered below", "replied below", "my reply below",
    "antworten unten", "antworten im text", "in rot", "in blau", "meine antworten", "weiter unten beantwortet",
    "en rouge", "en bleu", "mes réponses", "réponses ci-dessous", "en rojo", "en azul", "mis respuestas",
    "respuestas abajo", "in rosso", "in blu", "mie risposte", "em vermelho", "em azul", "minhas respostas",
    "in rood", "in het rood", "in blauw", "mijn antwoorden", "mina svar", "i rött", "mine svar", "på czerwono",
    "moje odpowiedzi", "красным", "мои ответы", "vastaukseni", "kırmızı ile", "cevaplarım",
)  # fmt: skip

# How a letter ends; below stand a name, and perhaps where to reach it.
CLOSINGS: Final = frozenset({
    "best", "best regards", "kind regards", "warm regards", "warmest regards", "regards", "many thanks", "thanks",
    "thank you", "thanks and regards", "thanks & regards", "with kind regards", "with best regards", "cheers",
    "sincerely", "yours sincerely", "sincerely yours", "yours truly", "yours faithfully", "all the best", "br", "rgds",
    "mit freundlichen grüssen", "freundliche grüsse", "viele grüsse", "liebe grüsse", "beste grüsse",
    "mit besten grüssen", "herzliche grüsse", "mfg", "lg", "vg", "gruss", "grüsse",
    "cordialement", "bien cordialement", "bien à vous", "salutations", "sincères salutations", "merci",
    "saludos", "un saludo", "saludos cordiales", "atentamente", "un cordial saludo", "gracias", "muchas gracias",
    "cordiali saluti", "distinti saluti", "saluti", "un saluto", "grazie", "grazie mille", "a presto",
    "atenciosamente", "cumprimentos", "com os melhores cumprimentos", "melhores cumprimentos", "obrigado", "obrigada",
    "abraço", "abraços", "att", "met vriendelijke groet", "met vriendelijke groeten", "vriendelijke groet",
    "vriendelijke groeten", "groeten", "groet", "mvg", "bedankt", "med vänlig hälsning", "med vänliga hälsningar",
    "vänliga hälsningar", "hälsningar", "mvh", "tack", "med venlig hilsen", "venlig hilsen", "vh", "hilsen", "tak",
    "med vennlig hilsen", "vennlig hilsen", "takk", "ystävällisin terveisin", "terveisin", "kiitos", "pozdrawiam",
    "z poważaniem", "serdecznie pozdrawiam", "dziękuję", "с уважением", "спасибо", "с наилучшими пожеланиями",
    "saygılarımla", "iyi çalışmalar", "teşekkürler", "s pozdravem", "hezký den", "děkuji", "üdvözlettel",
    "cu respect", "με εκτίμηση", "此致", "谢谢", "よろしくお願いいたします", "よろしくお願いします", "감사합니다",
})  # fmt: skip

# How a line begins that says where somebody is reached.
REACHED_AT: Final = (
    "tel", "phone", "ph:", "ph.", "mobile", "mob", "cell", "fax", "office:", "direct:", "www.", "http", "e-mail",
    "email", "mail:", "web:", "telefon", "handy", "mobil", "tél", "portable", "móvil", "cel", "t:", "m:", "p:", "f:",
    "e:", "w:", "t ", "m ", "t.", "m.", "p.", "тел", "моб", "puh", "gsm", "linkedin", "skype", "whatsapp", "tlf",
    "電話", "电话", "전화", "telephone", "telefoon", "telefono", "teléfono", "telefone",
)  # fmt: skip

# How a line begins that names somebody's post in small letters, and how one ends that names a company.
POSTS: Final = (
    "менеджер", "директор", "специалист", "начальник", "бухгалтер", "инженер", "руководитель", "specjalist", "kierowni",
    "dyrektor", "księgow", "asystent", "responsable", "responsabile", "directeur", "directrice", "chef ", "chargé",
    "assistant", "director", "jefe ", "jefa ", "gerente", "encargad", "diretor", "coordenador", "coordinador",
    "addett", "impiegat", "vedoucí", "ředitel", "jednatel", "účetní", "manager", "head of", "leiter", "hoofd",
    "medewerker", "ansvarig", "konsulent",
)  # fmt: skip
COMPANIES: Final = (
    "sp. z o.o.", "sp. z o. o.", "sp.z o.o.", "s.r.o.", "s. r. o.", "a.s.", "s.p.a.", "s.r.l.", "d.o.o.", "e.k.",
    "e.v.", "b.v.", "n.v.", "s.a.", "s.l.", "s.a.s.", "gmbh & co. kg", "lda.", "ltda.", "a.ş.", "ltd. şti.",
)  # fmt: skip

# What only the law makes people write below their letters: where their company is registered.
REGISTERED: Final = (
    "geschäftsführ", "amtsgericht", "handelsregister", "registergericht", "hrb ", "ust-id", "ust.-id", "ustid",
    "sitz der gesellschaft", "registered office", "registered in", "company no", "vat no", "vat reg", "siège social",
    "siret", "rcs ", "capital social", "p. iva", "p.iva", "partita iva", "kvk", "btw", "nip ", "nip:", "regon", "krs",
    "org.nr", "org. nr", "orgnr", "cvr", "y-tunnus", "ičo", "c.i.f", "cif:", "cnpj",
)  # fmt: skip

# What follows here is the author's matter, wherever it stands.
OF_THE_MATTER: Final = (
    "order", "bestell", "commande", "pedido", "ordine", "encomenda", "zamów", "заказ", "case", "ticket", "account",
    "kunde", "customer", "invoice", "rechnung", "facture", "factura", "fattura", "fatura", "faktura", "serial",
    "tracking", "ref", "booking", "kundnr", "klant", "konto", "iban", "p.s", "ps", "pps", "nb", "n.b", "#", "sipariş",
    "objednáv", "numer", "nummer", "número", "numéro", "numero", "attach", "anbei", "contract", "vertrag", "policy",
)  # fmt: skip

# How a notice begins that a company's server writes below every mail, and two kinds of words that it has to hold.
NOTICES: Final = (
    "confidentiality", "confidential", "disclaimer", "legal notice", "privileged", "notice:", "important notice",
    "this e-mail", "this email", "this message", "this communication", "this transmission", "this mail",
    "the information contained", "the information in this", "the contents of this", "the content of this",
    "diese e-mail", "diese email", "diese nachricht", "der inhalt dieser", "die information", "vertraulichkeit",
    "ce message", "ce courriel", "cet e-mail", "cet email", "este mensaje", "este correo", "aviso legal", "aviso de",
    "questo messaggio", "questa e-mail", "questa email", "il presente messaggio", "la presente", "le informazioni",
    "ai sensi", "esta mensagem", "este e-mail", "este email", "dit bericht", "deze e-mail", "de informatie", "denna",
    "detta", "det här", "denne", "denna e-post", "niniejsza", "ta wiadomość", "niniejszy", "это сообщение",
    "настоящее", "данное сообщение", "bu e-posta", "bu mesaj", "tato zpráva", "tento e-mail", "tämä",
)  # fmt: skip
SECRET: Final = (
    "confiden", "vertraul", "riservat", "vertrouwel", "privileged", "poufn", "конфиденц", "gizli", "důvěrn",
    "luottamuks", "konfident", "fortrolig", "sekretess", "geheim", "proprietary", "legally",
)  # fmt: skip
MEANT_FOR: Final = (
    "intended", "recipient", "addressee", "empfänger", "adressat", "destinatair", "destinatari", "destinatári",
    "geadresseerde", "bestemd", "mottagare", "modtager", "mottaker", "adresat", "odbiorc", "получател", "адресат",
    "alıcı", "příjemc", "vastaanottaj", "solely for", "if you have received this", "if you are not",
)  # fmt: skip
# Such lines by themselves.
ADVERTS: Final = (
    "virus-free", "virenfrei", "sans virus", "libre de virus", "privo di virus", "virusvrij", "livre de vírus",
    "this email has been checked for viruses", "diese e-mail wurde von avast", "please consider the environment",
    "think before you print", "before printing this e", "bitte prüfen sie, ob diese mail", "pensez à l'environnement",
    "do you yahoo", "get your free", "yahoo mail: search, organize",
)  # fmt: skip
