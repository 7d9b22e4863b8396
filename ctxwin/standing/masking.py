"""Leave passwords and keys out of what stands, unless the caller allows them."""

from __future__ import annotations

import re

__all__ = ["LEFT_OUT", "masked"]

LEFT_OUT = "[secret left out]"
"""Stands for a secret; the same words as in files."""

_NO_SECRET = (
    r"(?:wrong|right|correct|incorrect|required|expired|invalid|valid|missing|empty|short|long|weak|strong|safe|secure"
    r"|stored|saved|kept|hashed|encrypted|reset|changed|set|needed|optional|the|a|an|in|on|at|not|now|still|already|too"
    r"|very|always|never|only|same|different|up|being|been|sent|shown|asked|generated|by|for|with|from|and|or|that|what"
    r"|where|how|my|your|our|his|her|their|something|anything|it|this|there|also|just|about|protected|based)\b"
)
"""Words that follow "the password is" and are no password."""
_NAME = (
    r"(?<![A-Za-z])(?:[A-Za-z]{1,20}_)?(?:pass(?:word|wd|code|phrase|key)s?|pwd?|pin(?:[ -]?(?:code|number))?"
    r"|log-?in code"
    r"|(?:security|backup|recovery|verification|confirmation|2fa|one-time|otp)(?: backup)? code|otp|cvv2?|cvc)"
)
_BETWEEN = (
    r"(?:['’]s|[\"']?[ ]?[:=]|(?:[ ](?!(?:is|was|are)\b)[\w'’/-]{1,20}){0,6}?"
    r"(?:[ ]is(?:[ ]now)?|[ ]was|[ ]will[ ]be|[:=]|[ ]to))"
)
_NAMED = re.compile(
    rf"{_NAME}{_BETWEEN}[ ]{{0,3}}[\"'“‘`«]?(?P<value>(?!{_NO_SECRET})[^\s,;\"'”’`»]{{3,80}})", re.IGNORECASE
)
_BARE = re.compile(
    rf"{_NAME}[ ](?P<value>(?=[^\s,;]*\d)(?=[^\s,;]*[A-Za-z!@#$%^&*_-])[^\s,;]{{5,80}}|\d{{3,8}}\b)", re.IGNORECASE
)
_KEY_NAME = re.compile(
    r"\b(?:api[ _-]?key|secret(?:[ _-]?(?:access[ _-]?)?key)?|access[ _-]?key|auth[ _-]?token|private[ _-]?key"
    r"|token(?! limit| count| budget| window| usage)|key(?! point| idea| thing| date| figure))\b"
    r"(?:['’]s|[ \w-]{0,30}?(?:[ ]is|[:=]|[ ]to))[ ]{0,3}[\"'“`]?"
    r"(?P<value>(?=[^\s,;]*\d)(?=[^\s,;]*[A-Za-z])[^\s,;\"'”`]{8,200})",
    re.IGNORECASE,
)
_TYPED = re.compile(
    r"\b(?:type|enter|log(?:s|ged)? ?in with|sign(?:s|ed)? ?in with|unlocks? with|opens? with|get in with)[ ][\"'“`]?"
    r"(?P<value>(?=[^\s,;]*[\d#$%&@!])(?=[^\s,;]*[A-Za-z])[^\s,;\"'”`]{6,80})",
    re.IGNORECASE,
)
_WORDS = re.compile(
    r"\b(?:seed|recovery|wallet|mnemonic)(?: phrase| words)?(?:['’]s|[ ]is|[ ]are|:|=)[ ]{0,3}[\"'“]?"
    r"(?P<value>(?:[a-z]{3,8}[ ]){11,23}[a-z]{3,8})",
    re.IGNORECASE,
)
_CARD = re.compile(r"(?<![\d-])(?P<value>\d(?:[ -]?\d){12,18})(?![\d-])")
_SHAPE = re.compile(
    r"(?P<value>\b(?:sk|pk|rk|ghp|gho|ghs|glpat|xox[abprs]|AKIA|ASIA|AIza|LTAI|ya29|hf|npm|pypi|dop_v1|shpat|SG)[-_.]?[\w.-]{12,}"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?"
    r"|(?<=[Bb]earer )[\w.~+/=-]{12,}"
    r"|(?<=://)[^\s:/@]{1,60}:[^\s/@]{1,80}(?=@)"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*"
    r"|^[A-Za-z0-9+/=]{40,}$"
    r"|(?<![\w/+=])(?=[\w/+=]*[a-z])(?=[\w/+=]*[A-Z])(?=[\w/+=]*\d)[\w+=]{32,}(?:/[\w+=]*)*(?![\w/]))"
)
"""Keys that their form alone shows."""
_ACCOUNT = (
    r"(?:wi-?fi|无线|网络|网|账号?|账户|帐号|登录|登陆|邮箱|系统|银行|卡|支付|服务器|数据库|管理员|后台|root|电脑|手机|开机|锁屏"
    r"|解锁|保险箱|保险柜|密码箱|微信|QQ|网站|app|软件|平台|vpn|路由器|我|你|他|她|新|旧|初始|默认|临时|用户)"
)
_CHINESE = re.compile(
    rf"(?P<owner>{_ACCOUNT}[^，。；,\s]{{0,6}}?的?)?(?:密码|密碼|口令|暗号|验证码|驗證碼|(?P<key>(?:(?<![A-Za-z])key(?=[\u4e00-\u9fff：:])|秘钥|密钥)[^，。；\s]{{0,4}}?))"
    r"(?:还|就|现在|改)?(?:是|为|為|：|:|=|成|叫)?[ ]{0,3}[\"“'‘「]?"
    r"(?P<value>[^\s，。；、,\"”'’」：:=\u4e00-\u9fff]{4,80})",
    re.IGNORECASE,
)
_HAN = re.compile(r"[\u4e00-\u9fff]")
_OF_A_THING = re.compile(r"[\u4e00-\u9fff]的(?:密码|密碼|口令|暗号)")


