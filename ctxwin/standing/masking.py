"""Leave passwords and keys out of what stands, unless the caller allows them."""

from __future__ import annotations

import re

__all__ = ["LEFT_OUT", "masked"]

LEFT_OUT = "[secret left out]"
"""Stands for a secret; the same words as in files."""

_PLAIN = (
    r"(?:wrong|right|correct|incorrect|required|expired|invalid|valid|missing|empty|short|long|weak|strong|safe|secure"
    r"|stored|saved|kept|hashed|encrypted|reset|changed|set|needed|optional|the|a|an|in|on|at|not|now|still|already|too"
    r"|very|always|never|only|same|different|up|being|been|sent|shown|asked|generated|by|for|with|from|and|or|that|what"
    r"|where|how|my|your|our|his|her|their|something|anything|it|this|there|case|also|just|about|protected|based)\b"
)
_NAME = r"(?:pass(?:word|wd|code|phrase|key)?s?|pwd|(?<![a-z])pin(?:[ -]?(?:code|number))?)"
_PROSE = re.compile(
    rf"(?<![\w-]){_NAME}(?:['’]s|(?:[ ](?!is\b|was\b|=)[\w'’/-]{{1,20}}){{0,6}}?[ ]?(?:[ ]is(?:[ ]now)?|[ ]was|[ ]will[ ]be|:|=|[ ]to))"
    rf"[ ]{{0,3}}[\"'“‘`«]?(?P<value>(?!{_PLAIN})(?=\S{{3}})[^\s,;\"'”’`»]{{3,80}})",
    re.IGNORECASE,
)
_BARE = re.compile(
    rf"(?<![\w-]){_NAME}[ ](?P<value>(?=\S*\d)(?=\S*[A-Za-z!@#$%^&*])[^\s,;]{{5,80}}|\d{{4,8}}\b)", re.IGNORECASE
)
_ACCOUNT = (
    r"(?:wi-?fi|无线|网络|网|账号?|账户|帐号|登录|登陆|邮箱|系统|银行|卡|支付|服务器|数据库|管理员|后台|root|电脑|手机|开机|锁屏"
    r"|解锁|微信|QQ|网站|app|软件|平台|vpn|路由器|我|你|他|她|新|旧|初始|默认|临时|用户)"
)
_CHINESE = re.compile(
    rf"(?P<owner>{_ACCOUNT}[^，。；,\s]{{0,6}}?的?)?(?:密码|密碼|口令|暗号)"
    r"(?:还|就|现在|改)?(?:是|为|為|：|:|=|成|叫)[ ]{0,3}[\"“'‘「]?(?P<value>[^\s，。；、,\"”'’」\u4e00-\u9fff]{3,80})",
    re.IGNORECASE,
)
_OWNED = re.compile(r"[\u4e00-\u9fff]的(?:密码|密碼|口令|暗号)")
_KEY = re.compile(
    r"(?P<value>\b(?:sk|pk|rk|ghp|gho|ghs|glpat|xox[abprs]|AKIA|ASIA|AIza|ya29|hf|npm|pypi|dop_v1|shpat|SG)[-_.]?[\w.-]{12,}"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?"
    r"|(?<=[Bb]earer )[\w.~+/=-]{12,}"
    r"|(?<=://)[^\s:/@]{1,60}:[^\s/@]{1,80}(?=@)"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*"
    r"|(?<![\w/+=])(?=[\w/+=]*[a-z])(?=[\w/+=]*[A-Z])(?=[\w/+=]*\d)[\w+=]{32,}(?:/[\w+=]*)*(?![\w/]))"
)
_NAMED_KEY = re.compile(
    r"\b(?:api[ _-]?key|secret(?:[ _-]?(?:access[ _-]?)?key)?|access[ _-]?key|auth[ _-]?token|token|private[ _-]?key"
    r"|recovery (?:code|phrase)|seed phrase|cvv|cvc)\b(?:['’]s|[ \w-]{0,30}?(?:[ ]is|:|=|[ ]to))[ ]{0,3}[\"'“`]?"
    rf"(?P<value>(?!{_PLAIN})(?:(?=\S*\d)\S{{3,120}}))",
    re.IGNORECASE,
)


def masked(text: str) -> str:
    """Return a sentence with `LEFT_OUT` in place of each password, pin, key and token.

    The code of a door or a machine is a fact that people need, and stays; what is called a password goes.

    Example:
        >>> masked("The wifi password is hunter2, and the gate code is 4471.")
        'The wifi password is [secret left out], and the gate code is 4471.'
        >>> masked("The password reset page is at /account/reset.")
        'The password reset page is at /account/reset.'
    """
    for pattern in (_KEY, _PROSE, _BARE, _NAMED_KEY):
        text = pattern.sub(_leave_out, text)
    return _CHINESE.sub(lambda match: match[0] if _of_a_thing(match) else _leave_out(match), text)


def _of_a_thing(match: re.Match[str]) -> bool:
    """Tell whether a Chinese password is the code of a thing, such as a door's, and not of an account or a person."""
    before = match.string[max(0, match.start() - 1) : match.end()]
    return match["owner"] is None and bool(_OWNED.search(before))


def _leave_out(match: re.Match[str]) -> str:
    start, end = match.span("value")
    rest = match["value"][len(match["value"].rstrip(".!?)”’\"'")) :]
    return match[0][: start - match.start()] + LEFT_OUT + rest + match[0][end - match.start() :]
