# SPDX-License-Identifier: Apache-2.0
"""The page that says why a request is refused, in the visitor's language."""

import base64
import hashlib
import html
import re
from collections.abc import Mapping
from string import Template

from aiohttp import web

STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


class Refusals:
    """Answers with ``page``, a template whose style lies within it.

    Args:
        page: HTML with ``$language``, ``$why`` and ``$try_again``.
        words: the texts by language and name.
        policy: the Content-Security-Policy of the other pages, whose styles are files.
    """

    def __init__(self, page: str, words: Mapping[str, Mapping[str, str]], policy: str):
        self._page, self._words = Template(page), words
        style = STYLE.search(page)
        assert style, "the page has one"
        digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
        self._policy = policy.replace("style-src 'self'", f"style-src 'sha256-{digest}'")

    def answer(self, request: web.Request, status: int, word: str) -> web.Response:
        """The refusal for the reason that is named ``word``; the connection ends with it."""
        language = "de" if request.headers.get("Accept-Language", "").startswith("de") else "en"
        words = self._words[language]
        texts = {"language": language, "why": words[word], "try_again": words["try_again"]}
        page = self._page.substitute({name: html.escape(text) for name, text in texts.items()})
        answer = web.Response(status=status, content_type="text/html", charset="utf-8", text=page)
        answer.headers["Content-Security-Policy"] = self._policy
        if status == 401:
            answer.headers["WWW-Authenticate"] = "Bearer"
        elif status == 405:
            answer.headers["Allow"] = "GET, HEAD"
        elif status == 429:
            answer.headers["Retry-After"] = "60"
        answer.force_close()
        return answer
