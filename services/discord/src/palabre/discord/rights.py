"""What a bot needs on a server, as Discord names it.

https://docs.discord.com/developers/topics/permissions, …/topics/oauth2#bot-authorization-flow
"""

from urllib.parse import urlencode

# By the name in Discord's API: the bit of a permission.
PERMISSIONS = {
    "view_channel": 1 << 10,
    "send_messages": 1 << 11,
    "embed_links": 1 << 14,
    "attach_files": 1 << 15,
    "read_message_history": 1 << 16,
    "send_messages_in_threads": 1 << 38,
}
MANAGE_THREADS = 1 << 34  # to put a tag on somebody else's post
READS = 1 << 18 | 1 << 19  # of an application: message content, allowed or as yet unverified
AUTHORIZE = "https://discord.com/oauth2/authorize"
PORTAL = "https://discord.com/developers/applications"


def invitation(application: int, *, marks: bool = False) -> str:
    """The address at which who manages a server lets the bot in; `marks`: it tags solved posts."""
    permissions = sum(PERMISSIONS.values()) | (MANAGE_THREADS if marks else 0)
    asked = {"client_id": application, "scope": "bot applications.commands"}
    return f"{AUTHORIZE}?{urlencode(asked | {'permissions': permissions})}"
