import ipaddress
import re

import pytest

from palabre.chassis.addresses import Exemption, literal, objection

FORBIDDEN = re.findall(
    r"\S+",
    """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1
127.1.2.3 127.255.255.254 168.63.129.16 169.254.0.1 169.254.169.254 169.254.170.2 172.16.0.1
172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1 192.88.99.1 192.168.0.1 192.168.255.255 198.18.0.1
198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
:: ::1 ::127.0.0.1 ::7f00:1 ::ffff:0.0.0.0 ::ffff:10.0.0.1 ::ffff:127.0.0.1 ::ffff:7f00:1
::ffff:169.254.169.254 ::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b::10.0.0.1 64:ff9b::169.254.169.254
64:ff9b:1::1 100::1 2001::1 2001:0:7f00:1:: 2001:db8::1 2001:10::1 2002:7f00:1:: 2002:a00:1::
2002:a9fe:a9fe:: 3fff::1 4000::1 5f00::1 fc00::1 fd00:ec2::254 fd12:3456::1 fe80::1 fe80::1%eth0
fec0::1 ff02::1 ff0e::1
""",
)
PUBLIC = re.findall(
    r"\S+",
    """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.1 93.184.215.14 100.63.255.255 100.128.0.1 126.255.255.255
128.0.0.1 172.15.255.255 172.32.0.1 192.0.1.1 192.167.1.1 198.17.0.1 198.20.0.1 223.255.255.255
2001:4860:4860::8888 2606:4700::1111 2a00:1450:4007::200e ::ffff:8.8.8.8 64:ff9b::8.8.8.8
""",
)


def against(address: str, *exempt: str, host: str = "site.example", port: int = 80) -> str:
    exemptions = [Exemption.parse(text) for text in exempt]
    return objection(host, port, ipaddress.ip_address(address), exemptions)


@pytest.mark.parametrize("address", FORBIDDEN)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert "leads to" in against(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_allowed(address: str) -> None:
    assert against(address) == ""


@pytest.mark.parametrize("port", [0, 21, 22, 25, 79, 81, 4222, 5432, 6333, 8081, 65535, 99999])
def test_only_the_ports_of_the_web_are_allowed(port: int) -> None:
    assert against("8.8.8.8", port=port) == f"asks for port {port}"
    assert against("8.8.8.8", "site.example", port=port) == f"asks for port {port}"


def test_a_named_host_may_be_private_at_the_usual_ports() -> None:
    assert against("10.1.2.3", "site.example") == ""
    assert against("127.0.0.1", "site.example:6333", port=6333) == ""
    assert "leads to" in against("10.1.2.3", "other.example")
    assert "leads to" in against("10.1.2.3", "site.example:6333")


def test_a_named_network_may_be_private() -> None:
    assert against("10.1.2.3", "10.1.0.0/16") == ""
    assert against("::1", "[::1]:9000", port=9000) == ""
    assert "leads to" in against("10.2.0.1", "10.1.0.0/16")
    assert "leads to" in against("::1", "127.0.0.1")


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "0.0.0.0", "::", "224.0.0.1"])  # noqa: S104
def test_where_clouds_keep_credentials_stays_shut_whatever_is_exempt(address: str) -> None:
    assert "leads to" in against(address, "site.example", "0.0.0.0/0", "::/0")
    assert "leads to" in against("::ffff:169.254.169.254", "site.example")


@pytest.mark.parametrize(
    "host",
    [
        *("2130706433", "017700000001", "0x7f000001", "0x7f.1", "127.1", "127.0.1", "0177.0.0.1"),
        *("127.0.0.01", "0x7f.0x0.0x0.0x1", "127.0.0.0x1", "1", "0", "0x", "256.256.256.256"),
        *("127.0.0.1.1", "00000.0", "4294967295", "3232235777", "[::1]", "::g", "fe80::1%25lo"),
        *("site.123", "1.2.3.4.5", "0X7F.1", "127.000.000.001"),
    ],
)
def test_an_address_in_disguise_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="unusual"):
        literal(host)


@pytest.mark.parametrize("host", ["example.org", "1and1.example", "0x.example", "123.example"])
def test_a_name_is_no_address(host: str) -> None:
    assert literal(host) is None


@pytest.mark.parametrize("text", ["", "10.0.0.0/99", "127.1", "a:b", "10.0.0.1/8", "[x"])
def test_an_exemption_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write"):
        Exemption.parse(text)
