"""Which addresses a guarded fetch may connect to.

Public ones, on the usual ports of the web. An operator exempts hosts of an intranet by name or
by network; what is link-local (metadata of a cloud), multicast or unspecified stays shut even then.
Networks: the special-purpose registries of IANA, https://www.iana.org/assignments/iana-ipv4-special-registry
and iana-ipv6-special-registry. The standard library's `is_global` differs between patch releases.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

PORTS = frozenset({80, 443, 8080, 8443})

_PRIVATE: dict[Network, str] = {
    ipaddress.ip_network(network): what
    for what, networks in {
        "this machine": ("127.0.0.0/8", "::1/128"),
        "a private network": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),
        "a provider's inner network": ("100.64.0.0/10",),
        "a cloud's inner service": ("168.63.129.16/32",),
        "reserved": (
            *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15"),
            *("198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4"),
            *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
        ),
    }.items()
    for network in networks
}
_NEVER: dict[Network, str] = {
    ipaddress.ip_network(network): what
    for what, networks in {
        "unspecified": ("0.0.0.0/8", "::/128"),
        "link-local, where clouds keep credentials": ("169.254.0.0/16", "fe80::/10"),
        "multicast": ("224.0.0.0/4", "ff00::/8"),
        "broadcast": ("255.255.255.255/32",),
        "a cloud's metadata": ("100.100.100.200/32", "192.0.0.192/32", "fd00:ec2::254/128"),
    }.items()
    for network in networks
}
_GLOBAL_IPV6 = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Exemption:
    """An operator's word that a host, or a network, may be private; port 0: the usual ones."""

    host: str = ""
    network: Network | None = None
    port: int = 0

    @classmethod
    def parse(cls, text: str) -> "Exemption":
        """`intranet.example`, `10.1.0.0/16`, `::1`, each with `:port`. Raises ValueError."""
        found = re.fullmatch(r"\[([^\]]+)\](?::(\d+))?|([^:]+)(?::(\d+))?|([0-9a-fA-F:./]+)", text)
        if not found:
            raise ValueError(f"{text!r} is no host: write intranet.example or 10.1.0.0/16")
        name = (found[1] or found[3] or found[5] or "").lower().rstrip(".")
        port = int(found[2] or found[4] or 0)
        try:
            return cls(network=ipaddress.ip_network(name), port=port)
        except ValueError:
            if _is_numeric(name) or not re.fullmatch(r"[\w.-]+", name):
                raise ValueError(f"{text!r} is no network: write 10.1.0.0/16") from None
            return cls(host=name, port=port)

    def covers(self, host: str, address: Address) -> bool:
        if self.network is None:
            return host == self.host
        return address.version == self.network.version and address in self.network


def literal(host: str) -> Address | None:
    """The address that a host spells out. Raises ValueError when it does so in an odd way.

    `127.1`, `0x7f.0.0.1` and `2130706433` are addresses to a resolver and names to a reader; an
    address with a zone (`fe80::1%eth0`) is of this machine's network.
    """
    try:
        return ipaddress.ip_address(host.replace("%", "/"))
    except ValueError:
        if _is_numeric(host) or ":" in host:
            raise ValueError("spells an address in an unusual way") from None
        return None


def objection(host: str, port: int, address: Address, exemptions: Sequence[Exemption] = ()) -> str:
    """Why nobody may connect there; empty when one may."""
    address = _unwrapped(address)
    if what := _within(_NEVER, address):
        return f"leads to {address} ({what})"
    covering = [e for e in exemptions if e.covers(host, address)]
    if port not in PORTS and not any(e.port and e.port == port for e in covering):
        return f"asks for port {port}"
    if any(e.port in {0, port} for e in covering):
        return ""
    what = _within(_PRIVATE, address)
    if not what and address.version == 6 and address not in _GLOBAL_IPV6:
        what = "reserved"
    return f"leads to {address} ({what})" if what else ""


def _unwrapped(address: Address) -> Address:
    """The IPv4 address behind a mapped or NAT64 one: that is where the packets go."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _within(networks: dict[Network, str], address: Address) -> str:
    found = (w for n, w in networks.items() if n.version == address.version and address in n)
    return next(found, "")


def _is_numeric(host: str) -> bool:
    """Whether a resolver takes it for IPv4 (https://url.spec.whatwg.org/#ends-in-a-number-checker)."""
    return re.fullmatch(r"\d+|0[xX][0-9a-fA-F]*", host.rpartition(".")[2]) is not None
