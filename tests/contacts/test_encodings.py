"""Guesses of encodings, measured with real sentences: Django's own translations."""

import re
from collections.abc import Iterator
from pathlib import Path

import django
import pytest

from contacts import encodings

ADMIN = Path(django.__file__).parent / "contrib" / "admin" / "locale"
TEXTS = re.compile(r'^msgstr "(.+)"$', re.MULTILINE)
WESTERN = "fr de es pt it da nb sv fi et ca is gl cy ga gd pt_BR".split()


def sentences(language: str) -> list[str]:
    catalogue = ADMIN / language / "LC_MESSAGES" / "django.po"
    return TEXTS.findall(catalogue.read_text("utf-8"))


def pieces(language: str, encoding: str, size: int = 8) -> Iterator[bytes]:
    """Short texts with letters beyond ASCII, in this encoding."""
    texts = sentences(language)
    for begin in range(0, len(texts), size):
        data = "\n".join(texts[begin : begin + size]).encode(encoding, "ignore")
        if not data.isascii():
            yield data


@pytest.mark.parametrize("language", "pl cs hu sk hr sl sr_Latn".split())
def test_central_european_sentences(language: str) -> None:
    text = "\n".join(sentences(language)).encode("cp1250", "ignore")
    assert encodings.detect(text) == "cp1250"


@pytest.mark.parametrize("language", "fr de es it da sv fi ca".split())
def test_sentences_from_a_mac(language: str) -> None:
    text = "\n".join(sentences(language)).encode("mac_roman", "ignore")
    assert encodings.detect(text) == "mac_roman"


@pytest.mark.parametrize("language", WESTERN)
def test_no_western_text_is_taken_for_another_one(language: str) -> None:
    assert {encodings.detect(data) for data in pieces(language, "cp1252")} <= {"cp1252", "utf-8"}


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1250", "imię,nazwisko,email\nŁukasz,Wiśniewski,l@x.example\nPaweł,Wójcik,\n"),
        ("cp1250", "Klient;Miasto\nKOWALSKI PAWEŁ;ŁÓDŹ\nZieliński Michał;Kraków\n"),
        ("cp1250", "Nazwa firmy;Adres\nUsługi „Żbik”;ul. Długa 5, Gdańsk\n"),
        ("cp1250", "Jméno;Příjmení\nJiří;Novák\nOndřej;Dvořák\nVěra;Růžičková\n"),
        ("cp1250", "Meno;Mesto\nĽudovít Štúr;Košice\nMária Kováčová;Žilina\n"),
        ("cp1250", "Név;Város\nNagy Gergő;Győr\nSzűcs Réka;Kőszeg\nHegedűs Jenő;Pécs\n"),
        ("cp1250", "Ime;Priimek\nMarko;Petrović\nAna;Kovačić\n"),
        ("mac_roman", "Nom;Ville\nHélène Müller;Besançon\nRené Lefèvre;Orléans\n"),
        ("mac_roman", "Name;Ort\rJürgen Groß;München\rSören Jäger;Köln\r"),
        ("mac_roman", "Nombre;Ciudad\nJosé García;Málaga\nMaría González;Córdoba\n"),
        ("mac_roman", "Navn;By\nSøren Jørgensen;Århus\nBjørn Åsgård;Tromsø\n"),
        # In doubt the file is Western.
        ("cp1252", "Navn;By\nJørgen Sørensen;København\nØystein Nærø;Karmøy\n"),
        ("cp1252", "Nome;Città\nNicolò Cantù;Forlì\nPerché così;è già più\n"),
        ("cp1252", "Nombre;Ciudad\n¿Qué tal? Muñoz;1º\nMª José Peña;nº 5 3ª\n"),
        ("cp1252", "Name;Größe\nMüller;12 m³, 5 km³, £5, ¥7\nWeiß;¾ ¼\n"),
        ("cp1252", "Nimi;Linn\nTõnu Kõiv;Põlva\nMärt Jõgi;Võru\n"),
        ("cp1252", "Cœur d’Alène;sœur…“mot”l’été—mot;Acme™;Žižka;Benoît;Août;PREMIÈRE\n"),
        ("cp1252", "Cliente;Nota\nJosé;Paweł\n".replace("ł", "³")),
    ],
)
def test_contacts(encoding: str, text: str) -> None:
    assert encodings.detect(text.encode(encoding)) == encoding


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("windows-1250", "cp1250"),
        ("CP1250", "cp1250"),
        ("macintosh", "mac_roman"),
        ("MacRoman", "mac_roman"),
    ],
)
def test_names(name: str, key: str) -> None:
    assert encodings.named(name) == key
