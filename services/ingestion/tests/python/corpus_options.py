"""The repositories of the corpus whose card says how their files are read."""

import io
import json

import pyarrow as pa
import pyarrow.parquet

NUMBERS = "a,b,c\n1,x,0.5\n2,,1.5\n3,NA,2.5\n"
WHOLE = "whole numbers beside a gap stay whole"


def write(repository):
    def card(name, path, content, options, ours=None, differs=None):
        lines = "".join(f"\n  {option}" for option in options)
        config = f"configs:\n- config_name: x\n  data_files: {path}{lines}"
        repository(f"option-{name}", {path: content}, config, ours=ours, differs=differs)

    headers(card)
    lines(card)
    signs(card)
    cells(card)
    encodings(card)
    texts(card)
    fields(card)
    others(card)


def headers(card):
    rows = "1,x,0.5\n2,y,1.5\n"
    names = "names: [p, q, r]"
    card("header-none", "a.csv", rows, ["header: null"])
    card("header-number", "a.csv", "junk,\nmore,junk,still\n" + NUMBERS, ["header: 2"])
    card("header-infer", "a.csv", NUMBERS, ["header: infer"])
    card("header-list", "a.csv", NUMBERS, ["header: [0, 1]"], ours="NOT_IMPLEMENTED")
    card("header-too-far", "a.csv", NUMBERS, ["header: 9"], ours="SOURCE_CORRUPT")
    card("names", "a.csv", rows, [names])
    card("names-column", "a.csv", rows, ["column_names: [p, q, r]", "names: [x, y, z]"])
    card("names-instead", "a.csv", NUMBERS, [names, "header: 0"])
    card("names-and-no-header", "a.tsv", rows.replace(",", "\t"), [names, "header: null"])
    card("names-twice", "a.csv", rows, ["names: [p, p, r]"], ours="NOT_IMPLEMENTED")
    card("names-too-few", "a.csv", rows, ["names: [p, q]"], ours="SOURCE_CORRUPT")
    card("usecols-names", "a.csv", NUMBERS, ["usecols: [c, a]"])
    card("usecols-numbers", "a.csv", NUMBERS, ["usecols: [2, 0]"])
    card("usecols-missing", "a.csv", NUMBERS, ["usecols: [z]"], ours="SCHEMA_MISMATCH")
    card("usecols-long-row", "a.csv", "a,b\n1,2\n3,4,5\n", ["usecols: [b]"])
    card("usecols-no-header", "a.csv", rows, ["usecols: [1]", "header: null"])
    card("index_col", "a.csv", NUMBERS, ["index_col: 0"], ours="NOT_IMPLEMENTED")


def lines(card):
    card("skiprows", "a.csv", '"one\n, two"\n#, "three\n' + NUMBERS, ["skiprows: 2"], differs=WHOLE)
    card("skiprows-quote-within", "a.csv", 'one "\n" two",\n' + NUMBERS, ["skiprows: 2"], differs=WHOLE)
    card("skiprows-list", "a.csv", NUMBERS, ["skiprows: [1, 3]"], differs=WHOLE)
    card("skiprows-all", "a.csv", NUMBERS, ["skiprows: 9"], ours="SOURCE_CORRUPT")
    card("nrows", "a.csv", NUMBERS, ["nrows: 2"], differs=WHOLE)
    card("blank-lines", "a.csv", "a,b\n\n1,x\n   \n\t\n2,y\n\n", ["skip_blank_lines: false"], differs=WHOLE)
    card("blank-lines-spaces", "a.csv", "a,b\n \n  1, x\n", ["skipinitialspace: true"])
    card("comment", "a.csv", "# first\na,b # names\n1,x# y\n#2,y\n3,#\n\"4\",\"#\"\n", ["comment: '#'"])
    card("comment-blank", "a.csv", "a,b\n  # x\n1,2\n", ["comment: '#'"], differs=WHOLE)
    card("lineterminator", "a.csv", "a,b~1,x\n~2,y~", ["lineterminator: '~'"])
    card("skipfooter", "a.csv", NUMBERS, ["skipfooter: 1"], ours="NOT_IMPLEMENTED")
    card("returns", "a.csv", "a;b\r1;'x\ry'\r\n2;z\r\r3;w", ["sep: ;", "quotechar: \"'\""])


