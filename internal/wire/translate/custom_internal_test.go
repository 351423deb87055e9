package translate

import (
	"strings"
	"testing"
)

// FuzzUnwrapping: free text comes out of arguments as it went in, however they are cut.
func FuzzUnwrapping(f *testing.F) {
	f.Add("a \"b\"\n\\ 😀 \u2028", uint8(1))
	f.Add("", uint8(3))
	f.Fuzz(func(t *testing.T, text string, step uint8) {
		text = strings.ToValidUTF8(text, "?")
		for _, arguments := range []string{
			wrapped(text), strings.Replace(wrapped(text), `{"input":`, "{ \"input\" :\n", 1),
			strings.ReplaceAll(wrapped(text), "😀", `\ud83d\uDE00`), `{"x":1,` + wrapped(text)[1:],
		} {
			if got := unwrapped(arguments); got != text {
				t.Errorf("%s: %q", arguments, got)
			}
			if got := pieces(arguments, int(step%7)+1); got != text {
				t.Errorf("%s in pieces of %d: %q", arguments, step%7+1, got)
			}
		}
	})
}

func pieces(arguments string, step int) string {
	var u unwrapping
	var out strings.Builder
	for len(arguments) > 0 {
		n := min(step, len(arguments))
		out.WriteString(u.add(arguments[:n]))
		arguments = arguments[n:]
	}
	return out.String() + u.end()
}

// TestArgumentsOfAnotherForm are free text themselves.
func TestArgumentsOfAnotherForm(t *testing.T) {
	t.Parallel()
	for arguments, want := range map[string]string{
		`plain`: `plain`, `{"patch":"x"}`: `{"patch":"x"}`, `{"input":5}`: `{"input":5}`, ``: ``, `["input"]`: `["input"]`, `{"input":"cut \n h`: "cut \n h",
	} {
		if got := pieces(arguments, 3); got != want {
			t.Errorf("%s: %q", arguments, got)
		}
	}
}
