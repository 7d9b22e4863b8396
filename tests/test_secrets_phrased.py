"""Secrets that a phrase gives away: on the line below a name, behind a command's option, in notes and tables."""

from __future__ import annotations

import pytest
from secret_samples import hexes, in_64, some

from ctxwin.files import redacted

PASSWORD = some(5) + "!" + some(4) + "7xQ"
LETTERS = some(12) + "x7"
LINES = {
    "block.yml": f"db:\n  user: x\n  passphrase: >-\n    {PASSWORD}\n  port: 1\n",
    "deploy.yml": f'env:\n  - name: DB_PASSWORD\n    value: "{PASSWORD}"\n  - name: PORT\n    value: "80"\n',
    "docker-compose.yml": f"services:\n  db:\n    command: redis-server --requirepass {PASSWORD}\n",
    "secret.yml": f"apiVersion: v1\nkind: Secret\nstringData:\n  config: {PASSWORD}\nmetadata:\n  name: x\n",
    "a.toml": f'[db]\nhost = "x"\npassword = """{PASSWORD}"""\n',
    "variables.tf": f'variable "db_password" {{\n  type = string\n  default = "{PASSWORD}"\n}}\n',
    "core-site.xml": f"<property>\n<name>db.password</name>\n<value>{PASSWORD}</value>\n</property>\n",
    "beans.xml": f'<property name="password">{PASSWORD}</property>\n<a>1</a>\n',
    "app.plist": f"<dict>\n<key>Password</key>\n<string>{PASSWORD}</string>\n</dict>\n",
    "up.sh": f"sshpass -p {PASSWORD} ssh a@b\necho a\n",
    "dump.sh": f"mysqldump -u root -p{PASSWORD} shop\necho a\n",
    "root.sh": f"echo '{PASSWORD}' | sudo -S ls\n",
    "up.ps1": f'$p = ConvertTo-SecureString "{PASSWORD}" -AsPlainText -Force\n$a = 1\n',
    "up.bat": f"set DB_PASSWORD={PASSWORD}\nset A=1\n",
    "users.sql": f"CREATE USER bob IDENTIFIED BY '{PASSWORD}';\nSELECT 1;\n",
    "role.sql": f"ALTER ROLE bob WITH PASSWORD '{PASSWORD}';\nSELECT 1;\n",
    "hosts.txt": f"machine api.corp.io login bot password {PASSWORD}\nfoo\n",
    "db.py": f'e = create_engine("mysql+pymysql://root:{PASSWORD}@10.0.0.1/x")\nb = 1\n',
    "db.go": f'dsn := "svc:{LETTERS}@tcp(db:3306)/app"\nb := 1\n',
    "db.rb": f'conn = "host=db user=a password={LETTERS} dbname=x"\nb = 1\n',
    "form.http": f"POST /login\n\nusername=a&password={PASSWORD}&x=1\n",
    "call.log": f'login {{\\"user\\": \\"a\\", \\"password\\": \\"{PASSWORD}\\"}}\n',
    "wpa.conf": f'network={{\n  ssid="a"\n  psk="{PASSWORD}"\n}}\n',
    "note.py": f"# 数据库密码：{PASSWORD}\nx = 1\n",
    "zugang.md": f"# Zugang\n\nBenutzer: admin\nPasswort: {PASSWORD}\n",
    "acces.md": f"# Accès\n\nutilisateur : admin\nmot de passe : {PASSWORD}\n",
    "acceso.md": f"# Acceso\n\ncontraseña: {PASSWORD}\n",
    "access.md": f"# Access\n\nThe admin password is {PASSWORD}\n",
    "list.md": f"- Password: `{PASSWORD}`\n- User: a\n- Port: 80\n",
    "table.csv": f"user,password\nadmin,{PASSWORD}\n,\n,\n",
    "key.rs": f'const PASSWORD: &str = "{PASSWORD}";\nfn a() {{}}\n',
    "bytes.py": f'd = dict(password=b"{PASSWORD}")\na = 1\n',
    "split.py": f'PASSWORD = (\n    "{PASSWORD}"\n)\na = 1\n',
    "argon.sql": f"INSERT INTO users VALUES ('$argon2id$v=19$m=65536,t=3,p=4${PASSWORD[:3]}{some(22)}${some(43)}');\n",
    "user.json": f'[\n {{\n  "a": 1,\n  "b": "pbkdf2_sha256$600000${some(22)}${PASSWORD[:3]}{in_64(32)}"\n }}\n]\n',
    "hook.py": f"U = 'https://discord.com/api/webhooks/123456789012345678/{some(68)}'\na = 1\n",
    "seed.js": "const mnemonic = '" + "abandon zoo witch " * 3 + "ladder merge ability';\nlet a = 1\n",
}
MARKS = {"argon.sql": "argon2id", "user.json": "pbkdf2", "hook.py": "webhooks", "seed.js": "witch"}
"""What stands in the line that must go, where it is not the password."""


