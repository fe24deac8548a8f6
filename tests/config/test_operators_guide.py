"""The commands and files of docs/operators/install.md and deploy/, as they are written there."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from config.programs import WORKERS
from environment import envfile, readers
from tests.environment.test_envfile import by_sh

ROOT = Path(__file__).resolve().parent.parent.parent
GUIDES = sorted((ROOT / "docs/operators").glob("*.md"))
INSTALL = (ROOT / "docs/operators/install.md").read_text()
UNITS = sorted((ROOT / "deploy").glob("*.service"))
# What systemd-analyze calls "OK" ends at 4.9; ours should be far below.
MOST_EXPOSED = 2.0


def blocks(text: str, kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)


def block(word: str, kind: str = "sh") -> str:
    """The one of the guide that has the word."""
    (found,) = [each for each in blocks(INSTALL, kind) if word in each]
    return str(found)


def tool(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if not found:
        pytest.skip(f"{name} is not installed")
    return found


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_every_command_is_valid_sh(guide: Path) -> None:
    for each in blocks(guide.read_text(), "sh"):
        done = subprocess.run(["sh", "-n"], input=each, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{done.stderr}\n{each}"


def by_systemd(content: str) -> dict[str, str]:
    """As systemd.exec(5) says that EnvironmentFile= is read, for lines that it takes whole."""
    found = {}
    for line in content.splitlines():
        if not line.strip() or line.lstrip().startswith(("#", ";")):
            continue
        name, _equals, value = line.partition("=")
        value = value.strip()
        if value[:1] in {"'", '"'} and value[:1] == value[-1:]:
            value = value[1:-1]
        found[name.strip()] = value
    return found


def test_the_settings_file_is_read_alike_by_all(tmp_path: Path) -> None:
    content = block("YANSHU_SECRET_KEY=", "ini")
    path = tmp_path / "yanshu.env"
    path.write_text(content)
    read = envfile.read(path)
    assert read == by_sh(path) == by_systemd(content)
    assert read["YANSHU_FROM_EMAIL"] == "Yanshu <yanshu@example.com>"
    assert readers.database("DATABASE_URL", read)["PASSWORD"] == "change-this-1"
    assert readers.mail_server("EMAIL_URL", read).host == "smtp.example.com"
    # doctor knows that it was not replaced.
    assert read["YANSHU_SECRET_KEY"].startswith("change-this")
    example = ROOT / "docs/operators/settings.md"
    for each in blocks(example.read_text(), "ini"):
        path.write_text(each)
        assert envfile.read(path) == by_sh(path) == by_systemd(each)


def test_the_settings_file_is_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "yanshu.env"
    path.write_text("A=1\n")
    script = block("chmod 640").replace("/etc/yanshu.env", str(path)).replace("root:yanshu", ":0")
    if os.geteuid() != 0:
        pytest.skip("needs root")
    subprocess.run(["sh", "-eu", "-c", script], check=True)
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.django_db
def test_user_and_database_are_made_and_may_be_migrated() -> None:
    """On a real server, with the statements of the guide under other names."""
    sql = block("CREATE ROLE").partition("<<'SQL'\n")[2].partition("SQL\n")[0]
    name = f"guide_{uuid4().hex[:12]}"
    server = os.environ["DATABASE_URL"]
    with psycopg.connect(server, autocommit=True) as admin:
        for statement in sql.replace("yanshu", name).split(";"):
            if statement.strip():
                admin.execute(statement.encode())
        try:
            own = re.sub(r"//[^@]*@/[^?]*", f"//{name}:change-this-1@/{name}", server)
            with psycopg.connect(own, autocommit=True) as made:
                # What migrations ask for besides tables.
                made.execute("CREATE EXTENSION pg_trgm")
                made.execute("CREATE TABLE one (id int)")
                row = made.execute("SHOW server_encoding").fetchone()
                assert row == ("UTF8",)
        finally:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())
            admin.execute(f'DROP ROLE "{name}"'.encode())


def test_nginx_takes_the_site(tmp_path: Path) -> None:
    nginx, openssl = tool("nginx"), tool("openssl")
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        [
            *(openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=mail.example.com", "-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    site = (ROOT / "deploy/nginx.conf").read_text()
    site = site.replace("/etc/ssl/mail.example.com.pem", str(certificate))
    site = site.replace("/etc/ssl/mail.example.com.key", str(key))
    (tmp_path / "site").write_text(site)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = " ".join(f"{kind}_temp_path {tmp_path}/{kind};" for kind in kinds)
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; {temporary} include {tmp_path}/site; }}\n"
    )
    done = subprocess.run(
        [nginx, "-t", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "[emerg]" not in done.stderr


@pytest.fixture
def units(tmp_path: Path) -> list[Path]:
    """With programs that are there: systemd looks for them."""
    paths = []
    for unit in UNITS:
        text = re.sub(r"/opt/yanshu/\.venv/bin/\w+", "/bin/true", unit.read_text())
        text = text.replace("WorkingDirectory=/opt/yanshu", "WorkingDirectory=/")
        text = text.replace("User=yanshu", "User=daemon")
        instance = unit.name.replace("@.", "@send.")
        (tmp_path / instance).write_text(text)
        paths.append(tmp_path / instance)
    return paths


def test_systemd_takes_the_units(units: list[Path]) -> None:
    analyze = tool("systemd-analyze")
    done = subprocess.run(
        [analyze, "verify", "--man=no", "--recursive-errors=no", *map(str, units)],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if "yanshu" in line]
    assert (done.returncode, ours) == (0, []), done.stderr


def test_units_are_hardened(units: list[Path]) -> None:
    analyze = tool("systemd-analyze")
    for unit in units:
        done = subprocess.run(
            [analyze, "security", "--offline=yes", "--no-pager", str(unit)],
            capture_output=True,
            text=True,
            check=True,
        )
        level = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
        assert level is not None, done.stdout
        assert float(level[1]) <= MOST_EXPOSED, done.stdout


def test_the_guide_names_files_that_are_there() -> None:
    for name in re.findall(r"deploy/[\w@.-]+", INSTALL):
        assert (ROOT / name.rstrip(".")).exists(), name


def test_a_host_that_does_everything_has_a_worker_for_each_queue() -> None:
    (command,) = re.findall(r"^systemctl enable --now yanshu-web .*$", INSTALL, re.MULTILINE)
    assert sorted(re.findall(r"yanshu-worker@(\w+)", command)) == sorted(WORKERS)


def test_no_command_names_a_version_of_postgresql() -> None:
    """Debian 12 has 15, Debian 13 has 17."""
    assert not re.findall(r"postgresql/\d+", INSTALL)
