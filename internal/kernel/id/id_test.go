package id_test

import (
	"testing"

	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// FuzzParse reads names that callers make up: what is an id comes back as it was, and nothing else is one.
func FuzzParse(f *testing.F) {
	f.Add("019c8a45-0a00-7000-8000-000000000001")
	f.Add("019C8A450A0070008000000000000001")
	f.Add("00000000-0000-0000-0000-000000000000")
	f.Fuzz(func(t *testing.T, s string) {
		u, err := id.Parse(s)
		if err == nil {
			text, _ := u.AppendText(nil)
			if again, err := id.Parse(string(text)); err != nil || again != u || len(s) != len(text) {
				t.Errorf("%q is %v, which is %v, %v", s, u, again, err)
			}
		} else if !u.IsZero() {
			t.Errorf("%q is refused and is %v", s, u)
		}
		if u, err := id.ParseCompact(s); err == nil && u.Compact() != s {
			t.Errorf("%q is %q", s, u.Compact())
		}
		var scanned id.ID
		if err := scanned.Scan([]byte(s)); err == nil && len(s) != 0 && len(s) != 16 && len(s) != 36 {
			t.Errorf("%q is read as %v", s, scanned)
		}
	})
}
