"""Who needs help, or goes too far: found by words alone, in French and English."""


def judge(text: str) -> list[str]:
    """The categories of `categories.ALL` that the words themselves show."""
    return []
