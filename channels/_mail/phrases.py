"""How mail programs announce a quote, a forward or a device, in the languages that they speak. All in folded case."""

from typing import Final, Literal

Label = Literal["from", "date", "to", "subject"]

# What stands in "On Monday, Ann wrote:".
WROTE: Final = (
    "wrote", "schrieb", "a écrit", "escribió", "ha scritto", "scrisse", "escreveu", "schreef", "skrev", "napisał",
    "kirjoitti", "написал", "пишет", "yazdı", "写道", "のメール", "作成",
)  # fmt: skip

# How such a line begins: it tells where a wrapped one starts.
OPENINGS: Final = (
    "on ", "am ", "le ", "el ", "il ", "em ", "op ", "den ", "lø", "man", "tir", "ons", "tor", "fre", "søn", "dnia ",
    "pon", "wt", "śr", "czw", "pt", "sob", "niedz",
)  # fmt: skip

LABELS: Final[dict[str, Label]] = {
    **dict.fromkeys(
        ("from", "von", "de", "da", "van", "från", "fra", "od", "lähettäjä", "от", "发件人", "差出人"), "from"
    ),
    **dict.fromkeys(
        (
            "sent", "date", "gesendet", "datum", "envoyé", "date d'envoi", "enviado", "enviado el", "fecha", "inviato",
            "data", "enviada em", "enviado em", "verzonden", "skickat", "sendt", "dato", "wysłano", "lähetetty",
            "отправлено", "дата", "发送时间", "日期", "送信日時", "日時",
        ),
        "date",
    ),
    **dict.fromkeys(
        ("to", "an", "à", "para", "a", "per", "aan", "till", "til", "do", "vastaanottaja", "кому", "收件人", "宛先"),
        "to",
    ),
    **dict.fromkeys(
        (
            "subject", "betreff", "objet", "asunto", "oggetto", "assunto", "onderwerp", "ämne", "emne", "temat", "aihe",
            "тема", "主题", "件名",
        ),
        "subject",
    ),
}  # fmt: skip

# Between dashes: "-----Original Message-----".
BETWEEN_DASHES: Final = frozenset({
    "original message", "original-nachricht", "originalnachricht", "ursprüngliche nachricht", "message d'origine",
    "message d’origine", "message original", "mensaje original", "messaggio originale", "mensagem original",
    "oorspronkelijk bericht", "originele bericht", "originalmeddelande", "oprindelig meddelelse", "original besked",
    "opprinnelig melding", "oryginalna wiadomość", "alkuperäinen viesti", "исходное сообщение", "原始邮件",
    "forwarded message", "forwarded by", "weitergeleitete nachricht", "message transféré", "mensaje reenviado",
    "messaggio inoltrato", "mensagem encaminhada", "doorgestuurd bericht", "vidarebefordrat meddelande",
    "videresendt meddelelse", "wiadomość przekazana",
})  # fmt: skip

# On a line by themselves.
ALONE: Final = frozenset({
    "begin forwarded message", "anfang der weitergeleiteten nachricht", "début du message transféré",
    "début du message réexpédié", "inicio del mensaje reenviado", "inizio messaggio inoltrato",
    "início da mensagem encaminhada", "begin doorgestuurd bericht",
})  # fmt: skip

SENT_FROM: Final = (
    "sent from", "sent via", "sent with", "get outlook for", "von meinem", "gesendet von", "gesendet mit",
    "gesendet über", "diese nachricht wurde von meinem", "outlook für", "holen sie sich outlook", "envoyé de",
    "envoyé depuis", "envoyé à partir", "obtenez outlook", "télécharger outlook", "enviado desde", "enviado de",
    "enviado do", "enviado a partir", "obtener outlook", "obtenha o outlook", "obter o outlook", "inviato da",
    "ottieni outlook", "scarica outlook", "verzonden vanaf", "verstuurd vanaf", "verzonden met", "outlook voor",
    "skickat från", "sendt fra", "wysłane z",
)  # fmt: skip

DEVICES: Final = (
    "iphone", "ipad", "ios", "android", "samsung", "galaxy", "huawei", "xiaomi", "oneplus", "fairphone", "blackberry",
    "nokia", "motorola", "windows", "yahoo", "outlook", "proton", "gmail", "gmx", "web.de", "aol", "bluemail", "spark",
    "mail app", "smartphone", "handy", "telefon", "téléphone", "teléfono", "móvil", "mobile", "mobil", "tablet",
    "my phone", "cell phone",
)  # fmt: skip
