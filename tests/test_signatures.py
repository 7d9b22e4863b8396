"""Code is shortened to its signatures with the bodies that match; every form is made of slices of the text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctxwin import pack
from ctxwin.items import Item
from ctxwin.pool import Pool
from ctxwin.renditions import GAP, TextForm, definitions_in, split, text_forms
from ctxwin.tokens import get_tokenizer

TOKENIZER = get_tokenizer("o200k_base")

PYTHON = '''class Store:
    """Keeps values. They live in memory."""

    @property
    def size(self) -> int:
        """Count the values. None is counted twice."""
        total = 0
        for value in self.values:
            total += len(value)
        return total

    # Tells when the disk is full.
    # A second line of that comment.
    def write(self, key: str, value: str) -> None:
        if self.size > LIMIT:
            raise DiskFull(key)
        self.values[key] = value
        self.log.append(key)
'''
JAVASCRIPT = """  size() {
    let total = 0;
    for (const value of this.values) {
      total += value.length;
    }
    return total;
  }

  write(key, value) {
    if (this.size() > LIMIT) {
      throw new DiskFull(key);
    }
    this.values.set(key, value);
  }
"""
TYPESCRIPT = JAVASCRIPT.replace("size()", "size(): number", 1).replace(
    "(key, value) {", "(key: string, value: V): void {"
)
GO = """// Size counts the values.
func (s *Store) Size() int {
	total := 0
	for _, value := range s.values {
		total += len(value)
	}
	return total
}

func (s *Store) Write(key string, value string) error {
	if s.Size() > limit {
		return DiskFull
	}
	s.values[key] = value
	return nil
}
"""
RUST = """    /// Counts the values.
    pub fn size(&self) -> usize {
        let mut total = 0;
        for value in self.values.values() {
            total += value.len();
        }
        total
    }

    pub fn write(&mut self, key: String, value: String) -> Result<(), Error> {
        if self.size() > LIMIT {
            return Err(Error::DiskFull);
        }
        self.values.insert(key, value);
        Ok(())
    }
"""
JAVA = """    /** Counts the values. */
    public int size() {
        int total = 0;
        for (String value : values.values()) {
            total += value.length();
        }
        return total;
    }

    @Override
    public void write(String key, String value) throws DiskFull {
        if (size() > LIMIT) {
            throw new DiskFull(key);
        }
        values.put(key, value);
    }
"""
CPP = """int Store::size() const {
  int total = 0;
  for (const auto& value : values) {
    total += value.second.size();
  }
  return total;
}

void Store::write(const std::string& key, const std::string& value) {
  if (size() > LIMIT) {
    throw DiskFull(key);
  }
  values[key] = value;
}
"""
CODE = {
    "python": PYTHON,
    "javascript": JAVASCRIPT,
    "typescript": TYPESCRIPT,
    "go": GO,
    "rust": RUST,
    "java": JAVA,
    "cpp": CPP,
}
WEIGHTS = {"disk": 3.0, "full": 1.0, "diskful": 2.0}


def forms_of(text: str, language: str | None) -> tuple[TextForm, ...]:
    return text_forms(split(text, TOKENIZER, language=language), WEIGHTS, label="a.py", tool_output=True)


def put_together(text: str, runs: tuple[tuple[int, int], ...]) -> str:
    """Join slices as an extract does, piece by piece."""
    out, last = "", 0
    for start, end in runs:
        out += GAP + ("\n" if text[start - 1] == "\n" else " ") if start > last else ""
        out, last = out + text[start:end], end
    return out + (GAP + (text[-1] if text[-1] in " \n" else "") if last < len(text) else "")


@pytest.mark.parametrize("language", CODE)
def test_signatures_stay_and_the_matching_body_comes_before_the_other(language: str) -> None:
    text = CODE[language]
    extracts = [form for form in forms_of(text, language) if form.kind == "extract"]
    lines = text.splitlines()
    size = next(line for line in lines if "ize(" in line and "if" not in line and "total" not in line)
    write = next(line for line in lines if "rite(" in line)
    with_body = [form.text for form in extracts if size in form.text and write in form.text and "alues" in form.text]
    assert any("> LIMIT" in one or "> limit" in one for one in with_body)
    assert any("total" not in one and size in one and write in one for one in (form.text for form in extracts))
    assert not any("total +=" in one and "LIMIT" not in one.upper() for one in (form.text for form in extracts))


def test_the_first_words_of_a_docstring_and_of_a_comment_stay_in_the_outline() -> None:
    outline = next(
        form.text for form in forms_of(PYTHON, "python") if "total" not in form.text and "LIMIT" not in form.text
    )
    assert '"""Keeps values. ' in outline
    assert "They live in memory" not in outline
    assert "    @property\n    def size(self) -> int:\n" in outline
    assert "# Tells when the disk is full.\n" in outline
    assert "second line" not in outline


