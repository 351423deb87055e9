package openai

import (
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestErrorBody(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ got, want string }{
		{
			string(ErrorBody(429, "", "rate_limit_exceeded", "", "Slow \"down\"\n")),
			`{"error":{"message":"Slow \"down\"\n","type":"rate_limit_error","param":null,"code":"rate_limit_exceeded"}}`,
		},
		{
			string(ErrorBody(400, "image_generation_user_error", "", "n", "x")),
			`{"error":{"message":"x","type":"image_generation_user_error","param":"n","code":null}}`,
		},
		{
			string(ErrorFrame(502, "", "upstream_error", "", "cut")),
			"data: " + `{"error":{"message":"cut","type":"server_error","param":null,"code":"upstream_error"}}` + "\n\n",
		},
	} {
		if c.got != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
	}
}

func TestParseError(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][4]string{
		`{"error":{"message":"m","type":"t","param":"p","code":"c"}}`:  {"c", "t", "p", "m"},
		`{"error":{"message":"m","type":"t","param":null,"code":404}}`: {"404", "t", "", "m"},
		`{"error":"gone","code":7}`:                                    {"7", "", "", "gone"},
		`{"code":20012,"message":"model absent","data":null}`:          {"20012", "", "", "model absent"},
		`{"detail":"Not Found"}`:                                       {"", "", "", "Not Found"},
		`{"msg":"x"}`:                                                  {"", "", "", "x"},
		` "Invalid token" `:                                            {"", "", "", "Invalid token"},
		`<html>nginx</html>`:                                           {},
		`{"error":{"message":{"deep":1},"code":"c"}}`:                  {"c", "", "", ""},
		``: {},
	} {
		code, typ, param, message := ParseError([]byte(body))
		if got := [4]string{code, typ, param, message}; got != want {
			t.Errorf("%s: got %q, want %q", body, got, want)
		}
	}
}

func TestModelList(t *testing.T) {
	t.Parallel()
	got := ModelList([]Model{{ID: "a", Created: 1, OwnedBy: "x"}, {ID: `b"`, Created: 2, OwnedBy: "y"}})
	want := `{"object":"list","data":[{"id":"a","object":"model","created":1,"owned_by":"x"},` +
		`{"id":"b\"","object":"model","created":2,"owned_by":"y"}]}`
	if string(got) != want {
		t.Errorf("got %s", got)
	}
	if string(ModelList(nil)) != `{"object":"list","data":[]}` {
		t.Error("the empty list")
	}
	ids, ok := ParseModels(got)
	if diff := cmp.Diff([]string{"a", `b"`}, ids); diff != "" || !ok {
		t.Error(diff)
	}
	for _, bad := range []string{`<html>`, `{}`, `{"data":5}`} {
		if _, ok := ParseModels([]byte(bad)); ok {
			t.Errorf("%s is a list", bad)
		}
	}
}

func FuzzParseError(f *testing.F) {
	f.Add([]byte(`{"error":{"message":"m","type":5,"param":[],"code":"c"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, text := range func() []string { a, b, c, d := ParseError(body); return []string{a, b, c, d} }() {
			if !utf8.ValidString(text) {
				t.Errorf("%q", text)
			}
		}
	})
}
