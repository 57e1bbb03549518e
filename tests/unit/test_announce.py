"""The announcement is found by a browser of services, and gone when it is taken back."""

from __future__ import annotations

import sys
import threading

import pytest

from bridge.announce import OSC_SERVICE, QUERY_SERVICE, Announcement

WATCHDOG_S = 20.0


def test_controllers_find_the_engine_until_it_ends() -> None:
    zeroconf = pytest.importorskip("zeroconf")
    found: dict[str, int] = {}
    both, gone = threading.Event(), threading.Event()

    class Listener(zeroconf.ServiceListener):
        def add_service(self, zc: object, kind: str, name: str) -> None:
            info = browser.get_service_info(kind, name)
            if info is not None and name.startswith("Driftwave test."):
                found[kind] = info.port
            if len(found) == 2:
                both.set()

        def update_service(self, zc: object, kind: str, name: str) -> None:
            self.add_service(zc, kind, name)

        def remove_service(self, zc: object, kind: str, name: str) -> None:
            gone.set()

    try:
        browser = zeroconf.Zeroconf(interfaces=["127.0.0.1"])
    except OSError as error:
        pytest.skip(f"no multicast here: {error}")
    zeroconf.ServiceBrowser(browser, [OSC_SERVICE, QUERY_SERVICE], Listener())
    announcement = Announcement("Driftwave test", "127.0.0.1", 9630, 9631)
    assert both.wait(WATCHDOG_S), found
    assert found == {OSC_SERVICE: 9630, QUERY_SERVICE: 9631}
    announcement.close()
    assert gone.wait(WATCHDOG_S)
    browser.close()


def test_without_the_package_nothing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zeroconf", None)
    Announcement("Driftwave test", "127.0.0.1", 9630, 9631).close()
