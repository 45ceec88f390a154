"""If these fail, alerts never arrive, or a password stands in a log."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from errors import ConfigurationError
from tests.support.secure_mail import SecureMailServer, self_signed
from tests.support.served import Queue, Served, without_tiled
from tests.support.small_servers import MailServer, PostServer, running
from tests.support.waiting import until
from trxas.alert_settings import AlertChannel, AlertSettings, MailSecurity
from trxas.alerts.outbox import Outbox
from trxas.alerts.rules import Alert, AlertKind
from trxas.alerts.sending import NotSentError, send
from trxas.commands import alerts

ALERT = Alert(kind=AlertKind.JET, text="scan 7 waits for the jet")
SECRET = "T0PSECRET"


@pytest.fixture
def mail() -> Iterator[tuple[MailServer, str]]:
    server = MailServer()
    with running(server) as address:
        yield server, address


@pytest.fixture
def web() -> Iterator[tuple[PostServer, str]]:
    server = PostServer()
    with running(server) as address:
        yield server, address


def test_mail_goes_to_all_recipients_through_a_real_connection(mail: tuple[MailServer, str]) -> None:
    server, address = mail
    settings = AlertSettings(send=(AlertChannel.MAIL,), mail_to="a@lab.org, b@lab.org", mail_server=address)
    send(settings, ALERT, AlertChannel.MAIL)
    assert [line.split("<")[1].split(">")[0] for line in server.envelopes] == ["a@lab.org", "a@lab.org", "b@lab.org"]
    assert "Subject: trxas: jet stopped" in server.mails[0]
    # Servers take mail without these for spam.
    assert "\nDate: " in server.mails[0]
    assert "\nMessage-ID: <" in server.mails[0]
    assert "scan 7 waits for the jet" in server.mails[0]


def test_a_password_never_goes_out_unprotected(monkeypatch: pytest.MonkeyPatch, mail: tuple[MailServer, str]) -> None:
    monkeypatch.setenv("TRXAS_ALERT_MAIL_PASSWORD", SECRET)
    settings = AlertSettings(send=(AlertChannel.MAIL,), mail_to="a@lab.org", mail_server=mail[1], mail_user="me")
    with pytest.raises(ConfigurationError, match="unprotected") as refused:
        send(settings, ALERT, AlertChannel.MAIL)
    assert SECRET not in str(refused.value)
    assert mail[0].mails == []
    with pytest.raises(NotSentError, match="did not accept the mail"):
        send(
            AlertSettings(mail_to="a@b.c", mail_server=mail[1], mail_security=MailSecurity.STARTTLS),
            ALERT,
            AlertChannel.MAIL,
        )


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    return self_signed(tmp_path)


@pytest.mark.parametrize("security", [MailSecurity.STARTTLS, MailSecurity.TLS])
def test_mail_with_a_login_goes_over_tls(
    monkeypatch: pytest.MonkeyPatch, certificate: tuple[Path, Path], security: MailSecurity
) -> None:
    """Lost: every alert at laboratories whose mail servers take none without; or the password, to an eavesdropper."""
    # The authority is trusted as an administrator would trust that of the own site.
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    monkeypatch.setenv("TRXAS_ALERT_MAIL_PASSWORD", SECRET)
    server = SecureMailServer(*certificate, SECRET, tls=security is MailSecurity.TLS)
    with running(server) as address:
        settings = AlertSettings(mail_to="a@lab.org", mail_server=address, mail_security=security, mail_user="me")
        send(settings, ALERT, AlertChannel.MAIL)
        assert server.logins == [("me", SECRET)]
        assert "scan 7 waits for the jet" in server.mails[0]
        assert [word.split()[0].lower() for word in server.words] in ([], ["ehlo", "starttls"])
        # A server that repeats what it refuses must not bring the password into a log.
        monkeypatch.setenv("TRXAS_ALERT_MAIL_PASSWORD", f"not {SECRET}")
        with pytest.raises(NotSentError, match="refused the login of 'me' with code 535") as refused:
            send(settings, ALERT, AlertChannel.MAIL)
    encoded = base64.b64encode(f"\0me\0not {SECRET}".encode()).decode()
    assert SECRET not in str(refused.value)
    assert encoded not in str(refused.value)
    assert len(server.mails) == 1


@pytest.mark.parametrize("security", [MailSecurity.STARTTLS, MailSecurity.TLS])
def test_a_mail_server_that_nobody_vouches_for_gets_no_password(
    monkeypatch: pytest.MonkeyPatch, certificate: tuple[Path, Path], security: MailSecurity
) -> None:
    monkeypatch.setenv("TRXAS_ALERT_MAIL_PASSWORD", SECRET)
    server = SecureMailServer(*certificate, SECRET, tls=security is MailSecurity.TLS)
    with running(server) as address:
        settings = AlertSettings(mail_to="a@lab.org", mail_server=address, mail_security=security, mail_user="me")
        with pytest.raises(NotSentError, match="certificate verify failed"):
            send(settings, ALERT, AlertChannel.MAIL)
    assert server.logins == []


def test_a_webhook_gets_the_text_in_the_field_of_its_service(
    monkeypatch: pytest.MonkeyPatch, web: tuple[PostServer, str]
) -> None:
    server, address = web
    monkeypatch.setenv("TRXAS_ALERT_WEBHOOK", f"http://{address}/{SECRET}")
    send(AlertSettings(send=(AlertChannel.WEBHOOK,), webhook_field="content"), ALERT, AlertChannel.WEBHOOK)
    path, body = server.posts[0]
    assert path == f"/{SECRET}"
    assert json.loads(body)["content"].endswith("scan 7 waits for the jet")


def test_a_webhook_that_fails_does_not_tell_its_address(
    monkeypatch: pytest.MonkeyPatch, web: tuple[PostServer, str]
) -> None:
    """Lost: the address of a webhook is its key, and logs are copied into bug reports."""
    server, address = web
    server.status = 404
    settings = AlertSettings(send=(AlertChannel.WEBHOOK,))
    for place in (
        f"http://{address}/{SECRET}",
        f"http://127.0.0.1:1/{SECRET}",
        f"ftp://{SECRET}",
        f"http://:x/{SECRET}",
    ):
        monkeypatch.setenv("TRXAS_ALERT_WEBHOOK", place)
        with pytest.raises((NotSentError, ConfigurationError)) as failed:
            send(settings, ALERT, AlertChannel.WEBHOOK)
        assert SECRET not in str(failed.value)


def test_a_command_gets_the_text_and_not_the_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRXAS_ALERT_WEBHOOK", SECRET)
    said_in = tmp_path / "said"
    settings = AlertSettings(send=(AlertChannel.COMMAND,), command=f"sh -c 'cat > {said_in}; env >> {said_in}'")
    send(settings, ALERT, AlertChannel.COMMAND)
    said = said_in.read_text()
    assert "scan 7 waits for the jet" in said
    assert "TRXAS_ALERT_KIND=jet stopped" in said
    assert SECRET not in said
    with pytest.raises(NotSentError, match="exit code 3: oh no"):
        send(AlertSettings(command="sh -c 'echo oh no >&2; exit 3'"), ALERT, AlertChannel.COMMAND)
    with pytest.raises(NotSentError, match="cannot be run"):
        send(AlertSettings(command="/no/such/program"), ALERT, AlertChannel.COMMAND)


def test_secrets_come_from_a_file_that_its_owner_alone_can_read(
    tmp_path: Path, web: tuple[PostServer, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TRXAS_ALERT_WEBHOOK", raising=False)
    path = tmp_path / "secrets"
    path.write_text(f"# of the beamline\nTRXAS_ALERT_WEBHOOK = http://{web[1]}/{SECRET}\n")
    settings = AlertSettings(send=(AlertChannel.WEBHOOK,), secrets_file=str(path))
    path.chmod(0o644)
    with pytest.raises(ConfigurationError, match=r"read by others \(mode 644\)") as refused:
        send(settings, ALERT, AlertChannel.WEBHOOK)
    assert SECRET not in str(refused.value)
    path.chmod(0o600)
    send(settings, ALERT, AlertChannel.WEBHOOK)
    assert len(web[0].posts) == 1
    with pytest.raises(ConfigurationError, match="TRXAS_ALERT_WEBHOOK is not set"):
        send(AlertSettings(), ALERT, AlertChannel.WEBHOOK)


def test_an_alert_that_cannot_be_sent_is_tried_again(
    web: tuple[PostServer, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, address = web
    monkeypatch.setenv("TRXAS_ALERT_WEBHOOK", f"http://{address}/{SECRET}")
    server.status = 500
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        server.status = 200

    Outbox(AlertSettings(send=(AlertChannel.WEBHOOK,)), say, pauses_s=(0.01, 0.01)).put(ALERT)
    until(lambda: len(said) == 2, lambda: said)
    assert "The webhook answers 500" in said[0]
    assert said[1].startswith("webhook: jet stopped: sent")
    assert SECRET not in "".join(said)


def test_the_test_command_reports_every_way(
    tmp_path: Path, web: tuple[PostServer, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRXAS_ALERT_WEBHOOK", f"http://{web[1]}/x")
    path = tmp_path / "c.toml"
    path.write_text('extends = "7ID-D"\n[alerts]\nsend = ["webhook", "command"]\ncommand = "false"\n')
    assert alerts.run_test(alerts.AlertTestOptions(config=path, data=tmp_path)) == 1
    assert capsys.readouterr().out.splitlines() == [
        "webhook: sent", "command: The command ended with exit code 1",
    ]  # fmt: skip
    with pytest.raises(ConfigurationError, match="sends no alerts"):
        alerts.run_test(alerts.AlertTestOptions(data=tmp_path))


@pytest.mark.long
@pytest.mark.channel_access
def test_a_jet_that_stops_in_a_scan_of_the_queue_rings_while_the_scan_waits(
    start_ioc: Any, tmp_path: Path, put: Any
) -> None:
    """The whole way: IOC, session, relay, rules, command; the scan continues when the jet is back."""
    config = tmp_path / "alerts.toml"
    rung = tmp_path / "rung"
    lines = ["[alerts]", 'send = ["command"]', f"command = \"sh -c 'cat >> {rung}'\"", "suspended_min = 0.05"]
    config.write_text(f'extends = "{without_tiled(tmp_path)}"\n' + "\n".join(lines) + "\n")
    with start_ioc("-m", "sim", "--macro", "rung:", "--speed", "100"):
        served = Served(tmp_path / "data", tmp_path / "log", "--config", str(config), "--prefix", "rung:", sim=False)
        try:
            queue = Queue(served.wait_ready())
            queue.start(dwell_s=6.0, sample="rings")
            queue.wait(re_state="running")
            put("rung:7idd:sim:Fault:JetStall", 1e6)
            until(lambda: rung.exists() and "has waited for" in rung.read_text(), served.said)
            put("rung:7idd:sim:FaultsClear", 1)
            queue.wait(manager_state="idle")
            queue.close()
        finally:
            served.kill_all()
    told = rung.read_text().splitlines()
    assert [line.partition("rings")[0] for line in told] == ["scan 1 · ", "scan 1 · "]
    assert "waits for the jet: jet_flow" in told[0]
