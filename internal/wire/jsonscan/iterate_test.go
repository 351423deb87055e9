package jsonscan

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMembersAndElements(t *testing.T) {
	t.Parallel()
	var got []string
	it := Members([]byte(` { "a" : [1, 2] ,"b\n":"x"} trailing`))
	for it.Next() {
		got = append(got, string(it.Key), string(it.Value))
	}
	el := Elements([]byte(`[1, {"k":[]} ,null]x`))
	for el.Next() {
		got = append(got, string(el.Value))
	}
	want := []string{"a", "[1, 2]", `b\n`, `"x"`, "1", `{"k":[]}`, "null"}
	if diff := cmp.Diff(want, got); diff != "" || it.Err != nil || el.Err != nil || it.Next() {
		t.Error(diff, it.Err, el.Err)
	}
	for _, empty := range []Iterator{Members([]byte(`{}`)), Elements([]byte(`[ ]`))} {
		if empty.Next() || empty.Err != nil {
			t.Errorf("an empty container has %s, %v", empty.Value, empty.Err)
		}
	}
	for _, wrong := range []Iterator{Members([]byte(`[]`)), Elements([]byte(`"a"`)), Members(nil)} {
		if wrong.Next() || !errors.Is(wrong.Err, ErrType) {
			t.Errorf("got %v", wrong.Err)
		}
	}
}

func TestAnythingIsWalkedOver(t *testing.T) {
	t.Parallel()
	for _, nothing := range []Iterator{AnyElements(nil), AnyElements([]byte(`{"a":1}`)), AnyMembers(nil), AnyMembers([]byte(`[1]`))} {
		if nothing.Next() || nothing.Err != nil {
			t.Errorf("walked over %s, %v", nothing.Value, nothing.Err)
		}
	}
	el, m := AnyElements([]byte(`[1]`)), AnyMembers([]byte(`{"a":2}`))
	if !el.Next() || string(el.Value) != "1" || !m.Next() || string(m.Value) != "2" {
		t.Errorf("%s and %s", el.Value, m.Value)
	}
}

func FuzzIterator(f *testing.F) {
	f.Add([]byte(`{"a":1,"b":[{}]}`))
	f.Add([]byte(`[1,[2],{"x":"y"}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var array []json.RawMessage
		if json.Unmarshal(text, &array) != nil || array == nil {
			for it := Members(text); it.Next(); {
				if !json.Valid(it.Value) {
					t.Errorf("%q is not a value", it.Value)
				}
			}
			return
		}
		i, it := 0, Elements(text)
		for ; it.Next(); i++ {
			if string(it.Value) != string(array[i]) {
				t.Errorf("element %d is %q, want %q", i, it.Value, array[i])
			}
		}
		if i != len(array) && !errors.Is(it.Err, ErrDepth) {
			t.Errorf("%d elements, want %d: %v", i, len(array), it.Err)
		}
	})
}
