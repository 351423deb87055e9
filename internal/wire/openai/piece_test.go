package openai

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gantry-ai/gantry/internal/wire/tokens"
)

func TestPiecesAreCountedByTheirWords(t *testing.T) {
	t.Parallel()
	for piece, want := range map[string]int64{
		"": 0, "a": 1, "ab": 2, "token ": 4, " token": 4, "received": 4, "a b": 3, "of a ": 5, "I'm an ": 7, "x == 1;": 7, "{}": 2,
		"123": 3, "12345678": 8, "   ": 3, "        ": 4, "A-Z": 3, "@[`{": 4, "\x00\x01": 2,
	} {
		if n, ok := quarters([]byte(piece)); !ok || n != want {
			t.Errorf("%q: %d quarters (%v), want %d", piece, n, ok, want)
		}
	}
	for _, other := range []string{`\n`, "naïve", "界", "internati", `a\"`} {
		if n, ok := quarters([]byte(other)); ok {
			t.Errorf("%q was counted as a piece, %d", other, n)
		}
	}
}

// FuzzQuarters compares the count with one that looks at byte after byte.
func FuzzQuarters(f *testing.F) {
	for _, seed := range []string{"", "token ", "a1 b", "x==1", `\u00e9`, "é", "Zz[@`{az", "\x7f \x1f"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		n, ok := quarters(raw)
		want, isPiece := plainly(raw)
		if ok != isPiece || n != want {
			t.Errorf("%q: %d (%v), want %d (%v)", raw, n, ok, want, isPiece)
		}
	})
}

func plainly(raw []byte) (n int64, ok bool) {
	if len(raw) > maxPiece {
		return 0, false
	}
	count, inWord := 0, false
	for _, b := range raw {
		letter := b|0x20 >= 'a' && b|0x20 <= 'z'
		if b >= utf8.RuneSelf || b == '\\' {
			return 0, false
		}
		if letter && !inWord || b > ' ' && !letter {
			count++
		}
		inWord = letter
	}
	return int64(min(len(raw), 4*max(1, count))), true
}

// What a stream that sends a token at a time is estimated at is near what the vocabulary counts, and seldom above it.
func TestStreamsOfPiecesAreEstimatedByTheToken(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("The relay keeps every charge exact, even when the process is killed in the middle of a long answer. ", 20)
	var byPiece, whole Count
	for _, word := range strings.SplitAfter(text, " ") {
		byPiece.AddPiece([]byte(word))
	}
	whole.Add([]byte(text))
	counted := tokens.Count(tokens.O200k, text)
	if got := byPiece.Tokens(); got > counted*11/10 || got < counted*9/10 {
		t.Errorf("%d by the piece, %d by the vocabulary", got, counted)
	}
	if got := whole.Tokens(); got <= byPiece.Tokens() {
		t.Errorf("%d as a whole is not more than %d by the piece", got, byPiece.Tokens())
	}
}
