package files

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestNamesShowNoFolders(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"a.jsonl": "a.jsonl", "../../etc/passwd": "passwd", `C:\x\y.txt`: "y.txt", "": "file", "..": "file", "/": "file", "\x00\n": "file",
		"a\u202eb": "ab", "\xffx": "x", "名.jsonl": "名.jsonl",
	} {
		if got := cleanName(name); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
	long := cleanName(strings.Repeat("é", 300))
	if len(long) > maxName || !utf8.ValidString(long) {
		t.Errorf("%d bytes", len(long))
	}
}
