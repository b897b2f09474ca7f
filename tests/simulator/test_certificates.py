"""Certificates are read back as they were made, by this code and by any other."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from simulator.certificates import Authority, issue, read, root

START = datetime(2026, 1, 1, tzinfo=UTC)
END = START + timedelta(days=90)
AUTHORITY = Authority("Shop Internal CA", "first")


def test_what_was_made_is_read_back() -> None:
    (found,) = read(issue(AUTHORITY, "payments.fulfilment.svc", START, END, ("payments",)))
    assert (found.subject, found.issuer) == ("payments.fulfilment.svc", "Shop Internal CA")
    assert (found.not_before, found.not_after) == (START, END)


def test_a_certificate_is_signed_by_its_authority_and_no_other_of_that_name() -> None:
    (found,) = read(issue(AUTHORITY, "payments", START, END, ("payments",)))
    (own,) = read(root(AUTHORITY, START, END))
    (other,) = read(root(Authority("Shop Internal CA", "second"), START, END))
    assert found.is_signed_by(own)
    assert not found.is_signed_by(other)
    assert own.is_signed_by(own)


def test_it_is_valid_between_its_dates_alone() -> None:
    (found,) = read(issue(AUTHORITY, "payments", START, END))
    assert found.is_valid_at(START)
    assert not found.is_valid_at(START - timedelta(seconds=1))
    assert not found.is_valid_at(END + timedelta(seconds=1))


def test_a_bundle_holds_several_and_rubbish_is_passed_over() -> None:
    one, other = issue(AUTHORITY, "a", START, END), issue(AUTHORITY, "b", START, END)
    rubbish = "-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n"
    cut = one.replace("\n", "", 1)[:200]
    assert [each.subject for each in read(one + rubbish + other + cut)] == ["a", "b"]
    assert read("") == read("no certificate") == []


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
def test_openssl_reads_the_same() -> None:
    text = issue(AUTHORITY, "payments", START, END, ("payments.fulfilment.svc",))
    command = ["openssl", "x509", "-noout", "-subject", "-issuer", "-enddate", "-ext", "subjectAltName"]
    said = subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout
    assert "CN = payments" in said or "CN=payments" in said
    assert "notAfter=Apr  1 00:00:00 2026 GMT" in said
    assert "DNS:payments.fulfilment.svc" in said
