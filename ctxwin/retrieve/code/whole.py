"""Tell whether a question is about all files together: how a project is organised, what its main parts are."""

from __future__ import annotations

import re

__all__ = ["asks_for_the_whole"]

_THIS = r"(?:(?:the|this|that|my|our|your|whole|entire)\ )*"
_KIND = r"(?:project|repo(?:sitory)?|code\ ?base|package|library|framework|program|app(?:lication)?)"
_PROJECT = rf"{_THIS}(?:\w+\ )?{_KIND}"
_SHAPE = r"(?:overview|architecture|structure|layout|organi[sz]ation|summary|map|tour|big\ picture)"
_PARTS = r"(?:components?|modules?|packages?|parts|classes|files|entry\ points?|building\ blocks)"
_ENGLISH = re.compile(
    rf"""
    \b{_SHAPE}\ (?:of|for)\ {_PROJECT}\b
    | \b(?:project|repo(?:sitory)?|code\ ?base|package|library)(?:['’]s)?\ {_SHAPE}\b
    | \bhow\ (?:is|are)\ {_PROJECT}\ (?:organi[sz]ed|structured|laid\ out|built|put\ together|arranged|designed)\b
    | \bwhat\ (?:is|does)\ {_THIS}{_KIND}(?:\ (?:do|about|for))?\W*$
    | \b(?:overall|high[-\ ]level)\ (?:architecture|structure|design|overview|organi[sz]ation)\b
    | \b(?:main|major|key|core|important)\ {_PARTS}(?:\W*$|\ (?:of|in)\ {_PROJECT}\b)
    | ^(?:(?:give|show)\ me\ |explain\ |describe\ )?(?:the\ |an?\ )?{_SHAPE}\W*$
    """,
    re.I | re.X,
)
_CHINESE = re.compile(
    r"(?:项目|仓库|代码库|工程|源码|整体|总体)[^，。？！\n]{0,6}(?:结构|架构|组织|概览|概述|总览|布局|组成)"
    r"|(?:这个|该|整个|本)(?:项目|仓库|代码库|工程|库)[^，。？！\n]{0,3}(?:做什么|干什么|做啥)"
    r"|(?:主要|核心)的?(?:模块|组件|文件|类)有?哪些|有哪些(?:主要|核心)的?(?:模块|组件|文件|类)"
)


def asks_for_the_whole(question: str) -> bool:
    """Tell whether a question is about all files together.

    Example:
        >>> [asks_for_the_whole(text) for text in ("How is this project organised?", "项目的整体架构", "Why slow?")]
        [True, True, False]
    """
    return bool(_ENGLISH.search(question) or _CHINESE.search(question))