def signs(card):
    space = "a  b\tc\n 1 x  2\n\n3\t\ty 4 \n  \n5 'z z'  6\n"
    card("sep-spaces", "a.csv", space, ["sep: \\s+", "quotechar: \"'\""])
    card("sep-spaces-quoted", "a.txt.csv", space, ['delimiter: "\\\\s+"', "header: null", "quotechar: \"'\""])
    card("sep-regex", "a.csv", NUMBERS, ["sep: ',|;'"], ours="NOT_IMPLEMENTED")
    card("sep-long", "a.csv", "a::b\n1::2\n", ["sep: '::'"], ours="NOT_IMPLEMENTED")
    quotes = "a,b\n'x, ''y''',\"z\"\n'1\n2',it's\n"
    card("quotechar", "a.csv", quotes, ["quotechar: \"'\""])
    card("quoting-none", "a.csv", 'a,b\n"x,y"\n"1,""2"""\n', ["quoting: 3"])
    card("quoting-all", "a.csv", '"a","b"\n"1","x"\n', ["quoting: 1"])
    card("quoting-words", "a.csv", '"a","b"\n1,"x"\n', ["quoting: 2"], ours="NOT_IMPLEMENTED")
    card("escapechar", "a.csv", 'a,b\nx\\,y,"1\\"2"\n\\n,"\\\\"\n', ["escapechar: '\\'"])
    card("escape-no-double", "a.csv", 'a,b\n"x\\"","y"z"\n', ["escapechar: '\\'", "doublequote: false"])
    card("quote-not-closed", "a.csv", "a,b\n1,'2\n", ["quotechar: \"'\""], ours="SOURCE_CORRUPT")
    card("skipinitialspace", "a.csv", 'a, b\n 1,  x\n2, "y, z"\n', ["skipinitialspace: true"])


def cells(card):
    words = "a,b,c\n1,x,0.5\n999,NA,-1\n,?,999.0\n"
    card("na_values", "a.csv", words, ["na_values: ['?', x]"], differs=WHOLE)
    card("na_values-number", "a.csv", words, ["na_values: [999]"], differs=WHOLE)
    card("na_values-one", "a.csv", words, ["na_values: '?'"], differs=WHOLE)
    card("na_values-map", "a.csv", words, ["na_values: {a: ['?']}"], ours="NOT_IMPLEMENTED")
    card("keep_default_na", "a.csv", words, ["keep_default_na: false"])
    card("keep_default_na-own", "a.csv", words, ["keep_default_na: false", "na_values: ['?', '']"], differs=WHOLE)
    card("na_filter", "a.csv", words + "7\n", ["na_filter: false"])
    numbers = 'a;b;c\n1.234;1,5;1.234,5\n-5.000.000;,25;1.0.0,1\n7;-3,5e2;12\n'
    card("decimal-thousands", "a.csv", numbers, ["sep: ;", "decimal: ','", "thousands: '.'"])
    card("decimal", "a.csv", "a;b\n1,5;1.5\n2;2\n", ["sep: ;", "decimal: ','"])
    card("thousands", "a.csv", 'a,b\n"1,234","1,234.5"\n"12,3",2\n', ["thousands: ','"])
    card("true-false", "a.csv", "a,b\nyes,true\nno,no\nyes,yes\n", ["true_values: [yes, 'yes']", "false_values: ['no']"], ours=3)
    card("true-words", "a.csv", "a,b,c\nyes,true,1\nno,no,0\nyes,yes,1\n", ["true_values: ['yes', '1']", "false_values: ['no']"])
    card("dtype", "a.csv", NUMBERS, ["dtype: {a: str}"], differs=WHOLE)
    card("converters", "a.csv", NUMBERS, ["converters: {a: str}"], ours="NOT_IMPLEMENTED")


