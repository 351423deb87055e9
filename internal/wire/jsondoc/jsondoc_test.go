package jsondoc_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

func TestValuesKnowWhereTheyStand(t *testing.T) {
	t.Parallel()
	doc, err := jsondoc.Parse([]byte(`{"a":[{"b\u0063":1.0},{"bc":"x"}],"n":null}`))
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	err = doc.Members(func(key string, v jsondoc.Value) error {
		return v.Elements(func(v jsondoc.Value) error {
			return v.Members(func(_ string, v jsondoc.Value) error {
				seen = append(seen, v.Path)
				_, err := v.Int()
				return err
			})
		})
	})
	if got := strings.Join(seen, " "); got != "a[0].bc a[1].bc" {
		t.Errorf("walked over %q", got)
	}
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Path != "a[1].bc" || f.Code != fault.ErrInvalid.Code {
		t.Errorf("a text is no integer: %v", err)
	}
}

func TestIntegers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"1": 1, "-7": -7, "3.0": 3, "10": 10, "100.000": 100, "null": 0, "": 0} {
		if got, err := (jsondoc.Value{Raw: []byte(text)}).Int(); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"1.5", "1e3", `"1"`, "[]", "true"} {
		if got, err := (jsondoc.Value{Raw: []byte(text)}).Int(); err == nil {
			t.Errorf("%q is %d", text, got)
		}
	}
}

func TestWriterPutsCommas(t *testing.T) {
	t.Parallel()
	var w jsondoc.Writer
	w.Open('{').Key("a").Open('[').Int(1).Str("x").Bool(true).Open('{').Close('}').Close(']').
		Text("empty", "").Text("b", "y").Member("c", []byte(`{"d":null}`)).Member("none", nil).Key("e").Null().Close('}')
	if got := string(w.B); got != `{"a":[1,"x",true,{}],"b":"y","c":{"d":null},"e":null}` {
		t.Error(got)
	}
}

func FuzzAppendString(f *testing.F) {
	f.Add("plain")
	f.Add("\"\\\n\x00\x1f\x7fé\u2028\xff😀")
	f.Fuzz(func(t *testing.T, s string) {
		var back string
		if err := json.Unmarshal(jsondoc.AppendString(nil, s), &back); err != nil {
			t.Fatal(err)
		}
		if want := strings.ToValidUTF8(s, "\ufffd"); strings.ToValidUTF8(back, "\ufffd") != want && len([]rune(s)) != len([]rune(back)) {
			t.Errorf("%q came back as %q", s, back)
		}
	})
}

func FuzzValue(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":"c"}],"d":null}`))
	f.Fuzz(func(_ *testing.T, raw []byte) {
		var walk func(v jsondoc.Value, depth int)
		walk = func(v jsondoc.Value, depth int) {
			if depth > 8 {
				return
			}
			_, _ = v.Int()
			_, _ = v.String()
			_, _ = v.Number()
			_ = v.Members(func(_ string, v jsondoc.Value) error { walk(v, depth+1); return nil })
			_ = v.Elements(func(v jsondoc.Value) error { walk(v, depth+1); return nil })
		}
		if doc, err := jsondoc.Parse(raw); err == nil {
			walk(doc, 0)
		}
	})
}

func TestNamesAreEscaped(t *testing.T) {
	t.Parallel()
	name := "a\n\"b\\"
	var w jsondoc.Writer
	w.Open('{').Key(name).Int(1).Text(name+"2", "x").Close('}')
	var got map[string]any
	if err := json.Unmarshal(w.B, &got); err != nil || got[name] != 1.0 || got[name+"2"] != "x" {
		t.Errorf("%s: %v", w.B, err)
	}
}

// TestNamesComeBack: names are read and written as the texts that they are, however they were escaped.
func TestNamesComeBack(t *testing.T) {
	t.Parallel()
	doc, err := jsondoc.Parse([]byte(`{"a\/b":1,"\ud83d\ude00\u0041":2,"\"\n\\":3}`))
	if err != nil {
		t.Fatal(err)
	}
	w := jsondoc.Writer{}
	w.Open('{')
	if err := doc.Members(func(key string, v jsondoc.Value) error { w.Key(key).Bytes(v.Raw); return nil }); err != nil {
		t.Fatal(err)
	}
	if got := string(w.Close('}').B); got != `{"a/b":1,"😀A":2,"\"\n\\":3}` {
		t.Error(got)
	}
}