PIECES = [piece for text in CODE.values() for piece in text.split("\n\n")] + [
    "def f(", "}", "{{{", '"""', "/* never closed", "class A:\n", "\x00", "\ud800", "\r\n", "今天 = 1\n", "#" * 300,
    "\t" * 40, "function*", "=> {", "impl<T> X for Y {", "    " * 30 + "x\n", "<?php ", "…",
]  # fmt: skip


@given(
    text=st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map("\n".join),
    language=st.sampled_from([*CODE, "tsx", "php", "ruby", "code", "text", "yaml", "json", "html"]),
)
def test_every_form_is_made_of_slices_of_the_text_whatever_it_is(text: str, language: str) -> None:
    forms = forms_of(text, language)
    total = TOKENIZER.count_many([text])[0]
    for form in forms:
        assert form.tokens < total
        assert 0.0 <= form.share <= 1.0
        if form.kind == "extract":
            assert all(0 <= start < end <= len(text) for start, end in form.runs)
            assert all(before[1] < after[0] for before, after in zip(form.runs, form.runs[1:], strict=False))
            assert form.text == put_together(text, form.runs)
            assert TOKENIZER.count_many([form.text])[0] <= form.tokens * 1.1 + 8
    sizes = [form.tokens for form in forms if form.kind == "extract"]
    assert sizes == sorted(sizes, reverse=True)


@given(
    text=st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map("\n".join),
    language=st.sampled_from([*CODE, "php", "tsx"]),
)
def test_definitions_of_a_slice_stand_inside_it(text: str, language: str) -> None:
    for one in definitions_in(text, language):
        assert 0 <= one.start <= one.body <= one.end <= len(text)
        assert one.start < one.end


@pytest.mark.parametrize("language", ["javascript", "typescript"])
def test_methods_are_found_without_the_class_around_them(language: str) -> None:
    text = CODE[language]
    found = definitions_in(text, language)
    assert [one.name for one in found] == ["size", "write"]
    assert [text[one.start : one.body].strip().partition("(")[0] for one in found] == ["size", "write"]


@pytest.mark.parametrize("text", ["x = 1\nprint(x)\n" * 30, "def (((\n  }}}\n" * 30])
def test_code_that_defines_nothing_is_shortened_line_by_line(text: str) -> None:
    assert forms_of(text, "python") == forms_of(text, None)


def test_a_request_cites_the_lines_of_a_shortened_class_that_it_shows() -> None:
    pool = Pool(
        [Item(kind="chunk", source=f"{name}.py", text=PYTHON, lines=(1, 18), span=(0, len(PYTHON))) for name in "abc"]
    )
    packed = pack(items=pool, query="When is the disk full?", budget=330, embedder="none")
    shortened = [one for one in packed.report.excerpts if one.lines != ((1, 18),)]
    assert shortened
    lines = PYTHON.split("\n")
    for number, part in (part for one in shortened for part in one.parts):
        assert number is not None
        first, *others = part.rstrip("\n").split("\n")
        assert lines[number - 1].endswith(first) or first in lines[number - 1]
        assert all(line.startswith(other) for line, other in zip(lines[number:], others, strict=False))