def masked(text: str) -> str:
    """Return a sentence with `LEFT_OUT` in place of each password, pin, key, token and card number.

    The code of a door or a machine is a fact that people need, and stays; what is called a password goes.

    Example:
        >>> masked("The wifi password is hunter2, and the gate code is 4471.")
        'The wifi password is [secret left out], and the gate code is 4471.'
        >>> masked("The password reset page is at /account/reset.")
        'The password reset page is at /account/reset.'
    """
    for pattern in (_SHAPE, _NAMED, _BARE, _KEY_NAME, _TYPED, _WORDS):
        text = pattern.sub(_leave_out, text)
    text = _CARD.sub(lambda match: _leave_out(match) if _is_card(match["value"]) else match[0], text)
    if _HAN.search(text):
        text = _CHINESE.sub(lambda match: match[0] if _opens_a_thing(match) else _leave_out(match), text)
    return text


def _is_card(digits: str) -> bool:
    """Tell whether digits are a card's number, by the check digit of Luhn's formula (ISO/IEC 7812)."""
    figures = [int(one) for one in digits if one.isdigit()][::-1]
    doubled = (sum(divmod(2 * one, 10)) for one in figures[1::2])
    return (sum(figures[::2]) + sum(doubled)) % 10 == 0


def _opens_a_thing(match: re.Match[str]) -> bool:
    """Tell whether a Chinese password is the code of a thing, such as a door's, and not of an account or a person."""
    if match["owner"] is not None or match["key"] is not None:
        return False
    return bool(_OF_A_THING.search(match.string[max(0, match.start() - 2) : match.end()]))


def _leave_out(match: re.Match[str]) -> str:
    start, end = match.span("value")
    kept = match["value"].rstrip(".!?)”’\"'")
    if kept == LEFT_OUT[: len(kept)] or not kept:
        return match[0]
    return match[0][: start - match.start()] + LEFT_OUT + match["value"][len(kept) :] + match[0][end - match.start() :]