@pytest.mark.parametrize("name", LINES)
def test_a_phrase_gives_a_secret_away(name: str) -> None:
    text, secrets = redacted(LINES[name], name)
    gone = MARKS.get(name) or (LETTERS if LETTERS in LINES[name] else PASSWORD)
    assert gone in LINES[name] and gone not in text
    before, after = LINES[name].split("\n"), text.split("\n")
    changed = [number for number, (old, new) in enumerate(zip(before, after, strict=True), 1) if old != new]
    assert changed == [number for number, line in enumerate(before, 1) if gone in line]
    assert [one.line for one in secrets] == changed


@pytest.mark.parametrize(
    ("name", "head", "sign"),
    [
        ("putty.txt", "PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\nPrivate-Lines: 3\n", "base64"),
        ("static.txt", "-----BEGIN OpenVPN Static key V1-----\n", "hex"),
    ],
)
def test_keys_of_several_lines_that_are_no_pem_go_whole(name: str, head: str, sign: str) -> None:
    lines = [hexes(32) if sign == "hex" else in_64(48) for _ in range(3)]
    text, secrets = redacted(f"notes\n{head}" + "\n".join(lines) + "\nend of it\n", name)
    assert len(secrets) == 1 and not any(line in text for line in lines)
    assert text.startswith("notes\n") and text.endswith("\nend of it\n")


INNOCENT = {
    "login.py": "def login(password: Optional[str1] = None, token: str = (\n    'none'\n)): ...\n"
    "parser.add_argument('--password', help='x')\nurl = f'https://{user}:{password}@{host}/'\n"
    "url = 'http://localhost:8080/a@b'\nsmtp://user:password@example.org\n",
    "run.sh": 'mysql -u root -p"$PASSWORD" shop\nsshpass -p "$SSH_PASS" ssh a\nredis-server --requirepass ${PW}\n'
    "mysql --protocol=tcp -port 3306\nset -euo pipefail\ntool --token <token> --secret=...\n",
    "values.yml": "env:\n  - name: DB_PASSWORD\n    valueFrom:\n      secretKeyRef:\n        name: db\n"
    "  - name: TOKEN_FILE\n    value: /run/secrets/token\nscript: |\n  echo hello1\n",
    "notes.md": "Das Passwort: bitte beim Admin erfragen.\nYour password is case sensitive.\n密码：至少八位\n"
    "Password: required, at least 8 characters\n",
    "strings.xml": '<string name="password">Kennwort</string>\n<key>Password</key>\n<string>Passwort</string>\n',
    "users.csv": "user,password_changed,city\nbob,2026-01-02,Köln\n",
    "main.tf": 'variable "db_password" {\n  type = string\n}\nvariable "region" {\n  default = "eu-west-1"\n}\n',
    "grant.sql": "CREATE USER bob IDENTIFIED BY '${PASSWORD}';\nALTER ROLE bob WITH PASSWORD :'pw';\n",
}


@pytest.mark.parametrize("name", INNOCENT)
def test_a_phrase_without_a_secret_stays(name: str) -> None:
    assert redacted(INNOCENT[name], name) == (INNOCENT[name], ())
