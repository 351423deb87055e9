package jsonscan

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

var wanted = []string{"model", "stream", "max_tokens", "stream_options", "k"}

var keys = NewKeys(wanted...)

func TestScanFindsValues(t *testing.T) {
	t.Parallel()
	body := []byte(` {"a":{"model":"inner"},"mod\u0065l" : "x\ny", "max_tokens":12 ,"stream":true,"z":[1,-2.5e+3,null]} `)
	out := make([]Field, len(wanted))
	members, at, err := keys.Scan(body, out)
	if err != nil || members != 5 || at != 2 {
		t.Fatalf("got %d members, insert at %d, %v", members, at, err)
	}
	if s, err := String(body, out[0]); err != nil || s != "x\ny" {
		t.Errorf("model: %q, %v", s, err)
	}
	if b, err := Bool(body, out[1]); err != nil || !b {
		t.Errorf("stream: %v, %v", b, err)
	}
	if n, err := Int(body, out[2]); err != nil || n != 12 {
		t.Errorf("max_tokens: %d, %v", n, err)
	}
	if out[3].Found() {
		t.Errorf("stream_options found at %v", out[3])
	}
}

func TestScanRefuses(t *testing.T) {
	t.Parallel()
	deep := func(n int) string {
		return `{"a":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}`
	}
	for _, c := range []struct {
		name, body string
		want       error
		offset     int
	}{
		{"empty", ``, ErrNotObject, 0},
		{"array", `[]`, ErrNotObject, 0},
		{"null", `null`, ErrNotObject, 0},
		{"byte order mark", "\uFEFF{}", ErrNotObject, 0},
		{"duplicate", `{"model":1,"model":2}`, ErrDuplicate, 11},
		{"duplicate escaped", `{"model":1,"mod\u0065l":2}`, ErrDuplicate, 11},
		{"duplicate in another case", `{"model":1,"MODEL":2}`, ErrDuplicate, 11},
		{"duplicate with a null first", `{"model":null,"model":2}`, ErrDuplicate, 14},
		{"case alone", `{"Model":1}`, ErrCase, 1},
		{"case escaped", `{"\u004dodel":1}`, ErrCase, 1},
		{"case first", `{"Stream":true,"stream":false}`, ErrCase, 1},
		{"long s for s", `{"ſtream":true}`, ErrCase, 1},
		{"kelvin for k", `{"\u212a":true}`, ErrCase, 1},
		{"kelvin within", `{"max_to` + "\u212a" + `ens":1}`, ErrCase, 1},
		{"trailing brace", `{}}`, ErrTrailing, 2},
		{"second object", `{} {}`, ErrTrailing, 3},
		{"raw newline", "{\"a\":\"x\ny\"}", ErrControl, 7},
		{"raw newline far in", "{\"a\":\"0123456789\x01y\"}", ErrControl, 16},
		{"NUL byte", "{\"a\":\x00}", ErrSyntax, 5},
		{"invalid UTF-8 in a value", "{\"model\":\"\xff\"}", ErrUTF8, 10},
		{"invalid UTF-8 in a long value", "{\"a\":\"0123456789\xed\xa0\x80abcdefgh\"}", ErrUTF8, 16},
		{"invalid UTF-8 in a key", "{\"\xff\":1}", ErrUTF8, 2},
		{"too deep", deep(512), ErrDepth, 516},
		{"too deep without an object", strings.Repeat("[", 10001), ErrDepth, 512},
		{"bad literal", `{"a":tru}`, ErrSyntax, 5},
		{"bad inner literal", `{"x":{"y":tru}}`, ErrSyntax, 10},
		{"leading zero", `{"a":01}`, ErrSyntax, 6},
		{"bare dot", `{"a":1.}`, ErrSyntax, 7},
		{"bare exponent", `{"a":1e+}`, ErrSyntax, 8},
		{"comma at the end", `{"a":1,}`, ErrSyntax, 7},
		{"comma in an array", `{"a":[1,]}`, ErrSyntax, 8},
		{"mixed brackets", `{"a":[1}]`, ErrSyntax, 7},
		{"no colon", `{"a" 1}`, ErrSyntax, 5},
		{"bad escape", `{"a":"\x"}`, ErrSyntax, 7},
		{"short escape", `{"a":"\u00"}`, ErrSyntax, 7},
		{"open string", `{"a":"x`, ErrSyntax, 7},
		{"open object", `{"a":1`, ErrSyntax, 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := keys.Scan([]byte(c.body), make([]Field, len(wanted)))
			var e *Error
			if !errors.As(err, &e) || !errors.Is(err, c.want) || e.Offset != c.offset {
				t.Errorf("got %v, want %v at %d", err, c.want, c.offset)
			}
		})
	}
	if _, _, err := keys.Scan([]byte(deep(511)), make([]Field, len(wanted))); err != nil {
		t.Errorf("depth 512 refused: %v", err)
	}
}

func TestErrorNamesTheKeyOnly(t *testing.T) {
	t.Parallel()
	_, _, err := keys.Scan([]byte(`{"model":"secret","model":"secret"}`), make([]Field, len(wanted)))
	if got := err.Error(); got != `"model": the key comes twice (at byte 18)` {
		t.Error(got)
	}
}

