"""Templates of the request log: what is filled in, and what is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.api.request_template import DEFAULT, TEMPLATE_MAX, Logged, Template

REQUEST = Logged(
    method="GET",
    uri="/a?x='1'",
    proto="HTTP/2.0",
    host="h.example",
    remote="10.0.0.9:1234",
    header={"User-Agent": ['cu"rl'], "X-B3-Traceid": ["t1"], "Referer": ["r"]},
    content_length=3,
    code=404,
    size=5,
    latency_s=0.25,
    name="hello-00001",
    namespace="ns",
    service="hello",
    configuration="conf",
    pod_name="p",
    pod_ip="10.1.0.2",
)


@pytest.mark.parametrize(
    ("template", "line"),
    [
        ("plain } text", "plain } text"),
        ("{{.Request.Method}} {{ .Request.RequestURI }}", "GET /a?x='1'"),
        ("{{.Request.URL.Path}}|{{.Request.URL.RawQuery}}", "/a|x='1'"),
        ("{{.Request.Proto}} {{.Request.ProtoMajor}}.{{.Request.ProtoMinor}}", "HTTP/2.0 2.0"),
        ("{{.Request.Host}} {{.Request.RemoteAddr}}", "h.example 10.0.0.9:1234"),
        ("{{.Request.Referer}} {{.Request.ContentLength}}", "r 3"),
        ("TLS: {{.Request.TLS}}", "TLS: <nil>"),
        ("{{.Response.Code}} {{.Response.Size}} {{.Response.Latency}}s", "404 5 0.25s"),
        ("{{.Revision.Namespace}}/{{.Revision.Name}}", "ns/hello-00001"),
        ("{{.Revision.Service}} {{.Revision.Configuration}}", "hello conf"),
        ("{{.Revision.PodName}} {{.Revision.PodIP}}", "p 10.1.0.2"),
        ("{{js .Request.UserAgent}}", 'cu\\"rl'),
        ("{{.Request.UserAgent | js | html}}", "cu\\&#34;rl"),
        ('{{index .Request.Header "X-B3-Traceid"}}', "[t1]"),
        ('{{index .Request.Header "x-b3-traceid"}}', "[]"),
        ('{{.Request.Header.Get "x-b3-traceid"}}{{.Request.Header.Get `none`}}', "t1"),
        ("{{.Request.Header}}", 'map[Referer:[r] User-Agent:[cu"rl] X-B3-Traceid:[t1]]'),
        ("a {{- /* said { nobody }} */ -}} b", "ab"),
        ("a\n{{- 1 -}}\n b", "a1b"),
        ('{{print 1 2 "}}" 3}}', "1 2}}3"),
        ("{{len .Request.Host}}{{urlquery (print .Request.Host)}}", "9h.example"),
        ("{{if eq .Response.Code 200 404}}known{{end}}", "known"),
        ("{{if ge .Response.Code 500}}bad{{else if not .Response.Size}}e{{else}}ok{{end}}", "ok"),
        ("{{if and .Request.Method (ne .Request.Method `PUT`)}}{{or `` `x`}}{{end}}", "x"),
        ("{{if true}}{{if false}}a{{else}}b{{end}}{{end}}{{nil}}", "b<nil>"),
    ],
)
def test_lines(template: str, line: str) -> None:
    assert Template(template).render(REQUEST) == line


def test_knatives_own() -> None:
    found = json.loads(Template(DEFAULT).render(Logged(latency_s=0.5, header={})))
    assert found == {
        "httpRequest": {
            "requestMethod": "",
            "requestUrl": "",
            "requestSize": "0",
            "status": 0,
            "responseSize": "0",
            "userAgent": "",
            "remoteIp": "",
            "serverIp": "",
            "referer": "",
            "latency": "0.5s",
            "protocol": "HTTP/1.1",
        },
        "traceId": "[]",
    }


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{{.Request.Body}}", "no field .Request.Body; fields are .Request.Method"),
        ("{{.}}", "no field ."),
        ("{{range .Request.Header}}{{end}}", "'range' is not known here; functions are js"),
        ("{{with .Request}}{{end}}", "'with' is not known here"),
        ("{{$x := 1}}", "unexpected '\\$'"),
        ("{{.Request.Method", "unclosed action: '{{.Request.Method'"),
        ("{{ /* never", "unclosed action"),
        ("{{if .Request.Method}}", "is not ended by {{end}}"),
        ("{{if true}}{{else}}{{else}}{{end}}", "is not ended by {{end}}"),
        ("{{end}}", "unexpected {{end}}"),
        ("{{}}", "missing value"),
        ("{{js}}", "js takes 1 to 9 arguments, not 0"),
        ("{{not 1 2}}", "not takes 1 arguments, not 2"),
        ("{{.Request.Header.Get}}", "Request.Header.Get takes 1 arguments, not 0"),
        ("{{index .Request.Host 0}}", "index takes .Request.Header and a name"),
        ("{{lt .Request.Host 3}}", "lt cannot be used with such arguments"),
        ('{{.Request.Method "a"}}', "unexpected '\"a\"'"),
        ("{{1 | .Request.Method}}", "only a function may follow |"),
        ("{{(print 1}}", "unclosed parenthesis"),
        ("{{" + "(" * 30 + "1" + ")" * 30 + "}}", "unexpected '\\('"),
        ("{{if true}}" * 30 + "{{end}}" * 30, "levels of if"),
        ("x" * (TEMPLATE_MAX + 1), "longer than"),
    ],
)
def test_refusals(template: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Template(template)


@given(
    st.lists(st.sampled_from(["{{", "}}", "if", "end", " ", "(", "|", ".Request", '"', "-", "1"]))
)
def test_nothing_else_is_raised(pieces: list[str]) -> None:
    try:
        Template("".join(pieces)).render(REQUEST)
    except ValueError:
        pass
