package jsonscan

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func scanOf(t rapidOrTest, body []byte) ([]Field, int) {
	out := make([]Field, len(wanted))
	_, at, err := keys.Scan(body, out)
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return out, at
}

type rapidOrTest interface{ Fatalf(string, ...any) }

func TestApply(t *testing.T) {
	t.Parallel()
	body := []byte(`{ "model" : "a", "stream":false, "x":1}`)
	out, at := scanOf(t, body)
	got := Apply([]byte("> "), body,
		Edit{Field: out[1], Text: []byte("true")},
		Edit{Field: out[0], Text: []byte(`"b"`)},
		Edit{At: at, Text: []byte(`"p":1,`)},
		Edit{At: at, Text: []byte(`"q":2,`)})
	if want := `> {"p":1,"q":2, "model" : "b", "stream":true, "x":1}`; string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if string(body) != `{ "model" : "a", "stream":false, "x":1}` {
		t.Error("body was changed")
	}
}

func TestMemberAndKey(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"k":1}`:                     `{}`,
		`{"k" : 1 , "a":2}`:           `{ "a":2}`,
		`{"a":2 , "k":1}`:             `{"a":2 }`,
		`{"a":",","k":"\",",  "b":3}`: `{"a":",",  "b":3}`,
		`{"\u006b":1,"b":3}`:          `{"b":3}`,
	} {
		out, _ := scanOf(t, []byte(in))
		if got := string(Apply(nil, []byte(in), Edit{Field: Member([]byte(in), out[4])})); got != want {
			t.Errorf("%s became %s, want %s", in, got, want)
		}
		var key string
		if err := json.Unmarshal(Key([]byte(in), out[4]).In([]byte(in)), &key); err != nil || key != "k" {
			t.Errorf("key of %s: %q, %v", in, key, err)
		}
	}
}

// A removed member is gone, and nothing else is touched.
func TestMemberRemovesOnlyItself(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		object := rapid.MapOfN(rapid.StringMatching(`[a-j]{1,3}|é|"|\\`), rapid.String(), 0, 5).Draw(t, "object")
		object["model"] = rapid.String().Draw(t, "model")
		body, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		out, _ := scanOf(t, body)
		var left map[string]string
		if err := json.Unmarshal(Apply(nil, body, Edit{Field: Member(body, out[0])}), &left); err != nil {
			t.Fatal(err)
		}
		delete(object, "model")
		if diff := cmp.Diff(object, left); diff != "" {
			t.Error(diff)
		}
	})
}
