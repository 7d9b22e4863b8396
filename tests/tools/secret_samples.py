"""Files with made-up keys and passwords, as real ones look; each value is drawn by a seeded generator when needed.

Nothing here is a credential, and none stands in the source in one piece, so that no scanner of repositories stumbles.
"""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Iterator
from dataclasses import dataclass

SIGNS = string.ascii_letters + string.digits
_draw = random.Random(7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    kind: str
    name: str
    """Of the file."""
    text: str
    secrets: tuple[str, ...]
    """What must not come out."""


def some(count: int, signs: str = SIGNS) -> str:
    return "".join(_draw.choice(signs) for _ in range(count))


def hexes(count: int) -> str:
    return some(count, "0123456789abcdef")


def uuid() -> str:
    return "-".join([hexes(8), hexes(4), "4" + hexes(3), "a" + hexes(3), hexes(12)])


def in_64(count: int) -> str:
    return base64.b64encode(_draw.randbytes(count)).decode()


def pem(kind: str, size: int = 1_200) -> str:
    body = in_64(size)
    lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
    return f"-----BEGIN {kind}-----\n{lines}\n-----END {kind}-----\n"


PRIVATE = "PRIVATE" + " KEY"


def provider_keys() -> Iterator[Sample]:
    """Keys that a provider's own form gives away, in code and settings."""
    for kind, value, before, after, name in (
        ("stripe", "sk_" + "live_" + some(24), "Stripe.api_key = '", "'\nputs 1\n", "pay.rb"),
        ("github-pat", "gh" + "p_" + some(36), "#!/bin/sh\nexport GITHUB_TOKEN=", "\nmake\n", "release.sh"),
        ("github-in-ci", "gh" + "p_" + some(36), "e:\n  A: 1\n  B: 2\n  GH: ", "\n  C: ${{ secrets.X }}\n", "c.yml"),
        ("github-fine", "github" + "_pat_" + some(22) + "_" + some(59), "a: 1\nb: 2\nt: ", "\n", "fine.yml"),
        ("gitlab-pat", "glp" + "at-" + some(20, SIGNS + "_-"), "gl = gitlab.Gitlab('", "')\n", "gl.py"),
        ("slack-bot", "xox" + "b-" + some(12, string.digits) + "-" + some(12, string.digits) + "-" + some(24),
         "client = WebClient('", "')\n", "bot.py"),
        ("google-api", "AI" + "za" + some(35, SIGNS + "_-"), "load('https://maps.example.org/js?key=", "');\n", "m.js"),
        ("anthropic", "sk-" + "ant-api03-" + some(93, SIGNS + "_-") + "AA", "f({ apiKey: '", "' });\n", "c.ts"),
        ("openai", "sk-" + "proj-" + some(74, SIGNS + "_-"), "os.environ['X'] = '", "'\n", "o.py"),
        ("huggingface", "h" + "f_" + some(34, string.ascii_letters), "login('", "')\n", "hub.py"),
        ("sendgrid", "S" + "G." + some(22, SIGNS + "_-") + "." + some(43, SIGNS + "_-"), 'c := f("', '")\n', "mail.go"),
        ("dockerhub", "dckr" + "_pat_" + some(27, SIGNS + "_-"), "echo ", " | docker login -u me\n", "push.sh"),
        ("databricks", "da" + "pi" + hexes(32), "x = '", "'\n", "j.py"),
        ("vault", "hv" + "s." + some(95, SIGNS + "_-"), "export VAULT_TOKEN=", "\n", "v.sh"),
        ("shopify", "shp" + "at_" + hexes(32), "t = '", "'\n", "s.py"),
        ("digitalocean", "dop" + "_v1_" + hexes(64), "doctl auth init -t ", "\n", "d.sh"),
        ("telegram", some(10, string.digits[1:]) + ":A" + "A" + some(33, SIGNS + "_-"), "bot = Bot('", "')\n", "tg.py"),
        ("google-oauth", "ya" + "29." + some(120, SIGNS + "_-"), "run('", "')\n", "oauth.py"),
        ("bearer", some(24), "curl -H 'Authorization: Bearer ", "' https://api.corp.io/v1\n", "call.sh"),
        ("url", some(16), "engine = connect('postgresql://app:", "@db.corp.io:5432/app')\n", "db.py"),
        ("mongodb", some(14), '[db]\na = 1\nuri = "mongodb+srv://svc:', '@c0.ab1cd.mongodb.net/prod"\n', "conf.toml"),
    ):  # fmt: skip
        yield Sample(kind=kind, name=name, text=before + value + after, secrets=(value,))
    key, other = "AK" + "IA" + some(16, string.ascii_uppercase + "234567"), some(40, SIGNS + "+/")
    text = (
        f"client = boto3.client('s3', aws_access_key_id='{key}',\n    aws_secret_access_key='{other}')\nprint(client)\n"
    )
    yield Sample(kind="aws", name="deploy.py", text=text, secrets=(key, other))
    jwt = (
        "ey" + "JhbGciOiJIUzI1NiJ9.ey" + base64.urlsafe_b64encode(f'"sub":"{some(20)}"}}'.encode()).decode().rstrip("=")
    )
    jwt += "." + some(43, SIGNS + "_-")
    yield Sample(kind="jwt", name="req.http", text=f"GET /x\nA: b\nAuthorization: Bearer {jwt}\n", secrets=(jwt,))


def named_values() -> Iterator[Sample]:
    """Values that only their names call secret."""
    for kind, value, before, after, name in (
        ("django", some(50, string.ascii_lowercase + string.digits + "!@#%^&*(-_=+)"), "# settings\nSECRET_KEY = '",
         "'\nDEBUG = True\n", "settings.py"),
        ("api-key-js", some(32), 'const c = {\n  apiKey: "', '",\n  timeout: 30,\n};\n', "api.js"),
        ("hex-token", hexes(40), 'API_TOKEN = "', '"\n', "client.py"),
        ("auth-token", hexes(32), "TWILIO_AUTH_TOKEN = '", "'\n", "sms.py"),
        ("header", some(40), "headers = {'Authorization': 'Bearer ", "'}\n", "h.py"),
        ("x-api-key", some(36), "headers = {'X-API-Key': '", "'}\n", "h2.py"),
        ("wp-config", some(6) + "!" + some(5) + "#9", "<?php\ndefine( 'DB_PASSWORD', '", "' );\n", "wp-config.php"),
        ("properties", "Tr0ub4dor&" + some(2), "spring.user=app\nspring.datasource.password=", "\nserver.port=80\n",
         "application.properties"),
        ("yaml", "p@ss" + some(9), "spring:\n  user: app\n  password: ", "\nserver:\n  port: 80\n", "application.yml"),
        ("connection", "Zq7!" + some(8),
         '{\n  "a": 1,\n  "Default": "Server=db;User Id=sa;Password=', ';Encrypt=True"\n}\n',
         "appsettings.json"),
        ("compose", "s3-" + some(6) + "x", "services:\n  db:\n    environment:\n      POSTGRES_PASSWORD: ",
         "\n    ports: ['5432:5432']\n", "docker-compose.yml"),
        ("terraform", some(28), 'resource "db" "d" {\n  engine = "pg"\n  password = "', '"\n}\n', "main.tf"),
        ("tfvars", some(20), 'region = "eu"\nsize = 3\ndb_password = "', '"\n', "prod.tfvars"),
        ("xml-attribute", some(12) + "!z", '<a>\n <b/>\n <add key="ApiPassword" value="', '" />\n</a>\n', "web.config"),
        ("xml-element", some(12) + "7z", "<server>\n  <id>c</id>\n  <password>", "</password>\n</server>\n", "m.xml"),
        ("java", some(18) + "4", 'class Db {\n  static final String PASSWORD = "', '";\n}\n', "Db.java"),
        ("js-password", some(18) + "9", "connect({ host: 'db', password: '", "' })\n", "db.js"),
        ("ini", some(22) + "5", "[mail]\nuser = a\npass = ", "\nport = 25\n", "app.ini"),
        ("ansible", "Pw-" + some(10) + "1", "ansible_user: root\na: 1\nansible_ssh_pass: ", "\n", "vars.yml"),
        ("dockerfile", some(14) + "1", "FROM x\nENV DB_PASSWORD=", "\nARG API_TOKEN=none\n", "Dockerfile"),
        ("shell", some(14) + "1", "export PGPASSWORD='", "'\npsql\n", "run.sh"),
        ("log", some(44), "2026-01-02 INFO a\n2026-01-02 INFO b\n2026-01-02 DEBUG call token=", " t=3\n", "app.log"),
        ("docker-auth", base64.b64encode(b"bot:" + some(18).encode()).decode(),
         '{\n\t"auths": {\n\t\t"r.corp.io": {\n\t\t\t"auth": "', '"\n\t\t}\n\t}\n}\n', "config.json"),
        ("annotated", some(30), 'token: str = "', '"\n', "typed.py"),
        ("wp-salt", some(64, SIGNS + "!@#%^*()_+-=;:,.?"), "<?php\ndefine( 'AUTH_KEY',   '", "' );\n", "wp-config.php"),
    ):  # fmt: skip
        yield Sample(kind=kind, name=name, text=before + value + after, secrets=(value,))


def whole_files() -> Iterator[Sample]:
    """Files that are nothing but secrets."""
    for kind, name in (
        ("RSA " + PRIVATE, "id_rsa"),
        ("OPENSSH " + PRIVATE, "id_ed25519"),
        ("EC " + PRIVATE, "server.pem"),
        ("ENCRYPTED " + PRIVATE, "tls.key"),
        ("PGP " + PRIVATE + " BLOCK", "me.asc"),
    ):
        text = pem(kind)
        yield Sample(kind=kind, name=name, text=text, secrets=(text.split("\n")[3],))
    one, two = some(40), some(32)
    for kind, name, text, secrets in (
        ("aws", "credentials", f"[default]\naws_secret_access_key = {one}\nregion = eu-west-1\n", (one,)),
        ("netrc", ".netrc", f"machine api.corp.io\n  login bot\n  password {two}\n", (two,)),
        ("pgpass", ".pgpass", f"db.corp.io:5432:app:svc:{two}\n", (two,)),
        ("git", ".git-credentials", f"https://bot:{two}@github.com\n", (two,)),
        ("htpasswd", ".htpasswd", "admin:$apr1$" + some(8) + "$" + two, (two,)),
        ("npmrc", ".npmrc", f"registry=https://npm.corp.io/\n//npm.io/:_authToken={(token := uuid())}\n", (token,)),
        ("pypirc", ".pypirc", f"[pypi]\nusername = __token__\npassword = pypi-AgEI{one}{two}\n", (one,)),
        ("dotenv", ".env", f"DEBUG=1\nSENTRY_ID={one}\nDATABASE_URL=postgres://app:{two}@db/app\n", (one, two)),
        ("dotenv-local", ".env.local", f"DEBUG=1\nSECRET_KEY={one}\n", (one,)),
        ("env.txt", "env.txt", f"API_KEY={one}\nDB_PASSWORD=Sommer{two[:4]}9\n", (one, two[:4])),
        ("secrets.yaml", "secrets.yaml", f"api_token: {one}\ndb_password: {two}\n", (one, two)),
        ("kubernetes", "secret.yml", "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ntype: Opaque\ndata:\n"
         f"  password: {in_64(20)}\n", ()),
        ("kubeconfig", "kubeconfig", "kind: Config\nusers:\n- name: a\n  user:\n    client-key-data: "
         + (key := in_64(900)), (key,)),
        ("tfstate", "terraform.tfstate", json.dumps({"version": 4, "x": {"password": two, "u": 1}}, indent=1), (two,)),
        ("google", "credentials.json", json.dumps({"type": "account", "private_key": pem(PRIVATE)}, indent=1), ()),
    ):  # fmt: skip
        yield Sample(kind=kind, name=name, text=text, secrets=secrets)


LINES = (*provider_keys(), *named_values())
WHOLE = tuple(whole_files())

INNOCENT = {
    "login.py": '''password = None
def login(user: str, password: str, token: str | None = None, secret_key: str = "") -> bool:
    """Check the password. token: the session token; api_key: see docs."""
    if password == "" or password == confirm_password:
        raise ValueError("password is too short")
    token = request.headers.get("X-Auth-Token") or os.environ["API_TOKEN"]
    secret = hashlib.sha256(password.encode()).hexdigest()
    api_key = config.get("api_key", "your-api-key-here")
    PASSWORD_FIELD = "password"
    fields = ["username", "password", "password2", "email1"]
    access_key = self.access_key_v2_from_settings_2024
    parser.add_argument("--token", help="token to use")
    client = Client(api_key=os.getenv("OPENAI_API_KEY"), password=settings.DB_PASSWORD)
    AWS_ACCESS_KEY_ID = "AKIAIOSFODNN7EXAMPLE"
    return check(token_type="Bearer", grant_type="client_credentials", secret_name="prod/db")
''',
    "settings.yml": """database:
  password: ${DB_PASSWORD}
  token: "{{ vault.token }}"
  secretName: my-app-secret
  api_key: <your key>
permissions:
  id-token: write
password: changeme
form:
  password: Passwort
""",
    "yarn.lock": "\n".join(
        f'"@types/node@^{i}.0.0":\n  version "{i}.1.2"\n  resolved "https://r.org/node-{i}.tgz#{hexes(40)}"\n'
        f"  integrity sha512-{in_64(64)}\n"
        for i in range(40)
    ),
    "package-lock.json": json.dumps(
        {f"p{i}": {"version": "1.0.0", "integrity": f"sha512-{in_64(64)}", "id": uuid()} for i in range(40)}, indent=1
    ),
    "hashes.txt": "\n".join(f"{hexes(64)}  file-{i}.tar.gz\n{hexes(40)} commit {uuid()}" for i in range(40)),
    "logo.html": f'<img src="data:image/png;base64,{in_64(3_000)}">\n',
    "cert.pem": pem("CERT" + "IFICATE"),
    "id_rsa.pub": f"ssh-rsa AAAAB3NzaC1yc2E{in_64(200)} me@host\n",
    "keyboard.js": "export const keyMap = { primaryKey: 'id', foreignKey: 'user_id', tokenType: 'identifier' };\n"
    "const tokens = ['keyword', 'identifier1', 'operator2'];\nif (token === 'openBracket2') next();\n",
    "readme.md": '# Login\n\nSet `password: "hunter2"` and `export API_KEY=...`; `curl -H "Authorization: $TOKEN"`.\n',
    ".env.example": "API_KEY=\nDB_PASSWORD=changeme\nSECRET_KEY=your-secret-key\n",
    "vectors.py": f'EXPECTED = "{hexes(64)}"\ndigest = "{in_64(32)}"\nkey = unhex("{hexes(32)}")\niv = "{hexes(32)}"\n',
}
"""Files in which nothing is secret, however much some of it looks so."""
