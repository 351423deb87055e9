package tokens_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tiktoken-go/tokenizer"
	"pgregory.net/rapid"

	"github.com/gantry-ai/gantry/internal/wire/tokens"
)

func TestKnownCounts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text          string
		o200k, cl100k int64
	}{
		{"", 0, 0},
		{"hello world", 2, 2},
		{"tiktoken is great!", 6, 6}, // as in OpenAI's cookbook, for cl100k
		{"antidisestablishmentarianism", 6, 6},
		{"2 + 2 = 4", 7, 7},
		{"お誕生日おめでとう", 8, 9},
		{"你好，世界", 3, 6},
	} {
		if got := tokens.Count(tokens.O200k, c.text); got != c.o200k {
			t.Errorf("o200k %q: %d, want %d", c.text, got, c.o200k)
		}
		if got := tokens.Count(tokens.Cl100k, c.text); got != c.cl100k {
			t.Errorf("cl100k %q: %d, want %d", c.text, got, c.cl100k)
		}
	}
}

const (
	english = "The relay takes a caller's request to an upstream and back, and leaves behind exactly one record with what it cost.\n"
	chinese = "网关把调用方的请求送到上游再带回来，并且只留下一条记录，写明它花了多少钱。\n"
	code    = "func (c *Counter) Add(text string) {\n\tfor len(text) > 0 && c.bytes < maxExact {\n\t\tn := 0x1F // 1234567\n\t}\n}\n"
	russian = "Шлюз передаёт запрос и оставляет ровно одну запись о его стоимости.\n"
)

// library counts a text in one piece.
func library(t *testing.T, text string) int64 {
	t.Helper()
	c, err := tokenizer.Get(tokenizer.O200kBase)
	if err != nil {
		t.Fatal(err)
	}
	n, err := c.Count(text)
	if err != nil {
		t.Fatal(err)
	}
	return int64(n)
}

func TestTextInPiecesCountsAsOne(t *testing.T) {
	t.Parallel()
	for name, part := range map[string]string{"en": english, "zh": chinese, "code": code, "ru": russian, "mixed": english + chinese + code} {
		text := strings.Repeat(part, 40)
		want := library(t, text)
		c := tokens.New(tokens.O200k)
		for _, r := range text {
			c.Add(string(r))
			c.Floor()
		}
		if got := c.Total(); got != want || tokens.Count(tokens.O200k, text) != want {
			t.Errorf("%s: %d in pieces, %d at once, want %d", name, got, tokens.Count(tokens.O200k, text), want)
		}
	}
}

func TestLongRunsStayNearTheTruth(t *testing.T) {
	t.Parallel()
	for _, run := range []string{"a", "我", " ", "\n", "é", "0", "-", "😀", "aB", "\u0301", "'", "a'"} {
		text := strings.Repeat(run, 20_000/len(run))
		got, want := tokens.Count(tokens.O200k, text), library(t, text)
		if got < want || got > want+want/20+40 {
			t.Errorf("%q: %d, want about %d", run, got, want)
		}
	}
}

func TestVeryLongTextsAreApproximatedFromSomewhereOn(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a b ", 1<<18) // 1 MiB: as tokens twice what the approximation says
	got := tokens.Count(tokens.O200k, long)
	if least, most := int64(1<<18), int64(1<<18+1<<16+100); got < least || got > most {
		t.Errorf("%d tokens, want %d to %d", got, least, most)
	}
	if again := tokens.Count(tokens.O200k, long); again != got {
		t.Errorf("%d and then %d", got, again)
	}
}

func TestApproximation(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"": 0, "abcd": 1, "abcde": 2, "你好吗": 2, "да": 1, strings.Repeat("a", 4000): 1000} {
		if got := tokens.Count(tokens.Other, text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

func TestFamilies(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]tokens.Family{
		"gpt-4o-mini": tokens.O200k, "GPT-5": tokens.O200k, "openai/gpt-4.1": tokens.O200k, "o1-preview": tokens.O200k, "o3": tokens.O200k,
		"ft:gpt-4o:acme::7": tokens.O200k, "gpt-4": tokens.Cl100k, "gpt-4-turbo": tokens.Cl100k, "gpt-3.5-turbo": tokens.Cl100k,
		"text-embedding-3-small": tokens.Cl100k, "claude-sonnet-4-5": tokens.Other, "o1x": tokens.Other, "gpt-40": tokens.Other,
		"qwen3-max": tokens.Other, "": tokens.Other,
	} {
		if got := tokens.FamilyOf(name); got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
	if tokens.FamilyOf("deployment-7", "gpt-4o") != tokens.O200k {
		t.Error("the second name was not looked at")
	}
}

// TestCounts: never negative, never shrinking below what was promised, additive up to what a seam can change.
func TestCounts(t *testing.T) {
	t.Parallel()
	piece := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{english, chinese, code, "aaaa", " ", "\n\n", "'s", "\u0301", "\xff\xfe"}))
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom([]tokens.Family{tokens.O200k, tokens.Cl100k, tokens.Other}).Draw(t, "family")
		pieces := rapid.SliceOfN(piece, 0, 30).Draw(t, "pieces")
		c := tokens.New(f)
		var floor, sum int64
		for _, p := range pieces {
			c.Add(p)
			next := c.Floor()
			if next < floor || c.Total() < next {
				t.Fatalf("floor %d, then %d of %d", floor, next, c.Total())
			}
			floor = next
			sum += tokens.Count(f, p)
		}
		whole := strings.Join(pieces, "")
		total := c.Total()
		if total < 0 || total < floor || total > int64(len(whole)) || utf8.ValidString(whole) && total > sum+int64(len(whole)/512+len(pieces)) {
			t.Fatalf("%d tokens of %d bytes, the pieces have %d, the floor was %d", total, len(whole), sum, floor)
		}
	})
}

func BenchmarkCount(b *testing.B) {
	for name, text := range map[string]string{"en": strings.Repeat(english, 40), "run": strings.Repeat("a", 4600), "long": strings.Repeat(english, 10_000)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				tokens.Count(tokens.O200k, text)
			}
		})
	}
}
