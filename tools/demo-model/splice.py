"""Put a measured table into a page: `splice.py PAGE NAME FILE` replaces what stands between
`<!-- NAME -->` and `<!-- /NAME -->` in PAGE by FILE's text."""

import sys
from pathlib import Path

page, name, table = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]).read_text().strip()
text = page.read_text()
start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
if text.count(start) != 1 or text.count(end) != 1:
    sys.exit(f"{page} has no place for `{name}`: write {start} and {end} where the table is to stand")
before, rest = text.split(start)
page.write_text(f"{before}{start}\n{table}\n{end}{rest.split(end)[1]}")
