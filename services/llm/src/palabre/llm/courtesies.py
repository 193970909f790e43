"""Words that ask nothing: hello, thanks, goodbye."""

from palabre.llm.words import words


def _set(listed: str) -> frozenset[str]:
    return frozenset(words(listed))


_COURTESIES = {
    "hello": _set(
        "bonjour bonsoir salut coucou hello hi hey good morning evening hola buenos dias buenas"
        " tardes noches ola oi bom dia boa tarde noite hallo guten tag morgen abend ciao salve"
        " buongiorno buonasera merhaba selam slm günaydın iyi günler akşamlar cześć dzień dobry hej"
        " witam bună ziua seara привіт добрий день доброго дня вечора مرحبا السلام عليكم سلام اهلا"
        " صباح مساء الخير 你好 您好 早上好 晚上好"
    ),
    "thanks": _set(
        "merci mci beaucoup bcp bien super parfait ok thanks thank you very much thx ty"
        " gracias muchas obrigado"
        " obrigada muito danke vielen dank schön sehr grazie mille teşekkürler teşekkür ederim çok"
        " sağ ol sağol dziękuję dzięki bardzo mulțumesc mersi mult дякую дуже شكرا جزيلا لكم 谢谢"
        " 谢谢你 谢谢您 多谢"
    ),
    "goodbye": _set(
        "au revoir bonne journee soiree merci bye goodbye a bientot adios hasta luego pronto adeus"
        " até logo tschüss auf wiedersehen arrivederci hoşça kal kalın görüşürüz do widzenia pa la"
        " revedere до побачення مع السلامة 再见"
    ),
}


def courtesy(question: str) -> str:
    """hello, thanks or goodbye when the words say nothing else."""
    said = frozenset(words(question))
    return next((key for key, known in _COURTESIES.items() if said and said <= known), "")
