package store

import (
	"database/sql"
	"database/sql/driver"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/inference"
)

// TestColumnsComeBack writes each column type as a driver would and reads it as text, as bytes and as it was written.
func TestColumnsComeBack(t *testing.T) {
	t.Parallel()
	some := quantities{}
	some[inference.TextInput], some[inference.Search] = 5, 1<<60
	for _, v := range []driver.Valuer{
		stamp(0), stamp(1), stamp(-62_000_000_000_000_000), document(nil), document(`{"b": 1.50, "a":[]}`),
		list[identity.Role](nil),
		list[identity.Role]{"admin", `"'`},
		quantities{},
		some, resource(inference.AudioOutput),
		folded(""), fold("ÄÖ@X"),
	} {
		stored, err := v.Value()
		if err != nil {
			t.Fatalf("%#v: %v", v, err)
		}
		forms := []any{stored}
		if text, ok := stored.(string); ok {
			forms = append(forms, []byte(text))
		}
		for _, form := range forms {
			back := reflect.New(reflect.TypeOf(v))
			scanner, ok := reflect.TypeAssert[sql.Scanner](back)
			if !ok {
				t.Fatalf("%T cannot be read", v)
			}
			if err := scanner.Scan(form); err != nil {
				t.Fatalf("%#v: %v", v, err)
			}
			if !reflect.DeepEqual(back.Elem().Interface(), v) {
				t.Errorf("%#v came back as %#v", v, back.Elem().Interface())
			}
		}
	}
}

func TestColumnsRefuseWhatTheyDidNotWrite(t *testing.T) {
	t.Parallel()
	for _, v := range []sql.Scanner{new(stamp), new(document), new(list[string]), new(quantities), new(resource)} {
		for _, src := range []any{1.5, true} {
			if err := v.Scan(src); err == nil {
				t.Errorf("%T took %T", v, src)
			}
		}
	}
	for src, v := range map[string]sql.Scanner{
		`{"text_inputs":1}`: new(quantities), `{"text_input":1.5}`: new(quantities), "tokens": new(resource), "{": new(list[string]),
	} {
		if err := v.Scan(src); err == nil {
			t.Errorf("%T took %s", v, src)
		}
	}
}

func TestStampKeepsMicroseconds(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("", 3600)
	in := time.Date(2026, 1, 2, 3, 4, 5, 678_901_234, zone)
	if got, want := stampOf(in).time(), time.Date(2026, 1, 2, 2, 4, 5, 678_901_000, time.UTC); got != want {
		t.Errorf("%v came back as %v, want %v", in, got, want)
	}
}

func TestClip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		s := string(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(r, "s"))
		n := rapid.IntRange(0, 40).Draw(r, "n")
		got := clip(s, n)
		if len(got) > n || !utf8.ValidString(got) || strings.Contains(got, "\x00") || !strings.HasPrefix(clean(s), got) {
			r.Fatalf("clip(%q, %d) = %q", s, n, got)
		}
		if len(clean(s)) <= n && got != clean(s) || len(clean(s)) > n && len(got) < n-3 {
			r.Fatalf("clip(%q, %d) = %q cuts too much", s, n, got)
		}
	})
}