func TestScanDoesNotAllocate(t *testing.T) {
	body := []byte(`{"mod\u0065l":"x","messages":[{"role":"user","content":"` + strings.Repeat("héllo ", 200) + `"}],"stream":true}`)
	out := make([]Field, len(wanted))
	allocs := testing.AllocsPerRun(100, func() {
		if _, _, err := keys.Scan(body, out); err != nil {
			t.Fatal(err)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	whole := func(s string) ([]byte, Field) { return []byte(s), Field{0, len(s)} }
	for _, c := range []struct {
		in   string
		want int64
		err  error
	}{
		{"0", 0, nil},
		{"-0", 0, nil},
		{"-12", -12, nil},
		{"999999999999999999", 999999999999999999, nil},
		{"9999999999999999999", 0, ErrInteger},
		{"1.0", 0, ErrInteger},
		{"1e3", 0, ErrInteger},
		{"1e400", 0, ErrInteger},
		{`"1"`, 0, ErrType},
		{"null", 0, ErrType},
		{"true", 0, ErrType},
	} {
		if got, err := Int(whole(c.in)); got != c.want || !errors.Is(err, c.err) {
			t.Errorf("Int(%s) = %d, %v", c.in, got, err)
		}
	}
	for _, c := range []struct {
		in, want string
		err      error
	}{
		{`"a\"\\\/\b\f\n\r\tz"`, "a\"\\/\b\f\n\r\tz", nil},
		{`"\ud83d\ude00"`, "😀", nil},
		{`"\ud83d"`, "", ErrUTF8},
		{`"\ude00\ud83d"`, "", ErrUTF8},
		{"\"\xff\"", "", ErrUTF8},
		{`12`, "", ErrType},
		{`null`, "", ErrType},
	} {
		if got, err := String(whole(c.in)); got != c.want || !errors.Is(err, c.err) {
			t.Errorf("String(%s) = %q, %v", c.in, got, err)
		}
	}
	if _, err := Bool(whole("1")); !errors.Is(err, ErrType) {
		t.Errorf("Bool(1): %v", err)
	}
	if !IsNull(whole("null")) || IsNull(whole(`""`)) {
		t.Error("IsNull")
	}
}

func TestNewKeysPanicsOnABadSet(t *testing.T) {
	t.Parallel()
	for _, names := range [][]string{{""}, {"a", "A"}, {"é"}, {strings.Repeat("x", 64)}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q accepted", names)
				}
			}()
			NewKeys(names...)
		}()
	}
}

// oracle says what encoding/json makes of a body: the raw values of the wanted keys, and whether Scan may accept it.
func oracle(body []byte) (values map[string]string, members int, ok bool) {
	if !json.Valid(body) || !utf8.Valid(body) || !bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) {
		return nil, 0, false
	}
	values = map[string]string{}
	dec := json.NewDecoder(bytes.NewReader(body))
	_, _ = dec.Token()
	for dec.More() {
		tok, _ := dec.Token()
		var raw json.RawMessage
		if dec.Decode(&raw) != nil {
			return nil, 0, false
		}
		members++
		for _, name := range wanted {
			key, _ := tok.(string)
			if !strings.EqualFold(key, name) {
				continue
			}
			if _, twice := values[name]; twice || key != name {
				return nil, 0, false
			}
			values[name] = string(raw)
		}
	}
	return values, members, depth(body) <= MaxDepth
}

func depth(body []byte) (deepest int) {
	now, dec := 0, json.NewDecoder(bytes.NewReader(body))
	for {
		tok, err := dec.Token()
		if err != nil {
			return deepest
		}
		switch tok {
		case json.Delim('{'), json.Delim('['):
			now++
			deepest = max(deepest, now)
		case json.Delim('}'), json.Delim(']'):
			now--
		}
	}
}

func FuzzScan(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"model":"a","Model":"b"}`, `{"a":{"model":[1,2,{"x":"\u00e9"}]},"stream":false}`, `{"mod\u0065l":"a"} x`,
		"{\"a\":\"\xff\"}", `{"k":1e5,"\u212a":2}`, `{"max_tokens":-0.1E+2,"stream_options":{"include_usage":true}}`,
		`{"0123456789abcdef0123456789abcdef":"日本語日本語日本語"}`, `{"a":"\ud800\udc00"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		out := make([]Field, len(wanted))
		members, at, err := keys.Scan(body, out)
		values, n, ok := oracle(body)
		if ok != (err == nil) {
			t.Fatalf("encoding/json accepts: %v; Scan: %v", ok, err)
		}
		if !ok {
			return
		}
		if members != n || body[at-1] != '{' {
			t.Errorf("members %d, want %d", members, n)
		}
		for i, name := range wanted {
			if got := string(out[i].In(body)); got != values[name] {
				t.Errorf("%s is %q, want %q", name, got, values[name])
			}
			checkString(t, body, out[i])
		}
	})
}

func checkString(t *testing.T, body []byte, f Field) {
	t.Helper()
	if !f.Found() || body[f.Start] != '"' {
		return
	}
	got, err := String(body, f)
	var want string
	if json.Unmarshal(f.In(body), &want) != nil {
		t.Fatalf("a found value does not decode: %s", f.In(body))
	}
	if err == nil && got != want {
		t.Errorf("String = %q, want %q", got, want)
	}
	if err != nil && !strings.ContainsRune(want, utf8.RuneError) {
		t.Errorf("String refuses %q: %v", want, err)
	}
}