def encodings(card):
    text = "größer – €5 \x85\n"
    table = "a,b\n1,größer – €\n2,数😀\n"
    card("encoding-cp1252", "a.csv", table.replace("数😀", "ž").encode("cp1252"), ["encoding: cp1252"])
    card("encoding-latin-1", "a.txt", text.replace("–", "").replace("€", "\x80").encode("latin-1"), ["encoding: latin-1"])
    card("encoding-latin-1-csv", "a.csv", "a,b\n\xe9,\x91\n".encode("latin-1"), ["encoding: ISO-8859-1"])
    for name in ["utf-16", "utf-16-le", "UTF_16_BE"]:
        card(f"encoding-{name.lower()}-csv", "a.csv", table.encode(name), [f"encoding: {name}"])
        card(f"encoding-{name.lower()}-text", "a.txt", table.encode(name), [f"encoding: {name}"])
    card("encoding-utf-16-json", "a.jsonl", '{"a": "größer 😀"}\n'.encode("utf-16-le"), ["encoding: utf-16-le"])
    card("encoding-latin-1-json", "a.jsonl", '{"a": "größer"}\n{"a": "é"}\n'.encode("latin-1"), ["encoding: latin-1"])
    card("encoding-utf-8-sig", "a.txt", "\ufeffa\nb\n", ["encoding: utf-8-sig"])
    card("encoding-mark-kept", "a.txt", "\ufeffa\nb\n", ["encoding: utf-8"])
    card("encoding-ascii", "a.csv", "a,b\n1,ö\n", ["encoding: ascii"], ours="SOURCE_CORRUPT")
    card("encoding-cp1252-nothing", "a.txt", b"a\n\x81\n", ["encoding: cp1252"], ours="SOURCE_CORRUPT")
    card("encoding-other", "a.csv", NUMBERS, ["encoding: shift_jis"], ours="NOT_IMPLEMENTED")
    bad = b"a,b\n1,x\xff\xe6\x95y\n2,\xe6\x95\xb0\xc3\n"
    for errors in ["ignore", "replace"]:
        card(f"errors-{errors}-csv", "a.csv", bad, [f"encoding_errors: {errors}"])
        card(f"errors-{errors}-text", "a.txt", bad, [f"encoding_errors: {errors}"])
        card(f"errors-{errors}-utf-16", "a.txt", "a\ud842b\n😀".encode("utf-16-le", "surrogatepass"), ["encoding: utf-16-le", f"encoding_errors: {errors}"])
        card(f"errors-{errors}-ascii-json", "a.jsonl", b'{"a": "x\xc3\xa9"}\n', ["encoding: ascii", f"encoding_errors: {errors}"])
    card("errors-other", "a.txt", bad, ["encoding_errors: surrogateescape"], ours="NOT_IMPLEMENTED")
    card("errors-strict", "a.txt", bad, ["encoding_errors: strict"], ours="SOURCE_CORRUPT")


def texts(card):
    text = "\none\r\ntwo\n\n\nthree\n\n\n\nfour\rfive\n\r\n\n\nsix\n"
    for sample_by in ["line", "paragraph", "document"]:
        card(f"sample_by-{sample_by}", "a.txt", text, [f"sample_by: {sample_by}"])
        card(f"sample_by-{sample_by}-kept", "a.txt", text[:-1], [f"sample_by: {sample_by}", "keep_linebreaks: true"])
    card("sample_by-other", "a.txt", text, ["sample_by: word"], ours="NOT_IMPLEMENTED")
    card("sample_by-document-empty", "a.txt", "", ["sample_by: document"])


def fields(card):
    rows = [{"a": n, "b": {"c": [str(n)]}} for n in range(3)]
    document = {"version": [1, {"data": "]}"}], "data\\": None, "data": rows, "end": {"x": 'y"'}}
    card("field", "a.json", json.dumps(document, indent=1), ["field: data"])
    card("field-escaped", "a.json", json.dumps({"größer": rows}), ["field: größer"])
    card("field-texts", "a.json", json.dumps({"data": ["x", "y\\\"]", None]}), ["field: data"])
    card("field-numbers", "a.json", json.dumps({"data": [1, 2]}), ["field: data"])
    card("field-missing", "a.json", json.dumps(document), ["field: other"], ours="SOURCE_CORRUPT")
    card("field-of-columns", "a.json", json.dumps({"data": {"a": [1, 2]}}), ["field: data"], ours="SOURCE_CORRUPT")
    card("field-of-lines", "a.jsonl", "".join(json.dumps(row) + "\n" for row in rows), ["field: data"], ours="SOURCE_CORRUPT")
    card("field-encoding", "a.json", json.dumps({"data": [{"a": "é"}]}, ensure_ascii=False).encode("latin-1"), ["field: data", "encoding: latin-1"])
    card("field-cut", "a.json", json.dumps(document)[:-9], ["field: data"], ours="SOURCE_CORRUPT")


def others(card):
    sink = io.BytesIO()
    pa.parquet.write_table(pa.table({"a": [1, 2], "b": ["x", "y"], "c": [[1], None]}), sink)
    card("columns", "a.parquet", sink.getvalue(), ["columns: [c, a]"])
    card("columns-all", "a.parquet", sink.getvalue(), ["columns: [c, a, b]", "batch_size: 1"])
    card("columns-missing", "a.parquet", sink.getvalue(), ["columns: [z, a]"], ours="SCHEMA_MISMATCH")
    card("filters", "a.parquet", sink.getvalue(), ["filters: [[a, '>', 1]]"], ours="NOT_IMPLEMENTED")
